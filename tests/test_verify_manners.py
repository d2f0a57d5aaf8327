"""What `verify` says of derivatives that misbehave, of inexact f, and of what users accept."""

import math

import numpy as np
import pytest

from numdiff import verify
from numdiff.cli import main

X = np.array([0.4, 1.3])


def square(x):
    return float(x @ x)


def spoils(x):
    slope = 2 * x.copy()
    x[0] = 9.0
    return slope


def in_a_buffer():
    buffer = np.empty(2)
    return lambda x: np.multiply(2, x, out=buffer)


def stale():
    cache = {}
    return lambda x: cache.setdefault("g", 2 * x)


@pytest.mark.parametrize(
    ("derivative", "words"),
    [(spoils, "changes its argument"), (in_a_buffer(), "same array"), (stale(), "stale cache")],
)
def test_bad_manners_are_told(derivative, words):
    report = verify.gradient(square, derivative, X)
    assert report.verdict == "agree"
    assert any(words in note for note in report.notes)


@pytest.mark.parametrize(
    ("f", "derivative"),
    [
        (square, lambda x: 2 * x),
        (lambda x: 3 * x[0] + x[1], lambda _: np.array([3.0, 1.0])),
        (lambda x: math.log(x[0]) + x[1], lambda x: np.array([1 / x[0], 1.0])),
    ],
)
def test_good_manners_are_not_mentioned(f, derivative):
    report = verify.gradient(f, derivative, X)
    assert report.verdict == "agree"
    assert not report.notes


@pytest.mark.parametrize(
    ("derivative", "words"),
    [
        (lambda x: (square(x), 2 * x), r"both\(x\)\[1\]"),
        (lambda x: np.ma.masked_array(2 * x, [0, 1]), "masked"),
        (lambda _: np.array(["a", "b"], object), "numbers"),
        (lambda _: [[1.0], [1.0, 2.0]], "one shape"),
    ],
)
def test_what_is_no_derivative_is_refused_clearly(derivative, words):
    with pytest.raises(TypeError, match=words):
        verify.gradient(square, derivative, X)


def test_arrays_of_objects_that_are_numbers_are_read():
    assert verify.gradient(square, lambda x: np.array(2 * x, object), X).verdict == "agree"


def test_nan_has_a_note():
    report = verify.gradient(square, lambda x: [2 * x[0], math.nan], X)
    assert report.verdict == "disagree"
    assert any("nan or infinite in 1 of 2" in note for note in report.notes)


def test_a_runtime_error_beside_x_leaves_a_verdict():
    def derivative(x):
        if not np.array_equal(x, X):
            raise RuntimeError("no convergence")
        return 2 * x

    assert verify.gradient(square, derivative, X).verdict == "agree"


@pytest.mark.parametrize("constant", [1e5, 1e7, 1e8])
def test_digits_lost_to_a_constant_are_not_blamed(constant):
    lossy = lambda x: [4 * ((x[0] ** 3 + constant) - constant)]
    assert verify.gradient(lambda x: x[0] ** 4, lossy, [0.83]).verdict != "disagree"


def test_small_differences_are_accepted_up_to_what_is_said():
    off = lambda x: 2 * x * (1 + 1e-7)
    assert verify.gradient(square, off, X).verdict == "disagree"
    assert verify.gradient(square, off, X, accept=1e-6).verdict == "agree"
    assert verify.gradient(square, off, X, accept=1e-8).verdict == "disagree"
    assert verify.directional(square, off, X, accept=1e-6).verdict == "agree"


def test_zeros_up_to_rounding_are_accepted():
    f, almost = (lambda x: x[0] ** 2 + 0 * x[1]), (lambda x: [2 * x[0], 1.9e-7])
    assert verify.gradient(f, almost, X).verdict != "agree"
    assert verify.gradient(f, almost, X, atol=1e-6).verdict == "agree"
    assert verify.gradient(f, lambda x: [2 * x[0], 1e-3], X, atol=1e-12).verdict == "disagree"


@pytest.mark.parametrize("name", ["accept", "atol"])
@pytest.mark.parametrize("value", [-1.0, math.nan, math.inf, "much"])
def test_what_cannot_be_accepted_is_refused(name, value):
    with pytest.raises(ValueError, match=name):
        verify.gradient(square, lambda x: 2 * x, X, **{name: value})


def test_differences_that_are_alike_name_the_options_for_them():
    report = verify.gradient(square, lambda x: 2.002 * x, X)
    assert any("accuracy=" in note and "accept=" in note for note in report.notes)
    wild = verify.gradient(square, lambda x: np.array([2.2, 2.0000002]) * x, X)
    assert not any("accuracy=" in note for note in wild.notes)


def test_both_triangles_of_a_hessian_have_one_hint():
    def hessian(x):
        across = 6 * x[0] ** 2 * x[1] ** 3
        return np.array([[6 * x[0] * x[1] ** 2, across], [across, 2 * x[0] ** 3]])

    report = verify.hessian(lambda x: x[0] ** 3 * x[1] ** 2, hessian, [0.53, 0.71])
    assert len(report.hints) == 1
    assert "symmetr" not in report.hints[0]


@pytest.mark.parametrize("tiny", [1e-9, 1e-12])
def test_a_direction_sees_what_is_lost_at_a_minute_entry(tiny):
    x = np.random.default_rng(0).standard_normal(1000)
    x[7] = tiny
    f = lambda x: float(np.sum(np.sin(x) + x**2))
    right = lambda x: np.cos(x) + 2 * x
    lost = lambda x: np.where(np.arange(1000) == 7, 0.0, right(x))
    report = verify.directional(f, lost, x)
    assert report.verdict == "disagree"
    assert report.worst(1)["index"].tolist() == [[7]]
    report = verify.directional(f, right, x)
    assert report.verdict == "agree"
    assert report.nfev == 12


def test_minute_entries_with_a_scale_of_their_own_are_not_blamed():
    x = np.array([1.0, 2.0, 1e-9, 3.0])
    f = lambda x: float(np.sum(x[[0, 1, 3]] ** 2) + math.exp(min(x[2] / 1e-9, 700)))
    right = lambda x: np.array([2 * x[0], 2 * x[1], math.exp(x[2] / 1e-9) / 1e-9, 2 * x[3]])
    assert verify.directional(f, right(x), x).verdict != "disagree"


def test_the_command_line_accepts(tmp_path, capsys):
    path = tmp_path / "m.py"
    path.write_text("def f(x):\n    return x @ x\ndef g(x):\n    return 2.0000002 * x\n")
    words = ["verify", f"{path}:f", f"{path}:g", "--at", "1,2"]
    assert main(words) == 1
    assert main([*words, "--accept", "1e-6"]) == 0
    assert main([*words, "--atol", "1e-3"]) == 0
    capsys.readouterr()
