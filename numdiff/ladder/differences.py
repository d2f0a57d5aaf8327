"""Stencil sums: the derivative that a single step gives."""

from numdiff.ladder.runtime import kernel


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
