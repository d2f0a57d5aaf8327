"""Matplotlib, brought in when it is needed, and marks that differ without their colours."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INSTALL = 'numdiff.plot needs Matplotlib: pip install "numdiff-toolkit[plot]"'
LEGEND = 8.0  # points
ROW = 1.6 * LEGEND  # of a legend, in points
MAP = "cividis"  # perceptually uniform, monotonic in grey, the same to most colour-blind eyes


class Mark(NamedTuple):
    """How one of several things is drawn."""

    colour: str
    marker: str
    line: str


# Colours of Okabe and Ito (2008), in an order in which neighbours differ in grey too.
MARKS = (
    Mark("#D55E00", "s", "-"),
    Mark("#0072B2", "o", "-"),
    Mark("#E69F00", "^", "-"),
    Mark("#000000", "D", "-"),
    Mark("#56B4E9", "v", "-"),
    Mark("#009E73", "P", "-"),
)
DARK, MIDDLE, LIGHT, PALE = "#000000", "#666666", "#AAAAAA", "#E4E4E4"
ALARM = "#B2182B"


def canvas(ax: Axes | None, width: float = 6.4, height: float = 4.2) -> Axes:
    """Return the axes to draw into, new ones of this size in inches if there are none.

    Raises
    ------
    ImportError
        If Matplotlib is missing: it names the extra.
    """
    if ax is not None:
        return ax
    try:
        from matplotlib import pyplot as plt  # noqa: PLC0415 - loads when a picture is drawn
    except ImportError as error:
        raise ImportError(INSTALL) from error
    return plt.subplots(figsize=(width, height), layout="constrained")[1]


def legend_inside(ax: Axes, columns: int = 2) -> None:
    """Put a legend on top, inside the axes, and stretch them so that it hides nothing."""
    pairs = sorted(  # containers, the data proper, come first and not last
        zip(*ax.get_legend_handles_labels(), strict=True),
        key=lambda pair: not isinstance(pair[0], tuple),
    )
    if not pairs:
        return
    handles, labels = map(list, zip(*pairs, strict=True))
    width, height = np.array([ax.bbox.width, ax.bbox.height]) * 72.0 / ax.figure.dpi
    columns = next((n for n in range(columns, 1, -1) if _width_of(labels, n) < width), 1)
    share = min((math.ceil(len(labels) / columns) * ROW + 12.0) / height, 0.6)
    scale = ax.yaxis.get_transform()
    low, high = scale.transform(np.array(ax.get_ylim()))
    top = scale.inverted().transform(np.array([low + (high - low) / (1.0 - share)]))
    ax.set_ylim(top=float(top[0]))
    ax.legend(
        handles, labels, loc="upper center", ncols=columns, fontsize=LEGEND, edgecolor="none",
        framealpha=0.85,
    )  # fmt: skip


def _width_of(labels: list[str], columns: int) -> float:
    """Estimate the width in points of a legend, which is filled column by column."""
    rows = math.ceil(len(labels) / columns)
    longest = [max(map(len, labels[k : k + rows])) for k in range(0, len(labels), rows)]
    return sum(0.55 * LEGEND * characters + 5.0 * LEGEND for characters in longest)


def legend_above(
    ax: Axes, columns: int = 3, title: str | None = None,
    loc: Literal["lower center", "lower right"] = "lower center",
) -> None:  # fmt: skip
    """Put a legend over the axes, which are full."""
    if ax.get_legend_handles_labels()[0]:
        ax.legend(
            loc=loc, bbox_to_anchor=(0.5 if loc == "lower center" else 1.0, 1.0),
            ncols=columns, fontsize=LEGEND, frameon=False, title=title,
        )  # fmt: skip
