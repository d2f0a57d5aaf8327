"""What stands between the engine and f where f is expensive: workers, a journal, a progress bar.

Points go in, and what f says of them comes out in their order, in whatever order it arrived.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b
from typing import Any, NamedTuple, Self, TypeAlias

import numpy as np

from numdiff.evaluation.asking import Asking
from numdiff.evaluation.attempts import Raised, Shipped
from numdiff.evaluation.call import no_point, points_first
from numdiff.evaluation.executors import (
    Arrived,
    Key,
    Mapped,
    Mapper,
    OneByOne,
    Points,
    crew_of,
    processes,
)  # fmt: skip
from numdiff.evaluation.identity import digest_of, name_of, parts_of, unwrapped
from numdiff.evaluation.journal import Journal
from numdiff.evaluation.progress import Progress

Note: TypeAlias = Callable[[Any], str]


class Round(NamedTuple):
    """Points that f is asked for together, what is known of them, and what `ask` says of both."""

    asked: dict[Key, Any]
    known: dict[Key, Any]
    note: Note | None
    spared: Callable[[int], bool]

    def spares(self, key: Key, exception: BaseException) -> bool:
        """Whether an answer can do without a point at which f raised this."""
        return isinstance(exception, Exception) and self.spared(list(self.asked).index(key))


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
    expected: Sequence[Any] = ()  # where f may be asked for after the next time
    surplus: int = 0

    def ask(
        self, points: Iterable[Any], note: Note | None, spared: Callable[[int], bool] = no_point
    ) -> list[Any]:
        """Return what f says at points: numbers, or a `Raised`.

        Parameters
        ----------
        points : iterable
            Where f is asked for.
        note : callable or None
            ``note(point)`` says where f raised; None at x itself, where all that it raises is the
            caller's, and so nothing to be written down.
        spared : callable
            ``spared(k)`` tells whether nothing that f raises at the k-th point is of importance.

        Raises
        ------
        Exception
            What f raises that does not mean that it is not defined at a point.
        """
        asked = {self._key(point, 1): point for point in points}
        likely, self.expected = {self._key(point, 0): point for point in self.expected}, ()
        known = {key: self.kept.pop(key) for key in asked.keys() & self.kept.keys()}
        known |= self._recalled({k: p for k, p in asked.items() if k not in known})
        self.kept |= self._recalled({k: p for k, p in likely.items() if k not in self.kept})

        if self.progress is not None:
            self.progress.asked(len(asked), len(known))
        missing = {key: point for key, point in asked.items() if key not in known}
        gone = self.kept.keys() | self.looked | asked.keys()
        new = {key: point for key, point in likely.items() if key not in gone}
        arrived = partial(self._arrived, Round(asked, known, note, spared))
        started = self.mapper.map(self.f, missing, new, arrived)
        self.surplus += len(started) - len(self.looked & asked.keys())
        self.looked = (self.looked | started) - asked.keys()
        return [known[key] for key in asked]

    def one(self, point: Any) -> Any:
        """Return what f says at a point, or raise what f raises, as f itself does."""
        (outcome,) = self.ask([point], None)
        if isinstance(outcome, Raised):
            raise outcome.exception
        return outcome

    def owed(self) -> int:
        """Return how many evaluations there were beyond those asked for, since the last time."""
        surplus, self.surplus = self.surplus, 0
        return surplus

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.close(failed=kind is not None)

    def close(self, *, failed: bool = False) -> None:
        """Let go of everything."""
        self.mapper.close(failed=failed)
        for part in (self.journal, self.progress):
            if part is not None:
                part.close()

    def _arrived(self, turn: Round, key: Key, point: Any, outcome: Any) -> None:
        """Take in what f says at a point: asked for now, or looked at ahead."""
        own, raised = key in turn.asked, isinstance(outcome, Raised)
        if self.journal is not None and not (raised and own and turn.note is None):
            self.journal.keep(key, point, outcome)
        if self.progress is not None:
            self.progress.done()
        (turn.known if own else self.kept)[key] = outcome
        if own and raised and outcome.fatal and not turn.spares(key, outcome.exception):
            if turn.note is not None:
                outcome.exception.add_note(turn.note(point))
            raise outcome.exception

    def _recalled(self, points: dict[Key, Any]) -> dict[Key, Any]:
        return self.journal.recall(points) if self.journal is not None else {}

    def _key(self, point: Any, times: int) -> Key:
        """Return what a point is known as when it is asked for the next time."""
        array = np.asarray(point)
        kind = f"{array.dtype.char}{array.shape}".encode()
        digest = blake2b(kind + array.tobytes(), digest_size=16).digest()
        before = self.times[digest]
        if times:
            self.times[digest] = before + times
        return digest + before.to_bytes(4)


class Batched(OneByOne):
    """All at once, by an f that takes many points; in halves where it raises."""

    def map(self, f: Shipped, points: Points, ahead: Points, arrived: Arrived) -> set[Key]:  # noqa: ARG002
        """As `Mapper` says."""
        waiting = [list(points)] if points else []
        while waiting:
            keys = waiting.pop()
            batch = np.stack([points[key] for key in keys], axis=-1)
            outcome = f(batch)
            if not isinstance(outcome, Raised):
                outcomes: Any = points_first(outcome, len(keys), batch.shape[:-1])
            elif len(keys) == 1:
                outcomes = [outcome]
            else:
                middle = (len(keys) + 1) // 2
                waiting += [keys[middle:], keys[:middle]]
                continue
            for key, one in zip(keys, outcomes, strict=True):
                arrived(key, points[key], one if isinstance(one, Raised) else one.copy())
        return set()


def evaluator_of(
    f: Callable[..., Any],
    known_as: Callable[..., Any],
    asking: Asking,
    *,
    vectorized: bool = False,
) -> Evaluator:
    """Return who asks for f in the ways that were chosen.

    Parameters
    ----------
    f : callable
        The function of one point, or of many at once.
    known_as : callable
        The user's function, perhaps with something of ours around it: what a journal knows f by.
    asking : Asking
        What was chosen.
    vectorized : bool
        Whether f takes many points at once.
    """
    file = None
    if asking.journal is not None:
        path, name = asking.journal
        own, around = unwrapped(known_as)
        parts = dict if name else partial(parts_of, own)
        file = Journal(path, name or name_of(own), parts, digest_of(around))
    bar = Progress(forced=asking.progress == "always") if asking.progress else None
    mapper = Batched() if vectorized else _mapper(asking.workers, asking.timeout)
    return Evaluator(Shipped(f), mapper, file, bar)


def _mapper(workers: Any, timeout: float) -> Mapper:
    if workers is None:
        return OneByOne()
    if isinstance(workers, int):
        return processes(workers, timeout)
    return crew_of(workers, timeout) if hasattr(workers, "submit") else Mapped(workers)
