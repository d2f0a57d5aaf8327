"""Answers that the ladder has contradicted itself, and what the smaller steps say of f there."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from numdiff.arrays import Floats, Ints, Mask
from numdiff.constants import ROUNDING
from numdiff.drivers.derivatives import Derivatives, Problem
from numdiff.geometry.directions import Directions
from numdiff.ladder import disputes, registers
from numdiff.ladder.answer import MARGIN
from numdiff.ladder.channels import Span
from numdiff.ladder.disputes import LEAP, LOST, NOTHING, SILENCE, UNLIKE, WIDE
from numdiff.ladder.noise import CLEARLY, SURE
from numdiff.ladder.runtime import runner


class Claims(NamedTuple):
    """K outputs of which two readings contradict each other."""

    row: Ints  # which direction
    output: Ints
    claim: Ints  # why, as in `ladder.disputes`
    answer: Floats
    side: Floats  # on which side of x f is looked at, 0 for the one where it departs farther
    series: Floats  # (4, K): coefficients of t to t**4 by the smaller steps, 0 if not known
    lean: Floats  # how far the slopes ahead and behind are from the one in the series
    most: Floats  # what the slope may be off by what contradicts it
    slack: Floats  # by how much f may be off the near reading at the far step by its bar and noise
    near: Floats  # the steps of both readings
    far: Floats
    levels: (
        Floats  # (SLOTS, K): what f differs by from f(x) at near, 2 near and so on, as far as known
    )
    rough: Floats  # the least even part of f over the levels: noise of them is not much larger

    @property
    def standing(self) -> Mask:
        """Whether the answer is that of the smaller steps."""
        return np.isin(self.claim, (LEAP, WIDE, UNLIKE))


class _Evidence(NamedTuple):
    """What the ladders of R restless directions left."""

    rows: Ints
    samples: Floats
    state: Ints
    value: Floats  # (R, m)
    noise: Floats
    floor: Floats  # rounding of f and, times its slope, of x
    bottom: Ints  # (R,): exponents of the smallest and the largest step, and of the tiny one
    top: Ints
    tiny: Ints


def claims_of(
    problem: Problem, directions: Directions, lines: Derivatives, side: int, span: Span, *,
    bars: tuple[Ints, Ints] | None = None,
) -> Claims | None:  # fmt: skip
    """Collect the outputs of which two readings contradict each other.

    Parameters
    ----------
    problem, directions
        What the ladders were given.
    lines : Derivatives
        What the ladders found and left.
    side : int
        The side of x on which they stayed, 0 for both.
    span : Span
        Where their steps might lie.
    bars : tuple, optional
        Directions and outputs whose bars are wider than their levels prove: these and no others.

    Returns
    -------
    Claims or None
        None if there are none.
    """
    rows = np.flatnonzero(~lines.calm)
    state, value, start = lines.state[rows], lines.value[rows], span.start[rows]
    whole = len(rows) == len(lines.calm)  # samples are what is large: without a copy then
    f0 = np.broadcast_to(problem.f0, lines.value.shape)[rows]
    base, moved = state[:, registers.BASE], span.reach[rows][:, None] * np.abs(np.nan_to_num(value))
    seen = _Evidence(
        rows, lines.samples if whole else lines.samples[rows], state, value, lines.noise[rows],
        ROUNDING * (np.abs(f0) + moved), base - state[:, registers.LAST],
        base - state[:, registers.FIRST], state[:, registers.TINY],
    )  # fmt: skip
    if bars is not None:
        wide = np.zeros(lines.value.shape, np.int64)
        wide[bars] = WIDE
        return _collected(seen, lines, wide[rows], side, start)
    claim, step = np.zeros(value.shape, np.int64), lines.step[rows]
    if directions.single:
        step = step / np.abs(directions.weight[rows, None])
    run: Any = runner(claim.size)
    run(disputes.dispute)(
        f0, start, span.reach[rows], value, lines.error[rows], lines.status[rows], step,
        seen.noise, lines.proven[rows], seen.samples, state, claim,
    )  # fmt: skip
    if problem.rtol > 0.0:
        # a bar that is good enough may be wider than need be, by noise that is none, but not leap
        good = lines.error[rows] <= problem.rtol * np.abs(value)
        claim[(claim != LEAP) & good & ~_strays(seen, lines.error[rows])] = NOTHING
    return _collected(seen, lines, claim, side, start) if claim.any() else None


def _strays(seen: _Evidence, error: Floats) -> Mask:
    """Whether f at the tiny step is clearly off what an answer and its bar say of it."""
    width = np.ldexp(1.0, seen.tiny)[:, None]
    off = np.abs(seen.samples[:, 0, registers.SLOTS + 1] - seen.value * width)
    return np.asarray(off > error * width + CLEARLY * seen.floor)


def _collected(seen: _Evidence, lines: Derivatives, claims: Ints, side: int, start: Ints) -> Claims:
    """Put the claims (R, m) together with what the smaller steps say of f."""
    row, output = np.nonzero(claims)
    sides = np.full(len(row), float(side))
    if side == 0:  # what has widened a bar may be a jump on either side of x
        twice = claims[row, output] == WIDE
        sides = np.concatenate([np.where(twice, 1.0, 0.0), np.full(twice.sum(), -1.0)])
        row, output = np.append(row, row[twice]), np.append(output, output[twice])
    claim = claims[row, output]
    bottom, lost, place = seen.bottom[row], claim == LOST, (seen.rows[row], output)
    most = np.where(claim == WIDE, lines.error[place] / (2.0 * MARGIN), math.inf)
    tiny = (claim == SILENCE) | lost
    near = np.ldexp(1.0, np.where(tiny, seen.tiny[row], bottom))
    series = np.zeros((4, len(row)))
    series[0] = seen.value[row, output]
    series[0, tiny] = seen.samples[row, 0, registers.SLOTS + 1, output][tiny] / near[tiny]
    lean = np.zeros(len(row))
    if seen.samples.shape[1] > 1:  # curvature is told by the window, if its noise allows
        lean[tiny] = seen.samples[row, 1, registers.SLOTS + 1, output][tiny] / near[tiny]
        even = seen.samples[row, 1, seen.state[row, registers.LAST], output]
        least = SURE * np.maximum(seen.floor, seen.noise)[row, output]
        curved = ~lost & (np.abs(even) > least)
        series[1] = np.where(curved, even / np.ldexp(1.0, bottom) ** 2, 0.0)
        whole = np.flatnonzero((claim == WIDE) | (claim == UNLIKE))
        series[1:, whole] = _higher(seen, row[whole], output[whole])
    far = np.where((claim == WIDE) | (claim == UNLIKE), seen.top[row], bottom)
    far = np.where(lost | (claim == LEAP), start[row], far)
    far = np.ldexp(1.0, far)
    standing = np.isin(claim, (LEAP, WIDE, UNLIKE))
    slack = np.where(standing, lines.proven[place] * far, 0.0)
    slack += np.where(claim == LEAP, SURE * lines.noise[place], 0.0)
    return Claims(
        *place, claim, lines.value[place], sides, series, lean, most, slack, near, far,
        np.where(tiny, math.nan, _levels(seen, row, output, sides)), _least_even(seen, row, output),
    )  # fmt: skip


def _levels(seen: _Evidence, row: Ints, output: Ints, sides: Floats) -> Floats:
    """Return what f differs by from f(x) on one side of x, from the smallest level up."""
    state, up = seen.state[row], np.arange(registers.SLOTS)[:, None]
    slots = state[:, registers.LAST] - up
    odd, even = seen.samples[row, 0, slots, output], seen.samples[row, -1, slots, output]
    whole = sides * odd + even if seen.samples.shape[1] > 1 else odd * sides
    return np.where((slots >= state[:, registers.FIRST]) & (sides != 0.0), whole, math.nan)


def _least_even(seen: _Evidence, row: Ints, output: Ints) -> Floats:
    """Return the smallest even part of f over the levels of each claim, 0 on one side of x."""
    if seen.samples.shape[1] == 1:
        return np.zeros(len(row))
    slot, state = np.arange(registers.SLOTS), seen.state[row]
    inside = (slot >= state[:, [registers.FIRST]]) & (slot <= state[:, [registers.LAST]])
    even = np.abs(seen.samples[row, 1, : registers.SLOTS, output])
    return np.asarray(np.where(inside, even, math.inf).min(axis=1))


def _higher(seen: _Evidence, row: Ints, output: Ints) -> Floats:
    """Return the coefficients of t**2 to t**4 by the two smallest levels: a jump may be small."""
    last, h = seen.state[row, registers.LAST], np.ldexp(1.0, seen.bottom[row])
    odd, even = seen.samples[row, :, last, output].T
    odd_above, even_above = seen.samples[row, :, last - 1, output].T
    third = (odd_above / 2.0 - odd) / (3.0 * h**3)
    fourth = (even_above / 4.0 - even) / (3.0 * h**4)
    return np.array([even / h**2 - fourth * h**2, third, fourth])
