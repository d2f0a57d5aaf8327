"""Checks as assertions: the report is the message, and a test runner shows none of our frames.

Examples
--------
>>> import math
>>> assert_gradient(math.exp, math.exp, 1.0).verdict
'agree'
"""

from __future__ import annotations

import warnings
from typing import Any

from numdiff.verify import checks
from numdiff.verify.arrays import Function
from numdiff.verify.report import AGREE, DISAGREE, Report

OUTCOMES = ("fail", "warn", "skip", "pass")  # out of an inconclusive report


class DerivativeMismatch(AssertionError):  # noqa: N818 - what it is, as test runners print it
    """The derivative disagrees with the numerical one."""


class DerivativeInconclusive(AssertionError):  # noqa: N818
    """Some of the derivative could not be decided."""


def _asserting(check: Function, what: str) -> Function:
    """Return the assertion that belongs to a check."""

    def asserting(*arguments: Any, inconclusive: str = "fail", **choices: Any) -> Report:
        """Fail unless {what}: `numdiff.verify.{name}`, and the same arguments.

        Parameters
        ----------
        *arguments, **choices
            As in `numdiff.verify.{name}`.
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
        """
        __tracebackhide__ = True
        if inconclusive not in OUTCOMES:
            raise ValueError(f"`inconclusive` must be one of {OUTCOMES}, got {inconclusive!r}")
        report: Report = check(*arguments, **choices)
        if report.verdict == DISAGREE:
            raise DerivativeMismatch(str(report))
        if report.verdict == AGREE or inconclusive == "pass":
            return report
        if inconclusive == "warn":
            warnings.warn(str(report), stacklevel=2)
            return report
        if inconclusive == "skip":
            from unittest import SkipTest  # noqa: PLC0415 - pytest, too, takes it for a skip

            raise SkipTest(str(report))
        raise DerivativeInconclusive(str(report))

    name = check.__name__
    asserting.__name__ = asserting.__qualname__ = f"assert_{name}"
    asserting.__doc__ = (asserting.__doc__ or "").format(what=what, name=name)
    return asserting


assert_gradient = _asserting(checks.gradient, "a gradient is right")
assert_jacobian = _asserting(checks.jacobian, "a Jacobian is right")
assert_hessian = _asserting(checks.hessian, "a Hessian is right")
assert_jvp = _asserting(checks.jvp, "products J v are right")
assert_vjp = _asserting(checks.vjp, "products w J are right")
assert_hvp = _asserting(checks.hvp, "products H v are right")
assert_directional = _asserting(checks.directional, "a derivative of a large x is right")
assert_adjoint = _asserting(checks.adjoint, "products from both sides match")
