"""Second derivatives along pairs of directions, from the same points as those along each."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from numdiff.arrays import Floats, Ints
from numdiff.constants import BUDGET, DOMAIN, JUMP, KINK, SINGLE_STEP, STOCHASTIC
from numdiff.drivers.climb import Window, climb, cut
from numdiff.drivers.derivatives import Derivatives, Problem, blank, fill, stacked
from numdiff.drivers.memory import Memory
from numdiff.drivers.sampling import Samples, sample
from numdiff.engine.by_ladder import by_ladder
from numdiff.engine.sides import one_sided, task_of
from numdiff.engine.single import by_rule, by_single_step, user_steps
from numdiff.geometry.directions import Directions, combine
from numdiff.ladder.channels import Span, mixed_channels
from numdiff.ladder.pairs import AXIS, DEPTH, LARGEST, LEAST, LEVELS, PLACES, SIDE, keep, relate
from numdiff.ladder.runtime import runner
from numdiff.options import Options


class _Axes(NamedTuple):
    """Second derivatives along each of D directions, with the levels they were found from."""

    directions: Directions
    derivatives: Derivatives
    table: Ints  # as in Memory
    beside: Floats


def second(
    problem: Problem,
    directions: Directions,
    rows: Ints,
    columns: Ints,
    options: Options,
    *,
    slopes: bool = False,
) -> tuple[Derivatives, ...]:
    """Take second derivatives along each direction, and along pairs (rows, columns) of them.

    And `slopes` along each, from the points of the second derivatives as far as these reach.
    """
    if options.way == "complex":
        raise ValueError("`method` 'complex' gives first derivatives only: use method 'auto'")
    if options.way == "rule":
        by_rule(problem, directions, 2, options)  # says that rules are for first derivatives
    with np.errstate(all="ignore"):  # values outside the domain are nan here
        if options.way == "single":
            both = _by_single_step(problem, directions, rows, columns, options)
            return (*both, by_single_step(problem, directions, 1, options)) if slopes else both
        axes = _along_axes(problem, directions, options)
        status, rest = axes.derivatives.status, problem.less(axes.derivatives.nfev)
        across = _along_pairs(rest, axes, rows, columns)
        if ((status == KINK) | (status == JUMP) | (status == STOCHASTIC)).any():
            from numdiff.engine.diagnose import inherited  # noqa: PLC0415 - loads when needed

            task = task_of(rest, directions, 2, options)
            across = inherited(task, axes.derivatives, (rows, columns), across)
        if not slopes:
            return axes.derivatives, across
        memory = Memory(axes.table, axes.beside)
        first = by_ladder(rest.less(across.nfev), directions, 1, options, memory=memory)
        return axes.derivatives, across, first


def _along_axes(problem: Problem, directions: Directions, options: Options) -> _Axes:
    """Take the second derivative along each direction and keep the levels."""
    count, outputs = len(directions), problem.f0.size
    table = np.zeros((count, AXIS), np.int64)
    beside = np.full((count, PLACES, 2, outputs), np.nan)

    def collect(rows: slice, windows: list[Window]) -> None:
        for window in windows:  # later ones are for directions that had no levels before
            numbers, lines = window.rows + rows.start, window.lines
            run = runner(len(numbers))
            run(keep)(numbers, window.side, lines.samples, lines.state, table, beside)

    derivatives = by_ladder(problem, directions, 2, options, keep=collect)
    return _deepened(problem, _Axes(directions, derivatives, table, beside))


def _deepened(problem: Problem, axes: _Axes) -> _Axes:
    """Sample the axes at smaller steps, so that pairs of them can go as far."""
    table, derivatives, nfev = axes.table, axes.derivatives, 0
    for depth in range(1, DEPTH):
        deep = table[:, LARGEST] - depth
        open_ = (table[:, LEVELS] == depth) & (deep > table[:, LEAST])
        for side in (0, 1, -1):
            rows = np.flatnonzero(open_ & (table[:, SIDE] == side))
            if rows.size == 0 or nfev + derivatives.nfev + 2 * rows.size > problem.budget:
                continue
            signs = np.array([1.0, -1.0]) if side == 0 else np.array([float(side)])
            samples = sample(problem, axes.directions.pick(rows), signs, np.ldexp(1.0, deep[rows]))
            for sign, values in zip(signs, samples.values, strict=True):
                axes.beside[rows, depth, 0 if sign > 0 else 1] = values - problem.f0
            table[rows, LEVELS] += 1
            nfev += samples.nfev
    return axes._replace(derivatives=derivatives._replace(nfev=derivatives.nfev + nfev))


def _along_pairs(problem: Problem, axes: _Axes, rows: Ints, columns: Ints) -> Derivatives:
    """Differentiate along pairs (rows, columns) of directions, once along each.

    Where one direction could be followed on one side only, both are.
    """
    sides, levels = axes.table[:, SIDE], axes.table[:, LEVELS]
    sided = (sides[rows] != 0) | (sides[columns] != 0)
    usable = np.minimum(levels[rows], levels[columns]) > 0
    if len(rows) and usable.all() and not sided.any():
        return _on_side(problem, axes, rows, columns, 0)
    whole, status = blank(problem, len(rows)), axes.derivatives.status
    short = (status[rows] == BUDGET) | (status[columns] == BUDGET)
    whole.status[short & ~usable[:, None]] = BUDGET
    for side in (0, 1):
        chosen = np.flatnonzero((sided == (side != 0)) & usable)
        if chosen.size:
            part = _on_side(problem, axes, rows[chosen], columns[chosen], side)
            problem = problem.less(part.nfev)
            whole = fill(whole, chosen, one_sided(part, side, 0))
    return whole


def _on_side(problem: Problem, axes: _Axes, rows: Ints, columns: Ints, side: int) -> Derivatives:
    """Differentiate along pairs in blocks, on both sides of x (0) or on that of each direction."""
    parts = []
    call = problem.call
    workers = call.ahead if call.evaluator else 1  # no pair waits for another: blocks may be larger
    for block in cut(problem, len(rows), mixed_channels(one_sided=side != 0), workers):
        parts.append(_climbed(problem, axes, rows[block], columns[block], side))
        problem = problem.less(parts[-1].nfev)
    return stacked(parts)


def _climbed(problem: Problem, axes: _Axes, rows: Ints, columns: Ints, side: int) -> Derivatives:
    """Climb along pairs of directions; t is in units of the largest steps of both."""
    table, levels_of = axes.table, mixed_channels(one_sided=side != 0)
    signs = np.where(table[:, SIDE] < 0, -1, 1) if side else np.ones(len(table))
    units = signs * np.ldexp(1.0, table[:, LARGEST])
    levels = np.minimum(table[rows, LEVELS], table[columns, LEVELS])
    shape = (len(rows), max(int(levels.max()), 2), len(levels_of.offsets), problem.f0.size)
    beside = np.full(shape, np.nan)
    runner(len(rows))(relate)(rows, columns, table, axes.beside, side != 0, beside)
    # two directions that move the same entry of x go half as far, to stay inside bounds
    apart, index = axes.directions.single, axes.directions.index
    first = np.where(index[rows] != index[columns], 0, -1) if apart else np.full(len(rows), -1)
    span = Span(first, first, first, 1 - levels, np.zeros(len(rows)))
    together = combine(axes.directions, rows, columns, units)
    noise = axes.derivatives.noise
    least = np.maximum(noise[rows], noise[columns])
    lines = climb(problem, together, span, levels_of, beside=beside, noise=least)
    area = (units[rows] * units[columns])[:, None]
    shorter = np.minimum(np.abs(units[rows]), np.abs(units[columns]))[:, None]
    value, error, step = lines.value / area, lines.error / np.abs(area), lines.step * shorter
    return Derivatives(value, error, lines.status, step, *lines[4:8])  # without samples


def _by_single_step(
    problem: Problem, directions: Directions, rows: Ints, columns: Ints, options: Options
) -> tuple[Derivatives, Derivatives]:
    """Take the second differences of a single step."""
    side = options.method.side
    if options.method.stencil is not None or options.box is not None:
        raise ValueError(
            "second derivatives with a single `step` take the methods 'forward', 'backward' and "
            "'central' without `bounds`: leave `step` out, or use method 'auto'"
        )
    level = options.method.level(2)
    steps = user_steps(directions, level, options, problem.x)
    alone = sample(problem, directions, level.offsets, steps)
    slopes = np.tensordot(level.weights, alone.values, 1) + level.centre * problem.f0
    slopes /= alone.steps[:, None] ** 2
    signs = np.array([1.0, -1.0]) if side == 0 else np.array([float(side)])
    near = np.flatnonzero(np.abs(level.offsets) == 1.0)
    rise = alone.values[near].mean(axis=0) - problem.f0
    both = sample(problem, combine(directions, rows, columns, steps), signs, np.ones(len(rows)))
    across = both.values.mean(axis=0) - problem.f0 - rise[rows] - rise[columns]
    across /= (alone.steps[rows] * alone.steps[columns])[:, None]
    least = np.minimum(steps[rows], steps[columns])
    return _without_bars(slopes, steps, alone), _without_bars(across, least, both)


def _without_bars(value: Floats, steps: Floats, samples: Samples) -> Derivatives:
    """Return values of which only one step is known."""
    usable, nothing = np.isfinite(value), np.full(value.shape, math.nan)
    status = np.where(usable, SINGLE_STEP, DOMAIN).astype(np.uint8)
    error, value = np.where(usable, math.nan, math.inf), np.where(usable, value, math.nan)
    step = steps[:, None].repeat(value.shape[1], 1)
    return Derivatives(
        value, error, status, step, nothing, samples.nfev, samples.form, samples.trouble
    )
