"""Rounds of many directions at once, as array operations, where f is as smooth as it mostly is.

While kernels are interpreted a direction at a time is slow. Most of them take the same way: a few
levels, a sample off the lattice, nothing that surprises. Those that do are led here side by side,
with the decisions and the bits of `rounds.turn`; which keeps all others, at any round.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from numdiff.arrays import Floats, Ints, Mask
from numdiff.constants import EPS, NOISE_LIMITED, OK, ROUNDING
from numdiff.ladder.answer import FAIR, FOREIGN
from numdiff.ladder.channels import Channels
from numdiff.ladder.check import ALIKE
from numdiff.ladder.noise import CLEARLY, SKEW, SURE
from numdiff.ladder.points import place
from numdiff.ladder.rounds import turn

from numdiff.ladder.decide import (  # isort: skip
    DEPTH, FAINT, FAIRLY, FLAT, IDLE_NARROW, IDLE_WIDE, LEAST_LEVELS, LEAST_VAGUE, NARROW,
    NEARLY, TARGET, VAGUE, WORTH,
)  # fmt: skip
from numdiff.ladder.elementwise import (  # isort: skip
    Entry, Lanes, Levels, choose_entry, floors_of, noise_seen, settles, stalls, surprise, tableau,
    trimmed_rms, truncations, uneven,
)  # fmt: skip
from numdiff.ladder.registers import (  # isort: skip
    BASE, CEILING, CHECKED, CLOSED, COLUMNS, DEVIATION, DISPUTE, DONE, ENOUGH, ERROR, ESTIMATE,
    FIRST, FLOOR, FORMER, FURTHEST, GUESS, HIGHEST, IDLE, LADDER, LARGER, LAST, LEAST_NOISE, LOOSE,
    LOST, LOWEST, NEVER, NOISY, OCTAVES, OTHER, PHASE, PRIOR, PROVEN, READY, REQUEST, RESCALED,
    RESTARTS, ROUGHNESS, SAMPLE, SAMPLE_STEP, SLACK, SLOPE, SLOTS, SMALLER, SPREAD, STATUS, STEP,
    WINDOW, Room,
)  # fmt: skip

FEWEST = 4  # directions on the same way from which array operations are worth their time
MODERATE = 900  # exponents beyond which a scale may not be exact


class _Group(NamedTuple):
    """Directions of which all have the same number of levels, and what was seen of them."""

    rows: Ints  # (G,)
    f0: Floats  # (G, m)
    reach: Floats  # (G, 1): |x| in units of the largest step
    top: Ints  # (G, 1): exponent of the largest step
    odd: Levels  # n of (G, m)
    even: Levels
    sample: tuple[Floats, Floats, float] | None  # of both parts, and its width in largest steps


def advance(
    live: Ints, arrived: Floats, stretch: Floats, f0: Floats, fold: Floats, shape: Ints,
    gain: Floats, factor: Floats, primary: int, reach: Floats, rtol: float, samples: Floats,
    state: Ints, outputs: Floats, y: Floats, floors: Floats, residuals: Floats, table: Floats,
    best: Floats, sample: Floats, x: Floats, starts: Ints, index: Ints, weight: Floats,
    offsets: Floats, block: Floats,
) -> int:  # fmt: skip
    """Take in the values at the points of the live directions and place the next points.

    As `rounds.advance`, whose arguments these are.
    """
    method = Channels(offsets, fold, shape, factor, gain, primary)
    room = Room(y, floors, residuals, table, best, sample)
    with np.errstate(all="ignore"):
        done = _smooth(live, arrived, stretch, f0, method, reach, rtol, samples, state, outputs)
        for a in np.flatnonzero(~done):
            d = live[a]
            turn(
                arrived[a], stretch[a], f0[min(d, len(f0) - 1)], reach[d], rtol, method, room,
                samples[d], state[d], outputs[d],
            )  # fmt: skip
        goes = live[state[live, PHASE] != DONE]
        count = goes.size
        live[:count] = goes
        skewed = np.where(state[goes, PHASE] == SAMPLE, SKEW, 1.0)
        steps = np.ldexp(skewed, state[goes, REQUEST])
    place(goes, steps, x, starts, index, weight, offsets, block, stretch)
    return count


def _smooth(
    live: Ints, arrived: Floats, stretch: Floats, f0: Floats, method: Channels, reach: Floats,
    rtol: float, samples: Floats, state: Ints, outputs: Floats,
) -> Mask:  # fmt: skip
    """Take in values (L, P, m) along the live directions; return along which that was done here."""
    done = np.zeros(live.size, np.bool_)
    fit = np.flatnonzero(_fits(state[live], outputs[live]))
    if fit.size < FEWEST:
        return done
    own = f0[live[fit]] if len(f0) > 1 else f0
    change = arrived[fit] - own[:, None]
    parts = (0.0 + 0.5 * change[:, 0]) + np.array([[-0.5], [0.5]])[:, None] * change[:, 1]
    parts[0] *= stretch[fit, None]
    sound = np.isfinite(parts).all((0, 2))
    fit, parts = fit[sound], parts[:, sound]
    windows = state[live[fit]]
    sampled = windows[:, PHASE] == SAMPLE
    slots = np.where(sampled, SLOTS, windows[:, BASE] - windows[:, REQUEST])
    rows = live[fit]
    samples[rows, :, slots] = parts.transpose(1, 0, 2)
    first = np.where(sampled, windows[:, FIRST], np.minimum(windows[:, FIRST], slots))
    last = np.where(sampled, windows[:, LAST], np.maximum(windows[:, LAST], slots))
    below = np.where(sampled, windows[:, REQUEST], windows[:, SAMPLE_STEP])
    below = np.where(sampled | (windows[:, CHECKED] == 1), below - windows[:, BASE] + last, NEVER)
    ways = np.stack([last - first, below, sampled], 1)
    for way in np.unique(ways, axis=0):
        chosen = np.flatnonzero((ways == way).all(1))
        if chosen.size >= FEWEST:
            done[fit[chosen]] = _turn(
                rows[chosen], first[chosen], last[chosen], way, f0, method, reach, rtol, samples,
                state, outputs,
            )  # fmt: skip
    return done


def _fits(windows: Ints, outputs: Floats) -> Mask:
    """Return which directions have seen nothing so far that a smooth f does not show."""
    phase = windows[:, PHASE]
    plain = (phase == LADDER) | (phase == SAMPLE)
    for name in (LOOSE, NOISY, PRIOR):
        plain &= windows[:, name] == 0
    plain &= (windows[:, CHECKED] == 0) | (windows[:, SAMPLE_STEP] != NEVER)
    plain &= np.abs(windows[:, BASE]) < MODERATE
    for name in (CLOSED, LEAST_NOISE, DISPUTE, FORMER, ROUGHNESS):
        plain &= (outputs[:, :, name] == 0.0).all(1)
    fresh = outputs[:, :, ERROR] == np.inf
    fresh |= outputs[:, :, WINDOW] == windows[:, BASE, None]
    return np.asarray(plain & fresh.all(1))


def _turn(
    rows: Ints, first: Ints, last: Ints, way: Ints, f0: Floats, method: Channels, reach: Floats,
    rtol: float, samples: Floats, state: Ints, outputs: Floats,
) -> Mask:  # fmt: skip
    """Judge directions that are on the same way, as `rounds.turn`; return which were plain."""
    n, windows, found = int(way[0]) + 1, state[rows], outputs[rows]
    windows[:, FIRST], windows[:, LAST] = first, last
    levels = samples[rows[:, None], :, first[:, None] + np.arange(n)].transpose(2, 1, 0, 3)
    odd, even = list(levels[0]), list(levels[1])
    own = f0[rows] if len(f0) > 1 else np.broadcast_to(f0, odd[0].shape)
    top = (windows[:, BASE] - first)[:, None]
    sample, plain = None, np.isfinite(levels).all((0, 1)) & np.isfinite(own)
    if way[1] != NEVER:
        seen, width = samples[rows, :, SLOTS], SKEW * 2.0 ** (int(way[1]) - n + 1)
        sample = seen[:, 0], seen[:, 1], width
    group = _Group(rows, own, np.ldexp(reach[rows][:, None], -top), top, odd, even, sample)
    if way[2]:
        plain &= _alike(group, windows, found)
        windows[:, SAMPLE_STEP], windows[:, PHASE] = windows[:, REQUEST], LADDER
        windows[:, CHECKED] = 1
    windows[:, READY] = 0
    if n == 1:
        want = np.full(own.shape, SMALLER)
    else:
        plain, want = _judge(group, windows, found, plain, method, rtol)
    plain = plain.all(1) & _choose(group, windows, found, want)
    state[rows[plain]], outputs[rows[plain]] = windows[plain], found[plain]
    return np.asarray(plain)


def _amplitude(group: _Group) -> Lanes:
    """Return the largest change of f over the window, as `window.amplitude`."""
    return np.max([0.0 + abs(a) + abs(b) for a, b in zip(group.odd, group.even, strict=True)], 0)


def _alike(group: _Group, windows: Ints, found: Floats) -> Lanes:
    """Return where the sample off the lattice shows nothing unexpected, as `check.compare`."""
    assert group.sample is not None
    floor = ROUNDING * np.maximum(abs(group.f0), _amplitude(group))
    request = windows[:, REQUEST, None]
    fall = np.ldexp(SKEW, request - windows[:, BASE, None] + windows[:, LAST, None]) ** 2
    width = np.ldexp(SKEW, request)
    slack = (found[:, :, SLACK] + found[:, :, SPREAD] * fall) * width
    off = abs(group.sample[0] - found[:, :, SLOPE] * width) - slack
    quiet = found[:, :, DEVIATION] <= CLEARLY * floor
    return quiet & (off <= ALIKE * np.maximum(found[:, :, DEVIATION], floor))


def _judge(
    group: _Group, windows: Ints, found: Floats, plain: Lanes, method: Channels, rtol: float
) -> tuple[Lanes, Lanes]:
    """Measure the outputs and note what was found, as `decide.judge`; return what each wants."""
    odd, even, n = group.odd, group.even, len(group.odd)
    columns, checked = int(method.shape[0, COLUMNS]), group.sample is not None
    floors = floors_of(group.f0, odd, even, np.ldexp(group.reach, n - 1))
    plain &= settles(odd, even, floors)
    tables = tableau(odd, 1.0, 2.0), tableau(even, 2.0, 4.0)
    gain, differs = method.gain[0, 0], method.gain[:, 1]
    errors = truncations(tables[0])
    sigma = trimmed_rms(
        [pair for c in (0, 1) for pair in stalls(tables[c], c + 1, differs[c])]
    )
    best = choose_entry(tables[0], errors, floors, sigma, gain, columns)
    plain &= best.plain
    if group.sample is not None:
        least = np.maximum(sigma, np.min(floors, 0))
        seen = surprise((odd, even), best, group.sample)
        seen = noise_seen(sigma, seen, best, tables[1], differs[1], group.reach)
        sigma = np.where(seen <= least, sigma, seen)
        best = choose_entry(tables[0], errors, floors, sigma, gain, columns)
        plain &= best.plain
    before = found[:, :, ERROR].copy()
    _record(group, windows, found, best, floors, tables[1])
    plain &= np.isfinite(found[:, :, ERROR]) & np.isfinite(found[:, :, ESTIMATE])
    error = found[:, :, ERROR]
    idle = (0.5 * before < error) & (error < 2.0 * before)
    found[:, :, IDLE] = np.where(idle, found[:, :, IDLE] + 1.0, 0.0)
    want = _wish(windows, found, tables[0], best, rtol)
    if checked:
        rough = uneven(tables[0], floors, best, 1, differs[0])
        rough |= uneven(tables[1], floors, best, 2, differs[1])
        plain &= (want != ENOUGH) | ~rough
    return plain, want


def _record(
    group: _Group, windows: Ints, found: Floats, best: Entry, floors: Levels, even: Any
) -> None:
    """Note the best entry of a window, in the units of f and t, as `answer.record`."""
    top = group.top
    shift = 0.5 * EPS * group.reach * even[-1][0]
    bar = np.ldexp(best.bar, -top) + abs(np.ldexp(shift, -top))
    moves = abs(group.odd[0]) > CLEARLY * floors[0]
    guess = moves & (best.truncation > best.noise) & (best.bar > abs(best.value))
    value = np.ldexp(best.value, -top)
    found[:, :, WINDOW], found[:, :, GUESS] = windows[:, BASE, None], guess
    found[:, :, ESTIMATE], found[:, :, ERROR], found[:, :, STATUS] = value, bar, OK
    found[:, :, PROVEN], found[:, :, DEVIATION] = bar, best.sigma
    found[:, :, STEP] = np.ldexp(1.0, top - np.asarray(best.row, np.int64))
    found[:, :, SLOPE], found[:, :, SLACK] = value, bar
    n = len(group.odd)
    found[:, :, SPREAD] = 2.0 * abs(np.ldexp(group.odd[-1], n - 1 - top) - value)


def _wish(windows: Ints, found: Floats, table: Any, best: Entry, rtol: float) -> Lanes:
    """Return what each output wants next, as `decide.wish`."""
    n, value, bar = len(table), abs(best.value), best.bar
    higher = (windows[:, FIRST] > 0) & (windows[:, BASE] - windows[:, FIRST] < windows[:, HIGHEST])
    higher = (higher & (windows[:, CEILING] == 0))[:, None]
    bend, top = abs(table[1][0] - table[0][0]), abs(table[1][0])
    if n == 2:
        return np.where(higher & (bend < NEARLY * top), LARGER, SMALLER)
    enough = (bar <= max(rtol, TARGET) * value) | ((value == 0.0) & (top == 0.0) & (bend == 0.0))
    if n > 3:
        wide = np.where(bar < NARROW * value, IDLE_NARROW, IDLE_WIDE)
        enough |= found[:, :, IDLE] >= wide
    few = n < np.where(bar > VAGUE * value, LEAST_VAGUE, LEAST_LEVELS)
    smaller = best.truncation > WORTH * best.noise
    smaller |= few & (best.sigma > CLEARLY * best.rounding)
    bent = bend > np.maximum(FLAT * top, SURE * best.sigma)
    fair = bar <= np.where(windows[:, CHECKED, None] == 1, FAIRLY, FAIR) * value
    more = np.where(higher & ~bent & ~fair, LARGER, ENOUGH)
    return np.where(enough, ENOUGH, np.where(smaller, SMALLER, more))


def _choose(group: _Group, windows: Ints, found: Floats, want: Lanes) -> Mask:
    """Set what each direction asks for next, or end it, as `decide.choose`; return where it can."""
    for code in (ENOUGH, LARGER, SMALLER, LOST):
        windows[:, code] = (want == code).sum(1)
    smaller, larger = windows[:, SMALLER] > 0, windows[:, LARGER] > 0
    windows[:, OCTAVES] = np.where(smaller & (len(group.odd) > 1), 0, FURTHEST)
    bottom, top = windows[:, BASE] - windows[:, LAST], group.top[:, 0]
    enough, lowest = ~smaller & ~larger, windows[:, LOWEST]
    closes = enough & (windows[:, CHECKED] == 1)
    sampled = enough & ~closes
    room = (windows[:, FLOOR] == 0) & (bottom > lowest) & (windows[:, LAST] < SLOTS - 1)
    plain = ~smaller | room
    plain &= ~sampled | (bottom > lowest + 2)
    windows[:, REQUEST] = np.where(
        smaller, bottom - 1, np.where(larger, top + 1, windows[:, REQUEST])
    )
    windows[:, REQUEST] = np.where(
        sampled, np.maximum(bottom - DEPTH, lowest), windows[:, REQUEST]
    )
    windows[:, PHASE] = np.where(sampled, SAMPLE, LADDER)
    plain &= ~closes | _closes(group, windows, found, closes)
    return np.asarray(plain)


def _closes(group: _Group, windows: Ints, found: Floats, closes: Mask) -> Mask:
    """End directions, as `decide.close`; return which end without a word of anything unusual."""
    bottom = windows[:, BASE] - windows[:, LAST]
    rescales = (windows[:, RESCALED] == 0) & (windows[:, OTHER] < bottom - 2)
    change, own = _amplitude(group), abs(group.f0)
    error, slope, deviation = (found[:, :, name] for name in (ERROR, ESTIMATE, DEVIATION))
    faint = (error > FAINT * abs(slope)) & (own < FAINT * change)
    plain = ~(rescales & faint.any(1))
    size = np.maximum(own, change)
    noisy = deviation > CLEARLY * (ROUNDING * size)
    limited = error > FAIR * abs(slope)
    unresolved = (deviation > FOREIGN * size) | (found[:, :, GUESS] > 0.0)
    plain &= ~unresolved.any(1)
    found[closes, :, STATUS] = np.where(noisy & limited, NOISE_LIMITED, OK)[closes]
    windows[closes, PHASE], windows[closes, RESCALED] = DONE, 1
    found[closes & rescales, :, CLOSED] = 1.0
    return np.asarray(plain)
