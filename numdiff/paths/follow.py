"""Derivatives by every entry at one more point: a pair for each, and more where f has changed."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from numdiff.arrays import Floats, Ints
from numdiff.constants import NOISE_LIMITED, OK, ONE_SIDED, STOCHASTIC
from numdiff.drivers.derivatives import Derivatives, Problem, blank, fill
from numdiff.engine.by_ladder import by_ladder
from numdiff.evaluation.call import evaluate
from numdiff.geometry.directions import axes
from numdiff.options import Options
from numdiff.paths.memory import (
    BEND,
    DRIFT,
    HIDDEN,
    PART,
    SECOND,
    SEEN,
    SIGMAS,
    STALE,
    STEP,
    THIRD,
    WIDTH,
    Memory,
    Pairs,
    answers,
    bend_of,
    differences,
    disagree,
    ends,
    first_seen,
    is_hushed,
    is_rounding,
    learnt,
    noise_at,
    noise_scale,
    noise_seen,
    retuned,
    second_of,
    size_of_noise,
    tuned,
    unexplained,
)

EVERY, PARTS = 4, 2  # so often, in calls, one in so many entries gets a second pair in any case
WIDER = 4.0  # the second pair is so many times wider
TRIES = 6  # of a width at which f shows its third derivative
SHARE = 80  # every so many entries that were asked all are checked together
VAGUE = 0.01  # of a derivative: a bar that is wider, but for noise, hides what f does close to x
NOISY = 64.0  # standard deviations of the noise of f over the step that such a bar may have
SHORT = 0.25  # of the steps, that check: mixed third derivatives are no concern of it


GOLDEN = (5.0**0.5 - 1.0) / 2.0


class Round(NamedTuple):
    """What is being found out about some entries."""

    problem: Problem
    options: Options
    rows: Ints  # the numbers of the entries
    x: Floats  # their values
    noise: Floats
    nfev: int = 0
    trouble: Exception | None = None


def follow(problem: Problem, memory: Memory, options: Options) -> tuple[Derivatives, Memory]:
    """Differentiate by every entry of x that may move, f(x) being known.

    Parameters
    ----------
    problem : Problem
        f at x, with f(x).
    memory : Memory
        Of all entries.
    options : Options
        Of the operators.

    Returns
    -------
    tuple
        The derivatives, (n, m), and what is known now. Entries that bounds hold fixed are nan.
    """
    with np.errstate(all="ignore"):  # values outside the domain are nan here
        return _follow(problem, memory, options)


def _follow(problem: Problem, memory: Memory, options: Options) -> tuple[Derivatives, Memory]:
    n = problem.x.size
    if memory.whole:
        found, memory, lost = _by_pairs(problem, memory, options, np.arange(n))
    else:
        known = memory.known()
        rows = np.flatnonzero(known)
        found, lost = blank(problem, n), np.flatnonzero(~known)
        if rows.size:
            some, learned, bad = _by_pairs(problem, memory.pick(rows), options, rows)
            found = fill(found, rows, some)
            memory = memory.put(rows, learned)._replace(
                size=learned.size, falls=learned.falls, tuned=learned.tuned, heard=learned.heard
            )
            lost = np.concatenate([lost, rows[bad]])
    memory = memory._replace(calls=memory.calls + 1)
    if lost.size and options.box is not None:
        lost = lost[~options.box.fixed()[lost]]
    return _looked_at(problem, memory, options, found, lost) if lost.size else (found, memory)


def _by_pairs(
    problem: Problem, memory: Memory, options: Options, rows: Ints
) -> tuple[Derivatives, Memory, Ints]:
    """Take pairs along entries of which something is known; say which need a full look."""
    x = problem.x if len(rows) == problem.x.size else problem.x[rows]
    scale = noise_scale(memory, problem.f0, problem.noise)
    now = Round(problem, options, rows, x, noise_at(memory, problem.f0, scale))
    memory = retuned(memory, now.noise, scale)
    count, steps = len(x), memory.places[STEP]
    late, memory = _due(memory, x, scale)
    both = np.concatenate([np.arange(count), late])
    now, pairs, offsets = _ask(now, both, np.concatenate([steps, WIDER * steps[late]]))
    near, far = pairs.part(slice(count)), pairs.part(slice(count, None))
    seconds = second_of(memory, near)
    off = disagree(seconds, memory.shapes[SECOND], now.noise, near.product, 0.5)
    off |= unexplained(memory, x, near, seconds, now.noise)
    off[late] = False
    if np.count_nonzero(off):
        more = np.flatnonzero(off)
        now, extra, _ = _ask(now, more, WIDER * steps[more])
        late = np.concatenate([late, more])
        far = Pairs(*(np.concatenate(columns) for columns in zip(far, extra, strict=True)))
    if late.size:
        now, memory = _learn(now, memory, late, near.part(late), far)
    value, error = answers(memory, near, now.noise)
    memory = memory.answered(x, value)
    lost = np.empty(0, np.int64)
    if not (memory.whole and math.isfinite(np.add.reduce(error, None))):
        lost = np.flatnonzero(~(memory.known() & np.isfinite(error).all(1)))
    if not lost.size and memory.calls % max(1, SHARE // count) == 0:
        now, wrong = _contradicted(now, offsets[:, :count], value, error, memory.calls)
        lost = np.arange(count) if wrong else lost
    used = steps[:, None].repeat(value.shape[1], 1)
    found = Derivatives(
        value, error, memory.status, used, now.noise, now.nfev, problem.form, now.trouble
    )
    return found, memory, lost


def _due(memory: Memory, x: Floats, scale: Floats) -> tuple[Ints, Memory]:
    """Return the entries that get a second pair in any case: by turns, far away, or to listen."""
    count, hushed = len(x), is_hushed(memory, scale)
    turn, rest = divmod(memory.calls, EVERY)
    late = np.arange(turn % min(PARTS, count) if rest == 1 or hushed else count, count, PARTS)
    if hushed:
        memory = memory._replace(heard=scale)
    moved = np.abs(x - memory.places[SEEN]) > STALE * memory.places[WIDTH]
    if np.count_nonzero(moved):
        late = np.union1d(late, np.flatnonzero(moved))
    return late, memory


def _learn(now: Round, memory: Memory, late: Ints, near: Pairs, far: Pairs) -> tuple[Round, Memory]:
    """Take over what second pairs show, and of noise what is more than was expected."""
    part = learnt(memory.pick(late), now.x[late], near, far, now.noise[late])
    memory = memory.put(late, part)
    seen = noise_seen(part, near, far)
    if now.problem.noise is not None or not np.count_nonzero(seen > now.noise):
        return now, memory
    noise = np.maximum(now.noise, seen)
    return now._replace(noise=noise), _heard(memory, noise, now.problem.f0)


def _heard(memory: Memory, noise: Floats, f0: Floats) -> Memory:
    """Return the memory in which noise is what it is here; how it goes with abs(f) stays."""
    scale = noise_scale(memory, f0, None)
    return tuned(memory.with_noise(noise / scale), noise, scale)


def _ask(now: Round, which: Ints, h: Floats) -> tuple[Round, Pairs, Floats]:
    """Ask f at a pair for each of some entries, which may occur twice; return offsets as well."""
    problem, box = now.problem, now.options.box
    rows, x = now.rows[which], now.x[which]
    some = None if box is None else box._replace(lower=box.lower[rows], upper=box.upper[rows])
    places = ends(x, h, some)
    count, n = len(x), problem.x.size
    block = problem.x[None].repeat(2 * count, 0)
    where = np.arange(0, count * n, n) + rows
    block.reshape(2, -1)[:, where] = places
    told = evaluate(problem.call, block, problem.form)
    offsets = places - x
    pairs = differences(offsets, told.rows.reshape(2, count, -1), problem.f0)
    now = now._replace(nfev=now.nfev + told.nfev, trouble=now.trouble or told.trouble)
    return now, pairs, offsets


def _contradicted(
    now: Round, offsets: Floats, value: Floats, error: Floats, seed: int
) -> tuple[Round, bool]:
    """Say whether a difference along all entries that have room contradicts the slopes."""
    near, far = offsets * SHORT
    turns = (seed + 1) * GOLDEN * np.arange(1.0, len(far) + 1.0)  # Weyl's: as good as random
    moves = np.where(near * far < 0.0, np.where(turns % 1.0 < 0.5, -far, far), 0.0)
    block = np.stack([now.problem.x] * 2)
    block[0, now.rows] += moves
    block[1, now.rows] -= moves
    moved = (block[0] - block[1])[now.rows]
    told = evaluate(now.problem.call, block, now.problem.form)
    apart = np.abs(told.rows[0] - told.rows[1] - moved @ value)
    sizes = np.abs(moved)
    allowed = sizes @ error + now.options.rtol * (sizes @ np.abs(value))
    allowed += SIGMAS * 2.0**0.5 * now.noise.max(0)
    return now._replace(nfev=now.nfev + told.nfev), not (apart <= allowed).all()


def _looked_at(
    problem: Problem, memory: Memory, options: Options, found: Derivatives, rows: Ints
) -> tuple[Derivatives, Memory]:
    """Take full answers along some entries, and learn of them what the next point needs."""
    full = by_ladder(problem._replace(rtol=0.0), axes(problem.x.size).pick(rows), 1, options)
    trusted = ((full.status == OK) | (full.status == NOISE_LIMITED) | (full.status == STOCHASTIC)
               | (full.status == ONE_SIDED)).all(1)  # fmt: skip
    found = fill(found, rows, full, np.ones(full.value.shape, np.bool_))
    memory = memory.put(rows, Memory.empty(len(rows), full.value.shape[1]))
    which = np.flatnonzero(trusted)
    if not which.size:
        return found, memory
    slope, noise = full.value[which], full.noise[which]
    part, nfev = _first(problem, options, rows[which], slope, noise)
    part = part.answered(problem.x[rows[which]], slope)._replace(status=full.status[which])
    part.shapes[HIDDEN] = _hidden(full)[which]
    found = found._replace(nfev=found.nfev + nfev)
    now = noise_at(memory, problem.f0, noise_scale(memory, problem.f0, problem.noise))
    now[rows[which]] = noise
    size, falls = size_of_noise(noise, problem.f0), is_rounding(part.status, noise, problem.f0)
    if problem.noise is not None:
        now[:] = problem.noise
    elif np.count_nonzero(memory.known()):  # what others have shown still counts
        size, falls = memory.size, falls & memory.falls
    ones = np.ones(len(size))
    memory = memory.put(rows[which], part)._replace(size=size, falls=falls, heard=ones)
    if problem.noise is not None:
        return found, tuned(memory.with_noise(now), now, ones)
    return found, _heard(memory, now, problem.f0)


def _hidden(full: Derivatives) -> Floats:
    """Return bars that neither noise nor last digits account for: f hides something near x."""
    narrow = np.fmax(VAGUE * np.abs(full.value), NOISY * full.noise / full.step)
    return np.asarray(np.where(full.error > narrow, full.error, 0.0))


def _first(
    problem: Problem, options: Options, rows: Ints, slope: Floats, noise: Floats
) -> tuple[Memory, int]:
    """Learn the second and third derivatives along entries from slopes and one pair for each.

    It narrows until the third derivative is small against the slopes that it changes.
    """
    x = problem.x[rows]
    now = Round(problem, options, rows, x, noise)
    memory = Memory.empty(len(rows), slope.shape[1])
    places, shapes = memory.places, memory.shapes
    width = np.exp2(np.round(np.log2(np.maximum(np.abs(x), 1.0) / PART)))
    left = np.arange(len(rows))
    for _ in range(TRIES):
        now, pairs, _ = _ask(now, left, width[left])
        third, second, good = first_seen(slope[left], pairs, noise[left])
        done = left[good]
        reach = np.minimum(np.sqrt(np.abs(pairs.product[good, 0])), width[done])
        places[:3, done] = reach, width[done], x[done]
        shapes[THIRD, done], shapes[SECOND, done] = third[good], second[good]
        left = left[~good]
        width[left] /= 8.0
        if not left.size:
            break
    shapes[BEND] = bend_of(shapes[THIRD], shapes[DRIFT], shapes[SECOND], width)
    return memory, now.nfev
