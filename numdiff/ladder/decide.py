"""Where the next step is decided: from what each output wants to what a direction asks for.

An output whose levels do not fall with the step is not resolved; one that is wants smaller steps
while truncation sets its bar, larger ones while noise does, and nothing more once its bar is good.
"""

import math

from numdiff.constants import EPS, ROUNDING
from numdiff.ladder.answer import FAIR, conclude, lean, look_up, measure, record
from numdiff.ladder.noise import CLEARLY, SURE, UNIFORM, recall, rising, stairs
from numdiff.ladder.runtime import inlined, kernel
from numdiff.ladder.tableau import scale
from numdiff.ladder.window import amplitude, finish, gather, restart, rounding

from numdiff.ladder.registers import (  # isort: skip
    AGAIN, BAR, BASE, CEILING, CHECK, CHECKED, CLOSED, COLUMNS, DEVIATION, ENOUGH, ERROR, ESTIMATE,
    FIRST, FLOOR, FURTHEST, HIGHEST, IDLE, LARGER, LAST, LEAD, LEAST_NOISE, LOST, LOWEST, NOISE,
    NOISY, OCTAVES, ORDER, OTHER, PHASE, PRIOR, RATIO, READY, REQUEST, RESCALED, ROUND, SAMPLE,
    SIGMA, SLOTS, SMALLER, STEADY, TABLED, TERMS, TRUNCATION, VALUE,
)  # fmt: skip


TARGET = 256.0 * EPS  # relative bar, some 5e-14, below which no further digit is looked for
WORTH = 2.0  # truncation over noise from which a smaller step can halve the bar
NEARLY = 0.01  # relative change of D over two levels below which the first steps are small
FLAT = 0.1  # relative change of the first column below which a larger step promises more
FAIRLY = 1e-8  # the same as FAIR, once sample or check have had their say
# levels in a row that may leave the bar as it is: one, more while it is wide
NARROW, IDLE_NARROW, IDLE_WIDE = 1e-6, 1.0, 4.0
# levels before a stall counts as noise, more while the bar is vague: an edge may be in the window
VAGUE, LEAST_LEVELS, LEAST_VAGUE = 1e-4, 5, 7
STEADILY = 3  # levels of which a common divisor says nothing
TRACE = 4.0  # times the noise of stairs: more than that is none of theirs
DEPTH = 6  # octaves from the window down to the sample
LEAP = 20  # where f is not resolved at all, look this many octaves further down
FAINT = 1e-3  # f(x) below this part of f around it has lost digits, if the bar is that wide as well


@inlined
def judge(samples, window, outputs, f0, reach, rtol, method, room):
    """Judge the levels of each open output of a direction, and count what they want."""
    for want in range(ENOUGH, LOST + 1):
        window[want] = 0
    window[OCTAVES] = FURTHEST
    shape, y = method.shape, room.y
    order, terms = shape[method.primary, ORDER], shape[method.primary, TERMS]
    for i in range(f0.size):
        output = outputs[i]
        if output[CLOSED] != 0.0:
            continue
        if f0.size > 1:  # others have used the room
            window[TABLED] = 0
        n = window[TABLED]
        if window[READY] != AGAIN or n == 0:  # else nothing is new but a sample
            n = gather(samples, window, i, y)
            if n < max(2, terms + 1):
                window[SMALLER] += 1
                continue
            far = scale(reach, window[LAST] - window[BASE])  # x in units of the smallest step
            rounding(f0[i], n, output[LEAST_NOISE], far, y, room.floors)
            if n > STEADILY and output[DEVIATION] > CLEARLY * room.floors[n - 1]:
                heed_stairs(samples, window, i, room.floors[n - 1], output)
                rounding(f0[i], n, output[LEAST_NOISE], far, y, room.floors)
            rises = 0
            if window[NOISY] == 0:
                rises = rising(y, n, shape[0, LEAD], room.floors[n - 1])
            if rises > 0:  # f is not resolved
                output[ERROR] = math.inf
                # one of two parts may pass through zero between two levels, so it is asked again
                again = order > 1 and n == 2 and rises < shape.shape[0]
                window[SMALLER if again else LOST] += 1
                continue
        recall(samples, window, i, window[BASE] - window[LAST] + n - 1, room.sample)
        measure(n, reach, window, method, room, output)
        want = weigh(n, reach, rtol, window, method, room, output)
        window[want] += 1
        # higher orders have too few digits to tell
        ends = order == 1 and want == ENOUGH and window[CHECKED] == 1 and window[PRIOR] == 0
        if ends and (output[LEAST_NOISE] == 0.0 or not on_stairs(samples, window, i, f0[i])):
            look_up(n, window, method, room, output)


@kernel
def heed_stairs(samples, window, i, floor, output):
    """Note the noise of f if it is on stairs, unless other things are that much larger."""
    told = UNIFORM * stairs(samples, window, i, floor)
    if output[DEVIATION] < TRACE * told:
        output[LEAST_NOISE] = max(output[LEAST_NOISE], told)


@kernel
def on_stairs(samples, window, i, f0):
    """Whether f is on stairs, which are no pieces with slopes of their own."""
    size = max(abs(f0), amplitude(samples, window, i))
    return stairs(samples, window, i, ROUNDING * size) > 0.0


@inlined
def weigh(n, reach, rtol, window, method, room, output):
    """Take over the best entry of one output, and say what it wants."""
    before, law = output[ERROR], method.shape[method.primary]
    other = 1 - method.primary
    if method.shape.shape[0] > 1 and (law[ORDER] > 2 or law[STEADY] == 1):
        lean(room.best, n, law, method.shape[other, TERMS], room.table[other])
    enough = tolerated(rtol, room.sample[-1], room.best)
    record(n, reach, window, method, room, output)
    # a bar that has grown was refuted: the ladder is not done
    idle = 0.5 * before < output[ERROR] < 2.0 * before
    output[IDLE] = output[IDLE] + 1.0 if idle else 0.0
    higher = window[CEILING] == 0 and window[FIRST] > 0
    higher = higher and window[BASE] - window[FIRST] < window[HIGHEST]
    table, k = room.table[method.primary], law[TERMS]
    bend, top, checked = abs(table[k, 0] - table[k - 1, 0]), abs(table[k, 0]), window[CHECKED] == 1
    want = wish(n, law[ORDER], higher, checked, enough, output[IDLE], bend, top, room.best)
    if want == SMALLER:
        window[OCTAVES] = min(window[OCTAVES], octaves(n, law, room.best))
    return want


@inlined
def tolerated(rtol, width, best):
    """Return the relative bar that is good enough, once a sample of such a width was asked or not.

    What it is off may be noise, or the answer: then the bar takes that in, or is not good enough.
    """
    if rtol == 0.0 or width == 0.0 or not best[SIGMA] > CLEARLY * best[ROUND]:
        return rtol
    off = best[SIGMA] / width
    if not off <= rtol * abs(best[VALUE]):
        return 0.0
    best[BAR] = max(best[BAR], off)
    return rtol


@inlined
def wish(n, order, higher, checked, rtol, idle, bend, top, best):
    """Say what an output that is resolved wants next; `higher` is whether there are larger steps.

    `idle` is how many levels in a row have left the bar as it is, `checked` whether the answer was;
    `top` is what the second level says, and `bend` by how much it differs from the first.
    """
    value, bar = abs(best[VALUE]), best[BAR]
    if n == 2:
        return LARGER if higher and bend < NEARLY * top else SMALLER
    good = bar <= max(rtol, TARGET) * value or (value == top == bend == 0.0)
    if good or (n > 3 and idle >= (IDLE_NARROW if bar < NARROW * value else IDLE_WIDE)):
        return ENOUGH
    # noise may be truncation that does not fall yet: a few levels tell
    few = n < (LEAST_VAGUE if bar > VAGUE * value else LEAST_LEVELS)
    if best[TRUNCATION] > WORTH * best[NOISE] or (few and best[SIGMA] > CLEARLY * best[ROUND]):
        return SMALLER
    bent = bend > max(FLAT * order * top, SURE * best[SIGMA])
    fair = order == 1 and bar <= (FAIRLY if checked else FAIR) * value
    return LARGER if higher and not bent and not fair else ENOUGH


@inlined
def octaves(n, law, best):
    """How far below the smallest step truncation falls to the noise, if nothing extrapolates."""
    if law[COLUMNS] > 1 or n < 3 or not 0.0 < best[NOISE] < best[TRUNCATION]:
        return 0
    fall = law[ORDER] + math.log2(float(law[RATIO]))
    return int(math.log2(best[TRUNCATION] / best[NOISE]) / fall)


@inlined
def choose(samples, window, outputs, f0):
    """Set the next request of a direction whose outputs were judged."""
    bottom, top = window[BASE] - window[LAST], window[BASE] - window[FIRST]
    smaller = window[SMALLER] > 0 and window[FLOOR] == 0 and bottom > window[LOWEST]
    if smaller and 1 < window[OCTAVES] < FURTHEST:
        restart(window, max(bottom - window[OCTAVES], window[LOWEST] + 1))
    elif smaller and window[LAST] < SLOTS - 1:
        window[REQUEST] = bottom - 1
    elif window[LOST] > 0:
        window[PHASE] = CHECK
        window[REQUEST] = max(min(bottom - LEAP, window[OTHER]), window[LOWEST])
    elif window[LARGER] > 0:
        window[REQUEST] = top + 1
    elif smaller:
        restart(window, bottom - 1)
    elif window[CHECKED] == 1 or bottom <= window[LOWEST] + 2:
        close(samples, window, outputs, f0)
    else:
        window[PHASE] = SAMPLE
        window[REQUEST] = max(bottom - DEPTH, window[LOWEST])


@kernel
def close(samples, window, outputs, f0):
    """End a direction, unless f(x) drowned in the rounding of far larger values around it."""
    if drowned(samples, window, outputs, f0):
        restart(window, window[OTHER])
        return
    for i in range(f0.size):
        conclude(samples, window, i, f0[i], outputs[i])
    finish(window, outputs)


@kernel
def drowned(samples, window, outputs, f0):
    """Whether to start once more, at the other scale, and for which outputs: those stay open."""
    tried, again = window[RESCALED] == 1, False
    window[RESCALED] = 1
    if tried or window[OTHER] >= window[BASE] - window[LAST] - 2:
        return False
    for i in range(f0.size):
        wide = outputs[i, ERROR] > FAINT * abs(outputs[i, ESTIMATE])
        faint = wide and abs(f0[i]) < FAINT * amplitude(samples, window, i)
        outputs[i, CLOSED] = 0.0 if faint else 1.0
        again = again or faint
    return again
