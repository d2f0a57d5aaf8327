"""The door: what users hand over, checked once and turned into values."""

from __future__ import annotations

import math
from collections.abc import Callable
from numbers import Real
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from numdiff.arrays import Array, Floats, Mask
from numdiff.evaluation.asking import Asking, read_asking
from numdiff.geometry.domain import Box
from numdiff.methods import METHODS, Method, named_method

if TYPE_CHECKING:
    from numdiff.evaluation.call import Form
    from numdiff.stencil import Stencil


TEXTBOOK = "textbook"
NAMES = tuple(METHODS)


class Options(NamedTuple):
    """The options of one call, checked.

    `step` is None, the name of a rule or an array like x (flattened); `noise` is as it was given.
    `way` says how derivatives are taken: "ladder", "single", "rule" or "complex".
    """

    way: str
    method: Method
    step: Floats | str | None
    noise: Floats | None
    box: Box | None
    rtol: float
    max_nfev: float
    vectorized: bool
    args: tuple[Any, ...]
    asking: Asking | None = None  # None for plain calls of f

    @property
    def rule(self) -> str | None:
        """The name of the rule that chooses the step while f is being called."""
        return self.step if isinstance(self.step, str) and self.step != TEXTBOOK else None

    def noise_of(self, form: Form) -> Floats:
        """Return the standard deviation of each column of what f returns, where it was given.

        Raises
        ------
        ValueError
            If it does not have the shape of f's output.
        """
        assert self.noise is not None
        if self.noise.shape not in ((), form.shape):
            raise ValueError(
                f"`noise` must be a number or have the shape of f's output, {form.shape}, got "
                f"{self.noise.shape}"
            )
        columns = np.broadcast_to(self.noise, form.shape).ravel()
        return np.tile(columns, 1 + form.is_complex)

    def at(self, k: int, spent: int) -> Options:
        """Return the options for the k-th of several points, after so many evaluations."""
        step = self.step[k : k + 1] if isinstance(self.step, np.ndarray) else self.step
        box = self.box and Box(self.box.lower[k : k + 1], self.box.upper[k : k + 1])
        return self._replace(step=step, box=box, max_nfev=self.max_nfev - spent)


def as_point(x: Any, name: str = "x") -> Floats:
    """Return a copy of x in float64.

    Raises
    ------
    ValueError
        If an entry is complex, nan or infinite: it is named.
    TypeError
        If x does not hold numbers.
    """
    if type(x) is np.ndarray and x.dtype == np.float64 and math.isfinite(x.ravel().dot(x.ravel())):
        return x.copy()  # the usual case, and it has to be quick
    point = np.asarray(x)
    if point.dtype.kind not in "biufc":
        raise TypeError(f"`{name}` must be a number or an array of numbers, got {type(x).__name__}")
    if point.dtype.kind == "c":
        raise ValueError(f"`{name}` must be real, got {_first(point, np.imag(point) != 0)}")
    point = np.array(point, dtype=np.float64, order="C")
    if not np.isfinite(point).all():
        raise ValueError(f"`{name}` must be finite, got {_first(point, ~np.isfinite(point))}")
    return point


def as_args(args: Any) -> tuple[Any, ...]:
    """Return further arguments of f, which must be a tuple."""
    if not isinstance(args, tuple):
        raise TypeError(f"`args` must be a tuple, got {type(args).__name__}: write args=(a,)")
    return args


def as_vector(v: Any, x: Floats, name: str = "v") -> Floats:
    """Return v in float64, which must have the shape of x."""
    vector = as_point(v, name)
    if vector.shape != x.shape:
        raise ValueError(f"`{name}` must have the shape of x, {x.shape}, got {vector.shape}")
    return vector


def read(
    f: Callable[..., Any],
    x: Floats,
    *,
    method: str | Stencil = "auto",
    step: Any = None,
    noise: Any = None,
    bounds: Any = None,
    rtol: float = 0.0,
    max_nfev: float | None = None,
    vectorized: bool = False,
    args: Any = (),
    workers: Any = None,
    timeout: float | None = None,
    journal: Any = None,
    progress: bool | str = False,
) -> Options:
    """Check the options that all operators share.

    Raises
    ------
    TypeError
        If f cannot be called, or an option is of the wrong kind.
    ValueError
        If an option's value is not allowed, or x lies outside the bounds.
    """
    if not callable(f):
        raise TypeError(f"`f` must be callable, got {type(f).__name__}")
    plain = workers is None is timeout is journal and progress is False
    chosen = METHODS[method] if method in NAMES else named_method(method)
    return Options(
        _way(chosen, step),
        chosen,
        None if step is None else _step(step, x),
        None if noise is None else _noise(noise),
        None if bounds is None else _box(bounds, x),
        rtol if type(rtol) is float and rtol >= 0.0 else _rtol(rtol),
        math.inf if max_nfev is None else _limit(max_nfev),
        bool(vectorized),
        args if type(args) is tuple else as_args(args),
        None if plain else read_asking(workers, timeout, journal, progress),
    )


def _way(method: Method, step: Any) -> str:
    """Say how derivatives are taken."""
    if method is METHODS["complex"]:
        return "complex"
    if isinstance(step, str) and step != TEXTBOOK:
        return "rule"
    return "single" if step is not None and method.columns == 1 else "ladder"


def _noise(noise: Any) -> Floats:
    sizes = as_point(noise, "noise")
    if not (sizes >= 0.0).all():
        raise ValueError(f"`noise` must not be negative, got {_first(sizes, sizes < 0.0)}")
    return sizes


def _rtol(rtol: Any) -> float:
    bar = _number(rtol, "rtol")
    if not bar >= 0.0:
        raise ValueError(f"`rtol` must be zero or positive, got {rtol!r}")
    return bar


def _limit(max_nfev: Any) -> float:
    limit = _number(max_nfev, "max_nfev")
    if not limit >= 1.0:
        raise ValueError(f"`max_nfev` must be at least 1, got {max_nfev!r}")
    return limit


def _number(value: Any, name: str) -> float:
    if not isinstance(value, Real):
        raise TypeError(f"`{name}` must be a number, got {value!r}")
    return float(value)


def _step(step: Any, x: Floats) -> Floats | str:
    if type(step) is float and 0.0 < step < math.inf:  # the usual case, and it has to be quick
        steps = np.empty(x.size)
        steps.fill(step)
        return steps
    if isinstance(step, str):
        from numdiff.rules import RULES  # noqa: PLC0415 - loads when needed

        if step not in RULES:
            names = ", ".join(repr(name) for name in RULES)
            raise ValueError(
                f"`step` must be a number, an array like x or one of {names}, got {step!r}"
            )
        return step
    sizes = as_point(step, "step")
    if sizes.shape not in ((), x.shape):
        raise ValueError(
            f"`step` must be a number or have the shape of x, {x.shape}, got {sizes.shape}"
        )
    if not (sizes > 0.0).all():
        raise ValueError(f"`step` must be positive, got {_first(sizes, sizes <= 0.0)}")
    return np.broadcast_to(sizes, x.shape).flatten()


def _box(bounds: Any, x: Floats) -> Box:
    # scipy.optimize.Bounds is known by its fields, so that SciPy is not imported
    pair = (bounds.lb, bounds.ub) if hasattr(bounds, "lb") and hasattr(bounds, "ub") else bounds
    try:
        lower, upper = (np.asarray(side, dtype=np.float64) for side in pair)
        lower, upper = (np.broadcast_to(side, x.shape).ravel() for side in (lower, upper))
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"`bounds` must be (lower, upper), numbers or arrays like x, got {bounds!r}"
        ) from error
    flat = x.ravel()
    outside = ~((lower <= flat) & (flat <= upper))
    if outside.any():
        k = int(np.flatnonzero(outside)[0])
        raise ValueError(
            f"`x` must lie inside `bounds`, but entry {_index(k, x.shape)} is {flat[k]} and its "
            f"bounds are [{lower[k]}, {upper[k]}]"
        )
    return Box(lower, upper)


def _first(values: Array, bad: Mask) -> str:
    if values.ndim == 0:
        return repr(values[()].item())
    where = tuple(int(k) for k in np.argwhere(bad)[0]) if bad.any() else (0,) * values.ndim
    shown = where[0] if len(where) == 1 else where
    return f"{values[where].item()!r} at entry {shown}"


def _index(k: int, shape: tuple[int, ...]) -> Any:
    where = tuple(int(i) for i in np.unravel_index(k, shape)) if shape else ()
    return where[0] if len(where) == 1 else where
