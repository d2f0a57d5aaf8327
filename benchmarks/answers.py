"""Questions to numdiff and its answers to the last bit: ``python -m benchmarks.answers FILE``.

A question is an operator, a function that is made anew, a point and options. What comes back is
kept as bytes, with the calls that were counted inside f.
"""

from __future__ import annotations

import itertools
import math
import pickle
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import numdiff as nd
from benchmarks.verify import seed_of, wrong_derivative
from tests import corpus
from tests.corpus import bends, multivariate, noisy, nonsmooth
from tests.corpus.derivatives import tasks as hand_written
from tests.corpus.mistakes import MISTAKES
from tests.measuring.cases import Counted, every_kth
from tests.measuring.operators import FIELDS
from tests.measuring.operators import OF_ARRAYS as OPERATORS

ENTRIES = ("analytic", "numerical", "error", "difference", "bars")
ORDERS = tuple(range(1, 11))
RULES = ("gill-murray", "more-wild", "shi", "curtis-reid", "dumontet-vignes")
INF = math.inf


class Question(NamedTuple):
    """One call: `make` gives a fresh f and x, `ask` takes both."""

    name: str
    make: Callable[[], tuple[Callable[..., Any], Any]]
    ask: Callable[[Callable[..., Any], Any], Any]


# --- Options, by what they concern ---

SCALAR_OPTIONS: dict[str, Callable[[float], dict[str, Any]]] = {
    "richardson": lambda _: {"method": "richardson"},
    "central": lambda _: {"method": "central"},
    "forward": lambda _: {"method": "forward"},
    "backward": lambda _: {"method": "backward"},
    "complex": lambda _: {"method": "complex"},
    "central 1e-4": lambda x: {"method": "central", "step": 1e-4 * max(abs(x), 1.0)},
    "forward textbook": lambda _: {"method": "forward", "step": "textbook"},
    "stencil": lambda _: {"method": nd.Stencil([-2, -1, 0, 1, 3]), "step": 2.0**-12},
    "stencil auto": lambda _: {"method": nd.Stencil([-2, -1, 0, 1, 2])},
    "auto 0.01": lambda x: {"step": 0.01 * max(abs(x), 1.0)},
    "above": lambda x: {"bounds": (x, INF)},
    "below": lambda x: {"bounds": (-INF, x)},
    "box": lambda x: {"bounds": (x - 0.01 * (abs(x) or 1.0), x + 0.02 * (abs(x) or 1.0))},
    "narrow": lambda x: {"bounds": (x - 1e-7 * (abs(x) or 1.0), x + 0.5 * (abs(x) or 1.0))},
    "single box": lambda x: {"bounds": (x, x + 1.0), "method": "central", "step": 1e-3},
    "noise": lambda _: {"noise": 1e-8},
    "rtol": lambda _: {"rtol": 1e-3},
    "max_nfev 8": lambda _: {"max_nfev": 8},
    "max_nfev 40": lambda _: {"max_nfev": 40},
    **{f"{rule} forward": lambda _, r=rule: {"method": "forward", "step": r} for rule in RULES},
    **{f"{rule} central": lambda _, r=rule: {"method": "central", "step": r} for rule in RULES},
}
ARRAY_OPTIONS: dict[str, Callable[[np.ndarray], dict[str, Any]]] = {
    "plain": lambda _: {},
    "richardson": lambda _: {"method": "richardson"},
    "central": lambda _: {"method": "central"},
    "forward 1e-6": lambda _: {"method": "forward", "step": 1e-6},
    "central textbook": lambda _: {"method": "central", "step": "textbook"},
    "steps": lambda x: {"method": "central", "step": 1e-4 * np.maximum(np.abs(x), 1.0)},
    "complex": lambda _: {"method": "complex"},
    "box": lambda x: {"bounds": (x - 0.1, x + 0.2)},
    "above": lambda x: {"bounds": (x, np.full(x.shape, INF))},
    "noise": lambda _: {"noise": 1e-7},
    "rtol": lambda _: {"rtol": 1e-4},
    "budget": lambda x: {"max_nfev": 12 * x.size},
}


# --- Black boxes ---


def scalar_questions() -> Iterator[Question]:
    first = list(corpus.cases(1))
    for case in first:
        yield _scalar(f"derivative {case.problem}@{case.x!r}", case, {})
    for order in ORDERS[1:]:
        for case in every_kth(first, 300 if order <= 4 else 100):
            yield _scalar(f"derivative {order} {case.problem}@{case.x!r}", case, {"order": order})
    for (title, options), case in itertools.product(SCALAR_OPTIONS.items(), every_kth(first, 120)):
        name = f"derivative {title} {case.problem}@{case.x!r}"
        yield _scalar(name, case, options(case.x))
    for order, title in itertools.product((2, 3), ("above", "central", "box", "rtol", "noise")):
        for case in every_kth(first, 60):
            options = {"order": order, **SCALAR_OPTIONS[title](case.x)}
            yield _scalar(f"derivative {order} {title} {case.problem}@{case.x!r}", case, options)


def _scalar(name: str, case: Any, options: dict[str, Any]) -> Question:
    return Question(name, lambda: (case.f, case.x), lambda f, x: nd.derivative(f, x, **options))


def hard_questions() -> Iterator[Question]:
    cases: list[Any] = [
        *noisy.noisy_cases(), *nonsmooth.NONSMOOTH, *nonsmooth.ONCE_DIFFERENTIABLE,
        *nonsmooth.NEAR_KINK, *bends.BENDS,
    ]  # fmt: skip
    for order in (1, 2):
        for case in cases if order == 1 else every_kth(cases, 300):
            yield _scalar(f"hard {order} {case.name}", case, {"order": order})
    for case in every_kth(cases, 300):
        yield Question(f"noise_level {case.name}", lambda c=case: (c.f, c.x), nd.noise_level)
        yield _scalar(f"hard above {case.name}", case, {"bounds": (case.x, INF)})


def random_questions() -> Iterator[Question]:
    """Functions that differ between calls: the same sequence of calls gives the same values."""
    for base, level in itertools.product(noisy.BASES[:8], (1e-6, 1e-3)):
        x = base.points[0]

        def scalar(base: noisy.Base = base, level: float = level, x: float = x) -> Any:
            random = np.random.default_rng(7)
            return (lambda t: base.f(t) + level * random.standard_normal()), x

        def array(base: noisy.Base = base, level: float = level, x: float = x) -> Any:
            random = np.random.default_rng(8)
            f = lambda p: base.f(p[0]) * (2.0 + p[1] ** 2) + level * random.standard_normal()
            return f, np.array([x, 0.5])

        for title, options in {
            "": {}, "order 2": {"order": 2}, "rtol": {"rtol": 1e-2}, "above": {"bounds": (x, INF)},
            "budget": {"max_nfev": 60},
        }.items():  # fmt: skip
            name = f"random {title} {base.name} {level:g}"
            yield Question(name, scalar, lambda f, x, o=options: nd.derivative(f, x, **o))
        yield Question(f"noise_level random {base.name} {level:g}", scalar, nd.noise_level)
        for operator, ask in OPERATORS.items():
            yield Question(f"random {operator} {base.name} {level:g}", array, ask)


def array_questions() -> Iterator[Question]:
    scalar = [p for p in multivariate.GRADIENT if p.x.size <= 12]
    vector = [p for p in multivariate.JACOBIAN if p.x.size <= 12]
    for operator, ask in OPERATORS.items():
        problems = vector if operator == "jacobian" else scalar
        for (title, options), problem in itertools.product(
            ARRAY_OPTIONS.items(), every_kth(problems, 40)
        ):
            given = options(problem.x)
            yield Question(
                f"{operator} {title} {problem.name}", lambda p=problem: (p.f, p.x),
                lambda f, x, a=ask, o=given: a(f, x, **o),
            )  # fmt: skip
    for problem in scalar:
        for operator in ("gradient", "hessian"):
            ask = OPERATORS[operator]
            yield Question(f"{operator} all {problem.name}", lambda p=problem: (p.f, p.x), ask)
    for problem in every_kth(vector, 30):
        for operator in ("hessian_diagonal", "hessian", "jvp"):
            ask = OPERATORS[operator]
            yield Question(f"{operator} vector {problem.name}", lambda p=problem: (p.f, p.x), ask)


def shaped_questions() -> Iterator[Question]:
    """Other shapes, kinds of values, kinks in some directions, edges, many inputs."""
    grid = np.linspace(0.3, 2.0, 6).reshape(2, 3)
    wide = np.linspace(-1.0, 2.0, 40)
    functions: dict[str, tuple[Callable[..., Any], Any]] = {
        "matrix": (lambda x: np.sum(np.sin(x) * x[0, 1]), grid),
        "matrix to matrix": (lambda x: x @ x.T, grid),
        "complex": (lambda x: np.exp(1j * x[0]) * x[1], np.array([0.4, 1.1])),
        "kink in one": (lambda x: np.abs(x[0]) + np.sin(x[1]) * x[2], np.array([0.0, 1.0, 2.0])),
        "jump in one": (lambda x: (x[0] > 0) + np.sin(x[1]) * x[2], np.array([0.0, 1.0, 2.0])),
        "edge": (lambda x: math.sqrt(x[0] - 1.0) + x[1] ** 2, np.array([1.0, 2.0])),
        "edge near": (lambda x: math.log(x[0] - 1.0) * x[1], np.array([1.001, 2.0])),
        "nan beside": (lambda x: x[0] if x[0] == 1.0 else np.nan, np.array([1.0, 2.0])),
        "float32": (lambda x: np.float32(np.sin(np.float32(x[0])) * x[1]), np.array([1.0, 2.0])),
        "rounded": (lambda x: round(float(np.sin(x[0]) * x[1]), 6), np.array([1.0, 2.0])),
        "outputs": (
            lambda x: np.array([abs(x[0]), np.sin(x[1]), round(x[0] + x[1], 5), x[1] ** 3]),
            np.array([0.0, 1.3]),
        ),
        "zero": (lambda x: 0.0 * x[0], np.array([1.0, 2.0])),
        "wide": (lambda x: np.sum(np.cos(x) * np.roll(x, 1)), wide),
        "wide kink": (lambda x: np.sum(np.abs(x - wide[7]) * np.roll(x, 1)), wide),
        "scales": (
            lambda x: np.sum(np.sin(x / np.array([1e-6, 1.0, 1e6]))),
            np.array([2e-6, 0.7, 3e6]),
        ),
        "near max": (lambda x: np.maximum(x[0], x[1] ** 2) * x[0], np.array([1.0 + 1e-6, 1.0])),
    }
    for (name, (f, x)), (operator, ask) in itertools.product(functions.items(), OPERATORS.items()):
        for title, options in ARRAY_OPTIONS.items():
            given = options(x)
            yield Question(
                f"shaped {operator} {title} {name}", lambda f=f, x=x: (f, x),
                lambda f, x, a=ask, o=given: a(f, x, **o),
            )  # fmt: skip
    points = np.linspace(0.1, 2.0, 5)
    vectorized = {"vectorized": True}
    yield Question("points", lambda: (math.sin, points), nd.derivative)
    yield Question(
        "budget of points", lambda: (math.sin, points), _with(nd.derivative, max_nfev=30)
    )
    yield Question("many at once", lambda: (np.sin, points), _with(nd.derivative, **vectorized))
    total = lambda x: np.sum(np.sin(x) * x[0], axis=0)
    for operator, ask in OPERATORS.items():
        yield Question(
            f"vectorized {operator}", lambda: (total, wide[:5]), _with(ask, **vectorized)
        )
    slope = lambda x: np.cos(x) * np.roll(x, 1)
    yield Question("hessian of slope", lambda: (np.sum, wide[:5]), _with(nd.hessian, grad=slope))


def _with(ask: Callable[..., Any], **options: Any) -> Callable[..., Any]:
    return lambda f, x: ask(f, x, **options)


# --- Compiled functions ---


def compiled_questions() -> Iterator[Question]:
    """The same operators for functions that Numba has compiled, and the derivatives it compiles."""
    from numba import njit

    formulas = [p for p in corpus.PROBLEMS if p.tags & {"math", "numpy"}][::6]
    for problem in formulas:
        f = _compiled_formula(problem.f.func)
        for order, x in itertools.product((1, 2, 4), problem.points if f else ()):
            ask = _with(nd.derivative, order=order)
            yield Question(f"njit {order} {problem.name}@{x!r}", lambda f=f, x=x: (f, x), ask)
        for title in ("above", "central", "noise", "rtol", "max_nfev 40"):
            for x in problem.points[:1] if f else ():
                ask = _with(nd.derivative, **SCALAR_OPTIONS[title](x))
                yield Question(f"njit {title} {problem.name}", lambda f=f, x=x: (f, x), ask)
    for name, (source, x) in COMPILED.items():
        f = njit(source)
        for (operator, ask), title in itertools.product(OPERATORS.items(), ARRAY_OPTIONS):
            given = ARRAY_OPTIONS[title](x)
            yield Question(
                f"njit {operator} {title} {name}", lambda f=f, x=x: (f, x),
                lambda f, x, a=ask, o=given: a(f, x, **o),
            )  # fmt: skip
    for operator, name in NATIVE:
        source, x = COMPILED[name]
        f = njit(source)
        for title, options in NATIVE_OPTIONS.items():
            make = lambda f=f, o=operator, p=options: getattr(nd.native, o)(f, **p)
            yield Question(
                f"native {operator} {title} {name}", lambda f=f, x=x: (f, x),
                lambda _, x, m=make: m()(x),
            )  # fmt: skip


def _compiled_formula(formula: Callable[..., Any]) -> Any:
    from numba import njit, types
    from numba.core.errors import NumbaError

    inner = njit(formula)
    f = njit(lambda x: inner(math, x))
    try:
        f.compile((types.float64,))
    except NumbaError:  # a table, or outputs of two kinds
        return None
    return f


def _rosenbrock(x):
    total = 0.0
    for i in range(x.size - 1):
        total += 100.0 * (x[i + 1] - x[i] ** 2) ** 2 + (1.0 - x[i]) ** 2
    return total


def _below(x):
    if x[0] < 0.5:
        raise ValueError("below")
    return x[0] * x[1]


COMPILED: dict[str, tuple[Callable[..., Any], np.ndarray]] = {
    "rosenbrock": (_rosenbrock, np.array([1.3, 0.7, 0.8, 1.9])),
    "wide rosenbrock": (_rosenbrock, np.linspace(-1.2, 1.5, 20)),
    "kink": (lambda x: abs(x[0] - 0.5) + x[1] * x[0], np.array([0.5, 1.1])),
    "jump": (lambda x: (1.0 if x[0] > 0.5 else 0.0) + x[1], np.array([0.5, 1.1])),
    "edge": (lambda x: math.sqrt(x[0] - 0.5) * x[1], np.array([0.5, 1.1])),
    "raises": (_below, np.array([0.5, 1.1])),
    "noisy": (lambda x: np.float32(x[0] * x[1]) * 1.0, np.array([0.4, 1.1])),
    "array": (lambda x: np.array([x[0] * x[1], math.sin(x[1]), x[0]]), np.array([0.4, 1.1])),
    "array kink": (lambda x: np.array([x[0] * x[1], abs(x[1] - 1.1)]), np.array([0.4, 1.1])),
    "squares": (lambda x: x * x, np.linspace(0.1, 2.0, 12)),
}
NATIVE = (
    ("gradient", "rosenbrock"), ("gradient", "kink"), ("gradient", "edge"), ("gradient", "raises"),
    ("hessian", "rosenbrock"), ("hessian", "kink"), ("hessian", "edge"), ("jacobian", "array"),
    ("jacobian", "array kink"), ("jacobian", "squares"),
)  # fmt: skip
NATIVE_OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "central": {"method": "central", "step": 1e-4},
    "forward": {"method": "forward"},
}


# --- Checks of hand-written derivatives ---


def verify_questions() -> Iterator[Question]:
    """Right derivatives, and a few of the mistakes, others for each function."""
    for number, task in enumerate(hand_written()):
        hand = task.hand
        chosen = itertools.islice(itertools.cycle(MISTAKES), number % 11, number % 11 + 5)
        slopes = {"right": hand.derivative}
        for one in chosen:
            slopes[one.name] = wrong_derivative(hand, one, seed_of(task, one))
        for title, slope in slopes.items():
            ask = lambda f, x, h=hand, s=slope: getattr(nd.verify, h.kind)(f, s, x)
            yield Question(f"verify {title} {task.name}", lambda t=task: (t.f, t.x), ask)


GROUPS: dict[str, Callable[[], Iterable[Question]]] = {
    "scalar": scalar_questions,
    "hard": hard_questions,
    "random": random_questions,
    "array": array_questions,
    "shaped": shaped_questions,
    "compiled": compiled_questions,
    "verify": verify_questions,
}


# --- Answers ---


def answer(question: Question) -> dict[str, Any]:
    """Ask a question; what is raised is an answer too."""
    f, x = question.make()
    counted = f if hasattr(f, "py_func") else Counted(f)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            parts = _parts(question.ask(counted, x))
    except Exception as error:  # noqa: BLE001 - it is compared
        parts = {"raises": (type(error).__name__, str(error), getattr(error, "__notes__", []))}
    return {**parts, "calls": getattr(counted, "calls", None)}


def _parts(found: Any) -> dict[str, Any]:
    if isinstance(found, tuple):
        return {name: _bits(part) for name, part in zip(("value", "error"), found, strict=True)}
    if hasattr(found, "verdict"):
        entries = {name: _bits(found.entries[name]) for name in ENTRIES}
        texts = (found.verdict, found.hints, getattr(found, "notes", ()))
        return {**entries, "texts": texts, "nfev": found.nfev}
    if hasattr(found, "kind"):
        kinds = np.ravel(found.kind).tolist()
        return {"value": _bits(found.level), "texts": (kinds, found.message), "nfev": found.nfev}
    arrays = {name: _bits(getattr(found, name)) for name in FIELDS}
    return {**arrays, "nfev": found.nfev, "texts": found.messages}


def _bits(numbers: Any) -> tuple[tuple[int, ...], str, bytes]:
    """Shape, kind and bytes; all nan are alike."""
    array = np.array(numbers)
    if array.dtype.kind in "fc":
        array[np.isnan(array)] = np.nan
    return array.shape, array.dtype.str, np.ascontiguousarray(array).tobytes()


def main(file: str, groups: Iterable[str]) -> None:
    """Answer all questions of some groups."""
    with Path(file).open("wb") as stream:
        for group in groups:
            for question in GROUPS[group]():
                pickle.dump((group, question.name, answer(question)), stream)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
