"""The rules of the house: layers, budgets, public names, and what must not be imported."""

import ast
import doctest
import importlib
import io
import re
import subprocess
import sys
import tokenize
from collections import Counter
from pathlib import Path
from types import FunctionType

import pytest
from importlinter.cli import lint_imports

import numdiff
from tests.conftest import INTERPRETED

PACKAGE = Path(numdiff.__file__).parent
PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"
MODULES = sorted(PACKAGE.rglob("*.py"))

LINES_PER_FUNCTION = 40
LINES_PER_MODULE = 400
# code lines that a room may have; what stands beside the rooms is one of them
LINES = {
    "": 2707,
    "abreast": 714,
    "coloring": 546,
    "compare": 367,
    "compressed": 704,
    "drivers": 1428,
    "engine": 1023,
    "evaluation": 1484,
    "geometry": 161,
    "ladder": 2823,
    "model": 559,
    "native": 362,
    "noise": 250,
    "nonsmooth": 952,
    "paths": 656,
    "plot": 821,
    "regression": 522,
    "verify": 2379,
}
POSITIONAL = 6
COMPLEXITY = 10
COMPLEXITY_OF_KERNELS = 15
CALLERS_OF_F = ("evaluation", "native", "compare")  # there, other libraries do

DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
DECISIONS = (
    ast.If,
    ast.IfExp,
    ast.For,
    ast.While,
    ast.ExceptHandler,
    ast.match_case,
    ast.comprehension,
)
MUTABLE = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
BLANK = (
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
)


def code_lines(source):
    """Return the numbers of the lines that hold code: no docstring, comment or blank line."""
    lines = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in BLANK:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            lines.difference_update(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    return lines


def functions(source):
    return [node for node in ast.walk(ast.parse(source)) if isinstance(node, FUNCTIONS)]


def function_lengths(source):
    lines = code_lines(source)
    return {
        node.name: sum(node.lineno <= line <= node.end_lineno for line in lines)
        for node in functions(source)
    }


def positional_parameters(source):
    """Return how many parameters of each function can be given by position, self left out."""
    counts = {}
    for node in functions(source):
        names = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args)]
        counts[node.name] = len(names) - (names[:1] in (["self"], ["cls"]))
    return counts


def complexities(source):
    """Return McCabe's number of each function; a nested one also counts for the outer one."""
    return {
        node.name: 1 + sum(isinstance(part, DECISIONS) for part in ast.walk(node))
        for node in functions(source)
    }


def calls_of(name, source):
    """Return the lines on which something of this name, plain or an attribute, is called."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            called = getattr(node.func, "id", getattr(node.func, "attr", None))
            found += [node.lineno] * (called == name)
    return found


def mutable_globals(source):
    assignments = (ast.Assign, ast.AnnAssign, ast.AugAssign)
    return [
        node.lineno
        for node in ast.parse(source).body
        if isinstance(node, assignments)
        and isinstance(node.value, MUTABLE)
        and "__all__" not in ast.unparse(node).partition("=")[0]
    ]


def uses_fastmath(source):
    names = tokenize.generate_tokens(io.StringIO(source).readline)
    return any(token.type == tokenize.NAME and token.string == "fastmath" for token in names)


def dotted(path):
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def is_kernel(path):
    return any(
        mark in path.read_text()
        for mark in ("\n@kernel\n", "\n@inlined\n", "\n@allocating\n", "\n@stands_in(")
    )


def room_of(path):
    """The folder of a module, or its own name where it stands beside the rooms."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def over(counts, limit):
    return {name: count for name, count in counts.items() if count > limit}


every_module = pytest.mark.parametrize("path", MODULES, ids=dotted)


@every_module
def test_functions_are_short(path):
    assert not over(function_lengths(path.read_text()), LINES_PER_FUNCTION)


@every_module
def test_modules_are_short(path):
    assert len(code_lines(path.read_text())) <= LINES_PER_MODULE


def test_rooms_are_small():
    lines = Counter()
    for path in MODULES:
        room = "" if path.parent == PACKAGE else room_of(path)
        lines[room] += len(code_lines(path.read_text()))
    assert set(lines) == set(LINES)
    assert not {room: count for room, count in lines.items() if count > LINES[room]}


@every_module
def test_functions_take_few_positional_parameters(path):
    if not is_kernel(path):
        assert not over(positional_parameters(path.read_text()), POSITIONAL)


@every_module
def test_functions_are_not_complex(path):
    limit = COMPLEXITY_OF_KERNELS if is_kernel(path) else COMPLEXITY
    assert not over(complexities(path.read_text()), limit)


@every_module
def test_only_evaluators_call_f(path):
    if room_of(path) not in CALLERS_OF_F:
        assert not calls_of("f", path.read_text())


@every_module
def test_nothing_is_mutable_at_module_level(path):
    assert not mutable_globals(path.read_text())


@every_module
def test_fastmath_never_appears(path):
    assert not uses_fastmath(path.read_text())


OFFENCE = '''
"""A module that breaks every rule."""
table = {}
__all__ = ["outer"]
pair: list[int] = [1, 2]

@njit(fastmath=True)
def outer(self, a, b, /, c, *, d=None):
    """Two

    lines."""

    # a comment
    text = """two
    lines"""
    for i in a if b else c:
        try:
            f(i)
        except ValueError:
            self.f(
                i,
            )
    return [j for j in text]

def empty():
    """Nothing."""
'''


def test_the_measures_see_offences():
    assert function_lengths(OFFENCE) == {"outer": 11, "empty": 1}
    assert len(code_lines(OFFENCE)) == 16
    assert positional_parameters(OFFENCE) == {"outer": 3, "empty": 0}
    assert complexities(OFFENCE) == {"outer": 5, "empty": 1}
    assert calls_of("f", OFFENCE) == [18, 20]
    assert mutable_globals(OFFENCE) == [3, 5]
    assert uses_fastmath(OFFENCE)
    assert not uses_fastmath("# fastmath folds (x + h) - x")
    assert over({"a": 2, "b": 3}, 2) == {"b": 3}


def test_layers():
    assert lint_imports(config_filename=str(PYPROJECT), no_cache=True) == 0


def test_parts_load_when_they_are_asked_for():
    code = "import numdiff as nd; nd.native.gradient, nd.verify.gradient; import sys; "
    code += "print([name in sys.modules for name in ('numba', 'scipy')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[False, False]\n"


PUBLIC_NAMES = """
    Differentiable Estimate FlaggedError FlaggedWarning LocalModel NoiseEstimate Status Stencil
    derivative gradient hessian hessian_diagonal hvp jacobian jvp local_model native noise_level
    plot propagate sparse verify
"""
PUBLIC = PUBLIC_NAMES.split()


def test_public_names():
    assert numdiff.__all__ == PUBLIC
    assert sorted(dir(numdiff)) == sorted([*PUBLIC, "__version__"])
    assert all(hasattr(numdiff, name) for name in numdiff.__all__ if name != "plot")


def modules_after(statement):
    command = f"import sys; {statement}; print(*sys.modules)"
    return set(subprocess.check_output([sys.executable, "-c", command], text=True).split())


def test_import_brings_in_neither_numba_nor_scipy():
    assert not modules_after("import numdiff") & {"numba", "scipy", "matplotlib"}
    assert modules_after("import numba") & {"numba", "scipy", "matplotlib"}


@every_module
def test_examples_run(path):
    if INTERPRETED and room_of(path) == "native":
        pytest.skip("the examples compile functions, which Numba is told not to do")
    if path.stem == "__main__":
        return
    module = importlib.import_module(dotted(path))
    assert doctest.testmod(module).failed == 0
    runner = doctest.DocTestRunner()
    for name, thing in list(vars(module).items()):
        if not hasattr(thing, "__signature__"):  # spelled out, so that doctest does not find it
            continue
        if isinstance(thing, FunctionType) and getattr(thing, "__module__", "") == module.__name__:
            runner.run(
                doctest.DocTestParser().get_doctest(thing.__doc__, vars(module), name, "", 0)
            )
    assert runner.failures == 0


# --- Tests and benchmarks ---

OF_BENCHMARKS = {"test_benchmarks.py", "test_results.py", "test_trust.py", "test_verify_rates.py"}


def test_only_tests_of_benchmarks_import_them():
    """What both need stands in `tests.measuring` and `tests.corpus`."""
    importing = re.compile(r"^\s*(from|import) benchmarks\b", re.MULTILINE)
    files = Path(__file__).parent.rglob("*.py")
    assert {path.name for path in files if importing.search(path.read_text())} == OF_BENCHMARKS
