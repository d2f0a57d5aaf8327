"""Functions with right derivatives written by hand, for the checks of such derivatives.

Gradients, Jacobians and Hessians as users write them, and functions with noise, with single
precision inside, with kinks, close to the edge of their domain, or random.  Formulas take complex
numbers, so that a complex step proves the hand-written derivative; where f itself does not
(noise, single precision), ``reference`` is f without that.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from scipy import special

Function = Callable[[Any], Any]


class Pair(NamedTuple):
    """A function and its first derivative, of shape ``f.shape + x.shape``."""

    f: Function
    derivative: Function


class Triple(NamedTuple):
    """A function with its gradient and its Hessian."""

    f: Function
    gradient: Function
    hessian: Function


@dataclass(frozen=True, eq=False)
class Hand:
    """A function with a right derivative, of ``kind`` "gradient", "jacobian" or "hessian".

    ``tag`` is "smooth", or says what makes the derivative hard to check: "noisy", "float32",
    "kink" (at the point), "near kink", "edge" (of the domain) or "stochastic".  ``gradient`` is
    that of a Hessian.  ``reference`` has the same derivative and takes complex numbers.
    ``renewed`` gives a random f as it was before its first call.
    """

    name: str
    kind: str
    f: Function
    derivative: Function
    points: tuple[np.ndarray, ...]
    tag: str
    reference: Function
    gradient: Function | None = None
    renewed: Callable[[], Function] | None = None


class Task(NamedTuple):
    """One derivative to check: a function and one of its points."""

    hand: Hand
    number: int

    @property
    def name(self) -> str:
        return f"{self.hand.name}@{self.number}"

    @property
    def x(self) -> np.ndarray:
        return self.hand.points[self.number].copy()

    @property
    def f(self) -> Function:
        """The function, which says the same again if it is random."""
        return self.hand.renewed() if self.hand.renewed else self.hand.f


def half_of(name: str) -> str:
    """The half of the corpus a function belongs to, "tune" or "confirm"."""
    return "confirm" if zlib.crc32(name.encode()) % 2 else "tune"


def tasks(half: str | None = None, *tags: str) -> Iterator[Task]:
    """Yield the points of one half, or of both, of functions with these tags, or with any."""
    if half not in (None, "tune", "confirm"):
        raise ValueError(f"half must be None, 'tune' or 'confirm', not {half!r}")
    for hand in DERIVATIVES:
        if half in (None, half_of(hand.name)) and (not tags or hand.tag in tags):
            for number in range(len(hand.points)):
                yield Task(hand, number)


def _data(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


def _index(n: int) -> np.ndarray:
    """1.0, 2.0, ..., n."""
    return np.arange(1.0, n + 1)


def _stack(*columns: Any) -> np.ndarray:
    """Columns of equal length side by side."""
    return np.stack(np.broadcast_arrays(*columns), axis=-1)


def sum_of_squares(pair: Pair) -> Pair:
    """The sum of squared residuals, from residuals and their Jacobian."""

    def f(x):
        r = pair.f(x)
        return r @ r

    def gradient(x):
        return 2 * pair.derivative(x).T @ pair.f(x)

    return Pair(f, gradient)


# --- Residuals of Moré, Garbow and Hillstrom (1981, doi:10.1145/355934.355936) ---


def rosenbrock() -> Pair:
    def f(x):
        return np.array([10 * (x[1] - x[0] ** 2), 1 - x[0]])

    def jacobian(x):
        return np.array([[-20 * x[0], 10.0], [-1.0, 0.0]])

    return Pair(f, jacobian)


def freudenstein_roth() -> Pair:
    def f(x):
        a, b = x
        return np.array([a - 13 + ((5 - b) * b - 2) * b, a - 29 + ((b + 1) * b - 14) * b])

    def jacobian(x):
        b = x[1]
        return np.array([[1.0, 10 * b - 3 * b * b - 2], [1.0, 3 * b * b + 2 * b - 14]])

    return Pair(f, jacobian)


def powell_badly_scaled() -> Pair:
    def f(x):
        return np.array([1e4 * x[0] * x[1] - 1, np.exp(-x[0]) + np.exp(-x[1]) - 1.0001])

    def jacobian(x):
        return np.array([[1e4 * x[1], 1e4 * x[0]], [-np.exp(-x[0]), -np.exp(-x[1])]])

    return Pair(f, jacobian)


def brown_badly_scaled() -> Pair:
    def f(x):
        return np.array([x[0] - 1e6, x[1] - 2e-6, x[0] * x[1] - 2])

    def jacobian(x):
        return np.array([[1.0, 0.0], [0.0, 1.0], [x[1], x[0]]])

    return Pair(f, jacobian)


def beale() -> Pair:
    k = _index(3)
    y = np.array([1.5, 2.25, 2.625])

    def f(x):
        return y - x[0] * (1 - x[1] ** k)

    def jacobian(x):
        return _stack(x[1] ** k - 1, x[0] * k * x[1] ** (k - 1))

    return Pair(f, jacobian)


def helical_valley() -> Pair:
    def f(x):
        angle = np.arctan(x[1] / x[0]) / (2 * np.pi)
        radius = np.sqrt(x[0] ** 2 + x[1] ** 2)
        return np.array([10 * (x[2] - 10 * angle), 10 * (radius - 1), x[2]])

    def jacobian(x):
        square = x[0] ** 2 + x[1] ** 2
        radius = np.sqrt(square)
        turn = 100 / (2 * np.pi * square)
        return np.array(
            [
                [turn * x[1], -turn * x[0], 10.0],
                [10 * x[0] / radius, 10 * x[1] / radius, 0.0],
                [0.0, 0.0, 1.0],
            ]
        )

    return Pair(f, jacobian)


def bard() -> Pair:
    u = _index(15)
    v, w = 16 - u, np.minimum(u, 16 - u)
    y = 0.1 * u + 0.01 * u**2

    def f(x):
        return y - (x[0] + u / (v * x[1] + w * x[2]))

    def jacobian(x):
        square = (v * x[1] + w * x[2]) ** 2
        return _stack(-1.0, u * v / square, u * w / square)

    return Pair(f, jacobian)


def kowalik_osborne() -> Pair:
    u = np.array([4.0, 2.0, 1.0, 0.5, 0.25, 0.167, 0.125, 0.1, 0.0833, 0.0714, 0.0625])
    y = 0.2 / (1 + 1 / u)

    def f(x):
        return y - x[0] * (u**2 + u * x[1]) / (u**2 + u * x[2] + x[3])

    def jacobian(x):
        top, bottom = u**2 + u * x[1], u**2 + u * x[2] + x[3]
        slope = x[0] * top / bottom**2
        return _stack(-top / bottom, -x[0] * u / bottom, slope * u, slope)

    return Pair(f, jacobian)


def wood() -> Pair:
    a, b = math.sqrt(90), math.sqrt(10)

    def f(x):
        first = [10 * (x[1] - x[0] ** 2), 1 - x[0], a * (x[3] - x[2] ** 2), 1 - x[2]]
        return np.array([*first, b * (x[1] + x[3] - 2), (x[1] - x[3]) / b])

    def jacobian(x):
        return np.array(
            [
                [-20 * x[0], 10.0, 0.0, 0.0],
                [-1.0, 0.0, 0.0, 0.0],
                [0.0, 0.0, -2 * a * x[2], a],
                [0.0, 0.0, -1.0, 0.0],
                [0.0, b, 0.0, b],
                [0.0, 1 / b, 0.0, -1 / b],
            ]
        )

    return Pair(f, jacobian)


def brown_dennis() -> Pair:
    t = _index(20) / 5

    def f(x):
        return (x[0] + t * x[1] - np.exp(t)) ** 2 + (x[2] + x[3] * np.sin(t) - np.cos(t)) ** 2

    def jacobian(x):
        first = 2 * (x[0] + t * x[1] - np.exp(t))
        second = 2 * (x[2] + x[3] * np.sin(t) - np.cos(t))
        return _stack(first, first * t, second, second * np.sin(t))

    return Pair(f, jacobian)


def meyer() -> Pair:
    t = 45 + 5 * _index(16)
    y = 0.005 * np.exp(6200 / (t + 345))

    def f(x):
        return x[0] * np.exp(x[1] / (t + x[2])) - y

    def jacobian(x):
        growth = np.exp(x[1] / (t + x[2]))
        slope = x[0] * growth / (t + x[2])
        return _stack(growth, slope, -slope * x[1] / (t + x[2]))

    return Pair(f, jacobian)


def biggs_exp6() -> Pair:
    t = 0.1 * _index(13)
    y = np.exp(-t) - 5 * np.exp(-10 * t) + 3 * np.exp(-4 * t)

    def f(x):
        return x[2] * np.exp(-t * x[0]) - x[3] * np.exp(-t * x[1]) + x[5] * np.exp(-t * x[4]) - y

    def jacobian(x):
        a, b, c = (np.exp(-t * x[k]) for k in (0, 1, 4))
        return _stack(-t * x[2] * a, t * x[3] * b, a, -b, -t * x[5] * c, c)

    return Pair(f, jacobian)


def osborne_1() -> Pair:
    t = 10 * (_index(33) - 1)
    y = 0.375 + 1.9 * np.exp(-0.0129 * t) - 1.4 * np.exp(-0.0221 * t)

    def f(x):
        return y - (x[0] + x[1] * np.exp(-t * x[3]) + x[2] * np.exp(-t * x[4]))

    def jacobian(x):
        a, b = np.exp(-t * x[3]), np.exp(-t * x[4])
        return _stack(-1.0, -a, -b, t * x[1] * a, t * x[2] * b)

    return Pair(f, jacobian)


def box_3d() -> Pair:
    t = 0.1 * _index(10)
    c = np.exp(-t) - np.exp(-10 * t)

    def f(x):
        return np.exp(-t * x[0]) - np.exp(-t * x[1]) - x[2] * c

    def jacobian(x):
        return _stack(-t * np.exp(-t * x[0]), t * np.exp(-t * x[1]), -c)

    return Pair(f, jacobian)


def broyden_tridiagonal() -> Pair:
    def f(x):
        padded = np.concatenate([[0], x, [0]])
        return (3 - 2 * x) * x - padded[:-2] - 2 * padded[2:] + 1

    def jacobian(x):
        n = x.size
        return np.diag(3 - 4 * x) - np.eye(n, k=-1) - 2 * np.eye(n, k=1)

    return Pair(f, jacobian)


# --- Test functions of optimisation ---


def himmelblau() -> Pair:
    def f(x):
        return (x[0] ** 2 + x[1] - 11) ** 2 + (x[0] + x[1] ** 2 - 7) ** 2

    def gradient(x):
        a, b = x[0] ** 2 + x[1] - 11, x[0] + x[1] ** 2 - 7
        return np.array([4 * a * x[0] + 2 * b, 2 * a + 4 * b * x[1]])

    return Pair(f, gradient)


def rastrigin() -> Pair:
    def f(x):
        return 10 * x.size + np.sum(x**2 - 10 * np.cos(2 * np.pi * x))

    def gradient(x):
        return 2 * x + 20 * np.pi * np.sin(2 * np.pi * x)

    return Pair(f, gradient)


def ackley() -> Pair:
    def f(x):
        root = np.sqrt(np.mean(x**2))
        wave = np.exp(np.mean(np.cos(2 * np.pi * x)))
        return -20 * np.exp(-0.2 * root) - wave + 20 + np.e

    def gradient(x):
        root = np.sqrt(np.mean(x**2))
        wave = np.exp(np.mean(np.cos(2 * np.pi * x)))
        pull = 4 * np.exp(-0.2 * root) * x / root
        return (pull + 2 * np.pi * np.sin(2 * np.pi * x) * wave) / x.size

    return Pair(f, gradient)


def griewank() -> Pair:
    root = np.sqrt(_index(5))

    def f(x):
        return np.sum(x**2) / 4000 - np.prod(np.cos(x / root)) + 1

    def gradient(x):
        return x / 2000 + np.prod(np.cos(x / root)) * np.tan(x / root) / root

    return Pair(f, gradient)


def zakharov() -> Pair:
    weights = _index(6) / 2

    def f(x):
        s = weights @ x
        return x @ x + s**2 + s**4

    def gradient(x):
        s = weights @ x
        return 2 * x + weights * (2 * s + 4 * s**3)

    return Pair(f, gradient)


def branin() -> Pair:
    b, c, t = 5.1 / (4 * np.pi**2), 5 / np.pi, 1 / (8 * np.pi)

    def f(x):
        return (x[1] - b * x[0] ** 2 + c * x[0] - 6) ** 2 + 10 * (1 - t) * np.cos(x[0]) + 10

    def gradient(x):
        a = x[1] - b * x[0] ** 2 + c * x[0] - 6
        return np.array([2 * a * (c - 2 * b * x[0]) - 10 * (1 - t) * np.sin(x[0]), 2 * a])

    return Pair(f, gradient)


# --- Likelihoods ---


def logistic_regression(n: int, p: int) -> Pair:
    A, y = _data(1, n, p), (_data(2, n) > 0).astype(float)

    def f(b):
        z = A @ b
        return np.sum(np.log1p(np.exp(z)) - y * z)

    def gradient(b):
        return A.T @ (1 / (1 + np.exp(-A @ b)) - y)

    return Pair(f, gradient)


def poisson_regression() -> Pair:
    A, y = 0.5 * _data(3, 25, 4), np.arange(25) % 6 + 0.0

    def f(b):
        z = A @ b
        return np.sum(np.exp(z) - y * z)

    def gradient(b):
        return A.T @ (np.exp(A @ b) - y)

    return Pair(f, gradient)


def probit_regression() -> Pair:
    A, sign = _data(4, 30, 3), np.where(_data(5, 30) > 0, 1.0, -1.0)

    def f(b):
        return -np.sum(special.log_ndtr(sign * (A @ b)))

    def gradient(b):
        z = sign * (A @ b)
        density = np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
        return -A.T @ (sign * density / special.ndtr(z))

    return Pair(f, gradient)


def ridge_regression() -> Pair:
    A, y = _data(6, 20, 6), _data(7, 20)

    def f(b):
        r = y - A @ b
        return r @ r / 40 + 0.3 * (b @ b)

    def gradient(b):
        return A.T @ (A @ b - y) / 20 + 0.6 * b

    return Pair(f, gradient)


def normal_likelihood() -> Pair:
    y = 3 + 2 * _data(8, 30)

    def f(x):
        return y.size * x[1] + np.sum((y - x[0]) ** 2) * np.exp(-2 * x[1]) / 2

    def gradient(x):
        r = (y - x[0]) * np.exp(-2 * x[1])
        return np.array([-np.sum(r), y.size - np.sum((y - x[0]) * r)])

    return Pair(f, gradient)


def gamma_likelihood() -> Pair:
    y = np.exp(_data(9, 20))
    logs, total = np.sum(np.log(y)), np.sum(y)

    def f(x):
        shape, rate = x
        return (
            y.size * (special.loggamma(shape) - shape * np.log(rate))
            - (shape - 1) * logs
            + rate * total
        )

    def gradient(x):
        shape, rate = x
        return np.array(
            [y.size * (special.psi(shape) - np.log(rate)) - logs, total - y.size * shape / rate]
        )

    return Pair(f, gradient)


def weibull_likelihood() -> Pair:
    y = np.exp(0.4 * _data(10, 25))

    def f(x):
        k, scale = x
        z = y / scale
        return -np.sum(np.log(k / scale) + (k - 1) * np.log(z) - z**k)

    def gradient(x):
        k, scale = x
        z = y / scale
        by_k = -np.sum(1 / k + np.log(z) * (1 - z**k))
        return np.array([by_k, np.sum(1 - z**k) * k / scale])

    return Pair(f, gradient)


def student_likelihood() -> Pair:
    y = 2 * _data(11, 18)

    def f(x):
        location, scale, nu = x
        z2 = ((y - location) / scale) ** 2
        constant = (
            special.loggamma((nu + 1) / 2) - special.loggamma(nu / 2) - np.log(nu * np.pi) / 2
        )
        return -y.size * (constant - np.log(scale)) + (nu + 1) / 2 * np.sum(np.log1p(z2 / nu))

    def gradient(x):
        location, scale, nu = x
        z = (y - location) / scale
        weight = (nu + 1) / (nu + z**2)
        constant = (special.psi((nu + 1) / 2) - special.psi(nu / 2) - 1 / nu) / 2
        by_nu = np.sum(np.log1p(z**2 / nu) / 2 - weight * z**2 / (2 * nu))
        return np.array(
            [
                -np.sum(weight * z) / scale,
                (y.size - np.sum(weight * z**2)) / scale,
                -y.size * constant + by_nu,
            ]
        )

    return Pair(f, gradient)


def mixture_likelihood() -> Pair:
    y = np.concatenate([_data(12, 12) - 2, 0.5 * _data(13, 8) + 1.5])

    def parts(x):
        logit, a, b, log_s, log_t = x
        p = 1 / (1 + np.exp(-logit))
        first = p * np.exp(-(((y - a) / np.exp(log_s)) ** 2) / 2 - log_s)
        second = (1 - p) * np.exp(-(((y - b) / np.exp(log_t)) ** 2) / 2 - log_t)
        return p, first, second

    def f(x):
        _, first, second = parts(x)
        return -np.sum(np.log(first + second))

    def gradient(x):
        _, a, b, log_s, log_t = x
        p, first, second = parts(x)
        r = first / (first + second)
        u, v = (y - a) / np.exp(log_s), (y - b) / np.exp(log_t)
        return -np.array(
            [
                np.sum(r - p),
                np.sum(r * u) / np.exp(log_s),
                np.sum((1 - r) * v) / np.exp(log_t),
                np.sum(r * (u**2 - 1)),
                np.sum((1 - r) * (v**2 - 1)),
            ]
        )

    return Pair(f, gradient)


def cox_likelihood() -> Pair:
    A = _data(14, 15, 4)

    def f(b):
        z = A @ b
        return np.sum(np.log(np.cumsum(np.exp(z)[::-1])[::-1]) - z)

    def gradient(b):
        weight = np.exp(A @ b)
        at_risk = np.cumsum(weight[::-1])[::-1]
        means = np.cumsum((weight[:, None] * A)[::-1], axis=0)[::-1] / at_risk[:, None]
        return np.sum(means - A, axis=0)

    return Pair(f, gradient)


def multinomial_regression() -> Pair:
    A, label = _data(15, 20, 3), np.arange(20) % 4
    hot = np.eye(4)[label]

    def f(W):
        Z = A @ W
        return np.sum(np.log(np.sum(np.exp(Z), axis=1))) - np.sum(hot * Z)

    def gradient(W):
        weight = np.exp(A @ W)
        return A.T @ (weight / np.sum(weight, axis=1, keepdims=True) - hot)

    return Pair(f, gradient)


def gaussian_process() -> Pair:
    t = np.linspace(0, 3, 12)
    y = np.sin(2 * t) + 0.1 * _data(16, 12)
    square = (t[:, None] - t) ** 2

    def kernel(x):
        return np.exp(2 * x[0] - square * np.exp(-2 * x[1]) / 2)

    def f(x):
        K = kernel(x) + np.exp(2 * x[2]) * np.eye(t.size)
        return y @ np.linalg.solve(K, y) / 2 + np.log(np.linalg.det(K)) / 2

    def gradient(x):
        K0 = kernel(x)
        noise = np.exp(2 * x[2]) * np.eye(t.size)
        inverse = np.linalg.inv(K0 + noise)
        alpha = inverse @ y
        slopes = (2 * K0, K0 * square * np.exp(-2 * x[1]), 2 * noise)
        return np.array([np.sum((inverse - np.outer(alpha, alpha)) * dK) / 2 for dK in slopes])

    return Pair(f, gradient)


def kalman_filter() -> Pair:
    y = np.cumsum(0.5 * _data(17, 40)) + 0.8 * _data(18, 40)

    def f(x):
        q, r = np.exp(x)
        level, P, total = 0.0, 10.0, 0.0
        for value in y:
            P = P + q
            F, v = P + r, value - level
            total = total + (np.log(F) + v**2 / F) / 2
            level, P = level + P / F * v, P * r / F
        return total

    def gradient(x):
        q, r = np.exp(x)
        dq, dr = np.array([q, 0.0]), np.array([0.0, r])
        level, P, d_level, dP, total = 0.0, 10.0, np.zeros(2), np.zeros(2), np.zeros(2)
        for value in y:
            P, dP = P + q, dP + dq
            F, dF, v, dv = P + r, dP + dr, value - level, -d_level
            total = total + dF / (2 * F) + v * dv / F - v**2 * dF / (2 * F**2)
            gain, d_gain = P / F, (dP * F - P * dF) / F**2
            level, d_level = level + gain * v, d_level + d_gain * v + gain * dv
            P, dP = gain * r, d_gain * r + gain * dr
        return total

    return Pair(f, gradient)


def garch_likelihood() -> Pair:
    e2 = (0.02 * _data(19, 60)) ** 2

    def f(x):
        s, total = e2.mean(), 0.0
        for value in e2:
            total = total + (np.log(s) + value / s) / 2
            s = x[0] + x[1] * value + x[2] * s
        return total

    def gradient(x):
        s, ds, total = e2.mean(), np.zeros(3), np.zeros(3)
        for value in e2:
            total = total + (1 / s - value / s**2) * ds / 2
            s, ds = x[0] + x[1] * value + x[2] * s, np.array([1.0, value, s]) + x[2] * ds
        return total

    return Pair(f, gradient)


# --- Physics and engineering ---


def lennard_jones() -> Pair:
    i, j = np.triu_indices(4, 1)

    def f(X):
        r6 = np.sum((X[i] - X[j]) ** 2, axis=1) ** -3
        return 4 * np.sum(r6**2 - r6)

    def gradient(X):
        d = X[i] - X[j]
        r2 = np.sum(d**2, axis=1)
        force = 4 * (-12 * r2**-7 + 6 * r2**-4)
        total = np.zeros_like(X)
        np.add.at(total, i, force[:, None] * d)
        np.add.at(total, j, -force[:, None] * d)
        return total

    return Pair(f, gradient)


def orbit_energy() -> Pair:
    """Energy per mass of a planet, with its position in metres and its velocity in m/s."""
    mu = 1.32712440018e20

    def f(x):
        return (x[3:] @ x[3:]) / 2 - mu / np.sqrt(x[:3] @ x[:3])

    def gradient(x):
        return np.concatenate([mu * x[:3] / np.sqrt(x[:3] @ x[:3]) ** 3, x[3:]])

    return Pair(f, gradient)


def planck() -> Pair:
    """Spectral radiance of a black body by wavelength (5e-7 m) and temperature (5800 K)."""
    a, b = 1.191042972e-16, 1.438776877e-2

    def f(x):
        return a / (x[0] ** 5 * np.expm1(b / (x[0] * x[1])))

    def gradient(x):
        z = b / (x[0] * x[1])
        value, slope = a / (x[0] ** 5 * np.expm1(z)), z * np.exp(z) / np.expm1(z)
        return value * np.array([(slope - 5) / x[0], slope / x[1]])

    return Pair(f, gradient)


def arrhenius() -> Pair:
    """Least squares of rates with a factor of 1e9 and an energy of 5e4."""
    T = np.linspace(300, 420, 9)
    y = 2e9 * np.exp(-52000 / (8.314 * T))

    def f(x):
        r = x[0] * np.exp(-x[1] / (8.314 * T)) - y
        return r @ r

    def gradient(x):
        growth = np.exp(-x[1] / (8.314 * T))
        r = x[0] * growth - y
        return np.array([2 * r @ growth, -2 * r @ (x[0] * growth / (8.314 * T))])

    return Pair(f, gradient)


def black_scholes() -> Pair:
    def parts(x):
        spot, strike, rate, volatility, time = x
        spread = volatility * np.sqrt(time)
        d = (np.log(spot / strike) + (rate + volatility**2 / 2) * time) / spread
        discounted = strike * np.exp(-rate * time)
        return d, d - spread, discounted

    def f(x):
        d, e, discounted = parts(x)
        return x[0] * special.ndtr(d) - discounted * special.ndtr(e)

    def gradient(x):
        spot, strike, rate, volatility, time = x
        d, e, discounted = parts(x)
        density, exercised = np.exp(-(d**2) / 2) / math.sqrt(2 * math.pi), special.ndtr(e)
        theta = spot * density * volatility / (2 * np.sqrt(time)) + rate * discounted * exercised
        return np.array(
            [
                special.ndtr(d),
                -discounted / strike * exercised,
                time * discounted * exercised,
                spot * density * np.sqrt(time),
                theta,
            ]
        )

    return Pair(f, gradient)


def mixing_entropy() -> Pair:
    """Gibbs energy of a mixture of mole numbers, in J, with interaction."""
    W = 2000 * np.array([[0.0, 1.0, -0.5], [1.0, 0.0, 0.7], [-0.5, 0.7, 0.0]])

    def f(n):
        total = np.sum(n)
        return 8.314 * 300 * np.sum(n * np.log(n / total)) + n @ W @ n / (2 * total)

    def gradient(n):
        total = np.sum(n)
        return 8.314 * 300 * np.log(n / total) + W @ n / total - n @ W @ n / (2 * total**2)

    return Pair(f, gradient)


def pendulum_action() -> Pair:
    """The discretised action of a pendulum along a path."""
    h = 0.1

    def f(q):
        return np.sum((q[1:] - q[:-1]) ** 2) / (2 * h) + h * np.sum(np.cos(q))

    def gradient(q):
        step = (q[1:] - q[:-1]) / h
        ends = np.concatenate([[0.0], step]) - np.concatenate([step, [0.0]])
        return ends - h * np.sin(q)

    return Pair(f, gradient)


def truss_energy() -> Pair:
    """Elastic energy of two bars: stiffness 1e9 N/m, displacements of 1e-5 m."""
    ends = np.array([[0.0, 0.0], [2.0, 0.0]])
    joint = np.array([1.0, 1.0])

    def f(u):
        d = joint + u - ends
        stretch = np.sqrt(np.sum(d**2, axis=1)) - math.sqrt(2)
        return 5e8 * np.sum(stretch**2) - 1e4 * u[1]

    def gradient(u):
        d = joint + u - ends
        length = np.sqrt(np.sum(d**2, axis=1))
        pull = 1e9 * (length - math.sqrt(2)) / length
        return pull @ d - np.array([0.0, 1e4])

    return Pair(f, gradient)


# --- Layers and matrices ---


def neural_network() -> Pair:
    """Mean squared error of a network 4-3-1 with tanh, by its flat weights."""
    A, y = _data(20, 16, 4), _data(21, 16)

    def parts(w):
        hidden = np.tanh(A @ w[:12].reshape(4, 3) + w[12:15])
        return hidden, hidden @ w[15:18] + w[18] - y

    def f(w):
        r = parts(w)[1]
        return r @ r / y.size

    def gradient(w):
        hidden, r = parts(w)
        out = 2 * r / y.size
        back = np.outer(out, w[15:18]) * (1 - hidden**2)
        return np.concatenate([(A.T @ back).ravel(), back.sum(axis=0), hidden.T @ out, [out.sum()]])

    return Pair(f, gradient)


def attention() -> Pair:
    C = _data(22, 4, 3)

    def weights(X):
        S = np.exp(X @ X.T)
        return S / np.sum(S, axis=1, keepdims=True)

    def f(X):
        return np.sum(C * (weights(X) @ X))

    def gradient(X):
        P, back = weights(X), C @ X.T
        S = P * (back - np.sum(P * back, axis=1, keepdims=True))
        return P.T @ C + (S + S.T) @ X

    return Pair(f, gradient)


def layer_norm() -> Pair:
    weight = _data(23, 7)

    def f(x):
        d = x - np.mean(x)
        return weight @ np.sin(d / np.sqrt(np.mean(d**2) + 1e-5))

    def gradient(x):
        d = x - np.mean(x)
        scale = np.sqrt(np.mean(d**2) + 1e-5)
        back = weight * np.cos(d / scale)
        back = back / scale - d * (back @ d) / (x.size * scale**3)
        return back - np.mean(back)

    return Pair(f, gradient)


def log_det() -> Pair:
    def f(X):
        return np.log(np.linalg.det(X @ X.T + np.eye(3)))

    def gradient(X):
        return 2 * np.linalg.solve(X @ X.T + np.eye(3), X)

    return Pair(f, gradient)


def trace_inverse() -> Pair:
    A = _data(24, 3, 3)

    def f(X):
        return np.trace(A @ np.linalg.inv(X))

    def gradient(X):
        inverse = np.linalg.inv(X)
        return -(inverse @ A @ inverse).T

    return Pair(f, gradient)


def _frequency_weights() -> np.ndarray:
    weight = np.abs(_data(25, 8))
    return weight + weight[(-np.arange(8)) % 8]


def spectrum() -> Pair:
    """A weighted power spectrum."""
    weight = _frequency_weights()

    def f(x):
        return np.sum(weight * np.abs(np.fft.fft(x)) ** 2)

    def gradient(x):
        return 2 * np.real(np.fft.ifft(weight * np.fft.fft(x))) * x.size

    return Pair(f, gradient)


def spectrum_by_waves(x: np.ndarray) -> Any:
    """Give the same spectrum without complex numbers, from cosines and sines."""
    angle = 2 * np.pi * np.outer(np.arange(8), np.arange(8)) / 8
    return np.sum(_frequency_weights() * ((np.cos(angle) @ x) ** 2 + (np.sin(angle) @ x) ** 2))


def matrix_exponential() -> Pair:
    """The sum of exp(t A) b in powers, by t and by the entries of b."""
    A, count = 0.5 * _data(26, 3, 3), 20

    def terms(x):
        term = x[1:]
        yield term
        for k in range(1, count):
            term = x[0] * (A @ term) / k
            yield term

    def f(x):
        return np.sum(sum(terms(x)))

    def gradient(x):
        powers, total = np.eye(3), np.eye(3)
        for k in range(1, count):
            powers = x[0] * (A @ powers) / k
            total = total + powers
        by_time = np.sum(sum(k * term for k, term in enumerate(terms(x)))) / x[0]
        return np.concatenate([[by_time], np.sum(total, axis=0)])

    return Pair(f, gradient)


# --- Scales ---


def mixed_units() -> Pair:
    """x in units from 1e-9 to 1e9, each of the same weight."""
    unit = np.array([1e-9, 1e-3, 1.0, 1e4, 1e9])

    def f(x):
        z = x / unit
        return np.sum(np.exp(-z) + z[0] * z**2)

    def gradient(x):
        z = x / unit
        slope = -np.exp(-z) + 2 * z[0] * z
        slope[0] += np.sum(z**2)
        return slope / unit

    return Pair(f, gradient)


def tiny_values() -> Pair:
    def f(x):
        return 1e-12 * np.sum(np.cos(x) * np.exp(x))

    def gradient(x):
        return 1e-12 * np.exp(x) * (np.cos(x) - np.sin(x))

    return Pair(f, gradient)


def offset_sine() -> Pair:
    def f(x):
        return 1e6 + np.sin(x[0]) * x[1] + x[2] ** 2

    def gradient(x):
        return np.array([np.cos(x[0]) * x[1], np.sin(x[0]), 2 * x[2]])

    return Pair(f, gradient)


def fast_sine() -> Pair:
    rate = np.array([300.0, 50.0, 1.0])

    def f(x):
        return np.sum(np.sin(rate * x)) * np.exp(-x[2])

    def gradient(x):
        slope = rate * np.cos(rate * x) * np.exp(-x[2])
        slope[2] -= np.sum(np.sin(rate * x)) * np.exp(-x[2])
        return slope

    return Pair(f, gradient)


def steep_exponential() -> Pair:
    a = np.array([40.0, -25.0, 3.0])

    def f(x):
        return np.exp(a @ x)

    def gradient(x):
        return a * np.exp(a @ x)

    return Pair(f, gradient)


def log_sum_exp(n: int) -> Pair:
    a = 3 * _data(27, n)

    def f(x):
        z = x + a
        top = np.max(z.real)
        return top + np.log(np.sum(np.exp(z - top)))

    def gradient(x):
        weight = np.exp(x + a - np.max(x + a))
        return weight / np.sum(weight)

    return Pair(f, gradient)


def product() -> Pair:
    def f(x):
        return np.prod(x) ** 2

    def gradient(x):
        return 2 * np.prod(x) ** 2 / x

    return Pair(f, gradient)


def power_sum() -> Pair:
    weight = 10.0 ** np.arange(-3, 3)

    def f(x):
        return np.sum(weight * x**7) ** (1 / 7)

    def gradient(x):
        return np.sum(weight * x**7) ** (-6 / 7) * weight * x**6

    return Pair(f, gradient)


def vanishing_entries() -> Pair:
    """Entries of the gradient from 1 down to 1e-8 of the largest, and one that is zero."""
    weight = np.array([1.0, 1e-2, 1e-4, 1e-6, 1e-8, 0.0])

    def f(x):
        return weight @ np.sin(x)

    def gradient(x):
        return weight * np.cos(x)

    return Pair(f, gradient)


# --- Recursions and differential equations ---


def runge_kutta(rate: Function, y: np.ndarray, h: float, steps: int) -> Iterator[np.ndarray]:
    """The classical method of fourth order: its derivative is the method on the derivative."""
    for _ in range(steps):
        a = rate(y)
        b = rate(y + h / 2 * a)
        c = rate(y + h / 2 * b)
        d = rate(y + h * c)
        y = y + h / 6 * (a + 2 * b + 2 * c + d)
        yield y


def _lotka_rate(x: np.ndarray) -> Function:
    a, b, c, d = x
    return lambda y: np.array([a * y[0] - b * y[0] * y[1], d * y[0] * y[1] - c * y[1]])


def _lotka_sensitivities(x: np.ndarray) -> Function:
    """The rates of the two species and, below them, of their derivatives by the parameters."""
    a, b, c, d = x

    def rate(z):
        (u, v), S = z[:2], z[2:].reshape(2, 4)
        by_state = np.array([[a - b * v, -b * u], [d * v, d * u - c]])
        by_parameter = np.array([[u, -u * v, 0.0, 0.0], [0.0, 0.0, -v, u * v]])
        return np.concatenate([_lotka_rate(x)(z[:2]), (by_state @ S + by_parameter).ravel()])

    return rate


def lotka_volterra() -> Pair:
    """Ten points of the prey and of the predators along two units of time."""
    start = np.array([1.0, 0.5])

    def f(x):
        return np.concatenate(list(runge_kutta(_lotka_rate(x), start, 0.2, 10)))

    def jacobian(x):
        augmented = np.concatenate([start, np.zeros(8)])
        rows = runge_kutta(_lotka_sensitivities(x), augmented, 0.2, 10)
        return np.concatenate([z[2:].reshape(2, 4) for z in rows])

    return Pair(f, jacobian)


def lotka_volterra_fit() -> Pair:
    model, y = lotka_volterra(), np.tile([1.3, 0.6], 10)
    return sum_of_squares(Pair(lambda x: model.f(x) - y, model.derivative))


def logistic_map() -> Pair:
    def f(x):
        y = x[1]
        for _ in range(6):
            y = x[0] * y * (1 - y)
        return y

    def gradient(x):
        y, slope = x[1], np.array([0.0, 1.0])
        for _ in range(6):
            slope = np.array([y * (1 - y), 0.0]) + x[0] * (1 - 2 * y) * slope
            y = x[0] * y * (1 - y)
        return slope

    return Pair(f, gradient)


def kepler() -> Pair:
    """The eccentric anomaly by eccentricity and mean anomaly, from ten Newton iterations."""

    def f(x):
        E = x[1]
        for _ in range(10):
            E = E - (E - x[0] * np.sin(E) - x[1]) / (1 - x[0] * np.cos(E))
        return E

    def gradient(x):
        E = f(x)
        return np.array([np.sin(E), 1.0]) / (1 - x[0] * np.cos(E))

    return Pair(f, gradient)


# --- Jacobians of models ---


def robot_arm() -> Pair:
    length = np.array([1.0, 0.7, 0.3])

    def f(x):
        angle = np.cumsum(x)
        return np.array([length @ np.cos(angle), length @ np.sin(angle)])

    def jacobian(x):
        angle = np.cumsum(x)
        below = np.cumsum((length * np.array([-np.sin(angle), np.cos(angle)]))[:, ::-1], axis=1)
        return below[:, ::-1]

    return Pair(f, jacobian)


def spherical() -> Pair:
    def f(x):
        r, a, b = x
        return r * np.array([np.sin(a) * np.cos(b), np.sin(a) * np.sin(b), np.cos(a)])

    def jacobian(x):
        r, a, b = x
        sa, ca, sb, cb = np.sin(a), np.cos(a), np.sin(b), np.cos(b)
        return np.array(
            [
                [sa * cb, r * ca * cb, -r * sa * sb],
                [sa * sb, r * ca * sb, r * sa * cb],
                [ca, -r * sa, 0.0],
            ]
        )

    return Pair(f, jacobian)


def softmax() -> Pair:
    def f(x):
        weight = np.exp(x - np.max(x.real))
        return weight / np.sum(weight)

    def jacobian(x):
        p = f(x)
        return np.diag(p) - np.outer(p, p)

    return Pair(f, jacobian)


def scaled_rows() -> Pair:
    """Outputs in units from 1e-9 to 1e9."""
    unit = np.array([1e-9, 1e-4, 1.0, 1e5, 1e9])
    A = _data(28, 5, 3)

    def f(x):
        return unit * np.tanh(A @ x)

    def jacobian(x):
        return (unit / np.cosh(A @ x) ** 2)[:, None] * A

    return Pair(f, jacobian)


def camera() -> Pair:
    """The image of a point under a camera at a distance, by its coordinates and the focus."""

    def f(x):
        return x[3] * x[:2] / (x[2] + 5)

    def jacobian(x):
        depth = x[2] + 5
        return np.array(
            [
                [x[3] / depth, 0.0, -x[3] * x[0] / depth**2, x[0] / depth],
                [0.0, x[3] / depth, -x[3] * x[1] / depth**2, x[1] / depth],
            ]
        )

    return Pair(f, jacobian)


def kinetics() -> Pair:
    """Robertson's rates: constants of 0.04, 1e4 and 3e7."""

    def f(y):
        a, b, c = 0.04 * y[0], 1e4 * y[1] * y[2], 3e7 * y[1] ** 2
        return np.array([b - a, a - b - c, c])

    def jacobian(y):
        a, b, c = 1e4 * y[2], 1e4 * y[1], 6e7 * y[1]
        return np.array([[-0.04, a, b], [0.04, -a - c, -b], [0.0, c, 0.0]])

    return Pair(f, jacobian)


def convolution() -> Pair:
    kernel = _data(29, 3)

    def f(x):
        return np.convolve(np.tanh(x), kernel)

    def jacobian(x):
        rows = np.zeros((x.size + 2, x.size))
        for j, slope in enumerate(1 - np.tanh(x) ** 2):
            rows[j : j + 3, j] = slope * kernel
        return rows

    return Pair(f, jacobian)


def rotation() -> Pair:
    """A matrix as the output: a turn by x[0], stretched by x[1] and x[2]."""

    def f(x):
        c, s = np.cos(x[0]), np.sin(x[0])
        return np.array([[c * x[1], -s * x[2]], [s * x[1], c * x[2]]])

    def jacobian(x):
        c, s = np.cos(x[0]), np.sin(x[0])
        return np.array(
            [
                [[-s * x[1], c, 0.0], [-c * x[2], 0.0, -s]],
                [[c * x[1], s, 0.0], [-s * x[2], 0.0, c]],
            ]
        )

    return Pair(f, jacobian)


def linear_map() -> Pair:
    A = _data(30, 6, 4)
    return Pair(lambda x: A @ x, lambda _: A.copy())


# --- Hessians ---


def rosenbrock_hessian() -> Triple:
    pair = sum_of_squares(rosenbrock())

    def hessian(x):
        return np.array([[1200 * x[0] ** 2 - 400 * x[1] + 2, -400 * x[0]], [-400 * x[0], 200.0]])

    return Triple(*pair, hessian)


def himmelblau_hessian() -> Triple:
    def hessian(x):
        cross = 4 * (x[0] + x[1])
        return np.array(
            [[12 * x[0] ** 2 + 4 * x[1] - 42, cross], [cross, 12 * x[1] ** 2 + 4 * x[0] - 26]]
        )

    return Triple(*himmelblau(), hessian)


def beale_hessian() -> Triple:
    residuals, k = beale(), _index(3)

    def hessian(x):
        J, r = residuals.derivative(x), residuals.f(x)
        cross = np.sum(r * k * x[1] ** (k - 1))
        curved = np.sum(r[1:] * x[0] * k[1:] * (k[1:] - 1) * x[1] ** (k[1:] - 2))
        return 2 * (J.T @ J + np.array([[0.0, cross], [cross, curved]]))

    return Triple(*sum_of_squares(residuals), hessian)


def logistic_hessian() -> Triple:
    A = _data(1, 30, 4)

    def hessian(b):
        p = 1 / (1 + np.exp(-A @ b))
        return (A.T * (p * (1 - p))) @ A

    return Triple(*logistic_regression(30, 4), hessian)


def log_sum_exp_hessian() -> Triple:
    pair = log_sum_exp(4)

    def hessian(x):
        p = pair.derivative(x)
        return np.diag(p) - np.outer(p, p)

    def gradient(x):
        weight = np.exp(x + 3 * _data(27, 4) - np.max(x.real))
        return weight / np.sum(weight)

    return Triple(pair.f, gradient, hessian)


def normal_hessian() -> Triple:
    y = 3 + 2 * _data(8, 30)

    def hessian(x):
        scale = np.exp(-2 * x[1])
        cross = 2 * scale * np.sum(y - x[0])
        return np.array([[y.size * scale, cross], [cross, 2 * scale * np.sum((y - x[0]) ** 2)]])

    return Triple(*normal_likelihood(), hessian)


def quartic_hessian() -> Triple:
    """A matrix as x: sum of A * X**4 and the squared sum of X."""
    A = _data(31, 2, 3)

    def f(X):
        return np.sum(A * X**4) + np.sum(X) ** 2

    def gradient(X):
        return 4 * A * X**3 + 2 * np.sum(X)

    def hessian(X):
        return (np.diag((12 * A * X**2).ravel()) + 2).reshape(2, 3, 2, 3)

    return Triple(f, gradient, hessian)


def scaled_hessian() -> Triple:
    """x in units of 1e-6, 1 and 1e6."""
    unit = np.array([1e-6, 1.0, 1e6])

    def f(x):
        z = x / unit
        return np.exp(z[0] * z[1]) + np.sin(z[2]) * z[0]

    def gradient(x):
        z = x / unit
        growth = np.exp(z[0] * z[1])
        return np.array([z[1] * growth + np.sin(z[2]), z[0] * growth, np.cos(z[2]) * z[0]]) / unit

    def hessian(x):
        a, b, c = x / unit
        growth = np.exp(a * b)
        cross = (1 + a * b) * growth
        plain = np.array(
            [
                [b * b * growth, cross, np.cos(c)],
                [cross, a * a * growth, 0.0],
                [np.cos(c), 0.0, -np.sin(c) * a],
            ]
        )
        return plain / np.outer(unit, unit)

    return Triple(f, gradient, hessian)


def chain_hessian() -> Triple:
    """Springs in a row, with a quartic part."""

    def f(q):
        d = q[1:] - q[:-1]
        return np.sum(d**2 / 2 + d**4 / 4) + q[0] ** 2 / 2

    def gradient(q):
        d = q[1:] - q[:-1]
        force = np.concatenate([[0.0], d + d**3]) - np.concatenate([d + d**3, [0.0]])
        return force + np.concatenate([q[:1], np.zeros(q.size - 1)])

    def hessian(q):
        stiff = 1 + 3 * (q[1:] - q[:-1]) ** 2
        diagonal = np.concatenate([[1.0], stiff]) + np.concatenate([stiff, [0.0]])
        return np.diag(diagonal) - np.diag(stiff, 1) - np.diag(stiff, -1)

    return Triple(f, gradient, hessian)


# --- What makes a check hard ---


def _hashed(x: np.ndarray) -> float:
    """A number between -1 and 1 that depends on every bit of x."""
    return zlib.crc32(np.asarray(x, float).tobytes()) / 2**31 - 1


def with_noise(f: Function, level: float) -> Function:
    """f with an error of this relative size that is the same whenever x is."""
    return lambda x: f(x) * (1 + level * _hashed(x))


def with_random_error(f: Function, level: float) -> Function:
    """f with a new error of this relative size at each call."""
    generator = np.random.default_rng(32)
    return lambda x: f(x) * (1 + level * generator.standard_normal())


def rounded(f: Function, digits: int) -> Function:
    """f rounded to so many significant digits, as if it was read from a file."""
    return lambda x: float(f"{f(x):.{digits}g}")


def from_single(f: Function) -> Function:
    """f of what is left of x in single precision."""
    return lambda x: f(np.asarray(x, np.float32).astype(float))


def in_single(f: Function) -> Function:
    """f in single precision as far as its other constants are Python's, from x to its value."""
    return lambda x: float(f(np.asarray(x, np.float32)))


def to_single(f: Function) -> Function:
    """f whose value is returned in single precision."""
    return lambda x: float(np.float32(f(x)))


class Way(NamedTuple):
    """A way to make functions hard to check."""

    name: str
    tag: str
    change: Callable[[Function], Function]


WAYS: tuple[Way, ...] = (
    Way("noise 1e-12", "noisy", lambda f: with_noise(f, 1e-12)),
    Way("noise 1e-8", "noisy", lambda f: with_noise(f, 1e-8)),
    Way("noise 1e-5", "noisy", lambda f: with_noise(f, 1e-5)),
    Way("noise 1e-3", "noisy", lambda f: with_noise(f, 1e-3)),
    Way("8 digits", "noisy", lambda f: rounded(f, 8)),
    Way("11 digits", "noisy", lambda f: rounded(f, 11)),
    Way("x in single", "float32", from_single),
    Way("in single", "float32", in_single),
    Way("value in single", "float32", to_single),
    Way("random 1e-8", "stochastic", lambda f: with_random_error(f, 1e-8)),
    Way("random 1e-4", "stochastic", lambda f: with_random_error(f, 1e-4)),
)


def single_regression() -> Pair:
    """Logistic regression with data, and so everything inside, in single precision."""
    A, y = _data(33, 20, 3).astype(np.float32), np.arange(20) % 2

    def f(b):
        z = A @ b.astype(np.float32)
        return float(np.sum(np.log1p(np.exp(z)) - y.astype(np.float32) * z))

    def gradient(b):
        return A.T.astype(float) @ (1 / (1 + np.exp(-A.astype(float) @ b)) - y)

    return Pair(f, gradient)


def single_regression_reference(b: np.ndarray) -> Any:
    z = _data(33, 20, 3).astype(np.float32).astype(float) @ b
    return np.sum(np.log1p(np.exp(z)) - np.arange(20) % 2 * z)


def bisection(tolerance: float) -> Pair:
    """The y with y**3 + x[0]*y = x[1], from bisection down to a tolerance."""

    def f(x):
        low, high = 0.0, 4.0
        while high - low > tolerance:
            middle = (low + high) / 2
            if middle**3 + x[0] * middle < x[1]:
                low = middle
            else:
                high = middle
        return (low + high) / 2

    def gradient(x):
        y = cubic_root(x)
        return np.array([-y, 1.0]) / (3 * y**2 + x[0])

    return Pair(f, gradient)


def cubic_root(x: np.ndarray) -> Any:
    y = 1.0
    for _ in range(40):
        y = y - (y**3 + x[0] * y - x[1]) / (3 * y**2 + x[0])
    return y


def _sign(z: np.ndarray) -> np.ndarray:
    return np.sign(z.real)


def absolute_sum() -> Pair:
    weight = np.array([1.0, 2.0, 0.5])

    def f(x):
        return np.sum(weight * x * _sign(x)) + x[0] * x[1]

    def gradient(x):
        return weight * np.sign(x) + np.array([x[1], x[0], 0.0])

    return Pair(f, gradient)


def rectified_layer() -> Pair:
    A = np.array([[1.0, -1.0, 0.0], [0.5, 0.5, -1.0], [1.0, 2.0, 3.0]])

    def f(x):
        z = A @ x
        return np.sum(_index(3) * np.where(z.real > 0, z, 0) ** 1) + np.sum(x**2)

    def gradient(x):
        return A.T @ (_index(3) * (A @ x > 0)) + 2 * x

    return Pair(f, gradient)


def maximum() -> Pair:
    def f(x):
        return x[np.argmax(x.real)] + np.sum(x**2) / 10

    def gradient(x):
        return np.eye(x.size)[np.argmax(x)] + x / 5

    return Pair(f, gradient)


def hinge() -> Pair:
    A, y = _data(34, 10, 3), np.where(np.arange(10) % 2, 1.0, -1.0)

    def f(b):
        gap = 1 - y * (A @ b)
        return np.sum(np.where(gap.real > 0, gap, 0)) + b @ b / 2

    def gradient(b):
        return b - A.T @ (y * (1 - y * (A @ b) > 0))

    return Pair(f, gradient)


def huber() -> Pair:
    A, y = _data(35, 12, 3), 2 * _data(36, 12)

    def f(b):
        r = y - A @ b
        return np.sum(np.where(np.abs(r.real) <= 1, r**2 / 2, r * _sign(r) - 0.5))

    def gradient(b):
        return -A.T @ np.clip(y - A @ b, -1, 1)

    return Pair(f, gradient)


def barrier() -> Pair:
    def f(x):
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.sum(x) - 0.1 * np.sum(np.log(x)) - np.log(1 - np.sum(x))

    def gradient(x):
        return 1 - 0.1 / x + 1 / (1 - np.sum(x))

    return Pair(f, gradient)


def square_roots() -> Pair:
    def f(x):
        with np.errstate(invalid="ignore"):
            return np.sum(np.sqrt(x)) + np.prod(x)

    def gradient(x):
        return 1 / (2 * np.sqrt(x)) + np.prod(x) / x

    return Pair(f, gradient)


def arc_sines() -> Pair:
    def f(x):
        with np.errstate(invalid="ignore"):
            return np.sum(np.arcsin(x)) + x[0] * x[1]

    def gradient(x):
        return 1 / np.sqrt((1 - x) * (1 + x)) + np.array([x[1], x[0]])

    return Pair(f, gradient)


def power_of_halves() -> Pair:
    """x**1.5, whose second derivative has no bound at 0."""

    def f(x):
        with np.errstate(invalid="ignore"):
            return np.sum(x**1.5)

    def gradient(x):
        return 1.5 * np.sqrt(x)

    return Pair(f, gradient)


# --- The table ---

_SPREAD = 0.15
_POINTS = 3


def points_around(name: str, x: Sequence[Any], spread: float = _SPREAD) -> tuple[np.ndarray, ...]:
    """The point itself and two others that differ by 15 % in each entry, always the same."""
    centre = np.asarray(x, float)
    random = np.random.default_rng(zlib.crc32(name.encode()))
    moves = 1 + spread * random.uniform(-1, 1, (_POINTS - 1, *centre.shape))
    return (centre, *(centre * moves))


def _first(kind: str, name: str, pair: Pair, *x: Any, spread: float = _SPREAD) -> Hand:
    points = points_around(name, x, spread)
    return Hand(name, kind, pair.f, pair.derivative, points, "smooth", pair.f)


def _gradient(name: str, pair: Pair, *x: Any, spread: float = _SPREAD) -> Hand:
    return _first("gradient", name, pair, *x, spread=spread)


def _squares(name: str, pair: Pair, *x: Any, spread: float = _SPREAD) -> Hand:
    return _first("gradient", name, sum_of_squares(pair), *x, spread=spread)


def _jacobian(name: str, pair: Pair, *x: Any, spread: float = _SPREAD) -> Hand:
    return _first("jacobian", name, pair, *x, spread=spread)


def _hessian(name: str, triple: Triple, *x: Any) -> Hand:
    points = points_around(name, x)
    f, gradient, hessian = triple
    return Hand(name, "hessian", f, hessian, points, "smooth", f, gradient)


def _hard(tag: str, name: str, f: Function, clean: Pair, *points: Sequence[float]) -> Hand:
    """A gradient that is hard to check, and the same function without what makes it hard."""
    arrays = tuple(np.asarray(x, float) for x in points)
    return Hand(name, "gradient", f, clean.derivative, arrays, tag, clean.f)


def _made_hard() -> Iterator[Hand]:
    """Yield some of the smooth functions, made hard to check in every way."""
    for hand in (hand for hand in SMOOTH if hand.name in _MADE_HARD):
        for way in WAYS:
            yield replace(
                hand,
                name=f"{hand.name}, {way.name}",
                f=way.change(hand.f),
                points=hand.points[1:2],
                tag=way.tag,
                renewed=partial(way.change, hand.f) if way.tag == "stochastic" else None,
            )


_MADE_HARD = (
    "rosenbrock",
    "himmelblau",
    "zakharov",
    "logistic regression",
    "normal likelihood",
    "black scholes",
    "neural network",
    "orbit energy",
    "offset sine",
    "log sum exp",
)
_NETWORK = 0.6 * _data(40, 19)
_TOKENS = 0.7 * _data(41, 4, 3)
_CLUSTER = np.array([[0.0, 0.0, 0.0], [1.1, 0.1, 0.0], [0.5, 1.0, 0.1], [0.4, 0.4, 1.0]]) + 0.3
_SINGLE = Pair(single_regression_reference, single_regression().derivative)
_ROOT = Pair(cubic_root, bisection(1e-8).derivative)
_AT_THREE = (0.3, -0.8, 0.5), (1.1, 0.4, -0.6)

SMOOTH: tuple[Hand, ...] = (
    _squares("rosenbrock", rosenbrock(), -1.2, 1.0),
    _squares("freudenstein roth", freudenstein_roth(), 0.5, -2.0),
    _squares("powell badly scaled", powell_badly_scaled(), 1.1e-5, 9.1),
    _squares("brown badly scaled", brown_badly_scaled(), 0.9e6, 2.3e-6),
    _squares("beale", beale(), 1.3, 0.8),
    _squares("helical valley", helical_valley(), 1.0, 0.6, 0.4),
    _squares("kowalik osborne", kowalik_osborne(), 0.25, 0.39, 0.415, 0.39),
    _squares("wood", wood(), -3.0, -1.0, -3.0, -1.0),
    _squares("brown dennis", brown_dennis(), 25.0, 5.0, -5.0, -1.0),
    _squares("meyer", meyer(), 0.02, 4000.0, 250.0, spread=0.05),
    _squares("box 3d", box_3d(), 1.3, 10.0, 20.0),
    _squares("broyden squares", broyden_tridiagonal(), *[-1.0, -0.8, -1.1, 0.7, 0.4, -0.3]),
    _gradient("himmelblau", himmelblau(), 1.2, -2.3),
    _gradient("rastrigin", rastrigin(), 1.1, -0.3, 2.2, 0.6),
    _gradient("ackley", ackley(), 0.7, -1.4, 2.1),
    _gradient("griewank", griewank(), 3.0, -4.0, 7.0, 1.0, -2.0),
    _gradient("zakharov", zakharov(), 0.5, -0.3, 0.8, 0.1, -0.9, 0.4),
    _gradient("branin", branin(), 2.5, 7.5),
    _gradient("logistic regression", logistic_regression(40, 6), *(0.5 * _data(42, 6))),
    _gradient("poisson regression", poisson_regression(), 0.4, -0.7, 0.9, 0.2),
    _gradient("probit regression", probit_regression(), 0.5, -0.4, 0.9),
    _gradient("ridge regression", ridge_regression(), *_data(43, 6)),
    _gradient("normal likelihood", normal_likelihood(), 2.5, 0.4),
    _gradient("gamma likelihood", gamma_likelihood(), 1.7, 0.9),
    _gradient("weibull likelihood", weibull_likelihood(), 2.1, 1.3),
    _gradient("student likelihood", student_likelihood(), 0.3, 1.4, 4.5),
    _gradient("mixture likelihood", mixture_likelihood(), 0.3, -1.8, 1.2, 0.2, -0.5),
    _gradient("cox likelihood", cox_likelihood(), 0.3, -0.5, 0.7, 0.1),
    _gradient("multinomial regression", multinomial_regression(), *(0.4 * _data(44, 3, 4))),
    _gradient("gaussian process", gaussian_process(), 0.2, -0.3, -1.6),
    _gradient("kalman filter", kalman_filter(), -1.2, -0.4),
    _gradient("garch likelihood", garch_likelihood(), 5e-5, 0.1, 0.8, spread=0.1),
    _gradient("lennard jones", lennard_jones(), *_CLUSTER, spread=0.05),
    _gradient("orbit energy", orbit_energy(), 1.21e11, -8.3e10, 3.7e9, 1.56e4, 2.39e4, -310.0),
    _gradient("planck", planck(), 5e-7, 5800.0),
    _gradient("arrhenius", arrhenius(), 1.8e9, 5.15e4, spread=0.02),
    _gradient("black scholes", black_scholes(), 105.0, 98.0, 0.04, 0.25, 0.7, spread=0.1),
    _gradient("mixing entropy", mixing_entropy(), 0.6, 1.5, 0.02),
    _gradient("pendulum action", pendulum_action(), *(0.3 + 0.5 * np.sin(_index(12)))),
    _gradient("truss energy", truss_energy(), 2e-5, -4e-5),
    _gradient("neural network", neural_network(), *_NETWORK),
    _gradient("attention", attention(), *_TOKENS),
    _gradient("layer norm", layer_norm(), *_data(45, 7)),
    _gradient("log det", log_det(), *_data(46, 3, 4)),
    _gradient("trace inverse", trace_inverse(), *(_data(47, 3, 3) + 3 * np.eye(3))),
    replace(_gradient("spectrum", spectrum(), *_data(48, 8)), reference=spectrum_by_waves),
    _gradient("matrix exponential", matrix_exponential(), 1.4, 0.5, -0.7, 1.2),
    _gradient("mixed units", mixed_units(), 0.7e-9, 1.2e-3, 0.9, 1.6e4, 0.5e9),
    _gradient("tiny values", tiny_values(), 0.4, 1.9, -1.1),
    _gradient("offset sine", offset_sine(), 1.2, 0.8, -2.0),
    _gradient("fast sine", fast_sine(), 1.1, 0.7, 0.4),
    _gradient("steep exponential", steep_exponential(), 0.9, -0.8, 0.3),
    _gradient("log sum exp", log_sum_exp(6), *(2 * _data(49, 6))),
    _gradient("product", product(), 1.5, -0.4, 2.2, 0.9, -1.3),
    _gradient("power sum", power_sum(), 1.2, 0.9, 1.4, 0.7, 1.1, 0.8),
    _gradient("vanishing entries", vanishing_entries(), 0.4, 0.7, -0.5, 1.1, 0.3, 0.9),
    _gradient("lotka volterra fit", lotka_volterra_fit(), 1.1, 0.8, 0.7, 0.5),
    _gradient("logistic map", logistic_map(), 3.4, 0.35, spread=0.05),
    _gradient("kepler", kepler(), 0.6, 1.1),
    _jacobian("bard", bard(), 1.0, 1.2, 0.9),
    _jacobian("biggs exp6", biggs_exp6(), 1.2, 2.0, 0.9, 1.1, 4.0, 3.0),
    _jacobian("osborne 1", osborne_1(), 0.5, 1.5, -1.0, 0.01, 0.02),
    _jacobian("brown dennis residuals", brown_dennis(), 25.0, 5.0, -5.0, -1.0),
    _jacobian("broyden tridiagonal", broyden_tridiagonal(), *[-1.0, 0.6, -0.9, 1.2, -0.4]),
    _jacobian("lotka volterra", lotka_volterra(), 1.1, 0.8, 0.7, 0.5),
    _jacobian("robot arm", robot_arm(), 0.4, 0.9, -0.6),
    _jacobian("spherical", spherical(), 2.3, 0.8, 1.9),
    _jacobian("softmax", softmax(), 0.5, -1.2, 2.0, 0.3),
    _jacobian("scaled rows", scaled_rows(), 0.3, -0.5, 0.7),
    _jacobian("camera", camera(), 0.8, -1.1, 2.0, 1.4),
    _jacobian("kinetics", kinetics(), 0.9, 2e-5, 0.1),
    _jacobian("convolution", convolution(), 0.3, -0.8, 1.1, 0.5),
    _jacobian("rotation", rotation(), 0.7, 1.6, 0.4),
    _jacobian("linear map", linear_map(), 0.5, 2.0, -0.7, 30.0),
    _hessian("rosenbrock hessian", rosenbrock_hessian(), -1.2, 1.0),
    _hessian("himmelblau hessian", himmelblau_hessian(), 1.2, -2.3),
    _hessian("beale hessian", beale_hessian(), 1.3, 0.8),
    _hessian("logistic hessian", logistic_hessian(), 0.3, -0.8, 0.5, 0.2),
    _hessian("log sum exp hessian", log_sum_exp_hessian(), 0.5, -1.2, 2.0, 0.3),
    _hessian("normal hessian", normal_hessian(), 2.5, 0.4),
    _hessian("quartic hessian", quartic_hessian(), [0.5, -1.2, 0.8], [1.1, 0.4, -0.9]),
    _hessian("scaled hessian", scaled_hessian(), 0.7e-6, 1.2, 0.8e6),
    _hessian("chain hessian", chain_hessian(), 0.2, -0.5, 0.9, 0.4, -0.3),
)

HARD: tuple[Hand, ...] = (
    _hard("noisy", "bisection 1e-8", bisection(1e-8).f, _ROOT, (1.3, 2.4), (0.6, 4.0)),
    _hard("noisy", "bisection 1e-5", bisection(1e-5).f, _ROOT, (1.3, 2.4), (0.6, 4.0)),
    _hard("float32", "single regression", single_regression().f, _SINGLE, *_AT_THREE),
    _hard("kink", "absolute sum", absolute_sum().f, absolute_sum(), (0.0, 1.2, -0.7), (1, 0, 0)),
    _hard("kink", "rectified layer", rectified_layer().f, rectified_layer(), (0.7, 0.7, -0.2)),
    _hard("kink", "maximum", maximum().f, maximum(), (1.0, 1.0, 0.4), (2.0, 0.5, 2.0)),
    _hard("near kink", "absolute sum beside", absolute_sum().f, absolute_sum(), (0.01, 1.2, -1e-4)),
    _hard(
        "near kink",
        "rectified layer beside",
        rectified_layer().f,
        rectified_layer(),
        (0.7, 0.699, 0.2),
    ),
    _hard(
        "near kink", "maximum beside", maximum().f, maximum(), (1.0, 1.001, 0.4), (2.0, 0.5, 1.99)
    ),
    _hard("near kink", "hinge", hinge().f, hinge(), *_AT_THREE),
    _hard("near kink", "huber", huber().f, huber(), *_AT_THREE),
    _hard("edge", "barrier", barrier().f, barrier(), (0.3, 0.2, 1e-3), (0.5, 0.4999, 1e-6)),
    _hard("edge", "square roots", square_roots().f, square_roots(), (1e-6, 2.0, 0.5), (1, 1, 1e-9)),
    _hard("edge", "arc sines", arc_sines().f, arc_sines(), (0.999, -0.3), (0.5, -0.999999)),
    _hard("edge", "power of halves", power_of_halves().f, power_of_halves(), (0.0, 1.0, 1e-4)),
)

DERIVATIVES: tuple[Hand, ...] = (*SMOOTH, *HARD, *_made_hard())
