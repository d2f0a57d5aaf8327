"""How the values of f at one step become levels that the ladder extrapolates."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from numdiff.arrays import Floats, Ints
from numdiff.ladder.registers import COLUMNS, ORDER, SLOTS
from numdiff.methods import ALL, Method


class Channels(NamedTuple):
    """How the values of f at one step become levels that the ladder extrapolates.

    A channel is a weighted sum of f(x + o h d) - f(x) over the offsets o. Divided by h**lead it has
    an expansion in powers of h**log2(ratio), in which the derivative is, but for a factor, the
    coefficient number `terms`.
    """

    offsets: Floats  # (P,)
    fold: Floats  # (C, P)
    shape: Ints  # (C, 6): lead, terms, order, ratio, columns, steady
    factor: Floats  # (C,)
    gain: Floats  # (C, 2, SLOTS): noise of an entry, and of its difference to the one above it
    primary: int


class Span(NamedTuple):
    """Powers of two between which the steps of each of D directions may lie."""

    start: Ints
    other: Ints  # where to look if the start is outside the domain or out of scale
    highest: Ints
    lowest: Ints
    reach: Floats  # |x| / |d|

    def pick(self, rows: Ints) -> Span:
        """Return the span of some directions."""
        start, other, highest, lowest, reach = self
        return Span(start[rows], other[rows], highest[rows], lowest[rows], reach[rows])


class Limits(NamedTuple):
    """What says where the steps of D directions may lie: `points.span` makes a span of it."""

    first: float  # the step to start with where x and the direction are of size 1
    steps: Floats  # (D or 0,): the user's
    roams: bool  # whether larger ones may be tried
    ahead: Floats  # (D or 0,): how far t may go
    behind: Floats

    def pick(self, rows: Ints) -> Limits:
        """Return the limits of some directions."""
        first, steps, roams, ahead, behind = self
        steps, ahead, behind = (
            part[rows] if part.size else part for part in (steps, ahead, behind)
        )
        return Limits(first, steps, roams, ahead, behind)


class _Row(NamedTuple):
    """One channel: the weights of its points, and how its levels become a derivative."""

    fold: tuple[float, ...]
    lead: int
    terms: int
    ratio: int
    factor: float

    @property
    def order(self) -> int:
        return self.lead + (self.terms - 1) * (self.ratio.bit_length() - 1)


def _gain(row: _Row, spread: float) -> Floats:
    """Noise of the tableau's entries per unit of f's, at a smallest step of 1.

    The weights of an entry in the levels follow from extrapolating unit vectors. A level has points
    of its own, with the variance `spread`, and f(x), with the variance `common`, is in all.
    """
    common = sum(row.fold) ** 2
    tau = 2.0 ** np.arange(SLOTS - 1, -1, -1)
    z = tau ** math.log2(row.ratio)
    weights = np.diag(row.factor / tau**row.lead)
    for s in range(1, row.terms):
        weights[s:] = (weights[s:] - weights[s - 1 : -1]) / (z[s:] - z[: SLOTS - s])[:, None]
    gain = np.ones((2, SLOTS))
    for j in range(SLOTS - row.terms):
        if j:
            weights[1:] += (weights[1:] - weights[:-1]) / (float(row.ratio) ** j - 1.0)
        last = weights[-1]
        # the entry above is the same one level up: its steps are twice as large
        above = np.append(last[1:], 0.0) / 2.0**row.order
        for k, w in enumerate((last, last - above)):
            gain[k, j] = math.sqrt(spread * (w @ w) + common * w.sum() ** 2)
    return gain


def _assemble(
    offsets: tuple[float, ...],
    rows: tuple[_Row, ...],
    columns: int,
    primary: int = 0,
    spread: float | None = None,
    steady: int = 0,
) -> Channels:
    """Put channels together; the points of each have the variance `spread`, or that of its fold."""
    fold = np.array([row.fold for row in rows])
    laws = [(r.lead, r.terms, r.order, r.ratio, columns, steady) for r in rows]
    shape = np.array(laws, np.int64)
    factor = np.array([row.factor for row in rows])
    gain = np.array([_gain(row, spread or np.dot(row.fold, row.fold)) for row in rows])
    points = np.array(offsets)
    for array in (points, fold, shape, factor, gain):
        array.setflags(write=False)
    return Channels(points, fold, shape, factor, gain, primary)


def extrapolated(channels: Channels) -> bool:
    """Whether levels are extrapolated, and not just compared."""
    return bool(channels.shape[channels.primary, COLUMNS] > 1)


def pairs_of_first_order(channels: Channels) -> bool:
    """Whether levels are pairs around x, from which a first derivative is extrapolated."""
    first = channels.shape[channels.primary, ORDER] == 1
    return len(channels.fold) == 2 and bool(first) and extrapolated(channels)


@lru_cache(maxsize=64)
def channels(method: Method, order: int) -> Channels:
    """Return the channels of a method for a derivative of that order.

    Pairs x +- h d give an odd and an even part of f, both with expansions in h**2. The derivative
    is in one of them; the other one is a second witness of noise and of how fast f varies. Points
    on one side give a single channel with an expansion in h.
    """
    if method.stencil is not None:
        level = method.level(order)
        row = _Row(tuple(level.weights), order, 1, 2**level.stencil.accuracy, 1.0)
        return _assemble(tuple(level.offsets), (row,), method.columns)
    if method.side:
        # s (f(x + s h) - f(x)) begins with h f'(x) on either side s
        side = float(method.side)
        row = _Row((side,), 1, order, 2, side ** (order + 1) * math.factorial(order))
        return _assemble((side,), (row,), method.columns)
    odd, even = order + 1 - order % 2, order + order % 2
    rows = (
        _Row((0.5, -0.5), 1, (odd + 1) // 2, 4, float(math.factorial(odd))),
        _Row((0.5, 0.5), 2, even // 2, 4, float(math.factorial(even))),
    )
    return _assemble((1.0, -1.0), rows, method.columns, primary=1 - order % 2)


@lru_cache(maxsize=64)
def mixed_channels(*, one_sided: bool) -> Channels:
    """Return the channels of mixed second differences of two directions.

    (f(++) + f(--) - f(+0) - f(-0) - f(0+) - f(0-) + 2 f(00)) / (2 h**2), the even part along the
    sum of both less those along each: three pairs bring noise, and f(x) stays in once. The odd part
    begins with h**3 and is a witness of noise. On one side (f(++) - f(+0) - f(0+) + f(00)) / h**2,
    with an expansion in h.
    """
    if one_sided:
        return _assemble((1.0,), (_Row((1.0,), 2, 1, 2, 1.0),), ALL, spread=3.0, steady=1)
    rows = (_Row((0.5, -0.5), 3, 1, 4, 1.0), _Row((0.5, 0.5), 2, 1, 4, 1.0))
    return _assemble((1.0, -1.0), rows, ALL, spread=1.5, primary=1, steady=1)
