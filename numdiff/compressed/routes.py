"""How the columns of a sparse derivative move: as far as size, step and bounds of each allow."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from numdiff.arrays import Array, Floats, Ints, throughout
from numdiff.coloring import kernels
from numdiff.coloring.prepared import PACE, Coloring
from numdiff.geometry.directions import Directions
from numdiff.geometry.domain import LEAST, NARROW, USUAL
from numdiff.ladder.runtime import runner
from numdiff.methods import Level, rule_in_bits, textbook
from numdiff.options import Options

ONE = np.float64(1.0)


class Routes(NamedTuple):
    """G directions that move all columns, and how far they move each, signed, where t is 1.

    In `options` a step that the user gave is one of t, since columns go as far as it says.
    """

    starts: Ints  # (G,)
    order: Ints
    weight: Floats  # (n,), 0 where a column does not move
    options: Options

    @property
    def directions(self) -> Directions:
        """The directions, sparse rows."""
        return Directions(self.starts, self.order, self.weight[self.order])

    @property
    def shared(self) -> bool:
        """Whether some columns share a direction: then t is 1 where steps are those of columns."""
        return len(self.starts) != len(self.order)


def routes_of(coloring: Coloring, x: Floats, options: Options) -> Routes:
    """Return a direction for each colour, or two: one for columns that bounds leave one side.

    Columns that cannot move, or have no entries, are in no direction.
    """
    weight, key = _lengths(x, options), coloring.colors
    starts, order = coloring.route
    if options.box is not None:
        weight, kind = _inside(weight, x, options)
        least = 0.0 if options.way == "single" else LEAST * np.maximum(np.abs(x), 1.0)
        free = np.maximum(*_room(x, options)) > least
        if kind.any():
            key = 2 * key + kind
            order = order[np.argsort(key[order], kind="stable")]
        order = order[free[order]]
        starts = np.flatnonzero(np.diff(key[order], prepend=-1))
    moved: Any = None
    if len(starts) == len(order):  # nobody shares a direction: they go as the axes do
        moved = 1.0
    elif options.way == "single" or (options.way == "ladder" and options.step is not None):
        options = options._replace(step=throughout(ONE, x.shape))
    if len(order) < x.size or moved is not None:
        moved, weight = weight[order] if moved is None else moved, np.zeros(x.size)
        weight[order] = moved
    return Routes(starts, order, weight, options)


def _lengths(x: Floats, options: Options) -> Floats:
    """Return how far each column goes where t is 1: a single step, or the size of its entry of x.

    Sizes are powers of two, so that nothing is rounded that need not be.
    """
    if options.way == "single" and isinstance(options.step, str):
        return _textbook(options.method.level(1), x)
    if isinstance(options.step, np.ndarray):
        size = options.step
        if options.way == "single":
            return size
    else:
        size = np.maximum(np.abs(x), 1.0)
    return np.asarray(np.ldexp(1.0, np.frexp(size * math.sqrt(0.5))[1]))  # the nearest one


def _textbook(level: Level, x: Floats) -> Floats:
    rule, steps = rule_in_bits(level), np.empty(x.size)
    bits: Any = x.view(np.int64), *(rule or ()), steps.view(np.int64)
    if rule is not None and runner(x.size // PACE)(kernels.textbook)(*bits):
        return steps
    return textbook(level, x)


def _room(x: Floats, options: Options) -> tuple[Floats, Floats]:
    assert options.box is not None
    return options.box.upper - x, x - options.box.lower


def _inside(lengths: Floats, x: Floats, options: Options) -> tuple[Floats, Array]:
    """Shorten columns so that bounds allow t = 1, on the side that each must go if not on both.

    Returns
    -------
    tuple of arrays (n,)
        Lengths, signed; and 1 where a column goes to one side only, else 0.
    """
    ahead, behind = _room(x, options)
    side = options.method.side
    wide = np.maximum(ahead, behind)
    if options.way == "single":
        level = options.method.level(1)
        near, far = (
            lengths * max(level.offsets.max(), 0.0),
            -lengths * min(level.offsets.min(), 0.0),
        )
        free = (ahead >= near) & (behind >= far)
        reach = float(level.stencil.order + level.stencil.accuracy - 1)  # of a one-sided stencil
        lengths = np.where(free, lengths, np.minimum(lengths, wide / reach))
    else:
        room = np.minimum(ahead, behind) if side == 0 else ahead if side > 0 else behind
        free = room >= NARROW * USUAL * np.maximum(np.abs(x), 1.0)
        room = np.where(free, room, wide)
        most = np.exp2(np.floor(np.log2(np.where(room > 0.0, room, 1.0))))
        lengths = np.minimum(lengths, most)
    sign = np.where(free | ((ahead >= behind) == (side >= 0)), 1.0, -1.0)
    return sign * lengths, (~free).astype(np.int32)
