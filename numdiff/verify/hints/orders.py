"""Entries of a derivative that stand in the place of others."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from numdiff.verify.arrays import Ints, Mask
from numdiff.verify.hints.ideas import CLUSTERS, WIDE, Idea, View, listed

ORDERS = 64  # largest length for which every shift is tried


def orders(view: View, *, every: bool) -> Iterator[Idea]:
    """Yield orders of the entries under which all fit, or every order if so asked."""
    analytic, numerical, bars = view.evidence[:3]
    for words, price, index in _permutations(view):
        moved = analytic.ravel()[index].reshape(analytic.shape)
        fits = (np.abs(moved - numerical) <= bars) | np.isnan(numerical)
        if every or fits.all():
            yield Idea(words, price, 0, view.wrong, moved)


def _permutations(view: View) -> Iterator[tuple[str, float, Ints]]:
    """Yield named orders: words, price, and which entry belongs at each flat place."""
    m, n = view.wrong.shape
    place = np.arange(m * n).reshape(m, n)
    if m == n > 1:
        yield "the matrix is transposed", 0.5, place.T.ravel()
    elif min(m, n) > 1:
        words = "the entries are in Fortran order: reshaped in the wrong order"
        yield words, 0.5, place.ravel().reshape((m, n), order="F").ravel()
    for axis, length in enumerate((m, n)):
        for words, price, order in _orders_of(_lines(view, axis), length):
            yield words, price, np.take(place, order, axis=axis).ravel()


def _orders_of(name: str, length: int) -> Iterator[tuple[str, float, Ints]]:
    """Yield named orders of so many rows, columns or entries."""
    order = np.arange(length)
    if length > 2:
        yield f"the {name} are in reverse order", 1.0, order[::-1]
    for rows in range(2, length // 2 + 1):
        if length % rows == 0:
            shape = f"a {rows} x {length // rows} array is transposed (C against Fortran)"
            # the array was walked through down its columns
            turned = order.reshape(length // rows, rows).T.ravel()
            yield f"the {name} are in the wrong order: {shape}", 1.0, turned
    shifts = range(1, length) if length <= ORDERS else (1, 2, length - 2, length - 1)
    for shift in shifts if length > 2 else ():
        step = shift if shift <= length // 2 else shift - length
        off = ", index off by one" * (abs(step) == 1)
        stands = f"place {max(step, 0)} holds what belongs to {max(-step, 0)}"
        words = f"the {name} are rolled by {step}: {stands}{off}"
        yield words, 0.7 + math.log10(abs(step)), np.roll(order, -step)


def _lines(view: View, axis: int) -> str:
    return "entries" if min(view.wrong.shape) == 1 else ("rows", "columns")[axis]


def moves(view: View) -> Iterator[Idea]:
    """Yield rows, columns or entries that hold what belongs to others."""
    analytic, numerical, bars = view.evidence[:3]
    m, n = analytic.shape
    views = [(1, n)] if m == 1 else [(0, m)] if n == 1 else [(0, m), (1, n)]
    for axis, length in views:
        a, d, b = (
            np.moveaxis(part, axis, 0).reshape(length, -1) for part in (analytic, numerical, bars)
        )
        lines = np.flatnonzero(view.wrong.any(axis=1 - axis))
        if lines.size * length * a.shape[1] <= WIDE:
            # held[k, j]: what stands in wrong line k would be right in line j
            lost = np.isnan(d)
            held = np.stack([((np.abs(a[k] - d) <= b) | lost).all(axis=1) for k in lines])
            yield from _permutation(view, axis, lines, held[:, lines].T)
            # a line of which nothing is known fits everything, and so speaks for nothing
            yield from _copies(view, axis, lines, held & ~lost.all(axis=1))


def _permutation(view: View, axis: int, lines: Ints, fits: Mask) -> Iterator[Idea]:
    """Yield the lines that are right in another order."""
    source = np.full(lines.size, -1)
    for table in (fits & fits.T, fits):  # pairs first
        for j, k in np.argwhere(table):
            if source[j] < 0 and k not in source:
                source[j] = k
    closed = source >= 0
    for _ in lines:  # without those whose own place nothing fits
        closed &= closed[source] & np.isin(np.arange(lines.size), source[closed])
    if not closed.any():
        return
    here, there = lines[closed], lines[source[closed]]
    order = np.arange(view.wrong.shape[axis])
    order[here] = there
    words = f"are permuted: what belongs to {listed(here)} stands in {listed(there)}"
    if here.size == 2:
        words = f"{here[0]} and {here[1]} are swapped"
    price = math.lgamma(here.size + 1) / math.log(10.0)
    corrected = np.take(view.evidence.analytic, order, axis=axis)
    words = f"the {_lines(view, axis)} {words}"
    yield Idea(words, price, 0, _wrong_in(view, axis, here), corrected)


def _copies(view: View, axis: int, lines: Ints, held: Mask) -> Iterator[Idea]:
    """Yield the lines that hold a derivative of another index."""
    length = view.wrong.shape[axis]
    places = np.arange(length)[None, :]
    beside, words = places - lines[:, None], "index off by one: {0} stands what belongs to the "
    sought = [(f"{words}next index", beside == 1), (f"{words}previous index", beside == -1)]
    known = np.flatnonzero(held.any(axis=0))[:CLUSTERS]
    sought += [(f"wrong index: {{0}} stands what belongs to index {j}", places == j) for j in known]
    analytic, numerical = view.evidence.analytic, view.evidence.numerical
    for words, meant in sought:
        at = (held & meant).any(axis=1)
        if at.any():
            mended = _wrong_in(view, axis, lines[at])
            corrected = np.where(mended, numerical, analytic)
            yield Idea(words, 0.5 + math.log10(length), 0, mended, corrected, analytic)


def _wrong_in(view: View, axis: int, lines: Ints) -> Mask:
    """Return the wrong entries in some rows or columns."""
    chosen = np.isin(np.arange(view.wrong.shape[axis]), lines)
    return np.asarray(view.wrong & (chosen[:, None] if axis == 0 else chosen))
