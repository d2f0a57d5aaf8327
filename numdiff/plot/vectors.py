"""The picture of a vector: values and their bars, or certain digits, over the entries."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np

from numdiff.arrays import Array
from numdiff.plot.entries import MOST, Entries
from numdiff.plot.style import ALARM, DARK, LIGHT, MIDDLE, legend_inside

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NAMED = 25  # entries up to which each has its tick
CROWDED = 60  # characters of names that do not fit below the axis
FLAGS = ("s", "^", "v", "D", "p", "h")  # markers of flagged entries, by status


def draw_values(ax: Axes, entries: Entries) -> None:
    """Draw values with their bars, flagged entries with open markers."""
    series = [("value", entries.value.real, DARK, "o", 0.0)]
    if np.iscomplexobj(entries.value):
        series = [
            ("real part", entries.value.real, DARK, "o", -0.1),
            ("imaginary part", entries.value.imag, MIDDLE, "D", 0.1),
        ]
    few = entries.value.size <= NAMED
    for label, heights, colour, marker, aside in series:
        where = np.arange(heights.size) + aside
        sound = entries.success & np.isfinite(heights)
        if sound.any():
            ax.errorbar(
                where[sound], heights[sound], entries.error[sound], fmt=marker,
                ms=5.0 if few else 2.0, color=colour, elinewidth=1.0, capsize=4.0 * few,
                label=f"{label} and bar",
            )  # fmt: skip
        _draw_flagged(ax, entries, where, heights, named=aside <= 0.0)
    _draw_sides(ax, entries)
    ax.axhline(0.0, color=LIGHT, lw=0.8, zorder=0)
    ax.margins(y=0.12)
    _finish(ax, entries, "derivative")


def draw_digits(ax: Axes, entries: Entries) -> None:
    """Draw how many digits of each entry are certain."""
    where, zero = np.arange(entries.value.size), entries.zero
    width = 0.8 if where.size <= NAMED else 1.0
    ax.bar(where, np.nan_to_num(entries.digits), width, color=MIDDLE, label="certain digits")
    if zero.any():
        label = f"zero within its bar ({np.count_nonzero(zero)}), on the edge"
        _draw_on_edge(ax, where[zero], label, marker="o", ms=5.0, mec=DARK, mfc="white")
    _draw_flagged(ax, entries, where, np.full(where.size, np.nan), named=True)
    ax.set_ylim(0.0, MOST)
    ax.set_yticks(np.arange(0.0, MOST + 1.0, 4.0))
    _finish(ax, entries, "certain digits")


def _draw_flagged(ax: Axes, entries: Entries, where: Array, heights: Array, *, named: bool) -> None:
    """Draw flagged entries open, and those without a height at the lower edge."""
    for (status, which), marker in zip(entries.flags(), cycle(FLAGS)):
        style: dict[str, Any] = {
            "marker": marker,
            "ms": 7.0,
            "mfc": "white",
            "mec": ALARM,
            "mew": 1.2,
            "zorder": 3,
        }
        known = which & np.isfinite(heights)
        label = f"{status} ({np.count_nonzero(which)})" if named else ""
        if known.any():
            ax.plot(where[known], heights[known], ls="", label=label, **style)
            label = ""
        if (which & ~known).any():
            _draw_on_edge(
                ax, where[which & ~known], label and f"{label}, no value: on the edge", **style
            )


def _draw_on_edge(ax: Axes, where: Array, label: str, **style: Any) -> None:
    ax.plot(
        where, np.zeros(where.size), ls="", transform=ax.get_xaxis_transform(), label=label,
        clip_on=False, **style,
    )  # fmt: skip


def _draw_sides(ax: Axes, entries: Entries) -> None:
    """Draw the one-sided derivatives at kinks."""
    where = np.arange(entries.value.size)
    for sides, marker, label in (
        (entries.left, "<", "from the left"), (entries.right, ">", "from the right"),
    ):  # fmt: skip
        known = np.isfinite(sides)
        if known.any() and not np.iscomplexobj(sides):
            ax.plot(where[known], sides[known], marker, ms=6.0, mfc=LIGHT, mec=DARK, label=label)


def _finish(ax: Axes, entries: Entries, what: str) -> None:
    """Name axes and entries, all of these or some of them, and explain the marks."""
    count = entries.value.size
    ax.set_xlim(-0.6, max(count, 1) - 0.4)
    if 0 < count <= NAMED:
        slanted = sum(map(len, entries.names)) > CROWDED
        ax.set_xticks(range(count), entries.names, rotation=45.0 * slanted,
                      ha="right" if slanted else "center")  # fmt: skip
    ax.set_xlabel("entry" if count > 1 else "")
    ax.set_ylabel(what)
    legend_inside(ax)
