"""Where f is asked next."""

from __future__ import annotations

import math

from numdiff.kernels import jit
from numdiff.kernels.ladder import PHASE, REQUEST, SAMPLE, SKEW


@jit
def place(rows, state, x, starts, index, weight, offsets, block, stretch):
    """Write the points x + o h d that these directions ask for to block (L, P, n).

    stretch (L,) becomes the nominal distance of the outer points over the real one where a
    direction moves one entry of x: x + h rounds where a binade ends.
    """
    count = offsets.size
    for a in range(rows.size):
        d = rows[a]
        step = math.ldexp(SKEW if state[d, PHASE] == SAMPLE else 1.0, state[d, REQUEST])
        stop = starts[d + 1] if d + 1 < starts.size else index.size
        for p in range(count):
            for k in range(x.size):
                block[a, p, k] = x[k]
            for k in range(starts[d], stop):
                block[a, p, index[k]] += offsets[p] * step * weight[k]
        stretch[a] = 1.0
        if stop - starts[d] == 1:
            k, other = index[starts[d]], x[index[starts[d]]]
            nominal = offsets[0]
            if count > 1:
                other, nominal = block[a, count - 1, k], offsets[0] - offsets[count - 1]
            nominal *= step * weight[starts[d]]
            real = block[a, 0, k] - other
            stretch[a] = nominal / real if real != 0.0 else math.nan
