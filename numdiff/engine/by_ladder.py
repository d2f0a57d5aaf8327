"""Derivatives by the ladder, block by block: climbed on the sides of x, then looked at closer."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np

from numdiff.arrays import Floats, Ints
from numdiff.constants import EPS, NOISE_LIMITED, OK
from numdiff.drivers.climb import FREE, Window, climb, cut, span_of
from numdiff.drivers.derivatives import Derivatives, Problem, stacked
from numdiff.drivers.foresight import foresee_first
from numdiff.drivers.memory import Memory
from numdiff.engine.sides import Task, on_sides, task_of
from numdiff.engine.single import user_steps
from numdiff.evaluation.call import Call
from numdiff.geometry.directions import Directions
from numdiff.geometry.domain import USUAL, reach_of, size_of
from numdiff.ladder.channels import Limits, channels
from numdiff.ladder.disputes import dismiss
from numdiff.ladder.runtime import runner
from numdiff.ladder.symptoms import TAIL
from numdiff.methods import first_step
from numdiff.options import Options

Keep = Callable[[slice, list[Window]], None]


def by_ladder(
    problem: Problem,
    directions: Directions,
    order: int,
    options: Options,
    *,
    memory: Memory | None = None,
    keep: Keep | None = None,
) -> Derivatives:
    """Differentiate along directions, on the sides of x where f may be asked.

    One block follows the other, looked at closer where needed: what is held of f meanwhile does not
    grow with the number of directions. What their ladders left is handed to `keep`, of all of them.
    What is in the memory is not asked again.
    """
    parts: list[Derivatives] = []
    for rows in cut(problem, len(directions), channels(options.method, order)):
        task = task_of(problem, directions.part(rows), order, options)
        windows: list[Window] = []
        known = memory and memory.pick(rows)
        every = keep is not None
        derivatives = on_sides(task, partial(_follow, windows, every=every, memory=known), _need)
        if windows and derivatives.restless:
            from numdiff.engine import diagnose  # noqa: PLC0415 - loads when needed

            if problem.apart:
                derivatives = diagnose.at_points(task, derivatives, windows)
            else:
                derivatives, problem = diagnose.diagnose(task, derivatives, windows)
        if problem.rtol > 0.0:
            derivatives = _good_enough(derivatives, problem.rtol)
        problem = problem.less(derivatives.nfev)
        parts.append(derivatives)
        if keep is not None:
            keep(rows, windows)
    return parts[0] if len(parts) == 1 else stacked(parts)


def _good_enough(derivatives: Derivatives, rtol: float) -> Derivatives:
    """Say of bars as good as asked for that nothing is to be done, whatever set them."""
    met = derivatives.error <= rtol * np.abs(derivatives.value)
    limited = derivatives.status == NOISE_LIMITED
    return derivatives._replace(status=np.where(met & limited, OK, derivatives.status))


def expect_first(
    call: Call, x: Floats, directions: Directions, order: int, options: Options
) -> None:
    """Tell workers where ladders begin, if nothing is in the way: that is known before f(x)."""
    if options.box is not None or options.max_nfev < math.inf or not call.ahead:
        return
    problem = Problem(call, x, apart=call.scalar and x.size > 1)
    few = directions.part(slice(0, min(len(directions), call.ahead)))
    side = options.method.side
    task = Task(problem, few, order, options, None)
    span = span_of(x, few, _limits(task, few, side, np.arange(len(few))))
    foresee_first(problem, few, channels(options.method.on(side), order), span)


def _follow(
    windows: list[Window], task: Task, side: int, rows: Ints, *, every: bool, memory: Memory | None
) -> Derivatives:
    """Climb along some directions; what is seen of them goes to the windows."""
    chosen, method = task.pick(rows), task.options.method.on(side)
    limits, levels = _limits(task, chosen, side, rows), channels(method, task.order)
    known = memory and memory.on(side, rows)
    lines = climb(task.problem, chosen, limits, levels, memory=known, every=every)
    if task.room is not None and not chosen.single:
        lines = _blurred(task, side, rows, lines)
    if lines.restless:
        lines = _dismissed(task.problem, chosen, limits, lines, task.order)
    if lines.restless or every:
        windows.append(Window(rows, side, task.options.method.side, limits, lines, levels))
    return Derivatives(*lines[:8], restless=lines.restless)  # without samples


def _dismissed(
    problem: Problem, directions: Directions, limits: Limits, lines: Derivatives, order: int
) -> Derivatives:
    """Let directions be calm of which a glance at what was seen says what a closer look would."""
    if problem.apart:
        problem, directions = problem.along(directions)
    one = 1, lines.value.shape[1]
    weight = np.abs(directions.weight) if directions.single else np.ones(len(directions))
    start, _, _, _, reach = span_of(problem.x, directions, limits)
    calm, (bent, torn) = lines.calm.copy(), np.empty((2, *one), np.bool_)
    with np.errstate(all="ignore"):
        restless: int = runner(lines.restless * one[1])(dismiss)(
            np.atleast_2d(problem.f0), start, reach, weight, order, *lines[:5], lines.proven,
            lines.samples, lines.state, calm, np.empty(one), np.empty(TAIL), bent, torn,
            np.empty(one, np.int64),
        )  # fmt: skip
    return lines._replace(calm=calm, restless=restless)


def _blurred(task: Task, side: int, rows: Ints, lines: Derivatives) -> Derivatives:
    """Widen bars where rounding of x + t d, which several entries differ in, is felt in the room.

    (Where one entry moves, the ladder knows by how much it really did.)
    """
    assert task.room is not None
    tight = task.room.on(side)[rows] < _need(task)[rows]
    lost = task.order * EPS * reach_of(task.problem.x, task.directions)[rows]
    with np.errstate(all="ignore"):
        blur = np.abs(lines.value) * (np.where(tight, lost, 0.0)[:, None] / lines.step)
    return lines._replace(error=np.fmax(lines.error, lines.error + blur))


def _need(task: Task) -> Floats:
    """Return how far steps go along directions where nothing is in their way."""
    problem, directions, options = task.problem, task.directions, task.options
    if options.step is not None:
        return user_steps(directions, options.method.level(task.order), options, problem.x)
    usual = USUAL * size_of(problem.x, directions)
    if options.method.columns == 1:
        return usual
    return np.maximum(usual, first_step(task.order) * size_of(problem.x, directions, 0.0))


def _limits(task: Task, chosen: Directions, side: int, rows: Ints) -> Limits:
    """Return where the steps of some directions start and how far they may go."""
    options, ahead, behind, steps = task.options, FREE, FREE, FREE
    if task.room is not None:  # the outer points stay inside
        offsets = channels(options.method.on(side), task.order).offsets
        ahead, behind = task.room.within(offsets).pick(rows)
    if options.step is not None:
        steps = user_steps(chosen, options.method.level(task.order), options, task.problem.x)
    return Limits(first_step(task.order), steps, options.method.roams, ahead, behind)
