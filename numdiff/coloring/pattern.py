"""Patterns as users give them: any sparse or dense array, made columns compressed and canonical."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from numdiff.arrays import Array

if TYPE_CHECKING:
    from scipy.sparse import csc_array


def as_pattern(pattern: Any, name: str = "pattern") -> csc_array:
    """Return where a derivative may differ from zero, as a CSC array of True.

    Parameters
    ----------
    pattern : sparse array or matrix, or array-like
        Of shape (m, n). All that a sparse one stores counts, explicit zeros too; of a dense one,
        all that is not zero.
    name : str
        What errors call it.

    Returns
    -------
    csc_array of bool
        A copy with sorted row numbers and without duplicates; int32 where that is enough.

    Raises
    ------
    TypeError
        If it does not hold numbers.
    ValueError
        If it is not two-dimensional or its row numbers are impossible.
    """
    from scipy.sparse import (  # noqa: PLC0415 - loads when needed
        coo_array,
        csc_array,
        dia_array,
        dia_matrix,
        issparse,
    )

    if not issparse(pattern):
        pattern = coo_array(_mask(pattern, name))
    if pattern.ndim != 2:
        raise ValueError(
            f"`{name}` must have two axes, outputs and inputs, got shape {pattern.shape}"
        )
    if isinstance(pattern, dia_array | dia_matrix):  # of which SciPy leaves zeros out
        stored: Any = np.ones(pattern.data.shape, np.bool_)
        pattern = dia_array((stored, pattern.offsets), shape=pattern.shape)
    try:
        columns = csc_array(pattern)
        columns.check_format(full_check=True)
    except ValueError as error:
        raise ValueError(f"`{name}` is not a valid sparse array: {error}") from error
    ones = np.ones(columns.nnz, np.bool_)
    small = max(columns.nnz, *columns.shape) < 2**31
    kind: Any = np.int32 if small else np.int64
    indices, pointers = columns.indices.astype(kind), columns.indptr.astype(kind)
    fresh = csc_array((ones, indices, pointers), shape=columns.shape)
    fresh.sum_duplicates()
    fresh.data[:] = True
    return fresh


def _mask(pattern: Any, name: str) -> Array:
    array = np.asarray(pattern)
    if array.dtype.kind not in "biufc":
        raise TypeError(
            f"`{name}` must be a sparse array or an array of numbers or bools, got "
            f"{type(pattern).__name__}"
        )
    if array.ndim != 2:
        raise ValueError(
            f"`{name}` must have two axes, outputs and inputs, got shape {array.shape}"
        )
    return np.asarray(array != 0)


def mirrored(pattern: csc_array, name: str = "pattern") -> csc_array:
    """Return a pattern with its transpose: one triangle is enough to tell a symmetric one.

    Raises
    ------
    ValueError
        If it is not square.
    """
    if pattern.shape[0] != pattern.shape[1]:
        raise ValueError(f"`{name}` of a symmetric matrix must be square, got {pattern.shape}")
    return as_pattern(pattern + pattern.T)


def require_inputs(pattern: csc_array, inputs: int) -> None:
    """Raise ValueError if a pattern does not have a column for each entry of x."""
    if pattern.shape[1] != inputs:
        raise ValueError(
            f"the sparsity pattern must have a column for each of the {inputs} entries of x, got "
            f"shape {pattern.shape}"
        )


def require_outputs(pattern: csc_array, outputs: int) -> None:
    """Raise ValueError if a pattern does not have a row for each output of f."""
    if pattern.shape[0] != outputs:
        raise ValueError(
            f"the sparsity pattern must have a row for each of the {outputs} outputs of f, got "
            f"shape {pattern.shape}"
        )
