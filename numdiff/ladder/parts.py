"""How kernels compile; those that only kernels call become machine code as a part of these alone.

Numba would optimise each of them, and make machine code of it, once more for itself. Imported only
where Numba is wanted.
"""

from __future__ import annotations

import gc
from functools import cache
from typing import Any

from numba.core import types
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler
from numba.core.compiler_machinery import PassManager

# what is overridden below, or called: names that another version of Numba may not have
INSIDE = (
    "_ensure_finalized", "_finalize_dynamic_globals", "_finalize_final_module",
    "_optimize_final_module", "get_pointer_to_function", "serialize_using_bitcode",
    "serialize_using_object_code",
)  # fmt: skip
# new objects after which a compiler looks for garbage: with Python's usual 700 that takes a seventh
# of its time, and finds next to nothing
SELDOM = 50_000
# passes for what no kernel has, each a walk through all of it: closures, contexts, loops over
# tuples, expressions of arrays
IDLE = (
    "WithLifting", "InlineClosureLikes", "RewriteDynamicRaises", "MakeFunctionToJitFunction",
    "InlineInlinables", "FindLiterallyCalls", "LiteralUnroll",
    "LiteralPropagationSubPipelinePass", "InlineOverloads", "NopythonRewrites",
)  # fmt: skip


def settings(*, lean: bool) -> dict[str, Any]:
    """Return the options of `njit` for a kernel, a part of others if it is lean.

    It is compiled as usual if Numba is another inside.
    """
    known = all(hasattr(JITCodeLibrary, name) for name in INSIDE)
    return {"pipeline_class": PartCompiler if lean and known else KernelCompiler}


class KernelCompiler(Compiler):
    """Compiles a kernel with all that it calls, and hardly looks for garbage meanwhile."""

    def define_pipelines(self) -> Any:
        """Return the usual passes without the idle ones; types are found as if for the first time.

        Numba would look for the type of each sum of two numbers among all that can be added.
        """
        self.state.typingctx = remembering(self.state.typingctx)
        return [_without_idle(passes) for passes in super().define_pipelines()]

    def compile_extra(self, func: Any) -> Any:
        """Compile a function."""
        before = gc.get_threshold()
        gc.set_threshold(max(SELDOM, before[0]) if before[0] else 0, *before[1:])  # 0 is never
        try:
            return super().compile_extra(func)
        finally:
            gc.set_threshold(*before)


def _without_idle(passes: Any) -> Any:
    needed = PassManager(passes.pipeline_name)
    for one, description in passes.passes:
        if one.__name__ not in IDLE:
            needed.add_pass(one, description)
    needed.finalize()
    return needed


class _Remembering:
    """The types that functions of Numba return for those of arguments: asked once, then known."""

    def __init__(self, context: Any) -> None:
        self._context, self._known = context, dict[Any, Any]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)

    def resolve_function_type(self, function: Any, args: Any, kws: Any) -> Any:
        """Return a signature, or raise what Numba raises."""
        builtin = isinstance(function, types.Function) and not kws
        if not builtin or (function, args) not in self._known:
            found = self._context.resolve_function_type(function, args, kws)
            if not builtin:
                return found
            self._known[function, args] = found
        return self._known[function, args]


@cache
def remembering(context: Any) -> Any:
    """Return a typing context of Numba that is asked the same once only."""
    return _Remembering(context)


class _Part(JITCodeLibrary):
    """Code to be linked into that of others, as it was written."""

    def _optimize_final_module(self) -> None:
        """Leave that to those who call it: they see more of it."""

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._finalized = True

    def get_pointer_to_function(self, name: str) -> int:  # noqa: ARG002 - as that of others
        """Finish the code, which nothing but a linker can find."""
        self._ensure_finalized()
        return 0

    def serialize_using_object_code(self) -> Any:
        return self.serialize_using_bitcode()

    @property
    def codegen(self) -> Any:
        return self

    def set_env(self, *_: Any) -> None:
        """Keep no environment: what has no address raises nothing, and prints nothing."""


class PartCompiler(KernelCompiler):
    """Compiles what will be a part of something else."""

    def define_pipelines(self) -> Any:
        """Say where the code goes, before the usual passes."""
        state = self.state
        if state.library is None:
            state.library = _Part(state.targetctx.codegen(), state.func_id.func_qualname)
        return super().define_pipelines()
