"""What is measured in a process of its own: imports, first answers, peak memory."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

ROOT = Path(__file__).parents[1]

IMPORT = "from time import perf_counter as now; t = now(); import {module}; print(now() - t)"
COMPILE = "import numba; numba.njit(lambda x: x + 1.0)(1.0)"
FIRST_ANSWER = """
import numpy as np, numdiff
numdiff.gradient(lambda x: float(np.sin(x).sum()), np.arange(1.0, 11.0))
"""
PEAK = """
import math, time, tracemalloc
import numpy as np, numdiff
from numdiff.ladder import runtime

class TimeIsUp(BaseException):
    pass

calls = 0
deadline = float("inf")

def f(x):
    global calls
    calls += 1
    if time.monotonic() > deadline:
        raise TimeIsUp
    return float(x @ x)

runtime.PATIENCE = math.inf  # what a compiler takes is not counted
numdiff.gradient(f, np.ones(3))
x = np.linspace(1.0, 2.0, {n})
calls, deadline = 0, time.monotonic() + {seconds}
tracemalloc.start()
complete = 1
try:
    numdiff.gradient(f, x)
except TimeIsUp:
    complete = 0
print(tracemalloc.get_traced_memory()[1], calls, complete)
"""


class Fresh:
    """Runs Python code in new processes that keep their byte code and start from known caches."""

    def __init__(self, scratch: Path) -> None:
        self.environment = dict(os.environ)
        self.environment.pop("PYTHONDONTWRITEBYTECODE", None)
        self.scratch = scratch

    def run(self, code: str, *, cache: Path | None = None) -> str:
        """Run the code; ``cache`` is where Numba keeps compiled code."""
        folder = cache or self.scratch / "compiled"
        finished = subprocess.run(
            [sys.executable, "-c", code],
            env={**self.environment, "NUMBA_CACHE_DIR": str(folder)},
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        )
        return finished.stdout

    def seconds(self, code: str, *, cache: Path | None = None) -> float:
        """How long a whole process takes that runs the code."""
        start = perf_counter()
        self.run(code, cache=cache)
        return perf_counter() - start

    def seconds_of_import(self, module: str) -> float:
        return float(self.run(IMPORT.format(module=module)))

    def seconds_with_empty_cache(self, code: str) -> float:
        with TemporaryDirectory(dir=self.scratch) as empty:
            return self.seconds(code, cache=Path(empty))
