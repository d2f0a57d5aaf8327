"""The reference pages: every constant has its law, and "how a bar is made" names what exists."""

from __future__ import annotations

import importlib
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

import numdiff as nd
from numdiff import bars
from tests.measuring.constants import constants_of

ROOT = Path(__file__).parents[1]
CONSTANTS = constants_of()


def test_every_constant_has_a_law():
    assert len(CONSTANTS) > 100
    assert not [constant.label for constant in CONSTANTS if len(constant.law) < 10]


def test_constants_are_read_with_their_values_and_laws():
    found = {constant.label: constant for constant in CONSTANTS}
    for label, law in (
        ("ladder.tableau.SIGMAS", "standard deviations of noise"),  # beside
        ("ladder.noise.STALL", "In units of the noise"),  # above, of two lines
        ("ladder.decide.LEAST_VAGUE", "levels before a stall"),  # several in a line
    ):
        module, _, name = label.rpartition(".")
        assert found[label].law.startswith(law)
        assert found[label].value == getattr(importlib.import_module(f"numdiff.{module}"), name)
    assert "ladder.check.REFUTES" not in found  # the name of a case


def test_the_page_on_bars_names_constants_and_statuses_that_exist():
    named = set(re.findall(r"`([A-Z_]{3,})`", bars.__doc__))
    known = {constant.name for constant in CONSTANTS} | {status.name for status in nd.Status}
    assert {"SIGMAS", "STALL", "KINK"} <= named <= known


def test_the_page_on_bars_has_the_numbers_of_the_code():
    value = {constant.label: constant.value for constant in CONSTANTS}
    assert f"{value['ladder.tableau.SIGMAS']} standard deviations (`SIGMAS`)" in bars.__doc__
    assert value["nonsmooth.kinks.SURE"] == 2.0
    assert "twice the sum of their bars" in bars.__doc__


@pytest.mark.skipif(importlib.util.find_spec("pdoc") is None, reason="extra docs: pdoc")
def test_pages_are_written_without_a_warning(tmp_path):
    command = [sys.executable, "-m", "docs", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    pages = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.rglob("*.html")}
    assert "MathJax" in pages["bars.html"]
    assert "<td>standard deviations of noise that a bar allows for" in pages["bars.html"]
    for name in nd.__all__:
        assert f'id="{name}"' in pages["numdiff.html"] or f"{name}.html" in pages
