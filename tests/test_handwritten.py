"""Derivatives as third parties write them: right ones are agreed to, slips in their source seen."""

import pytest

from numdiff import verify
from tests.corpus.handwritten import RIGHT, WRONG


@pytest.mark.parametrize("case", RIGHT, ids=lambda case: case.name)
def test_right_derivatives_are_agreed_to(case):
    report = verify.gradient(*case.load())
    assert report.verdict == "agree"
    assert report.nfev <= 25 * report.coverage.tested + 10


@pytest.mark.parametrize("case", WRONG, ids=lambda case: f"{case.name}: {case.slip}")
def test_slips_are_seen(case):
    assert verify.gradient(*case.load()).verdict == "disagree"


def test_both_halves_are_there():
    for cases in (RIGHT, WRONG):
        assert {case.half for case in cases} == {"tune", "confirm"}
