"""The tableau: levels extrapolated to a step of 0, and the bar that each entry can claim.

A level k has the step h_0 / 2**k. Everything here is in units in which h_0 is 1, so that no scale
of x overflows or underflows; the caller puts the unit back.
"""

import math

from numdiff.constants import EPS
from numdiff.ladder.runtime import Table, inlined, kernel

from numdiff.ladder.registers import (  # isort: skip
    BAR, COLUMN, COLUMNS, LEAD, NOISE, ORDER, RATIO, ROUND, ROW, SIGMA, STEADY, TERMS,
    TRUNCATION, VALUE,
)  # fmt: skip


TINIEST = 5e-324  # the smallest float above 0
FAR = 1000  # as a power of two always within the range of floats
FARTHEST = 20 * FAR  # beyond all steps to the order 10: 0 or infinite
POWERS = Table(2.0**k for k in range(-FAR, FAR + 1))  # ldexp takes half of a kernel's time
SIGMAS = 3.2  # standard deviations of noise that a bar allows for: few samples know it to some 40 %
RIVAL = 4.0  # entries whose bars differ by less than this claim the same
HARDLY = 2.0  # times what an analytic f leaves of a difference: what leaves more is none
STEADILY = 1.25  # times what falls by the same factor for ever: other powers are in it as well
FASTEST = 1.0 / 64.0  # nor, of powers between those of the expansion, by more than this
SLOWEST = 0.75  # a column whose differences fall by less is taken to fall by this


@inlined
def scale(value, exponent):
    """Return value * 2**exponent, which may over- or underflow but does not raise."""
    if -FAR <= exponent <= FAR:
        return value * POWERS[exponent + FAR]
    return scale_far(value, exponent)


@kernel
def scale_far(value, exponent):
    """Return value * 2**exponent where 2**exponent may be no float."""
    exponent = max(min(exponent, FARTHEST), -FARTHEST)
    while exponent > FAR:
        value, exponent = value * POWERS[2 * FAR], exponent - FAR
    while exponent < -FAR:
        value, exponent = value * POWERS[0], exponent + FAR
    return value * POWERS[exponent + FAR]


@inlined
def power(length, ratio):
    """Return length**log2(ratio), the z of a level with the step `length`."""
    z, rest = length, ratio
    while rest > 2.0:
        z, rest = z * length, rest * 0.5
    return z


@inlined
def extrapolate(y, held, n, law, factor, table):
    """Fill table[k, j], the Neville tableau of the levels y[0..n-1] of a channel.

    y[k] / h**lead has an expansion in z = h**log2(ratio); its coefficient of z**(terms - 1), times
    `factor`, is the derivative. Row k holds the entries whose smallest step is that of level k; so
    many rows as are `held` are there already.
    """
    terms, ratio = law[TERMS], float(law[RATIO])
    first = held if terms == 1 else 0  # divided differences take the place of the levels
    doubling, unit = scale(1.0, law[LEAD]), scale(factor, law[LEAD] * first)
    for k in range(first, n):
        table[k, 0] = y[k] * unit
        unit *= doubling
    stretch = 1.0
    for s in range(1, terms):
        stretch *= ratio
        z = power(scale(1.0, 1 - n), ratio)  # of the smallest step
        for k in range(n - 1, s - 1, -1):
            table[k, 0] = (table[k, 0] - table[k - 1, 0]) / (z - z * stretch)
            z *= ratio
    weight = 1.0
    for j in range(1, n - terms + 1):
        weight *= ratio
        for k in range(max(terms - 1 + j, first), n):
            rise = table[k, j - 1] - table[k - 1, j - 1]
            table[k, j] = table[k, j - 1] + rise / (weight - 1.0)


@inlined
def contraction(step, before, factor, least):
    """Error left after `step` if `factor` times its ratio to the step `before` is the next one."""
    kappa = factor * step / before if before > 0.0 else least
    return step * min(max(kappa, least), 1.0)


@inlined
def truncation(table, terms, ratio, least, steady, k, j):
    """Return the truncation error of table[k, j], from how fast its neighbours approach it.

    The error of an entry is the product of its z times a Taylor coefficient. Down a column it falls
    by the same factor each time, along a row by `ratio` less each time (a larger z comes in), along
    the diagonal by `ratio` more; the 2 is for coefficients that do not fall geometrically. `least`
    is ratio**-(j + 1), the fastest fall down a column. Where f may have other powers it is
    `steady`: the diagonal falls on as it did, and that it falls faster and faster is believed where
    three differences show it, as a jump of a higher derivative hides behind larger terms of f.
    """
    here = table[k, j]
    if k > terms - 1 + j:
        step = abs(here - table[k - 1, j])
        before = abs(table[k - 1, j] - table[k - 2, j]) if k > terms + j else step
        fastest = max(least, FASTEST) if steady else least
        kappa = min(max(step / before, fastest), SLOWEST) if before > 0.0 else fastest
        side = abs(here - table[k, j - 1]) * least if j > 0 else 0.0
        return max(step * kappa / (1.0 - kappa), side)
    # the diagonal: no entry stands above it in its column
    row, slant = abs(here - table[k, j - 1]), abs(here - table[k - 1, j - 1])
    if j < 2 or (steady and j == 2):
        return max(row, slant)
    row_before = abs(table[k, j - 1] - table[k, j - 2])
    by_row, pace = contraction(row, row_before, 2.0 * ratio, least), 1.0 / ratio
    least, slant_before = least / ratio, abs(table[k - 1, j - 1] - table[k - 2, j - 2])
    if j > 2:  # one step may be small by chance: the two before it have their say
        slant_first = abs(table[k - 2, j - 2] - table[k - 3, j - 3])
        fall = min(slant_before / slant_first, 1.0) if slant_first > 0.0 else 0.0
        foretold = slant_before * fall
        if steady and slant > HARDLY * foretold / ratio:
            return max(row, slant)
        least = max(least, 2.0 * fall / (ratio * ratio))
        slant = max(slant, foretold / (ratio * ratio))
        # of a power of h that is none of the expansion they fall by the same factor each time
        if steady and foretold > 0.0:
            pace = max(slant / foretold, pace)
    left = contraction(slant, slant_before, pace, least)
    if steady and slant > 0.0:  # the sum of all that is still to come
        left *= STEADILY * slant / max(slant - left, (1.0 - SLOWEST) * slant)
    return max(by_row, left)


@kernel
def predict(y, first, n, law, width, row):
    """Return what the levels y[first..n-1] say of the level at the step width * h_0.

    It is the value there of the polynomial in z through them; `row` is room to work in. Those above
    them are in it only to have loops of a length that a processor can foretell.
    """
    lead, ratio = law[LEAD], float(law[RATIO])
    z, nearest = power(width, ratio), power(scale(1.0, 1 - n), ratio)  # of the level n - 1
    doubling, unit = scale(1.0, lead), 1.0
    for k in range(n):
        row[k] = y[k] * unit
        unit *= doubling
    apart, said = 1.0, row[n - 1]
    for s in range(1, n):
        apart, near = apart * ratio, nearest
        for k in range(n - 1, s - 1, -1):
            far = near * apart
            row[k] = ((far - z) * row[k] - (near - z) * row[k - 1]) / (far - near)
            near *= ratio
        said = row[n - 1] if s < n - first else said
    for _ in range(lead):
        said *= width
    return said


@inlined
def write_bars(table, held, n, law, gain, sigma, floors, errors, bars):
    """Write to bars[k, j] what truncation, noise and rounding allow table[k, j] to be off.

    Truncation goes to errors[k, j], where that of the rows that are `held` is already.
    """
    terms, order, ratio = law[TERMS], law[ORDER], float(law[RATIO])
    last, falling, steady = min(law[COLUMNS], n - terms + 1), 1.0 / ratio, law[STEADY] == 1
    for k in range(terms, n):
        unit, least = scale(max(sigma, floors[k]), order * k), 1.0
        for j in range(min(last, k - terms + 2)):
            least *= falling
            if k >= held:
                errors[k, j] = truncation(table, terms, ratio, least, steady, k, j)
            bars[k, j] = errors[k, j] + SIGMAS * gain[j] * unit + EPS * abs(table[k, j])


@inlined
def choose_entry(table, held, n, law, gain, sigma, floors, errors, bars, best):
    """Choose the entry with the smallest bar that no other one refutes, and write it to `best`."""
    terms = law[TERMS]
    last = min(law[COLUMNS], n - terms + 1)
    write_bars(table, held, n, law, gain, sigma, floors, errors, bars)
    row, column = terms, 0  # where no entry has a bar, any of them
    for _ in range(n * last):  # each may be refuted once
        bar, excess, spread = math.inf, 0.0, 0.0
        # no branches on data below: a processor cannot foretell them
        for j in range(last):
            for k in range(max(terms, terms - 1 + j), n):
                better = bars[k, j] < bar
                bar = bars[k, j] if better else bar
                row, column = k if better else row, j if better else column
        value, rival = table[row, column], RIVAL * bar
        for j in range(last):
            for k in range(max(terms, terms - 1 + j), n):
                off = abs(table[k, j] - value)
                excess = max(excess, off - bars[k, j] if k > row else 0.0)
                spread = max(spread, off if bars[k, j] < rival else 0.0)
        # an entry of smaller steps that contradicts a bar refutes it
        if excess <= bar:
            break
        bars[row, column] = excess
    best[BAR], best[ROW], best[COLUMN] = bar, row, column
    best[VALUE], best[SIGMA], best[ROUND] = table[row, column], max(sigma, floors[row]), floors[row]
    best[NOISE] = SIGMAS * gain[column] * scale(best[SIGMA], law[ORDER] * row)
    best[TRUNCATION] = max(best[BAR] - best[NOISE] - EPS * abs(best[VALUE]), 0.0)
    # two entries that claim as much and contradict each other: neither bar is to be believed
    if spread > best[BAR]:
        best[BAR] = spread + best[NOISE]
