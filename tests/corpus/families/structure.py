# ruff: noqa: ARG005  (a formula takes the functions that it is made of)
"""Real structure that is small beside f: ripples, clips, steps, kinks; and periods that alias."""

from __future__ import annotations

import math

from tests.corpus.families.bends import smooth_part
from tests.corpus.families.core import (
    Instance,
    Random,
    loguniform,
    scalar,
    sign,
    uniform,
)

# --- Small fast ripples ---


def _rippled(rng: Random, wave, amplitude, frequency, order=1) -> Instance:
    g, x = smooth_part(rng), uniform(rng, 0.4, 1.8)
    a, w = loguniform(rng, *amplitude), loguniform(rng, *frequency)
    return scalar(lambda m, t: g(m, t) + a * wave(m, w * t), x, order=order)


def tiny_fast_sine(rng: Random) -> Instance:
    return _rippled(rng, lambda m, u: m.sin(u), (1e-9, 5e-8), (1e4, 1e7))


def tiny_sine(rng: Random) -> Instance:
    return _rippled(rng, lambda m, u: m.cos(u), (1e-9, 5e-8), (1e2, 1e5))


def tiny_sharp_wave(rng: Random) -> Instance:
    return _rippled(rng, lambda m, u: m.exp(m.sin(u)), (1e-9, 2e-8), (1e3, 1e6))


def tiny_two_waves(rng: Random) -> Instance:
    wave = lambda m, u: m.sin(u) + m.cos(1.618 * u) / 2
    return _rippled(rng, wave, (1e-9, 3e-8), (1e3, 1e6))


def faint_sine(rng: Random) -> Instance:
    return _rippled(rng, lambda m, u: m.sin(u), (1e-7, 1e-4), (1e2, 1e4))


RIPPLES = (tiny_fast_sine, tiny_sine, tiny_sharp_wave, tiny_two_waves, faint_sine)


def order_2_small(rng: Random) -> Instance:
    return _on_polynomial(rng, 2, (1e-7, 1e-3), (20, 200))


def order_2_tiny(rng: Random) -> Instance:
    return _on_polynomial(rng, 2, (1e-10, 1e-7), (1e2, 1e4))


def order_3_small(rng: Random) -> Instance:
    return _on_polynomial(rng, 3, (1e-6, 1e-3), (20, 200))


def order_4_small(rng: Random) -> Instance:
    return _on_polynomial(rng, 4, (1e-5, 1e-3), (10, 80))


def _on_polynomial(rng: Random, order, amplitude, frequency) -> Instance:
    c = [uniform(rng, -2, 2) for _ in range(int(rng.integers(2, 5)))]
    a, w = loguniform(rng, *amplitude), loguniform(rng, *frequency)
    formula = lambda m, x: x * x + sum(b * x**k for k, b in enumerate(c)) + a * m.sin(w * x)
    return scalar(formula, uniform(rng, 0.4, 2), order=order)


HIGHER = (order_2_small, order_2_tiny, order_3_small, order_4_small)


# --- Steps and clips below single precision ---


def clip(rng: Random) -> Instance:
    c, r, b = uniform(rng, 0.3, 3), loguniform(rng, 3e-10, 3e-8), uniform(rng, 0.05, 2)
    low, high = c * (1 - r), c * (1 + r)
    x = c * (1 + uniform(rng, -0.5, 0.5) * r)
    return scalar(lambda m, t: min(max(t, low), high) + b * t, x, exact=1 + b)


def clip_beside(rng: Random) -> Instance:
    c, r, b = uniform(rng, 0.3, 3), loguniform(rng, 1e-9, 3e-8), uniform(rng, 0.05, 2)
    low, high = c * (1 - r), c * (1 + r)
    x = c * (1 + sign(rng) * uniform(rng, 1.5, 4) * r)
    return scalar(lambda m, t: min(max(t, low), high) + b * t, x, exact=b)


def _step(rng: Random, shape) -> Instance:
    g, k = smooth_part(rng), uniform(rng, 0.4, 1.8)
    a, w = loguniform(rng, 1e-9, 5e-8), loguniform(rng, 1e-8, 1e-6)
    x = k + uniform(rng, -1.5, 1.5) * w
    return scalar(lambda m, t: g(m, t) + a * shape(m, (t - k) / w), x)


def tanh_step(rng: Random) -> Instance:
    return _step(rng, lambda m, u: m.tanh(u))


def arctan_step(rng: Random) -> Instance:
    return _step(rng, lambda m, u: m.atan(u))


def error_step(rng: Random) -> Instance:
    return _step(rng, lambda m, u: m.erf(u))


def bump(rng: Random) -> Instance:
    return _step(rng, lambda m, u: m.exp(-u * u))


def ramp(rng: Random) -> Instance:
    return _step(rng, lambda m, u: min(max(u, -3), 3))


STEPS = (clip, clip_beside, tanh_step, arctan_step, error_step, bump, ramp)


# --- Small kinks beside x ---


def _kink(rng: Random, shape, distance=(1e-8, 1e-3)) -> Instance:
    g, x = smooth_part(rng), uniform(rng, 0.4, 1.8)
    k = x + sign(rng) * loguniform(rng, *distance)
    c = sign(rng) * loguniform(rng, 1e-5, 1e-2)
    return scalar(lambda m, t: g(m, t) + c * shape(m, t - k), x)


def small_hinge(rng: Random) -> Instance:
    return _kink(rng, lambda m, u: max(u, 0))


def small_abs(rng: Random) -> Instance:
    return _kink(rng, lambda m, u: abs(u))


def small_hinge_of_sine(rng: Random) -> Instance:
    return _kink(rng, lambda m, u: max(m.sin(3 * u), 0))


def small_leak(rng: Random) -> Instance:
    return _kink(rng, lambda m, u: u if u > 0 else u / 10)


def small_kink_further(rng: Random) -> Instance:
    return _kink(rng, lambda m, u: abs(u), (1e-3, 1e-1))


SMALL_KINKS = (small_hinge, small_abs, small_hinge_of_sine, small_leak, small_kink_further)


# --- A scale far below x ---


def sine_at_large_x(rng: Random) -> Instance:
    x, c = loguniform(rng, 1e8, 1e12), loguniform(rng, 1e-4, 1e-1)
    exact = lambda m, t: m.cos(t) + c
    return scalar(lambda m, t: m.sin(t) + c * t, x, exact=exact)


def epoch_seconds(rng: Random) -> Instance:
    x, w = 1.7e9 + uniform(rng, 0, 1e7), loguniform(rng, 1e-4, 1)
    return scalar(lambda m, t: 3 + m.sin(w * t), x, exact=lambda m, t: w * m.cos(w * t))


def peak_at_large_x(rng: Random) -> Instance:
    k, w = loguniform(rng, 1e5, 1e9), loguniform(rng, 0.1, 10)
    x = k + uniform(rng, -1, 1) * w
    return scalar(lambda m, t: m.exp(-(((t - k) / w) ** 2)) + t / k, x)


def logistic_at_large_x(rng: Random) -> Instance:
    k, w = loguniform(rng, 1e5, 1e9), loguniform(rng, 0.1, 10)
    x = k + uniform(rng, -2, 2) * w
    return scalar(lambda m, t: 1 / (1 + m.exp(-(t - k) / w)), x)


LARGE = (sine_at_large_x, epoch_seconds, peak_at_large_x, logistic_at_large_x)


# --- Periods that divide the steps ---


def _periodic(rng: Random, wave, frequencies) -> Instance:
    """A wave of amplitude a on a parabola at a dyadic point; the wave's argument is its phase."""
    n = float(rng.choice(frequencies))
    x = float(rng.integers(2, 17)) / 8
    a = loguniform(rng, 1e-4, 1e-1)
    formula = lambda m, t: t * t + a * wave(m, n * t - math.floor(n * x))
    return scalar(formula, x)


POWERS = [2.0**k for k in range(8, 21)]
MULTIPLES = [j * 2.0**k for k in range(8, 19) for j in (3, 5, 7, 11)]


def dyadic_sine(rng: Random) -> Instance:
    p = uniform(rng, 0, 6)
    return _periodic(rng, lambda m, u: m.sin(2 * m.pi * (u - m.floor(u)) + p), POWERS)


def dyadic_sharp_wave(rng: Random) -> Instance:
    p = uniform(rng, 0, 6)
    return _periodic(rng, lambda m, u: m.exp(m.cos(2 * m.pi * (u - m.floor(u)) + p)), POWERS)


def dyadic_two_waves(rng: Random) -> Instance:
    p = uniform(rng, 0, 6)

    def wave(m, u):
        phase = 2 * m.pi * (u - m.floor(u))
        return m.sin(phase + p) + m.cos(3 * phase) / 3

    return _periodic(rng, wave, POWERS)


def multiple_of_dyadic(rng: Random) -> Instance:
    p = uniform(rng, 0, 6)
    return _periodic(rng, lambda m, u: m.sin(2 * m.pi * (u - m.floor(u)) + p), MULTIPLES)


def decimal_period(rng: Random) -> Instance:
    n = 10.0 ** int(rng.integers(2, 7))
    a, p, x = loguniform(rng, 1e-4, 1e-1), uniform(rng, 0, 6), uniform(rng, 0.3, 2)
    return scalar(lambda m, t: t * t + a * m.sin(2 * m.pi * n * t + p), x)


ALIASING = (dyadic_sine, dyadic_sharp_wave, dyadic_two_waves, multiple_of_dyadic, decimal_period)

FAMILIES = {
    "ripples": RIPPLES,
    "ripples, higher": HIGHER,
    "small steps": STEPS,
    "small kinks": SMALL_KINKS,
    "large x": LARGE,
    "aliasing": ALIASING,
}
