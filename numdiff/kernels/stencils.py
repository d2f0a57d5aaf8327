"""Stencil sums: the derivative that a single step gives."""

from __future__ import annotations

import math

from numdiff.kernels import kernel


@kernel
def difference(values, weights, centre, f0, steps, stretch, order, value, step):
    """Write sum(w f(x + o h d)) / h**order of values (D, P, m) to value, and h to step, (D, m).

    `centre` is the weight of f0, f(x); `stretch` is the nominal distance of the outer points over
    the real one, since x + h is rounded. Returns whether all is finite.
    """
    finite = True
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
            finite = finite and math.isfinite(value[d, i])
    return finite
