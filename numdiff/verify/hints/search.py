"""Name the mistake in a derivative: the shortest description under which it agrees.

Every idea is a correction with a price in decimal digits. It is believed if the entries that it
mends hold more digits than it costs: minimum description length, Rissanen (1978),
doi:10.1016/0005-1098(78)90005-5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain

import numpy as np

from numdiff.verify.arrays import EPS, Floats, Mask
from numdiff.verify.hints.ideas import MARGIN, MOST, Evidence, Idea, View, place_of, view_of
from numdiff.verify.hints.mistakes import factors, factors_by_line, facts, rank_one, scales, terms
from numdiff.verify.hints.orders import moves, orders

PLAIN = 1.5  # digits that a number such as 12 or 0.25 holds: many mistakes lead to it
SHORT = 6  # significant digits of such plain numbers
PARTS = 3  # mistakes at once
ALIKE = 1e-13  # of the largest entry: what rounding does to symmetry
MANY = 3000  # wrong entries beyond which only single mistakes are sought: seconds


def hints(evidence: Evidence, accept: Callable[[Floats], bool]) -> tuple[str, ...]:
    """Say what is probably wrong with a derivative.

    Parameters
    ----------
    evidence : Evidence
        The derivative and what it should be.
    accept : callable
        ``accept(matrix)`` says whether a corrected derivative agrees with the numerical one.

    Returns
    -------
    tuple of str
        A sentence per mistake; nothing where no correction is simple enough to be believed.

    Examples
    --------
    >>> x = np.array([0.3, 0.8, 1.7])
    >>> right, bars = np.cos(x)[None], np.full((1, 3), 1e-12)
    >>> hints(Evidence(-right, right, bars, x, None, "gradient"), lambda matrix: True)
    ('the sign is wrong in all entries',)
    """
    with np.errstate(all="ignore"):  # where a factor is not defined no entry fits
        if not (evidence.symmetric and _mirrored(evidence.analytic)):
            return _found(evidence, accept)
        # what is wrong with one triangle is wrong with the other: it is told once
        upper = np.where(np.tri(len(evidence.analytic), k=-1) > 0.0, np.nan, evidence.numerical)
        whole = lambda matrix: accept(np.triu(matrix) + np.triu(matrix, 1).T)  # noqa: E731
        return _found(evidence._replace(numerical=upper), whole) or _found(evidence, accept)


def _mirrored(matrix: Floats) -> bool:
    """Say whether a matrix is symmetric up to rounding."""
    return bool((np.abs(matrix - matrix.T) <= ALIKE * np.abs(matrix).max(initial=0.0)).all())


def _found(evidence: Evidence, accept: Callable[[Floats], bool]) -> tuple[str, ...]:
    """Return the first mistakes that explain everything."""
    view = view_of(evidence)
    if not view.row.size or not np.isfinite(view.analytic).all():
        return ()
    two = chain(_on_top(view), _several(view)) if view.row.size <= MANY else ()
    # the most generous ideas come last
    generous = chain(factors_by_line(view), rank_one(view))
    last = ((idea,) for idea in generous if _explains(view, idea))
    for parts in chain(_single(view), two, last):
        if accept(parts[-1].corrected):
            places = [place_of(evidence, part.mended) for part in parts]
            pairs = zip(parts, places, strict=True)
            return tuple(part.words.format(place).strip() for part, place in pairs)
    return ()


def _single(view: View) -> list[tuple[Idea, ...]]:
    """Return the single mistakes that explain everything, the simplest first."""
    complete = [idea for idea in _ideas(view, whole=True) if _explains(view, idea)]
    return [(idea,) for idea in sorted(complete, key=lambda idea: (idea.free, idea.price))]


def _on_top(view: View) -> Iterator[tuple[Idea, ...]]:
    """Yield two mistakes in the same entries: an order and a factor, or a sign and a term."""
    negated = -view.evidence.analytic
    sign = Idea("the sign is wrong in all entries", 0.0, 0, view.wrong, negated)
    # a wrong sign shows in most entries, whatever term comes with it
    opposite = np.count_nonzero(view.analytic * view.numerical < 0.0) > 0.5 * view.row.size
    for first in chain(orders(view, every=True), [sign] if opposite else []):
        after = view_of(view.evidence._replace(analytic=first.corrected))
        second = terms(after, whole=True) if first is sign else factors(after, whole=True, by=())
        for idea in second:
            priced = idea._replace(price=idea.price + first.price)
            if idea.free < 1 + (first is sign) and _explains(after, priced):
                yield first, idea


def _several(view: View) -> Iterator[tuple[Idea, ...]]:
    """Yield mistakes in different entries: what mends most, then the rest."""
    parts: tuple[Idea, ...] = ()
    while view.row.size and len(parts) < PARTS:
        ideas = sorted(_ideas(view, whole=False), key=_reach)
        best = next((idea for idea in ideas if _is_believed(view, idea)), None)
        if best is None:
            return
        parts = (*parts, best)
        view = view_of(view.evidence._replace(analytic=best.corrected))
    if not view.row.size:
        yield parts


def _reach(idea: Idea) -> tuple[int, int, float]:
    return -int(np.count_nonzero(idea.mended)), idea.free, idea.price


def _ideas(view: View, *, whole: bool) -> Iterator[Idea]:
    lost = chain(facts(view), factors(view, whole=whole, by=tuple(scales(view))))
    return chain(lost, orders(view, every=False), moves(view), terms(view, whole=whole))


# --- What speaks for an idea ---


def _explains(view: View, idea: Idea) -> bool:
    return bool(idea.mended[view.wrong].all()) and _is_believed(view, idea)


def _is_believed(view: View, idea: Idea) -> bool:
    """Whether the mended entries, without those that the free numbers used up, outweigh it."""
    if idea.free >= np.count_nonzero(idea.mended) and idea.price > 0.0:
        return False
    digits = np.sort(_digits(view, idea))
    return bool(digits[: max(digits.size - idea.free, 0)].sum() >= idea.price + MARGIN)


def _digits(view: View, idea: Idea) -> Floats:
    """Return how many digits each different mended entry holds against a coincidence."""
    chosen = idea.mended[view.wrong]
    a, d, bars = view.analytic[chosen], view.numerical[chosen], view.bars[chosen]
    signal = d if idea.signal is None else idea.signal[idea.mended]
    size = np.minimum(np.abs(signal), np.abs(a - d))
    digits = np.clip(np.log10(size / np.maximum(bars, EPS * size)), 0.0, MOST)
    digits = np.where(_is_plain(a) & _is_plain(d), np.minimum(digits, PLAIN), digits)
    # entries that are alike, but for the sign, are one
    alike = np.stack([np.abs(d), a * np.where(d < 0.0, -1.0, 1.0)], axis=1).astype(np.float32)
    kept = np.unique(alike, axis=0, return_index=True)[1]
    return np.asarray(np.nan_to_num(digits[kept]))


def _is_plain(values: Floats) -> Mask:
    """Say which numbers are short decimals, as polynomials of round numbers are."""
    unit = 10.0 ** (SHORT - 1 - np.floor(np.log10(np.abs(values))))
    scaled = values * unit
    return np.asarray((np.abs(scaled - np.rint(scaled)) <= 1e-6) | (values == 0.0))
