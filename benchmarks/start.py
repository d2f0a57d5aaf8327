"""Fresh processes: what importing, the first answer and an optimiser take, and the longest stall.

Each figure is the median of several processes. "cold" finds no compiled kernels on the disk, "warm"
those that ``numdiff warm-up`` left there. Few derivatives are those of processes that ask for no
more than a few, so that nothing is compiled; the shortest of 30 calls counts, in turns.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.fresh import FIRST_ANSWER, IMPORT, Fresh
from benchmarks.report import table

WARM_UP = "from numdiff.cli import main; main(['warm-up'])"
FIRST = "from time import perf_counter as now; t = now()" + FIRST_ANSWER + "print(now() - t)"
MINIMIZE = """
from time import perf_counter as now
import numpy, scipy.optimize
from scipy.optimize import minimize, rosen
t = now()
import numdiff as nd
longest = 0.0
def slope(x):
    global longest
    start = now()
    value = nd.gradient(rosen, x).value
    longest = max(longest, now() - start)
    return value
minimize(rosen, [1.3, 0.7, 0.8, 1.9, 1.2], jac=slope)
print(now() - t, longest)
"""
MANY = """
import numpy as np, numdiff as nd
from time import perf_counter as now
t = now()
nd.derivative(np.sin, np.linspace(0.0, 3.0, {points}), vectorized=True)
print(now() - t)
"""
FEW = """
import importlib.util, math
from time import perf_counter as now
from scipy.optimize import rosen
import numdiff as nd

three, ten = [0.3, 0.7, 1.1], [0.2 * k for k in range(1, 11)]
ways = {"numdiff": (
    lambda: nd.derivative(math.sin, 0.7), lambda: nd.gradient(rosen, three),
    lambda: nd.gradient(rosen, ten),
)}
if importlib.util.find_spec("numdifftools"):
    import numdifftools as nt
    ways["numdifftools"] = (
        lambda: nt.Derivative(math.sin)(0.7), lambda: nt.Gradient(rosen)(three),
        lambda: nt.Gradient(rosen)(ten),
    )

def took(call):
    start = now()
    call()
    return now() - start

print(*ways)
for calls in zip(*ways.values()):  # in turns: machines are not equally fast all the time
    print(*map(min, zip(*[[took(call) for call in calls] for _ in range(30)])))
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--turns", type=int, default=3, help="processes for each figure")
    parser.add_argument("--points", type=int, default=10_000, help="of a vectorised f")
    parser.add_argument("--cold", action="store_true", help="leave out what needs a warm-up")


def run(options: argparse.Namespace) -> int:
    with TemporaryDirectory() as folder:
        fresh, turns = Fresh(Path(folder)), range(options.turns)
        imports = {
            name: median(float(fresh.run(IMPORT.format(module=name))) for _ in turns)
            for name in ("numpy", "numdiff")
        }
        print(f"import numdiff / import numpy: {imports['numdiff'] / imports['numpy']:.2f}\n")
        rows = [["seconds", "first answer", "minimize, n = 5", "its longest"]]
        rows[0].append(f"{options.points:,} points")
        codes = FIRST, MINIMIZE, MANY.format(points=options.points)
        rows.append(["cold", *_figures(fresh, codes, None, options.turns)])
        if not options.cold:
            kept = Path(folder) / "kept"
            print(fresh.run(WARM_UP, cache=kept).rpartition("kept in")[0])
            rows.append(["warm", *_figures(fresh, codes, kept, options.turns)])
        print(table(rows), "\n")
        print(table(_few(fresh, options.turns)))
    return 0


def _few(fresh: Fresh, turns: int) -> list[list[str]]:
    """Return what few derivatives take, in milliseconds, beside numdifftools where that is."""
    rows = [["milliseconds", "sine", "gradient, n = 3", "n = 10"]]
    runs = [fresh.run(FEW).splitlines() for _ in range(turns)]
    figures = [[[float(word) for word in line.split()] for line in run[1:]] for run in runs]
    for k, name in enumerate(runs[0][0].split()):
        asks = zip(*figures, strict=True)
        rows.append([name, *(f"{1e3 * median(one[k] for one in ask):.2f}" for ask in asks)])
    return rows


def _figures(fresh: Fresh, codes: Sequence[str], kept: Path | None, turns: int) -> list[str]:
    found = []
    for code in codes:
        runs = []
        for _ in range(turns):
            with TemporaryDirectory(dir=fresh.scratch) as empty:
                printed = fresh.run(code, cache=kept or Path(empty))
            runs.append([float(word) for word in printed.split()])
        found += [f"{median(figure):.2f}" for figure in zip(*runs, strict=True)]
    return found
