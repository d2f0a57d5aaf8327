"""Whether two states of the code give the same answers, to the last bit.

Both are asked the same questions: all operators, orders and methods, black boxes and compiled
functions, noise, kinks and checks. Nothing is stored; an older state is taken from git.
"""

from __future__ import annotations

import argparse
import io
import os
import pickle
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.report import table

ROOT = Path(__file__).parents[1]
GROUPS = ("scalar", "hard", "random", "array", "shaped", "compiled", "verify")
SHOWN = 12

Answer = dict[str, Any]
Key = tuple[str, str]


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("revision", help="what the working tree is compared with, such as HEAD")
    parser.add_argument("--group", nargs="+", choices=GROUPS, default=GROUPS, help="questions")
    parser.add_argument(
        "--but", nargs="+", default=[], metavar="PART", help="parts that may differ, such as nfev"
    )


def run(options: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory() as scratch:
        before, now = Path(scratch, "before"), Path(scratch, "now")
        _take_from_git(options.revision, before)
        _copy("numdiff", now)
        running = [_start(place, options.group) for place in (before, now)]
        if any(process.wait() for process in running):
            print("the questions could not be asked")
            return 2
        answers = [dict(_read(place)) for place in (before, now)]
    return report(*answers, set(options.but))


def _take_from_git(revision: str, place: Path) -> None:
    packed = subprocess.check_output(["git", "archive", revision, "numdiff"], cwd=ROOT)
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(place, filter="data")


def _copy(name: str, place: Path) -> None:
    """Copy all of a package: without `__init__` one that is installed would be imported."""
    shutil.copytree(ROOT / name, place / name, ignore=shutil.ignore_patterns("__pycache__"))


def _start(place: Path, groups: list[str]) -> subprocess.Popen[bytes]:
    """Ask with the questions of the working tree, whatever state the package is in."""
    for name in ("benchmarks", "tests"):
        _copy(name, place)
    alone = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(place)}
    command = [sys.executable, "-m", "benchmarks.answers", "answers", *groups]
    return subprocess.Popen(command, cwd=place, env={**os.environ, **alone})


def _read(place: Path) -> Iterator[tuple[Key, Answer]]:
    with (place / "answers").open("rb") as stream:
        while True:
            try:
                group, name, answer = pickle.load(stream)
            except EOFError:
                return
            yield (group, name), answer


def report(before: dict[Key, Answer], now: dict[Key, Answer], but: set[str]) -> int:
    """Print which answers differ and in what; 1 if any does."""
    differing = {}
    for key in {**before, **now}:
        parts = differences(before.get(key, {}), now.get(key, {})) - but
        if parts:
            differing[key] = parts
    total, wrong = (Counter(group for group, _ in keys) for keys in (now, differing))
    rows = [(group, f"{total[group]}", f"{wrong[group]}") for group in total]
    print(table([("questions", "asked", "differ"), *rows]))
    for (group, name), parts in list(differing.items())[:SHOWN]:
        print(f"{group}: {name}: {', '.join(sorted(parts))}")
        for title, answers in (("before", before), ("now", now)):
            print(f"  {title}: {_shown(answers.get((group, name), {}), parts)}")
    if len(differing) > SHOWN:
        print(f"... {len(differing) - SHOWN} more")
    print("the same" if not differing else f"{len(differing)} answers differ")
    return int(bool(differing))


def differences(one: Answer, other: Answer) -> set[str]:
    return {part for part in {*one, *other} if one.get(part) != other.get(part)}


def _shown(answer: Answer, parts: set[str]) -> str:
    return "; ".join(f"{part} {_plain(answer.get(part))}" for part in sorted(parts))


def _plain(part: Any) -> str:
    if isinstance(part, tuple) and len(part) == 3 and isinstance(part[2], bytes):
        shape, kind, raw = part
        numbers = np.frombuffer(raw, kind).reshape(shape).ravel()
        return f"{numbers[:6].tolist()}{' ...' if numbers.size > 6 else ''}"
    return str(part)[:200]
