"""Greedy colourings in flat loops: of columns, and of the vertices of a symmetric pattern.

Patterns are columns compressed, `pointers` (n + 1,) and `indices` (entries,), sorted and without
duplicates. In a symmetric one a column holds the neighbours of a vertex, itself perhaps among them.
"""

import math

import numpy as np

from numdiff.ladder.runtime import kernel, stands_in
from numdiff.methods import ONE_OCTAVE, UNSURE_BITS

BITS = 62  # colours in a word, so that no mask is negative
FULL = 2**BITS - 1
NONE = -1
SIZE, ONE = 2**63 - 1, 1023 * ONE_OCTAVE  # of the bits of a float all but its sign, and those of 1


@kernel
def first_fit(order, earliest, pointers, indices, masks, waiting, done, colors):
    """Give each column, in this order, the first colour that no column in a row of its own has.

    A row's mask holds which colours of one word are taken, and words are filled one after the
    other: a column that finds no room waits for the next word. So work is linear in the entries for
    each word, and what is held does not grow with the number of colours. `order` is sorted by the
    `earliest` word of each column; masks (m,) are 0. Returns the number of colours.
    """
    word, following, left, count = 0, 0, 0, 0
    while left > 0 or following < order.size:
        if left == 0:
            word = earliest[order[following]]
        while following < order.size and earliest[order[following]] <= word:
            waiting[left] = order[following]
            left, following = left + 1, following + 1
        kept, placed = 0, 0
        for a in range(left):
            j, mask = waiting[a], 0
            for k in range(pointers[j], pointers[j + 1]):
                mask |= masks[indices[k]]
            if mask == FULL:
                waiting[kept] = j
                kept += 1
                continue
            free = ~mask & (mask + 1)
            for k in range(pointers[j], pointers[j + 1]):
                masks[indices[k]] |= free
            bit = 0
            while free > 1:
                free, bit = free >> 1, bit + 1
            colors[j] = word * BITS + bit
            count = max(count, colors[j] + 1)
            done[placed] = j
            placed += 1
        for a in range(placed):
            for k in range(pointers[done[a]], pointers[done[a] + 1]):
                masks[indices[k]] = 0
        left, word = kept, word + 1
    return count


@kernel
def words(order, pointers, indices, counts, most, seen, earliest):
    """Write the word in which each column can have room at the earliest, as far as long rows tell.

    The columns in a row all have different colours, so of one with more than `most` entries each
    word takes so many of them only: to try the words before would take quadratic time.
    """
    for a in range(order.size):
        j = order[a]
        earliest[j] = 0
        for k in range(pointers[j], pointers[j + 1]):
            r = indices[k]
            if counts[r] > most:
                earliest[j] = max(earliest[j], seen[r] // BITS)
                seen[r] += 1


@kernel
def company(pointers, indices, counts, totals):
    """Write how many other entries stand in the rows of each column: about its conflicts."""
    for j in range(totals.size):
        totals[j] = 0
        for k in range(pointers[j], pointers[j + 1]):
            totals[j] += counts[indices[k]] - 1


@kernel
def clash(order, pointers, indices, colors, owner):
    """Return two columns of one colour that meet in a row, and the row, or -1 thrice.

    `order` is sorted by colour; owner (m,) is -1.
    """
    for a in range(order.size):
        j = order[a]
        for k in range(pointers[j], pointers[j + 1]):
            other = owner[indices[k]]
            if other >= 0 and colors[other] == colors[j]:
                return other, j, indices[k]
            owner[indices[k]] = j
    return NONE, NONE, NONE


@kernel
def twins(pointers, indices, following, twin):
    """Write for each entry (i, j) of a symmetric pattern where (j, i) stands.

    `following` (n,) is room to work in.
    """
    n = following.size
    for j in range(n):
        following[j] = pointers[j]
    for j in range(n):
        for k in range(following[j], pointers[j + 1]):
            i = indices[k]  # at least j: all before were found from the other side
            other = following[i]
            twin[k], twin[other] = other, k
            following[i] += 1


@kernel
def smallest_last(pointers, indices, degrees, begin, place, order):
    """Write an order in which each vertex has the fewest neighbours among those before it.

    Matula and Beck (1983), doi:10.1145/2402.322385: the vertex of least degree is taken away again
    and again, and comes after all that are left. `order` (n,), `place` (n,), degrees (n,), which
    count no vertex for itself, and begin (n + 1,) are room to work in.
    """
    n = degrees.size
    for v in range(n + 1):
        begin[v] = 0
    for v in range(n):
        begin[degrees[v]] += 1
    total = 0
    for d in range(n + 1):
        total, begin[d] = total + begin[d], total
    for v in range(n):
        place[v] = begin[degrees[v]]
        order[place[v]] = v
        begin[degrees[v]] += 1
    for d in range(n, 0, -1):
        begin[d] = begin[d - 1]
    begin[0] = 0
    for a in range(n):  # `order` is sorted by degree, and stays so
        v = order[a]
        for k in range(pointers[v], pointers[v + 1]):
            u = indices[k]
            if degrees[u] > degrees[v]:
                first = begin[degrees[u]]
                other = order[first]
                order[first], order[place[u]] = u, other
                place[u], place[other] = first, place[u]
                begin[degrees[u]] += 1
                degrees[u] -= 1
    for a in range(n // 2):
        order[a], order[n - 1 - a] = order[n - 1 - a], order[a]


@kernel
def stars(order, pointers, indices, twin, colors, star, hub, forbidden, near, near_place, treated):
    """Give each vertex the first colour that leaves a path of four vertices in three colours.

    Gebremedhin, Tarafdar, Manne and Pothen (2007), doi:10.1137/050639879, algorithm 4.1: the
    vertices of two colours make stars, and a vertex looks at the hubs of the stars around it only.
    star (entries,) numbers the star of an edge, where the first of its two entries stands; hub
    (entries,) is the centre of a star, -1 as long as it has one edge. All arrays are -1 at first.
    Returns the number of colours.
    """
    count = 0
    for a in range(order.size):
        v = order[a]
        for k in range(pointers[v], pointers[v + 1]):
            w = indices[k]
            c = colors[w]
            if w == v or c < 0:
                continue
            forbidden[c] = v
            if near[c] == v:  # two neighbours of one colour: v will be the hub
                other = indices[near_place[c]]
                block(v, other, pointers, indices, colors, forbidden, treated)
                block(v, w, pointers, indices, colors, forbidden, treated)
                continue
            near[c], near_place[c] = v, k
            for e in range(pointers[w], pointers[w + 1]):
                x = indices[e]
                if x != v and x != w and colors[x] >= 0 and hub[star[min(e, twin[e])]] == x:
                    forbidden[colors[x]] = v
        c = 0
        while forbidden[c] == v:
            c += 1
        colors[v] = c
        count = max(count, c + 1)
        attach(v, pointers, indices, twin, colors, star, hub, near, near_place)
    return count


@kernel
def block(v, w, pointers, indices, colors, forbidden, treated):
    """Forbid v the colours of all neighbours of w."""
    if treated[w] == v:
        return
    for e in range(pointers[w], pointers[w + 1]):
        x = indices[e]
        if x != w and colors[x] >= 0:
            forbidden[colors[x]] = v
    treated[w] = v


@kernel
def attach(v, pointers, indices, twin, colors, star, hub, near, near_place):
    """Note which stars the edges of v, which has its colour now, belong to."""
    for k in range(pointers[v], pointers[v + 1]):
        w, here = indices[k], min(k, twin[k])
        if w == v or colors[w] < 0:
            continue
        found = NONE
        for e in range(pointers[w], pointers[w + 1]):
            x = indices[e]
            if x != v and x != w and colors[x] == colors[v]:
                found = min(e, twin[e])
                break
        first = near_place[colors[w]]
        if found >= 0:
            star[here] = star[found]
            hub[star[here]] = w
        elif near[colors[w]] == v and first != k:
            star[here] = star[min(first, twin[first])]
            hub[star[here]] = v
        else:
            star[here] = here  # a star of its own, with no hub yet


@kernel
def sources(pointers, indices, twin, colors, tally, rows, columns):
    """Write from which row and column of the compressed matrix each entry of a symmetric one comes.

    Row i of the columns that have one colour, summed, is entry (i, j) where j alone has it there;
    (i, j) and (j, i) come from the same place. Returns an entry that cannot be read, or -1. tally
    (colours,) is 0.
    """
    n, lost = pointers.size - 1, NONE
    for i in range(n):
        for k in range(pointers[i], pointers[i + 1]):
            tally[colors[indices[k]]] += 1
        for k in range(pointers[i], pointers[i + 1]):
            rows[k] = i if tally[colors[indices[k]]] == 1 else NONE
        for k in range(pointers[i], pointers[i + 1]):
            tally[colors[indices[k]]] = 0
    for i in range(n):
        for k in range(pointers[i], pointers[i + 1]):
            j, other = indices[k], twin[k]
            if j > i:
                continue
            if rows[k] == NONE and rows[other] == NONE:
                lost = k
            elif rows[k] == i:
                rows[k] = rows[other] = i
                columns[k] = columns[other] = j
            else:
                rows[k] = rows[other] = j
                columns[k] = columns[other] = i
    return lost


@kernel
def scatter(starts, index, weight, pointers, places, rows, lines, entries):
    """Write what directions say of the entries of the columns that they move to their places.

    `starts`, `index` and `weight` are the directions (D), `lines` arrays (D, m) of value, error,
    status, step and noise along them, `entries` such arrays (entries,). The entries of column j are
    those from pointers[j] on: they stand in these rows and go to these places.
    """
    value, error, status, step, noise = lines
    values, errors, codes, steps, noises = entries
    for d in range(starts.size):
        stop = starts[d + 1] if d + 1 < starts.size else index.size
        for a in range(starts[d], stop):
            length = abs(weight[a])
            for q in range(pointers[index[a]], pointers[index[a] + 1]):
                k, i = places[q], rows[q]
                values[k], errors[k] = value[d, i] / weight[a], error[d, i] / length
                codes[k], steps[k], noises[k] = status[d, i], step[d, i] * length, noise[d, i]


@kernel
def textbook(x, before, after, steps):
    """Write the steps of a rule as `methods.textbook` does, all of them in bits; tell if it may."""
    sure = True
    for j in range(x.size):
        bits = max(x[j] & SIZE, ONE) + before
        sure &= (bits + UNSURE_BITS) & (ONE_OCTAVE - 1) > 2 * UNSURE_BITS
        steps[j] = (bits & -ONE_OCTAVE) + after
    return sure


@stands_in(textbook)
def no_textbook(*_):
    """Leave that to array operations."""
    return False


@kernel
def displace(x, owner, weight, steps, offsets, begin, first, block):
    """Write the points x + o h d of directions with these steps (D,) to block (L, n).

    They are numbered by direction, then by offset, from ``begin + first`` on. `owner` (n,) says
    which direction moves an entry of x, and `weight` how far where t is 1.
    """
    for a in range(block.shape[0]):
        d, p = divmod(begin + first + a, offsets.size)
        t, point = offsets[p] * steps[d], block[a]
        for j in range(x.size):
            point[j] = x[j] + t * weight[j] if owner[j] == d else x[j]


@stands_in(displace)
def displace_in_arrays(x, owner, weight, steps, offsets, begin, first, block):
    """Do as `displace`."""
    for a, point in enumerate(block):
        d, p = divmod(begin + first + a, offsets.size)
        point[:] = x
        moved = np.flatnonzero(owner == d)
        point[moved] += offsets[p] * steps[d] * weight[moved]


@kernel
def stray(x, weight, shares, offsets, first, block):
    """Write points x + o d to block (L, n), from the `first` on: columns go shares of `weight`."""
    for a in range(block.shape[0]):
        t, point = offsets[first + a], block[a]
        for j in range(x.size):
            point[j] = x[j] + t * (weight[j] * shares[j])


@stands_in(stray)
def stray_in_arrays(x, weight, shares, offsets, first, block):
    """Do as `stray`."""
    block[:] = x + offsets[first : first + len(block), None] * (weight * shares)


@kernel
def add_up(first, values, weights, centre, f0, scale, sums):
    """Add what values (L, m) at points of directions are worth to `sums` (D, m).

    They are numbered as those of `displace`; with the last of a direction comes its share of f0,
    and then the `scale` (D or 0,): what is no finite number by that becomes nan.
    """
    for a in range(values.shape[0]):
        d, p = divmod(first + a, weights.size)
        row, total, worth = values[a], sums[d], weights[p]
        start, last = p == 0, p == weights.size - 1
        factor = scale[d] if scale.size > 0 and last else 1.0
        for i in range(row.size):
            value = worth * row[i]
            if not start:
                value = total[i] + value
            if last and centre != 0.0:
                value += centre * f0[i]
            if last and scale.size > 0:
                value = value * factor if math.isfinite(value * factor) else math.nan
            total[i] = value


@stands_in(add_up)
def add_up_in_arrays(first, values, weights, centre, f0, scale, sums):
    """Do as `add_up`."""
    for a, row in enumerate(values):
        d, p = divmod(first + a, weights.size)
        sums[d] = weights[p] * row if p == 0 else sums[d] + weights[p] * row
        if p < weights.size - 1:
            continue
        if centre != 0.0:
            sums[d] += centre * f0
        if scale.size > 0:
            sums[d] *= scale[d]
            sums[d, ~np.isfinite(sums[d])] = math.nan


@kernel
def read_off(first, owner, weight, pointers, places, rows, shares, sums, value, off):
    """Write the slopes that single steps say, sums (D, m) by lengths, where they belong.

    The directions are those from the `first` on. All columns are passed once, in their order: it is
    memory that takes time here. Where there are no `places` entries stand in the order in which
    they are read. The entries times a vector are taken off `off` (m or 0,) at once, as `contrast`
    does: of so large `shares` (n or 0,) of how far columns move.
    Returns how many slopes are no numbers.
    """
    lost = 0
    for j in range(owner.size):
        d = owner[j] - first
        if d < 0 or d >= sums.shape[0]:
            continue
        length, row = weight[j], sums[d]
        share = length * shares[j] if shares.size > 0 else 0.0
        for q in range(pointers[j], pointers[j + 1]):
            i = rows[q]
            total = row[i] / length
            value[places[q] if places.size > 0 else q] = total
            lost += total != total  # noqa: PLR0124 - without a branch
            if shares.size > 0:
                off[i] -= total * share
    return lost


@kernel
def differs(slope, off, f0, share, rounded):
    """Say whether a slope is not what is `off` it, up to shares of that and of f0 (m or 0,)."""
    found = False
    for i in range(slope.size):  # without a branch
        bar = share * abs(off[i])
        if f0.size > 0:
            bar += rounded * abs(f0[i])
        found |= abs(slope[i] + off[i]) > bar
    return found


@kernel
def contrast(pointers, indices, vector, data, bars, share, off, bar):
    """Take a sparse matrix times a vector off `off` (m,), and add what bars allow to `bar` (m,).

    What an entry may be off is so large a `share` of its bar.
    """
    for j in range(vector.size):
        for k in range(pointers[j], pointers[j + 1]):
            off[indices[k]] -= data[k] * vector[j]
            bar[indices[k]] += share * abs(bars[k] * vector[j])
