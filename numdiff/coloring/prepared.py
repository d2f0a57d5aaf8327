"""Colourings that are ready for use: checked, with the place from which each entry is read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from numdiff.arrays import Array
from numdiff.coloring import kernels
from numdiff.coloring.pattern import as_pattern, mirrored
from numdiff.ladder.runtime import runner

if TYPE_CHECKING:
    from scipy.sparse import csc_array

PACE = 300  # entries that are interpreted in a millisecond
LONG = 64 * kernels.BITS  # rows with more entries tell in advance where their columns find room
# vertices with so many neighbours get a colour of their own: around them stars take quadratic time
CROWDED, ABOVE_MEAN = 8.0, 10.0

Sources: TypeAlias = tuple[Array, Array, Array]  # pointers, rows and places of a colouring


@dataclass(frozen=True, eq=False, repr=False)
class Coloring:
    """A partition of the columns of a sparse derivative, such that one direction serves each part.

    `color` makes them. One that is made by hand, of a pattern and colours, is checked.

    Parameters
    ----------
    pattern : sparse array, or dense array of bool, (m, n)
        Where the derivative may differ from zero; kept as a CSC array of bool.
    colors : array of int, (n,)
        The colour of each column, from 0 on.
    symmetric : bool, default False
        Whether the colouring is for a symmetric matrix, whose entries may be read on either side of
        the diagonal.
    check : bool, default True
        Whether each derivative is compared with one along a random direction, to see what the
        pattern misses.

    Attributes
    ----------
    n_colors : int
        How many directions are needed.

    Raises
    ------
    TypeError, ValueError
        If the pattern or the colours are of the wrong kind or shape, or two columns of one colour
        meet such that an entry cannot be read.

    Examples
    --------
    >>> coloring = Coloring([[1, 1, 0], [0, 1, 1]], [0, 1, 0])
    >>> coloring
    Coloring(2 x 3, 4 entries, 2 colors)
    """

    pattern: csc_array
    colors: Array
    symmetric: bool = False
    check: bool = True
    n_colors: int = field(init=False)
    order: Array = field(init=False)  # (n,): columns by colour
    # what is read where column j is moved: from pointers[j] on (n + 1,), rows and places in data
    pointers: Array = field(init=False)
    rows: Array = field(init=False)
    places: Array = field(init=False)

    def __post_init__(self) -> None:
        pattern = as_pattern(self.pattern)
        if self.symmetric:
            pattern = mirrored(pattern)
        colors = _colors(self.colors, pattern.shape[1])
        order = np.argsort(colors, kind="stable")
        n_colors = int(colors.max(initial=-1)) + 1
        sources = _symmetric_sources if self.symmetric else _plain_sources
        pointers, rows, places = sources(pattern, colors, order)
        for array in (colors, order, pointers, rows, places, pattern.data, pattern.indices):
            array.setflags(write=False)
        self.__dict__.update(
            pattern=pattern, colors=colors, n_colors=n_colors, order=order, pointers=pointers,
            rows=rows, places=places,
        )  # fmt: skip

    @cached_property
    def shares(self) -> Array:
        """How much of each column goes into a random direction: the same each time."""
        random = np.random.default_rng(self.pattern.shape[1])
        shares = random.uniform(-0.5, 0.5, self.pattern.shape[1])
        return np.asarray(shares + np.copysign(0.5, shares))

    @cached_property
    def alone(self) -> Array:
        """Which of the directions of `route` move one column."""
        starts, order = self.route
        return np.flatnonzero(np.diff(starts, append=len(order)) == 1)

    @cached_property
    def owner(self) -> Array:
        """Which of the directions of `route` moves a column: none those that have no entries."""
        starts, order = self.route
        owner = np.full(len(self.order), kernels.NONE, np.int32)
        owner[order] = np.arange(len(starts)).repeat(np.diff(starts, append=len(order)))
        return owner

    @cached_property
    def sources(self) -> Sources:
        """Pointers, places and rows, unsigned: to see that none is negative takes kernels time."""
        pointers, places, rows = (
            array.view(f"u{array.itemsize}") for array in (self.pointers, self.places, self.rows)
        )
        return pointers, places, rows

    @cached_property
    def route(self) -> tuple[Array, Array]:
        """Where colours start among the columns that have entries, by colour; and these."""
        order = self.order[(np.diff(self.pointers) > 0)[self.order]]
        return np.flatnonzero(np.diff(self.colors[order], prepend=-1)), order

    def __repr__(self) -> str:
        rows, columns = self.pattern.shape
        kind = ", symmetric" if self.symmetric else ""
        entries, colors = f"{self.pattern.nnz} entries", f"{self.n_colors} colors"
        return f"Coloring({rows} x {columns}, {entries}, {colors}{kind})"


def color(pattern: Any, symmetric: bool = False, *, check: bool = True) -> Coloring:  # noqa: FBT001, FBT002 - the contract
    """Colour the columns of a sparse derivative, such that few directions tell all its entries.

    Columns of one colour meet in no row, so that the derivative along their sum holds an entry of
    one of them in each row (Curtis, Powell and Reid 1974, doi:10.1093/imamat/13.1.117). The natural
    order is tried first, then columns with many conflicts first, then a random one, until the
    longest row is reached, below which nothing is possible. The result is the same each time.

    Parameters
    ----------
    pattern : sparse array or matrix, or dense array, (m, n)
        Where the derivative may differ from zero: what a sparse array stores, explicit zeros too,
        or what is not zero in a dense one.
    symmetric : bool, default False
        Whether the derivative is a symmetric matrix, as a Hessian is. Fewer colours may do then: a
        star colouring (Gebremedhin et al. 2007, doi:10.1137/050639879). One triangle of the pattern
        is enough.
    check : bool, default True
        Whether `jacobian` and `hessian` compare what they return with the derivative along one
        random direction, to see what the pattern misses.

    Returns
    -------
    Coloring
        For the option `sparsity`.

    Raises
    ------
    TypeError
        If the pattern does not hold numbers.
    ValueError
        If it is not two-dimensional, or not square where `symmetric` asks for that.

    Examples
    --------
    >>> import numpy as np
    >>> band = np.tri(8, k=1, dtype=bool) & ~np.tri(8, k=-2, dtype=bool)
    >>> color(band)
    Coloring(8 x 8, 22 entries, 3 colors)
    """
    columns = as_pattern(pattern)
    if not symmetric:
        return Coloring(columns, fewest_colors(columns), check=check)
    columns = mirrored(columns)
    return Coloring(columns, fewest_stars(columns), symmetric=True, check=check)


def fewest_colors(pattern: csc_array) -> Array:
    """Return the colours of the first order of columns that takes the fewest of them."""
    m, n = pattern.shape
    counts = np.bincount(pattern.indices, minlength=m)
    if counts.max(initial=0) == n:  # each column meets each other one
        return np.arange(n)
    best, least = np.zeros(n, np.int64), n + 1
    for order in _orders(pattern, counts):
        colors, count = _first_fit(pattern, counts, order)
        if count < least:
            best, least = colors, count
        if least <= counts.max(initial=0):
            return best
    # one class after the other, the last one first, takes no more (Culberson 1992)
    return _first_fit(pattern, counts, np.argsort(-best, kind="stable"))[0]


def _orders(pattern: csc_array, counts: Array) -> Iterator[Array]:
    """Yield orders of the columns, each a little dearer than the one before."""
    yield np.arange(pattern.shape[1])
    yield _busiest(pattern, counts)
    # that of scipy.optimize, behind which nobody should fall
    yield np.random.RandomState(0).permutation(pattern.shape[1])


def _busiest(pattern: csc_array, counts: Array) -> Array:
    """Return the columns by the number of entries in their rows, the largest first."""
    totals = np.empty(pattern.shape[1], np.int64)
    runner(pattern.nnz // PACE)(kernels.company)(pattern.indptr, pattern.indices, counts, totals)
    return np.argsort(-totals, kind="stable")


def _first_fit(pattern: csc_array, counts: Array, order: Array) -> tuple[Array, int]:
    n, earliest, run = len(order), np.zeros(len(order), np.int64), runner(pattern.nnz // PACE)
    columns = pattern.indptr, pattern.indices
    if counts.max(initial=0) > LONG:
        seen = np.zeros(len(counts), np.int64)
        run(kernels.words)(order, *columns, counts, LONG, seen, earliest)
        order = order[np.argsort(earliest[order], kind="stable")]
    masks, colors = np.zeros(len(counts), np.int64), np.zeros(n, np.int64)
    waiting, done = np.empty((2, n), np.int64)
    count = run(kernels.first_fit)(order, earliest, *columns, masks, waiting, done, colors)
    return colors, int(count)


def fewest_stars(pattern: csc_array) -> Array:
    """Return the colours of the vertices of a symmetric pattern: stars, or columns if these win."""
    n = pattern.shape[0]
    degrees = np.diff(pattern.indptr)
    crowded = degrees > max(CROWDED * n**0.5, ABOVE_MEAN * degrees.mean() if n else 0.0)
    rest = pattern
    if crowded.any():
        rest = as_pattern(pattern[:, ~crowded].tocsr()[~crowded])
    twin = twins(rest)
    orders = (_busiest(rest, np.diff(rest.indptr)), _smallest_last(rest))
    best = min((_stars(rest, twin, order) for order in orders), key=_count)
    if not crowded.any():
        return min([fewest_colors(pattern), best], key=_count)
    colors = np.empty(n, np.int64)
    colors[~crowded] = best
    colors[crowded] = _count(best) + np.arange(np.count_nonzero(crowded))
    return colors


def _count(colors: Array) -> int:
    return int(colors.max(initial=-1)) + 1


def _stars(pattern: csc_array, twin: Array, order: Array) -> Array:
    n, entries = pattern.shape[0], pattern.nnz
    colors, forbidden, near, near_place, treated = np.full((5, n + 1), kernels.NONE)
    star, hub = np.full((2, entries), kernels.NONE)
    runner(entries // PACE)(kernels.stars)(
        order, pattern.indptr, pattern.indices, twin, colors, star, hub, forbidden, near,
        near_place, treated,
    )  # fmt: skip
    return colors[:n]


def _smallest_last(pattern: csc_array) -> Array:
    """Return the order of vertices in which the smallest come last."""
    n = pattern.shape[0]
    degrees = np.diff(pattern.indptr).astype(np.int64) - pattern.diagonal().astype(np.int64)
    begin, place, order = np.empty(n + 1, np.int64), np.empty(n, np.int64), np.empty(n, np.int64)
    runner(pattern.nnz // PACE)(kernels.smallest_last)(
        pattern.indptr, pattern.indices, degrees, begin, place, order
    )
    return order


def twins(pattern: csc_array) -> Array:
    """Return where the transpose of each entry of a symmetric pattern stands."""
    twin = np.empty(pattern.nnz, pattern.indices.dtype)
    room = np.empty(pattern.shape[0], np.int64)
    runner(pattern.nnz // PACE)(kernels.twins)(pattern.indptr, pattern.indices, room, twin)
    return twin


def _colors(colors: Any, n: int) -> Array:
    array: Array = np.asarray(colors)
    if array.dtype.kind not in "iu":
        raise TypeError(f"`colors` must be integers, got {array.dtype}")
    if array.shape != (n,):
        raise ValueError(f"`colors` must have one entry per column, ({n},), got {array.shape}")
    if n and array.min() < 0:
        raise ValueError(f"`colors` must not be negative, got {array.min()}")
    if n and array.max() >= n:
        raise ValueError(f"`colors` must be less than the number of columns, got {array.max()}")
    return array.astype(np.int32)


def _plain_sources(pattern: csc_array, colors: Array, order: Array) -> Sources:
    """Return where each entry is read: in its own row, for its own column."""
    owner = np.full(pattern.shape[0], kernels.NONE)
    run = runner(pattern.nnz // PACE)
    one, other, row = run(kernels.clash)(order, pattern.indptr, pattern.indices, colors, owner)
    if row >= 0:
        raise ValueError(
            f"columns {one} and {other} have the same color, {colors[one]}, but meet in row {row}: "
            "give them different ones"
        )
    return pattern.indptr, pattern.indices, np.arange(pattern.nnz, dtype=pattern.indices.dtype)


def _symmetric_sources(pattern: csc_array, colors: Array, order: Array) -> Sources:
    """Return where each entry of a symmetric pattern is read."""
    rows, columns = np.empty((2, pattern.nnz), pattern.indices.dtype)
    tally = np.zeros(len(order) + 1, np.int64)
    run, twin = runner(pattern.nnz // PACE), twins(pattern)
    where = pattern.indptr, pattern.indices, twin, colors
    lost = int(run(kernels.sources)(*where, tally, rows, columns))
    if lost >= 0:
        column = int(np.searchsorted(pattern.indptr, lost, side="right")) - 1
        raise ValueError(
            f"entry ({pattern.indices[lost]}, {column}) cannot be read: on both sides of the "
            "diagonal a column of the same color is in its row, so give these different colors"
        )
    places = np.argsort(columns, kind="stable").astype(columns.dtype)
    begin = np.cumsum(np.bincount(columns, minlength=len(order)))
    return np.concatenate([[0], begin]).astype(columns.dtype), rows[places], places
