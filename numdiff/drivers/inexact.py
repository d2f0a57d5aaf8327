"""The error of f that follows from the accuracy to which f is said to be computed."""

from __future__ import annotations

import numpy as np

from numdiff.arrays import Floats
from numdiff.drivers.derivatives import Problem
from numdiff.drivers.sampling import sample
from numdiff.geometry.directions import along
from numdiff.geometry.domain import Box, room_of

# Standard deviation of the error over the accuracy asked for. What solvers of a decay miss adds up
# over time constants: after three it is five to ten times their tolerance, of what is left.
SHARE = 0.34
AROUND = 0.25  # of the size of x: so far away f shows its size even where it is zero at x
INSIDE = 0.5  # of the way to a bound
# a direction that moves all entries, none of them alike: multiples of the plastic ratio
IRREGULAR = 0.7548776662466927


def inexact(problem: Problem, accuracy: float, box: Box | None) -> Problem:
    """Return the problem with the noise that an f of this relative accuracy has.

    The error of a solver goes with the size of what it solves for, which f(x) does not show where
    it passes through zero: f is asked on both sides as well, at the cost of two evaluations.
    """
    x = problem.x
    sizes = np.abs(x)
    sizes = np.where(sizes > 0.0, sizes, sizes.max(initial=0.0) or 1.0)
    way = (0.75 + 0.5 * np.mod(IRREGULAR * np.arange(1.0, x.size + 1.0), 1.0)) * sizes
    way = way if box is None else np.where(box.fixed(), 0.0, way)
    size, nfev = _moduli(problem, problem.f0[None]), problem.nfev
    if way.any():
        line = along(way)
        ahead, behind = (min(AROUND, INSIDE * float(side[0])) for side in room_of(x, line, box))
        offsets = np.array([step for step in (ahead, -behind) if step != 0.0])
        around = sample(problem.probing(), line, offsets, np.ones(1))
        sizes = np.concatenate([size, _moduli(problem, around.values[:, 0])])
        size = np.fmax(size, np.where(np.isfinite(sizes), sizes, 0.0).mean(axis=0))
        nfev += around.nfev
    noise = SHARE * accuracy * size[0]
    if problem.noise is not None:
        noise = np.fmax(noise, problem.noise)
    return problem._replace(noise=noise, nfev=nfev).less(nfev - problem.nfev)


def _moduli(problem: Problem, rows: Floats) -> Floats:
    """Return absolute values, of both columns of a complex number its own."""
    parts = rows.reshape(len(rows), 1 + problem.form.is_complex, -1)
    with np.errstate(all="ignore"):
        return np.tile(np.sqrt(np.square(parts).sum(axis=1)), (1, parts.shape[1]))
