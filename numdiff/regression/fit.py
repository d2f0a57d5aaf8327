"""Derivatives of noisy functions from polynomials through samples at larger distances.

Richardson's extrapolation needs values whose errors are smooth. Where f has another value each time
it is asked, more samples at larger distances are worth more than smaller steps.
"""

from __future__ import annotations

import numpy as np

from numdiff.arrays import Ints, Mask
from numdiff.constants import DOMAIN
from numdiff.drivers.derivatives import Derivatives, Problem, fill
from numdiff.geometry.directions import Directions
from numdiff.geometry.domain import Room
from numdiff.regression.design import across, along
from numdiff.regression.goal import Windows, goal_of
from numdiff.regression.sequential import run


def fit(
    problem: Problem, directions: Directions, order: int, *, wanted: Mask, room: Room | None
) -> Derivatives:
    """Differentiate along directions a function that has another value each time it is asked.

    Parameters
    ----------
    problem : Problem
        With f0, `rtol` and `budget`. With `rtol` samples are taken until the bars are below it, up
        to 2000 evaluations a direction.
    directions : Directions
        D of them.
    order : int
        1 to 4.
    wanted : array of bool (D, m)
        The outputs that need an answer.
    room : Room or None
        How far t may go to either side of 0 along each direction, alone or with another one.

    Returns
    -------
    Derivatives
        With half-widths that hold in 95 % of all cases and the status STOCHASTIC.
    """
    goal, lines = goal_of(problem, directions, wanted, room)
    sides = goal.windows.sides
    for best, side in ((0, 0), (1, 1), (-1, -1), (0, 1), (0, -1)):
        chosen = (sides == best) & (goal.windows.room.on(side) > 0.0)
        if side != best:  # f itself may be defined on one side of x only
            chosen &= ((lines.status == DOMAIN) & goal.wanted).any(axis=1)
        rows = np.flatnonzero(chosen)
        if rows.size:
            design = along(directions.pick(rows), order, side)
            part = goal.part(goal.windows.pick(rows), rows, lines.nfev)
            lines = fill(lines, rows, run(part, design))
    return lines


def fit_mixed(
    problem: Problem, directions: Directions, rows: Ints, columns: Ints, *,
    wanted: Mask, room: Room | None,
) -> Derivatives:  # fmt: skip
    """Differentiate such a function along pairs (rows, columns) of directions, once along each.

    As `fit`; where one direction can be followed on one side only, both are.
    """
    goal, lines = goal_of(problem, directions, wanted, room)
    (first, around, reach), sides = goal.windows, goal.windows.sides
    toward, free = np.where(sides < 0, -1.0, 1.0), around.ahead + around.behind > 0.0
    one_sided = (sides[rows] != 0) | (sides[columns] != 0)
    for side in (0, 1):
        pairs = np.flatnonzero((one_sided == (side != 0)) & free[rows] & free[columns])
        if pairs.size == 0:
            continue
        p, q = rows[pairs], columns[pairs]
        far = np.where(toward < 0.0, around.behind, around.ahead) if side else around.on(0)
        size = np.minimum(first, far)
        units = toward * size
        # two directions that move the same entry of x go half as far, to stay inside bounds
        apart = directions.single and directions.index[p] != directions.index[q]
        part = np.full(len(pairs), np.where(apart, 1.0, 0.5))
        most = part * np.minimum(far[p] / size[p], far[q] / size[q])
        away = np.maximum(reach[p] / size[p], reach[q] / size[q])
        windows = Windows(part, Room(most, most), away)
        design = across(directions, p, q, units, side)
        both = run(goal.part(windows, pairs, lines.nfev), design)
        area, length = (units[p] * units[q])[:, None], np.minimum(size[p], size[q])[:, None]
        value, error, step = both.value / area, both.error / np.abs(area), both.step * length
        lines = fill(lines, pairs, both._replace(value=value, error=error, step=step))
    return lines
