"""What checking a derivative comes to: a verdict, its reasons, and the entries behind it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from numdiff.estimate import format_value
from numdiff.verify.arrays import Array, Ints

AGREE, DISAGREE, INCONCLUSIVE = "agree", "disagree", "inconclusive"
WORST_FIRST = (DISAGREE, INCONCLUSIVE, AGREE)
ROWS = 8  # of the table: with all else a report stays within some twenty lines
ROWS_AGREED = 3  # of the table where nothing is wrong
PRINTED = 3  # of hints, and of notes, that are printed
WIDEST = 60  # characters of a name that are printed
HEADER = ("entry", " analytic", " numerical", "+- error", "difference", "in bars", "relative")


class Coverage(NamedTuple):
    """What was tested, in numbers.

    Attributes
    ----------
    points : int
        At how many points.
    tested : int
        How many entries were compared there.
    agree, disagree, inconclusive : int
        How many of them came out so.
    digits : float
        To how many digits the entries that agree were proven at least, nan where none does.
    untested : tuple of str
        Inputs whose derivative is zero at all points, so that most mistakes would not show.
    unit : str
        What was counted.

    Examples
    --------
    >>> from numdiff import verify
    >>> coverage = verify.gradient(lambda x: x @ x, lambda x: 2 * x, [1.0, 2.0]).coverage
    >>> coverage.tested, coverage.agree, coverage.digits > 12
    (2, 2, True)
    """

    points: int
    tested: int
    agree: int
    disagree: int
    inconclusive: int
    digits: float = math.nan
    untested: tuple[str, ...] = ()
    unit: str = "entries"


def records(
    shape: tuple[int, ...], flat: Ints, analytic: Any, numerical: Any, error: Any, *,
    names: Any = "", verdict: Any = "", bar: Any = None, scale: Any = 1.0, point: int = 0,
) -> Array:  # fmt: skip
    """Put the structured array of a report's entries together.

    Parameters
    ----------
    shape : tuple of int
        Of the derivative.
    flat : array of int, (K,)
        Where the entries stand in it.
    analytic, numerical, error : array (K,)
        The two values, and the bar of the second one.
    names, verdict : array of str (K,) or str
        Of the entries.
    bar, scale : array (K,) or float
        In units of which the differences are told: what both values may be off by, by default
        `error`, and the size of an entry.
    point : int, default 0
        At which of several points.
    """
    difference = np.asarray(analytic) - np.asarray(numerical)
    index = np.transpose(np.unravel_index(flat, shape)) if shape else np.empty((len(flat), 0))
    number, labels = np.result_type(difference, float), np.asarray(names, dtype=str)
    types = np.dtype([
        ("index", np.int64, (len(shape),)), ("name", f"U{max(labels.itemsize // 4, 1)}"),
        ("analytic", number), ("numerical", number), ("error", float), ("difference", number),
        ("bars", float), ("verdict", "U12"), ("relative", float), ("point", np.int64),
    ])  # fmt: skip
    gap, unit = np.abs(difference), error if bar is None else bar
    with np.errstate(all="ignore"):
        bars, relative = np.where(gap == 0.0, 0.0, (gap / unit, gap / scale))
    columns = index, labels, analytic, numerical, error, difference, bars, verdict, relative, point
    entries = np.empty(len(difference), types)
    for field_name, column in zip(entries.dtype.names or (), columns, strict=True):
        entries[field_name] = column
    return entries


def tally(verdicts: Array, points: int = 1, **others: Any) -> Coverage:
    """Count verdicts; the other fields of the coverage are as given."""
    tested, agree = verdicts.size, int(np.count_nonzero(verdicts == AGREE))
    disagree = int(np.count_nonzero(verdicts == DISAGREE))
    return Coverage(points, tested, agree, disagree, tested - agree - disagree, **others)


@dataclass(frozen=True, eq=False, kw_only=True)
class Report:
    """What checking a derivative came to. It is neither true nor false: ask for its `verdict`.

    Parameters
    ----------
    verdict : str
        ``"agree"``: every entry is proven right to the tolerance asked for. ``"disagree"``: some
        differ by more than the error bars. ``"inconclusive"``: some could not be decided.
    entries : structured array
        One record per entry that was compared: ``index`` in the derivative, ``name`` of the input,
        ``analytic`` and ``numerical`` value, ``error`` bar of the latter, ``difference``
        (analytic minus numerical), the same in ``bars`` (that error and the rounding of the
        analytic value together; an eighth of 1e-10 of the entry, the floor, where that alone
        accepts the difference: beyond eight, sixteen where f is noisy, an entry disagrees),
        ``verdict``; ``relative``, the difference over the size of the entry, and ``point``, 0 for
        x itself.
    hints : tuple of str
        The likely mistakes, in words, likeliest first.
    notes : tuple of str
        Why something is inconclusive, and what else is worth knowing.
    coverage : Coverage
        What was tested, in numbers.
    nfev : int
        At how many points f was evaluated.
    title : str
        What was checked.
    reproduce : str
        The call that gives this report again.

    Examples
    --------
    >>> from numdiff import verify
    >>> report = verify.gradient(lambda x: x[0] ** 2 * x[1], lambda x: [x[0] * x[1], x[0] ** 2],
    ...                          [3.0, 5.0])
    >>> report.verdict
    'disagree'
    >>> report.worst(1)["index"].tolist()
    [[0]]
    """

    verdict: str
    entries: Array = field(repr=False)
    hints: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    coverage: Coverage
    nfev: int
    title: str
    reproduce: str = ""

    def worst(self, k: int = 5) -> Array:
        """Return the k worst entries: those that disagree first, by how many bars."""
        entries = self.entries
        rank = np.select([entries["verdict"] == verdict for verdict in WORST_FIRST], [0, 1, 2])
        bars = np.nan_to_num(entries["bars"], nan=0.0)
        relative = np.nan_to_num(entries["relative"], nan=np.inf)
        return np.asarray(entries[np.lexsort((-relative, -bars, rank))[:k]])

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists, numbers and strings, fit for strict JSON: nan and inf are None."""
        names = ["verdict", "title", "coverage", "entries", "hints", "notes", "nfev", "reproduce"]
        return {name: _plain(getattr(self, name)) for name in names}

    def __bool__(self) -> bool:
        raise TypeError(
            "a Report is neither true nor false: compare `.verdict` with 'agree', 'disagree' or "
            "'inconclusive', or use verify.assert_gradient and the like"
        )

    def __str__(self) -> str:
        return "\n".join(_lines(self))

    def _repr_html_(self) -> str:
        from html import escape  # noqa: PLC0415 - only notebooks need it

        title, _, body = escape(str(self)).partition("\n")
        return f"<p><b>{title}</b></p><pre>{body}</pre>"


def _plain(value: Any) -> Any:
    if isinstance(value, Coverage):
        return {name: _plain(part) for name, part in value._asdict().items()}
    if isinstance(value, np.void):  # an entry
        return {name: _plain(value[name]) for name in value.dtype.names or ()}
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, complex):
        return {"real": _plain(value.real), "imag": _plain(value.imag)}
    if isinstance(value, list | tuple | np.ndarray):
        return [_plain(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


# The text


def _lines(report: Report) -> Iterator[str]:
    """Yield the lines of the text that stands for a report."""
    yield f"{report.verdict.upper()}: {report.title}"
    counts, parts = report.coverage, []
    right = "agree" + f" to {counts.digits:.1f} digits or more" * math.isfinite(counts.digits)
    names = {"disagree": "differ", "inconclusive": "cannot be told", "agree": right}
    for name, words in names.items():
        count = getattr(counts, name)
        parts += [f"{count} of {counts.tested} {counts.unit} {words}"] * bool(count)
    points = f" at {counts.points} points" * (counts.points > 1)
    calls = f"{report.nfev} evaluation{'s' * (report.nfev != 1)} of f"
    yield f"{'; '.join(parts) or 'nothing could be compared'}{points}; {calls}"
    if len(report.entries):
        yield from _table(report)
    for title, sentences in (("likely", report.hints), ("note", report.notes)):
        yield from (f"{title}: {sentence}" for sentence in sentences[:PRINTED])
        if len(sentences) > PRINTED:
            where = "hints" if title == "likely" else "notes"
            yield f"... {len(sentences) - PRINTED} more in `.{where}`"
    if report.reproduce:
        yield f"again: {report.reproduce}"


def _table(report: Report) -> Iterator[str]:
    """Yield the entries that are not right, or the least certain ones, in columns."""
    verdicts = report.entries["verdict"]
    worst = report.worst(1)["verdict"][0]
    alike = int(np.count_nonzero(verdicts == worst))
    shown = report.worst(min(alike, ROWS_AGREED if worst == AGREE else ROWS))
    rows = [HEADER, *(_row(entry, several=report.coverage.points > 1) for entry in shown)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
    left = report.entries.size - shown.size
    if left and report.verdict != AGREE:
        wrong = max(int(np.count_nonzero(verdicts == DISAGREE)) - shown.size, 0)
        more = f"... {left} more {'entry' if left == 1 else 'entries'}"
        yield more + f", {wrong} of which differ" * bool(wrong)


def _row(entry: Any, *, several: bool) -> tuple[str, ...]:
    """Return the cells of an entry; values have the digits in which a difference can be seen."""
    index, name = ", ".join(map(str, entry["index"])), str(entry["name"])
    where = f"point {entry['point']} " * several + f"[{index}]" * bool(index)
    name = name if len(name) <= WIDEST else f"{name[: WIDEST - 3]}..."
    analytic, numerical, size = entry["analytic"], entry["numerical"], abs(entry["analytic"])
    digits = float(np.clip(0.1 * abs(entry["difference"]), 1e-15 * size, 1e-5 * size)) or math.inf
    return (
        f"{where} {name}".strip(), format_value(analytic, digits),
        format_value(numerical, max(entry["error"], 1e-15 * abs(numerical))),
        f"{entry['error']:.1g}", f"{entry['difference']:.2g}", f"{entry['bars']:.2g}",
        f"{entry['relative']:.1g}",
    )  # fmt: skip
