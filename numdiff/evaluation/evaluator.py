"""What stands between the engine and f where f is expensive: workers, a journal, a progress bar.

Points go in, and what f says of them comes out in their order, in whatever order it arrived.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from numdiff.evaluation.attempts import Raised, Shipped
from numdiff.evaluation.executors import Key, Mapped, Mapper, OneByOne, crew_of, processes
from numdiff.evaluation.identity import digest_of, name_of, parts_of
from numdiff.evaluation.journal import Journal
from numdiff.evaluation.progress import Progress


@dataclass(eq=False)
class Evaluator:
    """Asks for f in the ways that the options `workers`, `journal` and `progress` choose.

    A point that is asked for k times is evaluated k times, as f may differ between calls: its key
    counts them. What was looked at ahead is one of these times, kept until it is asked for.
    """

    f: Shipped
    mapper: Mapper
    journal: Journal | None = None
    progress: Progress | None = None
    times: Counter[Key] = field(default_factory=Counter)  # how often each point was asked for
    kept: dict[Key, Any] = field(default_factory=dict)  # outcomes nobody has asked for yet
    looked: set[Key] = field(default_factory=set)  # likewise, and those on their way
    surplus: int = 0

    @property
    def ahead(self) -> int:
        """How many points may be named that are likely to be asked for next."""
        return self.mapper.ahead

    def ask(
        self,
        points: Iterable[Any],
        note: Callable[[Any], str] | None,
        ahead: Iterable[Any] = (),
    ) -> list[Any]:
        """Return what f says at points: numbers, or a `Raised`.

        Parameters
        ----------
        points : iterable
            Where f is asked for.
        note : callable or None
            ``note(point)`` says where f raised; None at x itself, where all that it raises is the
            caller's, and so nothing to be written down.
        ahead : iterable
            Where f may be asked for next, the most likely first.

        Raises
        ------
        Exception
            What f raises that does not mean that it is not defined at a point.
        """
        asked = {self._key(point, 1): point for point in points}
        likely = {self._key(point, 0): point for point in ahead}
        known = {key: self.kept.pop(key) for key in asked.keys() & self.kept.keys()}
        known |= self._recalled({k: p for k, p in asked.items() if k not in known})
        self.kept |= self._recalled({k: p for k, p in likely.items() if k not in self.kept})

        def arrived(key: Key, point: Any, outcome: Any) -> None:
            own, raised = key in asked, isinstance(outcome, Raised)
            if self.journal is not None and not (raised and own and note is None):
                self.journal.keep(key, point, outcome)
            if self.progress is not None:
                self.progress.done()
            (known if own else self.kept)[key] = outcome
            if own and raised and outcome.fatal:
                if note is not None:
                    outcome.exception.add_note(note(point))
                raise outcome.exception

        if self.progress is not None:
            self.progress.asked(len(asked), len(known))
        missing = {key: point for key, point in asked.items() if key not in known}
        gone = self.kept.keys() | self.looked | asked.keys()
        new = {key: point for key, point in likely.items() if key not in gone}
        started = self.mapper.map(self.f, missing, new, arrived)
        self.surplus += len(started) - len(self.looked & asked.keys())
        self.looked = (self.looked | started) - asked.keys()
        return [known[key] for key in asked]

    def one(self, point: Any, ahead: Iterable[Any] = ()) -> Any:
        """Return what f says at a point, or raise what f raises, as f itself does."""
        (outcome,) = self.ask([point], None, ahead)
        if isinstance(outcome, Raised):
            raise outcome.exception
        return outcome

    def owed(self) -> int:
        """Return how many evaluations there were beyond those asked for, since the last time."""
        surplus, self.surplus = self.surplus, 0
        return surplus

    def close(self) -> None:
        """Let go of everything."""
        self.mapper.close()
        for part in (self.journal, self.progress):
            if part is not None:
                part.close()

    def _recalled(self, points: dict[Key, Any]) -> dict[Key, Any]:
        return self.journal.recall(points) if self.journal is not None else {}

    def _key(self, point: Any, times: int) -> Key:
        """Return what a point is known as when it is asked for the next time."""
        array = np.asarray(point)
        digest = blake2b(array.dtype.char.encode() + array.tobytes(), digest_size=16).digest()
        before = self.times[digest]
        if times:
            self.times[digest] = before + times
        return digest + before.to_bytes(4)


def evaluator_of(
    f: Callable[..., Any],
    named: tuple[Callable[..., Any], Any],
    *,
    workers: Any = None,
    timeout: float = math.inf,
    journal: tuple[Path, str] | None = None,
    progress: str = "",
) -> Evaluator:
    """Return who asks for f in the ways that were chosen.

    Parameters
    ----------
    f : callable
        The function of one point.
    named : (callable, tuple)
        The user's function and its further arguments: what a journal knows f by.
    workers : None, int, Executor or callable
        How many processes, or who maps points to values.
    timeout : float
        Seconds after which workers give an evaluation up.
    journal : (path, name), optional
        A file, and how f is called there; without a name it is told by what it is made of.
    progress : str
        ``"shown"`` where stderr is a terminal, ``"always"``, or empty.
    """
    file = None
    if journal is not None:
        path, name = journal
        parts = dict if name else partial(parts_of, named[0])
        file = Journal(path, name or name_of(named[0]), parts, digest_of(named[1]))
    bar = Progress(forced=progress == "always") if progress else None
    return Evaluator(Shipped(f), _mapper(workers, timeout), file, bar)


def _mapper(workers: Any, timeout: float) -> Mapper:
    if workers is None or workers == 1:
        return OneByOne()
    if isinstance(workers, int):
        return processes(workers, timeout)
    return crew_of(workers, timeout) if hasattr(workers, "submit") else Mapped(workers)
