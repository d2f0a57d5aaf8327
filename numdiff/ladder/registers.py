"""What stands where in the arrays of the ladder: a name for each register.

`state` (D, STATE), integers, has a row per direction, its `window` of levels. `outputs`
(D, m, OUTPUT) has a row per direction and output: the answer so far, then the evidence it is judged
by. `samples` (D, C, SLOTS + 2, m) holds the levels of each channel, and two steps outside them.
"""

from __future__ import annotations

from typing import NamedTuple

from numdiff.arrays import Floats

SLOTS = 16  # levels that a window has room for
# the slot SLOTS holds a sample off the lattice of powers of two, the next one the tiny step
START = 5  # slot of the first level: room for 5 larger and 10 smaller steps
NEVER = -9999  # stands for the step of a sample that there was not
FURTHEST = 99  # octaves: nobody leaps that far

# --- a window: one row of `state` ---
FIRST, LAST, BASE = range(3)  # slots FIRST to LAST are filled; slot s has the step 2**(BASE - s)
# what for and at which exponent f is asked; if levels are to be judged, or just a sample: AGAIN
PHASE, REQUEST, READY = range(3, 6)
AGAIN = 2
HIGHEST, LOWEST, OTHER = range(6, 9)  # exponents: limits of steps, and another one to start from
CEILING, FLOOR = 9, 10  # whether larger, or smaller, steps leave the domain of f
NOISY = 11  # whether what does not fall with the step was found to be noise
CHECKED = 12  # whether the sample, or the tiny step, has had its say
SAMPLE_STEP = 13  # exponent of the sample off the lattice, or NEVER
PRIOR = 14  # what is known of noise beforehand: 0 nothing, or one of these:
COMPLETE, ELSEWHERE, LOOKED = 1, 2, 3  # all there is, what others have shown, what was looked at
RESTARTS, SHRINKS, RESCALED = range(15, 18)  # how often what has been tried
ENOUGH, LARGER, SMALLER, LOST = range(18, 22)  # how many outputs want what; LOST sees no scale of f
OCTAVES = 22  # how far down all that want smaller steps may leap
TINY = 23  # exponent of the tiny step, or NEVER
LOOSE = 24  # where two pairs may do: what comes next of them, 0 if nothing
TABLED = 25  # rows of its tableau that are still in the room of one output
STATE = 26

# what is in PHASE: the next level, the sample off the lattice, the tiny step, a second one, the end
LADDER, SAMPLE, CHECK, DOUBT, DONE = range(5)

# --- one output in one direction: a row of `outputs` ---
# the answer: a derivative, its bar, a code of numdiff.constants, the smallest step, noise of f
ESTIMATE, ERROR, STATUS, STEP, DEVIATION = range(5)
# where it comes from
CLOSED = 5  # whether nothing more is to be found out
WINDOW = 6  # BASE of its window
IDLE = 7  # how many levels in a row have not narrowed the bar
GUESS = 8  # 1 if it has no digit at all, 2 if no noise is an excuse for that
# the evidence for a check: change of f per step, how well it is known, and how much it still bends
SLOPE, SLACK, SPREAD = range(9, 12)
# the evidence against it
LEAST_NOISE = 12  # noise known beforehand, or that the check has shown
SURPRISE = 13  # by how much the tiny step contradicted it
ROUGHNESS = 14  # error of the derivative if f comes in small smooth pieces, as far as was seen
DISPUTE = 15  # how far windows that have a bar contradict each other
FORMER = 16  # what a window said that the check refuted, 0 if none was
PROVEN = 17  # the bar that the levels prove, without what contradicts it
OUTPUT = 18

# --- one channel: a row of `shape` in numdiff.ladder.channels ---
# STEADY is 1 where f may have powers between those of the expansion, as products of |x| have
LEAD, TERMS, ORDER, RATIO, COLUMNS, STEADY = range(6)

# --- the best entry of a tableau: its value and bar, the parts of the bar, where it stands, the
# noise and the rounding of f in it; and the noise that all differences show ---
VALUE, BAR, TRUNCATION, NOISE, ROW, COLUMN, SIGMA, ROUND, STALLED = range(9)
BEST = 9


class Room(NamedTuple):
    """Room to work in for one output; nothing in it outlives its turn."""

    y: Floats  # (C, SLOTS): the levels of the channels, from the largest step on
    floors: Floats  # (SLOTS,): the rounding of f at each level
    residuals: Floats  # (C * SLOTS**2,): differences that are noise
    table: (
        Floats  # (C + 2, SLOTS, SLOTS): a tableau per channel; truncation and bars of the main one
    )
    best: Floats  # (BEST,)
    sample: Floats  # (C + 1,): what the sample off the lattice showed, and its width, 0 if none
