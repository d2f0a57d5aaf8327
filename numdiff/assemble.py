"""From lines to estimates: complex outputs put together, shapes restored, losses reported."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np

from numdiff.arrays import Array, Codes, Ints, Later
from numdiff.drivers.derivatives import COLUMNS, Derivatives
from numdiff.estimate import Estimate, Status
from numdiff.options import Options
from numdiff.sparse_estimate import SparseEstimate

if TYPE_CHECKING:
    from scipy.sparse import csc_array

# From best to worst: which status stands for an entry that is made of several.
ORDER = (
    *(Status.OK, Status.NOISE_LIMITED, Status.ONE_SIDED, Status.STOCHASTIC, Status.SINGLE_STEP),
    *(Status.BUDGET, Status.NOT_COMPLEX_SAFE, Status.UNRESOLVED, Status.KINK, Status.JUMP),
    Status.DOMAIN,
)
RANK = np.array([ORDER.index(status) for status in Status], np.uint8)
RANK.setflags(write=False)


def worst(one: Codes, other: Codes) -> Codes:
    """Return the worse of two statuses, entry by entry."""
    return np.where(RANK[other] > RANK[one], other, one)


def summed(lines: Derivatives, count: int = 1) -> Derivatives:
    """Return derivatives (count, m) along sums of directions, of which each has every count-th."""
    shape = len(lines.value) // count, count, -1
    if shape[0] == 1:
        return lines
    value, error, status, step, noise = (column.reshape(shape) for column in lines[:5])
    if lines.left is not None:
        columns: dict[str, Any] = {"value": lines.value, "left": lines.left, "right": lines.right}
        left, right = (_side(columns, n).reshape(shape).sum(axis=0) for n in ("left", "right"))
        lines = lines._replace(left=left, right=right)
    return lines._replace(
        value=value.sum(axis=0), error=error.sum(axis=0), status=reduce(worst, status),
        step=step.min(axis=0), noise=noise.max(axis=0),
    )  # fmt: skip


def per_output(lines: Derivatives) -> dict[str, Array]:
    """Return the columns of the lines as (D, m) arrays, real and imaginary parts put together."""
    columns: dict[str, Any] = {
        "value": lines.value, "error": lines.error, "status": lines.status, "step": lines.step,
        "noise": lines.noise,
    }  # fmt: skip
    if lines.left is not None:
        columns.update(left=lines.left, right=lines.right)
    return _complex(columns) if lines.form.is_complex else columns


def _complex(columns: dict[str, Array]) -> dict[str, Array]:
    """Put real and imaginary parts of columns together."""
    half = columns["value"].shape[1] // 2
    real, imaginary = (
        {n: c[:, part] for n, c in columns.items()} for part in (slice(half), slice(half, None))
    )
    return {
        "value": real["value"] + 1j * imaginary["value"],
        "error": np.hypot(real["error"], imaginary["error"]),
        "status": worst(real["status"], imaginary["status"]),
        "step": np.minimum(real["step"], imaginary["step"]),
        "noise": np.hypot(real["noise"], imaginary["noise"]),
        **{n: _sides(real, imaginary, n) for n in ("left", "right") if n in columns},
    }


def _sides(real: dict[str, Array], imaginary: dict[str, Array], name: str) -> Array:
    """Return complex one-sided derivatives where at least one part has a kink."""
    nowhere = np.isnan(real[name]) & np.isnan(imaginary[name])
    return np.where(nowhere, math.nan, _side(real, name) + 1j * _side(imaginary, name))


def _side(part: dict[str, Array], name: str) -> Array:
    """Return a one-sided derivative, which is the derivative where a part has no kink."""
    return np.where(np.isnan(part[name]), part["value"], part[name])


def estimate_of(
    lines: Derivatives, shape: tuple[int, ...], options: Options, *,
    columns: dict[str, Any] | None = None, named: int = 1,
) -> Estimate:  # fmt: skip
    """Put derivatives into an estimate of that shape, outputs first, its last axes with names.

    Or `columns`, if these are in order already. All but values wait until asked for.
    """
    turned, columns = columns is None, per_output(lines) if columns is None else columns
    # Jacobians come column by column, and stay laid out like that: it is faster
    value = (columns["value"].T if turned else columns["value"]).reshape(shape)
    placed: dict[str, Any] = {
        "value": value if shape else value[()], "waiting": columns, "turned": turned,
        "nfev": lines.nfev, "method": options.method.name,
    }  # fmt: skip
    if lines.trouble is None and options.box is None and not options.names:
        return Estimate.of(placed)
    notes: tuple[str, ...] = () if lines.trouble is None else (_told(lines.trouble),)
    if options.box is not None and options.box.fixed().any():
        held = np.flatnonzero(options.box.fixed())
        shown = ", ".join(options.names[k] if options.names else str(k) for k in held)
        notes += (f"`bounds` hold fixed, lower == upper: {shown}; f was not asked beside x there",)
    if options.names:
        placed.update(names=options.names, named=named)
    return Estimate.of(placed, notes=notes)


def _told(trouble: Exception) -> str:
    return f"f raised {type(trouble).__name__} at some points beside x: {trouble}"


def sparse_estimate(lines: Derivatives, pattern: csc_array, options: Options) -> SparseEstimate:
    """Put one line of derivatives, with a column for each entry of a pattern, into its places."""
    columns = {
        name: column if isinstance(column, Later) else column.reshape(pattern.nnz)
        for name, column in per_output(lines).items()
    }
    notes = () if lines.trouble is None else (_told(lines.trouble),)
    others = {"nfev": lines.nfev, "method": options.method.name, "notes": notes}
    return SparseEstimate.over(pattern, columns, **others)


def symmetric(
    diagonal: dict[str, Array], across: dict[str, Array], pairs: tuple[Ints, Ints]
) -> dict[str, Any]:
    """Put the columns (n, m) of the diagonal and those of the pairs i < j into (m, n, n).

    All but values wait until asked for.
    """
    parts: dict[str, Any] = {}
    for name, column in diagonal.items():
        parts[name] = Later(_mirrored, (column, across[name], pairs))
    parts["value"] = _mirrored(diagonal["value"], across["value"], pairs)
    return parts


def _mirrored(diagonal: Array, across: Array, pairs: tuple[Ints, Ints]) -> Array:
    (rows, columns), (n, m), numbers = pairs, diagonal.shape, np.arange(len(diagonal))
    matrix = np.empty((m, n, n), diagonal.dtype)
    matrix[:, numbers, numbers] = diagonal.T
    matrix[:, rows, columns] = matrix[:, columns, rows] = across.T
    return matrix


def symmetrised(estimate: Estimate, shape: tuple[int, ...]) -> Estimate:
    """Average a square estimate, (n, n) in the flattened shape of x, with its transpose."""
    n = math.prod(shape)
    square = {name: np.asarray(getattr(estimate, name)).reshape(n, n) for name in COLUMNS[:5]}
    halves = {name: (square[name] + square[name].T) / 2.0 for name in ("value", "error")}
    halves["status"] = worst(square["status"], square["status"].T)
    halves["step"] = np.minimum(square["step"], square["step"].T)
    halves["noise"] = np.maximum(square["noise"], square["noise"].T)
    halves = {name: half.reshape(shape + shape)[()] for name, half in halves.items()}
    return replace(estimate, **halves, named=2)
