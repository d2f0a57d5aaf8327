"""Ladders around an f that is compiled itself, one direction at a time.

f is called through its address, so that nothing here has to be compiled for one f or another.
"""

from __future__ import annotations

import math

import numpy as np

from numdiff.constants import DOMAIN, OK
from numdiff.evaluation.machine_code import ask, sweep
from numdiff.ladder.disputes import SILENCE, dispute
from numdiff.ladder.lane_formulas import LANES, ROWS
from numdiff.ladder.lanes import serve
from numdiff.ladder.points import place_at, span
from numdiff.ladder.rounds import begin_at, conclude_at, follow_up, step_of
from numdiff.ladder.runtime import allocating, inlined, kernel, separate
from numdiff.ladder.symptoms import TAIL, suspect
from numdiff.ladder.window import spare

from numdiff.ladder.registers import (  # isort: skip
    BEST, ORDER, OUTPUT, REQUEST, SLOTS, STATE, Room,
)  # fmt: skip

ROOM = 2**20  # floats that those directions may take which are followed together
PLACES = 2 * (SLOTS + 2)  # of the evidence of one output


@separate()
@allocating
def lead(kind, address, x, origins, route, channels, plan, arrays):
    """Lead ladders along D directions from begin to end and read off the columns (D, m).

    `origins` (1, m) is f(x); or (D, m) where x holds D points of one entry, one for each direction.
    `route` holds the directions: starts, index, weight; `plan` says at which step to start where x
    and the direction are of size 1, whether larger ones may be tried, what is known of noise, which
    relative bar is good enough, whether two pairs may do, and whether all evidence is wanted. The
    first five of `arrays`, by direction, say where the steps may lie, as `span` writes it, or are
    empty where that follows from the plan, the user's steps (D or 0,) and how far t may go ahead
    and behind (D or 0,). Then there are known (D or 0, m), the least noise; beside (D or 0, K, P,
    m), what is taken off f at the steps 1, 1/2, 1/4 and so on; told (D or 0, T, P, m) and deep (D
    or 0,), f at the first levels and at how many; and to be written the columns; quiet
    (D,), whether nothing is suspicious at first sight; samples and state of other directions, or of
    all, and the bars that are proven; and flags (D,) and points (D, n) where f raised first.
    Returns how often f was asked, along how many directions something is suspicious, and along how
    many f raised.
    """
    first, roams, _, _, _, _ = plan
    start, other, highest, lowest, reach, steps, ahead, behind = arrays[:8]
    places = arrays[-1]
    if start.size == 0:
        limits = (first, steps, roams, ahead, behind)
        start, other, highest, lowest, reach = edges_of(x, route, limits)
    outputs, edges = origins.shape[1], (start, other, highest, lowest, reach)
    room, points, _, failed = workspace(places.shape[1], outputs, channels)
    block = max(min(LANES // outputs, start.size), 1) if serve(channels, outputs) else 1
    samples, state, _ = evidence_of(block, origins[0], channels)
    lanes, ways = lanes_of(block, outputs, channels)
    arrived, stretch = np.empty((block, points.shape[0], outputs)), np.empty(block)
    found, live = np.empty((block, outputs, OUTPUT)), np.empty(block, np.int64)
    own = samples, state, found, room, lanes, live, ways
    asked = points, arrived, stretch, failed
    return lead_blocks(kind, address, x, origins, route, channels, plan, edges, arrays, own, asked)


@kernel
def lead_blocks(kind, address, x, origins, route, channels, plan, edges, arrays, own, asked):
    """Lead ladders a block after the other, with the room for one block that `lead` has made.

    Here no references to arrays are counted, which would take as long as a small f.
    """
    (_, _, _, _, _, live, _), calls, restless, mishaps = own, 0, 0, 0
    for first in range(0, route[0].size, live.size):
        count = min(live.size, route[0].size - first)
        calls += climb_block(
            kind, address, x, origins, route, channels, plan, edges, arrays, own, asked, first,
            count,
        )  # fmt: skip
        some, more = read_block(origins, route, channels, plan, edges, arrays, own, first, count)
        restless, mishaps = restless + some, mishaps + more
    return calls, restless, mishaps


@inlined
def climb_block(
    kind, address, x, origins, route, channels, plan, edges, arrays, own, asked, first, alive
):  # fmt: skip
    """Lead the ladders of a block from begin to end; returns how often f was asked."""
    (starts, index, weight), (_, _, prior, rtol, loose, _) = route, plan
    (start, other, highest, lowest, reach), calls = edges, 0
    samples, state, found, room, lanes, live, ways = own
    points, arrived, stretch, failed = asked
    (known, beside, told, deep), (raised, places) = arrays[8:12], arrays[-2:]
    here = origins[first : first + alive] if origins.shape[0] > 1 else origins
    for b in range(alive):
        live[b] = b
        begin_at(
            first + b, start, other, highest, lowest, beside.shape[0] == 0, prior, loose, origins,
            known, state[b], found[b], samples[b],
        )  # fmt: skip
    while alive > 0:
        for a in range(alive):
            b = live[a]
            stretch[a] = place_at(
                first + b, step_of(state[b]), x, starts, index, weight, channels.offsets, points
            )
            level, mishap = start[first + b] - state[b][REQUEST], False
            if deep.size > 0 and 0 <= level < deep[first + b]:
                recall(told[first + b, level], arrived[a], failed)
            else:
                mishap = sweep(kind, address, points, arrived[a], failed)
                calls += failed.size
            if mishap or beside.shape[0] > 0:  # a call with so many arrays takes time
                receive(
                    first + b, points, arrived[a], failed, beside, state[b], found[b], raised,
                    places,
                )  # fmt: skip
        alive = follow_up(
            live[:alive], arrived, stretch, here, reach[first:], rtol, channels, room, samples,
            state, found, lanes, ways,
        )  # fmt: skip
    return calls


@inlined
def read_block(origins, route, channels, plan, edges, arrays, own, first, count):
    """Read the results of a block off; returns along how many directions something is suspicious.

    And along how many f raised.
    """
    (starts, index, weight), every, order = route, plan[-1], channels.shape[channels.primary, ORDER]
    (samples, state, found, _, _, _, _), start, restless, mishaps = own, edges[0], 0, 0
    value, error, status, step, noise, quiet, kept, states, proven, raised, _ = arrays[12:]
    for b in range(count):
        d = first + b
        length = abs(weight[d]) if starts.size == index.size else 1.0
        restless += conclude_at(
            d, origins, start, order, length, samples[b], state[b], proven, found[b], value, error,
            status, step, noise, quiet,
        )  # fmt: skip
        mishaps += 1 if raised[d] else 0
        if every or not quiet[d]:
            keep_evidence(d, samples[b], state[b], kept, states)
    return restless, mishaps


@kernel
def recall(told, arrived, failed):
    """Take values that f has returned already."""
    for p in range(failed.size):
        failed[p] = False
        for i in range(arrived.shape[1]):
            arrived[p, i] = told[p, i]


@kernel
def receive(d, points, arrived, failed, beside, window, found, raised, places):
    """Note where f raised though the answer needs it, and take off its values what is beside."""
    for p in range(failed.size):
        if failed[p] and not raised[d] and not spare(window, found):
            raised[d] = True
            for k in range(points.shape[1]):
                places[d, k] = points[p, k]
        if beside.shape[0] > 0:
            for i in range(arrived.shape[1]):
                arrived[p, i] -= beside[d, -window[REQUEST], p, i]


@kernel
def keep_evidence(d, levels, window, kept, states):
    """Keep the evidence of a direction; to assign arrays as a whole takes long to compile."""
    for k in range(window.size):
        states[d, k] = window[k]
    for c in range(levels.shape[0]):
        for k in range(levels.shape[1]):
            for i in range(levels.shape[2]):
                kept[d, c, k, i] = levels[c, k, i]


@allocating
def workspace(entries, outputs, channels):
    """Make room for one ladder, for its points of so many entries, f there, and where f raised."""
    width, points = channels.fold.shape[0], channels.offsets.size
    room = Room(
        np.empty((width, SLOTS)),
        np.empty(SLOTS),
        np.empty(width * SLOTS * SLOTS),
        np.empty((width + 2, SLOTS, SLOTS)),
        np.zeros(BEST),
        np.empty(width + 1),
    )
    points_of_f = np.empty((points, entries)), np.empty((points, outputs))
    return room, *points_of_f, np.empty(points, np.bool_)


@allocating
def lanes_of(count, outputs, channels):
    """Make room for lanes, where they are for such channels, and for the ways of directions."""
    rows = ROWS if serve(channels, outputs) else 0
    return np.empty((rows, LANES)), np.empty(2 * count, np.int64)


@allocating
def evidence_of(count, f0, channels):
    """Make the arrays that D ladders leave: samples, state, and bars that are proven.

    The large ones in one piece: memory of which no array takes half is given back to the system
    each time, and comes again page by page, which takes a fifth of the time of 10,000 points.
    """
    width = channels.fold.shape[0]
    size = count * f0.size * width * (SLOTS + 2)
    whole = np.empty(size + count * STATE)
    samples = whole[:size].reshape((count, width, SLOTS + 2, f0.size))
    state = whole[size:].view(np.int64).reshape((count, STATE))
    return samples, state, np.empty((count, f0.size))


@allocating
def columns_of(count, f0):
    """Make room for value, error, status, step and noise."""
    shape = (count, f0.size)
    return (
        np.empty(shape), np.empty(shape), np.empty(shape, np.uint8), np.empty(shape),
        np.empty(shape),
    )  # fmt: skip


@allocating
def edges_of(x, route, limits):
    """Say where the steps along directions may lie."""
    starts, index, weight = route
    first, steps, roams, ahead, behind = limits
    whole, reach = np.empty((4, starts.size), np.int64), np.empty(starts.size)
    start, other, highest, lowest = whole[0], whole[1], whole[2], whole[3]
    span(
        x, starts, index, weight, first, steps, roams, ahead, behind,
        start, other, highest, lowest, reach,
    )  # fmt: skip
    return start, other, highest, lowest, reach


@separate(plan="walk")
@allocating
def follow(kind, address, x, f0, route, channels, plan, kept, columns, doubt):
    """Differentiate along D directions and write the columns (D, m), without looking closer.

    `plan` holds the step to start with where x and the direction are of size 1, the user's steps
    (D or 0,), and whether larger ones may be tried. What is seen is `kept` where something is in
    doubt, or if the last part of the plan says so; doubt (D, m) becomes what has to be looked at
    closer.
    """
    first, steps, roams, every = plan
    count, free, alone = route[0].size, np.empty(0), np.empty((0, 0, 0, 0))
    quiet = np.empty(count, np.bool_)
    edges, none = edges_of(x, route, (first, steps, roams, free, free)), np.empty(0, np.int64)
    arrays = (
        *edges, steps, free, free, np.empty((0, f0.size)), alone, alone, none, *columns, quiet,
        *kept, np.zeros(count, np.bool_), np.empty((count, x.size)),
    )  # fmt: skip
    rows, order = f0.reshape(1, f0.size), channels.shape[channels.primary, ORDER]
    lead(kind, address, x, rows, route, channels, (first, roams, 0, 0.0, False, every), arrays)
    bent, torn = np.empty((1, f0.size), np.bool_), np.empty((1, f0.size), np.bool_)
    claims, left = np.zeros((1, f0.size), np.int64), np.empty(TAIL)
    for d in range(count):
        for i in range(f0.size):
            doubt[d, i] = False
        if quiet[d]:
            continue
        one = slice(d, d + 1)
        value, error, status = columns[0][one], columns[1][one], columns[2][one]
        suspect(
            rows, edges[0][one], order, value, error, status, kept[0][one], kept[1][one], left,
            bent, torn,
        )  # fmt: skip
        if order == 1:
            dispute(
                rows, edges[0][one], edges[4][one], value, error, status, columns[3][one],
                columns[4][one], kept[2][one], kept[0][one], kept[1][one], claims,
            )  # fmt: skip
        for i in range(f0.size):
            doubt[d, i] = bent[0, i] or torn[0, i] or claims[0, i] >= SILENCE


@allocating
def answer(kind, address, x, f0, route, sides, plan, value, error):
    """Write derivatives along D directions and their bars (D, m), without looking closer.

    Each direction moves one entry of x. `sides` holds the levels for both sides of x, or also those
    ahead and behind for directions that leave the domain of f. A bar is infinite where f may not be
    smooth at x, is not resolved, has no usable point or differs between calls.
    """
    count, doubtful = value.shape[0], False
    most = ROOM // (f0.size * PLACES + x.size)
    lost = np.empty((count, f0.size), np.bool_)
    value[:], error[:] = math.nan, math.inf
    for d in range(count):
        for i in range(f0.size):
            lost[d, i] = math.isfinite(f0[i])
    for side in range(len(sides)):
        stop = 0
        while stop < count:
            some = slice(stop, min(stop + (max(most, 1) if side == 0 else 1), count))
            stop = some.stop
            if lost[some].any():
                doubtful |= answer_part(
                    kind, address, x, f0, route, sides[side], plan, some, lost, value, error
                )
    if doubtful:
        again = np.empty(f0.size)
        ask(kind, address, x.copy(), again)
        for i in range(f0.size):
            if again[i] != f0[i]:
                error[:, i] = math.inf


@allocating
def answer_part(kind, address, x, f0, route, channels, plan, some, lost, value, error):
    """Write what is lost so far along some directions; returns whether anything is doubtful."""
    (starts, index, weight), (first, steps, roams), doubtful = route, plan, False
    count, begin = some.stop - some.start, some.start
    rays = starts[some] - starts[begin], index[some], weight[some]
    every = count < 0  # no: a plain False is a type of its own and compiles `follow` twice
    alone = (first, steps[some] if steps.size > 0 else steps, roams, every)
    columns, doubt = columns_of(count, f0), np.empty((count, f0.size), np.bool_)
    kept = evidence_of(count, f0, channels)
    follow(kind, address, x, f0, rays, channels, alone, kept, columns, doubt)
    for a in range(count):
        for i in range(f0.size):
            d = begin + a
            if lost[d, i] and columns[2][a, i] != DOMAIN:
                lost[d, i], value[d, i] = False, columns[0][a, i]
                error[d, i] = math.inf if doubt[a, i] else columns[1][a, i]
                doubtful = doubtful or columns[2][a, i] != OK
    return doubtful
