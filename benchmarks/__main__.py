"""``python -m benchmarks COMMAND``: every command is a module with `add_options` and `run`."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Command:
    name: str
    module: str
    help: str


COMMANDS = (
    Command("accuracy", "benchmarks.accuracy", "digits, error bars and evaluations beside peers"),
    Command("many", "benchmarks.many", "derivatives at many points at once, beside peers"),
    Command("native", "benchmarks.native", "derivatives of compiled functions, beside peers"),
    Command("optimise", "benchmarks.optimise", "optimisers with remembered steps, beside SciPy's"),
    Command("rules", "benchmarks.rules", "the classical step rules beside method auto"),
    Command("same", "benchmarks.same", "whether another state of the code gives the same bits"),
    Command("scale", "benchmarks.scale", "how well many workers are used, on paper"),
    Command("sparse", "benchmarks.sparse", "colours and sparse Jacobians beside SciPy's"),
    Command("speed", "benchmarks.speed", "time and memory, as ratios, beside peers"),
    Command("start", "benchmarks.start", "what fresh processes wait for, with and without a cache"),
    Command(
        "trust", "benchmarks.trust", "bars that lie or are of no use, on families of functions"
    ),
    Command("verify", "benchmarks.verify", "mistakes found in derivatives, beside peers"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one benchmark."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        module = importlib.import_module(command.module)
        subparser = subparsers.add_parser(
            command.name, help=command.help, description=module.__doc__
        )
        module.add_options(subparser)
        subparser.set_defaults(run=module.run)
    options = parser.parse_args(arguments)
    return options.run(options)


if __name__ == "__main__":
    sys.exit(main())
