"""Numba kernels: arrays in, arrays out, no Python objects, no allocation.

They are written as plain Python and compiled as a whole, an entry point with all that it calls.
What comes out is the same to the last bit whether they are compiled or interpreted, so a process
that asks for a few derivatives only need not wait for a compiler. It compiles when it has spent
as long in interpreted kernels as compiling is expected to take: no wait is longer than what went
before, and the total at most twice the least there could have been.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable
from functools import cache
from hashlib import sha1
from logging import getLogger
from pathlib import Path
from time import perf_counter
from types import FunctionType
from typing import Any, ParamSpec, TypeVar, cast

import numpy as np

P = ParamSpec("P")
R = TypeVar("R")

# Who rents skis until the rent has reached the price pays at most twice what he would, had he known
# how often he goes: so much of the price is spent before. Below 0 kernels compile at once, and with
# infinity never.
PATIENCE = 1.0
LOADING = 0.5  # seconds it takes to import Numba and to read kernels from the disk
COMPILING = 9.0  # seconds it takes to compile those of the ladder
COMPILING_LANES = 3.0  # and those of lanes, apart: they serve most directions
ROOMS = "ladder", "drivers", "evaluation"  # where kernels are that call each other
EACH = 1e-3  # seconds for a direction and output, interpreted: what is about to be spent counts too


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Mark a function that can be compiled."""
    function.__dict__["is_kernel"] = True
    return function


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """Mark a kernel of the usual way that becomes a part of those that call it.

    Calls that hand on a dozen arrays take a third of a ladder's time otherwise. All others are only
    called: to compile them anew in each place takes longer than it saves.
    """
    function.__dict__["inlined"] = True
    return kernel(function)


def allocating(function: Callable[P, R]) -> Callable[P, R]:
    """Mark a kernel that makes the arrays that others work in."""
    function.__dict__["allocates"] = True
    return kernel(function)


def separate(**shapes: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Mark a kernel that is compiled once, and that other kernels call by its name.

    All others are compiled again as a part of each kernel that calls them. What its arguments are
    their names tell, as `linking` knows them, or `shapes` where they are others here.
    """

    def mark(function: Callable[P, R]) -> Callable[P, R]:
        function.__dict__["separate"] = shapes
        return kernel(function)

    return mark


def stands_in(kernel: Callable[P, R]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Mark a function that does with array operations what a kernel does, with the same bits.

    It is called in place of the kernel while that is interpreted.
    """

    def register(function: Callable[P, R]) -> Callable[P, R]:
        kernel.__dict__["in_arrays"] = function
        return function

    return register


class Table(tuple[Any, ...]):
    """Numbers that kernels look up: for compiled ones an array of them.

    What is taken from an array is a number of NumPy, which Python takes long to reckon with.
    """

    __slots__ = ()


class _Meter:
    """What this process has interpreted; it changes when kernels compile, never a result."""

    spent = 0.0  # seconds
    calmly = 0.0  # seconds for what lanes do, which are not in the others
    compiles = lanes = False  # whether that has begun, from which there is no way back


_METER = _Meter()


def runner(work: int) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Say how kernels are to be run for so many directions times outputs."""
    if not _METER.compiles and _METER.spent + EACH * work > PATIENCE * price():
        _METER.compiles = True
    return compiled if _METER.compiles and math.inf > PATIENCE else interpreted


def lanes_pay() -> bool:
    """Say whether lanes are to be compiled, or are."""
    if not _METER.lanes and _METER.calmly > PATIENCE * price("lanes.lead_calm", COMPILING_LANES):
        _METER.lanes = True
    return (_METER.lanes or _METER.compiles) and math.inf > PATIENCE


def spend_calmly(start: float) -> None:
    """Take note of the time from a start to now that lanes would have saved."""
    _METER.calmly += perf_counter() - start


def compile_now() -> None:
    """Compile all kernels from now on, whether that pays or not."""
    _METER.compiles = True


def interpreted(function: Callable[P, R]) -> Callable[P, R]:
    """Run a kernel as the Python function that it is, as quiet as compiled code, and take time."""
    chosen: Callable[P, R] = function.__dict__.get("in_arrays", function)

    def timed(*args: P.args, **kwargs: P.kwargs) -> R:
        start, calmly = perf_counter(), _METER.calmly
        try:
            with np.errstate(all="ignore"):
                return chosen(*args, **kwargs)
        finally:
            # other threads may have been calm meanwhile
            _METER.spent += max(perf_counter() - start - (_METER.calmly - calmly), 0.0)

    return timed


@cache
def price(kernel: str = "rounds.advance", compiling: float = COMPILING) -> float:
    """Return how many seconds it is expected to take until a compiled kernel can run."""
    here, version = Path(__file__).parent, "".join(map(str, sys.version_info[:2]))
    own = f"{here.name}_{sha1(str(here).encode(), usedforsecurity=False).hexdigest()}"
    if "NUMBA_CACHE_DIR" in os.environ:
        folders = [Path(os.environ["NUMBA_CACHE_DIR"]) / own]
    else:
        home = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser()
        folders = [here / "__pycache__", home / "numba" / own]
    index = f"{kernel}.{edition()}-*py{version}*.nbi"
    return LOADING if any(list(folder.glob(index)) for folder in folders) else compiling


@cache
def edition() -> str:
    """Return a name for the sources of all kernels as they are now.

    Numba compiles a kernel anew where its own file has changed, and not where one that it calls
    has: a call with the arguments of former days would read foreign memory.
    """
    package = Path(__file__).parents[1]
    sources = sorted(file for room in ROOMS for file in (package / room).glob("*.py"))
    stamps = [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in sources]
    return sha1(repr(stamps).encode(), usedforsecurity=False).hexdigest()[:8]


@cache
def homeless() -> None:
    """Say once that compiled kernels cannot be kept."""
    getLogger("numdiff").warning(
        "compiled kernels cannot be kept on this machine, so every process compiles anew: let "
        "NUMBA_CACHE_DIR name a folder that can be written to"
    )


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
    if "separate" in marks and lean and not others:
        from numdiff.ladder.linking import linked  # noqa: PLC0415 - imports Numba

        return cast("Callable[P, R]", linked(compiled(function), **marks["separate"]))
    plain = cast("FunctionType", function)
    scope = dict(plain.__globals__)
    for name in plain.__code__.co_names:
        if name in others:
            scope[name] = others[name]
        elif hasattr(scope.get(name), "is_kernel"):
            scope[name] = compiled(scope[name], lean=True, **others)
        elif isinstance(scope.get(name), Table):
            scope[name] = np.array(scope[name])
    twin = FunctionType(plain.__code__, scope, plain.__name__, plain.__defaults__)
    # the cache knows a kernel by its name, and must not give out a lean one for one that is not
    twin.__qualname__ = f"{plain.__qualname__}{'.lean' if lean else ''}.{edition()}"
    twin.__module__ = plain.__module__
    from numdiff.ladder import parts  # noqa: PLC0415 - imports Numba

    settings: dict[str, Any] = {
        "error_model": "numpy", "nogil": True, "_nrt": "allocates" in marks,
        "no_cpython_wrapper": lean, "no_cfunc_wrapper": True, "forceinline": "inlined" in marks,
        **parts.settings(lean=lean),
    }  # fmt: skip
    # no fastmath: it deletes (x + h) - x and makes isnan(nan) False
    try:
        return cast("Callable[P, R]", njit(cache=not others, **settings)(twin))
    except RuntimeError:  # no folder for the cache, as in a read-only install without a home
        homeless()
        return cast("Callable[P, R]", njit(**settings)(twin))
