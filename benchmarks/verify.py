"""Checking hand-written derivatives: what is found, and what is wrongly blamed, beside peers."""

from __future__ import annotations

import argparse
import math
import warnings
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.util import find_spec
from typing import NamedTuple

import numpy as np

from benchmarks.quiet import quiet
from benchmarks.report import shown, table, verdict
from tests.corpus.derivatives import Function, Hand, Task, tasks
from tests.corpus.mistakes import MISTAKES, Mistake, Subject
from tests.measuring.cases import Counted, every_kth
from tests.measuring.metrics import Target

AGREE, DISAGREE, INCONCLUSIVE = "agree", "disagree", "inconclusive"
RTOL = 1e-4  # what an agreement of numdiff is to prove: its default
SHARE = 1e-3  # of the largest effect in a row: an entry below is measured against that
WITHOUT_NOISE = ("smooth", "near kink", "edge")


class Answer(NamedTuple):
    verdict: str
    hints: tuple[str, ...] = ()


class Outcome(NamedTuple):
    """What a tool said of one derivative; ``mistake`` None: of the right one.

    ``size`` is the largest relative error of an entry, and ``calls`` those of f by input.
    """

    tool: str
    task: Task
    mistake: Mistake | None
    size: float
    answer: Answer
    calls: float

    @property
    def group(self) -> str:
        return self.mistake.group if self.mistake else "right"

    @property
    def name(self) -> str:
        return f"{self.task.name}: {self.mistake.name if self.mistake else 'right'}"


Check = Callable[[Hand, Function, Function, np.ndarray], Answer]


# --- Derivatives, right and wrong ---


def subject_of(hand: Hand, x: np.ndarray) -> Subject:
    """Return the right derivative at x as a matrix of outputs and inputs."""

    def matrix_at(z: np.ndarray) -> np.ndarray:
        return _matrix(hand, np.asarray(hand.derivative(z.reshape(x.shape)), float))

    flat = x.ravel()
    return Subject(hand.kind, matrix_at(flat), flat, x.shape, np.ravel(hand.f(x.copy())), matrix_at)


def _matrix(hand: Hand, derivative: np.ndarray) -> np.ndarray:
    columns = {"gradient": derivative.size, "hessian": math.isqrt(derivative.size)}
    inputs = columns.get(hand.kind) or hand.points[0].size
    return derivative.reshape(-1, inputs)


def wrong_derivative(hand: Hand, mistake: Mistake, seed: int) -> Function:
    """Return a derivative with this mistake, always in the same place."""

    def derivative(x: np.ndarray) -> np.ndarray:
        right = np.asarray(hand.derivative(x), float)
        wrong = mistake.made(subject_of(hand, x), seed)
        return right if wrong is None else wrong.reshape(right.shape)

    return derivative


def seed_of(task: Task, mistake: Mistake) -> int:
    return zlib.crc32(f"{task.name} {mistake.name}".encode())


def relative_errors(subject: Subject, wrong: np.ndarray) -> np.ndarray:
    """Return the error of each entry, relative to its size or to a thousandth of its row's."""
    inputs = np.where(subject.x == 0.0, 1.0, np.abs(subject.x))
    effects = np.max(np.abs(subject.matrix) * inputs, axis=1, keepdims=True)
    size = np.maximum(np.abs(subject.matrix), SHARE * effects / inputs)
    with np.errstate(all="ignore"):
        errors = np.abs(wrong - subject.matrix) / size
    return np.where(wrong == subject.matrix, 0.0, np.nan_to_num(errors, nan=np.inf))


# --- Tools ---


def by_numdiff(hand: Hand, f: Function, derivative: Function, x: np.ndarray) -> Answer:
    from numdiff import verify

    check = getattr(verify, hand.kind)
    report = check(f, derivative, x)
    return Answer(report.verdict, tuple(report.hints))


def by_check_grad(f: Function, gradient: Function, x: np.ndarray) -> bool:
    from scipy.optimize import check_grad

    return check_grad(f, gradient, x) <= 1e-6


def by_check_derivative(f: Function, gradient: Function, x: np.ndarray) -> bool:
    from scipy.optimize._numdiff import check_derivative

    return check_derivative(f, gradient, x) <= 1e-6


def by_numdifftools(f: Function, gradient: Function, x: np.ndarray) -> bool:
    import numdifftools

    return np.allclose(gradient(x), numdifftools.Gradient(f)(x), 1e-5)


def by_rule_of_gradcheck(f: Function, gradient: Function, x: np.ndarray) -> bool:
    """Emulate torch.autograd.gradcheck: central 1e-6, allclose with rtol 1e-3, atol 1e-5."""
    slopes = [(f(x + move) - f(x - move)) / 2e-6 for move in 1e-6 * np.eye(x.size)]
    return np.allclose(gradient(x), slopes, 1e-3, 1e-5)


def of_vectors(accepts: Callable[[Function, Function, np.ndarray], bool]) -> Check:
    """Ask a tool that takes gradients only, and x as a vector."""

    def check(hand: Hand, f: Function, derivative: Function, x: np.ndarray) -> Answer:
        if hand.kind != "gradient":
            raise TypeError("gradients only")
        accepted = accepts(
            lambda z: f(z.reshape(x.shape)),
            lambda z: np.ravel(derivative(z.reshape(x.shape))),
            x.ravel(),
        )
        return Answer(AGREE if accepted else DISAGREE)

    return check


CHECKS: dict[str, Check] = {
    "numdiff": by_numdiff,
    "check_grad <= 1e-6": of_vectors(by_check_grad),
    "check_derivative <= 1e-6": of_vectors(by_check_derivative),
    "numdifftools, allclose 1e-5": of_vectors(by_numdifftools),
    "rule of gradcheck": of_vectors(by_rule_of_gradcheck),
}
NEEDS = {"numdifftools, allclose 1e-5": "numdifftools"}


# --- Outcomes ---


def mistakes_in(task: Task, chosen: Iterable[Mistake] = MISTAKES) -> Iterator[Mistake | None]:
    """Yield None for the right derivative, and the mistakes that can be made in it."""
    yield None
    subject = subject_of(task.hand, task.x)
    for mistake in chosen:
        if mistake.made(subject, seed_of(task, mistake)) is not None:
            yield mistake


def outcome_of(tool: str, check: Check, task: Task, mistake: Mistake | None) -> Outcome:
    """Let a tool check one derivative; what raises has no answer, which is inconclusive."""
    hand, x = task.hand, task.x
    size = 0.0
    derivative = hand.derivative
    if mistake:
        subject, seed = subject_of(hand, x), seed_of(task, mistake)
        wrong = mistake.made(subject, seed)
        assert wrong is not None
        size = float(relative_errors(subject, wrong).max())
        derivative = wrong_derivative(hand, mistake, seed)
    f = Counted(task.f)
    try:
        answer = check(hand, f, derivative, x)
    except Exception as error:  # noqa: BLE001  (whatever a tool raises, it is no answer)
        answer = Answer(INCONCLUSIVE, (f"{type(error).__name__}: {error}",))
    return Outcome(tool, task, mistake, size, answer, f.calls / directions_of(task))


def directions_of(task: Task) -> int:
    n = task.x.size
    return n * (n + 1) // 2 if task.hand.kind == "hessian" else n


def outcomes_of(tool: str, pairs: Iterable[tuple[Task, Mistake | None]]) -> list[Outcome]:
    """Let a tool check derivatives, right and wrong ones."""
    with quiet(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [outcome_of(tool, CHECKS[tool], task, mistake) for task, mistake in pairs]


# --- Figures ---


class Figure(NamedTuple):
    """A column: what to measure of the outcomes of a tool, and what numdiff must reach."""

    title: str
    measure: Callable[[Sequence[Outcome]], float]
    form: str
    must: Target | None = None


def share(outcomes: Sequence[Outcome], said: Callable[[Outcome], bool]) -> float:
    return sum(map(said, outcomes)) / len(outcomes) if outcomes else math.nan


def disagrees(outcome: Outcome) -> bool:
    return outcome.answer.verdict == DISAGREE


def is_dangerous(outcome: Outcome) -> bool:
    """Whether a wrong derivative is called right."""
    return outcome.answer.verdict == AGREE and outcome.size > RTOL


def is_hinted(outcome: Outcome) -> bool:
    """Whether the hints name the mistake."""
    return outcome.mistake is not None and _has(outcome, outcome.mistake.words)


def is_misled(outcome: Outcome) -> bool:
    """Whether there are hints, and none of them is true; a Hessian may well lose its symmetry."""
    also = outcome.mistake.also if outcome.mistake else ()
    return (
        bool(outcome.answer.hints) and not is_hinted(outcome) and not _has(outcome, (*also, "symm"))
    )


def _has(outcome: Outcome, words: Iterable[str]) -> bool:
    hints = " ".join(outcome.answer.hints).lower()
    return any(word in hints for word in words)


def of_group(*groups: str) -> Callable[[Sequence[Outcome]], list[Outcome]]:
    return lambda outcomes: [o for o in outcomes if o.group in groups]


def found_in(group: str) -> Callable[[Sequence[Outcome]], float]:
    """Return the share of a group that is found in derivatives whose right form is not blamed."""

    def measure(outcomes: Sequence[Outcome]) -> float:
        blamed = {o.task.name for o in of_group("right")(outcomes) if disagrees(o)}
        return share(
            of_group(group)(outcomes), lambda o: disagrees(o) and o.task.name not in blamed
        )

    return measure


def false_alarms(outcomes: Sequence[Outcome]) -> float:
    return sum(map(disagrees, of_group("right")(outcomes)))


def undecided(outcomes: Sequence[Outcome]) -> float:
    return share(of_group("right")(outcomes), lambda o: o.answer.verdict == INCONCLUSIVE)


def dangers(outcomes: Sequence[Outcome]) -> float:
    return sum(map(is_dangerous, outcomes))


def hinted(outcomes: Sequence[Outcome]) -> float:
    """Return how often a hint is right, where one is possible and the tool gives any at all."""
    named = [o for o in outcomes if o.mistake and o.mistake.words and disagrees(o)]
    return share(named, is_hinted) if any(o.answer.hints for o in named) else math.nan


def misled(outcomes: Sequence[Outcome]) -> float:
    """Return how often a hint, where one was given, tells of another mistake."""
    return share([o for o in outcomes if o.mistake and o.answer.hints], is_misled)


def evaluations(outcomes: Sequence[Outcome]) -> float:
    right = of_group("right")(outcomes)
    return float(np.median([o.calls for o in right])) if right else math.nan


FIGURES = (
    Figure("right", lambda outcomes: len(of_group("right")(outcomes)), ".0f"),
    Figure("blamed", false_alarms, ".0f", Target(high=0)),
    Figure("undecided", undecided, ".1%", Target(high=0.02)),
    Figure("wrong", lambda outcomes: sum(o.mistake is not None for o in outcomes), ".0f"),
    Figure("gross", found_in("gross"), ".1%", Target(low=1.0)),
    Figure("structure", found_in("structure"), ".1%", Target(low=1.0)),
    Figure("1e-3", found_in("1e-3"), ".1%", Target(low=0.995)),
    Figure("1e-6", found_in("1e-6"), ".1%", Target(low=0.97)),
    Figure("1e-9", found_in("1e-9"), ".1%", Target(low=0.85)),
    Figure("tiny", found_in("tiny"), ".1%"),
    Figure("dangers", dangers, ".0f", Target(high=0)),
    Figure("named", hinted, ".1%", Target(low=0.9)),
    Figure("misled", misled, ".1%", Target(high=0.02)),
    Figure("evals", evaluations, ".1f", Target(high=15)),
)


# --- The command ---


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--half", choices=("tune", "confirm", "all"), default="confirm")
    parser.add_argument(
        "--kind", nargs="+", choices=("gradient", "jacobian", "hessian"), default=["gradient"]
    )
    parser.add_argument("--tag", nargs="+", default=["smooth"], help="which functions")
    parser.add_argument("--tool", nargs="+", choices=CHECKS, default=list(CHECKS))
    parser.add_argument("--limit", type=int, metavar="N", help="at most N points")
    parser.add_argument("--list", action="store_true", help="what numdiff does not get right")
    parser.add_argument("--by-kind", action="store_true", help="how often each mistake is found")


def run(options: argparse.Namespace) -> int:
    """Check right and wrong derivatives with each tool and print a table."""
    half = None if options.half == "all" else options.half
    chosen = [task for task in tasks(half, *options.tag) if task.hand.kind in options.kind]
    pairs = [(task, m) for task in every_kth(chosen, options.limit) for m in mistakes_in(task)]
    print(f"{len(pairs)} derivatives, half: {options.half}, {', '.join(options.tag)}\n")
    rows, listed = [["", *(figure.title for figure in FIGURES)]], []
    for tool in options.tool:
        if tool in NEEDS and find_spec(NEEDS[tool]) is None:
            print(f"{tool} is left out: {NEEDS[tool]} is not installed\n")
            continue
        found = outcomes_of(tool, pairs)
        figures = [figure.measure(found) for figure in FIGURES]
        rows.append([tool, *_shown(figures)])
        if tool == "numdiff":
            rows.append(["met", *_verdicts(figures)])
            listed = [*_failures(found)] if options.list else []
            listed += [_by_mistake(found)] if options.by_kind else []
    print(table(rows), end="\n\n")
    print("\n".join(listed))
    return 0


def _shown(figures: Sequence[float]) -> list[str]:
    return [shown(value, figure.form) for figure, value in zip(FIGURES, figures, strict=True)]


def _verdicts(figures: Sequence[float]) -> list[str]:
    return [verdict(figure.must, value) for figure, value in zip(FIGURES, figures, strict=True)]


def _failures(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Yield what is wrong: dangers, verdicts that are not the right one, and wrong hints."""
    for outcome in outcomes:
        said = outcome.answer.verdict
        expected = (DISAGREE,) if outcome.mistake else (AGREE,)
        if is_dangerous(outcome):
            yield f"DANGER {outcome.name}: {said}, {outcome.size:.1e}"
        elif said not in expected:
            yield f"{outcome.name}: {said}, {outcome.size:.1e}"
        elif is_misled(outcome):
            yield f"{outcome.name}: {outcome.answer.hints}"


def _by_mistake(outcomes: Sequence[Outcome]) -> str:
    rows = [["", "made", DISAGREE, INCONCLUSIVE, AGREE, "named"]]
    for mistake in MISTAKES:
        of_kind = [o for o in outcomes if o.mistake is mistake]
        said = [
            shown(share(of_kind, lambda o, word=word: o.answer.verdict == word), ".1%")
            for word in (DISAGREE, INCONCLUSIVE, AGREE)
        ]
        rows.append([mistake.name, str(len(of_kind)), *said, shown(hinted(of_kind), ".1%")])
    return table(rows)
