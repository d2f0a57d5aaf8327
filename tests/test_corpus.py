"""The corpus checks itself: names, halves, and derivatives computed again another way."""

import json
import math
import re
import zlib
from collections import Counter
from dataclasses import replace
from functools import cache

import mpmath
import numpy as np
import pytest

from tests import corpus
from tests.corpus import multivariate, noisy, nonsmooth
from tests.corpus.scalar import CATEGORIES
from tests.corpus.truth import ORDERS, check_value
from tests.known import KNOWN_DEFECTS

HALVES = ("tune", "confirm")
EVERY, EVERY_ARRAY = 16, 6  # every so manyth case is computed again
FEWEST_PROBLEMS = 150


@cache
def rows():
    return json.loads(corpus.TRUTH.read_text(encoding="ascii"))


def chosen(name, every):
    return zlib.crc32(f"again {name}".encode()) % every == 0


def known(check):
    """The names that a check of the corpus is known to fail for; any other set is a failure."""
    return {name for failing, name in KNOWN_DEFECTS if failing == check}


def repeated(names):
    return [name for name, count in Counter(names).items() if count > 1]


# --- Names, categories, halves ---


def test_there_are_enough_problems():
    assert len(corpus.PROBLEMS) >= FEWEST_PROBLEMS
    assert len(list(corpus.cases())) >= 2 * len(corpus.PROBLEMS)


NAMES = {
    "scalar": [problem.name for problem in corpus.PROBLEMS],
    "multivariate": [p.name for p in multivariate.GRADIENT + multivariate.JACOBIAN],
    "noisy": [case.name for case in noisy.noisy_cases()],
    "stochastic": [case.name for case in noisy.stochastic_cases(0)],
    "nonsmooth": [case.name for case in nonsmooth.NONSMOOTH],
    "once differentiable": [case.name for case in nonsmooth.ONCE_DIFFERENTIABLE],
    "near a kink": [case.name for case in nonsmooth.NEAR_KINK],
}


@pytest.mark.parametrize("part", NAMES)
def test_names_are_unique(part):
    assert NAMES[part]
    assert not repeated(NAMES[part])


def test_points_of_a_problem_are_different():
    assert not [p.name for p in corpus.PROBLEMS if repeated(p.points)]
    assert not [p.name for p in corpus.PROBLEMS if not p.points]


def test_every_problem_has_exactly_one_category():
    assert not [p.name for p in corpus.PROBLEMS if len(p.tags & CATEGORIES) != 1]


@pytest.mark.parametrize("half", HALVES)
def test_every_category_is_in_both_halves(half):
    assert {case.category for case in corpus.cases(half=half)} == CATEGORIES


PARTS_WITH_HALVES = {
    "scalar": lambda half: {case.problem for case in corpus.cases(half=half)},
    "gradient": lambda half: {case.name for case in multivariate.gradient_cases(half)},
    "hessian": lambda half: {case.name for case in multivariate.hessian_cases(half)},
    "jacobian": lambda half: {case.name for case in multivariate.jacobian_cases(half)},
    "noisy": lambda half: {case.name for case in noisy.noisy_cases(half)},
    "stochastic": lambda half: {case.name for case in noisy.stochastic_cases(0, half)},
}


@pytest.mark.parametrize("part", PARTS_WITH_HALVES)
def test_halves_are_disjoint_and_make_the_whole(part):
    tune, confirm, whole = map(PARTS_WITH_HALVES[part], (*HALVES, None))
    assert not tune & confirm
    assert tune | confirm == whole
    assert min(len(tune), len(confirm)) > len(whole) / 3


def test_a_wrong_half_or_order_is_refused():
    with pytest.raises(ValueError, match="half"):
        list(corpus.cases(half="both"))
    with pytest.raises(ValueError, match="order 5"):
        list(corpus.cases(5))


# --- The functions ---


@pytest.mark.parametrize("category", sorted(CATEGORIES))
def test_f_is_a_finite_float_at_x(category):
    for case in corpus.cases():
        if case.category == category:
            value = case.f(np.float64(case.x))
            assert isinstance(value, float), (case.problem, case.x)
            assert math.isfinite(value), (case.problem, case.x)


def test_functions_of_arrays_are_finite_at_x():
    for problem in multivariate.GRADIENT + multivariate.JACOBIAN:
        value = problem.f(problem.x)
        assert np.isfinite(value).all(), problem.name
        assert (np.ndim(value) == 0) == ("gradient" in problem.tags), problem.name


def test_noisy_functions_are_finite_at_x_and_depend_on_x_only():
    for case in noisy.noisy_cases():
        assert math.isfinite(case.f(case.x)), case.name
        assert case.f(case.x) == case.f(case.x), case.name


def test_stochastic_functions_are_fresh_at_each_call_and_the_same_for_a_seed():
    for first, again in zip(noisy.stochastic_cases(1), noisy.stochastic_cases(1), strict=True):
        values = [first.f(first.x), first.f(first.x)]
        assert values[0] != values[1], first.name
        assert values == [again.f(again.x), again.f(again.x)], first.name


# --- The stored derivatives ---


def test_there_is_a_row_for_every_point():
    stored = {name: [float.fromhex(row["x"]) for row in table] for name, table in rows().items()}
    assert stored == {problem.name: list(problem.points) for problem in corpus.PROBLEMS}


def test_truth_parses():
    for name, table in rows().items():
        for row in table:
            assert set(row["d"]) == {str(order) for order in ORDERS}, name
            for text in row["d"].values():
                value = 0.0 if text is None else float.fromhex(text)
                assert value == 0.0 or math.isfinite(1 / value), (name, text)
                assert text is None or value.hex() == text, (name, text)


@pytest.mark.parametrize("order", ORDERS)
def test_cases_leave_out_only_what_is_no_normal_double(order):
    missing = sum(row["d"][str(order)] is None for table in rows().values() for row in table)
    total = sum(len(problem.points) for problem in corpus.PROBLEMS)
    assert len(list(corpus.cases(order))) == total - missing
    assert missing < total / 50


def test_truth_of_arrays_has_the_right_shape():
    for name, cases, axes in (
        ("gradient", multivariate.gradient_cases(), 1),
        ("hessian", multivariate.hessian_cases(), 2),
        ("jacobian", multivariate.jacobian_cases(), 1),
    ):
        for case in cases:
            shape = np.shape(case.f(case.x)) + case.x.shape * axes
            assert case.exact.shape == shape, (name, case.name)
            assert np.isfinite(case.exact).all(), (name, case.name)
            if name == "hessian":
                assert (case.exact == case.exact.T).all(), case.name


def half_an_ulp(value):
    """What correct rounding leaves, and a thousandth of it for the other computation."""
    return mpmath.mpf(math.ulp(value)) / 2 * mpmath.mpf("1.001")


def settled(exact, coarse, fine, noise):
    """Whether a stored derivative is the nearest double; a zero is what vanishes with the step."""
    if exact == 0:
        return abs(fine) <= max(abs(coarse) / 100, noise)
    return abs(fine - mpmath.mpf(exact)) <= half_an_ulp(exact)


def derivative_again(problem, x, order):
    """mpmath's own differences with two steps, unlike those of the truth, and their noise."""
    digits, step = (100, -12) if "special" in problem.tags else (700, -45)
    unit = abs(x) or min(abs(point) for point in problem.points if point)
    with mpmath.workdps(digits):
        h = mpmath.mpf(10) ** step * unit

        def f(t):
            return mpmath.re(problem.reference(mpmath.mp, t))

        noise = mpmath.mpf(10) ** (20 - digits) * (abs(f(mpmath.mpf(x))) + 1) / h**order
        return *(mpmath.diff(f, x, order, h=factor * h) for factor in (100, 1)), noise


def stored(problem, x):
    (row,) = [row for row in rows()[problem.name] if float.fromhex(row["x"]) == x]
    return {order: float.fromhex(row["d"][str(order)] or "nan") for order in ORDERS}


SAMPLE = [
    pytest.param(problem, x, id=f"{problem.name} at {x!r}")
    for problem in corpus.PROBLEMS
    for x in problem.points
    if chosen(f"{problem.name}@{x!r}", EVERY)
]


@pytest.mark.parametrize(("problem", "x"), SAMPLE)
def test_truth_computed_again(problem, x):
    exact = stored(problem, x)
    for order in (1, (2, 3)[len(problem.name) % 2]):
        if not math.isnan(exact[order]):
            assert settled(exact[order], *derivative_again(problem, x, order)), (order, exact)


def test_a_wrong_truth_would_be_noticed():
    fine = mpmath.cos(mpmath.mpf("0.5"))
    assert settled(math.cos(0.5), fine, fine, 0)
    assert not settled(math.nextafter(math.cos(0.5), 1), fine, fine, 0)
    assert not settled(0.0, fine, fine, 0)
    assert settled(0.0, fine, fine / 100, 0)


def test_f_is_its_reference():
    """What `tests.corpus.truth` asks when it writes the truth, of the same sample."""
    complaints = []
    for parameter in SAMPLE:
        problem, x = parameter.values
        slope = mpmath.mpf(stored(problem, x)[1])
        complaints += filter(None, [check_value(problem, x, slope)])
    assert not complaints


# --- The stored derivatives of arrays ---


def displaced(x, v, t):
    return [entry + t * move for entry, move in zip(x, v, strict=True)]


def exactly(numbers):
    return [mpmath.mpf(number) for number in numbers.ravel().tolist()]


def partials_again(problem, x):
    """The first derivatives at x, by inputs and outputs, with steps smaller than the truth's."""
    rows = []
    for j, entry in enumerate(x):
        h = mpmath.mpf("1e-150") * (abs(entry) or mpmath.mpf("1e-6"))
        axis = [int(i == j) for i in range(len(x))]
        after, before = (
            np.array(problem.reference(mpmath.mp, displaced(x, axis, move)), object).ravel()
            for move in (h, -h)
        )
        rows.append((after - before) / (2 * h))
    return np.array(rows)


ARRAYS = {problem.name: problem for problem in multivariate.GRADIENT + multivariate.JACOBIAN}


def agree(exact, again):
    vanished = mpmath.mpf(10) ** -140  # what a step of 1e-150 and 400 digits leave of a zero
    return abs(again - mpmath.mpf(exact)) <= max(half_an_ulp(exact), vanished)


def disagreeing(cases):
    """The names of the cases with a first derivative that is not the double nearest to it."""
    names = set()
    with mpmath.workdps(400):
        for case in cases:
            again = partials_again(ARRAYS[case.name], exactly(case.x)).T
            pairs = zip(case.exact.ravel().tolist(), again.ravel(), strict=True)
            if not all(agree(*pair) for pair in pairs):
                names.add(case.name)
    return names


def in_sample(cases):
    """A part of the cases, and all that are known to be wrong."""
    wrong = known("truth of arrays")
    return [case for case in cases if chosen(case.name, EVERY_ARRAY) or case.name in wrong]


def test_truth_of_arrays_computed_again():
    cases = in_sample([*multivariate.gradient_cases(), *multivariate.jacobian_cases()])
    assert len(cases) > 30
    assert disagreeing(cases) == known("truth of arrays")


def test_a_wrong_truth_of_arrays_would_be_noticed():
    case = next(multivariate.gradient_cases())
    wrong = case.exact.copy()
    wrong[0] = np.nextafter(wrong[0], np.inf)
    assert not disagreeing([case])
    assert disagreeing([replace(case, exact=wrong)]) == {case.name}


def test_hessians_are_derivatives_of_gradients():
    """Along one direction: against a central difference of gradients that are computed again."""
    cases = in_sample(list(multivariate.hessian_cases()))
    assert len(cases) > 20
    with mpmath.workdps(400):
        for case in cases:
            x, t = exactly(case.x), mpmath.mpf("1e-50")
            v = np.maximum(np.abs(case.x), 1e-6).ravel() * np.cos(np.arange(case.x.size))
            after, before = (
                partials_again(ARRAYS[case.name], displaced(x, exactly(v), move)).ravel()
                for move in (t, -t)
            )
            again = ((after - before) / (2 * t)).astype(float)
            allowed = 4 * np.finfo(float).eps * np.abs(case.exact) @ np.abs(v)
            assert (np.abs(case.exact @ v - again) <= allowed).all(), case.name


# --- Noise, kinks and jumps ---


def quotient(f, x, h):
    return (f(x + h) - f(x)) / h


def test_derivatives_without_the_noise():
    for base in noisy.BASES:
        for x in base.points:
            h = 1e-5 * max(1, abs(x))
            slope = (quotient(base.f, x, h) + quotient(base.f, x, -h)) / 2
            assert slope == pytest.approx(base.df(x), rel=1e-7), (base.name, x)


def test_noise_is_of_the_level_it_is_said_to_be():
    bases = {base.name: base for base in noisy.BASES}
    for case in noisy.noisy_cases():
        clean = bases[case.name.partition("@")[0]].f(case.x)
        assert abs(case.f(case.x) - clean) <= 30 * case.level * abs(clean), case.name


def unit_of(x):
    return abs(x) or 1.0


def is_one_sided_derivative(f, x, sign, stated):
    """Whether quotients tend to what is stated, or grow without end where that is infinite."""
    coarse, fine = (quotient(f, x, sign * 2.0**-k * unit_of(x)) for k in (20, 30))
    if math.isinf(stated):
        return fine * stated > 0 and abs(fine) > 1.2 * abs(coarse)
    return abs(fine - stated) <= max(0.6 * abs(coarse - stated), 1e-6 * abs(stated))


def stated_sides(case):
    return [(sign, d) for sign, d in ((-1, case.left), (1, case.right)) if not math.isnan(d)]


def call_as_the_library_does(f, x):
    try:
        return math.isfinite(f(np.float64(x)))
    except TypeError:
        return False


CALLED_AT_X = [
    *(case for case in nonsmooth.NONSMOOTH if stated_sides(case)),
    *nonsmooth.ONCE_DIFFERENTIABLE,
    *nonsmooth.NEAR_KINK,
]


def test_nonsmooth_functions_take_a_numpy_float():
    failing = {c.name for c in CALLED_AT_X if not call_as_the_library_does(c.f, c.x)}
    assert failing == known("takes a NumPy float")


@pytest.mark.parametrize("kind", ["kink", "jump", "singular"])
def test_one_sided_derivatives(kind):
    cases = [case for case in nonsmooth.NONSMOOTH if case.kind == kind]
    assert cases
    wrong = {
        case.name
        for case in cases
        for sign, stated in stated_sides(case)
        if not is_one_sided_derivative(case.f, case.x, sign, stated)
    }
    assert not wrong


def test_derivatives_beside_kinks_and_jumps():
    wrong = []
    for case in nonsmooth.NEAR_KINK:
        distance = re.search(r"[+-]([\d.]+(e-\d+)?)$", case.name)[1]
        h = float(distance) / 1024
        slope = (quotient(case.f, case.x, h) + quotient(case.f, case.x, -h)) / 2
        if abs(slope - case.exact) > 1e-5 * max(1, abs(case.exact)):
            wrong.append((case.name, slope, case.exact))
    assert not wrong


def test_derivatives_that_exist_once():
    wrong = [
        case.name
        for case in nonsmooth.ONCE_DIFFERENTIABLE
        for sign in (-1, 1)
        if not is_one_sided_derivative(case.f, case.x, sign, case.exact)
    ]
    assert not wrong
