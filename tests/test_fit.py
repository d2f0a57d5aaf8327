"""Derivatives of noisy functions: how often bars hold, what they cost, and what they never do."""

import math

import numpy as np
import pytest
from scipy import special, stats

from numdiff.drivers.derivatives import Problem
from numdiff.estimate import Status
from numdiff.evaluation.call import Call, origin
from numdiff.geometry.directions import along as toward
from numdiff.geometry.directions import axes, joined
from numdiff.geometry.domain import Box, Room, room_of
from numdiff.regression import fit as averages
from numdiff.regression import sequential
from numdiff.regression.design import Batch, across, along, places
from numdiff.regression.posterior import Basis, Noise, forecast, posterior
from numdiff.regression.sequential import MOST_ASKED, PATIENCE, USUAL
from tests.corpus.noisy import stochastic_cases
from tests.measuring.operators import Recorded
from tests.posing import pose
from tests.test_architecture import modules_after

PROBES = 12  # evaluations for the noise of a stochastic f

# functions that are not in the corpus, their first and second derivatives, and points
FAMILIES = (
    (special.j0, lambda x: -special.j1(x), lambda x: 0.5 * (special.jv(2, x) - special.j0(x)), 3.0),
    (special.gammaln, special.digamma, lambda x: special.polygamma(1, x), 4.5),
    (
        lambda x: special.airy(x)[0],
        lambda x: special.airy(x)[1],
        lambda x: x * special.airy(x)[0],
        -1.2,
    ),
    (
        lambda x: 1.0 / np.cos(x),
        lambda x: np.sin(x) / np.cos(x) ** 2,
        lambda x: (1.0 + np.sin(x) ** 2) / np.cos(x) ** 3,
        0.6,
    ),
    (lambda x: 2.0 - 5.0 * x, lambda _: -5.0, lambda _: 0.0, 3.0),
    (
        lambda x: np.exp(-0.5 * x) * np.cos(3.0 * x),
        lambda x: -np.exp(-0.5 * x) * (0.5 * np.cos(3.0 * x) + 3.0 * np.sin(3.0 * x)),
        lambda x: np.exp(-0.5 * x) * (3.0 * np.sin(3.0 * x) - 8.75 * np.cos(3.0 * x)),
        0.8,
    ),
    (lambda x: 7.0 + x**4, lambda x: 4.0 * x**3, lambda x: 12.0 * x**2, -1.4),
    (np.cbrt, lambda x: np.cbrt(x) / (3.0 * x), lambda x: -2.0 * np.cbrt(x) / (9.0 * x * x), 20.0),
)
# standard deviation 1 each
DRAWS = {
    "normal": lambda random: random.standard_normal(),
    "uniform": lambda random: random.uniform(-math.sqrt(3.0), math.sqrt(3.0)),
    "heavy": lambda random: random.standard_t(5.0) / math.sqrt(5.0 / 3.0),
}


def everything(problem, count):
    return np.ones((count, problem.f0.size), np.bool_)


def fit(problem, directions, order, *, wanted=None, room=None):
    wanted = everything(problem, len(directions)) if wanted is None else wanted
    return averages.fit(problem, directions, order, wanted=wanted, room=room)


def fit_mixed(problem, directions, rows, columns, *, room=None):
    wanted = everything(problem, len(rows))
    return averages.fit_mixed(problem, directions, rows, columns, wanted=wanted, room=room)


def derivative(f, x, order=1, *, rtol=0.0, budget=math.inf, room=None):
    """Return value, error, status and number of evaluations at a number x."""
    lines = fit(pose(f, x, rtol=rtol, budget=budget), axes(1), order, room=room)
    return lines.value[0, 0], lines.error[0, 0], Status(int(lines.status[0, 0])), lines.nfev


def additive(f, x, level, draw, random):
    size = level * abs(f(x))
    return lambda t: f(t) + size * draw(random)


def multiplicative(f, x, level, draw, random):
    return lambda t: f(t) * (1.0 + level * draw(random))


def assert_between(hits, low, high):
    """Fail if the share of hits is outside by more than chance does once in a thousand."""
    count, held = len(hits), int(np.sum(hits))
    assert stats.binom.ppf(1e-3, count, low) <= held <= stats.binom.isf(1e-3, count, high), (
        held / count
    )


# --- Cover ---


@pytest.mark.parametrize("level", [1e-6, 1e-3])
@pytest.mark.parametrize("draw", DRAWS)
@pytest.mark.parametrize("make", [additive, multiplicative])
def test_bars_of_stochastic_functions_hold_as_often_as_they_say(make, draw, level):
    random, held = np.random.default_rng(20), []
    for f, slope, _, x in FAMILIES:
        for _ in range(15):
            noisy = make(f, x, level, DRAWS[draw], random)
            value, error, status, _ = derivative(noisy, x)
            assert status is Status.STOCHASTIC
            held.append(abs(value - slope(x)) <= error)
    assert_between(held, 0.93, 0.98)


@pytest.mark.parametrize("level", [1e-6, 1e-3])
def test_the_corpus_is_covered_and_errors_are_small(level):
    held, errors = [], []
    for case in stochastic_cases(1, "confirm"):
        if case.level == level:
            value, error, status, nfev = derivative(case.f, case.x)
            assert status is Status.STOCHASTIC
            assert nfev <= 2 * USUAL + PROBES
            held.append(abs(value - case.exact) <= error)
            errors.append(abs(value / case.exact - 1.0))
    assert_between(held, 0.93, 0.98)
    # what numdifftools reaches on its own choice of such functions
    assert np.median(errors) <= {1e-6: 1.1e-5, 1e-3: 4.6e-3}[level]


@pytest.mark.parametrize("level", [1e-6, 1e-3])
def test_second_derivatives_hold_as_often_as_they_say(level):
    random, held = np.random.default_rng(3), []
    for f, _, curvature, x in FAMILIES:
        for _ in range(15):
            value, error, _, _ = derivative(additive(f, x, level, DRAWS["normal"], random), x, 2)
            held.append(abs(value - curvature(x)) <= error)
    assert_between(held, 0.92, 0.99)


@pytest.mark.parametrize("order", [3, 4])
def test_higher_orders(order):
    random, exact = np.random.default_rng(0), {3: -math.cos(0.7), 4: math.sin(0.7)}[order]
    held = []
    for _ in range(40):
        noisy = additive(math.sin, 0.7, 1e-5, DRAWS["normal"], random)
        value, error, _, _ = derivative(noisy, 0.7, order)
        held.append(abs(value - exact) <= error)
        assert error < 0.5
    assert_between(held, 0.92, 0.99)


@pytest.mark.parametrize("side", [1, -1])
def test_one_side_of_x_is_enough(side):
    random, held, asked = np.random.default_rng(8), [], []
    room = Room(np.array([1e9]), np.array([1e9])).only(side)
    for f, slope, _, x in FAMILIES:
        noisy = additive(f, x, 1e-4, DRAWS["normal"], random)
        for _ in range(8):
            value, error, status, _ = derivative(
                lambda t, noisy=noisy, x=x: asked.append(side * (t - x)) or noisy(t),
                x,
                room=room,
            )
            assert status is Status.STOCHASTIC
            held.append(abs(value - slope(x)) <= error)
    assert min(asked) == 0.0
    assert_between(held, 0.92, 0.99)


@pytest.mark.parametrize("order", [1, 2])
def test_no_point_is_asked_twice(order):
    """But for the two where the noise is measured: f may repeat itself there."""
    random, asked = np.random.default_rng(9), []
    noisy = additive(math.sin, 0.7, 1e-4, DRAWS["normal"], random)
    derivative(lambda t: asked.append(t) or noisy(t), 0.7, order, rtol=1e-7)
    assert len(set(asked)) == len(asked) - PROBES + 2 > MOST_ASKED // 2


# --- What it costs ---


def test_rtol_buys_samples_until_the_bar_is_narrow():
    random, held, spent = np.random.default_rng(5), [], []
    for _ in range(20):
        for rtol in (1e-2, 1e-3):
            noisy = additive(math.exp, 0.5, 1e-3, DRAWS["normal"], random)
            value, error, status, nfev = derivative(noisy, 0.5, rtol=rtol)
            assert status is Status.STOCHASTIC
            assert error <= rtol * abs(value)
            held.append(abs(value - math.exp(0.5)) <= error)
            spent.append(nfev)
    assert_between(held, 0.93, 0.99)
    assert np.max(spent[::2]) <= USUAL + PROBES < np.min(spent[1::2]) < MOST_ASKED


def test_rtol_out_of_reach_ends_at_the_cap():
    random = np.random.default_rng(6)
    noisy = additive(math.sin, 0.7, 1e-3, DRAWS["normal"], random)
    value, error, status, nfev = derivative(noisy, 0.7, rtol=1e-9)
    assert status is Status.STOCHASTIC
    assert abs(value - math.cos(0.7)) <= 2.0 * error
    assert 0.95 * MOST_ASKED < nfev <= MOST_ASKED + PROBES


@pytest.mark.parametrize("budget", [0, 5, 12, 30, 50, 300])
def test_the_budget_is_kept_and_said(budget):
    random, asked = np.random.default_rng(7), []
    noisy = additive(math.sin, 0.7, 1e-3, DRAWS["normal"], random)
    problem = pose(lambda t: asked.append(t) or noisy(t), 0.7, rtol=1e-9, budget=budget)
    lines = fit(problem, axes(1), 1)
    assert len(asked) - 1 == lines.nfev <= budget
    assert lines.status[0, 0] == Status.BUDGET
    assert math.isfinite(lines.error[0, 0]) == (budget >= 30)


def test_without_rtol_a_budget_that_suffices_is_not_mentioned():
    noisy = additive(math.sin, 0.7, 1e-3, DRAWS["normal"], np.random.default_rng(7))
    assert derivative(noisy, 0.7, budget=USUAL + PROBES)[2] is Status.STOCHASTIC


# --- Several outputs and directions ---


def test_components_neither_hide_nor_spoil_each_other():
    random = np.random.default_rng(11)
    held = []
    for _ in range(25):

        def f(x):
            return np.array(
                [
                    math.sin(x) + 1e-3 * random.standard_normal(),
                    math.exp(-x),
                    1e8 * math.cos(30.0 * x) * (1.0 + 1e-5 * random.standard_normal()),
                    4.0,
                    1e-150 * (x * x + 1e-2 * random.standard_normal()),
                ]
            )

        x = 0.7
        lines = fit(pose(f, x), axes(1), 1)
        exact = [math.cos(x), -math.exp(-x), -3e9 * math.sin(30.0 * x), 0.0, 2e-150 * x]
        held.append(np.abs(lines.value[0] - exact) <= lines.error[0])
        noisy, quiet = Status.STOCHASTIC, Status.OK
        np.testing.assert_array_equal(lines.status[0], [noisy, quiet, noisy, quiet, noisy])
        limits = np.array([0.1, 1e-10, 1e6, 1e-13, 1e-150])
        assert (lines.error[0] < limits).all()
    assert_between(np.array(held)[:, [0, 2, 4]].ravel(), 0.92, 0.99)
    assert np.mean(np.array(held)[:, [1, 3]]) > 0.9


def test_outputs_of_several_scales_get_samples_each():
    random, rates = np.random.default_rng(1), np.array([1.0, 3e4, 1e6])
    f = lambda x: np.sin(rates * x + 0.3) + 1e-6 * random.standard_normal(3)
    lines = fit(pose(f, 0.7), axes(1), 1)
    assert 2 * USUAL + PROBES < lines.nfev <= 6 * USUAL
    assert (lines.error[0] < 5e-5 * rates).all()


def test_an_output_has_its_share_of_samples_in_windows_that_it_can_use():
    def error_of_waves(*others):
        random = np.random.default_rng(5)
        f = lambda x: np.array([g(x) + 1e-4 * random.standard_normal() for g in (*others, waves)])
        return fit(pose(f, 0.45), axes(1), 1).error[0, -1]

    waves = lambda x: math.cos(1000.0 * x)
    assert error_of_waves(math.sin) < 1.1 * error_of_waves()


def test_the_order_of_outputs_changes_nothing():
    parts = (math.sin, lambda t: math.cos(300.0 * t), lambda t: math.exp(-t))
    found = []
    for order in ([0, 1, 2], [1, 2, 0], [2, 1, 0]):
        random = np.random.default_rng(10)
        f = lambda t, order=order, random=random: (
            np.array([part(t) for part in parts]) + 1e-4 * random.standard_normal(3)
        )[order]
        lines = fit(pose(f, 0.7), axes(1), 1)
        found.append(
            np.array([lines.value[0], lines.error[0], lines.noise[0]])[:, np.argsort(order)]
        )
    np.testing.assert_array_equal(found[1], found[0])
    np.testing.assert_array_equal(found[2], found[0])


def test_an_output_that_is_nan_at_large_windows_spoils_none():
    random = np.random.default_rng(12)

    def f(x):
        noise = 1e-4 * random.standard_normal(2)
        return np.array([math.sin(x), math.log(x - 0.65) if x > 0.65 else math.nan]) + noise

    lines = fit(pose(f, 0.7), axes(1), 1)
    alone = derivative(additive(math.sin, 0.7, 1e-4 / math.sin(0.7), DRAWS["normal"], random), 0.7)
    assert (np.abs(lines.value[0] - [math.cos(0.7), 20.0]) <= 2.0 * lines.error[0]).all()
    assert lines.error[0, 0] < 2.0 * alone[1]
    assert lines.error[0, 1] < 1.0


def test_only_wanted_outputs_and_directions_cost_anything():
    random = np.random.default_rng(13)
    f = lambda x: np.array([x[0] * x[1], x[0] - x[1]]) + 1e-3 * random.standard_normal(2)
    wanted = np.array([[True, False], [False, False]])
    lines = fit(pose(f, [1.0, 2.0]), axes(2), 1, wanted=wanted)
    assert lines.nfev <= 2 * USUAL + PROBES
    assert lines.status[0, 0] == Status.STOCHASTIC
    assert np.isnan(lines.value[1]).all()


def test_all_directions_advance_together():
    random = np.random.default_rng(14)
    rates, blocks = np.linspace(0.5, 2.0, 30), []

    def f(x):
        blocks.append(x.shape[1])
        return np.sin(rates @ x) + 1e-3 * random.standard_normal(x.shape[1])

    x = np.full(30, 0.02)
    call = Call(f, (30,), vectorized=True)
    centre = origin(call, x)
    problem = Problem(call, x, centre.form, centre.rows[0])
    lines = fit(problem, axes(30), 1)
    assert len(blocks) < 2 * USUAL // 12 + 3
    exact = rates * math.cos(rates @ x)
    assert np.mean(np.abs(lines.value[:, 0] - exact) <= lines.error[:, 0]) > 0.8


def test_small_blocks_of_posteriors_change_nothing(monkeypatch):
    def lines(x):
        random = np.random.default_rng(23)
        f = lambda x: np.sin(np.arange(1.0, 6.0) * x[0] * x[1]) + 1e-3 * random.standard_normal(5)
        return fit(pose(f, x), axes(3), 1)

    x = np.array([0.3, 0.7, 0.5])
    whole = lines(x)
    monkeypatch.setattr(sequential, "BLOCK", 2)
    parts = lines(x)
    for name in ("value", "error", "status", "step", "noise"):
        np.testing.assert_allclose(getattr(parts, name), getattr(whole, name), rtol=1e-9)


def test_a_general_direction():
    random = np.random.default_rng(15)
    f = lambda x: x[0] * math.exp(x[1]) + 1e-4 * random.standard_normal()
    lines = fit(pose(f, [2.0, 0.5]), toward(np.array([3.0, -1.0])), 1)
    assert abs(lines.value[0, 0] - math.exp(0.5)) <= 2.0 * lines.error[0, 0] < 0.1


# --- Domains ---


def test_bounds_are_kept():
    random, asked = np.random.default_rng(16), []
    f = lambda x: asked.append(x.copy()) or math.sin(x[0] + x[1]) + 1e-3 * random.standard_normal()
    x, above, below = np.array([0.7, 1.3]), np.array([0.1, 0.0]), np.array([0.03, 0.4])
    room = Room(above, below)
    lines = fit(pose(f, x), axes(2), 1, room=room)
    assert (lines.status == Status.STOCHASTIC).all()
    assert (np.array(asked) <= x + above).all()
    assert (np.array(asked) >= x - below).all()
    fit_mixed(pose(f, x), axes(2), np.array([0]), np.array([1]), room=room)
    assert (np.array(asked) <= x + above).all()
    assert (np.array(asked) >= x - below).all()


@pytest.mark.parametrize("side", [0, 1, -1])
@pytest.mark.parametrize("v", [[1.0, 0.0], [3.0, -2.0], [1.0, 1.0]])
def test_bounds_are_kept_where_both_directions_move_the_same_entry(v, side):
    random, asked = np.random.default_rng(16), []
    f = lambda x: asked.append(x.copy()) or math.sin(x[0] + x[1]) + 1e-3 * random.standard_normal()
    x, lower, upper = np.array([0.7, 1.3]), np.array([0.6, 1.0]), np.array([0.8, 1.4])
    directions = joined(axes(2), toward(np.array(v)))
    room = room_of(x, directions, Box(lower, upper)).only(side)
    pairs = np.array([0, 1]), np.array([2, 2])
    lines = fit_mixed(pose(f, x), directions, *pairs, room=room)
    assert (lines.status == Status.STOCHASTIC).all()
    assert (np.array(asked) >= lower).all()
    assert (np.array(asked) <= upper).all()


def test_a_window_that_failed_is_a_limit():
    """Half of it is the largest one in which f may be asked next."""
    empty, open_ = np.zeros((1, 2)), np.ones((1, 2), np.bool_)
    before = sequential._Samples(
        rows=np.array([0]), t=np.zeros((1, 0)), y=np.zeros((1, 0, 2)), window=np.array([0.25]),
        own=empty, largest=empty, keep=empty, ceiling=np.full((1, 2), np.inf), open=open_,
        served=empty.astype(int),
    )  # fmt: skip
    batch = Batch(np.array([[[1.0, 2.0]], [[math.nan, 3.0]]]), empty, 2, None)
    after = sequential._add(before, np.array([0.5, 1.0]), batch)
    assert after.ceiling.tolist() == [[0.125, math.inf]]


def test_a_function_of_no_side_is_given_up():
    assert derivative(lambda t: 1.0 if t == 0.7 else math.nan, 0.7)[3] <= 3 * USUAL + PROBES


def test_a_function_of_one_side_only_is_followed_there():
    random = np.random.default_rng(17)

    def f(x):
        if x < 1.0:
            raise ValueError("outside")
        return 3.0 * x + (x - 1.0) ** 2 + 1e-4 * random.standard_normal()

    value, error, status, _ = derivative(f, 1.0)
    assert status is Status.STOCHASTIC
    assert abs(value - 3.0) <= 2.0 * error < 0.1


def test_no_room_and_no_values_are_outside_the_domain():
    nothing = Room(np.zeros(1), np.zeros(1))
    assert derivative(math.sin, 0.7, room=nothing)[2] is Status.DOMAIN
    value, error, status, nfev = derivative(lambda t: 1.0 if t == 0.7 else math.nan, 0.7)
    assert (math.isnan(value), error, status) == (True, math.inf, Status.DOMAIN)
    assert nfev <= PROBES + 3 * PATIENCE * 12  # on both sides, ahead, behind


@pytest.mark.parametrize("reach", [0.6, 0.8])
def test_a_window_in_which_f_was_not_defined_is_not_tried_again(reach):
    random, outside = np.random.default_rng(3), []

    def f(t):
        outside.append(abs(t - 0.7) > reach / 16.0)
        return math.nan if outside[-1] else math.sin(t) + 1e-4 * random.standard_normal()

    value, error, status, _ = derivative(f, 0.7)
    assert status is Status.STOCHASTIC
    assert abs(value - math.cos(0.7)) <= error
    first = 1 + PROBES + 12
    assert any(outside[:first])
    assert not any(outside[first:])


@pytest.mark.parametrize("level", [1e-6, 1e-3])
@pytest.mark.parametrize(
    ("f", "slope", "x"),
    [
        (lambda x: math.cos(200.0 * x), lambda x: -200.0 * math.sin(200.0 * x), 0.45),
        (lambda x: math.cos(1000.0 * x), lambda x: -1000.0 * math.sin(1000.0 * x), 0.45),
        (lambda x: 1.0 / x, lambda x: -1.0 / x**2, 0.01),
        (lambda x: math.exp(30.0 * x), lambda x: 30.0 * math.exp(30.0 * x), 0.4),
        (
            lambda x: math.sin(x) + 0.01 * math.cos(300.0 * x),
            lambda x: math.cos(x) - 3.0 * math.sin(300.0 * x),
            0.7,
        ),
    ],
)
def test_first_windows_far_too_large_do_not_deceive(f, slope, x, level):
    random = np.random.default_rng(18)
    for _ in range(8):
        value, error, _, _ = derivative(additive(f, x, level, DRAWS["normal"], random), x)
        assert not abs(value - slope(x)) > 10.0 * error


# --- Mixed derivatives ---


@pytest.mark.parametrize("room", [None, Room(np.array([9.0, 0.0, 9.0]), np.full(3, 9.0))])
def test_mixed_derivatives_hold_as_often_as_they_say(room):
    random, held = np.random.default_rng(19), []
    x, rows, columns = np.array([0.7, 1.3, 2.0]), np.array([0, 0, 1]), np.array([1, 2, 2])
    f = lambda x: math.sin(x[0] * x[1]) + x[2] ** 2 * x[0] + 1e-4 * random.standard_normal()
    z = x[0] * x[1]
    exact = np.array([math.cos(z) - z * math.sin(z), 2.0 * x[2], 0.0])
    for _ in range(40):
        lines = fit_mixed(pose(f, x), axes(3), rows, columns, room=room)
        assert (lines.status == Status.STOCHASTIC).all()
        held.append(np.abs(lines.value[:, 0] - exact) <= lines.error[:, 0])
        assert lines.error[:, 0].max() < 1.0
    assert_between(np.ravel(held), 0.92, 0.995)


def test_mixed_derivatives_of_directions_that_share_entries():
    random = np.random.default_rng(21)
    f = lambda x: x[0] ** 2 * x[1] + 1e-5 * random.standard_normal()
    both = toward(np.array([1.0, 2.0]))
    directions = joined(toward(np.array([1.0, 0.0])), both)
    lines = fit_mixed(pose(f, [1.5, 0.5]), directions, np.array([0]), np.array([1]))
    exact = 2.0 * 0.5 * 1.0 + 2.0 * 1.5 * 2.0  # e_0' H (e_0 + 2 e_1)
    assert abs(lines.value[0, 0] - exact) <= 2.0 * lines.error[0, 0] < 0.1


def test_mixed_derivatives_of_directions_that_share_entries_stay_inside():
    random, x, box = np.random.default_rng(22), np.array([1.5, 0.5]), np.array([0.03, 0.04])
    f = Recorded(lambda x: x[0] ** 2 * x[1] + 1e-5 * random.standard_normal())
    directions = joined(toward(np.array([1.0, 0.0])), toward(np.array([1.0, 2.0])))
    room = np.array([0.03, 0.02])
    fit_mixed(pose(f, x), directions, np.array([0]), np.array([1]), room=Room(room, room))
    assert (np.abs(np.array(f.points) - x) <= box).all()


# --- The parts ---


def nothing_known(count, outputs):
    zero = np.zeros((count, outputs))
    return Noise(zero, zero, zero)


def samples(seed=0, count=30, level=1e-3):
    random = np.random.default_rng(seed)
    t = random.uniform(0.1, 1.0, (1, count))
    y = np.stack([np.sin(t), np.sinh(2.0 * t)], axis=-1)
    return t, y + level * random.standard_normal(y.shape)


def test_a_posterior_knows_no_units():
    t, y = samples()
    basis = Basis(np.arange(1.0, 25.0, 2.0), 1)
    plain = posterior(basis, t, y, nothing_known(1, 2))
    scaled = posterior(basis, 2.0**-30 * t, 2.0**200 * y, nothing_known(1, 2))
    for name in ("value", "deviation"):
        np.testing.assert_allclose(getattr(scaled, name), 2.0**230 * getattr(plain, name))
    assert (np.abs(plain.value - [1.0, 2.0]) < 4.0 * plain.deviation).all()


def test_samples_that_do_not_count_change_nothing():
    t, y = samples()
    basis = Basis(np.arange(1.0, 25.0, 2.0), 1)
    plain = posterior(basis, t, y, nothing_known(1, 2))
    t = np.concatenate([t, [[np.nan, np.nan]]], axis=1)
    y = np.concatenate([y, [[[np.nan, 1e9], [7.0, -3.0]]]], axis=1)
    more = posterior(basis, t, y, nothing_known(1, 2))
    np.testing.assert_allclose(more.value, plain.value, rtol=1e-9)
    np.testing.assert_allclose(more.deviation, plain.deviation, rtol=1e-6)


def test_polynomials_without_noise_are_exact():
    t = np.linspace(0.1, 1.0, 20)[None]
    y = (3.0 * t - 2.0 * t**3)[..., None]
    found = posterior(Basis(np.arange(1.0, 25.0, 2.0), 1), t, y, nothing_known(1, 1))
    assert abs(found.value[0, 0] - 3.0) < 1e-12
    assert found.deviation[0, 0] < 1e-12


def test_samples_that_are_all_alike_have_no_slope():
    t = np.linspace(0.1, 1.0, 20)[None]
    found = posterior(
        Basis(np.arange(1.0, 25.0, 2.0), 1), t, 0.0 * t[..., None], nothing_known(1, 1)
    )
    assert found.value[0, 0] == 0.0
    assert 0.0 <= found.deviation[0, 0] < 1e-300


@pytest.mark.parametrize("rounding", [1e-6, 1e-3])
def test_samples_without_noise_are_not_believed_beyond_their_rounding(rounding):
    t = np.linspace(0.1, 1.0, 20)[None]
    zero = np.zeros((1, 1))
    found = posterior(
        Basis(np.arange(1.0, 25.0, 2.0), 1),
        t,
        (3.0 * t - 2.0 * t**3)[..., None],
        Noise(zero, zero, zero + rounding),
    )
    assert found.noise[0, 0] == pytest.approx(rounding, rel=0.2)
    assert found.deviation[0, 0] > 0.1 * rounding


def test_residuals_far_above_the_known_noise_are_a_misfit():
    t, y = samples(level=1e-2)
    basis = Basis(np.arange(1.0, 25.0, 2.0), 1)
    known = np.ones((1, 2))
    for deviation, low, high in ((1e-2, 0.3, 3.0), (1e-4, 1e3, 1e5)):
        noise = Noise(deviation * known, 8.0 * known, 0.0 * known)
        found = posterior(basis, t, y, noise)
        assert ((low < found.misfit) & (found.misfit < high)).all()


def test_a_forecast_comes_true():
    basis = Basis(np.arange(1.0, 25.0, 2.0), 1)
    ratios = []
    for seed in range(20):
        t, y = samples(seed, 120)
        now = posterior(basis, t[:, :30], y[:, :30], nothing_known(1, 2))
        further = t[:, None, 30:]
        told = forecast(basis, now, t[:, :30], further, np.array([[9.0]]))
        then = posterior(basis, t, y, nothing_known(1, 2))
        ratios.append(then.deviation / told[:, 0])
        assert (told[:, 0] < now.deviation).all()
    assert 0.8 < np.median(ratios) < 1.25


@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize("side", [0, 1, -1])
def test_places_are_in_the_window_and_never_the_same(order, side):
    design = along(axes(1), order, side)
    found = np.concatenate([places(design, batch, 2) for batch in range(20)])
    assert (found > 0.0).all()
    assert (found <= 1.0).all()
    assert len(np.unique(found)) == len(found)
    assert len(np.unique(design.nodes)) >= design.basis.leading + 2


@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize("side", [0, 1, -1])
def test_samples_expand_in_the_powers_of_their_basis(order, side):
    coefficients = np.array([3.0, -2.0, 5.0, 7.0, -1.0])
    design = along(axes(1), order, side)
    problem = pose(lambda t: np.polynomial.polynomial.polyval(t, coefficients), 0.0)
    nodes = places(design, 0, 1)
    batch = design.ask(problem, np.array([0]), nodes, np.array([0.5]))
    powers = design.basis.powers[design.basis.powers < 5.0].astype(int)
    signs = float(side or 1) ** powers
    expected = ((0.5 * nodes[:, None]) ** powers) @ (signs * coefficients[powers])
    np.testing.assert_allclose(batch.values[:, 0, 0], expected)
    wanted = signs[design.basis.leading - 1] * coefficients[order] * design.factor
    assert wanted == pytest.approx(math.factorial(order) * coefficients[order])
    assert batch.nfev == design.cost * len(nodes)


@pytest.mark.parametrize("side", [0, 1])
def test_mixed_samples_expand_in_the_powers_of_their_basis(side):
    design = across(axes(2), np.array([0]), np.array([1]), np.array([0.5, 0.25]), side)
    problem = pose(lambda x: 3.0 + 2.0 * x[0] + x[1] + 6.0 * x[0] * x[1] + x[0] ** 2, np.zeros(2))
    nodes = places(design, 0, 1)
    batch = design.ask(problem, np.array([0]), nodes, np.array([1.0]))
    expected = 6.0 * 0.5 * 0.25 * nodes**2 + (design.centre or 0.0) * 3.0
    np.testing.assert_allclose(batch.values[:, 0, 0], expected)
    assert batch.nfev == design.cost * len(nodes)


def test_scipy_comes_when_it_is_needed():
    assert not modules_after("import numdiff.regression.fit") & {"numba", "scipy"}
