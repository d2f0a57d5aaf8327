"""What the ladder cannot vouch for: f that differs between calls, kinks and jumps at x."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from numdiff.drivers.black_box import climb
from numdiff.drivers.derivatives import Derivatives, Problem, fill
from numdiff.drivers.sampling import sample
from numdiff.estimate import Status
from numdiff.evaluation.call import origin
from numdiff.geometry.directions import Directions
from numdiff.ladder import decide
from numdiff.ladder.channels import Channels, Span
from numdiff.ladder.symptoms import CLEAR
from numdiff.methods import EPS
from numdiff.nonsmooth.settle import settle
from numdiff.nonsmooth.suspicion import all_calm
from numdiff.regression.fit import Known, fit, fit_mixed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

__all__ = ["Window", "doubted", "inherited", "sided"]


# plain numbers: looking up a member of an enumeration costs as much as calling f
NOISE_LIMITED, UNRESOLVED = int(Status.NOISE_LIMITED), int(Status.UNRESOLVED)
STOCHASTIC, DOMAIN = int(Status.STOCHASTIC), int(Status.DOMAIN)
KINK, JUMP = int(Status.KINK), int(Status.JUMP)
OK = int(Status.OK)
FITTED = 4  # highest order for which samples are averaged
OUT = 5  # octaves from the first step to the size of x, or to 1
FAR = (0.5614594836, 0.9159655942)  # of that: distances with no simple ratio nor digits
FINER = 4.0  # times the unit: numbers with an exponent have finer ones where f is smaller
MINOR = 1e-6  # part of what all changes are multiples of that is none of it but rounding


class Window(NamedTuple):
    """What is left of climbing some directions on one side: their numbers, levels and states."""

    rows: Ints
    side: int
    asked: int  # the side that the method asks for
    span: Span
    lines: Derivatives
    levels: Channels


def doubted(
    problem: Problem, directions: Directions, order: int, found: Derivatives, windows: list[Window],
    room: tuple[Floats, Floats] | None,
) -> Derivatives:  # fmt: skip
    """Look closer at lines that were found with these windows.

    f(x) is asked again where noise was seen: last, so that solvers which start from their previous
    answer are found too.
    """
    if all(all_calm(problem, window.span, window.lines, order) for window in windows):
        return found
    differs = np.zeros(found.value.shape[1], np.bool_)
    noisy = any(_noisy(window.lines) for window in windows)
    if noisy and problem.noise is None and found.nfev < problem.budget:
        differs = _differs(problem)
        found = found._replace(nfev=found.nfev + 1)
    for window in windows if problem.noise is None else ():
        with np.errstate(all="ignore"):  # values outside the domain are nan here
            found = _flat(problem, directions, order, found, window)
    met = found.error <= problem.rtol * np.abs(found.value)
    if not differs.all() and not (problem.rtol > 0.0 and met.all()):
        found = _settled(problem, directions, order, found, windows)
    if differs.any():
        wanted = np.isfinite(found.value) | (found.status != DOMAIN)
        found = _averaged(problem, directions, order, found, Known(room=room), wanted & differs)
    return found


def sided(lines: Derivatives, side: int, asked: int) -> Derivatives:
    """Say of good answers that they are from one side, where that is not what was asked for."""
    if side == asked:
        return lines
    good = lines.status <= NOISE_LIMITED
    return lines._replace(status=np.where(good, Status.ONE_SIDED, lines.status).astype(np.uint8))


def inherited(
    problem: Problem,
    directions: Directions,
    lines: Derivatives,
    pairs: tuple[Ints, Ints],
    across: Derivatives,
) -> Derivatives:
    """Take over what the lines along two directions say of both, to those along their pair."""
    one, other = (lines.status[rows] for rows in pairs)
    for code in (KINK, JUMP):
        torn = (one == code) | (other == code)
        across.status[torn], across.value[torn], across.error[torn] = code, math.nan, math.inf
    wanted = (one == STOCHASTIC) | (other == STOCHASTIC)
    if not wanted.any():
        return across
    rest = problem._replace(budget=problem.budget - across.nfev)
    with np.errstate(all="ignore"):
        found = fit_mixed(rest, directions, *pairs, Known(wanted=wanted, stochastic=True))
    return fill(across, np.arange(len(wanted)), found, wanted)


def _noisy(lines: Derivatives) -> bool:
    return bool(((lines.status == NOISE_LIMITED) | (lines.status == UNRESOLVED)).any())


def _differs(problem: Problem) -> Mask:
    """Ask for f(x) again and say which columns of it have changed."""
    assert problem.f0 is not None
    assert problem.form is not None
    again = origin(problem.call, problem.x).rows[0]
    changed = (again != problem.f0) & np.isfinite(problem.f0)
    parts = changed.reshape(1 + problem.form.is_complex, -1)
    return np.tile(parts.any(axis=0), len(parts))


def _flat(
    problem: Problem, directions: Directions, order: int, found: Derivatives, window: Window
) -> Derivatives:
    """Look farther away along directions in which no output moves: f may be rounded coarsely.

    Then all its changes are multiples of one, less than which may be hidden in a step.
    """
    rows, side, asked, span, raw, _ = window
    assert problem.f0 is not None
    assert raw.samples is not None
    assert raw.state is not None
    last = raw.samples[np.arange(len(rows)), :, raw.state[:, decide.LAST]]
    still = (last == 0.0).all(axis=1) & (raw.status == OK) & (problem.f0 != 0.0)
    flat = np.flatnonzero((still | (raw.status == DOMAIN)).all(axis=1) & still.any(axis=1))
    signs = (float(side),) if side else (1.0, -1.0)
    if not flat.size or found.nfev + flat.size * len(signs) * len(FAR) > problem.budget:
        return found
    limit = np.minimum(span.start[flat] + OUT, span.highest[flat])
    offsets = np.outer(signs, FAR).ravel()
    far = sample(problem, directions.pick(rows[flat]), offsets, np.ldexp(1.0, limit))
    changes = np.abs(np.nan_to_num(far.values - problem.f0, posinf=0.0, neginf=0.0))
    unit = np.where(still[flat], _unit(changes, CLEAR * EPS * np.abs(problem.f0)), 0.0)
    rounded = np.zeros(still.shape, np.bool_)
    rounded[flat] = unit > 0.0
    error, noise = raw.error.copy(), raw.noise.copy()
    error[flat] += FINER * unit * math.factorial(order) / raw.step[flat] ** order
    noise[flat] = np.fmax(noise[flat], unit)
    status = np.full(still.shape, NOISE_LIMITED, np.uint8)
    lines = raw._replace(error=error, noise=noise, status=status, nfev=far.nfev)
    return fill(found, rows, sided(lines, side, asked), rounded)


def _unit(changes: Floats, least: Floats) -> Floats:
    """Return what changes (P, D, m) are multiples of, by Euclid; 0 for none or one alone."""
    common = np.zeros(changes.shape[1:])
    for change in changes:
        rest = change
        while (more := rest > np.maximum(least, MINOR * common)).any():
            divided = np.abs(common - rest * np.rint(common / np.where(more, rest, 1.0)))
            common, rest = np.where(more, rest, common), np.where(more, divided, 0.0)
    several = changes.max(axis=0) > 1.5 * common
    return np.where(several & (MINOR * common > least), common, 0.0)


def _settled(
    problem: Problem, directions: Directions, order: int, found: Derivatives, windows: list[Window]
) -> Derivatives:
    """Tell kinks and jumps from noise, window by window."""
    open_ = np.ones(found.value.shape, np.bool_)
    for window in windows:
        rows, side, asked, span, raw, _ = window
        rest = problem._replace(budget=problem.budget - found.nfev + raw.nfev)
        whole = len(rows) == len(directions)
        chosen = directions if whole else directions.pick(rows)
        new = settle(rest, chosen, order, span, raw, side=side)
        mine = open_[rows] & (raw.status != DOMAIN)
        open_[rows] &= ~mine
        if new.lines is raw:
            continue
        lines = sided(new.lines, side, asked)._replace(nfev=new.lines.nfev - raw.nfev)
        if not np.isnan(new.left).all():
            lines = lines._replace(left=new.left, right=new.right)
        found = fill(found, rows, lines, mine)
        found = _alone(problem, chosen, found, window)
    return found


def _alone(problem: Problem, chosen: Directions, found: Derivatives, window: Window) -> Derivatives:
    """Follow outputs without those that have no derivative, whose steps were too small for them."""
    assert problem.f0 is not None
    rows, side, asked, span, _, levels = window
    torn = (found.status[rows] == KINK) | (found.status[rows] == JUMP)
    spoilt = torn.any(axis=1)[:, None] & (found.status[rows] == NOISE_LIMITED)
    if not spoilt.any() or found.nfev >= problem.budget:
        return found
    smooth = np.where(torn.any(axis=0), math.nan, problem.f0)
    rest = problem._replace(f0=smooth, budget=problem.budget - found.nfev)
    again = sided(climb(rest, chosen, span, levels), side, asked)
    return fill(found, rows, again, spoilt & (again.error < found.error[rows]))


def _averaged(
    problem: Problem,
    directions: Directions,
    order: int,
    found: Derivatives,
    known: Known,
    wanted: Mask,
) -> Derivatives:
    """Average samples of outputs that differ between calls."""
    if order > FITTED:
        found.status[wanted], found.error[wanted] = UNRESOLVED, math.inf
        return found
    rest = problem._replace(budget=problem.budget - found.nfev)
    known = known._replace(wanted=wanted, stochastic=True)
    with np.errstate(all="ignore"):  # values outside the domain are nan here
        lines = fit(rest, directions, order, known)
    return fill(found, np.arange(len(wanted)), lines, wanted)
