"""A comparison as a picture: differences and bars, evaluations, times."""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from numdiff.compare.asking import Comparison
from numdiff.plot.style import DARK, INSTALL, MIDDLE, PALE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROW, WIDTH = 0.32, 9.0  # inches
LEAST = 1e-18  # what is drawn of a difference of 0


def picture(found: Comparison, path: str | PathLike[str]) -> None:
    """Draw a comparison into a file: one row a library, all axes logarithmic.

    Parameters
    ----------
    found : Comparison
        Differences and bars are those of the entry that is disputed most, relative to its size.
    path : str or path
        The file; its ending says of what kind.

    Raises
    ------
    ImportError
        If Matplotlib is missing: it names the extra.

    Examples
    --------
    >>> import math, os, tempfile
    >>> from numdiff.compare import compare
    >>> path = os.path.join(tempfile.mkdtemp(), "exp.png")
    >>> picture(compare(math.exp, 1.0, tools=("numdiff", "3-point")), path)
    >>> os.path.getsize(path) > 1000
    True
    """
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415 - loads when a picture is drawn
    except ImportError as error:
        raise ImportError(INSTALL) from error
    figure = Figure(figsize=(WIDTH, 1.2 + ROW * len(found.answers)), layout="constrained")
    axes = figure.subplots(1, 3, sharey=True, width_ratios=(2, 1, 1))
    rows = range(len(found.answers))
    _differences(axes[0], found)
    calls = [answer.nfev if answer.nfev > 0 else np.nan for answer in found.answers]
    times = [
        np.nan if np.isnan(answer.value).all() and answer.nfev < 0 else answer.seconds * 1e3
        for answer in found.answers
    ]
    for ax, numbers, title in ((axes[1], calls, "evaluations of f"), (axes[2], times, "time, ms")):
        ax.plot(numbers, rows, "o", color=DARK)
        ax.set(xlabel=title)
    for ax in axes:
        ax.set_xscale("log")
        ax.grid(axis="y", color=PALE)
        ax.set_axisbelow(True)
    axes[0].set_yticks(rows, [answer.tool for answer in found.answers])
    axes[0].invert_yaxis()
    figure.suptitle(found.head, fontsize=9.0)
    figure.savefig(path, dpi=120)


def _differences(ax: Axes, found: Comparison) -> None:
    mine = found.answers[0].value[found.entry]
    size = abs(mine) or 1.0
    for row, answer in enumerate(found.answers):
        off, bar = abs(answer.value[found.entry] - mine) / size, answer.error[found.entry] / size
        style: dict[str, Any] = {"linestyle": "none", "label": row == 1}
        if np.isnan(answer.value[found.entry]):
            ax.text(0.5, row, "no answer", transform=ax.get_yaxis_transform(), va="center",
                    ha="center", color=MIDDLE, fontsize=8.0)  # fmt: skip
        elif row:
            style["label"] = "difference from numdiff" if row == 1 else None
            ax.plot(max(off, LEAST), row, "o", color=DARK, **style)
        if np.isfinite(bar):
            style["label"] = "bar" if row == 0 else None
            ax.plot(
                max(bar, LEAST), row, "|", color=MIDDLE, markersize=12, markeredgewidth=2, **style
            )
    ax.set(xlabel="relative to the value")
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, fontsize=8.0, frameon=False)
