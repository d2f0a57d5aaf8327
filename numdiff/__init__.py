"""Numerical derivatives with error bars you can trust.

`derivative`, `gradient`, `jacobian`, `hessian`, `hessian_diagonal`, `jvp` and `hvp` return an
`Estimate`: a value, an error bar and a status, which can be used where the value is meant.
`Differentiable` is a function whose derivatives are wanted along a path, as by an optimiser.
`local_model` and `propagate` build on them, `noise_level` tells how exact f itself is.
`numdiff.verify` checks hand-written derivatives, `numdiff.native` makes compiled functions,
`numdiff.plot` draws. `numdiff.bars` tells how an error bar is made.

Start-up. Importing takes milliseconds and compiles nothing. The first derivatives of a process are
taken by interpreted kernels; a process that asks for many has them compiled by
Numba, with the same numbers to the last bit: some ten seconds the first time on a machine, for
`native` and ``@njit`` functions a quarter of a minute. Later processes find them on disk: in
``__pycache__`` beside the package or, where that cannot be written, in the user's cache directory.
In containers and on clusters, where both may be lost, set ``NUMBA_CACHE_DIR`` to a directory that
lasts.

The distribution is called ``numdiff-toolkit``. PyPI's ``numdiff`` is another project, which has the
same import name: do not install both.
"""

from importlib import import_module
from pathlib import Path
from sys import modules
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # everything loads late
    from numdiff import native, plot, sparse, verify
    from numdiff.estimate import Estimate, FlaggedError, FlaggedWarning, Status
    from numdiff.model import LocalModel, local_model, propagate
    from numdiff.noise.level import NoiseEstimate, noise_level
    from numdiff.operators import (
        derivative,
        gradient,
        hessian,
        hessian_diagonal,
        hvp,
        jacobian,
        jvp,
    )
    from numdiff.paths import Differentiable
    from numdiff.stencil import Stencil

__all__ = [
    "Differentiable",
    "Estimate",
    "FlaggedError",
    "FlaggedWarning",
    "LocalModel",
    "NoiseEstimate",
    "Status",
    "Stencil",
    "derivative",
    "gradient",
    "hessian",
    "hessian_diagonal",
    "hvp",
    "jacobian",
    "jvp",
    "local_model",
    "native",
    "noise_level",
    "plot",
    "propagate",
    "sparse",
    "verify",
]

__version__ = "0.1.0"


HOMES = MappingProxyType(
    {
        "estimate": ("Estimate", "FlaggedError", "FlaggedWarning", "Status"),
        "model": ("LocalModel", "local_model", "propagate"),
        "noise.level": ("NoiseEstimate", "noise_level"),
        "operators": (
            *("derivative", "gradient", "hessian", "hessian_diagonal", "hvp", "jacobian", "jvp"),
        ),
        "paths": ("Differentiable",),
        "stencil": ("Stencil",),
    }
)

if not TYPE_CHECKING:  # a checker would take every name for one of ours

    def __getattr__(name: str) -> object:
        if name in {"native", "plot", "sparse", "verify"}:
            return import_module(f"numdiff.{name}")
        for home, names in HOMES.items():
            if name in names:  # from now on it is found without us
                return globals().setdefault(name, getattr(import_module(f"numdiff.{home}"), name))
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    if "pdoc" in modules:  # it reads what is there, and asks for nothing that loads late
        globals().update({name: __getattr__(name) for name in __all__ if name not in globals()})


def __dir__() -> list[str]:
    return [*__all__, "__version__"]


def _overwritten(folder: Path) -> None:
    """Warn where files of PyPI's `numdiff`, another project, lie among ours."""
    if (folder / "__about__.py").exists():
        from warnings import warn  # noqa: PLC0415 - hardly ever needed

        warn(
            "PyPI's `numdiff`, another project, was installed over numdiff-toolkit, or under it: "
            "pip uninstall numdiff, and then pip install --force-reinstall numdiff-toolkit",
            RuntimeWarning,
            stacklevel=3,
        )


_overwritten(Path(__file__).parent)
