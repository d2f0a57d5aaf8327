"""f in small smooth pieces with jumps between them, as codes that iterate to a tolerance make it.

Within a piece f is smooth, so steps that end inside it see no noise, but a slope that the next
piece does not have. The larger steps, which reach other pieces, give it away: where they are as
large as the steps of the answer they differ from each other as those of no smooth f do.
"""

import math

from numdiff.constants import ROUNDING
from numdiff.ladder.noise import STALL
from numdiff.ladder.registers import ORDER, RATIO, SIGMA, TERMS
from numdiff.ladder.runtime import kernel
from numdiff.ladder.tableau import scale

CERTAIN = 300.0  # standard deviations of the noise that a difference has to exceed
SUDDEN = 5.0  # times its power of h: differences of an analytic f hardly ever fall faster
EDGE = 2.0**-18 / ROUNDING  # roundings: a jump above it is an edge of f, not a solver's end
CHANCE = 0.1  # of CERTAIN: what a difference is taken to be at least, as one may be small by chance


@kernel
def roughness(n, best_row, method, room):
    """Return the error of the derivative that jumps of f at steps above the answer's show.

    It is 0 where there are none, and infinite where they are so large that they are structure of f.
    """
    shape, factor, largest = method.shape, method.factor, 0.0
    for c in range(shape.shape[0]):
        unit = abs(factor[method.primary] / factor[c])
        lift = shape[method.primary, ORDER] - shape[c, ORDER]
        uneven = unevenness(
            room.table[c], n, best_row, shape[c], lift, method.gain[c, 1], room.best[SIGMA],
            room.floors,
        )  # fmt: skip
        largest = max(largest, unit * uneven)
    return largest


@kernel
def unevenness(table, n, best_row, law, lift, gain, sigma, floors):
    """Return the largest difference down a column that no analytic f shows, in units of h**lift.

    There differences fall by a power of h from the largest steps on. A jump of f lets them stall,
    and fall all at once when the steps are too small to reach it.
    """
    terms, order, ratio = law[TERMS], law[ORDER], float(law[RATIO])
    growth = scale(1.0, order)  # of the noise from one level to the next
    fall = min(STALL, 0.75 * ratio * growth)
    analytic, oldest, largest = 1.0, 1.0, 0.0
    for j in range(n - terms - 1):
        analytic *= ratio  # what differences of this column fall by
        for k in range(terms + j + 1, min(best_row + 2, n)):
            noise = CERTAIN * gain[j] * scale(max(sigma, floors[k]), order * k)
            now = abs(table[k, j] - table[k - 1, j])
            before = abs(table[k - 1, j] - table[k - 2, j])
            after = max(now, CHANCE * noise)  # but not two of them
            if k + 1 < n:
                after = max(after, 0.5 * analytic * abs(table[k + 1, j] - table[k, j]))
            jump, at = 0.0, k
            if j > 0 and before * growth > noise and before > SUDDEN * analytic * after:
                jump, at = before * oldest, k - 1
            elif k <= best_row and now > noise and now * fall > before * growth:
                jump = now
            if jump > 0.0:  # seldom
                if jump > EDGE * scale(floors[0], order * at):
                    return math.inf
                largest = max(largest, scale(jump, lift * at))
        oldest *= analytic - 1.0  # one over the weight of the largest step in the next column
    return largest
