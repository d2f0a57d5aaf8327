"""Targets, tables and files: how figures are shown."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from tests.measuring.metrics import Target

Table = list[list[str]]


def verdict(target: Target | None, figure: float) -> str:
    """Whether a target is met, in a word."""
    if target is None or math.isnan(figure):
        return "-"
    return "yes" if target.met(figure) else "NO"


def shown(figure: float, form: str) -> str:
    """Write a figure; "-" where there is none, and never a negative zero."""
    return "-" if math.isnan(figure) else format(figure, f"z{form}")


TABLES: ContextVar[list[Table] | None] = ContextVar("tables", default=None)  # those shown so far


def table(rows: Sequence[Sequence[str]], *, left: Sequence[int] = (0,)) -> str:
    """Align a table: the columns in ``left`` to the left, the others to the right."""
    shown_so_far = TABLES.get()
    if shown_so_far is not None:
        shown_so_far.append([[str(cell) for cell in row] for row in rows])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if i in left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    lines.insert(1, "-" * max(map(len, lines)))
    return "\n".join(lines)


def write_json(path: Path, content: Any) -> None:
    """Write strict JSON, in which nan and inf are null."""
    path.write_text(json.dumps(_plain(content), indent=1, allow_nan=False), encoding="utf-8")


def _plain(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _plain(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_plain(value) for value in content]
    if isinstance(content, float) and not math.isfinite(content):
        return None
    return content
