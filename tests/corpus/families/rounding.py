# ruff: noqa: ARG005  (a formula takes the functions that it is made of)
"""Functions whose value cancels: removable singularities, frozen terms, cancelling sums."""

from __future__ import annotations

import math

import numpy as np

from tests.corpus.families.core import (
    INF,
    Instance,
    Random,
    array,
    loguniform,
    scalar,
    sign,
    uniform,
)

SMOOTH = "smooth"


def _small(rng: Random, low: float = 1e-8, high: float = 1e-3) -> float:
    return sign(rng) * loguniform(rng, low, high)


# --- Removable singularities ---


def expm1_twice(rng: Random) -> Instance:
    a = uniform(rng, 0.3, 3)
    return scalar(lambda m, x: (m.exp(a * x) - 1 - a * x) / x**2, _small(rng), tags=SMOOTH)


def one_minus_cos(rng: Random) -> Instance:
    a = uniform(rng, 0.3, 3)
    return scalar(lambda m, x: (1 - m.cos(a * x)) / x**2, _small(rng, 1e-7), tags=SMOOTH)


def x_minus_sin(rng: Random) -> Instance:
    return scalar(lambda m, x: (x - m.sin(x)) / x**3, _small(rng, 1e-6, 1e-2), tags=SMOOTH)


def tan_minus_x(rng: Random) -> Instance:
    return scalar(lambda m, x: (m.tan(x) - x) / x**3, _small(rng, 1e-6, 1e-2), tags=SMOOTH)


def sinh_minus_x(rng: Random) -> Instance:
    a = uniform(rng, 0.5, 2)
    x = _small(rng, 1e-6, 1e-2)
    return scalar(lambda m, x: (m.sinh(a * x) - a * x) / x**3, x, tags=SMOOTH)


def log_minus_x(rng: Random) -> Instance:
    return scalar(lambda m, x: (m.log(1 + x) - x) / x**2, _small(rng), tags=SMOOTH)


def root_minus_line(rng: Random) -> Instance:
    x = _small(rng)
    return scalar(lambda m, x: (m.sqrt(1 + x) - 1 - x / 2) / x**2, x, tags=SMOOTH)


def coth(rng: Random) -> Instance:
    def formula(m, x):
        return (m.exp(x) + m.exp(-x)) / (m.exp(x) - m.exp(-x)) - 1 / x

    return scalar(formula, _small(rng, 1e-7, 1e-2), tags=SMOOTH)


def bernoulli(rng: Random) -> Instance:
    return scalar(lambda m, x: x / (m.exp(x) - 1), _small(rng), tags=SMOOTH)


def planck_tail(rng: Random) -> Instance:
    x = loguniform(rng, 1e-7, 1e-2)
    return scalar(lambda m, x: 1 / (m.exp(x) - 1) - 1 / x, x, tags=SMOOTH)


def box_cox(rng: Random) -> Instance:
    y = uniform(rng, 1.5, 9)
    return scalar(lambda m, x: (y**x - 1) / x, _small(rng), tags=SMOOTH)


def debye_like(rng: Random) -> Instance:
    def formula(m, x):
        return 2 * (m.exp(-x) + x - 1) / x**2

    return scalar(formula, loguniform(rng, 1e-7, 1e-2), tags=SMOOTH)


REMOVABLE = (
    expm1_twice,
    one_minus_cos,
    x_minus_sin,
    tan_minus_x,
    sinh_minus_x,
    log_minus_x,
    root_minus_line,
    coth,
    bernoulli,
    planck_tail,
    box_cox,
    debye_like,
)


# --- Terms that freeze below their own rounding, and fast starts ---


def fast_start(rng: Random) -> Instance:
    tau, a = loguniform(rng, 1e-9, 1e-5), uniform(rng, 0.2, 5)
    formula = lambda m, t: a * (1 - m.exp(-t / tau))
    return scalar(formula, 0.0, exact=a / tau, options={"bounds": (0.0, INF)}, tags=SMOOTH)


def saturation(rng: Random) -> Instance:
    k, a = loguniform(rng, 1e-9, 1e-5), uniform(rng, 0.2, 5)
    formula = lambda m, s: 1 + a * s / (s + k)
    return scalar(formula, 0.0, exact=a / k, options={"bounds": (0.0, INF)}, tags=SMOOTH)


def fast_step(rng: Random) -> Instance:
    w = loguniform(rng, 1e-8, 1e-5)
    a = uniform(rng, 0.3, 3)
    exact = lambda m, x: a + (1 - m.tanh(x / w) ** 2) / w
    return scalar(lambda m, x: 1 + a * x + m.tanh(x / w), 0.0, exact=exact, tags=SMOOTH)


def square_of_a_sum(rng: Random) -> Instance:
    x = [loguniform(rng, 1e5, 1e7), uniform(rng, 0.3, 3)]
    formula = lambda m, q: (q[0] + q[1]) ** 2 - q[0] ** 2 - 2 * q[0] * q[1]
    return array(formula, x, "gradient", exact=lambda: np.array([0.0, 2 * x[1]]), tags=SMOOTH)


def cube_of_a_sum(rng: Random) -> Instance:
    a = round(loguniform(rng, 1e3, 1e5))
    formula = lambda m, x: (a + x) ** 3 - a**3 - 3 * a**2 * x - 3 * a * x**2
    return scalar(formula, uniform(rng, 0.3, 3), exact=lambda m, x: 3 * x**2, tags=SMOOTH)


def root_minus_root(rng: Random) -> Instance:
    x = loguniform(rng, 1e4, 1e8)
    exact = lambda m, t: t / m.sqrt(t * t + 1) - 1
    return scalar(lambda m, t: m.sqrt(t * t + 1) - t, x, exact=exact, tags=SMOOTH)


def softplus_minus_x(rng: Random) -> Instance:
    exact = lambda m, t: -1 / (1 + m.exp(t))
    x = uniform(rng, 12, 35)
    return scalar(lambda m, t: m.log(1 + m.exp(t)) - t, x, exact=exact, tags=SMOOTH)


def tail_of_tanh(rng: Random) -> Instance:
    exact = lambda m, t: m.tanh(t) ** 2 - 1
    return scalar(lambda m, t: 1 - m.tanh(t), uniform(rng, 8, 18), exact=exact, tags=SMOOTH)


def small_on_large(rng: Random) -> Instance:
    a, c = uniform(rng, 0.5, 3), loguniform(rng, 1e6, 1e11)
    exact = lambda m, t: a * m.cos(a * t)
    return scalar(lambda m, t: c + m.sin(a * t), uniform(rng, 0.2, 1), exact=exact, tags=SMOOTH)


FREEZING = (
    fast_start,
    saturation,
    fast_step,
    square_of_a_sum,
    cube_of_a_sum,
    root_minus_root,
    softplus_minus_x,
    tail_of_tanh,
    small_on_large,
)


# --- Cancelling sums ---


def expanded_power(rng: Random) -> Instance:
    n = int(rng.integers(3, 8))
    weights = [math.comb(n, k) * (-1) ** (n - k) for k in range(n + 1)]
    formula = lambda m, x: sum(w * x**k for k, w in enumerate(weights))
    x = 1 + _small(rng, 1e-3, 0.3)
    return scalar(formula, x, exact=lambda m, x: n * (x - 1) ** (n - 1), tags=SMOOTH)


def heron(rng: Random) -> Instance:
    b, c = uniform(rng, 1, 3), loguniform(rng, 1e-7, 1e-3)

    def formula(m, a):
        s = (a + b + c) / 2
        return m.sqrt(s * (s - a) * (s - b) * (s - c))

    return scalar(formula, b + c * uniform(rng, -0.7, 0.7), tags=SMOOTH)


def variance_by_squares(rng: Random) -> Instance:
    n = int(rng.integers(3, 7))
    x = loguniform(rng, 1e2, 1e7) + rng.standard_normal(n)
    formula = lambda m, q: np.sum(q * q) / n - (np.sum(q) / n) ** 2
    return array(formula, x, "gradient", tags=SMOOTH)


def smaller_root(rng: Random) -> Instance:
    a, c = uniform(rng, 0.5, 2), uniform(rng, 0.5, 2)
    formula = lambda m, b: (-b + m.sqrt(b * b - 4 * a * c)) / (2 * a)
    return scalar(formula, loguniform(rng, 1e2, 1e8), tags=SMOOTH)


def series_of_exp(rng: Random) -> Instance:
    def formula(m, x):
        term, total = 1, 1
        for k in range(1, 90):
            term = -term * x / k
            total = total + term
        return total

    return scalar(formula, uniform(rng, 4, 18), tags=SMOOTH)


def rump_like(rng: Random) -> Instance:
    c = loguniform(rng, 1e4, 1e9)
    formula = lambda m, x: (c + x) * (c - x) - c * c + m.sin(x)
    exact = lambda m, x: -2 * x + m.cos(x)
    return scalar(formula, uniform(rng, 0.3, 3), exact=exact, tags=SMOOTH)


def telescoping(rng: Random) -> Instance:
    a = [uniform(rng, 1e3, 1e6) for _ in range(6)]
    formula = lambda m, x: sum(((c + m.exp(x)) - c) for c in a)
    exact = lambda m, x: len(a) * m.exp(x)
    return scalar(formula, uniform(rng, -2, 2), exact=exact, tags=SMOOTH)


def log_ratio(rng: Random) -> Instance:
    a = uniform(rng, 0.3, 3)
    formula = lambda m, x: (m.log(x + a) - m.log(x)) * x - a
    return scalar(formula, loguniform(rng, 1e2, 1e7), tags=SMOOTH)


def chebyshev_by_powers(rng: Random) -> Instance:
    n = int(rng.integers(6, 16))
    weights = np.polynomial.chebyshev.cheb2poly([0] * n + [1])
    formula = lambda m, x: sum(int(w) * x**k for k, w in enumerate(weights))
    return scalar(formula, sign(rng) * uniform(rng, 0.1, 0.99), tags=SMOOTH)


CANCELLING = (
    expanded_power,
    heron,
    variance_by_squares,
    smaller_root,
    series_of_exp,
    rump_like,
    telescoping,
    log_ratio,
    chebyshev_by_powers,
)

FAMILIES = {"removable": REMOVABLE, "freezing": FREEZING, "cancelling": CANCELLING}
