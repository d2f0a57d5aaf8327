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
    "noise_level",
]

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    if name == "Stencil":  # exact fractions load when they are needed
        from numdiff.stencil import Stencil  # noqa: PLC0415

        return Stencil
    if name in {"native", "sparse", "verify"}:  # likewise
        return import_module(f"numdiff.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
