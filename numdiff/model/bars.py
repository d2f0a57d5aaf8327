"""Estimates that are computed from others: products that keep what is flagged, and their status."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from numdiff.arrays import Array, Codes, Floats, Mask
from numdiff.assemble import RANK
from numdiff.estimate import Estimate, Status

BY_RANK = np.argsort(RANK).astype(np.uint8)  # codes from best to worst
BY_RANK.setflags(write=False)


def product(left: Floats, right: Floats, missing: float) -> Floats:
    """Multiply (N, n) by (n, m); what is not finite on the right counts where it is reached.

    Such sums become `missing`: nan for values, inf for bars. 0 times inf is 0 here.
    """
    known = np.isfinite(right)
    if known.all():
        return np.asarray(left @ right)
    whole = left @ np.where(known, right, 0.0)
    return np.where((left != 0.0) @ ~known, missing, whole)


def quadratic(away: Floats, matrix: Floats, missing: float) -> Floats:
    """Return a.M.a for each of N rows a, (N, 1), with flagged entries as in `product`."""
    half = np.where(away != 0.0, product(away, matrix, missing), 0.0)
    return np.asarray((half * away).sum(axis=1, keepdims=True))


def worst_along(moved: Mask, codes: Codes) -> Codes:
    """Return the worst of the codes (m, n) of the entries that moved (N, n), as (N, m).

    OK where nothing moved: then no derivative has a part in it.
    """
    ranks, worst = RANK[codes], np.zeros((len(moved), len(codes)), np.intp)
    for rank in np.unique(ranks):
        worst[moved @ (ranks == rank).T] = rank
    return BY_RANK[worst]


def worst_between(moved: Mask, codes: Codes) -> Codes:
    """Return the worst of the codes (n, n) of pairs of entries that both moved (N, n): (N, 1)."""
    ranks, worst = RANK[codes], np.zeros((len(moved), 1), np.intp)
    for rank in np.unique(ranks):
        worst[((moved @ (ranks == rank)) & moved).any(axis=1)] = rank
    return BY_RANK[worst]


def worst_of(*codes: Codes) -> np.uint8:
    """Return the worst of all codes."""
    return np.uint8(BY_RANK[max(int(RANK[code].max(initial=0)) for code in codes)])


def derived(
    value: Array, error: Array, status: Any, method: str, *notes: str, **others: Any
) -> dict[str, Any]:
    """Return the fields of an Estimate that was computed without asking f."""
    value, error = np.asarray(value), np.asarray(error)
    status = np.broadcast_to(np.asarray(status, np.uint8), value.shape).copy()
    lost = ~(np.isfinite(value) & np.isfinite(error))
    trusted = np.array([code.trustworthy for code in Status])[status]
    status[lost & trusted] = Status.UNRESOLVED
    blank = np.full(value.shape, math.nan)
    columns = {
        "value": value, "error": np.where(lost, math.inf, error), "status": status,
        "step": blank, "noise": blank.copy(), "left": blank.copy(), "right": blank.copy(),
    }  # fmt: skip
    plain = {name: column[()] for name, column in columns.items()}
    return {**plain, "nfev": 0, "method": method, "notes": notes, **others}


def estimate(value: Array, error: Array, status: Any, method: str, *notes: str) -> Estimate:
    """Put an Estimate together that was computed without asking f."""
    return Estimate.of(derived(value, error, status, method, *notes))
