"""What type checkers and editors see of the public face."""

import inspect
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

import numdiff as nd
from numdiff import signatures
from numdiff.evaluation.asking import ASKING
from numdiff.methods import METHODS
from numdiff.native import operators as native
from numdiff.options import READERS
from numdiff.rules import RULES
from numdiff.signatures import DEFAULTS, MEANINGS, Asserting, Checking, Operating, Sparsely
from numdiff.verify import asserts, checks

GOOD = """
import numpy as np
from numpy.typing import NDArray

import numdiff as nd


def f(x: NDArray[np.float64]) -> float:
    return float(np.sum(x**2))


x: NDArray[np.float64] = np.array([1.0, 2.0])
found = nd.gradient(f, x, method="central", step=1e-3, bounds=[(0, None), (0, 3)], on_flag="warn")
value: NDArray[np.float64] = found.value
number: float = float(found[0]) + round(float(found.error.max()), 3)
x = x - 0.1 * found
names: tuple[str, ...] = nd.hessian(f, {"a": 1.0, "b": x}, grad=None, kwargs={}).names
stencil = nd.Stencil.central(1, 4)
nd.derivative(np.sin, 1.0, order=2, method=stencil, args=3.0)
report = nd.verify.gradient(f, lambda x: 2 * x, x, n_points=2, rtol=1e-5)
verdict: str = report.verdict
nd.verify.assert_gradient(f, lambda x: 2 * x, x, inconclusive="warn")
compiled = nd.native.gradient(f, method="forward", step="textbook")
model: nd.LocalModel = nd.local_model(f, x)
fun = nd.Differentiable(f, bounds=[(0, None), (0, 3)], on_flag="keep", noise=1e-6)
bar: NDArray[np.float64] = fun.gradient(x) + fun.estimate.error
try:
    nd.jacobian(f, x, on_flag="raise")
except nd.FlaggedError as flagged:
    estimate: nd.Estimate = flagged.estimate
"""
WRONG = {
    'nd.gradient(f, x, method="centrel")': "arg-type",
    'nd.gradient(f, x, step="small")': "arg-type",
    "nd.gradient(f, x, stpe=1e-3)": "call-arg",
    'nd.gradient(f, x, "central")': "call-arg",
    'nd.gradient(f, x, on_flag="stop")': "arg-type",
    "nd.Differentiable(f, step=1e-3)": "call-arg",
    "nd.gradient(f, x).valeu": "attr-defined",
    "nd.Stencil.centrel(1)": "attr-defined",
    "nd.verify.gradeint(f, f, x)": "attr-defined",
    'nd.native.gradient(f, method="centrel")': "arg-type",
    'nd.verify.assert_gradient(f, f, x, inconclusive="hide")': "arg-type",
    "nd.anything": "attr-defined",
}


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    """What mypy --strict says of a user's script, by line."""
    script = tmp_path_factory.mktemp("typing") / "script.py"
    script.write_text(GOOD + "\n".join(WRONG) + "\n")
    command = [sys.executable, "-m", "mypy", "--strict", str(script)]  # what it learns it keeps
    root = Path(nd.__file__).parents[1]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=root)
    lines = [line for line in done.stdout.splitlines() if "script.py:" in line]
    assert lines, done.stdout + done.stderr
    return [(int(line.split(":")[1]), line) for line in lines if ": error:" in line]


def test_a_users_script_passes_mypy_strict(checked):
    last = GOOD.count("\n")
    assert [line for number, line in checked if number <= last] == []


@pytest.mark.parametrize("k", range(len(WRONG)), ids=list(WRONG))
def test_what_is_wrong_is_an_error(checked, k):
    number = GOOD.count("\n") + 1 + k
    kinds = [line for at, line in checked if at == number]
    assert any(f"[{list(WRONG.values())[k]}]" in line for line in kinds), kinds


OPERATORS = [nd.derivative, nd.gradient, nd.jacobian, nd.hessian, nd.hessian_diagonal, nd.jvp,
             nd.hvp]  # fmt: skip
KINDS = ("gradient", "jacobian", "hessian", "jvp", "vjp", "hvp")
CHECKS = [getattr(checks, kind) for kind in KINDS]
ASSERTS = [getattr(asserts, f"assert_{kind}") for kind in KINDS]
NATIVE = [native.derivative, native.gradient, native.jacobian, native.hessian]


def options_of(function):
    parameters = inspect.signature(function).parameters.values()
    return {one.name: one for one in parameters if one.kind is one.KEYWORD_ONLY}


@pytest.mark.parametrize(
    ("function", "kind"),
    [*((one, Operating) for one in OPERATORS), *((one, Checking) for one in CHECKS),
     *((one, Asserting) for one in ASSERTS),
     *((one, signatures.Differences) for one in NATIVE),
     (nd.noise_level, signatures.Measuring), (nd.sparse.detect, signatures.Detecting),
     (nd.sparse.check, signatures.Detecting), (nd.local_model, signatures.Settings),
     (nd.Differentiable, signatures.Following)],
)  # fmt: skip
def test_every_option_is_spelled_out_and_explained(function, kind):
    options = options_of(function)
    assert set(kind.__annotations__) <= set(options)
    parameters = inspect.signature(function).parameters.values()
    assert not any(one.kind is one.VAR_KEYWORD for one in parameters)
    for name, option in options.items():
        assert f"\n    {name} : " in function.__doc__
        if name in DEFAULTS and (name, option.default) not in signatures.OTHERWISE:
            assert option.default == DEFAULTS[name]
    if "method" in options:
        assert "Literal" in options["method"].annotation
    assert "As in `derivative`" not in function.__doc__


def test_the_tables_of_options_agree():
    every = set(Asserting.__annotations__) | set(Sparsely.__annotations__)
    assert every == set(DEFAULTS) == set(MEANINGS) - set(signatures.OTHERWISE.values())
    assert set(Operating.__annotations__) == set(READERS) | ASKING | {"method", "step"}


def test_the_literals_are_the_names_of_methods_and_rules():
    spaces = {**vars(signatures), "Stencil": nd.Stencil, "Numbers": float}
    method, step = (
        eval(signatures.Differences.__annotations__[name].__forward_arg__, spaces)
        for name in ("method", "step")
    )
    assert set(get_args(get_args(method)[0])) == set(METHODS)
    assert set(get_args(get_args(step)[0])) == set(RULES)


@pytest.mark.parametrize("word", ["met", "max_", "on_fl"])
def test_options_complete_at_the_prompt(word):
    completer = pytest.importorskip("IPython.core.completer")
    shell = pytest.importorskip("IPython.core.interactiveshell").InteractiveShell.instance()
    shell.user_ns["nd"] = nd
    text = f"nd.gradient(f, x, {word}"
    with completer.provisionalcompleter():
        found = [one.text for one in shell.Completer.completions(text, len(text))]
    assert any(one.startswith(word) and one.endswith("=") for one in found), found


def test_the_help_of_the_package_tells_what_is_compiled_when_and_what_not_to_install():
    assert "NUMBA_CACHE_DIR" in nd.__doc__
    assert "PyPI's ``numdiff`` is another project" in nd.__doc__.replace("\n", " ")
    readme = (Path(nd.__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    assert "NUMBA_CACHE_DIR" in readme
    assert "numdiff` is another project" in readme


def test_import_says_so_where_another_project_was_installed_over_it(tmp_path):
    copied = tmp_path / "numdiff"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(nd.__file__).parent, copied, ignore=ignored)
    command = [sys.executable, "-P", "-c", "import numdiff"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    for files, said in (((), False), (("__about__.py",), True)):
        for name in files:
            (copied / name).write_text("")
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
        assert ("another project" in done.stderr) == said
