"""What is suspicious at first sight only: a glance says what a closer look would."""

import numpy as np
import pytest
from scipy.optimize import rosen, rosen_der

import numdiff as nd
from numdiff.engine import by_ladder, diagnose
from numdiff.ladder import runtime
from tests import corpus
from tests.conftest import needs_the_compiler

FIELDS = ("value", "error", "status", "step", "noise", "left", "right", "nfev")
# along one of its entries rosen has hardly a second derivative there
FLAT = np.random.default_rng(0).uniform(-1.5, 1.5, 100)


@pytest.fixture(params=[np.inf, pytest.param(-1.0, marks=needs_the_compiler(reason="compiles"))])
def patience(request, monkeypatch):
    monkeypatch.setattr(runtime, "PATIENCE", request.param)


@pytest.fixture
def restless(monkeypatch):
    """How many directions were suspicious, before the glance and after it."""
    seen = []
    glance = by_ladder._dismissed

    def noted(problem, directions, limits, lines, order):
        left = glance(problem, directions, limits, lines, order)
        seen.append((lines.restless, left.restless))
        return left

    monkeypatch.setattr(by_ladder, "_dismissed", noted)
    return seen


def both(monkeypatch, call):
    found = call()
    with monkeypatch.context() as context:
        context.setattr(by_ladder, "_dismissed", lambda *given: given[3])
        return found, call()


def same(one, other):
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), name)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("order", [1, 2])
def test_a_closer_look_says_the_same(order, patience, monkeypatch, restless):
    for case in list(corpus.cases())[order::7]:
        same(*both(monkeypatch, lambda: nd.derivative(case.f, case.x, order=order)))  # noqa: B023
    before, after = np.sum(restless, axis=0)
    assert 0 < after < before


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_many_points_and_outputs_say_the_same(patience, monkeypatch, restless):
    points = 0.3 + np.random.default_rng(3).uniform(-1.0, 1.0, 200) ** 5
    for f in (lambda x: 1.0 / (1.0 + x * x), lambda x: abs(x - 0.3), lambda x: np.round(x, 6)):
        same(*both(monkeypatch, lambda: nd.derivative(f, points, vectorized=True)))  # noqa: B023
    torn = lambda x: np.array([rosen(x), abs(x).sum(), np.round(rosen(x), 5), x[0] ** 4])
    same(*both(monkeypatch, lambda: nd.jacobian(torn, [0.0, 0.5, -1.0])))
    assert restless


def test_hardly_bent_directions_are_not_looked_at_closer(patience, monkeypatch, restless):
    def never(*_):
        raise AssertionError

    monkeypatch.setattr(diagnose, "diagnose", never)
    found = nd.gradient(rosen, FLAT)
    assert restless == [(1, 0)]
    assert np.all(abs(found.value - rosen_der(FLAT)) <= 2.0 * found.error)


def test_kinks_are_looked_at_closer(patience, restless):
    found = nd.gradient(lambda x: abs(x[0] - 0.3) + x[1], [0.3, 1.0])
    assert found.status[0] == nd.Status.KINK
    assert restless[0][1] == 1
