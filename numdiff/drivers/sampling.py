"""Values of f at chosen distances along directions."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from numdiff.arrays import Floats
from numdiff.drivers.compiled_points import visit_all
from numdiff.drivers.derivatives import Problem
from numdiff.evaluation.call import UNKNOWN, Form, ask_again, evaluate
from numdiff.evaluation.dispatchers import Compiled
from numdiff.evaluation.threads import spread
from numdiff.geometry.directions import Directions
from numdiff.geometry.domain import blocks
from numdiff.ladder.runtime import compiled, runner


class Samples(NamedTuple):
    """Values of f along D directions at P steps each, and those steps as they came out."""

    values: Floats  # (P, D, m)
    steps: Floats  # (D,): the step of each direction after x + h was rounded
    form: Form
    nfev: int
    trouble: Exception | None


def sample(problem: Problem, directions: Directions, offsets: Floats, steps: Floats) -> Samples:
    """Ask for f at x + o h d for each direction d with its step h and each offset o."""
    if problem.call.dispatcher and (code := native_code(problem)) is not None:
        return _natively(code, problem, directions, offsets, steps)
    parts: list[Samples] = []
    x, width = problem.x, 1 if problem.apart else problem.x.size
    for block in blocks(len(directions), len(offsets) * width):
        some, taken = directions.part(block), steps[block]
        points = some.displace(x, offsets[:, None] * taken, alone=problem.apart)
        if some.single:
            # x + h was rounded: divide by the step that was really taken
            moved, alone = np.minimum(some.index, width - 1), len(offsets) == 1
            entries = points[:, np.arange(len(some)), moved]
            base, span = (x[some.index], 0.0) if alone else (entries[-1], float(offsets[-1]))
            taken = (entries[0] - base) / (float(offsets[0]) - span) / some.weight
        found = evaluate(problem.call, points.reshape(-1, width), problem.form)
        rows = found.rows.reshape(len(offsets), len(some), found.rows.shape[1])
        parts.append(Samples(rows, taken, found.form, found.nfev, found.trouble))
        problem = problem._replace(form=found.form)
    if len(parts) == 1:
        return parts[0]
    values, really, forms, counts, troubles = zip(*parts, strict=True)
    trouble = next(filter(None, troubles), None)
    return Samples(
        np.concatenate(values, 1), np.concatenate(really), forms[0], sum(counts), trouble
    )


def native_code(problem: Problem) -> Compiled | None:
    """Return machine code of an f that Numba has compiled, if kernels may call it anywhere."""
    known = problem.form is not UNKNOWN and runner(0) is compiled
    return problem.call.compiled if known else None


def _natively(
    code: Compiled, problem: Problem, directions: Directions, offsets: Floats, steps: Floats
) -> Samples:
    """Let compiled code ask for f at all points, which are made one by one."""
    call, count, width = problem.call, len(directions), 1 if problem.apart else problem.x.size
    shape, taken = (len(offsets), count), steps.astype(np.float64)
    values, raised = np.empty((*shape, problem.form.size)), np.empty(shape, np.bool_)
    route = directions.starts, directions.index, directions.weight
    visit: Any = compiled(visit_all)

    def work(part: slice) -> int:
        some: int = visit(
            code.kind, code.address, problem.x, route, (part.start, part.stop), offsets, taken,
            np.empty(width), values, raised,
        )  # fmt: skip
        return some

    mishaps, trouble = sum(spread(work, count, call.workers)), None
    if mishaps:
        some = np.flatnonzero(raised.any(axis=0))
        points = directions.pick(some).displace(
            problem.x, offsets[:, None] * steps[some], alone=problem.apart
        )
        places = call.rows(np.flatnonzero(raised))
        trouble = ask_again(places, points[raised[:, some]], problem.form)
    return Samples(values, taken, problem.form, raised.size + mishaps, trouble)
