"""Numerical derivatives with error bars you can trust."""

from importlib import import_module

from numdiff.estimate import Estimate, Status
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

__all__ = [
    "Estimate",
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
    "noise_level",
    "propagate",
]

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    if name == "Stencil":  # exact fractions load when they are needed
        from numdiff.stencil import Stencil  # noqa: PLC0415

        return Stencil
    if name in {"local_model", "propagate", "LocalModel"}:  # SciPy's linear algebra loads as late
        return getattr(import_module("numdiff.model"), name)
    if name in {"native", "plot", "verify"}:  # likewise
        return import_module(f"numdiff.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
