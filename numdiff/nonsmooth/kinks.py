"""Where kinks are told: derivatives on either side of x differ, and secants by as much."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from numdiff.arrays import Floats, Ints, Mask
from numdiff.constants import NOISE_LIMITED, OK
from numdiff.drivers.climb import climb
from numdiff.drivers.derivatives import Derivatives
from numdiff.ladder.channels import channels
from numdiff.ladder.symptoms import CLEAR
from numdiff.methods import METHODS
from numdiff.nonsmooth.curvature import bends
from numdiff.nonsmooth.secants import FAIR, STEPS, Limits, Secants
from numdiff.nonsmooth.suspicion import Suspects

LONGEST = 64.0  # evaluations of a one-sided ladder per direction: smooth sides take 4 to 9
LEVEL = 0.25  # part by which the gap between the slopes of both sides may vary at a kink
SURE = 2.0  # a gap is one if it exceeds the sum of the bars by this factor


class Sides(NamedTuple):
    """One-sided derivatives of K outputs, (2, K): left and right."""

    value: Floats
    error: Floats
    off: Floats  # from the limits of secants
    sound: Mask  # a ladder found it and saw no noise
    clean: Mask  # (K,): and none at steps as large as those of the ladder of both sides
    nfev: int

    @property
    def apart(self) -> Mask:
        """Where they differ by more than their bars."""
        return np.asarray(np.abs(self.value[1] - self.value[0]) > SURE * self.error.sum(axis=0))


def level_gap(secants: Secants) -> Mask:
    """Whether the slopes of both sides differ by the same at two steps in a row."""
    gap = secants.slopes[-1] - secants.slopes[0]
    same = np.abs(np.diff(gap, axis=0)) <= LEVEL * np.abs(gap[1:])
    return np.asarray((same & (np.abs(gap[1:]) > CLEAR * secants.inner[1:])).any(axis=0))


def untold(limits: Limits) -> Sides:
    """Return what is known where no ladder has climbed on either side: the limits of secants."""
    nothing = np.zeros(limits.value.shape, np.bool_)
    return Sides(*limits[:2], np.zeros(nothing.shape), nothing, nothing[0], 0)


def compare(
    suspects: Suspects, secants: Secants, limits: Limits, sloping: Mask, *, whole: Mask
) -> tuple[Sides, Mask, Floats]:
    """Climb on either side of x; return the derivatives there, and where f or f' has a kink.

    And how far above order 1 they are from the value where they differ though secants do not tell.
    That is done along directions with an output that may be `whole`.
    """
    chosen = np.isin(np.arange(len(suspects.directions)), suspects.at[0][whole])
    if not chosen.all():
        return _among(chosen, suspects, secants, limits, sloping, whole)
    start = _starts(suspects, secants, limits)
    sides = _climb_sides(suspects, start, limits, sloping)
    kinked, nfev, reach = _corners(secants, sides), sides.nfev, np.zeros(suspects.value.shape)
    for order in range(2, suspects.order + 1):
        left, right = (_climb(suspects, start.min(axis=0), side, order) for side in (-1, 1))
        at, nfev = suspects.at, nfev + left.nfev + right.nfev
        sound = (left.status[at] == OK) & (right.status[at] == OK)
        gap, bars = (right.value - left.value)[at], (right.error + left.error)[at]
        apart = sound & (np.abs(gap) > SURE * bars)
        seen = bends(secants, gap) if order == 2 else np.ones(apart.shape, np.bool_)
        kinked |= apart & seen
        far = np.fmax(*(np.abs(part.value[at] - suspects.value) for part in (left, right)))
        reach = np.where(apart & ~seen, np.fmax(reach, far + bars), reach)
    return sides._replace(nfev=nfev), kinked, reach


def _among(
    chosen: Mask, suspects: Suspects, secants: Secants, limits: Limits, sloping: Mask, whole: Mask
) -> tuple[Sides, Mask, Floats]:
    """Compare the sides of some directions, as if there were no others: these stay untold."""
    mine = chosen[suspects.at[0]]
    own: Any = [column[:, mine] for column in limits]
    some, near = suspects.along(chosen), secants.pick(mine)
    found, corners, far = compare(some, near, Limits(*own), sloping[:, mine], whole=whole[mine])
    columns: Any = [column.copy() for column in untold(limits)[:5]]
    for column, part in zip(columns, found[:5], strict=True):
        column[..., mine] = part
    kinked, reach = np.zeros(whole.shape, np.bool_), np.zeros(whole.shape)
    kinked[mine], reach[mine] = corners, far
    sides: Any = (*columns, found.nfev)
    return Sides(*sides), kinked, reach


def _corners(secants: Secants, sides: Sides) -> Mask:
    """Whether one-sided derivatives differ, and secants by as much down to steps close to x."""
    gap, between = sides.value[1] - sides.value[0], secants.slopes[1] - secants.slopes[0]
    size = np.abs(gap)
    visible = np.isfinite(between) & (0.5 * CLEAR * secants.inner < size)
    near = visible & (np.abs(between - gap) < LEVEL * size)
    twice = near[1:] & near[:-1]
    # two steps may agree by chance where f oscillates
    thrice = (twice[1:] & twice[:-1]).any(axis=0)
    likely = twice.any(axis=0) & (sides.sound.all(axis=0) | thrice)
    # closer to x both sides come together again: what bends f lies beside x
    later = np.arange(STEPS)[:, None] > twice.argmax(axis=0) + 1
    against = (later & visible & (np.abs(between) < 0.5 * size)).sum(axis=0) >= 2
    return np.asarray(sides.apart & likely & ~against)


def _starts(suspects: Suspects, secants: Secants, limits: Limits) -> Ints:
    """Return the exponents (2, R) of the largest steps at which secants are near their limits."""
    start, row = np.stack([suspects.span.start] * 2), suspects.at[0]
    number, columns = np.arange(STEPS)[:, None], np.arange(len(row))
    gap = np.nan_to_num(np.abs(limits.value[1] - limits.value[0]))
    for k, value in enumerate(limits.value):
        size = np.fmax(np.abs(value), gap)
        far = np.abs(secants.slopes[k] - value) > FAIR * size
        first = np.where(far & (number < limits.best[k]), number + 1, 0).max(axis=0)
        steps = secants.steps[first, columns]
        usable = (size > limits.error[k]) & np.isfinite(steps)
        exponent = np.rint(np.log2(steps[usable])).astype(np.int64)
        np.minimum.at(start[k], row[usable], exponent)
    return np.maximum(start, suspects.span.lowest)


def _climb_sides(suspects: Suspects, start: Ints, limits: Limits, sloping: Mask) -> Sides:
    """Climb on either side of x, and keep what the limits of secants do not contradict.

    A ladder may take a power of h that is not whole for noise: where secants are `sloping`, (2, K).
    """
    value, error, nfev = limits.value.copy(), limits.error.copy(), 0
    sound, at = np.zeros(value.shape, bool), suspects.at
    for k, side in enumerate((-1, 1)):
        lines = _climb(suspects, start[k], side, 1)
        nfev += lines.nfev
        slope, bar, status = lines.value[at], lines.error[at], lines.status[at]
        off, converged = np.abs(slope - value[k]), np.isfinite(error[k])
        noisy = (status == NOISE_LIMITED) & ~sloping[k]
        bar = bar + np.where(noisy & converged, off, 0.0)
        better = (noisy | (status == OK)) & (off <= bar + error[k]) & (bar < error[k])
        better |= (status == OK) & ~converged
        sound[k] = better & (status == OK)
        value[k], error[k] = np.where(better, slope, value[k]), np.where(better, bar, error[k])
    clean = np.any(sound & (start[:, at[0]] >= suspects.bottom), axis=0)
    return Sides(value, error, np.nan_to_num(np.abs(value - limits.value)), sound, clean, nfev)


def _climb(suspects: Suspects, start: Ints, side: int, order: int) -> Derivatives:
    problem, count = suspects.problem, len(suspects.directions)
    asked = np.zeros((count, problem.f0.shape[-1]), np.bool_)
    asked[suspects.at] = True
    each = 1 if problem.apart else count
    wanted = asked if problem.apart else asked.any(axis=0)
    f0 = np.where(wanted, problem.f0, np.nan)  # others have no part in it
    problem = problem._replace(f0=f0, budget=LONGEST * each)
    ways = channels(METHODS["auto"]._replace(side=side), order)
    return climb(problem, suspects.directions, suspects.span._replace(start=start), ways)
