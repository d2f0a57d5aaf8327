"""Whether a numerical derivative is that of f at all, asked before a derivative is blamed.

The ladder follows f to short steps, which are powers of two. Where f comes in small pieces or in
steps what it finds there may be exact and yet tell nothing of the derivative.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from numdiff.verify.report import DISAGREE
from numdiff.verify.rule import Judged, Numerical

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Values = Callable[[Floats], tuple[Floats, int]]

__all__ = ["second_look"]


# Steps longer than the pieces that inner iterations leave, while fourth powers of them are small.
FAR = 2.0 ** -np.array([[8.0], [10.0]])
FAR.setflags(write=False)
FOURTH = 1.0 / 15.0  # Richardson's weight for two steps of which one is four times the other
FARTHEST = 2.0**-4  # f that has not changed so far from x has no derivative there
SHORT = 2.0 ** -np.array([[23.0], [25.0]])  # about the last bits of x in single precision
SHORT.setflags(write=False)
SINGLE = 2.0**-23  # of f: less than this a function in single precision does not show
LIKELY = 4.0  # bars: a contradiction that is not just a wide bar
SMALL = 1e-3  # relative: larger errors are none of the last bits of single precision
ORDINARY = 2.0**-44  # of f: some hundred roundings in double precision
OFTEN = 128.0  # how much more of a derivative may be lost than of a step: by curvature
PIECES = (
    "f has another slope over steps of a hundredth of x than over short ones: it comes in small "
    "pieces, as of an inner iteration that stops early; compute it more accurately"
)
FLAT = (
    "f does not change at all beside x, but does further away: it is rounded; compute more digits"
)
STEPS = (
    "f does not follow x over short steps: it, or x inside it, is rounded, as to single precision; "
    "compute it in double precision"
)


def second_look(
    values: Values, x: Floats, weights: Floats, sizes: Floats, judged: Judged, numerical: Numerical
) -> tuple[NDArray[np.bool_], tuple[str, ...], int]:
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
    with np.errstate(all="ignore"):
        expected, bars = _product(numerical.value, v), _product(numerical.error, np.abs(v))
        slopes, size, nfev = _slopes(values, x, v, FAR)
        slope = slopes[1] + FOURTH * (slopes[1] - slopes[0])
        bar = np.abs(slopes[1] - slopes[0]) + 2.0**-52 * size / FAR[1] + bars
        off = np.abs(slope - expected)
        pieces = (off > LIKELY * bar)[:, None] & (gap * np.abs(v) <= LIKELY * off[:, None])
        still = (slopes == 0.0).all(axis=0)
        flat, steps = np.zeros_like(pieces), np.zeros_like(pieces)
        if still.any():
            far, _, more = _slopes(values, x, v, np.array([[FARTHEST]]))
            below = gap * sizes <= SINGLE * size[:, None]
            flat, nfev = still[:, None] & (below | (far[0] != 0.0)[:, None]), nfev + more
        if (gap <= SMALL * judged.scale).any():
            near, _, more = _slopes(values, x, everywhere, SHORT)
            lost = np.max(np.abs(near - _product(numerical.value, everywhere)) * SHORT, axis=0)
            # steps of f that are longer than these show as what its slope lacks over longer ones
            longer = np.where((near == 0.0).any(axis=0), np.fmax(lost, off * FAR[1]), lost)
            coarse = np.where(lost > ORDINARY * size, OFTEN * longer, 0.0)
            steps, nfev = gap * sizes <= coarse[:, None], nfev + more
    found = ((pieces, PIECES), (flat, FLAT), (steps & ~pieces & ~flat, STEPS))
    notes = tuple(note for doubtful, note in found if (doubtful & wrong).any())
    return pieces | flat | steps, notes, nfev


def _product(matrix: Floats, v: Floats) -> Floats:
    """Return a product with a vector whose zeros leave out what is not known."""
    return np.asarray(np.where(v == 0.0, 0.0, matrix * v).sum(axis=1))


def _slopes(values: Values, x: Floats, v: Floats, steps: Floats) -> tuple[Floats, Floats, int]:
    """Return central differences (P, m) along v, the size of f, and the cost."""
    points = np.concatenate([x + steps * v, x - steps * v])
    found, nfev = values(points)
    half = len(steps)
    return (found[:half] - found[half:]) / (2.0 * steps), np.abs(found).max(axis=0), nfev
