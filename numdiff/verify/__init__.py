"""Check hand-written derivatives: agree, disagree or inconclusive, decided by error bars.

`gradient`, `jacobian`, `hessian`, `jvp`, `vjp` and `hvp` compare all entries with numerical
derivatives; `directional` takes six evaluations of f however large x is; `adjoint` needs no f at
all. They return a `Report`. `assert_gradient` and the like raise it, for tests.

How data flows: `checks` are what users call. `kinds` poses what they handed over, f, x, the
derivative and options, as one value. `point` asks, at each point: `reading` makes a matrix of the
derivative, an operator differentiates f, `rounding` tells how exact the one is and the operator's
bar how exact the other, `rule` judges each entry, `second_look` asks f once more before one is
blamed, and `identities` test what algebra demands. For x of any size `directions` go another way:
a screen along one direction, then wrong entries are located. `findings` puts the `report` together,
with `hints` that name the likely mistake.

Examples
--------
>>> from numdiff import verify
>>> report = verify.gradient(lambda x: x[0] * x[1] ** 2, lambda x: [x[1] ** 2, x[0] * x[1]],
...                          [2.0, 3.0], names=["rate", "depth"])
>>> report.verdict, report.worst(1)["name"].tolist(), report.hints[0][:27]
('disagree', ['depth'], 'a constant factor 2 is miss')
"""

from numdiff.verify.asserts import (
    DerivativeInconclusive,
    DerivativeMismatch,
    assert_adjoint,
    assert_directional,
    assert_gradient,
    assert_hessian,
    assert_hvp,
    assert_jacobian,
    assert_jvp,
    assert_vjp,
)  # fmt: skip
from numdiff.verify.checks import adjoint, directional, gradient, hessian, hvp, jacobian, jvp, vjp
from numdiff.verify.report import Coverage, Report

__all__ = [
    "Coverage", "DerivativeInconclusive", "DerivativeMismatch", "Report", "adjoint",
    "assert_adjoint", "assert_directional", "assert_gradient", "assert_hessian", "assert_hvp",
    "assert_jacobian", "assert_jvp", "assert_vjp", "directional", "gradient", "hessian", "hvp",
    "jacobian", "jvp", "vjp",
]  # fmt: skip
