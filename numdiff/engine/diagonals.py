"""Mixed derivatives that a small step contradicts, from the second ones along three diagonals."""

from __future__ import annotations

import math

import numpy as np

from numdiff.arrays import Floats, Ints
from numdiff.constants import JUMP, KINK, NOISE_LIMITED, OK, UNRESOLVED
from numdiff.drivers.derivatives import Derivatives, Problem
from numdiff.engine.by_ladder import by_ladder
from numdiff.geometry.directions import Directions, combine, joined
from numdiff.options import Options

# of both directions: two that are mirrored, and one whose shares differ
DIAGONALS = np.array([[1.0, 1.0], [1.0, -1.0], [2.0, -1.0]])
SURE = 2.0  # times the sum of their bars: readings that differ by more exclude each other


def diagonals(
    problem: Problem,
    directions: Directions,
    axes: Derivatives,
    pairs: tuple[Ints, Ints],
    units: Floats,
    options: Options,
) -> Derivatives:
    """Take mixed derivatives, times the units (K, 2) of both directions, of K pairs.

    Second derivatives along directions a d + b e of a smooth f are a quadratic form in a and b:
    two axes and three diagonals tell its mixed term in four ways. Where these exclude each other
    f has second derivatives along lines, but no Hessian.
    """
    weights = DIAGONALS[:, None] * units
    lines = joined(*[combine(directions, *pairs, weight) for weight in weights])
    found = by_ladder(problem, lines, 2, options._replace(step=None))
    shape = (len(DIAGONALS), *units.shape[:1], -1)
    value, error, status = (np.reshape(part, shape) for part in found[:3])
    square = units[:, :, None] ** 2
    alone = [square[:, k] * axes.value[rows] for k, rows in enumerate(pairs)]
    bars = [square[:, k] * axes.error[rows] for k, rows in enumerate(pairs)]
    both, bar = sum(alone), sum(bars)
    readings = np.array(
        [(value[0] - value[1]) / 4, (value[0] - both) / 2, (both - value[1]) / 2,
         (4 * alone[0] + alone[1] - value[2]) / 4]
    )  # fmt: skip
    widths = np.array(
        [(error[0] + error[1]) / 4, (error[0] + bar) / 2, (bar + error[1]) / 2,
         (4 * bars[0] + bars[1] + error[2]) / 4]
    )  # fmt: skip
    widths = np.where(np.isfinite(readings), widths, np.inf)
    torn = ((status == KINK) | (status == JUMP)).any(axis=0)
    for k in range(1, len(readings)):
        apart = np.abs(readings[k:] - readings[:-k]) > SURE * (widths[k:] + widths[:-k])
        torn |= apart.any(axis=0)
    best = widths.argmin(axis=0)[None]
    chosen, width = (np.take_along_axis(a, best, 0)[0] for a in (readings, widths))
    noisy = (status == NOISE_LIMITED).any(axis=0)
    told = np.where(np.isfinite(width), np.where(noisy, NOISE_LIMITED, OK), UNRESOLVED)
    step, noise = (np.reshape(part, shape) for part in found[3:5])
    return Derivatives(
        np.where(torn, math.nan, chosen), np.where(torn, math.inf, width),
        np.where(torn, KINK, told).astype(np.uint8), step.min(axis=0), noise.max(axis=0),
        found.nfev, found.form, found.trouble,
    )  # fmt: skip
