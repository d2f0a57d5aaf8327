"""Pictures of results, from their tables: what is lost is drawn as plainly as what is won.

Every tool has a marker of its own, so that the pictures can be read in grey.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import cycle
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.recording import Result
from benchmarks.report import Table

MARKERS = "osD^vP*X<>hdp"
OURS, GREY, PALE = "#000000", "#777777", "#DDDDDD"
COLOURS = ("#D55E00", "#0072B2", "#E69F00", "#56B4E9", "#009E73", "#CC79A7")
DPI = 100


def number(cell: str) -> float:
    """Read a cell: thousands with commas, per cent, what follows a blank left out, "-" nan."""
    word = cell.partition(" ")[0].replace(",", "")
    if word.endswith("%"):
        return float(word[:-1]) / 100
    try:
        return float(word)
    except ValueError:
        return math.nan


def column(table: Table, title: str) -> np.ndarray:
    k = table[0].index(title)
    return np.array([number(row[k]) for row in table[1:]])


def without_targets(table: Table) -> Table:
    return [row for row in table if row[0] not in {"numdiff must", "met"}]


def style_of(names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """A colour and a marker for each tool; numdiff's are black dots."""
    colours, markers = cycle(COLOURS), cycle(MARKERS[1:])
    ours = {"color": OURS, "marker": "o", "zorder": 5}
    return {
        name: ours if name == "numdiff" else {"color": next(colours), "marker": next(markers)}
        for name in dict.fromkeys(names)
    }


def rows_of(ax: Axes, names: Sequence[str]) -> None:
    ax.set_yticks(range(len(names)), names)
    ax.invert_yaxis()
    ax.grid(axis="y", color=PALE)
    ax.set_axisbelow(True)


def accuracy(result: Result) -> Figure:
    """Digits, cover, failures and evaluations of first derivatives."""
    table = without_targets(result.table("median digits", "silent"))
    names = [row[0] for row in table[1:]]
    rows = np.arange(len(names))
    figure = Figure(figsize=(11, 4.6), layout="constrained")
    axes = figure.subplots(1, 4, sharey=True, width_ratios=(1.3, 1, 1.3, 1))
    axes[0].plot(column(table, "median digits"), rows, "o", color=OURS, label="median")
    axes[0].plot(column(table, "10 % digits"), rows, "|", color=GREY, markersize=14,
                 markeredgewidth=2, label="a tenth has fewer")  # fmt: skip
    axes[0].set(xlabel="right digits")
    axes[0].legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False)
    axes[1].plot(column(table, "cover"), rows, "o", color=OURS)
    axes[1].axvline(0.98, color=GREY, linestyle=":")
    axes[1].set(xlabel="share within the bar (dotted: 0.98)", xlim=(0, 1.05))
    for title, mark in (("lies", "X"), ("silent", "v"), ("no answer", "s")):
        axes[2].plot(column(table, title), rows, mark, label=title, alpha=0.8)
    axes[2].set(xlabel=f"of {table[1][-1]} cases", xscale="symlog", xlim=(-0.3, 500))
    axes[2].legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, frameon=False)
    axes[3].plot(column(table, "evals"), rows, "o", color=OURS)
    axes[3].set(xlabel="evaluations", xlim=(0, None))
    for ax in axes[1:]:
        ax.grid(axis="y", color=PALE)
    rows_of(axes[0], names)
    return figure


def work_precision(result: Result) -> Figure:
    """Digits over evaluations: the marker is the median, the line goes down to the worst tenth."""
    table = result.table("tool", "setting", "median digits")
    names, styles = [row[0] for row in table[1:]], style_of([row[0] for row in table[1:]])
    calls, middle, low = (column(table, t) for t in ("evals", "median digits", "10 % digits"))
    figure = Figure(figsize=(9, 6), layout="constrained")
    ax = figure.subplots()
    for name, style in styles.items():
        mine = [k for k, other in enumerate(names) if other == name]
        ax.vlines(calls[mine], low[mine], middle[mine], color=style["color"], alpha=0.45)
        ax.plot(calls[mine], middle[mine], linestyle="none", label=name, **style)
    ax.set(xscale="log", xlabel="evaluations of f, the mean", ylabel="right digits: the median, "
           "and down to what all but a tenth have")  # fmt: skip
    ax.set_xticks([2, 3, 5, 10, 20, 50], labels=["2", "3", "5", "10", "20", "50"])
    ax.minorticks_off()
    ax.grid(color=PALE)
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    return figure


def hessian(result: Result) -> Figure:
    """Evaluations, time and digits over the number of inputs."""
    table = result.table("n", "tool", "evaluations")
    names, styles = [row[1] for row in table[1:]], style_of([row[1] for row in table[1:]])
    n = column(table, "n")
    figure = Figure(figsize=(11, 3.8), layout="constrained")
    axes = figure.subplots(1, 3)
    for ax, title, label in zip(
        axes, ("evaluations", "ms", "digits"), ("evaluations", "milliseconds", "right digits"),
        strict=True,
    ):  # fmt: skip
        values = column(table, title)
        for name, style in styles.items():
            mine = [k for k, other in enumerate(names) if other == name]
            ax.plot(n[mine], values[mine], label=name, linewidth=1, **style)
        ax.set(xlabel="inputs", ylabel=label, xscale="log")
        ax.set_xticks(sorted(set(n)), labels=[f"{k:g}" for k in sorted(set(n))])
        ax.minorticks_off()
        ax.grid(color=PALE)
    axes[0].set_yscale("log")
    axes[1].set_yscale("log")
    axes[2].legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    return figure


def noise(result: Result) -> Figure:
    """The median error and the cover for each class of noise."""
    tables = [table for table in result.tables if "median error" in table[0]]
    names = list(dict.fromkeys(row[0] for table in tables for row in table[1:]))
    figure = Figure(figsize=(11, 4.4), layout="constrained")
    axes = figure.subplots(1, 2, sharey=True)
    for table, mark, colour in zip(
        tables, "osDv", ("#000000", "#0072B2", "#E69F00", "#999999"), strict=False
    ):
        rows = [names.index(row[0]) for row in table[1:]]
        for ax, title in zip(axes, ("median error", "cover"), strict=True):
            ax.plot(column(table, title), rows, mark, color=colour, label=table[0][0], alpha=0.85)
    axes[0].set(xlabel="median relative error", xscale="log")
    axes[1].set(xlabel="share within the bar (dotted: 0.95)", xlim=(0, 1.05))
    axes[1].axvline(0.95, color=GREY, linestyle=":")
    axes[1].grid(axis="y", color=PALE)
    figure.legend(
        *axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=4, frameon=False
    )
    rows_of(axes[0], names)
    return figure


def speed(result: Result) -> Figure:
    """All ratios of times to numdiff's and their quartiles: left of 1 numdiff is the slower one."""
    table = result.table("", "measured", "must")
    chosen = [
        row for row in table[1:] if row[0].endswith("/ numdiff") and not math.isnan(number(row[1]))
    ]
    figure = Figure(figsize=(9, 1.2 + 0.28 * len(chosen)), layout="constrained")
    ax = figure.subplots()
    values = [number(row[1]) for row in chosen]
    for k, value in enumerate(values):
        ax.plot(value, k, "o" if value >= 1 else "X", color=OURS if value >= 1 else "#D55E00")
        spread = re.findall(r"([\d.]+) to ([\d.]+)", chosen[k][-1])
        for low, high in spread:
            ax.hlines(k, float(low), float(high), color=GREY, linewidth=1)
        ax.text(value, k - 0.25, f"{value:.1f}", ha="center", fontsize=7)
    ax.axvline(1.0, color=GREY)
    ax.set(xscale="log", xlabel="times numdiff's, half of the rounds on the line; a cross: slower")
    rows_of(ax, [row[0] for row in chosen])
    return figure


def verify(result: Result) -> Figure:
    """What share of wrong gradients is found, by the size of the mistake."""
    table = without_targets(result.table("blamed", "gross", "1e-9"))
    titles = ("gross", "1e-3", "1e-6", "1e-9")
    styles = style_of([row[0] for row in table[1:]])
    figure = Figure(figsize=(9, 4), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(2, 1))
    for row, (name, style) in zip(table[1:], styles.items(), strict=True):
        shares = [number(row[table[0].index(title)]) for title in titles]
        left.plot(range(len(titles)), shares, label=name, **style)
        right.plot(number(row[table[0].index("evals")]), number(row[table[0].index("blamed")]),
                   linestyle="none", **style)  # fmt: skip
    left.set_xticks(range(len(titles)), ["gross", *(f"one entry\noff by {t}" for t in titles[1:])])
    left.set(ylabel="share of mistakes found", ylim=(-0.03, 1.05))
    right.set(xlabel="calls of f per input", ylabel="right gradients blamed", xlim=(0, None))
    for ax in (left, right):
        ax.grid(color=PALE)
    figure.legend(
        *left.get_legend_handles_labels(), loc="outside upper center", ncols=3, frameon=False
    )
    return figure


PICTURES: Mapping[str, Callable[[Result], Figure]] = MappingProxyType(
    {
        "accuracy": accuracy,
        "work-precision": work_precision,
        "hessian": hessian,
        "noise": noise,
        "speed": speed,
        "verify": verify,
    }
)


def draw(result: Result, folder: Path) -> Path | None:
    """Draw the picture of a result, if there is one."""
    if result.name not in PICTURES:
        return None
    path = folder / f"{result.name}.png"
    PICTURES[result.name](result).savefig(path, dpi=DPI, metadata={"Software": None})
    return path
