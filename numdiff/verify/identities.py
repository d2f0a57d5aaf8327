"""What a derivative owes to algebra alone: tests without a single difference of f."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from numdiff.verify.arrays import EPS, Floats, Function
from numdiff.verify.rule import allowance

ROUNDINGS = 64.0  # of the sum of sizes: random products in single precision need one


class Identity(NamedTuple):
    """Two numbers that algebra says are equal.

    Attributes
    ----------
    name : str
        Which ones.
    first, second : float or complex
        The numbers.
    bar : float
        By how much rounding alone may make them differ.
    """

    name: str
    first: Any
    second: Any
    bar: float

    @property
    def holds(self) -> bool:
        """Whether they are equal to rounding."""
        return bool(abs(self.first - self.second) <= self.bar)

    def __str__(self) -> str:
        if self.holds:
            return f"{self.name.partition(',')[0]}: holds to rounding"
        return f"{self.name}: {self.first:.10g} and {self.second:.10g} should be equal but are not"


def spacing_of(*arrays: Any) -> float:
    """Return the spacing at 1 of the coarsest type among arrays, at least that of doubles."""
    spacing = EPS
    for array in arrays:
        kind = np.dtype(getattr(array, "dtype", None))
        if kind.kind in "fc":
            spacing = max(spacing, float(np.finfo(kind).eps))
    return spacing


def weights(random: np.random.Generator, size: int) -> Floats:
    """Return random numbers of both signs between 1/2 and 3/2 in size: none hides its entry."""
    return np.asarray(random.uniform(0.5, 1.5, size) * random.choice([-1.0, 1.0], size))


def adjoint(forward: Function, backward: Function, n: int, random: np.random.Generator) -> Identity:
    """Compare w.(J v) with (w J).v for random v and w (Claerbout 1992, Earth Soundings Analysis).

    Parameters
    ----------
    forward : callable
        J v of a flat v of n entries.
    backward : callable
        w J of a flat w.
    n : int
        How many inputs there are.
    random : numpy.random.Generator
        Where v and w come from.
    """
    v = weights(random, n)
    product = np.ravel(forward(v))
    w = weights(random, product.size)
    back = np.ravel(backward(w))
    if back.shape != v.shape:
        raise ValueError(f"the adjoint product must have the size of x, {n}, got {back.size}")
    size = float(np.abs(w) @ np.abs(product) + np.abs(v) @ np.abs(back))
    bar = allowance(ROUNDINGS * spacing_of(product, back) * size, size)
    return Identity("adjoint test, w.(J v) and (w J).v", w @ product, back @ v, float(bar))


def linearity(apply: Function, matrix: Floats, random: np.random.Generator) -> Identity:
    """Compare products with a random vector and its negative with sums of those with unit vectors.

    Parameters
    ----------
    apply : callable
        The product, of a flat vector.
    matrix : array (m, n)
        Its products with the unit vectors, as columns.
    random : numpy.random.Generator
        Where the vector comes from.
    """
    v = weights(random, matrix.shape[1])
    # each entry is negative once: the absolute value of unit vectors is what they are
    asked = np.concatenate([np.ravel(apply(sign * v)) * sign for sign in (1.0, -1.0)])
    added, sizes = np.tile(matrix @ v, 2), np.tile(np.abs(matrix) @ np.abs(v), 2)
    with np.errstate(all="ignore"):
        worst = int(np.argmax(np.nan_to_num(np.abs(asked - added) / sizes)))
    bar = allowance(ROUNDINGS * spacing_of(asked, matrix) * sizes[worst], sizes[worst])
    return Identity("linearity of the product", asked[worst], added[worst], float(bar))


def symmetry(matrix: Floats, error: Floats) -> Identity:
    """Compare a Hessian (n, n) with its transpose, at the worst pair.

    Parameters
    ----------
    matrix : array (n, n)
        The Hessian.
    error : array (n, n)
        By how much each entry may be off.
    """
    bars = allowance(error + error.T, np.maximum(np.abs(matrix), np.abs(matrix.T)))
    with np.errstate(all="ignore"):
        worst = np.argmax(np.nan_to_num(np.abs(matrix - matrix.T) / bars))
    i, j = (int(k) for k in np.unravel_index(worst, matrix.shape))
    name = f"symmetry, worst at entries [{i}, {j}] and [{j}, {i}]"
    return Identity(name, matrix[i, j], matrix[j, i], float(bars[i, j]))
