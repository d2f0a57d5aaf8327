"""Scores of likelihoods, robust losses, matrix functions, implicit functions and adjoints."""

HIDDEN_MARKOV = """
X = rng.standard_normal((3, 3)); P = np.full(3, 1 / 3); E = rng.uniform(0.1, 1, (7, 3))
def rows(z):
    e = np.exp(z)
    return e / e.sum(axis=1, keepdims=True)
def f(z):
    a, total = P * E[0], 0.0
    for e in E[1:]:
        a = (a @ rows(z)) * e
    return np.log(a.sum())
def g(z):
    A = rows(z)
    alpha, beta = [P * E[0]], [np.ones(3)]
    for e in E[1:]:
        alpha.append((alpha[-1] @ A) * e)
    for e in E[:0:-1]:
        beta.append(A @ (e * beta[-1]))
    beta = beta[::-1]
    dA = sum(np.outer(alpha[t], E[t + 1] * beta[t + 1]) for t in range(6)) / alpha[-1].sum()
    return A * (dA - np.sum(A * dA, axis=1, keepdims=True))
"""
GAUSSIAN_PROCESS = """
X = np.array([0.3, -0.2, -1.0]); T = np.linspace(0, 2, 8); Y = np.sin(3 * T)
D = (T[:, None] - T) ** 2
def f(p):
    K = np.exp(2 * p[0] - 0.5 * D * np.exp(-2 * p[1])) + np.exp(2 * p[2]) * np.eye(8)
    return 0.5 * Y @ np.linalg.solve(K, Y) + 0.5 * np.linalg.slogdet(K)[1]
def g(p):
    S = np.exp(2 * p[0] - 0.5 * D * np.exp(-2 * p[1]))
    K = S + np.exp(2 * p[2]) * np.eye(8)
    inv = np.linalg.inv(K)
    a = inv @ Y
    M = 0.5 * (inv - np.outer(a, a))
    parts = 2 * S, S * D * np.exp(-2 * p[1]), 2 * np.exp(2 * p[2]) * np.eye(8)
    return np.array([np.sum(M * part) for part in parts])
"""
POISSON = """
X = rng.standard_normal(3); A = rng.standard_normal((9, 3)); Y = rng.poisson(2.0, 9)
def f(b):
    return np.sum(np.exp(A @ b) - Y * (A @ b))
def g(b):
    return A.T @ (np.exp(A @ b) - Y)
"""
PROBIT = """
from scipy.stats import norm
X = rng.standard_normal(3); A = rng.standard_normal((9, 3)); S = np.sign(rng.standard_normal(9))
def f(b):
    return -np.sum(norm.logcdf(S * (A @ b)))
def g(b):
    z = S * (A @ b)
    return -A.T @ (S * norm.pdf(z) / norm.cdf(z))
"""
HUBER = """
X = rng.standard_normal(3); A = rng.standard_normal((9, 3)); Y = 3 * rng.standard_normal(9)
def f(b):
    r = np.abs(A @ b - Y)
    return np.sum(np.where(r <= 1.345, 0.5 * r**2, 1.345 * r - 0.5 * 1.345**2))
def g(b):
    r = A @ b - Y
    return A.T @ np.clip(r, -1.345, 1.345)
"""
KALMAN = """
X = np.array([0.6, -0.3, 0.2]); Y = rng.standard_normal(12)
def f(p):
    a, q, r = p[0], np.exp(p[1]), np.exp(p[2])
    m, v, out = 0.0, 1.0, 0.0
    for y in Y:
        m, v = a * m, a * a * v + q
        s = v + r
        out += 0.5 * (np.log(s) + (y - m) ** 2 / s)
        k = v / s
        m, v = m + k * (y - m), (1 - k) * v
    return out
def g(p):
    a, q, r = p[0], np.exp(p[1]), np.exp(p[2])
    m, v, dm, dv, out = 0.0, 1.0, np.zeros(3), np.zeros(3), np.zeros(3)
    for y in Y:
        dm = a * dm + np.array([m, 0, 0])
        dv = a * a * dv + np.array([2 * a * v, q, 0])
        m, v = a * m, a * a * v + q
        s, ds, e = v + r, dv + np.array([0, 0, r]), y - m
        out += 0.5 * (ds / s - 2 * e * dm / s - e * e * ds / s**2)
        k, dk = v / s, (dv * s - v * ds) / s**2
        dm, dv = dm + dk * e - k * dm, (1 - k) * dv - dk * v
        m, v = m + k * e, (1 - k) * v
    return out
"""
LOG_DETERMINANT = """
X = np.eye(3) + 0.3 * rng.standard_normal((3, 3)); B = rng.standard_normal(3)
def f(a):
    return np.linalg.slogdet(a)[1] + B @ np.linalg.solve(a, B)
def g(a):
    inv = np.linalg.inv(a)
    return inv.T - np.outer(inv.T @ B, inv @ B)
"""
IMPLICIT = """
X = np.array([1.3, 0.7])
def root(p):
    v = 1.0
    for _ in range(60):
        v -= (v**3 + p[1] * v - p[0]) / (3 * v * v + p[1])
    return v
def f(p):
    return root(p) ** 2
def g(p):
    v = root(p)
    return 2 * v * np.array([1.0, -v]) / (3 * v * v + p[1])
"""
ADJOINT = """
X = np.array([0.7, 0.4]); H, N = 0.05, 40
def path(p):
    y = [np.array([1.0, 0.0])]
    for _ in range(N):
        u = y[-1]
        y.append(u + H * np.array([u[1], -p[0] * np.sin(u[0]) - p[1] * u[1]]))
    return y
def f(p):
    return 0.5 * path(p)[-1][0] ** 2
def g(p):
    y = path(p)
    lam, out = np.array([y[-1][0], 0.0]), np.zeros(2)
    for u in y[-2::-1]:
        out += H * lam[1] * np.array([-np.sin(u[0]), -u[1]])
        J = np.array([[0.0, 1.0], [-p[0] * np.cos(u[0]), -p[1]]])
        lam = lam + H * J.T @ lam
    return out
"""
LENNARD_JONES = """
X = np.array([[0.0, 0, 0], [1.1, 0.1, 0], [0.3, 1.2, 0.2], [0.2, 0.3, 1.3]])
def f(x):
    out = 0.0
    for i in range(4):
        for j in range(i):
            s = 1 / np.sum((x[i] - x[j]) ** 2) ** 3
            out += 4 * (s * s - s)
    return out
def g(x):
    out = np.zeros_like(x)
    for i in range(4):
        for j in range(i):
            d = x[i] - x[j]
            r2 = d @ d
            s = 1 / r2**3
            force = 4 * (-12 * s * s + 6 * s) / r2 * d
            out[i] += force
            out[j] -= force
    return out
"""

CASES = (
    (
        "hidden markov model",
        HIDDEN_MARKOV,
        (
            ("off by one in time", "E[t + 1] * beta[t + 1]", "E[t] * beta[t + 1]"),
            ("last step lost", "range(6)", "range(5)"),
        ),
    ),
    (
        "gaussian process",
        GAUSSIAN_PROCESS,
        (
            ("sign", "inv - np.outer", "inv + np.outer"),
            ("chain rule of a logarithm", "2 * np.exp(2 * p[2]) * np.eye", "np.exp(p[2]) * np.eye"),
        ),
    ),
    ("poisson regression", POISSON, (("lost exponential", "np.exp(A @ b) - Y", "A @ b - Y"),)),
    (
        "probit regression",
        PROBIT,
        (("lost sign", "(S * norm.pdf(z)", "(norm.pdf(z)"), ("cdf for sf", "norm.cdf", "norm.sf")),
    ),
    ("huber", HUBER, (("lost clip", "np.clip(r, -1.345, 1.345)", "r"),)),
    (
        "kalman score",
        KALMAN,
        (
            ("lost gain", " + dk * e", ""),
            ("forgotten chain", "[2 * a * v, q, 0]", "[2 * a * v, 1, 0]"),
        ),
    ),
    ("log determinant", LOG_DETERMINANT, (("transposed", "inv.T - ", "inv - "),)),
    ("implicit function", IMPLICIT, (("sign of the second", "[1.0, -v]", "[1.0, v]"),)),
    (
        "ode adjoint",
        ADJOINT,
        (
            ("transposed", "J.T @ lam", "J @ lam"),
            ("off by one in time", "y[-2::-1]", "y[:0:-1]"),
        ),
    ),
    ("lennard-jones", LENNARD_JONES, (("pair counted once", "out[j] -= force", "pass"),)),
)
