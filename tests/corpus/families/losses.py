# ruff: noqa: ARG005  (a formula takes the functions that it is made of)
"""Gradients in the weights of networks, losses with bends and their Hessians, eigenvalues."""

from __future__ import annotations

from functools import partial

import mpmath
import numpy as np

from tests.corpus.families.core import Instance, Random, array, loguniform, scalar, uniform

# --- Networks: closed-form backpropagation in extended precision ---

INPUTS, HIDDEN = 3, 4
FAR = 1e-2  # a unit this far from its bend has a smooth neighbourhood


def _where(condition, yes, no):
    return np.where(condition, yes, no)


ACTIVATIONS = {
    "tanh": (lambda m, u: m.tanh(u), lambda u: 1 - np.tanh(u) ** 2),
    "sigmoid": (
        lambda m, u: 1 / (1 + m.exp(-u)),
        lambda u: 1 / (2 + np.exp(-u) + np.exp(u)),
    ),
    "softplus": (lambda m, u: m.log1p(m.exp(u)), lambda u: 1 / (1 + np.exp(-u))),
    "relu": (lambda m, u: np.maximum(u, 0 * u), lambda u: _where(u > 0, 1.0, 0.0)),
    "leaky": (lambda m, u: np.maximum(u, 0.1 * u), lambda u: _where(u > 0, 1.0, 0.1)),
    "elu": (
        lambda m, u: _where(u > 0, u, m.exp(np.minimum(u, 0 * u)) - 1),
        lambda u: _where(u > 0, 1.0, np.exp(np.minimum(u, 0 * u))),
    ),
}
BENT = ("relu", "leaky")


def _parts(w):
    """Weights and offsets of both layers from one vector of 21."""
    first = w[: HIDDEN * INPUTS].reshape(HIDDEN, INPUTS)
    rest = w[HIDDEN * INPUTS :]
    return first, rest[:HIDDEN], rest[HIDDEN:-1], rest[-1]


def _backpropagation(slope, act, X, y, w):
    """The gradient of the mean square of a network with one hidden layer."""
    X, y, w = (a.astype(np.longdouble) for a in (X, y, w))
    W, b, v, c = _parts(w)
    u = X @ W.T + b
    residual = act(np, u) @ v + c - y
    at_output = 2 * residual / len(y)
    at_units = np.outer(at_output, v) * slope(u)
    parts = (at_units.T @ X, at_units.sum(0), at_output @ act(np, u), [at_output.sum()])
    return np.concatenate([np.ravel(part) for part in parts])


def _network(kind: str, rng: Random) -> Instance:
    act, slope = ACTIVATIONS[kind]
    X, y = rng.standard_normal((int(rng.integers(1, 24)), INPUTS)), rng.standard_normal()
    y = y + np.sin(X[:, 0])
    w = rng.standard_normal(HIDDEN * INPUTS + 2 * HIDDEN + 1)

    def formula(m, weights):
        W, b, v, c = _parts(weights)
        return np.sum((act(m, X @ W.T + b) @ v + c - y) ** 2) / len(y)

    W, b, *_ = _parts(w)
    near = kind in BENT and np.abs(X @ W.T + b).min() < FAR
    exact = partial(_backpropagation, slope, act, X, y, w)
    return array(formula, w, "gradient", exact=exact, tags="exact" if near else "smooth exact")


def tanh_net(rng: Random) -> Instance:
    return _network("tanh", rng)


def sigmoid_net(rng: Random) -> Instance:
    return _network("sigmoid", rng)


def softplus_net(rng: Random) -> Instance:
    return _network("softplus", rng)


def relu_net(rng: Random) -> Instance:
    return _network("relu", rng)


def leaky_net(rng: Random) -> Instance:
    return _network("leaky", rng)


def elu_net(rng: Random) -> Instance:
    return _network("elu", rng)


# --- Losses of robust statistics: sums of rho of the residuals of a line ---


def _huber(u, d=1.0):
    return _where(abs(u) <= d, u * u / 2, d * (abs(u) - d / 2))


def _tukey(u, c=3.0):
    inside = 1 - (1 - np.minimum((u / c) ** 2, 1 + 0 * u)) ** 3
    return inside * c * c / 6


# rho, its first and its second derivative, and where they bend
LOSSES = {
    "huber": (_huber, lambda u: np.clip(u, -1, 1), lambda u: 1.0 * (abs(u) <= 1), (-1, 1)),
    "expectile": (
        lambda u: _where(u > 0, 0.8, 0.2) * u * u,
        lambda u: 2 * _where(u > 0, 0.8, 0.2) * u,
        lambda u: 2 * _where(u > 0, 0.8, 0.2),
        (0,),
    ),
    "tukey": (
        _tukey,
        lambda u: u * np.maximum(1 - (u / 3) ** 2, 0) ** 2,
        lambda u: np.maximum(1 - (u / 3) ** 2, 0) * (1 - 5 * (u / 3) ** 2),
        (-3, 3),
    ),
    "squared hinge": (
        lambda u: np.maximum(1 - u, 0 * u) ** 2,
        lambda u: -2 * np.maximum(1 - u, 0),
        lambda u: 2.0 * (u < 1),
        (1,),
    ),
    "pinball": (
        lambda u: np.maximum(0.8 * u, -0.2 * u),
        lambda u: _where(u > 0, 0.8, -0.2),
        lambda u: 0 * u,
        (0,),
    ),
}


def _loss(kind: str, operator: str, rng: Random) -> Instance:
    rho, psi, curvature, bends = LOSSES[kind]
    n, count = int(rng.integers(2, 5)), int(rng.integers(12, 41))
    X = rng.standard_normal((count, n)) * loguniform(rng, 0.5, 3)
    b = rng.standard_normal(n)
    y = 2 * rng.standard_normal(count)

    def exact():
        Z = X.astype(np.longdouble)
        u = Z @ b.astype(np.longdouble) - y
        return Z.T @ psi(u) if operator == "gradient" else (Z.T * curvature(u)) @ Z

    distance = min(np.abs(X @ b - y - bend).min() for bend in bends)
    tags = "smooth exact" if distance > FAR or operator == "gradient" else "exact"
    if kind == "pinball" and distance < FAR:
        tags = "exact"
    return array(lambda m, q: np.sum(rho(X @ q - y)), b, operator, exact=exact, tags=tags)


def huber(rng: Random) -> Instance:
    return _loss("huber", "gradient", rng)


def expectile(rng: Random) -> Instance:
    return _loss("expectile", "gradient", rng)


def tukey(rng: Random) -> Instance:
    return _loss("tukey", "gradient", rng)


def squared_hinge(rng: Random) -> Instance:
    return _loss("squared hinge", "gradient", rng)


def pinball(rng: Random) -> Instance:
    return _loss("pinball", "gradient", rng)


def huber_hessian(rng: Random) -> Instance:
    return _loss("huber", "hessian", rng)


def squared_hinge_hessian(rng: Random) -> Instance:
    return _loss("squared hinge", "hessian", rng)


def expectile_hessian(rng: Random) -> Instance:
    return _loss("expectile", "hessian", rng)


def tukey_hessian(rng: Random) -> Instance:
    return _loss("tukey", "hessian", rng)


# --- Eigenvalues and singular values along a line of matrices ---


def _matrices(rng: Random):
    n = int(rng.integers(3, 6))
    A, B = rng.standard_normal((2, n, n))
    return A + A.T, B + B.T


def _eigenvalue(rng: Random, pick: int) -> Instance:
    A, B = _matrices(rng)
    x = uniform(rng, -0.5, 0.5)

    def truth():
        with mpmath.workdps(40):
            M = mpmath.matrix(A.tolist()) + mpmath.mpf(x) * mpmath.matrix(B.tolist())
            values, vectors = mpmath.eigsy(M)
            index = sorted(range(len(A)), key=lambda i: values[i])[pick]
            v = vectors[:, index]
            return float((v.T * mpmath.matrix(B.tolist()) * v)[0])

    f = lambda t: float(np.linalg.eigvalsh(A + t * B)[pick])
    reference = lambda m, t: sorted(
        m.eigsy(m.matrix(A.tolist()) + t * m.matrix(B.tolist()), eigvals_only=True)
    )[pick]
    gaps = np.diff(np.linalg.eigvalsh(A + x * B))
    tags = "smooth exact" if gaps.min() > 0.3 else "exact"
    return Instance(f, x, truth, reference=reference, tags=frozenset(tags.split()))


def largest_eigenvalue(rng: Random) -> Instance:
    return _eigenvalue(rng, -1)


def smallest_eigenvalue(rng: Random) -> Instance:
    return _eigenvalue(rng, 0)


def inner_eigenvalue(rng: Random) -> Instance:
    return _eigenvalue(rng, 1)


def condition_of_two(rng: Random) -> Instance:
    a, b, c = uniform(rng, 2, 4), uniform(rng, -1, 1), uniform(rng, 0.5, 1.5)

    def formula(m, t):
        mean, half = (a + c + t) / 2, (a + t - c) / 2
        root = m.sqrt(half**2 + b**2)
        return (mean + root) / (mean - root)

    f = lambda t: float(np.linalg.cond(np.array([[a + t, b], [b, c]])))
    return scalar(formula, uniform(rng, 0.5, 2), f=f, tags="smooth exact")


NETWORKS = (tanh_net, sigmoid_net, softplus_net)
BENT_NETWORKS = (relu_net, leaky_net, elu_net)
GRADIENTS = (huber, expectile, tukey, squared_hinge, pinball)
HESSIANS = (huber_hessian, squared_hinge_hessian, expectile_hessian, tukey_hessian)
EIGENVALUES = (largest_eigenvalue, smallest_eigenvalue, inner_eigenvalue, condition_of_two)

FAMILIES = {
    "networks": NETWORKS,
    "networks with bends": BENT_NETWORKS,
    "losses": GRADIENTS,
    "losses, hessians": HESSIANS,
    "eigenvalues": EIGENVALUES,
}
