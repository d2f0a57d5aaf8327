"""Points beside x at which an f that is compiled itself is asked, as few arrays as there can be."""

from __future__ import annotations

from numdiff.evaluation.machine_code import ask
from numdiff.ladder.pairs import DEPTH, LARGEST, LEAST, LEVELS, SIDE
from numdiff.ladder.runtime import kernel
from numdiff.ladder.tableau import scale


@kernel
def visit_all(kind, address, x, route, part, offsets, steps, point, values, raised):
    """Write f at x + o h d to values (P, D, m) for a part of D directions, and where it raised.

    The steps become those that x moved by, where a direction moves one entry of it. Returns how
    often f raised.
    """
    (starts, index, weight), (begin, end), mishaps = route, part, 0
    single, whole = starts.size == index.size, point.size == x.size
    for p in range(offsets.size):
        for d in range(begin, end):
            stop = starts[d + 1] if d + 1 < starts.size else index.size
            for k in range(point.size):
                point[k] = x[k] if whole else x[index[d]]
            for k in range(starts[d], stop):
                point[index[k] if whole else 0] += offsets[p] * steps[d] * weight[k]
            raised[p, d] = ask(kind, address, point, values[p, d])
            mishaps += 1 if raised[p, d] else 0
    if single:
        for d in range(begin, end):
            here, last, step, w = x[index[d]], offsets.size - 1, steps[d], weight[d]
            base, span = here, 0.0
            if last > 0:
                base, span = here + offsets[last] * step * w, offsets[last]
            steps[d] = (here + offsets[0] * step * w - base) / (offsets[0] - span) / w
    return mishaps


@kernel
def deepen(kind, address, x, f0, route, axes, beside, point, out):
    """Sample axes at smaller steps, so that pairs of them can go as far, as levels in `beside`.

    Returns how often f was asked, and how often it raised.
    """
    (starts, index, weight), calls, mishaps = route, 0, 0
    for depth in range(1, DEPTH):
        for d in range(starts.size):
            deep = axes[d, LARGEST] - depth
            if axes[d, LEVELS] != depth or deep <= axes[d, LEAST]:
                continue
            stop = starts[d + 1] if d + 1 < starts.size else index.size
            for behind in range(2):
                if axes[d, SIDE] == (-1 if behind == 0 else 1):
                    continue
                step = scale(1.0 if behind == 0 else -1.0, deep)
                for k in range(x.size):
                    point[k] = x[k]
                for k in range(starts[d], stop):
                    point[index[k]] += step * weight[k]
                mishaps += 1 if ask(kind, address, point, out) else 0
                calls += 1
                for i in range(f0.size):
                    beside[d, depth, behind, i] = out[i] - f0[i]
            axes[d, LEVELS] += 1
    return calls, mishaps
