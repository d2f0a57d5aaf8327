"""The short way of single steps: what the long way says, and the kernels, to the last bit."""

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import numdiff as nd
from numdiff.constants import EPS
from numdiff.ladder.differences import scaling, weighted
from numdiff.ladder.points import place
from numdiff.methods import named_method, plan_of, textbook

FIELDS = ("value", "error", "status", "step", "noise", "left", "right")
LONG = {"rtol": 0.0}  # an option more makes the way long, even one that changes nothing
METHODS = (
    *("central", "forward", "backward", nd.Stencil.central(1, 4), nd.Stencil((-2, 0, 1))),
    nd.Stencil((1, 2, 4)),
)
law = settings(max_examples=150, deadline=None, derandomize=True)
numbers = st.one_of(
    st.floats(-4, 4), st.floats(-1e300, 1e300), st.sampled_from([0.0, -0.0, 1.0, -1.0, 2.0**40])
)
points = st.lists(numbers, min_size=1, max_size=6).map(np.array)
steps = st.one_of(st.just("textbook"), st.floats(1e-12, 1.0), st.sampled_from([5e-324, 1e300]))


def rough(x):
    """A float that tells points apart to their last bit, and the sign of zeros."""
    with np.errstate(all="ignore"):
        return float(np.sum(np.sin(x) * np.arange(1.0, x.size + 1)) + math.copysign(0.1, x.flat[0]))


def growing(x):
    return float(np.max(np.abs(x))) * 1e300


class Outside:
    """Raises, or is no number, at every third point."""

    def __init__(self, kind):
        self.kind, self.calls = kind, 0

    def __call__(self, x):
        self.calls += 1
        if self.calls % 3:
            return rough(x)
        return self.kind if isinstance(self.kind, float) else self.kind(x)


def raised(error):
    def at(x):
        raise error("there is nothing here")

    return at


class Reused:
    """Returns the same array each time, and changes what it is asked at."""

    def __call__(self, x):
        if not hasattr(self, "buffer"):
            self.buffer = np.empty((2, x.size))
        self.buffer[:] = np.cos(x), x * rough(x)
        x[:] = 7.0
        return self.buffer


KINDS = {
    "floats": lambda: rough,
    "NumPy's floats": lambda: lambda x: np.float64(rough(x)),
    "too large": lambda: growing,
    "arrays": lambda: lambda x: np.sin(x) * rough(x),
    "square": lambda: lambda x: np.outer(np.sin(x), np.cos(x)),
    "one output": lambda: lambda x: np.array([rough(x)]),
    "no axes": lambda: lambda x: np.array(rough(x)),
    "no outputs": lambda: lambda _: np.empty(0),
    "integers": lambda: lambda x: round(100 * rough(x)),
    "single precision": lambda: lambda x: np.float32(rough(x)),
    "lists": lambda: lambda x: [rough(x), 1],
    "complex": lambda: lambda x: np.exp(1j * rough(x)),
    "a buffer": Reused,
    "nan": lambda: Outside(math.nan),
    "infinite": lambda: Outside(math.inf),
    "raises": lambda: Outside(raised(ValueError)),
    "fails": lambda: Outside(raised(KeyError)),
    "other kinds": lambda: Outside(lambda _: 3),
    "other shapes": lambda: Outside(lambda _: np.zeros(2)),
    "words": lambda: lambda _: "one",
}


def answer(operator, make, x, options):
    """All that can be seen: bits, texts, what was raised, and where f was asked, in order."""
    f, asked = make(), []

    def noted(x):
        asked.append(x.tobytes())
        return f(x)

    try:
        found = operator(noted, x, **options)
    except Exception as error:  # noqa: BLE001 - it is compared
        return type(error), str(error), getattr(error, "__notes__", []), asked
    arrays = [np.asarray(getattr(found, name)) for name in FIELDS]
    bits = [(a.shape, a.dtype, np.where(np.isnan(a), np.nan, a).tobytes()) for a in arrays]
    return bits, found.nfev, found.method, found.messages, asked


@pytest.mark.parametrize("kind", KINDS)
@law
@given(x=points, step=steps, method=st.sampled_from(METHODS))
def test_the_short_way_says_what_the_long_one_does(kind, x, step, method):
    options = {"method": method, "step": step}
    for operator in (nd.gradient, nd.jacobian):
        one, other = (answer(operator, KINDS[kind], x, o) for o in (options, {**options, **LONG}))
        assert one == other


@pytest.mark.parametrize("shape", [(), (1,), (2, 3), (1, 1, 2), (0,)])
@pytest.mark.parametrize("kind", ["floats", "arrays", "one output"])
@pytest.mark.parametrize("method", METHODS, ids=str)
def test_points_of_any_shape_take_the_short_way_alike(kind, method, shape):
    f = (lambda _: 1.0) if 0 in shape else KINDS[kind]()
    x = np.linspace(0.5, 2.0, math.prod(shape)).reshape(shape)
    for operator, step in product((nd.gradient, nd.jacobian), (1e-3, "textbook")):
        options = {"method": method, "step": step}
        one, other = (answer(operator, lambda: f, x, o) for o in (options, {**options, **LONG}))
        assert one == other


@law
@given(x=points, step=st.floats(1e-12, 1.0), method=st.sampled_from(METHODS))
def test_single_steps_are_those_of_the_kernels(x, step, method):
    level, n = named_method(method).level(1), x.size
    block, stretch, value = np.empty((1, level.offsets.size, n)), np.empty(1), np.empty(1)
    zero, h, f0 = np.zeros(1, np.int64), np.array([step]), np.array([rough(x)])
    found = nd.gradient(rough, x, method=method, step=step).value
    for k in range(n):
        place(zero, h, x, zero, np.array([k]), np.ones(1), level.offsets, block, stretch)
        values = np.array([[rough(point)] for point in block[0]])
        with np.errstate(all="ignore"):
            weighted(values, level.weights, level.centre, f0, scaling(h[0], stretch[0], 1), value)
        assert value[0] == found[k] or (not np.isfinite(value[0]) and np.isnan(found[k]))


@pytest.mark.parametrize("method", METHODS, ids=str)
def test_textbook_steps_are_the_nearest_powers_of_two(method):
    level = named_method(method).level(1)
    plan = plan_of(level, None, 1)
    octaves, random = 2.0 ** np.arange(-60, 200), np.random.default_rng(0)
    edges = octaves * np.nan_to_num(plan.rule[1], nan=0.5)
    x = np.concatenate(
        [random.normal(size=500) * 10.0 ** random.integers(-5, 300, 500), octaves, -edges,
         np.nextafter(edges, 0.0), edges * (1 + 1e-13), [0.0, -0.0, 1.7e308, 5e-324]]
    )  # fmt: skip
    power = math.log2(EPS) / level.balance
    steps = 2.0 ** np.rint(power + np.log2(np.maximum(np.abs(x), 1.0)))
    assert (textbook(level, x) == steps).all()
    assert [plan.textbook([entry])[0] for entry in x.tolist()] == steps.tolist()
    assert [textbook(level, entry)[0] for entry in x[:, None]] == steps.tolist()


@pytest.mark.parametrize("x", [[1.0, 2.0], [1.0]])
def test_no_two_estimates_share_an_array(x):
    x = np.array(x)
    for f in (rough, lambda x: x * x):
        one, other = (nd.jacobian(f, x, method="central", step=1e-6) for _ in range(2))
        for name in FIELDS:
            array = getattr(one, name)
            assert array is getattr(one, name)
            array[...] = 3
            assert not (getattr(other, name) == 3).any(), name
        assert (nd.jacobian(f, x, method="central", step=1e-6).step == 1e-6).all()


def test_arrays_that_wait_survive_copies():
    import copy
    import pickle

    found = nd.gradient(rough, np.array([1.0, 2.0]), method="central", step=1e-6)
    for twin in (copy.copy(found), copy.deepcopy(found), pickle.loads(pickle.dumps(found))):
        for name in FIELDS:
            np.testing.assert_array_equal(getattr(twin, name), getattr(found, name))
    with pytest.raises(AttributeError, match="no attribute 'errors'"):
        found.errors  # noqa: B018
