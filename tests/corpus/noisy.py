"""Smooth functions of one variable with noise, and the exact derivative without it.

The deterministic kinds return the same value for the same argument; `stochastic_cases` do not.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from tests.corpus.multivariate import in_half

Function = Callable[[float], float]


@dataclass(frozen=True)
class Base:
    """A function, its derivative in closed form, and points; both exist within 0.3 of these."""

    name: str
    f: Function
    df: Function
    points: tuple[float, ...]


@dataclass(frozen=True)
class NoisyCase:
    """A noisy function, a point and the derivative without the noise.

    ``level`` is the nominal noise relative to ``f(x)``, mostly right within a factor of ten.
    """

    name: str
    f: Function
    x: float
    exact: float
    kind: str
    level: float


def _log(x: float) -> float:
    return math.log(x) if x > 0 else math.nan


def _sqrt(x: float) -> float:
    return math.sqrt(x) if x >= 0 else math.nan


BASES: tuple[Base, ...] = (
    Base("sin", math.sin, math.cos, (0.7, 2.9)),
    Base("cos_fast", lambda x: math.cos(5 * x), lambda x: -5 * math.sin(5 * x), (0.45, 1.45)),
    Base("exp", math.exp, math.exp, (0.5, -3.0)),
    Base(
        "exp_decay",
        lambda x: 40 * math.exp(-0.7 * x),
        lambda x: -28 * math.exp(-0.7 * x),
        (1.0, 6.0),
    ),
    Base("log", _log, lambda x: 1 / x, (2.0, 35.0)),
    Base("sqrt", _sqrt, lambda x: 0.5 / _sqrt(x), (1.7, 90.0)),
    Base("tanh", math.tanh, lambda x: 1 / math.cosh(x) ** 2, (0.4, -1.1)),
    Base("atan", math.atan, lambda x: 1 / (1 + x * x), (0.8, -2.5)),
    Base("asinh", math.asinh, lambda x: 1 / math.sqrt(1 + x * x), (1.3, 12.0)),
    Base("erf", math.erf, lambda x: 2 / math.sqrt(math.pi) * math.exp(-x * x), (0.6, -0.9)),
    Base("gaussian", lambda x: math.exp(-x * x), lambda x: -2 * x * math.exp(-x * x), (0.5, 1.4)),
    Base("lorentzian", lambda x: 1 / (1 + x * x), lambda x: -2 * x / (1 + x * x) ** 2, (0.6, -3.0)),
    Base(
        "logistic",
        lambda x: 1 / (1 + math.exp(-x)),
        lambda x: 0.25 / math.cosh(x / 2) ** 2,
        (0.5, -2.2),
    ),
    Base(
        "softplus", lambda x: math.log1p(math.exp(x)), lambda x: 1 / (1 + math.exp(-x)), (0.2, 3.5)
    ),
    Base("reciprocal", lambda x: 1 / x, lambda x: -1 / x**2, (1.25, -4.0)),
    Base("line", lambda x: 3 * x - 1, lambda _: 3.0, (1.5, -20.0)),
    Base("parabola", lambda x: x * x + 1, lambda x: 2 * x, (0.75, -30.0)),
    Base("cubic", lambda x: x**3 + 2 * x, lambda x: 3 * x * x + 2, (1.1, 9.0)),
    Base("quintic", lambda x: x**5 + x, lambda x: 5 * x**4 + 1, (0.9, -1.6)),
    Base("power", lambda x: x * _sqrt(x), lambda x: 1.5 * _sqrt(x), (2.3, 50.0)),
    Base("x_log", lambda x: x * _log(x), lambda x: _log(x) + 1, (1.8, 7.0)),
    Base("x_exp", lambda x: x * math.exp(-x), lambda x: (1 - x) * math.exp(-x), (0.4, 2.6)),
    Base("cosh", math.cosh, math.sinh, (0.9, -2.0)),
    Base(
        "sine_squared",
        lambda x: math.sin(x) ** 2 + 0.5,
        lambda x: 2 * math.sin(x) * math.cos(x),
        (0.6, 4.0),
    ),
    Base(
        "damped_wave",
        lambda x: math.exp(-0.2 * x) * math.sin(2 * x),
        lambda x: math.exp(-0.2 * x) * (2 * math.cos(2 * x) - 0.2 * math.sin(2 * x)),
        (0.2, 3.3),
    ),
    Base("tan", math.tan, lambda x: 1 / math.cos(x) ** 2, (0.5, -0.8)),
    Base(
        "rational", lambda x: x / (2 + x * x), lambda x: (2 - x * x) / (2 + x * x) ** 2, (0.7, 5.0)
    ),
    Base("offset_sine", lambda x: 100 + math.sin(x), math.cos, (1.0, 5.5)),
    Base("small_values", lambda x: 1e-8 * math.exp(x), lambda x: 1e-8 * math.exp(x), (0.3, 2.0)),
    Base("large_values", lambda x: 1e9 * math.atan(x), lambda x: 1e9 / (1 + x * x), (0.2, -1.5)),
)


# --- Reproducible numbers from the bits of x ---

_MASK = (1 << 64) - 1


def _mix(state: int) -> int:
    """One output of the splitmix64 generator."""
    state = (state + 0x9E3779B97F4A7C15) & _MASK
    state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK
    return state ^ (state >> 31)


def _fraction(x: float, salt: int) -> float:
    """A number in [0, 1) determined by the bits of ``x`` and ``salt``."""
    (bits,) = struct.unpack("<Q", struct.pack("<d", float(x) + 0.0))
    return (_mix(bits ^ _mix(salt)) >> 11) * 2.0**-53


def _uniform(x: float, salt: int) -> float:
    return 2 * _fraction(x, salt) - 1


def _gaussian(x: float, salt: int) -> float:
    radius = math.sqrt(-2 * math.log1p(-_fraction(x, salt)))
    return radius * math.cos(2 * math.pi * _fraction(x, salt + 1))


# --- Deterministic kinds: (base, point, level) -> function ---


def _hash_uniform(base: Base, point: float, level: float) -> Function:
    """Relative noise, uniform in [-level, level]."""
    salt = zlib.crc32(base.name.encode())
    return lambda x: base.f(x) * (1 + level * _uniform(x, salt))


def _hash_gaussian(base: Base, point: float, level: float) -> Function:
    """Relative noise, normal with standard deviation ``level``."""
    salt = zlib.crc32(base.name.encode()) + 7
    return lambda x: base.f(x) * (1 + level * _gaussian(x, salt))


def _hash_additive(base: Base, point: float, level: float) -> Function:
    """Absolute noise, uniform, as large as ``level`` times the value at the point."""
    salt, size = zlib.crc32(base.name.encode()) + 19, level * abs(base.f(point))
    return lambda x: base.f(x) + size * _uniform(x, salt)


def _fast_sine(base: Base, point: float, level: float) -> Function:
    """A relative ripple far shorter than any step."""
    return lambda x: base.f(x) * (1 + level * math.sin(1e12 * x))


def _fixed_decimals(base: Base, point: float, level: float) -> Function:
    """Values rounded to multiples of ``level`` times a power of ten near the value."""
    unit = level * 10.0 ** math.floor(math.log10(abs(base.f(point))))
    return lambda x: float(np.round(base.f(x) / unit)) * unit


def _significant_digits(base: Base, point: float, level: float) -> Function:
    """Values printed with so many digits that ``level`` is the last one's weight."""
    digits = 1 - round(math.log10(level))
    return lambda x: float(f"{base.f(x):.{digits - 1}e}")


def _single_precision(base: Base, point: float, level: float) -> Function:
    """The argument kept, the value stored as float32."""

    def f(x: float) -> float:
        with np.errstate(over="ignore"):
            return float(np.float32(base.f(x)))

    return f


def _single_inside(base: Base, point: float, level: float) -> Function:
    """A factor of the computation is kept as float32; the output does not look rounded."""
    return lambda x: base.f(x) * float(np.float32(1.1 + math.sin(x))) / (1.1 + math.sin(x))


def _bisection(base: Base, point: float, level: float) -> Function:
    """The root y of ``y - f(x)`` by bisection from a fixed bracket, to ``level``."""
    size = abs(base.f(point))

    def f(x: float) -> float:
        target, low, high = base.f(x), -7.3 * size, 8.9 * size
        while high - low > level * size:
            middle = 0.5 * (low + high)
            low, high = (middle, high) if middle < target else (low, middle)
        return 0.5 * (low + high) if math.isfinite(target) else math.nan

    return f


def _newton(base: Base, point: float, level: float) -> Function:
    """The root y of ``y + y^3 = c`` by Newton steps, stopped at one below sqrt(level)."""
    size = abs(base.f(point))

    def f(x: float) -> float:
        target = base.f(x) / size
        target += target * target * target
        y = 0.5 + 0.2 * math.sin(37 * x)
        for _ in range(100):
            step = (y + y * y * y - target) / (1 + 3 * y * y)
            y -= step
            if abs(step) < math.sqrt(level):
                break
        return y * size

    return f


def _fixed_point(base: Base, point: float, level: float) -> Function:
    """A damped iteration from a start that varies, stopped when it moves less than ``level``."""
    size = abs(base.f(point))

    def f(x: float) -> float:
        target = base.f(x) / size
        y = 3 * math.sin(1e4 * x)
        for _ in range(200):
            move = 0.6 * (target - y)
            y += move
            if abs(move) < level:
                break
        return y * size

    return f


def _series(base: Base, point: float, level: float) -> Function:
    """A geometric series whose ratio depends on ``x``, cut off at terms below ``level``."""

    def f(x: float) -> float:
        ratio = 0.5 + 0.2 * math.sin(3e3 * x)
        term, total = 1 - ratio, 0.0
        while term > level:
            total += term
            term *= ratio
        return total * base.f(x)

    return f


def _step_integration(base: Base, point: float, level: float) -> Function:
    """The derivative integrated by midpoint steps of a fixed length and a shorter last one."""
    start = point - 0.25

    def f(x: float) -> float:
        total, t, step = base.f(start), start, max(0.01, (x - start) / 1000)
        while t < x:
            length = min(step, x - t)
            total += length * base.df(t + 0.5 * length)
            t += length
        if x < start:
            total += (x - start) * base.df(0.5 * (start + x))
        return total

    return f


def _panel_count(base: Base, point: float, level: float) -> Function:
    """The derivative integrated by trapezia, doubled until the change is about ``level``."""
    start, size = point - 0.25, abs(base.f(point))

    def f(x: float) -> float:
        panels, width = 2, x - start
        previous = math.inf
        while panels <= 4096:
            inner = sum(base.df(start + width * k / panels) for k in range(1, panels))
            total = width / panels * (inner + 0.5 * (base.df(start) + base.df(x)))
            if abs(total - previous) < level * size * (1 + 0.5 * math.sin(2e3 * x)):
                break
            previous, panels = total, 2 * panels
        return base.f(start) + total

    return f


_KINDS: tuple[tuple[str, Callable[[Base, float, float], Function], tuple[float, ...]], ...] = (
    ("hash_uniform", _hash_uniform, (1e-14, 1e-12, 1e-10, 1e-8, 1e-6, 1e-3)),
    ("hash_gaussian", _hash_gaussian, (1e-12, 1e-8, 1e-4)),
    ("hash_additive", _hash_additive, (1e-10, 1e-6)),
    ("fast_sine", _fast_sine, (1e-9, 1e-6)),
    ("fixed_decimals", _fixed_decimals, (1e-6,)),
    ("significant_digits", _significant_digits, (1e-5, 1e-11)),
    ("single_precision", _single_precision, (6e-8,)),
    ("single_inside", _single_inside, (6e-8,)),
    ("bisection", _bisection, (1e-8, 1e-5)),
    ("newton", _newton, (1e-6,)),
    ("fixed_point", _fixed_point, (1e-9, 1e-6)),
    ("series", _series, (1e-8,)),
    ("step_integration", _step_integration, (1e-5,)),
    ("panel_count", _panel_count, (1e-6,)),
)
DETERMINISTIC_KINDS: tuple[str, ...] = tuple(kind for kind, _, _ in _KINDS)


def noisy_cases(half: str | None = None, kind: str | None = None) -> Iterator[NoisyCase]:
    """Every base with every deterministic kind (or ``kind`` only), at every level and point."""
    if kind is not None and kind not in DETERMINISTIC_KINDS:
        raise ValueError(f"kind must be None or one of {DETERMINISTIC_KINDS}, not {kind!r}")
    for this_kind, make, levels in _KINDS:
        if kind in (None, this_kind):
            for level in levels:
                for base in BASES:
                    for x in base.points:
                        name = f"{base.name}@{x:g}+{this_kind}:{level:g}"
                        if in_half(name, half):
                            yield NoisyCase(
                                name, make(base, x, level), x, base.df(x), this_kind, level
                            )


# --- Stochastic kinds: (base, point, level, generator) -> function ---


def _additive(base: Base, point: float, level: float, random: np.random.Generator) -> Function:
    """Fresh normal noise, as large as ``level`` times the value at the point."""
    size = level * abs(base.f(point))
    return lambda x: base.f(x) + size * random.standard_normal()


def _multiplicative(
    base: Base, point: float, level: float, random: np.random.Generator
) -> Function:
    """Fresh relative noise, uniform in [-level, level]."""
    return lambda x: base.f(x) * (1 + level * random.uniform(-1.0, 1.0))


_STOCHASTIC_KINDS = (("additive", _additive), ("multiplicative", _multiplicative))
STOCHASTIC_LEVELS = (1e-6, 1e-3)


def stochastic_cases(seed: int, half: str | None = None) -> Iterator[NoisyCase]:
    """Every base with fresh noise at each call, from generators that ``seed`` determines."""
    for kind, make in _STOCHASTIC_KINDS:
        for level in STOCHASTIC_LEVELS:
            for base in BASES:
                for x in base.points:
                    name = f"{base.name}@{x:g}+{kind}:{level:g}"
                    if in_half(name, half):
                        random = np.random.default_rng([seed, zlib.crc32(name.encode())])
                        yield NoisyCase(
                            name, make(base, x, level, random), x, base.df(x), kind, level
                        )
