"""How exact the derivative that was given can be: its own rounding, cancellation, randomness."""

from __future__ import annotations

import numpy as np

from numdiff.evaluation.attempts import undefined
from numdiff.verify.arrays import Array, Floats, Function
from numdiff.verify.identities import weights

OPERATIONS = 4.0  # roundings that a value has at least gone through
# So far x moves: by some hundred units in the last place of x, or of 1 + x if that is more, so
# that roundings fall differently, but by no more than eps**(1/4) of x: fourth differences leave no
# more than eps of a smooth derivative.
LAST_BITS = 2.0**7
WAYS = 2  # each of them may show nothing, by luck
ORDER = 4
FEWER = 1.0 / 3.0  # fourth differences spread by sqrt(70) of a jump: nearly three of them is enough
STEPS = (-3.0, -2.0, -1.0, 1.0, 2.0, 3.0)  # three fourth differences: one may vanish by luck
HALF = len(STEPS) // 2
# Entries of less than this share of the largest may be nothing but rounding themselves.
MINOR = 1e-3


def rounding_of(
    ask: Function | None, x: Floats, matrix: Array, precision: float, random: np.random.Generator
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
    own = np.full(size.shape, np.nan)
    with np.errstate(all="ignore"):
        step = np.minimum(LAST_BITS * eps * np.fmax(1.0, 1.0 / np.abs(x)), eps**0.25)
        for _ in range(WAYS):
            way = x * step * weights(random, x.size).reshape(x.shape)
            try:
                around = [ask(x + length * way).matrix for length in STEPS]
            except Exception as exception:
                if not undefined(exception):
                    raise
                jump = np.zeros(size.shape)
            else:
                table = np.diff([*around[:HALF], matrix, *around[HALF:]], ORDER, axis=0)
                jump = FEWER * np.fmax.reduce(np.abs(table))
            own = np.fmax(own, jump)
        largest = np.max(size, axis=1, keepdims=True, initial=0.0)
        counted = np.isfinite(own) & (size > MINOR * largest)
        shared = np.median((own / size)[counted]) if counted.any() else 0.0
        return np.asarray(np.fmax(least, np.fmax(own, shared * size)))
