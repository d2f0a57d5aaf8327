"""What an answer costs: evaluations, compilations, memory; and that threads do not disturb it."""

import math
import subprocess
import sys
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from scipy import optimize

import numdiff as nd
from numdiff.ladder import points, rounds, runtime
from tests.conftest import needs_the_compiler
from tests.corpus.scalar import PROBLEMS

ENTRIES = (
    points.span,
    points.place,
    rounds.begin,
    rounds.advance,
    rounds.conclude,
)

rng = np.random.default_rng(1)
A = rng.normal(size=(8, 8))
B = rng.normal(size=8)


def rational(x):
    return np.sum(x / (1 + x**2)) + x[0] * x[-1]


SMOOTH = {
    "rosenbrock": (optimize.rosen, np.linspace(-1.2, 1.0, 6)),
    "quadratic": (lambda x: x @ A @ x + B @ x, np.linspace(-1, 2, 8)),
    "log-sum-exp": (lambda x: np.log(np.sum(np.exp(A @ x))), np.linspace(-1, 1, 8)),
    "least squares": (lambda x: np.sum((np.exp(-x[0] * B**2) * x[1] - x[2]) ** 2),
                      np.array([0.7, 2.0, 0.1])),
    "rational": (rational, np.linspace(0.5, 5, 7)),
    "waves": (lambda x: np.sin(x).prod() + np.cos(x).sum(), np.linspace(0.3, 2, 4)),
    "logistic": (lambda x: np.sum(np.log1p(np.exp(-A @ x))), np.linspace(-0.5, 0.5, 8)),
    "powell": (lambda x: (x[0] + 10 * x[1]) ** 2 + 5 * (x[2] - x[3]) ** 2
               + (x[1] - 2 * x[2]) ** 4 + 10 * (x[0] - x[3]) ** 4, np.array([3.0, -1.0, 0.5, 1.0])),
    "gaussian": (lambda x: np.exp(-x @ x / 4), np.array([0.4, -0.8, 1.2])),
    "distances": (lambda x: np.sqrt(1 + x @ x) + np.hypot(x[0], 2.0), np.array([10.0, -20.0, 5.0])),
    "entropy": (lambda x: np.sum(x * np.log(x)), np.linspace(0.1, 3, 6)),
}  # fmt: skip


def evaluations_per(op, pieces):
    counts = {}
    for name, (f, x) in SMOOTH.items():
        found = op(f, x)
        assert found.success.all(), name
        counts[name] = found.nfev / pieces(x.size)
    return counts


def test_a_gradient_takes_at_most_14_evaluations_per_input():
    counts = evaluations_per(nd.gradient, lambda n: n)
    assert np.mean(list(counts.values())) <= 14, counts


def test_a_hessian_takes_at_most_16_evaluations_per_pair():
    counts = evaluations_per(nd.hessian, lambda n: n * (n + 1) / 2)
    assert np.mean(list(counts.values())) <= 16, counts


def test_a_hessian_diagonal_takes_at_most_16_evaluations_per_input():
    counts = evaluations_per(nd.hessian_diagonal, lambda n: n)
    assert np.mean(list(counts.values())) <= 16, counts


def test_a_jvp_costs_as_little_as_one_input():
    found = [nd.jvp(f, x, np.ones_like(x)).nfev for f, x in SMOOTH.values()]
    assert np.mean(found) <= 15, found


@pytest.mark.parametrize("size", [1e-150, 1e-12])
def test_a_scale_far_below_one_is_found_without_detours(size):
    assert nd.derivative(lambda x: math.tanh(x / size), 3.0 * size).nfev <= 24


@pytest.mark.parametrize("f", [lambda _: 4.25, lambda _: 0.0, lambda x: x[0] * x[1]])
def test_inputs_that_f_ignores_are_cheap(f):
    assert nd.gradient(f, np.linspace(1, 2, 20)).nfev <= 14 * 20


def test_the_complex_step_costs_five_evaluations_per_input_and_one_check():
    x = np.linspace(1, 2, 20)
    assert nd.gradient(lambda x: np.sin(x).sum(), x, method="complex").nfev <= 5 * 20 + 1 + 16


# --- compilation ---


def entry_points():
    """The kernels that are called from Python, as compiled."""
    return [runtime.compiled(kernel) for kernel in ENTRIES]


def compiled():
    """How many versions of each exist."""
    return [len(kernel.signatures) for kernel in entry_points()]


@needs_the_compiler(reason="it counts what Numba compiled")
def test_kernels_are_compiled_once_whatever_the_problem():
    x = np.linspace(1, 2, 3)
    runtime.compile_now()
    nd.gradient(np.sum, np.ones(100))
    nd.derivative(np.exp, np.ones(100), method="central", step=1e-5)
    before = compiled()
    assert before == [1] * len(ENTRIES)
    vector = lambda x: np.stack([x[0] * x[1], x[1] / x[2], np.sin(x[0])])
    nd.gradient(lambda x: x @ x, np.ones(7))
    nd.gradient(lambda x: x @ x, np.ones(1))
    nd.jacobian(vector, x)
    nd.jacobian(lambda x: np.outer(x, x), x)
    nd.jacobian(lambda x: np.asfortranarray(np.outer(x, x)), x)
    nd.jacobian(lambda x: 1j * x, x)
    nd.hessian(optimize.rosen, x)
    nd.hessian(vector, x)
    nd.hessian_diagonal(vector, x)
    nd.hvp(optimize.rosen, x, x)
    nd.jvp(vector, x, x)
    nd.gradient(optimize.rosen, x, bounds=(1, 2))
    nd.hessian(optimize.rosen, x, bounds=(1, 2))
    nd.jacobian(vector, x, method="complex")
    for options in ({"rtol": 1e-3}, {"max_nfev": 20}, {"vectorized": True}, {"step": 0.5}):
        nd.jacobian(vector, x, **options)
    nd.jacobian(lambda x: 1j * vector(x), x, vectorized=True)
    for order in range(1, 11):
        for method in ("auto", "richardson", "forward", "backward", "central"):
            nd.derivative(np.exp, 1.0, order=order, method=method)
    nd.derivative(np.exp, 1.0, method=nd.Stencil.central(1, 4))
    for method in ("forward", "backward", "central", nd.Stencil.central(1, 4)):
        for step in (1e-5, np.full(3, 1e-5), "textbook"):
            nd.jacobian(vector, x, method=method, step=step)
    nd.jvp(vector, x, x, method="central", step=1e-5)
    for options in ({}, {"step": 1e-5, "method": "central"}, {"bounds": (1, 2)}):
        nd.jacobian(lambda x: x**2, x, sparsity=np.eye(3), **options)
    nd.hessian(optimize.rosen, x, sparsity=nd.sparse.color(np.ones((3, 3)), symmetric=True))
    assert compiled() == before


FRESH = """
import sys
import numdiff as nd
from numdiff.ladder import runtime
runtime._METER.spent = {seconds}  # as if it had interpreted kernels for so long
for _ in range(2):
    nd.gradient(lambda x: x[0] * x[1], [1.0, 2.0])
    nd.jacobian(lambda x: x[:1], [1.0, 2.0], method="central", step=1e-5)
print("numba" in sys.modules)
"""


@pytest.mark.parametrize(("seconds", "compiles"), [(0.0, False), (100.0, True)])
def test_a_process_compiles_only_if_it_differentiates_a_lot(seconds, compiles):
    script = FRESH.format(seconds=seconds)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == str(compiles)


def same_bits(one, other):
    names = ("value", "error", "status", "step", "noise")
    pairs = ((np.asarray(getattr(e, name)) for e in (one, other)) for name in names)
    return one.nfev == other.nfev and all(a.tobytes() == b.tobytes() for a, b in pairs)


@pytest.mark.parametrize("problem", PROBLEMS[::10], ids=lambda problem: problem.name)
def test_interpreted_and_compiled_kernels_give_the_same_bits(problem, monkeypatch):
    for order in (1, 2, 3):
        found = []
        for patience in (math.inf, -1.0):
            monkeypatch.setattr(runtime, "PATIENCE", patience)
            found.append(nd.derivative(problem.f, problem.points[0], order=order))
        assert same_bits(*found)


# --- threads ---


def test_threads_get_the_same_bits_as_one_alone():
    problems = list(SMOOTH.values())
    alone = [(nd.gradient(f, x), nd.hessian(f, x)) for f, x in problems]
    start = threading.Barrier(2)

    def work(turn):
        start.wait()
        order = problems[::turn]
        return [(nd.gradient(f, x), nd.hessian(f, x)) for f, x in order][::turn]

    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(work, [1, -1]))
    for result in results:
        for pair, expected in zip(result, alone, strict=True):
            for one, other in zip(pair, expected, strict=True):
                for name in ("value", "error", "status", "step", "nfev"):
                    np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_threads_inside_f_calls_may_interleave():
    turns = [threading.Event(), threading.Event()]

    def make(me):
        def f(x):  # every call hands over to the other thread and waits a moment for it
            turns[1 - me].set()
            turns[me].wait(0.001)
            turns[me].clear()
            return np.sin(x).sum() + me * x.prod()

        return f

    x = np.array([0.3, 1.1])
    alone = [nd.gradient(lambda x, me=me: np.sin(x).sum() + me * x.prod(), x) for me in (0, 1)]
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda me: nd.gradient(make(me), x), (0, 1)))
    for one, other in zip(found, alone, strict=True):
        np.testing.assert_array_equal(one.value, other.value)
        np.testing.assert_array_equal(one.error, other.error)


# --- memory ---


def peak(call):
    """Largest memory in MiB that was held at a time."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1] / 2**20
    finally:
        tracemalloc.stop()


EVERY = np.arange(80_000)
LARGE = {
    "single step, 6000 inputs": lambda: nd.gradient(
        lambda x: x[0] * x[-1], np.ones(6000), method="forward", step=0.125),
    "auto, 1500 inputs": lambda: nd.gradient(lambda x: x[0] * x[-1], np.ones(1500)),
    "vectorized, 1500 inputs": lambda: nd.gradient(
        lambda x: x[0] * x[-1], np.ones(1500), vectorized=True),
    "central Jacobian, 400 by 400": lambda: nd.jacobian(
        lambda x: x * x, np.ones(400), method="central", step=0.125),
    "Jacobian, 1000 by 50": lambda: nd.jacobian(
        lambda x: np.full(1000, x[0] ** 2), np.ones(50), rtol=1e-3),
    "Jacobian, 400 by 400": lambda: nd.jacobian(lambda x: x * x, np.linspace(1, 2, 400)),
    "kinks, 400 by 400": lambda: nd.jacobian(lambda x: abs(x - x[7]), np.linspace(1, 2, 400)),
    "kinks, 80,000 by 1": lambda: nd.jacobian(
        lambda x: np.where(EVERY % 20_000, EVERY * x, abs(x - 1.0)), np.ones(1)),
    "complex, 1500 inputs": lambda: nd.gradient(
        lambda x: x[0] * x[-1], np.ones(1500), method="complex"),
}  # fmt: skip


@needs_the_compiler(reason="large problems take minutes where kernels are interpreted")
@pytest.mark.parametrize("call", LARGE.values(), ids=LARGE)
def test_memory_stays_small(call):
    nd.gradient(np.sum, np.ones(2))  # what is compiled and cached is not counted
    assert 1 < peak(call) <= 64


def test_an_estimate_holds_no_work_arrays():
    nd.gradient(np.sum, np.ones(2))
    tracemalloc.start()
    try:
        found = nd.gradient(lambda x: x[0] * x[-1], np.ones(100))
        held = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert found.value.size * 8 <= held <= 40 * found.value.size * 8
