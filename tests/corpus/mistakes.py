"""Mistakes that people make in derivatives: kinds of them, to be made on purpose, and real bugs.

A kind of mistake changes the right matrix, with one row per output and one column per input, or
returns None where there is nothing to change; what comes out equal to the right matrix is no
mistake.  The real bugs were written again from what their reports say, as right and wrong pairs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy import special

from tests.corpus.derivatives import Function

Matrix = np.ndarray


class Subject(NamedTuple):
    """A right derivative: f of a flat x gives ``value``, its derivative there is ``matrix``.

    ``matrix_at`` gives the derivative anywhere, ``shape`` is that of x, and ``kind`` is "gradient",
    "jacobian" or "hessian".
    """

    kind: str
    matrix: Matrix
    x: np.ndarray
    shape: tuple[int, ...]
    value: np.ndarray
    matrix_at: Callable[[np.ndarray], Matrix]


Change = Callable[[Subject, np.random.Generator], Matrix | None]


class Mistake(NamedTuple):
    """A kind of mistake.

    ``group`` tells which rate it counts in: "gross" (a sign, a factor, a dropped or a moved entry),
    "structure" (of another kind, as large), "tiny" (below 1e-4 of an entry) or the size of a
    relative error in one entry.  A right hint has one of ``words``; none where nobody can know what
    happened.  ``also`` are words of hints that are as true for some functions.
    """

    name: str
    group: str
    change: Change
    words: tuple[str, ...] = ()
    also: tuple[str, ...] = ()

    def made(self, subject: Subject, seed: int) -> Matrix | None:
        """Return the wrong matrix, or None where the mistake cannot be made or changes nothing."""
        with np.errstate(all="ignore"):
            wrong = self.change(subject, np.random.default_rng(seed))
        return None if wrong is None or _same(wrong, subject.matrix) else wrong


# Below this an entry is the same but for rounding.
_ROUNDING = 1e-11


def _same(wrong: Matrix, right: Matrix) -> bool:
    size = np.maximum(np.abs(wrong), np.abs(right))
    return bool(np.all(np.abs(wrong - right) <= _ROUNDING * size))


def _factor(c: float) -> Change:
    return lambda s, _: c * s.matrix


def _one_entry(change: Callable[[float], float]) -> Change:
    """Change one of the entries that are not zero."""

    def changed(s, random):
        rows, columns = np.nonzero(s.matrix)
        if not rows.size:
            return None
        k = random.integers(rows.size)
        wrong = s.matrix.copy()
        wrong[rows[k], columns[k]] = change(wrong[rows[k], columns[k]])
        return wrong

    return changed


def _columns_factor(factor: Callable[[np.ndarray], np.ndarray], share: float = 1.0) -> Change:
    """Multiply columns by a function of x: all of them, or one."""

    def changed(s, random):
        factors = factor(s.x)
        if share < 1.0:
            one = np.arange(s.x.size) == random.integers(s.x.size)
            factors = np.where(one, factors, 1.0)
        return s.matrix * factors if np.isfinite(factors).all() else None

    return changed


def _by_input_count(s: Subject, _: np.random.Generator) -> Matrix | None:
    return s.matrix * s.x.size


def _by_mean_of_outputs(s: Subject, _: np.random.Generator) -> Matrix | None:
    return s.matrix / s.value.size if s.value.size > 1 else s.matrix / 25


def _swapped_columns(s: Subject, random: np.random.Generator) -> Matrix | None:
    if s.x.size < 2:
        return None
    order = np.arange(s.x.size)
    i, j = random.choice(s.x.size, 2, replace=False)
    order[[i, j]] = j, i
    return s.matrix[:, order]


def _rolled_columns(s: Subject, _: np.random.Generator) -> Matrix | None:
    return np.roll(s.matrix, 1, axis=1)


def _reversed_columns(s: Subject, _: np.random.Generator) -> Matrix | None:
    return s.matrix[:, ::-1].copy()


def _permuted_columns(s: Subject, random: np.random.Generator) -> Matrix | None:
    return s.matrix[:, random.permutation(s.x.size)]


def _swapped_rows(s: Subject, random: np.random.Generator) -> Matrix | None:
    if s.kind != "jacobian":
        return None
    order = np.arange(s.value.size)
    i, j = random.choice(s.value.size, 2, replace=False)
    order[[i, j]] = j, i
    return s.matrix[order]


def _transposed(s: Subject, _: np.random.Generator) -> Matrix | None:
    """A square matrix the wrong way round, or a gradient of a matrix in the other order."""
    if s.matrix.shape[0] == s.matrix.shape[1]:
        return s.matrix.T.copy()
    if s.kind == "gradient" and len(s.shape) == 2:
        return s.matrix.reshape(s.shape).ravel(order="F").reshape(1, -1)
    return None


def _wrong_index(s: Subject, random: np.random.Generator) -> Matrix | None:
    """One entry has the value of the next."""
    if s.x.size < 2:
        return None
    wrong, i = s.matrix.copy(), random.integers(s.x.size - 1)
    wrong[:, i] = wrong[:, i + 1]
    return wrong


def _stale(move: float) -> Change:
    """The derivative at a point a little before x."""

    def changed(s, random):
        return s.matrix_at(s.x * (1 - move * random.uniform(0.5, 1.5, s.x.size)))

    return changed


def _dropped_linear_term(s: Subject, _: np.random.Generator) -> Matrix | None:
    """A penalty on x**2 in f that is not in the derivative; of a quarter of its size."""
    if s.kind == "jacobian":
        return None
    term = s.x[None, :] if s.kind == "gradient" else np.eye(s.x.size)
    largest = np.max(np.abs(term * _sizes(s)))
    return s.matrix - 0.237 * np.max(np.abs(s.matrix * _sizes(s))) / largest * term


def _sizes(s: Subject) -> np.ndarray:
    """What an entry of the matrix has to be multiplied with to be comparable to others."""
    return np.abs(s.x) if s.kind != "hessian" else np.outer(np.abs(s.x), np.abs(s.x))


def _dropped_column(s: Subject, random: np.random.Generator) -> Matrix | None:
    wrong = s.matrix.copy()
    wrong[:, random.integers(s.x.size)] = 0.0
    return wrong


def _spurious_entry(s: Subject, random: np.random.Generator) -> Matrix | None:
    rows, columns = np.nonzero(s.matrix == 0.0)
    if not rows.size:
        return None
    k, wrong = random.integers(rows.size), s.matrix.copy()
    wrong[rows[k], columns[k]] = np.max(np.abs(s.matrix[rows[k]])) or 1.0
    return wrong


def _of_hessian(change: Callable[[Matrix], Matrix]) -> Change:
    return lambda s, _: change(s.matrix) if s.kind == "hessian" else None


def _off_diagonal_doubled(matrix: Matrix) -> Matrix:
    return 2 * matrix - np.diag(np.diag(matrix))


def _conjugated(s: Subject, _: np.random.Generator) -> Matrix | None:
    """The second half of x, as if it held imaginary parts, has the other sign."""
    sign = np.where(np.arange(s.x.size) < s.x.size / 2, 1.0, -1.0)
    return s.matrix * sign


def _without_value(s: Subject, _: np.random.Generator) -> Matrix | None:
    """The derivative of log f instead of that of f."""
    return s.matrix / s.value[:, None] if s.kind != "hessian" and s.value.all() else None


def _with_constant(s: Subject, _: np.random.Generator) -> Matrix | None:
    return s.matrix + 0.1 * np.max(np.abs(s.matrix), axis=1, keepdims=True)


def _normalised(s: Subject, _: np.random.Generator) -> Matrix | None:
    return s.matrix / np.linalg.norm(s.matrix) if s.kind == "gradient" else None


def _in_single(s: Subject, _: np.random.Generator) -> Matrix | None:
    return s.matrix.astype(np.float32).astype(float)


def _zero(s: Subject, _: np.random.Generator) -> Matrix | None:
    return np.zeros_like(s.matrix)


_FACTOR, _CHAIN, _MISSING = ("factor",), ("chain", "factor"), ("missing",)
# several of these are right of a matrix of two columns
_ORDER = ("swapped", "permuted", "rolled", "reverse", "order", "transposed")

MISTAKES: tuple[Mistake, ...] = (
    Mistake("sign", "gross", _factor(-1.0), ("sign",)),
    Mistake("sign of one entry", "gross", _one_entry(lambda a: -a), ("sign",)),
    Mistake("twice", "gross", _factor(2.0), _FACTOR),
    Mistake("half", "gross", _factor(0.5), _FACTOR),
    Mistake("one entry twice", "gross", _one_entry(lambda a: 2 * a), _FACTOR),
    Mistake("times n", "gross", _by_input_count, _FACTOR),
    Mistake("mean for sum", "gross", _by_mean_of_outputs, _FACTOR),
    Mistake("dropped entry", "gross", _one_entry(lambda _: 0.0), _MISSING),
    Mistake("dropped column", "gross", _dropped_column, _MISSING),
    Mistake("swapped columns", "gross", _swapped_columns, _ORDER),
    Mistake("swapped rows", "gross", _swapped_rows, _ORDER),
    Mistake("rolled columns", "gross", _rolled_columns, _ORDER),
    Mistake("permuted columns", "gross", _permuted_columns, _ORDER),
    Mistake("reversed columns", "gross", _reversed_columns, _ORDER),
    Mistake("transposed", "gross", _transposed, _ORDER),
    Mistake("wrong index", "gross", _wrong_index, ("index",)),
    Mistake("missing factor x", "structure", _columns_factor(lambda x: 1 / x), _CHAIN),
    Mistake("missing factor 1/x", "structure", _columns_factor(lambda x: x), _CHAIN),
    Mistake(
        "missing factor exp(x)",
        "structure",
        _columns_factor(lambda x: np.exp(-x)),
        _CHAIN,
        _MISSING,
    ),
    Mistake("one missing factor x", "structure", _columns_factor(lambda x: 1 / x, 0.5), _CHAIN),
    Mistake("degrees", "structure", _factor(math.pi / 180), _FACTOR),
    Mistake("common logarithm", "structure", _factor(1 / math.log(10)), _FACTOR),
    Mistake("derivative of log f", "structure", _without_value, _CHAIN),
    Mistake("normalised", "structure", _normalised, _FACTOR),
    Mistake("dropped term", "structure", _dropped_linear_term, ("term",), _FACTOR),
    Mistake("constant added", "structure", _with_constant, ("constant", "term")),
    Mistake("one triangle", "structure", _of_hessian(np.tril), ("triang",)),
    Mistake("off-diagonal doubled", "structure", _of_hessian(_off_diagonal_doubled), ("diagonal",)),
    Mistake("spurious entry", "structure", _spurious_entry, ("not zero",)),
    Mistake("conjugated", "structure", _conjugated, ("sign",)),
    Mistake("zero", "structure", _zero, _MISSING),
    Mistake("nan in one entry", "structure", _one_entry(lambda _: math.nan)),
    Mistake("stale by 1e-2", "structure", _stale(1e-2), (), _FACTOR),
    Mistake("stale by 1e-5", "tiny", _stale(1e-5), (), _FACTOR),
    Mistake("pi as 3.1416", "tiny", _factor(3.1416 / math.pi), _FACTOR),
    Mistake("single precision", "tiny", _in_single),
    Mistake("one entry off by 1e-3", "1e-3", _one_entry(lambda a: a * (1 + 1e-3)), (), _FACTOR),
    Mistake("one entry off by 1e-6", "1e-6", _one_entry(lambda a: a * (1 + 1e-6)), (), _FACTOR),
    Mistake("one entry off by 1e-9", "1e-9", _one_entry(lambda a: a * (1 + 1e-9)), (), _FACTOR),
)


# --- Real bugs ---


class Bug(NamedTuple):
    """A derivative that was published wrong: right and wrong, at a point where it shows.

    ``hidden`` is a point at which nobody can see the bug, if there is one.
    """

    name: str
    source: str
    kind: str
    f: Function
    right: Function
    wrong: Function
    x: np.ndarray
    words: tuple[str, ...]
    hidden: np.ndarray | None = None


class _Parts(NamedTuple):
    f: Function
    right: Function
    wrong: Function


def _swapped_parameters() -> _Parts:
    t = np.linspace(0.5, 3, 6)

    def f(x):
        return x[0] * np.exp(-x[1] * t) + x[2]

    def right(x):
        decay = np.exp(-x[1] * t)
        return np.stack([decay, -x[0] * t * decay, np.ones_like(t)], axis=1)

    return _Parts(f, right, lambda x: right(x)[:, [1, 0, 2]])


def _log_scale() -> _Parts:
    """A posterior whose factor rho is given by its logarithm."""
    t = np.linspace(0, 2, 9)
    u, y = np.sin(t) + 1.5, 1.7 * np.sin(t) + 2.4

    def f(x):
        return np.sum((y - np.exp(x[0]) * u) ** 2) * np.exp(-2 * x[1]) / 2 + t.size * x[1]

    def gradient(x, rho):
        r, precision = y - np.exp(x[0]) * u, np.exp(-2 * x[1])
        return np.array([-rho * precision * (u @ r), t.size - precision * (r @ r)])

    return _Parts(f, lambda x: gradient(x, np.exp(x[0])), lambda x: gradient(x, 1.0))


def _eight_schools() -> _Parts:
    """The centred log density of mu, tau and eight effects; a term of d/dmu was forgotten."""
    y = np.array([28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0])
    sigma = np.array([15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0])

    def f(x):
        mu, tau, theta = x[0], x[1], x[2:]
        prior = -(mu**2) / 50 - np.log(1 + (tau / 5) ** 2)
        effects = -8 * np.log(tau) - np.sum((theta - mu) ** 2) / (2 * tau**2)
        return prior + effects - np.sum(((y - theta) / sigma) ** 2) / 2

    def gradient(x, pull):
        mu, tau, theta = x[0], x[1], x[2:]
        by_tau = -2 * tau / (25 + tau**2) - 8 / tau + np.sum((theta - mu) ** 2) / tau**3
        by_theta = (mu - theta) / tau**2 + (y - theta) / sigma**2
        return np.concatenate([[-mu / 25 + pull, by_tau], by_theta])

    def right(x):
        return gradient(x, np.sum(x[2:] - x[0]) / x[1] ** 2)

    return _Parts(f, right, lambda x: gradient(x, 0.0))


def _spherical_bessel() -> _Parts:
    """The derivative of j1 is 1/3 at 0, where 0 was returned."""
    weight = np.array([1.0, 2.0, -0.5])

    def f(x):
        return weight @ special.spherical_jn(1, x)

    def right(x):
        return weight * np.where(x == 0, 1 / 3, special.spherical_jn(1, x, derivative=True))

    return _Parts(f, right, lambda x: np.where(x == 0, 0.0, right(x)))


def _least_squares_likelihood() -> _Parts:
    """Half of the second part of a Hessian only should have been halved."""
    random = np.random.default_rng(60)
    A, y = random.standard_normal((20, 3)), random.standard_normal(20)

    def f(b):
        return -10 * (math.log(2 * math.pi) + np.log((y - A @ b) @ (y - A @ b) / 20) + 1)

    def hessian(b, first):
        r = y - A @ b
        slope = -2 * A.T @ r
        return -10 * (first * A.T @ A / (r @ r) - np.outer(slope, slope) / (r @ r) ** 2)

    return _Parts(f, lambda b: hessian(b, 2.0), lambda b: hessian(b, 1.0))


def _exponential_transform() -> _Parts:
    """Only the title is known: the derivative of an exponential transform; the factor is left."""
    A = np.array([[1.0, 0.5, -0.2], [0.3, -1.0, 0.8]])
    return _Parts(lambda x: A @ np.exp(x), lambda x: A * np.exp(x), lambda _: A.copy())


def _argument_not_passed() -> _Parts:
    """The Hessian is taken as if x was on the other scale already."""

    def plain(z):
        return np.sum(z**4) / 4 + z[0] * z[1]

    def plain_gradient(z):
        return z**3 + np.array([z[1], z[0]])

    def plain_hessian(z):
        return np.diag(3 * z**2) + np.array([[0.0, 1.0], [1.0, 0.0]])

    def right(x):
        z = np.exp(x)
        return plain_hessian(z) * np.outer(z, z) + np.diag(plain_gradient(z) * z)

    return _Parts(lambda x: plain(np.exp(x)), right, plain_hessian)


def _softmax_by_optimisation() -> _Parts:
    """The reported point and numbers: 0.01412 where -10.4994 is right."""

    def f(x):
        weight = np.exp((x - np.max(x)) / 0.01)
        return weight / np.sum(weight)

    def right(x):
        p = f(x)
        return (np.diag(p) - np.outer(p, p)) / 0.01

    return _Parts(f, right, lambda _: np.array([[1.0, -1.0], [-1.0, 1.0]]) * -0.01412)


def _inverse_of_matrix() -> _Parts:
    """The rule for the inverse without its transposes."""
    A = np.random.default_rng(61).standard_normal((3, 3))

    def f(X):
        return np.trace(A @ np.linalg.inv(X))

    def wrong(X):
        inverse = np.linalg.inv(X)
        return -inverse @ A @ inverse

    return _Parts(f, lambda X: wrong(X).T, wrong)


def _doubled_products() -> _Parts:
    def f(x):
        return x[0] * x[3] * (x[0] + x[1] + x[2]) + x[2]

    def right(x):
        a, b, c, d = x
        s = 2 * a + b + c
        return np.array([[2 * d, d, d, s], [d, 0, 0, a], [d, 0, 0, a], [s, a, a, 0]], float)

    return _Parts(f, right, lambda x: _off_diagonal_doubled(right(x)))


def _comparison_for_assignment() -> _Parts:
    """``score[-1] == ...``: the last entry is not multiplied with alpha = exp(its parameter)."""
    y = np.array([0.0, 3.0, 1.0, 4.0, 2.0, 7.0])

    def f(x):
        mu, size = np.exp(x[0]), np.exp(-x[1])
        terms = (
            special.gammaln(y + size) - special.gammaln(size) + size * np.log(size / (size + mu))
        )
        return np.sum(terms + y * np.log(mu / (size + mu)))

    def by_logarithms(x):
        mu, size = np.exp(x[0]), np.exp(-x[1])
        by_size = special.psi(y + size) - special.psi(size) + np.log(size / (size + mu))
        by_size = np.sum(by_size + 1 - (size + y) / (size + mu))
        return np.array([np.sum(y - (y + size) * mu / (size + mu)), -size * by_size])

    return _Parts(f, by_logarithms, lambda x: by_logarithms(x) * np.array([1.0, np.exp(-x[1])]))


def _bug(
    source: str, kind: str, parts: _Parts, x: Any, *words: str, hidden: np.ndarray | None = None
) -> Bug:
    return Bug(source.partition(":")[0], source, kind, *parts, np.asarray(x, float), words, hidden)


_SCHOOLS = [4.0, 3.0, 11.0, 7.5, 6.0, 7.0, 5.0, 6.5, 10.0, 8.0]

BUGS: tuple[Bug, ...] = (
    _bug(
        "openturns 1556: swapped columns",
        "jacobian",
        _swapped_parameters(),
        [2.0, 0.7, 0.4],
        *_ORDER,
    ),
    _bug(
        "stat-fem 35: a parameter on a logarithmic scale",
        "gradient",
        _log_scale(),
        [0.6, -0.4],
        *_CHAIN,
    ),
    _bug(
        "pints 1136: a missing term that vanishes where all is one",
        "gradient",
        _eight_schools(),
        _SCHOOLS,
        hidden=np.ones(10),
    ),
    _bug(
        "scipy 8186: the derivative of spherical_jn(1, x) at 0",
        "gradient",
        _spherical_bessel(),
        [0.0, 1.2, 2.5],
        "missing",
    ),
    _bug(
        "statsmodels 9469: a factor of 2 in one of two terms",
        "hessian",
        _least_squares_likelihood(),
        [0.4, -0.3, 0.8],
    ),
    _bug(
        "statsmodels 1540: the derivative of an exponential transform",
        "jacobian",
        _exponential_transform(),
        [0.5, -0.7, 1.1],
        *_CHAIN,
    ),
    _bug(
        "statsmodels 10148: an argument that is not passed on",
        "hessian",
        _argument_not_passed(),
        [0.4, -0.3],
    ),
    _bug(
        "diffcp 58: the projection on exponential cones",
        "jacobian",
        _softmax_by_optimisation(),
        [0.6, 0.58],
    ),
    _bug(
        "ChainRules 87: the rule for the inverse of a matrix",
        "gradient",
        _inverse_of_matrix(),
        [[3.0, 0.4, -0.2], [0.1, 2.5, 0.6], [-0.5, 0.3, 3.2]],
        *_ORDER,
    ),
    _bug(
        "cyipopt 143: entries beside the diagonal doubled",
        "hessian",
        _doubled_products(),
        [1.2, 4.7, 3.8, 1.4],
        "diagonal",
    ),
    _bug(
        "statsmodels 7522: a comparison instead of an assignment",
        "gradient",
        _comparison_for_assignment(),
        [0.9, -0.5],
        *_CHAIN,
    ),
)
