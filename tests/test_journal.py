"""Evaluations that outlive the process, and the bar that counts them."""

import io
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import numdiff as nd
from numdiff import verify
from numdiff.evaluation.identity import name_of, parts_of
from numdiff.evaluation.journal import JournalError

ROOT = Path(nd.__file__).parents[1]
X = np.array([0.4, 0.9, 1.3])
FIELDS = ("value", "error", "status", "step", "noise", "nfev")
calls = Counter()


def wavy(x):
    calls["wavy"] += 1
    return float(np.exp(np.sin(x).sum()) * x[0])


def outputs(x):
    calls["outputs"] += 1
    return np.outer(np.sin(x), [1.0, 2.0])


def waves(x):
    calls["waves"] += 1
    return np.exp(1j * x)


def edgy(x):
    calls["edgy"] += 1
    if x[0] < 0.4:
        raise ZeroDivisionError("left of the edge")
    return np.array([x @ x, np.inf])


def rows(x):
    calls["rows"] += x.shape[-1]
    if (x[0] < 0.38).any():
        raise ValueError("left of the edge")
    return np.exp(np.sin(x)) * x[0]


def same(one, other):
    return all(
        np.asarray(getattr(one, name)).tobytes() == np.asarray(getattr(other, name)).tobytes()
        for name in FIELDS
    )


def spent(ask):
    """What comes out, and how often f was called for it."""
    before = calls.total()
    estimate = ask()
    return estimate, calls.total() - before


@pytest.mark.parametrize(
    "ask",
    [
        partial(nd.gradient, wavy, X),
        partial(nd.gradient, wavy, X, max_nfev=20),
        partial(nd.gradient, wavy, X, method="central", step="shi"),
        partial(nd.hessian, wavy, X),
        partial(nd.jacobian, outputs, X),
        partial(nd.jacobian, waves, X),
        partial(nd.jacobian, edgy, X),
        partial(nd.jacobian, rows, X, vectorized=True),
        partial(nd.derivative, np.tan, np.array([0.1, 0.2]), order=3),
    ],
)
def test_what_has_returned_is_never_asked_for_again(ask, tmp_path):
    plain, alone = spent(ask)
    first, asked = spent(partial(ask, journal=tmp_path / "run.db"))
    again, none = spent(partial(ask, journal=str(tmp_path / "run.db")))
    assert same(plain, first)
    assert same(plain, again)
    assert (asked, none) == (alone, 0)
    assert {type(one) for one in plain.notes} == {type(one) for one in again.notes}


def test_operators_share_what_they_ask_for(tmp_path):
    journal = tmp_path / "run.db"
    _, first = spent(lambda: nd.hessian(wavy, X, journal=journal))
    _, more = spent(lambda: nd.hessian_diagonal(wavy, X, journal=journal))
    _, alone = spent(lambda: nd.hessian_diagonal(wavy, X))
    assert more < alone / 2 < first


def test_noise_is_seen_in_a_journal_too(tmp_path):
    generator = np.random.default_rng(0)

    def noisy(x):
        calls["noisy"] += 1
        return x @ x + 1e-4 * generator.standard_normal()

    ask = partial(nd.gradient, noisy, X, journal=(tmp_path / "run.db", "noisy"))
    first, _ = spent(ask)
    again, none = spent(ask)
    assert (again.status == nd.Status.STOCHASTIC).all()
    assert same(first, again)
    assert none == 0


def test_verify_and_noise_level_keep_a_journal(tmp_path):
    slope = nd.gradient(wavy, X).value
    for ask in (
        lambda journal: verify.gradient(wavy, slope, X, journal=journal),
        lambda journal: verify.hessian(wavy, np.eye(3), X, lambda x: x, journal=journal),
        lambda journal: verify.directional(wavy, slope * [1, 1, 1.01], X, journal=journal),
        lambda journal: nd.noise_level(wavy, X, journal=journal),
    ):
        first, _ = spent(partial(ask, tmp_path / "run.db"))
        again, none = spent(partial(ask, tmp_path / "run.db"))
        assert none == 0
        assert str(first) == str(again)


def test_arguments_are_told_apart(tmp_path):
    def scaled(x, a):
        calls["scaled"] += 1
        return a * (x @ x)

    ask = partial(nd.gradient, scaled, X, journal=tmp_path / "run.db")
    assert np.allclose(ask(args=(2.0,)).value, 4 * X)
    assert np.allclose(ask(args=(3.0,)).value, 6 * X)
    assert np.allclose(ask(args=(np.array(2.0),)).value, 4 * X)
    assert spent(partial(ask, args=(3.0,)))[1] == 0


def test_points_and_keywords_are_told_apart(tmp_path):
    """The numbers of x are the same throughout: what f gets is not."""

    def of_parts(p, power=1):
        calls["parts"] += 1
        return np.sum([np.sum(part) ** power for part in dict(p).values()])

    def by_shape(x):
        return float(x.sum() ** x.ndim)

    ask = partial(nd.gradient, of_parts, kwargs={"power": 2}, journal=tmp_path / "parts.db")
    assert np.allclose(ask({"a": 1.0, "b": 2.0}).value, [2.0, 4.0])
    assert np.allclose(ask({"a": [1.0, 2.0]}).value, [6.0, 6.0])
    assert np.allclose(ask({"a": 1.0, "b": 2.0}, kwargs={"power": 3}).value, [3.0, 12.0])
    assert spent(partial(ask, {"a": 1.0, "b": 2.0}))[1] == 0
    of_shape = partial(nd.gradient, by_shape, journal=tmp_path / "shapes.db")
    assert np.allclose(of_shape([1.0, 2.0]).value, 1.0)
    assert np.allclose(of_shape([[1.0, 2.0]]).value, 6.0)


def test_checks_and_operators_share_a_journal(tmp_path):
    def scaled(x, a):
        calls["scaled"] += 1
        return a * (x @ x)

    ask = {"args": (2.0,), "journal": tmp_path / "run.db"}
    nd.gradient(scaled, X, **ask)
    at_x = (scaled, lambda x, a: 2 * a * x, X)
    report, _ = spent(partial(verify.gradient, *at_x, **ask))
    assert report.verdict == "agree"
    assert spent(partial(verify.gradient, *at_x, **ask))[1] == 0
    assert spent(partial(nd.gradient, scaled, X, **ask))[1] == 0


def test_a_vectorized_f_is_checked_along_a_direction(tmp_path):
    ask = partial(verify.directional, rows, journal=tmp_path / "run.db", vectorized=True)
    slopes = np.diag(np.cos(X) * X[0] * np.exp(np.sin(X)))
    slopes[:, 0] += np.exp(np.sin(X))
    assert ask(slopes, X).verdict == "agree"
    assert spent(partial(ask, slopes, X))[1] == 0


def test_large_outputs(tmp_path):
    ramp = np.linspace(0.0, 1.0, 100_000)
    ask = partial(nd.derivative, lambda t: np.sin(t * ramp), 1.0, journal=tmp_path / "run.db")
    assert same(ask(), ask())


# --- Killed ---

RUN = """
import os, sys, time
import numpy as np
import numdiff as nd

def slow(x):
    time.sleep(0.02)
    with open(sys.argv[1], "a") as file:
        file.write(x.tobytes().hex() + "\\n")
    return float(np.exp(np.sin(x).sum()) * x[0])

x, workers = np.array([0.4, 0.9, 1.3]), eval(sys.argv[3])
estimate = nd.gradient(slow, x, journal=sys.argv[2], workers=workers)
print(estimate.value.tobytes().hex(), estimate.nfev, flush=True)
"""  # fmt: skip


def start(folder, workers):
    (folder / "run.py").write_text(RUN)
    return subprocess.Popen(
        [sys.executable, "run.py", "points", "run.db", workers], cwd=folder, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, start_new_session=True,
    )  # fmt: skip


def points_in(folder):
    path = folder / "points"
    return path.read_text().splitlines() if path.exists() else []


THREADS = "__import__('concurrent.futures').futures.ThreadPoolExecutor(4)"


@pytest.mark.parametrize(("workers", "at_once"), [("None", 1), (THREADS, 4)])
def test_a_killed_run_repeats_only_what_was_on_its_way(workers, at_once, tmp_path):
    chance, kills = random.Random(at_once), 0
    for _ in range(20):
        run, wanted = start(tmp_path, workers), len(points_in(tmp_path)) + chance.randint(3, 9)
        while run.poll() is None and len(points_in(tmp_path)) < wanted:
            time.sleep(0.002)
        if run.poll() is not None:
            break
        os.killpg(run.pid, signal.SIGKILL)
        run.communicate()
        kills += 1
    output, errors = run.communicate()
    assert run.returncode == 0, errors
    value, nfev = output.split()
    plain = nd.gradient(wavy, X)
    assert value == plain.value.tobytes().hex()
    assert kills >= 3
    points = Counter(points_in(tmp_path))
    assert points.total() - len(points) <= kills * at_once
    assert len(points) >= plain.nfev
    assert int(nfev) >= plain.nfev


def test_two_processes_share_a_journal(tmp_path):
    runs = [start(tmp_path, "None") for _ in range(2)]
    outcomes = {run.communicate()[0].split()[0] for run in runs}
    assert outcomes == {nd.gradient(wavy, X).value.tobytes().hex()}
    with sqlite3.connect(tmp_path / "run.db") as file:
        (kept,) = file.execute("SELECT count(*) FROM evaluations").fetchone()
    assert kept == nd.gradient(wavy, X).nfev


# --- Refused, and left as it was ---


def refused(path, message, f=wavy):
    before = path.read_bytes()
    with pytest.raises(JournalError, match=message):
        nd.gradient(f, X, journal=path)
    assert path.read_bytes() == before


@pytest.fixture
def journal(tmp_path):
    path = tmp_path / "run.db"
    nd.gradient(wavy, X, journal=path)
    return path


def test_another_function_is_refused(journal):
    refused(journal, "holds values of another function, .*wavy, not of .*edgy", edgy)
    with pytest.raises(JournalError, match="another function"):
        nd.gradient(wavy, X, journal=(journal, "another"))


def test_a_function_that_has_changed_is_refused(tmp_path):
    def scaled(scale):
        return lambda x: scale * (x @ x)

    path = tmp_path / "run.db"
    nd.gradient(scaled(2.0), X, journal=path)
    nd.gradient(scaled(2.0), X, journal=path)
    refused(path, "from when `scale` was different. If these still hold", scaled(3.0))
    name = name_of(scaled(3.0))
    stale = nd.gradient(scaled(3.0), X, journal=(path, name))  # who says so is believed
    assert np.allclose(stale.value, 4 * X)


def test_another_format_is_refused(journal):
    with sqlite3.connect(journal) as file:
        file.execute("PRAGMA user_version = 7")
    file.close()
    refused(journal, "another version of numdiff: its format is 7")


def test_another_file_is_refused(tmp_path):
    text, database = tmp_path / "notes.txt", tmp_path / "other.db"
    text.write_text("notes\n" * 100)
    refused(text, "is no journal, nor any database")
    with sqlite3.connect(database) as file:
        file.execute("CREATE TABLE mine (a)")
    file.close()
    refused(database, "is a database, but not a journal")


def test_a_damaged_file_is_refused(journal):
    whole = journal.read_bytes()
    for at in range(4096, len(whole), 4096):  # each page but that of the header
        journal.write_bytes(whole[:at] + b"\xff" * 4096 + whole[at + 4096 :])
        refused(journal, "damaged")
    journal.write_bytes(whole[: len(whole) // 2])
    refused(journal, "damaged")


def test_a_value_that_has_changed_is_refused(journal):
    whole, value = journal.read_bytes(), np.float64(wavy(X)).tobytes()
    assert whole.count(value) == 1
    journal.write_bytes(whole.replace(value, np.float64(1.0).tobytes()))
    refused(journal, "a value does not have its checksum")


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    with pytest.raises(OSError, match="cannot be written"):
        nd.gradient(wavy, X, journal=tmp_path / "missing" / "run.db")


def test_errors_at_x_are_not_kept(tmp_path):
    broken = [True]

    def f(x):
        if broken:
            raise ValueError("not yet")
        return x @ x

    ask = partial(nd.gradient, f, X, journal=(tmp_path / "run.db", "f"))
    with pytest.raises(ValueError, match="not yet"):
        ask()
    broken.clear()
    assert ask().success.all()


# --- No room ---

FULL = """
import resource, signal, sys
import numpy as np
import numdiff as nd
ramp = np.linspace(0.0, 1.0, 20_000)
if len(sys.argv) > 1:
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
calls = 0
def f(t):
    global calls
    calls += 1
    return np.sin(t * ramp)
estimate = nd.derivative(f, 1.0, journal=("run.db", "f"))
print(calls, estimate.value.sum())
"""


def run_full(folder, *words):
    done = subprocess.run(
        [sys.executable, "-c", FULL, *words], cwd=folder, capture_output=True, text=True,
        check=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    calls_made, value = done.stdout.split()
    return int(calls_made), value, done.stderr


def test_a_full_disk_loses_nothing(tmp_path):
    first, value, errors = run_full(tmp_path, str(900_000))
    assert errors.count("takes no more evaluations") == 1
    second, again, errors = run_full(tmp_path)
    assert again == value
    assert 0 < second < first
    assert not errors
    assert run_full(tmp_path)[0] == 0


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("mount"), reason="mounts a small disk")
def test_a_small_disk_that_is_full(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting is not allowed here")
    try:
        first, value, errors = run_full(disk)
        assert "takes no more evaluations" in errors
        subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
        second, again, errors = run_full(disk)
        assert (again, errors) == (value, "")
        assert 0 < second < first
    finally:
        subprocess.run(["umount", disk], check=True)


# --- What f is made of ---


class Model:
    def __init__(self, scale):
        self.scale = scale

    def __call__(self, x):
        return self.scale * (x @ x)

    def loss(self, x):
        return self(x)


def with_helper(helper):
    return lambda x: helper(x) + 1.0


def held(data):
    return lambda x: data @ x


FUNCTIONS = {
    "closure": lambda k: lambda x: k * x,
    "array": lambda k: held(np.arange(3.0) * k),
    "dict": lambda k: held({"k": [k]}),
    "partial": lambda k: partial(np.multiply, k),
    "object": Model,
    "method": lambda k: Model(k).loss,
    "helper": lambda k: with_helper(lambda x: k * x),
    "constant": lambda k: (lambda x: 2.0 * x) if k == 2.0 else (lambda x: 3.0 * x),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_are_told_apart(name):
    make = FUNCTIONS[name]
    assert parts_of(make(2.0)) == parts_of(make(2.0))
    assert parts_of(make(2.0)) != parts_of(make(3.0))


def test_functions_that_loop_are_told():
    def even(x):
        return x == 0 or odd(x - 1)

    def odd(x):
        return even(x - 1)

    assert parts_of(even)


def test_what_cannot_be_told_apart_needs_a_name(tmp_path):
    stream = io.TextIOWrapper(io.BytesIO())
    with pytest.raises(ValueError, match=r"cannot tell the TextIOWrapper .* give it a name"):
        nd.gradient(lambda x: (stream, x @ x)[1], X, journal=tmp_path / "run.db")
    assert not (tmp_path / "run.db").exists()
    assert nd.gradient(
        lambda x: (stream, x @ x)[1], X, journal=(tmp_path / "run.db", "square")
    ).success.all()


# --- The bar ---


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_the_bar_is_for_terminals(monkeypatch):
    def shown(stream, progress):
        monkeypatch.setattr(sys, "stderr", stream)
        nd.gradient(wavy, X, progress=progress)
        return stream.getvalue()

    nfev = nd.gradient(wavy, X).nfev
    assert f"{nfev}/{nfev}" in shown(Terminal(), True)
    assert "100%" in shown(io.StringIO(), "always")
    assert not shown(io.StringIO(), True)
    assert not shown(Terminal(), False)


def test_the_bar_ends_where_f_fails(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    with pytest.raises(KeyError):
        nd.gradient(lambda _: {}[1], X, progress=True)
    assert sys.stderr.getvalue().endswith("\n")


@pytest.mark.parametrize(
    ("options", "module", "extra"),
    [({"progress": True}, "tqdm.auto", "progress"), ({"workers": 2}, "loky", "parallel")],
)
def test_what_is_not_installed_is_named(options, module, extra, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=rf"numdiff-toolkit\[{extra}\]"):
        nd.gradient(wavy, X, **options)


def test_nothing_is_imported_that_is_not_asked_for():
    code = "import numdiff as nd; nd.derivative(abs, 1.0); import sys; "
    code += (
        "print({'sqlite3', 'tqdm', 'loky', 'cloudpickle', 'concurrent.futures'} & {*sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.stdout == "set()\n"
