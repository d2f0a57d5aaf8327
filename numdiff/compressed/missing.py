"""Whether a pattern misses entries: one random direction against the derivative that came out."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from numdiff.arrays import Array, Floats
from numdiff.coloring import kernels
from numdiff.coloring.prepared import PACE, Coloring
from numdiff.compressed.once import added_up
from numdiff.compressed.routes import Routes
from numdiff.constants import DOMAIN, ONE_SIDED, SINGLE_STEP
from numdiff.drivers.derivatives import UNASKED, Derivatives, Problem
from numdiff.drivers.single import without_bars
from numdiff.engine.differentiate import WAYS
from numdiff.evaluation.call import evaluate
from numdiff.geometry.directions import along
from numdiff.ladder.runtime import runner
from numdiff.options import Options

DOUBTED = 3  # rows that a random direction contradicts are looked at, the worst ones
ENOUGH = 1e-6  # relative bar of the direction that is compared
SHORTEST = 2.0**-20  # of a direction: f moves along it, though the complex step need not
ROUGHLY = 1e-3  # a single step has no bar: relative differences below this say nothing
ROUNDED = 64.0 * 2.0**-52  # of f over a step: rounding explains that much


class PatternError(ValueError):
    """A sparsity pattern misses entries of the derivative."""


def _vector(coloring: Coloring, routes: Routes) -> Floats:
    """Return how far a random direction moves each entry of x: the same each time."""
    shares = coloring.shares
    return routes.weight * (shares if routes.options.box is None else np.abs(shares))


def check(
    problem: Problem, coloring: Coloring, routes: Routes, whole: Derivatives, off: Floats | None
) -> int:
    """Compare a sparse Jacobian with the derivative along a random direction; return the calls.

    Rows that differ by more than both bars are suspects. They are convicted if f changes by more
    than that where only columns move that are not in their pattern.

    Raises
    ------
    ValueError
        If the pattern misses entries: it names the rows.
    """
    options = routes.options
    if off is None:
        vector = _vector(coloring, routes)
        enough = problem._replace(rtol=max(problem.rtol, ENOUGH))
        line = WAYS[options.way](enough, along(vector), 1, options)
    else:
        run = runner(coloring.pattern.nnz // PACE)
        line = _once(problem, coloring, routes, run)
        if not run(kernels.differs)(line.value[0], off, problem.f0, ROUGHLY, ROUNDED):
            return line.nfev  # bars, of all that is summed, are no smaller
        known = np.isfinite(line.value)
        line = line._replace(status=np.where(known, line.status, np.uint8(DOMAIN)))
        vector = _vector(coloring, routes)
    off, bar = _contrast(problem, coloring, vector, line, whole)
    with np.errstate(invalid="ignore"):
        suspects = np.abs(off) > bar
    if not suspects.any():
        return line.nfev
    suspects &= (line.status[0] <= ONE_SIDED) | (line.status[0] == SINGLE_STEP)
    ratio = np.where(suspects, np.abs(off) / np.where(bar > 0.0, bar, math.ulp(0.0)), 0.0)
    worst = np.argsort(-ratio, kind="stable")[: min(DOUBTED, int(suspects.sum()))]
    guilty, nfev = _convicted(problem, coloring, vector, line, bar, worst)
    if guilty:
        names = ", ".join(str(row) for row in guilty)
        raise PatternError(
            f"`sparsity` misses entries: f changes in row {names} along columns that the pattern "
            "does not have there; numdiff.sparse.check(f, x, pattern) finds them, and "
            "sparse.color(pattern, check=False) leaves this check out"
        )
    return line.nfev + nfev


def _once(problem: Problem, coloring: Coloring, routes: Routes, run: Any) -> Derivatives:
    """Take a single step of 1 along a vector: shares of how far columns go."""
    level = routes.options.method.level(1)
    write = partial(run(kernels.stray), problem.x, routes.weight, coloring.shares, level.offsets)
    slope, form, nfev, _ = added_up(problem, coloring, level, 1, write)
    bars, status = without_bars(*slope.shape)
    return Derivatives(slope, bars, status, bars, bars, nfev, form)


def _contrast(
    problem: Problem, coloring: Coloring, vector: Floats, line: Derivatives, whole: Derivatives
) -> tuple[Floats, Floats]:
    """Return how far a sparse Jacobian is from a line, output by output, and what bars allow."""
    pattern, single = coloring.pattern, bool((line.status[0] == SINGLE_STEP).any())
    off, bar = line.value[0].copy(), np.zeros(line.value.shape[1])
    run, share = runner(pattern.nnz // PACE), ROUGHLY if single else 1.0
    bars = whole.value[0] if single else whole.error[0]
    for part in range(1 + line.form.is_complex):
        cut, mine = (slice(part * k, (part + 1) * k) for k in (pattern.shape[0], pattern.nnz))
        data = whole.value[0, mine], bars[mine]
        run(kernels.contrast)(
            pattern.indptr, pattern.indices, vector, *data, share, off[cut], bar[cut]
        )
    if not single:
        bar += line.error[0]
    elif problem.f0 is not UNASKED:
        bar += ROUNDED * np.abs(problem.f0)
    return off, bar


def _convicted(
    problem: Problem, coloring: Coloring, vector: Floats, line: Derivatives, bar: Floats,
    worst: Array,
) -> tuple[list[int], int]:  # fmt: skip
    """Return the rows that change along columns outside their pattern, and the calls of f."""
    outputs, by_row = coloring.pattern.shape[0], coloring.pattern.tocsr()
    aside = np.repeat(vector[None], len(worst), axis=0)
    for k, row in enumerate(worst % outputs):
        aside[k, by_row.indices[by_row.indptr[row] : by_row.indptr[row + 1]]] = 0.0
    single = line.status[0, worst] == SINGLE_STEP
    stretch = np.where(single, 1.0, np.maximum(line.step[0, worst], SHORTEST))
    start, points = problem.x[None], problem.x + stretch[:, None] * aside
    values = evaluate(problem.call, np.concatenate([start, points]), line.form)
    change = values.rows[np.arange(len(worst)) + 1, worst] - values.rows[0, worst]
    moved = np.abs(change) > stretch * bar[worst] + ROUNDED * np.abs(values.rows[0, worst])
    return sorted({int(row % outputs) for row in worst[moved]}), values.nfev


def check_curvature(
    problem: Problem, coloring: Coloring, whole: Derivatives, options: Options
) -> int:
    """Compare a sparse Hessian of f alone with the curvature along a random direction.

    Raises
    ------
    ValueError
        If the pattern misses entries.
    """
    from scipy.sparse import csc_array  # noqa: PLC0415 - loads when needed

    random = np.random.default_rng(problem.x.size)
    vector = random.uniform(0.5, 1.0, problem.x.size) * random.choice([-1.0, 1.0], problem.x.size)
    if options.box is not None:
        vector[options.box.fixed()] = 0.0
    if not vector.any():
        return 0
    enough = problem._replace(rtol=max(problem.rtol, ENOUGH))
    line = WAYS[options.way](enough, along(vector), 2, options)
    entries, sparse = coloring.pattern.nnz, csc_array(coloring.pattern)
    for part in range(1 + line.form.is_complex):
        mine, off, bar = slice(part * entries, (part + 1) * entries), line.value[0, part], 0.0
        for k, column in enumerate((whole.value, whole.error)):
            sparse.data = np.where(np.isfinite(whole.error[0, mine]), column[0, mine], math.inf)
            sides = np.abs(vector) if k else vector
            product = float(sides @ (sparse @ sides))
            off, bar = (off - product, bar) if k == 0 else (off, product + line.error[0, part])
        if line.status[0, part] <= ONE_SIDED and abs(off) > bar:
            raise PatternError(
                "`sparsity` misses entries: along a random direction f bends otherwise than the "
                "entries of the pattern say; complete it, or leave this check out with "
                "sparse.color(pattern, symmetric=True, check=False)"
            )
    return line.nfev
