"""Kinks, jumps and singularities at x, told from noise.

Where the ladder saw something that neither a smooth f nor its noise would show, secants and ladders
on either side of x tell what it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from numdiff.drivers.climb import climb
from numdiff.drivers.derivatives import Derivatives, Problem
from numdiff.estimate import Status
from numdiff.geometry.directions import Directions
from numdiff.ladder import registers
from numdiff.ladder.answer import PIECES
from numdiff.ladder.channels import Span, channels
from numdiff.ladder.symptoms import CLEAR
from numdiff.methods import EPS, METHODS
from numdiff.nonsmooth.secants import (
    FAIR,
    OCTAVES,
    PROBES,
    Doubt,
    Limits,
    Secants,
    confirmed,
    endless,
    law,
    limits_of,
    powers_of,
    secants_of,
)
from numdiff.nonsmooth.suspicion import lawful, raise_suspicion

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

__all__ = ["Settled", "settle", "suspicious"]


# plain numbers: looking up a member of an enumeration costs as much as calling f
OK, NOISE_LIMITED, UNRESOLVED = int(Status.OK), int(Status.NOISE_LIMITED), int(Status.UNRESOLVED)
KINK, JUMP = int(Status.KINK), int(Status.JUMP)

REACH = 41  # octaves from the first step down to 64 roundings of 1
HIGHER = 20  # octaves above a window that went far down
OFF = 0.32  # steps of the second look, off the lattice of the first
SMOOTH, ENDLESS = -0.9, -0.05  # powers of 16 in rises of secants: -1, and -0.1 at abs(t)**1.1
LEVEL = 0.25  # part by which the gap between the slopes of both sides may vary at a kink
SURE = 2.0  # a gap is one if it exceeds the sum of the bars by this factor
SHARP = 10.0  # times the bend of f over the closest step: a bend of f' near x makes less of a gap
MOST = 64.0  # evaluations of a one-sided ladder per direction: smooth sides take 4 to 9


class Settled(NamedTuple):
    """Derivatives in which kinks and jumps are flagged, and one-sided derivatives at the kinks.

    The columns (D, m) beside `lines` are nan where there is no kink.
    """

    lines: Derivatives
    left: Floats
    right: Floats
    left_error: Floats
    right_error: Floats


class _Told(NamedTuple):
    """What the ladder told of K outputs."""

    value: Floats
    error: Floats
    lost: Mask  # it told nothing
    bent: Mask  # something falls that should not
    by_law: Mask  # and by a law
    bottom: Ints  # exponent of the smallest step


class _Sides(NamedTuple):
    """One-sided derivatives of K outputs, (2, K): left and right."""

    value: Floats
    error: Floats
    off: Floats  # from the limits of secants
    sound: Mask  # a ladder found it and saw no noise
    clean: Mask  # and none at steps as large as those of the ladder of both sides
    nfev: int


class _Verdict(NamedTuple):
    """What was found out of K outputs."""

    torn: Mask
    kinked: Mask
    told: Mask  # the sides tell the derivative, if they agree
    sides: _Sides
    nfev: int


def settle(
    problem: Problem,
    directions: Directions,
    order: int,
    span: Span,
    lines: Derivatives,
    *,
    side: int = 0,
) -> Settled:
    """Tell whether f has a kink or a jump at x where the ladder could not vouch for its answer.

    Parameters
    ----------
    problem, directions, span
        What the ladder was given.
    order : int
        Order of the derivative. One-sided derivatives are given for the first only.
    lines : Derivatives
        What the ladder found, with samples and state.
    side : int
        The side of x on which the ladder stayed, 0 for both.

    Returns
    -------
    Settled
        With the status KINK or JUMP, value nan and error inf where f has no derivative. Elsewhere
        the lines are those given, except where one-sided derivatives tell a value that the ladder
        could not find, or that something beside x had kept from it.

    Notes
    -----
    A kink needs one-sided derivatives that differ by more than their bars and secants that differ
    as much over octaves of steps; a jump or singularity needs secants that grow by a steady law
    down to the smallest step, on and off the lattice.
    """
    nothing = np.full(lines.value.shape, np.nan)
    assert lines.calm is not None
    if lines.calm.all():
        return Settled(lines, nothing, nothing, nothing, nothing)
    bent, torn = raise_suspicion(problem, span, lines, order)
    entries = bent | torn
    rows = np.flatnonzero(entries.any(axis=1))
    cost = (4 * PROBES + 2 * MOST * order) * rows.size
    if rows.size == 0 or cost > problem.budget - lines.nfev:
        return Settled(lines, nothing, nothing, nothing, nothing)
    with np.errstate(all="ignore"):
        doubt = _doubt(problem, directions.pick(rows), span, lines, entries, side)
        at = rows[doubt.row], doubt.output
        told = _told(problem, lines, order, at, bent[at])
        verdict = _judged(doubt, told, order)
        lines = _settled(lines, at, told, verdict, order)
    told_at_kinks = np.where(
        verdict.kinked & (order == 1), [*verdict.sides.value, *verdict.sides.error], np.nan
    )
    return Settled(lines, *(_written(nothing, at, column) for column in told_at_kinks))


def suspicious(problem: Problem, span: Span, lines: Derivatives, order: int = 1) -> Mask:
    """Say which outputs (D, m) may not be smooth at x, from what the ladder saw.

    Noise alone is no suspicion: something has to fall by a power of h that a smooth f does not
    have, or to stay the same at two tiny steps.
    """
    assert lines.calm is not None
    if lines.calm.all():
        return np.zeros(lines.status.shape, bool)
    bent, torn = raise_suspicion(problem, span, lines, order)
    return bent | torn


def _doubt(
    problem: Problem, chosen: Directions, span: Span, lines: Derivatives, entries: Mask, side: int
) -> Doubt:
    """Collect what is in doubt and choose the steps of its secants."""
    rows = np.flatnonzero(entries.any(axis=1))
    assert lines.state is not None
    assert lines.samples is not None
    assert problem.f0 is not None
    state, start, lowest = lines.state[rows], span.start[rows], span.lowest[rows]
    reach = span.reach[rows]
    window = state[:, registers.BASE] - state[:, registers.FIRST]
    # beside a tiny x, a window far down that still sees f move has found the scale of f
    last = np.abs(lines.samples[rows, :, state[:, registers.LAST]]).sum(axis=1)
    sees = (entries[rows] & (last > EPS * np.abs(problem.f0))).any(axis=1)
    far = sees & (reach > 0.0) & (window < start - OCTAVES * (PROBES - 5))
    top = np.where(far, window + HIGHER, start)
    near = Span(start, span.other[rows], span.highest[rows], lowest, reach)
    unit = np.where(reach > 0.0, lowest, np.maximum(lowest, start - REACH))
    signs = (float(side),) if side else (-1.0, 1.0)
    return Doubt(problem, chosen, near, top, unit, signs, *np.nonzero(entries[rows]))


def _told(
    problem: Problem, lines: Derivatives, order: int, at: tuple[Ints, Ints], bent: Mask
) -> _Told:
    """Collect what the ladder told of the outputs in doubt."""
    assert lines.state is not None
    bottom = lines.state[at[0], registers.BASE] - lines.state[at[0], registers.LAST]
    lost, by_law = lines.status[at] == UNRESOLVED, lawful(problem, lines, order)[at]
    return _Told(lines.value[at], lines.error[at], lost, bent, by_law, bottom)


def _judged(doubt: Doubt, told: _Told, order: int) -> _Verdict:
    """Judge the outputs in doubt."""
    secants = secants_of(doubt)
    powers = [powers_of(slopes, secants.floor) for slopes in secants.slopes]
    sloping = np.stack([law(one, SMOOTH, ENDLESS) >= 0 for one in powers])
    by_law = told.by_law | np.stack([law(one, SMOOTH) >= 0 for one in powers]).any(axis=0)
    ends = np.stack([endless(slopes, secants, ENDLESS) for slopes in secants.slopes])
    torn, nfev = np.asarray((ends >= 0).any(axis=0)), secants.nfev
    if torn.any():
        again = secants_of(doubt, OFF)
        torn, nfev = confirmed(secants, again, ends), nfev + again.nfev
    limits, level = limits_of(secants), _level(secants)
    whole = ~torn & (told.bent | level | by_law)
    kinked = np.zeros_like(torn)
    if len(doubt.signs) == 2 and whole.any():
        start = _starts(doubt, secants, limits)
        sides = _sides(doubt, told, limits, start, sloping)
        kinked, nfev = whole & _kinked(secants, sides), nfev + sides.nfev
        for higher in range(2, order + 1):
            differs, asked = _differs(doubt, start.min(axis=0), higher)
            kinked, nfev = kinked | (whole & differs), nfev + asked
    else:
        nothing = np.zeros(limits.value.shape, bool)
        sides = _Sides(limits.value, limits.error, 0.0 * nothing, nothing, nothing[0], 0)
    # a flat piece of a staircase is no derivative
    flat = np.all(limits.value == 0.0, axis=0)
    tells = whole & (level | (~flat & (told.lost | by_law | sides.clean)))
    return _Verdict(torn, kinked, tells, sides, nfev)


def _level(secants: Secants) -> Mask:
    """Whether the slopes of both sides differ by the same at two steps in a row."""
    gap = secants.slopes[-1] - secants.slopes[0]
    same = np.abs(np.diff(gap, axis=0)) <= LEVEL * np.abs(gap[1:])
    return np.asarray((same & (np.abs(gap[1:]) > CLEAR * secants.inner[1:])).any(axis=0))


def _starts(doubt: Doubt, secants: Secants, limits: Limits) -> Ints:
    """Return the exponents (2, R) of the largest steps at which secants are near their limits."""
    start = np.stack([doubt.span.start] * 2)
    number, columns = np.arange(PROBES)[:, None], np.arange(len(doubt.row))
    gap = np.nan_to_num(np.abs(limits.value[1] - limits.value[0]))
    for k, value in enumerate(limits.value):
        size = np.fmax(np.abs(value), gap)
        far = np.abs(secants.slopes[k] - value) > FAIR * size
        first = np.where(far & (number < limits.best[k]), number + 1, 0).max(axis=0)
        steps = secants.steps[first, columns]
        known = (size > limits.error[k]) & np.isfinite(steps)
        exponent = np.rint(np.log2(steps[known])).astype(np.int64)
        np.minimum.at(start[k], doubt.row[known], exponent)
    return np.maximum(start, doubt.span.lowest)


def _sides(doubt: Doubt, told: _Told, limits: Limits, start: Ints, sloping: Mask) -> _Sides:
    """Climb on either side, and keep what the secants do not contradict."""
    value, error, nfev = limits.value.copy(), limits.error.copy(), 0
    sound, at = np.zeros(value.shape, bool), (doubt.row, doubt.output)
    for k, side in enumerate((-1, 1)):
        lines = _climbed(doubt, start[k], side, 1)
        nfev += lines.nfev
        slope, bar, status = lines.value[at], lines.error[at], lines.status[at]
        off, converged = np.abs(slope - value[k]), np.isfinite(error[k])
        # the ladder may take a power of h that is not whole for noise
        noisy = (status == NOISE_LIMITED) & ~sloping[k]
        bar = bar + np.where(noisy & converged, off, 0.0)
        better = (noisy | (status == OK)) & (off <= bar + error[k]) & (bar < error[k])
        better |= (status == OK) & ~converged
        sound[k] = better & (status == OK)
        value[k], error[k] = np.where(better, slope, value[k]), np.where(better, bar, error[k])
    clean = np.any(sound & (start[:, doubt.row] >= told.bottom), axis=0)
    off = np.nan_to_num(np.abs(value - limits.value))
    return _Sides(value, error, off, sound, clean, nfev)


def _climbed(doubt: Doubt, start: Ints, side: int, order: int) -> Derivatives:
    problem = doubt.problem._replace(budget=MOST * len(doubt.directions))
    ways = channels(METHODS["auto"]._replace(side=side), order)
    return climb(problem, doubt.directions, doubt.span._replace(start=start), ways)


def _gap(sides: _Sides) -> tuple[Floats, Mask]:
    """Return by how much the one-sided derivatives differ, and whether that is more than bars."""
    gap = sides.value[1] - sides.value[0]
    return gap, np.abs(gap) > SURE * sides.error.sum(axis=0)


def _kinked(secants: Secants, sides: _Sides) -> Mask:
    """Whether one-sided derivatives differ, and secants by as much down to steps close to x."""
    gap, clear = _gap(sides)
    seen = secants.slopes[1] - secants.slopes[0]
    sound = np.isfinite(seen) & (0.5 * CLEAR * secants.inner < np.abs(gap))
    near = sound & (np.abs(seen - gap) < LEVEL * np.abs(gap))
    run = near[1:] & near[:-1]
    later = np.arange(len(seen))[:, None] > run.argmax(axis=0) + 1
    against = later & sound & (np.abs(seen) < 0.5 * np.abs(gap))
    # two steps may agree by chance where f oscillates
    enough = sides.sound.all(axis=0) | (run[1:] & run[:-1]).any(axis=0)
    off = np.abs(secants.slopes - sides.value[:, None]) - CLEAR * secants.inner
    bends = np.sort(np.where(near, np.fmax(off, 0.0) / secants.steps, np.inf), axis=1)
    middle = np.maximum(near.sum(axis=0) - 1, 0) // 2
    bend = bends[:, middle, np.arange(len(middle))].max(axis=0)
    closest = np.fmin.reduce(np.where(near, secants.steps, np.nan))
    sharp = np.abs(gap) > SHARP * bend * closest
    return np.asarray(clear & run.any(axis=0) & enough & (against.sum(axis=0) < 2) & sharp)


def _differs(doubt: Doubt, start: Ints, order: int) -> tuple[Mask, int]:
    """Whether derivatives of a higher order differ on both sides of x."""
    at = (doubt.row, doubt.output)
    left, right = (_climbed(doubt, start, side, order) for side in (-1, 1))
    sound = (left.status[at] == OK) & (right.status[at] == OK)
    gap, bars = np.abs(right.value - left.value)[at], (right.error + left.error)[at]
    return sound & (gap > SURE * bars), left.nfev + right.nfev


def _settled(
    lines: Derivatives, at: tuple[Ints, Ints], told: _Told, verdict: _Verdict, order: int
) -> Derivatives:
    """Write what was found out to the lines."""
    value, error, status = told.value, told.error, lines.status[at]
    if order == 1:
        slope, bar = _agreed(verdict.sides)
        bar = bar + np.where(told.lost, verdict.sides.off.max(axis=0), 0.0)
        off = np.abs(slope - value)
        # without a law, or with nearly the slope of the ladder, f comes in pieces of other slopes
        refuted = told.by_law & (off > bar + error) & (off >= PIECES * np.abs(value))
        new = verdict.told & np.isfinite(bar) & (told.lost | refuted)
        value, error = np.where(new, slope, value), np.where(new, bar, error)
        status = np.where(new & told.lost, OK, status)
        # sides that differ without a kink, as far as can be told: the bar has to reach both
        apart = _gap(verdict.sides)[1] & verdict.sides.sound.all(axis=0)
        reach = (np.abs(verdict.sides.value - value) + verdict.sides.error).max(axis=0)
        error = np.where(apart, np.fmax(error, reach), error)
    flagged = verdict.torn | verdict.kinked
    flags = np.where(verdict.torn, JUMP, KINK)
    return lines._replace(
        value=_written(lines.value, at, np.where(flagged, np.nan, value)),
        error=_written(lines.error, at, np.where(flagged, np.inf, error)),
        status=_written(lines.status, at, np.where(flagged, flags, status)),
        nfev=lines.nfev + verdict.nfev,
    )


def _written(column: NDArray[Any], at: tuple[Ints, Ints], entries: NDArray[Any]) -> NDArray[Any]:
    """Return a copy of a column with some entries replaced."""
    column = column.copy()
    column[at] = entries
    return column


def _agreed(sides: _Sides) -> tuple[Floats, Floats]:
    """Return the derivative on which both sides agree within their bars; inf bar elsewhere."""
    (left, right), (below, above) = sides.value, sides.error
    apart = np.abs(right - left)
    bar = np.where(apart <= below + above, 0.5 * apart + np.maximum(below, above), np.inf)
    return 0.5 * (left + right), bar
