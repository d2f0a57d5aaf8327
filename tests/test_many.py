"""Many points at once: one batch, in which each has the answer that it has alone."""

import math
import tracemalloc

import numpy as np
import pytest
from numba import njit
from scipy import special

import numdiff as nd
from numdiff import Status
from numdiff.evaluation import call
from numdiff.geometry import domain
from numdiff.ladder import runtime
from tests.conftest import needs_the_compiler

COLUMNS = ("value", "error", "status", "step", "noise", "left", "right")
ORDINARY = np.concatenate([np.linspace(-3.0, 3.0, 25), [1e-9, 1e6, -1e-200, 0.7]])
ELEMENTWISE = {
    "sin": np.sin,
    "rational": lambda x: 1.0 / (1.0 + x * x),
    "special": special.erf,
    "kinked": lambda x: np.abs(x - 0.5) + np.sin(x),
    "jumping": lambda x: np.where(x > 0.25, 1.0, 0.0) + x,
    "noisy": lambda x: np.sin(x) + 1e-7 * np.sin(1e9 * x),
    "coarse": lambda x: np.round(np.sin(x), 6),
    "half a domain": np.sqrt,
    "an edge": lambda x: np.log(x + 1.5),
    "float32": lambda x: np.sin(np.float32(x)).astype(np.float64),
    "constant": lambda x: 0.0 * x + 3.0,
    "complex": lambda x: np.exp(1j * x) + np.abs(x),
    "vector": lambda x: np.array([np.sin(x), np.abs(x), x**3 + 1e-6 * np.sin(1e8 * x)]),
    "matrix": lambda x: np.array([[x, x * x], [np.exp(x), 0.0 * x]]),
}


def compare(f, x, **options):
    """Ask for all points at once and for each alone, f being vectorised both times."""
    by_point = {
        name: options.pop(name) for name in ("bounds", "step") if np.ndim(options.get(name)) > 0
    }
    many = nd.derivative(f, x, vectorized=True, **options, **by_point)
    alone = []
    for k, point in enumerate(x):
        own = {"step": by_point["step"][k]} if "step" in by_point else {}
        if "bounds" in by_point:
            own["bounds"] = tuple(np.array(side)[k] for side in by_point["bounds"])
        alone.append(nd.derivative(f, [point], vectorized=True, **options, **own))
    for name in COLUMNS:
        whole = np.concatenate([getattr(one, name) for one in alone])
        np.testing.assert_array_equal(getattr(many, name), whole, err_msg=name)
    assert many.nfev == sum(one.nfev for one in alone)
    return many


@pytest.mark.filterwarnings("ignore:invalid value", "ignore:divide by zero", "ignore:overflow")
@pytest.mark.parametrize("order", [1, 2, 3, 6])
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_each_point_has_the_answer_that_it_has_alone(name, order):
    compare(ELEMENTWISE[name], ORDINARY, order=order)


METHODS = ("forward", "backward", "central", "richardson")


@pytest.mark.filterwarnings("ignore:invalid value", "ignore:divide by zero", "ignore:overflow")
@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("name", ["sin", "kinked", "an edge", "vector", "coarse"])
@pytest.mark.parametrize("method", METHODS)
def test_all_methods_do(method, name, order):
    compare(ELEMENTWISE[name], ORDINARY, order=order, method=method)
    compare(ELEMENTWISE[name], ORDINARY, order=order, method=method, step=1e-3)


STEPS = np.geomspace(1e-4, 1e-2, ORDINARY.size)


@pytest.mark.filterwarnings("ignore:invalid value", "ignore:divide by zero", "ignore:overflow")
@pytest.mark.parametrize(
    "options",
    [
        {"order": 10},
        {"method": "complex"},
        {"method": nd.Stencil([-1, 0, 1, 2])},
        {"method": nd.Stencil([-1, 0, 1, 2]), "step": STEPS},
        {"method": nd.Stencil.forward(2, 2), "order": 2, "step": "textbook"},
        {"step": STEPS},
        {"step": 0.5},
        {"method": "central", "step": "gill-murray"},
        {"noise": 1e-6},
        {"accuracy": 1e-6},
        {"rtol": 1e-3},
        {"max_nfev": 4 * ORDINARY.size},
    ],
    ids=str,
)
@pytest.mark.parametrize("name", ["sin", "kinked", "an edge", "coarse"])
def test_all_options_do(name, options):
    if options.get("method") == "complex" and name != "sin":
        pytest.skip("f takes no complex numbers")
    options = dict(options)
    if "max_nfev" in options:
        many = nd.derivative(ELEMENTWISE[name], ORDINARY, vectorized=True, **options)
        assert many.nfev <= options["max_nfev"]
        return
    compare(ELEMENTWISE[name], ORDINARY, **options)


@pytest.mark.filterwarnings("ignore:invalid value", "ignore:divide by zero", "ignore:overflow")
@pytest.mark.parametrize(
    "options", [{}, {"method": "forward", "step": 1e-3}, {"order": 2}], ids=str
)
@pytest.mark.parametrize("name", ["sin", "kinked", "an edge", "half a domain"])
def test_each_point_has_its_bounds(name, options):
    """On, close to and far from a bound, and held fixed."""
    x = np.linspace(0.0, 2.0, 21)
    lower = x - np.resize([0.0, 1e-9, 1e-3, 0.1, np.inf], x.size)
    upper = x + np.resize([np.inf, 1e-3, 0.0, 1.0], x.size)
    seen = []

    def f(points):
        seen.append(points.copy())
        return ELEMENTWISE[name](points)

    many = compare(f, x, bounds=(lower, upper), **options)
    outside = [(p < lower.min()) | (p > upper.max()) for p in seen]
    assert not np.concatenate(outside).any()
    assert (many.status == Status.DOMAIN)[(lower == upper) & (x > 0.0)].all()


POINTS = np.concatenate([np.linspace(0.4, 0.6, 12), [0.5, 0.25, 1.0, -1.0, 0.0, 2.0 - 1e-9]])


@pytest.mark.filterwarnings("ignore:invalid value", "ignore:divide by zero", "ignore:overflow")
@pytest.mark.parametrize("options", [{}, {"rtol": 1e-4}, {"order": 2}, {"noise": 1e-9}], ids=str)
@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.array([np.abs(x - 0.5), np.where(x > 0.25, 1.0, 0.0) + x, np.sin(x)]),
        lambda x: np.array(
            [np.abs(x) + 1e-7 * np.sin(1e9 * x), np.sin(x) + 1e-9 * np.sin(1e9 * x)]
        ),
        lambda x: np.where(x < 0.5, np.nan, np.sqrt(np.abs(x - 0.5))) + np.abs(x - 1.0),
        lambda x: np.sqrt(np.abs(x - 0.5)) + np.floor(4.0 * x),
        lambda x: np.sin(x) + 1e-10 * np.floor(1e3 * x),
        lambda x: np.exp(1j * x) * np.abs(x - 0.5),
    ],
    ids=["two of three", "noise beside a kink", "one side", "roots", "stairs", "complex"],
)
def test_doubtful_points_know_nothing_of_each_other(f, options):
    compare(f, POINTS, **options)


def test_points_where_f_differs_between_calls_are_no_matter_to_others():
    random = np.random.default_rng(0)

    def f(x):
        return np.sin(x) + np.abs(x - 0.5) + np.where(x > 3.0, random.random(np.shape(x)), 0.0)

    x = np.array([0.5, 5.0, 0.5 + 1e-9, 7.0, 2.0])
    many = nd.derivative(f, x, vectorized=True)
    assert many.status[[1, 3]].tolist() == [Status.STOCHASTIC] * 2
    compared = nd.derivative(f, x[[0, 2, 4]], vectorized=True)
    for name in COLUMNS:
        own = getattr(many, name)[[0, 2, 4]]
        np.testing.assert_array_equal(own, getattr(compared, name), err_msg=name)


# --- how f is asked ---


class Watched:
    """A function of arrays that counts its calls and the points of each."""

    def __init__(self, f):
        self.f, self.sizes = f, []

    def __call__(self, x):
        self.sizes.append(x.size)
        return self.f(x)


def test_f_is_called_once_a_round_for_all_points():
    f = Watched(np.sin)
    many = nd.derivative(f, np.linspace(0.1, 3.0, 2000), vectorized=True)
    assert many.success.all()
    assert len(f.sizes) < 12
    assert f.sizes[:2] == [2000, 4000]
    assert sum(f.sizes) == many.nfev < 13.5 * 2000


def test_one_doubtful_point_costs_itself_only():
    def f(x):
        return np.sin(x) + np.where(x == 1.0, 0.0, 1e-3 * np.abs(x - 1.0) * (np.abs(x - 1.0) < 0.5))

    x = np.append(np.linspace(2.0, 3.0, 500), 1.0)
    clean, whole = Watched(f), Watched(f)
    calm = nd.derivative(clean, x[:-1], vectorized=True)
    many = nd.derivative(whole, x, vectorized=True)
    assert many.status[-1] == Status.KINK
    assert not many.success[-1]
    np.testing.assert_array_equal(many.value[:-1], calm.value)
    assert sum(whole.sizes) - sum(clean.sizes) < 200


def test_doubtful_points_are_looked_at_together():
    f = Watched(ELEMENTWISE["rational"])
    nd.derivative(f, np.linspace(-3.0, 3.0, 10_000), vectorized=True)
    assert sum(size < 1000 for size in f.sizes) < 100  # some 30 for each of them otherwise


def test_f_that_passes_through_zero_rounds_like_what_it_is_made_of():
    x = np.linspace(0.5, 9.0, 10_000)
    x = x[np.abs(x - 2.0) < 0.02]
    many = nd.derivative(special.gammaln, x, vectorized=True)
    assert (np.abs(many.value - special.digamma(x)) < 10.0 * many.error).all()


def test_f_of_one_point_has_the_same_answers():
    x = np.linspace(-2.0, 2.0, 41)

    def f(t):
        return t * t * t + abs(t)

    many, arrays = nd.derivative(f, x), nd.derivative(f, x, vectorized=True)
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(many, name), getattr(arrays, name), err_msg=name)
    assert many.nfev == arrays.nfev
    assert many.status[20] == Status.KINK


def test_points_where_f_raises_are_outside_there_only():
    def f(t):
        if t < 0.0:
            raise ValueError("left of zero")
        return math.sqrt(t)

    x = [0.0, 1e-12, 0.25, 4.0]
    many = nd.derivative(f, x)
    np.testing.assert_allclose(many.value[2:], [1.0, 0.25])
    assert many.success[1:].all()
    alone = [nd.derivative(f, t) for t in x]
    np.testing.assert_array_equal(many.status, [one.status for one in alone])
    assert any("left of zero" in note for note in many.notes)


def test_a_point_with_nothing_beside_it_costs_no_other_its_answer():
    def f(t):
        if 1.0 != t < 1.5:
            raise ArithmeticError("gone")
        return t * t

    many = nd.derivative(f, [1.0, 3.0])
    assert many.status.tolist() == [Status.DOMAIN, Status.OK]
    with pytest.raises(ArithmeticError, match="gone"):
        nd.derivative(f, [1.0, 1.0])


def test_what_f_raises_at_x_itself_is_the_callers_with_the_point():
    def f(x):
        if (np.asarray(x) == 3.0).any():
            raise ValueError("three")
        return x * x

    for options in ({}, {"vectorized": True}, {"workers": map}):
        with pytest.raises(ValueError, match="three") as caught:
            nd.derivative(f, [1.0, 2.0, 3.0, 4.0], **options)
        assert "x itself, 3." in "".join(caught.value.__notes__)


def test_nan_at_a_point_is_the_domain_there_only():
    many = nd.derivative(lambda x: np.where(x > 0.0, x, np.nan), [-1.0, 2.0], vectorized=True)
    assert many.status.tolist() == [Status.DOMAIN, Status.OK]
    assert math.isnan(many.value[0])


def test_random_f_is_told_at_each_point():
    random = np.random.default_rng(0)

    def f(x):
        return np.sin(x) + 1e-4 * random.standard_normal(np.shape(x))

    many = nd.derivative(f, [0.3, 0.9, 2.0], vectorized=True)
    assert (many.status == Status.STOCHASTIC).all()
    assert (np.abs(many.value - np.cos([0.3, 0.9, 2.0])) < 4 * many.error).all()


def test_shapes_must_agree_between_points():
    with pytest.raises(ValueError, match="same shape at every point of x"):
        nd.derivative(lambda x: np.zeros(2 if x < 1 else 3), [0.0, 5.0])


def test_arguments_and_flags():
    many = nd.derivative(lambda x, a: a * x**2, [[1.0, 2.0]], args=3.0, vectorized=True)
    np.testing.assert_allclose(many.value, [[6.0, 12.0]])
    with pytest.raises(nd.FlaggedError):
        nd.derivative(np.abs, [0.0, 1.0], vectorized=True, on_flag="raise")


@pytest.mark.parametrize("order", [1, 2])
def test_compiled_f_has_the_answers_that_it_has_alone(order):
    f = njit(lambda x: math.sin(x) + abs(x - 0.5) ** 3)
    many = nd.derivative(f, ORDINARY, order=order)
    alone = [nd.derivative(f, point, order=order) for point in ORDINARY]
    for name in COLUMNS:
        whole = np.array([getattr(one, name) for one in alone])
        np.testing.assert_array_equal(getattr(many, name), whole, err_msg=name)
    assert many.nfev == sum(one.nfev for one in alone)


def test_compiled_f_that_raises_is_named():
    @njit
    def f(x):
        if x < 0.0:
            raise ValueError("left of zero")
        return math.sqrt(x)

    many = nd.derivative(f, [0.0, 1.0, 4.0])
    np.testing.assert_allclose(many.value[1:], [0.5, 0.25])


@needs_the_compiler(reason="nothing is compiled")
def test_compiled_f_is_asked_at_the_points_by_its_machine_code(monkeypatch):
    monkeypatch.setattr(runtime, "PATIENCE", -1.0)

    @njit
    def f(x):
        if x == 0.5:
            raise IndexError("at a half")
        return x * x

    x = np.linspace(1.0, 2.0, 500)
    nd.derivative(f, x[:2])
    with monkeypatch.context() as patch:
        patch.setattr(call, "_asked_at", None)  # by Python
        many = nd.derivative(f, x)
    assert np.all(abs(many.value - 2 * x) <= many.error)
    with pytest.raises(IndexError, match="at a half") as caught:
        nd.derivative(f, np.append(x, 0.5))
    assert "at x itself, 0.5" in caught.value.__notes__[0]


def test_blocks_of_any_size_give_the_same_bits(monkeypatch):
    x = np.linspace(-1.0, 1.0, 50)
    whole = nd.derivative(ELEMENTWISE["kinked"], x, vectorized=True)
    for size in (1, 3000):
        monkeypatch.setattr(domain, "BLOCK_BYTES", size)
        parts = nd.derivative(ELEMENTWISE["kinked"], x, vectorized=True)
        for name in COLUMNS:
            np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))


@needs_the_compiler(reason="a million points take too long")
def test_memory_does_not_grow_with_the_ladders(monkeypatch):
    monkeypatch.setattr(runtime, "PATIENCE", -1.0)
    x = np.linspace(0.0, 3.0, 100_000)
    nd.derivative(np.sin, x[:10], vectorized=True)
    tracemalloc.start()
    nd.derivative(np.sin, x, vectorized=True)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60e6  # a million may take 400
