"""What f says at many points, for pictures."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from numdiff.arrays import Array, Floats
from numdiff.evaluation.call import Call, Form, bound, evaluate
from numdiff.evaluation.dispatchers import as_function, is_dispatcher

Function = Callable[..., Any]


def values_at(
    f: Function, points: Array, shape: tuple[int, ...], *,
    args: tuple[Any, ...] = (), vectorized: bool = False, scalar: bool = False,
) -> Array:  # fmt: skip
    """Ask for an f with one output at points (N, n): N numbers, complex if the points are.

    A point outside the domain of f gives nan.

    Raises
    ------
    ValueError
        If f has more than one output.
    """
    plain = bool(args) or vectorized or not is_dispatcher(f)
    inner = bound(f, args) if plain else as_function(f)
    call = Call(inner, shape, vectorized, scalar)
    wanted = Form((), is_complex=True) if np.iscomplexobj(points) else None
    values = evaluate(call, points.copy(), wanted)
    outputs = values.form.unpack(values.rows)
    if outputs.shape[1] != 1:
        raise ValueError(f"f must have one output to be drawn, got shape {values.form.shape}")
    return np.asarray(outputs[:, 0])


def imaginary_slopes(
    f: Function, x: Floats, v: Floats, steps: Floats, *, scalar: bool, **options: Any
) -> Floats:
    """Return Im f(x + i h v) / h, the complex step, for each h: nan where f is not defined.

    Raises
    ------
    TypeError
        If f drops the imaginary part.
    """
    chosen = {name: options[name] for name in ("args", "vectorized") if name in options}
    points = x.ravel() + 1j * steps[:, None] * v.ravel()
    with warnings.catch_warnings():
        warnings.simplefilter("error", np.exceptions.ComplexWarning)
        try:
            values = values_at(f, points, x.shape, scalar=scalar, **chosen)
        except np.exceptions.ComplexWarning as warning:  # a cast, as in math.sin
            raise TypeError(
                "f takes no complex numbers: leave out `methods` 'complex'"
            ) from warning
    return np.asarray(values.imag / steps)
