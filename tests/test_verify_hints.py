"""What is said about a wrong derivative: the right thing, or nothing."""

import re
from typing import NamedTuple

import numpy as np
import pytest

from numdiff import verify
from numdiff.verify.hints.search import Evidence, hints

RELATIVE = 1e-11  # bars, in units of the derivative; the numerical one is off by a fifth of them
RTOL = 1e-4


def always(matrix):
    return True


def never(matrix):
    return False


class Subject(NamedTuple):
    """An exact derivative at a point without round numbers."""

    name: str
    kind: str
    x: np.ndarray
    f: np.ndarray
    exact: np.ndarray


def points(n, seed):
    return np.random.default_rng(seed).uniform(0.3, 2.3, n)


def gradients():
    """Functions whose gradients are written by hand."""
    x, y, z = points(5, 1), points(3, 2), points(8, 3)
    a = np.random.default_rng(4).standard_normal((8, 8))
    q = a @ a.T
    k = np.arange(1.0, 9.0)
    yield "power sum", x, np.sum(x**3), 3 * x**2
    yield "log sum exp", x, np.log(np.exp(x).sum()), np.exp(x) / np.exp(x).sum()
    yield "norm", y, np.linalg.norm(y), y / np.linalg.norm(y)
    yield "quadratic form", z, 0.5 * z @ q @ z, q @ z
    yield "product", y, np.prod(y), np.prod(y) / y
    yield "sines", z, np.sin(k * z).sum(), k * np.cos(k * z)
    yield "entropy", x, -np.sum(x * np.log(x)), -np.log(x) - 1
    yield "barrier", z, -np.log(z).sum() + z @ k, -1 / z + k
    s = 1 / (1 + np.exp(-a @ z))
    yield "logistic", z, -np.log(s).sum(), a.T @ (s - 1)
    yield "gaussian", y, np.exp(-(y @ y)), -2 * y * np.exp(-(y @ y))


def jacobians():
    x, y = points(4, 5), points(6, 6)
    a = np.random.default_rng(7).standard_normal((6, 4))
    k = np.arange(1.0, 7.0)[:, None]
    yield "tanh layer", x, np.tanh(a @ x), (1 - np.tanh(a @ x) ** 2)[:, None] * a
    yield "exponentials", x, np.exp(-k * x).sum(1), -k * np.exp(-k * x)
    yield "softmax layer", x, a @ np.log(x), a / x
    yield "pairs", y, y * np.roll(y, 1), np.diag(np.roll(y, 1)) + np.roll(np.diag(y), -1, axis=1)
    b = np.random.default_rng(8).standard_normal((4, 4))
    yield "square", x, b @ np.sin(x), b * np.cos(x)


def hessians():
    x, y = points(4, 9), points(6, 10)
    a = np.random.default_rng(11).standard_normal((6, 6))
    p = np.exp(x) / np.exp(x).sum()
    yield "log sum exp", x, np.log(np.exp(x).sum()), np.diag(p) - np.outer(p, p)
    g = np.prod(y) / np.outer(y, y)
    yield "product", y, np.prod(y), g - np.diag(np.diag(g))
    r = np.sqrt(y @ y)
    yield "norm", y, r, np.eye(6) / r - np.outer(y, y) / r**3
    yield "sine of a form", y, np.sin(a[0] @ y), -np.sin(a[0] @ y) * np.outer(a[0], a[0])
    e = np.exp(a @ y / 4)
    yield "exponentials", y, e.sum(), (a.T * e / 16) @ a


def subjects():
    table = (("gradient", gradients), ("jacobian", jacobians), ("hessian", hessians))
    for kind, family in table:
        for name, x, f, exact in family():
            yield Subject(name, kind, x, np.atleast_1d(f), np.atleast_2d(exact))


SUBJECTS = tuple(subjects())
every_subject = pytest.mark.parametrize("subject", SUBJECTS, ids=lambda s: f"{s.kind} {s.name}")


def evidence_of(subject, analytic, relative=RELATIVE):
    random = np.random.default_rng(12)
    exact = subject.exact
    numerical = exact * (1 + relative / 5 * random.uniform(-1, 1, exact.shape))
    bars = relative * (np.maximum(np.abs(analytic), np.abs(numerical)) + 1e-2 * np.abs(exact).max())
    return Evidence(analytic, numerical, bars, subject.x, subject.f, subject.kind)


def said(subject, analytic, relative=RELATIVE):
    """Return the hints, as one text, or None where the mistake does not show."""
    evidence = evidence_of(subject, analytic, relative)

    def accept(matrix):
        bars = evidence_of(subject, matrix, relative).bars
        off = np.abs(matrix - evidence.numerical)
        size = np.maximum(np.abs(evidence.numerical), 1e-2 * np.abs(subject.exact).max())
        return bool(((off <= bars) & (off + bars <= RTOL * size)).all())

    if (np.abs(analytic - evidence.numerical) <= evidence.bars).all():
        return None
    return "; ".join(hints(evidence, accept))


def changed(subject, index, change):
    analytic = subject.exact.copy()
    analytic[index] = change(analytic[index])
    return analytic


def largest(subject):
    return np.unravel_index(np.abs(subject.exact).argmax(), subject.exact.shape)


def planned(subject):
    """Yield mistakes that hints know: what must be said, and the derivative."""
    exact, x, (m, n) = subject.exact, subject.x, subject.exact.shape
    column, every = (slice(None), 1), "in all entries"
    yield f"the sign is wrong {every}", -exact
    yield f"constant factor 1/2 is missing {every}.*doubled", 2 * exact
    yield f"constant factor 3 is missing {every}", exact / 3
    yield f"pi/180.* {every}.*degrees", exact * 180 / np.pi
    yield f"1/\\(ln 10\\) is missing {every}", exact * np.log(10)
    yield f"{n} is missing {every}.*mean against a sum.*number of inputs", exact / n
    yield f"common factor 0.7312.* {every}", exact / 0.731234
    yield f"factor 1/x is missing {every}.*chain rule", exact * x
    yield f"factor 1/exp\\(x\\) is missing {every}.*chain rule", exact * np.exp(x)
    yield f"1/\\(ln 10\\) \\* 1/x is missing {every}", exact * x * np.log(10)
    yield "factor 1/f is missing", exact * (subject.f[:, None] if subject.f.size > 1 else subject.f)
    yield "sign is wrong only in", changed(subject, column, np.negative)
    yield "factor x is missing only in", changed(subject, column, lambda c: c / x[1])
    yield "missing, 0 instead", changed(subject, column, np.zeros_like)
    yield "factor 1/2 is missing only in", changed(subject, largest(subject), lambda e: 2 * e)
    swapped = np.arange(n)
    swapped[[0, 2]] = [2, 0]
    yield "(columns|entries) 0 and 2 are swapped|reverse", exact[:, swapped]
    yield "rolled|permuted", np.roll(exact, 1, axis=1)
    yield "off by one", np.hstack([exact[:, 1:], np.zeros((m, 1))])
    yield f"term.*numerical \\+ 0.137.* \\* x {every}", exact + 0.13725 * x
    yield f"term.*numerical - 0.7312.*constant {every}", exact - 0.731234


def planned_for_matrices(subject):
    exact, (m, n) = subject.exact, subject.exact.shape
    diagonal = np.diag(np.diag(exact)) if m == n else None
    if subject.kind == "hessian":
        yield "only one triangle", np.tril(exact)
        yield "only one triangle", np.triu(exact)
        yield "doubled.*off the diagonal|off the diagonal.*doubled", 2 * exact - diagonal
        yield "off the diagonal.*halved", 0.5 * (exact + diagonal)
        yield "missing.*on the diagonal", exact - diagonal
        yield "term.*on the diagonal", exact + 0.37123 * np.eye(n)
    elif m == n:
        yield "transposed", exact.T.copy()
    elif m > 1:
        yield "wrong order", exact.ravel("F").reshape(m, n)


def unplanned(subject):
    """Yield two mistakes at once, and parts of all entries: no idea was made for these."""
    exact, x, n = subject.exact, subject.x, subject.exact.shape[1]
    both = exact.copy()
    both[:, 0] *= -1
    both[:, 2] *= 2
    yield "sign is wrong.*factor 1/2|factor 1/2.*sign is wrong", both
    lost = both.copy()
    lost[:, 2] = 0
    yield "sign is wrong.*0 instead|0 instead.*sign is wrong", lost
    yield "sign is wrong and .*1/2", -2 * exact
    yield "-1 \\* 1/x", -exact * x
    yield "(rolled|permuted).*sign", -np.roll(exact, 1, axis=1)
    yield "sign.*term.* x ", -exact + 0.3123 * x
    yield "factor 2/5 is missing only", np.where(np.arange(n) >= n // 2, 2.5 * exact, exact)


def hopeless(subject):
    """Yield mistakes that nothing explains."""
    exact, random = subject.exact, np.random.default_rng(13)
    yield changed(subject, largest(subject), lambda e: e * 1.3721)
    yield changed(subject, largest(subject), lambda e: e * (1 + 1e-6))
    yield exact * (1 + 0.01 * random.standard_normal(exact.shape))
    yield random.standard_normal(exact.shape)
    yield np.tanh(exact) + 0.1 * exact**2


def judged(mistakes):
    """Return the shares of mistakes that are named rightly and wrongly."""
    right, wrong, missed = 0, [], 0
    for subject, expected, analytic in mistakes:
        text = said(subject, analytic)
        if text is not None:
            right += bool(text) and bool(re.search(expected, text))
            missed += not text
            wrong += [(subject.name, expected, text)] * bool(text and not re.search(expected, text))
    total = right + missed + len(wrong)
    return right / total, len(wrong) / total, wrong


def all_of(*families):
    return [
        (subject, expected, analytic)
        for subject in SUBJECTS
        for family in families
        for expected, analytic in family(subject)
    ]


def test_a_small_factor_is_no_wrong_sign_and_a_term():
    report = verify.gradient(lambda x: x @ x, lambda x: 2.000002 * x, [1.3, 0.7])
    assert report.verdict == "disagree"
    assert not any("sign" in hint or "term" in hint for hint in report.hints)


def test_planned_mistakes_are_named():
    right, wrong, which = judged(all_of(planned, planned_for_matrices))
    assert right >= 0.95, which
    assert wrong <= 0.02, which


def test_other_mistakes_are_named_or_nothing_is_said():
    right, wrong, which = judged(all_of(unplanned))
    assert right >= 0.8, which
    assert wrong <= 0.02, which


@every_subject
def test_nothing_is_said_of_what_nothing_explains(subject):
    texts = [said(subject, analytic) for analytic in hopeless(subject)]
    # of one wrong entry of a Hessian its mirror image tells
    assert not any(text for text in texts if text and "not symmetric" not in text), texts


@every_subject
def test_a_correction_that_is_not_accepted_is_not_told(subject):
    assert hints(evidence_of(subject, -subject.exact), never) == ()


@pytest.mark.parametrize("relative", [1e-8, 1e-5])
def test_wide_bars_do_not_make_coincidences(relative):
    texts = [
        said(subject, analytic, relative)
        for subject in SUBJECTS[:4]
        for analytic in hopeless(subject)
    ]
    assert not any(texts)
    assert all("sign" in said(s, -s.exact, relative) for s in SUBJECTS)


def row(*numbers):
    return np.array([numbers], dtype=float)


def test_what_is_not_known_is_left_out():
    exact = row(1.234567, 2.345678, 0.987654)
    numerical = exact.copy()
    numerical[0, 1] = np.nan
    evidence = Evidence(-exact, numerical, 1e-12 * exact, row(1, 2, 3)[0], None, "gradient")
    assert hints(evidence, always) == ("the sign is wrong in all entries",)


def test_one_entry_alone_has_no_free_factor():
    x, d = np.array([0.7]), row(1.23456789)
    for ratio, count in ((2.0, 1), (-1.0, 1), (1.37218, 0)):
        evidence = Evidence(d * ratio, d, 1e-12 * d, x, np.array([0.4567]), "gradient")
        assert len(hints(evidence, always)) == count


def test_small_whole_numbers_prove_little():
    """At round points a lost term looks like many other mistakes."""
    evidence = Evidence(row(4.0, 7.0), row(12.0, 3.0), row(1e-11, 1e-11), row(1, 2)[0], None, "jvp")
    assert hints(evidence, always) == ()


def test_a_factor_that_could_be_several_is_told_with_all():
    x = np.full(4, 2.0)
    d = points(4, 14)[None]
    (text,) = hints(Evidence(d / 2, d, 1e-12 * d, x, None, "gradient"), always)
    assert "factor 2 is missing" in text
    assert "or a factor x" in text


def test_nothing_wrong_and_not_finite():
    d = row(1.0, 2.0)
    for analytic in (d, row(np.nan, 2.0)):
        assert hints(Evidence(analytic, d, 0 * d, d[0], None, "gradient"), always) == ()


@pytest.mark.parametrize("shape", [(1, 400), (40, 40)])
def test_many_entries(shape):
    random = np.random.default_rng(15)
    d, x = random.standard_normal(shape), random.standard_normal(shape[1])
    evidence = Evidence(d[:, ::-1], d, 1e-12 * np.abs(d), x, None, "jacobian")
    (text,) = hints(evidence, always)
    assert "reverse order" in text
    assert hints(evidence._replace(analytic=d + random.standard_normal(shape)), always) == ()


def log_scale(a):
    """The last parameter is the logarithm of a scale; stat-fem 35: its factor was lost."""
    a[0, -1] /= np.exp(X[-1])
    return a


def swapped_columns(a):
    """Openturns 1556."""
    return a[:, [1, 0, *range(2, a.shape[1])]]


def other_sign(a):
    """ChainRules 87: the derivative of 1/x."""
    return np.hstack([-a[:, :2], a[:, 2:]])


def squared_scale(a):
    """Statsmodels 1540: the derivative of another transformation."""
    a[0, 1] *= X[1]
    return a


X = points(5, 16)


@pytest.mark.parametrize(
    ("bug", "expected"),
    [
        (log_scale, r"factor exp\(x\) is missing only in entry 4"),
        (swapped_columns, "entries 0 and 1 are swapped"),
        (other_sign, "sign is wrong only in entries 0, 1"),
        (squared_scale, "factor 1/x is missing only in entry 1"),
    ],
)
def test_mistakes_of_real_programs(bug, expected):
    exact = (3.0 * X**2 * np.exp(X))[None]
    subject = Subject("real", "gradient", X, np.array([0.12345]), exact)
    assert re.search(expected, said(subject, bug(exact.copy())))
