# ruff: noqa: ARG005, E501, PLW0108
"""Functions of one variable, as users write them, with the same functions in mpmath.

Most formulas are written once for a module `m` of elementary functions: with `math` or numpy they give the function
under test, with mpmath its exact counterpart. Floating-point constants have the value of the double in both.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, partial
from types import SimpleNamespace
from typing import Any

import numpy as np
from scipy import special

Formula = Callable[[Any, Any], Any]
Function = Callable[[float], float]
Points = tuple[float, ...]

PI = math.pi
ROOT_TWO = math.sqrt(2)
NUMPY = SimpleNamespace(
    exp=np.exp, log=np.log, log10=np.log10, log1p=np.log1p, expm1=np.expm1, sqrt=np.sqrt, hypot=np.hypot,
    sin=np.sin, cos=np.cos, tan=np.tan, asin=np.arcsin, acos=np.arccos, atan=np.arctan, atan2=np.arctan2,
    sinh=np.sinh, cosh=np.cosh, tanh=np.tanh, asinh=np.arcsinh, acosh=np.arccosh, atanh=np.arctanh, fabs=np.abs,
)  # fmt: skip


@dataclass(frozen=True)
class Problem:
    """A function, its exact counterpart `reference(mpmath.mp, x)`, and the points at which to differentiate it."""

    name: str
    f: Function = field(repr=False)
    reference: Formula = field(repr=False)
    points: Points
    tags: frozenset[str]

    @property
    def category(self) -> str:
        """The one category among the tags."""
        (category,) = self.tags & CATEGORIES
        return category


CATEGORIES = frozenset((
    "elementary", "scaled", "edge", "support", "cancelling",
    "oscillating", "polynomial", "zero", "textbook", "distribution",
))  # fmt: skip


def _math(category: str, name: str, formula: Formula, *points: float) -> Problem:
    """A formula evaluated with the `math` module, which raises outside the domain."""
    return Problem(name, partial(formula, math), formula, points, frozenset({category, "math"}))


def _numpy(category: str, name: str, formula: Formula, *points: float) -> Problem:
    """A formula evaluated with numpy, which returns nan outside the domain."""
    return Problem(name, partial(formula, NUMPY), formula, points, frozenset({category, "numpy"}))


def _pair(category: str, name: str, f: Function, reference: Formula, *points: float) -> Problem:
    """A function with a separate reference."""
    return Problem(name, f, reference, points, frozenset({category, "special"}))


def _analytic(category: str, name: str, f: Function, reference: Formula, *points: float) -> Problem:
    """A function with a separate reference which also takes complex x."""
    return Problem(name, f, reference, points, frozenset({category, "special", "analytic"}))


class _Frozen:
    """A method of a frozen scipy.stats distribution, imported at the first call because the import is slow."""

    def __init__(self, name: str, method: str, *shape: float, **keywords: float) -> None:
        self._name, self._method, self._shape, self._keywords = name, method, shape, keywords
        self._call: Function | None = None

    def __call__(self, x: float) -> float:
        if self._call is None:
            from scipy import stats

            self._call = getattr(
                getattr(stats, self._name)(*self._shape, **self._keywords), self._method
            )
        return self._call(x)


def _horner(coefficients: tuple[float, ...], x: Any) -> Any:
    result = x * 0
    for c in coefficients:
        result = result * x + c
    return result


def _powers(coefficients: tuple[float, ...], x: Any) -> Any:
    return sum(c * x**k for k, c in enumerate(coefficients))


def _product(roots: Any, x: Any) -> Any:
    result = x * 0 + 1
    for root in roots:
        result *= x - root
    return result


def _legendre(n: int, x: Any) -> Any:
    before, now = x * 0 + 1, x
    for k in range(1, n):
        before, now = now, ((2 * k + 1) * x * now - k * before) / (k + 1)
    return now


def _chebyshev(n: int, x: Any) -> Any:
    before, now = x * 0 + 1, x
    for _ in range(1, n):
        before, now = now, 2 * x * now - before
    return now


def _hermite(n: int, x: Any) -> Any:
    before, now = x * 0 + 1, 2 * x
    for k in range(1, n):
        before, now = now, 2 * x * now - 2 * k * before
    return now


def _laguerre(n: int, x: Any) -> Any:
    before, now = x * 0 + 1, 1 - x
    for k in range(1, n):
        before, now = now, ((2 * k + 1 - x) * now - k * before) / (k + 1)
    return now


@cache
def _binomials(n: int, root: int) -> tuple[int, ...]:
    """Coefficients of (x - root)**n, highest power first."""
    return tuple(math.comb(n, k) * (-root) ** k for k in range(n + 1))


@cache
def _wilkinson(n: int) -> tuple[int, ...]:
    """Coefficients of (x - 1)(x - 2)...(x - n), highest power first."""
    c = [1]
    for root in range(1, n + 1):
        c = [a - root * b for a, b in zip([*c, 0], [0, *c], strict=True)]
    return tuple(c)


def _series(term: Callable[[Any, int], Any], x: Any, count: int) -> Any:
    """A power series whose terms follow from one another by a factor."""
    total = current = x * 0 + 1
    for k in range(1, count):
        current = current * term(x, k)
        total = total + current
    return total


def _newton_root(x: Any) -> Any:
    y = x * 0 + 1
    for _ in range(10):
        y = y - (y * y - x) / (2 * y)
    return y


def _logistic_map(x: Any, count: int) -> Any:
    for _ in range(count):
        x = 3.7 * x * (1 - x)
    return x


def _checked_sqrt(x: float) -> float:
    if x < 1:
        raise ValueError("x must be at least 1")
    return math.sqrt(x - 1)


def _black_scholes(m: Any, spot: Any, strike: float, volatility: Any, time: Any) -> Any:
    rate = 0.03
    spread = volatility * m.sqrt(time)
    d = (m.log(spot / strike) + (rate + volatility**2 / 2) * time) / spread
    upper, lower = m.erfc(-d / ROOT_TWO) / 2, m.erfc(-(d - spread) / ROOT_TWO) / 2
    return spot * upper - strike * m.exp(-rate * time) * lower


def _bump(m: Any, x: Any, centre: float, radius: float) -> Any:
    """The smooth function of compact support."""
    t = (x - centre) / radius
    return m.exp(-1 / (1 - t * t)) if abs(t) < 1 else 0.0


def _bspline(x: Any) -> Any:
    """The cubic cardinal spline on [-2, 2]."""
    t = abs(x)
    if t >= 2:
        return 0.0
    return (2 - t) ** 3 / 6 if t >= 1 else 2 / (x * 0 + 3) - t * t + t**3 / 2


def _truncated_powers(x: Any) -> Any:
    """A spline of degree three with knots at -1, -0.2, 0.5, 0.8 and 2."""
    result = 1 + x - x * x / 2
    for knot, weight in ((-1, 2), (-0.2, -5), (0.5, 9), (0.8, -7.5), (2, 3)):
        if x > knot:
            result += weight * (x - knot) ** 3
    return result


def _piece(knots: tuple[float, ...], pieces: tuple[tuple[float, ...], ...], x: Any) -> Any:
    """A piecewise polynomial: coefficients, highest power first, in the distance from the knot on the left."""
    i = min(max(bisect_right(knots, x) - 1, 0), len(pieces) - 1)
    return _horner(pieces[i], x - knots[i])


def _income_tax(x: Any) -> Any:
    if x <= 11000:
        return x * 0
    if x <= 17000:
        t = (x - 11000) / 10000
        return (930 * t + 1400) * t
    if x <= 66000:
        t = (x - 17000) / 10000
        return (180 * t + 2400) * t + 1000
    return 0.42 * x - 10000


def _smoothstep(x: Any) -> Any:
    if x <= 0:
        return 0.0
    return 1.0 if x >= 1 else x * x * x * (10 + x * (6 * x - 15))


def _leaky(y: Any) -> Any:
    return y if y > 0 else 0.01 * y


def _enthalpy(temperature: Any) -> Any:
    """Ice, water and steam in kJ/kg, with jumps at the phase changes."""
    t = temperature - 273.15
    if t < 0:
        return 2.1 * t + 0.0035 * t * t
    if t < 100:
        return 333.5 + 4.2 * t - 0.0008 * t * t
    return 3000 + 1.9 * t + 0.0004 * t * t


def _heron(m: Any, x: Any) -> Any:
    """The area of a triangle with the sides 1, 1 and x."""
    s = (2 + x) / 2
    return m.sqrt(s * (s - 1) * (s - 1) * (s - x))


def _recursion(x: Any, count: int) -> Any:
    """A recursion whose rounding errors grow by a factor of about twenty in each step."""
    before, now = x * 0 + 4, x
    for _ in range(count):
        before, now = now, 108 - (815 - 1500 / before) / now
    return now


def _wells(x: Any) -> Any:
    """Nonnegative, with a vanishing slope exactly at -2, 0 and 1."""
    return (x * (x - 1) * (x + 2)) ** 2


GRID = np.array([0.0, 0.125, 0.25, 0.5, 1.0, 1.25, 1.5])
GRID_VALUES = np.array([1.0, 0.5, 2.0, -1.0, 0.25, 4.0, 3.0])
MICHAELIS = ((0.02, 0.07), (0.06, 0.19), (0.1, 0.27), (0.4, 0.84), (1.1, 1.35), (3.0, 1.7))


def _interpolate(mp: Any, x: Any) -> Any:
    i = bisect_right(GRID.tolist(), x) - 1
    (a, b), (u, v) = GRID[i : i + 2].tolist(), GRID_VALUES[i : i + 2].tolist()
    return u + (mp.mpf(v) - u) * (x - a) / (mp.mpf(b) - a)


_e, _en = partial(_math, "elementary"), partial(_numpy, "elementary")
_es = partial(_pair, "elementary")
_ea = partial(_analytic, "elementary")
ELEMENTARY = (
    _e("exp", lambda m, x: m.exp(x), -30.0, -1.0, 0.0, 0.01, 1.0, 20.0),
    _en("exp of minus x", lambda m, x: m.exp(-x), -3.0, 0.0, 0.7, 40.0),
    _e("log", lambda m, x: m.log(x), 0.05, 0.5, 1.0, 2.7, 1000.0),
    _en("log10", lambda m, x: m.log10(x), 0.1, 1.0, 42.0, 999.0),
    _e("log1p", lambda m, x: m.log1p(x), -0.5, 0.0, 1e-3, 3.0),
    _en("expm1", lambda m, x: m.expm1(x), -2.0, 0.0, 1e-3, 5.0),
    _e("sin", lambda m, x: m.sin(x), -2.0, 0.0, 1e-3, 1.0, 10.0, 100.0),
    _en("cos", lambda m, x: m.cos(x), -40.0, 1e-3, 0.5, 1.5, 3.0),
    _e("tan", lambda m, x: m.tan(x), -1.0, 0.0, 0.3, 1.2, 100.0),
    _e("atan", lambda m, x: m.atan(x), -20.0, 0.0, 0.5, 1.0, 1000.0),
    _en("asin", lambda m, x: m.asin(x), -0.5, 0.0, 0.3, 0.7),
    _e("sinh", lambda m, x: m.sinh(x), -4.0, 0.0, 0.2, 15.0),
    _en("cosh", lambda m, x: m.cosh(x), -2.0, 0.01, 1.0, 8.0),
    _e("tanh", lambda m, x: m.tanh(x), -3.0, 0.0, 0.4, 2.0, 6.0),
    _en("asinh", lambda m, x: m.asinh(x), -100.0, 0.0, 0.5, 12.0),
    _e("acosh", lambda m, x: m.acosh(x), 1.5, 3.0, 50.0),
    _en("atanh", lambda m, x: m.atanh(x), -0.6, 0.0, 0.25, 0.8),
    _e("sqrt", lambda m, x: m.sqrt(x), 0.2, 1.0, 3.0, 700.0),
    _en("cube root power", lambda m, x: x ** (1 / 3), 0.3, 1.0, 8.0, 250.0),
    _e("power 2.5", lambda m, x: x**2.5, 0.4, 1.0, 6.0, 90.0),
    _en("power -0.7", lambda m, x: x**-0.7, 0.3, 1.0, 11.0, 400.0),
    _e("reciprocal", lambda m, x: 1 / x, -5.0, -0.3, 0.7, 13.0, 1000.0),
    _en("inverse square", lambda m, x: 1 / x**2, -2.0, 0.4, 1.0, 30.0),
    _e("x to the x", lambda m, x: x**x, 0.3, 1.0, 2.5, 10.0, 50.0),
    _e("two to the x", lambda m, x: 2**x, -7.0, 0.0, 0.5, 10.0, 30.0),
    _en("logistic", lambda m, x: 1 / (1 + m.exp(-x)), -20.0, -1.0, 0.0, 0.5, 8.0),
    _en("softplus", lambda m, x: m.log1p(m.exp(x)), -10.0, 0.0, 1.0, 25.0),
    _en("swish", lambda m, x: x / (1 + m.exp(-x)), -4.0, 0.0, 1.3, 10.0),
    _e("gelu by tanh", lambda m, x: 0.5 * x * (1 + m.tanh(0.79788456 * (x + 0.044715 * x**3))), -2.0, 0.0, 0.8, 3.0),
    _e("gaussian", lambda m, x: m.exp(-x * x), -2.0, 0.3, 1.0, 5.0),
    _e("x times gaussian", lambda m, x: x * m.exp(-x * x / 2), -1.5, 0.0, 0.4, 3.0),
    _e("runge", lambda m, x: 1 / (1 + 25 * x * x), -0.9, -0.2, 0.1, 0.5, 3.0),
    _en("rational cubic over quadratic", lambda m, x: (x**3 - 2 * x + 1) / (x**2 + x + 1), -3.0, 0.0, 0.5, 20.0),
    _e("moebius", lambda m, x: (2 * x - 3) / (x + 4), -10.0, 0.0, 1.0, 70.0),
    _en("x over one plus x squared", lambda m, x: x / (1 + x * x), -6.0, 0.0, 0.3, 30.0),
    _e("exp of sin", lambda m, x: m.exp(m.sin(x)), -1.0, 0.0, 2.0, 30.0),
    _en("sin of exp", lambda m, x: m.sin(m.exp(x)), -3.0, 0.0, 1.0, 3.0),
    _e("log of cosh", lambda m, x: m.log(m.cosh(x)), -3.0, 0.1, 1.0, 12.0),
    _en("sqrt of one plus square", lambda m, x: m.sqrt(1 + x * x), -7.0, 0.2, 1.0, 150.0),
    _e("sin of cos of x", lambda m, x: m.sin(m.cos(x)), 0.3, 1.0, 4.0, 20.0),
    _e("nested exponentials", lambda m, x: m.exp(-m.exp(-x)), -2.0, 0.0, 0.5, 6.0),
    _en("log of log", lambda m, x: m.log(m.log(x)), 1.5, 3.0, 20.0, 900.0),
    _e("x log x", lambda m, x: x * m.log(x), 0.1, 1.0, 2.0, 500.0),
    _e("damped wave", lambda m, x: m.exp(-0.3 * x) * m.cos(4 * x), 0.0, 0.5, 2.0, 9.0),
    _en("atan of sinh", lambda m, x: m.atan(m.sinh(x)), -2.0, 0.0, 1.0, 4.0),
    _e("tan of half sine", lambda m, x: m.tan(0.5 * m.sin(3 * x)), 0.0, 0.2, 1.0, 5.0),
    _e("erf by math", lambda m, x: m.erf(x), -2.0, 0.0, 0.3, 1.0, 3.0),
    _e("erfc by math", lambda m, x: m.erfc(x), -1.0, 0.0, 0.7, 4.0, 10.0),
    _ea("gamma by math", math.gamma, lambda mp, x: mp.gamma(x), -2.5, 0.3, 1.0, 4.5, 20.0),
    _ea("lgamma", math.lgamma, lambda mp, x: mp.loggamma(x), 0.2, 1.5, 7.0, 300.0),
    _ea("digamma", special.digamma, lambda mp, x: mp.digamma(x), 0.3, 1.0, 5.0, 80.0),
    _es("bessel j0", special.j0, lambda mp, x: mp.besselj(0, x), 0.5, 2.0, 11.0, 60.0),
    _es("bessel j1", special.j1, lambda mp, x: mp.besselj(1, x), -3.0, 0.0, 1.0, 25.0),
    _ea("bessel y0", special.y0, lambda mp, x: mp.bessely(0, x), 0.4, 1.0, 6.0, 30.0),
    _ea("bessel i0", special.i0, lambda mp, x: mp.besseli(0, x), -1.0, 0.5, 3.0, 12.0),
    _ea("bessel k1", special.k1, lambda mp, x: mp.besselk(1, x), 0.2, 1.0, 4.0, 15.0),
    _ea("airy ai", lambda x: special.airy(x)[0], lambda mp, x: mp.airyai(x), -6.0, -1.0, 0.0, 0.5, 4.0),
    _ea("airy bi", lambda x: special.airy(x)[2], lambda mp, x: mp.airybi(x), -3.0, 0.0, 0.7, 3.0),
    _ea("exponential integral e1", special.exp1, lambda mp, x: mp.e1(x), 0.1, 1.0, 3.0, 12.0),
    _es("exponential integral ei", special.expi, lambda mp, x: mp.ei(x), -2.0, 0.5, 1.0, 9.0),
    _es("numpy sinc", np.sinc, lambda mp, x: mp.sincpi(x), -1.3, 0.2, 0.5, 7.3),
    _e("sinc guarded at zero", lambda m, x: m.sin(x) / x if x != 0 else 1.0, -4.0, 0.1, 1.0, 12.0),
    _es("sine integral", lambda x: special.sici(x)[0], lambda mp, x: mp.si(x), 0.0, 0.5, 2.0, 20.0),
    _es("fresnel s", lambda x: special.fresnel(x)[0], lambda mp, x: mp.fresnels(x), 0.2, 1.0, 2.3, 4.0),
    _es("dawson", special.dawsn, lambda mp, x: mp.sqrt(mp.pi) / 2 * mp.exp(-x * x) * mp.erfi(x),
        -1.0, 0.0, 0.4, 2.0, 7.0),
    _es("lambert w", lambda x: special.lambertw(x).real, lambda mp, x: mp.lambertw(x), -0.2, 0.1, 1.0, 30.0),
    _es("elliptic k", special.ellipk, lambda mp, x: mp.ellipk(x), -2.0, 0.0, 0.4, 0.9),
    _es("elliptic e", special.ellipe, lambda mp, x: mp.ellipe(x), -3.0, 0.0, 0.3, 0.8),
    _ea("zeta", special.zeta, lambda mp, x: mp.zeta(x), 1.5, 2.0, 4.0, 9.0),
    _ea("spence", special.spence, lambda mp, x: mp.polylog(2, 1 - x), 0.2, 0.8, 1.4, 1.9),
    _es("expit", special.expit, lambda mp, x: 1 / (1 + mp.exp(-x)), -30.0, -2.0, 0.0, 3.0),
    _e("haversine", lambda m, x: 2 * m.asin(m.sqrt(m.sin(x / 2) ** 2 + 0.3 * m.cos(x))), 0.4, 1.0, 1.3),
    _e("angle by atan2", lambda m, x: m.atan2(m.sin(2 * x), 2 + m.cos(x)), -1.0, 0.0, 0.6, 2.5),
    _en("distance by hypot", lambda m, x: m.hypot(x - 3, 4), -2.0, 0.0, 2.5, 90.0),
    _e("ten newton steps for a root", lambda m, x: _newton_root(x), 0.5, 2.0, 7.0, 60.0),
    _e("continued fraction", lambda m, x: 1 / (x + 1 / (x + 1 / (x + 1 / (x + 1)))), 0.0, 0.3, 1.0, 9.0),
    _e("logistic map", lambda m, x: _logistic_map(x, 5), 0.1, 0.3, 0.62, 0.9),
    _e("planar rotation product", lambda m, x: m.cos(x) * m.cosh(x) - 1, 0.5, 1.9, 4.73, 10.0),
)  # fmt: skip


PLANCK, LIGHT, BOLTZMANN, CHARGE, GAS = (
    6.62607015e-34,
    2.99792458e8,
    1.380649e-23,
    1.602176634e-19,
    8.31446261815324,
)
_s, _sn = partial(_math, "scaled"), partial(_numpy, "scaled")
_ss = partial(_pair, "scaled")
_sa = partial(_analytic, "scaled")
SCALED = (
    _s("square far out", lambda m, x: x**2, -1e20, 1e8, 1e20, 1e100, 1e150),
    _s("square far in", lambda m, x: x * x, 1e-150, 1e-100, -1e-20, 1e-8),
    _sn("cube at extreme scales", lambda m, x: x**3, -1e90, 1e-90, 1e-10, 1e50),
    _s("exp with length 1e6", lambda m, x: m.exp(-x / 1e6), 0.0, 1.0, 1e3, 1e6, 2e7),
    _s("exp with length 1e-6", lambda m, x: m.exp(-x / 1e-6), 0.0, 1e-9, 1e-6, 1e-5),
    _sn("exp with length 1e100", lambda m, x: m.exp(x * 1e-100), 0.0, 1e98, -1e100, 1e101),
    _sn("exp with length 1e-100", lambda m, x: m.exp(x * 1e100), 0.0, 1e-102, -1e-100, 1e-99),
    _s("sin of 1e9 x", lambda m, x: m.sin(1e9 * x), 0.0, 1e-10, 1e-9, 3e-9, 1e-8),
    _sn("sin of 1e-9 x", lambda m, x: m.sin(1e-9 * x), 0.0, 1.0, 1e8, 1e9, 5e9),
    _s("k over x", lambda m, x: 8.99e9 / x, 1e-12, -1e-9, 1e-6, 1e12),
    _sn("reciprocal at tiny x", lambda m, x: 1 / x, 1e-100, 1e-30, -1e-12, 1e30, 1e100),
    _s("log over all scales", lambda m, x: m.log(x), 1e-300, 1e-100, 1e-30, 1e30, 1e100, 1e300),
    _sn("sqrt over all scales", lambda m, x: m.sqrt(x), 1e-300, 1e-100, 1e-20, 1e20, 1e300),
    _s("linear with huge slope", lambda m, x: 1e300 * x + 1e290, 0.0, 1e-5, 0.3, 10.0),
    _s("linear with tiny slope", lambda m, x: 1e-300 * x, -1e10, 0.0, 1.0, 1e20),
    _sn("sine times 1e300", lambda m, x: 1e300 * m.sin(x), 0.0, 0.4, 1.0, 2.0),
    _s("sine times 1e-290", lambda m, x: 1e-290 * m.sin(x), 0.0, 0.4, 1.0, 2.0),
    _sn("exp near overflow", lambda m, x: m.exp(x), 600.0, 690.0, 700.0, 705.0),
    _s("exp near underflow", lambda m, x: m.exp(x), -700.0, -690.0, -500.0),
    _s("exp near overflow by math", lambda m, x: m.exp(x), 650.0, 700.0, 708.0),
    _sn("offset 1e8 plus sine", lambda m, x: 1e8 + m.sin(x), 0.0, 0.5, 1.0, 3.0),
    _s("offset 1e6 plus exp", lambda m, x: 1e6 + m.exp(x), -5.0, 0.0, 1.0, 4.0),
    _s("offset 1e12 plus cube", lambda m, x: 1e12 + x**3, 0.5, 1.0, 30.0, 1000.0),
    _sn("offset 1 plus tiny sine", lambda m, x: 1 + 1e-9 * m.sin(x), 0.0, 0.3, 1.0, 2.0),
    _s("offset in the argument", lambda m, x: (x - 1e6) ** 2 + 0.1 * x, 1e6, 1000001.0, 1000100.0),
    _s("saturation at 1e-12", lambda m, x: x / (1e-12 + x), 1e-14, 1e-12, 5e-12, 1e-9),
    _sn("saturation at 1e9", lambda m, x: x / (1e9 + x), 0.0, 1.0, 1e9, 1e10),
    _s("sine at subnormal x", lambda m, x: m.sin(x), 5e-324, 1e-310, 1e-300),
    _sn("exp at subnormal x", lambda m, x: m.exp(x), -3e-320, 1e-310, 1e-200),
    _s("line at subnormal x", lambda m, x: 3 * x + 1, 5e-324, 2e-315, -1e-308),
    _s("atan with length 1e150", lambda m, x: m.atan(x / 1e150), 0.0, 1e149, -1e150, 1e152),
    _sn("tanh with length 1e-150", lambda m, x: m.tanh(x / 1e-150), 0.0, 1e-151, -1e-150, 3e-150),
    _s("planck law over wavelength",
       lambda m, x: 2 * PLANCK * LIGHT**2 / x**5 / m.expm1(PLANCK * LIGHT / (x * BOLTZMANN * 5800.0)),
       2e-7, 5e-7, 1e-6, 1e-5),
    _sn("planck law over frequency",
        lambda m, x: 2 * PLANCK * x**3 / LIGHT**2 / (m.exp(PLANCK * x / (BOLTZMANN * 300.0)) - 1),
        1e12, 1e13, 3e13, 1e14),
    _s("stefan boltzmann", lambda m, x: 5.670374419e-8 * x**4, 3.0, 300.0, 5800.0, 1e6),
    _s("arrhenius rate", lambda m, x: 1e13 * m.exp(-8e4 / (GAS * x)), 200.0, 300.0, 600.0, 2000.0),
    _sn("lennard jones in metres", lambda m, x: 4 * 1.65e-21 * ((3.4e-10 / x) ** 12 - (3.4e-10 / x) ** 6),
        3.2e-10, 3.9e-10, 5e-10, 1e-9),
    _s("morse in metres", lambda m, x: 7.2e-19 * (1 - m.exp(-1.9e10 * (x - 7.4e-11))) ** 2, 5e-11, 8e-11, 1.5e-10),
    _s("coulomb energy", lambda m, x: 8.9875517923e9 * CHARGE**2 / x, 1e-15, 5.3e-11, 1e-9),
    _sn("coulomb force", lambda m, x: 8.9875517923e9 * CHARGE**2 / x**2, 1e-15, 5.3e-11, 1e-6),
    _s("diode current", lambda m, x: 1e-12 * (m.exp(x / 0.02585) - 1), 0.2, 0.4, 0.65, 0.8),
    _s("gravity potential", lambda m, x: -6.6743e-11 * 5.972e24 / x, 6.4e6, 4.2e7, 3.8e8),
    _sn("lorentz factor", lambda m, x: 1 / m.sqrt(1 - (x / LIGHT) ** 2), 1e7, 1e8, 2.5e8, 2.99e8),
    _s("van der waals pressure", lambda m, x: GAS * 300.0 / (x - 4.3e-5) - 0.364 / x**2, 6e-5, 1e-3, 2.4e-2),
    _s("low pass gain", lambda m, x: 1 / m.sqrt(1 + (x * 1e3 * 1e-7) ** 2), 1.0, 1e3, 1e4, 1e6),
    _s("capacitor charge", lambda m, x: 5.0 * (1 - m.exp(-x / 4.7e-9)), 0.0, 1e-10, 4.7e-9, 3e-8),
    _sn("fermi dirac in joules", lambda m, x: 1 / (m.exp((x - 8e-19) / (BOLTZMANN * 300.0)) + 1),
        7.8e-19, 7.95e-19, 8e-19, 8.1e-19),
    _s("relativistic energy of an electron", lambda m, x: m.sqrt((x * LIGHT) ** 2 + (9.1093837e-31 * LIGHT**2) ** 2),
       1e-24, 2.7e-22, 1e-20),
    _s("hill curve in molar", lambda m, x: x**2.8 / (x**2.8 + 3e-9**2.8), 1e-10, 1e-9, 3e-9, 1e-7),
    _s("saturation vapour pressure", lambda m, x: 611.2 * m.exp(17.62 * x / (243.12 + x)), -30.0, 0.0, 15.0, 90.0),
    _sn("loan payment", lambda m, x: 250000.0 * x / (1 - (1 + x) ** -360), 1e-3, 0.0025, 0.005, 0.02),
    _s("unix time drift", lambda m, x: 20.0 + 5.0 * m.sin((x - 1.7e9) / 13751.0), 1.7e9, 1700005000.0, 1700040000.0),
    _s("mixed scales sum", lambda m, x: 1e-8 * x**4 + x + 1e3 / x, 0.1, 10.0, 400.0, 3000.0),
    _sa("gamma at large values", special.gamma, lambda mp, x: mp.gamma(x), 50.0, 120.0, 165.0),
    _sa("log gamma at huge values", special.gammaln, lambda mp, x: mp.loggamma(x), 1e4, 1e8, 1e12),
)  # fmt: skip

_d, _dn = partial(_math, "edge"), partial(_numpy, "edge")
_ds = partial(_pair, "edge")
_da = partial(_analytic, "edge")
EDGE = (
    _d("log close to zero", lambda m, x: m.log(x), 1e-12, 1e-9, 1e-6, 1e-3, 1e-1),
    _dn("log close to zero by numpy", lambda m, x: m.log(x), 1e-12, 1e-8, 1e-4, 1e-2),
    _d("sqrt close to zero", lambda m, x: m.sqrt(x), 1e-12, 1e-9, 1e-6, 1e-4, 1e-2),
    _dn("sqrt close to zero by numpy", lambda m, x: m.sqrt(x), 1e-9, 1e-5, 1e-3),
    _d("asin close to one", lambda m, x: m.asin(x), -0.9999, 0.99, 0.999, 0.999999),
    _dn("acos close to one", lambda m, x: m.acos(x), -0.999, 0.99, 0.9999, 0.99999),
    _d("acosh close to one", lambda m, x: m.acosh(x), 1.000001, 1.0001, 1.01),
    _dn("acosh close to one by numpy", lambda m, x: m.acosh(x), 1.00001, 1.001, 1.05),
    _d("log1p close to minus one", lambda m, x: m.log1p(x), -0.999999, -0.9999, -0.99, -0.9),
    _dn("log1p close to minus one by numpy", lambda m, x: m.log1p(x), -0.99999, -0.999, -0.95),
    _d("atanh close to one", lambda m, x: m.atanh(x), -0.999, 0.99, 0.9999, 0.999999),
    _dn("atanh close to one by numpy", lambda m, x: m.atanh(x), -0.99999, 0.995, 0.9995),
    _dn("power 1.5 close to zero", lambda m, x: x**1.5, 1e-9, 1e-6, 1e-3, 1e-2),
    _d("power 0.1 close to zero", lambda m, x: x**0.1, 1e-8, 1e-4, 1e-2),
    _dn("power 3.5 close to zero", lambda m, x: x**3.5, 1e-6, 1e-3, 1e-1),
    _d("power 2.2 of gamma correction", lambda m, x: ((x + 0.055) / 1.055) ** 2.4, -0.05, -0.03, 0.0, 0.04),
    _d("unit circle", lambda m, x: m.sqrt(1 - x * x), -0.999, 0.9, 0.99, 0.9999),
    _dn("unit circle by numpy", lambda m, x: m.sqrt(1 - x * x), -0.99999, 0.95, 0.999),
    _d("reciprocal close to zero", lambda m, x: 1 / x, -1e-3, 1e-6, 1e-4, 1e-2),
    _dn("tan close to its pole", lambda m, x: m.tan(x), 1.5, 1.56, 1.57, 1.5707),
    _d("lorentzian of width 0.01", lambda m, x: 1 / (1e-4 + x * x), -0.02, 1e-3, 0.01, 0.05),
    _da("gamma close to minus one", special.gamma, lambda mp, x: mp.gamma(x), -1.01, -0.999, -0.9),
    _da("gamma close to zero", math.gamma, lambda mp, x: mp.gamma(x), -0.01, 1e-4, 1e-3, 0.05),
    _d("log of x minus one", lambda m, x: m.log(x - 1), 1.000001, 1.0001, 1.01, 1.1),
    _dn("log of 2 minus x", lambda m, x: m.log(2 - x), 1.9, 1.99, 1.9999),
    _ds("lambert w close to its branch point", lambda x: special.lambertw(x).real, lambda mp, x: mp.lambertw(x),
        -0.36, -0.367, -0.3678),
    _ds("lower lambert w", lambda x: special.lambertw(x, -1).real, lambda mp, x: mp.lambertw(x, -1),
        -0.3678, -0.3, -0.01, -1e-4),
    _d("log of log close to one", lambda m, x: m.log(m.log(x)), 1.0001, 1.001, 1.1),
    _dn("sqrt of sine close to zero", lambda m, x: m.sqrt(m.sin(x)), 1e-4, 0.01, 3.1, 3.14),
    _d("sqrt of a product", lambda m, x: m.sqrt((x - 2) * (5 - x)), 2.001, 2.1, 4.9, 4.9999),
    _d("binary entropy", lambda m, x: -x * m.log(x) - (1 - x) * m.log(1 - x), 1e-6, 1e-3, 0.05, 0.99, 0.9999),
    _dn("logit", lambda m, x: m.log(x / (1 - x)), 1e-5, 1e-2, 0.97, 0.9999),
    _d("x log x close to zero", lambda m, x: x * m.log(x), 1e-8, 1e-5, 1e-3, 1e-2),
    _d("log barrier", lambda m, x: x - 0.01 * m.log(3 - x) - 0.01 * m.log(x), 1e-3, 0.02, 2.98, 2.9999),
    _dn("inverse sqrt close to zero", lambda m, x: 1 / m.sqrt(x), 1e-8, 1e-4, 1e-2),
    _ds("complex power outside the domain", lambda x: float(x) ** 0.5, lambda mp, x: mp.sqrt(x), 1e-6, 1e-3, 0.04),
    _ds("normal quantile close to its ends", special.ndtri,
        lambda mp, x: mp.sqrt(2) * mp.erfinv(2 * x - 1), 1e-3, 0.02, 0.98, 0.9999),
    _ds("elliptic k close to one", special.ellipk, lambda mp, x: mp.ellipk(x), 0.99, 0.9999, 0.999999),
    _da("zeta close to its pole", special.zeta, lambda mp, x: mp.zeta(x), 1.001, 1.01, 1.1),
    _da("bessel y0 close to zero", special.y0, lambda mp, x: mp.bessely(0, x), 1e-5, 1e-3, 0.02),
    _ds("domain check raising an error", lambda x: _checked_sqrt(x), lambda mp, x: mp.sqrt(x - 1), 1.0001, 1.01, 1.2),
    _d("black scholes call near expiry", lambda m, x: _black_scholes(m, 100.0, 101.0, 0.25, x), 1e-3, 0.01, 0.1),
)  # fmt: skip

_p, _pn = partial(_math, "support"), partial(_numpy, "support")
_ps = partial(_pair, "support")
SUPPORT = (
    _p("exponential density by hand", lambda m, x: 0.0 if x < 0 else 2.0 * m.exp(-2.0 * x), 1e-3, 0.05, 0.3, 1.0),
    _p("exponential cdf by hand", lambda m, x: 0.0 if x < 0 else 1 - m.exp(-1.5 * x), 1e-3, 0.02, 0.5, 2.0),
    _p("weibull density by hand", lambda m, x: 0.0 if x <= 0 else 1.8 * x**0.8 * m.exp(-(x**1.8)), 0.01, 0.2, 0.8, 2.0),
    _p("beta density by hand", lambda m, x: 12 * x * x * (1 - x) if 0 < x < 1 else 0.0, 0.01, 0.1, 0.5, 0.9, 0.995),
    _p("arcsine density by hand", lambda m, x: 1 / (PI * m.sqrt(x * (1 - x))) if 0 < x < 1 else 0.0, 0.02, 0.4, 0.97),
    _p("epanechnikov kernel", lambda m, x: 0.75 * (1 - x * x) if abs(x) < 1 else 0.0, -0.99, -0.5, 0.2, 0.9, 0.999),
    _p("triweight kernel", lambda m, x: (1 - x * x) ** 3 if abs(x) < 1 else 0.0, -0.9, 0.1, 0.6, 0.99),
    _p("triangular density by hand", lambda m, x: max(1 - abs(x - 2), x * 0), 1.01, 1.2, 1.9, 2.05, 2.7, 2.98),
    _p("shifted pareto by hand", lambda m, x: 0.0 if x < 2 else 3 * 2**3 / x**4, 2.001, 2.05, 2.5, 8.0),
    _p("truncated normal by hand", lambda m, x: m.exp(-x * x / 2) if -0.5 <= x <= 1.2 else 0.0, -0.49, -0.2, 0.6, 1.15),
    _p("rectified cube", lambda m, x: max(x, x * 0) ** 3, 0.01, 0.1, 0.5, 2.0),
    _p("rectified line plus sine", lambda m, x: m.sin(x) + max(x - 1, x * 0), 0.6, 0.99, 1.001, 1.1, 1.5),
    _p("absolute value of shifted sine", lambda m, x: abs(m.sin(x) - 0.5), 0.4, 0.5, 0.55, 0.8),
    _p("huber loss", lambda m, x: x * x / 2 if abs(x) <= 1.35 else 1.35 * (abs(x) - 0.675), -2.0, 0.7, 1.3, 1.4, 4.0),
    _p("tukey biweight loss", lambda m, x: 1 - (1 - (x / 4.685) ** 2) ** 3 if abs(x) < 4.685 else 1.0, 0.5, 2.0, 4.6),
    _p("leaky rectifier of a cubic", lambda m, x: _leaky(x**3 - x), -1.05, -0.9, 0.1, 0.95, 1.02),
    _pn("elu", lambda m, x: x if x > 0 else m.exp(x) - 1, -1.0, -0.05, -1e-3, 0.01, 0.4),
    _p("step far to the right", lambda m, x: m.exp(x) + (5.0 if x > 1.5 else 0.0), 0.5, 1.3, 1.49, 1.499, 1.51, 2.0),
    _p("jump and change of slope", lambda m, x: x * x if x < 1 else 4 - 3 * x, 0.3, 0.95, 0.999, 1.002, 1.3),
    _p("cubic cardinal spline", lambda m, x: _bspline(x), -1.99, -1.2, -0.9, 0.05, 0.5, 1.1),
    _p("spline of truncated powers", lambda m, x: _truncated_powers(x), -1.1, -0.5, 0.3, 0.49, 0.6, 1.0),
    _p("cubic pieces with matching values",
       lambda m, x: _piece((0.0, 0.4, 1.0, 1.5), ((2.0, -1.0, 0.5, 1.0), (-3.0, 1.4, 0.66, 1.168), (5.0,
       -4.0, -0.9, 1.4),
                                                 (0.5, 3.5, -1.2, 0.6)), x), 0.1, 0.39, 0.5, 0.97, 1.02, 1.4),
    _p("piecewise quadratic table", lambda m, x: _piece((0.0, 1.0, 2.0, 3.0), ((0.5, 0.0, 0.0), (-0.5, 1.0, 0.5),
                                                       (0.25, 0.0, 1.0)), x), 0.2, 0.99, 1.05, 1.7, 2.01, 2.6),
    _p("linear interpolation", lambda m, x: _piece((0.0, 0.1, 0.25, 0.5, 1.0), ((3.0, 1.0), (-1.0, 1.3), (4.0, 1.15),
                                                  (0.5, 2.15)), x), 0.03, 0.15, 0.24, 0.26, 0.45, 0.8),
    _p("income tax", lambda m, x: _income_tax(x), 9000.0, 11500.0, 16900.0, 30000.0, 65000.0, 80000.0),
    _p("quintic smooth step", lambda m, x: _smoothstep(x), 0.01, 0.1, 0.5, 0.8, 0.99),
    _p("smooth bump", lambda m, x: _bump(m, x, 0.0, 1.0), -0.9, -0.5, 0.1, 0.7, 0.95),
    _p("smooth narrow bump", lambda m, x: 1 + _bump(m, x, 3.0, 0.01), 2.992, 2.9995, 3.004, 3.008),
    _pn("clipped exponential", lambda m, x: min(m.exp(x), x * 0 + 3), 0.0, 0.9, 1.0, 1.09),
    _ps("numpy clip of a parabola", lambda x: float(np.clip(x * x - 1, -0.5, 2.0)), lambda mp, x: x * x - 1,
        0.75, 0.9, 1.2, 1.7, 1.73),
    _ps("numpy where of log and line", lambda x: float(np.where(x > 1, np.log(np.maximum(x, 1e-300)), x - 1)),
        lambda mp, x: mp.log(x) if x > 1 else x - 1, 0.5, 0.98, 1.001, 1.05, 2.0),
    _ps("numpy piecewise wave", lambda x: float(np.where(x < 0.3, np.sin(5 * x), np.cos(3 * x))),
        lambda mp, x: mp.sin(5 * x) if x < 0.3 else mp.cos(3 * x), 0.1, 0.29, 0.2999, 0.301, 0.33, 0.8),
    _ps("numpy interp on a grid", lambda x: float(np.interp(x, GRID, GRID_VALUES)),
        lambda mp, x: _interpolate(mp, x), 0.13, 0.26, 0.55, 0.99, 1.31),
    _p("free fall with landing", lambda m, x: max(20 - 4.905 * x * x, x * 0), 0.1, 1.0, 1.9, 2.01),
    _p("option payoff smoothed", lambda m, x: max(x - 100, x * 0) ** 2 / 50, 100.5, 101.0, 110.0, 150.0),
    _p("friction by reynolds number", lambda m, x: 64 / x if x < 2300 else 0.3164 / x**0.25,
       500.0, 2250.0, 2310.0, 1e4),
    _p("potential well with a hard wall", lambda m, x: (x - 2) ** 2 if x > 1 else 1e6, 1.001, 1.05, 1.5, 3.0),
    _p("penalised objective", lambda m, x: m.exp(x / 2) + (1e4 * (x - 1) ** 2 if x > 1 else 0.0), 0.5, 0.95, 1.01, 1.2),
    _p("heat capacity with a phase change", lambda m, x: _enthalpy(x), 250.0, 272.9, 273.3, 300.0, 372.5, 400.0),
    _p("maximum of two waves", lambda m, x: max(m.sin(x), m.cos(x)), 0.5, 0.78, 0.8, 2.0, 3.92),
    _p("wendland function", lambda m, x: (1 - x) ** 4 * (4 * x + 1) if x < 1 else 0.0, 0.05, 0.4, 0.9, 0.99),
    _p("sawtooth", lambda m, x: x - int(x), 0.02, 0.3, 1.5, 2.97, 3.001),
    _p("fractional part squared", lambda m, x: (x - int(x)) ** 2, 0.1, 0.999, 1.01, 2.5),
)  # fmt: skip

_c, _cn = partial(_math, "cancelling"), partial(_numpy, "cancelling")
CANCELLING = (
    _c("one minus cosine over square", lambda m, x: (1 - m.cos(x)) / (x * x), 1e-5, 1e-3, 0.01, 0.1, 1.0),
    _c("expanded ninth power", lambda m, x: _powers(tuple(reversed(_binomials(9, 2))), x), 1.5, 1.9, 2.1, 2.5),
    _cn("expanded ninth power by horner", lambda m, x: _horner(_binomials(9, 2), x), 1.4, 1.92, 2.15, 3.0),
    _c("expanded fifth power", lambda m, x: _horner(_binomials(5, 1), x), 0.9, 0.99, 1.01, 1.2),
    _c("expanded seventh power", lambda m, x: _horner(_binomials(7, 1), x), 0.8, 0.98, 1.05, 1.3),
    _c("naive log of one plus x", lambda m, x: m.log(1 + x), 1e-10, 1e-7, 1e-4, 1e-2),
    _cn("naive exp minus one", lambda m, x: m.exp(x) - 1, -1e-6, 1e-12, 1e-9, 1e-3),
    _c("exp minus one over x", lambda m, x: (m.exp(x) - 1) / x, 1e-8, 1e-5, 1e-3, 0.1, 1.0),
    _c("naive quadratic root", lambda m, x: (-x + m.sqrt(x * x - 4)) / 2, 3.0, 30.0, 1e3, 1e5),
    _cn("difference of roots", lambda m, x: m.sqrt(x + 1) - m.sqrt(x), 1.0, 1e3, 1e6, 1e9),
    _c("difference of reciprocals", lambda m, x: 1 / x - 1 / (x + 1), 2.0, 100.0, 1e4, 1e6),
    _c("sine of large angles", lambda m, x: m.sin(x), 1e4, 1e5, 1e6, 1e7, 1e8),
    _cn("cosine of large angles", lambda m, x: m.cos(x), 1e4, -3e5, 2e6, 1e8),
    _c("log of large products", lambda m, x: m.log(x) - m.log(x - 1), 3.0, 1e3, 1e6, 1e8),
    _c("exp by alternating series", lambda m, x: _series(lambda y, k: -y / k, x, 60), 1.0, 5.0, 8.0, 12.0),
    _cn("cosine by alternating series", lambda m, x: _series(lambda y, k: -y * y / ((2 * k - 1) * (2 * k)), x, 40),
        0.5, 5.0, 10.0, 14.0),
    _c("x minus tanh", lambda m, x: x - m.tanh(x), 1e-4, 1e-3, 0.05, 1.0),
    _cn("x minus sine", lambda m, x: x - m.sin(x), 1e-4, 1e-2, 0.1, 2.0),
    _c("tan minus sine", lambda m, x: m.tan(x) - m.sin(x), 1e-3, 0.02, 0.2, 1.0),
    _c("difference of large squares", lambda m, x: (x + 1e6) ** 2 - (1e6 - x) ** 2, 0.1, 1.0, 30.0),
    _c("difference of large exponentials", lambda m, x: m.exp(x) - m.exp(x - 1e-6), 0.0, 1.0, 15.0),
    _cn("sinh from exponentials", lambda m, x: (m.exp(x) - m.exp(-x)) / 2, 0.0, 1e-6, 1e-2, 1.0),
    _c("tanh from exponentials", lambda m, x: (m.exp(x) - m.exp(-x)) / (m.exp(x) + m.exp(-x)), 1e-5, 0.1, 2.0, 10.0),
    _c("naive variance", lambda m, x: (x * x + 1e8 + 1.0002e8) / 3 - ((x + 1e4 + 10001) / 3) ** 2,
       9999.0, 10000.5, 1e4),
    _cn("naive softplus minus x", lambda m, x: m.log(1 + m.exp(x)) - x, 1.0, 5.0, 15.0),
    _c("complement of a cdf", lambda m, x: 1 - m.erf(x), 0.5, 2.0, 3.5, 4.5),
    _c("kinetic energy from lorentz factor",
       lambda m, x: 1000.0 * LIGHT**2 * (1 / m.sqrt(1 - (x / LIGHT) ** 2) - 1), 3e4, 3e6, 1e8),
    _c("heron triangle area", lambda m, x: _heron(m, x), 1.01e-3, 0.1, 1.0, 1.9),
    _c("muller recursion", lambda m, x: _recursion(x, 6), 3.9, 4.25, 4.6),
    _c("rump polynomial", lambda m, x: 9 * x**4 - 40545**4 + 2 * 40545**2, 40545.0, 10864.0, 23409.0),
    _c("arccosine of nearly one", lambda m, x: m.acos(m.cos(x)), 1e-4, 1e-2, 0.5, 3.0),
    _c("log sum of exponentials difference", lambda m, x: m.log(m.exp(x) + m.exp(2.0)) - m.log(m.exp(x) + m.exp(1.0)),
       -5.0, 1.0, 10.0, 20.0),
    _cn("great circle distance", lambda m, x: 6371.0 * m.acos(m.sin(0.9) * m.sin(x) + m.cos(0.9) * m.cos(x)),
        0.9001, 0.91, 1.2),
    _c("roundabout identity", lambda m, x: ((x + 1e7) - 1e7) * m.cos(x), 0.3, 1.0, 3.0),
    _c("repeated roots and squares", lambda m, x: m.sqrt(m.sqrt(m.sqrt(m.sqrt(x)))) ** 16, 0.5, 2.0, 100.0),
)  # fmt: skip

_o, _on = partial(_math, "oscillating"), partial(_numpy, "oscillating")
OSCILLATING = (
    _o("sin of 1000 x", lambda m, x: m.sin(1000 * x), 0.0, 0.1, 0.97, 5.0, 100.0),
    _on("x sin of 100 x", lambda m, x: x * m.sin(100 * x), 0.01, 0.5, 1.0, 20.0),
    _o("cos of 50 x squared", lambda m, x: m.cos(50 * x * x), 0.1, 0.7, 2.0, 5.0),
    _o("sine with a small fast ripple", lambda m, x: m.sin(x) + 1e-3 * m.sin(300 * x), 0.0, 0.4, 1.0, 3.0),
    _on("sine with a tiny very fast ripple", lambda m, x: m.sin(x) + 1e-6 * m.sin(1e5 * x), 0.1, 0.5, 2.0),
    _o("weierstrass sum of eight", lambda m, x: sum(0.5**k * m.cos(3**k * PI * x) for k in range(8)), 0.1, 0.37, 0.8),
    _on("weierstrass sum of five", lambda m, x: sum(0.6**k * m.sin(5**k * x) for k in range(5)), 0.2, 1.0, 3.0),
    _o("narrow gaussian peak", lambda m, x: m.exp(-(((x - 1) / 1e-4) ** 2)), 0.9998, 0.99995, 1.00007, 1.0003),
    _o("narrow gaussian on a slope", lambda m, x: x + 0.1 * m.exp(-(((x - 2) / 1e-3) ** 2)), 1.998, 1.9995, 2.001),
    _on("gaussian of width 0.01", lambda m, x: m.exp(-((x - 0.5) ** 2) / 2e-4), 0.47, 0.495, 0.51, 0.55),
    _o("linear chirp", lambda m, x: m.sin(2 * PI * (5 * x + 40 * x * x)), 0.05, 0.3, 1.0, 2.0),
    _on("exponential chirp", lambda m, x: m.sin(20 * m.exp(2 * x)), -1.0, 0.0, 0.6, 1.5),
    _o("sin of reciprocal", lambda m, x: m.sin(1 / x), 0.01, 0.03, -0.1, 0.5),
    _o("x squared sin of reciprocal", lambda m, x: x * x * m.sin(1 / x), 0.005, 0.02, 0.2),
    _o("beat of two tones", lambda m, x: m.sin(100 * x) + m.sin(103 * x), 0.02, 0.5, 1.05, 4.0),
    _on("product of two tones", lambda m, x: m.cos(250 * x) * m.cos(3 * x), 0.1, 0.52, 2.2),
    _o("narrow lorentzian", lambda m, x: 1 / (1 + ((x - 3) / 1e-3) ** 2), 2.99, 2.9995, 3.0004, 3.003),
    _o("lorentzian on a background", lambda m, x: m.cos(x) + 1e-2 / (1 + ((x - 1) / 1e-4) ** 2), 0.999, 1.00005, 1.01),
    _on("sin of x squared plus 1000 x", lambda m, x: m.sin(x * x + 1000 * x), 0.1, 1.0, 7.0),
    _o("sin of x squared plus 1e6 x", lambda m, x: m.sin(x * x + 1e6 * x), 0.01, 0.6, 1.0),
    _on("sin of 1e6 x", lambda m, x: m.sin(1e6 * x), 1e-6, 0.01, 0.3, 1.0),
    _o("chebyshev 30 by cosine", lambda m, x: m.cos(30 * m.acos(x)), -0.95, -0.3, 0.01, 0.5, 0.99),
    _on("chebyshev 80 by recurrence", lambda m, x: _chebyshev(80, x), -0.6, 0.1, 0.77, 0.98),
    _o("legendre 40", lambda m, x: _legendre(40, x), -0.8, 0.2, 0.55, 0.96),
    _o("dirichlet kernel", lambda m, x: m.sin(50.5 * x) / m.sin(x / 2), 0.01, 0.2, 1.0, 3.0),
    _o("fejer kernel", lambda m, x: (m.sin(30 * x) / m.sin(x)) ** 2, 0.03, 0.4, 1.3),
    _on("square wave by fourier sum", lambda m, x: sum(m.sin((2 * k + 1) * x) / (2 * k + 1) for k in range(12)),
        0.05, 0.3, 1.0, 2.9),
    _o("amplitude modulated carrier", lambda m, x: (1 + 0.5 * m.sin(2 * x)) * m.sin(440 * x), 0.01, 0.33, 2.0),
    _on("frequency modulated carrier", lambda m, x: m.sin(200 * x + 5 * m.sin(7 * x)), 0.05, 0.4, 1.9),
    _o("morlet wavelet", lambda m, x: m.exp(-x * x / 2) * m.cos(40 * x), -1.0, 0.1, 0.8, 2.5),
    _o("steep tanh front", lambda m, x: m.tanh(1000 * (x - 0.5)), 0.498, 0.4999, 0.5, 0.501, 0.503),
    _on("steep logistic front", lambda m, x: 1 / (1 + m.exp(-200 * (x - 1))), 0.96, 0.995, 1.0, 1.02),
    _o("sharp arctangent", lambda m, x: m.atan(1e4 * (x - 0.2)), 0.19, 0.19995, 0.2001, 0.25),
    _o("fabry perot transmission", lambda m, x: 1 / (1 + 400 * m.sin(60 * x) ** 2), 0.01, 0.052, 0.1047, 1.0),
    _o("ackley", lambda m, x: -20 * m.exp(-0.2 * abs(x)) - m.exp(m.cos(2 * PI * x)) + 20, 0.1, 1.3, -4.2, 20.0),
    _o("rastrigin", lambda m, x: 10 + x * x - 10 * m.cos(2 * PI * x), -3.7, 0.02, 0.4, 5.1),
    _o("schwefel", lambda m, x: -x * m.sin(m.sqrt(abs(x))), -250.0, 3.0, 100.0, 420.0),
    _o("griewank slice", lambda m, x: x * x / 4000 - m.cos(x) + 1, -30.0, 0.5, 10.0, 300.0),
    _o("logistic map eight times", lambda m, x: _logistic_map(x, 8), 0.05, 0.31, 0.7),
    _o("airy like phase", lambda m, x: m.cos(2 / 3 * x**1.5 * 10 + PI / 4) / x**0.25, 0.5, 3.0, 30.0),
    _o("two close scales", lambda m, x: m.exp(-x) + 1e-4 * m.cos(1e3 * x), 0.0, 0.4, 2.0),
)  # fmt: skip

_y, _yn = partial(_math, "polynomial"), partial(_numpy, "polynomial")
POLYNOMIAL = (
    _y("constant 42", lambda m, x: x * 0 + 42.0, -3.0, 0.0, 1.0, 1e6),
    _y("constant integer like", lambda m, x: 7.0, -1.0, 0.0, 0.5),
    _y("identity", lambda m, x: x, -1e5, 0.0, 0.1, 3.0),
    _yn("line", lambda m, x: 3 * x - 7, -2.0, 0.0, 0.3, 100.0),
    _y("line with thirds", lambda m, x: x / 3 + 0.1, -0.7, 0.0, 1.0, 12.3),
    _y("parabola", lambda m, x: x * x - 3 * x + 1, -4.0, 0.0, 0.2, 1.6, 50.0),
    _yn("square by power", lambda m, x: x**2, -7.0, 0.1, 1.0, 300.0),
    _y("cubic by horner", lambda m, x: ((2 * x - 1) * x + 0.5) * x - 3, -2.0, 0.0, 0.4, 8.0),
    _yn("cubic by powers", lambda m, x: x**3 - 6 * x**2 + 11 * x - 6, -1.0, 0.0, 1.5, 2.4, 9.0),
    _y("quartic", lambda m, x: x**4 - 1.3 * x**2, -1.0, 0.2, 0.79, 0.81, 5.0),
    _yn("quintic", lambda m, x: x**5 - x + 1, -1.2, 0.0, 0.6, 3.0),
    _y("sixth degree", lambda m, x: x**6 - 2 * x**4 - 4 * x**2, -0.5, 1.0, 1.4142135623730951, 3.0),
    _yn("seventh degree by horner", lambda m, x: _horner((1, -2, 3, -4, 5, -6, 7, -8), x), -1.5, 0.0, 0.9, 4.0),
    _y("eighth power", lambda m, x: x**8, -2.0, 0.1, 1.0, 20.0),
    _y("tenth power shifted", lambda m, x: (x - 0.5) ** 10, -1.0, 0.0, 0.7, 3.0),
    _yn("twelfth degree in powers", lambda m, x: _powers((1, 0, -3, 0, 0, 2, 0, -1, 0, 0, 0.5, 0, 0.25), x),
        -1.1, 0.3, 1.0, 2.0),
    _y("twentieth power", lambda m, x: x**20, -1.1, 0.5, 1.0, 2.0, 30.0),
    _yn("geometric sum of degree 15", lambda m, x: _horner((1,) * 16, x), -1.3, 0.0, 0.8, 2.0),
    _y("truncated exponential", lambda m, x: _series(lambda y, k: y / k, x, 16), -2.0, 0.0, 1.0, 6.0),
    _y("wilkinson of degree 10 by product", lambda m, x: _product(range(1, 11), x), 0.5, 1.1, 5.5, 9.9, 12.0),
    _yn("wilkinson of degree 8 expanded", lambda m, x: _horner(_wilkinson(8), x), 0.5, 2.3, 4.5, 7.7),
    _y("wilkinson of degree 20 by product", lambda m, x: _product(range(1, 21), x), 0.3, 3.4, 10.5, 19.8),
    _y("legendre 5", lambda m, x: _legendre(5, x), -0.9, 0.0, 0.33, 1.0, 2.0),
    _yn("legendre 12", lambda m, x: _legendre(12, x), -0.7, 0.1, 0.6, 0.99),
    _y("chebyshev 10 by recurrence", lambda m, x: _chebyshev(10, x), -0.8, 0.05, 0.5, 1.2),
    _yn("hermite 6", lambda m, x: _hermite(6, x), -1.5, 0.2, 1.0, 4.0),
    _y("laguerre 7", lambda m, x: _laguerre(7, x), 0.0, 0.5, 3.0, 15.0),
    _y("polynomial with large coefficients", lambda m, x: 1e10 * x**3 - 3e7 * x + 12345.678,
       -1.0, 0.0, 1e-3, 0.1, 40.0),
    _yn("polynomial with decimal coefficients", lambda m, x: 0.1 * x**4 + 0.7 * x**3 - 0.3 * x, -3.0, 0.1, 1.1, 10.0),
    _y("product of quadratics", lambda m, x: (x * x + 1) * (x * x + 4) * (x * x - 9), -2.5, 0.3, 1.0, 6.0),
)  # fmt: skip

_z, _zn = partial(_math, "zero"), partial(_numpy, "zero")
_zs = partial(_pair, "zero")


ZERO = (
    _z("cosine near zero", lambda m, x: m.cos(x), 0.0, 1e-12, 1e-8, 1e-4),
    _zn("square near zero", lambda m, x: x * x, 0.0, 1e-12, -1e-6),
    _z("fourth power near one", lambda m, x: (x - 1) ** 4, 1.0, 1.000001, 1.001),
    _zn("sixth power near two", lambda m, x: (x - 2) ** 6, 2.0, 2.0001, 2.01),
    _z("cube near zero", lambda m, x: x**3, 0.0, 1e-9, 1e-4),
    _zn("constant by numpy", lambda m, x: m.cos(x * 0), -7.0, 0.0, 0.3, 1e10),
    _z("huge constant", lambda m, x: 1e300 + 0 * x, -1.0, 0.0, 2.0, 1e5),
    _z("sum of squared sine and cosine", lambda m, x: m.sin(x) ** 2 + m.cos(x) ** 2, -3.0, 0.0, 0.4, 1.0, 20.0),
    _zn("gaussian near zero", lambda m, x: m.exp(-x * x), 0.0, 1e-9, 1e-4),
    _zs("flat exponential", lambda x: math.exp(-1 / x**2) if x != 0 else 0.0,
        lambda mp, x: mp.exp(-1 / x**2) if x != 0 else mp.mpf(0), 0.0, 0.04, 0.1, 0.3),
    _z("wells", lambda m, x: _wells(x), -2.0, 0.0, 1.0),
    _zn("cosine of wells", lambda m, x: m.cos(_wells(x)), -2.0, 0.0, 1.0),
    _z("exp of wells", lambda m, x: m.exp(_wells(x)), -2.0, 0.0, 1.0),
    _zn("bell of wells", lambda m, x: 1 / (1 + _wells(x)), -2.0, 0.0, 1.0),
    _z("root of wells", lambda m, x: m.sqrt(1 + _wells(x)), -2.0, 0.0, 1.0),
    _zn("log of wells", lambda m, x: m.log1p(_wells(x)), -2.0, 0.0, 1.0),
    _z("wells on a large offset", lambda m, x: 1e8 + _wells(x), -2.0, 0.0, 1.0),
    _zn("wells scaled up", lambda m, x: 1e200 * _wells(x), -2.0, 0.0, 1.0),
    _z("wells scaled down", lambda m, x: 1e-200 * _wells(x), -2.0, 0.0, 1.0),
    _zn("double well", lambda m, x: (x * x - 1) ** 2, -1.0, 0.0, 1.0),
    _z("cubic with extrema at one", lambda m, x: x**3 - 3 * x, -1.0, 1.0, 1.0000001),
    _z("x over one plus square at one", lambda m, x: x / (1 + x * x), -1.0, 1.0, 1.0000001),
    _zn("x plus reciprocal at one", lambda m, x: x + 1 / x, -1.0, 1.0, 1.001),
    _z("x minus log at one", lambda m, x: x - m.log(x), 1.0, 1.0000001, 1.01),
    _zn("hyperbolic cosine near zero", lambda m, x: m.cosh(x), 0.0, 1e-8, -1e-3),
    _z("hidden constant", lambda m, x: m.exp(m.log(x)) / x, 0.5, 2.0, 30.0),
    _z("x exp of minus x", lambda m, x: x * m.exp(-x), 1.0, 0.9999, 1.0001),
    _z("sine squared near its extrema", lambda m, x: m.sin(x) ** 2, 0.0, 1e-7, 1.5707963267948966, 3.141592653589793),
    _zn("secant near zero", lambda m, x: 1 / m.cos(x), 0.0, 1e-10, 1e-5),
    _z("saturated tanh", lambda m, x: m.tanh(x), 25.0, 100.0, 300.0),
    _zn("extinct gaussian", lambda m, x: m.exp(-x * x), 8.0, 15.0, 26.0),
    _z("flat outside a bump", lambda m, x: _bump(m, x, 0.0, 1.0), -1.5, 0.0, 1.1, 4.0),
    _z("flat piece of a smooth step", lambda m, x: _smoothstep(x), -2.0, -0.1, 1.05, 3.0),
    _z("chebyshev 4 at its extrema", lambda m, x: 8 * x**4 - 8 * x**2 + 1, 0.0, -0.7071067811865476, 0.001),
)  # fmt: skip

_t, _tn = partial(_math, "textbook"), partial(_numpy, "textbook")
TEXTBOOK = (
    _t("benchmark square", lambda m, x: x**2.0, 0.5, 1.0, 4.0, 12.0),
    _t("benchmark reciprocal", lambda m, x: 1.0 / x, 0.01, 1.0, 6.0, 12.0),
    _t("benchmark exp", lambda m, x: m.exp(x), 0.1, 1.0, 6.0, 12.0),
    _t("benchmark log", lambda m, x: m.log(x), 0.01, 1.0, 6.0, 12.0),
    _t("benchmark sqrt", lambda m, x: m.sqrt(x), 0.01, 1.0, 6.0, 12.0),
    _t("benchmark atan", lambda m, x: m.atan(x), -12.0, -0.5, 0.5, 3.0),
    _t("benchmark sin", lambda m, x: m.sin(x), -3.1, -1.0, 1.0, 3.0),
    _t("benchmark scaled exp", lambda m, x: m.exp(-1e-6 * x), 0.0, 1.0, 6.0, 12.0),
    _t("gill murray saunders wright", lambda m, x: (m.exp(x) - 1) ** 2 + (1 / m.sqrt(1 + x * x) - 1) ** 2,
       -3.0, 0.01, 1.0, 5.0),
    _tn("shi xie xuan nocedal 1", lambda m, x: (m.exp(x) - 1) ** 2, -8.0, -1.0, 0.1, 4.0),
    _t("shi xie xuan nocedal 2", lambda m, x: m.exp(100 * x), -0.05, 0.0, 0.01, 0.5),
    _tn("shi xie xuan nocedal 3", lambda m, x: x**4 + 3 * x**2 - 10 * x, 0.0, 0.99999, 1.1, 5.0),
    _t("shi xie xuan nocedal 4", lambda m, x: 1e4 * x**3 + 0.01 * x**2 + 5 * x, 0.0, 1e-9, 1e-3, 1.0),
    _tn("oliver exp of 4 x", lambda m, x: m.exp(4 * x), -1.0, 0.0, 1.0, 3.0),
    _t("oliver exp of square", lambda m, x: m.exp(x * x), -1.0, 0.1, 1.0, 3.0),
    _tn("oliver square times log", lambda m, x: x * x * m.log(x), 0.05, 1.0, 3.0, 40.0),
    _t("squire trapp", lambda m, x: m.exp(x) / m.sqrt(m.sin(x) ** 3 + m.cos(x) ** 3), 0.1, 0.785, 1.5, 2.0),
    _tn("squire trapp power", lambda m, x: x**4.5, 0.01, 1.5, 8.0),
    _t("noise study sine plus cosine", lambda m, x: m.cos(x) + m.sin(x), -1.0, 0.0, 1.0, 5.0),
    _t("rosenbrock along the first coordinate", lambda m, x: 100 * (1 - x * x) ** 2 + (1 - x) ** 2,
       -1.2, 0.5, 1.1, 2.0),
    _tn("rosenbrock along the diagonal", lambda m, x: 100 * (x - x * x) ** 2 + (1 - x) ** 2, -1.0, 0.3, 0.99, 3.0),
    _t("rosenbrock along the second coordinate", lambda m, x: 100 * (x - 1.44) ** 2 + 4.84, -2.0, 0.0, 1.0, 1.5),
    _t("powell singular along a line",
       lambda m, x: (3 * x + 10) ** 2 + 5 * (x - 1) ** 2 + (x + 1) ** 4 + 10 * (3 - x) ** 4, -3.0, 0.5, 1.0, 9.0),
    _tn("beale slice", lambda m, x: sum((c - x * (1 - 0.5**k)) ** 2 for k, c in ((1, 1.5), (2, 2.25), (3, 2.625))),
        -2.0, 0.0, 1.0, 3.1),
    _t("freudenstein roth slice",
       lambda m, x: (-13 + 0.5 + ((5 - x) * x - 2) * x) ** 2 + (-29 + 0.5 + ((x + 1) * x - 14) * x) ** 2,
       -2.0, 0.0, 4.1, 10.0),
    _t("meyer residual", lambda m, x: (0.02 * m.exp(4000 / (x + 250)) - 34780) ** 2, 40.0, 90.0, 345.0),
    _t("osborne residual", lambda m, x: (0.844 - (0.5 + 1.5 * m.exp(-10 * x) - m.exp(-20 * x))) ** 2, 0.001, 0.02, 0.3),
    _tn("jennrich sampson slice", lambda m, x: sum((2 + 2 * i - (m.exp(i * x) + m.exp(i * 0.4))) ** 2
                                                  for i in range(1, 11)), 0.0, 0.2, 0.3, 0.5),
    _t("brown dennis slice", lambda m, x: ((x + 0.2 * 5 - m.exp(0.2)) ** 2 + (-5 + m.sin(0.2) - m.cos(0.2)) ** 2) ** 2,
       -10.0, 0.1, 25.0, 200.0),
    _tn("helical valley slice", lambda m, x: 100 * (x - 10 * m.atan2(x, x * 0 + 1) / (2 * PI)) ** 2 + x * x,
        -1.0, 0.1, 1.0, 20.0),
    _t("box residual", lambda m, x: (m.exp(-0.3 * x) - m.exp(-3.0) - 10 * (m.exp(-0.3) - m.exp(-3.0))) ** 2,
       0.0, 1.0, 10.0, 30.0),
    _t("bard residual", lambda m, x: 0.14 - (0.08 + 1 / (15 * x + 2.3)), -1.0, 0.0, 0.5, 10.0),
    _tn("kowalik osborne residual", lambda m, x: 0.1957 - 0.19 * (16 + 4 * x) / (16 + 4 * x + 0.14), -3.0, 0.1, 2.0),
    _t("goldstein price slice", lambda m, x: (1 + (x + 1) ** 2 * (19 - 14 * x + 3 * x * x)) * (30 + 4 * x * x * (
       18 - 32 * x + 12 * x * x)), -1.0, 0.1, 0.6, 2.0),
    _t("six hump camel slice", lambda m, x: (4 - 2.1 * x**2 + x**4 / 3) * x**2 + 0.7 * x - 1.96, -1.6, 0.09, 1.0, 2.9),
    _tn("branin slice", lambda m, x: (2 - 0.12919 * x * x + 1.5915494 * x - 6) ** 2 + 9.6 * m.cos(x) + 10,
        -4.0, 0.0, 3.14, 9.0),
    _t("forrester", lambda m, x: (6 * x - 2) ** 2 * m.sin(12 * x - 4), 0.01, 0.3, 0.76, 0.95),
    _t("gramacy lee", lambda m, x: m.sin(10 * PI * x) / (2 * x) + (x - 1) ** 4, 0.51, 0.9, 1.45, 2.4),
    _t("levy slice", lambda m, x: m.sin(PI * (1 + (x - 1) / 4)) ** 2 + ((x - 1) / 4) ** 2, -8.0, 0.2, 1.5, 7.0),
    _tn("cosine over one plus exp", lambda m, x: m.cos(x) / (1 + m.exp(-x)), -4.0, 0.0, 1.0, 12.0),
    _t("sin cubed times exp", lambda m, x: m.sin(x) ** 3 * m.exp(-x / 2), 0.2, 1.0, 2.5, 8.0),
    _t("kepler equation residual", lambda m, x: x - 0.967 * m.sin(x) - 0.3, 0.01, 0.9, 2.5, 6.0),
    _t("present value", lambda m, x: sum(100 / (1 + x) ** k for k in range(1, 11)), -0.05, 0.0, 0.03, 0.2, 2.0),
    _t("black scholes call over spot", lambda m, x: _black_scholes(m, x, 100.0, 0.2, 0.5),
       60.0, 95.0, 100.0, 140.0),
    _t("black scholes call over volatility", lambda m, x: _black_scholes(m, 100.0, 110.0, x, 1.0),
       0.05, 0.2, 0.9),
    _tn("log likelihood of a binomial", lambda m, x: 7 * m.log(x) + 13 * m.log(1 - x), 0.01, 0.3, 0.35, 0.9),
    _t("log likelihood of a poisson", lambda m, x: 41 * m.log(x) - 12 * x, 0.5, 3.4, 10.0),
    _t("michaelis menten residual sum", lambda m, x: sum((v - 2.1 * s / (x + s)) ** 2 for s, v in MICHAELIS),
       0.05, 0.5, 0.62, 3.0),
)  # fmt: skip


def _normal_pdf(mp: Any, x: Any) -> Any:
    return mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi)


def _normal_cdf(mp: Any, x: Any) -> Any:
    return mp.erfc(-x / mp.sqrt(2)) / 2


def _t_pdf(mp: Any, n: float, x: Any) -> Any:
    n = mp.mpf(n)
    return (
        mp.gamma((n + 1) / 2)
        / mp.gamma(n / 2)
        / mp.sqrt(n * mp.pi)
        * (1 + x * x / n) ** (-(n + 1) / 2)
    )


def _gamma_pdf(mp: Any, a: float, x: Any) -> Any:
    return x ** (mp.mpf(a) - 1) * mp.exp(-x) / mp.gamma(a)


def _beta_pdf(mp: Any, a: float, b: float, x: Any) -> Any:
    return x ** (mp.mpf(a) - 1) * (1 - x) ** (mp.mpf(b) - 1) / mp.beta(a, b)


def _f_pdf(mp: Any, a: float, b: float, x: Any) -> Any:
    r = mp.mpf(a) / b
    power = -(mp.mpf(a) + b) / 2
    return (
        r
        * (r * x) ** (mp.mpf(a) / 2 - 1)
        * (1 + r * x) ** power
        / mp.beta(mp.mpf(a) / 2, mp.mpf(b) / 2)
    )


def _lower(mp: Any, a: float, x: Any) -> Any:
    return mp.gammainc(a, 0, x, regularized=True)


def _upper(mp: Any, a: float, x: Any) -> Any:
    return mp.gammainc(a, x, mp.inf, regularized=True)


def _beta_cdf(mp: Any, a: Any, b: Any, x: Any) -> Any:
    return mp.betainc(a, b, 0, x, regularized=True)


_q = partial(_pair, "distribution")
_qa = partial(_analytic, "distribution")
_qm, _qn = partial(_math, "distribution"), partial(_numpy, "distribution")
DISTRIBUTION = (
    _q("normal pdf", _Frozen("norm", "pdf"), _normal_pdf, -6.0, -1.0, 0.3, 2.0, 20.0),
    _q("normal cdf", _Frozen("norm", "cdf"), _normal_cdf, -8.0, -1.0, 0.0, 1.5, 4.0),
    _q("normal sf", _Frozen("norm", "sf"), lambda mp, x: _normal_cdf(mp, -x), -2.0, 0.5, 3.0, 12.0),
    _q("normal logpdf", _Frozen("norm", "logpdf"), lambda mp, x: mp.log(_normal_pdf(mp, x)), -30.0, 0.0, 0.7, 5.0),
    _q("normal logcdf", _Frozen("norm", "logcdf"), lambda mp, x: mp.log(_normal_cdf(mp, x)), -20.0, -3.0, 0.0, 2.0),
    _q("narrow normal pdf", _Frozen("norm", "pdf", loc=5.0, scale=1e-3),
       lambda mp, x: 1000 * _normal_pdf(mp, 1000 * (x - 5)), 4.997, 4.9995, 5.001, 5.004),
    _q("normal cdf by special", special.ndtr, _normal_cdf, -10.0, -2.0, 0.1, 3.0),
    _q("normal log cdf by special", special.log_ndtr, lambda mp, x: mp.log(_normal_cdf(mp, x)), -100.0, -5.0, 0.5, 3.0),
    _q("normal quantile", special.ndtri, lambda mp, x: mp.sqrt(2) * mp.erfinv(2 * x - 1), 0.05, 0.3, 0.6, 0.95),
    _q("student t pdf", _Frozen("t", "pdf", 3.0), lambda mp, x: _t_pdf(mp, 3.0, x), -10.0, -0.5, 0.2, 2.0, 100.0),
    _qa("student t logpdf", _Frozen("t", "logpdf", 4.5), lambda mp, x: mp.log(_t_pdf(mp, 4.5, x)),
        -3.0, 0.0, 1.0, 40.0),
    _q("student t cdf", _Frozen("t", "cdf", 5.0),
       lambda mp, x: (1 + mp.sign(x) * (1 - _beta_cdf(mp, mp.mpf(5) / 2, mp.mpf(1) / 2, 5 / (5 + x * x)))) / 2,
       -4.0, -1.0, 0.7, 3.0),
    _q("gamma pdf", _Frozen("gamma", "pdf", 2.5), lambda mp, x: _gamma_pdf(mp, 2.5, x), 0.01, 0.3, 1.5, 5.0, 40.0),
    _q("gamma pdf with unbounded density", _Frozen("gamma", "pdf", 0.5), lambda mp, x: _gamma_pdf(mp, 0.5, x),
       1e-4, 0.01, 0.4, 3.0),
    _q("gamma cdf", _Frozen("gamma", "cdf", 2.5), lambda mp, x: _lower(mp, 2.5, x), 0.02, 0.5, 2.0, 9.0),
    _q("gamma sf", _Frozen("gamma", "sf", 3.0), lambda mp, x: _upper(mp, 3, x), 0.1, 2.0, 10.0, 50.0),
    _qa("gamma logpdf", _Frozen("gamma", "logpdf", 4.0), lambda mp, x: mp.log(_gamma_pdf(mp, 4.0, x)),
        1e-3, 0.5, 3.5, 60.0),
    _q("gamma pdf with scale", _Frozen("gamma", "pdf", 3.0, scale=1e4),
       lambda mp, x: _gamma_pdf(mp, 3.0, x / 1e4) / 1e4, 100.0, 5e3, 3e4, 2e5),
    _q("lower incomplete gamma", partial(special.gammainc, 4.0), lambda mp, x: _lower(mp, 4, x), 0.1, 1.0, 4.0, 12.0),
    _qa("upper incomplete gamma", partial(special.gammaincc, 0.7), lambda mp, x: _upper(mp, 0.7, x),
        0.01, 0.5, 2.0, 15.0),
    _q("beta pdf", _Frozen("beta", "pdf", 2.0, 3.0), lambda mp, x: _beta_pdf(mp, 2, 3, x), 1e-3, 0.1, 0.5, 0.9, 0.999),
    _qa("beta pdf with unbounded ends", _Frozen("beta", "pdf", 0.6, 0.7), lambda mp, x: _beta_pdf(mp, 0.6, 0.7, x),
       1e-3, 0.05, 0.6, 0.98),
    _q("beta cdf", _Frozen("beta", "cdf", 2.5, 1.5), lambda mp, x: _beta_cdf(mp, 2.5, 1.5, x), 0.01, 0.3, 0.7, 0.99),
    _q("beta cdf by special", partial(special.betainc, 5.0, 8.0), lambda mp, x: _beta_cdf(mp, 5, 8, x),
       0.02, 0.2, 0.4, 0.95),
    _q("beta logpdf", _Frozen("beta", "logpdf", 4.0, 2.0), lambda mp, x: mp.log(_beta_pdf(mp, 4, 2, x)),
       0.01, 0.4, 0.98),
    _q("weibull pdf", _Frozen("weibull_min", "pdf", 1.5),
       lambda mp, x: mp.mpf(1.5) * x**0.5 * mp.exp(-(x**1.5)), 1e-3, 0.1, 0.8, 3.0),
    _q("weibull cdf", _Frozen("weibull_min", "cdf", 0.8), lambda mp, x: 1 - mp.exp(-(x**0.8)), 1e-3, 0.2, 1.0, 8.0),
    _q("weibull sf", _Frozen("weibull_min", "sf", 2.2), lambda mp, x: mp.exp(-(x**2.2)), 0.05, 0.7, 2.0, 4.0),
    _q("lognormal pdf", _Frozen("lognorm", "pdf", 0.5),
       lambda mp, x: _normal_pdf(mp, 2 * mp.log(x)) * 2 / x, 0.05, 0.5, 1.0, 3.0, 20.0),
    _q("lognormal cdf", _Frozen("lognorm", "cdf", 1.0), lambda mp, x: _normal_cdf(mp, mp.log(x)), 0.01, 0.4, 1.0, 15.0),
    _qa("chi squared pdf", _Frozen("chi2", "pdf", 3.0), lambda mp, x: _gamma_pdf(mp, 1.5, x / 2) / 2,
        1e-3, 0.2, 2.0, 30.0),
    _qa("chi squared sf", _Frozen("chi2", "sf", 7.0), lambda mp, x: _upper(mp, 3.5, x / 2), 0.5, 6.0, 20.0, 100.0),
    _q("chi squared sf by special", partial(special.chdtrc, 2.0), lambda mp, x: mp.exp(-x / 2), 0.01, 1.0, 9.0, 200.0),
    _q("f pdf", _Frozen("f", "pdf", 4.0, 10.0), lambda mp, x: _f_pdf(mp, 4, 10, x), 0.01, 0.4, 1.0, 6.0),
    _q("f cdf", _Frozen("f", "cdf", 5.0, 12.0),
       lambda mp, x: _beta_cdf(mp, mp.mpf(2.5), 6, 5 * x / (5 * x + 12)), 0.05, 0.6, 1.5, 10.0),
    _q("exponential pdf", _Frozen("expon", "pdf"), lambda mp, x: mp.exp(-x), 1e-6, 0.01, 0.5, 5.0, 100.0),
    _q("exponential cdf", _Frozen("expon", "cdf"), lambda mp, x: 1 - mp.exp(-x), 1e-4, 0.1, 1.0, 7.0),
    _q("exponential sf with scale", _Frozen("expon", "sf", scale=50.0), lambda mp, x: mp.exp(-x / 50),
       0.1, 30.0, 900.0),
    _q("shifted exponential logpdf", _Frozen("expon", "logpdf", loc=2.0), lambda mp, x: 2 - x, 2.001, 2.5, 30.0),
    _q("logistic pdf", _Frozen("logistic", "pdf"), lambda mp, x: 1 / (4 * mp.cosh(x / 2) ** 2), -12.0, -1.0, 0.4, 5.0),
    _q("logistic cdf", _Frozen("logistic", "cdf"), lambda mp, x: 1 / (1 + mp.exp(-x)), -15.0, 0.0, 1.0, 6.0),
    _q("cauchy pdf", _Frozen("cauchy", "pdf"), lambda mp, x: 1 / (mp.pi * (1 + x * x)), -50.0, -0.6, 0.1, 3.0),
    _q("cauchy cdf", _Frozen("cauchy", "cdf"), lambda mp, x: mp.atan(x) / mp.pi + mp.mpf(0.5), -8.0, 0.0, 0.5, 60.0),
    _q("pareto pdf", _Frozen("pareto", "pdf", 2.6), lambda mp, x: mp.mpf(2.6) * x ** (-mp.mpf(2.6) - 1),
       1.0001, 1.05, 2.0, 40.0),
    _q("pareto sf", _Frozen("pareto", "sf", 1.2), lambda mp, x: x ** (-mp.mpf(1.2)), 1.001, 1.3, 6.0, 1e3),
    _q("gumbel pdf", _Frozen("gumbel_r", "pdf"), lambda mp, x: mp.exp(-x - mp.exp(-x)), -2.5, -0.4, 0.5, 8.0),
    _q("gumbel cdf", _Frozen("gumbel_r", "cdf"), lambda mp, x: mp.exp(-mp.exp(-x)), -2.0, 0.0, 1.0, 10.0),
    _q("laplace pdf", _Frozen("laplace", "pdf"), lambda mp, x: mp.exp(-abs(x)) / 2, -3.0, -0.05, 0.01, 0.6, 9.0),
    _q("rayleigh pdf", _Frozen("rayleigh", "pdf"), lambda mp, x: x * mp.exp(-x * x / 2), 1e-3, 0.3, 1.4, 5.0),
    _q("maxwell pdf", _Frozen("maxwell", "pdf"),
       lambda mp, x: mp.sqrt(2 / mp.pi) * x * x * mp.exp(-x * x / 2), 1e-3, 0.4, 1.1, 6.0),
    _q("half normal pdf", _Frozen("halfnorm", "pdf"), lambda mp, x: 2 * _normal_pdf(mp, x), 1e-3, 0.05, 0.8, 4.0),
    _q("inverse gamma pdf", _Frozen("invgamma", "pdf", 3.0),
       lambda mp, x: x**-4 * mp.exp(-1 / x) / 2, 0.02, 0.1, 0.5, 6.0),
    _q("inverse gaussian pdf", _Frozen("invgauss", "pdf", 0.7),
       lambda mp, x: mp.exp(-((x - 0.7) ** 2) / (2 * x * mp.mpf(0.7) ** 2)) / mp.sqrt(2 * mp.pi * x**3),
       0.05, 0.3, 0.8, 7.0),
    _q("triangular pdf", _Frozen("triang", "pdf", 0.25),
       lambda mp, x: 8 * x if x < 0.25 else (1 - x) * 8 / 3, 0.01, 0.2, 0.27, 0.6, 0.99),
    _q("power law pdf", _Frozen("powerlaw", "pdf", 2.7), lambda mp, x: mp.mpf(2.7) * x ** (mp.mpf(2.7) - 1),
       0.01, 0.3, 0.9, 0.999),
    _q("von mises pdf", _Frozen("vonmises", "pdf", 4.0),
       lambda mp, x: mp.exp(4 * mp.cos(x)) / (2 * mp.pi * mp.besseli(0, 4)), -2.5, 0.1, 0.6, 3.0),
    _q("levy pdf", _Frozen("levy", "pdf"), lambda mp, x: mp.exp(-1 / (2 * x)) / mp.sqrt(2 * mp.pi * x**3),
       0.03, 0.2, 0.5, 20.0),
    _q("generalised extreme value pdf", _Frozen("genextreme", "pdf", 0.2),
       lambda mp, x: (y := 1 - mp.mpf(0.2) * x) ** (1 / mp.mpf(0.2) - 1) * mp.exp(-(y ** (1 / mp.mpf(0.2)))),
       -2.0, 0.3, 2.0, 4.5),
    _q("hyperbolic secant pdf", _Frozen("hypsecant", "pdf"), lambda mp, x: 1 / (mp.pi * mp.cosh(x)),
       -8.0, 0.2, 1.0, 4.0),
    _q("skew normal pdf", _Frozen("skewnorm", "pdf", 4.0),
       lambda mp, x: 2 * _normal_pdf(mp, x) * _normal_cdf(mp, 4 * x), -0.8, 0.0, 0.5, 3.0),
    _q("poisson cdf over the mean", partial(special.pdtr, 4.0),
       lambda mp, x: mp.exp(-x) * sum(x**k / mp.factorial(k) for k in range(5)), 0.1, 2.0, 5.0, 25.0),
    _q("binomial cdf over the probability", partial(special.bdtr, 3.0, 10),
       lambda mp, x: sum(mp.binomial(10, k) * x**k * (1 - x) ** (10 - k) for k in range(4)), 0.01, 0.25, 0.5, 0.9),
    _qa("scaled complementary error function", special.erfcx, lambda mp, x: mp.exp(x * x) * mp.erfc(x),
        -2.0, 0.0, 1.0, 30.0),
    _q("logit by special", special.logit, lambda mp, x: mp.log(x / (1 - x)), 1e-4, 0.2, 0.5, 0.97),
    _qn("normal density by hand", lambda m, x: m.exp(-0.5 * ((x - 3) / 0.2) ** 2) / (0.2 * m.sqrt(2 * PI)),
        2.0, 2.8, 3.05, 4.2),
    _qm("normal cdf by erf", lambda m, x: 0.5 * (1 + m.erf((x - 1) / ROOT_TWO)), -4.0, 0.0, 1.0, 2.2, 5.0),
    _qm("mixture of two normals", lambda m, x: 0.3 * m.exp(-(x**2) / 2) + 7 * m.exp(-(((x - 4) / 0.1) ** 2) / 2),
        -2.0, 0.5, 3.7, 4.05, 6.0),
    _qm("gumbel log density by hand", lambda m, x: -x - m.exp(-x), -6.0, 0.3, 1.0, 12.0),
)  # fmt: skip

PROBLEMS = (
    *ELEMENTARY, *SCALED, *EDGE, *SUPPORT, *CANCELLING, *OSCILLATING, *POLYNOMIAL, *ZERO, *TEXTBOOK, *DISTRIBUTION,
)  # fmt: skip
