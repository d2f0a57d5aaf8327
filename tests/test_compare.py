"""All libraries on one function: what is asked, counted and shown."""

from __future__ import annotations

import json
import math
import time

import numpy as np
import pytest
from scipy.optimize import rosen, rosen_der, rosen_hess

from numdiff.cli import main
from numdiff.compare import PEERS, Peer, Said, asking, compare, picture
from numdiff.compare.peers import KINDS

OURS = ("numdiff", "scipy.differentiate", "2-point", "3-point")  # what is always there
POINT = np.array([1.3, 0.7, 0.8])
PNG = b"\x89PNG"


def swap(x):
    return np.array([x[0] * x[1], np.sin(x[0])])


SWAPPED = [[0.7, 1.3], [math.cos(1.3), 0.0]]
TRUTHS = {
    "derivative": (np.exp, np.float64(1.0), math.e),
    "gradient": (rosen, POINT, rosen_der(POINT)),
    "jacobian": (swap, POINT[:2], SWAPPED),
    "hessian": (rosen, POINT, rosen_hess(POINT)),
}
ASKS = [(peer, kind) for peer in PEERS if not peer.traces for kind in KINDS if kind in peer.asks]


@pytest.mark.parametrize(("peer", "kind"), ASKS, ids=lambda part: getattr(part, "name", part))
@pytest.mark.filterwarnings("ignore")
def test_every_library_is_asked_for_the_right_derivative(peer, kind):
    if peer.missing:
        pytest.skip(peer.missing)
    f, x, truth = TRUTHS[kind]
    said = peer.asks[kind](f, x)
    assert np.reshape(said.value, np.shape(truth)) == pytest.approx(
        np.array(truth), rel=1e-5, abs=1e-6
    )
    if peer.name == "numdiff":
        assert np.all(np.abs(said.value - truth) <= said.error)


@pytest.mark.parametrize("peer", [p for p in PEERS if p.traces], ids=lambda peer: peer.name)
def test_libraries_that_look_into_f(peer):
    if peer.missing:
        pytest.skip(peer.missing)
    assert peer.asks["gradient"](lambda x: x[0] ** 3 * x[1], np.array([2.0, 3.0])).value == (
        pytest.approx([36.0, 8.0], rel=1e-12)
    )


@pytest.mark.parametrize("peer", [p for p in PEERS if len(p.orders) > 1], ids=lambda p: p.name)
def test_higher_orders(peer):
    if peer.missing:
        pytest.skip(peer.missing)
    said = peer.asks["derivative"](np.exp, 0.5, 2)
    assert float(np.squeeze(said.value)) == pytest.approx(math.exp(0.5), rel=1e-6)


@pytest.mark.parametrize(
    ("f", "x", "kind", "shape"),
    [
        (np.exp, 1.0, "derivative", ()),
        (lambda t: np.array([t, t * t]), 1.0, "jacobian", (2,)),
        (rosen, POINT, "gradient", (3,)),
        (lambda x: np.array([np.sum(x)]), POINT, "gradient", (3,)),
        (swap, POINT[:2], "jacobian", (2, 2)),
        (lambda x: x @ x, np.eye(2), "jacobian", (2, 2, 2, 2)),
        (lambda x: np.sum(x**2), np.eye(2), "gradient", (2, 2)),
    ],
)
def test_the_kind_follows_f_and_x(f, x, kind, shape):
    found = compare(f, x, tools=OURS)
    assert (found.kind, found.shape) == (kind, shape)
    first = found.answers[0]
    assert first.value.size == math.prod(shape)
    for other in found.answers[1:]:
        assert other.value == pytest.approx(first.value, rel=1e-5, abs=1e-5)


def test_evaluations_are_those_of_f():
    calls = []

    def f(x):
        calls.append(x)
        time.sleep(1e-5)
        return float(np.sum(np.sin(x)))

    found = compare(f, POINT, tools=OURS)
    assert [answer.tool for answer in found.answers] == list(OURS)
    asked = 1 + sum(answer.nfev for answer in found.answers) * (
        found.turns + 1
    )  # one to look, one to warm up
    assert len(calls) == asked
    assert [answer.nfev for answer in found.answers][2:] == [4, 7]


def test_an_expensive_f_is_asked_in_one_turn(monkeypatch):
    monkeypatch.setattr(asking, "PATIENCE", -1.0)
    found = compare(np.exp, 1.0, tools=OURS)
    assert found.turns == 1
    assert "times are of one call" in str(found)


def raising(_f, _x, _order=1):
    raise ArithmeticError("no\nway")


def off_in_the_second_entry(_f, x, _order=1):
    return Said(rosen_der(x) * [1.0, 1.5, 1.0], [1.0, 1.0, 1.0])


def test_failures_are_told_and_absent_libraries_named(monkeypatch):
    strange = (
        Peer("broken", "math", {"gradient": raising}),
        Peer("wrong", "math", {"gradient": off_in_the_second_entry}),
        Peer("absent", "no_such_library", {"gradient": raising}),
        Peer("other", "math", {"derivative": raising}),
    )
    monkeypatch.setattr(asking, "PEERS", (*PEERS[:1], *strange))
    monkeypatch.setattr(asking, "NAMES", ("numdiff", "broken", "wrong", "absent", "other"))
    found = compare(rosen, POINT, tools=asking.NAMES)
    assert found.missing == ("absent",)
    assert [answer.tool for answer in found.answers] == ["numdiff", "broken", "wrong"]
    assert found.entry == 1
    numdiff, broken, wrong = str(found).splitlines()[2:5]
    assert broken.endswith("ArithmeticError: no way")
    assert broken.split()[1:4] == ["-", "-", "-"]
    assert "2 of 3" in wrong
    assert numdiff.split()[1] == f"{found.answers[0].value[1]:.16g}"
    assert str(found).splitlines()[-1] == "not installed: absent"
    assert "disputed most, [1]" in str(found)


def test_small_entries_do_not_count_as_disputes_of_rounding(monkeypatch):
    monkeypatch.setattr(
        asking,
        "PEERS",
        (
            Peer("numdiff", "math", {"gradient": lambda *_: Said([0.0, 1.0], [0.0, 0.0])}),
            Peer("3-point", "math", {"gradient": lambda *_: Said([1e-17, 1.001], [0.0, 0.0])}),
        ),
    )
    assert compare(np.sum, [1.0, 2.0]).entry == 1


def test_numbers_fit_for_json():
    said = compare(abs, 0.0, tools=("3-point",)).to_dict()
    assert json.loads(json.dumps(said, allow_nan=False)) == said
    assert said["answers"][0]["value"] == [None]
    assert said["answers"][0]["note"] == "KINK"
    assert said["answers"][1]["value"] == [0.0]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: compare(1.0, 1.0), TypeError, "f"),
        (lambda: compare(lambda x: 1j * x, 1.0), TypeError, "real"),
        (lambda: compare(np.exp, np.nan), ValueError, "x"),
        (lambda: compare(np.exp, 1.0, tools=("jakobi",)), ValueError, "jakobi"),
        (lambda: compare(lambda _: 1 // 0, 1.0), ZeroDivisionError, "zero"),
    ],
)
def test_what_cannot_be_compared_is_told(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_further_arguments():
    assert compare(np.power, 3.0, args=(2,), tools=()).answers[0].value == pytest.approx([6.0])


def test_a_picture(tmp_path):
    picture(compare(rosen, POINT, tools=OURS), tmp_path / "rosen.png")
    assert (tmp_path / "rosen.png").read_bytes().startswith(PNG)


# --- The command line ---


def test_the_command_prints_a_table(capsys):
    assert main(["compare", "scipy.optimize:rosen", "--at", "1.3,0.7"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("gradient of rosen, every library as it comes")
    assert [line.split()[0] for line in lines[2:3]] == ["numdiff"]
    assert {"2-point", "3-point"} <= {line.split()[0] for line in lines}


def test_the_command_writes_json_and_a_picture(capsys, tmp_path):
    path = tmp_path / "exp.png"
    argv = ["compare", "math:exp", "--at", "1", "--tools", "2-point,3-point"]
    assert main([*argv, "--json", "--plot", str(path)]) == 0
    said = json.loads(capsys.readouterr().out)
    assert [answer["tool"] for answer in said["answers"]] == ["numdiff", "2-point", "3-point"]
    assert path.read_bytes().startswith(PNG)


def test_the_command_tells_flags_and_bad_input(capsys):
    assert main(["compare", "math:fabs", "--at", "0", "--tools", "3-point"]) == 2
    assert "KINK" in capsys.readouterr().out
    assert main(["compare", "math:exp", "--at", "1", "--tools", "jakobi"]) == 3
    assert "--tools" in capsys.readouterr().err
