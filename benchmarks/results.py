"""Write the page of results, and its pictures, from what was saved of each benchmark.

The page shows what each benchmark printed, losses and failures as they came.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from benchmarks.recording import RESULTS, Result, load, saved

HEAD = """\
# Results

Written by `python -m benchmarks results` from the `.json` files beside it; do not edit. Each file
holds one run: arguments, machine, versions, date, seed, text and tables. `python -m benchmarks`
runs all again, `python -m benchmarks --save NAME` one (peers: `pip install -e ".[bench]"`).
Times are medians of contenders in turns, in one process; they tell something as ratios only. Every
tool is asked as it comes, unless its row says otherwise, and what fails is counted. The corpus was
written for numdiff.
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--folder", type=Path, default=RESULTS)


def run(options: argparse.Namespace) -> int:
    """Draw the pictures and write the page."""
    from benchmarks.pictures import draw

    results = [load(name, options.folder) for name in saved(options.folder)]
    for result in results:
        draw(result, options.folder)
    (options.folder / "README.md").write_text(page(results, options.folder), encoding="utf-8")
    return 0


def page(results: list[Result], folder: Path) -> str:
    """Return the page; pictures are shown that are there."""
    return "\n".join([HEAD, *(_section(result, folder) for result in results)])


def _section(result: Result, folder: Path) -> str:
    picture = f"![{result.name}]({result.name}.png)\n\n"
    versions = ", ".join(f"{name} {number}" for name, number in result.about["versions"].items())
    words = " ".join([result.name, *result.arguments])
    return (
        f"## {result.name}\n\n"
        f"`python -m benchmarks {words}`, {result.about['date']}, {result.seconds:.0f} s, seed "
        f"{json.dumps(result.about['seed'])}. {result.about['machine']}. {versions}.\n\n"
        f"{picture if (folder / f'{result.name}.png').exists() else ''}"
        f"```text\n{result.text}\n```\n"
    )
