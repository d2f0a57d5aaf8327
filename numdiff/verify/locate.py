"""Which entries of a derivative are wrong, once it is known to be wrong along a direction.

Half of the direction tells which half of the entries is wrong, and so on: what the other half is
wrong by is the rest, and costs nothing. Each entry that is found is then differentiated by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from numdiff.estimate import Estimate
from numdiff.evaluation.call import Call, evaluate
from numdiff.operators import derivative
from numdiff.options import Box
from numdiff.verify.probe import DOUBLE, Slope, short_slope

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["Columns", "Entry", "Located", "Task", "by_column", "by_halves", "follow", "is_wrong"]


BARS = 8.0  # a difference of so many bars is no accident: bars hold in 98 of 100 cases
STRICT = 1e-10  # relative: formulas of some hundred operations differ by so much
ROUNDINGS = 4.0  # of what the analytic derivative is made of
EVERYWHERE = 5  # splits in a row with both halves wrong: of 32 blocks most are
SAMPLED = 4  # entries tested where most are wrong
OUTER = 2.0**-6  # of the size of x: where the operators begin
ENTRY = 24  # evaluations for one entry: 10 to 20 are usual
NODE = 4.0  # errors of a difference over a block: a half that has less is taken as right
SLIGHT = 1.0 / 64.0  # of what a block is wrong by: halves that are wrong everywhere have more
ALIKE = 0.05  # relative: two directions that tell the same of an entry
MOST = 100  # columns of a Jacobian that are reported
IRREGULAR = 0.6180339887498949  # the golden ratio: multiples of it spread evenly


class Task(NamedTuple):
    """A function at a flat point, and what is said to be its derivative.

    Attributes
    ----------
    call : Call
        How f is called.
    apply : callable
        ``apply(v)`` multiplies the analytic derivative by a flat vector.
    x, sizes : array (n,)
        The point, and the size of each entry.
    box : Box or None
        The bounds.
    noise : float or None
        The standard deviation of the error of f, if it is known.
    rounding : float
        Relative, of the entries of the analytic derivative.
    """

    call: Call
    apply: Callable[[Floats], Any]
    x: Floats
    sizes: Floats
    box: Box | None = None
    noise: float | None = None
    rounding: float = DOUBLE

    def product(self, v: Floats) -> NDArray[Any]:
        """Return the analytic derivative times v, as it comes; entries may be infinite."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.apply(v))

    def predicted(self, v: Floats) -> Floats:
        """Return what the analytic derivative says along v, of every output."""
        return np.asarray(self.product(v), dtype=np.float64).ravel()


class Entry(NamedTuple):
    """One entry of the derivative, tested by itself: output `row`, input `column`."""

    row: int
    column: int
    analytic: float
    numerical: float
    error: float
    wrong: bool

    @property
    def excess(self) -> float:
        """What the analytic derivative has too much."""
        return self.analytic - self.numerical


class Located(NamedTuple):
    """Entries that were tested, what that cost, and what was noticed.

    Where most are wrong `sampled` says that the entries stand for many.
    """

    entries: tuple[Entry, ...]
    nfev: int
    notes: tuple[str, ...] = ()
    sampled: bool = False


class Columns(NamedTuple):
    """Entries of several rows, the rows they explain, and the cost."""

    entries: tuple[Entry, ...]
    rows: NDArray[np.int64]
    nfev: int


class _Search(NamedTuple):
    """What is halved: a direction, followed by central differences with one step."""

    task: Task
    v: Floats
    like: Slope
    row: int
    step: float
    error: float
    known: dict[tuple[int, int], float]  # of a block: analytic less numerical

    @property
    def cost(self) -> int:
        """How many evaluations the blocks took."""
        return 2 * len(self.known)

    def difference(self, first: int, last: int) -> float:
        """Compare the derivatives along the part of v that lies in a block."""
        task, part = self.task, np.zeros(self.v.size)
        part[first:last] = self.v[first:last]
        points = np.stack([task.x, task.x])
        points[:, first:last] += np.array([[self.step], [-self.step]]) * self.v[first:last]
        after, before = evaluate(task.call, points, None).rows[:, self.row]
        return float(task.predicted(part)[self.row] - (after - before) / (2.0 * self.step))


class _Block(NamedTuple):
    """Where the bisection ended, and the block that seems wrong everywhere, if any."""

    first: int
    last: int
    dense: tuple[int, int] | None


def is_wrong(analytic: Any, numerical: Any, error: Any, size: Any) -> NDArray[np.bool_]:
    """Say where a difference is more than bars and rounding."""
    excess = np.abs(analytic - numerical)
    return np.asarray((excess > BARS * error) & (excess > STRICT * size))


def follow(task: Task, v: Floats, like: Slope, rows: NDArray[np.int64], limit: float) -> Estimate:
    """Differentiate some outputs along v with all the care that operators take."""
    x, ask = task.x, task.call.function
    bounds = None
    if task.box is not None:
        moving = v != 0.0
        room = np.minimum(task.box.upper - x, x - task.box.lower)[moving] / np.abs(v[moving])
        bounds = (-room.min(), room.min())
    return derivative(
        lambda t: np.ravel(ask(x + t * v))[rows],
        0.0, step=OUTER, bounds=bounds, max_nfev=int(limit), noise=like.told(rows, task.noise),
    )  # fmt: skip


def _tested(task: Task, like: Slope, row: int, column: int, limit: float) -> tuple[Entry, int]:
    """Differentiate one output by one entry of x."""
    x, ask = task.x, task.call.function

    def moved(entry: Any) -> Any:
        point = x.copy()
        point[column] = entry
        return np.ravel(ask(point))[row]

    box = task.box
    bounds = None if box is None else (box.lower[column], box.upper[column])
    noise = like.told(row, task.noise)
    found = derivative(
        moved, x[column], step=OUTER * task.sizes[column], bounds=bounds, max_nfev=int(limit),
        noise=noise,
    )  # fmt: skip
    unit = np.zeros(x.size)
    unit[column] = 1.0
    analytic, numerical = float(task.predicted(unit)[row]), float(found.value)
    error = float(found.error) + ROUNDINGS * task.rounding * abs(analytic)
    size = max(abs(analytic), abs(numerical))
    wrong = bool(found.success) and bool(is_wrong(analytic, numerical, error, size))
    return Entry(row, column, analytic, numerical, error, wrong), found.nfev


def by_halves(
    task: Task, v: Floats, like: Slope, *, row: int, excess: float, bar: float, limit: float
) -> Located:
    """Find the wrong entries of one output by bisection.

    Parameters
    ----------
    task : Task
        With f and its derivative.
    v : array (n,)
        A direction along which they differ.
    like : Slope
        The derivative of f along v.
    row : int
        The output.
    excess, bar : float
        What the analytic derivative has too much along v, and the bar of that.
    limit : float
        How many evaluations are allowed.
    """
    errors = like.errors(row)
    best = int(errors.argmin())
    error = float(errors[best])
    search = _Search(task, v, like, row, float(like.steps[best]), error, {})
    entries: tuple[Entry, ...] = ()
    nfev, left, doubt = 0, excess, bar
    while abs(left) > doubt and search.cost + nfev + ENTRY <= limit:
        block = _descended(search, left, entries, limit - nfev - ENTRY)
        # a difference over a step may leave some of an entry that is known already
        if block.last - block.first > 1 or block.first in {entry.column for entry in entries}:
            break
        entry, cost = _tested(task, like, row, block.first, limit - nfev - search.cost)
        entries, nfev = (*entries, entry), nfev + cost
        if block.dense is not None:
            return _sampled(search, block.dense, entries, nfev, limit)
        if not entry.wrong:
            return Located(entries, nfev + search.cost)
        left -= entry.excess * v[block.first]
        doubt += entry.error * abs(v[block.first])
    notes = ("`max_nfev` ended the search: there are more wrong entries",)
    return Located(entries, nfev + search.cost, notes if abs(left) > doubt else ())


def _descended(search: _Search, excess: float, entries: tuple[Entry, ...], limit: float) -> _Block:
    """Go down to a wrong entry, and notice a block that is wrong everywhere."""
    first, last, depth, splits = 0, search.v.size, 0, 0
    top = first, last
    dense: tuple[int, int] | None = None
    while last - first > 1 and search.cost + 2 <= limit:
        middle, depth = (first + last) // 2, depth + 1
        if (first, middle) not in search.known:
            search.known[first, middle] = search.difference(first, middle)
        told = (e.excess * search.v[e.column] for e in entries if first <= e.column < middle)
        left = search.known[first, middle] - sum(told)
        right = excess - left
        # every right half has the errors of all differences before it
        least = max(NODE * search.error * (1 + depth), SLIGHT * abs(excess))
        both = min(abs(left), abs(right)) > least
        top, splits = (top, splits + 1) if both else ((first, last), 0)
        dense = dense or (top if splits == EVERYWHERE else None)
        if abs(left) >= abs(right):
            last, excess = middle, left
        else:
            first, excess = middle, right
    return _Block(first, last, dense)


def _sampled(
    search: _Search, block: tuple[int, int], entries: tuple[Entry, ...], nfev: int, limit: float
) -> Located:
    """Test a few entries more of a block that is wrong everywhere."""
    first, last = block
    moving = first + np.flatnonzero(search.v[first:last])
    picks = np.linspace(0, moving.size - 1, min(SAMPLED, moving.size)).astype(int)
    known = [entry.column for entry in entries]
    for column in np.setdiff1d(moving[picks], known).tolist():
        left = limit - nfev - search.cost
        if left < ENTRY:
            break
        entry, cost = _tested(search.task, search.like, search.row, column, left)
        entries, nfev = (*entries, entry), nfev + cost
    where = "a global mistake" if last - first == search.v.size else "a mistake of a whole block"
    wrong = sum(entry.wrong for entry in entries)
    note = f"{where}: in entries {first} to {last - 1} most parts are wrong; of {len(entries)} "
    told = (note + f"entries tested {wrong} are",)
    everywhere = last - first == search.v.size and wrong == len(entries)
    return Located(entries, nfev + search.cost, told, everywhere)


def by_column(
    task: Task, v: Floats, like: Slope, excess: Floats, rows: NDArray[np.int64]
) -> Columns:
    """Find the one wrong or missing entry of each of several rows, all rows at once.

    Along a second direction, v_j (1 + j / n), the excess of a row grows by 1 + j / n where entry j
    alone is wrong. A third direction, of those entries only, confirms them.

    Parameters
    ----------
    task : Task
        With f and its derivative.
    v : array (n,)
        A direction along which they differ.
    like : Slope
        The derivative of f along v.
    excess : array (m,)
        What the analytic derivative has too much along v.
    rows : array of int
        Outputs that differ.
    """
    n = v.size
    second = v * (1.0 + np.arange(n) / n)
    slopes, _ = short_slope(task.call, task.x, second, like)
    with np.errstate(all="ignore"):
        place = n * ((task.predicted(second) - slopes)[rows] / excess[rows] - 1.0)
    nothing = Columns((), rows[:0], 4)
    inside = (place > -0.5) & (place < n - 0.5)
    rows, column = rows[inside], np.rint(place[inside]).astype(int)
    moving = np.unique(column[v[column] != 0.0])
    if not moving.size:
        return nothing
    third = np.zeros(n)
    # weights that differ: what is confirmed is the column, and not only the set of columns
    third[moving] = v[moving] * (1.0 + np.mod(IRREGULAR * np.arange(moving.size), 1.0))
    slopes, errors = short_slope(task.call, task.x, third, like)
    found, error = (task.predicted(third) - slopes)[rows], errors[rows]
    told = excess[rows] * third[column] / v[column]
    sure = (np.abs(found - told) <= ALIKE * np.abs(told)) & (np.abs(found) > BARS * error)
    rows, column, found, error = rows[sure], column[sure], found[sure], error[sure]
    weight = third[column]
    entries = _entries(task, rows, column, found / weight, error / np.abs(weight))
    return Columns(entries, rows, 8)


def _entries(
    task: Task, rows: NDArray[np.int64], column: NDArray[np.int64], excess: Floats, error: Floats
) -> tuple[Entry, ...]:
    """Read the analytic entries: one product for each column."""
    entries: tuple[Entry, ...] = ()
    for j in np.unique(column)[:MOST]:
        unit = np.zeros(task.x.size)
        unit[j] = 1.0
        products = task.predicted(unit)
        for k in np.flatnonzero(column == j):
            analytic = float(products[rows[k]])
            numerical = analytic - float(excess[k])
            wrong = bool(
                is_wrong(analytic, numerical, error[k], max(abs(analytic), abs(numerical)))
            )
            entry = Entry(int(rows[k]), int(j), analytic, numerical, float(error[k]), wrong)
            entries = (*entries, entry)
    return entries
