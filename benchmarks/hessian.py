"""Hessians of Rosenbrock's function over its number of inputs: evaluations, time and digits.

Times are taken in turns; the ratio is that of each turn, its median and, in brackets, quartiles.
"""

from __future__ import annotations

import argparse
from functools import partial

import numpy as np
from scipy.optimize import rosen, rosen_hess

from benchmarks.quiet import quiet
from benchmarks.report import shown, table
from benchmarks.timing import Slow, in_turns, once
from benchmarks.tools import TOOLS, Counted, available
from numdiff.ladder import runtime
from tests.measuring.metrics import digits

MOST = {"scipy.differentiate": 10}  # inputs: beyond, minutes pass


def add_options(parser: argparse.ArgumentParser) -> None:
    names = [tool.name for tool in TOOLS]
    parser.add_argument("--n", type=int, nargs="+", default=[2, 5, 10, 20, 40])
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--tool", nargs="+", choices=names, default=names)
    parser.add_argument("--cold", action="store_true", help="with interpreted kernels")


def run(options: argparse.Namespace) -> int:
    """Print a row for each number of inputs and tool."""
    if not options.cold:
        runtime.compile_now()  # as in any process of more than a few seconds
    tools = [tool for tool in available(options.tool) if tool.hessian]
    rows = [["n", "tool", "evaluations", "per pair", "digits", "ms", "time / numdiff's"]]
    for n in options.n:
        x, exact = np.linspace(0.5, 1.5, n), rosen_hess(np.linspace(0.5, 1.5, n))
        asks = {tool.name: tool.hessian for tool in tools if n <= MOST.get(tool.name, n)}
        said = {}
        with quiet():
            for name, ask in asks.items():
                f = Counted(rosen)
                said[name] = ask(f, x).value, f.calls
            calls = {name: partial(once, partial(ask, rosen, x)) for name, ask in asks.items()}
            times = in_turns({name: Slow(call, options.turns) for name, call in calls.items()})
        medians = times.medians()
        for name, (value, nfev) in said.items():
            right = digits(np.abs(value - exact).max(), np.abs(exact).max())
            ratio = str(times.ratio(name, "numdiff")) if "numdiff" in times else "-"
            rows.append([
                str(n), name, f"{nfev:,}", f"{nfev / (n * (n + 1) / 2):.1f}",
                shown(right, ".1f"), f"{1e3 * medians[name]:.3g}", ratio,
            ])  # fmt: skip
    print(table(rows, left=(1,)))
    return 0
