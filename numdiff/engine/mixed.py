"""Second derivatives along pairs of directions, from the same points as those along each."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from numdiff.assemble import refuse_if_lost
from numdiff.drivers.black_box import climb
from numdiff.drivers.derivatives import Derivatives, Problem, blank, fill
from numdiff.drivers.sampling import sample
from numdiff.drivers.single import one_level
from numdiff.engine.differentiate import differentiate, user_steps
from numdiff.estimate import Status
from numdiff.geometry.directions import Directions, combine
from numdiff.ladder import decide
from numdiff.ladder.channels import Span, mixed_channels
from numdiff.options import Options

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from numdiff.engine.diagnose import Window

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

__all__ = ["second"]


# How many levels a pair may use: axes are sampled that far, which costs little beside the pairs.
DEPTH = 8


class Axes(NamedTuple):
    """Second derivatives along each of D directions, with the levels they were found from."""

    directions: Directions
    lines: Derivatives
    sides: Ints  # 0 where pairs of points were used
    largest: Ints  # exponent of the largest step of each window
    levels: Ints  # how many steps follow from there on
    beside: Floats  # (D, levels, 2, m): f(x + t d) - f(x) for t > 0 and t < 0, nan if not asked for


def second(
    problem: Problem, directions: Directions, rows: Ints, columns: Ints, options: Options
) -> tuple[Derivatives, Derivatives]:
    """Take second derivatives along each direction, and along pairs (rows, columns) of them."""
    if options.is_complex:
        raise ValueError("`method` 'complex' gives first derivatives only: use method 'auto'")
    if options.single:
        return _one_level(problem, directions, rows, columns, options)
    with np.errstate(all="ignore"):  # values outside the domain are nan here
        axes = along_axes(problem, directions, options)
        refuse_if_lost(axes.lines)
        rest = problem._replace(budget=problem.budget - axes.lines.nfev)
        from numdiff.engine.diagnose import inherited  # noqa: PLC0415 - loads when needed

        across = mixed(rest, axes, rows, columns)
        return axes.lines, inherited(rest, directions, axes.lines, (rows, columns), across)


def along_axes(problem: Problem, directions: Directions, options: Options) -> Axes:
    """Take the second derivative along each direction and keep the levels."""
    windows: list[Window] = []
    lines = differentiate(problem, directions, 2, options, windows)
    count, outputs = len(directions), lines.value.shape[1]
    sides, largest, levels, lowest = (np.zeros(count, np.int64) for _ in range(4))
    beside = np.full((count, decide.SLOTS, 2, outputs), np.nan)
    for window in windows:  # later ones are for directions that had no levels before
        state, samples = window.lines.state, window.lines.samples
        assert state is not None
        assert samples is not None
        for row, now, kept in zip(window.rows, state, samples, strict=True):
            first, last = now[decide.FIRST], now[decide.LAST]
            n = last - first + 1
            sides[row], largest[row], levels[row] = window.side, now[decide.BASE] - first, n
            lowest[row] = now[decide.LOWEST]
            if window.side == 0:
                beside[row, :n, 0] = kept[1, first : last + 1] + kept[0, first : last + 1]
                beside[row, :n, 1] = kept[1, first : last + 1] - kept[0, first : last + 1]
            else:
                beside[row, :n, (1 - window.side) // 2] = kept[0, first : last + 1] * window.side
    axes = Axes(directions, lines, sides, largest, levels, beside)
    return _deepened(problem, axes, lowest)


def _deepened(problem: Problem, axes: Axes, lowest: Ints) -> Axes:
    """Sample the axes at smaller steps, so that pairs of them can go as far."""
    assert problem.f0 is not None
    nfev, levels = 0, axes.levels.copy()
    for depth in range(1, DEPTH):
        deep = axes.largest - depth
        open_ = (levels == depth) & (deep > lowest)
        for side in (0, 1, -1):
            rows = np.flatnonzero(open_ & (axes.sides == side))
            if rows.size == 0:
                continue
            signs = np.array([1.0, -1.0]) if side == 0 else np.array([float(side)])
            if nfev + axes.lines.nfev + 2 * rows.size > problem.budget:
                continue
            chosen = axes.directions.pick(rows)
            found = sample(problem, chosen, signs, np.ldexp(1.0, deep[rows]))
            for sign, values in zip(signs, found.values, strict=True):
                axes.beside[rows, depth, 0 if sign > 0 else 1] = values - problem.f0
            levels[rows] += 1
            nfev += found.nfev
    return axes._replace(levels=levels, lines=axes.lines._replace(nfev=axes.lines.nfev + nfev))


def mixed(problem: Problem, axes: Axes, rows: Ints, columns: Ints) -> Derivatives:
    """Differentiate along pairs (rows, columns) of directions, once along each.

    The mixed second difference of two directions p and q is the even part of f along p + q less
    those along p and q alone, which are known: two new points a level. Where one direction could be
    followed on one side only, both are.
    """
    sided = (axes.sides[rows] != 0) | (axes.sides[columns] != 0)
    levels = np.minimum(axes.levels[rows], axes.levels[columns])
    found = blank(problem, len(rows))
    short = (axes.lines.status[rows] == Status.BUDGET) | (
        axes.lines.status[columns] == Status.BUDGET
    )
    found.status[short & (levels == 0)[:, None]] = Status.BUDGET
    for one_sided in (False, True):
        chosen = np.flatnonzero((sided == one_sided) & (levels > 0))
        if chosen.size:
            lines = _mixed(problem, axes, rows[chosen], columns[chosen], one_sided=one_sided)
            problem = problem._replace(budget=problem.budget - lines.nfev)
            if one_sided:
                good = lines.status <= Status.NOISE_LIMITED
                status = np.where(good, Status.ONE_SIDED, lines.status).astype(np.uint8)
                lines = lines._replace(status=status)
            found = fill(found, chosen, lines)
    return found


def _mixed(
    problem: Problem, axes: Axes, rows: Ints, columns: Ints, *, one_sided: bool
) -> Derivatives:
    signs = np.where(axes.sides == 0, 1, axes.sides) if one_sided else np.ones(len(axes.sides))
    units = signs * np.ldexp(1.0, axes.largest)
    ahead = (signs < 0.0).astype(np.int64)  # which of the two sides is the one in front

    def reference(pairs: Ints, exponents: Ints) -> Floats:
        i, j = rows[pairs], columns[pairs]
        if one_sided:
            return (axes.beside[i, -exponents, ahead[i]] + axes.beside[j, -exponents, ahead[j]])[
                :, None
            ]
        return axes.beside[i, -exponents] + axes.beside[j, -exponents]

    levels = np.minimum(axes.levels[rows], axes.levels[columns])
    # two directions that move the same entry of x go half as far, to stay inside bounds
    first = np.full(len(rows), 0 if axes.directions.single else -1)
    span = Span(first, first, first, 1 - levels, np.zeros(len(rows)))
    together = combine(axes.directions, rows, columns, units)
    noise = np.maximum(axes.lines.noise[rows], axes.lines.noise[columns])
    channels = mixed_channels(one_sided=one_sided)
    lines = climb(problem, together, span, channels, reference=reference, noise=noise)
    area = (units[rows] * units[columns])[:, None]
    return lines._replace(
        value=lines.value / area,
        error=lines.error / np.abs(area),
        step=lines.step * np.minimum(np.abs(units[rows]), np.abs(units[columns]))[:, None],
    )


def _one_level(
    problem: Problem, directions: Directions, rows: Ints, columns: Ints, options: Options
) -> tuple[Derivatives, Derivatives]:
    """Take the second differences of a single step."""
    side = options.method.side
    if options.method.stencil is not None or options.box is not None:
        raise ValueError(
            "second derivatives with a single `step` take the methods 'forward', 'backward' and "
            "'central' without `bounds`: leave `step` out, or use method 'auto'"
        )
    assert problem.f0 is not None
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
    first = one_level(slopes, steps, alone)
    refuse_if_lost(first)
    return first, one_level(across, least, both)
