"""The checks that users call."""

from __future__ import annotations

from typing import Any, Unpack

from numdiff.signatures import Checking, public
from numdiff.verify.arrays import Function
from numdiff.verify.findings import check, check_adjoint, check_along
from numdiff.verify.kinds import pose, refuse_array
from numdiff.verify.report import Report

# options that have no meaning without an operator, and those without f
NO_OPERATOR = ("method", "step")
NO_POINTS = (
    *(*NO_OPERATOR, "noise", "accuracy", "bounds", "rtol", "max_nfev", "vectorized"),
    *("n_points", "radius", "accept", "atol", "workers", "timeout", "journal", "progress"),
)

check_of = public(Checking, rtol=1e-4)


@check_of
def gradient(f: Function, grad: Any, x: Any, **choices: Unpack[Checking]) -> Report:
    """Check a gradient against numerical derivatives with error bars.

    Parameters
    ----------
    f : callable
        ``f(x, *args)`` takes a float64 array of x's shape and returns one number.
    grad : callable or array
        ``grad(x, *args)``, of x's shape, or its value at x.
    x : array of float, dict or Series
        The point, of any shape. With a dict or a Series f gets the same, and a derivative returns
        one, or a flat array.
    **options
        The options of all, spelled out in the signature.

    Returns
    -------
    Report
        With the `verdict`, the entries, and the likely mistakes.

    Raises
    ------
    TypeError, ValueError
        If x or an option is not allowed.
    Exception
        What f or the derivative raises at x, with a note that names the point.

    Notes
    -----
    The rule is told in `numdiff.verify.rule.judge`. The rounding of `grad` itself is measured by
    eighteen more calls with x moved by its last bits, and by some millionths.

    Examples
    --------
    >>> import numpy as np
    >>> report = gradient(lambda x: np.sum(x**3), lambda x: 3 * x**2, [1.5, -0.7])
    >>> report.verdict
    'agree'
    >>> gradient(lambda x: np.sum(x**3), lambda x: -3 * x**2, [1.5, -0.7]).hints
    ('the sign is wrong in all entries',)
    """
    __tracebackhide__ = True
    return check(pose("gradient", f, grad, x, choices))


@check_of
def jacobian(f: Function, jac: Any, x: Any, **choices: Unpack[Checking]) -> Report:
    """Check a Jacobian against numerical derivatives with error bars.

    Parameters
    ----------
    f : callable
        ``f(x, *args)`` takes a float64 array of x's shape and returns an array.
    jac : callable or array
        ``jac(x, *args)``, of shape ``f.shape + x.shape``, or its value at x: a dense or a sparse
        array, or a linear operator with ``matvec``. Entries that the pattern of a sparse array
        lacks are tested too. Where an operator has ``rmatvec``, it is tested against ``matvec``.
    x : array of float, dict or Series
        The point, of any shape. With a dict or a Series f gets the same, and a derivative returns
        one, or a flat array.
    **options
        The options of all, spelled out in the signature.

    Returns
    -------
    Report
        With the `verdict`, the entries, and the likely mistakes.

    Raises
    ------
    TypeError, ValueError
        If x or an option is not allowed.
    Exception
        What f or the derivative raises at x, with a note that names the point.

    Examples
    --------
    >>> import numpy as np
    >>> report = jacobian(lambda x: x**2, lambda x: np.diag(2 * x), [1.5, -0.7])
    >>> report.verdict
    'agree'
    """
    __tracebackhide__ = True
    return check(pose("jacobian", f, jac, x, choices))


@check_of
def hessian(
    f: Function, hess: Any, x: Any, grad: Function | None = None, **choices: Unpack[Checking]
) -> Report:
    """Check a Hessian against numerical derivatives with error bars.

    Parameters
    ----------
    f : callable
        ``f(x, *args)`` takes a float64 array of x's shape and returns a number or an array.
    hess : callable or array
        ``hess(x, *args)``, of shape ``f.shape + x.shape + x.shape``, or its value at x.
    x : array of float, dict or Series
        The point, of any shape. With a dict, `hess` returns the matrix of all flattened entries.
    grad : callable, optional
        The gradient of f: it is differentiated, which is more exact and takes fewer evaluations,
        unless it disagrees with six values of f along a direction, which a note tells.
    **options
        The options of all, spelled out in the signature.

    Returns
    -------
    Report
        With the `verdict`, the entries, and the likely mistakes; a Hessian of one number that is
        not symmetric disagrees.

    Raises
    ------
    TypeError, ValueError
        If x or an option is not allowed.
    Exception
        What f or the derivative raises at x, with a note that names the point.

    Examples
    --------
    >>> report = hessian(lambda x: x[0] ** 2 * x[1], lambda x: [[2 * x[1], 2 * x[0]], [0, 0]],
    ...                  [1.5, -0.7])
    >>> report.verdict, report.worst(1)["index"].tolist()
    ('disagree', [[1, 0]])
    """
    __tracebackhide__ = True
    return check(pose("hessian", f, hess, x, choices, grad))


@check_of
def jvp(f: Function, jvp: Function, x: Any, **choices: Unpack[Checking]) -> Report:
    """Check products of the Jacobian with vectors, by those with all unit vectors.

    Parameters
    ----------
    f : callable
        ``f(x, *args)`` takes a float64 array of x's shape and returns a number or an array.
    jvp : callable
        ``jvp(x, v, *args)``, of f's shape, for v of x's shape.
    x : array of float, dict or Series
        The point, of any shape. With a dict or a Series f gets the same, and a derivative returns
        one, or a flat array.
    **options
        The options of all, spelled out in the signature.

    Returns
    -------
    Report
        Its entries are those of the Jacobian. That the product is linear is tested too.

    Raises
    ------
    TypeError, ValueError
        If x or an option is not allowed.
    Exception
        What f or the derivative raises at x, with a note that names the point.

    Examples
    --------
    >>> import numpy as np
    >>> jvp(np.sin, lambda x, v: np.cos(x) * v, [1.5, -0.7]).verdict
    'agree'
    """
    __tracebackhide__ = True
    return check(pose("jvp", f, jvp, x, choices))


@check_of
def vjp(f: Function, vjp: Function, x: Any, **choices: Unpack[Checking]) -> Report:
    """Check products of vectors with the Jacobian, by those with all unit vectors.

    Parameters
    ----------
    f : callable
        ``f(x, *args)`` takes a float64 array of x's shape and returns a number or an array.
    vjp : callable
        ``vjp(x, w, *args)``, of x's shape, for w of f's shape.
    x : array of float, dict or Series
        The point, of any shape. With a dict or a Series f gets the same, and a derivative returns
        one, or a flat array.
    **options
        The options of all, spelled out in the signature.

    Returns
    -------
    Report
        Its entries are those of the Jacobian. That the product is linear is tested too.

    Raises
    ------
    TypeError, ValueError
        If x or an option is not allowed.
    Exception
        What f or the derivative raises at x, with a note that names the point.

    Examples
    --------
    >>> import numpy as np
    >>> vjp(np.sin, lambda x, w: np.cos(x) * w, [1.5, -0.7]).verdict
    'agree'
    """
    __tracebackhide__ = True
    return check(pose("vjp", f, vjp, x, choices))


@check_of
def hvp(
    hvp: Function, x: Any, f: Function | None = None, grad: Function | None = None,
    **choices: Unpack[Checking],
) -> Report:  # fmt: skip
    """Check products of the Hessian with vectors, by those with all unit vectors.

    Parameters
    ----------
    hvp : callable
        ``hvp(x, v, *args)``, of x's shape, for v of x's shape.
    x : array of float, dict or Series
        The point, of any shape. With a dict or a Series f gets the same, and a derivative returns
        one, or a flat array.
    f : callable, optional
        ``f(x, *args)`` returns one number. Either f or `grad` must be given.
    grad : callable, optional
        Its gradient: it is differentiated instead of f, unless the two disagree, as in `hessian`.
    **options
        The options of all, spelled out in the signature.

    Returns
    -------
    Report
        Its entries are those of the Hessian. That the product is linear and symmetric is tested
        too.

    Raises
    ------
    TypeError, ValueError
        If x or an option is not allowed.
    Exception
        What f or the derivative raises at x, with a note that names the point.

    Examples
    --------
    >>> import numpy as np
    >>> hvp(lambda x, v: 6 * x * v, [1.5, -0.7], f=lambda x: np.sum(x**3)).verdict
    'agree'
    """
    __tracebackhide__ = True
    if f is None and grad is None:
        raise ValueError("`hvp` needs f or `grad` to compare with")
    return check(pose("hvp", f, hvp, x, choices, grad))


@public(
    Checking,
    without=(
        "method",
        "step",
        "noise",
        "accuracy",
        "bounds",
        "rtol",
        "max_nfev",
        "vectorized",
        "workers",
        "n_points",
        "radius",
    ),
    rtol=1e-4,
)
def adjoint(jvp: Function, vjp: Function, x: Any, **choices: Unpack[Checking]) -> Report:
    """Check products with the Jacobian from both sides against each other, without f.

    Parameters
    ----------
    jvp : callable
        ``jvp(x, v, *args)`` for v of x's shape.
    vjp : callable
        ``vjp(x, w, *args)``, of x's shape, for w of the shape that `jvp` returns.
    x : array of float, dict or Series
        The point, of any shape. With a dict or a Series f gets the same, and a derivative returns
        one, or a flat array.
    **options
        The options of all, spelled out in the signature.

    Returns
    -------
    Report
        Its entries are w.(J v), as analytic, and (w J).v, as numerical, for some random v and w.
        They differ by rounding only if both products belong to the same J, right or wrong.

    Raises
    ------
    ValueError
        If a product has the wrong size.

    Examples
    --------
    >>> import numpy as np
    >>> J = np.array([[1.0, 2.0], [3.0, 4.0]])
    >>> adjoint(lambda x, v: J @ v, lambda x, w: J @ w, [0.0, 0.0]).verdict
    'disagree'
    """
    __tracebackhide__ = True
    refuse_array(jvp, "jvp")
    refuse_array(vjp, "vjp")
    return check_adjoint(pose("adjoint", jvp, vjp, x, choices))


@public(Checking, without=NO_OPERATOR, rtol=1e-4)
def directional(f: Function, grad_or_jvp: Any, x: Any, **choices: Unpack[Checking]) -> Report:
    """Check a derivative along a random direction, with six evaluations of f however large x is.

    Where the two disagree the wrong entries are searched for, by bisection.

    Parameters
    ----------
    f : callable
        ``f(x, *args)`` takes a float64 array of x's shape and returns a number or an array.
    grad_or_jvp : callable or array
        The gradient or Jacobian, ``grad(x, *args)`` or its value: a dense or sparse array or a
        linear operator; or products with vectors, ``jvp(x, v, *args)``.
    x : array of float, dict or Series
        The point, of any shape. With a dict or a Series f gets the same, and a derivative returns
        one, or a flat array.
    **options
        The options of all, spelled out in the signature.

    Returns
    -------
    Report
        Its entries are those that were tested one by one; a note says which error of a single
        entry would have been seen. By default about 300 evaluations of f, and `rtol` is relative to
        the derivative along the direction.

    Raises
    ------
    TypeError, ValueError
        If x or an option is not allowed.
    Exception
        What f or the derivative raises at x, with a note that names the point.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.linspace(1.0, 2.0, 10000)
    >>> report = directional(lambda x: np.sum(x**2), lambda x: 2 * x, x)
    >>> report.verdict, report.nfev
    ('agree', 6)
    """
    __tracebackhide__ = True
    return check_along(pose("directional", f, grad_or_jvp, x, choices))
