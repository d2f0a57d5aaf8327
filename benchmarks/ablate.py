"""What each named constant of the ladder and of kinks is good for: four times as much, a quarter.

Kernels are interpreted, so that a changed constant is seen everywhere; the questions are first
derivatives of the corpus and instances of the families of ``trust``. A constant that changes no
answer, to the last bit, can go, or the questions are too few; one that changes answers but no
figure may as well be another number.
"""

from __future__ import annotations

import argparse
import ast
import math
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np

from benchmarks.quiet import quiet
from benchmarks.report import table
from benchmarks.trust import Verdict, verdict_of
from numdiff.ladder import runtime
from tests.corpus.families import FAMILIES, Instance, instances
from tests.measuring.cases import every_kth, scalar_tasks
from tests.measuring.constants import ROOMS, Constant, constants_of

FACTORS = (4.0, 0.25)
FIGURES = ("uncovered", "lies", "missed", "flags", "evals")


@dataclass(frozen=True)
class Answers:
    """All that came out: the bits of each answer, and the figures of all."""

    bits: list[bytes]
    figures: tuple[float, ...]


def questions(half: str | None, limit: int) -> list[Instance]:
    """First derivatives of the corpus, and families: so many of each at most."""
    tasks = every_kth(list(scalar_tasks(1, half)), limit)
    plain = [_instance(task.case, task.f, float(task.x), task.exact) for task in tasks]
    drawn = [one for family in FAMILIES for one in instances(family, half=half, seed=0)]
    cheap = [one for one in drawn if one.accuracy is None]  # solvers take most of the time
    return plain + every_kth(cheap, limit)


def _instance(name: str, f: object, x: float, exact: np.ndarray) -> Instance:
    return Instance(f, x, lambda: float(exact), name=name, tags=frozenset({"smooth", "exact"}))


def answers(asked: Sequence[Instance]) -> Answers:
    """Ask all questions; what fails has no bits."""
    found = [verdict_of("numdiff", instance) for instance in asked]
    return Answers([_bits(one) for one in found], _figures(found))


def _bits(verdict: Verdict) -> bytes:
    o = verdict.outcome
    return b"".join(
        [o.value.tobytes(), o.error.tobytes(), o.flagged.tobytes(), bytes([o.calls % 256])]
    )


def _figures(found: Sequence[Verdict]) -> tuple[float, ...]:
    return (
        float(sum((v.judged & ~v.outcome.covered & ~v.outcome.flagged).sum() for v in found)),
        float(sum(v.lies.sum() for v in found)),
        float(sum(v.missed.sum() for v in found)),
        float(sum(v.outcome.flagged.sum() for v in found)),
        float(np.mean([v.outcome.calls / np.size(v.instance.x) for v in found])),
    )


# --- Another number in its place ---


def _importers(constant: Constant) -> Iterator[ModuleType]:
    """Yield the module of a constant, and those that have it from there."""
    for name, module in list(sys.modules.items()):
        path = getattr(module, "__file__", None)
        ours = name.startswith("numdiff.") and path
        if name == constant.module or (ours and _imports(Path(path), constant)):
            yield module


def _imports(path: Path, constant: Constant) -> bool:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return any(
        isinstance(node, ast.ImportFrom)
        and node.module == constant.module
        and constant.name in [alias.name for alias in node.names]
        for node in tree.body
    )


@contextmanager
def replaced(constant: Constant, value: float) -> Iterator[None]:
    """Give a constant another value, in its module and wherever it was imported."""
    modules = list(_importers(constant))
    try:
        for module in modules:
            setattr(module, constant.name, value)
        yield
    finally:
        for module in modules:
            setattr(module, constant.name, constant.value)


@contextmanager
def uncompiled() -> Iterator[None]:
    """Let all kernels be interpreted, however much is asked."""
    patience = runtime.PATIENCE
    runtime.PATIENCE = math.inf
    try:
        yield
    finally:
        runtime.PATIENCE = patience


def times(constant: Constant, factor: float) -> float:
    """Return a multiple; whole numbers stay whole, and at least 1."""
    value = constant.value * factor
    return max(1, round(value)) if isinstance(constant.value, int) else value


# --- The command ---


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--half", choices=("tune", "confirm", "all"), default="tune")
    parser.add_argument("--room", nargs="+", choices=ROOMS, default=list(ROOMS))
    parser.add_argument("--name", nargs="+", help="constants of these names only")
    parser.add_argument("--limit", type=int, default=60, metavar="N", help="questions of each kind")
    parser.add_argument("--most", type=int, metavar="N", help="at most so many constants")


def run(options: argparse.Namespace) -> int:
    """Print a row for each constant and factor, and which constants change no figure."""
    half = None if options.half == "all" else options.half
    chosen = [one for one in constants_of(options.room) if one.name != "PATIENCE"]
    chosen = [one for one in chosen if options.name is None or one.name in options.name]
    asked = questions(half, options.limit)
    with quiet(), uncompiled():
        plain = answers(asked)
        found = {
            (one.label, factor): _changed(one, factor, asked)
            for one in every_kth(chosen, options.most)
            for factor in FACTORS
        }
    print(f"{len(asked)} questions, half: {options.half}; what changes\n")
    rows = [["constant", "times", "answers", *FIGURES]]
    rows += [_row(label, factor, plain, new) for (label, factor), new in found.items()]
    print(table(rows))
    idle = [row for row in rows[1:] if row[2] == "0"]
    still = sorted({row[0] for row in idle if sum(row[0] == other[0] for other in idle) == 2})
    print(f"\n{len(still)} of {len(found) // 2} constants change no answer:")
    print("\n".join(still))
    return 0


def _changed(constant: Constant, factor: float, asked: Sequence[Instance]) -> Answers | None:
    try:
        with replaced(constant, times(constant, factor)):
            return answers(asked)
    except Exception:  # noqa: BLE001 - a size that does not fit: the row says so
        return None


def _row(label: str, factor: float, plain: Answers, new: Answers | None) -> list[str]:
    if new is None:
        return [label, f"{factor:g}", "cannot be", *["-"] * len(FIGURES)]
    different = sum(a != b for a, b in zip(plain.bits, new.bits, strict=True))
    changes = [b - a for a, b in zip(plain.figures, new.figures, strict=True)]
    cells = [f"{change:+.3g}" if change else "." for change in changes]
    return [label, f"{factor:g}", str(different), *cells]
