"""Colours, and the time of colourings and of sparse Jacobians, beside SciPy and bare calls of f."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
from scipy.optimize._numdiff import approx_derivative, group_columns

import numdiff
from benchmarks.report import shown, table
from benchmarks.timing import Slow, in_turns, once
from numdiff.ladder import runtime
from tests.measuring.patterns import arrow, band, delaunay, grid, random_pattern

Build = Callable[[int], Any]

PATTERNS: Mapping[str, Build] = MappingProxyType(
    {
        "tridiagonal": lambda n: band(n, 1),
        "band of 21": lambda n: band(n, 10),
        "5 points": lambda n: grid(*[round(n ** (1 / 2))] * 2),
        "9 points": lambda n: grid(*[round(n ** (1 / 2))] * 2, corners=True),
        "7 points": lambda n: grid(*[round(n ** (1 / 3))] * 3),
        "27 points": lambda n: grid(*[round(n ** (1 / 3))] * 3, corners=True),
        "random, 5": lambda n: random_pattern(n, 5),
        "Delaunay": lambda n: delaunay(n, 2),
        "arrow": arrow,
    }
)
QUADRATIC = 10_000  # inputs up to which SciPy colours dense rows in bearable time
STEPS = {
    "forward": ({"method": "forward", "step": "textbook"}, "2-point"),
    "central": ({"method": "central", "step": "textbook"}, "3-point"),
}


def chain(x: np.ndarray) -> np.ndarray:
    """Broyden's tridiagonal equations."""
    y = (3.0 - 2.0 * x) * x + 1.0
    y[1:] -= x[:-1]
    y[:-1] -= 2.0 * x[1:]
    return y


def exponent(seconds: Mapping[int, float]) -> float:
    """By which power of n time grows, from the smallest to the largest."""
    small, large = min(seconds), max(seconds)
    if small == large:
        return math.nan
    return math.log(seconds[large] / seconds[small]) / math.log(large / small)


def coloring_row(name: str, n: int, turns: int) -> tuple[list[str], float]:
    """Colours of a pattern, and the time of colouring it beside SciPy's."""
    pattern = PATTERNS[name](n)
    rivals: dict[str, Callable[[], Any]] = {"ours": partial(numdiff.sparse.color, pattern)}
    if name != "arrow" or n <= QUADRATIC:
        rivals["SciPy"] = partial(group_columns, pattern)
    symmetric = numdiff.sparse.color(pattern, symmetric=True)
    ours = rivals["ours"]().n_colors
    theirs = int(rivals["SciPy"]().max()) + 1 if "SciPy" in rivals else math.nan
    found = in_turns({who: Slow(partial(once, act), turns) for who, act in rivals.items()})
    longest = int(np.bincount(pattern.tocsc().indices).max())
    ours_seconds = found.medians()["ours"]
    faster = str(found.ratio("SciPy", "ours")) if "SciPy" in found else "-"
    row = [
        name, f"{pattern.shape[1]:,}", f"{pattern.nnz:,}", str(longest), str(ours),
        shown(theirs, ".0f"), str(symmetric.n_colors), f"{1e3 * ours_seconds:.1f}",
        faster,
    ]  # fmt: skip
    return row, ours_seconds


def jacobian_row(n: int, steps: str, turns: int) -> tuple[list[str], float]:
    """The time of a tridiagonal Jacobian with one step, its colouring prepared."""
    pattern, x = band(n, 1), np.random.default_rng(0).normal(size=n)
    ours = numdiff.sparse.color(pattern)
    unchecked = numdiff.sparse.color(pattern, check=False)
    groups, (options, method) = group_columns(pattern), STEPS[steps]
    rivals: dict[str, Callable[[], Any]] = {
        "ours": lambda: numdiff.jacobian(chain, x, sparsity=ours, **options),
        "unchecked": lambda: numdiff.jacobian(chain, x, sparsity=unchecked, **options),
        "SciPy": lambda: approx_derivative(chain, x, method=method, sparsity=(pattern, groups)),
        "f": lambda: chain(x.copy()),
    }
    nfev = rivals["ours"]().nfev
    found = in_turns({who: Slow(partial(once, act), turns) for who, act in rivals.items()})
    ours_seconds, bare = found.medians()["ours"], found.ratio("ours", "f").median / nfev
    faster = (str(found.ratio("SciPy", who)) for who in ("ours", "unchecked"))
    row = [steps, f"{n:,}", str(nfev), f"{1e3 * ours_seconds:.2f}", f"{bare:.1f}", *faster]
    return row, ours_seconds


def add_options(parser: argparse.ArgumentParser) -> None:
    sizes = [1_000, 10_000, 100_000, 1_000_000]
    parser.add_argument("--sizes", type=int, nargs="+", default=sizes, help="numbers of inputs")
    parser.add_argument("--patterns", nargs="+", choices=PATTERNS, default=list(PATTERNS))
    parser.add_argument("--turns", type=int, default=5, help="how often each is timed")


def run(options: argparse.Namespace) -> int:
    runtime.compile_now()  # as in any process of more than a few seconds
    titles = ["pattern", "n", "entries", "longest row", "colors", "SciPy", "symmetric", "ms"]
    rows, growth = [[*titles, "SciPy / ours"]], [["", "time grows with n to the"]]
    for name in options.patterns:
        seconds = {}
        for n in options.sizes:
            row, seconds[n] = coloring_row(name, n, options.turns)
            rows.append(row)
        growth.append([f"coloring, {name}", shown(exponent(seconds), ".2f")])
    print(table(rows))
    titles = ["steps", "n", "nfev", "ms", "/ bare calls", "SciPy / ours", "/ unchecked"]
    rows = [titles]
    for steps in STEPS:
        seconds = {}
        for n in options.sizes:
            row, seconds[n] = jacobian_row(n, steps, options.turns)
            rows.append(row)
        growth.append([f"Jacobian, tridiagonal, {steps}", shown(exponent(seconds), ".2f")])
    print("\nJacobians of tridiagonal equations, the colouring prepared\n")
    print(table(rows))
    print()
    print(table(growth))
    return 0
