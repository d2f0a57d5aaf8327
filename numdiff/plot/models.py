"""The picture of a local model: a function beside its Taylor approximations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from numdiff.arrays import Array, Floats
from numdiff.estimate import Estimate
from numdiff.options import as_point, as_vector
from numdiff.plot.style import DARK, LIGHT, MAP, MARKS, PALE, canvas, legend_above, legend_inside
from numdiff.plot.values import Function, values_at

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike

ALONG, ACROSS = 201, 51  # points on a line, and on each side of a plane
ROOM = 1.6  # Newton steps that the picture reaches
FARTHEST = 10.0  # sizes of x, at least 1: a longer Newton step ends outside the picture
USUAL = 0.5  # sizes of x that are drawn without a Newton step
LEVELS = 12  # of contours
DARKEST = 0.3  # of the map: on which black lines can be seen
OUTSIDE = 1.0  # ranges of f beyond it that approximations may take
THIN = 0.005  # of the height: bars that cannot be seen beside a line
ARROW = 0.35  # of the reach: its length
SECOND, FIRST = MARKS[0].colour, MARKS[1].colour


class LocalModel(Protocol):
    """What is drawn of what `numdiff.local_model` returns."""

    @property
    def x(self) -> Any:
        """Where it was made."""

    @property
    def value(self) -> Any:
        """The value of f there."""

    @property
    def gradient(self) -> Estimate:
        """The first derivatives."""

    @property
    def hessian(self) -> Estimate | None:
        """The second derivatives, None in a model of first order."""

    def predict(self, w: Any) -> Estimate:
        """Return the estimate of f at points w, ``(N,) + x.shape``."""

    def newton_step(self) -> Estimate:
        """Return the estimate of the Newton step; a ValueError says that there is none."""


def model(
    f: Function, model: LocalModel, *, direction: ArrayLike | None = None,
    axes: Sequence[int] | None = None, span: float | None = None, args: tuple[Any, ...] = (),
    vectorized: bool = False, ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """Draw a function beside its local model, along a line or in a plane.

    Parameters
    ----------
    f : callable
        The function of which `model` was made, with one output.
    model : LocalModel
        As of `numdiff.local_model`, of first or second order.
    direction : array of float, optional
        Of x's shape: draw along x + t direction.
    axes : (int, int), optional
        Entries of x, counted in C order: draw in the plane in which these vary. By default a line
        if x is one number, and the plane of both if it is two.
    span : float, optional
        How far the picture reaches from x to each side, in units of t, or of x. By default beyond
        the end of the Newton step.
    args, vectorized
        As of `numdiff.derivative`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        f is asked 201 times on a line, 2,601 times in a plane. On a line: f, the first and the
        second order, the model's error bar as a band, x, and the end of the Newton step. In a
        plane: contours of f (filled) and, at the same levels, of the model (dashed), the direction
        of steepest descent and the Newton step. Where x has more entries than are drawn, the steps
        are projected.

    Raises
    ------
    ImportError
        If Matplotlib is missing.
    ValueError
        If the line or the plane is not told and x has more than two entries, both are, an axis
        does not exist, or f has more than one output.

    Examples
    --------
    >>> import numdiff as nd
    >>> def f(x):
    ...     return (x[0] - 1.0) ** 2 + 2.0 * x[0] * x[1] ** 2
    >>> ax = model(f, nd.local_model(f, [0.5, 1.0]))
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('x[0]', 'x[1]')
    """
    if np.shape(model.value):
        raise ValueError(f"f must have one output to be drawn, got shape {np.shape(model.value)}")
    frame = _frame(model, direction, axes)
    newton = _newton_of(frame, model)
    reach = _reach(frame, newton) if span is None else span
    if not 0.0 < reach < math.inf:
        raise ValueError(f"`span` must be positive and finite, got {span!r}")
    view = _View(f, model, frame, newton, reach, {"args": args, "vectorized": vectorized})
    if len(frame.basis) == 1:
        ax = canvas(ax, 6.4, 4.4)
        _line(ax, view)
    else:
        ax = canvas(ax, 6.4, 5.2)
        _plane(ax, view)
    return ax


class _Frame(NamedTuple):
    """The line or the plane that is drawn: x + t @ basis, and the coordinates origin + t."""

    x: Floats
    basis: Floats  # (1 or 2, n), orthogonal
    origin: Floats
    names: tuple[str, ...]

    def project(self, vector: Array) -> Floats:
        """Return the coordinates t of a vector of x's shape."""
        return np.asarray(self.basis @ np.ravel(vector) / np.sum(self.basis**2, axis=1))

    @property
    def size(self) -> float:
        """The size of x, or of 1 if that is more, in units of t."""
        largest = np.max(np.abs(self.x), initial=1.0)
        return float(largest / np.max(np.abs(self.basis)))


class _View(NamedTuple):
    """All that a picture shows; `newton` holds the coordinates of the Newton step, if any."""

    f: Function
    model: LocalModel
    frame: _Frame
    newton: Floats | None
    reach: float
    options: dict[str, Any]

    def function(self, t: Floats) -> Floats:
        """Return f at coordinates (N, 1 or 2)."""
        x = self.frame.x
        points = x.ravel() + t @ self.frame.basis
        values = values_at(self.f, points, x.shape, scalar=x.ndim == 0, **self.options)
        if np.iscomplexobj(values):
            raise ValueError("f must be real-valued to be drawn, got complex values")
        return values

    def first(self, t: Floats) -> Floats:
        """Return the first-order approximation."""
        slopes = self.frame.basis @ np.ravel(self.model.gradient.value)
        return np.asarray(float(self.model.value) + t @ slopes)

    def best(self, t: Floats) -> tuple[Floats, Floats]:
        """Return the model's predictions and their bars."""
        x = self.frame.x
        points = (x.ravel() + t @ self.frame.basis).reshape(-1, *x.shape)
        expected = self.model.predict(points)
        return expected.value, expected.error


def _frame(model: LocalModel, direction: ArrayLike | None, axes: Sequence[int] | None) -> _Frame:
    x = as_point(model.x)
    if direction is not None:
        if axes is not None:
            raise ValueError("give `direction` or `axes`, not both")
        v = as_vector(direction, x, "direction").reshape(1, -1)
        if not v.any():
            raise ValueError("`direction` must not be zero")
        return _Frame(x, v, np.zeros(1), ("t along the direction",))
    chosen = _chosen(x, axes)
    names = [", ".join(map(str, np.unravel_index(axis, x.shape))) for axis in chosen]
    labels = tuple(f"x[{name}]" if x.ndim else "x" for name in names)
    return _Frame(x, np.eye(x.size)[chosen], x.ravel()[chosen], labels)


def _chosen(x: Floats, axes: Sequence[int] | None) -> list[int]:
    """Return the one or two entries that vary."""
    if axes is None and x.size > 2:
        raise ValueError(f"x has {x.size} entries: give `direction`, or two of them as `axes`")
    chosen = list(range(x.size) if axes is None else axes)
    if not 1 <= len(chosen) <= 2 or not len(set(chosen) & set(range(x.size))) == len(chosen):
        raise ValueError(f"`axes` must be one or two of 0 to {x.size - 1}, got {chosen}")
    return chosen


def _newton_of(frame: _Frame, model: LocalModel) -> Floats | None:
    """Return where the Newton step ends, in coordinates; None where there is none."""
    if model.hessian is None:
        return None
    try:
        step = model.newton_step().value
    except ValueError:  # also of a singular matrix
        return None
    return frame.project(step) if np.isfinite(step).all() else None


def _reach(frame: _Frame, newton: Floats | None) -> float:
    """Return how far the picture goes: beyond the Newton step, if that is neither 0 nor far."""
    usual = USUAL * frame.size
    if newton is None:
        return usual
    wanted = ROOM * float(np.max(np.abs(newton)))
    return wanted if 0.01 * usual < wanted < FARTHEST * frame.size else usual


def _line(ax: Axes, view: _View) -> None:
    """Draw f and its approximations on a line."""
    t = np.linspace(-view.reach, view.reach, ALONG)[:, None]
    where, origin = t[:, 0] + view.frame.origin, float(view.frame.origin[0])
    values, (best, bars), value = view.function(t), view.best(t), float(view.model.value)
    ax.plot(where, values, "-", color=DARK, lw=2.0, label="f")
    ax.plot(where, view.first(t), "--", color=FIRST, label=_order_of(view.model.gradient, "first"))
    if view.model.hessian is not None:
        ax.plot(where, best, "-.", color=SECOND, lw=1.6,
                label=_order_of(view.model.hessian, "second"))  # fmt: skip
    known = np.append(values[np.isfinite(values)], value)
    around = OUTSIDE * (np.ptp(known) or 1.0)
    low, high = ax.get_ylim()
    ax.set_ylim(max(low, known.min() - around), min(high, known.max() + around))
    label = "error bar" if bars.max() > THIN * np.ptp(ax.get_ylim()) else "error bar (thin)"
    if np.isfinite(bars).all():
        ax.fill_between(where, best - bars, best + bars, color=LIGHT, lw=0, zorder=1, label=label)
    ax.plot(origin, value, "o", color=DARK, ms=6.0, label="x")
    end = _end_of_newton_step(ax, view)
    if end is not None:
        height = view.best(end[None])[0]
        ax.plot(origin + end, height, "D", ms=7.0, mfc="white", mec=DARK, label=_newton(view))
    ax.set_xlabel(view.frame.names[0])
    ax.set_ylabel("f")
    ax.set_xlim(where[0], where[-1])
    legend_inside(ax, 3)


def _order_of(derivatives: Estimate, order: str) -> str:
    return f"{order} order" + " (flagged)" * (not np.all(derivatives.success))


def _newton(view: _View) -> str:
    return "Newton step" + ", projected" * (len(view.frame.basis) < view.frame.x.size)


def _end_of_newton_step(ax: Axes, view: _View) -> Floats | None:
    """Return where the Newton step ends, if that is inside; otherwise the legend says why not."""
    if view.newton is not None and np.max(np.abs(view.newton)) <= view.reach:
        return view.newton
    if view.model.hessian is not None:
        why = "there is none" if view.newton is None else "ends outside"
        ax.plot([], [], " ", label=f"{_newton(view)}: {why}")
    return None


def _plane(ax: Axes, view: _View) -> None:
    """Draw contours of f and of the model in a plane."""
    from matplotlib import colormaps  # noqa: PLC0415 - loads when a picture is drawn
    from matplotlib.colors import BoundaryNorm, ListedColormap  # noqa: PLC0415

    t = np.linspace(-view.reach, view.reach, ACROSS)
    grid = np.stack(np.meshgrid(t, t), axis=-1).reshape(-1, 2)
    across, up = t + view.frame.origin[0], t + view.frame.origin[1]
    values = np.ma.masked_invalid(view.function(grid).reshape(ACROSS, ACROSS))
    levels = _levels(values.compressed())
    bright = ListedColormap(colormaps[MAP](np.linspace(DARKEST, 1.0, 256)))
    shades = BoundaryNorm(levels.tolist(), 256, extend="both")
    filled = ax.contourf(across, up, values, levels, cmap=bright, norm=shades, extend="both")
    ax.contour(across, up, values, levels, colors="white", linewidths=0.6, linestyles="solid")
    ax.figure.colorbar(filled, ax=ax, label="f")
    best = view.best(grid)[0].reshape(ACROSS, ACROSS)
    ax.contour(across, up, best, levels, colors=DARK, linewidths=1.0, linestyles="dashed")
    ax.plot([], [], "--", color=DARK, lw=1.0, label="model, same levels")
    if np.ma.is_masked(values):
        ax.set_facecolor(PALE)
        ax.fill_between([], [], color=PALE, label="f is not defined")
    _draw_steps(ax, view)
    ax.set_aspect("equal")
    ax.set_xlabel(view.frame.names[0])
    ax.set_ylabel(view.frame.names[1])
    legend_above(ax, 3)


def _levels(values: Floats) -> Floats:
    """Return levels at equal shares of the area, so that a steep part does not take them all."""
    shares = np.quantile(values, np.linspace(0.0, 1.0, LEVELS + 2)[1:-1]) if values.size else values
    exact = np.unique(shares)
    short = np.unique([float(f"{level:.2g}") for level in exact])
    levels = short if 2 * short.size > LEVELS else exact
    if levels.size > 1:
        return levels
    return np.array([0.0, 1.0]) + (float(levels[0]) if levels.size else 0.0)


def _draw_steps(ax: Axes, view: _View) -> None:
    """Draw x, the direction of steepest descent and the Newton step."""
    origin, gradient = view.frame.origin, view.frame.project(view.model.gradient.value)
    steepest = float(np.linalg.norm(gradient))
    style: dict[str, Any] = {"mec": DARK, "mfc": "white", "ms": 8.0}
    if 0.0 < steepest < math.inf:
        arrow = -ARROW * view.reach * gradient / steepest
        ax.quiver(
            *origin, *arrow, angles="xy", scale_units="xy", scale=1.0, width=0.012, color="white",
            edgecolor=DARK, linewidth=0.8, zorder=3,
        )  # fmt: skip
        ax.plot([], [], marker=r"$\rightarrow$", ls="", ms=11.0, color=DARK,
                label="steepest descent")  # fmt: skip
    newton = _end_of_newton_step(ax, view)
    if newton is not None:
        ends = np.transpose([origin, origin + newton])
        ax.plot(*ends, "-", color="white", lw=3.0, zorder=3)
        ax.plot(*ends, "-", color=DARK, lw=1.2, zorder=3)
        ax.plot(*ends[:, 1:], "D", label=_newton(view), zorder=4, **style)
    ax.plot(*origin, "o", label="x", zorder=5, **style)
