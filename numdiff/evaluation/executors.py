"""How points are mapped to values: one after the other, by a map, or by the workers of executors.

All that is asked for goes out together, in chunks as large as the time of f calls for. Workers that
are left over look ahead, at points that may be asked for next. What a lost worker had with it is
sent again, and what takes too long is given up.
"""

from __future__ import annotations

import math
import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import CancelledError, Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any, NamedTuple, Protocol, TypeAlias

from numdiff.evaluation.attempts import (
    OverdueError,
    Raised,
    SendingError,
    Shipped,
    WorkersError,
    attempt_all,
)

Key: TypeAlias = bytes
Points: TypeAlias = Mapping[Key, Any]  # what f is asked, by what it is known as
Arrived: TypeAlias = Callable[[Key, Any, Any], None]  # with a key, its point, and what f said

GRACE = 0.05  # of the time of f: workers wait so long for one another before they look ahead
TRIES = 3  # a chunk that was lost so often is not sent again: its points may be what kills workers
WORTH = 20.0  # times what sending a chunk costs is the least that it should take
SHARES = 4  # for each worker of a round, at least, so that all end at about the same time
QUEUED = 2  # chunks for each worker of a foreign executor, so that none waits for the next one
UNLIMITED = 1 << 16  # chunks on their way to an executor that does not tell its size
COST, COST_OF_THREADS, COST_OF_OTHERS = 5e-4, 5e-5, 5e-3  # seconds, of sending a chunk
START = 0.5  # seconds, about what a process takes to start
KEPT = 30.0  # seconds for which a process waits for the next call
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Mapper(Protocol):
    """How points are mapped to values."""

    @property
    def ahead(self) -> int:
        """How many points it may look at beyond those that it is asked for."""

    def map(self, f: Shipped, points: Points, ahead: Points, arrived: Arrived) -> set[Key]:
        """Hand over what f says at all points, each as soon as it is there, in any order.

        Returns those of the points `ahead` that f is asked for as well; they arrive now or later.
        """

    def close(self, *, failed: bool) -> None:
        """Let go of everything, at once."""


class OneByOne:
    """In this thread, one after the other."""

    ahead = 0

    def map(self, f: Shipped, points: Points, ahead: Points, arrived: Arrived) -> set[Key]:  # noqa: ARG002
        """As `Mapper` says."""
        for key, point in points.items():
            arrived(key, point, f(point))
        return set()

    def close(self, *, failed: bool) -> None:
        """Nothing is held."""


@dataclass
class Mapped:
    """By a callable like the built-in map: SciPy's convention for `workers`."""

    apply: Callable[[Callable[[Any], Any], list[Any]], Iterable[Any]]
    ahead = 0

    def map(self, f: Shipped, points: Points, ahead: Points, arrived: Arrived) -> set[Key]:  # noqa: ARG002
        """As `Mapper` says."""
        outcomes = self.apply(f, list(points.values()))
        for (key, point), outcome in zip(points.items(), outcomes, strict=True):
            arrived(key, point, outcome)
        return set()

    def close(self, *, failed: bool) -> None:
        """Nothing is held: what maps is the caller's."""


@dataclass(eq=False)
class Seat:
    """A worker, or a share of an executor that has several; `renew` starts one that is ours."""

    executor: Executor
    renew: Callable[[], Executor] | None = None

    def end(self) -> None:
        """End a process that is ours, whatever it is doing."""
        if self.renew is not None:
            _end(self.executor)


@dataclass(eq=False)
class Task:
    """Points that go to a worker together."""

    points: dict[Key, Any]
    tries: int = 0
    seat: Seat | None = None
    deadline: float = math.inf

    def hand_over(self, outcomes: list[Any], arrived: Arrived) -> None:
        """Say what came out."""
        for (key, point), outcome in zip(self.points.items(), outcomes, strict=True):
            arrived(key, point, outcome)


@dataclass(eq=False)
class Crew:
    """Workers, and what they are doing.

    Parameters
    ----------
    free : list of Seat
        As many as there may be chunks on their way.
    size : int
        How many evaluations run at the same time; 0 if that is not known.
    timeout : float
        Seconds after which an evaluation is given up.
    cost : float
        Seconds that sending a chunk takes.
    arrivals : queue
        Where futures go when they are done.
    """

    free: list[Seat]
    size: int
    timeout: float = math.inf
    cost: float = COST
    arrivals: Any = field(default_factory=SimpleQueue)
    flying: dict[Future[Any], Task] = field(default_factory=dict)
    stuck: dict[Future[Any], Seat] = field(default_factory=dict)
    sent: int = 0
    evaluated: int = 0
    seconds: float = 0.0

    @property
    def time_of_f(self) -> float:
        """Seconds that an evaluation takes; 0 until one has returned."""
        return self.seconds / max(self.evaluated, 1)

    @property
    def ahead(self) -> int:
        """As `Mapper` says: nothing where f takes no longer than sending it."""
        cheap = self.evaluated and self.time_of_f < WORTH * self.cost
        return 0 if cheap else self.size

    def map(self, f: Shipped, points: Points, ahead: Points, arrived: Arrived) -> set[Key]:
        """As `Mapper` says."""
        self._begin(f)
        queue = deque(self._chunks(points))
        spare = deque(Task({key: point}) for key, point in ahead.items())
        waiting, looked = set(points), set()
        grace = 0.0  # others may well arrive at the same time: then more is known than now
        while True:
            self._hand_out(f, queue, len(self.free))
            if not grace:
                looked |= self._hand_out(f, spare, self.size - len(self.flying))
            if not waiting and self.arrivals.empty():
                return looked
            if waiting:
                self._require_somebody()
            landed = self._landed(f, grace or math.inf)
            grace = GRACE * self.time_of_f if landed and spare else 0.0
            for task, outcomes in landed:
                if outcomes is None:  # lost: its points are tried one by one
                    queue.extendleft(Task({k: p}, task.tries) for k, p in task.points.items())
                else:
                    waiting -= task.points.keys()
                    task.hand_over(outcomes, arrived)

    def _hand_out(self, f: Shipped, tasks: deque[Task], most: int) -> set[Key]:
        """Send as many tasks as there are seats for; return the keys of their points."""
        keys: set[Key] = set()
        while tasks and self.free and most > 0:
            keys |= tasks[0].points.keys()
            self._send(f, tasks.popleft())
            most -= 1
        return keys

    def close(self, *, failed: bool) -> None:
        """Let processes that are ours wait for the next call, or end those that are busy for long.

        What others have not begun is taken back. If the call has failed all processes end.
        """
        over_soon = self.time_of_f < START
        for future, task in self.flying.items():
            future.cancel()
            assert task.seat is not None
            if over_soon:
                self.free.append(task.seat)
            else:
                task.seat.end()
        _IDLE.extend((_surroundings(), s.executor) for s in self.free if s.renew is not None)
        while failed and _IDLE:
            _end(_IDLE.pop()[1])
        self.flying.clear()
        self.free.clear()

    def _begin(self, f: Shipped) -> None:
        """Let processes that are ours start all at the same time; each is free when it is ready."""
        ours = 0 if self.sent else sum(seat.renew is not None for seat in self.free)
        self._hand_out(f, deque(Task({}) for _ in range(ours)), ours)

    def _chunks(self, points: Points) -> Iterator[Task]:
        """Cut points into chunks that are worth their way, but leave some for every worker."""
        gone = {key for task in self.flying.values() for key in task.points}
        keys, count = [key for key in points if key not in gone], 1
        if self.evaluated and self.timeout == math.inf and self.size:
            worth = math.ceil(WORTH * self.cost / max(self.time_of_f, 1e-9))
            count = max(1, min(worth, math.ceil(len(keys) / (SHARES * self.size))))
        for first in range(0, len(keys), count):
            yield Task({key: points[key] for key in keys[first : first + count]})

    def _send(self, f: Shipped, task: Task) -> None:
        seat = task.seat = self.free.pop()
        self.sent, task.tries = self.sent + 1, task.tries + 1
        task.deadline = monotonic() + self.timeout if task.points else math.inf
        chunk = list(task.points.values())
        try:
            future = seat.executor.submit(attempt_all, f, chunk, self.sent)
        except Exception as error:
            _ = f.packed  # says so if it was that
            raise WorkersError(
                "the executor given as `workers` takes no more work: it may have been shut down, "
                "or have lost a process. An integer starts processes that are replaced"
            ) from error
        self.flying[future] = task
        future.add_done_callback(self.arrivals.put)

    def _landed(self, f: Shipped, grace: float) -> list[tuple[Task, list[Any] | None]]:
        """Wait for a chunk, which comes without values if it was lost; for as long as `grace`."""
        now, until = monotonic(), math.inf
        if self.timeout < math.inf:
            until = min((task.deadline for task in self.flying.values()), default=math.inf)
        rest = max(min(until - now, grace), 0.0)
        try:
            future = self.arrivals.get(timeout=None if rest == math.inf else rest)
        except Empty:
            return self._overdue(f)
        if future in self.stuck:  # it came after all, but too late
            self.free.append(self.stuck.pop(future))
            self.size += 1
        if future not in self.flying:
            return []
        task = self.flying.pop(future)
        assert task.seat is not None
        error = CancelledError() if future.cancelled() else future.exception()
        if error is not None:
            self._require_another_try(f, task, error)
            self._replace(f, task.seat, 0 if task.points else task.tries)
            return [(task, None)]
        self.free.append(task.seat)
        outcomes, seconds = future.result()
        self.evaluated, self.seconds = self.evaluated + len(outcomes), self.seconds + seconds
        return [(task, outcomes)]

    def _overdue(self, f: Shipped) -> list[tuple[Task, list[Any] | None]]:
        """Give up what has taken too long."""
        now = monotonic()
        given_up: list[tuple[Task, list[Any] | None]] = []
        for future, task in list(self.flying.items()):
            if task.deadline > now:
                continue
            del self.flying[future]
            assert task.seat is not None
            if task.seat.renew is None and not future.cancel():
                self.stuck[future], self.size = task.seat, self.size - 1
            else:
                self._replace(f, task.seat)
            overdue = Raised(
                OverdueError(f"f took longer than {self.timeout:g} seconds, the `timeout`")
            )
            given_up.append((task, [overdue] * len(task.points)))
        return given_up

    def _require_somebody(self) -> None:
        """Raise if nobody is left who could do what is waiting."""
        if self.stuck and self.size <= 0 and self.arrivals.empty():
            raise WorkersError(
                "every worker hangs in an evaluation beyond its `timeout`, and those of an "
                "executor cannot be ended from outside: an integer starts processes that can"
            )

    def _replace(self, f: Shipped, seat: Seat, tries: int = 0) -> None:
        """Free a seat, with a new process if it was ours, which is free when it is ready."""
        self.free.append(seat)
        if seat.renew is not None:
            seat.end()
            seat.executor = seat.renew()
            self._send(f, Task({}, tries))

    @staticmethod
    def _require_another_try(f: Shipped, task: Task, error: BaseException) -> None:
        """Raise unless what went wrong with a worker may be other than what it was doing."""
        if isinstance(error, SendingError):
            raise error
        _ = f.packed  # says so if it was that
        if task.tries < TRIES:
            return
        failure = WorkersError(
            f"a worker was lost in {TRIES} of {TRIES} tries to evaluate f: it was killed, crashed, "
            "or ran out of memory"
        )
        for point in task.points.values():
            failure.add_note(f"numdiff: the last try was at {point!r}")
        raise failure from error


def processes(count: int, timeout: float) -> Crew:
    """Return a crew of processes that are ours: each can be ended and replaced on its own."""
    return Crew([Seat(_process(), _process) for _ in range(count)], count, timeout)


def crew_of(executor: Any, timeout: float) -> Crew:
    """Return the crew of an executor that is the caller's."""
    if hasattr(executor, "get_executor"):  # a client of Dask
        executor = executor.get_executor(pure=False)
    size, cost = _size_of(executor), COST_OF_OTHERS
    if isinstance(executor, ThreadPoolExecutor):
        cost = COST_OF_THREADS
    elif hasattr(executor, "_max_workers"):
        cost = COST
    if timeout < math.inf and not size:
        raise ValueError(
            "`timeout` needs to know how many workers there are, which this executor does not "
            "tell: let `workers` be an integer or another executor"
        )
    places = size * (1 if timeout < math.inf else QUEUED) if size else UNLIMITED
    return Crew([Seat(executor) for _ in range(places)], size, timeout, cost)


def _size_of(executor: Any) -> int:
    """How many evaluations an executor runs at the same time, 0 if it does not tell."""
    for name in ("_max_workers", "num_workers"):  # of the standard library and loky; of mpi4py
        if isinstance(getattr(executor, name, None), int):
            return int(getattr(executor, name))
    client: Any = getattr(executor, "_client", None)  # of Dask
    return sum(client.nthreads().values()) if hasattr(client, "nthreads") else 0


def _process() -> Executor:
    """Take a process that waits, or start one; it has one thread for linear algebra."""
    while _IDLE:
        surroundings, executor = _IDLE.pop()
        if surroundings.unchanged() and _works(executor):
            return executor
        if (
            surroundings.process == os.getpid()
        ):  # otherwise it is that of the process we forked from
            _end(executor)
    try:
        from loky import ProcessPoolExecutor  # noqa: PLC0415 - optional
    except ImportError as error:
        raise ImportError(
            "`workers` that are processes need loky and cloudpickle: "
            'pip install "numdiff-toolkit[parallel]"'
        ) from error
    threads = {name: "1" for name in THREADS if name not in os.environ}
    started: Executor = ProcessPoolExecutor(1, timeout=KEPT, env=threads)
    return started


def _works(executor: Executor) -> bool:
    try:
        executor.submit(int)
    except Exception:  # noqa: BLE001 - its process was killed while it waited
        return False
    return True


def _end(executor: Any) -> None:
    executor.shutdown(wait=True, kill_workers=True)


class _Surroundings(NamedTuple):
    """What a process of ours sees: whose it is, and what it inherits."""

    process: int
    folder: str
    path: tuple[str, ...]
    variables: dict[str, str]
    modules: dict[str, int]  # a module that is loaded again has another spec

    def unchanged(self) -> bool:
        """Say whether a process that starts now would see the same, but for new modules."""
        now = _surroundings()
        return self[:4] == now[:4] and self.modules.items() <= now.modules.items()


def _surroundings() -> _Surroundings:
    specs = {name: id(getattr(module, "__spec__", None)) for name, module in sys.modules.items()}
    return _Surroundings(os.getpid(), str(Path.cwd()), tuple(sys.path), dict(os.environ), specs)


# Processes that wait for the next call: it starts sooner, and gives the same answer.
_IDLE: deque[tuple[_Surroundings, Executor]] = deque()
