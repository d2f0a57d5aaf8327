"""The ladder: kernels that decide from samples of t -> f(x + t d) where f is asked next.

They never call f: arrays in, arrays out, no Python objects, no allocation. A driver asks f at the
points that it was given and hands the values to `rounds.advance`, or to `rounds.turn` those of one
direction, until no direction is left:

1. `points.place` says where f is asked: at x + t d with t = +-2**k, for each direction d.
2. `window.absorb` folds the values into a level per channel (`channels`: the odd and the even part
   of f, or one side of x). Levels at halved steps fill the slots of a window.
3. `noise.rising` tells whether f is resolved: smooth f changes less at smaller steps.
4. `tableau` extrapolates the levels of an output to a step of 0 and gives each entry a bar:
   truncation, noise as `noise` judges it, and rounding. The smallest bar wins.
5. `answer.record` keeps the best entry of all windows, with the evidence for and against it.
6. `decide.wish` says what the output wants: a smaller step, a larger one, or nothing more;
   `decide.choose` makes of that the next request of the direction.
7. Where all have enough, a sample off the powers of two follows, and where it surprises a pair at
   a tiny step, the check (`check`): it confirms the answer, shows noise, or refutes the answer.
8. `decide.close` ends the direction, `rounds.conclude` reads the answers off, and `symptoms` says
   of finished windows where f may have a kink or a jump.

`registers` names all that is remembered: a row of `state` per direction (its window, what it asks
for, what it has tried), a row of `outputs` per output (its answer, and the evidence). D directions,
L live ones, P points a step, C channels, m outputs. `roughness` looks for f in small smooth pieces,
`differences` gives what a single step says, `runtime` compiles the kernels or lets them be
interpreted, with the same bits; `linking` lets those that are long be called by a name.
"""
