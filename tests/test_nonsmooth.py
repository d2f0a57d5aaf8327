"""Kinks, jumps and singularities at x are flagged, with one-sided derivatives at the kinks.

Smooth functions and noise are not, and what lies beside x spoils no answer.
"""

import math
from collections import Counter
from functools import cache

import numpy as np
import pytest

import numdiff as nd
from numdiff.drivers.climb import climb
from numdiff.estimate import Status
from numdiff.ladder.channels import channels
from numdiff.methods import METHODS
from numdiff.nonsmooth.secants import Secants, confirmed, endless, law, limits_of, powers_of
from numdiff.nonsmooth.settle import _judge, settle
from numdiff.nonsmooth.suspicion import suspects_of
from tests import corpus
from tests.corpus.bends import BENDS
from tests.corpus.noisy import noisy_cases
from tests.corpus.nonsmooth import NEAR_KINK, NONSMOOTH, ONCE_DIFFERENTIABLE
from tests.posing import directions_of, pose, span_of

OK, NOISE_LIMITED, UNRESOLVED = Status.OK, Status.NOISE_LIMITED, Status.UNRESOLVED
KINK, JUMP, DOMAIN = Status.KINK, Status.JUMP, Status.DOMAIN

# What is flagged by another name than its kind, and why.
OTHER_FLAGS = {
    "x_sin_reciprocal": UNRESOLVED,  # slopes that swing without limit neither converge nor grow
    "sin_reciprocal": DOMAIN,  # the sine of infinity beside x
    "reciprocal": DOMAIN,  # infinite at x
    "log_abs": DOMAIN,
}
# The bar of the ladder for squared_hinge, which is left alone, is that much too narrow.
NARROW = 0.02


def climbed(f, x, order=1, *, v=None, side=0, budget=math.inf):
    """What the ladder says, with what it was given."""
    problem, directions = pose(f, x, budget=budget), directions_of(x, v)
    span = span_of(problem, directions, order)
    ways = channels(METHODS["auto"]._replace(side=side), order)
    lines = climb(problem, directions, span, ways)
    return problem, directions, order, span, lines


def settled(f, x, order=1, *, side=0, **options):
    return settle(*climbed(f, x, order, side=side, **options), side=side)


def bars_of_sides(f, x):
    """The bars (2, K) of left and right derivatives at the kinks."""
    suspects = suspects_of(*climbed(f, x), 0)
    with np.errstate(all="ignore"):
        verdict = _judge(suspects)
    return verdict.sides.error[:, verdict.kinked]


def flagged(lines):
    return (lines.status == KINK) | (lines.status == JUMP) | (lines.status == UNRESOLVED)


# --- Every kink, jump and singularity of the corpora ---

ALL = (*NONSMOOTH, *BENDS)
KINKS = [case for case in ALL if case.kind == "kink"]


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.name)
def test_flagged_with_the_right_kind(case):
    found = settled(case.f, case.x)
    wanted = OTHER_FLAGS.get(case.name, KINK if case.kind == "kink" else JUMP)
    assert Status(found.status[0, 0]) is wanted
    assert math.isnan(found.value[0, 0]) or wanted is UNRESOLVED
    assert found.error[0, 0] == math.inf


@pytest.mark.parametrize("case", KINKS, ids=lambda case: case.name)
def test_one_sided_derivatives_lie_within_their_bars(case):
    found = settled(case.f, case.x)
    size = max(abs(case.left), abs(case.right))
    sides, bars = (found.left, found.right), bars_of_sides(case.f, case.x)
    for value, error, exact in zip(sides, bars, (case.left, case.right), strict=True):
        assert abs(value[0, 0] - exact) <= error[0] + 1e-16 * size
        assert error[0] <= 1e-3 * size


def test_one_sided_derivatives_are_told_at_kinks_only():
    for case in NONSMOOTH:
        if case.kind != "kink":
            found = settled(case.f, case.x)
            assert (found.left, found.right) == (None, None)


# --- What has a derivative ---


@pytest.mark.parametrize("case", ONCE_DIFFERENTIABLE, ids=lambda case: case.name)
def test_once_differentiable(case):
    found = settled(case.f, case.x)
    assert found.status[0, 0] in {OK, NOISE_LIMITED}
    assert abs(found.value[0, 0] - case.exact) <= (1 + NARROW) * found.error[0, 0]


@pytest.mark.parametrize("case", NEAR_KINK, ids=lambda case: case.name)
def test_beside_a_kink(case):
    found = settled(case.f, case.x)
    assert found.status[0, 0] in {OK, NOISE_LIMITED}
    assert abs(found.value[0, 0] - case.exact) <= found.error[0, 0]


@pytest.mark.parametrize(
    ("f", "x", "exact"),
    [
        (lambda x: max(0.0, x - 0.1), 0.0999803516446504, 0.0),
        (
            lambda x: abs(x / 2.5 + 1) + math.exp(x / 2.5 + 1),
            -2.5000698322388657,
            -1.1173002170616896e-05,
        ),
        (lambda x: 3 * abs(x - 1 - 1e-12) + math.sin(x), 1.0, math.cos(1) - 3),
    ],
)
def test_the_ladder_is_corrected_close_to_a_kink(f, x, exact):
    """The ladder alone gives the mean of both slopes there, with a bar that is too narrow."""
    *_, before = arguments = climbed(f, x)
    assert abs(before.value[0, 0] - exact) > 2 * before.error[0, 0]
    after = settle(*arguments)
    assert after.status[0, 0] in {OK, NOISE_LIMITED}
    assert abs(after.value[0, 0] - exact) <= after.error[0, 0]
    assert after.error[0, 0] < before.error[0, 0] + abs(before.value[0, 0] - exact)


def test_a_bend_too_small_to_be_told_from_one_beside_x_is_within_the_bar():
    found = settled(lambda x: math.sin(x) + 1e-8 * abs(x - 1), 1.0)
    assert found.status[0, 0] in {OK, NOISE_LIMITED}
    assert abs(found.value[0, 0] - math.cos(1)) + 1e-8 <= found.error[0, 0]


def pieces(x):
    """What is left of inner iterations: waves with slopes of 2e-4, x close to the end of one."""
    t = x / 2.7182
    return math.sin(1.36 * t) - 1.13 * t * t - 0.73 + 1e-5 * abs(math.sin(50 * (t - 1 + 1e-6)))


def test_waves_with_slopes_of_a_thousandth_are_left_to_the_ladder():
    found = settled(pieces, 2.7182)
    assert abs(found.value[0, 0] - (1.36 * math.cos(1.36) - 2.26) / 2.7182) < 1e-4


# --- Smooth functions and noise ---


class Tally(Counter):
    """How many cases were asked for more, newly flagged, newly wrong, and at what cost."""


@cache
def tally(kind, order=1):
    count = Tally()
    cases = noisy_cases() if kind == "noisy" else corpus.cases(order)
    for case in cases:
        *_, before = arguments = climbed(case.f, case.x, order)
        after = settle(*arguments)
        count["cases"] += 1
        count["asked"] += after.nfev > before.nfev
        count["evaluations"] += after.nfev - before.nfev
        count["flagged"] += bool((flagged(after) & ~flagged(before)).any())
        if order == 1 and not flagged(after).any():
            lie = [
                abs(one.value[0, 0] - case.exact) > 10 * one.error[0, 0] for one in (before, after)
            ]
            count["lies"] += bool(lie[1] and not lie[0])
    return count


@pytest.mark.parametrize(
    ("kind", "order"), [("clean", 1), ("noisy", 1), ("clean", 2), ("clean", 3)]
)
def test_false_flags(kind, order):
    count = tally(kind, order)
    assert count["flagged"] <= 0.005 * count["cases"]


def test_nothing_is_asked_of_smooth_functions():
    count = tally("clean")
    assert count["asked"] <= 0.0105 * count["cases"]
    assert count["evaluations"] <= 0.5 * count["cases"]


def test_noise_costs_little():
    count = tally("noisy")
    assert count["asked"] <= 0.15 * count["cases"]
    assert count["evaluations"] <= 5 * count["cases"]


@pytest.mark.parametrize("kind", ["clean", "noisy"])
def test_no_answer_gets_worse(kind):
    assert tally(kind)["lies"] == 0


def noise(x, seed=0):
    """A number in [-1, 1) that the bits of x determine."""
    bits = np.float64(x).view(np.uint64) ^ np.uint64(seed + 1) * np.uint64(0x9E3779B9)
    return np.random.default_rng(int(bits)).uniform(-1, 1)


@pytest.mark.parametrize("level", [1e-12, 1e-9, 1e-6])
def test_kinks_and_jumps_under_noise(level):
    bent = settled(lambda x: abs(x - 1) + math.sin(x) + level * noise(x), 1.0)
    assert bent.status[0, 0] == KINK
    (left,), (right,) = bars_of_sides(lambda x: abs(x - 1) + math.sin(x) + level * noise(x), 1.0)
    assert abs(bent.left[0, 0] - math.cos(1) + 1) <= left <= 0.3
    assert abs(bent.right[0, 0] - math.cos(1) - 1) <= right <= 0.3
    torn = settled(lambda x: float(x >= 1) + math.sin(x) + level * noise(x), 1.0)
    assert torn.status[0, 0] == JUMP


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("level", [1e-13, 1e-9, 1e-5, 1e-3])
def test_noise_is_neither(level, seed):
    found = settled(lambda x: math.exp(x) * (1 + level * noise(x, seed)), 0.3 * seed)
    assert found.status[0, 0] in {OK, NOISE_LIMITED}


@pytest.mark.parametrize(
    "f",
    [
        lambda x: round(math.sin(x), 3),
        lambda x: round(math.sin(x), 6),
        lambda x: float(np.float32(math.sin(x))),
        lambda x: math.sin(float(np.float32(x))),
        lambda x: math.floor(1e4 * math.sin(x) + 0.3) / 1e4,
        lambda x: float(f"{math.sin(x):.4e}"),
    ],
)
@pytest.mark.parametrize("x", [0.7, 1.2345, 2.5, -3.1])
def test_staircases_are_not_jumps(f, x):
    assert settled(f, x).status[0, 0] in {OK, NOISE_LIMITED}


def test_secants_beside_a_tiny_x_start_on_the_scale_of_f():
    """Steps of the size of 1 would tell nothing of it, and cost a quarter more."""

    def f(x):
        t = x / 1e-5
        return 0.49710208837666736 - math.sin(2.675649842472509 * t) + t * t / 18 + (t >= 1) / 1000

    found = settled(f, 1e-5)
    assert found.status[0, 0] == JUMP
    assert found.nfev <= 90


def test_a_staircase_jumps_where_x_stands_on_a_step():
    assert settled(lambda x: math.floor(x) / 1000, 37.0).status[0, 0] == JUMP
    assert settled(lambda x: math.floor(x) / 1000, 37.3).status[0, 0] != JUMP


def test_a_round_corner_under_noise_is_no_kink():
    """Closer to x than it is round both sides come together again."""
    f = lambda x: 10 * math.sqrt((x - 1 - 1e-8) ** 2 + 1e-10) + math.sin(0.6 * x) + 0.6 * x * x
    for seed in range(20):
        noisy = lambda x, seed=seed: f(x) * (1 + 1e-6 * noise(x, seed))
        assert settled(noisy, 1.0).status[0, 0] != KINK


def test_a_kink_just_beside_x_is_none_at_x():
    def f(x):
        u = (x + 3 - 3e-12) / 3
        return 0.1 * abs(u) * (1 + 30 * u) - math.sin(1.49314101682585 * x / 3) - x * x / 6

    assert settled(f, -3.0).status[0, 0] != KINK


# --- Many outputs and directions ---


def test_outputs_are_independent():
    def f(x):
        return np.array(
            [
                math.sin(x),
                abs(x - 1),
                x**3,
                math.floor(x),
                math.exp(x) * (1 + 1e-6 * noise(x)),
                max(x, x * x) + math.exp(x),
                abs(x - 1) ** 0.5,
            ]
        )

    lines = settled(f, 1.0)
    assert lines.status[0].tolist() == [OK, KINK, OK, JUMP, NOISE_LIMITED, KINK, JUMP]
    smooth = [0, 2, 4]
    exact = np.array([math.cos(1), 3.0, math.e])
    assert (np.abs(lines.value[0, smooth] - exact) <= lines.error[0, smooth]).all()
    assert np.isnan(lines.left[0, [0, 2, 3, 4, 6]]).all()
    sides = np.array([lines.left[0, [1, 5]], lines.right[0, [1, 5]]])
    wanted = np.array([[-1.0, 1 + math.e], [1.0, 2 + math.e]])
    assert (np.abs(sides - wanted) <= bars_of_sides(f, 1.0)).all()


@pytest.mark.parametrize(
    "case", [case for case in ALL if case.name not in OTHER_FLAGS], ids=lambda case: case.name
)
def test_a_noisy_output_beside_hides_nothing(case):
    def f(x):
        steady = math.exp((x - case.x) / max(1.0, abs(case.x)))
        return np.array([case.f(x), steady, steady * (1 + 1e-8 * noise(x))])

    lines = settled(f, case.x)
    assert lines.status[0, 0] in {KINK, JUMP}
    assert lines.status[0, 1] == OK
    assert lines.status[0, 2] in {OK, NOISE_LIMITED}


def test_gradient_with_some_kinks():
    found = settled(lambda x: np.abs(x).sum() + x[0] * x[2], [1.0, 0.0, -2.0, 0.0])
    assert found.status[:, 0].tolist() == [OK, KINK, OK, KINK]
    assert np.allclose(found.left[[1, 3], 0], -1, rtol=1e-9)
    assert np.allclose(found.right[[1, 3], 0], 1, rtol=1e-9)
    assert np.allclose(found.value[[0, 2], 0], [-1.0, 0.0], atol=1e-9)


def test_largest_entry_and_norm():
    largest = settled(np.max, [1.0, 2.0, 2.0, 0.0])
    assert largest.status[:, 0].tolist() == [OK, KINK, KINK, OK]
    norm = settled(np.linalg.norm, np.zeros(3))
    assert (norm.status == KINK).all()


def test_directions_across_a_kink_and_along_it():
    def f(x):
        return abs(2 * x[0] - x[1]) + math.sin(x[0])

    across = settled(f, [1.0, 2.0], v=[1.0, 0.5])
    assert across.status[0, 0] == KINK
    assert np.allclose(across.left, math.cos(1) - 1.5, rtol=1e-9)
    assert np.allclose(across.right, math.cos(1) + 1.5, rtol=1e-9)
    for v in ([1.0, 2.0], [0.3, 0.6], [-7e-3, -1.4e-2]):
        aligned = settled(f, [1.0, 2.0], v=v)
        assert aligned.status[0, 0] == OK
        assert abs(aligned.value[0, 0] - v[0] * math.cos(1)) <= aligned.error[0, 0]


def test_complex_outputs():
    found = settled(lambda x: math.exp(x) + 1j * abs(x - 1), 1.0)
    assert found.status[0].tolist() == [OK, KINK]


# --- Higher orders, one side, budgets ---


@pytest.mark.parametrize(
    ("f", "x", "kind"),
    [
        (lambda x: abs(x - 1), 1.0, KINK),
        (lambda x: abs(x) + math.exp(x), 0.0, KINK),
        (lambda x: x * abs(x), 0.0, KINK),
        (lambda x: max(x, 0.0) ** 2, 0.0, KINK),
        (lambda x: 0.5 * x * x if abs(x) <= 1 else abs(x) - 0.5, 1.0, KINK),
        (math.floor, 1.0, JUMP),
        (lambda x: abs(x - 1) ** 0.5, 1.0, JUMP),
    ],
)
def test_second_derivatives(f, x, kind):
    found = settled(f, x, 2)
    assert found.status[0, 0] == kind
    assert (found.left, found.right) == (None, None)


@pytest.mark.parametrize(
    ("f", "x", "side"),
    [
        (math.sqrt, 0.0, 1),
        (lambda x: 100 + 0.01 * math.sqrt(x - 2), 2.0, 1),
        (math.acos, 1.0, -1),
        (lambda x: x * math.log(x) if x else 0.0, 0.0, 1),
        (lambda x: float(x > 1), 1.0, 1),
        (lambda x: x + 1e-3 * (x >= 1), 1.0, -1),
    ],
)
def test_infinite_slopes_at_the_edge_of_a_domain(f, x, side):
    assert settled(f, x, side=side).status[0, 0] == JUMP


@pytest.mark.parametrize(
    ("f", "x", "exact"),
    [
        (math.exp, 0.0, 1.0),
        (abs, 0.0, 1.0),
        (lambda x: x**1.5, 0.0, 0.0),
        (lambda x: x**1.1, 0.0, 0.0),
        (math.sqrt, 1e-6, 500.0),
        (lambda x: x * math.log(x), 1e-5, math.log(1e-5) + 1),
    ],
)
def test_slopes_on_one_side(f, x, exact):
    found = settled(f, x, side=1)
    assert found.status[0, 0] in {OK, NOISE_LIMITED}
    assert abs(found.value[0, 0] - exact) <= found.error[0, 0]


def test_a_kink_at_a_bound_is_none():
    found = settled(lambda x: abs(x - 1) + math.exp(x), 1.0, side=1)
    assert found.status[0, 0] == OK


def test_nothing_is_asked_where_the_budget_is_short():
    *_, before = arguments = climbed(abs, 0.0, budget=59)
    after = settle(*arguments)
    assert after is before
    assert after.left is None


def test_evaluations_are_counted():
    calls = []

    def f(x):
        calls.append(x)
        return abs(x)

    assert settled(f, 0.0).nfev + 1 == len(calls)


def test_what_was_given_is_left_alone():
    *_, before = arguments = climbed(lambda x: abs(x - 1), 1.0)
    kept = [before.value.copy(), before.error.copy(), before.status.copy()]
    assert settle(*arguments) is not before
    for column, copy in zip((before.value, before.error, before.status), kept, strict=True):
        assert np.array_equal(column, copy)


def test_suspicion():
    for f, expected in ((math.sin, False), (lambda x: math.exp(x) + abs(x - 1), True)):
        assert (suspects_of(*climbed(f, 1.0), 0) is not None) == expected


# --- Secants ---

STEPS = 0.5 * 16.0 ** -np.arange(16.0)[:, None]
FLOOR = 2.0**-52 / STEPS


def sequence(slope):
    """Secants with these slopes on the right and 0 on the left."""
    with np.errstate(all="ignore"):
        right = np.broadcast_to(slope, STEPS.shape)
    return Secants(STEPS, np.stack([0 * right, right]), FLOOR, FLOOR, 0)


def random_slopes(seed):
    return 1 + np.random.default_rng(seed).uniform(-1, 1, STEPS.shape) * 1e-6 / STEPS


@pytest.mark.parametrize(
    ("slope", "power", "grows"),
    [
        (1 / STEPS, 1.0, True),
        (3 + STEPS**-0.5, 0.5, True),
        (STEPS**-0.1, 0.1, True),
        (np.log(STEPS), 0.0, True),
        (STEPS**0.1, -0.1, False),
        (2 + STEPS**0.5, -0.5, False),
    ],
)
def test_laws_of_secants(slope, power, grows):
    secants = sequence(slope)
    with np.errstate(all="ignore"):
        powers = powers_of(secants.slopes[1], FLOOR)
        assert np.allclose(powers[np.isfinite(powers)], power, atol=1e-2)
        assert law(powers, power - 0.05, power + 0.05) >= 0
        assert law(powers, power + 0.05) == -1
        assert (endless(secants.slopes[1], secants, -0.05) >= 0) == grows


def test_a_law_that_ends_belongs_to_something_beside_x():
    near = sequence(np.where(STEPS > 1e-7, 1 + 1e-7 / STEPS, 2.0))
    with np.errstate(all="ignore"):
        assert law(powers_of(near.slopes[1], FLOOR), 0.5) >= 0
        assert endless(near.slopes[1], near, -0.05) == -1


def test_a_law_that_drowns_in_later_changes_is_none():
    """Changes of f at the smallest steps are larger than those at the end of the law."""
    later = np.arange(16)[:, None] > 8
    noisy = sequence(STEPS**-0.5 + later * 1e-4 * (-1.0) ** np.arange(16)[:, None] / STEPS)
    with np.errstate(all="ignore"):
        assert law(powers_of(noisy.slopes[1], FLOOR), 0.0) >= 0
        assert endless(noisy.slopes[1], noisy, 0.0) == -1


def test_noise_has_no_law():
    with np.errstate(all="ignore"):
        ends = [endless(sequence(random_slopes(s)).slopes[1], sequence(0.0), 0) for s in range(500)]
    assert np.count_nonzero(np.array(ends) >= 0) <= 10


def test_a_law_is_confirmed_off_the_lattice():
    first, ends = sequence(STEPS**-0.5), np.array([[-1], [8]])
    second = sequence((0.32 * STEPS) ** -0.5)._replace(steps=0.32 * STEPS)
    with np.errstate(all="ignore"):
        assert confirmed(first, second, ends)
        assert not confirmed(first, sequence(random_slopes(1)), ends)


@pytest.mark.parametrize(
    ("slope", "limit"),
    [
        (2 + STEPS, 2.0),
        (2 + STEPS**0.5, 2.0),
        (STEPS**0.2, 0.0),
        (random_slopes(2), 1.0),
        (np.where(STEPS > 1e-6, 1 + 1e-6 / STEPS, 2.0), 2.0),
    ],
)
def test_limits_of_secants(slope, limit):
    with np.errstate(all="ignore"):
        found = limits_of(sequence(slope))
    assert abs(found.value[1, 0] - limit) <= found.error[1, 0] <= 1.0
    assert found.value[0, 0] == 0


def test_noise_of_smaller_steps_widens_the_bar_of_a_limit():
    """It is in f(x) and in f(x + h), though three secants agree by chance."""
    number = np.arange(16)[:, None]
    changes = 1e-6 * (-1.0) ** number * (number > 2)
    with np.errstate(all="ignore"):
        found = limits_of(sequence(1.0 + changes / STEPS))
    assert found.value[1, 0] == 1.0
    assert 2e-6 / STEPS[2] <= found.error[1, 0] <= 2.1e-6 / STEPS[2]


@pytest.mark.parametrize("slope", [1 / STEPS, (-1.0) ** np.arange(16)[:, None]])
def test_secants_without_a_limit(slope):
    with np.errstate(all="ignore"):
        found = limits_of(sequence(slope))
    assert math.isnan(found.value[1, 0])
    assert found.error[1, 0] == math.inf


def test_a_break_that_may_begin_at_x_itself_is_found_in_so_many_steps():
    """The near reading is exact at x = 0, so nothing but 0 is below the break."""

    def f(x):
        return np.array([np.sin(x), np.abs(x), x**3 + 1e-6 * np.sin(1e8 * x)])

    found = nd.derivative(f, 0.0)
    assert found.nfev < 500
    assert abs(found.value[2] - 100.0) <= found.error[2] or not found.success[2]
