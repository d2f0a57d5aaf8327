"""Write the reference pages into a folder: ``python -m docs FOLDER`` (extra ``docs``).

They are what ``python -m pdoc numdiff numdiff.bars -d numpy --math -o FOLDER`` writes, and below
"How an error bar is made" a table of the named constants, which is read from the code. What pdoc
warns of is an error.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import pdoc

PAGES = ("numdiff", "numdiff.bars")


def constants_table() -> str:
    """Return the constants of the ladder and of kinks, with their laws, as Markdown."""
    from tests.measuring.constants import constants_of

    parts = ["7. The constants\n----------------"]
    for module, group in groupby(constants_of(), key=lambda constant: constant.module):
        rows = [f"| `{one.name}` | {one.value:.6g} | {_escaped(one.law)} |" for one in group]
        parts.append(
            "\n".join([f"`{module}`\n", "| constant | value | law |", "|---|---|---|", *rows])
        )
    return "\n\n".join(parts)


def _escaped(law: str) -> str:
    """Keep stars and bars, which Markdown would read."""
    return law.replace("|", "\\|").replace("*", "\\*")


def write(folder: Path) -> None:
    """Write the pages."""
    import numdiff.bars

    pages, examples, example = (numdiff.bars.__doc__ or "").partition("Examples\n--------")
    numdiff.bars.__doc__ = f"{pages}{constants_table()}\n\n{examples}{example}"
    pdoc.render.configure(docformat="numpy", math=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        pdoc.pdoc(*PAGES, output_directory=folder)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m docs", description=__doc__)
    parser.add_argument("folder", type=Path)
    write(parser.parse_args(arguments).folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
