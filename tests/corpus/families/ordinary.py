# ruff: noqa: ARG005  (a formula takes the functions that it is made of)
"""Controls: likelihoods, special functions, matrices, polynomials, Monte Carlo, engineering."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
from scipy import linalg, special

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


def _gradient(formula, x) -> Instance:
    x = np.array(x)
    return array(formula, x, "gradient", exact=partial(by_complex_step, formula, x), tags=BOTH)


# --- Likelihoods ---


def normal(rng: Random) -> Instance:
    d = uniform(rng, -3, 9) + rng.standard_normal(50) * loguniform(rng, 0.3, 3)
    formula = lambda m, q: np.sum(((d - q[0]) / q[1]) ** 2) / 2 + 50 * m.log(q[1])
    return _gradient(formula, [uniform(rng, -1, 5), loguniform(rng, 0.5, 4)])


def logistic_regression(rng: Random) -> Instance:
    n = int(rng.integers(2, 7))
    X, y = rng.standard_normal((40, n)), rng.integers(0, 2, 40)
    formula = lambda m, q: np.sum(m.log1p(m.exp(X @ q)) - y * (X @ q))
    return _gradient(formula, rng.standard_normal(n))


def poisson_regression(rng: Random) -> Instance:
    n = int(rng.integers(2, 6))
    X, y = rng.standard_normal((40, n)) / 2, rng.poisson(2, 40)
    return _gradient(lambda m, q: np.sum(m.exp(X @ q) - y * (X @ q)), rng.standard_normal(n))


def weibull(rng: Random) -> Instance:
    d = rng.weibull(1.5, 40) * 2

    def formula(m, q):
        z = m.exp(q[0] * m.log(d / q[1]))
        return np.sum(z - (q[0] - 1) * m.log(d)) - 40 * (m.log(q[0]) - q[0] * m.log(q[1]))

    return _gradient(formula, [uniform(rng, 0.7, 3), uniform(rng, 0.7, 4)])


def mixture(rng: Random) -> Instance:
    d = np.concatenate([rng.standard_normal(20), 4 + rng.standard_normal(20)])

    def formula(m, q):
        one = m.exp(-((d - q[0]) ** 2) / 2)
        return -np.sum(m.log(0.4 * one + 0.6 * m.exp(-((d - q[1]) ** 2) / 2)))

    return _gradient(formula, [uniform(rng, -1, 1), uniform(rng, 3, 5)])


def student(rng: Random) -> Instance:
    d = rng.standard_t(4, 30)
    formula = lambda m, q: 2.5 * np.sum(m.log1p(((d - q[0]) / q[1]) ** 2 / 4)) + 30 * m.log(q[1])
    return _gradient(formula, [uniform(rng, -1, 1), loguniform(rng, 0.5, 3)])


LIKELIHOODS = (normal, logistic_regression, poisson_regression, weibull, mixture, student)


# --- Special functions ---


def _special(f, formula, x: float, *, exact=None, tags=BOTH) -> Instance:
    return scalar(formula, x, f=lambda t: float(f(t)), exact=exact, tags=tags)


def log_gamma(rng: Random) -> Instance:
    x = loguniform(rng, 0.2, 50)
    return _special(special.gammaln, lambda m, t: m.loggamma(t), x, exact=lambda m, t: m.psi(0, t))


def error_function(rng: Random) -> Instance:
    return _special(special.erf, lambda m, t: m.erf(t), uniform(rng, -2, 2))


def bessel(rng: Random) -> Instance:
    n = int(rng.integers(0, 4))
    formula = lambda m, t: m.besselj(n, t)
    return _special(partial(special.jn, n), formula, uniform(rng, 0.5, 15))


def airy(rng: Random) -> Instance:
    f = lambda t: special.airy(t)[0]
    return _special(f, lambda m, t: m.airyai(t), uniform(rng, -6, 2), tags="smooth")


def exponential_integral(rng: Random) -> Instance:
    x = loguniform(rng, 0.1, 10)
    exact = lambda m, t: -m.exp(-t) / t
    return _special(special.exp1, lambda m, t: m.e1(t), x, exact=exact)


def gamma_share(rng: Random) -> Instance:
    a = uniform(rng, 0.5, 8)
    exact = lambda m, t: t ** (a - 1) * m.exp(-t) / m.gamma(a)
    formula = lambda m, t: m.gammainc(a, 0, t, regularized=True)
    return _special(partial(special.gammainc, a), formula, uniform(rng, 0.5, 8), exact=exact)


def normal_quantile(rng: Random) -> Instance:
    formula = lambda m, t: m.sqrt(2) * m.erfinv(2 * t - 1)
    return _special(special.ndtri, formula, uniform(rng, 0.02, 0.98))


def lambert(rng: Random) -> Instance:
    f = lambda t: special.lambertw(t).real
    return _special(f, lambda m, t: m.lambertw(t), loguniform(rng, 0.05, 50))


SPECIAL = (
    log_gamma,
    error_function,
    bessel,
    airy,
    exponential_integral,
    gamma_share,
    normal_quantile,
    lambert,
)


# --- Matrices ---


def _pair(rng: Random):
    n = int(rng.integers(2, 5))
    A, B = rng.standard_normal((2, n, n))
    return A @ A.T + np.eye(n), B + B.T


def _matrix(f, formula, rng: Random) -> Instance:
    A, B = _pair(rng)
    reference = lambda m, t: formula(m, m.matrix(A.tolist()) + t * m.matrix(B.tolist()))
    f_along = lambda t: float(f(A + t * B))
    return scalar(reference, uniform(rng, -0.1, 0.1), f=f_along, tags="smooth")


def log_determinant(rng: Random) -> Instance:
    f = lambda M: np.linalg.slogdet(M)[1]
    return _matrix(f, lambda m, M: m.log(abs(m.det(M))), rng)


def determinant(rng: Random) -> Instance:
    return _matrix(np.linalg.det, lambda m, M: m.det(M), rng)


def entry_of_inverse(rng: Random) -> Instance:
    f = lambda M: np.linalg.inv(M)[0, 1]
    return _matrix(f, lambda m, M: (M**-1)[0, 1], rng)


def quadratic_form(rng: Random) -> Instance:
    f = lambda M: np.linalg.solve(M, np.arange(1.0, len(M) + 1)).sum()

    def formula(m, M):
        solved = m.lu_solve(M, m.matrix(list(range(1, M.rows + 1))))
        return sum(solved)

    return _matrix(f, formula, rng)


def trace_of_exponential(rng: Random) -> Instance:
    def formula(m, M):
        powers = m.expm(M / 4)
        return sum(powers[i, i] for i in range(M.rows))

    return _matrix(lambda M: np.trace(linalg.expm(M / 4)), formula, rng)


def frobenius(rng: Random) -> Instance:
    return _matrix(np.linalg.norm, lambda m, M: m.sqrt(sum(e * e for e in M)), rng)


MATRICES = (
    log_determinant,
    determinant,
    entry_of_inverse,
    quadratic_form,
    trace_of_exponential,
    frobenius,
)


# --- Polynomials ---


def by_horner(rng: Random) -> Instance:
    c = rng.uniform(-3, 3, int(rng.integers(3, 12))).tolist()

    def formula(m, x):
        total = 0 * x
        for weight in c:
            total = total * x + weight
        return total

    return scalar(formula, uniform(rng, -2, 2), tags="smooth")


def by_roots(rng: Random) -> Instance:
    roots = rng.uniform(-2, 2, int(rng.integers(2, 9))).tolist()
    formula = lambda m, x: math.prod(x - r for r in roots)
    return scalar(formula, uniform(rng, -3, 3), tags="smooth")


def low_degree(rng: Random) -> Instance:
    a, b, c = (sign(rng) * loguniform(rng, 0.1, 10) for _ in range(3))
    return scalar(lambda m, x: a * x * x + b * x + c, uniform(rng, -3, 3), tags="smooth")


def second_order(rng: Random) -> Instance:
    c = rng.uniform(-3, 3, int(rng.integers(4, 8))).tolist()
    formula = lambda m, x: sum(w * x**k for k, w in enumerate(c))
    return scalar(formula, uniform(rng, -2, 2), order=2, tags="smooth")


POLYNOMIALS = (by_horner, by_roots, low_degree, second_order)


# --- Monte Carlo with a fixed seed: f is what it is, draws are constants ---


def mean_of_exponentials(rng: Random) -> Instance:
    z = rng.standard_normal(200)
    formula = lambda m, q: np.sum(m.exp(q[0] + q[1] * z)) / len(z)
    return _gradient(formula, [uniform(rng, -1, 1), uniform(rng, 0.2, 1)])


def call_price(rng: Random) -> Instance:
    z = rng.standard_normal(200).tolist()
    formula = lambda m, s: sum(max(s * m.exp(0.2 * v - 0.02) - 100, 0) for v in z) / len(z)
    return scalar(formula, uniform(rng, 80, 120))


def fresh_generator(rng: Random) -> Instance:
    seed = int(rng.integers(1000))
    draws = np.random.default_rng(seed).standard_normal(100).tolist()
    f = lambda t: float(np.mean(np.sin(t * np.random.default_rng(seed).standard_normal(100) + t)))
    formula = lambda m, t: sum(m.sin(t * v + t) for v in draws) / len(draws)
    return scalar(formula, uniform(rng, 0.3, 3), f=f, tags=BOTH)


def smoothed_share(rng: Random) -> Instance:
    z = rng.standard_normal(200).tolist()
    h = loguniform(rng, 0.05, 0.5)
    formula = lambda m, t: sum(1 / (1 + m.exp((v - t) / h)) for v in z) / len(z)
    return scalar(formula, uniform(rng, -1, 1), tags=BOTH)


MONTE_CARLO = (mean_of_exponentials, call_price, fresh_generator, smoothed_share)


# --- Formulas of engineering ---


def antoine(rng: Random) -> Instance:
    formula = lambda m, t: 10 ** (8.07131 - 1730.63 / (233.426 + t))
    return scalar(formula, uniform(rng, 5, 95), tags=BOTH)


def van_der_waals(rng: Random) -> Instance:
    t = uniform(rng, 280, 500)
    formula = lambda m, v: 8.314 * t / (v - 4.267e-5) - 0.364 / v**2
    return scalar(formula, loguniform(rng, 2e-4, 2e-2), tags=BOTH)


def swamee_jain(rng: Random) -> Instance:
    e = loguniform(rng, 1e-6, 1e-2)
    formula = lambda m, r: 0.25 / (m.log(e / 3.7 + 5.74 / r**0.9) / m.log(10)) ** 2
    return scalar(formula, loguniform(rng, 5e3, 1e8), tags=BOTH)


def diode(rng: Random) -> Instance:
    formula = lambda m, v: 1e-12 * (m.exp(v / 0.02585) - 1)
    return scalar(formula, uniform(rng, 0.2, 0.8), tags=BOTH)


def black_scholes(rng: Random) -> Instance:
    k, v, t = uniform(rng, 80, 120), uniform(rng, 0.1, 0.5), uniform(rng, 0.2, 2)

    def formula(m, s):
        root = v * m.sqrt(t)
        d = (m.log(s / k) + (0.02 + v * v / 2) * t) / root
        share = lambda u: m.erfc(-u / m.sqrt(2)) / 2
        return s * share(d) - k * m.exp(-0.02 * t) * share(d - root)

    return scalar(formula, uniform(rng, 80, 120), tags=BOTH)


def arrhenius(rng: Random) -> Instance:
    a, e = loguniform(rng, 1e3, 1e13), uniform(rng, 3e4, 1e5)
    return scalar(lambda m, t: a * m.exp(-e / (8.314 * t)), uniform(rng, 280, 900), tags=BOTH)


def planck(rng: Random) -> Instance:
    t = uniform(rng, 1000, 6000)
    formula = lambda m, w: 3.742e-16 / w**5 / (m.exp(1.4388e-2 / (w * t)) - 1)
    return scalar(formula, loguniform(rng, 3e-7, 1e-5), tags=BOTH)


def lennard_jones(rng: Random) -> Instance:
    formula = lambda m, r: 4 * ((3.4 / r) ** 12 - (3.4 / r) ** 6)
    return scalar(formula, uniform(rng, 3, 8), tags=BOTH)


def great_circle(rng: Random) -> Instance:
    a, b = uniform(rng, -1, 1), uniform(rng, 0.3, 2)

    def formula(m, p):
        inner = m.sin((p - a) / 2) ** 2 + m.cos(a) * m.cos(p) * m.sin(b / 2) ** 2
        return 2 * 6371 * m.asin(m.sqrt(inner))

    return scalar(formula, uniform(rng, -1, 1), tags="smooth")


ENGINEERING = (
    antoine,
    van_der_waals,
    swamee_jain,
    diode,
    black_scholes,
    arrhenius,
    planck,
    lennard_jones,
    great_circle,
)

FAMILIES = {
    "likelihoods": LIKELIHOODS,
    "special functions": SPECIAL,
    "matrices": MATRICES,
    "polynomials": POLYNOMIALS,
    "monte carlo": MONTE_CARLO,
    "engineering": ENGINEERING,
}
