"""Workers on paper: the real scheduler, with a clock that only moves when it waits."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from concurrent.futures import Executor, Future
from queue import Empty
from typing import Any

import numpy as np

from numdiff.evaluation.attempts import Shipped
from numdiff.evaluation.call import Call
from numdiff.evaluation.evaluator import Evaluator
from numdiff.evaluation.executors import Crew, Seat


class Virtual(Executor):
    """So many workers, each of which takes as long for an evaluation as `seconds` says.

    What is handed out is computed at once, and arrives when its time has come. It is the queue of
    arrivals as well.
    """

    def __init__(self, size: int, seconds: Callable[[], float], delay: float = 0.0) -> None:
        self.size, self.seconds, self.delay = size, seconds, delay
        self.now, self.busy, self.evaluations = 0.0, 0.0, 0
        self.idle = [0.0] * size  # when each worker is free
        self.events: list[tuple[float, int, Future[Any]]] = []
        self.numbers = itertools.count()

    def submit(self, fn: Any, f: Any, points: Any, number: int) -> Future[Any]:
        outcomes, _ = fn(f, points, number)
        took = sum(self.seconds() for _ in points)
        start = max(heapq.heappop(self.idle), self.now + self.delay)
        heapq.heappush(self.idle, start + took)
        self.busy, self.evaluations = self.busy + took, self.evaluations + len(points)
        future: Future[Any] = Future()
        future.set_result((outcomes, took))
        heapq.heappush(self.events, (start + took + self.delay, next(self.numbers), future))
        return future

    def put(self, future: Future[Any]) -> None:
        """A future is announced as soon as it is handed out."""

    def empty(self) -> bool:
        return not self.events or self.events[0][0] > self.now

    def get(self, timeout: float | None = None) -> Future[Any]:
        until = np.inf if timeout is None else self.now + timeout
        if not self.events or self.events[0][0] > until:
            self.now = until
            raise Empty
        self.now, _, future = heapq.heappop(self.events)
        return future


def virtual_call(f: Callable[..., Any], shape: tuple[int, ...], workers: Virtual) -> Call:
    """How f is called by workers on paper; a chunk on its way for each."""
    crew = Crew([Seat(workers)] * workers.size, workers.size, arrivals=workers)
    return Call(f, shape, scalar=shape == (), evaluator=Evaluator(Shipped(f), crew))
