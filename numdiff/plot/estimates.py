"""The picture of an estimate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from numdiff.estimate import Estimate
from numdiff.plot.entries import entries_of
from numdiff.plot.maps import draw_map, shape_of
from numdiff.plot.style import canvas
from numdiff.plot.vectors import draw_digits, draw_values

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHOWN = ("value", "digits")
SIDE = 4.0  # inches, of the longer side of a map


def estimate(
    est: Estimate, *, show: Literal["value", "digits"] = "value",
    names: Sequence[str] | None = None, ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """Draw an estimate: error bars for a scalar or a vector, a heat map for more axes.

    Parameters
    ----------
    est : Estimate
        Of any shape. With three or more axes the last one becomes the columns of the map and all
        others, in C order, its rows. Complex values are drawn as real and imaginary part in a
        vector, by their absolute values in a map.
    show : {"value", "digits"}, default "value"
        The values, or how many of their significant digits the bars leave certain, 0 to 16. A zero
        has no digits to count, and is marked as such.
    names : sequence of str, optional
        Of the entries along the last axis; in a square matrix of the rows too.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Flagged entries have open markers, or hatched cells, and the legend counts them by status;
        those without a value stand at the lower edge. At a kink, triangles are the derivatives from
        either side.

    Raises
    ------
    ImportError
        If Matplotlib is missing.
    ValueError
        If `show` is neither of both, or there are not as many names as entries.

    Examples
    --------
    >>> from numdiff import jacobian
    >>> est = jacobian(lambda x: [x[0] * x[1], x[0] + x[1]], [1.0, 2.0])
    >>> ax = estimate(est, show="digits", names=["rate", "depth"])
    >>> [label.get_text() for label in ax.get_xticklabels()]
    ['rate', 'depth']
    """
    if show not in SHOWN:
        raise ValueError(f"`show` must be 'value' or 'digits', got {show!r}")
    entries = entries_of(est, names)
    if not entries.value.size:
        raise ValueError(f"`est` has no entries to draw, its shape is {entries.shape}")
    if len(entries.shape) == 1:
        ax = canvas(ax)
        (draw_values if show == "value" else draw_digits)(ax, entries)
        return ax
    rows, columns = shape_of(entries)
    longer = max(rows, columns)
    ax = canvas(ax, 2.4 + SIDE * max(columns / longer, 0.3), 1.2 + SIDE * max(rows / longer, 0.3))
    draw_map(ax, entries, digits=show == "digits")
    return ax
