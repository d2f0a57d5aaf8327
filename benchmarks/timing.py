"""Times of several contenders, taken in turns so that all meet the same machine."""

from __future__ import annotations

import gc
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

    def medians(self) -> dict[str, float]:
        return {name: spread_of(seconds).median for name, seconds in self.items()}

    def ratio(self, one: str, other: str) -> Spread:
        """How many times the time of the other one takes, from the ratio in each round."""
        return spread_of([a / b for a, b in zip(self[one], self[other], strict=True)])

    def more(self, one: str, other: str) -> Spread:
        """How many seconds more than the other one takes, from the difference in each round."""
        return spread_of([a - b for a, b in zip(self[one], self[other], strict=True)])


def in_turns(contenders: Mapping[str, Slow]) -> Rounds:
    """Return what each contender measures, taken in turns; some may have fewer turns."""
    found = Rounds({name: [] for name in contenders})
    for turn in range(max(slow.turns for slow in contenders.values())):
        for name, slow in contenders.items():
            if turn < slow.turns:
                found[name].append(slow.seconds())
    return found


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
