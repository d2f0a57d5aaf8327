"""Derivatives as compiled functions, to be called inside other compiled code.

Each takes an ``@njit`` function and returns one, ``g(x) -> (value, error)``. They follow the same
ladder as the operators of the package, in the same machine code. What the operators would look at
closer, such as kinks, jumps and values that differ between calls, has an infinite error here.

What f raises at x itself reaches the caller; raised beside x it means that f is not defined there.
Numba does not hand on exceptions from inside ``prange``, neither these nor any other.
A compiled function that calls one of these cannot be cached on disk, since it holds addresses.

Examples
--------
>>> import math
>>> from numba import njit
>>> slope = derivative(njit(lambda x: math.exp(x)))
>>> value, error = slope(1.0)
>>> bool(abs(value - math.e) <= error < 1e-12)
True
"""

from numdiff.native.operators import derivative, gradient, hessian, jacobian

__all__ = ["derivative", "gradient", "hessian", "jacobian"]
