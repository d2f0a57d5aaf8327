"""What the rule of `numdiff.verify` allows for: rounding, luck, zeros, and words."""

import zlib

import numpy as np
import pytest
from scipy.sparse.linalg import aslinearoperator

from numdiff import verify
from numdiff.verify import identities
from numdiff.verify.hints.search import Evidence, hints
from numdiff.verify.rule import Numerical, Sizes, judge, size_of

SEEDS = range(40)


def by_differences(weights):
    """A gradient of sum(exp(w x)) by central differences: right, but for rounding."""
    h = 1e-6
    return lambda x: (np.exp(weights * (x + h)) - np.exp(weights * (x - h))) / (2 * h)


def blamed(f, derivative, points):
    return [x for x in points if verify.gradient(f, derivative, x).verdict == "disagree"]


# --- Rounding inside the derivative ---


def test_rounding_that_is_small_by_luck_blames_no_entry():
    random, wrong = np.random.default_rng(0), 0
    for _ in SEEDS:
        w, x = random.uniform(-1.5, 1.5, 5), random.uniform(0.2, 2.0, 5)
        wrong += len(blamed(lambda x, w=w: np.sum(np.exp(w * x)), by_differences(w), [x]))
    assert wrong <= 1  # of 40: single second differences blame a third


def test_small_errors_of_exact_formulas_are_still_found():
    random, found = np.random.default_rng(1), 0
    for _ in SEEDS:
        w, x = random.uniform(-1.5, 1.5, 5), random.uniform(0.2, 2.0, 5)
        off = 1.0 + 1e-9 * (np.arange(5) == random.integers(5))
        right = lambda x, w=w: w * np.exp(w * x)
        wrong = lambda x, w=w, off=off: off * w * np.exp(w * x)
        f = lambda x, w=w: np.sum(np.exp(w * x))
        assert verify.gradient(f, right, x).verdict == "agree"
        found += verify.gradient(f, wrong, x).verdict == "disagree"
    assert found >= 0.85 * len(SEEDS)


@pytest.mark.parametrize(
    ("f", "derivative", "low", "high"),
    [
        (
            lambda x: np.expm1(x[0]) / x[0],
            lambda x: (x * np.exp(x) - np.exp(x) + 1) / x**2,
            -6.5,
            -4.5,
        ),
        (lambda x: np.log(np.expm1(x[0])), lambda x: np.exp(x) / (np.exp(x) - 1), -9.0, -6.0),
    ],
    ids=["phi", "log expm1"],
)
def test_cancellation_beside_one_is_seen_at_small_x(f, derivative, low, high):
    assert not blamed(f, derivative, [[10.0**p] for p in np.linspace(low, high, 20)])


# --- Sizes ---


def test_an_input_that_is_zero_is_not_measured_in_units_of_large_ones():
    x = np.array([1.5e11, 0.0167, 0.0])
    assert size_of(x).tolist() == [1.5e11, 0.0167, 1.0]
    assert size_of(x, np.array([1.0, 1.0, 40.0]))[2] == 40.0
    assert size_of(np.array([1e-9, 0.0]))[1] == 1e-9


def test_zeros_are_not_agreed_on_to_digits():
    report = verify.jacobian(lambda _: np.ones(3), lambda _: np.zeros((3, 3)), [1.0, 2.0, 3.0])
    assert report.verdict == "agree"
    assert np.isnan(report.coverage.digits)
    assert "digits" not in str(report)


def test_a_hessian_is_measured_by_effects_of_all_rows_in_units_of_each_input():
    value, inputs = np.array([[5.0, 0.0], [0.0, 0.0]]), np.array([1.0, 1e6])
    error, nothing = np.full((2, 2), 1e-15), np.zeros((2, 2))
    numerical = Numerical(value, error, nothing.astype(np.uint8), nothing, nothing, nothing)
    sizes = Sizes(inputs, np.zeros(2), inputs, np.zeros(2, bool))
    judged = judge(value, nothing, numerical, sizes, 1e-4)
    assert judged.verdict.tolist() == [["agree", "agree"], ["agree", "inconclusive"]]


def test_a_hessian_of_zeros_is_measured_by_f_in_units_of_both_inputs():
    rounded = lambda x: float(np.float32(x[0] + x[1]))
    assert verify.hessian(rounded, np.zeros((2, 2)), [1.3e-4, 0.7e-4]).verdict == "agree"
    unit = lambda x: zlib.crc32(x.tobytes()) / 2**31 - 1.0
    rough = lambda x: (x[0] + x[1]) * (1.0 + 1e-8 * unit(x))
    assert verify.hessian(rough, np.zeros((2, 2)), [1.3e6, 0.7e6]).verdict == "inconclusive"


# --- The floor ---


@pytest.mark.parametrize(("relative", "verdict"), [(9e-11, "agree"), (2e-10, "disagree")])
def test_the_floor_is_accepted_and_bars_say_so(relative, verdict):
    x = np.array([1.3, 0.7])
    report = verify.gradient(lambda x: np.sum(x**2), lambda x: 2 * x * (1 + relative), x)
    assert report.verdict == verdict
    assert ((report.entries["bars"] > 8.0) == (verdict == "disagree")).all()
    if verdict == "agree":
        assert report.entries["bars"] == pytest.approx(8 * relative / 1e-10, rel=1e-3)


# --- Algebra ---


@pytest.mark.parametrize("seed", range(10))
def test_a_product_is_asked_for_both_signs(seed):
    bent = identities.linearity(np.abs, np.eye(1), np.random.default_rng(seed))
    assert not bent.holds


@pytest.mark.parametrize(("error", "holds"), [(1e-5, True), (0.0, False)])
def test_symmetry_allows_for_the_rounding_of_both_entries(error, holds):
    matrix = np.array([[1.0, 1.0 + 1e-6], [1.0, 1.0]])
    assert identities.symmetry(matrix, np.full((2, 2), error)).holds == holds


# --- Words ---


def test_one_entry_that_is_known_of_ten_explains_nothing():
    x = np.append(np.zeros(9), 1.2345678)
    f = lambda x: np.sum(np.abs(x) ** 3.0) ** 0.5 + np.abs(x).sum()
    right = np.sign(x) * (1.0 + 1.5 * x**0.5)
    report = verify.gradient(f, 2.0 * right, x)
    assert report.coverage[3:5] == (1, 9)
    assert report.hints == ()
    assert "factor 1/2" in verify.gradient(f, 2.0 * right[9:], x[9:]).hints[0]


def test_no_input_is_no_zero_or_one():
    report = verify.jvp(np.sin, lambda x, v: np.cos(x) * v, np.zeros(0))
    assert "zeros and ones" not in " ".join(report.notes)


def test_what_is_not_known_speaks_for_no_index():
    x = np.array([0.3, 0.8, 1.7, 2.1])
    right = np.exp(np.sin(x))[None]
    given, numerical = right.copy(), right.copy()
    given[0, 1] *= 1.2345678
    numerical[0, 2] = np.nan
    found = hints(Evidence(given, numerical, 1e-12 * right, x, None, "gradient"), lambda _: True)
    assert "index" not in " ".join(found)


@pytest.mark.parametrize(("given", "where"), [(1e-3, "between"), (2e-3, "outside")])
def test_a_slope_at_a_kink_may_be_one_of_its_ends(given, where):
    f = lambda x: np.abs(x[0] - 1.0) * 1e-3 + 1e6
    notes = " ".join(verify.gradient(f, lambda _: [given], [1.0]).notes)
    assert f"the given value lies {where}" in notes


def test_a_factor_of_nearly_one_is_no_factor_that_is_missing():
    f, x = (lambda x: np.sum(x**3)), np.array([0.37, 1.23, 2.71])
    report = verify.gradient(f, lambda x: 3 * x**2 * (1 + 2e-8), x)
    assert report.verdict == "disagree"
    assert "factor" not in " ".join(report.hints)
    assert "factor" in " ".join(verify.gradient(f, lambda x: 3 * x**2 * 1.02, x).hints)


def test_one_more_entry_is_no_more_entries():
    report = verify.gradient(lambda x: np.sum(x**3), lambda x: x**2 * [3, 3.1], [1.3, 0.7])
    assert "... 1 more entry" in str(report)
    assert "1 more entries" not in str(report)


def test_a_tolerance_of_one_or_more_is_not_proposed():
    noise = np.random.default_rng(0)
    f = lambda x: 1.0 + 1e-6 * x[0] + 1e-3 * noise.standard_normal()
    report = verify.gradient(f, lambda _: [1e-6], [1.0])
    assert report.verdict == "inconclusive"
    assert "rtol" not in " ".join(report.notes)


def test_an_operator_in_single_precision_is_held_to_it():
    slopes = np.random.default_rng(3).normal(size=(4, 3)).astype(np.float32)
    operator = aslinearoperator(slopes.astype(np.float32) * np.float32(1 / 3))
    exact = slopes.astype(float) / 3
    report = verify.jacobian(lambda x: exact @ x, lambda _: operator, [1.0, -2.0, 0.5])
    assert report.verdict == "agree"
    wrong = operator * np.float32(1.01)
    report = verify.jacobian(lambda x: exact @ x, lambda _: wrong, [1.0, -2.0, 0.5])
    assert report.verdict == "disagree"
