"""Whether a derivative is right, for x of any size: directions instead of entries."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from numdiff.estimate import Status
from numdiff.evaluation.call import Call
from numdiff.operators import Settings
from numdiff.options import Box, as_point
from numdiff.verify.algebra import spacing_of
from numdiff.verify.locate import (
    BARS,
    ROUNDINGS,
    Entry,
    Task,
    by_column,
    by_halves,
    follow,
    is_wrong,
)
from numdiff.verify.probe import (
    DOUBLE,
    DOUBTS,
    FAST,
    KINKED,
    ROUGH,
    ROUNDED,
    Slope,
    directions,
    scales,
    slope,
)
from numdiff.verify.report import AGREE, DISAGREE, INCONCLUSIVE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

__all__ = ["Finding", "along", "columns", "flat", "noise_of"]

Function = Callable[..., Any]

BUDGET = 300  # evaluations: six wrong entries of a million
FOLLOWED = 24  # evaluations along a direction: 10 to 20 are usual
ROWS = 64  # outputs that are followed, the worst of all
PROOF = 1.0 / 8.0  # of rtol: a direction may well hide so much of an error
HIDDEN = 4.0  # bars: one for either side of the difference, and a weight may be 1/2


@dataclass(frozen=True, eq=False)
class Finding:
    """What directions tell of a derivative.

    Attributes
    ----------
    verdict : str
        ``"agree"``, ``"disagree"`` or ``"inconclusive"``.
    index : array (K,) of int
        Flat entries that were tested one by one: output times the size of x, plus input.
    analytic, numerical, error, difference, bars : array (K,)
        Of these entries; `bars` is the difference in units of `error`.
    wrong : array (K,) of bool
        Whether these entries are wrong; of the others only the direction was suspicious.
    limit : float
        The smallest error of a single entry, times the size of its x, that would have been seen.
    share : float
        The same as a share of the sum of all entries times their x, nan if that is not known.
    predicted, derivative, error_along : array (m,)
        Along the first direction: what the analytic derivative says, what f says, its bar.
    nfev : int
        Evaluations of f.
    notes : tuple of str
        What else was noticed.
    agrees, disagrees : array (m,) of bool
        Of which outputs that is certain.
    sampled : bool
        Whether all of a row is wrong, of which the entries are but a sample.
    """

    verdict: str
    index: Ints
    analytic: Floats
    numerical: Floats
    error: Floats
    difference: Floats
    bars: Floats
    wrong: NDArray[np.bool_]
    limit: float
    share: float
    predicted: Floats
    derivative: Floats
    error_along: Floats
    nfev: int
    notes: tuple[str, ...]
    agrees: NDArray[np.bool_]
    disagrees: NDArray[np.bool_]
    sampled: bool


class _Seen(NamedTuple):
    """What is known along a direction of each of m outputs."""

    v: Floats
    predicted: Floats
    size: Floats  # of the derivative along such directions
    slope: Slope
    value: Floats
    bar: Floats
    wrong: NDArray[np.bool_]
    proven: NDArray[np.bool_]
    nfev: int
    notes: tuple[str, ...] = ()
    sampled: bool = False

    @property
    def excess(self) -> Floats:
        """What the analytic derivative has too much."""
        return self.predicted - self.value

    @property
    def suspects(self) -> NDArray[np.bool_]:
        """Where the difference exceeds its bar."""
        return np.asarray(np.isfinite(self.predicted) & (np.abs(self.excess) > self.bar))


def along(
    f: Callable[[Floats], Any],
    apply: Callable[[Floats], Any],
    x: Any,
    *,
    rtol: float = 1e-4,
    max_nfev: int | None = None,
    rng: int | np.random.Generator = 0,
    bounds: Box | None = None,
    noise: float | None = None,
    total: Any = None,
    rounding: float = DOUBLE,
) -> Finding:
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
    noise : float, optional
        Standard deviation of the error of f, where it is known.
    total : float or array (m,), optional
        The sum of the absolute entries of the derivative times those of x, of each output.
    rounding : float, default 2**-52
        Of the entries of the analytic derivative, relative.

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
    >>> finding.verdict, finding.index.tolist()
    ('disagree', [321])
    """
    task = _posed(f, apply, as_point(x).ravel(), bounds, noise, rounding)
    limit = BUDGET if max_nfev is None else max_nfev
    draws = directions(task.sizes, rng)
    task, seen = _screened(task, next(draws), next(draws), rtol)
    entries, seen = _by_column(task, seen, limit)
    seen = _followed(task, seen, rtol, limit)
    located, seen = _located(task, seen, entries, draws, limit)
    return _finding(task, seen, entries + located, total)


def columns(
    f: Callable[[Floats], Any],
    apply: Callable[[Floats], Any],
    x: Any,
    rows: Any = None,
    *,
    rtol: float = 1e-4,
    rng: int | np.random.Generator = 0,
    bounds: Box | None = None,
    noise: float | None = None,
    rounding: float = DOUBLE,
) -> Finding:
    """Find one wrong or missing entry in each row of a Jacobian, from at most 14 evaluations of f.

    Parameters
    ----------
    f, apply, x, rtol, rng, bounds, noise, rounding
        As in `along`.
    rows : array of int, optional
        Flat outputs that are looked at; by default all.

    Returns
    -------
    Finding
        With the entries that were confirmed; "disagree" only if there are some.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.linspace(1.0, 2.0, 50)
    >>> finding = columns(
    ...     lambda x: x**2 + np.roll(x, 1), lambda v: 2.0 * x * v + (x > 1.0) * np.roll(v, 1), x
    ... )
    >>> finding.index.tolist(), finding.nfev
    ([49], 14)
    """
    task = _posed(f, apply, as_point(x).ravel(), bounds, noise, rounding)
    draws = directions(task.sizes, rng)
    task, seen = _screened(task, next(draws), next(draws), rtol)
    if rows is not None:
        chosen = np.zeros(seen.value.size, bool)
        chosen[rows] = True
        seen = seen._replace(value=np.where(chosen, seen.value, seen.predicted))
    entries, seen = _by_column(task, seen, math.inf)
    return _finding(task, seen, entries, None)


def flat(function: Function, shape: tuple[int, ...], settings: Settings) -> Function:
    """Return the function of a flat vector, one at a time."""
    args = settings.get("args", ())
    if settings.get("vectorized", False):
        return lambda v: np.asarray(function(v.reshape(*shape, 1), *args))[..., 0]
    return lambda v: function(v.reshape(shape), *args)


def noise_of(settings: Settings) -> float | None:
    """Return the one noise that is known of f along any direction."""
    noise = settings.get("noise")
    return None if noise is None else float(np.max(as_point(noise, "noise")))


def _posed(
    f: Callable[[Floats], Any], apply: Callable[[Floats], Any], x: Floats,
    box: Box | None, noise: float | None, rounding: float,
) -> Task:  # fmt: skip
    room = None if box is None else np.minimum(box.upper - x, x - box.lower)
    return Task(Call(f, x.shape), apply, x, scales(x, room), box, noise, rounding)


def _screened(task: Task, v: Floats, other: Floats, rtol: float) -> tuple[Task, _Seen]:
    """Compare along one direction; another one tells the size of the derivative."""
    product = task.product(v)
    task = task._replace(rounding=max(task.rounding, spacing_of(product)))
    predicted = np.asarray(product, dtype=np.float64).ravel()
    with np.errstate(all="ignore"):
        size = np.hypot(predicted, task.predicted(other)) / math.sqrt(2.0)
    size = np.where(np.isfinite(predicted) & np.isfinite(size), size, 0.0)
    found = slope(task.call, task.x, v, size=size, noise=task.noise)
    bar = found.bar + ROUNDINGS * task.rounding * size
    # a derivative that is not finite is wrong where nothing speaks against that of f
    lost = ~np.isfinite(predicted) & np.isfinite(bar) & (found.doubt == ROUNDED)
    seen = _Seen(v, predicted, size, found, found.value, bar, lost, ~lost, found.nfev)
    return task, seen._replace(proven=_proven(seen, rtol))


def _proven(seen: _Seen, rtol: float) -> NDArray[np.bool_]:
    """Say where the agreement asked for is certain, or neither f nor its derivative moves."""
    wanted = rtol * seen.size
    close = (np.abs(seen.excess) + seen.bar <= wanted) & (seen.bar <= PROOF * wanted)
    nothing = seen.slope.still & (seen.size == 0.0) & np.isfinite(seen.predicted)
    return np.asarray(close | nothing)


def _by_column(task: Task, seen: _Seen, limit: float) -> tuple[tuple[Entry, ...], _Seen]:
    """Find entries of a Jacobian of which one is wrong in a row."""
    rows = np.flatnonzero(seen.suspects)
    if seen.value.size == 1 or not rows.size or seen.nfev + 8 > limit:
        return (), seen
    found = by_column(task, seen.v, seen.slope, seen.excess, rows)
    wrong = seen.wrong.copy()
    wrong[found.rows] = True
    return found.entries, seen._replace(wrong=wrong, nfev=seen.nfev + found.nfev)


def _followed(task: Task, seen: _Seen, rtol: float, limit: float) -> _Seen:
    """Look closer at outputs that seem wrong, or that vary too fast for six values."""
    fast = (seen.slope.doubt == FAST) & ~seen.proven
    rows = np.flatnonzero((seen.suspects | fast) & ~seen.wrong)
    with np.errstate(all="ignore"):
        rows = rows[np.argsort(-np.abs(seen.excess / seen.bar)[rows], kind="stable")[:ROWS]]
    if not rows.size:
        return seen
    if seen.nfev + FOLLOWED > limit:
        certain = is_wrong(seen.predicted, seen.value, seen.bar, seen.size)
        return seen._replace(wrong=seen.wrong | certain, notes=("`max_nfev` ended the search",))
    rough = seen.slope.doubt[rows] == ROUGH  # the noise is known there, and only there
    for chosen in (rows[rough], rows[~rough]):
        if chosen.size:
            seen = _corrected(task, seen, chosen, limit)
    return seen._replace(proven=_proven(seen, rtol))


def _corrected(task: Task, seen: _Seen, rows: Ints, limit: float) -> _Seen:
    """Differentiate some outputs with all care, and compare again."""
    found = follow(task, seen.v, seen.slope, rows, max(limit - seen.nfev, 1))
    value, bar, wrong = seen.value.copy(), seen.bar.copy(), seen.wrong.copy()
    error = found.error + ROUNDINGS * task.rounding * seen.size[rows]
    value[rows] = np.where(found.success, found.value, value[rows])
    bar[rows] = np.where(found.success, BARS * error, math.inf)
    # rounded f is flat along small steps, which can mislead, but not along those of the six values
    alike = np.abs(value - seen.value)[rows] <= seen.bar[rows] + error
    analytic = seen.predicted[rows]
    near = seen.slope.unlike(value[rows], rows) <= 2.0 * seen.slope.unlike(analytic, rows)
    differ = is_wrong(analytic, value[rows], bar[rows] / BARS, seen.size[rows])
    wrong[rows] = alike & near & differ & (seen.slope.doubt[rows] != KINKED)
    bar[rows] = np.where(alike & near, bar[rows], math.inf)
    told = (Status(code).message for code in np.unique(found.status[~found.success]))
    notes, nfev = tuple(dict.fromkeys((*seen.notes, *told))), seen.nfev + found.nfev
    return seen._replace(value=value, bar=bar, wrong=wrong, nfev=nfev, notes=notes)


def _located(
    task: Task, seen: _Seen, known: tuple[Entry, ...], draws: Iterator[Floats], limit: float
) -> tuple[tuple[Entry, ...], _Seen]:
    """Find the wrong entries of the output that is most wrong and not yet explained."""
    traceable = seen.wrong & np.isfinite(seen.predicted)
    rows = np.setdiff1d(np.flatnonzero(traceable), [entry.row for entry in known])
    if not rows.size or known or seen.nfev + FOLLOWED > limit:
        return (), seen
    row = int(rows[np.argmax(np.abs(seen.excess / seen.bar)[rows])])
    found = by_halves(
        task, seen.v, seen.slope, row=row, excess=float(seen.excess[row]),
        bar=float(seen.bar[row]), limit=limit - seen.nfev,
    )  # fmt: skip
    nfev, notes = seen.nfev + found.nfev, seen.notes + found.notes
    seen = seen._replace(nfev=nfev, notes=notes, sampled=found.sampled)
    if any(entry.wrong for entry in found.entries):
        rows = rows[rows != row]
    return found.entries, _doubled(task, seen, rows, draws, limit)


def _doubled(task: Task, seen: _Seen, rows: Ints, draws: Iterator[Floats], limit: float) -> _Seen:
    """Ask another direction about outputs that no entry explains."""
    if not rows.size:
        return seen
    note = "the difference along the direction was not traced to single entries"
    if seen.nfev + FOLLOWED > limit:
        return seen._replace(notes=(*seen.notes, note))
    other = next(draws)
    found = follow(task, other, seen.slope, rows, limit - seen.nfev)
    predicted, size = task.predicted(other)[rows], seen.size[rows]
    error = found.error + ROUNDINGS * task.rounding * size
    again = found.success & is_wrong(predicted, found.value, error, size)
    if not again.all():
        note = "one direction shows a difference that another one does not"
    wrong, bar = seen.wrong.copy(), seen.bar.copy()
    wrong[rows], bar[rows] = again, np.where(again, bar[rows], math.inf)
    nfev = seen.nfev + found.nfev
    return seen._replace(wrong=wrong, bar=bar, nfev=nfev, notes=(*seen.notes, note))


def _finding(task: Task, seen: _Seen, entries: tuple[Entry, ...], total: Any) -> Finding:
    """Put together what was found."""
    numbers = np.array([entry[2:5] for entry in entries]).reshape(-1, 3)
    analytic, numerical, error = numbers.T
    index = [entry.row * task.x.size + entry.column for entry in entries]
    wrong = np.array([entry.wrong for entry in entries], bool)
    limits = HIDDEN * seen.bar
    with np.errstate(all="ignore"):
        shares = limits / (math.nan if total is None else np.ravel(total))
        bars = np.abs(analytic - numerical) / error
    agrees, disagrees = seen.proven & ~seen.suspects & ~seen.wrong, seen.wrong.copy()
    disagrees[[entry.row for entry in entries if entry.wrong]] = True
    verdict = DISAGREE if disagrees.any() else AGREE if agrees.all() else INCONCLUSIVE
    return Finding(
        verdict, np.array(index, np.int64), analytic, numerical, error, analytic - numerical,
        bars, wrong, float(limits.max(initial=0.0)), float(np.max(shares, initial=0.0)),
        seen.predicted, seen.value, seen.bar, seen.nfev, _notes(task, seen, total),
        agrees & ~disagrees, disagrees, seen.sampled,
    )  # fmt: skip


def _notes(task: Task, seen: _Seen, total: Any) -> tuple[str, ...]:
    """Say what would have been seen, why the verdict is open, and what was not tested."""
    limits, notes = HIDDEN * seen.bar, list(seen.notes)
    unproven = ~(seen.proven | seen.wrong)
    for doubt in np.unique(seen.slope.doubt[unproven]) if not notes else ():
        count = np.count_nonzero(unproven & (seen.slope.doubt == doubt))
        notes.append(DOUBTS[doubt] + (f" ({count} outputs)" if unproven.size > 1 else ""))
    fixed = np.count_nonzero(task.sizes == 0.0)
    if fixed:
        notes.append(f"{fixed} entries of x at their bounds were not moved")
    if limits.size and np.isfinite(limits).all():
        part = math.inf if total is None else np.max(limits / np.ravel(total))
        share = f", {part:.0e} of the sum of all," if part < 1.0 else ""
        least = f"{limits.max():.0e} / |x|{share}"
        notes.append(f"a single entry that is wrong by more than {least} would have been seen")
    return tuple(notes)
