"""Workers: the same bits as without, all of them busy, and what happens when things go wrong."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from multiprocessing.pool import ThreadPool
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import numdiff as nd
from numdiff import verify
from numdiff.engine.differentiate import counted, differentiate, pose
from numdiff.engine.mixed import second
from numdiff.evaluation import executors
from numdiff.evaluation.executors import TRIES
from numdiff.geometry.directions import axes
from numdiff.options import read
from tests.measuring.virtual import Virtual, virtual_call

X = np.array([0.4, 0.9, 1.3])


def wavy(x):
    return float(np.exp(np.sin(x).sum()) * x[0])


def wavy_gradient(x):
    slopes = np.exp(np.sin(x).sum()) * np.cos(x) * x[0]
    slopes[0] += np.exp(np.sin(x).sum())
    return slopes


def several(x):
    return np.array([np.sqrt(x[0]) * x[1], np.abs(x[2] - 1.3), 1j * x.sum()])


def edgy(x):
    if x[0] < 0.4:
        raise ValueError("left of the edge")
    return wavy(x)


class Shuffled(Executor):
    """One thread that does what it is given in any order."""

    def __init__(self, seed, workers=3):
        self._max_workers, self.random = workers, random.Random(seed)
        self.waiting, self.ready, self.over = [], threading.Condition(), False
        self.chunks = []
        threading.Thread(target=self.work, daemon=True).start()

    def submit(self, fn, /, *arguments):
        future = Future()
        with self.ready:
            self.waiting.append((future, fn, arguments))
            self.chunks.append(len(arguments[1]))
            self.ready.notify()
        return future

    def work(self):
        while not self.over:
            with self.ready:
                while not self.waiting:
                    self.ready.wait()
                index = self.random.randrange(len(self.waiting))
                future, fn, arguments = self.waiting.pop(index)
            if future.set_running_or_notify_cancel():
                future.set_result(fn(*arguments))


class Prompt(ThreadPoolExecutor):
    """Workers that are done at once: nothing is left to be taken back."""

    def submit(self, fn, /, *arguments):
        future = Future()
        future.set_result(fn(*arguments))
        return future


OPERATORS = {
    "derivative": lambda **o: nd.derivative(np.tan, [0.3, 1.2], order=2, **o),
    "gradient": lambda **o: nd.gradient(wavy, X, **o),
    "gradient forward": lambda **o: nd.gradient(wavy, X, method="forward", **o),
    "complex step": lambda **o: nd.gradient(lambda x: np.exp(x).sum(), X, method="complex", **o),
    "gradient by rule": lambda **o: nd.gradient(wavy, X, method="central", step="shi", **o),
    "single step": lambda **o: nd.gradient(wavy, X, method="central", step=1e-4, **o),
    "bounds": lambda **o: nd.gradient(wavy, X, bounds=(X, 2.0), **o),
    "edge": lambda **o: nd.gradient(edgy, X, **o),
    "budget": lambda **o: nd.gradient(wavy, X, max_nfev=20, **o),
    "jacobian": lambda **o: nd.jacobian(several, X, **o),
    "hessian": lambda **o: nd.hessian(wavy, X, **o),
    "hessian of grad": lambda **o: nd.hessian(wavy, X, grad=wavy_gradient, **o),
    "hessian diagonal": lambda **o: nd.hessian_diagonal(wavy, X, **o),
    "jvp": lambda **o: nd.jvp(wavy, X, X, **o),
    "hvp": lambda **o: nd.hvp(wavy, X, X, **o),
    "args": lambda **o: nd.gradient(lambda x, a: a * wavy(x), X, args=(3.0,), **o),
}  # fmt: skip
FIELDS = ("value", "error", "status", "step", "noise")


def same(one, other):
    return all(
        np.asarray(getattr(one, name)).tobytes() == np.asarray(getattr(other, name)).tobytes()
        for name in FIELDS
    )


# --- The same bits ---


@pytest.mark.parametrize("name", OPERATORS)
def test_threads_give_the_same_bits_and_count_all_calls(name):
    alone = OPERATORS[name]()
    with ThreadPoolExecutor(3) as pool:
        together = OPERATORS[name](workers=pool)
    assert same(alone, together)
    assert alone.nfev <= together.nfev <= 2 * alone.nfev + 3


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 20), st.sampled_from(sorted(OPERATORS)))
def test_the_order_of_completion_does_not_matter(seed, workers, name):
    assert same(OPERATORS[name](), OPERATORS[name](workers=Shuffled(seed, workers)))


def test_a_map_will_do():
    alone = nd.gradient(wavy, X)
    with ThreadPool(2) as pool:
        for apply in (map, pool.map, pool.imap):
            mapped = nd.gradient(wavy, X, workers=apply)
            assert same(alone, mapped)
            assert mapped.nfev == alone.nfev


def test_what_is_asked_again_is_evaluated_again():
    """Otherwise noise would not be seen."""
    generator = np.random.default_rng(0)
    with ThreadPoolExecutor(2) as pool:
        noisy = nd.gradient(lambda x: x @ x + 1e-4 * generator.standard_normal(), X, workers=pool)
    assert (noisy.status == nd.Status.STOCHASTIC).all()
    assert (abs(noisy.value - 2 * X) < 2 * noisy.error).all()


def test_nfev_counts_what_was_handed_out():
    """At the end some of it may still wait for a worker, and is taken back."""
    calls = Counter()

    def counting(x):
        calls["all"] += 1
        time.sleep(1e-3)
        return wavy(x)

    with ThreadPoolExecutor(8) as pool:
        estimate = nd.gradient(counting, X[:1] * np.ones(3), workers=pool)
    assert calls["all"] <= estimate.nfev <= calls["all"] + 8

    calls.clear()
    prompt = nd.gradient(counting, X[:1] * np.ones(3), workers=Prompt(8))
    assert prompt.nfev == calls["all"] > nd.gradient(wavy, X[:1] * np.ones(3)).nfev


def test_with_a_budget_nobody_looks_ahead():
    alone = nd.gradient(wavy, X, max_nfev=100)
    with ThreadPoolExecutor(16) as pool:
        assert nd.gradient(wavy, X, max_nfev=100, workers=pool).nfev == alone.nfev


def test_f_may_reuse_its_buffer_and_change_its_argument():
    buffer = np.empty(3)

    def rude(x):
        buffer[:] = x**2
        x[:] = 0.0
        return buffer

    assert same(nd.jacobian(rude, X), nd.jacobian(rude, X, workers=Shuffled(1)))


def test_verify_noise_level_and_models_take_workers():
    with ThreadPoolExecutor(3) as pool:
        assert verify.gradient(wavy, wavy_gradient, X, workers=pool).verdict == "agree"
        assert (
            verify.hessian(
                wavy, lambda x: nd.hessian(wavy, x).value, X, grad=wavy_gradient, workers=pool
            ).verdict
            == "agree"
        )
        wrong = verify.directional(wavy, lambda x: wavy_gradient(x) * [1, 1, 1.1], X, workers=pool)
        assert wrong.verdict == "disagree"
        alone, together = nd.noise_level(wavy, X), nd.noise_level(wavy, X, workers=pool)
        assert same(nd.local_model(wavy, X).hessian, nd.local_model(wavy, X, workers=pool).hessian)
    assert alone.to_dict() == together.to_dict()


def test_sparse_derivatives_models_and_propagation_take_workers():
    def chain(x):
        return np.sin(x) * np.roll(x, 1)

    def energy(x):
        return float(np.sum(x[1:] ** 2 * np.sin(x[:-1])))

    x, cov = np.linspace(0.4, 1.3, 9), np.full(9, 0.01)
    pattern, bent = nd.sparse.detect(chain, x), np.abs(np.subtract.outer(range(9), range(9))) < 2
    asked = {
        "detect": lambda **how: nd.sparse.detect(chain, x, **how).toarray(),
        "check": lambda **how: nd.sparse.check(chain, x, np.eye(9), **how).toarray(),
        "jacobian": lambda **how: nd.jacobian(chain, x, sparsity=pattern, **how).value.toarray(),
        "detected": lambda **how: nd.jacobian(chain, x, sparsity="detect", **how).error.toarray(),
        "hessian": lambda **how: nd.hessian(energy, x, sparsity=bent, **how).value.toarray(),
        "model": lambda **how: nd.local_model(energy, x, **how).gradient.error,
        "propagate": lambda **how: nd.propagate(chain, x, cov, **how)[1],
        "of two": lambda **how: nd.propagate(lambda a, b: a * b, 2.0, 0.1, 3.0, 0.2, **how)[1],
    }
    used = set()

    class Noting(ThreadPoolExecutor):
        def submit(self, *task):
            used.add(name)
            return super().submit(*task)

    with Noting(3) as pool:
        for name, ask in asked.items():
            assert np.array_equal(ask(), ask(workers=pool)), name
    assert used == asked.keys()
    assert np.array_equal(asked["jacobian"](), asked["jacobian"](workers=2))


def test_points_with_names_and_further_arguments_reach_the_workers():
    def named(p, scale, *, power=1):
        return scale * wavy(np.append(p["a"], p["b"])) ** power

    further = {"args": (2.0,), "kwargs": {"power": 2}}
    ask = partial(nd.gradient, named, {"a": X[:2], "b": X[2]}, **further)
    assert same(ask(), ask(workers=2))
    series = pd.Series(X, ["a", "b", "c"])
    of_series = partial(nd.jacobian, lambda s: s * s["a"], series)
    assert same(of_series(), of_series(workers=2))


def test_a_direction_is_checked_by_processes_too():
    slopes = wavy_gradient(X) * [1, 1, 1.1]
    home = os.getpid()

    def elsewhere(x):
        assert os.getpid() != home
        return wavy(x)

    assert verify.directional(elsewhere, slopes, X, workers=2).verdict == "disagree"


@pytest.mark.parametrize("kind", [KeyError, NotImplementedError, RuntimeError])
@pytest.mark.parametrize("how", ["workers", "journal", "vectorized"])
def test_probes_may_fail_in_workers_as_they_may_here(tmp_path, kind, how):
    """What f raises where an answer can do without is an edge; where it cannot, the caller's."""

    def price(p):
        if np.any(np.abs(p - 2.9) > 0.29):
            raise kind("no price there")
        return 3.0 + 0.0 * p

    def half(p):
        if np.any(p > 2.9):
            raise kind("no price there")
        return np.sin(p)

    with ThreadPoolExecutor(3) as pool:
        journal = {"journal": tmp_path / "run.db"}
        options = {"workers": {"workers": pool}, "vectorized": journal | {"vectorized": True}}
        options = options.get(how, journal)
        alone, found = nd.derivative(price, 2.9), nd.derivative(price, 2.9, **options)
        assert same(alone, found)
        assert found.success
        (tmp_path / "run.db").unlink(missing_ok=True)
        if kind is RuntimeError:
            assert same(nd.derivative(half, 2.9), nd.derivative(half, 2.9, **options))
        else:
            with pytest.raises(kind, match="no price there"):
                nd.derivative(half, 2.9, **options)


# --- Processes ---


class Heavy:
    """A function that tells how often it was pickled here, and loaded where."""

    def __init__(self, folder):
        self.folder, self.pickled, self.home = folder, 0, os.getpid()

    def __getstate__(self):
        self.pickled += 1
        return {"folder": self.folder, "pickled": 0, "home": self.home}

    def __setstate__(self, state):
        self.__dict__.update(state)
        (self.folder / f"{os.getpid()}-{time.monotonic_ns()}").touch()

    def __call__(self, x):
        if os.getpid() == self.home:
            raise RuntimeError("called here")
        return wavy(x)


@pytest.fixture(scope="module")
def processes():
    """A pool that is the caller's."""
    with ProcessPoolExecutor(2) as pool:
        yield pool


def test_processes_give_the_same_bits(tmp_path, processes):
    (tmp_path / "loads").mkdir()
    heavy, alone = Heavy(tmp_path / "loads"), nd.gradient(wavy, X)
    for workers in (processes, 2):
        assert same(alone, nd.gradient(heavy, X, workers=workers))
    assert heavy.pickled == 2  # once for each call
    assert 2 <= len(list((tmp_path / "loads").iterdir())) <= 4  # and loaded once in each process
    assert same(alone, nd.gradient(lambda x, a: a * wavy(x), X, workers=processes, args=(1.0,)))


def test_processes_wait_for_the_next_call(tmp_path, monkeypatch):
    def noting(x):
        (tmp_path / str(os.getpid())).touch()
        return wavy(x)

    def used():
        for path in tmp_path.iterdir():
            path.unlink()
        assert same(nd.gradient(noting, X, workers=2), nd.gradient(wavy, X))
        return {int(path.name) for path in tmp_path.iterdir()}

    first = used()
    assert used() & first
    monkeypatch.setenv("NUMDIFF_TEST", "changed")  # others may depend on it
    changed = used()
    assert not changed & first
    for pid in changed:
        os.kill(pid, signal.SIGKILL)
    time.sleep(0.2)
    assert not used() & changed
    with pytest.raises(KeyError):
        nd.gradient(lambda _: {}[1], X, workers=2)
    assert not executors._IDLE


def test_what_f_raises_in_a_process_arrives_as_it_is(processes):
    class OddError(Exception):
        def __init__(self, message, code):
            super().__init__(message)
            self.code = code

    def failing(x):
        if x[0] != X[0]:
            raise OddError("no licence", 3)
        return 1.0

    with pytest.raises(OddError, match="no licence") as caught:
        nd.gradient(failing, X, workers=processes)
    first, last = caught.value.__notes__[0], caught.value.__notes__[-1]
    assert "in failing" in first
    assert last.startswith("numdiff: f raised this at a displaced point, [")
    with pytest.raises(KeyError) as caught:
        nd.gradient(lambda _: {}[1], X, workers=processes)
    assert "at x itself" in caught.value.__notes__[-1]
    with pytest.raises(SystemExit):
        nd.gradient(lambda _: sys.exit(3), X, workers=processes)


def test_what_cannot_be_sent_is_told(processes):
    lock = threading.Lock()

    def locked(x):
        with lock:
            return wavy(x)

    for workers in (processes, 2):
        with pytest.raises(TypeError, match=r"f cannot be sent .*lock.* inside f"):
            nd.gradient(locked, X, workers=workers)
    with ThreadPoolExecutor(2) as pool:
        assert same(nd.gradient(locked, X, workers=pool), nd.gradient(wavy, X))


def test_what_returns_no_number_is_told(processes):
    with pytest.raises(TypeError, match=r"f must return a number .* got generator"):
        nd.gradient(lambda x: (y for y in x), X, workers=processes)


# --- Everybody busy ---


def on_paper(operator, n, workers, seconds=lambda: 1.0):
    """How long f keeps `workers` busy, and that of one, in the time of the virtual clock."""
    f = (lambda x: np.exp(np.sin(3 * x))) if n == 0 else wavy
    x = np.linspace(0.4, 1.3, n) if n else np.array([1.0])
    virtual = Virtual(workers, seconds)
    call, options = virtual_call(f, (n,) if n else (), virtual), read(f, x)
    if operator == "gradient":
        result = differentiate(call, x, axes(x.size), 1, options)
    else:
        problem = pose(call, x, options)
        parts = second(problem, axes(n), *np.triu_indices(n, 1), options)
        result = counted(problem, *parts)
    return virtual, result


@pytest.mark.parametrize(("workers", "least"), [(2, 1.5), (4, 3.0), (8, 5.0), (16, 9.0)])
def test_one_direction_keeps_many_workers_busy(workers, least):
    alone, _ = on_paper("gradient", 0, 1)
    together, _ = on_paper("gradient", 0, workers)
    assert alone.now / together.now >= least


@pytest.mark.parametrize("operator", ["gradient", "hessian"])
@pytest.mark.parametrize("n", [8, 13, 40])
@pytest.mark.parametrize("uneven", [False, True])
def test_two_workers_take_half_the_time(operator, n, uneven):
    seconds = random.Random(n).lognormvariate if uneven else None
    times = [(lambda: seconds(0.0, 0.7)) if uneven else (lambda: 1.0)] * 2
    alone, first = on_paper(operator, n, 1, times[0])
    together, second_ = on_paper(operator, n, 2, times[1])
    ideal = together.busy / together.evaluations * alone.evaluations / 2
    assert ideal / together.now >= 0.9
    assert (first.value == second_.value).all()


def test_chunks_are_as_large_as_the_time_of_f_calls_for():
    cheap, dear = Shuffled(0, 2), Shuffled(0, 2)
    nd.gradient(wavy, np.linspace(0.4, 1.3, 60), workers=cheap)
    assert max(cheap.chunks) >= 10
    nd.gradient(lambda x: (time.sleep(0.02), wavy(x))[1], X, workers=dear)
    assert max(dear.chunks) == 1


# --- What goes wrong ---


def killer(marks, times):
    """A function that kills its process at some points, so many times."""

    def f(x):
        if x[1] > 0.901 and len(list(marks.iterdir())) < times:
            (marks / f"{os.getpid()}-{time.monotonic_ns()}").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return wavy(x)

    return f


def test_lost_workers_are_replaced(tmp_path):
    estimate = nd.gradient(killer(tmp_path, 2), X, workers=2)
    assert same(estimate, nd.gradient(wavy, X))
    assert len(list(tmp_path.iterdir())) == 2


def test_what_kills_workers_is_not_tried_for_ever(tmp_path):
    with pytest.raises(RuntimeError, match="a worker was lost in 3 of 3 tries") as caught:
        nd.gradient(killer(tmp_path, 100), X, workers=2)
    assert "0.9" in caught.value.__notes__[0]
    assert TRIES <= len(list(tmp_path.iterdir())) <= 2 * TRIES


def test_a_pool_that_has_broken_is_told(tmp_path):
    with (
        ProcessPoolExecutor(2) as pool,
        pytest.raises(RuntimeError, match=r"takes no more work: .* An integer starts processes"),
    ):
        nd.gradient(killer(tmp_path, 100), X, workers=pool)


def test_what_hangs_is_given_up():
    def hanging(x):
        if x[0] > 0.401:
            time.sleep(60.0)
        return wavy(x)

    start = time.monotonic()
    estimate = nd.gradient(hanging, X[:2], workers=3, timeout=0.5)
    assert time.monotonic() - start < 30.0
    assert estimate.success.all()
    assert (abs(estimate.value - nd.gradient(wavy, X[:2]).value) <= estimate.error).all()
    assert "f took longer than 0.5 seconds, the `timeout`" in str(estimate)


def test_threads_that_hang_are_left_alone():
    free = threading.Event()

    def hanging(x):
        if x[0] > 0.401:
            free.wait(60.0)
        return wavy(x)

    with ThreadPoolExecutor(8) as pool:
        assert nd.gradient(hanging, X, workers=pool, timeout=0.2).success.all()
        free.set()
    free.clear()
    with ThreadPoolExecutor(2) as pool:
        try:
            with pytest.raises(RuntimeError, match="every worker hangs"):
                nd.gradient(hanging, X, workers=pool, timeout=0.1)
        finally:
            free.set()


def test_workers_that_cannot_go_on_are_no_edge_of_f():
    def hanging(x):
        if x[0] != X[0]:
            time.sleep(0.5)
        return wavy(x)

    with ThreadPoolExecutor(1) as pool, pytest.raises(RuntimeError, match="every worker hangs"):
        verify.directional(hanging, wavy_gradient(X), X, workers=pool, timeout=0.05)


def test_a_timeout_at_x_is_an_error():
    with (
        ThreadPoolExecutor(2) as pool,
        pytest.raises(TimeoutError, match=r"longer than 0\.05 seconds"),
    ):
        nd.gradient(lambda _: time.sleep(0.3), X, workers=pool, timeout=0.05)
    with (  # nobody is left, but nothing is waiting either
        ThreadPoolExecutor(1) as pool,
        pytest.raises(TimeoutError, match=r"longer than 0\.05 seconds"),
    ):
        nd.gradient(lambda _: time.sleep(0.3), X, workers=pool, timeout=0.05)


SCRIPT = """
import sys, time
import numpy as np
import numdiff as nd

def slow(x):
    open(sys.argv[1], "a").write("x")
    time.sleep(30.0)
    return x @ x

try:
    nd.gradient(slow, np.ones(4), workers=2)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


def alive_in(group):
    """The processes of a group that are not over."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, its_group = path.read_text().rpartition(")")[2].split()[:3]
            if int(its_group) == group and state != "Z":
                found.append((path.parent / "cmdline").read_text())
    return found


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at /proc")
def test_an_interrupt_leaves_no_processes(tmp_path):
    script, marks = tmp_path / "script.py", tmp_path / "marks"
    script.write_text(SCRIPT)
    run = subprocess.Popen(
        [sys.executable, script, marks], stdout=subprocess.PIPE, text=True, start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(Path(nd.__file__).parents[1])},
    )  # fmt: skip
    for _ in range(600):
        if marks.exists():
            break
        time.sleep(0.1)
    start = time.monotonic()
    os.killpg(run.pid, signal.SIGINT)
    output, _ = run.communicate(timeout=60)
    assert "interrupted" in output
    assert time.monotonic() - start < 20.0
    for _ in range(100):
        left = alive_in(run.pid)
        if not left:
            break
        time.sleep(0.1)
    assert not left


# --- A cluster ---


def test_a_cluster_of_dask(tmp_path):
    distributed = pytest.importorskip("distributed")

    def doomed(x):
        mark = tmp_path / "killed"
        if x[1] > 0.901 and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return wavy(x)

    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        for workers in (client.get_executor(pure=False), client.get_executor(pure=True), client):
            assert same(nd.gradient(wavy, X, workers=workers), nd.gradient(wavy, X))
        generator = np.random.default_rng
        noisy = nd.gradient(
            lambda x: x @ x + 1e-4 * generator().standard_normal(), X,
            workers=client.get_executor(pure=True),
        )  # fmt: skip
        assert (noisy.status == nd.Status.STOCHASTIC).all()
        estimate = nd.gradient(doomed, X, workers=client.get_executor(pure=False))
        assert (tmp_path / "killed").exists()
        assert same(estimate, nd.gradient(wavy, X))


# --- What is refused ---


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"workers": 0}, ValueError, "at least 1"),
        ({"workers": True}, TypeError, "an integer, a concurrent"),
        ({"workers": "2"}, TypeError, "an integer, a concurrent"),
        ({"workers": ThreadPoolExecutor}, TypeError, "give one that runs"),
        ({"workers": 2, "vectorized": True}, ValueError, "all points of a round at once"),
        ({"timeout": 1.0}, ValueError, "needs `workers`"),
        ({"timeout": 1.0, "workers": map}, ValueError, "needs `workers`"),
        ({"timeout": 0.0, "workers": 2}, ValueError, "must be positive"),
        ({"progress": "sometimes"}, ValueError, "True, False or 'always'"),
        ({"journal": 3}, TypeError, "must be a path"),
    ],
)
def test_options_are_checked(options, kind, message):
    with pytest.raises(kind, match=message):
        nd.gradient(wavy, X, **options)


def test_a_pool_without_submit_is_told_what_to_give():
    with ThreadPool(1) as pool, pytest.raises(TypeError, match="give its method `map`"):
        nd.gradient(wavy, X, workers=pool)


def test_the_command_line_takes_workers_and_a_journal(tmp_path):
    module = tmp_path / "wave.py"
    module.write_text("import numpy as np\ndef f(x):\n    return float(np.exp(x).sum())\n")
    words = [sys.executable, "-m", "numdiff", "gradient", "wave.py:f", "--at", "0.5,1", "--json"]
    words += ["--workers", "2", "--journal", "run.db", "--progress", "--timeout", "60"]
    for _ in range(2):
        done = subprocess.run(
            words, cwd=tmp_path, capture_output=True, text=True, check=True,
            env={**os.environ, "PYTHONPATH": str(Path(nd.__file__).parents[1])},
        )  # fmt: skip
        assert np.allclose(json.loads(done.stdout)["value"], np.exp([0.5, 1.0]), rtol=1e-12)
        assert not done.stderr  # no terminal, so no bar
    assert (tmp_path / "run.db").exists()


def test_the_command_line_tells_in_one_line_what_failed_in_a_process(tmp_path):
    (tmp_path / "wave.py").write_text("def f(x):\n    return x[2]\n")
    words = ["-m", "numdiff", "gradient", "wave.py:f", "--at", "0.5,1", "--workers", "2"]
    failed = subprocess.run(
        [sys.executable, *words], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(Path(nd.__file__).parents[1])},
    )  # fmt: skip
    assert failed.returncode == 3
    (line,) = failed.stderr.splitlines()
    assert "IndexError" in line
    assert line.endswith("f raised this at x itself, [0.5 1. ]")
    assert "Traceback" not in line
