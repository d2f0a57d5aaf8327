"""What a fresh process waits for: when kernels compile, where they are kept, and what is said."""

import gc
import logging
import os
import shutil
import subprocess
import sys
import sysconfig
from operator import add
from pathlib import Path

import numba
import numpy as np
import pytest

import numdiff as nd
from numdiff import cli, warm_up
from numdiff.ladder import rounds, runtime
from tests.conftest import needs_the_compiler


@pytest.fixture
def meter(monkeypatch):
    """A process that has interpreted nothing yet, and for which compiling takes ten seconds."""
    monkeypatch.setattr(runtime, "_METER", runtime._Meter())
    monkeypatch.setattr(runtime, "price", lambda *_: 10.0)
    return runtime._METER


def test_kernels_compile_when_interpreting_has_taken_as_long(meter):
    meter.spent = 9.9
    assert runtime.runner(1) is runtime.interpreted
    meter.spent = 10.1
    assert runtime.runner(0) is runtime.compiled


def test_what_is_about_to_be_spent_counts(meter):
    assert runtime.runner(10_000) is runtime.interpreted
    assert runtime.runner(100_000) is runtime.compiled


def test_there_is_no_way_back_once_kernels_compile(meter):
    assert runtime.runner(100_000) is runtime.compiled
    assert runtime.runner(1) is runtime.compiled


def test_lanes_compile_on_their_own_and_take_no_time_off_the_patience_of_others(meter):
    assert not runtime.lanes_pay()
    meter.calmly = 10.1
    assert runtime.lanes_pay()
    assert runtime.runner(1) is runtime.interpreted
    meter.calmly = 0.0
    assert runtime.lanes_pay()  # there is no way back


def test_time_that_lanes_would_save_is_theirs(meter):
    nd.gradient(lambda x: np.sin(x).sum(), np.ones(20))
    calmly, others = meter.calmly, meter.spent
    assert calmly > 0.0
    rough = lambda x: np.round(np.sin(x).sum(), 5)
    nd.gradient(rough, np.ones(20))
    assert meter.spent > 2.0 * others


def test_interpreted_kernels_take_time_off_the_patience(meter):
    def work():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        runtime.interpreted(work)()
    once = meter.spent
    assert once > 0.0
    nd.gradient(lambda x: x @ x, np.ones(3))
    assert meter.spent > once


def test_patience_can_be_none_or_endless(meter, monkeypatch):
    monkeypatch.setattr(runtime, "PATIENCE", -1.0)
    assert runtime.runner(0) is runtime.compiled
    monkeypatch.setattr(runtime, "PATIENCE", np.inf)
    assert runtime.runner(10**9) is runtime.interpreted


def test_compiled_kernels_on_the_disk_make_it_cheap(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    price = runtime.price.__wrapped__
    assert price() == runtime.COMPILING
    assert price("lanes.lead_calm", runtime.COMPILING_LANES) == runtime.COMPILING_LANES
    with monkeypatch.context() as patch:
        patch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
        numba.njit(cache=True)(rounds.begin)
    (folder,) = tmp_path.iterdir()  # where Numba keeps what is compiled of that file
    end = f"1.py{sysconfig.get_python_version().replace('.', '')}.nbi"
    (folder / f"rounds.advance.of_old-{end}").touch()
    assert price() == runtime.COMPILING
    (folder / f"rounds.advance.{runtime.edition()}-{end}").touch()
    assert price() == runtime.LOADING


def test_kernels_that_were_kept_are_those_of_the_same_sources(tmp_path, monkeypatch):
    edition, package = runtime.edition.__wrapped__, Path(runtime.__file__).parents[1]
    for room in runtime.ROOMS:
        shutil.copytree(package / room, tmp_path / room, ignore=lambda *_: ["__pycache__"])
    monkeypatch.setattr(runtime, "__file__", str(tmp_path / "ladder" / "runtime.py"))
    before = edition()
    os.utime(tmp_path / "drivers" / "climb.py")
    other = edition()
    (tmp_path / "ladder" / "check.py").unlink()
    assert len({before, other, edition()}) == 3


@needs_the_compiler(reason="nothing is compiled")
def test_a_kernel_is_kept_under_the_name_of_its_sources():
    assert runtime.compiled(rounds.advance).py_func.__qualname__ == f"advance.{runtime.edition()}"


@needs_the_compiler(reason="nothing is compiled")
def test_what_this_process_has_kept_makes_it_cheap_for_the_next(monkeypatch):
    monkeypatch.setattr(runtime, "PATIENCE", -1.0)
    nd.derivative(np.sin, 1.0)
    assert Path(runtime.compiled(rounds.advance).stats.cache_path).is_dir()
    assert runtime.price.__wrapped__() == runtime.LOADING


FRESH = """
import sys, numpy as np, numdiff as nd
from scipy.optimize import minimize, rosen
minimize(rosen, [1.3, 0.7, 0.8, 1.9, 1.2], jac=lambda x: nd.gradient(rosen, x).value)
print("numba" in sys.modules)
"""


def test_an_optimiser_in_a_fresh_process_compiles_nothing(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", FRESH],
        env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "False\n"


@needs_the_compiler(reason="nothing is compiled")
def test_a_log_line_names_the_way_out_where_nothing_can_be_kept(monkeypatch, caplog):
    njit = numba.njit

    def homeless(*args, cache=False, **options):
        if cache:
            raise RuntimeError("cannot cache function: no locator available for file")
        return njit(*args, **options)

    monkeypatch.setattr(numba, "njit", homeless)
    runtime.homeless.cache_clear()

    @runtime.kernel
    def one(x):
        return x + 1.0

    @runtime.kernel
    def other(x):
        return x + 2.0

    with caplog.at_level(logging.WARNING, logger="numdiff"):
        assert runtime.compiled(one)(1.0) + runtime.compiled(other)(1.0) == 5.0
    (line,) = caplog.messages
    assert "NUMBA_CACHE_DIR" in line
    runtime.homeless.cache_clear()


@needs_the_compiler(reason="nothing is compiled")
def test_warm_up_tells_what_it_compiled_and_where_that_is(meter, monkeypatch, capsys):
    asked = []
    monkeypatch.setattr(warm_up, "_questions", lambda: {"one thing": lambda: asked.append(1)})
    assert cli.main(["warm-up"]) == 0
    printed = capsys.readouterr().out
    assert asked == [1]
    assert "one thing" in printed
    assert "kept in" in printed
    assert runtime.runner(0) is runtime.compiled


def test_warm_up_asks_for_no_point(capsys):
    assert cli.main(["warm-up", "--help"]) == 0
    out = capsys.readouterr().out
    assert "--at" not in out
    assert "container" in out
    assert cli.main(["warm-up", "--at", "1"]) == 3


def test_parts_are_compiled_as_all_else_where_numba_is_another_inside(monkeypatch):
    from numdiff.ladder import parts

    assert parts.settings(lean=True) == {"pipeline_class": parts.PartCompiler}
    monkeypatch.setattr(parts, "INSIDE", (*parts.INSIDE, "a name that Numba does not have"))
    assert parts.settings(lean=True) == parts.settings(lean=False)


@needs_the_compiler(reason="nothing is compiled")
@pytest.mark.parametrize("usual", [(700, 10, 10), (10**6, 5, 5), (0, 10, 10)])
def test_compilers_look_for_garbage_seldom_and_leave_the_rest_as_it_was(monkeypatch, usual):
    from numba import njit

    from numdiff.ladder import parts

    seen, plain = [], parts.Compiler.define_pipelines
    monkeypatch.setattr(
        parts.KernelCompiler,
        "define_pipelines",
        lambda compiler: seen.append(gc.get_threshold()) or plain(compiler),
    )
    before = gc.get_threshold()
    gc.set_threshold(*usual)
    try:
        assert njit(pipeline_class=parts.KernelCompiler)(lambda x: x + 1.0)(1.0) == 2.0
        assert gc.get_threshold() == usual
    finally:
        gc.set_threshold(*before)
    first = max(usual[0], parts.SELDOM) if usual[0] else 0
    assert seen == [(first, *usual[1:])]


@needs_the_compiler(reason="nothing is compiled")
def test_numba_is_asked_once_for_the_type_of_a_sum():
    from numba import float64, int64
    from numba.core.registry import cpu_target

    from numdiff.ladder import parts

    class Context:
        asked = 0

        def resolve_function_type(self, function, args, kws):  # noqa: ARG002
            self.asked += 1
            return args[0]

    context, types = Context(), cpu_target.typing_context
    types.refresh()
    known, plus = parts.remembering(context), types.resolve_value_type(add)
    for _ in range(2):
        assert known.resolve_function_type(plus, (float64, int64), {}) == float64
        assert known.resolve_function_type(plus, (int64, float64), {}) == int64
    assert context.asked == 2
    for _ in range(2):  # what is compiled for the first time may be another the second time
        known.resolve_function_type("a function of the caller", (float64,), {})
    assert context.asked == 4
    assert known.asked == 4  # all else is that of Numba


@needs_the_compiler(reason="nothing is compiled")
def test_passes_that_are_left_out_are_passes_of_numba():
    from numba.core import typed_passes, untyped_passes

    from numdiff.ladder import parts

    assert all(hasattr(untyped_passes, name) or hasattr(typed_passes, name) for name in parts.IDLE)
