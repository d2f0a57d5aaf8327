"""From what was measured to a report: entries, hints and notes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from numdiff.verify.arrays import Array, Floats, Mask
from numdiff.verify.hints.search import Evidence, hints
from numdiff.verify.identities import Identity
from numdiff.verify.kinds import Posed
from numdiff.verify.point import Case, Place, examine, places, reading_at
from numdiff.verify.reading import Reading, Subject
from numdiff.verify.report import (
    AGREE,
    DISAGREE,
    INCONCLUSIVE,
    Coverage,
    Report,
    counted,
    entries_of,
    overall,
)
from numdiff.verify.rule import judge, reasons

__all__ = ["check", "report_of_identities"]


SPECIAL = (-1.0, 0.0, 1.0)  # where powers, logarithms and products hide terms
SMALL = 1e-5  # relative: what single precision and rounded constants explain
MOSTLY = 0.9  # of the entries: where fewer are known, a few can fit anything
SHOWN = 6  # entries that a sentence names


def check(posed: Posed) -> Report:
    """Check a derivative at one point or several."""
    __tracebackhide__ = True
    random = np.random.default_rng(posed.plan.rng)
    cases: list[Case] = []
    for place in places(posed, random):
        reading = reading_at(posed, place.x, place.outputs)
        if reading.matrix is None:
            return _misfit(posed, place, reading)
        cases.append(examine(posed, place, reading, random))
    coverage = _coverage(posed.subject, cases)
    rules = sum((case.identities for case in cases), ())
    broken = cases[0].reading.transposed or not all(rule.holds for rule in rules)
    return Report(
        verdict=DISAGREE if broken else overall(coverage),
        entries=np.concatenate([_entries(posed, case, k) for k, case in enumerate(cases)]),
        hints=tuple(_hints(posed, cases)),
        notes=tuple(dict.fromkeys(_notes(posed.subject.x, cases, coverage))),
        coverage=coverage,
        nfev=sum(case.nfev for case in cases),
        title=f"{posed.title}, of shape {cases[0].place.outputs + posed.subject.x.shape}",
        reproduce=posed.again,
    )


def _misfit(posed: Posed, place: Place, reading: Reading) -> Report:
    """Report a derivative whose shape is wrong."""
    shape = place.outputs + place.x.shape
    return Report(
        verdict=DISAGREE,
        entries=entries_of(np.empty((0, len(shape)), int), [], [], []),
        hints=(f"it has shape {reading.shape}, but must have {shape}",),
        coverage=counted(np.empty(0)),
        nfev=place.nfev,
        title=f"{posed.title}, of shape {shape}",
        reproduce=posed.again,
    )


def report_of_identities(tests: Sequence[Identity], title: str, again: str) -> Report:
    """Report pairs of numbers that should be equal."""
    first, second, bar = (
        np.array([getattr(test, name) for test in tests]) for name in ("first", "second", "bar")
    )
    verdict = np.where([test.holds for test in tests], AGREE, DISAGREE)
    coverage = counted(verdict, unit="products")
    return Report(
        verdict=overall(coverage),
        entries=entries_of(
            np.arange(len(tests))[:, None], first, second, bar,
            verdict=verdict, bar=bar, scale=np.abs(second),
        ),
        hints=tuple(str(test) for test in tests[:1] if not test.holds),
        coverage=coverage,
        nfev=0,
        title=title,
        reproduce=again,
    )  # fmt: skip


def _entries(posed: Posed, case: Case, k: int) -> Array:
    shape, (m, n) = case.place.outputs + case.place.x.shape, case.analytic.shape
    names = posed.subject.names
    if posed.kind.curved and m == n:  # of both inputs
        names = tuple(f"{row}, {column}" for row in names for column in names)
    judged, numerical = case.judged, case.numerical
    return entries_of(
        np.indices(shape).reshape(len(shape), m * n).T,
        *(matrix.ravel() for matrix in (case.analytic, numerical.value, numerical.error)),
        names=np.resize(names, m * n) if names else "",
        verdict=judged.verdict.ravel(),
        bar=(numerical.error + case.rounding).ravel(),
        scale=judged.scale.ravel(),
        point=k,
    )


def _relative(case: Case) -> Floats:
    """Return the differences relative to the size of the entries."""
    gap = np.abs(case.judged.difference)
    with np.errstate(all="ignore"):
        return np.asarray(np.where(gap == 0.0, 0.0, gap / case.judged.scale))


def _coverage(subject: Subject, cases: list[Case]) -> Coverage:
    digits = np.array([_digits(case) for case in cases])
    zero = np.all([_is_zero(case) for case in cases], axis=0)
    return counted(
        np.concatenate([case.judged.verdict.ravel() for case in cases]),
        points=len(cases),
        digits=float(np.nanmin(digits)) if np.isfinite(digits).any() else math.nan,
        untested=tuple(_label(subject, int(j)) for j in np.flatnonzero(zero)),
    )


def _digits(case: Case) -> float:
    """Return to how many digits the entries that agree are proven, nan if none does."""
    # zeros agree by nature, not to so many digits
    right = (case.judged.verdict == AGREE) & (case.judged.scale > 0.0)
    with np.errstate(all="ignore"):
        left = (np.abs(case.judged.difference) + case.judged.doubt) / case.judged.scale
    worst = np.max(np.nan_to_num(left[right]), initial=0.0)
    return -math.log10(max(worst, 2.0**-53)) if right.any() else math.nan


def _is_zero(case: Case) -> Mask:
    """Say for which inputs both derivatives are zero in all outputs."""
    both = (case.analytic == 0.0) & (np.abs(case.numerical.value) <= case.judged.doubt)
    return np.asarray((both & (case.judged.verdict == AGREE)).all(axis=0) & (both.size > 0))


def _label(subject: Subject, j: int) -> str:
    """Name an input by its flat index."""
    if subject.names:
        return subject.names[j]
    return f"x[{', '.join(map(str, np.unravel_index(j, subject.x.shape)))}]"


# Hints: the likely mistakes


def _hints(posed: Posed, cases: list[Case]) -> Iterator[str]:
    """Yield the likely mistakes: facts, and then what explains the differences at all points."""
    wrong = [case for case in cases if (case.judged.verdict == DISAGREE).any()]
    place, reading = cases[0].place, cases[0].reading
    if reading.transposed:
        shape = place.outputs + place.x.shape
        fits = "does not agree either" if wrong else "agrees"
        got = reading.shape
        yield f"it is transposed: of shape {got} instead of {shape}; its transpose {fits}"
    if wrong:
        yield from _missing(wrong[0])
        first, *others = [_likely(posed, case) for case in wrong]
        yield from (hint for hint in first if all(hint in other for other in others))
    else:
        broken = (rule for case in cases for rule in case.identities if not rule.holds)
        yield from map(str, list(broken)[:1])


def _missing(case: Case) -> Iterator[str]:
    """Yield the entries that a sparsity pattern lacks."""
    if case.reading.stored is not None:
        missing = np.argwhere((case.judged.verdict == DISAGREE) & ~case.reading.stored)
        if missing.size:
            shown = _some([str(index) for index in missing.tolist()])
            yield f"not in the sparsity pattern although they are not zero: {shown}"


def _likely(posed: Posed, case: Case) -> tuple[str, ...]:
    """Return what explains the differences at one point."""
    if np.iscomplexobj(case.analytic) or np.iscomplexobj(case.numerical.value):
        return ()

    def accept(matrix: Floats) -> bool:
        """Say whether a corrected derivative agrees by the same rule, where most is known."""
        judged = judge(matrix, case.rounding, case.numerical, case.sizes, posed.plan.rtol)
        right, wrong = judged.verdict == AGREE, judged.verdict == DISAGREE
        enough = np.isfinite(judged.doubt).mean() >= MOSTLY
        return bool(enough and right.any() and not wrong.any())

    decided = np.where(case.judged.verdict == INCONCLUSIVE, np.nan, case.numerical.value)
    x, f0 = case.place.x.ravel(), case.place.f0
    evidence = Evidence(case.analytic, decided, case.judged.limit, x, f0, posed.kind.name)
    return hints(evidence, accept)


# Notes: what else is worth knowing


def _notes(x: Floats, cases: list[Case], coverage: Coverage) -> Iterator[str]:
    """Yield why something could not be told, and what else is worth knowing."""
    for k, case in enumerate(cases):
        where = f"point {k}: " if len(cases) > 1 else ""
        f0 = np.abs(case.place.form.unpack(case.place.f0))
        for reason in (*reasons(case.judged, case.analytic, case.numerical, f0), *case.notes):
            yield where + reason
    yield from _special(x, len(cases), coverage)
    wrong = np.concatenate([_relative(case)[case.judged.verdict == DISAGREE] for case in cases])
    if wrong.size and wrong.max() <= SMALL:
        yield (
            f"the difference is small, at most {wrong.max():.0e} of an entry: a rounded constant, "
            "single precision, a tolerance or an old value inside may be the cause"
        )
    for case in cases:
        hinted = not (case.judged.verdict == DISAGREE).any()
        yield from (str(rule) for rule in case.identities if rule.holds or not hinted)


def _special(x: Floats, points: int, coverage: Coverage) -> Iterator[str]:
    """Yield what the points that were tested cannot show."""
    if coverage.untested:
        yield (
            f"the derivative by {_some(coverage.untested)} is zero here, so that a wrong factor or "
            "a lost term would not show: nothing was tested there; another point would, as with "
            "n_points=3"
        )
    if points == 1 and x.size and np.isin(x, SPECIAL).all():
        yield (
            "x holds only zeros and ones, where powers and logarithms of x hide mistakes; "
            "n_points=3 tests beside it as well"
        )


def _some(labels: Sequence[Any]) -> str:
    more = f" and {len(labels) - SHOWN} more" if len(labels) > SHOWN else ""
    return ", ".join(labels[:SHOWN]) + more
