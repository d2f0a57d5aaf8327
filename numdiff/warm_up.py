"""Compiles all kernels in advance, as for container images: later they are on the disk."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from numdiff import native
from numdiff.drivers import compiled as driver
from numdiff.evaluation import machine_code
from numdiff.ladder import rounds, runtime
from numdiff.operators import derivative, gradient, hessian, jacobian

__all__ = ["WarmUp", "warm_up"]

X = np.array([0.3, 0.9, 1.6])
X.setflags(write=False)
PAIRS = np.eye(2, 3, dtype=np.int8) + np.eye(2, 3, 1, dtype=np.int8)
PAIRS.setflags(write=False)


@dataclass(frozen=True)
class WarmUp:
    """What was compiled, or found compiled: in how many seconds, and where it is kept."""

    seconds: dict[str, float]
    folders: tuple[str, ...]  # empty if compiled kernels cannot be kept

    def __str__(self) -> str:
        width = max(map(len, self.seconds))
        lines = [f"{name:{width}}  {took:6.1f} s" for name, took in self.seconds.items()]
        lines.append(f"{'in all':{width}}  {sum(self.seconds.values()):6.1f} s")
        nowhere = "nowhere: let NUMBA_CACHE_DIR name a folder that can be written to"
        return "\n".join([*lines, "kept in " + (", ".join(self.folders) or nowhere)])

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists, numbers and strings."""
        return {"seconds": self.seconds, "folders": list(self.folders)}


def warm_up() -> WarmUp:
    """Ask for derivatives of all kinds with kernels that compile at once.

    Returns
    -------
    WarmUp
        What was compiled. What the disk held already takes a fraction of a second.

    Examples
    --------
    >>> "kept in" in str(warm_up())  # doctest: +SKIP
    True
    """
    runtime.compile_now()
    seconds: dict[str, float] = {}
    for name, ask in _questions().items():
        start = perf_counter()
        ask()
        seconds[name] = perf_counter() - start
    entries: Any = [
        runtime.compiled(one) for one in (rounds.advance, driver.lead, machine_code.sweep)
    ]
    stats = [getattr(entry, "stats", None) for entry in entries]
    folders = {str(Path(one.cache_path)) for one in stats if one is not None and one.cache_path}
    return WarmUp(seconds, tuple(sorted(folders)))


def _questions() -> dict[str, Callable[[], object]]:
    """Return what is asked, by what it compiles, in order: each takes what came before along."""
    from numba import njit  # noqa: PLC0415 - takes longer to import than NumPy

    f = njit(lambda x: x[0] * np.exp(x[1]) + np.sin(x[2]))
    of_one = njit(lambda x: x * x)
    questions: dict[str, Callable[[], object]] = {
        "ladders": lambda: derivative(np.sin, X, order=2, vectorized=True),
        "kinks, noise and disputes": lambda: [
            derivative(lambda x: abs(x) + x, 0.0),
            derivative(lambda x: np.sin(x) + 1e-7 * np.sin(1e9 * x), 0.7, order=2),
            derivative(lambda x: round(np.sin(x), 6), 0.7),
        ],
        "Hessians": lambda: hessian(lambda x: x[0] * np.exp(x[1]) + np.sin(x[2]), X),
        # at many points f is asked by its machine code once there is some
        "compiled functions": lambda: [gradient(f, X), *(derivative(of_one, X) for _ in "ab")],
        "Hessians of compiled functions": lambda: hessian(f, X),
        "numdiff.native": lambda: [way(f)(X) for way in (native.gradient, native.hessian)],
    }
    if importlib.util.find_spec("scipy"):
        pattern = np.tri(X.size, dtype=np.int8)
        questions["sparse Jacobians and Hessians"] = lambda: [
            jacobian(np.cumsum, X, sparsity=pattern),
            jacobian(np.diff, X, sparsity=PAIRS, method="central", step="textbook"),
            hessian(np.sum, X, sparsity=pattern + pattern.T),
        ]
    return questions
