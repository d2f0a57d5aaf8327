"""Rounds of many directions as array operations, where f is as smooth as it mostly is.

The decisions are those of `ladder.rounds.turn`, which keeps all other directions, at any round.
Here `windows` (STATE, G, 1) and `found` (OUTPUT, G, m) are copies of what the ladder remembers of G
directions, by register first.
"""

from __future__ import annotations

import math
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from numdiff.abreast import formulas
from numdiff.abreast.points import place
from numdiff.arrays import Floats, Ints, Mask
from numdiff.constants import EPS, NOISE_LIMITED, OK, ROUNDING
from numdiff.ladder import rounds
from numdiff.ladder.answer import FAIR, FOREIGN, HAZY, LEADING, LITTLE
from numdiff.ladder.channels import Channels, extrapolated
from numdiff.ladder.check import ALIKE, GROWTH
from numdiff.ladder.lane_formulas import LANES
from numdiff.ladder.lanes import LED, MODERATE, lead_calm
from numdiff.ladder.noise import BY_CHANCE, CLEARLY, SKEW, SURE
from numdiff.ladder.runtime import compiled, lanes_pay, runner, spend_calmly, stands_in
from numdiff.ladder.tableau import power

from numdiff.ladder.decide import (  # isort: skip
    DEPTH, FAINT, FAIRLY, FLAT, IDLE_NARROW, IDLE_WIDE, LEAST_LEVELS, LEAST_VAGUE, NARROW,
    NEARLY, STEADILY, TARGET, VAGUE, WORTH,
)  # fmt: skip
from numdiff.ladder.registers import (  # isort: skip
    AT_COLUMN, AT_ROW, BASE, CEILING, CHECKED, CLOSED, COMPLETE, DEVIATION, DISPUTE, DONE,
    ELSEWHERE, ENOUGH, ERROR, ESTIMATE, FIRST, FLOOR, FORMER, FURTHEST, GUESS, HIGHEST, IDLE,
    LADDER, LARGER, LAST, LEAST_NOISE, LOOKED, LOOSE, LOST, LOWEST, NEVER, NOISY, OCTAVES, OTHER,
    PHASE, PRIOR, PROVEN, READY, REQUEST, RESCALED, ROUGHNESS, SAMPLE, SAMPLE_STEP, SLACK, SLOPE,
    SLOTS, SMALLER, SPREAD, STALLED, STATUS, STEP, TABLED, WINDOW, Room,
)  # fmt: skip

FEWEST = 8  # outputs on the same way from which array operations take less time than kernels
NO_LANES, NO_WAYS = np.empty((0, LANES)), np.empty(0, np.int64)
MOST = 2**12  # outputs at once: tables of more do not stay in a processor's cache


class _Task(NamedTuple):
    """What does not change from round to round."""

    f0: Floats  # (D or 1, m)
    method: Channels
    laws: list[formulas.Law]  # of its channels
    reach: Floats  # (D,)
    rtol: float
    samples: Floats
    state: Ints
    outputs: Floats


class _Group(NamedTuple):
    """Directions of which all have the same number of levels, and what was seen of them."""

    f0: Floats  # (G, m)
    reach: Floats  # (G, 1): |x| in units of the largest step
    top: Ints  # (G, 1): exponent of the largest step
    levels: Floats  # (C, n, G, m)
    sample: Floats  # (C or 0, G, m): of all channels, off the lattice
    width: float  # of that sample, in largest steps


@stands_in(rounds.advance)
def advance(
    live: Ints, arrived: Floats, stretch: Floats, f0: Floats, fold: Floats, shape: Ints,
    gain: Floats, factor: Floats, primary: int, reach: Floats, rtol: float, samples: Floats,
    state: Ints, outputs: Floats, y: Floats, floors: Floats, residuals: Floats, table: Floats,
    best: Floats, sample: Floats, x: Floats, starts: Ints, index: Ints, weight: Floats,
    offsets: Floats, block: Floats, lanes: Floats, ways: Ints,
) -> int:  # fmt: skip
    """Take in the values at the points of the live directions and place the next points.

    As `rounds.advance`, whose arguments these are.
    """
    method = Channels(offsets, fold, shape, factor, gain, primary)
    room = Room(y, floors, residuals, table, best, sample)
    known, place_of = (f0, method, reach, rtol), (x, starts, index, weight, offsets, block)
    done = _calm(live, arrived, stretch, known, samples, state, outputs, lanes, ways)
    rest, begin = np.flatnonzero(~done), perf_counter()
    run = runner(rest.size * f0.shape[1])
    code: Any = compiled(rounds.advance) if rest.size and run is compiled else None
    if hasattr(code, "py_func"):  # more is left than was foreseen; else Numba does not compile
        code(
            live[rest], arrived[rest], stretch[rest], f0, fold, shape, gain, factor, primary, reach,
            rtol, samples, state, outputs, *room, *place_of, lanes, ways,
        )  # fmt: skip
        rest = rest[:0]
    plain = _turn_each(rest, live, arrived, stretch, known, room, (samples, state, outputs))
    if plain and lanes.size and live.size * f0.shape[1] < FEWEST and not lanes_pay():
        spend_calmly(begin)  # so few that they were not led abreast
    goes = live[state[live, PHASE] != DONE]
    live[: goes.size] = goes
    skewed = np.where(state[goes, PHASE] == SAMPLE, SKEW, 1.0)
    steps = np.ldexp(skewed, state[goes, REQUEST])
    place(goes, steps, *place_of, stretch)
    return int(goes.size)


def lead(
    live: Ints, arrived: Floats, stretch: Floats, known: tuple[Floats, Channels, Floats, float],
    room: Room, own: tuple[Floats, Ints, Floats],
) -> None:  # fmt: skip
    """Take in the values at the points of the live directions, which lanes have left to others."""
    done = _calm(live, arrived, stretch, known, *own, NO_LANES, NO_WAYS)
    _turn_each(np.flatnonzero(~done), live, arrived, stretch, known, room, own)


def _turn_each(
    rest: Ints, live: Ints, arrived: Floats, stretch: Floats,
    known: tuple[Floats, Channels, Floats, float], room: Room, own: tuple[Floats, Ints, Floats],
) -> bool:  # fmt: skip
    """Take in the values along those live directions of these numbers, one after the other.

    Returns whether none had seen anything yet that a smooth f does not show.
    """
    (f0, method, reach, rtol), (samples, state, outputs), plain = known, own, True
    for a in rest:
        d = live[a]
        plain = plain and bool(state[d, PHASE] <= SAMPLE and state[d, NOISY] == 0)
        state[d, TABLED] = 0
        rounds.turn(
            arrived[a], stretch[a], f0[min(d, len(f0) - 1)], reach[d], rtol, method, room,
            samples[d], state[d], outputs[d],
        )  # fmt: skip
    return plain


def _calm(
    live: Ints, arrived: Floats, stretch: Floats, known: tuple[Floats, Channels, Floats, float],
    samples: Floats, state: Ints, outputs: Floats, lanes: Floats, ways: Ints,
) -> Mask:  # fmt: skip
    """Take in values along the live directions that are calm; return which those are.

    In lanes, if these are compiled by now.
    """
    begin, (f0, method, reach, rtol) = perf_counter(), known
    own = samples, state, outputs
    code: Any = compiled(lead_calm) if lanes.size and lanes_pay() else None
    if hasattr(code, "py_func"):
        code(live, arrived, stretch, f0, reach, rtol, method, *own, lanes, ways)
        spend_calmly(begin)
        return np.asarray(ways[: live.size] == LED)
    done, pace = np.zeros(live.size, np.bool_), max(1, MOST // f0.shape[1])
    laws = formulas.laws_of(method.shape, method.factor)
    task = _Task(f0, method, laws, reach, rtol, *own)
    many = live.size * f0.shape[1] >= FEWEST and extrapolated(method)
    for first in range(0, live.size if many else 0, pace):
        some = slice(first, first + pace)
        done[some] = _smooth(live[some], arrived[some], stretch[: live.size][some], task)
    if many and lanes.size:
        spend_calmly(begin)
    return done


def _smooth(live: Ints, arrived: Floats, stretch: Floats, task: _Task) -> Mask:
    """Take in values (L, P, m) along the live directions; return along which that was done here."""
    order = task.laws[task.method.primary].order
    fit = _fits(task.state[live].T, task.outputs[live].transpose(2, 0, 1), order)
    own = task.f0[live] if len(task.f0) > 1 else task.f0
    change = arrived - own[:, None]
    parts = np.zeros((len(task.laws), live.size, own.shape[1]))
    for p, weights in enumerate(task.method.fold.T):  # as `window.absorb` has it
        parts = parts + weights[:, None, None] * change[:, p]
    parts[0] *= stretch[:, None]
    fit &= np.isfinite(parts).all((0, 2))
    windows = task.state[live].T
    sampled = windows[PHASE] == SAMPLE
    slots = np.where(sampled, SLOTS, windows[BASE] - windows[REQUEST])
    first = np.where(sampled, windows[FIRST], np.minimum(windows[FIRST], slots))
    last = np.where(sampled, windows[LAST], np.maximum(windows[LAST], slots))
    below = np.where(sampled, windows[REQUEST], windows[SAMPLE_STEP]) - windows[BASE] + last
    seen = (windows[CHECKED] == 1) & (windows[SAMPLE_STEP] != NEVER)
    below = np.where(sampled | seen, below, NEVER)
    ways, done = (2 * below + sampled) * (SLOTS + 1) + last - first, np.zeros(live.size, np.bool_)
    for way in np.unique(ways[fit]):
        chosen = np.flatnonzero(fit & (ways == way))
        if chosen.size * own.shape[1] >= FEWEST:
            rows, one = live[chosen], chosen[0]
            task.samples[rows, :, slots[chosen]] = parts[:, chosen].transpose(1, 0, 2)
            windows = task.state[rows].T[:, :, None]
            windows[FIRST, :, 0], windows[LAST, :, 0] = first[chosen], last[chosen]
            done[chosen] = _turn(rows, windows, int(below[one]), bool(sampled[one]), task)
    return done


def _fits(windows: Ints, found: Floats, order: int) -> Mask:
    """Return which directions have seen nothing so far that a smooth f does not show."""
    plain = (windows[PHASE] == LADDER) | (windows[PHASE] == SAMPLE)
    plain &= (windows[LOOSE] == 0) & ((abs(windows[BASE]) + SLOTS) * order < MODERATE)
    fresh = (found[ERROR] == np.inf) | (found[WINDOW] == windows[BASE][:, None])
    fresh &= (found[[CLOSED, DISPUTE, FORMER, ROUGHNESS]] == 0.0).all(0)
    return np.asarray(plain & fresh.all(1))


def _turn(rows: Ints, windows: Ints, below: int, sampled: bool, task: _Task) -> Mask:
    """Judge directions that are on the same way, as `rounds.turn`; return which were plain.

    `below` says how many octaves the sample lies from the smallest step, or NEVER.
    """
    n, first = int(windows[LAST, 0, 0] - windows[FIRST, 0, 0]) + 1, windows[FIRST]
    found = task.outputs[rows].transpose(2, 0, 1)
    levels = task.samples[rows[:, None], :, first + np.arange(n)].transpose(2, 1, 0, 3)
    own = np.broadcast_to(task.f0[rows] if len(task.f0) > 1 else task.f0, levels.shape[2:])
    top = windows[BASE] - first
    sample = task.samples[rows, :, SLOTS].swapaxes(0, 1)[: 0 if below == NEVER else len(levels)]
    reach, width = np.ldexp(task.reach[rows][:, None], -top), SKEW * 2.0 ** (below - n + 1)
    group = _Group(own, reach, top, levels, sample, width)
    plain = np.isfinite(levels).all((0, 1)) & np.isfinite(own)
    if sampled:
        plain &= _alike(group, windows, found, task)
        windows[SAMPLE_STEP], windows[PHASE], windows[CHECKED] = windows[REQUEST], LADDER, 1
    want = np.full(own.shape, SMALLER)
    enough = n > max(task.laws[task.method.primary].terms, 1)
    if enough:
        judged, want = _judge(group, windows, found, task)
        plain &= judged
    plain &= _choose(group, windows, found, want, 0 if enough else FURTHEST)
    through = plain.all(1)
    windows[READY] = 0
    task.state[rows[through]] = windows[:, through, 0].T
    task.outputs[rows[through]] = found[:, through].transpose(1, 2, 0)
    return np.asarray(through)


def _amplitude(group: _Group) -> Floats:
    """Return the largest change of f over the window, as `window.amplitude`."""
    return np.asarray(abs(group.levels).sum(0).max(0))


def _alike(group: _Group, windows: Ints, found: Floats, task: _Task) -> Mask:
    """Return where the sample off the lattice shows nothing unexpected, as `check.compare`."""
    floor = ROUNDING * np.maximum(abs(group.f0), _amplitude(group))
    width, bottom = np.ldexp(SKEW, windows[REQUEST]), windows[BASE] - windows[LAST]
    near = np.ldexp(SKEW, windows[REQUEST] - bottom)
    slack = (found[SLACK] + found[SPREAD] * power(near, task.laws[0].ratio)) * width
    off = abs(group.sample[0] - found[SLOPE] * width) - slack
    if task.laws[task.method.primary].order == 2 and len(group.levels) > 1:  # `curvature.misfit`
        value, half, fall = found[ESTIMATE], 0.5 * width * width, np.ldexp(width, -bottom)
        bend = abs(np.ldexp(2.0 * group.levels[1, -1], -2 * bottom) - value)
        slack = (found[ERROR] + 2.0 * bend * fall * fall) * half
        off = np.maximum(off, abs(group.sample[1] - value * half) - slack)
    quiet = found[DEVIATION] <= CLEARLY * floor
    if len(group.levels) > 1:  # what `check.plateau` looks at
        change, due = abs(group.sample).sum(0), abs(np.ldexp(found[SLOPE], windows[REQUEST]))
        jumps = (change == 0.0) | (change >= GROWTH * due)
        quiet &= ~(jumps & (abs(group.levels[0, 0]) != abs(group.levels[1, 0])))
    return np.asarray(quiet & (off <= ALIKE * np.maximum(found[DEVIATION], floor)))


def _judge(group: _Group, windows: Ints, found: Floats, task: _Task) -> tuple[Mask, Ints]:
    """Measure outputs and note what was found, as `decide.judge`.

    Returns which were plain, and what each wants.
    """
    levels, laws, c, differs = group.levels, task.laws, task.method.primary, task.method.gain[:, 1]
    grid, gain = formulas.grid_of(levels.shape[1], laws[c]), task.method.gain[c, 0]
    far = np.ldexp(group.reach, levels.shape[1] - 1)
    floors = formulas.floors_of(group.f0, levels, far, found[LEAST_NOISE])
    tables = [formulas.tableau(*channel) for channel in zip(levels, laws, strict=True)]
    falls = [formulas.falls_of(table) for table in tables]
    parts = tables[c], formulas.truncation(tables[c], falls[c], laws[c], grid), floors
    noise = formulas.noise_of(falls, laws, differs)
    sigma = np.where(windows[PRIOR] == COMPLETE, 0.0, noise)
    best = formulas.choose_entry(*parts, sigma, gain, grid)
    found[STALLED], found[AT_ROW], found[AT_COLUMN] = sigma, best.row, best.column
    # else `noise.stairs` looks for what all changes are multiples of
    plain = (levels.shape[1] <= STEADILY) | (found[DEVIATION] <= CLEARLY * floors[-1])
    plain &= best.plain & ((windows[NOISY] == 1) | formulas.settles(levels, laws[0].lead, floors))
    if len(group.sample):
        seen, told = formulas.surprise(levels, best, group.sample, group.width, laws, c)
        # noise that is not in the sample may be none
        plain &= told & (sigma <= np.maximum(BY_CHANCE * seen, floors.min(0)))
        seen = np.maximum(sigma, seen)
        if laws[c].order == 1:
            last = [formulas.newest(*part) for part in zip(falls, laws, differs, strict=True)]
            seen = formulas.noise_seen(seen, best, [*last, 0.0][1 - c], group.reach)
        sigma = np.where(seen <= np.maximum(sigma, floors.min(0)), sigma, seen)
        best = formulas.choose_entry(*parts, sigma, gain, grid)
        plain &= (task.rtol == 0.0) | (best.sigma <= CLEARLY * best.rounding)  # `decide.tolerated`
    before = found[ERROR].copy()
    _record(group, windows, found, best, floors[0], tables, task)
    idle = (0.5 * before < found[ERROR]) & (found[ERROR] < 2.0 * before)
    found[IDLE] = np.where(idle, found[IDLE] + 1.0, 0.0)
    want = _wish(windows, found, tables[c], best, laws[c], task.rtol)
    plain &= best.plain & np.isfinite(found[ERROR]) & np.isfinite(found[ESTIMATE])
    if len(tables) > 1 and (laws[c].steady or laws[c].order > 2):
        plain &= ~formulas.leans(tables[1 - c], best.row, laws[c], laws[1 - c].terms)
    looked = (want == ENOUGH) & (windows[CHECKED] == 1) & (windows[PRIOR] == 0)
    if laws[c].order == 1 and looked.any():
        for fall, law, own in zip(falls, laws, differs, strict=True):
            plain &= ~(looked & formulas.uneven(fall, floors, best, law, own, grid))
    return plain, want


def _record(
    group: _Group, windows: Ints, found: Floats, best: formulas.Entry, floor: Floats,
    tables: list[Floats], task: _Task,
) -> None:  # fmt: skip
    """Note the best entry of a window, in the units of f and t, as `answer.record`."""
    c, top, odd, n = task.method.primary, group.top, group.levels[0], group.levels.shape[1]
    order, size = task.laws[c].order, abs(group.levels[c, 0])
    drift: Any = 0.0
    if len(tables) > 1 and n > task.laws[1 - c].terms:
        drift = abs(np.ldexp(0.5 * EPS * group.reach * tables[1 - c][-1, 0], -top * order))
    bar, value = np.ldexp(best.bar, -top * order) + drift, np.ldexp(best.value, -top * order)
    moves, least = size > CLEARLY * floor, abs(best.value)
    guess = moves & (best.truncation > best.noise)
    guess = 1.0 * (guess & (best.bar > (least if order == 1 else HAZY * least)))
    if order > 2:
        hollow = best.bar > np.maximum(least, LITTLE * math.gamma(order + 1.0) * size)
        guess = np.where(hollow & moves, 2.0, guess)
    found[WINDOW], found[GUESS], found[STATUS] = windows[BASE], guess, OK
    found[ESTIMATE], found[ERROR], found[PROVEN], found[DEVIATION] = value, bar, bar, best.sigma
    found[STEP], found[SLOPE], found[SLACK] = np.ldexp(1.0, top - best.row), value, bar
    if order > 1:  # what a tiny step has to confirm is the slope, as `answer.testify` has it
        found[SLOPE] = np.ldexp(2.0 * odd[-1], n - 2 - top)
        off = abs(2.0 * odd[-1] - odd[-2]) + LEADING * best.sigma
        found[SLACK] = np.ldexp(off, n - 2 - top)
    found[SPREAD] = 2.0 * abs(np.ldexp(odd[-1], n - 1 - top) - found[SLOPE])


def _wish(
    windows: Ints, found: Floats, table: Floats, best: formulas.Entry, law: formulas.Law,
    rtol: float,
) -> Ints:  # fmt: skip
    """Return what each output wants next, as `decide.wish`."""
    n, k, value, bar = len(table), law.terms, abs(best.value), best.bar
    higher = (windows[FIRST] > 0) & (windows[BASE] - windows[FIRST] < windows[HIGHEST])
    higher &= windows[CEILING] == 0
    bend, top = abs(table[k, 0] - table[k - 1, 0]), abs(table[k, 0])
    if n == 2:
        return np.where(higher & (bend < NEARLY * top), LARGER, SMALLER)
    enough = (bar <= max(rtol, TARGET) * value) | ((value == 0.0) & (top == 0.0) & (bend == 0.0))
    if n > 3:
        enough |= found[IDLE] >= np.where(bar < NARROW * value, IDLE_NARROW, IDLE_WIDE)
    few = n < np.where(bar > VAGUE * value, LEAST_VAGUE, LEAST_LEVELS)
    smaller = best.truncation > WORTH * best.noise
    smaller |= few & (best.sigma > CLEARLY * best.rounding)
    bent = bend > np.maximum(FLAT * law.order * top, SURE * best.sigma)
    fair = bar <= np.where(windows[CHECKED] == 1, FAIRLY, FAIR) * value
    more = np.where(higher & ~bent & ~(fair & (law.order == 1)), LARGER, ENOUGH)
    return np.where(enough, ENOUGH, np.where(smaller, SMALLER, more))


def _choose(group: _Group, windows: Ints, found: Floats, want: Ints, octaves: int) -> Mask:
    """Set what each direction asks for next, or end it, as `decide.choose`; return where it can."""
    for code in (ENOUGH, LARGER, SMALLER, LOST):
        windows[code] = (want == code).sum(1, keepdims=True)
    smaller, larger = windows[SMALLER] > 0, (windows[SMALLER] == 0) & (windows[LARGER] > 0)
    windows[OCTAVES] = np.where(smaller, octaves, FURTHEST)
    bottom, lowest, enough = windows[BASE] - windows[LAST], windows[LOWEST], ~smaller & ~larger
    closes = enough & (windows[CHECKED] == 1)
    sampled = enough & ~closes
    room = (windows[FLOOR] == 0) & (bottom > lowest) & (windows[LAST] < SLOTS - 1)
    plain = (room | ~smaller) & ((bottom > lowest + 2) | ~sampled)
    asked = np.where(smaller, bottom - 1, np.where(larger, group.top + 1, windows[REQUEST]))
    windows[REQUEST] = np.where(sampled, np.maximum(bottom - DEPTH, lowest), asked)
    windows[PHASE] = np.where(sampled, SAMPLE, LADDER)
    return np.asarray(plain & (_close(group, windows, found, closes) | ~closes))


def _close(group: _Group, windows: Ints, found: Floats, closes: Mask) -> Mask:
    """End directions, as `decide.close`; return where nothing unusual was seen."""
    bottom = windows[BASE] - windows[LAST]
    rescales = closes & (windows[RESCALED] == 0) & (windows[OTHER] < bottom - 2)
    change, own, slope = _amplitude(group), abs(group.f0), abs(found[ESTIMATE])
    faint = (found[ERROR] > FAINT * slope) & (own < FAINT * change)
    size = np.maximum(own, change)
    expected = np.where(windows[PRIOR] == ELSEWHERE, found[LEAST_NOISE], 0.0)
    limited = found[DEVIATION] > CLEARLY * np.maximum(ROUNDING * size, expected)
    limited &= found[ERROR] > FAIR * slope
    looked = (windows[PRIOR] == 0) | (windows[PRIOR] == LOOKED)
    unresolved = (looked & (found[DEVIATION] > FOREIGN * size)) | (found[GUESS] > windows[NOISY])
    found[STATUS] = np.where(closes & limited, NOISE_LIMITED, found[STATUS])
    found[CLOSED] = np.where(rescales, 1.0, found[CLOSED])
    windows[PHASE] = np.where(closes, DONE, windows[PHASE])
    windows[RESCALED] = np.where(closes, 1, windows[RESCALED])
    return np.asarray(~(rescales & faint) & ~unresolved)
