"""What is measured of a derivative: digits, cover, lies, silent failures, evaluations.

An `Outcome` is what one tool said about one problem.  Its entries are compared one by one with the
truth, except that digits are those of the whole answer in the max norm.  For a function of one
variable both are the same.  A problem without an answer counts as that and nowhere else.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

FEWEST, MOST = -2.0, 17.0  # digits are clipped to these
RIGHT_DIGITS = 4  # fewer, and not flagged, is a silent failure
LIE = 10  # an error so many times the reported one is a lie


@dataclass(frozen=True, eq=False)
class Outcome:
    """One tool on one problem; the arrays are flat and of one length.

    ``error`` is nan where the tool reports none; ``directions`` is what the calls of f are shared
    between: 1 for a derivative, n for a gradient, n(n+1)/2 for a Hessian.
    """

    tool: str
    case: str
    category: str
    at: str
    exact: Floats
    value: Floats
    error: Floats
    flagged: Bools
    calls: int
    directions: int
    note: str = ""

    @property
    def true_error(self) -> Floats:
        with np.errstate(all="ignore"):
            return np.abs(self.value - self.exact)

    @property
    def answered(self) -> Bools:
        return np.isfinite(self.value)

    @property
    def digits(self) -> float:
        """Right digits in the max norm; nan where an entry has no answer."""
        return digits(np.max(self.true_error), np.max(np.abs(self.exact)))

    @property
    def covered(self) -> Bools:
        return covers(self.true_error, self.error)

    @property
    def lies(self) -> Bools:
        return lies(self.true_error, self.error, self.flagged)

    @property
    def silent(self) -> bool:
        """A silent failure: an answer with hardly a right digit, and not a word about it."""
        return self.digits < RIGHT_DIGITS and not self.flagged.any()


def digits(true_error: float, size: float) -> float:
    """-log10 of the error relative to ``size``, or of the error itself where size is 0."""
    if not math.isfinite(true_error):
        return math.nan
    if true_error == 0:
        return MOST
    scale = math.log10(abs(size)) if size else 0.0
    return min(MOST, max(FEWEST, scale - math.log10(true_error)))


def covers(true_error: Floats, error: Floats) -> Bools:
    return true_error <= error


def lies(true_error: Floats, error: Floats, flagged: Bools) -> Bools:
    return ~flagged & (true_error > LIE * error)


@dataclass(frozen=True)
class Target:
    """What a figure must be: between ``low`` and ``high``, both included."""

    low: float = -math.inf
    high: float = math.inf

    def met(self, figure: float) -> bool:
        return self.low <= figure <= self.high

    def __str__(self) -> str:
        if self.low == self.high:
            return f"{self.low:g}"
        if math.isinf(self.low):
            return f"<= {self.high:g}"
        return f">= {self.low:g}" if math.isinf(self.high) else f"{self.low:g} to {self.high:g}"


# --- Figures of many outcomes ---

Outcomes = Sequence[Outcome]


def _over_entries(pick: Callable[[Outcome], NDArray], outcomes: Outcomes) -> NDArray:
    """Join what is picked from every outcome, at the entries with an answer."""
    parts = [pick(outcome)[outcome.answered] for outcome in outcomes]
    return np.concatenate(parts) if parts else np.empty(0)


def _claims(outcomes: Outcomes) -> bool:
    """Whether the tool reports errors at all."""
    return any(not np.isnan(outcome.error).all() for outcome in outcomes)


def _mean(numbers: NDArray) -> float:
    return float(np.mean(numbers)) if numbers.size else math.nan


def _quantile(numbers: Sequence[float], q: float) -> float:
    known = [number for number in numbers if not math.isnan(number)]
    return float(np.quantile(known, q)) if known else math.nan


def median_digits(outcomes: Outcomes) -> float:
    return _quantile([outcome.digits for outcome in outcomes], 0.5)


def low_digits(outcomes: Outcomes) -> float:
    """The digits that all but a tenth of the answers have."""
    return _quantile([outcome.digits for outcome in outcomes], 0.1)


def cover(outcomes: Outcomes) -> float:
    """The share of entries within their error bars; nan for a tool without error bars."""
    return _mean(_over_entries(lambda o: o.covered, outcomes)) if _claims(outcomes) else math.nan


def cover_whole(outcomes: Outcomes) -> float:
    """The share of problems all of whose entries are within their error bars."""
    whole = [o.covered.all() for o in outcomes if o.answered.all()]
    return _mean(np.array(whole)) if _claims(outcomes) else math.nan


def count_lies(outcomes: Outcomes) -> float:
    return float(sum(o.lies.sum() for o in outcomes)) if _claims(outcomes) else math.nan


def count_silent(outcomes: Outcomes) -> float:
    return float(sum(outcome.silent for outcome in outcomes))


def count_unanswered(outcomes: Outcomes) -> float:
    return float(sum(not outcome.answered.all() for outcome in outcomes))


def share_flagged(outcomes: Outcomes) -> float:
    return _mean(np.array([outcome.flagged.any() for outcome in outcomes]))


def looseness(outcomes: Outcomes) -> float:
    """The median of reported over true error, where both are finite and the true one is not 0."""
    true = _over_entries(lambda o: o.true_error, outcomes)
    reported = _over_entries(lambda o: o.error, outcomes)
    usable = (true > 0) & np.isfinite(true) & np.isfinite(reported)
    with np.errstate(over="ignore"):
        return _quantile(list(reported[usable] / true[usable]), 0.5)


def evaluations(outcomes: Outcomes) -> float:
    """Calls of f per direction, the mean over all problems that were answered."""
    each = [o.calls / o.directions for o in outcomes if o.answered.all()]
    return _mean(np.array(each))


@dataclass(frozen=True)
class Column:
    """A figure of many outcomes, and how it is written."""

    title: str
    measure: Callable[[Outcomes], float]
    form: str


MEDIAN = Column("median digits", median_digits, ".1f")
COVER = Column("cover", cover, ".3f")
LIES = Column("lies", count_lies, ".0f")
EVALUATIONS = Column("evals", evaluations, ".1f")
COLUMNS = (
    MEDIAN,
    Column("10 % digits", low_digits, ".1f"),
    COVER,
    LIES,
    Column("silent", count_silent, ".0f"),
    Column("no answer", count_unanswered, ".0f"),
    Column("flagged", share_flagged, ".1%"),
    Column("est/true", looseness, ".2f"),
    EVALUATIONS,
)
COLUMNS_OF_ARRAYS = (*COLUMNS[:3], Column("cover whole", cover_whole, ".3f"), *COLUMNS[3:])


def figures(columns: Sequence[Column], outcomes: Outcomes) -> dict[str, float]:
    """Return the figures by their titles."""
    return {column.title: column.measure(outcomes) for column in columns}
