"""Sparse derivatives: colourings."""

from numdiff.coloring.prepared import Coloring, color

__all__ = ["Coloring", "color"]
