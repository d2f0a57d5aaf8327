"""Pairs of directions in lanes: what they say is what the ladder says, to the last bit."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import numdiff as nd
from numdiff.arrays import Floats
from numdiff.drivers import compiled_mixed
from numdiff.engine import mixed
from numdiff.evaluation.dispatchers import Compiled

FIELDS = "value", "error", "status", "step", "noise", "notes"


def rosenbrock(x: Floats) -> float:
    return float((100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum())


def raising(x: Floats) -> float:
    if x[0] + x[-1] > 1.0:
        raise ValueError(f"beyond 1: {x}")
    return float(x[0] ** 2 * x[-1] + math.exp(x[0]))


def mutating(x: Floats) -> float:
    x *= 2.0
    return float(x[0] * x[-1] + x.sum() ** 2)


FUNCTIONS: dict[str, Callable[[Floats], Any]] = {
    "rosenbrock": rosenbrock,
    "raising": raising,
    "mutating": mutating,
    "product": lambda x: float(x.prod()),
    "exponential": lambda x: float(np.exp(x.sum())),
    "fast": lambda x: math.sin(50 * x.sum()) + math.cos(300 * x[0] * x[-1]),
    "shifted": lambda x: 1e8 + math.sin((x * np.roll(x, 1)).sum()),
    "kink": lambda x: float(abs(x - 0.5 * x[0]).sum()),
    "squared hinge": lambda x: max(x.sum() - 0.001, 0.0) ** 2 + x[0],
    "cubic hinge": lambda x: max(x.sum() - 0.001, 0.0) ** 3 + x[0] * x[-1],
    "noisy": lambda x: float((x * np.cos(x)).sum() + 1e-9 * math.sin(1e8 * x.sum())),
    "rounded": lambda x: math.floor(1e6 * x[0] * x[-1]) / 1e6,
    "domain": lambda x: float(np.log(x).sum() ** 2),
    "edge": lambda x: float(np.sqrt(x.sum())),
    "large": lambda x: 1e200 * float((x**2).sum()) ** 2,
    "small": lambda x: 1e-200 * float((x**2).sum()) ** 2,
    "constant": lambda _: 3.0,
    "infinite": lambda x: math.inf if x[0] > 1.0 else float(x.prod()),
    "joint noise": lambda x: float(x.sum() + x[0] * x[-1] + 1e-9 * math.sin(1e8 * x[0] * x[-1])),
    "joint hinge": lambda x: float(x[0] * x[-1] + max(x[0] * x[-1] - 1e-4, 0.0)),
    "joint cubic": lambda x: math.exp(x[0]) * x[-1] + abs(x[0] * x[-1] - 1e-5) ** 3,
    "two outputs": lambda x: np.array([x[0] * x[-1], math.sin(x.sum())]),
}
POINTS = [
    np.array([0.3, 0.9, 0.7]),
    np.array([1.0, 0.0, 0.0]),
    np.array([1e-6, 2e3, -0.5]),
    np.array([2e-9, 3e-9]),
    np.array([0.0, 0.0]),
    np.array([1.5, 0.3, -0.8]),
    np.array([0.0005, 0.0004, -0.0001, 0.0003]),
]


def lead_natively(monkeypatch: pytest.MonkeyPatch, f: Callable[[Floats], Any]) -> None:
    """Let the kernel that leads pairs of a compiled f lead those of a Python function."""

    def address(_: int, x: Floats, out: Floats) -> None:
        out[:] = math.nan
        out[:] = f(x.copy())

    code = Compiled(0, address, None)  # type: ignore[arg-type]
    monkeypatch.setattr(mixed, "_code_for", lambda *_: code)
    monkeypatch.setattr(mixed, "compiled", lambda kernel: kernel)


RANDOM = np.random.default_rng(20261201).uniform(-0.5, 0.5, (4, 2))


def compare(f: Callable[[Floats], Any], x: Floats, **options: Any) -> None:
    """Ask for a Hessian with and without the kernel, whose fields are to be the same."""
    expected = nd.hessian(f, x, **options)
    with pytest.MonkeyPatch.context() as patch:
        lead_natively(patch, f)
        found = nd.hessian(f, x, **options)
    for field in FIELDS:
        np.testing.assert_array_equal(getattr(found, field), getattr(expected, field), field)
    # code that raises is asked once more for each direction, to see what
    assert found.nfev >= expected.nfev if found.notes else found.nfev == expected.nfev


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_lanes_say_what_the_ladder_says(name: str) -> None:
    for x in [*RANDOM, *POINTS]:
        compare(FUNCTIONS[name], x)


@pytest.mark.parametrize(
    "options", [{"step": 2.5e-14}, {"method": "forward"}, {"rtol": 1e-4}], ids=str
)
@pytest.mark.parametrize("name", ["rosenbrock", "raising", "joint hinge"])
def test_few_levels_and_one_side(name: str, options: dict[str, Any]) -> None:
    compare(FUNCTIONS[name], POINTS[0], **options)


@pytest.mark.parametrize("grain", 10.0 ** np.arange(-15, -2))
def test_grainy_pairs(grain: float) -> None:
    def f(x: Floats) -> float:
        return float(math.exp(x[0]) * x[-1] + grain * math.sin(1e9 * (x[0] + 3.0 * x[-1]) ** 2))

    for x in [*RANDOM, np.zeros(2)]:
        compare(f, x)


@pytest.mark.parametrize("name", ["rosenbrock", "product"])
def test_few_smooth_pairs_need_the_ladder(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    x, counts = np.random.default_rng(7).uniform(0.5, 1.5, 12), [0]
    ladder = compiled_mixed.lead_others

    def count(*args: Any) -> int:
        counts.append(len(args[-2]))
        return int(ladder(*args))

    lead_natively(monkeypatch, FUNCTIONS[name])
    monkeypatch.setattr(compiled_mixed, "lead_others", count)
    nd.hessian(FUNCTIONS[name], x)
    assert sum(counts) < 66 / 4  # of all pairs
