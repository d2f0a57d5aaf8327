"""Differences with a single step."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from numdiff.drivers.derivatives import BLOCK_BYTES, Derivatives, Problem, columns_of, stacked
from numdiff.drivers.sampling import Samples
from numdiff.estimate import Status
from numdiff.evaluation.call import evaluate
from numdiff.geometry.directions import Directions
from numdiff.ladder import differences, points
from numdiff.ladder.runtime import runner
from numdiff.methods import Level

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

__all__ = ["one_level", "single_step"]


def single_step(
    problem: Problem, directions: Directions, level: Level, steps: Floats
) -> Derivatives:
    """Apply a level once along each direction; `problem` holds f(x) if it has a weight there."""
    size = max(1, BLOCK_BYTES // (8 * len(level.offsets) * max(problem.x.size, 1)))
    if len(directions) <= size:
        return _difference(problem, directions, level, steps)
    parts: list[Derivatives] = []
    for first in range(0, len(directions), size):
        rows = slice(first, min(first + size, len(directions)))
        parts.append(_difference(problem, directions.part(rows), level, steps[rows]))
        problem = problem._replace(form=parts[-1].form)
    return stacked(parts)


def _difference(
    problem: Problem, directions: Directions, level: Level, steps: Floats
) -> Derivatives:
    call, x, count, width = problem.call, problem.x, len(directions), len(level.offsets)
    block, stretch = np.empty((count, width, x.size)), np.empty(count)
    where = (x, directions.starts, directions.index, directions.weight, level.offsets)
    run = runner(count)
    run(points.place)(np.arange(count), steps, *where, block, stretch)
    found = evaluate(call, block.reshape(count * width, x.size), problem.form)
    outputs = found.form.size
    f0 = found.rows[0] if problem.f0 is None else problem.f0
    columns = columns_of((count, outputs))
    run(differences.difference)(
        found.rows.reshape(count, width, outputs), level.weights, level.centre, f0, steps,
        stretch, level.stencil.order, *columns,
    )  # fmt: skip
    return Derivatives(*columns, count * width, found.form, found.trouble)


def one_level(value: Floats, steps: Floats, found: Samples) -> Derivatives:
    """Return values of which only one step is known: there is no error bar."""
    usable, nothing = np.isfinite(value), np.full(value.shape, math.nan)
    status = np.where(usable, Status.SINGLE_STEP, Status.DOMAIN).astype(np.uint8)
    error, value = np.where(usable, math.nan, math.inf), np.where(usable, value, math.nan)
    step = steps[:, None].repeat(value.shape[1], 1)
    return Derivatives(value, error, status, step, nothing, found.nfev, found.form, found.trouble)
