"""Checking hand-written derivatives: the verdict, its reasons, and every form of derivative."""

import json
import math
import unittest
import warnings
from functools import partial

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import Bounds, rosen, rosen_der, rosen_hess, rosen_hess_prod
from scipy.sparse.linalg import LinearOperator, aslinearoperator

import numdiff as nd
from numdiff import verify
from numdiff.estimate import Status
from numdiff.verify import identities
from numdiff.verify.report import DISAGREE, ROWS
from numdiff.verify.rule import Numerical, Sizes, judge
from numdiff.verify.second_look import second_look
from tests.corpus.noisy import noisy_cases

POINT = np.array([1.3, 0.7, 0.8, 1.9, 1.2])
SQUARE = np.array([0.4, -1.1, 0.9])


def residuals(x):
    return np.array([np.sin(x[0]) * x[1], x[2] ** 3, np.exp(x[0] - x[2]), x[1]])


def residuals_jacobian(x):
    grown = np.exp(x[0] - x[2])
    return np.array(
        [
            [np.cos(x[0]) * x[1], np.sin(x[0]), 0.0],
            [0.0, 0.0, 3 * x[2] ** 2],
            [grown, 0.0, -grown],
            [0.0, 1.0, 0.0],
        ]
    )


def off(derivative, index, relative):
    """The derivative with one entry wrong by so much."""

    def wrong(*arguments):
        found = np.array(derivative(*arguments), float)
        found[index] *= 1.0 + relative
        return found

    return wrong


def verdicts(report):
    return report.entries["verdict"].tolist()


# --- The rule ---


def judged(analytic, value, error, *, rounding=0.0, status=Status.OK, rtol=1e-4, rows=0.0):
    """Judge one row; inputs have size 1."""
    value = np.atleast_2d(value).astype(float)
    empty, codes = np.full(value.shape, np.nan), np.full(value.shape, status, np.uint8)
    bars, own = np.broadcast_to(error, value.shape), np.broadcast_to(rounding, value.shape)
    sizes = Sizes(np.ones(value.shape[1]), np.array([rows]), None, np.array([False]))
    numerical = Numerical(value, bars, codes, empty, empty, empty)
    return judge(np.atleast_2d(analytic), own, numerical, sizes, rtol).verdict[0].tolist()


@pytest.mark.parametrize(
    ("difference", "bar", "expected"),
    [
        (0.0, 1e-12, "agree"),
        (7e-9, 1e-9, "agree"),  # within eight bars
        (9e-9, 1e-9, "disagree"),
        (9e-11, 1e-13, "agree"),  # beyond the bars, but rounding
        (2e-10, 1e-13, "disagree"),
        (0.0, 1e-4, "inconclusive"),  # nothing is proven
        (2e-4, 1e-4, "inconclusive"),
        (1.0, 0.0, "disagree"),
        (math.nan, 1e-9, "disagree"),
        (math.inf, 1e-9, "disagree"),
    ],
)
def test_the_rule(difference, bar, expected):
    assert judged([3.0 * (1.0 + difference)], [3.0], 3.0 * bar) == [expected]


def test_rounding_of_the_derivative_itself_is_allowed_for():
    assert judged([3.00001], [3.0], 1e-12) == ["disagree"]
    assert judged([3.00001], [3.0], 1e-12, rounding=1e-5) == ["agree"]


def test_what_may_be_zero_is_measured_against_its_row():
    assert judged([0.0], [0.0], 1e-13) == ["inconclusive"]
    assert judged([0.0, 5.0], [1e-14, 5.0], 1e-13) == ["agree", "agree"]
    assert judged([0.0, 5.0], [1e-4, 5.0], 1e-3) == ["inconclusive", "inconclusive"]
    assert judged([0.0], [0.0], 1e-13, rows=5.0) == ["agree"]


def test_what_is_surely_not_zero_is_measured_against_itself():
    assert judged([1.001e-9, 5.0], [1e-9, 5.0], 1e-12) == ["inconclusive", "agree"]
    assert judged([1.1e-9, 5.0], [1e-9, 5.0], 1e-12) == ["disagree", "agree"]


@pytest.mark.parametrize("status", [s for s in Status if not s.trustworthy])
def test_a_flagged_derivative_decides_nothing(status):
    assert judged([3.0], [-3.0], 1e-12, status=status) == ["inconclusive"]


def test_noise_needs_a_larger_difference():
    assert judged([3.000001], [3.0], 1e-7) == ["disagree"]
    assert judged([3.000001], [3.0], 1e-7, status=Status.NOISE_LIMITED) == ["agree"]


# --- Every kind and form of derivative ---

RIGHT = {
    "gradient": partial(verify.gradient, rosen, rosen_der, POINT),
    "gradient as array": partial(verify.gradient, rosen, rosen_der(POINT), POINT),
    "gradient as row": partial(verify.gradient, rosen, lambda x: rosen_der(x)[None], POINT),
    "gradient of matrix": partial(verify.gradient, lambda x: (x**3).sum(), lambda x: 3 * x**2,
                                  np.arange(1.0, 7.0).reshape(2, 3)),
    "slope": partial(verify.gradient, math.exp, math.exp, 0.7),
    "jacobian": partial(verify.jacobian, residuals, residuals_jacobian, SQUARE),
    "sparse": partial(verify.jacobian, residuals,
                      lambda x: sparse.csr_array(residuals_jacobian(x)), SQUARE),
    "sparse matrix": partial(verify.jacobian, residuals,
                             sparse.coo_matrix(residuals_jacobian(SQUARE)), SQUARE),
    "operator": partial(verify.jacobian, residuals,
                        lambda x: aslinearoperator(residuals_jacobian(x)), SQUARE),
    "jacobian of matrices": partial(verify.jacobian, np.transpose, lambda _: np.einsum(
        "ik,jl->jikl", np.eye(2), np.eye(3)), np.arange(1.0, 7.0).reshape(2, 3)),
    "hessian": partial(verify.hessian, rosen, rosen_hess, POINT),
    "hessian from grad": partial(verify.hessian, rosen, rosen_hess, POINT, grad=rosen_der),
    "jvp": partial(verify.jvp, residuals, lambda x, v: residuals_jacobian(x) @ v, SQUARE),
    "vjp": partial(verify.vjp, residuals, lambda x, w: w @ residuals_jacobian(x), SQUARE),
    "hvp": partial(verify.hvp, rosen_hess_prod, POINT, f=rosen),
    "hvp from grad": partial(verify.hvp, rosen_hess_prod, POINT, grad=rosen_der),
    "complex f": partial(verify.jacobian, lambda x: np.exp(1j * x),
                         lambda x: np.diag(1j * np.exp(1j * x)), SQUARE),
    "directional": partial(verify.directional, rosen, rosen_der, POINT),
    "directional jvp": partial(verify.directional, residuals,
                               lambda x, v: residuals_jacobian(x) @ v, SQUARE),
}  # fmt: skip


@pytest.mark.parametrize("name", RIGHT)
def test_right_derivatives_agree(name):
    report = RIGHT[name]()
    assert report.verdict == "agree", str(report)
    assert not report.hints


WRONG = {
    "gradient": partial(verify.gradient, rosen, off(rosen_der, 2, 1e-9), POINT),
    "gradient as array": partial(verify.gradient, rosen, off(rosen_der, 2, 1e-9)(POINT), POINT),
    "jacobian": partial(verify.jacobian, residuals, off(residuals_jacobian, (2, 0), 1e-9), SQUARE),
    "hessian": partial(verify.hessian, rosen, off(rosen_hess, (1, 2), 1e-7), POINT),
    "hessian from grad": partial(
        verify.hessian, rosen, off(rosen_hess, (1, 2), 1e-9), POINT, grad=rosen_der
    ),
    "jvp": partial(
        verify.jvp, residuals, lambda x, v: off(residuals_jacobian, (2, 0), 1e-9)(x) @ v, SQUARE
    ),
    "vjp": partial(
        verify.vjp, residuals, lambda x, w: w @ off(residuals_jacobian, (2, 0), 1e-9)(x), SQUARE
    ),
    "hvp": partial(verify.hvp, lambda x, v: off(rosen_hess, (1, 2), 1e-7)(x) @ v, POINT, f=rosen),
    "directional": partial(verify.directional, rosen, off(rosen_der, 2, 1e-5), POINT),
}
PLACES = {"jacobian": [2, 0], "jvp": [2, 0], "vjp": [2, 0], "hessian": [1, 2],
          "hessian from grad": [1, 2], "hvp": [1, 2]}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_one_wrong_entry_is_found_and_named(name):
    report = WRONG[name]()
    assert report.verdict == "disagree"
    assert verdicts(report).count("disagree") == 1
    assert report.worst(1)["index"][0].tolist() == PLACES.get(name, [2])
    assert report.worst(1)["bars"] > 8.0


def test_the_numbers_of_an_entry():
    report = verify.gradient(rosen, off(rosen_der, 2, 1e-3), POINT, names=list("abcde"))
    estimate = nd.gradient(rosen, POINT)
    entry = report.worst(1)[0]
    assert (entry["name"], entry["verdict"], entry["point"]) == ("c", "disagree", 0)
    assert entry["numerical"] == estimate.value[2]
    assert entry["error"] == estimate.error[2]
    assert entry["difference"] == entry["analytic"] - entry["numerical"]
    assert entry["relative"] == pytest.approx(1e-3)
    assert 1e9 < entry["bars"] <= abs(entry["difference"]) / entry["error"]
    assert report.coverage[:5] == (1, 5, 4, 1, 0)


def test_cost_is_that_of_the_operator_and_of_f_at_x():
    assert verify.gradient(rosen, rosen_der, POINT).nfev == nd.gradient(rosen, POINT).nfev + 1


def test_args_go_to_both():
    report = verify.gradient(
        lambda x, a, b: a * x @ x + b, lambda x, a, _: 2 * a * x, SQUARE, args=(3.0, 1.0)
    )
    assert report.verdict == "agree"
    assert verify.jvp(lambda x, a: a * x, lambda _, v, a: a * v, SQUARE, args=(2.0,)).nfev > 3
    assert verify.directional(
        lambda x, a: a * x @ x, lambda x, a: 2 * a * x, SQUARE, args=(2.0,)
    ).verdict == "agree"  # fmt: skip


def test_a_derivative_may_reuse_its_buffer_and_change_its_argument():
    buffer = np.empty(5)

    def gradient(x):
        buffer[:] = rosen_der(x)
        x[:] = np.nan
        return buffer

    assert verify.gradient(rosen, gradient, POINT).verdict == "agree"


# --- Dicts and names ---


def energy(p):
    return p["rate"] * np.sum(np.sin(p["w"])) + p["rate"] ** 2


def energy_gradient(p):
    return {
        "rate": np.sum(np.sin(p["w"])) + 2 * p["rate"],
        "w": p["rate"] * np.cos(p["w"]),
    }


PARAMETERS = {"rate": 1.7, "w": np.array([[0.3, 0.9], [1.4, -0.2]])}


def test_a_dict_of_parameters():
    assert verify.gradient(energy, energy_gradient, PARAMETERS).verdict == "agree"
    flat = {"rate": 1.7, "w": np.array([0.3, 0.9])}
    report = verify.jacobian(
        lambda p: np.append(p["w"], p["rate"]) ** 2,
        lambda p: {"rate": [0, 0, 2 * p["rate"]], "w": np.diag(2 * np.append(p["w"], 0))[:, :2]},
        flat,
    )
    assert report.verdict == "agree"
    along = verify.directional(energy, energy_gradient, PARAMETERS)
    assert along.verdict == "agree"

    def product(p, v):
        return sum(np.sum(slope * v[name]) for name, slope in energy_gradient(p).items())

    assert verify.jvp(energy, product, PARAMETERS).verdict == "agree"


def test_entries_of_a_dict_have_its_names():
    wrong = {**energy_gradient(PARAMETERS), "w": -PARAMETERS["rate"] * np.cos(PARAMETERS["w"])}
    report = verify.gradient(energy, wrong, PARAMETERS)
    named = report.entries[report.entries["verdict"] == "disagree"]["name"].tolist()
    assert named == ["w[0, 0]", "w[0, 1]", "w[1, 0]", "w[1, 1]"]
    with pytest.raises(ValueError, match=r"keys of x.*'rate'"):
        verify.gradient(energy, {"rate": 1.0}, PARAMETERS)


def test_entries_of_second_derivatives_have_two_names():
    report = verify.hessian(rosen, off(rosen_hess, (1, 2), 1e-3), POINT, names=list("abcde"))
    assert report.worst(1)["name"][0] == "b, c"
    with pytest.raises(ValueError, match="one name for each of 5"):
        verify.gradient(rosen, rosen_der, POINT, names=["a"])


# --- Shapes ---


def test_a_transposed_jacobian_is_told_by_its_shape():
    report = verify.jacobian(residuals, lambda x: residuals_jacobian(x).T, SQUARE)
    assert report.verdict == "disagree"
    assert "(3, 4) instead of (4, 3); its transpose agrees" in report.hints[0]
    assert set(verdicts(report)) == {"agree"}
    worse = verify.jacobian(residuals, lambda x: -residuals_jacobian(x).T, SQUARE)
    assert "does not agree either" in worse.hints[0]


@pytest.mark.parametrize("wrong", [np.ones(4), np.ones((5, 2)), 1.0, np.ones((5, 5))])
def test_a_shape_that_does_not_fit_costs_one_evaluation(wrong):
    report = verify.gradient(rosen, wrong, POINT)
    assert (report.verdict, report.nfev, report.entries.size) == ("disagree", 1, 0)
    assert f"{np.shape(wrong)}, but must have (5,)" in report.hints[0]


def test_an_operator_of_the_wrong_shape_is_not_called():
    refuse = LinearOperator((4, 2), matvec=lambda _: 1 / 0, dtype=float)
    assert verify.jacobian(residuals, lambda _: refuse, SQUARE).verdict == "disagree"


def test_a_gradient_of_several_outputs_is_refused():
    with pytest.raises(ValueError, match=r"use `verify\.jacobian`"):
        verify.gradient(residuals, residuals_jacobian, SQUARE)


# --- Algebra ---


def test_a_product_that_is_not_linear_disagrees():
    report = verify.jvp(
        residuals, lambda x, v: residuals_jacobian(x) @ v * np.linalg.norm(v), SQUARE
    )
    assert report.verdict == "disagree"
    assert set(verdicts(report)) == {"agree"}
    assert "linearity" in report.hints[0]


def test_an_operator_whose_products_do_not_match_disagrees():
    def operator(x, factor):
        matrix = residuals_jacobian(x)
        return LinearOperator(
            matrix.shape, matvec=lambda v: matrix @ v, rmatvec=lambda w: factor * w @ matrix
        )

    assert verify.jacobian(residuals, partial(operator, factor=1.0), SQUARE).verdict == "agree"
    report = verify.jacobian(residuals, partial(operator, factor=2.0), SQUARE)
    assert report.verdict == "disagree"
    assert "adjoint" in report.hints[0]
    one_way = LinearOperator((4, 3), matvec=lambda v: residuals_jacobian(SQUARE) @ v)
    assert verify.jacobian(residuals, lambda _: one_way, SQUARE).verdict == "agree"


def test_adjoint_products_are_compared_without_f():
    matrix, random = residuals_jacobian(SQUARE), np.random.default_rng(0)
    right = identities.adjoint(lambda v: matrix @ v, lambda w: w @ matrix, 3, random)
    wrong = identities.adjoint(lambda v: matrix @ v, lambda w: w @ matrix * 1.0001, 3, random)
    assert right.holds
    assert not wrong.holds
    assert "should be equal but are not" in str(wrong)
    report = verify.adjoint(
        lambda x, v: residuals_jacobian(x) @ v, lambda x, w: w @ residuals_jacobian(x), SQUARE
    )
    assert (report.verdict, report.nfev) == ("agree", 0)
    report = verify.adjoint(
        lambda x, v: residuals_jacobian(x) @ v, lambda x, w: -w @ residuals_jacobian(x), SQUARE
    )
    assert report.verdict == "disagree"


def test_hints_do_not_take_the_hessian_of_several_numbers_for_a_square_one():
    x, right = np.array([1.3, 0.7]), np.zeros((2, 2, 2))
    right[0, 0, 0], right[1, 1, 1] = 6.0 * x
    report = verify.hessian(lambda x: x**3, -right, x)
    assert (report.verdict, report.hints) == ("disagree", ("the sign is wrong in all entries",))
    report = verify.hessian(lambda x: x**3, 1.1 * right + 1.0, x)
    assert (report.verdict, report.coverage.disagree) == ("disagree", 8)


def test_a_hessian_that_is_not_symmetric_disagrees_even_where_f_is_too_noisy_to_tell():
    def noisy(x):
        return float(np.float16(x[0] * x[1]))

    right = verify.hessian(noisy, [[0, 1], [1, 0]], [0.7, 1.3])
    assert right.verdict == "inconclusive"
    report = verify.hessian(noisy, [[0, 1], [1.001, 0]], [0.7, 1.3])
    assert report.verdict == "disagree"
    assert "symmetry" in report.hints[0]


def test_entries_missing_from_a_sparsity_pattern_are_named():
    matrix = sparse.lil_array(residuals_jacobian(SQUARE))
    matrix[2, 0] = 0.0
    report = verify.jacobian(residuals, matrix.tocsr(), SQUARE)
    assert "sparsity pattern" in report.hints[0]
    assert "[2, 0]" in report.hints[0]
    stored = residuals_jacobian(SQUARE)
    pattern = sparse.csr_array(np.where(stored == 0.0, 0.0, stored))
    pattern.data[0] *= 2.0
    assert "pattern" not in " ".join(verify.jacobian(residuals, pattern, SQUARE).hints)


# --- Why something cannot be told ---


def test_a_kink_is_inconclusive_and_tells_where_the_value_lies():
    def f(x):
        return np.abs(x).sum()

    report = verify.gradient(f, np.sign, [0.0, 1.5])
    assert report.verdict == "inconclusive"
    assert verdicts(report) == ["inconclusive", "agree"]
    assert "lies between the left and the right" in report.notes[0]
    outside = verify.gradient(f, [3.0, 1.0], [0.0, 1.5])
    assert outside.verdict == "inconclusive"
    assert "outside the interval" in outside.notes[0]


def test_noise_says_how_good_f_is_and_what_can_be_accepted():
    def f(x):
        return float(np.float32(np.exp(x[0]) * (1 + 1e-4 * math.sin(1e7 * x[0]))))

    report = verify.gradient(f, np.exp, [0.8], rtol=1e-6)
    assert report.verdict == "inconclusive"
    assert "f itself is good to" in report.notes[0]
    accepted = float(report.notes[0].rpartition("rtol >= ")[2])
    assert verify.gradient(f, np.exp, [0.8], rtol=2 * accepted).verdict == "agree"


def cancelling(x, size):
    """The derivative of the sum of cubes, and terms that cancel but for their rounding."""
    factors = size * np.linspace(1.0, 2.0, 40)[:, None]
    return 3 * x**2 + ((factors * x) * 1.1 - factors * (1.1 * x)).sum(axis=0)


@pytest.mark.parametrize(("size", "verdict"), [(1e6, "agree"), (1e12, "inconclusive")])
def test_a_derivative_is_not_blamed_for_its_own_rounding(size, verdict):
    def f(x):
        return float((x**3).sum())

    rough = partial(cancelling, size=size)
    error = np.abs(rough(SQUARE) / (3 * SQUARE**2) - 1).max()
    assert error > 1e-16 * size
    report = verify.gradient(f, rough, SQUARE)
    assert report.verdict == verdict
    assert verdict == "agree" or "moves by its last bits" in report.notes[0]
    assert verify.gradient(f, rough(SQUARE), SQUARE).verdict == "disagree"


def test_a_derivative_in_single_precision_has_single_precision():
    single = partial(verify.gradient, rosen, lambda x: rosen_der(x).astype(np.float32), POINT)
    assert single().verdict == "agree"
    assert single(rtol=1e-9).verdict == "inconclusive"
    rounded = verify.gradient(rosen, lambda x: np.float32(rosen_der(x)).astype(float), POINT)
    assert rounded.verdict == "agree"  # its rounding is seen, whatever its type says
    table = verify.gradient(rosen, np.float32(rosen_der(POINT)).astype(float), POINT)
    assert table.verdict == "disagree"
    assert any("difference is small" in note for note in table.notes)


def test_nan_on_both_sides_is_inconclusive_and_on_one_side_is_wrong():
    def root(x):
        return float(np.sqrt(x[0]) + x[1])

    with np.errstate(invalid="ignore"):
        report = verify.gradient(root, lambda _: [np.nan, 1.0], [-1.0, 2.0])
    assert report.verdict == "inconclusive"
    assert any("outside" in n or "usable value" in n for n in report.notes)
    assert verify.gradient(rosen, np.full(5, np.nan), POINT).verdict == "disagree"
    one = verify.gradient(rosen, off(rosen_der, 1, math.nan), POINT)
    assert verdicts(one).count("disagree") == 1


def test_random_functions_are_judged_by_their_half_widths():
    random = np.random.default_rng(1)

    def f(x):
        return float(np.exp(x[0]) + 1e-6 * random.standard_normal())

    assert verify.gradient(f, np.exp, [0.8]).verdict != "disagree"
    assert verify.gradient(f, lambda x: -np.exp(x), [0.8]).verdict == "disagree"


PIECES = [c for c in noisy_cases("tune", "fixed_point") if c.level == 1e-6]


@pytest.mark.parametrize("case", PIECES, ids=lambda case: case.name)
def test_an_iteration_that_stops_early_is_no_reason_to_blame_a_derivative(case):
    check = partial(verify.gradient, lambda x: case.f(float(x[0])))
    assert check([case.exact], [case.x]).verdict != "disagree"
    assert check([-case.exact], [case.x]).verdict != "agree"


def test_how_good_f_is_is_why_nothing_could_be_told():
    case = next(case for case in PIECES if case.name.startswith("softplus@3.5"))
    report = verify.gradient(lambda x: case.f(float(x[0])), [case.exact], [case.x])
    assert report.verdict == "inconclusive"
    assert any("f itself is good to" in note for note in report.notes)


def volume(x):
    return x[0] ** 3 * x[1] + x[1] ** 2 / x[0]


def volume_gradient(x):
    return [3 * x[0] ** 2 * x[1] - x[1] ** 2 / x[0] ** 2, x[0] ** 3 + 2 * x[1] / x[0]]


ROUNDED = {
    "x in single precision": lambda x: float(volume(np.float32(x).astype(float))),
    "all in single precision": lambda x: float(volume(np.float32(x))),
    "written and read": lambda x: float(f"{volume(x):.7e}"),
}


@pytest.mark.parametrize("name", ROUNDED)
def test_rounding_inside_f_is_no_reason_to_blame_a_derivative(name):
    for x in np.random.default_rng(5).uniform(0.3, 2.5, (12, 2)):
        report = verify.gradient(ROUNDED[name], volume_gradient, x)
        assert report.verdict != "disagree", str(report)
        assert verify.gradient(volume, volume_gradient, x).verdict == "agree"
        wrong = verify.gradient(ROUNDED[name], off(volume_gradient, 1, 0.5), x)
        assert wrong.verdict == "disagree"


def looked_at(f, analytic, value):
    """Take a second look at one derivative, at 0.7, which is far beyond the bars of another."""
    one = np.ones((1, 1))
    numerical = Numerical(
        value * one, 1e-9 * one, np.zeros((1, 1), np.uint8), one, one, one
    )  # fmt: skip
    sizes = Sizes(np.ones(1), np.zeros(1), None, np.array([False]))
    outcome = judge(analytic * one, 0.0 * one, numerical, sizes, 1e-4)
    assert outcome.verdict == "disagree"

    def values(points):
        return np.array([[f(point[0])] for point in points]), len(points)

    doubtful, notes, nfev = second_look(
        values, np.array([0.7]), np.array([0.77]), np.ones(1), outcome, numerical
    )
    assert nfev in {4, 6, 8, 10}
    return doubtful.item(), " ".join(notes)


@pytest.mark.parametrize(
    ("f", "analytic", "value", "words"),
    [
        (math.sin, -math.cos(0.7), math.cos(0.7), ""),
        (math.sin, math.cos(0.7) * (1 + 1e-7), math.cos(0.7), ""),
        (lambda x: round(20 * x) / 20, 1.0, 0.0, "does not change at all"),
        (lambda _: 1.0, 1.0, 0.0, ""),  # nor anywhere else
        (lambda _: 1e6, 1e-6, 0.0, "does not change at all"),  # too little to be seen
        (lambda x: math.sin(x) + 1e-6 * math.sin(1e5 * x), math.cos(0.7),
         math.cos(0.7) + 0.1 * math.cos(7e4), "another slope"),
        (lambda x: float(np.float32(100 + math.sin(x))), math.cos(0.7) * (1 + 1e-5), math.cos(0.7),
         "does not follow x"),
        (lambda x: math.sin(float(np.float32(x))), math.cos(0.7) * (1 + 1e-7), math.cos(0.7),
         "does not follow x"),
    ],
)  # fmt: skip
def test_a_second_look_tells_whether_the_numbers_are_those_of_f(f, analytic, value, words):
    doubtful, notes = looked_at(f, analytic, value)
    assert doubtful == bool(words)
    assert words in notes


# --- Points ---


def test_a_zero_gradient_tests_nothing_and_says_so():
    report = verify.gradient(rosen, rosen_der, np.ones(5), names=list("abcde"))
    assert report.verdict == "agree"
    assert report.coverage.untested == tuple("abcde")
    assert any("a, b, c, d, e is zero here" in note for note in report.notes)
    assert any("only zeros and ones" in note for note in report.notes)
    assert not verify.gradient(rosen, rosen_der, np.ones(5), n_points=3).notes
    # a mistake that the special point hides, and others show
    double = partial(verify.gradient, rosen, lambda x: 2 * rosen_der(x), np.ones(5))
    assert (double().verdict, double(n_points=2).verdict) == ("agree", "disagree")


def test_an_output_that_never_changes_has_no_derivative():
    report = verify.jacobian(
        lambda x: np.array([x[0] / x[1], 7.3]), lambda x: [[1 / x[1], -x[0] / x[1] ** 2], [0, 0]],
        [0.3, 1.9],
    )  # fmt: skip
    assert report.verdict == "agree"


def test_several_points_are_the_same_each_time_and_keep_to_their_bounds():
    seen = []

    def f(x):
        seen.append(x.copy())
        return float(np.log(x).sum())

    check = partial(
        verify.gradient, f, lambda x: 1 / x, [0.5, 2.0],
        n_points=4, radius=0.9, bounds=([0.4, 1.0], [0.6, 2.5]),
    )  # fmt: skip
    report = check()
    assert report.nfev == len(seen)
    assert (np.array(seen) >= [0.4, 1.0]).all()
    assert (np.array(seen) <= [0.6, 2.5]).all()
    assert report.verdict == "agree"
    assert np.unique(report.entries["point"]).tolist() == [0, 1, 2, 3]
    assert np.unique(report.entries["analytic"]).size == 8
    assert str(check()) == str(report)
    assert check(rng=1).entries["analytic"].tolist() != report.entries["analytic"].tolist()
    assert check(bounds=Bounds([0.4, 1.0], [0.6, 2.5])).verdict == "agree"


def test_hints_hold_at_all_points():
    def gradient(x):
        return 3 * x**2 * (2.0 if abs(x[0] - 0.5) < 1e-4 else -1.0)

    check = partial(verify.gradient, lambda x: (x**3).sum(), gradient, [0.5, 1.5])
    assert "factor 1/2" in check().hints[0]
    assert not check(n_points=2).hints
    doubled = partial(verify.gradient, lambda x: (x**3).sum(), lambda x: 6 * x**2, [0.5, 1.5])
    assert "factor 1/2" in doubled(n_points=3).hints[0]


def test_points_are_taken_where_f_is_defined():
    def f(x):
        return math.sqrt(x[0] - 0.999)

    report = verify.gradient(f, lambda x: 0.5 / np.sqrt(x - 0.999), [1.0], n_points=6, radius=0.5)
    assert report.verdict == "agree"
    assert report.coverage.points == 6


def test_an_array_is_known_at_one_point_only():
    with pytest.raises(ValueError, match="give a function"):
        verify.gradient(rosen, rosen_der(POINT), POINT, n_points=2)


@pytest.mark.parametrize(
    "option",
    [{"rtol": 0.0}, {"rtol": 2.0}, {"n_points": 0}, {"radius": -1.0}, {"max_nfev": 0}],
)
def test_options_are_checked(option):
    with pytest.raises(ValueError, match=next(iter(option))):
        verify.gradient(rosen, rosen_der, POINT, **option)


def test_what_the_derivative_raises_reaches_the_caller_with_a_note():
    def broken(x):
        raise KeyError("rate")

    with pytest.raises(KeyError) as caught:
        verify.gradient(rosen, broken, POINT)
    assert "the derivative raised this at [1.3" in caught.value.__notes__[0]
    with pytest.raises(TypeError, match="got str"):
        verify.gradient(rosen, "rosen_der", POINT)
    with pytest.raises(ValueError, match="needs f or `grad`"):
        verify.hvp(rosen_hess_prod, POINT)


# --- Large x ---


def test_along_a_direction_six_evaluations_are_enough():
    n = 10_000
    x, factors = np.linspace(1, 3, n), np.linspace(1, 2, n)
    calls = []

    def f(x):
        calls.append(1)
        return factors @ np.sin(x)

    report = verify.directional(f, lambda x: factors * np.cos(x), x)
    assert (report.verdict, report.nfev, len(calls)) == ("agree", 6, 6)
    assert "would have been seen" in str(report) or "was seen" in str(report)
    report = verify.directional(f, off(lambda x: factors * np.cos(x), 4711, 1e-2), x)
    assert report.verdict == "disagree"
    assert report.worst(1)["index"].tolist() == [[4711]]


def test_along_a_direction_all_rows_are_tested():
    wrong = residuals_jacobian(SQUARE)
    wrong[2, 0] = 0.0
    for form in (sparse.csr_array, aslinearoperator, np.array):
        report = verify.directional(residuals, form(wrong), SQUARE, names=["a", "b", "c"])
        assert report.verdict == "disagree"
        assert report.worst(1)["index"].tolist() == [[2, 0]]
        assert report.worst(1)["name"].tolist() == ["a"]
        assert report.coverage.disagree == 1
        assert report.coverage.agree == 3


def test_along_a_direction_the_number_of_columns_is_checked():
    with pytest.raises(ValueError, match=r"5 columns, got shape \(4,\)"):
        verify.directional(rosen, np.ones(4), POINT)
    with pytest.raises(ValueError, match="4 real entries"):
        verify.directional(rosen, np.ones((4, 5)), POINT)


# --- The report ---


def test_a_report_is_neither_true_nor_false():
    with pytest.raises(TypeError, match="verdict"):
        bool(verify.gradient(rosen, rosen_der, POINT))
    with pytest.raises(AttributeError):
        verify.gradient(rosen, rosen_der, POINT).verdict = DISAGREE


def test_the_text_has_the_verdict_first_and_is_short_for_any_size():
    x = np.linspace(1.0, 2.0, 300)
    report = verify.gradient(
        lambda x: float((x**3).sum()), lambda x: -3 * x**2 * (1 + 1e-3 * np.sin(9 * x)), x,
        n_points=2, names=[f"a_rather_long_name_of_parameter_number_{i}" for i in range(300)],
    )  # fmt: skip
    lines = str(report).split("\n")
    assert lines[0].startswith("DISAGREE: gradient")
    assert lines[1].startswith("600 of 600 entries differ at 2 points")
    assert len(lines) <= 20
    assert sum("parameter_number" in line for line in lines) == ROWS
    assert f"... {600 - ROWS} more entries" in str(report)
    assert "again: numdiff.verify.gradient" in lines[-1]


def test_the_call_that_is_printed_gives_the_same_report():
    report = verify.gradient(rosen, rosen_der, [1.3, 0.7], rtol=1e-5, n_points=2, rng=3)
    again = eval(report.reproduce, {"numdiff": nd, "rosen": rosen, "rosen_der": rosen_der})
    assert str(again) == str(report)


def test_options_that_are_none_are_left_out_of_the_call():
    report = verify.gradient(rosen, rosen_der, [1.3, 0.7], noise=None, bounds=None)
    assert report.reproduce == "numdiff.verify.gradient(rosen, rosen_der, [1.3, 0.7])"


def test_f_is_called_only_where_it_can_be():
    with pytest.raises(TypeError, match="`f` must be callable"):
        verify.gradient(3.0, rosen_der, SQUARE)
    asked = []
    with pytest.raises(ValueError, match="must lie inside `bounds`"):
        verify.gradient(asked.append, rosen_der, SQUARE, bounds=(90.0, 91.0))
    assert not asked


def test_html_holds_the_text_and_escapes_it():
    html = verify.gradient(lambda x: x @ x, lambda x: 2 * x, SQUARE)._repr_html_()
    assert "<b>AGREE: gradient, &lt;lambda&gt;" in html
    assert "<pre>" in html


def test_json_is_strict():
    report = verify.gradient(lambda x: np.abs(x).sum(), [np.nan, 1.0], [0.0, 1.5])
    back = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert back["verdict"] == report.verdict
    assert back["entries"][0]["analytic"] is None
    assert back["entries"][1]["numerical"] == 1.0
    assert back["coverage"]["tested"] == 2
    assert back["notes"] == list(report.notes)
    assert json.dumps(RIGHT["complex f"]().to_dict(), allow_nan=False)


def test_worst_comes_first():
    wrong = rosen_der(POINT) * [1, 1 + 1e-9, 1 + 1e-3, 1, 1 + 1e-6]
    report = verify.gradient(rosen, wrong, POINT)
    assert report.worst(3)["index"].ravel().tolist() == [2, 4, 1]
    assert report.worst(99).size == 5
    mixed = verify.gradient(lambda x: np.abs(x).sum(), [0.0, 1.0, 2.0], [0.0, 1.5, 2.5])
    assert mixed.worst(3)["verdict"].tolist() == ["disagree", "inconclusive", "agree"]


# --- Assertions ---

KINK = (lambda x: np.abs(x).sum(), np.sign, [0.0, 1.5])
ASSERTIONS = {
    verify.assert_gradient: (rosen, rosen_der, POINT),
    verify.assert_jacobian: (residuals, residuals_jacobian, SQUARE),
    verify.assert_hessian: (rosen, rosen_hess, POINT),
    verify.assert_jvp: (residuals, lambda x, v: residuals_jacobian(x) @ v, SQUARE),
    verify.assert_vjp: (residuals, lambda x, w: w @ residuals_jacobian(x), SQUARE),
    verify.assert_hvp: (rosen_hess_prod, POINT, rosen),
    verify.assert_directional: (rosen, rosen_der, POINT),
    verify.assert_adjoint: (lambda _, v: 2 * v, lambda _, w: 2 * w, POINT),
}


@pytest.mark.parametrize("check", ASSERTIONS, ids=lambda check: check.__name__)
def test_assertions_return_the_report_of_what_is_right(check):
    assert check(*ASSERTIONS[check]).verdict == "agree"


@pytest.mark.parametrize("check", ASSERTIONS, ids=lambda check: check.__name__)
def test_assertions_fail_on_what_is_wrong_with_the_report_and_no_frames(check):
    function, derivative, *rest = ASSERTIONS[check]
    arguments = (
        (lambda x, v: -function(x, v), derivative, *rest)
        if check is verify.assert_hvp or check is verify.assert_adjoint
        else (function, lambda *given: -derivative(*given), *rest)
    )
    with pytest.raises(verify.DerivativeMismatch) as caught:
        check(*arguments)
    assert str(caught.value).startswith("DISAGREE")
    assert all(frame.frame.f_locals.get("__tracebackhide__") for frame in caught.traceback[1:])
    assert issubclass(verify.DerivativeMismatch, AssertionError)


def test_what_cannot_be_told_fails_warns_skips_or_passes():
    with pytest.raises(verify.DerivativeInconclusive, match="INCONCLUSIVE"):
        verify.assert_gradient(*KINK)
    with pytest.raises(unittest.SkipTest):
        verify.assert_gradient(*KINK, inconclusive="skip")
    with pytest.warns(UserWarning, match="INCONCLUSIVE") as caught:
        verify.assert_gradient(*KINK, inconclusive="warn")
    assert caught[0].filename == __file__
    assert verify.assert_gradient(*KINK, inconclusive="pass").verdict == "inconclusive"
    with pytest.raises(ValueError, match="inconclusive"):
        verify.assert_gradient(*KINK, inconclusive="ignore")
    with pytest.raises(verify.DerivativeMismatch):
        verify.assert_gradient(rosen, lambda x: -rosen_der(x), POINT, inconclusive="pass")


def test_importing_numdiff_does_not_import_verify():
    import subprocess
    import sys

    command = "import sys, numdiff; print('numdiff.verify' in sys.modules, numdiff.verify.gradient)"
    told = subprocess.check_output([sys.executable, "-c", command], text=True)
    assert told.startswith("False <function gradient")
    command = (
        "import sys, numpy, numdiff; numdiff.verify.gradient(numpy.sum, numpy.ones_like, [1.0]); "
        "print(*{'numba', 'scipy', 'matplotlib'} & set(sys.modules))"
    )
    assert not subprocess.check_output([sys.executable, "-c", command], text=True).strip()


def test_no_warning_of_ours_escapes():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        verify.gradient(rosen, np.zeros(5), np.ones(5))
        verify.jacobian(residuals, residuals_jacobian, np.zeros(3))
        verify.directional(residuals, residuals_jacobian(np.zeros(3)), np.zeros(3))


# --- Bends within long steps, and points near one ---


@pytest.mark.parametrize("activation", ["relu", "leaky", "elu"])
def test_networks_with_bends_near_x_are_decided(activation):
    bend = {
        "relu": lambda z: np.maximum(z, 0.0),
        "leaky": lambda z: np.where(z > 0.0, z, 0.01 * z),
        "elu": lambda z: np.where(z > 0.0, z, np.expm1(np.minimum(z, 0.0))),
    }[activation]
    slope = {
        "relu": lambda z: (z > 0.0) * 1.0,
        "leaky": lambda z: np.where(z > 0.0, 1.0, 0.01),
        "elu": lambda z: np.where(z > 0.0, 1.0, np.exp(np.minimum(z, 0.0))),
    }[activation]
    random = np.random.default_rng(2)
    for _ in range(12):
        W, u, x = random.standard_normal((24, 6)), random.standard_normal(24), random.normal(size=6)
        f = lambda x: float(u @ bend(W @ x)) + float(np.sin(x[0]))  # noqa: B023
        g = lambda x: W.T @ (u * slope(W @ x)) + np.cos(x[0]) * np.eye(6)[0]  # noqa: B023
        if np.abs(W @ x).min() > 1e-3:
            assert verify.gradient(f, g, x).verdict == "agree"
            assert verify.gradient(f, lambda x: 1.001 * g(x), x).verdict != "agree"  # noqa: B023


@pytest.mark.parametrize("size", [1e-6, 1e-8, 1e-9, 1e-12])
def test_a_norm_is_decided_at_points_beside_its_kink(size):
    f, g = (lambda x: math.sqrt(x @ x)), (lambda x: x / math.sqrt(x @ x))
    x = size * np.array([1.0, 2.0])
    assert verify.gradient(f, g, x).verdict == "agree"
    assert verify.gradient(f, lambda x: 1.01 * g(x), x).verdict != "agree"


def test_steps_over_which_f_stands_still_prove_nothing():
    f = lambda x: math.log(round(x[0], 2)) + x[1] ** 2
    assert verify.gradient(f, lambda x: [0.0, 2 * x[1]], [0.4647, 0.3]).verdict != "agree"
