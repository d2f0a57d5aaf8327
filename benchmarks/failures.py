"""Which cases a tool fails on, worst first: what to look at next."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks.report import shown, table
from tests.measuring.metrics import Bools, Floats, Outcome


def excess(outcome: Outcome) -> Floats:
    """True over reported error; 0 where both are 0 or either is unknown."""
    with np.errstate(all="ignore"):
        return np.nan_to_num(outcome.true_error / outcome.error, nan=0.0, posinf=np.inf)


def _worst_excess(outcome: Outcome) -> float:
    return float(excess(outcome).max())


def _digits_missing(outcome: Outcome) -> float:
    return -np.nan_to_num(outcome.digits)


@dataclass(frozen=True)
class Failure:
    """A way to fail: the entries that do, and what orders the cases that fail in this way."""

    name: str
    entries: Callable[[Outcome], Bools]
    severity: Callable[[Outcome], float]


FAILURES = (
    Failure("lie", lambda o: o.lies, _worst_excess),
    Failure("silent", lambda o: np.full(o.exact.size, o.silent), _digits_missing),
    Failure("no answer", lambda o: ~o.answered, _digits_missing),
    Failure("not covered", lambda o: o.answered & ~o.covered, _worst_excess),
    Failure("flagged", lambda o: o.flagged, _digits_missing),
)


def failures(outcomes: Iterable[Outcome]) -> Iterator[tuple[Failure, Outcome]]:
    """Yield each failing outcome once, under its worst failure, worst first."""
    left = list(outcomes)
    for failure in FAILURES:
        failing = [outcome for outcome in left if failure.entries(outcome).any()]
        left = [outcome for outcome in left if not failure.entries(outcome).any()]
        for outcome in sorted(failing, key=failure.severity, reverse=True):
            yield failure, outcome


HEAD = (
    *("failure", "case", "category", "at", "entry", "exact", "value"),
    *("true error", "reported", "digits", "calls", "note"),
)
LEFT = ("failure", "case", "category", "note")


def failure_table(outcomes: Iterable[Outcome]) -> str:
    """List the failing cases, each with its entry that fails most."""
    rows = [HEAD, *(_row(failure, outcome) for failure, outcome in failures(outcomes))]
    return table(rows, left=[HEAD.index(title) for title in LEFT])


def _row(failure: Failure, outcome: Outcome) -> list[str]:
    worst = np.argmax(np.where(failure.entries(outcome), excess(outcome), -1))
    return [
        *(failure.name, outcome.case, outcome.category, outcome.at),
        f"[{worst}]" if outcome.exact.size > 1 else "",
        f"{outcome.exact[worst]:.9g}",
        f"{outcome.value[worst]:.9g}",
        f"{outcome.true_error[worst]:.1e}",
        f"{outcome.error[worst]:.1e}",
        shown(outcome.digits, ".1f"),
        str(outcome.calls),
        outcome.note[:60],
    ]
