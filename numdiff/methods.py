"""Which points a level of steps asks for, what they are worth, and where the steps start.

Methods are data here: a table maps their names to values, and the rest of the package never asks
for a name.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np

from numdiff.arrays import Floats
from numdiff.constants import EPS

if TYPE_CHECKING:
    from numdiff.stencil import Stencil


ALL = 16  # as many as the ladder keeps levels
# what may be lost where a mantissa is compared, far more than rounding; and in bits of it
UNSURE, UNSURE_BITS = 2.0**-40, 2**13
ONE_OCTAVE = 2**52  # what a float's bits grow by from a number to twice that
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

    def on(self, side: int) -> Method:
        """Return the method, turned to a side of x."""
        return self if side == self.side else self._replace(side=side)

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
        if self.side:  # bounds, or f, leave that side only
            return _beside(self.side, order, self.stencil.accuracy)
        return level_of(self.stencil)


class Level(NamedTuple):
    """A stencil in floats: where it asks for f beside x, and what the values are worth."""

    stencil: Stencil
    offsets: Floats  # without 0 and without points of weight 0
    weights: Floats
    centre: float  # weight of f(x)
    balance: float  # h**balance is the ratio of truncation to rounding
    # offsets and weights, and the distance of the outer offsets, counting 0 if there is only one:
    # arrays without axes, by which NumPy multiplies faster than by numbers
    points: tuple[tuple[Floats, Floats], ...]
    reach: Floats


class Plan(NamedTuple):
    """What is known of one step along each of n entries of x before x is.

    Parameters
    ----------
    level : Level
        Of order 1, at P points.
    sizes : tuple of float
        The step of each entry; empty for textbook steps, which make what follows units of them.
    step : float or None
        The step of all entries.
    shifts : array (n * P, n)
        How far each point moves each entry; -0.0, which leaves all floats alone, where it does not.
    ends : (float, float, float)
        The outer offsets, of which x is one if there is a single point, and their distance.
    pair : (float, float) or None
        What two values are worth, the second one perhaps at x; None if there are more.
    centre : float
        What f(x) is worth.
    nfev : int
        How often f is asked.
    rule : (int, float)
        The exponent of the textbook step of 1, and the mantissa at which it doubles.
    """

    level: Level
    sizes: Sequence[float]
    step: np.float64 | None
    shifts: Floats
    ends: tuple[float, float, float]
    pair: tuple[float, float] | None
    centre: float
    nfev: int
    rule: tuple[int, float]

    def over(self, x: list[float], steps: Sequence[float]) -> list[float]:
        """Return 1 / h for h as it is really taken, x + h being rounded; inf where that is 0."""
        first, last, reach = self.ends
        return [
            (reach * h / far if (far := (entry + first * h) - (entry + last * h)) else math.inf) / h
            for entry, h in zip(x, steps, strict=False)
        ]

    def textbook(self, x: list[float]) -> list[float]:
        """Return `textbook` of a few floats, told from their binary exponents."""
        steps, (exponent, edge) = [], self.rule
        least = math.ldexp(1.0, exponent)
        for entry in x:
            if -1.0 <= entry <= 1.0:
                steps.append(least)
                continue
            mantissa, octave = math.frexp(abs(entry))
            if not abs(mantissa - edge) > UNSURE:  # the rounding of a logarithm decides
                return cast("list[float]", textbook(self.level, np.array(x)).tolist())
            steps.append(math.ldexp(1.0, octave + exponent - (mantissa < edge)))
        return steps


def _rule_of(level: Level) -> tuple[int, float]:
    """Return the exponent of the textbook step of 1, and the mantissa from which it doubles."""
    power = math.log2(EPS) / level.balance
    exponent = round(power)
    edge = 2.0 ** (exponent - 0.5 - power)
    return exponent, edge if 0.5 + UNSURE < edge < 1.0 - UNSURE else math.nan


def plan_of(level: Level, step: float | None, n: int) -> Plan:
    """Prepare one step along each of n entries of x."""
    width, places = level.offsets.size, np.arange(n)
    shifts = np.full((n, width, n), -0.0)
    shifts[places, :, places] = level.offsets if step is None else level.offsets * step
    first, last = float(level.offsets[0]), float(level.offsets[-1]) if width > 1 else 0.0
    pair = (*level.weights.tolist(), *([level.centre] if level.centre else []))
    return Plan(
        level, () if step is None else (step,) * n, None if step is None else np.float64(step),
        shifts.reshape(-1, n), (first, last, first - last),
        pair if len(pair) == 2 else None, level.centre,
        n * width + (level.centre != 0.0), _rule_of(level),
    )  # fmt: skip


@lru_cache(maxsize=64)
def level_of(stencil: Stencil) -> Level:
    """Turn a stencil into floats."""
    pairs = [(float(o), float(w)) for o, w in zip(stencil.offsets, stencil.weights, strict=True)]
    offsets, weights = np.array([pair for pair in pairs if pair[0] and pair[1]]).T.copy()
    for array in (offsets, weights):
        array.setflags(write=False)
    centre, balance = dict(pairs).get(0.0, 0.0), float(stencil.order + stencil.accuracy)
    points = tuple((np.array(o), np.array(w)) for o, w in zip(offsets, weights, strict=True))
    reach = np.array(offsets[0] - (offsets[-1] if offsets.size > 1 else 0.0))
    return Level(stencil, offsets, weights, centre, balance, points, reach)


def _beside(side: int, order: int, accuracy: int | None = None) -> Level:
    from numdiff.stencil import Stencil  # noqa: PLC0415 - exact fractions load when needed

    one_sided = Stencil.forward if side > 0 else Stencil.backward
    return level_of(one_sided(order) if accuracy is None else one_sided(order, accuracy))


@lru_cache(maxsize=64)
def _smallest_level(side: int, order: int) -> Level:
    if side:
        return _beside(side, order)
    from numdiff.stencil import Stencil  # noqa: PLC0415 - exact fractions load when needed

    return level_of(Stencil.central(order))


METHODS: Mapping[str, Method] = MappingProxyType(
    {
        "auto": Method("auto"),
        "richardson": Method("richardson", roams=False),
        "central": Method("central", columns=1),
        "forward": Method("forward", side=1, columns=1),
        "backward": Method("backward", side=-1, columns=1),
        "complex": Method("complex"),
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
        names = ", ".join(repr(name) for name in METHODS)
        scipys = {"2-point": "forward", "3-point": "central", "cs": "complex"}.get(method)
        hint = f": write method={scipys!r}" if scipys else ""
        raise ValueError(f"`method` must be one of {names} or a Stencil, got {method!r}{hint}")
    return METHODS[method]


@lru_cache(maxsize=16)
def first_step(order: int) -> float:
    """Return the step to start with where x and the direction are of size 1.

    The ladder climbs from there as long as larger steps promise more; noise grows with h**-order,
    so higher orders start larger.
    """
    return float(FIRST * 2.0 ** (0.65 * (order - 1)))


def rule_in_bits(level: Level) -> tuple[int, int] | None:
    """Return what takes the bits of a size to those of its step, before and after rounding down."""
    exponent, edge = _rule_of(level)
    if math.isnan(edge):
        return None
    return ONE_OCTAVE - int(np.float64(edge).view(np.int64)) % ONE_OCTAVE, exponent * ONE_OCTAVE


def textbook(level: Level, x: Floats) -> Floats:
    """Return the rule-of-thumb step of a level for each entry of x.

    Rounding eps / h**order against truncation h**accuracy is balanced at
    h = eps**(1 / (order + accuracy)), times the size of x but at least 1 (Nocedal and Wright 2006,
    section 8.1, for the first order), here rounded to a power of two so that x + h is exact.
    """
    size = np.maximum(np.abs(x), 1.0)
    rule = rule_in_bits(level)
    if rule is not None:  # the bits of size tell it sooner than a logarithm
        bits = size.view(np.int64) + rule[0]
        beside = (bits + UNSURE_BITS) & (ONE_OCTAVE - 1)
        if not (beside <= 2 * UNSURE_BITS).any():
            bits &= -ONE_OCTAVE
            bits += rule[1]
            return bits.view(np.float64)
    power = math.log2(EPS) / level.balance
    return np.asarray(2.0 ** np.rint(power + np.log2(size)))
