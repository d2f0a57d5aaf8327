"""The tableau and its bars for many outputs at once: levels (n, ...) and tables (n, n, ...).

These are the formulas of `ladder.tableau`, `noise`, `answer` and `roughness`, to the last bit, as
long as nothing contradicts anything: where an entry is refuted, or larger steps show pieces of f, a
lane is not `plain`, and the kernels have to judge it.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from numdiff.arrays import Array, Floats, Ints, Mask
from numdiff.constants import EPS, ROUNDING
from numdiff.ladder.answer import ARGUMENT, HIDDEN, REFUTED, RISES, STAYS, WITNESS
from numdiff.ladder.noise import CLEARLY, EVEN_FALL, MINOR, ODD_FALL, SPREADS, STALL, SURPRISING
from numdiff.ladder.roughness import CERTAIN, CHANCE, SUDDEN
from numdiff.ladder.tableau import FASTEST, HARDLY, RIVAL, SIGMAS, SLOWEST, STEADILY, power
from numdiff.ladder.window import CROSSING


class Law(NamedTuple):
    """What a channel does with its levels, as a row of `shape`, and its factor."""

    lead: int
    terms: int
    order: int
    ratio: float  # of the z of neighbouring levels
    columns: int
    steady: int
    factor: float


def laws_of(shape: Ints, factor: Floats) -> list[Law]:
    """Return the laws of all channels, as numbers that cost less than those of arrays."""
    rows = zip(shape.tolist(), factor.tolist(), strict=True)
    return [Law._make([*row, own]) for row, own in rows]


class Entry(NamedTuple):
    """The best entry of tableaux, in units of the largest step, as `registers.VALUE` and so on."""

    value: Floats
    bar: Floats
    truncation: Floats
    noise: Floats
    row: Array
    column: Array
    sigma: Floats
    rounding: Floats
    plain: Mask  # whether no entry refutes it


class Grid(NamedTuple):
    """What only depends on how many levels there are: numbers by row and column of a table."""

    rows: Array  # (n, 1, 1, 1)
    growth: Floats  # (n, 1, 1, 1): 2**(k * order)
    least: Floats  # (1, n, 1, 1): the fastest fall down a column
    beyond: Floats  # (n, n, 1, 1): infinite where there is no entry
    second: Mask  # (n, n, 1, 1): entries in the second row of their column


@lru_cache(maxsize=64)
def grid_of(n: int, law: Law) -> Grid:
    """Return what is the same of all tables of n levels."""
    k, j = np.ogrid[:n, :n]
    entries = (k >= j + law.terms - 1) & (k >= law.terms) & (j < law.columns)
    last = np.arange(n)
    lines = last[:, None], 2.0 ** (law.order * last[:, None]), law.ratio ** -(last[None] + 1.0)
    grids = np.where(entries, 0.0, math.inf), k == j + law.terms
    parts: list[Array] = [array[:, :, None, None] for array in (*lines, *grids)]
    for part in parts:
        part.setflags(write=False)
    return Grid(*parts)


def floors_of(f0: Floats, levels: Floats, far: Floats, least: Floats) -> Floats:
    """Return the rounding of f at each level, as `window.rounding`; `far` is |x| in last steps."""
    own, sizes = np.abs(f0), np.abs(f0 + levels[-1])
    sizes = np.maximum(sizes + np.abs(levels[0]) if len(levels) > 1 else sizes, own)
    largest = sizes.max(0)
    crossing = np.minimum(largest, np.abs(levels[0, -1]) * far)
    common = np.where(own < CROSSING * largest, crossing, 0.0)
    return np.asarray(np.maximum(ROUNDING * np.maximum(sizes, common), least))


def settles(levels: Floats, lead: int, floors: Floats) -> Mask:
    """Whether all parts of f change less at the smallest step than before, as `noise.rising`."""
    floor = np.maximum(CLEARLY * floors[-1], MINOR * np.abs(levels[:, 0]).sum(0))
    most, changes = [ODD_FALL, EVEN_FALL], [*levels]
    if len(levels) == 1 and levels.shape[1] > 2:  # its second differences too
        changes.append(levels[0, :-1] - 2.0**lead * levels[0, 1:])
    falls = [
        np.abs(part[-1]) <= np.maximum(fall * np.abs(part[-2]), floor)
        for fall, part in zip(most, changes, strict=False)
    ]
    return np.asarray(np.all(falls, axis=0))


def tableau(levels: Floats, law: Law) -> Floats:
    """Return the Neville tableau of the levels of a channel, as `tableau.extrapolate`."""
    n, k = len(levels), np.arange(len(levels))
    table, weight, stretch = np.zeros((n, *levels.shape)), 1.0, 1.0
    table[:, 0] = levels * (law.factor * 2.0 ** (law.lead * k))[:, None, None]
    z = (law.ratio ** -k.astype(float))[:, None, None]
    for s in range(1, law.terms):  # divided differences take the place of the levels
        stretch *= law.ratio
        table[s:, 0] = (table[s:, 0] - table[s - 1 : -1, 0]) / (z - z * stretch)[s:]
    for j in range(1, n - law.terms + 1):
        weight *= law.ratio
        former = table[law.terms + j - 2 :, j - 1]
        table[law.terms + j - 1 :, j] = former[1:] + (former[1:] - former[:-1]) / (weight - 1.0)
    return table


def falls_of(table: Floats) -> Floats:
    """Return the sizes of the differences down the columns, (n - 1, n, ...)."""
    return np.asarray(np.abs(table[1:] - table[:-1]))


def truncation(table: Floats, falls: Floats, law: Law, grid: Grid) -> Floats:
    """Return the truncation error of each entry, as `tableau.truncation`."""
    n, above, step = len(table), law.terms - 1, np.zeros_like(table)
    step[1:], before = falls, np.zeros_like(table)
    before[2:] = falls[:-1]
    before = np.where(grid.second, step, before)
    fastest = np.maximum(grid.least, FASTEST) if law.steady else grid.least
    kappa = _kappa(step, before, 1.0, fastest, SLOWEST)
    along = np.zeros_like(table)
    along[:, 1:] = np.abs(table[:, 1:] - table[:, :-1])
    errors = np.maximum(step * kappa / (1.0 - kappa), along * grid.least)
    # on the diagonal no entry stands above one in its column
    ends = np.arange(n - above)
    tips, ends = table[above + ends, ends], ends[1:]
    row, slant = along[above + ends, ends], np.abs(tips[1:] - tips[:-1])
    errors[law.terms, 1] = np.maximum(row[0], slant[0])
    if ends.size > 1:
        before_row = along[above + ends[1:], ends[:-1]]
        errors[above + ends[1:], ends[1:]] = _at_tips(row[1:], before_row, slant, law, grid)
    return errors


def leans(table: Floats, row: Ints, law: Law, terms: int) -> Mask:
    """Whether the other channel tells of derivatives that differ on both sides, as `answer.lean`.

    `table` is that of the other channel, whose law has so many `terms`.
    """
    further, rises = row > terms, _doubles(table[:, 0], row, terms)
    if not law.steady:
        return np.asarray(further & rises)
    below = np.minimum(row + 1, len(table) - 1)
    rises |= ~further & (below > row) & _doubles(table[:, 0], below, terms)
    rise, before = _rises(table[:, 0], row)
    return np.asarray((row >= terms) & (rises | (further & (abs(rise) > STAYS * abs(before)))))


def _rises(column: Floats, row: Ints) -> tuple[Floats, Floats]:
    """Return by how much a column rises to a row, and to the one above it."""
    rows = np.maximum(row - np.arange(3).reshape(-1, *(1,) * row.ndim), 0)
    here, above, top = np.take_along_axis(column, rows, 0)
    return here - above, above - top


def _doubles(column: Floats, row: Ints, terms: int) -> Mask:
    """Whether a coefficient rises to a level like 1/h, as `answer.doubled`."""
    rise, before = _rises(column, row)
    first = np.take_along_axis(column, np.maximum(row - 1, 0)[None], 0)[0]
    before, (least, most) = np.where(row > terms, before, 0.5 * first), RISES
    size = abs(before)
    grows = (rise * before > 0.0) & (least * size < abs(rise)) & (abs(rise) < most * size)
    return np.asarray(grows)


def _at_tips(row: Floats, row_before: Floats, slant: Floats, law: Law, grid: Grid) -> Floats:
    """Return the truncation of the diagonal from its third entry on; `slant` begins at the second.

    It is what is left after a step along the row, or along the diagonal, of which the last but one
    has its say as well.
    """
    ratio, least = law.ratio, grid.least[0, 2 : len(row) + 2]
    by_row = row * _kappa(row, row_before, 2.0 * ratio, least, 1.0)
    now, before = slant[1:].copy(), slant[:-1]
    least = np.broadcast_to(least / ratio, now.shape).copy()
    first, some = slant[:-2], slant[:-2] > 0.0
    fall = np.where(some, np.minimum(before[1:] / np.where(some, first, 1.0), 1.0), 0.0)
    least[1:] = np.maximum(least[1:], 2.0 * fall / (ratio * ratio))
    now[1:] = np.maximum(now[1:], before[1:] * fall / (ratio * ratio))
    pace = np.full(now.shape, 1.0 / ratio)
    if law.steady:
        pace[1:] = _kappa(now[1:], before[1:] * fall, 1.0, pace[1:], 1.0)
    left = now * _kappa(now, before, pace, least, 1.0)
    if law.steady:
        rest, some = np.maximum(now - left, (1.0 - SLOWEST) * now), now > 0.0
        left = np.where(some, left * (STEADILY * now / np.where(some, rest, 1.0)), left)
        whole = np.ones(now.shape, np.bool_)
        whole[1:] = slant[2:] > HARDLY * (before[1:] * fall) / ratio
        left = np.where(whole, np.maximum(row, slant[1:]), left)
    return np.asarray(np.maximum(by_row, left))


def _kappa(step: Floats, before: Floats, factor: Any, least: Floats, most: float) -> Floats:
    """Return what a step falls by if that is `factor` times its ratio to the one before."""
    some = before > 0.0
    kappa = np.where(some, factor * step / np.where(some, before, 1.0), least)
    return np.asarray(np.minimum(np.maximum(kappa, least), most))


def noise_of(falls: list[Floats], laws: list[Law], gains: Floats) -> Floats:
    """Return the noise that differences which stall show, as `noise.stalls` and `trimmed_rms`."""
    n, found, stalled = len(falls[0]) + 1, [], []
    for law, fall, gain in zip(laws, falls, gains, strict=True):
        growth, columns = 2.0**law.order, n - law.terms - 1
        most, unit = min(STALL, 0.75 * law.ratio * growth), 2.0 ** (-law.order * (n - 1))
        if columns > 0:
            units = (unit / gain[:columns])[:, None, None]
            raised = (unit * growth / gain[:columns])[:, None, None]
            last, above = fall[n - 2, :columns] * units, fall[n - 3, :columns]
            found.append(last)
            stalled.append(last * most > above * units * growth)
        if columns > 1:
            now = (above * raised)[:-1]
            before = fall[n - 4, : columns - 1] * raised[:-1] * growth
            after = (fall[n - 2, :columns] * raised / growth)[:-1]
            found.append(now)
            stalled.append((now * most > before) & (after * most >= now))
    if not found:
        return np.zeros(falls[0].shape[2:])
    return _trimmed_rms(np.concatenate(found), np.concatenate(stalled))


def _trimmed_rms(values: Floats, chosen: Mask) -> Floats:
    """Return the root mean square of chosen values without the largest quarter of them."""
    count = chosen.sum(0)
    total, keep = np.zeros(count.shape), count - count // 4
    if not count.any():
        return total
    values = np.sort(np.where(chosen, values, math.inf), axis=0)
    top = np.take_along_axis(values, np.maximum(keep - 1, 0)[None], axis=0)[0]
    some = (keep > 0) & (top > 0.0)
    unit = np.where(some, top, 1.0)
    for a in range(int(keep.max())):
        part = np.where(a < keep, values[a], 0.0) / unit
        total += part * part
    return np.where(some, top * np.sqrt(total / np.maximum(keep, 1)), 0.0)


def choose_entry(
    table: Floats, errors: Floats, floors: Floats, sigma: Floats, gain: Floats, grid: Grid
) -> Entry:
    """Return the entry with the smallest bar, as `tableau.choose_entry` unless it is refuted."""
    n = len(table)
    noises = np.maximum(sigma, floors)
    units = noises[:, None] * grid.growth
    claims = (SIGMAS * gain[:n])[:, None, None] * units
    bars = errors + claims + EPS * np.abs(table) + grid.beyond
    where = bars.swapaxes(0, 1).reshape(n * n, *sigma.shape).argmin(0)[None]  # columns first
    row, column = where[0] % n, where[0] // n

    def chosen(entries: Floats) -> Floats:
        flat = entries.swapaxes(0, 1).reshape(n * n, *sigma.shape)
        return np.asarray(np.take_along_axis(flat, where, 0)[0])

    value, best, claim = chosen(table), chosen(bars), chosen(claims)
    off = np.abs(table - value)
    excess = np.where(grid.rows > row, off - bars, 0.0).max((0, 1))
    spread = np.where(bars < RIVAL * best, off, 0.0).max((0, 1))
    truncated = np.maximum(best - claim - EPS * np.abs(value), 0.0)
    bar = np.where(spread > best, spread + claim, best)
    level = np.take_along_axis(noises, row[None], 0)[0]
    floor = np.take_along_axis(floors, row[None], 0)[0]
    return Entry(value, bar, truncated, claim, row, column, level, floor, excess <= best)


def predict(levels: Floats, first: int, law: Law, width: float) -> Floats:
    """Return what the levels from the first on say of the one at a width, as `tableau.predict`."""
    n, ratio, z = len(levels), law.ratio, power(width, law.ratio)
    row = levels[first:] * (2.0 ** (law.lead * np.arange(first, n)))[:, None, None]
    nears, apart = ratio ** (1.0 - n) * ratio ** np.arange(n - first - 1.0, -1.0, -1.0), 1.0
    for s in range(1, n - first):
        apart *= ratio
        near = nears[s:, None, None]
        far = near * apart
        row[s:] = ((far - z) * row[s:] - (near - z) * row[s - 1 : -1]) / (far - near)
    said = row[-1]
    for _ in range(law.lead):
        said = said * width
    return np.asarray(said)


def together(one: Floats, other: Floats) -> Floats:
    """Return what two independent errors are together, as `noise.together`."""
    larger, smaller = np.maximum(one, other), np.minimum(one, other)
    some = smaller > 0.0
    part = np.where(some, smaller, 0.0) / np.where(some, larger, 1.0)
    return np.asarray(np.where(some, larger * np.sqrt(1.0 + part * part), larger))


def surprise(
    levels: Floats, best: Entry, sample: Floats, width: float, laws: list[Law], primary: int
) -> tuple[Floats, Mask]:
    """Return the noise that the sample off the lattice shows, as `noise.surprise`.

    And where no more levels are to be left out to tell.
    """
    n, main, total = levels.shape[1], laws[primary], np.zeros(levels.shape[2:])
    plain, own = np.ones(total.shape, np.bool_), best.row - best.column - main.terms + 1
    for c, law in enumerate(laws):
        few = 3 if main.order == 1 else (1 if c == primary else 2)
        last = max(n - few, 0)
        first = np.clip(own, 0, last)
        said = predict(levels[c], 0, law, width)
        for k in range(1, last + 1):
            if (first == k).any():
                said = np.where(first == k, predict(levels[c], k, law, width), said)
        off = np.abs(sample[c] - said)
        plain &= (own <= first) | (off <= SURPRISING * best.sigma)
        if main.order == 1:
            total = together(total, off / SPREADS[len(laws) - 1][c])
        else:
            total = np.maximum(total, off)
    return total, plain


def noise_seen(seen: Floats, best: Entry, last: Floats | float, reach: Floats) -> Floats:
    """Return the noise of f if a sample has `seen` so much, and the `last` difference as well.

    Reach is |x| in largest steps.
    """
    seen = np.maximum(seen, best.rounding)
    seen = np.maximum(seen, np.minimum(last, WITNESS * seen))
    argument = ARGUMENT * ROUNDING * np.abs(reach * best.value)
    likely = together(seen, np.minimum(argument, HIDDEN * seen))
    return np.where(argument > REFUTED * seen, seen, likely)


def newest(fall: Floats, law: Law, gain: Floats) -> Floats | float:
    """Return the noise if the last difference in the highest column is noise, as `noise.newest`."""
    n, j = len(fall) + 1, len(fall) - law.terms
    return fall[-1, j] * 2.0 ** (-law.order * (n - 1)) / gain[j] if j >= 0 else 0.0


def uneven(falls: Floats, floors: Floats, best: Entry, law: Law, gain: Floats, grid: Grid) -> Mask:
    """Whether a difference down a column is none of an analytic f, as `roughness.unevenness`.

    `falls` are those of rows 1 and up; the columns are those with three entries at least.
    """
    n, growth, last = len(floors), 2.0**law.order, len(floors) - law.terms - 1
    if last < 1:
        return np.zeros(floors.shape[1:], np.bool_)
    most, columns = min(STALL, 0.75 * law.ratio * growth), slice(0, last)
    analytic = (law.ratio ** np.arange(1.0, last + 1))[:, None, None]
    noises = (np.maximum(best.sigma, floors) * (growth ** np.arange(n))[:, None, None])[2:, None]
    noise = (CERTAIN * gain[:last])[:, None, None] * noises
    now, before = falls[1:, columns], falls[:-1, columns] * growth
    after = np.maximum(now, CHANCE * noise)
    after[:-1] = np.maximum(after[:-1], 0.5 * analytic * now[1:])
    rows, third = grid.rows[2:], np.arange(2, n)[:, None] > np.arange(last) + law.terms
    jumps = (rows <= best.row) & (now > noise) & (now * most > before)
    sudden = (before > noise) & (falls[:-1, columns] > SUDDEN * analytic * after)
    sudden[:, 0] = False
    found = (jumps | (sudden & (rows <= best.row + 1))) & third[:, :, None, None]
    return np.asarray(found.any((0, 1)))
