"""From what was measured to a report: entries, hints and notes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from numdiff.verify.checking import Case, Place, Plan, Task, examine, places, read_at
from numdiff.verify.hints import Evidence
from numdiff.verify.hints import hints as likely
from numdiff.verify.judge import judge, reasons
from numdiff.verify.report import (
    AGREE,
    DISAGREE,
    INCONCLUSIVE,
    Coverage,
    Report,
    entry_type,
    overall,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from numdiff.verify.algebra import Identity
    from numdiff.verify.sources import Reading, Subject

    Floats = NDArray[np.float64]
    Shown = tuple[tuple[str, Any], ...]

__all__ = ["call_text", "check", "of_identities", "title_of"]


SPECIAL = (-1.0, 0.0, 1.0)  # where powers, logarithms and products hide terms
SMALL = 1e-5  # relative: what single precision and rounded constants explain
MOSTLY = 0.9  # of the entries: where fewer are known, a few can fit anything
SHOWN = 6  # entries that a sentence names
LONGEST = 60  # characters of x in the call that gives a report again


def check(task: Task, plan: Plan) -> Report:
    """Check a derivative at one point or several."""
    __tracebackhide__ = True
    if task.fixed and plan.n_points > 1:
        raise ValueError("an array is the derivative at x only: give a function for `n_points` > 1")
    random = np.random.default_rng(plan.rng)
    cases: list[Case] = []
    for place in places(task, plan, random):
        reading = read_at(task, place)
        if reading.matrix is None:
            return _misfit(task, plan, place, reading)
        cases.append(examine(task, plan, place, reading, random))
    return _report(task, plan, cases)


def _report(task: Task, plan: Plan, cases: list[Case]) -> Report:
    parts = [_entries(task, case, k) for k, case in enumerate(cases)]
    entries = np.concatenate(parts)
    coverage = _coverage(task, cases)
    broken = any(
        case.reading.transposed or not all(one.holds for one in case.identities) for case in cases
    )
    return Report(
        verdict=DISAGREE if broken else overall(coverage),
        entries=entries,
        hints=tuple(_hints(task, plan, cases)),
        notes=tuple(dict.fromkeys(_notes(task, cases, coverage))),
        coverage=coverage,
        nfev=sum(case.nfev for case in cases),
        title=title_of(task.kind, task.compared, cases[0].outputs + task.subject.x.shape),
        reproduce=call_text(task.kind, task.subject, task.shown, plan),
    )


def _entries(task: Task, case: Case, k: int) -> NDArray[Any]:
    shape = case.outputs + case.place.x.shape
    m, n = case.judged.verdict.shape
    names = np.array(_names(task, m, n), dtype=str)
    number = np.result_type(case.judged.difference, float)
    entries = np.empty(m * n, entry_type(len(shape), int(names.itemsize) // 4, number))
    with np.errstate(all="ignore"):
        gap = np.abs(case.judged.difference)
        bars = np.where(gap == 0.0, 0.0, gap / (case.numerical.error + case.rounding))
    entries["index"] = np.indices(shape).reshape(len(shape), m * n).T
    entries["name"] = names
    columns = (case.analytic, case.numerical.value, case.numerical.error)
    for name, column in zip(("analytic", "numerical", "error"), columns, strict=True):
        entries[name] = np.ravel(column)
    entries["difference"], entries["bars"] = case.judged.difference.ravel(), bars.ravel()
    entries["verdict"], entries["relative"] = case.judged.verdict.ravel(), _relative(case).ravel()
    entries["point"] = k
    return entries


def _relative(case: Case) -> Floats:
    """Return the differences relative to the size of the entries."""
    gap = np.abs(case.judged.difference)
    with np.errstate(all="ignore"):
        return np.asarray(np.where(gap == 0.0, 0.0, gap / case.judged.scale))


def _names(task: Task, m: int, n: int) -> list[str]:
    """Return the names of all entries: of the input, for second derivatives of both."""
    names = task.subject.names
    if not names:
        return [""] * (m * n)
    if task.kind in {"hessian", "hvp"} and m == n:
        return [f"{row}, {column}" for row in names for column in names]
    return list(names) * m


def _coverage(task: Task, cases: list[Case]) -> Coverage:
    verdicts = np.concatenate([case.judged.verdict.ravel() for case in cases])
    digits = [_digits(case) for case in cases]
    zero = np.all([_is_zero(case) for case in cases], axis=0)
    untested = tuple(_label(task.subject, int(j)) for j in np.flatnonzero(zero))
    proven = float(np.nanmin(digits)) if np.isfinite(digits).any() else math.nan
    return Coverage(
        points=len(cases),
        tested=verdicts.size,
        agree=int(np.count_nonzero(verdicts == AGREE)),
        disagree=int(np.count_nonzero(verdicts == DISAGREE)),
        inconclusive=int(np.count_nonzero(verdicts == INCONCLUSIVE)),
        digits=proven,
        untested=untested,
    )


def _digits(case: Case) -> float:
    """Return to how many digits the entries that agree are proven, nan if none does."""
    # zeros agree by nature, not to so many digits
    right = (case.judged.verdict == AGREE) & (case.judged.scale > 0.0)
    with np.errstate(all="ignore"):
        left = (np.abs(case.judged.difference) + case.judged.doubt) / case.judged.scale
    worst = np.max(np.nan_to_num(left[right]), initial=0.0)
    return -math.log10(max(worst, 2.0**-53)) if right.any() else math.nan


def _is_zero(case: Case) -> NDArray[np.bool_]:
    """Say for which inputs both derivatives are zero in all outputs."""
    both = (case.analytic == 0.0) & (np.abs(case.numerical.value) <= case.judged.doubt)
    return np.asarray((both & (case.judged.verdict == AGREE)).all(axis=0) & (both.size > 0))


def _label(subject: Subject, j: int) -> str:
    """Name an input by its flat index."""
    if subject.names:
        return subject.names[j]
    return f"x[{', '.join(map(str, np.unravel_index(j, subject.x.shape)))}]"


def _hints(task: Task, plan: Plan, cases: list[Case]) -> Iterator[str]:
    """Yield the likely mistakes: facts, and then what explains the differences at all points."""
    wrong = [case for case in cases if (case.judged.verdict == DISAGREE).any()]
    if cases[0].reading.transposed:
        shape = cases[0].outputs + cases[0].place.x.shape
        fits = "does not agree either" if wrong else "agrees"
        got = cases[0].reading.shape
        yield f"it is transposed: of shape {got} instead of {shape}; its transpose {fits}"
    if wrong:
        yield from _missing(wrong[0])
        found = [_likely(task, plan, case) for case in wrong]
        yield from sorted(set(found[0]).intersection(*found[1:]), key=found[0].index)
    else:
        identities = sum((case.identities for case in cases), ())
        yield from map(str, [one for one in identities if not one.holds][:1])


def _missing(case: Case) -> Iterator[str]:
    """Yield the entries that a sparsity pattern lacks."""
    if case.reading.stored is not None:
        places = np.argwhere((case.judged.verdict == DISAGREE) & ~case.reading.stored)
        if places.size:
            shown = _some([str(place) for place in places.tolist()])
            yield f"not in the sparsity pattern although they are not zero: {shown}"


def _likely(task: Task, plan: Plan, case: Case) -> tuple[str, ...]:
    """Return what explains the differences at one point."""
    if np.iscomplexobj(case.analytic) or np.iscomplexobj(case.numerical.value):
        return ()
    unknown = case.judged.verdict == INCONCLUSIVE
    evidence = Evidence(
        case.analytic, np.where(unknown, np.nan, case.numerical.value), case.judged.bars,
        case.place.x.ravel(), case.place.f0, task.kind,
    )  # fmt: skip
    return likely(evidence, partial(_is_accepted, plan, case))


def _is_accepted(plan: Plan, case: Case, matrix: Floats) -> bool:
    """Say whether a corrected derivative agrees by the same rule, and nearly all of it is known."""
    judged = judge(matrix, case.rounding, case.numerical, case.sizes, plan.rtol)
    known = np.isfinite(judged.doubt).mean() >= MOSTLY
    right, wrong = judged.verdict == AGREE, judged.verdict == DISAGREE
    return bool(known and right.any() and not wrong.any())


def _notes(task: Task, cases: list[Case], coverage: Coverage) -> Iterator[str]:
    """Yield why something could not be told, and what else is worth knowing."""
    for k, case in enumerate(cases):
        where = f"point {k}: " if len(cases) > 1 else ""
        f0 = np.abs(case.place.form.unpack(case.place.f0))
        for reason in (*reasons(case.judged, case.analytic, case.numerical, f0), *case.notes):
            yield where + reason
    yield from _special(task, len(cases), coverage)
    wrong = np.concatenate([_relative(case)[case.judged.verdict == DISAGREE] for case in cases])
    if wrong.size and wrong.max() <= SMALL:
        yield (
            f"the difference is small, at most {wrong.max():.0e} of an entry: a rounded constant, "
            "single precision, a tolerance or an old value inside may be the cause"
        )
    for case in cases:
        told = (case.judged.verdict == DISAGREE).any()  # else it is the hint
        yield from (str(one) for one in case.identities if one.holds or told)


def _special(task: Task, points: int, coverage: Coverage) -> Iterator[str]:
    """Yield what the points that were tested cannot show."""
    if coverage.untested:
        yield (
            f"the derivative by {_some(coverage.untested)} is zero here, so that a wrong factor or "
            "a lost term would not show: nothing was tested there; another point would, as with "
            "n_points=3"
        )
    if points == 1 and task.subject.x.size and np.isin(task.subject.x, SPECIAL).all():
        yield (
            "x holds only zeros and ones, where powers and logarithms of x hide mistakes; "
            "n_points=3 tests beside it as well"
        )


def of_identities(tests: Sequence[Identity], title: str, text: str) -> Report:
    """Report pairs of numbers that should be equal."""
    entries = np.empty(len(tests), entry_type(1, 1, np.result_type(*(one.first for one in tests))))
    entries["index"], entries["name"], entries["point"] = np.arange(len(tests))[:, None], "", 0
    entries["analytic"] = [one.first for one in tests]
    entries["numerical"] = [one.second for one in tests]
    entries["error"] = [one.bar for one in tests]
    entries["difference"] = entries["analytic"] - entries["numerical"]
    with np.errstate(all="ignore"):
        gap = np.abs(entries["difference"])
        entries["bars"] = np.where(gap == 0.0, 0.0, gap / entries["error"])
        entries["relative"] = np.where(gap == 0.0, 0.0, gap / np.abs(entries["numerical"]))
    right = np.array([one.holds for one in tests])
    entries["verdict"] = np.where(right, AGREE, DISAGREE)
    agree, count = int(right.sum()), len(tests)
    coverage = Coverage(1, count, agree, count - agree, 0, math.nan, (), "products")
    return Report(
        verdict=overall(coverage),
        entries=entries,
        hints=tuple(str(one) for one in tests[:1] if not one.holds),
        coverage=coverage,
        nfev=0,
        title=title,
        reproduce=text,
    )


def _misfit(task: Task, plan: Plan, place: Place, reading: Reading) -> Report:
    """Report a derivative whose shape is wrong."""
    outputs = task.rows(place.form.shape)
    want = outputs + place.x.shape
    return Report(
        verdict=DISAGREE,
        entries=np.empty(0, entry_type(len(want), 1, float)),
        hints=(f"it has shape {reading.shape}, but must have {want}",),
        coverage=Coverage(1, 0, 0, 0, 0, math.nan, ()),
        nfev=place.nfev,
        title=title_of(task.kind, task.compared, want),
        reproduce=call_text(task.kind, task.subject, task.shown, plan),
    )


def title_of(kind: str, compared: tuple[Any, Any], shape: tuple[int, ...]) -> str:
    """Say what was checked: the derivative and its function, by name."""
    return f"{kind}, {' for '.join(map(_named, compared))}, of shape {shape}"


def call_text(kind: str, subject: Subject, shown: Shown, plan: Plan) -> str:
    """Write the call that gives a report again."""
    point = np.array2string(subject.x, separator=", ", floatmode="unique").replace("\n", "")
    x = point if subject.parts is None and len(point) <= LONGEST else "x"
    words = [key + (x if value is subject else _named(value)) for key, value in shown]
    words += [f"{name}={_named(value)}" for name, value in plan.told.items()]
    return f"numdiff.verify.{kind}({', '.join(words)})"


def _named(value: Any) -> str:
    if callable(value):
        return str(getattr(value, "__name__", type(value).__name__))
    text = " ".join(repr(value).split())
    return text if len(text) <= LONGEST else f"<{type(value).__name__}>"


def _some(labels: Sequence[str]) -> str:
    more = f" and {len(labels) - SHOWN} more" if len(labels) > SHOWN else ""
    return ", ".join(labels[:SHOWN]) + more
