"""Ladders around an f that is compiled itself, one direction at a time.

f is called through its address, so that nothing here has to be compiled for one f or another.
"""

from __future__ import annotations

import math

import numpy as np

from numdiff.constants import DOMAIN, OK
from numdiff.evaluation.machine_code import ask, sweep
from numdiff.ladder.disputes import SILENCE, dispute
from numdiff.ladder.points import place_at, span
from numdiff.ladder.rounds import begin_at, conclude_at, step_of, turn
from numdiff.ladder.runtime import allocating, kernel, separate
from numdiff.ladder.symptoms import TAIL, suspect
from numdiff.ladder.window import spare

from numdiff.ladder.registers import (  # isort: skip
    BEST, DONE, ORDER, OUTPUT, PHASE, REQUEST, SLOTS, STATE, Room,
)  # fmt: skip


@separate
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
    m), what is taken off f at the steps 1, 1/2, 1/4 and so on; and to be written the columns; quiet
    (D,), whether nothing is suspicious at first sight; samples and state of other directions, or of
    all, and the bars that are proven; and flags (D,) and points (D, n) where f raised first.
    Returns how often f was asked, along how many directions something is suspicious, and along how
    many f raised.
    """
    (starts, index, weight), (first, roams, prior, rtol, loose, every) = route, plan
    (
        start, other, highest, lowest, reach, steps, ahead, behind, known, beside,
        value, error, status, step, noise, quiet, kept, states, proven, raised, places,
    ) = arrays  # fmt: skip
    if start.size == 0:
        limits = (first, steps, roams, ahead, behind)
        start, other, highest, lowest, reach = edges_of(x, route, limits)
    (rows, outputs), (samples, state, _) = origins.shape, evidence_of(1, origins[0], channels)
    room, points, arrived, failed = workspace(places.shape[1], outputs, channels)
    found, levels, window, own = np.empty((outputs, OUTPUT)), samples[0], state[0], origins[0]
    order, restless, mishaps, calls = channels.shape[channels.primary, ORDER], 0, 0, 0
    for d in range(starts.size):
        if rows > 1:
            own = origins[d]
        begin_at(
            d, start, other, highest, lowest, beside.shape[0] == 0, prior, loose, origins, known,
            window, found, levels,
        )  # fmt: skip
        while window[PHASE] != DONE:
            stretch = place_at(
                d, step_of(window), x, starts, index, weight, channels.offsets, points
            )
            mishap = sweep(kind, address, points, arrived, failed)
            if mishap or beside.shape[0] > 0:  # a call with so many arrays takes time
                receive(d, points, arrived, failed, beside, window, found, raised, places)
            turn(arrived, stretch, own, reach[d], rtol, channels, room, levels, window, found)
            calls += failed.size
        length = abs(weight[d]) if starts.size == index.size else 1.0
        restless += conclude_at(
            d, origins, start, order, length, levels, window, proven, found, value, error, status,
            step, noise, quiet,
        )  # fmt: skip
        mishaps += 1 if raised[d] else 0
        if every or not quiet[d]:
            keep(d, levels, window, kept, states)
    return calls, restless, mishaps


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
def keep(d, levels, window, kept, states):
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
        np.empty((width + 1, SLOTS, SLOTS)),
        np.zeros(BEST),
        np.empty(width + 1),
    )
    points_of_f = np.empty((points, entries)), np.empty((points, outputs))
    return room, *points_of_f, np.empty(points, np.bool_)


@allocating
def evidence_of(count, f0, channels):
    """Make the arrays that D ladders leave: samples, state, and bars that are proven."""
    samples = np.empty((count, channels.fold.shape[0], SLOTS + 2, f0.size))
    return samples, np.empty((count, STATE), np.int64), np.empty((count, f0.size))


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


@allocating
def follow(kind, address, x, f0, route, channels, plan, kept, columns, doubt):
    """Differentiate along one direction and write the columns (1, m), without looking closer.

    `plan` holds the step to start with where x and the direction are of size 1, the user's steps
    (1 or 0,), and whether larger ones may be tried. What is seen is `kept` if something is in
    doubt, or if the last part of the plan says so; doubt (m,) becomes what has to be looked at
    closer.
    """
    first, steps, roams, every = plan
    free, alone, quiet = np.empty(0), np.empty((0, 0, 0, 0)), np.empty(1, np.bool_)
    edges = edges_of(x, route, (first, steps, roams, free, free))
    arrays = (
        *edges, steps, free, free, np.empty((0, f0.size)), alone, *columns, quiet, *kept,
        np.zeros(1, np.bool_), np.empty((1, x.size)),
    )  # fmt: skip
    rows = f0.reshape(1, f0.size)
    lead(kind, address, x, rows, route, channels, (first, roams, 0, 0.0, False, every), arrays)
    doubt[:] = False
    if quiet[0]:
        return
    bent, torn = np.empty((1, f0.size), np.bool_), np.empty((1, f0.size), np.bool_)
    suspect(
        f0, edges[0], channels.shape[channels.primary, ORDER], columns[0], columns[1], columns[2],
        kept[0], kept[1], np.empty(TAIL), bent, torn,
    )  # fmt: skip
    claims = np.zeros((1, f0.size), np.int64)
    if channels.shape[channels.primary, ORDER] == 1:
        value, error, status, step, noise = columns
        dispute(
            f0, edges[0], edges[4], value, error, status, step, noise, kept[2], kept[0], kept[1],
            claims,
        )  # fmt: skip
    for i in range(f0.size):
        doubt[i] = bent[0, i] or torn[0, i] or claims[0, i] >= SILENCE


@allocating
def answer(kind, address, x, f0, route, sides, plan, value, error):
    """Write derivatives along D directions and their bars (D, m), without looking closer.

    `sides` holds the levels for both sides of x, or also those ahead and behind for directions that
    leave the domain of f. A bar is infinite where f may not be smooth at x, is not resolved, has no
    usable point or differs between calls.
    """
    starts, index, weight = route
    first, steps, roams = plan
    doubt, doubtful = np.empty(f0.size, np.bool_), False
    columns, kept = columns_of(1, f0), kept_on(sides, f0)
    value[:], error[:] = math.nan, math.inf
    for d in range(starts.size):
        stop = starts[d + 1] if d + 1 < starts.size else index.size
        ray = (np.zeros(1, np.int64), index[starts[d] : stop], weight[starts[d] : stop])
        alone = (first, steps[d : d + 1] if steps.size > 0 else steps, roams, False)
        lost = np.isfinite(f0)
        for side in range(len(sides)):
            if not lost.any():
                continue
            follow(kind, address, x, f0, ray, sides[side], alone, kept[side], columns, doubt)
            for i in range(f0.size):
                if lost[i] and columns[2][0, i] != DOMAIN:
                    lost[i] = False
                    value[d, i] = columns[0][0, i]
                    error[d, i] = math.inf if doubt[i] else columns[1][0, i]
                    doubtful = doubtful or columns[2][0, i] != OK
    if doubtful:
        again = np.empty(f0.size)
        ask(kind, address, x.copy(), again)
        for i in range(f0.size):
            if again[i] != f0[i]:
                error[:, i] = math.inf


@allocating
def kept_on(sides, f0):
    """Make room for what one ladder leaves, samples and state, for each side of x."""
    both, ahead, behind = sides
    return evidence_of(1, f0, both), evidence_of(1, f0, ahead), evidence_of(1, f0, behind)
