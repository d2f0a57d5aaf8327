"""The tableau and its bars for many outputs at once: levels (n, ...) and tables (n, n, ...).

These are the formulas of `ladder.tableau`, `noise`, `answer` and `roughness` for a first derivative
from pairs around x, to the last bit, as long as nothing contradicts anything: where an entry is
refuted, or larger steps show pieces of f, a lane is not `plain`, and the kernels have to judge it.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from numdiff.arrays import Array, Floats, Mask
from numdiff.constants import EPS, ROUNDING
from numdiff.ladder.answer import ARGUMENT, HIDDEN, REFUTED, WITNESS
from numdiff.ladder.noise import CLEARLY, EVEN_FALL, MINOR, ODD_FALL, SPREADS, STALL
from numdiff.ladder.roughness import CERTAIN, CHANCE, SUDDEN
from numdiff.ladder.tableau import RIVAL, SIGMAS, SLOWEST
from numdiff.ladder.window import CROSSING

RATIO = 4.0  # of the z of neighbouring levels


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
    growth: Floats  # (n, 1, 1, 1): 2**k
    least: Floats  # (1, n, 1, 1): the fastest fall down a column
    beyond: Floats  # (n, n, 1, 1): infinite where there is no entry
    second: Mask  # (n, n, 1, 1): entries in the second row of their column
    third: Mask  # (n, n, 1, 1): entries in the third row or below


@lru_cache(maxsize=32)
def grid_of(n: int, columns: int) -> Grid:
    """Return what is the same of all tables of n levels."""
    k, j = np.ogrid[:n, :n]
    entries = (j <= k) & (k > 0) & (j < columns)
    last = np.arange(n)
    lines = last[:, None], 2.0 ** last[:, None], RATIO ** -(last[None] + 1.0)
    grids = np.where(entries, 0.0, math.inf), k == j + 1, k > j + 1
    parts: list[Array] = [array[:, :, None, None] for array in (*lines, *grids)]
    for part in parts:
        part.setflags(write=False)
    return Grid(*parts)


def floors_of(f0: Floats, odd: Floats, even: Floats, far: Floats) -> Floats:
    """Return the rounding of f at each level, as `window.rounding`; `far` is |x| in last steps."""
    own = np.abs(f0)
    sizes = np.maximum(np.abs(f0 + even) + np.abs(odd), own)
    largest = sizes.max(0)
    crossing = np.minimum(largest, np.abs(odd[-1]) * far)
    common = np.where(own < CROSSING * largest, crossing, 0.0)
    return np.asarray(ROUNDING * np.maximum(sizes, common))


def settles(odd: Floats, even: Floats, floors: Floats) -> Mask:
    """Whether both parts of f change less at the smallest step than before, as `noise.rising`."""
    size = np.abs(odd[0]) + np.abs(even[0])
    floor = np.maximum(CLEARLY * floors[-1], MINOR * size)
    falls = np.abs(odd[-1]) <= np.maximum(ODD_FALL * np.abs(odd[-2]), floor)
    return np.asarray(falls & (np.abs(even[-1]) <= np.maximum(EVEN_FALL * np.abs(even[-2]), floor)))


def tableau(levels: Floats, order: int) -> Floats:
    """Return the Neville tableau of levels, as `tableau.extrapolate`; its unit is the order."""
    n = len(levels)
    table, weight = np.zeros((n, *levels.shape)), 1.0
    table[:, 0] = levels * (order * 2.0 ** (order * np.arange(n)))[:, None, None]
    for j in range(1, n):
        weight *= RATIO
        former = table[j - 1 :, j - 1]
        table[j:, j] = former[1:] + (former[1:] - former[:-1]) / (weight - 1.0)
    return table


def falls_of(table: Floats) -> Floats:
    """Return the sizes of the differences down the columns, (n - 1, n, ...)."""
    return np.asarray(np.abs(table[1:] - table[:-1]))


def truncation(table: Floats, falls: Floats, grid: Grid) -> Floats:
    """Return the truncation error of each entry, as `tableau.truncation`."""
    n, step = len(table), np.zeros_like(table)
    step[1:], before = falls, np.zeros_like(table)
    before[2:] = falls[:-1]
    before = np.where(grid.second, step, before)
    kappa = _kappa(step, before, 1.0, grid.least, SLOWEST)
    along = np.zeros_like(table)
    along[:, 1:] = np.abs(table[:, 1:] - table[:, :-1])
    errors = np.maximum(step * kappa / (1.0 - kappa), along * grid.least)
    # on the diagonal no entry stands above one in its column
    ends = np.arange(1, n)
    tips = table[np.arange(n), np.arange(n)]
    row, slant = along[ends, ends], np.abs(tips[1:] - tips[:-1])
    errors[1, 1] = np.maximum(row[0], slant[0])
    if n > 2:
        errors[ends[1:], ends[1:]] = _at_tips(row[1:], along[ends[1:], ends[:-1]], slant, grid)
    return errors


def _at_tips(row: Floats, row_before: Floats, slant: Floats, grid: Grid) -> Floats:
    """Return the truncation of the diagonal from its third entry on; `slant` begins at the second.

    It is what is left after a step along the row, or along the diagonal, of which the last but one
    has its say as well.
    """
    least = grid.least[0, 2:]
    by_row = row * _kappa(row, row_before, 2.0 * RATIO, least, 1.0)
    now, before = slant[1:].copy(), slant[:-1]
    least = np.broadcast_to(least / RATIO, now.shape).copy()
    first, some = slant[:-2], slant[:-2] > 0.0
    fall = np.where(some, np.minimum(before[1:] / np.where(some, first, 1.0), 1.0), 0.0)
    least[1:] = np.maximum(least[1:], 2.0 * fall / (RATIO * RATIO))
    now[1:] = np.maximum(now[1:], before[1:] * fall / (RATIO * RATIO))
    return np.asarray(np.maximum(by_row, now * _kappa(now, before, 1.0 / RATIO, least, 1.0)))


def _kappa(step: Floats, before: Floats, factor: float, least: Floats, most: float) -> Floats:
    """Return what a step falls by if that is `factor` times its ratio to the one before."""
    some = before > 0.0
    kappa = np.where(some, factor * step / np.where(some, before, 1.0), least)
    return np.asarray(np.minimum(np.maximum(kappa, least), most))


def noise_of(falls: tuple[Floats, Floats], gains: Floats) -> Floats:
    """Return the noise that differences which stall show, as `noise.stalls` and `trimmed_rms`."""
    n, found, stalled = len(falls[0]) + 1, [], []
    for order, fall, gain in zip((1, 2), falls, gains, strict=True):
        growth = 2.0**order
        most, unit = min(STALL, 0.75 * RATIO * growth), 2.0 ** (-order * (n - 1))
        units = (unit / gain[: n - 2])[:, None, None]
        raised = (unit * growth / gain[: n - 2])[:, None, None]
        last, above = fall[n - 2, : n - 2] * units, fall[n - 3, : n - 2]
        found.append(last)
        stalled.append(last * most > above * units * growth)
        if n > 3:
            now = (above * raised)[:-1]
            before = fall[n - 4, : n - 3] * raised[:-1] * growth
            after = (fall[n - 2, : n - 2] * raised / growth)[:-1]
            found.append(now)
            stalled.append((now * most > before) & (after * most >= now))
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


def predict(levels: Floats, first: int, order: int, width: float) -> Floats:
    """Return what the levels from the first on say of the one at a width, as `tableau.predict`."""
    n, z, nearest = len(levels), width * width, RATIO ** (1.0 - len(levels))
    row = levels[first:] * (2.0 ** (order * np.arange(first, n)))[:, None, None]
    nears, apart = nearest * RATIO ** np.arange(n - first - 1.0, -1.0, -1.0), 1.0
    for s in range(1, n - first):
        apart *= RATIO
        near = nears[s:, None, None]
        far = near * apart
        row[s:] = ((far - z) * row[s:] - (near - z) * row[s - 1 : -1]) / (far - near)
    said = row[-1]
    for _ in range(order):
        said = said * width
    return np.asarray(said)


def together(one: Floats, other: Floats) -> Floats:
    """Return what two independent errors are together, as `noise.together`."""
    larger, smaller = np.maximum(one, other), np.minimum(one, other)
    some = smaller > 0.0
    part = np.where(some, smaller, 0.0) / np.where(some, larger, 1.0)
    return np.asarray(np.where(some, larger * np.sqrt(1.0 + part * part), larger))


def surprise(odd: Floats, even: Floats, best: Entry, sample: Floats, width: float) -> Floats:
    """Return the noise that the sample off the lattice shows, as `noise.surprise`."""
    n, parts = len(odd), []
    first = np.clip(best.row - best.column, 0, n - 3)
    for c, levels in enumerate((odd, even)):
        said = predict(levels, 0, c + 1, width)
        for k in range(1, n - 2):
            if (first == k).any():
                said = np.where(first == k, predict(levels, k, c + 1, width), said)
        parts.append(np.abs(sample[c] - said) / SPREADS[1, c])
    return together(*parts)


def noise_seen(
    sigma: Floats, seen: Floats, best: Entry, even: Floats, gain: Floats, reach: Floats
) -> Floats:
    """Return the noise of f if a sample has `seen` so much; reach is |x| in largest steps."""
    n, seen = len(even), np.maximum(np.maximum(sigma, seen), best.rounding)
    last = np.abs(even[-1, n - 2] - even[-2, n - 2]) * 2.0 ** (-2 * (n - 1)) / gain[n - 2]
    seen = np.maximum(seen, np.minimum(last, WITNESS * seen))
    argument = ARGUMENT * ROUNDING * np.abs(reach * best.value)
    likely = together(seen, np.minimum(argument, HIDDEN * seen))
    return np.where(argument > REFUTED * seen, seen, likely)


def uneven(
    falls: Floats, floors: Floats, best: Entry, order: int, gain: Floats, grid: Grid
) -> Mask:
    """Whether a difference down a column is none of an analytic f, as `roughness.unevenness`.

    `falls` are those of rows 1 and up; the columns are those with three entries at least.
    """
    n, growth = len(floors), 2.0**order
    most, columns = min(STALL, 0.75 * RATIO * growth), slice(0, n - 2)
    analytic = (RATIO ** np.arange(1.0, n - 1))[:, None, None]
    noises = (np.maximum(best.sigma, floors) * (growth ** np.arange(n))[:, None, None])[2:, None]
    noise = (CERTAIN * gain[: n - 2])[:, None, None] * noises
    now, before = falls[1:, columns], falls[:-1, columns] * growth
    after = np.maximum(now, CHANCE * noise)
    after[:-1] = np.maximum(after[:-1], 0.5 * analytic * now[1:])
    rows = grid.rows[2:]
    jumps = (rows <= best.row) & (now > noise) & (now * most > before)
    sudden = (before > noise) & (falls[:-1, columns] > SUDDEN * analytic * after)
    sudden[:, 0] = False
    return np.asarray(
        ((jumps | (sudden & (rows <= best.row + 1))) & grid.third[2:, columns]).any((0, 1))
    )
