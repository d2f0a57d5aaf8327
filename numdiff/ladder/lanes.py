"""Calm directions side by side: rounds of first derivatives by pairs, where f is smooth.

Nearly all directions take the same way: a few levels that converge, a sample off the lattice, and
nothing that surprises. Those that are equally far on that way are judged together here, each output
of each direction in a lane of its own, by short loops over the lanes, of which a processor does
several steps at once. Decisions and bits are those of `rounds.turn`, which keeps whatever is not
calm, at any round.
"""

import math

from numdiff.constants import EPS, OK, ROUNDING
from numdiff.ladder.answer import ARGUMENT, FAIR, FOREIGN, HIDDEN, REFUTED, WITNESS
from numdiff.ladder.check import ALIKE
from numdiff.ladder.decide import DEPTH, FAINT, wish
from numdiff.ladder.roughness import CERTAIN, CHANCE, SUDDEN
from numdiff.ladder.runtime import inlined, kernel, separate
from numdiff.ladder.tableau import FAR as MIDDLE
from numdiff.ladder.tableau import POWERS, RIVAL, SIGMAS, SLOWEST, scale
from numdiff.ladder.window import CROSSING

from numdiff.ladder.noise import (  # isort: skip
    CLEARLY, EVEN_FALL, MINOR, ODD_FALL, SKEW, SPREADS, STALL, SURPRISING, together, trimmed_rms,
)  # fmt: skip
from numdiff.ladder.registers import (  # isort: skip
    AT_COLUMN, AT_ROW, BAR, BASE, CEILING, CHECKED, CLOSED, COLUMNS, DEVIATION, DONE, ENOUGH, ERROR,
    ESTIMATE, FIRST, FLOOR, FURTHEST, GUESS, HIGHEST, IDLE, LADDER, LARGER, LAST, LEAST_NOISE, LOOSE, LOST, LOWEST,
    NOISE, NOISY, OCTAVES, ORDER, OTHER, PHASE, PRIOR, PROVEN, READY, REQUEST, RESCALED, RESTARTS, ROUND, ROW,
    SAMPLE, SAMPLE_STEP, SHRINKS, SIGMA, SLACK, SLOPE, SLOTS, SMALLER, SPREAD, STALLED, STATUS,
    STEP, TABLED, TRUNCATION, VALUE, WINDOW,
)  # fmt: skip

LANES = 64
LEVELS = 8  # calm directions have fewer
NEAR = 8 * LANES  # directions among which those on the same way are looked for
MODERATE = 950  # exponents up to which powers of two do not under- or overflow
ON = -1  # in `ways`: a calm direction, which has been led a round on
RATIO = 4.0  # of the z of neighbouring levels: pairs have expansions in h**2

# rows of the room: levels of the odd and the even part, floors, tableaux, truncation, bars
ENTRIES = LEVELS * (LEVELS + 1) // 2
ODD, EVEN, FLOORS, TABLE = 0, LEVELS, 2 * LEVELS, 3 * LEVELS
OTHER_TABLE, ERRORS, BARS = TABLE + ENTRIES, TABLE + 2 * ENTRIES, TABLE + 3 * ENTRIES
(
    OWN, FAR, REACH, CHANGE, NOISES, LEAST, WHERE, ATROW, CENTRE, EXCESS, RIVALS, SAID, START,
    SEEN, FLAG, SAMPLED, SAMPLED_EVEN, VALUES, ERRS, SIGMAS_, STEPS, IDLES, SPARE,
) = range(BARS + ENTRIES, BARS + ENTRIES + 23)  # fmt: skip
ROWS = SPARE + 1


@inlined
def entry(k, j):
    """Return the place of table[k, j] among the entries of a tableau."""
    return k * (k + 1) // 2 + j


@inlined
def row_of(e):
    """Return the row of an entry."""
    k = 1
    while entry(k + 1, 0) <= e:
        k += 1
    return k


@kernel
def serve(channels, outputs):
    """Whether lanes are for channels of such a kind, and for so many outputs."""
    shape = channels.shape
    return (
        shape.shape[0] == 2 and channels.primary == 0 and shape[0, ORDER] == 1
        and shape[0, COLUMNS] >= LEVELS and 0 < outputs <= LANES
    )  # fmt: skip


@separate(f0="plane", samples="lines", outputs="cube")
def stroll(live, arrived, stretch, f0, reach, rtol, method, samples, state, outputs, lanes, ways):
    """Take in the values (L, 2, m) at the points of the live directions that are calm.

    Writes to `ways` (2 L,) first ON for those, and something else for all others.
    """
    for begin in range(0, live.size, NEAR):
        some = slice(begin, min(begin + NEAR, live.size))
        stroll_near(
            live[some], arrived[some], stretch[some], f0, reach, rtol, method, samples, state,
            outputs, lanes, ways[some], ways[live.size :],
        )  # fmt: skip


@kernel
def stroll_near(
    live, arrived, stretch, f0, reach, rtol, method, samples, state, outputs, lanes, ways, group
):  # fmt: skip
    """Take in values along a few directions, as `stroll`; `group` is room to work in."""
    m = outputs.shape[1]
    most = LANES // m
    for a in range(live.size):
        d = live[a]
        ways[a] = absorb(arrived[a], stretch[a], f0[min(d, f0.shape[0] - 1)], samples[d], state[d], outputs[d])
    for a in range(live.size):
        way = ways[a]
        if way <= 0:
            continue
        count, b = 0, a
        while b < live.size and count < most:
            if ways[b] == way:
                group[count] = b
                count += 1
            b += 1
        n, below, sampled = way // 4096, (way // 2) % 2048 - 1024, way % 2
        load(live, group[:count], n, sampled, f0, reach, samples, state, outputs, lanes)
        together_on(n, count * m, below, sampled, method.gain, lanes, 0.0)
        for q in range(count):
            b = group[q]
            d = live[b]
            calm = settle(q * m, n, sampled, reach[d], rtol, method.gain, f0[min(d, f0.shape[0] - 1)], state[d], outputs[d], lanes)
            ways[b] = ON if calm else 0


@inlined
def absorb(arrived, stretch, f0, samples, window, outputs):
    """Fold the values at a pair into a level; returns which way the direction is on, 0 if none.

    A direction on its first level is led on at once.
    """
    phase, base = window[PHASE], window[BASE]
    calm = (phase == LADDER or phase == SAMPLE) and -MODERATE < base < MODERATE
    seen = window[CEILING] + window[FLOOR] + window[RESTARTS] + window[SHRINKS] + window[RESCALED]
    seen += window[NOISY] + window[LOOSE] + window[PRIOR] + window[CHECKED]
    slot = base - window[REQUEST] if phase == LADDER else SLOTS
    if not calm or seen > 0:
        return 0
    for i in range(f0.size):
        ahead, behind = arrived[0, i] - f0[i], arrived[1, i] - f0[i]
        odd = (0.0 + 0.5 * ahead + -0.5 * behind) * stretch
        even = 0.0 + 0.5 * ahead + 0.5 * behind
        samples[0, slot, i], samples[1, slot, i] = odd, even
        fine = math.isfinite(odd + even) and outputs[i, CLOSED] + outputs[i, LEAST_NOISE] == 0.0
        calm = calm and fine and (phase == LADDER or outputs[i, ERROR] < math.inf)
    first, last, sampled = window[FIRST], window[LAST], 1
    if phase == LADDER:
        first, last, sampled = min(first, slot), max(last, slot), 0
    n, bottom = last - first + 1, base - last
    if not calm or n > LEVELS or bottom <= window[LOWEST]:
        return 0
    if n == 1:
        window[FIRST], window[LAST], window[REQUEST], window[READY] = first, last, bottom - 1, 0
        window[ENOUGH], window[LARGER], window[SMALLER] = 0, 0, f0.size
        window[LOST], window[OCTAVES] = 0, FURTHEST
        return ON
    below = window[REQUEST] - bottom if sampled == 1 else 0
    return n * 4096 + (below + 1024) * 2 + sampled


@kernel
def load(live, group, n, sampled, f0, reach, samples, state, outputs, w):
    """Copy what is known of the directions of a group to their lanes."""
    m = outputs.shape[1]
    for q in range(group.size):
        d = live[group[q]]
        window, here, levels = state[d], f0[min(d, f0.shape[0] - 1)], samples[d]
        first, last = window[FIRST], window[LAST]
        if sampled == 0:
            slot = window[BASE] - window[REQUEST]
            first, last = min(first, slot), max(last, slot)
        far, wide = scale(reach[d], last - window[BASE]), scale(reach[d], first - window[BASE])
        for i in range(m):
            g = q * m + i
            w[OWN, g], w[FAR, g], w[REACH, g] = here[i], far, wide
            for k in range(n):
                w[ODD + k, g], w[EVEN + k, g] = levels[0, first + k, i], levels[1, first + k, i]
            if sampled == 1:
                w[SAMPLED, g], w[SAMPLED_EVEN, g] = levels[0, SLOTS, i], levels[1, SLOTS, i]
                w[NOISES, g] = outputs[d, i, STALLED]
                w[ATROW, g] = outputs[d, i, AT_ROW]
                w[START, g] = outputs[d, i, AT_ROW] - outputs[d, i, AT_COLUMN]


@kernel
def together_on(n, lanes, below, sampled, gain, w, zero):
    """Extrapolate levels in all lanes, and choose their best entries."""
    floors(n, lanes, w)
    extrapolate(ODD, TABLE, n, lanes, 1.0, 2.0, w)
    extrapolate(EVEN, OTHER_TABLE, n, lanes, 2.0, 4.0, w)
    for k in range(1, n):
        for j in range(k + 1):
            truncation(k, j, lanes, w)
    if sampled == 0:
        stalls(n, lanes, gain, w)
    else:
        predict(n, below, lanes, w)
        doubt(n, lanes, gain, w)
    choose(n, lanes, gain, w)
    if sampled == 1:
        for c in range(2):
            look_up(c, n, lanes, gain, w)


@kernel
def floors(n, lanes, w):
    """Write the rounding of f at each level, as `window.rounding`, and its largest change."""
    own, largest, change, far, bottom = w[OWN], w[SEEN], w[CHANGE], w[FAR], w[ODD + n - 1]
    for g in range(lanes):
        largest[g], change[g] = 0.0, 0.0
    for k in range(n):
        odd, even, floor = w[ODD + k], w[EVEN + k], w[FLOORS + k]
        for g in range(lanes):
            floor[g] = max(abs(own[g] + even[g]) + abs(odd[g]), abs(own[g]))
            largest[g] = max(largest[g], floor[g])
        for g in range(lanes):
            change[g] = max(change[g], abs(odd[g]) + abs(even[g]))
    for k in range(n):
        floor = w[FLOORS + k]
        for g in range(lanes):
            crosses = min(largest[g], abs(bottom[g]) * far[g])
            common = crosses if abs(own[g]) < CROSSING * largest[g] else 0.0
            floor[g] = ROUNDING * max(floor[g], common)


@kernel
def extrapolate(levels, table, n, lanes, unit, doubling, w):
    for k in range(n):
        here, level = w[table + entry(k, 0)], w[levels + k]
        for g in range(lanes):
            here[g] = level[g] * unit
        unit, weight = unit * doubling, 1.0
        for j in range(1, k + 1):
            weight *= RATIO
            to, left, above = w[table + entry(k, j)], w[table + entry(k, j - 1)], w[table + entry(k - 1, j - 1)]
            for g in range(lanes):
                to[g] = left[g] + (left[g] - above[g]) / (weight - 1.0)


@kernel
def truncation(k, j, lanes, w):
    """Write the truncation error of an entry, as `tableau.truncation`."""
    to, here, left = w[ERRORS + entry(k, j)], w[TABLE + entry(k, j)], w[TABLE + entry(k, max(j - 1, 0))]
    least = scale(1.0, -2 * (j + 1))
    if k > j:
        above = w[TABLE + entry(k - 1, j)]
        top = w[TABLE + entry(k - 2, j)] if k > j + 1 else here
        for g in range(lanes):
            step, before = abs(here[g] - above[g]), abs(above[g] - top[g])
            kappa = min(max(step / before, least), SLOWEST) if before > 0.0 else least
            to[g] = max(step * kappa / (1.0 - kappa), abs(here[g] - left[g]) * least)
        return
    slanted = w[TABLE + entry(k - 1, j - 1)]
    if j == 1:
        for g in range(lanes):
            to[g] = max(abs(here[g] - left[g]), abs(here[g] - slanted[g]))
        return
    former, second = w[TABLE + entry(k, j - 2)], w[TABLE + entry(k - 2, j - 2)]
    third = w[TABLE + entry(k - 3, j - 3)] if j > 2 else second
    for g in range(lanes):
        row, before = abs(here[g] - left[g]), abs(left[g] - former[g])
        kappa = 2.0 * RATIO * row / before if before > 0.0 else least
        by_row = row * min(max(kappa, least), 1.0)
        slant, before = abs(here[g] - slanted[g]), abs(slanted[g] - second[g])
        first = abs(second[g] - third[g])
        fall = min(before / first, 1.0) if first > 0.0 else 0.0
        lowest = max(least / RATIO, 2.0 * fall / (RATIO * RATIO))
        slant = max(slant, before * fall / (RATIO * RATIO))
        kappa = slant / RATIO / before if before > 0.0 else lowest
        to[g] = max(by_row, slant * min(max(kappa, lowest), 1.0))


@kernel
def stalls(n, lanes, gain, w):
    """Write the noise that differences which stall show; others are written as infinite."""
    count = 0
    for c in range(2):
        order, table = c + 1, TABLE + c * ENTRIES
        growth = 2.0 * order
        last = scale(1.0, -order * (n - 1))
        for j in range(n - 2):
            for k in range(max(j + 2, n - 2), n):
                unit = last / gain[c, 1, j] if k == n - 1 else last * growth / gain[c, 1, j]
                here, above, top = w[table + entry(k, j)], w[table + entry(k - 1, j)], w[table + entry(k - 2, j)]
                to, count = w[BARS + count], count + 1
                below = w[table + entry(min(k + 1, n - 1), j)]
                newest = k == n - 1
                for g in range(lanes):
                    now = abs(here[g] - above[g]) * unit
                    before = abs(above[g] - top[g]) * unit * growth
                    after = now if newest else abs(below[g] - here[g]) * unit / growth
                    to[g] = now if now * STALL > before and after * STALL >= now else math.inf
    noises, room = w[NOISES], w[ROWS - 1]
    for g in range(lanes):
        found = 0
        for a in range(count):
            here = w[BARS + a, g]
            if here < math.inf:
                room[found] = here
                found += 1
        noises[g] = trimmed_rms(room, found) if found > 0 else 0.0


@kernel
def choose(n, lanes, gain, w):
    least, where, noises = w[LEAST], w[WHERE], w[NOISES]
    for g in range(lanes):
        least[g], where[g] = math.inf, 1.0
    for j in range(n):
        claim = SIGMAS * gain[0, 0, j]
        for k in range(max(1, j), n):
            e, growth = entry(k, j), scale(1.0, k)
            errors, bars, table, floor = w[ERRORS + e], w[BARS + e], w[TABLE + e], w[FLOORS + k]
            for g in range(lanes):
                bars[g] = errors[g] + claim * (max(noises[g], floor[g]) * growth) + EPS * abs(table[g])
            number = float(e)
            for g in range(lanes):
                where[g] = number if bars[g] < least[g] else where[g]
                least[g] = bars[g] if bars[g] < least[g] else least[g]
    centre, excess, rivals = w[CENTRE], w[EXCESS], w[RIVALS]
    for g in range(lanes):
        e = int(where[g])
        centre[g], w[ATROW, g] = w[TABLE + e, g], float(row_of(e))
        excess[g], rivals[g] = 0.0, 0.0
    for k in range(1, n):
        first = float(entry(k, 0))
        for j in range(k + 1):
            bars, table = w[BARS + entry(k, j)], w[TABLE + entry(k, j)]
            for g in range(lanes):
                off = abs(table[g] - centre[g]) - bars[g]
                excess[g] = max(excess[g], off if where[g] < first else 0.0)
            for g in range(lanes):
                off = abs(table[g] - centre[g])
                rivals[g] = max(rivals[g], off if bars[g] < RIVAL * least[g] else 0.0)


@kernel
def predict(n, below, lanes, w):
    """Write how far the sample off the lattice is from what the levels say, in standard deviations."""
    start, said, seen, flag, noises = w[START], w[SAID], w[SEEN], w[FLAG], w[NOISES]
    least = float(max(0, n - 3))
    width = scale(SKEW, below - n + 1)
    z, nearest = width * width, scale(1.0, -2 * (n - 1))
    for g in range(lanes):
        seen[g], flag[g] = 0.0, 0.0
    for c in range(2):
        unit, doubling = 1.0, 2.0 * (c + 1)
        for k in range(n):
            to, level = w[BARS + k], w[c * LEVELS + k]
            for g in range(lanes):
                to[g] = level[g] * unit
            unit *= doubling
        newest, apart = w[BARS + n - 1], 1.0
        for g in range(lanes):
            said[g] = newest[g]
        for s in range(1, n):
            apart, near = apart * RATIO, nearest
            for k in range(n - 1, s - 1, -1):
                to, above, far = w[BARS + k], w[BARS + k - 1], near * apart
                for g in range(lanes):
                    to[g] = ((far - z) * to[g] - (near - z) * above[g]) / (far - near)
                near *= RATIO
            most = float(n - s)
            for g in range(lanes):
                said[g] = newest[g] if min(start[g], least) < most else said[g]
        sample = w[SAMPLED + c]
        for g in range(lanes):
            told = said[g] * width
            told = told * width if c == 1 else told
            off = abs(sample[g] - told)
            said[g] = off
        spread = SPREADS[1, c]
        for g in range(lanes):
            flag[g] = max(flag[g], said[g])
            seen[g] = together(seen[g], said[g] / spread)



@kernel
def doubt(n, lanes, gain, w):
    """Write the noise that f has if the sample off the lattice is believed."""
    least, unit = float(max(0, n - 3)), scale(1.0, -2 * (n - 1))
    for g in range(lanes):
        told, row, start = w[NOISES, g], int(w[ATROW, g]), w[START, g]
        e, floor = entry(row, row - int(start)), w[FLOORS + row, g]
        w[FLAG, g] = 1.0 if start > least and w[FLAG, g] > SURPRISING * max(told, floor) else 0.0
        seen = max(max(told, w[SEEN, g]), floor)
        last = abs(w[OTHER_TABLE + entry(n - 1, n - 2), g] - w[OTHER_TABLE + entry(n - 2, n - 2), g])
        seen = max(seen, min(last * unit / gain[1, 1, n - 2], WITNESS * seen))
        argument = ARGUMENT * ROUNDING * abs(w[REACH, g] * w[TABLE + e, g])
        w[NOISES, g] = seen if argument > REFUTED * seen else together(seen, min(argument, HIDDEN * seen))


@kernel
def look_up(c, n, lanes, gain, w):
    """Note in which lanes a difference down a column is none of an analytic f."""
    order, growth, analytic = c + 1, 2.0 * (c + 1), 1.0
    row, flag, sigma, table = w[ATROW], w[FLAG], w[SEEN], TABLE + c * ENTRIES
    for g in range(lanes):
        sigma[g] = max(w[NOISES, g], w[FLOORS + int(row[g]), g])
    for j in range(n - 2):
        analytic *= RATIO
        for k in range(j + 2, n):
            unit, bound, floor = scale(1.0, order * k), CERTAIN * gain[c, 1, j], w[FLOORS + k]
            here, above, top = w[table + entry(k, j)], w[table + entry(k - 1, j)], w[table + entry(k - 2, j)]
            below, first, index = w[table + entry(min(k + 1, n - 1), j)], j > 0, float(k)
            for g in range(lanes):
                noise = bound * (max(sigma[g], floor[g]) * unit)
                now, before = abs(here[g] - above[g]), abs(above[g] - top[g])
                after = max(max(now, CHANCE * noise), 0.5 * analytic * abs(below[g] - here[g]))
                sudden = before * growth > noise and before > SUDDEN * analytic * after
                sudden = sudden and first and index <= row[g] + 1.0
                stays = now > noise and now * STALL > before * growth and index <= row[g]
                flag[g] = 1.0 if stays or sudden else flag[g]


@kernel
def settle(g0, n, sampled, reach, rtol, gain, f0, window, outputs, w):
    """Note what the lanes of a direction have shown, and what it asks for next, if all are calm."""
    base, first, last = window[BASE], window[FIRST], window[LAST]
    if sampled == 0:
        slot = base - window[REQUEST]
        first, last = min(first, slot), max(last, slot)
    bottom, top, request, phase = base - last, base - first, window[REQUEST], LADDER
    enough, larger, smaller, best = 0, 0, 0, w[SPARE]
    higher, drowns = first > 0 and top < window[HIGHEST], window[OTHER] < bottom - 2
    width, near, unit = scale(SKEW, request), scale(SKEW, request - bottom), scale(1.0, -top)
    shift = 0.5 * EPS * reach * unit
    for i in range(f0.size):
        g, output = g0 + i, outputs[i]
        row, own, change, value = int(w[ATROW, g]), abs(f0[i]), w[CHANGE, g], w[CENTRE, g]
        size, column = max(own, change), int(w[WHERE, g]) - entry(row, 0)
        least = w[LEAST, g]
        floor = max(CLEARLY * w[FLOORS + n - 1, g], MINOR * (0.0 + abs(w[ODD, g]) + abs(w[EVEN, g])))
        calm = w[EXCESS, g] <= least
        calm = calm and not abs(w[ODD + n - 1, g]) > max(ODD_FALL * abs(w[ODD + n - 2, g]), floor)
        calm = calm and not abs(w[EVEN + n - 1, g]) > max(EVEN_FALL * abs(w[EVEN + n - 2, g]), floor)
        if sampled == 1:
            slack = (output[SLACK] + output[SPREAD] * (near * near)) * width
            off = abs(w[SAMPLED, g] - output[SLOPE] * width) - slack
            calm = calm and not output[DEVIATION] > CLEARLY * (ROUNDING * size) and w[FLAG, g] == 0.0
            calm = calm and not off > ALIKE * max(output[DEVIATION], ROUNDING * size)
        floor = w[FLOORS + row, g]
        sigma = max(w[NOISES, g], floor)
        growth = POWERS[MIDDLE + row]
        noise = SIGMAS * gain[0, 0, column] * (sigma * growth)
        truncated = max(least - noise - EPS * abs(value), 0.0)
        bar = w[RIVALS, g] + noise if w[RIVALS, g] > least else least
        drift = abs(shift * w[OTHER_TABLE + entry(n - 1, 0), g] * unit)
        guess = abs(w[ODD, g]) > CLEARLY * w[FLOORS, g] and truncated > noise and bar > abs(value)
        error, estimate = bar * unit + drift, value * unit
        calm = calm and not guess and math.isfinite(error) and math.isfinite(estimate)
        if not calm:
            return False
        idle = 0.5 * output[ERROR] < error < 2.0 * output[ERROR]
        idles = output[IDLE] + 1.0 if idle else 0.0
        best[VALUE], best[BAR], best[TRUNCATION], best[NOISE] = value, bar, truncated, noise
        best[SIGMA], best[ROUND] = sigma, floor
        bend = abs(w[TABLE + entry(1, 0), g] - w[TABLE, g])
        want = wish(n, 1, higher, sampled == 1, rtol, idles, bend, abs(w[TABLE + entry(1, 0), g]), best)
        enough += 1 if want == ENOUGH else 0
        larger += 1 if want == LARGER else 0
        smaller += 1 if want == SMALLER else 0
        if sampled == 1 and want == ENOUGH:
            noisy = sigma > CLEARLY * (ROUNDING * size) and error > FAIR * abs(estimate)
            faint = drowns and error > FAINT * abs(estimate) and own < FAINT * change
            if value == 0.0 or noisy or faint or sigma > FOREIGN * size:
                return False
        w[VALUES, g], w[ERRS, g], w[SIGMAS_, g], w[IDLES, g] = estimate, error, sigma, idles
        w[STEPS, g] = scale(1.0, top) / growth
    if smaller > 0:
        request = bottom - 1
    elif larger > 0:
        request = top + 1
    elif sampled == 0:
        if bottom <= window[LOWEST] + 2:
            return False
        phase, request = SAMPLE, max(bottom - DEPTH, window[LOWEST])
    else:
        phase = DONE
    if sampled == 1:
        window[SAMPLE_STEP], window[CHECKED] = window[REQUEST], 1
    window[FIRST], window[LAST], window[PHASE], window[REQUEST] = first, last, phase, request
    window[READY], window[LOST], window[OCTAVES] = 0, 0, 0 if smaller > 0 else FURTHEST
    window[TABLED] = 0  # tableaux in lanes are of no use for later
    window[ENOUGH], window[LARGER], window[SMALLER] = enough, larger, smaller
    if phase == DONE:
        window[RESCALED] = 1
    slope = scale(1.0, n - 1 - top)
    for i in range(f0.size):
        g, output = g0 + i, outputs[i]
        estimate, error = w[VALUES, g], w[ERRS, g]
        output[WINDOW], output[GUESS], output[STATUS], output[IDLE] = base, 0.0, OK, w[IDLES, g]
        output[ESTIMATE], output[ERROR], output[PROVEN] = estimate, error, error
        output[DEVIATION], output[STEP] = w[SIGMAS_, g], w[STEPS, g]
        output[SLOPE], output[SLACK] = estimate, error
        output[SPREAD] = 2.0 * abs(w[ODD + n - 1, g] * slope - estimate)
        if sampled == 0:
            row = w[ATROW, g]
            output[STALLED], output[AT_ROW] = w[NOISES, g], row
            output[AT_COLUMN] = w[WHERE, g] - float(entry(int(row), 0))
        if phase == DONE and drowns:
            output[CLOSED] = 1.0
    return True
