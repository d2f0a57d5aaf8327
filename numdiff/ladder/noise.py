"""Where noise is judged: what the levels of one output, and a sample between them, show of it.

Smooth f lets differences down a tableau fall by a power of the step; what stalls is noise. Steps
that are powers of two may miss structure of f, so a sample off their lattice is asked as well.
"""

import math

from numdiff.constants import ROUNDING
from numdiff.ladder.runtime import Table, inlined, kernel
from numdiff.ladder.tableau import predict, scale

from numdiff.ladder.registers import (  # isort: skip
    CHECKED, COLUMN, FIRST, LAST, NEVER, ORDER, RATIO, ROW, SAMPLE_STEP, SIGMA, SLOTS, TERMS,
)  # fmt: skip

# In units of the noise, truncation falls at least by 2**order * ratio per level (8 for a pair and
# order 1): a difference that falls by less than 3/4 of that, or than 6, is noise.
STALL = 6.0
SKEW = 1.3717421124828533  # a sample off the lattice: 1111/81*0.1, no ratio of small numbers
SURE = 6.0  # standard deviations that noise does not exceed in a few samples
CLEARLY = 50.0  # how many roundings make a change of f a change
COARSE = 2.0**-24 / ROUNDING  # what changes f by less than float32 would is noise, not structure
UNIFORM = math.sqrt(1.0 / 12.0)  # standard deviation of the rounding to multiples of 1
VAGUELY = 0.1  # of a divisor: a rest that is known to less tells whether there is one
COUNTABLE = 2.0**50  # times that one float may hold another, so that this is a whole number
UNLIKELY = 1e-7  # that changes of a smooth f have a divisor, as there may be thousands of outputs
LESS, MORE = 0.05, 4.0  # times the noise of stairs that levels may show of it
MINOR = 1e-3  # a part of the change of f that says nothing about its scale
# what at most is left at half the step if f is smooth: a half in the odd channel, a quarter in the
# even one, and room for their higher terms
ODD_FALL, EVEN_FALL = 0.75, 0.6

BY_CHANCE = 10.0  # times what a sample shows of noise: that may be little by chance
LARGER_ONLY = 0.01  # of a surprise: less is left without the larger steps if it is that of these
SURPRISING = 0.5 / LARGER_ONLY  # standard deviations: noise alone leaves more of a smaller one
# standard deviations of the error of a part of f, from that of a value: from one side; and of the
# odd and the even part, of variances 1/2 and 3/2, which share what both show
SPREADS = Table(((math.sqrt(2.0), 0.0), (math.sqrt(2 * 0.5), math.sqrt(2 * 1.5))))


@inlined
def recall(samples, window, i, top, sample):
    """Copy what the sample off the lattice showed of one output, and its width last, 0 if none."""
    sample[-1] = 0.0
    if window[CHECKED] == 1 and window[SAMPLE_STEP] != NEVER:
        sample[-1] = scale(SKEW, window[SAMPLE_STEP] - top)
        for c in range(sample.size - 1):
            sample[c] = samples[c, SLOTS, i]


@inlined
def stalls(table, n, law, gain, residuals, count):
    """Append to residuals[count:] the differences down a column that are noise, per unit of sigma.

    Only the two smallest steps are asked: what stalls further up may be an edge or a kink there.
    """
    terms, order = law[TERMS], law[ORDER]
    growth = scale(1.0, order)  # of the noise from one level to the next
    fall = min(STALL, 0.75 * float(law[RATIO]) * growth)
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
                residuals[count] = now
                count += 1
    return count


@inlined
def newest(table, n, law, gain):
    """Return the noise of f if the last difference in the highest column of a tableau is noise."""
    j = n - 1 - law[TERMS]
    if j < 0:
        return 0.0
    return abs(table[n - 1, j] - table[n - 2, j]) * scale(1.0, -law[ORDER] * (n - 1)) / gain[j]


@kernel
def trimmed_rms(values, count):
    """Root mean square of values[:count] without its largest quarter, which may be truncation."""
    for a in range(1, count):
        here, b = values[a], a
        while b > 0 and values[b - 1] > here:
            values[b] = values[b - 1]
            b -= 1
        values[b] = here
    keep, total = count - count // 4, 0.0
    if keep == 0 or values[keep - 1] == 0.0:
        return 0.0
    for a in range(keep):
        part = values[a] / values[keep - 1]  # values of 1e200 have no squares
        total += part * part  # as ** 2 is compiled, and not always interpreted
    return values[keep - 1] * math.sqrt(total / keep)


@inlined
def together(one, other):
    """Return what two independent errors are together.

    Beyond the range of squares too; and in the same bits everywhere, as math.hypot is not.
    """
    larger, smaller = max(one, other), min(one, other)
    if not smaller > 0.0:
        return larger
    part = smaller / larger
    return larger * math.sqrt(1.0 + part * part)


@kernel
def surprise(n, primary, shape, y, sample, best, room):
    """Return the noise that the sample off the lattice shows: how far the levels put it elsewhere.

    Both parts of f tell of a first derivative's; of others it is the larger one.
    """
    law, width, largest, total = shape[primary], sample[-1], 0.0, 0.0
    first, parts = int(best[ROW] - best[COLUMN]) - law[TERMS] + 1, shape.shape[0]
    for c in range(parts):
        # the other channel needs a few levels of its own; above order 1 those of the answer only
        few = 3 if law[ORDER] == 1 else (1 if c == primary else 2)
        start, off = max(0, min(first, n - few)), 0.0
        for k in range(start, max(start, first) + 1):
            apart = abs(sample[c] - predict(y[c], k, n, shape[c], width, room))
            # what lies in the way of larger steps than those of the answer surprises only them
            if k == start or apart < LARGER_ONLY * off:
                off = apart
            if off <= SURPRISING * best[SIGMA]:
                break
        largest = max(largest, off)
        total = together(total, off / SPREADS[parts - 1][c])
    return total if law[ORDER] == 1 else largest


@inlined
def rising(y, n, lead, floor):
    """How many channels do not change less at the smallest step than before, as smooth ones do.

    A channel alone, that of one side, is asked for its second differences too.
    """
    size, count = 0.0, 0
    for c in range(y.shape[0]):
        size += abs(y[c, 0])
    floor = max(CLEARLY * floor, MINOR * size)
    for c in range(y.shape[0]):
        fall = ODD_FALL if c == 0 else EVEN_FALL
        if abs(y[c, n - 1]) > max(fall * abs(y[c, n - 2]), floor):
            count += 1
    if y.shape[0] == 1 and n > 2 and count == 0:
        growth = scale(1.0, lead)
        bend = abs(y[0, n - 2] - growth * y[0, n - 1])
        if bend > max(EVEN_FALL * abs(y[0, n - 3] - growth * y[0, n - 2]), floor):
            return 1
    return count


@kernel
def quantum(samples, window, i, floor):
    """Return what all changes of f over the window are multiples of, by Euclid; 0 if nothing.

    From the smallest on; the largest one so far holds it `most` times, which makes it the better
    known. Each change that is a multiple of it may be so by chance, less often all of them.
    """
    exact, largest, most, chance = SURE * floor, 0.0, 1.0, 1.0
    for slot in range(window[LAST], window[FIRST] - 1, -1):
        for side in (1.0, -1.0):
            even = samples[1, slot, i] if samples.shape[0] > 1 else 0.0
            change = abs(even + side * samples[0, slot, i])
            if largest == 0.0 and exact < change < math.inf:
                largest = change
            common, unsure = largest / most, exact / most
            if not exact < change < COUNTABLE * common:
                continue
            times = math.floor(change / common + 0.5)
            off = exact + unsure * times
            if off > VAGUELY * common:
                continue
            rest = abs(change - common * times)
            if rest > off:
                chance, most = 1.0, most * parts(common, rest, off + unsure)
            elif change > largest or times != most:
                chance *= 2.0 * off / common
            common = largest / most
            if largest < change < COUNTABLE * common:
                times = math.floor(change / common + 0.5)
                if exact / most * times < VAGUELY * common:
                    largest, most = change, times
    common = largest / most
    return common if MINOR * common > exact and chance < UNLIKELY else 0.0


@kernel
def parts(whole, rest, off):
    """Return of how many parts a number consists which the rest has as well, by Euclid.

    Both are known to `off`; what is left of them as often as they were taken off each other.
    """
    before, times = 0.0, 1.0
    while rest > max(off * abs(times), whole / COUNTABLE):
        quotient = math.floor(whole / rest + 0.5)
        left = whole - rest * quotient
        before, times = times, math.copysign(1.0, left) * (before - quotient * times)
        whole, rest = rest, abs(left)
    return abs(times)


@kernel
def stairs(samples, window, i, floor):
    """Return the height of the stairs of f if it is rounded coarsely, else 0.

    Its changes have a common divisor then. Where that is the smallest of them, f may as well be
    linear, or linear in parts.
    """
    height, last, least = quantum(samples, window, i, floor), window[LAST], math.inf
    if in_pieces(samples, window, i, 0.5 * height):
        return 0.0
    for side in (1.0, -1.0):
        even = samples[1, last, i] if samples.shape[0] > 1 else 0.0
        least = min(least, abs(even + side * samples[0, last, i]))
    return height if height < 0.75 * least or least == 0.0 else 0.0


@kernel
def in_pieces(samples, window, i, allowed):
    """Whether f is linear on each side of x, but for an edge: then its changes may have a divisor.

    As those of a threshold have, h - w for all steps h beyond w: 2 h takes off w less than twice.
    """
    for side in (1.0, -1.0):
        edge = math.inf
        for slot in range(window[FIRST], window[LAST]):
            even = samples[1, slot, i] if samples.shape[0] > 1 else 0.0
            closer = samples[1, slot + 1, i] if samples.shape[0] > 1 else 0.0
            change = even + side * samples[0, slot, i]
            half = closer + side * samples[0, slot + 1, i]
            if half == 0.0:
                continue
            bend = change - 2.0 * half
            if edge < math.inf and abs(bend - edge) > allowed:
                return False
            edge = bend if edge == math.inf else edge
    return True
