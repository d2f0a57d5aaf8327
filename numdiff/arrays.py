"""Names for the types of arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]
    Codes: TypeAlias = NDArray[np.uint8]
    Floats: TypeAlias = NDArray[np.float64]
    Ints: TypeAlias = NDArray[np.int64]
    Mask: TypeAlias = NDArray[np.bool_]
else:  # numpy.typing takes time to load
    Array = Codes = Floats = Ints = Mask = np.ndarray


class Later(NamedTuple):
    """An array that is made when it is asked for: of what, and how."""

    make: Callable[..., Any]
    arguments: tuple[Any, ...]

    def __call__(self) -> Any:
        """Make it."""
        return self.make(*self.arguments)


def throughout(number: Any, shape: tuple[int, ...]) -> Array:
    """Return an array of one number, a NumPy scalar, that takes no room and is for reading only."""
    return np.ndarray(shape, number.dtype, number, strides=(0,) * len(shape))
