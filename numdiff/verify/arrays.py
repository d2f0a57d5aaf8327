"""What all of the room speaks of: names for types, and the rounding of doubles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Floats = NDArray[np.float64]
Ints = NDArray[np.integer[Any]]
Mask = NDArray[np.bool_]
Function = Callable[..., Any]
Shape = tuple[int, ...]

DOUBLE = 2.0**-52  # spacing of doubles at 1
