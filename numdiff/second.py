"""Second derivatives along pairs of directions, from the same points as those along each."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from numdiff.assemble import refuse_if_lost
from numdiff.directions import Directions, combine
from numdiff.lines import Lines, Problem, blank, climb, fill, one_level, sample
from numdiff.options import Options
from numdiff.sides import Window, differentiate, user_steps
from numdiff.steps import Span, mixed_channels

__all__ = ["second"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Axes:
    """Second derivatives along each of D directions, with the levels they were found from."""

    directions: Directions
    lines: Lines
    sides: Ints  # 0 where pairs of points were used
    largest: Ints  # exponent of the largest step of each window
    levels: Ints  # how many steps follow from there on
    even: Floats  # (D, levels, m): even part of f(x + t d) - f(x), nan for one-sided windows
    ahead: Floats  # (D, levels, m): f(x + t d) - f(x) on the side of the window, else for t > 0


def second(
    problem: Problem, directions: Directions, rows: Ints, columns: Ints, options: Options
) -> tuple[Lines, Lines]:
    """Take second derivatives along each direction, and along pairs (rows, columns) of them."""
    if options.single:
        return _one_level(problem, directions, rows, columns, options)
    axes = along_axes(problem, directions, options)
    refuse_if_lost(axes.lines)
    rest = replace(problem, budget=problem.budget - axes.lines.nfev)
    return axes.lines, mixed(rest, axes, rows, columns)


def along_axes(problem: Problem, directions: Directions, options: Options) -> Axes:
    """Take the second derivative along each direction and keep the levels."""
    from numdiff.kernels import ladder  # noqa: PLC0415 - Numba is imported when it is first needed

    windows: list[Window] = []
    lines = differentiate(problem, directions, 2, options, windows)
    count, slots, outputs = len(directions), ladder.SLOTS, lines.value.shape[1]
    sides, largest, levels = (np.zeros(count, np.int64) for _ in range(3))
    even, ahead = (np.full((count, slots, outputs), np.nan) for _ in range(2))
    for window in windows:  # later ones are for directions that had no levels before
        state, samples = window.lines.state, window.lines.samples
        assert state is not None
        assert samples is not None
        for row, now, kept in zip(window.rows, state, samples, strict=True):
            first, last = now[ladder.FIRST], now[ladder.LAST]
            n = last - first + 1
            sides[row], largest[row], levels[row] = window.side, now[ladder.BASE] - first, n
            ahead[row, :n] = kept[:, first : last + 1].sum(axis=0) * (window.side or 1)
            if window.side == 0:
                even[row, :n] = kept[1, first : last + 1]
    return Axes(directions, lines, sides, largest, levels, even, ahead)


def mixed(problem: Problem, axes: Axes, rows: Ints, columns: Ints) -> Lines:
    """Differentiate along pairs (rows, columns) of directions, once along each.

    The mixed second difference of two directions p and q is the even part of f along p + q less
    those along p and q alone, which are known: two new points a level. Where one direction could be
    followed on one side only, both are.
    """
    sided = (axes.sides[rows] != 0) | (axes.sides[columns] != 0)
    levels = np.minimum(axes.levels[rows], axes.levels[columns])
    found = blank(problem, len(rows))
    for one_sided in (False, True):
        chosen = np.flatnonzero((sided == one_sided) & (levels > 0))
        if chosen.size:
            lines = _mixed(problem, axes, rows[chosen], columns[chosen], one_sided=one_sided)
            problem = replace(problem, budget=problem.budget - lines.nfev)
            found = fill(found, chosen, lines)
    return found


def _mixed(problem: Problem, axes: Axes, rows: Ints, columns: Ints, *, one_sided: bool) -> Lines:
    signs = np.where(axes.sides == 0, 1, axes.sides) if one_sided else np.ones(len(axes.sides))
    units = signs * np.ldexp(1.0, axes.largest)
    known = axes.ahead if one_sided else axes.even

    def reference(pairs: Ints, exponents: Ints) -> Floats:
        return known[rows[pairs], -exponents] + known[columns[pairs], -exponents]

    levels = np.minimum(axes.levels[rows], axes.levels[columns])
    zero = np.zeros(len(rows), np.int64)
    span = Span(zero, zero, zero, 1 - levels, zero.astype(np.float64))
    together = combine(axes.directions, rows, columns, units)
    lines = climb(problem, together, span, mixed_channels(one_sided=one_sided), reference=reference)
    area = (units[rows] * units[columns])[:, None]
    return replace(
        lines,
        value=lines.value / area,
        error=lines.error / np.abs(area),
        step=lines.step * np.minimum(np.abs(units[rows]), np.abs(units[columns]))[:, None],
    )


def _one_level(
    problem: Problem, directions: Directions, rows: Ints, columns: Ints, options: Options
) -> tuple[Lines, Lines]:
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
    return one_level(slopes, steps, alone), one_level(across, least, both)
