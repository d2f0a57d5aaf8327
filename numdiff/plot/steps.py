"""The picture of a step: how large the error of a difference is, over how long its step is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any, NamedTuple, Unpack

import numpy as np

from numdiff.arrays import Floats
from numdiff.constants import EPS
from numdiff.estimate import Estimate
from numdiff.geometry.directions import along
from numdiff.geometry.domain import size_of
from numdiff.methods import Level, named_method
from numdiff.operators import derivative, jvp
from numdiff.options import as_point, as_vector
from numdiff.plot.style import DARK, MARKS, MIDDLE, PALE, canvas, legend_inside
from numdiff.plot.values import Function, imaginary_slopes
from numdiff.signatures import Settings

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike

    from numdiff.stencil import Stencil

COMPLEX = "complex"
ZERO = "1"  # marker of errors that are 0, at the bottom
STEPS = 81  # of a curve
SPAN = 1e3  # of errors that are shown at least
CLEAR = 30.0  # of the noise: where truncation alone is seen
FIT = 4  # steps from which the constant of truncation is taken: the smallest ones that are clear
ALIKE = 2.0  # the constants from each of them, or there is no such law


def step_curve(
    f: Function, x: ArrayLike, *, v: ArrayLike | None = None, order: int = 1,
    methods: Sequence[str | Stencil] | None = None, steps: ArrayLike | None = None,
    exact: complex | None = None, ax: Axes | None = None, **options: Unpack[Settings],
) -> Axes:  # fmt: skip
    """Draw the error of a derivative over the step, methods side by side, on log axes.

    Parameters
    ----------
    f : callable
        With one output; otherwise as in `numdiff.derivative`.
    x : float or array of float
        The point.
    v : array of float, optional
        The direction, of x's shape; needed where x is an array. Steps are then in units of t in
        f(x + t v).
    order : int, default 1
        Order of the derivative, 1 to 10; 1 with a direction.
    methods : sequence of str or Stencil, optional
        As of `numdiff.derivative`. By default ``"forward"``, ``"central"`` and, for the first
        order and if f takes complex numbers, ``"complex"``, here the bare formula
        Im f(x + i h) / h. For ``"richardson"`` and ``"auto"`` h is the first step.
    steps : array of float, optional
        The steps, in units of x. By default from rounding to the size of x.
    exact : number, optional
        The true derivative. Without it errors are told from the estimate by ``"auto"``, and those
        below its bar, which it cannot tell, are open marks.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a new figure.
    **options
        As of `numdiff.derivative`, without `method` and `step`.

    Returns
    -------
    matplotlib.axes.Axes
        Beside the curves there are, for each formula of one step, the noise that it makes of the
        error s of f, ``s * norm(weights) / h**order`` (dotted), and the truncation ``c * h**p`` of
        its order p of accuracy (dashed), with c from the smallest steps at which it stands out; a
        star for ``"auto"``, at its smallest step and its error bar; and shade below that bar.

    Raises
    ------
    ImportError
        If Matplotlib is missing.
    ValueError
        If f has more than one output, if x is an array and there is no `v`, or if neither
        `exact` nor ``"auto"`` tells the truth.
    TypeError
        If `method` or `step` is among the options.

    Notes
    -----
    Why the curves are V-shaped: Nocedal and Wright (2006), section 8.1. The complex step: Squire
    and Trapp (1998), doi:10.1137/S003614459631241X.

    Examples
    --------
    >>> import numpy as np
    >>> ax = step_curve(np.sin, 1.0, exact=np.cos(1.0))
    >>> [text.get_text() for text in ax.get_legend().get_texts()][:3]
    ['forward', 'central', 'complex']
    """
    ax = canvas(ax, 6.4, 4.6)
    line = _line(f, x, v, order, options)
    auto = line.ask()
    truth = _truth(auto, exact)
    chosen = _usual(line, auto) if methods is None else methods
    lengths = line.steps() if steps is None else np.sort(as_point(steps, "steps").ravel())
    curves = [_curve(line, method, lengths, truth, float(auto.noise)) for method in chosen]
    bar = float(auto.error) if auto.success else 0.0
    told = bar if exact is None else 0.0  # the smallest error that can be told
    _draw_errors(ax, curves, bar, told)
    _draw_models(ax, curves)
    if methods is None and order == 1 and COMPLEX not in chosen:
        ax.plot([], [], " ", label="complex: not for this f")
    _draw_auto(ax, auto, told)
    ax.set_xlabel("step h" if v is None else "step h along v")
    ax.set_ylabel("difference from auto" if exact is None else "error")
    legend_inside(ax)
    return ax


class _Line(NamedTuple):
    """What is differentiated, along what, how often."""

    f: Function
    x: Floats
    v: Floats
    order: int
    options: Settings

    def ask(self, **how: Any) -> Estimate:
        """Differentiate."""
        if self.x.ndim == 0:
            return derivative(self.f, self.x, order=self.order, **self.options, **how)
        return jvp(self.f, self.x, self.v, **self.options, **how)

    def slopes(self, steps: Floats) -> Floats:
        """Return the complex step of each length."""
        scalar = self.x.ndim == 0
        return imaginary_slopes(self.f, self.x, self.v, steps, scalar=scalar, **self.options)

    def steps(self) -> Floats:
        """Return the usual steps: from rounding to the size of x."""
        size = size_of(self.x.ravel(), along(self.v.ravel()))[0]
        return np.asarray(size * np.geomspace(EPS ** (1.0 / self.order) / 8.0, 1.0, STEPS))


class _Curve(NamedTuple):
    """Errors over steps, and what is expected of them, nan where nothing is."""

    label: str
    steps: Floats
    errors: Floats
    truncation: Floats
    noise: Floats


def _line(f: Function, x: ArrayLike, v: ArrayLike | None, order: int, options: Settings) -> _Line:
    for name, instead in (("method", "methods"), ("step", "steps")):
        if name in options:
            raise TypeError(f"step_curve() takes no `{name}`, which it varies: give `{instead}`")
    point = as_point(x)
    if v is None and point.ndim:
        raise ValueError(f"`v`, a direction, is needed where x is an array, of shape {point.shape}")
    vector = np.ones(()) if v is None else as_vector(v, point)
    if not vector.any():
        raise ValueError("`v` must not be zero: it is the direction of the steps")
    if point.ndim and order != 1:
        raise ValueError(f"`order` must be 1 along a direction, got {order!r}")
    return _Line(f, point, vector, order, options)


def _truth(auto: Estimate, exact: complex | None) -> complex:
    if np.shape(auto.value):
        raise ValueError(f"f must have one output to be drawn, got shape {np.shape(auto.value)}")
    if exact is not None:
        return exact
    if not auto.success:
        raise ValueError(
            "the true derivative is not known, since 'auto' is flagged "
            f"{auto.status_names}: give `exact`"
        )
    return complex(auto.value)


def _usual(line: _Line, auto: Estimate) -> tuple[str, ...]:
    """Return the usual methods: the complex step is one if f takes complex numbers."""
    usual = ("forward", "central")
    if line.order > 1 or np.iscomplexobj(auto.value):
        return usual
    try:
        slopes = line.slopes(np.array([EPS]))
    except Exception:  # noqa: BLE001 - whatever f says to a complex number
        return usual
    return (*usual, COMPLEX) if np.isfinite(slopes).all() else usual


def _curve(
    line: _Line, method: str | Stencil, steps: Floats, truth: complex, noise: float
) -> _Curve:
    nothing = np.full(steps.size, np.nan)
    if method == COMPLEX:
        if line.order > 1:
            raise ValueError(f"`methods`: 'complex' gives order 1 only, got order {line.order}")
        return _Curve(COMPLEX, steps, np.abs(line.slopes(steps) - truth), nothing, nothing)
    chosen = named_method(method)
    answers = [line.ask(method=method, step=float(step)) for step in steps]
    errors = np.array([np.abs(answer.value - truth) for answer in answers], float)
    if chosen.columns > 1:
        return _Curve(chosen.name, steps, errors, nothing, nothing)
    # a bound in the way makes the step smaller, or turns it
    steps = np.array([answer.step for answer in answers], float)
    level = chosen.level(line.order)
    spread = noise * level.stencil.noise_gain / steps**line.order
    offsets = ", ".join(map(str, level.stencil.offsets))
    label = chosen.name + f" ({offsets})" * (chosen.stencil is not None)
    return _Curve(label, steps, errors, _truncation(steps, errors, spread, level), spread)


def _truncation(steps: Floats, errors: Floats, noise: Floats, level: Level) -> Floats:
    """Return c h**p, with c from the smallest steps at which it stands out of the noise."""
    power = level.stencil.accuracy
    clear = np.flatnonzero((errors > CLEAR * noise) & (errors > 0.0))[:FIT]
    constants = np.log(errors[clear]) - power * np.log(steps[clear])
    if clear.size < FIT or np.ptp(constants) > math.log(ALIKE):
        return np.full(steps.size, np.nan)
    return np.asarray(math.exp(np.median(constants)) * steps**power)


def _draw_errors(ax: Axes, curves: Sequence[_Curve], bar: float, told: float) -> None:
    """Draw the marks of all curves, open ones where an error is below what can be told."""
    seen = np.concatenate([np.array([bar]), *(curve.errors for curve in curves)])
    seen = seen[np.isfinite(seen) & (seen > 0.0)]
    low, high = (seen.min(), seen.max()) if seen.size else (EPS, 1.0)
    bottom = min(low, high / SPAN) / 3.0  # where errors of 0 stand
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_ylim(bottom / 2.0, high * 3.0)
    sizes = np.linspace(4.0, 2.5, len(curves))  # none hides the one before it
    for curve, mark, size in zip(curves, cycle(MARKS), sizes, strict=False):
        errors, style = curve.errors, {"ls": "", "mec": mark.colour, "ms": size, "mew": 0.7}
        for which, marker, face, label in (
            (errors > told, mark.marker, mark.colour, curve.label),
            ((errors <= told) & (errors > 0.0), mark.marker, "white", ""),
            (errors == 0.0, ZERO, "none", ""),
        ):
            heights = np.maximum(errors[which], bottom)
            ax.plot(curve.steps[which], heights, marker=marker, mfc=face, label=label, **style)
    if any((curve.errors == 0.0).any() for curve in curves):
        ax.plot([], [], ZERO, color=MIDDLE, label="error 0, at the bottom")


def _draw_models(ax: Axes, curves: Sequence[_Curve]) -> None:
    """Draw what is expected of each curve: truncation and noise."""
    styles = (("truncation", "--", "truncation, c h$^p$"), ("noise", ":", "noise of f"))
    for name, style, label in styles:
        expected = [getattr(curve, name) for curve in curves]
        for curve, heights, mark in zip(curves, expected, cycle(MARKS)):
            ax.plot(curve.steps, heights, style, lw=1.1, color=mark.colour, zorder=1.5)
        if (np.array(expected) > 0.0).any():
            ax.plot([], [], style, lw=1.1, color=MIDDLE, label=label)


def _draw_auto(ax: Axes, auto: Estimate, told: float) -> None:
    """Mark the bar and the smallest step of the estimate; nothing where it is flagged."""
    if not auto.success:
        ax.plot([], [], " ", label=f"auto: {auto.status_names}")
        return
    error, low = float(auto.error), ax.get_ylim()[0]
    label = "below auto's bar" + ": not resolved (open)" * (told > 0.0)
    ax.axhspan(low, max(error, low), color=PALE, zorder=0, label=label)
    ax.plot(
        auto.step, max(error, low), "*", ms=13, mec=DARK, mfc="white", zorder=4,
        label=f"auto: step {auto.step:.1g}, bar {error:.1g}",
    )  # fmt: skip
