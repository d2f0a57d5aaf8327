"""Points as they stand in files, or come through a pipe."""

from __future__ import annotations

import json
import re
import sys
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

STDIN = "-"


def point_in(place: str) -> Any:
    """Return the array, or the dict of arrays, that a file holds.

    Parameters
    ----------
    place : str
        Path of a .npy, .npz, .csv, .txt or .json file, or ``"-"``, standard input: JSON, or numbers
        separated by commas or blanks.

    Raises
    ------
    ValueError
        If there are no numbers in it, or it is no such file; it says so.
    """
    path = Path(place)
    if place != STDIN and path.suffix not in READERS:
        raise ValueError(f"expected a file {', '.join(READERS)} or -, got {place!r}")
    try:
        found = _text(sys.stdin.read()) if place == STDIN else READERS[path.suffix](path)
    except (OSError, ValueError, EOFError) as error:
        line = " ".join(f"{type(error).__name__}: {error}".split())
        raise ValueError(f"cannot read {place!r}: {line}") from None
    if not (len(found) if isinstance(found, dict) else np.size(found)):
        raise ValueError(f"there are no numbers in {place!r}")
    return found


def _npy(path: Path) -> Any:
    with path.open("rb") as file:
        return np.lib.format.read_array(file, allow_pickle=False)


def _npz(path: Path) -> Any:
    with np.load(path, allow_pickle=False) as file:
        arrays = dict(file)
    return next(iter(arrays.values())) if len(arrays) == 1 else arrays


def _csv(path: Path) -> Any:
    return _table(path, ",")


def _txt(path: Path) -> Any:
    return _table(path, "," if "," in path.read_text(encoding="utf-8-sig") else None)


def _table(path: Path, delimiter: str | None) -> Any:
    with warnings.catch_warnings(action="ignore"):  # of no numbers, which is an error here
        return np.loadtxt(path, delimiter=delimiter, encoding="utf-8-sig")


def _json(path: Path) -> Any:
    return _text(path.read_text(encoding="utf-8-sig"))


def _text(text: str) -> Any:
    if text.lstrip()[:1] in {"[", "{"}:
        found = json.loads(text)
        if isinstance(found, dict):
            return {key: np.array(part, np.float64)[()] for key, part in found.items()}
        return np.array(found, np.float64)
    return np.array([float(word) for word in re.split(r"[\s,;]+", text.strip()) if word])


READERS: Mapping[str, Callable[[Path], Any]] = MappingProxyType(
    {".npy": _npy, ".npz": _npz, ".csv": _csv, ".txt": _txt, ".json": _json}
)
