"""From options to lines: on which side of x each direction can be followed, and what came out."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from numdiff.directions import Directions
from numdiff.estimate import Status
from numdiff.evaluate import Call, Form, origin
from numdiff.lines import Lines, Problem, blank, climb, fill, single_step
from numdiff.options import Box, Options
from numdiff.stencil import Stencil
from numdiff.steps import Level, Method, Span, channels, level_of, spans, textbook

__all__ = ["Window", "differentiate", "pose", "user_steps"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# A bound closer than this part of the first step leaves no room for pairs of points.
NARROW = 2.0**-14


def pose(call: Call, x: Floats, options: Options) -> Problem:
    """Ask for f(x) and put the problem together."""
    centre = origin(call, x)
    return Problem(call, x, centre.form, centre.rows[0], options.rtol, options.max_nfev - 1)


@dataclass(frozen=True)
class Window:
    """What is left of climbing some directions on one side: their numbers, levels and states."""

    rows: Ints
    side: int
    lines: Lines


def differentiate(
    problem: Problem,
    directions: Directions,
    order: int,
    options: Options,
    windows: list[Window] | None = None,
) -> Lines:
    """Differentiate along directions, on the sides of x where f may be asked.

    The status is ONE_SIDED where one side of x was used. The list `windows`, where one is given,
    receives the levels.
    """
    if options.single:
        return _one_step(problem, directions, order, options)
    room = _room(problem.x, directions, options.box)
    assert problem.f0 is not None
    found = blank(problem, len(directions))
    free = np.flatnonzero(np.maximum(*room) > 0.0)
    if not np.isfinite(problem.f0).any():
        return found
    sides = _sides(problem.x, directions, options.method, room)
    for side in (0, 1, -1):
        task = _Task(problem, directions, side, order, options, room)
        found = _follow(found, task, free[sides[free] == side], windows)
    if options.method.side == 0:
        for side in (1, -1):  # f itself may be defined on one side of x only
            lost = free[(sides[free] == 0) & _lost(found, problem)[free]]
            task = _Task(problem, directions, side, order, options, room)
            found = _follow(found, task, lost, windows)
    return found


@dataclass(frozen=True)
class _Task:
    """What is to be done along directions on one side."""

    problem: Problem
    directions: Directions
    side: int
    order: int
    options: Options
    room: tuple[Floats, Floats]


def _follow(found: Lines, task: _Task, rows: Ints, windows: list[Window] | None) -> Lines:
    """Climb along some directions and fill in what was not known of them."""
    if rows.size == 0:
        return found
    problem, directions, side = task.problem, task.directions, task.side
    order, options, room = task.order, task.options, task.room
    method = options.method if side == options.method.side else replace(options.method, side=side)
    chosen = directions.pick(rows)
    limits = room[0][rows], room[1][rows]
    if side:
        ahead = limits[0] if side > 0 else limits[1]
        limits = ahead, ahead
    span = spans(problem.x, (chosen.starts, chosen.index, chosen.weight), order, limits)
    span = _first_step(span, chosen, order, options, problem.x)
    rest = replace(problem, budget=problem.budget - found.nfev)
    lines = climb(rest, chosen, span, channels(method, order), keep=windows is not None)
    if windows is not None:
        windows.append(Window(rows, side, lines))
    if side:
        good = lines.status <= Status.NOISE_LIMITED
        lines = replace(
            lines, status=np.where(good, Status.ONE_SIDED, lines.status).astype(np.uint8)
        )
    return fill(found, rows, lines)


def _lost(found: Lines, problem: Problem) -> NDArray[np.bool_]:
    """Say which directions have an output that is finite at x but was not beside it."""
    assert problem.f0 is not None
    missing = (found.status == Status.DOMAIN) & np.isfinite(problem.f0)
    return np.asarray(missing.any(axis=1))


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


def _sides(x: Floats, directions: Directions, method: Method, room: tuple[Floats, Floats]) -> Ints:
    """Choose the side of each direction: the method's, unless bounds leave no room for it."""
    plus, minus = room
    if np.isinf(plus).all() and np.isinf(minus).all():
        return np.full(len(directions), method.side)
    wider = np.where(plus >= minus, 1, -1)
    first = spans(x, (directions.starts, directions.index, directions.weight), 1, None).start
    narrow = NARROW * np.ldexp(1.0, first)
    if method.side == 0:
        return np.where(np.minimum(plus, minus) < narrow, wider, 0)
    ahead = plus if method.side > 0 else minus
    return np.where(ahead < narrow, wider, method.side)


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
    return np.broadcast_to(options.step[:1], (len(directions),))


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
    return replace(span, start=start, highest=highest)


def _one_step(problem: Problem, directions: Directions, order: int, options: Options) -> Lines:
    """Apply the method's stencil once, turned or shrunk where a bound is in its way."""
    level = options.method.level(order)
    steps = user_steps(directions, level, options, problem.x)
    if options.box is None:
        return single_step(problem, directions, level, steps)
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
    parts = []
    for k, choice in enumerate(choices):
        rows = np.flatnonzero((best == k) & (steps > 0.0))
        if rows.size:
            lines = single_step(problem, directions.pick(rows), choice, steps[rows])
            problem = replace(problem, form=lines.form)
            parts.append((rows, lines))
    return _scatter(parts, problem, len(directions))


def _largest(level: Level, room: tuple[Floats, Floats]) -> Floats:
    """Largest step with which a level stays inside."""
    limit = np.full(room[0].shape, np.inf)
    for outer, ahead in ((level.offsets.max(), room[0]), (-level.offsets.min(), room[1])):
        if outer > 0.0:
            limit = np.minimum(limit, ahead / outer)
    return limit


def _scatter(parts: list[tuple[Ints, Lines]], problem: Problem, count: int) -> Lines:
    found = blank(replace(problem, form=problem.form or Form((), is_complex=False)), count)
    for rows, lines in parts:
        found = fill(found, rows, lines)
    return found
