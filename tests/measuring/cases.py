"""Tasks from the corpus, and what comes out when a tool is asked for one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests import corpus
from tests.corpus import multivariate, third_party
from tests.measuring.metrics import Outcome

Function = Callable[[Any], Any]


@dataclass(frozen=True, eq=False)
class Task:
    """One derivative to compute; see `Outcome` for ``directions``."""

    case: str
    category: str
    at: str
    f: Callable[[Any], Any]
    x: Any
    exact: np.ndarray
    directions: int


@dataclass(frozen=True)
class Answer:
    """``error`` None: the tool reports none; ``flagged``: the tool itself says do not trust it."""

    value: Any
    error: Any = None
    flagged: Any = False
    note: str = ""


class Counted:
    """A function that counts its calls; of one variable if ``scalar``: given a NumPy number."""

    def __init__(self, f: Function, *, scalar: bool = False) -> None:
        self.f = f
        self.scalar = scalar
        self.calls = 0

    def __call__(self, x: Any) -> Any:
        self.calls += 1
        return self.f(_number(x) if self.scalar else x)


def _number(x: Any) -> Any:
    """A NumPy float64, or a complex128 where a tool takes a complex step."""
    number = np.asarray(x).item()
    return np.complex128(number) if isinstance(number, complex) else np.float64(number)


Call = Callable[[Counted, Any], Answer]


def scalar_tasks(order: int, half: str | None) -> Iterator[Task]:
    for case in corpus.cases(order, half=half):
        exact = np.array(case.exact)
        yield Task(case.problem, case.category, repr(case.x), case.f, case.x, exact, 1)


def gradient_tasks(half: str | None) -> Iterator[Task]:
    for case in multivariate.gradient_cases(half):
        yield _array_task(case, case.x.size)


def hessian_tasks(half: str | None) -> Iterator[Task]:
    for case in multivariate.hessian_cases(half):
        yield _array_task(case, case.x.size * (case.x.size + 1) // 2)


def third_party_tasks(kind: str, _half: str | None = None) -> Iterator[Task]:
    """Derivatives that others wrote, by source, but for those that are known to be wrong."""
    for source in third_party.SOURCES:
        for problem in third_party.problems(source):
            exact = getattr(problem, kind)
            if exact is None or (problem.name, kind) in third_party.WRONG:
                continue
            n = problem.x.size
            directions = n if kind == "gradient" else n * (n + 1) // 2
            truth = np.asarray(exact(problem.x.copy()), float)
            yield Task(problem.name, source, f"n = {n}", problem.f, problem.x, truth, directions)


def _array_task(case: multivariate.Case, directions: int) -> Task:
    n = case.x.size
    return Task(case.name, _size_class(n), f"n = {n}", case.f, case.x, case.exact, directions)


def _size_class(n: int) -> str:
    return next((f"n <= {limit}" for limit in (2, 4, 8) if n <= limit), "n > 8")


def every_kth(tasks: Sequence[Task], limit: int | None) -> list[Task]:
    """Return at most ``limit`` tasks, evenly spread: the same ones every time."""
    if limit is None or len(tasks) <= limit:
        return list(tasks)
    return [tasks[i * len(tasks) // limit] for i in range(limit)]


def outcome_of(tool: str, call: Call, task: Task) -> Outcome:
    """Ask a tool for one derivative."""
    f = Counted(task.f, scalar=np.ndim(task.x) == 0)
    answer = _ask(call, f, task.x)
    error = np.nan if answer.error is None else answer.error
    return Outcome(
        tool=tool,
        case=task.case,
        category=task.category,
        at=task.at,
        exact=task.exact.ravel(),
        value=_flat(answer.value, float, task.exact.size),
        error=_flat(error, float, task.exact.size),
        flagged=_flat(answer.flagged, bool, task.exact.size),
        calls=f.calls,
        directions=task.directions,
        note=answer.note,
    )


def _ask(call: Call, f: Counted, x: Any) -> Answer:
    try:
        return call(f, x)
    except Exception as error:  # noqa: BLE001  (whatever a tool raises, it is no answer)
        return Answer(np.nan, note=f"{type(error).__name__}: {error}")


def _flat(entries: Any, dtype: type, size: int) -> np.ndarray:
    return np.broadcast_to(np.ravel(np.asarray(entries, dtype)), size)


def outcomes_of(tool: str, call: Call, tasks: Iterable[Task]) -> list[Outcome]:
    return [outcome_of(tool, call, task) for task in tasks]
