"""Outputs that may not be smooth at x, from the levels of a window and the status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from numdiff.drivers.derivatives import Derivatives, Problem
from numdiff.ladder import symptoms
from numdiff.ladder.channels import Span
from numdiff.ladder.runtime import runner

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

__all__ = ["Suspicion", "lawful", "raise_suspicion"]


class Suspicion(NamedTuple):
    """Outputs (D, m) that may not be smooth at x."""

    bent: Mask  # something falls that should not be there, or the ladder found nothing
    torn: Mask  # something stays


def raise_suspicion(problem: Problem, span: Span, lines: Derivatives, order: int) -> Suspicion:
    """Say which outputs may not be smooth at x, from the levels of a window and the status."""
    rows, samples, state = _evidence(lines)
    bent, torn = (np.zeros(lines.value.shape, np.bool_) for _ in range(2))
    some, columns = (
        (bent[rows], torn[rows]),
        (lines.value[rows], lines.error[rows], lines.status[rows]),
    )
    run: Any = runner(some[0].size)
    run(symptoms.suspect)(
        problem.f0,
        span.start[rows],
        order,
        *columns,
        samples,
        state,
        np.empty(symptoms.TAIL),
        *some,
    )
    bent[rows], torn[rows] = some
    return Suspicion(bent, torn)


def lawful(problem: Problem, lines: Derivatives, order: int) -> Mask:
    """Say which outputs follow a law in their window that no smooth f follows, and no noise."""
    rows, samples, state = _evidence(lines)
    whole = np.zeros(lines.value.shape, np.bool_)
    some, room = whole[rows], np.empty(symptoms.TAIL)
    run: Any = runner(some.size)
    run(symptoms.lawful)(problem.f0, order, samples, state, room, some)
    whole[rows] = some
    return whole


def _evidence(lines: Derivatives) -> tuple[NDArray[np.int64], Floats, NDArray[np.int64]]:
    """Return the directions that are not calm, and what the ladder saw of them."""
    assert lines.calm is not None
    assert lines.samples is not None
    assert lines.state is not None
    rows = np.flatnonzero(~lines.calm)
    return rows, lines.samples[rows], lines.state[rows]
