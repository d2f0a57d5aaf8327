"""Where the answer and its bar are chosen: the best entry of a window, and the best of all windows.

At the end the bar takes in what else was seen that contradicts the answer.
"""

import math

from numdiff.constants import EPS, NOISE_LIMITED, OK, ROUNDING
from numdiff.ladder.noise import (
    BY_CHANCE,
    CLEARLY,
    newest,
    stalls,
    surprise,
    together,
    trimmed_rms,
)
from numdiff.ladder.roughness import roughness
from numdiff.ladder.runtime import inlined, kernel, separate
from numdiff.ladder.tableau import choose_entry, extrapolate, scale
from numdiff.ladder.window import amplitude

from numdiff.ladder.registers import (  # isort: skip
    AGAIN, AT_COLUMN, AT_ROW, BAR, BASE, COLUMN, COMPLETE, DEVIATION, DISPUTE, ELSEWHERE, ERROR,
    ESTIMATE, FORMER, GUESS, LAST, LEAST_NOISE, LOOKED, NOISE, NOISY, ORDER, PRIOR, PROVEN, READY,
    RESTARTS, ROUGHNESS, ROUND, ROW, SIGMA, SLACK, SLOPE, SPREAD, STALLED, STATUS, STEADY, STEP,
    TABLED, TERMS, TRUNCATION, UNEVEN, VALUE, WINDOW,
)  # fmt: skip

FAIR = 1e-12  # relative bar limited by noise that larger steps would only halve, before the check
PIECES = 0.02  # relative difference of slopes below which it is f's own error that has them
MARGIN = 4.0  # times what small pieces of f were seen to do to the derivative: they were seen once
MINOR_SLOPE = 2.0**-8  # of the derivative: a jump that makes more of it may be an edge of f
BREAKS = 300.0  # times that slopes may differ from step to step: smooth ones do by 4, or some 50
FOREIGN = 0.1  # of the size of f: more than this is no noise
LITTLE = 1e-4  # of the derivative that changes f by as much as the largest step does
ARGUMENT = 0.3  # of the rounding of x: what functions show of it in the mean, as they change with x
WITNESS = 1.5  # times the noise of a sample that other differences may add: more may be truncation
HIDDEN, REFUTED = 3.0, 10.0  # times the noise of a sample: what may be hidden from it; what may not
RISES = 1.5, 3.0  # of what doubles with half the step: what is smooth falls, noise rises by more
STAYS = 0.5  # times its former fall: less is left of what is smooth
HAZY = 0.1  # of a derivative above the first: truncation that leaves no more is none of a smooth f
LEADING = 4.0  # standard deviations of noise in the slope that the smallest step shows


@inlined
def measure(n, reach, window, method, room, output):
    """Extrapolate the levels of one output, and find the best entry with the noise they show.

    Where the sample off the lattice alone is new, what the levels have shown is known.
    """
    c, count = method.primary, 0 * n  # a plain 0 is a type of its own and compiles callees twice
    law, gain = method.shape[c], method.gain[c, 0]
    table, floors, best, held = room.table[c], room.floors, room.best, window[TABLED]
    errors, bars, known = room.table[-2], room.table[-1], window[READY] == AGAIN
    same = known and held == n  # nothing is new but a sample, and the best entry is there
    if not same:
        for a in range(method.shape.shape[0]):
            extrapolate(room.y[a], held, n, method.shape[a], method.factor[a], room.table[a])
            if window[PRIOR] != COMPLETE and not known:
                gains = method.gain[a, 1]
                count = stalls(room.table[a], n, method.shape[a], gains, room.residuals, count)
        window[TABLED] = n
    if known:
        sigma = output[STALLED]
        if not same:
            recollect(sigma, table, floors, output, best)
    else:
        sigma = trimmed_rms(room.residuals, count)
        choose_entry(table, held, n, law, gain, sigma, floors, errors, bars, best)
        output[STALLED], output[AT_ROW], output[AT_COLUMN] = sigma, best[ROW], best[COLUMN]
        held = n
    if room.sample[-1] == 0.0:
        return
    told, least = sigma, max(sigma, least_of(floors, n))
    seen = surprise(n, c, method.shape, room.y, room.sample, best, bars[0])
    if not known and window[NOISY] == 0:
        # the larger levels that came after a sample without noise have something in their way
        sigma = min(sigma, BY_CHANCE * seen)
    sigma = max(sigma, seen)
    if law[ORDER] == 1:
        top = window[BASE] - window[LAST] + n - 1
        seen = max(sigma, best[ROUND])
        if method.shape.shape[0] > 1:
            a = 1 - c
            last = newest(room.table[a], n, method.shape[a], method.gain[a, 1])
            seen = max(seen, min(last, WITNESS * seen))
        sigma = likely(seen, scale(reach, -top) * best[VALUE])
    if (known and not same) or not told <= sigma <= least:
        choose_entry(table, held, n, law, gain, sigma, floors, errors, bars, best)


@inlined
def recollect(sigma, table, floors, output, best):
    """Restore what is known of the best entry that the levels alone have."""
    row, column = int(output[AT_ROW]), int(output[AT_COLUMN])
    best[ROW], best[COLUMN], best[ROUND] = row, column, floors[row]
    best[VALUE], best[SIGMA] = table[row, column], max(sigma, floors[row])


@inlined
def least_of(floors, n):
    """Return the smallest rounding of f at n levels: less noise than that changes no bar."""
    least = floors[0]
    for k in range(1, n):
        least = min(least, floors[k])
    return least


@inlined
def likely(seen, change):
    """Return the noise of f if a sample has seen so much, which may be little by chance.

    The rounding of x on its way through f adds to it, unless the sample refutes that: `change` is
    that of f if x doubles.
    """
    argument = ARGUMENT * ROUNDING * abs(change)
    return seen if argument > REFUTED * seen else together(seen, min(argument, HIDDEN * seen))


@inlined
def drift(n, top, reach, method, table):
    """Error of a derivative where f rounds x on its way: half an ulp shifts the point it sees.

    It takes the next derivative, from the other channel, in units of the window: its own unit alone
    may overflow.
    """
    other = 1 - method.primary
    if method.shape.shape[0] == 1 or n <= method.shape[other, TERMS]:
        return 0.0
    shift = scale(0.5 * EPS * reach, -top) * table[other, n - 1, 0]
    return abs(scale(shift, -top * method.shape[method.primary, ORDER]))


@separate(best="row", n="order", table="plane", terms="order")
def lean(best, n, law, terms, table):
    """Widen a bar by how far the derivatives on both sides of x differ, if the other channel tells.

    Of a jump of the derivative it has the power h**order, and the next derivative, in its `table`
    of n levels, goes like 1/h. Of a bend that a pair crosses both channels have as much, so what
    does not fall is in both. `terms` are those of the other channel.
    """
    k, steady = int(best[ROW]), law[STEADY] == 1
    if k < terms or (k == terms and not steady):
        return
    off = scale(doubled(table, k, terms), -k)
    if k == terms < n - 1:  # two levels do not tell it from what is smooth
        off = max(off, scale(doubled(table, k + 1, terms), -k - 1))
    if k > terms and steady:
        rise, before = table[k, 0] - table[k - 1, 0], table[k - 1, 0] - table[k - 2, 0]
        off = max(off, scale(abs(rise), -k) if abs(rise) > STAYS * abs(before) else 0.0)
    if off > 0.0:
        best[TRUNCATION] = max(best[TRUNCATION], 2.0 * off)
        best[BAR] = max(best[BAR], best[TRUNCATION] + best[NOISE])


@kernel
def doubled(table, k, terms):
    """Return by how much a coefficient rises from a level to the next, k, if it does like 1/h.

    Nothing if it does not. Of the first two levels the first one says how much it has risen before.
    """
    rise, before = table[k, 0] - table[k - 1, 0], 0.5 * table[k - 1, 0]
    if k > terms:
        before = table[k - 1, 0] - table[k - 2, 0]
    least, most = RISES
    grows = rise * before > 0.0 and least * abs(before) < abs(rise) < most * abs(before)
    return abs(rise) if grows else 0.0


@inlined
def record(n, reach, window, method, room, output):
    """Keep the best entry if its bar is the smallest so far, back in the units of f and t."""
    best, order = room.best, method.shape[method.primary, ORDER]
    top = window[BASE] - window[LAST] + n - 1
    value = scale(best[VALUE], -top * order)
    proven = scale(best[BAR], -top * order) + drift(n, top, reach, method, room.table)
    bar, moved = proven, output[WINDOW] != window[BASE]
    if moved and output[ERROR] < math.inf:
        # two windows that contradict each other: one has missed noise or structure of f
        off = abs(value - output[ESTIMATE])
        apart = off > bar + output[ERROR]
        if order == 2 and apart and window[RESTARTS] > 0:
            # what scattered was structure, of which smaller steps know better; if they are clean
            clean = best[SIGMA] <= CLEARLY * best[ROUND]
            output[DISPUTE] = 0.0 if clean else off + max(bar, output[ERROR])
            output[ERROR] = math.inf
        elif apart:
            # of higher orders the bar reaches that of the other window
            off += max(bar, output[ERROR]) if order > 1 else 0.0
            output[DISPUTE] = max(output[DISPUTE], off)
            if order > 1 and off > max(abs(output[ESTIMATE]), abs(value)):
                output[GUESS] = 2.0
        output[ERROR] = max(output[ERROR], output[DISPUTE])
    bar = max(bar, output[DISPUTE])
    # a window that has grown knows better than before; another window may have been the better one
    if moved and not bar < output[ERROR]:
        return
    # where f changes by no more than it rounds there is nothing to resolve
    moves = abs(room.y[method.primary, 0]) > CLEARLY * room.floors[0]
    least = abs(best[VALUE]) if order == 1 else HAZY * abs(best[VALUE])
    guess = moves and best[TRUNCATION] > best[NOISE] and best[BAR] > least
    output[WINDOW], output[GUESS] = window[BASE], 1.0 if guess else 0.0
    if order > 2 and hollow(order, method, room):
        output[GUESS] = 2.0
    output[ESTIMATE], output[ERROR], output[STATUS] = value, bar, OK
    output[PROVEN], output[DEVIATION] = proven, best[SIGMA]
    output[STEP] = scale(1.0, top - int(best[ROW]))
    testify(room.y, n, top, order, best[SIGMA], output)


@inlined
def hollow(order, method, room):
    """Whether a bar is wider than its derivative, and no small one for an f that changes so much.

    Of an f that does not change, 0 is all that there is to say.
    """
    size = abs(room.y[method.primary, 0])
    least = max(abs(room.best[VALUE]), LITTLE * math.gamma(order + 1.0) * size)
    return room.best[BAR] > least and size > CLEARLY * room.floors[0]


@inlined
def testify(y, n, top, order, sigma, output):
    """Note the slope that a tiny step has to confirm: the answer itself or, above order 1, f's."""
    if order == 1:
        output[SLOPE], output[SLACK] = output[ESTIMATE], output[ERROR]
    else:
        output[SLOPE] = scale(2.0 * y[0, n - 1], n - 2 - top)
        off = abs(2.0 * y[0, n - 1] - y[0, n - 2]) + LEADING * sigma
        output[SLACK] = scale(off, n - 2 - top)
    # what is left of it closer to x is its leading term, more or less: twice that is allowed
    output[SPREAD] = 2.0 * abs(scale(y[0, n - 1], n - 1 - top) - output[SLOPE])


@kernel
def look_up(n, window, method, room, output):
    """Note what the larger steps of a window say of the pieces of f."""
    row = int(room.best[ROW])
    rough = roughness(n, row, method, room)
    if rough < MINOR_SLOPE * abs(room.best[VALUE]):
        top = window[BASE] - window[LAST] + n - 1
        output[ROUGHNESS] = max(output[ROUGHNESS], scale(rough, -top))
        output[DEVIATION] = max(output[DEVIATION], scale(rough, -row))
    elif breaks(row, room.table[method.primary]):  # at an edge, or between stairs
        window[UNEVEN] = 1


@kernel
def breaks(number, table):
    """Whether slopes are alike from a step on, that `number`, and all at once others above it."""
    after = abs(table[number, 0] - table[number - 1, 0])
    for k in range(number - 1, 0, -1):
        now = abs(table[k, 0] - table[k - 1, 0])
        if now > BREAKS * after > 0.0:
            return True
        after = max(after, now)
    return False


@kernel
def conclude(samples, window, i, f0, output):
    """Widen the bar of an output by what else was seen of it, and give it its status."""
    off = abs(output[ESTIMATE] - output[FORMER])
    if output[FORMER] != 0.0 and off < PIECES * abs(output[ESTIMATE]):
        # the same slope over many steps and another one close to x: f comes in small pieces
        output[ERROR] = max(output[ERROR], 2.0 * off)
        output[DEVIATION] = max(output[DEVIATION], off * output[STEP])
    output[ERROR] = max(output[ERROR], MARGIN * output[ROUGHNESS])
    size = max(abs(f0), amplitude(samples, window, i))
    looked = window[PRIOR] == 0 or window[PRIOR] == LOOKED
    foreign = output[DEVIATION] > FOREIGN * size and looked
    foreign = foreign and output[WINDOW] == window[BASE]  # whose size it is
    expected = output[LEAST_NOISE] if window[PRIOR] == ELSEWHERE else 0.0
    noisy = output[DEVIATION] > CLEARLY * max(ROUNDING * size, expected)
    # a sum of terms that cancel rounds more than f tells, and may have digits enough
    limited = output[STATUS] == OK and output[ERROR] > FAIR * abs(output[ESTIMATE])
    if foreign or output[GUESS] > window[NOISY]:
        output[ERROR] = math.inf  # noise as large as f itself is f, not resolved
    elif noisy and limited:
        output[STATUS] = NOISE_LIMITED
