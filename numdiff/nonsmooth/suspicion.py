"""Which outputs may not be smooth at x, by what the ladder saw, and what it says of them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from numdiff.arrays import Floats, Ints, Mask
from numdiff.constants import EPS, UNRESOLVED
from numdiff.drivers.derivatives import Derivatives, Problem
from numdiff.geometry.directions import Directions
from numdiff.ladder import registers, symptoms
from numdiff.ladder.channels import Span
from numdiff.ladder.runtime import runner

FELT = 41  # octaves from the first step down to 64 roundings of 1
ABOVE = 20  # octaves above a window that went far down: the scale of f is somewhere there
FAR_DOWN = 44  # octaves below the first step: that far secants have five of their steps left


class Suspects(NamedTuple):
    """K outputs that may not be smooth at x, along R directions, and what the ladder says of them.

    Noise alone is no suspicion: something has to fall by a power of h that a smooth f does not
    have, or to stay the same at two tiny steps.
    """

    problem: Problem
    directions: Directions  # (R)
    order: int
    signs: tuple[float, ...]  # the sides of x on which f may be asked
    span: Span  # of the R directions
    top: Ints  # (R,): exponent of the largest step of a secant
    unit: Ints  # (R,): exponent of the smallest step that f feels, even if it adds 1 to x = 0
    at: tuple[Ints, Ints]  # (K,) each: which of the R directions, and output of the problem
    place: tuple[Ints, Ints]  # the same among all directions
    value: Floats  # (K,), and so on
    error: Floats
    lost: Mask  # the ladder found nothing
    bent: Mask  # something falls that should not
    lawful: Mask  # by a law that neither a smooth f nor noise follows
    bottom: Ints  # exponent of the smallest step
    f0: Floats  # f(x)

    def along(self, chosen: Mask) -> Suspects:
        """Return those along some of the directions (R,), as if there were no others."""
        mine, problem = chosen[self.at[0]], self.problem
        directions = self.directions.pick(np.flatnonzero(chosen))
        if problem.apart:
            problem, directions = problem.along(directions)
        row, place = np.cumsum(chosen)[self.at[0][mine]] - 1, self.place
        columns: Any = [column[mine] for column in self[9:]]
        return Suspects(
            problem, directions, self.order, self.signs, self.span.pick(np.flatnonzero(chosen)),
            self.top[chosen], self.unit[chosen], (row, self.at[1][mine]),
            (place[0][mine], place[1][mine]), *columns,
        )  # fmt: skip


def suspects_of(
    problem: Problem, directions: Directions, order: int, span: Span, lines: Derivatives, side: int
) -> Suspects | None:
    """Collect the outputs that may not be smooth at x, if any, with the steps of their secants."""
    rows, left = np.flatnonzero(~lines.calm), np.empty(symptoms.TAIL)
    whole = len(rows) == len(lines.calm)  # samples are what is large: without a copy then
    state, samples = lines.state[rows], lines.samples if whole else lines.samples[rows]
    f0 = np.broadcast_to(problem.f0, lines.value.shape)[rows]
    bent, torn = np.empty((2, *f0.shape), np.bool_)
    run: Any = runner(bent.size)
    run(symptoms.suspect)(
        f0, span.start[rows], order, lines.value[rows], lines.error[rows],
        lines.status[rows], samples, state, left, bent, torn,
    )  # fmt: skip
    entries = bent | torn
    some = entries.any(axis=1)
    if not some.any():
        return None
    if not some.all():
        rows, entries, state, samples = rows[some], entries[some], state[some], samples[some]
        f0 = f0[some]
    row, output = np.nonzero(entries)
    place, lawful = (rows[row], output), np.empty(entries.shape, np.bool_)
    run(symptoms.lawful)(f0, order, samples, state, left, lawful)
    span, directions = span.pick(rows), directions.pick(rows)
    if problem.apart:
        problem, directions = problem.along(directions)
    smallest = np.abs(samples[np.arange(len(rows)), :, state[:, registers.LAST]]).sum(axis=1)
    moves = (entries & (smallest > EPS * np.abs(f0))).any(axis=1)
    # beside a tiny x, a window far down that still sees f move has found the scale of f
    window = state[:, registers.BASE] - state[:, registers.FIRST]
    deep = moves & (span.reach > 0.0) & (window < span.start - FAR_DOWN)
    top = np.where(deep, window + ABOVE, span.start)
    unit = np.where(span.reach > 0.0, span.lowest, np.maximum(span.lowest, span.start - FELT))
    # above stairs, which were looked at, slopes close to x are those of one stair
    looked = (state[:, registers.PRIOR] == registers.LOOKED)[row]
    bottom = (state[:, registers.BASE] - state[:, registers.LAST])[row]
    return Suspects(
        problem, directions, order, (float(side),) if side else (-1.0, 1.0),
        span, top, unit, (row, output), place,
        lines.value[place], lines.error[place], (lines.status[place] == UNRESOLVED) & ~looked,
        bent[some][row, output], lawful[row, output], bottom, f0[row, output],
    )  # fmt: skip
