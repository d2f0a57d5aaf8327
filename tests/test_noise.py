"""Noise: told by the user, or noticed from the values of f."""

import math
from collections import defaultdict

import numpy as np
import pytest

import numdiff as nd
from numdiff.rules import RULES
from tests.corpus import noisy
from tests.measuring.operators import Recorded

HASHED = ("hash_uniform", "hash_gaussian", "hash_additive")
CASES = list(noisy.noisy_cases())


def covered(estimate, exact):
    return abs(estimate.value - exact) <= estimate.error


# --- told ---


@pytest.mark.parametrize("kind", HASHED)
def test_bars_hold_where_the_noise_is_told(kind):
    held, calls = [], []
    for case in CASES:
        if case.kind == kind:
            noise = case.level * max(abs(case.f(case.x)), 1e-300)
            found = nd.derivative(case.f, case.x, noise=noise)
            held.append(covered(found, case.exact))
            calls.append(found.nfev)
    assert np.mean(held) >= 0.95
    assert np.mean(calls) <= 20


def test_noise_is_used_as_it_is():
    found = nd.derivative(math.exp, 1.0, noise=1e-6)
    assert found.noise == 1e-6
    assert found.status == nd.Status.NOISE_LIMITED
    assert found.error > 1e-6
    assert found.nfev < nd.derivative(math.exp, 1.0).nfev + 10


def test_noise_of_each_output():
    found = nd.jacobian(lambda x: np.stack([np.exp(x[0]), x[0] ** 2]), [1.0], noise=[1e-6, 0.0])
    assert found.noise[:, 0].tolist()[0] == 1e-6
    assert found.error[0, 0] > 1e4 * found.error[1, 0]


@pytest.mark.parametrize("operator", [nd.hessian, nd.hessian_diagonal, nd.gradient])
def test_noise_reaches_all_operators(operator):
    def f(x):
        return np.exp(x[0]) * x[1]

    told, noticed = operator(f, [1.0, 2.0], noise=1e-7), operator(f, [1.0, 2.0])
    assert (told.error >= noticed.error).all()
    assert (told.noise == 1e-7).any()


def test_noise_of_complex_outputs():
    found = nd.jacobian(lambda x: np.exp(1j * x), [1.0, 2.0], noise=1e-7)
    assert (
        np.abs(found.value - np.diag(1j * np.exp(1j * np.array([1.0, 2.0])))) < found.error
    ).all()


@pytest.mark.parametrize(
    ("noise", "error", "words"),
    [
        (-1.0, ValueError, "negative"),
        ([1.0, 2.0, 3.0], ValueError, "shape of f's output"),
        (math.nan, ValueError, "finite"),
        ("much", TypeError, "noise"),
    ],
)
def test_bad_noise_is_refused(noise, error, words):
    with pytest.raises(error, match=words):
        nd.jacobian(lambda x: x, [1.0, 2.0], noise=noise)


# --- noticed ---


def by_kind():
    held, lies, calls = defaultdict(list), defaultdict(int), []
    for case in CASES:
        found = nd.derivative(case.f, case.x)
        error = abs(found.value - case.exact)
        held[case.kind].append(bool(error <= found.error) or not found.success)
        lies[case.kind] += bool(found.success and error > 10 * found.error)
        calls.append(found.nfev)
    return held, lies, calls


def test_bars_hold_on_every_kind_of_deterministic_noise():
    held, lies, calls = by_kind()
    for kind, answers in held.items():
        assert np.mean(answers) >= IN_PIECES.get(kind, 0.95), kind
        assert lies[kind] <= WITHIN_A_PIECE.get(kind, 0), kind
    assert np.mean(calls) <= 31


def named(*names):
    found = [case for case in CASES if case.name in names]
    assert len(found) == len(names)
    return found


def test_bars_are_as_narrow_as_single_precision_inside_f_allows():
    cases = [case for case in CASES if case.kind == "single_inside"]
    widths = [nd.derivative(case.f, case.x).error / abs(case.exact) for case in cases]
    assert np.median(widths) <= 1e-5


def test_noise_that_looks_like_noise_costs_no_closer_look():
    for case in named(
        "sin@0.7+hash_uniform:1e-10",
        "small_values@2+hash_gaussian:1e-08",
        "sin@2.9+fast_sine:1e-06",
    ):
        assert nd.derivative(case.f, case.x).nfev <= 26, case.name


@pytest.mark.xfail(reason="all levels lie within one piece of f, whose f'' is its own", strict=True)
@pytest.mark.parametrize(
    ("name", "curvature"),
    [
        ("cos_fast@1.45+panel_count:1e-06", -25.0 * math.cos(7.25)),
        ("atan@-2.5+panel_count:1e-06", 5.0 / 7.25**2),
    ],
)
def test_second_derivatives_of_a_function_in_pieces(name, curvature):
    (case,) = named(name)
    assert covered(nd.derivative(case.f, case.x, order=2), curvature)


# Lies where all steps of the ladder stay within one smooth piece of f: its slope is all they see.
# One lie at the level of rounding, which few samples have missed.
WITHIN_A_PIECE = {"panel_count": 2, "hash_uniform": 1, "newton": 17}
# What is covered of the slope of the model where f is smooth in wide pieces: a bar is for f as
# coded, and `accuracy` for what is behind it.
IN_PIECES = {"newton": 0.7}


@pytest.mark.parametrize(("jump", "reach"), [(1e-7, 0.011), (1e-9, 0.011), (1e-7, 0.03)])
def test_a_jump_that_larger_steps_see_is_in_the_bar(jump, reach):
    """The slope of the piece at x is off by about the jump over the width of the piece."""
    bias = jump / reach

    def f(x):
        inside = abs(x - 1) < reach
        return math.exp(x) + (bias * (x - 1) if inside else jump * math.copysign(0.6, x - 0.7))

    found = nd.derivative(f, 1.0)
    assert covered(found, math.e)
    assert found.error < 100 * bias
    assert found.status == nd.Status.NOISE_LIMITED


# --- rounded so coarsely that f is flat around x ---


@pytest.mark.parametrize("x", [0.56, 0.83, 1.51, 2.31, 2.72])
def test_a_flat_step_of_rounding_has_a_wide_bar(x):
    found = nd.derivative(lambda t: round(5 + 2 * math.atan(t), 1), x)
    assert covered(found, 2 / (1 + x * x))
    assert found.status == nd.Status.NOISE_LIMITED


def test_where_f_is_flat_it_is_looked_at_far_off_on_both_sides():
    f = Recorded(lambda t: round(5 + 2 * math.atan(t), 1))
    nd.derivative(f, 0.56)
    off = np.array(f.points) - 0.56
    assert (off > 0.2).any()
    assert (off < -0.2).any()


def test_the_bar_of_a_flat_step_is_as_high_as_the_step():
    plain = nd.derivative(lambda t: round(5 + 2 * math.atan(t), 1), 0.56)
    small = nd.derivative(lambda t: round(5 + 2 * math.atan(t), 1) * 2.0**-20, 0.56)
    assert small.error == pytest.approx(plain.error * 2.0**-20)


@pytest.mark.parametrize(
    "f",
    [
        lambda _: 4.25,
        lambda x: min(max(x, 0.0), 1.0),
        lambda x: max(1.5, 2 * abs(x - 1)),
        lambda x: 1 + max(0.0, x - 2) ** 2,
    ],
)
def test_a_function_that_is_flat_at_x_keeps_its_narrow_bar(f):
    found = nd.derivative(f, 1.3)
    assert found.value == 0.0
    assert found.error < 1e-12
    assert found.nfev <= 13


# --- classical rules ---


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule != "textbook"])
@pytest.mark.parametrize("method", ["forward", "backward", "central"])
def test_rules_answer_through_the_operators(rule, method):
    found = nd.gradient(lambda x: np.exp(x[0]) * x[1], [1.0, 2.0], method=method, step=rule)
    exact = np.array([2 * math.e, math.e])
    assert found.success.any() or (found.status == nd.Status.SINGLE_STEP).any()
    assert np.allclose(found.value, exact, rtol=1e-4)
    known = np.isfinite(found.error)
    assert (np.abs(found.value - exact) <= found.error)[known].all()


def test_rules_stay_inside_bounds():
    seen = []

    def f(x):
        seen.append(x[0])
        return math.exp(x[0])

    found = nd.gradient(f, [1.0], method="central", step="shi", bounds=(1.0, 2.0))
    assert min(seen) >= 1.0
    assert max(seen) <= 2.0
    assert found.status[0] == nd.Status.ONE_SIDED


@pytest.mark.parametrize("method", ["auto", "richardson"])
def test_rules_are_for_single_differences(method):
    with pytest.raises(ValueError, match="rule"):
        nd.gradient(np.sum, [1.0], method=method, step="shi")


def test_rules_are_for_first_derivatives():
    with pytest.raises(ValueError, match="first derivatives"):
        nd.derivative(math.exp, 1.0, order=2, method="central", step="shi")
    with pytest.raises(ValueError, match="first derivatives"):
        nd.hessian(np.sum, [1.0, 2.0], method="central", step="shi")
