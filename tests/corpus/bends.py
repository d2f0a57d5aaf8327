"""More functions with a kink, jump or singularity at the point, as they come up in practice.

They stand at other scales than those of `nonsmooth`, on top of large smooth parts, or inside
compositions: maxima of waves, medians, sorted values, tables, norms, contracts, networks.
"""

from __future__ import annotations

import math

import numpy as np

from tests.corpus.nonsmooth import INF, Nonsmooth

HALF_ROOT = math.sqrt(0.5)


def _sign(x: float) -> float:
    return float(x > 0) - float(x < 0)


def _middle(*values: float) -> float:
    return sorted(values)[len(values) // 2]


def _distance_log(x: float) -> float:
    return (x - 2) * math.log(abs(x - 2)) if x != 2 else 0.0


def _pinball(x: float) -> float:
    return max(0.9 * (x - 2), 0.1 * (2 - x))


def _network(x: float) -> float:
    return math.tanh(3 * max(0.0, x - 0.5) + x)


def _joined(x: float) -> float:
    return x**3 if x < 2 else 8 + 3 * (x - 2)


def _barrier(x: float) -> float:
    return max(100 * math.exp(0.1 * x) - 110, 0.0)


def _dead_zone(x: float) -> float:
    return _sign(x) * max(abs(x) - 1, 0.0) * math.exp(x / 4)


TABLE = ((0.0, 1.0, 2.5, 4.0), (1.0, 3.0, 2.7, 5.0))
BARRIER = math.log(1.1) / 0.1  # to rounding
SLOPE = 1 - math.tanh(0.5) ** 2

BENDS: tuple[Nonsmooth, ...] = (
    # Kinks inside compositions.
    Nonsmooth(
        "max_of_waves", lambda x: max(math.sin(x), math.cos(x)), math.pi / 4, "kink",
        -HALF_ROOT, HALF_ROOT,
    ),
    Nonsmooth("min_of_parabolas", lambda x: min(x * x, (x - 2) ** 2), 1.0, "kink", 2.0, -2.0),
    Nonsmooth("max_of_three", lambda x: max(x, 2 * x - 1, 5 * x - 7), 2.0, "kink", 2.0, 5.0),
    Nonsmooth("median", lambda x: float(np.median([2 * x, 0.0, 5.0])), 0.0, "kink", 0.0, 2.0),
    Nonsmooth("second_largest", lambda x: _middle(x, 2 - x, 0.5), 1.5, "kink", -1.0, 0.0),
    Nonsmooth("table", lambda x: float(np.interp(x, *TABLE)), 2.5, "kink", -0.2, 2.3 / 1.5),
    Nonsmooth(
        "norm", lambda x: float(np.linalg.norm([x, 2 * x])), 0.0, "kink",
        -math.sqrt(5), math.sqrt(5),
    ),
    Nonsmooth("hypot", lambda x: math.hypot(x - 3, 0.0) + x, 3.0, "kink", 0.0, 2.0),
    Nonsmooth("distance_to_set", lambda x: abs(abs(x) - 1), 1.0, "kink", -1.0, 1.0),
    Nonsmooth("network", _network, 0.5, "kink", SLOPE, 4 * SLOPE),
    Nonsmooth("pinball", _pinball, 2.0, "kink", -0.1, 0.9),
    Nonsmooth("dead_zone", _dead_zone, 1.0, "kink", 0.0, math.exp(0.25)),
    Nonsmooth("joined_cubic", _joined, 2.0, "kink", 12.0, 3.0),
    Nonsmooth("barrier", _barrier, BARRIER, "kink", 0.0, 11.0),
    Nonsmooth("exp_abs_sin", lambda x: math.exp(abs(math.sin(3 * x))), 0.0, "kink", -3.0, 3.0),
    Nonsmooth("log_one_plus_abs", lambda x: math.log1p(abs(x - 4)), 4.0, "kink", -1.0, 1.0),
    Nonsmooth("power_beside_bend", lambda x: abs(x) ** 1.5 + max(x, 0.0), 0.0, "kink", 0.0, 1.0),
    # Kinks at other scales and on top of large smooth parts.
    Nonsmooth("lasso", lambda x: 50 * (x - 3) ** 2 + 0.1 * abs(x - 3), 3.0, "kink", -0.1, 0.1),
    Nonsmooth("large_cosine", lambda x: 1e8 * math.cos(x) + 1e3 * abs(x), 0.0, "kink", -1e3, 1e3),
    Nonsmooth(
        "faint", lambda x: 1e-8 * (math.exp(x) + abs(x - 2)), 2.0, "kink",
        1e-8 * (math.exp(2) - 1), 1e-8 * (math.exp(2) + 1),
    ),
    Nonsmooth(
        "strong", lambda x: 1e8 * (max(x - 1, 0.0) + math.sin(x)), 1.0, "kink",
        1e8 * math.cos(1), 1e8 * (1 + math.cos(1)),
    ),
    Nonsmooth("small_x", lambda x: max(x, 3e-6 - 2 * x), 1e-6, "kink", -2.0, 1.0),
    Nonsmooth(
        "small_x_curved", lambda x: math.exp(1e6 * x) + abs(1e6 * x - 1), 1e-6, "kink",
        1e6 * (math.e - 1), 1e6 * (math.e + 1),
    ),
    Nonsmooth(
        "large_x", lambda x: abs(x / 1e6 - 1) + (x / 1e6) ** 2, 1e6, "kink", 1e-6, 3e-6
    ),
    Nonsmooth("large_x_payoff", lambda x: max(x - 2.5e6, 0.0), 2.5e6, "kink", 0.0, 1.0),
    Nonsmooth(
        "bend_on_wave", lambda x: math.sin(5 * x) + 1e-4 * abs(x - 1), 1.0, "kink",
        5 * math.cos(5) - 1e-4, 5 * math.cos(5) + 1e-4,
    ),
    Nonsmooth(
        "tiny_bend_on_exp", lambda x: math.exp(x) + 1e-5 * abs(x), 0.0, "kink", 1 - 1e-5, 1 + 1e-5
    ),
    # Jumps.
    Nonsmooth("step_on_exp", lambda x: math.exp(x) + (x >= 2), 2.0, "jump", INF, math.exp(2)),
    Nonsmooth("round_at_half", round, 0.5, "jump", 0.0, INF),
    Nonsmooth("floor_division", lambda x: x // 3, 6.0, "jump", INF, 0.0),
    Nonsmooth("remainder", lambda x: math.fmod(x, 2), 4.0, "jump", -INF, 1.0),
    Nonsmooth(
        "bin_number", lambda x: float(np.searchsorted([1, 2, 3], x)), 2.0, "jump", 0.0, INF
    ),
    Nonsmooth(
        "branch", lambda x: x * x if x <= 1 else x * x + 1e-4, 1.0, "jump", 2.0, INF
    ),
    Nonsmooth("step_at_small_x", lambda x: 1e-3 * (x >= 1e-6), 1e-6, "jump", INF, 0.0),
    Nonsmooth("floor_at_large_x", lambda x: math.floor(x / 1e6), 3e6, "jump", INF, 0.0),
    Nonsmooth("large_sign", lambda x: 1e8 * _sign(x - 1), 1.0, "jump", INF, INF),
    Nonsmooth("odd_one_out", lambda x: 7.0 if x == 0 else math.cos(x), 0.0, "jump", INF, -INF),
    Nonsmooth("parity", lambda x: 1 - 2 * (math.floor(x) % 2), 2.0, "jump", INF, 0.0),
    Nonsmooth("log_of_flag", lambda x: math.log(2 + (x > 0)), 0.0, "jump", 0.0, INF),
    # Infinite slopes.
    Nonsmooth("root_of_distance", lambda x: abs(x - 5) ** 0.5, 5.0, "singular", -INF, INF),
    Nonsmooth("cbrt_on_square", lambda x: np.cbrt(x - 1) + x * x, 1.0, "singular", INF, INF),
    Nonsmooth(
        "fifth_root", lambda x: 1e-3 * math.copysign(abs(x) ** 0.2, x), 0.0, "singular", INF, INF
    ),
    Nonsmooth("entropy_shifted", _distance_log, 2.0, "singular", -INF, -INF),
    Nonsmooth("arccos_folded", lambda x: math.acos(1 - min(abs(x), 2)), 0.0, "singular", -INF, INF),
    Nonsmooth(
        "root_of_relu", lambda x: 3 * x + math.sqrt(max(0.0, x - 1)), 1.0, "singular", 3.0, INF
    ),
    Nonsmooth(
        "two_thirds_on_exp", lambda x: math.exp(x) + abs(x) ** (2 / 3), 0.0, "singular", -INF, INF
    ),
    Nonsmooth("power_0.9_large_x", lambda x: abs(x / 1e6 - 1) ** 0.9, 1e6, "singular", -INF, INF),
    Nonsmooth("hellinger", lambda x: (abs(x) ** 0.5 - 1) ** 2, 0.0, "singular", INF, -INF),
    Nonsmooth("radius", lambda x: abs(x * x - 9) ** 0.5, 3.0, "singular", -INF, INF),
)  # fmt: skip
