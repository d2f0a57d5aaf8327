"""How exact the derivative that was given can be: its own rounding, cancellation, randomness."""

from __future__ import annotations

import numpy as np

from numdiff.verify.arrays import Floats, Function
from numdiff.verify.identities import weights

__all__ = ["rounding_of"]


OPERATIONS = 4.0  # roundings that a value has at least gone through
# So far x moves: by some hundred units in the last place of x, or of 1 + x if that is more, so
# that roundings fall differently, but by no more than eps**(1/4) of x: fourth differences leave no
# more than eps of a smooth derivative.
LAST_BITS = 2.0**7
WAYS = 2  # each of them may show nothing, by luck
ORDER = 4
FEWER = 1.0 / 3.0  # fourth differences spread by sqrt(70) of a jump: nearly three of them is enough
STEPS = (-3.0, -2.0, -1.0, 1.0, 2.0, 3.0)  # three fourth differences: one may vanish by luck
# Entries of less than this share of the largest may be nothing but rounding themselves.
MINOR = 1e-3


def rounding_of(
    ask: Function | None, x: Floats, matrix: Floats, precision: float, random: np.random.Generator
) -> Floats:
    """Return how exact a derivative (m, n) is: roundings of its numbers, and of x inside it.

    Its own cancellation and randomness show in fourth differences, which the derivative itself
    leaves none (Moré and Wild 2011, doi:10.1137/100786125). A jump may be small by luck: no entry
    is taken for more exact than most are. Zero where it is not defined there.

    Parameters
    ----------
    ask : callable or None
        Maps a point to the derivative there; None if it is known at x alone.
    x : array
        The point.
    matrix : array (m, n)
        The derivative at x.
    precision : float
        The unit roundoff of its type.
    random : numpy.random.Generator
        Where the direction comes from.
    """
    size, eps = np.abs(matrix), 2.0 * precision
    least = OPERATIONS * precision * size
    if ask is None:
        return np.asarray(least)
    with np.errstate(all="ignore"):
        step = np.minimum(LAST_BITS * eps * np.fmax(1.0, 1.0 / np.abs(x)), eps**0.25)
        ways = [x * step * weights(random, x.size).reshape(x.shape) for _ in range(WAYS)]
        own = np.fmax.reduce([_jump(ask, x, matrix, way) for way in ways])
        largest = np.max(size, axis=1, keepdims=True, initial=0.0)
        counted = np.isfinite(own) & (size > MINOR * largest)
        shared = np.median((own / size)[counted]) if counted.any() else 0.0
        return np.asarray(np.fmax(least, np.fmax(own, shared * size)))


def _jump(ask: Function, x: Floats, matrix: Floats, way: Floats) -> Floats:
    """Return the largest of the fourth differences along a way."""
    try:
        around = [ask(x + step * way) for step in STEPS]
    except (ArithmeticError, ValueError):  # outside its domain
        return np.zeros(matrix.shape)
    half = len(STEPS) // 2
    table = np.diff([*around[:half], matrix, *around[half:]], ORDER, axis=0)
    return np.asarray(FEWER * np.fmax.reduce(np.abs(table)))
