"""Second derivatives at x where secants bend by a law that no smooth f has.

The slopes of secants to either side differ by h f''; so does the slope of one side from that at a
smaller step. At abs(t)**a what that says of f'' goes like h**(a - 2): without end if a < 2, or at
t**2 log(abs(t)), and to a limit that larger steps know little of if a is hardly above 2.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from numdiff.arrays import Floats, Mask
from numdiff.ladder.symptoms import CLEAR

from numdiff.nonsmooth.secants import (  # isort: skip
    BRIEF, ENDLESS, OCTAVES, SMOOTH, Secants, endless, law, powers_of,
)  # fmt: skip

REST = 1.0 / (2.0 ** (-OCTAVES * ENDLESS) - 1.0)  # times the last rise is left of the slowest law
LEVEL = 0.25  # part by which a gap of second derivatives may vary


class Curvature(NamedTuple):
    """What secants say of second derivatives of K outputs."""

    torn: Mask  # they grow without end
    reach: Floats  # how far from a value what they converge to may be, 0 if they show no law


def curvature_of(secants: Secants, value: Floats) -> Curvature:
    """Say what becomes of second differences of f as steps fall, and how far it may be off."""
    torn, reach = np.zeros(value.shape, np.bool_), np.zeros(value.shape)
    for second in _seconds(secants):
        torn |= (endless(second.slopes, second, ENDLESS, 2) >= 0).any(axis=0)
        powers = powers_of(second.slopes, second.floor)
        ends = law(powers, SMOOTH, ENDLESS, BRIEF)
        for k, end in enumerate(ends):
            at = np.clip(end + 2, 0, len(second.steps) - 1), np.arange(end.size)
            last, before = second.slopes[k][at], second.slopes[k][at[0] - 1, at[1]]
            left = np.abs(last - value) + REST * np.abs(last - before)
            reach = np.where(end >= 0, np.fmax(reach, left), reach)
    return Curvature(torn, reach)


def bends(secants: Secants, gap: Floats) -> Mask:
    """Whether second differences of both sides differ by about that gap at two steps in a row."""
    alone, size = _seconds(secants)[0], np.abs(gap)
    visible = 0.5 * CLEAR * alone.inner < size
    near = visible & (np.abs(alone.slopes[1] - alone.slopes[0] - gap) < LEVEL * size)
    return np.asarray((near[1:] & near[:-1]).any(axis=0))


def _seconds(secants: Secants) -> list[Secants]:
    """Return second differences as secants: of both sides together, and of each alone."""
    steps, slopes, floor, inner, _ = secants
    both = (slopes[1:] - slopes[:1]) / steps
    width = steps[:-1] - steps[1:]
    alone = 2.0 * (slopes[:, :-1] - slopes[:, 1:]) / width * np.array([-1.0, 1.0])[:, None, None]
    found = [
        Secants(
            steps[:-1], alone, 2.0 * (floor[:-1] + floor[1:]) / width,
            2.0 * (inner[:-1] + inner[1:]) / width, 0,
        )
    ]  # fmt: skip
    if np.any(both):  # f may be asked on two sides
        found.append(Secants(steps, both, 2.0 * floor / steps, 2.0 * inner / steps, 0))
    return found
