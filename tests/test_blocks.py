"""Answers do not depend on how many directions, points or samples are held at a time.

All are taken in blocks that fit into some bytes. In tiny blocks small problems go through every
seam; and problems with more than one block of the usual size have the right answers.
"""

import math

import numpy as np
import pytest

import numdiff as nd
from numdiff.drivers import climb
from tests.measuring.operators import OF_ARRAYS, Recorded, bits

SIZES = np.array([1e-6, 1.0, 1e6, 3.0, 0.2])  # of entries, so that a wrong row has a wrong number
X = SIZES * [0.3, 1.7, 2.5, -0.4, 9.0]
RULES = ("gill-murray", "shi")


def waves(x):
    """In operations that give the same bits one by one and in bulk."""
    u = (x.T / SIZES).T
    return u[0] * u[1] * u[4] + u[2] * u[2] * u[2] + 1.0 / (2.0 + u[3] * u[0]) + u[3] * u[2]


def kinked(x):
    return waves(x) + abs(x[1] - X[1]) + abs(x[4] - X[4])


def edged(x):
    return waves(x) + (x[2] - X[2]) ** 1.5 if x[2] >= X[2] else math.nan


def fenced(x):
    """Raises beyond some of the first points along two directions."""
    if abs(x[2] - X[2]) > 0.0 or abs(x[4] - X[4]) > 1e-3:
        raise ValueError("beyond the fence")
    return waves(x)


def stepped(x):
    """So coarse that nothing moves along most directions."""
    return np.floor(1e3 * waves(x)) / 1e3


def shaken(x):
    """With noise that the bits of x determine."""
    seed = np.frombuffer(x.tobytes(), np.uint32)
    return waves(x) + 1e-7 * np.random.default_rng(seed).standard_normal()


class Restless:
    """Shaken, and another value at x each time that it is asked there; the same elsewhere."""

    def __init__(self):
        self.times = 0

    def __call__(self, x):
        self.times += bool((x == X).all())
        return shaken(x) + 1e-7 * self.times


CORNER = (X, X + SIZES)
SINGLE = {"method": "central", "step": 1e-4 * SIZES}
CASES = {
    "smooth": (lambda: waves, list(OF_ARRAYS), {}),
    "outputs": (lambda: lambda x: np.array([waves(x), x[1] * x[3]]), ["jacobian", "hessian"], {}),
    "one step each": (lambda: waves, ["gradient", "hessian", "jvp"], SINGLE),
    "one step ahead": (lambda: waves, ["gradient", "hessian"], SINGLE | {"method": "forward"}),
    "one step, bounds": (lambda: waves, ["gradient"], SINGLE | {"bounds": CORNER}),
    "textbook": (lambda: waves, ["hessian", "hvp"], {"method": "central", "step": "textbook"}),
    "complex": (lambda: waves, ["gradient", "jvp"], {"method": "complex"}),
    "bounds": (lambda: waves, ["gradient", "hessian", "hvp"], {"bounds": CORNER}),
    "noise told": (lambda: shaken, ["gradient", "hessian", "hvp"], {"noise": 1e-7}),
    "noise seen": (lambda: shaken, ["gradient", "hessian"], {}),
    "kinks": (lambda: kinked, ["gradient", "hessian"], {}),
    "edge": (lambda: edged, ["gradient", "hessian"], {}),
    "fence": (lambda: fenced, ["gradient", "hessian"], {}),
    "fence, one step": (lambda: fenced, ["gradient", "hessian"], SINGLE),
    "steps": (lambda: stepped, ["gradient"], {}),
    "vectorized": (lambda: waves, ["gradient", "hessian", "hvp"], {"vectorized": True}),
    **{
        f"{rule}": (lambda: waves, ["gradient"], {"method": "central", "step": rule})
        for rule in RULES
    },
}


@pytest.mark.parametrize(
    ("case", "name"), [(case, name) for case, (_, names, _) in CASES.items() for name in names]
)
def test_blocks_of_any_size_give_the_same_bits(case, name, in_blocks):
    make, _, options = CASES[case]
    whole, *parts = (
        bits(in_blocks(size, lambda: OF_ARRAYS[name](make(), X, **options)))
        for size in (None, 1, 300)
    )
    assert all(part == whole for part in parts)


@pytest.mark.parametrize(
    ("case", "name"), [(case, name) for case, (_, names, _) in CASES.items() for name in names]
)
def test_points_that_are_made_alone_give_the_same_bits(case, name, monkeypatch):
    make, _, options = CASES[case]
    found = []
    for length in (1, 10**9):
        monkeypatch.setattr(climb, "LENGTH", length)
        found.append(bits(OF_ARRAYS[name](make(), X, **options)))
    assert found[0] == found[1]


@pytest.mark.parametrize("name", ["gradient", "hessian"])
def test_points_that_are_made_alone_are_those_of_f(name, monkeypatch):
    monkeypatch.setattr(climb, "LENGTH", 1)
    kept = []

    def keeps(x):
        kept.append((x, x.copy()))
        return waves(x)

    def spoils(x):
        assert x.shape == (5, 1)
        assert x.flags.c_contiguous
        value = waves(x[:, 0])
        x[:] = math.nan
        return value

    expected = bits(OF_ARRAYS[name](waves, X))
    assert bits(OF_ARRAYS[name](keeps, X)) == expected
    assert all((x == copy).all() for x, copy in kept)
    assert len({id(x) for x, _ in kept}) == len(kept)
    found = OF_ARRAYS[name](spoils, X[:, None])
    assert (found.value.ravel() == OF_ARRAYS[name](waves, X).value.ravel()).all()


@pytest.mark.parametrize("options", [{}, {"rtol": 1e-2}])
@pytest.mark.parametrize("name", ["gradient", "hessian", "hvp", "hessian_diagonal"])
def test_posteriors_in_blocks_of_any_size_have_the_same_bits(name, options, in_blocks):
    ask = lambda: bits(OF_ARRAYS[name](Restless(), X, **options))
    assert in_blocks(1, ask, "BLOCK") == in_blocks(None, ask)


def test_posteriors_of_many_outputs_in_blocks_differ_by_rounding_only(in_blocks):
    def ask():
        # in units in which no first step passes the pole: there, rounding may decide
        f = Restless()
        return nd.jacobian(
            lambda u: np.array([f(SIZES * u), 2.0 * waves(SIZES * u), f(2.0 * SIZES * u)]),
            X / SIZES,
        )

    whole, part = in_blocks(None, ask), in_blocks(1, ask, "BLOCK")
    assert (part.status == whole.status).all()
    np.testing.assert_allclose(part.value, whole.value, rtol=1e-9)
    np.testing.assert_allclose(part.error, whole.error, rtol=1e-6)


@pytest.mark.parametrize("limit", [12, 40, 55, 90, 200])
@pytest.mark.parametrize("case", ["smooth", "complex", "noise seen", "kinks", "shi"])
@pytest.mark.parametrize("name", ["gradient", "hessian"])
def test_blocks_share_one_budget(name, case, limit, in_blocks):
    make, names, options = CASES[case]
    if name not in names:
        return
    f = Recorded(make())
    found = in_blocks(1, lambda: OF_ARRAYS[name](f, X, max_nfev=limit, **options))
    assert f.calls == found.nfev <= limit


# --- More than one block of the usual size ---

N, PAIRS = 1500, 150  # inputs of a gradient, and of a Hessian: four blocks or more


def scales(n):
    return 10.0 ** np.resize([-2.0, 0.0, 6.0, 1.0, 3.0], n)


def chain(x):
    u = (x.T / scales(len(x))).T
    return np.sum(np.sin(u), axis=0) + np.sum(u[1:] * u[:-1], axis=0)


def chain_gradient(x):
    u = x / scales(x.size)
    beside = np.concatenate([u[1:], [0.0]]) + np.concatenate([[0.0], u[:-1]])
    return (np.cos(u) + beside) / scales(x.size)


def chain_hessian(x):
    size, across = scales(x.size), np.eye(x.size, k=1) + np.eye(x.size, k=-1)
    return (across - np.diag(np.sin(x / size))) / np.outer(size, size)


WAYS = {
    "auto": {},
    "vectorized": {"vectorized": True},
    "one step": {"method": "central", "step": 1e-5 * scales(N)},
    "one step ahead": {"method": "forward", "step": 1e-7 * scales(N)},
    "textbook steps of a rule": {"method": "central", "step": "shi"},
    "complex": {"method": "complex"},
    "a budget": {"max_nfev": 9000},
}


@pytest.mark.parametrize("options", WAYS.values(), ids=WAYS)
def test_a_gradient_of_many_inputs_of_mixed_sizes(options):
    x = scales(N) * np.linspace(0.5, 2.0, N)
    found = nd.gradient(chain, x, **options)
    assert found.nfev <= options.get("max_nfev", math.inf)
    off, single = np.abs(found.value - chain_gradient(x)), np.isnan(found.error).all()
    whole = found.success | single
    assert np.mean((off * scales(N) <= 1e-4)[whole]) >= 0.999
    assert single or np.mean((off <= found.error)[whole]) >= 0.98
    assert whole.all() == ("max_nfev" not in options)


@pytest.mark.parametrize("options", [{}, {"method": "central", "step": 1e-3 * scales(PAIRS)}])
def test_a_hessian_of_many_inputs_of_mixed_sizes(options):
    x = scales(PAIRS) * np.linspace(0.5, 2.0, PAIRS)
    found = nd.hessian(chain, x, vectorized=True, **options)
    size = np.outer(scales(PAIRS), scales(PAIRS))
    off = np.abs(found.value - chain_hessian(x))
    assert (off * size <= 1e-3).all()
    assert options or np.mean(off <= found.error) >= 0.98


@pytest.mark.parametrize("size", [None, 2**19])
def test_a_random_gradient_of_many_inputs(size, in_blocks):
    random, n = np.random.default_rng(3), 300
    rates, x = np.linspace(0.5, 2.0, n), np.linspace(1.0, 3.0, n)
    f = lambda x: rates @ x**2 + 1e-3 * random.standard_normal(x.shape[-1])
    found = in_blocks(size, lambda: nd.gradient(f, x, vectorized=True))
    assert (found.status == nd.Status.STOCHASTIC).all()
    assert np.mean(np.abs(found.value - 2.0 * rates * x) <= found.error) >= 0.9
    assert (found.error < 0.01).all()
