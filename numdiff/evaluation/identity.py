"""What tells one function from another: a journal must not give the values of one for the other."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from functools import partial
from hashlib import blake2b
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

PLAIN = (type(None), type(...), bool, int, float, complex, str, bytes, np.generic)
NAMED = (BuiltinFunctionType, ModuleType, type, np.ufunc)  # known by their names


def unwrapped(f: Any) -> tuple[Any, list[Any]]:
    """Return a function as it was handed over, and what we put around it: arguments, names."""
    around = []
    while hasattr(f, "around"):
        around.append(f.around)
        f = f.__wrapped__
    return f, around


def name_of(f: Any) -> str:
    """Return the name of a function, or that of the type of a callable object."""
    inner = f.func if isinstance(f, partial) else getattr(f, "__wrapped__", f)
    named = inner if hasattr(inner, "__qualname__") else type(inner)
    return f"{getattr(named, '__module__', None) or 'builtins'}.{named.__qualname__}"


def parts_of(f: Any) -> dict[str, str]:
    """Return digests of all that a function is made of, by what they are of.

    Of functions that is their code, their defaults, what their closures hold, and the data and
    functions of their module that they mention.

    Raises
    ------
    ValueError
        If something can be neither read nor pickled.
    """
    return {name: digest_of(thing) for name, thing in _things(f, set())}


def digest_of(thing: Any) -> str:
    """Return a digest of a thing and all that is in it."""
    digest = blake2b(digest_size=12)
    _feed(digest, thing, set())
    return digest.hexdigest()


def _things(f: Any, seen: set[int]) -> Iterator[tuple[str, Any]]:
    """Yield what a function is made of, and each function that it uses once."""
    if id(f) in seen or isinstance(f, NAMED):
        return
    seen.add(id(f))
    if isinstance(f, FunctionType):
        yield f"the code of {f.__qualname__}", f.__code__
        for name, thing in _held(f):
            inner = getattr(thing, "py_func", thing)  # Numba's
            if isinstance(inner, FunctionType | MethodType | partial):
                yield from _things(inner, seen)
            elif not isinstance(inner, NAMED):
                yield f"`{name}`", thing
    elif isinstance(f, MethodType):
        yield from _things(f.__func__, seen)
        yield "its object", f.__self__
    elif isinstance(f, partial):
        yield from _things(f.func, seen)
        yield "its arguments", (f.args, f.keywords)
    elif hasattr(f, "py_func"):
        yield from _things(f.py_func, seen)
    else:
        yield from _things(type(f).__call__, seen)
        yield "it", f


def _held(f: FunctionType) -> Iterator[tuple[str, Any]]:
    """Yield what a function holds, and what it mentions of its module."""
    yield "defaults", (f.__defaults__, f.__kwdefaults__)
    for name, cell in zip(f.__code__.co_freevars, f.__closure__ or (), strict=True):
        yield name, cell.cell_contents
    for name in f.__code__.co_names:
        thing = f.__globals__.get(name)
        if getattr(thing, "__module__", f.__module__) == f.__module__ or not callable(thing):
            yield name, thing


def _feed(digest: Any, thing: Any, seen: set[int]) -> None:
    """Take a thing into a digest, and what is in it; each once, as there may be loops."""
    kind = type(thing)
    digest.update(f"{kind.__module__}.{kind.__qualname__}:".encode())
    if isinstance(thing, PLAIN):
        digest.update(repr(thing).encode())
    elif isinstance(thing, NAMED):
        digest.update(f"{getattr(thing, '__module__', '')}.{thing.__name__}".encode())
    elif isinstance(thing, np.ndarray) and thing.dtype != object:
        digest.update(f"{thing.dtype.str}{thing.shape}".encode() + thing.tobytes())
    elif id(thing) not in seen:
        seen.add(id(thing))
        for part in _inside(thing):
            _feed(digest, part, seen)


def _inside(thing: Any) -> list[Any]:
    for kinds, parts in CONTAINERS:
        if isinstance(thing, kinds):
            return parts(thing)
    try:
        return [pickle.dumps(thing)]
    except Exception as error:
        raise ValueError(
            f"`journal` cannot tell the {type(thing).__name__} that f uses from another one "
            f"({error}): give it a name, as in journal=(path, 'my model, version 2')"
        ) from error


CONTAINERS: tuple[tuple[Any, Callable[[Any], list[Any]]], ...] = (
    ((tuple, list), lambda thing: [len(thing), *thing]),
    (dict, lambda thing: [len(thing), *(part for item in thing.items() for part in item)]),
    ((set, frozenset), lambda thing: sorted(thing, key=repr)),
    # where lines are does not matter
    (CodeType, lambda code: [code.co_code, code.co_names, code.co_varnames, code.co_consts]),
    (FunctionType, lambda f: [f.__code__, *(thing for _, thing in _held(f))]),
)
