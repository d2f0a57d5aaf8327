"""Derivatives by every entry at one more point: a pair for each, and more where f has changed."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from numdiff.arrays import Floats, Ints, Mask
from numdiff.constants import NOISE_LIMITED, OK, ONE_SIDED, STOCHASTIC
from numdiff.drivers.derivatives import Derivatives, Problem, blank, fill
from numdiff.engine.by_ladder import by_ladder
from numdiff.evaluation.call import Values, evaluate
from numdiff.geometry.directions import axes
from numdiff.options import Options
from numdiff.paths.memory import (
    SIGMAS,
    TURNS,
    WIDER,
    Memory,
    Pairs,
    answers,
    differences,
    disagree,
    first_seen,
    is_relative,
    learnt,
    noise_at,
    noise_seen,
    places,
    steps,
)

TRIES = 6  # of a width at which f shows its third derivative
SHARE = 20  # at most about one in so many evaluations goes to the check along all entries
SHORT = 0.25  # of the steps, that check: mixed third derivatives are no concern of it
PATCHY = 16.0  # widths that an entry moves before C is looked at again: half of x


class Round(NamedTuple):
    """What is being found out about some entries."""

    problem: Problem
    options: Options
    rows: Ints  # the numbers of the entries
    x: Floats  # their values
    noise: Floats


def follow(
    problem: Problem, memory: Memory, options: Options, signs: Floats
) -> tuple[Derivatives, Memory]:
    """Differentiate by every entry of x that may move, f(x) being known.

    Parameters
    ----------
    problem : Problem
        f at x, with f(x).
    memory : Memory
        Of all entries.
    options : Options
        Of the operators.
    signs : array (n,)
        1 or -1: the direction along which the answer is checked.

    Returns
    -------
    tuple
        The derivatives, (n, m), and what is known now. Entries that bounds hold fixed are nan.
    """
    known = np.isfinite(memory.reach)
    if not known.any() or not np.isfinite(problem.f0).all():
        found, doubtful = blank(problem, problem.x.size), np.ones_like(known)
    elif known.all():
        found, memory, doubtful = _by_pairs(problem, memory, options, signs)
    else:
        rows = np.flatnonzero(known)
        some, learned, bad = _by_pairs(problem, memory.pick(rows), options, signs, rows)
        found = fill(blank(problem, problem.x.size), rows, some)
        memory, doubtful = memory.put(rows, learned), ~known
        doubtful[rows] = bad
    memory = memory._replace(calls=memory.calls + 1)
    if not doubtful.any():
        return found, memory
    if options.box is not None:
        doubtful &= ~options.box.fixed()
    rows = np.flatnonzero(doubtful)
    return _looked_at(problem, memory, options, found, rows) if rows.size else (found, memory)


def _by_pairs(
    problem: Problem, memory: Memory, options: Options, signs: Floats, rows: Ints | None = None
) -> tuple[Derivatives, Memory, Mask]:
    """Take pairs along entries of which something is known; say which need a full look."""
    rows = np.arange(problem.x.size) if rows is None else rows
    x = problem.x[rows]
    now = Round(problem, options, rows, x, noise_at(memory, problem.f0))
    h = steps(memory, now.noise)
    again = (np.abs(x - memory.seen) > PATCHY * memory.width) | ((rows + memory.calls) % TURNS == 0)
    late = np.flatnonzero(again)
    count = len(x)
    both = np.concatenate([np.arange(count), late])
    pairs, nfev, trouble, offsets = _ask(now, both, np.concatenate([h, WIDER * h[late]]))
    near = Pairs(*(column[:count] for column in pairs))
    now = now._replace(noise=np.maximum(now.noise, near.rounding))
    curved = near.second - 2.0 * memory.third * near.total
    off = disagree(curved, memory.second, now.noise, near.product, 0.5) & ~again
    far = Pairs(*(column[count:] for column in pairs))
    if off.any():
        more = np.flatnonzero(off)
        extra, spent, _, _ = _ask(now, more, WIDER * h[more])
        late, nfev = np.concatenate([late, more]), nfev + spent
        far = Pairs(*(np.concatenate(columns) for columns in zip(far, extra, strict=True)))
    if late.size:
        close = Pairs(*(column[late] for column in near))
        part = learnt(memory.pick(late), x[late], close, far, now.noise[late])
        memory = memory.put(late, part)
        now, memory = _heard(now, memory, noise_seen(part, close, far))
    value, error = answers(memory, near, now.noise)
    doubtful = ~(np.isfinite(memory.reach) & np.isfinite(error).all(1))
    if memory.calls % max(1, SHARE // count) == 0 and not doubtful.any():
        wrong, spent = _contradicted(now, offsets[:, :count], value, error, signs[rows])
        doubtful, nfev = doubtful | wrong, nfev + spent
    size = np.broadcast_to(h[:, None], value.shape)
    form = problem.form
    found = Derivatives(value, error, memory.status, size, now.noise, nfev, form, trouble)
    return found, memory, doubtful


def _heard(now: Round, memory: Memory, seen: Floats) -> tuple[Round, Memory]:
    """Take over what was seen of noise where it is more than was expected."""
    louder = seen > now.noise
    if now.problem.noise is not None or not louder.any():
        return now, memory
    noise = np.maximum(now.noise, seen)
    size = np.where(memory.size > 0.0, np.abs(now.problem.f0), 0.0)
    return now._replace(noise=noise), memory._replace(
        noise=np.where(louder, noise, memory.noise), size=np.where(louder, size, memory.size)
    )


def _ask(now: Round, which: Ints, h: Floats) -> tuple[Pairs, int, Exception | None, Floats]:
    """Ask f at a pair for each of some entries; entries may occur twice."""
    problem, box = now.problem, now.options.box
    rows, x = now.rows[which], now.x[which]
    some = None if box is None else box._replace(lower=box.lower[rows], upper=box.upper[rows])
    ends = np.stack(places(x, h, some))
    block = problem.x[None].repeat(ends.size, 0)
    block[np.arange(ends.size), np.concatenate([rows, rows])] = ends.ravel()
    told = evaluate(problem.call, block, problem.form)
    offsets = ends - x
    pairs = differences(offsets, told.rows.reshape(2, len(x), -1), problem.f0)
    return pairs, told.nfev, told.trouble, offsets


def _contradicted(
    now: Round, offsets: Floats, value: Floats, error: Floats, signs: Floats
) -> tuple[bool, int]:
    """Say whether a difference along all entries that have room contradicts the slopes."""
    near, far = offsets * SHORT
    moves = np.where(near * far < 0.0, signs * far, 0.0)
    x = now.problem.x
    block = np.stack([x, x])
    block[0, now.rows] += moves
    block[1, now.rows] -= moves
    told: Values = evaluate(now.problem.call, block, now.problem.form)
    moved = (block[0] - block[1])[now.rows]
    apart = np.abs(told.rows[0] - told.rows[1] - moved @ value)
    sizes = np.abs(moved)
    allowed = sizes @ error + now.options.rtol * (sizes @ np.abs(value))
    allowed += SIGMAS * np.sqrt(2.0) * now.noise.max(0)
    return not (apart <= allowed).all(), told.nfev


def _looked_at(
    problem: Problem, memory: Memory, options: Options, found: Derivatives, rows: Ints
) -> tuple[Derivatives, Memory]:
    """Take full answers along some entries, and learn of them what the next point needs."""
    full = by_ladder(problem._replace(rtol=0.0), axes(problem.x.size).pick(rows), 1, options)
    trusted = ((full.status == OK) | (full.status == NOISE_LIMITED) | (full.status == STOCHASTIC)
               | (full.status == ONE_SIDED)).all(1)  # fmt: skip
    found = fill(found, rows, full, np.ones(full.value.shape, np.bool_))
    memory = memory.put(rows, Memory.empty(len(rows), full.value.shape[1]))
    if not trusted.any():
        return found, memory
    which = np.flatnonzero(trusted)
    part, nfev = _first(problem, options, rows[which], full.value[which], full.noise[which])
    part = part._replace(status=full.status[which])
    noise, f0 = full.noise[which], problem.f0
    relative = is_relative(part.status, noise, f0)
    part = part._replace(noise=noise, size=np.where(relative, np.abs(f0), 0.0))
    if problem.noise is not None:
        given = np.broadcast_to(problem.noise, noise.shape)
        part = part._replace(noise=given, size=np.zeros(noise.shape))
    return found._replace(nfev=found.nfev + nfev), memory.put(rows[which], part)


def _first(
    problem: Problem, options: Options, rows: Ints, slope: Floats, noise: Floats
) -> tuple[Memory, int]:
    """Learn the second and third derivatives along entries from slopes and one pair for each.

    It narrows until the third derivative is small against the slopes that it changes.
    """
    x = problem.x[rows]
    now = Round(problem, options, rows, x, noise)
    memory, nfev = Memory.empty(len(rows), slope.shape[1]), 0
    width = np.exp2(np.round(np.log2(np.maximum(np.abs(x), 1.0) / 32.0)))
    left = np.arange(len(rows))
    for _ in range(TRIES):
        pairs, spent, _, _ = _ask(now, left, width[left])
        nfev += spent
        third, second, good = first_seen(slope[left], pairs, noise[left])
        done = left[good]
        seen = np.minimum(np.sqrt(np.abs(pairs.product[good, 0])), width[done])
        memory = memory.put(done, memory.pick(done)._replace(
            reach=seen, width=width[done], third=third[good], second=second[good], seen=x[done]
        ))  # fmt: skip
        left = left[~good]
        width[left] /= 8.0
        if not left.size:
            break
    return memory, nfev
