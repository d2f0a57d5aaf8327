"""How large x is along directions, how far and on which side f may be asked, in which blocks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from numdiff.arrays import Floats, Ints, Mask
from numdiff.geometry.directions import Directions

BLOCK_BYTES = 8 * 2**20  # of points, and of samples, held at a time
NARROW = 1.0 / 8.0  # pairs of points in less than this part of the other side's room are worse
# In rooms smaller than this part of x noise alone sets the bar, and the longer distance is better.
TIGHT, HALF = 2.0**-22, 0.5
USUAL = 2.0**-15  # of the size of x, or of 1: the room that single steps have use for
LEAST = 2.0**-45  # less room than this part of the size of x is none: 7 bits of steps


class Box(NamedTuple):
    """Bounds inside which f may be called, flattened like x."""

    lower: Floats
    upper: Floats

    def fixed(self) -> Mask:
        """Say which entries cannot move."""
        return np.asarray(self.lower == self.upper)


class Room(NamedTuple):
    """How far t may go to either side of 0 along D directions, (D,) each."""

    ahead: Floats
    behind: Floats

    def pick(self, rows: Ints) -> Room:
        """Return the room of some directions."""
        return Room(self.ahead[rows], self.behind[rows])

    def on(self, side: int) -> Floats:
        """Return how far points on a side of x may lie, 0 for pairs on both."""
        if side == 0:
            return np.minimum(self.ahead, self.behind)
        return self.ahead if side > 0 else self.behind

    def within(self, offsets: Floats) -> Room:
        """Return the room of steps h, where the points are x + o h d for all the offsets o."""
        outer = zip((offsets.max(), -offsets.min()), self, strict=True)
        with np.errstate(divide="ignore", invalid="ignore"):
            ahead, behind = (np.where(o > 0.0, room / o, np.inf) for o, room in outer)
        return Room(ahead, behind)

    def only(self, side: int) -> Room:
        """Return the room of a method that asks on one side only, 0 for both."""
        nothing = np.zeros(len(self.ahead))
        return Room(self.ahead if side >= 0 else nothing, self.behind if side <= 0 else nothing)


def room_of(x: Floats, directions: Directions, box: Box | None) -> Room:
    """How far t may go to either side of 0 before a bound is crossed."""
    if box is None:
        endless = np.full(len(directions), np.inf)
        return Room(endless, endless)
    index, weight = directions.index, directions.weight
    above, below = box.upper[index] - x[index], x[index] - box.lower[index]
    plus = np.where(weight > 0.0, above, below) / np.abs(weight)
    minus = np.where(weight > 0.0, below, above) / np.abs(weight)
    starts = directions.starts
    return Room(np.minimum.reduceat(plus, starts), np.minimum.reduceat(minus, starts))


def size_of(x: Floats, directions: Directions, least: float = 1.0) -> Floats:
    """Size of x along directions, in units of t: that of the entry which t moves most, or `least`.

    The least is a length of x below which 0 is as near as anything.
    """
    size = np.maximum(np.abs(x[directions.index]), least) / np.abs(directions.weight)
    return np.asarray(np.minimum.reduceat(size, directions.starts))


def reach_of(x: Floats, directions: Directions) -> Floats:
    """Size of the entry of x, in units of t, whose last bits are the longest."""
    size = np.abs(x[directions.index]) / np.abs(directions.weight)
    return np.asarray(np.maximum.reduceat(size, directions.starts))


def sides_of(room: Room, need: Floats, reach: Floats, side: int) -> Ints:
    """Choose the side of each direction: the method's, unless bounds leave it too little room.

    There is use for as much as the `need`; x is of the size `reach`.
    """
    ahead, behind = room
    wider = np.where(ahead >= behind, 1, -1)
    largest = np.maximum(ahead, behind)
    share = np.where(largest < TIGHT * reach, HALF, NARROW)
    return np.where(room.on(side) < share * np.minimum(largest, need), wider, side)


def blocks(count: int, numbers: int, least: int = 1) -> Iterator[slice]:
    """Cut `count` directions, each with so many numbers, into parts that fit into memory.

    A part has at least so many, if there are as many.
    """
    size = max(BLOCK_BYTES // (8 * numbers or 1), least, 1)
    first = 0
    while first + size < count:
        yield slice(first, first + size)
        first += size
    yield slice(first, count)
