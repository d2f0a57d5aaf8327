"""An estimate as pictures need it: one axis, and what can be told of each entry."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from numdiff.arrays import Array, Floats, Mask
from numdiff.estimate import Estimate, Status

MOST = 16.0  # digits of a float


class Entries(NamedTuple):
    """The entries of an estimate in C order, the shape that they had, and names of the last axis.

    The shape of a scalar is (1,).
    """

    shape: tuple[int, ...]
    names: tuple[str, ...]
    value: Array
    error: Floats
    status: Array
    success: Mask
    left: Array
    right: Array

    @property
    def zero(self) -> Mask:
        """Where a value is zero within its bar: it has no digits to count."""
        return np.asarray(self.success & (np.abs(self.value) <= self.error))

    @property
    def digits(self) -> Floats:
        """How many digits are certain: nan where that cannot be told, or of zeros."""
        with np.errstate(all="ignore"):
            digits = np.clip(np.log10(np.abs(self.value) / self.error), 0.0, MOST)
        return np.where(self.success & np.isfinite(self.error) & ~self.zero, digits, np.nan)

    def flags(self) -> Iterator[tuple[str, Mask]]:
        """Yield the name of each status that is not trustworthy, and where it stands."""
        for code in np.unique(self.status[~self.success]):
            yield Status(code).name, self.status == code


def entries_of(est: Estimate, names: Sequence[str] | None) -> Entries:
    """Flatten an estimate, dense or sparse.

    Raises
    ------
    ValueError
        If there are not as many names as the last axis is long.
    """
    fields = (est.value, est.error, est.status, est.success, est.left, est.right)
    shape = np.shape(est.value) or (1,)
    chosen = (est.names or None) if names is None else names
    if chosen is None:
        known = ("derivative",) if not np.shape(est.value) else map(str, range(shape[-1]))
    else:
        known = map(str, chosen)
    texts = tuple(known)
    if len(texts) != shape[-1]:
        raise ValueError(f"`names` must name the {shape[-1]} entries of the last axis, "
                         f"got {len(texts)}")  # fmt: skip
    return Entries(shape, texts, *map(_flat, fields))


def _flat(field: Any) -> Array:
    return np.ravel(field.toarray() if hasattr(field, "toarray") else field)
