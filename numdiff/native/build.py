"""Compiled functions around a compiled f: what `numdiff.native` returns is made here.

Imported only where Numba is wanted.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numba import njit, typeof, types

from numdiff.arrays import Floats
from numdiff.constants import EPS
from numdiff.drivers import compiled as driver
from numdiff.drivers.compiled_mixed import curve
from numdiff.evaluation import intrinsics
from numdiff.evaluation.dispatchers import (
    ARRAY,
    IN_PLACE,
    SCALAR,
    Compiled,
    InPlace,
    as_function,
    found,
)
from numdiff.ladder.channels import Channels, mixed_channels
from numdiff.ladder.differences import scaling, weighted
from numdiff.ladder.parts import KernelCompiler, PartCompiler
from numdiff.ladder.points import place
from numdiff.ladder.runtime import compiled
from numdiff.methods import METHODS, Level

__all__ = ["Target", "differences", "ladder", "second_differences", "target"]

_compile: Any = njit
# `_nrt` is said everywhere: what is compiled for a loop would inherit its own
jit = _compile(error_model="numpy", _nrt=True, pipeline_class=KernelCompiler)
_inside = partial(_compile, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)
lean = _inside(_nrt=True)  # what only compiled code calls
part = _inside(_nrt=True, pipeline_class=PartCompiler)  # the same, but not for every value
bare = _inside(_nrt=False, pipeline_class=PartCompiler)  # a loop that counts no references

_VECTOR = types.float64[::1]
_SMALLEST = frozenset(
    method.level(2).stencil.offsets for method in METHODS.values() if method.columns == 1
)


class Target(NamedTuple):
    """A function to differentiate, as compiled code sees it.

    Parameters
    ----------
    values : dispatcher
        ``values(x)`` takes a vector and returns a new one.
    outputs : int
        How many numbers f returns, 0 if only its values tell.
    ask : dispatcher
        ``ask(kind, address, x, out)`` writes f(x) to ``out``, or nan and returns True if f raised;
        the first two are for others of its kind.
    code : Compiled
        Machine code of f that kernels can call.
    vector : dispatcher
        ``vector(x)`` copies what the user handed over to a vector.
    shaped : dispatcher
        ``shaped(columns)`` gives the columns (n, m) of an answer the shape that the user expects.
    """

    values: Any
    outputs: int
    ask: Any
    code: Compiled
    vector: Any
    shaped: Any


def target(f: Any, *, scalar: bool, single_output: bool) -> Target:
    """Compile f for what it will be given and wrap it up.

    Raises
    ------
    TypeError
        If f does not return numbers, or more than one where there must be one.
    """
    inner, take = as_function(f), _first if scalar else _whole
    in_place = isinstance(inner, InPlace)
    returned = _VECTOR if in_place else _returned(f, scalar=scalar)
    plain = isinstance(returned, types.Number | types.Boolean)
    if single_output and in_place:
        raise TypeError(
            "`f` must take x alone, and return one number, but takes two arguments: bind the "
            "second in an @njit function of x; native.jacobian takes f(x, out) that writes"
        )
    if single_output and not plain:
        raise TypeError(f"`f` must return one number here, got {returned}: use native.jacobian")
    form = SCALAR if plain else IN_PLACE if in_place else ARRAY
    if in_place:
        f.compile((_VECTOR, _VECTOR))
    values, ask = _values(f, take, form), _attempt(f, take, form)
    code = found(inner, scalar=scalar) or found(InPlace(_raising(ask)), scalar=False)
    assert code is not None
    return Target(values, int(plain), ask, code, *_SHAPES[scalar][plain])


def _returned(f: Any, *, scalar: bool) -> Any:
    """Return the type of what f returns."""
    takes = types.float64 if scalar else _VECTOR
    cases = f.get_call_template((takes,), {})[0].cases
    returned = cases[0].return_type if cases else "what Numba knows no type of"
    one = returned.dtype if isinstance(returned, types.Array) and returned.ndim == 1 else returned
    if not isinstance(one, types.Float | types.Integer | types.Boolean):
        raise TypeError(
            f"`f` must return a real number or a one-dimensional array of them, got {returned}"
        )
    return returned


# The branches on what f returns are gone before Numba looks at types: `form` is a constant.
def _values(f: Any, take: Any, form: int) -> Any:
    """Return f as a function of a vector that returns a new one."""

    @part
    def values(x):
        if form == ARRAY:
            return f(take(x)).astype(np.float64)
        out = np.full(1 if form == SCALAR else x.size, np.nan)
        if form == SCALAR:
            out[0] = f(take(x))
        else:
            f(x, out)
        return out

    return values


def _attempt(f: Any, take: Any, form: int) -> Any:
    """Return `machine_code.ask` for f, which is called inside ``try``: elsewhere memory leaks."""

    @lean
    def ask(kind, address, x, out):  # noqa: ARG001 - as those that call through addresses
        try:
            if form == SCALAR:
                out[0] = f(take(x))
            elif form == IN_PLACE:
                out[:] = np.nan  # what f does not write
                f(x, out)
            else:
                got = f(take(x))
                if got.size == out.size:
                    for k in range(out.size):
                        out[k] = got[k]
                    return False
                out[:] = np.nan  # another shape than at x
                return True
        except Exception:  # noqa: BLE001 - beside x, f is not defined where it raises
            out[:] = np.nan
            return True
        return False

    return ask


def _raising(ask: Any) -> Any:
    """Return a function that writes to ``out`` and raises where `ask` says that f did."""

    @jit
    def write(x, out):
        if ask(0, 0, x, out):
            raise ValueError("f raised, or returned another shape than at x")

    write.compile((_VECTOR, _VECTOR))
    return write


_first, _whole = part(lambda x: x[0]), part(lambda x: x)
_nowhere, _no_value = jit(lambda: 0), part(lambda _: np.empty(1))


@part
def _one_entry(x):
    point = np.empty(1)
    point[0] = x
    return _checked(point)


@part
def _copy(x):
    if len(x.shape) != 1:
        raise ValueError("`x` must be one-dimensional: give f a flat x and reshape inside")
    point = np.empty(x.size)
    for k in range(x.size):  # to compile the message of point[:] = x takes Numba seconds
        point[k] = x.flat[k]
    return _checked(point)


@part
def _checked(point):
    for entry in point:
        if not math.isfinite(entry):
            raise ValueError("`x` must be finite")
    return point


# by whether f takes a number, and whether it returns one: how x comes in and the columns go out
_SHAPES = (
    (
        (_copy, part(lambda columns: columns.T)),
        (_copy, part(lambda columns: columns.reshape(columns.size))),
    ),
    (
        (_one_entry, part(lambda columns: columns[0].copy())),
        (_one_entry, part(lambda columns: columns[0, 0])),
    ),
)


def ladder(
    target: Target,
    sides: tuple[Channels, ...],
    plan: tuple[Any, ...],
    level: Level,
    *,
    curved: bool,
) -> Any:
    """Compile ``g(x) -> (value, error)`` by the ladder: derivatives along the axes, or Hessians."""
    first, step, roams = plan
    vector, values, steps = target.vector, target.values, _steps(step, level)
    shaped = _whole if curved else target.shaped
    axes = np.zeros(1, np.int64), np.zeros(1, np.int64), np.ones(1)
    mixed = mixed_channels(one_sided=False), mixed_channels(one_sided=True)
    work, *others = (curve, sides, mixed) if curved else (driver.answer, axes, sides)
    answer, kind, address = _answering(target, work, *others)

    @jit
    def g(x):
        point = vector(x)
        f0 = values(point.copy())
        n, start = point.size, (first, steps(point), roams)
        size = (n, n if curved else f0.size)
        value, error = np.empty(size), np.empty(size)
        if curved:
            answer(kind, address(), point, f0, sides, mixed, start, value, error)
        else:
            axes = (np.arange(n), np.arange(n), np.ones(n))
            answer(kind, address(), point, f0, axes, sides, start, value, error)
        return shaped(value), shaped(error)

    return g


def differences(target: Target, level: Level, step: Floats | str) -> Any:
    """Compile ``g(x) -> (value, error)``, derivatives along the axes by a single step."""
    vector, shaped, ask = target.vector, target.shaped, target.ask
    values = target.values if level.centre or not target.outputs else _no_value
    offsets, weights, order = level.offsets, level.weights, level.stencil.order
    centre, steps = level.centre, _steps(step, level)
    displace, total, scale = compiled(place), compiled(weighted), compiled(scaling)

    @bare
    def loop(point, f0, h, value, error, room):
        here, index, one, block, arrived, stretch = room
        for d in range(point.size):
            index[0] = d
            displace(here, h[d : d + 1], point, here, index, one, offsets, block, stretch)
            for p in range(offsets.size):
                ask(0, 0, block[0, p], arrived[p])
            total(arrived, weights, centre, f0, scale(h[d], stretch[0], order), value[d])
            for i in range(value.shape[1]):
                error[d, i] = np.nan
                if not math.isfinite(value[d, i]):
                    value[d, i], error[d, i] = np.nan, np.inf

    @jit
    def g(x):
        point = vector(x)
        f0 = values(point.copy())
        n, m, width, here = point.size, f0.size, offsets.size, np.zeros(1, np.int64)
        value, error = np.empty((n, m)), np.empty((n, m))
        room = (
            here, here.copy(), np.ones(1), np.empty((1, width, n)), np.empty((width, m)),
            np.empty(1),
        )  # fmt: skip
        loop(point, f0, steps(point), value, error, room)
        return shaped(value), shaped(error)

    return g


def second_differences(target: Target, level: Level, step: Floats | str) -> Any:
    """Compile ``g(x) -> (value, error)``, the Hessian by a single step."""
    if level.stencil.offsets not in _SMALLEST:
        raise ValueError(
            "a Hessian with a single `step` takes the methods 'forward', 'backward' and 'central': "
            "leave `step` out, or use method 'auto'"
        )
    vector, values, ask, steps = target.vector, target.values, target.ask, _steps(step, level)
    offsets, weights, centre = level.offsets, level.weights, level.centre
    near = offsets[np.abs(offsets) == 1.0]

    @jit
    def g(x):
        point = vector(x)
        f0, n, h, moved, out = values(point.copy())[0], point.size, steps(point), point, np.empty(1)
        value, rise = np.empty((n, n)), np.zeros(n)
        for d in range(n):
            value[d, d] = centre * f0
            for p in range(offsets.size):
                moved = point.copy()
                moved[d] += offsets[p] * h[d]
                ask(0, 0, moved, out)
                value[d, d] += weights[p] * out[0]
                if abs(offsets[p]) == 1.0:
                    rise[d] += (out[0] - f0) / near.size
            value[d, d] /= h[d] ** 2
        for i in range(n):
            for j in range(i + 1, n):
                across = -f0 - rise[i] - rise[j]
                for sign in near:
                    moved = point.copy()
                    moved[i] += sign * h[i]
                    moved[j] += sign * h[j]
                    ask(0, 0, moved, out)
                    across += out[0] / near.size
                value[i, j] = value[j, i] = across / (h[i] * h[j])
        return value, np.full((n, n), np.nan)

    return g


def _answering(target: Target, work: Any, *others: Any) -> tuple[Any, int, Any]:
    """Return a driver as a function to call, and how it calls f; `others` are like its arguments.

    Without calls through addresses the driver is compiled for this f.
    """
    if not intrinsics.works():
        return compiled(work, ask=target.ask), 0, _nowhere
    plane, vector = np.empty((1, 1)), np.empty(1)
    arguments = (0, 0, vector, vector, *others, (1.0, vector, True), plane, plane)
    takes = tuple(typeof(one) for one in arguments)
    kind, address, library = target.code
    where = intrinsics.fixed(address)
    where.library = library
    return intrinsics.calling(compiled(work), takes), kind, where


def _steps(step: Floats | str | None, level: Level) -> Any:
    """Compile the steps that the user gave, of the size of x; none if he did not."""
    if step is None:
        return part(lambda _: np.empty(0))
    if isinstance(step, str):
        power = math.log2(EPS) / level.balance
        return part(lambda x: 2.0 ** np.rint(power + np.log2(np.maximum(np.abs(x), 1.0))))
    given = np.array(step)

    @part
    def steps(x):
        if given.size not in (1, x.size):
            raise ValueError("`step` must be a number or have the shape of x")
        return np.full(x.size, given[0]) if given.size == 1 else given.copy()

    return steps
