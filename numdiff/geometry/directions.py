"""Directions d along which t -> f(x + t d) is differentiated, as sparse rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from numdiff.arrays import Floats, Ints

FEW = 64  # so many unit vectors are kept for the next call


@dataclass(frozen=True)
class Directions:
    """D directions: row d has the entries ``index[starts[d]:starts[d + 1]]``."""

    starts: Ints  # (D,)
    index: Ints
    weight: Floats
    all_axes: bool = False  # the unit vectors, all of them and in order

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def single(self) -> bool:
        """Whether each direction moves one entry of x only."""
        return len(self.starts) == len(self.index)

    def part(self, rows: slice) -> Directions:
        """Return some consecutive directions."""
        if rows == slice(0, len(self)):
            return self
        starts = self.starts[rows]
        stops = np.append(self.starts, len(self.index))
        last = stops[min(rows.stop, len(self))]
        chosen = slice(int(starts[0]), int(last))
        return Directions(starts - starts[0], self.index[chosen], self.weight[chosen])

    def pick(self, rows: Ints) -> Directions:
        """Return the directions of those numbers."""
        if self.single:
            return Directions(np.arange(len(rows)), self.index[rows], self.weight[rows])
        stops = np.append(self.starts[1:], len(self.index))
        taken = np.concatenate([np.arange(self.starts[r], stops[r]) for r in rows])
        lengths = stops[rows] - self.starts[rows]
        starts = np.cumsum(lengths) - lengths
        return Directions(starts, self.index[taken], self.weight[taken])

    def displace(self, x: Floats, t: Floats) -> Floats:
        """Return a fresh block of points x + t d: t (P, D) to points (P, D, n)."""
        count, n = t.shape[1], x.size
        flat = x[None].repeat(len(t) * count, 0).reshape(len(t), count * n)
        if self.all_axes:
            flat[:, :: n + 1] += t
        elif self.single:
            flat[:, np.arange(count) * n + self.index] += t * self.weight
        else:
            lengths = np.diff(np.append(self.starts, len(self.index)))
            rows = np.repeat(np.arange(count), lengths)
            flat[:, rows * n + self.index] += t[:, rows] * self.weight
        return flat.reshape(len(t), count, n)

    def moved(self, x: Floats, points: Floats) -> Floats:
        """Return the entries that single directions move, of points (P, D, n), as (P, D)."""
        count, n = len(self.starts), x.size
        flat = points.reshape(len(points), count * n)
        if self.all_axes:
            return flat[:, :: n + 1]
        return np.asarray(flat[:, np.arange(count) * n + self.index])


def axes(n: int) -> Directions:
    """Return the unit vectors."""
    return _few_axes(n) if n <= FEW else _axes(n)


def _axes(n: int) -> Directions:
    numbers, ones = np.arange(n), np.ones(n)
    return Directions(numbers, numbers, ones, all_axes=True)


_few_axes = lru_cache(maxsize=16)(_axes)


def along(v: Floats) -> Directions:
    """Return one direction, a vector that is not zero."""
    index = np.flatnonzero(v)
    return Directions(np.zeros(1, np.int64), index, v[index])


def combine(directions: Directions, rows: Ints, columns: Ints, units: Floats) -> Directions:
    """Return units[p] d_p + units[q] d_q for each pair (p, q) of directions."""
    if directions.single and not (directions.index[rows] == directions.index[columns]).any():
        index = directions.index[np.stack([rows, columns], axis=1)].ravel()
        scaled = units * directions.weight
        weight = scaled[np.stack([rows, columns], axis=1)].ravel()
        return Directions(np.arange(0, len(index), 2), index, weight)
    parts = [_sum(directions, units, int(p), int(q)) for p, q in zip(rows, columns, strict=True)]
    lengths = np.array([len(index) for index, _ in parts])
    index = np.concatenate([index for index, _ in parts])
    weight = np.concatenate([weight for _, weight in parts])
    return Directions(np.cumsum(lengths) - lengths, index, weight)


def joined(*many: Directions) -> Directions:
    """Return all directions in a row."""
    offsets = np.cumsum([0, *(len(one.index) for one in many[:-1])])
    starts = np.concatenate([one.starts + o for one, o in zip(many, offsets, strict=True)])
    index = np.concatenate([one.index for one in many])
    return Directions(starts, index, np.concatenate([one.weight for one in many]))


def _sum(directions: Directions, units: Floats, p: int, q: int) -> tuple[Ints, Floats]:
    one, other = (directions.pick(np.array([row])) for row in (p, q))
    index = np.concatenate([one.index, other.index])
    weight = np.concatenate([units[p] * one.weight, units[q] * other.weight])
    entries, place = np.unique(index, return_inverse=True)
    total = np.zeros(len(entries))
    np.add.at(total, place, weight)
    return entries, total
