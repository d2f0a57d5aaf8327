"""Who is asked, in turns, and what comes of it as a table."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from numdiff.arrays import Floats
from numdiff.compare.peers import PEERS, Peer, Said, entries_of
from numdiff.evaluation.call import Call, bound, origin
from numdiff.options import as_point, require_callable

TURNS = 5  # of each library, of which the median time is told
PATIENCE = 1.0  # seconds of later turns: where f is expensive the first one is the only one
FAINT = 1e-8  # of the largest entry: smaller ones are compared as if they were of this size
LONGEST = 80  # characters of a note
NAMES = tuple(peer.name for peer in PEERS)


@dataclass(frozen=True)
class Answer:
    """What one library said; arrays are flat, nan where it gave nothing.

    ``nfev`` is -1 where a library looks into f instead of asking it. ``seconds`` is the median.
    """

    tool: str
    value: Floats
    error: Floats
    flagged: bool
    nfev: int
    seconds: float
    note: str

    def within(self, other: Answer) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Return which entries of both lie within the sum of their bars."""
        return np.asarray(np.abs(self.value - other.value) <= self.error + other.error)


@dataclass(frozen=True)
class Comparison:
    """The answers of all libraries to one question; the first one is numdiff's.

    ``shape`` is that of the derivative. ``missing`` names libraries that are not installed.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    turns: int
    answers: tuple[Answer, ...]
    missing: tuple[str, ...]

    @cached_property
    def entry(self) -> int:
        """The entry about which the libraries differ most, relative to its size."""
        values = np.array([answer.value for answer in self.answers])
        sizes = np.abs(values[0])
        least = max(FAINT * float(np.nan_to_num(sizes).max()), np.finfo(float).tiny)
        with np.errstate(all="ignore"):
            apart = np.abs(values - values[0]) / np.maximum(sizes, least)
        return int(np.argmax(np.nan_to_num(apart, nan=-1.0).max(axis=0)))

    @property
    def success(self) -> bool:
        """Whether numdiff trusts its own answer."""
        return not self.answers[0].flagged

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists, numbers and strings; what is not finite is None."""
        return {
            "function": self.name,
            "kind": self.kind,
            "shape": list(self.shape),
            "turns": self.turns,
            "answers": [
                {**vars(answer), "value": _plain(answer.value), "error": _plain(answer.error)}
                for answer in self.answers
            ],
            "missing": list(self.missing),
        }

    def __str__(self) -> str:
        titles = ["", "value", "bar", "from numdiff", "within both bars", "evaluations", "time"]
        rows = [titles, *(self._row(answer) for answer in self.answers)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [
            "  ".join(
                [row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]
            ).rstrip() + (f"  {answer.note}" if answer and answer.note not in {"", "OK"} else "")
            for row, answer in zip(rows, (None, *self.answers), strict=True)
        ]  # fmt: skip
        absent = [f"not installed: {', '.join(self.missing)}"] if self.missing else []
        return "\n".join([self.head, *lines, *absent])

    @property
    def head(self) -> str:
        """What was asked, in a line."""
        where = ""
        if len(self.answers[0].value) > 1:
            index = [int(i) for i in np.unravel_index(self.entry, self.shape)]
            where = f"; values of the entry that is disputed most, {index}"
        times = f"times are medians of {self.turns}" if self.turns > 1 else "times are of one call"
        return f"{self.kind} of {self.name}, every library as it comes; {times}{where}"

    def _row(self, answer: Answer) -> list[str]:
        value, bar = answer.value[self.entry], answer.error[self.entry]
        off = abs(value - self.answers[0].value[self.entry])
        agreeing, size = int(answer.within(self.answers[0]).sum()), answer.value.size
        first, silent = answer is self.answers[0], np.isnan(answer.error).all()
        return [
            answer.tool,
            "-" if np.isnan(value) else f"{value + 0.0:.16g}",
            "-" if np.isnan(bar) else f"{bar:.1e}",
            "" if first else ("-" if np.isnan(off) else f"{off:.1e}"),
            "" if first else ("-" if silent else f"{agreeing} of {size}"),
            "-" if answer.nfev < 0 else str(answer.nfev),
            _time(answer.seconds),
        ]


def _plain(numbers: Floats) -> list[float | None]:
    return [float(number) if np.isfinite(number) else None for number in numbers]


def _time(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size or unit == "us":
            return f"{seconds / size:.3g} {unit}"
    raise AssertionError


class _Counted:
    """A function of a vector or a number that counts its calls; with `many` it gives a vector."""

    def __init__(self, f: Callable[..., Any], shape: tuple[int, ...], *, many: bool) -> None:
        self.f, self.shape, self.many, self.calls = f, shape, many, 0

    def __call__(self, x: Any) -> Any:
        self.calls += 1
        values = np.asarray(self.f(np.reshape(np.array(x), self.shape)[()]))
        return values.ravel() if self.many else values.reshape(())[()]


def compare(
    f: Callable[..., Any], x: Any, *, args: Any = (), kwargs: Mapping[str, Any] | None = None,
    tools: Sequence[str] = NAMES,
) -> Comparison:  # fmt: skip
    """Ask numdiff and other libraries for the first derivative of f at x, each as it comes.

    Parameters
    ----------
    f : callable
        From a number or an array to a number or an array.
    x : float or array of float
        The point. A number and one output make a derivative, an array and one output a gradient,
        anything else a Jacobian.
    args, kwargs : optional
        Further arguments of f.
    tools : sequence of str, optional
        Whom to ask, by default all; numdiff is always the first.

    Returns
    -------
    Comparison
        Evaluations are counted in f itself. Times are medians over five turns, one library after
        the other, or those of the only turn where f is expensive.

    Raises
    ------
    TypeError
        If f cannot be called, or returns no real numbers.
    ValueError
        If x is not finite and real, or a tool is unknown.
    Exception
        What f raises at x. What a library raises is told in its row.

    Examples
    --------
    >>> from scipy.optimize import rosen
    >>> found = compare(rosen, [1.3, 0.7, 0.8], tools=("numdiff", "2-point"))
    >>> found.kind, found.shape, found.answers[1].nfev
    ('gradient', (3,), 4)
    """
    unknown = sorted(set(tools) - set(NAMES))
    if unknown:
        raise ValueError(f"`tools` are among {', '.join(NAMES)}; got {', '.join(unknown)}")
    require_callable(f, "f")
    question = _posed(bound(f, args if isinstance(args, tuple) else (args,), kwargs or {}), x)
    chosen = [peer for peer in PEERS if peer.name in {"numdiff", *tools}]
    missing = tuple(peer.name for peer in chosen if peer.missing)
    present = [peer for peer in chosen if peer.name not in missing and question.kind in peer.asks]
    answers, turns = _in_turns(question, present)
    name = getattr(f, "__name__", type(f).__name__)
    return Comparison(name, question.kind, question.shape, turns, answers, missing)


@dataclass(frozen=True)
class _Question:
    f: Callable[..., Any]
    x: Floats
    kind: str
    shape: tuple[int, ...]

    def answer(self, peer: Peer) -> Answer:
        """Ask one library once."""
        size, ask = math.prod(self.shape), peer.asks[self.kind]
        counted = _Counted(self.f, self.x.shape, many=self.kind == "jacobian")
        place = np.float64(self.x) if self.kind == "derivative" else np.array(self.x).ravel()
        start = perf_counter()
        try:
            said = ask(self.f if peer.traces else counted, place)
            value, error = entries_of(said.value, size), entries_of(said.error, size)
        except Exception as trouble:  # noqa: BLE001 - whatever it is, it is no answer
            said = Said(None, note=" ".join(f"{type(trouble).__name__}: {trouble}".split()))
            value = error = entries_of(None, size)
        seconds = perf_counter() - start
        flagged = bool(np.any(said.flagged))
        calls = -1 if peer.traces else counted.calls
        note = said.note or ("flagged" if flagged else "")
        return Answer(peer.name, value, error, flagged, calls, seconds, note[:LONGEST])


def _posed(f: Callable[..., Any], x: Any) -> _Question:
    """Return what is asked: f(x) says of which kind the derivative is."""
    point = as_point(x)
    form = origin(Call(f, point.shape, scalar=point.ndim == 0), point.ravel()).form
    if form.is_complex:
        raise TypeError("`f` must return real numbers, got complex ones: compare its parts")
    if form.size == 1:
        return _Question(f, point, "gradient" if point.ndim else "derivative", point.shape)
    return _Question(f, point, "jacobian", form.shape + point.shape)


def _in_turns(ask: _Question, peers: Sequence[Peer]) -> tuple[tuple[Answer, ...], int]:
    """Ask each once, and again in turns as long as that is brief."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        first = [ask.answer(peer) for peer in peers]
        turns = [[answer.seconds] for answer in first]
        start = perf_counter()
        for _ in range(TURNS):
            if perf_counter() - start > PATIENCE:
                break
            for times, peer in zip(turns, peers, strict=True):
                times.append(ask.answer(peer).seconds)
    # the first turn is slower: what is made or compiled on first use
    later = [times[1:] or times for times in turns]
    timed = [replace(one, seconds=median(each)) for one, each in zip(first, later, strict=True)]
    return tuple(timed), len(later[0])
