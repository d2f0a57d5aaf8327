"""All benchmarks run, what they print is kept, and README's figures are those of the results."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest

import benchmarks.__main__ as command_line
from benchmarks.__main__ import COMMANDS, Command, main
from benchmarks.ablate import replaced, times
from benchmarks.pictures import PICTURES, draw, number
from benchmarks.readme import FIGURES, MARKED, markdown, written
from benchmarks.recording import RESULTS, load, recorded, save, saved
from benchmarks.report import table
from benchmarks.results import page
from benchmarks.timing import Rounds, in_rounds
from numdiff.ladder import answer, decide, noise
from tests.corpus.third_party import SOURCES, WRONG, missing_of, problems
from tests.measuring.constants import constants_of

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SMOKE = [command for command in COMMANDS if command.quick is not None]
NAMES = {
    *("ablate", "accuracy", "compare", "hessian", "many", "native", "noise", "optimise", "rules"),
    *("same", "scale", "sparse", "speed", "start", "third-party", "trust", "verify"),
    "work-precision",
}


# --- README ---


def test_readme_shows_the_figures_of_the_results():
    assert written(README) == README, "python -m benchmarks readme"


def test_all_figures_have_their_place():
    assert {found["name"] for found in MARKED.finditer(README)} == set(FIGURES)


@pytest.mark.parametrize("name", FIGURES)
def test_a_changed_figure_is_seen(name):
    (text,) = (found["text"] for found in MARKED.finditer(README) if found["name"] == name)
    cells = text.splitlines()[2].split("|")
    changed = "|".join([*cells[:2], " 99.9 ", *cells[3:]])
    other = README.replace(text, text.replace(text.splitlines()[2], changed))
    assert other != README
    assert written(other) == README


def test_a_markdown_table():
    assert markdown([["", "a"], ["x", "1"]]) == "| | a |\n|---|---|\n| x | 1 |\n"


# --- Results that are kept ---


def test_the_page_of_results_is_that_of_the_files():
    results = [load(name) for name in saved()]
    assert page(results, RESULTS) == (RESULTS / "README.md").read_text(encoding="utf-8")
    assert {"accuracy", "verify", "work-precision"} <= set(saved()) <= NAMES


@pytest.mark.parametrize("name", saved())
def test_results_tell_where_and_when_and_name_no_place(name):
    result = load(name)
    assert {"date", "machine", "seed", "versions"} <= set(result.about)
    assert {"python", "numdiff", "numpy", "scipy"} <= set(result.about["versions"])
    assert result.text
    assert result.tables or name == "compare"  # whose table is not ours
    assert "/tmp" not in (RESULTS / f"{name}.json").read_text(encoding="utf-8")


def test_results_are_small():
    assert sum(path.stat().st_size for path in RESULTS.iterdir()) < 2e6


def test_what_is_printed_is_kept(tmp_path, capsys):
    def act():
        sys.stdout.write(f"a title\n\n{table([['', 'n'], ['x', '1']])}\n")
        return 3

    code, result = recorded("trial", ["--n", "1"], act)
    assert code == 3
    assert capsys.readouterr().out.startswith("a title")
    assert result.tables == [[["", "n"], ["x", "1"]]]
    assert result.table("n")[1] == ["x", "1"]
    save(result, tmp_path)
    assert load("trial", tmp_path) == result
    shown = page([result], tmp_path)
    assert "python -m benchmarks trial --n 1" in shown
    assert "x  1" in shown
    assert "png" not in shown
    assert table([["b"]])  # nobody records any more
    assert len(result.tables) == 1


@pytest.mark.parametrize("name", [name for name in PICTURES if name in saved()])
def test_pictures_are_drawn_from_the_tables(name, tmp_path):
    path = draw(load(name), tmp_path)
    assert path.read_bytes().startswith(b"\x89PNG")
    assert (RESULTS / path.name).exists()


def test_a_result_without_a_picture(tmp_path):
    _, result = recorded("trial", [], lambda: 0)
    assert draw(result, tmp_path) is None


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("1,234", 1234.0),
        ("12.5%", 0.125),
        ("3.1 (2 to 4)", 3.1),
        ("-", math.nan),
        ("inf", math.inf),
    ],
)
def test_cells_are_read(cell, expected):
    assert number(cell) == pytest.approx(expected, nan_ok=True)


# --- Running them ---


def test_all_names_are_there():
    assert {command.name for command in COMMANDS} - {"readme", "results"} >= NAMES


@pytest.mark.parametrize("command", SMOKE, ids=lambda command: command.name)
def test_the_smallest_sample_of_each_runs(command, capfd):
    assert main([command.name, "--quick"]) == 0
    printed = capfd.readouterr().out
    assert len(printed.splitlines()) > 2


def test_all_are_run_and_failures_are_told(monkeypatch, capsys):
    commands = (
        Command("compare", "benchmarks.compare", "", "math:exp --at 1 --tools 3-point"),
        Command("scale", "benchmarks.scale", "", "--n 1 --workers 2 --spread nan"),
        Command("same", "benchmarks.same", "not among all"),
    )
    monkeypatch.setattr(command_line, "COMMANDS", commands)
    assert main(["--quick"]) == 1
    told = capsys.readouterr()
    assert "derivative of exp" in told.out
    assert "1 of 2: compare" in told.err
    assert told.err.splitlines()[-1] == "failed: scale"


def test_a_peer_that_is_absent_is_named(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "findiff", None)
    assert main(["noise", "--limit", "1", "--tool", "findiff", "3-point"]) == 0
    assert "findiff is left out" in capsys.readouterr().out


# --- What they measure ---


def test_rounds_have_medians_and_ratios():
    rounds = Rounds({"a": [1.0, 2.0, 9.0], "b": [1.0, 1.0, 3.0]})
    assert rounds.medians() == {"a": 2.0, "b": 1.0}
    assert rounds.ratio("a", "b").median == 2.0
    assert (rounds.ratio("a", "b").low, rounds.ratio("a", "b").high) == (1.5, 2.5)
    assert (rounds.more("a", "b").median, rounds.more("a", "b").high) == (1.0, 3.5)
    assert len(in_rounds({"x": lambda: None}, rounds=3)["x"]) == 3


def test_a_constant_is_replaced_wherever_it_was_imported():
    (constant,) = (one for one in constants_of() if one.label == "ladder.noise.CLEARLY")
    with replaced(constant, 7.0):
        assert noise.CLEARLY == decide.CLEARLY == answer.CLEARLY == 7.0
    assert noise.CLEARLY == decide.CLEARLY == answer.CLEARLY == constant.value


def test_whole_constants_stay_whole():
    by_label = {one.label: one for one in constants_of()}
    assert times(by_label["ladder.decide.DEPTH"], 0.25) == 2
    assert isinstance(times(by_label["ladder.decide.DEPTH"], 0.25), int)
    sigmas = by_label["ladder.tableau.SIGMAS"]
    assert times(sigmas, 4.0) == pytest.approx(4.0 * sigmas.value)


def test_ablation_sees_what_a_constant_does(capsys):
    assert main(["ablate", "--name", "SIGMAS", "MOST_SHRINKS", "--limit", "5"]) == 0
    printed = capsys.readouterr().out
    lines = [line.split() for line in printed.splitlines()]
    rows = {tuple(words[:2]): words[2] for words in lines if len(words) > 3}
    assert int(rows["ladder.tableau.SIGMAS", "4"]) > 0
    assert rows["ladder.window.MOST_SHRINKS", "4"] == "0"


# --- Derivatives that others wrote ---


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.filterwarnings("ignore")
def test_problems_of_others_have_derivatives_of_the_right_shape(source):
    if missing_of(source):
        pytest.skip(f"{missing_of(source)} is not installed")
    found = problems(source)
    assert len(found) >= 5
    for problem in found[:20]:
        assert np.shape(problem.gradient(problem.x)) == problem.x.shape, problem.name
        if problem.hessian:
            assert np.shape(problem.hessian(problem.x)) == problem.x.shape * 2, problem.name


@pytest.mark.parametrize(("name", "kind"), WRONG)
@pytest.mark.filterwarnings("ignore")
def test_what_is_called_wrong_contradicts_its_own_gradient(name, kind):
    assert kind == "hessian"
    source = name.partition(" ")[0]
    if missing_of(source):
        pytest.skip(f"{missing_of(source)} is not installed")
    (problem,) = (one for one in problems(source) if one.name == name)
    step = 1e-5 * np.eye(problem.x.size)
    slopes = [
        (problem.gradient(problem.x + h) - problem.gradient(problem.x - h)) / 2e-5 for h in step
    ]
    assert np.abs(np.array(slopes) / problem.hessian(problem.x) - 1).max() > 0.01


def test_results_are_strict_json():
    for path in RESULTS.glob("*.json"):
        json.loads(path.read_text(encoding="utf-8"), parse_constant=pytest.fail)
