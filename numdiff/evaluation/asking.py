"""How f is asked for where it is expensive: workers, timeout, journal and progress, checked."""

from __future__ import annotations

import math
from collections.abc import Callable
from numbers import Integral, Real
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from numdiff.evaluation.evaluator import Evaluator

Function = Callable[..., Any]

ASKING = frozenset(["workers", "timeout", "journal", "progress"])  # the options that are read here


class Asking(NamedTuple):
    """What is to happen beside plain calls of f.

    Parameters
    ----------
    workers : None, int, Executor or callable
        How many processes, or threads for compiled functions; or who maps points to values.
    timeout : float
        Seconds after which workers give an evaluation up.
    journal : (path, name) or None
        A file of evaluations, and how f is called there; empty to be told by what it is made of.
    progress : str
        ``"shown"`` where stderr is a terminal, ``"always"``, or empty.
    """

    workers: Any = None
    timeout: float = math.inf
    journal: tuple[Path, str] | None = None
    progress: str = ""

    @property
    def threads(self) -> int:
        """How many threads may call machine code; 0 if nobody may, as each call is watched."""
        watched = self._replace(workers=None) != Asking()
        return 0 if watched or not isinstance(self.workers, int) else self.workers

    def evaluator(self, f: Function, inner: Function, *, vectorized: bool = False) -> Evaluator:
        """Return who asks for `inner`, which a journal knows as f and what was put around that.

        Raises
        ------
        ValueError
            If there are workers for an f that takes many points at once.
        """
        if vectorized and self.workers is not None:
            raise ValueError(
                "a `vectorized` f gets all points of a round at once: leave `workers` out, or let "
                "f take one point"
            )
        from numdiff.evaluation.evaluator import evaluator_of  # noqa: PLC0415 - loads when needed

        return evaluator_of(inner, f, self, vectorized=vectorized)


def read_asking(
    *, workers: Any = None, timeout: Any = None, journal: Any = None, progress: Any = False
) -> Asking | None:
    """Check the options of expensive functions; return None if f is called as any other.

    Raises
    ------
    TypeError, ValueError
        If one is of the wrong kind or not allowed.
    """
    asking = Asking(
        None if workers is None else _workers(workers),
        math.inf if timeout is None else _timeout(timeout, workers),
        None if journal is None else _journal(journal),
        _progress(progress),
    )
    return None if asking == Asking() else asking


def _workers(workers: Any) -> Any:
    """Return None for a single worker, or what was given."""
    if isinstance(workers, Integral) and not isinstance(workers, bool):
        if int(workers) < 1:
            raise ValueError(f"`workers` must be at least 1, got {workers!r}")
        return None if workers == 1 else int(workers)
    executor = hasattr(workers, "submit")
    if executor != callable(workers):  # a class of executors is both
        return workers
    hint = ": give its method `map`" if hasattr(workers, "map") else ""
    raise TypeError(
        "`workers` must be an integer, a concurrent.futures.Executor or a callable like map, got "
        f"{workers!r}{': give one that runs' if executor else hint}"
    )


def _timeout(timeout: Any, workers: Any) -> float:
    if not isinstance(timeout, Real):
        raise TypeError(f"`timeout` must be a number, got {timeout!r}")
    seconds = float(timeout)
    if not seconds > 0.0:
        raise ValueError(f"`timeout` must be positive, in seconds, got {timeout!r}")
    if not (hasattr(workers, "submit") or isinstance(workers, Integral)) or workers == 1:
        raise ValueError(
            "`timeout` needs `workers`, an integer above 1 or an executor: f cannot be interrupted "
            "where it is called"
        )
    return seconds


def _journal(journal: Any) -> tuple[Path, str]:
    path, name = journal if isinstance(journal, tuple) and len(journal) == 2 else (journal, "")
    if not isinstance(path, str | PathLike) or not isinstance(name, str):
        raise TypeError(
            f"`journal` must be a path, or (path, name of the function), got {journal!r}"
        )
    return Path(path), name


def _progress(progress: Any) -> str:
    if progress not in {True, False, "always"}:
        raise ValueError(f"`progress` must be True, False or 'always', got {progress!r}")
    return progress if isinstance(progress, str) else "shown" * progress
