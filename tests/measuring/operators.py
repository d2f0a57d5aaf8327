"""The table of operators, functions that remember, and answers to the last bit.

Only public names are used, so that older states of the package can be asked as well.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import numdiff as nd

FIELDS = ("value", "error", "status", "step", "noise", "left", "right")
FIRST = ("derivative", "gradient", "jacobian", "jvp")


def direction(x: Any) -> np.ndarray:
    """A vector for x without zeros, always the same."""
    return np.cos(np.arange(1.0, np.size(x) + 1.0)).reshape(np.shape(x))


OPERATORS: dict[str, Callable[..., nd.Estimate]] = {
    "derivative": nd.derivative,
    "gradient": nd.gradient,
    "jacobian": nd.jacobian,
    "hessian": nd.hessian,
    "hessian_diagonal": nd.hessian_diagonal,
    "jvp": lambda f, x, **options: nd.jvp(f, x, direction(x), **options),
    "hvp": lambda f, x, **options: nd.hvp(f, x, direction(x), **options),
}
OF_ARRAYS = {name: operator for name, operator in OPERATORS.items() if name != "derivative"}


def operators_at(
    x: np.ndarray, v: np.ndarray, number: float
) -> dict[str, Callable[..., nd.Estimate]]:
    """The operators as functions of f and options alone; `derivative` is taken at the number."""
    return {
        "derivative": lambda f, **options: nd.derivative(f, number, **options),
        "gradient": lambda f, **options: nd.gradient(f, x, **options),
        "jacobian": lambda f, **options: nd.jacobian(f, x, **options),
        "hessian": lambda f, **options: nd.hessian(f, x, **options),
        "hessian_diagonal": lambda f, **options: nd.hessian_diagonal(f, x, **options),
        "jvp": lambda f, **options: nd.jvp(f, x, v, **options),
        "hvp": lambda f, **options: nd.hvp(f, x, v, **options),
    }


def bits(found: Any) -> dict[str, Any]:
    """All that an estimate says, to the last bit; all nan are alike."""
    arrays = {name: np.array(getattr(found, name)) for name in FIELDS}
    for name in FIELDS:
        if name != "status":
            arrays[name][np.isnan(arrays[name])] = np.nan
    said = {name: (array.shape, array.dtype.str, array.tobytes()) for name, array in arrays.items()}
    return {**said, "nfev": found.nfev, "messages": found.messages}


class Recorded:
    """A function that remembers where it was called."""

    def __init__(self, f: Callable[..., Any]) -> None:
        self.f, self.points = f, []

    def __call__(self, x: Any, *args: Any) -> Any:
        self.points.append(np.array(x))
        return self.f(x, *args)

    @property
    def calls(self) -> int:
        return len(self.points)
