"""Kernels that others call by a name, so that their machine code is not made anew for each caller.

Imported only where Numba is wanted.
"""

from __future__ import annotations

from functools import cache
from inspect import Parameter, Signature, signature
from typing import Any

import numpy as np
from llvmlite import binding
from numba import typeof
from numba.core import cgutils
from numba.core.imputils import impl_ret_new_ref
from numba.extending import intrinsic

from numdiff.ladder.channels import mixed_channels
from numdiff.ladder.registers import Room


def examples() -> dict[str, Any]:
    """Return arguments of kernels, by their names, or by what they are."""
    lines, method = np.empty((1, 1, 1, 1)), mixed_channels(one_sided=False)
    cube, plane, row = lines[0], lines[0, 0], lines[0, 0, 0]
    counts, flags = np.empty(1, np.int64), np.empty(1, np.bool_)
    windows, codes = np.empty((1, 1), np.int64), np.empty((1, 1), np.uint8)
    masks, columns = np.empty((1, 1), np.bool_), (plane, plane, codes, plane, plane)
    edges = counts, counts, counts, counts, row, row, row, row
    room = Room(plane, row, row, cube, row, row)
    return {
        "lines": lines, "cube": cube, "plane": plane, "row": row, "counts": counts,
        "address": 0, "ahead": row, "arrived": cube, "axes": windows, "behind": row,
        "bent": masks, "beside": lines,
        "channels": method, "claims": windows, "columns": columns, "doubt": masks, "error": plane,
        "ends": (windows, lines, plane, masks),
        "f0": row, "first": 0.0, "flags": flags, "highest": counts, "index": counts,
        "kept": (lines, windows, plane), "kind": 0, "lanes": plane, "law": method.shape[0],
        "left": row, "live": counts, "lowest": counts, "method": method, "noise": plane,
        "one_sided": True, "order": 0, "origins": plane, "other": counts, "outputs": plane,
        "places": plane, "plan": (0.0, True, 0, 0.0, True, True), "proven": plane, "ratio": 0.0,
        "reach": row, "roams": True, "room": room, "rtol": 0.0, "route": (counts, counts, row),
        "rows": counts, "samples": cube, "shape": method.shape, "side": 0,
        "start": counts, "starts": counts, "state": windows, "status": codes, "step": plane,
        "steps": row, "stretch": row, "taken": lines, "torn": masks, "units": plane, "value": plane,
        "ways": counts, "walk": (0.0, row, True, True), "weight": row, "window": counts, "x": row,
        "arrays": (
            *edges, plane, lines, lines, counts, *columns, flags, lines, windows, plane, flags,
            plane,
        ),
    }  # fmt: skip


@cache  # what has a name must live as long as anything that may call it
def linked(dispatcher: Any, **shapes: str) -> Any:
    """Compile a kernel for the arguments that it names; return one that calls it by its own name.

    `shapes` tells what an argument is where its name tells something else. Code that calls it may
    be kept on disk: the name is known again before that is read.
    """
    names, known = list(signature(dispatcher.py_func).parameters), examples()
    takes = tuple(typeof(known[shapes.get(name, name)]) for name in names)
    dispatcher.compile(takes)
    found = dispatcher.overloads[takes]
    symbol, returns = f"{dispatcher.__module__}.{dispatcher.__name__}", found.signature.return_type
    address = found.library.get_pointer_to_function(found.fndesc.llvm_func_name)
    binding.add_symbol(symbol, int(address))

    def call(_: Any, *__: Any) -> Any:
        def write(context: Any, builder: Any, _: Any, arguments: Any) -> Any:
            kind = context.call_conv.get_function_type(returns, takes)
            function = cgutils.get_or_insert_function(builder.module, kind, symbol)
            status, result = context.call_conv.call_function(
                builder, function, returns, takes, arguments
            )
            with cgutils.if_unlikely(builder, status.is_error):
                context.call_conv.return_status_propagate(builder, status)
            return impl_ret_new_ref(context, builder, returns, result)

        return returns(*takes), write

    # Numba would make a tuple of *arguments
    parameters = [Parameter(name, Parameter.POSITIONAL_OR_KEYWORD) for name in ("_", *names)]
    call.__dict__["__signature__"] = Signature(parameters)
    return intrinsic(call)
