"""The operators: they choose directions and put numbers back in shape."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from numbers import Integral
from operator import add
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np

from numdiff.arrays import Floats
from numdiff.assemble import (
    estimate_of,
    per_output,
    sparse_estimate,
    summed,
    symmetric,
    symmetrised,
)
from numdiff.drivers.derivatives import Problem, still
from numdiff.engine.differentiate import at_points, counted, differentiate, pose
from numdiff.engine.mixed import second
from numdiff.estimate import Estimate
from numdiff.evaluation.call import NOBODY, Call, bound
from numdiff.evaluation.dispatchers import as_function, is_dispatcher
from numdiff.geometry.directions import Directions, axes, joined, parts_of
from numdiff.naming import Named
from numdiff.options import Options, as_point, as_vector, point_of, read, require_callable
from numdiff.short import shortly
from numdiff.signatures import Detecting, Operating, Settings, Sparsely, public

if TYPE_CHECKING:
    from numdiff.signatures import Point


__all__ = ["derivative", "gradient", "hessian", "hessian_diagonal", "hvp", "jacobian", "jvp"]

Function = Callable[..., Any]


operator = public(Operating)


@operator
def derivative(f: Function, x: Point, *, order: int = 1, **options: Unpack[Operating]) -> Estimate:
    """Differentiate a function of one number, with an error bar.

    Parameters
    ----------
    f : callable
        ``f(x, *args)`` takes a NumPy float64 scalar and returns a number or an array of numbers,
        real or complex. With ``vectorized=True`` it takes N points, an array of shape (N,), and
        returns an array of shape ``f.shape + (N,)``.
    x : float or array of float
        The point, or an array of points each of which is differentiated on its own: all together,
        in rounds of calls of f, with the answer that each has alone.
    order : int, default 1
        Order of the derivative, 1 to 10.
    **options
        The options of all, spelled out in the signature.

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
    FlaggedError
        If an entry is flagged and `on_flag` is ``"raise"``.
    Exception
        What f raises at x itself, or beside x where it does not mean "outside the domain", as
        ArithmeticError, ValueError and RuntimeError do, but not NotImplementedError and
        RecursionError; with a note that names the point. Points that only test or improve an answer
        never cost it, whatever f raises there.

    Notes
    -----
    The extrapolation is Richardson's (1911, doi:10.1098/rsta.1911.0009) in the tableau of Romberg
    and Neville. A bar is the sum of the truncation seen as the steps fall, 3.2 standard
    deviations of the noise seen in the values of f, and rounding.

    Examples
    --------
    >>> import math
    >>> estimate = derivative(math.exp, 1.0)
    >>> bool(abs(estimate.value - math.e) <= estimate.error < 1e-12)
    True
    >>> derivative(np.sin, [0.0, 1.0, 2.0], vectorized=True).value.round(10).tolist()
    [1.0, 0.5403023059, -0.4161468365]
    """
    if not isinstance(order, Integral) or isinstance(order, bool) or not 1 <= order <= 10:
        raise ValueError(f"`order` must be an integer from 1 to 10, got {order!r}")
    point, call, settings, _ = asked(f, x, options, scalar=True)
    if not point.size:
        raise ValueError("`x` must hold at least one point, got an empty array")
    with call.evaluator or NOBODY:
        whole = at_points(call, point.ravel(), int(order), settings)
    shape = point.shape + whole.form.shape
    if whole.form.shape:  # names belong to the last axis
        settings = settings._replace(names=())
    return estimate_of(whole, shape, settings, columns=per_output(whole))


@operator
def gradient(f: Function, x: Point, **options: Unpack[Operating]) -> Estimate:
    """Differentiate a function of an array by each entry, with error bars.

    Parameters
    ----------
    f : callable
        ``f(x, *args)`` takes a float64 array of x's shape and returns one number.
    x : array of float, dict or Series
        The point, of any shape. With a dict of numbers and arrays, or a pandas Series, f gets the
        same, and x counts as flat.
    **options
        The options of all, spelled out in the signature.

    Returns
    -------
    Estimate
        With ``value`` of shape ``x.shape``.

    Raises
    ------
    TypeError
        If f cannot be called or does not return numbers, or an option is of the wrong kind.
    ValueError
        If x or an option's value is not allowed, or f has more than one output.
    FlaggedError
        If an entry is flagged and `on_flag` is ``"raise"``.

    Examples
    --------
    >>> estimate = gradient(lambda x: x[0] ** 2 + 3 * x[0] * x[1] + x[1] ** 2, [1.0, 2.0])
    >>> [round(float(slope), 10) for slope in estimate.value]
    [8.0, 7.0]
    """
    point, call, settings, _ = asked(f, x, options)
    if settings.plan is not None and call.simple:
        return shortly(call, point, settings, _of_one)
    with call.evaluator or NOBODY:
        slopes = differentiate(call, point.ravel(), axes(point.size), 1, settings)
    outputs, several = slopes.form.shape, slopes.value.shape[1] != 1
    return estimate_of(slopes, _of_one(outputs, point.shape) if several else point.shape, settings)


@public(Sparsely)
def jacobian(f: Function, x: Point, **options: Unpack[Sparsely]) -> Estimate:
    """Differentiate each output of a function by each entry of x, with error bars.

    Parameters
    ----------
    f : callable
        ``f(x, *args)`` takes a float64 array of x's shape and returns an array of any shape.
    x : array of float, dict or Series
        The point, of any shape. With a dict of numbers and arrays, or a pandas Series, f gets the
        same, and x counts as flat.
    **options
        The options of all, spelled out in the signature.

    Returns
    -------
    Estimate
        With ``value`` of shape ``f.shape + x.shape``.

    Raises
    ------
    TypeError
        If f cannot be called or does not return numbers, or an option is of the wrong kind.
    ValueError
        If x is complex, nan, infinite or outside `bounds`, or an option's value is not allowed.
    FlaggedError
        If an entry is flagged and `on_flag` is ``"raise"``.

    Examples
    --------
    >>> estimate = jacobian(lambda x: [x[0] ** 2, x[0] * x[1]], [1.0, 2.0])
    >>> estimate.value.round(10).tolist()
    [[2.0, 0.0], [2.0, 1.0]]
    """
    sparsity: Any = options.pop("sparsity", None)
    if sparsity is not None:
        return _sparse(f, x, sparsity, options, symmetric=False)
    return _axis_by_axis(f, x, 1, options)


@operator
def hessian_diagonal(f: Function, x: Point, **options: Unpack[Operating]) -> Estimate:
    """Differentiate a function twice by each entry of x, with error bars.

    Parameters
    ----------
    f : callable
        ``f(x, *args)`` takes a float64 array of x's shape and returns a number or an array.
    x : array of float, dict or Series
        The point, of any shape. With a dict of numbers and arrays, or a pandas Series, f gets the
        same, and x counts as flat.
    **options
        The options of all, spelled out in the signature.

    Returns
    -------
    Estimate
        With ``value`` of shape ``f.shape + x.shape``.

    Raises
    ------
    TypeError
        If f cannot be called or does not return numbers, or an option is of the wrong kind.
    ValueError
        If x is complex, nan, infinite or outside `bounds`, or an option's value is not allowed.
    FlaggedError
        If an entry is flagged and `on_flag` is ``"raise"``.

    Examples
    --------
    >>> estimate = hessian_diagonal(lambda x: x[0] ** 3 + x[1] ** 2, [1.0, 2.0])
    >>> estimate.value.round(8).tolist()
    [6.0, 2.0]
    """
    return _axis_by_axis(f, x, 2, options)


@operator
def jvp(f: Function, x: Point, v: Point, **options: Unpack[Operating]) -> Estimate:
    """Differentiate a function along a vector, with an error bar: the Jacobian times v.

    Parameters
    ----------
    f : callable
        ``f(x, *args)`` takes a float64 array of x's shape and returns anything numeric.
    x : array of float, dict or Series
        The point, of any shape. With a dict of numbers and arrays, or a pandas Series, f gets the
        same, and x counts as flat.
    v : array of float
        The direction, of x's shape, not normalised. A `step` is in units of t in f(x + t v).
        ``"forward"`` means forward along v, t > 0: where v is negative, entries of x fall.
    **options
        The options of all, spelled out in the signature.

    Returns
    -------
    Estimate
        With ``value`` of shape ``f.shape``.

    Raises
    ------
    TypeError
        If f cannot be called or does not return numbers, or an option is of the wrong kind.
    ValueError
        If x is complex, nan, infinite or outside `bounds`, or an option's value is not allowed.
    FlaggedError
        If an entry is flagged and `on_flag` is ``"raise"``.

    Examples
    --------
    >>> estimate = jvp(lambda x: x[0] * x[1], [1.0, 2.0], [3.0, 4.0])
    >>> round(float(estimate.value), 10)
    10.0
    """
    point, call, settings, layout = asked(f, x, options)
    settings = settings._replace(names=())  # the value has no axis of x
    with call.evaluator or NOBODY:
        vector = as_vector(v, point, "v", layout).ravel()
        if vector.any():
            parts = parts_of(vector, point.ravel())
            slope = summed(differentiate(call, point.ravel(), parts, 1, settings))
        else:
            problem = pose(call, point.ravel(), settings)
            slope = counted(problem, still(problem, 1))
    return estimate_of(slope, slope.form.shape, settings)


@public(Sparsely)
def hessian(
    f: Function, x: Point, *, grad: Function | None = None, **options: Unpack[Sparsely]
) -> Estimate:
    """Differentiate a function twice by all pairs of entries of x, with error bars.

    Parameters
    ----------
    f : callable
        ``f(x, *args)`` takes a float64 array of x's shape and returns a number, or an array: then
        there is one Hessian for each output.
    x : array of float, dict or Series
        The point, of any shape. With a dict of numbers and arrays, or a pandas Series, f gets the
        same, and x counts as flat.
    grad : callable, optional
        ``grad(x, *args)``, the gradient of f, of x's shape. It is differentiated instead of f, and
        the result is made symmetric; evaluations are then those of `grad`.
    **options
        The options of all, spelled out in the signature.

    Returns
    -------
    Estimate
        With ``value`` of shape ``f.shape + x.shape + x.shape``.

    Raises
    ------
    TypeError
        If f cannot be called or does not return numbers, or an option is of the wrong kind.
    ValueError
        If x is complex, nan, infinite or outside `bounds`, or an option's value is not allowed.
    FlaggedError
        If an entry is flagged and `on_flag` is ``"raise"``.

    Examples
    --------
    >>> estimate = hessian(lambda x: x[0] ** 2 + 3 * x[0] * x[1] + x[1] ** 2, [1.0, 2.0])
    >>> estimate.value.round(8).tolist()
    [[2.0, 3.0], [3.0, 2.0]]
    """
    sparsity: Any = options.pop("sparsity", None)
    others: Operating = options
    if grad is not None:
        require_callable(f, "f")
        require_callable(grad, "grad")
    if sparsity is not None:
        return _sparse(grad or f, x, sparsity, others, symmetric=True, of_f=grad is None)
    if grad is not None:
        found = _axis_by_axis(grad, x, 1, others)
        shape = found.shape[found.ndim // 2 :]
        if found.value.shape != shape + shape:
            got = found.value.shape[: found.value.ndim - len(shape)]
            raise ValueError(f"`grad` must return the shape of x, {shape}, got {got}")
        return symmetrised(found, shape)
    point, call, settings, _ = asked(f, x, others)
    with call.evaluator or NOBODY:
        return hessian_at(pose(call, point.ravel(), settings), point.shape, settings)


def hessian_at(problem: Problem, form: tuple[int, ...], settings: Options) -> Estimate:
    """Differentiate twice by all pairs of entries of a point of that shape, f(x) being known."""
    alone = axes(problem.x.size)
    diagonal, across = second(problem, alone, *alone.pairs, settings)
    columns = symmetric(per_output(diagonal), per_output(across), alone.pairs)
    shape = diagonal.form.shape + form + form
    whole = counted(problem, diagonal, across)
    return estimate_of(whole, shape, settings, columns=columns, named=2)


@operator
def hvp(f: Function, x: Point, v: Point, **options: Unpack[Operating]) -> Estimate:
    """Multiply the Hessian of a function by a vector, with error bars.

    Parameters
    ----------
    f : callable
        ``f(x, *args)`` takes a float64 array of x's shape and returns one number.
    x : array of float, dict or Series
        The point, of any shape. With a dict of numbers and arrays, or a pandas Series, f gets the
        same, and x counts as flat.
    v : array of float
        The vector, of x's shape, not normalised. ``"forward"`` means forward along v: where v is
        negative, entries of x fall, along v itself and along their axes.
    **options
        The options of all, spelled out in the signature.

    Returns
    -------
    Estimate
        With ``value`` of shape ``x.shape``.

    Raises
    ------
    TypeError
        If f cannot be called or does not return numbers, or an option is of the wrong kind.
    ValueError
        If x is complex, nan, infinite or outside `bounds`, or an option's value is not allowed.
    FlaggedError
        If an entry is flagged and `on_flag` is ``"raise"``.

    Examples
    --------
    >>> estimate = hvp(lambda x: x[0] * x[1], [1.0, 2.0], [3.0, 4.0])
    >>> estimate.value.round(8).tolist()
    [4.0, 3.0]
    """
    point, call, settings, layout = asked(f, x, options)
    with call.evaluator or NOBODY:
        vector = as_vector(v, point, "v", layout).ravel()
        return hvp_at(pose(call, point.ravel(), settings), point.shape, vector, settings)


def hvp_at(problem: Problem, form: tuple[int, ...], vector: Floats, settings: Options) -> Estimate:
    """Multiply the Hessian at a point of that shape by a vector, f(x) being known."""
    n = vector.size
    if vector.any():
        # e_i and v are taken with the same sign in entry i, so that their sum does not vanish
        toward = np.where(vector < 0.0, -1.0, 1.0)
        parts = parts_of(vector, problem.x)
        both = joined(Directions(np.arange(n), np.arange(n), toward), parts)
        columns, rows = np.divmod(np.arange(n * len(parts)), n)
        first, across = second(problem, both, rows, n + columns, settings)
        across = summed(across, n)
        across = across._replace(value=across.value * toward[:, None])
        products = counted(problem, first, across)
    else:
        products = counted(problem, still(problem, n))
    return estimate_of(products, _of_one(products.form.shape, form, "hessian"), settings)


def _axis_by_axis(f: Function, x: Point, order: int, options: Operating) -> Estimate:
    point, call, settings, _ = asked(f, x, options)
    if settings.plan is not None and order == 1 and call.simple:
        return shortly(call, point, settings, add)
    with call.evaluator or NOBODY:
        slopes = differentiate(call, point.ravel(), axes(point.size), order, settings)
    return estimate_of(slopes, slopes.form.shape + point.shape, settings)


def _of_one(
    outputs: tuple[int, ...], inputs: tuple[int, ...], other: str = "jacobian"
) -> tuple[int, ...]:
    """Return the shape of the derivatives of one output."""
    if math.prod(outputs) != 1:
        raise ValueError(f"f must have one output here, got shape {outputs}: use `{other}`")
    return inputs


def _sparse(
    f: Function, x: Point, sparsity: Any, options: Operating, *, symmetric: bool, of_f: bool = False
) -> Estimate:
    """Differentiate by the entries of x, or of f alone twice, where a pattern has entries."""
    from numdiff.compressed import derivatives as compressed  # noqa: PLC0415 - loads when needed

    if of_f and isinstance(sparsity, str):
        raise ValueError("`sparsity` 'detect' needs `grad` here: give it, or give the pattern")
    point, call, settings, _ = asked(f, x, options)
    flat = point.ravel()
    along_all = compressed.along_pairs if of_f else compressed.along_colors
    with call.evaluator or NOBODY:
        coloring, spent = compressed.coloring_of(
            call, flat, sparsity, settings, symmetric=symmetric
        )
        problem = pose(call, flat, settings, 0 if of_f else 1)
        lines = along_all(problem, coloring, settings)
    lines = lines._replace(nfev=lines.nfev + spent)
    return sparse_estimate(lines, coloring.pattern, settings)


def asked(
    f: Function, x: Point, options: Settings | Detecting, *, scalar: bool = False
) -> tuple[Floats, Call, Options, Named | None]:
    """Read what was handed over.

    Returns
    -------
    tuple
        The point, as an array; how f is called there, to be used `with` its evaluator; the options;
        and the names of the entries of x, if it has some: then the point is flat, and f is called
        with what it was handed over as.

    Raises
    ------
    TypeError, ValueError
        If x or an option is not allowed.
    """
    point, layout = (as_point(x), None) if type(x) is np.ndarray else point_of(x)
    settings = read(f, point, layout, **options)
    if settings.plan is not None and not scalar and not is_dispatcher(f):
        return point, Call(f, point.shape), settings, None
    if layout is not None and scalar and isinstance(x, Mapping):
        raise TypeError("`x` must be a number or an array of points: use `gradient` for a dict")
    if layout is not None and not scalar:
        f = layout.inward(f)
    args, kwargs = settings.args, settings.kwargs
    if args or kwargs:
        f = bound(f, args, kwargs)
    plain, asking = settings.vectorized or not is_dispatcher(f), settings.asking
    inner, shape = f if plain else as_function(f), () if scalar else point.shape
    if asking is None:
        call = Call(inner, shape, settings.vectorized, scalar, not plain)
    elif asking.threads and not plain:
        call = Call(inner, shape, scalar=scalar, dispatcher=True, workers=asking.threads)
    else:
        evaluator = asking.evaluator(f, inner, vectorized=settings.vectorized)
        call = Call(inner, shape, settings.vectorized, scalar, evaluator=evaluator)
    return point, call, settings, layout
