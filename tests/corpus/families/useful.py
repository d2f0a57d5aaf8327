# ruff: noqa: ARG005  (a formula takes the functions that it is made of)
"""Smooth functions on which bars must be of use: squares, peaks, growth, waves, float32."""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from tests.corpus.families.bends import smooth_part
from tests.corpus.families.core import (
    Instance,
    Random,
    array,
    by_complex_step,
    loguniform,
    scalar,
    sign,
    uniform,
)

BOTH = "smooth exact"


# --- Slopes of squares ---


def _square(rng: Random, shape) -> Instance:
    a, b, c = loguniform(rng, 0.5, 10), uniform(rng, -1, 1), uniform(rng, -0.9, 0.9)
    x = uniform(rng, -2, 2) / a
    return scalar(lambda m, t: (shape(m, a * t + b) - c) ** 2, x, tags=BOTH)


def of_tanh(rng: Random) -> Instance:
    return _square(rng, lambda m, u: m.tanh(u))


def of_sigmoid(rng: Random) -> Instance:
    return _square(rng, lambda m, u: 1 / (1 + m.exp(-u)))


def of_runge(rng: Random) -> Instance:
    return _square(rng, lambda m, u: 1 / (1 + u * u))


def of_gauss(rng: Random) -> Instance:
    return _square(rng, lambda m, u: m.exp(-u * u))


def of_arctan(rng: Random) -> Instance:
    return _square(rng, lambda m, u: m.atan(u))


def of_sine(rng: Random) -> Instance:
    return _square(rng, lambda m, u: m.sin(u))


SQUARES = (of_tanh, of_sigmoid, of_runge, of_gauss, of_arctan, of_sine)


# --- A bend of f or f' in reach of the larger steps only ---


def _bend(rng: Random, shape) -> Instance:
    g, x = smooth_part(rng), uniform(rng, 0.4, 1.8)
    k = x + sign(rng) * loguniform(rng, 2e-2, 0.5)
    c = loguniform(rng, 0.1, 2)
    return scalar(lambda m, t: g(m, t) + c * shape(m, t - k), x, tags=BOTH)


def squared_hinge(rng: Random) -> Instance:
    return _bend(rng, lambda m, u: max(u, 0) ** 2)


def u_times_abs(rng: Random) -> Instance:
    return _bend(rng, lambda m, u: u * abs(u))


def elu(rng: Random) -> Instance:
    return _bend(rng, lambda m, u: u if u > 0 else m.expm1(u))


def square_of_elu(rng: Random) -> Instance:
    return _bend(rng, lambda m, u: (u if u > 0 else m.expm1(u)) ** 2 + u)


def huber(rng: Random) -> Instance:
    return _bend(rng, lambda m, u: u * u / 2 if abs(u) < 0.1 else 0.1 * (abs(u) - 0.05))


def hinge(rng: Random) -> Instance:
    return _bend(rng, lambda m, u: max(u, 0))


NEAR_BENDS = (squared_hinge, u_times_abs, elu, square_of_elu, huber, hinge)


# --- Gradients of least squares ---


def _least_squares(model, t, y, b, tags=BOTH) -> Instance:
    formula = lambda m, q: np.sum((model(m, q) - y) ** 2)
    b = np.array(b)
    return array(formula, b, "gradient", exact=partial(by_complex_step, formula, b), tags=tags)


def _peaks(count: int, rng: Random) -> Instance:
    t = np.linspace(100, 700, int(rng.integers(40, 121)))
    heights = rng.uniform(0.5, 1, count)

    def model(m, q):
        parts = zip(heights, q[::2], q[1::2], strict=True)
        return sum(h * m.exp(-(((t - c) / w) ** 2)) for h, c, w in parts)

    b = np.ravel([(rng.uniform(150, 650), loguniform(rng, 8, 60)) for _ in range(count)])
    return _least_squares(model, t, 0.3 + 0.1 * np.sin(t), b)


def one_peak(rng: Random) -> Instance:
    return _peaks(1, rng)


def two_peaks(rng: Random) -> Instance:
    return _peaks(2, rng)


def four_peaks(rng: Random) -> Instance:
    return _peaks(4, rng)


def lorentz_peaks(rng: Random) -> Instance:
    t = np.linspace(0, 10, 80)
    model = lambda m, q: q[0] / (1 + ((t - q[1]) / q[2]) ** 2) + q[3]
    b = [uniform(rng, 0.5, 5), uniform(rng, 2, 8), loguniform(rng, 0.15, 2), uniform(rng, 0.1, 1)]
    return _least_squares(model, t, np.cos(3 * t) + 1, b)


PEAKS = (one_peak, two_peaks, four_peaks, lorentz_peaks)


def richards(rng: Random) -> Instance:
    t = np.arange(1.0, 16.0)
    y = 700 / (1 + np.exp(5.2 - 0.76 * t)) ** (1 / 1.28) + 3 * np.sin(7 * t)
    model = lambda m, q: q[0] / (1 + m.exp(q[1] - q[2] * t)) ** (1 / q[3])
    b = [
        loguniform(rng, 90, 900),
        uniform(rng, 3, 12),
        uniform(rng, 0.4, 1.2),
        uniform(rng, 0.5, 2),
    ]
    return _least_squares(model, t, y, b)


def logistic(rng: Random) -> Instance:
    t = np.arange(0.0, 20.0)
    y = 80 / (1 + np.exp(4 - 0.5 * t)) + np.cos(5 * t)
    model = lambda m, q: q[0] / (1 + m.exp(q[1] - q[2] * t))
    b = [loguniform(rng, 20, 300), uniform(rng, 1, 8), uniform(rng, 0.2, 1)]
    return _least_squares(model, t, y, b)


def gompertz(rng: Random) -> Instance:
    t = np.arange(0.0, 20.0)
    y = 80 * np.exp(-np.exp(2 - 0.3 * t)) + np.cos(5 * t)
    model = lambda m, q: q[0] * m.exp(-m.exp(q[1] - q[2] * t))
    b = [loguniform(rng, 20, 300), uniform(rng, 1, 3), uniform(rng, 0.1, 0.6)]
    return _least_squares(model, t, y, b)


def two_exponentials(rng: Random) -> Instance:
    t = np.linspace(0, 5, 33)
    y = 2 * np.exp(-t) + np.exp(-3 * t) + 0.05 * np.sin(9 * t)
    model = lambda m, q: q[0] * m.exp(-q[1] * t) + q[2] * m.exp(-q[3] * t)
    b = [uniform(rng, 0.5, 4), uniform(rng, 0.3, 2), uniform(rng, 0.5, 4), uniform(rng, 2, 6)]
    return _least_squares(model, t, y, b)


def michaelis(rng: Random) -> Instance:
    t = np.geomspace(0.02, 1.1, 12)
    y = 210 * t / (t + 0.06) + 8 * np.sin(40 * t)
    model = lambda m, q: q[0] * t / (t + q[1])
    return _least_squares(model, t, y, [uniform(rng, 100, 300), loguniform(rng, 0.01, 0.5)])


GROWTH = (richards, logistic, gompertz, two_exponentials, michaelis)


# --- Sums of fast cosines ---


def cosines_of_one(rng: Random) -> Instance:
    a, w = rng.uniform(-1, 1, 8).tolist(), rng.uniform(5, 80, 8).tolist()
    formula = lambda m, t: sum(b * m.cos(v * t) for b, v in zip(a, w, strict=True))
    return scalar(formula, uniform(rng, -2, 2), tags=BOTH)


def cosines_of_many(rng: Random) -> Instance:
    n, scale = int(rng.integers(2, 7)), loguniform(rng, 3, 60)
    W, p = rng.standard_normal((10, n)) * scale, rng.uniform(0, 6, 10)
    x = rng.uniform(-1, 1, n)
    formula = lambda m, q: np.sum(m.cos(W @ q + p))
    return array(formula, x, "gradient", exact=partial(by_complex_step, formula, x), tags=BOTH)


def rastrigin(rng: Random) -> Instance:
    n = int(rng.integers(2, 7))
    x = rng.uniform(-4, 4, n)
    formula = lambda m, q: np.sum(q * q - 10 * m.cos(2 * math.pi * q) + 10)
    return array(formula, x, "gradient", exact=partial(by_complex_step, formula, x), tags=BOTH)


def griewank(rng: Random) -> Instance:
    n = int(rng.integers(2, 6))
    x, r = rng.uniform(-50, 50, n), np.sqrt(np.arange(1.0, n + 1))
    formula = lambda m, q: np.sum(q * q) / 4000 - np.prod(m.cos(q / r)) + 1
    return array(formula, x, "gradient", exact=partial(by_complex_step, formula, x), tags=BOTH)


def chirp(rng: Random) -> Instance:
    a, b = loguniform(rng, 3, 100), uniform(rng, 0.5, 5)
    return scalar(lambda m, t: m.cos(a * t * t) + m.sin(b * t), uniform(rng, 0.2, 2), tags=BOTH)


COSINES = (cosines_of_one, cosines_of_many, rastrigin, griewank, chirp)


# --- Functions for optimisers ---


def _problem(formula, x) -> Instance:
    x = np.array(x)
    return array(formula, x, "gradient", exact=partial(by_complex_step, formula, x), tags=BOTH)


def rosenbrock(rng: Random) -> Instance:
    formula = lambda m, q: np.sum(100 * (q[1:] - q[:-1] ** 2) ** 2 + (1 - q[:-1]) ** 2)
    return _problem(formula, rng.uniform(-2, 2, int(rng.integers(2, 9))))


def beale(rng: Random) -> Instance:
    c = (1.5, 2.25, 2.625)
    formula = lambda m, q: sum((b - q[0] * (1 - q[1] ** (k + 1))) ** 2 for k, b in enumerate(c))
    return _problem(formula, rng.uniform(-3, 3, 2))


def powell(rng: Random) -> Instance:
    def formula(m, q):
        a, b, c, d = q
        return (a + 10 * b) ** 2 + 5 * (c - d) ** 2 + (b - 2 * c) ** 4 + 10 * (a - d) ** 4

    return _problem(formula, rng.uniform(-3, 3, 4))


def badly_scaled(rng: Random) -> Instance:
    formula = lambda m, q: (
        (1e4 * q[0] * q[1] - 1) ** 2 + (m.exp(-q[0]) + m.exp(-q[1]) - 1.0001) ** 2
    )
    return _problem(formula, [uniform(rng, 0.1, 2), uniform(rng, 0.5, 8)])


def ackley_part(rng: Random) -> Instance:
    formula = lambda m, q: (
        -20 * m.exp(-m.sqrt(np.sum(q * q)) / 5) - m.exp(np.sum(m.cos(2 * math.pi * q)) / len(q))
    )
    return _problem(formula, rng.uniform(-4, 4, int(rng.integers(2, 6))))


def bard(rng: Random) -> Instance:
    u = np.arange(1.0, 16.0)
    v, w = 16 - u, np.minimum(u, 16 - u)
    formula = lambda m, q: np.sum((q[0] + u / (v * q[1] + w * q[2]) - 0.3) ** 2)
    return _problem(formula, rng.uniform(0.3, 3, 3))


PROBLEMS = (rosenbrock, beale, powell, badly_scaled, ackley_part, bard)


# --- Single precision: the truth is the slope of the function behind it ---


def _single(formula, single, x: float) -> Instance:
    return scalar(formula, x, f=lambda t: float(single(np.float32(t))))


def line(rng: Random) -> Instance:
    a, b = np.float32(uniform(rng, -100, 100)), np.float32(uniform(rng, -2, 2))
    formula = lambda m, t: float(a) + t * float(b)
    return _single(formula, lambda t: a + t * b, uniform(rng, 0.3, 3))


def sine(rng: Random) -> Instance:
    return _single(lambda m, t: m.sin(t), np.sin, uniform(rng, 0.1, 3))


def exponential(rng: Random) -> Instance:
    return _single(lambda m, t: m.exp(t), np.exp, uniform(rng, -2, 3))


def parabola(rng: Random) -> Instance:
    c = np.float32(uniform(rng, -20, 20))
    single = lambda t: t * t * c + np.float32(1)
    return _single(lambda m, t: t * t * float(c) + 1, single, uniform(rng, 0.2, 3))


def sum_of_logs(rng: Random) -> Instance:
    d = rng.uniform(0.5, 3, 50).astype(np.float32)
    formula = lambda m, t: sum(m.log(t + c) for c in d.astype(float).tolist())
    return _single(formula, lambda t: np.sum(np.log(t + d)), uniform(rng, 0.3, 3))


SINGLE = (line, sine, exponential, parabola, sum_of_logs)

FAMILIES = {
    "squares": SQUARES,
    "near bends": NEAR_BENDS,
    "peaks": PEAKS,
    "growth": GROWTH,
    "cosines": COSINES,
    "optimisation": PROBLEMS,
    "single precision": SINGLE,
}
