"""Compiled functions: every way to differentiate them, as ratios to the bare calls of f."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numba import njit

import numdiff as nd
from benchmarks import tools
from benchmarks.fresh import Fresh
from benchmarks.quiet import quiet
from benchmarks.report import shown, table, verdict, write_json
from benchmarks.speed import MICRO, Row
from benchmarks.timing import Action, Slow, in_rounds, in_turns, once, spread_of
from numdiff import native
from numdiff.ladder import runtime
from tests.measuring.metrics import Target

STEP = 1e-6
FIXED: dict[str, Any] = {"method": "central", "step": STEP}
LONG = 0.02  # seconds: what takes longer is timed call by call


# --- Functions to differentiate ---


@njit
def spend(x, repeats):
    """A smooth function whose cost grows with the number of repeats."""
    square = 0.0
    for i in range(x.size):
        square += x[i] * x[i]
    total = square
    for k in range(repeats):
        total += math.sin(square / (k + 1.0))
    return total


@njit
def _spend_often(points, repeats, times):
    total = 0.0
    for k in range(times):
        total += spend(points[k % len(points)], repeats)
    return total


def calibrated(seconds: float) -> Any:
    """Compile a function that costs about so much per call, or a little more where n is large."""
    points, times, some = np.random.default_rng(0).uniform(0.5, 1.5, (8, 10)), 100, 1000
    rivals = {str(k): partial(_spend_often, points, k, times) for k in (0, some)}
    usual = in_rounds(rivals, rounds=20).medians()
    least, each = usual["0"] / times, (usual[str(some)] - usual["0"]) / times / some
    repeats = max(0, round((seconds - least) / each))
    return njit(lambda x: spend(x, repeats))


@njit
def chain(x, out):
    """A function of many variables with as many outputs."""
    for i in range(x.size):
        out[i] = math.sin(x[i]) * x[i - 1]


@njit
def chained(x):
    out = np.empty(x.size)
    chain(x, out)
    return out


def bare_of(f: Any) -> Any:
    """Compile calls of f at a few points in turn, and nothing else."""

    @njit
    def bare(points, times):
        total = 0.0
        for k in range(times):
            total += f(points[k % len(points)])
        return total

    return bare


def bare_in_place(points: np.ndarray, times: int) -> None:
    out = np.empty(points.shape[1])
    _chain_often(points, times, out)


@njit
def _chain_often(points, times, out):
    for k in range(times):
        chain(points[k % len(points)], out)


def by_hand(f: Any) -> Any:
    """Compile the loop that a user would write."""

    @njit
    def slopes(x):
        found, point = np.empty(x.size), x.copy()
        for i in range(x.size):
            point[i] = x[i] + STEP
            above = f(point)
            point[i] = x[i] - STEP
            found[i] = (above - f(point)) / (2 * STEP)
            point[i] = x[i]
        return found

    return slopes


def times(contenders: Mapping[str, Action]) -> dict[str, float]:
    """Return the median time per call of each contender, however long it takes."""
    first = {name: min(once(call), once(call)) for name, call in contenders.items()}
    short = {name: contenders[name] for name, seconds in first.items() if seconds < LONG}
    long = {
        name: Slow(partial(once, contenders[name]), turns=1 if seconds > 1 else 5)
        for name, seconds in first.items()
        if seconds >= LONG
    }
    return in_rounds(short, rounds=15).medians() | (in_turns(long).medians() if long else {})


# --- Gradients ---

COSTS = (50e-9, MICRO, 20 * MICRO, 1e-3)
SIZES = (1, 10, 100, 1000)
LIMIT = 0.1  # seconds for n calls of f: more takes minutes and tells nothing new
CONTENDERS = (
    "by hand", "native, step", "nd, step", "SciPy 3-point", "native", "nd", "numdifftools",
)  # fmt: skip


PEERS = (("SciPy 3-point", "3-point"), ("numdifftools", "numdifftools"))


@dataclass(frozen=True)
class Compiled:
    """A function of known cost and what is compiled around it, once for all sizes."""

    cost: float
    f: Any
    bare: Any
    by_hand: Any
    native_step: Any
    native: Any


def compiled(cost: float) -> Compiled:
    f = calibrated(cost)
    return Compiled(
        cost, f, bare_of(f), by_hand(f), native.gradient(f, **FIXED), native.gradient(f)
    )


@dataclass(frozen=True)
class Case:
    """Times of every contender, and the calls of f that it makes."""

    cost: float
    n: int
    bare: float
    seconds: Mapping[str, float]
    calls: Mapping[str, int]

    def ratio(self, name: str) -> float:
        if name not in self.seconds:
            return math.nan
        return self.seconds[name] / (self.calls[name] * self.bare)

    @property
    def name(self) -> str:
        return f"n = {self.n}, f of {self.bare / MICRO:.2g} us"


def measured(box: Compiled, n: int) -> Case:
    f, x = box.f, np.linspace(0.5, 1.5, n)
    points = x + np.linspace(0.0, 1e-3, 8)[:, None]
    many = max(2, round(100 * MICRO / box.cost))
    counted = {}
    peers = {title: tools.gradient_of(name) for title, name in PEERS if tools.installed(name)}
    for name, tool in peers.items():
        counter = tools.Counted(f)
        tool(counter, x)
        counted[name] = counter.calls
    nfev = int(nd.gradient(f, x).nfev)
    calls = {"by hand": 2 * n, "native, step": 2 * n, "nd, step": 2 * n, "native": nfev, "nd": nfev}
    usual = times(
        {
            "bare": lambda: box.bare(points, many),
            "by hand": lambda: box.by_hand(x),
            "native, step": lambda: box.native_step(x),
            "nd, step": lambda: nd.gradient(f, x, **FIXED),
            "native": lambda: box.native(x),
            "nd": lambda: nd.gradient(f, x),
            **{name: partial(tool, f, x) for name, tool in peers.items()},
        }
    )
    return Case(box.cost, n, usual.pop("bare") / many, usual, calls | counted)


def targets_of(case: Case) -> Iterator[Row]:
    """The figures that a target is set for."""
    loop, ours = case.seconds["by hand"], case.seconds["native, step"]
    if case.n == 10:
        yield Row(
            f"{case.name}: native, step - by hand, us", (ours - loop) / MICRO, Target(high=2.0)
        )
    if case.n == 10 and case.bare >= 0.9 * MICRO:
        yield Row(f"{case.name}: native, step / by hand", ours / loop, Target(high=1.2))
    if case.n == 100:
        spent, nfev = case.seconds["nd"], case.calls["nd"]
        allowed = 1.5 * nfev * case.bare + 0.9 * MICRO * case.n + 30 * MICRO
        yield Row(
            f"{case.name}: nd / (1.5 x bare + 0.9 us x n + 30 us)",
            spent / allowed,
            Target(high=1.0),
            f"{nfev} evaluations",
        )
        slow = case.bare > 2 * MICRO  # then f alone takes longer than numdifftools may
        yield Row(
            f"{case.name}: numdifftools / nd",
            case.seconds.get("numdifftools", math.nan) / spent,
            None if slow else Target(low=20.0),
        )


def gradients(fresh: Fresh) -> Iterator[Case | Row]:
    runtime.compile_now()  # as in any process of more than a few seconds
    for cost in COSTS:
        box = compiled(cost)
        for n in SIZES:
            if n * cost <= LIMIT:
                case = measured(box, n)
                yield case
                yield from targets_of(case)


def smoke(fresh: Fresh) -> Iterator[Case]:
    """One function of one input: whether all of this runs."""
    yield measured(compiled(COSTS[1]), 1)


# --- Jacobian ---


def jacobian(fresh: Fresh) -> Iterator[Row]:
    x = np.linspace(0.5, 1.5, 1000)
    points = x + np.linspace(0.0, 1e-3, 8)[:, None]
    nfev = int(nd.jacobian(chain, x).nfev)
    calls, bare, contenders = {}, bare_in_place, {"bare": lambda: bare(points, 100)}
    for form, f in (("f(x, out)", chain), ("f(x)", chained)):
        for way, options, count in (("one step", FIXED, 2 * x.size), ("auto", {}, nfev)):
            made = native.jacobian(f, **options)
            contenders[f"native, {way}, {form}"] = partial(made, x)
            contenders[f"nd, {way}, {form}"] = partial(nd.jacobian, f, x, **options)
            calls |= {f"{tool}, {way}, {form}": count for tool in ("native", "nd")}
    usual = times(contenders)
    each = usual.pop("bare") / 100
    for name, seconds in usual.items():
        yield Row(
            f"Jacobian, n = 1000: {name} / bare",
            seconds / (calls[name] * each),
            Target(high=1.3),
            f"f of {each / MICRO:.1f} us, {calls[name]} evaluations",
        )


# --- Hessian ---


@njit
def rosenbrock(x):
    total = 0.0
    for i in range(x.size - 1):
        total += 100.0 * (x[i + 1] - x[i] ** 2) ** 2 + (1.0 - x[i]) ** 2
    return total


def black_box(x: np.ndarray) -> float:
    return float(rosenbrock(x))


def hessian(fresh: Fresh) -> Iterator[Row]:
    """Beside the same function where nothing tells that it is compiled."""
    runtime.compile_now()
    x = np.random.default_rng(0).uniform(-1.0, 1.0, 40)
    points, nfev = x + np.linspace(0.0, 1e-3, 8)[:, None], int(nd.hessian(rosenbrock, x).nfev)
    contenders = {
        "nd": Slow(partial(once, partial(nd.hessian, rosenbrock, x)), turns=40),
        "black box": Slow(partial(once, partial(nd.hessian, black_box, x)), turns=40),
    }
    found, bare = in_turns(contenders), bare_of(rosenbrock)
    each = times({"bare": lambda: bare(points, 1000)})["bare"] / 1000
    ratio = found.ratio("black box", "nd")
    yield Row(
        "Hessian, n = 40: black box / nd",
        ratio.median,
        Target(low=5.0),
        f"half of the rounds {ratio.low:.2f} to {ratio.high:.2f}",
    )
    yield Row(
        "Hessian, n = 40: nd / bare",
        found.medians()["nd"] / (nfev * each),
        detail=f"f of {each / MICRO:.2f} us, {nfev} evaluations",
    )


# --- Fresh processes ---

OWN = """
import numpy as np
from numba import njit
def make(c):
    return njit(lambda x: np.sin(c * x).sum())
x, f = np.arange(1.0, 101.0), make(1.0)
f(x)
"""
OPERATOR = f"{OWN}import numdiff\nnumdiff.gradient(f, x)\n"
NATIVE = f"{OWN}from numdiff import native\nnative.gradient(f)(x)\n"
AGAIN = """
from time import perf_counter as now
g = make(2.0)
g(x)
t = now()
{answer}
print(now() - t)
"""
FIRST = {"nd.gradient": OPERATOR, "native.gradient": NATIVE}
SECOND = {
    "nd.gradient": OPERATOR + AGAIN.format(answer="numdiff.gradient(g, x)"),
    "native.gradient": NATIVE + AGAIN.format(answer="native.gradient(g)(x)"),
}
MOST = {"nd.gradient": Target(high=0.1), "native.gradient": None}


def first_answers(fresh: Fresh) -> Iterator[Row]:
    """What a process pays that asks for one derivative, and for the next function's."""
    fresh.run("import numdiff, numba")  # byte code
    own = Slow(partial(fresh.seconds, OWN), turns=5)
    for name, code in FIRST.items():
        empty = fresh.seconds_with_empty_cache(code)
        fresh.run(code)
        warm = Slow(partial(fresh.seconds, code), turns=own.turns)
        usual = in_turns({"own": own, "warm": warm}).medians()
        for cache, seconds in (("warm", usual["warm"]), ("empty", empty)):
            yield Row(
                f"first {name}, {cache} cache / process that compiles f alone",
                seconds / usual["own"],
                detail=f"{seconds:.2f} s and {usual['own']:.2f} s",
            )
    for name, code in SECOND.items():
        seconds = spread_of([float(fresh.run(code)) for _ in range(3)]).median
        yield Row(f"second f in a process, {name}, s beyond its compilation", seconds, MOST[name])


# --- The command ---

GROUPS: dict[str, Callable[[Fresh], Iterator[Any]]] = {
    "gradient": gradients,
    "jacobian": jacobian,
    "hessian": hessian,
    "first-answer": first_answers,
}
SMOKE = {"smoke": smoke}


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--only", nargs="+", choices=[*GROUPS, *SMOKE], default=list(GROUPS))
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows")


def run(options: argparse.Namespace) -> int:
    """Measure the chosen groups and print a table of all cases and one of the targets."""
    with TemporaryDirectory() as scratch, quiet():
        fresh = Fresh(Path(scratch))
        found = [one for group in options.only for one in (GROUPS | SMOKE)[group](fresh)]
    cases = [one for one in found if isinstance(one, Case)]
    rows = [one for one in found if isinstance(one, Row)]
    if cases:
        titles = ("time / (calls of f x bare f)", *CONTENDERS)
        print(table([titles, *map(_ratios, cases)]), end="\n\n")
    if rows:
        print(table([("", "measured", "must", "met", ""), *map(_cells, rows)], left=(0, 4)))
    if options.json:
        write_json(options.json, [asdict(one) for one in found])
    return 0


def _ratios(case: Case) -> tuple[str, ...]:
    return case.name, *(shown(case.ratio(name), ".4g") for name in CONTENDERS)


def _cells(row: Row) -> tuple[str, ...]:
    must = "-" if row.target is None else str(row.target)
    return row.case, shown(row.figure, ".2f"), must, verdict(row.target, row.figure), row.detail
