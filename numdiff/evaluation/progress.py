"""A bar on stderr: how many evaluations are done, how fast, and about how long it will take."""

from __future__ import annotations

import sys
from typing import Any

ROUNDS = 6  # of points that most ladders ask for


class Progress:
    """Counts evaluations; how many there will be is guessed from the rounds so far.

    Parameters
    ----------
    forced : bool
        Whether the bar is shown where stderr is no terminal.

    Raises
    ------
    ImportError
        If tqdm is not installed.
    """

    def __init__(self, *, forced: bool) -> None:
        try:
            from tqdm.auto import tqdm  # noqa: PLC0415 - optional
        except ImportError as error:
            raise ImportError(
                '`progress` needs tqdm: pip install "numdiff-toolkit[progress]"'
            ) from error
        self._bar: Any = None
        self._rounds, self._known = 0, 0
        if forced or sys.stderr.isatty():
            self._bar = tqdm(
                desc="numdiff", unit=" evaluations", file=sys.stderr, dynamic_ncols=True
            )

    def asked(self, count: int, known: int) -> None:
        """So many points are asked for now, some of which are known already."""
        if self._bar is None:
            return
        left = max(ROUNDS - self._rounds, 1) if count > 1 else 1
        self._rounds += count > 1
        self._bar.total = self._bar.n + known + (count - known) * left
        self._bar.update(known)

    def done(self) -> None:
        """One more evaluation has returned."""
        if self._bar is not None:
            self._bar.update(1)

    def close(self) -> None:
        """End the bar, which then says how many evaluations there were."""
        if self._bar is not None:
            self._bar.total = self._bar.n
            self._bar.close()
