"""The short way of one step along each of few entries of x, past the doors that others need.

Where f takes a microsecond these take most of the time. What can be known of a step before x is
stands in a plan; numbers go through Python's floats, of which ten are quicker than an array. The
answers are those of `engine.single` to the last bit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import repeat
from typing import Any

import numpy as np

from numdiff.arrays import Floats
from numdiff.assemble import estimate_of
from numdiff.drivers.derivatives import Derivatives, Problem
from numdiff.drivers.single import NAN, ONCE, derivatives_of
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
from numdiff.methods import Level, Plan
from numdiff.options import Options

Shaped = Callable[[tuple[int, ...], tuple[int, ...]], tuple[int, ...]]
Way = tuple[Plan, list[float], Sequence[float]]  # the plan, the entries of x, and their steps
quietly = np.errstate(all="ignore")  # entered by functions, which is quicker than by blocks


def shortly(call: Call, point: Floats, options: Options, shaped: Shaped) -> Estimate:
    """Move each entry of the point by its step.

    `shaped` makes the shape of what is returned from those of f and of the point.
    """
    x, plan = point.ravel(), options.plan
    assert plan is not None
    own = origin_of_array(call, x) if plan.centre else 0.0
    entries = x.tolist()
    sizes, shifts = plan.sizes, plan.shifts
    step: Any = plan.step
    if step is None:
        sizes = plan.textbook(entries)
        step = np.array(sizes)
        shifts, step = shifts * step, step.reshape(point.shape)
    outputs, slopes = _moved(call, x, shifts, own, (plan, entries, sizes))
    if slopes is None:
        found = _of_anything(Problem(call, x), own, outputs, (plan, entries, sizes))
        return estimate_of(found, shaped(found.form.shape, point.shape), options)
    shape = shaped(slopes.shape[1:], point.shape)
    if slopes.ndim > 1 or slopes.shape != shape:
        slopes = slopes.reshape(x.size, -1).T.reshape(shape)
    return Estimate.of(
        {
            "value": slopes if shape else slopes[()],
            "waiting": {"error": NAN, "status": ONCE, "noise": NAN, "step": step},
            "nfev": plan.nfev,
            "method": options.method.name,
        }
    )


@quietly
def _moved(
    call: Call, x: Floats, shifts: Floats, own: Any, way: Way
) -> tuple[Outputs, Floats | None]:
    """Return what f says beside x, and slopes (n, ...), or None where not all is usual."""
    plan, entries, sizes = way
    outputs = ask_each(call, x + shifts)
    rows, trouble, plain = outputs
    if plan.pair is None or not plain:
        return outputs, _of_arrays(rows, own, plan.level, plan.over(entries, sizes))
    if trouble is not None or type(own) not in IMMUTABLE:
        return outputs, None
    return outputs, _of_floats(rows, own, way)


def _of_floats(rows: list[Any], own: Any, way: Way) -> Floats | None:
    """Return the sums of two values, each with its weight, over the steps as they are taken.

    None, as from the next function, where not all is usual.
    """
    plan, entries, sizes = way
    assert plan.pair is not None
    (one, other), (first, last, reach) = plan.pair, plan.ends
    values = rows if type(rows[0]) is float else [*map(float, rows)]
    near: Iterable[float] = repeat(float(own)) if plan.centre else values[1::2]
    values = values if plan.centre else values[::2]
    try:  # `Plan.over` at once, as making lists takes time
        slopes = [
            (one * u + other * v) * (reach * h / ((entry + first * h) - (entry + last * h)) / h)
            for u, v, entry, h in zip(values, near, entries, sizes, strict=False)
        ]
    except ZeroDivisionError:  # x + h is x
        return None
    return np.array(slopes) if math.isfinite(sum(slopes)) else None


def _of_arrays(rows: list[Any], own: Any, level: Level, over: list[float]) -> Floats | None:
    n, width = len(over), len(level.points)
    ordered = rows[::width]
    for p in range(1, width):
        ordered += rows[p::width]
    values = alike(ordered)
    if values is None:
        return None
    slopes = values[:n] * level.points[0][1]
    for p in range(1, width):
        slopes += values[p * n : p * n + n] * level.points[p][1]
    if level.centre:
        at_x = np.asarray(own)
        if at_x.shape != slopes.shape[1:] or at_x.dtype is not DOUBLE:
            return None
        slopes += level.centre * at_x
    flat = slopes.reshape(-1)
    flat *= np.array(over).repeat(flat.size // n)  # quicker than to broadcast
    return slopes if math.isfinite(flat.dot(flat)) else None


@quietly
def _of_anything(problem: Problem, own: Any, outputs: Outputs, way: Way) -> Derivatives:
    """Take outputs of any kind the usual way."""
    plan, entries, sizes = way
    if plan.centre:
        at_x = np.asarray(own)
        form = Form(at_x.shape, np.iscomplexobj(own))
        problem = problem._replace(form=form, f0=pack(at_x[None], form)[0], nfev=1)
    rows, trouble, _ = outputs
    values = stacked(rows, problem.form, len(rows), trouble)
    steps, over = np.array(sizes), np.array(plan.over(entries, sizes))
    return counted(problem, derivatives_of(values, plan.level, steps, over, problem.f0))
