"""From start to end: what a direction begins with, one round of f, and what is read off.

A round leads from the values that f returned to the points where it is asked next.
"""

import math

from numdiff.constants import UNRESOLVED
from numdiff.ladder.channels import Channels
from numdiff.ladder.check import check, compare
from numdiff.ladder.decide import choose, judge
from numdiff.ladder.lanes import LED, lead_calm
from numdiff.ladder.noise import SKEW
from numdiff.ladder.points import place
from numdiff.ladder.runtime import inlined, kernel, separate
from numdiff.ladder.symptoms import calm
from numdiff.ladder.tableau import scale
from numdiff.ladder.window import absorb, restart

from numdiff.ladder.loose import (  # isort: skip
    CLIMBS, HOPES, KEPT, climb_back, is_kept, sample_next, settle_loosely, start_loosely,
)  # fmt: skip
from numdiff.ladder.registers import (  # isort: skip
    CHECK, CLOSED, DEVIATION, DONE, DOUBT, ELSEWHERE, ERROR, ESTIMATE, HIGHEST, LEAST_NOISE,
    LOOSE, LOWEST, NEVER, NOISY, ORDER, OTHER, OUTPUT, PHASE, PRIOR, PROVEN, RATIO, READY, REQUEST,
    SAMPLE, STATUS, STEP, TABLED, TINY, Room,
)  # fmt: skip


@kernel
def begin(
    start, other, highest, lowest, roams, prior, loose, f0, noise, state, outputs, samples
):  # fmt: skip
    """Set up the ladders of D directions: nothing is known, a first step is asked for.

    `f0` (D or 1, m) is f(x), by direction where each has a point of its own. Without `roams` there
    is no check elsewhere; `noise` (D or 0, m) is the least to reckon with, and `prior` says what is
    known of it, as PRIOR does; whether two pairs may do is in `loose`.
    """
    for d in range(start.size):
        begin_at(
            d, start, other, highest, lowest, roams, prior, loose, f0, noise, state[d], outputs[d],
            samples[d],
        )  # fmt: skip


@inlined
def begin_at(
    d, start, other, highest, lowest, roams, prior, loose, f0, noise, window, outputs, samples
):  # fmt: skip
    """Set up the ladder of one direction, whose part of the arrays the last three are."""
    for k in range(len(window)):
        window[k] = 0
    window[HIGHEST], window[LOWEST], window[OTHER] = highest[d], lowest[d], other[d]
    if not roams:
        window[NOISY], window[PRIOR] = 1, ELSEWHERE
    if prior > 0:
        window[PRIOR] = prior
    window[TINY] = NEVER
    restart(window, start[d])
    if loose:
        start_loosely(window)
    own = f0[min(d, len(f0) - 1)]
    for i in range(len(outputs)):
        for k in range(OUTPUT):
            outputs[i][k] = 0.0
        outputs[i][ESTIMATE], outputs[i][ERROR] = math.nan, math.inf
        outputs[i][CLOSED] = 0.0 if math.isfinite(own[i]) else 1.0
        if len(noise) > 0:
            outputs[i][LEAST_NOISE] = noise[d][i]
        for c in range(len(samples)):
            for k in range(len(samples[c])):
                samples[c][k][i] = math.nan


@kernel
def advance(
    live, arrived, stretch, f0, fold, shape, gain, factor, primary, reach, rtol,
    samples, state, outputs, y, floors, residuals, table, best, sample,
    x, starts, index, weight, offsets, block, lanes, ways,
):  # fmt: skip
    """Take in the values at the points of the live directions and place the next points.

    The directions that go on move to the front of `live`, and their points to the front of `block`;
    returns how many they are.
    """
    method = Channels(offsets, fold, shape, factor, gain, primary)
    room = Room(y, floors, residuals, table, best, sample)
    count = follow_up(
        live, arrived, stretch, f0, reach, rtol, method, room, samples, state, outputs, lanes, ways
    )
    for a in range(count):  # `stretch` holds the steps until the points are placed
        stretch[a] = step_of(state[live[a]])
    place(live[:count], stretch, x, starts, index, weight, offsets, block, stretch)
    return count


@inlined
def follow_up(
    live, arrived, stretch, f0, reach, rtol, method, room, samples, state, outputs, lanes, ways
):  # fmt: skip
    """Take in the values at the points of the live directions; those that go on move to the front.

    Returns how many they are.
    """
    side_by_side, alone = lanes.size > 0, state.shape[0] == 1
    if side_by_side:
        lead_calm(
            live, arrived, stretch, f0, reach, rtol, method, samples, state, outputs, lanes, ways
        )
    count = 0
    for a in range(live.size):
        d = live[a]
        if not side_by_side or ways[a] != LED:
            if not alone:
                state[d][TABLED] = 0  # other directions have used the room
            turn(
                arrived[a], stretch[a], f0[min(d, f0.shape[0] - 1)], reach[d], rtol, method, room,
                samples[d], state[d], outputs[d],
            )  # fmt: skip
        if state[d][PHASE] != DONE:
            live[count] = d
            count += 1
    return count


@separate(arrived="plane", stretch="rtol", reach="rtol")
def turn(arrived, stretch, f0, reach, rtol, method, room, samples, window, outputs):
    """Take in the values (P, m) at the points of one direction, and decide what it asks for."""
    order, ratio = method.shape[method.primary, ORDER], float(method.shape[0, RATIO])
    absorb(arrived, stretch, f0, method.fold, samples, window, outputs)
    if window[PHASE] == CHECK or window[PHASE] == DOUBT:
        check(samples, window, outputs, f0, order, ratio, room.best)
    elif window[LOOSE] == HOPES and window[PHASE] == SAMPLE:
        settle_loosely(samples, window, outputs, f0, reach, rtol)
    elif window[LOOSE] == HOPES and window[READY] == 1:
        sample_next(window)
    elif window[LOOSE] == CLIMBS and window[READY] == 1:
        climb_back(window)
    elif window[PHASE] == SAMPLE:
        compare(samples, window, outputs, f0, order, ratio)
    # what the sample or the check has shown lets the levels be judged again
    while window[READY] > 0:
        judge(samples, window, outputs, f0, reach, rtol, method, room)
        choose(samples, window, outputs, f0)
        window[READY] = 0
        if window[LOOSE] == KEPT and is_kept(window):
            compare(samples, window, outputs, f0, order, ratio)


@inlined
def step_of(window):
    """Return the step that a direction asks for."""
    return scale(SKEW if window[PHASE] == SAMPLE else 1.0, window[REQUEST])


@kernel
def conclude(
    f0, start, order, unit, samples, state, proven, outputs, value, error, status, step, noise,
    quiet,
):  # fmt: skip
    """Read the results off, (D, m), and write where nothing is suspicious at first sight.

    `unit` (D,) is the length of a step of 1. Returns along how many directions something is.
    """
    restless = 0
    for d in range(outputs.shape[0]):
        restless += conclude_at(
            d, f0, start, order, abs(unit[d]), samples[d], state[d], proven, outputs[d], value,
            error, status, step, noise, quiet,
        )  # fmt: skip
    return restless


@inlined
def conclude_at(
    d, f0, start, order, length, samples, window, proven, outputs, value, error, status, step,
    noise, quiet,
):  # fmt: skip
    """Read off the results of one direction; returns 1 if something is suspicious, else 0."""
    for i in range(len(outputs)):
        value[d, i], error[d, i] = outputs[i][ESTIMATE], outputs[i][ERROR]
        proven[d, i], noise[d, i] = outputs[i][PROVEN], outputs[i][DEVIATION]
        status[d, i], step[d, i] = int(outputs[i][STATUS]), outputs[i][STEP] * length
        if math.isinf(value[d, i]):  # beyond the range of floats
            value[d, i], error[d, i], status[d, i] = math.nan, math.inf, UNRESOLVED
    own = f0[min(d, len(f0) - 1)]
    quiet[d] = calm(own, start[d], order, value[d], error[d], status[d], samples, window)
    return 0 if quiet[d] else 1
