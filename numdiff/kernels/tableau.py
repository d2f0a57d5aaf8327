"""Extrapolation of difference quotients, and what its entries are worth.

A level k has the step h_0 / 2**k. Everything here is in units in which h_0 is 1, so that no scale
of x overflows or underflows; the caller puts the unit back.
"""

from __future__ import annotations

import math

from numdiff.kernels import jit

EPS = 2.0**-52
# In units of the noise, truncation falls at least by 8 per level (2 for h, 4 for h**2): a
# difference that falls by less than 6 is noise.
STALLED = 1.0 / 6.0
RIVAL = 4.0
SIGMAS = 3.0  # how many standard deviations of noise a bar allows for

# entries of `best`
VALUE, BAR, CUT, NOISE, ROW, SIGMA, ROUND = range(7)


@jit
def extrapolate(y, n, lead, terms, ratio, factor, table):
    """Fill table[k, j], the Neville tableau of the levels y[0..n-1].

    y[k] / h**lead has an expansion in z = h**log2(ratio); its coefficient of z**(terms - 1), times
    `factor`, is the derivative. Row k holds the entries whose smallest step is that of level k.
    """
    for k in range(n):
        table[k, 0] = y[k] * factor * 2.0 ** (lead * k)
    for s in range(1, terms):
        for k in range(n - 1, s - 1, -1):
            width = ratio ** -float(k) - ratio ** -float(k - s)
            table[k, 0] = (table[k, 0] - table[k - 1, 0]) / width
    weight = 1.0
    for j in range(1, n - terms + 1):
        weight *= ratio
        for k in range(terms - 1 + j, n):
            rise = table[k, j - 1] - table[k - 1, j - 1]
            table[k, j] = table[k, j - 1] + rise / (weight - 1.0)


@jit
def residuals(table, n, terms, order, gain, seen, count):
    """Append to seen[count:] the differences down a column that are noise, per unit of sigma.

    Only the two smallest steps are asked: what stalls further up may be an edge or a kink there.
    """
    for j in range(n - terms - 1):
        for k in range(max(terms + j + 1, n - 2), n):
            unit = 2.0 ** (-order * k) / gain[j]
            now = abs(table[k, j] - table[k - 1, j]) * unit
            before = abs(table[k - 1, j] - table[k - 2, j]) * unit * 2.0**order
            if now > before * STALLED:
                seen[count] = now
                count += 1
    return count


@jit
def trimmed_rms(seen, count):
    """Root mean square of seen[:count] without its largest quarter, which may be truncation."""
    for a in range(1, count):
        here, b = seen[a], a
        while b > 0 and seen[b - 1] > here:
            seen[b] = seen[b - 1]
            b -= 1
        seen[b] = here
    keep, total = count - count // 4, 0.0
    for a in range(keep):
        total += seen[a] * seen[a]
    return math.sqrt(total / keep) if keep > 0 else 0.0


@jit
def truncation(table, terms, ratio, k, j):
    """Truncation error of table[k, j], from how fast its neighbours approach it."""
    here = table[k, j]
    if k == terms - 1 + j:  # the diagonal: no entry stands above it in its column
        step = abs(here - table[k, j - 1])
        if j < 2:
            return step
        before, least, side = abs(table[k, j - 1] - table[k, j - 2]), 4.0 * ratio ** -float(j), 0.0
    else:
        step = abs(here - table[k - 1, j])
        before = abs(table[k - 1, j] - table[k - 2, j]) if k > terms + j else step
        least = ratio ** -float(j + 1)
        side = abs(here - table[k, j - 1]) * least if j > 0 else 0.0
    kappa = min(max(step / before, least), 0.75) if before > 0.0 else least
    return max(step * kappa / (1.0 - kappa), side)


@jit
def least_residual(table, n, terms, order, gain):
    """Smallest difference between the last two rows, per unit of sigma: noise is at most this."""
    least = math.inf
    for j in range(n - terms):
        step = abs(table[n - 1, j] - table[n - 2, j]) * 2.0 ** (-order * (n - 1)) / gain[j]
        if step < least:
            least = step
    return least


@jit
def choose_entry(table, n, terms, order, ratio, columns, gain, sigma, least, floors, bars, best):
    """Write to `best` the value of the entry with the smallest bar, its bar, and what it is of."""
    best[BAR] = math.inf
    for j in range(min(columns, n - terms + 1)):
        for k in range(max(terms, terms - 1 + j), n):
            value, cut = table[k, j], truncation(table, terms, ratio, k, j)
            unit = SIGMAS * gain[j] * 2.0 ** (order * k)
            noise = unit * max(sigma, floors[k])
            cut = max(cut, unit * least)  # what may still be noise is not known to be less
            bars[k, j] = cut + noise + EPS * abs(value)
            if bars[k, j] < best[BAR]:
                best[VALUE], best[BAR], best[CUT], best[NOISE] = value, bars[k, j], cut, noise
                best[ROW], best[SIGMA] = k, max(sigma, floors[k])
    # two entries that claim as much and contradict each other: neither bar is to be believed
    spread = 0.0
    for j in range(min(columns, n - terms + 1)):
        for k in range(max(terms, terms - 1 + j), n):
            if bars[k, j] < RIVAL * best[BAR]:
                spread = max(spread, abs(table[k, j] - best[VALUE]))
    if spread > best[BAR]:
        best[BAR] = spread + best[NOISE]
