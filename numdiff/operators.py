"""The operators: they choose directions and put numbers back in shape."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack

import numpy as np

from numdiff.assemble import estimate_from, estimate_of, per_output, symmetric, symmetrised
from numdiff.drivers.derivatives import Derivatives, stacked, still
from numdiff.engine.differentiate import counted, differentiate, pose
from numdiff.engine.mixed import second
from numdiff.estimate import Estimate
from numdiff.evaluation.call import Call, bound
from numdiff.evaluation.dispatchers import as_function, is_dispatcher
from numdiff.geometry.directions import Directions, along, axes, joined
from numdiff.options import Options, as_point, as_vector, read

if TYPE_CHECKING:
    from collections.abc import Iterable
    from concurrent.futures import Executor
    from os import PathLike

    from numpy.typing import ArrayLike

    from numdiff.stencil import Stencil


__all__ = ["derivative", "gradient", "hessian", "hessian_diagonal", "hvp", "jacobian", "jvp"]

Function = Callable[..., Any]


class Settings(TypedDict, total=False):
    """The options that all operators share; `derivative` tells what they mean."""

    method: str | Stencil
    step: ArrayLike | str | None
    noise: ArrayLike | None
    bounds: Any
    rtol: float
    max_nfev: int | None
    vectorized: bool
    args: tuple[Any, ...]
    workers: int | Executor | Callable[..., Iterable[Any]] | None
    timeout: float | None
    journal: str | PathLike[str] | tuple[str | PathLike[str], str] | None
    progress: bool | Literal["always"]


def derivative(
    f: Function, x: ArrayLike, *, order: int = 1, **options: Unpack[Settings]
) -> Estimate:
    """Differentiate a function of one number, with an error bar.

    Parameters
    ----------
    f : callable
        ``f(x, *args)`` takes a NumPy float64 scalar and returns a number or an array of numbers,
        real or complex.
    x : float or array of float
        The point, or an array of points each of which is differentiated on its own.
    order : int, default 1
        Order of the derivative, 1 to 10.
    method : str or Stencil, default "auto"
        ``"auto"``: central differences at falling steps, extrapolated, with steps chosen by what f
        does, one-sided where f is defined on one side only. ``"richardson"``: the same, never with
        a step larger than the first. ``"central"``, ``"forward"``, ``"backward"``, a `Stencil`: no
        extrapolation. ``"complex"``: the complex step, checked against real differences.
    step : None, float, array like x, or str
        None lets the method choose. With a number, or the rule of thumb ``"textbook"``,
        ``"forward"``, ``"backward"``, ``"central"`` and a `Stencil` take this single step and give
        no error bar; for ``"auto"`` and ``"richardson"`` it is the first step. In units of x. The
        names of classical rules, for first derivatives by ``"forward"``, ``"backward"`` and
        ``"central"``: ``"gill-murray"``, ``"more-wild"``, ``"shi"``, ``"curtis-reid"``,
        ``"dumontet-vignes"``, ``"stepleman-winarsky"``, ``"mathur"``; `numdiff.rules` cites them.
    noise : None, float or array like the output of f, optional
        The standard deviation of f's own error, in units of f, which is then used as it is. None
        lets it be noticed from the values of f.
    bounds : (lower, upper) or scipy.optimize.Bounds, optional
        f is never called outside.
    rtol : float, default 0.0
        Stop as soon as the error bar is below ``rtol * abs(value)``; 0 asks for the best reachable.
    max_nfev : int, optional
        About how many evaluations of f are allowed.
    vectorized : bool, default False
        Whether f takes many points at once, ``x.shape + (N,)``, and returns ``f.shape + (N,)``.
    args : tuple, default ()
        Further positional arguments for f.
    workers : int, Executor or callable, optional
        Who evaluates f, all points of a round at the same time; the answer is the same to the last
        bit. An integer starts so many processes (extra ``parallel``), which are replaced when they
        are lost and wait half a minute for the next call, or threads where Numba has compiled f.
        Any `concurrent.futures.Executor` will do, as those of Dask and mpi4py, and any callable
        like `map`, as the method of a pool. Workers that are left over look ahead, at points that
        may be asked for next; ``nfev`` counts these evaluations when they are handed out.
    timeout : float, optional
        Seconds after which `workers` give an evaluation up: f then counts as not defined there.
    journal : path or (path, name), optional
        A file in which every evaluation that has returned is kept: the same call, if it is killed,
        goes on from there when it is made once more. It belongs to one function, which is told by
        its code and all that it holds, or by the name.
    progress : bool or "always", default False
        Show a bar on stderr (extra ``progress``) if it is a terminal, or always.

    Returns
    -------
    Estimate
        With ``value`` of shape ``x.shape + f.shape``, in units of f per unit of x to the `order`.

    Raises
    ------
    TypeError
        If f cannot be called or does not return numbers, or an option is of the wrong kind.
    ValueError
        If x is complex, nan, infinite or outside `bounds`, or an option's value is not allowed.
    Exception
        What f raises at x itself, or beside x where it does not mean "outside the domain", with a
        note that names the point.

    Notes
    -----
    The extrapolation is Richardson's (1911, doi:10.1098/rsta.1911.0009) in the tableau of Romberg
    and Neville. A bar is the sum of the truncation seen as the steps fall, 3.4 standard
    deviations of the noise seen in the values of f, and rounding.

    Examples
    --------
    >>> import math
    >>> estimate = derivative(math.exp, 1.0)
    >>> bool(abs(estimate.value - math.e) <= estimate.error < 1e-12)
    True
    """
    point = as_point(x)
    if not isinstance(order, Integral) or isinstance(order, bool) or not 1 <= order <= 10:
        raise ValueError(f"`order` must be an integer from 1 to 10, got {order!r}")
    settings = read(f, point, **options)
    points: list[Derivatives] = []
    with call_of(f, (), settings, scalar=True) as call:
        for k, number in enumerate(point.reshape(-1, 1)):
            spent = sum(one.nfev for one in points)
            points.append(differentiate(call, number, axes(1), int(order), settings.at(k, spent)))
    if not points:
        raise ValueError("`x` must hold at least one point, got an empty array")
    whole = stacked(points)
    shape = point.shape + whole.form.shape
    return estimate_from(per_output(whole), shape, whole, settings)


def gradient(f: Function, x: ArrayLike, **options: Unpack[Settings]) -> Estimate:
    """Differentiate a function of an array by each entry, with error bars.

    Parameters
    ----------
    f : callable
        ``f(x, *args)`` takes a float64 array of x's shape and returns one number.
    x : array of float
        The point, of any shape.
    **options
        As in `derivative`.

    Returns
    -------
    Estimate
        With ``value`` of shape ``x.shape``.

    Raises
    ------
    TypeError, ValueError
        As in `derivative`; ValueError if f has more than one output.

    Examples
    --------
    >>> estimate = gradient(lambda x: x[0] ** 2 + 3 * x[0] * x[1] + x[1] ** 2, [1.0, 2.0])
    >>> [round(float(slope), 10) for slope in estimate.value]
    [8.0, 7.0]
    """
    point = as_point(x)
    settings = read(f, point, **options)
    with call_of(f, point.shape, settings) as call:
        slopes = differentiate(call, point.ravel(), axes(point.size), 1, settings)
    return estimate_of(_one_output(slopes), point.shape, settings)


def jacobian(f: Function, x: ArrayLike, **options: Unpack[Settings]) -> Estimate:
    """Differentiate each output of a function by each entry of x, with error bars.

    Parameters
    ----------
    f : callable
        ``f(x, *args)`` takes a float64 array of x's shape and returns an array of any shape.
    x : array of float
        The point, of any shape.
    **options
        As in `derivative`.

    Returns
    -------
    Estimate
        With ``value`` of shape ``f.shape + x.shape``.

    Raises
    ------
    TypeError, ValueError
        As in `derivative`.

    Examples
    --------
    >>> estimate = jacobian(lambda x: [x[0] ** 2, x[0] * x[1]], [1.0, 2.0])
    >>> estimate.value.round(10).tolist()
    [[2.0, 0.0], [2.0, 1.0]]
    """
    return _axis_by_axis(f, x, 1, options)


def hessian_diagonal(f: Function, x: ArrayLike, **options: Unpack[Settings]) -> Estimate:
    """Differentiate a function twice by each entry of x, with error bars.

    Parameters
    ----------
    f : callable
        ``f(x, *args)`` takes a float64 array of x's shape and returns a number or an array.
    x : array of float
        The point, of any shape.
    **options
        As in `derivative`.

    Returns
    -------
    Estimate
        With ``value`` of shape ``f.shape + x.shape``.

    Raises
    ------
    TypeError, ValueError
        As in `derivative`.

    Examples
    --------
    >>> estimate = hessian_diagonal(lambda x: x[0] ** 3 + x[1] ** 2, [1.0, 2.0])
    >>> estimate.value.round(8).tolist()
    [6.0, 2.0]
    """
    return _axis_by_axis(f, x, 2, options)


def jvp(f: Function, x: ArrayLike, v: ArrayLike, **options: Unpack[Settings]) -> Estimate:
    """Differentiate a function along a vector, with an error bar: the Jacobian times v.

    Parameters
    ----------
    f : callable
        ``f(x, *args)`` takes a float64 array of x's shape and returns anything numeric.
    x : array of float
        The point, of any shape.
    v : array of float
        The direction, of x's shape, not normalised. A `step` is in units of t in f(x + t v).
        ``"forward"`` means forward along v, t > 0: where v is negative, entries of x fall.
    **options
        As in `derivative`.

    Returns
    -------
    Estimate
        With ``value`` of shape ``f.shape``.

    Raises
    ------
    TypeError, ValueError
        As in `derivative`.

    Examples
    --------
    >>> estimate = jvp(lambda x: x[0] * x[1], [1.0, 2.0], [3.0, 4.0])
    >>> round(float(estimate.value), 10)
    10.0
    """
    point = as_point(x)
    vector = as_vector(v, point).ravel()
    settings = read(f, point, **options)
    with call_of(f, point.shape, settings) as call:
        if vector.any():
            slope = differentiate(call, point.ravel(), along(vector), 1, settings)
        else:
            problem = pose(call, point.ravel(), settings)
            slope = counted(problem, still(problem, 1))
    return estimate_of(slope, slope.form.shape, settings)


def hessian(
    f: Function, x: ArrayLike, *, grad: Function | None = None, **options: Unpack[Settings]
) -> Estimate:
    """Differentiate a function twice by all pairs of entries of x, with error bars.

    Parameters
    ----------
    f : callable
        ``f(x, *args)`` takes a float64 array of x's shape and returns a number, or an array: then
        there is one Hessian for each output.
    x : array of float
        The point, of any shape.
    grad : callable, optional
        ``grad(x, *args)``, the gradient of f, of x's shape. It is differentiated instead of f, and
        the result is made symmetric; evaluations are then those of `grad`.
    **options
        As in `derivative`.

    Returns
    -------
    Estimate
        With ``value`` of shape ``f.shape + x.shape + x.shape``.

    Raises
    ------
    TypeError, ValueError
        As in `derivative`.

    Examples
    --------
    >>> estimate = hessian(lambda x: x[0] ** 2 + 3 * x[0] * x[1] + x[1] ** 2, [1.0, 2.0])
    >>> estimate.value.round(8).tolist()
    [[2.0, 3.0], [3.0, 2.0]]
    """
    if grad is not None:
        shape = as_point(x).shape
        found = jacobian(grad, x, **options)
        if found.value.shape != shape + shape:
            got = found.value.shape[: found.value.ndim - len(shape)]
            raise ValueError(f"`grad` must return the shape of x, {shape}, got {got}")
        return symmetrised(found, shape)
    point = as_point(x)
    settings = read(f, point, **options)
    n = point.size
    with call_of(f, point.shape, settings) as call:
        problem = pose(call, point.ravel(), settings)
        diagonal, across = second(problem, axes(n), *np.triu_indices(n, 1), settings)
    columns = symmetric(per_output(diagonal), per_output(across), n)
    shape = diagonal.form.shape + point.shape + point.shape
    return estimate_from(columns, shape, counted(problem, diagonal, across), settings)


def hvp(f: Function, x: ArrayLike, v: ArrayLike, **options: Unpack[Settings]) -> Estimate:
    """Multiply the Hessian of a function by a vector, with error bars.

    Parameters
    ----------
    f : callable
        ``f(x, *args)`` takes a float64 array of x's shape and returns one number.
    x : array of float
        The point, of any shape.
    v : array of float
        The vector, of x's shape, not normalised. ``"forward"`` means forward along v: where v is
        negative, entries of x fall, along v itself and along their axes.
    **options
        As in `derivative`.

    Returns
    -------
    Estimate
        With ``value`` of shape ``x.shape``.

    Raises
    ------
    TypeError, ValueError
        As in `derivative`.

    Examples
    --------
    >>> estimate = hvp(lambda x: x[0] * x[1], [1.0, 2.0], [3.0, 4.0])
    >>> estimate.value.round(8).tolist()
    [4.0, 3.0]
    """
    point = as_point(x)
    vector = as_vector(v, point).ravel()
    settings = read(f, point, **options)
    n = point.size
    with call_of(f, point.shape, settings) as call:
        problem = pose(call, point.ravel(), settings)
        if vector.any():
            # e_i and v are taken with the same sign in entry i, so that their sum does not vanish
            toward = np.where(vector < 0.0, -1.0, 1.0)
            both = joined(Directions(np.arange(n), np.arange(n), toward), along(vector))
            first, across = second(problem, both, np.arange(n), np.full(n, n), settings)
            across = across._replace(value=across.value * toward[:, None])
            products = counted(problem, first, across)
        else:
            products = counted(problem, still(problem, n))
    return estimate_of(_one_output(products), point.shape, settings)


def _axis_by_axis(f: Function, x: ArrayLike, order: int, options: Settings) -> Estimate:
    point = as_point(x)
    settings = read(f, point, **options)
    with call_of(f, point.shape, settings) as call:
        slopes = differentiate(call, point.ravel(), axes(point.size), order, settings)
    return estimate_of(slopes, slopes.form.shape + point.shape, settings)


def call_of(
    f: Function, shape: tuple[int, ...], settings: Options, *, scalar: bool = False
) -> Call:
    """Say how f is called; to be used in a `with`, which ends what workers there are."""
    args, batches, asking = settings.args, settings.vectorized, settings.asking
    dispatcher = is_dispatcher(f)
    inner = bound(f, args) if args else f
    if dispatcher and not args:
        inner = as_function(f)
    native = dispatcher and not (args or batches)
    threads = 1 if asking is None else asking.threads
    if asking is None or (native and threads):
        return Call(inner, shape, batches, scalar, native, threads)
    evaluator = asking.evaluator(f, inner, args, vectorized=batches)
    return Call(inner, shape, batches, scalar, evaluator=evaluator)


def _one_output(slopes: Derivatives) -> Derivatives:
    if slopes.value.shape[1] != (2 if slopes.form.is_complex else 1):
        raise ValueError(
            f"f must have one output here, got shape {slopes.form.shape}: use `jacobian`"
        )
    return slopes
