"""Each check from what was measured to a report: entries, hints and notes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from numdiff.evaluation.call import NOBODY
from numdiff.verify.arrays import Array, Floats
from numdiff.verify.directions.screen import Finding
from numdiff.verify.directions.slope import minute
from numdiff.verify.hints.ideas import EVERYWHERE, LISTED, Evidence
from numdiff.verify.hints.search import hints
from numdiff.verify.identities import Identity, adjoint
from numdiff.verify.kinds import Posed
from numdiff.verify.manners import manners
from numdiff.verify.point import Case, Place, beside, examine, places
from numdiff.verify.reading import Reading, Subject, read_product
from numdiff.verify.report import AGREE, DISAGREE, INCONCLUSIVE, Coverage, Report, records, tally
from numdiff.verify.rule import BARS, reasons

WORDS = MappingProxyType({
    AGREE: "what is asked for holds there too",
    DISAGREE: "the derivative is wrong there",
    INCONCLUSIVE: "f varies too fast to tell more than that its own size is moved",
})  # fmt: skip
TRIALS = 3  # random pairs of vectors: one is enough but for bad luck
SPECIAL = (-1.0, 0.0, 1.0)  # where powers, logarithms and products hide terms
SMALL = 1e-5  # relative: what single precision and rounded constants explain
TINY, MODEST = 1e-9, 1e-2  # between which an inexact f makes differences
ALIKE = 30.0  # times the smallest: these are alike
MOSTLY = 0.9  # of the entries: where fewer are known, a few can fit anything


def check(posed: Posed) -> Report:
    """Check a derivative at one point or several."""
    __tracebackhide__ = True
    random, nfev = np.random.default_rng(posed.plan.rng), 0
    cases: list[Case] = []
    tables: list[Array] = []
    with posed.call.evaluator or NOBODY:
        for place in places(posed, random):
            reading = posed.reading_at(place.x, place.outputs)
            if not reading.fits:
                return _misfit(posed, place, reading)
            cases.append(examine(posed, place, reading, random))
            tables.append(_entries(posed, cases[-1], len(tables)))
            nfev += cases[-1].nfev
    entries = np.concatenate(tables)
    coverage = _coverage(posed.subject, cases, entries["verdict"])
    untrue = [rule for case in cases for rule in case.identities if not rule.holds]
    broken = cases[0].reading.transposed or bool(untrue)
    mistakes = _hints(posed, cases, untrue) if broken or coverage.disagree else ()
    other = next(beside(posed.subject.x, posed.plan.radius, posed.box, np.random.default_rng(0)))
    habits = manners(posed, posed.subject.x, other)
    notes = dict.fromkeys([*habits.notes, *_notes(posed.subject.x, cases, coverage, entries)])
    return posed.report(
        cases[0].place.outputs + posed.subject.x.shape, coverage, wrong=broken, entries=entries,
        hints=tuple(mistakes), notes=tuple(notes),
        nfev=habits.nfev + nfev,
    )  # fmt: skip


def _misfit(posed: Posed, place: Place, reading: Reading) -> Report:
    """Report a derivative whose shape is wrong."""
    shape = place.outputs + place.x.shape
    return posed.report(
        shape, tally(np.empty(0)), wrong=True, nfev=place.nfev,
        entries=records(shape, np.empty(0, int), [], [], []),
        hints=(f"it has shape {reading.shape}, but must have {shape}",),
    )  # fmt: skip


def check_adjoint(posed: Posed) -> Report:
    """Check products with a Jacobian from the left against those from the right, without f."""
    x, random = posed.subject.x, np.random.default_rng(posed.plan.rng)
    jvp, vjp = posed.call.plain, posed.derivative

    def forward(v: Floats) -> Array:
        return np.asarray(jvp(x.copy(), v.reshape(x.shape)))

    outputs = forward(np.zeros(x.size)).shape
    backward = lambda w: np.asarray(vjp(x, w.reshape(outputs)))  # noqa: E731
    tests = [adjoint(forward, backward, x.size, random) for _ in range(TRIALS)]
    _, first, second, bar = map(np.array, zip(*tests, strict=True))
    verdict = np.where([test.holds for test in tests], AGREE, DISAGREE)
    return posed.report(
        outputs, tally(verdict, unit="products"), nfev=0,
        entries=records(
            (TRIALS,), np.arange(TRIALS), first, second, bar, verdict=verdict, scale=np.abs(second)
        ),
        hints=tuple(str(test) for test in tests[:1] if not test.holds),
    )  # fmt: skip


def _entries(posed: Posed, case: Case, k: int) -> Array:
    shape, (m, n) = case.place.outputs + case.place.x.shape, case.reading.matrix.shape
    names = posed.subject.names
    if posed.kind.curved and m == n:  # of both inputs
        names = tuple(f"{row}, {column}" for row in names for column in names)
    judged, numerical = case.judged, case.numerical
    return records(
        shape, np.arange(m * n), case.reading.matrix.ravel(), numerical.value.ravel(),
        numerical.error.ravel(), names=np.resize(names, m * n) if names else "", point=k,
        verdict=judged.verdict.ravel(), bar=judged.bar.ravel(), scale=judged.scale.ravel(),
    )  # fmt: skip


def _coverage(subject: Subject, cases: list[Case], verdicts: Array) -> Coverage:
    """Count; to how many digits all that agrees is proven, and which inputs were not tested.

    Those are the inputs for which both derivatives are zero in all outputs, at all points.
    """
    zero, needed = np.ones(subject.x.size, bool), []
    for case in cases:
        agree = case.judged.verdict == AGREE
        # zeros agree by nature, not to so many digits
        needed.append(case.judged.needed[agree & (case.judged.scale > 0.0)])
        both = (case.reading.matrix == 0.0) & (np.abs(case.numerical.value) <= case.judged.doubt)
        zero &= (both & agree).all(axis=0) & (both.size > 0)
    proven = np.concatenate(needed)
    worst = np.max(np.nan_to_num(proven), initial=2.0**-53)
    digits = -math.log10(worst) if proven.size else math.nan
    labels = map("x{}".format, np.argwhere(zero.reshape(subject.x.shape)).tolist())
    untested = tuple(np.array(subject.names)[zero].tolist() if subject.names else labels)
    return tally(verdicts, len(cases), digits=digits, untested=untested)


# Of any size: along random directions, and then where it is wrong


def check_along(posed: Posed) -> Report:
    """Check a derivative along a direction at one point or several."""
    __tracebackhide__ = True
    plan, subject = posed.plan, posed.subject
    random = np.random.default_rng(plan.rng)
    findings: list[Finding] = []
    notes: list[str] = []
    nfev, limit = 0, plan.settings.get("max_nfev")
    with posed.call.evaluator or NOBODY:
        for k in range(plan.n_points):
            x = next(beside(subject.x, plan.radius, posed.box, random)) if k else subject.x
            product = read_product(posed.handed, subject, x, plan.further)
            finding = posed.along(product, x, random, limit)
            notes += [*product.notes, *finding.notes]
            far, nfev = minute(x.ravel()), nfev + finding.nfev
            if far.any() and finding.verdict != DISAGREE:
                others = posed.along(product._replace(total=math.nan), x, random, limit, far)
                notes, nfev = [*notes, _of_minute(far, others)], nfev + others.nfev
                finding = others if others.verdict == DISAGREE else finding
            findings.append(finding)
    verdicts = np.concatenate([finding.verdicts for finding in findings])
    coverage = tally(verdicts, points=len(findings), unit="outputs along a direction")
    return posed.report(
        subject.x.shape, coverage,
        entries=np.concatenate([_tested(one, subject, k) for k, one in enumerate(findings)]),
        hints=tuple(_sampled(findings[0], subject.x)), notes=tuple(dict.fromkeys(notes)), nfev=nfev,
    )  # fmt: skip


def _of_minute(far: Floats, others: Finding) -> str:
    """Say what was done about entries of x that are far smaller than the others."""
    count = np.count_nonzero(far)
    entries = "1 entry of x is" if count == 1 else f"{count} entries of x are"
    start = f"{entries} far smaller than the others and moved like them as well"
    return f"{start}: {WORDS[others.verdict]}"


def _sampled(finding: Finding, x: Floats) -> Iterator[str]:
    """Yield what explains all entries of a sample."""
    if not finding.sampled:
        return
    _, column, analytic, numerical, error, _ = finding.table
    analytic, numerical, bars = np.atleast_2d(analytic, numerical, BARS * error)
    inputs = x.ravel()[column.astype(int)]
    evidence = Evidence(analytic, numerical, bars, inputs, None, "gradient")
    sentences = hints(evidence, lambda matrix: bool((np.abs(matrix - numerical) <= bars).all()))
    # other places are places in the sample
    if len(sentences) == 1 and EVERYWHERE in sentences[0]:
        yield f"{sentences[0]}, to go by the sample"


def _tested(finding: Finding, subject: Subject, k: int) -> Array:
    """Return the entries that were tested one by one."""
    row, column, analytic, numerical, error, wrong = finding.table
    m, names, j = finding.value.size, subject.names, column.astype(int)
    return records(
        (m,) * (m > 1) + subject.x.shape, row.astype(int) * subject.x.size + j,
        analytic, numerical, error, names=np.array(names)[j] if names else "",
        verdict=np.where(wrong, DISAGREE, INCONCLUSIVE), scale=np.abs(numerical), point=k,
    )  # fmt: skip


# Hints: the likely mistakes


def _hints(posed: Posed, cases: list[Case], untrue: list[Identity]) -> Iterator[str]:
    """Yield the likely mistakes: facts, and then what explains the differences at all points."""
    wrong = [case for case in cases if (case.judged.verdict == DISAGREE).any()]
    place, reading = cases[0].place, cases[0].reading
    if reading.transposed:
        fits = "does not agree either" if wrong else "agrees"
        want = place.outputs + place.x.shape
        yield f"it is transposed: of shape {reading.shape} instead of {want}; its transpose {fits}"
    if not wrong:
        yield from map(str, untrue[:1])
        return
    if (stored := wrong[0].reading.stored) is not None:
        missing = np.argwhere((wrong[0].judged.verdict == DISAGREE) & ~stored)
        if missing.size:
            shown = _some(list(map(str, missing.tolist())))
            yield f"not in the sparsity pattern although they are not zero: {shown}"
    first, *others = [_likely(posed, case) for case in wrong]
    yield from (hint for hint in first if all(hint in other for other in others))


def _likely(posed: Posed, case: Case) -> tuple[str, ...]:
    """Return what explains the differences at one point."""
    if np.iscomplexobj(case.reading.matrix) or np.iscomplexobj(case.numerical.value):
        return ()

    def accept(matrix: Floats) -> bool:
        """Say whether a corrected derivative agrees by the same rule, where most is known."""
        judged = posed.judge(matrix, case.rounding, case.numerical, case.sizes)
        right, wrong = judged.verdict == AGREE, judged.verdict == DISAGREE
        enough = np.isfinite(judged.doubt).mean() >= MOSTLY
        return bool(enough and right.any() and not wrong.any())

    decided = np.where(case.judged.verdict == INCONCLUSIVE, np.nan, case.numerical.value)
    x, f0 = case.place.x.ravel(), case.place.f0
    evidence = Evidence(case.reading.matrix, decided, case.judged.limit, x, f0, posed.name)
    return hints(evidence, accept)


# Notes: what else is worth knowing


def _notes(x: Floats, cases: list[Case], coverage: Coverage, entries: Array) -> Iterator[str]:
    """Yield why something could not be told, and what the points that were tested cannot show."""
    for k, case in enumerate(cases):
        where = f"point {k}: " * (len(cases) > 1)
        f0 = np.abs(case.place.form.unpack(case.place.f0))
        for reason in (*reasons(case.judged, case.reading.matrix, case.numerical, f0), *case.notes):
            yield where + reason
    lost = np.count_nonzero(~np.isfinite(entries["analytic"]))
    if lost:
        yield f"the derivative is nan or infinite in {lost} of {entries.size} entries"
    if coverage.untested:
        yield (
            f"the derivative by {_some(coverage.untested)} is zero here, so that a wrong factor or "
            "a lost term would not show: nothing was tested there; another point would, as with "
            "n_points=3"
        )
    if len(cases) == 1 and x.size and np.isin(x, SPECIAL).all():
        yield (
            "x holds only zeros and ones, where powers and logarithms of x hide mistakes; "
            "n_points=3 tests beside it as well"
        )
    wrong = entries["relative"][entries["verdict"] == DISAGREE]
    if wrong.size and _alike(wrong):
        yield (
            f"the difference is small and much alike, at most {wrong.max():.0e} of an entry: an "
            "inexact f looks like that (a solver's tolerance, a table, single precision), and for "
            "it there are accuracy= and accept=; so does a rounded constant or an old value"
        )
    for case in cases:
        hinted = not (case.judged.verdict == DISAGREE).any()
        yield from (str(rule) for rule in case.identities if rule.holds or not hinted)


def _alike(wrong: Floats) -> bool:
    """Say whether relative differences are small and alike, as those of an inexact f are."""
    small = bool(wrong.max() <= SMALL)
    return small or bool(wrong.max() <= MODEST and wrong.min() >= max(TINY, wrong.max() / ALIKE))


def _some(labels: Sequence[Any]) -> str:
    more = f" and {len(labels) - LISTED} more" if len(labels) > LISTED else ""
    return ", ".join(labels[:LISTED]) + more
