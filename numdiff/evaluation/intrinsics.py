"""Calls through addresses of compiled functions, so that kernels need not know f to be compiled.

Imported only where Numba is wanted.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numba import types
from numba.core import cgutils
from numba.core.imputils import impl_ret_new_ref
from numba.extending import intrinsic

from numdiff.evaluation.dispatchers import ARRAY, POINT, SCALAR
from numdiff.ladder.runtime import allocating, compiled, kernel

NUMBER, VECTOR, ADDRESS = types.float64, types.float64[::1], types.uintp


def emit_call(context: Any, builder: Any, returns: Any, takes: Any, arguments: Any) -> Any:
    """Write the call of a function whose address is the first argument."""
    address, *others = arguments
    function = context.call_conv.get_function_type(returns, takes)
    pointer = builder.inttoptr(address, function.as_pointer())
    status, result = context.call_conv.call_function(builder, pointer, returns, takes, others)
    with cgutils.if_unlikely(builder, status.is_error):
        context.call_conv.return_status_propagate(builder, status)
    return impl_ret_new_ref(context, builder, returns, result)


@intrinsic
def _point(_: Any, address: Any, x: Any) -> Any:
    return NUMBER(ADDRESS, NUMBER), lambda c, b, _, a: emit_call(c, b, NUMBER, (NUMBER,), a)


@intrinsic
def _scalar(_: Any, address: Any, x: Any) -> Any:
    return NUMBER(ADDRESS, VECTOR), lambda c, b, _, a: emit_call(c, b, NUMBER, (VECTOR,), a)


@intrinsic
def _array(_: Any, address: Any, x: Any) -> Any:
    return VECTOR(ADDRESS, VECTOR), lambda c, b, _, a: emit_call(c, b, VECTOR, (VECTOR,), a)


@intrinsic
def _in_place(_: Any, address: Any, x: Any, out: Any) -> Any:
    takes, nothing = (VECTOR, VECTOR), types.none
    return nothing(ADDRESS, *takes), lambda c, b, _, a: emit_call(c, b, nothing, takes, a)


@kernel
def attempt(kind, address, x, out):
    """Write f(x) to `out` and return whether f raised: then it is nan.

    The calls stand here: a frame between them and `except` would keep x and `out` for ever. Where f
    returns no array, no references are counted: to do that takes as long as a small f.
    """
    if kind == ARRAY:
        return _attempt_array(address, x, out)
    try:
        if kind == POINT:
            out[0] = _point(address, x[0])
        elif kind == SCALAR:
            out[0] = _scalar(address, x)
        else:
            out[:] = np.nan  # what f does not write
            _in_place(address, x, out)
    except Exception:  # noqa: BLE001 - Numba knows no other
        out[:] = np.nan
        return True
    return False


@allocating
def _attempt_array(address, x, out):
    """Write an array f(x) to `out`, as `attempt`."""
    try:
        found = _array(address, x)
        if found.size == out.size:  # else another shape than at x
            for k in range(out.size):
                out[k] = found[k]
            return False
    except Exception:  # noqa: BLE001
        out[:] = np.nan
        return True
    out[:] = np.nan
    return True


@allocating
def _probe(x):
    return 2.0 * x[0] + 1.0


@cache
def works() -> bool:
    """Whether a call through an address comes out right with this version of Numba."""
    try:
        out = np.zeros(1)
        address = address_of(compiled(_probe), (VECTOR,))
        raised = compiled(attempt)(SCALAR, address, np.ones(1), out)
        return bool(out[0] == 3.0 and not raised)
    except Exception:  # noqa: BLE001 - its inside may have changed: there is another way
        return False


def address_of(dispatcher: Any, takes: tuple[Any, ...]) -> int:
    """Return where the machine code of a function for arguments of these types is."""
    dispatcher.compile(takes)
    found = dispatcher.overloads[takes]
    return int(found.library.get_pointer_to_function(found.fndesc.llvm_func_name))


def fixed(address: int) -> Any:
    """Return a compiled function that gives an address; code that calls it cannot be cached."""

    @intrinsic
    def machine_code(_: Any) -> Any:
        def write(context: Any, builder: Any, *_: Any) -> Any:
            pointer = context.add_dynamic_addr(builder, address, info="numdiff")
            return builder.ptrtoint(pointer, context.get_value_type(types.int64))

        return types.int64(), write

    return machine_code


def calling(dispatcher: Any, takes: tuple[Any, ...]) -> Any:
    """Return a compiled function of nine arguments that calls another through its address.

    Its code is not copied into that of the caller, which would be compiled with it.
    """
    address = address_of(dispatcher, takes)
    returns = dispatcher.overloads[takes].signature.return_type

    @intrinsic
    def call(_: Any, a: Any, b: Any, c: Any, d: Any, e: Any, f: Any, g: Any, h: Any, i: Any) -> Any:
        def write(context: Any, builder: Any, _: Any, arguments: Any) -> Any:
            pointer = context.add_dynamic_addr(builder, address, info="numdiff")
            where = builder.ptrtoint(pointer, context.get_value_type(types.uintp))
            return emit_call(context, builder, returns, takes, (where, *arguments))

        return returns(*takes), write

    return call
