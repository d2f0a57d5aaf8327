"""Values of f at chosen distances along directions."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from numdiff.arrays import Floats
from numdiff.drivers.derivatives import Problem
from numdiff.evaluation.call import Form, evaluate
from numdiff.geometry.directions import Directions
from numdiff.geometry.domain import blocks


class Samples(NamedTuple):
    """Values of f along D directions at P steps each, and those steps as they came out."""

    values: Floats  # (P, D, m)
    steps: Floats  # (D,): the step of each direction after x + h was rounded
    form: Form
    nfev: int
    trouble: Exception | None


def sample(problem: Problem, directions: Directions, offsets: Floats, steps: Floats) -> Samples:
    """Ask for f at x + o h d for each direction d with its step h and each offset o."""
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
        values = evaluate(problem.call, points.reshape(-1, width), problem.form)
        rows = values.rows.reshape(len(offsets), len(some), values.rows.shape[1])
        parts.append(Samples(rows, taken, values.form, values.nfev, values.trouble))
        problem = problem._replace(form=values.form)
    if len(parts) == 1:
        return parts[0]
    return Samples(
        np.concatenate([part.values for part in parts], axis=1),
        np.concatenate([part.steps for part in parts]),
        parts[0].form,
        sum(part.nfev for part in parts),
        next((part.trouble for part in parts if part.trouble), None),
    )
