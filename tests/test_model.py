"""Local models: Taylor polynomials, Newton steps, kinds of points, covariances."""

import json
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize, rosen

import numdiff as nd
from numdiff.model.spectrum import spectrum_of


def counting(f):
    def counted(x):
        counted.calls += 1
        return f(x)

    counted.calls = 0
    return counted


def _two(x):
    return x[0] ** 2 + x[1] ** 2 + 2 * x[0] * x[1] + 3 * x[0] + 4 * x[1]


def _three(x):
    return (
        *(x[0] ** 2 + x[1] ** 2 + x[2] ** 2 + 2 * x[0] * x[1] + 3 * x[1] * x[2],),
        *(4 * x[0] + 5 * x[1] + 6 * x[2],),
    )


def _sum_of(parts):
    return lambda x: sum(parts(x))


def _quadratic(rng, n):
    matrix = rng.normal(size=(n, n))
    matrix += matrix.T
    slope = rng.normal(size=n)
    return (lambda x: x @ matrix @ x / 2 + slope @ x), matrix, slope


def _bowl(curvatures):
    scale = np.asarray(curvatures)
    return lambda x: 0.5 * (scale * x * x).sum()


# --- worked examples ---


def test_two_variables():
    model = nd.local_model(_two, [1.0, 1.0])
    assert model.value == 11.0
    np.testing.assert_allclose(model.gradient.value, [7.0, 8.0], rtol=1e-12)
    np.testing.assert_allclose(model.hessian.value, [[2.0, 2.0], [2.0, 2.0]], rtol=1e-11)
    for w in ([2.0, 3.0], [-4.0, 0.5]):
        prediction = model.predict(w)
        assert abs(prediction.value - _two(np.array(w))) <= prediction.error < 1e-10


def test_three_variables():
    model = nd.local_model(_sum_of(_three), [1.0, 1.0, 1.0])
    np.testing.assert_allclose(model.gradient.value, [8.0, 12.0, 11.0], rtol=1e-12)
    matrix = [[2.0, 2.0, 0.0], [2.0, 2.0, 3.0], [0.0, 3.0, 2.0]]
    np.testing.assert_allclose(model.hessian.value, matrix, atol=1e-11)
    assert model.critical_point().kind == "not critical"


def test_one_number():
    first = nd.local_model(lambda x: x**2 + 2 * x + 1, 1.0, order=1)
    second = nd.local_model(lambda x: x**2 + 2 * x + 1, 1.0, order=2)
    points = np.array([-1.0, 0.0, 3.0])
    np.testing.assert_allclose(first.predict(points).value, 4 + 4 * (points - 1), atol=1e-11)
    parabola = 4 + 4 * (points - 1) + (points - 1) ** 2
    np.testing.assert_allclose(second.predict(points).value, parabola, atol=1e-11)
    assert second.newton_step().value == pytest.approx(-2.0, rel=1e-11)
    assert first.order == 1
    assert second.order == 2


def test_several_outputs_take_the_jacobian_times_a_vector():
    def f(x):
        return np.array([x[0] * x[1], x[0] ** 2, 3.0])

    model = nd.local_model(f, [1.0, 2.0], order=1)
    away = np.array([0.5, -0.25])
    matrix = np.array([[2.0, 1.0], [2.0, 0.0], [0.0, 0.0]])
    np.testing.assert_allclose(model.jacobian.value, matrix, atol=1e-12)
    prediction = model.predict(model.x + away)
    np.testing.assert_allclose(prediction.value, [2.0, 1.0, 3.0] + matrix @ away, atol=1e-12)
    assert model.predict([[1.0, 2.0], [2.0, 2.0], [0.0, 0.0]]).value.shape == (3, 3)
    with pytest.raises(ValueError, match="order=1"):
        nd.local_model(f, [1.0, 2.0])
    with pytest.raises(ValueError, match="several outputs"):
        model.steepest_ascent()


# --- the same points serve gradient and Hessian ---


@pytest.mark.parametrize(
    "f",
    [
        rosen,
        lambda x: np.exp(0.3 * x.sum()) + np.sin(x).sum(),
        lambda x: (x**2).sum() + x.prod(),
    ],
)
@pytest.mark.parametrize("n", [2, 5])
def test_a_model_costs_what_its_hessian_does(f, n):
    x = np.random.default_rng(n).normal(size=n)
    counted = counting(f)
    model = nd.local_model(counted, x)
    # one pair of points at most, where the slope along an axis needs a look of its own
    assert counted.calls == model.nfev <= nd.hessian(f, x).nfev + 2
    plain = nd.gradient(f, x)
    assert np.all(abs(model.gradient.value - plain.value) <= model.gradient.error + plain.error)
    np.testing.assert_array_equal(model.hessian.value, nd.hessian(f, x).value)


def test_samples_of_one_side_serve_as_well():
    f, x = rosen, np.array([0.0, 0.5, 2.0])
    counted = counting(f)
    model = nd.local_model(counted, x, bounds=([0.0, -1.0, -1.0], [3.0, 3.0, 2.0]))
    assert counted.calls == model.nfev
    assert model.gradient.status.tolist() == [nd.Status.ONE_SIDED, 0, nd.Status.ONE_SIDED]
    truth = nd.gradient(f, x)
    assert np.all(abs(model.gradient.value - truth.value) <= model.gradient.error + truth.error)
    assert model.nfev < nd.hessian(f, x, bounds=([0, -1, -1], [3, 3, 2])).nfev + 2 * x.size


@pytest.mark.parametrize("noise", [1e-10, 1e-6, 1e-3])
def test_gradients_under_noise_are_covered(noise):
    covered = total = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=4)

        def f(w):
            key = np.random.default_rng(zlib.crc32(w.tobytes()))
            return np.sin(w).sum() + w[0] * w[1] + noise * key.normal()

        truth = np.cos(x)
        truth[:2] += x[1], x[0]
        gradient = nd.local_model(f, x).gradient
        covered += np.count_nonzero(abs(gradient.value - truth) <= gradient.error)
        total += truth.size
    assert covered >= 0.95 * total


def test_fixed_steps_and_methods_without_second_derivatives():
    model = nd.local_model(rosen, [1.2, 0.7], method="central", step=1e-3)
    assert (model.gradient.status == nd.Status.SINGLE_STEP).all()
    assert nd.local_model(rosen, [1.2, 0.7], 1, method="complex").gradient.success.all()
    with pytest.raises(ValueError, match="complex"):
        nd.local_model(rosen, [1.2, 0.7], method="complex")


# --- predictions ---


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(1, 5))
def test_bars_of_predictions_cover_random_quadratics(seed, n):
    rng = np.random.default_rng(seed)
    f, matrix, slope = _quadratic(rng, n)
    x, points = rng.normal(size=n), rng.normal(size=(6, n)) * 10.0 ** rng.uniform(-3, 3, (6, 1))
    model = nd.local_model(f, x)
    exact = np.array([f(w) for w in points])
    rounding = 1e-14 * np.array(
        [abs(w) @ abs(matrix) @ abs(w) + abs(slope) @ abs(w) for w in points]
    )
    prediction = model.predict(points)
    assert np.all(abs(prediction.value - exact) <= prediction.error + rounding)
    gradient = model.predict_gradient(points)
    rounding = 1e-14 * (abs(points) @ abs(matrix) + abs(slope))
    assert np.all(abs(gradient.value - points @ matrix - slope) <= gradient.error + rounding)


def test_bars_grow_with_the_distance_and_say_what_is_not_in_them():
    model = nd.local_model(rosen, [1.2, 0.7])
    bars = model.predict(model.x + np.outer([0.0, 0.1, 1.0, 10.0], [1.0, 1.0])).error
    assert np.all(np.diff(bars) > 0.0)
    assert any("remainder" in message for message in model.predict(model.x).messages)


def test_what_is_flagged_spoils_only_what_it_reaches():
    model = nd.local_model(lambda x: abs(x[0]) + x[1] ** 2, [0.0, 1.0])
    prediction = model.predict([[0.0, 3.0], [1.0, 1.0]])
    assert prediction.value[0] == pytest.approx(9.0, rel=1e-10)
    assert prediction.success.tolist() == [True, False]
    assert np.isinf(prediction.error[1])
    assert model.critical_point().kind == "unknown"
    for call in (model.steepest_ascent, model.newton_step, model.covariance):
        with pytest.raises(ValueError, match="slopes left and right"):
            call()


def test_shapes_are_those_of_x():
    x = np.arange(6.0).reshape(2, 3) / 10.0
    model = nd.local_model(lambda w: (w**2).sum() + w[0, 0] * w[1, 2], x)
    assert model.hessian.value.shape == (2, 3, 2, 3)
    assert model.covariance().value.shape == (2, 3, 2, 3)
    assert model.newton_step().value.shape == model.steepest_ascent().value.shape == (2, 3)
    assert model.predict(np.zeros((5, 2, 3))).value.shape == (5,)
    with pytest.raises(ValueError, match=r"\(2, 3\)"):
        model.predict(np.zeros(3))


# --- steps ---


def test_newton_steps_end_at_the_minimum_of_a_quadratic():
    f = _bowl([1e4, 1.0, 1e-3])
    model = nd.local_model(f, [1.0, -2.0, 3.0])
    step = model.newton_step()
    assert np.all(abs(step.value + model.x) <= step.error)
    assert step.condition == pytest.approx(1e7, rel=1e-6)
    assert not step.modified


def test_newton_steps_of_other_hessians_are_refused_or_lead_downhill():
    saddle = nd.local_model(lambda x: x[0] ** 2 - x[1] ** 2, [1.0, 1.0])
    with pytest.raises(np.linalg.LinAlgError, match="indefinite"):
        saddle.newton_step()
    step = saddle.newton_step(modify=True)
    assert step.modified
    assert step.value @ saddle.gradient.value < 0.0
    np.testing.assert_allclose(step.value, [-1.0, 1.0], rtol=1e-9)
    flat = nd.local_model(_two, [1.0, 1.0])
    with pytest.raises(ValueError, match="singular"):
        flat.newton_step()
    assert flat.newton_step(modify=True).value @ flat.gradient.value < 0.0
    top = nd.local_model(lambda x: -(x**2).sum(), [1.0, 1.0])
    np.testing.assert_allclose(top.newton_step().value, [-1.0, -1.0], rtol=1e-9)


def test_newton_steps_solve_rosenbrock():
    x = np.array([-1.2, 1.0])
    for _ in range(30):
        x = x + nd.local_model(rosen, x).newton_step(modify=True).value
    np.testing.assert_allclose(x, 1.0, atol=1e-9)


def test_steepest_ascent_is_the_unit_gradient():
    model = nd.local_model(rosen, [-1.2, 1.0])
    ascent = model.steepest_ascent()
    exact = np.array([-215.6, -88.0])
    assert np.all(abs(ascent.value - exact / np.linalg.norm(exact)) <= ascent.error)
    assert np.linalg.norm(ascent.value) == pytest.approx(1.0, abs=1e-14)
    with pytest.raises(ValueError, match="zero within its bar"):
        nd.local_model(rosen, [1.0, 1.0]).steepest_ascent()


def test_the_covariance_of_a_likelihood():
    rng = np.random.default_rng(1)
    data = rng.normal(2.0, 3.0, 400)

    def nll(p):
        return data.size * p[1] + 0.5 * ((data - p[0]) ** 2).sum() * np.exp(-2 * p[1])

    best = np.array([data.mean(), np.log(data.std())])
    model = nd.local_model(nll, best)
    assert model.critical_point(gtol=1e-6).kind == "minimum"
    covariance, exact = model.covariance(), np.diag([data.var() / 400, 0.5 / 400])
    assert np.all(abs(covariance.value - exact) <= covariance.error + 1e-15)
    np.testing.assert_allclose(model.covariance(2.0).value, 2.0 * covariance.value)
    with pytest.raises(np.linalg.LinAlgError, match="positive definite"):
        nd.local_model(lambda p: -nll(p), best).covariance()


# --- kinds of points ---


@pytest.mark.parametrize("size", [1e-9, 1e-3, 1.0, 1e3, 1e9])
@pytest.mark.parametrize(
    ("curvatures", "kind"),
    [
        ([1.0, 2.0, 3.0], "minimum"),
        ([-1.0, -2.0, -3.0], "maximum"),
        ([1.0, -2.0, 3.0], "saddle"),
        ([1.0, 0.0, 3.0], "degenerate"),
        ([0.0, 0.0, 0.0], "degenerate"),
    ],
)
def test_kinds_of_points(curvatures, kind, size):
    model = nd.local_model(_bowl(np.array(curvatures) * size), np.zeros(3))
    point = model.critical_point()
    assert point.kind == kind
    exact = np.sort(np.array(curvatures) * size)
    assert np.all(abs(point.eigenvalues.value - exact) <= point.eigenvalues.error)
    assert kind in str(point)
    assert kind in str(model)


@pytest.mark.parametrize(
    ("curvatures", "kind"),
    [([1e9, 1e-9], "minimum"), ([-1e9, -1e-9], "maximum"), ([1e9, -1e-9], "saddle")],
)
def test_eigenvalues_of_very_different_size(curvatures, kind):
    point = nd.local_model(_bowl(curvatures), np.zeros(2)).critical_point()
    assert point.kind == kind
    assert np.all(abs(point.eigenvalues.value - np.sort(curvatures)) <= point.eigenvalues.error)
    if kind != "saddle":
        assert np.all(point.eigenvalues.error < 1e-3 * abs(point.eigenvalues.value))


def test_kinds_of_textbook_points():
    kinds = {
        "monkey saddle": (lambda x: x[0] ** 3 - 3 * x[0] * x[1] ** 2, [0.0, 0.0], "degenerate"),
        "x y": (lambda x: x[0] * x[1], [0.0, 0.0], "saddle"),
        "cosines": (lambda x: np.cos(x).sum(), [0.0, 0.0], "maximum"),
        "himmelblau": (
            lambda x: (x[0] ** 2 + x[1] - 11) ** 2 + (x[0] + x[1] ** 2 - 7) ** 2,
            [3.0, 2.0],
            "minimum",
        ),
        "slope": (lambda x: x.sum(), [0.0, 0.0], "not critical"),
        "quartic": (lambda x: (x**4).sum(), [0.0, 0.0], "degenerate"),
    }
    found = {name: nd.local_model(f, x).critical_point().kind for name, (f, x, _) in kinds.items()}
    assert found == {name: kind for name, (*_, kind) in kinds.items()}


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_kinds_under_noise(sign):
    def f(x):
        key = np.random.default_rng(zlib.crc32(x.tobytes()))
        return sign * (x[0] ** 2 + 3 * x[1] ** 2 + x[0] * x[1]) + 1e-8 * key.normal()

    kinds = {nd.local_model(f, [0.0, 0.0], noise=1e-8).critical_point(gtol=1e-3).kind}
    assert kinds == {"minimum" if sign > 0 else "maximum"}


def test_an_optimisers_end_is_a_minimum_within_a_tolerance():
    end = minimize(rosen, [-1.2, 1.0], jac=lambda x: nd.gradient(rosen, x).value).x
    assert nd.local_model(rosen, end).critical_point(gtol=1e-4).kind == "minimum"


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(1, 6), wide=st.floats(-14, -2))
def test_eigenvalues_of_disturbed_matrices_stay_in_their_bars(seed, n, wide):
    rng = np.random.default_rng(seed)
    scale = np.diag(10.0 ** rng.uniform(-4, 4, n))
    half = rng.normal(size=(n, n))
    matrix = scale @ (half @ half.T if seed % 2 else half + half.T) @ scale
    bars = abs(matrix) * 10.0**wide
    found = spectrum_of(matrix, bars)
    for _ in range(5):
        shift = bars * rng.uniform(-1, 1, (n, n))
        other = matrix + np.triu(shift) + np.triu(shift, 1).T
        exact = np.linalg.eigvalsh(other)
        rounding = 1e-14 * n * abs(exact).max()
        assert np.all(abs(exact - found.values) <= found.bars + rounding)
        assert np.all(
            (np.sign(exact) == found.signs) | (found.signs == 0) | (abs(exact) < rounding)
        )


def test_inverses_and_solutions_stay_in_their_bars():
    rng = np.random.default_rng(5)
    half = rng.normal(size=(4, 4))
    matrix = half @ half.T + np.eye(4)
    bars = 1e-3 * abs(matrix)
    found, right = spectrum_of(matrix, bars), rng.normal(size=4)
    inverse, spread = found.inverse()
    solution, unsure = found.solve(right, np.full(4, 1e-3))
    for _ in range(50):
        shift = bars * rng.choice([-1.0, 1.0], (4, 4))
        other = matrix + np.triu(shift) + np.triu(shift, 1).T
        assert np.all(abs(np.linalg.inv(other) - inverse) <= spread)
        moved = right + 1e-3 * rng.choice([-1.0, 1.0], 4)
        assert np.all(abs(np.linalg.solve(other, moved) - solution) <= unsure)


# --- the face ---


def test_wrong_uses_say_so():
    with pytest.raises(ValueError, match="`order` must be 1 or 2"):
        nd.local_model(rosen, [1.0, 1.0], order=3)
    first = nd.local_model(rosen, [1.0, 1.0], order=1)
    for name in ("newton_step", "critical_point", "covariance"):
        with pytest.raises(ValueError, match="order=2"):
            getattr(first, name)()
    with pytest.raises(ValueError, match="order=2"):
        first.predict_gradient([1.0, 1.0])


def test_models_print_and_become_json():
    model = nd.local_model(rosen, [1.0, 1.0])
    text = str(model)
    for word in ("gradient", "eigenvalues", "minimum", "Newton step", "condition"):
        assert word in text
    plain = json.loads(json.dumps(model.to_dict(), allow_nan=False))
    assert plain["kind"] == "minimum"
    assert plain["newton_step"]["success"] == [True, True]
    flat = json.loads(json.dumps(nd.local_model(_two, [1.0, 1.0]).to_dict(), allow_nan=False))
    assert flat["newton_step"] is None
    assert "singular" in flat["newton_message"]


def test_f_is_left_alone():
    x = np.array([1.0, 2.0])
    model = nd.local_model(lambda w: (w**2).sum(), x)
    model.x[0] = 7.0
    assert x.tolist() == [1.0, 2.0]
