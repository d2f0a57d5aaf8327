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

    Mask = NDArray[np.bool_]

__all__ = ["Suspicion", "lawful", "raise_suspicion"]


class Suspicion(NamedTuple):
    """Outputs (D, m) that may not be smooth at x."""

    bent: Mask  # something falls that should not be there, or the ladder found nothing
    torn: Mask  # something stays


def raise_suspicion(problem: Problem, span: Span, lines: Derivatives, order: int) -> Suspicion:
    """Say which outputs may not be smooth at x, from the levels of a window and the status."""
    bent, torn = (np.empty(lines.value.shape, np.bool_) for _ in range(2))
    seen = (lines.value, lines.error, lines.status, lines.samples, lines.state)
    run: Any = runner(lines.value.size)
    run(symptoms.suspect)(problem.f0, span.start, order, *seen, np.empty(symptoms.TAIL), bent, torn)
    return Suspicion(bent, torn)


def lawful(problem: Problem, lines: Derivatives, order: int) -> Mask:
    """Say which outputs follow a law in their window that no smooth f follows, and no noise."""
    found, room = np.empty(lines.value.shape, np.bool_), np.empty(symptoms.TAIL)
    run: Any = runner(lines.value.size)
    run(symptoms.lawful)(problem.f0, order, lines.samples, lines.state, room, found)
    return found
