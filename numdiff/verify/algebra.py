"""What a derivative owes to algebra alone: tests without a single difference of f."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["Identity", "adjoint", "linearity", "symmetry", "weights"]


# Products of some thousand terms may differ by so much of the sum of their sizes.
STRICT = 1e-10


class Identity(NamedTuple):
    """Two numbers that algebra says are equal.

    Attributes
    ----------
    name : str
        Which ones.
    first, second : float or complex
        The numbers.
    size : float
        The sum of the sizes of the terms they are made of.
    """

    name: str
    first: Any
    second: Any
    size: float

    @property
    def bar(self) -> float:
        """By how much rounding alone may make them differ."""
        return STRICT * self.size

    @property
    def holds(self) -> bool:
        """Whether they are equal to rounding."""
        return bool(abs(self.first - self.second) <= self.bar)

    def __str__(self) -> str:
        if self.holds:
            return f"{self.name.partition(',')[0]}: holds to rounding"
        return f"{self.name}: {self.first:.10g} and {self.second:.10g} should be equal but are not"


def weights(random: np.random.Generator, size: int) -> Floats:
    """Return random numbers of both signs between 1/2 and 3/2 in size: none hides its entry."""
    return np.asarray(random.uniform(0.5, 1.5, size) * random.choice([-1.0, 1.0], size))


def adjoint(
    forward: Callable[[Floats], NDArray[Any]],
    backward: Callable[[Floats], NDArray[Any]],
    n: int,
    random: np.random.Generator,
) -> Identity:
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
    return Identity("adjoint test, w.(J v) and (w J).v", w @ product, back @ v, size)


def linearity(
    apply: Callable[[Floats], NDArray[Any]], matrix: NDArray[Any], random: np.random.Generator
) -> Identity:
    """Compare a product with a random vector with what the products with unit vectors add up to.

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
    asked, added = np.ravel(apply(v)), matrix @ v
    sizes = np.abs(matrix) @ np.abs(v)
    with np.errstate(all="ignore"):
        worst = int(np.argmax(np.nan_to_num(np.abs(asked - added) / sizes)))
    return Identity("linearity of the product", asked[worst], added[worst], float(sizes[worst]))


def symmetry(matrix: NDArray[Any], bars: Floats) -> Identity:
    """Compare a Hessian (n, n) with its transpose, at the worst pair.

    Parameters
    ----------
    matrix : array (n, n)
        The Hessian.
    bars : array (n, n)
        By how much each entry may be off.
    """
    gap, either = np.abs(matrix - matrix.T), bars + bars.T
    sizes = np.maximum(np.abs(matrix), np.abs(matrix.T)) + either / STRICT
    with np.errstate(all="ignore"):
        worst = np.argmax(np.nan_to_num(gap / sizes))
    i, j = (int(k) for k in np.unravel_index(worst, matrix.shape))
    name = f"symmetry, worst at entries [{i}, {j}] and [{j}, {i}]"
    return Identity(name, matrix[i, j], matrix[j, i], float(sizes[i, j]))
