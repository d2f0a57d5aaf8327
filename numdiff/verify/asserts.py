"""Checks as assertions: the report is the message, and a test runner shows none of our frames."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Unpack

from numdiff.signatures import Asserting, Work, public
from numdiff.verify import checks
from numdiff.verify.arrays import Function
from numdiff.verify.report import AGREE, DISAGREE, Report

if TYPE_CHECKING:
    from numdiff.signatures import Point

OUTCOMES = ("fail", "warn", "skip", "pass")  # out of an inconclusive report


class DerivativeMismatch(AssertionError):  # noqa: N818 - what it is, as test runners print it
    """The derivative disagrees with the numerical one. The message is the report.

    Examples
    --------
    >>> import math
    >>> try:
    ...     assert_gradient(math.sin, lambda x: -math.cos(x), 0.5)
    ... except DerivativeMismatch as mismatch:
    ...     print(str(mismatch).splitlines()[-2])
    likely: the sign is wrong in all entries
    """


class DerivativeInconclusive(AssertionError):  # noqa: N818
    """Some of the derivative could not be decided. The message is the report.

    Examples
    --------
    >>> try:
    ...     assert_gradient(abs, lambda x: 0.0, 0.0)
    ... except DerivativeInconclusive as doubt:
    ...     print(str(doubt).split(":")[0])
    INCONCLUSIVE
    """


def _asserting(
    check: Function, what: str, example: str, without: Sequence[str] = ()
) -> Callable[[Work], Work]:
    """Give an assertion the signature and the docstring of the check that it makes."""

    def told(work: Work) -> Work:
        _, _, rest = (check.__wrapped__.__doc__ or "").partition("    Parameters\n")  # type: ignore[attr-defined]
        parameters, _, _ = rest.partition("    Returns\n")
        work.__doc__ = DOC.format(
            what=what, parameters=parameters, name=work.__name__, example=example
        )
        return public(Asserting, without, rtol=1e-4)(work)

    return told


DOC = """Fail unless {what}: the report of a check is the message.

    Parameters
{parameters}    Returns
    -------
    Report
        If it does not fail.

    Raises
    ------
    DerivativeMismatch
        If the derivative disagrees. The message is the report.
    DerivativeInconclusive
        If it could not be decided.
    TypeError, ValueError
        If x or an option is not allowed.

    Examples
    --------
    >>> {name}({example}).verdict
    'agree'
    """


def _insist(check: Function, *given: Any, inconclusive: str = "fail", **options: Any) -> Report:
    """Raise what a report calls for."""
    __tracebackhide__ = True
    if inconclusive not in OUTCOMES:
        raise ValueError(f"`inconclusive` must be one of {OUTCOMES}, got {inconclusive!r}")
    report: Report = check(*given, **options)
    if report.verdict == DISAGREE:
        raise DerivativeMismatch(str(report))
    if report.verdict == AGREE or inconclusive == "pass":
        return report
    if inconclusive == "warn":
        warnings.warn(str(report), stacklevel=4)
        return report
    if inconclusive == "skip":
        from unittest import SkipTest  # noqa: PLC0415 - pytest, too, takes it for a skip

        raise SkipTest(str(report))
    raise DerivativeInconclusive(str(report))


@_asserting(checks.gradient, "a gradient is right", "lambda x: x @ x, lambda x: 2 * x, [3.0, 4.0]")
def assert_gradient(f: Function, grad: Any, x: Point, **options: Unpack[Asserting]) -> Report:
    __tracebackhide__ = True
    return _insist(checks.gradient, f, grad, x, **options)


@_asserting(
    checks.jacobian, "a Jacobian is right", "lambda x: x**2, lambda x: [[6, 0], [0, 8]], [3.0, 4.0]"
)
def assert_jacobian(f: Function, jac: Any, x: Point, **options: Unpack[Asserting]) -> Report:
    __tracebackhide__ = True
    return _insist(checks.jacobian, f, jac, x, **options)


@_asserting(checks.hessian, "a Hessian is right", "lambda x: x**2, lambda x: 2.0, 3.0")
def assert_hessian(
    f: Function, hess: Any, x: Point, grad: Function | None = None, **options: Unpack[Asserting]
) -> Report:
    __tracebackhide__ = True
    return _insist(checks.hessian, f, hess, x, grad, **options)


@_asserting(
    checks.jvp, "products J v are right", "lambda x: x**2, lambda x, v: 2 * x * v, [3.0, 4.0]"
)
def assert_jvp(f: Function, jvp: Function, x: Point, **options: Unpack[Asserting]) -> Report:
    __tracebackhide__ = True
    return _insist(checks.jvp, f, jvp, x, **options)


@_asserting(
    checks.vjp, "products w J are right", "lambda x: x**2, lambda x, w: 2 * x * w, [3.0, 4.0]"
)
def assert_vjp(f: Function, vjp: Function, x: Point, **options: Unpack[Asserting]) -> Report:
    __tracebackhide__ = True
    return _insist(checks.vjp, f, vjp, x, **options)


@_asserting(
    checks.hvp, "products H v are right", "lambda x, v: 2 * v, [3.0, 4.0], f=lambda x: x @ x"
)
def assert_hvp(
    hvp: Function,
    x: Point,
    f: Function | None = None,
    grad: Function | None = None,
    **options: Unpack[Asserting],
) -> Report:
    __tracebackhide__ = True
    return _insist(checks.hvp, hvp, x, f, grad, **options)


@_asserting(
    checks.directional,
    "a derivative of a large x is right",
    "sum, lambda x: x**0, [3.0, 4.0]",
    checks.NO_OPERATOR,
)
def assert_directional(
    f: Function, grad_or_jvp: Any, x: Point, **options: Unpack[Asserting]
) -> Report:
    __tracebackhide__ = True
    return _insist(checks.directional, f, grad_or_jvp, x, **options)


@_asserting(
    checks.adjoint,
    "products from both sides match",
    "lambda x, v: v, lambda x, w: w, [3.0, 4.0]",
    checks.NO_POINTS,
)
def assert_adjoint(jvp: Function, vjp: Function, x: Point, **options: Unpack[Asserting]) -> Report:
    __tracebackhide__ = True
    return _insist(checks.adjoint, jvp, vjp, x, **options)
