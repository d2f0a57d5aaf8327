"""Derivatives of noisy functions from polynomials through samples at larger distances.

Richardson's extrapolation needs values whose errors are smooth. Where they are not, because f is
stochastic or its noise is strong, more samples at larger distances are worth more than smaller
steps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from numdiff.drivers.derivatives import Derivatives, Problem, blank, fill
from numdiff.drivers.sampling import sample
from numdiff.estimate import Status
from numdiff.geometry.directions import Directions
from numdiff.regression.design import across, along
from numdiff.regression.sequential import Task, run

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

__all__ = ["Known", "fit", "fit_mixed"]


FIRST = 1.0 / 16.0  # first window, of the size of x
FAR = 0.5  # largest window, of the size of x: x keeps its sign
INSIDE = 1.0 - 2.0**-48  # of the room, as x + t is rounded
NARROW = 1.0 / 16.0  # a window on both sides that is narrower than this part of one side's is worse
TRUST = 4.0  # degrees of freedom of a noise level that other steps have shown
PROBES = 6  # values of a stochastic f at either of two points, which differ by noise alone


class Known(NamedTuple):
    """What is known about D directions beforehand; None is for nothing.

    Parameters
    ----------
    start : array (D,), optional
        First windows, in units of t.
    room : (ahead, behind), arrays (D,), optional
        How far t may go to either side of 0.
    noise : array (., m), optional
        Standard deviation of f's error, for each row of the result; nan where it is not known.
    wanted : array of bool (., m), optional
        The outputs that need an answer, for each row of the result.
    stochastic : bool
        Whether f has another value each time it is asked: then its noise is measured.
    usual : int
        How many evaluations a direction takes without `rtol`, or twice as many where windows have
        to be looked for.
    """

    start: Floats | None = None
    room: tuple[Floats, Floats] | None = None
    noise: Floats | None = None
    wanted: Bools | None = None
    stochastic: bool = False
    usual: int = 48


class _Scale(NamedTuple):
    """Windows for D directions, in units of t."""

    start: Floats
    ahead: Floats  # largest ones to either side of x
    behind: Floats
    reach: Floats  # |x| / |d|

    @property
    def sides(self) -> Ints:
        """On which side of x most is to be learned, 0 for both."""
        wider, both = np.maximum(self.ahead, self.behind), np.minimum(self.ahead, self.behind)
        return np.where(both > NARROW * wider, 0, np.where(self.ahead >= self.behind, 1, -1))

    def room(self, side: int) -> Floats:
        """Return the largest windows on a side."""
        if side == 0:
            return np.minimum(self.ahead, self.behind)
        return self.ahead if side > 0 else self.behind


def fit(problem: Problem, directions: Directions, order: int, known: Known) -> Derivatives:
    """Differentiate a noisy function along directions.

    Parameters
    ----------
    problem : Problem
        With f0, `rtol` and `budget`. With `rtol` samples are taken until the bars are below it, up
        to 2000 evaluations a direction.
    directions : Directions
        D of them.
    order : int
        1 to 4.
    known : Known
        Where to start, how far to go, and what for.

    Returns
    -------
    Derivatives
        If f is stochastic, with half-widths that hold in 95 % of all cases and the status
        STOCHASTIC; otherwise with bars that hold in 98 %.
    """
    plan = _plan(problem, directions, known, len(directions))
    found, sides = blank(problem, len(directions)), plan.scale.sides
    found = found._replace(nfev=plan.nfev)
    for side in (0, 1, -1):
        found = _follow(found, plan, order, side, np.flatnonzero(sides == side))
    for side in (1, -1):  # f itself may be defined on one side of x only
        missing = (found.status == Status.DOMAIN) & plan.wanted
        found = _follow(
            found, plan, order, side, np.flatnonzero((sides == 0) & missing.any(axis=1))
        )
    return found


def fit_mixed(
    problem: Problem, directions: Directions, rows: Ints, columns: Ints, known: Known
) -> Derivatives:
    """Differentiate a noisy function along pairs (rows, columns) of directions, once along each.

    As `fit`; where one direction can be followed on one side only, both are.
    """
    plan = _plan(problem, directions, known, len(rows))
    found = blank(problem, len(rows))._replace(nfev=plan.nfev)
    sides = plan.scale.sides
    sided = (sides[rows] != 0) | (sides[columns] != 0)
    free = plan.scale.room(1) + plan.scale.room(-1) > 0.0
    for side in (0, 1):
        pairs = np.flatnonzero((sided == (side != 0)) & free[rows] & free[columns])
        if pairs.size:
            lines = _mixed(_rest(plan, found), rows[pairs], columns[pairs], pairs, side)
            found = fill(found, pairs, lines)
    return found


class _Plan(NamedTuple):
    """A problem with all that is known about it, rows being those of the result."""

    problem: Problem
    directions: Directions
    scale: _Scale
    deviation: Floats
    freedom: Floats
    wanted: Bools
    stochastic: bool
    usual: int
    nfev: int


def _plan(problem: Problem, directions: Directions, known: Known, count: int) -> _Plan:
    assert problem.form is not None
    scale, shape = _scale(problem.x, directions, known), (count, problem.form.size)
    wanted = np.ones(shape, np.bool_) if known.wanted is None else known.wanted
    if problem.f0 is not None:
        wanted = wanted & np.isfinite(problem.f0)
    deviation, trust, nfev = np.full(shape, np.nan), np.full(shape, TRUST), 0
    if known.stochastic and len(directions) and problem.budget >= 2 * PROBES:
        deviation[:], trust[:], nfev = _measured(problem, directions, scale)
    elif known.noise is not None:
        deviation[:] = known.noise
    trust[np.isnan(deviation)] = 0.0
    deviation = np.where(np.isnan(deviation), 0.0, deviation)
    return _Plan(
        problem, directions, scale, deviation, trust, wanted, known.stochastic, known.usual, nfev
    )


def _scale(x: Floats, directions: Directions, known: Known) -> _Scale:
    """Return first and largest windows: within the room, and of the order of x."""
    starts, moved = directions.starts, np.abs(directions.weight)
    size = np.minimum.reduceat(np.maximum(np.abs(x[directions.index]), 1.0) / moved, starts)
    reach = np.maximum.reduceat(np.abs(x[directions.index]) / moved, starts)
    start = FIRST * size if known.start is None else known.start
    far = np.maximum(FAR * size, start)
    if known.room is None:
        return _Scale(start, far, far, reach)
    ahead, behind = (np.minimum(far, room * INSIDE) for room in known.room)
    return _Scale(start, ahead, behind, reach)


def _measured(
    problem: Problem, directions: Directions, scale: _Scale
) -> tuple[Floats, Floats, int]:
    """Return the standard deviation of a stochastic f, its degrees of freedom, and their price."""
    rooms = np.maximum(scale.ahead, scale.behind)
    k = int(np.argmax(rooms > 0.0))
    side = int(scale.sides[k])
    window = np.minimum(scale.start, scale.room(side))[k : k + 1]
    # away from x itself, where noise that is proportional to f may vanish
    places = np.repeat([0.5, -0.5] if side == 0 else [0.5 * side, 0.25 * side], PROBES)
    found = sample(problem, directions.pick(np.array([k])), places, window)
    variance = found.values[:, 0].reshape(2, PROBES, -1).var(axis=1, ddof=1)
    usable = np.isfinite(variance)
    total = np.where(usable, variance, 0.0).sum(axis=0)
    count = usable.sum(axis=0)
    deviation = np.sqrt(np.where(count > 0, total / np.maximum(count, 1), np.nan))
    return deviation, (PROBES - 1.0) * count, found.nfev


def _rest(plan: _Plan, found: Derivatives) -> _Plan:
    """Return the plan with the budget that is left."""
    left = plan.problem.budget - found.nfev
    return plan._replace(problem=plan.problem._replace(budget=left))


def _follow(found: Derivatives, plan: _Plan, order: int, side: int, rows: Ints) -> Derivatives:
    """Differentiate along some directions on a side, where nothing was known of them."""
    room = plan.scale.room(side)
    rows = rows[room[rows] > 0.0]
    if rows.size == 0:
        return found
    task = Task(
        _rest(plan, found).problem,
        along(plan.directions.pick(rows), order, side),
        plan.scale.start[rows],
        room[rows],
        plan.scale.reach[rows],
        plan.deviation[rows],
        plan.freedom[rows],
        plan.wanted[rows],
        plan.stochastic,
        plan.usual,
        *_statuses(plan, side),
    )
    return fill(found, rows, run(task))


def _mixed(plan: _Plan, rows: Ints, columns: Ints, pairs: Ints, side: int) -> Derivatives:
    """Differentiate along pairs of directions; t is in units of their first windows."""
    scale = plan.scale
    toward = np.where(scale.sides < 0, -1.0, 1.0)
    room = np.where(toward < 0.0, scale.behind, scale.ahead) if side else scale.room(0)
    size = np.minimum(scale.start, room)
    units = toward * size
    # two directions that move the same entry of x go half as far, to stay inside bounds
    part = 1.0 if plan.directions.single else 0.5
    task = Task(
        plan.problem,
        across(plan.directions, rows, columns, units, side),
        np.full(len(rows), part),
        part * np.minimum(room[rows] / size[rows], room[columns] / size[columns]),
        np.maximum(scale.reach[rows] / size[rows], scale.reach[columns] / size[columns]),
        plan.deviation[pairs],
        plan.freedom[pairs],
        plan.wanted[pairs],
        plan.stochastic,
        plan.usual,
        *_statuses(plan, side),
    )
    lines, area = run(task), (units[rows] * units[columns])[:, None]
    return lines._replace(
        value=lines.value / area,
        error=lines.error / np.abs(area),
        step=lines.step * np.minimum(size[rows], size[columns])[:, None],
    )


def _statuses(plan: _Plan, side: int) -> tuple[Status, Status]:
    """Return the status of outputs without noise and with it."""
    quiet = Status.ONE_SIDED if side else Status.OK
    noisy = Status.ONE_SIDED if side else Status.NOISE_LIMITED
    return quiet, Status.STOCHASTIC if plan.stochastic else noisy
