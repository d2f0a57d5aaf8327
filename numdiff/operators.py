"""The operators: they choose directions and put numbers back in shape."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypedDict, Unpack

import numpy as np
from numpy.typing import ArrayLike, NDArray

from numdiff.assemble import estimate_from, estimate_of, per_output, refuse_if_lost, symmetric, symmetrised
from numdiff.complexstep import complex_step
from numdiff.directions import Directions, along, axes, joined
from numdiff.estimate import Estimate
from numdiff.evaluate import Call
from numdiff.lines import Lines, Problem, still
from numdiff.options import Options, as_point, as_vector, read
from numdiff.second import second
from numdiff.sides import differentiate, pose
from numdiff.stencil import Stencil

__all__ = ["derivative", "gradient", "hessian", "hessian_diagonal", "hvp", "jacobian", "jvp"]

Floats = NDArray[np.float64]
Function = Callable[..., Any]


class Settings(TypedDict, total=False):
    """The options that all operators share; `derivative` tells what they mean."""

    method: str | Stencil
    step: ArrayLike | str | None
    bounds: Any
    rtol: float
    max_nfev: int | None
    vectorized: bool
    args: tuple[Any, ...]


def derivative(f: Function, x: ArrayLike, *, order: int = 1, **options: Unpack[Settings]) -> Estimate:
    point = as_point(x)
    if not isinstance(order, int) or isinstance(order, bool) or not 1 <= order <= 10:
        raise ValueError(f"`order` must be an integer from 1 to 10, got {order!r}")
    settings = read(f, point, **options)
    call = Call(f, (), settings.args, vectorized=settings.vectorized, scalar=True)
    lines = [
        _follow(call, number, axes(1), order, settings.at(k))
        for k, number in enumerate(point.reshape(-1, 1))
    ]
    if not lines:
        raise ValueError("`x` must hold at least one point, got an empty array")
    shapes = {one.form.shape for one in lines}
    if len(shapes) > 1:
        raise ValueError(f"f must return the same shape at every point of x, got {sorted(shapes)}")
    parts = [per_output(one) for one in lines]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    whole = replace(
        lines[0],
        nfev=sum(one.nfev for one in lines),
        trouble=next((one.trouble for one in lines if one.trouble), None),
    )
    return estimate_from(columns, point.shape + whole.form.shape, whole, settings.method.name)


def gradient(f: Function, x: ArrayLike, **options: Unpack[Settings]) -> Estimate:
    point = as_point(x)
    settings = read(f, point, **options)
    lines = _follow(_call(f, point, settings), point.ravel(), axes(point.size), 1, settings)
    return estimate_of(per_output(_one_output(lines)), point.shape, lines, settings.method.name)


def jacobian(f: Function, x: ArrayLike, **options: Unpack[Settings]) -> Estimate:
    return _axis_by_axis(f, x, 1, options)


def hessian_diagonal(f: Function, x: ArrayLike, **options: Unpack[Settings]) -> Estimate:
    return _axis_by_axis(f, x, 2, options)


def jvp(f: Function, x: ArrayLike, v: ArrayLike, **options: Unpack[Settings]) -> Estimate:
    point = as_point(x)
    vector = as_vector(v, point).ravel()
    settings = read(f, point, **options)
    call = _call(f, point, settings)
    if vector.any():
        lines = _follow(call, point.ravel(), along(vector), 1, settings)
    else:
        lines = still(pose(call, point.ravel(), settings), 1)
    return estimate_of(per_output(lines), lines.form.shape, lines, settings.method.name)


def hessian(
    f: Function, x: ArrayLike, *, grad: Function | None = None, **options: Unpack[Settings]
) -> Estimate:
    if grad is not None:
        found = jacobian(grad, x, **options)
        return symmetrised(found, as_point(x).shape)
    point = as_point(x)
    settings = read(f, point, **options)
    problem = pose(_call(f, point, settings), point.ravel(), settings)
    n = point.size
    diagonal, across = second(problem, axes(n), *np.triu_indices(n, 1), settings)
    columns = symmetric(per_output(diagonal), per_output(across), n)
    shape = diagonal.form.shape + point.shape + point.shape
    return estimate_from(columns, shape, _total(diagonal, across), settings.method.name)


def hvp(f: Function, x: ArrayLike, v: ArrayLike, **options: Unpack[Settings]) -> Estimate:
    point = as_point(x)
    vector = as_vector(v, point).ravel()
    settings = read(f, point, **options)
    problem = pose(_call(f, point, settings), point.ravel(), settings)
    n = point.size
    if vector.any():
        both = joined(axes(n), along(vector))
        first, across = second(problem, both, np.arange(n), np.full(n, n), settings)
        lines = _total(first, across)
    else:
        lines = still(problem, n)
    _one_output(lines)
    return estimate_of(per_output(lines), point.shape, lines, settings.method.name)


def _axis_by_axis(f: Function, x: ArrayLike, order: int, options: Settings) -> Estimate:
    point = as_point(x)
    settings = read(f, point, **options)
    lines = _follow(_call(f, point, settings), point.ravel(), axes(point.size), order, settings)
    shape = lines.form.shape + point.shape
    return estimate_of(per_output(lines), shape, lines, settings.method.name)


def _call(f: Function, x: Floats, settings: Options) -> Call:
    return Call(f, x.shape, settings.args, vectorized=settings.vectorized)


def _follow(call: Call, x: Floats, directions: Directions, order: int, settings: Options) -> Lines:
    """Differentiate along directions by the method that was asked for."""
    if settings.single and 0 not in settings.used_offsets(order):
        lines = differentiate(Problem(call, x, budget=settings.max_nfev), directions, order, settings)
        refuse_if_lost(lines)
        return lines
    problem = pose(call, x, settings)
    if settings.is_complex:
        lines = complex_step(problem, directions, order, settings)
    else:
        lines = differentiate(problem, directions, order, settings)
    refuse_if_lost(lines)
    return replace(lines, nfev=lines.nfev + 1)


def _one_output(lines: Lines) -> Lines:
    if lines.value.shape[1] != (2 if lines.form.is_complex else 1):
        raise ValueError(f"f must have one output here, got shape {lines.form.shape}: use `jacobian`")
    return lines


def _total(first: Lines, across: Lines) -> Lines:
    """Return the second lines with the evaluations of both and of f(x)."""
    trouble = first.trouble or across.trouble
    return replace(across, nfev=first.nfev + across.nfev + 1, trouble=trouble)
