"""The check for x of any size: along random directions, and then where it is wrong."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from numdiff.verify.arrays import Array, Floats
from numdiff.verify.directions.screen import Finding
from numdiff.verify.hints.ideas import EVERYWHERE, Evidence
from numdiff.verify.hints.search import hints
from numdiff.verify.kinds import Posed
from numdiff.verify.point import beside
from numdiff.verify.reading import Subject, read_product
from numdiff.verify.report import DISAGREE, INCONCLUSIVE, Report, records, tally
from numdiff.verify.rule import BARS


def check_along(posed: Posed) -> Report:
    """Check a derivative along a direction at one point or several."""
    __tracebackhide__ = True
    plan, subject = posed.plan, posed.subject
    random = np.random.default_rng(plan.rng)
    findings: list[Finding] = []
    notes: list[str] = []
    with posed.call:
        for k in range(plan.n_points):
            x = next(beside(subject.x, plan.radius, posed.box, random)) if k else subject.x
            product = read_product(posed.handed, subject, x, plan.args)
            findings.append(posed.along(product, x, random, plan.settings.get("max_nfev")))
            notes += [*product.notes, *findings[-1].notes]
    verdicts = np.concatenate([finding.verdicts for finding in findings])
    coverage = tally(verdicts, points=len(findings), unit="outputs along a direction")
    return posed.report(
        subject.x.shape, coverage,
        entries=np.concatenate([_entries(one, subject, k) for k, one in enumerate(findings)]),
        hints=tuple(_likely(findings[0], subject.x)), notes=tuple(dict.fromkeys(notes)),
        nfev=sum(finding.nfev for finding in findings),
    )  # fmt: skip


def _likely(finding: Finding, x: Floats) -> Iterator[str]:
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


def _entries(finding: Finding, subject: Subject, k: int) -> Array:
    """Return the entries that were tested one by one."""
    row, column, analytic, numerical, error, wrong = finding.table
    m, names, j = finding.value.size, subject.names, column.astype(int)
    return records(
        (m,) * (m > 1) + subject.x.shape, row.astype(int) * subject.x.size + j,
        analytic, numerical, error, names=np.array(names)[j] if names else "",
        verdict=np.where(wrong, DISAGREE, INCONCLUSIVE), scale=np.abs(numerical), point=k,
    )  # fmt: skip
