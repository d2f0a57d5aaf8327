"""Points that are made when f is asked there: long ones would leave the cache until then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from numdiff.arrays import Array, Floats, Ints

LENGTH = 2**10  # numbers of a point from which on each is made alone: others keep it from the cache


@dataclass(frozen=True)
class Moved:
    """L times P points that are x but for K entries, the same ones of P points each."""

    x: Floats
    at: Ints  # (L, K)
    entries: Floats  # (L, P, K)

    def __len__(self) -> int:
        return len(self.entries) * len(self.entries[0])

    def each(self, shape: tuple[int, ...]) -> Iterator[Array]:
        """Make one point after the other, each of its own, which f may keep or change."""
        x = self.x.reshape(shape)
        for at, rows in zip(self.at, self.entries, strict=True):
            for entries in rows:
                point = x.copy()
                point.put(at, entries)
                yield point
