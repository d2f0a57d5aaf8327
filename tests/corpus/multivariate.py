"""Functions of several variables with stored true gradients, Hessians and Jacobians.

Every formula is written once, as ``formula(m, x)``: ``x`` is an array and ``m`` supplies ``exp``,
``sin`` and so on.  With float64 arrays and numpy it is the function under test, with arrays of
mpmath numbers it is the reference, so both share the very same float64 constants.  The truth in
``multivariate_truth.json`` is written by ``python -m tests.corpus.multivariate_truth`` and must be
written again when a formula or a point changes.
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

TRUTH_FILE = Path(__file__).with_name("multivariate_truth.json")
MAX_HESSIAN_SIZE = 20


@dataclass(frozen=True, eq=False)
class Multi:
    """``f`` takes a float64 array shaped as ``x``; ``reference`` mpmath and a flat list of mpf."""

    name: str
    f: Callable[[np.ndarray], Any]
    reference: Callable[[Any, Sequence[Any]], Any]
    x: np.ndarray
    tags: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Case:
    """A function, a point and the exact derivative there."""

    name: str
    f: Callable[[np.ndarray], Any]
    x: np.ndarray
    exact: np.ndarray


Formula = Callable[[Any, np.ndarray], Any]
_ELEMENTARY = ("exp", "log", "log1p", "sin", "cos", "tan", "sqrt", "tanh", "sinh", "cosh", "atan")
_NUMPY = SimpleNamespace(
    **{name: getattr(np, {"atan": "arctan"}.get(name, name)) for name in _ELEMENTARY}
)


@cache
def _mpmath_ops(mp: Any) -> SimpleNamespace:
    return SimpleNamespace(**{name: np.frompyfunc(getattr(mp, name), 1, 1) for name in _ELEMENTARY})


def _scalar(formula: Formula, x: np.ndarray) -> Any:
    return formula(_NUMPY, x)


def _vector(formula: Formula, x: np.ndarray) -> np.ndarray:
    return np.asarray(formula(_NUMPY, x))


def _reference(formula: Formula, shape: tuple[int, ...], mp: Any, x: Sequence[Any]) -> Any:
    argument = np.array(list(x), dtype=object).reshape(shape)
    value = np.array(formula(_mpmath_ops(mp), argument), dtype=object)
    return value.tolist()


def _index(n: int) -> np.ndarray:
    """1.0, 2.0, ..., n."""
    return np.arange(1.0, n + 1)


# --- Residual vectors of Moré, Garbow and Hillstrom (1981) ---


def _rosenbrock(m, x):
    return [10 * (x[1] - x[0] ** 2), 1 - x[0]]


def _freudenstein_roth(m, x):
    return [
        -13 + x[0] + ((5 - x[1]) * x[1] - 2) * x[1],
        -29 + x[0] + ((x[1] + 1) * x[1] - 14) * x[1],
    ]


def _powell_badly_scaled(m, x):
    return [1e4 * x[0] * x[1] - 1, m.exp(-x[0]) + m.exp(-x[1]) - 1.0001]


def _brown_badly_scaled(m, x):
    return [x[0] - 1e6, x[1] - 2e-6, x[0] * x[1] - 2]


def _beale(m, x):
    return [y - x[0] * (1 - x[1] ** k) for k, y in ((1, 1.5), (2, 2.25), (3, 2.625))]


def _jennrich_sampson(m, x):
    i = _index(10)
    return 2 + 2 * i - (m.exp(i * x[0]) + m.exp(i * x[1]))


def _helical_valley(m, x):
    theta = m.atan(x[1] / x[0]) / (2 * math.pi) + (0.5 if x[0] < 0 else 0.0)
    return [10 * (x[2] - 10 * theta), 10 * (m.sqrt(x[0] ** 2 + x[1] ** 2) - 1), x[2]]


_BARD = np.array(
    [0.14, 0.18, 0.22, 0.25, 0.29, 0.32, 0.35, 0.39, 0.37, 0.58, 0.73, 0.96, 1.34, 2.10, 4.39]
)


def _bard(m, x):
    u = _index(15)
    v = 16 - u
    return _BARD - (x[0] + u / (v * x[1] + np.minimum(u, v) * x[2]))


_GAUSSIAN = np.array([0.0009, 0.0044, 0.0175, 0.0540, 0.1295, 0.2420, 0.3521, 0.3989])
_GAUSSIAN = np.concatenate([_GAUSSIAN, _GAUSSIAN[-2::-1]])


def _gaussian(m, x):
    t = (8 - _index(15)) / 2
    return x[0] * m.exp(-x[1] * (t - x[2]) ** 2 / 2) - _GAUSSIAN


_MEYER = np.array(
    [
        34780.0,
        28610,
        23650,
        19630,
        16370,
        13720,
        11540,
        9744,
        8261,
        7030,
        6005,
        5147,
        4427,
        3820,
        3307,
        2872,
    ]
)


def _meyer(m, x):
    return x[0] * m.exp(x[1] / (45 + 5 * _index(16) + x[2])) - _MEYER


def _gulf(m, x):
    t = _index(15) / 100
    y = 25 + (-50 * np.log(t)) ** (2 / 3)
    return m.exp(-(m.exp(x[2] * m.log(abs(y - x[1])))) / x[0]) - t


def _box_3d(m, x):
    t = 0.1 * _index(10)
    return m.exp(-t * x[0]) - m.exp(-t * x[1]) - x[2] * (m.exp(-t) - m.exp(-t) ** 10)


def _powell_singular(m, x):
    a, b, c, d = x[0::4], x[1::4], x[2::4], x[3::4]
    return np.concatenate(
        [a + 10 * b, math.sqrt(5) * (c - d), (b - 2 * c) ** 2, math.sqrt(10) * (a - d) ** 2]
    )


def _wood(m, x):
    return [
        10 * (x[1] - x[0] ** 2),
        1 - x[0],
        math.sqrt(90) * (x[3] - x[2] ** 2),
        1 - x[2],
        math.sqrt(10) * (x[1] + x[3] - 2),
        (x[1] - x[3]) / math.sqrt(10),
    ]


_KOWALIK_Y = np.array(
    [0.1957, 0.1947, 0.1735, 0.1600, 0.0844, 0.0627, 0.0456, 0.0342, 0.0323, 0.0235, 0.0246]
)
_KOWALIK_U = np.array([4.0, 2.0, 1.0, 0.5, 0.25, 0.167, 0.125, 0.1, 0.0833, 0.0714, 0.0625])


def _kowalik_osborne(m, x):
    u = _KOWALIK_U
    return _KOWALIK_Y - x[0] * (u**2 + u * x[1]) / (u**2 + u * x[2] + x[3])


def _brown_dennis(m, x):
    t = _index(20) / 5
    return (x[0] + t * x[1] - m.exp(t)) ** 2 + (x[2] + x[3] * m.sin(t) - m.cos(t)) ** 2


_OSBORNE_1 = np.array(
    [
        0.844,
        0.908,
        0.932,
        0.936,
        0.925,
        0.908,
        0.881,
        0.850,
        0.818,
        0.784,
        0.751,
        0.718,
        0.685,
        0.658,
        0.628,
        0.603,
        0.580,
        0.558,
        0.538,
        0.522,
        0.506,
        0.490,
        0.478,
        0.467,
        0.457,
        0.448,
        0.438,
        0.431,
        0.424,
        0.420,
        0.414,
        0.411,
        0.406,
    ]
)


def _osborne_1(m, x):
    t = 10 * (_index(33) - 1)
    return _OSBORNE_1 - (x[0] + x[1] * m.exp(-t * x[3]) + x[2] * m.exp(-t * x[4]))


def _biggs_exp6(m, x):
    t = 0.1 * _index(13)
    y = m.exp(-t) - 5 * m.exp(-t) ** 10 + 3 * m.exp(-4 * t)
    return x[2] * m.exp(-t * x[0]) - x[3] * m.exp(-t * x[1]) + x[5] * m.exp(-t * x[4]) - y


_OSBORNE_2 = np.array(
    [
        1.366,
        1.191,
        1.112,
        1.013,
        0.991,
        0.885,
        0.831,
        0.847,
        0.786,
        0.725,
        0.746,
        0.679,
        0.608,
        0.655,
        0.616,
        0.606,
        0.602,
        0.626,
        0.651,
        0.724,
        0.649,
        0.649,
        0.694,
        0.644,
        0.624,
        0.661,
        0.612,
        0.558,
        0.533,
        0.495,
        0.500,
        0.423,
        0.395,
        0.375,
        0.372,
        0.391,
        0.396,
        0.405,
        0.428,
        0.429,
        0.523,
        0.562,
        0.607,
        0.653,
        0.672,
        0.708,
        0.633,
        0.668,
        0.645,
        0.632,
        0.591,
        0.559,
        0.597,
        0.625,
        0.739,
        0.710,
        0.729,
        0.720,
        0.636,
        0.581,
        0.428,
        0.292,
        0.162,
        0.098,
        0.054,
    ]
)


def _osborne_2(m, x):
    t = (_index(65) - 1) / 10
    model = x[0] * m.exp(-t * x[4])
    for amplitude, width, centre in ((1, 5, 8), (2, 6, 9), (3, 7, 10)):
        model = model + x[amplitude] * m.exp(-((t - x[centre]) ** 2) * x[width])
    return _OSBORNE_2 - model


def _watson(m, x):
    j = np.arange(len(x))
    # by multiplications: the last bits of ** depend on the processor, those of the truth must not
    powers = np.vander(np.arange(1, 30) / 29, len(x), increasing=True)
    slope = powers[:, :-1] @ (j[1:] * x[1:])
    return np.concatenate([slope - (powers @ x) ** 2 - 1, [x[0], x[1] - x[0] ** 2 - 1]])


def _extended_rosenbrock(m, x):
    return np.concatenate([10 * (x[1::2] - x[0::2] ** 2), 1 - x[0::2]])


def _penalty_1(m, x):
    return np.concatenate([math.sqrt(1e-5) * (x - 1), [(x**2).sum() - 0.25]])


def _penalty_2(m, x):
    n = len(x)
    i = _index(n)
    a, e = math.sqrt(1e-5), m.exp(x / 10)
    y = m.exp(i[1:] / 10) + m.exp(i[:-1] / 10)
    last = ((n - i + 1) * x**2).sum() - 1
    return np.concatenate(
        [[x[0] - 0.2], a * (e[1:] + e[:-1] - y), a * (e[1:] - math.exp(-0.1)), [last]]
    )


def _variably_dimensioned(m, x):
    s = (_index(len(x)) * (x - 1)).sum()
    return np.concatenate([x - 1, [s, s**2]])


def _trigonometric(m, x):
    c = m.cos(x)
    return len(x) - c.sum() + _index(len(x)) * (1 - c) - m.sin(x)


def _brown_almost_linear(m, x):
    return np.concatenate([(x + x.sum() - (len(x) + 1))[:-1], [x.prod() - 1]])


def _with_zero_ends(x):
    return np.concatenate([[0.0], x, [0.0]])


def _discrete_boundary_value(m, x):
    h = 1 / (len(x) + 1)
    z = _with_zero_ends(x)
    return 2 * x - z[:-2] - z[2:] + h**2 * (x + h * _index(len(x)) + 1) ** 3 / 2


def _discrete_integral(m, x):
    h = 1 / (len(x) + 1)
    t = h * _index(len(x))
    cube = (x + t + 1) ** 3
    below = np.cumsum(t * cube)
    above = ((1 - t) * cube).sum() - np.cumsum((1 - t) * cube)
    return x + h * ((1 - t) * below + t * above) / 2


def _broyden_tridiagonal(m, x):
    z = _with_zero_ends(x)
    return (3 - 2 * x) * x - z[:-2] - 2 * z[2:] + 1


def _broyden_banded(m, x):
    g = x * (1 + x)
    coupled = [g[max(0, i - 5) : i + 2].sum() - g[i] for i in range(len(x))]
    return x * (2 + 5 * x**2) + 1 - np.array(coupled)


def _linear_full_rank(m, x):
    rows = len(x) + 5
    shift = 2 * x.sum() / rows + 1
    return np.concatenate([x - shift, np.array([-shift] * 5)])


def _linear_rank_1(m, x):
    return _index(len(x) + 5) * (_index(len(x)) * x).sum() - 1


def _linear_rank_1_zeros(m, x):
    inner = (_index(len(x)) * x)[1:-1].sum()
    rows = len(x) + 5
    return np.concatenate([[-1.0], np.arange(1.0, rows - 1) * inner - 1, [-1.0]])


def _chebyquad(m, x):
    y = 2 * x - 1
    previous, current = 1 + 0 * y, y
    out = []
    for i in range(1, len(x) + 1):
        integral = 0.0 if i % 2 else -1 / (i**2 - 1)
        out.append(current.sum() / len(x) - integral)
        previous, current = current, 2 * y * current - previous
    return out


def _steps(n: int) -> list[float]:
    return [i / (n + 1) for i in range(1, n + 1)]


_RESIDUALS: dict[str, tuple[Formula, dict[str, Sequence[float]]]] = {
    "rosenbrock": (_rosenbrock, {"start": [-1.2, 1.0], "min": [1.0, 1.0], "far": [37.0, -52.0]}),
    "freudenstein_roth": (_freudenstein_roth, {"start": [0.5, -2.0], "min": [5.0, 4.0]}),
    "powell_badly_scaled": (
        _powell_badly_scaled,
        {"start": [0.0, 1.0], "near_min": [1.098e-5, 9.106]},
    ),
    "brown_badly_scaled": (
        _brown_badly_scaled,
        {"start": [1.0, 1.0], "near_min": [1e6 + 3, 2.5e-6]},
    ),
    "beale": (_beale, {"start": [1.0, 1.0], "min": [3.0, 0.5]}),
    "jennrich_sampson": (_jennrich_sampson, {"start": [0.3, 0.4]}),
    "helical_valley": (_helical_valley, {"start": [-1.0, 0.0, 0.0], "min": [1.0, 0.0, 0.0]}),
    "bard": (_bard, {"start": [1.0, 1.0, 1.0]}),
    "gaussian": (_gaussian, {"start": [0.4, 1.0, 0.0]}),
    "meyer": (_meyer, {"start": [0.02, 4000.0, 250.0]}),
    "gulf": (_gulf, {"start": [5.0, 2.5, 0.15]}),
    "box_3d": (_box_3d, {"start": [0.0, 10.0, 20.0], "min": [1.0, 10.0, 1.0]}),
    "powell_singular": (
        _powell_singular,
        {"start": [3.0, -1.0, 0.0, 1.0], "min": [0.0, 0.0, 0.0, 0.0]},
    ),
    "wood": (_wood, {"start": [-3.0, -1.0, -3.0, -1.0]}),
    "kowalik_osborne": (_kowalik_osborne, {"start": [0.25, 0.39, 0.415, 0.39]}),
    "brown_dennis": (_brown_dennis, {"start": [25.0, 5.0, -5.0, -1.0]}),
    "osborne_1": (_osborne_1, {"start": [0.5, 1.5, -1.0, 0.01, 0.02]}),
    "biggs_exp6": (
        _biggs_exp6,
        {"start": [1.0, 2.0, 1.0, 1.0, 1.0, 1.0], "min": [1.0, 10.0, 1.0, 5.0, 4.0, 3.0]},
    ),
    "osborne_2": (_osborne_2, {"start": [1.3, 0.65, 0.65, 0.7, 0.6, 3.0, 5.0, 7.0, 2.0, 4.5, 5.5]}),
    "watson_6": (_watson, {"start": [0.0] * 6}),
    "watson_9": (_watson, {"start": [0.0] * 9}),
    "extended_rosenbrock": (_extended_rosenbrock, {"start": [-1.2, 1.0] * 5, "min": [1.0] * 10}),
    "extended_powell": (_powell_singular, {"start": [3.0, -1.0, 0.0, 1.0] * 3}),
    "penalty_1": (_penalty_1, {"start": [1.0, 2.0, 3.0, 4.0]}),
    "penalty_2": (_penalty_2, {"start": [0.5] * 10}),
    "variably_dimensioned": (
        _variably_dimensioned,
        {"start": [1 - j / 10 for j in range(1, 11)], "min": [1.0] * 10},
    ),
    "trigonometric": (_trigonometric, {"start": [0.1] * 10}),
    "brown_almost_linear": (_brown_almost_linear, {"start": [0.5] * 10, "min": [1.0] * 10}),
    "discrete_boundary_value": (
        _discrete_boundary_value,
        {"start": [t * (t - 1) for t in _steps(10)]},
    ),
    "discrete_integral": (_discrete_integral, {"start": [t * (t - 1) for t in _steps(10)]}),
    "broyden_tridiagonal": (_broyden_tridiagonal, {"start": [-1.0] * 20}),
    "broyden_banded": (_broyden_banded, {"start": [-1.0] * 10}),
    "linear_full_rank": (_linear_full_rank, {"start": [1.0] * 10, "min": [-1.0] * 10}),
    "linear_rank_1": (_linear_rank_1, {"start": [1.0] * 10}),
    "linear_rank_1_zeros": (_linear_rank_1_zeros, {"start": [1.0] * 10}),
    "chebyquad": (_chebyquad, {"start": _steps(8)}),
}


def _generic(start: Sequence[float]) -> list[float]:
    """A point near ``start`` without its symmetry, to four digits."""
    moved = [s * (1 + 0.13 * math.cos(i)) if s else 0.1 + 0.03 * i for i, s in enumerate(start)]
    return [float(f"{value:.4g}") for value in moved]


def _sum_of_squares(residual: Formula, m: Any, x: np.ndarray) -> Any:
    return sum(r**2 for r in residual(m, x))


# --- Global optimisation ---


def _ackley(m, x):
    n = len(x)
    root = m.sqrt((x**2).sum() / n)
    return -20 * m.exp(-0.2 * root) - m.exp(m.cos(2 * math.pi * x).sum() / n) + 20 + math.e


def _rastrigin(m, x):
    return (x**2 - 10 * m.cos(2 * math.pi * x) + 10).sum()


def _griewank(m, x):
    return (x**2).sum() / 4000 - m.cos(x / np.sqrt(_index(len(x)))).prod() + 1


def _himmelblau(m, x):
    return (x[0] ** 2 + x[1] - 11) ** 2 + (x[0] + x[1] ** 2 - 7) ** 2


def _goldstein_price(m, x):
    a, b = x
    first = 19 - 14 * a + 3 * a**2 - 14 * b + 6 * a * b + 3 * b**2
    second = 18 - 32 * a + 12 * a**2 + 48 * b - 36 * a * b + 27 * b**2
    return (1 + (a + b + 1) ** 2 * first) * (30 + (2 * a - 3 * b) ** 2 * second)


def _branin(m, x):
    a, b = x
    curve = b - 5.1 / (4 * math.pi**2) * a**2 + 5 / math.pi * a - 6
    return curve**2 + 10 * (1 - 1 / (8 * math.pi)) * m.cos(a) + 10


_HARTMANN_WEIGHTS = np.array([1.0, 1.2, 3.0, 3.2])
_HARTMANN_3 = (
    np.array([[3.0, 10, 30], [0.1, 10, 35], [3.0, 10, 30], [0.1, 10, 35]]),
    np.array(
        [
            [0.3689, 0.1170, 0.2673],
            [0.4699, 0.4387, 0.7470],
            [0.1091, 0.8732, 0.5547],
            [0.0381, 0.5743, 0.8828],
        ]
    ),
)
_HARTMANN_6 = (
    np.array(
        [
            [10, 3, 17, 3.5, 1.7, 8],
            [0.05, 10, 17, 0.1, 8, 14],
            [3, 3.5, 1.7, 10, 17, 8],
            [17, 8, 0.05, 10, 0.1, 14],
        ]
    ),
    np.array(
        [
            [0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886],
            [0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991],
            [0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650],
            [0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381],
        ]
    ),
)


def _hartmann(data, m, x):
    a, p = data
    return -(_HARTMANN_WEIGHTS * m.exp(-(a * (x - p) ** 2).sum(axis=1))).sum()


def _levy(m, x):
    w = 1 + (x - 1) / 4
    middle = ((w[:-1] - 1) ** 2 * (1 + 10 * m.sin(math.pi * w[:-1] + 1) ** 2)).sum()
    return (
        m.sin(math.pi * w[0]) ** 2
        + middle
        + (w[-1] - 1) ** 2 * (1 + m.sin(2 * math.pi * w[-1]) ** 2)
    )


def _styblinski_tang(m, x):
    return (x**4 - 16 * x**2 + 5 * x).sum() / 2


def _michalewicz(m, x):
    return -(m.sin(x) * m.sin(_index(len(x)) * x**2 / math.pi) ** 20).sum()


def _dixon_price(m, x):
    return (x[0] - 1) ** 2 + (_index(len(x))[1:] * (2 * x[1:] ** 2 - x[:-1]) ** 2).sum()


def _zakharov(m, x):
    s = (0.5 * _index(len(x)) * x).sum()
    return (x**2).sum() + s**2 + s**4


def _easom(m, x):
    return -m.cos(x[0]) * m.cos(x[1]) * m.exp(-((x[0] - math.pi) ** 2) - (x[1] - math.pi) ** 2)


def _booth(m, x):
    return (x[0] + 2 * x[1] - 7) ** 2 + (2 * x[0] + x[1] - 5) ** 2


def _matyas(m, x):
    return 0.26 * (x[0] ** 2 + x[1] ** 2) - 0.48 * x[0] * x[1]


def _three_hump_camel(m, x):
    return 2 * x[0] ** 2 - 1.05 * x[0] ** 4 + x[0] ** 6 / 6 + x[0] * x[1] + x[1] ** 2


def _six_hump_camel(m, x):
    a, b = x
    return (4 - 2.1 * a**2 + a**4 / 3) * a**2 + a * b + (-4 + 4 * b**2) * b**2


def _mccormick(m, x):
    return m.sin(x[0] + x[1]) + (x[0] - x[1]) ** 2 - 1.5 * x[0] + 2.5 * x[1] + 1


def _bohachevsky(m, x):
    return (
        x[0] ** 2
        + 2 * x[1] ** 2
        - 0.3 * m.cos(3 * math.pi * x[0])
        - 0.4 * m.cos(4 * math.pi * x[1])
        + 0.7
    )


def _schwefel(m, x):
    return 418.9829 * len(x) - (x * m.sin(m.sqrt(abs(x)))).sum()


def _eggholder(m, x):
    a, b = x[0], x[1] + 47
    return -b * m.sin(m.sqrt(abs(x[0] / 2 + b))) - a * m.sin(m.sqrt(abs(a - b)))


def _drop_wave(m, x):
    square = (x**2).sum()
    return -(1 + m.cos(12 * m.sqrt(square))) / (0.5 * square + 2)


_SHEKEL_C = np.array([[4.0, 4, 4, 4], [1, 1, 1, 1], [8, 8, 8, 8], [6, 6, 6, 6], [3, 7, 3, 7]])
_SHEKEL_B = np.array([0.1, 0.2, 0.2, 0.4, 0.4])


def _shekel(m, x):
    return -(1 / (((x - _SHEKEL_C) ** 2).sum(axis=1) + _SHEKEL_B)).sum()


def _schaffer(m, x):
    square = (x**2).sum()
    return 0.5 + (m.sin(x[0] ** 2 - x[1] ** 2) ** 2 - 0.5) / (1 + 0.001 * square) ** 2


def _salomon(m, x):
    r = m.sqrt((x**2).sum())
    return 1 - m.cos(2 * math.pi * r) + 0.1 * r


def _perm(m, x):
    j = _index(len(x))
    return sum(((j**i + 0.5) * ((x / j) ** i - 1)).sum() ** 2 for i in range(1, len(x) + 1))


def _trid(m, x):
    return ((x - 1) ** 2).sum() - (x[1:] * x[:-1]).sum()


def _rotated_ellipsoid(m, x):
    return (np.cumsum(x) ** 2).sum()


def _shubert(m, x):
    j = _index(5)
    return (j * m.cos((j + 1) * x[0] + j)).sum() * (j * m.cos((j + 1) * x[1] + j)).sum()


def _qing(m, x):
    return ((x**2 - _index(len(x))) ** 2).sum()


def _csendes(m, x):
    return (x**6 * (2 + m.sin(1 / x))).sum()


def _cosine_mixture(m, x):
    return (x**2).sum() - 0.1 * m.cos(5 * math.pi * x).sum()


def _different_powers(m, x):
    return sum(x[i] ** (i + 2) for i in range(len(x)))


# --- Likelihoods ---

_SAMPLE = np.array([1.31, 0.27, 2.05, 1.77, 0.94, 3.12, 1.48, 0.66, 2.41, 1.09])
_DESIGN = np.array(
    [
        [1.0, 0.5, -1.2, 0.3],
        [1.0, -0.7, 0.4, 1.1],
        [1.0, 1.9, 0.8, -0.6],
        [1.0, 0.1, -0.3, 2.0],
        [1.0, -1.4, 1.6, 0.2],
        [1.0, 0.8, 0.9, -1.5],
        [1.0, 2.2, -0.5, 0.7],
        [1.0, -0.2, -1.8, -0.9],
        [1.0, 0.6, 0.1, 0.4],
        [1.0, -1.1, 0.7, 1.3],
    ]
)
_LABELS = np.array([1.0, 0, 1, 1, 0, 1, 1, 0, 0, 1])
_COUNTS = np.array([2.0, 0, 5, 3, 1, 2, 8, 0, 3, 1])
_CLASSES = np.array([0, 2, 1, 1, 0, 2, 1, 0, 2, 0])


def _normal_likelihood(m, x):
    return (0.5 * ((_SAMPLE - x[0]) / x[1]) ** 2).sum() + len(_SAMPLE) * (
        m.log(x[1]) + 0.5 * math.log(2 * math.pi)
    )


def _normal_log_scale(m, x):
    return (0.5 * ((_SAMPLE - x[0]) * m.exp(-x[1])) ** 2).sum() + len(_SAMPLE) * x[1]


def _logistic_regression(m, x):
    eta = _DESIGN @ x
    return (m.log1p(m.exp(eta)) - _LABELS * eta).sum()


def _ridge_logistic(m, x):
    return _logistic_regression(m, x) + 0.05 * (x**2).sum()


def _poisson_regression(m, x):
    eta = _DESIGN @ x
    return (m.exp(eta) - _COUNTS * eta).sum()


def _negative_binomial(m, x):
    mean = m.exp(_DESIGN[:, :3] @ x[:3])
    r = 2.5 + x[3] ** 2
    return ((_COUNTS + r) * m.log(r + mean) - _COUNTS * m.log(mean) - r * m.log(r)).sum()


def _student_regression(m, x):
    residual = (_SAMPLE - _DESIGN @ x[:4]) * m.exp(-x[4])
    return 2.5 * m.log1p(residual**2 / 4).sum() + len(_SAMPLE) * x[4]


def _weibull_likelihood(m, x):
    k, scale = x
    z = np.log(_SAMPLE) - m.log(scale)
    return -(m.log(k) - m.log(scale) + (k - 1) * z - m.exp(k * z)).sum()


def _normal_mixture(m, x):
    p = 1 / (1 + m.exp(-x[0]))
    first = m.exp(-0.5 * ((_SAMPLE - x[1]) / x[3]) ** 2) / x[3]
    second = m.exp(-0.5 * ((_SAMPLE - x[2]) / x[4]) ** 2) / x[4]
    return -m.log(p * first + (1 - p) * second).sum()


def _cholesky(m, a):
    n = len(a)
    low = [[0.0] * n for _ in range(n)]
    for i in range(n):
        for j in range(i + 1):
            rest = a[i, j] - sum(low[i][k] * low[j][k] for k in range(j))
            low[i][j] = m.sqrt(rest) if i == j else rest / low[j][j]
    return low


def _gp_marginal(m, x):
    """Gaussian process, squared-exponential kernel; x = log length, log amplitude, log noise."""
    t, y = _SAMPLE[:6], _LABELS[:6] - 0.5 + 0.3 * _SAMPLE[:6]
    gap = (t[:, None] - t[None, :]) ** 2
    kernel = m.exp(2 * x[1]) * m.exp(-0.5 * gap * m.exp(-2 * x[0])) + np.eye(6) * m.exp(2 * x[2])
    low = _cholesky(m, kernel)
    z: list[Any] = []
    for i in range(6):
        z.append((y[i] - sum(low[i][k] * z[k] for k in range(i))) / low[i][i])
    return sum(0.5 * z[i] ** 2 + m.log(low[i][i]) for i in range(6))


def _garch(m, x):
    variance, total = 1.0 + 0 * x[0], 0 * x[0]
    for y in (_SAMPLE - 1.5).tolist():
        total = total + 0.5 * (m.log(variance) + y**2 / variance)
        variance = x[0] + x[1] * y**2 + x[2] * variance
    return total


def _log_sum_exp(m, x):
    top = max(x)
    return top + m.log(m.exp(x - top).sum())


def _softmax_cross_entropy(m, x):
    scores = _DESIGN[:, :3] @ x.reshape(3, 3)
    return sum(
        m.log(m.exp(row).sum()) - row[c] for row, c in zip(scores, _CLASSES.tolist(), strict=True)
    )


def _small_network(m, x):
    """One hidden layer of three tanh units on two inputs: 13 weights."""
    hidden = m.tanh(_DESIGN[:, 1:3] @ x[:6].reshape(2, 3) + x[6:9])
    return ((hidden @ x[9:12] + x[12] - _SAMPLE) ** 2).sum() / len(_SAMPLE)


# --- Physics ---


def _pairs(x, dim):
    points = x.reshape(-1, dim)
    i, j = np.triu_indices(len(points), 1)
    return ((points[i] - points[j]) ** 2).sum(axis=1)


def _lennard_jones(m, x):
    inverse = 1 / _pairs(x, 3) ** 3
    return 4 * (inverse**2 - inverse).sum()


def _morse_cluster(m, x):
    e = m.exp(-3 * (m.sqrt(_pairs(x, 3)) - 1))
    return (e * (e - 2)).sum()


def _coulomb_trap(m, x):
    return (1 / m.sqrt(_pairs(x, 2))).sum() + 0.5 * (x**2).sum()


def _ising_mean_field(m, x):
    """Free energy of magnetisations in (-1, 1) on a ring at temperature 1.5 in a small field."""
    entropy = ((1 + x) / 2 * m.log((1 + x) / 2) + (1 - x) / 2 * m.log((1 - x) / 2)).sum()
    return -(x * np.roll(x, 1)).sum() - 0.1 * x.sum() + 1.5 * entropy


def _spring_network(m, x):
    """Free nodes of a chain hung between two pins, with gravity."""
    nodes = np.concatenate([np.array([[0.0, 0.0]]), x.reshape(-1, 2), np.array([[3.0, 0.0]])])
    length = m.sqrt(((nodes[1:] - nodes[:-1]) ** 2).sum(axis=1))
    return 0.5 * 40 * ((length - 0.6) ** 2).sum() + 9.81 * 0.2 * x[1::2].sum()


def _xy_model(m, x):
    return -m.cos(x - np.roll(x, 1)).sum() - 0.2 * m.cos(x).sum()


def _double_pendulum(m, x):
    a, b, p, q = x
    kinetic = p**2 + 0.5 * q**2 + p * q * m.cos(a - b)
    return kinetic - 9.81 * (2 * m.cos(a) + m.cos(b))


def _kepler_hamiltonian(m, x):
    return 0.5 * (x[2] ** 2 + x[3] ** 2) - 1 / m.sqrt(x[0] ** 2 + x[1] ** 2)


def _van_der_waals(m, x):
    """Helmholtz energy per mole of a gas in SI units: volume about 1e-3, temperature about 300."""
    volume, temperature = x
    return (
        -8.314 * temperature * (m.log((volume - 4.27e-5) / 1e-3) + 1.5 * m.log(temperature / 300))
        - 0.364 / volume
    )


# --- Scales, norms and simple forms ---

_SCALES = 10.0 ** np.array([-6, -4, -2, 0, 2, 4, 6])
_SPREAD = [2e-6, -3e-4, 0.015, 0.7, -120.0, 2.5e4, 1.3e6]
_HILBERT = 1 / (_index(5)[:, None] + _index(5)[None, :] - 1)
_FORM = np.array([[4.0, 1, -2, 0.5], [1, 3, 0, -1], [-2, 0, 5, 2], [0.5, -1, 2, 6]])


def _scaled_quadratic(m, x):
    z = x / _SCALES
    return (z**2).sum() + (z[1:] * z[:-1]).sum()


def _scaled_exponential(m, x):
    return m.exp(x / _SCALES / 3).sum() + m.sin((x / _SCALES).sum())


def _unscaled_quadratic(m, x):
    return (_SCALES * x**2).sum()


def _michaelis_menten(m, x):
    """Rates of 1e-6 and concentrations of 1e3 with substrate inhibition."""
    s = 400 * _index(8)
    return ((x[0] * s / (x[1] + s + s**2 / x[2]) * 1e6 - np.sqrt(_index(8))) ** 2).sum()


def _arrhenius(m, x):
    t = 300 + 20 * _index(6)
    return ((m.log(x[0]) - x[1] / (8.314 * t) - 0.5 * _index(6)) ** 2).sum()


def _linear(m, x):
    return (_index(len(x)) * x).sum() + 3


def _quadratic_form(m, x):
    return 0.5 * (x @ (_FORM @ x)) - x.sum()


def _hilbert_form(m, x):
    return x @ (_HILBERT @ x)


def _norm(m, x):
    return m.sqrt((x**2).sum())


def _four_norm(m, x):
    return m.sqrt(m.sqrt((x**4).sum()))


def _entropy(m, x):
    return -(x * m.log(x)).sum()


def _kl_softmax(m, x):
    p = m.exp(x) / m.exp(x).sum()
    return (p * m.log(p * len(x))).sum()


def _log_barrier(m, x):
    return x.sum() - 0.1 * m.log(x).sum() - 0.1 * m.log(20 - x.sum())


def _product(m, x):
    return x.prod()


def _geometric_mean(m, x):
    return m.exp(m.log(x).sum() / len(x))


def _rational(m, x):
    return (1 + x[0] * x[1]) / (2 + x[0] ** 2 + x[2] ** 2)


def _rayleigh_quotient(m, x):
    return (x @ (_FORM @ x)) / (x @ x)


def _log_determinant(m, x):
    a, b, c, d, e, f = x
    return m.log(a * (d * f - e * e) - b * (b * f - c * e) + c * (b * e - c * d))


def _separable_sine(m, x):
    return m.sin(x * _index(len(x))).sum()


def _separable_mixed(m, x):
    return m.exp(x[0]) + m.cos(3 * x[1]) + x[2] ** 5 + m.log(x[3]) + m.tanh(x[4]) + 1 / x[5]


def _one_cubic(m, x):
    return x[0] ** 3 - 2 * x[0]


def _one_exponential(m, x):
    return m.exp(-(x[0] ** 2)) * m.sin(5 * x[0])


def _one_unused(m, x):
    return m.sin(x[0]) * x[2] ** 2


def _cosh_chain(m, x):
    return m.cosh(x[1:] - x[:-1]).sum() + 0.1 * m.sinh(x).sum()


def _quartic_well(m, x):
    return ((x**2 - 1) ** 2).sum() + 0.3 * (x[1:] - x[:-1]).prod()


def _high_offset(m, x):
    return 1e8 + m.sin(x).sum()


def _wave_number(m, x):
    return m.sin(200 * x[0]) * m.cos(0.01 * x[1])


_TETRA = [0.0, 0.05, 0.0, 1.1, 0.0, 0.1, 0.5, 1.0, -0.05, 0.6, 0.3, 0.95]
_ATOMS = [0.1, 0.0, 0.2, 1.2, -0.1, 0.0, 0.4, 1.3, 0.1]
_WEIGHTS = [0.3, -0.5, 0.8, -0.2, 0.6, 0.1, 0.05, -0.1, 0.2, 0.7, -0.9, 0.4, 1.1]

_SCALAR: dict[str, tuple[Formula, str, dict[str, Sequence[float]]]] = {
    "ackley": (_ackley, "global", {"away": [1.5, -0.7, 2.3], "far": [14.2, -20.1]}),
    "rastrigin": (_rastrigin, "global", {"generic": [1.13, -2.41, 0.37, 3.62], "min": [0.0] * 3}),
    "griewank": (
        _griewank,
        "global",
        {"generic": [12.5, -33.1, 4.7, 81.0, -2.2], "far": [411.0, -278.0]},
    ),
    "himmelblau": (_himmelblau, "global", {"generic": [-1.4, 2.6], "min": [3.0, 2.0]}),
    "goldstein_price": (_goldstein_price, "global", {"generic": [0.6, -0.4], "min": [0.0, -1.0]}),
    "branin": (_branin, "global", {"generic": [4.1, 7.3], "edge": [-5.0, 15.0]}),
    "hartmann_3": (
        partial(_hartmann, _HARTMANN_3),
        "global",
        {"generic": [0.4, 0.6, 0.7], "near_min": [0.115, 0.556, 0.853]},
    ),
    "hartmann_6": (
        partial(_hartmann, _HARTMANN_6),
        "global",
        {"generic": [0.25, 0.2, 0.45, 0.3, 0.35, 0.6]},
    ),
    "levy": (_levy, "global", {"generic": [-3.2, 4.4, 0.7, 2.9], "near_min": [1.01, 0.98]}),
    "styblinski_tang": (
        _styblinski_tang,
        "global",
        {"generic": [2.1, -1.3, 0.4], "near_min": [-2.9035, -2.9035]},
    ),
    "michalewicz": (_michalewicz, "global", {"generic": [2.3, 1.4, 1.2], "flat": [0.4, 0.5]}),
    "dixon_price": (_dixon_price, "global", {"generic": [1.7, -0.4, 2.2, 0.9, -3.1]}),
    "zakharov": (_zakharov, "global", {"generic": [1.1, -0.6, 2.4, -1.7], "min": [0.0] * 4}),
    "easom": (_easom, "global", {"near": [2.5, 3.9], "far": [-2.0, 7.5]}),
    "booth": (_booth, "global", {"generic": [-4.0, 6.5], "min": [1.0, 3.0]}),
    "matyas": (_matyas, "global", {"generic": [7.7, -3.2]}),
    "three_hump_camel": (_three_hump_camel, "global", {"generic": [1.9, -2.4]}),
    "six_hump_camel": (
        _six_hump_camel,
        "global",
        {"generic": [1.4, 0.6], "near_min": [0.0898, -0.7126]},
    ),
    "mccormick": (_mccormick, "global", {"generic": [2.2, -1.6]}),
    "bohachevsky": (_bohachevsky, "global", {"generic": [12.3, -44.1], "min": [0.0, 0.0]}),
    "schwefel": (_schwefel, "global", {"generic": [212.0, -305.5, 77.7]}),
    "eggholder": (_eggholder, "global", {"generic": [101.0, -256.0]}),
    "drop_wave": (_drop_wave, "global", {"generic": [1.1, -2.3]}),
    "shekel": (_shekel, "global", {"generic": [3.5, 4.4, 4.2, 3.8]}),
    "schaffer": (_schaffer, "global", {"generic": [3.1, -7.6]}),
    "salomon": (_salomon, "global", {"generic": [0.8, -1.5, 2.1]}),
    "perm": (_perm, "global", {"generic": [0.7, 2.6, -1.8, 3.3], "min": [1.0, 2.0, 3.0, 4.0]}),
    "trid": (
        _trid,
        "global",
        {"generic": [3.0, 7.5, 10.1, -2.0, 6.6, 5.0], "min": [6.0, 10.0, 12.0, 12.0, 10.0, 6.0]},
    ),
    "rotated_ellipsoid": (
        _rotated_ellipsoid,
        "global",
        {"generic": [(-1) ** i * (0.5 + 0.3 * i) for i in range(16)]},
    ),
    "shubert": (_shubert, "global", {"generic": [-1.9, 4.3]}),
    "qing": (_qing, "global", {"generic": [1.5, -0.3, 2.0, 1.2, -2.8]}),
    "csendes": (_csendes, "global", {"generic": [0.7, -0.4, 1.6]}),
    "cosine_mixture": (_cosine_mixture, "global", {"generic": [0.33, -0.71]}),
    "different_powers": (_different_powers, "global", {"generic": [0.9, -1.1, 0.6, 1.3]}),
    "normal_likelihood": (
        _normal_likelihood,
        "likelihood",
        {"generic": [0.8, 1.7], "wide": [100.0, 300.0]},
    ),
    "normal_log_scale": (_normal_log_scale, "likelihood", {"generic": [1.9, -0.4]}),
    "logistic_regression": (
        _logistic_regression,
        "likelihood",
        {"zero": [0.0] * 4, "generic": [0.3, 1.2, -0.8, 0.5]},
    ),
    "ridge_logistic": (_ridge_logistic, "likelihood", {"large": [3.0, 14.0, -9.0, 6.0]}),
    "poisson_regression": (_poisson_regression, "likelihood", {"generic": [0.4, 0.7, -0.2, 0.1]}),
    "negative_binomial": (_negative_binomial, "likelihood", {"generic": [0.5, 0.6, -0.3, 0.9]}),
    "student_regression": (
        _student_regression,
        "likelihood",
        {"generic": [1.2, 0.2, -0.4, 0.1, -0.3]},
    ),
    "weibull_likelihood": (_weibull_likelihood, "likelihood", {"generic": [1.4, 2.1]}),
    "normal_mixture": (_normal_mixture, "likelihood", {"generic": [0.3, 0.8, 2.2, 0.6, 0.9]}),
    "gp_marginal": (
        _gp_marginal,
        "likelihood",
        {"generic": [-0.3, 0.2, -1.5], "smooth": [1.0, 0.5, -3.0]},
    ),
    "garch": (_garch, "likelihood", {"generic": [0.2, 0.15, 0.7]}),
    "log_sum_exp": (
        _log_sum_exp,
        "form",
        {"generic": [0.2, -1.3, 2.4, 1.1, 0.0], "large": [801.0, 799.5, 802.2]},
    ),
    "softmax_cross_entropy": (
        _softmax_cross_entropy,
        "likelihood",
        {"generic": [0.3, -0.2, 0.5, 1.1, 0.4, -0.7, -0.9, 0.6, 0.1]},
    ),
    "small_network": (_small_network, "likelihood", {"generic": _WEIGHTS}),
    "lennard_jones": (
        _lennard_jones,
        "physics",
        {"tetrahedron": _TETRA, "squeezed": [0.8 * v for v in _TETRA]},
    ),
    "morse_cluster": (_morse_cluster, "physics", {"generic": _ATOMS}),
    "coulomb_trap": (
        _coulomb_trap,
        "physics",
        {"generic": [1.0, 0.1, -0.7, 0.9, -0.4, -1.2, 0.5, 1.3]},
    ),
    "ising_mean_field": (
        _ising_mean_field,
        "physics",
        {"generic": [0.2, -0.5, 0.7, 0.1, -0.3, 0.6, 0.4, -0.8, 0.95, 0.05], "zero": [0.0] * 5},
    ),
    "spring_network": (
        _spring_network,
        "physics",
        {"generic": [0.6, -0.3, 1.1, -0.7, 1.7, -0.6, 2.3, -0.2]},
    ),
    "xy_model": (
        _xy_model,
        "physics",
        {"generic": [0.37 * i * i - i for i in range(20)], "aligned": [0.0] * 6},
    ),
    "double_pendulum": (_double_pendulum, "physics", {"generic": [0.9, -0.4, 1.3, 2.1]}),
    "kepler_hamiltonian": (_kepler_hamiltonian, "physics", {"generic": [0.8, -0.3, 0.4, 1.1]}),
    "van_der_waals": (_van_der_waals, "physics", {"generic": [1.2e-3, 310.0]}),
    "scaled_quadratic": (
        _scaled_quadratic,
        "scales",
        {"generic": _SPREAD, "tiny": [1e-3 * v for v in _SPREAD]},
    ),
    "scaled_exponential": (_scaled_exponential, "scales", {"generic": _SPREAD}),
    "unscaled_quadratic": (
        _unscaled_quadratic,
        "scales",
        {"generic": [1.1, -0.7, 2.3, 0.4, -1.9, 0.6, 1.3]},
    ),
    "michaelis_menten": (_michaelis_menten, "scales", {"generic": [4e-6, 700.0, 9e3]}),
    "arrhenius": (_arrhenius, "scales", {"generic": [2.4e6, 4.1e4]}),
    "linear": (_linear, "form", {"generic": [0.1 * i for i in range(12)]}),
    "quadratic_form": (_quadratic_form, "form", {"generic": [0.7, -1.1, 0.4, 2.0]}),
    "hilbert_form": (_hilbert_form, "form", {"generic": [1.0, -2.0, 0.5, 3.0, -1.5]}),
    "norm": (
        _norm,
        "form",
        {"generic": [3.0, -4.0, 12.0], "small": [3e-7, -4e-7, 1e-7], "axis": [0.0, 2.0]},
    ),
    "four_norm": (_four_norm, "form", {"generic": [1.0, -0.6, 0.2, 1.4]}),
    "entropy": (
        _entropy,
        "form",
        {"generic": [0.5, 0.2, 0.15, 0.1, 0.04, 0.01], "rare": [0.999, 1e-4, 1e-6]},
    ),
    "kl_softmax": (_kl_softmax, "form", {"generic": [0.4, -0.9, 1.3, 0.2], "min": [0.0] * 4}),
    "log_barrier": (
        _log_barrier,
        "form",
        {"generic": [0.3 + 0.1 * i for i in range(10)], "edge": [1e-4, 0.02, 3.0]},
    ),
    "product": (
        _product,
        "form",
        {"generic": [1.5, -0.7, 2.0, 0.3, 1.1], "one_zero": [2.0, 0.0, 3.0]},
    ),
    "geometric_mean": (_geometric_mean, "form", {"generic": [1.5, 0.7, 12.0, 0.03]}),
    "rational": (_rational, "form", {"generic": [0.6, 1.8, -0.9]}),
    "rayleigh_quotient": (_rayleigh_quotient, "form", {"generic": [1.0, 0.3, -0.5, 0.2]}),
    "log_determinant": (_log_determinant, "form", {"generic": [3.0, 0.5, -0.4, 2.0, 0.3, 4.0]}),
    "separable_sine": (
        _separable_sine,
        "separable",
        {"generic": [0.3 + 0.17 * i for i in range(20)]},
    ),
    "separable_mixed": (
        _separable_mixed,
        "separable",
        {"generic": [0.5, 1.2, -0.8, 0.03, 0.4, 7.0]},
    ),
    "one_cubic": (_one_cubic, "single", {"generic": [1.7], "large": [2.5e3]}),
    "one_exponential": (_one_exponential, "single", {"generic": [0.6]}),
    "one_unused": (_one_unused, "form", {"generic": [0.9, 5.0, -1.4]}),
    "cosh_chain": (_cosh_chain, "form", {"generic": [0.1, 0.9, -0.4, 1.3, 0.2, -0.6, 0.8]}),
    "quartic_well": (_quartic_well, "form", {"generic": [0.4, 1.3, -0.7], "saddle": [0.0, 0.0]}),
    "high_offset": (_high_offset, "scales", {"generic": [0.4, 1.9, -2.2]}),
    "wave_number": (_wave_number, "scales", {"generic": [0.31, 55.0]}),
}


# --- Vector functions ---


def _wide_outputs(m, x):
    return [
        1e-12 * m.sin(x[0]),
        1e-6 * x[0] * x[1],
        m.exp(x[1]),
        1e6 * m.cos(x[0] - x[1]),
        1e12 * x[1] ** 3,
    ]


def _wide_everything(m, x):
    return [10.0 ** (3 * k) * m.sin(x[0] / 1e-5 + k) * m.exp(x[1] / 1e5) for k in range(-4, 5)]


def _with_constant(m, x):
    return [3.5 + 0 * x[0], x[0] * x[1], m.sin(x[2])]


def _with_linear(m, x):
    return [2 * x[0] - 3 * x[1] + x[2], x[0] ** 2 * x[2], m.exp(-x[1])]


def _affine(m, x):
    return _FORM[:3] @ x + np.array([1.0, -2.0, 0.5])


def _curve(m, x):
    k = _index(30)
    return m.sin(k * x[0] / 3) * m.exp(-x[0] * k / 30)


def _one_to_one(m, x):
    return [m.tanh(2 * x[0])]


def _many_to_one(m, x):
    return [m.log((x**2).sum() + 1)]


def _polar(m, x):
    return [x[0] * m.cos(x[1]), x[0] * m.sin(x[1])]


def _spherical(m, x):
    r, a, b = x
    return [r * m.sin(a) * m.cos(b), r * m.sin(a) * m.sin(b), r * m.cos(a)]


def _softmax(m, x):
    e = m.exp(x - max(x))
    return e / e.sum()


def _normalise(m, x):
    return x / m.sqrt((x**2).sum())


def _planar_arm(m, x):
    """Tip position and heading of a planar arm with links 1, 0.8, 0.5."""
    angle = np.cumsum(x)
    links = np.array([1.0, 0.8, 0.5])
    return [(links * m.cos(angle)).sum(), (links * m.sin(angle)).sum(), angle[-1]]


_ARM_6 = (
    (0.0, 0.4, math.pi / 2),
    (0.45, 0.0, 0.0),
    (0.05, 0.0, math.pi / 2),
    (0.0, 0.42, -math.pi / 2),
    (0.0, 0.0, math.pi / 2),
    (0.0, 0.08, 0.0),
)


def _spatial_arm(m, x):
    """Top three rows of the pose (3, 4) of a six-joint arm from its Denavit-Hartenberg table."""
    pose = np.eye(4)
    for angle, (a, d, twist) in zip(x, _ARM_6, strict=True):
        c, s, ct, st = m.cos(angle), m.sin(angle), math.cos(twist), math.sin(twist)
        pose = pose @ np.array(
            [
                [c, -s * ct, s * st, a * c],
                [s, c * ct, -c * st, a * s],
                [0.0, st, ct, d],
                [0.0, 0.0, 0.0, 1.0],
            ]
        )
    return pose[:3]


def _quaternion_rotation(m, x):
    w, a, b, c = x
    n = (x**2).sum()
    return [
        [1 - 2 * (b * b + c * c) / n, 2 * (a * b - c * w) / n, 2 * (a * c + b * w) / n],
        [2 * (a * b + c * w) / n, 1 - 2 * (a * a + c * c) / n, 2 * (b * c - a * w) / n],
        [2 * (a * c - b * w) / n, 2 * (b * c + a * w) / n, 1 - 2 * (a * a + b * b) / n],
    ]


def _camera(m, x):
    u, v = x[0] / x[2], x[1] / x[2]
    r = u**2 + v**2
    bend = 1 - 0.28 * r + 0.07 * r**2
    return [820 * u * bend + 320, 815 * v * bend + 240]


def _robertson(m, x):
    slow, fast, mid = 0.04 * x[0], 3e7 * x[1] ** 2, 1e4 * x[1] * x[2]
    return [-slow + mid, slow - mid - fast, fast]


def _brusselator(m, x):
    return [1 - 4 * x[0] + x[0] ** 2 * x[1], 3 * x[0] - x[0] ** 2 * x[1]]


def _oregonator(m, x):
    return [
        77.27 * (x[1] + x[0] * (1 - 8.375e-6 * x[0] - x[1])),
        (x[2] - (1 + x[0]) * x[1]) / 77.27,
        0.161 * (x[0] - x[2]),
    ]


def _acid_equilibrium(m, x):
    """Water, weak acid and charge balance; x = log10 of H, OH, A, HA."""
    h, oh, a, ha = m.exp(math.log(10) * x)
    return [h * oh - 1e-14, h * a / ha - 1.8e-5, a + ha - 0.1, h - oh - a]


def _reactor(m, x):
    """Stirred reactor with an Arrhenius rate: concentration and temperature."""
    rate = 7.2e10 * m.exp(-8750 / x[1]) * x[0]
    return [1.0 - x[0] - rate, 350 - x[1] + 209 * rate + 2.1 * (300 - x[1])]


def _lorenz(m, x):
    return [10 * (x[1] - x[0]), x[0] * (28 - x[2]) - x[1], x[0] * x[1] - 8 / 3 * x[2]]


def _lotka_volterra(m, x):
    return x * (1 - _FORM[:3, :3] @ x / 10)


def _burgers(m, x):
    left, right = np.roll(x, 1), np.roll(x, -1)
    return -x * (right - left) * 7.5 + 0.01 * 225 * (right - 2 * x + left)


def _power_flow(m, x):
    """Active and reactive power at two nodes; x = two angles, two voltages."""
    angle, volt = np.array([0.0, x[0], x[1]]), np.array([1.02, x[2], x[3]])
    gap = angle[1:, None] - angle[None, :]
    g, b = (
        np.array([[1.2, -0.4, 1.7], [0.8, 1.5, -0.3]]),
        np.array([[-5.0, 9.0, -4.0], [-3.5, -4.2, 8.1]]),
    )
    c, s = m.cos(gap), m.sin(gap)
    return np.array([volt[1:] * ((g * c + b * s) @ volt), volt[1:] * ((g * s - b * c) @ volt)])


def _decay_model(m, x):
    return x[0] * m.exp(-x[1] * _index(12) / 4) + x[2] * m.exp(-x[3] * _index(12) / 4)


def _vandermonde(m, x):
    return [x**k for k in range(6)]


def _matrix_square(m, x):
    return x @ x


def _matrix_inverse(m, x):
    det = x[0, 0] * x[1, 1] - x[0, 1] * x[1, 0]
    return [[x[1, 1] / det, -x[0, 1] / det], [-x[1, 0] / det, x[0, 0] / det]]


def _matrix_moments(m, x):
    return [(x @ x.T).trace(), x.sum() ** 2, m.sin(x[0, -1])]


def _row_softmax(m, x):
    e = m.exp(x)
    return e / e.sum(axis=1)[:, None]


def _bratu(m, x):
    zero = np.zeros((1, x.shape[1]))
    tall = np.concatenate([zero, x, zero])
    side = np.zeros((len(x), 1))
    wide = np.concatenate([side, x, side], axis=1)
    return 4 * x - tall[:-2] - tall[2:] - wide[:, :-2] - wide[:, 2:] - 0.06 * m.exp(x)


def _pair_distances(m, x):
    return m.sqrt(_pairs(x.reshape(-1), 3))


def _hilbert_cubic(m, x):
    return _HILBERT @ x**3


def _sphere_shells(m, x):
    return [m.sqrt(((x - shift) ** 2).sum()) for shift in (0.0, 1.0, -2.0, 100.0)]


def _gps_ranges(m, x):
    """Ranges in metres to four satellites, plus a clock offset at the speed of light."""
    sats = 2.66e7 * np.array(
        [[0.8, 0.3, 0.5], [-0.2, 0.9, 0.4], [0.1, -0.7, 0.7], [-0.6, -0.1, 0.8]]
    )
    return m.sqrt(((x[:3] - sats) ** 2).sum(axis=1)) + 299792458.0 * x[3]


def _binary_mixture(m, x):
    """Margules activity coefficients and partial pressures; x = mole fraction, kelvin."""
    a, t = x
    first, second = m.exp(320 / t * (1 - a) ** 2), m.exp(320 / t * a**2)
    return [
        first,
        second,
        a * first * 1e5 * m.exp(13 - 4800 / t),
        (1 - a) * second * 1e5 * m.exp(12 - 5100 / t),
    ]


_VECTOR: dict[str, tuple[Formula, str, dict[str, Any]]] = {
    "wide_outputs": (_wide_outputs, "scales", {"generic": [0.7, -1.3]}),
    "wide_everything": (_wide_everything, "scales", {"generic": [1.3e-5, 7.1e4]}),
    "with_constant": (
        _with_constant,
        "form",
        {"generic": [1.1, -0.6, 0.8], "zero": [0.0, 0.0, 0.0]},
    ),
    "with_linear": (_with_linear, "form", {"generic": [0.4, 1.7, -2.2]}),
    "affine": (_affine, "form", {"generic": [1.0, -0.3, 0.7, 250.0]}),
    "curve": (_curve, "single", {"generic": [0.83]}),
    "one_to_one": (_one_to_one, "single", {"generic": [0.4], "zero": [0.0]}),
    "many_to_one": (_many_to_one, "form", {"generic": [0.1 * i - 0.7 for i in range(15)]}),
    "polar": (_polar, "form", {"generic": [2.5, 0.9], "origin": [0.0, 0.4]}),
    "spherical": (_spherical, "form", {"generic": [6.4e6, 0.7, -2.1]}),
    "softmax": (_softmax, "form", {"generic": [0.2, -1.1, 2.3, 0.9], "steep": [30.0, 0.0, -25.0]}),
    "normalise": (_normalise, "form", {"generic": [1.0, -2.0, 0.4], "small": [1e-8, 2e-8, -1e-8]}),
    "planar_arm": (
        _planar_arm,
        "robot",
        {"generic": [0.4, -0.9, 1.3], "straight": [0.0, 0.0, 0.0]},
    ),
    "spatial_arm": (_spatial_arm, "robot", {"generic": [0.3, -0.8, 1.1, 0.5, -0.6, 2.0]}),
    "quaternion_rotation": (_quaternion_rotation, "robot", {"generic": [0.8, 0.3, -0.4, 0.2]}),
    "camera": (_camera, "robot", {"generic": [0.6, -0.3, 2.4]}),
    "robertson": (_robertson, "chemistry", {"start": [1.0, 0.0, 0.0], "later": [0.9, 3e-5, 0.1]}),
    "brusselator": (_brusselator, "chemistry", {"generic": [1.5, 3.0]}),
    "oregonator": (
        _oregonator,
        "chemistry",
        {"generic": [4.0, 1.1, 4.0], "spike": [1.2e5, 0.7, 1.8e4]},
    ),
    "acid_equilibrium": (_acid_equilibrium, "chemistry", {"generic": [-2.9, -11.1, -2.8, -1.01]}),
    "reactor": (_reactor, "chemistry", {"generic": [0.5, 352.0]}),
    "binary_mixture": (_binary_mixture, "chemistry", {"generic": [0.3, 345.0]}),
    "lorenz": (_lorenz, "dynamics", {"generic": [-5.0, 7.5, 21.0]}),
    "lotka_volterra": (_lotka_volterra, "dynamics", {"generic": [0.7, 1.2, 2.0]}),
    "burgers": (
        _burgers,
        "dynamics",
        {"generic": [round(math.sin(0.419 * i), 3) for i in range(15)]},
    ),
    "power_flow": (_power_flow, "dynamics", {"generic": [-0.12, 0.05, 0.97, 1.01]}),
    "decay_model": (_decay_model, "fit", {"generic": [2.0, 0.4, -1.1, 3.0]}),
    "gps_ranges": (_gps_ranges, "fit", {"generic": [3.9e6, 1.2e6, 4.8e6, 3e-7]}),
    "vandermonde": (_vandermonde, "form", {"generic": [0.5, -1.4, 2.0]}),
    "hilbert_cubic": (_hilbert_cubic, "form", {"generic": [1.0, -0.5, 0.3, 2.0, 1.7]}),
    "sphere_shells": (_sphere_shells, "form", {"generic": [0.3, 0.8, -0.5]}),
    "matrix_square": (
        _matrix_square,
        "matrix",
        {"generic": [[1.0, 0.2, -0.4], [0.7, -1.3, 0.5], [2.0, 0.1, 0.9]]},
    ),
    "matrix_inverse": (_matrix_inverse, "matrix", {"generic": [[2.0, 0.3], [-0.7, 1.4]]}),
    "matrix_moments": (
        _matrix_moments,
        "matrix",
        {"generic": [[1.0, -0.2, 0.6, 0.4], [0.3, 0.8, -1.1, 0.9]]},
    ),
    "row_softmax": (_row_softmax, "matrix", {"generic": [[0.1, 0.9, -0.4], [1.2, -0.3, 0.5]]}),
    "bratu": (
        _bratu,
        "matrix",
        {"generic": [[0.02, 0.05, 0.03], [0.06, 0.1, 0.07], [0.03, 0.06, 0.04]]},
    ),
    "pair_distances": (
        _pair_distances,
        "matrix",
        {"generic": [_TETRA[0:3], _TETRA[3:6], _TETRA[6:9], _TETRA[9:12]]},
    ),
}


def _problem(name: str, formula: Formula, point: Any, tags: tuple[str, ...], scalar: bool) -> Multi:
    x = np.array(point, dtype=np.float64)
    x.setflags(write=False)
    f = partial(_scalar if scalar else _vector, formula)
    return Multi(name, f, partial(_reference, formula, x.shape), x, tags)


def _gradient_problems() -> Iterator[Multi]:
    for name, (residual, points) in _RESIDUALS.items():
        for label, point in {**points, "generic": _generic(points["start"])}.items():
            squares = partial(_sum_of_squares, residual)
            yield _problem(f"{name}@{label}", squares, point, ("gradient", "mgh", label), True)
    for name, (formula, tag, points) in _SCALAR.items():
        for label, point in points.items():
            yield _problem(f"{name}@{label}", formula, point, ("gradient", tag, label), True)


def _jacobian_problems() -> Iterator[Multi]:
    for name, (residual, points) in _RESIDUALS.items():
        for label, point in {
            "start": points["start"],
            "generic": _generic(points["start"]),
        }.items():
            yield _problem(
                f"{name}_residuals@{label}", residual, point, ("jacobian", "mgh", label), False
            )
    for name, (formula, tag, points) in _VECTOR.items():
        for label, point in points.items():
            yield _problem(f"{name}@{label}", formula, point, ("jacobian", tag, label), False)


GRADIENT: tuple[Multi, ...] = tuple(_gradient_problems())
JACOBIAN: tuple[Multi, ...] = tuple(_jacobian_problems())


def in_half(name: str, half: str | None) -> bool:
    """Whether a case is in ``half``: None (all), "tune" or "confirm", by its name's checksum."""
    if half not in (None, "tune", "confirm"):
        raise ValueError(f"half must be None, 'tune' or 'confirm', not {half!r}")
    return half is None or zlib.crc32(name.encode()) % 2 == (half == "confirm")


@cache
def _truth() -> dict[str, dict[str, Any]]:
    return json.loads(TRUTH_FILE.read_text())


def _from_hex(nested: Any) -> Any:
    return (
        [_from_hex(part) for part in nested] if isinstance(nested, list) else float.fromhex(nested)
    )


def _cases(problems: tuple[Multi, ...], what: str, half: str | None) -> Iterator[Case]:
    for problem in problems:
        if not in_half(problem.name, half):
            continue
        stored = _truth()[problem.name]
        if _from_hex(stored["x"]) != problem.x.tolist():
            raise ValueError(
                f"the stored truth of {problem.name} is for another point; write it again"
            )
        if what in stored:
            exact = np.array(_from_hex(stored[what]))
            exact.setflags(write=False)
            yield Case(problem.name, problem.f, problem.x, exact)


def gradient_cases(half: str | None = None) -> Iterator[Case]:
    """Scalar functions with their exact gradients, shape (n,)."""
    return _cases(GRADIENT, "gradient", half)


def hessian_cases(half: str | None = None) -> Iterator[Case]:
    """Scalar functions with their exact Hessians, shape (n, n)."""
    return _cases(GRADIENT, "hessian", half)


def jacobian_cases(half: str | None = None) -> Iterator[Case]:
    """Array functions with their exact Jacobians, shape ``f(x).shape + x.shape``."""
    return _cases(JACOBIAN, "jacobian", half)
