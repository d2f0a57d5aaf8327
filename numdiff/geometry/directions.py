"""Directions d along which t -> f(x + t d) is differentiated, as sparse rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from numdiff.arrays import Floats, Ints

FEW = 256  # so many unit vectors are kept for the next call, and their pairs, half a megabyte
MOST = 8  # entries of a direction that moves few of many
APART = 26  # octaves between entries of a direction: as many of a double's bits are left for steps


@dataclass(frozen=True)
class Directions:
    """D directions: row d has the entries ``index[starts[d]:starts[d + 1]]``."""

    starts: Ints  # (D,)
    index: Ints
    weight: Floats

    def __len__(self) -> int:
        return self.starts.size

    @property
    def single(self) -> bool:
        """Whether each direction moves one entry of x only."""
        return self.starts.size == self.index.size

    @cached_property
    def axial(self) -> bool:
        """Whether these are the first unit vectors, each once and in order."""
        whole = self.single and np.array_equal(self.index, np.arange(self.index.size))
        return whole and bool((self.weight == 1.0).all())

    @cached_property
    def pairs(self) -> tuple[Ints, Ints]:
        """All pairs of two directions, the first and the second one of each: for reading only."""
        return np.triu_indices(len(self), 1)

    @property
    def few(self) -> Ints | None:
        """Which entries each row has, (D, K), if they are few and all have as many."""
        lengths = np.diff(self.starts, append=self.index.size)
        if not lengths.size or lengths[0] > MOST or (lengths != lengths[0]).any():
            return None
        return self.index.reshape(len(self), lengths[0])

    @property
    def stops(self) -> Ints:
        """Where each row ends, as `starts` says where it begins."""
        return np.append(self.starts[1:], len(self.index))

    def part(self, rows: slice) -> Directions:
        """Return some consecutive directions."""
        if rows == slice(0, len(self)):
            return self
        starts = self.starts[rows]
        chosen = slice(int(starts[0]), int(self.stops[rows][-1]))
        return Directions(starts - starts[0], self.index[chosen], self.weight[chosen])

    def pick(self, rows: Ints) -> Directions:
        """Return the directions of those numbers."""
        if self.single:
            return Directions(np.arange(len(rows)), self.index[rows], self.weight[rows])
        starts, stops = self.starts[rows], self.stops[rows]
        entries = np.concatenate([np.arange(*ends) for ends in zip(starts, stops, strict=True)])
        lengths = stops - starts
        return Directions(np.cumsum(lengths) - lengths, self.index[entries], self.weight[entries])

    def displace(self, x: Floats, t: Floats, *, alone: bool = False) -> Floats:
        """Return a fresh block of points x + t d: t (P, D) to points (P, D, n).

        Where x holds many points of one entry, each stands `alone`: (P, D, 1).
        """
        count, n = t.shape[1], x.size
        if alone:
            return np.asarray((x[self.index] + t * self.weight)[:, :, None])
        flat = x[None].repeat(len(t) * count, 0).reshape(len(t), count * n)
        if self.single:
            flat[:, np.arange(count) * n + self.index] += t * self.weight
        elif count == 1 and np.array_equal(self.index, np.arange(n)):
            flat += t * self.weight
        else:
            rows = np.arange(count).repeat(np.diff(self.starts, append=len(self.index)))
            flat[:, rows * n + self.index] += t[:, rows] * self.weight
        return flat.reshape(len(t), count, n)


def axes(n: int) -> Directions:
    """Return the unit vectors."""
    return _axes(n) if n <= FEW else _axes.__wrapped__(n)  # many are not kept


@lru_cache(maxsize=16)
def _axes(n: int) -> Directions:
    numbers, ones = np.arange(n), np.ones(n)
    return Directions(numbers, numbers, ones)


def along(v: Floats) -> Directions:
    """Return one direction, a vector that is not zero."""
    index = np.flatnonzero(v)
    return Directions(np.zeros(1, np.int64), index, v[index])


def parts_of(v: Floats, x: Floats) -> Directions:
    """Return directions that add up to a vector that is not zero: itself, unless scales are apart.

    No step fits entries of which one goes out of sight before another one moves by its last bits.
    """
    whole = along(v)
    size, moved = np.abs(x[whole.index]), np.abs(whole.weight)
    with np.errstate(all="ignore"):
        far, nearest = size / moved, (np.fmax(size, 1.0) / moved).min()
        if far.max() < 2.0**APART * nearest:
            return whole
        number = np.fmax(np.floor(np.log2(far / nearest) / APART), 0.0)
    order = np.argsort(number, kind="stable")
    starts = np.flatnonzero(np.diff(number[order], prepend=-1.0))
    return Directions(starts, whole.index[order], whole.weight[order])


def combine(directions: Directions, rows: Ints, columns: Ints, units: Floats) -> Directions:
    """Return units[p] d_p + units[q] d_q for each pair (p, q) of directions.

    Units (K, 2) are those of each pair instead of those of each direction.
    """
    pairs = np.stack([rows, columns], axis=1)
    units = units[pairs] if units.ndim == 1 else units
    if directions.single and not (directions.index[rows] == directions.index[columns]).any():
        index = directions.index[pairs].ravel()
        weight = (units * directions.weight[pairs]).ravel()
        return Directions(np.arange(0, len(index), 2), index, weight)
    return joined(*[_sum(directions.pick(p), u) for p, u in zip(pairs, units, strict=True)])


def joined(*many: Directions) -> Directions:
    """Return all directions in a row."""
    offsets = np.cumsum([0, *(len(one.index) for one in many[:-1])])
    starts = np.concatenate([one.starts + o for one, o in zip(many, offsets, strict=True)])
    index = np.concatenate([one.index for one in many])
    return Directions(starts, index, np.concatenate([one.weight for one in many]))


def _sum(directions: Directions, units: Floats) -> Directions:
    """Return one direction, the sum of all in their units."""
    index, place = np.unique(directions.index, return_inverse=True)
    weight = np.zeros(len(index))
    added = units.repeat(directions.stops - directions.starts) * directions.weight
    np.add.at(weight, place, added)
    return Directions(np.zeros(1, np.int64), index, weight)
