"""Second derivatives along pairs of directions from the points of those along each.

The mixed second difference of two directions is the even part of f along their sum less those along
each alone, which are known: two new points a level. Where one of the two could be followed on one
side of x only, both are.
"""

from __future__ import annotations

from numdiff.ladder.registers import BASE, FIRST, LAST, LOWEST, SAMPLE_STEP, SLOTS
from numdiff.ladder.runtime import kernel

DEPTH = 8  # how many levels a pair may use: axes are sampled that far, which costs little

# columns of an axis: the side it was followed on, its largest step, how many levels, how far down,
# how many levels the ladder asked for, and the step off the lattice, or NEVER
SIDE, LARGEST, LEVELS, LEAST, CLIMBED, SAMPLED = range(6)
AXIS = 6
PLACES = SLOTS + 1  # the last one is off the lattice


@kernel
def keep(rows, side, samples, state, axes, beside):
    """Keep what the directions `rows` were sampled for on a side of x, level by level.

    axes (D, AXIS) and beside (D, PLACES, 2, m): f(x + t d) - f(x) for t > 0 and for t < 0.
    """
    for a in range(rows.size):
        d, first, last = rows[a], state[a, FIRST], state[a, LAST]
        axes[d, SIDE], axes[d, LARGEST] = side, state[a, BASE] - first
        axes[d, LEVELS], axes[d, LEAST] = last - first + 1, state[a, LOWEST]
        axes[d, CLIMBED], axes[d, SAMPLED] = last - first + 1, state[a, SAMPLE_STEP]
        for s in range(first, last + 2):
            slot, place = (s, s - first) if s <= last else (SLOTS, SLOTS)
            for i in range(beside.shape[3]):
                odd = samples[a, 0, slot, i]
                if side == 0:
                    even = samples[a, 1, slot, i]
                    beside[d, place, 0, i] = even + odd
                    beside[d, place, 1, i] = even - odd
                else:
                    beside[d, place, 0 if side > 0 else 1, i] = odd * side


@kernel
def relate(rows, columns, axes, beside, one_sided, taken):
    """Write what pairs (rows, columns) of directions take off the values of f: taken (L, K, P, m).

    At two points a level, or at one in front where one of two directions is followed on one side.
    """
    for a in range(rows.size):
        i, j = rows[a], columns[a]
        for k in range(min(axes[i, LEVELS], axes[j, LEVELS])):
            for p in range(taken.shape[2]):
                one = other = p
                if one_sided:
                    one, other = 1 if axes[i, SIDE] < 0 else 0, 1 if axes[j, SIDE] < 0 else 0
                for c in range(taken.shape[3]):
                    taken[a, k, p, c] = beside[i, k, one, c] + beside[j, k, other, c]
