"""Hessians of an f that is compiled itself: along axes, and along pairs of them."""

from __future__ import annotations

import math

import numpy as np

from numdiff.constants import DOMAIN, NOISE_LIMITED, OK
from numdiff.drivers.compiled import columns_of, evidence_of, follow, lead
from numdiff.drivers.compiled_points import deepen
from numdiff.evaluation.machine_code import ask

from numdiff.ladder.pairs import (  # isort: skip
    AXIS, BEGIN, LARGEST, LEVELS, PLACES, SIDE, ahead, common, contest, keep, probe, relate,
)  # fmt: skip
from numdiff.ladder.runtime import allocating, kernel, separate
from numdiff.ladder.tableau import scale


@allocating
def curve(kind, address, x, f0, sides, mixed, plan, value, error):
    """Write second derivatives by all pairs of entries of x and their bars, (n, n).

    `sides` holds the levels for both sides of x, ahead and behind, `mixed` those of pairs for both
    sides and for one.
    """
    n, doubtful = x.size, False
    axes, beside = np.zeros((n, AXIS), np.int64), np.full((n, PLACES, 2, 1), math.nan)
    noise, noisy, columns = np.zeros((n, 1)), np.zeros((n, 1), np.bool_), np.empty(n, np.int64)
    value[:], error[:] = math.nan, math.inf
    for side in range(len(sides)):
        count = 0
        for d in range(n):
            columns[count] = d
            count += 1 if math.isnan(value[d, d]) else 0
        if count > 0:
            ends = (axes, beside, noise, noisy)
            doubtful |= along_axes(
                kind, address, x, f0, columns[:count], sides[side], plan, ends, value, error
            )
    route = np.arange(n), np.arange(n), np.ones(n)
    deepen(kind, address, x, f0, route, axes, beside, np.empty(n), np.empty(1))
    for i in range(n):
        for side in range(2):
            count = 0
            for j in range(i + 1, n):
                columns[count] = j
                sided = axes[i, SIDE] != 0 or axes[j, SIDE] != 0
                usable = min(axes[i, LEVELS], axes[j, LEVELS]) > 0
                count += 1 if usable and sided == (side == 1) else 0
            if count > 0:
                ends = (axes, beside, noise, noisy)
                doubtful |= across_from(
                    kind, address, x, f0, route, i, columns[:count], mixed[side], ends, value, error
                )
    if doubtful:
        again = np.empty(1)
        ask(kind, address, x.copy(), again)
        if again[0] != f0[0]:
            error[:] = math.inf


@allocating
def along_axes(kind, address, x, f0, rows, channels, plan, ends, value, error):
    """Take the second derivatives by some entries of x; returns whether any status is not OK."""
    (axes, beside, noise, noisy), (first, steps, roams), doubtful = ends, plan, False
    count, every, offsets = rows.size, rows.size > 0, channels.offsets  # True is a type of its own
    columns, kept = columns_of(count, f0), evidence_of(count, f0, channels)
    doubt, ray = np.empty((count, 1), np.bool_), (np.arange(count), rows, np.ones(count))
    alone = (first, steps[rows] if steps.size > 0 else steps, roams, every)
    follow(kind, address, x, f0, ray, channels, alone, kept, columns, doubt)
    asked = 0 if offsets.size > 1 else int(offsets[0])
    for a in range(count):
        d, one = rows[a], slice(a, a + 1)
        if columns[2][a, 0] == DOMAIN:
            continue
        doubtful = doubtful or columns[2][a, 0] != OK
        value[d, d], noise[d, 0] = columns[0][a, 0], columns[4][a, 0]
        noisy[d, 0] = columns[2][a, 0] == NOISE_LIMITED
        error[d, d] = math.inf if doubt[a, 0] else columns[1][a, 0]
        keep(rows[one], asked, kept[0][one], kept[1][one], columns[3][one], axes, beside)
    return doubtful


@allocating
def across_from(kind, address, x, f0, route, i, columns, channels, ends, value, error):
    """Take mixed derivatives by an entry of x and others; returns whether any status is not OK."""
    count, doubtful = columns.size, False
    rows, units, found = np.full(count, i), np.empty((count, 2)), columns_of(count, f0)
    doubt, raised = np.empty((count, 1), np.bool_), np.zeros(count, np.bool_)
    lead_pairs(
        kind, address, x, f0, route, rows, columns, channels, ends, units, found, doubt, raised,
        np.empty((count, x.size)),
    )  # fmt: skip
    for a in range(count):
        j, area = columns[a], units[a, 0] * units[a, 1]
        doubtful = doubtful or found[2][a, 0] != OK
        value[i, j], error[i, j] = found[0][a, 0] / area, found[1][a, 0] / abs(area)
        if doubt[a, 0] or not (error[i, i] < math.inf and error[j, j] < math.inf):
            error[i, j] = math.inf
        value[j, i], error[j, i] = value[i, j], error[i, j]
    return doubtful


@separate(columns="counts", units="plane", found="columns", raised="flags")
@allocating
def lead_pairs(
    kind, address, x, f0, route, rows, columns, channels, ends, units, found, doubt, raised, places
):  # fmt: skip
    """Take mixed derivatives along K pairs (rows, columns) of directions, and look at each again.

    Each direction of the route moves an entry of x of its own. `ends` holds of all of them what
    `pairs.keep` left, axes and beside, their noise (D, m), and whether it is beyond rounding.
    Writes the units (K, 2) of both directions, in these the columns (K, m) of `found`, in `doubt`
    what a small step off the diagonal contradicts, and where f raised first: in `raised` (K,),
    False so far, whether it did, and the point (K, n). Returns how often f was asked.
    """
    (axes, beside, noise, noisy), (_, index, weight) = ends, route
    count, sided, free = rows.size, channels.offsets.size == 1, np.empty(0)
    edges, least, moved = np.zeros((4, count), np.int64), np.empty((count, f0.size)), 2 * count
    entries, lengths = np.empty(moved, np.int64), np.empty(moved)
    deepest = measure_pairs(rows, columns, axes, noise, noisy, sided, units, edges, least)
    for a in range(moved):
        d = columns[a // 2] if a % 2 else rows[a // 2]
        entries[a], lengths[a] = index[d], units[a // 2, a % 2] * weight[d]
    taken = np.full((count, deepest, channels.offsets.size, f0.size), math.nan)
    relate(rows, columns, axes, beside, sided, taken)
    samples, state, proven = evidence_of(count, f0, channels)
    arrays = (
        edges[0], edges[1], edges[2], edges[3], np.zeros(count), free, free, free, least, taken,
        *found, np.empty(count, np.bool_), samples, state, proven, raised, places,
    )  # fmt: skip
    ray, own = (2 * np.arange(count), entries, lengths), f0.reshape(1, f0.size)
    calls, _, _ = lead(
        kind, address, x, own, ray, channels, (0.0, False, 0, 0.0, False, True), arrays
    )
    arrived, point = np.empty((channels.offsets.size, count, f0.size)), np.empty(x.size)
    step_off(kind, address, x, route, rows, columns, axes, units, point, arrived, raised, places)
    for a in range(count):
        for c in range(f0.size):
            least[a, c] = max(noise[rows[a], c], noise[columns[a], c])
    contest(
        rows, columns, units, arrived, f0, least, axes, beside, found[0], found[1], samples, state,
        doubt,
    )  # fmt: skip
    return calls + count * channels.offsets.size


@kernel
def measure_pairs(rows, columns, axes, noise, noisy, sided, units, edges, least):
    """Write units of pairs, between which levels they lie, and their noise; return how many most.

    `edges` (4, K) are, as exponents, where steps start, twice, the largest and the smallest one.
    """
    deepest = 0
    for a in range(rows.size):
        i, j = rows[a], columns[a]
        begin = min(axes[i, BEGIN], axes[j, BEGIN])
        levels = min(axes[i, LEVELS] - ahead(axes, i, j), axes[j, LEVELS] - ahead(axes, j, i))
        edges[0, a], edges[1, a], edges[3, a] = -begin, -begin, 1 - levels
        deepest = max(deepest, levels)
        for k in range(2):
            d = j if k else i
            length = scale(1.0, axes[d, LARGEST] - axes[d, BEGIN] + begin)
            units[a, k] = -length if sided and axes[d, SIDE] < 0 else length
        for c in range(least.shape[1]):
            least[a, c] = common(noise, noisy, i, j, c)
    return deepest


@kernel
def step_off(
    kind, address, x, route, rows, columns, axes, units, point, arrived, raised, places
):  # fmt: skip
    """Ask for f at the probes of pairs: on the side of both axes, or across on both."""
    (_, index, weight), count = route, arrived.shape[0]
    for a in range(rows.size):
        i, j = rows[a], columns[a]
        _, _, one, other = probe(axes, i, j)
        for p in range(count):
            before, after = (1.0, -1.0) if p == 0 else (-1.0, 1.0)
            if count == 1:
                before = 1.0 if units[a, 0] > 0.0 else -1.0
                after = 1.0 if units[a, 1] > 0.0 else -1.0
            for k in range(x.size):
                point[k] = x[k]
            point[index[i]] += before * one * weight[i]
            point[index[j]] += after * other * weight[j]
            if ask(kind, address, point, arrived[p, a]) and not raised[a]:
                raised[a] = True
                for k in range(x.size):
                    places[a, k] = point[k]
