"""Differences with a single step: no kernels, so that who wants no more never waits for them."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from numdiff.arrays import Codes, Floats, throughout
from numdiff.constants import DOMAIN, SINGLE_STEP
from numdiff.drivers.derivatives import Derivatives, Problem, stacked
from numdiff.evaluation.call import Values, evaluate
from numdiff.geometry.directions import Directions
from numdiff.geometry.domain import blocks
from numdiff.methods import Level

NAN, ONCE, OUTSIDE = np.float64(math.nan), np.uint8(SINGLE_STEP), np.uint8(DOMAIN)


def single_step(
    problem: Problem, directions: Directions, level: Level, steps: Floats
) -> Derivatives:
    """Apply a level once along each direction; `problem` holds f(x) if it has a weight there."""
    with np.errstate(all="ignore"):
        entries = 1 if problem.apart else problem.x.size
        parts: list[Derivatives] = []
        for rows in blocks(steps.size, len(level.points) * entries):
            parts.append(_difference(problem, directions.part(rows), level, steps[rows]))
            problem = problem._replace(form=parts[-1].form)
    return stacked(parts)


def _difference(
    problem: Problem, directions: Directions, level: Level, steps: Floats
) -> Derivatives:
    """Apply a level along directions of any kind."""
    if problem.apart:
        problem, directions = problem.along(directions)
    points, stretch = placed(problem, directions, level, steps)
    values = evaluate(problem.call, points, problem.form)
    return derivatives_of(values, level, steps, stretch / steps, problem.f0)


def derivatives_of(
    values: Values, level: Level, steps: Floats, over: Floats, f0: Floats
) -> Derivatives:
    """Return sum(w f(x + o h d)) / h**order; `over` is 1 / h for h as it was really taken."""
    rows, form, nfev, trouble = values
    (_, weight), *others = level.points
    width, outputs, scale = 1 + len(others), rows.shape[1], over
    for _ in range(1, level.stencil.order):
        scale = scale * over
    step = steps.reshape(-1, 1)
    if outputs == 1:  # arrays of one axis are quicker
        rows, f0 = rows.reshape(-1), f0.reshape(-1)
    else:
        scale, step = scale[:, None], np.broadcast_to(step, (steps.size, outputs))
    slope = rows[::width] * weight
    for p, (_, weight) in enumerate(others, 1):
        slope += rows[p::width] * weight
    if level.centre:
        slope += level.centre * f0
    slope *= scale
    flat, shape = slope.reshape(-1), (steps.size, outputs)
    bars, status = without_bars(*shape)
    value, noise = flat.reshape(shape), bars
    if not math.isfinite(flat.dot(flat)):  # quicker than to look at each
        value, bars, status = _checked(value)
    return Derivatives(value, bars, status, step, noise, nfev, form, trouble)


@lru_cache(maxsize=16)
def without_bars(*shape: int) -> tuple[Floats, Codes]:
    """Return bars, or noise, and the status of derivatives of which one step is known."""
    return throughout(NAN, shape), throughout(ONCE, shape)


def _checked(slope: Floats) -> tuple[Floats, Floats, Codes]:
    """Return slopes, bars and status where some slopes may not be finite."""
    known = np.isfinite(slope)
    bars = np.where(known, math.nan, math.inf)
    return np.where(known, slope, math.nan), bars, np.where(known, ONCE, OUTSIDE)


def placed(
    problem: Problem, directions: Directions, level: Level, steps: Floats
) -> tuple[Floats, Floats]:
    """Return fresh points (D * P, n), and how far they should be apart over how far they are.

    Where a direction moves one entry of x, it is told from the outer points: x + h is rounded.
    """
    x, count, width = problem.x, steps.size, len(level.points)
    index, weight = directions.index, directions.weight
    if not directions.single:
        points = directions.displace(x, level.offsets[:, None] * steps)
        return points.swapaxes(0, 1).reshape(-1, x.size), np.ones(count)
    moved = np.stack([x[index] + offset * steps * weight for offset, _ in level.points], 1)
    last = moved[:, -1] if width > 1 else x[index]
    stretch = level.reach * (steps * weight) / (moved[:, 0] - last)
    if problem.call.scalar:
        return moved.reshape(-1, 1), stretch
    block = x[None].repeat(count * width, 0)
    block.reshape(count, width, x.size)[np.arange(count), :, index] = moved
    return block, stretch
