"""How exact the derivative that was given can be: its own rounding, cancellation, randomness."""

from __future__ import annotations

import numpy as np

from numdiff.evaluation.attempts import undefined
from numdiff.verify.arrays import Array, Floats, Function, Random
from numdiff.verify.identities import weights

OPERATIONS = 4.0  # roundings that a value has at least gone through
# So far x moves: by some hundred units in the last place of x, or of 1 + x if that is more, so
# that roundings fall differently, but by no more than eps**(1/4) of x: fourth differences leave no
# more than eps of a smooth derivative.
LAST_BITS = 2.0**7
WIDE, CLOSER = 2.0**-18, 4.0  # of x: smooth derivatives leave 256 times less from closer by
ORDER = 4
FEWER = 1.0 / 3.0  # fourth differences spread by sqrt(70) of a jump: nearly three of them is enough
STEPS = (-3.0, -2.0, -1.0, 1.0, 2.0, 3.0)  # three fourth differences: one may vanish by luck
HALF = len(STEPS) // 2
# Entries of less than this share of the largest may be nothing but rounding themselves.
MINOR = 1e-3


def rounding_of(
    ask: Function | None, x: Floats, matrix: Array, precision: float, random: Random
) -> Floats:
    """Return how exact a derivative (m, n) is: roundings of its numbers, and of x inside it.

    Its own cancellation and randomness show in fourth differences, which the derivative itself
    leaves none (Moré and Wild 2011, doi:10.1137/100786125). A jump may be small by luck: no entry
    is taken for more exact than most are. Zero where it is not defined there.

    Parameters
    ----------
    ask : callable or None
        Maps a point to the reading of the derivative there; None if it is known at x alone.
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
        near = LAST_BITS * eps * np.fmax(1.0, 1.0 / np.abs(x))
        steps = near, np.full(x.shape, WIDE), np.full(x.shape, WIDE / CLOSER)
        last, wide, other = (
            _jump(ask, x, matrix, x * np.minimum(step, eps**0.25), random) for step in steps
        )
        # digits that a large constant took show far from x only, and as much from less far
        own = np.fmax(last, np.minimum(wide, other))
        largest = np.max(size, axis=1, keepdims=True, initial=0.0)
        counted = np.isfinite(own) & (size > MINOR * largest)
        shared = np.median((own / size)[counted]) if counted.any() else 0.0
        return np.asarray(np.fmax(least, np.fmax(own, shared * size)))


def _jump(ask: Function, x: Floats, matrix: Array, step: Floats, random: Random) -> Floats:
    """Return what fourth differences of a derivative show along a random direction."""
    way = step * weights(random, x.size).reshape(x.shape)
    try:
        around = [ask(x + length * way).matrix for length in STEPS]
    except Exception as exception:
        if not undefined(exception):
            raise
        return np.zeros(matrix.shape)
    table = np.diff([*around[:HALF], matrix, *around[HALF:]], ORDER, axis=0)
    return np.asarray(FEWER * np.fmax.reduce(np.abs(table)))
