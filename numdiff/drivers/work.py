"""What is to be climbed, and what is known of f beforehand."""

from __future__ import annotations

from typing import NamedTuple

from numdiff.arrays import Floats, Ints
from numdiff.drivers.derivatives import Problem
from numdiff.drivers.memory import Memory
from numdiff.geometry.directions import Directions
from numdiff.ladder.channels import Channels


class Work(NamedTuple):
    """What is to be climbed, and what is known of f along the D directions beforehand."""

    problem: Problem
    directions: Directions
    channels: Channels
    noise: Floats  # (D or 0, m): the least to reckon with
    prior: int  # what is known of noise, as `registers.PRIOR` says
    loose: bool  # whether two pairs of points may do
    beside: Floats  # (D or 0, K, P, m), as in `climb`
    memory: Memory | None
    at: Ints | None  # (D, K): the entries of long points that differ from x, if they are made alone
