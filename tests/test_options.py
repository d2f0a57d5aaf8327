"""Options: what each one promises, and what is said of bad ones."""

import math
import warnings

import numpy as np
import pytest
from scipy.optimize import Bounds

import numdiff as nd
from numdiff import Status, Stencil
from tests.measuring.operators import FIRST, Recorded, operators_at

X = np.array([0.75, -1.5, 2.0])
V = np.array([1.0, -2.0, 0.5])
OPERATORS = operators_at(X, V, 0.75)
every_operator = pytest.mark.parametrize("name", OPERATORS)


def smooth(x):
    """In operations that give the same bits one by one and in bulk."""
    return 1.0 / (3.0 + x[0] * x[1]) + x[0] * x[1] * x[2] + x[2] * x[2] * x[2]


def smooth_gradient(x):
    bottom = (3.0 + x[0] * x[1]) ** 2
    return np.array([
        -x[1] / bottom + x[1] * x[2],
        -x[0] / bottom + x[0] * x[2],
        x[0] * x[1] + 3 * x[2] ** 2,
    ])  # fmt: skip


def any_x(x):
    """A rational function of a number or of three."""
    return 1.0 / (4.0 + x * x) + x * x * x if np.ndim(x) == 0 else smooth(x)


def assert_same(one, other):
    for name in ("value", "error", "status", "step", "noise", "nfev"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


# --- method and step ---

METHODS = ("auto", "forward", "backward", "central", "richardson")


@pytest.mark.parametrize("method", [*METHODS, "complex", Stencil.central(1, 6)])
def test_every_method_is_right_and_has_bars(method):
    found = nd.gradient(smooth, X, method=method)
    assert found.success.all()
    assert (np.abs(found.value - smooth_gradient(X)) <= found.error).all()
    assert (found.error < 0.05).all()
    assert found.method == (method if isinstance(method, str) else "stencil")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ["hessian", "hvp", "hessian_diagonal"])
def test_every_method_takes_second_derivatives(name, method):
    truth = OPERATORS[name](smooth)
    found = OPERATORS[name](smooth, method=method)
    assert found.success.all()
    assert (np.abs(found.value - truth.value) <= found.error + truth.error).all()
    assert (found.error < 0.5).all()


SIDES = {"forward": (0, 1), "backward": (-1, 0), "central": (-1, 1)}


@pytest.mark.parametrize("method", SIDES)
@pytest.mark.parametrize("step", [0.125, [0.125, 0.5, 0.25], "textbook", None])
def test_methods_stay_on_their_side_of_x(method, step):
    f = Recorded(smooth)
    nd.gradient(f, X, method=method, step=step)
    signs = {int(sign) for point in f.points for sign in np.sign(point - X)}
    assert signs - {0} == set(SIDES[method]) - {0}


@pytest.mark.parametrize("step", [0.125, [0.125, 0.5, 0.25]])
def test_a_single_step_asks_at_that_step_and_nowhere_else(step):
    steps = np.broadcast_to(step, 3)
    for method, (low, high) in SIDES.items():
        f = Recorded(smooth)
        found = nd.gradient(f, X, method=method, step=step)
        expected = [X + o * h * e for h, e in zip(steps, np.eye(3), strict=True)
                    for o in (low, high) if o]  # fmt: skip
        expected += [X] * (method != "central")
        assert sorted(map(tuple, f.points)) == sorted(map(tuple, expected))
        np.testing.assert_array_equal(found.step, steps)
        exact = [
            (smooth(X + high * h * e) - smooth(X + low * h * e)) / (h * (high - low))
            for h, e in zip(steps, np.eye(3), strict=True)
        ]
        np.testing.assert_allclose(found.value, exact, rtol=1e-14)


@pytest.mark.parametrize("n", [1, 2, 7])
@pytest.mark.parametrize("step", [1e-3, "textbook"])
@pytest.mark.parametrize("op", [nd.gradient, nd.jacobian])
def test_textbook_cost(n, step, op):
    x = np.linspace(1, 2, n)
    for method, cost in {"forward": n + 1, "backward": n + 1, "central": 2 * n}.items():
        f = Recorded(np.sum)
        assert op(f, x, method=method, step=step).nfev == len(f.points) == cost
        if method == "central":
            assert not any((point == x).all() for point in f.points)


@pytest.mark.parametrize("method", ["forward", "backward", "central", Stencil.central(1, 4),
                                    Stencil((-1, 0, 2)), Stencil.forward(1, 3)])  # fmt: skip
@pytest.mark.parametrize("step", [1e-3, "textbook"])
@pytest.mark.parametrize("name", ["derivative", "gradient", "jacobian", "jvp"])
def test_a_single_step_has_no_error_bar(name, method, step):
    found = OPERATORS[name](any_x, method=method, step=step)
    assert np.isnan(found.error).all()
    assert (np.atleast_1d(found.status) == Status.SINGLE_STEP).all()
    assert not np.any(found.success)
    truth = OPERATORS[name](any_x)
    np.testing.assert_allclose(found.value, truth.value, atol=0.05)


@pytest.mark.parametrize("method", ["forward", "backward", "central"])
@pytest.mark.parametrize("name", ["hessian", "hvp", "hessian_diagonal"])
@pytest.mark.parametrize("step", [2.0**-8, "textbook"])
def test_a_single_step_of_a_second_derivative_has_no_error_bar(name, method, step):
    found = OPERATORS[name](smooth, method=method, step=step)
    assert np.isnan(found.error).all()
    assert (found.status == Status.SINGLE_STEP).all()
    np.testing.assert_allclose(found.value, OPERATORS[name](smooth).value, atol=0.2)


@pytest.mark.parametrize("method", ["forward", "backward", "central"])
def test_a_single_step_is_exact_for_the_hessian_of_a_quadratic(method):
    f = lambda x: x[0] ** 2 + 3 * x[0] * x[1] + x[1] ** 2
    found = nd.hessian(f, [1, 2], method=method, step=0.5)
    assert found.value.tolist() == [[2, 3], [3, 2]]
    assert nd.hvp(f, [1, 2], [2, 4], method=method, step=0.5).value.tolist() == [16, 14]


def test_a_step_that_does_not_move_x_tells_nothing():
    for method in ("central", "forward", "backward"):
        found = nd.gradient(np.sum, [1e10, 1.0], method=method, step=1e-9)
        assert found.status.tolist() == [Status.DOMAIN, Status.SINGLE_STEP]
        assert math.isnan(found.value[0])
        assert found.error[0] == math.inf


@pytest.mark.parametrize("method", ["central", "forward", "backward"])
@pytest.mark.parametrize("operator", [nd.hessian, nd.hessian_diagonal])
def test_a_step_that_does_not_move_x_tells_nothing_of_second_derivatives(operator, method):
    found = operator(np.sum, [1e10, 1.0], method=method, step=1e-9)
    assert found.status.flat[0] == Status.DOMAIN
    assert math.isnan(found.value.flat[0])
    assert found.error.flat[0] == math.inf


def test_the_step_of_jvp_is_in_units_of_t():
    for method, (low, high) in SIDES.items():
        f = Recorded(smooth)
        found = nd.jvp(f, X, V, method=method, step=0.25)
        asked = {tuple(X + o * 0.25 * V) for o in (low, high)}
        assert {tuple(point) for point in f.points} == asked
        assert found.step == 0.25


def test_the_step_is_the_first_one_of_methods_that_take_several():
    for method in ("auto", "richardson"):
        f = Recorded(math.exp)
        nd.derivative(f, 1.0, method=method, step=0.125)
        assert sorted(f.points[1:3]) == [0.875, 1.125]
        f = Recorded(smooth)
        nd.gradient(f, X, method=method, step=[0.125, 0.5, 0.25])
        assert [abs(p - X).max() for p in f.points[1:7]] == [0.125, 0.125, 0.5, 0.5, 0.25, 0.25]


def test_richardson_never_takes_a_larger_step_than_the_first():
    f = Recorded(math.exp)
    nd.derivative(f, 1.0, method="richardson", step=2.0**-10)
    assert max(abs(point - 1.0) for point in f.points) == 2.0**-10


@pytest.mark.parametrize("offset", [0.0, 1e-3, 1.0, 1e3, -1e6])
def test_the_textbook_step_is_the_rule_of_thumb_within_a_factor_of_two(offset):
    eps = np.finfo(float).eps
    for method, power in {"forward": 1 / 2, "central": 1 / 3}.items():
        found = nd.derivative(math.atan, offset, method=method, step="textbook")
        assert 0.5 <= found.step / (eps**power * max(abs(offset), 1)) <= 2


def test_a_stencil_of_several_points_asks_at_its_offsets():
    f = Recorded(math.exp)
    found = nd.derivative(f, 1.0, method=Stencil((-1, 0, 2)), step=0.25)
    assert sorted(f.points) == [0.75, 1.0, 1.5]
    exact = (-2 / 3 * math.exp(0.75) + 1 / 2 * math.e + 1 / 6 * math.exp(1.5)) / 0.25
    assert found.value == pytest.approx(exact, rel=1e-14)


def test_a_stencil_of_order_2_takes_the_second_derivative():
    found = nd.derivative(np.exp, 1.0, order=2, method=Stencil.central(2, 6), step=0.0625)
    assert found.value == pytest.approx(math.e, rel=1e-9)


@pytest.mark.parametrize("name", ["derivative", "gradient", "jacobian", "jvp"])
@pytest.mark.parametrize("step", [0.1, None])
def test_a_stencil_of_another_order_than_asked_for_is_refused(name, step):
    with pytest.raises(ValueError, match="order"):
        OPERATORS[name](any_x, method=Stencil.central(2), step=step)


# --- bounds ---

BOXES = {
    "wide": ([-10, -10, -10], [10, 10, 10]),
    "narrow": (X - 1e-3, X + 1e-3),
    "very narrow": (X - 1e-9, X + 1e-9),
    "at lower": (X, X + 1),
    "at upper": (X - 1, X),
    "corner": ([0.75, -3, 1.9], [5, -1.5, 2.1]),
    "near lower": (X - 1e-7, X + 1),
    "half open": (X, [math.inf] * 3),
    "just above": (np.nextafter(X, -9), X + 1),
}
WAYS = ({}, {"method": "central", "step": 0.1}, {"method": "forward", "step": 0.1},
        {"method": "backward", "step": "textbook"}, {"method": "richardson"},
        {"method": "forward"}, {"step": 4.0}, {"method": "complex"},
        {"method": Stencil.central(1, 4), "step": 0.5})  # fmt: skip


@pytest.mark.parametrize(
    ("name", "options"),
    [(name, o) for name in OPERATORS for o in WAYS if name in FIRST or o in WAYS[:1] + WAYS[4:7]],
)
@pytest.mark.parametrize("box", BOXES)
def test_f_is_never_called_outside_the_bounds(name, options, box):
    lower, upper = (np.array(side, float) for side in BOXES[box])
    if name == "derivative":
        lower, upper = lower[0], upper[0]
    f = Recorded(any_x)
    found = OPERATORS[name](f, bounds=(lower, upper), **options)
    assert f.points or np.all(found.status == Status.DOMAIN)
    assert all(((lower <= p.real) & (p.real <= upper)).all() for p in f.points)


@pytest.mark.parametrize("box", BOXES)
@pytest.mark.parametrize("method", ["auto", "richardson", "forward", "complex"])
def test_derivatives_inside_bounds_are_right(box, method):
    found = nd.gradient(smooth, X, bounds=BOXES[box], method=method)
    assert found.success.all()
    assert (np.abs(found.value - smooth_gradient(X)) <= found.error).all()


def test_at_a_bound_the_derivative_is_one_sided():
    found = nd.gradient(smooth, X, bounds=BOXES["corner"])
    assert found.status.tolist() == [Status.ONE_SIDED, Status.ONE_SIDED, Status.OK]
    assert found.success.all()
    assert (found.error < 1e-8).all()


@pytest.mark.parametrize("name", ["hessian", "hessian_diagonal"])
def test_at_a_bound_second_derivatives_are_one_sided(name):
    truth = OPERATORS[name](smooth)
    found = OPERATORS[name](smooth, bounds=BOXES["corner"])
    sided = np.array([True, True, False])
    expected = sided[:, None] | sided if name == "hessian" else sided
    assert (found.status == np.where(expected, Status.ONE_SIDED, Status.OK)).all()
    assert (np.abs(found.value - truth.value) <= found.error + truth.error).all()


def test_a_direction_that_leaves_the_box_both_ways_is_domain():
    found = nd.jvp(smooth, X, [1, 1, 0], bounds=BOXES["corner"])
    assert found.status == Status.DOMAIN
    inward = nd.jvp(smooth, X, [1, -1, 0], bounds=BOXES["corner"])
    assert inward.status == Status.ONE_SIDED
    assert abs(inward.value - smooth_gradient(X) @ [1, -1, 0]) <= inward.error


@pytest.mark.parametrize("scale", [1e6, 1.0, 1e-6])
def test_room_along_a_vector_is_measured_in_its_own_units(scale):
    found = nd.jvp(smooth, X, scale * V, bounds=(X - 1, X + 1))
    assert found.status == Status.OK
    assert abs(found.value - scale * smooth_gradient(X) @ V) <= found.error
    beside = nd.jvp(smooth, X, scale * abs(V), bounds=(X - 1e-9, X + 2))
    assert beside.status == Status.ONE_SIDED
    tight = nd.jvp(smooth, X, scale * V, bounds=(X - 1e-9, X + 2))  # along V and against it
    assert tight.status == Status.OK
    assert abs(tight.value - scale * smooth_gradient(X) @ V) <= tight.error


FIXED = ([0.75, -9, -9], [0.75, 9, 9])


@pytest.mark.parametrize("method", ["auto", "richardson", "forward", "complex"])
@pytest.mark.parametrize("step", [None, 0.125])
def test_a_fixed_entry_is_nan_and_domain_without_calls(method, step):
    f = Recorded(smooth)
    found = nd.gradient(f, X, bounds=FIXED, method=method, step=step)
    assert found.status[0] == Status.DOMAIN
    assert math.isnan(found.value[0])
    assert found.error[0] == math.inf
    assert (found.status[1:] != Status.DOMAIN).all()
    assert all(np.complex128(point[0]) == 0.75 for point in f.points)
    free = nd.gradient(lambda y: smooth([0.75, *y]), X[1:], method=method, step=step)
    assert found.nfev == free.nfev


@pytest.mark.parametrize(
    ("name", "method"),
    [(name, method) for name in OPERATORS for method in ("auto", "forward", "central")]
    + [(name, "complex") for name in FIRST],
)
def test_where_every_entry_is_fixed_nothing_is_displaced(name, method):
    f = Recorded(any_x)
    x = 0.75 if name == "derivative" else X
    found = OPERATORS[name](f, bounds=(x, x), method=method)
    assert (np.atleast_1d(found.status) == Status.DOMAIN).all()
    assert np.isnan(found.value).all()
    assert all((point == x).all() for point in f.points)


def test_a_fixed_entry_of_the_hessian_takes_its_row_and_column():
    found = nd.hessian(smooth, X, bounds=FIXED)
    assert (found.status[0] == Status.DOMAIN).all()
    assert (found.status[:, 0] == Status.DOMAIN).all()
    assert found.success[1:, 1:].all()


def test_scipy_bounds_are_accepted():
    plain = nd.gradient(smooth, X, bounds=(X - 1, X + 2))
    assert_same(nd.gradient(smooth, X, bounds=Bounds(X - 1, X + 2)), plain)
    assert_same(nd.gradient(smooth, X, bounds=Bounds(-5, 5)),
                nd.gradient(smooth, X, bounds=(-5, 5)))  # fmt: skip


def test_bounds_of_derivative_belong_to_each_point():
    found = nd.derivative(np.sqrt, [0.0625, 1.0], bounds=([0.0625, 0.0], [1.0, 1.0]))
    assert found.status.tolist() == [Status.ONE_SIDED, Status.ONE_SIDED]
    assert (np.abs(found.value - [2.0, 0.5]) <= found.error).all()


# --- rtol, max_nfev, vectorized ---


@every_operator
def test_rtol_stops_earlier_with_a_bar_that_meets_it(name):
    best = OPERATORS[name](any_x)
    found = OPERATORS[name](any_x, rtol=1e-4)
    assert found.nfev < best.nfev
    assert np.all(found.success)
    off_zero = np.abs(best.value) > 0.01
    assert np.all((found.error <= 1e-4 * np.abs(found.value)) | ~off_zero)
    assert np.all(np.abs(found.value - best.value) <= found.error + best.error)


def test_rtol_zero_is_the_default():
    assert_same(nd.gradient(smooth, X, rtol=0.0), nd.gradient(smooth, X))


@pytest.mark.parametrize(
    ("name", "method"),
    [(name, "auto") for name in OPERATORS] + [(name, "complex") for name in FIRST],
)
@pytest.mark.parametrize("limit", [1, 2, 5, 13, 30])
def test_max_nfev_is_respected_and_told(name, limit, method):
    f = Recorded(any_x)
    full = OPERATORS[name](any_x, method=method)
    found = OPERATORS[name](f, max_nfev=limit, method=method)
    assert len(f.points) <= limit + 2
    if limit < full.nfev:
        assert (found.status == Status.BUDGET).any()
    else:
        assert_same(found, full)


def kinds_of_f():
    """Functions that make the operators ask on, each for another reason, made anew."""
    random = np.random.default_rng(0)
    total = lambda x: float(np.sum(np.sin(x) + x**3))
    return {
        "smooth": total,
        "single precision": lambda x: float(np.float32(total(x))),
        "rounded": lambda x: round(5.0 + 2.0 * math.atan(total(x)), 1),
        "kink": lambda x: total(x) + float(np.sum(np.abs(x - 0.75))),
        "random": lambda x: total(x) + 1e-6 * random.standard_normal(),
        "edge": lambda x: total(x) if np.max(x) < 2.001 else math.nan,
    }


@every_operator
@pytest.mark.parametrize("kind", kinds_of_f())
def test_max_nfev_is_never_exceeded_and_enough_is_enough(name, kind):
    full = OPERATORS[name](kinds_of_f()[kind])
    for limit in (*range(1, 20, 3), *range(max(1, full.nfev - 20), full.nfev)):
        f = Recorded(kinds_of_f()[kind])
        assert OPERATORS[name](f, max_nfev=limit).nfev == f.calls <= limit
    if kind in {"smooth", "edge"}:  # others reckon with the most that they may need
        assert_same(OPERATORS[name](kinds_of_f()[kind], max_nfev=full.nfev), full)


def test_max_nfev_counts_all_points_of_derivative():
    f = Recorded(np.exp)
    nd.derivative(f, np.linspace(0, 1, 50), max_nfev=100)
    assert len(f.points) <= 150


def test_what_max_nfev_leaves_is_returned_with_its_bar():
    found = nd.derivative(np.exp, 1.0, max_nfev=8)
    assert found.status == Status.BUDGET
    assert not found.success
    assert abs(found.value - math.e) <= found.error < 0.1


def test_a_large_max_nfev_changes_nothing():
    assert_same(nd.gradient(smooth, X, max_nfev=10**6), nd.gradient(smooth, X))


VECTORIZED = ({}, {"method": "central", "step": 0.125}, {"method": "forward", "step": "textbook"},
              {"method": "richardson"}, {"bounds": (X[1], X[2])}, {"rtol": 1e-5},
              {"max_nfev": 30})  # fmt: skip


@every_operator
@pytest.mark.parametrize("options", VECTORIZED)
def test_vectorized_gives_the_same_bits_and_nfev(name, options):
    if name == "derivative" and "bounds" in options:
        options = {"bounds": (0.75, 2.0)}
    f = lambda x: 1.0 / (4.0 + x * x) + x * x * x if name == "derivative" else smooth(x)
    assert_same(OPERATORS[name](f, vectorized=True, **options), OPERATORS[name](f, **options))


@pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
def test_a_vectorized_f_gets_the_points_along_the_last_axis(shape):
    shapes = []

    def f(x):
        shapes.append(x.shape)
        assert x.dtype == np.float64
        return np.stack([x, x * x], axis=0)

    x = np.linspace(1, 2, math.prod(shape)).reshape(shape)
    found = nd.jacobian(f, x, vectorized=True)
    assert_same(found, nd.jacobian(lambda x: np.stack([x, x * x]), x))
    assert found.value.shape == (2, *shape, *shape)
    assert all(one[:-1] == shape for one in shapes)
    assert found.nfev == sum(one[-1] for one in shapes)
    assert len(shapes) < found.nfev / 2 or not shape


def test_a_vectorized_f_of_derivative_gets_a_flat_array():
    f = lambda x: (np.atleast_1d(x) + 0 * x[:, None]).sum(axis=1) * 0 + x * x
    assert_same(nd.derivative(f, 3.0, vectorized=True), nd.derivative(lambda x: x * x, 3.0))


@pytest.mark.parametrize("options", [{}, {"method": "central", "step": 0.125},
                                     {"method": "forward", "step": 0.125}])  # fmt: skip
def test_domain_errors_of_a_vectorized_f_cost_only_their_own_points(options):
    def one(x):
        if x[0] < 0.7:
            raise ValueError("too small")
        return np.array([smooth(x), x[0], 2.0])

    def many(x):
        return np.stack([one(point) for point in x.T], axis=-1)

    plain = nd.jacobian(one, X, **options)
    assert_same(nd.jacobian(many, X, vectorized=True, **options), plain)


OTHER_NUMBERS = (
    lambda _: 1.0,
    lambda x: np.ones(x.shape[-1] + 1),
    lambda x: np.ones(x.shape[-1] + (x.shape[-1] > 1)),
    np.transpose,
)


@pytest.mark.parametrize("f", OTHER_NUMBERS)
def test_a_vectorized_f_that_returns_another_number_of_points_is_refused(f):
    with pytest.raises(ValueError, match="last axis"):
        nd.jacobian(f, X, vectorized=True)


# --- bad input ---

BAD = {
    "method name": ({"method": "centrel"}, ValueError, "`method`.*centrel"),
    "method kind": ({"method": 2}, TypeError, "`method`"),
    "method None": ({"method": None}, TypeError, "`method`"),
    "step name": ({"step": "small"}, ValueError, "`step`.*small"),
    "step zero": ({"step": 0.0}, ValueError, "`step`"),
    "step negative": ({"step": [1, -1, 1]}, ValueError, "`step`.*entry 1"),
    "step nan": ({"step": math.nan}, ValueError, "`step`"),
    "step inf": ({"step": math.inf}, ValueError, "`step`"),
    "step shape": ({"step": [0.1, 0.1]}, ValueError, "`step`"),
    "step complex": ({"step": 1j}, ValueError, "`step`"),
    "step object": ({"step": object()}, TypeError, "`step`"),
    "rtol negative": ({"rtol": -1e-3}, ValueError, "`rtol`"),
    "rtol nan": ({"rtol": math.nan}, ValueError, "`rtol`"),
    "rtol text": ({"rtol": "small"}, TypeError, "`rtol`"),
    "rtol None": ({"rtol": None}, TypeError, "`rtol`"),
    "max_nfev zero": ({"max_nfev": 0}, ValueError, "`max_nfev`"),
    "max_nfev negative": ({"max_nfev": -5}, ValueError, "`max_nfev`"),
    "max_nfev text": ({"max_nfev": "many"}, TypeError, "`max_nfev`"),
    "args list": ({"args": [1]}, TypeError, "`args`"),
    "kwargs list": ({"kwargs": [1]}, TypeError, "`kwargs`"),
    "max_nfev fraction": ({"max_nfev": 10.5}, ValueError, "`max_nfev`.*10.5"),
    "vectorized text": ({"vectorized": "no"}, TypeError, "`vectorized`.*'no'"),
    "on_flag text": ({"on_flag": "stop"}, ValueError, "`on_flag`.*stop"),
    "workers text": ({"workers": "all"}, TypeError, "`workers`.*all"),
    "bounds number": ({"bounds": 3}, ValueError, "`bounds`"),
    "bounds three": ({"bounds": (0, 1, 2)}, ValueError, "`bounds`"),
    "bounds shape": ({"bounds": ([0, 0], [9, 9])}, ValueError, "`bounds`"),
    "bounds text": ({"bounds": ("a", "b")}, ValueError, "`bounds`"),
    "bounds nan": ({"bounds": (math.nan, 9)}, ValueError, "`bounds`"),
    "bounds crossed": ({"bounds": (9, -9)}, ValueError, "`bounds`"),
    "x above": ({"bounds": (-9, 1)}, ValueError, "`x`.*entry 2"),
    "x below": ({"bounds": (-1, 9)}, ValueError, "`x`.*entry 1"),
}


@pytest.mark.parametrize(("options", "kind", "said"), BAD.values(), ids=BAD)
@pytest.mark.parametrize("name", ["gradient", "hessian", "hvp", "jvp"])
def test_a_bad_option_is_refused_by_name_before_f_is_called(name, options, kind, said):
    f = Recorded(smooth)
    with pytest.raises(kind, match=said):
        OPERATORS[name](f, **options)
    assert not f.points


@every_operator
@pytest.mark.parametrize("f", [None, 3.0, "sin", np.ones(3)])
def test_f_that_cannot_be_called_is_named(name, f):
    with pytest.raises(TypeError, match="`f`"):
        OPERATORS[name](f)


# --- complex step ---

SAFE = {
    "squire-trapp": (
        lambda x: np.exp(x) / np.sqrt(np.sin(x) ** 3 + np.cos(x) ** 3), 1.5, 4.053427893898621),
    "exp": (np.exp, 1.0, math.e),
    "cube": (lambda x: x**3, 1.0 / 3.0, 1.0 / 3.0),
    "log": (np.log, 1e-3, 1e3),
    "large x": (np.sin, 1e5, math.cos(1e5)),
    "at zero": (np.sin, 0.0, 1.0),
    "division": (lambda x: 1 / (1 + x * x), -2.0, 4 / 25),
    "safe branch": (lambda x: x**2 if x.real > 1 else x**3, 2.0, 4.0),
    "minimum": (lambda x: np.where(x.real > 1, np.sin(x), x), 2.0, math.cos(2.0)),
    "constant": (lambda _: 4.25, 1.0, 0.0),
    "tiny": (lambda x: 1e-200 * np.exp(x), 1.0, 1e-200 * math.e),
}  # fmt: skip


@pytest.mark.parametrize(("f", "x", "exact"), SAFE.values(), ids=SAFE)
def test_the_complex_step_is_right_to_15_digits(f, x, exact):
    found = nd.derivative(f, x, method="complex")
    assert found.status == Status.OK
    assert abs(found.value - exact) <= min(found.error, 2e-15 * abs(exact))
    assert found.error <= 1e-13 * (1 + abs(x)) * abs(exact)  # f itself may round x


def test_the_complex_step_of_arrays_is_right():
    for found, exact in (
        (nd.gradient(smooth, X, method="complex"), smooth_gradient(X)),
        (nd.jacobian(lambda x: x * x[::-1], X, method="complex").value.sum(axis=0), None),
        (nd.jvp(smooth, X, V, method="complex"), smooth_gradient(X) @ V),
    ):
        if exact is None:
            np.testing.assert_allclose(found, 2 * X[::-1], rtol=1e-14)
        else:
            assert found.success.all()
            np.testing.assert_allclose(found.value, exact, rtol=1e-14)
            assert (np.abs(found.value - exact) <= found.error).all()


def quietly(f):
    def g(x):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", np.exceptions.ComplexWarning)
            return f(x)

    return g


def through_buffer(x):
    out = np.empty(3)
    out[:] = x * x
    return out.sum()


UNSAFE = {
    "abs": lambda x: np.abs(x[0]) * x[1] + x[2],
    "builtin abs": lambda x: abs(x[1]) ** 3 + x[0] * x[2],
    "norm": np.linalg.norm,
    "conj": lambda x: x @ np.conj(x) * x[0],
    "vdot": lambda x: np.vdot(x, x * x),
    "sign": lambda x: np.sum(x * np.sign(x)),
    "real": lambda x: np.sum(np.real(x) ** 2),
    "float cast": quietly(lambda x: float(x[0]) ** 2 + x[1] * x[2]),
    "array cast": quietly(lambda x: np.sum(np.asarray(x).astype(float) ** 2)),
    "math": lambda x: math.sin(x[0]) * x[1] + x[2],
    "branch": lambda x: (np.real(x[0]) if np.real(x[0]) > 0.5 else x[0]) * x[1] + x[2],
    "angle": lambda x: np.abs(x[0] + 1j * x[1]) + x[2] * 0,
    "buffer": quietly(through_buffer),
    "one of three": lambda x: np.array([x[0] ** 2, np.abs(x[1]), x[2] ** 3]),
}


@pytest.mark.parametrize("f", UNSAFE.values(), ids=UNSAFE)
@pytest.mark.parametrize("name", ["jacobian", "jvp"])
def test_a_function_that_is_not_complex_safe_is_flagged_with_the_answer_of_auto(f, name):
    auto = OPERATORS[name](lambda x: np.real(f(x)))
    found = OPERATORS[name](f, method="complex")
    wrong = found.status == Status.NOT_COMPLEX_SAFE
    assert wrong.any()
    assert (np.abs(found.value - auto.value) <= found.error + auto.error).all()
    assert (found.value == auto.value)[wrong].all()
    assert not found.success[wrong].any()


def test_outputs_that_are_complex_safe_are_not_flagged_with_the_others():
    found = nd.jacobian(UNSAFE["one of three"], X, method="complex")
    assert (found.status[1] == Status.NOT_COMPLEX_SAFE).all()
    assert (found.status[[0, 2]] == Status.OK).all()


def test_every_unsafe_entry_is_noticed_among_many():
    for k in range(20):
        f = lambda x, k=k: np.sum(x**2) + np.abs(x[k])
        found = nd.gradient(f, np.linspace(1, 2, 20), method="complex")
        assert (found.status == Status.NOT_COMPLEX_SAFE).any()
        assert found.status[k] == Status.NOT_COMPLEX_SAFE


@pytest.mark.parametrize("name", OPERATORS)
def test_complex_valued_f_with_the_complex_step_is_refused(name):
    with pytest.raises(ValueError, match="complex"):
        OPERATORS[name](lambda x: 1j * np.sum(x), method="complex")


@pytest.mark.parametrize("order", range(2, 7))
def test_the_complex_step_of_a_higher_order_is_right_or_refused(order):
    try:
        found = nd.derivative(np.sin, 1.0, order=order, method="complex")
    except ValueError as refusal:
        assert "`method`" in str(refusal) or "complex" in str(refusal)  # noqa: PT017
        return
    assert abs(found.value - math.sin(1 + order * math.pi / 2)) <= found.error < 1e-3


@pytest.mark.parametrize("name", ["hessian", "hessian_diagonal", "hvp"])
def test_the_complex_step_of_a_second_derivative_is_right_or_refused(name):
    try:
        found = OPERATORS[name](smooth, method="complex")
    except ValueError as refusal:
        assert "complex" in str(refusal)  # noqa: PT017
        return
    truth = OPERATORS[name](smooth)
    assert (np.abs(found.value - truth.value) <= found.error + truth.error).all()


@pytest.mark.parametrize("f", [lambda _: math.nan, lambda x: np.sum(x) * math.inf])
def test_no_finite_value_at_x_is_domain_under_the_complex_step(f):
    found = nd.gradient(f, X, method="complex")
    assert (found.status == Status.DOMAIN).all()


def test_the_complex_step_displaces_only_the_imaginary_part_but_for_its_check():
    f = Recorded(smooth)
    nd.gradient(f, X, method="complex")
    imaginary = [point for point in f.points if np.iscomplexobj(point)]
    assert len(imaginary) >= 3
    assert all(np.abs(point.real - X).max() <= 4096 * np.spacing(2.0) for point in imaginary)


def test_along_a_vector_no_entry_goes_farther_than_its_own_step():
    asked, x, steps = [], np.array([1.0, 2.0, 3.0]), np.array([2.0**-10, 2.0**-20, 2.0**-30])
    f = lambda x: (asked.append(x.copy()), float(x.sum()))[1]
    found = nd.jvp(f, x, [0.5, 2.0, 0.0], method="central", step=steps)
    assert found.step == 2.0**-21
    assert (np.abs(np.array(asked) - x) <= steps).all()
