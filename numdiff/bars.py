r"""How an error bar is made: from values of f to the number behind ``+-``.

This module holds no code. It says in formulas what `numdiff.ladder` does in kernels, for the
derivative of order p of $t \mapsto f(x + t d)$ at 0, where d is a direction: a unit vector for an
entry of a gradient, v for a product with v.

1. Levels
---------
f is asked at $x \pm h_k d$ with $h_k = h_0 2^{-k}$. The $h_k$ are powers of two, so that
$x \pm h_k d$ loses as few bits as may be. For the first derivative from both sides a level is

$$D_k = \frac{f(x + h_k d) - f(x - h_k d)}{2 h_k} = f' + c_1 h_k^2 + c_2 h_k^4 + \dots$$

and from one side, with f(x) in place of the other value, a series in all powers of $h_k$. With
$r = 4$ (both sides) or $r = 2$ (one side) the powers are eliminated one after the other:

$$T_{k,0} = D_k, \qquad T_{k,j} = T_{k,j-1} + \frac{T_{k,j-1} - T_{k-1,j-1}}{r^j - 1}.$$

That is Richardson's extrapolation (1911, doi:10.1098/rsta.1911.0009) in the tableau of Romberg and
Neville. Every $T_{k,j}$ is an answer, and each gets a bar of its own:

$$\text{bar}_{k,j} = \text{truncation}_{k,j} + 3.2\, g_j \frac{\sigma}{h_k^p} +
  \varepsilon\, |T_{k,j}|.$$

2. Truncation
-------------
Down a column the error of an entry falls by $\kappa$ from one level to the next. $\kappa$ is read
off two differences, $\kappa = |T_{k,j} - T_{k-1,j}| / |T_{k-1,j} - T_{k-2,j}|$, and is never taken
to be better than theory has it, $r^{-(j+1)}$, nor worse than `SLOWEST`. What is left is the rest of
a geometric series, and no less than what the next column would still change:

$$\text{truncation}_{k,j} = \max\left(|T_{k,j} - T_{k-1,j}| \frac{\kappa}{1 - \kappa},\;
  |T_{k,j} - T_{k,j-1}|\, r^{-(j+1)}\right).$$

On the diagonal of the tableau nothing stands above an entry: there, differences along the row and
along the diagonal take that place. Of an analytic f the latter fall faster and faster, by $r$ more
each time. For pairs of directions, of which no sample tells whether f is smooth, that is believed
only where it is seen: of less than three differences the last one is all truncation, and so it is
if it is more than `HARDLY` times what the two before it foretell.

3. Noise
--------
In units of f, differences down a column of smooth f fall by $2^p r$ from one level to the next.
Those at the two smallest steps that fall by less than 3/4 of that, or than `STALL`, are noise:
$\sigma$ is the root mean square of their sizes without the largest quarter, which may be
truncation. It is at least the rounding of f: $0.3\,\varepsilon$ of the size of f, the standard
deviation of a last bit. A sample at a step that is no power of two has its say as well: how far it
is from where the levels put it is $\sigma$, if that is more. For p = 1 those are two numbers, of
the odd and the even part of f, and may be small by chance. So the newest even difference is heard
too (to `WITNESS` times what they say), and the rounding of x on its way through f is added: that
changes f by `ARGUMENT` times $0.3\,\varepsilon\, |x f'|$ (to `HIDDEN` times what was seen; more
than `REFUTED` times as much would have been seen). $g_j$ is by how much the weights of column j
amplify independent errors. A normal error exceeds 3.2 standard deviations (`SIGMAS`) once in
700 times; few samples know $\sigma$ to some 40 % only.

Where f is rounded to single precision or to so many digits, all its changes are multiples of one
number, which Euclid's algorithm finds (Knuth, The Art of Computer Programming 2, 4.5.2) if that
is `UNLIKELY` by chance. Its $12^{-1/2}$ is the noise then, whatever few levels happen to show: with
hundreds of outputs some always look smooth.

4. Choice
---------
The smallest bar wins. An entry at smaller steps which contradicts it by more than both bars refutes
it, and the next one is taken; entries with bars alike (`RIVAL`) that contradict each other widen it
to their spread. The ladder asks for a smaller step as long as truncation is what the bar consists
of, for a larger one where noise is, and stops where a relative bar of `TARGET`, or `rtol`, is
reached or nothing improves.

5. What may widen a bar, or refute it
-------------------------------------
A bar from one set of steps can be wrong in a way that these steps do not show. Therefore

- where stairs are known nothing that a tiny step does not show on one of them refutes an answer;
- a tolerance ends the ladder only if what the sample is off, taken for an error of the slope and
  not for noise, is within it: the bar is that then;
- a sample off the lattice of powers of two, and where it surprises a pair at a tiny step, must
  confirm the slope (`CONFIRM`); else the ladder starts once more there, or the difference is noise;
- two windows of steps that contradict each other are a dispute: f is looked at where its values
  leave the near slope. A jump there tells stairs, whose height is noise; a bend tells structure;
- small smooth pieces of f that larger steps show (solvers, tables) widen the bar by `MARGIN`;
- slopes that are alike from a step on, and all at once others above it (`BREAKS`), are looked at
  as well: if f jumps there again and again, the bar reaches both slopes; one edge alone does not
  matter, nor does a bend;
- a part of f that falls like $h^p$, where a smooth f has no such power beside its $p$-th
  derivative, means that the derivatives on both sides of x differ: the bar holds both; for pairs
  of directions whatever does not fall is taken to be one (`STAYS`);
- a second derivative with a wide bar and no noise is looked at from both sides (`CREEPS`): what
  goes on by a power of the distance is in the bar, without limit it is a jump;
- slopes of both sides that differ by twice the sum of their bars are a kink, slopes without limit
  a jump: ``KINK`` and ``JUMP`` give no value;
- noise as large as f itself is f, not resolved: ``UNRESOLVED``, and the bar is inf.

6. Other bars
-------------
A single step has none. The complex step, $\operatorname{Im} f(x + i h d) / h$, is accurate to
rounding where f is analytic; it is held against real differences. Where f differs between
calls a regression over averaged samples gives a 95 % half-width. With `accuracy`, $\sigma$ is at
least 0.17 of it times the size of f. Products with matrices and sums add the bars of
their terms.

What no bar can tell is said in README: f in smooth pieces wider than all steps, and rounding that
is the same at all of them.

Examples
--------
The error of one entry of the tableau, and that of the whole ladder:

>>> import math
>>> import numdiff as nd
>>> single = (math.exp(1 + 2**-10) - math.exp(1 - 2**-10)) / 2**-9
>>> estimate = nd.derivative(math.exp, 1.0)
>>> bool(abs(single - math.e) > 1e-7 > 1e-12 > estimate.error >= abs(estimate.value - math.e))
True
"""

__all__: list[str] = []
