"""Hand-written derivatives as people write them in NumPy, and slips in their source.

A case is the source of ``f``, ``g`` (its gradient) and ``X``; a slip is a kind, a piece of the
source and what somebody wrote instead. A checksum of its name puts a case into the tuning or the
confirming half, as in `tests.corpus`.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.corpus.handwritten import networks, statistics

SETUP = "import numpy as np\nrng = np.random.default_rng(3)\n"


@dataclass(frozen=True)
class Written:
    """A function and its derivative, as they stand in the source."""

    name: str
    source: str
    slip: str = ""

    @property
    def half(self) -> str:
        return "confirm" if zlib.crc32(self.name.encode()) % 2 else "tune"

    def load(self) -> tuple[Any, Any, Any]:
        """Return f, its derivative and the point."""
        space: dict[str, Any] = {}
        exec(SETUP + self.source, space)
        return space["f"], space["g"], space["X"]


def _cases() -> Iterator[tuple[str, str, tuple[tuple[str, str, str], ...]]]:
    for module in (networks, statistics):
        yield from module.CASES


RIGHT = tuple(Written(name, source) for name, source, _ in _cases())


def _slipped(source: str, old: str, new: str) -> str:
    """Exchange a piece of the derivative's source, which must stand there once."""
    before, mark, after = source.partition("def g(")
    assert after.count(old) == 1, (old, after)
    return before + mark + after.replace(old, new)


WRONG = tuple(
    Written(name, _slipped(source, old, new), kind)
    for name, source, slips in _cases()
    for kind, old, new in slips
)
