"""Stencil sums: the derivative that a single step gives."""

from __future__ import annotations

import math

from numdiff.kernels import kernel

SINGLE_STEP, OUTSIDE = 4, 8  # codes of numdiff.Status


@kernel
def difference(
    values, weights, centre, f0, steps, stretch, order, value, error, status, step, noise
):
    """Write sum(w f(x + o h d)) / h**order of values (D, P, m) to value (D, m), and the rest.

    `centre` is the weight of f0, f(x); `stretch` is the nominal distance of the outer points over
    the real one, since x + h is rounded. There is no error bar: a single step tells nothing of it.
    """
    for d in range(values.shape[0]):
        scale = 1.0
        for _ in range(order):
            scale *= stretch[d] / steps[d]
        for i in range(values.shape[2]):
            total = 0.0
            for p in range(values.shape[1]):
                total += weights[p] * values[d, p, i]
            if centre != 0.0:
                total += centre * f0[i]
            value[d, i], step[d, i] = total * scale, steps[d]
            error[d, i], status[d, i], noise[d, i] = math.nan, SINGLE_STEP, math.nan
            if not math.isfinite(value[d, i]):
                value[d, i], error[d, i], status[d, i] = math.nan, math.inf, OUTSIDE
