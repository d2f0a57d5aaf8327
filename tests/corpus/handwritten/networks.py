"""Layers and losses of networks, with backward passes by hand."""

ATTENTION = """
X = rng.standard_normal((4, 3)); W = rng.standard_normal((4, 3)); V = rng.standard_normal((4, 3))
def weights(q):
    s = q @ W.T / np.sqrt(3.0)
    e = np.exp(s - s.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)
def f(q):
    return np.sum((weights(q) @ V) ** 2)
def g(q):
    p = weights(q)
    out = 2 * (p @ V)
    dp = out @ V.T
    ds = p * (dp - np.sum(dp * p, axis=1, keepdims=True))
    return ds @ W / np.sqrt(3.0)
"""
LAYER_NORM = """
X = rng.standard_normal((3, 5)); T = rng.standard_normal((3, 5)); EPS = 1e-5
def f(x):
    m, v = x.mean(axis=1, keepdims=True), x.var(axis=1, keepdims=True)
    return np.sum(T * (x - m) / np.sqrt(v + EPS))
def g(x):
    m, v = x.mean(axis=1, keepdims=True), x.var(axis=1, keepdims=True)
    s = 1 / np.sqrt(v + EPS)
    z = (x - m) * s
    mean = T.mean(axis=1, keepdims=True)
    return s * (T - mean - z * np.mean(T * z, axis=1, keepdims=True))
"""
BATCH_NORM = LAYER_NORM.replace("axis=1", "axis=0")
CONVOLUTION = """
X = rng.standard_normal(4); S = rng.standard_normal(12); Y = rng.standard_normal(9)
def f(k):
    return 0.5 * np.sum((np.convolve(S, k, "valid") - Y) ** 2)
def g(k):
    r = np.convolve(S, k, "valid") - Y
    return np.array([r @ S[3 - j : 12 - j] for j in range(4)])
"""
RECURRENT = """
X = 0.5 * rng.standard_normal(9).reshape(3, 3); U = rng.standard_normal((6, 3))
def states(w):
    h = [np.zeros(3)]
    for u in U:
        h.append(np.tanh(w @ h[-1] + u))
    return h
def f(w):
    return 0.5 * np.sum(states(w)[-1] ** 2)
def g(w):
    h = states(w)
    out, d = np.zeros_like(w), h[-1].copy()
    for t in range(6, 0, -1):
        d = d * (1 - h[t] ** 2)
        out += np.outer(d, h[t - 1])
        d = w.T @ d
    return out
"""
CROSS_ENTROPY = """
X = rng.standard_normal((5, 3)); Y = np.array([0, 2, 1, 1, 0])
def f(z):
    m = z.max(axis=1, keepdims=True)
    lse = m[:, 0] + np.log(np.exp(z - m).sum(axis=1))
    return np.mean(lse - z[np.arange(5), Y])
def g(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    p[np.arange(5), Y] -= 1.0
    return p / 5
"""
PERCEPTRON = """
X = rng.standard_normal(16); A = rng.standard_normal((6, 3)); B = rng.standard_normal(6)
def f(w):
    h = np.maximum(A @ w[:12].reshape(3, 4), 0)
    return 0.5 * np.mean((h @ w[12:] - B) ** 2)
def g(w):
    z = A @ w[:12].reshape(3, 4)
    h = np.maximum(z, 0)
    r = (h @ w[12:] - B) / 6
    dh = np.outer(r, w[12:])
    return np.concatenate([(A.T @ (dh * (z > 0))).ravel(), h.T @ r])
"""
GELU = """
X = rng.standard_normal(6); C = np.sqrt(2 / np.pi)
def f(x):
    return np.sum(0.5 * x * (1 + np.tanh(C * (x + 0.044715 * x**3))))
def g(x):
    t = np.tanh(C * (x + 0.044715 * x**3))
    return 0.5 * (1 + t) + 0.5 * x * (1 - t**2) * C * (1 + 3 * 0.044715 * x**2)
"""

CASES = (
    (
        "attention",
        ATTENTION,
        (
            ("lost scale", "ds @ W / np.sqrt(3.0)", "ds @ W"),
            ("wrong axis", "dp * p, axis=1", "dp * p, axis=0"),
            ("lost term", " - np.sum(dp * p, axis=1, keepdims=True)", ""),
        ),
    ),
    (
        "layer norm",
        LAYER_NORM,
        (
            ("lost term", " - mean", ""),
            ("wrong mean", "z * np.mean(T * z", "z * np.sum(T * z"),
            ("wrong power", "s = 1 / np.sqrt(v + EPS)", "s = 1 / (v + EPS)"),
        ),
    ),
    ("batch norm", BATCH_NORM, (("lost eps", "np.sqrt(v + EPS)", "np.sqrt(v)"),)),
    (
        "convolution",
        CONVOLUTION,
        (
            ("not flipped", "S[3 - j : 12 - j]", "S[j : 9 + j]"),
            ("shifted window", "S[3 - j : 12 - j]", "S[2 - j : 11 - j] if j < 3 else r @ S[:9]"),
        ),
    ),
    (
        "recurrent cell",
        RECURRENT,
        (
            ("transposed", "d = w.T @ d", "d = w @ d"),
            ("cut off", "range(6, 0, -1)", "range(6, 2, -1)"),
            ("state of a step later", "np.outer(d, h[t - 1])", "np.outer(d, h[t])"),
            ("overwritten sum", "out += ", "out = "),
        ),
    ),
    (
        "cross entropy",
        CROSS_ENTROPY,
        (("sum for mean", "return p / 5", "return p"), ("wrong count", "p / 5", "p / 3")),
    ),
    (
        "relu network",
        PERCEPTRON,
        (
            ("lost mask", "dh * (z > 0)", "dh"),
            ("order of axes", ".ravel(), h", ".T.ravel(), h"),
            ("mask of the wrong array", "(z > 0)", "(dh > 0)"),
        ),
    ),
    (
        "gelu",
        GELU,
        (
            ("rounded constant", "3 * 0.044715", "3 * 0.0447"),
            ("lost inner factor", "3 * 0.044715", "0.044715"),
        ),
    ),
)
