"""How well workers are used, on paper: the real scheduler of rounds, with a virtual clock.

An evaluation takes a random time, lognormal with mean 1; `--spread` is the standard deviation of
its logarithm. Shown are the speed-up over one worker and, in brackets, the efficiency: the speed-up
per worker. Of the pairs of large Hessians a part is asked, which their blocks allow.
"""

from __future__ import annotations

import argparse
import math
import random
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from benchmarks.report import table
from numdiff.engine.differentiate import differentiate, pose
from numdiff.engine.mixed import second
from numdiff.geometry.directions import axes
from numdiff.options import read
from tests.measuring.virtual import Virtual, virtual_call

PAIRS = 10_000  # of a Hessian, at most
OPERATORS = ("gradient", "hessian")


class Run(NamedTuple):
    """Evaluations, and the time they took on the virtual clock."""

    evaluations: int
    time: float


def wavy(x):
    """A function as smooth as most; what it costs is on paper only."""
    return float(np.sin(x).sum() + np.square(np.cos(3.0 * x)).sum() * x[0])


def run_of(operator: str, n: int, workers: int, spread: float) -> Run:
    """Ask for a derivative of n entries with so many workers."""
    chance, x = random.Random(n), np.linspace(0.4, 1.3, n)
    virtual = Virtual(workers, lambda: chance.lognormvariate(-(spread**2) / 2.0, spread))
    call, options = virtual_call(wavy, (n,), virtual), read(wavy, x)
    if operator == "gradient":
        differentiate(call, x, axes(n), 1, options)
    else:
        rows, columns = np.triu_indices(n, 1)
        second(pose(call, x, options), axes(n), rows[:PAIRS], columns[:PAIRS], options)
    return Run(virtual.evaluations, virtual.now)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--operator", nargs="+", choices=OPERATORS, default=list(OPERATORS))
    parser.add_argument("--n", nargs="+", type=int, default=[1, 10, 100, 1000])
    parser.add_argument("--workers", nargs="+", type=int, default=[2, 10, 100, 1000, 10_000])
    parser.add_argument("--spread", nargs="+", type=float, default=[0.0, 0.5])


def run(options: argparse.Namespace) -> int:
    """Print a row for each operator, number of inputs and spread."""
    rows = [["", "n", "spread", "evaluations", *map("{:,}".format, options.workers)]]
    for operator in options.operator:
        for n in options.n:
            for spread in options.spread:
                rows.append(_row(operator, n, spread, options.workers))
                print(*rows[-1], flush=True)
    print(table(rows))
    return 0


def _row(operator: str, n: int, spread: float, workers: Sequence[int]) -> list[str]:
    alone, cells = run_of(operator, n, 1, 0.0), []
    for count in workers:
        gain = alone.evaluations / run_of(operator, n, count, spread).time
        cells.append(f"{gain:.{max(0, 1 - int(math.log10(gain)))}f} ({gain / count:.2f})")
    return [operator, str(n), f"{spread:g}", f"{alone.evaluations:,}", *cells]
