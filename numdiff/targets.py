"""Functions that are named on the command line: found in modules and files, and loaded."""

from __future__ import annotations

import contextlib
import difflib
import importlib
import importlib.util
import sys
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

__all__ = ["Target", "UsageError", "in_a_line", "load", "search_path", "suggestion"]


class UsageError(Exception):
    """What was typed, or the function it names, cannot be used; the message says why."""


class Target(NamedTuple):
    """A function that is named but not loaded yet."""

    place: str
    name: str


def in_a_line(error: BaseException) -> str:
    """Say in one line of bearable length what was raised."""
    line = f"{type(error).__name__}: {error}".removesuffix(": ")
    return textwrap.shorten(line, 300, placeholder=" ...")


@contextlib.contextmanager
def search_path() -> Iterator[None]:
    """Let modules of the current directory be imported, and take back all changes in the end."""
    before = sys.path.copy()
    sys.path.insert(0, "")
    try:
        yield
    finally:
        sys.path[:] = before


def load(target: Target) -> Any:
    """Return the function that is named.

    Raises
    ------
    UsageError
        If there is none, or what its module raises.
    """
    in_file = target.place.endswith(".py") or "/" in target.place or "\\" in target.place
    thing: Any = _file(target.place) if in_file else _module(target.place)
    where = repr(target.place)
    for name in target.name.split("."):
        if not hasattr(thing, name):
            names = [other for other in dir(thing) if not other.startswith("_")]
            raise UsageError(f"there is no {name!r} in {where}{suggestion(name, names)}")
        thing = getattr(thing, name)
        where = repr(name)
    if not callable(thing):
        kind = type(thing).__name__
        raise UsageError(f"{target.name!r} in {target.place!r} is of type {kind}; name a function")
    return thing


def _module(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except (Exception, SystemExit) as error:
        missing = getattr(error, "name", None) if isinstance(error, ModuleNotFoundError) else None
        if missing is None or not f"{name}.".startswith(f"{missing}."):
            raise UsageError(f"cannot import {name!r}: {in_a_line(error)}") from error
        modules = [path.stem for path in Path().glob("*.py")]
        raise UsageError(
            f"there is no module {missing!r}, neither installed nor in the current directory"
            f"{suggestion(missing, modules)}"
        ) from error


def _file(place: str) -> ModuleType:
    path = Path(place).resolve()
    # Another module may have the file's name, and be needed under it.
    name = path.stem if path.stem not in sys.modules else str(path)
    for module in [sys.modules[key] for key in {path.stem, name} & sys.modules.keys()]:
        if getattr(module, "__file__", None) == str(path):
            return module
    spec = importlib.util.spec_from_file_location(name, path) if path.is_file() else None
    if spec is None or spec.loader is None:
        near = suggestion(path.name, [other.name for other in path.parent.glob("*.py")])
        raise UsageError(f"there is no Python file {place!r}{near}")
    sys.path.insert(0, str(path.parent))
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise UsageError(f"cannot import {place!r}: {in_a_line(error)}") from error
    return module


def suggestion(name: str, names: Iterable[str], cutoff: float = 0.6) -> str:
    """Ask whether the nearest of some names was meant, if one is near."""
    near = difflib.get_close_matches(name, names, n=1, cutoff=cutoff)
    return f"; did you mean {near[0]!r}?" if near else ""
