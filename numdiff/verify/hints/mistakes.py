"""What may be wrong with a derivative: entries that are missing, factors and terms."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from numdiff.verify.hints.ideas import (
    CLUSTERS,
    EPS,
    MARGIN,
    MOST,
    WIDE,
    Idea,
    View,
    fits_of,
    listed,
    mend,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]
    Mask = NDArray[np.bool_]

__all__ = ["factors", "factors_of_lines", "facts", "outer_product", "scales", "terms"]


DENOMINATOR = 12  # largest of the fractions that count as such
LARGEST = 1.0e5  # of the integers: a mean over more is rare, and any number is near one
PLAUSIBLE = 1e-5  # a factor nearer to one is a rounded number and no forgotten factor
ALIKE = 1e-9  # relative difference of factors that are the same
SIMPLE = 1.6  # price of a constant that may come with a factor such as x
KNOWN = (
    ("pi/180", math.pi / 180, "degrees against radians"),
    ("ln 10", math.log(10), "log10 against ln"),
    ("ln 2", math.log(2), "log2 against ln"),
    ("pi", math.pi, ""),
    ("2 pi", 2 * math.pi, ""),
    ("sqrt(2)", math.sqrt(2), ""),
    ("sqrt(pi)", math.sqrt(math.pi), ""),
    ("sqrt(2 pi)", math.sqrt(2 * math.pi), ""),
)
SCALES: tuple[tuple[str, Callable[[Floats], Floats]], ...] = (
    ("{0}", lambda x: x),
    ("{0}**2", np.square),
    ("sqrt({0})", np.sqrt),
    ("exp({0})", np.exp),
    ("10**{0}", lambda x: np.asarray(10.0**x)),
)
LINKS: tuple[tuple[str, Callable[[Floats], Floats]], ...] = (
    ("(x - x**2)", lambda x: x * (1 - x)),
    ("(1 - x**2)", lambda x: 1 - x * x),
    ("(1 + x**2)", lambda x: 1 + x * x),
    ("cos(x)", np.cos),
    ("sigmoid'(x)", lambda x: np.asarray(0.25 / np.cosh(x / 2) ** 2)),
    ("tanh'(x)", lambda x: np.asarray(1.0 / np.cosh(x) ** 2)),
)


class _Constant(NamedTuple):
    """A factor, and what it is called."""

    value: float
    text: str  # without the sign
    reason: str
    price: float
    free: bool = False  # whether it is no more than a number

    def signed(self) -> str:
        """Write it with its sign."""
        return "-" * (self.value < 0.0) + self.text


# --- Entries that are missing, too many, or mirrored ---


def facts(view: View) -> Iterator[Idea]:
    """Yield what needs no evidence because it can be seen."""
    seen, nothing = -MARGIN, np.full(view.row.shape, np.nan)
    if view.evidence.kind == "hessian":
        mirrored = view.evidence.analytic.T[view.wrong]
        if view.analytic[fits_of(mirrored, view)].any():
            yield mend(
                view,
                mirrored,
                "not symmetric: wrong {0}, right on the other side of the diagonal",
                3.0,
            )
        else:
            yield mend(view, mirrored, "only one triangle is filled: missing {0}", 2.0 * seen)
    missing = np.where(view.analytic == 0.0, view.numerical, nothing)
    yield mend(view, missing, "the derivative is missing, 0 instead of its value, {0}", seen)
    spurious = np.where(np.abs(view.numerical) <= view.bars, view.numerical, nothing)
    yield mend(view, spurious, "the derivative is not zero {0}, where it should be", seen)


# --- Factors ---


def factors(view: View, *, whole: bool, by: tuple[tuple[str, Floats], ...]) -> Iterator[Idea]:
    """Yield factors that are missing in some, or in the whole, of the wrong entries.

    They are constants, alone or times what is given.
    """
    for name, basis in [("", np.ones(view.row.shape)), *by]:
        ratio = view.numerical / (view.analytic * basis)
        error = (view.bars + 4.0 * EPS * np.abs(view.numerical)) / np.abs(view.analytic * basis)
        for factor, spread in _clusters(ratio, error, whole=whole):
            if name or abs(factor - 1.0) > PLAUSIBLE:
                yield _factor_idea(view, name, basis, (factor, spread), by)


def _factor_idea(
    view: View,
    name: str,
    basis: Floats,
    ratio: tuple[float, float],
    bases: tuple[tuple[str, Floats], ...],
) -> Idea:
    """Return the idea that the analytic entries lack ``ratio * basis``."""
    constant = _constant(*ratio, most=SIMPLE if name else MOST)
    # a number and a law together need three entries: x often holds simple ratios
    free = 2 * int(bool(name) and constant.price > 0.0) or int(constant.free)
    price = constant.price
    price += 0.0 if not name else 1.2 if name in {"x", "1/x"} else 2.0
    idea = mend(view, view.analytic * basis * constant.value, "", price, free)
    chosen = idea.mended[view.wrong]
    if name:
        whole = name if constant.value == 1.0 else f"{constant.signed()} * {name}"
        idea = idea._replace(
            words=f"a factor {whole} is missing {{0}} (chain rule, {_cause(name)})"
        )
        return idea if constant.price <= 0.0 or _varies(basis[chosen]) else _nothing(idea)
    same = [n for n, b in bases if chosen.any() and _is_all(b[chosen], constant.value)]
    return idea._replace(words=_constant_words(view, constant, same, chosen))


def _is_all(values: Floats, constant: float) -> bool:
    return bool((np.abs(values - constant) <= ALIKE * abs(constant)).all())


def _varies(values: Floats) -> bool:
    return bool((values != values[:1]).any())


def _nothing(idea: Idea) -> Idea:
    return idea._replace(price=math.inf)


def _cause(name: str) -> str:
    if "(x/f)" in name:
        return "as between x, f and their logarithms"
    return (
        f"as of a {'parameter' if 'x' in name.replace('exp', '') else 'value f'} on another scale"
    )


def _constant_words(view: View, constant: _Constant, same: list[str], chosen: Mask) -> str:
    """Write a sentence about a constant factor that is missing."""
    also = (
        f" (or a factor {' or '.join(same[:2])} by the chain rule, the same here)" if same else ""
    )
    if constant.value == -1.0:
        return f"the sign is wrong {{0}}{also}"
    size, about = abs(constant.value), ""
    if size in {0.5, 2.0}:
        about = ", doubled" if size < 1.0 else ", halved"
    elif constant.reason:
        about = f", {constant.reason}"
    number = round(max(size, 1.0 / size))
    if chosen.all() and constant.text in {f"{number}", f"1/{number}"} and not same:
        m, n = view.wrong.shape
        what = " (number of inputs)" * (number == n > 1) + " (number of outputs)" * (
            number == m > 1
        )
        about += f", perhaps a mean against a sum over {number}{what}" * (number > 4 or bool(what))
    sign = "the sign is wrong and " if constant.value < 0.0 else ""
    kind = "common" if constant.free else "constant"
    ratio = f"analytic / numerical = {1.0 / constant.value:.6g}"
    return f"{sign}a {kind} factor {constant.text} is missing {{0}} ({ratio}{about}){also}"


def _constant(value: float, spread: float, most: float) -> _Constant:
    """Return the constant that a number is, if it costs no more than `most` and fits so well."""
    sign, size = math.copysign(1.0, value), abs(value)
    digits = -math.log10(max(spread / size, EPS)) - MARGIN
    whole = round(min(max(size, 1.0 / size), LARGEST))
    near = [CONSTANTS[i] for i in np.flatnonzero(np.abs(VALUES - size) <= spread)]
    near += [_fraction(whole, 1), _fraction(1, whole)]
    for constant in near:
        if abs(constant.value - size) <= spread and constant.price <= min(digits, most):
            return constant._replace(value=sign * constant.value)
    return _Constant(value, f"{size:.6g}", "", 1.0, free=True)


def _fraction(top: int, bottom: int) -> _Constant:
    broken = min(top, bottom) > 1
    price = math.log10(top * bottom) + 0.5 * broken
    return _Constant(top / bottom, f"{top}/{bottom}" if bottom > 1 else f"{top}", "", price)


def _constants() -> Iterator[_Constant]:
    """Yield the well-known constants."""
    for top in range(1, DENOMINATOR + 1):
        for bottom in range(1, DENOMINATOR + 1):
            if math.gcd(top, bottom) == 1:
                yield _fraction(top, bottom)
    for name, value, reason in KNOWN:
        yield _Constant(value, name, reason, 1.5)
        yield _Constant(1.0 / value, f"1/({name})", reason, 1.5)


CONSTANTS = tuple(sorted(_constants(), key=lambda constant: constant.price))
VALUES = np.array([constant.value for constant in CONSTANTS])


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
    x, f = _x_of(view), _f_of(view)
    plain = [(name.format("x"), law(x)) for name, law in SCALES]
    plain += [(name, law(x)) for name, law in LINKS]
    plain += [(name.format("f"), law(f)) for name, law in SCALES]
    plain.append(("(x/f)", x / f))
    if view.evidence.kind == "hessian" and view.evidence.x.size == view.wrong.shape[0]:
        plain.append(("x[i]*x[j]", x * view.evidence.x[view.row]))
    for name, values in plain:
        if np.isfinite(values).any():
            yield name, values
            yield f"1/{name}", 1.0 / values


def _x_of(view: View) -> Floats:
    x = view.evidence.x
    known = x.size == view.wrong.shape[1]
    return np.asarray(x[view.column] if known else np.full(view.row.shape, np.nan))


def _f_of(view: View) -> Floats:
    f = np.array([np.nan]) if view.evidence.f is None else view.evidence.f
    known = f.size == view.wrong.shape[0]
    return np.asarray(
        f[view.row] if known else np.full(view.row.shape, f[0] if f.size == 1 else np.nan)
    )


def factors_of_lines(view: View) -> Iterator[Idea]:
    """Yield a factor of its own for each row, or for each column."""
    for name, line in (("row", view.row), ("column", view.column)):
        counts = np.bincount(line)
        several = np.count_nonzero(counts) > 1 and (counts[counts > 0] > 1).all()
        if not several:
            continue
        weight = 1.0 / np.maximum(view.bars, EPS * np.abs(view.numerical)) ** 2
        top = np.bincount(line, weight * view.analytic * view.numerical)
        factor = top / np.bincount(line, weight * view.analytic**2)
        words = f"every {name} lacks a constant factor of its own ({listed(factor[counts > 0])})"
        free = int(np.count_nonzero(counts))
        yield mend(view, view.analytic * factor[line], words + " {0}", 1.0, free)


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
    told = f"analytic = numerical {sign} {size}{what} {{0}}{also}"
    return f"a term is dropped, doubled or of the wrong sign: {told}"


def _term_bases(view: View) -> Iterator[tuple[str, Floats]]:
    """Yield what differences may be proportional to."""
    x, f, whole = _x_of(view), _f_of(view), view.evidence.x
    ones, n = np.ones(x.shape), view.wrong.shape[1]
    yield "", ones
    found = [("x", x), ("x**2", x * x), ("x**3", x**3), ("1/x", 1.0 / x), ("sign(x)", np.sign(x))]
    found += [("exp(x)", np.exp(x)), ("exp(-x)", np.exp(-x)), ("sin(x)", np.sin(x))]
    found += [("cos(x)", np.cos(x)), ("f", f), ("f*x", f * x), ("f/x", f / x)]
    if whole.size == n:
        found += [(f"x[j{step:+d}]", whole[(view.column + step) % n]) for step in (1, -1) if n > 2]
    if view.evidence.kind == "hessian" and whole.size == n:
        found.append(("x[i]*x[j]", x * whole[view.row]))
    yield from ((name, values) for name, values in found if np.isfinite(values).any())


def outer_product(view: View) -> Iterator[Idea]:
    """Yield a difference of rank one."""
    evidence, shape = view.evidence, view.wrong.shape
    difference = np.where(view.wrong, evidence.numerical - evidence.analytic, 0.0)
    sides = [np.unique(view.row).size, np.unique(view.column).size]
    # SVD of a matrix that is not finite does not end well
    if min(sides) < 3 or view.row.size * max(shape) > WIDE or not np.isfinite(difference).all():
        return
    largest = np.abs(difference).max()
    u, s, v = np.linalg.svd(difference / largest, full_matrices=False)
    product = largest * s[0] * np.outer(u[:, 0], v[0])
    words = "the difference is an outer product u v^T {0}: such a term is dropped or doubled"
    values = view.analytic + product[view.wrong]
    yield mend(view, values, words, 3.0, sum(sides) - 1)._replace(signal=difference)
