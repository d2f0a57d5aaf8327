# ruff: noqa: ARG005  (a formula takes the functions that it is made of)
"""Hessians: mixed derivatives that exist along the diagonals only, steep products, plain sums."""

from __future__ import annotations

import numpy as np

from tests.corpus.families.core import (
    MISSING,
    Instance,
    Random,
    array,
    loguniform,
    uniform,
)


def _centre(rng: Random) -> np.ndarray:
    """The origin, or another point that doubles hold exactly."""
    return np.zeros(2) if rng.random() < 0.5 else rng.integers(-8, 9, 2) / 4


def _singular(rng: Random, product, exact=MISSING) -> Instance:
    """The mixed derivative of ``product`` at 0 is ``exact``; both others vanish."""
    centre, a = _centre(rng), loguniform(rng, 0.1, 10)
    u, v = rng.uniform(-1, 1, 2).tolist()

    def formula(m, q):
        x, y = q - centre
        return a * product(m, x, y) + u * x * x + v * y * y

    truth = np.array([[2 * u, exact], [exact, 2 * v]])
    return array(formula, centre, "hessian", exact=lambda: truth)


def abs_of_product(rng: Random) -> Instance:
    return _singular(rng, lambda m, x, y: abs(x * y))


def peano(rng: Random) -> Instance:
    def product(m, x, y):
        size = x * x + y * y
        return x * y * (x * x - y * y) / size if size else 0 * x

    return _singular(rng, product)


def hinge_of_product(rng: Random) -> Instance:
    return _singular(rng, lambda m, x, y: max(x * y, 0 * x))


def smaller_of_both(rng: Random) -> Instance:
    def product(m, x, y):
        return min(abs(x), abs(y)) ** 2

    return _singular(rng, product, exact=0.0)


def product_times_log(rng: Random) -> Instance:
    def product(m, x, y):
        size = x * x + y * y
        return x * y * m.log(size) if size else 0 * x

    return _singular(rng, product)


def homogeneous(rng: Random) -> Instance:
    def product(m, x, y):
        size = x * x + y * y
        return x * x * y * y / size if size else 0 * x

    return _singular(rng, product, exact=0.0)


def product_of_sides(rng: Random) -> Instance:
    return _singular(rng, lambda m, x, y: max(x, 0 * x) * max(y, 0 * y))


def abs_times_line(rng: Random) -> Instance:
    return _singular(rng, lambda m, x, y: abs(x) * y)


SINGULAR = (
    abs_of_product,
    peano,
    hinge_of_product,
    smaller_of_both,
    product_times_log,
    homogeneous,
    product_of_sides,
    abs_times_line,
)


# --- Those that exist ---


def steep_product(rng: Random) -> Instance:
    k = loguniform(rng, 1e2, 1e7)
    exact = np.array([[0, k], [k, 0.0]])
    return array(lambda m, q: m.tanh(k * q[0] * q[1]), [0, 0], "hessian", exact=lambda: exact)


def steep_product_beside(rng: Random) -> Instance:
    k = loguniform(rng, 1e2, 1e6)
    x = np.array([uniform(rng, -1, 1), uniform(rng, -1, 1)]) / np.sqrt(k)
    return array(lambda m, q: m.atan(k * q[0] * q[1]) + q[0] ** 2, x, "hessian")


def steep_sine(rng: Random) -> Instance:
    k = loguniform(rng, 1e1, 1e4)
    x = rng.uniform(-1, 1, 2)
    return array(lambda m, q: m.sin(k * q[0] * q[1]) / k + q[1] ** 2, x, "hessian")


def cubes_of_abs(rng: Random) -> Instance:
    a, b = rng.uniform(0.5, 2, 2).tolist()
    formula = lambda m, q: abs(q[0]) ** 3 * a + abs(q[1]) ** 3 * b + q[0] * q[1]
    exact = np.array([[0, 1], [1, 0.0]])
    return array(formula, [0, 0], "hessian", exact=lambda: exact)


def peano_beside(rng: Random) -> Instance:
    x = rng.uniform(0.5, 2, 2) * loguniform(rng, 1e-3, 1)
    formula = lambda m, q: q[0] * q[1] * (q[0] ** 2 - q[1] ** 2) / (q[0] ** 2 + q[1] ** 2)
    return array(formula, x, "hessian", tags="smooth exact")


def product_beside_kink(rng: Random) -> Instance:
    x = rng.uniform(0.5, 2, 2)
    k = x[0] + loguniform(rng, 1e-4, 1e-1)
    formula = lambda m, q: max(q[0] - k, 0 * k) * q[1] + m.exp(q[0] * q[1] / 2)
    return array(formula, x, "hessian")


def coupled_ripple(rng: Random) -> Instance:
    a, w = loguniform(rng, 1e-7, 1e-4), loguniform(rng, 10, 100)
    x = rng.uniform(0.5, 2, 2)
    formula = lambda m, q: q[0] ** 2 * q[1] + a * m.sin(w * q[0]) * m.sin(w * q[1])
    return array(formula, x, "hessian")


def power_of_product(rng: Random) -> Instance:
    p = uniform(rng, 2.2, 3.8)
    formula = lambda m, q: abs(q[0] * q[1]) ** p + q[0] * q[1]
    exact = np.array([[0, 1], [1, 0.0]])
    return array(formula, [0, 0], "hessian", exact=lambda: exact)


REGULAR = (
    steep_product,
    steep_product_beside,
    steep_sine,
    cubes_of_abs,
    peano_beside,
    product_beside_kink,
    coupled_ripple,
    power_of_product,
)


# --- Hessians of plain smooth functions: sums of g(p.x) ---

SHAPES = {
    "logcosh": (lambda m, u: m.log(m.cosh(u)), lambda u: 1 / np.cosh(u) ** 2),
    "logaddexp": (lambda m, u: m.log(m.exp(u) + m.exp(-u)), lambda u: 1 / np.cosh(u) ** 2),
    "tanh": (lambda m, u: m.tanh(u), lambda u: -2 * np.tanh(u) / np.cosh(u) ** 2),
    "softplus": (lambda m, u: m.log1p(m.exp(u)), lambda u: 0.25 / np.cosh(u / 2) ** 2),
    "gauss": (lambda m, u: m.exp(-u * u), lambda u: (4 * u * u - 2) * np.exp(-u * u)),
}


def _sum_of(shape: str, rng: Random) -> Instance:
    g, curvature = SHAPES[shape]
    n = int(rng.integers(2, 7))
    P = rng.standard_normal((n + int(rng.integers(0, 3)), n)) * loguniform(rng, 1, 6)
    x = rng.uniform(-1, 1, n) * loguniform(rng, 0.1, 1)

    def exact():
        Q = P.astype(np.longdouble)
        return (Q.T * curvature(Q @ x.astype(np.longdouble))) @ Q

    return array(lambda m, v: np.sum(g(m, P @ v)), x, "hessian", exact=exact, tags="smooth exact")


def logcosh(rng: Random) -> Instance:
    return _sum_of("logcosh", rng)


def logaddexp(rng: Random) -> Instance:
    return _sum_of("logaddexp", rng)


def tanh(rng: Random) -> Instance:
    return _sum_of("tanh", rng)


def softplus(rng: Random) -> Instance:
    return _sum_of("softplus", rng)


def gauss(rng: Random) -> Instance:
    return _sum_of("gauss", rng)


SUMS = (logcosh, logaddexp, tanh, softplus, gauss)

FAMILIES = {"mixed, missing": SINGULAR, "mixed": REGULAR, "hessians": SUMS}
