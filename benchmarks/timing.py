"""Times of several contenders, taken in turns so that all meet the same machine."""

from __future__ import annotations

import gc
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np

Action = Callable[[], object]


def once(action: Action) -> float:
    start = perf_counter()
    action()
    return perf_counter() - start


@dataclass(frozen=True)
class Slow:
    """Something that takes long enough to be timed by itself, and how often it is."""

    seconds: Callable[[], float]
    turns: int


def least(contenders: Mapping[str, Slow]) -> dict[str, float]:
    """Return the least of what each contender measures, taken in turns."""
    best = dict.fromkeys(contenders, math.inf)
    for turn in range(max(slow.turns for slow in contenders.values())):
        for name, slow in contenders.items():
            if turn < slow.turns:
                best[name] = min(best[name], slow.seconds())
    return best


@dataclass(frozen=True)
class Spread:
    """A median, and the quartiles that half of the rounds lie between."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:.3g} ({self.low:.3g} to {self.high:.3g})"


def spread_of(numbers: Sequence[float]) -> Spread:
    low, middle, high = np.quantile(numbers, (0.25, 0.5, 0.75))
    return Spread(float(middle), float(low), float(high))


class Rounds(dict[str, list[float]]):
    """Seconds per call of each contender, round by round."""

    def fastest(self) -> dict[str, float]:
        return {name: min(seconds) for name, seconds in self.items()}

    def median(self, name: str) -> Spread:
        return spread_of(self[name])

    def ratio(self, one: str, other: str) -> Spread:
        """How many times the time of the other one takes, from the ratio in each round."""
        return spread_of([a / b for a, b in zip(self[one], self[other], strict=True)])


def fastest(
    contenders: Mapping[str, Action], *, rounds: int, block: float = 1e-3
) -> dict[str, float]:
    """Return the least time per call of each contender, in seconds."""
    return in_rounds(contenders, rounds=rounds, block=block).fastest()


def in_rounds(contenders: Mapping[str, Action], *, rounds: int, block: float = 1e-3) -> Rounds:
    """Return the time per call of each contender in each round, in seconds.

    Every round runs each contender for about ``block`` seconds, one after the other.
    """
    repeats = {name: _repeats(action, block) for name, action in contenders.items()}
    found = Rounds({name: [] for name in contenders})
    collecting = gc.isenabled()
    gc.disable()
    try:
        for _ in range(rounds):
            for name, action in contenders.items():
                found[name].append(_time_per_call(action, repeats[name]))
    finally:
        if collecting:
            gc.enable()
    return found


WARM = 10  # calls after which everything that is made or compiled on first use is there


def _repeats(action: Action, block: float) -> int:
    usual = min(once(action) for _ in range(WARM))
    return max(1, round(block / max(usual, 1e-9)))


def _time_per_call(action: Action, repeats: int) -> float:
    turns = range(repeats)
    start = perf_counter()
    for _ in turns:
        action()
    return (perf_counter() - start) / repeats
