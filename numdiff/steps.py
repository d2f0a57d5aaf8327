"""Which points a level of steps asks for, what they are worth, and where the steps start.

Methods are data here: a table maps their names to values, and the rest of the package never asks
for a name.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from numdiff.stencil import Stencil

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

__all__ = [
    "METHODS",
    "Channels",
    "Level",
    "Method",
    "Span",
    "channels",
    "first_step",
    "level_of",
    "mixed_channels",
    "named_method",
    "textbook",
]


LEVELS = 16  # as many as the ladder keeps
ALL = LEVELS
EPS = 2.0**-52
FIRST = 1.0 / 32.0  # of the size of x, or of 1 if that is more; the ladder climbs from there


class Method(NamedTuple):
    """How a derivative is taken.

    Parameters
    ----------
    name : str
        As the user calls it.
    side : int
        0 for points on both sides of x, 1 or -1 for one side.
    columns : int
        How many columns of the extrapolation tableau may be used; 1 is no extrapolation.
    stencil : Stencil or None
        The points of a level where they are not those of `side`.
    roams : bool
        Whether steps larger than the first one may be tried.
    """

    name: str
    side: int = 0
    columns: int = ALL
    stencil: Stencil | None = None
    roams: bool = True

    def level(self, order: int) -> Level:
        """Return one level of steps, without extrapolation.

        Raises
        ------
        ValueError
            If the method is a stencil of another order.
        """
        if self.stencil is None:
            return _smallest_level(self.side, order)
        if self.stencil.order != order:
            raise ValueError(
                f"`method` is a stencil of order {self.stencil.order}, but a derivative of order "
                f"{order} is wanted: give a stencil of that order"
            )
        return level_of(self.stencil)


class Level(NamedTuple):
    """A stencil in floats: where it asks for f beside x, and what the values are worth."""

    stencil: Stencil
    offsets: Floats  # without 0 and without points of weight 0
    weights: Floats
    centre: float  # weight of f(x)
    balance: float  # h**balance is the ratio of truncation to rounding

    @property
    def reach(self) -> float:
        """Distance between the outer offsets, counting x if there is only one."""
        return float(self.offsets[0] - (self.offsets[-1] if self.offsets.size > 1 else 0.0))


def level_of(stencil: Stencil) -> Level:
    """Turn a stencil into floats."""
    pairs = [(float(o), float(w)) for o, w in zip(stencil.offsets, stencil.weights, strict=True)]
    offsets, weights = np.array([pair for pair in pairs if pair[0] and pair[1]]).T.copy()
    for array in (offsets, weights):
        array.setflags(write=False)
    centre = dict(pairs).get(0.0, 0.0)
    return Level(stencil, offsets, weights, centre, float(stencil.order + stencil.accuracy))


@lru_cache(maxsize=64)
def _smallest_level(side: int, order: int) -> Level:
    from numdiff.stencil import Stencil  # noqa: PLC0415 - exact fractions load when needed

    if side == 0:
        return level_of(Stencil.central(order))
    return level_of(Stencil.forward(order) if side > 0 else Stencil.backward(order))


METHODS: Mapping[str, Method] = MappingProxyType(
    {
        "auto": Method("auto"),
        "richardson": Method("richardson", roams=False),
        "central": Method("central", columns=1),
        "forward": Method("forward", side=1, columns=1),
        "backward": Method("backward", side=-1, columns=1),
    }
)


def named_method(method: str | Stencil) -> Method:
    """Return the method of that name, or the one of a stencil.

    Raises
    ------
    ValueError
        If there is no method of that name.
    TypeError
        If `method` is neither a name nor a stencil.
    """
    if not isinstance(method, str):
        from numdiff.stencil import Stencil  # noqa: PLC0415 - exact fractions load when needed

        if isinstance(method, Stencil):
            return Method("stencil", columns=1, stencil=method)
        raise TypeError(f"`method` must be a name or a Stencil, got {type(method).__name__}")
    if method not in METHODS:
        names = ", ".join(repr(name) for name in (*METHODS, "complex"))
        raise ValueError(f"`method` must be one of {names} or a Stencil, got {method!r}")
    return METHODS[method]


class Channels(NamedTuple):
    """How the values of f at one step become levels that the ladder extrapolates.

    A channel is a weighted sum of f(x + o h d) - f(x) over the offsets o. Divided by h**lead it has
    an expansion in powers of h**log2(ratio), in which the derivative is, but for a factor, the
    coefficient number `terms`.
    """

    offsets: Floats  # (P,)
    fold: Floats  # (C, P)
    shape: Ints  # (C, 5): lead, terms, order, ratio, columns
    factor: Floats  # (C,)
    gain: Floats  # (C, 2, LEVELS): noise of an entry, and of its difference to the one above it
    primary: int


class Span(NamedTuple):
    """Powers of two between which the steps of each of D directions may lie."""

    start: Ints
    other: Ints  # where to look if the start is outside the domain or out of scale
    highest: Ints
    lowest: Ints
    reach: Floats  # |x| / |d|


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


def _gain(spread: float, common: float, row: _Row) -> Floats:
    """Noise of the tableau's entries per unit of f's, at a smallest step of 1.

    The weights of an entry in the levels follow from extrapolating unit vectors. A level has points
    of its own, with the variance `spread`, and f(x), with the variance `common`, is in all.
    """
    tau = 2.0 ** np.arange(LEVELS - 1, -1, -1)
    z = tau ** math.log2(row.ratio)
    weights = np.diag(row.factor / tau**row.lead)
    for s in range(1, row.terms):
        weights[s:] = (weights[s:] - weights[s - 1 : -1]) / (z[s:] - z[: LEVELS - s])[:, None]
    gain = np.ones((2, LEVELS))
    for j in range(LEVELS - row.terms):
        if j:
            weights[1:] += (weights[1:] - weights[:-1]) / (float(row.ratio) ** j - 1.0)
        last = weights[-1]
        # the entry above is the same one level up: its steps are twice as large
        above = np.append(last[1:], 0.0) / 2.0**row.order
        for k, w in enumerate((last, last - above)):
            gain[k, j] = math.sqrt(spread * (w @ w) + common * w.sum() ** 2)
    return gain


def _assemble(
    offsets: tuple[float, ...], rows: tuple[_Row, ...], columns: int, **other: float
) -> Channels:
    fold = np.array([row.fold for row in rows])
    shape = np.array([(r.lead, r.terms, r.order, r.ratio, columns) for r in rows], np.int64)
    factor = np.array([row.factor for row in rows])
    common = [other.get("common", weights.sum() ** 2) for weights in fold]
    spread = [other.get("spread", weights @ weights) for weights in fold]
    gain = np.array([_gain(s, c, row) for s, c, row in zip(spread, common, rows, strict=True)])
    points = np.array(offsets)
    for array in (points, fold, shape, factor, gain):
        array.setflags(write=False)
    return Channels(points, fold, shape, factor, gain, int(other.get("primary", 0)))


@lru_cache(maxsize=64)
def channels(method: Method, order: int) -> Channels:
    """Return the channels of a method for a derivative of that order.

    Pairs x +- h d give an odd and an even part of f, both with expansions in h**2. The derivative
    is in one of them; the other one is a second witness of noise and of how fast f varies. Points
    on one side give a single channel with an expansion in h.
    """
    if method.stencil is not None:
        level = method.level(order)
        row = _Row(tuple(level.weights), order, 1, 2**method.stencil.accuracy, 1.0)
        return _assemble(tuple(level.offsets), (row,), method.columns)
    if method.side:
        # s (f(x + s h) - f(x)) begins with h f'(x) on either side s
        sign = method.side ** (order + 1)
        row = _Row((float(method.side),), 1, order, 2, float(sign * math.factorial(order)))
        return _assemble((float(method.side),), (row,), method.columns)
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
        return _assemble((1.0,), (_Row((1.0,), 2, 1, 2, 1.0),), ALL, spread=3.0, common=1.0)
    rows = (_Row((0.5, -0.5), 3, 1, 4, 1.0), _Row((0.5, 0.5), 2, 1, 4, 1.0))
    return _assemble((1.0, -1.0), rows, ALL, spread=1.5, primary=1)


def first_step(order: int) -> float:
    """Return the step to start with where x and the direction are of size 1.

    The ladder climbs from there as long as larger steps promise more; noise grows with h**-order,
    so higher orders start larger.
    """
    return float(FIRST * 2.0 ** (0.65 * (order - 1)))


def textbook(level: Level, x: Floats) -> Floats:
    """Return the rule-of-thumb step of a level for each entry of x.

    Rounding eps / h**order against truncation h**accuracy is balanced at
    h = eps**(1 / (order + accuracy)), times the size of x but at least 1 (Nocedal and Wright 2006,
    section 8.1, for the first order), here rounded to a power of two so that x + h is exact.
    """
    power = math.log2(EPS) / level.balance
    return np.asarray(2.0 ** np.rint(power + np.log2(np.maximum(np.abs(x), 1.0))))
