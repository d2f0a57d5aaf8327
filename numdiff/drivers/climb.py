"""Leads ladders along directions: rounds of calls of a black box, or machine code that does it all.

The kernels of the ladder decide; here f is asked for what they want.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from numdiff.arrays import Floats, Ints, Mask
from numdiff.constants import BUDGET
from numdiff.drivers import compiled
from numdiff.drivers.derivatives import Columns, Derivatives, Problem
from numdiff.drivers.foresight import foreseen
from numdiff.evaluation.call import ask_again, evaluate
from numdiff.evaluation.dispatchers import Compiled
from numdiff.evaluation.threads import spread
from numdiff.geometry.directions import Directions
from numdiff.geometry.domain import blocks
from numdiff.ladder import points, registers, rounds, runtime
from numdiff.ladder.channels import Channels, Span

NOTHING = np.empty((0, 0, 0, 0))


class Window(NamedTuple):
    """What climbing some directions on one side of x left: their numbers, levels and evidence."""

    rows: Ints
    side: int
    asked: int  # the side that the method asks for
    span: Span
    lines: Derivatives
    levels: Channels


class _Climb(NamedTuple):
    """What is asked of D ladders, and where the answers are written."""

    problem: Problem
    directions: Directions
    span: Span
    channels: Channels
    known: Floats  # (D or 0, m), the least noise to reckon with
    beside: Floats | None  # (D, K, P, m)
    every: bool  # whether all evidence is wanted
    samples: Floats  # (D, C, slots, m)
    state: Ints  # (D, columns)
    outcomes: Floats  # (D, m, registers)
    quiet: Mask  # (D,)
    columns: Columns


def cut(problem: Problem, count: int, channels: Channels, workers: int = 1) -> Iterator[slice]:
    """Cut so many directions into blocks that fit into memory while they are climbed.

    A block has a point for each of the workers, if there are any.
    """
    assert problem.f0 is not None
    width, points_each = channels.fold.shape[0] * (registers.SLOTS + 2), len(channels.offsets)
    numbers = max(points_each * problem.x.size, width * problem.f0.size)
    return blocks(count, numbers, max(1, workers // points_each))


def climb(
    problem: Problem,
    directions: Directions,
    span: Span,
    channels: Channels,
    *,
    beside: Floats | None = None,
    noise: Floats | None = None,
    every: bool = False,
) -> Derivatives:
    """Differentiate along directions with the ladder.

    Parameters
    ----------
    problem : Problem
        With f0.
    directions : Directions
        D of them, all held at once.
    span : Span
        Where the steps may lie.
    channels : Channels
        How values of f become levels.
    beside : array (D, K, P, m), optional
        What is to be taken off the values of f at the steps 1, 1/2, 1/4 and so on. Such levels
        exist at these steps only: there is no check elsewhere.
    noise : array (D, m), optional
        The least noise to reckon with.
    every : bool
        Whether samples and state are wanted of all directions, and not only of suspicious ones.

    Returns
    -------
    Derivatives
        With what was seen of them.
    """
    f0, form, count = problem.f0, problem.form, len(directions)
    assert f0 is not None
    assert form is not None
    least = problem.noise if noise is None else noise
    samples, state, outcomes = compiled.evidence_of(count, f0, channels)
    work = _Climb(
        problem, directions, span, channels,
        np.empty((0, f0.size)) if least is None else np.full((count, f0.size), least),
        beside, every, samples, state, outcomes, np.empty(count, np.bool_),
        compiled.columns_of(count, f0),
    )  # fmt: skip
    run = runtime.runner(count * f0.size)
    code = None
    if problem.call.dispatcher and problem.budget == math.inf and run is runtime.compiled:
        code = problem.call.compiled
    result = _by_rounds(run, work) if code is None else _natively(code, work)
    nfev, trouble, restless = result
    return Derivatives(
        *work.columns, nfev, form, trouble, None, None, work.samples, work.state, work.quiet,
        restless,
    )  # fmt: skip


def _by_rounds(run: Any, work: _Climb) -> tuple[int, Exception | None, int]:
    """Advance all directions together, one round of calls of f at a time."""
    problem, directions, span, channels, known, beside, _, _, _, _, quiet, columns = work
    f0, count = problem.f0, len(directions)
    samples, state, found = work.samples, work.state, work.outcomes
    assert f0 is not None
    method = (channels.fold, channels.shape, channels.gain, channels.factor, channels.primary)
    where = problem.x, directions.starts, directions.index, directions.weight, channels.offsets
    live, width, trouble = np.arange(count), len(channels.offsets), None
    nfev, spent = 0, 0  # compiled code that raises is asked again, beyond the budget
    block, stretch = np.empty((count, width, problem.x.size)), np.ldexp(1.0, span.start)
    room = compiled.workspace(problem.x, f0, channels)[:6]
    run(rounds.begin)(
        *span[:4], beside is None, problem.noise is not None, f0, known, state, found, samples
    )
    run(points.place)(live, stretch, *where, block, stretch)
    advance: Any = run(rounds.advance)
    while live.size:
        asked = live.size * width
        spent += asked
        if spent > problem.budget:
            break
        call, flat = problem.call, block.reshape(asked, problem.x.size)
        ahead = foreseen(problem, directions, channels, state, live) if call.evaluator else None
        values = evaluate(call, flat, problem.form, ahead)
        trouble, nfev = trouble or values.trouble, nfev + values.nfev
        arrived = values.rows.reshape(live.size, width, f0.size)
        if beside is not None:
            arrived = arrived - beside[live, -state[live, registers.REQUEST]]
        block = np.empty_like(block)  # f may have kept the other one
        left = advance(
            live, arrived, stretch, f0, *method, span.reach, problem.rtol, samples, state, found,
            *room, *where, block,
        )  # fmt: skip
        live, block, stretch = live[:left], block[:left], stretch[:left]
    unit = directions.weight if directions.single else np.ones(count)
    order = int(channels.shape[channels.primary, registers.ORDER])
    seen = (samples, state, found)
    restless: int = run(rounds.conclude)(f0, span.start, order, unit, *seen, *columns, quiet)
    columns[2][live], quiet[live] = BUDGET, False  # what is still live ran out of it
    return nfev, trouble, restless + live.size


def _natively(code: Compiled, work: _Climb) -> tuple[int, Exception | None, int]:
    """Let compiled code lead the ladders, one direction after the other."""
    problem, directions, span, channels, known, _, every, samples, state, _, quiet, columns = work
    assert problem.form is not None
    count, lead = len(directions), runtime.compiled(compiled.lead)
    raised, points = np.zeros(count, np.bool_), np.empty((count, problem.x.size))
    taken = NOTHING if work.beside is None else work.beside
    how = problem.noise is not None, problem.rtol, every
    arrays = (known, taken, quiet, samples, state, raised, points, *span, *columns)

    def part(rows: slice) -> tuple[int, int]:
        some = directions.part(rows)
        own: Any = arrays if some is directions else [array[rows] for array in arrays]
        least, off, calm, levels, states, flags, places, *rest = own
        counts: tuple[int, int] = lead(
            code.kind, code.address, problem.x, problem.f0,
            (some.starts, some.index, some.weight), channels, tuple(rest[:5]), how, least, off,
            tuple(rest[5:]), calm, (levels, states), (flags, places),
        )  # fmt: skip
        return counts

    counts = spread(part, count, problem.call.workers)
    nfev, restless = sum(calls for calls, _ in counts), sum(doubts for _, doubts in counts)
    if not raised.any():
        return nfev, None, restless
    again = points[raised]
    return nfev + len(again), ask_again(problem.call, again, problem.form), restless
