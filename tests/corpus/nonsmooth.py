"""Functions of one variable with a kink, jump or singularity at the point or near it.

One-sided derivatives are the limits of the one-sided difference quotients that use the value at the
point itself: at a jump one of them at least is infinite, and nan stands for a limit that does not
exist or a value that is not finite.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

Function = Callable[[float], float]
INF, NAN = math.inf, math.nan


class Nonsmooth(NamedTuple):
    """``f`` has no derivative at ``x``; ``kind`` is "kink", "jump" or "singular"."""

    name: str
    f: Function
    x: float
    kind: str
    left: float
    right: float


class Exact(NamedTuple):
    """``f`` has the derivative ``exact`` at ``x``."""

    name: str
    f: Function
    x: float
    exact: float


def _sign(x: float) -> float:
    return float(x > 0) - float(x < 0)


def _heaviside(x: float) -> float:
    return 1.0 if x >= 0 else 0.0


def _relu(x: float) -> float:
    return max(0.0, float(x))


def _hinge(x: float) -> float:
    return max(0.0, 1.0 - x)


def _soft_threshold(x: float) -> float:
    return _sign(x) * max(abs(x) - 0.5, 0.0)


def _clip(x: float) -> float:
    return min(max(float(x), -1.0), 1.0)


def _power(x: float, exponent: float) -> float:
    return abs(x) ** exponent


def _triangle_wave(x: float) -> float:
    return abs(x - 2 * round(x / 2))


def _sawtooth(x: float) -> float:
    return x - math.floor(x)


def _tax(x: float) -> float:
    """Piecewise linear: rates 0.1, 0.25, 0.4 with bends at 10 and 40."""
    return 0.1 * x + 0.15 * max(0.0, x - 10) + 0.15 * max(0.0, x - 40)


def _wiggle(x: float, exponent: int) -> float:
    return x**exponent * math.sin(1 / x) if x else 0.0


def _reciprocal(x: float) -> float:
    return 1 / x if x else INF


def _entropy(x: float) -> float:
    return x * math.log(abs(x)) if x else 0.0


def _leaky(x: float) -> float:
    return x if x > 0 else 0.01 * x


def _elu(x: float) -> float:
    return x if x > 0 else 2 * math.expm1(x)


def _cbrt(x: float) -> float:
    return math.copysign(abs(x) ** (1 / 3), x)


def _after(x: float, at: float, before: Function, after: Function) -> float:
    """``before(x)`` below ``at``, ``after(x)`` from there on."""
    return before(x) if x < at else after(x)


NONSMOOTH: tuple[Nonsmooth, ...] = (
    # Kinks.
    Nonsmooth("abs", abs, 0.0, "kink", -1.0, 1.0),
    Nonsmooth("abs_shifted", lambda x: abs(x - 1), 1.0, "kink", -1.0, 1.0),
    Nonsmooth("abs_far", lambda x: abs(x - 1e6), 1e6, "kink", -1.0, 1.0),
    Nonsmooth("abs_near_zero", lambda x: abs(x - 1e-6), 1e-6, "kink", -1.0, 1.0),
    Nonsmooth("abs_steep", lambda x: 1e8 * abs(x), 0.0, "kink", -1e8, 1e8),
    Nonsmooth("abs_faint", lambda x: 1e-8 * abs(x), 0.0, "kink", -1e-8, 1e-8),
    Nonsmooth("abs_on_exp", lambda x: math.exp(x) + abs(x), 0.0, "kink", 0.0, 2.0),
    Nonsmooth("abs_times_cos", lambda x: abs(x) * math.cos(x), 0.0, "kink", -1.0, 1.0),
    Nonsmooth("max_of_powers", lambda x: max(x, x * x), 1.0, "kink", 1.0, 2.0),
    Nonsmooth("max_of_powers_at_zero", lambda x: max(x, x * x), 0.0, "kink", 0.0, 1.0),
    Nonsmooth("min_of_waves", lambda x: min(math.sin(x), 0.0), 0.0, "kink", 1.0, 0.0),
    Nonsmooth("relu", _relu, 0.0, "kink", 0.0, 1.0),
    Nonsmooth("leaky_relu", _leaky, 0.0, "kink", 0.01, 1.0),
    Nonsmooth("elu", _elu, 0.0, "kink", 2.0, 1.0),
    Nonsmooth("hinge", _hinge, 1.0, "kink", -1.0, 0.0),
    Nonsmooth("soft_threshold", _soft_threshold, 0.5, "kink", 0.0, 1.0),
    Nonsmooth("soft_threshold_below", _soft_threshold, -0.5, "kink", 1.0, 0.0),
    Nonsmooth("clip", _clip, 1.0, "kink", 1.0, 0.0),
    Nonsmooth("abs_sin", lambda x: abs(math.sin(x)), 0.0, "kink", -1.0, 1.0),
    Nonsmooth("abs_log", lambda x: abs(math.log(x)) if x > 0 else NAN, 1.0, "kink", -1.0, 1.0),
    Nonsmooth("exp_minus_abs", lambda x: math.exp(-abs(x)), 0.0, "kink", 1.0, -1.0),
    Nonsmooth("abs_of_cubic", lambda x: abs(x**3 - 8), 2.0, "kink", -12.0, 12.0),
    Nonsmooth("triangle_wave", _triangle_wave, 0.0, "kink", -1.0, 1.0),
    Nonsmooth("triangle_wave_top", _triangle_wave, 3.0, "kink", 1.0, -1.0),
    Nonsmooth("tax_first_bend", _tax, 10.0, "kink", 0.1, 0.25),
    Nonsmooth("tax_second_bend", _tax, 40.0, "kink", 0.25, 0.4),
    Nonsmooth("small_bend", lambda x: x + 0.01 * max(0.0, x - 2), 2.0, "kink", 1.0, 1.01),
    Nonsmooth("tiny_bend", lambda x: math.sin(x) + 1e-4 * abs(x), 0.0, "kink", 1 - 1e-4, 1 + 1e-4),
    Nonsmooth("option_payoff", lambda x: max(x - 105.0, 0.0), 105.0, "kink", 0.0, 1.0),
    Nonsmooth(
        "one_sided_square",
        lambda x: _after(x, 0, lambda t: t * t, lambda t: 3 * t),
        0.0,
        "kink",
        0.0,
        3.0,
    ),
    Nonsmooth("root_of_square", lambda x: math.sqrt(4 * x * x), 0.0, "kink", -2.0, 2.0),
    Nonsmooth("big_scale", lambda x: abs(x / 1e9 - 2), 2e9, "kink", -1e-9, 1e-9),
    # Jumps.
    Nonsmooth("floor", math.floor, 1.0, "jump", INF, 0.0),
    Nonsmooth("floor_far", math.floor, 4000.0, "jump", INF, 0.0),
    Nonsmooth("ceil", math.ceil, 2.0, "jump", 0.0, INF),
    Nonsmooth("round_half_up", lambda x: math.floor(x + 0.5), 2.5, "jump", INF, 0.0),
    Nonsmooth("round_half_even", round, 2.5, "jump", 0.0, INF),
    Nonsmooth("sign", _sign, 0.0, "jump", INF, INF),
    Nonsmooth("minus_sign", lambda x: -_sign(x), 0.0, "jump", -INF, -INF),
    Nonsmooth("heaviside", _heaviside, 0.0, "jump", INF, 0.0),
    Nonsmooth("heaviside_shifted", lambda x: _heaviside(x - 1e-3), 1e-3, "jump", INF, 0.0),
    Nonsmooth("heaviside_on_line", lambda x: x + 0.5 * _heaviside(x - 3), 3.0, "jump", INF, 1.0),
    Nonsmooth("tiny_jump", lambda x: x + 1e-6 * _heaviside(x - 1), 1.0, "jump", INF, 1.0),
    Nonsmooth("jump_down", lambda x: math.cos(x) - 2 * _heaviside(x), 0.0, "jump", -INF, 0.0),
    Nonsmooth("sawtooth", _sawtooth, 5.0, "jump", -INF, 1.0),
    Nonsmooth("truncate", math.trunc, -3.0, "jump", 0.0, INF),
    Nonsmooth("single_point", lambda x: 1.0 if x == 0 else 0.0, 0.0, "jump", INF, -INF),
    Nonsmooth(
        "jump_and_bend", lambda x: _after(x, 2, lambda t: t, lambda t: t * t), 2.0, "jump", INF, 4.0
    ),
    Nonsmooth("sign_of_sin", lambda x: 3 + _sign(math.sin(x)), 0.0, "jump", INF, INF),
    # Infinite slopes and oscillation.
    Nonsmooth("root_abs", lambda x: _power(x, 0.5), 0.0, "singular", -INF, INF),
    Nonsmooth("root_abs_shifted", lambda x: _power(x - 2, 0.5), 2.0, "singular", -INF, INF),
    Nonsmooth("power_0.3", lambda x: _power(x, 0.3), 0.0, "singular", -INF, INF),
    Nonsmooth("power_0.9", lambda x: _power(x, 0.9), 0.0, "singular", -INF, INF),
    Nonsmooth("cbrt", _cbrt, 0.0, "singular", INF, INF),
    Nonsmooth("signed_root", lambda x: math.copysign(_power(x, 0.5), x), 0.0, "singular", INF, INF),
    Nonsmooth("two_thirds", lambda x: _power(x, 2 / 3), 0.0, "singular", -INF, INF),
    Nonsmooth("half_root", lambda x: math.sqrt(max(0.0, x)), 0.0, "singular", 0.0, INF),
    Nonsmooth("circle_edge", lambda x: math.sqrt(abs(1 - x * x)), 1.0, "singular", -INF, INF),
    Nonsmooth("x_log_abs", _entropy, 0.0, "singular", -INF, -INF),
    Nonsmooth("x_sin_reciprocal", lambda x: _wiggle(x, 1), 0.0, "singular", NAN, NAN),
    Nonsmooth("sin_reciprocal", lambda x: _wiggle(x, 0), 0.0, "singular", NAN, NAN),
    Nonsmooth("reciprocal", _reciprocal, 0.0, "singular", NAN, NAN),
    Nonsmooth("log_abs", lambda x: math.log(abs(x)) if x else -INF, 0.0, "singular", NAN, NAN),
)

ONCE_DIFFERENTIABLE: tuple[Exact, ...] = (
    Exact("power_1.5", lambda x: _power(x, 1.5), 0.0, 0.0),
    Exact("power_1.1", lambda x: _power(x, 1.1), 0.0, 0.0),
    Exact("power_1.5_shifted", lambda x: x + _power(x - 1, 1.5), 1.0, 1.0),
    Exact("x_abs_x", lambda x: x * abs(x), 0.0, 0.0),
    Exact("x_abs_x_on_line", lambda x: 3 * x + x * abs(x), 0.0, 3.0),
    Exact("x_abs_x_shifted", lambda x: (x - 2) * abs(x - 2) + math.exp(x - 2), 2.0, 1.0),
    Exact("relu_squared", lambda x: _relu(x) ** 2, 0.0, 0.0),
    Exact("relu_squared_on_sin", lambda x: math.sin(x) + _relu(x) ** 2, 0.0, 1.0),
    Exact("huber", lambda x: 0.5 * x * x if abs(x) <= 1 else abs(x) - 0.5, 1.0, 1.0),
    Exact("x2_sin_reciprocal", lambda x: _wiggle(x, 2), 0.0, 0.0),
    Exact("x3_sin_reciprocal", lambda x: x + _wiggle(x, 3), 0.0, 1.0),
    Exact("joined_parabolas", lambda x: x * x if x < 1 else 2 * x - 1 + 5 * (x - 1) ** 2, 1.0, 2.0),
    Exact("x2_log_abs", lambda x: x * _entropy(x), 0.0, 0.0),
    Exact("abs_sin_cubed", lambda x: abs(math.sin(x)) ** 3, 0.0, 0.0),
    Exact("x_root_abs", lambda x: x * _power(x, 0.5), 0.0, 0.0),
    Exact("bent_exponential", lambda x: math.exp(x) if x < 0 else 1 + x, 0.0, 1.0),
    Exact("celu", lambda x: x if x > 0 else math.expm1(x), 0.0, 1.0),
    Exact("squared_hinge", lambda x: _hinge(x) ** 2, 1.0, 0.0),
)

_DISTANCES = (1e-6, 1e-4, 1e-2, 0.3)


def _near() -> tuple[Exact, ...]:
    """The trouble lies below the point."""
    families: tuple[tuple[str, Function, float, Function], ...] = (
        ("abs", abs, 0.0, _sign),
        ("abs_shifted", lambda x: abs(x - 1), 1.0, lambda x: _sign(x - 1)),
        (
            "abs_on_exp",
            lambda x: math.exp(x) + abs(x - 1),
            1.0,
            lambda x: math.exp(x) + _sign(x - 1),
        ),
        ("max_of_powers", lambda x: max(x, x * x), 1.0, lambda x: 2 * x),
        ("relu_cube", lambda x: _relu(x - 2) * x * x, 2.0, lambda x: 3 * x * x - 4 * x),
        ("abs_sin", lambda x: abs(math.sin(x)), 0.0, math.cos),
        ("exp_minus_abs", lambda x: math.exp(-abs(x)), 0.0, lambda x: -math.exp(-x)),
        (
            "small_bend",
            lambda x: math.sin(x) + 0.01 * abs(x - 2),
            2.0,
            lambda x: math.cos(x) + 0.01,
        ),
        ("heaviside_on_sin", lambda x: math.sin(x) + _heaviside(x - 1), 1.0, math.cos),
        ("tiny_jump", lambda x: math.exp(x) + 1e-6 * _heaviside(x), 0.0, math.exp),
        ("floor_on_square", lambda x: math.floor(x) + x * x, 3.0, lambda x: 2 * x),
        ("sawtooth", _sawtooth, 5.0, lambda _: 1.0),
        ("sign_times_cos", lambda x: _sign(x) * math.cos(x), 0.0, lambda x: -math.sin(x)),
        ("root_abs", lambda x: _power(x, 0.5), 0.0, lambda x: 0.5 / math.sqrt(x)),
        ("cbrt", _cbrt, 0.0, lambda x: x ** (-2 / 3) / 3),
        ("power_1.5", lambda x: _power(x, 1.5), 0.0, lambda x: 1.5 * math.sqrt(x)),
        ("x_abs_x", lambda x: x * abs(x), 0.0, lambda x: 2 * x),
        ("x_log_abs", _entropy, 0.0, lambda x: math.log(x) + 1),
        ("reciprocal", _reciprocal, 0.0, lambda x: -1 / (x * x)),
    )
    return tuple(
        Exact(f"{name}+{gap:g}", f, trouble + gap, df(trouble + gap))
        for name, f, trouble, df in families
        for gap in _DISTANCES
    )


def _near_below() -> tuple[Exact, ...]:
    """The trouble lies above the point."""
    families: tuple[tuple[str, Function, float, Function], ...] = (
        ("abs", abs, 0.0, _sign),
        ("hinge", lambda x: _hinge(x) * math.exp(x), 1.0, lambda x: -x * math.exp(x)),
        ("relu_on_cos", lambda x: math.cos(x) + _relu(x - 1), 1.0, lambda x: -math.sin(x)),
        ("soft_threshold_on_square", lambda x: _soft_threshold(x) + x * x, 0.5, lambda x: 2 * x),
        ("big_jump", lambda x: math.sin(x) + 1e3 * _heaviside(x - 4), 4.0, math.cos),
        ("ceil_on_exp", lambda x: math.ceil(x) + math.exp(x), 0.0, math.exp),
    )
    return tuple(
        Exact(f"{name}-{gap:g}", f, trouble - gap, df(trouble - gap))
        for name, f, trouble, df in families
        for gap in _DISTANCES
    )


NEAR_KINK: tuple[Exact, ...] = _near() + _near_below()
