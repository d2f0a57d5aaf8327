"""The check: what a pair of points at a tiny step says of an answer found at larger ones.

Steps that fall by powers of two can all miss the same structure of f. A pair at the smallest step
that rounding allows cannot: it confirms the slope, or shows noise, or refutes the answer.
"""

from __future__ import annotations

import math

from numdiff.ladder.decide import (  # fmt: skip
    ALIKE,
    BASE,
    CHECK,
    CHECKED,
    CLEARLY,
    CLOSED,
    COARSE,
    DEVIATION,
    DOUBT,
    DOUBTED,
    ERROR,
    ESTIMATE,
    FIRST,
    FORMER,
    GROWTH,
    LADDER,
    LAST,
    LEAP,
    LOWEST,
    MINOR,
    MOST_RESTARTS,
    NEVER,
    NOISY,
    OTHER,
    PHASE,
    READY,
    REQUEST,
    RESTARTS,
    ROUGH,
    SAMPLE,
    SAMPLED,
    SHOWN,
    SKEW,
    SLACK,
    SLOPE,
    SLOTS,
    SPREAD,
    STRIDE,
    UNRESOLVED,
    amplitude,
    check_step,
    close,
    noisier,
    restart,
)
from numdiff.ladder.runtime import kernel
from numdiff.ladder.tableau import ROUNDING, TINIEST, power, scale

RESTART = 0.15  # of the length over which f changes: the step of a restart
DROP = 2.0**-8  # of the change of f from the window to the check, LEAP octaves, if f is smooth
STEEP = 16.0  # times what counts as nothing: a step that is no rounding
GONE = 0.05  # of the noise: a change of f at a tiny step that is none of it
FALLEN = 0.35  # of the noise: less is left of it at smaller steps where f comes in small pieces
TOLERANCE = 6e-5  # of the size of f: noise above it is structure of f rather than a solver's
AROUND = 16.0  # times what f changes by at the smallest step: its size near x where f(x) is 0
CONFIRMED, SURPRISED, REFUTED, NOISE = range(4)


@kernel
def resume(state, d):
    """Judge the window of a direction again, with what the sample or the check has shown."""
    state[d, PHASE], state[d, READY], state[d, CHECKED] = LADDER, 1, 1


@kernel
def compare(rows, f0, ratio, samples, state, found):
    """Compare the sample off the lattice with what the ladder says there.

    It is one more pair of values, so it shows noise; if it shows more, f is looked at closer to x.
    """
    for a in range(rows.size):
        d = rows[a]
        if state[d, PHASE] != SAMPLE:
            continue
        bottom, alike = state[d, BASE] - state[d, LAST], True
        width = scale(SKEW, state[d, REQUEST])
        fall = power(scale(SKEW, state[d, REQUEST] - bottom), ratio)
        for i in range(f0.size):
            if found[d, i, CLOSED] != 0.0 or found[d, i, ERROR] == math.inf:
                continue
            floor = ROUNDING * max(abs(f0[i]), amplitude(samples, state, d, i))
            slack = (found[d, i, SLACK] + found[d, i, SPREAD] * fall) * width
            off = abs(samples[d, 0, SLOTS, i] - found[d, i, SLOPE] * width) - slack
            alike = alike and not off > ALIKE * max(found[d, i, DEVIATION], floor)
        state[d, SAMPLED] = state[d, REQUEST]
        if alike and not noisier(samples, state, found, d, f0):
            resume(state, d)
        else:
            state[d, PHASE] = CHECK
            state[d, REQUEST] = check_step(samples, state, found, d, f0, bottom)


@kernel
def check(rows, f0, ratio, samples, state, found):
    """Settle what the pair at a tiny step confirms and send the rest back to the ladder."""
    for a in range(rows.size):
        d = rows[a]
        if state[d, PHASE] != CHECK and state[d, PHASE] != DOUBT:
            continue
        tiny, bottom = state[d, REQUEST], state[d, BASE] - state[d, LAST]
        again, surprised, refuted, noise = bottom - 1 - state[d, RESTARTS], 0, 0, 0
        for i in range(f0.size):
            if found[d, i, CLOSED] != 0.0:
                continue
            size = amplitude(samples, state, d, i)
            floor = max(ROUNDING * max(abs(f0[i]), size), TINIEST)
            verdict = verdict_of(samples, state, d, i, ratio, f0[i], size, floor, found[d, i])
            if verdict == CONFIRMED and state[d, SAMPLED] == NEVER:
                found[d, i, CLOSED] = 1.0
            elif verdict == SURPRISED:
                surprised += 1
            elif verdict != REFUTED:
                # what surprised at the sample is no structure, but it has to be in the bar
                noise += 1
                if verdict == NOISE:
                    found[d, i, SHOWN] = found[d, i, DOUBTED]
            else:
                again = min(again, scale_of(samples, state, d, i, size, floor))
                forget(scale(samples[d, 0, SLOTS + 1, i], -tiny), found[d, i])
                refuted += 1
        if surprised > 0:
            lost = state[d, UNRESOLVED] > 0
            state[d, PHASE] = DOUBT
            state[d, REQUEST] = state[d, LOWEST] if lost else min(tiny + STRIDE, bottom - 1)
        elif refuted > 0 and state[d, RESTARTS] < MOST_RESTARTS:
            state[d, RESTARTS] += 1
            state[d, NOISY] = 0
            restart(state, d, max(again, tiny + 3))
        elif noise > 0:
            state[d, NOISY] = 1
            resume(state, d)
        else:
            close(samples, state, found, d, f0)


@kernel
def forget(slope, found):
    """Drop an answer that was refuted, but for its value; `slope` is a guess in its place."""
    if found[ERROR] < math.inf:
        found[FORMER] = found[ESTIMATE]
    found[ESTIMATE], found[SHOWN], found[ERROR] = slope, 0.0, math.inf


@kernel
def verdict_of(samples, state, d, i, ratio, f0, size, floor, found):
    """Say what the pair shows of one output."""
    odd, change = samples[d, 0, SLOTS + 1, i], 0.0
    for c in range(samples.shape[1]):
        change += abs(samples[d, c, SLOTS + 1, i])
    if not math.isfinite(change):
        return CONFIRMED
    if found[ERROR] == math.inf:
        return verdict_without(samples, state, d, i, size, floor, change, found)
    tiny, bottom = state[d, REQUEST], state[d, BASE] - state[d, LAST]
    fall = scale(1.0, (tiny - bottom) * (2 if ratio == 4.0 else 1))
    sigma = max(found[DEVIATION], floor)
    off = abs(odd - scale(found[SLOPE], tiny))
    surplus = off - scale(found[SLACK] + found[SPREAD] * fall, tiny)
    # what float32 would not resolve, wherever it was looked at, is noise as well
    coarse = max(sigma, unexpected(samples, state, d, i, found)) < COARSE * floor
    if surplus <= 6.0 * sigma:
        # a plateau is f rounded coarsely
        plain = change == 0.0 or samples.shape[1] == 1
        gone = max(off, abs(samples[d, samples.shape[1] - 1, SLOTS + 1, i])) < GONE * sigma
        if plain or not gone:
            return CONFIRMED
        lowest = 0.0
        for c in range(samples.shape[1]):
            lowest += abs(samples[d, c, state[d, LAST], i])
        if found[SLOPE] != found[ESTIMATE] or found[DEVIATION] > TOLERANCE * max(
            abs(f0), AROUND * lowest
        ):
            return CONFIRMED if coarse else REFUTED
        left = remains(samples, state, d, i, floor, 0.0 if coarse else off, found)
        found[ROUGH] = max(found[ROUGH], left)
        return CONFIRMED
    if state[d, PHASE] == CHECK:
        found[DOUBTED] = surplus
        return SURPRISED
    # structure keeps its slope, so the surprise grows with the step; noise does not
    staircase = change == 0.0 or (surplus < COARSE * floor and coarse)
    if surplus > GROWTH * found[DOUBTED] and not staircase:
        return REFUTED
    found[DOUBTED] = max(surplus, found[DOUBTED])
    if change == 0.0:  # a plateau: its edges are as far as the levels show, not the tiny step
        found[DOUBTED] = max(found[DOUBTED], quantum(samples, state, d, i, floor))
    return NOISE


@kernel
def remains(samples, state, d, i, floor, off, found):
    """Return what is left of vanished noise at small steps: f comes in pieces with other slopes.

    `off` is what is left at the tiny step.
    """
    rough = scale(max(off - 6.0 * floor, 0.0), -state[d, REQUEST])
    if state[d, SAMPLED] == NEVER:
        return rough
    width = scale(SKEW, state[d, SAMPLED])
    left = abs(samples[d, 0, SLOTS, i] - found[SLOPE] * width)
    if CLEARLY * floor < left < FALLEN * found[DEVIATION]:
        rough = max(rough, left / width)
    return rough


@kernel
def verdict_without(samples, state, d, i, size, floor, change, found):
    """Say what the pair shows of an output that has no answer yet."""
    # the change of a smooth f falls with the step, that of noise hardly
    last = 0.0
    for c in range(samples.shape[1]):
        last += abs(samples[d, c, state[d, LAST], i])
    if change == 0.0:  # the steps of a staircase, or flat ground before f rises
        stairs = last if last < MINOR * size else 0.0
        if state[d, PHASE] == CHECK:
            stairs = max(stairs, quantum(samples, state, d, i, floor))
        if stairs > 0.0:
            found[DOUBTED] = stairs
            return NOISE
    if state[d, PHASE] == CHECK:
        found[DOUBTED] = change
        return REFUTED if change <= DROP * last else SURPRISED
    return REFUTED if change * GROWTH <= found[DOUBTED] else NOISE


@kernel
def quantum(samples, state, d, i, floor):
    """Return what all changes of f over the window are multiples of, by Euclid; 0 if nothing."""
    least, common = CLEARLY * floor, 0.0
    for s in range(state[d, FIRST], state[d, LAST] + 1):
        for side in range(2):
            odd, even = samples[d, 0, s, i], samples[d, samples.shape[1] - 1, s, i]
            rest = abs(odd)
            if samples.shape[1] > 1:
                rest = abs(even + odd) if side == 0 else abs(even - odd)
            if not math.isfinite(rest):
                continue
            while rest > max(least, MINOR * common):  # rounding grows with the quotients
                common, rest = rest, abs(common - rest * math.floor(common / rest + 0.5))
    return common if common > STEEP * least else 0.0


@kernel
def unexpected(samples, state, d, i, found):
    """Return how far the sample off the lattice is from the leading terms of a smooth f."""
    if state[d, SAMPLED] == NEVER:
        return 0.0
    off = samples[d, 0, SLOTS, i] - found[SLOPE] * scale(SKEW, state[d, SAMPLED])
    if samples.shape[1] == 1:
        return abs(off)
    width = scale(SKEW, state[d, SAMPLED] - state[d, BASE] + state[d, LAST])
    bend = samples[d, 1, SLOTS, i] - samples[d, 1, state[d, LAST], i] * width * width
    return max(abs(off), abs(bend))


@kernel
def scale_of(samples, state, d, i, size, floor):
    """Exponent of the length over which an output changes by `size`, seen from the tiny step."""
    length = math.inf
    slope = abs(samples[d, 0, SLOTS + 1, i])
    if slope > 0.0:
        length = size / slope
    if samples.shape[1] > 1:
        bend = abs(samples[d, 1, SLOTS + 1, i])
        if bend > CLEARLY * floor:
            length = min(length, math.sqrt(size / bend))
    tiny, bottom, other = state[d, REQUEST], state[d, BASE] - state[d, LAST], state[d, OTHER]
    scale = tiny + LEAP
    if 0.0 < length < math.inf:
        scale = tiny + int(math.floor(math.log2(RESTART * length)))  # noqa: RUF046 - float in Numba
    if scale < bottom:
        return scale
    # slope and size agree: something else is in the window
    return other if tiny < other < bottom else (tiny + bottom) // 2
