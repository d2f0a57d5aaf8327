"""Stencil sums: the derivative that a single step gives."""

import math

from numdiff.constants import DOMAIN, SINGLE_STEP
from numdiff.ladder.runtime import kernel


@kernel
def difference(
    values, weights, centre, f0, steps, stretch, order, value, error, status, step, noise
):
    """Write sum(w f(x + o h d)) / h**order of values (D, P, m) to value (D, m), and the rest.

    `centre` is the weight of f0 (D or 1, m), f(x); `stretch` is the nominal distance of the outer
    points over the real one, since x + h is rounded. There is no error bar: a single step tells
    nothing of it.
    """
    for d in range(values.shape[0]):
        own = f0[min(d, f0.shape[0] - 1)]
        weighted(values[d], weights, centre, own, scaling(steps[d], stretch[d], order), value[d])
        for i in range(values.shape[2]):
            step[d, i], error[d, i], status[d, i] = steps[d], math.nan, SINGLE_STEP
            noise[d, i] = math.nan
            if not math.isfinite(value[d, i]):
                value[d, i], error[d, i], status[d, i] = math.nan, math.inf, DOMAIN


@kernel
def scaling(step, stretch, order):
    """Return one over the step that was really taken, to the power of the order."""
    scale = 1.0
    for _ in range(order):
        scale *= stretch / step
    return scale


@kernel
def weighted(values, weights, centre, f0, scale, total):
    """Write scale * sum(w f) of values (P, m) to total (m,); `centre` is the weight of f0."""
    for i in range(total.size):
        total[i] = weights[0] * values[0, i]
    for p in range(1, weights.size):
        for i in range(total.size):
            total[i] += weights[p] * values[p, i]
    for i in range(total.size):
        if centre != 0.0:
            total[i] += centre * f0[i]
        total[i] *= scale
