"""Where noisy functions are asked, and what combinations of their values expand in.

The places are near those that give the coefficient of a polynomial the least variance: extrema of
Chebyshev polynomials, each asked in proportion to its weight (Hoel and Levine 1964, Ann. Math.
Statist. 35:1553; Kiefer and Wolfowitz 1965, Ann. Math. Statist. 36:1627).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from numdiff.drivers.derivatives import Problem
from numdiff.drivers.sampling import Samples, sample
from numdiff.geometry.directions import Directions, combine, joined
from numdiff.regression.posterior import Basis

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

__all__ = ["Design", "Taken", "across", "along", "places"]


TERMS = 12  # powers of a basis: as many as a few windows have distances
SPARE = 3  # powers after the wanted one for which the places are chosen
FEWEST = 6  # samples of a batch made of several values, at least
NEAREST = 1.0 / 16.0  # place of the samples that should be at x, where f is asked only once
JITTER = 0.15  # how far places move inwards from batch to batch
# fractional parts of their multiples fill the unit square evenly (Roberts' plastic-number lattice)
SPREAD = np.array([0.7548776662466927, 0.5698402909980532])


class Taken(NamedTuple):
    """Samples at P places of D directions."""

    values: Floats  # (P, D, m)
    largest: Floats  # (D, m), of the values of f behind them
    nfev: int
    trouble: Exception | None


class Design(NamedTuple):
    """How samples along some directions are made, and what they expand in."""

    take: Callable[[Problem, Ints, Floats, Floats], Taken]
    basis: Basis
    nodes: Floats  # (P,), places of a batch in windows, falling
    factor: float  # derivative over coefficient
    cost: int  # evaluations of f for a sample
    scale: float  # standard deviation of a sample per that of f
    centre: float | None  # what a sample at x is, in units of f(x); None if that tells nothing


def along(directions: Directions, order: int, side: int) -> Design:
    """Return the design for a derivative along directions, to both sides of x (0) or to one."""
    if side:
        basis = Basis(np.arange(float(TERMS)), order + 1)
        take = partial(_beside, directions, side)
        factor = float(side**order * math.factorial(order))
        return Design(take, basis, _nodes(basis, 2 * FEWEST), factor, 1, 1.0, 1.0)
    odd = order % 2
    basis = Basis(np.arange(odd, 2.0 * TERMS, 2.0), order // 2 + 1)
    take = partial(_pairs, directions, -1.0 if odd else 1.0)
    centre = None if odd else 1.0
    nodes = _nodes(basis, FEWEST)
    return Design(take, basis, nodes, float(math.factorial(order)), 2, math.sqrt(0.5), centre)


def across(directions: Directions, rows: Ints, columns: Ints, units: Floats, side: int) -> Design:
    """Return the design for mixed second derivatives, times the units of both directions.

    On both sides of x the samples are (f(++) + f(--) - f(+-) - f(-+)) / 4. Otherwise they are
    f(++) - f(+0) - f(0+), of which -f(x) is left at x; the signs of the units tell the sides.
    """
    if side:
        powers = np.concatenate([[0.0], np.arange(2.0, TERMS + 1.0)])
        basis = Basis(powers, 2)
        together = combine(directions, rows, columns, units)
        single = [_scaled(directions.pick(some), units[some]) for some in (rows, columns)]
        take = partial(_corners, joined(together, *single))
        return Design(take, basis, _nodes(basis, FEWEST), 1.0, 3, math.sqrt(3.0), -1.0)
    basis = Basis(2.0 * np.arange(1.0, TERMS + 1.0), 1)
    both = joined(directions, _scaled(directions, -np.ones(len(directions))))
    twice, count = np.concatenate([units, units]), len(directions)
    diagonals = (combine(both, rows, columns + shift, twice) for shift in (0, count))
    take = partial(_squares, joined(*diagonals))
    return Design(take, basis, _nodes(basis, FEWEST), 1.0, 4, 0.5, None)


def places(design: Design, batch: int, repeats: int) -> Floats:
    """Return the places of a batch; no point is asked twice, as f may repeat itself there."""
    nodes = np.tile(design.nodes, repeats)
    shift = (np.arange(len(nodes)) * SPREAD[0] + batch * SPREAD[1]) % 1.0
    return np.sort(nodes * (1.0 - JITTER * shift))[::-1]


def _nodes(basis: Basis, count: int) -> Floats:
    """Return the best places for a polynomial with a few powers more than the wanted one."""
    terms = basis.known + SPARE
    count = max(count, terms)
    k = np.arange(terms)
    if np.all(basis.powers % 2.0 == basis.powers[0] % 2.0):
        # T_n restricted to its parity on (0, 1]; with a constant it has an extremum at 0
        nodes = np.cos(k * math.pi / (2.0 * terms - (2.0 if basis.powers[0] == 0.0 else 1.0)))
    else:
        nodes = 0.5 * (1.0 + np.cos(k * math.pi / (terms - 1.0)))
    inverse = np.linalg.inv(nodes[:, None] ** basis.powers[:terms])
    effort = np.abs(inverse[basis.known - 1])
    times = np.ones(terms, np.int64)
    for _ in range(count - terms):
        times[np.argmax(effort / times)] += 1
    return np.repeat(np.maximum(nodes, NEAREST), times)


def _scaled(directions: Directions, units: Floats) -> Directions:
    lengths = np.diff(np.append(directions.starts, len(directions.index)))
    return Directions(
        directions.starts, directions.index, directions.weight * np.repeat(units, lengths)
    )


def _pairs(
    directions: Directions, sign: float, problem: Problem, rows: Ints, nodes: Floats, h: Floats
) -> Taken:
    found = sample(problem, directions.pick(rows), np.concatenate([nodes, -nodes[::-1]]), h)
    ahead, behind = found.values[: len(nodes)], found.values[: len(nodes) - 1 : -1]
    return _taken(0.5 * (ahead + sign * behind), found, 1)


def _beside(
    directions: Directions, side: int, problem: Problem, rows: Ints, nodes: Floats, h: Floats
) -> Taken:
    found = sample(problem, directions.pick(rows), side * nodes, h)
    return _taken(found.values, found, 1)


def _corners(
    directions: Directions, problem: Problem, rows: Ints, nodes: Floats, h: Floats
) -> Taken:
    count = len(directions) // 3
    three = np.concatenate([rows + k * count for k in range(3)])
    found = sample(problem, directions.pick(three), nodes, np.tile(h, 3))
    together, one, other = np.split(found.values, 3, axis=1)
    return _taken(together - one - other, found, 3)


def _squares(
    directions: Directions, problem: Problem, rows: Ints, nodes: Floats, h: Floats
) -> Taken:
    two = np.concatenate([rows, rows + len(directions) // 2])
    signs = np.concatenate([nodes, -nodes[::-1]])
    found = sample(problem, directions.pick(two), signs, np.tile(h, 2))
    even = 0.5 * (found.values[: len(nodes)] + found.values[: len(nodes) - 1 : -1])
    along, over = np.split(even, 2, axis=1)
    return _taken(0.5 * (along - over), found, 2)


def _taken(values: Floats, found: Samples, groups: int) -> Taken:
    """Put samples together with the size of the values that they were made of."""
    size = np.abs(np.where(np.isfinite(found.values), found.values, 0.0)).max(axis=0)
    largest = np.max(np.split(size, groups, axis=0), axis=0)
    return Taken(values, largest, found.nfev, found.trouble)
