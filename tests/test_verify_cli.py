"""``numdiff verify``: verdicts, exit codes, options, and what is said of bad input."""

import json
import sys

import numpy as np
import pytest

from numdiff.cli import main

FUNCTIONS = """
import numpy as np

calls = []


def bowl(x):
    calls.append(x.copy())
    return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2


def slope(x):
    inner = x[1] - x[0] ** 2
    return np.array([-2 * (1 - x[0]) - 400 * x[0] * inner, 200 * inner])


def doubled(x):
    return 2 * slope(x)


def curvature(x):
    return np.array([[2 - 400 * (x[1] - 3 * x[0] ** 2), -400 * x[0]], [-400 * x[0], 200]])


def pair(x):
    return np.array([x[0] * x[1], np.exp(x[0])])


def pair_jacobian(x):
    return np.array([[x[1], x[0]], [np.exp(x[0]), 0.0]])


def forward(x, v):
    return pair_jacobian(x) @ v


def backward(x, w):
    return w @ pair_jacobian(x)


def columns(x):
    return np.stack([x[0] * x[1], np.exp(x[0])])


def distance(x):
    return np.abs(x).sum()


def side(x):
    return np.sign(x)


def broken(x):
    raise KeyError("rate")
"""


@pytest.fixture(autouse=True)
def module(tmp_path, monkeypatch):
    (tmp_path / "hand_written.py").write_text(FUNCTIONS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "hand_written", raising=False)


def run(capsys, line):
    """Return the exit code and what was printed."""
    target, derivative, *options = line.split()
    names = [f"hand_written:{name}" for name in (target, derivative)]
    code = main(["verify", *names, *options])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        ("bowl slope --at 1.3,0.7", 0, "AGREE: gradient, slope for bowl, of shape (2,)"),
        ("bowl doubled --at 1.3,0.7", 1, "DISAGREE: gradient"),
        ("distance side --at 0,1.5", 2, "INCONCLUSIVE: gradient"),
        ("pair pair_jacobian --at 1.3,0.7", 0, "AGREE: jacobian"),
        ("pair slope --at 1.3,0.7", 1, "but must have (2, 2)"),
        ("bowl curvature --kind hessian --at 1.3,0.7", 0, "AGREE: hessian"),
        ("pair forward --kind jvp --at 1.3,0.7", 0, "AGREE: jvp"),
        ("pair backward --kind vjp --at 1.3,0.7", 0, "AGREE: vjp"),
        ("bowl slope --kind directional --at 1.3,0.7", 0, "AGREE: directional"),
        ("columns pair_jacobian --vectorized --at 1.3,0.7", 0, "AGREE: jacobian"),
    ],
)
def test_verdict_and_exit_code(capsys, line, code, words):
    found, out, err = run(capsys, line)
    assert (found, err) == (code, "")
    assert words in out


def test_names_points_and_the_other_options(capsys):
    options = "--at 1.3,0.7 --names left,right --points 3 --radius 0.01 --rng 4 --rtol 1e-6"
    code, out, _ = run(capsys, f"bowl doubled {options}")
    assert code == 1
    assert out.count("left") == out.count("right") == 4  # the three points, and the names given
    assert "6 of 6 entries differ at 3 points" in out
    assert "again: numdiff verify " in out
    assert out.rstrip().endswith(options)
    _, other, _ = run(capsys, f"bowl doubled {options.replace('--rng 4', '--rng 5')}")
    assert out != other


def test_bounds_hold(capsys):
    line = "bowl slope --at 1,0.7 --lower 1,0 --upper 2,1.1 --points 4 --radius 9"
    assert run(capsys, line)[0] == 0
    calls = np.array(sys.modules["hand_written"].calls)
    assert (calls[:, 0] >= 1).all()
    assert (calls[:, 1] <= 1.1).all()


def test_json_is_strict(capsys):
    code, out, _ = run(capsys, "distance side --at 0,1.5 --json")
    found = json.loads(out, parse_constant=pytest.fail)
    assert (code, found["verdict"]) == (2, "inconclusive")
    assert [entry["verdict"] for entry in found["entries"]] == ["inconclusive", "agree"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("bowl slop --at 1,2", "did you mean 'slope'"),
        ("bowl slope", "--at"),
        ("bowl slope --at 1,2 --kind tensor", "expected one of gradient, jacobian"),
        ("bowl slope --at 1,2 --points 0", "--points must be"),
        ("bowl slope --at 1,2 --names a", "one name for each of 2"),
        ("bowl slope --at 1,2 --rtol 0", "--rtol must lie"),
        ("bowl broken --at 1,2", "the derivative failed with KeyError: 'rate'"),
        ("broken slope --at 1,2", "f failed with KeyError: 'rate'"),
        ("pair slope --kind gradient --at 1,2", "use --kind jacobian"),
    ],
)
def test_bad_input_is_told_in_one_line(capsys, line, words):
    code, out, err = run(capsys, line)
    assert (code, out) == (3, "")
    assert words in err
    assert err.count("\n") == 1


def test_help_tells_the_exit_codes(capsys):
    assert main(["verify", "--help"]) == 0
    assert "0 if it agrees, 1 if it disagrees, 2 if inconclusive" in " ".join(
        capsys.readouterr().out.split()
    )
