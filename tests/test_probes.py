"""Where f is asked, and what an exception there costs: probes keep out of harm."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import numdiff as nd
from numdiff import Status, verify

law = settings(max_examples=60, deadline=None, derandomize=True)
ANY = (TypeError, KeyError, AssertionError, AttributeError, NotImplementedError, RecursionError)


def recorded(f):
    points = []

    def g(x):
        points.append(np.array(x))
        return f(x)

    return g, points


# --- Flat functions ---


@law
@given(st.floats(0.05, 1e6), st.sampled_from([-1.0, 1.0]))
def test_flat_functions_are_asked_on_the_side_of_x(size, sign):
    x = sign * size
    f, points = recorded(lambda _: 3.0)
    found = nd.derivative(f, x)
    assert found.value == 0.0
    assert found.status == Status.OK
    assert (np.sign(points) == sign).all()


@pytest.mark.parametrize("x", [[0.4, 2.9], [7.0, -0.3]])
def test_flat_functions_of_many_are_asked_on_the_side_of_x(x):
    f, points = recorded(lambda _: 3.0)
    assert (nd.gradient(f, x).value == 0.0).all()
    assert nd.jvp(f, x, [1.0, -2.0]).value == 0.0
    assert (np.sign(points) == np.sign(x)).all()


@pytest.mark.parametrize("kind", [*ANY, ValueError, RuntimeError])
@pytest.mark.parametrize("options", [{}, {"vectorized": True}])
def test_a_probe_far_away_costs_nothing(kind, options):
    x = 2.9

    def price(p):
        if np.any(np.abs(p - x) > 0.1 * x):
            raise kind("no price there")
        return 3.0 + 0.0 * p

    found = nd.derivative(price, x, **options)
    assert found.value == 0.0
    assert found.status == Status.OK


# --- Larger steps, and smaller ones that test ---


def steps_of(f, x):
    g, points = recorded(f)
    nd.derivative(g, x)
    return np.array(points) - x


@pytest.mark.parametrize("kind", ANY)
@pytest.mark.parametrize("options", [{}, {"vectorized": True}])
def test_larger_steps_and_tests_cost_nothing(kind, options):
    def line(x):
        return 2.0 - 3.0 * x

    asked = np.abs(steps_of(line, 1.3))
    first = asked[1]  # behind f(x)
    assert asked.max() > first > asked[asked > 0].min()

    def f(x):
        if np.any((np.abs(x - 1.3) > 1.01 * first) | (np.abs(x - 1.3) % 2.0**-10 > 0.0)):
            raise kind("not a number")
        return line(x)

    found = nd.derivative(f, 1.3, **options)
    assert abs(found.value + 3.0) <= found.error < 1e-12
    assert found.success


@pytest.mark.parametrize("kind", ANY)
@pytest.mark.parametrize("options", [{}, {"vectorized": True}])
def test_what_the_answer_needs_is_told(kind, options):
    def f(x):
        if np.any(x > 1.3):
            raise kind("a mistake in f")
        return np.sin(x)

    with pytest.raises(kind, match="a mistake in f") as caught:
        nd.derivative(f, 1.3, **options)
    assert "numdiff" in caught.value.__notes__[0]


def test_compiled_functions_too():
    numba = pytest.importorskip("numba")

    @numba.njit
    def f(x):
        if abs(x - 2.9) > 1.0:
            raise TypeError("no price there")
        return 3.0 + 0.0 * x

    found = nd.derivative(f, 2.9)
    assert (found.value, found.status) == (0.0, Status.OK)

    @numba.njit
    def line(x):
        if abs(x - 1.3) > 0.05:  # the ladder goes on from 1/32
            raise TypeError("too far")
        return 2.0 - 3.0 * x

    found = nd.derivative(line, 1.3)
    assert abs(found.value + 3.0) <= found.error < 1e-12


@pytest.mark.parametrize("kind", ANY)
def test_secants_and_sides_cost_nothing(kind):
    """At a kink the ladder's answer is looked at on either side: those points are probes too."""
    raised = []

    def f(x):
        if 0.0 < abs(x) < 2.0**-55:
            raised.append(x)
            raise kind("too close")
        return abs(x) + x

    found = nd.derivative(f, 0.0)
    assert raised
    assert (found.left, found.right) == pytest.approx((0.0, 2.0))
    assert found.status == Status.KINK


@pytest.mark.parametrize("kind", ANY)
def test_noise_level_does_without_far_points(kind):
    def f(x):
        if abs(x - 1.7) > 0.05:
            raise kind("too far")
        return round(math.sin(x), 6)

    assert nd.noise_level(f, 1.7).kind == "quantised"
    with pytest.raises(kind):
        nd.noise_level(lambda x: f(x) if x == 1.7 else f(9.0), 1.7)


# --- RuntimeError ---


class NoConvergenceError(RuntimeError):
    """As solvers raise it."""


def edged(kind, x, distance):
    def f(t):
        if np.any(t - x > distance):
            raise kind("no convergence")
        return np.sin(t)

    return f


@pytest.mark.parametrize("kind", [RuntimeError, NoConvergenceError])
@pytest.mark.parametrize("options", [{}, {"vectorized": True}])
@pytest.mark.parametrize("distance", [1e-3, 0.0])
def test_no_convergence_beside_x_is_an_edge(kind, options, distance):
    found = nd.derivative(edged(kind, 0.7, distance), 0.7, **options)
    assert found.status == (Status.OK if distance else Status.ONE_SIDED)
    assert abs(found.value - math.cos(0.7)) <= found.error < 1e-8
    assert "no convergence" in " ".join(found.messages)


def test_no_convergence_at_x_reaches_the_caller():
    def f(x):
        raise NoConvergenceError("no convergence")

    with pytest.raises(NoConvergenceError) as caught:
        nd.derivative(f, 0.7)
    assert "x itself" in caught.value.__notes__[0]


@pytest.mark.parametrize("kind", [NotImplementedError, RecursionError])
def test_defects_of_the_code_reach_the_caller(kind):
    with pytest.raises(kind):
        nd.derivative(edged(kind, 0.7, 0.0), 0.7)


def test_a_derivative_without_convergence_beside_x_can_be_verified():
    def slope(x):
        if x[0] != 0.7:
            raise RuntimeError("no convergence")
        return np.cos(x)

    assert verify.gradient(lambda x: float(np.sin(x[0])), slope, [0.7]).verdict == "agree"


# --- The complex step ---


@law
@given(st.floats(0.2, 3.0), st.floats(1.0, 8.0))
def test_the_complex_step_of_analytic_functions_is_not_flagged(x, a):
    found = nd.derivative(lambda t: np.log(t) * np.sin(a * t), x, method="complex")
    assert found.status == Status.OK
    exact = math.sin(a * x) / x + a * math.log(x) * math.cos(a * x)
    assert abs(found.value - exact) <= 2.0 * found.error + 1e-14


def test_the_complex_step_that_missed_by_a_bar():
    x = 0.5437570924954311
    found = nd.derivative(lambda t: np.log(t) * np.sin(5 * t), x, method="complex")
    assert found.status == Status.OK


@law
@given(st.floats(0.3, 2.0), st.floats(1e-6, 0.1))
def test_a_small_part_that_is_not_analytic_is_flagged(x, c):
    found = nd.derivative(lambda t: np.exp(t) + c * np.abs(t), x, method="complex")
    assert found.status == Status.NOT_COMPLEX_SAFE
    assert abs(found.value - math.exp(x) - c) <= found.error


# --- Directions whose entries are far apart ---


@pytest.mark.parametrize("tiny", [1e-14, 1e-17, 1e-150, 1e-310])
@pytest.mark.parametrize("operator", [nd.jvp, nd.hvp])
def test_vectors_of_several_scales_stay_near_x(tiny, operator):
    f, points = recorded(lambda x: float(x[0] ** 3 + x[0] * x[1] + x[1] ** 2))
    x, v = np.array([1.3, 0.7]), np.array([1.0, tiny])
    found = operator(f, x, v)
    slope = np.array([3 * 1.3**2 + 0.7, 1.3 + 1.4])
    exact = slope @ v if operator is nd.jvp else np.array([[7.8, 1.0], [1.0, 2.0]]) @ v
    assert found.success.all()
    assert (np.abs(found.value - exact) <= found.error).all()
    assert (found.error < 1e-11).all()
    assert (np.abs(np.array(points) - x) <= 1.0).all()


def test_a_kink_along_a_vector_of_several_scales_has_both_sides():
    found = nd.jvp(lambda x: abs(x[0]) + 3.0 * x[1], [0.0, 1.0], [1.0, 1e-12])
    assert found.status == Status.KINK
    assert [found.left, found.right] == pytest.approx([-1.0, 1.0])


# --- Tight bounds ---

PLACES = st.sampled_from([0.0, 1e-12, 1e-11, 3e-10, 1e-9, 1e-7, 1e-4, 0.3])
SMOOTH = (np.sin, np.cos, lambda x: -np.sin(x))


@law
@given(PLACES, PLACES, st.floats(0.5, 1.5), st.floats(1e-3, 1e3))
def test_bounds_are_kept_by_all_operators_and_bars_are_honest(below, above, x, scale):
    x = np.array([x * scale, 1.0])
    lower, upper = x - below * x, x + above * x

    def f(y):
        assert (lower <= y).all()
        assert (y <= upper).all()
        return float(np.sum(np.sin(y / [scale, 1.0])))

    bounds = (lower, upper)
    exact = np.cos(x / [scale, 1.0]) / [scale, 1.0]
    for found in (
        nd.gradient(f, x, bounds=bounds),
        nd.gradient(f, x, bounds=bounds, method="richardson"),
        nd.gradient(f, x, bounds=bounds, method="forward"),
    ):
        assert (~found.success | (np.abs(found.value - exact) <= 3.0 * found.error)).all()
        assert found.success.all() == (max(below, above) > 0.0)
    nd.hessian(f, x, bounds=bounds)
    nd.hessian_diagonal(f, x, bounds=bounds)
    nd.gradient(f, x, bounds=bounds, method="central", step="textbook")
    if below and above:
        nd.jvp(f, x, [1.0, -1.0], bounds=bounds)
        nd.hvp(f, x, [1.0, -1.0], bounds=bounds)


@pytest.mark.parametrize("part", [1e-6, 1e-9, 1e-11])
def test_tight_bounds_on_both_sides_are_used_on_both_sides(part):
    x = 1.2345
    f, points = recorded(math.sin)
    found = nd.derivative(f, x, bounds=(x * (1 - part), x * (1 + part)))
    away = np.array(points) - x
    assert min(away.max(), -away.min()) > 0.4 * part * x
    assert found.status in {Status.OK, Status.NOISE_LIMITED}
    assert abs(found.value - math.cos(x)) <= found.error < 2e-15 / part


@given(st.floats(-11.0, -3.0), st.integers(0, 1000))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_bars_along_vectors_in_tight_rooms_are_honest(decade, seed):
    random = np.random.default_rng(seed)
    x = np.array([580.0, 1.1, 0.3]) * random.uniform(0.5, 1.0, 3)
    v, part = random.normal(size=3), 10.0**decade
    bounds = (x * (1 - part * random.uniform(0, 1, 3)), x * (1 + part * random.uniform(0, 1, 3)))
    found = nd.jvp(lambda x: float(np.sin(x).sum()), x, v, bounds=bounds)
    exact = np.sum(np.cos(x) * v)
    assert ~found.success | (abs(found.value - exact) <= 3.0 * found.error)


def test_a_narrow_side_is_left_for_the_wide_one():
    x = 1.2345
    f, points = recorded(math.sin)
    found = nd.derivative(f, x, bounds=(x * (1 - 1e-5), x + 1.0))
    assert min(points) == x
    assert found.status == Status.ONE_SIDED
    assert abs(found.value - math.cos(x)) <= found.error < 1e-11


# --- x of small size ---


@pytest.mark.parametrize("size", [1e-6, 1e-9, 1e-12, 1e-15])
@pytest.mark.parametrize(
    ("f", "g"),
    [
        (lambda x: float(x @ x), lambda x: 2.0 * x),
        (lambda x: float(np.log(x).sum()), lambda x: 1.0 / x),
        (lambda x: float((x * np.log(x)).sum()), lambda x: 1.0 + np.log(x)),
        (lambda x: float(np.exp(x).sum()), np.exp),
        (lambda x: float(np.sqrt(x).sum()), lambda x: 0.5 / np.sqrt(x)),
        (lambda x: float(x[0] / x.sum()), lambda x: np.array([x[1], -x[0]]) / x.sum() ** 2),
    ],
)
def test_gradients_at_tiny_x_are_verified(size, f, g):
    x = size * np.array([1.0, 2.0])
    assert verify.gradient(f, g, x).verdict == "agree"
    found = nd.gradient(f, x)
    assert found.success.all()
    assert (np.abs(found.value - g(x)) <= found.error + 1e-15 * np.abs(g(x))).all()
