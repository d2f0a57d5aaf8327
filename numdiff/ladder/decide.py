"""The ladder: a pure function of the samples of t -> f(x + t d) that says where to look next.

It never calls f. A driver asks f at the steps in `state[:, REQUEST]` (exponents of 2), hands the
values to `absorb`, then calls `check`, `judge` and `choose`, and repeats while a direction is live.
Levels stand in slots: slot s of direction d has the step 2**(state[d, BASE] - s); the slots FIRST
to LAST are filled without a gap, and the slot SLOTS holds a pair at a tiny step, the check.

Shapes: D directions, L live ones, P points a step, C channels, m outputs, J columns.
"""

from __future__ import annotations

import math

from numdiff.ladder.roughness import roughness
from numdiff.ladder.runtime import kernel
from numdiff.ladder.tableau import (
    BAR,
    COLUMN,
    CUT,
    EPS,
    NOISE,
    ROUND,
    ROUNDING,
    ROW,
    SIGMA,
    VALUE,
    choose_entry,
    extrapolate,
    predict,
    residuals,
    scale,
    trimmed_rms,
)

SLOTS = 16
START = 5  # slot of the first level: room for 5 larger and 10 smaller steps

# columns of `state`: the window, what is asked for, what may be asked for, what has been tried
FIRST, LAST, BASE, PHASE, REQUEST, READY, HIGHEST, LOWEST, OTHER = range(9)
RESTARTS, SHRINKS, NOISY, CEILING, FLOOR, RESCALED, CHECKED, SAMPLED = range(9, 17)
SETTLED, UP, DOWN, UNRESOLVED = range(17, 21)  # how many outputs want what
OCTAVES = 21  # how far down all that want to go down may leap
TOLD = 22  # whether the noise is known: 1 all of it, ELSEWHERE what other directions have shown
ELSEWHERE = 2
STATE = 23
LADDER, SAMPLE, CHECK, DOUBT, DONE = range(5)  # phases

# columns of `shape`, one row per channel
LEAD, TERMS, ORDER, RATIO, COLUMNS = range(5)

# columns of `found`, one row per direction and output
ESTIMATE, ERROR, DEVIATION, STEP, SLOPE, SLACK, SPREAD, SHOWN, DOUBTED, CLOSED, IDLE, STATUS = (
    range(12)
)
WINDOW, GUESS = 12, 13  # which window the entry is of, and whether it has no digit at all
DISPUTE = 14  # how far windows that have a bar contradict each other
FORMER = 15  # what a window said that the check refuted, 0 if none was
ROUGH = 16  # error of the derivative if f comes in small smooth pieces, as far as it was seen
FOUND = 17
OK, NOISE_LIMITED, NO_SCALE, DOMAIN = 0.0, 1.0, 7.0, 8.0  # codes of numdiff.Status
UNKNOWN = 7  # the code of NO_SCALE where codes are integers

TARGET = 256.0 * EPS
CLEARLY = 50.0  # how many roundings make a change of f a change
FLAT = 0.1  # relative change of the first column below which a larger step promises more
COARSE = 2.0**-24 / ROUNDING  # what changes f by less than float32 would is noise, not structure
CONFIRM = 1e4  # the check confirms a slope to one part in this
PIECES = 0.02  # relative difference of slopes below which it is f's own error that has them
MINOR = 1e-3  # a part of the change of f that says nothing about its scale
NEARLY = 0.01  # relative change of D over two levels below which the first steps are small
PATIENT = 7  # levels before a stall with a poor bar counts as noise: an edge may be in the window
WORTH = 2.0  # truncation over noise from which a smaller step can halve the bar
FAIR, FAIRLY = 1e-12, 1e-8  # relative bars limited by noise that larger steps would only halve
SKEW = 1.375  # a sample off the lattice of powers of two
DEPTH = 6  # octaves from the window down to the sample
PAIR = 1.0
MINOR_SLOPE = 2.0**-8  # of the derivative: a jump that makes more of it is an edge of f
MARGIN = 4.0  # times what small pieces of f were seen to do to the derivative: they were seen once
ALIKE = 20.0  # standard deviations that a sample may be off before it is a surprise
NEVER = -9999
FOREIGN = 0.1  # of the size of f: more than this is no noise
LEAP = 20  # where f is not resolved at all, look this many octaves further down
STRIDE = 10  # octaves from a check that surprises to the one that decides
GROWTH = 100.0  # of the surprise over STRIDE octaves, if f has structure there
FURTHEST = 99  # octaves: nobody leaps that far
MOST_SHRINKS = 60
MOST_RESTARTS = 4


@kernel
def restart(state, d, exponent):
    """Empty the window and ask for a level at another scale."""
    state[d, BASE], state[d, FIRST], state[d, LAST] = exponent + START, START, START - 1
    state[d, PHASE], state[d, REQUEST], state[d, READY] = LADDER, exponent, 0
    state[d, CHECKED], state[d, SAMPLED] = min(state[d, TOLD], 1), NEVER


@kernel
def absorb(rows, arrived, stretch, f0, fold, samples, state, found):
    """Fold the values of f at the steps asked for, (L, P, m), into levels."""
    for a in range(rows.size):
        d = rows[a]
        slot = state[d, BASE] - state[d, REQUEST] if state[d, PHASE] == LADDER else SLOTS
        if state[d, PHASE] > SAMPLE:
            slot = SLOTS + 1
        usable = False
        for i in range(f0.size):
            for c in range(fold.shape[0]):
                total = 0.0
                for p in range(fold.shape[1]):
                    total += fold[c, p] * (arrived[a, p, i] - f0[i])
                # only the channel that is odd in t feels that x +- h were rounded
                samples[d, c, slot, i] = total * stretch[a] if c == 0 else total
            usable = usable or math.isfinite(samples[d, 0, slot, i])
        state[d, READY] = 1 if state[d, PHASE] == LADDER else 0
        if state[d, READY] == 0:
            continue
        if usable:
            state[d, FIRST] = min(state[d, FIRST], slot)
            state[d, LAST] = max(state[d, LAST], slot)
        elif state[d, LAST] >= state[d, FIRST]:
            state[d, CEILING if slot < state[d, FIRST] else FLOOR] = 1
        else:
            shrink(state, found, d)


@kernel
def shrink(state, found, d):
    """Look closer to x: the usual edge of a domain is 0, then anywhere."""
    state[d, SHRINKS] += 1
    state[d, CEILING] = 1
    exponent = state[d, REQUEST] - 4
    if state[d, SHRINKS] == 1 and state[d, OTHER] < state[d, REQUEST]:
        exponent = state[d, OTHER]
    if exponent < state[d, LOWEST] or state[d, SHRINKS] > MOST_SHRINKS:
        finish(state, found, d)
    else:
        restart(state, d, exponent)


@kernel
def finish(state, found, d):
    """End a direction and say of each output without a bar why it has none."""
    state[d, PHASE], state[d, READY] = DONE, 0
    for i in range(found.shape[1]):
        if found[d, i, ERROR] == math.inf:
            seen = math.isfinite(found[d, i, ESTIMATE])
            found[d, i, STATUS] = NO_SCALE if seen else DOMAIN


@kernel
def gather(samples, state, d, i, y):
    """Copy the levels of one output to y; return how many end at the smallest step unbroken."""
    top = state[d, LAST]
    while top >= state[d, FIRST] and math.isfinite(samples[d, 0, top, i]):
        top -= 1
    n = state[d, LAST] - top
    for c in range(y.shape[0]):
        for k in range(n):
            y[c, k] = samples[d, c, top + 1 + k, i]
    return n


@kernel
def recall(samples, state, d, i, top, sampled):
    """Copy what the sample off the lattice showed of one output, and its width last, 0 if none."""
    sampled[-1] = 0.0
    if state[d, CHECKED] == 1 and state[d, SAMPLED] != NEVER:
        sampled[-1] = scale(SKEW, state[d, SAMPLED] - top)
        for c in range(sampled.size - 1):
            sampled[c] = samples[d, c, SLOTS, i]


@kernel
def rounding(f0, y, n, least, floors):
    """Write the standard deviation of the rounding of f at each level to `floors`."""
    for k in range(n):
        size = abs(f0 + y[0, k])
        if y.shape[0] > 1:
            size = abs(f0 + y[1, k]) + abs(y[0, k])
        floors[k] = max(ROUNDING * max(size, abs(f0)), least)


@kernel
def measure(y, n, floors, told, shape, gain, factor, primary, seen, table, best, sampled):
    """Find the best entry of the primary channel, with the noise that all channels show.

    sampled[c] is what a level at the step SAMPLED showed, sampled[-1] its width, 0 if none.
    """
    count, c = 0 * n, primary  # a plain 0 is a type of its own and compiles callees twice
    for a in range(shape.shape[0]):
        lead, terms, order, ratio = (
            shape[a, LEAD],
            shape[a, TERMS],
            shape[a, ORDER],
            shape[a, RATIO],
        )
        extrapolate(y[a], n, lead, terms, float(ratio), factor[a], table[a])
        count = residuals(table[a], n, terms, order, float(ratio), gain[a, 1], seen, count)
    sigma, width = trimmed_rms(seen, 0 * n if told else count), sampled[-1]
    if width > 0.0:
        choose_entry(
            table[c], n, shape[c, TERMS], shape[c, ORDER], float(shape[c, RATIO]),
            shape[c, COLUMNS], gain[c, 0], sigma, floors, table[-1], best,
        )  # fmt: skip
        first = int(best[ROW] - best[COLUMN]) - shape[c, TERMS] + 1
        first = max(0, min(first, n - 3))  # the other channel needs a few levels of its own
        for a in range(shape.shape[0]):
            row = table[-1, 0]
            said = predict(y[a], first, n, shape[a, LEAD], float(shape[a, RATIO]), width, row)
            sigma = max(sigma, abs(sampled[a] - said) * PAIR)
    choose_entry(
        table[c], n, shape[c, TERMS], shape[c, ORDER], float(shape[c, RATIO]), shape[c, COLUMNS],
        gain[c, 0], sigma, floors, table[-1], best,
    )  # fmt: skip


@kernel
def rising(y, n, lead, floor):
    """How many channels do not change less at the smallest step than before, as smooth ones do.

    A channel alone, that of one side, is asked for its second differences too.
    """
    size, count = 0.0, 0
    for c in range(y.shape[0]):
        size += abs(y[c, 0])
    floor = max(CLEARLY * floor, MINOR * size)
    for c in range(y.shape[0]):
        if abs(y[c, n - 1]) > max((0.75 if c == 0 else 0.6) * abs(y[c, n - 2]), floor):
            count += 1
    if y.shape[0] == 1 and n > 2 and count == 0:
        growth = scale(1.0, lead)
        bend = abs(y[0, n - 2] - growth * y[0, n - 1])
        if bend > max(0.6 * abs(y[0, n - 3] - growth * y[0, n - 2]), floor):
            return 1
    return count


@kernel
def wish(column, terms, order, n, higher, checked, rtol, idle, best):
    """Say what an output that is resolved wants next."""
    value, bar = abs(best[VALUE]), best[BAR]
    bend, top = abs(column[terms, 0] - column[terms - 1, 0]), abs(column[terms, 0])
    if n == 2 and higher and bend < NEARLY * top:
        return UP
    if n > 2 and (bar <= max(rtol, TARGET) * value or (value == top == bend == 0.0)):
        return SETTLED
    if n > 3 and idle >= (1.0 if bar < 1e-6 * value else 4.0):
        return SETTLED
    if best[CUT] > WORTH * best[NOISE] or n == 2:
        return DOWN
    if n < (PATIENT if bar > 1e-4 * value else 5) and best[SIGMA] > CLEARLY * best[ROUND]:
        return DOWN  # too few levels to tell noise from truncation that does not fall yet
    if not higher or bend > max(FLAT * order * top, 6.0 * best[SIGMA]):
        return SETTLED
    if order == 1 and bar <= (FAIRLY if checked else FAIR) * value:
        return SETTLED
    return UP


@kernel
def record(y, n, top, drift, order, window, best, found):
    """Keep the best entry if its bar is the smallest so far, back in the units of f and t."""
    value, bar = scale(best[VALUE], -top * order), scale(best[BAR], -top * order) + drift
    if found[WINDOW] != window and found[ERROR] < math.inf:
        # two windows that contradict each other: one has missed noise or structure of f
        off = abs(value - found[ESTIMATE])
        found[DISPUTE] = max(found[DISPUTE], off if off > bar + found[ERROR] else 0.0)
        found[ERROR] = max(found[ERROR], found[DISPUTE])
    bar = max(bar, found[DISPUTE])
    # a window that has grown knows better than before; another window may have been the better one
    if found[WINDOW] != window and not bar < found[ERROR]:
        return
    found[WINDOW] = window
    found[GUESS] = 1.0 if best[CUT] > best[NOISE] and best[BAR] > abs(best[VALUE]) else 0.0
    found[ESTIMATE], found[ERROR] = value, bar
    found[DEVIATION], found[STEP] = best[SIGMA], scale(1.0, top - int(best[ROW]))
    found[STATUS] = OK
    if order == 1:
        found[SLOPE], found[SLACK] = found[ESTIMATE], bar
    else:
        above = y[0, n - 2]
        found[SLOPE] = scale(2.0 * y[0, n - 1], n - 2 - top)
        off = abs(2.0 * y[0, n - 1] - above) + 4.0 * best[SIGMA]
        found[SLACK] = scale(off, n - 2 - top)
    # what is left of it closer to x is its leading term, more or less: twice that is allowed
    found[SPREAD] = 2.0 * abs(scale(y[0, n - 1], n - 1 - top) - found[SLOPE])


@kernel
def judge(
    rows, f0, shape, gain, factor, primary, reach, rtol, samples, state, found, y, floors, seen,
    table, best, sampled,
):  # fmt: skip
    """Judge each open output of the rows that have a new level; count what they want."""
    for a in range(rows.size):
        d = rows[a]
        for want in range(SETTLED, UNRESOLVED + 1):
            state[d, want] = 0
        state[d, OCTAVES] = FURTHEST
        if state[d, READY] == 0:
            continue
        for i in range(f0.size):
            if found[d, i, CLOSED] != 0.0:
                continue
            n = gather(samples, state, d, i, y)
            want = lacking(y, n, state[d], f0[i], shape, primary, found[d, i], floors)
            if want == SETTLED:
                recall(samples, state, d, i, state[d, BASE] - (state[d, LAST] - n + 1), sampled)
                told = state[d, TOLD] == 1
                measure(
                    y, n, floors, told, shape, gain, factor, primary, seen, table, best, sampled
                )
                want = weigh(
                    y, n, floors, shape, primary, reach[d], rtol, state[d], found[d, i], table,
                    best,
                )  # fmt: skip
                first = shape[primary, ORDER] == 1  # higher ones have too few digits to tell
                if first and want == SETTLED and state[d, CHECKED] == 1 and state[d, TOLD] == 0:
                    look_up(
                        n, shape, gain, factor, primary, floors, state[d], found[d, i], table, best
                    )
            state[d, want] += 1


@kernel
def look_up(n, shape, gain, factor, primary, floors, state, found, table, best):
    """Note what the larger steps of a window say of the pieces of f."""
    row = int(best[ROW])
    rough = roughness(table, n, row, shape, gain, factor, primary, best[SIGMA], floors)
    if rough < MINOR_SLOPE * abs(best[VALUE]):
        top = state[BASE] - (state[LAST] - n + 1)
        found[ROUGH] = max(found[ROUGH], scale(rough, -top))
        found[DEVIATION] = max(found[DEVIATION], scale(rough, -row))


@kernel
def lacking(y, n, state, f0, shape, primary, found, floors):
    """Write the rounding of the levels, and say what is wanted before they can be judged."""
    order = shape[primary, ORDER]
    if n < max(2, shape[primary, TERMS] + 1):
        return DOWN
    rounding(f0, y, n, found[SHOWN], floors)
    rises = 0 if state[NOISY] == 1 else rising(y, n, shape[0, LEAD], floors[n - 1])
    if rises == 0:
        return SETTLED
    found[ERROR] = math.inf
    # one of two parts may pass through zero between two levels, so it is asked again
    return DOWN if order > 1 and n == 2 and rises < shape.shape[0] else UNRESOLVED


@kernel
def weigh(y, n, floors, shape, primary, reach, rtol, state, found, table, best):
    """Take over the best entry of one output, and say what it wants."""
    terms, order = shape[primary, TERMS], shape[primary, ORDER]
    top = state[BASE] - (state[LAST] - n + 1)
    higher = state[CEILING] == 0 and state[FIRST] > 0
    higher = higher and state[BASE] - state[FIRST] < state[HIGHEST]
    best[ROUND] = floors[int(best[ROW])]
    drift = 0.0
    if shape.shape[0] > 1 and n > shape[1 - primary, TERMS]:
        drift = shifted(table[1 - primary, n - 1, 0], reach, top, order)
    before = found[ERROR]
    record(y, n, top, drift, order, float(state[BASE]), best, found)
    # a bar that has grown was refuted: the ladder is not done
    stalls = 0.5 * before < found[ERROR] < 2.0 * before
    found[IDLE] = found[IDLE] + 1.0 if stalls else 0.0
    checked = state[CHECKED] == 1
    want = wish(table[primary], terms, order, n, higher, checked, rtol, found[IDLE], best)
    if want == DOWN:
        leap = octaves(n, order, shape[primary, RATIO], shape[primary, COLUMNS], best)
        state[OCTAVES] = min(state[OCTAVES], leap)
    return want


@kernel
def shifted(above, reach, top, order):
    """Error of a derivative where f rounds x on its way: half an ulp shifts the point it sees.

    `above` is the next derivative, in units of the window (its own unit alone may overflow).
    """
    return abs(scale(scale(0.5 * EPS * reach, -top) * above, -top * order))


@kernel
def octaves(n, order, ratio, columns, best):
    """How far below the smallest step truncation falls to the noise, if nothing extrapolates."""
    if columns > 1 or n < 3 or not best[NOISE] > 0.0:
        return 0
    return int(math.log2(best[CUT] / best[NOISE]) / (order + math.log2(ratio)))


@kernel
def choose(rows, f0, samples, state, found):
    """Set the next request of the rows that were judged."""
    for a in range(rows.size):
        d = rows[a]
        if state[d, READY] == 0:
            continue
        bottom, top = state[d, BASE] - state[d, LAST], state[d, BASE] - state[d, FIRST]
        deeper = state[d, FLOOR] == 0 and bottom > state[d, LOWEST]
        if state[d, DOWN] > 0 and deeper and 1 < state[d, OCTAVES] < FURTHEST:
            restart(state, d, max(bottom - state[d, OCTAVES], state[d, LOWEST] + 1))
        elif state[d, DOWN] > 0 and deeper and state[d, LAST] < SLOTS - 1:
            state[d, REQUEST] = bottom - 1
        elif state[d, UNRESOLVED] > 0:
            state[d, PHASE] = CHECK
            leap = min(bottom - LEAP, state[d, OTHER])
            state[d, REQUEST] = max(leap, state[d, LOWEST])
        elif state[d, UP] > 0:
            state[d, REQUEST] = top + 1
        elif state[d, DOWN] > 0 and deeper:
            restart(state, d, bottom - 1)
        elif state[d, CHECKED] == 1 or bottom <= state[d, LOWEST] + 2:
            close(samples, state, found, d, f0)
        else:
            state[d, PHASE] = SAMPLE
            state[d, REQUEST] = max(bottom - DEPTH, state[d, LOWEST])


@kernel
def close(samples, state, found, d, f0):
    """End a direction, unless f(x) drowned in the rounding of far larger values around it."""
    bottom, drowned = state[d, BASE] - state[d, LAST], 0
    if state[d, RESCALED] == 0 and state[d, OTHER] < bottom - 2:
        for i in range(f0.size):
            lost = found[d, i, ERROR] > 1e-3 * abs(found[d, i, ESTIMATE])
            lost = lost and abs(f0[i]) < 1e-3 * amplitude(samples, state, d, i)
            found[d, i, CLOSED] = 0.0 if lost else 1.0
            drowned += 1 if lost else 0
    state[d, RESCALED] = 1
    if drowned > 0:
        restart(state, d, state[d, OTHER])
        return
    for i in range(f0.size):
        size = max(abs(f0[i]), amplitude(samples, state, d, i))
        guess = found[d, i, GUESS] == 1.0 and state[d, NOISY] == 0
        off = abs(found[d, i, ESTIMATE] - found[d, i, FORMER])
        if found[d, i, FORMER] != 0.0 and off < PIECES * abs(found[d, i, ESTIMATE]):
            # the same slope over many steps and another one close to x: f comes in small pieces
            found[d, i, ERROR] = max(found[d, i, ERROR], 2.0 * off)
            found[d, i, DEVIATION] = max(found[d, i, DEVIATION], off * found[d, i, STEP])
        found[d, i, ERROR] = max(found[d, i, ERROR], MARGIN * found[d, i, ROUGH])
        known = found[d, i, SHOWN] if state[d, TOLD] == ELSEWHERE else 0.0
        foreign = found[d, i, DEVIATION] > FOREIGN * size and state[d, TOLD] == 0
        floor = max(ROUNDING * size, known)
        if foreign or guess:
            found[d, i, ERROR] = math.inf  # noise as large as f itself is f, not resolved
        elif found[d, i, DEVIATION] > CLEARLY * floor and limits(found[d, i]):
            found[d, i, STATUS] = NOISE_LIMITED
    finish(state, found, d)


@kernel
def limits(found):
    """Whether noise keeps digits back: a sum of terms that cancel rounds more than f tells."""
    return found[STATUS] == OK and found[ERROR] > FAIR * abs(found[ESTIMATE])


@kernel
def noisier(samples, state, found, d, f0):
    """Whether an open output shows more noise than rounding explains."""
    for i in range(f0.size):
        floor = ROUNDING * max(abs(f0[i]), amplitude(samples, state, d, i))
        if found[d, i, CLOSED] == 0.0 and found[d, i, DEVIATION] > CLEARLY * floor:
            return True
    return False


@kernel
def amplitude(samples, state, d, i):
    """Largest change of one output over the window."""
    largest = 0.0
    for s in range(state[d, FIRST], state[d, LAST] + 1):
        change = 0.0
        for c in range(samples.shape[1]):
            change += abs(samples[d, c, s, i])
        largest = max(largest, change)
    return largest


@kernel
def check_step(samples, state, found, d, f0, bottom):
    """Exponent of the smallest step at which rounding still lets the slopes be confirmed."""
    wanted = math.inf
    for i in range(f0.size):
        if found[d, i, CLOSED] == 0.0 and found[d, i, SLOPE] != 0.0:
            floor = ROUNDING * max(abs(f0[i]), amplitude(samples, state, d, i))
            wanted = min(wanted, CONFIRM * floor / abs(found[d, i, SLOPE]))
    exponent = bottom - 6
    if 0.0 < wanted < scale(1.0, exponent):
        exponent = int(math.floor(math.log2(wanted)))  # noqa: RUF046 - a float in Numba
    return min(max(exponent, state[d, LOWEST]), bottom - 2)
