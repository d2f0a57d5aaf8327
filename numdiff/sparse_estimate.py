"""The estimate of a sparse derivative: what `Estimate` says of its entries, in sparse arrays."""

from __future__ import annotations

import math
from copy import copy
from typing import TYPE_CHECKING, Any

import numpy as np

from numdiff.arrays import Array, Later
from numdiff.estimate import Estimate

if TYPE_CHECKING:
    from scipy.sparse import csc_array

FIELDS = ("value", "error", "status", "step", "noise", "left", "right")


class SparseEstimate(Estimate):
    """A sparse derivative with its error bars: `Estimate` with CSC arrays that share one pattern.

    `value`, `error` and the others store the entries of the pattern, zeros among them; `success`
    is an array over these entries, in their order.
    """

    @classmethod
    def over(cls, pattern: csc_array, columns: dict[str, Array], **others: Any) -> SparseEstimate:
        """Put the entries of a pattern, column by column, where they belong."""
        value = copy(pattern)  # quicker than to have indices checked once more
        value.data = columns["value"]
        return cls.of({"value": value}, waiting=columns, **others)

    def __getattr__(self, name: str) -> Any:
        """Make an array that has waited until it is asked for, as those of `Estimate` do."""
        column = self.__dict__.get("waiting", {}).get(name)
        if column is None and name not in {"left", "right"}:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        placed: Any = copy(self.value)
        column = column() if isinstance(column, Later) else column
        if column is None:
            placed.data = np.full_like(placed.data, math.nan)
        else:
            placed.data = column if column.flags.writeable else column.copy()
        return self.__dict__.setdefault(name, placed)

    @property
    def entries(self) -> Estimate:
        """The stored entries, column by column, as an estimate of one axis."""
        return Estimate.of({**self.__dict__, **{n: getattr(self, n).data for n in FIELDS}})

    def dense(self) -> Estimate:
        """Return the estimate of the whole matrix, with exact zeros where nothing is stored."""
        arrays = {name: getattr(self, name).toarray() for name in FIELDS}
        return Estimate.of({**self.__dict__, **arrays})

    @property
    def success(self) -> Any:
        """Whether each stored entry is trustworthy: a bool array of one axis."""
        return self.entries.success

    @property
    def messages(self) -> tuple[str, ...]:
        """The distinct sentences of all entries' status, followed by the notes."""
        return self.entries.messages

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:  # noqa: FBT001 (NumPy's protocol)
        matrix: Any = self.value
        return np.asarray(matrix.toarray(), dtype)

    @property
    def status_names(self) -> Any:
        """The names of the status of each stored entry: an array of one axis."""
        return self.entries.status_names

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of `value`."""
        return tuple(self.value.shape)

    @property
    def ndim(self) -> int:
        """The number of axes of `value`."""
        return 2

    @property
    def size(self) -> int:
        """The number of stored entries."""
        return int(self.value.size)

    @property
    def T(self) -> Any:  # noqa: N802 - as NumPy calls it
        """The transpose of `value`, a plain sparse array."""
        return self.value.T

    def __getitem__(self, key: Any) -> Any:
        """Return what is at some places of `value`: numbers, or a sparse array of them."""
        return self.value[key]

    def to_dict(self) -> dict[str, Any]:
        """Return what `Estimate.to_dict` tells of the stored entries, and where they stand."""
        value: Any = self.value
        stored = value.tocoo()
        places = {"rows": stored.row.tolist(), "columns": stored.col.tolist()}
        return {**self.entries.to_dict(), **places, "shape": list(self.shape)}

    def __matmul__(self, other: Any) -> Any:
        return self.value @ other

    def __str__(self) -> str:
        rows, columns = self.value.shape
        return f"sparse, {rows} x {columns}; its entries, column by column:\n{self.entries}"
