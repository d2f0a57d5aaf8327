"""Digits over evaluations: every method of numdiff and of its peers, with several settings.

First derivatives of the corpus. Digits of an answer that is missing count as -2, the least there
are, so that no failure is dropped; evaluations are those of all cases.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np

from benchmarks.quiet import quiet
from benchmarks.report import shown, table
from benchmarks.tools import TOOLS, available
from tests.measuring.cases import Answer, every_kth, outcomes_of, scalar_tasks
from tests.measuring.metrics import FEWEST, Outcome, count_silent, count_unanswered

Ask = Callable[[Any, Any], Any]
LIMIT = 300  # cases: all take an hour


class Setting(NamedTuple):
    """One way to ask a tool."""

    tool: str
    name: str
    ask: Ask


def _numdiff(options: dict[str, Any], f: Any, x: Any) -> Answer:
    found = import_module("numdiff").derivative(f, x, **options)
    return Answer(found.value, found.error, ~found.success)


def _numdifftools(options: dict[str, Any], f: Any, x: Any) -> Answer:
    return Answer(import_module("numdifftools").Derivative(f, **options)(x))


def _jacobi(options: dict[str, Any], f: Any, x: Any) -> Answer:
    return Answer(*import_module("jacobi").jacobi(f, x, **options))


def _scipy(options: dict[str, Any], f: Any, x: Any) -> Answer:
    def of_array(points: np.ndarray) -> np.ndarray:
        return np.array([f(point) for point in points.ravel()], float).reshape(points.shape)

    found = import_module("scipy.differentiate").derivative(of_array, x, **options)
    return Answer(found.df, found.error, not found.success)


def _differences(method: str, f: Any, x: Any) -> Answer:
    act = import_module("scipy.optimize._numdiff").approx_derivative
    return Answer(act(f, x, method=method))


def _statsmodels(centered: bool, f: Any, x: Any) -> Answer:
    act = import_module("statsmodels.tools.numdiff").approx_fprime
    return Answer(act(np.array([x]), f, centered=centered))


def _fdm(points: int, f: Any, x: Any) -> Answer:
    return Answer(import_module("fdm").central_fdm(points, 1)(f, x))


def _optimagic(method: str, f: Any, x: Any) -> Answer:
    return Answer(import_module("optimagic").first_derivative(f, x, method=method).derivative)


SETTINGS = (
    Setting("numdiff", "auto", partial(_numdiff, {})),
    *(
        Setting("numdiff", f"auto, rtol={rtol:g}", partial(_numdiff, {"rtol": rtol}))
        for rtol in (1e-2, 1e-4, 1e-6, 1e-8, 1e-10)
    ),
    Setting("numdiff", "richardson", partial(_numdiff, {"method": "richardson"})),
    Setting("numdiff", "central, no step", partial(_numdiff, {"method": "central"})),
    *(
        Setting("numdiff", f"{method}, {step}", partial(_numdiff, {"method": method, "step": step}))
        for method in ("forward", "central")
        for step in ("textbook", "shi")
    ),
    Setting("numdifftools", "default", partial(_numdifftools, {})),
    *(
        Setting("numdifftools", f"order={order}", partial(_numdifftools, {"order": order}))
        for order in (4, 6)
    ),
    Setting("numdifftools", "forward", partial(_numdifftools, {"method": "forward"})),
    Setting("jacobi", "default", partial(_jacobi, {})),
    *(
        Setting("jacobi", f"rtol={rtol:g}", partial(_jacobi, {"rtol": rtol}))
        for rtol in (1e-3, 1e-8)
    ),
    Setting("scipy.differentiate", "default", partial(_scipy, {})),
    *(
        Setting("scipy.differentiate", f"rtol={r:g}", partial(_scipy, {"tolerances": {"rtol": r}}))
        for r in (1e-3, 1e-8)
    ),
    Setting("scipy.differentiate", "order=4", partial(_scipy, {"order": 4})),
    *(Setting(name, "default", partial(_differences, name)) for name in ("2-point", "3-point")),
    Setting("statsmodels", "forward", partial(_statsmodels, False)),
    Setting("statsmodels", "centered", partial(_statsmodels, True)),
    *(Setting("fdm", f"{k} points", partial(_fdm, k)) for k in (3, 5, 7)),
    *(Setting("optimagic", name, partial(_optimagic, name)) for name in ("forward", "central")),
)


def digits_of(outcomes: Sequence[Outcome]) -> np.ndarray:
    """The digits of all outcomes, `FEWEST` where there is no answer."""
    return np.nan_to_num([outcome.digits for outcome in outcomes], nan=FEWEST)


def settings_of(names: Sequence[str]) -> list[Setting]:
    """All ways to ask the tools; those that have one way only as they come."""
    known = {setting.tool for setting in SETTINGS}
    alone = [
        Setting(tool.name, "default", partial(tool.derivative, order=1))
        for tool in TOOLS
        if tool.name in names and tool.name not in known and tool.derivative
    ]
    return [setting for setting in (*SETTINGS, *alone) if setting.tool in names]


def add_options(parser: argparse.ArgumentParser) -> None:
    names = [tool.name for tool in TOOLS]
    parser.add_argument("--half", choices=("tune", "confirm", "all"), default="confirm")
    parser.add_argument("--tool", nargs="+", choices=names, default=names)
    parser.add_argument("--limit", type=int, metavar="N", default=LIMIT, help="at most N cases")


def run(options: argparse.Namespace) -> int:
    """Ask each tool in each way, and print a row for each."""
    tools = [tool.name for tool in available(options.tool)]
    every = list(scalar_tasks(1, None if options.half == "all" else options.half))
    tasks = every_kth(every, options.limit)
    print(f"First derivatives: {len(tasks)} of {len(every)} cases, half: {options.half}\n")
    rows = [["tool", "setting", "evals", "median digits", "10 % digits", "silent", "no answer"]]
    for setting in settings_of(tools):
        with quiet():
            found = outcomes_of(setting.tool, setting.ask, tasks)
        right = digits_of(found)
        rows.append([
            setting.tool, setting.name, f"{np.mean([o.calls for o in found]):.1f}",
            f"{np.median(right):.1f}", f"{np.quantile(right, 0.1):.1f}",
            shown(count_silent(found), ".0f"), shown(count_unanswered(found), ".0f"),
        ])  # fmt: skip
    print(table(rows, left=(0, 1)))
    return 0
