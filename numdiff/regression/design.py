"""Where noisy functions are asked, and what combinations of their values expand in.

The places are near those that give the coefficient of a polynomial the least variance: extrema of
Chebyshev polynomials, each asked in proportion to its weight (Hoel and Levine 1964, Ann. Math.
Statist. 35:1553; Kiefer and Wolfowitz 1965, Ann. Math. Statist. 36:1627).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import NamedTuple

import numpy as np

from numdiff.arrays import Floats, Ints
from numdiff.drivers.derivatives import Problem
from numdiff.drivers.sampling import sample
from numdiff.geometry.directions import Directions, combine, joined
from numdiff.regression.posterior import Basis

TERMS = 12  # powers of a basis: as many as a few windows have distances
SPARE = 3  # powers after the wanted one for which the places are chosen
FEWEST = 6  # samples of a batch made of several values, at least; of single ones twice as many
NEAREST = 1.0 / 16.0  # place of the samples that should be at x, where f is asked only once
JITTER = 0.15  # how far places move inwards from batch to batch
# fractional parts of their multiples fill the unit square evenly (Roberts' plastic-number lattice)
SPREAD = np.array([0.7548776662466927, 0.5698402909980532])


class Batch(NamedTuple):
    """Samples at P places along R rows, directions or pairs of them."""

    values: Floats  # (P, R, m)
    largest: Floats  # (R, m), of the values of f behind them
    nfev: int
    trouble: Exception | None


@dataclass(frozen=True, eq=False)
class Design:
    """How samples along R rows are made, and what they expand in."""

    directions: Directions  # G times R of them: the first ones of all rows, then the second ones
    weights: tuple[float, ...]  # of those G in a sample
    side: int  # of x on which f is asked, 0 for the even or the odd part of f
    basis: Basis
    factor: float = 1.0  # derivative over coefficient

    @property
    def cost(self) -> int:
        """Evaluations of f for a sample."""
        return len(self.weights) * (1 if self.side else 2)

    @property
    def scale(self) -> float:
        """Standard deviation of a sample per that of f."""
        return math.sqrt(sum(part * part for part in self.weights) * (1.0 if self.side else 0.5))

    @property
    def centre(self) -> float | None:
        """What a sample at x is, in units of f(x); None if that tells nothing."""
        return sum(self.weights) if self.basis.powers[0] == 0.0 else None

    @cached_property
    def nodes(self) -> Floats:
        """Places (P,) of a batch in windows, falling."""
        return _nodes(self.basis, FEWEST if self.cost > 1 else 2 * FEWEST)

    def ask(self, problem: Problem, rows: Ints, nodes: Floats, h: Floats) -> Batch:
        """Take samples along some rows at nodes in units of their windows h."""
        groups, count = len(self.weights), len(nodes)
        firsts = np.arange(groups) * (len(self.directions) // groups)
        numbers = np.add.outer(firsts, rows).ravel()
        offsets = self.side * nodes if self.side else np.concatenate([nodes, -nodes[::-1]])
        samples = sample(problem, self.directions.pick(numbers), offsets, np.tile(h, groups))
        values = samples.values.reshape(len(offsets), groups, len(rows), -1)
        largest = np.abs(np.where(np.isfinite(values), values, 0.0)).max(axis=(0, 1))
        if self.side == 0:
            parity = -1.0 if self.basis.powers[0] % 2.0 else 1.0
            values = 0.5 * (values[:count] + parity * values[: count - 1 : -1])
        together = reduce(np.add, [part * values[:, k] for k, part in enumerate(self.weights)])
        return Batch(together, largest, samples.nfev, samples.trouble)


def along(directions: Directions, order: int, side: int) -> Design:
    """Return the design for a derivative along directions, to both sides of x (0) or to one."""
    basis, factor = Basis(np.arange(float(TERMS)), order + 1), float(math.factorial(order))
    if side == 0:
        basis = Basis(np.arange(order % 2, 2.0 * TERMS, 2.0), order // 2 + 1)
    return Design(directions, (1.0,), side, basis, (side or 1) ** order * factor)


def across(directions: Directions, rows: Ints, columns: Ints, units: Floats, side: int) -> Design:
    """Return the design for mixed second derivatives, times the units of both directions.

    On both sides of x the samples are (f(++) + f(--) - f(+-) - f(-+)) / 4. Otherwise they are
    f(++) - f(+0) - f(0+), of which -f(x) is left at x; the signs of the units tell the sides.
    """
    if side:
        basis = Basis(np.concatenate([[0.0], np.arange(2.0, TERMS + 1.0)]), 2)
        pair, single = combine(directions, rows, columns, units), _scale(directions, units)
        three = joined(pair, single.pick(rows), single.pick(columns))
        return Design(three, (1.0, -1.0, -1.0), 1, basis)
    basis = Basis(2.0 * np.arange(1.0, TERMS + 1.0), 1)
    both = joined(directions, _scale(directions, -np.ones(len(directions))))
    twice, count = np.concatenate([units, units]), len(directions)
    diagonals = (combine(both, rows, columns + shift, twice) for shift in (0, count))
    return Design(joined(*diagonals), (0.5, -0.5), 0, basis)


def places(design: Design, batch: int, repeats: int) -> Floats:
    """Return the places of a batch; no point is asked twice, as f may repeat itself there."""
    nodes = np.tile(design.nodes, repeats)
    shift = (np.arange(len(nodes)) * SPREAD[0] + batch * SPREAD[1]) % 1.0
    return np.sort(nodes * (1.0 - JITTER * shift))[::-1]


def _nodes(basis: Basis, count: int) -> Floats:
    """Return the best places for a polynomial with a few powers more than the wanted one."""
    terms = basis.leading + SPARE
    k = np.arange(terms)
    if np.all(basis.powers % 2.0 == basis.powers[0] % 2.0):
        # T_n restricted to its parity on (0, 1]; with a constant it has an extremum at 0
        nodes = np.cos(k * math.pi / (2.0 * terms - (2.0 if basis.powers[0] == 0.0 else 1.0)))
    else:
        nodes = 0.5 * (1.0 + np.cos(k * math.pi / (terms - 1.0)))
    inverse = np.linalg.inv(nodes[:, None] ** basis.powers[:terms])
    effort = np.abs(inverse[basis.leading - 1])
    times = np.ones(terms, np.int64)
    for _ in range(count - terms):
        times[np.argmax(effort / times)] += 1
    return np.repeat(np.maximum(nodes, NEAREST), times)


def _scale(directions: Directions, units: Floats) -> Directions:
    """Return the directions times a number each."""
    weight = directions.weight * np.repeat(units, directions.stops - directions.starts)
    return Directions(directions.starts, directions.index, weight)
