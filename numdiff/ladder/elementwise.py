"""The tableau and its bars for many outputs at once: each number here may be an array of lanes.

These are the formulas of `tableau`, `noise`, `answer` and `roughness` for a first derivative from
pairs around x, to the last bit, as long as nothing contradicts anything: where an entry is refuted,
or larger steps show pieces of f, lanes are not `plain`, and the kernels have to judge them.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple, TypeAlias

from numpy import absolute, array, inf, maximum, minimum, sort, sqrt, take_along_axis, where

from numdiff.constants import EPS, ROUNDING
from numdiff.ladder.answer import ARGUMENT, HIDDEN, REFUTED, WITNESS
from numdiff.ladder.noise import CLEARLY, EVEN_FALL, MINOR, ODD_FALL, STALL, VARIANCES
from numdiff.ladder.roughness import CERTAIN, CHANCE, SUDDEN
from numdiff.ladder.tableau import RIVAL, SIGMAS, SLOWEST
from numdiff.ladder.window import CROSSING

Lanes: TypeAlias = Any  # an array of them, any shape, or one number
Levels: TypeAlias = list[Lanes]  # from the largest step on
Table: TypeAlias = list[list[Lanes]]  # [k][j]

RATIO = 4.0  # of the z of neighbouring levels
ORDERS = 1, 2  # of the derivatives that the odd and the even part have first


class Entry(NamedTuple):
    """The best entry of tableaux, in units of the largest step, as `registers.VALUE` and so on."""

    value: Lanes
    bar: Lanes
    truncation: Lanes
    noise: Lanes
    row: Lanes
    column: Lanes
    sigma: Lanes
    rounding: Lanes
    plain: Lanes  # whether no entry refutes it


def floors_of(f0: Lanes, odd: Levels, even: Levels, far: Lanes) -> Levels:
    """Return the rounding of f at each level, as `window.rounding`; `far` is x in smallest steps."""
    own = absolute(f0)
    sizes = [maximum(absolute(f0 + b) + absolute(a), own) for a, b in zip(odd, even, strict=True)]
    largest = sizes[0]
    for size in sizes[1:]:
        largest = maximum(largest, size)
    crossing = minimum(largest, absolute(odd[-1]) * far)
    common = where(own < CROSSING * largest, crossing, 0.0)
    return [ROUNDING * maximum(size, common) for size in sizes]


def settles(odd: Levels, even: Levels, floors: Levels) -> Lanes:
    """Whether both parts of f change less at the smallest step than before, as `noise.rising`."""
    size = absolute(odd[0]) + absolute(even[0])
    floor = maximum(CLEARLY * floors[-1], MINOR * size)
    falls = absolute(odd[-1]) <= maximum(ODD_FALL * absolute(odd[-2]), floor)
    return falls & (absolute(even[-1]) <= maximum(EVEN_FALL * absolute(even[-2]), floor))


def tableau(levels: Levels, unit: float, doubling: float) -> Table:
    """Return the Neville tableau of levels, as `tableau.extrapolate`."""
    table: Table = []
    for k, level in enumerate(levels):
        row, weight = [level * unit], 1.0
        for j in range(k):
            weight *= RATIO
            row.append(row[j] + (row[j] - table[-1][j]) / (weight - 1.0))
        table.append(row)
        unit *= doubling
    return table


def contraction(step: Lanes, before: Lanes, factor: float, least: Lanes) -> Lanes:
    """Return what is left after a step, as `tableau.contraction`."""
    some = before > 0.0
    kappa = where(some, factor * step / where(some, before, 1.0), least)
    return step * minimum(maximum(kappa, least), 1.0)


def truncation(table: Table, k: int, j: int) -> Lanes:
    """Return the truncation error of table[k][j], as `tableau.truncation`."""
    here, least = table[k][j], RATIO ** -(j + 1)
    if k > j:
        step = absolute(here - table[k - 1][j])
        before = absolute(table[k - 1][j] - table[k - 2][j]) if k > j + 1 else step
        some = before > 0.0
        kappa = minimum(maximum(step / where(some, before, 1.0), least), SLOWEST)
        kappa = where(some, kappa, least)
        side = absolute(here - table[k][j - 1]) * least if j > 0 else 0.0
        return maximum(step * kappa / (1.0 - kappa), side)
    row, slant = absolute(here - table[k][j - 1]), absolute(here - table[k - 1][j - 1])
    if j < 2:
        return maximum(row, slant)
    before = absolute(table[k][j - 1] - table[k][j - 2])
    by_row = contraction(row, before, 2.0 * RATIO, least)
    least, before = least / RATIO, absolute(table[k - 1][j - 1] - table[k - 2][j - 2])
    if j > 2:
        first = absolute(table[k - 2][j - 2] - table[k - 3][j - 3])
        some = first > 0.0
        fall = where(some, minimum(before / where(some, first, 1.0), 1.0), 0.0)
        least = maximum(least, 2.0 * fall / (RATIO * RATIO))
        slant = maximum(slant, before * fall / (RATIO * RATIO))
    return maximum(by_row, contraction(slant, before, 1.0 / RATIO, least))


def truncations(table: Table) -> Table:
    """Return the truncation error of each entry from the second row on."""
    return [
        [truncation(table, k, j) if k else 0.0 for j in range(k + 1)] for k in range(len(table))
    ]


def stalls(table: Table, order: int, gain: Any) -> list[tuple[Lanes, Lanes]]:
    """Return differences that may be noise, and whether they are, as `noise.stalls`."""
    n, growth = len(table), 2.0**order
    fall, last, found = min(STALL, 0.75 * RATIO * growth), 2.0 ** (-order * (n - 1)), []
    for j in range(n - 2):
        for k in range(max(j + 2, n - 2), n):
            unit = last / gain[j] if k == n - 1 else last * growth / gain[j]
            now = absolute(table[k][j] - table[k - 1][j]) * unit
            before = absolute(table[k - 1][j] - table[k - 2][j]) * unit * growth
            after = now
            if k < n - 1:
                after = absolute(table[k + 1][j] - table[k][j]) * unit / growth
            found.append((now, (now * fall > before) & (after * fall >= now)))
    return found


def trimmed_rms(found: list[tuple[Lanes, Lanes]]) -> Lanes:
    """Return the root mean square of what is noise, as `noise.trimmed_rms`."""
    if not found:
        return 0.0
    values = sort(array([where(noise, size, inf) for size, noise in found]), axis=0)
    count = sum(noise.astype(int) for _, noise in found)
    keep = count - count // 4
    top = take_along_axis(values, maximum(keep - 1, 0)[None], axis=0)[0]
    some = (keep > 0) & (top > 0.0)
    unit, total = where(some, top, 1.0), 0.0
    for a, value in enumerate(values):
        part = where(a < keep, value, 0.0) / unit
        total = total + part * part
    return where(some, top * sqrt(total / maximum(keep, 1)), 0.0)


def choose_entry(
    table: Table, errors: Table, floors: Levels, sigma: Lanes, gain: Any, columns: int
) -> Entry:
    """Return the entry with the smallest bar, as `tableau.choose_entry` unless it is refuted."""
    n = len(table)
    last = min(columns, n)
    noises = [maximum(sigma, floor) for floor in floors]
    bars: dict[tuple[int, int], Lanes] = {}
    best = value = row = column = level = claim = floor = inf
    for j in range(last):
        for k in range(max(1, j), n):
            unit = noises[k] * 2.0**k
            bar = errors[k][j] + SIGMAS * gain[j] * unit + EPS * absolute(table[k][j])
            bars[k, j], better = bar, bar < best
            best, value = where(better, bar, best), where(better, table[k][j], value)
            row, column = where(better, k, row), where(better, j, column)
            level = where(better, noises[k], level)
            claim = where(better, SIGMAS * gain[j] * unit, claim)
            floor = where(better, floors[k], floor)
    excess = spread = 0.0
    for (k, j), bar in bars.items():
        off = absolute(table[k][j] - value)
        excess = maximum(excess, where(k > row, off - bar, 0.0))
        spread = maximum(spread, where(bar < RIVAL * best, off, 0.0))
    truncated = maximum(best - claim - EPS * absolute(value), 0.0)
    bar = where(spread > best, spread + claim, best)
    return Entry(value, bar, truncated, claim, row, column, level, floor, excess <= best)


def predict(levels: Levels, first: int, order: int, width: float) -> Lanes:
    """Return what the levels from the first on say of the one at a width, as `tableau.predict`."""
    n, z = len(levels), width * width
    nearest, doubling, unit = RATIO ** -(n - 1), 2.0**order, 2.0 ** (order * first)
    row = []
    for level in levels[first:]:
        row.append(level * unit)
        unit *= doubling
    apart = 1.0
    for s in range(1, n - first):
        apart, near = apart * RATIO, nearest
        for k in range(n - first - 1, s - 1, -1):
            far = near * apart
            row[k] = ((far - z) * row[k] - (near - z) * row[k - 1]) / (far - near)
            near *= RATIO
    said = row[-1]
    for _ in range(order):
        said = said * width
    return said


def together(one: Lanes, other: Lanes) -> Lanes:
    """Return what two independent errors are together, as `noise.together`."""
    larger, smaller = maximum(one, other), minimum(one, other)
    some = smaller > 0.0
    part = where(some, smaller, 0.0) / where(some, larger, 1.0)
    return where(some, larger * sqrt(1.0 + part * part), larger)


def surprise(parts: tuple[Levels, Levels], best: Entry, sample: tuple[Lanes, Lanes, float]) -> Lanes:
    """Return the noise that the sample off the lattice shows, as `noise.surprise`."""
    n, width, total = len(parts[0]), sample[2], 0.0
    first = minimum(best.row - best.column, n - 3) if n > 3 else 0 * best.row
    for c, levels in enumerate(parts):
        said = predict(levels, 0, ORDERS[c], width)
        for k in range(1, max(n - 2, 1)):
            if (first == k).any():
                said = where(first == k, predict(levels, k, ORDERS[c], width), said)
        off = absolute(sample[c] - said)
        total = together(total, off / math.sqrt(VARIANCES[1, c] * 2))
    return total


def noise_seen(
    sigma: Lanes, seen: Lanes, best: Entry, even: Table, gain: Any, reach: Lanes
) -> Lanes:
    """Return the noise of f if a sample has `seen` so much; reach is x in units of largest steps."""
    n, seen = len(even), maximum(maximum(sigma, seen), best.rounding)
    last = absolute(even[-1][-2] - even[-2][-1]) * 2.0 ** (-2 * (n - 1)) / gain[n - 2]
    seen = maximum(seen, minimum(last, WITNESS * seen))
    argument = ARGUMENT * ROUNDING * absolute(reach * best.value)
    return where(argument > REFUTED * seen, seen, together(seen, minimum(argument, HIDDEN * seen)))


def uneven(table: Table, floors: Levels, best: Entry, order: int, gain: Any) -> Lanes:
    """Whether a difference down a column is none of an analytic f, as `roughness.unevenness`."""
    n, growth, analytic = len(table), 2.0**order, 1.0
    fall, found = min(STALL, 0.75 * RATIO * growth), best.row < 0
    for j in range(n - 2):
        analytic *= RATIO
        for k in range(j + 2, n):
            noise = CERTAIN * gain[j] * (maximum(best.sigma, floors[k]) * 2.0 ** (order * k))
            now = absolute(table[k][j] - table[k - 1][j])
            before = absolute(table[k - 1][j] - table[k - 2][j])
            after = maximum(now, CHANCE * noise)
            if k + 1 < n:
                after = maximum(after, 0.5 * analytic * absolute(table[k + 1][j] - table[k][j]))
            jump = (k <= best.row) & (now > noise) & (now * fall > before * growth)
            if j > 0:
                sudden = (before * growth > noise) & (before > SUDDEN * analytic * after)
                jump = jump | (sudden & (k <= best.row + 1))
            found = found | jump
    return found
