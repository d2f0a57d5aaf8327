# ruff: noqa: ARG005  (a formula takes the functions that it is made of)
"""Derivatives of orders three to six, where a bar wider than the value is no answer."""

from __future__ import annotations

import numpy as np

from tests.corpus.families.core import Instance, Random, loguniform, scalar, sign, uniform


def _order(rng: Random) -> int:
    return int(rng.integers(3, 7))


def wave(rng: Random) -> Instance:
    a, p = loguniform(rng, 0.3, 30), uniform(rng, 0, 6)
    formula = lambda m, t: m.sin(a * t + p) + t
    return scalar(formula, uniform(rng, -2, 2), order=_order(rng), tags="smooth")


def growth(rng: Random) -> Instance:
    a = sign(rng) * loguniform(rng, 0.3, 5)
    return scalar(lambda m, t: m.exp(a * t), uniform(rng, -1, 1), order=_order(rng), tags="smooth")


def logarithm(rng: Random) -> Instance:
    x = loguniform(rng, 0.01, 100)
    return scalar(lambda m, t: m.log(t) * t, x, order=_order(rng), tags="smooth")


def runge(rng: Random) -> Instance:
    a = loguniform(rng, 1, 30)
    formula = lambda m, t: 1 / (1 + a * t * t)
    return scalar(formula, uniform(rng, -1, 1), order=_order(rng), tags="smooth")


def gauss(rng: Random) -> Instance:
    formula = lambda m, t: m.exp(-t * t) + m.tanh(t)
    return scalar(formula, uniform(rng, -2, 2), order=_order(rng), tags="smooth")


def on_a_large_part(rng: Random) -> Instance:
    c = loguniform(rng, 1e4, 1e9)
    return scalar(lambda m, t: c + m.sin(t), uniform(rng, 0.2, 1), order=_order(rng))


def of_single_precision(rng: Random) -> Instance:
    f = lambda t: float(np.exp(np.float32(t)))
    return scalar(lambda m, t: m.exp(t), uniform(rng, -1, 2), order=int(rng.integers(3, 5)), f=f)


def beside_a_kink(rng: Random) -> Instance:
    x = uniform(rng, 0.4, 1.8)
    k, c = x + sign(rng) * loguniform(rng, 1e-3, 1e-1), loguniform(rng, 1e-2, 1)
    formula = lambda m, t: m.exp(t) + c * abs(t - k)
    return scalar(formula, x, order=3)


HIGHER = (
    wave,
    growth,
    logarithm,
    runge,
    gauss,
    on_a_large_part,
    of_single_precision,
    beside_a_kink,
)

FAMILIES = {"orders 3 to 6": HIGHER}
