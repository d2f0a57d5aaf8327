"""Families of functions that lead differentiation astray, though people do differentiate them.

A family is a tuple of makers, functions of a random generator that draw one `Instance`. From a
seed come `COUNT` instances of each; a checksum of the name puts an instance into the tuning or the
confirming half.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from tests.corpus.families import (
    bends,
    complex_step,
    edges,
    losses,
    mixed,
    orders,
    ordinary,
    rounding,
    solvers,
    stairs,
    structure,
    useful,
)
from tests.corpus.families.core import COUNT, Family, Instance, draw

__all__ = ["COUNT", "FAMILIES", "Instance", "instances"]

MODULES = (
    rounding,
    stairs,
    bends,
    structure,
    complex_step,
    mixed,
    orders,
    useful,
    losses,
    edges,
    ordinary,
    solvers,
)
FAMILIES: Mapping[str, Family] = MappingProxyType(
    {name: makers for module in MODULES for name, makers in module.FAMILIES.items()}
)


def instances(family: str, *, half: str | None = None, seed: int = 0) -> list[Instance]:
    """Draw the instances of a family, or of one half of it."""
    if half not in (None, "tune", "confirm"):
        raise ValueError(f"half must be None, 'tune' or 'confirm', not {half!r}")
    drawn = draw(family, FAMILIES[family], seed)
    return [instance for instance in drawn if half in (None, instance.half)]
