"""The ways in which users write bounds, read as a box."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from numdiff.arrays import Array, Floats, Mask
from numdiff.geometry.domain import Box
from numdiff.naming import Named, has_names

SIDES, PAIRS = "(lower, upper)", "one (lower, upper) pair for each entry"
WAYS_OUT = "give scipy.optimize.Bounds(lower, upper) or a tuple (lower, upper)"


class _Reading(NamedTuple):
    """One way in which bounds can be read."""

    way: str
    box: Box

    def outside(self, x: Floats) -> Array:
        """Return the entries of x that lie outside."""
        return np.flatnonzero(~((self.box.lower <= x) & (x <= self.box.upper)))


def box_of(bounds: Any, x: Floats, named: Named | None = None) -> Box:
    """Read bounds: Bounds, a tuple of two sides, a list of pairs, or a dict of pairs.

    Raises
    ------
    ValueError
        If they cannot be read, or in two ways; if a lower one is above its upper one; if x lies
        outside.
    """
    if hasattr(bounds, "lb") and hasattr(bounds, "ub"):  # SciPy's, which is not imported for it
        bounds = bounds.lb, bounds.ub
    if has_names(bounds):
        bounds = _by_name(bounds, named)
    readings = list(_readings(bounds, x.shape))
    if not readings:
        raise ValueError(
            "`bounds` must be (lower, upper), numbers or arrays like x, or a list of a pair for "
            f"each entry of x, of shape {x.shape}; None is no bound; got {bounds!r}"
        )
    flat, chosen = x.ravel(), readings[0]
    if len(readings) == 2 and not isinstance(bounds, tuple):
        other = readings[1]
        same = all(np.array_equal(*sides) for sides in zip(chosen.box, other.box, strict=True))
        if not (same or chosen.outside(flat).size or other.outside(flat).size):
            raise ValueError(
                f"`bounds` {bounds!r} can be read as {PAIRS} and as {SIDES}, and x lies inside "
                f"either way: {WAYS_OUT}"
            )
    _require(chosen, flat, named, x.shape)
    return chosen.box


def _require(reading: _Reading, x: Floats, named: Named | None, shape: tuple[int, ...]) -> None:
    """Raise ValueError unless lower bounds are below upper ones and x lies between."""
    lower, upper = reading.box
    if (lower > upper).any():
        k = int(np.flatnonzero(lower > upper)[0])
        raise ValueError(
            f"`bounds` are reversed: {_entry(k, named, shape)} has the lower bound {lower[k]} "
            f"above the upper bound {upper[k]}; they were read as {reading.way}"
        )
    for k in reading.outside(x)[:1]:
        raise ValueError(
            f"`x` must lie inside `bounds`, but {_entry(k, named, shape)} is {x[k]} and its bounds "
            f"are [{lower[k]}, {upper[k]}]; they were read as {reading.way}: move x, or {WAYS_OUT}"
        )


def _entry(k: int, named: Named | None, shape: tuple[int, ...]) -> str:
    if named is not None:
        return f"entry {named.names[k]!r}"
    where = tuple(int(i) for i in np.unravel_index(k, shape)) if shape else ()
    return f"entry {where[0] if len(where) == 1 else where}"


def _by_name(bounds: Any, named: Named | None) -> tuple[Floats, Floats]:
    """Turn bounds by name into two sides; what has no name there has no bounds."""
    if named is None:
        raise ValueError("`bounds` are a dict, so x must be one with the same keys")
    unknown = [key for key in bounds.keys() if key not in named.shapes]  # noqa: SIM118
    if unknown:
        raise ValueError(f"`bounds` have the keys {unknown}, which x lacks: {list(named.shapes)}")
    sides: list[list[Floats]] = [[np.empty(0)], [np.empty(0)]]
    for key, shape in named.shapes.items():
        pair = bounds.get(key)
        reading = next(_readings((None, None) if pair is None else pair, shape), None)
        if reading is None:
            raise ValueError(f"`bounds[{key!r}]` must be (lower, upper), got {pair!r}")
        for side, part in zip(sides, reading.box, strict=True):
            side.append(part)
    lower, upper = (np.concatenate(side) for side in sides)
    return lower, upper


def _readings(bounds: Any, shape: tuple[int, ...]) -> Iterator[_Reading]:
    """Yield the ways in which bounds can be read, the one that their type says first."""
    ways = (_sides, _pairs) if isinstance(bounds, tuple) else (_pairs, _sides)
    for way in ways:
        try:
            yield way(bounds, shape)
        except (TypeError, ValueError):
            continue


def _sides(bounds: Any, shape: tuple[int, ...]) -> _Reading:
    lower, upper = bounds
    return _Reading(SIDES, Box(_side(lower, shape, -np.inf), _side(upper, shape, np.inf)))


def _pairs(bounds: Any, shape: tuple[int, ...]) -> _Reading:
    nested = isinstance(bounds, np.ndarray) and bounds.shape == (*shape, 2)
    rows = bounds.reshape(-1, 2) if nested else bounds
    if len(rows) != math.prod(shape):
        raise ValueError
    pairs = [(None, None) if row is None else tuple(row) for row in rows]
    lower, upper = zip(*pairs, strict=True)
    return _Reading(
        PAIRS, Box(_side(lower, (len(rows),), -np.inf), _side(upper, (len(rows),), np.inf))
    )


def _side(side: Any, shape: tuple[int, ...], endless: float) -> Floats:
    """Return one bound for each entry, flat; None is none."""
    numbers = np.asarray(side, np.float64)
    missing = np.isnan(numbers)
    if missing.any():
        none: Mask = np.vectorize(lambda entry: entry is None, [bool])(np.array(side, object))
        if (missing & ~none).any():
            raise ValueError
        numbers = np.where(none, endless, numbers)
    return np.broadcast_to(numbers, shape).ravel()
