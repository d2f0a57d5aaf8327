"""Where ladders are likely to ask next: workers that are left over may look there already.

A guess that is wrong costs an evaluation that nobody needs, and changes no answer.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from numdiff.arrays import Floats, Ints
from numdiff.drivers.derivatives import Problem
from numdiff.evaluation.call import Call, every_point
from numdiff.geometry.directions import Directions
from numdiff.ladder import points
from numdiff.ladder.channels import Channels, Span
from numdiff.ladder.noise import SKEW
from numdiff.ladder.runtime import runner
from numdiff.ladder.window import spare

from numdiff.ladder.registers import (  # isort: skip
    BASE, CHECKED, FIRST, HIGHEST, LADDER, LAST, LOWEST, PHASE, REQUEST, SAMPLE, START, STATE,
)  # fmt: skip

DOWN, UP, OFF = range(3)  # octaves below and above all levels, and of the sample below the lowest
# What comes next, by how many levels there are, in the sequences that most first and second
# derivatives of the tuning half take: 0 -1 +1 -2 -3 and the sample six octaves below, 0 -1 -2 -3.
GUESSES = np.array([
    [(DOWN, 1), (UP, 1), (DOWN, 2), (DOWN, 3), (OFF, 9), (OFF, 8), (OFF, 7), (DOWN, 4)],
    [(UP, 1), (DOWN, 1), (DOWN, 2), (OFF, 8), (OFF, 7), (OFF, 6), (DOWN, 3), (UP, 2)],
    [(DOWN, 1), (DOWN, 2), (OFF, 8), (OFF, 7), (OFF, 6), (UP, 1), (DOWN, 3), (UP, 2)],
    [(OFF, 6), (DOWN, 1), (OFF, 7), (UP, 1), (DOWN, 2), (OFF, 8), (UP, 2), (DOWN, 3)],
])  # fmt: skip
GUESSES.setflags(write=False)


def guesses(state: Ints, live: Ints, most: int) -> tuple[Ints, Floats]:
    """Return directions and steps at which ladders may ask next, the most likely first.

    Parameters
    ----------
    state : array (D, STATE)
        The windows of all ladders; what they ask for now counts as known.
    live : array (L,)
        The numbers of those that go on.
    most : int
        How many are wanted.
    """
    rows = live[(state[live, PHASE] == LADDER) | (state[live, PHASE] == SAMPLE)]
    window = state[rows].T
    asks, some = window[PHASE] == LADDER, window[LAST] >= window[FIRST]
    low, top = (
        np.where(some, window[BASE] - window[end], window[REQUEST]) for end in (LAST, FIRST)
    )
    low = np.where(asks, np.minimum(low, window[REQUEST]), low)
    top = np.where(asks, np.maximum(top, window[REQUEST]), top)
    levels = np.where(some, window[LAST] - window[FIRST] + 1, 0) + asks
    kinds, octaves = GUESSES[np.clip(levels, 1, len(GUESSES)) - 1].T
    exponents = np.where(kinds == UP, top + octaves, low - octaves)
    steps = np.ldexp(np.where(kinds == OFF, SKEW, 1.0), exponents)
    usable = (exponents >= window[LOWEST]) & (exponents <= window[HIGHEST])
    usable &= (kinds != OFF) | (asks & (window[CHECKED] == 0))
    return np.broadcast_to(rows, usable.shape)[usable][:most], steps[usable][:most]


def foresee(
    problem: Problem, directions: Directions, channels: Channels, state: Ints, live: Ints
) -> None:
    """Tell workers that are left over where ladders are likely to ask next."""
    most = problem.call.ahead if problem.budget == math.inf else 0
    if most:
        rows, steps = guesses(state, live, -(-most // len(channels.offsets)))
        _expect(problem, directions, channels, rows, steps)


def foresee_first(problem: Problem, directions: Directions, channels: Channels, span: Span) -> None:
    """Tell workers where ladders begin, and may go on, while f(x) is asked for."""
    state, every = begun(span), np.arange(len(directions))
    most = -(-problem.call.ahead // len(channels.offsets))
    rows, steps = guesses(state, every, max(most - len(every), 0))
    rows, steps = np.append(every, rows), np.append(np.ldexp(1.0, span.start), steps)
    _expect(problem, directions, channels, rows[:most], steps[:most])


def _expect(
    problem: Problem, directions: Directions, channels: Channels, rows: Ints, steps: Floats
) -> None:
    entries = 1 if problem.apart else problem.x.size
    block = np.empty((len(rows), len(channels.offsets), entries))
    where = problem.x, directions.starts, directions.index, directions.weight, channels.offsets
    runner(0)(points.place)(rows, steps, *where, block, np.empty(len(rows)))
    problem.call.expect(block.reshape(-1, entries))


def begun(span: Span) -> Ints:
    """Return the windows of ladders that ask for their first level."""
    state = np.zeros((len(span.start), STATE), np.int64)
    state[:, BASE], state[:, FIRST], state[:, LAST] = span.start + START, START, START - 1
    state[:, REQUEST], state[:, HIGHEST], state[:, LOWEST] = span.start, span.highest, span.lowest
    return state


def sparing(call: Call, live: Any, width: int, state: Any, found: Any) -> Call:
    """Return the call with word of which points the directions in front of `live` can spare."""
    if call.spared is every_point:
        return call

    def spared(row: int) -> bool:
        d = live[row // width]
        return bool(spare(state[d], found[d]))

    return Call(*call[:-1], spared)  # quicker than _replace
