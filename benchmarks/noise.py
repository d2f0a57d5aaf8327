"""Functions with errors of their own, deterministic ones: digits, bars and evaluations by peer.

The level is the error of f, relative to its size at x. The error is that of the slope, relative to
the true one; without an answer it counts as infinite.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator, Sequence

import numpy as np

from benchmarks.quiet import quiet
from benchmarks.report import shown, table
from benchmarks.tools import TOOLS, Tool, available
from tests.corpus.noisy import NoisyCase, noisy_cases
from tests.measuring.cases import Task, every_kth, outcomes_of
from tests.measuring.metrics import COLUMNS, Column, Outcome

LEVELS = (1e-12, 1e-8, 1e-4, math.inf)  # a class reaches up to, and the next begins there
CLASSES = ("noise below 1e-12", "1e-12 to 1e-8", "1e-8 to 1e-4", "above 1e-4")


def median_error(outcomes: Sequence[Outcome]) -> float:
    """The median of the relative error; what has no answer is infinitely wrong."""
    errors = [
        float(np.max(o.true_error) / np.max(np.abs(o.exact))) if o.answered.all() else math.inf
        for o in outcomes
        if np.all(o.exact != 0)
    ]
    return float(np.median(errors)) if errors else math.nan


SHOWN = (Column("median error", median_error, ".1e"), *COLUMNS[2:])


def task_of(case: NoisyCase) -> Task:
    level = next(name for name, most in zip(CLASSES, LEVELS, strict=True) if case.level <= most)
    return Task(case.name, level, repr(case.x), case.f, case.x, np.array(case.exact), 1)


def add_options(parser: argparse.ArgumentParser) -> None:
    names = [tool.name for tool in TOOLS]
    parser.add_argument("--half", choices=("tune", "confirm", "all"), default="confirm")
    parser.add_argument("--tool", nargs="+", choices=names, default=names)
    parser.add_argument("--limit", type=int, metavar="N", help="at most N cases of a class")


def run(options: argparse.Namespace) -> int:
    """Print a table for each class of noise."""
    tools = [tool for tool in available(options.tool) if tool.derivative]
    tasks = [task_of(case) for case in noisy_cases(None if options.half == "all" else options.half)]
    for name in CLASSES:
        chosen = every_kth([task for task in tasks if task.category == name], options.limit)
        if chosen:
            print(f"{name}: {len(chosen)} cases, half: {options.half}\n")
            rows = [[name, *(column.title for column in SHOWN)], *_rows(tools, chosen)]
            print(table(rows), end="\n\n", flush=True)
    return 0


def _rows(tools: Sequence[Tool], tasks: Sequence[Task]) -> Iterator[list[str]]:
    for tool in tools:
        with quiet():
            found = outcomes_of(tool.name, lambda f, x, tool=tool: tool.derivative(f, x, 1), tasks)
        yield [tool.name, *(shown(column.measure(found), column.form) for column in SHOWN)]
