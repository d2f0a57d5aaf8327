"""How noisy a function is said to be."""

import math

import numpy as np
import pytest

import numdiff as nd
from numdiff.cli import main
from numdiff.noise.quantum import common_unit
from tests.conftest import Counted
from tests.corpus import noisy
from tests.corpus.scalar import PROBLEMS

KINDS = ("rounding", "deterministic", "quantised", "stochastic")


def seeded(level):
    random = np.random.default_rng(5)
    return lambda x: math.sin(x) + level * random.standard_normal()


@pytest.mark.parametrize("decimals", [2, 4, 6, 9])
@pytest.mark.parametrize("x", [0.3, 1.0, 27.0])
def test_rounded_output_is_quantised_by_its_last_decimal(decimals, x):
    found = nd.noise_level(lambda x: round(math.exp(0.1 * x), decimals), x)
    assert found.kind == "quantised"
    assert found.level == pytest.approx(10.0**-decimals / math.sqrt(12.0), rel=0.5)
    assert f"1e-{decimals:02d}" in found.message


@pytest.mark.parametrize("level", [1e-10, 1e-6, 1e-3])
def test_fresh_noise_is_stochastic_and_its_size_is_told(level):
    found = nd.noise_level(seeded(level), 1.0)
    assert found.kind == "stochastic"
    assert level / 2 < found.level < 2 * level


def test_fresh_noise_is_measured_by_repeating():
    values = iter([3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0, 5.0, 3.0])
    found = nd.noise_level(lambda x: next(values) if x == 1.0 else x, 1.0)
    assert found.level == pytest.approx(np.std([3, 1, 4, 1, 5, 9, 2, 6, 5, 3], ddof=1))
    assert next(values, None) is None


@pytest.mark.parametrize(("roundings", "kind"), [(3.0, "rounding"), (80.0, "deterministic")])
def test_noise_far_above_rounding_is_no_rounding(roundings, kind):
    def f(x):
        seed = int(np.float64(x).view(np.uint64))
        return math.exp(x) * (1.0 + roundings * 0.3 * 2.0**-52 * noise(seed))

    noise = lambda seed: np.random.default_rng(seed).standard_normal()
    assert nd.noise_level(f, 1.0).kind == kind


def test_single_precision_inside_shows():
    found = nd.noise_level(lambda x: float(np.float32(math.sin(x))), 1.0)
    assert found.kind == "quantised"
    assert 1e-9 < found.level < 1e-7


@pytest.mark.parametrize("kind", ["hash_uniform", "hash_gaussian", "hash_additive"])
def test_noise_of_a_known_size_is_found_within_a_factor_of_five(kind):
    cases = [case for case in noisy.noisy_cases(kind=kind) if case.level >= 1e-12]
    off = []
    for case in cases:
        found = nd.noise_level(case.f, case.x)
        nominal = case.level * abs(case.f(case.x))
        off.append(found.kind != "deterministic" or not nominal / 5 < found.level < 5 * nominal)
    assert np.mean(off) <= 0.05


def test_few_functions_without_noise_seem_to_have_some():
    """Cancelling ones do have it: their rounding is far above that of f itself."""
    tame = [p for p in PROBLEMS if p.category in {"elementary", "textbook", "polynomial"}]
    kinds = [nd.noise_level(p.f, p.points[0]).kind for p in tame]
    assert kinds.count("rounding") >= 0.97 * len(kinds)


def test_differences_that_keep_their_sign_are_no_noise():
    problem = next(p for p in PROBLEMS if p.name == "fermi dirac in joules")
    assert nd.noise_level(problem.f, 8.1e-19).kind == "rounding"


def test_outputs_are_told_apart():
    noise = seeded(1e-3)
    found = nd.noise_level(lambda x: [x[0] ** 2, round(x @ x, 3), noise(x[1])], [1.0, 2.0])
    assert found.kind.tolist() == ["rounding", "quantised", "stochastic"]
    assert found.level.shape == (3,)
    assert found.message.count(";") == 2


def test_complex_outputs_have_one_kind_each():
    found = nd.noise_level(lambda x: np.exp(1j * x), np.ones(2))
    assert found.kind.tolist() == ["rounding", "rounding"]


def test_direction_and_arguments_reach_f():
    def f(x, digits):
        return round(x[0], digits) + x[1]

    assert nd.noise_level(f, [1.0, 1.0], [1.0, 0.0], args=(3,)).kind == "quantised"
    assert nd.noise_level(f, [1.0, 1.0], [0.0, 1.0], args=(3,)).kind == "rounding"


def test_calls_are_counted():
    f = Counted(math.exp)
    assert nd.noise_level(f, 1.0).nfev == f.calls


def test_functions_with_an_edge_or_an_odd_scale_are_asked_near_enough():
    assert nd.noise_level(math.log, 1e-12).kind == "rounding"
    assert nd.noise_level(lambda x: 1e100 * x, 1e100).kind == "rounding"
    assert nd.noise_level(lambda _: 3.0, 0.0).kind == "rounding"


@pytest.mark.parametrize("direction", [[0.0, 0.0], [1.0]])
def test_useless_directions_are_refused(direction):
    with pytest.raises(ValueError, match="direction"):
        nd.noise_level(np.sum, [1.0, 2.0], direction)


def test_the_command_line_tells_it(capsys):
    assert main(["noise", "math:exp", "--at", "1"]) == 0
    assert "rounding" in capsys.readouterr().out
    assert main(["noise", "numpy:sum", "--at", "1,2", "--json"]) == 0
    assert '"kind": "rounding"' in capsys.readouterr().out


def test_the_spread_of_a_few_values_is_not_underestimated():
    random, values = np.random.default_rng(5), []

    def f(x):
        values.append((x, math.sin(x) + 1e-3 * random.standard_normal()))
        return values[-1][1]

    found = nd.noise_level(f, 1.0)
    assert found.level == np.std([value for x, value in values if x == 1.0], ddof=1)


def test_differences_of_one_sign_are_no_noise():
    """A steep exponential has differences of many orders that are alike, at two distances."""
    problem = next(p for p in PROBLEMS if p.name == "fermi dirac in joules")
    assert nd.noise_level(problem.f, 8.1e-19).kind == "rounding"


def test_euclid_finds_what_changes_are_multiples_of():
    changes = np.array([[0.6, 0.6, 0.3, 0.0], [0.9, 0.6, 0.3 * math.sqrt(2.0), 0.0]])
    assert common_unit(changes, np.array(1e-12)) == pytest.approx([0.3, 0.0, 0.0, 0.0])
