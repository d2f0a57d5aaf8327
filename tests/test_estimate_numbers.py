"""An Estimate used where its value is meant."""

import operator
import pickle
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import numdiff as nd
from numdiff.estimate import Estimate, FlaggedError, FlaggedWarning, Status

BOWL = lambda x: 3 * x[0] ** 2 + x[1]


def plain(value, **fields):
    value = np.asarray(value, float)
    same = {name: np.zeros_like(value)[()] for name in ("error", "step", "noise", "left", "right")}
    status = np.zeros(value.shape, np.uint8)[()]
    return Estimate(value=value[()], status=status, nfev=1, method="auto", **same, **fields)


BINARY = (
    *(operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod),
    *(operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne, operator.pow),
)
numbers = arrays(np.float64, 3, elements=st.floats(0.5, 8.0))


@pytest.mark.parametrize("act", BINARY)
@given(numbers, numbers)
def test_operators_act_on_values_from_both_sides_and_give_plain_arrays(act, one, other):
    wanted = act(one, other)
    for got in (act(plain(one), other), act(one, plain(other)), act(plain(one), plain(other))):
        assert type(got) is np.ndarray
        np.testing.assert_array_equal(got, wanted)
    np.testing.assert_array_equal(act(2.0, plain(one)), act(2.0, one))


@pytest.mark.parametrize("act", [operator.neg, operator.pos, abs, np.exp, np.sum, np.linalg.norm])
def test_functions_act_on_values(act):
    np.testing.assert_array_equal(act(plain([1.5, -2.0])), act(np.array([1.5, -2.0])))


def test_gradient_descent_is_written_as_on_paper():
    x = np.array([1.0, 2.0])
    for _ in range(200):
        x = x - 0.1 * nd.gradient(lambda x: (x[0] - 3) ** 2 + x[1] ** 2, x)
    np.testing.assert_allclose(x, [3.0, 0.0], atol=1e-12)
    x -= nd.gradient(lambda x: x @ x, x)
    np.testing.assert_allclose(x, [-3.0, 0.0], atol=1e-12)


def test_a_newton_step_is_written_as_on_paper():
    step = np.linalg.solve(nd.hessian(np.prod, [2.0, 3.0]), nd.gradient(np.prod, [2.0, 3.0]))
    np.testing.assert_allclose(step, [2.0, 3.0])
    np.testing.assert_allclose(nd.hessian(np.prod, [2.0, 3.0]) @ [1.0, 2.0], [2.0, 1.0])


def test_an_estimate_that_is_added_to_becomes_an_array_and_stays_as_it_was():
    found = kept = plain([1.0, 2.0])
    found += 1.0
    assert type(found) is np.ndarray
    assert found.tolist() == [2.0, 3.0]
    assert kept.value.tolist() == [1.0, 2.0]


def test_a_single_number_converts():
    found = nd.derivative(np.sin, 0.5)
    assert float(found) == complex(found) == found.value
    assert int(plain(3.7)) == 3
    assert round(found, 3) == round(float(found.value), 3)
    assert f"{found:.3f}" == f"{found.value:.3f}"
    assert f"{found}" == str(found)
    assert float(plain([4.5])) == 4.5
    assert float(plain([4.5, 2.0])[1]) == 2.0
    assert round(nd.derivative(lambda x: 1j * x, 0.5), 3) == 1j


def test_arrays_are_rounded_and_formatted_entry_by_entry():
    found = plain([[1.2345, 2.0]])
    assert round(found, 1).tolist() == [[1.2, 2.0]]
    assert f"{found:.2f}" == "[[1.23 2.00]]"
    for convert in (float, int, complex):
        with pytest.raises(TypeError, match=r"one entry.*\(1, 2\).*estimate\[0\]"):
            convert(found)


def test_shape_and_entries_are_those_of_the_value():
    found = plain(np.arange(6.0).reshape(2, 3))
    assert (found.shape, found.ndim, found.size, len(found)) == ((2, 3), 2, 6, 2)
    np.testing.assert_array_equal(found.T, found.value.T)
    assert [row.tolist() for row in found] == found.value.tolist()
    assert plain(2.0).shape == ()
    with pytest.raises(TypeError):
        len(plain(2.0))
    with pytest.raises(IndexError, match="single number"):
        plain(2.0)[0]


@pytest.mark.parametrize("key", [0, -1, slice(1, None), (0, 1), ..., [True, False], [[1, 0]]])
def test_indexing_gives_an_estimate_of_some_entries(key):
    found = nd.jacobian(lambda x: [x[0] * x[1], abs(x[0])], [0.0, 2.0])
    some = found[key]
    assert isinstance(some, Estimate)
    for name in ("value", "error", "status", "step", "noise", "left", "right"):
        np.testing.assert_array_equal(getattr(some, name), getattr(found, name)[key])
    np.testing.assert_array_equal(some.success, found.success[key])
    assert str(some)


def test_status_has_names():
    found = nd.gradient(lambda x: abs(x[0]) + x[1], [0.0, 1.0])
    assert found.status_names.tolist() == ["KINK", "OK"]
    assert found[0].status_names == "KINK"
    assert f"{Status.KINK}" == str(Status.KINK) == "KINK"
    assert f"{Status.KINK:d} {Status.KINK:>6}" == "5   KINK"


def test_an_exact_zero_reads_as_zero():
    assert str(nd.gradient(BOWL, [0.0, 1.0])).splitlines()[1].split() == [
        "[0]", "0.0", *str(nd.gradient(BOWL, [0.0, 1.0])).splitlines()[1].split()[2:4], "zero",
    ]  # fmt: skip


def test_to_frame_is_a_row_for_each_entry():
    pandas = pytest.importorskip("pandas")
    frame = nd.gradient(BOWL, [1.0, 2.0]).to_frame()
    assert isinstance(frame, pandas.DataFrame)
    assert frame.index.tolist() == ["[0]", "[1]"]
    assert frame["status"].tolist() == ["OK", "OK"]
    np.testing.assert_allclose(frame["value"], [6.0, 1.0])


def test_to_frame_without_pandas_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="pip install pandas"):
        plain([1.0]).to_frame()


NAMED = plain(np.arange(6.0).reshape(2, 3), names=("a", "b", "c"))


def test_names_stand_in_tables_and_follow_the_entries():
    assert [line.split("  ")[0] for line in str(NAMED[0]).splitlines()[1:4]] == ["a", "b", "c"]
    assert "[1, c]" in str(NAMED)
    assert NAMED[1, 1:].names == ("b", "c")
    assert NAMED[1, 2].names == ("c",)
    assert str(NAMED[1, 2]).splitlines()[1].startswith("c")
    assert NAMED.to_dict()["names"] == ["a", "b", "c"]
    assert "[a, b]" in str(plain(np.eye(2), names=("a", "b"), named=2))


@pytest.mark.parametrize("kind", [FlaggedError, FlaggedWarning])
def test_what_is_raised_carries_the_estimate_and_prints_like_it(kind):
    raised = kind(NAMED)
    assert raised.estimate is NAMED
    assert str(NAMED) in str(raised)
    assert str(NAMED) in str(pickle.loads(pickle.dumps(raised)))
