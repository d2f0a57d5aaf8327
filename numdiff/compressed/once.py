"""A single step along each colour, its entries read where they belong, and what a check needs."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from numdiff.arrays import Floats, Later, throughout
from numdiff.coloring import kernels
from numdiff.coloring.pattern import require_outputs
from numdiff.coloring.prepared import PACE, Coloring
from numdiff.compressed.routes import Routes
from numdiff.constants import DOMAIN, SINGLE_STEP
from numdiff.drivers.derivatives import Derivatives, Problem
from numdiff.drivers.single import NAN, ONCE
from numdiff.engine.single import user_steps
from numdiff.evaluation.call import Form, Values, evaluate
from numdiff.geometry.directions import Directions
from numdiff.geometry.domain import blocks
from numdiff.ladder import points
from numdiff.ladder.runtime import runner
from numdiff.methods import Level

NEAR = 16  # times the numbers at points: so few are held that they are near when they are read


class Sampled(NamedTuple):
    """What f said at the points of a single step along each of D directions."""

    values: Values  # (D * P, m)
    f0: Floats
    steps: Floats
    stretch: Floats


def once(
    problem: Problem, coloring: Coloring, routes: Routes
) -> tuple[Derivatives, Form, Floats | None]:
    """Take one step along each direction; tell what comes, the form of f, and minus J v (m,).

    The last, of the vector of a check, is None where there is none, or where steps along it are not
    those of columns.
    """
    level, entries, shares = routes.options.method.level(1), coloring.pattern.nnz, np.empty(0)
    if coloring.check and routes.shared and not coloring.symmetric:  # else read in other rows
        shares = coloring.shares
    value, off, lost, nfev, trouble = np.empty(0), None, 0, 0, None
    for part in blocks(len(routes.directions), NEAR * level.offsets.size * problem.x.size):
        rows = routes.directions.part(part)
        sampled = _sampled(problem, rows, level, routes)
        values = sampled.values
        if off is None:
            require_outputs(coloring.pattern, math.prod(values.form.shape))
            value = np.empty(entries * (1 + values.form.is_complex))
            off = np.zeros(values.form.size * (shares.size > 0))
        lost += _read_off(sampled, rows, level, coloring, (shares, value, off))
        problem = problem._replace(form=values.form)
        trouble, nfev = trouble or values.trouble, nfev + values.nfev
        del sampled, values  # room for those along the next ones
    shape, form = (1, value.size), Form((entries,), problem.form.is_complex)
    bars, status = throughout(NAN, shape), throughout(ONCE, shape)
    noise, value = bars, value.reshape(shape)
    if lost:
        known = ~np.isnan(value)
        bars = np.where(known, math.nan, math.inf)
        status = np.where(known, np.uint8(SINGLE_STEP), np.uint8(DOMAIN))
    later = Later(_steps_of, (problem.x, coloring, routes))
    step: Any = np.tile(later(), 2)[None] if form.is_complex else later
    whole = Derivatives(value, bars, status, step, noise, nfev, form, trouble)
    return whole, problem.form, off if shares.size else None


def _sampled(problem: Problem, directions: Directions, level: Level, routes: Routes) -> Sampled:
    x, count, width = problem.x, len(directions), level.offsets.size
    steps = np.ones(count) if routes.shared else user_steps(directions, level, routes.options, x)
    block, stretch = np.empty((count, width, x.size)), np.empty(count)
    route = directions.starts, directions.index, directions.weight, level.offsets
    runner(x.size // PACE)(points.place)(np.arange(count), steps, x, *route, block, stretch)
    values = evaluate(problem.call, block.reshape(count * width, x.size), problem.form)
    f0 = problem.f0 if level.centre else values.rows[0]  # it has no part in it
    return Sampled(values, f0, steps, stretch)


def _read_off(
    sampled: Sampled, directions: Directions, level: Level, coloring: Coloring,
    result: tuple[Floats, Floats, Floats],
) -> int:  # fmt: skip
    """Take over the slopes of the columns that single steps moved; say how many are no numbers."""
    entries, outputs = coloring.pattern.nnz, coloring.pattern.shape[0]
    shares, value, off = result
    rows, lost = sampled.values.rows.reshape(len(directions), level.offsets.size, -1), 0
    route = directions.starts, directions.index, directions.weight
    for part in range(1 + sampled.values.form.is_complex):
        cut = slice(part * outputs, (part + 1) * outputs)
        lost += runner(entries // PACE)(kernels.read_off)(
            np.ascontiguousarray(rows[:, :, cut]), level.weights, level.centre, sampled.f0[cut],
            sampled.steps, sampled.stretch, *route, *coloring.sources, shares,
            value[part * entries : (part + 1) * entries], off[cut],
        )  # fmt: skip
    return lost


def _steps_of(x: Floats, coloring: Coloring, routes: Routes) -> Floats:
    """Return the step from which each entry was read."""
    own = np.abs(routes.weight)
    if not routes.shared:
        level = routes.options.method.level(1)
        own[routes.directions.index] = user_steps(routes.directions, level, routes.options, x)
    length: Floats = own.repeat(np.diff(coloring.pointers))
    if not coloring.symmetric:
        return length
    whole = np.empty(len(length))
    whole[coloring.places] = length
    return whole
