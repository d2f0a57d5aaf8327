"""Extrapolation of difference quotients, and what its entries are worth.

A level k has the step h_0 / 2**k. Everything here is in units in which h_0 is 1, so that no scale
of x overflows or underflows; the caller puts the unit back.
"""

from __future__ import annotations

import math

from numdiff.ladder.runtime import kernel

EPS = 2.0**-52
ROUNDING = 0.3 * EPS  # standard deviation of a value's last bit, uniform in half a unit each way
TINIEST = 5e-324
# In units of the noise, truncation falls at least by 2**order * ratio per level (8 for a pair and
# order 1): a difference that falls by less than 3/4 of that, or than 6, is noise.
STALLED = 6.0
RIVAL = 4.0  # entries whose bars differ by less than this claim the same
APPEALS = 5  # so many entries may be refuted before the rest is believed
FAR = 1000  # as a power of two always within the range of floats
FARTHEST = 20 * FAR  # beyond all steps to the order 10: 0 or infinite
SIGMAS = 3.4  # standard deviations of noise that a bar allows for: few samples know it to some 40 %

# entries of `best`
VALUE, BAR, CUT, NOISE, ROW, COLUMN, SIGMA, ROUND = range(8)
BEST = 8


@kernel
def scale(value, exponent):
    """Return value * 2**exponent, which may over- or underflow but does not raise."""
    exponent = max(min(int(exponent), FARTHEST), -FARTHEST)
    while exponent > FAR:
        value, exponent = value * math.ldexp(1.0, FAR), exponent - FAR
    while exponent < -FAR:
        value, exponent = value * math.ldexp(1.0, -FAR), exponent + FAR
    return value * math.ldexp(1.0, exponent)


@kernel
def power(length, ratio):
    """Return length**log2(ratio), the z of a level with the step `length`."""
    z, rest = length, ratio
    while rest > 2.0:
        z, rest = z * length, rest * 0.5
    return z


@kernel
def extrapolate(y, n, lead, terms, ratio, factor, table):
    """Fill table[k, j], the Neville tableau of the levels y[0..n-1].

    y[k] / h**lead has an expansion in z = h**log2(ratio); its coefficient of z**(terms - 1), times
    `factor`, is the derivative. Row k holds the entries whose smallest step is that of level k.
    """
    doubling, unit = scale(1.0, lead), factor
    for k in range(n):
        table[k, 0] = y[k] * unit
        unit *= doubling
    stretch, falling = 1.0, 1.0 / ratio
    for s in range(1, terms):
        stretch *= ratio
        z = 1.0
        for _ in range(n - 1):
            z *= falling  # of the smallest step
        for k in range(n - 1, s - 1, -1):
            table[k, 0] = (table[k, 0] - table[k - 1, 0]) / (z - z * stretch)
            z *= ratio
    weight = 1.0
    for j in range(1, n - terms + 1):
        weight *= ratio
        for k in range(terms - 1 + j, n):
            rise = table[k, j - 1] - table[k - 1, j - 1]
            table[k, j] = table[k, j - 1] + rise / (weight - 1.0)


@kernel
def residuals(table, n, terms, order, ratio, gain, seen, count):
    """Append to seen[count:] the differences down a column that are noise, per unit of sigma.

    Only the two smallest steps are asked: what stalls further up may be an edge or a kink there.
    """
    growth = scale(1.0, order)  # of the noise from one level to the next
    fall = min(STALLED, 0.75 * ratio * growth)
    last = scale(1.0, -order * (n - 1))
    for j in range(n - terms - 1):
        for k in range(max(terms + j + 1, n - 2), n):
            unit = last / gain[j] if k == n - 1 else last * growth / gain[j]
            now = abs(table[k, j] - table[k - 1, j]) * unit
            before = abs(table[k - 1, j] - table[k - 2, j]) * unit * growth
            after = now  # what falls again at the last step only looked like noise
            if k < n - 1:
                after = abs(table[k + 1, j] - table[k, j]) * unit / growth
            if now * fall > before and after * fall >= now:
                seen[count] = now
                count += 1
    return count


@kernel
def trimmed_rms(seen, count):
    """Root mean square of seen[:count] without its largest quarter, which may be truncation."""
    for a in range(1, count):
        here, b = seen[a], a
        while b > 0 and seen[b - 1] > here:
            seen[b] = seen[b - 1]
            b -= 1
        seen[b] = here
    keep, total = count - count // 4, 0.0
    if keep == 0 or seen[keep - 1] == 0.0:
        return 0.0
    for a in range(keep):
        total += (seen[a] / seen[keep - 1]) ** 2  # values of 1e200 have no squares
    return seen[keep - 1] * math.sqrt(total / keep)


@kernel
def contraction(step, before, factor, least):
    """Error left after `step` if `factor` times its ratio to the step `before` is the next one."""
    kappa = factor * step / before if before > 0.0 else least
    return step * min(max(kappa, least), 1.0)


@kernel
def truncation(table, terms, ratio, least, k, j):
    """Return the truncation error of table[k, j], from how fast its neighbours approach it.

    The error of an entry is the product of its z times a Taylor coefficient. Down a column it falls
    by the same factor each time, along a row by `ratio` less each time (a larger z comes in), along
    the diagonal by `ratio` more; the 2 is for coefficients that do not fall geometrically. `least`
    is ratio**-(j + 1), the fastest fall down a column.
    """
    here = table[k, j]
    if k > terms - 1 + j:
        step = abs(here - table[k - 1, j])
        before = abs(table[k - 1, j] - table[k - 2, j]) if k > terms + j else step
        kappa = min(max(step / before, least), 0.75) if before > 0.0 else least
        side = abs(here - table[k, j - 1]) * least if j > 0 else 0.0
        return max(step * kappa / (1.0 - kappa), side)
    # the diagonal: no entry stands above it in its column
    row, slant = abs(here - table[k, j - 1]), abs(here - table[k - 1, j - 1])
    if j < 2:
        return max(row, slant)
    row_before = abs(table[k, j - 1] - table[k, j - 2])
    by_row = contraction(row, row_before, 2.0 * ratio, least)
    least, slant_before = least / ratio, abs(table[k - 1, j - 1] - table[k - 2, j - 2])
    if j > 2:  # one step may be small by chance: the two before it have their say
        slant_first = abs(table[k - 2, j - 2] - table[k - 3, j - 3])
        fall = min(slant_before / slant_first, 1.0) if slant_first > 0.0 else 0.0
        least = max(least, 2.0 * fall / (ratio * ratio))
        slant = max(slant, slant_before * fall / (ratio * ratio))
    return max(by_row, contraction(slant, slant_before, 1.0 / ratio, least))


@kernel
def predict(y, first, n, lead, ratio, width, row):
    """Return what the levels y[first..n-1] say of the level at the step width * h_0."""
    z, octaves = power(width, ratio), int(math.log2(ratio))
    for k in range(first, n):
        row[k] = scale(y[k], lead * k)
    for s in range(1, n - first):
        for k in range(n - 1, first + s - 1, -1):
            near, far = scale(1.0, -octaves * k), scale(1.0, -octaves * (k - s))
            row[k] = ((far - z) * row[k] - (near - z) * row[k - 1]) / (far - near)
    said = row[n - 1]
    for _ in range(lead):
        said *= width
    return said


@kernel
def choose_entry(table, n, terms, order, ratio, columns, gain, sigma, floors, bars, best):
    """Write to `best` the value of the entry with the smallest bar, its bar, and what it is of."""
    last, falling = min(columns, n - terms + 1), 1.0 / ratio
    for k in range(terms, n):
        unit, least = scale(max(sigma, floors[k]), order * k), 1.0
        for j in range(min(last, k - terms + 2)):
            least *= falling
            cut = truncation(table, terms, ratio, least, k, j)
            bars[k, j] = cut + SIGMAS * gain[j] * unit + EPS * abs(table[k, j])
    for _ in range(APPEALS):
        best[BAR], excess, spread = math.inf, 0.0, 0.0
        for j in range(last):
            for k in range(max(terms, terms - 1 + j), n):
                if bars[k, j] < best[BAR]:
                    best[BAR], best[ROW], best[COLUMN] = bars[k, j], k, j
        row, column = int(best[ROW]), int(best[COLUMN])
        for j in range(last):
            for k in range(max(terms, terms - 1 + j), n):
                off = abs(table[k, j] - table[row, column])
                if k > row:
                    excess = max(excess, off - bars[k, j])
                if bars[k, j] < RIVAL * best[BAR]:
                    spread = max(spread, off)
        # an entry of smaller steps that contradicts a bar refutes it
        if excess <= best[BAR]:
            break
        bars[row, column] = excess
    best[VALUE], best[SIGMA] = table[row, column], max(sigma, floors[row])
    best[NOISE] = SIGMAS * gain[column] * scale(best[SIGMA], order * row)
    best[CUT] = max(best[BAR] - best[NOISE] - EPS * abs(best[VALUE]), 0.0)
    # two entries that claim as much and contradict each other: neither bar is to be believed
    if spread > best[BAR]:
        best[BAR] = spread + best[NOISE]
