"""All installed libraries on a function of yours: the command ``numdiff compare``."""

from __future__ import annotations

import argparse

from numdiff.cli import main


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("target", metavar="TARGET", help="module:function or file.py:function")
    parser.add_argument("rest", nargs=argparse.REMAINDER, help="as of `numdiff compare --help`")


def run(options: argparse.Namespace) -> int:
    return main(["compare", options.target, *options.rest])
