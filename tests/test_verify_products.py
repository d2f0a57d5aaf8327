"""Products, operators and gradients inside checks: what each of them owes, at what precision."""

import sys

import numpy as np
import pytest
from scipy import sparse
from scipy.sparse.linalg import aslinearoperator

from numdiff import verify
from numdiff.cli import main
from numdiff.verify import identities

POINT = np.array([1.3, 0.7, 0.9])
MATRIX = np.random.default_rng(5).standard_normal((4, 3))
SINGLE = MATRIX.astype(np.float32)
SEEDS = range(5)


def waves(x):
    return np.sin(MATRIX @ x)


def waves_jacobian(x):
    return np.cos(MATRIX @ x)[:, None] * MATRIX


def linear(x):
    return MATRIX @ x


def cubes(x):
    return np.sum(x**3)


def entries_of(report):
    return [tuple(index) for index in report.entries["index"].tolist()]


# --- Operators ---


@pytest.mark.parametrize(("factor", "verdict"), [(1.0, "agree"), (1.001, "disagree")])
def test_an_operator_is_a_value_and_no_function(factor, verdict):
    jacobian = aslinearoperator(factor * waves_jacobian(POINT))
    assert verify.jacobian(waves, jacobian, POINT).verdict == verdict
    assert verify.directional(waves, jacobian, POINT).verdict == verdict
    curvature = aslinearoperator(factor * np.diag(6 * POINT))
    assert verify.hessian(cubes, curvature, POINT).verdict == verdict


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array, aslinearoperator])
def test_a_value_is_known_at_one_point_only(form):
    with pytest.raises(ValueError, match="n_points"):
        verify.directional(waves, form(waves_jacobian(POINT)), POINT, n_points=3)


# --- Linearity ---


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    "bent",
    [np.abs, lambda v: np.maximum(v, 0.0), lambda v: v * np.sign(v)],
    ids=["size", "positive part", "times sign"],
)
def test_a_product_that_is_right_for_unit_vectors_only_is_found(bent, seed):
    one = np.array([0.4])
    assert verify.jvp(np.sin, lambda x, v: np.cos(x) * bent(v), one, rng=seed).verdict == "disagree"
    assert verify.vjp(np.sin, lambda x, w: np.cos(x) * bent(w), one, rng=seed).verdict == "disagree"


# --- Single precision ---


def forward(x, v):
    return SINGLE @ v.astype(np.float32)


def backward(x, w):
    return w.astype(np.float32) @ SINGLE


@pytest.mark.parametrize("seed", SEEDS)
def test_products_in_single_precision_agree_to_their_own_rounding(seed):
    assert verify.adjoint(forward, backward, POINT, rng=seed).verdict == "agree"
    assert verify.directional(linear, forward, POINT, rng=seed).verdict == "agree"
    linearity = identities.linearity(
        lambda v: forward(POINT, v), MATRIX, np.random.default_rng(seed)
    )
    assert linearity.holds


@pytest.mark.parametrize("seed", SEEDS)
def test_mistakes_in_single_precision_are_found(seed):
    def off(x, v):
        return forward(x, v) + np.float32(1e-3) * v.astype(np.float32)[0]

    assert verify.adjoint(off, backward, POINT, rng=seed).verdict == "disagree"
    assert verify.directional(linear, off, POINT, rng=seed).verdict == "disagree"


def test_doubles_are_held_to_the_rounding_of_doubles():
    spoilt = MATRIX * (1.0 + 1e-6 * np.arange(3.0))
    assert verify.adjoint(lambda _, v: MATRIX @ v, lambda _, w: w @ spoilt, POINT).verdict == (
        "disagree"
    )


# --- A gradient that is said to be right ---


@pytest.mark.parametrize("factor", [1.0, 2.0])
def test_a_gradient_that_contradicts_f_is_not_believed(factor):
    given = {"grad": lambda x: 3 * factor * x**2}
    right, wrong = np.diag(6 * POINT), np.diag(12 * POINT)
    products = {"f": cubes, **given}
    reports = [
        verify.hessian(cubes, right, POINT, **given),
        verify.hvp(lambda x, v: 6 * x * v, POINT, **products),
        verify.hessian(cubes, wrong, POINT, **given),
        verify.hvp(lambda x, v: 12 * x * v, POINT, **products),
    ]
    assert [report.verdict for report in reports] == ["agree", "agree", "disagree", "disagree"]
    for report in reports:
        assert any("`grad` itself" in note for note in report.notes) == (factor != 1.0)


# --- Nothing to compare ---


def test_points_and_outputs_without_entries_are_no_crash():
    nothing = np.zeros(0)
    reports = [
        verify.jvp(np.sin, lambda x, v: np.cos(x) * v, nothing),
        verify.vjp(np.sin, lambda x, w: np.cos(x) * w, nothing),
        verify.hvp(lambda x, v: 6 * x * v, nothing, f=cubes, grad=lambda x: 3 * x**2),
        verify.vjp(lambda x: x[:0], lambda x, w: w.sum() * x, POINT),
        verify.directional(np.sum, np.ones_like, nothing),
        verify.directional(lambda x: x[:0], lambda x: np.zeros((0, x.size)), POINT),
    ]
    assert all(report.coverage.disagree == 0 for report in reports)


@pytest.mark.parametrize("check", [verify.jvp, verify.vjp])
def test_an_array_is_no_product(check):
    with pytest.raises(TypeError, match=f"`{check.__name__}` must be callable"):
        check(waves, MATRIX, POINT)


def test_an_array_is_no_product_with_a_hessian_or_an_adjoint():
    with pytest.raises(TypeError, match="`hvp` must be callable"):
        verify.hvp(MATRIX, POINT, f=cubes)
    with pytest.raises(TypeError, match="`vjp` must be callable"):
        verify.adjoint(forward, MATRIX, POINT)


# --- Directions ---


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_entries_that_are_not_finite_disagree_and_are_named(form, value):
    x = np.linspace(1.0, 2.0, 50)
    wrong = np.diag(2 * x)
    wrong[3, 4], wrong[7, 7] = value, 5.0
    report = verify.directional(lambda x: x**2, form(wrong), x)
    assert report.verdict == "disagree"
    assert report.coverage.disagree == 2
    assert entries_of(report) == [(7, 7)]
    assert any("[3, 4]" in note for note in report.notes)


def test_an_infinite_gradient_of_a_root_is_not_blamed():
    with np.errstate(all="ignore"):
        report = verify.directional(
            lambda x: np.sum(np.sqrt(np.abs(x))), np.array([np.inf, 0.5]), [0.0, 1.0]
        )
    assert report.verdict == "inconclusive"


def test_an_entry_is_listed_once():
    for n in range(30, 40):
        x = np.random.default_rng(n).standard_normal(n)
        flipped = np.where(np.arange(n) <= n // 2, -np.cos(x), np.cos(x))
        for seed in SEEDS:
            found = entries_of(
                verify.directional(lambda x: np.sum(np.sin(x)), flipped, x, rng=seed)
            )
            assert len(set(found)) == len(found) > 0


@pytest.mark.parametrize(
    ("factor", "words"), [(-1.0, "the sign is wrong"), (1000.0, "a constant factor 1/1000")]
)
def test_a_sample_of_a_global_mistake_names_it(factor, words):
    x = np.linspace(1.0, 2.0, 1000)
    report = verify.directional(cubes, lambda x: 3 * factor * x**2, x)
    assert any(words in hint and "sample" in hint for hint in report.hints)


def test_a_single_mistake_is_no_sample():
    x = np.linspace(1.0, 2.0, 1000)
    wrong = 3 * x**2
    wrong[17] *= -1.0
    assert verify.directional(cubes, wrong, x).hints == ()


# --- Frames, and the command line ---


@pytest.mark.parametrize(
    "check",
    [
        verify.gradient, verify.jacobian, verify.hessian, verify.jvp, verify.vjp,
        verify.directional,
    ],
)  # fmt: skip
def test_frames_of_checks_are_hidden(check):
    def broken(*_):
        raise KeyError("rate")

    with pytest.raises(KeyError) as caught:
        check(broken, broken, POINT)
    modules = {"checks", "findings", "large", "point"}
    ours = [entry.frame for entry in caught.traceback if entry.path.stem in modules]
    assert ours
    assert all(frame.f_locals.get("__tracebackhide__") for frame in ours)


FUNCTIONS = """
import numpy as np


def cubes(x):
    return np.sum(x**3)


def curvature(x):
    return np.diag(6 * x)


def product(x, v):
    return 6 * x * v


def slope(x):
    return 3 * x**2
"""


@pytest.fixture
def command(tmp_path, monkeypatch):
    (tmp_path / "products.py").write_text(FUNCTIONS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "products", raising=False)

    def run(derivative, *options):
        names = ["products:cubes", f"products:{derivative}"]
        return main(["verify", *names, "--at", "1.3,0.7", *options])

    return run


def test_the_command_line_takes_products_with_the_hessian_and_a_gradient(command, capsys):
    assert command("product", "--kind", "hvp", "--grad", "products:slope") == 0
    assert "AGREE: hvp, product for cubes" in capsys.readouterr().out


def test_the_command_line_says_where_a_gradient_belongs(command, capsys):
    assert command("slope", "--grad", "products:slope") == 3
    assert "--kind hvp" in capsys.readouterr().err


def test_the_command_line_knows_a_hessian_by_its_shape(command, capsys):
    assert command("curvature") == 1
    assert "--kind hessian" in capsys.readouterr().out


def test_a_reader_that_stops_early_is_no_error(command, monkeypatch, tmp_path):
    class Closed:
        def __init__(self, file):
            self.file = file

        def fileno(self):
            return self.file.fileno()

        def write(self, _):
            raise BrokenPipeError

        def flush(self):
            raise BrokenPipeError

    with (tmp_path / "out").open("w") as file:
        monkeypatch.setattr(sys, "stdout", Closed(file))
        assert command("slope") == 0
