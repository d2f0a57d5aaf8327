"""Functions that Numba has compiled, recognised without importing Numba, and their addresses."""

from __future__ import annotations

import math
import sys
from functools import lru_cache
from types import FunctionType
from typing import Any, NamedTuple

import numpy as np

from numdiff.arrays import Floats

# how f is called: a number or an array goes in, a number or an array comes out or is written
POINT, SCALAR, ARRAY, IN_PLACE = range(4)

GUARD = 64  # entries behind `out`, to notice an f that writes more


class Compiled(NamedTuple):
    """The machine code of a function: how it is called, where it is, and what keeps it there."""

    kind: int
    address: int
    library: Any


class InPlace(NamedTuple):
    """A function of x that writes to ``out``, of x's shape, as one that returns it."""

    f: Any

    def __call__(self, x: Floats) -> Floats:
        """Return what f writes.

        Raises
        ------
        ValueError
            If f does not write to all of ``out``, or beyond.
        TypeError
            If f returns something, so that ``out`` is none.
        """
        room = np.full(x.size + GUARD, math.nan)
        untouched = room.copy().view(np.int64)
        out = room[: x.size].reshape(x.shape)
        if self.f(x, out) is not None:
            raise TypeError(
                "f takes two arguments and returns something, so the second is no `out` to write "
                "to: pass it by args=(a,)"
            )
        if not np.array_equal(room[x.size :].view(np.int64), untouched[x.size :]):
            raise ValueError(
                f"f(x, out) wrote beyond `out`, which has x's shape {x.shape}: return an array "
                "instead, where f has more outputs than inputs"
            )
        return out


def is_dispatcher(f: Any) -> bool:
    """Say whether f is a function that Numba compiles."""
    if isinstance(f, FunctionType):
        return False  # the usual case, and it has to be quick
    dispatcher = sys.modules.get("numba.core.dispatcher")  # as `numba.extending.is_jitted` has it
    return dispatcher is not None and isinstance(f, dispatcher.Dispatcher)


def as_function(f: Any) -> Any:
    """Return a compiled f(x, out) as a function of x; anything else as it is."""
    inner = getattr(f, "py_func", None)  # quicker than `is_dispatcher`, which has been asked
    if inner is None:
        return f
    wanted = inner.__code__.co_argcount - len(inner.__defaults__ or ())
    return InPlace(f) if wanted == 2 else f


def found(f: Any, *, scalar: bool) -> Compiled | None:
    """Return the machine code of an f that takes a number or a vector, once it has been called.

    None if it was compiled for something else: arrays of another kind in, or anything but float64
    out. Such an f is called as any Python function is.
    """
    in_place = isinstance(f, InPlace)
    for takes, kinds in _forms()[scalar, in_place]:
        compiled = (f.f if in_place else f).overloads.get(takes)
        kind = None if compiled is None else kinds.get(compiled.signature.return_type)
        if kind is not None:
            name = compiled.fndesc.llvm_func_name
            return Compiled(kind, _address(compiled.library, name), compiled.library)
    return None


@lru_cache(maxsize=1)
def _forms() -> dict[tuple[bool, bool], tuple[tuple[Any, dict[Any, int]], ...]]:
    """Return what f may take, and how it is called by what it returns.

    By whether it takes a number, and whether it writes in place. Strided views are laid out alike.
    """
    from numba import types  # noqa: PLC0415 - f is Numba's

    number, vector, view = types.float64, types.float64[::1], types.float64[:]
    returns = {number: SCALAR, vector: ARRAY}
    writes = {types.none: IN_PLACE}
    return {
        (True, False): (((number,), {number: POINT}),),
        (True, True): (),
        (False, False): (((vector,), returns), ((view,), returns)),
        (False, True): (((vector, vector), writes), ((view, view), writes)),
    }


@lru_cache(maxsize=256)
def _address(library: Any, name: str) -> int:
    return int(library.get_pointer_to_function(name))
