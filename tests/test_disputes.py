"""Readings of f that contradict each other, of many outputs and inputs at once."""

import math

import numpy as np
import pytest

import numdiff as nd
from numdiff import Status
from numdiff.drivers import derivatives
from numdiff.engine import diagnose
from numdiff.nonsmooth import settle
from numdiff.nonsmooth.dispute import resolve
from tests.conftest import needs_the_compiler
from tests.measuring.operators import Recorded

COUNT = 100  # many more outputs than are looked at along a direction
RNG = np.random.default_rng(5)
RATES = RNG.uniform(0.5, 2.0, COUNT)
# of a period that the smallest step along a direction resolves, which all outputs share
WAVES, AMPLITUDES = 10.0 ** RNG.uniform(3, 5, COUNT), 10.0 ** RNG.uniform(-10, -4, COUNT)
TREADS = 10.0 ** RNG.uniform(-9, -2, COUNT)


def cancelled(t):
    """(exp(z) - 1 - z) / z**2 as coded: near zero nothing of it is left."""
    z = RATES * t
    return (np.exp(z) - 1.0 - z) / z**2


def slope_of_cancelled(t):
    z = RATES * t
    return RATES * (1 / 6 + z / 12 + z**2 / 40)


def ripples(t):
    return np.sin(RATES * t) + AMPLITUDES * np.sin(WAVES * t)


def slope_of_ripples(t):
    return RATES * np.cos(RATES * t) + AMPLITUDES * WAVES * np.cos(WAVES * t)


def stairs(t):
    return np.floor(np.sin(RATES * t) / TREADS) * TREADS


def slope_of_stairs(t):
    return RATES * np.cos(RATES * t)


MANY = {
    "cancelled": (cancelled, 6e-8, slope_of_cancelled),
    "cancelled, farther": (cancelled, 1e-6, slope_of_cancelled),
    "ripples": (ripples, 0.7, slope_of_ripples),
    "stairs": (stairs, 0.7, slope_of_stairs),
}


@pytest.mark.parametrize("name", MANY)
def test_hardly_one_of_many_outputs_lies(name):
    f, x, slope = MANY[name]
    found = nd.derivative(f, x)
    off = np.abs(found.value - slope(x))
    if name == "stairs":  # which are flat, to the letter
        off = np.minimum(off, np.abs(found.value))
    assert np.count_nonzero(found.success & (off > 10.0 * found.error)) <= 0.01 * COUNT
    assert found.nfev <= 5 * COUNT  # points are shared by the outputs


def test_inputs_of_a_sum_that_cancels_do_not_lie():
    x = RATES * 6e-8
    found = nd.gradient(lambda x: np.sum((np.exp(x) - 1.0 - x) / x**2), x)
    off = np.abs(found.value - (1 / 6 + x / 12))
    assert not np.any(found.success & (off > 10.0 * found.error))


def test_what_is_still_among_rough_outputs_is_looked_at_farther_away():
    """The tread of the second output is wider than all steps."""
    both = lambda t: np.array([np.floor(math.sin(t) * 1e6) * 1e-6, np.floor(t * 40.0) / 40.0])
    found = nd.derivative(both, 0.712)
    assert abs(found.value[1] - 1.0) <= found.error[1]


def torn(x):
    """Kinks, jumps, complex numbers, stairs and smooth outputs beside each other."""
    return np.concatenate([abs(x - 0.5) + 1j * x, x**2, np.sign(x - 0.5), stairs(x[0])[:50]])


@pytest.mark.parametrize("options", [{}, {"noise": 1e-9}, {"max_nfev": 400}, {"bounds": (0.5, 9)}])
@pytest.mark.parametrize("operator", [nd.jacobian, nd.derivative])
def test_outputs_that_are_not_looked_at_change_no_answer(operator, options, monkeypatch):
    f, x = (torn, np.array([0.5, 1.7])) if operator is nd.jacobian else (torn_at, 0.5)
    found = []
    for long in (1, 10**9):
        for module in (derivatives, settle):
            monkeypatch.setattr(module, "LONG", long)
        found.append(operator(f, x, **options))
    narrow, whole = found
    assert narrow.nfev == whole.nfev
    for name in ("value", "error", "status", "step", "noise", "left", "right"):
        np.testing.assert_array_equal(getattr(narrow, name), getattr(whole, name))
    assert {Status.OK, Status.KINK} <= set(whole.status.flat) or options


def torn_at(t):
    return torn(np.array([t, 1.0]))


@needs_the_compiler(reason="it compiles functions")
@pytest.mark.parametrize("name", ["cancelled", "stairs"])
def test_compiled_functions_doubt_the_same(name):
    import numba

    if name == "cancelled":
        f = numba.njit(lambda x: np.array([(math.exp(x[0]) - 1.0 - x[0]) / x[0] ** 2]))
        x, slopes = np.array([6e-8]), (1 / 6,)
    else:
        f = numba.njit(lambda x: np.array([math.floor(math.sin(x[0]) * 1e5) / 1e5]))
        x, slopes = np.array([0.7]), (math.cos(0.7), 0.0)
    value, error = nd.native.jacobian(f)(x)
    assert min(abs(value[0, 0] - slope) for slope in slopes) <= error[0, 0]


@pytest.mark.parametrize("name", MANY)
def test_f_is_not_asked_outside_bounds(name):
    f, x, _ = MANY[name]
    recorded, box = Recorded(f), (0.75 * x, 1.02 * x)
    nd.derivative(recorded, x, bounds=box)
    asked = [float(point) for point in recorded.points]
    assert box[0] <= min(asked) <= max(asked) <= box[1]


@pytest.mark.parametrize("share", [0.992, 0.995, 0.999])
def test_breaks_close_to_a_bound_are_not_looked_at_beyond_it(share):
    bound = 2.0**-8  # as are steps
    f = Recorded(lambda x: math.exp(-x) + 0.4 * max(x - share * bound, 0.0))
    found = nd.derivative(f, 0.0, bounds=(-bound, bound))
    assert max(abs(float(point)) for point in f.points) <= bound
    assert abs(found.value + 1.0) <= found.error < 0.01


@pytest.mark.parametrize("name", ["cancelled", "ripples"])
def test_a_short_budget_does_not_lie(name):
    f, x, slope = MANY[name]
    for budget in (15, 20, 40):
        found = nd.derivative(f, x, max_nfev=budget)
        off = np.abs(found.value - slope(x))
        assert found.nfev <= budget
        assert np.count_nonzero(found.success & (off > 10.0 * found.error)) <= 0.01 * COUNT


def test_an_exception_at_a_look_costs_nothing(monkeypatch):
    f, x, _ = MANY["ripples"]
    recorded, before = Recorded(f), []

    def watched(*question):
        before.append(len(recorded.points))
        return resolve(*question)

    monkeypatch.setattr(diagnose, "resolve", watched)
    plain = nd.derivative(recorded, x)
    assert len(recorded.points) > before[0]
    asked = iter(range(10**6))

    def touchy(t):
        if next(asked) >= before[0]:
            raise KeyError(t)
        return f(t)

    found = nd.derivative(touchy, x)
    assert np.isfinite(found.value).sum() >= np.isfinite(plain.value).sum()
    assert Status.DOMAIN not in found.status


@pytest.mark.parametrize("tread", [0.007, 0.011])
def test_ground_that_is_flat_at_small_steps_only_is_looked_at(tread):
    """All treads are wider than the smallest step that moves f not at all."""
    found = nd.derivative(lambda t: math.exp(1.5 * (math.floor(t / tread) + 0.5) * tread), 0.7902)
    slope = 1.5 * math.exp(1.5 * 0.7902)
    assert not found.success or abs(found.value - slope) <= 10.0 * found.error


def test_a_piece_that_is_flat_is_flat():
    found = nd.derivative(lambda t: max(t - 0.71, 0.0) + 1.0, 0.7)
    assert found.success
    assert abs(found.value) <= found.error <= 1e-9


@pytest.mark.parametrize("x", [1.0, 1.83542831, 2.71161512])
def test_kinks_that_rounding_hides_from_their_sides_are_flagged(x):
    """|a - b| as a standard deviation: exact down to the tiny step, but not further."""
    found = nd.gradient(np.std, np.array([x, x]))
    assert not found.success.any()


@pytest.mark.parametrize(("k", "a"), [(1e-6, 2.5869207), (2e-9, 1.39), (3e-8, 4.7), (7e-7, 0.9)])
def test_noise_found_at_a_break_stays_in_the_bar(k, a):
    """f(0) is 0, so its own size tells nothing of its rounding."""
    found = nd.derivative(lambda t: a * (1.0 - math.exp(-t / k)), 0.0, bounds=(0.0, math.inf))
    assert found.success
    assert abs(found.value - a / k) <= found.error <= 1e-9 * a / k


@pytest.mark.parametrize("x", [0.898, 0.905, 0.917, 0.922, 0.933])
def test_bars_beside_a_bend_hold_and_are_of_use(x):
    """f'' jumps within reach of the larger steps, which takes it for noise."""
    bend = 0.92401636

    def f(t):
        u = t - bend
        v = u if u > 0.0 else math.expm1(u)
        return math.exp(1.3 * t) + math.sin(2.0 * t) + 0.48 * (v * v + u)

    u = x - bend
    half = u if u > 0.0 else math.expm1(u) * math.exp(u)
    exact = 1.3 * math.exp(1.3 * x) + 2.0 * math.cos(2.0 * x) + 0.48 * (2.0 * half + 1.0)
    found = nd.derivative(f, x)
    assert found.success
    assert abs(found.value - exact) <= found.error <= 1e-3 * exact


@pytest.mark.parametrize("power", [1.72, 1.74, 1.76, 1.8])
@pytest.mark.parametrize("at", [1.0, 2.5])
def test_a_second_derivative_without_a_digit_is_no_success(power, at):
    found = nd.derivative(lambda x: abs(x - at) ** power + 0.5 * x, at, order=2)
    assert not found.success


@pytest.mark.parametrize("power", [2.3, 2.6, 2.9, 3.3, 3.7])
def test_bars_of_mixed_derivatives_know_powers_that_are_no_even_ones(power):
    found = nd.hessian(lambda x: abs(x[0] * x[1]) ** power + x[0] * x[1], [0.0, 0.0])
    assert abs(found.value[0, 1] - 1.0) <= found.error[0, 1]
