"""Numba kernels: arrays in, arrays out, no Python objects, no allocation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import numba

__all__ = ["jit"]

P = ParamSpec("P")
R = TypeVar("R")


def jit(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a kernel, cached on disk where there is a place to write."""
    # no fastmath: it deletes (x + h) - x and makes isnan(nan) False
    try:
        compiled: Any = numba.njit(cache=True, error_model="numpy")(function)
    except RuntimeError:  # no folder for the cache, as in a read-only install without a home
        compiled = numba.njit(error_model="numpy")(function)
    return compiled  # type: ignore[no-any-return]
