"""What a derivative does beside returning its value: things that only its caller notices."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from numdiff.verify.arrays import Array, Floats
from numdiff.verify.kinds import Posed
from numdiff.verify.reading import is_function, read_product
from numdiff.verify.report import DISAGREE

CHANGES = (
    "the derivative changes its argument x in place: whoever hands over an x of his own, as "
    "optimizers do, goes on from another point; begin it with x = x.copy()"
)
BUFFER = (
    "the derivative returns the same array at every call, so that what it returned before is "
    "overwritten: return a copy"
)
STALE = (
    "the derivative returns the same at another point, where f has another slope: it keeps a value "
    "from an earlier call (a stale cache)"
)


class Manners(NamedTuple):
    """What was noticed of a derivative, and how often f was asked for that."""

    notes: tuple[str, ...] = ()
    nfev: int = 0


def manners(posed: Posed, x: Floats, other: Floats) -> Manners:
    """Call a derivative as others do, at x and at another point, where it is a function of x."""
    if posed.kind.product or not is_function(posed.handed):
        return Manners()
    try:
        point = x.copy()
        first = posed.raw(point)
        notes = (CHANGES,) * (not np.array_equal(point, x))
        if not isinstance(first, np.ndarray):
            return Manners(notes)
        kept, second = first.copy(), posed.raw(other.copy())
        if not isinstance(second, np.ndarray):
            return Manners(notes)
        notes += (BUFFER,) * np.shares_memory(first, second)
        if posed.kind.curved or not kept.any() or not np.array_equal(kept, second):
            return Manners(notes)
        return _where_it_is_constant(posed, kept, other, notes)
    except Exception:  # noqa: BLE001 - another point may be none of the domain
        return Manners()


def _where_it_is_constant(
    posed: Posed, value: Array, other: Floats, notes: tuple[str, ...]
) -> Manners:
    """Ask f whether its derivative is constant."""
    product = read_product(value, posed.subject, other)._replace(total=math.nan)
    found = posed.along(product, other, 0, 2 * 6)
    return Manners(notes + (STALE,) * (found.verdict == DISAGREE), found.nfev)
