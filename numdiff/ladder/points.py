"""Where f is asked next."""

import math

from numdiff.constants import EPS
from numdiff.ladder.runtime import inlined, kernel, separate
from numdiff.ladder.tableau import TINIEST

OWN = 32.0  # the other scale to try is this part of x
MOST = 1060  # no step is below 2**-MOST
SHORTEST, LONGEST = 2.0**-MOST, 2.0**1000  # steps: what floats can hold


@kernel
def place(rows, steps, x, starts, index, weight, offsets, block, stretch):
    """Write the points x + o h d of these directions, each with its step, to block (L, P, n).

    Or to block (L, P, K) what they have at the K entries that each direction moves: of an x that
    holds many points of one entry each that is all they have.
    stretch (L,) becomes the nominal distance of the outer points over the real one where a
    direction moves one entry of x: x + h rounds where a binade ends.
    """
    for a in range(rows.size):
        stretch[a] = place_at(rows[a], steps[a], x, starts, index, weight, offsets, block[a])


@inlined
def place_at(d, step, x, starts, index, weight, offsets, points):
    """Write the points of one direction to points (P, n or K), as `place`; returns its stretch."""
    count, width = points.shape
    start, stop = starts[d], starts[d + 1] if d + 1 < starts.size else index.size
    whole = width == x.size
    for p in range(count):
        if whole:
            for k in range(width):
                points[p, k] = x[k]
        else:
            for k in range(width):
                points[p, k] = x[index[start + k]]
        for k in range(start, stop):
            points[p, index[k] if whole else k - start] += offsets[p] * step * weight[k]
    if stop - start != 1:
        return 1.0
    other, nominal, k = x[index[start]], offsets[0], index[start] if whole else 0
    if count > 1:
        other, nominal = points[count - 1, k], offsets[0] - offsets[count - 1]
    nominal *= step * weight[start]
    real = points[0, k] - other
    return nominal / real if real != 0.0 else math.nan


@separate()
def span(
    x, starts, index, weight, first, steps, roams, ahead, behind,
    start, other, highest, lowest, reach,
):  # fmt: skip
    """Write the exponents between which the steps of each direction lie, and |x| / |d|, (D,).

    `first` is the step to start with where |x| <= 1 and |d| = 1, if the user gives none in steps
    (D or 0,); larger ones may be tried if it `roams`. t may go as far as ahead and behind (D,), or
    anywhere if these are empty. Steps keep 6 bits above the last bit of x.
    """
    for d in range(starts.size):
        stop = starts[d + 1] if d + 1 < starts.size else index.size
        begin, own, last, far = math.inf, math.inf, 0.0, 0.0
        for k in range(starts[d], stop):
            size, moved = abs(x[index[k]]), abs(weight[k])
            begin = min(begin, first * max(size, 1.0) / moved)
            if size > 0.0:
                own = min(own, size / (OWN * moved))
                last = max(last, 64.0 * max(size * EPS, TINIEST) / moved)
                far = max(far, size / moved)
        room = min(ahead[d], behind[d]) if ahead.size > 0 else math.inf
        lowest[d] = exponent(last) if last > 0.0 else -MOST
        highest[d] = 1000
        if 0.0 < room < LONGEST:
            highest[d] = int(math.floor(math.log2(room)))  # noqa: RUF046 - a float in Numba
            lowest[d] = min(lowest[d], highest[d])
        wanted = steps[d] if steps.size > 0 else begin
        start[d] = max(min(exponent(wanted), highest[d]), lowest[d])
        if not roams:
            highest[d] = start[d]
        other[d] = exponent(own)
        reach[d] = far


@kernel
def exponent(length):
    """Nearest power of two, within what a float can hold."""
    held = min(max(length, SHORTEST), LONGEST)
    return int(math.floor(math.log2(held) + 0.5))  # noqa: RUF046 - a float in Numba
