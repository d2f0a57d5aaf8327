"""Numba kernels: arrays in, arrays out, no Python objects, no allocation.

They are written as plain Python and compiled as a whole, an entry point with all that it calls.
What comes out is the same to the last bit whether they are compiled or interpreted, so a process
that asks for a few derivatives only need not wait for a compiler.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import FunctionType
from typing import Any, ParamSpec, TypeVar, cast

import numpy as np

P = ParamSpec("P")
R = TypeVar("R")

# Directions times outputs that a process interprets, a millisecond each, before it compiles: to
# load compiled kernels takes about half a second, to compile them for the first time ten.
PATIENCE = 64


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Mark a function that can be compiled."""
    function.__dict__["is_kernel"] = True
    return function


def allocating(function: Callable[P, R]) -> Callable[P, R]:
    """Mark a kernel that makes the arrays that others work in."""
    function.__dict__["allocates"] = True
    return kernel(function)


class _Meter:
    """How much this process has interpreted; it changes when kernels compile, never a result."""

    spent = 0


_METER = _Meter()


def runner(work: int) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Say how kernels are to be run for so many directions times outputs."""
    _METER.spent += work
    return compiled if _METER.spent > PATIENCE else interpreted


def interpreted(function: Callable[P, R]) -> Callable[P, R]:
    """Run a kernel as the Python function that it is, as quiet as compiled code."""
    return np.errstate(all="ignore")(function)


@cache
def compiled(
    function: Callable[P, R], *, lean: bool = False, **others: Callable[..., Any]
) -> Callable[P, R]:
    """Compile a kernel and the kernels that it calls, cached on disk where there is a place.

    `others` stand in for kernels of these names, wherever they are called. What is `lean` can only
    be called by compiled code: without wrappers for Python a kernel compiles faster.
    """
    from numba import config, njit  # noqa: PLC0415 - takes longer to import than NumPy

    if vars(config)["DISABLE_JIT"]:
        return interpreted(function)
    marks = function.__dict__
    if "twin" in marks:
        return cast("Callable[P, R]", marks["twin"]())
    plain = cast("FunctionType", function)
    scope = dict(plain.__globals__)
    for name in plain.__code__.co_names:
        if name in others:
            scope[name] = others[name]
        elif hasattr(scope.get(name), "is_kernel"):
            scope[name] = compiled(scope[name], lean=True, **others)
    twin = FunctionType(plain.__code__, scope, plain.__name__, plain.__defaults__)
    # the cache knows a kernel by its name, and must not give out a lean one for one that is not
    twin.__qualname__ = f"{plain.__qualname__}{'.lean' if lean else ''}"
    twin.__module__ = plain.__module__
    settings: dict[str, Any] = {
        "error_model": "numpy", "nogil": True, "_nrt": "allocates" in marks,
        "no_cpython_wrapper": lean, "no_cfunc_wrapper": lean,
    }  # fmt: skip
    # no fastmath: it deletes (x + h) - x and makes isnan(nan) False
    try:
        return cast("Callable[P, R]", njit(cache=not others, **settings)(twin))
    except RuntimeError:  # no folder for the cache, as in a read-only install without a home
        return cast("Callable[P, R]", njit(**settings)(twin))
