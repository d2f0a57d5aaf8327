"""SciPy's optimisers and solvers, driven by the operators, reach the optimum that is known.

numdiff has no optimiser of its own. Each problem has an optimum in closed form, in a table that
others certified, or from a computation that uses no derivative of ours.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from scipy import linalg, optimize, special
from scipy.integrate import solve_ivp
from scipy.optimize import minimize, rosen

import numdiff as nd

START = np.array(
    [1.3, 0.7, 0.8, 1.9, 1.2]
)  # for Rosenbrock's valley, whose minimum is at 1, 1, ...
MATRIX = np.array([[3.0, 1.0, 0.0], [1.0, 2.0, 0.5], [0.0, 0.5, 1.0]])
TARGET = np.array([1.0, -2.0, 0.5])


def gradient_of(f, **options):
    return lambda x: nd.gradient(f, x, **options).value


def hessian_of(f):
    return lambda x: nd.hessian(f, x).value


def product_of(f):
    return lambda x, v: nd.hvp(f, x, v).value


def jacobian_of(f):
    return lambda x: nd.jacobian(f, x).value


def bowl(x):
    return 0.5 * x @ MATRIX @ x - TARGET @ x


# --- Minima without bounds ---


def test_gradient_descent_with_a_line_search():
    x, rates = np.zeros(3), []
    while np.linalg.norm(slope := nd.gradient(bowl, x).value) > 1e-6:
        rates.append(optimize.line_search(bowl, gradient_of(bowl), x, -slope, gfk=slope)[0])
        x = x - rates[-1] * slope
    assert 5 < len(rates) < 100
    assert x == pytest.approx(np.linalg.solve(MATRIX, TARGET), abs=2e-6)


def test_newtons_method_needs_one_step_for_a_quadratic_function():
    x = np.array([30.0, -20.0, 10.0])
    step = np.linalg.solve(nd.hessian(bowl, x).value, -nd.gradient(bowl, x).value)
    assert x + step == pytest.approx(np.linalg.solve(MATRIX, TARGET), rel=1e-10)


@pytest.mark.parametrize(
    ("method", "second", "gate"),
    [
        ("CG", {}, "gtol"),
        ("BFGS", {}, "gtol"),
        ("L-BFGS-B", {}, "gtol"),
        ("Newton-CG", {"hess": hessian_of(rosen)}, "xtol"),
        ("Newton-CG", {"hessp": product_of(rosen)}, "xtol"),
        ("dogleg", {"hess": hessian_of(rosen)}, "gtol"),
        ("trust-ncg", {"hessp": product_of(rosen)}, "gtol"),
        ("trust-krylov", {"hessp": product_of(rosen)}, "gtol"),
        ("trust-exact", {"hess": hessian_of(rosen)}, "gtol"),
    ],
)
def test_the_bottom_of_the_valley_is_found(method, second, gate):
    start = START if method != "dogleg" else np.array([0.9, 0.8])  # it needs a convex start
    options = {gate: 1e-9} | ({"ftol": 1e-15} if method == "L-BFGS-B" else {})
    found = minimize(rosen, start, method=method, jac=gradient_of(rosen), options=options, **second)
    assert found.success
    assert found.x == pytest.approx(np.ones(start.size), abs=2e-8)


def test_a_gradient_of_ours_is_as_good_as_the_exact_one():
    ours = minimize(rosen, START, method="BFGS", jac=gradient_of(rosen), options={"gtol": 1e-8})
    exact = minimize(rosen, START, method="BFGS", jac=optimize.rosen_der, options={"gtol": 1e-8})
    assert ours.success
    assert ours.nit == exact.nit
    assert ours.x == pytest.approx(exact.x, abs=1e-10)


# --- Bounds and constraints ---


class Watched:
    """f that is an error outside its bounds, and counts its calls."""

    def __init__(self, f, lower, upper):
        self.f, self.lower, self.upper, self.calls = f, lower, upper, 0

    def __call__(self, x):
        assert np.all((self.lower <= x) & (x <= self.upper)), f"f was asked at {x}"
        self.calls += 1
        return self.f(x)


@pytest.mark.parametrize("method", ["L-BFGS-B", "TNC", "SLSQP"])
def test_bounds_hold_for_every_call_and_the_optimum_lies_on_one(method):
    rng = np.random.default_rng(5)
    matrix, goal = rng.normal(size=(12, 6)), rng.normal(size=12)
    lower, upper = np.zeros(6), np.full(6, 0.15)
    true = optimize.lsq_linear(matrix, goal, (lower, upper), method="bvls", tol=1e-14).x
    assert np.any(true == lower)
    assert np.any(true == upper)
    assert np.any((lower < true) & (true < upper))
    bounds = optimize.Bounds(lower, upper)
    f = Watched(lambda x: np.sum((matrix @ x - goal) ** 2), lower, upper)
    slopes = []

    def jac(x):
        before = f.calls
        slopes.append(nd.gradient(f, x, bounds=bounds))
        assert f.calls - before == slopes[-1].nfev
        return slopes[-1].value

    options = {"gtol": 1e-11} if method == "TNC" else {"ftol": 1e-16}
    start = np.full(6, 0.05)
    found = minimize(f, start, method=method, jac=jac, bounds=bounds, options=options)
    assert found.x == pytest.approx(true, abs=1e-7)
    assert all(slope.success.all() for slope in slopes)
    assert slopes[-1].status.tolist().count(nd.Status.ONE_SIDED) >= 1


def test_a_domain_is_kept_where_f_raises_outside():
    def cost(x):
        return np.sum(x) - np.log(x[0]) - 2 * np.log(x[1])

    f = Watched(cost, 0.0, 2.5)
    box = (np.full(2, 1e-6), np.full(2, 2.5))
    jac = gradient_of(f, bounds=box)
    bounds = optimize.Bounds(*box)
    found = minimize(f, [2.5, 0.1], method="L-BFGS-B", jac=jac, bounds=bounds)
    assert found.x == pytest.approx([1.0, 2.0], abs=1e-5)


def hock_schittkowski(x):  # problem 71 of Hock and Schittkowski (1981)
    return x[0] * x[3] * (x[0] + x[1] + x[2]) + x[2]


def sides(x):
    return np.array([np.prod(x) - 25.0, x @ x - 40.0])


def on_the_constraints():
    """Solve problem 71 without derivatives: x[0] = 1, and both constraints hold with equality."""

    def rest(last):
        total, product = 39.0 - last**2, 25.0 / last  # x1^2 + x2^2 and x1 x2
        large, small = np.sqrt(total + 2 * product), np.sqrt(total - 2 * product)
        return np.array([1.0, (large + small) / 2, (large - small) / 2, last])

    height = lambda last: hock_schittkowski(rest(last))
    last = optimize.minimize_scalar(height, bounds=(1.35, 1.45), options={"xatol": 1e-9}).x
    return rest(last)


def test_the_optimum_of_problem_71_is_the_published_one():
    assert on_the_constraints() == pytest.approx([1, 4.74299963, 3.82114998, 1.37940829], abs=2e-7)


def test_slsqp_with_jacobians_of_constraints():
    product = {
        "type": "ineq",
        "fun": lambda x: sides(x)[0],
        "jac": gradient_of(lambda x: sides(x)[0]),
    }
    square = {
        "type": "eq",
        "fun": lambda x: sides(x)[1:],
        "jac": jacobian_of(lambda x: sides(x)[1:]),
    }
    found = minimize(
        hock_schittkowski,
        [1.0, 5.0, 5.0, 1.0],
        method="SLSQP",
        jac=gradient_of(hock_schittkowski),
        bounds=[(1, 5)] * 4,
        constraints=[product, square],
        options={"ftol": 1e-11},
    )
    assert found.success
    assert found.x == pytest.approx(on_the_constraints(), abs=2e-7)
    assert found.fun == pytest.approx(17.0140172892, abs=1e-9)


def test_trust_constr_with_hessians_of_constraints():
    circle = lambda x: np.array([x @ x])
    constraint = optimize.NonlinearConstraint(
        circle,
        2.0,
        2.0,
        jac=jacobian_of(circle),
        hess=lambda x, v: nd.hessian(lambda y: v @ circle(y), x).value,
    )
    total = lambda x: x[0] + x[1]
    found = minimize(
        total,
        [-1.5, 0.4],
        method="trust-constr",
        jac=gradient_of(total),
        hess=hessian_of(total),
        constraints=constraint,
        options={"gtol": 1e-10},
    )
    assert found.x == pytest.approx([-1.0, -1.0], abs=1e-8)


# --- Least squares: NIST's Misra1a, with certified results ---

PRESSURE = np.array([
    77.6, 114.9, 141.1, 190.8, 239.9, 289, 332.8, 378.4, 434.8, 477.3, 536.8, 593.1, 689.1, 760.0,
])  # fmt: skip
VOLUME = np.array([
    10.07, 14.73, 17.94, 23.93, 29.61, 35.18, 40.02, 44.82, 50.76, 55.05, 61.01, 66.4, 75.47, 81.78,
])  # fmt: skip
CERTIFIED = np.array([2.3894212918e2, 5.5015643181e-4])
DEVIATIONS = np.array([2.7070075241, 7.2668688436e-6])


def adsorbed(x, most, rate):
    return most * (1.0 - np.exp(-rate * x))


@pytest.mark.parametrize("method", ["lm", "trf", "dogbox"])
def test_least_squares_reaches_the_certified_fit(method):
    residuals = lambda p: adsorbed(PRESSURE, *p) - VOLUME
    tight = {"ftol": 1e-15, "xtol": 1e-15, "gtol": 1e-15}
    scale = {} if method == "lm" else {"x_scale": "jac"}
    found = optimize.least_squares(
        residuals, [500.0, 1e-4], jac=jacobian_of(residuals), method=method, **tight, **scale
    )
    assert found.success
    assert found.x == pytest.approx(CERTIFIED, rel=1e-8)


def test_curve_fit_reaches_the_certified_standard_deviations():
    def jac(x, *parameters):
        return nd.jacobian(lambda p: adsorbed(x, *p), parameters).value

    fit, covariance = optimize.curve_fit(
        adsorbed, PRESSURE, VOLUME, p0=[250.0, 5e-4], jac=jac, xtol=1e-14, ftol=1e-14
    )
    assert fit == pytest.approx(CERTIFIED, rel=1e-8)
    assert np.sqrt(np.diag(covariance)) == pytest.approx(DEVIATIONS, rel=1e-8)


# --- Roots ---


def cubes(x):
    bend = 0.5 * (x[0] - x[1]) ** 3
    return [x[0] + bend - 1.0, x[1] - bend]


@pytest.mark.parametrize("method", ["hybr", "lm"])
def test_root_of_a_system(method):
    apart = next(r.real for r in np.roots([1.0, 0.0, 1.0, -1.0]) if abs(r.imag) < 1e-12)
    found = optimize.root(cubes, [0.0, 0.0], jac=jacobian_of(cubes), method=method, tol=1e-13)
    assert found.success
    assert found.x == pytest.approx([(1 + apart) / 2, (1 - apart) / 2], abs=1e-12)


@pytest.mark.parametrize("method", ["newton", "halley"])
def test_roots_of_a_bessel_function(method):
    slope = lambda x: float(nd.derivative(special.j0, x).value)
    bend = lambda x: float(nd.derivative(special.j0, x, order=2).value)
    for true in special.jn_zeros(0, 4):
        found = optimize.root_scalar(
            special.j0, x0=true + 0.4, fprime=slope, fprime2=bend, method=method, xtol=1e-14
        )
        assert found.converged
        assert found.iterations <= 6
        assert found.root == pytest.approx(true, abs=1e-13)


# --- Stiff equations ---


def robertson(t, y):
    slow, fast, square = 0.04 * y[0], 1e4 * y[1] * y[2], 3e7 * y[1] ** 2
    return np.array([fast - slow, slow - fast - square, square])


def robertson_jacobian(t, y):
    row = np.array([0.04, -1e4 * y[2], -1e4 * y[1]])
    bend = np.array([0.0, 6e7 * y[1], 0.0])
    return np.array([-row, row - bend, bend])


@pytest.mark.parametrize("method", ["Radau", "BDF"])
def test_a_stiff_problem_is_solved_as_with_the_exact_jacobian(method):
    true = [0.7158270687194, 9.185534764557e-6, 0.2841637457458]  # at t = 40
    options = {"method": method, "rtol": 1e-8, "atol": [1e-12, 1e-16, 1e-12]}

    def jac(t, y):
        found = nd.jacobian(partial(robertson, t), y)
        exact = robertson_jacobian(t, y)
        assert np.all(np.abs(found.value - exact) <= 2 * found.error)
        return found.value

    ours, exact = (
        solve_ivp(robertson, (0.0, 40.0), [1.0, 0.0, 0.0], jac=one, **options)
        for one in (jac, robertson_jacobian)
    )
    assert ours.success
    assert ours.njev == exact.njev
    assert ours.nfev <= 1.1 * exact.nfev
    assert ours.y[:, -1] == pytest.approx(true, rel=1e-6)


def test_a_time_dependent_stiff_problem_follows_its_exact_solution():
    pull = lambda t, y: -1e6 * (y - np.cos(t)) - np.sin(t)  # Prothero and Robinson (1974)
    jac = lambda t, y: nd.jacobian(partial(pull, t), y).value
    found = solve_ivp(pull, (0.0, 3.0), [1.0], method="Radau", jac=jac, rtol=1e-9, atol=1e-11)
    assert found.success
    assert found.nfev < 1000  # an explicit method would need a million
    assert found.y[0, -1] == pytest.approx(np.cos(3.0), abs=1e-8)


# --- Maximum likelihood: standard errors from the inverse Hessian ---


def test_standard_errors_of_a_gamma_distribution():
    sample = np.random.default_rng(11).gamma(3.0, 2.0, size=400)
    mean, logs = sample.mean(), np.log(sample).mean()

    def surprise(p):  # negative log-likelihood; p is (shape, scale)
        shape, scale = p
        each = (shape - 1) * logs - mean / scale - shape * np.log(scale) - special.gammaln(shape)
        return -sample.size * each

    shape = optimize.brentq(
        lambda a: np.log(a) - special.digamma(a) - np.log(mean) + logs, 0.1, 50.0, xtol=1e-14
    )
    true = np.array([shape, mean / shape])
    information = sample.size * np.array(
        [[special.polygamma(1, true[0]), 1 / true[1]], [1 / true[1], true[0] / true[1] ** 2]]
    )
    found = minimize(
        surprise,
        [1.0, 1.0],
        method="trust-exact",
        jac=gradient_of(surprise),
        hess=hessian_of(surprise),
        options={"gtol": 1e-7},
    )
    assert found.x == pytest.approx(true, rel=1e-8)
    curvature = nd.hessian(surprise, true)
    assert np.all(np.abs(curvature.value - information) <= curvature.error)
    errors = np.sqrt(np.diag(linalg.inv(nd.hessian(surprise, found.x).value)))
    assert errors == pytest.approx(np.sqrt(np.diag(linalg.inv(information))), rel=1e-7)


def test_standard_errors_of_a_logistic_regression():
    rng = np.random.default_rng(4)
    design = np.column_stack([np.ones(200), rng.normal(size=(200, 2))])
    chosen = rng.random(200) < special.expit(design @ [0.3, -1.0, 0.7])

    def surprise(w):
        signs = np.where(chosen, 1.0, -1.0)
        return -np.sum(special.log_expit(signs * (design @ w)))

    weights = np.zeros(3)
    for _ in range(20):  # iteratively reweighted least squares, the textbook's way
        chance = special.expit(design @ weights)
        information = design.T @ (design * (chance * (1 - chance))[:, None])
        weights = weights + linalg.solve(information, design.T @ (chosen - chance))
    found = minimize(
        surprise,
        np.zeros(3),
        method="Newton-CG",
        jac=gradient_of(surprise),
        hess=hessian_of(surprise),
        options={"xtol": 1e-10},
    )
    assert found.x == pytest.approx(weights, abs=1e-8)
    errors = np.sqrt(np.diag(linalg.inv(nd.hessian(surprise, found.x).value)))
    assert errors == pytest.approx(np.sqrt(np.diag(linalg.inv(information))), rel=1e-7)
