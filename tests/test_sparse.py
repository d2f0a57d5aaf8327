"""Sparse Jacobians and Hessians: as dense ones, in fewer calls; patterns found and checked."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from scipy.optimize import least_squares, rosen, rosen_der, rosen_hess
from scipy.sparse.linalg import spsolve

import numdiff as nd
from numdiff import sparse
from tests.conftest import INTERPRETED
from tests.measuring.patterns import arrow, band, grid, random_pattern

TRIDIAGONAL = band(40, 1)


class Counted:
    """A function that counts its points."""

    def __init__(self, f):
        self.f, self.count = f, 0

    def __call__(self, x):
        self.count += 1
        return self.f(x)


def broyden(x):
    y = (3.0 - 2.0 * x) * x + 1.0
    y[1:] -= x[:-1]
    y[:-1] -= 2.0 * x[1:]
    return y * np.sin(x)


def broyden_slopes(x):
    y = (3.0 - 2.0 * x) * x + 1.0
    y[1:] -= x[:-1]
    y[:-1] -= 2.0 * x[1:]
    diagonal = (3.0 - 4.0 * x) * np.sin(x) + y * np.cos(x)
    beside = -np.sin(x[1:]), -2.0 * np.sin(x[:-1])
    return sp.diags_array([beside[0], diagonal, beside[1]], offsets=[-1, 0, 1]).tocsc()


def scattered(n, seed=0):
    """Entries of quite different sizes."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=n) * 10.0 ** rng.integers(-3, 4, n)


X = scattered(40)

WAYS = {
    "auto": {},
    "first step": {"step": 0.1 * np.maximum(np.abs(X), 1.0)},
    "richardson": {"method": "richardson", "step": 0.01},
    "central ladder": {"method": "central"},
    "forward": {"method": "forward", "step": 1e-7},
    "textbook": {"method": "central", "step": "textbook"},
    "own steps": {"method": "central", "step": 1e-5 * np.maximum(np.abs(X), 1.0)},
    "stencil": {"method": nd.Stencil.central(1, 4), "step": 1e-3},
    "complex": {"method": "complex"},
    "rule": {"method": "central", "step": "textbook", "noise": 1e-12},
    "vectorized": {"vectorized": True},
    "budget": {"max_nfev": 10_000},
    "coarse": {"rtol": 1e-3},
}


@pytest.mark.parametrize("name", WAYS)
def test_sparse_as_dense_in_fewer_evaluations(name):
    options = WAYS[name]
    f = broyden
    if name == "vectorized":
        f = lambda x: np.stack([broyden(column) for column in x.T], axis=1)
    dense, thin = nd.jacobian(f, X, **options), nd.jacobian(f, X, sparsity=TRIDIAGONAL, **options)
    stored = TRIDIAGONAL.toarray() != 0.0
    value, error = thin.value.toarray(), thin.error.toarray()
    assert (value[~stored] == 0.0).all()
    assert thin.nfev < dense.nfev / 2  # looks at what readings contradict are counted by output
    truth = broyden_slopes(X).toarray()
    if np.isfinite(dense.error[stored]).all():
        assert np.isfinite(error[stored]).all()
        lies = np.abs(value - truth)[stored] > error[stored]
        assert lies.mean() <= 0.02
        # bars are as those of dense Jacobians, most of them
        ratio = np.median(error[stored] / dense.error[stored])
        assert 0.1 < ratio < 10.0
    else:  # the same steps, and the same differences
        off = np.abs(value - dense.value)[stored]
        assert (
            off <= 1e-5 * np.abs(truth[stored]) + 1e-3 * np.abs(dense.value - truth).max()
        ).all()
    # where many entries of x move, the rounding of x + h can be seen
    allowed = {nd.Status.OK, nd.Status.NOISE_LIMITED}
    assert set(thin.status.data) <= set(dense.status[stored]) | allowed


def test_arrays_share_the_pattern():
    estimate = nd.jacobian(broyden, X, sparsity=TRIDIAGONAL)
    for name in ("value", "error", "status", "step", "noise", "left", "right"):
        array = getattr(estimate, name)
        assert isinstance(array, sp.csc_array)
        assert array.shape == (40, 40)
        assert array.has_canonical_format
        assert array.data.flags.writeable
        assert np.shares_memory(array.indices, estimate.value.indices) or name in {"left", "right"}
    assert estimate.status.dtype == np.uint8
    assert estimate.success.shape == (118,)
    assert estimate.success.all()
    assert np.isnan(estimate.left.data).all()
    assert (np.asarray(estimate) == estimate.value.toarray()).all()
    assert (estimate @ X == estimate.value @ X).all()
    assert str(estimate).startswith("sparse, 40 x 40")
    again = pickle.loads(pickle.dumps(estimate))
    assert (again.value != estimate.value).nnz == 0
    assert again.messages == estimate.messages


def test_counts_are_those_of_f():
    for options in WAYS.values():
        if "vectorized" not in options:
            f = Counted(broyden)
            assert nd.jacobian(f, X, sparsity=TRIDIAGONAL, **options).nfev == f.count


def test_a_fixed_step_takes_an_evaluation_per_color():
    coloring = sparse.color(TRIDIAGONAL, check=False)
    for method, count in (("forward", 4), ("central", 6)):
        f = Counted(broyden)
        nd.jacobian(f, X, method=method, step="textbook", sparsity=coloring)
        assert f.count == count


def test_shapes_of_x_and_f():
    def f(x):
        return (x[:, None] ** 2 * np.ones(3)).reshape(2, 3, 3).transpose(0, 2, 1)

    x = np.arange(1.0, 7.0).reshape(2, 3)
    g = lambda x: f(x.ravel().reshape(6)[:6])
    dense = nd.jacobian(g, x).value.reshape(18, 6)
    estimate = nd.jacobian(g, x, sparsity=dense != 0.0)
    assert estimate.value.shape == (18, 6)
    assert np.allclose(estimate.value.toarray(), dense, rtol=1e-12)


def test_complex_values():
    f = lambda x: np.exp(1j * x) * np.r_[x[1:], 1.0]
    pattern = np.eye(5) + np.eye(5, k=1)
    x = np.linspace(0.3, 2.0, 5)
    estimate = nd.jacobian(f, x, sparsity=pattern)
    dense = nd.jacobian(f, x)
    assert estimate.value.dtype == complex
    off = np.abs(estimate.value.toarray() - dense.value)
    assert (off <= estimate.error.toarray() + dense.error).all()


@pytest.mark.skipif(INTERPRETED, reason="Numba is told not to compile")
def test_compiled_functions():
    from numba import njit

    @njit
    def f(x):
        y = np.empty(x.size)
        for i in range(x.size):
            y[i] = x[i] * x[i] * x[(i + 1) % x.size]  # powers may round otherwise
        return y

    x = np.linspace(-1.0, 2.0, 200)
    pattern = sp.lil_array(sp.eye_array(200) + sp.eye_array(200, k=1))
    pattern[199, 0] = 1
    one = nd.jacobian(f, x, sparsity=pattern)
    other = nd.jacobian(f.py_func, x, sparsity=pattern)
    for name in ("value", "error", "status", "step"):
        assert (getattr(one, name).data == getattr(other, name).data).all()
    assert one.nfev == other.nfev


def test_columns_of_a_color_have_steps_of_their_own():
    x = np.array([1e-3, 1e9, 1.0, 1e-6, 1e4])
    estimate = nd.jacobian(lambda x: np.sin(x / (1.0 + np.abs(x))), x, sparsity=np.eye(5))
    dense = nd.jacobian(lambda x: np.sin(x / (1.0 + np.abs(x))), x)
    steps = estimate.step.diagonal()
    assert steps[1] > 1e3 * steps[0]
    off = np.abs(estimate.value.diagonal() - np.diag(dense.value))
    assert (off <= estimate.error.diagonal() + np.diag(dense.error)).all()
    assert estimate.success.all()


# --- Kinks, noise and domains inside one column of a colour ---


def test_a_kink_in_one_column_leaves_the_others():
    x = np.linspace(0.5, 2.0, 8)
    x[3] = 1.0

    def f(x):
        y = x**2
        y[3] += np.abs(x[3] - 1.0)
        return y

    estimate, dense = nd.jacobian(f, x, sparsity=np.eye(8)), nd.jacobian(f, x)
    assert estimate.status.diagonal()[3] == nd.Status.KINK
    assert np.isnan(estimate.value.diagonal()[3])
    assert estimate.left.diagonal()[3] == pytest.approx(1.0)
    assert estimate.right.diagonal()[3] == pytest.approx(3.0)
    assert "slopes left and right of x differ" in estimate.messages[-1]
    others = np.arange(8) != 3
    assert (estimate.status.diagonal()[others] == nd.Status.OK).all()
    off = np.abs(estimate.value.diagonal() - 2.0 * x)[others]
    assert (off <= estimate.error.diagonal()[others]).all()
    assert (estimate.error.diagonal()[others] <= 1e3 * np.diag(dense.error)[others]).all()


def test_noise_in_one_row_leaves_the_others():
    def f(x):
        y = x**2
        y[5] += 1e-6 * np.sin(1e9 * x[5])
        return y

    x = np.linspace(0.5, 2.0, 8)
    estimate = nd.jacobian(f, x, sparsity=np.eye(8))
    assert estimate.error.diagonal()[5] > 1e-5
    others = np.arange(8) != 5
    assert (estimate.error.diagonal()[others] < 1e-11).all()


def chain(x):
    y = x**3
    y[1:] += np.sin(x[:-1])
    y[:-1] -= 2.0 * x[1:] ** 2
    return y


@pytest.mark.parametrize("name", ["kink", "noise", "central", "forward"])
def test_hundreds_of_outputs_along_a_direction_are_all_answered(name):
    x, k = np.random.default_rng(1).normal(size=200), 90
    truth = np.diag(3.0 * x**2) + np.diag(np.cos(x[:-1]), -1) - np.diag(4.0 * x[1:], 1)

    def f(z):
        y = chain(z)
        if name == "kink":
            y[k] += np.abs(z[k] - x[k])
        if name == "noise":
            y[k] += 1e-6 * np.sin(1e10 * z[k - 1 : k + 2].sum())
        return y

    options = {"method": name} if name in {"central", "forward"} else {}
    estimate = nd.jacobian(f, x, sparsity=truth != 0.0, **options)
    whole = estimate.dense()
    others = (truth != 0.0) & (np.arange(200) != k)[:, None]
    assert whole.success[others].all()
    assert (np.abs(whole.value - truth) <= whole.error)[others].mean() >= 0.98
    assert estimate.nfev < 500  # a look at each output would take thousands


def outside(x):
    y = chain(x)
    y[7] += np.sqrt(x[7] - 0.5 + 1e-9)
    return y


@pytest.mark.parametrize("f", [chain, outside, lambda x: (1.0 + 2.0j) * chain(x)])
@pytest.mark.parametrize("method", ["forward", "central", nd.Stencil([-1, 0, 2])])
@pytest.mark.parametrize("step", ["textbook", 1e-4, np.linspace(1e-4, 1e-3, 50)])
def test_single_steps_are_those_along_directions(f, method, step):
    x = np.linspace(-1.0, 2.0, 50)
    x[7] = 0.5
    pattern = sparse.color(np.eye(50) + np.eye(50, k=1) + np.eye(50, k=-1), check=False)
    options = {"sparsity": pattern, "method": method, "step": step}
    # bounds that are in nobody's way: then directions are differentiated before entries are read
    one, other = nd.jacobian(f, x, **options), nd.jacobian(f, x, bounds=(-9.0, 9.0), **options)
    for name in ("value", "error", "status", "step", "noise"):
        left, right = getattr(one, name), getattr(other, name)
        np.testing.assert_array_equal(left.data, right.data, err_msg=name)
    assert one.nfev == other.nfev
    assert (one.status.data == nd.Status.DOMAIN).any() == (f is outside and method != "forward")


def test_a_domain_of_one_column_leaves_the_others():
    x = np.linspace(0.5, 2.0, 6)
    x[2] = 1e-5
    estimate = nd.jacobian(np.log, x, sparsity=np.eye(6))
    off = np.abs(estimate.value.diagonal() * x - 1.0)
    assert (off < 1e-7).all()
    assert (np.abs(estimate.value.diagonal() - 1.0 / x) <= estimate.error.diagonal()).all()


@pytest.mark.parametrize("options", [{}, {"method": "central", "step": 1e-5}])
def test_bounds_are_kept_and_sides_chosen_column_by_column(options):
    rng = np.random.default_rng(3)
    x = rng.uniform(0.5, 1.5, 40)
    lower, upper = x - rng.choice([0.0, 1e-9, 1.0], 40), x + rng.choice([0.0, 1e-6, 1.0], 40)

    def f(y):
        assert ((lower <= y) & (y <= upper)).all()
        return broyden(y)

    estimate = nd.jacobian(f, x, sparsity=TRIDIAGONAL, bounds=(lower, upper), **options)
    fixed = lower == upper
    columns = np.arange(40).repeat(np.diff(estimate.value.indptr))
    assert np.isnan(estimate.value.data[fixed[columns]]).all()
    assert (estimate.status.data[fixed[columns]] == nd.Status.DOMAIN).all()
    assert np.isfinite(estimate.value.data[~fixed[columns]]).all()
    truth = broyden_slopes(x).data
    free = ~fixed[columns]
    if options:
        assert np.median(np.abs(estimate.value.data - truth)[free]) < 1e-6
    else:
        lies = np.abs(estimate.value.data - truth)[free] > estimate.error.data[free]
        assert lies.mean() <= 0.02
        wide = np.minimum(x - lower, upper - x) > 0.5
        assert (estimate.status.data[wide[columns]] == nd.Status.OK).all()


def test_nobody_shares_a_direction_where_a_row_is_dense():
    x = np.linspace(0.2, 1.0, 6)
    f = lambda x: np.r_[np.sum(x**3), x[1:] * x[0]]
    thin, dense = nd.jacobian(f, x, sparsity=arrow(6)), nd.jacobian(f, x)
    assert (
        thin.value.toarray()[arrow(6).toarray() != 0] == dense.value[arrow(6).toarray() != 0]
    ).all()
    assert (
        thin.step.toarray()[arrow(6).toarray() != 0] == dense.step[arrow(6).toarray() != 0]
    ).all()


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 12), st.integers(1, 12), st.randoms(use_true_random=False))
def test_any_pattern(m, n, random):
    pattern = np.array([[random.random() < 0.3 for _ in range(n)] for _ in range(m)])
    weights = np.where(pattern, 1.0 + np.arange(n), 0.0)
    f = lambda x: weights @ np.sin(x)
    x = np.linspace(0.1, 1.0, n)
    estimate = nd.jacobian(f, x, sparsity=pattern, method="central", step="textbook")
    assert np.allclose(estimate.value.toarray(), weights * np.cos(x), rtol=1e-8)
    assert estimate.value.nnz == pattern.sum()


# --- Hessians ---


@pytest.mark.parametrize("options", [{}, {"method": "central", "step": "textbook"}])
@pytest.mark.parametrize("alone", [True, False])
def test_hessians(options, alone):
    x = np.random.default_rng(0).normal(size=30)
    grad = None if alone else rosen_der
    upper = sp.triu(band(30, 1))
    thin = nd.hessian(rosen, x, grad=grad, sparsity=upper, **options)
    dense = nd.hessian(rosen, x, grad=grad, **options)
    value, truth = thin.value.toarray(), rosen_hess(x)
    assert (value == value.T).all()
    assert thin.nfev < dense.nfev / 4
    if options:
        assert np.abs(value - truth).max() <= 2.0 * np.abs(dense.value - truth).max()
    else:
        assert (np.abs(value - truth) <= thin.error.toarray()).mean() >= 0.98
        assert thin.success.all()


def test_hessians_of_f_take_pairs_of_the_pattern_only():
    """Per level of steps: f(x), two points for each entry of x, and two for each pair."""
    f = Counted(rosen)
    x, n = np.linspace(0.2, 1.2, 50), 50
    coloring = sparse.color(band(n, 1), symmetric=True, check=False)
    nd.hessian(f, x, sparsity=coloring, method="central", step="textbook")
    assert f.count <= 1 + 2 * n + 2 * (n - 1)


def test_five_point_hessians_take_five_directions():
    pattern = grid(7, 7)
    matrix = sp.csr_array(pattern + pattern.T)
    g = lambda x: matrix @ x**3 + 3.0 * x**2 * (matrix @ x)
    f = lambda x: x**3 @ (matrix @ x)
    counted = Counted(g)
    coloring = sparse.color(pattern, symmetric=True, check=False)
    x = np.linspace(0.5, 1.5, 49)
    estimate = nd.hessian(f, x, grad=counted, sparsity=coloring, method="forward", step=1e-7)
    assert counted.count == 6
    dense = nd.jacobian(g, x).value
    assert np.allclose(estimate.value.toarray(), dense, atol=1e-4)


def test_fixed_entries_of_hessians():
    x = np.linspace(0.2, 1.2, 6)
    lower, upper = x - 1.0, x + 1.0
    lower[2] = upper[2] = x[2]
    bounds = (lower, upper)
    estimate = nd.hessian(rosen, x, grad=rosen_der, sparsity=band(6, 1), bounds=bounds)
    status = estimate.status.toarray()
    assert (status[2, 1:4] == nd.Status.DOMAIN).all()
    assert (status[1:4, 2] == nd.Status.DOMAIN).all()
    assert (estimate.status.data == nd.Status.DOMAIN).sum() == 5


def test_hessians_of_several_outputs_are_refused():
    with pytest.raises(ValueError, match=r"of one number, but f returns shape \(5,\)"):
        nd.hessian(lambda x: x**2, np.ones(5), sparsity=np.eye(5))
    with pytest.raises(ValueError, match="'detect' needs `grad`"):
        nd.hessian(rosen, np.ones(5), sparsity="detect")


# --- What is wrong with a pattern ---


def without(pattern, *entries):
    thin = sp.lil_array(pattern)
    for entry in entries:
        thin[entry] = 0
    return thin.tocsc()


@pytest.mark.parametrize("name", ["auto", "central ladder", "forward", "textbook", "complex"])
def test_missing_entries_are_told_by_their_rows(name):
    x = np.linspace(0.4, 1.4, 40)
    with pytest.raises(ValueError, match=r"misses entries: f changes in row 7 along columns"):
        nd.jacobian(broyden, x, sparsity=without(TRIDIAGONAL, (7, 8)), **WAYS[name])
    wrong = without(TRIDIAGONAL, (7, 8), (7, 6), (30, 30))
    with pytest.raises(ValueError, match="in row 7, 30 along"):
        nd.jacobian(broyden, x, sparsity=wrong, **WAYS[name])


def test_the_check_can_be_left_out():
    coloring = sparse.color(without(TRIDIAGONAL, (7, 8)), check=False)
    estimate = nd.jacobian(broyden, np.linspace(0.4, 1.4, 40), sparsity=coloring)
    assert estimate.value[7, 8] == 0.0


def test_extra_entries_are_zeros():
    wide = band(40, 3)
    estimate = nd.jacobian(broyden, X, sparsity=wide)
    truth = broyden_slopes(X)
    inside = estimate.value.toarray()[TRIDIAGONAL.toarray() == 0.0]
    assert (inside == 0.0).all()
    assert np.allclose(estimate.value.toarray(), truth.toarray(), rtol=1e-6)


def test_missing_pairs_of_a_hessian():
    x = np.linspace(0.4, 1.4, 12)
    with pytest.raises(ValueError, match="f bends otherwise"):
        nd.hessian(rosen, x, sparsity=np.eye(12))
    with pytest.raises(ValueError, match="misses entries: f changes in row"):
        nd.hessian(rosen, x, grad=rosen_der, sparsity=np.eye(12))


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("name", ["auto", "textbook", "forward"])
def test_right_patterns_are_not_blamed(name, seed):
    """Not even where entries differ by many orders, cancel or are noisy."""
    rng = np.random.default_rng(seed)
    pattern = random_pattern(30, 3, seed)
    matrix = pattern.copy()
    matrix.data = rng.normal(size=matrix.nnz) * 10.0 ** rng.integers(-6, 7, matrix.nnz)
    noise = 1e-9 * (seed % 2)
    f = lambda x: matrix @ np.sin(x) + noise * np.sin(1e9 * (abs(matrix) > 0) @ x)
    nd.jacobian(f, scattered(30, seed)[:30], sparsity=pattern, **({} if name == "auto" else {
        "method": "forward" if name == "forward" else "central", "step": "textbook",
    }))  # fmt: skip


def test_wrong_shapes():
    with pytest.raises(ValueError, match=r"a column for each of the 40 entries of x, got shape"):
        nd.jacobian(broyden, X, sparsity=band(39, 1))
    for options in ({}, {"method": "central", "step": 1e-5}):
        with pytest.raises(ValueError, match=r"a row for each of the 40 outputs of f, got shape"):
            nd.jacobian(broyden, X, sparsity=np.ones((39, 40)), **options)
        with pytest.raises(ValueError, match="a row for each of the 40 outputs"):
            nd.jacobian(broyden, X, sparsity=np.zeros((39, 40)), **options)


def test_colorings_of_the_other_kind():
    with pytest.raises(ValueError, match=r"prepare it with color\(pattern\)"):
        nd.jacobian(broyden, X, sparsity=sparse.color(TRIDIAGONAL, symmetric=True))
    with pytest.raises(ValueError, match=r"prepare it with color\(pattern, symmetric=True\)"):
        nd.hessian(rosen, X, grad=rosen_der, sparsity=sparse.color(TRIDIAGONAL))
    with pytest.raises(ValueError, match="a Coloring or 'detect', got 'find'"):
        nd.jacobian(broyden, X, sparsity="find")


def test_empty_patterns():
    estimate = nd.jacobian(lambda _: np.ones(3), np.ones(4), sparsity=np.zeros((3, 4)))
    assert estimate.value.nnz == 0
    assert estimate.nfev == 1


# --- Patterns that are found ---


def nonlinear(pattern, seed=1):
    matrix = sp.csr_array(pattern).astype(float)
    matrix.data = np.random.default_rng(seed).normal(size=matrix.nnz)
    return Counted(lambda x: matrix @ np.sin(x) + 0.1 * (matrix @ x) ** 2)


DETECTED = {
    "tridiagonal": (band(3000, 1), 600),
    "5 points": (grid(60, 60), 900),
    "random": (random_pattern(3000, 3), 1200),
    "few": (band(40, 2), 45),
    "arrow": (arrow(2000), 1200),
    "diagonal": (sp.eye_array(500), 350),
}


@pytest.mark.parametrize("name", DETECTED)
def test_detected_patterns(name):
    pattern, most = DETECTED[name]
    f = nonlinear(pattern)
    x = np.random.default_rng(0).normal(size=pattern.shape[1])
    found = sparse.detect(f, x)
    assert f.count <= most
    expected, got = sp.csc_array(pattern) != 0, found
    assert ((expected.astype(int) - got.astype(int)) > 0).nnz == 0
    assert (got.astype(int) - expected.astype(int) > 0).nnz <= 2


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 30), st.integers(65, 120), st.integers(0, 2**16))
def test_no_entry_is_missed(m, n, seed):
    rng = np.random.default_rng(seed)
    pattern = rng.uniform(size=(m, n)) < rng.choice([0.01, 0.05, 0.3])
    weights = np.where(pattern, rng.normal(size=(m, n)), 0.0)
    found = sparse.detect(lambda x: np.exp(weights @ x / n), rng.normal(size=n)).toarray()
    assert (found >= pattern).all()


def test_entries_that_are_zero_at_x_are_found():
    found = sparse.detect(lambda x: x**2 * np.r_[x[1:], x[:1]], np.zeros(200))
    assert found.nnz == 400


def test_detected_patterns_of_bounded_and_vectorized_functions():
    x = np.full(100, 0.5)
    x[::3] = 0.0

    def f(x):
        assert (x >= 0.0).all()
        return np.sqrt(x) * np.roll(x, 1, axis=0)

    for vectorized in (False, True):
        found = sparse.detect(f, x, bounds=(0.0, 2.0), vectorized=vectorized)
        assert found.nnz == 200


def test_what_differs_between_calls_has_no_pattern():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="different values at the same point"):
        sparse.detect(lambda x: x + rng.normal(size=100), np.ones(100))


def test_detect_as_an_option():
    f = Counted(broyden)
    x = np.linspace(0.4, 1.4, 300)
    estimate = nd.jacobian(f, x, sparsity="detect")
    assert estimate.nfev == f.count
    assert np.allclose(estimate.value.toarray(), broyden_slopes(x).toarray(), rtol=1e-9)
    hessian = nd.hessian(rosen, x, grad=rosen_der, sparsity="detect")
    assert np.allclose(hessian.value.toarray(), rosen_hess(x), rtol=1e-9)


@pytest.mark.parametrize("n", [50, 2000])
def test_check_names_missing_entries(n):
    f, x = nonlinear(band(n, 1)), np.random.default_rng(0).normal(size=n)
    assert sparse.check(f, x, band(n, 1)).nnz == 0
    assert f.count <= 150
    missing = [(7, 8), (20, 20), (31, 30)]
    found = sparse.check(f, x, sparse.color(without(band(n, 1), *missing))).tocoo()
    assert sorted(zip(found.row.tolist(), found.col.tolist(), strict=True)) == sorted(missing)


def test_check_refuses_wrong_shapes():
    with pytest.raises(ValueError, match="a column for each of the 40"):
        sparse.check(broyden, X, band(39, 1))
    with pytest.raises(ValueError, match="a row for each of the 40"):
        sparse.check(broyden, X, np.ones((39, 40)))


# --- With SciPy: a reaction-diffusion system ---

SIDE = 12  # cells along a side; the notebook takes more


def brusselator(state, side=SIDE):
    """Rates of two species on a square with mirrors at its sides."""
    u, v = state.reshape(2, side, side)
    reaction = u * u * v
    return np.stack([
        1.0 + reaction - 4.4 * u + 2e-3 * laplacian(u),
        3.4 * u - reaction + 1e-3 * laplacian(v),
    ]).ravel()  # fmt: skip


def laplacian(u):
    padded = np.pad(u, 1, mode="edge")
    neighbours = padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]
    return (neighbours - 4.0 * u) * len(u) ** 2


def brusselator_pattern(side=SIDE):
    cells = grid(side, side)
    same = sp.eye_array(side**2)
    return sp.csc_array(sp.block_array([[cells, same], [same, cells]]))


def start(side=SIDE):
    y, x = np.mgrid[0:side, 0:side] / side
    return np.stack([1.0 + np.sin(6.0 * x * y), 3.0 + np.cos(5.0 * x)]).ravel()


def test_newton_for_a_steady_state():
    coloring = sparse.color(brusselator_pattern())
    state = np.concatenate([np.full(SIDE**2, 1.0), np.full(SIDE**2, 3.4)])
    state += 1e-2 * np.sin(np.arange(state.size))
    for _ in range(6):
        slopes = nd.jacobian(brusselator, state, sparsity=coloring, rtol=1e-6)
        state = state - spsolve(slopes.value, brusselator(state))
    assert np.abs(brusselator(state)).max() < 1e-11
    assert np.allclose(state[: SIDE**2], 1.0)


@pytest.mark.parametrize("method", ["BDF", "Radau"])
def test_stiff_integration(method):
    coloring = sparse.color(brusselator_pattern(), check=False)
    rates = lambda _, y: brusselator(y)

    def jac(_, y):
        return nd.jacobian(
            brusselator, y, sparsity=coloring, method="forward", step="textbook"
        ).value

    options = {"method": method, "rtol": 1e-5, "atol": 1e-8}
    ours = solve_ivp(rates, (0.0, 1.0), start(), jac=jac, **options)
    theirs = solve_ivp(rates, (0.0, 1.0), start(), jac_sparsity=brusselator_pattern(), **options)
    assert ours.success
    assert np.allclose(ours.y[:, -1], theirs.y[:, -1], rtol=1e-4)


def test_least_squares():
    coloring = sparse.color(TRIDIAGONAL)
    equations = lambda x: broyden(x) / np.where(np.sin(x) == 0.0, 1.0, np.sin(x))
    jac = lambda x: nd.jacobian(equations, x, sparsity=coloring).value
    result = least_squares(
        equations, -np.ones(40), jac=jac, tr_solver="lsmr", xtol=1e-12, ftol=1e-14
    )
    assert np.abs(equations(result.x)).max() < 1e-6


def test_large_systems_take_the_colors_only():
    side = 100
    f = Counted(lambda y: brusselator(y, side))
    coloring = sparse.color(brusselator_pattern(side), check=False)
    estimate = nd.jacobian(f, start(side), sparsity=coloring, method="forward", step="textbook")
    assert estimate.value.shape == (20_000, 20_000)
    assert f.count == coloring.n_colors + 1 <= 11
    v = np.cos(np.arange(20_000.0))
    product = nd.jvp(lambda y: brusselator(y, side), start(side), v).value
    assert np.allclose(estimate.value @ v, product, rtol=1e-4, atol=1e-3 * np.abs(product).max())


# --- Verified ---


def test_verifying_a_sparse_jacobian_takes_the_colors():
    x = np.linspace(0.4, 1.4, 200)
    f = Counted(broyden)
    report = nd.verify.jacobian(f, broyden_slopes, x)
    assert report.verdict == "agree"
    assert report.nfev == f.count < 165  # a dense one takes 1,000 and more
    wrong = broyden_slopes(x)
    wrong[30, 31] *= 1.01
    report = nd.verify.jacobian(broyden, wrong, x)
    assert report.verdict == "disagree"
    assert report.worst(1)["index"].tolist() == [[30, 31]]
    thin = without(broyden_slopes(x), (7, 8))
    thin.eliminate_zeros()
    report = nd.verify.jacobian(broyden, thin, x)
    assert report.verdict == "disagree"
    assert report.worst(1)["index"].tolist() == [[7, 8]]


def test_what_an_estimate_tells_of_itself():
    estimate = nd.jacobian(broyden, X, sparsity=TRIDIAGONAL)
    assert (estimate.shape, estimate.ndim, estimate.size) == ((40, 40), 2, 118)
    assert estimate[3, 4] == estimate.value[3, 4]
    assert (estimate.T != estimate.value.T).nnz == 0
    assert set(estimate.status_names) == {"OK"}
    told = estimate.to_dict()
    assert told["value"] == estimate.value.data.tolist()
    assert estimate.value[told["rows"][5], told["columns"][5]] == told["value"][5]


def test_flags_can_be_raised():
    kink = lambda x: np.abs(x - 1.0)
    with pytest.raises(nd.FlaggedError):
        nd.jacobian(kink, np.array([0.5, 1.0, 2.0]), sparsity=np.eye(3), on_flag="raise")
