"""What is known of derivatives along directions: values, bars, how they came about."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from numdiff.estimate import Status
from numdiff.evaluation.call import Call, Form

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

__all__ = [
    "BLOCK_BYTES",
    "Derivatives",
    "Problem",
    "blank",
    "columns_of",
    "fill",
    "stacked",
    "still",
]


BLOCK_BYTES = 8 * 2**20  # of points, and of samples, held at a time


class Problem(NamedTuple):
    """A function at a point.

    Parameters
    ----------
    call : Call
        How f is called.
    x : array (n,)
        The point.
    form : Form or None
        Form of what f returns, None if not known yet.
    f0 : array (m,) or None
        f(x) in columns, where it was asked for.
    rtol : float
        Relative error bar that is good enough.
    budget : float
        How many more evaluations are allowed.
    noise : array (m,) or None
        Standard deviation of the error of f, where it was given.
    """

    call: Call
    x: Floats
    form: Form | None = None
    f0: Floats | None = None
    rtol: float = 0.0
    budget: float = math.inf
    noise: Floats | None = None


class Derivatives(NamedTuple):
    """Derivatives along D directions, each array (D, m), and the windows they ended with."""

    value: Floats
    error: Floats
    status: NDArray[np.uint8]
    step: Floats
    noise: Floats
    nfev: int
    form: Form
    trouble: Exception | None = None
    samples: Floats | None = None  # (D, C, slots, m)
    state: Ints | None = None  # (D, columns of the ladder's state)
    left: Floats | None = None  # one-sided derivatives, where they were computed
    right: Floats | None = None


def fill(
    found: Derivatives, rows: Ints, lines: Derivatives, chosen: NDArray[np.bool_] | None = None
) -> Derivatives:
    """Take over the lines of some directions: what was chosen, or where nothing was known."""
    trouble, nfev = found.trouble or lines.trouble, found.nfev + lines.nfev
    if chosen is None and len(rows) == len(found.value) and found.nfev == 0:
        return lines._replace(trouble=trouble, nfev=nfev)
    new = found.status[rows] == Status.DOMAIN if chosen is None else chosen
    columns: dict[str, Any] = {}
    for name in ("value", "error", "status", "step", "noise", *_sided(found, lines)):
        column = _column(found, name)
        column[rows] = np.where(new, _column(lines, name), column[rows])
        columns[name] = column
    return found._replace(**columns, nfev=nfev, trouble=trouble)


def _sided(*several: Derivatives) -> tuple[str, ...]:
    return () if all(lines.left is None for lines in several) else ("left", "right")


def _column(lines: Derivatives, name: str) -> NDArray[Any]:
    column = getattr(lines, name)
    return np.full(lines.value.shape, math.nan) if column is None else np.array(column)


def blank(problem: Problem, count: int) -> Derivatives:
    """Return lines of which nothing is known: outside the domain until found otherwise."""
    assert problem.form is not None
    shape = (count, problem.form.size)
    nothing, zero = np.full(shape, np.nan), np.zeros(shape)
    status = np.full(shape, Status.DOMAIN, np.uint8)
    return Derivatives(nothing, np.full(shape, np.inf), status, zero, zero, 0, problem.form)


def still(problem: Problem, count: int) -> Derivatives:
    """Return the derivatives along directions that do not move, f(x) counted."""
    assert problem.f0 is not None
    known = np.broadcast_to(np.isfinite(problem.f0), (count, problem.f0.size))
    zero = np.where(known, 0.0, np.nan)
    status = np.where(known, Status.OK, Status.DOMAIN).astype(np.uint8)
    error = np.where(known, 0.0, np.inf)
    return blank(problem, count)._replace(value=zero, error=error, status=status, nfev=1)


def columns_of(shape: tuple[int, int]) -> tuple[Floats, Floats, NDArray[np.uint8], Floats, Floats]:
    """Make room for value, error, status, step and noise."""
    value, error, step, noise = np.empty(shape), np.empty(shape), np.empty(shape), np.empty(shape)
    return value, error, np.empty(shape, np.uint8), step, noise


def stacked(parts: list[Derivatives]) -> Derivatives:
    """Put the lines of several batches, or of several points, below each other.

    Raises
    ------
    ValueError
        If f returned different shapes.
    """
    if len(parts) == 1:
        return parts[0]
    shapes = {part.form.shape for part in parts}
    if len(shapes) > 1:
        raise ValueError(f"f must return the same shape at every point of x, got {sorted(shapes)}")
    names = ("value", "error", "status", "step", "noise")
    kept = ("samples", "state") if parts[0].state is not None else ()
    joined: dict[str, Any] = {
        name: np.concatenate([_column(part, name) for part in parts])
        for name in (*names, *kept, *_sided(*parts))
    }
    trouble = next((part.trouble for part in parts if part.trouble), None)
    return Derivatives(
        **joined, nfev=sum(part.nfev for part in parts), form=parts[0].form, trouble=trouble
    )
