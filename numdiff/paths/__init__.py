"""Derivatives at many points near each other, as an optimiser asks for them."""

from numdiff.paths.differentiable import Differentiable

__all__ = ["Differentiable"]
