"""Numerical derivatives with error bars you can trust."""

from numdiff.estimate import Estimate, Status
from numdiff.operators import (
    derivative,
    gradient,
    hessian,
    hessian_diagonal,
    hvp,
    jacobian,
    jvp,
)
from numdiff.stencil import Stencil

__all__ = [
    "Estimate",
    "Status",
    "Stencil",
    "derivative",
    "gradient",
    "hessian",
    "hessian_diagonal",
    "hvp",
    "jacobian",
    "jvp",
]

__version__ = "0.1.0"
