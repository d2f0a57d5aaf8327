"""A single step along each colour, its entries read where they belong, and what a check needs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from numdiff.arrays import Array, Floats, Later, throughout
from numdiff.coloring import kernels
from numdiff.coloring.pattern import require_outputs
from numdiff.coloring.prepared import PACE, Coloring
from numdiff.compressed.routes import Routes
from numdiff.constants import DOMAIN, SINGLE_STEP
from numdiff.drivers.derivatives import UNASKED, Derivatives, Problem
from numdiff.drivers.single import NAN, ONCE
from numdiff.engine.single import user_steps
from numdiff.evaluation.call import UNKNOWN, Form, evaluate
from numdiff.geometry.domain import BLOCK_BYTES, blocks
from numdiff.ladder.runtime import runner
from numdiff.methods import Level

NEAR = 16  # times the numbers at points: so few are held that they are near when they are read

Write: TypeAlias = Callable[[int, Floats], None]  # points to a block, from a number on


class Sums(NamedTuple):
    """What f said at the points of a single step along each of D directions, added up."""

    rows: Floats  # (D, m)
    form: Form
    nfev: int
    trouble: Exception | None


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
    steps, run = _steps(problem.x, level, routes), runner(entries // PACE)
    own, (pointers, places, rows) = (coloring.owner, routes.weight), coloring.sources
    where = pointers, places if coloring.symmetric else places[:0], rows
    scale = _stretch(problem.x, level, routes, (coloring.alone, steps)) / steps
    value, off, lost, nfev, trouble = np.empty(0), None, 0, 0, None
    for part in blocks(len(steps), coloring.pattern.shape[0]):
        begin = part.start * level.offsets.size
        write = partial(run(kernels.displace), problem.x, *own, steps, level.offsets, begin)
        sums = added_up(problem, coloring, level, len(steps[part]), write, scale[part])
        if off is None:
            value = np.empty(entries * (1 + sums.form.is_complex))
            off = np.zeros(sums.form.size * (shares.size > 0))
        for mine in _parts(sums, coloring, value, off):
            lost += run(kernels.read_off)(part.start, *own, *where, shares, *mine)
        problem = problem._replace(form=sums.form)
        trouble, nfev = trouble or sums.trouble, nfev + sums.nfev
        del sums, mine  # room for those along the next ones
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


def added_up(
    problem: Problem, coloring: Coloring, level: Level, count: int, write: Write,
    scale: Floats = UNASKED,
) -> Sums:  # fmt: skip
    """Ask for f at the points of `count` directions, numbered by direction, then by offset."""
    add_up = runner(coloring.pattern.nnz // PACE)(kernels.add_up)
    x, form, width, first = problem.x, problem.form, level.offsets.size, 0
    rows, nfev, trouble = np.empty((count, 0)), 0, None
    f0 = problem.f0 if level.centre else UNASKED
    while first < count * width:
        # one of several points may tell the form where f is not defined at all
        least = 1 if problem.call.simple and form is not UNKNOWN else width
        stop = min(first + max(BLOCK_BYTES // (8 * NEAR * x.size), least), count * width)
        block = np.empty((stop - first, x.size))
        write(first, block)
        values = evaluate(problem.call, block, form)
        if not nfev:  # a single row is nobody else's
            form = values.form
            require_outputs(coloring.pattern, math.prod(form.shape))
            rows = values.rows[:1] if count == 1 else np.empty((count, form.size))
        add_up(first, values.rows, level.weights, level.centre, f0, scale, rows)
        first, nfev, trouble = stop, nfev + values.nfev, trouble or values.trouble
        del block, values  # room for the next ones
    return Sums(rows, form, nfev, trouble)


def _parts(
    sums: Sums, coloring: Coloring, value: Floats, off: Floats
) -> Iterator[tuple[Floats, Floats, Floats]]:
    """Yield sums, the entries and what is taken off, of real parts and then of imaginary ones."""
    outputs, entries = coloring.pattern.shape[0], coloring.pattern.nnz
    for part in range(1 + sums.form.is_complex):
        cut, mine = (slice(part * k, (part + 1) * k) for k in (outputs, entries))
        yield np.ascontiguousarray(sums.rows[:, cut]), value[mine], off[cut]


def _steps(x: Floats, level: Level, routes: Routes) -> Floats:
    if routes.shared:
        return np.ones(len(routes.starts))
    return user_steps(routes.directions, level, routes.options, x)


def _stretch(x: Floats, level: Level, routes: Routes, own: tuple[Array, Floats]) -> Floats:
    """Return how far outer points should be apart over how far they are, for each direction.

    Of those `alone`, that is, which move one entry of x: x + h is rounded.
    """
    alone, steps = own
    stretch = np.ones(len(steps))
    if alone.size:
        column, step, offsets = routes.order[routes.starts[alone]], steps[alone], level.offsets
        base, length, last = x[column], routes.weight[column], 0.0
        real = base + offsets[0] * step * length
        if offsets.size > 1:
            last = offsets[-1]
            base = base + last * step * length
        real -= base
        nominal = (offsets[0] - last) * (step * length)
        stretch[alone] = np.divide(nominal, real, np.full(alone.size, math.nan), where=real != 0.0)
    return stretch


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
