"""The named constants of rooms, each with its law: the comment that stands beside or above it."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import numdiff

PACKAGE = Path(numdiff.__file__).parent
ROOMS = ("ladder", "nonsmooth")
NAMES_ONLY = ("registers",)  # numbers of columns, not laws


@dataclass(frozen=True)
class Constant:
    """A number with a name; ``module`` is the dotted one that defines it."""

    module: str
    name: str
    value: float
    law: str

    @property
    def label(self) -> str:
        """Its room, module and name."""
        return f"{self.module.removeprefix('numdiff.')}.{self.name}"


def constants_of(rooms: Sequence[str] = ROOMS) -> list[Constant]:
    """Return the constants of whole rooms, in the order of their modules and lines."""
    paths = [path for room in rooms for path in sorted((PACKAGE / room).glob("*.py"))]
    return [found for path in paths if path.stem not in NAMES_ONLY for found in _constants_in(path)]


def _constants_in(path: Path) -> Iterator[Constant]:
    source = path.read_text(encoding="utf-8")
    lines, name = source.splitlines(), f"numdiff.{path.parent.name}.{path.stem}"
    module = import_module(name.removesuffix(".__init__"))
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and "range(" not in ast.unparse(node):  # not names of cases
            law = _law(lines, node)
            for target in (part for whole in node.targets for part in ast.walk(whole)):
                value = getattr(module, target.id) if isinstance(target, ast.Name) else None
                if isinstance(value, int | float) and target.id.isupper():
                    yield Constant(module.__name__, target.id, value, law)


def _law(lines: Sequence[str], node: ast.Assign) -> str:
    beside = lines[(node.end_lineno or node.lineno) - 1][node.end_col_offset or 0 :]
    if "#" in beside:
        return beside.partition("#")[2].strip()
    end = node.lineno - 1
    while end and _continues(lines[end - 1]):
        end -= 1
    start = end
    while start and lines[start - 1].startswith("#"):
        start -= 1
    return " ".join(line.lstrip("# ") for line in lines[start:end])


def _continues(line: str) -> bool:
    """Whether a line assigns, without a comment of its own: the one above is for both."""
    return line[:1].isupper() and " = " in line and "#" not in line
