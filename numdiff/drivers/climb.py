"""Leads ladders along directions: rounds of calls of a black box, or machine code that does it all.

The kernels of the ladder decide; here f is asked for what they want.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

import numdiff.abreast.ends
import numdiff.abreast.rounds  # noqa: F401 - what stands in for kernels
from numdiff.arrays import Floats, Ints
from numdiff.constants import BUDGET
from numdiff.drivers import compiled
from numdiff.drivers.derivatives import NOTHING, Columns, Derivatives, Problem
from numdiff.drivers.few import climb_few, is_few
from numdiff.drivers.foresight import foresee, sparing
from numdiff.drivers.memory import Memory, recall
from numdiff.drivers.work import Work
from numdiff.evaluation.call import ask_again, evaluate
from numdiff.evaluation.dispatchers import Compiled
from numdiff.evaluation.moved import LENGTH, Moved
from numdiff.evaluation.threads import spread
from numdiff.geometry.directions import Directions
from numdiff.geometry.domain import blocks
from numdiff.ladder import points, registers, rounds, runtime
from numdiff.ladder.channels import Channels, Limits, Span, extrapolated, pairs_of_first_order
from numdiff.ladder.loose import LEAST

FREE, NOWHERE = np.empty(0), np.empty(0, np.int64)
PACE = 100  # derivatives that array operations take in the time of one by kernels
NO_EDGES = Span(NOWHERE, NOWHERE, NOWHERE, NOWHERE, FREE)  # they follow from the limits
NO_LIMITS = Limits(0.0, FREE, False, FREE, FREE)  # noqa: FBT003 - the edges are known


class Window(NamedTuple):
    """What climbing some directions on one side of x left: their numbers, levels and evidence."""

    rows: Ints
    side: int
    asked: int  # the side that the method asks for
    limits: Span | Limits
    lines: Derivatives
    levels: Channels

    def among(self, chosen: Ints) -> Window:
        """Return what is left of some of many points that are not calm, by their new numbers."""
        rows, side, asked, limits, lines, levels = self
        mine = np.flatnonzero(~lines.calm)
        mine = mine[np.isin(rows[mine], chosen)]
        numbers = np.searchsorted(chosen, rows[mine])
        return Window(numbers, side, asked, limits.pick(mine), lines.pick(mine), levels)


def cut(problem: Problem, count: int, channels: Channels, workers: int = 1) -> Iterator[slice]:
    """Cut so many directions into blocks that fit into memory while they are climbed.

    A block has a point for each of the workers, if there are any.
    """
    width, points_each = channels.fold.shape[0] * (registers.SLOTS + 2), channels.offsets.size
    numbers = max(
        points_each * (1 if problem.apart else problem.x.size), width * problem.f0.shape[-1]
    )
    return blocks(count, numbers, workers // points_each)


def climb(
    problem: Problem,
    directions: Directions,
    span: Span | Limits,
    channels: Channels,
    *,
    beside: Floats = NOTHING,
    noise: Floats | None = None,
    prior: int = 0,
    memory: Memory | None = None,
    every: bool = False,
) -> Derivatives:
    """Differentiate along directions with the ladder.

    Parameters
    ----------
    problem : Problem
        With f0.
    directions : Directions
        D of them, all held at once.
    span : Span or Limits
        Where the steps may lie, or what that follows from.
    channels : Channels
        How values of f become levels.
    beside : array (D, K, P, m), optional
        What is to be taken off the values of f at the steps 1, 1/2, 1/4 and so on. Such levels
        exist at these steps only: there is no check elsewhere.
    noise : array (D, m), optional
        The least noise to reckon with.
    prior : int, optional
        What is known of it, as `registers.PRIOR` says: 0 if nothing is.
    memory : Memory, optional
        What f said along these directions before: it is not asked for that again.
    every : bool
        Whether samples and state are wanted of all directions, and not only of suspicious ones.

    Returns
    -------
    Derivatives
        With what was seen of them.
    """
    if problem.apart:
        problem, directions = problem.along(directions)
    shape = len(directions), problem.f0.shape[-1]
    least = problem.noise if noise is None else noise
    known = np.empty((0, shape[1])) if least is None else np.full(shape, least)
    prior = prior or (0 if problem.noise is None else registers.COMPLETE)
    fresh = isinstance(span, Limits) and not span.steps.size and memory is None and prior == 0
    loose = fresh and problem.rtol >= LEAST and pairs_of_first_order(channels)
    code, work = None, shape[0] * shape[1]
    if work > PACE and not loose and extrapolated(channels):
        work //= PACE
    run = runtime.runner(work)
    native = problem.call.dispatcher and problem.budget == math.inf and memory is None
    if native and run is runtime.compiled:
        code = problem.call.compiled
    long = problem.x.size >= LENGTH and problem.call.simple and memory is None
    at = directions.few if long else None
    task = Work(problem, directions, channels, known, prior, loose, beside, memory, at)
    if code is not None:
        return _natively(code, span, task, every=every)
    span = span_of(problem.x, directions, span)
    if run is not runtime.compiled and is_few(task):
        return climb_few(task, span, every=every)
    return _by_rounds(run, span, task)


def span_of(x: Floats, directions: Directions, limits: Span | Limits) -> Span:
    """Return where the steps along directions may lie."""
    if isinstance(limits, Span):
        return limits
    count, route = len(directions), (directions.starts, directions.index, directions.weight)
    start, other, highest, lowest = np.empty((4, count), np.int64)
    span = Span(start, other, highest, lowest, np.empty(count))
    runtime.runner(count // PACE)(points.span)(x, *route, *limits, *span)
    return span


def _by_rounds(run: Any, span: Span, work: Work) -> Derivatives:
    """Advance all directions together, one round of calls of f at a time."""
    problem, directions, channels, known, prior, loose, beside, memory, at = work
    f0, count, width = np.atleast_2d(problem.f0), len(directions), channels.offsets.size
    m = f0.shape[1]
    columns: Columns = compiled.columns_of(count, f0[0])
    method = channels.fold, channels.shape, channels.gain, channels.factor, channels.primary
    where = problem.x, directions.starts, directions.index, directions.weight, channels.offsets
    samples, state, proven = compiled.evidence_of(count, f0[0], channels)
    found, lanes = np.empty((count, m, registers.OUTPUT)), compiled.lanes_of(count, m, channels)
    room = compiled.workspace(1, m, channels)[0]
    # compiled code that raises is asked again, beyond the budget: then more than was spent
    live, quiet, trouble, nfev, spent = np.arange(count), np.empty(count, np.bool_), None, 0, 0
    call = sparing(problem.call, live, width, state, found)
    entries = problem.x.size // len(f0) if at is None else at.shape[1]
    block, stretch = np.empty((count, width, entries)), np.empty(count)
    run(rounds.begin)(*span[:4], not len(beside), prior, loose, f0, known, state, found, samples)
    run(points.place)(live, np.ldexp(1.0, state[:, registers.REQUEST]), *where, block, stretch)
    # a budget is that of each of many points
    while live.size and spent + (asked := width * (problem.apart or live.size)) <= problem.budget:
        if problem.call.evaluator is not None:
            foresee(problem, directions, channels, state, live)
        if memory is None:
            asks = block.reshape(-1, entries) if at is None else Moved(problem.x, at[live], block)
            values = evaluate(call, asks, problem.form)
        else:
            values, asked = recall(memory, problem._replace(call=call), live, state, block, stretch)
        spent, trouble, nfev = spent + asked, trouble or values.trouble, nfev + values.nfev
        here = values.rows.reshape(live.size, width, m)
        here = here - beside[live, -state[live, registers.REQUEST]] if len(beside) else here
        # f may have kept the other block; and compiling may pay by now
        block, run = np.empty_like(block), runtime.runner(0)
        left = run(rounds.advance)(
            live, here, stretch, f0, *method, span.reach, problem.rtol, samples, state, found,
            *room, *where, block, *lanes,
        )  # fmt: skip
        live, block, stretch = live[:left], block[:left], stretch[:left]
        del values, here  # room for those of the next round
    unit = directions.weight if directions.single else np.ones(count)
    law = f0, span.start, int(channels.shape[channels.primary, registers.ORDER]), unit
    restless: int = run(rounds.conclude)(*law, samples, state, proven, found, *columns, quiet)
    columns[2][live], quiet[live] = BUDGET, False  # what is still live ran out of it
    left = samples, state, proven, quiet, restless + live.size
    return Derivatives(*columns, nfev, problem.form, trouble, None, None, *left)


def _natively(code: Compiled, span: Span | Limits, work: Work, *, every: bool) -> Derivatives:
    """Let compiled code lead the ladders, a few directions at a time."""
    problem, directions, channels, known, prior, loose, beside, _, _ = work
    count, f0 = len(directions), problem.f0.reshape(-1, problem.f0.shape[-1])
    lead: Any = runtime.compiled(compiled.lead)
    columns: Columns = compiled.columns_of(count, f0[0])
    quiet, raised = np.empty(count, np.bool_), np.zeros(count, np.bool_)
    samples, state, proven = compiled.evidence_of(count, f0[0], channels)
    places = np.empty((count, 1 if problem.apart else problem.x.size))
    edges, limits = (NO_EDGES, span) if isinstance(span, Limits) else (span, NO_LIMITS)
    first, steps, roams, ahead, behind = limits
    plan = first, roams, prior, problem.rtol, loose, every
    arrays = (
        *edges, steps, ahead, behind, known, beside, NOTHING, NOWHERE, *columns, quiet, samples,
        state, proven, raised, places,
    )  # fmt: skip

    def part(rows: slice) -> tuple[int, int, int]:
        some = directions.part(rows)
        own = arrays if some is directions else tuple([array[rows] for array in arrays])
        x, rows_of_f = problem.x, f0
        if problem.apart:
            here, some = problem.along(some)
            x, rows_of_f = here.x, here.f0
        route = some.starts, some.index, some.weight
        counts: tuple[int, int, int] = lead(
            code.kind, code.address, x, rows_of_f, route, channels, plan, own
        )
        return counts

    counts = spread(part, count, problem.call.workers)
    nfev, restless, mishaps = counts[0] if len(counts) == 1 else map(sum, zip(*counts, strict=True))
    trouble = ask_again(problem.call, places[raised], problem.form) if mishaps else None
    return Derivatives(
        *columns, nfev + mishaps, problem.form, trouble, None, None, samples, state, proven, quiet,
        restless,
    )  # fmt: skip
