"""Derivatives by a single step, which the user gave or a classical rule chooses.

Where a bound is in the way of the user's step it is turned or shrunk; rules are told on which side
they may ask.
"""

from __future__ import annotations

import numpy as np

from numdiff.arrays import Floats, Ints
from numdiff.drivers import by_rule as driver
from numdiff.drivers.derivatives import UNASKED, Derivatives, Problem, blank, fill
from numdiff.drivers.single import single_step
from numdiff.engine.sides import Task, on_sides, task_of
from numdiff.evaluation.call import origin
from numdiff.geometry.directions import Directions
from numdiff.geometry.domain import USUAL, room_of, size_of
from numdiff.methods import Level, level_of, textbook
from numdiff.options import Options


def by_single_step(
    problem: Problem, directions: Directions, order: int, options: Options
) -> Derivatives:
    """Apply the method's stencil once along each direction."""
    level = options.method.level(order)
    steps = user_steps(directions, level, options, problem.x)
    if options.box is None:
        return single_step(problem, directions, level, steps)
    room = room_of(problem.x, directions, options.box)
    choices = _choices(level)
    limits = np.array([room.within(choice.offsets).on(0) for choice in choices])
    fits = limits >= steps
    best = np.where(fits.any(axis=0), fits.argmax(axis=0), limits.argmax(axis=0))
    steps = np.minimum(steps, limits.max(axis=0))
    parts, asked = [], 0
    for k, choice in enumerate(choices):
        rows = np.flatnonzero((best == k) & (steps > 0.0))
        if rows.size:
            if choice.centre != 0.0 and problem.f0 is UNASKED:
                values = origin(problem.call, problem.x)
                f0 = values.rows if problem.apart else values.rows[0]
                problem, asked = problem._replace(form=values.form, f0=f0), values.nfev
            parts.append((rows, single_step(problem, directions.pick(rows), choice, steps[rows])))
            problem = problem._replace(form=parts[-1][1].form)
    whole = blank(problem, len(directions))._replace(nfev=asked)
    for rows, part in parts:
        whole = fill(whole, rows, part)
    return whole


def by_rule(problem: Problem, directions: Directions, order: int, options: Options) -> Derivatives:
    """Apply the method once along each direction, with the step that the rule chooses."""

    def need(task: Task) -> Floats:
        return USUAL * size_of(task.problem.x, task.directions)

    return on_sides(task_of(problem, directions, order, options), _follow_rule, need)


def _follow_rule(task: Task, side: int, rows: Ints) -> Derivatives:
    problem, rule, method = task.problem, task.options.rule, task.options.method.on(side)
    assert rule is not None
    room, chosen = task.room and task.room.pick(rows), task.pick(rows)
    return driver.by_rule(problem, chosen, task.order, rule, method, room=room)


def user_steps(directions: Directions, level: Level, options: Options, x: Floats) -> Floats:
    """Return the step of each direction that the user gave, in units of t.

    Where entries of x have steps of their own, no entry that a direction moves goes farther.
    """
    if isinstance(options.step, str):
        if directions.axial:
            return textbook(level, x[: directions.index.size])
        rule = textbook(level, x)[directions.index] / np.abs(directions.weight)
        return np.asarray(np.minimum.reduceat(rule, directions.starts))
    assert options.step is not None
    if directions.single and options.step.size == x.size:
        return options.step[directions.index]
    if (options.step != options.step[0]).any():
        own = options.step[directions.index] / np.abs(directions.weight)
        return np.asarray(np.minimum.reduceat(own, directions.starts))
    return options.step[:1].repeat(len(directions))


def _choices(level: Level) -> tuple[Level, ...]:
    """Return the levels that stand for one where bounds are in its way, the best one first."""
    from numdiff.stencil import Stencil  # noqa: PLC0415 - exact fractions load when needed

    order, accuracy = level.stencil.order, level.stencil.accuracy
    turned = Stencil([-offset for offset in level.stencil.offsets], order)
    beside = (Stencil.forward(order, accuracy), Stencil.backward(order, accuracy))
    return level, *(level_of(stencil) for stencil in (turned, *beside))
