"""Whether error bars can be trusted on the families of ``tests.corpus``, and are of use.

An entry is one derivative; of a Hessian both triangles count. A lie is not flagged and more than
ten bars off; missed is what does not exist and is not flagged; a bar is useless where it is wider
than 1e4 true errors and leaves fewer than six certain digits, though f is tagged smooth and exact;
hollow where it is wider than a derivative of order three or more; a flag is false where f is tagged
smooth. Where the truth is a slope of a trend, all slopes within half a stair or one are right.

With ``--verify``, what `numdiff.verify` says of the right derivatives instead.
"""

from __future__ import annotations

import argparse
import inspect
import multiprocessing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.quiet import quiet
from benchmarks.report import shown, table, write_json
from tests.corpus.families import FAMILIES, Instance, instances
from tests.measuring.cases import Answer, Call, Task, outcome_of
from tests.measuring.metrics import Bools, Outcome

EPS = float(np.finfo(float).eps)
WIDE = 1e4  # true errors, these no smaller than rounding
CERTAIN = 1e-6  # a relative bar below this leaves six digits
HIGH = 3  # from this order on a bar wider than the value is no answer


# --- Tools ---


def by_numdiff(instance: Instance) -> Call:
    """The call of numdiff, with the solver's accuracy where there is one."""
    import numdiff

    operator = getattr(numdiff, instance.operator)
    options = dict(instance.options)
    if instance.operator == "derivative":
        options["order"] = instance.order
    if instance.accuracy and "accuracy" in inspect.signature(operator).parameters:
        options["accuracy"] = instance.accuracy
    return lambda f, x: _of_estimate(operator(f, x, **options))


def _of_estimate(found: Any) -> Answer:
    from numdiff import Status

    note = ", ".join(Status(code).name for code in np.unique(found.status))
    return Answer(found.value, found.error, ~np.asarray(found.success), note)


def by_numdifftools(instance: Instance) -> Call:
    """The call of numdifftools, from the inner side where x is a bound."""
    import numdifftools

    name = instance.operator.capitalize()
    options: dict[str, Any] = {"full_output": True, "method": _side(instance)}
    if instance.operator == "derivative":
        options["n"] = instance.order

    def call(f: Any, x: Any) -> Answer:
        found = getattr(numdifftools, name)(f, **options)(x)
        return Answer(found.estimate, found.error_estimate)

    return call


def _side(instance: Instance) -> str:
    lower, upper = instance.options.get("bounds", (-np.inf, np.inf))
    if np.all(instance.x == lower):
        return "forward"
    if np.all(instance.x == upper):
        return "backward"
    return str(instance.options.get("method", "central"))


TOOLS: Mapping[str, Callable[[Instance], Call]] = {
    "numdiff": by_numdiff,
    "numdifftools": by_numdifftools,
}


# --- What is measured ---


@dataclass(frozen=True)
class Verdict:
    """An outcome, whose ``exact`` is the true value nearest to the answer, and what is wrong."""

    outcome: Outcome
    instance: Instance

    @property
    def exists(self) -> Bools:
        return np.isfinite(self.outcome.exact)

    @property
    def judged(self) -> Bools:
        """The entries with an answer whose truth exists."""
        return self.exists & self.outcome.answered

    @property
    def lies(self) -> Bools:
        return self.judged & self.outcome.lies

    @property
    def missed(self) -> Bools:
        return ~self.exists & ~self.outcome.flagged & self.outcome.answered

    @property
    def useless(self) -> Bools:
        o = self.outcome
        size = np.abs(o.exact)
        wide = o.error > np.maximum(WIDE * np.maximum(o.true_error, EPS * size), CERTAIN * size)
        plain = self.instance.tags >= {"smooth", "exact"}
        return self.judged & ~o.flagged & wide & (size > 0) & plain

    @property
    def hollow(self) -> Bools:
        o, size = self.outcome, np.abs(self.outcome.exact)
        high = self.instance.order >= HIGH
        return self.judged & ~o.flagged & (o.error > size) & (size > 0) & high

    @property
    def blamed(self) -> Bools:
        return self.outcome.flagged & self.exists & ("smooth" in self.instance.tags)

    @property
    def unanswered(self) -> Bools:
        """No answer, and not a word about it."""
        return self.exists & ~self.outcome.answered & ~self.outcome.flagged


def verdict_of(tool: str, instance: Instance) -> Verdict:
    """Ask a tool for one derivative."""
    low, high = (part.ravel() for part in instance.interval)
    directions = _directions(instance)
    task = Task(instance.name, instance.family, "", instance.f, instance.x, low, directions)
    outcome = outcome_of(tool, TOOLS[tool](instance), task)
    nearest = np.where(np.isnan(outcome.value), low, np.clip(outcome.value, low, high))
    return Verdict(replace(outcome, exact=nearest), _bare(instance))


def _bare(instance: Instance) -> Instance:
    """The instance without its functions, which no other process can be told of."""
    return replace(instance, f=abs, truth=float, reference=None)


def _directions(instance: Instance) -> int:
    n = np.size(instance.x)
    return n * (n + 1) // 2 if instance.operator == "hessian" else n


Judge = Callable[[Instance], Any]


def _in_family(judge: Judge, half: str | None, chosen: tuple[str, int]) -> list[Any]:
    family, seed = chosen
    with quiet():
        return [judge(instance) for instance in instances(family, half=half, seed=seed)]


def judged_by(
    judge: Judge, families: Sequence[str], half: str | None, seeds: Sequence[int], processes: int
) -> Iterator[Any]:
    """Judge all instances, a family and a seed at a time."""
    tasks = [(family, seed) for family in families for seed in seeds]
    ask = partial(_in_family, judge, half)
    if processes == 1:
        for task in tasks:
            yield from ask(task)
        return
    with multiprocessing.get_context("fork").Pool(processes) as pool:
        for found in pool.imap(ask, tasks):
            yield from found


# --- Tables ---


def _count(name: str, group: Sequence[Verdict]) -> float:
    return float(sum(getattr(v, name).sum() for v in group))


def _cover(group: Sequence[Verdict]) -> float:
    inside = np.concatenate([v.outcome.covered[v.judged] for v in group])
    return float(inside.mean()) if inside.size else np.nan


def _width(group: Sequence[Verdict]) -> float:
    """The median bar in true errors, these no smaller than rounding."""
    parts = []
    for v in group:
        o, chosen = v.outcome, v.judged & ~v.outcome.flagged
        least = np.maximum(o.true_error, EPS * np.abs(o.exact))
        with np.errstate(all="ignore"):
            parts.append((o.error / least)[chosen])
    ratios = np.concatenate(parts)
    ratios = ratios[~np.isnan(ratios)]
    return float(np.median(ratios)) if ratios.size else np.nan


def _flagged(group: Sequence[Verdict]) -> float:
    return float(sum(v.outcome.flagged.sum() for v in group))


def _evaluations(group: Sequence[Verdict]) -> float:
    return float(np.mean([v.outcome.calls / v.outcome.directions for v in group]))


@dataclass(frozen=True)
class Column:
    title: str
    measure: Callable[[Sequence[Verdict]], float]
    form: str = ".0f"


COLUMNS = (
    Column("entries", lambda group: float(sum(v.outcome.exact.size for v in group))),
    Column("cover", _cover, ".3f"),
    Column("bar/true", _width, ".0f"),
    Column("lies", partial(_count, "lies")),
    Column("missing", lambda group: float(sum((~v.exists).sum() for v in group))),
    Column("missed", partial(_count, "missed")),
    Column("useless", partial(_count, "useless")),
    Column("hollow", partial(_count, "hollow")),
    Column("flagged", _flagged),
    Column("false flags", partial(_count, "blamed")),
    Column("no answer", partial(_count, "unanswered")),
    Column("evals", _evaluations, ".1f"),
)


def figures(group: Sequence[Verdict]) -> dict[str, float]:
    """Return the figures of a group of verdicts by their titles."""
    return {column.title: float(column.measure(group)) for column in COLUMNS}


def _row(name: str, group: Sequence[Verdict]) -> list[str]:
    return [name, *(shown(column.measure(group), column.form) for column in COLUMNS)]


def by_family(found: Sequence[Verdict]) -> dict[str, list[Verdict]]:
    groups: dict[str, list[Verdict]] = {}
    for verdict in found:
        groups.setdefault(verdict.outcome.category, []).append(verdict)
    return groups


def family_table(found: Sequence[Verdict]) -> str:
    """One row a family, the last two for those without and with a solver inside."""
    rows = [["", *(column.title for column in COLUMNS)]]
    rows += [_row(name, group) for name, group in by_family(found).items()]
    for name, solved in (("all without solvers", False), ("all solvers", True)):
        group = [one for one in found if (one.instance.accuracy is not None) == solved]
        rows += [_row(name, part) for part in [group] if part]
    return table(rows)


FAULTS = (
    ("lie", "lies"),
    ("missed", "missed"),
    ("no answer", "unanswered"),
    ("useless", "useless"),
    ("flagged", "blamed"),
)


def worst_table(found: Sequence[Verdict], most: int) -> str:
    """List the worst instances of every fault, each with its worst entry."""
    rows = [("fault", "case", "entry", "exact", "value", "true error", "bar", "calls", "note")]
    for title, name in FAULTS:
        failing = [v for v in found if getattr(v, name).any() and v.instance.accuracy is None]
        failing.sort(key=lambda v: -_severity(v, name).max())
        rows += [_listed(title, v, name) for v in failing[:most]]
    return table(rows, left=(0, 1, 8))


def _severity(verdict: Verdict, name: str) -> np.ndarray:
    """How bad the entries are: true errors in bars for a lie, bars in sizes for the others."""
    o = verdict.outcome
    with np.errstate(all="ignore"):
        ratio = o.true_error / o.error if name == "lies" else o.error / np.abs(o.exact)
    known = np.nan_to_num(ratio, nan=0.0, posinf=1e300)
    return np.where(getattr(verdict, name), known, -1.0)


def _listed(title: str, verdict: Verdict, name: str) -> tuple[str, ...]:
    o, worst = verdict.outcome, int(np.argmax(_severity(verdict, name)))
    return (
        title,
        o.case,
        f"[{worst}]" if o.exact.size > 1 else "",
        f"{o.exact[worst]:.9g}",
        f"{o.value[worst]:.9g}",
        f"{o.true_error[worst]:.1e}",
        f"{o.error[worst]:.1e}",
        str(o.calls),
        o.note[:40],
    )


# --- Right derivatives, verified ---


@dataclass(frozen=True)
class Check:
    """What `numdiff.verify` says of a derivative that is right: "agree" is what it should."""

    instance: Instance
    verdict: str


VERDICTS = ("agree", "inconclusive", "disagree")


def check_of(instance: Instance) -> Check | None:
    """Verify the truth; None where the instance is of no kind that can be verified."""
    from numdiff import verify

    truth, high = instance.interval
    if instance.order > 1 or instance.options or not np.array_equal(truth, high):
        return None
    f, x, right = instance.f, instance.x, truth
    ask = verify.hessian if instance.operator == "hessian" else verify.gradient
    if instance.operator == "derivative":
        f, x, right = (lambda q: instance.f(q[0])), np.array([x]), truth.reshape(1)
    options: dict[str, Any] = {}
    if instance.accuracy and "accuracy" in inspect.signature(ask).parameters:
        options["accuracy"] = instance.accuracy
    try:
        report = ask(f, right, x, **options)
    except Exception as error:  # noqa: BLE001  (f may raise anything)
        return Check(_bare(instance), type(error).__name__)
    return Check(_bare(instance), report.verdict)


def check_table(found: Sequence[Check]) -> str:
    """One row a family: how many right derivatives are agreed to, and how many are not."""
    rows = [["", "instances", *VERDICTS, "raised"]]
    for family in dict.fromkeys(check.instance.family for check in found):
        said = [check.verdict for check in found if check.instance.family == family]
        counts = [said.count(verdict) for verdict in VERDICTS]
        rows.append([family, *map(str, (len(said), *counts, len(said) - sum(counts)))])
    return table(rows)


# --- The command ---


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--half", choices=("tune", "confirm", "all"), default="confirm")
    parser.add_argument("--family", nargs="+", choices=FAMILIES, default=list(FAMILIES))
    parser.add_argument("--seed", nargs="+", type=int, default=[0], metavar="N")
    parser.add_argument("--tool", choices=TOOLS, default="numdiff")
    parser.add_argument("--verify", action="store_true", help="verify the right derivatives")
    parser.add_argument("--worst", type=int, default=10, metavar="N", help="names of each fault")
    parser.add_argument("--processes", type=int, choices=(1, 2), default=2)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write figures and cases")


def run(options: argparse.Namespace) -> int:
    """Measure one tool on the chosen families and print what is wrong."""
    half = None if options.half == "all" else options.half
    judge = check_of if options.verify else partial(verdict_of, options.tool)
    every = judged_by(judge, options.family, half, options.seed, options.processes)
    found = [one for one in every if one is not None]
    what, seeds = "verify" if options.verify else options.tool, " ".join(map(str, options.seed))
    print(f"{what}, half: {options.half}, seed: {seeds}, {len(found)} instances\n")
    if options.verify:
        print(check_table(found))
        return 0
    print(family_table(found), end="\n\n")
    print(worst_table(found, options.worst))
    if options.json:
        write_json(options.json, _content(found))
    return 0


def _content(found: Sequence[Verdict]) -> dict[str, Any]:
    groups = by_family(found)
    faults = [name for _, name in FAULTS]
    return {
        "figures": [{"family": name, **figures(group)} for name, group in groups.items()],
        "cases": [
            {"case": v.outcome.case, "family": v.outcome.category, "note": v.outcome.note}
            | {name: int(getattr(v, name).sum()) for name in faults}
            for v in found
            if any(getattr(v, name).any() for name in faults)
        ],
    }
