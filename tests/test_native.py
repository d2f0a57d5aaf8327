"""Compiled functions: the same answers as for black boxes, from Python and from inside Numba."""

import math

import numba
import numpy as np
import pytest
from numba import njit, types
from numba.core.runtime import _nrt_python, rtsys

import numdiff as nd
from numdiff import Status, dispatchers, kernels, native
from numdiff.kernels import pointers
from tests.corpus.scalar import PROBLEMS

X = np.array([0.5, 1.1, 2.0])
V = np.array([0.7, -0.2, 1.5])
FIELDS = ("value", "error", "status", "step", "noise", "left", "right")
OPERATORS = {
    "gradient": nd.gradient,
    "jacobian": nd.jacobian,
    "hessian": nd.hessian,
    "hessian_diagonal": nd.hessian_diagonal,
    "jvp": lambda f, x, **options: nd.jvp(f, x, V[: x.size], **options),
    "hvp": lambda f, x, **options: nd.hvp(f, x, V[: x.size], **options),
}
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
    """Spend what a process interprets before it compiles."""
    nd.gradient(np.sum, np.ones(1 + kernels.PATIENCE))


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
    return [(a.tobytes(), a.shape, a.dtype) for a in fields], found.nfev, found.messages


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
    "own exception beside x": raises_above,
    "KeyError beside x": key_beside,
    "ZeroDivisionError at x": njit(lambda x: x[1] / (x[0] - 0.5)),
}


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("f", FORMS.values(), ids=FORMS)
def test_operators_answer_as_for_black_boxes(f, name):
    for options in OPTIONS:
        expected = answer(OPERATORS[name], black_box(f), X, **options)
        assert answer(OPERATORS[name], f, X, **options) == expected, options


def test_what_f_does_not_write_is_not_what_it_wrote_before():
    assert nd.jacobian(leaves_out, X[:2]).status.tolist() == [[0, 0], [0, Status.DOMAIN]]
    assert np.isinf(native.jacobian(leaves_out)(X[:2])[1][1]).any()


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
    attempt = kernels.compiled(pointers.attempt)
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
