"""What derivatives are for: Taylor models near a point, and the propagation of errors."""

from numdiff.model.critical import CriticalPoint
from numdiff.model.local import LocalModel, NewtonStep, local_model
from numdiff.model.propagation import propagate

__all__ = ["CriticalPoint", "LocalModel", "NewtonStep", "local_model", "propagate"]
