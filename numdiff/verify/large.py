"""The check for x of any size: along random directions, and then where it is wrong."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, Unpack

import numpy as np

from numdiff.options import Box, read
from numdiff.verify.algebra import is_function, spacing_of
from numdiff.verify.checking import Choices, Plan, beside, plan_of
from numdiff.verify.directional import Finding, along, flat, noise_of
from numdiff.verify.findings import call_text, title_of
from numdiff.verify.hints import Evidence, hints
from numdiff.verify.locate import BARS
from numdiff.verify.report import (
    AGREE,
    DISAGREE,
    INCONCLUSIVE,
    Coverage,
    Report,
    entry_type,
    overall,
)
from numdiff.verify.sources import Subject, subject_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["directional"]

Function = Callable[..., Any]

SHOWN = 6  # entries that a note names
EVERYWHERE = "in all entries"  # what a hint says of a mistake that no place marks


class Applied(NamedTuple):
    """A derivative at a point as a product.

    Attributes
    ----------
    apply : callable
        The derivative times a flat vector.
    total : array (m,) or None
        The sum of the sizes of its entries times those of x, where they are known.
    rounding : float
        Of its entries, relative.
    lost : tuple of tuple of int
        Output and flat input of some entries that are not finite, where they are known.
    """

    apply: Callable[[Floats], Any]
    total: Floats | None
    rounding: float
    lost: tuple[tuple[int, int], ...] = ()


def directional(f: Function, grad_or_jvp: Any, x: Any, **choices: Unpack[Choices]) -> Report:
    """Check a derivative along a random direction, with six evaluations of f however large x is.

    Where the two disagree the wrong entries are searched for, by bisection.

    Parameters
    ----------
    f : callable
        ``f(x, *args)`` takes a float64 array of x's shape and returns a number or an array.
    grad_or_jvp : callable or array
        The gradient or Jacobian, ``grad(x, *args)`` or its value: a dense or sparse array or a
        linear operator; or products with vectors, ``jvp(x, v, *args)``.
    x : array of float or dict
        As in `gradient`.
    rtol, names, n_points, radius, rng
        As in `gradient`; `rtol` is relative to the derivative along the direction.
    noise, bounds, max_nfev, args
        As in `numdiff.gradient`; by default about 300 evaluations of f.

    Returns
    -------
    Report
        Its entries are those that were tested one by one; a note says which error of a single
        entry would have been seen.

    Raises
    ------
    TypeError, ValueError, Exception
        As in `gradient`.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.linspace(1.0, 2.0, 10000)
    >>> report = directional(lambda x: np.sum(x**2), lambda x: 2 * x, x)
    >>> report.verdict, report.nfev
    ('agree', 6)
    """
    __tracebackhide__ = True
    plan = plan_of(choices)
    if plan.n_points > 1 and not is_function(grad_or_jvp):
        raise ValueError("an array is the derivative at x only: give a function for `n_points` > 1")
    subject = subject_of(x, plan.names)
    function, args = subject.inward(f), plan.settings.get("args", ())
    box = read(f, subject.x, bounds=plan.settings.get("bounds")).box
    random = np.random.default_rng(plan.rng)
    findings: tuple[Finding, ...] = ()
    for point in _points(subject.x, plan, box, random):
        applied = _applied(grad_or_jvp, subject, point, args)
        findings = (*findings, _compared(function, applied, point, plan, box, random))
    shown = (("", f), ("", grad_or_jvp), ("", subject))
    text = call_text("directional", subject, shown, plan)
    return _report(findings, subject, title_of(
        "directional derivative", (grad_or_jvp, f), subject.x.shape
    ), text)  # fmt: skip


def _compared(
    function: Function, applied: Applied, point: Floats,
    plan: Plan, box: Box | None, random: np.random.Generator,
) -> Finding:  # fmt: skip
    """Compare at one point."""
    __tracebackhide__ = True
    found = along(
        flat(function, point.shape, plan.settings),
        applied.apply,
        point.ravel(),
        rtol=plan.rtol,
        max_nfev=plan.settings.get("max_nfev"),
        rng=random,
        bounds=box,
        noise=noise_of(plan.settings),
        total=applied.total,
        rounding=applied.rounding,
    )
    if not applied.lost:
        return found
    places = ", ".join(
        str([i] * (found.derivative.size > 1) + [int(k) for k in np.unravel_index(j, point.shape)])
        for i, j in applied.lost
    )
    note = f"the derivative that was given is not finite, as in entries {places}"
    return replace(found, notes=(note, *found.notes))


def _points(
    x: Floats, plan: Plan, box: Box | None, random: np.random.Generator
) -> Iterator[Floats]:
    yield x
    for _ in range(plan.n_points - 1):
        yield next(beside(x, plan.radius, box, random))


def _applied(derivative: Any, subject: Subject, x: Floats, args: tuple[Any, ...]) -> Applied:
    """Turn a derivative of any form into a product with flat vectors."""
    __tracebackhide__ = True
    value = derivative
    if is_function(derivative):
        if not _takes(derivative, 1 + len(args)) and _takes(derivative, 2 + len(args)):
            product = subject.inward(derivative, 2)
            return Applied(
                lambda v: np.ravel(product(x.copy(), v.reshape(x.shape), *args)), None, 2.0**-52
            )
        value = subject.inward(derivative)(x.copy(), *args)
    if hasattr(value, "matvec") and not isinstance(value, np.ndarray):
        return Applied(lambda v: np.ravel(value.matvec(v)), None, spacing_of(value))
    array = value if hasattr(value, "toarray") else np.array(value)
    if math.prod(array.shape) % max(x.size, 1):
        raise ValueError(f"the derivative must have {x.size} columns, got shape {array.shape}")
    # what has no columns does not tell its rows by its size
    rows = array.size // x.size if x.size else math.prod(array.shape[: array.ndim - x.ndim])
    matrix = array if hasattr(value, "toarray") else array.reshape(rows, x.size)
    with np.errstate(invalid="ignore"):
        total = abs(matrix) @ np.abs(x.ravel())
    # of a row of zeros nothing is a share
    share = np.where(total == 0.0, np.inf, total)
    return Applied(lambda v: matrix @ v, share, spacing_of(matrix), _lost(matrix))


def _lost(matrix: Any) -> tuple[tuple[int, int], ...]:
    """Return some of the entries that are not finite."""
    if hasattr(matrix, "toarray"):
        stored = matrix.tocoo()
        rows, columns, numbers = stored.row, stored.col, stored.data
    else:
        rows, columns = np.nonzero(~np.isfinite(matrix))
        numbers = matrix[rows, columns]
    places = np.stack([rows, columns], axis=-1)[~np.isfinite(numbers)]
    return tuple((int(i), int(j)) for i, j in places[:SHOWN])


def _takes(function: Function, count: int) -> bool:
    """Say whether a function can be called with so many positional arguments."""
    try:
        inspect.signature(function).bind(*range(count))
    except TypeError:
        return False
    except ValueError:  # compiled functions may not tell
        return count == 1
    return True


def _report(findings: tuple[Finding, ...], subject: Subject, title: str, text: str) -> Report:
    entries = np.concatenate([_entries(one, subject, k) for k, one in enumerate(findings)])
    outputs = sum(one.derivative.size for one in findings)
    wrong = sum(int(one.disagrees.sum()) for one in findings)
    agreed = sum(_right_outputs(one) for one in findings)
    coverage = Coverage(
        points=len(findings),
        tested=outputs,
        agree=agreed,
        disagree=wrong,
        inconclusive=outputs - agreed - wrong,
        digits=math.nan,
        untested=(),
        unit="outputs along a direction",
    )
    return Report(
        verdict=overall(coverage),
        entries=entries,
        hints=tuple(_likely(findings[0], subject.x)),
        notes=tuple(dict.fromkeys(note for one in findings for note in one.notes)),
        coverage=coverage,
        nfev=sum(one.nfev for one in findings),
        title=title,
        reproduce=text,
    )


def _likely(finding: Finding, x: Floats) -> Iterator[str]:
    """Yield what explains all entries of a sample."""
    if not finding.sampled:
        return
    analytic, numerical, bars = (
        np.atleast_2d(one) for one in (finding.analytic, finding.numerical, BARS * finding.error)
    )
    inputs = x.ravel()[finding.index % x.size]
    found = hints(
        Evidence(analytic, numerical, bars, inputs, None, "gradient"),
        lambda matrix: bool((np.abs(matrix - numerical) <= bars).all()),
    )
    # other places are places in the sample
    if len(found) == 1 and EVERYWHERE in found[0]:
        yield f"{found[0]}, to go by the sample"


def _right_outputs(finding: Finding) -> int:
    """Count the outputs that are right: where some are wrong, those within their bars."""
    if finding.verdict != DISAGREE:
        return finding.derivative.size * (finding.verdict == AGREE)
    inside = np.abs(finding.predicted - finding.derivative) <= finding.error_along
    return min(int(inside.sum()), finding.derivative.size - int(finding.disagrees.sum()))


def _entries(finding: Finding, subject: Subject, k: int) -> NDArray[Any]:
    """Return the entries that were tested one by one."""
    m, n = finding.derivative.size, subject.x.size
    names = [subject.names[j % n] for j in finding.index] if subject.names else []
    axes = subject.x.ndim + (m > 1)
    longest = max(map(len, subject.names), default=1)
    entries = np.empty(finding.index.size, entry_type(axes, longest, float))
    shape = (m,) * (m > 1) + subject.x.shape
    entries["index"] = np.stack(np.unravel_index(finding.index, shape), -1) if shape else 0
    entries["name"] = names or ""
    for name in ("analytic", "numerical", "error", "difference", "bars"):
        entries[name] = getattr(finding, name)
    entries["verdict"] = np.where(finding.wrong, DISAGREE, INCONCLUSIVE)
    with np.errstate(all="ignore"):
        entries["relative"] = np.abs(finding.difference) / np.abs(finding.numerical)
    entries["point"] = k
    return entries
