# ruff: noqa: ARG005  (a formula takes the functions that it is made of)
"""Bends of f' and f'' at x or beside it: parabolas, powers, hinges, splines."""

from __future__ import annotations

import math
from bisect import bisect_right

import numpy as np
from scipy.interpolate import Akima1DInterpolator, CubicSpline, PchipInterpolator

from tests.corpus.families.core import (
    INF,
    MISSING,
    Instance,
    Random,
    loguniform,
    scalar,
    sign,
    uniform,
)


def smooth_part(rng: Random):
    """A smooth function with a derivative far from zero near 0.3 to 2."""
    a = uniform(rng, 0.5, 2)
    return [
        lambda m, x: m.exp(a * x),
        lambda m, x: m.sin(a * x) + 2 * x * x,
        lambda m, x: m.log(1 + a * x) * 3 + x**3,
        lambda m, x: a * x**2 + m.cos(x),
        lambda m, x: m.sqrt(1 + a * x) + m.exp(-x) * 2,
    ][int(rng.integers(5))]


# --- First derivatives at a bend of f' ---


def two_parabolas(rng: Random) -> Instance:
    k, a, b = uniform(rng, -3, 3), loguniform(rng, 0.1, 10), loguniform(rng, 0.1, 10)
    formula = lambda m, x: 1 + (x - k) ** 2 * (a if x < k else b)
    return scalar(formula, k, exact=0.0)


def expectile(rng: Random) -> Instance:
    tau, k = uniform(rng, 0.02, 0.98), uniform(rng, -3, 3)
    formula = lambda m, x: abs(tau - (x < k)) * (x - k) ** 2 + 0.3 * x
    return scalar(formula, k, exact=0.3)


def pchip_extremum(rng: Random) -> Instance:
    knots = np.sort(rng.uniform(0, 6, 9))
    values = np.cos(np.arange(9) * math.pi) * rng.uniform(0.3, 2, 9)
    spline = PchipInterpolator(knots, values)
    i = int(rng.integers(2, 7))
    return scalar(_hermite(spline), knots[i], exact=0.0, f=lambda t: float(spline(t)))


def _hermite(spline):
    """A cubic spline of SciPy for numbers of any kind, from its values and slopes at the knots."""
    knots = spline.x.tolist()
    values, slopes = spline(knots).tolist(), spline(knots, 1).tolist()

    def formula(m, t):
        i = min(max(bisect_right(knots, t) - 1, 0), len(knots) - 2)
        h = m.mpf(knots[i + 1]) - knots[i]
        u = (t - knots[i]) / h
        rise = values[i] + (m.mpf(values[i + 1]) - values[i]) * u * u * (3 - 2 * u)
        return rise + h * u * (1 - u) * (slopes[i] * (1 - u) - slopes[i + 1] * u)

    return formula


def power_of_abs(rng: Random) -> Instance:
    p, k = uniform(rng, 1.02, 1.98), float(rng.choice([0.0, 1.0, 2.5]))
    return scalar(lambda m, x: abs(x - k) ** p + 0.7 * x, k, exact=0.7)


def one_sided_power(rng: Random) -> Instance:
    p, k = uniform(rng, 1.2, 1.98), uniform(rng, 0.3, 2)
    g = smooth_part(rng)
    formula = lambda m, x: g(m, x) + max(x - k, 0) ** p
    slope = _slope(g)
    return scalar(formula, k, exact=slope)


def _slope(g, order: int = 1):
    """A derivative of a smooth formula, as a formula of mpmath."""

    def derivative(m, x):
        with m.workdps(40 + 30 * (order + 1)):
            return m.diff(lambda t: g(m, t), x, order, h=m.mpf(10) ** -30)

    return derivative


def squared_hinge(rng: Random) -> Instance:
    k, c, g = uniform(rng, 0.3, 2), loguniform(rng, 0.1, 100), smooth_part(rng)
    formula = lambda m, x: g(m, x) + c * max(k - x, 0) ** 2
    return scalar(formula, k, exact=_slope(g))


def huber_at_threshold(rng: Random) -> Instance:
    d = uniform(rng, 0.3, 2)
    formula = lambda m, x: x * x / 2 if abs(x) <= d else d * (abs(x) - x * 0 - d / 2)
    return scalar(formula, sign(rng) * d, exact=lambda m, x: x)


def x_times_abs(rng: Random) -> Instance:
    k, g = uniform(rng, 0.3, 2), smooth_part(rng)
    formula = lambda m, x: g(m, x) + (x - k) * abs(x - k)
    return scalar(formula, k, exact=_slope(g))


FIRST = (
    two_parabolas,
    expectile,
    pchip_extremum,
    power_of_abs,
    one_sided_power,
    squared_hinge,
    huber_at_threshold,
    x_times_abs,
)


# --- Second and third derivatives beside a bend, and where they do not exist ---


def _beside(rng: Random, power: int, low: float, high: float) -> Instance:
    """A smooth part and a bend of the derivative of this power beside x."""
    g, x = smooth_part(rng), uniform(rng, 0.4, 1.8)
    k = x + sign(rng) * loguniform(rng, low, high)
    c = loguniform(rng, 0.1, 3) / math.factorial(power)
    formula = lambda m, t: g(m, t) + c * max(t - k, 0) ** power
    return scalar(formula, x, order=power, tags="")


def curvature_jumps(rng: Random) -> Instance:
    return _beside(rng, 2, 1e-6, 1e-3)


def curvature_jumps_further(rng: Random) -> Instance:
    return _beside(rng, 2, 1e-3, 1e-1)


def third_jumps(rng: Random) -> Instance:
    return _beside(rng, 3, 1e-5, 1e-2)


def two_parabolas_beside(rng: Random) -> Instance:
    k, a, b = uniform(rng, -3, 3), loguniform(rng, 0.2, 5), loguniform(rng, 0.2, 5)
    x = k + sign(rng) * loguniform(rng, 1e-6, 1e-2)
    formula = lambda m, t: (t - k) ** 2 * (a if t < k else b) + m.sin(t)
    exact = lambda m, t: 2 * (a if t < k else b) - m.sin(t)
    return scalar(formula, x, order=2, exact=exact)


def two_parabolas_at(rng: Random) -> Instance:
    k, a, b = uniform(rng, -3, 3), uniform(rng, 0.2, 1), uniform(rng, 1.5, 5)
    formula = lambda m, t: (t - k) ** 2 * (a if t < k else b) + 0.3 * t
    return scalar(formula, k, order=2, exact=MISSING)


def hinge_squared_at(rng: Random) -> Instance:
    k, g = uniform(rng, 0.3, 2), smooth_part(rng)
    c = loguniform(rng, 0.3, 30)
    formula = lambda m, t: g(m, t) + c * max(t - k, 0) ** 2
    return scalar(formula, k, order=2, exact=MISSING)


CURVATURES = (
    curvature_jumps,
    curvature_jumps_further,
    third_jumps,
    two_parabolas_beside,
    two_parabolas_at,
    hinge_squared_at,
)


def kink_beside(rng: Random) -> Instance:
    k = uniform(rng, 0.5, 1.5)
    x = k + sign(rng) * loguniform(rng, 1e-5, 1e-1)
    formula = lambda m, t: m.exp(t) * max(t - k, 0) + t**3
    exact = lambda m, t: (m.exp(t) * (t - k + 2) if t > k else 0) + 6 * t
    return scalar(formula, x, order=2, exact=exact)


def barrier_gamma(rng: Random) -> Instance:
    k, c = uniform(rng, 90, 110), loguniform(rng, 1e-3, 1e-1)
    x = k * (1 + sign(rng) * loguniform(rng, 1e-4, 1e-2))
    formula = lambda m, s: c * (s - 90) ** 2 + max(s - k, 0)
    return scalar(formula, x, order=2, exact=2 * c)


def abs_beside(rng: Random) -> Instance:
    g, x = smooth_part(rng), uniform(rng, 0.4, 1.8)
    k = x + sign(rng) * loguniform(rng, 1e-5, 1e-1)
    c = loguniform(rng, 1e-2, 3)
    return scalar(lambda m, t: g(m, t) + c * abs(t - k), x, order=2, exact=_slope(g, 2))


def kink_at(rng: Random) -> Instance:
    g, k = smooth_part(rng), uniform(rng, 0.4, 1.8)
    c = loguniform(rng, 1e-2, 3)
    return scalar(lambda m, t: g(m, t) + c * abs(t - k), k, order=2, exact=MISSING)


KINKS = (kink_beside, barrier_gamma, abs_beside, kink_at)


# --- Second derivatives of powers and logarithms at their singular point ---

RIGHT = {"bounds": (0.0, INF)}


def low_power(rng: Random) -> Instance:
    p, a = uniform(rng, 1.1, 1.95), loguniform(rng, 0.3, 3)
    return scalar(lambda m, x: a * x**p + x, 0.0, order=2, exact=MISSING, options=RIGHT)


def high_power(rng: Random) -> Instance:
    p, a = uniform(rng, 2.05, 3.9), loguniform(rng, 0.3, 3)
    return scalar(lambda m, x: a * x**p + x, 0.0, order=2, exact=0.0, options=RIGHT)


def low_power_of_abs(rng: Random) -> Instance:
    p, k = uniform(rng, 1.1, 1.95), float(rng.choice([0.0, 1.0, 2.5]))
    return scalar(lambda m, x: abs(x - k) ** p + 0.5 * x, k, order=2, exact=MISSING)


def high_power_of_abs(rng: Random) -> Instance:
    p, k = uniform(rng, 2.05, 3.9), float(rng.choice([0.0, 1.0, 2.5]))
    exact = lambda m, x: 1
    return scalar(lambda m, x: abs(x - k) ** p + x * x / 2, k, order=2, exact=exact)


def square_times_log(rng: Random) -> Instance:
    a = loguniform(rng, 0.3, 3)
    formula = lambda m, x: a * x * x * m.log(x) + x if x > 0 else 0 * x
    return scalar(formula, 0.0, order=2, exact=MISSING, options=RIGHT)


def square_times_log_of_abs(rng: Random) -> Instance:
    a = loguniform(rng, 0.3, 3)
    formula = lambda m, x: a * x * x * m.log(abs(x)) + m.sin(x) if x else 0 * x
    return scalar(formula, 0.0, order=2, exact=MISSING)


def cube_times_log(rng: Random) -> Instance:
    a, c = loguniform(rng, 0.3, 3), uniform(rng, 0.3, 3)
    formula = lambda m, x: (a * x**3 * m.log(x) if x > 0 else 0) + c * x * x
    return scalar(formula, 0.0, order=2, exact=2 * c, options=RIGHT)


POWERS = (
    low_power,
    high_power,
    low_power_of_abs,
    high_power_of_abs,
    square_times_log,
    square_times_log_of_abs,
    cube_times_log,
)


# --- Splines ---


def _spline_beside_knot(kind, rng: Random, order: int, tags: str) -> Instance:
    knots = np.linspace(0, 3, int(rng.integers(8, 20)))
    spline = kind(knots, np.sin(uniform(rng, 0.7, 2) * knots) + 0.3 * knots**2)
    x = float(rng.choice(knots[2:-2])) + sign(rng) * loguniform(rng, 1e-6, 1e-2)
    f = lambda t: float(spline(t))
    return scalar(_hermite(spline), x, order=order, f=f, tags=tags)


def cubic_order_2(rng: Random) -> Instance:
    return _spline_beside_knot(CubicSpline, rng, 2, "smooth")


def cubic_order_1(rng: Random) -> Instance:
    return _spline_beside_knot(CubicSpline, rng, 1, "smooth")


def pchip_order_2(rng: Random) -> Instance:
    return _spline_beside_knot(PchipInterpolator, rng, 2, "")


def pchip_order_1(rng: Random) -> Instance:
    return _spline_beside_knot(PchipInterpolator, rng, 1, "")


def akima_order_2(rng: Random) -> Instance:
    return _spline_beside_knot(Akima1DInterpolator, rng, 2, "")


def cubic_order_2_inside(rng: Random) -> Instance:
    knots = np.linspace(0, 3, int(rng.integers(8, 20)))
    spline = CubicSpline(knots, np.exp(-knots) + np.sin(2 * knots))
    i = int(rng.integers(2, len(knots) - 3))
    x = knots[i] + uniform(rng, 0.2, 0.8) * knots[1]
    f = lambda t: float(spline(t))
    return scalar(_hermite(spline), x, order=2, f=f, tags="smooth")


SPLINES = (
    cubic_order_2,
    cubic_order_1,
    pchip_order_2,
    pchip_order_1,
    akima_order_2,
    cubic_order_2_inside,
)

FAMILIES = {
    "bends, first": FIRST,
    "bends, second": CURVATURES,
    "kinks, second": KINKS,
    "powers, second": POWERS,
    "splines": SPLINES,
}
