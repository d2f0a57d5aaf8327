"""Estimates: what they hold, say and print."""

import copy
import dataclasses
import json
import math
import pickle

import numpy as np
import pytest

from numdiff.estimate import Estimate, Status, certain_digits, format_value

nan, inf = math.nan, math.inf


def estimate(value, error, status=0, **fields):
    """Make an estimate as operators do: arrays of one shape, or NumPy scalars."""
    value = np.asarray(value)
    blank = np.full(value.shape, nan)
    arrays = {
        "value": value,
        "error": np.broadcast_to(np.asarray(error, float), value.shape).copy(),
        "status": np.broadcast_to(np.asarray(status, np.uint8), value.shape).copy(),
        "step": np.full(value.shape, 0.125),
        "noise": np.full(value.shape, 1e-16),
        "left": blank,
        "right": blank.copy(),
    }
    arrays = {name: array[()] for name, array in arrays.items()}
    return Estimate(**{**arrays, "nfev": 33, "method": "auto", **fields})


def lines(estimate):
    return str(estimate).splitlines()


def test_status_codes_never_change():
    assert {status.name: status.value for status in Status} == {
        "OK": 0,
        "NOISE_LIMITED": 1,
        "STOCHASTIC": 2,
        "ONE_SIDED": 3,
        "SINGLE_STEP": 4,
        "KINK": 5,
        "JUMP": 6,
        "UNRESOLVED": 7,
        "DOMAIN": 8,
        "NOT_COMPLEX_SAFE": 9,
        "BUDGET": 10,
    }


def test_trustworthy_statuses():
    trusted = {status.name for status in Status if status.trustworthy}
    assert trusted == {"OK", "NOISE_LIMITED", "STOCHASTIC", "ONE_SIDED"}


@pytest.mark.parametrize("status", Status)
def test_every_status_has_one_sentence_of_its_own(status):
    assert status.message.endswith(".")
    assert ". " not in status.message
    assert len({other.message for other in Status}) == len(Status)
    assert pickle.loads(pickle.dumps(status)) is status


def test_success_of_every_status():
    codes = np.arange(len(Status), dtype=np.uint8)
    success = estimate(np.zeros(len(Status)), 0, codes).success
    assert success.dtype == bool
    assert success.tolist() == [True] * 4 + [False] * 7


def test_success_of_a_scalar_is_a_scalar():
    assert isinstance(estimate(1.0, 0.1).success, np.bool_)
    assert estimate(1.0, 0.1).success.all()
    assert not estimate(nan, inf, Status.KINK).success.all()


def test_success_keeps_the_shape():
    assert estimate(np.zeros((2, 0, 3)), 0).success.shape == (2, 0, 3)


def test_messages_are_distinct_and_end_with_the_notes():
    found = estimate(np.zeros(4), 0.1, [5, 0, 5, 8], notes=("ValueError: too far",))
    expected = Status.OK.message, Status.KINK.message, Status.DOMAIN.message, "ValueError: too far"
    assert found.messages == expected


def test_array_conversion_gives_the_value():
    found = estimate([1.0, 2.0], 0.1)
    assert np.asarray(found).tolist() == [1.0, 2.0]
    assert np.asarray(found, dtype=complex).dtype == complex
    assert np.array(estimate(3.0, 0.1)).shape == ()
    np.testing.assert_allclose(found, [1, 2], rtol=0)
    assert (np.ones(2) + found).tolist() == [2.0, 3.0]


def test_array_conversion_copies_only_when_asked():
    found = estimate([1.0, 2.0], 0.1)
    assert np.shares_memory(np.asarray(found), found.value)
    assert not np.shares_memory(np.array(found, copy=True), found.value)


def test_array_conversion_refuses_a_forbidden_copy():
    found = estimate([1.0, 2.0], 0.1)
    assert np.shares_memory(np.array(found, copy=False), found.value)
    with pytest.raises(ValueError, match="copy"):
        np.array(found, dtype=np.float32, copy=False)


def test_truth_value_is_refused_with_the_way_out():
    with pytest.raises(TypeError, match=r"\.success\.all\(\)"):
        bool(estimate([1.0], 0.1))


def test_an_estimate_is_frozen_and_can_be_stored():
    found = estimate([1.0, 2.0], 0.1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.value = 0
    assert pickle.loads(pickle.dumps(found)).value.tolist() == [1.0, 2.0]
    assert copy.copy(found).value is found.value


def test_repr_is_the_table():
    found = estimate(1.5, 0.25)
    assert repr(found) == str(found)


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (8.0, 2.1e-14, " 8.000000000000000"),
        (8.0, 2.1e-9, " 8.0000000000"),
        (-2 / 3, 2.1e-4, "-0.66667"),
        (1234.5678, 0.02, " 1234.568"),
        (1234.5678, 300.0, " 1.23e+03"),
        (1.23456789e-12, 1e-15, " 1.2346e-12"),
        (1.23456789e300, 1e295, " 1.234568e+300"),
        (3.2e-17, 1e-14, " 3e-17"),
        (5e-324, 5e-324, " 4.9e-324"),
        (1 / 3, 1e-40, " 0.33333333333333331"),
        (1 / 3, 0.0, " 0.3333333333333333"),
        (0.0, 1e-9, " 0.0"),
        (1 / 3, inf, " 0.333333"),
        (1 / 3, nan, " 0.333333"),
        (nan, inf, " nan"),
        (-inf, nan, "-inf"),
        (1.5 - 0.25j, 1e-3, " 1.5000-0.2500j"),
        (complex(nan, 2.0), 0.1, " nan+2.00j"),
    ],
)
def test_values_are_written_to_the_second_digit_of_the_bar(value, error, text):
    assert format_value(value, error) == text


@pytest.mark.parametrize(
    ("value", "error", "digits"),
    [
        (8.0, 2.1e-14, "14"),
        (8.0, 0.0, "all"),
        (1.0, 1.0, "0"),
        (0.0, 1e-9, "zero"),
        (1e300, 1e-20, "320"),
        (3 + 4j, 0.005, "3"),
        (nan, 0.1, "-"),
        (1.0, inf, "-"),
        (1.0, nan, "-"),
    ],
)
def test_certain_digits(value, error, digits):
    assert certain_digits(value, error) == digits


def test_table_of_a_scalar():
    assert lines(estimate(np.float64(8), 2.1e-14)) == [
        " value                 error    digits",
        " 8.000000000000000  +- 2.1e-14      14",
        "method auto, 33 evaluations of f",
    ]


def test_table_names_what_is_not_ok_and_explains_it():
    found = estimate([1.0, nan, 2.0], [0.1, inf, 1e-3], [0, 5, 1], notes=("ValueError: far",))
    body = {line[:3]: line.split() for line in lines(found)[1:4]}
    assert body["[0]"] == ["[0]", "1.00", "+-", "0.1", "1"]
    assert body["[1]"] == ["[1]", "nan", "+-", "inf", "-", "KINK"]
    assert body["[2]"] == ["[2]", "2.0000", "+-", "0.001", "3", "NOISE_LIMITED"]
    assert lines(found)[4:] == [
        f"NOISE_LIMITED (1): {Status.NOISE_LIMITED.message}",
        f"KINK (1): {Status.KINK.message}",
        "note: ValueError: far",
        "method auto, 33 evaluations of f",
    ]
    assert Status.OK.message not in str(found)


def test_table_columns_are_aligned():
    rows = lines(estimate([1.0, -2000.0, 3e-9], [1e-3, 1e-12, 1e-10]))[:4]
    assert len({row.index("+-") for row in rows[1:]}) == 1
    assert len({len(row) for row in rows}) == 1


def test_table_indexes_every_axis():
    text = str(estimate(np.ones((2, 1, 2)), 0.1))
    assert all(label in text for label in ("[0, 0, 0]", "[0, 0, 1]", "[1, 0, 0]", "[1, 0, 1]"))


def test_table_of_twelve_entries_is_complete():
    assert "left out" not in str(estimate(np.ones(12), 0.1))
    assert len(lines(estimate(np.ones(12), 0.1))) == 14


def test_long_table_shows_the_ends_and_the_worst_flagged():
    n = 100
    value, error = np.ones(n), np.full(n, 1e-9)
    status = np.zeros(n, np.uint8)
    status[20:30] = Status.BUDGET
    error[20:30] = 1e-6
    error[[22, 25]] = [1e-2, 1e-1]
    status[50], value[50], error[50] = Status.KINK, nan, inf
    found = lines(estimate(value, error, status))
    labels = [line.split()[0] for line in found if line.startswith("[")]
    assert labels == [f"[{i}]" for i in (0, 1, 2, 3, 20, 22, 25, 50, 96, 97, 98, 99)]
    gaps = [line for line in found if line.startswith("...")]
    assert gaps == [
        "... 16 entries left out",
        "... 1 entry left out, 1 flagged",
        "... 2 entries left out, 2 flagged",
        "... 24 entries left out, 4 flagged",
        "... 45 entries left out",
    ]
    assert any(line.startswith("BUDGET (10): ") for line in found)


def test_a_million_entries_print_at_once():
    assert len(lines(estimate(np.ones((1000, 1000)), 0.1, Status.BUDGET))) < 20


def test_table_of_complex_values():
    assert " 1.500-2.000j  +- 0.01" in str(estimate([1.5 - 2j], 0.01))


def test_empty_table():
    assert lines(estimate(np.zeros((0, 3)), 0)) == [
        "no entries, shape (0, 3)",
        "method auto, 33 evaluations of f",
    ]


def test_single_evaluation_is_singular():
    assert lines(estimate(1.0, nan, Status.SINGLE_STEP, nfev=1))[-1].endswith("1 evaluation of f")


def test_html_is_the_escaped_table():
    found = estimate(1.0, 0.1, notes=("a < b",))._repr_html_()
    assert found.startswith("<pre>")
    assert "note: a &lt; b" in found


def test_to_dict_is_strict_json():
    found = estimate([[1.0, nan]], [[0.5, inf]], [[0, 5]], notes=("far",)).to_dict()
    assert json.loads(json.dumps(found, allow_nan=False)) == {
        "value": [[1.0, None]],
        "error": [[0.5, None]],
        "status": [["OK", "KINK"]],
        "success": [[True, False]],
        "step": [[0.125, 0.125]],
        "noise": [[1e-16, 1e-16]],
        "left": [[None, None]],
        "right": [[None, None]],
        "nfev": 33,
        "method": "auto",
        "messages": [Status.OK.message, Status.KINK.message, "far"],
        "notes": ["far"],
    }


def test_to_dict_of_scalars_and_complex_values():
    found = estimate(np.complex128(1 - 2j), 0.5, nfev=np.int64(3)).to_dict()
    assert found["value"] == {"real": 1.0, "imag": -2.0}
    assert found["status"] == "OK"
    assert found["success"] is True
    assert type(found["nfev"]) is int
