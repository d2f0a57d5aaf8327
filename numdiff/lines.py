"""The black-box driver: all directions advance together, one round of calls of f at a time.

In each round the live directions say which step they want, f is asked for all of them in one block,
and the kernels decide what follows. Directions are taken in batches, so that memory does not grow
with their number.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from numdiff.directions import Directions
from numdiff.estimate import Status
from numdiff.evaluate import Call, Form, evaluate
from numdiff.stencil import Stencil
from numdiff.steps import Channels, Span, weighted

__all__ = [
    "Lines",
    "Problem",
    "blank",
    "climb",
    "fill",
    "one_level",
    "sample",
    "single_step",
    "still",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SINGLE_STEP = int(Status.SINGLE_STEP)
BLOCK_BYTES = 8 * 2**20  # of points, and of samples, held at a time


@dataclass(frozen=True)
class Problem:
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


@dataclass(frozen=True)
class Lines:
    """Derivatives along D directions, each array (D, m), and the window each direction ended with."""

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
        directions at these steps, (L, m).
    keep : bool
        Whether the samples are returned too.
    """
    assert problem.f0 is not None
    assert problem.form is not None
    width = 8 * max(
        len(channels.offsets) * problem.x.size, channels.fold.shape[0] * 18 * problem.f0.size
    )
    size = max(1, BLOCK_BYTES // width)
    parts: list[Lines] = []
    for first in range(0, len(directions), size):
        rows = slice(first, min(first + size, len(directions)))
        spent = sum(part.nfev for part in parts)
        rest = replace(problem, budget=problem.budget - spent)
        local = None if reference is None else partial(_shifted, reference, first)
        part = _batch(rest, directions.part(rows), _cut(span, rows), channels, local)
        parts.append(part if keep else replace(part, samples=None, state=None))
    return _join(parts)


def fill(found: Lines, rows: Ints, lines: Lines) -> Lines:
    """Take over the lines of some directions where nothing was known of them."""
    trouble, nfev = found.trouble or lines.trouble, found.nfev + lines.nfev
    if len(rows) == len(found.value) and found.nfev == 0:
        return replace(lines, trouble=trouble, nfev=nfev)
    columns = {}
    for name in ("value", "error", "status", "step", "noise"):
        column = getattr(found, name).copy()
        new = found.status[rows] == Status.DOMAIN
        column[rows] = np.where(new, getattr(lines, name), column[rows])
        columns[name] = column
    return replace(found, **columns, nfev=nfev, trouble=trouble)


def blank(problem: Problem, count: int) -> Lines:
    """Return lines of which nothing is known: outside the domain until found otherwise."""
    assert problem.form is not None
    shape = (count, problem.form.size)
    nothing, zero = np.full(shape, np.nan), np.zeros(shape)
    status = np.full(shape, Status.DOMAIN, np.uint8)
    return Lines(nothing, np.full(shape, np.inf), status, zero, zero, 0, problem.form)


def still(problem: Problem, count: int) -> Lines:
    """Return the derivatives along directions that do not move."""
    lines = blank(problem, count)
    zero = np.zeros(lines.value.shape)
    status = np.zeros(lines.value.shape, np.uint8)
    return replace(lines, value=zero, error=zero, status=status, nfev=1)


def _batch(
    problem: Problem,
    directions: Directions,
    span: Span,
    channels: Channels,
    reference: Callable[[Ints, Ints], Floats] | None,
) -> Lines:
    from numdiff.kernels import ladder  # noqa: PLC0415 - Numba is imported when it is first needed

    assert problem.f0 is not None
    assert problem.form is not None
    arrays = _Arrays.fresh(channels, span, problem.f0.size, roams=reference is None)
    live, nfev, trouble = np.arange(len(directions)), 0, None
    while live.size:
        asked = live.size * len(channels.offsets)
        if nfev + asked > problem.budget:
            break
        t = arrays.steps(live)[:, None] * channels.offsets
        moved = directions.pick(live)
        points = moved.displace(problem.x, t)
        stretch = _stretch(problem.x, moved, t, points)
        values = evaluate(problem.call, points, problem.form)
        trouble, nfev = trouble or values.trouble, nfev + asked
        arrived = values.rows.reshape(live.size, len(channels.offsets), -1)
        if reference is not None:
            arrived = arrived - reference(live, arrays.state[live, ladder.REQUEST])[:, None]
        arrays.advance(live, arrived, stretch, problem, channels, span)
        live = live[arrays.state[live, ladder.PHASE] != ladder.DONE]
    return arrays.lines(live, directions, nfev, problem.form, trouble)


@dataclass(frozen=True)
class _Arrays:
    """What the ladder writes to: made for one batch, gone with it."""

    state: Ints
    found: Floats
    samples: Floats
    work: tuple[Floats, ...]

    @classmethod
    def fresh(cls, channels: Channels, span: Span, outputs: int, *, roams: bool) -> _Arrays:
        from numdiff.kernels import ladder  # noqa: PLC0415

        count, width = len(span.start), len(channels.shape)
        state = np.zeros((count, ladder.STATE), np.int64)
        state[:, ladder.BASE] = span.start + ladder.START
        state[:, ladder.FIRST], state[:, ladder.LAST] = ladder.START, ladder.START - 1
        state[:, ladder.REQUEST] = span.start
        state[:, ladder.HIGHEST], state[:, ladder.LOWEST] = span.highest, span.lowest
        state[:, ladder.OTHER], state[:, ladder.SAMPLED] = span.other, ladder.NEVER
        # levels that come with a reference exist at its steps only: no check elsewhere
        state[:, ladder.CHECKED] = state[:, ladder.NOISY] = 0 if roams else 1
        found = np.zeros((count, outputs, ladder.FOUND))
        found[..., ladder.ESTIMATE], found[..., ladder.ERROR] = np.nan, np.inf
        samples = np.full((count, width, ladder.SLOTS + 2, outputs), np.nan)
        slots = ladder.SLOTS
        work = (
            np.zeros((width, slots)),
            np.zeros(slots),
            np.zeros(width * slots * slots),
            np.zeros((width + 1, slots, slots)),
            np.zeros(8),
            np.zeros(width + 1),
        )
        return cls(state, found, samples, work)

    def steps(self, rows: Ints) -> Floats:
        """Return the steps that these directions ask for."""
        from numdiff.kernels import ladder  # noqa: PLC0415

        skew = np.where(self.state[rows, ladder.PHASE] == ladder.SAMPLE, ladder.SKEW, 1.0)
        steps: Floats = np.ldexp(skew, self.state[rows, ladder.REQUEST])
        return steps

    def advance(
        self,
        rows: Ints,
        arrived: Floats,
        stretch: Floats,
        problem: Problem,
        channels: Channels,
        span: Span,
    ) -> None:
        """Let the kernels decide what follows from the values that arrived."""
        from numdiff.kernels import check, ladder  # noqa: PLC0415

        f0, state, found, samples = problem.f0, self.state, self.found, self.samples
        ratio = float(channels.shape[0, ladder.RATIO])
        ladder.absorb(rows, arrived, stretch, f0, channels.fold, samples, state, found)
        check.check(rows, f0, ratio, samples, state, found)
        check.compare(rows, f0, ratio, samples, state, found)
        ladder.judge(
            rows, f0, channels.shape, channels.gain, channels.factor, channels.primary, span.reach,
            problem.rtol, samples, state, found, *self.work,
        )  # fmt: skip
        ladder.choose(rows, f0, samples, state, found)

    def lines(
        self, live: Ints, directions: Directions, nfev: int, form: Form, trouble: Exception | None
    ) -> Lines:
        """Read the results; directions that are still live ran out of budget."""
        from numdiff.kernels import ladder  # noqa: PLC0415

        found = self.found
        status = found[..., ladder.STATUS].astype(np.uint8)
        status[live] = Status.BUDGET
        step = found[..., ladder.STEP]
        if directions.single:
            step = step * np.abs(directions.weight)[:, None]
        value, error = found[..., ladder.ESTIMATE].copy(), found[..., ladder.ERROR].copy()
        noise = found[..., ladder.DEVIATION].copy()
        return Lines(
            value, error, status, step, noise, nfev, form, trouble, self.samples, self.state
        )


def _stretch(x: Floats, directions: Directions, t: Floats, points: Floats) -> Floats:
    """Nominal distance of the outer points over the real one: x + h rounds where a binade ends."""
    if not directions.single:
        return np.ones(len(t))
    count, width = t.shape
    entries = points.reshape(count, width, -1)[np.arange(count), :, directions.index]
    if width == 1:
        nominal, real = t[:, 0] * directions.weight, entries[:, 0] - x[directions.index]
    else:
        nominal = (t[:, 0] - t[:, -1]) * directions.weight
        real = entries[:, 0] - entries[:, -1]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(real != 0.0, nominal / real, np.nan)


@dataclass(frozen=True)
class Samples:
    """Values of f along D directions at P steps each, and those steps as they came out."""

    values: Floats  # (D, P, m)
    steps: Floats  # (D,): the step of each direction after x + h was rounded
    form: Form
    nfev: int
    trouble: Exception | None


def sample(problem: Problem, directions: Directions, offsets: Floats, steps: Floats) -> Samples:
    """Ask for f at x + o h d for each direction d with its step h and each offset o."""
    size = max(1, BLOCK_BYTES // (8 * len(offsets) * problem.x.size))
    form, trouble, values, real = problem.form, None, [], []
    for first in range(0, len(directions), size):
        chosen = slice(first, min(first + size, len(directions)))
        part = directions if len(directions) <= size else directions.part(chosen)
        t = steps[chosen, None] * offsets
        points = part.displace(problem.x, t)
        real.append(steps[chosen] / _stretch(problem.x, part, t, points))
        found = evaluate(problem.call, points, form)
        form, trouble = found.form, trouble or found.trouble
        values.append(found.rows.reshape(len(part), len(offsets), -1))
    assert form is not None
    nfev = len(directions) * len(offsets)
    if len(values) == 1:
        return Samples(values[0], real[0], form, nfev, trouble)
    return Samples(np.concatenate(values), np.concatenate(real), form, nfev, trouble)


def single_step(problem: Problem, directions: Directions, stencil: Stencil, steps: Floats) -> Lines:
    """Apply a stencil once along each direction; `problem` holds f(x) if it has a weight there."""
    offsets, weights, centre = weighted(stencil)
    found = sample(problem, directions, offsets, steps)
    total = weights @ found.values
    if centre != 0.0:
        assert problem.f0 is not None
        total += centre * problem.f0
    return one_level(total / found.steps[:, None] ** stencil.order, steps, found)


def one_level(value: Floats, steps: Floats, found: Samples) -> Lines:
    """Return values of which only one step is known: there is no error bar."""
    usable = np.isfinite(value)
    status = np.full(value.shape, SINGLE_STEP, np.uint8)
    error, noise = np.full(value.shape, np.nan), np.full(value.shape, np.nan)
    if not usable.all():
        status[~usable], error[~usable] = Status.DOMAIN, np.inf
        value = np.where(usable, value, np.nan)
    step = np.repeat(steps[:, None], value.shape[1], axis=1)
    return Lines(value, error, status, step, noise, found.nfev, found.form, found.trouble)


def _shifted(
    reference: Callable[[Ints, Ints], Floats], first: int, rows: Ints, exponents: Ints
) -> Floats:
    return reference(rows + first, exponents)


def _cut(span: Span, rows: slice) -> Span:
    return Span(
        span.start[rows], span.other[rows], span.highest[rows], span.lowest[rows], span.reach[rows]
    )


def _join(parts: list[Lines]) -> Lines:
    if len(parts) == 1:
        return parts[0]
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
