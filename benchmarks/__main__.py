"""``python -m benchmarks``: run all benchmarks, side by side with the peers that are installed.

``python -m benchmarks NAME`` runs one, with options of its own; ``--quick`` runs a small sample of
each and keeps nothing; ``--save`` keeps the result of one, as those of a run of all are, in
``benchmarks/results``. Every command is a module with `add_options` and `run`.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter

from benchmarks.recording import recorded, save


@dataclass(frozen=True)
class Command:
    """``quick``: arguments of a small sample; None: not one of all. ``full``: those of all."""

    name: str
    module: str
    help: str
    quick: str | None = None
    full: str = ""


COMMANDS = (
    Command("ablate", "benchmarks.ablate", "which constants change a figure", "--limit 2 --most 1"),
    Command("accuracy", "benchmarks.accuracy", "digits, error bars and evaluations beside peers",
            "--part 1 gradient hessian --limit 2"),
    Command("compare", "benchmarks.compare", "all libraries on one function",
            "scipy.optimize:rosen --at 1.3,0.7", "scipy.optimize:rosen --at 1.3,0.7,0.8,1.9,1.2"),
    Command("hessian", "benchmarks.hessian", "evaluations, time and digits of Hessians over n",
            "--n 3 --turns 1 --cold"),
    Command("many", "benchmarks.many", "derivatives at many points at once, beside peers",
            "--points 100 --rounds 1"),
    Command("native", "benchmarks.native", "derivatives of compiled functions, beside peers",
            "--only smoke"),
    Command("noise", "benchmarks.noise", "digits and bars of noisy functions, beside peers",
            "--limit 2"),
    Command("optimise", "benchmarks.optimise", "optimisers with remembered steps, beside SciPy's",
            "--paths beale --methods BFGS --rounds 1"),
    Command("rules", "benchmarks.rules", "the classical step rules beside method auto",
            "--limit 2 --method forward"),
    Command("same", "benchmarks.same", "whether another state of the code gives the same bits"),
    Command("scale", "benchmarks.scale", "how well many workers are used, on paper",
            "--n 1 --workers 2 --spread 0"),
    Command("sparse", "benchmarks.sparse", "colours and sparse Jacobians beside SciPy's",
            "--sizes 100 --turns 1 --patterns tridiagonal"),
    Command("speed", "benchmarks.speed", "time and memory, as ratios, beside peers",
            "--only memory"),
    Command("start", "benchmarks.start", "what fresh processes wait for, with and without a cache",
            "--cold --turns 1 --points 50"),
    Command("third-party", "benchmarks.third_party", "derivatives that others wrote, checked",
            "--source SciPy"),
    Command("trust", "benchmarks.trust", "bars that lie or are of no use, on families of functions",
            "--half tune --family squares --processes 1"),
    Command("verify", "benchmarks.verify", "mistakes found in derivatives, beside peers",
            "--limit 1"),
    Command("work-precision", "benchmarks.work_precision", "digits over evaluations, all methods",
            "--limit 2"),
    Command("readme", "benchmarks.readme", "write README's figures from the results"),
    Command("results", "benchmarks.results", "write the page of results and its pictures"),
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one benchmark, or all."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    quick, keep = ("--quick" in words), ("--save" in words)
    words = [word for word in words if word not in {"--quick", "--save"}]
    parser = _parser()
    if words:
        command = next((one for one in COMMANDS if one.name == words[0]), None)
        if command and quick:
            words = [words[0], *(command.quick or "").split(), *words[1:]]
        return _run(parser, words, keep=keep)
    return _all(parser, quick=quick)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="a small sample, nothing is kept")
    parser.add_argument("--save", action="store_true", help="keep the result")
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        module = importlib.import_module(command.module)
        subparser = subparsers.add_parser(
            command.name, help=command.help, description=module.__doc__
        )
        module.add_options(subparser)
        subparser.set_defaults(run=module.run)
    return parser


def _run(parser: argparse.ArgumentParser, words: Sequence[str], *, keep: bool) -> int:
    options = parser.parse_args(words)
    if not keep:
        return int(options.run(options))
    code, result = recorded(words[0], words[1:], lambda: options.run(options))
    save(result)
    return code


def _all(parser: argparse.ArgumentParser, *, quick: bool) -> int:
    """Run all, and say which failed; without ``--quick`` results are kept and pages written."""
    chosen = [command for command in COMMANDS if command.quick is not None]
    failed, start = [], perf_counter()
    for number, command in enumerate(chosen, 1):
        passed = perf_counter() - start
        title = f"{number} of {len(chosen)}: {command.name}, after {passed:.0f} s"
        print(f"\n== {title}", file=sys.stderr, flush=True)
        words = (command.quick if quick else command.full) or ""
        try:
            code = _run(parser, [command.name, *words.split()], keep=not quick)
        except Exception as error:  # noqa: BLE001 - the others can still be run
            print(f"{command.name} failed with {type(error).__name__}: {error}", file=sys.stderr)
            code = 1
        failed += [command.name] * (code != 0)
    if not quick:
        for page in ("results", "readme"):
            _run(parser, [page], keep=False)
    print(f"failed: {', '.join(failed)}" if failed else "all were run", file=sys.stderr)
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
