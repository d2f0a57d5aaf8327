"""On which sides of x directions are followed: where bounds and method allow, or f forces it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from numdiff.arrays import Floats, Ints
from numdiff.constants import DOMAIN, NOISE_LIMITED, ONE_SIDED
from numdiff.drivers.derivatives import Derivatives, Problem, blank, fill
from numdiff.geometry.directions import Directions
from numdiff.geometry.domain import LEAST, Room, reach_of, room_of, sides_of
from numdiff.options import Options


class Task(NamedTuple):
    """What is to be done along directions."""

    problem: Problem
    directions: Directions
    order: int
    options: Options
    room: Room | None  # None if there are no bounds

    def at(self, k: int) -> Task:
        """Return what is to be done at the k-th of many points."""
        return self.among(np.arange(k, k + 1))._replace(problem=self.problem.at(k))

    def among(self, chosen: Ints) -> Task:
        """Return what is to be done at some of many points."""
        options, room = self.options.pick(chosen), self.room and self.room.pick(chosen)
        problem, directions = self.problem.along(self.directions.pick(chosen))
        return Task(problem, directions, self.order, options, room)

    def pick(self, rows: Ints) -> Directions:
        """Return some of the directions, in order."""
        whole = len(rows) == len(self.directions)
        return self.directions if whole else self.directions.pick(rows)


Follow = Callable[[Task, int, Ints], Derivatives]
Need = Callable[[Task], Floats]


def task_of(problem: Problem, directions: Directions, order: int, options: Options) -> Task:
    """Put a task together."""
    if problem.apart:
        options = options.pick(directions.index)
        problem, directions = problem.along(directions)
    room = None if options.box is None else room_of(problem.x, directions, options.box)
    return Task(problem, directions, order, options, room)


def on_sides(task: Task, follow: Follow, need: Need) -> Derivatives:
    """Follow directions on the sides that bounds and method allow, and on one where f forces it.

    Parameters
    ----------
    task : Task
        With f(x).
    follow : callable
        ``follow(task, side, rows)`` differentiates along some of the directions.
    need : callable
        ``need(task)`` is how much room there is use for along each.

    Returns
    -------
    Derivatives
        The status is ONE_SIDED where one side of x was used and both were asked for.
    """
    problem, asked, count = task.problem, task.options.method.side, len(task.directions)
    finite = np.isfinite(problem.f0)
    if finite.ndim == 1:
        known = np.arange(count if np.count_nonzero(finite) else 0)  # quicker than any()
    else:  # each has a point of its own
        known = np.flatnonzero(finite.any(axis=1))
    if not known.size:
        return blank(problem, count)
    if task.room is None and len(known) == count:
        whole = follow(task, asked, known)
    else:
        whole = blank(problem, count)
        for side, rows in _groups(task, known, need):
            part = follow(_after(task, whole), side, rows)
            whole = fill(whole, rows, one_sided(part, side, asked))
    bare = whole.restless and asked == 0 and (whole.status == DOMAIN).any()
    for side in (1, -1) if bare else ():  # f itself may be defined on one side of x only
        lost = ((whole.status == DOMAIN) & np.isfinite(problem.f0)).any(axis=1)
        if task.room is not None:
            lost &= task.room.on(side) > LEAST * reach_of(problem.x, task.directions)
        rows = np.flatnonzero(lost)
        if rows.size:
            whole = fill(whole, rows, one_sided(follow(_after(task, whole), side, rows), side, 0))
    return whole


def one_sided(derivatives: Derivatives, side: int, asked: int) -> Derivatives:
    """Say of good answers that they are from one side, where that is not what was asked for."""
    if side == asked:
        return derivatives
    good = derivatives.status <= NOISE_LIMITED
    status = np.where(good, ONE_SIDED, derivatives.status).astype(np.uint8)
    return derivatives._replace(status=status)


def _after(task: Task, whole: Derivatives) -> Task:
    return task._replace(problem=task.problem.less(whole.nfev))


def _groups(task: Task, known: Ints, need: Need) -> Iterator[tuple[int, Ints]]:
    """Yield those directions that can move, by the side on which they are followed."""
    room, asked = task.room, task.options.method.side
    if room is None:
        yield asked, known
        return
    reach = reach_of(task.problem.x, task.directions)
    free = known[np.maximum(*room)[known] > LEAST * reach[known]]
    sides = sides_of(room, need(task), reach, asked)[free]
    for side in (0, 1, -1):
        if (sides == side).any():
            yield side, free[sides == side]
