# ruff: noqa: ARG005  (a formula takes the functions that it is made of)
"""Solvers inside f: the truth is the slope of the model, which the tolerance hides from f."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from scipy.integrate import quad, solve_ivp
from scipy.optimize import brentq, fsolve, newton

from tests.corpus.families.core import Instance, Random, loguniform, scalar, uniform

# --- Ordinary differential equations ---


def _ode(kind: str, rng: Random, tolerances) -> Instance:
    """A model with a closed form, its initial value or its rate as the parameter."""
    rtol = float(rng.choice(tolerances))
    right, formula, x, end = MODELS[int(rng.integers(len(MODELS)))](rng)

    def f(p):
        found = solve_ivp(right(p), (0, end), [2.0], method=kind, rtol=rtol, atol=rtol * 1e-3)
        return float(found.y[0, -1])

    return scalar(formula, x, f=f, accuracy=rtol)


def _decay(rng: Random):
    x, end = uniform(rng, 0.3, 1), uniform(rng, 1, 4)
    return lambda p: lambda t, y: -p * y, lambda m, p: 2 * m.exp(-p * end), x, end


def _logistic(rng: Random):
    x, end, k = uniform(rng, 0.5, 1.5), uniform(rng, 0.5, 2), uniform(rng, 4, 9)
    formula = lambda m, p: k / (1 + (k / 2 - 1) * m.exp(-p * end))
    return lambda p: lambda t, y: p * y * (1 - y / k), formula, x, end


def _driven(rng: Random):
    x, end = uniform(rng, 0.5, 2), uniform(rng, 1, 4)

    def formula(m, p):
        part = (p * m.cos(end) + m.sin(end)) / (p * p + 1)
        return part + (2 - p / (p * p + 1)) * m.exp(-p * end)

    return lambda p: lambda t, y: -p * y + np.cos(t), formula, x, end


MODELS = (_decay, _logistic, _driven)
USUAL = (1e-3, 1e-4, 1e-6)


def rk45(rng: Random) -> Instance:
    return _ode("RK45", rng, USUAL)


def rk45_default(rng: Random) -> Instance:
    return _ode("RK45", rng, (1e-3,))


def lsoda(rng: Random) -> Instance:
    return _ode("LSODA", rng, USUAL)


def bdf(rng: Random) -> Instance:
    return _ode("BDF", rng, (1e-3, 1e-4))


def radau(rng: Random) -> Instance:
    return _ode("Radau", rng, (1e-3, 1e-4))


def dop853(rng: Random) -> Instance:
    return _ode("DOP853", rng, USUAL)


ODES = (rk45, rk45_default, lsoda, bdf, radau, dop853)


# --- Roots and integrals ---


def _cubic(rng: Random):
    """The root v of v**3 + c v = p, in closed form."""
    c = uniform(rng, 0.5, 2)

    def formula(m, p):
        root = m.sqrt(p * p / 4 + c**3 / m.mpf(27))
        return m.cbrt(p / 2 + root) - m.cbrt(root - p / 2)

    return c, formula, uniform(rng, 1, 6)


def brent(rng: Random) -> Instance:
    c, formula, x = _cubic(rng)
    tol = float(rng.choice([1e-5, 1e-6, 1e-8]))
    f = lambda p: brentq(lambda v: v**3 + c * v - p, 0, 10, xtol=tol, rtol=1e-12)
    return scalar(formula, x, f=f, accuracy=tol)


def newton_method(rng: Random) -> Instance:
    c, formula, x = _cubic(rng)
    tol = float(rng.choice([1e-4, 1e-6]))
    slope = lambda v, p: 3 * v * v + c
    f = lambda p: float(newton(lambda v, p: v**3 + c * v - p, 1.0, slope, args=(p,), tol=tol))
    return scalar(formula, x, f=f, accuracy=tol)


def secant_method(rng: Random) -> Instance:
    c, formula, x = _cubic(rng)
    tol = float(rng.choice([1e-4, 1e-6]))
    f = lambda p: float(newton(lambda v: v**3 + c * v - p, 1.0, tol=tol))
    return scalar(formula, x, f=f, accuracy=tol)


def fsolve_loose(rng: Random) -> Instance:
    c, formula, x = _cubic(rng)
    tol = float(rng.choice([1e-3, 1e-5]))
    f = lambda p: float(fsolve(lambda v: v**3 + c * v - p, 1.0, xtol=tol)[0])
    return scalar(formula, x, f=f, accuracy=tol)


def bisection_by_hand(rng: Random) -> Instance:
    c, formula, x = _cubic(rng)
    tol = loguniform(rng, 1e-8, 1e-4)

    def f(p):
        low, high = 0.0, 10.0
        while high - low > tol:
            middle = (low + high) / 2
            low, high = (low, middle) if middle**3 + c * middle > p else (middle, high)
        return (low + high) / 2

    return scalar(formula, x, f=f, accuracy=tol)


def quad_of_exponential(rng: Random) -> Instance:
    tol = float(rng.choice([1e-3, 1e-5, 1e-8]))
    a = uniform(rng, 1, 5)
    f = lambda p: quad(
        lambda t: math.exp(-p * t) * abs(math.cos(a * t)), 0, 2, epsrel=tol, epsabs=0
    )[0]

    def formula(m, p):
        ends = [(m.mpf(k) - m.mpf(1) / 2) * m.pi / a for k in range(1, 5)]
        ends = [0, *(e for e in ends if 0 < e < 2), 2]
        whole = lambda t: m.exp(-p * t) * (a * m.sin(a * t) - p * m.cos(a * t)) / (p * p + a * a)
        return sum(abs(whole(e) - whole(s)) for s, e in pairwise(ends))

    return scalar(formula, uniform(rng, 0.3, 2), f=f, accuracy=tol)


ROOTS = (
    brent,
    newton_method,
    secant_method,
    fsolve_loose,
    bisection_by_hand,
    quad_of_exponential,
)

FAMILIES = {"odes": ODES, "roots": ROOTS}
