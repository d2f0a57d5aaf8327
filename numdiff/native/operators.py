"""What `numdiff.native` offers: options are checked and the way is chosen here."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from numdiff import operators
from numdiff.evaluation.dispatchers import is_dispatcher
from numdiff.ladder.channels import channels
from numdiff.methods import first_step
from numdiff.options import Options, read

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from numdiff.stencil import Stencil

    Step = ArrayLike | str | None

__all__ = ["derivative", "gradient", "hessian", "jacobian"]

Function = Callable[..., Any]


def derivative(
    f: Function, order: int = 1, *, method: str | Stencil = "auto", step: float | str | None = None
) -> Function:
    """Compile the derivative of a function of one number, with its error bar.

    Parameters
    ----------
    f : Numba dispatcher
        ``f(x)`` takes a float64 and returns a number or a one-dimensional array.
    order : int, default 1
        Order of the derivative, 1 to 10.
    method, step
        As in `numdiff.derivative`, without the complex step. With a single step the error is nan.

    Returns
    -------
    Numba dispatcher
        ``g(x) -> (value, error)``: two numbers, or two arrays like those that f returns. The error
        is inf where the value cannot be trusted, which is then nan or a guess.

    Raises
    ------
    TypeError
        If f is not compiled by Numba or does not return numbers.
    ValueError
        If an option is not allowed.

    Examples
    --------
    >>> from numba import njit
    >>> slope = derivative(njit(lambda x: x**3))
    >>> value, error = slope(2.0)
    >>> abs(value - 12.0) <= error < 1e-9
    True
    """
    return _made("derivative", f, order, method, step)


def gradient(f: Function, *, method: str | Stencil = "auto", step: Step = None) -> Function:
    """Compile the gradient of a function of a vector, with its error bars.

    Parameters
    ----------
    f : Numba dispatcher
        ``f(x)`` takes a one-dimensional float64 array and returns a number.
    method, step
        As in `numdiff.gradient`, without the complex step.

    Returns
    -------
    Numba dispatcher
        ``g(x) -> (value, error)``, two arrays of x's shape.

    Raises
    ------
    TypeError, ValueError
        As in `derivative`.

    Examples
    --------
    >>> from numba import njit
    >>> slopes = gradient(njit(lambda x: x[0] ** 2 + 3 * x[0] * x[1]))
    >>> value, error = slopes(np.array([1.0, 2.0]))
    >>> value.round(10).tolist()
    [8.0, 3.0]
    """
    return _made("gradient", f, 1, method, step)


def jacobian(f: Function, *, method: str | Stencil = "auto", step: Step = None) -> Function:
    """Compile the Jacobian of a function of a vector, with its error bars.

    Parameters
    ----------
    f : Numba dispatcher
        ``f(x)`` takes a one-dimensional float64 array and returns one of any length, or
        ``f(x, out)`` writes to one as long as x.
    method, step
        As in `numdiff.jacobian`, without the complex step.

    Returns
    -------
    Numba dispatcher
        ``g(x) -> (value, error)``, two arrays of shape ``f.shape + x.shape``. They are written
        column by column and laid out in that order.

    Raises
    ------
    TypeError, ValueError
        As in `derivative`.

    Examples
    --------
    >>> from numba import njit
    >>> slopes = jacobian(njit(lambda x: np.array([x[0] * x[1], x[1] ** 2])))
    >>> value, error = slopes(np.array([1.0, 2.0]))
    >>> value.round(10).tolist()
    [[2.0, 1.0], [0.0, 4.0]]
    """
    return _made("jacobian", f, 1, method, step)


def hessian(f: Function, *, method: str | Stencil = "auto", step: Step = None) -> Function:
    """Compile the Hessian of a function of a vector, with its error bars.

    Parameters
    ----------
    f : Numba dispatcher
        ``f(x)`` takes a one-dimensional float64 array and returns a number.
    method, step
        As in `numdiff.hessian`.

    Returns
    -------
    Numba dispatcher
        ``g(x) -> (value, error)``, two arrays of shape ``x.shape + x.shape``.

    Raises
    ------
    TypeError, ValueError
        As in `derivative`.

    Examples
    --------
    >>> from numba import njit
    >>> curvature = hessian(njit(lambda x: x[0] ** 2 * x[1]))
    >>> value, error = curvature(np.array([1.0, 2.0]))
    >>> value.round(8).tolist()
    [[4.0, 2.0], [2.0, 0.0]]
    """
    return _made("hessian", f, 2, method, step)


def _made(name: str, f: Function, order: int, method: Any, step: Any) -> Function:
    """Check what was asked for and choose how to answer."""
    if not isinstance(order, Integral) or isinstance(order, bool) or not 1 <= order <= 10:
        raise ValueError(f"`order` must be an integer from 1 to 10, got {order!r}")
    options = read(f, np.zeros(np.shape(step)), method=method, step=step)
    if options.way == "complex":
        raise ValueError("`method` 'complex' is for the operators: use 'auto'")
    if options.rule is not None:
        raise ValueError(f"`step` {step!r} is for the operators: give a number or 'textbook'")
    from numba import config  # noqa: PLC0415 - f is Numba's

    if vars(config)["DISABLE_JIT"]:
        return _interpreted(name, f, order, method, step)
    if not is_dispatcher(f):
        kind = type(f).__name__
        raise TypeError(f"`f` must be an @njit function, got {kind}: use numdiff.{name} for others")
    return _compiled(name, f, order, options)


def _interpreted(name: str, f: Function, order: int, method: Any, step: Any) -> Function:
    """Answer with the operator, where Numba was told to compile nothing."""
    operator: Any = getattr(operators, name)
    orders: dict[str, Any] = {"order": order} if name == "derivative" else {}

    def g(x: ArrayLike) -> tuple[Any, Any]:
        found = operator(f, x, method=method, step=step, **orders)
        return found.value, np.where(found.success | np.isnan(found.error), found.error, np.inf)

    return g


def _compiled(name: str, f: Function, order: int, options: Options) -> Function:
    from numdiff.native import build  # noqa: PLC0415 - imports Numba

    curved, single_output = name == "hessian", name in {"gradient", "hessian"}
    target = build.target(f, scalar=name == "derivative", single_output=single_output)
    level = options.method.level(order)
    if options.way == "single":
        make = build.second_differences if curved else build.differences
        return cast("Function", make(target, level, cast("Any", options.step)))
    turned = (0, 1, -1) if options.method.side == 0 else (options.method.side,) * 3
    sides = tuple(channels(options.method._replace(side=side), order) for side in turned)
    plan = first_step(order), options.step, options.method.roams
    return cast("Function", build.ladder(target, sides, plan, level, curved=curved))
