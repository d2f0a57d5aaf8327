"""Functions that are rounded: to single precision, or to so many digits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import numdiff as nd
from numdiff.constants import ROUNDING
from numdiff.ladder.noise import parts, quantum, stairs
from numdiff.ladder.registers import FIRST, LAST, SLOTS, START, STATE


def window_of(ahead, behind):
    """Levels (C, SLOTS + 2, 1) of f(x + h) - f(x) and f(x - h) - f(x), and their window."""
    samples, window = np.zeros((2, SLOTS + 2, 1)), np.zeros(STATE, np.int64)
    window[FIRST], window[LAST] = START, START + len(ahead) - 1
    samples[0, START : START + len(ahead), 0] = 0.5 * (ahead - behind)
    samples[1, START : START + len(ahead), 0] = 0.5 * (ahead + behind)
    return samples, window


def levels_of(f, x, levels):
    steps = 2.0 ** (-4.0 - np.arange(levels))
    return *window_of(f(x + steps) - f(x), f(x - steps) - f(x)), ROUNDING * abs(f(x))


def single(x):
    return np.float64(np.float32(x)) if np.ndim(x) == 0 else x.astype(np.float32).astype(float)


ROUNDED = {
    1e-3: lambda x: np.round(x, 3),
    1e-6: lambda x: np.round(x, 6),
    1e-8: lambda x: np.round(x, 8),
    2.0**-24: single,
}


@pytest.mark.parametrize("unit", ROUNDED)
def test_changes_of_rounded_functions_have_a_divisor(unit):
    rng, found = np.random.default_rng(1), []
    for _ in range(200):
        a, b, x = rng.uniform(0.3, 2.0, 3)
        f = lambda t: ROUNDED[unit](a * np.sin(b * t) + 0.3 * t * t)  # noqa: B023
        found.append(quantum(*levels_of(f, x, 6)[:2], 0, ROUNDING * abs(f(x))))
    several = np.array([one for one in found if one > 0.0]) / unit
    assert len(several) >= 180
    # single precision is finer below 1/2, and all levels of three decimals may be even
    assert (abs(8.0 * several - np.round(8.0 * several)) < 1e-4).all()
    assert np.median(several) <= 2.0


def test_changes_of_smooth_and_of_noisy_functions_have_none():
    rng = np.random.default_rng(2)
    for noise in (0.0, 1e-12, 1e-8, 1e-4):
        for levels in (3, 5, 10):
            for _ in range(100):
                a, b, x = rng.uniform(0.3, 2.0, 3)
                f = lambda t: a * np.sin(b * t) + noise * rng.normal(size=np.shape(t))  # noqa: B023
                samples, window, floor = levels_of(f, x, levels)
                assert quantum(samples, window, 0, floor) == 0.0


def test_linear_functions_are_no_stairs():
    steps = 2.0 ** (-4.0 - np.arange(6))
    kinked = np.maximum(3.0 * steps, 6.0 * steps - 3.0 * 2.0**-7)
    for ahead, behind in ((3.0 * steps, -3.0 * steps), (kinked, -3.0 * steps)):
        assert stairs(*window_of(ahead, behind), 0, 1e-17) == 0.0


@pytest.mark.parametrize("width", 2.0 ** -np.arange(3.0, 9.0))
def test_thresholds_are_no_stairs(width):
    """Their changes have a divisor as well, and nothing changes close to x."""
    soft = lambda t: np.sign(t) * np.maximum(abs(t) - width, 0.0)
    found = nd.derivative(soft, 0.0)
    assert found.success
    assert abs(found.value) <= found.error <= 1e-9
    for x in (0.3 * width, -0.9 * width):
        found = nd.derivative(soft, x)
        assert abs(found.value) <= found.error
    both = nd.jacobian(lambda t: np.array([soft(t[0]), np.cos(t[0])]), [0.0])
    assert (abs(both.value) <= both.error).all()


@given(st.integers(1, 10**6), st.integers(1, 10**6), st.floats(1e-3, 1e3))
def test_parts_are_those_of_euclid(one, other, unit):
    whole, rest = max(one, other), min(one, other)
    times = parts(whole * unit, rest * unit, 4e-16 * whole * unit)
    assert times == whole // np.gcd(one, other)


def test_numbers_of_any_size_are_no_endless_loop():
    for size in (5e-324, 1e-300, 1.0, 1e300, np.inf, np.nan):
        for floor in (0.0, 1e-17):
            ahead = np.array([1.0, size, 3.0, 0.1])
            with np.errstate(invalid="ignore"):
                assert quantum(*window_of(ahead, -ahead), 0, floor) >= 0.0


def curves(seed, m):
    """Points and curves as those that are fitted to data, with their exact Jacobian."""
    rng = np.random.default_rng(seed)
    t, p = np.linspace(0.0, rng.uniform(1.0, 8.0), m), rng.uniform(0.3, 1.5, 3)
    decays = np.exp(-p[1] * t)
    yield p, lambda x: x[0] * np.exp(-x[1] * t) + x[2] * t, (decays, -p[0] * t * decays, t)
    phase = p[1] * t + p[2]
    slopes = np.sin(phase), p[0] * t * np.cos(phase), p[0] * np.cos(phase)
    yield p, lambda x: x[0] * np.sin(x[1] * t + x[2]), slopes


@pytest.mark.parametrize("unit", [1e-6, 1e-8, 2.0**-24])
@pytest.mark.parametrize("m", [3, 300])
def test_rounded_outputs_are_as_good_in_company(m, unit):
    """Of 300 outputs one in ten was wrong without a word before, and half had no digit."""
    for seed in range(2):
        for p, curve, slopes in curves(seed, m):
            found = nd.jacobian(lambda x: ROUNDED[unit](curve(x)), p)  # noqa: B023
            exact = np.stack(slopes, 1)
            off = abs(found.value - exact)
            assert not (found.success & (off > 10.0 * found.error)).any()
            assert (off <= found.error)[found.success].mean() >= 0.99
            assert found.success.mean() >= 0.999
            # a fit to steps of size 1 could not do better than unit, and 1e4 units are of use
            assert (found.error <= 1e4 * unit * (1.0 + abs(exact))).mean() >= 0.99


def test_a_rounded_output_is_rounded_beside_a_smooth_one_too():
    x = 0.7826102811357376
    found = nd.derivative(lambda t: np.array([np.cos(t), np.round(np.exp(np.sin(2 * t)), 3)]), x)
    exact = 2.0 * np.cos(2 * x) * np.exp(np.sin(2 * x))
    assert abs(found.value[1] - exact) <= found.error[1] < 1.0


@pytest.mark.parametrize(
    ("order", "frequency", "digits", "x"),
    [(1, 3.6013689448583928, 5, -1.6528180214853698), (2, 4.052288972535883, 4, -1.96603562217163)],
)
def test_where_nothing_moves_at_small_steps_larger_ones_count(order, frequency, digits, x):
    found = nd.derivative(lambda t: np.round(np.exp(np.sin(frequency * t)), digits), x, order=order)
    inner, outer = np.sin(frequency * x), np.cos(frequency * x)
    exact = np.exp(inner) * frequency * outer
    if order == 2:
        exact = np.exp(inner) * frequency**2 * (outer**2 - inner)
    assert abs(found.value - exact) <= found.error < 1.0


def test_a_flat_stair_beside_a_kink_is_no_derivative():
    """Both sides of x have slopes of exactly 0 there: 84 of 300 answers were 0 +- 2e-6 before."""
    rng = np.random.default_rng(3)
    for _ in range(60):
        x, a, b = rng.uniform((0.4, 0.3, 0.3), 2.0)
        far, size = (
            10.0 ** rng.uniform(-7.0, -0.5) * rng.choice([-1, 1]),
            10.0 ** rng.uniform(-4, 1),
        )
        edge = x * (1.0 + far)

        def f(t):
            value = a * np.sin(b * t) + 1.7 + 0.2 * t * t + size * max(t - edge, 0.0)  # noqa: B023
            return 1e-7 * round(value * 1e7)

        assert nd.derivative(f, x).value != 0.0
