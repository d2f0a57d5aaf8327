"""Derivatives at many points at once: time, cover, lies and evaluations, beside peers.

Times are those of all points with a vectorised f, in turns, as ratios to SciPy's.
"""

from __future__ import annotations

import argparse
import importlib.util
import tracemalloc
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from scipy import special
from scipy.differentiate import derivative as scipy_derivative

import numdiff
from benchmarks.report import table
from benchmarks.timing import in_rounds

LIE = 10.0  # times its bar: an error that no bar excuses
Function = Callable[[Any], Any]


class Case(NamedTuple):
    """A function of arrays, its derivative, and where both are asked."""

    f: Function
    slope: Function
    low: float
    high: float


CASES = {
    "sin": Case(np.sin, np.cos, -3.0, 3.0),
    "exp": Case(np.exp, np.exp, -3.0, 3.0),
    "1/(1 + x^2)": Case(
        lambda x: 1.0 / (1.0 + x * x), lambda x: -2.0 * x / (1.0 + x * x) ** 2, -3.0, 3.0
    ),
    "erf": Case(special.erf, lambda x: 2.0 / np.sqrt(np.pi) * np.exp(-x * x), -2.0, 2.0),
    "J0": Case(special.j0, lambda x: -special.j1(x), 0.5, 9.0),
    "gamma": Case(special.gamma, lambda x: special.gamma(x) * special.digamma(x), 0.5, 5.0),
    "log gamma": Case(special.gammaln, special.digamma, 0.5, 9.0),
}


def numdifftools_derivative(f: Function, x: np.ndarray) -> tuple[Any, Any, int]:
    import numdifftools

    counted = Counted(f)
    value, bars, *_ = numdifftools.Derivative(counted, full_output=True)(x)
    # before version 0.11 a record of all it knows
    return value, getattr(bars, "error_estimate", bars), counted.points


def scipys(f: Function, x: np.ndarray) -> tuple[Any, Any, int]:
    result = scipy_derivative(f, x)
    return result.df, np.where(result.success, result.error, np.inf), int(result.nfev.sum())


def numdiffs(f: Function, x: np.ndarray) -> tuple[Any, Any, int]:
    estimate = numdiff.derivative(f, x, vectorized=True)
    return estimate.value, np.where(estimate.success, estimate.error, np.inf), estimate.nfev


class Counted:
    """A function that counts the points at which it is asked."""

    def __init__(self, f: Function) -> None:
        self.f, self.points = f, 0

    def __call__(self, x: Any) -> Any:
        self.points += np.size(x)
        return self.f(x)


def tools() -> dict[str, Callable[[Function, np.ndarray], tuple[Any, Any, int]]]:
    found = {"scipy": scipys, "numdiff": numdiffs}
    if importlib.util.find_spec("numdifftools"):
        found["numdifftools"] = numdifftools_derivative
    return found


def row(name: str, points: int, rounds: int) -> list[list[str]]:
    """One function: a line for each tool."""
    case = CASES[name]
    x = np.linspace(case.low, case.high, points)
    actions = {tool: partial(ask, case.f, x) for tool, ask in tools().items()}
    seconds = in_rounds(actions, rounds=rounds, block=1e-2).medians()
    lines = []
    for tool, ask in actions.items():
        value, error, nfev = ask()
        off = np.abs(value - case.slope(x))
        known = np.isfinite(error)
        cover, lies = np.mean(off[known] <= error[known]), np.sum(off[known] > LIE * error[known])
        lines.append(
            [name, tool, f"{seconds[tool] / seconds['scipy']:.2f}",
             f"{seconds[tool] / points * 1e6:.2f}", f"{cover:.4f}", f"{lies}",
             f"{np.sum(~known)}", f"{nfev / points:.2f}"]
        )  # fmt: skip
    return lines


def peak(points: int) -> float:
    """Megabytes that a million points take above x, at the highest."""
    x = np.linspace(-3.0, 3.0, points)
    numdiff.derivative(np.sin, x[:1000], vectorized=True)
    tracemalloc.start()
    numdiff.derivative(np.sin, x, vectorized=True)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most / 1e6


def by_calls(points: int, rounds: int) -> float:
    """Microseconds on top of each evaluation of an f that takes one point."""
    x, f = np.linspace(-3.0, 3.0, points), lambda t: t * t * t
    estimate = numdiff.derivative(f, x)
    numbers = np.resize(x, estimate.nfev)
    found = in_rounds(
        {"all": lambda: numdiff.derivative(f, x), "f": lambda: [f(t) for t in numbers]},
        rounds=rounds, block=1e-2,
    )  # fmt: skip
    return found.more("all", "f").median / estimate.nfev * 1e6


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--functions", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--points", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5, help="how often everything is timed")
    parser.add_argument("--memory", type=int, default=1_000_000, help="points of the peak")


def run(options: argparse.Namespace) -> int:
    rows = [["function", "tool", "time / SciPy", "us a point", "cover", "lies", "flagged", "evals"]]
    for name in options.functions:
        rows += row(name, options.points, options.rounds)
    print(table(rows, left=(0, 1)))
    print(f"\n{options.memory} points take {peak(options.memory):.0f} MB at the peak")
    over = by_calls(min(options.points, 2000), options.rounds)
    print(f"an f of one point: {over:.2f} us on top of each evaluation")
    return 0
