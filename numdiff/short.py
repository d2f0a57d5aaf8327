"""The short way of one step along each of few entries of x, past the doors that others need.

Where f takes a microsecond these take most of the time. What can be known of a step before x is
stands in a plan; numbers go through Python's floats, of which ten are quicker than an array. The
answers are those of `engine.single` to the last bit.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from numdiff.arrays import Floats
from numdiff.assemble import estimate_of
from numdiff.drivers.derivatives import Derivatives, Problem
from numdiff.drivers.single import derivatives_of, without_bars
from numdiff.engine.differentiate import counted
from numdiff.estimate import Estimate
from numdiff.evaluation.attempts import IMMUTABLE
from numdiff.evaluation.call import (
    DOUBLE,
    Call,
    Form,
    Outputs,
    alike,
    ask_each,
    origin_of_array,
    pack,
    stacked,
)
from numdiff.methods import Plan
from numdiff.options import Options

Shaped = Callable[[tuple[int, ...], tuple[int, ...]], tuple[int, ...]]


def shortly(call: Call, point: Floats, options: Options, shaped: Shaped) -> Estimate:
    """Move each entry of the point by its step.

    `shaped` makes the shape of what is returned from those of f and of the point.
    """
    x, plan = point.ravel(), options.plan
    assert plan is not None
    own = origin_of_array(call, x) if plan.centre else 0.0
    with np.errstate(all="ignore"):
        steps, shifts, far = plan.steps, plan.shifts, plan.far
        if steps is None:
            steps = np.array(plan.textbook(x.tolist()))
            shifts, far = shifts * steps, far * steps
        points = x + shifts
        line = points.reshape(-1)  # x + h is rounded
        over = far / (line[plan.first] - (line[plan.last] if plan.last else x)) / steps
        outputs = ask_each(call, points)
        slopes = (_of_floats if outputs.plain else _of_arrays)(outputs, own, plan, over)
        if slopes is None:
            found = _of_anything(call, x, own, outputs, (plan, steps, over))
            return estimate_of(found, shaped(found.form.shape, point.shape), options)
    shape = shaped(slopes.shape[1:], point.shape)
    if slopes.ndim > 1 or slopes.shape != shape:
        slopes = slopes.reshape(x.size, -1).T.reshape(shape)
    bars, status = without_bars(*shape)
    waiting = {"error": bars, "status": status, "step": steps.reshape(point.shape), "noise": bars}
    return Estimate.of(
        {
            "value": slopes if shape else slopes[()],
            "waiting": waiting,
            "nfev": plan.nfev,
            "method": options.method.name,
        }
    )


def _of_floats(outputs: Outputs, own: Any, plan: Plan, over: Floats) -> Floats | None:
    """Return the sums of outputs, each with the weight of its point, over the steps.

    None, as from the next function, where not all is usual.
    """
    if outputs.trouble is not None or type(own) not in IMMUTABLE:
        return None
    values, width, (weight, *weights) = outputs.rows, len(plan.weights), plan.weights
    scales, share = over.tolist(), plan.centre * own
    if width == 1:
        slopes = [(weight * v + share) * s for v, s in zip(values, scales, strict=True)]
    elif width == 2 and not plan.centre:
        other, both = weights[0], zip(values[::2], values[1::2], scales, strict=True)
        slopes = [(weight * u + other * v) * s for u, v, s in both]
    else:
        slopes = _weighted(values, share, plan, scales)
    return np.array(slopes) if math.isfinite(sum(slopes)) else None


def _weighted(values: list[float], share: float, plan: Plan, scales: list[float]) -> list[float]:
    """Return the sums of values at any number of points, over the steps."""
    width, (weight, *weights) = len(plan.weights), plan.weights
    totals = [weight * value for value in values[::width]]
    for p, weight in enumerate(weights, 1):
        pairs = zip(totals, values[p::width], strict=True)
        totals = [total + weight * value for total, value in pairs]
    totals = [total + share for total in totals] if plan.centre else totals
    return [total * scale for total, scale in zip(totals, scales, strict=True)]


def _of_arrays(outputs: Outputs, own: Any, plan: Plan, over: Floats) -> Floats | None:
    parts: list[Floats] = []
    width = len(plan.weights)
    for p in range(width):
        part = alike(outputs.rows[p::width])
        if part is None or (parts and part.shape != parts[0].shape):
            return None
        parts.append(part)
    slopes = parts[0] * plan.level.points[0][1]
    for p in range(1, width):
        slopes += parts[p] * plan.level.points[p][1]
    if plan.centre:
        if type(own) is not np.ndarray or own.shape != slopes.shape[1:] or own.dtype is not DOUBLE:
            return None
        slopes += plan.centre * own
    slopes *= over.reshape(-1, *[1] * (slopes.ndim - 1))
    flat = slopes.reshape(-1)
    return slopes if math.isfinite(flat.dot(flat)) else None


def _of_anything(
    call: Call, x: Floats, own: Any, outputs: Outputs, step: tuple[Plan, Floats, Floats]
) -> Derivatives:
    """Take outputs of any kind the usual way."""
    plan, steps, over = step
    problem = Problem(call, x)
    if plan.centre:
        outputs_at_x = np.asarray(own)
        form = Form(outputs_at_x.shape, np.iscomplexobj(own))
        problem = Problem(call, x, form, pack(outputs_at_x[None], form)[0], nfev=1)
    rows, trouble, _ = outputs
    values = stacked(rows, problem.form, len(rows), trouble)
    found = derivatives_of(values, plan.level, steps, over, problem.f0)
    return counted(problem, found)
