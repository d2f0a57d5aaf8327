"""Finite-difference stencils with exact rational weights."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import count, pairwise
from numbers import Integral, Rational, Real
from typing import Self

__all__ = ["Stencil"]


@dataclass(frozen=True, init=False, repr=False)
class Stencil:
    """A finite-difference formula, given by the points at which it asks for f.

    It stands for ``sum(w * f(x + o * h)) / h**order`` over its offsets ``o`` and weights ``w``. The
    weights follow from the offsets alone and are exact rational numbers: they are those of the
    derivative, at 0, of the polynomial that interpolates f at the offsets. Fornberg (1988),
    doi:10.1090/S0025-5718-1988-0935077-0, tabulates them; here they are read off the Lagrange basis
    polynomials.

    Parameters
    ----------
    offsets : iterable of int, float or Fraction
        Where f is asked for, in units of the step h: distinct and at least ``order + 1`` of them.
        They are converted to Fractions without rounding, and sorted.
    order : int, default 1
        Order of the derivative, at least 1.

    Raises
    ------
    TypeError
        If an offset is not a real number, or `order` is not an integer.
    ValueError
        If an offset is not finite or occurs twice, if there are too few offsets, or if `order` is
        below 1.

    Examples
    --------
    >>> stencil = Stencil((-1, 0, 2))
    >>> [str(weight) for weight in stencil.weights]
    ['-2/3', '1/2', '1/6']
    >>> stencil.accuracy
    2
    """

    offsets: tuple[Fraction, ...]
    order: int

    def __init__(self, offsets: Iterable[float | Fraction], order: int = 1) -> None:
        order = _at_least_one("order", order)
        exact = tuple(sorted(_exact(offset) for offset in offsets))
        twice = [str(low) for low, high in pairwise(exact) if low == high]
        if twice:
            raise ValueError(f"`offsets` must be distinct, but {twice[0]} occurs more than once")
        if len(exact) <= order:
            raise ValueError(
                f"`offsets` has {len(exact)} points, but a derivative of order {order} "
                f"needs at least {order + 1}: add points or lower `order`"
            )
        object.__setattr__(self, "offsets", exact)
        object.__setattr__(self, "order", order)

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash((self.offsets, self.order))  # of fractions, which takes a while

    def __repr__(self) -> str:
        offsets = ", ".join(str(o) if o.denominator == 1 else repr(o) for o in self.offsets)
        return f"Stencil(({offsets}), order={self.order})"

    @classmethod
    def central(cls, order: int = 1, accuracy: int = 2) -> Self:
        """Return the smallest symmetric stencil on the integers.

        Parameters
        ----------
        order : int, default 1
            Order of the derivative, at least 1.
        accuracy : int, default 2
            Power of h in the leading error term: even, because symmetric stencils gain two powers
            at a time.

        Returns
        -------
        Stencil
            With the offsets -k to k. For odd orders the weight at 0 is 0.

        Raises
        ------
        TypeError
            If an argument is not an integer.
        ValueError
            If `order` is below 1, or `accuracy` is odd or below 2.

        Examples
        --------
        >>> Stencil.central(order=2, accuracy=4)
        Stencil((-2, -1, 0, 1, 2), order=2)
        """
        order, accuracy = _at_least_one("order", order), _at_least_one("accuracy", accuracy)
        if accuracy % 2:
            raise ValueError(
                f"`accuracy` of a central stencil must be even, got {accuracy}: "
                f"ask for {accuracy + 1}"
            )
        reach = (order + 1) // 2 - 1 + accuracy // 2
        return cls(range(-reach, reach + 1), order)

    @classmethod
    def forward(cls, order: int = 1, accuracy: int = 1) -> Self:
        """Return the smallest stencil on the integers from 0 upwards.

        Parameters
        ----------
        order : int, default 1
            Order of the derivative, at least 1.
        accuracy : int, default 1
            Power of h in the leading error term, at least 1.

        Returns
        -------
        Stencil
            With the offsets 0 to ``order + accuracy - 1``.

        Raises
        ------
        TypeError
            If an argument is not an integer.
        ValueError
            If an argument is below 1.

        Examples
        --------
        >>> Stencil.forward(accuracy=2)
        Stencil((0, 1, 2), order=1)
        """
        order, accuracy = _at_least_one("order", order), _at_least_one("accuracy", accuracy)
        return cls(range(order + accuracy), order)

    @classmethod
    def backward(cls, order: int = 1, accuracy: int = 1) -> Self:
        """Return the mirror image of `forward`.

        Parameters
        ----------
        order : int, default 1
            Order of the derivative, at least 1.
        accuracy : int, default 1
            Power of h in the leading error term, at least 1.

        Returns
        -------
        Stencil
            With the offsets ``-(order + accuracy - 1)`` to 0.

        Raises
        ------
        TypeError
            If an argument is not an integer.
        ValueError
            If an argument is below 1.

        Examples
        --------
        >>> Stencil.backward()
        Stencil((-1, 0), order=1)
        """
        order, accuracy = _at_least_one("order", order), _at_least_one("accuracy", accuracy)
        return cls(range(1 - order - accuracy, 1), order)

    @cached_property
    def weights(self) -> tuple[Fraction, ...]:
        """The exact weight of each offset, to be divided by ``h**order``.

        It is the derivative at 0 of a Lagrange basis polynomial.
        """
        nodal = [Fraction(1)]  # the polynomial with all offsets as roots
        for offset in self.offsets:
            nodal = _times_root(nodal, offset)
        weights = []
        for offset in self.offsets:
            basis = _without_root(nodal, offset)
            scale = math.prod(offset - other for other in self.offsets if other != offset)
            weights.append(math.factorial(self.order) * basis[self.order] / scale)
        return tuple(weights)

    @cached_property
    def accuracy(self) -> int:
        """The power of h in the leading error term.

        The n weights make the moments ``sum(w * o**k)`` right for k < n. The first wrong one at or
        beyond k = n belongs to the leading error term, h**(k - order): symmetry gives away one
        moment or more.
        """
        return next(k for k in count(len(self.offsets)) if self._moment(k)) - self.order

    @property
    def noise_gain(self) -> float:
        """The 2-norm of the weights.

        Independent errors of standard deviation s in the values of f give the derivative a standard
        deviation of ``noise_gain * s / h**order``.
        """
        return math.sqrt(sum(weight**2 for weight in self.weights))

    @property
    def evaluations(self) -> int:
        """How many values of f the formula uses: a point of weight 0 needs none."""
        return sum(weight != 0 for weight in self.weights)

    def _moment(self, power: int) -> Fraction:
        pairs = zip(self.offsets, self.weights, strict=True)
        return sum((weight * offset**power for offset, weight in pairs), Fraction(0))


def _times_root(coefficients: Sequence[Fraction], root: Fraction) -> list[Fraction]:
    """Multiply a polynomial, lowest coefficient first, by (x - root)."""
    pairs = pairwise([Fraction(0), *coefficients, Fraction(0)])
    return [high - root * low for high, low in pairs]


def _without_root(coefficients: Sequence[Fraction], root: Fraction) -> list[Fraction]:
    """Divide a polynomial, lowest coefficient first, by (x - root), its factor."""
    quotient = [coefficients[-1]]
    for coefficient in coefficients[-2:0:-1]:
        quotient.append(coefficient + root * quotient[-1])
    return quotient[::-1]


def _exact(offset: object) -> Fraction:
    # int() and float() take NumPy's scalars, whose fixed width must not leak into exact arithmetic
    if isinstance(offset, Rational):
        return Fraction(int(offset.numerator), int(offset.denominator))
    if not isinstance(offset, Real):
        raise TypeError(f"`offsets` must be real numbers, got {offset!r}")
    if not math.isfinite(offset):
        raise ValueError(f"`offsets` must be finite, got {offset!r}")
    return Fraction(float(offset))


def _at_least_one(name: str, number: object) -> int:
    if not isinstance(number, Integral) or isinstance(number, bool):
        raise TypeError(f"`{name}` must be an integer, got {number!r}")
    if number < 1:
        raise ValueError(f"`{name}` must be at least 1, got {number}")
    return int(number)
