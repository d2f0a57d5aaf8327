"""Derivatives by the ladder, block by block: climbed on the sides of x, then looked at closer."""

from __future__ import annotations

import math
from functools import partial
from typing import NamedTuple

import numpy as np

from numdiff.arrays import Floats, Ints
from numdiff.drivers.climb import Window, climb, cut
from numdiff.drivers.derivatives import Derivatives, Problem, stacked
from numdiff.drivers.foresight import at_first
from numdiff.engine.sides import Task, on_sides, task_of
from numdiff.engine.single import user_steps
from numdiff.evaluation.call import Call
from numdiff.geometry.directions import Directions
from numdiff.ladder import points
from numdiff.ladder.channels import Span, channels
from numdiff.ladder.runtime import runner
from numdiff.methods import first_step
from numdiff.options import Options


class Block(NamedTuple):
    """Derivatives along the directions of a block, what their ladders left, and the problem after.

    What is held of f while a block is worked on does not grow with the number of directions.
    """

    derivatives: Derivatives
    windows: list[Window]
    problem: Problem


def by_ladder(
    problem: Problem, directions: Directions, order: int, options: Options
) -> Derivatives:
    """Differentiate along directions, on the sides of x where f may be asked."""
    parts = []
    for rows in cut(problem, len(directions), channels(options.method, order)):
        block = differentiated(problem, directions.part(rows), order, options)
        parts.append(block.derivatives)
        problem = block.problem
    return parts[0] if len(parts) == 1 else stacked(parts)


def first_points(
    call: Call, x: Floats, directions: Directions, order: int, options: Options
) -> Floats | None:
    """Return where ladders begin, if nothing is in the way: that is known before f(x)."""
    if options.box is not None or options.max_nfev < math.inf or not call.ahead:
        return None
    problem, few = Problem(call, x), directions.part(slice(0, min(len(directions), call.ahead)))
    side = options.method.side
    task = Task(problem, few, order, options, None)
    span = _span(task, few, side, np.arange(len(few)))
    return at_first(problem, few, channels(options.method.on(side), order), span)


def differentiated(
    problem: Problem, directions: Directions, order: int, options: Options, *, every: bool = False
) -> Block:
    """Differentiate along the directions of a block, and look closer where that is called for.

    Evidence is kept of `every` direction, or only of those that have to be looked at.
    """
    task = task_of(problem, directions, order, options)
    windows: list[Window] = []
    derivatives = on_sides(task, partial(_follow, windows, every=every))
    for window in windows:
        if window.lines.restless:
            from numdiff.engine.diagnose import diagnose  # noqa: PLC0415 - loads when needed

            derivatives, problem = diagnose(task, derivatives, windows)
            break
    if problem.budget < math.inf:
        problem = problem.less(derivatives.nfev)
    return Block(derivatives, windows, problem)


def _follow(
    windows: list[Window], task: Task, side: int, rows: Ints, *, every: bool
) -> Derivatives:
    """Climb along some directions; what is seen of them goes to the windows."""
    chosen, method = task.pick(rows), task.options.method.on(side)
    span, levels = _span(task, chosen, side, rows), channels(method, task.order)
    lines = climb(task.problem, chosen, span, levels, every=every)
    windows.append(Window(rows, side, task.options.method.side, span, lines, levels))
    return Derivatives(*lines[:8], restless=lines.restless)  # without samples


def _span(task: Task, chosen: Directions, side: int, rows: Ints) -> Span:
    """Return where the steps of some directions start and how far they may go."""
    options, x = task.options, task.problem.x
    ahead = behind = steps = np.empty(0)
    if task.room is not None:
        ahead, behind = task.room.pick(rows)
        if side:
            ahead = behind = task.room.on(side)[rows]
    if options.step is not None:
        steps = user_steps(chosen, options.method.level(task.order), options, x)
    count = len(chosen)
    start, other, highest, lowest = np.empty((4, count), np.int64)
    span = Span(start, other, highest, lowest, np.empty(count))
    runner(count)(points.span)(
        x, chosen.starts, chosen.index, chosen.weight, first_step(task.order), steps,
        options.method.roams, ahead, behind, *span,
    )  # fmt: skip
    return span
