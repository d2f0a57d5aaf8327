"""Compiled functions: the same answers as for black boxes, from Python and from inside Numba."""

import contextlib
import ctypes
import gc
import math
import os
import subprocess
import sys
from concurrent import futures
from pathlib import Path

import numba
import numpy as np
import pytest
from numba import njit, types
from numba.core.runtime import _nrt_python, rtsys

import numdiff as nd
from numdiff import Status, native
from numdiff.drivers import compiled as driver
from numdiff.drivers.compiled_mixed import curve
from numdiff.evaluation import dispatchers, intrinsics, machine_code
from numdiff.ladder import check, runtime
from numdiff.native import build
from tests.corpus.scalar import PROBLEMS
from tests.measuring.operators import FIELDS
from tests.measuring.operators import OF_ARRAYS as OPERATORS

X = np.array([0.5, 1.1, 2.0])
OPTIONS = (
    {},
    {"method": "central"},
    {"method": "forward", "step": 1e-6},
    {"method": "richardson", "step": 0.1},
    {"method": "central", "step": "textbook"},
    {"bounds": (-10, 10)},
    {"rtol": 1e-3},
    {"max_nfev": 10},
    {"method": "complex"},
)


@pytest.fixture(autouse=True, scope="module")
def _impatient():
    """Compile at once, and not when it pays."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runtime, "PATIENCE", -1.0)
        yield


def black_box(f):
    """The same function, of which nothing is known."""

    def call(x):
        if dispatchers.as_function(f) is f:
            return f(x)
        out = np.full(x.shape, math.nan)
        f(x, out)
        return out

    return call


def answer(operator, f, *arguments, **options):
    """All that an operator says, or what it raises and notes."""
    try:
        found = operator(f, *arguments, **options)
    except Exception as exception:  # noqa: BLE001 - it is compared
        return type(exception), str(exception), getattr(exception, "__notes__", [])
    fields = [np.asarray(getattr(found, name)) for name in FIELDS]
    return [(a.tobytes(), a.shape, a.dtype) for a in fields], found.messages, found.nfev


# --- operators: the corpus ---

FORMULAS = [p for p in PROBLEMS if p.tags & {"math", "numpy"}][::5]


@pytest.mark.parametrize("problem", FORMULAS, ids=lambda problem: problem.name)
def test_derivatives_of_the_corpus_are_those_of_black_boxes(problem):
    formula = njit(problem.f.func)
    f = njit(lambda x: formula(math, x))
    try:
        f.compile((types.float64,))
    except numba.core.errors.NumbaError:  # a table, or outputs of two kinds
        pytest.skip("Numba does not compile this formula")
    for x in problem.points:
        for order in (1, 2, 3, 4):
            expected = answer(nd.derivative, black_box(f), x, order=order)
            assert answer(nd.derivative, f, x, order=order) == expected, (x, order)


# --- operators: forms of f ---


class OwnError(Exception):
    """An exception that numdiff does not know."""


@njit
def in_place(x, out):
    for i in range(x.size):
        out[i] = x[i] * x[0]


@njit
def leaves_out(x, out):
    out[0] = x[0]
    if x[1] == 1.1:
        out[1] = x[1] ** 2


@njit
def mutates(x):
    product = x[0] * x[1]
    x[:] = 7.0
    return product


@njit
def raises_below(x):
    if x[0] < 0.5:
        raise ValueError("below")
    return x[0] * x[1]


@njit
def raises_above(x):
    if x[0] > 0.5:
        raise OwnError("above", 3)
    return x[0] * x[1]


@njit
def key_beside(x):
    if x[0] != 0.5:
        raise KeyError("beside")
    return x[0] * x[1]


@njit
def raises_farther_off(x):
    if x[0] > 0.51:
        raise ValueError("too far")
    return x[0] * x[1]


@njit
def another_shape_beside(x):
    return np.ones(3 if x[0] == 0.5 else 2)


FORMS = {
    "number": njit(lambda x: np.sin(x).sum() * x[0]),
    "array": njit(lambda x: np.array([x[0] * x[1], math.sin(x[1]), x[2] ** 3, x[0]])),
    "in place": in_place,
    "in place, not all of it": leaves_out,
    "changes its argument": mutates,
    "returns its argument": njit(lambda x: x),
    "kink": njit(lambda x: abs(x[0] - 0.5) + x[1]),
    "jump": njit(lambda x: (1.0 if x[0] > 0.5 else 0.0) + x[1]),
    "edge": njit(lambda x: math.sqrt(x[0] - 0.5) * x[1]),
    "nan": njit(lambda x: x[0] * math.nan),
    "int": njit(lambda _: 3),
    "float32": njit(lambda x: np.float32(x[0] * x[1])),
    "float32 array": njit(lambda x: x.astype(np.float32)),
    "complex": njit(lambda x: x[0] * 1j + x[1]),
    "bool": njit(lambda x: x[0] > 0),
    "tuple": njit(lambda x: (x[0], x[1] ** 2)),
    "list": njit(lambda x: [x[0], x[1] ** 2]),
    "two axes": njit(lambda x: np.outer(x, x)),
    "strided": njit(lambda x: np.outer(x, x)[:, 0]),
    "empty": njit(lambda _: np.empty(0)),
    "keyword": njit(lambda x, a=2.0: (x * x).sum() * a),
    "explicit": njit("float64(float64[::1])")(lambda x: x[0] * x[1]),
    "explicit view": njit("float64(float64[:])")(lambda x: x[0] * x[1]),
    "explicit float32": njit("float32(float32[:])")(lambda x: x[0] * x[1]),
    "ValueError beside x": raises_below,
    "another shape beside x": another_shape_beside,
    "own exception beside x": raises_above,
    "KeyError beside x": key_beside,
    "ZeroDivisionError at x": njit(lambda x: x[1] / (x[0] - 0.5)),
}


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("f", FORMS.values(), ids=FORMS)
def test_operators_answer_as_for_black_boxes(f, name):
    for options in OPTIONS:
        *expected, nfev = answer(OPERATORS[name], black_box(f), X, **options)
        *found, calls = answer(OPERATORS[name], f, X, **options)
        assert found == expected, options
        # where compiled code raises, f is asked again to see what
        assert calls == nfev or (calls > nfev and "f raised" in str(found)), options


CALLS = [0]
count_a_call = ctypes.CFUNCTYPE(None)(lambda: CALLS.__setitem__(0, CALLS[0] + 1))


def counting(inner):
    """A compiled function that counts its calls."""

    @njit
    def f(x):
        count_a_call()
        return inner(x)

    return f


COUNTED = {
    "smooth": (lambda x: x[0] * math.sin(x[1]) + x[2], False),
    "kink": (lambda x: abs(x[0] - 0.5) + x[1], False),
    "jump": (lambda x: (1.0 if x[0] > 0.5 else 0.0) + x[1], False),
    "edge": (lambda x: math.sqrt(x[0] - 0.5) * x[1], False),
    "raises": (lambda x: math.log(1.0 / max(x[0] - 0.4999, 0.0)) * x[1], False),
    "noise": (lambda x: np.float32(x[0] * x[1]) * 1.0, False),
    "random": (lambda x: x[0] * x[1] + 1e-6 * np.random.random(), False),  # noqa: NPY002
    "outputs": (lambda x: np.array([abs(x[0] - 0.5), x[1] * x[2]]), True),
}


@pytest.mark.parametrize("case", COUNTED)
@pytest.mark.parametrize("options", [{}, {"bounds": (0.2, 3.0)}, {"max_nfev": 60}], ids=str)
def test_nfev_is_how_often_a_compiled_f_was_called(case, options):
    inner, several = COUNTED[case]
    f = counting(njit(inner))
    for operator in ("jacobian",) if several else ("gradient", "jacobian", "hessian", "hvp"):
        CALLS[0] = 0
        assert OPERATORS[operator](f, X, **options).nfev == CALLS[0], operator


def test_one_doubtful_direction_costs_only_itself():
    x = np.linspace(0.2, 1.8, 100)
    smooth = njit(lambda x: np.sum(np.sin(x)))
    kinked = njit(lambda x: np.sum(np.sin(x)) + abs(x[3] - 0.2 - 3 * 1.6 / 99))
    assert nd.gradient(kinked, x).status[3] == Status.KINK
    assert nd.gradient(kinked, x).nfev <= nd.gradient(smooth, x).nfev + 200


@pytest.mark.parametrize("name", OPERATORS)
def test_what_f_raised_farther_off_is_told_as_of_black_boxes(name):
    *expected, nfev = answer(OPERATORS[name], black_box(raises_farther_off), X)
    *found, calls = answer(OPERATORS[name], raises_farther_off, X)
    assert found == expected
    assert "too far" in str(found)
    assert calls > nfev  # f is asked again to see what it raised


def test_a_weighted_axis_has_its_step_in_units_of_x():
    for weight in (3.0, -0.25):
        v, f = np.array([0.0, weight, 0.0]), FORMS["number"]
        assert answer(nd.jvp, f, X, v) == answer(nd.jvp, black_box(f), X, v)


def test_what_f_does_not_write_is_not_what_it_wrote_before():
    assert nd.jacobian(leaves_out, X[:2]).status.tolist() == [[0, 0], [0, Status.DOMAIN]]
    assert np.isinf(native.jacobian(leaves_out)(X[:2])[1][1]).any()


@njit
def writes_beside(x, out):
    out[0] = x[0]
    if x[1] != 1.1:
        out[1] = x[1] ** 2


def test_what_f_does_not_write_at_x_is_not_what_was_in_memory():
    slopes = native.jacobian(writes_beside)
    for _ in range(20):
        np.full(2, 1.21)  # freed at once, so that the next two numbers may find it
        value, error = slopes(X[:2])
        assert np.isfinite(value[0]).all()
        assert np.isnan(value[1]).all()
        assert np.isinf(error[1]).all()


@pytest.fixture
def unfreed():
    """Count what Numba has allocated and not freed."""
    counted = _nrt_python.memsys_stats_enabled()
    _nrt_python.memsys_enable_stats()

    def count():
        stats = rtsys.get_allocation_stats()
        return stats.mi_alloc - stats.mi_free

    yield count
    if not counted:
        _nrt_python.memsys_disable_stats()


def test_an_f_that_raises_leaves_no_memory_behind(unfreed):
    attempt = runtime.compiled(intrinsics.attempt)
    nd.gradient(raises_below, X)
    code = dispatchers.found(raises_below, scalar=False)

    @njit
    def often(kind, address, times):
        for _ in range(times):
            attempt(kind, address, np.array([0.0, 1.0]), np.empty(1))

    often(code.kind, code.address, 1)
    before = unfreed()
    often(code.kind, code.address, 100)
    assert unfreed() == before


# --- compiled derivatives: the numbers of the operators ---

ONE_STEP = {"method": "central", "step": 1e-4}

SMOOTH, KINK, JUMP, HALF, NOISE, NOWHERE, MUTATES, RAISES = range(2, 10)


@njit
def moody(x):
    """A function whose character depends on how many numbers it gets."""
    mood = x.size
    if mood == KINK:
        return abs(x[0] - 0.5) + x[1]
    if mood == JUMP:
        return (1.0 if x[0] > 0.5 else 0.0) + x[1]
    if mood == HALF and x[0] < 0.5:
        raise ValueError("below")
    if mood == NOISE:
        return x[0] * x[1] + 1e-6 * np.random.random()  # noqa: NPY002 - Numba knows no other
    if mood == NOWHERE:
        return x[0] * math.nan
    if mood == RAISES:
        raise OwnError("everywhere", 3)
    value = math.sin(x[0]) * x[1] ** 2
    if mood == MUTATES:
        x[:] = 7.0
    return value


def at(mood):
    return np.array([0.5, 1.1, *np.linspace(1.0, 2.0, mood - 2)])


@pytest.fixture(scope="module")
def compiled():
    """Every kind of native function, compiled once: it takes seconds."""
    return {
        "gradient": native.gradient(moody),
        "hessian": native.hessian(moody),
        "jacobian": native.jacobian(in_place),
        "one step": native.gradient(mutates, **ONE_STEP),
    }


EXPECTED = {
    SMOOTH: Status.OK,
    KINK: Status.KINK,
    JUMP: Status.JUMP,
    HALF: Status.ONE_SIDED,
    NOISE: Status.STOCHASTIC,
    NOWHERE: Status.DOMAIN,
    MUTATES: Status.OK,
    300: Status.OK,
}


def assert_same_where_sure(g, found, x):
    """Compiled code knows the same, and has infinite bars where only the operators know more."""
    value, error = g(x)
    sure = found.success & (found.status != Status.STOCHASTIC)
    np.testing.assert_array_equal(value[sure], found.value[sure])
    np.testing.assert_array_equal(error[sure], found.error[sure])
    assert np.isinf(error[~sure]).all()


@pytest.mark.parametrize("mood", EXPECTED)
def test_compiled_gradients_are_those_of_the_operator(mood, compiled):
    x = at(mood)
    found = nd.gradient(moody, x)
    assert found.status[0] == EXPECTED[mood]
    assert_same_where_sure(compiled["gradient"], found, x)


@pytest.mark.parametrize("mood", [SMOOTH, KINK, JUMP, HALF, NOISE, NOWHERE, MUTATES])
def test_compiled_hessians_are_those_of_the_operator(mood, compiled):
    assert_same_where_sure(compiled["hessian"], nd.hessian(moody, at(mood)), at(mood))


@pytest.mark.parametrize("n", [0, 1, 2, 30])
def test_compiled_jacobians_are_those_of_the_operator(n, compiled):
    x = np.linspace(0.5, 1.5, n)
    found = nd.jacobian(in_place, x)
    assert found.success.all()
    assert found.value.shape == (n, n)
    assert_same_where_sure(compiled["jacobian"], found, x)


@pytest.mark.parametrize("order", [1, 4])
def test_compiled_derivatives_are_those_of_the_operator(order):
    f = njit(lambda t: math.sin(t) * t)
    value, error = native.derivative(f, order)(1.3)
    found = nd.derivative(f, 1.3, order=order)
    assert (value, error) == (found.value, found.error)


def test_compiled_derivatives_of_functions_with_many_outputs():
    f = njit(lambda t: np.array([t * t, math.sin(t)]))
    value, error = native.derivative(f, **ONE_STEP)(1.3)
    np.testing.assert_array_equal(value, nd.derivative(f, 1.3, **ONE_STEP).value)
    assert np.isnan(error).all()


@pytest.mark.parametrize("name", ["gradient", "hessian"])
def test_what_f_raises_at_x_reaches_the_caller(name, compiled):
    with pytest.raises(OwnError, match="everywhere"):
        compiled[name](at(RAISES))


# --- compiled derivatives: steps and methods ---

smooth = njit(lambda x: math.sin(x[0]) * x[1] ** 2)
SINGLE = (
    {"method": "backward", "step": np.array([1e-6, 1e-5])},
    {"method": "central", "step": "textbook"},
    {"method": nd.Stencil.central(1, 4), "step": 1e-3},
)


@pytest.mark.parametrize("options", SINGLE, ids=str)
def test_a_single_step_gives_the_numbers_of_the_operator_and_no_error(options):
    value, error = native.gradient(smooth, **options)(X[:2])
    np.testing.assert_array_equal(value, nd.gradient(smooth, X[:2], **options).value)
    assert np.isnan(error).all()


def test_a_single_step_for_many_outputs():
    f = njit(lambda x: x * x[0])
    value, error = native.jacobian(f, **ONE_STEP)(X)
    np.testing.assert_array_equal(value, nd.jacobian(f, X, **ONE_STEP).value)
    assert np.isnan(error).all()


@pytest.mark.parametrize("method", ["central", "forward"])
def test_a_single_step_for_hessians(method):
    options = {"method": method, "step": 1e-4}
    value, error = native.hessian(smooth, **options)(X[:2])
    expected = nd.hessian(smooth, X[:2], **options).value
    np.testing.assert_allclose(value, expected, rtol=0, atol=16 * np.finfo(float).eps / 1e-4**2)
    assert np.isnan(error).all()


@pytest.mark.parametrize("x", [[0.0, -0.9, 0.5], [0.0, 0.7, -0.2]])
def test_noise_that_one_axis_has_alone_is_that_of_no_pair(x):
    @njit
    def f(x):  # a dip of width 3e-5 stands in the way of larger steps along the first entry
        return (0.7 * np.sum(np.log(x * x + 1e-9)) + np.sum(np.sqrt(x + 1.5))) * x[0]

    value, error = native.hessian(f)(np.array(x))
    estimate = nd.hessian(f, x)
    assert set(estimate.status.flat) == {Status.OK, Status.NOISE_LIMITED}
    np.testing.assert_array_equal(value, estimate.value)
    np.testing.assert_array_equal(error, estimate.error)


def test_the_first_step_and_the_method_of_a_ladder():
    options = {"method": "richardson", "step": 0.1}
    g = native.gradient(smooth, **options)
    assert_same_where_sure(g, nd.gradient(smooth, X[:2], **options), X[:2])


@pytest.mark.parametrize(
    ("make", "f", "options", "error", "message"),
    [
        (native.gradient, moody, {"method": "complex"}, ValueError, "for the operators"),
        (native.gradient, moody, {"method": "nonsense"}, ValueError, "nonsense"),
        (native.gradient, moody, {"step": -1.0}, ValueError, "step"),
        (native.derivative, moody, {"order": 0}, ValueError, "order"),
        (native.derivative, moody, {"order": 2.0}, ValueError, "order"),
        (native.gradient, np.sum, {}, TypeError, "numdiff.gradient"),
        (native.gradient, FORMS["array"], {}, TypeError, "native.jacobian"),
        (native.jacobian, FORMS["complex"], {}, TypeError, "complex128"),
        (native.jacobian, FORMS["tuple"], {}, TypeError, "UniTuple"),
    ],
)
def test_what_cannot_be_compiled_is_refused_in_words(make, f, options, error, message):
    with pytest.raises(error, match=message):
        make(f, **options)


# --- compiled derivatives: x ---


def frozen(x):
    x = x.copy()
    x.flags.writeable = False
    return x


KINDS = {
    "strided": lambda x: np.repeat(x, 2)[::2],
    "reversed": lambda x: x[::-1].copy()[::-1],
    "read-only": frozen,
    "float32": lambda x: x.astype(np.float32),
    "int": lambda x: np.round(x).astype(int),
}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_any_vector_of_real_numbers_is_taken_and_never_changed(kind, compiled):
    x, g = kind(X[:2]), compiled["one step"]
    before = x.copy()
    np.testing.assert_array_equal(g(x), g(before.astype(float)))
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.array([math.nan, 1.0]), "finite"),
        (np.array([1.0, math.inf]), "finite"),
        (np.ones((1, 2)), "one-dimensional"),
    ],
)
def test_other_x_are_refused(x, message, compiled):
    with pytest.raises(ValueError, match=message):
        compiled["one step"](x)


# --- compiled derivatives: inside compiled code ---


def test_derivatives_are_called_in_compiled_code_and_in_threads_with_the_same_bits(compiled):
    g = compiled["gradient"]

    @njit(parallel=True)
    def together(points, values, errors):
        for k in numba.prange(len(points)):
            values[k], errors[k] = g(points[k])

    points = np.random.default_rng(0).uniform(0.0, 2.0, (400, 2))
    values, errors = np.empty((2, *points.shape))
    together(points, values, errors)
    for k, x in enumerate(points):
        np.testing.assert_array_equal((values[k], errors[k]), g(x))


def test_what_f_raises_in_threads_ends_no_process_and_gives_no_wrong_number(compiled):
    g = compiled["gradient"]

    @njit(parallel=True)
    def together(points, values, errors):
        for k in numba.prange(len(points)):
            x = points[k] if k != 37 else np.ones(RAISES)
            value, error = g(x)
            values[k], errors[k] = value[:2], error[:2]

    points = np.random.default_rng(0).uniform(0.0, 2.0, (100, 2))
    values, errors = np.full((2, *points.shape), math.nan)
    with contextlib.suppress(OwnError, SystemError):  # Numba's own way to lose an exception
        together(points, values, errors)
    assert np.isnan(values[37]).all()
    for value, error, x in zip(values, errors, points, strict=True):
        if not np.isnan(value).any():
            np.testing.assert_array_equal((value, error), g(x))


def test_derivatives_of_derivatives(compiled):
    g = compiled["gradient"]
    slope = njit(lambda x: g(x)[0][0])
    assert answer(nd.gradient, slope, at(SMOOTH)) == answer(
        nd.gradient, black_box(slope), at(SMOOTH)
    )
    value, error = native.gradient(slope)(at(SMOOTH))
    exact = [-math.sin(0.5) * 1.1**2, 2 * math.cos(0.5) * 1.1]
    assert (np.abs(value - exact) <= error).all()
    assert (error < 1e-6).all()


def test_machine_code_lives_as_long_as_what_calls_it():
    def make(factor):
        f = njit(lambda x: factor * x[0] ** 2 + x[1])
        g = native.gradient(f, **ONE_STEP)
        outer = njit(lambda x: g(x)[0][0])
        return outer, native.gradient(f)

    outer, ladder = make(3.0)
    gc.collect()
    assert outer(np.ones(2)) == pytest.approx(6.0)
    assert ladder(np.ones(2))[0][0] == pytest.approx(6.0)


# --- compilation and caches ---

WORK = (driver.lead, machine_code.sweep, driver.answer, curve, check.check)


def test_kernels_are_not_compiled_for_one_f_or_another(compiled):
    for work in (nd.gradient, nd.hessian):
        for mood in (SMOOTH, KINK, 300)[: 3 if work is nd.gradient else 2]:
            work(moody, at(mood))
    before = [len(runtime.compiled(work).signatures) for work in WORK]
    assert min(before) == 1
    f = njit(lambda x: x[0] + math.exp(x[1]))
    nd.gradient(f, at(300))
    nd.hessian(f, at(SMOOTH))
    native.gradient(f)(at(SMOOTH))
    assert [len(runtime.compiled(work).signatures) for work in WORK] == before


def run(script, *options, **environment):
    return subprocess.run(
        [sys.executable, *options, script if script.endswith(".py") else f"-c{script}"],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )


AGAIN = """
import numpy as np
from numba import njit
import numdiff as nd
from numdiff import native
from numdiff.drivers import compiled as driver
from numdiff.ladder import runtime
f, x = njit(lambda x: x[0] * x[1]), np.ones(2)
for _ in range(40):
    nd.gradient(f, x)
print(native.gradient(f)(x)[0])
work = [runtime.compiled(driver.lead), runtime.compiled(driver.answer)]
print(*(sum(one.stats.cache_misses.values()) for one in work))
"""


def test_a_second_process_finds_the_kernels_on_disk(compiled):
    nd.gradient(moody, at(300))
    folder = Path(runtime.compiled(driver.lead).stats.cache_path)
    before = sorted(folder.iterdir())
    assert before
    assert run(AGAIN).stdout.split("\n")[1] == "0 0"
    assert sorted(folder.iterdir()) == before


USERS = """
import numpy as np
from numba import njit
from numdiff import native
f = njit(lambda x: x[0] ** 3 + x[1])
slopes = native.gradient(f)
@njit(cache=True)
def total(x):
    return slopes(x)[0].sum()
print(round(total(np.array([2.0, 1.0])), 6))
"""


def test_code_that_calls_a_derivative_cannot_be_cached_and_says_so(tmp_path):
    script = tmp_path / "users.py"
    script.write_text(USERS)
    for _ in range(2):
        done = run(str(script), "-Walways")
        assert "Cannot cache compiled function" in done.stderr
        assert done.stdout.strip() == "13.0"


INTERPRETED = """
import numpy as np
from numba import njit
import numdiff as nd
from numdiff import native
f, x = njit(lambda x: x[0] ** 3 * x[1]), np.array([2.0, 1.0])
for make, operator in ((native.gradient, nd.gradient), (native.hessian, nd.hessian)):
    value, error = make(f)(x)
    found = operator(f, x)
    assert (value == found.value).all() and (error == found.error).all()
kink = njit(lambda x: abs(x[0] - 2.0) + x[1])
assert np.isinf(native.gradient(kink)(x)[1]).tolist() == [True, False]
print(type(f).__name__, value[0, 0].round(6))
"""


def test_without_compilation_the_operators_answer():
    assert run(INTERPRETED, NUMBA_DISABLE_JIT="1").stdout.strip() == "function 12.0"


def test_recognition_does_not_import_numba():
    code = "import sys; from numdiff import native; "
    code += "from numdiff.evaluation import dispatchers as d; d.as_function(len); "
    assert run(f"{code}print(d.is_dispatcher(len), 'numba' in sys.modules)").stdout == (
        "False False\n"
    )


def test_without_calls_through_addresses_a_driver_is_compiled_for_f(monkeypatch):
    monkeypatch.setattr(intrinsics, "works", lambda: False)
    target = build.target(moody, scalar=False, single_output=True)
    sweep, kind, address = build._answering(target, machine_code.sweep)
    points, rows, raised = at(SMOOTH)[None], np.empty((1, 1)), np.empty(1, np.bool_)
    sweep(kind, address(), points.copy(), rows, raised)
    assert (rows[0, 0], raised[0]) == (moody(points[0]), False)


# --- threads ---


def test_threads_give_the_same_bits_as_one_alone(monkeypatch):
    @njit
    def slow(x):
        total = x[0] * x[-1]
        for k in range(2000):
            total += math.sin(x[k % x.size] + k)
        return total

    started, pool = [], futures.ThreadPoolExecutor

    def counting(workers):
        started.append(workers)
        return pool(workers)

    monkeypatch.setattr(futures, "ThreadPoolExecutor", counting)
    x = np.linspace(0.5, 1.5, 300)
    for options in ({}, {"method": "central", "step": 1e-5}, {"bounds": (-10, 10)}):
        alone = answer(nd.gradient, slow, x, **options)
        assert not started
        for workers in (2, 5):
            assert answer(nd.gradient, slow, x, workers=workers, **options) == alone
            assert set(started) == {workers}
            started.clear()


def test_threads_are_not_started_for_little_work(monkeypatch):
    monkeypatch.setattr(futures, "ThreadPoolExecutor", None)
    assert nd.gradient(moody, at(SMOOTH), workers=4).success.all()


def test_threads_are_for_compiled_functions_of_x_alone(tmp_path):
    """Others go to processes, and a journal sees each call."""
    shifted = njit(lambda x, a: a * x[0] * np.exp(x[1]))
    alone = answer(nd.gradient, shifted, X[:2], args=(2.0,))
    assert answer(nd.gradient, shifted, X[:2], args=(2.0,), workers=2) == alone
    with pytest.raises(ValueError, match="workers"):
        nd.gradient(moody, X, workers=2, vectorized=True)
    for f in (moody, njit(shift_in_place)):
        journal = tmp_path / f"{f.py_func.__name__}.db"
        alone = answer(nd.jacobian, f, at(SMOOTH))
        for _ in range(2):
            assert answer(nd.jacobian, f, at(SMOOTH), journal=journal) == alone


def shift_in_place(x, out):
    out[:] = np.exp(x)


# --- complex step ---

COMPLEX = {
    "analytic": (njit(lambda x: np.exp(x[0]) * x[1] ** 2), Status.OK),
    "abs": (njit(lambda x: abs(x[0]) * x[1]), Status.NOT_COMPLEX_SAFE),
    "not for complex128": (njit(lambda x: math.atan2(x[0], x[1])), Status.NOT_COMPLEX_SAFE),
    "real signature": (FORMS["explicit"], Status.NOT_COMPLEX_SAFE),
}


@pytest.mark.parametrize(("f", "status"), COMPLEX.values(), ids=COMPLEX)
def test_complex_steps_where_f_compiles_and_is_analytic(f, status):
    found = nd.gradient(f, X[:2], method="complex")
    assert (found.status == status).all()
    expected = nd.gradient(f, X[:2])
    assert (np.abs(found.value - expected.value) <= found.error + expected.error).all()
