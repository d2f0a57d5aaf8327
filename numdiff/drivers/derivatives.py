"""A function at a point, and what is known of its derivatives along directions."""

from __future__ import annotations

import math
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from numdiff.arrays import Array, Codes, Floats, Ints, Mask
from numdiff.constants import BUDGET, DOMAIN, OK
from numdiff.evaluation.call import LONG, UNKNOWN, Call, Form, every_point
from numdiff.geometry.directions import Directions

COLUMNS = ("value", "error", "status", "step", "noise", "left", "right")
EVIDENCE = (*COLUMNS[:5], "proven")

UNASKED = np.empty(0)  # stands for f(x) until f was asked there
NOTHING = np.empty((0, 0, 0, 0))

Columns: TypeAlias = tuple[Floats, Floats, Codes, Floats, Floats]  # without left and right


class Problem(NamedTuple):
    """A function at a point; or at n points of one entry each, for f of a number.

    Parameters
    ----------
    call : Call
        How f is called.
    x : array (n,)
        The point, or the points: then directions are their axes, one for each.
    form : Form
        Form of what f returns, as far as it is known.
    f0 : array (m,)
        f(x) in columns, where it was asked for; (n, m) of many points.
    rtol : float
        Relative error bar that is good enough.
    budget : float
        How many more evaluations are allowed, at each of many points.
    noise : array (m,) or None
        Standard deviation of the error of f, where it was given.
    again : array (m,) or None
        f(x) as it was when it was asked once more.
    nfev : int
        How many evaluations it took to pose it, f(x) among them.
    apart : bool
        Whether x holds many points, each an entry.
    """

    call: Call
    x: Floats
    form: Form = UNKNOWN
    f0: Floats = UNASKED
    rtol: float = 0.0
    budget: float = math.inf
    noise: Floats | None = None
    again: Floats | None = None
    nfev: int = 0
    apart: bool = False

    def along(self, directions: Directions) -> tuple[Problem, Directions]:
        """Return the problem at those alone of many points that directions move."""
        points, axes = directions.index, np.arange(len(directions))
        f0 = self.f0 if self.f0 is UNASKED else self.f0[points]
        again = None if self.again is None else self.again[points]
        some = self._replace(x=self.x[points], f0=f0, again=again, apart=len(points) > 1)
        return some, Directions(axes, axes, directions.weight)

    def at(self, k: int) -> Problem:
        """Return the problem at the k-th of many points."""
        again = None if self.again is None else self.again[k]
        return self._replace(x=self.x[k : k + 1], f0=self.f0[k], again=again, apart=False)

    def reading(self, outputs: Ints) -> tuple[Problem, Ints]:
        """Return the problem of some outputs alone, and their numbers in it.

        Of the others nothing is held, if there may be many: else it stays as it is.
        """
        if self.f0.shape[-1] < LONG or self.call.dispatcher:
            return self, outputs
        some, numbers = np.unique(outputs, return_inverse=True)
        noise, again = (p if p is None else p[..., some] for p in (self.noise, self.again))
        call, f0 = self.call._replace(outputs=some), self.f0[..., some]
        return self._replace(call=call, f0=f0, noise=noise, again=again), numbers

    def less(self, nfev: int) -> Problem:
        """Return the problem after so many evaluations more."""
        return self if self.budget == math.inf else self._replace(budget=self.budget - nfev)

    def probing(self) -> Problem:
        """Return the problem for points without which there is an answer already."""
        return self._replace(call=self.call._replace(spared=every_point))


class Derivatives(NamedTuple):
    """Derivatives along D directions, each array (D, m), and the evidence that the ladder left."""

    value: Floats
    error: Floats
    status: Codes
    step: Floats
    noise: Floats
    nfev: int  # without f(x) itself
    form: Form
    trouble: Exception | None = None  # the first one that f raised beside x
    left: Floats | None = None  # one-sided derivatives, where they were computed
    right: Floats | None = None
    samples: Floats = NOTHING  # (D, C, slots, m), of directions that are not calm at least
    state: Ints = np.empty((0, 0), np.int64)  # (D, columns of the ladder's state), likewise
    proven: Floats = np.empty((0, 0))  # (D, m): bars without what contradicts them
    calm: Mask = np.empty(0, np.bool_)  # (D,): whether nothing is suspicious at first sight
    restless: int = 1  # along how many of them something is, or may be

    def pick(self, rows: Ints) -> Derivatives:
        """Return those along some directions, with their evidence, and no evaluations."""
        columns: dict[str, Any] = {
            name: part[rows]
            for name, part in zip(self._fields, self, strict=True)
            if isinstance(part, np.ndarray) and part.size
        }
        return self._replace(**columns, nfev=0, trouble=None)

    def widened(self, outputs: Ints, size: int) -> Derivatives:
        """Return those of some outputs among as many as f has: of the others nothing is known."""
        out = np.where(self.status[:, :1] == BUDGET, np.uint8(BUDGET), np.uint8(DOMAIN))
        columns: dict[str, Any] = {}
        for name, nothing in zip(EVIDENCE, (math.nan, math.inf, out, 0.0, 0.0, 0.0), strict=True):
            part = getattr(self, name)
            columns[name] = column = np.empty((len(part), size), part.dtype)
            column[:], column[:, outputs] = nothing, part
        samples = np.full((*self.samples.shape[:-1], size), math.nan)
        samples[..., outputs] = self.samples
        calm, restless = np.zeros(len(self.calm), np.bool_), len(self.calm)
        return self._replace(**columns, samples=samples, calm=calm, restless=restless)


def blank(problem: Problem, count: int) -> Derivatives:
    """Return derivatives of which nothing is known: outside the domain until found otherwise."""
    shape = (count, problem.form.size)
    nothing, zero = np.full(shape, np.nan), np.zeros(shape)
    status = np.full(shape, DOMAIN, np.uint8)
    return Derivatives(nothing, np.full(shape, np.inf), status, zero, zero, 0, problem.form)


def still(problem: Problem, count: int) -> Derivatives:
    """Return the derivatives along directions that do not move."""
    finite = np.broadcast_to(np.isfinite(problem.f0), (count, problem.f0.size))
    value, error = np.where(finite, 0.0, np.nan), np.where(finite, 0.0, np.inf)
    status = np.where(finite, OK, DOMAIN).astype(np.uint8)
    return blank(problem, count)._replace(value=value, error=error, status=status)


def fill(
    whole: Derivatives, rows: Ints, part: Derivatives, chosen: Mask | None = None
) -> Derivatives:
    """Take over the derivatives along some directions.

    Of those, what was chosen (rows, m), or where nothing was known.
    """
    trouble, nfev = whole.trouble or part.trouble, whole.nfev + part.nfev
    if chosen is None and len(rows) == len(whole.value) and whole.nfev == 0:
        return part._replace(trouble=trouble, nfev=nfev)
    new = whole.status[rows] == DOMAIN if chosen is None else chosen
    columns: dict[str, Any] = {}
    sided = whole.left is not None or part.left is not None
    for name in COLUMNS if sided else COLUMNS[:5]:
        columns[name] = column = np.array(_column(whole, name))
        column[rows] = np.where(new, _column(part, name), column[rows])
    return whole._replace(**columns, nfev=nfev, trouble=trouble)


def stacked(parts: list[Derivatives]) -> Derivatives:
    """Put the derivatives of several blocks, or of several points, below each other.

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
    columns: dict[str, Any] = {
        name: _joined([_column(part, name) for part in parts]) for name in _names(*parts)
    }
    trouble = next((part.trouble for part in parts if part.trouble), None)
    nfev = sum(part.nfev for part in parts)
    return Derivatives(**columns, nfev=nfev, form=parts[0].form, trouble=trouble)


def _joined(columns: list[Array]) -> Array:
    """Put columns below each other; what is the same for all outputs takes the room of one."""
    outputs = columns[0].shape[1]
    if outputs > 1 and all(column.strides[1] == 0 for column in columns):
        alone = np.concatenate([column[:, :1] for column in columns])
        return np.broadcast_to(alone, (len(alone), outputs))
    return np.concatenate(columns)


def _names(*parts: Derivatives) -> tuple[str, ...]:
    """Return the names of the columns, with one-sided derivatives if somebody asked for them."""
    for part in parts:
        if part.left is not None:
            return COLUMNS
    return COLUMNS[:5]


def _column(derivatives: Derivatives, name: str) -> Array:
    column: Array | None = getattr(derivatives, name)
    return np.full(derivatives.value.shape, math.nan) if column is None else column
