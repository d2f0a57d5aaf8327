"""What `numdiff.native` offers: options are checked and the way is chosen here."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral
from typing import TYPE_CHECKING, Any, Unpack, cast

import numpy as np

from numdiff import operators
from numdiff.evaluation.dispatchers import is_dispatcher
from numdiff.ladder.channels import channels
from numdiff.methods import first_step
from numdiff.options import Options, read
from numdiff.signatures import Differences, public

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["derivative", "gradient", "hessian", "jacobian"]

Function = Callable[..., Any]


@public(Differences)
def derivative(f: Function, order: int = 1, **options: Unpack[Differences]) -> Function:
    """Compile the derivative of a function of one number, with its error bar.

    Parameters
    ----------
    f : Numba dispatcher
        ``f(x)`` takes a float64 and returns a number or a one-dimensional array.
    order : int, default 1
        Order of the derivative, 1 to 10.
    **options
        The options of all, spelled out in the signature.

    Returns
    -------
    Numba dispatcher
        ``g(x) -> (value, error)``: two numbers, or two arrays like those that f returns. The error
        is inf where the value cannot be trusted, which is then nan or a guess, and nan with a
        single step. The complex step and the rules that choose steps are for the operators.

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
    return _made("derivative", f, order, options)


@public(Differences)
def gradient(f: Function, **options: Unpack[Differences]) -> Function:
    """Compile the gradient of a function of a vector, with its error bars.

    Parameters
    ----------
    f : Numba dispatcher
        ``f(x)`` takes a one-dimensional float64 array and returns a number.
    **options
        The options of all, spelled out in the signature.

    Returns
    -------
    Numba dispatcher
        ``g(x) -> (value, error)``, two arrays of x's shape.

    Raises
    ------
    TypeError
        If f is not compiled by Numba, or takes or returns something else.
    ValueError
        If an option is not allowed.

    Examples
    --------
    >>> from numba import njit
    >>> slopes = gradient(njit(lambda x: x[0] ** 2 + 3 * x[0] * x[1]))
    >>> value, error = slopes(np.array([1.0, 2.0]))
    >>> value.round(10).tolist()
    [8.0, 3.0]
    """
    return _made("gradient", f, 1, options)


@public(Differences)
def jacobian(f: Function, **options: Unpack[Differences]) -> Function:
    """Compile the Jacobian of a function of a vector, with its error bars.

    Parameters
    ----------
    f : Numba dispatcher
        ``f(x)`` takes a one-dimensional float64 array and returns one of any length, or
        ``f(x, out)`` writes to one as long as x.
    **options
        The options of all, spelled out in the signature.

    Returns
    -------
    Numba dispatcher
        ``g(x) -> (value, error)``, two arrays of shape ``f.shape + x.shape``. They are written
        column by column and laid out in that order.

    Raises
    ------
    TypeError
        If f is not compiled by Numba, or takes or returns something else.
    ValueError
        If an option is not allowed.

    Examples
    --------
    >>> from numba import njit
    >>> slopes = jacobian(njit(lambda x: np.array([x[0] * x[1], x[1] ** 2])))
    >>> value, error = slopes(np.array([1.0, 2.0]))
    >>> value.round(10).tolist()
    [[2.0, 1.0], [0.0, 4.0]]
    """
    return _made("jacobian", f, 1, options)


@public(Differences)
def hessian(f: Function, **options: Unpack[Differences]) -> Function:
    """Compile the Hessian of a function of a vector, with its error bars.

    Parameters
    ----------
    f : Numba dispatcher
        ``f(x)`` takes a one-dimensional float64 array and returns a number.
    **options
        The options of all, spelled out in the signature.

    Returns
    -------
    Numba dispatcher
        ``g(x) -> (value, error)``, two arrays of shape ``x.shape + x.shape``.

    Raises
    ------
    TypeError
        If f is not compiled by Numba, or takes or returns something else.
    ValueError
        If an option is not allowed.

    Examples
    --------
    >>> from numba import njit
    >>> curvature = hessian(njit(lambda x: x[0] ** 2 * x[1]))
    >>> value, error = curvature(np.array([1.0, 2.0]))
    >>> value.round(8).tolist()
    [[4.0, 2.0], [2.0, 0.0]]
    """
    return _made("hessian", f, 2, options)


def _made(name: str, f: Function, order: int, given: Differences) -> Function:
    """Check what was asked for and choose how to answer."""
    step = given.get("step")
    if not isinstance(order, Integral) or isinstance(order, bool) or not 1 <= order <= 10:
        raise ValueError(f"`order` must be an integer from 1 to 10, got {order!r}")
    options = read(f, np.zeros(np.shape(step)), **given)
    if options.way == "complex":
        raise ValueError("`method` 'complex' is for the operators: use 'auto'")
    if options.rule is not None:
        raise ValueError(f"`step` {step!r} is for the operators: give a number or 'textbook'")
    from numba import config  # noqa: PLC0415 - f is Numba's

    if vars(config)["DISABLE_JIT"]:
        return _interpreted(name, f, order, given)
    if not is_dispatcher(f):
        kind = type(f).__name__
        raise TypeError(f"`f` must be an @njit function, got {kind}: use numdiff.{name} for others")
    return _in_a_line(name, f, order, options)


def _interpreted(name: str, f: Function, order: int, given: Differences) -> Function:
    """Answer with the operator, where Numba was told to compile nothing."""
    operator: Any = getattr(operators, name)
    orders: dict[str, Any] = {"order": order} if name == "derivative" else {}

    def g(x: ArrayLike) -> tuple[Any, Any]:
        found = operator(f, x, **given, **orders)
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


NUMBER = "one number", "a number: give one at a time", "gradient, for an f of an array"
VECTOR = (
    "a one-dimensional array of float64",
    "a one-dimensional array of real numbers: write numpy.array(x, float)",
    "derivative, for an f of one number",
)


def _in_a_line(name: str, f: Function, order: int, options: Options) -> Function:
    """Compile, and say in a line where what was handed over does not fit; Numba takes a page.

    Raises
    ------
    TypeError
        If f cannot be compiled for what it is given here; likewise later, if x is something else.
    """
    from numba.core.errors import NumbaError  # noqa: PLC0415 - f is Numba's

    takes, wanted, other = NUMBER if name == "derivative" else VECTOR
    try:
        g: Any = _compiled(name, f, order, options)
    except NumbaError as error:
        known = [str(types) for types in getattr(f, "signatures", ())]
        reason = f"it was compiled for {known[0]} only" if known else _reason(error)
        raise TypeError(
            f"`f` must take {takes} for native.{name}: {reason}; or is it native.{other}?"
        ) from None
    compile_for = g._compile_for_args  # noqa: SLF001 - which Numba calls for a new type of x

    def compile_for_args(*given: Any, **words: Any) -> Any:
        try:
            return compile_for(*given, **words)
        except NumbaError:
            got = getattr(given[0], "dtype", None) if given else None
            kind = type(given[0]).__name__ if given else "nothing"
            raise TypeError(
                f"`x` must be {wanted}; native.{name}(f) got {kind}" + f" of {got}" * bool(got)
            ) from None

    g._compile_for_args = compile_for_args  # noqa: SLF001
    return cast("Function", g)


def _reason(error: Exception) -> str:
    """Return the line of Numba's page that tells what does not fit."""
    lines = [line.strip() for line in str(error).splitlines()]
    found = [line for line in lines if line and not line.startswith("Failed in")]
    return " ".join(found[:2]).rstrip(":")
