"""Hessians of an f that is compiled itself: along axes, and along pairs of them."""

from __future__ import annotations

import math

import numpy as np

from numdiff.constants import DOMAIN, OK
from numdiff.drivers.compiled import columns_of, evidence_of, follow, kept_on, lead
from numdiff.evaluation.machine_code import ask

from numdiff.ladder.pairs import (  # isort: skip
    AXIS, BEGIN, DEPTH, LARGEST, LEAST, LEVELS, PLACES, SIDE, ahead, contest, keep, probes, relate,
)  # fmt: skip
from numdiff.ladder.runtime import allocating
from numdiff.ladder.tableau import scale


@allocating
def curve(kind, address, x, f0, sides, mixed, plan, value, error):
    """Write second derivatives by all pairs of entries of x and their bars, (n, n).

    `sides` holds the levels for both sides of x, ahead and behind, `mixed` those of pairs for both
    sides and for one.
    """
    n, doubtful, every = x.size, False, x.size > 0  # a plain True is a type of its own
    axes, beside = np.zeros((n, AXIS), np.int64), np.full((n, PLACES, 2, 1), math.nan)
    columns, kept, noise = columns_of(1, f0), kept_on(sides, f0), np.zeros(n)
    doubt = np.empty((1, 1), np.bool_)
    value[:], error[:] = math.nan, math.inf
    for d in range(n):
        first, steps, roams = plan
        ray = (np.zeros(1, np.int64), np.full(1, d), np.ones(1))
        alone = (first, steps[d : d + 1] if steps.size > 0 else steps, roams, every)
        for side in range(len(sides)):
            if not math.isnan(value[d, d]):
                continue
            follow(kind, address, x, f0, ray, sides[side], alone, kept[side], columns, doubt)
            if columns[2][0, 0] == DOMAIN:
                continue
            doubtful = doubtful or columns[2][0, 0] != OK
            value[d, d], noise[d] = columns[0][0, 0], columns[4][0, 0]
            error[d, d] = math.inf if doubt[0, 0] else columns[1][0, 0]
            offsets = sides[side].offsets
            asked = 0 if offsets.size > 1 else int(offsets[0])
            keep(np.full(1, d), asked, kept[side][0], kept[side][1], columns[3], axes, beside)
    for d in range(n):
        deepen(kind, address, x, f0, d, axes[d], beside[d])
    for i in range(n):
        for j in range(i + 1, n):
            pair = (np.full(1, i), np.full(1, j))
            sure = along_pair(
                kind, address, x, f0, pair, mixed, axes, beside, noise, value, error, columns
            )
            doubtful = doubtful or not sure
            value[j, i], error[j, i] = value[i, j], error[i, j]
    if doubtful:
        again = np.empty(1)
        ask(kind, address, x.copy(), again)
        if again[0] != f0[0]:
            error[:] = math.inf


@allocating
def deepen(kind, address, x, f0, d, axis, beside):
    """Sample an axis at smaller steps, so that pairs of it can go as far."""
    point, out = np.empty(x.size), np.empty(1)
    while 0 < axis[LEVELS] < DEPTH and axis[LARGEST] - axis[LEVELS] > axis[LEAST]:
        step = scale(1.0, axis[LARGEST] - axis[LEVELS])
        for behind in range(2):
            if axis[SIDE] == (-1 if behind == 0 else 1):
                continue
            for k in range(x.size):
                point[k] = x[k]
            point[d] += step if behind == 0 else -step
            ask(kind, address, point, out)
            for i in range(f0.size):
                beside[axis[LEVELS], behind, i] = out[i] - f0[i]
        axis[LEVELS] += 1


@allocating
def along_pair(kind, address, x, f0, pair, mixed, axes, beside, noise, value, error, columns):
    """Take the mixed derivative by two entries of x; returns whether its status is OK."""
    i, j = pair[0][0], pair[1][0]
    begin = min(axes[i, BEGIN], axes[j, BEGIN])
    levels = min(axes[i, LEVELS] - ahead(axes, i, j), axes[j, LEVELS] - ahead(axes, j, i))
    if min(axes[i, LEVELS], axes[j, LEVELS]) == 0:
        return True
    sided = axes[i, SIDE] != 0 or axes[j, SIDE] != 0
    channels, weights = mixed[1] if sided else mixed[0], np.empty(2)
    for k in range(2):
        axis = axes[pair[k][0]]
        largest = axis[LARGEST] - axis[BEGIN] + begin
        weights[k] = (-1.0 if sided and axis[SIDE] < 0 else 1.0) * scale(1.0, largest)
    taken = np.empty((1, levels, channels.offsets.size, 1))
    relate(pair[0], pair[1], axes, beside, sided, taken)
    zero, last, free = np.zeros(1, np.int64), np.full(1, 1 - levels), np.empty(0)
    start, least = np.full(1, -begin), np.full((1, 1), max(noise[i], noise[j]))
    samples, state, found = evidence_of(1, f0, channels)
    arrays = (
        start, start, zero, last, np.zeros(1), free, free, free, least, taken, *columns,
        np.empty(1, np.bool_), samples, state, found, np.zeros(1, np.bool_), np.empty((1, x.size)),
    )  # fmt: skip
    ray, rows = (zero, np.array([i, j]), weights), f0.reshape(1, f0.size)
    lead(kind, address, x, rows, ray, channels, (0.0, False, 0, 0.0, False, True), arrays)
    doubt = np.zeros((1, 1), np.bool_)
    if columns[1][0, 0] < math.inf:
        arrived = np.empty((channels.offsets.size, 1, 1))
        step_off(kind, address, x, pair, axes, weights, sided, arrived)
        contest(
            pair[0], pair[1], weights.reshape(1, 2), arrived, f0, least, axes, beside,
            columns[0], columns[1], samples, state, doubt,
        )  # fmt: skip
    area = weights[0] * weights[1]
    value[i, j], error[i, j] = columns[0][0, 0] / area, columns[1][0, 0] / abs(area)
    if doubt[0, 0] or not (error[i, i] < math.inf and error[j, j] < math.inf):
        error[i, j] = math.inf
    return columns[2][0, 0] == OK


@allocating
def step_off(kind, address, x, pair, axes, weights, sided, arrived):
    """Ask for f at the probe of a pair: on the side of both axes, or across on both."""
    point, lengths = np.empty(x.size), np.empty((1, 2))
    probes(pair[0], pair[1], axes, lengths)
    for p in range(arrived.shape[0]):
        for k in range(x.size):
            point[k] = x[k]
        for k in range(2):
            sign = 1.0 if k == p else -1.0
            if sided:
                sign = 1.0 if weights[k] > 0.0 else -1.0
            point[pair[k][0]] += sign * lengths[0, k]
        ask(kind, address, point, arrived[p, 0])
