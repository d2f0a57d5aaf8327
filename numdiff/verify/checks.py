"""The checks that users call, each with its kind of derivative."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np

from numdiff import operators
from numdiff.evaluation.call import Call
from numdiff.options import read
from numdiff.verify import algebra
from numdiff.verify.checking import Choices, Plan, Task, plan_of
from numdiff.verify.directional import Finding, along, flat, noise_of
from numdiff.verify.findings import call_text, check, of_identities, title_of
from numdiff.verify.report import DISAGREE, Report
from numdiff.verify.sources import Subject, by_inputs, by_outputs, constant, subject_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from numdiff.estimate import Estimate

    Floats = NDArray[np.float64]
    Shape = tuple[int, ...]

__all__ = ["adjoint", "gradient", "hessian", "hvp", "jacobian", "jvp", "vjp"]

Function = Callable[..., Any]

TRIALS = 3  # random pairs: one is enough but for bad luck
COMPARED = 36  # evaluations along a direction: six, and a closer look at what seems wrong
CONTRADICTED = "`grad` itself disagrees with f: f was differentiated instead"


def gradient(f: Function, grad: Any, x: Any, **choices: Unpack[Choices]) -> Report:
    """Check a gradient against numerical derivatives with error bars.

    Parameters
    ----------
    f : callable
        ``f(x, *args)`` takes a float64 array of x's shape and returns one number.
    grad : callable or array
        ``grad(x, *args)``, of x's shape, or its value at x.
    x : array of float or dict
        The point, of any shape. With a dict of numbers and arrays f gets such dicts, and `grad`
        returns one, or a flat array.
    rtol : float, default 1e-4
        The agreement, relative to the size of an entry, that "agree" must prove. It hides nothing:
        a difference beyond the error bars disagrees, however small.
    names : sequence of str, optional
        Of the entries of x, for the report; those of a dict are its keys.
    n_points : int, default 1
        How many points are tested: x itself and random ones around it.
    radius : float, default 0.1
        How far those are, relative to each entry of x (where it is zero, to the other ones).
    rng : int or numpy.random.Generator, default 0
        Where random numbers come from: the same report each time.
    method, step, noise, bounds, max_nfev, vectorized, args
        As in `numdiff.gradient`; `args` go to `grad` as well.

    Returns
    -------
    Report
        With the `verdict`, the entries, and the likely mistakes.

    Raises
    ------
    TypeError, ValueError
        As in `numdiff.gradient`, and if an option is not allowed.
    Exception
        What f or `grad` raises at x, with a note that names the point.

    Notes
    -----
    The rule is told in `numdiff.verify.judge.judge`. The rounding of `grad` itself is measured by
    twelve more calls with x moved by its last bits.

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
    return _direct("gradient", f, grad, x, choices)


def jacobian(f: Function, jac: Any, x: Any, **choices: Unpack[Choices]) -> Report:
    """Check a Jacobian against numerical derivatives with error bars.

    Parameters
    ----------
    f : callable
        ``f(x, *args)`` takes a float64 array of x's shape and returns an array.
    jac : callable or array
        ``jac(x, *args)``, of shape ``f.shape + x.shape``, or its value at x: a dense or a sparse
        array, or a linear operator with ``matvec``. Entries that the pattern of a sparse array
        lacks are tested too. Where an operator has ``rmatvec``, it is tested against ``matvec``.
    x : array of float or dict
        As in `gradient`.
    **choices
        As in `gradient`.

    Returns
    -------
    Report
        With the `verdict`, the entries, and the likely mistakes.

    Raises
    ------
    TypeError, ValueError, Exception
        As in `gradient`.

    Examples
    --------
    >>> import numpy as np
    >>> report = jacobian(lambda x: x**2, lambda x: np.diag(2 * x), [1.5, -0.7])
    >>> report.verdict
    'agree'
    """
    __tracebackhide__ = True
    return _direct("jacobian", f, jac, x, choices)


def hessian(
    f: Function, hess: Any, x: Any, grad: Function | None = None, **choices: Unpack[Choices]
) -> Report:
    """Check a Hessian against numerical derivatives with error bars.

    Parameters
    ----------
    f : callable
        ``f(x, *args)`` takes a float64 array of x's shape and returns a number or an array.
    hess : callable or array
        ``hess(x, *args)``, of shape ``f.shape + x.shape + x.shape``, or its value at x.
    x : array of float or dict
        As in `gradient`. With a dict, `hess` returns the matrix of all flattened entries.
    grad : callable, optional
        The gradient of f: it is differentiated, which is more exact and takes fewer evaluations,
        unless it disagrees with six values of f along a direction, which a note tells.
    **choices
        As in `gradient`.

    Returns
    -------
    Report
        With the `verdict`, the entries, and the likely mistakes; a Hessian of one number that is
        not symmetric disagrees.

    Raises
    ------
    TypeError, ValueError, Exception
        As in `gradient`.

    Examples
    --------
    >>> report = hessian(lambda x: x[0] ** 2 * x[1], lambda x: [[2 * x[1], 2 * x[0]], [0, 0]],
    ...                  [1.5, -0.7])
    >>> report.verdict, report.worst(1)["index"].tolist()
    ('disagree', [[1, 0]])
    """
    __tracebackhide__ = True
    plan = plan_of(choices)
    subject = subject_of(x, plan.names)
    function = subject.inward(f)
    return check(
        Task(
            "hessian",
            subject,
            _call(function, subject, plan),
            lambda outputs: outputs + subject.x.shape,
            _given(hess, subject),
            _curvature(f, grad, subject, plan),
            (hess, f),
            (("", f), ("", hess), ("", subject), *((("grad=", grad),) if grad else ())),
            fixed=not algebra.is_function(hess),
        ),
        plan,
    )


def jvp(f: Function, jvp: Function, x: Any, **choices: Unpack[Choices]) -> Report:
    """Check products of the Jacobian with vectors, by those with all unit vectors.

    Parameters
    ----------
    f : callable
        ``f(x, *args)`` takes a float64 array of x's shape and returns a number or an array.
    jvp : callable
        ``jvp(x, v, *args)``, of f's shape, for v of x's shape.
    x : array of float or dict
        As in `gradient`.
    **choices
        As in `gradient`.

    Returns
    -------
    Report
        Its entries are those of the Jacobian. That the product is linear is tested too.

    Raises
    ------
    TypeError, ValueError, Exception
        As in `gradient`.

    Examples
    --------
    >>> import numpy as np
    >>> jvp(np.sin, lambda x, v: np.cos(x) * v, [1.5, -0.7]).verdict
    'agree'
    """
    __tracebackhide__ = True
    return _by_products("jvp", f, jvp, x, choices)


def vjp(f: Function, vjp: Function, x: Any, **choices: Unpack[Choices]) -> Report:
    """Check products of vectors with the Jacobian, by those with all unit vectors.

    Parameters
    ----------
    f : callable
        ``f(x, *args)`` takes a float64 array of x's shape and returns a number or an array.
    vjp : callable
        ``vjp(x, w, *args)``, of x's shape, for w of f's shape.
    x : array of float or dict
        As in `gradient`.
    **choices
        As in `gradient`.

    Returns
    -------
    Report
        Its entries are those of the Jacobian. That the product is linear is tested too.

    Raises
    ------
    TypeError, ValueError, Exception
        As in `gradient`.

    Examples
    --------
    >>> import numpy as np
    >>> vjp(np.sin, lambda x, w: np.cos(x) * w, [1.5, -0.7]).verdict
    'agree'
    """
    __tracebackhide__ = True
    return _by_products("vjp", f, vjp, x, choices)


def hvp(
    hvp: Function,
    x: Any,
    f: Function | None = None,
    grad: Function | None = None,
    **choices: Unpack[Choices],
) -> Report:
    """Check products of the Hessian with vectors, by those with all unit vectors.

    Parameters
    ----------
    hvp : callable
        ``hvp(x, v, *args)``, of x's shape, for v of x's shape.
    x : array of float or dict
        As in `gradient`.
    f : callable, optional
        ``f(x, *args)`` returns one number. Either f or `grad` must be given.
    grad : callable, optional
        Its gradient: it is differentiated instead of f, unless the two disagree, as in `hessian`.
    **choices
        As in `gradient`.

    Returns
    -------
    Report
        Its entries are those of the Hessian. That the product is linear and symmetric is tested
        too.

    Raises
    ------
    TypeError, ValueError, Exception
        As in `gradient`.

    Examples
    --------
    >>> import numpy as np
    >>> hvp(lambda x, v: 6 * x * v, [1.5, -0.7], f=lambda x: np.sum(x**3)).verdict
    'agree'
    """
    __tracebackhide__ = True
    base = grad if f is None else f
    if base is None:
        raise ValueError("`hvp` needs f or `grad` to compare with")
    plan = plan_of(choices)
    subject = subject_of(x, plan.names)
    product, function = subject.inward(_called(hvp, "hvp"), 2), subject.inward(base)
    given = (("f=", f), ("grad=", grad))
    return check(
        Task(
            "hvp",
            subject,
            _call(function, subject, plan),
            lambda _: subject.x.shape,
            lambda outputs: _matrix(product, outputs, subject.x.shape),
            _curvature(f, grad, subject, plan),
            (hvp, base),
            (("", hvp), ("", subject), *(pair for pair in given if pair[1] is not None)),
            product=product,
        ),
        plan,
    )


def adjoint(jvp: Function, vjp: Function, x: Any, **choices: Unpack[Choices]) -> Report:
    """Check products with the Jacobian from both sides against each other, without f.

    Parameters
    ----------
    jvp : callable
        ``jvp(x, v, *args)`` for v of x's shape.
    vjp : callable
        ``vjp(x, w, *args)``, of x's shape, for w of the shape that `jvp` returns.
    x : array of float or dict
        As in `gradient`.
    names, rng, args
        As in `gradient`; there is one point, and nothing is differentiated.

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
    plan = plan_of(choices)
    subject, random = subject_of(x, plan.names), np.random.default_rng(plan.rng)
    forward = subject.inward(_called(jvp, "jvp"), 2)
    backward = subject.inward(_called(vjp, "vjp"))
    args, point = plan.settings.get("args", ()), subject.x
    outputs = np.shape(forward(point.copy(), np.zeros(point.shape), *args))
    tests = [
        algebra.adjoint(
            lambda v: np.asarray(forward(point.copy(), v.reshape(point.shape), *args)),
            lambda w: np.asarray(backward(point.copy(), w.reshape(outputs), *args)),
            point.size,
            random,
        )
        for _ in range(TRIALS)
    ]
    text = call_text("adjoint", subject, (("", jvp), ("", vjp), ("", subject)), plan)
    return of_identities(tests, title_of("adjoint products", (vjp, jvp), outputs), text)


def _direct(kind: str, f: Function, derivative: Any, x: Any, choices: Choices) -> Report:
    """Check a derivative that comes as a whole."""
    __tracebackhide__ = True
    plan = plan_of(choices)
    subject = subject_of(x, plan.names)
    function, operator = subject.inward(f), getattr(operators, kind)
    return check(
        Task(
            kind,
            subject,
            _call(function, subject, plan),
            (lambda outputs: outputs) if kind == "jacobian" else _one_output,
            _given(derivative, subject),
            lambda point: operator(function, point, **plan.settings),
            (derivative, f),
            (("", f), ("", derivative), ("", subject)),
            fixed=not algebra.is_function(derivative),
        ),
        plan,
    )


def _by_products(kind: str, f: Function, product: Function, x: Any, choices: Choices) -> Report:
    """Check a derivative that comes as products with vectors on one of its sides."""
    __tracebackhide__ = True
    plan = plan_of(choices)
    subject = subject_of(x, plan.names)
    from_left = kind == "vjp"
    function = subject.inward(f)
    inward = subject.inward(_called(product, kind), 1 if from_left else 2)
    return check(
        Task(
            kind,
            subject,
            _call(function, subject, plan),
            lambda outputs: outputs,
            lambda outputs: _matrix(inward, outputs, subject.x.shape, from_left=from_left),
            lambda point: operators.jacobian(function, point, **plan.settings),
            (product, f),
            (("", f), ("", product), ("", subject)),
            product=inward,
            from_left=from_left,
        ),
        plan,
    )


def _matrix(
    product: Function, outputs: Shape, inputs: Shape, *, from_left: bool = False
) -> Function:
    """Turn products into a function that gives the matrix, also one without entries."""
    if 0 in outputs + inputs:
        return constant(np.empty(outputs + inputs))
    return by_outputs(product, outputs) if from_left else by_inputs(product)


def _called(product: Function, name: str) -> Function:
    if not callable(product):
        raise TypeError(f"`{name}` must be callable, got {type(product).__name__}")
    return product


def _curvature(
    f: Function | None, grad: Function | None, subject: Subject, plan: Plan
) -> Callable[[Floats], Estimate]:
    """Return what differentiates f twice, or once its gradient, unless the two contradict."""
    function = subject.inward(f or grad)  # type: ignore[arg-type]
    gradient_of = None if grad is None else subject.inward(grad)

    def measure(point: Floats) -> Estimate:
        found = operators.hessian(function, point, grad=gradient_of, **plan.settings)
        if f is None or gradient_of is None or not point.size:
            return found
        compared = _compared(function, gradient_of, point, plan)
        found = replace(found, nfev=found.nfev + compared.nfev)
        if compared.verdict != DISAGREE:
            return found
        plain = operators.hessian(function, point, **plan.settings)
        return replace(plain, nfev=plain.nfev + found.nfev, notes=(*plain.notes, CONTRADICTED))

    return measure


def _compared(function: Function, gradient_of: Function, point: Floats, plan: Plan) -> Finding:
    """Compare f and its gradient along one direction."""
    settings, x = plan.settings, point.ravel()
    slope = np.ravel(flat(gradient_of, point.shape, settings)(x.copy()))
    return along(
        flat(function, point.shape, settings), lambda v: slope @ v, x, rtol=plan.rtol,
        max_nfev=COMPARED, rng=plan.rng, noise=noise_of(settings),
        bounds=read(function, point, bounds=settings.get("bounds")).box,
    )  # fmt: skip


def _call(function: Function, subject: Subject, plan: Plan) -> Call:
    settings = plan.settings
    vectorized = settings.get("vectorized", False)
    return Call(function, subject.x.shape, settings.get("args", ()), vectorized=vectorized)


def _given(derivative: Any, subject: Subject) -> Callable[[Shape], Function]:
    function = derivative if algebra.is_function(derivative) else constant(derivative)
    return lambda _: subject.inward(function)


def _one_output(outputs: Shape) -> Shape:
    if np.prod(outputs) != 1:
        raise ValueError(f"f must have one output here, got shape {outputs}: use `jacobian`")
    return ()
