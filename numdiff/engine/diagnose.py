"""What the ladder cannot vouch for: f that differs between calls, kinks and jumps at x."""

from __future__ import annotations

import math

import numpy as np

from numdiff.arrays import Floats, Ints, Mask
from numdiff.constants import DOMAIN, EPS, JUMP, KINK, NOISE_LIMITED, OK, STOCHASTIC, UNRESOLVED
from numdiff.drivers.climb import Window, climb, span_of
from numdiff.drivers.derivatives import Derivatives, Problem, fill, stacked
from numdiff.drivers.sampling import sample
from numdiff.engine.sides import Task, one_sided
from numdiff.evaluation.call import origin
from numdiff.geometry.domain import Room, room_of, size_of
from numdiff.ladder import registers
from numdiff.ladder.disputes import bent
from numdiff.ladder.runtime import runner
from numdiff.ladder.symptoms import CLEAR
from numdiff.noise.quantum import common_unit
from numdiff.nonsmooth.dispute import resolve
from numdiff.nonsmooth.settle import settle
from numdiff.regression.fit import fit, fit_mixed

FITTED = 4  # highest order for which samples are averaged
OUT = 5  # octaves from the first step to the size of x, or to 1
FAR = (0.5614594836, 0.9159655942)  # of that: distances with no simple ratio nor digits
FINER = 4.0  # times the unit: numbers with an exponent have finer ones where f is smaller


def diagnose(
    task: Task, derivatives: Derivatives, windows: list[Window]
) -> tuple[Derivatives, Problem]:
    """Look closer at the derivatives of a task that these windows gave.

    f(x) is asked again where noise was seen: last, so that solvers which start from their previous
    answer are found too. It is in the problem that comes back.
    """
    problem, result = task.problem, derivatives
    task = task._replace(problem=problem.probing())
    noisy = _noisy(problem, windows)
    if problem.noise is None:
        for rough in noisy:
            if problem.again is None and rough.any() and result.nfev < problem.budget:
                problem = problem._replace(again=origin(problem.call, problem.x).rows[0])
                result = result._replace(nfev=result.nfev + 1)
        with np.errstate(all="ignore"):  # values outside the domain are nan here
            for window, rough in zip(windows, noisy, strict=True):
                result = _looked_farther(task, result, window, rough)
    again = problem.f0 if problem.again is None else problem.again
    changed = (again != problem.f0) & np.isfinite(problem.f0)
    parts = changed.reshape(*changed.shape[:-1], 1 + problem.form.is_complex, -1)
    differs = np.tile(parts.any(axis=-2), parts.shape[-2])
    if not differs.all():
        if task.order == 1 and problem.noise is None:
            result, windows = _disputed(task, result, windows)
        result = _settled(task, result, windows)
    if differs.any():
        wanted = np.isfinite(result.value) | (result.status != DOMAIN)
        result = _averaged(task, result, wanted & differs)
    return result, problem


def _noisy(problem: Problem, windows: list[Window]) -> list[Mask]:
    """Tell the outputs that noise keeps from a bar as good as asked for, or from any."""
    noisy: list[Mask] = []
    for window in windows:
        lines, good = window.lines, window.lines.error <= problem.rtol * np.abs(window.lines.value)
        noisy.append(((lines.status == NOISE_LIMITED) | (lines.status == UNRESOLVED)) & ~good)
    return noisy


def at_points(task: Task, derivatives: Derivatives, windows: list[Window]) -> Derivatives:
    """Look closer at those of many points that are not calm, at each as if there were no other.

    They are looked at together, but for those where f differs between calls.
    """
    restless = np.unique(np.concatenate([w.rows[~w.lines.calm] for w in windows]))
    task, nfev = _asked_again(task, windows)
    f0 = task.problem.f0[restless]
    again = f0 if task.problem.again is None else task.problem.again[restless]
    differs = ((again != f0) & np.isfinite(f0)).any(axis=1)
    parts: list[Derivatives] = []
    groups = [some for some in (restless[~differs], *restless[differs][:, None]) if some.size]
    for some in groups:
        own = [part for part in (w.among(some) for w in windows) if part.rows.size]
        alone = task.among(some) if some.size > 1 else task.at(int(some[0]))
        parts.append(diagnose(alone, derivatives.pick(some), own)[0])
    new = stacked(parts)
    new = new._replace(nfev=new.nfev + nfev)
    return fill(derivatives, np.concatenate(groups), new, np.ones(new.value.shape, np.bool_))


def _asked_again(task: Task, windows: list[Window]) -> tuple[Task, int]:
    """Ask for f once more at those of many points where noise was seen; return how many they are.

    It is in the problem of the task that comes back.
    """
    problem = task.problem
    if problem.noise is not None:
        return task, 0
    noisy, again = np.zeros(len(problem.x), np.bool_), problem.f0.copy()
    for window, rough in zip(windows, _noisy(problem, windows), strict=True):
        noisy[window.rows] |= rough.any(axis=1)
    if noisy.any():
        again[noisy] = origin(problem.call, problem.x[noisy]).rows
    return task._replace(problem=problem._replace(again=again)), int(np.count_nonzero(noisy))


def inherited(
    task: Task, lines: Derivatives, pairs: tuple[Ints, Ints], across: Derivatives
) -> Derivatives:
    """Take over what the lines along two directions say of both, to those along their pair."""
    one, other = (lines.status[rows] for rows in pairs)
    for code in (KINK, JUMP):
        torn = (one == code) | (other == code)
        across.status[torn], across.value[torn], across.error[torn] = code, math.nan, math.inf
    wanted = (one == STOCHASTIC) | (other == STOCHASTIC)
    if not wanted.any():
        return across
    rest, room = task.problem.less(across.nfev).probing(), _open_room(task)
    with np.errstate(all="ignore"):
        averages = fit_mixed(rest, task.directions, *pairs, wanted=wanted, room=room)
    return fill(across, np.arange(len(wanted)), averages, wanted)


def _open_room(task: Task) -> Room | None:
    """How far samples may lie: inside the bounds, and on the side that the method asks for."""
    side = task.options.method.side
    if side == 0:
        return task.room
    return (task.room or room_of(task.problem.x, task.directions, None)).only(side)


def _looked_farther(task: Task, result: Derivatives, window: Window, rough: Mask) -> Derivatives:
    """Look farther away for outputs that do not move: f may be rounded coarsely.

    Then all its changes are multiples of one, less than which may be hidden in a step. Where others
    move, and none is `rough` (D, m), an output that does not is taken to be constant.
    """
    rows, side, asked, limits, raw, _ = window
    problem, directions = task.problem, task.directions.pick(rows)
    if problem.apart:
        problem, directions = problem.along(directions)
    f0 = np.broadcast_to(problem.f0, raw.value.shape)
    restless, still = np.flatnonzero(~raw.calm), np.zeros(raw.value.shape, np.bool_)
    last = raw.samples[restless, :, raw.state[restless, registers.LAST]]
    still[restless] = (last == 0.0).all(axis=1)
    still &= (raw.status == OK) & (f0 != 0.0)
    quiet = (still | (raw.status == DOMAIN)).all(axis=1)
    flat = np.flatnonzero((quiet | rough.any(axis=1)) & still.any(axis=1))
    signs = (float(side),) if side else (1.0, -1.0)
    if not flat.size or result.nfev + flat.size * len(signs) * len(FAR) > problem.budget:
        return result
    span = span_of(problem.x, directions, limits)
    went, size = np.ldexp(1.0, span.start[flat]), size_of(problem.x, directions, 0.0)[flat]
    # x keeps its sign, unless the ladder went as far
    most = np.fmin(2.0**OUT * went, np.where(size > 0.0, np.fmax(size, went), math.inf))
    most = np.fmin(most, np.ldexp(1.0, span.highest[flat]))
    offsets = np.outer(signs, FAR).ravel()
    far = sample(problem, directions.pick(flat), offsets, most)
    changes = np.abs(np.nan_to_num(far.values - f0[flat], posinf=0.0, neginf=0.0))
    unit = np.where(still[flat], common_unit(changes, CLEAR * EPS * np.abs(f0[flat])), 0.0)
    rounded = np.zeros(still.shape, np.bool_)
    rounded[flat] = unit > 0.0
    error, noise = raw.error.copy(), raw.noise.copy()
    error[flat] += FINER * unit * math.factorial(task.order) / raw.step[flat] ** task.order
    noise[flat] = np.fmax(noise[flat], unit)
    status = np.full(still.shape, NOISE_LIMITED, np.uint8)
    lines = raw._replace(error=error, noise=noise, status=status, nfev=far.nfev)
    return fill(result, rows, one_sided(lines, side, asked), rounded)


def _disputed(
    task: Task, result: Derivatives, windows: list[Window]
) -> tuple[Derivatives, list[Window]]:
    """Look at the breaks between readings that contradict each other, window by window."""
    known: list[Window] = []
    for window in windows:
        rows, side, asked = window.rows, window.side, window.asked
        rest, directions = task.problem.less(result.nfev), task.pick(rows)
        if rest.apart:
            rest, directions = rest.along(directions)
        with np.errstate(all="ignore"):
            lines, again, nfev = resolve(rest, directions, window)
        result = result._replace(nfev=result.nfev + nfev)
        new_bars = _changed(lines, window.lines)
        result = fill(result, rows, one_sided(lines._replace(nfev=0), side, asked), new_bars)
        for new in again:
            good = new.lines.status != DOMAIN
            new_lines = one_sided(new.lines._replace(nfev=0), side, asked)
            result = fill(result, new.rows, new_lines, good)
        # what was climbed anew is looked at there, and what lost its answer not any more
        status = np.where(new_bars & (lines.status == UNRESOLVED), DOMAIN, lines.status)
        for new in again:
            here = np.flatnonzero(np.isin(rows, new.rows))
            status[here] = np.where(new.lines.status != DOMAIN, DOMAIN, status[here])
        known += [*again, window._replace(lines=lines._replace(status=status))]
    return result, known


def _settled(task: Task, result: Derivatives, windows: list[Window]) -> Derivatives:
    """Tell kinks and jumps from noise, window by window, where a bar is not as asked for."""
    open_, met = np.ones(result.value.shape, np.bool_), np.zeros(result.value.shape, np.bool_)
    if task.problem.rtol > 0.0:
        met = _met(task.problem, result, windows)
    for window in windows:
        rows, side, asked, limits, raw, _ = window
        if met.any():
            raw = raw._replace(status=np.where(met[rows], DOMAIN, raw.status).astype(np.uint8))
        rest, directions = task.problem.less(result.nfev - raw.nfev), task.pick(rows)
        if rest.apart:
            rest, directions = rest.along(directions)
        span = span_of(rest.x, directions, limits)
        new = settle(rest, directions, task.order, span, raw, side=side)
        mine = open_[rows] & (raw.status != DOMAIN)
        open_[rows] &= ~mine
        if new is raw:
            continue
        # neither a kink nor another slope: nobody knows what bends
        lost = _bent(rest.f0, new, closely=True) & (new.value == raw.value) & np.isfinite(new.error)
        status = np.where(lost, UNRESOLVED, new.status).astype(np.uint8)
        new = new._replace(error=np.where(lost, math.inf, new.error), status=status)
        lines = one_sided(new._replace(nfev=new.nfev - raw.nfev), side, asked)
        looked = window._replace(lines=window.lines._replace(calm=new.calm))
        result = _alone(task, fill(result, rows, lines, mine & _changed(new, raw)), looked)
    return result


def _met(problem: Problem, result: Derivatives, windows: list[Window]) -> Mask:
    """Tell the outputs with a bar as good as asked for, which is none of a kink."""
    good = np.asarray(result.error <= problem.rtol * np.abs(result.value))
    for rows, _, _, _, lines, _ in windows:
        f0 = np.broadcast_to(problem.f0, good.shape)[rows]
        good[rows] &= ~_bent(f0, lines, closely=False)
    return good


def _bent(f0: Floats, lines: Derivatives, *, closely: bool) -> Mask:
    """Tell the outputs that bend at x itself, as far as a ladder says, down to the tiny step."""
    found = np.zeros(lines.value.shape, np.bool_)
    own = np.atleast_2d(f0)
    runner(found.size)(bent)(own, lines.calm, lines.samples, lines.state, closely, found)
    return found


def _changed(new: Derivatives, old: Derivatives) -> Mask:
    """Tell the outputs of which a closer look said something else."""
    return np.asarray((new.error != old.error) | (new.status != old.status))


def _alone(task: Task, result: Derivatives, window: Window) -> Derivatives:
    """Follow outputs without those that have no derivative, whose steps were too small for them."""
    rows, side, asked, limits, lines, levels = window
    problem, status = task.problem, result.status[rows]
    torn = ((status == KINK) | (status == JUMP)) & ~lines.calm[:, None]
    # what had no noise on the ladder got it from farther points, or by a dispute
    spoilt = torn.any(axis=1)[:, None] & (status == NOISE_LIMITED) & (lines.status == status)
    if not spoilt.any() or result.nfev >= problem.budget:
        return result
    some, directions = np.flatnonzero(spoilt.any(axis=1)), task.pick(rows)
    if problem.apart:
        problem, directions = problem.along(directions)
    smooth = np.where(torn if problem.apart else torn.any(axis=0), math.nan, problem.f0)
    rest = problem._replace(f0=smooth).less(result.nfev)
    again = climb(rest, directions.pick(some), limits.pick(some), levels)
    again, spoilt, rows = one_sided(again, side, asked), spoilt[some], rows[some]
    return fill(result, rows, again, spoilt & (again.error < result.error[rows]))


def _averaged(task: Task, result: Derivatives, wanted: Mask) -> Derivatives:
    """Average samples of outputs that differ between calls."""
    if task.order > FITTED:
        result.status[wanted], result.error[wanted] = UNRESOLVED, math.inf
        return result
    rest, room = task.problem.less(result.nfev), _open_room(task)
    with np.errstate(all="ignore"):  # values outside the domain are nan here
        averages = fit(rest, task.directions, task.order, wanted=wanted, room=room)
    return fill(result, np.arange(len(wanted)), averages, wanted)
