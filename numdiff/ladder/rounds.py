"""From start to end: what a direction begins with, one round of f, and what is read off.

A round leads from the values that f returned to the points where it is asked next.
"""

import math

from numdiff.constants import UNRESOLVED
from numdiff.ladder.channels import Channels
from numdiff.ladder.check import check, compare
from numdiff.ladder.decide import choose, judge
from numdiff.ladder.noise import SKEW
from numdiff.ladder.points import place
from numdiff.ladder.runtime import kernel
from numdiff.ladder.symptoms import calm
from numdiff.ladder.tableau import scale
from numdiff.ladder.window import absorb, restart

from numdiff.ladder.loose import (  # isort: skip
    CLIMBS, HOPES, KEPT, climb_back, is_kept, sample_next, settle_loosely, start_loosely,
)  # fmt: skip
from numdiff.ladder.registers import (  # isort: skip
    CHECK, CLOSED, DEVIATION, DONE, DOUBT, ELSEWHERE, ERROR, ESTIMATE, HIGHEST, LEAST_NOISE,
    LOOSE, LOWEST, NEVER, NOISY, ORDER, OTHER, OUTPUT, PHASE, PRIOR, PROVEN, RATIO, READY, REQUEST,
    SAMPLE, STATE, STATUS, STEP, TINY, Room,
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
        window = state[d]
        for k in range(STATE):
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
        own = f0[min(d, f0.shape[0] - 1)]
        for i in range(outputs.shape[1]):
            for k in range(OUTPUT):
                outputs[d, i, k] = 0.0
            outputs[d, i, ESTIMATE], outputs[d, i, ERROR] = math.nan, math.inf
            outputs[d, i, CLOSED] = 0.0 if math.isfinite(own[i]) else 1.0
            if noise.shape[0] > 0:
                outputs[d, i, LEAST_NOISE] = noise[d, i]
            for c in range(samples.shape[1]):
                for k in range(samples.shape[2]):
                    samples[d, c, k, i] = math.nan


@kernel
def advance(
    live, arrived, stretch, f0, fold, shape, gain, factor, primary, reach, rtol,
    samples, state, outputs, y, floors, residuals, table, best, sample,
    x, starts, index, weight, offsets, block,
):  # fmt: skip
    """Take in the values at the points of the live directions and place the next points.

    The directions that go on move to the front of `live`, and their points to the front of `block`;
    returns how many they are.
    """
    method = Channels(offsets, fold, shape, factor, gain, primary)
    room = Room(y, floors, residuals, table, best, sample)
    order, ratio, count = shape[primary, ORDER], float(shape[0, RATIO]), 0
    for a in range(live.size):
        d = live[a]
        levels, window, own, here = samples[d], state[d], outputs[d], f0[min(d, f0.shape[0] - 1)]
        absorb(arrived[a], stretch[a], here, fold, levels, window, own)
        if window[PHASE] == CHECK or window[PHASE] == DOUBT:
            check(levels, window, own, here, order, ratio, best)
        elif window[LOOSE] == HOPES and window[PHASE] == SAMPLE:
            settle_loosely(levels, window, own, here, reach[d], rtol)
        elif window[LOOSE] == HOPES and window[READY] == 1:
            sample_next(window)
        elif window[LOOSE] == CLIMBS and window[READY] == 1:
            climb_back(window)
        elif window[PHASE] == SAMPLE:
            compare(levels, window, own, here, order, ratio)
        # what the sample or the check has shown lets the levels be judged again
        while window[READY] == 1:
            judge(levels, window, own, here, reach[d], rtol, method, room)
            choose(levels, window, own, here)
            window[READY] = 0
            if window[LOOSE] == KEPT and is_kept(window):
                compare(levels, window, own, here, order, ratio)
        if window[PHASE] != DONE:
            # `stretch` holds the steps until the points are placed
            stretch[count] = scale(SKEW if window[PHASE] == SAMPLE else 1.0, window[REQUEST])
            live[count] = d
            count += 1
    place(live[:count], stretch, x, starts, index, weight, offsets, block, stretch)
    return count


@kernel
def conclude(
    f0, start, order, unit, samples, state, proven, outputs, value, error, status, step, noise,
    quiet,
):  # fmt: skip
    """Read the results off, (D, m), and write where nothing is suspicious at first sight.

    `unit` (D,) is the length of a step of 1. Returns along how many directions something is.
    """
    for d in range(outputs.shape[0]):
        for i in range(outputs.shape[1]):
            value[d, i], error[d, i] = outputs[d, i, ESTIMATE], outputs[d, i, ERROR]
            proven[d, i] = outputs[d, i, PROVEN]
            status[d, i], noise[d, i] = int(outputs[d, i, STATUS]), outputs[d, i, DEVIATION]
            step[d, i] = outputs[d, i, STEP] * abs(unit[d])
            if math.isinf(value[d, i]):  # beyond the range of floats
                value[d, i], error[d, i], status[d, i] = math.nan, math.inf, UNRESOLVED
    return calm(f0, start, order, value, error, status, samples, state, quiet)
