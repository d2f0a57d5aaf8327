"""Leads ladders along directions: rounds of calls of a black box, or machine code that does it all.

The kernels of the ladder decide; here f is asked for what they want. All directions of a call are
held at once, with all that was seen of them: blocks are cut above.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from numdiff.constants import BUDGET
from numdiff.drivers import compiled
from numdiff.drivers.derivatives import Derivatives, Problem, columns_of
from numdiff.evaluation.call import ask_again, evaluate
from numdiff.evaluation.dispatchers import Compiled
from numdiff.evaluation.threads import spread
from numdiff.geometry.directions import Directions
from numdiff.ladder import decide, points, rounds, runtime, tableau
from numdiff.ladder.channels import Channels, Span

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

__all__ = ["Window", "climb", "numbers_of"]


class Window(NamedTuple):
    """What climbing some directions on one side of x left: their numbers, levels and evidence."""

    rows: Ints
    side: int
    asked: int  # the side that the method asks for
    span: Span
    lines: Derivatives
    levels: Channels


class _Ladders(NamedTuple):
    """The arrays in which D ladders stand, and the columns that are read off them."""

    samples: Floats  # (D, C, slots, m)
    state: Ints
    found: Floats
    columns: tuple[Floats, Floats, NDArray[np.uint8], Floats, Floats]

    def part(self, rows: slice) -> _Ladders:
        columns: Any = tuple(column[rows] for column in self.columns)
        return _Ladders(self.samples[rows], self.state[rows], self.found[rows], columns)


class _Climb(NamedTuple):
    """What is asked of D ladders."""

    problem: Problem
    directions: Directions
    span: Span
    channels: Channels
    known: Floats  # (D or 0, m), the least noise to reckon with
    beside: Floats | None  # (D, K, P, m)


def numbers_of(problem: Problem, channels: Channels) -> int:
    """Return how many numbers a direction takes while it is climbed."""
    assert problem.f0 is not None
    width = channels.fold.shape[0] * (decide.SLOTS + 2)
    return int(max(len(channels.offsets) * problem.x.size, width * problem.f0.size))


def climb(
    problem: Problem,
    directions: Directions,
    span: Span,
    channels: Channels,
    *,
    beside: Floats | None = None,
    noise: Floats | None = None,
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
    beside : array (D, K, P, m), optional
        What is to be taken off the values of f at the steps 1, 1/2, 1/4 and so on. Such levels
        exist at these steps only: there is no check elsewhere.
    noise : array (D, m), optional
        The least noise to reckon with.

    Returns
    -------
    Derivatives
        With all that was seen of them.
    """
    assert problem.f0 is not None
    assert problem.form is not None
    shape = count, outputs = len(directions), problem.f0.size
    least = problem.noise if noise is None else noise
    known = np.empty((0, outputs)) if least is None else np.full(shape, least)
    work = _Climb(problem, directions, span, channels, known, beside)
    ladders = _Ladders(
        np.empty((count, channels.fold.shape[0], decide.SLOTS + 2, outputs)),
        np.empty((count, decide.STATE), np.int64),
        np.empty((count, outputs, decide.FOUND)),
        columns_of(shape),
    )
    run = runtime.runner(count * outputs)
    code = problem.call.compiled if run is runtime.compiled and problem.budget == math.inf else None
    nfev, trouble, calm = (
        _by_rounds(run, work, ladders) if code is None else _natively(code, work, ladders)
    )
    return Derivatives(
        *ladders.columns, nfev, problem.form, trouble,
        samples=ladders.samples, state=ladders.state, calm=calm,
    )  # fmt: skip


def _by_rounds(run: Any, work: _Climb, ladders: _Ladders) -> tuple[int, Exception | None, bool]:
    """Advance all directions together, one round of calls of f at a time."""
    problem, directions, span, channels, known, beside = work
    samples, state, found, columns = ladders
    assert problem.f0 is not None
    x, f0, outputs = problem.x, problem.f0, problem.f0.size
    method = (channels.fold, channels.shape, channels.gain, channels.factor, channels.primary)
    where = (x, directions.starts, directions.index, directions.weight, channels.offsets)
    live, width, nfev, trouble = np.arange(len(directions)), len(channels.offsets), 0, None
    block, stretch = np.empty((live.size, width, x.size)), np.ldexp(1.0, span.start)
    room = _workspace(channels.fold.shape[0])
    run(rounds.begin)(
        *span[:4], beside is None, problem.noise is not None, f0, known, state, found, samples
    )
    run(points.place)(live, stretch, *where, block, stretch)
    advance: Any = run(rounds.advance)
    while live.size:
        asked = live.size * width
        if nfev + asked > problem.budget:
            break
        values = evaluate(problem.call, block.reshape(asked, x.size), problem.form)
        trouble, nfev = trouble or values.trouble, nfev + values.nfev
        arrived = values.rows.reshape(live.size, width, outputs)
        if beside is not None:
            arrived = arrived - beside[live, -state[live, decide.REQUEST]]
        block = np.empty_like(block)  # f may have kept the other one
        left = advance(
            live, arrived, stretch, f0, *method, span.reach, problem.rtol, samples, state, found,
            *room, *where, block,
        )  # fmt: skip
        live, block, stretch = live[:left], block[:left], stretch[:left]
    unit = directions.weight if directions.single else np.ones(len(directions))
    order = int(channels.shape[channels.primary, decide.ORDER])
    calm = run(rounds.conclude)(f0, span.start, order, unit, samples, state, found, *columns)
    columns[2][live] = BUDGET  # what is still live ran out of it
    return nfev, trouble, bool(calm) and not live.size


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


def _natively(
    code: Compiled, work: _Climb, ladders: _Ladders
) -> tuple[int, Exception | None, bool]:
    """Let compiled code lead the ladders, one direction after the other."""
    problem, directions, span, channels, known, beside = work
    assert problem.f0 is not None
    assert problem.form is not None
    count = len(directions)
    raised, points = np.zeros(count, np.bool_), np.empty((count, problem.x.size))
    taken = np.empty((0, 0, 0, 0)) if beside is None else beside
    lead: Any = runtime.compiled(compiled.lead)

    def run(rows: slice) -> tuple[int, bool]:
        some, part, own = directions.part(rows), ladders.part(rows), span.part(rows)
        result: tuple[int, bool] = lead(
            code.kind, code.address, problem.x, problem.f0,
            (some.starts, some.index, some.weight), channels, tuple(own),
            (problem.noise is not None, problem.rtol), known[rows], taken[rows],
            tuple(part[:3]), part.columns, (raised[rows], points[rows]),
        )  # fmt: skip
        return result

    calls, calm = zip(*spread(run, count, problem.call.workers), strict=True)
    if not raised.any():
        return sum(calls), None, all(calm)
    again = points[raised]
    return sum(calls) + len(again), ask_again(problem.call, again, problem.form), all(calm)
