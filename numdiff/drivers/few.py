"""Derivatives along few directions in Python floats, while nothing is compiled.

Operations on arrays of a few numbers take far longer than what they do. The kernels of lanes run on
lists as they run on arrays, with the same bits; a direction that is not for them, or not calm, goes
on in arrays.
"""

from __future__ import annotations

import math
from functools import cached_property
from time import perf_counter
from typing import Any

import numpy as np

from numdiff.abreast.rounds import lead
from numdiff.arrays import Floats, Ints
from numdiff.constants import BUDGET
from numdiff.drivers import compiled
from numdiff.drivers.derivatives import Columns, Derivatives
from numdiff.drivers.foresight import sparing
from numdiff.drivers.work import Work
from numdiff.evaluation.call import evaluate
from numdiff.ladder import lanes, rounds, runtime
from numdiff.ladder.channels import Span
from numdiff.ladder.lane_formulas import LANES, ROWS, SPARE

from numdiff.ladder.registers import (  # isort: skip
    DONE, ORDER, OUTPUT, PHASE, SLOTS, STATE, Room,
)  # fmt: skip

FEW = 24  # outputs along all directions: more take less time as array operations


def is_few(work: Work) -> bool:
    """Whether lists serve better than arrays: for few directions that move one entry of x each.

    Where lanes are for them and compiled, these are quicker.
    """
    problem, outputs = work.problem, len(work.directions) * work.problem.f0.shape[-1]
    alone = work.memory is None and work.at is None and not len(work.beside)
    few = 0 < outputs <= FEW and alone and work.directions.single and not problem.call.evaluator
    return few and not (_has_lanes(work) and runtime.lanes_pay())


def _has_lanes(work: Work) -> bool:
    return lanes.serve(work.channels, work.problem.f0.shape[-1]) and not work.loose


def climb_few(work: Work, span: Span, *, every: bool) -> Derivatives:
    """Differentiate along few directions that move one entry of x each, as `climb`."""
    ladders, problem, width = _Ladders(work, span), work.problem, work.channels.offsets.size
    live, trouble, nfev, spent = ladders.live, None, 0, 0
    call = sparing(problem.call, live, width, ladders.windows, ladders.found)
    while live and spent + (asked := width * (problem.apart or len(live))) <= problem.budget:
        block, stretch = ladders.points()
        values = evaluate(call, block, problem.form)
        spent, trouble, nfev = spent + asked, trouble or values.trouble, nfev + values.nfev
        ladders.lead(values.rows, stretch)
    return ladders.read(every=every)._replace(nfev=nfev, trouble=trouble)


def _room_of(work: Work) -> list[list[float]]:
    """Return room for lanes, if they are for what is to be climbed."""
    if not _has_lanes(work):
        return []
    room = [[0.0] * (len(work.directions) * work.problem.f0.shape[-1]) for _ in range(ROWS)]
    room[SPARE] = [0.0] * LANES
    return room


class _Ladders:
    """Ladders along D directions: what each has seen is in lists, or in rows of arrays."""

    def __init__(self, work: Work, span: Span) -> None:
        self.problem, directions, self.channels, *_ = work
        self.span, problem, f0 = span, self.problem, np.atleast_2d(self.problem.f0)
        self.f0, self.origins = f0, f0.tolist()
        self.x, self.index = problem.x.tolist(), directions.index.tolist()
        self.weight, self.start = directions.weight.tolist(), span.start.tolist()
        self.reach, count, m = span.reach.tolist(), len(directions), f0.shape[1]
        self.windows: list[Any] = [[0] * STATE for _ in range(count)]
        self.found: list[Any] = [[[0.0] * OUTPUT for _ in range(m)] for _ in range(count)]
        self.samples: list[Any] = [
            [[[0.0] * m for _ in range(SLOTS + 2)] for _ in work.channels.fold]
            for _ in range(count)
        ]
        self.live, self.room = list(range(count)), _room_of(work)
        self.listed: Any = work.channels._replace(gain=work.channels.gain.tolist())
        self.begin(work)

    def begin(self, work: Work) -> None:
        """Ask for a first step along all directions."""
        start, (other, highest, lowest) = self.start, (part.tolist() for part in self.span[1:4])
        roams, noise = True, work.noise.tolist()  # as nothing is taken off f
        for d in range(len(start)):
            rounds.begin_at(
                d, start, other, highest, lowest, roams, work.prior, work.loose, self.origins,
                noise, self.windows[d], self.found[d], self.samples[d],
            )  # fmt: skip

    @cached_property
    def arrays(self) -> tuple[Floats, Ints, Floats, Floats, Room]:
        """Samples, state, bars that are proven, and outputs, as arrays; and room for one ladder."""
        count, own = len(self.start), self.f0[0]
        outputs = np.empty((count, own.size, OUTPUT))
        room = compiled.workspace(1, own.size, self.channels)[0]
        return *compiled.evidence_of(count, own, self.channels), outputs, room

    def keep(self, d: int) -> None:
        """Let what a direction has seen be in arrays from now on."""
        samples, state, _, outputs, _ = self.arrays
        if type(self.windows[d]) is list:
            samples[d], state[d], outputs[d] = self.samples[d], self.windows[d], self.found[d]
            self.samples[d], self.windows[d], self.found[d] = samples[d], state[d], outputs[d]

    def points(self) -> tuple[Floats, list[float]]:
        """Return the points (L P, n) of the live directions, and what `points.place_at` returns."""
        x, offsets = self.problem.x, self.channels.offsets.tolist()
        moved: list[float] = []
        stretch: list[float] = []
        for d in self.live:
            here, weight = self.x[self.index[d]], self.weight[d]
            step, outer = rounds.step_of(self.windows[d]), len(moved)
            moved += [here + offset * step * weight for offset in offsets]
            other, apart = (moved[-1], offsets[-1]) if len(offsets) > 1 else (here, 0.0)
            nominal, real = (offsets[0] - apart) * (step * weight), moved[outer] - other
            stretch.append(nominal / real if real != 0.0 else math.nan)
        if self.problem.apart or x.size == 1:
            return np.array(moved)[:, None], stretch
        block = x[None].repeat(len(moved), 0)
        entries = [self.index[d] for d in self.live for _ in offsets]
        block[np.arange(len(moved)), entries] = moved
        return block, stretch

    def lead(self, rows: Floats, stretch: list[float]) -> None:
        """Take in the values (L P, m) at the points; who is done is no longer live."""
        live, width = self.live, self.channels.offsets.size
        led = self.lead_calm(rows.tolist(), stretch) if self.room else set()
        if len(led) < len(live):
            others = [a for a in range(len(live)) if a not in led]
            self.turn(others, rows.reshape(len(live), width, -1), np.array(stretch))
        live[:] = [d for d in live if self.windows[d][PHASE] != DONE]

    def lead_calm(self, rows: list[list[float]], stretch: list[float]) -> set[int]:
        """Take in the values at pairs along those live directions that are calm; return these."""
        begin, live = perf_counter(), self.live
        some = [a for a, d in enumerate(live) if type(self.windows[d]) is list]
        ways: list[int] = [0] * len(some)
        lanes.lead_few(
            [live[a] for a in some], [rows[2 * a : 2 * a + 2] for a in some],
            [stretch[a] for a in some], self.origins, self.reach, self.problem.rtol, self.listed,
            self.samples, self.windows, self.found, self.room, ways, [0] * len(some),
        )  # fmt: skip
        runtime.spend_calmly(begin)
        return {a for a, way in zip(some, ways, strict=True) if way == lanes.LED}

    def turn(self, some: list[int], arrived: Floats, stretch: Floats) -> None:
        """Take in the values (L, P, m) along some of the live directions, by their numbers."""
        rows = np.array(self.live)[some]
        for d in rows:
            self.keep(d)
        samples, state, _, outputs, room = self.arrays
        known = self.f0, self.channels, self.span.reach, self.problem.rtol
        runtime.interpreted(lead)(
            rows, arrived[some], stretch[some], known, room, (samples, state, outputs)
        )

    def read(self, *, every: bool) -> Derivatives:
        """Read the results off, with the evidence of suspicious directions, or of `every` one."""
        columns: Columns = compiled.columns_of(len(self.start), self.f0[0])
        quiet, (samples, state, proven, _, _) = np.empty(len(self.start), np.bool_), self.arrays
        restless, order = 0, int(self.channels.shape[self.channels.primary, ORDER])
        with np.errstate(all="ignore"):
            for d, length in enumerate(self.weight):
                restless += rounds.conclude_at(
                    d, self.origins, self.start, order, abs(length), self.samples[d],
                    self.windows[d], proven, self.found[d], *columns, quiet,
                )  # fmt: skip
        columns[2][self.live], quiet[self.live] = BUDGET, False  # these ran out of it
        for d in range(len(self.start)):
            if every or not quiet[d]:
                self.keep(d)
        left = samples, state, proven, quiet, restless + len(self.live)
        return Derivatives(*columns, 0, self.problem.form, None, None, None, *left)
