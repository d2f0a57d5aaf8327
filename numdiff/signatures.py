"""The options of public functions: their types and meanings, written once and shown everywhere.

A public function takes ``**options``; `public` gives it the signature and the docstring in which
each of them is spelled out, and says what is wrong with an option that it does not have.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypedDict, TypeVar, cast

from numdiff.estimate import Estimate

if TYPE_CHECKING:
    from concurrent.futures import Executor
    from os import PathLike

    from numpy.typing import ArrayLike, NDArray

    from numdiff.stencil import Stencil

    Numbers: TypeAlias = float | Sequence[float] | NDArray[Any] | Mapping[Any, Any]
    Point: TypeAlias = ArrayLike | Mapping[Any, Any]

Function: TypeAlias = Callable[..., Any]
Work = TypeVar("Work", bound=Callable[..., Any])
Made = TypeVar("Made")


class Differences(TypedDict, total=False):
    """The options of whatever compiles or takes differences."""

    method: Literal["auto", "forward", "backward", "central", "richardson", "complex"] | Stencil
    step: (
        Literal[
            "textbook", "gill-murray", "more-wild", "shi", "curtis-reid", "dumontet-vignes",
            "stepleman-winarsky", "mathur",
        ]
        | Numbers
        | None
    )  # fmt: skip


class Arguments(TypedDict, total=False):
    """Further arguments of f."""

    args: Any
    kwargs: Mapping[str, Any] | None


class Expensive(TypedDict, total=False):
    """How f is asked for where that is expensive."""

    workers: int | Executor | Function | None
    timeout: float | None
    journal: str | PathLike[str] | tuple[str | PathLike[str], str] | None
    progress: bool | Literal["always"]


class Looking(Arguments, Expensive, total=False):
    """The options of whatever looks at f alone."""


class Measuring(Looking, total=False):
    """The options of whoever looks for the noise of f."""

    accuracy: float | None


class Detecting(Looking, total=False):
    """The options of the search for patterns."""

    bounds: Any
    vectorized: bool


class Settings(Differences, Detecting, total=False):
    """The options that operators and checks share."""

    noise: Numbers | None
    accuracy: float | None
    rtol: float
    max_nfev: int | None


class Operating(Settings, total=False):
    """The options of operators."""

    on_flag: Literal["keep", "warn", "raise"]


class Following(Arguments, total=False):
    """The options of what is differentiated at many points."""

    noise: Numbers | None
    accuracy: float | None
    bounds: Any
    rtol: float
    vectorized: bool
    workers: int | None
    sparsity: Any
    on_flag: Literal["keep", "warn", "raise"]


class Sparsely(Operating, total=False):
    """The options of operators that take a pattern."""

    sparsity: Any


class Checking(Settings, total=False):
    """The options of checks."""

    accept: float
    atol: float
    names: Sequence[str] | None
    n_points: int
    radius: float
    rng: Any


class Asserting(Checking, total=False):
    """The options of assertions."""

    inconclusive: Literal["fail", "warn", "skip", "pass"]


MEANINGS: Mapping[str, str] = MappingProxyType(
    {
        "method": """str or Stencil, default "auto"
            ``"auto"``: central differences at falling steps, extrapolated, with steps chosen by
            what f does, one-sided where f is defined on one side only. ``"richardson"``: the same,
            never with a step larger than the first. ``"central"``, ``"forward"``, ``"backward"``, a
            `Stencil`: no extrapolation. ``"complex"``: the complex step, checked against real
            differences.""",
        "step": """None, float, array like x, or str
            None lets the method choose. With a number, or the rule of thumb ``"textbook"``,
            ``"forward"``, ``"backward"``, ``"central"`` and a `Stencil` take this single step and
            give no error bar; for ``"auto"`` and ``"richardson"`` it is the first step. In units of
            x, for a product with v in units of t in x + t v. The names of classical rules, for
            first derivatives by ``"forward"``, ``"backward"`` and ``"central"``:
            ``"gill-murray"``, ``"more-wild"``, ``"shi"``, ``"curtis-reid"``,
            ``"dumontet-vignes"``, ``"stepleman-winarsky"``, ``"mathur"``; `numdiff.rules` cites
            them.""",
        "noise": """None, float or array like the output of f, optional
            The standard deviation of f's own error, in units of f, which is then used as it is.
            None lets it be noticed from the values of f.""",
        "accuracy": """float, optional
            The relative accuracy to which f is computed: the rtol of a solver inside, 6e-8 for
            single precision. Steps and bars then hold for the function behind f. Noise of a third
            times this is reckoned with, relative to the size of f at x and around it, which takes
            two evaluations. None means that f is wanted as it is coded.""",
        "bounds": """scipy.optimize.Bounds, tuple (lower, upper), list of pairs, or dict, optional
            f is never called outside. A tuple holds two sides, numbers or arrays like x; a list one
            (lower, upper) pair for each entry, as in SciPy's ``minimize``; a dict pairs by the keys
            of x. None is no bound. An entry whose bounds are equal is fixed: nan, ``DOMAIN``.""",
        "rtol": """float, default 0.0
            Stop as soon as the error bar is below ``rtol * abs(value)``; 0 asks for the best
            reachable.""",
        "max_nfev": """int, optional
            About how many evaluations of f are allowed. What they buy is returned, ``BUDGET`` where
            it is not what was asked for.""",
        "vectorized": """bool, default False
            Whether f takes many points at once, ``x.shape + (N,)``, and returns
            ``f.shape + (N,)``.""",
        "sparsity": """sparse array, sparse.Coloring or "detect", optional
            Where the Jacobian, outputs by inputs, or the Hessian may differ from zero: a direction
            for each color tells all entries, and all arrays that come back are CSC arrays. A
            `numdiff.sparse.Coloring` is prepared once for many calls; ``"detect"`` finds the
            pattern by calls of f, or of `grad`.""",
        "workers": """int, Executor or callable, optional
            Who evaluates f, all points of a round at the same time; the answer is the same to the
            last bit. An integer starts so many processes (extra ``parallel``), which are replaced
            when they are lost and wait half a minute for the next call, or threads where Numba has
            compiled f. Any `concurrent.futures.Executor` will do, as those of Dask and mpi4py, and
            any callable like `map`, as the method of a pool. Workers that are left over look ahead,
            at points that may be asked for next; ``nfev`` counts these evaluations when they are
            handed out.""",
        "timeout": """float, optional
            Seconds after which `workers` give an evaluation up: f then counts as not defined
            there.""",
        "journal": """path or (path, name), optional
            A file in which every evaluation that has returned is kept: the same call, if it is
            killed, goes on from there when it is made once more. It belongs to one function, which
            is told by its code and all that it holds, or by the name.""",
        "progress": """bool or "always", default False
            Show a bar on stderr (extra ``progress``) if it is a terminal, or always.""",
        "args": """tuple or number, default ()
            Further positional arguments for f; ``args=3.0`` means ``args=(3.0,)``.""",
        "kwargs": """dict, optional
            Further keyword arguments for f.""",
        "on_flag": """str, default "keep"
            ``"keep"``: flagged entries only say so. ``"warn"``: one `FlaggedWarning` with the
            table. ``"raise"``: `FlaggedError`, which carries the estimate.""",
        "accept": """float, default 0.0
            Differences of up to this part of an entry are accepted even where bars exclude them, as
            of an f that is inexact.""",
        "atol": """float, default 0.0
            Absolute differences that are accepted, and prove agreement: for zeros up to
            rounding.""",
        "names": """sequence of str, optional
            Of the entries of x, for the report; those of a dict are its keys.""",
        "n_points": """int, default 1
            How many points are tested: x itself and random ones around it.""",
        "radius": """float, default 0.1
            How far those are, relative to each entry of x (where it is zero, to the other
            ones).""",
        "rng": """int or numpy.random.Generator, default 0
            Where random numbers come from: the same report each time.""",
        "agreement": """float, default 1e-4
            The agreement, relative to the size of an entry, that "agree" must prove. It is no
            tolerance: a difference beyond eight error bars disagrees, however far below `rtol`, if
            it is more than 1e-10 of the entry, the floor that rounding inside formulas needs.""",
        "exactness": """float, default 1e-6
            How exact, relative to the size of an entry, answers have to be where f is looked at
            anew, and how closely the check along one direction must agree.""",
        "flags": """str, default "raise"
            ``"raise"``: flagged entries raise `FlaggedError`, except at kinks, where the mean of
            both sides is returned with one `FlaggedWarning`. ``"warn"``: all flags warn.
            ``"keep"``: only `estimate` says so.""",
        "inconclusive": """str, default "fail"
            What to do where that is the verdict: ``"fail"``, ``"warn"``, ``"skip"`` the test, or
            ``"pass"``.""",
    }
)
DEFAULTS: Mapping[str, Any] = MappingProxyType(
    {
        "method": "auto", "step": None, "noise": None, "accuracy": None, "bounds": None,
        "rtol": 0.0, "max_nfev": None, "vectorized": False, "workers": None, "timeout": None,
        "journal": None, "progress": False, "args": (), "kwargs": None,
        "sparsity": None, "on_flag": "keep", "accept": 0.0, "atol": 0.0, "names": None,
        "n_points": 1, "radius": 0.1, "rng": 0, "inconclusive": "fail",
    }
)  # fmt: skip
# the meaning of an option, where a default of its own gives it another one
OTHERWISE: Mapping[tuple[str, Any], str] = MappingProxyType(
    {("rtol", 1e-4): "agreement", ("rtol", 1e-6): "exactness", ("on_flag", "raise"): "flags"}
)
# what other packages call it, or what belongs to another function: the option that it takes the
# place of, if there has to be one, and what to write
ELSEWHERE: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "rel_step": ("step", "`step` is absolute, in units of x: write step=rel_step * abs(x)"),
        **dict.fromkeys(
            ("abs_step", "eps", "epsilon", "base_step", "h"), ("step", "it is called `step` here")
        ),
        "n": ("", "it is `order` of `derivative`; for second derivatives there is `hessian`"),
        "tol": ("rtol", "it is called `rtol` here"),
        "atol": ("rtol", "bars are relative here: it is called `rtol`"),
        "order": ("", "it is an option of `derivative`; for second derivatives there is `hessian`"),
        "grad": ("", "it is an option of `hessian`; H v is jvp(grad, x, v) too"),
        "centered": ("method", "write method='central'"),
        "kwds": ("kwargs", "it is called `kwargs` here"),
        "points": ("", "it is called `n_points`, in numdiff.verify"),
    }
)
ROOMS = ("native", "sparse", "verify")  # whose functions are called by the name of the room too


def public(kind: Any, without: Sequence[str] = (), **changed: Any) -> Callable[[Work], Work]:
    """Spell out the options of a function that takes them as ``**options``.

    Parameters
    ----------
    kind : TypedDict
        The options that it takes.
    without : sequence of str
        Those of them that it has no use for.
    **changed
        Defaults of its own.
    """
    defaults = {**DEFAULTS, **changed}
    names = [name for name in _ORDER if name in kind.__annotations__ and name not in without]
    options = [_parameter(kind, name, defaults[name]) for name in names]

    def spelled(work: Work) -> Work:
        own = inspect.signature(work)
        shown = list(own.parameters.values())[:-1]  # without **options
        placed = [one.name for one in shown if one.kind is one.POSITIONAL_OR_KEYWORD]
        name = _called(work)
        allowed = frozenset([*names, *(one.name for one in shown)])
        most = (
            math.inf if inspect.Parameter.VAR_POSITIONAL in {p.kind for p in shown} else len(placed)
        )

        @wraps(work)
        def call(*arguments: Any, **given: Any) -> Any:
            __tracebackhide__ = True
            if len(arguments) > most or not allowed.issuperset(given):
                raise TypeError(_misuse(name, placed, arguments, given, allowed, names))
            try:
                found = work(*arguments, **given)
            except (TypeError, ValueError) as error:
                _say_whose(error, name)
                raise
            heed = "on_flag" in given and found is not None
            return _heeded(found, given["on_flag"]) if heed else found

        told: Any = call
        told.__signature__ = own.replace(parameters=[*shown, *options])
        told.__doc__ = _spelled_out(work.__doc__, names, defaults)
        return cast("Work", call)

    return spelled


def constructed(kind: Any, **changed: Any) -> Callable[[type[Made]], type[Made]]:
    """Spell out the options of a class, whose ``__init__`` takes them as ``**options``."""
    spell = public(kind, **changed)

    def spelled(made: type[Made]) -> type[Made]:
        told: Any = made
        plain = told.__init__
        plain.__doc__ = made.__doc__
        told.__init__ = spell(plain)
        made.__doc__, told.__init__.__doc__ = told.__init__.__doc__, None
        return made

    return spelled


def _parameter(kind: Any, name: str, default: Any) -> inspect.Parameter:
    annotation = kind.__annotations__[name]
    shown = getattr(annotation, "__forward_arg__", annotation)
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=shown
    )


_ORDER = tuple(name for name in MEANINGS if name not in OTHERWISE.values())
PLACE = "    **options\n        The options of all, spelled out in the signature.\n"


def _spelled_out(doc: str | None, names: Sequence[str], defaults: Mapping[str, Any]) -> str | None:
    """Put the meanings of options into a docstring, where their place is."""
    if doc is None:  # python -OO
        return None
    lines = []
    for name in names:
        meaning = MEANINGS[OTHERWISE.get((name, defaults[name]), name)]
        lines.append(f"    {name} : {meaning.replace(12 * ' ', 8 * ' ')}\n")
    assert PLACE in doc, doc
    return doc.replace(PLACE, "".join(lines))


def _called(work: Callable[..., Any]) -> str:
    """Return what users call a function."""
    name = work.__name__ if work.__name__ != "__init__" else work.__qualname__.split(".")[0]
    room = work.__module__.split(".")[1]
    return f"{room}.{name}" if room in ROOMS else name


def _say_whose(error: Exception, name: str) -> None:
    """Say of an error in what was handed over which function it was handed to.

    What f or the derivative raised reaches the caller unchanged: it has a note that says where.
    """
    ours = type(error) in {TypeError, ValueError} and not hasattr(error, "__notes__")
    if ours and not str(error).startswith(f"{name.rpartition('.')[2]}("):  # as of Python's own
        error.args = (f"{name}: {error}",)


def _misuse(
    name: str, placed: Sequence[str], arguments: Sequence[Any], given: Mapping[str, Any],
    allowed: frozenset[str], options: Sequence[str],
) -> str:  # fmt: skip
    """Say what is wrong with arguments that a function does not take."""
    if len(arguments) > len(placed):
        return (
            f"{name}() takes {', '.join(placed)} by position, got {len(arguments) - len(placed)} "
            f"more ({arguments[len(placed)]!r}): options go by name, as in method='central', and "
            "further arguments of f as args=(a, b)"
        )
    from difflib import get_close_matches  # noqa: PLC0415 - only mistakes need it

    word = next(one for one in given if one not in allowed)
    near = get_close_matches(word, allowed, n=1)
    needed, hint = ELSEWHERE.get(word, ("none", ""))
    if needed and needed not in allowed:
        hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(sorted(options))}"
    return f"{name}() has no option {word!r}: {hint}"


def _heeded(found: Estimate, on_flag: str) -> Estimate:
    """Warn of flagged entries, or raise."""
    if on_flag == "keep" or found.success.all():
        return found
    from numdiff.estimate import FlaggedError, FlaggedWarning  # noqa: PLC0415

    if on_flag == "raise":
        raise FlaggedError(found)
    import warnings  # noqa: PLC0415 - only flags need it

    warnings.warn(FlaggedWarning(found), stacklevel=3)
    return found
