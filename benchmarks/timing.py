"""Times of several contenders, taken in turns so that all meet the same machine."""

from __future__ import annotations

import gc
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import perf_counter

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


def fastest(
    contenders: Mapping[str, Action], *, rounds: int, block: float = 1e-3
) -> dict[str, float]:
    """Return the least time per call of each contender, in seconds.

    Every round runs each contender for about ``block`` seconds, one after the other.
    """
    repeats = {name: _repeats(action, block) for name, action in contenders.items()}
    best = dict.fromkeys(contenders, math.inf)
    collecting = gc.isenabled()
    gc.disable()
    try:
        for _ in range(rounds):
            for name, action in contenders.items():
                best[name] = min(best[name], _time_per_call(action, repeats[name]))
    finally:
        if collecting:
            gc.enable()
    return best


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
