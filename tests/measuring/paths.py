"""Paths of optimisers: functions with exact gradients, and what is seen of derivatives on the way.

The functions are analytic, so the complex step gives their derivatives to rounding. Most are of
Moré, Garbow and Hillstrom (1981, doi:10.1145/355934.355936).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from scipy.optimize import least_squares, minimize

from numdiff import Differentiable
from tests.measuring.metrics import LIE


@dataclass(frozen=True)
class Posed:
    """Something to minimise, from where, and whether to tune on it."""

    f: Callable[..., Any]
    x0: tuple[float, ...]
    tuning: bool
    noise: float = 0.0
    bounds: tuple[float, float] | None = None

    def slopes(self, x: np.ndarray) -> np.ndarray:
        """Derivatives by the complex step, ``f.shape + x.shape``."""
        step = 1e-30
        columns = [np.imag(self.f(x + 1j * step * unit)) / step for unit in np.eye(x.size)]
        return np.stack(columns, -1)


@dataclass
class Seen:
    """What was seen on a path."""

    entries: int = 0
    covered: int = 0
    lies: int = 0
    points: int = 0
    nfev: int = 0
    inputs: int = 0
    worst: float = 0.0
    errors: list[float] = field(default_factory=list)
    end: Any = None

    @property
    def cover(self) -> float:
        return self.covered / self.entries

    @property
    def per_input(self) -> float:
        """Evaluations for each entry of x and derivative, f(x) and all else included."""
        return self.nfev / (self.points * self.inputs)


def rosen(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


_DATA = np.random.default_rng(7).standard_normal((120, 8))
_LABELS = np.random.default_rng(8).random(120) < 1.0 / (
    1.0 + np.exp(-_DATA @ np.linspace(-1, 1, 8))
)


def logistic(w):
    margin = np.where(_LABELS, 1.0, -1.0) * (_DATA @ w)
    return np.sum(np.log1p(np.exp(-margin))) + 0.05 * np.sum(w**2)


def _rk4(rates, y, times):
    found = [y]
    for h in np.diff(times):
        a = rates(y)
        b = rates(y + h / 2 * a)
        c = rates(y + h / 2 * b)
        d = rates(y + h * c)
        y = y + h / 6 * (a + 2 * b + 2 * c + d)
        found.append(y)
    return np.array(found)


def _lotka(p):
    return _rk4(
        lambda y: np.array([y[0] * (p[0] - p[1] * y[1]), y[1] * (p[2] * y[0] - p[3])]),
        np.array([1.0, 0.5]) + 0 * p[0], np.linspace(0, 8, 81),
    )  # fmt: skip


_SEEN = _lotka(np.array([1.0, 0.8, 0.7, 0.9]))


def ode_residuals(p):
    return (_lotka(p)[::4] - _SEEN[::4]).ravel()


def ode(p):
    return np.sum(ode_residuals(p) ** 2)


_T = np.linspace(0.05, 3, 33)


def exponentials_residuals(p):
    return p[0] * np.exp(-p[2] * _T) + p[1] * np.exp(-p[3] * _T) - 3 * np.exp(-_T) - np.exp(-5 * _T)


def exponentials(p):
    return np.sum(exponentials_residuals(p) ** 2)


def beale(x):
    return sum((c - x[0] * (1 - x[1] ** k)) ** 2 for k, c in ((1, 1.5), (2, 2.25), (3, 2.625)))


def brown(x):
    return (x[0] - 1e6) ** 2 + (x[1] - 2e-6) ** 2 + (x[0] * x[1] - 2) ** 2


def watson_residuals(x):
    t = np.arange(1, 30)[:, None] / 29
    j = np.arange(x.size)
    slope = (j[1:] * x[1:] * t ** (j[1:] - 1)).sum(1)
    value = (x * t**j).sum(1)
    return np.concatenate([slope - value**2 - 1, [x[0], x[1] - x[0] ** 2 - 1]])


def watson(x):
    return np.sum(watson_residuals(x) ** 2)


def wood(x):
    return (
        100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2 + 90 * (x[3] - x[2] ** 2) ** 2
        + (1 - x[2]) ** 2 + 10.1 * ((x[1] - 1) ** 2 + (x[3] - 1) ** 2)
        + 19.8 * (x[1] - 1) * (x[3] - 1)
    )  # fmt: skip


def powell(x):
    return (
        (x[0] + 10 * x[1]) ** 2 + 5 * (x[2] - x[3]) ** 2 + (x[1] - 2 * x[2]) ** 4
        + 10 * (x[0] - x[3]) ** 4
    )  # fmt: skip


def trigonometric(x):
    n = x.size
    total = n - np.sum(np.cos(x))
    return np.sum((total + np.arange(1, n + 1) * (1 - np.cos(x)) - np.sin(x)) ** 2)


def penalty(x):
    return 1e-5 * np.sum((x - 1) ** 2) + (np.sum(x**2) - 0.25) ** 2


_COUNTS = np.random.default_rng(9).poisson(np.exp(_DATA[:, :5] @ np.linspace(-0.5, 0.8, 5) + 1))


def poisson(w):
    """Minus a log likelihood, which passes through zero."""
    eta = _DATA[:, :5] @ w + 1
    return np.sum(np.exp(eta) - _COUNTS * eta)


def box_residuals(x):
    t = np.arange(1, 11) / 10
    return np.exp(-t * x[0]) - np.exp(-t * x[1]) - x[2] * (np.exp(-t) - np.exp(-10 * t))


def box(x):
    return np.sum(box_residuals(x) ** 2)


_MEYER = np.array(
    [34780, 28610, 23650, 19630, 16370, 13720, 11540, 9744, 8261, 7030, 6005, 5147, 4427, 3820,
     3307, 2872]
)  # fmt: skip


def meyer_residuals(x):
    t = 45 + 5 * np.arange(1, 17)
    return (x[0] * np.exp(x[1] / (t + x[2])) - _MEYER) / 1e3


def broyden(x):
    y = (3 - 2 * x) * x + 1
    return y - np.concatenate([[0], x[:-1]]) - 2 * np.concatenate([x[1:], [0]])


def broyden_squares(x):
    return np.sum(broyden(x) ** 2)


def shifted(x):
    """A likelihood with a constant that is much larger than what changes."""
    return 1e4 + np.sum(np.log(1 + (x - np.arange(x.size)) ** 2)) + 0.1 * np.sum(x**2)


_ROSEN = (-1.2, 1.0, -1.2, 1.0, -1.2)
PATHS: Mapping[str, Posed] = MappingProxyType(
    {
        "rosen 5": Posed(rosen, _ROSEN, True),
        "rosen 20": Posed(rosen, _ROSEN * 4, True),
        "logistic": Posed(logistic, (0.0,) * 8, True),
        "ODE": Posed(ode, (0.8, 0.6, 0.6, 0.7), True),
        "ODE residuals": Posed(ode_residuals, (0.8, 0.6, 0.6, 0.7), True),
        "exponentials": Posed(exponentials, (1.0, 2.0, 0.5, 4.0), True),
        "beale": Posed(beale, (1.0, 1.0), True),
        "powell": Posed(powell, (3.0, -1.0, 0.0, 1.0), True),
        "rosen 5, noise 1e-8": Posed(rosen, _ROSEN, True, 1e-8),
        "rosen 5, noise 1e-5": Posed(rosen, _ROSEN, True, 1e-5),
        "logistic, bounds": Posed(logistic, (0.0,) * 8, True, bounds=(-0.5, 0.5)),
        "brown": Posed(brown, (1.0, 1.0), False),
        "watson 6": Posed(watson, (0.0,) * 6, False),
        "watson 9": Posed(watson, (0.0,) * 9, False),
        "watson residuals": Posed(watson_residuals, (0.0,) * 6, False),
        "wood": Posed(wood, (-3.0, -1.0, -3.0, -1.0), False),
        "trigonometric": Posed(trigonometric, (0.1,) * 10, False),
        "penalty": Posed(penalty, tuple(np.arange(1.0, 11.0)), False),
        "poisson": Posed(poisson, (0.0,) * 5, False),
        "box": Posed(box, (0.0, 10.0, 20.0), False),
        "meyer residuals": Posed(meyer_residuals, (0.02, 4000.0, 250.0), False),
        "broyden": Posed(broyden, (-1.0,) * 12, False),
        "broyden squares": Posed(broyden_squares, (-1.0,) * 30, False),
        "shifted": Posed(shifted, (5.0,) * 6, False),
        "poisson, noise 1e-6": Posed(poisson, (0.0,) * 5, False, 1e-6),
        "wood, noise 1e-5": Posed(wood, (-3.0, -1.0, -3.0, -1.0), False, 1e-5),
        "box, bounds": Posed(box, (0.0, 10.0, 20.0), False, bounds=(-5.0, 20.0)),
        "wood, bounds": Posed(wood, (-3.0, -1.0, -3.0, -1.0), False, bounds=(-4.0, 0.7)),
    }
)  # fmt: skip


class Counted:
    """A function of floats that counts its calls, with noise drawn from a seed, inside bounds."""

    def __init__(self, posed: Posed, seed: int = 0) -> None:
        self.posed = posed
        self.calls = 0
        self.outside = 0
        self.random = np.random.default_rng(seed)

    def __call__(self, x):
        self.calls += 1
        if self.posed.bounds is not None:
            lower, upper = self.posed.bounds
            self.outside += not ((lower <= x) & (x <= upper)).all()
        value = self.posed.f(x)
        if self.posed.noise:
            value = value + self.posed.noise * self.random.standard_normal(np.shape(value))
        return value


def bounds_of(posed: Posed) -> list[tuple[float, float]] | None:
    """Bounds as `minimize` takes them."""
    return None if posed.bounds is None else [posed.bounds] * len(posed.x0)


def methods_of(posed: Posed) -> tuple[str, ...]:
    """The optimisers that fit."""
    if np.ndim(posed.f(np.array(posed.x0))):
        return ("least_squares",)
    return ("BFGS", "L-BFGS-B") if posed.bounds is None else ("L-BFGS-B",)


def minimised(posed: Posed, method: str, fun: Any, jac: Any) -> Any:
    """Minimise with a derivative, or with the name of SciPy's differences."""
    if method == "least_squares":
        bounds = (-np.inf, np.inf) if posed.bounds is None else posed.bounds
        return least_squares(fun, posed.x0, jac=jac, bounds=bounds)
    return minimize(fun, posed.x0, jac=jac, method=method, bounds=bounds_of(posed))


def followed(posed: Posed, method: str, **options: Any) -> tuple[Seen, Counted]:
    """Follow an optimiser, and hold each derivative on its way against the truth."""
    f, seen = Counted(posed), Seen(inputs=len(posed.x0))
    fun = Differentiable(f, bounds=bounds_of(posed), **options)

    def slopes(x):
        plain = fun.jacobian(x)
        told, exact = fun.estimate, posed.slopes(x)
        plain, off = np.array(plain), np.abs(told.value - exact)
        bars = told.error + 4 * np.spacing(np.abs(exact).max())  # the rounding of the truth
        off, bars, exact = (a[told.success & np.isfinite(exact)] for a in (off, bars, exact))
        seen.points += 1
        if not off.size:
            return plain
        seen.entries += off.size
        seen.covered += int((off <= bars).sum())
        seen.lies += int((off > LIE * bars).sum())
        seen.worst = max(seen.worst, float((off / bars).max()))
        seen.errors.extend((off / (np.abs(exact) + 1e-300)).ravel())
        return plain

    seen.end = minimised(posed, method, fun, slopes)
    seen.nfev = fun.nfev
    return seen, f
