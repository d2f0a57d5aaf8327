"""Error bars can be believed: no lies, cover as promised, and no refuge in flags.

A lie is an error above ten bars that is not flagged.  An answer that is neither flagged nor given
with a finite bar counts as one: it misleads too.
"""

import math

import numpy as np
import pytest

from tests import test_accuracy
from tests.conftest import (
    ABOVE,
    BELOW,
    COMPLEX,
    COMPLEX_GRADIENT,
    OPERATORS,
    ORDERS,
    figures,
    key_of,
    tasks_of,
)
from tests.corpus.scalar import CATEGORIES
from tests.known import KNOWN_DISHONEST, KNOWN_SHORTFALLS, complaint
from tests.measuring.metrics import Outcome, Target, cover, share_flagged


def dishonest(outcome):
    """Which entries mislead whoever believes them."""
    without_bar = ~(np.isfinite(outcome.value) & np.isfinite(outcome.error))
    return outcome.lies | (~outcome.flagged & without_bar)


def told(outcome):
    """The worst that was said, for the message of a failing test."""
    excess = np.where(dishonest(outcome), np.nan_to_num(outcome.true_error, nan=np.inf), -1)
    worst = np.argmax(excess)
    return (
        f"{outcome.value[worst]:.17g} +- {outcome.error[worst]:.2g}, "
        f"off by {outcome.true_error[worst]:.2g} ({outcome.note})"
    )


# --- Lies, problem by problem ---

PROBLEMS = list(
    dict.fromkeys((name, key_of(name, task)[1]) for name in OPERATORS for task in tasks_of(name))
)


@pytest.mark.parametrize(("operator", "problem"), PROBLEMS, ids=map(": ".join, PROBLEMS))
def test_no_lies(operator, problem, outcomes):
    answers = {key: said for key, said in outcomes(operator).items() if key[1] == problem}
    assert answers
    lies = {key: told(said) for key, said in answers.items() if dishonest(said).any()}
    new = [f"{key!r},  # {lie}" for key, lie in lies.items() if key not in KNOWN_DISHONEST]
    assert not new, "\n".join(new)


def test_known_lies_are_still_told(outcomes):
    """Whoever mends one takes it off the list; a name that does not exist is found as well."""
    still = {
        key
        for operator in OPERATORS
        for key, said in outcomes(operator).items()
        if dishonest(said).any()
    }
    mended = [f"remove {key!r}" for key in KNOWN_DISHONEST - still]
    assert not mended, "\n".join(mended)


def test_what_is_dishonest():
    def says(value, error, *, flagged=False):
        one = np.array([1.0])
        return Outcome("", "", "", "", one, value * one, error * one, flagged * one > 0, 1, 1)

    assert dishonest(says(1.1, 0.009))
    assert not dishonest(says(1.1, 0.011))
    assert not dishonest(says(1.1, 0.009, flagged=True))
    assert dishonest(says(1.0, math.nan))
    assert dishonest(says(1.0, math.inf))
    assert dishonest(says(math.nan, 1.0))
    assert not dishonest(says(math.nan, math.inf, flagged=True))


# --- Cover and flags ---

PROMISED = Target(low=0.98)
COVER = {
    "derivative": PROMISED,
    **{f"derivative, {category}": Target(low=0.95) for category in sorted(CATEGORIES)},
    **{f"derivative {order}": Target(low=0.97) for order in ORDERS},
    ABOVE: PROMISED,
    BELOW: PROMISED,
    COMPLEX: PROMISED,
    "gradient": PROMISED,
    COMPLEX_GRADIENT: PROMISED,
    "jacobian": PROMISED,
    "hessian": Target(low=0.97),
    "jvp": PROMISED,
}
FIRST_DERIVATIVES = ("derivative", ABOVE, BELOW, "gradient", "jacobian", "jvp")
FALSE_FLAGS = dict.fromkeys(FIRST_DERIVATIVES, Target(high=0.005))
FIGURES = {
    **figures("cover", cover, COVER),
    **figures("false flags", share_flagged, FALSE_FLAGS),
}


@pytest.mark.parametrize("name", FIGURES)
def test_figures(name, outcomes):
    figure = FIGURES[name]
    said = complaint(name, figure.of(outcomes(figure.operator)), figure.target, KNOWN_SHORTFALLS)
    assert not said, said


# --- The lists of what is known to fail ---


def test_known_shortfalls_are_of_figures_that_exist():
    assert not set(KNOWN_SHORTFALLS) - {*FIGURES, *test_accuracy.FIGURES}


@pytest.mark.parametrize(
    ("figure", "target", "said"),
    [
        (0.985, Target(low=0.98), ""),
        (0.975, Target(low=0.98), "other is 0.975, must be >= 0.98"),
        (math.nan, Target(low=0.98), "other is nan, must be >= 0.98"),
        (9.0, Target(2, 8), "other is 9, must be 2 to 8"),
    ],
)
def test_complaints_about_a_figure(figure, target, said):
    assert complaint("other", figure, target, {"cover": (0.98, 0.97)}) == said


@pytest.mark.parametrize(
    ("figure", "known", "target", "said"),
    [
        (0.97, (0.98, 0.97), Target(low=0.98), ""),
        (0.975, (0.98, 0.97), Target(low=0.98), ""),
        (0.969, (0.98, 0.97), Target(low=0.98), ""),  # another processor
        (0.981, (0.98, 0.97), Target(low=0.98), ""),
        (0.96, (0.98, 0.97), Target(low=0.98), "cover is 0.96, had reached 0.97"),
        (0.99, (0.98, 0.97), Target(low=0.98), "which is >= 0.98: remove it"),
        (math.nan, (0.98, 0.97), Target(low=0.98), "had reached"),
        (14.4, (14, 14.5), Target(high=14), ""),
        (14.7, (14, 14.5), Target(high=14), "had reached 14.5"),
        (13.8, (14, 14.5), Target(high=14), "remove it"),
        (8.5, (8, 9), Target(2, 8), ""),
        (1.0, (2, 1.5), Target(2, 8), "had reached 1.5"),
        (0.97, (0.95, 0.9), Target(low=0.98), "must be >= 0.98, not 0.95"),
    ],
)
def test_complaints_about_a_known_shortfall(figure, known, target, said):
    found = complaint("cover", figure, target, {"cover": known})
    assert said in found
    assert bool(found) == bool(said)
