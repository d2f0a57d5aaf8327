"""Second derivatives along pairs of directions, from the same points as those along each."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from numdiff.arrays import Floats, Ints, Mask
from numdiff.constants import BUDGET, DOMAIN, JUMP, KINK, NOISE_LIMITED, SINGLE_STEP, STOCHASTIC
from numdiff.drivers.climb import Window, climb, cut
from numdiff.drivers.compiled import columns_of
from numdiff.drivers.compiled_mixed import lead_pairs
from numdiff.drivers.compiled_points import deepen
from numdiff.drivers.derivatives import Columns, Derivatives, Problem, blank, fill, stacked
from numdiff.drivers.memory import Memory
from numdiff.drivers.sampling import Samples, native_code, sample
from numdiff.engine.by_ladder import by_ladder
from numdiff.engine.sides import one_sided, task_of
from numdiff.engine.single import by_rule, by_single_step, user_steps
from numdiff.evaluation.call import ask_again
from numdiff.evaluation.dispatchers import Compiled
from numdiff.evaluation.threads import spread
from numdiff.geometry.directions import Directions, combine
from numdiff.ladder.channels import Span, mixed_channels

from numdiff.ladder.pairs import (  # isort: skip
    AXIS, BEGIN, DEPTH, LARGEST, LEAST, LEVELS, PLACES, SIDE, contest, keep, probes, relate,
)  # fmt: skip
from numdiff.ladder.noise import CLEARLY
from numdiff.ladder.registers import SLOTS
from numdiff.ladder.runtime import compiled, runner
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
        across = _along_pairs(rest, axes, rows, columns, options)
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
            steps = (
                lines.step / np.abs(directions.weight[numbers, None])
                if directions.single
                else lines.step
            )
            run = runner(len(numbers))
            run(keep)(numbers, window.side, lines.samples, lines.state, steps, table, beside)

    derivatives = by_ladder(problem, directions, 2, options, keep=collect)
    return _deepened(problem, _Axes(directions, derivatives, table, beside))


def _deepened(problem: Problem, axes: _Axes) -> _Axes:
    """Sample the axes at smaller steps, so that pairs of them can go as far."""
    derivatives, native = axes.derivatives, problem.call.dispatcher and problem.budget == math.inf
    if native and (code := native_code(problem)) is not None:
        table, nfev, raised = _deepened_natively(code, problem, axes)
        derivatives = derivatives._replace(nfev=derivatives.nfev + nfev)
        if not raised:  # else it has to be asked again to see what
            return axes._replace(table=table, derivatives=derivatives)
    table, nfev = axes.table, 0
    for depth in range(1, DEPTH):
        deep = table[:, LARGEST] - depth
        open_ = (table[:, LEVELS] == depth) & (deep > table[:, LEAST])
        if not open_.any():
            continue
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


def _deepened_natively(code: Compiled, problem: Problem, axes: _Axes) -> tuple[Ints, int, int]:
    """Return what becomes of the table of axes, how often f was asked, and how often it raised."""
    table, x, f0, ways = axes.table.copy(), problem.x, problem.f0, axes.directions
    route, room = (ways.starts, ways.index, ways.weight), (np.empty_like(x), np.empty_like(f0))
    go_on: Any = compiled(deepen)
    nfev, raised = go_on(code.kind, code.address, x, f0, route, table, axes.beside, *room)
    return table, nfev, raised


def _along_pairs(
    problem: Problem, axes: _Axes, rows: Ints, columns: Ints, options: Options
) -> Derivatives:
    """Differentiate along pairs (rows, columns) of directions, once along each.

    Where one direction could be followed on one side only, both are.
    """
    sides, levels = axes.table[:, SIDE], axes.table[:, LEVELS]
    sided = (sides[rows] != 0) | (sides[columns] != 0)
    usable = np.minimum(levels[rows], levels[columns]) > 0
    if len(rows) and usable.all() and not sided.any():
        return _on_side(problem, axes, rows, columns, 0, options)
    whole, status = blank(problem, len(rows)), axes.derivatives.status
    short = (status[rows] == BUDGET) | (status[columns] == BUDGET)
    whole.status[short & ~usable[:, None]] = BUDGET
    for side in (0, 1):
        chosen = np.flatnonzero((sided == (side != 0)) & usable)
        if chosen.size:
            part = _on_side(problem, axes, rows[chosen], columns[chosen], side, options)
            problem = problem.less(part.nfev)
            whole = fill(whole, chosen, one_sided(part, side, 0))
    return whole


def _on_side(
    problem: Problem, axes: _Axes, rows: Ints, columns: Ints, side: int, options: Options
) -> Derivatives:
    """Differentiate along pairs in blocks, on both sides of x (0) or on that of each direction."""
    parts = []
    call = problem.call
    workers = call.ahead if call.evaluator else 1  # no pair waits for another: blocks may be larger
    for block in cut(problem, len(rows), mixed_channels(one_sided=side != 0), workers):
        one, other = rows[block], columns[block]
        code = _code_for(problem, axes.directions) if call.dispatcher else None
        if code is not None:
            lines, units, doubt = _led_natively(code, problem, axes, (one, other), side)
        else:
            lines, units = _climbed(problem, axes, one, other, side)
            lines, doubt = _probed(problem.less(lines.nfev), axes, (one, other), units, side, lines)
        if doubt.any():
            from numdiff.engine.diagonals import diagonals  # noqa: PLC0415 - when needed

            some = np.flatnonzero(doubt.any(axis=1))
            ends = axes.derivatives, (one[some], other[some]), units[some]
            found = diagonals(problem.less(lines.nfev), axes.directions, *ends, options)
            lines = fill(lines, some, found, doubt[some])
        problem = problem.less(lines.nfev)
        # in units of both directions, without samples
        first, last = units[:, :1], units[:, 1:]  # a reduction over two numbers takes far longer
        area, shorter = first * last, np.minimum(np.abs(first), np.abs(last))
        value, error, step = lines.value / area, lines.error / np.abs(area), lines.step * shorter
        parts.append(Derivatives(value, error, lines.status, step, *lines[4:8]))
    return parts[0] if len(parts) == 1 else stacked(parts)


def _code_for(problem: Problem, directions: Directions) -> Compiled | None:
    """Return machine code that kernels may ask at once, along axes of x that are not the same."""
    index, free = directions.index.tolist(), problem.budget == math.inf and problem.noise is None
    apart = directions.single and len(set(index)) == len(index)
    return native_code(problem) if free and apart else None


def _led_natively(
    code: Compiled, problem: Problem, axes: _Axes, pairs: tuple[Ints, Ints], side: int
) -> tuple[Derivatives, Floats, Mask]:
    """Let compiled code climb along pairs of axes and ask once more off the diagonal of each.

    Returns what `_climbed` and `_probed` do.
    """
    (rows, columns), x, f0, ways = pairs, problem.x, problem.f0, axes.directions
    count, channels, known = len(rows), mixed_channels(one_sided=side != 0), axes.derivatives
    found: Columns = columns_of(count, f0)
    doubt, units = np.empty((count, f0.size), np.bool_), np.empty((count, 2))
    raised, places = np.zeros(count, np.bool_), np.empty((count, x.size))
    noisy = np.ascontiguousarray(known.status == NOISE_LIMITED)  # laid out as kernels expect it
    ends = axes.table, axes.beside, np.ascontiguousarray(known.noise), noisy
    route, lead = (ways.starts, ways.index, ways.weight), compiled(lead_pairs)

    def part(some: slice) -> int:
        own = tuple([column[some] for column in found])
        calls: int = lead(
            code.kind, code.address, x, f0, route, rows[some], columns[some], channels,
            problem.rtol, ends, units[some], own, doubt[some], raised[some], places[some],
        )  # fmt: skip
        return calls

    nfev, trouble = sum(spread(part, count, problem.call.workers)), None
    if raised.any():
        trouble = ask_again(problem.call, places[raised], problem.form)
        nfev += int(raised.sum())
    lines = Derivatives(*found, nfev, problem.form, trouble)
    return lines, units, doubt & np.isfinite(lines.error)


def _climbed(
    problem: Problem, axes: _Axes, rows: Ints, columns: Ints, side: int
) -> tuple[Derivatives, Floats]:
    """Climb along pairs of directions; t is in units (K, 2) of both, which are returned."""
    table, levels_of = axes.table, mixed_channels(one_sided=side != 0)
    begin = np.minimum(table[rows, BEGIN], table[columns, BEGIN])
    units, levels = np.empty((len(rows), 2)), np.full(len(rows), SLOTS)
    for k, ends in enumerate((rows, columns)):
        above = table[ends, BEGIN] - begin
        signs = np.where(table[ends, SIDE] < 0, -1.0, 1.0) if side else 1.0
        units[:, k] = signs * np.ldexp(1.0, table[ends, LARGEST] - above)
        levels = np.minimum(levels, table[ends, LEVELS] - above)
    shape = (len(rows), max(int(levels.max()), 2), len(levels_of.offsets), problem.f0.size)
    beside = np.full(shape, np.nan)
    runner(len(rows))(relate)(rows, columns, table, axes.beside, side != 0, beside)
    # two directions that move the same entry of x go half as far, to stay inside bounds
    apart, index = axes.directions.single, axes.directions.index
    first = np.where(index[rows] != index[columns], 0, -1) if apart else np.full(len(rows), -1)
    start = np.minimum(first, -begin)
    span = Span(start, start, first, 1 - levels, np.zeros(len(rows)))
    together = combine(axes.directions, rows, columns, units)
    # noise beyond rounding is that of f along both, or of something in the way of one alone
    ends = np.array([rows, columns])
    noise, noisy = axes.derivatives.noise[ends], axes.derivatives.status[ends] == NOISE_LIMITED
    alone = noisy & ~noisy[::-1]
    least = np.where(alone, np.minimum(noise, CLEARLY * noise[::-1]), noise).max(axis=0)
    lines = climb(problem, together, span, levels_of, beside=beside, noise=least, every=True)
    return lines, units


def _probed(
    problem: Problem,
    axes: _Axes,
    pairs: tuple[Ints, Ints],
    units: Floats,
    side: int,
    lines: Derivatives,
) -> tuple[Derivatives, Mask]:
    """Ask for f at a small step off the diagonal of each pair, and say what contradicts it."""
    rows, columns = pairs
    doubt = np.zeros(lines.value.shape, np.bool_)
    if 2 * len(rows) > problem.budget:
        return lines, doubt
    run, lengths = runner(len(rows)), np.empty((len(rows), 2))
    run(probes)(rows, columns, axes.table, lengths)
    lengths = lengths * (np.sign(units) if side else (1.0, -1.0))
    signs = np.array([1.0]) if side else np.array([1.0, -1.0])
    together = combine(axes.directions, rows, columns, lengths)
    found = sample(problem, together, signs, np.ones(len(rows)))
    noise = axes.derivatives.noise
    run(contest)(
        rows, columns, units, found.values, problem.f0, np.maximum(noise[rows], noise[columns]),
        axes.table, axes.beside, lines.value, lines.error, lines.samples, lines.state, doubt,
    )  # fmt: skip
    trouble = lines.trouble or found.trouble
    return lines._replace(nfev=lines.nfev + found.nfev, trouble=trouble), doubt & np.isfinite(
        lines.error
    )


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
