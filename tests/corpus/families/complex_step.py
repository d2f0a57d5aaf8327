# ruff: noqa: ARG005  (a formula takes the functions that it is made of)
"""The complex step: of analytic functions, which are not flagged, and of others, which must be."""

from __future__ import annotations

import numpy as np
from scipy import special

from tests.corpus.families.core import NUMPY, Instance, Random, loguniform, scalar, uniform

COMPLEX = {"method": "complex"}


def _analytic(formula, x: float) -> Instance:
    f = lambda t: formula(NUMPY, t)
    return scalar(formula, x, f=f, options=COMPLEX, tags="smooth exact")


def log_times_sine(rng: Random) -> Instance:
    a = uniform(rng, 1, 8)
    return _analytic(lambda m, t: m.log(t) * m.sin(a * t), uniform(rng, 0.1, 3))


def product_of_exponentials(rng: Random) -> Instance:
    a, b = uniform(rng, -3, 3), uniform(rng, 1, 9)
    return _analytic(lambda m, t: m.exp(a * t) * m.cos(b * t), uniform(rng, -2, 2))


def rational(rng: Random) -> Instance:
    a, b = uniform(rng, 0.5, 5), uniform(rng, 0.1, 2)
    return _analytic(lambda m, t: (a * t - 1) / (b + t * t) ** 2, uniform(rng, -2, 2))


def squire_trapp(rng: Random) -> Instance:
    formula = lambda m, t: m.exp(t) / m.sqrt(m.sin(t) ** 3 + m.cos(t) ** 3)
    return _analytic(formula, uniform(rng, -0.5, 1.5))


def roots_and_powers(rng: Random) -> Instance:
    p = uniform(rng, 0.2, 4)
    return _analytic(lambda m, t: t**p * m.sqrt(1 + t) - m.log(t), uniform(rng, 0.2, 5))


def hyperbolic(rng: Random) -> Instance:
    a, b = uniform(rng, 0.3, 3), uniform(rng, -1, 1)
    return _analytic(lambda m, t: m.tanh(a * t + b) ** 2 - t / 3, uniform(rng, -1.5, 1.5))


def polynomial(rng: Random) -> Instance:
    c = rng.uniform(-2, 2, int(rng.integers(3, 9))).tolist()
    return _analytic(lambda m, t: sum(b * t**k for k, b in enumerate(c)), uniform(rng, -2, 2))


def fast_wave(rng: Random) -> Instance:
    a = loguniform(rng, 10, 300)
    return _analytic(lambda m, t: m.sin(a * t) * m.exp(-t * t), uniform(rng, -1, 1))


def arctan_of_square(rng: Random) -> Instance:
    a = uniform(rng, 0.3, 3)
    return _analytic(lambda m, t: m.atan(a * t * t) + t, uniform(rng, 0.1, 2))


ANALYTIC = (
    log_times_sine,
    product_of_exponentials,
    rational,
    squire_trapp,
    roots_and_powers,
    hyperbolic,
    polynomial,
    fast_wave,
    arctan_of_square,
)


# --- Not analytic in the code, though the real function has its derivative ---


def _unsafe(f, formula, x: float) -> Instance:
    return scalar(formula, x, f=f, options=COMPLEX)


def modulus(rng: Random) -> Instance:
    a = uniform(rng, 0.3, 3)
    f = lambda t: np.abs(a * t) ** 1.5 + t
    return _unsafe(f, lambda m, t: abs(a * t) ** 1.5 + t, uniform(rng, 0.3, 2))


def real_part(rng: Random) -> Instance:
    a = uniform(rng, 0.3, 3)
    f = lambda t: np.exp(a * t) + np.sin(np.real(t))
    return _unsafe(f, lambda m, t: m.exp(a * t) + m.sin(t), uniform(rng, -2, 2))


def conjugate(rng: Random) -> Instance:
    a = uniform(rng, 0.3, 3)
    f = lambda t: np.real(np.conj(t) * t) + a * t
    return _unsafe(f, lambda m, t: t * t + a * t, uniform(rng, 0.3, 2))


def norm(rng: Random) -> Instance:
    a = uniform(rng, 0.3, 3)
    f = lambda t: np.linalg.norm(np.array([t, a])) + np.sin(t)
    return _unsafe(f, lambda m, t: m.sqrt(t * t + a * a) + m.sin(t), uniform(rng, 0.3, 2))


def vdot(rng: Random) -> Instance:
    a = uniform(rng, 0.3, 3)

    def f(t):
        v = np.array([t, a * t])
        return np.vdot(v, v) + np.exp(t)

    return _unsafe(f, lambda m, t: (1 + a * a) * t * t + m.exp(t), uniform(rng, 0.3, 2))


def small_unsafe_part(rng: Random) -> Instance:
    c = loguniform(rng, 1e-6, 1e-1)
    f = lambda t: np.exp(t) + c * np.abs(t) * 2
    return _unsafe(f, lambda m, t: m.exp(t) + 2 * c * abs(t), uniform(rng, 0.3, 2))


def bessel_of_real(rng: Random) -> Instance:
    f = lambda t: special.jv(0, np.real(t)) + np.sin(t)
    return _unsafe(f, lambda m, t: m.besselj(0, t) + m.sin(t), uniform(rng, 0.3, 2))


def half_of_the_slope(rng: Random) -> Instance:
    a = uniform(rng, 0.3, 3)
    f = lambda t: np.sin(a * t) + np.sin(a * np.real(t))
    return _unsafe(f, lambda m, t: 2 * m.sin(a * t), uniform(rng, 0.3, 2))


UNSAFE = (
    modulus,
    real_part,
    conjugate,
    norm,
    vdot,
    small_unsafe_part,
    bessel_of_real,
    half_of_the_slope,
)

FAMILIES = {"complex step": ANALYTIC, "complex step, unsafe": UNSAFE}
