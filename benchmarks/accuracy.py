"""Digits, error bars and evaluations on the corpus in ``tests``, each tool with its defaults."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.failures import failure_table
from benchmarks.quiet import quiet
from benchmarks.report import shown, table, verdict, write_json
from benchmarks.tools import TOOLS, Tool, available
from tests import corpus
from tests.measuring.cases import (
    Call,
    Task,
    every_kth,
    gradient_tasks,
    hessian_tasks,
    outcomes_of,
    scalar_tasks,
    third_party_tasks,
)
from tests.measuring.metrics import (
    COLUMNS,
    COLUMNS_OF_ARRAYS,
    MEDIAN,
    Column,
    Outcome,
    Target,
    figures,
)


@dataclass(frozen=True)
class Part:
    """A set of tasks, how a tool is asked for them, and what numdiff's figures must be.

    ``rival`` names a tool whose median digits must be reached, besides ``must``.
    """

    title: str
    tasks: Callable[[str | None], Iterator[Task]]
    call: Callable[[Tool], Call | None]
    columns: tuple[Column, ...]
    must: Mapping[str, Target]
    must_by_category: Mapping[str, Target] = field(default_factory=dict)
    rival: str = ""


NONE = Target(0, 0)
FIRST = {
    "median digits": Target(low=14.0),
    "10 % digits": Target(low=11.8),
    "cover": Target(low=0.98),
    "lies": NONE,
    "silent": NONE,
    "no answer": NONE,
    "flagged": Target(high=0.005),
    "est/true": Target(2, 8),
    "evals": Target(high=14),
}
HIGHER = {"cover": Target(low=0.97), "lies": NONE}
GRADIENT = {
    "median digits": Target(low=14.0),
    "cover": Target(low=0.98),
    "lies": NONE,
    "evals": Target(high=14),
}
HESSIAN = {
    "median digits": Target(low=12.0),
    "cover": Target(low=0.97),
    "lies": NONE,
    "evals": Target(high=16),
}


def _derivative(order: int, tool: Tool) -> Call | None:
    derivative = tool.derivative
    if derivative is None or order not in tool.orders:
        return None
    return lambda f, x: derivative(f, x, order)


def _scalar_part(title: str, order: int, must: Mapping[str, Target], **more: Any) -> Part:
    tasks, call = partial(scalar_tasks, order), partial(_derivative, order)
    return Part(title, tasks, call, COLUMNS, must, **more)


PARTS = {
    "1": _scalar_part("First derivatives", 1, FIRST, must_by_category={"cover": Target(low=0.95)}),
    **{
        str(order): _scalar_part(f"Order {order}", order, HIGHER, rival="numdifftools")
        for order in (2, 3, 4, 6)
    },
    "gradient": Part(
        "Gradients (lies: entries; evals: per input)",
        gradient_tasks,
        lambda tool: tool.gradient,
        COLUMNS_OF_ARRAYS,
        GRADIENT,
    ),
    "hessian": Part(
        "Hessians (lies: entries; evals: per pair)",
        hessian_tasks,
        lambda tool: tool.hessian,
        COLUMNS_OF_ARRAYS,
        HESSIAN,
    ),
}

ELSEWHERE = {
    f"third-party {kind}": replace(
        PARTS[kind],
        title=f"{PARTS[kind].title}, derivatives written by others",
        tasks=partial(third_party_tasks, kind),
    )
    for kind in ("gradient", "hessian")
}
EVERY_PART = PARTS | ELSEWHERE

Results = dict[str, list[Outcome]]


def run_part(part: Part, tasks: Sequence[Task], tools: Sequence[Tool]) -> Results:
    """Return the outcomes of every tool that can do this part."""
    calls = {tool.name: part.call(tool) for tool in tools}
    with quiet():
        return {name: outcomes_of(name, call, tasks) for name, call in calls.items() if call}


# --- Tables ---


def _row(columns: Sequence[Column], name: str, outcomes: Sequence[Outcome]) -> list[str]:
    cells = [shown(column.measure(outcomes), column.form) for column in columns]
    return [name, *cells, str(len(outcomes))]


def tool_table(part: Part, results: Results) -> str:
    """Compare the tools; below, what numdiff must reach and whether it does."""
    titles = [column.title for column in part.columns]
    rows = [["", *titles, "cases"]]
    rows += [_row(part.columns, name, outcomes) for name, outcomes in results.items()]
    if "numdiff" in results:
        found, must = figures(part.columns, results["numdiff"]), _targets(part, results)
        met = [verdict(must[title], found[title]) if title in must else "" for title in titles]
        rows.append(["numdiff must", *(str(must.get(title, "")) for title in titles), ""])
        rows.append(["met", *met, ""])
    return table(rows)


def _targets(part: Part, results: Results) -> dict[str, Target]:
    must = dict(part.must)
    if part.rival in results:
        must[MEDIAN.title] = Target(low=round(MEDIAN.measure(results[part.rival]), 1))
    return must


def category_table(part: Part, tool: str, outcomes: Sequence[Outcome]) -> str:
    """Show one tool by category, and whether each meets what every category must."""
    must = part.must_by_category
    head = ", ".join(f"{title} {target}" for title, target in must.items())
    rows = [[f"{tool} by category", *(c.title for c in part.columns), "cases", head]]
    for category in dict.fromkeys(outcome.category for outcome in outcomes):
        group = [outcome for outcome in outcomes if outcome.category == category]
        found = figures(part.columns, group)
        met = " ".join(verdict(target, found[title]) for title, target in must.items())
        rows.append([*_row(part.columns, category, group), met])
    return table(rows)


# --- The command ---


def add_options(parser: argparse.ArgumentParser) -> None:
    categories = sorted({problem.category for problem in corpus.PROBLEMS})
    names = [tool.name for tool in TOOLS]
    parser.add_argument("--half", choices=("tune", "confirm", "all"), default="confirm")
    parser.add_argument("--part", nargs="+", choices=EVERY_PART, default=list(PARTS))
    parser.add_argument("--tool", nargs="+", choices=names, default=names)
    parser.add_argument("--category", choices=categories, help="functions of one variable only")
    parser.add_argument("--limit", type=int, metavar="N", help="at most N cases of a part")
    parser.add_argument(
        "--list", action="store_true", help="the failing cases of numdiff, or of the first tool"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write figures and cases")


def run(options: argparse.Namespace) -> int:
    """Run the chosen parts and print their tables."""
    tools = list(available(options.tool))
    if not tools:
        return 1
    done: dict[str, Results] = {}
    for name in options.part:
        tasks = _chosen(EVERY_PART[name], options)
        results = run_part(EVERY_PART[name], tasks, tools) if tasks else {}
        if results:
            done[name] = results
            _show(EVERY_PART[name], results, listing=options.list)
    if options.json:
        write_json(options.json, _content(done))
    return 0


def _chosen(part: Part, options: argparse.Namespace) -> list[Task]:
    every = list(part.tasks(None if options.half == "all" else options.half))
    fitting = [task for task in every if options.category in (None, task.category)]
    tasks = every_kth(fitting, options.limit)
    if tasks:
        print(f"{part.title}: {len(tasks)} of {len(every)} cases, half: {options.half}\n")
    return tasks


def _show(part: Part, results: Results, *, listing: bool) -> None:
    first, outcomes = next(iter(results.items()))
    print(tool_table(part, results), end="\n\n")
    print(category_table(part, first, outcomes), end="\n\n", flush=True)
    if listing:
        print(failure_table(outcomes), end="\n\n")


def _content(done: Mapping[str, Results]) -> dict[str, Any]:
    runs = [(name, tool, done[name][tool]) for name in done for tool in done[name]]
    return {
        "figures": [
            {"part": name, "tool": tool, **figures(EVERY_PART[name].columns, outcomes)}
            for name, tool, outcomes in runs
        ],
        "cases": [
            {"part": name, **_plain(outcome)} for name, _, outcomes in runs for outcome in outcomes
        ],
    }


def _plain(outcome: Outcome) -> dict[str, Any]:
    lists = {
        key: value.tolist() if isinstance(value, np.ndarray) else value
        for key, value in vars(outcome).items()
    }
    return {**lists, "digits": outcome.digits}
