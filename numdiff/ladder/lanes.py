"""Calm directions side by side: rounds of first derivatives by pairs, where f is smooth.

Nearly all directions take the same way: a few levels that converge, a sample off the lattice, and
nothing that surprises. Those that are equally far on that way are judged together here, each output
of each direction in a lane of its own. Decisions and bits are those of `rounds.turn`, which keeps
whatever is not calm, at any round. Interpreted, they run on lists of a few directions; for many
there are array operations that do the same.
"""

import math

from numdiff.constants import EPS, OK, ROUNDING
from numdiff.ladder.answer import FAIR, FOREIGN
from numdiff.ladder.check import ALIKE, GROWTH
from numdiff.ladder.decide import DEPTH, FAINT, STEADILY, wish
from numdiff.ladder.noise import CLEARLY, EVEN_FALL, MINOR, ODD_FALL, SKEW
from numdiff.ladder.runtime import inlined, kernel, separate
from numdiff.ladder.tableau import SIGMAS, scale

from numdiff.ladder import lane_formulas as lane  # isort: skip
from numdiff.ladder.lane_formulas import (  # isort: skip
    EVEN, FLOORS, LANES, LEVELS, ODD, OTHER_TABLE, SPARE, TABLE, entry, extrapolate,
)  # fmt: skip
from numdiff.ladder.registers import (  # isort: skip
    AT_COLUMN, AT_ROW, BAR, BASE, CEILING, CHECKED, CLOSED, COLUMNS, DEVIATION, DONE, ENOUGH, ERROR,
    ESTIMATE, FIRST, FLOOR, FURTHEST, GUESS, HIGHEST, IDLE, LADDER, LARGER, LAST, LEAST_NOISE,
    LOOSE, LOST, LOWEST, NOISE, NOISY, OCTAVES, ORDER, OTHER, PHASE, PRIOR, PROVEN, READY, REQUEST,
    RESCALED, RESTARTS, ROUND, SAMPLE, SAMPLE_STEP, SHRINKS, SIGMA, SLACK, SLOPE, SLOTS, SMALLER,
    SPREAD, STALLED, STATUS, STEADY, STEP, TABLED, TRUNCATION, VALUE, WINDOW,
)  # fmt: skip

CLOSE_BY = 8 * LANES  # directions among which those on the same way are looked for
MODERATE = 950  # exponents up to which powers of two do not under- or overflow
LED, REFUSED = -1, 0  # what becomes of a direction: it is led a round on, or the ladder has to
WAYS, DEEPEST = 2**12, 2**10  # more than the ways at so many levels, and than octaves to a sample


@kernel
def serve(channels, outputs):
    """Whether lanes are for channels of such a kind, and for so many outputs.

    They are the odd and the even part of f at pairs, of which the first one has the derivative.
    """
    law = channels.shape[channels.primary]
    pairs = channels.shape.shape[0] == 2 and law[ORDER] == 1 and law[STEADY] == 0
    return pairs and law[COLUMNS] >= LEVELS and 0 < outputs <= LANES


@separate(f0="plane", samples="lines", outputs="cube")
def lead_calm(
    live, arrived, stretch, f0, reach, rtol, method, samples, state, outputs, lanes, ways
):  # fmt: skip
    """Take in the values (L, 2, m) at the points of those live directions that are calm.

    Decides what they ask for next, and writes LED to `ways` (2 L,) for them, in order of `live`,
    and REFUSED for the others, of which nothing changes that the ladder does not write anew.
    `lanes` (ROWS, LANES) is room to work in.
    """
    for begin in range(0, len(live), CLOSE_BY):
        some = slice(begin, min(begin + CLOSE_BY, len(live)))
        lead_few(
            live[some], arrived[some], stretch[some], f0, reach, rtol, method, samples, state,
            outputs, lanes, ways[some], ways[len(live) :],
        )  # fmt: skip


@kernel
def lead_few(
    live, arrived, stretch, f0, reach, rtol, method, samples, state, outputs, lanes, ways, group
):  # fmt: skip
    """Lead calm directions a round on, as `lead_calm`, so few that they stay in a cache.

    `group` is room for the numbers of those on the same way.
    """
    m = len(outputs[0])
    for a in range(len(live)):
        d = live[a]
        own = f0[min(d, len(f0) - 1)]
        ways[a] = take_in(arrived[a], stretch[a], own, samples[d], state[d], outputs[d])
    for a in range(len(live)):
        way, count, b = ways[a], 0, a
        if way <= 0:
            continue
        while b < len(live) and count < LANES // m:
            if ways[b] == way:
                group[count] = b
                count += 1
            b += 1
        n, below, sampled = way // WAYS, way % WAYS // 2 - DEEPEST, way % 2
        for q in range(count):
            d = live[group[q]]
            own = f0[min(d, len(f0) - 1)]
            load(q * m, n, sampled, own, reach[d], samples[d], state[d], outputs[d], lanes)
        extrapolate(n, count * m, below, sampled, 0, method.gain, lanes)
        for q in range(count):
            d = live[group[q]]
            own = f0[min(d, len(f0) - 1)]
            ways[group[q]] = settle(
                q * m, n, sampled, own, reach[d], rtol, method.gain, state[d], outputs[d], lanes
            )


@inlined
def take_in(arrived, stretch, f0, samples, window, outputs):
    """Fold the values at a pair into a level, as `window.absorb`; return which way to go on.

    A direction on its first level goes on at once. The way is a number for the levels there are,
    whether a sample off the lattice came last, and how far that is from the smallest step.
    """
    phase, base = window[PHASE], window[BASE]
    seen = window[CEILING] + window[FLOOR] + window[RESTARTS] + window[SHRINKS] + window[RESCALED]
    seen += window[NOISY] + window[LOOSE] + window[PRIOR] + window[CHECKED]
    calm = phase in (LADDER, SAMPLE) and abs(base) + SLOTS < MODERATE and seen == 0
    if not calm:
        return REFUSED
    slot = base - window[REQUEST] if phase == LADDER else SLOTS
    for i in range(len(f0)):
        ahead, behind = arrived[0][i] - f0[i], arrived[1][i] - f0[i]
        odd = (0.0 + 0.5 * ahead + -0.5 * behind) * stretch
        even = 0.0 + 0.5 * ahead + 0.5 * behind
        samples[0][slot][i], samples[1][slot][i] = odd, even
        fine = math.isfinite(odd + even) and outputs[i][CLOSED] + outputs[i][LEAST_NOISE] == 0.0
        answered = outputs[i][ERROR] < math.inf  # of this window: another one may know better
        calm = calm and fine and (outputs[i][WINDOW] == base if answered else phase == LADDER)
    first, last = ends(window)
    if len(f0) > 1:  # of some outputs larger steps may leave the domain
        for k in range(first, last + 1):
            for i in range(len(f0)):
                calm = calm and math.isfinite(samples[0][k][i] + samples[1][k][i])
    n, bottom = last - first + 1, base - last
    if not calm or n > LEVELS or bottom <= window[LOWEST]:
        return REFUSED
    if n == 1:
        ask(window, first, last, LADDER, bottom - 1)
        note(window, 0, 0, len(f0), FURTHEST)
        return LED
    if phase == LADDER:
        return n * WAYS
    return n * WAYS + 2 * (window[REQUEST] - bottom + DEEPEST) + 1


@inlined
def ends(window):
    """Return the first and the last slot of a window with the level that has come, if one has."""
    first, last = window[FIRST], window[LAST]
    if window[PHASE] == LADDER:
        slot = window[BASE] - window[REQUEST]
        first, last = min(first, slot), max(last, slot)
    return first, last


@inlined
def ask(window, first, last, phase, request):
    """Note which slots are filled, and what is asked for next."""
    window[FIRST], window[LAST], window[PHASE], window[REQUEST] = first, last, phase, request
    window[READY], window[TABLED] = 0, 0  # tableaux in lanes are of no use for others


@inlined
def note(window, enough, larger, smaller, octaves):
    """Note how many outputs want what."""
    window[ENOUGH], window[LARGER], window[SMALLER], window[LOST] = enough, larger, smaller, 0
    window[OCTAVES] = octaves


@inlined
def load(g, n, sampled, f0, reach, samples, window, outputs, w):
    """Copy what is known of the outputs of a direction to lanes, from number g on."""
    first, last = ends(window)
    near, far = scale(reach, last - window[BASE]), scale(reach, first - window[BASE])
    for i in range(len(f0)):
        w[lane.OWN][g], w[lane.NEAR][g], w[lane.FAR][g], w[lane.LEAST][g] = f0[i], near, far, 0.0
        for k in range(n):
            w[ODD + k][g], w[EVEN + k][g] = samples[0][first + k][i], samples[1][first + k][i]
        if sampled == 1:
            w[lane.SAMPLE][g], w[lane.SAMPLE_EVEN][g] = samples[0][SLOTS][i], samples[1][SLOTS][i]
            w[lane.SIGMA][g], w[lane.ROW][g] = outputs[i][STALLED], outputs[i][AT_ROW]
            w[lane.LEFT_OUT][g] = outputs[i][AT_ROW] - outputs[i][AT_COLUMN]
        g += 1


@inlined
def settle(g, n, sampled, f0, reach, rtol, gain, window, outputs, w):
    """Decide what a direction asks for next, and note what its lanes from g on have shown.

    Returns whether they were calm, as LED or REFUSED.
    """
    enough, larger, smaller = 0, 0, 0
    for i in range(len(f0)):
        if not is_calm(g + i, n, sampled, f0[i], window, outputs[i], w):
            return REFUSED
        want = weigh(g + i, n, sampled, f0[i], reach, rtol, gain, window, outputs[i], w)
        enough += 1 if want == ENOUGH else 0
        larger += 1 if want == LARGER else 0
        smaller += 1 if want == SMALLER else 0
    if enough + larger + smaller < len(f0):
        return REFUSED
    first, last = ends(window)
    bottom, top = window[BASE] - last, window[BASE] - first
    phase, request = LADDER, bottom - 1 if smaller > 0 else top + 1
    if smaller + larger == 0 and sampled == 0:
        phase, request = SAMPLE, max(bottom - DEPTH, window[LOWEST])
        if bottom <= window[LOWEST] + 2:
            return REFUSED
    if sampled == 1:
        window[SAMPLE_STEP], window[CHECKED] = window[REQUEST], 1
        if smaller + larger == 0:
            phase, request, window[RESCALED] = DONE, window[REQUEST], 1
    ask(window, first, last, phase, request)
    note(window, enough, larger, smaller, 0 if smaller > 0 else FURTHEST)
    for i in range(len(f0)):
        record(g + i, n, sampled, window, outputs[i], w)
    return LED


@inlined
def is_calm(g, n, sampled, f0, window, output, w):
    """Whether a lane shows nothing that a smooth f does not show."""
    floor = max(CLEARLY * w[FLOORS + n - 1][g], MINOR * (abs(w[ODD][g]) + abs(w[EVEN][g])))
    falls = not abs(w[ODD + n - 1][g]) > max(ODD_FALL * abs(w[ODD + n - 2][g]), floor)
    falls = falls and not abs(w[EVEN + n - 1][g]) > max(EVEN_FALL * abs(w[EVEN + n - 2][g]), floor)
    falls = falls and w[lane.EXCESS][g] <= w[lane.BAR][g]
    # else `noise.stairs` looks for what all changes are multiples of
    falls = falls and (n <= STEADILY or output[DEVIATION] <= CLEARLY * w[FLOORS + n - 1][g])
    if sampled == 0:
        return falls
    # as `check.compare`
    request, last = window[REQUEST], window[BASE] - window[LAST]
    width, near = scale(SKEW, request), scale(SKEW, request - last)
    floor = ROUNDING * max(abs(f0), w[lane.CHANGE][g])
    slack = (output[SLACK] + output[SPREAD] * (near * near)) * width
    off = abs(w[lane.SAMPLE][g] - output[SLOPE] * width) - slack
    alike = not off > ALIKE * max(output[DEVIATION], floor)
    # what `check.plateau` looks at
    change, due = abs(w[lane.SAMPLE][g]) + abs(w[lane.SAMPLE_EVEN][g]), abs(output[SLOPE])
    jumps = change == 0.0 or change >= GROWTH * scale(due, request)
    alike = alike and not (jumps and abs(w[ODD][g]) != abs(w[EVEN][g]))
    return falls and alike and not output[DEVIATION] > CLEARLY * floor and w[lane.FLAG][g] == 0.0


@inlined
def weigh(g, n, sampled, f0, reach, rtol, gain, window, output, w):
    """Write what the best entry of a lane makes of an answer; return what that wants.

    Nothing that is known if it is to be looked at closer.
    """
    first, last = ends(window)
    bottom, top = window[BASE] - last, window[BASE] - first
    row, value, own, best = int(w[lane.ROW][g]), w[lane.VALUE][g], abs(f0), w[SPARE]
    unit, growth, column = scale(1.0, -top), scale(1.0, row), int(w[lane.PLACE][g]) - entry(row, 0)
    floor = w[FLOORS + row][g]
    sigma = max(w[lane.SIGMA][g], floor)
    best[VALUE], best[SIGMA], best[ROUND] = value, sigma, floor
    best[NOISE] = SIGMAS * gain[0][0][column] * (sigma * growth)
    least, spread = w[lane.BAR][g], w[lane.RIVALS][g]
    best[TRUNCATION] = max(least - best[NOISE] - EPS * abs(value), 0.0)
    best[BAR] = spread + best[NOISE] if spread > least else least
    drift = abs(0.5 * EPS * reach * unit * w[OTHER_TABLE + entry(n - 1, 0)][g] * unit)
    error, estimate = best[BAR] * unit + drift, value * unit
    moves = abs(w[ODD][g]) > CLEARLY * w[FLOORS][g]
    guess = moves and best[TRUNCATION] > best[NOISE] and best[BAR] > abs(value)
    idle = 0.5 * output[ERROR] < error < 2.0 * output[ERROR]
    idles = output[IDLE] + 1.0 if idle else 0.0
    w[lane.ANSWER][g], w[lane.ERROR][g], w[lane.IDLE][g] = estimate, error, idles
    w[lane.STEP][g], w[lane.SEEN][g] = scale(1.0, top) / growth, sigma
    higher, second = first > 0 and top < window[HIGHEST], w[TABLE + entry(1, 0)][g]
    want = wish(
        n, 1, higher, sampled == 1, rtol, idles, abs(second - w[TABLE][g]), abs(second), best
    )
    lost = guess or not (math.isfinite(error) and math.isfinite(estimate))
    lost = lost or (rtol > 0.0 and sampled == 1 and sigma > CLEARLY * floor)  # `decide.tolerated`
    if sampled == 1 and want == ENOUGH:  # as `decide.close`
        change = w[lane.CHANGE][g]
        size, wide = max(own, change), error > FAINT * abs(estimate)
        noisy = sigma > CLEARLY * (ROUNDING * size) and error > FAIR * abs(estimate)
        faint = window[OTHER] < bottom - 2 and wide and own < FAINT * change
        lost = lost or noisy or faint or sigma > FOREIGN * size
    return REFUSED if lost else want


@inlined
def record(g, n, sampled, window, output, w):
    """Keep what a lane has shown, as `answer.record` and `decide.drowned`."""
    estimate, error, top = w[lane.ANSWER][g], w[lane.ERROR][g], window[BASE] - window[FIRST]
    output[WINDOW], output[GUESS], output[STATUS] = window[BASE], 0.0, OK
    output[ESTIMATE], output[ERROR], output[PROVEN] = estimate, error, error
    output[SLOPE], output[SLACK], output[IDLE] = estimate, error, w[lane.IDLE][g]
    output[DEVIATION], output[STEP] = w[lane.SEEN][g], w[lane.STEP][g]
    output[SPREAD] = 2.0 * abs(scale(w[ODD + n - 1][g], n - 1 - top) - estimate)
    if sampled == 0:
        row = w[lane.ROW][g]
        output[STALLED], output[AT_ROW] = w[lane.SIGMA][g], row
        output[AT_COLUMN] = w[lane.PLACE][g] - float(entry(int(row), 0))
    if window[PHASE] == DONE and window[OTHER] < window[BASE] - window[LAST] - 2:
        output[CLOSED] = 1.0
