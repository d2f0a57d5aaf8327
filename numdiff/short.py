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
from numdiff.drivers.derivatives import Derivatives, Problem
from numdiff.drivers.single import derivatives_of, without_bars
from numdiff.engine.differentiate import counted
from numdiff.estimate import Estimate
from numdiff.evaluation.attempts import IMMUTABLE
from numdiff.evaluation.call import UNKNOWN, Call, Outputs, ask_each, at_x, packed
from numdiff.methods import Plan
from numdiff.options import Options

Finish = Callable[[Derivatives, Floats, Options], Estimate]


def shortly(call: Call, point: Floats, options: Options, finish: Finish) -> Estimate:
    """Move each entry of the point by its step; what is no number gets its shape by `finish`."""
    x, plan = point.ravel(), options.plan
    assert plan is not None
    own = at_x(call, x) if plan.centre else 0.0
    with np.errstate(all="ignore"):
        steps, shifts, far = plan.steps, plan.shifts, plan.far
        if steps is None:
            steps = np.array(plan.textbook(x.tolist()))
            shifts, far = shifts * steps, far * steps
        points = x + shifts
        line = points.reshape(-1)  # x + h is rounded
        over = far / (line[plan.first] - (line[plan.last] if plan.last else x)) / steps
        outputs = ask_each(call, points)
        if outputs.plain and type(own) in IMMUTABLE:
            slopes = _slopes(outputs.rows, own, plan, over.tolist())
            if math.isfinite(sum(slopes)):  # quicker than to look at each
                value, (bars, status) = np.array(slopes), without_bars(len(slopes))
                return Estimate.of({
                    "value": value if len(point.shape) == 1 else value.reshape(point.shape),
                    "nfev": plan.nfev, "method": options.method.name,
                    "waiting": {"error": bars, "status": status, "step": steps, "noise": bars},
                })  # fmt: skip
        found = _by_arrays(call, x, own, outputs, (plan, steps, over))
    return finish(found, point, options)


def _slopes(outputs: list[float], own: float, plan: Plan, over: list[float]) -> list[float]:
    """Return the sums of outputs, each with the weight of its point, over the steps."""
    width, (weight, *weights) = len(plan.weights), plan.weights
    totals = [weight * value for value in outputs[::width]]
    for p, weight in enumerate(weights, 1):
        pairs = zip(totals, outputs[p::width], strict=True)
        totals = [total + weight * value for total, value in pairs]
    if plan.centre:
        share = plan.centre * own
        totals = [total + share for total in totals]
    return [total * scale for total, scale in zip(totals, over, strict=True)]


def _by_arrays(
    call: Call, x: Floats, own: Any, outputs: Outputs, step: tuple[Plan, Floats, Floats]
) -> Derivatives:
    """Take outputs of any kind the usual way."""
    plan, steps, over = step
    problem = Problem(call, x)
    if plan.centre:
        values = packed(own)
        problem = Problem(call, x, values.form, values.rows[0], nfev=1)
    values = outputs.values(problem.form)
    found = derivatives_of(values, plan.level, steps, over, problem.f0)
    return counted(problem, found)
