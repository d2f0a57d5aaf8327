"""The window of levels of a direction: how values come in, what is read off, how it moves and ends.

Kernels here deal with one direction: samples (C, SLOTS + 2, m), window (STATE,) and outputs
(m, OUTPUT) are its part of the arrays.
"""

import math

from numdiff.constants import DOMAIN, ROUNDING, UNRESOLVED
from numdiff.ladder.runtime import inlined, kernel

from numdiff.ladder.registers import (  # isort: skip
    BASE, CEILING, CHECKED, DONE, ERROR, ESTIMATE, FIRST, FLOOR, LADDER, LAST, LOOSE, LOWEST,
    NEVER, OTHER, PHASE, PRIOR, READY, REQUEST, SAMPLE, SAMPLE_STEP, SHRINKS, SLOTS, START, STATUS,
    TABLED, UNEVEN,
)  # fmt: skip

CLOSER = 4  # octaves at once towards x where f is not finite at any step so far
CROSSING = 0.5  # f(x) below this part of f over the window: f passes through zero close to x
MOST_SHRINKS = 60  # so often: from 1 down to 2**-240


@kernel
def restart(window, exponent):
    """Empty the window and ask for a level at another scale."""
    window[BASE], window[FIRST], window[LAST] = exponent + START, START, START - 1
    window[PHASE], window[REQUEST], window[READY] = LADDER, exponent, 0
    window[CHECKED], window[SAMPLE_STEP], window[LOOSE] = window[PRIOR] > 0, NEVER, 0
    window[TABLED], window[UNEVEN] = 0, 0


@kernel
def resume(window):
    """Have the window judged again, with what the sample or the tiny step has shown."""
    window[PHASE], window[READY], window[CHECKED] = LADDER, 1, 1


@inlined
def absorb(arrived, stretch, f0, fold, samples, window, outputs):
    """Fold the values of f at the step asked for, (P, m), into a level of each channel."""
    slot = window[BASE] - window[REQUEST] if window[PHASE] == LADDER else SLOTS
    if window[PHASE] > SAMPLE:
        slot = SLOTS + 1
    usable = False
    for i in range(f0.size):
        for c in range(fold.shape[0]):
            total = 0.0
            for p in range(fold.shape[1]):
                total += fold[c, p] * (arrived[p, i] - f0[i])
            # only the channel that is odd in t feels that x +- h were rounded
            samples[c, slot, i] = total * stretch if c == 0 else total
        usable = usable or math.isfinite(samples[0, slot, i])
    window[READY] = 1 if window[PHASE] == LADDER else 0
    if window[READY] == 0:
        return
    if usable:
        if slot < window[FIRST]:  # the unit of a tableau is its largest step
            window[FIRST], window[TABLED] = slot, 0
        window[LAST] = max(window[LAST], slot)
    elif window[LAST] >= window[FIRST]:
        window[CEILING if slot < window[FIRST] else FLOOR] = 1
    else:
        shrink(window, outputs)


@kernel
def shrink(window, outputs):
    """Look closer to x: the usual edge of a domain is 0, then anywhere."""
    window[SHRINKS] += 1
    window[CEILING] = 1
    exponent = window[REQUEST] - CLOSER
    if window[SHRINKS] == 1 and window[OTHER] < window[REQUEST]:
        exponent = window[OTHER]
    if exponent < window[LOWEST] or window[SHRINKS] > MOST_SHRINKS:
        finish(window, outputs)
    else:
        restart(window, exponent)


@kernel
def finish(window, outputs):
    """End a direction and say of each output without a bar why it has none."""
    window[PHASE], window[READY] = DONE, 0
    for i in range(outputs.shape[0]):
        if outputs[i, ERROR] == math.inf:
            guess = math.isfinite(outputs[i, ESTIMATE])
            outputs[i, STATUS] = UNRESOLVED if guess else DOMAIN


@inlined
def spare(window, outputs):
    """Whether f is asked for what an answer does without: to test it, or to find a better one."""
    if window[PHASE] == LADDER and window[REQUEST] <= window[BASE] - window[FIRST]:
        return False
    answered = False
    for i in range(len(outputs)):
        answered = answered or outputs[i][ERROR] < math.inf
    return answered


@inlined
def gather(samples, window, i, y):
    """Copy the levels of one output to y; return how many end at the smallest step unbroken."""
    above = window[LAST]
    while above >= window[FIRST] and math.isfinite(samples[0, above, i]):
        above -= 1
    n = window[LAST] - above
    for c in range(y.shape[0]):
        for k in range(n):
            y[c, k] = samples[c, above + 1 + k, i]
    return n


@inlined
def change_at(samples, slot, i):
    """How much one output changes over the step of a slot."""
    change = 0.0
    for c in range(len(samples)):
        change += abs(samples[c][slot][i])
    return change


@inlined
def amplitude(samples, window, i):
    """Largest change of one output over the window."""
    largest = 0.0
    for slot in range(window[FIRST], window[LAST] + 1):
        change = 0.0
        for c in range(samples.shape[0]):  # as in `change_at`: a call of it here costs time
            change += abs(samples[c, slot, i])
        largest = max(largest, change)
    return largest


@inlined
def rounding(f0, n, least, reach, y, floors):
    """Write the standard deviation of the rounding of f at each level to `floors`.

    Where f passes through zero it rounds like what it is made of, which is as large as f farther
    away; unless it takes its zero from x, so a change of x by rounding says how much it is at most:
    `reach` is the size of x in units of the smallest step.
    """
    largest = 0.0
    for k in range(n):
        size = abs(f0 + y[-1, k]) + (abs(y[0, k]) if y.shape[0] > 1 else 0.0)
        floors[k] = max(size, abs(f0))
        largest = max(largest, floors[k])
    common = min(largest, abs(y[0, n - 1]) * reach) if abs(f0) < CROSSING * largest else 0.0
    for k in range(n):
        floors[k] = max(ROUNDING * max(floors[k], common), least)
