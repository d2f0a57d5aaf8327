"""The picture of a matrix: a heat map of values, or of certain digits."""

from __future__ import annotations

import math
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np

from numdiff.arrays import Array, Floats, Mask
from numdiff.plot.entries import MOST, Entries
from numdiff.plot.style import MAP, PALE, legend_above

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

TICKS = 25  # rows and columns up to which each has its tick
CELL = (32.0, 11.0)  # points, width and height: of a cell that a number fits into
SHARE = 0.75  # of the axes, which is left by the bar of colours
LARGE = 1e5  # numbers below are written without an exponent
SQUARE = 4  # a map less oblong than this has square cells
BRIGHT = 0.55  # of the range of the map: where dark text is read best
HATCHES = ("xxx", "///", "...", "\\\\\\", "+++", "ooo", "|||")


def shape_of(entries: Entries) -> tuple[int, int]:
    """Return rows and columns: the last axis, and all others in C order."""
    return math.prod(entries.shape[:-1]), entries.shape[-1]


def draw_map(ax: Axes, entries: Entries, *, digits: bool) -> None:
    """Draw a heat map; entries without a number are grey, flagged ones hatched."""
    rows, columns = shape = shape_of(entries)
    is_complex = np.iscomplexobj(entries.value)
    values = np.abs(entries.value) if is_complex else entries.value
    numbers = (entries.digits if digits else values).reshape(shape)
    oblong = max(shape) > SQUARE * min(shape)
    image = ax.imshow(
        np.ma.masked_invalid(numbers), cmap=MAP, aspect="auto" if oblong else "equal",
        interpolation="nearest",
    )  # fmt: skip
    ax.set_facecolor(PALE)  # of the cells that are left out
    image.set_clim(*((0.0, MOST) if digits else _range(numbers)))
    label = "certain digits" if digits else "|derivative|" if is_complex else "derivative"
    ax.figure.colorbar(image, ax=ax, label=label)
    for (status, which), hatch in zip(entries.flags(), cycle(HATCHES)):
        _hatch(ax, which.reshape(shape), hatch, f"{status} ({np.count_nonzero(which)})")
    if digits and entries.zero.any():
        label = f"zero within its bar ({np.count_nonzero(entries.zero)})"
        _hatch(ax, entries.zero.reshape(shape), "", label)
    room = SHARE * np.array([ax.bbox.width, ax.bbox.height]) * 72.0 / ax.figure.dpi
    if (room >= np.multiply(CELL, (columns, rows))).all():
        _write(ax, image, numbers, _texts(entries, numbers.ravel(), digits=digits))
    _name_axes(ax, entries)
    legend_above(ax)


def _name_axes(ax: Axes, entries: Entries) -> None:
    """Name both axes and, where they are few, rows and columns."""
    rows, columns = shape_of(entries)
    if columns <= TICKS:
        slanted = sum(map(len, entries.names)) > 3 * TICKS
        ax.set_xticks(range(columns), entries.names, rotation=90.0 * slanted)
    if rows <= TICKS:
        square = entries.shape[:-1] == (columns,)  # its rows are what its columns are
        indices = np.ndindex(*entries.shape[:-1])
        names = entries.names if square else [", ".join(map(str, index)) for index in indices]
        ax.set_yticks(range(rows), names)
    ax.set_xlabel("last axis")
    ax.set_ylabel("first axis" if len(entries.shape) == 2 else "all axes but the last")


def _range(numbers: Floats) -> tuple[float, float]:
    """Return limits of colour that are not alike."""
    finite = numbers[np.isfinite(numbers)]
    if not finite.size:
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _hatch(ax: Axes, which: Mask, hatch: str, label: str) -> None:
    """Hatch some cells, with one patch in the legend."""
    from matplotlib.collections import PatchCollection  # noqa: PLC0415 - loads with a picture
    from matplotlib.patches import Rectangle  # noqa: PLC0415

    style: dict[str, Any] = {
        "facecolor": "none" if hatch else PALE,
        "edgecolor": "black",
        "hatch": hatch,
    }
    cells = [Rectangle((column - 0.5, row - 0.5), 1.0, 1.0) for row, column in np.argwhere(which)]
    ax.add_collection(PatchCollection(cells, linewidth=0.4, **style))
    ax.fill_between([], [], label=label, linewidth=0.4, **style)


def _texts(entries: Entries, numbers: Floats, *, digits: bool) -> Array:
    """Return what is written into the cells: of a zero its bar, where digits are told."""
    texts = [f"{x:.1f}" if digits else _short(x) for x in numbers]
    zeros = [f"\u00b1{error:.1g}" if digits else "0" for error in entries.error]
    return np.where(entries.zero, zeros, np.where(np.isfinite(numbers), texts, ""))


def _short(number: float) -> str:
    return f"{number:.0f}" if 1e3 <= abs(number) < LARGE else f"{number:.3g}"


def _write(ax: Axes, image: AxesImage, numbers: Floats, texts: Array) -> None:
    """Write texts into the cells, light on dark."""
    low, high = image.get_clim()
    assert low is not None
    assert high is not None
    bright = np.nan_to_num((numbers - low) / (high - low), nan=1.0) > BRIGHT
    for (row, column), text in np.ndenumerate(texts.reshape(numbers.shape)):
        ax.text(
            column, row, text, ha="center", va="center", fontsize=8.0,
            color="black" if bright[row, column] else "white",
        )  # fmt: skip
