"""The command line as users type it: products, points from files and pipes, messages by flag."""

import io
import json
import shlex
import subprocess
import sys

import numpy as np
import pytest

import numdiff as nd
from numdiff.cli import main

CODE = """
import numpy as np


def bowl(x):
    return x[0] ** 2 * x[1]


def slope(x):
    return np.array([2 * x[0] * x[1], x[0]])


def scaled(x, a, b):
    return a * x[0] ** 2 + b


def named(p):
    return p["rate"] ** 2 * np.sum(p["sizes"])
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "calls of cli.py").write_text(CODE)
    np.save("x.npy", [2.0, 3.0])
    np.savez("x.npz", x=[2.0, 3.0])
    (tmp_path / "x.csv").write_text("2,3\n")
    (tmp_path / "x.txt").write_text("2 3\n")
    (tmp_path / "x.json").write_text("[2, 3]")
    (tmp_path / "named.json").write_text('{"rate": 2, "sizes": [1, 2]}')
    np.savez("named.npz", rate=2.0, sizes=[1.0, 2.0])
    return tmp_path


F = "calls of cli.py:bowl"


def value(capsys, *words):
    code = main([*words, "--json"])
    out, err = capsys.readouterr()
    assert err == ""
    return code, json.loads(out)


def fault(capsys, *words):
    assert main(words) == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    return err


def test_products_and_the_diagonal(capsys):
    at = ("--at", "2,3", "--vector", "1,-1")
    assert value(capsys, "jvp", F, *at)[1]["value"] == pytest.approx(8.0)
    assert value(capsys, "hvp", F, *at)[1]["value"] == pytest.approx([2.0, 4.0])
    found = value(capsys, "hessian-diagonal", F, "--at", "2,3")[1]
    assert found["value"] == pytest.approx([6.0, 0.0], abs=1e-9)
    assert "--vector" in fault(capsys, "jvp", F, "--at", "2,3")
    assert "--vector takes as many as x has, 2, got 3" in fault(
        capsys, "hvp", F, "--at", "2,3", "--vector", "1,2,3"
    )


def test_local_models(capsys):
    code, found = value(capsys, "model", "scipy.optimize:rosen", "--at", "1,1")
    assert code == 0
    assert found["kind"] == "minimum"
    assert found["eigenvalues"]["value"] == pytest.approx([0.39936077, 1001.60063923])
    assert found["newton_step"]["value"] == pytest.approx([0.0, 0.0], abs=1e-12)
    first = value(capsys, "model", "scipy.optimize:rosen", "--at", "1,1", "--order", "1")[1]
    assert first["hessian"] is None
    code, found = value(capsys, "model", "numpy:fabs", "--at", "0")
    assert code == 2
    assert found["kind"] == "unknown"


def test_arguments_of_f(capsys):
    words = ("gradient", "calls of cli.py:scaled", "--at", "3")
    assert value(capsys, *words, "--args", "1.5,2")[1]["value"] == pytest.approx([9.0])
    assert "--args" in fault(capsys, *words, "--args", "1.5,two")


@pytest.mark.parametrize("name", ["x.npy", "x.npz", "x.csv", "x.txt", "x.json"])
def test_points_come_from_files(capsys, name):
    code, found = value(capsys, "gradient", F, "--at-file", name)
    assert code == 0
    assert found["value"] == pytest.approx([12.0, 4.0])


@pytest.mark.parametrize("text", ["2,3", "2 3\n", "2\n3\n", "[2, 3]"])
def test_points_come_through_a_pipe(capsys, monkeypatch, text):
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))
    assert value(capsys, "gradient", F, "--at-file", "-")[1]["value"] == pytest.approx([12.0, 4.0])


@pytest.mark.parametrize("name", ["named.json", "named.npz"])
def test_points_with_names_come_from_files(capsys, name):
    found = value(capsys, "gradient", "calls of cli.py:named", "--at-file", name)[1]
    assert found["names"] == ["rate", "sizes[0]", "sizes[1]"]
    assert found["value"] == pytest.approx([12.0, 4.0, 4.0])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--order", "2"], "it is an option of derivative"),
        (["--verbose"], "see `numdiff gradient --help`"),
        (["-m", "auto"], "write --method"),
        (["--lower", "5"], "--at must lie inside --lower"),
        (["--lower", "0,0,0"], "--lower takes one number, or as many as x has, 2, got 3"),
        (["--lower", "9", "--upper", "1"], "--lower and --upper are reversed"),
        (["--max-nfev", "0"], "--max-nfev must be at least 1"),
        (["--workers", "0"], "--workers must be at least 1"),
        (["--timeout", "3"], "--timeout needs --workers"),
        (["--metod", "auto"], "did you mean '--method'?"),
    ],
)
def test_messages_name_the_flag_as_typed(capsys, words, said):
    err = fault(capsys, "gradient", F, "--at", "2,3", *words)
    assert said in err
    assert "array(" not in err


def test_the_line_that_checks_again_can_be_pasted(capsys, folder):
    words = ["verify", F, "calls of cli.py:slope", "--at", "2,3", "--names", "a b,c"]
    assert main(words) == 1
    out = capsys.readouterr().out
    again = next(line for line in out.splitlines() if line.startswith("again: "))
    typed = shlex.split(again.removeprefix("again: "))
    assert typed == ["numdiff", *words]
    command = [sys.executable, "-m", *typed]
    root = str(nd.__path__[0]).removesuffix("numdiff")
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder,
                          env={"PYTHONPATH": root})  # fmt: skip
    assert done.stdout == out
