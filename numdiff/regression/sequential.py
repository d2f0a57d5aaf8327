"""Samples of a noisy function in batches, each where it tells most, until they tell enough.

After each batch the posterior of every output foretells what the next one would leave of its
deviation in some windows, and the gain of all outputs that are still open decides. All directions
advance together.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from numdiff.drivers.derivatives import Derivatives, Problem, blank
from numdiff.estimate import Status
from numdiff.regression.design import Design, Taken, places
from numdiff.regression.posterior import Noise, Posterior, forecast, posterior

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

__all__ = ["Task", "run"]


WINDOWS = np.array([0.25, 0.5, 1.0, 2.0])  # next to the last one: longer leaps lose the thread
KEEP = 2.0 * (1.0 + 1e-9)  # samples so many windows away do not count any more
MOST, MOST_ASKED = 2, 2000  # times the usual number of evaluations, and evaluations for `rtol`
MANY = 4  # times the evaluations for an output that all outputs together may take
LEAST = 24  # evaluations before a bar is believed to be below `rtol`
SETTLED = math.log(1.28)  # a batch that narrows the bar by less is not worth it
LOST = 1.0  # what an output without an answer gains from a smaller window
PATIENCE = 4  # batches without a value after which f is not defined there
MORE = 2  # samples beyond the leading powers, without which nothing can be told
REFUSED = 1e-3  # how often an F test of the residuals refuses a good fit
RETREATS = 4  # how often the samples that count may be halved at a time where nothing fits
ROUNDING = 0.3 * 2.0**-52
CLEARLY = 50.0  # noise of so many roundings limits the digits
LEVEL, LEVEL_STOCHASTIC = 0.98, 0.95  # how often a bar holds
TOLD = 6  # columns of a verdict before those of the gain
BLOCK = 2**13  # posteriors at a time: some 100 MB


class Task(NamedTuple):
    """What is to be found along D directions with one design."""

    problem: Problem
    design: Design
    start: Floats  # (D,), first windows
    far: Floats  # (D,), largest windows
    reach: Floats  # (D,), |x| / |d|
    deviation: Floats  # (D, m), of the noise of f as far as it is known
    freedom: Floats  # (D, m), degrees of freedom it counts for, 0 where it is not known
    wanted: Bools  # (D, m), outputs that need an answer
    stochastic: bool
    usual: int  # evaluations along a direction, with samples of two values or less
    quiet: Status  # of outputs without noise
    noisy: Status  # of the others

    @property
    def enough(self) -> int:
        """How many evaluations a direction usually takes."""
        return self.usual * max(2, self.design.cost) // 2

    @property
    def most(self) -> int:
        """How many evaluations an output may take."""
        return MOST_ASKED if self.problem.rtol > 0.0 else MOST * self.enough

    @property
    def limit(self) -> int:
        """How many evaluations a direction may take, if its outputs have use for others each."""
        return MOST_ASKED if self.problem.rtol > 0.0 else MANY * self.most

    @property
    def smallest(self) -> int:
        """How many evaluations a batch of a direction takes at least."""
        return self.design.cost * len(self.design.nodes)


class _Field(NamedTuple):
    """The samples so far along the L directions that are live."""

    rows: Ints  # (L,)
    t: Floats  # (L, N)
    y: Floats  # (L, N, m)
    window: Floats  # (L,), of the next batch
    own: Floats  # (L, m), windows that the outputs would like to have next
    largest: Floats  # (L, m), value of f
    keep: Floats  # (L, m), how far away samples count
    ceiling: Floats  # (L, m), larger windows have failed
    open: Bools  # (L, m)
    served: Ints  # (L, m), evaluations in windows that an output has use for

    def part(self, chosen: Ints) -> _Field:
        """Return the field of some of the directions."""
        return _Field(
            self.rows[chosen],
            self.t[chosen],
            self.y[chosen],
            self.window[chosen],
            self.own[chosen],
            self.largest[chosen],
            self.keep[chosen],
            self.ceiling[chosen],
            self.open[chosen],
            self.served[chosen],
        )


class _Verdict(NamedTuple):
    """What the samples say, each array (L, m)."""

    value: Floats  # nan where there are too few
    error: Floats
    noise: Floats  # standard deviation of a sample
    plausible: Floats  # how often a good fit has such residuals
    furthest: Floats  # distance of a sample that counts
    nearest: Floats
    gain: Floats  # (L, m, C), logarithm of how much narrower a batch in a window makes the bar

    @property
    def sure(self) -> Bools:
        """Where a polynomial fits."""
        return self.plausible >= REFUSED


def run(task: Task) -> Derivatives:
    """Take samples along the directions of a task until they tell enough."""
    field, found = _begin(task), _nothing(task)
    batch, spent, repeats = 0, 0, 1
    while field.rows.size:
        nodes = places(task.design, batch, repeats)
        cost = task.design.cost * len(nodes)
        if found.nfev + cost * field.rows.size > task.problem.budget:
            _cut_short(found, task, field, spent)
            break
        taken = task.design.take(task.problem, field.rows, nodes, field.window)
        batch, spent = batch + 1, spent + cost
        found = found._replace(nfev=found.nfev + taken.nfev, trouble=found.trouble or taken.trouble)
        field = _added(field, nodes, taken)
        if task.problem.rtol > 0.0 and spent >= task.enough:  # half as many again
            repeats = max(1, min(spent // 2, task.limit - spent) // task.smallest)
        nodes = places(task.design, batch, repeats)
        field, verdict = _fitted(task, field, nodes)
        _record(found, task, field, verdict)
        field, gain = _hoping(task, field, verdict)
        closed = _closed(task, field, verdict, gain, batch, spent)
        field = _advanced(field, gain, closed, task.design.cost * len(nodes))
    return found


def _begin(task: Task) -> _Field:
    """Make the field of all directions, with f(x) if that is a sample."""
    shape, centre, f0 = task.wanted.shape, task.design.centre, task.problem.f0
    known = 0 if centre is None or f0 is None else 1
    y = np.zeros((shape[0], known, shape[1]))
    if centre is not None and f0 is not None:
        y[:, 0] = centre * f0
    endless = np.full(shape, np.inf)
    t, rows = np.zeros((shape[0], known)), np.arange(shape[0])
    start = np.minimum(task.start, task.far)
    served = np.full(shape, task.smallest)
    own = np.tile(start[:, None], (1, shape[1]))
    zero = np.zeros(shape)
    field = _Field(rows, t, y, start, own, zero, endless, endless, task.wanted, served)
    return field.part(np.flatnonzero(task.wanted.any(axis=1)))


def _nothing(task: Task) -> Derivatives:
    lines = blank(task.problem, len(task.start))
    return lines._replace(step=lines.step.copy(), noise=lines.noise.copy())


def _cut_short(found: Derivatives, task: Task, field: _Field, spent: int) -> None:
    """Say of outputs that are still open that the budget ended first."""
    if task.problem.rtol > 0.0 or spent < task.enough:
        status = found.status[field.rows]
        known = (status != Status.UNRESOLVED) & field.open
        found.status[field.rows] = np.where(known, Status.BUDGET, status)


def _added(field: _Field, nodes: Floats, taken: Taken) -> _Field:
    """Add a batch; windows in which f was not defined everywhere have failed."""
    t = nodes * field.window[:, None]
    y = np.moveaxis(taken.values, 0, 1)
    failed = ~np.isfinite(y).all(axis=1)
    limit = np.where(failed, 0.5 * field.window[:, None], np.inf)
    return field._replace(
        t=np.concatenate([field.t, t], axis=1),
        y=np.concatenate([field.y, y], axis=1),
        largest=np.maximum(field.largest, taken.largest),
        ceiling=np.minimum(field.ceiling, limit),
    )


def _fitted(task: Task, field: _Field, nodes: Floats) -> tuple[_Field, _Verdict]:
    """Judge the samples; where no polynomial fits them, those further away do not count."""
    verdict = _judge(task, field, nodes)
    for _ in range(RETREATS):
        wrong = np.isfinite(verdict.value) & ~verdict.sure
        if not wrong.any():
            break
        half = 0.5 * verdict.furthest
        field = field._replace(
            ceiling=np.where(wrong, half, field.ceiling),
            keep=np.where(wrong, half, field.keep),
            own=np.where(wrong, 0.5 * half, field.own),
        )
        verdict = _judge(task, field, nodes)
    return field, verdict


def _choice(task: Task, field: _Field) -> Floats:
    """Return the windows among which each output chooses, (L, m, C)."""
    return np.minimum(WINDOWS * field.own[..., None], task.far[field.rows, None, None])


def _judge(task: Task, field: _Field, nodes: Floats) -> _Verdict:
    """Say what the samples tell."""
    choice = _choice(task, field)
    counted = np.isfinite(field.y) & (field.t[..., None] <= field.keep[:, None])
    told = np.full((*field.open.shape, TOLD + choice.shape[2]), np.nan)
    for rows, columns in _groups(counted, field.own, task.design.basis.known + MORE):
        t = np.where(counted[rows, :, columns[0]], field.t[rows], np.nan)
        y = field.y[rows][..., columns]
        noise = _noise(task, field, rows, columns, np.nanmax(t, axis=1))
        with np.errstate(all="ignore"):  # distances that coincide make a posterior without end
            found = posterior(task.design.basis, t, y, noise)
            windows = choice[rows, columns[0]]
            further = windows[..., None] * nodes
            after = forecast(task.design.basis, found, t, further, KEEP * windows)
        told[np.ix_(rows, columns)] = _told(task, found, noise, after, t)
    value, error, deviation, plausible, furthest, nearest = np.moveaxis(told[..., :TOLD], -1, 0)
    return _Verdict(value, error, deviation, plausible, furthest, nearest, told[..., TOLD:])


def _groups(counted: Bools, own: Floats, fewest: int) -> Iterator[tuple[Ints, Ints]]:
    """Find directions and outputs that share their posterior and their choice of windows."""
    shared = (counted == counted[..., :1]).all(axis=(1, 2)) & (own == own[:, :1]).all(axis=1)
    enough = counted.sum(axis=1) >= fewest
    outputs = np.arange(counted.shape[2])
    yield from _blocks(np.flatnonzero(shared & enough[:, 0]), outputs)
    for row in np.flatnonzero(~shared):
        marks = np.concatenate([counted[row], own[row : row + 1]])
        kinds = np.unique(marks, axis=1, return_inverse=True)[1].ravel()
        for kind in np.unique(kinds[enough[row]]):
            yield from _blocks(np.array([row]), outputs[kinds == kind])


def _blocks(rows: Ints, columns: Ints) -> Iterator[tuple[Ints, Ints]]:
    """Cut a group into parts that fit into memory."""
    many = max(1, BLOCK // len(columns))
    for first in range(0, len(rows), many):
        for start in range(0, len(columns), BLOCK):
            yield rows[first : first + many], columns[start : start + BLOCK]


def _noise(task: Task, field: _Field, rows: Ints, columns: Ints, width: Floats) -> Noise:
    """Return what is known of the noise of samples."""
    part, scale = np.ix_(rows, columns), task.design.scale
    every = np.ix_(field.rows[rows], columns)
    y = np.where(np.isfinite(field.y), field.y, 0.0)[rows][..., columns]
    # x + t is rounded, which moves a sample by so much
    shift = np.abs(y).max(axis=1) * (task.reach[field.rows[rows]] / width)[:, None]
    rounding = ROUNDING * (field.largest[part] * scale + shift)
    deviation = np.maximum(scale * task.deviation[every], rounding)
    return Noise(deviation, task.freedom[every], rounding)


def _told(task: Task, found: Posterior, noise: Noise, after: Floats, t: Floats) -> Floats:
    """Return the columns of a verdict."""
    from scipy.special import fdtrc, stdtrit  # noqa: PLC0415 - SciPy is imported when needed

    level = LEVEL_STOCHASTIC if task.stochastic else LEVEL
    error = stdtrit(found.freedom, 0.5 + 0.5 * level) * found.deviation
    known = noise.freedom > 0.0
    excess = np.maximum(found.freedom - noise.freedom, 1.0)
    refused = fdtrc(excess, np.where(known, noise.freedom, 1.0), found.misfit)
    plausible = np.where(known, refused, 1.0)
    plausible[~np.isfinite(found.deviation)] = np.nan
    furthest = np.broadcast_to(found.width[:, None], error.shape)
    away = np.where(t > 0.0, t, np.inf).min(axis=1)
    nearest = np.broadcast_to(away[:, None], error.shape)
    columns = (found.value, error, found.noise, plausible, furthest, nearest)
    gain = np.log(found.deviation[:, None] / after)
    return np.concatenate([np.stack(columns, axis=-1), np.moveaxis(gain, 1, 2)], axis=-1)


def _record(found: Derivatives, task: Task, field: _Field, verdict: _Verdict) -> None:
    """Write down what is known now of the directions that are live."""
    rows, factor, sure = field.rows, task.design.factor, verdict.sure
    noise = verdict.noise / task.design.scale
    quiet = noise <= CLEARLY * ROUNDING * field.largest
    usual = np.where(quiet, int(task.quiet), int(task.noisy))
    seen = _seen(field)
    unsure = np.where(seen, Status.UNRESOLVED, Status.DOMAIN)
    found.value[rows] = factor * verdict.value
    found.error[rows] = np.where(sure, abs(factor) * verdict.error, np.inf)
    found.status[rows] = np.where(sure, usual, unsure).astype(np.uint8)
    found.step[rows] = np.where(np.isfinite(verdict.nearest), verdict.nearest, 0.0)
    found.noise[rows] = np.where(np.isfinite(noise), noise, 0.0)


def _seen(field: _Field) -> Bools:
    """Say which outputs were defined anywhere beside x."""
    return np.asarray((np.isfinite(field.y) & (field.t[..., None] > 0.0)).any(axis=1))


def _hoping(task: Task, field: _Field, verdict: _Verdict) -> tuple[_Field, Floats]:
    """Choose the window that each output would like to have next; return its gain as well."""
    choice, ceiling = _choice(task, field), field.ceiling[..., None]
    # an output without an answer wants half of what has failed, or whatever is smaller
    smaller = np.where(choice <= 0.5 * ceiling, LOST, 0.0)
    smaller[..., 0] = LOST
    gain = np.where(verdict.sure[..., None], verdict.gain, smaller)
    gain[..., 1:][choice[..., 1:] > ceiling] = -np.inf
    best = np.argmax(gain, axis=2)[..., None]
    own = np.take_along_axis(choice, best, axis=2)[..., 0]
    field = field._replace(own=own, keep=np.minimum(KEEP * own, field.ceiling))
    return field, np.take_along_axis(gain, best, axis=2)[..., 0]


def _closed(
    task: Task, field: _Field, verdict: _Verdict, gain: Floats, batch: int, spent: int
) -> Bools:
    """Say which outputs need no more samples."""
    hopeless = ~_seen(field) & (batch >= PATIENCE)
    if task.problem.rtol > 0.0:
        wide = verdict.error > task.problem.rtol * np.abs(verdict.value)
        done = ~wide & (spent >= LEAST)
    else:
        done = (gain < SETTLED) & (spent >= task.enough)
    full = (field.served >= task.most) | (spent + task.smallest > task.limit)
    return np.asarray(hopeless | (verdict.sure & done) | full)


def _advanced(field: _Field, gain: Floats, closed: Bools, cost: int) -> _Field:
    """Choose the window of each direction: the one in which its outputs hope to gain most."""
    still = field.open & ~closed
    hope, window = np.where(still, gain, 0.0), field.own[:, 0].copy()
    for row in np.flatnonzero((field.own != field.own[:, :1]).any(axis=1)):
        windows, which = np.unique(field.own[row], return_inverse=True)
        window[row] = windows[np.argmax(np.bincount(which, weights=hope[row]))]
    near = (window[:, None] <= KEEP * field.own) & (field.own <= KEEP * window[:, None])
    field = field._replace(window=window, open=still, served=field.served + cost * near)
    return field.part(np.flatnonzero(still.any(axis=1)))
