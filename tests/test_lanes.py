"""Calm directions side by side: the decisions and the bits of the ladder, for many at once."""

import numba
import numpy as np
import pytest

import numdiff as nd
from numdiff.abreast import rounds as abreast
from numdiff.drivers import compiled
from numdiff.ladder import lanes, runtime
from numdiff.ladder.lane_formulas import LANES
from tests import corpus
from tests.conftest import needs_the_compiler
from tests.test_abreast import BESIDE, FUNCTIONS, SAME

RNG = np.random.default_rng(20261201)


@pytest.fixture
def compiling(monkeypatch):
    monkeypatch.setattr(runtime, "PATIENCE", -1.0)


def ladder_alone(monkeypatch):
    """Let no direction of black boxes be calm."""
    monkeypatch.setattr(compiled, "serve", lambda *_: False)


def same(one, other):
    for name in SAME:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), name)
    assert one.nfev == other.nfev


CASES = FUNCTIONS | {name: (f, 0.3 + RNG.uniform(-1, 1, 200) ** 5) for name, f in BESIDE.items()}


@needs_the_compiler(reason="nothing is compiled")
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", CASES)
def test_compiled_lanes_have_the_bits_of_compiled_ladders(name, compiling, monkeypatch):
    f, x = CASES[name]
    with np.errstate(all="ignore"):
        found = nd.derivative(f, x, vectorized=True)
        ladder_alone(monkeypatch)
        same(found, nd.derivative(f, x, vectorized=True))


@needs_the_compiler(reason="nothing is compiled")
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_compiled_lanes_have_the_bits_of_compiled_ladders_on_the_corpus(compiling, monkeypatch):
    cases = list(corpus.cases())
    with np.errstate(all="ignore"):
        found = [nd.derivative(case.f, case.x) for case in cases]
        ladder_alone(monkeypatch)
        for case, estimate in zip(cases, found, strict=True):
            same(estimate, nd.derivative(case.f, case.x))


@needs_the_compiler(reason="nothing is compiled")
@pytest.mark.parametrize("n", [2, LANES - 1, LANES, LANES + 1, 3 * LANES + 7])
def test_blocks_of_a_compiled_f_are_those_of_a_black_box(n, compiling):
    @numba.njit
    def f(x):
        total = abs(x[0] - 0.5)
        for k in range(x.size):
            total += np.sin(x[k] * (1 + k % 7)) + 1e-9 * np.sin(1e9 * x[k] * (k % 5 == 4))
        return total

    def black_box(x):
        return f(x)

    x = RNG.uniform(-1.0, 1.0, n)
    same(nd.gradient(f, x), nd.gradient(black_box, x))


@needs_the_compiler(reason="nothing is compiled")
@pytest.mark.parametrize("m", [1, 3, LANES // 2 + 1, LANES, LANES + 1])
def test_outputs_have_lanes_of_their_own(m, compiling, monkeypatch):
    rates = np.linspace(0.1, 9.0, m)

    def f(x):
        out = np.sin(np.multiply.outer(rates, x)).sum(axis=1)
        out[m // 2] = np.round(out[m // 2], 7)
        return out

    x = RNG.uniform(-1.0, 1.0, 9)
    found = nd.jacobian(f, x)
    ladder_alone(monkeypatch)
    same(found, nd.jacobian(f, x))


HALVES = {
    "nan at larger steps": (lambda x: np.where(x > 1.0, np.nan, np.sin(x)), [0.99, 0.999, 0.95]),
    "an edge of the domain": (lambda x: np.sqrt(1.0 - x), [0.97, 0.9, 0.999]),
}


@needs_the_compiler(reason="nothing is compiled")
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", HALVES)
def test_levels_that_some_outputs_lack_are_no_levels(name, compiling, monkeypatch):
    half, points = HALVES[name]
    f = lambda x: np.array([half(x[0]), np.sin(x[0])])
    found = [nd.jacobian(f, [x]) for x in points]
    ladder_alone(monkeypatch)
    for x, one in zip(points, found, strict=True):
        same(one, nd.jacobian(f, [x]))


@needs_the_compiler(reason="nothing is compiled")
@pytest.mark.parametrize("power", [3.1, 3.3, 3.5])
def test_windows_that_follow_another_one_are_left_to_the_ladder(power, compiling, monkeypatch):
    f = lambda x: x + np.sign(x) * abs(x) ** power
    found = nd.derivative(f, 0.0)
    assert abs(found.value - 1.0) <= 2.0 * found.error
    ladder_alone(monkeypatch)
    same(found, nd.derivative(f, 0.0))


def test_smooth_directions_are_calm(interpreting_lanes):
    nd.derivative(np.sin, RNG.uniform(-5.0, 5.0, 40), vectorized=True)
    assert np.mean(interpreting_lanes) > 0.98
    interpreting_lanes.clear()
    nd.derivative(lambda x: np.round(np.sin(x), 5), RNG.uniform(-5.0, 5.0, 40), vectorized=True)
    assert np.mean(interpreting_lanes) < 0.7


@pytest.fixture
def interpreting_lanes(monkeypatch):
    """Which directions were led by lanes, round by round, while these are interpreted."""
    seen = []

    def lead_calm(live, *given):
        with np.errstate(all="ignore"):
            lanes.lead_calm(live, *given)
        seen.extend(given[-1][: live.size] == lanes.LED)

    lead_calm.py_func = lanes.lead_calm  # as what is compiled has one
    monkeypatch.setattr(runtime, "PATIENCE", np.inf)
    monkeypatch.setattr(abreast, "lanes_pay", lambda: True)
    monkeypatch.setattr(abreast, "compiled", lambda _: lead_calm)
    return seen


def test_without_a_compiler_lanes_are_left_alone(monkeypatch):
    def never(*_):
        raise AssertionError

    monkeypatch.setattr(runtime, "PATIENCE", np.inf)
    monkeypatch.setattr(abreast, "lanes_pay", lambda: True)
    monkeypatch.setattr(abreast, "compiled", runtime.interpreted)
    monkeypatch.setattr(lanes, "lead_few", never)
    found = nd.derivative(np.sin, np.linspace(0.5, 2.5, 40), vectorized=True)
    assert np.all(abs(found.value - np.cos(np.linspace(0.5, 2.5, 40))) <= found.error)
