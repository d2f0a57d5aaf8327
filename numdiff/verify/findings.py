"""From what was measured to a report: entries, hints and notes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from numdiff.verify.arrays import Array, Floats
from numdiff.verify.hints.search import Evidence, hints
from numdiff.verify.identities import adjoint
from numdiff.verify.kinds import Posed
from numdiff.verify.point import Case, Place, examine, places
from numdiff.verify.reading import Reading, Subject
from numdiff.verify.report import AGREE, DISAGREE, INCONCLUSIVE, Report, counted, entries_of
from numdiff.verify.rule import Judged, judge, reasons

__all__ = ["check", "check_adjoint"]


TRIALS = 3  # random pairs of vectors: one is enough but for bad luck
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
        reading = posed.reading_at(place.x, place.outputs)
        if reading.matrix is None:
            return _misfit(posed, place, reading)
        cases.append(examine(posed, place, reading, random))
    entries = np.concatenate([_entries(posed, case, k) for k, case in enumerate(cases)])
    untested = _untested(posed.subject, cases)
    digits = float(np.fmin.reduce([_digits(case.judged) for case in cases]))
    coverage = counted(entries["verdict"], len(cases), digits=digits, untested=untested)
    rules = [rule for case in cases for rule in case.identities]
    broken = cases[0].reading.transposed or not all(rule.holds for rule in rules)
    return posed.report(
        cases[0].place.outputs + posed.subject.x.shape, coverage, entries=entries,
        hints=tuple(_hints(posed, cases)), nfev=sum(case.nfev for case in cases),
        notes=tuple(dict.fromkeys(_notes(posed.subject.x, cases, untested, entries))),
        **({"verdict": DISAGREE} if broken else {}),
    )  # fmt: skip


def _misfit(posed: Posed, place: Place, reading: Reading) -> Report:
    """Report a derivative whose shape is wrong."""
    shape = place.outputs + place.x.shape
    return posed.report(
        shape, counted(np.empty(0)), verdict=DISAGREE, nfev=place.nfev,
        entries=entries_of(shape, np.empty(0, int), [], [], []),
        hints=(f"it has shape {reading.shape}, but must have {shape}",),
    )  # fmt: skip


def check_adjoint(posed: Posed) -> Report:
    """Check products with a Jacobian from the left against those from the right, without f."""
    x, random = posed.subject.x, np.random.default_rng(posed.plan.rng)
    jvp, vjp = posed.call.f, posed.derivative

    def forward(v: Floats) -> Array:
        return np.asarray(jvp(x.copy(), v.reshape(x.shape)))

    outputs = forward(np.zeros(x.size)).shape
    backward = lambda w: np.asarray(vjp(x, w.reshape(outputs)))  # noqa: E731
    tests = [adjoint(forward, backward, x.size, random) for _ in range(TRIALS)]
    first, second, bar = (
        np.array([getattr(test, name) for test in tests]) for name in ("first", "second", "bar")
    )
    verdict = np.where([test.holds for test in tests], AGREE, DISAGREE)
    return posed.report(
        outputs, counted(verdict, unit="products"), nfev=0,
        entries=entries_of(
            (TRIALS,), np.arange(TRIALS), first, second, bar, verdict=verdict, bar=bar,
            scale=np.abs(second),
        ),
        hints=tuple(str(test) for test in tests[:1] if not test.holds),
    )  # fmt: skip


def _entries(posed: Posed, case: Case, k: int) -> Array:
    shape, (m, n) = case.place.outputs + case.place.x.shape, case.analytic.shape
    names = posed.subject.names
    if posed.kind.curved and m == n:  # of both inputs
        names = tuple(f"{row}, {column}" for row in names for column in names)
    judged, numerical = case.judged, case.numerical
    columns = (case.analytic, numerical.value, numerical.error)
    return entries_of(
        shape, np.arange(m * n), *(column.ravel() for column in columns), point=k,
        names=np.resize(names, m * n) if names else "", verdict=judged.verdict.ravel(),
        bar=judged.bar.ravel(), scale=judged.scale.ravel(),
    )  # fmt: skip


def _digits(judged: Judged) -> float:
    """Return to how many digits the entries that agree are proven, nan if none does."""
    # zeros agree by nature, not to so many digits
    right = (judged.verdict == AGREE) & (judged.scale > 0.0)
    worst = np.max(np.nan_to_num(judged.needed[right]), initial=2.0**-53)
    return -math.log10(worst) if right.any() else math.nan


def _untested(subject: Subject, cases: list[Case]) -> tuple[str, ...]:
    """Return the inputs for which both derivatives are zero in all outputs, at all points."""
    zero = np.ones(subject.x.size, bool)
    for case in cases:
        both = (case.analytic == 0.0) & (np.abs(case.numerical.value) <= case.judged.doubt)
        zero &= (both & (case.judged.verdict == AGREE)).all(axis=0) & (both.size > 0)
    if subject.names:
        return tuple(subject.names[j] for j in np.flatnonzero(zero))
    places = np.argwhere(zero.reshape(subject.x.shape)).tolist()
    return tuple(f"x{place}" for place in places)


# Hints: the likely mistakes


def _hints(posed: Posed, cases: list[Case]) -> Iterator[str]:
    """Yield the likely mistakes: facts, and then what explains the differences at all points."""
    wrong = [case for case in cases if (case.judged.verdict == DISAGREE).any()]
    place, reading = cases[0].place, cases[0].reading
    if reading.transposed:
        fits = "does not agree either" if wrong else "agrees"
        want = place.outputs + place.x.shape
        yield f"it is transposed: of shape {reading.shape} instead of {want}; its transpose {fits}"
    if wrong:
        yield from _missing(wrong[0])
        first, *others = [_likely(posed, case) for case in wrong]
        yield from (hint for hint in first if all(hint in other for other in others))
    else:
        broken = [rule for case in cases for rule in case.identities if not rule.holds]
        yield from map(str, broken[:1])


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
    evidence = Evidence(case.analytic, decided, case.judged.limit, x, f0, posed.name)
    return hints(evidence, accept)


# Notes: what else is worth knowing


def _notes(
    x: Floats, cases: list[Case], untested: tuple[str, ...], entries: Array
) -> Iterator[str]:
    """Yield why something could not be told, and what else is worth knowing."""
    for k, case in enumerate(cases):
        where = f"point {k}: " if len(cases) > 1 else ""
        f0 = np.abs(case.place.form.unpack(case.place.f0))
        for reason in (*reasons(case.judged, case.analytic, case.numerical, f0), *case.notes):
            yield where + reason
    yield from _special(x, len(cases), untested)
    wrong = entries["relative"][entries["verdict"] == DISAGREE]
    if wrong.size and wrong.max() <= SMALL:
        yield (
            f"the difference is small, at most {wrong.max():.0e} of an entry: a rounded constant, "
            "single precision, a tolerance or an old value inside may be the cause"
        )
    for case in cases:
        hinted = not (case.judged.verdict == DISAGREE).any()
        yield from (str(rule) for rule in case.identities if rule.holds or not hinted)


def _special(x: Floats, points: int, untested: tuple[str, ...]) -> Iterator[str]:
    """Yield what the points that were tested cannot show."""
    if untested:
        yield (
            f"the derivative by {_some(untested)} is zero here, so that a wrong factor or "
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
