"""What f said along directions before, so that another derivative along them need not ask again."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from numdiff.arrays import Floats, Ints, Mask
from numdiff.drivers.derivatives import Problem
from numdiff.evaluation.call import Values, evaluate
from numdiff.ladder.pairs import CLIMBED, LARGEST, LEVELS, SAMPLED, SIDE, TINIEST

from numdiff.ladder.registers import (  # isort: skip
    BASE, CHECK, LADDER, LAST, NEVER, PHASE, REQUEST, SAMPLE, SLOTS,
)  # fmt: skip

NOTHING = (0, 0, 0, 0, 0, NEVER, NEVER, 0)  # the columns of an axis along which nothing is known


class Memory(NamedTuple):
    """Changes of f along each of D directions, at steps that fall by powers of two."""

    table: Ints  # (D, AXIS): side, largest step, levels, how far down, and more
    beside: Floats  # (D, places, 2, m): f(x + t d) - f(x) for t > 0 and t < 0, nan if not asked for

    def pick(self, rows: Ints | slice) -> Memory:
        """Return what is known along some of the directions."""
        return Memory(self.table[rows], self.beside[rows])

    def on(self, side: int, rows: Ints) -> Memory:
        """Return what is known along some of the directions from that side of x."""
        known = self.pick(rows)
        elsewhere = known.table[:, SIDE] != side
        known.table[elsewhere] = NOTHING
        return known


def recall(
    memory: Memory, problem: Problem, live: Ints, state: Ints, block: Floats, stretch: Floats
) -> tuple[Values, int]:
    """Answer for f at the points of the live directions, and ask it where nothing is known.

    Parameters
    ----------
    memory : Memory
        Of all directions of the ladders, which are followed on the sides that it knows.
    problem : Problem
        With f0.
    live : array (L,)
        Numbers of the directions that ask.
    state : array (D, columns)
        Of their ladders. A sample off the lattice may lie where one was taken before.
    block : array (L, P, n)
        Where they ask, first in front of x, then behind it.
    stretch : array (L,)
        Becomes 1 where the changes have been corrected for the rounding of x + h.

    Returns
    -------
    Values
        Of all L P points, in order.
    int
        For how many f was asked.
    """
    count, width, n = block.shape
    places, known, corrected = _places(memory.table[live], state, live)
    new = np.flatnonzero(~known)
    stretch[corrected] = 1.0
    sides = [0, 1] if width == 2 else [0]
    changes = memory.beside[live, places][:, sides]
    behind = memory.table[live, SIDE] < 0
    changes[behind] = memory.beside[live[behind], places[behind], 1:]
    arrived = problem.f0 + changes
    values = Values(arrived, problem.form, 0)
    if new.size:
        call = problem.call.rows(np.add.outer(new * width, np.arange(width)).ravel())
        values = evaluate(call, block[new].reshape(new.size * width, n), problem.form)
        arrived[new] = values.rows.reshape(new.size, width, arrived.shape[2])
    return values._replace(rows=arrived.reshape(count * width, arrived.shape[2])), new.size * width


def _places(table: Ints, state: Ints, live: Ints) -> tuple[Ints, Mask, Mask]:
    """Say where the requests of directions are answered, whether they are, and corrected."""
    phase, bottom = state[live, PHASE], state[live, BASE] - state[live, LAST]
    ladder, sample = phase == LADDER, (phase == SAMPLE) & (table[:, SAMPLED] != NEVER)
    # any tiny step tells, below the levels
    tiny = (phase == CHECK) & (table[:, TINIEST] != NEVER) & (table[:, TINIEST] < bottom)
    state[live[sample], REQUEST] = table[sample, SAMPLED]
    state[live[tiny], REQUEST] = table[tiny, TINIEST]
    depth = table[:, LARGEST] - state[live, REQUEST]
    ladder &= (depth >= 0) & (depth < table[:, LEVELS])
    places = np.where(sample, SLOTS, np.where(tiny, SLOTS + 1, np.where(ladder, depth, 0)))
    off = sample | tiny
    return places, off | ladder, off | (ladder & (depth < table[:, CLIMBED]))
