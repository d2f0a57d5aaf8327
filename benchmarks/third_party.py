"""Derivatives that others wrote by hand, as `numdiff.verify` judges them.

Where one is said to be wrong, the evidence follows: the entry as it is written, as numdiff has it
from f, and for a Hessian as numdiff has it from the gradient of the same authors.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

import numdiff as nd
from benchmarks.quiet import quiet
from benchmarks.report import table
from numdiff import verify
from tests.corpus.third_party import SOURCES, WRONG, Problem, missing_of, problems
from tests.measuring.cases import every_kth

VERDICTS = ("agree", "inconclusive", "disagree")
KINDS = ("gradient", "hessian")


class Judged(NamedTuple):
    """One derivative and what is said of it; an exception is a verdict of its own."""

    problem: Problem
    kind: str
    verdict: str


def judged(problem: Problem, kind: str) -> Judged | None:
    """Ask for a verdict, None where there is no derivative of this kind."""
    derivative = getattr(problem, kind)
    if derivative is None:
        return None
    try:
        report = getattr(verify, kind)(problem.f, derivative, problem.x)
    except Exception as error:  # noqa: BLE001 - the functions of others may raise anything
        return Judged(problem, kind, type(error).__name__)
    return Judged(problem, kind, report.verdict)


def evidence(one: Judged) -> list[str]:
    """The entry that is furthest off: as written, from f, and from the gradient."""
    problem, from_f = one.problem, getattr(nd, one.kind)(one.problem.f, one.problem.x)
    written = np.asarray(getattr(problem, one.kind)(problem.x), float).reshape(from_f.shape)
    at = np.unravel_index(
        int(np.argmax(np.abs(written - from_f.value) / from_f.error)), from_f.shape
    )
    again = nd.jacobian(problem.gradient, problem.x) if one.kind == "hessian" else None
    shown = [_with_bar(found, at) for found in (from_f, again)]
    known = WRONG.get((problem.name, one.kind), "")
    return [f"{problem.name}, {one.kind}", str([int(i) for i in at]), f"{written[at]:.10g}",
            *shown, known]  # fmt: skip


def _with_bar(found: Any, at: tuple[Any, ...]) -> str:
    return "-" if found is None else f"{found.value[at]:.10g} +- {found.error[at]:.0e}"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--source", nargs="+", choices=SOURCES, default=list(SOURCES))
    parser.add_argument("--limit", type=int, metavar="N", help="at most N problems of a source")


def run(options: argparse.Namespace) -> int:
    """Print the verdicts by source, and the evidence against those that are wrong."""
    found = list(_all_judged(options))
    rows = [["", "kind", "asked", *VERDICTS, "raised"]]
    for source in options.source:
        for kind in KINDS:
            said = [o.verdict for o in found if (o.problem.source, o.kind) == (source, kind)]
            counts = [said.count(verdict) for verdict in VERDICTS]
            if said:
                rows.append(
                    [source, kind, *map(str, (len(said), *counts, len(said) - sum(counts)))]
                )
    print(table(rows, left=(0, 1)), end="\n\n")
    wrong = [one for one in found if one.verdict == "disagree"]
    if wrong:
        with quiet():
            listed = [evidence(one) for one in wrong]
        titles = ["said to be wrong", "entry", "as written", "from f", "from the gradient", ""]
        print(table([titles, *listed], left=(0, 1, 5)), end="\n\n")
    open_ones = [f"{o.problem.name}, {o.kind}" for o in found if o.verdict == "inconclusive"]
    print(f"left open: {'; '.join(open_ones) or 'none'}")
    return 0


def _all_judged(options: argparse.Namespace) -> Iterator[Judged]:
    for source in options.source:
        missing = missing_of(source)
        if missing:
            print(f"{source} is left out: {missing} is not installed\n")
        with quiet():
            chosen = every_kth(problems(source), options.limit)
            asked = [judged(problem, kind) for problem in chosen for kind in KINDS]
        yield from (one for one in asked if one)
