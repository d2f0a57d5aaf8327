"""The complex step, and the check without which it must not be believed."""

from __future__ import annotations

import numpy as np

from numdiff.arrays import Floats
from numdiff.constants import BUDGET, DOMAIN, EPS, NOT_COMPLEX_SAFE, OK, ONE_SIDED
from numdiff.drivers.derivatives import Derivatives, Problem, blank, fill
from numdiff.engine.by_ladder import by_ladder
from numdiff.evaluation.call import evaluate
from numdiff.geometry.directions import Directions, along
from numdiff.geometry.domain import Box, blocks, size_of
from numdiff.methods import METHODS
from numdiff.options import Options

# Squares of this vanish beside 1 in double precision, so truncation does too.
TINY = 2.0**-66
SHAKEN = 1365.0  # ulps from one sample to the next: far enough for f to round anew
BARS = 8.0  # of real and imaginary slopes together, by which they may differ: 2 in 100 exceed one
CONVINCING = 0.1  # of f and its change: a difference that is no wider tells right from wrong
SOLVED = 8.0  # relative accuracies of f: a slope whose solver keeps its steps errs by five
SIGMAS = 2.0  # bends of four roundings each, the larger of two, are some two standard deviations


def complex_step(
    problem: Problem, directions: Directions, order: int, options: Options
) -> Derivatives:
    """Differentiate along directions by Im f(x + i h d) / h.

    Squire and Trapp (1998), doi:10.1137/S003614459631241X. A second sample, at an x that differs in
    its last bits, shows the rounding inside f. What cannot be seen that way, an f that is not
    analytic (abs, conj, sign, real, a cast to float), is compared with a real derivative along one
    random combination of the directions; where the two differ, the answer comes from real steps and
    is flagged.

    Raises
    ------
    ValueError
        If `order` is not 1, or f is complex-valued.
    """
    if order != 1:
        raise ValueError(f"`method` 'complex' gives order 1 only, got {order}: use 'auto'")
    if problem.form.is_complex:
        raise ValueError("`method` 'complex' needs a real-valued f, got complex values: use 'auto'")
    free = np.arange(len(directions))
    if options.box is not None:
        moved = ~options.box.fixed()[directions.index]
        free = np.flatnonzero(np.logical_and.reduceat(moved, directions.starts))
    lines = blank(problem, len(directions))
    if free.size == 0:
        return lines
    chosen = directions if free.size == len(directions) else directions.pick(free)
    with np.errstate(all="ignore"):  # slopes may be beyond the range of floats
        return fill(lines, free, _checked(problem, chosen, options))


def _checked(problem: Problem, directions: Directions, options: Options) -> Derivatives:
    """Take the complex step and compare it with real ones."""
    plain = options._replace(way="ladder", method=METHODS["auto"], step=None)
    if not np.isfinite(problem.f0).any() or 5 * len(directions) > problem.budget:
        return by_ladder(problem, directions, 1, plain)
    imaginary = _imaginary(problem, directions, options.box)
    if imaginary is None:
        return _flagged(by_ladder(problem, directions, 1, plain))
    inexact = SOLVED * options.accuracy * np.abs(imaginary.value)
    imaginary = imaginary._replace(error=np.fmax(imaginary.error, inexact))
    share, guard = _combination(problem.x, directions, options.box)
    real = by_ladder(problem.less(imaginary.nfev).probing(), guard, 1, plain)
    off = np.abs(share @ imaginary.value - real.value[0])
    agree = off <= BARS * (real.error[0] + np.abs(share) @ imaginary.error)
    agree &= real.status[0] <= ONE_SIDED
    # bars as wide as the changes of f themselves vouch for nothing
    size = np.abs(share) @ np.abs(imaginary.value) + np.abs(problem.f0)
    agree &= BARS * real.error[0] <= CONVINCING * size
    nfev = imaginary.nfev + real.nfev
    if agree.all():
        return imaginary._replace(nfev=nfev)
    instead = _flagged(by_ladder(problem.less(nfev), directions, 1, plain))
    return fill(instead, np.arange(len(directions)), imaginary._replace(nfev=nfev), agree)


def _imaginary(problem: Problem, directions: Directions, box: Box | None) -> Derivatives | None:
    """Take samples of the imaginary part at x and close to it; None if f takes no complex numbers.

    What f rounds differs from point to point: second differences of the slopes show it, and first
    ones what half an ulp of x is worth.
    """
    x = problem.x
    shift = SHAKEN * np.spacing(x) * np.where(np.arange(x.size) % 2, 1.0, -1.0)
    if box is not None:  # towards the inside, so that x itself is the outermost point
        room = np.minimum(box.upper - x, x - box.lower)
        shift = np.where(room < 3.0 * np.abs(shift), 0.0, shift)
    h = TINY * size_of(x, directions, TINY)
    try:
        slopes = [
            _slopes(problem, x + k * shift, directions, h) for k in (0.0, -3.0, -1.0, 1.0, 3.0)
        ]
    except Exception:  # noqa: BLE001 - whatever f says to a complex number, real ones remain
        return None
    if not np.isfinite(slopes).all():
        return None
    value, far, near, other_near, other_far = slopes
    bends = np.abs([near - 2.0 * value + other_near, far - 2.0 * value + other_far])
    drift = np.abs(other_far - far) / (6.0 * SHAKEN)
    error = SIGMAS * bends.max(axis=0) + drift + 4.0 * EPS * np.abs(value)
    step = np.repeat(h[:, None], value.shape[1], axis=1)
    status = np.full(value.shape, OK, np.uint8)
    noise, nfev = np.zeros(value.shape), len(slopes) * len(directions)
    return Derivatives(value, error, status, step, noise, nfev, problem.form)


def _slopes(problem: Problem, point: Floats, directions: Directions, h: Floats) -> Floats:
    """Return the imaginary parts of f(point + i h d) over h, (D, m)."""
    form = problem.form._replace(is_complex=True)
    slopes = []
    for part in blocks(len(directions), 2 * point.size):
        aside = directions.part(part).displace(np.zeros_like(point), h[None, part])[0]
        rows = evaluate(problem.call, point + 1j * aside, form).rows
        slopes.append(rows[:, rows.shape[1] // 2 :] / h[part, None])
    return np.concatenate(slopes)


def _combination(x: Floats, directions: Directions, box: Box | None) -> tuple[Floats, Directions]:
    """Return random weights with which each direction moves x by about its size, and the sum."""
    count = len(directions)
    lengths = np.diff(np.append(directions.starts, len(directions.index)))
    rows = np.repeat(np.arange(count), lengths)
    size = np.where(x == 0.0, 1.0, np.abs(x))[directions.index] / np.abs(directions.weight)
    random = np.random.default_rng(count)  # the same for the same problem; no entry is left out
    signs = random.choice([-1.0, 1.0], count)
    if box is not None and directions.single:  # away from the nearer bound, and no fixed entry
        room = (box.upper + box.lower - 2.0 * x)[directions.index] * directions.weight
        signs = np.where(np.isnan(room), signs, np.where(room >= 0.0, 1.0, -1.0))
        signs[box.fixed()[directions.index]] = 0.0
    share = random.uniform(0.5, 1.5, count) * signs
    share *= np.minimum.reduceat(size, directions.starts)
    weight = directions.weight * share[rows]
    total = np.zeros(x.size)
    np.add.at(total, directions.index, weight)
    return share, along(total)


def _flagged(lines: Derivatives) -> Derivatives:
    flagged = (lines.status == DOMAIN) | (lines.status == BUDGET)
    status = np.where(flagged, lines.status, NOT_COMPLEX_SAFE).astype(np.uint8)
    return lines._replace(status=status)
