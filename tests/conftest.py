"""What numdiff says about every case of the corpus, asked once in a session.

An operator here is a way to ask: "derivative" is the first derivative with defaults, "derivative 4"
the fourth, "derivative above" the first with ``bounds=(x, inf)``.  The orders above the first, and
"derivative below", take a third of the cases, always the same.
"""

from __future__ import annotations

import math
import os
import sys
import warnings
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any

import mpmath
import numpy as np
import pytest

import numdiff as nd
from tests import corpus
from tests.corpus import multivariate
from tests.known import Key
from tests.measuring.cases import (
    Answer,
    Counted,
    Task,
    gradient_tasks,
    hessian_tasks,
    outcome_of,
    scalar_tasks,
)
from tests.measuring.metrics import Outcome, Target

INTERPRETED = os.environ.get("NUMBA_DISABLE_JIT", "0") != "0"
needs_the_compiler = partial(pytest.mark.skipif, INTERPRETED)


# A file stays in one process. One compiles all kernels first, another does what needs none of them,
# and all the others find them on the disk.
FIRST = (
    "test_native", "test_workers", "test_typing", "test_plot", "test_journal", "test_cli",
    "test_documents", "test_results", "test_architecture", "test_verify_rates", "test_families",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the longest files come first, so that all processes end at about the same time."""
    rank = {name: k for k, name in enumerate(FIRST)}
    items.sort(key=lambda item: rank.get(item.path.stem, len(FIRST)))


Ask = Callable[[Counted, Any], nd.Estimate]
Outcomes = dict[Key, Outcome]

SAMPLE = 3
ORDERS = (2, 3, 4, 6)
ABOVE, BELOW = "derivative above", "derivative below"
COMPLEX, COMPLEX_GRADIENT = "complex step", "complex gradient"
ANALYTIC, NOT_ANALYTIC = "analytic", "not analytic"


# --- Tasks ---


def first() -> list[Task]:
    return list(scalar_tasks(1, None))


def in_sample(task: Task) -> bool:
    return zlib.crc32(f"{task.case}@{task.at}".encode()) % SAMPLE == 0


def of_order(order: int) -> list[Task]:
    return [task for task in scalar_tasks(order, None) if in_sample(task)]


def for_complex_step() -> list[Task]:
    """Formulas of numpy, which take complex numbers, and a sample of others, which may not."""
    of_numpy = {problem.name for problem in corpus.PROBLEMS if "numpy" in problem.tags}
    chosen = [task for task in first() if task.case in of_numpy or in_sample(task)]
    return [
        replace(task, category=ANALYTIC if is_analytic(task) else NOT_ANALYTIC) for task in chosen
    ]


def is_analytic(task: Task) -> bool:
    """Whether Cauchy's formula, on a small circle around x, gives the derivative of f at x.

    It does not for an f that casts to real, takes absolute values or raises.
    """
    radius, circle = 1e-6 * (abs(task.x) or 1.0), np.exp(2j * np.pi * (np.arange(24) + 0.5) / 24)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("error", np.exceptions.ComplexWarning)
        try:
            values = np.array([task.f(np.complex128(task.x + radius * z)) for z in circle])
        except (TypeError, ValueError, ArithmeticError, np.exceptions.ComplexWarning):
            return False
        slope = np.mean(values / circle) / radius
        change, size = (np.abs(v).max() / radius for v in (values - values.mean(), values))
        return bool(np.abs(slope - task.exact) <= 1e-3 * change + 1e-14 * size)


def jacobians() -> list[Task]:
    return [
        Task(case.name, "jacobian", "", case.f, case.x, case.exact, case.x.size)
        for case in multivariate.jacobian_cases()
    ]


def general_directions() -> list[Task]:
    return [
        Task(p.name, p.tags[0], "", p.f, p.x, exact_along(p, direction_at(p.x)), 1)
        for p in multivariate.GRADIENT + multivariate.JACOBIAN
    ]


def direction_at(x: np.ndarray) -> np.ndarray:
    """A direction without zeros and of any length, the same for the same x."""
    random = np.random.default_rng(zlib.crc32(x.tobytes()))
    return random.standard_normal(x.shape) * 10.0 ** random.uniform(-3, 3)


def exact_along(problem: multivariate.Multi, v: np.ndarray) -> np.ndarray:
    """The derivative of a reference along v, by a central difference of error 1e-50 or so."""
    with mpmath.workdps(80):
        t = mpmath.mpf(10) ** -30
        x, step = ([mpmath.mpf(entry) for entry in a.ravel().tolist()] for a in (problem.x, v))
        after, before = (
            np.array(
                problem.reference(mpmath.mp, [a + s * b for a, b in zip(x, step, strict=True)]),
                dtype=object,
            )
            for s in (t, -t)
        )
        slope = np.asarray((after - before) / (2 * t)).astype(float)
    return np.where(np.abs(slope) < 1e-40, 0.0, slope)


# --- Operators ---


def _complex(f: Counted, x: Any, operator: Callable[..., nd.Estimate]) -> nd.Estimate:
    """Ask without the counter, which knows real numbers only; f may well drop imaginary parts."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", np.exceptions.ComplexWarning)
        return operator(f.f, x, method="complex")


OPERATORS: dict[str, tuple[Callable[[], list[Task]], Ask]] = {
    "derivative": (first, nd.derivative),
    **{
        f"derivative {order}": (partial(of_order, order), partial(nd.derivative, order=order))
        for order in ORDERS
    },
    ABOVE: (first, lambda f, x: nd.derivative(f, x, bounds=(x, math.inf))),
    BELOW: (partial(of_order, 1), lambda f, x: nd.derivative(f, x, bounds=(-math.inf, x))),
    COMPLEX: (for_complex_step, partial(_complex, operator=nd.derivative)),
    "gradient": (lambda: list(gradient_tasks(None)), nd.gradient),
    COMPLEX_GRADIENT: (lambda: list(gradient_tasks(None)), partial(_complex, operator=nd.gradient)),
    "jacobian": (jacobians, nd.jacobian),
    "hessian": (lambda: list(hessian_tasks(None)), nd.hessian),
    "jvp": (general_directions, lambda f, x: nd.jvp(f, x, direction_at(x))),
}


@cache
def tasks_of(operator: str) -> Sequence[Task]:
    return OPERATORS[operator][0]()


def key_of(operator: str, case: Task | Outcome) -> Key:
    """Name a case: the name of a function of arrays ends in the name of its point."""
    name, _, point = case.case.partition("@")
    return operator, name, point or float(case.at)


def _answer(ask: Ask, f: Counted, x: Any) -> Answer:
    estimate = ask(f, x)
    note = ", ".join(nd.Status(code).name for code in np.unique(estimate.status))
    return Answer(estimate.value, estimate.error, ~np.asarray(estimate.success), note)


@cache
def _outcomes_of(operator: str) -> Outcomes:
    call = partial(_answer, OPERATORS[operator][1])
    return {
        key_of(operator, task): outcome_of("numdiff", call, task) for task in tasks_of(operator)
    }


@pytest.fixture(scope="session")
def outcomes() -> Callable[[str], Outcomes]:
    """All outcomes of an operator, which is asked once, when a test first wants them."""
    return _outcomes_of


# --- Figures ---


@dataclass(frozen=True)
class Figure:
    """A figure of all outcomes of an operator, or of one category of them, and its target."""

    operator: str
    measure: Callable[[Sequence[Outcome]], float]
    target: Target
    category: str = ""

    def of(self, outcomes: Outcomes) -> float:
        chosen = [o for o in outcomes.values() if self.category in ("", o.category)]
        return self.measure(chosen)


def figures(
    title: str, measure: Callable[[Sequence[Outcome]], float], targets: dict[str, Target]
) -> dict[str, Figure]:
    """Name figures "operator: title" or "operator, category: title", as ``targets`` are."""
    table = {}
    for name, target in targets.items():
        operator, _, category = name.partition(", ")
        table[f"{name}: {title}"] = Figure(operator, measure, target, category)
    return table


# --- Blocks ---


@pytest.fixture
def in_blocks(monkeypatch) -> Callable[..., Any]:
    """Call something while blocks hold so many bytes, or other units; None: as many as usual."""

    def call(size: int | None, ask: Callable[[], Any], limit: str = "BLOCK_BYTES") -> Any:
        if size is None:
            return ask()
        with monkeypatch.context() as patch:
            for name, module in list(sys.modules.items()):
                if name.startswith("numdiff.") and hasattr(module, limit):
                    patch.setattr(module, limit, size)
            return ask()

    return call
