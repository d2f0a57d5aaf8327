"""Pairs of directions side by side, whose mixed derivatives are good enough at the third level.

Nearly all are, and none is before: so f may be asked at these levels at once, and the answers that
the ladder would give be found in lanes, to the last bit. It keeps all others, at any level.
"""

import math

from numdiff.constants import EPS, OK, ROUNDING
from numdiff.ladder.answer import lean
from numdiff.ladder.decide import wish
from numdiff.ladder.noise import CLEARLY
from numdiff.ladder.runtime import inlined, kernel
from numdiff.ladder.tableau import SIGMAS, scale

from numdiff.ladder import lane_formulas as lane  # isort: skip
from numdiff.ladder.lane_formulas import (  # isort: skip
    EVEN, FLOORS, LANES, ODD, OTHER_TABLE, SPARE, TABLE, entry, extrapolate,
)  # fmt: skip
from numdiff.ladder.registers import (  # isort: skip
    BAR, BASE, COLUMN, ENOUGH, FIRST, LAST, NOISE, ORDER, ROUND, ROW, SIGMA, START, TERMS,
    TRUNCATION, VALUE,
)  # fmt: skip

THREE = 3  # levels: before the third one no bar is good enough


@kernel
def end_by_three(
    f0, least, told, deep, taken, channels, rtol, w, room, samples, state, found, left
):  # fmt: skip
    """Write what those of K pairs say that end at their third level; returns how many do not.

    These are numbered in `left` (K,). `told` (K, 3, 2, 1) holds f at so many levels as `deep` (K,)
    says, from a step of 1 on, of which `taken` is to be taken off, and `least` (K, 1) the least
    noise. w (ROWS, LANES) and `room` (3, 1) are there to work in. The other arrays are those of
    `drivers.compiled.lead`; of samples and state what tells of these levels is written.
    """
    open_ = 0
    for begin in range(0, deep.size, LANES):
        count = min(LANES, deep.size - begin)
        for g in range(count):
            if deep[begin + g] == THREE:  # else there may be no room for so many levels
                load(g, begin + g, f0, least, told, taken, w)
        extrapolate(THREE, count, 0, 0, 1, channels.gain, w)
        for g in range(count):
            a = begin + g
            if deep[a] == THREE and ends(g, f0, channels, rtol, w, room):
                read_off(g, a, w, samples[a], state[a], found)
            else:
                left[open_] = a
                open_ += 1
    return open_


@inlined
def load(g, a, f0, least, told, taken, w):
    """Fold the values of f along a pair into levels of its odd and its even part, in a lane."""
    w[lane.OWN][g], w[lane.NEAR][g], w[lane.LEAST][g] = f0, 0.0, least[a, 0]
    for k in range(THREE):
        ahead, behind = told[a, k, 0, 0] - taken[a, k, 0, 0], told[a, k, 1, 0] - taken[a, k, 1, 0]
        ahead, behind = ahead - f0, behind - f0
        w[ODD + k][g] = 0.0 + 0.5 * ahead + -0.5 * behind
        w[EVEN + k][g] = 0.0 + 0.5 * ahead + 0.5 * behind


@inlined
def ends(g, f0, channels, rtol, w, room):
    """Weigh the best entry of a lane; returns whether it is good enough, and nothing refutes it."""
    best, row, finite = w[SPARE], int(w[lane.ROW][g]), f0
    for k in range(THREE):
        finite += w[ODD + k][g] + w[EVEN + k][g]
        room[k, 0] = w[OTHER_TABLE + entry(k, 0)][g]
    column, floor = int(w[lane.PLACE][g]) - entry(row, 0), w[FLOORS + row][g]
    bar, rivals, law = w[lane.BAR][g], w[lane.RIVALS][g], channels.shape[1]
    best[VALUE], best[ROW], best[COLUMN] = w[lane.VALUE][g], row, column
    best[ROUND], best[SIGMA] = floor, max(w[lane.SIGMA][g], floor)
    best[NOISE] = SIGMAS * channels.gain[1, 0, column] * scale(best[SIGMA], law[ORDER] * row)
    best[TRUNCATION] = max(bar - best[NOISE] - EPS * abs(best[VALUE]), 0.0)
    best[BAR] = rivals + best[NOISE] if rivals > bar else bar
    lean(best, THREE, law, channels.shape[0, TERMS], room)
    second = w[TABLE + entry(1, 0)][g]
    bend, top = abs(second - w[TABLE][g]), abs(second)
    higher, checked = False, True
    good = wish(THREE, law[ORDER], higher, checked, rtol, 0.0, bend, top, best) == ENOUGH
    good = good and math.isfinite(finite) and math.isfinite(best[BAR] + best[VALUE])
    size = max(abs(f0), w[lane.CHANGE][g])
    quiet = best[SIGMA] <= CLEARLY * max(ROUNDING * size, w[lane.LEAST][g])
    return good and quiet and w[lane.EXCESS][g] <= bar


@inlined
def read_off(g, a, w, samples, window, found):
    """Write the answer of a lane, as `answer.record`, and its levels."""
    (value, error, status, step, noise), best = found, w[SPARE]
    value[a, 0], error[a, 0], noise[a, 0] = best[VALUE], best[BAR], best[SIGMA]
    status[a, 0], step[a, 0] = OK, scale(1.0, -int(best[ROW]))
    window[FIRST], window[LAST], window[BASE] = START, START + THREE - 1, START
    for k in range(THREE):
        samples[0, START + k, 0], samples[1, START + k, 0] = w[ODD + k][g], w[EVEN + k][g]
