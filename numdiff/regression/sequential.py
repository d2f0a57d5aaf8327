"""Samples of a noisy function in batches, each where it tells most, until they tell enough.

After each batch the posterior of every output foretells what the next one would leave of its
deviation in some windows, and the gain of all outputs that are still open decides. All directions
advance together.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from numdiff.arrays import Floats, Ints, Mask
from numdiff.constants import BUDGET, DOMAIN, OK, ONE_SIDED, ROUNDING, STOCHASTIC, UNRESOLVED
from numdiff.drivers.derivatives import Derivatives, blank
from numdiff.regression.design import Batch, Design, places
from numdiff.regression.goal import Goal
from numdiff.regression.posterior import Noise, Posterior, forecast, posterior

LEAPS = np.array([0.25, 0.5, 1.0, 2.0])  # to the next window: longer ones lose the thread
KEEP = 2.0 * (1.0 + 1e-9)  # samples so many windows away do not count any more
USUAL = 48  # evaluations along a row: four batches of six pairs, so that windows can still move
MOST_OF_USUAL, MOST_ASKED = 2, 2000  # evaluations for an output: times the usual, and for `rtol`
MANY = 4  # times the evaluations for an output that all outputs together may take
BELIEVED = 24  # evaluations before a bar is believed to be below `rtol`
WORTHWHILE = math.log(1.28)  # a batch that narrows the bar by less is not worth it
HOPE = 1.0  # what an output without an answer gains from a smaller window
PATIENCE = 4  # batches without a value after which f is not defined there
RESIDUALS = 2  # samples beyond the leading powers, without which nothing can be told
IMPLAUSIBLE = 1e-3  # how often an F test of the residuals refuses a good fit
RETREATS = 4  # how often the samples that count may be halved at a time where nothing fits
DIGITS = 50.0  # noise of so many roundings limits the digits
COVER = 0.95  # how often a bar holds
BLOCK = 2**13  # posteriors at a time: some 100 MB


class _Task(NamedTuple):
    """A goal, and the design for it."""

    goal: Goal
    design: Design
    enough: int  # evaluations for a row, usually


class _Samples(NamedTuple):
    """The samples so far along the L rows that are live, and where outputs would like more."""

    rows: Ints  # (L,)
    t: Floats  # (L, N)
    y: Floats  # (L, N, m)
    window: Floats  # (L,), of the next batch
    own: Floats  # (L, m), windows that the outputs would like to have next
    largest: Floats  # (L, m), value of f
    keep: Floats  # (L, m), how far away samples count
    ceiling: Floats  # (L, m), larger windows have failed
    open: Mask  # (L, m)
    served: Ints  # (L, m), evaluations in windows that an output has use for

    @property
    def domain(self) -> Mask:
        """Which outputs were defined anywhere beside x."""
        return np.asarray((np.isfinite(self.y) & (self.t[..., None] > 0.0)).any(axis=1))

    def part(self, chosen: Ints) -> _Samples:
        """Return the samples along some of the rows."""
        return _Samples._make(column[chosen] for column in self)


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
    def sure(self) -> Mask:
        """Where a polynomial fits."""
        return self.plausible >= IMPLAUSIBLE


def run(goal: Goal, design: Design) -> Derivatives:
    """Take samples along rows until they tell enough."""
    # evaluations: for a row, usually, and for a batch of it; then for an output, and for a row
    # whose outputs have use for others each
    enough, smallest = USUAL * max(2, design.cost) // 2, design.cost * len(design.nodes)
    most, limit = MOST_OF_USUAL * enough, MANY * MOST_OF_USUAL * enough
    if goal.problem.rtol > 0.0:
        most = limit = MOST_ASKED
    task, lines = _Task(goal, design, enough), blank(goal.problem, len(goal.wanted))
    lines = lines._replace(step=lines.step.copy(), noise=lines.noise.copy())
    samples, nodes, number, spent = _begin(task, smallest), places(design, 0, 1), 0, 0
    while samples.rows.size:
        cost, repeats = design.cost * len(nodes), 1
        if lines.nfev + cost * samples.rows.size > goal.problem.budget:
            _cut_short(task, samples, spent, lines)
            break
        batch = design.ask(goal.problem, samples.rows, nodes, samples.window)
        lines = lines._replace(nfev=lines.nfev + batch.nfev, trouble=lines.trouble or batch.trouble)
        number, spent = number + 1, spent + cost
        if goal.problem.rtol > 0.0 and spent >= enough:  # half as many again
            repeats = max(1, min(spent // 2, limit - spent) // smallest)
        samples, nodes = _add(samples, nodes, batch), places(design, number, repeats)
        samples, verdict = _judge(task, samples, nodes)
        _write(task, samples, verdict, lines)
        samples, gain = _wish(task, samples, verdict)
        done = _done(task, verdict, gain, spent) | (~samples.domain & (number >= PATIENCE))
        full = (samples.served >= most) | (spent + smallest > limit)
        samples = _advance(samples, gain, done | full, design.cost * len(nodes))
    return lines


def _begin(task: _Task, smallest: int) -> _Samples:
    """Return the only sample that is there: f(x), if that is one."""
    goal, shape, centre = task.goal, task.goal.wanted.shape, task.design.centre
    y = np.empty((shape[0], 0, shape[1]))
    if centre is not None:
        y = np.tile(centre * goal.f0, (shape[0], 1, 1))
    window = np.minimum(goal.windows.first, goal.windows.room.on(task.design.side))
    nothing, endless = np.zeros(shape), np.full(shape, np.inf)
    samples = _Samples(
        rows=np.arange(shape[0]), t=np.zeros(y.shape[:2]), y=y, window=window,
        own=np.tile(window[:, None], (1, shape[1])), largest=nothing, keep=endless,
        ceiling=endless, open=goal.wanted, served=np.full(shape, smallest),
    )  # fmt: skip
    return samples.part(np.flatnonzero(goal.wanted.any(axis=1)))


def _cut_short(task: _Task, samples: _Samples, spent: int, lines: Derivatives) -> None:
    """Write to the lines of outputs that are still open that the budget ended first."""
    if task.goal.problem.rtol > 0.0 or spent < task.enough:
        status = lines.status[samples.rows]
        answered = (status != UNRESOLVED) & samples.open
        lines.status[samples.rows] = np.where(answered, BUDGET, status)


def _add(samples: _Samples, nodes: Floats, batch: Batch) -> _Samples:
    """Add a batch; windows in which f was not defined everywhere have failed."""
    t, y = nodes * samples.window[:, None], np.moveaxis(batch.values, 0, 1)
    failed = ~np.isfinite(y).all(axis=1)
    limit = np.where(failed, 0.5 * samples.window[:, None], np.inf)
    return samples._replace(
        t=np.concatenate([samples.t, t], axis=1),
        y=np.concatenate([samples.y, y], axis=1),
        largest=np.maximum(samples.largest, batch.largest),
        ceiling=np.minimum(samples.ceiling, limit),
    )


def _judge(task: _Task, samples: _Samples, nodes: Floats) -> tuple[_Samples, _Verdict]:
    """Say what the samples tell; where no polynomial fits, those further away do not count."""
    verdict = _fit(task, samples, nodes)
    for _ in range(RETREATS):
        wrong = np.isfinite(verdict.value) & ~verdict.sure
        if not wrong.any():
            break
        half = 0.5 * verdict.furthest
        samples = samples._replace(
            ceiling=np.where(wrong, half, samples.ceiling),
            keep=np.where(wrong, half, samples.keep),
            own=np.where(wrong, 0.5 * half, samples.own),
        )
        verdict = _fit(task, samples, nodes)
    return samples, verdict


def _choices(task: _Task, samples: _Samples) -> Floats:
    """Return the windows among which each output chooses, (L, m, C)."""
    far = task.goal.windows.room.on(task.design.side)
    return np.minimum(LEAPS * samples.own[..., None], far[samples.rows, None, None])


def _fit(task: _Task, samples: _Samples, nodes: Floats) -> _Verdict:
    """Fit a polynomial to the samples of each output that count."""
    choices, basis, shape = _choices(task, samples), task.design.basis, samples.open.shape
    counted = np.isfinite(samples.y) & (samples.t[..., None] <= samples.keep[:, None])
    verdict = _Verdict(*(np.full(size, np.nan) for size in [shape] * 6 + [choices.shape]))
    for rows, outputs in _groups(counted, samples.own, basis.leading + RESIDUALS):
        t = np.where(counted[rows, :, outputs[0]], samples.t[rows], np.nan)
        noise = _noise(task, samples, rows, outputs, np.nanmax(t, axis=1))
        with np.errstate(all="ignore"):  # distances that coincide make a posterior without end
            now = posterior(basis, t, samples.y[rows][..., outputs], noise)
            windows = choices[rows, outputs[0]]
            after = forecast(basis, now, t, windows[..., None] * nodes, KEEP * windows)
        entries = _entries(now, noise, after, t)
        for column, part in zip(verdict, entries, strict=True):
            column[np.ix_(rows, outputs)] = part
    return verdict


def _groups(counted: Mask, own: Floats, fewest: int) -> Iterator[tuple[Ints, Ints]]:
    """Find rows and outputs that share their posterior and their choice of windows."""
    shared = (counted == counted[..., :1]).all(axis=(1, 2)) & (own == own[:, :1]).all(axis=1)
    enough = counted.sum(axis=1) >= fewest
    outputs = np.arange(counted.shape[2])
    yield from _blocks(np.flatnonzero(shared & enough[:, 0]), outputs)
    for row in np.flatnonzero(~shared):
        marks = np.concatenate([counted[row], own[row : row + 1]])
        kinds = np.unique(marks, axis=1, return_inverse=True)[1].ravel()
        for kind in np.unique(kinds[enough[row]]):
            yield from _blocks(np.array([row]), outputs[kinds == kind])


def _blocks(rows: Ints, outputs: Ints) -> Iterator[tuple[Ints, Ints]]:
    """Cut a group into parts that fit into memory."""
    many = max(1, BLOCK // len(outputs))
    for first in range(0, len(rows), many):
        for start in range(0, len(outputs), BLOCK):
            yield rows[first : first + many], outputs[start : start + BLOCK]


def _noise(task: _Task, samples: _Samples, rows: Ints, outputs: Ints, width: Floats) -> Noise:
    """Return what is known of the noise of samples."""
    scale, goal = task.design.scale, task.goal
    y = np.where(np.isfinite(samples.y), samples.y, 0.0)[rows][..., outputs]
    # x + t is rounded, which moves a sample by so much
    reach = goal.windows.reach[samples.rows[rows]]
    shift = np.abs(y).max(axis=1) * (reach / width)[:, None]
    rounding = ROUNDING * (samples.largest[np.ix_(rows, outputs)] * scale + shift)
    deviation = np.maximum(scale * goal.deviation[outputs], rounding)
    return Noise(deviation, goal.freedom[outputs], rounding)


def _entries(now: Posterior, noise: Noise, after: Floats, t: Floats) -> tuple[Floats, ...]:
    """Return the entries of a verdict."""
    from scipy.special import fdtrc, stdtrit  # noqa: PLC0415 - SciPy is imported when needed

    error = stdtrit(now.freedom, 0.5 + 0.5 * COVER) * now.deviation
    measured = noise.freedom > 0.0
    excess = np.maximum(now.freedom - noise.freedom, 1.0)
    refused = fdtrc(excess, np.where(measured, noise.freedom, 1.0), now.misfit)
    plausible = np.where(measured, refused, 1.0)
    plausible[~np.isfinite(now.deviation)] = np.nan
    nearest = np.where(t > 0.0, t, np.inf).min(axis=1)[:, None]
    gain = np.moveaxis(np.log(now.deviation[:, None] / after), 1, 2)
    return now.value, error, now.noise, plausible, now.width[:, None], nearest, gain


def _write(task: _Task, samples: _Samples, verdict: _Verdict, lines: Derivatives) -> None:
    """Write what the samples say to the lines of the rows that are live."""
    rows, factor, sure = samples.rows, task.design.factor, verdict.sure
    noise = verdict.noise / task.design.scale
    quiet = ONE_SIDED if task.design.side else OK
    usual = np.where(noise <= DIGITS * ROUNDING * samples.largest, quiet, STOCHASTIC)
    unsure = np.where(samples.domain, UNRESOLVED, DOMAIN)
    lines.value[rows] = factor * verdict.value
    lines.error[rows] = np.where(sure, abs(factor) * verdict.error, np.inf)
    lines.status[rows] = np.where(sure, usual, unsure).astype(np.uint8)
    lines.step[rows] = np.where(np.isfinite(verdict.nearest), verdict.nearest, 0.0)
    lines.noise[rows] = np.where(np.isfinite(noise), noise, 0.0)


def _wish(task: _Task, samples: _Samples, verdict: _Verdict) -> tuple[_Samples, Floats]:
    """Choose the window that each output would like to have next; return its gain as well."""
    choices, ceiling = _choices(task, samples), samples.ceiling[..., None]
    # an output without an answer wants half of what has failed, or whatever is smaller
    smaller = np.where(choices <= 0.5 * ceiling, HOPE, 0.0)
    smaller[..., 0] = HOPE
    gain = np.where(verdict.sure[..., None], verdict.gain, smaller)
    gain[..., 1:][choices[..., 1:] > ceiling] = -np.inf
    best = np.argmax(gain, axis=2)[..., None]
    own = np.take_along_axis(choices, best, axis=2)[..., 0]
    samples = samples._replace(own=own, keep=np.minimum(KEEP * own, samples.ceiling))
    return samples, np.take_along_axis(gain, best, axis=2)[..., 0]


def _done(task: _Task, verdict: _Verdict, gain: Floats, spent: int) -> Mask:
    """Say which outputs have a bar that is narrow enough, or that more samples hardly narrow."""
    rtol = task.goal.problem.rtol
    if rtol > 0.0:
        narrow = ~(verdict.error > rtol * np.abs(verdict.value))
        return verdict.sure & narrow & (spent >= BELIEVED)
    return verdict.sure & (gain < WORTHWHILE) & (spent >= task.enough)


def _advance(samples: _Samples, gain: Floats, closed: Mask, cost: int) -> _Samples:
    """Choose the window of each row: the one in which its open outputs hope to gain most."""
    still = samples.open & ~closed
    hope, window = np.where(still, gain, 0.0), samples.own[:, 0].copy()
    for row in np.flatnonzero((samples.own != samples.own[:, :1]).any(axis=1)):
        windows, which = np.unique(samples.own[row], return_inverse=True)
        window[row] = windows[np.argmax(np.bincount(which, weights=hope[row]))]
    near = (window[:, None] <= KEEP * samples.own) & (samples.own <= KEEP * window[:, None])
    samples = samples._replace(window=window, open=still, served=samples.served + cost * near)
    return samples.part(np.flatnonzero(still.any(axis=1)))
