"""The black-box driver: all directions advance together, one round of calls of f at a time.

In each round the live directions say which step they want, f is asked for all of them in one block,
and the kernels decide what follows. Directions are taken in batches, so that memory does not grow
with their number.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from numdiff.directions import Directions
from numdiff.estimate import Status
from numdiff.evaluate import Call, Form, evaluate
from numdiff.kernels import ladder, points, rounds, runner, stencils, tableau
from numdiff.steps import Channels, Level, Span

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

__all__ = [
    "Lines",
    "Problem",
    "blank",
    "climb",
    "columns_of",
    "fill",
    "one_level",
    "sample",
    "single_step",
    "stacked",
    "still",
]


# plain numbers: looking up a member of an enumeration costs as much as calling f
SINGLE_STEP, BUDGET = int(Status.SINGLE_STEP), int(Status.BUDGET)
BLOCK_BYTES = 8 * 2**20  # of points, and of samples, held at a time


class Problem(NamedTuple):
    """A function at a point.

    Parameters
    ----------
    call : Call
        How f is called.
    x : array (n,)
        The point.
    form : Form or None
        Form of what f returns, None if not known yet.
    f0 : array (m,) or None
        f(x) in columns, where it was asked for.
    rtol : float
        Relative error bar that is good enough.
    budget : float
        How many more evaluations are allowed.
    noise : array (m,) or None
        Standard deviation of the error of f, where it was given.
    """

    call: Call
    x: Floats
    form: Form | None = None
    f0: Floats | None = None
    rtol: float = 0.0
    budget: float = math.inf
    noise: Floats | None = None


class Lines(NamedTuple):
    """Derivatives along D directions, each array (D, m), and the windows they ended with."""

    value: Floats
    error: Floats
    status: NDArray[np.uint8]
    step: Floats
    noise: Floats
    nfev: int
    form: Form
    trouble: Exception | None = None
    samples: Floats | None = None  # (D, C, slots, m)
    state: Ints | None = None  # (D, columns of the ladder's state)
    left: Floats | None = None  # one-sided derivatives, where they were computed
    right: Floats | None = None


def climb(
    problem: Problem,
    directions: Directions,
    span: Span,
    channels: Channels,
    *,
    reference: Callable[[Ints, Ints], Floats] | None = None,
    noise: Floats | None = None,
    keep: bool = False,
) -> Lines:
    """Differentiate along directions with the ladder.

    Parameters
    ----------
    problem : Problem
        With f0.
    directions : Directions
        D of them.
    span : Span
        Where the steps may lie.
    channels : Channels
        How values of f become levels.
    reference : callable, optional
        ``reference(rows, exponents)`` gives what is to be taken off the values of f along these
        directions at these steps, (L, P, m).
    noise : array (D, m), optional
        The least noise to reckon with.
    keep : bool
        Whether the samples are returned too.
    """
    assert problem.f0 is not None
    assert problem.form is not None
    width = 8 * max(
        len(channels.offsets) * problem.x.size, channels.fold.shape[0] * 18 * problem.f0.size
    )
    size = max(1, BLOCK_BYTES // width)
    if len(directions) <= size:
        return _batch(problem, directions, span, channels, reference, noise, keep=keep)
    parts: list[Lines] = []
    for first in range(0, len(directions), size):
        rows = slice(first, min(first + size, len(directions)))
        spent = sum(part.nfev for part in parts)
        rest = problem._replace(budget=problem.budget - spent)
        local = None if reference is None else partial(_shifted, reference, first)
        least = None if noise is None else noise[rows]
        chosen = directions.part(rows)
        parts.append(_batch(rest, chosen, _cut(span, rows), channels, local, least, keep=keep))
    return stacked(parts)


def fill(found: Lines, rows: Ints, lines: Lines, chosen: NDArray[np.bool_] | None = None) -> Lines:
    """Take over the lines of some directions: what was chosen, or where nothing was known."""
    trouble, nfev = found.trouble or lines.trouble, found.nfev + lines.nfev
    if chosen is None and len(rows) == len(found.value) and found.nfev == 0:
        return lines._replace(trouble=trouble, nfev=nfev)
    new = found.status[rows] == Status.DOMAIN if chosen is None else chosen
    columns: dict[str, Any] = {}
    for name in ("value", "error", "status", "step", "noise", *_sided(found, lines)):
        column = _column(found, name)
        column[rows] = np.where(new, _column(lines, name), column[rows])
        columns[name] = column
    return found._replace(**columns, nfev=nfev, trouble=trouble)


def _sided(*several: Lines) -> tuple[str, ...]:
    return () if all(lines.left is None for lines in several) else ("left", "right")


def _column(lines: Lines, name: str) -> NDArray[Any]:
    column = getattr(lines, name)
    return np.full(lines.value.shape, math.nan) if column is None else np.array(column)


def blank(problem: Problem, count: int) -> Lines:
    """Return lines of which nothing is known: outside the domain until found otherwise."""
    assert problem.form is not None
    shape = (count, problem.form.size)
    nothing, zero = np.full(shape, np.nan), np.zeros(shape)
    status = np.full(shape, Status.DOMAIN, np.uint8)
    return Lines(nothing, np.full(shape, np.inf), status, zero, zero, 0, problem.form)


def still(problem: Problem, count: int) -> Lines:
    """Return the derivatives along directions that do not move, f(x) counted."""
    assert problem.f0 is not None
    known = np.broadcast_to(np.isfinite(problem.f0), (count, problem.f0.size))
    zero = np.where(known, 0.0, np.nan)
    status = np.where(known, Status.OK, Status.DOMAIN).astype(np.uint8)
    error = np.where(known, 0.0, np.inf)
    return blank(problem, count)._replace(value=zero, error=error, status=status, nfev=1)


def _batch(
    problem: Problem, directions: Directions, span: Span, channels: Channels,
    reference: Callable[[Ints, Ints], Floats] | None, noise: Floats | None, *, keep: bool,
) -> Lines:  # fmt: skip
    x, f0, form = problem.x, problem.f0, problem.form
    assert f0 is not None
    assert form is not None
    told = problem.noise is not None
    begun = _fresh(channels, span, f0.size, problem.noise if noise is None else noise)
    _, state, found, samples = begun
    room = _workspace(len(channels.shape))
    method = (channels.fold, channels.shape, channels.gain, channels.factor, channels.primary)
    limits = (span.reach, problem.rtol)
    where = (x, directions.starts, directions.index, directions.weight, channels.offsets)
    width, outputs = len(channels.offsets), f0.size
    live, nfev, trouble = np.arange(len(directions)), 0, None
    block, stretch = np.empty((live.size, width, x.size)), np.ldexp(1.0, span.start)
    run = runner(live.size * outputs)
    # levels that come with a reference exist at its steps only: no check elsewhere
    run(rounds.begin)(*span[:4], reference is None, told, f0, *begun)
    run(points.place)(live, stretch, *where, block, stretch)
    advance: Any = run(rounds.advance)
    while live.size:
        asked = live.size * width
        if nfev + asked > problem.budget:
            break
        values = evaluate(problem.call, block.reshape(asked, x.size), form)
        trouble, nfev = trouble or values.trouble, nfev + asked
        arrived = values.rows.reshape(live.size, width, outputs)
        if reference is not None:
            arrived = arrived - reference(live, state[live, ladder.REQUEST])
        block = np.empty_like(block)  # f may have kept the other one
        left = advance(
            live, arrived, stretch, f0, *method, *limits, samples, state, found, *room, *where,
            block,
        )  # fmt: skip
        live, block, stretch = live[:left], block[:left], stretch[:left]
    kept = (samples, state) if keep else (None, None)
    return _read(run, found, live, directions, nfev, form, trouble, *kept)


def _fresh(
    channels: Channels, span: Span, outputs: int, noise: Floats | None
) -> tuple[Floats, Ints, Floats, Floats]:
    """Make the arrays that the ladder writes to: for one batch, gone with it."""
    count, width = len(span.start), len(channels.shape)
    return (
        np.empty((0, outputs)) if noise is None else np.full((count, outputs), noise),
        np.empty((count, ladder.STATE), np.int64),
        np.empty((count, outputs, ladder.FOUND)),
        np.empty((count, width, ladder.SLOTS + 2, outputs)),
    )


def _workspace(width: int) -> tuple[Floats, ...]:
    """Make room for the kernels to work in."""
    slots = ladder.SLOTS
    return (
        np.empty((width, slots)),
        np.empty(slots),
        np.empty(width * slots * slots),
        np.empty((width + 1, slots, slots)),
        np.zeros(tableau.BEST),
        np.empty(width + 1),
    )


def _read(run: Any, found: Floats, live: Ints, directions: Directions, *rest: Any) -> Lines:
    """Read the results; directions that are still live ran out of budget."""
    columns = columns_of((len(directions), found.shape[1]))
    unit = directions.weight if directions.single else np.ones(len(directions))
    run(rounds.read)(found, unit, *columns)
    if live.size:
        columns[2][live] = BUDGET
    return Lines(*columns, *rest)


class Samples(NamedTuple):
    """Values of f along D directions at P steps each, and those steps as they came out."""

    values: Floats  # (P, D, m)
    steps: Floats  # (D,): the step of each direction after x + h was rounded
    form: Form
    nfev: int
    trouble: Exception | None


def sample(problem: Problem, directions: Directions, offsets: Floats, steps: Floats) -> Samples:
    """Ask for f at x + o h d for each direction d with its step h and each offset o."""
    size = max(1, BLOCK_BYTES // (8 * len(offsets) * max(problem.x.size, 1)))
    if len(directions) <= size:
        return _sample(problem, directions, offsets, steps)
    parts: list[Samples] = []
    for first in range(0, len(directions), size):
        rows = slice(first, min(first + size, len(directions)))
        parts.append(_sample(problem, directions.part(rows), offsets, steps[rows]))
        problem = problem._replace(form=parts[-1].form)
    return Samples(
        np.concatenate([part.values for part in parts], axis=1),
        np.concatenate([part.steps for part in parts]),
        parts[0].form,
        sum(part.nfev for part in parts),
        next((part.trouble for part in parts if part.trouble), None),
    )


def _sample(problem: Problem, directions: Directions, offsets: Floats, steps: Floats) -> Samples:
    x, count = problem.x, len(directions)
    points = directions.displace(x, offsets[:, None] * steps)
    if directions.single:
        # x + h was rounded: divide by the step that was really taken
        entries = directions.moved(x, points)
        alone = len(offsets) == 1
        base, span = (x[directions.index], 0.0) if alone else (entries[-1], float(offsets[-1]))
        steps = (entries[0] - base) / (float(offsets[0]) - span)
        if not directions.all_axes:
            steps /= directions.weight
    found = evaluate(problem.call, points.reshape(len(offsets) * count, x.size), problem.form)
    values = found.rows.reshape(len(offsets), count, found.form.size)
    return Samples(values, steps, found.form, len(offsets) * count, found.trouble)


def single_step(problem: Problem, directions: Directions, level: Level, steps: Floats) -> Lines:
    """Apply a level once along each direction; `problem` holds f(x) if it has a weight there."""
    size = max(1, BLOCK_BYTES // (8 * len(level.offsets) * max(problem.x.size, 1)))
    if len(directions) <= size:
        return _difference(problem, directions, level, steps)
    parts: list[Lines] = []
    for first in range(0, len(directions), size):
        rows = slice(first, min(first + size, len(directions)))
        parts.append(_difference(problem, directions.part(rows), level, steps[rows]))
        problem = problem._replace(form=parts[-1].form)
    return stacked(parts)


def _difference(problem: Problem, directions: Directions, level: Level, steps: Floats) -> Lines:
    call, x, count, width = problem.call, problem.x, len(directions), len(level.offsets)
    block, stretch = np.empty((count, width, x.size)), np.empty(count)
    where = (x, directions.starts, directions.index, directions.weight, level.offsets)
    run = runner(count)
    run(points.place)(np.arange(count), steps, *where, block, stretch)
    found = evaluate(call, block.reshape(count * width, x.size), problem.form)
    outputs = found.form.size
    f0 = found.rows[0] if problem.f0 is None else problem.f0
    columns = columns_of((count, outputs))
    run(stencils.difference)(
        found.rows.reshape(count, width, outputs), level.weights, level.centre, f0, steps,
        stretch, level.stencil.order, *columns,
    )  # fmt: skip
    return Lines(*columns, count * width, found.form, found.trouble)


def columns_of(shape: tuple[int, int]) -> tuple[Floats, Floats, NDArray[np.uint8], Floats, Floats]:
    """Make room for value, error, status, step and noise."""
    value, error, step, noise = np.empty(shape), np.empty(shape), np.empty(shape), np.empty(shape)
    return value, error, np.empty(shape, np.uint8), step, noise


def one_level(value: Floats, steps: Floats, found: Samples) -> Lines:
    """Return values of which only one step is known: there is no error bar."""
    usable, nothing = np.isfinite(value), np.full(value.shape, math.nan)
    status = np.where(usable, SINGLE_STEP, Status.DOMAIN).astype(np.uint8)
    error, value = np.where(usable, math.nan, math.inf), np.where(usable, value, math.nan)
    step = steps[:, None].repeat(value.shape[1], 1)
    return Lines(value, error, status, step, nothing, found.nfev, found.form, found.trouble)


def _shifted(
    reference: Callable[[Ints, Ints], Floats], first: int, rows: Ints, exponents: Ints
) -> Floats:
    return reference(rows + first, exponents)


def _cut(span: Span, rows: slice) -> Span:
    return Span(
        span.start[rows], span.other[rows], span.highest[rows], span.lowest[rows], span.reach[rows]
    )


def stacked(parts: list[Lines]) -> Lines:
    """Put the lines of several batches, or of several points, below each other.

    Raises
    ------
    ValueError
        If f returned different shapes.
    """
    if len(parts) == 1:
        return parts[0]
    shapes = {part.form.shape for part in parts}
    if len(shapes) > 1:
        raise ValueError(f"f must return the same shape at every point of x, got {sorted(shapes)}")
    names = ("value", "error", "status", "step", "noise")
    kept = ("samples", "state") if parts[0].state is not None else ()
    joined: dict[str, Any] = {
        name: np.concatenate([_column(part, name) for part in parts])
        for name in (*names, *kept, *_sided(*parts))
    }
    trouble = next((part.trouble for part in parts if part.trouble), None)
    return Lines(
        **joined, nfev=sum(part.nfev for part in parts), form=parts[0].form, trouble=trouble
    )
