"""Derivatives by a single step that a classical rule chooses, on the sides of x."""

from __future__ import annotations

import numpy as np

from numdiff.arrays import Ints
from numdiff.drivers import by_rule as driver
from numdiff.drivers.derivatives import Derivatives, Problem, blank
from numdiff.engine.sides import Task, on_sides, task_of
from numdiff.geometry.directions import Directions
from numdiff.options import Options


def by_rule(problem: Problem, directions: Directions, order: int, options: Options) -> Derivatives:
    """Differentiate along directions with one step each, which the rule of the options chooses."""
    assert problem.f0 is not None
    if not np.isfinite(problem.f0).any():
        return blank(problem, len(directions))
    return on_sides(task_of(problem, directions, order, options), _follow)


def _follow(task: Task, side: int, rows: Ints) -> Derivatives:
    problem, options = task.problem, task.options
    assert options.rule is not None
    room = task.room and task.room.pick(rows)
    return driver.by_rule(
        problem, task.pick(rows), task.order, options.rule, task.options.method.on(side),
        noise=problem.noise, room=room,
    )  # fmt: skip
