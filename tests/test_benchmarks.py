"""The benchmarks' figures mean what they are said to mean: shown on cases made by hand."""

import json
import math
import re
from pathlib import Path
from time import sleep

import numpy as np
import pytest
from numba import njit

from benchmarks.__main__ import COMMANDS, main
from benchmarks.accuracy import PARTS, tool_table
from benchmarks.failures import failures
from benchmarks.native import CONTENDERS, Case, by_hand, chain, targets_of, times
from benchmarks.report import shown, table, verdict
from benchmarks.timing import Slow, in_rounds, in_turns
from benchmarks.trust import Verdict, verdict_of
from numdiff.rules import RULES
from tests.corpus.families import Instance, instances
from tests.measuring.cases import Answer, Task, every_kth, outcome_of
from tests.measuring.metrics import (
    COLUMNS,
    COLUMNS_OF_ARRAYS,
    Outcome,
    Target,
    covers,
    digits,
    figures,
    lies,
)

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
nan, inf = math.nan, math.inf


def outcome(value, error, exact=1.0, *, flagged=False, calls=10, directions=1, case="case"):
    exact = np.atleast_1d(np.asarray(exact, float))
    value, error = (np.broadcast_to(np.asarray(a, float), exact.shape) for a in (value, error))
    flagged = np.broadcast_to(flagged, exact.shape)
    return Outcome("tool", case, "kind", "0.0", exact, value, error, flagged, calls, directions)


@pytest.mark.parametrize(
    ("true_error", "size", "expected"),
    [
        (1e-9, 1.0, 9.0),
        (1e-9, 1e3, 12.0),
        (1e-9, -1e3, 12.0),
        (1e-9, 0.0, 9.0),  # absolute where the truth is 0
        (0.0, 1.0, 17.0),
        (0.0, 0.0, 17.0),
        (1e-30, 1.0, 17.0),
        (1e9, 1.0, -2.0),
        (1e300, 1e-300, -2.0),
        (1e-300, 1e300, 17.0),
        (inf, 1.0, nan),
        (nan, 1.0, nan),
    ],
)
def test_digits(true_error, size, expected):
    assert digits(true_error, size) == pytest.approx(expected, nan_ok=True)


def test_digits_of_an_array_are_those_of_the_max_norm():
    wrong_where_small = outcome([1000.0, 2e-3], 0.0, exact=[1000.0, 1e-3])
    assert wrong_where_small.digits == pytest.approx(6.0)
    assert math.isnan(outcome([1.0, nan], 0.0, exact=[1.0, 1.0]).digits)


def test_an_error_equal_to_the_bar_is_covered():
    true = np.array([0.0, 1.0, 1.0, 1.0, 1.0])
    error = np.array([0.0, 1.0, 0.99, inf, nan])
    assert covers(true, error).tolist() == [True, True, False, True, False]


def test_a_lie_is_an_error_above_ten_bars_that_is_not_flagged():
    true = np.array([10.0, 10.1, 10.1, 1e-300, 0.0, 1.0, 1.0])
    error = np.array([1.0, 1.0, 1.0, 0.0, 0.0, inf, nan])
    flagged = np.array([False, False, True, False, False, False, False])
    assert lies(true, error, flagged).tolist() == [False, True, False, True, False, False, False]


@pytest.mark.parametrize(
    ("value", "flagged", "silent"),
    [
        (1.0 + 1.1e-4, False, True),
        (1.0 + 0.9e-4, False, False),
        (1.0 + 1.1e-4, True, False),
        (nan, False, False),  # no answer is not a wrong one
        (inf, False, False),
    ],
)
def test_a_silent_failure_has_fewer_than_four_digits_and_no_flag(value, flagged, silent):
    assert outcome(value, inf, flagged=flagged).silent is silent


def test_a_truth_of_zero_is_judged_by_the_absolute_error():
    assert outcome(1e-3, 1.0, exact=0.0).silent
    assert not outcome(1e-5, 1.0, exact=0.0).silent


BAD_BAR = outcome(1.0 + 3e-6, 1e-6, calls=8)
LYING = outcome(1.0 + 1e-3, 1e-6, calls=12, case="lying")
LOOSE = outcome(1.0 + 1e-8, 1e-4, calls=13)
FLAGGED = outcome(2.0, inf, flagged=True, calls=15)
SILENCE = outcome(nan, inf, flagged=True, calls=1000)


def test_figures_of_many_outcomes():
    found = figures(COLUMNS, [BAD_BAR, LYING, LOOSE, FLAGGED, SILENCE])
    assert found == pytest.approx(
        {
            "median digits": (5.523 + 3) / 2,
            "10 % digits": 0.9,  # 0, 3, 5.5, 8
            "cover": 2 / 4,  # of those with an answer
            "lies": 1,
            "silent": 1,
            "no answer": 1,
            "flagged": 2 / 5,
            "est/true": 1 / 3,  # 1e-3, 1/3, 1e4
            "evals": 12,  # the calls of what was not answered do not count
        },
        rel=1e-3,
    )


def test_figures_of_arrays():
    whole = outcome([1.0, 2.0 + 1e-9], 1e-8, exact=[1.0, 2.0], calls=30, directions=2)
    part = outcome([1.0, 2.1, 3.0], [0.0, 1e-3, 0.0], exact=[1, 2, 3], calls=60, directions=3)
    found = figures(COLUMNS_OF_ARRAYS, [whole, part])
    assert found["cover"] == pytest.approx(4 / 5)
    assert found["cover whole"] == pytest.approx(1 / 2)
    assert found["lies"] == 1
    assert found["evals"] == pytest.approx(17.5)


def test_a_tool_without_error_bars_neither_covers_nor_lies():
    found = figures(COLUMNS_OF_ARRAYS, [outcome(1.5, nan)])
    assert all(math.isnan(found[title]) for title in ("cover", "cover whole", "lies", "est/true"))
    assert found["silent"] == 1


def test_figures_of_nothing():
    found = figures(COLUMNS, [])
    assert math.isnan(found["median digits"])
    assert math.isnan(found["evals"])


def test_failures_come_once_each_and_worst_first():
    worse = outcome(1.0 + 1e-2, 1e-6, case="worse")
    many = [FLAGGED, BAD_BAR, SILENCE, LYING, worse, outcome(1.0, 0.0)]
    assert [(failure.name, found) for failure, found in failures(many)] == [
        ("lie", worse),
        ("lie", LYING),
        ("no answer", SILENCE),
        ("not covered", BAD_BAR),
        ("flagged", FLAGGED),
    ]


def task(f, x, exact):
    return Task("case", "kind", "x", f, x, np.asarray(exact, float), 1)


def test_calls_are_counted_and_a_scalar_f_gets_a_numpy_float():
    kinds = []

    def call(f, x):
        points = (x, np.array(x), np.array([x]))
        return Answer(sum(f(point) for point in points))

    found = outcome_of("tool", call, task(lambda x: kinds.append(type(x)) or x, 2.0, 6.0))
    assert kinds == [np.float64] * 3
    assert (found.calls, found.value.tolist(), found.digits) == (3, [6.0], 17.0)
    assert np.isnan(found.error).all()


def test_a_tool_that_raises_has_no_answer():
    def call(f, x):
        raise ZeroDivisionError("too bad")

    found = outcome_of("tool", call, task(np.sum, np.ones(3), np.ones(3)))
    assert not found.answered.any()
    assert not found.silent
    assert not found.lies.any()
    assert found.note == "ZeroDivisionError: too bad"


@pytest.mark.parametrize(
    ("limit", "expected"), [(None, range(10)), (20, range(10)), (3, [0, 3, 6]), (4, [0, 2, 5, 7])]
)
def test_every_kth(limit, expected):
    assert every_kth(range(10), limit) == list(expected)


def test_every_part_has_tasks_and_a_target_for_known_columns():
    for part in PARTS.values():
        found = next(part.tasks("tune"))
        assert found.exact.shape in (np.shape(found.x), np.shape(found.x) * 2)
        assert {*part.must, *part.must_by_category} <= {column.title for column in part.columns}


def test_targets():
    assert str(Target(low=14)) == ">= 14"
    assert str(Target(high=0.5)) == "<= 0.5"
    assert str(Target(2, 8)) == "2 to 8"
    assert str(Target(0, 0)) == "0"
    assert verdict(Target(2, 8), 8) == "yes"
    assert verdict(Target(2, 8), 8.1) == "NO"
    assert verdict(Target(2, 8), nan) == verdict(None, 1.0) == "-"


def test_figures_are_written_without_negative_zeros():
    assert [shown(x, ".1f") for x in (-0.01, -0.3, nan, 2.0)] == ["0.0", "-0.3", "-", "2.0"]


def test_tables_are_aligned():
    assert table([["", "a"], ["row", "100"]]) == "       a\n--------\nrow  100"


def test_the_table_says_whether_targets_are_met():
    lines = tool_table(PARTS["1"], {"numdiff": [outcome(1.0, 0.0)]}).splitlines()
    assert lines[-2].split()[:4] == ["numdiff", "must", ">=", "14"]
    assert lines[-1].split()[:2] == ["met", "yes"]


def test_timing_calls_everyone_and_returns_medians():
    seconds = iter([3.0, 1.0, 2.0])
    turns = {"a": Slow(lambda: next(seconds), turns=3), "b": Slow(lambda: 5.0, turns=1)}
    found = in_turns(turns)
    assert found == {"a": [3.0, 1.0, 2.0], "b": [5.0]}
    assert found.medians() == {"a": 2.0, "b": 5.0}
    calls = []
    times = in_rounds({name: lambda name=name: calls.append(name) for name in "ab"}, rounds=2)
    assert set(times) == set(calls) == {"a", "b"}


def test_times_of_short_and_long_calls():
    found = times({"short": lambda: None, "long": lambda: sleep(0.03)})
    assert 0 < found["short"] < 0.03 <= found["long"]


def test_the_loop_by_hand_differentiates():
    x = np.array([0.5, 1.5])
    found = by_hand(njit(lambda x: x[0] ** 2 * x[1]))(x)
    assert found == pytest.approx([1.5, 0.25])
    chain(x, found)
    assert found == pytest.approx([math.sin(0.5) * 1.5, math.sin(1.5) * 0.5])


def native_case(n, bare, **seconds):
    seconds = dict.fromkeys(CONTENDERS, 1.0) | seconds
    return Case(bare, n, bare, seconds, dict.fromkeys(CONTENDERS, 10))


def test_targets_of_compiled_functions():
    assert native_case(1, 0.1).ratio("nd") == 1.0
    assert list(targets_of(native_case(1, 1e-6))) == []
    close = native_case(10, 2e-6, **{"by hand": 1.0, "native, step": 1.0 + 1.5e-6})
    assert [row.target.met(row.figure) for row in targets_of(close)] == [True, True]
    far = native_case(10, 2e-6, **{"by hand": 1e-6, "native, step": 3.5e-6})
    assert [row.target.met(row.figure) for row in targets_of(far)] == [False, False]
    allowed = 1.5 * 10 * 1e-6 + 120e-6
    within = native_case(100, 1e-6, nd=0.99 * allowed, numdifftools=19 * allowed)
    assert [row.target.met(row.figure) for row in targets_of(within)] == [True, False]


def test_commands_are_listed(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    printed = capsys.readouterr().out
    assert all(command.name in printed for command in COMMANDS)


def test_accuracy_from_end_to_end(tmp_path, capfd):
    file = tmp_path / "rows.json"
    options = ["--tool", "3-point", "--part", "1", "gradient", "--limit", "4", "--list"]
    assert main(["accuracy", *options, "--json", str(file)]) == 0
    printed = capfd.readouterr().out
    assert "First derivatives: 4 of" in printed
    content = json.loads(file.read_text())
    assert [row["part"] for row in content["figures"]] == ["1", "gradient"]
    assert content["figures"][0]["evals"] == 3
    assert content["figures"][0]["cover"] is None
    assert len(content["cases"]) == 8


def test_the_tables_of_rules_are_printed(capsys):
    assert main(["rules", "--limit", "4", "--method", "forward", "--list"]) == 0
    printed = capsys.readouterr().out
    assert "clean: 4 cases" in printed
    assert "noisy: 4 cases" in printed
    assert all(f"{rule} forward" in printed for rule in RULES)
    assert "auto" in printed


# --- What the README tells ---


def table_row(name):
    """Return the cells of the first row of a table that starts with this name, by their titles."""
    lines = README.splitlines()
    at = next(k for k, line in enumerate(lines) if line.startswith(f"| {name} |"))
    top = next(k for k in range(at, 0, -1) if lines[k].startswith("|---")) - 1
    titles, cells = ([cell.strip() for cell in lines[k].split("|")[2:-1]] for k in (top, at))
    return dict(zip(titles, cells, strict=True))


# title, how far the measured figure may be worse, and which way is worse
FIGURES = (
    ("median digits", 0.2, -1),
    ("10 % digits", 0.3, -1),
    ("cover", 0.005, -1),
    ("lies", 1, 1),
    ("silent", 2, 1),
    ("no answer", 0, 1),
    ("flagged", 0.002, 1),
    ("evals", 1.0, 1),
)


def worse_than_told(told, measured):
    """Return the titles of the figures that are worse than a row of the README says."""
    return [
        title for title, slack, sign in FIGURES if sign * (measured[title] - told[title]) > slack
    ]


def test_the_measured_figures_are_no_worse_than_told(tmp_path, capsys):
    file = tmp_path / "figures.json"
    command = ["accuracy", "--half", "confirm", "--part", "1", "--tool", "numdiff"]
    assert main([*command, "--json", str(file)]) == 0
    (measured,) = json.loads(file.read_text(encoding="utf-8"))["figures"]
    told = {
        title: float(cell.rstrip("%")) / (100 if cell.endswith("%") else 1)
        for title, cell in table_row("numdiff").items()
    }
    assert worse_than_told(told, measured) == [], capsys.readouterr().out
    better = {**told, "median digits": told["median digits"] + 1, "lies": told["lies"] - 2}
    assert worse_than_told(better, told) == ["median digits", "lies"]


# --- Trust in the bars on families of functions ---


def judged(value, error, *, exact=1.0, flagged=False, tags="smooth exact", order=1):
    one = Instance(abs, 1.0, float, order=order, tags=frozenset(tags.split()))
    exact, value, error = (np.atleast_1d(np.array(a, float)) for a in (exact, value, error))
    flags = np.full(exact.shape, flagged)
    return Verdict(Outcome("tool", "case", "kind", "", exact, value, error, flags, 10, 1), one)


def test_verdicts_on_cases_made_by_hand():
    faults = ("lies", "missed", "useless", "hollow", "blamed", "unanswered")
    cases = [
        (judged(1.1, 0.2), ()),
        (judged(1.1, 1e-3), ("lies",)),
        (judged(1.1, 1e-3, flagged=True), ("blamed",)),
        (judged(1.1, 1e-3, flagged=True, tags=""), ()),
        (judged(2.0, 0.1, exact=nan), ("missed",)),
        (judged(2.0, 0.1, exact=nan, flagged=True, tags=""), ()),
        (judged(1 + 1e-12, 1e-5), ("useless",)),
        (judged(1.0, 1e-5), ("useless",)),
        (judged(1.0, 9e-7), ()),
        (judged(1.0, 1e-5, tags="smooth"), ()),
        (judged(0.0, 1e-5, exact=0.0), ()),
        (judged(1.5, 2.0, tags="", order=3), ("hollow",)),
        (judged(1.5, 2.0, tags="", order=2), ()),
        (judged(nan, nan), ("unanswered",)),
    ]
    for case, expected in cases:
        found = tuple(name for name in faults if getattr(case, name).any())
        assert found == expected, case.outcome


def test_a_trend_is_followed_anywhere_between_its_bounds():
    one = Instance(lambda t: 2.0 * t, 1.0, lambda: (1.9, 2.1))
    found = verdict_of("numdiff", one)
    assert found.outcome.exact == found.outcome.value
    off = verdict_of("numdiff", Instance(lambda t: 3.0 * t, 1.0, lambda: (1.9, 2.1)))
    assert off.outcome.exact == 2.1
    assert off.lies.all()


def test_the_command_prints_a_row_for_every_family(capfd):
    assert main(["trust", "--half", "tune", "--family", "flat", "squares", "--processes", "1"]) == 0
    printed = capfd.readouterr().out
    assert {"flat", "squares"} <= {line.split()[0] for line in printed.splitlines() if line}
    assert main(["trust", "--family", "squares", "--verify", "--processes", "1"]) == 0
    assert "agree" in capfd.readouterr().out


def test_a_complex_step_reaches_f_as_a_complex_number():
    for instance in instances("complex step", half="tune")[:5]:
        found = verdict_of("numdiff", instance)
        assert found.outcome.digits > 13, instance.name


def test_scale_prints_gains_that_workers_allow(capfd):
    assert main(["scale", "--n", "1", "3", "--workers", "2", "6", "--spread", "0", "0.5"]) == 0
    rows = [line.split() for line in capfd.readouterr().out.splitlines() if "hessian" in line]
    assert len(rows) == 8  # as they come, and as a table
    for row in rows:
        two, six = float(row[4]), float(row[6])
        assert 1.2 < two <= 2.0
        assert two < six <= 6.0


def test_optimisers_are_followed(capsys):
    assert main(["optimise", "--paths", "beale", "--methods", "BFGS", "--rounds", "1"]) == 0
    printed = capsys.readouterr().out
    assert "Differentiable: calls" in printed
    assert "cover 1.0000 over 34 entries, 0 lies" in printed
    assert re.search(r"SciPy, 3-point +41\.0", printed)


def test_many_points_are_compared(capsys):
    options = ["--functions", "sin", "--points", "100", "--rounds", "1", "--memory", "2000"]
    assert main(["many", *options]) == 0
    printed = capsys.readouterr().out
    assert "numdiff" in printed
    assert "us on top of each evaluation" in printed


def test_fresh_processes_are_timed(capsys):
    assert main(["start", "--turns", "1", "--cold", "--points", "20"]) == 0
    assert "its longest  20 points" in capsys.readouterr().out
