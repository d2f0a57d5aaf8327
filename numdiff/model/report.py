"""What a local model looks like in print."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numdiff.estimate import Estimate
    from numdiff.model.local import LocalModel


def report(model: LocalModel) -> Iterator[str]:
    """Yield the lines of the table that stands for a local model."""
    several = np.shape(model.value) != ()
    order = "second" if model.hessian is not None else "first"
    yield f"Taylor model of the {order} order, {model.nfev} evaluations of f"
    yield (
        ""
        if several
        else f"f(x) = {float(model.value):.10g}"
        if np.isrealobj(model.value)
        else (f"f(x) = {model.value:.10g}")
    )
    yield from _titled("Jacobian" if several else "gradient", model.gradient)
    if model.hessian is None:
        return
    yield from _titled("eigenvalues of the Hessian", model.eigenvalues)
    yield f"kind of point: {model.critical_point()}"
    try:
        step = model.newton_step()
    except ValueError as error:
        yield f"no Newton step: {error}"
    else:
        yield from _titled(f"Newton step, condition {step.condition:.2g}", step)


def _titled(title: str, estimate: Estimate) -> Iterator[str]:
    """Yield a title and the table below it, without the line on how it was computed."""
    yield f"{title}:"
    yield from (f"  {line}" for line in str(estimate).splitlines()[:-1])
