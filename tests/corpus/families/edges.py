# ruff: noqa: ARG005  (a formula takes the functions that it is made of)
"""Edges of domains, tight bounds, and functions that raise far from x."""

from __future__ import annotations

import math

from tests.corpus.families.bends import smooth_part
from tests.corpus.families.core import (
    INF,
    Instance,
    Random,
    loguniform,
    scalar,
    sign,
    uniform,
)

# --- Domain edges: math raises ValueError beyond ---


def log_near_zero(rng: Random) -> Instance:
    x = loguniform(rng, 1e-12, 1e-1)
    return scalar(lambda m, t: m.log(t) + t, x, tags="smooth exact")


def root_near_zero(rng: Random) -> Instance:
    k = uniform(rng, 0, 2)
    x = k + loguniform(rng, 1e-6, 1e-1)
    return scalar(lambda m, t: m.sqrt(t - k) + t * t, x, tags="smooth exact" if k < x / 2 else "")


def arccos_near_one(rng: Random) -> Instance:
    return scalar(lambda m, t: m.acos(t), 1 - loguniform(rng, 1e-8, 1e-2))


def circle(rng: Random) -> Instance:
    x = sign(rng) * (1 - loguniform(rng, 1e-8, 1e-1))
    return scalar(lambda m, t: m.sqrt(1 - t * t), x)


def entropy_near_edge(rng: Random) -> Instance:
    x = loguniform(rng, 1e-9, 1e-2)
    return scalar(lambda m, t: -t * m.log(t) - (1 - t) * m.log(1 - t), x, tags="smooth exact")


def one_sided_power(rng: Random) -> Instance:
    p = uniform(rng, 2.2, 3.8)
    return scalar(lambda m, t: (t - 1) ** p + t if t >= 1 else m.sqrt(t - 1), 1.0, exact=1.0)


def atanh_near_one(rng: Random) -> Instance:
    x = sign(rng) * (1 - loguniform(rng, 1e-7, 1e-1))
    return scalar(lambda m, t: m.atanh(t), x)


DOMAINS = (
    log_near_zero,
    root_near_zero,
    arccos_near_one,
    circle,
    entropy_near_edge,
    one_sided_power,
    atanh_near_one,
)


# --- Bounds ---


def _bounded(rng: Random, below: float, above: float, tags: str) -> Instance:
    g, x = smooth_part(rng), uniform(rng, 0.4, 1.8)
    bounds = (x - below * x, x + above * x)
    return scalar(g, x, options={"bounds": bounds}, tags=tags)


def tight(rng: Random) -> Instance:
    return _bounded(rng, loguniform(rng, 1e-10, 1e-7), loguniform(rng, 1e-10, 1e-7), "smooth")


def narrow(rng: Random) -> Instance:
    return _bounded(rng, loguniform(rng, 1e-6, 1e-3), loguniform(rng, 1e-6, 1e-3), "smooth exact")


def at_lower(rng: Random) -> Instance:
    return _bounded(rng, 0.0, uniform(rng, 0.1, 1), "smooth exact")


def at_upper(rng: Random) -> Instance:
    return _bounded(rng, uniform(rng, 0.1, 1), 0.0, "smooth exact")


def close_to_lower(rng: Random) -> Instance:
    return _bounded(rng, loguniform(rng, 1e-12, 1e-6), 0.5, "smooth exact")


def tight_at_lower(rng: Random) -> Instance:
    return _bounded(rng, 0.0, loguniform(rng, 1e-9, 1e-5), "smooth")


def near_zero_bound(rng: Random) -> Instance:
    x = loguniform(rng, 1e-9, 1e-3)
    formula = lambda m, t: m.exp(-t) + t * t
    return scalar(formula, x, options={"bounds": (0.0, INF)}, tags="smooth exact")


BOUNDS = (tight, narrow, at_lower, at_upper, close_to_lower, tight_at_lower, near_zero_bound)


# --- Functions that raise where users would never ask ---


def _guarded(rng: Random, error: type[Exception], reach, formula=None, exact=None) -> Instance:
    """A smooth part that raises further than this share of x away."""
    g, x = formula or smooth_part(rng), uniform(rng, 0.4, 1.8)

    def f(t):
        if abs(t - x) > reach * x:
            raise error("no value there")
        return float(g(math, t))

    return scalar(g, x, f=f, exact=exact, tags="smooth exact")


def type_error(rng: Random) -> Instance:
    return _guarded(rng, TypeError, uniform(rng, 0.9, 1.5))


def key_error(rng: Random) -> Instance:
    return _guarded(rng, KeyError, uniform(rng, 0.9, 1.5))


def assertion(rng: Random) -> Instance:
    return _guarded(rng, AssertionError, uniform(rng, 0.9, 1.5))


def constant_price(rng: Random) -> Instance:
    formula = lambda m, t: 3.0 + 0 * t
    error = (TypeError, KeyError, AssertionError)[int(rng.integers(3))]
    return _guarded(rng, error, uniform(rng, 0.9, 1.5), formula, 0.0)


def value_error(rng: Random) -> Instance:
    return _guarded(rng, ValueError, loguniform(rng, 1e-3, 0.5))


def no_convergence(rng: Random) -> Instance:
    return _guarded(rng, RuntimeError, loguniform(rng, 1e-3, 0.5))


def division(rng: Random) -> Instance:
    return _guarded(rng, ZeroDivisionError, loguniform(rng, 1e-3, 0.5))


def linear_demand(rng: Random) -> Instance:
    a, b = uniform(rng, 1, 9), uniform(rng, 0.5, 4)
    formula = lambda m, t: a - b * t
    return _guarded(rng, TypeError, uniform(rng, 0.9, 1.0), formula, -b)


RAISING = (
    type_error,
    key_error,
    assertion,
    constant_price,
    value_error,
    no_convergence,
    division,
    linear_demand,
)

FAMILIES = {"domain edges": DOMAINS, "bounds": BOUNDS, "raising": RAISING}
