"""Sparse derivatives: one direction for each colour, each entry read where its column is alone."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from numdiff.arrays import Floats
from numdiff.coloring import kernels
from numdiff.coloring.pattern import as_pattern, require_inputs, require_outputs
from numdiff.coloring.prepared import PACE, Coloring, color, twins
from numdiff.compressed.detection import detected
from numdiff.compressed.missing import check, check_curvature
from numdiff.compressed.once import once
from numdiff.compressed.routes import Routes, routes_of
from numdiff.constants import DOMAIN
from numdiff.drivers.derivatives import UNASKED, Derivatives, Problem
from numdiff.engine.differentiate import WAYS, counted, pose
from numdiff.engine.mixed import second
from numdiff.evaluation.call import Call, Form
from numdiff.geometry.directions import Directions, axes
from numdiff.geometry.domain import blocks
from numdiff.ladder.runtime import runner
from numdiff.options import Options

if TYPE_CHECKING:
    from scipy.sparse import csc_array

# value, error, status, step and noise of an entry of which nothing is known
NOTHING = math.nan, math.inf, DOMAIN, 0.0, math.nan
HELD = 8  # numbers per output that are held of a direction until they are where they belong


def along_colors(problem: Problem, coloring: Coloring, options: Options) -> Derivatives:
    """Differentiate f by the entries of x as a sparse Jacobian; a single step may do without f(x).

    Returns
    -------
    Derivatives
        Of one line, with a column for each entry of the pattern in its order.

    Raises
    ------
    ValueError
        If the shape of the pattern is not that of the Jacobian, or it misses entries.
    """
    x, routes = problem.x, routes_of(coloring, problem.x, options)
    options = routes.options
    if problem.f0 is not UNASKED:
        require_outputs(coloring.pattern, math.prod(problem.form.shape))
    if not len(routes.starts):
        problem = pose(problem.call, x, options) if problem.f0 is UNASKED else problem
        require_outputs(coloring.pattern, math.prod(problem.form.shape))
        whole = _blank(coloring.pattern.nnz, problem.form, NOTHING)
        return (
            counted(problem, whole) if coloring.pattern.nnz else whole._replace(nfev=problem.nfev)
        )
    if options.way == "single" and options.box is None:
        whole, form, off = once(problem, coloring, routes)
    else:
        whole, form, off = *_in_parts(problem, coloring, routes), None
    if coloring.check:
        rest = problem.less(whole.nfev)._replace(form=form)
        nfev = check(rest, coloring, routes, whole, off)
        whole = whole._replace(nfev=whole.nfev + nfev)
    return counted(problem, whole)


def _in_parts(problem: Problem, coloring: Coloring, routes: Routes) -> tuple[Derivatives, Form]:
    """Ask along some directions at a time, and put what they say in its place."""
    whole, outer = None, max(problem.x.size, *coloring.pattern.shape)
    trouble, nfev, moved = None, 0, bool(routes.weight.all())
    directions = routes.directions
    for part in blocks(len(directions), HELD * outer):
        rows = directions.part(part)
        lines = WAYS[routes.options.way](problem, rows, 1, routes.options)
        if whole is None:
            require_outputs(coloring.pattern, math.prod(lines.form.shape))
            whole = _blank(coloring.pattern.nnz, lines.form, None if moved else NOTHING)
        whole = _placed(whole, lines, rows, coloring)
        problem = problem.less(lines.nfev)._replace(form=lines.form)
        trouble, nfev = trouble or lines.trouble, nfev + lines.nfev
        del lines  # room for what they leave along the next ones
    assert whole is not None
    whole = _without_fixed(whole, coloring, routes.weight)
    return whole._replace(trouble=trouble, nfev=nfev), problem.form


def coloring_of(
    call: Call, x: Floats, sparsity: Any, options: Options, *, symmetric: bool
) -> tuple[Coloring, int]:
    """Return the colouring that the option `sparsity` stands for, and how often f was asked for it.

    Raises
    ------
    ValueError
        If it is a colouring of the other kind, or does not have a column for each entry of x.
    """
    if isinstance(sparsity, str):
        if sparsity != "detect":
            raise ValueError(
                f"`sparsity` must be an array, a Coloring or 'detect', got {sparsity!r}"
            )
        pattern, nfev = pattern_of(call, x, options)
        return color(pattern, symmetric), nfev
    if not isinstance(sparsity, Coloring):
        sparsity = color(sparsity, symmetric)
    elif sparsity.symmetric != symmetric:
        wanted = "color(pattern, symmetric=True)" if symmetric else "color(pattern)"
        raise ValueError(f"`sparsity` is a colouring of the other kind: prepare it with {wanted}")
    require_inputs(sparsity.pattern, x.size)
    return sparsity, 0


def pattern_of(call: Call, x: Floats, options: Options) -> tuple[csc_array, int]:
    """Find the pattern of the Jacobian of f; return it with the number of evaluations."""
    from scipy.sparse import csc_array  # noqa: PLC0415 - loads when needed

    rows, columns, outputs, nfev = detected(call, x, options.box)
    ones = np.ones(len(rows), np.bool_)
    return as_pattern(csc_array((ones, (rows, columns)), shape=(outputs, x.size))), nfev


# --- Entries ---


def _blank(entries: int, form: Form, fill: tuple[float, ...] | None) -> Derivatives:
    """Make room for one line of entries, filled unless all are written anyway."""
    shape = (1, entries * (1 + form.is_complex))
    value, error, step, noise = (np.empty(shape) for _ in range(4))
    status = np.empty(shape, np.uint8)
    own = Form((entries,), form.is_complex)
    whole = Derivatives(value, error, status, step, noise, 0, own)
    columns: Any = whole[:5]
    for column, number in zip(columns, fill or (), strict=False):
        column[:] = number
    return whole


def _placed(
    whole: Derivatives, lines: Derivatives, directions: Directions, coloring: Coloring
) -> Derivatives:
    """Take over what directions say of the entries of their columns."""
    entries, outputs = coloring.pattern.nnz, coloring.pattern.shape[0]
    route = directions.starts, directions.index, directions.weight
    run: Any = runner(entries // PACE)(kernels.scatter)
    for part in range(1 + lines.form.is_complex):
        cut = slice(part * outputs, (part + 1) * outputs)
        run(
            *route, *coloring.sources,
            tuple(np.ascontiguousarray(column[:, cut]) for column in lines[:5]),
            tuple(column[0, part * entries : (part + 1) * entries] for column in whole[:5]),
        )  # fmt: skip
    if lines.left is None or lines.right is None:
        return whole
    nothing = np.full(whole.value.shape, math.nan)
    left, right = (nothing if c is None else c for c in (whole.left, whole.right))
    left, right = left.copy(), right.copy()
    counts = np.diff(coloring.pointers)[directions.index]
    spots = np.concatenate(
        [
            np.arange(p, p + c)
            for p, c in zip(coloring.pointers[directions.index], counts, strict=True)
        ]
    )
    numbers = np.arange(len(directions)).repeat(directions.stops - directions.starts).repeat(counts)
    weight = directions.weight.repeat(counts)
    for part in range(1 + lines.form.is_complex):
        at = numbers, coloring.rows[spots] + part * outputs
        ahead, behind = lines.right[at] / weight, lines.left[at] / weight
        to = coloring.places[spots] + part * entries
        left[0, to] = np.where(weight > 0.0, behind, ahead)
        right[0, to] = np.where(weight > 0.0, ahead, behind)
    return whole._replace(left=left, right=right)


def _without_fixed(whole: Derivatives, coloring: Coloring, weight: Floats) -> Derivatives:
    """Leave no number where x cannot move, on either side of the diagonal."""
    if weight.all() or not coloring.symmetric:
        return whole
    pattern = coloring.pattern
    lost = (weight == 0.0)[pattern.indices] | (weight == 0.0).repeat(np.diff(pattern.indptr))
    lost = np.tile(lost, 1 + whole.form.is_complex)
    whole.value[0, lost], whole.error[0, lost], whole.status[0, lost] = math.nan, math.inf, DOMAIN
    return whole


# --- Of f alone ---


def along_pairs(problem: Problem, coloring: Coloring, options: Options) -> Derivatives:
    """Differentiate f twice by the pairs of entries of x that a symmetric pattern holds.

    Returns
    -------
    Derivatives
        Of one line, with a column for each entry of the pattern in its order.

    Raises
    ------
    ValueError
        If f has more than one output, or the pattern misses entries.
    """
    x, pattern = problem.x, coloring.pattern
    if problem.form.shape not in {(), (1,)}:
        raise ValueError(
            f"a sparse Hessian is that of one number, but f returns shape {problem.form.shape}: "
            "give `grad`, or leave `sparsity` out"
        )
    columns = np.arange(x.size).repeat(np.diff(pattern.indptr))
    above = pattern.indices < columns
    pairs = pattern.indices[above].astype(np.int64), columns[above]
    diagonal, across = second(problem, axes(x.size), *pairs, options)
    number = columns.copy()
    number[above] = x.size + np.arange(len(pairs[0]))
    below = pattern.indices > columns
    number[below] = number[twins(pattern)[below]]
    count = 1 + problem.form.is_complex
    names: dict[str, Any] = {}
    for name in ("value", "error", "status", "step", "noise"):
        both = np.concatenate([getattr(diagonal, name), getattr(across, name)])
        names[name] = both[number].T.reshape(1, count * pattern.nnz)
    whole = Derivatives(**names, nfev=0, form=Form((pattern.nnz,), problem.form.is_complex))
    total = counted(problem, diagonal, across)
    if coloring.check and options.way == "ladder":
        total = total._replace(nfev=total.nfev + check_curvature(problem, coloring, whole, options))
    return whole._replace(nfev=total.nfev, trouble=total.trouble)
