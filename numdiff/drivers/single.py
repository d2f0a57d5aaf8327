"""Differences with a single step."""

from __future__ import annotations

import numpy as np

from numdiff.arrays import Floats
from numdiff.drivers.compiled import columns_of
from numdiff.drivers.derivatives import Columns, Derivatives, Problem, stacked
from numdiff.evaluation.call import Values, evaluate
from numdiff.geometry.directions import Directions
from numdiff.geometry.domain import blocks
from numdiff.ladder import differences, points
from numdiff.ladder.runtime import runner
from numdiff.methods import Level


def single_step(
    problem: Problem, directions: Directions, level: Level, steps: Floats
) -> Derivatives:
    """Apply a level once along each direction; `problem` holds f(x) if it has a weight there."""
    parts: list[Derivatives] = []
    for rows in blocks(
        len(directions), len(level.offsets) * (1 if problem.apart else problem.x.size)
    ):
        parts.append(_difference(problem, directions.part(rows), level, steps[rows]))
        problem = problem._replace(form=parts[-1].form)
    return parts[0] if len(parts) == 1 else stacked(parts)


def sampled_once(
    problem: Problem, directions: Directions, level: Level, steps: Floats
) -> tuple[Values, Floats]:
    """Return f at the points of a level (D * P, m), and by how much the outer ones are too near."""
    count, width = len(directions), len(level.offsets)
    entries = 1 if problem.call.scalar else problem.x.size
    block, stretch = np.empty((count, width, entries)), np.empty(count)
    where = (problem.x, directions.starts, directions.index, directions.weight, level.offsets)
    runner(count)(points.place)(np.arange(count), steps, *where, block, stretch)
    values = evaluate(problem.call, block.reshape(count * width, entries), problem.form)
    return values, stretch


def _difference(
    problem: Problem, directions: Directions, level: Level, steps: Floats
) -> Derivatives:
    if problem.apart:
        problem, directions = problem.along(directions)
    values, stretch = sampled_once(problem, directions, level, steps)
    count, width = len(directions), len(level.offsets)
    f0 = np.atleast_2d(problem.f0 if level.centre else values.rows[0])  # it has no part in it
    columns: Columns = columns_of(count, f0[0])
    runner(count)(differences.difference)(
        values.rows.reshape(count, width, f0.shape[1]), level.weights, level.centre, f0, steps,
        stretch, level.stencil.order, *columns,
    )  # fmt: skip
    return Derivatives(*columns, values.nfev, values.form, values.trouble)
