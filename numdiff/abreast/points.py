"""Where f is asked next along directions that move as many entries each, as array operations."""

from __future__ import annotations

import math

import numpy as np

from numdiff.arrays import Floats, Ints
from numdiff.constants import EPS
from numdiff.ladder import points
from numdiff.ladder.points import LONGEST, MOST, OWN, SHORTEST
from numdiff.ladder.runtime import stands_in
from numdiff.ladder.tableau import TINIEST


@stands_in(points.place)
def place(
    rows: Ints, steps: Floats, x: Floats, starts: Ints, index: Ints, weight: Floats,
    offsets: Floats, block: Floats, stretch: Floats,
) -> None:  # fmt: skip
    """Write the points x + o h d of these directions to block, as `points.place`."""
    each = index.size // max(starts.size, 1)
    if index.size != each * starts.size or (starts != each * np.arange(starts.size)).any():
        points.place(rows, steps, x, starts, index, weight, offsets, block, stretch)
        return
    moved, length = index.reshape(-1, each)[rows], weight.reshape(-1, each)[rows]
    lines, numbers = np.arange(rows.size), np.arange(offsets.size)
    taken, whole = block[: rows.size], block.shape[2] == x.size
    apart = (offsets * steps[:, None])[:, :, None] * length[:, None]
    taken[:] = x if whole else x[moved][:, None]
    entries = moved[:, None] if whole else np.arange(each)
    taken[lines[:, None, None], numbers[:, None], entries] += apart
    if each > 1:
        stretch[: rows.size] = 1.0
        return
    entry, other, nominal = moved[:, 0] if whole else 0, x[moved[:, 0]], offsets[0]
    if offsets.size > 1:
        other, nominal = taken[lines, -1, entry], offsets[0] - offsets[-1]
    real = taken[lines, 0, entry] - other
    nominal = nominal * (steps * length[:, 0])
    stretch[: rows.size] = np.where(real != 0.0, nominal / real, math.nan)


@stands_in(points.span)
def span(
    x: Floats, starts: Ints, index: Ints, weight: Floats, first: float, steps: Floats, roams: bool,
    ahead: Floats, behind: Floats, start: Ints, other: Ints, highest: Ints, lowest: Ints,
    reach: Floats,
) -> None:  # fmt: skip
    """Write between which exponents steps lie, as `points.span`."""
    if starts.size != index.size:
        points.span(
            x, starts, index, weight, first, steps, roams, ahead, behind, start, other, highest,
            lowest, reach,
        )  # fmt: skip
        return
    size, moved = np.abs(x[index]), np.abs(weight)
    some = size > 0.0
    begin = first * np.maximum(size, 1.0) / moved
    own = np.where(some, size / (OWN * moved), math.inf)
    last = np.where(some, 64.0 * np.maximum(size * EPS, TINIEST) / moved, 0.0)
    reach[:] = size / moved
    lowest[:] = np.where(last > 0.0, exponents(last), -MOST)
    highest[:] = 1000
    if ahead.size:
        room = np.minimum(ahead, behind)
        bounded = (room > 0.0) & (room < LONGEST)
        most = [math.floor(math.log2(length)) for length in room[bounded].tolist()]
        highest[bounded] = most
        np.minimum(lowest, highest, out=lowest, where=bounded)
    start[:] = np.maximum(np.minimum(exponents(steps if steps.size else begin), highest), lowest)
    if not roams:
        highest[:] = start
    other[:] = exponents(own)


def exponents(lengths: Floats) -> Ints:
    """Return the nearest powers of two, as `points.exponent`."""
    held = np.minimum(np.maximum(lengths, SHORTEST), LONGEST).tolist()
    # of math, since the logarithm of arrays may have other bits
    return np.array([math.floor(math.log2(length) + 0.5) for length in held], np.int64)
