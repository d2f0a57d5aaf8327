"""Directional verification: six values of f for a right derivative, then the wrong entries."""

import os
import subprocess
import sys

import numpy as np
import pytest
import scipy.sparse as sp

from numdiff import verify
from numdiff.options import Box
from numdiff.verify.directions.screen import along
from numdiff.verify.directions.slope import directions, scales

LARGE = 1_000_000


def normal(n, seed=0):
    return np.random.default_rng(seed).standard_normal(n)


def coupled(x):
    return np.sum((x[1:] - x[:-1] ** 2) ** 2) + np.sum(np.cos(x))


def coupled_gradient(x):
    gap, slope = x[1:] - x[:-1] ** 2, -np.sin(x)
    slope[1:] += 2.0 * gap
    slope[:-1] -= 4.0 * x[:-1] * gap
    return slope


def scaled(n):
    return 10.0 ** np.linspace(-6.0, 6.0, n)


def harmonic(n):
    return 1.0 / np.arange(1.0, n + 1.0)


# name: f, its gradient, x of n entries
SMOOTH = {
    "powers": (lambda x: np.sum(np.abs(x) ** 2.5), lambda x: 2.5 * np.abs(x) ** 1.5, scaled),
    "coupled": (coupled, coupled_gradient, normal),
    "arctan": (lambda x: np.sum(np.arctan(x)), lambda x: 1.0 / (1.0 + x * x), normal),
    "logarithm of a sum": (
        lambda x: np.log(np.sum(np.cosh(x))),
        lambda x: np.sinh(x) / np.sum(np.cosh(x)),
        normal,
    ),
    "bad scale": (
        lambda x: np.sum(np.exp(-x / scaled(x.size))),
        lambda x: -np.exp(-x / scaled(x.size)) / scaled(x.size),
        lambda n: scaled(n) * normal(n),
    ),
    "offset": (lambda x: 1e3 + np.sum(x**3), lambda x: 3.0 * x * x, harmonic),
    "running sum": (lambda x: np.cumsum(np.sqrt(x))[-1], lambda x: 0.5 / np.sqrt(x), harmonic),
    "at zero": (lambda x: np.sum(np.sinh(x + 1.0)), lambda x: np.cosh(x + 1.0), np.zeros),
}
smooth = pytest.mark.parametrize("name", SMOOTH)


def rough(x):
    return np.sum(x**2) * (1.0 + 1e-9 * np.sin(1e9 * np.sum(x**2)))


def singles(x):
    return np.sum((x.astype(np.float32) ** 2).astype(float))


# what no derivative of f itself can be blamed for: value and gradient of sum(x**2)
NOISY = {
    "noise": rough,
    "singles inside": singles,
    "singles": lambda x: np.sum(x.astype(np.float32) ** 2),
    "decimals": lambda x: np.round(np.sum(x**2), 4),
    "integers": lambda x: np.floor(np.sum(x**2)),
    "random": lambda x: np.sum(x**2) * (1.0 + 1e-9 * np.random.default_rng().standard_normal()),
}


def places(finding):
    """The flat places of the entries that were tested one by one."""
    return [entry.row * finding.v.size + entry.column for entry in finding.entries]


def all_wrong(finding):
    return all(entry.wrong for entry in finding.entries)


def with_share(gradient, x, j, share):
    """Return a gradient with an entry that is wrong by a share of all, where x = 0 as if x = 1."""
    wrong, size = gradient.copy(), np.where(x == 0.0, 1.0, np.abs(x))
    wrong[j] += share * (np.abs(gradient) @ size) / size[j]
    return wrong


@smooth
def test_a_right_gradient_takes_six_evaluations(name):
    f, gradient, point = SMOOTH[name]
    for n in (100, 20_000):
        x = point(n)
        right = gradient(x)
        for seed in range(8):
            finding = along(f, lambda v, g=right: g @ v, x, rng=seed)
            assert (finding.verdict, finding.nfev, finding.entries) == ("agree", 6, ())


@pytest.mark.parametrize("name", NOISY)
def test_noise_is_no_reason_to_disagree(name):
    x = normal(2000)
    verdicts = [along(NOISY[name], lambda v: 2.0 * x @ v, x, rng=k).verdict for k in range(24)]
    assert "disagree" not in verdicts
    assert verdicts.count("inconclusive") > 12


@smooth
def test_one_wrong_entry_is_seen_and_located(name):
    f, gradient, point = SMOOTH[name]
    x, random = point(6000), np.random.default_rng(5)
    for seed in range(3):
        j = int(random.integers(x.size))
        wrong = with_share(gradient(x), x, j, 1e-6)
        finding = along(f, lambda v, g=wrong: g @ v, x, rng=seed)
        assert finding.verdict == "disagree"
        assert places(finding) == [j]
        assert all_wrong(finding)
        assert finding.nfev <= 150
        right = gradient(x)[j]
        assert abs(finding.entries[0].numerical - right) <= finding.entries[0].error
        assert finding.entries[0].analytic == wrong[j]


def test_a_million_entries():
    x = normal(LARGE)
    gradient = 2.0 * x + 1.0
    total = np.abs(gradient) @ np.abs(x)
    right = along(lambda x: x @ x + x.sum(), lambda v: gradient @ v, x, total=total)
    assert (right.verdict, right.nfev) == ("agree", 6)
    assert right.share < 1e-7
    wrong = with_share(gradient, x, 765_432, 1e-6)
    finding = along(lambda x: x @ x + x.sum(), lambda v: wrong @ v, x)
    assert finding.verdict == "disagree"
    assert places(finding) == [765_432]
    assert finding.nfev <= 150


def one_by_one(terms):
    """The sum as one thread makes it, each term added to all before: the roughest rounding."""
    return np.cumsum(terms)[-1]


@pytest.mark.parametrize("added", [np.sum, one_by_one])
def test_an_entry_of_a_millionth_is_seen_however_f_is_summed(added):
    seen, random = 0, np.random.default_rng(8)
    for seed in range(100):
        n = LARGE if seed < 3 else 40_000
        x, factors = np.linspace(-1.0, 2.0, n), random.uniform(0.5, 2.0, n)
        gradient = -factors * np.sin(x)
        wrong = with_share(gradient, x, int(random.integers(n)), 1e-6)
        f = lambda x, factors=factors: added(factors * np.cos(x))
        finding = along(f, lambda v, g=wrong: np.sum(g * v), x, rng=seed, max_nfev=6)
        seen += finding.suspects[0] and finding.nfev == 6
    assert seen >= 99


def test_an_entry_of_a_millionth_is_located_though_f_is_summed_one_by_one():
    x = np.linspace(-1.0, 2.0, LARGE)
    wrong = with_share(-np.sin(x), x, 421_338, 1e-6)
    finding = along(lambda x: one_by_one(np.cos(x)), lambda v: wrong @ v, x)
    assert (finding.verdict, places(finding)) == ("disagree", [421_338])
    assert finding.nfev <= 150


ENERGY = """
import numpy as np
from numdiff import verify

weights = np.random.default_rng(0).uniform(0.5, 2.0, 1_000_000)
x = np.linspace(-1.0, 2.0, 1_000_000)
wrong = -weights * np.sin(x)
wrong[421_338] *= 2.0
report = verify.directional(lambda x: weights @ np.cos(x), wrong, x)
print(report.verdict, report.entries["index"].tolist())
"""


@pytest.mark.parametrize("threads", ["1", "2"])
def test_a_verdict_does_not_depend_on_threads(threads):
    environment = os.environ | {"OPENBLAS_NUM_THREADS": threads, "OMP_NUM_THREADS": threads}
    run = [sys.executable, "-c", ENERGY]
    said = subprocess.check_output(run, text=True, env=environment)
    assert said == "disagree [[421338]]\n"


def test_several_wrong_entries_are_all_located():
    x = normal(5000)
    wrong, spoilt = coupled_gradient(x), [3, 4, 1234, 4999]
    wrong[spoilt] *= [-1.0, 2.0, 0.0, 1.5]
    finding = along(coupled, lambda v: wrong @ v, x)
    assert sorted(places(finding)) == spoilt
    assert all_wrong(finding)
    assert finding.nfev <= 200


@pytest.mark.parametrize("change", [lambda g: -g, lambda g: 1.001 * g, lambda g: np.roll(g, 1)])
def test_a_global_mistake_is_called_so(change):
    x = normal(5000)
    wrong = change(coupled_gradient(x))
    finding = along(coupled, lambda v: wrong @ v, x)
    assert finding.verdict == "disagree"
    assert finding.notes[0].startswith("a global mistake")
    assert sum(entry.wrong for entry in finding.entries) >= 4
    assert finding.nfev <= 150


def test_a_wrong_block_is_named():
    x = normal(5000)
    wrong = coupled_gradient(x)
    wrong[2048:2560] = 0.0
    finding = along(coupled, lambda v: wrong @ v, x)
    assert finding.notes[0].startswith("a mistake of a whole block")
    wrong = [entry.column for entry in finding.entries if entry.wrong]
    assert wrong
    assert all(2048 <= column < 2560 for column in wrong)


@pytest.mark.parametrize("seed", [5, 7, 8])
def test_noise_in_both_halves_is_no_mistake_of_a_block(seed):
    x = np.random.default_rng(seed).standard_normal(500)
    wrong, largest = 2.0 * x, int(np.abs(x).argmax())
    wrong[largest] *= -1.0
    f = lambda x: np.sum(x**2) * (1.0 + 1e-6 * np.sin(1e9 * np.sum(x**2)))
    finding = along(f, lambda v: wrong @ v, x, rng=seed)
    assert largest in places(finding)
    assert all_wrong(finding)
    assert "most parts are wrong" not in " ".join(finding.notes)


def test_a_constant_is_right_only_if_it_is_one_further_away_too():
    constant = verify.directional(lambda _: 1.0, lambda x: 0 * x, [1.0, 2.0])
    assert constant.verdict == "agree"
    assert "e-12 / |x| would" in constant.notes[0]  # not 3e+04, as 1.0 has no more binary digits
    steps = verify.directional(lambda x: np.floor(4 * x.sum()), lambda x: 0 * x, [1.0, 2.1])
    assert steps.verdict == "inconclusive"


def test_an_entry_where_x_is_zero_is_not_lost():
    x = normal(5000)
    x[::7] = 0.0
    wrong = 2.0 * x + 1.0
    wrong[700] = 0.9
    finding = along(lambda x: x @ x + x.sum(), lambda v: wrong @ v, x)
    assert places(finding) == [700]


def test_the_limit_is_what_would_have_been_seen():
    x = normal(3000)
    gradient = coupled_gradient(x)
    for seed in range(20):
        limit = along(coupled, lambda v: gradient @ v, x, rng=seed).limit
        j = 150 * seed
        seen = []
        for size in (1.0, 1e-4):
            wrong = gradient.copy()
            wrong[j] += size * limit / np.abs(x[j])
            finding = along(coupled, lambda v, g=wrong: g @ v, x, rng=seed, max_nfev=6)
            seen.append(finding.suspects[0])
        assert seen == [True, False]


def test_a_gradient_in_single_precision_may_be_told():
    x = normal(3000)
    gradient = coupled_gradient(x).astype(np.float32)
    told = along(coupled, lambda v: gradient @ v, x, rounding=2.0**-23)
    assert told.verdict == "agree"
    assert along(coupled, lambda v: gradient @ v, x).verdict == "disagree"


def test_a_short_scale_is_followed():
    x = normal(3000)
    gradient = 300.0 * np.cos(300.0 * x)
    finding = along(lambda x: np.sin(300.0 * x).sum(), lambda v: gradient @ v, x)
    assert finding.verdict == "agree"
    assert 6 < finding.nfev <= 40


def test_a_kink_is_told():
    x = normal(1000)
    x[::2] = 0.0
    finding = along(lambda x: np.abs(x).sum(), lambda v: np.sign(x) @ v, x)
    assert finding.verdict == "inconclusive"
    assert "kink" in finding.notes[0]


def test_the_edge_of_the_domain():
    x = np.full(100, 1.0)
    x[7] = 1e-12
    inside = along(lambda x: np.log(x).sum(), lambda v: (1.0 / x) @ v, x)
    assert inside.verdict == "agree"
    shifted = along(lambda x: np.sqrt(x - 1e-12).sum(), lambda v: 0.5 / np.sqrt(x) @ v, x)
    assert shifted.verdict == "inconclusive"
    assert "not defined" in shifted.notes[0]


def test_bounds_are_kept():
    x, asked = np.linspace(1.0, 2.0, 50), []
    lower, upper = np.full(50, 1.0), np.full(50, 2.0)
    gradient = 3.0 * x * x
    gradient[20] += 1.0

    def f(z):
        asked.append(z)
        return np.sum(z**3)

    finding = along(f, lambda v: gradient @ v, x, bounds=Box(lower, upper))
    assert ((lower <= np.array(asked)) & (np.array(asked) <= upper)).all()
    assert places(finding) == [20]
    assert any("2 entries of x at their bounds" in note for note in finding.notes)


def test_the_budget_is_kept():
    x = normal(5000)
    wrong = -coupled_gradient(x)
    for budget in (6, 30, 60, 100):
        finding = along(coupled, lambda v: wrong @ v, x, max_nfev=budget)
        assert finding.verdict == "disagree"
        assert finding.nfev <= budget + 2


def test_the_count_of_evaluations_is_true():
    calls = []

    def counted(z):
        calls.append(1)
        return coupled(z)

    x = normal(500)
    wrong = coupled_gradient(x)
    wrong[[5, 300]] += 1.0
    finding = along(counted, lambda v: wrong @ v, x)
    assert finding.nfev == len(calls)


def test_shapes_must_fit():
    with pytest.raises(ValueError, match="has 3 real entries, but f returns real values of shape"):
        along(lambda x: x[:2], lambda v: v[:3], np.ones(5))
    with pytest.raises(ValueError, match="complex"):
        along(lambda x: 1j * x, lambda v: v, np.ones(5))


# --- Functions of many outputs ---


def sparse_case(n, seed):
    """Return f of n + 3 outputs, its Jacobian, and x: four inputs for each output."""
    random, m = np.random.default_rng(seed), n + 3
    place = np.repeat(np.arange(m), 4), random.integers(0, n, 4 * m)
    weights = sp.csr_array((random.uniform(0.5, 20.0, 4 * m), place), shape=(m, n))
    x = np.exp(random.standard_normal(n))

    def f(z):
        return np.log(weights @ z) + weights @ np.sin(z)

    sums = sp.diags_array(1.0 / (weights @ x))
    return f, sp.csr_array(sums @ weights + weights @ sp.diags_array(np.cos(x))), x


def without(jacobian, rows, seed):
    """Drop an entry of each of some rows; return the rest, and the flat places of the dropped."""
    pattern, random = sp.coo_array(jacobian), np.random.default_rng(seed)
    gone = [int(random.choice(np.flatnonzero(pattern.row == row))) for row in rows]
    keep = np.ones(pattern.nnz, bool)
    keep[gone] = False
    rest = (pattern.data[keep], (pattern.row[keep], pattern.col[keep]))
    flat = pattern.row[gone].astype(int) * jacobian.shape[1] + pattern.col[gone]
    return sp.csr_array(rest, shape=jacobian.shape), sorted(flat.tolist())


@pytest.mark.parametrize("seed", range(5))
def test_missing_entries_of_a_sparse_jacobian_are_found(seed):
    f, jacobian, x = sparse_case(1000, seed)
    rows = np.random.default_rng(seed).choice(len(jacobian.toarray()), 25, replace=False)
    wrong, gone = without(jacobian, rows, seed)
    finding = along(f, lambda v: wrong @ v, x, rng=seed)
    assert sorted(places(finding)) == gone
    assert finding.nfev <= 16
    assert finding.verdict == "disagree"
    for entry in finding.entries:
        assert entry.analytic == 0.0
        assert abs(entry.numerical - jacobian[entry.row, entry.column]) <= entry.error


@pytest.mark.parametrize("seed", range(5))
def test_two_wrong_entries_of_a_row_are_not_taken_for_one_between_them(seed):
    random = np.random.default_rng(0)
    right, x = random.uniform(1.0, 2.0, (4, 40)), random.uniform(1.0, 2.0, 40)
    v, wrong = next(directions(scales(x, np.inf), seed)), right.copy()
    wrong[[0, 1, 3], [10, 30, 20]] += 0.5
    wrong[2, [10, 30]] += 0.3 / v[[10, 30]]  # as much along v: their mean is entry 20
    finding = along(lambda x: right @ x, lambda v: wrong @ v, x, rng=seed)
    assert sorted(places(finding)) == [10, 70, 140]
    assert set(finding.verdicts) == {"disagree"}


def test_a_right_jacobian_takes_six_evaluations():
    for seed in range(5):
        f, jacobian, x = sparse_case(1000, seed)
        finding = along(f, lambda v, J=jacobian: J @ v, x, rng=seed)
        assert (finding.verdict, finding.nfev) == ("agree", 6)


def test_noise_in_many_outputs_is_no_reason_to_disagree():
    for seed in range(4):
        random = np.random.default_rng(seed)
        A, x = random.standard_normal((60, 80)), random.standard_normal(80)
        for f in (
            lambda z, A=A: np.round(A @ z, 3),
            lambda z, A=A: (A @ z).astype(np.float16),
            lambda z, A=A: (A @ z) * (1.0 + 1e-8 * np.sin(1e9 * (A @ z))),
        ):
            finding = along(f, lambda v, A=A: A @ v, x, rng=seed)
            assert finding.verdict == "inconclusive"
            assert "disagree" not in finding.verdicts


def test_an_output_that_never_changes_has_no_derivative():
    A, x = np.eye(4), np.ones(4)
    finding = along(lambda z: np.r_[z[:3] ** 2 / 2.0, 0.25], lambda v: A @ v, x)
    assert np.flatnonzero(finding.verdicts == "disagree").tolist() == [3]


def test_rows_with_several_wrong_entries_are_seen_too():
    f, jacobian, x = sparse_case(60, 2)
    wrong = jacobian.toarray()
    wrong[5] *= -1.0
    finding = along(f, lambda v: wrong @ v, x)
    assert finding.verdict == "disagree"
    assert np.flatnonzero(finding.verdicts == "disagree").tolist() == [5]
    assert np.count_nonzero(finding.verdicts == "agree") == 62
    found = [entry for entry in finding.entries if entry.wrong]
    assert {entry.row for entry in found} == {5}
    assert {entry.column for entry in found} == set(np.flatnonzero(wrong[5]))
