"""Kernels that only kernels call: they become machine code as a part of these, and nowhere else.

Numba would optimise each of them, and make machine code of it, once more for itself. Imported only
where Numba is wanted.
"""

from __future__ import annotations

from typing import Any

from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler

# what is overridden below, or called: names that another version of Numba may not have
INSIDE = (
    "_ensure_finalized", "_finalize_dynamic_globals", "_finalize_final_module",
    "_optimize_final_module", "get_pointer_to_function", "serialize_using_bitcode",
    "serialize_using_object_code",
)  # fmt: skip


def settings() -> dict[str, Any]:
    """Return the options of `njit` that make a function a part; none if Numba is another inside."""
    known = all(hasattr(JITCodeLibrary, name) for name in INSIDE)
    return {"pipeline_class": PartCompiler} if known else {}


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


class PartCompiler(Compiler):
    """Compiles what will be a part of something else."""

    def define_pipelines(self) -> Any:
        """Say where the code goes, before the usual passes."""
        state = self.state
        if state.library is None:
            state.library = _Part(state.targetctx.codegen(), state.func_id.func_qualname)
        return super().define_pipelines()
