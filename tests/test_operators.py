"""Operators: the right numbers in the right shapes, with bars that cover."""

import inspect
import math

import numba
import numpy as np
import pytest

import numdiff as nd
from numdiff import Status
from tests.corpus.scalar import PROBLEMS

OPERATORS = (
    nd.derivative,
    nd.gradient,
    nd.jacobian,
    nd.hessian,
    nd.hessian_diagonal,
    nd.jvp,
    nd.hvp,
)
FIELDS = ("value", "error", "status", "step", "noise", "left", "right", "success")


def quadratic(x):
    return x[0] ** 2 + 3 * x[0] * x[1] + x[1] ** 2


def pair(x):
    return np.array([x[0] ** 2 + 3 * x[0] * x[1], 2 * x[0] * x[1] + x[1] ** 2])


def product(x):
    return x[0] ** 2 * x[1] * x[2]


def product_hessian(p):
    x, y, z = p
    return [[2 * y * z, 2 * x * z, 2 * x * y], [2 * x * z, 0, x**2], [2 * x * y, x**2, 0]]


def waves(x):
    return np.array([np.sin(x[0] * x[1]), np.exp(x[0]), x[1] ** 3])


def assert_right(estimate, exact, digits=9):
    """All entries OK, within their bars, and the bars not larger than `digits` allow."""
    exact = np.asarray(exact)
    assert np.shape(estimate.value) == exact.shape
    assert estimate.success.all()
    assert (np.abs(estimate.value - exact) <= estimate.error).all()
    assert (estimate.error <= 10.0**-digits * max(1.0, np.abs(exact).max(initial=0.0))).all()


WORKED = {
    "gradient": (lambda: nd.gradient(quadratic, [1, 2]), [8, 7]),
    "jacobian": (lambda: nd.jacobian(pair, [1, 2]), [[8, 3], [4, 6]]),
    "hessian": (lambda: nd.hessian(quadratic, [1, 2]), [[2, 3], [3, 2]]),
    "hessian of three": (
        lambda: nd.hessian(product, [1.5, -2, 3]),
        product_hessian((1.5, -2, 3)),
    ),
    "hessian from grad": (
        lambda: nd.hessian(quadratic, [1, 2], grad=lambda x: np.array([[2, 3], [3, 2]]) @ x),
        [[2, 3], [3, 2]],
    ),
    "hessian_diagonal": (lambda: nd.hessian_diagonal(product, [1.5, -2, 3]), [-12, 0, 0]),
    "jvp": (lambda: nd.jvp(pair, [1, 2], [3, 4]), [36, 36]),
    "jvp of a number": (lambda: nd.jvp(quadratic, [1, 2], [-30, 400]), 2560),
    "hvp": (lambda: nd.hvp(quadratic, [1, 2], [3, 4]), [18, 17]),
    "derivative": (lambda: nd.derivative(np.exp, 1), math.e),
}


@pytest.mark.parametrize("name", WORKED)
def test_worked_example(name):
    call, exact = WORKED[name]
    assert_right(call(), exact)


@pytest.mark.parametrize("op", [nd.gradient, nd.jacobian, nd.hessian, nd.hessian_diagonal])
@pytest.mark.parametrize("f", [lambda _: 0.0, lambda _: 4.25, lambda _: 1e300, lambda _: -7])
def test_a_constant_has_the_derivative_zero_within_its_bar(op, f):
    found = op(f, [1.5, -2.0])
    assert_right(found, np.zeros(found.value.shape), digits=-290 if f(0) == 1e300 else 11)


@pytest.mark.parametrize("x", [0.0, 1e-300, 5e-324, 3.0, -1e150, 1e300])
def test_a_linear_function_has_its_slope(x):
    assert_right(nd.derivative(lambda x: 3 * x, x), 3.0, digits=12)


@pytest.mark.parametrize("f", [lambda x: 3 * x, lambda x: np.sin(1e-9 * x), np.arctan])
@pytest.mark.parametrize("x", [0.0, 1e-3])
def test_no_bar_is_below_the_last_bit_of_its_value(f, x):
    found = nd.derivative(f, x)
    assert found.error >= 2.0**-52 * abs(found.value)


@pytest.mark.parametrize("f", [np.cos, np.cosh, lambda x: x**2, lambda x: x**4])
def test_a_derivative_that_is_zero_lies_within_its_bar(f):
    assert_right(nd.derivative(f, 0.0), 0.0, digits=10)


@pytest.mark.parametrize("x", [1e150, 1e300, 1e308])
def test_a_function_that_varies_faster_than_floats_do_is_flagged(x):
    assert not nd.derivative(np.sin, x).success


@pytest.mark.parametrize("x", [1e-20, 1e-100, 1e-200])
def test_the_scale_of_x_may_be_far_below_one(x):
    found = nd.derivative(np.log, x)
    assert found.success
    assert abs(found.value - 1 / x) <= found.error <= 1e-6 / x


def test_a_derivative_that_overflows_is_flagged():
    found = nd.derivative(np.log, 1e-310)
    assert not found.success
    assert math.isnan(found.value)
    assert found.error == math.inf


# --- shapes ---

X = {
    "0-d": np.float64(1.5),
    "empty": np.zeros(0),
    "one": np.array([1.5]),
    "vector": np.array([1.5, -2.0, 0.5]),
    "matrix": np.array([[1.5, -2.0, 0.5], [0.25, 3.0, 1.0]]),
    "cube": np.arange(1.0, 9.0).reshape(2, 2, 2),
}
F = {
    "number": lambda x: np.sum(x**2),
    "size-1": lambda x: np.sum(x**2).reshape(1, 1),
    "vector": lambda x: np.array([1.0, -2.0]) * np.sum(x**2),
    "matrix": lambda x: np.array([[1.0, -2.0, 3.0], [0.0, 0.5, 4.0]]) * np.sum(x**2),
    "nothing": lambda _: np.zeros((0, 2)),
}
FACTORS = {
    "number": np.float64(1.0),
    "size-1": np.ones((1, 1)),
    "vector": np.array([1.0, -2.0]),
    "matrix": np.array([[1.0, -2.0, 3.0], [0.0, 0.5, 4.0]]),
    "nothing": np.zeros((0, 2)),
}
every_x = pytest.mark.parametrize("x", X.values(), ids=X)
every_f = pytest.mark.parametrize("out", F)
SINGLE = ({}, {"method": "central", "step": 0.25}, {"method": "forward", "step": 2.0**-20})


def outer(*arrays):
    return np.multiply.outer(*arrays)


def identity(x):
    return np.eye(x.size).reshape(x.shape + x.shape)


def assert_close(estimate, exact, options):
    """Exact shape; and right within bars, or nearly so for a single step."""
    if not options:
        assert_right(estimate, exact)
    else:
        assert np.shape(estimate.value) == np.shape(exact)
        np.testing.assert_allclose(estimate.value, exact, atol=0.01)


@every_f
@every_x
@pytest.mark.parametrize("options", SINGLE, ids=["auto", "central", "forward"])
def test_jacobian_has_the_shape_of_f_then_of_x(x, out, options):
    exact = outer(FACTORS[out], 2 * x)
    assert_close(nd.jacobian(F[out], x, **options), exact, options)


@pytest.mark.parametrize("out", ["number", "size-1"])
@every_x
@pytest.mark.parametrize("options", SINGLE, ids=["auto", "central", "forward"])
def test_gradient_has_the_shape_of_x(x, out, options):
    assert_close(nd.gradient(F[out], x, **options), 2 * x, options)


@every_f
@every_x
def test_hessian_has_the_shape_of_f_then_twice_that_of_x(x, out):
    assert_right(nd.hessian(F[out], x), outer(FACTORS[out], 2 * identity(x)))


@every_f
@every_x
def test_hessian_diagonal_has_the_shape_of_f_then_of_x(x, out):
    assert_right(nd.hessian_diagonal(F[out], x), outer(FACTORS[out], 2 * np.ones_like(x)))


@every_f
@every_x
@pytest.mark.parametrize("options", SINGLE, ids=["auto", "central", "forward"])
def test_jvp_has_the_shape_of_f(x, out, options):
    exact = FACTORS[out] * np.sum(2 * x * (x + 1))
    assert_close(nd.jvp(F[out], x, x + 1, **options), exact, options)


@pytest.mark.parametrize("out", ["number", "size-1"])
@every_x
def test_hvp_has_the_shape_of_x(x, out):
    assert_right(nd.hvp(F[out], x, x + 1), 2 * (x + 1))


@pytest.mark.parametrize("name", [name for name in X if name != "empty"])
@pytest.mark.parametrize("order", [1, 2])
def test_derivative_has_the_shape_of_x_then_of_f(name, order):
    x = X[name]
    found = nd.derivative(lambda t: np.array([[t**2, 3 * t, 1.0]]), x, order=order)
    rows = (2 * x, 3 + 0 * x, 0 * x) if order == 1 else (2 + 0 * x, 0 * x, 0 * x)
    assert_right(found, np.stack(rows, axis=-1)[..., None, :], digits=8)


def test_derivative_of_no_points_is_empty_or_refused_by_name():
    with pytest.raises(ValueError, match="`x`"):
        nd.derivative(np.sin, [])


def test_derivative_at_an_array_treats_each_point_on_its_own():
    x = [0.1, 2.0, 30.0]
    together = nd.derivative(np.sin, x)
    alone = [nd.derivative(np.sin, point) for point in x]
    assert together.value.tolist() == [one.value for one in alone]
    assert together.error.tolist() == [one.error for one in alone]
    assert together.nfev == sum(one.nfev for one in alone)


def test_hessian_of_a_vector_valued_f_has_one_matrix_per_output():
    x, y = 0.5, -1.5
    s, c = math.sin(x * y), math.cos(x * y)
    mixed = c - x * y * s
    exact = np.zeros((3, 2, 2))
    exact[0] = [[-y * y * s, mixed], [mixed, -x * x * s]]
    exact[1, 0, 0], exact[2, 1, 1] = math.exp(x), 6 * y
    assert_right(nd.hessian(waves, [x, y]), exact)


def test_hessian_is_symmetric_in_bits():
    found = nd.hessian(lambda x: np.sin(x).prod() + np.exp(x @ x / 9), [0.3, 1.7, -0.9])
    for name in ("value", "error", "status", "step"):
        field = getattr(found, name)
        assert (field == field.T).all()


def test_hessian_from_grad_is_symmetric_in_bits_too():
    grad = lambda x: np.array([1e6 * np.sin(x[0] * x[1]), np.exp(x[0]), np.float32(x[1] * x[2])])
    found = nd.hessian(np.sum, [0.3, 1.7, -0.9], grad=grad)
    for name in ("value", "error", "status", "step", "noise"):
        field = getattr(found, name)
        assert (field == field.T).all(), name
    rows = nd.jacobian(grad, [0.3, 1.7, -0.9]).noise
    assert (found.noise == np.maximum(rows, rows.T)).all()


def test_hessian_from_grad_is_symmetrised_and_counts_calls_of_grad():
    calls = []

    def grad(x):
        calls.append(x)
        return np.array([[2.0, 4.0], [2.0, 2.0]]) @ x  # not symmetric

    found = nd.hessian(quadratic, [1, 2], grad=grad)
    assert_right(found, [[2, 3], [3, 2]])
    assert found.nfev == len(calls)


def test_hessian_from_grad_never_calls_f():
    def refuse(x):
        raise AssertionError

    assert_right(nd.hessian(refuse, [1, 2], grad=lambda x: x**2), [[2, 0], [0, 4]])


def test_hessian_from_grad_of_another_shape_names_grad():
    with pytest.raises(ValueError, match=r"`grad`.*\(2,\), got \(1,\)"):
        nd.hessian(quadratic, [1, 2], grad=lambda x: x[:1])


def test_hessian_from_grad_of_a_matrix_argument():
    x = X["matrix"]
    assert_right(nd.hessian(F["number"], x, grad=lambda x: 2 * x), 2 * identity(x))


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
def test_vectors_are_not_normalised(scale):
    v = np.array([3.0, 4.0]) * scale
    assert_right(nd.jvp(quadratic, [1, 2], v), 52 * scale)
    found = nd.hvp(quadratic, [1, 2], v)
    np.testing.assert_allclose(found.value, [18 * scale, 17 * scale], rtol=1e-7)
    assert (np.abs(found.value - [18 * scale, 17 * scale]) <= found.error).all()


@pytest.mark.parametrize("op", [nd.jvp, nd.hvp])
def test_a_vector_of_zeros_gives_exact_zeros(op):
    found = op(quadratic, [1, 2], [0, 0])
    assert_right(found, 0.0 if op is nd.jvp else [0.0, 0.0], digits=300)
    assert np.isfinite(found.step).all()


def test_a_sparse_vector_moves_only_its_entries():
    moved = np.zeros(3, bool)

    def f(x):
        np.logical_or(moved, x != [1.0, 2.0, 3.0], out=moved)
        return product(x)

    assert_right(nd.jvp(f, [1, 2, 3], [0, 2, 0]), 6.0)
    assert moved.tolist() == [False, True, False]


COMPLEX = {
    "derivative": (lambda: nd.derivative(lambda x: np.exp(1j * x), 1.0), 1j * np.exp(1j)),
    "order 2": (lambda: nd.derivative(lambda x: np.exp(1j * x), 1.0, order=2), -np.exp(1j)),
    "gradient": (
        lambda: nd.gradient(lambda x: x[0] ** 2 + 1j * x[0] * x[1], [1, 2]),
        [2 + 2j, 1j],
    ),
    "jacobian": (lambda: nd.jacobian(lambda x: 1j * x**2, [1, 2]), [[2j, 0], [0, 4j]]),
    "hessian": (
        lambda: nd.hessian(lambda x: x[0] ** 2 + 1j * x[0] * x[1], [1, 2]),
        [[2, 1j], [1j, 0]],
    ),
    "hessian_diagonal": (
        lambda: nd.hessian_diagonal(lambda x: x[0] ** 2 + 1j * x[1] ** 2, [1, 2]),
        [2, 2j],
    ),
    "jvp": (lambda: nd.jvp(lambda x: 1j * x[0] * x[1], [1, 2], [3, 4]), 10j),
    "hvp": (lambda: nd.hvp(lambda x: 1j * x[0] * x[1], [1, 2], [3, 4]), [4j, 3j]),
}


@pytest.mark.parametrize("name", COMPLEX)
def test_a_complex_valued_function_has_a_complex_derivative_and_real_bars(name):
    call, exact = COMPLEX[name]
    found = call()
    assert np.iscomplexobj(found.value)
    assert found.error.dtype == np.float64
    assert_right(found, exact)


# --- orders ---

ORDERS = {
    "exp": (np.exp, 0.5, lambda _: math.exp(0.5)),
    "sin": (np.sin, 1.0, lambda k: math.sin(1.0 + k * math.pi / 2)),
    "1/x": (lambda x: 1 / x, 2.0, lambda k: (-1) ** k * math.factorial(k) / 2 ** (k + 1)),
    "exp far out": (lambda x: math.exp(x / 100), 300.0, lambda k: math.exp(3) / 100**k),
    "x^5": (lambda x: x**5, -1.5, lambda k: math.perm(5, k) * (-1.5) ** max(5 - k, 0)),
}
# Relative digits that each order must reach, from 1 on: noise grows with h**-order, and the pole of
# 1/x at the distance 2 keeps the steps small.
DIGITS = dict.fromkeys(ORDERS, (12, 10, 7, 7, 6, 5, 4, 4, 1, 0)) | {"1/x": (12, 10, 7, 7, 6, 4, 3)}
OUT_OF_REACH = [(name, k) for name in ORDERS for k in range(len(DIGITS[name]) + 1, 11)]


@pytest.mark.parametrize(("name", "order"), OUT_OF_REACH)
def test_an_order_out_of_reach_is_flagged_or_no_lie(name, order):
    f, x, exact = ORDERS[name]
    found = nd.derivative(f, x, order=order)
    assert not found.success or abs(found.value - exact(order)) <= 10 * found.error


IN_REACH = [(name, k + 1) for name in ORDERS for k in range(len(DIGITS[name]))]


@pytest.mark.parametrize(("name", "order"), IN_REACH)
def test_orders_1_to_10(name, order):
    f, x, exact = ORDERS[name]
    found = nd.derivative(f, x, order=order)
    size = max(abs(exact(order)), math.factorial(order) * 1e-2 if name == "x^5" else 0.0)
    assert found.success
    assert abs(found.value - exact(order)) <= found.error <= 10.0 ** -DIGITS[name][order - 1] * size


@pytest.mark.parametrize(
    ("name", "x", "order"),
    [
        ("cubic pieces with matching values", 0.39, 8),
        ("flat piece of a smooth step", 1.05, 9),
        ("chi squared sf", 0.5, 10),
    ],
)
def test_an_order_of_which_no_digit_is_known_is_not_resolved(name, x, order):
    problem = next(p for p in PROBLEMS if p.name == name)
    found = nd.derivative(problem.f, x, order=order)
    assert found.status == Status.UNRESOLVED
    assert found.error == math.inf


@pytest.mark.parametrize("order", [0, 11, -1])
def test_order_out_of_range_is_named(order):
    with pytest.raises(ValueError, match="`order`"):
        nd.derivative(np.sin, 1.0, order=order)


@pytest.mark.parametrize("order", [1.5, "2", None, True])
def test_order_that_is_no_integer_is_named(order):
    with pytest.raises((ValueError, TypeError), match="`order`"):
        nd.derivative(np.sin, 1.0, order=order)


def test_order_may_be_a_numpy_integer():
    assert_right(nd.derivative(np.exp, 0.0, order=np.int64(2)), 1.0)


# --- what comes back ---


def call_each(f=quadratic, **options):
    x, v = [1.0, 2.0], [3.0, 4.0]
    yield nd.derivative(lambda t: t**2, x, **options)
    for op in OPERATORS[1:]:
        yield op(f, x, v, **options) if op in {nd.jvp, nd.hvp} else op(f, x, **options)


def test_every_operator_returns_an_estimate_whose_fields_have_one_shape():
    for found in call_each():
        assert isinstance(found, nd.Estimate)
        assert {np.shape(getattr(found, name)) for name in FIELDS} == {np.shape(found.value)}
        assert found.status.dtype == np.uint8
        assert found.error.dtype == found.step.dtype == found.noise.dtype == np.float64
        assert isinstance(found.nfev, int)
        assert found.method == "auto"
        assert np.isnan(found.left).all()
        assert np.isnan(found.right).all()
        np.testing.assert_array_equal(np.asarray(found), found.value)


@pytest.mark.parametrize("options", [*SINGLE, {"method": "complex"}, {"bounds": (0, 2)}])
def test_arrays_are_owned_and_writable(options):
    for found in (
        nd.derivative(np.sin, [1.0, 2.0], **options),
        nd.gradient(quadratic, [1.0, 2.0], **options),
        nd.jacobian(pair, [1.0, 2.0], **options),
    ):
        fields = [getattr(found, name) for name in FIELDS]
        assert all(field.flags.writeable for field in fields)
        assert not any(np.shares_memory(a, b) for i, a in enumerate(fields) for b in fields[:i])


@pytest.mark.parametrize("options", [*SINGLE, {"method": "complex"}, {"bounds": (0, 2)}])
def test_scalars_are_numpy_scalars(options):
    for found in (
        nd.derivative(np.sin, 1.0, **options),
        nd.gradient(np.sin, 1.0, **options),
        nd.jvp(quadratic, [1.0, 2.0], [1.0, 1.0], **options),
    ):
        assert isinstance(found.value, np.float64)
        assert isinstance(found.error, np.float64)
        assert isinstance(found.status, np.uint8)
        assert isinstance(found.step, np.float64)


def test_every_operator_takes_the_same_keyword_only_options():
    shared = {"method", "step", "bounds", "rtol", "max_nfev", "vectorized", "args"}
    for op in OPERATORS:
        parameters = inspect.signature(op).parameters.values()
        positional = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
        assert positional in (["f", "x"], ["f", "x", "v"])
    plain = dict.fromkeys(shared)
    plain |= {"method": "auto", "rtol": 0.0, "vectorized": False, "args": ()}
    assert len(list(call_each(**plain))) == len(OPERATORS)
    with pytest.raises(TypeError):
        nd.gradient(quadratic, [1, 2], "central")
    with pytest.raises(TypeError, match="stepp"):
        nd.gradient(quadratic, [1, 2], stepp=1.0)


def test_every_operator_passes_args_on():
    scaled = lambda x, a, b: a * np.sum(x**2) + b
    exact = {nd.gradient: [4, 8], nd.jacobian: [4, 8], nd.hessian: [[4, 0], [0, 4]]}
    exact |= {nd.hessian_diagonal: [4, 4]}
    for op, answer in exact.items():
        assert_right(op(scaled, [1, 2], args=(2, 7)), answer)
    assert_right(nd.jvp(scaled, [1, 2], [1, 1], args=(2, 7)), 12)
    assert_right(nd.hvp(scaled, [1, 2], [1, 1], args=(2, 7)), [4, 4])
    assert_right(nd.derivative(scaled, 3, args=(2, 7)), 12)
    found = nd.hessian(scaled, [1, 2], grad=lambda x, a, _: 2 * a * x, args=(2, 7))
    assert_right(found, [[4, 0], [0, 4]])


def test_a_numba_function_is_differentiated():
    f = numba.njit(lambda x: x[0] ** 2 + 3 * x[0] * x[1] + x[1] ** 2)
    assert_right(nd.gradient(f, [1, 2]), [8, 7])


def test_gradient_of_a_vector_names_jacobian():
    with pytest.raises(ValueError, match="jacobian"):
        nd.gradient(pair, [1, 2])
    with pytest.raises(ValueError, match="jacobian"):
        nd.gradient(lambda _: np.zeros(0), [1, 2])
    with pytest.raises(ValueError, match="jacobian"):
        nd.gradient(lambda x: 1j * pair(x), [1, 2])


def test_hvp_of_a_vector_is_refused():
    with pytest.raises(ValueError, match="one output"):
        nd.hvp(pair, [1, 2], [1, 1])


@pytest.mark.parametrize("op", [nd.jvp, nd.hvp])
@pytest.mark.parametrize("v", [[1.0], [1.0, 2.0, 3.0], 1.0, [[1.0, 2.0]]])
def test_a_vector_of_another_shape_is_named(op, v):
    with pytest.raises(ValueError, match="`v`"):
        op(quadratic, [1, 2], v)


@pytest.mark.parametrize("op", [nd.jvp, nd.hvp])
@pytest.mark.parametrize("v", [[1.0, math.nan], [1.0, 1j], [math.inf, 0.0]])
def test_a_vector_with_a_bad_entry_is_named(op, v):
    with pytest.raises(ValueError, match="`v`"):
        op(quadratic, [1, 2], v)


def test_outputs_of_very_different_size_each_keep_their_own_bar():
    scales = np.array([1e-12, 1.0, 1e12])
    found = nd.jacobian(lambda x: scales * np.sin(x[0] + x[1]), [0.3, 0.4])
    exact = (scales * math.cos(0.7))[:, None] * np.ones(2)
    assert (np.abs(found.value - exact) <= found.error).all()
    assert (found.error <= 1e-10 * exact).all()


def test_an_output_that_is_never_finite_does_not_spoil_the_others():
    found = nd.jacobian(lambda x: np.array([math.nan, x[0] * x[1]]), [2.0, 3.0])
    assert found.status.tolist() == [[Status.DOMAIN] * 2, [Status.OK] * 2]
    np.testing.assert_allclose(found.value, [[math.nan] * 2, [3.0, 2.0]], rtol=1e-12)
