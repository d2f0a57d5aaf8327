"""The compiled driver: the ladder around an f that is compiled itself, one direction at a time.

f is called through its address, so that nothing here has to be compiled for one f or another.
"""

from __future__ import annotations

import math

import numpy as np

from numdiff.evaluation.machine_code import ask
from numdiff.ladder.decide import DOMAIN, FOUND, ORDER, REQUEST, SLOTS, STATE
from numdiff.ladder.points import exponent, place, span
from numdiff.ladder.rounds import advance, begin, read
from numdiff.ladder.runtime import allocating, kernel
from numdiff.ladder.symptoms import CLEAR, DEEP, OK, POOR, ROUNDS, TAIL, calm, suspect
from numdiff.ladder.tableau import BEST, scale


@kernel
def climb(
    kind, address, f0, fold, shape, gain, factor, primary, reach, rtol,
    samples, state, found, y, floors, seen, table, best, sampled,
    x, starts, index, weight, offsets, block, arrived, live, stretch, beside,
):  # fmt: skip
    """Lead D ladders that have begun to their end; returns how often f was asked, or less.

    That is negative if f raised. One direction goes at a time: block (1, P, n), arrived (1, P, m),
    live and stretch (1,) are room to work in. beside (K or 0, P, m) is taken off the values of f at
    the steps 1, 1/2, 1/4 and so on.
    """
    calls, raised = 0, False
    for d in range(state.shape[0]):
        live[0], stretch[0] = d, scale(1.0, state[d, REQUEST])
        place(live, stretch, x, starts, index, weight, offsets, block, stretch)
        left = 1
        while left > 0:
            for p in range(offsets.size):
                calls += 1
                raised = ask(kind, address, block[0, p], arrived[0, p]) or raised
                if beside.shape[0] > 0:
                    for i in range(f0.size):
                        arrived[0, p, i] -= beside[-state[d, REQUEST], p, i]
            left = advance(
                live, arrived, stretch, f0, fold, shape, gain, factor, primary, reach, rtol,
                samples, state, found, y, floors, seen, table, best, sampled,
                x, starts, index, weight, offsets, block,
            )  # fmt: skip
    return -calls if raised else calls


@allocating
def workspace(x, f0, channels):
    """Make the arrays that one direction needs."""
    outputs, width, points = f0.size, channels.fold.shape[0], channels.offsets.size
    return (
        np.empty((1, STATE), np.int64),
        np.empty((1, outputs, FOUND)),
        np.empty((1, width, SLOTS + 2, outputs)),
        np.empty((width, SLOTS)),
        np.empty(SLOTS),
        np.empty(width * SLOTS * SLOTS),
        np.empty((width + 1, SLOTS, SLOTS)),
        np.zeros(BEST),
        np.empty(width + 1),
        np.empty((1, points, x.size)),
        np.empty((1, points, outputs)),
        np.empty(1, np.int64),
        np.empty(1),
    )


@kernel
def ray(kind, address, x, f0, channels, line, edges, rtol, known, beside, room, columns):
    """Lead the ladder along one direction, its entries and weights, and read off the columns.

    `edges` says where its steps may lie, as `span` writes it; `known` is the least noise and
    `beside` what is taken off the values of f, both empty where nothing is. Returns how often f was
    asked, negative if it raised.
    """
    here, entries, weights, unit = line
    start, other, highest, lowest, reach = edges
    state, found, samples, y, floors, seen, table, best, sampled, block, arrived, live, gap = room
    begin(
        start,
        other,
        highest,
        lowest,
        beside.size == 0,
        known.size < 0,
        f0,
        known,
        state,
        found,
        samples,
    )
    calls = climb(
        kind, address, f0, channels.fold, channels.shape, channels.gain, channels.factor,
        channels.primary, reach, rtol, samples, state, found, y, floors, seen, table, best, sampled,
        x, here, entries, weights, channels.offsets, block, arrived, live, gap, beside,
    )  # fmt: skip
    read(found, unit, *columns)
    return calls


@kernel
def suspicious(f0, start, order, columns, room, left, bent, torn):
    """Whether an output of one direction may not be smooth at x; they are written to `bent`."""
    value, error, status, _, _ = columns
    state, samples = room[0], room[2]
    poor = POOR if order == 1 else math.inf
    if calm(f0, start, value, error, status, samples, state, poor, ROUNDS, CLEAR, DEEP):
        return False
    suspect(f0, start, order, value, error, status, samples, state, left, bent, torn)
    for i in range(f0.size):
        bent[0, i] = bent[0, i] or torn[0, i]
    return True


@allocating
def follow(kind, address, x, f0, route, channels, plan, columns, doubt):
    """Differentiate along D directions and write columns (D, m): value, error, status, step, noise.

    `route` holds the directions: starts, index, weight; `plan` the step to start with where x and
    the direction are of size 1, the user's steps (D or 0,), whether larger ones may be tried, and
    the relative bar that is good enough. doubt (D or 0, m) says where something was seen that has
    to be looked at closer; without room for it that ends the work. Returns how often f was asked,
    negative and one less where it ended early or f raised.
    """
    starts, index, weight = route
    first, steps, roams, rtol = plan
    value, error, status, step, noise = columns
    order, room, calls = channels.shape[channels.primary, ORDER], workspace(x, f0, channels), 0
    edges, here, left = open_edges(), np.zeros(1, np.int64), np.empty(TAIL)
    bent, torn = np.empty((1, f0.size), np.bool_), np.empty((1, f0.size), np.bool_)
    nothing, alone, unit, free = np.empty((0, 1)), np.empty((0, 1, 1)), np.ones(1), np.empty(0)
    for d in range(starts.size):
        stop = starts[d + 1] if d + 1 < starts.size else index.size
        entries, weights = index[starts[d] : stop], weight[starts[d] : stop]
        if starts.size == index.size:
            unit[0] = weights[0]
        span(x, here, entries, weights, first, free, free, *edges)
        if steps.size > 0:
            edges[0][0] = max(min(exponent(steps[d]), edges[2][0]), edges[3][0])
        if not roams:
            edges[2][0] = edges[0][0]
        own = (
            value[d : d + 1], error[d : d + 1], status[d : d + 1], step[d : d + 1],
            noise[d : d + 1],
        )  # fmt: skip
        line = (here, entries, weights, unit)
        spent = ray(kind, address, x, f0, channels, line, edges, rtol, nothing, alone, room, own)
        calls += abs(spent)
        if spent < 0 and doubt.shape[0] == 0:
            return -1 - calls
        if suspicious(f0, edges[0], order, own, room, left, bent, torn):
            if doubt.shape[0] == 0:
                return -1 - calls
            doubt[d] = bent[0]
    return calls


@allocating
def open_edges():
    """Make room for what `span` writes of one direction."""
    whole = np.empty((4, 1), np.int64)
    return whole[0], whole[1], whole[2], whole[3], np.empty(1)


@allocating
def answer(kind, address, x, f0, route, sides, plan, value, error):
    """Write derivatives along D directions and their bars (D, m), without looking closer.

    `sides` holds the levels for both sides of x, or also those ahead and behind for directions that
    leave the domain of f. A bar is infinite where f may not be smooth at x, is not resolved, has no
    usable point or differs between calls.
    """
    starts, index, weight = route
    first, steps, roams, rtol = plan
    outputs = f0.size
    status, doubt = np.empty((1, outputs), np.uint8), np.empty((1, outputs), np.bool_)
    step, noise, doubtful = np.empty((1, outputs)), np.empty((1, outputs)), False
    new, bar = np.empty((1, outputs)), np.empty((1, outputs))
    value[:], error[:] = math.nan, math.inf
    for d in range(starts.size):
        stop = starts[d + 1] if d + 1 < starts.size else index.size
        ray = (np.zeros(1, np.int64), index[starts[d] : stop], weight[starts[d] : stop])
        alone = (first, steps[d : d + 1] if steps.size > 0 else steps, roams, rtol)
        lost = np.isfinite(f0)
        for side in range(len(sides)):
            if not lost.any():
                continue
            doubt[:] = False
            columns = (new, bar, status, step, noise)
            follow(kind, address, x, f0, ray, sides[side], alone, columns, doubt)
            for i in range(outputs):
                if lost[i] and status[0, i] != DOMAIN:
                    lost[i] = False
                    value[d, i], error[d, i] = new[0, i], math.inf if doubt[0, i] else bar[0, i]
                    doubtful = doubtful or status[0, i] != OK
    if not doubtful:
        return
    again = np.empty(outputs)
    ask(kind, address, x.copy(), again)
    for i in range(outputs):
        if again[i] != f0[i]:
            error[:, i] = math.inf
