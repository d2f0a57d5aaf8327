# ruff: noqa: ARG005  (models do not depend on time)
"""Solvers inside f: with `accuracy` steps and bars are those of the model behind it."""

import math

import numpy as np
import pytest
from scipy.integrate import odeint, quad, solve_ivp
from scipy.optimize import brentq, fsolve, minimize, newton

import numdiff as nd
from numdiff import verify
from numdiff.cli import main
from tests.conftest import Counted

RATES = np.linspace(0.3, 1.1, 9)
LOADS = np.linspace(1.0, 6.0, 9)


def decay(method, rtol):
    def f(k):
        solved = solve_ivp(
            lambda t, y: -k * y, (0, 4), [2.0], method=method, rtol=rtol, atol=rtol * 1e-3
        )
        return solved.y[0, -1]

    return f


def by_odeint(rtol):
    return lambda k: odeint(lambda y, t: -k * y, [2.0], [0, 4], rtol=rtol, atol=rtol * 1e-3)[-1, 0]


def decay_slope(k):
    return -8 * math.exp(-4 * k)


def cubic(p):
    """The root of v**3 + v = p and its slope."""
    root = math.sqrt(p * p / 4 + 1 / 27)
    v = np.cbrt(p / 2 + root) - np.cbrt(root - p / 2)
    return 1 / (3 * v * v + 1)


INITIAL_VALUES = [
    (f"{name} {rtol}", decay(name, rtol), decay_slope, RATES, rtol)
    for name in ("RK45", "RK23", "DOP853", "Radau", "BDF", "LSODA")
    for rtol in (1e-3, 1e-6)
] + [(f"odeint {rtol}", by_odeint(rtol), decay_slope, RATES, rtol) for rtol in (1e-3, 1e-6)]
ROOTS = [
    ("brentq", lambda p: brentq(lambda v: v**3 + v - p, 0, 10, xtol=1e-5), cubic, LOADS, 1e-5),
    ("newton", lambda p: float(newton(lambda v: v**3 + v - p, 1, tol=1e-4)), cubic, LOADS, 1e-4),
    ("fsolve", lambda p: fsolve(lambda v: v**3 + v - p, 1, xtol=1e-3)[0], cubic, LOADS, 1e-3),
    (
        "minimize",
        lambda p: minimize(lambda v: v[0] ** 4 / 4 + v[0] ** 2 / 2 - p * v[0], [1.0], tol=1e-3).x[
            0
        ],
        cubic,
        LOADS,
        1e-3,
    ),
    (
        "quad",
        lambda k: quad(lambda t: math.exp(-k * t) * abs(t - 1 / 3), 0, 2, epsrel=1e-4)[0],
        lambda k: -quad(lambda t: t * math.exp(-k * t) * abs(t - 1 / 3), 0, 2, points=[1 / 3])[0],
        RATES,
        1e-4,
    ),
]
SOLVERS = INITIAL_VALUES + ROOTS


@pytest.fixture(scope="module")
def found():
    """Every solver at nine points: names, bars, true errors and slopes."""
    rows = []
    for name, f, slope, points, accuracy in SOLVERS:
        for x in points:
            estimate = nd.derivative(f, x, accuracy=accuracy)
            rows.append((name, estimate.error, abs(estimate.value - slope(x)), estimate.success))
    return rows


def test_bars_cover_the_slope_of_the_model(found):
    covered = [error <= bar for _, bar, error, _ in found]
    assert np.mean(covered) >= 0.95
    assert not any(error > 10 * bar for _, bar, error, _ in found)
    assert all(success for *_, success in found)


@pytest.mark.parametrize(
    ("f", "accuracy"),
    [(decay("RK23", 1e-3), 1e-3), (decay("BDF", 1e-5), 1e-5), (decay("LSODA", 1e-5), 1e-5),
     (by_odeint(1e-5), 1e-5)],
)  # fmt: skip
def test_bars_cover_decays_over_many_time_constants(f, accuracy):
    rates = np.linspace(0.15, 1.15, 12)
    bars = [nd.derivative(f, k, accuracy=accuracy) for k in rates]
    covered = [abs(e.value - decay_slope(k)) <= e.error for e, k in zip(bars, rates, strict=True)]
    assert np.mean(covered) >= 0.8


def test_bars_are_of_use(found):
    assert np.median([bar / error for _, bar, error, _ in found]) <= 30


def test_without_accuracy_the_slope_is_that_of_the_code():
    """What the option is for: bars of f as coded are far too narrow for the model."""
    narrow = [
        nd.derivative(decay("RK45", 1e-3), x).error
        < abs(nd.derivative(decay("RK45", 1e-3), x).value - decay_slope(x))
        for x in RATES
    ]
    assert np.mean(narrow) > 0.5


def both(k):
    """A decay and a growth, by two rates."""
    solved = solve_ivp(lambda t, y: [-k[0] * y[0], k[1] * y[1]], (0, 2), [2.0, 1.0], rtol=1e-4)
    return solved.y[:, -1]


POINT = np.array([0.7, 0.4])
CURVED = 4 * math.exp(0.8)
JACOBIAN = np.diag([-4 * math.exp(-1.4), 2 * math.exp(0.8)])


@pytest.mark.parametrize(
    ("call", "truth"),
    [
        (lambda **o: nd.jacobian(both, POINT, **o), JACOBIAN),
        (lambda **o: nd.jacobian(both, POINT, sparsity=np.eye(2), **o).dense(), JACOBIAN),
        (lambda **o: nd.gradient(lambda k: both(k).sum(), POINT, **o), JACOBIAN.sum(axis=0)),
        (lambda **o: nd.jvp(both, POINT, [1.0, 2.0], **o), JACOBIAN @ [1.0, 2.0]),
        (lambda **o: nd.hessian(lambda k: both(k)[1], POINT, **o), np.diag([0, CURVED])),
        (lambda **o: nd.hessian_diagonal(lambda k: both(k)[1], POINT, **o), [0, CURVED]),
        (lambda **o: nd.hvp(lambda k: both(k)[1], POINT, [0, 1], **o), [0, CURVED]),
        (lambda **o: nd.local_model(both, POINT, order=1, **o).gradient, JACOBIAN),
        (lambda **o: nd.derivative(lambda k: both([k, k])[1], 0.4, order=2, **o), CURVED),
    ],
)  # fmt: skip
def test_every_operator_takes_it(call, truth):
    estimate = call(accuracy=1e-4)
    assert estimate.success.all()
    assert (np.abs(estimate.value - truth) <= estimate.error).all()
    assert np.max(estimate.error) > 1e-7


def test_the_size_of_f_around_x_counts_where_f_is_zero():
    """An oscillator that has come back to zero is as inexact as ever."""
    x = math.pi / 2
    oscillator = lambda w: solve_ivp(
        lambda t, y: [y[1], -w * w * y[0]], (0, 1), [1.0, 0.0], rtol=1e-3
    ).y[0, -1]
    estimate = nd.derivative(oscillator, x, accuracy=1e-3)
    assert abs(estimate.value + 1.0) <= estimate.error
    assert estimate.noise > 0.1 * 1e-3 * 0.1


@pytest.mark.parametrize("bounds", [(0.4, 2.0), (0.0, 0.4), (0.3999, 0.4001), None])
def test_bounds_hold_and_calls_are_counted(bounds):
    f = Counted(math.exp)
    asked = []
    g = lambda x: asked.append(float(x)) or f(x)
    estimate = nd.derivative(g, 0.4, accuracy=1e-6, bounds=bounds)
    low, high = bounds or (-math.inf, math.inf)
    assert low <= min(asked)
    assert max(asked) <= high
    assert estimate.nfev == f.calls
    assert asked.count(0.4) == 1
    assert abs(estimate.value - math.exp(0.4)) <= estimate.error


def test_a_single_step_costs_what_it_did():
    f = Counted(math.exp)
    nd.derivative(f, 0.4, accuracy=1e-6, method="central", step=1e-3)
    assert f.calls == 2


def test_noise_that_is_told_as_well_is_the_least():
    estimate = nd.derivative(math.exp, 0.4, accuracy=1e-9, noise=1e-3)
    assert estimate.noise == pytest.approx(1e-3)


def test_complex_values_have_one_size():
    estimate = nd.derivative(lambda x: np.exp(1j * x), 0.0, accuracy=1e-4)
    assert abs(estimate.value - 1j) <= estimate.error


def test_the_complex_step_of_a_solver_has_a_bar_of_the_model():
    def f(k):
        start = np.array([2.0 + 0 * k])
        found = solve_ivp(lambda t, y: -k * y, (0, 4), start, rtol=1e-3).y[0, -1]
        return found if np.iscomplexobj(k) else found.real

    for k in RATES:
        estimate = nd.derivative(f, k, method="complex", accuracy=1e-3)
        assert abs(estimate.value - decay_slope(k)) <= estimate.error < 0.1


@pytest.mark.parametrize(
    ("accuracy", "error", "words"),
    [
        (0.0, ValueError, "between 0 and 1"),
        (1.0, ValueError, "`noise`"),
        (-1e-3, ValueError, "accuracy"),
        (math.nan, ValueError, "accuracy"),
        ("1e-3", TypeError, "accuracy"),
    ],
)
def test_what_is_no_accuracy_is_refused(accuracy, error, words):
    with pytest.raises(error, match=words):
        nd.gradient(np.sum, [1.0], accuracy=accuracy)


@pytest.mark.parametrize(("f", "slope", "points", "accuracy"), [row[1:] for row in SOLVERS])
def test_verify_blames_no_right_slope(f, slope, points, accuracy):
    for x in points[::3]:
        right = np.array([slope(x)])
        report = verify.gradient(lambda q: f(q[0]), right, [x], accuracy=accuracy)
        assert report.verdict != "disagree"
        report = verify.directional(lambda q: f(q[0]), right, [x], accuracy=accuracy)
        assert report.verdict != "disagree"


def test_verify_still_sees_what_is_wrong_by_more():
    f = decay("RK45", 1e-6)
    wrong = lambda q: [-8 * math.exp(-4 * q[0]) * 1.01]
    assert verify.gradient(lambda q: f(q[0]), wrong, [0.7], accuracy=1e-6).verdict == "disagree"


def test_the_command_line_takes_it(capsys):
    assert main(["derivative", "math:exp", "--at", "1", "--accuracy", "1e-3", "--json"]) == 0
    assert '"NOISE_LIMITED"' in capsys.readouterr().out
    assert main(["noise", "math:exp", "--at", "1", "--accuracy", "1e-3"]) == 0
    assert main(["derivative", "math:exp", "--at", "1", "--accuracy", "2"]) == 3
    assert "--accuracy" in capsys.readouterr().err


def test_noise_level_sees_the_pieces_of_a_solver():
    levels = [nd.noise_level(decay("RK45", 1e-3), x) for x in RATES]
    seen = [found.kind == "deterministic" and 1e-6 < found.level < 3e-3 for found in levels]
    assert np.mean(seen) > 0.5
    sees_or_says = [
        found.kind == "deterministic" or "does not show" in str(found) for found in levels
    ]
    assert all(sees_or_says)


def test_noise_level_counts_and_takes_an_accuracy():
    f = Counted(math.exp)
    found = nd.noise_level(f, 1.0, accuracy=1e-3)
    assert found.nfev == f.calls
    assert found.kind == "deterministic"
    assert found.level == pytest.approx(1e-3 * math.e / 3, rel=0.2)
