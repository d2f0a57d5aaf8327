"""Whether f has a derivative at x where the ladder could not vouch for its answer, and which.

Where the ladder saw something that neither a smooth f nor its noise would show, secants and ladders
on either side of x tell what it is.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from numdiff.arrays import Floats, Mask
from numdiff.constants import JUMP, KINK, OK
from numdiff.drivers.derivatives import Derivatives, Problem
from numdiff.evaluation.call import LONG
from numdiff.geometry.directions import Directions
from numdiff.ladder.answer import PIECES
from numdiff.ladder.channels import Span
from numdiff.ladder.registers import FIRST
from numdiff.nonsmooth.curvature import Curvature, curvature_of
from numdiff.nonsmooth.kinks import LONGEST, Sides, compare, level_gap, untold

from numdiff.nonsmooth.secants import (  # isort: skip
    ENDLESS, SMOOTH, STEPS, law, limits_of, powers_of, secants_of, torn,
)  # fmt: skip
from numdiff.nonsmooth.suspicion import Suspects, suspects_of

BETTER = 0.5  # of a bar: one of less tells more


class _Verdict(NamedTuple):
    """What K suspects are."""

    torn: Mask
    kinked: Mask
    whole: Mask  # the sides tell the derivative, if they agree
    sides: Sides
    curvature: Curvature | None  # of a second derivative
    nfev: int


def settle(
    problem: Problem, directions: Directions, order: int, span: Span, lines: Derivatives, *,
    side: int = 0,
) -> Derivatives:  # fmt: skip
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
    Derivatives
        With the status KINK or JUMP, value nan and error inf where f has no derivative, and
        one-sided derivatives at kinks, which are nan elsewhere and None where there is no kink.
        Other values are those given, except where one-sided derivatives tell one that the ladder
        could not find, or that something beside x had kept from it. Directions without suspects
        are calm.

    Notes
    -----
    A kink needs one-sided derivatives that differ by more than their bars and secants that differ
    as much over octaves of steps; a jump or singularity needs secants that grow by a steady law
    down to the smallest step, on and off the lattice.
    """
    with np.errstate(all="ignore"):
        suspects = suspects_of(problem, directions, order, span, lines, side)
        most = 4 * STEPS + 2 * LONGEST * order  # a direction: secants twice, a ladder on each side
        if suspects is None or most * len(suspects.directions) > problem.budget - lines.nfev:
            return lines
        verdict = _judge(suspects)
        lines = _write(lines, suspects, verdict)
    if order == 1 and verdict.kinked.any():
        left, right = np.full((2, *lines.value.shape), np.nan)
        left[suspects.place], right[suspects.place] = np.where(
            verdict.kinked, verdict.sides.value, np.nan
        )
        return lines._replace(left=left, right=right)
    return lines


def _judge(suspects: Suspects) -> _Verdict:
    """Say what the suspects are, from secants and from ladders on either side of x."""
    if suspects.problem.f0.shape[-1] >= LONG:
        problem, output = suspects.problem.reading(suspects.at[1])
        suspects = suspects._replace(problem=problem, at=(suspects.at[0], output))
    secants = secants_of(suspects)
    jumps, again = torn(suspects, secants)
    curvature = curvature_of(secants, suspects.value) if suspects.order == 2 else None
    limits, level = limits_of(secants), level_gap(secants)
    powers = powers_of(secants.slopes, secants.floor)
    sloping = law(powers, SMOOTH, ENDLESS) >= 0  # by such a law they may converge
    lawful = suspects.lawful | (law(powers, SMOOTH) >= 0).any(axis=0)
    whole = ~jumps & (suspects.bent | level | lawful)
    if len(suspects.signs) == 2 and whole.any():
        sides, kinked, reach = compare(suspects, secants, limits, sloping, whole=whole)
        if curvature is not None:
            curvature = curvature._replace(reach=np.fmax(curvature.reach, reach))
    else:  # the limits of secants are all that is known of either side
        sides, kinked = untold(limits), np.zeros(whole.shape, np.bool_)
    # a flat piece of a staircase is no derivative
    flat = np.all(limits.value == 0.0, axis=0)
    derived = whole & (level | (~flat & (suspects.lost | lawful | sides.clean)))
    nfev = secants.nfev + again + sides.nfev
    if curvature is not None:  # of a kink in f, f'' grows without end as well
        jumps = jumps | (curvature.torn & ~kinked)
    return _Verdict(jumps, whole & kinked, derived, sides, curvature, nfev)


def _write(lines: Derivatives, suspects: Suspects, verdict: _Verdict) -> Derivatives:
    """Write to the lines what the suspects are."""
    value, error, status = suspects.value, suspects.error, lines.status[suspects.place]
    if suspects.order == 1:
        value, error, new = _correct(suspects, verdict, lines)
        status = np.where(new & suspects.lost, OK, status)
    if verdict.curvature is not None:
        error = np.fmax(error, verdict.curvature.reach)
    flagged, flags = verdict.torn | verdict.kinked, np.where(verdict.torn, JUMP, KINK)
    lines = lines._replace(
        value=lines.value.copy(), error=lines.error.copy(), status=lines.status.copy(),
        nfev=lines.nfev + verdict.nfev, calm=np.ones(len(lines.value), np.bool_),
    )  # fmt: skip
    lines.calm[suspects.place[0]] = False
    lines.value[suspects.place] = np.where(flagged, np.nan, value)
    lines.error[suspects.place] = np.where(flagged, np.inf, error)
    lines.status[suspects.place] = np.where(flagged, flags, status)
    return lines


def _correct(
    suspects: Suspects, verdict: _Verdict, lines: Derivatives
) -> tuple[Floats, Floats, Mask]:
    """Return slopes and bars: those of both sides where the ladder has none, or a wrong one.

    Say as well where they are new.
    """
    rows, outputs = suspects.place
    plain = lines.status[suspects.place] == OK  # the ladder saw no noise
    top = np.abs(lines.samples[rows, :, lines.state[rows, FIRST], outputs])
    still = top[:, 0] == top[:, -1]  # one side of x does not move over the largest step
    value, error, sides = suspects.value, suspects.error, verdict.sides
    # where both sides agree within their bars, and no bar elsewhere
    slope, gap = 0.5 * (sides.value[0] + sides.value[1]), np.abs(sides.value[1] - sides.value[0])
    agree = gap <= sides.error.sum(axis=0)
    bar = np.where(agree, 0.5 * gap + np.maximum(*sides.error), np.inf)
    bar = bar + np.where(suspects.lost, sides.off.max(axis=0), 0.0)
    off = np.abs(slope - value)
    # without a law, or with nearly the slope of the ladder, f comes in pieces of other slopes
    refuted = suspects.lawful & (off > bar + error) & (off >= PIECES * np.abs(value))
    refuted &= (slope != 0.0) | still  # a flat piece of a staircase is no derivative
    # clean sides that agree to less than the ladder of both knows, which a bend of f' at x has held
    # back, and about with it
    better = plain & sides.sound.all(axis=0) & (bar < BETTER * error) & (off < error / BETTER)
    new = verdict.whole & np.isfinite(bar) & (suspects.lost | refuted | better)
    value, error = np.where(new, slope, value), np.where(new, bar, error)
    # sides that differ without a kink, as far as can be told: the bar has to reach both
    apart = sides.apart & sides.sound.all(axis=0)
    reach = (np.abs(sides.value - value) + sides.error).max(axis=0)
    return value, np.where(apart, np.fmax(error, reach), error), new
