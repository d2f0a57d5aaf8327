"""The compiled driver of second derivatives: along axes, and along pairs of them.

It goes the way of `numdiff.second`, for a function of one output that is compiled itself.
"""

from __future__ import annotations

import math

import numpy as np

from numdiff.drivers.compiled import open_edges, ray, suspicious, workspace
from numdiff.evaluation.machine_code import ask
from numdiff.ladder.decide import BASE, DOMAIN, FIRST, LAST, LOWEST, SLOTS
from numdiff.ladder.points import exponent, span
from numdiff.ladder.runtime import allocating, kernel
from numdiff.ladder.symptoms import OK, TAIL
from numdiff.ladder.tableau import scale

DEPTH = 8  # how many levels a pair may use: axes are sampled that far

# columns of an axis: the side it was followed on, its largest step, how many levels, how far down
SIDE, LARGEST, LEVELS, LEAST = range(4)


@allocating
def curve(kind, address, x, f0, sides, mixed, plan, value, error):
    """Write second derivatives by all pairs of entries of x and their bars, (n, n).

    `sides` holds the levels for both sides of x, ahead and behind, `mixed` those of pairs for both
    sides and for one.
    """
    n = x.size
    axes, beside = np.zeros((n, 4), np.int64), np.full((n, SLOTS, 2, 1), math.nan)
    noise, doubtful = np.zeros(n), False
    value[:], error[:] = math.nan, math.inf
    for d in range(n):
        for side in range(len(sides)):
            if math.isnan(value[d, d]):
                axes[d, SIDE] = (0, 1, -1)[side]
                status = along_axis(
                    kind, address, x, f0, d, sides[side], plan, value, error, noise, axes[d],
                    beside[d],
                )  # fmt: skip
                doubtful = doubtful or OK < status < DOMAIN
    block, out = np.empty(n), np.empty(1)
    for d in range(n):
        deepen(kind, address, x, f0, d, axes[d], beside[d], block, out)
    for i in range(n):
        for j in range(i + 1, n):
            pair = (i, j)
            doubtful = along_pair(
                kind, address, x, f0, pair, mixed, axes, beside, noise, value, error
            ) or doubtful  # fmt: skip
            value[j, i], error[j, i] = value[i, j], error[i, j]
    if doubtful:
        ask(kind, address, x.copy(), out)
        if out[0] != f0[0]:
            error[:] = math.inf


@allocating
def along_axis(kind, address, x, f0, d, channels, plan, value, error, noise, axis, beside):
    """Take the second derivative by one entry of x and keep the levels; returns the status."""
    first, steps, roams, rtol = plan
    edges, room, here = open_edges(), workspace(x, f0, channels), np.zeros(1, np.int64)
    entries, unit, free = np.full(1, d), np.ones(1), np.empty(0)
    columns = (
        np.empty((1, 1)), np.empty((1, 1)), np.empty((1, 1), np.uint8), np.empty((1, 1)),
        np.empty((1, 1)),
    )  # fmt: skip
    span(x, here, entries, unit, first, free, free, *edges)
    if steps.size > 0:
        edges[0][0] = max(min(exponent(steps[d]), edges[2][0]), edges[3][0])
    if not roams:
        edges[2][0] = edges[0][0]
    line, nothing, alone = (here, entries, unit, unit), np.empty((0, 1)), np.empty((0, 1, 1))
    ray(kind, address, x, f0, channels, line, edges, rtol, nothing, alone, room, columns)
    bent, torn = np.zeros((1, 1), np.bool_), np.empty((1, 1), np.bool_)
    shaken = suspicious(f0, edges[0], 2, columns, room, np.empty(TAIL), bent, torn)
    if columns[2][0, 0] == DOMAIN:
        return DOMAIN
    value[d, d], noise[d] = columns[0][0, 0], columns[4][0, 0]
    error[d, d] = math.inf if shaken and bent[0, 0] else columns[1][0, 0]
    keep(room[0][0], room[2][0], axis, beside)
    return columns[2][0, 0]


@kernel
def keep(state, samples, axis, beside):
    """Keep what an axis was sampled for: f(x + t d) - f(x) for t > 0 and t < 0, level by level."""
    count, side = state[LAST] - state[FIRST] + 1, axis[SIDE]
    axis[LARGEST], axis[LEVELS], axis[LEAST] = state[BASE] - state[FIRST], count, state[LOWEST]
    for k in range(count):
        for i in range(beside.shape[2]):
            odd = samples[0, state[FIRST] + k, i]
            if side == 0:
                even = samples[1, state[FIRST] + k, i]
                beside[k, 0, i], beside[k, 1, i] = even + odd, even - odd
            else:
                beside[k, 0 if side > 0 else 1, i] = odd * side


@kernel
def deepen(kind, address, x, f0, d, axis, beside, block, out):
    """Sample an axis at smaller steps, so that pairs of it can go as far."""
    while 0 < axis[LEVELS] < DEPTH and axis[LARGEST] - axis[LEVELS] > axis[LEAST]:
        step = scale(1.0, axis[LARGEST] - axis[LEVELS])
        for ahead in range(2):
            if axis[SIDE] == (-1 if ahead == 0 else 1):
                continue
            for k in range(x.size):
                block[k] = x[k]
            block[d] += step if ahead == 0 else -step
            ask(kind, address, block, out)
            for i in range(f0.size):
                beside[axis[LEVELS], ahead, i] = out[i] - f0[i]
        axis[LEVELS] += 1


@allocating
def along_pair(kind, address, x, f0, pair, mixed, axes, beside, noise, value, error):
    """Take the mixed derivative by two entries of x; returns whether its status is not plain.

    The even part of f along the sum of two directions, less those along each, is known up to two
    points a level. Where one could be followed on one side only, both are.
    """
    i, j = pair
    levels = min(axes[i, LEVELS], axes[j, LEVELS])
    if levels == 0:
        return False
    sided = axes[i, SIDE] != 0 or axes[j, SIDE] != 0
    channels = mixed[1] if sided else mixed[0]
    weights, ahead = np.empty(2), np.zeros(2, np.int64)
    for k in range(2):
        sign = -1.0 if sided and axes[pair[k], SIDE] < 0 else 1.0
        weights[k] = sign * scale(1.0, axes[pair[k], LARGEST])
        ahead[k] = 1 if sign < 0.0 else 0
    taken = np.empty((levels, channels.offsets.size, 1))
    for k in range(levels):
        for p in range(channels.offsets.size):
            if sided:
                taken[k, p, 0] = beside[i, k, ahead[0], 0] + beside[j, k, ahead[1], 0]
            else:
                taken[k, p, 0] = beside[i, k, p, 0] + beside[j, k, p, 0]
    zero, last = np.zeros(1, np.int64), np.full(1, 1 - levels)
    edges, known = (zero, zero, zero, last, np.zeros(1)), np.full((1, 1), max(noise[i], noise[j]))
    line, room = (
        (np.zeros(1, np.int64), np.array([i, j]), weights, np.ones(1)),
        workspace(x, f0, channels),
    )
    columns = (
        np.empty((1, 1)), np.empty((1, 1)), np.empty((1, 1), np.uint8), np.empty((1, 1)),
        np.empty((1, 1)),
    )  # fmt: skip
    ray(kind, address, x, f0, channels, line, edges, 0.0, known, taken, room, columns)
    area = weights[0] * weights[1]
    value[i, j], error[i, j] = columns[0][0, 0] / area, columns[1][0, 0] / abs(area)
    if not (error[i, i] < math.inf and error[j, j] < math.inf):
        error[i, j] = math.inf
    return columns[2][0, 0] != OK
