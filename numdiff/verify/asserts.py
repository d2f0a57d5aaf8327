"""Checks as assertions: the report is the message, and a test runner shows none of our frames."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from numdiff.verify import checks
from numdiff.verify.report import AGREE, DISAGREE, Report

__all__ = [
    "DerivativeInconclusive",
    "DerivativeMismatch",
    "assert_adjoint",
    "assert_directional",
    "assert_gradient",
    "assert_hessian",
    "assert_hvp",
    "assert_jacobian",
    "assert_jvp",
    "assert_vjp",
]


class DerivativeMismatch(AssertionError):  # noqa: N818 - what it is, as test runners print it
    """The derivative disagrees with the numerical one."""


class DerivativeInconclusive(AssertionError):  # noqa: N818
    """Some of the derivative could not be decided."""


def _warned(report: Report) -> None:
    warnings.warn(str(report), stacklevel=4)


def _skipped(report: Report) -> None:
    from unittest import SkipTest  # noqa: PLC0415 - pytest, too, takes it for a skip

    raise SkipTest(str(report))


def _failed(report: Report) -> None:
    __tracebackhide__ = True
    raise DerivativeInconclusive(str(report))


def _passed(_: Report) -> None:
    return


WAYS = ("fail", "warn", "skip", "pass")
DEEDS = (_failed, _warned, _skipped, _passed)


def _insist(
    check: Callable[..., Report], arguments: tuple[Any, ...], choices: dict[str, Any]
) -> Report:
    """Raise what a report calls for."""
    __tracebackhide__ = True
    inconclusive = choices.pop("inconclusive", "fail")
    if inconclusive not in WAYS:
        raise ValueError(f"`inconclusive` must be one of {WAYS}, got {inconclusive!r}")
    report = check(*arguments, **choices)
    if report.verdict == DISAGREE:
        raise DerivativeMismatch(str(report))
    if report.verdict != AGREE:
        DEEDS[WAYS.index(inconclusive)](report)
    return report


def assert_gradient(*arguments: Any, **choices: Any) -> Report:
    """Fail unless a gradient is right: `numdiff.verify.gradient`, and the same arguments.

    Parameters
    ----------
    *arguments, **choices
        As in `numdiff.verify.gradient`.
    inconclusive : str, default "fail"
        What to do where that is the verdict: ``"fail"``, ``"warn"``, ``"skip"`` the test, or
        ``"pass"``.

    Returns
    -------
    Report
        If it does not fail.

    Raises
    ------
    DerivativeMismatch
        If the derivative disagrees. The message is the report.
    DerivativeInconclusive
        If it could not be decided.

    Examples
    --------
    >>> import math
    >>> assert_gradient(math.exp, math.exp, 1.0).verdict
    'agree'
    """
    __tracebackhide__ = True
    return _insist(checks.gradient, arguments, choices)


def assert_jacobian(*arguments: Any, **choices: Any) -> Report:
    """Fail unless a Jacobian is right; see `assert_gradient` and `numdiff.verify.jacobian`."""
    __tracebackhide__ = True
    return _insist(checks.jacobian, arguments, choices)


def assert_hessian(*arguments: Any, **choices: Any) -> Report:
    """Fail unless a Hessian is right; see `assert_gradient` and `numdiff.verify.hessian`."""
    __tracebackhide__ = True
    return _insist(checks.hessian, arguments, choices)


def assert_jvp(*arguments: Any, **choices: Any) -> Report:
    """Fail unless products J v are right; see `assert_gradient` and `numdiff.verify.jvp`."""
    __tracebackhide__ = True
    return _insist(checks.jvp, arguments, choices)


def assert_vjp(*arguments: Any, **choices: Any) -> Report:
    """Fail unless products w J are right; see `assert_gradient` and `numdiff.verify.vjp`."""
    __tracebackhide__ = True
    return _insist(checks.vjp, arguments, choices)


def assert_hvp(*arguments: Any, **choices: Any) -> Report:
    """Fail unless products H v are right; see `assert_gradient` and `numdiff.verify.hvp`."""
    __tracebackhide__ = True
    return _insist(checks.hvp, arguments, choices)


def assert_directional(*arguments: Any, **choices: Any) -> Report:
    """Fail unless a derivative of a large x is right; see `assert_gradient` and `directional`."""
    __tracebackhide__ = True
    return _insist(checks.directional, arguments, choices)


def assert_adjoint(*arguments: Any, **choices: Any) -> Report:
    """Fail unless products from both sides match; see `assert_gradient` and `adjoint`."""
    __tracebackhide__ = True
    return _insist(checks.adjoint, arguments, choices)
