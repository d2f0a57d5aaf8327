"""Differences with a single step that a rule chooses: `numdiff.rules` driven along directions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from numdiff.arrays import Floats, Mask
from numdiff.constants import EPS
from numdiff.drivers.derivatives import Derivatives, Problem, blank, fill
from numdiff.drivers.single import single_step
from numdiff.estimate import Status
from numdiff.evaluation.call import evaluate
from numdiff.geometry.directions import Directions
from numdiff.geometry.domain import Room, blocks
from numdiff.rules import DEVIATIONS, RULES, Given

if TYPE_CHECKING:
    from numdiff.methods import Method
    from numdiff.rules import Asking, Choice


LARGEST = 1.0  # of the size of x, at least 1: farther away f says nothing about x
FINEST, TINIEST = 2.0**-44, 2.0**-1000  # of x, so that x + step keeps 8 bits of step; of x = 0
SURPRISE = 2.0  # times the error that is seen is its bound: it is one sample


class Selection(NamedTuple):
    """The steps that a rule chose for D directions, and what it says of the m outputs.

    Parameters
    ----------
    steps : array (D,)
        In units of t; 0 where a direction cannot be followed or the budget ran out.
    error : array (D, m)
        Bound on the error of the difference with this step; nan where the rule offers none.
    slope : array (D, m)
        Another estimate of the derivative, nan where the rule offers none.
    ok : array (D,)
        Whether the rule succeeded.
    spent : array (D,)
        Whether the budget ran out before the rule chose.
    nfev : int
        How many values of f that took.
    trouble : Exception or None
        The first one that f raised beside x.
    """

    steps: Floats
    error: Floats
    slope: Floats
    ok: Mask
    spent: Mask
    nfev: int
    trouble: Exception | None


def by_rule(
    problem: Problem,
    directions: Directions,
    order: int,
    rule: str,
    method: Method,
    *,
    room: Room | None = None,
) -> Derivatives:
    """Differentiate along directions with one step each, which a rule chooses.

    Parameters
    ----------
    problem : Problem
        With f0.
    directions : Directions
        D of them.
    order : int
        1: the rules are for first derivatives.
    rule : str
        A name in `numdiff.rules.RULES`.
    method : Method
        Forward, backward or central.
    room : Room, optional
        How far t may go ahead and behind.

    Returns
    -------
    Derivatives
        The status is OK where the rule succeeded and tells the error, SINGLE_STEP where it
        succeeded and does not, UNRESOLVED where it failed, DOMAIN where there is no value, and
        BUDGET where the evaluations ran out. The error bar is the rule's, or more where another
        estimate, which the rule got on its way, contradicts. f(x) is not counted.

    Raises
    ------
    ValueError
        If the order is not 1, the method is another one, or there is no such rule.
    """
    if order != 1:
        raise ValueError(
            f"`step` {rule!r} is a rule for first derivatives, but one of order {order} is "
            "wanted: give a number or leave `step` out"
        )
    if method.columns != 1 or method.stencil is not None:
        raise ValueError(
            f"`step` {rule!r} is a rule for the methods 'forward', 'backward' and 'central', not "
            f"for {method.name!r}: choose one of these, or give a number"
        )
    count, level = len(directions), method.level(order)
    rest = problem.less(count * level.offsets.size)
    chosen = select(rest, directions, rule, method.side, room=room)
    found, rows = blank(problem, count), np.flatnonzero(chosen.steps > 0.0)
    if rows.size:
        with np.errstate(all="ignore"):  # inf - inf: there is no value
            lines = single_step(problem, directions.pick(rows), level, chosen.steps[rows])
        found = fill(found, rows, lines)
    return _verdict(problem, found, chosen)._replace(noise=_deviations(problem, count))


def select(
    problem: Problem,
    directions: Directions,
    rule: str,
    side: int,
    *,
    room: Room | None = None,
) -> Selection:
    """Choose a step for each direction by a rule.

    Parameters
    ----------
    problem, directions, rule, room
        As in `by_rule`.
    side : int
        0 for central differences, 1 for forward and -1 for backward ones.

    Returns
    -------
    Selection
        What each direction's rule says.
    """
    count, known, chosen = len(directions), np.isfinite(problem.f0), RULES[rule]
    steps, ok, spent = np.zeros(count), np.zeros(count, bool), np.zeros(count, bool)
    error, slope = np.full((2, count, known.size), math.nan)
    nfev, trouble = 0, None
    bound = DEVIATIONS * _deviations(problem, count)
    _, _, least, most = lengths = _lengths(problem, directions, side, room)
    live = np.flatnonzero((most > least) & known.any())
    for part in blocks(live.size, problem.x.size * chosen.points):
        rows = live[part]
        asking = []
        for d in rows:
            size, own, nearest, farthest = lengths[:, d].tolist()
            f0, error_of_f = problem.f0[known], bound[d, known]
            given = Given(f0, error_of_f, size, own, nearest, farthest, side == 0)
            asking.append(chosen.start(given))
        choices, asked, mishap = _drive(problem.less(nfev), directions.pick(rows), side, asking)
        nfev, trouble = nfev + asked, trouble or mishap
        spent[rows] = True
        for k, choice in choices.items():
            d = rows[k]
            steps[d], ok[d], spent[d] = choice.step, choice.ok, False
            error[d, known] = choice.truncation + choice.noise
            if choice.slope is not None:
                slope[d, known] = (side or 1) * choice.slope
    return Selection(steps, error, slope, ok, spent, nfev, trouble)


def _drive(
    problem: Problem, directions: Directions, side: int, asking: list[Asking]
) -> tuple[dict[int, Choice], int, Exception | None]:
    """Ask f for what the rules of all directions want, round after round.

    Returns the choices by the number of their direction, where the budget was enough, how often f
    was asked, and the first exception that it raised.
    """
    known, choices = np.isfinite(problem.f0), {}
    answers: dict[int, Any] = dict.fromkeys(range(len(asking)))  # None starts a generator
    nfev, trouble = 0, None
    with np.errstate(all="ignore"):  # what overflows or vanishes is looked at as it is
        while answers:
            wanted = {}
            for d, answer in answers.items():
                try:
                    wanted[d] = asking[d].send(answer)
                except StopIteration as stop:
                    choices[d] = stop.value
            counts = [len(distances) for distances in wanted.values()]
            if not wanted or nfev + sum(counts) > problem.budget:
                break
            rows, t = np.repeat(list(wanted), counts), np.concatenate(list(wanted.values()))
            points = directions.pick(rows).displace(problem.x, (side or 1) * t[None])[0]
            values = evaluate(problem.call, points, problem.form)
            nfev, trouble = nfev + values.nfev, trouble or values.trouble
            arrived = np.split(values.rows[:, known], np.cumsum(counts)[:-1])
            answers = dict(zip(wanted, arrived, strict=True))
    return choices, nfev, trouble


def _lengths(problem: Problem, directions: Directions, side: int, room: Room | None) -> Floats:
    """Measure x along directions: `size`, `own`, `least` and `most` of `Given`, (4, D)."""
    entries, starts = np.abs(problem.x[directions.index]), directions.starts
    moved = np.abs(directions.weight)
    with np.errstate(over="ignore"):
        size = np.minimum.reduceat(np.maximum(entries, 1.0) / moved, starts)
        own = np.minimum.reduceat(entries / moved, starts)
    most = np.minimum(LARGEST * size, np.finfo(float).max)
    if room is not None:
        most = np.minimum(most, room.on(side))
    return np.stack([size, own, np.maximum(FINEST * own, TINIEST), most])


def _deviations(problem: Problem, count: int) -> Floats:
    """Return the standard deviation of f's error to reckon with, (D, m): rounding at least."""
    rounding = EPS / DEVIATIONS * np.abs(problem.f0)
    least = rounding if problem.noise is None else np.maximum(rounding, problem.noise)
    return np.broadcast_to(least, (count, problem.f0.size)).copy()


def _verdict(problem: Problem, found: Derivatives, chosen: Selection) -> Derivatives:
    """Say of single steps what their rule says of them."""
    usable = np.isfinite(found.value) & np.isfinite(problem.f0)
    off = np.abs(found.value - chosen.slope)
    error = np.where(off > chosen.error, SURPRISE * off, chosen.error)
    error = np.where(usable & chosen.ok[:, None], error, math.inf)
    cases = {
        Status.BUDGET: np.broadcast_to(chosen.spent[:, None], error.shape),
        Status.DOMAIN: ~usable,
        Status.OK: np.isfinite(error),
        Status.SINGLE_STEP: np.isnan(error),
    }
    status = np.select(list(cases.values()), [int(code) for code in cases], int(Status.UNRESOLVED))
    return found._replace(
        value=np.where(usable, found.value, math.nan),
        error=error,
        status=status.astype(np.uint8),
        nfev=found.nfev + chosen.nfev,
        trouble=chosen.trouble or found.trouble,
    )
