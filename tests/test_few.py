"""Few directions in Python floats: the same answers as in arrays, to the last bit."""

import math

import numpy as np
import pytest

import numdiff as nd
from numdiff.drivers import climb, few
from numdiff.ladder import runtime
from tests import corpus

FIELDS = ("value", "error", "status", "step", "nfev")
RNG = np.random.default_rng(20261202)


@pytest.fixture(autouse=True)
def interpreting(monkeypatch):
    monkeypatch.setattr(runtime, "PATIENCE", np.inf)


@pytest.fixture
def turned(monkeypatch):
    """Which directions went on in arrays."""
    seen = []
    turn = few._Ladders.turn

    def noted(ladders, some, *given):
        seen.extend(some)
        turn(ladders, some, *given)

    monkeypatch.setattr(few._Ladders, "turn", noted)
    return seen


def both(monkeypatch, call):
    """What comes out in lists, and in arrays."""
    found = call()
    with monkeypatch.context() as context:
        context.setattr(few, "FEW", 0)
        return found, call()


def same(one, other):
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), name)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_lists_have_the_bits_of_arrays_on_the_corpus(monkeypatch):
    for case in list(corpus.cases())[::3]:
        same(*both(monkeypatch, lambda: nd.derivative(case.f, case.x)))  # noqa: B023 - called here


def valley(x):
    return float(((1.0 - x[:-1]) ** 2).sum() + 100.0 * ((x[1:] - x[:-1] ** 2) ** 2).sum())


def half(x):
    """Not defined everywhere, and raising there."""
    return math.sqrt(1.0 - x[0]) + math.sin(x[1])


MANY = {
    "smooth": valley,
    "noisy": lambda x: valley(x) + 1e-7 * math.sin(1e9 * x.sum()),
    "rounded": lambda x: round(valley(x), 6),
    "a kink in one direction": lambda x: valley(x) + abs(x[0] - 0.3),
    "nan beside x": lambda x: valley(x) if x[0] < 0.3001 else math.nan,
    "constant": lambda _: 3.0,
    "huge": lambda x: 1e300 * x[0],
    "raising": half,
}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("n", [2, 7, few.FEW, few.FEW + 1])
@pytest.mark.parametrize("name", MANY)
def test_gradients_have_the_bits_of_arrays(name, n, monkeypatch):
    x = np.append(0.3, RNG.uniform(-1.0, 1.0, n - 1))
    same(*both(monkeypatch, lambda: nd.gradient(MANY[name], x)))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("n", [1, 4])
def test_jacobians_and_points_have_the_bits_of_arrays(n, monkeypatch):
    x, rates = RNG.uniform(-1.0, 1.0, n), np.array([0.1, 3.0, 1e6])
    torn = lambda x: np.array([np.sin(x).sum(), np.round(np.exp(x).sum(), 5), abs(x).sum(), 0.0])
    same(*both(monkeypatch, lambda: nd.jacobian(torn, x)))
    waves = lambda x: np.sin(np.multiply.outer(rates, x)).sum(1)
    same(*both(monkeypatch, lambda: nd.jacobian(waves, x)))
    same(*both(monkeypatch, lambda: nd.derivative(np.sin, 1e3 * x, vectorized=True)))
    same(*both(monkeypatch, lambda: nd.derivative(lambda x: abs(x - 0.1), 0.1 * x)))


SETTINGS = {
    "bounds": {"bounds": ([-1.0, 0.25, 0.0], [0.31, 2.0, 0.5])},
    "a budget": {"max_nfev": 17},
    "a step": {"step": 0.01},
    "larger steps": {"step": 8.0},
    "a loose tolerance": {"rtol": 1e-3},
    "known noise": {"noise": 1e-9},
    "one side": {"method": "forward"},
    "a stencil": {"method": nd.Stencil.central(1, 4)},
}


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_have_the_bits_of_arrays(name, monkeypatch):
    x = [0.3, 0.3, 0.45]
    same(*both(monkeypatch, lambda: nd.gradient(valley, np.array(x), **SETTINGS[name])))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("order", [2, 3, 6])
@pytest.mark.parametrize("method", ["auto", "forward", "backward"])
def test_all_orders_have_the_bits_of_arrays(order, method, monkeypatch):
    settings = {"order": order, "method": method}
    for case in list(corpus.cases())[::60]:
        same(*both(monkeypatch, lambda: nd.derivative(case.f, case.x, **settings)))  # noqa: B023


def test_hessians_have_the_bits_of_arrays(monkeypatch):
    for n in (1, 2, 5):
        x = RNG.uniform(-1.0, 1.0, n)
        same(*both(monkeypatch, lambda: nd.hessian(valley, x)))  # noqa: B023 - called here


def test_outputs_that_do_not_move_stay_in_lists(turned):
    found = nd.jacobian(lambda x: np.array([3.0, x[0] * x[1], np.sin(x[2]), 0.0]), [0.3, 0.4, 0.5])
    np.testing.assert_array_equal(found.value[[0, 3]], 0.0)
    assert not turned


def test_smooth_directions_stay_in_lists(turned):
    nd.gradient(valley, np.linspace(0.2, 1.1, 9))
    nd.derivative(math.exp, 0.3)
    assert not turned
    nd.derivative(lambda x: round(math.exp(x), 5), 0.3)
    assert turned


@pytest.mark.filterwarnings("error")
def test_no_number_warns_whatever_numpy_is_told():
    ask = {
        "constant": lambda: nd.derivative(lambda x: 2.5 + 0.0 * x, 0.3, order=3),
        "zero": lambda: nd.derivative(math.sin, 0.0, order=4),
        "tiny": lambda: nd.derivative(lambda x: 1e-305 * math.sin(x), 0.3),
        "huge": lambda: nd.gradient(lambda x: 1e300 * float(x @ x), [3.0, 1e4]),
        "infinite": lambda: nd.jacobian(lambda x: np.array([math.inf, math.sin(x[0])]), [0.3]),
        "kink": lambda: nd.derivative(abs, 0.0),
    }
    for call in ask.values():
        expected = call()
        with np.errstate(all="raise"):
            same(call(), expected)


def test_interpreted_lanes_count_for_what_compiling_them_would_save(monkeypatch):
    monkeypatch.setattr(runtime, "_METER", runtime._Meter())
    nd.derivative(math.sin, 0.3)
    few_, meter = runtime._METER.calmly, runtime._METER
    nd.jvp(valley, np.linspace(0.2, 1.1, 3), np.ones(3))
    assert 0.0 < few_ < meter.calmly


def test_lanes_that_are_compiled_are_not_forgone(monkeypatch):
    def never(*_, **__):
        raise AssertionError

    monkeypatch.setattr(climb, "climb_few", never)
    monkeypatch.setattr(runtime, "lanes_pay", lambda: True)
    nd.gradient(valley, np.linspace(0.2, 1.1, 9))
    with pytest.raises(AssertionError):
        nd.derivative(math.sin, 0.3, order=2)  # no lanes are for that


def test_points_of_which_an_answer_does_without_are_spared():
    def f(x):
        if abs(x[0] - 0.3) > 0.01:
            raise ValueError
        return math.sin(x[0])

    found = nd.gradient(f, [0.3])
    assert abs(found.value[0] - math.cos(0.3)) <= found.error[0]


def test_f_may_keep_and_change_its_points(monkeypatch):
    kept = []

    def f(x):
        kept.append(x)
        value = valley(x)
        x[:] = -7.0
        return value

    x = np.array([0.3, 0.4, 0.5])
    found, expected = nd.gradient(f, x), nd.gradient(valley, x)
    same(found, expected)
    assert len({id(point) for point in kept}) == len(kept)
    np.testing.assert_array_equal(x, [0.3, 0.4, 0.5])
