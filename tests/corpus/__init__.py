"""Test corpus: functions of one variable with derivatives known to full double precision."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.corpus.scalar import PROBLEMS, Problem

__all__ = ["PROBLEMS", "Case", "Problem", "cases", "half_of"]

TRUTH = Path(__file__).with_name("truth.json")


@dataclass(frozen=True)
class Case:
    """One derivative to compute: `exact` is the derivative of `f` at `x`, correctly rounded."""

    problem: str
    f: Callable[[float], float]
    x: float
    exact: float
    category: str


@cache
def _truth() -> dict[str, list[dict[str, Any]]]:
    return json.loads(TRUTH.read_text(encoding="ascii"))


def half_of(name: str) -> str:
    """The half of the corpus a problem belongs to, "tune" or "confirm"."""
    return "confirm" if zlib.crc32(name.encode()) % 2 else "tune"


def cases(order: int = 1, *, half: str | None = None) -> Iterator[Case]:
    """Yield the cases whose derivative of this order is zero or a normal double."""
    if half not in (None, "tune", "confirm"):
        raise ValueError(f"half must be None, 'tune' or 'confirm', not {half!r}")
    if order not in (1, 2, 3, 4, 6):
        raise ValueError(f"no truth is stored for order {order!r}")
    truth = _truth()
    for problem in PROBLEMS:
        if half is not None and half_of(problem.name) != half:
            continue
        for row in truth[problem.name]:
            exact = row["d"][str(order)]
            if exact is not None:
                x = float.fromhex(row["x"])
                yield Case(problem.name, problem.f, x, float.fromhex(exact), problem.category)
