"""Linear propagation of errors."""

import zlib

import numpy as np
import pytest

import numdiff as nd


def test_worked_examples():
    y, variance = nd.propagate(lambda x: x**2 + 1, 2.0, 0.01)
    assert (y, variance) == (5.0, pytest.approx(0.16, rel=1e-12))
    y, cov = nd.propagate(lambda x: x[0] * x[1], [2.0, 3.0], [[0.04, 0.01], [0.01, 0.09]])
    assert y == 6.0
    assert cov == pytest.approx(9 * 0.04 + 4 * 0.09 + 12 * 0.01, rel=1e-12)


def test_shapes_of_covariances():
    def f(x):
        return np.array([x[0] + x[1], x[0] - x[1], x[0] * x[1]])

    x = [1.0, 2.0]
    jacobian = np.array([[1.0, 1.0], [1.0, -1.0], [2.0, 1.0]])
    for cov, matrix in (
        (0.5, 0.5 * np.eye(2)),
        ([0.5, 0.25], np.diag([0.5, 0.25])),
        ([[0.5, 0.1], [0.1, 0.25]], np.array([[0.5, 0.1], [0.1, 0.25]])),
    ):
        y, found = nd.propagate(f, x, cov)
        assert y.tolist() == [3.0, -1.0, 2.0]
        np.testing.assert_allclose(found, jacobian @ matrix @ jacobian.T, rtol=1e-11)


def test_several_arguments():
    y, variance = nd.propagate(lambda a, b: (a * b).sum(), [1.0, 2.0], 0.1, 3.0, 0.2)
    assert y == 9.0
    assert variance == pytest.approx(9 * 0.2 + 9 * 0.2, rel=1e-12)
    with pytest.raises(ValueError, match="by turns"):
        nd.propagate(lambda a, b: a * b, 1.0, 0.1, 2.0)


def test_against_monte_carlo():
    rng = np.random.default_rng(0)
    x, cov = np.array([1.0, 0.5, 2.0]), 1e-6 * np.array([[4, 1, 0], [1, 2, -1], [0, -1, 3.0]])

    def f(w):
        return np.array([np.exp(w[0]) * w[1], np.sin(w[2]) + w[0] / w[1]])

    _, found = nd.propagate(f, x, cov)
    draws = rng.multivariate_normal(x, cov, 200_000)
    sampled = np.cov(f(draws.T))
    np.testing.assert_allclose(found, sampled, rtol=0.02)


def test_against_jacobi():
    jacobi = pytest.importorskip("jacobi", reason="a peer, installed by the extra `bench`")
    examples = [
        (lambda x: x**2 + 1, 2.0, 0.1),
        (lambda x: x**2 + 1, [1.0, 2.0], [[3.0, 1.0], [1.0, 4.0]]),
        (np.sin, [0.1, 0.5, 1.0], [0.1, 0.2, 0.3]),
        (lambda x: x[0] * np.exp(x[1]), [0.3, 0.2], [0.01, 0.02]),
    ]
    for f, x, cov in examples:
        ours, theirs = nd.propagate(f, x, cov), jacobi.propagate(f, x, cov)
        np.testing.assert_allclose(ours[0], theirs[0])
        matrix = np.diag(theirs[1]) if theirs[1].ndim == 1 else theirs[1]
        np.testing.assert_allclose(ours[1], matrix, rtol=1e-8, atol=1e-14)


def test_wrong_uses_say_so():
    for cov, words in (
        ([1.0, 2.0, 3.0], "must be a number"),
        ([[1.0, 0.5], [0.0, 1.0]], "symmetric"),
        ([-1.0, 1.0], "negative"),
        (np.nan, "finite"),
    ):
        with pytest.raises(ValueError, match=words):
            nd.propagate(lambda x: x.sum(), [1.0, 2.0], cov)


def test_what_is_flagged_or_vague_is_said():
    with pytest.raises(ValueError, match="entry 0 of x is flagged"):
        nd.propagate(lambda x: abs(x[0]) + x[1], [0.0, 1.0], 0.1)
    y, variance = nd.propagate(lambda x: abs(x[0]) + x[1], [0.0, 1.0], [0.0, 0.1])
    assert (y, variance) == (1.0, pytest.approx(0.1))

    def rough(x):
        key = np.random.default_rng(zlib.crc32(x.tobytes()))
        return 1e-6 * x.sum() + 1e-7 * key.normal()

    with pytest.warns(RuntimeWarning, match="three digits"):
        nd.propagate(rough, [1.0, 2.0], 0.1)
