"""SciPy's optimisers with remembered steps, full answers at each point, 2-point and 3-point."""

from __future__ import annotations

import argparse
import itertools
import math
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
from scipy.optimize._numdiff import approx_derivative

import numdiff
from benchmarks.report import shown, table
from benchmarks.timing import in_rounds
from tests.measuring.paths import (
    PATHS,
    Counted,
    Posed,
    bounds_of,
    followed,
    methods_of,
    minimised,
)

Contender = Callable[[Posed, str, Counted], tuple[Any, Any]]


def _remembered(posed: Posed, method: str, f: Counted) -> tuple[Any, Any]:
    fun = numdiff.Differentiable(f, bounds=bounds_of(posed), on_flag="keep")
    return fun, fun.jacobian if method == "least_squares" else fun.gradient


def _each(posed: Posed, method: str, f: Counted) -> tuple[Any, Any]:
    act = numdiff.jacobian if method == "least_squares" else numdiff.gradient
    return f, lambda x: act(f, x, bounds=bounds_of(posed)).value


CONTENDERS: Mapping[str, Contender] = MappingProxyType(
    {
        "Differentiable": _remembered,
        "gradient": _each,
        "2-point": lambda _posed, _method, f: (f, "2-point"),
        "3-point": lambda _posed, _method, f: (f, "3-point"),
    }
)
TIMED = 20  # inputs of the function that is timed


def path_row(name: str, method: str) -> list[str]:
    """What each contender needs on a path, and where it ends: calls, f, largest slope."""
    posed, row = PATHS[name], [name, method]
    for contender in CONTENDERS.values():
        f = Counted(posed)
        try:
            found = minimised(posed, method, *contender(posed, method, f))
        except ValueError:  # least_squares refuses what is not finite
            row += [str(f.calls), "failed", "-"]
            continue
        end = posed.f(found.x)
        slope = posed.slopes(found.x)
        if method == "least_squares":
            slope, end = slope.T @ end, np.sum(end**2)
        row += [str(f.calls), f"{end:.2g}", f"{np.abs(slope).max():.0e}"]
    return row


def bars_row(name: str, method: str) -> tuple[list[str], tuple[int, int, int]]:
    """How the bars along a path hold, and what an entry costs."""
    seen, _ = followed(PATHS[name], method, on_flag="keep")
    middle = float(np.median(seen.errors))
    row = [
        name, method,
        *map(str, (seen.points, seen.entries, seen.entries - seen.covered, seen.lies)),
        shown(seen.worst, ".2g"), shown(middle, ".0e"), shown(seen.per_input, ".2f"),
    ]  # fmt: skip
    return row, (seen.entries, seen.covered, seen.lies)


def quick(x: np.ndarray) -> float:
    """A function that takes a microsecond or two."""
    steps = x[1:] - x[:-1] ** 2
    return 100.0 * steps.dot(steps)


def overhead(rounds: int) -> list[list[str]]:
    """Microseconds of a gradient over its calls of f, beside SciPy's, in turns."""
    start = np.random.default_rng(0).standard_normal(TIMED)
    points = itertools.cycle(start + 1e-3 * np.random.default_rng(1).standard_normal((64, TIMED)))
    fun = numdiff.Differentiable(quick)
    contenders: dict[str, Callable[[], Any]] = {
        "Differentiable": lambda: fun.gradient(next(points)),
        "SciPy, 3-point": lambda: approx_derivative(quick, next(points), method="3-point"),
        "f": partial(quick, start),
    }
    fun.gradient(start)
    before = fun.nfev
    for _ in range(64):
        fun.gradient(next(points))
    calls = {"Differentiable": (fun.nfev - before) / 64, "SciPy, 3-point": 2 * TIMED + 1.0}
    seconds = in_rounds(contenders, rounds=rounds, block=2e-2).medians()
    return [
        [name, f"{count:.1f}", f"{seconds[name] * 1e6:.0f}",
         f"{(seconds[name] - count * seconds['f']) * 1e6:.0f}"]
        for name, count in calls.items()
    ]  # fmt: skip


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--paths", nargs="+", choices=PATHS, default=list(PATHS))
    parser.add_argument("--rounds", type=int, default=100, help="how often gradients are timed")
    parser.add_argument("--methods", nargs="+", help="optimisers; all that fit otherwise")


def run(options: argparse.Namespace) -> int:
    chosen = [
        (name, method)
        for name in options.paths
        for method in methods_of(PATHS[name])
        if method in (options.methods or [method])
    ]
    titles = [[f"{name}: calls", "f", "slope"] for name in CONTENDERS]
    rows = [["path", "optimiser", *itertools.chain(*titles)]]
    bars = [["path", "optimiser", "points", "entries", "missed", "lies", "worst, in bars",
             "median error", "evaluations per input"]]  # fmt: skip
    totals = np.zeros(3, int)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        for name, method in chosen:
            rows.append(path_row(name, method))
            row, counts = bars_row(name, method)
            bars.append(row)
            totals += counts
    print(table(rows, left=(0, 1)))
    print("\nBars along these paths\n")
    print(table(bars, left=(0, 1)))
    entries, covered, lies = totals
    cover = covered / entries if entries else math.nan
    print(f"\ncover {cover:.4f} over {entries} entries, {lies} lies")
    print(f"\nMicroseconds of a gradient, n = {TIMED}\n")
    print(table([["", "calls", "all", "over those of f"], *overhead(options.rounds)]))
    return 0
