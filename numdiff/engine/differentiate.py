"""From options to lines: on which side of x each direction can be followed, and what came out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from numdiff.drivers import compiled as driver
from numdiff.drivers.black_box import climb
from numdiff.drivers.derivatives import Derivatives, Problem, blank, columns_of, fill
from numdiff.drivers.single import single_step
from numdiff.estimate import Status
from numdiff.evaluation.call import Call, Form, origin
from numdiff.evaluation.threads import spread
from numdiff.geometry.directions import Directions
from numdiff.ladder import points
from numdiff.ladder.channels import Span, channels
from numdiff.ladder.runtime import compiled, runner
from numdiff.methods import Level, first_step, level_of, textbook
from numdiff.options import Box, Options

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from numdiff.engine.diagnose import Window

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

__all__ = ["differentiate", "pose", "user_steps"]


# A bound closer than this part of the size of x leaves no room for pairs of points.
NARROW = 2.0**-18
LEAST = 2.0**-40  # less room than this part of it is none
DOMAIN = int(Status.DOMAIN)


def pose(call: Call, x: Floats, options: Options) -> Problem:
    """Ask for f(x) and put the problem together."""
    centre = origin(call, x)
    noise = options.noise_of(centre.form)
    budget = options.max_nfev - 1
    return Problem(call, x, centre.form, centre.rows[0], options.rtol, budget, noise)


def differentiate(
    problem: Problem,
    directions: Directions,
    order: int,
    options: Options,
    windows: list[Window] | None = None,
) -> Derivatives:
    """Differentiate along directions, on the sides of x where f may be asked.

    The status is ONE_SIDED where one side of x was used. The list `windows`, where one is given,
    receives the levels.
    """
    if options.single:
        return _one_step(problem, directions, order, options)
    assert problem.f0 is not None
    if len(directions) == 0 or not np.isfinite(problem.f0).any():
        return blank(problem, len(directions))
    room = None if options.box is None else _room(problem.x, directions, options.box)
    task = _Task(problem, directions, order, options, room)
    if windows is None and options.free:
        lines = _natively(task)
        if lines is not None:
            return lines
    kept = [] if windows is None else windows
    found = _climbed(task, kept)
    if options.rule is not None:
        return found
    from numdiff.engine.diagnose import doubted  # noqa: PLC0415 - loads when needed

    return doubted(problem, directions, order, found, kept, _open_room(task))


def _climbed(task: _Task, windows: list[Window]) -> Derivatives:
    """Climb on the sides that bounds and method allow, and on one side where f forces it."""
    found = None
    for side, rows in _groups(task):
        found = _follow(found, task, side, rows, windows)
    found = found or blank(task.problem, len(task.directions))
    if task.options.method.side == 0 and (found.status == DOMAIN).any():
        for side in (1, -1):  # f itself may be defined on one side of x only
            lost = _lost(found, task, side)
            if lost.size:
                found = _follow(found, task, side, lost, windows)
    return found


class _Task(NamedTuple):
    """What is to be done along directions."""

    problem: Problem
    directions: Directions
    order: int
    options: Options
    room: tuple[Floats, Floats] | None


def _natively(task: _Task) -> Derivatives | None:
    """Let compiled code do all of it; None if f is not compiled, or has to be looked at closer."""
    problem, directions, options = task.problem, task.directions, task.options
    assert problem.f0 is not None
    assert problem.form is not None
    code = problem.call.compiled
    shape = len(directions), problem.f0.size
    if code is None or runner(math.prod(shape)) is not compiled:
        return None
    steps = np.empty(0)
    if options.step is not None:
        steps = user_steps(directions, options.method.level(task.order), options, problem.x)
    columns, levels = columns_of(shape), channels(options.method, task.order)
    start, roams = first_step(task.order), options.method.roams
    follow: Any = compiled(driver.follow)

    def work(part: slice) -> int:
        some = directions if part == slice(0, shape[0]) else directions.part(part)
        route = (some.starts, some.index, some.weight)
        plan = (start, steps[part], roams, options.rtol)
        room = tuple(column[part] for column in columns)
        nothing = np.empty((0, shape[1]), np.bool_)
        return int(
            follow(
                code.kind, code.address, problem.x, problem.f0, route, levels, plan, room, nothing
            )
        )

    calls = spread(work, shape[0], problem.call.workers)
    return Derivatives(*columns, sum(calls), problem.form) if min(calls) >= 0 else None


def _groups(task: _Task) -> list[tuple[int, Ints]]:
    """Return the directions that can move, by the side on which they are followed."""
    if task.room is None:
        return [(task.options.method.side, np.arange(len(task.directions)))]
    plus, minus = task.room
    free = np.flatnonzero(np.maximum(plus, minus) > LEAST * _size(task))
    sides = _sides(task, plus, minus)[free]
    return [(side, free[sides == side]) for side in (0, 1, -1) if (sides == side).any()]


def _follow(
    found: Derivatives | None, task: _Task, side: int, rows: Ints, windows: list[Window]
) -> Derivatives:
    """Climb along some directions and fill in what was not known of them."""
    from numdiff.engine.diagnose import Window, sided  # noqa: PLC0415 - loads when needed

    problem, options = task.problem, task.options
    method = options.method if side == options.method.side else options.method._replace(side=side)
    whole = len(rows) == len(task.directions)
    chosen = task.directions if whole else task.directions.pick(rows)
    span = _span(task, chosen, side, rows)
    if found is not None:
        problem = problem._replace(budget=problem.budget - found.nfev)
    if options.rule is None:
        levels = channels(method, task.order)
        lines = climb(problem, chosen, span, levels, keep=True)
        windows.append(Window(rows, side, options.method.side, span, lines, levels))
        lines = lines._replace(samples=None, state=None)
    else:
        from numdiff.drivers.by_rule import by_rule  # noqa: PLC0415 - loads when needed

        room = task.room and (task.room[0][rows], task.room[1][rows])
        lines = by_rule(
            problem, chosen, task.order, options.rule, method, noise=problem.noise, room=room
        )
    lines = sided(lines, side, options.method.side)
    if found is None and whole:
        return lines
    return fill(found or blank(problem, len(task.directions)), rows, lines)


def _open_room(task: _Task) -> tuple[Floats, Floats] | None:
    """How far samples may lie: inside the bounds, and on the side that the method asks for."""
    side = task.options.method.side
    if side == 0:
        return task.room
    ahead, behind = task.room or _room(task.problem.x, task.directions, None)
    none = np.zeros(len(ahead))
    return (ahead, none) if side > 0 else (none, behind)


def _span(task: _Task, chosen: Directions, side: int, rows: Ints) -> Span:
    """Return where the steps of some directions start and how far they may go."""
    ahead = behind = np.empty(0)
    if task.room is not None:
        ahead, behind = task.room[0][rows], task.room[1][rows]
        if side:
            ahead = behind = ahead if side > 0 else behind
    count = len(chosen)
    start, other, highest, lowest = (np.empty(count, np.int64) for _ in range(4))
    reach = np.empty(count)
    runner(count)(points.span)(
        task.problem.x, chosen.starts, chosen.index, chosen.weight, first_step(task.order),
        ahead, behind, start, other, highest, lowest, reach,
    )  # fmt: skip
    span = Span(start, other, highest, lowest, reach)
    options = task.options
    if options.rule is not None or (options.step is None and options.method.roams):
        return span
    return _first_step(span, chosen, task.order, options, task.problem.x)


def _lost(found: Derivatives, task: _Task, side: int) -> Ints:
    """Return the directions with an output that is finite at x but was not on both sides of it."""
    missing = found.status == DOMAIN
    if not missing.any():
        return np.empty(0, np.int64)
    assert task.problem.f0 is not None
    lost = (missing & np.isfinite(task.problem.f0)).any(axis=1)
    if task.room is not None:
        lost &= task.room[0 if side > 0 else 1] > LEAST * _size(task)
    return np.flatnonzero(lost)


def _room(x: Floats, directions: Directions, box: Box | None) -> tuple[Floats, Floats]:
    """How far t may go to either side of 0 before a bound is crossed."""
    if box is None:
        endless = np.full(len(directions), np.inf)
        return endless, endless
    index, weight = directions.index, directions.weight
    above, below = box.upper[index] - x[index], x[index] - box.lower[index]
    plus = np.where(weight > 0.0, above, below) / np.abs(weight)
    minus = np.where(weight > 0.0, below, above) / np.abs(weight)
    starts = directions.starts
    return np.minimum.reduceat(plus, starts), np.minimum.reduceat(minus, starts)


def _size(task: _Task) -> Floats:
    """Size of x, but at least 1, in units of t."""
    directions = task.directions
    size = np.maximum(np.abs(task.problem.x[directions.index]), 1.0)
    return np.asarray(np.minimum.reduceat(size / np.abs(directions.weight), directions.starts))


def _sides(task: _Task, plus: Floats, minus: Floats) -> Ints:
    """Choose the side of each direction: the method's, unless bounds leave no room for it."""
    side, narrow = task.options.method.side, NARROW * _size(task)
    wider = np.where(plus >= minus, 1, -1)
    if side == 0:
        return np.where(np.minimum(plus, minus) < narrow, wider, 0)
    return np.where((plus if side > 0 else minus) < narrow, wider, side)


def user_steps(directions: Directions, level: Level, options: Options, x: Floats) -> Floats:
    """Return the step of each direction that the user gave, in units of t."""
    if isinstance(options.step, str):
        rule = textbook(level, x)[directions.index] / np.abs(directions.weight)
        return np.asarray(np.minimum.reduceat(rule, directions.starts))
    assert options.step is not None
    if directions.all_axes and options.step.size == x.size:
        return options.step
    if directions.single and options.step.size == x.size:
        return options.step[directions.index]
    return options.step[:1].repeat(len(directions))


def _first_step(
    span: Span, directions: Directions, order: int, options: Options, x: Floats
) -> Span:
    """Start at the user's step, if there is one."""
    start = span.start
    if options.step is not None:
        steps = user_steps(directions, options.method.level(order), options, x)
        start = np.rint(np.log2(steps)).astype(np.int64)
        start = np.maximum(np.minimum(start, span.highest), span.lowest)
    highest = span.highest if options.method.roams else start
    return span._replace(start=start, highest=highest)


def _one_step(
    problem: Problem, directions: Directions, order: int, options: Options
) -> Derivatives:
    """Apply the method's stencil once, turned or shrunk where a bound is in its way."""
    level = options.method.level(order)
    steps = user_steps(directions, level, options, problem.x)
    if options.box is None:
        return single_step(problem, directions, level, steps)
    from numdiff.stencil import Stencil  # noqa: PLC0415 - exact fractions load when needed

    room = _room(problem.x, directions, options.box)
    accuracy = level.stencil.accuracy
    choices = (
        level,
        level_of(Stencil([-o for o in level.stencil.offsets], order)),
        level_of(Stencil.forward(order, accuracy)),
        level_of(Stencil.backward(order, accuracy)),
    )
    limits = np.array([_largest(choice, room) for choice in choices])
    fits = limits >= steps
    best = np.where(fits.any(axis=0), fits.argmax(axis=0), limits.argmax(axis=0))
    steps = np.minimum(steps, limits.max(axis=0))
    parts, asked = [], 0
    for k, choice in enumerate(choices):
        rows = np.flatnonzero((best == k) & (steps > 0.0))
        if rows.size:
            if choice.centre != 0.0 and problem.f0 is None:
                problem, asked = pose(problem.call, problem.x, options), 1
            lines = single_step(problem, directions.pick(rows), choice, steps[rows])
            problem = problem._replace(form=lines.form)
            parts.append((rows, lines))
    found = _scatter(parts, problem, len(directions))
    return found._replace(nfev=found.nfev + asked)


def _largest(level: Level, room: tuple[Floats, Floats]) -> Floats:
    """Largest step with which a level stays inside."""
    limit = np.full(room[0].shape, np.inf)
    for outer, ahead in ((level.offsets.max(), room[0]), (-level.offsets.min(), room[1])):
        if outer > 0.0:
            limit = np.minimum(limit, ahead / outer)
    return limit


def _scatter(parts: list[tuple[Ints, Derivatives]], problem: Problem, count: int) -> Derivatives:
    found = blank(problem._replace(form=problem.form or Form((), is_complex=False)), count)
    for rows, lines in parts:
        found = fill(found, rows, lines)
    return found
