"""What may be wrong with a derivative: entries that are missing, factors and terms."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from numdiff.verify.arrays import EPS, Floats
from numdiff.verify.hints.ideas import CLUSTERS, MARGIN, WIDE, Idea, View, fits_of, listed, mend

DENOMINATOR = 12  # largest of the fractions that count as such
LARGEST = 1.0e5  # of the integers: a mean over more is rare, and any number is near one
PLAUSIBLE = 1e-5  # a factor nearer to one is a rounded number and no forgotten factor
ALIKE = 1e-9  # relative difference of factors that are the same
SIMPLE = 1.6  # price of a constant that may come with a factor such as x
KNOWN = (
    ("pi/180", math.pi / 180, "degrees against radians"),
    ("ln 10", math.log(10), "log10 against ln"), ("ln 2", math.log(2), "log2 against ln"),
    ("pi", math.pi, ""), ("2 pi", 2 * math.pi, ""), ("sqrt(2)", math.sqrt(2), ""),
    ("sqrt(pi)", math.sqrt(math.pi), ""), ("sqrt(2 pi)", math.sqrt(2 * math.pi), ""),
)  # fmt: skip
Law = Callable[[Floats], Any]
SCALES: tuple[tuple[str, Law], ...] = (
    ("{0}", lambda x: x), ("{0}**2", np.square), ("sqrt({0})", np.sqrt),
    ("exp({0})", np.exp), ("10**{0}", lambda x: 10.0**x),
)  # fmt: skip
LINKS: tuple[tuple[str, Law], ...] = (
    ("(x - x**2)", lambda x: x * (1 - x)), ("(1 - x**2)", lambda x: 1 - x * x),
    ("(1 + x**2)", lambda x: 1 + x * x), ("cos(x)", np.cos),
    ("sigmoid'(x)", lambda x: 0.25 / np.cosh(x / 2) ** 2),
    ("tanh'(x)", lambda x: 1.0 / np.cosh(x) ** 2),
)  # fmt: skip


class _Constant(NamedTuple):
    """A factor, and what it is called."""

    value: float
    text: str  # without the sign
    reason: str
    price: float
    free: bool = False  # whether it is no more than a number


# --- Entries that are missing, too many, or mirrored ---


def facts(view: View) -> Iterator[Idea]:
    """Yield what needs no evidence because it can be seen."""
    visible, nothing = -MARGIN, np.full(view.row.shape, np.nan)
    if view.evidence.symmetric:
        mirrored = view.evidence.analytic.T[view.wrong]
        words, price = "only one triangle is filled: missing {0}", 2.0 * visible
        if view.analytic[fits_of(mirrored, view)].any():
            words, price = "not symmetric: wrong {0}, right on the other side of the diagonal", 3.0
        yield mend(view, mirrored, words, price)
    missing = np.where(view.analytic == 0.0, view.numerical, nothing)
    yield mend(view, missing, "the derivative is missing, 0 instead of its value, {0}", visible)
    spurious = np.where(np.abs(view.numerical) <= view.bars, view.numerical, nothing)
    yield mend(view, spurious, "the derivative is not zero {0}, where it should be", visible)


# --- Factors ---


def factors(view: View, *, whole: bool, by: tuple[tuple[str, Floats], ...]) -> Iterator[Idea]:
    """Yield factors that are missing in some, or in the whole, of the wrong entries.

    They are constants, alone or times what is given.
    """
    for name, basis in [("", np.ones(view.row.shape)), *by]:
        ratio = view.numerical / (view.analytic * basis)
        error = (view.bars + 4.0 * EPS * np.abs(view.numerical)) / np.abs(view.analytic * basis)
        for factor, spread in _clusters(ratio, error, whole=whole):
            if name:
                yield _by_law(view, name, basis, _constant(factor, spread, most=SIMPLE))
            elif abs(factor - 1.0) > PLAUSIBLE:
                yield _by_number(view, _constant(factor, spread, most=math.inf), by)


def _by_law(view: View, name: str, basis: Floats, constant: _Constant) -> Idea:
    """Return the idea that the analytic entries lack a factor ``constant * basis``."""
    # a number and a law together need three entries: x often holds simple ratios
    free = 2 * int(constant.price > 0.0)
    price = constant.price + (1.2 if name in {"x", "1/x"} else 2.0)
    sign = "-" * (constant.value < 0.0)
    factor = name if constant.value == 1.0 else f"{sign}{constant.text} * {name}"
    whose = "parameter" if "x" in name.replace("exp", "") else "value f"
    cause = f"as of a {whose} on another scale"
    if "(x/f)" in name:
        cause = "as between x, f and their logarithms"
    words = f"a factor {factor} is missing {{0}} (chain rule, {cause})"
    idea = mend(view, view.analytic * basis * constant.value, words, price, free)
    believable = constant.price <= 0.0 or _varies(basis[idea.mended[view.wrong]])
    return idea if believable else idea._replace(price=math.inf)


def _by_number(view: View, constant: _Constant, by: tuple[tuple[str, Floats], ...]) -> Idea:
    """Return the idea that the analytic entries lack a constant factor."""
    value, size = constant.value, abs(constant.value)
    idea = mend(view, view.analytic * value, "", constant.price, int(constant.free))
    chosen = idea.mended[view.wrong]
    alike = [bool((np.abs(basis[chosen] - value) <= ALIKE * size).all()) for _, basis in by]
    same = [by[k][0] for k in np.flatnonzero(alike)] if chosen.any() else []
    laws = f" (or a factor {' or '.join(same[:2])} by the chain rule, the same here)" * bool(same)
    if value == -1.0:
        return idea._replace(words=f"the sign is wrong {{0}}{laws}")
    about = f", {constant.reason}" * bool(constant.reason)
    if size in {0.5, 2.0}:
        about = ", doubled" if size < 1.0 else ", halved"
    number = round(max(size, 1.0 / size))
    if chosen.all() and constant.text in {f"{number}", f"1/{number}"} and not same:
        lengths = zip(("outputs", "inputs"), view.wrong.shape, strict=True)
        counts = [f" (number of {name})" for name, length in lengths if number == length > 1]
        what = "".join(reversed(counts))
        about += f", perhaps a mean against a sum over {number}{what}" * (number > 4 or bool(what))
    sign = "the sign is wrong and " * (value < 0.0)
    kind = "common" if constant.free else "constant"
    ratio = f"analytic / numerical = {1.0 / value:.6g}"
    words = f"{sign}a {kind} factor {constant.text} is missing {{0}} ({ratio}{about}){laws}"
    return idea._replace(words=words)


def _varies(values: Floats) -> bool:
    return bool((values != values[:1]).any())


def _constant(value: float, spread: float, most: float) -> _Constant:
    """Return the constant that a number is, if it costs no more than `most` and fits so well."""
    sign, size = math.copysign(1.0, value), abs(value)
    digits = -math.log10(max(spread / size, EPS)) - MARGIN
    whole = round(min(max(size, 1.0 / size), LARGEST))
    for constant in (*CONSTANTS, _fraction(whole, 1), _fraction(1, whole)):
        if abs(constant.value - size) <= spread and constant.price <= min(digits, most):
            return constant._replace(value=sign * constant.value)
    return _Constant(value, f"{size:.6g}", "", 1.0, free=True)


def _fraction(top: int, bottom: int) -> _Constant:
    price = math.log10(top * bottom) + 0.5 * (min(top, bottom) > 1)
    return _Constant(top / bottom, f"{top}/{bottom}" if bottom > 1 else f"{top}", "", price)


def _constants() -> Iterator[_Constant]:
    """Yield the well-known constants."""
    for top, bottom in product(range(1, DENOMINATOR + 1), repeat=2):
        if math.gcd(top, bottom) == 1:
            yield _fraction(top, bottom)
    for name, value, reason in KNOWN:
        yield _Constant(value, name, reason, 1.5)
        yield _Constant(1.0 / value, f"1/({name})", reason, 1.5)


CONSTANTS = tuple(sorted(_constants(), key=lambda constant: constant.price))


def _clusters(ratio: Floats, error: Floats, *, whole: bool) -> Iterator[tuple[float, float]]:
    """Yield values that many ratios share, or all have, and how well they are known."""
    usable = np.flatnonzero(np.isfinite(ratio) & np.isfinite(error) & (ratio != 0.0))
    if not usable.size or (whole and usable.size < ratio.size):
        return
    if whole and (ratio - error).max() > (ratio + error).min():
        return  # they do not share one: seen without sorting
    order = usable[np.argsort(ratio[usable])]
    value, wide = ratio[order], np.maximum(error[order], EPS * np.abs(ratio[order]))
    breaks = np.flatnonzero(np.diff(value) > wide[1:] + wide[:-1]) + 1
    groups = sorted(np.split(np.arange(order.size), breaks), key=len, reverse=True)
    for group in groups[: 0 if whole and len(groups) > 1 else CLUSTERS]:
        weight = (wide[group].min() / wide[group]) ** 2
        yield float((weight * value[group]).sum() / weight.sum()), float(wide[group].min())


def scales(view: View) -> Iterator[tuple[str, Floats]]:
    """Yield the factors that depend on x or f, at the wrong entries."""
    plain = [(name.format("x"), law(view.x)) for name, law in (*SCALES, *LINKS)]
    plain += [(name.format("f"), law(view.f)) for name, law in SCALES]
    for name, values in (*plain, ("(x/f)", view.x / view.f), ("x[i]*x[j]", view.pair)):
        if np.isfinite(values).any():
            yield name, values
            yield f"1/{name}", 1.0 / values


def factors_by_line(view: View) -> Iterator[Idea]:
    """Yield a factor of its own for each row, or for each column."""
    for name, line in (("row", view.row), ("column", view.column)):
        counts = np.bincount(line)
        free = int(np.count_nonzero(counts))
        if free > 1 and (counts[counts > 0] > 1).all():
            weight = 1.0 / np.maximum(view.bars, EPS * np.abs(view.numerical)) ** 2
            top = np.bincount(line, weight * view.analytic * view.numerical)
            factor = top / np.bincount(line, weight * view.analytic**2)
            own = f"a constant factor of its own ({listed(factor[counts > 0])})"
            values = view.analytic * factor[line]
            yield mend(view, values, f"every {name} lacks {own} {{0}}", 1.0, free)


# --- Terms ---


def terms(view: View, *, whole: bool) -> Iterator[Idea]:
    """Yield terms that are missing or too many: differences proportional to something known."""
    difference = view.numerical - view.analytic
    signal = view.evidence.numerical - view.evidence.analytic
    bases = list(_term_bases(view))
    for name, basis in bases:
        for ratio in _clusters(difference / basis, view.bars / np.abs(basis), whole=whole):
            constant = _constant(*ratio, most=SIMPLE)
            price = constant.price + (2.0 if name in {"", "x"} else 3.0)
            values = view.analytic + constant.value * basis
            idea = mend(view, values, "", price, int(constant.price > 0.0))
            chosen = idea.mended[view.wrong]
            if not name or constant.price <= 0.0 or _varies(basis[chosen]):
                same = [n for n, b in bases if n and not _varies(b[chosen])]
                words = _term_words(constant, name, same if chosen.sum() > 1 else [])
                yield idea._replace(signal=signal, words=words)


def _term_words(constant: _Constant, name: str, same: list[str]) -> str:
    size = name if constant.text == "1" and name else constant.text + f" * {name}" * bool(name)
    what = "" if name else ", a constant"
    also = f" (or in {' or '.join(same[:2])}, constant here)" if same and not name else ""
    sign = "-" if constant.value > 0.0 else "+"
    law = f"analytic = numerical {sign} {size}{what} {{0}}{also}"
    return f"a term is dropped, doubled or of the wrong sign: {law}"


def _term_bases(view: View) -> Iterator[tuple[str, Floats]]:
    """Yield what differences may be proportional to."""
    x, f, whole, n = view.x, view.f, view.evidence.x, view.wrong.shape[1]
    yield "", np.ones(x.shape)
    bases = [("x", x), ("x**2", x * x), ("x**3", x**3), ("1/x", 1.0 / x), ("sign(x)", np.sign(x))]
    bases += [("exp(x)", np.exp(x)), ("exp(-x)", np.exp(-x)), ("sin(x)", np.sin(x))]
    bases += [("cos(x)", np.cos(x)), ("f", f), ("f*x", f * x), ("f/x", f / x)]
    if whole.size == n:
        bases += [(f"x[j{step:+d}]", whole[(view.column + step) % n]) for step in (1, -1) if n > 2]
    bases.append(("x[i]*x[j]", view.pair))
    yield from ((name, values) for name, values in bases if np.isfinite(values).any())


def rank_one(view: View) -> Iterator[Idea]:
    """Yield a difference of rank one."""
    evidence, shape = view.evidence, view.wrong.shape
    difference = np.where(view.wrong, evidence.numerical - evidence.analytic, 0.0)
    sides = [np.unique(view.row).size, np.unique(view.column).size]
    # SVD of a matrix that is not finite does not end well
    if min(sides) < 3 or view.row.size * max(shape) > WIDE or not np.isfinite(difference).all():
        return
    largest = np.abs(difference).max()
    u, s, v = np.linalg.svd(difference / largest, full_matrices=False)
    outer = largest * s[0] * np.outer(u[:, 0], v[0])
    words = "the difference is an outer product u v^T {0}: such a term is dropped or doubled"
    values = view.analytic + outer[view.wrong]
    yield mend(view, values, words, 3.0, sum(sides) - 1)._replace(signal=difference)
