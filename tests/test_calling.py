"""How f is called: what it gets, how often, and what becomes of what it returns or raises."""

import fractions
import math
import warnings

import numpy as np
import pytest

import numdiff as nd
from numdiff import Status
from tests.corpus import misbehaved
from tests.measuring.operators import operators_at

X = np.array([1.0, 2.0])
V = np.array([3.0, 4.0])
CALLS = operators_at(X, V, 0.7)
FIRST = ("derivative", "gradient", "jacobian", "hessian_diagonal", "jvp")
STEPS = {
    "auto": {},
    "richardson": {"method": "richardson"},
    "forward": {"method": "forward"},
    "backward": {"method": "backward"},
    "forward, one step": {"method": "forward", "step": 0.01},
    "central, one step": {"method": "central", "step": 0.01},
    "textbook": {"method": "central", "step": "textbook"},
    "stencil": {"method": nd.Stencil.central(1, 4), "step": 0.01},
    "bounded": {"bounds": (0, 2)},
}
ALL_CALLS = [
    (name, steps)
    for name in CALLS
    for steps in STEPS
    if not (name in {"hessian", "hvp", "hessian_diagonal"} and steps == "stencil")
]
every_call = pytest.mark.parametrize("name", CALLS)
every_way = pytest.mark.parametrize(("name", "steps"), ALL_CALLS)


def sines(x):
    return float(np.sum(np.sin(x)))


def gradient_is_right(found):
    return (np.abs(found.value - np.cos(X)) <= found.error).all() and (found.error < 1e-11).all()


def differs(fields, other):
    names = ("value", "error", "status", "step", "nfev")
    return [n for n in names if not np.array_equal(
        getattr(fields, n), getattr(other, n), equal_nan=True)]  # fmt: skip


# --- what f gets ---


@every_way
def test_each_call_gets_its_own_float64_array_of_the_shape_of_x(name, steps):
    f, kept = misbehaved.make_keeps_arguments()
    found = CALLS[name](f, **STEPS[steps])
    assert found.nfev == len(kept)
    if name == "derivative":
        assert all(type(point) is np.float64 for point in kept)
        return
    assert all(type(p) is np.ndarray and p.dtype == np.float64 and p.shape == (2,) for p in kept)
    assert all(p.flags.writeable for p in kept)
    assert not any(np.shares_memory(a, b) for i, a in enumerate(kept) for b in kept[:i])
    assert not any(np.shares_memory(point, X) for point in kept)


@every_call
def test_what_f_keeps_stays_what_it_was(name):
    f, kept = misbehaved.make_keeps_arguments()
    copies = []
    CALLS[name](lambda x: (copies.append(np.array(x)), f(x))[1])
    np.testing.assert_array_equal(np.array(kept), np.array(copies))


@pytest.mark.parametrize(
    "f",
    [misbehaved.mutates_argument, misbehaved.fills_argument_with_nan, misbehaved.freezes_argument,
     misbehaved.reshapes_argument],
)  # fmt: skip
@pytest.mark.parametrize("name", [name for name in CALLS if name != "derivative"])
def test_f_may_do_to_its_argument_what_it_likes(name, f):
    x = X.copy()
    assert not differs(CALLS[name](f), CALLS[name](sines))
    assert (x == X).all()
    assert X.tolist() == [1.0, 2.0]


def test_f_may_reorder_its_argument_and_return_it():
    found = nd.jacobian(misbehaved.sorts_argument, [2.0, 1.0])
    assert (np.abs(found.value - np.diag(np.cos([2.0, 1.0]))) <= found.error).all()


def test_a_vectorized_f_may_change_its_block_and_then_raise():
    def f(x):
        bad = (x > 1.0).any()
        y = np.sqrt(np.abs(x))
        x[...] = 9.0
        if bad:
            raise ValueError("beyond one")
        return y

    found = nd.derivative(f, 0.99, vectorized=True)
    plain = nd.derivative(lambda x: math.sqrt(x) if x <= 1.0 else math.nan, 0.99)
    assert not differs(found, plain)


POINTS = {
    "ints": [1, 2],
    "tuple": (1.0, 2.0),
    "int array": np.array([1, 2], np.int8),
    "float32": np.array([1, 2], np.float32),
    "longdouble": np.array([1, 2], np.longdouble),
    "big-endian": np.array([1, 2], ">f8"),
    "non-contiguous": np.array([[1.0, 9.0], [2.0, 9.0]])[:, 0],
    "reversed": np.array([2.0, 1.0])[::-1],
}


@pytest.mark.parametrize("x", POINTS.values(), ids=POINTS)
def test_every_kind_of_real_x_is_computed_in_float64(x):
    f, kept = misbehaved.make_keeps_arguments()
    assert not differs(nd.gradient(f, x), nd.gradient(sines, X))
    assert all(point.dtype == np.float64 and point.dtype.isnative for point in kept)


def test_a_read_only_x_is_accepted_and_f_still_gets_a_writable_copy():
    x = X.copy()
    x.setflags(write=False)
    assert gradient_is_right(nd.gradient(misbehaved.mutates_argument, x))


def test_a_transposed_matrix_keeps_its_layout_of_entries():
    x = np.arange(6.0).reshape(2, 3).T
    found = nd.gradient(lambda x: np.sum(x * [10.0, 20.0]), x)
    np.testing.assert_allclose(found.value, [[10, 20]] * 3, rtol=1e-12)


BAD_X = {
    "complex": ([1.0, 2 + 1j], ValueError, "entry 1"),
    "nan": ([1.0, math.nan], ValueError, "entry 1"),
    "inf": ([-math.inf, 1.0], ValueError, "entry 0"),
    "matrix": ([[1.0, 2.0], [math.nan, 1.0]], ValueError, r"\(1, 0\)"),
    "text": (["a", "b"], TypeError, "`x`"),
    "None": (None, TypeError, "`x`"),
    "object": ([1.0, object()], TypeError, "`x`"),
}


@pytest.mark.parametrize("op", [nd.derivative, nd.gradient, nd.jacobian, nd.hessian])
@pytest.mark.parametrize(("x", "kind", "said"), BAD_X.values(), ids=BAD_X)
def test_a_bad_x_is_refused_and_its_entry_named(op, x, kind, said):
    f = misbehaved.make_counts_calls()
    with pytest.raises(kind, match=said):
        op(f, x)
    assert f.calls == 0


# --- what f returns ---

BUFFERS = {
    "argument": (lambda: misbehaved.returns_argument, np.ones_like),
    "view of argument": (lambda: lambda x: misbehaved.returns_view_of_argument(x)[::-1],
                         np.ones_like),
    "reused buffer": (lambda: misbehaved.make_reused_buffer(2), np.cos),
    "reused list": (misbehaved.make_reused_list, np.cos),
    "read-only": (lambda: misbehaved.returns_read_only, np.cos),
    "strided": (lambda: misbehaved.returns_strided, np.cos),
    "list": (lambda: misbehaved.returns_list, np.cos),
    "tuple": (lambda: misbehaved.returns_tuple, np.cos),
}  # fmt: skip


@pytest.mark.parametrize("options", [{}, {"method": "central", "step": 2.0**-17}])
@pytest.mark.parametrize(("make", "slope"), BUFFERS.values(), ids=BUFFERS)
def test_what_f_returns_is_copied_before_the_next_call(make, slope, options):
    found = nd.jacobian(make(), X, **options)
    np.testing.assert_allclose(found.value, np.diag(slope(X)), atol=1e-10)


def test_a_vectorized_f_may_reuse_its_buffer():
    out = np.empty((2, 1000))
    f = lambda x: np.sin(x, out=out[:, : x.shape[1]])
    assert not differs(nd.jacobian(f, X, vectorized=True), nd.jacobian(np.sin, X, vectorized=True))


@pytest.mark.parametrize("name", FIRST)
def test_a_reused_number_is_copied_before_the_next_call(name):
    assert not differs(CALLS[name](misbehaved.make_reused_scalar_buffer()), CALLS[name](sines))


KINDS = {
    "Fraction": (misbehaved.returns_fraction, 1.4),
    "Decimal": (misbehaved.returns_decimal, 1.4),
    "float32": (misbehaved.returns_float32, math.cos(0.7)),
    "longdouble": (misbehaved.returns_longdouble, math.cos(0.7)),
    "large int": (lambda x: int(x * 1e30), 1e30),
    "bool": (misbehaved.returns_bool, 0.0),
    "NumPy int": (misbehaved.returns_numpy_int, 0.0),
    "int": (round, 0.0),
    "only floats taken": (misbehaved.only_python_float, math.cos(0.7)),
}


@pytest.mark.parametrize(("f", "exact"), KINDS.values(), ids=KINDS)
def test_every_kind_of_number_is_accepted(f, exact):
    found = nd.derivative(f, 0.7)
    assert found.success
    assert abs(found.value - exact) <= 3 * found.error  # coarse values: 95 % lie within one bar


NO_NUMBERS = (
    misbehaved.returns_none,
    misbehaved.returns_string,
    lambda _: "0.5",
    misbehaved.returns_dict,
    misbehaved.returns_function,
    misbehaved.returns_datetime,
    misbehaved.returns_ragged_list,
    lambda _: [None, 1.0],
)


@pytest.mark.parametrize("f", NO_NUMBERS)
@pytest.mark.parametrize("name", CALLS)
def test_what_is_no_number_is_a_type_error(name, f):
    with pytest.raises(TypeError, match="must return a number"):
        CALLS[name](f)


@pytest.mark.parametrize("f", NO_NUMBERS)
@pytest.mark.parametrize("options", [{}, {"vectorized": True}])
def test_what_is_no_number_at_a_displaced_point_is_a_type_error(f, options):
    one = 1.0 if not options else np.array([1.0])
    with pytest.raises(TypeError, match="must return a number"):
        nd.gradient(lambda x: one if (x.T == X).all() and x.size == 2 else f(x[0]), X, **options)


def test_a_value_with_its_gradient_is_a_type_error():
    with pytest.raises(TypeError, match="must return a number"):
        nd.gradient(misbehaved.returns_value_and_gradient, X)


OTHER_SHAPES = {
    "fewer": (misbehaved.make_other_shape_elsewhere, r"\(2,\).*\(3,\)"),
    "broadcastable": (misbehaved.make_broadcastable_elsewhere, r"\(1,\).*\(3,\)"),
    "transposed": (misbehaved.make_transposed_elsewhere, r"\(3, 2\).*\(2, 3\)"),
    "array after number": (lambda _: misbehaved.make_scalar_then_array(), r"\(2,\).*\(\)"),
}


@pytest.mark.parametrize(("make", "said"), OTHER_SHAPES.values(), ids=OTHER_SHAPES)
@pytest.mark.parametrize("op", [nd.jacobian, nd.hessian, nd.hessian_diagonal])
@pytest.mark.parametrize("options", [{}, {"method": "forward", "step": 0.1}])
def test_another_shape_at_another_point_is_an_error_that_names_both(op, make, said, options):
    if op is nd.hessian and options:
        options = {"method": "richardson"}
    with pytest.raises(ValueError, match=said):
        op(make(X), X, **options)


def test_another_shape_is_noticed_without_the_value_at_x():
    f = lambda x: np.zeros(2 if x[0] > 1 else 3)
    with pytest.raises(ValueError, match=r"\(3,\).*\(2,\)|\(2,\).*\(3,\)"):
        nd.jacobian(f, X, method="central", step=0.1)


def test_points_of_derivative_must_agree_on_the_shape():
    with pytest.raises(ValueError, match=r"\(2,\).*\(3,\)"):
        nd.derivative(lambda x: np.zeros(2 if x < 1 else 3), [0.0, 5.0])


def test_a_complex_answer_beside_a_real_one_is_outside_the_domain():
    for options in ({}, {"vectorized": True}):
        found = nd.derivative(np.emath.sqrt, 0.01, **options)
        assert found.success
        assert abs(found.value - 5.0) <= found.error < 1e-9
        assert not np.iscomplexobj(found.value)


def test_a_real_answer_beside_a_complex_one_is_complex_too():
    f = lambda x: 2j * x if x >= 1.0 else 0.0
    found = nd.derivative(f, 1.0, method="forward", step=0.5)
    assert found.value == 2j
    exact = nd.derivative(lambda x: complex(x, 0) if x == 1 else float(x), 1.0)
    assert abs(exact.value - 1.0) <= exact.error < 1e-12


# --- how often ---


@every_way
def test_x_itself_is_asked_at_most_once(name, steps):
    calls = []
    CALLS[name](lambda x: (calls.append(np.array(x)), sines(x))[1], **STEPS[steps])
    x = 0.7 if name == "derivative" else X
    assert sum((point == x).all() for point in calls) <= 1


@every_way
def test_nfev_is_the_number_of_calls(name, steps):
    f = misbehaved.make_counts_calls()
    assert CALLS[name](f, **STEPS[steps]).nfev == f.calls > 0


@every_call
@pytest.mark.parametrize("options", [{"rtol": 1e-3}, {"max_nfev": 12}, {"bounds": (0.7, 4.0)}])
def test_nfev_is_the_number_of_calls_with_other_options(name, options):
    f = misbehaved.make_counts_calls()
    assert CALLS[name](f, **options).nfev == f.calls > 0


@every_call
def test_nfev_counts_points_that_raise(name):
    calls = []

    def f(x):
        calls.append(x)
        if np.any(x < 0.69):
            raise ValueError("below")
        return sines(x)

    assert CALLS[name](f).nfev == len(calls)


def test_nfev_of_derivative_at_an_array_counts_all_points():
    f = misbehaved.make_counts_calls()
    assert nd.derivative(f, np.linspace(0, 1, 7)).nfev == f.calls


def test_nfev_of_grad_counts_calls_of_grad():
    calls = []
    found = nd.hessian(sines, X, grad=lambda x: (calls.append(x), np.cos(x))[1])
    assert found.nfev == len(calls)


# --- what f raises ---


@every_call
@pytest.mark.parametrize("kind", [misbehaved.UnusualError, ValueError, ZeroDivisionError,
                                  np.linalg.LinAlgError, StopIteration, TypeError])  # fmt: skip
def test_what_f_raises_at_x_reaches_the_caller_with_a_note_of_the_point(name, kind):
    raised = kind("at x")

    def f(x):
        raise raised

    with pytest.raises(kind) as caught:
        CALLS[name](f)
    assert caught.value is raised
    (note,) = raised.__notes__
    assert "x itself" in note
    assert ("0.7" if name == "derivative" else "[1. 2.]") in note


@every_way
@pytest.mark.parametrize("kind", [misbehaved.UnusualError, StopIteration, KeyError])
def test_what_f_raises_beside_x_reaches_the_caller_with_a_note_of_the_point(name, steps, kind):
    points = []

    def f(x):
        points.append(np.array(x))
        if np.all(x == (0.7 if name == "derivative" else X)):
            return 1.0
        raise kind("beside x")

    with pytest.raises(kind) as caught:
        CALLS[name](f, **STEPS[steps])
    (note,) = caught.value.__notes__
    assert "displaced" in note
    shown = np.array2string(points[-1], precision=17)
    assert shown in note


def over_the_edge(where):
    def f(x):
        if where(x - X):
            raise ValueError("over the edge")
        return sines(x)

    return f


@pytest.mark.parametrize("name", ["hessian", "hvp"])
@pytest.mark.parametrize(
    "where",
    [
        lambda off: off[0] > 0.01 and off[1] == 0.0,
        lambda off: off[1] > 0.01 and off[0] == 0.0,
        lambda off: off[0] * off[1] > 0.0 and (np.abs(off) > 1e-3).all(),
    ],
)
def test_second_derivatives_tell_what_f_raised_along_axes_or_pairs(name, where):
    found = CALLS[name](over_the_edge(where))
    assert "over the edge" in " ".join(found.messages)


def test_what_a_vectorized_f_raises_gets_a_note():
    def f(x):
        if x.shape[-1] > 1:
            raise misbehaved.UnusualError("many")
        return np.sin(x).sum(axis=0)

    with pytest.raises(misbehaved.UnusualError) as caught:
        nd.gradient(f, X, vectorized=True)
    assert "points" in caught.value.__notes__[0]


@every_call
def test_an_interrupt_is_never_caught(name):
    with pytest.raises(KeyboardInterrupt):
        CALLS[name](misbehaved.interrupts)


OUTSIDE = (ValueError, ArithmeticError, ZeroDivisionError, OverflowError, FloatingPointError,
           np.linalg.LinAlgError)  # fmt: skip


def edged(kind, edge):
    def f(x):
        if np.any(x > edge):
            raise kind("over the edge")
        return sines(x)

    return f


@pytest.mark.parametrize("kind", OUTSIDE)
@pytest.mark.parametrize("options", [{}, {"vectorized": True}])
def test_a_domain_error_shrinks_the_steps_and_is_told(kind, options):
    f = edged(kind, 2.001)
    g = (lambda x: np.array([f(p) for p in x.T])) if options else f
    found = nd.gradient(g, X, **options)
    assert found.success.all()
    assert found.status[0] == Status.OK
    assert (np.abs(found.value - np.cos(X)) <= found.error).all()
    assert (found.error < 1e-6).all()
    assert "over the edge" in " ".join(found.messages)


@pytest.mark.parametrize("kind", OUTSIDE)
@pytest.mark.parametrize("name", ["gradient", "hessian_diagonal"])
def test_a_domain_error_on_one_side_goes_to_the_other(kind, name):
    found = CALLS[name](edged(kind, 2.0))
    exact = np.cos(X) if name == "gradient" else -np.sin(X)
    assert found.status.tolist() == [Status.OK, Status.ONE_SIDED]
    assert found.success.all()
    assert (np.abs(found.value - exact) <= found.error).all()
    assert (found.error < 1e-4).all()
    assert "over the edge" in " ".join(found.messages)
    assert "over the edge" in str(found)


def test_the_hessian_beside_an_edge_is_one_sided():
    found = nd.hessian(lambda x: edged(ValueError, 2.0)(x) + x[0] * x[1], X)
    assert found.status.tolist() == [[Status.OK, Status.ONE_SIDED], [Status.ONE_SIDED] * 2]
    exact = np.array([[-math.sin(1), 1.0], [1.0, -math.sin(2)]])
    assert (np.abs(found.value - exact) <= found.error).all()


@pytest.mark.parametrize("make", [misbehaved.make_nan_above, misbehaved.make_nan_below,
                                  misbehaved.make_inf_above])  # fmt: skip
def test_nan_on_one_side_goes_to_the_other(make):
    found = nd.derivative(make(0.7), 0.7)
    assert found.status == Status.ONE_SIDED
    assert found.success
    assert abs(found.value - math.cos(0.7)) <= found.error < 1e-8


@pytest.mark.parametrize("distance", [1e-1, 1e-3, 1e-6, 1e-9])
def test_nan_further_away_only_shrinks_the_steps(distance):
    found = nd.derivative(misbehaved.make_nan_beyond(0.7, distance), 0.7)
    assert found.status == Status.OK
    assert abs(found.value - math.cos(0.7)) <= found.error <= 1e-14 / distance
    assert found.step <= distance


@pytest.mark.parametrize("name", [name for name in CALLS if name != "hvp"])
def test_where_no_displaced_point_works_the_first_exception_is_raised(name):
    raised = []

    def f(x):
        if np.all(x == (0.7 if name == "derivative" else X)):
            return 1.0
        raised.append(ValueError(f"number {len(raised)}"))
        raise raised[-1]

    for options in ({}, {"method": "central", "step": 0.1}):
        raised.clear()
        with pytest.raises(ValueError, match="number 0") as caught:
            CALLS[name](f, **options)
        assert caught.value is raised[0]


def test_where_some_directions_work_the_others_are_flagged():
    def f(x):
        if x[0] != 1.0:
            raise ValueError("only on the line")
        return x[0] * x[1]

    found = nd.gradient(f, X)
    assert found.status.tolist() == [Status.DOMAIN, Status.OK]
    assert math.isnan(found.value[0])
    assert found.error[0] == math.inf
    assert "only on the line" in " ".join(found.messages)


@every_call
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, complex(math.nan, 1)])
@pytest.mark.parametrize(
    "options", [{}, {"method": "richardson"}, {"method": "forward", "step": 0.1}]
)
def test_no_finite_value_at_x_is_nan_and_domain(name, bad, options):
    def f(x):
        return bad if np.all(x == (0.7 if name == "derivative" else X)) else bad * 0 + sines(x)

    found = CALLS[name](f, **options)
    assert (np.atleast_1d(found.status) == Status.DOMAIN).all()
    assert np.isnan(found.value).all()
    assert np.isinf(found.error).all()
    assert not np.any(found.success)


@pytest.mark.parametrize("op", [nd.jvp, nd.hvp])
def test_no_finite_value_at_x_is_domain_for_a_vector_of_zeros_too(op):
    found = op(misbehaved.returns_nan, X, [0.0, 0.0])
    assert (np.atleast_1d(found.status) == Status.DOMAIN).all()


def test_nan_everywhere_but_at_x_is_domain():
    found = nd.gradient(misbehaved.make_nan_elsewhere(X), X)
    assert found.status.tolist() == [Status.DOMAIN] * 2
    assert np.isnan(found.value).all()


def test_one_bad_output_is_flagged_alone():
    found = nd.jacobian(misbehaved.make_one_nan_output(1), [1.0, 2.0, 3.0])
    assert (found.status[1] == Status.DOMAIN).all()
    assert (found.status[[0, 2]] == Status.OK).all()


def test_a_function_that_fails_now_and_then_is_right_or_flagged():
    found = nd.gradient(misbehaved.make_nan_now_and_then(7), X)
    right = np.abs(found.value - np.cos(X)) <= found.error
    assert (right | ~found.success).all()


# --- warnings ---


def test_floating_point_warnings_beside_x_are_silenced():
    f = lambda x: np.sqrt(x) / np.float64(1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = nd.derivative(f, 1e-3)
        again = nd.derivative(f, 0.0, method="forward")
    assert found.status == Status.OK
    assert again.status in set(Status)


def test_floating_point_warnings_at_x_reach_the_caller():
    with pytest.warns(RuntimeWarning):
        nd.derivative(misbehaved.warns_and_returns_nan, 0.7)


def test_other_warnings_reach_the_caller():
    with pytest.warns(UserWarning, match="a warning from the function") as seen:
        found = nd.derivative(misbehaved.warns, 0.7)
    assert len(seen) == found.nfev


def test_the_error_state_of_the_caller_is_kept():
    with np.errstate(all="raise", under="ignore"):
        before = np.geterr()
        found = nd.derivative(np.sqrt, 1e-3)
        assert np.geterr() == before
    assert found.success
    with np.errstate():
        nd.derivative(misbehaved.sets_error_state, 0.7)


def test_the_caller_may_have_any_error_state():
    x = [0.0, 1e-300, 1.0, 1e300]
    plain = nd.derivative(lambda x: 3.0 * x, x)
    with np.errstate(all="raise"):
        assert not differs(nd.derivative(lambda x: 3.0 * x, x), plain)
        for name, call in CALLS.items():
            assert np.all(call(sines).success), name


# --- callables of all kinds ---


class Bound:
    def method(self, x):
        return sines(x)


@pytest.mark.parametrize("f", [misbehaved.Callable1(), Bound().method, np.sum, abs, math.sin],
                         ids=["object", "method", "function", "abs", "sin"])  # fmt: skip
def test_anything_callable_is_accepted(f):
    assert nd.derivative(f, 0.7).success


def test_f_may_differentiate_inside():
    f = misbehaved.make_calls_back(lambda f, x: nd.derivative(f, x).value)
    found = nd.derivative(f, 0.7)
    assert abs(found.value + math.sin(0.7)) <= found.error < 1e-9


@pytest.mark.parametrize("f", [misbehaved.no_arguments, misbehaved.two_arguments,
                               misbehaved.keyword_only])  # fmt: skip
def test_a_function_that_takes_other_arguments_is_a_type_error_with_a_note(f):
    with pytest.raises(TypeError) as caught:
        nd.gradient(f, X)
    assert caught.value.__notes__


def test_a_number_in_another_guise_makes_no_difference():
    exact = nd.derivative(lambda x: float(x) ** 2, 0.7)
    found = nd.derivative(lambda x: fractions.Fraction(float(x) ** 2), 0.7)
    assert not differs(found, exact)
