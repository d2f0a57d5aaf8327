"""Kernels of the ladder by themselves, where their numbers have a closed form."""

import math

import numpy as np
import pytest

from numdiff.ladder.channels import channels
from numdiff.ladder.noise import together
from numdiff.ladder.registers import TERMS
from numdiff.ladder.roughness import unevenness
from numdiff.ladder.runtime import compiled
from numdiff.ladder.tableau import extrapolate, scale
from numdiff.methods import METHODS

LEVELS = 6


@pytest.mark.parametrize("side", [0, 1])
def test_a_jump_of_the_largest_step_is_seen_in_its_own_size(side):
    """Whatever weight the largest step has in the column where the jump is seen."""
    ways = channels(METHODS["auto"]._replace(side=side), 1)
    law = ways.shape[0]
    levels, table = np.zeros(LEVELS), np.zeros((LEVELS, LEVELS))
    levels[0] = 1e-9
    extrapolate(levels, 0, LEVELS, law, 1.0, table)
    floors = np.full(LEVELS, 1e-17)
    seen = unevenness(table, LEVELS, LEVELS - 1, law, 0, ways.gain[0, 1], 1e-17, floors)
    assert seen == pytest.approx(abs(table[law[TERMS] - 1, 0]))


@pytest.mark.parametrize("order", [1, 2, 3])
def test_rows_of_a_tableau_that_are_kept_have_the_same_bits(order):
    ways, random = channels(METHODS["auto"], order), np.random.default_rng(0)
    for law, factor in zip(ways.shape, ways.factor, strict=True):
        levels, whole, grown = random.normal(size=LEVELS), *np.zeros((2, LEVELS, LEVELS))
        extrapolate(levels, 0, LEVELS, law, factor, whole)
        first = int(law[TERMS])
        for n in range(first, LEVELS + 1):
            extrapolate(levels, n - 1 if n > first else 0, n, law, factor, grown)
        np.testing.assert_array_equal(np.tril(grown, 1 - first), np.tril(whole, 1 - first))


@pytest.mark.parametrize("exponent", [0, -1, 999, 1000, 1001, -1000, -1001, -1074, 2500, -2500])
def test_scaling_is_exact_and_never_raises(exponent):
    with np.errstate(all="ignore"):
        for value in (1.5, -3e-200, 7e300):
            assert scale(value, exponent) == np.ldexp(value, exponent)


def test_two_errors_are_together_what_they_are_at_any_scale_and_in_the_same_bits():
    random, twin = np.random.default_rng(0), compiled(together)
    assert together(0.0, 0.0) == 0.0
    for scale_of_f in (1.0, 2.0**-1000, 2.0**1000):
        for one, other in random.uniform(0.0, 1.0, (2000, 2)) * scale_of_f:
            found = together(one, other)
            assert found == twin(one, other)
            assert found == pytest.approx(math.hypot(one, other), rel=4e-16)
