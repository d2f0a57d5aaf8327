"""f in small smooth pieces with jumps between them, as codes that iterate to a tolerance make it.

Within a piece f is smooth, so steps that end inside it see no noise, but a slope that the next
piece does not have. The larger steps, which reach other pieces, give it away: where they are as
large as the steps of the answer they differ from each other as those of no smooth f do.
"""

from __future__ import annotations

import math

from numdiff.ladder.runtime import kernel
from numdiff.ladder.tableau import ROUNDING, STALLED, scale

CLEARLY = 300.0  # standard deviations of the noise that a difference has to exceed
SUDDEN = 5.0  # times its power of h: differences of an analytic f hardly ever fall faster
TOLERANCE = 2.0**-18 / ROUNDING  # roundings: a jump above it is an edge of f, not a solver's end


@kernel
def roughness(table, n, best_row, shape, gain, factor, primary, sigma, floors):
    """Return the error of the derivative that jumps of f at steps above the answer's show.

    It is 0 where there are none, and infinite where they are so large that they are structure of f.
    """
    largest = 0.0
    for a in range(shape.shape[0]):
        unit = abs(factor[primary] / factor[a])
        lift = shape[primary, 2] - shape[a, 2]
        seen = unevenness(
            table[a], n, best_row, shape[a, 1], shape[a, 2], float(shape[a, 3]), lift, gain[a, 1],
            sigma, floors,
        )  # fmt: skip
        largest = max(largest, unit * seen)
    return largest


@kernel
def unevenness(table, n, best_row, terms, order, ratio, lift, gain, sigma, floors):
    """Return the largest difference down a column that no analytic f shows, in units of h**lift.

    There differences fall by a power of h from the largest steps on. A jump of f lets them stall,
    and fall all at once when the steps are too small to reach it.
    """
    growth = scale(1.0, order)  # of the noise from one level to the next
    fall = min(STALLED, 0.75 * ratio * growth)
    law, oldest, largest = 1.0, 1.0, 0.0
    for j in range(n - terms - 1):
        law *= ratio  # what differences of this column fall by
        for k in range(terms + j + 1, min(best_row + 2, n)):
            noise = CLEARLY * gain[j] * scale(max(sigma, floors[k]), order * k)
            now = abs(table[k, j] - table[k - 1, j])
            before = abs(table[k - 1, j] - table[k - 2, j])
            after = max(now, 0.1 * noise)  # chance may make one difference small, but not two
            if k + 1 < n:
                after = max(after, 0.5 * law * abs(table[k + 1, j] - table[k, j]))
            jump, at = 0.0, k
            if j > 0 and before * growth > noise and before > SUDDEN * law * after:
                jump, at = before * oldest, k - 1
            elif k <= best_row and now > noise and now * fall > before * growth:
                jump = now
            if jump > TOLERANCE * scale(floors[0], order * at):
                return math.inf
            largest = max(largest, scale(jump, lift * at))
        oldest *= law - 1.0  # one over the weight of the largest step in the next column
    return largest
