"""numdiff and its peers behind one signature, each with its defaults.

A tool takes ``(f, x, order)`` or ``(f, x)`` and returns an `Answer`.  Peers are imported when they
are called, so that whoever lacks one can still run the others.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.measuring.cases import Answer

Function = Callable[[Any], Any]


# --- Derivatives of functions of one variable ---


def numdiff_derivative(f: Function, x: float, order: int) -> Answer:
    import numdiff

    return _of_estimate(numdiff.derivative(f, x, order=order))


def _of_estimate(estimate: Any) -> Answer:
    from numdiff import Status

    note = ", ".join(Status(code).name for code in np.unique(estimate.status))
    return Answer(estimate.value, estimate.error, ~np.asarray(estimate.success), note)


def numdifftools_derivative(f: Function, x: float, order: int) -> Answer:
    import numdifftools

    result = numdifftools.Derivative(f, n=order, full_output=True)(x)
    return Answer(result.estimate, result.error_estimate)


def jacobi_derivative(f: Function, x: float, order: int) -> Answer:
    from jacobi import jacobi

    return Answer(*jacobi(f, x))


def scipy_derivative(f: Function, x: float, order: int) -> Answer:
    from scipy.differentiate import derivative

    def of_array(points: np.ndarray) -> np.ndarray:
        return np.array([f(point) for point in points.ravel()], float).reshape(points.shape)

    result = derivative(of_array, x)
    return Answer(result.df, result.error, not result.success, f"status {result.status}")


def three_point_derivative(f: Function, x: float, order: int) -> Answer:
    from scipy.optimize._numdiff import approx_derivative

    return Answer(approx_derivative(f, x))


def statsmodels_derivative(f: Function, x: float, order: int) -> Answer:
    from statsmodels.tools.numdiff import approx_fprime

    return Answer(approx_fprime(np.array([x]), f, centered=True))


def fdm_derivative(f: Function, x: float, order: int) -> Answer:
    from fdm import central_fdm

    method = central_fdm(5, 1)
    return Answer(method(f, x), method.acc)


# --- Gradients and Hessians ---


def numdiff_gradient(f: Function, x: np.ndarray) -> Answer:
    import numdiff

    return _of_estimate(numdiff.gradient(f, x))


def numdiff_hessian(f: Function, x: np.ndarray) -> Answer:
    import numdiff

    return _of_estimate(numdiff.hessian(f, x))


def numdifftools_gradient(f: Function, x: np.ndarray) -> Answer:
    import numdifftools

    result = numdifftools.Gradient(f, full_output=True)(x)
    return Answer(result.estimate, result.error_estimate)


def numdifftools_hessian(f: Function, x: np.ndarray) -> Answer:
    import numdifftools

    result = numdifftools.Hessian(f, full_output=True)(x)
    return Answer(result.estimate, result.error_estimate)


def jacobi_gradient(f: Function, x: np.ndarray) -> Answer:
    from jacobi import jacobi

    return Answer(*jacobi(f, x))


def scipy_gradient(f: Function, x: np.ndarray) -> Answer:
    from scipy.differentiate import jacobian

    def of_array(points: np.ndarray) -> np.ndarray:
        columns = points.reshape(x.size, -1).T
        return np.array([f(column) for column in columns], float).reshape(points.shape[1:])

    result = jacobian(of_array, x)
    return Answer(result.df, result.error, ~result.success)


def three_point_gradient(f: Function, x: np.ndarray) -> Answer:
    from scipy.optimize._numdiff import approx_derivative

    return Answer(approx_derivative(f, x))


def statsmodels_gradient(f: Function, x: np.ndarray) -> Answer:
    from statsmodels.tools.numdiff import approx_fprime

    return Answer(approx_fprime(x, f, centered=True))


def statsmodels_hessian(f: Function, x: np.ndarray) -> Answer:
    from statsmodels.tools.numdiff import approx_hess3

    return Answer(approx_hess3(x, f))


# --- The tables ---


@dataclass(frozen=True)
class Tool:
    """What a tool can do; ``module`` is what must be installed for it."""

    name: str
    module: str
    derivative: Callable[[Function, float, int], Answer] | None = None
    gradient: Callable[[Function, np.ndarray], Answer] | None = None
    hessian: Callable[[Function, np.ndarray], Answer] | None = None
    orders: tuple[int, ...] = (1,)

    @property
    def missing(self) -> str:
        """Why the tool cannot be run, empty if it can."""
        try:
            importlib.import_module(self.module)
        except ImportError as error:
            return str(error)
        return ""


ALL_ORDERS = (1, 2, 3, 4, 6)
TOOLS = (
    Tool(
        "numdiff",
        "numdiff",
        numdiff_derivative,
        numdiff_gradient,
        numdiff_hessian,
        orders=ALL_ORDERS,
    ),
    Tool(
        "numdifftools",
        "numdifftools",
        numdifftools_derivative,
        numdifftools_gradient,
        numdifftools_hessian,
        orders=ALL_ORDERS,
    ),
    Tool("jacobi", "jacobi", jacobi_derivative, jacobi_gradient),
    Tool("scipy.differentiate", "scipy", scipy_derivative, scipy_gradient),
    Tool("3-point", "scipy", three_point_derivative, three_point_gradient),
    Tool(
        "statsmodels",
        "statsmodels",
        statsmodels_derivative,
        statsmodels_gradient,
        statsmodels_hessian,
    ),
    Tool("fdm", "fdm", fdm_derivative),
)
