"""Array operations that stand in for kernels: the same decisions, and the same bits."""

import inspect
import math
import tracemalloc
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import special

import numdiff as nd
from numdiff.abreast import rounds as abreast
from numdiff.drivers import few
from numdiff.geometry.directions import Directions
from numdiff.ladder import points, rounds, runtime
from numdiff.ladder.registers import SLOTS, TABLED
from tests import corpus

RNG = np.random.default_rng(20261201)
STANDINS = [rounds.begin, rounds.advance, rounds.conclude, points.place, points.span]
SAME = "value", "error", "status", "step", "noise"

FUNCTIONS = {
    "sine": (np.sin, RNG.uniform(-5, 5, 60)),
    "sine of large x": (np.sin, RNG.uniform(1e9, 1e12, 40)),
    "exponential": (np.exp, RNG.uniform(-700, 700, 60)),
    "rational": (lambda x: 1 / (1 + x * x), RNG.uniform(-3, 3, 60)),
    "logarithm at all scales": (np.log, 10.0 ** RNG.uniform(-300, 300, 60)),
    "cube at all scales": (lambda x: x**3, 10.0 ** RNG.uniform(-120, 100, 60)),
    "root beside its edge": (np.sqrt, 10.0 ** RNG.uniform(-12, 2, 60)),
    "arcsine beside its edge": (np.arcsin, 1 - 10.0 ** RNG.uniform(-9, 0, 60)),
    "log gamma": (special.gammaln, RNG.uniform(-3, 8, 60)),
    "Bessel": (special.j0, RNG.uniform(0, 60, 60)),
    "fast": (lambda x: np.sin(40 * x), RNG.uniform(-5, 5, 60)),
    "cancels": (lambda x: np.cos(x) - 1 + x * x / 2, 10.0 ** RNG.uniform(-6, 0, 60)),
    "kink": (lambda x: abs(x - 0.3) * np.sin(x), 0.3 + RNG.uniform(-1, 1, 60) ** 9),
    "jump": (lambda x: np.sin(x) + (x > 0.3), 0.3 + RNG.uniform(-1, 1, 60) ** 9),
    "edge of the second derivative": (
        lambda x: np.sin(x) + np.maximum(x - 0.3, 0) ** 2, 0.3 + RNG.uniform(-1, 1, 60) ** 9),
    "float32": (lambda x: np.sin(x).astype(np.float32).astype(float), RNG.uniform(-5, 5, 40)),
    "rounded": (lambda x: np.round(np.sin(x), 6), RNG.uniform(-5, 5, 40)),
    "ripples": (lambda x: np.sin(x) + 1e-9 * np.sin(1e9 * x), RNG.uniform(-5, 5, 40)),
    "linear": (lambda x: 2 * x + 1, RNG.uniform(-5, 5, 40)),
    "constant": (lambda x: 0 * x + 3, RNG.uniform(-5, 5, 40)),
    "zero": (lambda x: 0 * x, np.append(RNG.uniform(-5, 5, 20), 0.0)),
    "overflows": (lambda x: np.exp(np.exp(x)), RNG.uniform(5, 7, 40)),
    "smallest numbers": (lambda x: x * x, 10.0 ** RNG.uniform(-320, -150, 40)),
}  # fmt: skip


@pytest.fixture
def interpreting(monkeypatch):
    monkeypatch.setattr(runtime, "PATIENCE", math.inf)


@pytest.fixture
def answers(interpreting, monkeypatch):
    """What array operations and then kernels answer to a question."""

    def both(ask):
        found = [ask()]
        with monkeypatch.context() as patch:
            for kernel in STANDINS:
                patch.delitem(kernel.__dict__, "in_arrays")
            found.append(ask())
        return found

    return both


def assert_same(one, other):
    assert np.array_equal(one.nfev, other.nfev)
    for name in SAME:
        here, there = (np.asarray(getattr(found, name)) for found in (one, other))
        assert here.tobytes() == there.tobytes(), name


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("rtol", [0.0, 1e-8, 1e-3])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_many_points_have_the_bits_of_kernels(name, rtol, answers):
    f, x = FUNCTIONS[name]
    assert_same(*answers(lambda: nd.derivative(f, x, vectorized=True, rtol=rtol)))


@pytest.mark.parametrize("options", [
    {"bounds": (0.0, 2.0)}, {"bounds": (1.0, 1.9)}, {"step": 0.01}, {"noise": 1e-9},
    {"method": "forward"}, {"method": "central", "step": 1e-3}, {"method": "richardson"},
    {"method": nd.Stencil.central(1, 4)}, {"order": 2}, {"order": 3},
], ids=str)  # fmt: skip
def test_options_have_the_bits_of_kernels(options, answers):
    x = np.linspace(1.0, 1.9, 12)
    assert_same(*answers(lambda: nd.derivative(np.exp, x, vectorized=True, **options)))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("problem", corpus.PROBLEMS[::4], ids=lambda problem: problem.name)
def test_points_of_the_corpus_have_the_bits_of_kernels(problem, answers):
    x = np.repeat(np.asarray(problem.points, float), 5)
    x *= 1.0 + 1e-13 * np.tile(np.arange(5.0), len(problem.points))
    with np.errstate(all="ignore"):
        assert_same(*answers(lambda: nd.derivative(problem.f, x)))


def test_outputs_of_all_kinds_beside_each_other_have_the_bits_of_kernels(answers):
    def f(x):
        return np.array([
            np.sin(x).sum(), abs(x - 1.0).sum(), np.round(x.sum(), 5), 1e-30 * x.prod(),
            x[0] ** 7, 0.0, np.nan if x[1] > 1.3 else x[1], np.cos(300 * x).sum(),
        ])  # fmt: skip

    x = np.linspace(0.5, 1.5, 9)
    assert_same(*answers(lambda: nd.jacobian(f, x)))
    assert_same(*answers(lambda: nd.jacobian(lambda x: f(x)[[0, 3, 4]], x)))
    assert_same(*answers(lambda: nd.jacobian(lambda x: f(x)[:5], x, noise=[0, 0, 1e-5, 0, 1e-3])))


def test_nearly_all_smooth_directions_are_led_by_array_operations(interpreting, monkeypatch):
    kernels, turn = [], rounds.turn
    monkeypatch.setattr(rounds, "turn", lambda *given: kernels.append(turn(*given)))
    x = np.linspace(0.3, 2.8, 100)
    for f in (np.sin, np.exp, np.sqrt, special.erf, lambda x: x**3 - x):
        assert nd.derivative(f, x, vectorized=True).success.all()
    assert len(kernels) < 0.02 * 5 * 5 * x.size  # of five rounds or so


def valley(x):
    return (100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2).sum()


LED = {
    "second derivatives": lambda x: nd.derivative(np.sin, x, order=2, vectorized=True),
    "fourth derivatives": lambda x: nd.derivative(np.exp, x, order=4, vectorized=True),
    "noise that is given": lambda x: nd.derivative(np.sin, x, noise=1e-9, vectorized=True),
    "beside bounds": lambda x: nd.gradient(valley, x[::4], bounds=(x[::4], x[::4] + 5.0)),
    "pairs": lambda x: nd.hessian(valley, x[::5]),
    "many outputs": lambda x: nd.jacobian(lambda t: np.sin(np.outer(x, t)).sum(1), x[:2]),
}


@pytest.mark.parametrize("name", LED)
def test_most_rounds_of_all_kinds_are_array_operations(name, interpreting, monkeypatch):
    kernels, rounds_of_all, turn, judge = [], [], rounds.turn, abreast._turn
    monkeypatch.setattr(rounds, "turn", lambda *given: kernels.append(turn(*given)))

    def counted(rows, *given):
        through = judge(rows, *given)
        rounds_of_all.append(through.sum())
        return through

    monkeypatch.setattr(abreast, "_turn", counted)
    LED[name](np.linspace(0.5, 2.5, 60))
    assert len(kernels) < 0.25 * sum(rounds_of_all), (len(kernels), sum(rounds_of_all))


@given(
    x=arrays(float, 7, elements=st.floats(-1e300, 1e300)),
    weight=arrays(float, 7, elements=st.floats(1e-12, 1e12) | st.floats(-1e12, -1e-12)),
    first=st.sampled_from([2.0**-5, 2.0**-3]), roams=st.booleans(),
    room=st.none() | arrays(float, (2, 7), elements=st.floats(0, 1e3)),
    steps=st.none() | arrays(float, 7, elements=st.floats(1e-12, 1e3)),
)  # fmt: skip
def test_spans_are_those_of_the_kernel(x, weight, first, roams, room, steps):
    none, route = np.empty(0), (np.arange(7), np.arange(7), weight)
    ahead, behind = (none, none) if room is None else room
    given_steps = none if steps is None else steps
    found = []
    for run in (points.span, points.span.__dict__["in_arrays"]):
        whole = *(np.empty(7, np.int64) for _ in range(4)), np.empty(7)
        with np.errstate(all="ignore"):
            run(x, *route, first, given_steps, roams, ahead, behind, *whole)
        found.append(whole)
    for one, other in zip(*found, strict=True):
        assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize("each", [1, 2, 5])
@pytest.mark.parametrize("alone", [True, False])
@pytest.mark.parametrize("offsets", [[1.0, -1.0], [1.0], [1.0, 1 / 3, -0.5]])
def test_points_are_those_of_the_kernel(alone, offsets, each):
    x, rows = np.array([1e-3, 2.0, -7.7, 1e12, 0.0]), np.array([4, 1, 3])
    index = np.concatenate([RNG.permutation(5)[:each] for _ in range(5)]) if each > 1 else range(5)
    weight, steps = RNG.uniform(-2, 2, 5 * each), [0.1, 2.0, 1e-7]
    route, found = Directions(np.arange(0, 5 * each, each), np.array(index), weight), []
    for run in (points.place, points.place.__dict__["in_arrays"]):
        block, stretch = np.zeros((4, len(offsets), each if alone else 5)), np.zeros(4)
        where = x, route.starts, route.index, route.weight
        with np.errstate(all="ignore"):
            run(rows, np.array(steps), *where, np.array(offsets), block, stretch)
        found.append(block.tobytes() + stretch.tobytes())
    assert found[0] == found[1]


def test_tables_of_many_directions_are_cut_into_parts(interpreting):
    x = np.linspace(0.1, 3, 8 * abreast.MOST)
    tracemalloc.start()
    try:
        nd.derivative(np.sin, x, vectorized=True)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    levels = 2 * (SLOTS + 2) * 8
    assert peak < 4 * levels * x.size, peak / x.size


def test_directions_of_many_entries_have_the_bits_of_kernels(answers):
    assert_same(*answers(lambda: nd.jvp(lambda x: np.sin(x).sum(), np.ones(5), np.arange(5.0))))
    assert_same(*answers(lambda: nd.jvp(lambda x: np.sin(x) * x, np.ones(9), np.arange(9.0))))


def test_directions_of_unlike_numbers_of_entries_are_placed_by_the_kernel():
    route, x = (np.array([0, 1]), np.array([0, 1, 2]), np.ones(3)), np.arange(3.0)
    found = []
    for run in (points.place, points.place.__dict__["in_arrays"]):
        block, stretch = np.zeros((2, 2, 3)), np.zeros(2)
        run(np.arange(2), np.ones(2), x, *route, np.array([1.0, -1.0]), block, stretch)
        found.append(block.tobytes() + stretch.tobytes())
    assert found[0] == found[1]


@pytest.mark.parametrize("options", [{}, {"noise": 1e-9}, {"rtol": 1e-3}, {"method": "central"}])
def test_kernels_compile_where_many_directions_are_left_to_them(options, monkeypatch):
    kernels = []
    turn = lambda *given: kernels.append(rounds.turn(*given))
    monkeypatch.setattr(abreast, "rounds", SimpleNamespace(turn=turn, advance=rounds.advance))
    monkeypatch.setattr(runtime, "_METER", runtime._Meter())
    monkeypatch.setattr(runtime, "price", lambda *_: 0.1)
    rounded = lambda x: np.round(np.sin(x), 6)
    nd.derivative(rounded, np.linspace(0.1, 3, 3000), vectorized=True, **options)
    assert len(kernels) < 300


SCRATCH = "y", "floors", "residuals", "table", "best", "sample", "arrived", "lanes", "ways"


def checked(kernel, stand_in, seen):
    """Do as the stand-in, and compare all that it writes with what the kernel writes.

    With lanes, if the kernel has some, and without.
    """
    names = list(inspect.signature(kernel).parameters)

    def both(*given):
        ways = [[part.copy() if isinstance(part, np.ndarray) else part for part in given]]
        if "lanes" in names and given[names.index("lanes")].size:
            ways.append([part.copy() if isinstance(part, np.ndarray) else part for part in given])
            ways[1][names.index("lanes")] = np.empty((0, 0))
        result = stand_in(*given)
        for twins in ways:
            assert result == kernel(*twins)
            compare(given, twins, result)
        seen.append(kernel)
        return result

    def compare(given, twins, result):
        for name, one, other in zip(names, given, twins, strict=True):
            if name in SCRATCH or not isinstance(one, np.ndarray):
                continue
            if name == "state":  # whose room holds what is no result
                one[:, TABLED] = other[:, TABLED] = 0
            part = kernel is rounds.advance and name in {"live", "stretch", "block"}
            some = slice(result if part else None)
            np.testing.assert_array_equal(one[some], other[some], f"{kernel.__name__}: {name}")

    return both


BESIDE = {
    "edge of the third derivative": lambda x: np.sin(x) + np.maximum(x - 0.3, 0) ** 3,
    "edge of the second derivative": lambda x: np.sin(x) + np.maximum(x - 0.3, 0) ** 2,
    "small kink": lambda x: np.sin(x) + 1e-3 * abs(x - 0.3),
    "bump": lambda x: np.sin(x) + 1e-6 * np.exp(-(((x - 0.3) / 0.01) ** 2)),
    "power": lambda x: np.sin(x) + abs(x - 0.3) ** 1.7,
    "float32": lambda x: np.sin(x).astype(np.float32).astype(float),
    "noise as large as f": lambda x: np.sin(1e9 * x),
}


@pytest.fixture
def compared(interpreting, monkeypatch):
    """What was asked of stand-ins, of which all that they remember is compared with kernels."""
    seen = []
    monkeypatch.setattr(few, "FEW", 0)  # few directions do without
    for kernel in STANDINS:
        monkeypatch.setitem(
            kernel.__dict__, "in_arrays", checked(kernel, kernel.__dict__["in_arrays"], seen)
        )
    return seen


@pytest.mark.parametrize("name", BESIDE)
def test_all_that_is_remembered_is_what_kernels_remember(name, compared):
    nd.derivative(BESIDE[name], 0.3 + RNG.uniform(-1, 1, 500) ** 5, vectorized=True)
    assert {rounds.begin, rounds.advance, rounds.conclude, points.span} <= set(compared)


KINDS = [
    {"order": 2}, {"order": 3}, {"order": 4}, {"noise": 1e-6},
    {"noise": 1e-6, "order": 2}, {"method": "forward"}, {"method": "backward", "order": 2},
    {"method": "forward", "order": 3}, {"bounds": True}, {"bounds": True, "order": 2},
]  # fmt: skip


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("options", KINDS, ids=str)
def test_ladders_of_all_kinds_remember_what_kernels_remember(options, compared):
    beside = 0.3 + RNG.uniform(-1, 1, 16) ** 5
    cases = [(f, x[:16]) for f, x in FUNCTIONS.values()] + [(f, beside) for f in BESIDE.values()]
    for f, x in cases:
        given = options | {"bounds": (x.min(), x.max())} if "bounds" in options else options
        with np.errstate(all="ignore"):
            nd.derivative(f, x, vectorized=True, **given)
    assert compared.count(rounds.advance) > 4 * len(cases)


LANDSCAPES = {
    "valley": valley,
    "waves": lambda x: np.sin(x).sum() + np.cos(x[0] * x[-1]),
    "logarithm of a sum": lambda x: np.log(np.exp(3.0 * x).sum()),
    "corner": lambda x: abs(x - 1.0).sum() * x[0],
    "rounded": lambda x: np.round(np.sin(x).prod(), 9),
    "float32": lambda x: float(np.float32(np.sin(x).sum())),
}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", LANDSCAPES)
def test_gradients_and_hessians_remember_what_kernels_remember(name, compared):
    for n in (4, 9):
        x = RNG.uniform(-2.0, 2.0, n)
        for options in ({}, {"bounds": (x, x + 3.0)}, {"noise": 1e-7}, {"rtol": 1e-4}):
            nd.gradient(LANDSCAPES[name], x, **options)
            nd.hessian(LANDSCAPES[name], x, **options)
    assert rounds.advance in compared
