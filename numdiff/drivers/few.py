"""First derivatives along few directions in Python floats, while nothing is compiled.

Operations on arrays of a few numbers take far longer than what they do. The kernels of lanes run on
lists as they run on arrays, with the same bits; a direction that is not calm goes on in arrays.
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
from numdiff.drivers.derivatives import Columns, Derivatives, Problem
from numdiff.drivers.foresight import sparing
from numdiff.evaluation.call import evaluate
from numdiff.geometry.directions import Directions
from numdiff.ladder import lanes, rounds, runtime
from numdiff.ladder.channels import Channels, Span
from numdiff.ladder.lane_formulas import LANES, ROWS, SPARE

from numdiff.ladder.registers import (  # isort: skip
    DONE, OUTPUT, PHASE, SLOTS, STATE, Room,
)  # fmt: skip

FEW = 24  # outputs along all directions: more take less time as array operations


def climb_few(
    problem: Problem, directions: Directions, span: Span, channels: Channels, *, every: bool
) -> Derivatives:
    """Differentiate by pairs along few directions that move one entry of x each, as `climb`."""
    ladders = _Ladders(problem, directions, span, channels)
    live, trouble, nfev, spent = ladders.live, None, 0, 0
    call = sparing(problem.call, live, 2, ladders.windows, ladders.found)
    while live and spent + (asked := 2 * (problem.apart or len(live))) <= problem.budget:
        block, stretch = ladders.points()
        values = evaluate(call, block, problem.form)
        spent, trouble, nfev = spent + asked, trouble or values.trouble, nfev + values.nfev
        ladders.lead(values.rows, stretch)
    return ladders.read(every=every)._replace(nfev=nfev, trouble=trouble)


class _Ladders:
    """Ladders along D directions: what each has seen is in lists, or in rows of arrays."""

    def __init__(
        self, problem: Problem, directions: Directions, span: Span, channels: Channels
    ) -> None:
        self.problem, self.channels, self.span = problem, channels, span
        self.f0 = np.atleast_2d(problem.f0)
        self.x, self.index = problem.x.tolist(), directions.index.tolist()
        self.weight, self.origins = directions.weight.tolist(), self.f0.tolist()
        self.start, other, highest, lowest, self.reach = (part.tolist() for part in span)
        count, m = len(self.start), self.f0.shape[1]
        self.windows: list[Any] = [[0] * STATE for _ in range(count)]
        self.found: list[Any] = [[[0.0] * OUTPUT for _ in range(m)] for _ in range(count)]
        self.samples: list[Any] = [
            [[[0.0] * m for _ in range(SLOTS + 2)] for _ in range(2)] for _ in range(count)
        ]
        self.live = list(range(count))
        self.listed = channels._replace(gain=channels.gain.tolist())
        self.room = [[0.0] * count * m for _ in range(ROWS)]
        self.room[SPARE] = [0.0] * LANES
        roams, prior, loose, no_noise = True, 0, False, ()
        for d in self.live:
            rounds.begin_at(
                d, self.start, other, highest, lowest, roams, prior, loose, self.origins,
                no_noise, self.windows[d], self.found[d], self.samples[d],
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
        """Return the points (2 L, n) of the live directions, and what `points.place_at` returns."""
        x, (first, last) = self.problem.x, self.channels.offsets.tolist()
        moved: list[float] = []
        stretch: list[float] = []
        for d in self.live:
            here, weight = self.x[self.index[d]], self.weight[d]
            step = rounds.step_of(self.windows[d])
            ahead, behind = here + first * step * weight, here + last * step * weight
            nominal, real = (first - last) * (step * weight), ahead - behind
            moved += ahead, behind
            stretch.append(nominal / real if real != 0.0 else math.nan)
        if self.problem.apart or x.size == 1:
            return np.array(moved)[:, None], stretch
        block = x[None].repeat(len(moved), 0)
        entries = [self.index[d] for d in self.live for _ in range(2)]
        block[np.arange(len(moved)), entries] = moved
        return block, stretch

    def lead(self, rows: Floats, stretch: list[float]) -> None:
        """Take in the values (2 L, m) at the points; who is done is no longer live."""
        begin, live, listed = perf_counter(), self.live, rows.tolist()
        calm = [a for a, d in enumerate(live) if type(self.windows[d]) is list]
        ways: list[int] = [0] * len(calm)
        lanes.lead_few(
            [live[a] for a in calm], [listed[2 * a : 2 * a + 2] for a in calm],
            [stretch[a] for a in calm], self.origins, self.reach, self.problem.rtol, self.listed,
            self.samples, self.windows, self.found, self.room, ways, [0] * len(calm),
        )  # fmt: skip
        runtime.spend_calmly(begin)
        led = {a for a, way in zip(calm, ways, strict=True) if way == lanes.LED}
        if len(led) < len(live):
            others = [a for a in range(len(live)) if a not in led]
            self.turn(others, rows.reshape(len(live), 2, -1), np.array(stretch))
        live[:] = [d for d in live if self.windows[d][PHASE] != DONE]

    def turn(self, some: list[int], arrived: Floats, stretch: Floats) -> None:
        """Take in the values (L, 2, m) along those live directions that are not calm."""
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
        restless = 0
        for d, length in enumerate(self.weight):
            restless += rounds.conclude_at(
                d, self.origins, self.start, 1, abs(length), self.samples[d], self.windows[d],
                proven, self.found[d], *columns, quiet,
            )  # fmt: skip
        columns[2][self.live], quiet[self.live] = BUDGET, False  # these ran out of it
        for d in range(len(self.start)):
            if every or not quiet[d]:
                self.keep(d)
        left = samples, state, proven, quiet, restless + len(self.live)
        return Derivatives(*columns, 0, self.problem.form, None, None, None, *left)
