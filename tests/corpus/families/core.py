"""What an instance of a family is, how it is drawn, and how its truth is found."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from types import SimpleNamespace
from typing import Any

import mpmath
import numpy as np

Function = Callable[[Any], Any]
Formula = Callable[[Any, Any], Any]
Random = np.random.Generator

INF, NAN = math.inf, math.nan
MISSING = NAN  # the truth of a derivative that does not exist
COUNT = 72  # instances of a family
AXES = {"derivative": 0, "gradient": 1, "hessian": 2}

NUMPY = SimpleNamespace(
    exp=np.exp,
    expm1=np.expm1,
    log=np.log,
    log1p=np.log1p,
    sin=np.sin,
    cos=np.cos,
    tan=np.tan,
    tanh=np.tanh,
    cosh=np.cosh,
    sinh=np.sinh,
    sqrt=np.sqrt,
    atan=np.arctan,
)
PRECISE = SimpleNamespace(
    **{name: np.frompyfunc(getattr(mpmath.mp, name), 1, 1) for name in vars(NUMPY)}
)


@dataclass(frozen=True, eq=False)
class Instance:
    """One derivative to compute, and what is known of it.

    ``truth`` gives the derivative or a pair of bounds of it; nan in an entry means that it does
    not exist there.  Where it is the slope of a trend that f follows in steps, a pair holds the
    slopes that are as good.  ``reference`` is f for mpmath numbers.  Tags: "smooth", nothing
    beside x excuses a flag; "exact", double precision leaves at least seven digits.
    ``accuracy`` is the relative accuracy of a solver inside f: the truth is the model's.
    """

    f: Function
    x: Any
    truth: Callable[[], Any]
    operator: str = "derivative"
    order: int = 1
    reference: Formula | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    tags: frozenset[str] = frozenset()
    accuracy: float | None = None
    family: str = ""
    name: str = ""

    @cached_property
    def interval(self) -> tuple[np.ndarray, np.ndarray]:
        """The lowest and the highest true derivative, in the shape of the answer."""
        truth = self.truth()
        low, high = truth if isinstance(truth, tuple) else (truth, truth)
        shape = np.shape(self.x) * AXES[self.operator]
        return tuple(np.broadcast_to(np.asarray(part, float), shape) for part in (low, high))

    @property
    def half(self) -> str:
        """The half of the family it belongs to, "tune" or "confirm"."""
        return "confirm" if zlib.crc32(self.name.encode()) % 2 else "tune"


Maker = Callable[[Random], Instance]
Family = tuple[Maker, ...]


def draw(family: str, makers: Family, seed: int) -> list[Instance]:
    """Draw the instances of a family from the seed, the makers taking turns."""
    rng = np.random.default_rng([seed, zlib.crc32(family.encode())])
    return [_named(family, makers[i % len(makers)], i, seed, rng) for i in range(COUNT)]


def _named(family: str, maker: Maker, index: int, seed: int, rng: Random) -> Instance:
    instance = maker(rng)
    label = getattr(maker, "func", maker).__name__.strip("_")
    words = getattr(maker, "args", ())
    label = " ".join([label, *(getattr(word, "__name__", str(word)) for word in words)])
    at = f"{np.ravel(instance.x)[0]:.9g}"
    return replace(instance, family=family, name=f"{family}-{seed}-{index} {label} at {at}")


# --- Instances ---


def scalar(formula: Formula, x: float, *, exact=None, f=None, tags="", **more: Any) -> Instance:
    """A formula of `math` and one number; ``exact`` is a number, a formula, or left to mpmath."""
    x = float(x)
    order = more.get("order", 1)
    if callable(exact):
        truth = partial(_evaluated, exact, x)
    elif exact is None:
        truth = partial(differences, formula, x, order)
    else:
        truth = partial(_constant, exact)
    f = f or partial(formula, math)
    return Instance(f, x, truth, reference=formula, tags=frozenset(tags.split()), **more)


def array(formula: Formula, x: Any, operator: str, *, exact=None, tags="", **more: Any) -> Instance:
    """A formula of NumPy functions and an array; ``exact`` is called without arguments."""
    x = np.array(x, float)
    by_mpmath = {"gradient": gradient_by_mpmath, "hessian": hessian_by_mpmath}[operator]
    truth = exact or partial(by_mpmath, formula, x)
    f = more.pop("f", None) or partial(formula, NUMPY)
    tags = frozenset(tags.split())
    return Instance(f, x, truth, operator, reference=formula, tags=tags, **more)


def beside(x: float, distance: float) -> float:
    """A double at this distance from x."""
    return float(x + distance)


def uniform(rng: Random, low: float, high: float) -> float:
    return float(rng.uniform(low, high))


def loguniform(rng: Random, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(math.log(low), math.log(high))))


def sign(rng: Random) -> float:
    return float(rng.choice([-1.0, 1.0]))


# --- Truth ---


def _constant(exact: Any) -> Any:
    return exact


def _evaluated(formula: Formula, x: float) -> float:
    with mpmath.workdps(60):
        return float(mpmath.re(formula(mpmath.mp, mpmath.mpf(x))))


def differences(formula: Formula, x: float, order: int, digits: int = 30) -> float:
    """A derivative by central differences of mpmath, whose step is 10**-digits."""
    with mpmath.workdps(30 + (order + 1) * digits):
        h = mpmath.mpf(10) ** -digits * (abs(x) or mpmath.mpf("1e-3"))
        point = mpmath.mpf(x)
        terms = (
            (-1) ** k * math.comb(order, k) * formula(mpmath.mp, point + (order - 2 * k) * h / 2)
            for k in range(order + 1)
        )
        return float(mpmath.re(mpmath.fsum(terms)) / h**order)


def _exactly(x: np.ndarray) -> np.ndarray:
    return np.array([mpmath.mpf(entry) for entry in x.ravel().tolist()], object).reshape(x.shape)


def _steps(x: np.ndarray, digits: int) -> np.ndarray:
    size = np.array([mpmath.mpf(abs(entry) or 1e-3) for entry in x.ravel().tolist()], object)
    return np.diag(size * mpmath.mpf(10) ** -digits).reshape(x.size, *x.shape)


def gradient_by_mpmath(formula: Formula, x: np.ndarray, digits: int = 30) -> np.ndarray:
    """A gradient by central differences of mpmath."""
    with mpmath.workdps(30 + 2 * digits):
        point = _exactly(x)
        found = [
            (formula(PRECISE, point + h) - formula(PRECISE, point - h)) / (2 * np.sum(h))
            for h in _steps(x, digits)
        ]
        return np.array([float(entry) for entry in found]).reshape(x.shape)


def hessian_by_mpmath(formula: Formula, x: np.ndarray, digits: int = 30) -> np.ndarray:
    """A Hessian by differences of mpmath along the axes and the diagonals."""
    with mpmath.workdps(30 + 3 * digits):
        point, steps = _exactly(x), _steps(x, digits)
        found = np.empty((x.size, x.size))
        for i, h in enumerate(steps):
            for j, k in enumerate(steps[: i + 1]):
                same = formula(PRECISE, point + h + k) + formula(PRECISE, point - h - k)
                other = formula(PRECISE, point + h - k) + formula(PRECISE, point - h + k)
                area = 4 * np.sum(h) * np.sum(k)
                found[i, j] = found[j, i] = float((same - other) / area)
        return found


def by_complex_step(formula: Formula, x: np.ndarray) -> np.ndarray:
    """A gradient of an analytic formula by the complex step in extended precision."""
    found = []
    for i in np.ndindex(x.shape):
        point = x.astype(np.clongdouble)
        point[i] += np.clongdouble(1j) * np.longdouble(1e-40)
        found.append(float(np.imag(formula(NUMPY, point)) / np.longdouble(1e-40)))
    return np.array(found).reshape(x.shape)
