"""Time, evaluations and memory beside peers and beside bare calls of f, as ratios in one run."""

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
from scipy import optimize

from benchmarks import tools
from benchmarks.fresh import COMPILE, FIRST_ANSWER, PEAK, Fresh
from benchmarks.quiet import quiet
from benchmarks.report import shown, table, verdict, write_json
from benchmarks.timing import Rounds, Slow, in_rounds, in_turns, once
from numdiff.ladder import runtime
from tests.measuring.metrics import Target, digits

Function = Callable[[np.ndarray], Any]
MICRO = 1e-6
MEGA = 1e6


@dataclass(frozen=True)
class Row:
    """A figure, what it must be, and what it was made of."""

    case: str
    figure: float
    target: Target | None = None
    detail: str = ""


# --- Functions to differentiate ---


def copies(x: np.ndarray, number: int) -> list[np.ndarray]:
    """Rows of one fresh block, as an operator hands them to f."""
    return list(np.tile(x, (number, 1)))


def bare(f: Function, points: list[np.ndarray]) -> Callable[[], None]:
    """Call f at every point and do nothing else."""

    def call() -> None:
        for point in points:
            f(point)

    return call


def waves(terms: int, n: int) -> Function:
    """A smooth function of n variables whose cost grows with the number of terms."""
    weights = list(np.random.default_rng(0).uniform(0.2, 1.0, (terms, n)))

    def f(x: np.ndarray) -> float:
        return sum([math.sin(w.dot(x)) for w in weights])

    return f


def calibrated(seconds: float, n: int) -> Function:
    """The cheapest of `waves` that costs at least so much per call."""
    points = copies(np.linspace(0.5, 1.5, n), 100)
    for terms in range(1, 1000):
        time = in_rounds({"bare": bare(waves(terms, n), points)}, rounds=20).medians()["bare"]
        if time / len(points) >= seconds:
            return waves(terms, n)
    raise RuntimeError("no number of terms is slow enough")


# --- Black box ---

N = 10
PER_EVALUATION, ONCE = 0.6 * MICRO, 12 * MICRO


BLACK_BOX = {
    "overhead": Target(high=1.0),
    "statsmodels": Target(low=1.0),
    "3-point": Target(low=4.0),
    "bare": Target(high=2.5),
    "numdifftools": Target(low=4.0),
    "jacobi": Target(low=20.0),
}


@dataclass(frozen=True)
class BlackBox:
    """A function of `N` variables, and the targets that hold for functions of its cost."""

    name: str
    make: Callable[[], Function]
    must: Mapping[str, Target]


BLACK_BOXES = (
    BlackBox("f of 1 us", partial(calibrated, 1 * MICRO, N), BLACK_BOX),
    BlackBox(
        "f of 2 us",
        partial(calibrated, 2 * MICRO, N),
        {name: target for name, target in BLACK_BOX.items() if name != "3-point"},
    ),
    BlackBox("SciPy's rosen", lambda: optimize.rosen, {}),
)


def _count(call: Callable[[Function], object], f: Function) -> int:
    counted = tools.Counted(f)
    call(counted)
    return counted.calls


def fixed_step_rows(f: Function, case: str, must: Mapping[str, Target]) -> Iterator[Row]:
    """One central difference per direction: what is spent besides f."""
    import numdiff

    x = np.linspace(0.5, 1.5, N)

    def ours(f: Function) -> object:
        return numdiff.gradient(f, x, method="central", step=1e-6)

    nfev = _count(ours, f)
    found = in_rounds(
        {
            "bare": bare(f, copies(x, nfev)),
            "numdiff": lambda: ours(f),
            **_peers(f, x, "statsmodels", "3-point"),
        },
        rounds=40,
    )
    bare_seconds, spent = found.medians()["bare"], found.more("numdiff", "bare").median
    yield Row(
        f"{case}, central: overhead / (0.6 us x nfev + 12 us)",
        spent / (nfev * PER_EVALUATION + ONCE),
        must.get("overhead"),
        f"bare {bare_seconds / nfev / MICRO:.2f} us, {nfev} evaluations, "
        f"{spent / nfev / MICRO:.2f} us each besides f",
    )
    yield from _ratio_rows(found, f"{case}, central:", ("statsmodels", "3-point"), must)


def default_rows(f: Function, case: str, must: Mapping[str, Target]) -> Iterator[Row]:
    """The default method, beside bare calls and beside peers with error bars."""
    import numdiff

    x = np.linspace(0.5, 1.5, N)
    nfev = _count(lambda f: numdiff.gradient(f, x), f)
    found = in_rounds(
        {
            "bare": bare(f, copies(x, nfev)),
            "numdiff": lambda: numdiff.gradient(f, x),
            **_peers(f, x, "numdifftools", "jacobi"),
        },
        rounds=25,
    )
    ratio, case = found.ratio("numdiff", "bare"), f"{case}, default:"
    detail = f"{nfev} evaluations, half of the rounds {ratio.low:.2f} to {ratio.high:.2f}"
    yield Row(f"{case} numdiff / (nfev x bare f)", ratio.median, must.get("bare"), detail)
    yield from _ratio_rows(found, case, ("numdifftools", "jacobi"), must)


def _peers(f: Function, x: np.ndarray, *names: str) -> dict[str, Callable[[], object]]:
    """The gradients of those peers that are installed."""
    return {name: partial(tools.gradient_of(name), f, x) for name in tools.installed(*names)}


def _ratio_rows(
    found: Rounds, case: str, peers: tuple[str, ...], must: Mapping[str, Target]
) -> Iterator[Row]:
    """The times of peers over numdiff's: the median of the ratios in all rounds."""
    for peer in peers:
        if peer in found:
            ratio = found.ratio(peer, "numdiff")
            detail = f"half of the rounds {ratio.low:.2f} to {ratio.high:.2f}"
            yield Row(f"{case} {peer} / numdiff", ratio.median, must.get(peer), detail)
        else:
            yield Row(f"{case} {peer} / numdiff", math.nan, must.get(peer), "not installed")


def black_box(fresh: Fresh) -> Iterator[Row]:
    runtime.compile_now()  # as in any process of more than a few seconds
    for box in BLACK_BOXES:
        f = box.make()
        yield from fixed_step_rows(f, box.name, box.must)
        yield from default_rows(f, box.name, box.must)


# --- Hessian ---


def hessian(fresh: Fresh) -> Iterator[Row]:
    if not tools.installed("numdifftools"):
        return
    runtime.compile_now()
    x = np.linspace(0.5, 1.5, 40)
    exact = optimize.rosen_hess(x)
    contenders = {
        "numdiff": tools.hessian_of("numdiff"),
        "numdifftools": tools.hessian_of("numdifftools"),
    }
    calls, right = {}, {}
    for name, tool in contenders.items():
        f = tools.Counted(optimize.rosen)
        wrong = np.abs(tool(f, x).value - exact).max()
        calls[name], right[name] = f.calls, digits(wrong, np.abs(exact).max())
    found = in_turns(
        {
            name: Slow(partial(once, partial(tool, optimize.rosen, x)), turns=5)
            for name, tool in contenders.items()
        }
    )
    case = "Hessian, rosen, n = 40: "
    yield Row(
        f"{case}evaluations, numdifftools / numdiff",
        calls["numdifftools"] / calls["numdiff"],
        Target(low=4.0),
        f"{calls['numdifftools']} and {calls['numdiff']}",
    )
    ratio = found.ratio("numdifftools", "numdiff")
    yield Row(
        f"{case}time, numdifftools / numdiff",
        ratio.median,
        Target(low=8.0),
        f"half of the rounds {ratio.low:.2f} to {ratio.high:.2f}",
    )
    yield Row(
        f"{case}digits, numdiff - numdifftools",
        right["numdiff"] - right["numdifftools"],
        Target(low=0.0),
        f"{right['numdiff']:.1f} and {right['numdifftools']:.1f}",
    )


# --- Fresh processes ---


def imports(fresh: Fresh) -> Iterator[Row]:
    turns = {"numpy": 12, "numdiff": 12, "scipy.optimize": 4}
    seconds = in_turns(
        {
            module: Slow(partial(fresh.seconds_of_import, module), number)
            for module, number in turns.items()
        }
    ).medians()
    for module, target in (("numdiff", Target(high=1.05)), ("scipy.optimize", None)):
        yield Row(f"import {module} / import numpy", seconds[module] / seconds["numpy"], target)


def first_answer(fresh: Fresh) -> Iterator[Row]:
    fresh.run("import numdiff")  # byte code
    fresh.run(FIRST_ANSWER)  # fills the cache
    seconds = in_turns(
        {
            "compile": Slow(lambda: fresh.seconds(COMPILE), turns=5),
            "warm": Slow(lambda: fresh.seconds(FIRST_ANSWER), turns=5),
            "empty": Slow(lambda: fresh.seconds_with_empty_cache(FIRST_ANSWER), turns=3),
        }
    ).medians()
    for cache, most in (("warm", 1.3), ("empty", 8.0)):
        yield Row(
            f"first answer, {cache} cache / process that compiles one trivial function",
            seconds[cache] / seconds["compile"],
            Target(high=most),
        )


def memory(fresh: Fresh) -> Iterator[Row]:
    peak, calls, complete = fresh.run(PEAK.format(n=100_000, seconds=6)).split()
    yield Row(
        "gradient, n = 1e5: peak memory above baseline, MB",
        float(peak) / MEGA,
        Target(high=200.0),
        f"{calls} evaluations" + ("" if int(complete) else ", then stopped for time"),
    )


# --- The command ---

GROUPS: dict[str, Callable[[Fresh], Iterator[Row]]] = {
    "black-box": black_box,
    "hessian": hessian,
    "import": imports,
    "first-answer": first_answer,
    "memory": memory,
}


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--only", nargs="+", choices=GROUPS, default=list(GROUPS))
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows")


def run(options: argparse.Namespace) -> int:
    """Measure the chosen groups and print one table."""
    rows: list[Row] = []
    with TemporaryDirectory() as scratch:
        fresh = Fresh(Path(scratch))
        for group in options.only:
            with quiet():
                rows += GROUPS[group](fresh)
    print(table([("", "measured", "must", "met", ""), *map(_cells, rows)], left=(0, 4)))
    if options.json:
        write_json(options.json, [_content(row) for row in rows])
    return 0


def _cells(row: Row) -> tuple[str, ...]:
    must = "-" if row.target is None else str(row.target)
    return row.case, shown(row.figure, ".2f"), must, verdict(row.target, row.figure), row.detail


def _content(row: Row) -> dict[str, Any]:
    return {**asdict(row), "met": row.target.met(row.figure) if row.target else None}
