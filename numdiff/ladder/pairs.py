"""Second derivatives along pairs of directions from the points of those along each.

The mixed second difference of two directions is the even part of f along their sum less those along
each alone, which are known: two new points a level. Where one of the two could be followed on one
side of x only, both are.
"""

from __future__ import annotations

import math

from numdiff.constants import EPS, ROUNDING
from numdiff.ladder.noise import CLEARLY, SKEW, SURE
from numdiff.ladder.registers import BASE, FIRST, LAST, LOWEST, NEVER, SAMPLE_STEP, SLOTS, TINY
from numdiff.ladder.runtime import kernel, separate
from numdiff.ladder.tableau import scale

DEPTH = 8  # how many levels a pair may use: axes are sampled that far, which costs little

# columns of an axis: the side it was followed on, its largest step, how many levels, how far down,
# how many levels the ladder asked for, the step off the lattice and the tiny one, or NEVER, and the
# level at which pairs begin
SIDE, LARGEST, LEVELS, LEAST, CLIMBED, SAMPLED, TINIEST, BEGIN = range(8)
AXIS = 8
LENGTH = 3  # levels above the smallest one of an axis' answer that pairs begin: it came from these
MARGIN = 16.0  # times what a smooth f leaves out: its terms may have cancelled on the diagonal
QUARTER = 0.25  # of what the odd part was at the largest step: that of a smooth f falls like h
EVEN = 0.05  # of the derivative: an odd part of less is no case for a look
BETTER = 100.0  # times rounding at the probe: a bar wider than that
POOR = 1e-5  # of the value, is no good one
SPARE = 6  # bits of a step that the smallest one keeps above the last bit of x
PLACES = SLOTS + 2  # the last two are off the lattice, and tiny


@separate(samples="lines", steps="plane")
def keep(rows, side, samples, state, steps, axes, beside):
    """Keep what the directions `rows` were sampled for on a side of x, level by level.

    axes (D, AXIS) and beside (D, PLACES, 2, m): f(x + t d) - f(x) for t > 0 and for t < 0. steps
    (L, m) are the smallest ones of the answers.
    """
    for a in range(rows.size):
        d, first, last = rows[a], state[a, FIRST], state[a, LAST]
        axes[d, SIDE], axes[d, LARGEST] = side, state[a, BASE] - first
        axes[d, LEVELS], axes[d, LEAST] = last - first + 1, state[a, LOWEST]
        axes[d, CLIMBED], axes[d, SAMPLED] = last - first + 1, state[a, SAMPLE_STEP]
        axes[d, TINIEST], axes[d, BEGIN] = state[a, TINY], last - first
        for i in range(beside.shape[3]):
            depth = 0
            if steps[a, i] > 0.0:  # an answer from another window says nothing of this one
                depth = axes[d, LARGEST] - int(math.floor(math.log2(steps[a, i]) + 0.5))  # noqa: RUF046
            axes[d, BEGIN] = max(min(axes[d, BEGIN], depth - LENGTH), 0)
        for s in range(first, last + 3):
            slot, place = s, s - first
            if s > last:
                slot = place = SLOTS + s - last - 1
            for i in range(beside.shape[3]):
                odd = samples[a, 0, slot, i]
                if side == 0:
                    even = samples[a, 1, slot, i]
                    beside[d, place, 0, i] = even + odd
                    beside[d, place, 1, i] = even - odd
                else:
                    beside[d, place, 0 if side > 0 else 1, i] = odd * side


@kernel
def common(noise, noisy, i, j, c):
    """Return the noise of a pair: what only one axis has beyond rounding may be its own."""
    if noisy[i, c] != noisy[j, c]:
        one, other = (i, j) if noisy[i, c] else (j, i)
        return max(min(noise[one, c], CLEARLY * noise[other, c]), noise[other, c])
    return max(noise[i, c], noise[j, c])


@kernel
def ahead(axes, i, j):
    """How many levels of an axis are too large for its pair with another one."""
    return axes[i, BEGIN] - min(axes[i, BEGIN], axes[j, BEGIN])


@kernel
def probe(axes, i, j):
    """Where a pair is asked once more, off its diagonal: two places, and the steps there.

    They are small and differ, so that nothing that is the same at all steps goes unseen.
    """
    deepest = axes[j, LEVELS] - 1
    length = scale(1.0, axes[j, LARGEST] - deepest)
    if axes[i, SAMPLED] != NEVER:
        return SLOTS, deepest, scale(SKEW, axes[i, SAMPLED]), length
    place = max(axes[i, LEVELS] - 2, 0)
    return place, deepest, scale(1.0, axes[i, LARGEST] - place), length


@kernel
def probes(rows, columns, axes, lengths):
    """Write the steps (K, 2) along both axes of each pair at which it is asked once more."""
    for a in range(rows.size):
        _, _, lengths[a, 0], lengths[a, 1] = probe(axes, rows[a], columns[a])


@separate(columns="counts", arrived="cube", samples="lines")
def contest(
    rows, columns, units, arrived, f0, noise, axes, beside, value, error, samples, state, doubt
):
    """Write to doubt (K, m) where values at their probes (P, K, m) contradict mixed derivatives.

    They are of x + a d - b e and x - a d + b e, or, on one side, of x + a d + b e. value and error
    (K, m) are in units (K, 2) of both directions. A smooth f leaves out no more than its pair did
    at the smallest level; and rounding reads the derivative there better than a bar that is wide.
    """
    two_sided = arrived.shape[0] == 2
    for p in range(rows.size):
        one, other, a, b = probe(axes, rows[p], columns[p])
        first, second = abs(a / units[p, 0]), abs(b / units[p, 1])
        area, last, bottom = first * second, state[p, LAST], state[p, BASE] - state[p, LAST]
        fall = scale(max(first, second), -bottom)
        for k in range(f0.size):
            even, odd, floor = misfits(
                rows[p], columns[p], (one, other, a, b), arrived[:, p, k], f0[k], axes,
                beside[:, :, :, k],
            )  # fmt: skip
            floor += 2.0 * SURE * noise[p, k]
            level = scale(samples[p, 1 if two_sided else 0, last, k], -2 * bottom)
            slack = abs(level - value[p, k]) * fall * (fall if two_sided else 1.0)
            said = (-value[p, k] if two_sided else value[p, k]) * area
            off = abs(even - said) - (error[p, k] + MARGIN * slack) * area
            skew = (
                abs(odd)
                - max(uneven(samples[p, 0, :, k], state[p]), EVEN * abs(value[p, k])) * area
            )
            wide = error[p, k] * area > BETTER * floor and error[p, k] > POOR * abs(value[p, k])
            doubt[p, k] = off > floor or (two_sided and skew > floor) or wide


@kernel
def uneven(odd, window):
    """Return a part of what the odd part of a pair made of its derivative at the largest step."""
    first = window[FIRST]
    while first < window[LAST] and not math.isfinite(odd[first]):
        first += 1
    return QUARTER * abs(scale(odd[first], 2 * (first - window[BASE])))


@kernel
def misfits(i, j, place, arrived, f0, axes, beside):
    """Return the even and odd part of what one output adds off both axes, and their rounding."""
    one, other, a, b = place
    even, odd, size, moved, count = 0.0, 0.0, abs(f0), 0.0, arrived.size
    for p in range(count):
        near, far = p, 1 - p
        if count == 1:
            near, far = 1 if axes[i, SIDE] < 0 else 0, 1 if axes[j, SIDE] < 0 else 0
        along, across = beside[i, one, near], beside[j, other, far]
        rest = arrived[p] - f0 - along - across
        even += rest
        odd += rest if p == 0 else -rest
        size = max(size, abs(arrived[p]))
        # x + h is rounded where a binade ends
        moved += scale(abs(along) / a, axes[i, LEAST] - SPARE)
        moved += scale(abs(across) / b, axes[j, LEAST] - SPARE)
    return even / count, odd / count, SURE * (2.0 * ROUNDING + EPS) * size + moved


@separate(columns="counts")
def relate(rows, columns, axes, beside, one_sided, taken):
    """Write what pairs (rows, columns) of directions take off the values of f: taken (K, L, P, m).

    At two points a level, or at one in front where one of two directions is followed on one side.
    """
    for a in range(rows.size):
        i, j = rows[a], columns[a]
        above, over = ahead(axes, i, j), ahead(axes, j, i)
        for k in range(min(axes[i, LEVELS] - above, axes[j, LEVELS] - over, taken.shape[1])):
            for p in range(taken.shape[2]):
                one = other = p
                if one_sided:
                    one, other = 1 if axes[i, SIDE] < 0 else 0, 1 if axes[j, SIDE] < 0 else 0
                for c in range(taken.shape[3]):
                    taken[a, k, p, c] = beside[i, k + above, one, c] + beside[j, k + over, other, c]
