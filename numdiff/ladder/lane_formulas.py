"""The tableau and its bars in many lanes at once, by loops over rows of the room (ROWS, LANES).

These are the formulas of `tableau`, `noise`, `answer` and `roughness` for first derivatives by
pairs of points, to the last bit, as long as nothing contradicts anything; and for derivatives that
are `mixed`, which is 1 then and else 0, of three levels. The derivative is in the odd part of f, or
in the even one; it and what comes first in the other part are of the orders 1 and 2, or 2 and 3.
A loop reads and writes so few rows that a compiler can tell that they do not overlap, and does
several lanes in a step.
"""

import math

from numdiff.constants import EPS, ROUNDING
from numdiff.ladder.answer import ARGUMENT, HIDDEN, REFUTED, WITNESS
from numdiff.ladder.noise import SKEW, SPREADS, STALL, SURPRISING, together, trimmed_rms
from numdiff.ladder.roughness import CERTAIN, CHANCE, SUDDEN
from numdiff.ladder.runtime import inlined, kernel, separate
from numdiff.ladder.tableau import RIVAL, SIGMAS, SLOWEST, scale
from numdiff.ladder.window import CROSSING

LANES = 64  # at once: what is known of them fits into a processor's nearer memory
LEVELS = 8  # calm directions have no more
RATIO = 4.0  # of the z of neighbouring levels: pairs have expansions in h**2

# Rows of the room. The levels of the odd and the even part of f, their rounding, and by entry of a
# tableau both tableaux, the truncation and the bars of the first one, which are room to work in
# until they are written;
ENTRIES = LEVELS * (LEVELS + 1) // 2
ODD, EVEN, FLOORS, TABLE = 0, LEVELS, 2 * LEVELS, 3 * LEVELS
OTHER_TABLE, ERRORS, BARS = TABLE + ENTRIES, TABLE + 2 * ENTRIES, TABLE + 3 * ENTRIES
# f(x), |x| in smallest and in largest steps, largest change and value of f, the least noise; the
# sample off the lattice, in both parts; noise and what is seen of it, and whether something is not
# calm, which is by how much the sample is off before that is judged;
OWN, NEAR, FAR, CHANGE, LARGEST, LEAST, SAMPLE, SAMPLE_EVEN, SIGMA, SEEN, FLAG = range(
    BARS + ENTRIES, BARS + ENTRIES + 11
)
# the best entry: its place, row and value, its bar, and by how much others refute it, and rivals
# differ; how many levels are left out of a prediction, and that; room for a few numbers
PLACE, ROW, VALUE, BAR, EXCESS, RIVALS, LEFT_OUT, SAID, SPARE = range(FLAG + 1, FLAG + 10)
# what the ladder is to be told: derivative, bar, step, idle levels
ANSWER, ERROR, STEP, IDLE = range(SPARE + 1, SPARE + 5)
ROWS = IDLE + 1


@inlined
def entry(k, j):
    """Return the place of table[k, j] among the entries of a tableau."""
    return k * (k + 1) // 2 + j


@inlined
def row_of(place):
    """Return the row of an entry below the first one."""
    k = 1
    while entry(k + 1, 0) <= place:
        k += 1
    return k


@separate(
    n="order", count="order", below="order", sampled="order", mixed="order", gain="cube", w="plane"
)
def extrapolate(n, count, below, sampled, mixed, gain, w):
    """Extrapolate n levels in the first lanes, so many as `count`, and choose their best entries.

    With the sample off the lattice, `below` octaves from the smallest step, the noise is that which
    the levels have shown before and it shows as well. `gain` (2, 2, SLOTS) is that of both parts.
    """
    write_floors(n, count, w)
    main, other = (EVEN, ODD) if mixed == 1 else (ODD, EVEN)
    fill(main, TABLE, n, count, 1.0, 2.0 * (1 + mixed), w)
    fill(other, OTHER_TABLE, n, count, 2.0 - mixed, 4.0 * (1 + mixed), w)
    for k in range(1, n):
        for j in range(k + 1):
            write_truncation(k, j, entry(k, 0) + j, mixed, count, w)
    if sampled == 1:
        predict(n, below, count, w)
        write_noise_seen(n, count, gain, w)
    else:
        write_noise(n, count, mixed, gain, w)
    choose_entries(n, count, mixed, gain, w)
    for c in range(2 * sampled):
        look_up(c, n, count, gain, w)


@kernel
def write_floors(n, count, w):
    """Write the rounding of f at each level, as `window.rounding`, and how much f changes."""
    own, largest, change, near, bottom = w[OWN], w[LARGEST], w[CHANGE], w[NEAR], w[ODD + n - 1]
    least = w[LEAST]
    for g in range(count):
        largest[g], change[g] = 0.0, 0.0
    for k in range(n):
        odd, even, floor = w[ODD + k], w[EVEN + k], w[FLOORS + k]
        for g in range(count):
            floor[g] = max(abs(own[g] + even[g]) + abs(odd[g]), abs(own[g]))
            largest[g] = max(largest[g], floor[g])
        for g in range(count):
            change[g] = max(change[g], abs(odd[g]) + abs(even[g]))
    for k in range(n):
        floor = w[FLOORS + k]
        for g in range(count):
            crosses = min(largest[g], abs(bottom[g]) * near[g])
            common = crosses if abs(own[g]) < CROSSING * largest[g] else 0.0
            floor[g] = max(ROUNDING * max(floor[g], common), least[g])


@kernel
def fill(levels, table, n, count, factor, growth, w):
    """Fill the tableau of a part of f, whose levels fall by so much, as `tableau.extrapolate`."""
    unit = factor
    for k in range(n):
        left, level, row = w[table + entry(k, 0)], w[levels + k], table + entry(k, 0)
        for g in range(count):
            left[g] = level[g] * unit
        unit, weight = unit * growth, 1.0
        for j in range(1, k + 1):
            weight *= RATIO
            to, left, above = w[row + j], w[row + j - 1], w[row - k + j - 1]
            for g in range(count):
                to[g] = left[g] + (left[g] - above[g]) / (weight - 1.0)


@kernel
def write_truncation(k, j, place, mixed, count, w):
    """Write the truncation error of the entry at a place, as `tableau.truncation`.

    The entry above it is k places before, and the one above that k - 1 places more.
    """
    to, at, least = w[ERRORS + place], TABLE + place, scale(1.0, -2 * (j + 1))
    here, left, above = w[at], w[at - 1 if j > 0 else at], w[at - k]
    if k > j:
        top = w[at - 2 * k + 1] if k > j + 1 else here
        for g in range(count):
            step, before = abs(here[g] - above[g]), abs(above[g] - top[g])
            kappa = min(max(step / before, least), SLOWEST) if before > 0.0 else least
            to[g] = max(step * kappa / (1.0 - kappa), abs(here[g] - left[g]) * least)
        return
    slanted = w[at - k - 1]
    if j == 1 or mixed == 1:
        for g in range(count):
            to[g] = max(abs(here[g] - left[g]), abs(here[g] - slanted[g]))
        return
    former, second = w[at - 2], w[at - 2 * k - 1]
    third = w[at - 3 * k] if j > 2 else second
    for g in range(count):
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
def write_noise(n, count, mixed, gain, w):
    """Write the noise that differences show which stall, as `noise.stalls`."""
    found = 0
    for part in range(2):
        order, c = 1 + mixed + part, 1 - part if mixed == 1 else part
        growth, last = scale(1.0, order), scale(1.0, -order * (n - 1))
        for j in range(n - 2):
            for k in range(max(j + 2, n - 2), n):
                newest, to = k == n - 1, w[BARS + found]
                at = TABLE + part * ENTRIES + entry(k, j)
                unit = last / gain[c][1][j] if newest else last * growth / gain[c][1][j]
                here, above, top = w[at], w[at - k], w[at - 2 * k + 1]
                below = here if newest else w[at + k + 1]
                found += 1
                for g in range(count):
                    now = abs(here[g] - above[g]) * unit
                    before = abs(above[g] - top[g]) * unit * growth
                    after = now if newest else abs(below[g] - here[g]) * unit / growth
                    stalls = now * STALL > before and after * STALL >= now
                    to[g] = now if stalls else math.inf
    sigma, room = w[SIGMA], w[SPARE]
    for g in range(count):
        few = 0
        for a in range(found):
            here_is = w[BARS + a][g]
            if here_is < math.inf:
                room[few] = here_is
                few += 1
        sigma[g] = trimmed_rms(room, few) if few > 0 else 0.0


@kernel
def choose_entries(n, count, mixed, gain, w):
    """Write which entries have the smallest bars, as `tableau.choose_entry`."""
    bar, place, sigma = w[BAR], w[PLACE], w[SIGMA]
    for g in range(count):
        bar[g], place[g] = math.inf, 1.0
    for j in range(n):
        claim = SIGMAS * gain[mixed][0][j]
        for k in range(max(1, j), n):
            here, growth = entry(k, j), scale(1.0, (1 + mixed) * k)
            number = float(here)
            errors, bars = w[ERRORS + here], w[BARS + here]
            table, floor = w[TABLE + here], w[FLOORS + k]
            for g in range(count):
                noise = claim * (max(sigma[g], floor[g]) * growth)
                bars[g] = errors[g] + noise + EPS * abs(table[g])
            for g in range(count):
                better = bars[g] < bar[g]
                place[g] = number if better else place[g]
                bar[g] = bars[g] if better else bar[g]
    value, row, excess, rivals = w[VALUE], w[ROW], w[EXCESS], w[RIVALS]
    for g in range(count):
        best = int(place[g])
        value[g], row[g], excess[g], rivals[g] = w[TABLE + best][g], float(row_of(best)), 0.0, 0.0
    for k in range(1, n):
        begin = entry(k, 0)
        first = float(begin)
        for here in range(begin, begin + k + 1):
            bars, table = w[BARS + here], w[TABLE + here]
            for g in range(count):
                off = abs(table[g] - value[g]) - bars[g]
                excess[g] = max(excess[g], off if place[g] < first else 0.0)
            for g in range(count):
                off = abs(table[g] - value[g])
                rivals[g] = max(rivals[g], off if bars[g] < RIVAL * bar[g] else 0.0)


@kernel
def predict(n, below, count, w):
    """Write how far the sample off the lattice is from what the levels say, as `noise.surprise`."""
    left_out, said, seen, flag = w[LEFT_OUT], w[SAID], w[SEEN], w[FLAG]
    least, width = float(max(0, n - 3)), scale(SKEW, below - n + 1)
    z, nearest = width * width, scale(1.0, -2 * (n - 1))
    for g in range(count):
        seen[g], flag[g] = 0.0, 0.0
    for c in range(2):
        unit, newest, apart = 1.0, w[BARS + n - 1], 1.0
        for k in range(n):
            to, level = w[BARS + k], w[c * LEVELS + k]
            for g in range(count):
                to[g] = level[g] * unit
            unit *= 2.0 * (c + 1)
        for g in range(count):
            said[g] = newest[g]
        for s in range(1, n):
            apart, near, most = apart * RATIO, nearest, float(n - s)
            for k in range(n - 1, s - 1, -1):
                to, above, far = w[BARS + k], w[BARS + k - 1], near * apart
                for g in range(count):
                    to[g] = ((far - z) * to[g] - (near - z) * above[g]) / (far - near)
                near *= RATIO
            for g in range(count):
                said[g] = newest[g] if min(left_out[g], least) < most else said[g]
        sample, spread = w[SAMPLE + c], SPREADS[1][c]
        for g in range(count):
            level_there = said[g] * width
            off = abs(sample[g] - (level_there * width if c == 1 else level_there))
            flag[g] = max(flag[g], off)
            seen[g] = together(seen[g], off / spread)


@kernel
def write_noise_seen(n, count, gain, w):
    """Write the noise with what the sample has seen, as `answer.measure`, and flag what is odd."""
    least, unit, newest = float(max(0, n - 3)), scale(1.0, -2 * (n - 1)), entry(n - 1, n - 2)
    last, above = w[OTHER_TABLE + newest], w[OTHER_TABLE + entry(n - 2, n - 2)]
    for g in range(count):
        sigma, row, left_out = w[SIGMA][g], int(w[ROW][g]), w[LEFT_OUT][g]
        floor, value = w[FLOORS + row][g], w[TABLE + entry(row, row - int(left_out))][g]
        odd = left_out > least and w[FLAG][g] > SURPRISING * max(sigma, floor)
        w[FLAG][g] = 1.0 if odd else 0.0
        seen = max(sigma, w[SEEN][g], floor)
        seen = max(seen, min(abs(last[g] - above[g]) * unit / gain[1][1][n - 2], WITNESS * seen))
        argument = ARGUMENT * ROUNDING * abs(w[FAR][g] * value)
        both = together(seen, min(argument, HIDDEN * seen))
        w[SIGMA][g] = seen if argument > REFUTED * seen else both


@kernel
def look_up(c, n, count, gain, w):
    """Flag lanes where a difference is none of an analytic f, as `roughness.unevenness`."""
    growth, analytic, table = 2.0 * (c + 1), 1.0, TABLE + c * ENTRIES
    row, flag, sigma = w[ROW], w[FLAG], w[SEEN]
    for g in range(count):
        sigma[g] = max(w[SIGMA][g], w[FLOORS + int(row[g])][g])
    for j in range(n - 2):
        analytic *= RATIO
        for k in range(j + 2, n):
            bound, unit, floor = CERTAIN * gain[c][1][j], scale(1.0, (c + 1) * k), w[FLOORS + k]
            at, first, number = table + entry(k, j), j > 0, float(k)
            here, above, top = w[at], w[at - k], w[at - 2 * k + 1]
            below = w[at + k + 1] if k < n - 1 else here
            for g in range(count):
                noise = bound * (max(sigma[g], floor[g]) * unit)
                now, before = abs(here[g] - above[g]), abs(above[g] - top[g])
                after = max(now, CHANCE * noise, 0.5 * analytic * abs(below[g] - here[g]))
                sudden = before * growth > noise and before > SUDDEN * analytic * after
                sudden = sudden and first and number <= row[g] + 1.0
                stays = now > noise and now * STALL > before * growth and number <= row[g]
                flag[g] = 1.0 if stays or sudden else flag[g]
