"""Whether a numerical derivative is that of f at all, asked before a derivative is blamed.

The ladder follows f to short steps, which are powers of two. Where f comes in small pieces or in
steps what it finds there may be exact and yet tell nothing of the derivative.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from numdiff.verify.arrays import EPS, Floats, Mask
from numdiff.verify.report import DISAGREE
from numdiff.verify.rule import Judged, Numerical

Values = Callable[[Floats], tuple[Floats, int]]

# Steps longer than the pieces that inner iterations leave, while fourth powers of them are small.
FAR = (2.0**-8, 2.0**-10)
FOURTH = 1.0 / 15.0  # Richardson's weight for two steps of which one is four times the other
FARTHEST = (2.0**-4,)  # f that has not changed so far from x has no derivative there
LAST = (2.0**-23, 2.0**-25)  # about the last bits of x in single precision
SINGLE = 2.0**-23  # of f: less than this a function in single precision does not show
LIKELY = 4.0  # bars: a contradiction that is not just a wide bar
MINUTE = 1e-3  # relative: larger errors are none of the last bits of single precision
ORDINARY = 2.0**-44  # of f: some hundred roundings in double precision
OFTEN = 128.0  # how much more of a derivative may be lost than of a step: by curvature
WHY = (
    "f has another slope over steps of a hundredth of x than over short ones: it comes in small "
    "pieces, as of an inner iteration that stops early; compute it more accurately",
    "f does not change at all beside x, but does further away: it is rounded; compute more digits",
    "f does not follow x over short steps: it, or x inside it, is rounded, as to single precision; "
    "compute it in double precision",
)


def second_look(
    values: Values, x: Floats, weights: Floats, sizes: Floats, judged: Judged, numerical: Numerical
) -> tuple[Mask, tuple[str, ...], int]:
    """Follow f along the entries in question, by steps that are no powers of two.

    Parameters
    ----------
    values : callable
        Maps points (P, n) to f there, (P, m), and to what that cost.
    x : array (n,)
        The point.
    weights : array (n,)
        Of the direction, in units of `sizes`.
    sizes : array (n,)
        The sizes of the inputs.
    judged : Judged
        What was found.
    numerical : Numerical
        What it was found from.

    Returns
    -------
    doubtful : array of bool (m, n)
        Where the numerical derivative cannot be held against another one.
    notes : tuple of str
        Why.
    nfev : int
        How often f was evaluated.
    """
    wrong, gap = judged.verdict == DISAGREE, np.abs(judged.difference)
    everywhere = np.where(np.isfinite(numerical.value).all(axis=0), weights * sizes, 0.0)
    v = np.where(wrong.any(axis=0), everywhere, 0.0)
    ask = partial(_slopes, values, x)
    with np.errstate(all="ignore"):
        slopes, size, nfev = ask(v, FAR)
        slope = slopes[1] + FOURTH * (slopes[1] - slopes[0])
        off = np.abs(slope - _product(numerical.value, v))
        bar = np.abs(slopes[1] - slopes[0]) + EPS * size / FAR[1]
        bar += _product(numerical.error, np.abs(v))
        pieces = (off > LIKELY * bar)[:, None] & (gap * np.abs(v) <= LIKELY * off[:, None])
        flat, stepped = np.zeros_like(pieces), np.zeros_like(pieces)
        still = (slopes == 0.0).all(axis=0)
        if still.any():
            far, _, more = ask(v, FARTHEST)
            below = gap * sizes <= SINGLE * size[:, None]
            flat, nfev = still[:, None] & (below | (far[0] != 0.0)[:, None]), nfev + more
        if (gap <= MINUTE * judged.scale).any():
            near, _, more = ask(everywhere, LAST)
            slack = _slack(near, _product(numerical.value, everywhere), size, off)
            stepped, nfev = gap * sizes <= slack[:, None], nfev + more
    reasons = zip((pieces, flat, stepped & ~pieces & ~flat), WHY, strict=True)
    notes = tuple(note for doubtful, note in reasons if (doubtful & wrong).any())
    return pieces | flat | stepped, notes, nfev


def _slack(near: Floats, expected: Floats, size: Floats, off: Floats) -> Floats:
    """Return how far derivatives times inputs may be off where f comes in short steps, else 0."""
    lost = np.max(np.abs(near - expected) * np.array(LAST)[:, None], axis=0)
    # steps of f that are longer than these show as what its slope lacks over longer ones
    longer = np.where((near == 0.0).any(axis=0), np.fmax(lost, off * FAR[1]), lost)
    return np.where(lost > ORDINARY * size, OFTEN * longer, 0.0)


def _product(matrix: Floats, v: Floats) -> Floats:
    """Return a product with a vector whose zeros leave out what is not known."""
    return np.asarray(np.where(v == 0.0, 0.0, matrix * v).sum(axis=1))


def _slopes(
    values: Values, x: Floats, v: Floats, steps: tuple[float, ...]
) -> tuple[Floats, Floats, int]:
    """Return central differences (P, m) along v, the size of f, and the cost."""
    t = np.array(steps)[:, None]
    rows, nfev = values(np.concatenate([x + t * v, x - t * v]))
    after, before = np.split(rows, 2)
    return (after - before) / (2.0 * t), np.abs(rows).max(axis=0), nfev
