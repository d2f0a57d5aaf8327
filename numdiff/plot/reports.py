"""The picture of a report: by how many error bars the entries of a derivative differ."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from numdiff.arrays import Array, Floats
from numdiff.plot.style import DARK, LIGHT, MIDDLE, PALE, Mark, canvas, legend_above

if TYPE_CHECKING:
    from matplotlib.axes import Axes

THRESHOLDS = (8.0, 16.0)  # bars beyond which an entry disagrees, and where f is noisy
LINEAR = 0.01  # bars: below, the axis is linear down to the differences that are zero
BAND = 3.0  # rows that all entries share which have none of their own
ROOM = 30.0  # times the largest difference: the end of the axis
TICKS = 7  # at most
MANY = 100  # entries: more have small markers
WIDEST = 30  # characters of a name
VERDICTS = (
    ("disagree", Mark(DARK, "X", "-")),
    ("inconclusive", Mark(MIDDLE, "^", "-")),
    ("agree", Mark(LIGHT, "o", "-")),
)


class Report(Protocol):
    """What is drawn of a `numdiff.verify.Report`."""

    @property
    def verdict(self) -> str:
        """The verdict on all entries."""

    @property
    def title(self) -> str:
        """What was checked."""

    @property
    def entries(self) -> Array:
        """The records of all entries."""

    def worst(self, k: int) -> Array:
        """Return the k worst entries."""


def report(report: Report, *, k: int = 12, ax: Axes | None = None) -> Axes:
    """Draw by how many error bars the entries of a checked derivative differ.

    Parameters
    ----------
    report : numdiff.verify.Report
        What `numdiff.verify` returned.
    k : int, default 12
        How many entries, the worst ones, have a row of their own and are named. All others share a
        band below these.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Marker and shade tell the verdict of an entry. The axis of differences, in error bars, is
        logarithmic, and linear from 0.01 down to 0; differences without a finite number of bars
        stand at its end. The shade begins at 8 bars, where entries disagree, and is full at 16,
        where they do even if f is noisy.

    Raises
    ------
    ImportError
        If Matplotlib is missing.
    ValueError
        If `k` is negative, or nothing was compared.

    Examples
    --------
    >>> from numdiff import verify
    >>> checked = verify.gradient(lambda x: x[0] * x[1] ** 2, lambda x: [x[1] ** 2, x[0] * x[1]],
    ...                           [2.0, 3.0], names=["rate", "depth"])
    >>> ax = report(checked)
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['depth [1]', 'rate [0]']
    """
    if k < 0:
        raise ValueError(f"`k` must not be negative, got {k!r}")
    total = len(report.entries)
    if not total:
        raise ValueError("`report` compared no entries: there is nothing to draw")
    entries = report.worst(total)
    own = min(k, total)
    own = total if total - own <= BAND else own
    rows = own + (BAND if total > own else 0.0)
    ax = canvas(ax, 6.4, 1.4 + 0.28 * rows)
    heights = np.concatenate([np.arange(own), own + BAND * _spread(total - own)])
    _scale(ax, entries["bars"])
    for verdict, mark in VERDICTS:
        _draw(ax, entries, heights, verdict, mark)
    _name_rows(ax, entries, own)
    ax.set_ylim(rows - 0.4, -0.6)
    legend_above(ax, 4, f"{report.verdict}: {report.title}", "lower right")
    return ax


def _spread(count: int) -> Floats:
    """Spread entries over the band, in an order in which neighbours are apart."""
    return np.asarray((np.arange(count) * 0.6180339887498949 + 0.5) % 1.0 * 0.8)


def _scale(ax: Axes, bars: Floats) -> None:
    """Set the axis of differences, and draw the threshold."""
    largest = max(float(bars[np.isfinite(bars)].max(initial=0.0)), THRESHOLDS[1])
    end = ROOM * largest
    ax.set_xscale("symlog", linthresh=LINEAR, linscale=0.5)
    ax.set_xlim(-0.1 * LINEAR, end)
    last, first = math.floor(math.log10(end)), round(math.log10(LINEAR))
    every = math.ceil((last - first) / TICKS)
    powers = range(first if every == 1 else 0, last + 1, every)
    ax.set_xticks([0.0, *(10.0**power for power in powers)])
    for threshold in THRESHOLDS:
        ax.axvspan(threshold, end, color=PALE, alpha=0.5, lw=0.0, zorder=0)
    label = "wrong beyond 8 bars (16 if f is noisy)"
    ax.axvline(THRESHOLDS[0], color=DARK, lw=1.0, ls="--", zorder=1, label=label)
    beyond = "" if np.isfinite(bars).all() else " (at the end: no finite number)"
    ax.set_xlabel(f"difference in error bars{beyond}")


def _draw(ax: Axes, entries: Array, heights: Floats, verdict: str, mark: Mark) -> None:
    which = entries["verdict"] == verdict
    if not which.any():
        return
    bars, crowded = entries["bars"], len(entries) > MANY
    where = np.where(np.isfinite(bars), bars, ax.get_xlim()[1])
    ax.plot(
        where[which], heights[which], marker=mark.marker, ls="", ms=4.0 if crowded else 6.0,
        mec=DARK, mew=0.3 if crowded else 0.6, mfc=mark.colour, clip_on=False, zorder=3,
        label=f"{verdict} ({np.count_nonzero(which)})",
    )  # fmt: skip


def _name_rows(ax: Axes, entries: Array, own: int) -> None:
    several = bool(np.ptp(entries["point"]))
    texts = [_name_of(entry, several=several) for entry in entries[:own]]
    ticks = list(np.arange(own, dtype=float))
    if len(entries) > own:
        texts.append(f"{len(entries) - own} more")
        ticks.append(own + BAND / 2.0 - 0.5)
    ax.set_yticks(ticks, texts)
    ax.hlines(ticks[:own], *ax.get_xlim(), color=LIGHT, lw=0.4, zorder=0)


def _name_of(entry: Any, *, several: bool) -> str:
    name, index = str(entry["name"]), ", ".join(map(str, entry["index"]))
    name = name if len(name) <= WIDEST else f"{name[: WIDEST - 3]}..."
    where = f"[{index}]" * bool(index) + f" at point {entry['point']}" * several
    return f"{name} {where}".strip() or "derivative"
