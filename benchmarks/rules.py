"""Step-size rules by name beside the default method: digits, error bars and evaluations."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

import numdiff
from benchmarks.failures import failure_table
from benchmarks.quiet import quiet
from benchmarks.report import shown, table
from numdiff.drivers.by_rule import by_rule
from numdiff.drivers.derivatives import Problem
from numdiff.evaluation.call import Call, origin
from numdiff.geometry.directions import axes
from numdiff.methods import METHODS
from numdiff.rules import RULES
from tests.corpus.noisy import noisy_cases
from tests.measuring.cases import Answer, Counted, Task, every_kth, outcomes_of, scalar_tasks
from tests.measuring.metrics import COLUMNS, Column, Outcome

METHODS_OF_RULES = ("central", "forward")


def failed(outcomes: Sequence[Outcome]) -> float:
    """The share of cases that are flagged or without an answer."""
    lost = [outcome.flagged.any() or not outcome.answered.all() for outcome in outcomes]
    return float(np.mean(lost)) if lost else math.nan


def cover_of_bars(outcomes: Sequence[Outcome]) -> float:
    """The share of entries within their error bars, of those that have one."""
    within = [o.covered[np.isfinite(o.error)] for o in outcomes]
    joined = np.concatenate(within) if within else np.empty(0)
    return float(joined.mean()) if joined.size else math.nan


BY_TITLE = {column.title: column for column in COLUMNS}
SHOWN = (
    BY_TITLE["median digits"],
    BY_TITLE["10 % digits"],
    Column("cover", cover_of_bars, ".3f"),
    BY_TITLE["lies"],
    BY_TITLE["est/true"],
    Column("failures", failed, ".1%"),
    BY_TITLE["evals"],
)


def ask(rule: str, method: str, f: Counted, x: Any, noise: float | None = None) -> Answer:
    """Differentiate with one step that the rule chooses."""
    point = np.atleast_1d(np.asarray(x, float))
    call = Call(f, (), scalar=True)
    centre = origin(call, point)
    problem = Problem(call, point, centre.form, centre.rows[0])
    given = None if noise is None else np.array([noise])
    lines = by_rule(problem, axes(1), 1, rule, METHODS[method], noise=given)
    code = numdiff.Status(lines.status[0, 0])
    flagged = not (code.trustworthy or code is numdiff.Status.SINGLE_STEP)
    return Answer(lines.value[0, 0], lines.error[0, 0], flagged, code.name)


def _auto(f: Counted, x: Any) -> Answer:
    found = numdiff.derivative(f, x)
    return Answer(found.value, found.error, not found.success, numdiff.Status(found.status).name)


# --- The parts ---


def clean_tasks(half: str | None) -> Iterator[tuple[Task, float | None]]:
    """Functions without noise but rounding: the rules reckon with that."""
    for task in scalar_tasks(1, half):
        yield task, None


def noisy_tasks(half: str | None) -> Iterator[tuple[Task, float | None]]:
    """Functions with noise whose nominal level is told."""
    for case in noisy_cases(half):
        noise = case.level * abs(case.f(case.x))
        yield (
            Task(case.name, case.kind, repr(case.x), case.f, case.x, np.array(case.exact), 1),
            noise,
        )


PARTS: dict[str, Callable[[str | None], Iterator[tuple[Task, float | None]]]] = {
    "clean": clean_tasks,
    "noisy": noisy_tasks,
}


def outcomes_of_rule(
    rule: str, method: str, tasks: Sequence[tuple[Task, float | None]]
) -> list[Outcome]:
    """Ask one rule, or ``auto``, for all tasks."""
    found: list[Outcome] = []
    with quiet():
        for task, noise in tasks:
            call = _auto if rule == "auto" else partial(ask, rule, method, noise=noise)
            found += outcomes_of(f"{rule} {method}", call, [task])
    return found


# --- The command ---


def add_options(parser: argparse.ArgumentParser) -> None:
    rules = [*RULES, "auto"]
    parser.add_argument("--half", choices=("tune", "confirm", "all"), default="confirm")
    parser.add_argument("--part", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--rule", nargs="+", choices=rules, default=rules)
    parser.add_argument(
        "--method", nargs="+", choices=METHODS_OF_RULES, default=list(METHODS_OF_RULES)
    )
    parser.add_argument("--limit", type=int, metavar="N", help="at most N cases of a part")
    parser.add_argument("--list", action="store_true", help="the failing cases of each rule")


def run(options: argparse.Namespace) -> int:
    """Run the chosen rules on the chosen parts and print a table for each."""
    half = None if options.half == "all" else options.half
    for part in options.part:
        tasks = every_kth(list(PARTS[part](half)), options.limit)
        print(f"{part}: {len(tasks)} cases, half: {options.half}\n")
        rows, listed = [["", *(column.title for column in SHOWN)]], []
        for name, found in _found(options, tasks):
            rows.append([name, *(shown(column.measure(found), column.form) for column in SHOWN)])
            listed += [name, failure_table(found)] if options.list else []
        print(table(rows), end="\n\n", flush=True)
        if listed:
            print("\n".join(listed), end="\n\n")
    return 0


def _found(
    options: argparse.Namespace, tasks: Sequence[tuple[Task, float | None]]
) -> Iterator[tuple[str, list[Outcome]]]:
    for method in options.method:
        for rule in options.rule:
            if rule != "auto":
                yield f"{rule} {method}", outcomes_of_rule(rule, method, tasks)
    if "auto" in options.rule:
        yield "auto", outcomes_of_rule("auto", "", tasks)


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the options and run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks rules", description=__doc__)
    add_options(parser)
    return run(parser.parse_args(arguments))
