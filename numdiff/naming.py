"""Points with names: dicts of numbers and arrays, and pandas Series, as flat arrays and back."""

from __future__ import annotations

import copy
import math
import sys
from collections.abc import Callable, Mapping, MutableMapping
from functools import partial
from typing import Any, NamedTuple, cast

import numpy as np

from numdiff.arrays import Array

Shape = tuple[int, ...]


class Named(NamedTuple):
    """How a point with names is laid out, flat.

    Parameters
    ----------
    names : tuple of str
        Of its entries, in flat order.
    shapes : mapping
        The shape of each part, by its key.
    like : dict or Series
        The point as it was handed over.
    """

    names: tuple[str, ...]
    shapes: Mapping[Any, Shape]
    like: Any

    def restored(self, flat: Array) -> Any:
        """Return a flat array, perhaps of many points (n, N), in the form of the point."""
        if not isinstance(self.like, Mapping):
            return type(self.like)(flat, index=self.like.index, name=self.like.name)
        parts, start = {}, 0
        for key, shape in self.shapes.items():
            stop = start + math.prod(shape)
            parts[key] = flat[start:stop].reshape(shape + flat.shape[1:])[()]
            start = stop
        if type(self.like) is dict or not isinstance(self.like, MutableMapping):
            return parts
        form = copy.copy(self.like)
        form.update(parts)
        return form

    def flat(self, value: Any, name: str) -> Any:
        """Return what has the keys of the point as one array; anything else as it is.

        Its parts may have axes in front of those of the point's.

        Raises
        ------
        ValueError
            If it has other keys.
        """
        if not has_names(value):
            return value
        if set(value.keys()) != set(self.shapes):
            raise ValueError(
                f"`{name}` must have the keys of x, {list(self.shapes)}, got {list(value.keys())}"
            )
        leaves = []
        for key, shape in self.shapes.items():
            leaf = np.asarray(value[key])
            leaves.append(leaf.reshape(*leaf.shape[: leaf.ndim - len(shape)], math.prod(shape)))
        return np.concatenate(leaves, -1)

    def inward(self, function: Callable[..., Any], points: int = 1) -> Callable[..., Any]:
        """Return the function of flat arrays; its first so many arguments have names."""
        inner: Any = partial(_of_names, function, self, points)
        inner.__wrapped__, inner.around = function, (type(self.like), self.shapes)
        return cast("Callable[..., Any]", inner)


def _of_names(
    function: Callable[..., Any], named: Named, points: int, /, *given: Any, **words: Any
) -> Any:
    restored = (named.restored(flat) for flat in given[:points])
    return named.flat(function(*restored, *given[points:], **words), "what is returned")


def has_names(x: Any) -> bool:
    """Say whether x is a dict or a pandas Series, which is known without importing pandas."""
    pandas = sys.modules.get("pandas")
    return isinstance(x, Mapping) or (pandas is not None and isinstance(x, pandas.Series))


def named(x: Any, read: Callable[[Any, str], Array]) -> tuple[Array, Named]:
    """Return a dict or a Series as a flat array, and how it is laid out.

    Parameters
    ----------
    x : dict or Series
        The point.
    read : callable
        ``read(part, name)`` makes an array of a part.

    Raises
    ------
    ValueError
        If a key occurs twice.
    """
    if not isinstance(x, Mapping):
        if not x.index.is_unique:
            raise ValueError("`x` must have distinct labels: its index has duplicates")
        return read(x.to_numpy(), "x"), Named(
            tuple(map(str, x.index)), dict.fromkeys(x.index, ()), x
        )
    parts = {key: read(part, f"x[{key!r}]") for key, part in x.items()}
    names = tuple(
        f"{key}[{', '.join(map(str, index))}]" if index else str(key)
        for key, part in parts.items()
        for index in np.ndindex(part.shape)
    )
    flat = np.concatenate([np.empty(0), *(part.ravel() for part in parts.values())])
    return flat, Named(names, {key: part.shape for key, part in parts.items()}, x)
