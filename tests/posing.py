"""Problems as the rooms below the operators get them: all that happens before a ladder starts."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from numdiff.drivers.derivatives import Problem
from numdiff.evaluation.call import Call, origin
from numdiff.geometry.directions import Directions, along, axes
from numdiff.ladder import points
from numdiff.ladder.channels import Span
from numdiff.methods import first_step


def pose(f: Callable[..., Any], x: Any, rtol: float = 0.0, budget: float = math.inf) -> Problem:
    """Ask for f(x) at an array or a number, and put the problem together."""
    point = np.asarray(x, np.float64)
    call = Call(f, point.shape, scalar=point.ndim == 0)
    centre = origin(call, point.ravel())
    return Problem(call, point.ravel(), centre.form, centre.rows[0], rtol, budget)


def directions_of(x: Any, v: Any = None) -> Directions:
    """The axes of x, or one vector."""
    return axes(np.size(x)) if v is None else along(np.array(v, float))


def span_of(problem: Problem, directions: Directions, order: int) -> Span:
    """Where the steps of a ladder start and may lie, without bounds."""
    free, count = np.empty(0), len(directions)
    start, other, highest, lowest = (np.empty(count, np.int64) for _ in range(4))
    reach = np.empty(count)
    with np.errstate(all="ignore"):
        points.span(
            problem.x, directions.starts, directions.index, directions.weight, first_step(order),
            free, True, free, free, start, other, highest, lowest, reach,
        )  # fmt: skip
    return Span(start, other, highest, lowest, reach)
