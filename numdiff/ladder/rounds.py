"""From start to end: what a direction begins with, one round of f, and what is read off.

A round leads from the values that f returned to the points where it is asked next.
"""

from __future__ import annotations

import math

from numdiff.ladder.check import check, compare
from numdiff.ladder.decide import (  # fmt: skip
    BASE,
    CHECKED,
    CLOSED,
    DEVIATION,
    DONE,
    ELSEWHERE,
    ERROR,
    ESTIMATE,
    FIRST,
    HIGHEST,
    LAST,
    LOWEST,
    NEVER,
    NOISY,
    OTHER,
    PHASE,
    RATIO,
    REQUEST,
    SAMPLE,
    SAMPLED,
    SHOWN,
    SKEW,
    START,
    STATUS,
    STEP,
    TOLD,
    UNKNOWN,
    absorb,
    choose,
    judge,
)
from numdiff.ladder.points import place
from numdiff.ladder.runtime import kernel
from numdiff.ladder.symptoms import calm
from numdiff.ladder.tableau import scale


@kernel
def begin(start, other, highest, lowest, roams, told, f0, noise, state, found, samples):
    """Set up the ladders of D directions: nothing is known, a first step is asked for.

    Without `roams` there is no check elsewhere; `noise` (D or 0, m) is the least to reckon with, or
    all there is if it was `told`.
    """
    for d in range(start.size):
        for k in range(state.shape[1]):
            state[d, k] = 0
        state[d, BASE], state[d, REQUEST] = start[d] + START, start[d]
        state[d, FIRST], state[d, LAST], state[d, SAMPLED] = START, START - 1, NEVER
        state[d, HIGHEST], state[d, LOWEST], state[d, OTHER] = highest[d], lowest[d], other[d]
        state[d, NOISY] = state[d, CHECKED] = 0
        if told:
            state[d, TOLD] = state[d, CHECKED] = 1
        if not roams:
            state[d, NOISY] = state[d, CHECKED] = 1
            state[d, TOLD] = 1 if told else ELSEWHERE
        for i in range(found.shape[1]):
            for k in range(found.shape[2]):
                found[d, i, k] = 0.0
            found[d, i, ESTIMATE], found[d, i, ERROR] = math.nan, math.inf
            found[d, i, CLOSED] = 0.0 if math.isfinite(f0[i]) else 1.0
            if noise.shape[0] > 0:
                found[d, i, SHOWN] = noise[d, i]
            for c in range(samples.shape[1]):
                for k in range(samples.shape[2]):
                    samples[d, c, k, i] = math.nan


@kernel
def advance(
    live, arrived, stretch, f0, fold, shape, gain, factor, primary, reach, rtol,
    samples, state, found, y, floors, seen, table, best, sampled,
    x, starts, index, weight, offsets, block,
):  # fmt: skip
    """Take in the values at the points of the live directions and place the next points.

    The directions that go on move to the front of `live`, and their points to the front of `block`;
    returns how many they are.
    """
    ratio = float(shape[0, RATIO])
    absorb(live, arrived, stretch, f0, fold, samples, state, found)
    check(live, f0, ratio, samples, state, found)
    compare(live, f0, ratio, samples, state, found)
    judge(
        live, f0, shape, gain, factor, primary, reach, rtol, samples, state, found, y, floors,
        seen, table, best, sampled,
    )  # fmt: skip
    choose(live, f0, samples, state, found)
    return onward(live, state, x, starts, index, weight, offsets, block, stretch)


@kernel
def onward(live, state, x, starts, index, weight, offsets, block, stretch):
    """Place the points that the directions which are not done ask for."""
    count = 0
    for a in range(live.size):
        d = live[a]
        if state[d, PHASE] != DONE:
            live[count] = d
            # `stretch` holds the steps until the points are placed
            stretch[count] = scale(SKEW if state[d, PHASE] == SAMPLE else 1.0, state[d, REQUEST])
            count += 1
    place(live[:count], stretch, x, starts, index, weight, offsets, block, stretch)
    return count


@kernel
def read(found, unit, value, error, status, step, noise):
    """Read the results off, (D, m); `unit` (D,) is the length of a step of 1."""
    for d in range(found.shape[0]):
        for i in range(found.shape[1]):
            value[d, i], error[d, i] = found[d, i, ESTIMATE], found[d, i, ERROR]
            status[d, i], noise[d, i] = int(found[d, i, STATUS]), found[d, i, DEVIATION]
            step[d, i] = found[d, i, STEP] * abs(unit[d])
            if math.isinf(value[d, i]):  # beyond the range of floats
                value[d, i], error[d, i], status[d, i] = math.nan, math.inf, UNKNOWN


@kernel
def conclude(
    f0, start, order, unit, samples, state, found, value, error, status, step, noise, quiet
):  # fmt: skip
    """Read the results off, and write where nothing is suspicious at first sight."""
    read(found, unit, value, error, status, step, noise)
    calm(f0, start, order, value, error, status, samples, state, quiet)
