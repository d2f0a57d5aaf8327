"""The black-box driver: all directions advance together, one round of calls of f at a time.

In each round the live directions say which step they want, f is asked for all of them in one block,
and the kernels decide what follows. Directions are taken in batches, so that memory does not grow
with their number.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from numdiff.drivers.derivatives import BLOCK_BYTES, Derivatives, Problem, columns_of, stacked
from numdiff.estimate import Status
from numdiff.evaluation.call import evaluate
from numdiff.geometry.directions import Directions
from numdiff.ladder import decide, points, rounds, tableau
from numdiff.ladder.channels import Channels, Span
from numdiff.ladder.runtime import runner

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

__all__ = ["climb"]


def climb(
    problem: Problem,
    directions: Directions,
    span: Span,
    channels: Channels,
    *,
    reference: Callable[[Ints, Ints], Floats] | None = None,
    noise: Floats | None = None,
    keep: bool = False,
) -> Derivatives:
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
    parts: list[Derivatives] = []
    for first in range(0, len(directions), size):
        rows = slice(first, min(first + size, len(directions)))
        spent = sum(part.nfev for part in parts)
        rest = problem._replace(budget=problem.budget - spent)
        local = None if reference is None else partial(_shifted, reference, first)
        least = None if noise is None else noise[rows]
        chosen = directions.part(rows)
        parts.append(_batch(rest, chosen, _cut(span, rows), channels, local, least, keep=keep))
    return stacked(parts)


def _batch(
    problem: Problem, directions: Directions, span: Span, channels: Channels,
    reference: Callable[[Ints, Ints], Floats] | None, noise: Floats | None, *, keep: bool,
) -> Derivatives:  # fmt: skip
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
            arrived = arrived - reference(live, state[live, decide.REQUEST])
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
        np.empty((count, decide.STATE), np.int64),
        np.empty((count, outputs, decide.FOUND)),
        np.empty((count, width, decide.SLOTS + 2, outputs)),
    )


def _workspace(width: int) -> tuple[Floats, ...]:
    """Make room for the kernels to work in."""
    slots = decide.SLOTS
    return (
        np.empty((width, slots)),
        np.empty(slots),
        np.empty(width * slots * slots),
        np.empty((width + 1, slots, slots)),
        np.zeros(tableau.BEST),
        np.empty(width + 1),
    )


def _read(run: Any, found: Floats, live: Ints, directions: Directions, *rest: Any) -> Derivatives:
    """Read the results; directions that are still live ran out of budget."""
    columns = columns_of((len(directions), found.shape[1]))
    unit = directions.weight if directions.single else np.ones(len(directions))
    run(rounds.read)(found, unit, *columns)
    if live.size:
        columns[2][live] = int(Status.BUDGET)
    return Derivatives(*columns, *rest)


def _shifted(
    reference: Callable[[Ints, Ints], Floats], first: int, rows: Ints, exponents: Ints
) -> Floats:
    return reference(rows + first, exponents)


def _cut(span: Span, rows: slice) -> Span:
    return Span(
        span.start[rows], span.other[rows], span.highest[rows], span.lowest[rows], span.reach[rows]
    )
