"""Stencils: exact weights and accuracy."""

import math
import pickle
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numdiff.stencil import Stencil

# Fornberg (1988), doi:10.1090/S0025-5718-1988-0935077-0: table 1 (central), table 3 (forward)
PUBLISHED_CENTRAL = [
    (1, 2, "-1/2 0 1/2"),
    (1, 4, "1/12 -2/3 0 2/3 -1/12"),
    (1, 6, "-1/60 3/20 -3/4 0 3/4 -3/20 1/60"),
    (1, 8, "1/280 -4/105 1/5 -4/5 0 4/5 -1/5 4/105 -1/280"),
    (2, 2, "1 -2 1"),
    (2, 4, "-1/12 4/3 -5/2 4/3 -1/12"),
    (2, 6, "1/90 -3/20 3/2 -49/18 3/2 -3/20 1/90"),
    (3, 2, "-1/2 1 0 -1 1/2"),
    (3, 4, "1/8 -1 13/8 0 -13/8 1 -1/8"),
    (4, 2, "1 -4 6 -4 1"),
    (4, 4, "-1/6 2 -13/2 28/3 -13/2 2 -1/6"),
]
PUBLISHED_FORWARD = [
    (1, 1, "-1 1"),
    (1, 2, "-3/2 2 -1/2"),
    (1, 3, "-11/6 3 -3/2 1/3"),
    (1, 4, "-25/12 4 -3 4/3 -1/4"),
    (2, 1, "1 -2 1"),
    (2, 2, "2 -5 4 -1"),
    (2, 3, "35/12 -26/3 19/2 -14/3 11/12"),
    (3, 1, "-1 3 -3 1"),
    (3, 2, "-5/2 9 -12 7 -3/2"),
    (4, 1, "1 -4 6 -4 1"),
]


def published(weights):
    return tuple(Fraction(weight) for weight in weights.split())


@pytest.mark.parametrize(("order", "accuracy", "weights"), PUBLISHED_CENTRAL)
def test_central_weights_are_the_published_ones(order, accuracy, weights):
    stencil = Stencil.central(order, accuracy)
    assert stencil.weights == published(weights)
    assert stencil.accuracy == accuracy


@pytest.mark.parametrize(("order", "accuracy", "weights"), PUBLISHED_FORWARD)
def test_forward_weights_are_the_published_ones(order, accuracy, weights):
    stencil = Stencil.forward(order, accuracy)
    assert stencil.weights == published(weights)
    assert stencil.accuracy == accuracy


@pytest.mark.parametrize(("order", "accuracy", "weights"), PUBLISHED_FORWARD)
def test_backward_is_forward_mirrored(order, accuracy, weights):
    stencil = Stencil.backward(order, accuracy)
    sign = (-1) ** order
    assert stencil.offsets == tuple(range(1 - order - accuracy, 1))
    assert stencil.weights == tuple(sign * weight for weight in reversed(published(weights)))
    assert stencil.accuracy == accuracy


def test_weights_of_uneven_offsets():
    # slopes (f0 - f-) / h and (f2 - f0) / 2h, weighted 2/3 and 1/3 so that f'' cancels
    assert Stencil((-1, 0, 2)).weights == (Fraction(-2, 3), Fraction(1, 2), Fraction(1, 6))
    assert Stencil((Fraction(-1, 2), Fraction(1, 2))).weights == (-1, 1)


@st.composite
def stencils(draw):
    order = draw(st.integers(1, 5))
    offset = st.fractions(-5, 5, max_denominator=12)
    offsets = st.lists(offset, min_size=order + 1, max_size=order + 5, unique=True)
    return Stencil(draw(offsets), order)


def applied(stencil, power, x=0, h=1):
    """Return what the stencil makes of x**power."""
    pairs = zip(stencil.weights, stencil.offsets, strict=True)
    return sum(w * (x + o * h) ** power for w, o in pairs) / Fraction(h) ** stencil.order


def derivative_of_power(order, power, x=0):
    return math.perm(power, order) * x ** (power - order) if power >= order else 0


@settings(deadline=None)
@given(stencils(), st.fractions(-3, 3), st.fractions(Fraction(1, 9), 9))
def test_exact_on_every_polynomial_it_promises(stencil, x, h):
    for power in range(stencil.order + stencil.accuracy):
        assert applied(stencil, power, x, h) == derivative_of_power(stencil.order, power, x)


@settings(deadline=None)
@given(stencils())
def test_accuracy_is_the_first_power_that_is_wrong(stencil):
    assert applied(stencil, stencil.order + stencil.accuracy) != 0


def test_symmetry_gives_a_bonus_order():
    assert Stencil((-1, 1)).accuracy == 2
    assert Stencil((-1, 0, 1), order=2).accuracy == 2
    assert Stencil((-3, -1, 1, 3)).accuracy == 4
    assert Stencil((-1, 0, 1, 2)).accuracy == 3


def test_lucky_offsets_give_a_bonus_order():
    # the third moment of a second-derivative formula on three points is their sum times two
    assert Stencil((-3, 1, 2), order=2).accuracy == 2
    assert Stencil((-3, 1, 3), order=2).accuracy == 1


def test_offsets_are_exact_and_sorted():
    assert Stencil((2, -1, 0)).offsets == (-1, 0, 2)
    assert Stencil((0.1, 0)).offsets == (0, Fraction(3602879701896397, 36028797018963968))
    assert Stencil(np.array([-1, 1])).offsets == (-1, 1)
    assert Stencil([np.float32(0.5), 0]).offsets == (0, Fraction(1, 2))


def test_numpy_integers_do_not_overflow():
    far = np.int64(2**40)
    exact = Stencil([-(2**40), 0, 1, 2**40])
    assert Stencil([-far, np.int64(0), np.int64(1), far]).weights == exact.weights


def test_stencils_are_values():
    stencil = Stencil.central(1, 2)
    assert stencil == Stencil((1, 0, -1))
    assert stencil != Stencil((-1, 0, 1), order=2)
    assert len({stencil, Stencil((-1.0, 0.0, 1.0)), Stencil((0, 1))}) == 2
    assert stencil.weights is stencil.weights
    assert pickle.loads(pickle.dumps(stencil)).weights == stencil.weights
    with pytest.raises(AttributeError):
        stencil.order = 2


@pytest.mark.parametrize("stencil", [Stencil.central(2, 4), Stencil((-0.5, 0.3, 3), order=2)])
def test_repr_gives_the_stencil_back(stencil):
    assert eval(repr(stencil), {"Stencil": Stencil, "Fraction": Fraction}) == stencil


def test_noise_gain_and_evaluations():
    assert Stencil.central(1, 2).noise_gain == pytest.approx(math.sqrt(0.5), rel=1e-15)
    assert Stencil.central(2, 2).noise_gain == pytest.approx(math.sqrt(6), rel=1e-15)
    assert Stencil.central(1, 2).evaluations == 2
    assert Stencil.central(2, 2).evaluations == 3


@pytest.mark.parametrize(
    ("make", "error", "sentence"),
    [
        (lambda: Stencil((0, 1, 1)), ValueError, "`offsets` must be distinct, but 1 occurs"),
        (lambda: Stencil((0, 1), order=2), ValueError, "needs at least 3"),
        (lambda: Stencil(()), ValueError, "has 0 points"),
        (lambda: Stencil((0, math.nan)), ValueError, "`offsets` must be finite, got nan"),
        (lambda: Stencil((0, math.inf)), ValueError, "`offsets` must be finite, got inf"),
        (lambda: Stencil("01"), TypeError, "`offsets` must be real numbers, got '0'"),
        (lambda: Stencil((0, 1j)), TypeError, "`offsets` must be real numbers"),
        (lambda: Stencil((0, Decimal(1))), TypeError, "`offsets` must be real numbers"),
        (lambda: Stencil((0, 1), order=0), ValueError, "`order` must be at least 1, got 0"),
        (lambda: Stencil((0, 1), order=1.0), TypeError, "`order` must be an integer, got 1.0"),
        (lambda: Stencil((0, 1), order=True), TypeError, "`order` must be an integer, got True"),
        (lambda: Stencil.central(1, 3), ValueError, "must be even, got 3: ask for 4"),
        (lambda: Stencil.central(0, 2), ValueError, "`order` must be at least 1"),
        (lambda: Stencil.central(1, 0), ValueError, "`accuracy` must be at least 1, got 0"),
        (lambda: Stencil.forward(-1), ValueError, "`order` must be at least 1, got -1"),
        (lambda: Stencil.forward(1, 0), ValueError, "`accuracy` must be at least 1"),
        (lambda: Stencil.backward(1, 1.5), TypeError, "`accuracy` must be an integer, got 1.5"),
    ],
)
def test_errors_name_the_argument_and_what_came(make, error, sentence):
    with pytest.raises(error) as caught:
        make()
    assert sentence in str(caught.value)
