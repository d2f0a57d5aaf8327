"""The door: what users hand over, checked once and turned into values."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from numbers import Real
from types import MappingProxyType, NoneType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from numdiff.arrays import Array, Floats, Ints, Mask
from numdiff.evaluation.asking import ASKING, Asking, read_asking
from numdiff.geometry.directions import FEW
from numdiff.geometry.domain import Box
from numdiff.methods import METHODS, Method, Plan, named_method, plan_of
from numdiff.naming import Named, has_names, named

if TYPE_CHECKING:
    from numdiff.evaluation.call import Form
    from numdiff.stencil import Stencil


TEXTBOOK = "textbook"
NAMES = tuple(METHODS)
DOUBLE = np.dtype(np.float64)
USUAL = (float, str, NoneType)  # what steps are of that need not be read more than once
ON_FLAG = ("keep", "warn", "raise")


class Options(NamedTuple):
    """The options of one call, checked.

    `step` is None, the name of a rule or an array like x (flattened); `noise` is as it was given.
    `accuracy` is 0 where it was not given. `way` says how derivatives are taken: "ladder",
    "single", "rule" or "complex".
    """

    way: str
    method: Method
    step: Floats | str | None
    noise: Floats | None = None
    accuracy: float = 0.0
    box: Box | None = None
    rtol: float = 0.0
    max_nfev: float = math.inf
    vectorized: bool = False
    asking: Asking | None = None  # None for plain calls of f
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = MappingProxyType({})
    on_flag: str = "keep"
    names: tuple[str, ...] = ()
    plan: Plan | None = None  # of few entries of x, for the short way

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

    def at(self, k: int, left: int, spent: int) -> Options:
        """Return the options for the k-th of several points, `left` with it, after `spent` calls.

        What is left of the budget is shared among the points that are left.
        """
        own = self.pick(np.arange(k, k + 1))
        if self.max_nfev == math.inf:
            return own
        return own._replace(max_nfev=(self.max_nfev - spent) // left)

    def pick(self, rows: Ints) -> Options:
        """Return the options for some of several points."""
        step = self.step[rows] if isinstance(self.step, np.ndarray) else self.step
        box = self.box and Box(self.box.lower[rows], self.box.upper[rows])
        return self._replace(step=step, box=box)


def point_of(x: Any) -> tuple[Floats, Named | None]:
    """Return the point as a float64 array, and its names: flat where x is a dict or a Series.

    Raises
    ------
    TypeError, ValueError
        As `as_point`; ValueError if a Series has a label twice.
    """
    if type(x) is not np.ndarray and has_names(x):
        return named(x, as_point)
    return as_point(x), None


def as_point(x: Any, name: str = "x") -> Floats:
    """Return a copy of x in float64.

    Raises
    ------
    ValueError
        If an entry is complex, nan or infinite: it is named.
    TypeError
        If x does not hold numbers, or has units or a mask.
    """
    if type(x) is np.ndarray and x.dtype is DOUBLE:  # usual, and it has to be quick
        finite = math.isfinite(sum(x.ravel().tolist())) if x.size <= FEW else np.isfinite(x).all()
        if finite:
            return x.copy()
    require_plain(x, name)
    try:
        point = np.asarray(x)
    except ValueError as error:
        raise ValueError(
            f"`{name}` must be a number or an array of numbers, but its rows differ in length"
        ) from error
    if point.dtype.kind not in "biufc":
        order = ": are the arguments in the order of the signature?" if callable(x) else ""
        raise TypeError(
            f"`{name}` must be a number or an array of numbers, got {type(x).__name__}"
            f"{_of_what(x, point)}{order}"
        )
    if point.dtype.kind == "c":
        raise ValueError(f"`{name}` must be real, got {_first(point, np.imag(point) != 0)}")
    point = np.array(point, dtype=np.float64, order="C")
    if not np.isfinite(point).all():
        raise ValueError(f"`{name}` must be finite, got {_first(point, ~np.isfinite(point))}")
    return point


def _of_what(x: Any, array: Array) -> str:
    """Say which entry of a sequence is no number."""
    if not isinstance(x, list | tuple | np.ndarray):
        return ""
    for entry in array.ravel().tolist():
        if not isinstance(entry, Real):
            return f" with {entry!r} in it"
    return ""


def require_plain(x: Any, name: str) -> None:
    """Raise TypeError if x has a mask or units, which an array of numbers would lose."""
    kinds = {type(entry): entry for entry in x} if isinstance(x, list | tuple) else {}
    for thing in (x, *kinds.values()):
        if hasattr(thing, "mask") and hasattr(thing, "filled"):
            raise TypeError(
                f"`{name}` is a masked array, whose mask would be lost: give {name}.filled(...) or "
                f"the entries that count, {name}.compressed()"
            )
        if hasattr(thing, "unit") or hasattr(thing, "units"):
            raise TypeError(
                f"`{name}` has units ({type(thing).__name__}), which would be lost: give plain "
                f"numbers, as {name}.magnitude or {name}.value, and put units on inside f"
            )


def as_args(args: Any, *_: Any) -> tuple[Any, ...]:
    """Return further arguments of f; what is no tuple is one of them, but a list may be either."""
    if isinstance(args, list):
        raise TypeError("`args` must be a tuple, got list: write args=tuple(a), or args=(a,)")
    return args if isinstance(args, tuple) else (args,)


def as_kwargs(kwargs: Any, *_: Any) -> dict[str, Any]:
    """Return further keyword arguments of f."""
    if kwargs is not None and not isinstance(kwargs, Mapping):
        raise TypeError(f"`kwargs` must be a dict, got {kwargs!r}: write kwargs={{'name': value}}")
    return dict(kwargs or {})


def as_vector(v: Any, x: Floats, name: str = "v", layout: Named | None = None) -> Floats:
    """Return v in float64, which must have the shape of x, or its keys."""
    vector = as_point(v if layout is None else layout.flat(v, name), name)
    if vector.shape != x.shape:
        raise ValueError(f"`{name}` must have the shape of x, {x.shape}, got {vector.shape}")
    return vector


def require_callable(f: Any, name: str) -> None:
    """Raise TypeError if f cannot be called."""
    if not callable(f):
        raise TypeError(f"`{name}` must be callable, got {type(f).__name__}")


def read(
    f: Callable[..., Any],
    x: Floats,
    layout: Named | None = None,
    *,
    method: str | Stencil = "auto",
    step: Any = None,
    **others: Any,
) -> Options:
    """Check the options that all operators share.

    Raises
    ------
    TypeError
        If f cannot be called, or an option is of the wrong kind or there is none of its name.
    ValueError
        If an option's value is not allowed, or x lies outside the bounds.
    """
    if not callable(f):
        require_callable(f, "f")
    chosen = METHODS[method] if method in NAMES else named_method(method)
    if not others and layout is None and type(step) in USUAL and x.size <= FEW:
        return _usual(chosen, step, x.shape)
    return _read(chosen, step, others, x, layout)


@lru_cache(maxsize=16)
def _usual(method: Method, step: float | str | None, shape: tuple[int, ...]) -> Options:
    """Return the options of a method and a step, which are good for any x of a shape."""
    options, n = _read(method, step, {}, np.empty(shape), None), math.prod(shape)
    first = method.stencil is None or method.stencil.order == 1
    if options.way != "single" or n == 0 or not first:
        return options
    size = None if isinstance(step, str) else step
    return options._replace(plan=plan_of(options.method.level(1), size, n))


def _read(
    chosen: Method, step: Any, others: dict[str, Any], x: Floats, layout: Named | None
) -> Options:
    if step is None:
        way, steps = "complex" if chosen is METHODS["complex"] else "ladder", None
    else:
        way, steps = _way(chosen, step), _step(step, x, layout)
    if layout is None and not others:
        return Options(way, chosen, steps)
    names = () if layout is None else layout.names
    return Options(way, chosen, steps, names=names, **_fields(others, x, layout))


def _fields(given: dict[str, Any], x: Floats, layout: Named | None) -> dict[str, Any]:
    """Return what options become, those of expensive functions one field together."""
    fields: dict[str, Any] = {}
    if not ASKING.isdisjoint(given):
        fields["asking"] = read_asking(**{name: given.pop(name) for name in ASKING & given.keys()})
    for name, value in given.items():
        if name not in READERS:
            raise TypeError(f"there is no option {name!r}")
        field, reader = READERS[name]
        fields[field] = reader(value, x, layout)
    return fields


def _way(method: Method, step: Any) -> str:
    """Say how derivatives are taken where a step is given."""
    if method is METHODS["complex"]:
        if isinstance(step, str):
            raise ValueError(
                f"`step` {step!r} is for differences of real points: leave it out, or choose "
                "another `method` than 'complex'"
            )
        return "complex"
    if isinstance(step, str) and step != TEXTBOOK:
        return "rule"
    return "single" if method.columns == 1 else "ladder"


# The readers of options: of what was given, x, and the names of its entries


def _step(step: Any, x: Floats, layout: Named | None) -> Floats | str:
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
    if isinstance(step, bool):
        raise TypeError(f"`step` must be a number, an array like x or a name, got {step!r}")
    sizes = as_point(step if layout is None else layout.flat(step, "step"), "step")
    if sizes.shape not in ((), x.shape):
        raise ValueError(
            f"`step` must be a number or have the shape of x, {x.shape}, got {sizes.shape}"
        )
    if not (sizes > 0.0).all():
        raise ValueError(f"`step` must be positive, got {_first(sizes, sizes <= 0.0)}")
    return np.broadcast_to(sizes, x.shape).flatten()


def _noise(noise: Any, *_: Any) -> Floats | None:
    if noise is None:
        return None
    sizes = as_point(noise, "noise")
    if not (sizes >= 0.0).all():
        raise ValueError(f"`noise` must not be negative, got {_first(sizes, sizes < 0.0)}")
    return sizes


def _accuracy(accuracy: Any, *_: Any) -> float:
    if accuracy is None:
        return 0.0
    share = _number(accuracy, "accuracy")
    if not 0.0 < share < 1.0:
        raise ValueError(
            f"`accuracy` must lie between 0 and 1, got {accuracy!r}: it is relative, as the rtol "
            "of a solver; an absolute error of f is `noise`"
        )
    return share


def _bounds(bounds: Any, x: Floats, layout: Named | None) -> Box | None:
    if bounds is None:
        return None
    from numdiff.bounds import box_of  # noqa: PLC0415 - loads when needed

    return box_of(bounds, x, layout)


def _rtol(rtol: Any, *_: Any) -> float:
    bar = _number(rtol, "rtol")
    if not bar >= 0.0:
        raise ValueError(f"`rtol` must be zero or positive, got {rtol!r}")
    return bar


def _max_nfev(max_nfev: Any, *_: Any) -> float:
    limit = math.inf if max_nfev is None else _number(max_nfev, "max_nfev")
    if not limit >= 1.0:
        raise ValueError(f"`max_nfev` must be at least 1, got {max_nfev!r}")
    if limit < math.inf and not limit.is_integer():
        raise ValueError(f"`max_nfev` must be a whole number, got {max_nfev!r}")
    return limit


def _number(value: Any, name: str) -> float:
    if not isinstance(value, Real) or isinstance(value, bool):
        raise TypeError(f"`{name}` must be a number, got {value!r}")
    return float(value)


def _vectorized(vectorized: Any, *_: Any) -> bool:
    if not isinstance(vectorized, bool | np.bool_):
        raise TypeError(f"`vectorized` must be True or False, got {vectorized!r}")
    return bool(vectorized)


def _on_flag(on_flag: Any, *_: Any) -> str:
    if on_flag not in ON_FLAG:
        names = ", ".join(map(repr, ON_FLAG))
        raise ValueError(f"`on_flag` must be one of {names}, got {on_flag!r}")
    return str(on_flag)


# the field that each option becomes, and its reader
READERS: Mapping[str, tuple[str, Callable[[Any, Floats, Named | None], Any]]] = MappingProxyType(
    {
        "noise": ("noise", _noise),
        "accuracy": ("accuracy", _accuracy),
        "bounds": ("box", _bounds),
        "rtol": ("rtol", _rtol),
        "max_nfev": ("max_nfev", _max_nfev),
        "vectorized": ("vectorized", _vectorized),
        "args": ("args", as_args),
        "kwargs": ("kwargs", as_kwargs),
        "on_flag": ("on_flag", _on_flag),
    }
)


def _first(values: Array, bad: Mask) -> str:
    if values.ndim == 0:
        return repr(values[()].item())
    where = tuple(int(k) for k in np.argwhere(bad)[0]) if bad.any() else (0,) * values.ndim
    shown = where[0] if len(where) == 1 else where
    return f"{values[where].item()!r} at entry {shown}"
