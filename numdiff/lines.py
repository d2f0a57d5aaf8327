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
    "fill",
    "one_level",
    "sample",
    "single_step",
    "stacked",
    "still",
]


# plain numbers: looking up a member of an enumeration costs as much as calling f
SINGLE_STEP, BUDGET = int(Status.SINGLE_STEP), int(Status.BUDGET)
UNRESOLVED = int(Status.UNRESOLVED)
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
    """

    call: Call
    x: Floats
    form: Form | None = None
    f0: Floats | None = None
    rtol: float = 0.0
    budget: float = math.inf


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


def fill(found: Lines, rows: Ints, lines: Lines) -> Lines:
    """Take over the lines of some directions where nothing was known of them."""
    trouble, nfev = found.trouble or lines.trouble, found.nfev + lines.nfev
    if len(rows) == len(found.value) and found.nfev == 0:
        return lines._replace(trouble=trouble, nfev=nfev)
    columns = {}
    for name in ("value", "error", "status", "step", "noise"):
        column = getattr(found, name).copy()
        new = found.status[rows] == Status.DOMAIN
        column[rows] = np.where(new, getattr(lines, name), column[rows])
        columns[name] = column
    return found._replace(**columns, nfev=nfev, trouble=trouble)


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
    from numdiff.kernels import check, ladder, points  # noqa: PLC0415 - Numba comes when needed

    x, f0, form = problem.x, problem.f0, problem.form
    assert f0 is not None
    assert form is not None
    state, found, samples = _fresh(channels, span, f0.size, noise, roams=reference is None)
    y, floors, seen, table, best, sampled = _workspace(len(channels.shape))
    fold, shape, ratio = channels.fold, channels.shape, float(channels.shape[0, ladder.RATIO])
    width, outputs = len(channels.offsets), f0.size
    live, nfev, trouble = np.arange(len(directions)), 0, None
    while live.size:
        asked = live.size * width
        if nfev + asked > problem.budget:
            break
        block, stretch = np.empty((live.size, width, x.size)), np.empty(live.size)
        points.place(
            live, state, x, directions.starts, directions.index, directions.weight,
            channels.offsets, block, stretch,
        )  # fmt: skip
        values = evaluate(problem.call, block.reshape(asked, x.size), form)
        trouble, nfev = trouble or values.trouble, nfev + asked
        arrived = values.rows.reshape(live.size, width, outputs)
        if reference is not None:
            arrived = arrived - reference(live, state[live, ladder.REQUEST])
        ladder.absorb(live, arrived, stretch, f0, fold, samples, state, found)
        check.check(live, f0, ratio, samples, state, found)
        check.compare(live, f0, ratio, samples, state, found)
        ladder.judge(
            live, f0, shape, channels.gain, channels.factor, channels.primary, span.reach,
            problem.rtol, samples, state, found, y, floors, seen, table, best, sampled,
        )  # fmt: skip
        ladder.choose(live, f0, samples, state, found)
        live = live[state[live, ladder.PHASE] != ladder.DONE]
    kept = (samples, state) if keep else (None, None)
    return _read(found, live, directions, nfev, form, trouble, *kept)


def _fresh(
    channels: Channels, span: Span, outputs: int, noise: Floats | None, *, roams: bool
) -> tuple[Ints, Floats, Floats]:
    """Make the arrays that the ladder writes to: for one batch, gone with it."""
    from numdiff.kernels import ladder  # noqa: PLC0415

    count, width = len(span.start), len(channels.shape)
    state = np.zeros((count, ladder.STATE), np.int64)
    state[:, ladder.BASE] = span.start + ladder.START
    state[:, ladder.FIRST], state[:, ladder.LAST] = ladder.START, ladder.START - 1
    state[:, ladder.REQUEST] = span.start
    state[:, ladder.HIGHEST], state[:, ladder.LOWEST] = span.highest, span.lowest
    state[:, ladder.OTHER], state[:, ladder.SAMPLED] = span.other, ladder.NEVER
    if not roams:  # levels that come with a reference exist at its steps only: no check elsewhere
        state[:, ladder.CHECKED] = state[:, ladder.NOISY] = 1
    found = np.zeros((count, outputs, ladder.FOUND))
    found[..., ladder.ESTIMATE], found[..., ladder.ERROR] = np.nan, np.inf
    if noise is not None:
        found[..., ladder.SHOWN] = noise
    return state, found, np.full((count, width, ladder.SLOTS + 2, outputs), np.nan)


def _workspace(width: int) -> tuple[Floats, ...]:
    """Make room for the kernels to work in."""
    from numdiff.kernels import ladder, tableau  # noqa: PLC0415

    slots = ladder.SLOTS
    return (
        np.empty((width, slots)),
        np.empty(slots),
        np.empty(width * slots * slots),
        np.empty((width + 1, slots, slots)),
        np.zeros(tableau.BEST),
        np.empty(width + 1),
    )


def _read(found: Floats, live: Ints, directions: Directions, *rest: Any) -> Lines:
    """Read the results; directions that are still live ran out of budget."""
    from numdiff.kernels import ladder  # noqa: PLC0415

    status = found[..., ladder.STATUS].astype(np.uint8)
    if live.size:
        status[live] = BUDGET
    step = found[..., ladder.STEP]
    if directions.single:
        step = step * np.abs(directions.weight)[:, None]
    value, error = found[..., ladder.ESTIMATE].copy(), found[..., ladder.ERROR].copy()
    huge = np.isinf(value)
    if huge.any():  # beyond the range of floats
        value[huge], error[huge], status[huge] = math.nan, math.inf, UNRESOLVED
    return Lines(value, error, status, step, found[..., ladder.DEVIATION].copy(), *rest)


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
        if len(offsets) > 1:
            real, span = entries[0] - entries[-1], offsets[0] - offsets[-1]
        else:
            real, span = entries[0] - x[directions.index], offsets[0]
        steps = real / (span * directions.weight)
    found = evaluate(problem.call, points.reshape(-1, x.size), problem.form)
    values = found.rows.reshape(len(offsets), count, -1)
    return Samples(values, steps, found.form, len(offsets) * count, found.trouble)


def single_step(problem: Problem, directions: Directions, level: Level, steps: Floats) -> Lines:
    """Apply a level once along each direction; `problem` holds f(x) if it has a weight there."""
    found = sample(problem, directions, level.offsets, steps)
    shape = found.values.shape
    total = (level.weights @ found.values.reshape(shape[0], -1)).reshape(shape[1:])
    if level.centre != 0.0:
        assert problem.f0 is not None
        total += level.centre * problem.f0
    steps_taken = found.steps[:, None]
    total /= steps_taken if level.stencil.order == 1 else steps_taken**level.stencil.order
    return one_level(total, steps, found)


def one_level(value: Floats, steps: Floats, found: Samples) -> Lines:
    """Return values of which only one step is known: there is no error bar."""
    status = np.empty(value.shape, np.uint8)
    status.fill(SINGLE_STEP)
    error = np.empty(value.shape)
    error.fill(math.nan)
    noise = error.copy()
    usable = np.isfinite(value)
    if not usable.all():
        status[~usable], error[~usable] = Status.DOMAIN, np.inf
        value = np.where(usable, value, np.nan)
    step = np.empty(value.shape)
    step[:] = steps[:, None]
    return Lines(value, error, status, step, noise, found.nfev, found.form, found.trouble)


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
    names = ("value", "error", "status", "step", "noise", "samples", "state")
    joined: dict[str, Any] = {
        name: None
        if getattr(parts[0], name) is None
        else np.concatenate([getattr(part, name) for part in parts])
        for name in names
    }
    trouble = next((part.trouble for part in parts if part.trouble), None)
    return Lines(
        **joined, nfev=sum(part.nfev for part in parts), form=parts[0].form, trouble=trouble
    )
