"""Whether f changes in steps only, as where it is rounded coarsely, and how high the steps are."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from numdiff.arrays import Floats, Ints, Mask

REMAINDER = 1e-6  # part of what all changes are multiples of that is none of it but rounding
SEVERAL = 1.5  # times the unit: one change alone is a multiple of anything


def common_unit(changes: Floats, least: Floats) -> Floats:
    """Return what changes (P, ...) of f are all multiples of, by Euclid; 0 for none or one alone.

    Changes up to `least` are none.
    """
    unit = np.zeros(changes.shape[1:])
    for change in changes:
        rest = change
        while (more := rest > np.maximum(least, REMAINDER * unit)).any():
            divided = np.abs(unit - rest * np.rint(unit / np.where(more, rest, 1.0)))
            unit, rest = np.where(more, rest, unit), np.where(more, divided, 0.0)
    several = changes.max(axis=0) > SEVERAL * unit
    return np.where(several & (REMAINDER * unit > least), unit, 0.0)


class Stairs(NamedTuple):
    """Changes of m outputs from each of some points to the next one, each array (m,)."""

    still: Ints  # how many are none
    height: Floats  # of the least one, inf if all are none
    alike: Mask  # whether all others are as high


def stairs_of(values: Floats, bits: Floats) -> Stairs:
    """Look at values (N, m) along a line for steps of one height; changes up to `bits` are none."""
    steps = np.abs(np.diff(values, axis=0))
    still = steps <= bits
    height = np.where(steps > bits, steps, np.inf).min(axis=0)
    alike = still | (np.abs(steps - height) <= bits)
    return Stairs(still.sum(axis=0), height, alike.all(axis=0))
