"""The command line: ``numdiff gradient module:function --at 1.3,0.7``."""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, NoReturn, Protocol, cast

import numpy as np

import numdiff
from numdiff.arrays import Floats
from numdiff.evaluation.call import Call, bound, origin
from numdiff.files import point_in
from numdiff.rules import RULES
from numdiff.targets import Target, UsageError, in_a_line, load, search_path, suggestion

__all__ = ["main"]

TRUSTWORTHY, WRONG, FLAGGED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 3, 130
EXIT_CODES = (
    "Exit codes: 0 if every entry is trustworthy, 2 if some are flagged, 3 for bad usage or input."
)
VERDICT_CODES = (
    "Exit codes: 0 if it agrees, 1 if it disagrees, 2 if inconclusive, 3 for bad usage or input."
)
TARGET = "module:function or path/to/file.py:function"
KINDS = ("gradient", "jacobian", "hessian", "jvp", "vjp", "hvp", "directional")


class Result(Protocol):
    """What a command computes: printed by ``str()``, or as JSON."""

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists, numbers and strings."""


class Option(NamedTuple):
    """One option of a command; without `parse` it is a switch."""

    flag: str
    help: str
    parse: Callable[[str], Any] | None = None
    metavar: str = ""


def _model(f: Any, x: Any, **options: Any) -> Result:  # loads when it is called
    return numdiff.local_model(f, x, **options)


def _warm_up() -> Result:  # loads when it is called, with Numba
    from numdiff.warm_up import warm_up  # noqa: PLC0415

    return warm_up()


def _estimate_code(estimate: Any) -> int:
    return TRUSTWORTHY if np.all(estimate.success) else FLAGGED


def _verdict_code(report: Any) -> int:
    return {"agree": TRUSTWORTHY, "disagree": WRONG, "inconclusive": FLAGGED}[report.verdict]


class Command(NamedTuple):
    """One subcommand: it calls ``call(*functions, x, **options)``.

    Parameters
    ----------
    options : tuple of Option
        Beyond the point and the form of output. `--lower` and `--upper` arrive as ``bounds``, a
        `Target` as the function.
    call : callable, optional
        What is called, by default the operator of that name. It gets those options that were typed,
        so that defaults are its own.
    functions : tuple of str
        Names of the positional arguments.
    scalar : bool
        Whether a single number stays one, or becomes an array of one entry.
    exit_code : callable
        Maps the result to the exit code.
    exit_codes : str
        What they mean.
    at : bool
        Whether it asks for a point.
    """

    name: str
    summary: str
    options: tuple[Option, ...]
    call: Callable[..., Result] | None = None
    functions: tuple[str, ...] = ("TARGET",)
    scalar: bool = False
    exit_code: Callable[[Any], int] = _estimate_code
    exit_codes: str = EXIT_CODES
    at: bool = True


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        The words after the program's name; by default those the program was started with.

    Returns
    -------
    int
        The exit code: 0 if every entry of the derivative is trustworthy, 2 if some are flagged, 3
        for bad usage and bad input, which one line on stderr explains. Of ``verify``: 0 if the
        derivative agrees, 1 if it does not, 2 if that cannot be told.

    Examples
    --------
    >>> main(["derivative", "math:exp", "--at", "1"])  # doctest: +ELLIPSIS
     value ...
     2.71828...
    method auto, ... evaluations of f
    0
    """
    try:
        typed = _parse(sys.argv[1:] if argv is None else argv)
        command: Command = typed.pop("command")
        as_json: bool = typed.pop("json", False)
        # Whatever f prints must not get between the lines of the result.
        with search_path(), contextlib.redirect_stdout(sys.stderr):
            result = _run(command, typed) if command.at else cast("Any", command.call)()
        if hasattr(result, "reproduce"):  # of a report: as it was typed
            words = ["numdiff", *(sys.argv[1:] if argv is None else argv)]
            result = replace(cast("Any", result), reproduce=_quoted(words))
    except UsageError as error:
        print("numdiff: error:", *str(error).split(), file=sys.stderr)
        return BAD_INPUT
    except SystemExit:  # of argparse, which has shown the help or the version
        return TRUSTWORTHY
    except KeyboardInterrupt:
        print("numdiff: interrupted", file=sys.stderr)
        return INTERRUPTED
    _print(json.dumps(result.to_dict(), allow_nan=False) if as_json else str(result))
    return command.exit_code(result)


def _quoted(words: list[str]) -> str:
    """Return a command line that can be pasted into a shell."""
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)


def _print(text: str) -> None:
    """Print, even where whoever reads it stops early, as ``head`` does."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        # the interpreter flushes once more at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


# What is typed


class _Parser(argparse.ArgumentParser):
    def __init__(self, **about: Any) -> None:
        super().__init__(allow_abbrev=False, argument_default=argparse.SUPPRESS, **about)

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see `{self.prog} --help`")


def _parse(argv: Sequence[str]) -> dict[str, Any]:
    """Return the command and what was typed for it."""
    namespace, unknown = _parser().parse_known_args(_negatives_joined(argv))
    if unknown:
        command: Command = namespace.command
        raise UsageError(
            f"{command.name} does not take {unknown[0]!r}{_way_out(command, unknown[0])}"
        )
    return vars(namespace)


def _way_out(command: Command, unknown: str) -> str:
    flag = unknown.partition("=")[0]
    flags = [option.flag for option in _options(command)]
    if flag in flags:
        return " in front of its name: options follow it"
    others = [one.name for one in COMMANDS if flag in [option.flag for option in one.options]]
    if others:
        return f": it is an option of {', '.join(others)}"
    if re.match(r"-[a-zA-Z]", flag):
        long = [one for one in flags if one.startswith(f"-{flag}")]
        return f": write {long[0]}" if long else ": options have two dashes, as --method"
    if flag.startswith("--"):
        return suggestion(flag, flags, 0.75) or f"; see `numdiff {command.name} --help`"
    return ": the numbers of an option are separated by commas, without blanks"


def _parser() -> _Parser:
    parser = _Parser(
        prog="numdiff",
        description="Numerical derivatives with error bars you can trust.",
        epilog=f"Example: numdiff gradient scipy.optimize:rosen --at 1.3,0.7. {EXIT_CODES}",
    )
    parser.add_argument("--version", action="version", version=f"numdiff {numdiff.__version__}")
    commands: Any = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in COMMANDS:
        told = f"Compute {command.summary}." if command.at else f"{command.summary.capitalize()}."
        about = {"help": command.summary, "description": told}
        _add(command, commands.add_parser(command.name, epilog=command.exit_codes, **about))
    return parser


def _add(command: Command, parser: argparse.ArgumentParser) -> None:
    for name in command.functions:
        parser.add_argument(name.lower(), metavar=name, type=_target, help=TARGET)
    point = parser.add_mutually_exclusive_group(required=True) if command.at else parser
    for option in _options(command):
        group = point if option in POINT else parser
        switch, value = {"action": "store_true"}, {"type": option.parse, "metavar": option.metavar}
        form: dict[str, Any] = value if option.parse else switch
        group.add_argument(option.flag, help=option.help, **form)
    parser.set_defaults(command=command)


def _options(command: Command) -> tuple[Option, ...]:
    return *(POINT if command.at else ()), *command.options, JSON


def _negatives_joined(argv: Sequence[str]) -> list[str]:
    """Join an option and a value with a leading minus, which argparse takes for an option."""
    valued = {option.flag for command in COMMANDS for option in _options(command) if option.parse}
    words: list[str] = []
    for word in argv:
        if words and words[-1] in valued and re.match(r"-(\d|\.\d|inf|nan)", word, re.IGNORECASE):
            words[-1] += f"={word}"
        else:
            words.append(word)
    return words


def _reader(read: Callable[[str], Any], expected: str) -> Callable[[str], Any]:
    """Return `read`, made to say what was expected where it raises ValueError."""

    def parse(text: str) -> Any:
        try:
            return read(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"expected {expected}, got {text!r}") from None

    return parse


def _one_or_many(text: str) -> float | Floats:
    numbers = [float(word) for word in text.split(",")]
    return numbers[0] if len(numbers) == 1 else np.array(numbers)


def _split(text: str) -> Target:
    place, _, name = text.rpartition(":")
    if not (place and name):
        raise ValueError
    return Target(place, name)


_number = _reader(float, "a number")
_whole_number = _reader(int, "a whole number")
_numbers = _reader(_one_or_many, "a number, or several separated by commas as in 1.3,-0.7")
_args = _reader(
    lambda text: tuple(map(float, text.split(","))), "numbers separated by commas as in 1.5,2"
)
_target = _reader(_split, TARGET)
# index raises ValueError for what is no kind
_kind = _reader(lambda text: KINDS[KINDS.index(text)], f"one of {', '.join(KINDS)}")


def _step(text: str) -> str | float | Floats:
    try:
        return text if text in RULES else _numbers(text)
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(f"{error}; or a rule: {', '.join(RULES)}") from None


def _array_in(text: str) -> Any:
    try:
        return point_in(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


# What is done


def _run(command: Command, typed: dict[str, Any]) -> Result:
    """Load the functions that were named, and call the command's function with them."""
    try:
        options = {
            name: load(value) if isinstance(value, Target) else value
            for name, value in typed.items()
        }
        functions = [options.pop(name.lower()) for name in command.functions]
        x = options.pop("at") if "at" in options else options.pop("at_file")
        x = x if command.scalar or isinstance(x, dict) else np.atleast_1d(x)
        for name in {"lower", "upper", "step", "vector"} & options.keys():
            options[name] = _like(x, options[name], name)
        if {"lower", "upper"} & options.keys():
            options["bounds"] = options.pop("lower", -np.inf), options.pop("upper", np.inf)
        call = command.call or getattr(numdiff, command.name)
        return cast("Result", call(*functions, x, **options))
    except UsageError:
        raise
    except (Exception, SystemExit) as error:
        raise UsageError(_as_typed(_failure(error), command, typed)) from error


def _like(x: Any, numbers: Any, name: str) -> Any:
    """Give a list of numbers the shape of x, which has as many entries."""
    if not isinstance(numbers, np.ndarray) or isinstance(x, dict):
        return numbers
    if numbers.size != np.size(x):
        one = "" if name == "vector" else "one number, or "
        raise UsageError(f"--{name} takes {one}as many as x has, {np.size(x)}, got {numbers.size}")
    return np.reshape(numbers, np.shape(x))


def _as_typed(message: str, command: Command, typed: dict[str, Any]) -> str:
    """Name options as they were typed: `--max-nfev`, not `max_nfev`."""
    bounds = " and ".join(f"--{side}" for side in ("lower", "upper") if side in typed)
    flags = {option.flag[2:].replace("-", "_"): option.flag for option in _options(command)}
    point = "--at" if "at" in typed else "--at-file"
    own = {"bounds": bounds, "x": point, "n_points": "--points", "v": "--vector"}
    kinds = {f"verify.{kind}": f"--kind {kind}" for kind in KINDS}
    for name, flag in {**flags, **own, **kinds}.items():
        message = message.replace(f"`{name}`", flag)
    return message.partition("; they were read as")[0]  # that is sure here


def _failure(error: BaseException) -> str:
    notes = [note.removeprefix("numdiff: ") for note in getattr(error, "__notes__", ())]
    notes = [note for note in notes if not note.startswith("in a worker")]  # a traceback
    if notes or isinstance(error, SystemExit):  # only what f raises has notes
        who = "the derivative" if notes and "the derivative" in notes[0] else "f"
        return "; ".join([f"{who} failed with {in_a_line(error)}", *notes])
    return str(error) if isinstance(error, ValueError | TypeError) else in_a_line(error)


# The commands, as data


def _verify(
    f: Any, derivative: Any, x: Any, *, kind: str | None = None, points: int = 1, **choices: Any
) -> Result:
    """Check a derivative of a kind that, if it is not told, the shape of f(x) decides."""
    from numdiff import verify  # noqa: PLC0415 - the other commands do without

    if "grad" in choices and kind not in {"hessian", "hvp"}:
        raise UsageError("--grad is for --kind hessian and --kind hvp only")
    if kind == "hvp":
        return verify.hvp(derivative, x, f=f, n_points=points, **choices)
    if kind is None:
        vectorized = choices.get("vectorized", False)
        args = choices.get("args", ())
        inner, flat = bound(f, args), np.ravel(x)
        shape = origin(Call(inner, np.shape(x), vectorized=vectorized), flat).form.shape
        kind = "jacobian" if math.prod(shape) != 1 else "gradient"
    report: verify.Report = getattr(verify, kind)(f, derivative, x, n_points=points, **choices)
    if kind == "gradient" and f"it has shape {np.shape(x) * 2}," in str(report):
        report = replace(report, hints=(*report.hints, "for a Hessian give --kind hessian"))
    return report


def _times(operator: Callable[..., Result]) -> Callable[..., Result]:
    """Return the call of a product with a vector."""

    def call(f: Any, x: Any, *, vector: Any = None, **choices: Any) -> Result:
        if vector is None:
            raise UsageError("--vector is missing: give as many numbers as x has")
        return operator(f, x, vector, **choices)

    return call


def _compare(f: Any, x: Any, *, plot: str | None = None, **choices: Any) -> Result:
    """Compare libraries, and draw the picture if one is wanted."""
    from numdiff import compare  # noqa: PLC0415 - the other commands do without

    found = compare.compare(f, x, **choices)
    if plot is not None:
        compare.picture(found, plot)
    return found


POINT = (
    Option("--at", "where: numbers separated by commas", _numbers, "X"),
    Option(
        "--at-file",
        "where: a .npy, .npz, .csv, .txt or .json file, or - for standard input",
        _array_in,
        "FILE",
    ),
)
JSON = Option("--json", "print the result as one JSON object")
ORDER = Option("--order", "order of the derivative, 1 to 10; default 1", _whole_number, "K")
GRAD = Option("--grad", "the gradient, as a function, to differentiate instead", _target, "TARGET")
ACCURACY = Option(
    "--accuracy", "the relative accuracy of the function, as a solver's", _number, "A"
)
ARGS = Option(
    "--args", "further arguments of the function, numbers separated by commas", _args, "A"
)
EXPENSIVE = (
    Option("--workers", "evaluate the function in so many processes", _whole_number, "N"),
    Option("--timeout", "seconds after which they give an evaluation up", _number, "SECONDS"),
    Option("--journal", "a file of evaluations, from which a killed run goes on", str, "FILE"),
    Option("--progress", "show a bar, if stderr is a terminal"),
)
COMMON = (
    Option(
        "--method", "auto (default), forward, backward, central, richardson or complex", str, "M"
    ),
    Option(
        "--step",
        "the only step of forward, backward and central, the first one of auto and richardson; "
        "a number, one for each entry of x, or the name of a rule, such as textbook or shi",
        _step,
        "H",
    ),
    Option("--noise", "the standard deviation of the function's own error", _numbers, "S"),
    ACCURACY,
    Option("--lower", "the function is never called below; one number or many", _numbers, "X"),
    Option("--upper", "the function is never called above; one number or many", _numbers, "X"),
    Option("--rtol", "stop where the error bar is below RTOL times the value", _number, "RTOL"),
    Option("--max-nfev", "about this many evaluations at most", _whole_number, "N"),
    Option("--vectorized", "the function takes many points at once, along the last axis"),
    ARGS,
    *EXPENSIVE,
)
DIAGONAL = numdiff.hessian_diagonal
VECTOR = Option("--vector", "which is multiplied by, not normalised", _numbers, "V")
COMMANDS = (
    Command(
        "derivative",
        "the derivative of a function of one number, at one point or several",
        (ORDER, *COMMON),
        scalar=True,
    ),
    Command("gradient", "the gradient of a function from an array to a number", COMMON),
    Command("jacobian", "the Jacobian of a function from an array to an array", COMMON),
    Command("hessian", "the Hessian of a function from an array to a number", (GRAD, *COMMON)),
    Command("hessian-diagonal", "the second derivatives by each entry", COMMON, DIAGONAL),
    Command(
        "jvp", "the Jacobian of a function times a vector", (VECTOR, *COMMON), _times(numdiff.jvp)
    ),
    Command(
        "hvp", "the Hessian of a function times a vector", (VECTOR, *COMMON), _times(numdiff.hvp)
    ),
    Command(
        "model",
        "value, gradient, eigenvalues, kind of point and Newton step of a function",
        (Option("--order", "of the Taylor model, 1 or 2; default 2", _whole_number, "K"), *COMMON),
        _model,
    ),
    Command(
        "verify",
        "whether a hand-written derivative is right, and if not where and why",
        (
            Option("--kind", f"of derivative: {', '.join(KINDS)}; by default as f is", _kind, "K"),
            GRAD,
            Option("--names", "of the entries of x", lambda names: names.split(","), "A,B,..."),
            Option("--points", "how many points are tested; default 1", _whole_number, "N"),
            Option("--radius", "how far from x, relative to it; default 0.1", _number, "R"),
            Option("--rng", "seed of the random numbers; default 0", _whole_number, "SEED"),
            Option("--rtol", "the agreement to be proven; default 1e-4", _number, "RTOL"),
            Option("--accept", "relative differences that are accepted", _number, "A"),
            Option("--atol", "absolute differences that are accepted", _number, "A"),
            *(option for option in COMMON if option.flag != "--rtol"),
        ),
        _verify,
        functions=("TARGET", "DERIVATIVE"),
        exit_code=_verdict_code,
        exit_codes=VERDICT_CODES,
    ),
    Command(
        "noise",
        "the size and the kind of the function's own error",
        (Option("--direction", "along which it is asked", _numbers, "V"), ACCURACY, *EXPENSIVE),
        numdiff.noise_level,
        scalar=True,
        exit_code=lambda _: TRUSTWORTHY,
    ),
    Command(
        "compare",
        "the first derivative of a function by all libraries that are installed, side by side",
        (
            Option("--tools", "whom to ask, by default all", lambda names: names.split(","), "A,B"),
            Option("--plot", "draw a picture into this file as well", str, "FILE"),
            ARGS,
        ),
        _compare,
        scalar=True,
        exit_code=lambda found: TRUSTWORTHY if found.success else FLAGGED,
    ),
    Command(
        "warm-up",
        "compile all kernels and say where they are kept, as for a container image",
        (),
        _warm_up,
        functions=(),
        exit_code=lambda _: TRUSTWORTHY,
        exit_codes="Exit codes: 0, or 3 for bad usage.",
        at=False,
    ),
)
