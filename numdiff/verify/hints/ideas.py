"""A derivative that is wrong, and corrections of it: the values that hints are made of."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from numdiff.verify.arrays import EPS, Array, Floats, Ints, Mask

MARGIN = 1.0  # digits beyond the price: one coincidence in ten of the rarest ideas is too many
MOST = 12.0  # digits that an entry can hold, however small its bar: the rest is rounding
WIDE = 1.0e7  # numbers that a search may compare: a second or so
CLUSTERS = 8  # groups of entries that are looked into, the largest first
LISTED = 6  # entries that a sentence names
EVERYWHERE = "in all entries"  # what a hint says of a mistake that no place marks


class Evidence(NamedTuple):
    """A derivative and what is known of it, as matrices of m outputs and n inputs.

    Parameters
    ----------
    analytic : array of float, (m, n)
        The derivative under test.
    numerical : array of float, (m, n)
        What it should be, nan where that is not known.
    bars : array of float, (m, n)
        An entry fits where ``abs(analytic - numerical) <= bars``.
    x : array of float, (n,)
        The point.
    f : array of float, (m,), or None
        The values of f there.
    kind : str
        ``"gradient"``, ``"jacobian"``, ``"hessian"``, ``"jvp"``, ``"vjp"`` or ``"hvp"``.
    """

    analytic: Floats
    numerical: Floats
    bars: Floats
    x: Floats
    f: Floats | None
    kind: str

    @property
    def symmetric(self) -> bool:
        """Whether it is the Hessian of one number."""
        rows, columns = self.analytic.shape
        return self.kind == "hessian" and rows == columns


class View(NamedTuple):
    """What is wrong with the matrix: K entries, and the x and f that belong to them, if any do.

    Of the Hessian of one number `pair` is x[i] * x[j].
    """

    evidence: Evidence
    wrong: Mask  # (m, n)
    row: Ints
    column: Ints
    analytic: Floats
    numerical: Floats
    bars: Floats
    x: Floats
    f: Floats
    pair: Floats


class Idea(NamedTuple):
    """A correction of some of the entries that are wrong."""

    words: str  # "{0}" stands for the place
    price: float  # digits
    free: int  # numbers taken from the data
    mended: Mask  # (m, n)
    corrected: Floats  # (m, n)
    signal: Floats | None = None  # (m, n) numbers that speak for it, if not the numerical ones


def view_of(evidence: Evidence) -> View:
    """Find the entries that are wrong."""
    analytic, numerical, bars, x, f = evidence[:5]
    wrong = ~(np.abs(analytic - numerical) <= bars) & np.isfinite(numerical)
    row, column = np.nonzero(wrong)
    m, n = wrong.shape
    inputs = np.resize(x if x.size == n else np.nan, n)
    outputs = np.resize(f if f is not None and f.size in {1, m} else np.nan, m)
    pair = inputs[column] * (inputs[row] if evidence.symmetric else np.nan)
    here = analytic[wrong], numerical[wrong], bars[wrong], inputs[column], outputs[row], pair
    return View(evidence, wrong, row, column, *here)


def fits_of(values: Floats, view: View) -> Mask:
    """Say which of the wrong entries would be right with these values (K,)."""
    tolerance = view.bars + 4.0 * EPS * np.abs(values)
    return np.asarray(np.isfinite(values) & (np.abs(values - view.numerical) <= tolerance))


def mend(view: View, values: Floats, words: str, price: float, free: int = 0) -> Idea:
    """Return the idea that replaces the wrong entries, where they then fit, by `values` (K,)."""
    fits = fits_of(values, view)
    mended, corrected = view.wrong.copy(), view.evidence.analytic.copy()
    mended[view.wrong] = fits
    corrected[mended] = values[fits]
    return Idea(words, price, free, mended, corrected)


def place_of(evidence: Evidence, mended: Mask) -> str:
    """Say where the mended entries are."""
    m, n = mended.shape
    zero = (evidence.analytic == 0.0) & (np.abs(evidence.numerical) <= evidence.bars)
    empty = zero | ~np.isfinite(evidence.numerical)
    if (mended | empty).all():
        return EVERYWHERE
    if min(m, n) == 1:
        return "only " + _numbered("entry", "entries", np.flatnonzero(mended))
    i, j = np.indices(mended.shape)
    parts = {"on": i == j, "off": i != j, "above": i < j, "below": i > j}
    for word, part in parts.items() if m == n else ():
        if (mended <= part).all() and (mended | empty | ~part).all():
            return f"{word} the diagonal"
    for axis, line in enumerate(("row", "column")):
        numbers = np.flatnonzero(mended.any(axis=1 - axis))
        if np.take(mended | empty, numbers, axis).all():
            return "only " + _numbered(line, f"{line}s", numbers)
    where = [f"({i}, {j})" for i, j in np.argwhere(mended)[:LISTED].tolist()]
    return f"only in entries {', '.join(where)}" + ", ..." * int(np.count_nonzero(mended) > LISTED)


def _numbered(one: str, many: str, numbers: Ints) -> str:
    return f"in {one if numbers.size == 1 else many} {listed(numbers)}"


def listed(values: Array) -> str:
    """Write the first of some numbers."""
    shown = ", ".join(f"{value:.6g}" for value in values[:LISTED].tolist())
    return shown + ", ..." * (values.size > LISTED)
