"""What all of the room speaks of: names for types, and the rounding of doubles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numpy.random import Generator as Random

from numdiff.arrays import Array, Floats, Ints, Mask
from numdiff.constants import EPS

__all__ = ["EPS", "Array", "Floats", "Function", "Ints", "Mask", "Random", "Shape"]

Function = Callable[..., Any]
Shape = tuple[int, ...]
