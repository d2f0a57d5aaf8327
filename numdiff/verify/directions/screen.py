"""Whether a derivative is right, for x of any size: directions instead of entries."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from numdiff.estimate import Status
from numdiff.evaluation.call import Call
from numdiff.geometry.domain import Box
from numdiff.options import as_point
from numdiff.verify.arrays import EPS, Array, Floats, Function, Ints, Mask
from numdiff.verify.directions.locate import MADE_OF, Bisection, Claim, Entry, by_column, follow
from numdiff.verify.directions.slope import (
    SENTENCES,
    Doubt,
    Slope,
    Told,
    directions,
    scales,
    slope,
    within,
)
from numdiff.verify.identities import spacing_of
from numdiff.verify.report import AGREE, DISAGREE, INCONCLUSIVE, WORST_FIRST
from numdiff.verify.rule import BARS, is_wrong

BUDGET = 300  # evaluations: six wrong entries of a million
FOLLOWED = 24  # evaluations along a direction: 10 to 20 are usual
OUTPUTS = 64  # that are followed, the worst of all
PROOF = 1.0 / 8.0  # of rtol: a direction may well hide so much of an error
HIDDEN = 4.0  # bars: one for either side of the difference, and a weight may be 1/2
UNTRACED = "the difference along the direction was not traced to single entries"
ONCE = "one direction shows a difference that another one does not"
EXACT = Told()
ENDED = "`max_nfev` ended the search"


@dataclass(eq=False)
class Finding:
    """What directions tell of a derivative of m outputs by n inputs; each step adds to it.

    Attributes
    ----------
    v : array (n,)
        The first direction.
    predicted, value, bar : array (m,)
        Along it: what the analytic derivative says, what f says, and the bar of the difference.
    size : array (m,)
        Of the derivative along such directions.
    slope : Slope
        What six values of f told of it.
    wrong, proven : array (m,) of bool
        Of which outputs it is certain that the derivative is wrong, or as right as asked for.
    nfev : int
        Evaluations of f.
    total : array (m,) or nan
        The sum of the absolute entries of the derivative times those of x, if it is known.
    entries : tuple of Entry
        Those that were tested one by one.
    notes : tuple of str
        What else was noticed.
    sampled : bool
        Whether all of a row is wrong, of which the entries are but a sample.
    """

    v: Floats
    predicted: Floats
    value: Floats
    bar: Floats
    size: Floats
    slope: Slope
    wrong: Mask
    proven: Mask
    nfev: int
    total: Any
    entries: tuple[Entry, ...] = ()
    notes: tuple[str, ...] = ()
    sampled: bool = False

    @property
    def excess(self) -> Floats:
        """What the analytic derivative has too much."""
        return self.predicted - self.value

    @property
    def suspects(self) -> Mask:
        """Where the difference exceeds its bar."""
        return np.asarray(np.isfinite(self.predicted) & (np.abs(self.excess) > self.bar))

    @property
    def limit(self) -> float:
        """The smallest error of an entry, times the size of its x, that would have been seen."""
        return float(np.max(HIDDEN * self.bar, initial=0.0))

    @property
    def share(self) -> float:
        """The same as a share of the sum of all entries times their x, nan if not known."""
        with np.errstate(all="ignore"):
            return float(np.max(HIDDEN * self.bar / np.ravel(self.total), initial=0.0))

    @property
    def verdicts(self) -> Array:
        """What is certain of each output, (m,)."""
        wrong = self.wrong.copy()
        wrong[[entry.row for entry in self.entries if entry.wrong]] = True
        return np.select([wrong, self.proven & ~self.suspects], [DISAGREE, AGREE], INCONCLUSIVE)

    @property
    def verdict(self) -> str:
        """What is certain of all outputs together."""
        return next((word for word in WORST_FIRST if (self.verdicts == word).any()), AGREE)

    @property
    def table(self) -> Array:
        """The entries that were tested, as the columns of `Entry`: (6, K)."""
        return np.array(self.entries, dtype=float).reshape(-1, len(Entry._fields)).T


def along(
    f: Function, apply: Function, x: Any, *, rtol: float = 1e-4, max_nfev: int | None = None,
    rng: int | np.random.Generator = 0, bounds: Box | None = None, told: Told = EXACT,
    total: Any = math.nan, rounding: float = EPS, sizes: Floats | None = None,
) -> Finding:  # fmt: skip
    """Compare a derivative with f along a random direction, and find the entries that are wrong.

    Where the two agree six evaluations of f are all it takes, however large x is.

    Parameters
    ----------
    f : callable
        Takes a flat array and returns a number or an array.
    apply : callable
        ``apply(v)`` multiplies the analytic derivative at x by a flat vector.
    x : array (n,)
        The point.
    rtol : float, default 1e-4
        The agreement, relative, that "agree" has to prove.
    max_nfev : int, optional
        Evaluations of f; by default 300.
    rng : int or Generator, default 0
        Where the directions come from.
    bounds : Box, optional
        Outside of which f is not called. Entries of x at a bound are not tested.
    told : Told, optional
        What is known of the error of f.
    total : float or array (m,), optional
        The sum of the absolute entries of the derivative times those of x, of each output.
    rounding : float, default 2**-52
        Of the entries of the analytic derivative, relative.
    sizes : array (n,), optional
        How far entries move, in units of which steps are; by default the sizes of x. Those with 0
        are not tested.

    Returns
    -------
    Finding
        With the verdict.

    Raises
    ------
    ValueError
        If `apply` does not return as many numbers as f.

    Notes
    -----
    A single wrong entry cannot hide, since no weight of the direction is near zero. Entries are
    found by bisection, as in group testing: Dorfman (1943), doi:10.1214/aoms/1177731363.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.linspace(1.0, 2.0, 1000)
    >>> wrong = 2.0 * x
    >>> wrong[321] += 1e-3
    >>> finding = along(lambda x: (x**2).sum(), lambda v: wrong @ v, x)
    >>> finding.verdict, [entry.column for entry in finding.entries]
    ('disagree', [321])
    """
    point = as_point(x).ravel()
    claim = Claim(Call(f, point.shape), apply, point, point, bounds, told, rounding)
    own = scales(point, claim.room) if sizes is None else within(sizes, claim.room)
    claim = claim._replace(sizes=own)
    limit = BUDGET if max_nfev is None else int(max_nfev)
    draws = directions(claim.sizes, rng)
    v, other = next(draws), next(draws)  # the second one tells the size of the derivative
    product = claim.product(v)
    claim = claim._replace(rounding=max(claim.rounding, spacing_of(product)))
    predicted = np.asarray(product, dtype=np.float64).ravel()
    with np.errstate(all="ignore"):
        size = np.hypot(predicted, claim.predicted(other)) / math.sqrt(2.0)
    size = np.where(np.isfinite(predicted) & np.isfinite(size), size, 0.0)
    line = slope(claim.call, claim.x, v, size=size, told=claim.told)
    bar = line.bar + MADE_OF * claim.rounding * size
    # a derivative that is not finite is wrong where nothing speaks against that of f
    lost = ~np.isfinite(predicted) & np.isfinite(bar) & (line.doubt == Doubt.ROUNDED)
    value = line.value.copy()  # it may be corrected
    finding = Finding(v, predicted, value, bar, size, line, lost, ~lost, line.nfev, total)
    finding.proven = _proven(finding, rtol)
    rows = np.flatnonzero(finding.suspects)
    if value.size > 1 and rows.size and finding.nfev + 8 <= limit:
        finding.entries, rows, nfev = by_column(claim, v, line, finding.excess, rows)
        finding.wrong[rows], finding.nfev = True, finding.nfev + nfev
    _follow(claim, finding, rtol, limit)
    _locate(claim, finding, draws, limit)
    finding.notes = _notes(claim, finding)
    return finding


def _proven(finding: Finding, rtol: float) -> Mask:
    """Say where the agreement asked for is certain, or neither f nor its derivative moves."""
    wanted = rtol * finding.size
    close = (np.abs(finding.excess) + finding.bar <= wanted) & (finding.bar <= PROOF * wanted)
    nothing = finding.slope.still & (finding.size == 0.0) & np.isfinite(finding.predicted)
    return np.asarray(close | nothing)


def _follow(claim: Claim, finding: Finding, rtol: float, limit: int) -> None:
    """Look closer at outputs that seem wrong, or that vary too fast for six values."""
    doubt = finding.slope.doubt
    fast = (doubt == Doubt.FAST) & ~finding.proven
    rows = np.flatnonzero((finding.suspects | fast) & ~finding.wrong)
    rows = rows[_worst_first(finding, rows)[:OUTPUTS]]
    if rows.size and finding.nfev + FOLLOWED > limit:
        finding.wrong |= is_wrong(finding.predicted, finding.value, finding.bar, finding.size)
        finding.notes = (ENDED,)
        return
    rough = doubt[rows] == Doubt.ROUGH  # the noise is known there, and only there
    for chosen in (rows[rough], rows[~rough]):
        if chosen.size:
            _correct(claim, finding, chosen, limit)
    finding.proven = _proven(finding, rtol)


def _worst_first(finding: Finding, rows: Ints) -> Ints:
    """Return the order of some outputs by their difference in bars."""
    with np.errstate(all="ignore"):
        return np.argsort(-np.abs(finding.excess / finding.bar)[rows], kind="stable")


def _correct(claim: Claim, finding: Finding, rows: Ints, limit: int) -> None:
    """Differentiate some outputs with all care, and compare again."""
    six, size, analytic = finding.slope, finding.size[rows], finding.predicted[rows]
    estimate = follow(claim, finding.v, six, rows, max(limit - finding.nfev, 1))
    before, slack = finding.value[rows], finding.bar[rows]
    error = estimate.error + MADE_OF * claim.rounding * size
    value = np.where(estimate.success, estimate.value, before)
    bar = np.where(estimate.success, BARS * error, math.inf)
    # rounded f is flat along small steps, which can mislead, but not along those of the six values
    alike = np.abs(value - before) <= slack + error
    near = alike & (six.distance(value, rows) <= 2.0 * six.distance(analytic, rows))
    differ = is_wrong(analytic, value, bar / BARS, size)
    finding.value[rows], finding.bar[rows] = value, np.where(near, bar, math.inf)
    finding.wrong[rows] = near & differ & (six.doubt[rows] != Doubt.KINKED)
    messages = (Status(code).message for code in np.unique(estimate.status[~estimate.success]))
    finding.notes = tuple(dict.fromkeys((*finding.notes, *messages)))
    finding.nfev += estimate.nfev


def _locate(claim: Claim, finding: Finding, draws: Iterator[Floats], limit: int) -> None:
    """Find the wrong entries of the output that is most wrong and not yet explained."""
    rows = np.flatnonzero(finding.wrong & np.isfinite(finding.predicted))
    if not rows.size or finding.entries or finding.nfev + FOLLOWED > limit:
        return
    row = int(rows[_worst_first(finding, rows)[0]])
    search = Bisection(claim, finding.v, finding.slope, row, limit - finding.nfev)
    search.run(float(finding.excess[row]), float(finding.bar[row]))
    finding.entries, finding.sampled = search.entries, search.sampled
    finding.notes, finding.nfev = finding.notes + search.notes, limit - search.left
    if any(entry.wrong for entry in finding.entries):
        rows = rows[rows != row]
    if rows.size:
        _ask_again(claim, finding, rows, next(draws), limit)


def _ask_again(claim: Claim, finding: Finding, rows: Ints, other: Floats, limit: int) -> None:
    """Ask another direction about outputs that no entry explains."""
    if finding.nfev + FOLLOWED > limit:
        finding.notes += (UNTRACED,)
        return
    estimate = follow(claim, other, finding.slope, rows, limit - finding.nfev)
    predicted, size = claim.predicted(other)[rows], finding.size[rows]
    error = estimate.error + MADE_OF * claim.rounding * size
    again = estimate.success & is_wrong(predicted, estimate.value, error, size)
    finding.wrong[rows], finding.bar[rows] = again, np.where(again, finding.bar[rows], math.inf)
    finding.nfev += estimate.nfev
    finding.notes += (UNTRACED if again.all() else ONCE,)


def _notes(claim: Claim, finding: Finding) -> tuple[str, ...]:
    """Say what would have been seen, why the verdict is open, and what was not tested."""
    notes, unproven = list(finding.notes), ~(finding.proven | finding.wrong)
    for doubt in np.unique(finding.slope.doubt[unproven]) if not notes else ():
        count = np.count_nonzero(unproven & (finding.slope.doubt == doubt))
        notes.append(SENTENCES[doubt] + f" ({count} outputs)" * (unproven.size > 1))
    fixed = np.count_nonzero(claim.room == 0.0)
    if fixed:
        notes.append(f"{fixed} entries of x at their bounds were not moved")
    if 0.0 < finding.limit < math.inf:
        share = f", {finding.share:.0e} of the sum of all," if 0.0 < finding.share < 1.0 else ""
        least = f"{finding.limit:.0e} / |x|{share}"
        notes.append(f"a single entry that is wrong by more than {least} would have been seen")
    return tuple(notes)
