"""Every public name has an example in its docstring; that examples run, test_architecture tells."""

from __future__ import annotations

import doctest

import pytest

import numdiff as nd
from numdiff import native, plot, sparse, verify

PUBLIC = [(room, name) for room in (nd, native, plot, sparse, verify) for name in room.__all__]


@pytest.mark.parametrize(("room", "name"), PUBLIC, ids=lambda part: getattr(part, "__name__", part))
def test_a_public_name_has_an_example_that_shows_a_result(room, name):
    tests = doctest.DocTestFinder(recurse=False).find(getattr(room, name), name, globs={})
    assert any(example.want for test in tests for example in test.examples)
