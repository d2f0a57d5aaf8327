"""What is wanted of a noisy function, how far from x it may be asked, and how noisy it is."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from numdiff.arrays import Floats, Ints, Mask
from numdiff.drivers.derivatives import Derivatives, Problem, blank
from numdiff.drivers.sampling import sample
from numdiff.geometry.directions import Directions
from numdiff.geometry.domain import Room, reach_of, size_of

FIRST_WINDOW = 1.0 / 16.0  # of the size of x: the posterior leads from there up or down
LARGEST_WINDOW = 0.5  # of the size of x: x keeps its sign
INSIDE = 1.0 - 2.0**-48  # of the room, as x + t is rounded
NARROW = 1.0 / 16.0  # a window on both sides that is narrower than this part of one side's is worse
REPEATS = 6  # values of f at either of two points, which differ by noise alone


class Windows(NamedTuple):
    """How far samples lie from x along R rows, in units of t."""

    first: Floats
    room: Room  # largest ones to either side of x
    reach: Floats  # |x| / |d|

    @property
    def sides(self) -> Ints:
        """On which side of x most is to be learned, 0 for both."""
        ahead, behind = self.room
        narrow = self.room.on(0) <= NARROW * np.maximum(ahead, behind)
        return np.where(narrow, np.where(ahead >= behind, 1, -1), 0)

    def pick(self, rows: Ints) -> Windows:
        """Return the windows of some rows."""
        return Windows(self.first[rows], self.room.pick(rows), self.reach[rows])


class Goal(NamedTuple):
    """What is wanted along R rows, and what is known beforehand."""

    problem: Problem  # with the budget that is left
    f0: Floats  # (m,), f(x)
    windows: Windows  # of the directions, or in units of first windows where rows are pairs
    wanted: Mask  # (R, m), outputs that need an answer
    deviation: Floats  # (m,), by how much values of f differ between calls, as far as is known
    freedom: Floats  # (m,), degrees of freedom that it counts for, 0 where it is not known

    def part(self, windows: Windows, rows: Ints, nfev: int) -> Goal:
        """Return what is wanted along some rows, in windows of their own, with what is left."""
        wanted = self.wanted[rows]
        return self._replace(problem=self.problem.less(nfev), windows=windows, wanted=wanted)


def goal_of(
    problem: Problem, directions: Directions, wanted: Mask, room: Room | None
) -> tuple[Goal, Derivatives]:
    """Return what is wanted along rows, and lines of which nothing is known but the cost.

    The windows are those of the directions.
    """
    windows = _windows(problem.x, directions, room)
    deviation, freedom, nfev = _measure(problem, directions, windows, problem.f0.size)
    wanted = wanted & np.isfinite(problem.f0)
    goal = Goal(problem, problem.f0, windows, wanted, deviation, freedom)
    return goal, blank(problem, len(wanted))._replace(nfev=nfev)


def _windows(x: Floats, directions: Directions, room: Room | None) -> Windows:
    """Return first and largest windows: of the order of x, and inside the room."""
    size, reach = size_of(x, directions), reach_of(x, directions)
    far = LARGEST_WINDOW * size
    largest = [np.minimum(far, side * INSIDE) for side in room] if room else [far, far]
    return Windows(FIRST_WINDOW * size, Room(*largest), reach)


def _measure(
    problem: Problem, directions: Directions, windows: Windows, outputs: int
) -> tuple[Floats, Floats, int]:
    """Ask f several times at two points: its deviation, the degrees of freedom, and the cost."""
    if not len(directions) or problem.budget < 2 * REPEATS:
        return np.zeros(outputs), np.zeros(outputs), 0
    k = int(np.argmax(np.maximum(*windows.room) > 0.0))
    side = int(windows.sides[k])
    window = np.minimum(windows.first, windows.room.on(side))[k : k + 1]
    # away from x itself, where noise that is proportional to f may vanish
    places = np.repeat([0.5, -0.5] if side == 0 else [0.5 * side, 0.25 * side], REPEATS)
    samples = sample(problem, directions.pick(np.array([k])), places, window)
    variance = samples.values[:, 0].reshape(2, REPEATS, -1).var(axis=1, ddof=1)
    usable = np.isfinite(variance)
    points = usable.sum(axis=0)
    mean = np.where(usable, variance, 0.0).sum(axis=0) / np.maximum(points, 1)
    return np.sqrt(mean), (REPEATS - 1.0) * points, samples.nfev
