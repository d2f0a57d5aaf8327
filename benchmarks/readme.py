"""Write README's figures from the results: what stands between the markers of each table.

A marker is ``<!-- figures: NAME -->``, and the text up to ``<!-- end -->`` is replaced. A test
compares both, so that neither changes alone.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from benchmarks.recording import load
from benchmarks.report import Table

README = Path(__file__).parents[1] / "README.md"
MARKED = re.compile(r"(<!-- figures: (?P<name>[\w-]+) -->\n)(?P<text>.*?)(<!-- end -->)", re.DOTALL)


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """Write a table, its first row as titles."""
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    lines.insert(1, "|---" * len(rows[0]) + "|")
    return "\n".join(line.replace("|  |", "| |") for line in lines) + "\n"


def chosen(table: Table, tools: Sequence[str], titles: Sequence[str]) -> Table:
    """Return some rows and columns of a table, named by their first cells."""
    columns = [0, *(table[0].index(title) for title in titles)]
    rows = {row[0]: [row[k] for k in columns] for row in table}
    return [rows[table[0][0]], *(rows[tool] for tool in tools if tool in rows)]


def accuracy_of_derivatives() -> str:
    table = load("accuracy").table("median digits", "silent")
    return markdown(chosen(table, _tools(table), table[0][1:-1]))


def accuracy_of_arrays() -> str:
    """Gradients and Hessians of the tools that give bars."""
    tables = load("accuracy").tables_with("median digits", "cover whole")
    titles = ("median digits", "cover", "lies", "evals")
    rows = [["", *titles]]
    for name, table in zip(("gradient", "hessian"), _of_tools(tables), strict=True):
        found = chosen(table, _tools(table), titles)[1:]
        rows += [[f"{name}, {row[0]}", *row[1:]] for row in found if row[2] != "-"]
    return markdown(rows)


def _tools(table: Table) -> list[str]:
    return [row[0] for row in table[1:] if row[0] not in {"numdiff must", "met"}]


def _of_tools(tables: Sequence[Table]) -> list[Table]:
    return [table for table in tables if table[0][0] == ""]


MISTAKES = {
    "blamed": "right ones blamed",
    "gross": "gross",
    "1e-3": "one entry off by 1e-3",
    "1e-6": "1e-6",
    "1e-9": "1e-9",
    "evals": "calls of f per input",
}


def mistakes_found() -> str:
    table = load("verify").table("blamed", "gross", "1e-9")
    tools = [row[0] for row in table[1:] if row[0] != "met"]
    _, *rows = chosen(table, tools, list(MISTAKES))
    return markdown([["", *MISTAKES.values()], *rows])


FIGURES: Mapping[str, Callable[[], str]] = MappingProxyType(
    {
        "derivatives": accuracy_of_derivatives,
        "arrays": accuracy_of_arrays,
        "verify": mistakes_found,
    }
)


def written(text: str) -> str:
    """Return a document with the figures of the results between its markers."""
    return MARKED.sub(lambda found: found[1] + FIGURES[found["name"]]() + found[4], text)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--check", action="store_true", help="write nothing; 1 if they disagree")


def run(options: argparse.Namespace) -> int:
    """Write README, or tell whether it would change."""
    text = README.read_text(encoding="utf-8")
    new = written(text)
    if options.check:
        print("README's figures are those of the results" if new == text else "README disagrees")
        return int(new != text)
    README.write_text(new, encoding="utf-8")
    return 0
