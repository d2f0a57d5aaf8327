"""Errors that change over wide distances only: jumps between smooth pieces, as solvers leave them.

Values close to x share a piece and look exact. Over a wide stretch the coefficients of a smooth f
in Chebyshev polynomials fall geometrically, and those of its error do not.
"""

from __future__ import annotations

import math

import numpy as np

from numdiff.arrays import Floats
from numdiff.constants import ROUNDING

COUNT = 48  # points, and coefficients
REACH = 0.48  # of the size of x, to both sides: 0.6 where it is one number
DEGREES = 24  # among which the coefficients have to stop falling
FURTHER = 6  # degrees that should make the rest smaller, by more than
FALL = 6.0  # this: f with a singularity at 1.7 times the reach has 3**6
CLEAR = 1e3  # roundings of the largest value, and of x: these are no pieces
PART = 0.05  # of what f changes by: an error that is larger is structure of f

_ANGLES = math.pi * (np.arange(COUNT) + 0.5) / COUNT
OFFSETS = REACH * np.cos(_ANGLES)
_PROJECTION = np.cos(np.outer(np.arange(COUNT), _ANGLES)) * math.sqrt(2.0 / COUNT)
_PROJECTION[0] /= math.sqrt(2.0)
for _array in (OFFSETS, _PROJECTION):
    _array.setflags(write=False)


def unsmooth(values: Floats) -> Floats:
    """Return the part of values at `OFFSETS`, (COUNT, m), that no polynomial follows, nan if none.

    It is the root mean square of what is left from the degree on at which it stops falling. The
    coefficients are those of the discrete cosine transform (Trefethen 2013, *Approximation Theory
    and Approximation Practice*, chapters 3 and 8).
    """
    squares = np.square(_PROJECTION @ values) / COUNT
    rest = np.sqrt(np.cumsum(squares[::-1], axis=0)[::-1])  # from each degree on
    degrees = np.arange(1, DEGREES)
    ends = rest[degrees] <= FALL * rest[degrees + FURTHER]
    first = degrees[ends.argmax(axis=0)]
    level = rest[first, np.arange(values.shape[1])] * np.sqrt(COUNT / (COUNT - first))
    change = np.ptp(values, axis=0)
    least = CLEAR * ROUNDING * (np.abs(values).max(axis=0) + change)
    told = ends.any(axis=0) & (least < level) & (level < PART * change)
    return np.where(told, level, math.nan)
