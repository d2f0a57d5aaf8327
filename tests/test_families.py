"""The families check themselves: they are drawn alike again, and their truth is found another way.

Truth is compared with difference quotients of the reference at two tiny steps, from
both sides where there are two: what exists is where they lead, what does not is where they part.
Stairs have no reference: a cubic is fitted to them. What a tag says is tried in double precision.
"""

import math
import zlib
from collections import Counter
from itertools import product

import mpmath
import numpy as np
import pytest

from tests.corpus.families import COUNT, FAMILIES, instances
from tests.corpus.families.core import PRECISE
from tests.corpus.families.stairs import STAIRS

FEWEST = 60
EVERY = 12  # every so manyth instance is looked at closer
LARGE, SMALL = 40, 160  # digits of the steps
LARGE_OF_ARRAYS, SMALL_OF_ARRAYS = 25, 60


def sample(every=EVERY, seed=0):
    drawn = (instance for family in FAMILIES for instance in instances(family, seed=seed))
    return [i for i in drawn if zlib.crc32(f"again {i.name}".encode()) % every == 0]


# --- Drawing ---


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_is_drawn_alike_again(family):
    first, again = instances(family), instances(family)
    assert [i.name for i in first] == [i.name for i in again]
    for one, other in zip(first, again, strict=True):
        assert np.array_equal(one.x, other.x), one.name
        assert value_at_x(one) == value_at_x(other), one.name
        assert one.options == other.options, one.name


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_is_large_and_both_halves_are_populated(family):
    names = [instance.name for instance in instances(family)]
    assert len(set(names)) == len(names) == COUNT >= FEWEST
    halves = {half: instances(family, half=half) for half in ("tune", "confirm")}
    assert sum(map(len, halves.values())) == COUNT
    assert min(map(len, halves.values())) > COUNT / 4


@pytest.mark.parametrize("family", FAMILIES)
def test_every_maker_is_in_both_halves(family):
    drawn = [i for seed in range(3) for i in instances(family, seed=seed)]
    makers = {half: {label(i) for i in drawn if i.half == half} for half in ("tune", "confirm")}
    assert makers["tune"] == makers["confirm"]
    assert len(makers["tune"]) == len(FAMILIES[family])


def test_another_seed_draws_others():
    for family in FAMILIES:
        first, other = ([i.name for i in instances(family, seed=seed)] for seed in (0, 1))
        assert not set(first) & set(other)


def test_a_wrong_half_is_refused():
    with pytest.raises(ValueError, match="half"):
        instances("removable", half="both")


def label(instance):
    return instance.name.partition(" at ")[0].split(" ")[-1]


def value_at_x(instance):
    with np.errstate(all="ignore"):
        return float(instance.f(np.float64(instance.x) if np.ndim(instance.x) == 0 else instance.x))


@pytest.mark.parametrize("family", FAMILIES)
def test_values_and_truth_are_numbers(family):
    for instance in instances(family):
        assert math.isfinite(value_at_x(instance)), instance.name
        low, high = instance.interval
        assert (
            low.shape
            == high.shape
            == np.shape(instance.x) * (low.ndim // max(1, np.ndim(instance.x)))
        )
        assert not np.isinf(low).any(), instance.name
        assert np.array_equal(np.isnan(low), np.isnan(high)), instance.name
        assert (np.isnan(low) | (low <= high)).all(), instance.name


# --- Truth: the limits of difference quotients ---


def sides_of(instance):
    """The sides from which a function of one variable can be looked at: 0 is both at once."""
    lower, upper = instance.options.get("bounds", (-math.inf, math.inf))
    if instance.x == lower or (instance.family, label(instance)) == (
        "domain edges",
        "one_sided_power",
    ):
        return (1,)
    return (-1,) if instance.x == upper else (0,)


def quotient(f, x, order, side, digits):
    """A difference quotient to one side of x, with side 0 about x."""
    h = mpmath.mpf(10) ** -digits * (abs(x) or mpmath.mpf("1e-3"))
    offsets = [k + (side - 1) * mpmath.mpf(order) / 2 for k in range(order + 1)]
    terms = [
        (-1) ** (order - k) * math.comb(order, k) * f(x + offset * h)
        for k, offset in enumerate(offsets)
    ]
    return mpmath.fsum(terms) / h**order


def quotients(instance, side):
    """The quotients of a function of one variable with the larger and the smaller step."""
    with mpmath.workdps(40 + (instance.order + 1) * SMALL):
        f = lambda t: mpmath.re(mpmath.mpmathify(instance.reference(mpmath.mp, t)))
        x = mpmath.mpf(instance.x)
        return [quotient(f, x, instance.order, side, digits) for digits in (LARGE, SMALL)]


def approached(exact, coarse, fine):
    """Whether the quotients lead to the stored truth, which double precision has rounded."""
    allowed = 4e-16 * abs(exact) + mpmath.mpf("1e-35")
    off = [abs(mpmath.mpf(exact) - found) for found in (coarse, fine)]
    return off[1] <= max(allowed, off[0] / 100)


def parted(values):
    """Whether quotients have no common limit."""
    return max(values) - min(values) > mpmath.mpf("1e-3") * max(map(abs, values))


def is_right(instance):
    low, high = instance.interval
    if np.isnan(low):
        every = sides_of(instance) if sides_of(instance) != (0,) else (-1, 0, 1)
        return parted([q for side in every for q in quotients(instance, side)])
    (side,) = sides_of(instance)
    return low == high and approached(float(low), *quotients(instance, side))


def array_quotients(instance, entry, digits, shape=(1, 1)):
    """The quotients of one entry by sides: of a gradient two, of a Hessian the four quadrants'."""
    with mpmath.workdps(40 + 2 * digits * sum(shape[: len(entry)])):
        x = np.array([mpmath.mpf(value) for value in instance.x.tolist()], object)
        f = lambda move: instance.reference(PRECISE, x + move)
        axes = []
        for i, power in zip(entry, shape, strict=False):
            axis = np.array([mpmath.mpf(0)] * len(x), object)
            axis[i] = mpmath.mpf(10) ** (-digits * power) * (abs(x[i]) or mpmath.mpf("1e-3"))
            axes.append(axis)
        if len(entry) == 1:
            (h,) = axes
            return [(f(s * h) - f(0 * h)) / (s * h[entry[0]]) for s in (-1, 1)]
        h, k = axes
        return [
            (f(s * h + t * k) - f(s * h) - f(t * k) + f(0 * h)) / (s * t * np.sum(h) * np.sum(k))
            for s, t in product((-1, 1), repeat=2)
        ]


def entries_right(instance, most=4):
    """Whether some entries of a gradient or a Hessian are where their quotients lead."""
    low, _ = instance.interval
    picked = list(np.ndindex(low.shape))
    picked = picked[:: max(1, len(picked) // most)]
    return all(entry_right(instance, entry, float(low[entry])) for entry in picked)


SHAPES = ((1, 1), (1, 3), (3, 1))  # powers of both steps: which limit is taken first
STEPS_OF_ARRAYS = (LARGE_OF_ARRAYS, SMALL_OF_ARRAYS)


def entry_right(instance, entry, exact):
    if math.isnan(exact):
        shapes = product(STEPS_OF_ARRAYS, SHAPES)
        return parted([q for part in shapes for q in array_quotients(instance, entry, *part)])
    shape = SHAPES[len(set(entry)) - 1]
    coarse, fine = (array_quotients(instance, entry, d, shape) for d in STEPS_OF_ARRAYS)
    size = float(np.nanmax(np.abs(instance.interval[0])))
    allowed = 1e-16 * size + 4e-16 * abs(exact)
    off = [max(abs(q - exact) for q in part) for part in (coarse, fine)]
    return off[1] <= max(allowed, off[0] / 100)


WITH_REFERENCE = [i for i in sample() if i.reference is not None]


@pytest.mark.parametrize("instance", WITH_REFERENCE, ids=lambda i: i.name)
def test_truth_found_again(instance):
    right = is_right if instance.operator == "derivative" else entries_right
    assert right(instance), instance.interval


ALLOWED = {"cancelling": 1e-2, "removable": 1.0, "freezing": 1e-2, "single precision": 1e-5}
ALLOWED |= {"odes": 0.1, "roots": 1e-2, "hidden kinks": 1.0, "orders 3 to 6": 1e-6}


def test_f_is_its_reference():
    """Up to rounding, and to what f is in the family for."""
    wrong = []
    for instance in WITH_REFERENCE:
        array = instance.operator != "derivative"
        with mpmath.workdps(60):
            x = np.array([mpmath.mpf(v) for v in np.ravel(instance.x).tolist()], object)
            m, x = (PRECISE, x) if array else (mpmath.mp, x[0])
            exact = float(mpmath.re(mpmath.mpmathify(instance.reference(m, x))))
        allowed = ALLOWED.get(instance.family, 1e-9)
        if abs(value_at_x(instance) - exact) > allowed * (abs(exact) + allowed):
            wrong.append((instance.name, value_at_x(instance), exact))
    assert not wrong


# --- Truth of stairs ---


def trend(instance, width):
    """The slope at x of a cubic through the stairs."""
    t = np.linspace(-width, width, 4001)
    values = [instance.f(np.float64(instance.x + d)) for d in t]
    return np.polynomial.Polynomial.fit(t, values, 5).deriv()(0.0)


@pytest.mark.parametrize("half", ["tune", "confirm"])
def test_stairs_follow_their_trend(half):
    drawn = instances("stairs", half=half)
    assert {label(i) for i in drawn} == {maker.__name__ for maker in STAIRS}
    for instance in drawn:
        low, high = instance.interval
        assert low < high
        found = trend(instance, max(0.15 * abs(instance.x), 0.1))
        assert low - 0.02 * abs(low) <= found <= high + 0.02 * abs(high), instance.name


# --- Tags ---


def best_error(f, x, order, exact):
    """The least relative error of central differences in double precision, over all steps."""
    h = (abs(x) or 1.0) * 2.0 ** np.arange(-30.0, 0.0)
    with np.errstate(all="ignore"):
        return min(abs(_central(f, x, order, step) - exact) for step in h) / abs(exact)


def _central(f, x, order, h):
    try:
        y = [f(np.float64(x + k * h)) for k in (-3, -2, -1, 0, 1, 2, 3)]
    except (ValueError, ArithmeticError, TypeError, KeyError, AssertionError, RuntimeError):
        return math.inf
    if order == 1:
        return (45 * (y[4] - y[2]) - 9 * (y[5] - y[1]) + (y[6] - y[0])) / (60 * h)
    return (270 * (y[4] + y[2]) - 27 * (y[5] + y[1]) + 2 * (y[6] + y[0]) - 490 * y[3]) / (
        180 * h * h
    )


EXACT = [
    i for i in sample(3) if i.operator == "derivative" and "exact" in i.tags and i.interval[0] != 0
]


def test_exact_functions_leave_seven_digits():
    assert len(EXACT) > 100
    poor = []
    for i in EXACT:
        if sides_of(i) == (0,) and "method" not in i.options:
            off = best_error(i.f, i.x, i.order, float(i.interval[0]))
            if off > 1e-7:
                poor.append((i.name, float(off)))
    assert not poor


def test_tags_are_known():
    tags = Counter(tag for family in FAMILIES for i in instances(family) for tag in i.tags)
    assert set(tags) == {"smooth", "exact"}
