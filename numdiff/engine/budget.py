"""What a small budget buys: a single step along all directions, or along some of them."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from numdiff.constants import BUDGET, SINGLE_STEP
from numdiff.drivers.derivatives import Derivatives, stacked
from numdiff.methods import METHODS, Method
from numdiff.options import TEXTBOOK, Options

LEVELS = 2  # of a ladder: with fewer it cannot tell its truncation


def sparing(options: Options, count: int, order: int) -> tuple[Options, int]:
    """Return options that the budget allows, and along how many directions.

    Central differences where it lasts for them, else those of one side, which share f(x).
    """
    if options.way == "ladder":
        width = options.method.level(order).offsets.size
        if options.max_nfev >= 1 + LEVELS * width * count:
            return options, count
        step = TEXTBOOK if options.step is None else options.step
        choices = [
            options._replace(way="single", step=step, method=method)
            for method in _cheaper(options.method)
        ]
    else:
        choices = [options]
    for choice in choices:
        lasts = _lasts_for(choice, order)
        if lasts >= count:
            return choice, count
    return choices[-1], int(lasts)


def _cheaper(method: Method) -> Iterator[Method]:
    """Yield the methods that stand for one, the best one first, under its name."""
    if method.stencil is not None:
        yield method
        return
    for name in ("central", "forward") if method.side == 0 else (method.name,):
        yield METHODS[name]._replace(name=method.name)


def _lasts_for(options: Options, order: int) -> float:
    """Along how many directions the budget lasts for a single step."""
    level = options.method.level(order)
    centre = level.centre != 0.0 or options.box is not None  # at a bound f(x) may be needed
    return max((options.max_nfev - centre) // level.offsets.size, 0)


def told(found: Derivatives, count: int, *, asked: bool) -> Derivatives:
    """Say of what a small budget bought that it is not what was asked for.

    Parameters
    ----------
    found : Derivatives
        Along the first of the directions.
    count : int
        How many directions there are.
    asked : bool
        Whether a single step is what was asked for.
    """
    rough = found.status == SINGLE_STEP
    if not asked:
        status = np.where(rough, BUDGET, found.status).astype(np.uint8)
        found = found._replace(status=status, error=np.where(rough, math.inf, found.error))
    missing = count - len(found.value)
    if not missing:
        return found
    nothing = np.full((missing, found.form.size), math.nan)
    status = np.full(nothing.shape, BUDGET, np.uint8)
    endless, zero = np.full(nothing.shape, math.inf), np.zeros(nothing.shape)
    return stacked([found, Derivatives(nothing, endless, status, zero, zero, 0, found.form)])
