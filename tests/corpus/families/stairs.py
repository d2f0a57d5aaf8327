# ruff: noqa: ARG005  (a formula takes the functions that it is made of)
"""Functions that are flat at the smallest steps: stairs, flat ground, kinks that rounding hides.

The truth of stairs is the slope of the trend; where the stairs stand half a step or a whole one
aside, all slopes within that distance are as good.
"""

from __future__ import annotations

import math
from bisect import bisect_right

import numpy as np

from tests.corpus.families.core import (
    MISSING,
    Instance,
    Random,
    array,
    loguniform,
    scalar,
    sign,
    uniform,
)


def _stairs(f, x, slope, step) -> Instance:
    """Stairs of this width in x; ``slope`` is the trend's."""
    ends = [slope(x + k * step) for k in (-1.0, -0.5, 0.0, 0.5, 1.0)]
    return Instance(f, x, lambda: (min(ends), max(ends)))


# --- Stairs ---


def nearest_of_table(rng: Random) -> Instance:
    n, a = int(rng.integers(300, 3000)), uniform(rng, 0.5, 2)
    table = np.sin(a * np.linspace(0, 3, n + 1))
    f = lambda t: float(table[min(max(round(t * n / 3), 0), n)])
    return _stairs(f, uniform(rng, 0.2, 0.6), lambda t: a * math.cos(a * t), 3 / n)


def nearest_of_geometric_table(rng: Random) -> Instance:
    grid = np.geomspace(0.1, 10, int(rng.integers(500, 3000)))
    middles, table = np.sqrt(grid[1:] * grid[:-1]), np.sqrt(grid) + grid
    f = lambda t: float(table[bisect_right(middles, t)])
    x = uniform(rng, 0.5, 4)
    return _stairs(f, x, lambda t: 0.5 / math.sqrt(t) + 1, x * (grid[1] / grid[0] - 1))


def log_of_rounded(rng: Random) -> Instance:
    d = int(rng.integers(2, 4))
    f = lambda x: math.log(round(x, d))
    return _stairs(f, uniform(rng, 0.3, 3), lambda x: 1 / x, 10.0**-d)


def exp_of_rounded(rng: Random) -> Instance:
    d, a = int(rng.integers(2, 4)), uniform(rng, 0.5, 2)
    f = lambda x: math.exp(a * round(x, d))
    return _stairs(f, uniform(rng, 0.3, 2), lambda x: a * math.exp(a * x), 10.0**-d)


def sum_over_arange(rng: Random) -> Instance:
    h, a = float(rng.choice([0.01, 0.005, 0.002])), uniform(rng, 0.5, 1.5)
    f = lambda p: float(np.sum(np.exp(-a * np.arange(0, p, h)) * h))
    return _stairs(f, uniform(rng, 0.7, 1.5), lambda p: math.exp(-a * p), h)


def log_of_sum_over_range(rng: Random) -> Instance:
    n = int(rng.integers(500, 3000))
    f = lambda p: math.log(sum(math.exp(-k / n) for k in range(int(p * n))) / n)
    slope = lambda p: math.exp(-p) / (1 - math.exp(-p))
    return _stairs(f, uniform(rng, 0.5, 1.5), slope, 1 / n)


def log_of_share(rng: Random) -> Instance:
    n = int(rng.integers(500, 5000))
    f = lambda x: math.log(math.floor(n * x) / n)
    return _stairs(f, uniform(rng, 0.3, 0.9), lambda x: 1 / x, 1 / n)


def log_of_count(rng: Random) -> Instance:
    n = int(rng.integers(2000, 20000))
    draws = np.sort(-np.log1p(-(np.arange(n) + 0.5) / n))
    f = lambda x: math.log(np.count_nonzero(draws < x) / n)
    x = uniform(rng, 0.4, 1.5)
    slope = lambda t: math.exp(-t) / (1 - math.exp(-t))
    return _stairs(f, x, slope, math.exp(x) / n)


def share_of_lattice(rng: Random) -> Instance:
    n = int(rng.integers(2000, 20000))
    draws = (np.arange(n) * 0.6180339887498949) % 1.0
    f = lambda x: float(np.mean(draws < x * x))
    x = uniform(rng, 0.4, 0.8)
    return _stairs(f, x, lambda t: 2 * t, 4 / n)


def rounded_values(rng: Random) -> Instance:
    d, a = int(rng.integers(2, 6)), uniform(rng, 0.5, 2)
    f = lambda x: round(math.sin(a * x), d)
    x = uniform(rng, 0.1, 0.5)
    return _stairs(f, x, lambda t: a * math.cos(a * t), 10.0**-d)


def converter(rng: Random) -> Instance:
    n = 2 ** int(rng.integers(8, 15))
    f = lambda x: 5.0 * math.floor(n * (0.5 + 0.4 * math.tanh(x))) / n
    x = uniform(rng, -0.5, 0.5)
    return _stairs(f, x, lambda t: 2.0 / math.cosh(t) ** 2, 3 / n)


def whole_steps_of_time(rng: Random) -> Instance:
    h = float(rng.choice([0.01, 0.005, 0.002]))
    k = uniform(rng, 0.3, 1)
    f = lambda t: (1 - k * h) ** math.floor(t / h)
    rate = math.log1p(-k * h) / h
    return _stairs(f, uniform(rng, 0.7, 2), lambda t: rate * math.exp(rate * t), h)


STAIRS = (
    nearest_of_table,
    nearest_of_geometric_table,
    log_of_rounded,
    exp_of_rounded,
    sum_over_arange,
    log_of_sum_over_range,
    log_of_share,
    log_of_count,
    share_of_lattice,
    rounded_values,
    converter,
    whole_steps_of_time,
)


# --- Flat ground ---


def constant(rng: Random) -> Instance:
    c = sign(rng) * loguniform(rng, 1e-6, 1e6)
    return scalar(lambda m, x: c + 0 * x, uniform(rng, -3, 3), exact=0.0, tags="smooth exact")


def below_threshold(rng: Random) -> Instance:
    x, c = uniform(rng, 0.1, 2), uniform(rng, 1, 5)
    k = x + uniform(rng, 0.2, 1)
    return scalar(lambda m, t: c + max(t - k, 0) ** 2, x, exact=0.0, tags="smooth exact")


def outside_of_clip(rng: Random) -> Instance:
    x = uniform(rng, 2, 4)
    k = uniform(rng, 0.5, 1.5)
    return scalar(lambda m, t: m.exp(min(t, k)), x, exact=0.0, tags="smooth exact")


def far_from_steps(rng: Random) -> Instance:
    x = math.floor(uniform(rng, 1, 9)) + uniform(rng, 0.3, 0.7)
    exact = 0.0
    return scalar(lambda m, t: 3 * m.floor(t) + 1, x, exact=exact, tags="smooth")


def saturated(rng: Random) -> Instance:
    x = uniform(rng, 40, 90)
    exact = lambda m, t: 1 - m.tanh(t) ** 2
    return scalar(lambda m, t: m.tanh(t), x, exact=exact, tags="smooth")


def dead_unit(rng: Random) -> Instance:
    w = uniform(rng, 0.5, 2)
    x = -uniform(rng, 0.3, 2)
    return scalar(lambda m, t: 2 * max(w * t - 0.1, 0) + 0.7, x, exact=0.0, tags="smooth exact")


FLAT = (constant, below_threshold, outside_of_clip, far_from_steps, saturated, dead_unit)


# --- Kinks that rounding hides: the function is flat about the kink ---


def _beside_or_at(rng: Random) -> float:
    """Zero in two of three cases, else a distance at which the function is already rounded."""
    return sign(rng) * loguniform(rng, 1e-7, 1e-3) if rng.random() < 1 / 3 else 0.0


def _distance(formula, rng: Random, slope: float = 1.0) -> Instance:
    """A formula that is slope * abs(z) up to rounding and a bend that is mild."""
    z = _beside_or_at(rng)
    exact = None if z else MISSING
    return scalar(formula, z, exact=exact)


def arccos_of_cos(rng: Random) -> Instance:
    a = uniform(rng, 0.3, 3)
    return _distance(lambda m, z: m.acos(m.cos(a * z)), rng)


def distance_by_squares(rng: Random) -> Instance:
    a = uniform(rng, 0.5, 3)
    return _distance(lambda m, z: m.sqrt(max((a + z * z) - a, 0)), rng)


def sine_from_cosine(rng: Random) -> Instance:
    return _distance(lambda m, z: m.sqrt(max(1 - m.cos(z) ** 2, 0)), rng)


def chord(rng: Random) -> Instance:
    a = uniform(rng, 0.5, 2)
    return _distance(lambda m, z: m.sqrt(max(2 * a * a - 2 * a * a * m.cos(z), 0)), rng)


def arcosh_of_cosh(rng: Random) -> Instance:
    formula = lambda m, z: m.acosh(max(m.cosh(z), 1))
    return _distance(formula, rng)


def half_angle(rng: Random) -> Instance:
    formula = lambda m, z: m.sqrt(max((1 - m.cos(z)) / 2, 0)) + z / 3
    return _distance(formula, rng)


def log_of_cosine(rng: Random) -> Instance:
    formula = lambda m, z: 2 + m.sqrt(max(-2 * m.log(m.cos(z)), 0))
    return _distance(formula, rng)


def spread_of_two(rng: Random) -> Instance:
    c = uniform(rng, 1, 3)
    formula = lambda m, q: m.sqrt(
        np.maximum((q[0] ** 2 + q[1] ** 2) / 2 - ((q[0] + q[1]) / 2) ** 2, 0)
    )
    return array(formula, [c, c], "gradient", exact=lambda: MISSING)


def angle_of_vectors(rng: Random) -> Instance:
    u, v = rng.standard_normal(2).tolist()

    def formula(m, z):
        a, b, c, d = u + 0 * z, v + 0 * z, u - z * v, v + z * u
        cosine = (a * c + b * d) / (m.sqrt(a * a + b * b) * m.sqrt(c * c + d * d))
        return m.acos(min(cosine, 1))

    return _distance(formula, rng)


HIDDEN = (
    arccos_of_cos,
    distance_by_squares,
    sine_from_cosine,
    chord,
    arcosh_of_cosh,
    half_angle,
    log_of_cosine,
    spread_of_two,
    angle_of_vectors,
)

FAMILIES = {"stairs": STAIRS, "flat": FLAT, "hidden kinks": HIDDEN}
