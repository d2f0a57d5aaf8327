"""Hessians of an f that is compiled itself: along axes, and along pairs of them."""

from __future__ import annotations

import math

import numpy as np

from numdiff.constants import DOMAIN, NOISE_LIMITED, OK
from numdiff.drivers.compiled import columns_of, evidence_of, follow, keep_evidence, lead
from numdiff.drivers.compiled_points import deepen
from numdiff.evaluation.machine_code import ask
from numdiff.ladder.lane_formulas import LANES, ROWS
from numdiff.ladder.pair_lanes import THREE, end_by_three

from numdiff.ladder.pairs import (  # isort: skip
    AXIS, BEGIN, LARGEST, LEVELS, PLACES, SIDE, ahead, common, contest, keep, probe, relate,
)  # fmt: skip
from numdiff.ladder.runtime import allocating, inlined, kernel, separate
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
        kind, address, x, f0, route, rows, columns, channels, 0.0, ends, units, found, doubt,
        raised, np.empty((count, x.size)),
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
    kind, address, x, f0, route, rows, columns, channels, rtol, ends, units, found, doubt, raised,
    places,
):  # fmt: skip
    """Take mixed derivatives along K pairs (rows, columns) of directions, and look at each again.

    Each direction of the route moves an entry of x of its own; a relative bar of `rtol` is good
    enough. `ends` holds of all directions what `pairs.keep` left, axes and beside, their noise
    (D, m), and whether it is beyond rounding. Writes the units (K, 2) of both directions, in these
    the columns (K, m) of `found`, in `doubt` what a small step off the diagonal contradicts, and
    where f raised first: in `raised` (K,), False so far, whether it did, and the point (K, n).
    Returns how often f was asked.
    """
    (axes, beside, noise, noisy), (_, index, weight) = ends, route
    count, width, m = rows.size, channels.offsets.size, f0.size
    sided = width == 1
    edges, deep = np.zeros((4, count), np.int64), np.zeros(count, np.int64)
    least, lengths, left = np.empty((count, m)), np.empty(2 * count), np.empty(count, np.int64)
    entries, some = np.empty(2 * count, np.int64), count
    deepest = measure_pairs(rows, columns, axes, noise, noisy, sided, units, edges, least)
    for a in range(count):
        left[a], i, j = a, rows[a], columns[a]
        entries[2 * a], entries[2 * a + 1] = index[i], index[j]
        lengths[2 * a], lengths[2 * a + 1] = units[a, 0] * weight[i], units[a, 1] * weight[j]
    taken, told = np.empty((count, THREE, width, m)), np.empty((count, THREE, width, m))
    samples, state, _ = evidence_of(count, f0, channels)
    calls, point, pairs = 0, np.empty(x.size), (edges, entries, lengths, least, told, deep)
    if width == 2 and m == 1:
        relate(rows, columns, axes, beside, sided, taken)
        calls = ask_three(kind, address, x, pairs, point, raised, places)
        lanes, room = np.zeros((ROWS, LANES)), np.empty((THREE, 1))
        some = end_by_three(
            f0[0], least, told, deep, taken, channels, rtol, lanes, room, samples, state, found,
            left,
        )  # fmt: skip
    if some > 0:
        seen, taken = (found, samples, state, raised, places), np.empty((some, deepest, width, m))
        relate_some(rows, columns, left[:some], axes, beside, sided, taken)
        calls += lead_others(kind, address, x, f0, channels, rtol, pairs, taken, left[:some], seen)
    arrived = np.empty((width, count, m))
    step_off(kind, address, x, route, rows, columns, axes, units, point, arrived, raised, places)
    for a in range(count):
        for c in range(m):
            least[a, c] = max(noise[rows[a], c], noise[columns[a], c])
    contest(
        rows, columns, units, arrived, f0, least, axes, beside, found[0], found[1], samples, state,
        doubt,
    )  # fmt: skip
    return calls + count * width


@allocating
def relate_some(rows, columns, left, axes, beside, sided, taken):
    """Write what pairs of these numbers take off the values of f, as `pairs.relate`."""
    ones, others = np.empty(left.size, np.int64), np.empty(left.size, np.int64)
    for a in range(left.size):
        ones[a], others[a] = rows[left[a]], columns[left[a]]
    relate(ones, others, axes, beside, sided, taken)


@kernel
def ask_three(kind, address, x, pairs, point, raised, places):
    """Ask for f at the first three levels of pairs, as far as they have them and it is finite.

    Of those that start at 1: others may want a larger step before. Returns how often f was asked.
    """
    (edges, entries, lengths, _, told, deep), calls = pairs, 0
    for a in range(deep.size):
        step, finite = 1.0, edges[0, a] == 0 and edges[3, a] <= 1 - THREE
        while finite and deep[a] < THREE:
            for p in range(2):
                far = step if p == 0 else -step
                one, other = far * lengths[2 * a], far * lengths[2 * a + 1]
                go(x, entries[2 * a], one, entries[2 * a + 1], other, point)
                out = told[a, deep[a], p]
                note(a, ask(kind, address, point, out), point, raised, places)
                finite = finite and math.isfinite(out[0])
            deep[a], step, calls = deep[a] + 1, 0.5 * step, calls + 2
    return calls


@inlined
def go(x, i, one, j, other, point):
    """Write x to a point, and move two entries of it."""
    for k in range(x.size):
        point[k] = x[k]
    point[i] += one
    point[j] += other


@inlined
def note(a, failed, point, raised, places):
    """Note where f raised first along a pair."""
    if failed and not raised[a]:
        raised[a] = True
        for k in range(point.size):
            places[a, k] = point[k]


@allocating
def lead_others(kind, address, x, f0, channels, rtol, pairs, taken, left, seen):
    """Lead pairs of these numbers by the ladder, from what is told of f.

    What is `taken` off f is theirs, in this order. What all have `seen` so far is there: columns,
    samples, state, and where f raised. Returns how often f was asked.
    """
    (found, samples, state, raised, places), count, free = seen, left.size, np.empty(0)
    move_to_front(pairs, left)
    edges, entries, lengths, least, told, deep = pairs
    own, failed, there = columns_of(count, f0), np.zeros(count, np.bool_), np.empty((count, x.size))
    levels, windows, proven = evidence_of(count, f0, channels)
    arrays = (
        edges[0, :count], edges[1, :count], edges[2, :count], edges[3, :count], np.zeros(count),
        free, free, free, least[:count], taken, told[:count], deep[:count], *own,
        np.empty(count, np.bool_), levels, windows, proven, failed, there,
    )  # fmt: skip
    starts = np.empty(count, np.int64)
    for a in range(count):
        starts[a] = 2 * a
    ray = starts, entries[: 2 * count], lengths[: 2 * count]
    plan, rows = (0.0, False, 0, rtol, False, True), f0.reshape(1, f0.size)
    calls, _, _ = lead(kind, address, x, rows, ray, channels, plan, arrays)
    value, error, status, step, noise = found
    for a in range(count):
        p = left[a]
        for c in range(f0.size):
            value[p, c], error[p, c], status[p, c] = own[0][a, c], own[1][a, c], own[2][a, c]
            step[p, c], noise[p, c] = own[3][a, c], own[4][a, c]
        keep_evidence(p, levels[a], windows[a], samples, state)
        note(p, failed[a], there[a], raised, places)
    return calls


@kernel
def move_to_front(pairs, left):
    """Let what is known of pairs of these numbers be the first of what is known of all."""
    edges, entries, lengths, least, told, deep = pairs
    for a in range(left.size):
        p = left[a]
        if p == a:
            continue
        deep[a] = deep[p]
        for k in range(edges.shape[0]):
            edges[k, a] = edges[k, p]
        for k in range(2):
            entries[2 * a + k], lengths[2 * a + k] = entries[2 * p + k], lengths[2 * p + k]
        for c in range(least.shape[1]):
            least[a, c] = least[p, c]
        for k in range(told.shape[1]):
            for q in range(told.shape[2]):
                for c in range(told.shape[3]):
                    told[a, k, q, c] = told[p, k, q, c]


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
            go(x, index[i], before * one * weight[i], index[j], after * other * weight[j], point)
            note(a, ask(kind, address, point, arrived[p, a]), point, raised, places)
