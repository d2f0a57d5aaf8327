"""Calls as users write them: options, bounds, points with names, flags, budgets, messages."""

import math
import re
from collections import OrderedDict, defaultdict

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import Bounds
from scipy.sparse import csr_array

import numdiff as nd
from numdiff import Status, verify
from numdiff.estimate import FlaggedError, FlaggedWarning
from tests.measuring.operators import Recorded, operators_at

X = np.array([0.75, -1.5, 2.0])
OPERATORS = operators_at(X, np.array([1.0, -2.0, 0.5]), 0.75)
every_operator = pytest.mark.parametrize("name", OPERATORS)


def smooth(x):
    return x * x * x if np.ndim(x) == 0 else x[0] ** 2 * x[1] + np.sin(x[2])


def same(one, other):
    for name in ("value", "error", "status", "step", "noise", "left", "right", "nfev"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


# --- Options: names, args, kwargs, on_flag ---

UNKNOWN = {
    "stpe": "did you mean 'step'",
    "kwargz": "did you mean 'kwargs'",
    "rel_step": "`step`.*step=rel_step",
    "abs_step": "`step`",
    "eps": "`step`",
    "epsilon": "`step`",
    "base_step": "`step`",
    "n": "`order`",
    "tol": "`rtol`",
    "points": "`n_points`",
}


@every_operator
@pytest.mark.parametrize("word", UNKNOWN)
def test_an_unknown_option_is_named_with_the_right_one(name, word):
    with pytest.raises(TypeError, match=rf"{name}\(\) has no option '{word}'.*{UNKNOWN[word]}"):
        OPERATORS[name](smooth, **{word: 1})


def faces():
    """What else takes options, as calls of f."""
    grad = np.ones(3)
    return {
        "verify.gradient": lambda **o: verify.gradient(smooth, grad, X, **o),
        "verify.directional": lambda **o: verify.directional(smooth, grad, X, **o),
        "assert_gradient": lambda **o: verify.assert_gradient(smooth, grad, X, **o),
        "noise_level": lambda **o: nd.noise_level(smooth, X, **o),
        "local_model": lambda **o: nd.local_model(smooth, X, **o),
        "native.gradient": lambda **o: nd.native.gradient(smooth, **o),
    }


@pytest.mark.parametrize("face", faces())
def test_every_public_function_names_itself_and_the_option(face):
    with pytest.raises(TypeError, match=rf"{face}\(\) has no option 'stpe'"):
        faces()[face](stpe=1e-3)


@pytest.mark.parametrize("face", faces())
@pytest.mark.parametrize("word", ["eps", "rel_step", "tol", "centered", "stpe"])
def test_no_option_is_proposed_that_the_function_lacks(face, word):
    with pytest.raises(TypeError) as raised:
        faces()[face](**{word: 1})
    proposed = {
        name for name in ("step", "rtol", "method")
        if re.search(rf"`{name}`|'{name}'|{name}=", str(raised.value).partition(":")[2])
    }  # fmt: skip
    for name in proposed:  # it is one: what is wrong is its value at most
        with pytest.raises(Exception, match=r"^(?!.*has no option)"):
            faces()[face](**{name: "nothing"})


@pytest.mark.parametrize("face", ["verify.gradient", "noise_level", "local_model"])
def test_errors_name_the_function_that_was_called(face):
    with pytest.raises(TypeError, match=f"^{face}: `args` must be a tuple"):
        faces()[face](args=[1])
    with pytest.raises(ValueError, match=r"^hessian: `x` must be finite, got nan at entry 1"):
        nd.hessian(smooth, [1.0, math.nan, 2.0])


@pytest.mark.parametrize("op", [nd.gradient, nd.jacobian, nd.hessian, nd.derivative])
def test_an_option_by_position_is_told_to_go_by_name(op):
    with pytest.raises(TypeError, match=r"takes f, x by position.*method='central'.*args="):
        op(smooth, X, "central")


def test_type_errors_of_f_are_its_own():
    def f(x):
        raise TypeError("mine")

    with pytest.raises(TypeError, match="mine"):
        nd.gradient(f, X)


@pytest.mark.parametrize("args", [3.0, (3.0,), np.float64(3.0)])
def test_a_single_argument_needs_no_tuple(args):
    same(nd.gradient(lambda x, a: a * x[0], X, args=args), nd.gradient(lambda x: 3.0 * x[0], X))
    assert nd.noise_level(lambda x, a: a * x[0], X, args=args).kind == "rounding"


@every_operator
def test_keyword_arguments_reach_f(name):
    f = lambda x, a, *, power: a * smooth(x) ** power
    found = OPERATORS[name](f, args=(2.0,), kwargs={"power": 2})
    same(found, OPERATORS[name](lambda x: 2.0 * smooth(x) ** 2))


def test_keyword_arguments_reach_f_and_its_derivative():
    f, g = (lambda x, *, a: a * x @ x), (lambda x, *, a: 2 * a * x)
    for kind, derivative in (("gradient", g), ("directional", g)):
        assert getattr(verify, kind)(f, derivative, X, kwargs={"a": 3.0}).verdict == "agree"


KINKED = lambda x: abs(x[0]) + x[1]


def test_flags_can_be_raised_or_warned_of():
    assert not nd.gradient(KINKED, [0.0, 1.0]).success.all()
    with pytest.raises(FlaggedError, match="KINK") as raised:
        nd.gradient(KINKED, [0.0, 1.0], on_flag="raise")
    assert raised.value.estimate.status.tolist() == [Status.KINK, Status.OK]
    with pytest.warns(FlaggedWarning, match="KINK") as told:
        found = nd.gradient(KINKED, [0.0, 1.0], on_flag="warn")
    assert told[0].message.estimate is found
    assert told[0].filename == __file__
    for on_flag in ("raise", "warn", "keep"):
        assert nd.gradient(KINKED, [1.0, 1.0], on_flag=on_flag).success.all()
    with pytest.raises(FlaggedError):
        nd.hessian(KINKED, [0.0, 1.0], grad=lambda x: [np.sign(x[0]), 1.0], on_flag="raise")


# --- Bounds ---

LOW, HIGH = np.array([0.7, -2.0, 1.0]), np.array([0.8, -1.0, 2.0])
WAYS = {
    "Bounds": Bounds(LOW, HIGH),
    "tuple of arrays": (LOW, HIGH),
    "tuple of lists": (LOW.tolist(), HIGH.tolist()),
    "list of pairs": list(zip(LOW, HIGH, strict=True)),
    "tuple of pairs": tuple(zip(LOW, HIGH, strict=True)),
    "array of pairs": np.stack([LOW, HIGH], axis=1),
    "list of sides": [LOW, HIGH],
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("method", ["auto", "forward", "central", "richardson"])
@pytest.mark.parametrize("name", [name for name in OPERATORS if name != "derivative"])
def test_f_is_never_called_outside_whichever_way_bounds_are_written(name, method, way):
    f = Recorded(smooth)
    found = OPERATORS[name](f, bounds=WAYS[way], method=method)
    assert all(((p >= LOW) & (p <= HIGH)).all() for p in f.points)
    same(found, OPERATORS[name](smooth, bounds=(LOW, HIGH), method=method))


@pytest.mark.parametrize("offsets", [(-1, 0, 1, 2), (0, 1, 2), (-2, -1, 0), (-3, 1)])
@pytest.mark.parametrize("place", [LOW, HIGH, LOW + 1e-9, (LOW + HIGH) / 2])
def test_all_points_of_a_stencil_stay_inside(offsets, place):
    stencil = nd.Stencil(offsets)
    for options in ({}, {"step": 0.5}):
        f = Recorded(smooth)
        found = nd.gradient(f, place, bounds=(LOW, HIGH), method=stencil, **options)
        assert all(((p >= LOW) & (p <= HIGH)).all() for p in f.points)
        assert np.isfinite(found.value).all()
        if not options:
            x, y, z = place
            right = np.array([2 * x * y, x * x, math.cos(z)])
            assert found.success.all()
            # without extrapolation a bar is the truncation itself, to its leading term
            assert (np.abs(found.value - right) <= 1.5 * found.error).all()


OPEN = ([(0.0, None)] * 3, (0.0, None), Bounds(0.0), [None, (0, 1), None],
        ([0, None, 0], [None, 1, None]))  # fmt: skip


@pytest.mark.parametrize("bounds", OPEN)
def test_none_is_no_bound(bounds):
    found = nd.gradient(lambda x: x @ x, [1.0, 0.5, 2.0], bounds=bounds)
    assert (found.status == Status.OK).all()


def test_a_list_that_can_be_read_both_ways_is_refused():
    with pytest.raises(ValueError, match=r"can be read as.*Bounds\(lower, upper\) or a tuple"):
        nd.gradient(np.sum, [0.5, 2.5], bounds=[(0, 1), (2, 3)])
    nd.gradient(np.sum, [0.5, 2.5], bounds=([0, 2], [1, 3]))
    f = Recorded(np.sum)
    nd.gradient(f, [9.5, 0.5], bounds=[(9, 10), (0, 1)], step=4.0)  # only pairs hold x
    assert all(9 <= p[0] <= 10 and 0 <= p[1] <= 1 for p in f.points)


def test_what_was_read_is_said():
    with pytest.raises(
        ValueError, match=r"entry 1 is 1.0.*\[2.0, 3.0\].*one \(lower, upper\) pair"
    ):
        nd.gradient(np.sum, [0.5, 1.0], bounds=[(0, 0.7), (2, 3)])
    with pytest.raises(ValueError, match=r"`bounds` are reversed: entry 0.*1.0 above.*0.0"):
        nd.gradient(np.sum, [0.5, 1.0], bounds=(1, 0))


def test_a_fixed_parameter_is_told():
    f = Recorded(smooth)
    found = nd.gradient(f, X, bounds=[(0, 1), (-1.5, -1.5), (None, None)])
    assert found.status[1] == Status.DOMAIN
    assert math.isnan(found.value[1])
    assert any("fixed" in message and "1" in message for message in found.messages)
    assert all(p[1] == -1.5 for p in f.points)


# --- Points with names ---

POINT = {"rate": 2.0, "sizes": np.array([1.0, 3.0])}
model = lambda p: p["rate"] ** 2 * np.sum(p["sizes"] ** 2)
flat = lambda x: x[0] ** 2 * np.sum(x[1:] ** 2)
FLAT = np.array([2.0, 1.0, 3.0])
NAMES = ("rate", "sizes[0]", "sizes[1]")


@pytest.mark.parametrize("kind", [dict, OrderedDict, lambda p: defaultdict(float, p)])
def test_f_gets_a_dict_of_the_same_kind(kind):
    x, seen = kind(POINT), []
    nd.gradient(lambda p: (seen.append(p), model(p))[1], x)
    assert all(type(p) is type(x) and list(p) == list(x) for p in seen)
    assert type(seen[0]["rate"]) is np.float64
    assert seen[0]["sizes"].shape == (2,)
    assert x["rate"] == 2.0


@pytest.mark.parametrize("op", [nd.gradient, nd.jacobian, nd.hessian, nd.hessian_diagonal])
def test_a_dict_is_differentiated_flat_with_names(op):
    found = op(model, POINT)
    same(found, op(flat, FLAT))
    assert found.names == NAMES
    assert "sizes[1]" in str(found)
    assert found.to_dict()["names"] == list(NAMES)


def test_vectors_steps_and_bounds_may_be_dicts_too():
    v = {"sizes": [0.5, 1.0], "rate": 2.0}  # in any order
    same(nd.jvp(model, POINT, v), nd.jvp(flat, FLAT, [2.0, 0.5, 1.0]))
    same(nd.hvp(model, POINT, v), nd.hvp(flat, FLAT, [2.0, 0.5, 1.0]))
    steps = {"rate": 0.1, "sizes": [0.2, 0.3]}
    same(nd.gradient(model, POINT, method="central", step=steps),
         nd.gradient(flat, FLAT, method="central", step=[0.1, 0.2, 0.3]))  # fmt: skip
    bounds = {"rate": (0, 2), "sizes": ([1, None], 5)}
    same(nd.gradient(model, POINT, bounds=bounds),
         nd.gradient(flat, FLAT, bounds=([0, 1, -np.inf], [2, 5, 5])))  # fmt: skip
    with pytest.raises(ValueError, match=r"`bounds`.*'rat'.*'rate'"):
        nd.gradient(model, POINT, bounds={"rat": (0, 1)})
    with pytest.raises(ValueError, match="`v` must have the keys of x"):
        nd.jvp(model, POINT, {"rate": 1.0})
    with pytest.raises(ValueError, match="`bounds` are a dict"):
        nd.gradient(flat, FLAT, bounds={"rate": (0, 2)})


def test_a_gradient_by_name_may_be_differentiated():
    grad = lambda p: {"rate": 2 * p["rate"] * np.sum(p["sizes"] ** 2),
                      "sizes": 2 * p["rate"] ** 2 * p["sizes"]}  # fmt: skip
    found = nd.hessian(model, POINT, grad=grad)
    np.testing.assert_allclose(found.value, nd.hessian(flat, FLAT).value, atol=1e-9)
    assert found.names == NAMES
    assert verify.gradient(model, grad, POINT).verdict == "agree"


SERIES = pd.Series({"u": 2.0, "v": 3.0}, name="start")


def test_a_series_works_everywhere():
    f = lambda s: s["u"] ** 2 * s["v"]
    seen = Recorded(f)
    found = nd.gradient(seen, SERIES)
    assert found.names == ("u", "v")
    np.testing.assert_allclose(found.value, [12.0, 4.0])
    kinds = []
    nd.gradient(lambda s: (kinds.append((type(s), s.name)), f(s))[1], SERIES)
    assert set(kinds) == {(pd.Series, "start")}
    grad = lambda s: pd.Series({"v": s["u"] ** 2, "u": 2 * s["u"] * s["v"]})
    report = verify.gradient(f, grad, SERIES, bounds={"u": (0, 5)})
    assert report.verdict == "agree"
    assert report.entries["name"].tolist() == ["u", "v"]
    assert verify.directional(f, grad, SERIES).verdict == "agree"
    assert nd.noise_level(f, SERIES).kind == nd.noise_level(f, {"u": 2.0, "v": 3.0}, None).kind
    assert nd.local_model(f, SERIES).gradient.names == ("u", "v")
    assert nd.derivative(np.sin, SERIES).names == ("u", "v")
    assert nd.gradient(f, SERIES).to_frame().index.tolist() == ["u", "v"]


class Quantity:
    """As pint's: numbers with units."""

    def __init__(self, magnitude):
        self.magnitude, self.units = np.asarray(magnitude), "m"

    def __array__(self, dtype=None, copy=None):
        return self.magnitude.astype(float)

    def __float__(self):
        return float(self.magnitude)


@every_operator
@pytest.mark.parametrize(
    "strange", [np.ma.array(X, mask=[0, 1, 0]), Quantity(X), [Quantity(1.0)] * 3]
)
def test_masks_and_units_are_refused_not_dropped(name, strange):
    call = getattr(nd, name)
    v = (X,) if name in {"jvp", "hvp"} else ()
    with pytest.raises(TypeError, match=r"`x`.*(mask|units)"):
        call(smooth, strange, *v)
    with pytest.raises(TypeError, match=r"mask|units"):
        nd.jvp(smooth, X, strange)


@pytest.mark.parametrize("strange", [np.ma.array(X, mask=[0, 1, 0]), Quantity(X)])
def test_masks_and_units_that_f_returns_are_refused_too(strange):
    with pytest.raises(TypeError, match=r"^jacobian: f returned.*(mask|units).*return"):
        nd.jacobian(lambda _: strange, X)
    with pytest.raises(TypeError, match=r"^propagate: `cov`.*(mask|units)"):
        nd.propagate(smooth, X, strange)


# --- Budgets ---

total = lambda x: float(np.sum(np.sin(x)))


@pytest.mark.parametrize("n", [1, 3, 6])
def test_a_budget_buys_the_best_it_can(n):
    x = np.linspace(0.5, 1.0, n)
    for limit in range(1, 6 * n + 2):
        f = Recorded(total)
        found = nd.gradient(f, x, max_nfev=limit)
        assert found.nfev == f.calls <= limit
        assert (found.status == Status.BUDGET).all()
        wrong = np.abs(found.value - np.cos(x))
        if limit >= 2 * n:
            assert (wrong < 1e-8).all()
        elif limit >= n + 1:
            assert (wrong < 1e-6).all()
        else:
            assert np.isfinite(found.value).sum() == max(limit - 1, 0)
        assert (~np.isfinite(found.error) | (wrong <= found.error)).all()


def test_single_steps_respect_a_budget():
    for limit in range(1, 13):
        f = Recorded(total)
        found = nd.gradient(f, np.linspace(0, 1, 6), method="central", step=1e-3, max_nfev=limit)
        assert f.calls <= limit
        asked = np.arange(6) < limit // 2
        assert (found.status == np.where(asked, Status.SINGLE_STEP, Status.BUDGET)).all()
        assert (np.isfinite(found.value) == asked).all()


def test_a_budget_is_shared_among_points():
    x = np.linspace(0.5, 1.0, 10)
    found = nd.derivative(np.sin, x, max_nfev=20)
    assert found.nfev <= 20
    np.testing.assert_allclose(found.value, np.cos(x), rtol=1e-9)


@pytest.mark.parametrize("limit", [2, 4, 6, 7, 9])
def test_a_budget_stays_inside_bounds(limit):
    f = Recorded(smooth)
    nd.gradient(f, X, max_nfev=limit, bounds=(X, X + 1))
    assert f.calls <= limit
    assert all((p >= X).all() for p in f.points)


# --- Wrong uses: one clear error each ---

WRONG = {
    "rows": (lambda: nd.gradient(smooth, [[1, 2], [3]]), "`x`.*rows"),
    "grad array": (lambda: nd.hessian(smooth, X, grad=[2, 4, 6]), "`grad` must be callable"),
    "grad flag": (lambda: nd.hessian(smooth, X, grad=True), "`grad` must be callable, got bool"),
    "noise of nothing": (lambda: nd.noise_level(smooth, []), "`x` must hold at least one number"),
    "noise args": (lambda: nd.noise_level(smooth, X, args=[3]), "`args` must be a tuple"),
    "vectorized": (lambda: nd.gradient(smooth, X, vectorized="no"), "`vectorized` must be True"),
    "max_nfev": (lambda: nd.gradient(smooth, X, max_nfev=10.5), "`max_nfev` must be a whole"),
    "layout": (lambda: nd.gradient(lambda x: x.sum(axis=1), X, vectorized=True),
               r"last axis of length 1.*got shape \(3,\).*x came as \(3, 1\).*leave `vectorized`"),
    "max_nfev flag": (lambda: nd.gradient(smooth, X, max_nfev=True), "`max_nfev` must be a number"),
    "step flag": (lambda: nd.gradient(smooth, X, step=True), "`step` must be.*got True"),
    "rule of complex": (lambda: nd.gradient(smooth, X, step="mathur", method="complex"), "`step`"),
    "order of arguments": (lambda: nd.gradient(X, smooth), "`x`.*got function.*order"),
    "entry of x": (lambda: nd.gradient(smooth, [1.0, "a"]), "`x`.*got list with '1.0' in it"),
    "pair": (lambda: nd.gradient(lambda x: (x @ x, 2 * x), X), r"got tuple of.*both\(x\)\[0\]"),
    "sparse f": (lambda: nd.jacobian(lambda x: csr_array(np.diag(x)), X), "csr_array.*toarray"),
    "vector f": (lambda: nd.hvp(lambda x: x * x, X, X), "one output here.*use `hessian`"),
    "no derivative": (lambda: verify.gradient(smooth, None, X), "derivative must.*got NoneType"),
    "None in it": (lambda: verify.gradient(smooth, np.array([1, None, 2]), X), "ndarray of obj"),
    "w": (lambda: nd.local_model(smooth, X).predict("a"), "`w` must be a number.*got str"),
    "w nan": (lambda: nd.local_model(smooth, X).predict(X * math.nan), "`w` must be finite"),
    "scale": (lambda: nd.local_model(smooth, X).covariance(-1.0), "`scale` must be a positive"),
    "cov": (lambda: nd.propagate(smooth, X, "cov"), "propagate: `cov` must be a number"),
    "correlation": (lambda: nd.propagate(smooth, X, 2 - np.eye(3)), "`cov`.*eigenvalue, got -1:"),
    "kwargs": (lambda: nd.gradient(smooth, X, kwargs=3), "`kwargs` must be a dict, got 3"),
    "dict for derivative": (lambda: nd.derivative(smooth, POINT), "`x`.*use `gradient` for a dict"),
    "scipy's method": (lambda: nd.gradient(smooth, X, method="3-point"), "method='central'"),
    "n_points": (lambda: verify.gradient(smooth, X, X, n_points=1.5), "`n_points`.*1.5"),
    "verify f": (lambda: verify.gradient(3.0, X, X), "`f` must be callable, got float"),
    "directional method": (lambda: verify.directional(smooth, X, X, method="auto"), "no option"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_use_gets_one_clear_line(case):
    call, said = WRONG[case]
    with pytest.raises((TypeError, ValueError), match=said) as raised:
        call()
    assert "\n" not in str(raised.value)


def test_derivative_of_a_function_of_arrays_says_what_to_use():
    with pytest.raises((IndexError, TypeError)) as raised:
        nd.derivative(lambda x: x[0] ** 2, [1.0, 2.0])
    assert any("`gradient`" in note for note in raised.value.__notes__)


def test_compiled_derivatives_say_in_a_line_what_does_not_fit():
    numba = pytest.importorskip("numba")
    if numba.config.DISABLE_JIT:
        pytest.skip("nothing is compiled")
    bowl, wave = numba.njit(lambda x: x[0] * x[1]), numba.njit(lambda x: math.sin(x) + x)
    single = numba.njit("float32(float32[:])")(lambda x: x[0])
    native = nd.native
    cases = (
        (lambda: native.gradient(bowl)([1.0, 2.0]), "`x` must be.*numpy.array.*got list"),
        (lambda: native.gradient(bowl)(1.0), "`x` must be.*got float"),
        (lambda: native.derivative(wave)(np.ones(2)), "`x` must be a number.*got ndarray"),
        (lambda: native.gradient(wave), "`f` must take a one-dim.*native.derivative"),
        (lambda: native.derivative(bowl), "`f` must take one number.*native.gradient"),
        (lambda: native.gradient(single), "`f` must take.*compiled for.*float32.* only"),
        (lambda: nd.jacobian(numba.njit(lambda x, a: a * x), X), r"args=\(a,\)"),
    )
    for call, said in cases:
        with pytest.raises(TypeError, match=said) as raised:
            call()
        assert "\n" not in str(raised.value)
    inner = native.gradient(bowl)
    assert numba.njit(lambda x: inner(x)[0][0])(np.array([1.0, 2.0])) == pytest.approx(2.0)
