"""numdiff and its peers behind one signature, each with its defaults.

A tool takes ``(f, x, order)`` or ``(f, x)`` and returns what it says; `numdiff.compare.peers` knows
how each is asked, here and on the command line. Peers are imported when they are called, so that
whoever lacks one can still run the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from numdiff.compare.peers import PEERS, Ask, Peer
from tests.measuring.cases import Counted

__all__ = ["TOOLS", "Counted", "Tool", "available", "gradient_of", "hessian_of", "installed"]


@dataclass(frozen=True)
class Tool:
    """What a tool can do."""

    peer: Peer

    @property
    def name(self) -> str:
        return self.peer.name

    @property
    def missing(self) -> str:
        """Why the tool cannot be run, empty if it can."""
        return self.peer.missing

    @property
    def orders(self) -> tuple[int, ...]:
        return self.peer.orders

    def asks(self, kind: str) -> Ask | None:
        """How it is asked for a derivative of this kind, None if it cannot be."""
        return self.peer.asks.get(kind)

    @property
    def derivative(self) -> Ask | None:
        return self.asks("derivative")

    @property
    def gradient(self) -> Ask | None:
        return self.asks("gradient")

    @property
    def hessian(self) -> Ask | None:
        return self.asks("hessian")


# what looks into f instead of asking it cannot take the functions of the corpus
TOOLS = tuple(Tool(peer) for peer in PEERS if not peer.traces)


def available(names: Sequence[str]) -> Iterator[Tool]:
    """Yield the tools that are installed, and say which are not."""
    for tool in TOOLS:
        missing = tool.missing if tool.name in names else ""
        if missing:
            print(f"{tool.name} is left out: {missing}\n")
        elif tool.name in names:
            yield tool


def _named(name: str, kind: str) -> Ask:
    return next(tool.peer.asks[kind] for tool in TOOLS if tool.name == name)


def gradient_of(name: str) -> Callable[..., Any]:
    """How a tool is asked for a gradient."""
    return _named(name, "gradient")


def hessian_of(name: str) -> Callable[..., Any]:
    """How a tool is asked for a Hessian."""
    return _named(name, "hessian")


def installed(*names: str) -> tuple[str, ...]:
    """Which of these tools can be run."""
    return tuple(tool.name for tool in TOOLS if tool.name in names and not tool.missing)
