"""Which entries of a derivative are wrong, once it is known to be wrong along a direction.

Half of the direction tells which half of the entries is wrong, and so on: what the other half is
wrong by is the rest, and costs nothing. Each entry that is found is then differentiated by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from numdiff.estimate import Estimate
from numdiff.evaluation.call import Call, evaluate
from numdiff.geometry.domain import Box
from numdiff.operators import derivative
from numdiff.verify.arrays import EPS, Array, Floats, Ints
from numdiff.verify.directions.slope import Slope, Told, short_slope, spread
from numdiff.verify.rule import BARS, is_wrong

MADE_OF = 4.0  # roundings that an entry of the analytic derivative has gone through
DENSE = 5  # splits in a row with both halves wrong: of 32 blocks most are
SAMPLED = 4  # entries tested where most are wrong
OUTER = 2.0**-6  # of the size of x: where the operators begin
ENTRY = 24  # evaluations for one entry: 10 to 20 are usual
NODE = 4.0  # errors of a difference over a block: a half that has less is taken as right
SLIGHT = 1.0 / 64.0  # of what a block is wrong by: halves that are wrong everywhere have more
CONFIRMED = 0.05  # relative: two directions that tell the same of an entry
COLUMNS = 100  # of a Jacobian that are reported: each costs a product
IRREGULAR = 0.6180339887498949  # the golden ratio: multiples of it spread evenly


class Claim(NamedTuple):
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
    told : Told
        What is known of the error of f.
    rounding : float
        Relative, of the entries of the analytic derivative.
    """

    call: Call
    apply: Callable[[Floats], Any]
    x: Floats
    sizes: Floats
    box: Box | None = None
    told: Told = Told()
    rounding: float = EPS

    def product(self, v: Floats) -> Array:
        """Return the analytic derivative times v, as it comes; entries may be infinite."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.apply(v))

    def predicted(self, v: Floats) -> Floats:
        """Return what the analytic derivative says along v, of every output."""
        return np.asarray(self.product(v), dtype=np.float64).ravel()

    def column(self, j: int) -> Floats:
        """Return the analytic derivative by one entry of x, of every output."""
        return self.predicted((np.arange(self.x.size) == j).astype(float))

    @property
    def room(self) -> Floats:
        """How far each entry of x may move to both sides."""
        if self.box is None:
            return np.full(self.x.size, np.inf)
        return np.minimum(self.box.upper - self.x, self.x - self.box.lower)


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


Entries = tuple[tuple[Entry, ...], Ints, int]  # with their rows, and what they cost


def follow(claim: Claim, v: Floats, like: Slope, rows: Ints, limit: int) -> Estimate:
    """Differentiate some outputs along v with all the care that operators take."""
    # of one number t: the operators walk through the entries of v in Python, and v may be long
    room = claim.room[v != 0.0] / np.abs(v[v != 0.0])
    bounds = None if claim.box is None else (-room.min(), room.min())
    ask, noise = claim.call.f, like.noise_of(rows, claim.told)
    return derivative(
        lambda t: np.ravel(ask(claim.x + t * v))[rows], 0.0, step=OUTER, bounds=bounds,
        max_nfev=limit, noise=noise,
    )  # fmt: skip


def _entry(row: int, column: int, analytic: float, numerical: float, error: float) -> Entry:
    """Judge one entry."""
    size = max(abs(analytic), abs(numerical))
    wrong = bool(is_wrong(analytic, numerical, error, size))
    return Entry(row, column, analytic, numerical, error, wrong)


# Of one output: by bisection


class Bisection:
    """The search for the wrong entries of one output by bisection of a direction.

    Parameters
    ----------
    claim : Claim
        With f and its derivative.
    v : array (n,)
        A direction along which they differ.
    like : Slope
        The derivative of f along v.
    row : int
        The output.
    left : int
        How many evaluations are allowed; what is left of them.

    Attributes
    ----------
    entries : tuple of Entry
        Those that were tested.
    notes : tuple of str
        What was noticed.
    sampled : bool
        Whether the entries stand for many: most are wrong.
    """

    def __init__(self, claim: Claim, v: Floats, like: Slope, row: int, left: int) -> None:
        # of the central difference at each step
        steps, differences = like.pairs.steps, like.pairs.odd[:, row]
        errors = np.abs(differences - like.value[row]) + spread(like.noise[row], steps)
        self.claim, self.v, self.row, self.left = claim, v, row, left
        self.step, self.error = float(steps[errors.argmin()]), float(errors.min())
        self.noise = like.noise_of(row, claim.told)
        self.entries: tuple[Entry, ...] = ()
        self.notes: tuple[str, ...] = ()
        self.sampled = False
        self.differences: dict[tuple[int, int], float] = {}

    def run(self, excess: float, bar: float) -> None:
        """Find what explains that the derivative is wrong by so much along v, to a bar."""
        while abs(excess) > bar and self.left >= ENTRY:
            first, last, dense = self.descend(excess)
            # a difference over a step may leave some of an entry that has been located already
            if last - first > 1 or first in {entry.column for entry in self.entries}:
                break
            entry = self.test(first)
            if dense is not None:
                self.sample(*dense)
            if dense is not None or not entry.wrong:
                return
            excess -= entry.excess * self.v[first]
        if abs(excess) > bar:
            self.notes = ("`max_nfev` ended the search: there are more wrong entries",)

    def difference(self, first: int, last: int) -> float:
        """Return by how much the derivative is wrong over a block, from two values of f, once."""
        if (first, last) not in self.differences:
            x, part = self.claim.x, np.zeros(self.v.size)
            points = np.stack([x, x])
            part[first:last] = self.v[first:last]
            points[:, first:last] += np.array([[self.step], [-self.step]]) * self.v[first:last]
            after, before = evaluate(self.claim.call, points, None).rows[:, self.row]
            slope = (after - before) / (2.0 * self.step)
            self.differences[first, last] = float(self.claim.predicted(part)[self.row] - slope)
            self.left -= 2
        return self.differences[first, last]

    def test(self, column: int) -> Entry:
        """Differentiate the output by one entry of x."""
        claim, row, ask, box = self.claim, self.row, self.claim.call.f, self.claim.box

        def moved(entry: Any) -> Any:
            point = claim.x.copy()
            point[column] = entry
            return np.ravel(ask(point))[row]

        estimate = derivative(
            moved, claim.x[column], step=OUTER * claim.sizes[column], max_nfev=self.left,
            bounds=None if box is None else (box.lower[column], box.upper[column]),
            noise=self.noise,
        )  # fmt: skip
        analytic = float(claim.column(column)[row])
        error = float(estimate.error) + MADE_OF * claim.rounding * abs(analytic)
        entry = _entry(row, column, analytic, float(estimate.value), error)
        entry = entry._replace(wrong=entry.wrong and bool(estimate.success))
        self.entries, self.left = (*self.entries, entry), self.left - estimate.nfev
        return entry

    def descend(self, excess: float) -> tuple[int, int, tuple[int, int] | None]:
        """Go down to a wrong entry, and notice a block that seems wrong everywhere, if any."""
        first, last, depth, splits = 0, self.v.size, 0, 0
        top, dense = (first, last), None
        while last - first > 1 and self.left >= ENTRY + 2:
            middle, depth = (first + last) // 2, depth + 1
            inside = (entry for entry in self.entries if first <= entry.column < middle)
            explained = sum(entry.excess * self.v[entry.column] for entry in inside)
            left = self.difference(first, middle) - explained
            right = excess - left
            # every right half has the errors of all differences before it
            least = max(NODE * self.error * (1 + depth), SLIGHT * abs(excess))
            both = min(abs(left), abs(right)) > least
            top, splits = (top, splits + 1) if both else ((first, last), 0)
            dense = dense or (top if splits == DENSE else None)
            if abs(left) >= abs(right):
                last, excess = middle, left
            else:
                first, excess = middle, right
        return first, last, dense

    def sample(self, first: int, last: int) -> None:
        """Test a few entries more of a block that is wrong everywhere."""
        moving = first + np.flatnonzero(self.v[first:last])
        picks = np.linspace(0, moving.size - 1, min(SAMPLED, moving.size)).astype(int)
        others = np.setdiff1d(moving[picks], [entry.column for entry in self.entries])
        for column in others.tolist():
            if self.left < ENTRY:
                break
            self.test(column)
        whole, wrong = last - first == self.v.size, sum(entry.wrong for entry in self.entries)
        note = (
            f"{'a global mistake' if whole else 'a mistake of a whole block'}: in entries {first} "
            f"to {last - 1} most parts are wrong; of {len(self.entries)} entries tested {wrong} are"
        )
        self.notes, self.sampled = (note,), whole and wrong == len(self.entries)


# Of many outputs: all at once


def by_column(claim: Claim, v: Floats, like: Slope, excess: Floats, rows: Ints) -> Entries:
    """Find the one wrong or missing entry of each of several rows, all rows at once.

    Along a second direction, v_j (1 + j / n), the excess of a row grows by 1 + j / n where entry j
    alone is wrong. A third direction, of those entries only, confirms them.

    Parameters
    ----------
    claim : Claim
        With f and its derivative.
    v : array (n,)
        A direction along which they differ.
    like : Slope
        The derivative of f along v.
    excess : array (m,)
        What the analytic derivative has too much along v.
    rows : array of int
        Outputs that differ.

    Returns
    -------
    entries : tuple of Entry
        The wrong entries.
    rows : array of int
        The outputs that one of them explains, even if too many are wrong to be reported.
    nfev : int
        Evaluations of f.
    """
    n = v.size
    second = v * (1.0 + np.arange(n) / n)
    slopes, _ = short_slope(claim.call, claim.x, second, like)
    with np.errstate(all="ignore"):
        place = n * ((claim.predicted(second) - slopes)[rows] / excess[rows] - 1.0)
    inside = (place > -0.5) & (place < n - 0.5)
    rows, column = rows[inside], np.rint(place[inside]).astype(int)
    moving = np.unique(column[v[column] != 0.0])
    if not moving.size:
        return (), rows[:0], 4
    third = np.zeros(n)
    # weights that differ: what is confirmed is the column, and not only the set of columns
    third[moving] = v[moving] * (1.0 + np.mod(IRREGULAR * np.arange(moving.size), 1.0))
    slopes, errors = short_slope(claim.call, claim.x, third, like)
    more, error = (claim.predicted(third) - slopes)[rows], errors[rows]
    expected = excess[rows] * third[column] / v[column]
    alike = np.abs(more - expected) <= CONFIRMED * np.abs(expected)
    sure = alike & (np.abs(more) > BARS * error)
    rows, column, weight = rows[sure], column[sure], third[column[sure]]
    excesses, bars = more[sure] / weight, error[sure] / np.abs(weight)
    entries: list[Entry] = []
    for j in np.unique(column)[:COLUMNS].tolist():
        products = claim.column(j)
        for k in np.flatnonzero(column == j):
            analytic, row = float(products[rows[k]]), int(rows[k])
            entries.append(_entry(row, j, analytic, analytic - float(excesses[k]), float(bars[k])))
    return tuple(entries), rows, 8
