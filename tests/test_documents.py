"""The documents: what they show is what comes out, and what they name exists.

Outputs are compared line by line. A row of a table agrees if the values lie within the sum of both
bars; every other number may differ a little, as machines and rounding do.
"""

from __future__ import annotations

import contextlib
import io
import math
import re
import shlex
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from scipy.optimize import rosen_der

import numdiff as nd
from numdiff.cli import main

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SH = (
    "pip install . && numdiff gradient scipy.optimize:rosen --at 1.3,0.7,0.8,1.9,1.2",
    'pip install -e ".[test]" && python -m pytest',
)

NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d*)?(?:e[-+]?\d+)?(?![\w])")
ROW = re.compile(r"^(\[[\d, ]*\])?\s*(\S+)\s+\+-\s+(\S+)\s+(\S+)\s*(\w*)$")
# of a report: entry and name, analytic, numerical, its bar, difference, the same in bars, relative
CHECKED = re.compile(r"^(\[[\d, ]*\](?: [a-z][\w ]*?)?)((?:\s+-?[\d.]+(?:e[-+]?\d+)?){6})$")
BAR = re.compile(r"(?:\+-|\bbar) $")  # stands before a bar in a line that is no row of a table
BARS = 10  # by which factor two bars of the same entry may differ
CALLS = 1.5  # the same, of numbers of evaluations


# --- Comparing outputs ---


@dataclass(frozen=True)
class Row:
    """One entry in the table of an estimate."""

    index: str
    value: float
    error: float
    status: str

    def agrees(self, other: Row) -> bool:
        if (self.index, self.status) != (other.index, other.status):
            return False
        if not (math.isfinite(self.error) and math.isfinite(other.error)):
            return str(self.error) == str(other.error)
        near = abs(self.value - other.value) <= self.error + other.error
        return near and bars_agree(self.error, other.error)


def row_of(line):
    found = ROW.match(line.strip())
    return found and Row(found[1] or "", float(found[2]), float(found[3]), found[5])


def checked_agree(shown, got):
    """Rows of reports: values agree within both bars, bars by a factor, differences as values do.

    What is told in bars, and as a part of the analytic value, is a difference as well.
    """
    (index, ours), (other, theirs) = shown, got
    (a, value, bar, gap, bars, part), (a2, value2, bar2, gap2, bars2, part2) = ours, theirs
    near = max(abs(value - value2), abs(gap - gap2), abs(a) * abs(part - part2)) <= bar + bar2
    alike = bars_agree(bar, bar2) and (bars_agree(bars, bars2) or abs(bars - bars2) <= 2.0)
    return index == other and near and alike and numbers_agree(a, a2, calls=False)


def bars_agree(shown, got):
    return shown <= BARS * got and got <= BARS * shown


def checked_of(line):
    found = CHECKED.match(line.strip())
    return found and (found[1], [float(number) for number in found[2].split()])


def numbers_agree(shown, got, *, calls):
    if calls:
        return shown <= CALLS * got and got <= CALLS * shown
    return math.isclose(shown, got, rel_tol=1e-3, abs_tol=1e-6)


def lines_agree(shown, got):
    rows = row_of(shown), row_of(got)
    if all(rows):
        return rows[0].agrees(rows[1])
    checked = checked_of(shown), checked_of(got)
    if all(checked):
        return checked_agree(*checked)
    if NUMBER.sub("#", shown).split() != NUMBER.sub("#", got).split():
        return False
    calls = " evaluation" in shown
    return all(
        bars_agree(float(a[0]), float(b[0]))
        if BAR.search(shown[: a.start()])
        else numbers_agree(float(a[0]), float(b[0]), calls=calls)
        for a, b in zip(NUMBER.finditer(shown), NUMBER.finditer(got), strict=True)
    )


def assert_same(shown, got):
    """Say in which line the outputs differ, and what the document should show."""
    ours, theirs = (text.strip("\n").splitlines() for text in (shown, got))
    assert len(ours) == len(theirs), f"another number of lines; what comes out now is:\n{got}"
    for line, other in zip(ours, theirs, strict=True):
        assert lines_agree(line, other), f"shown {line!r}, but {other!r} comes out of:\n{got}"


TABLE = """\
      value        error    digits  status
[0]   8.00000   +- 2.1e-05       5
[1]  -7.0       +- inf           -  UNRESOLVED
method auto, 21 evaluations of f
[2] rate   -41.36663500994469   -41.3666350099523  7e-12     7.6e-12     1.1      2e-13
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("8.00000", "7.99997"),  # within the sum of the bars
        ("2.1e-05       5", "3.9e-05       5"),
        ("      value        error", " value  error"),
        ("21", "23"),
        ("-7.0", "-6.1"),  # a guess may be any
        ("-41.3666350099523  7e-12     7.6e-12     1.1      2e-13",
         "-41.3666350099497  7e-12     5e-12       0.75     1e-13"),
        ("7.6e-12     1.1 ", "-1e-13     0.01 "),  # differences as values do
    ],
)  # fmt: skip
def test_harmless_differences_pass(old, new):
    assert old in TABLE
    assert_same(TABLE, TABLE.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("8.00000", "8.00005"),
        ("2.1e-05", "2.2e-04"),
        ("2.1e-05", "2.0e-06"),
        ("2.1e-05", "nan"),
        ("inf", "2.1e-05"),
        ("[1]", "[2]"),
        ("UNRESOLVED", "KINK"),
        ("UNRESOLVED", ""),
        ("auto", "central"),
        ("21", "42"),
        ("method auto, 21 evaluations of f\n", ""),
        ("7.6e-12     1.1", "7.6e-11     1.1"),
        ("7.6e-12     1.1", "7.6e-12     11.5"),
        ("2e-13", "2e-12"),
        ("41.3666350099523", "41.3666350099323"),
        ("41.36663500994469", "41.4666"),
        ("  7e-12", "  8e-11"),
        ("[2]", "[3]"),
        ("rate", "base"),
    ],
)
def test_other_differences_fail(old, new):
    assert old in TABLE
    with pytest.raises(AssertionError):
        assert_same(TABLE, TABLE.replace(old, new))


def test_numbers_in_plain_lines_are_compared():
    assert_same("[8. 7.]\n", "[8.0000000000001 7.]\n")
    assert_same("slope 2.5, bar 1e-03\n", "slope 2.5, bar 9e-04\n")
    for wrong in ("slope 2.6, bar 1e-03\n", "slope 2.5, bar 2e-02\n"):
        with pytest.raises(AssertionError):
            assert_same("slope 2.5, bar 1e-03\n", wrong)
    with pytest.raises(AssertionError):
        assert_same("[8. 7.]\n", "[8. 7.1]\n")
    with pytest.raises(AssertionError):
        assert_same("[ True False]\n", "[ True True]\n")


# --- README ---


def blocks(text):
    """Yield the language and the content of every fenced block."""
    for found in re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        yield found[1], found[2]


def output_after(languages, shown, position):
    assert position + 1 < len(languages), "the last block shows no output"
    assert languages[position + 1] == "text", f"block {position} is not followed by its output"
    return shown[position + 1]


LANGUAGES, CONTENTS = zip(*blocks(README), strict=True)


def test_the_commands_are_these_lines_and_no_others():
    commands = [
        content for language, content in zip(LANGUAGES, CONTENTS, strict=True) if language == "sh"
    ]
    assert commands == [f"{command}\n" for command in SH]
    assert CONTENTS[0] == commands[0]


def test_every_output_stands_below_what_makes_it():
    assert set(LANGUAGES) == {"sh", "python", "text"}
    makers = [k for k, language in enumerate(LANGUAGES) if language == "python"]
    assert len(makers) >= 2
    assert [k for k, language in enumerate(LANGUAGES) if language == "text"] == [
        1,
        *(k + 1 for k in makers),
    ]


def test_the_first_command_prints_what_is_shown(capsys):
    words = shlex.split(SH[0].partition("&&")[2])
    assert words[0] == "numdiff"
    assert main(words[1:]) == 0
    got = capsys.readouterr().out
    shown = output_after(LANGUAGES, CONTENTS, 0)
    assert_same(shown, got)
    point = np.array(words[-1].split(","), float)
    rows = [row for row in map(row_of, shown.splitlines()) if row]
    assert len(rows) == point.size
    for row, exact in zip(rows, rosen_der(point), strict=True):
        assert abs(row.value - exact) <= row.error


def test_the_python_blocks_print_what_is_shown():
    names = {}
    for k, (language, code) in enumerate(zip(LANGUAGES, CONTENTS, strict=True)):
        if language == "python":
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                exec(compile(code, f"README.md, block {k}", "exec"), names)
            assert_same(output_after(LANGUAGES, CONTENTS, k), printed.getvalue())


def test_an_example_is_flagged():
    shown = "".join(content for kind, content in zip(LANGUAGES, CONTENTS, strict=True))
    assert "NOT_COMPLEX_SAFE" in shown
    assert "False" in shown


def files_named(text):
    """Yield the targets of links, and what looks like a path in code spans."""
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not re.match(r"https?://", target):
            yield target.partition("#")[0]
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    yield from re.findall(r"`([\w./-]+(?:\.(?:py|md|ipynb|toml|json)|/))`", prose)


def test_files_that_are_named_are_found_in_links_and_code_spans():
    text = "[a](b/c.md) [d](https://e.f/g) `h/i.py` `j/` `k` `x.shape` [l](m.md#n)\n"
    assert list(files_named(text)) == ["b/c.md", "m.md", "h/i.py", "j/"]


@pytest.mark.parametrize("text", [README, CHANGELOG], ids=["README", "CHANGELOG"])
def test_files_that_are_named_exist(text):
    missing = [name for name in files_named(text) if not (ROOT / name).exists()]
    assert not missing


def test_the_readme_names_files():
    assert {"LICENSE", "CHANGELOG.md", "notebooks/01-quickstart.ipynb"} <= set(files_named(README))


# --- Notebooks ---


def executed(path):
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(ROOT)}})
    client.execute()
    return notebook


@cache
def stored(path):
    return nbformat.read(path, as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def printed(cell):
    return "".join(output.text for output in cell.outputs if output.output_type == "stream")


def pictures(cell):
    data = [output.get("data", {}) for output in cell.outputs]
    return [one["image/png"] for one in data if "image/png" in one]


every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def test_the_notebooks_are_numbered_and_the_readme_links_them_in_order():
    assert [path.stem[:3] for path in NOTEBOOKS] == [f"0{k}-" for k in range(1, 7)]
    linked = [name for name in files_named(README) if name.endswith(".ipynb")]
    assert linked == [f"notebooks/{path.name}" for path in NOTEBOOKS]


@every_notebook
@pytest.mark.filterwarnings("default")  # what the kernel's own machinery warns of
def test_a_notebook_runs_and_prints_what_is_stored(path):
    fresh = code_cells(executed(path))
    for cell, again in zip(code_cells(stored(path)), fresh, strict=True):
        assert_same(printed(cell), printed(again))
        assert len(pictures(cell)) == len(pictures(again))


@every_notebook
def test_a_notebook_is_stored_with_its_outputs(path):
    cells = code_cells(stored(path))
    assert all(cell.execution_count == k for k, cell in enumerate(cells, start=1))
    assert all(cell.outputs for cell in cells if re.search(r"print\(|plt\.show", cell.source))
    assert any(printed(cell) for cell in cells)
    assert sum(len(pictures(cell)) for cell in cells) >= 3
    outputs = [output for cell in cells for output in cell.outputs]
    assert {output.output_type for output in outputs} <= {"stream", "display_data"}
    assert {output.get("name", "stdout") for output in outputs} == {"stdout"}


@every_notebook
def test_a_notebook_is_small_and_names_no_place(path):
    text = path.read_text(encoding="utf-8")
    assert len(text) < 300_000
    assert places(re.sub(r'"image/png": "[^"]*"', "", text)) == []


def places(text):
    """Return what looks like an absolute path."""
    return re.findall(r"(?<![\w.:/])(?:/(?:[\w.-]+/)+|[A-Za-z]:\\+\w)", text)


def test_places_are_recognised():
    assert places('"/usr/lib/x.py", C:\\\\Users') == ["/usr/lib/", "C:\\\\U"]
    assert places("https://a.org/b/c, k x^(k-1) / (k+1)!, a/b/c") == []


# --- Versions ---


def test_the_oldest_dependencies_are_those_that_are_allowed():
    allowed = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    held = (ROOT / ".github" / "oldest.txt").read_text().splitlines()
    oldest = dict(line.split("==") for line in held if "==" in line)
    assert {name: ".".join(version.split(".")[:2]) for name, version in oldest.items()} == dict(
        dependency.split(">=") for dependency in allowed
    )


def test_the_citation_is_of_this_version():
    assert f"version: {nd.__version__}\n" in (ROOT / "CITATION.cff").read_text()
