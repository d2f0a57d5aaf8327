"""How often `numdiff.verify` finds mistakes, and that it blames no right derivative."""

import zlib
from collections import Counter
from functools import cache

import numpy as np
import pytest

from benchmarks.__main__ import main
from benchmarks.verify import (
    AGREE,
    DISAGREE,
    FIGURES,
    INCONCLUSIVE,
    Answer,
    directions_of,
    disagrees,
    is_dangerous,
    mistakes_in,
    outcome_of,
    outcomes_of,
    relative_errors,
    seed_of,
    subject_of,
)
from numdiff import verify
from tests.corpus.derivatives import DERIVATIVES, tasks
from tests.corpus.mistakes import BUGS, MISTAKES
from tests.measuring.metrics import Target

HALVES = ("tune", "confirm")
HARD = ("noisy", "float32", "kink", "near kink", "edge", "stochastic")
# One mistake in so many is made in each derivative: the benchmark makes all.
EVERY, EVERY_ENTRY, EVERY_HARD = 24, 4, 48

every_half = pytest.mark.parametrize("half", HALVES)
every_bug = pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)


# --- The corpus itself ---


def by_complex_step(f, x):
    """The derivative to full precision, of shape ``f.shape + x.shape``."""
    slopes = []
    for k, entry in enumerate(x.ravel()):
        z, step = x.astype(complex), 1e-100 * (abs(entry) or 1.0)
        z.flat[k] += 1j * step
        slopes.append(np.imag(f(z)) / step)
    return np.reshape(np.stack(slopes, axis=-1), (*np.shape(slopes[0]), *x.shape))


def is_right(derivative, exact, x):
    """Whether all entries are right but for rounding of what is as large as their row."""
    inputs = np.where(x == 0.0, 1.0, np.abs(x))
    row = np.abs(exact * inputs).max(axis=tuple(range(exact.ndim - x.ndim, exact.ndim)))
    row = np.reshape(row, np.shape(row) + (1,) * x.ndim)
    return (np.abs(derivative - exact) <= 2e-12 * np.abs(exact) + 2e-14 * row / inputs).all()


@pytest.mark.parametrize("hand", [h for h in DERIVATIVES if h.tag != "kink"], ids=lambda h: h.name)
def test_hand_written_derivatives_are_right(hand):
    for x in hand.points:
        f = hand.gradient or hand.reference
        exact = by_complex_step(f, x)
        assert is_right(hand.derivative(x), exact, x)
        assert not is_right(hand.derivative(x) * (1 + 1e-10), exact, x)
        if hand.gradient:
            assert is_right(hand.gradient(x), by_complex_step(hand.reference, x), x)


def test_derivatives_at_kinks_lie_between_the_slopes_of_both_sides():
    for task in tasks(None, "kink"):
        f, x, found = task.hand.f, task.x, task.hand.derivative(task.x)
        moves = 1e-7 * np.eye(x.size)
        right, left = ([(f(x + s * move) - f(x)) / (s * 1e-7) for move in moves] for s in (1, -1))
        low, high = np.minimum(left, right), np.maximum(left, right)
        assert ((low - 1e-5 <= found) & (found <= high + 1e-5)).all(), task.name
        assert (high - low > 0.1).any(), task.name


def test_values_of_hard_functions_are_near_those_of_their_reference():
    for task in tasks(None, "noisy", "float32", "stochastic"):
        value, clean = task.f(task.x), task.hand.reference(task.x)
        assert 0.0 < abs(value - clean) < 2e-3 * abs(clean), task.name


def test_there_is_enough_of_everything():
    assert Counter(hand.kind for hand in DERIVATIVES) >= Counter(
        gradient=60, jacobian=10, hessian=6
    )
    assert {hand.tag for hand in DERIVATIVES} == {"smooth", *HARD}
    assert len({hand.name for hand in DERIVATIVES}) == len(DERIVATIVES)
    assert len({mistake.name for mistake in MISTAKES}) == len(MISTAKES) >= 25


@every_half
def test_every_mistake_is_made_and_changes_something(half):
    made = Counter()
    for task in tasks(half):
        subject = subject_of(task.hand, task.x)
        for mistake in mistakes_in(task):
            if mistake:
                made[mistake.name] += 1
                wrong = mistake.made(subject, seed_of(task, mistake))
                assert relative_errors(subject, wrong).max() > 0.0
    assert set(made) == {mistake.name for mistake in MISTAKES}


# --- Rates ---


def in_sample(task, mistake):
    if mistake is None:
        return True
    every = EVERY_ENTRY if mistake.group.startswith("1e-") else EVERY
    every = every if task.hand.tag == "smooth" else EVERY_HARD
    return zlib.crc32(f"{task.name}, {mistake.name}".encode()) % every == 0


@cache
def outcomes(half, *tags):
    """What verify says of right derivatives and of a sample of wrong ones."""
    pairs = [(task, m) for task in tasks(half, *tags) for m in mistakes_in(task)]
    return outcomes_of("numdiff", [pair for pair in pairs if in_sample(*pair)])


def names(outcomes):
    return {outcome.name for outcome in outcomes}


@every_half
@pytest.mark.parametrize("figure", [f for f in FIGURES if f.must], ids=lambda f: f.title)
def test_rates_on_smooth_functions(half, figure):
    found = figure.measure(outcomes(half, "smooth"))
    assert figure.must.met(found), f"{figure.title} must be {figure.must}, is {found}"


@pytest.mark.parametrize("tag", HARD)
def test_right_derivatives_of_hard_functions_are_not_blamed(tag):
    right = [o for o in outcomes(None, tag) if not o.mistake]
    assert len(right) > 1
    assert not names(filter(disagrees, right))


@pytest.mark.parametrize("tag", HARD)
def test_wrong_derivatives_of_hard_functions_are_never_called_right(tag):
    wrong = [o for o in outcomes(None, tag) if o.mistake]
    assert wrong
    assert not names(filter(is_dangerous, wrong))


def test_there_is_no_agreement_at_kinks():
    assert {o.answer.verdict for o in outcomes(None, "kink")} <= {INCONCLUSIVE, DISAGREE}


def around(task, random):
    """A point within 30 % of one of the corpus, or within 2 %: some functions allow no more."""
    return task.x * (1 + random.choice([0.02, 0.3]) * random.uniform(-1, 1, task.x.shape))


@every_half
def test_right_derivatives_at_random_points(half):
    said, random = Counter(), np.random.default_rng(50)
    for task in tasks(half, "smooth"):
        for x in (around(task, random) for _ in range(2)):
            if np.isfinite(task.hand.derivative(x)).all():
                check = getattr(verify, task.hand.kind)
                said[check(task.hand.f, task.hand.derivative, x).verdict] += 1
    assert said[DISAGREE] == 0
    assert said[INCONCLUSIVE] <= 0.02 * said.total()
    assert said[AGREE] > 200


# --- Other ways to ask ---


def smooth(*kinds):
    return [task for task in tasks(None, "smooth") if task.hand.kind in kinds and task.number == 1]


def test_arrays_are_judged_like_callables():
    blamed = set()
    for task in smooth("gradient", "jacobian", "hessian"):
        check = getattr(verify, task.hand.kind)
        if check(task.hand.f, task.hand.derivative(task.x), task.x).verdict != AGREE:
            blamed.add(task.name)
    # one slope of twelve has a wide bar: noise that the tiny step does not show
    assert blamed <= {"multinomial regression@1"}


def verdict_of_product(name, task, matrix):
    """What is said of the product of a matrix, or of its transpose, with a vector."""
    f, x = task.hand.f, task.x
    shape = np.shape(f(x)) if name == "jvp" else x.shape

    def product(_, v):
        return ((matrix.T if name == "vjp" else matrix) @ v.ravel()).reshape(shape)

    check = getattr(verify, name)
    return (check(product, x, f=f) if name == "hvp" else check(f, product, x)).verdict


@pytest.mark.parametrize("name", ["jvp", "vjp", "hvp"])
def test_products_with_vectors(name):
    for task in smooth("hessian" if name == "hvp" else "jacobian"):
        right = subject_of(task.hand, task.x).matrix
        wrong = right.copy()
        wrong.flat[np.argmax(np.abs(wrong))] *= 1 + 1e-3
        said = tuple(verdict_of_product(name, task, matrix) for matrix in (right, wrong))
        assert said == (AGREE, DISAGREE), task.name


def test_the_cost_of_a_hessian_from_its_gradient():
    costs = []
    for task in smooth("hessian"):
        report = verify.hessian(task.hand.f, task.hand.derivative, task.x, grad=task.hand.gradient)
        assert report.verdict == AGREE, task.name
        costs.append(report.nfev / directions_of(task))
    assert Target(high=15).met(float(np.median(costs)))


# --- Real bugs ---


def report_of(bug, derivative, x):
    return getattr(verify, bug.kind)(bug.f, derivative, x)


@every_bug
def test_real_bugs_are_found(bug):
    assert report_of(bug, bug.right, bug.x).verdict == AGREE
    assert report_of(bug, bug.wrong, bug.x).verdict == DISAGREE


@pytest.mark.parametrize("bug", [b for b in BUGS if b.words], ids=lambda bug: bug.name)
def test_real_bugs_are_named(bug):
    hint = " ".join(report_of(bug, bug.wrong, bug.x).hints)
    assert any(word in hint for word in bug.words), hint


@pytest.mark.parametrize("bug", [b for b in BUGS if b.hidden is not None], ids=lambda bug: bug.name)
def test_bugs_that_one_point_hides_are_found_around_it(bug):
    check = getattr(verify, bug.kind)
    assert check(bug.f, bug.wrong, bug.hidden).verdict == AGREE
    assert check(bug.f, bug.wrong, bug.hidden, n_points=3).verdict == DISAGREE


# --- The benchmark ---


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [
        (AGREE, {"blamed": 0, "undecided": 0, "gross": 0, "dangers": 30}),
        (DISAGREE, {"blamed": 1, "undecided": 0, "gross": 0, "dangers": 0}),
        (INCONCLUSIVE, {"blamed": 0, "undecided": 1, "gross": 0, "dangers": 0}),
    ],
)
def test_the_figures_of_tools_that_always_say_the_same(verdict, expected):
    task = next(tasks("confirm", "smooth"))
    found = [
        outcome_of("tool", lambda *_: Answer(verdict), task, mistake)
        for mistake in mistakes_in(task)
    ]
    figures = {f.title: f.measure(found) for f in FIGURES if f.title in expected}
    assert figures == expected


def test_the_benchmark_from_end_to_end(capfd):
    tools = ["check_grad <= 1e-6", "check_derivative <= 1e-6", "rule of gradcheck"]
    options = ["--limit", "2", "--half", "tune", "--list", "--by-kind", "--tool", "numdiff"]
    assert main(["verify", *options, *tools]) == 0
    printed = capfd.readouterr().out
    assert all(word in printed for word in (*tools, "numdiff", "dangers", "off by 1e-9"))
