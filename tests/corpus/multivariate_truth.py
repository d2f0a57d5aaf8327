"""Write ``multivariate_truth.json``: ``python -m tests.corpus.multivariate_truth``.

Partial derivatives are central differences of the mpmath references at 120 digits with relative
steps of 1e-25, whose error is about 1e-50 relative.  Each is computed again with a step ten times
smaller: the two agree, or both vanish next to the size of the function and the derivative is an
exact zero, or this program stops.
"""

from __future__ import annotations

import json
from typing import Any

import mpmath
import numpy as np

from tests.corpus.multivariate import GRADIENT, JACOBIAN, MAX_HESSIAN_SIZE, TRUTH_FILE, Multi

DIGITS = 120
STEP = "1e-25"
SMALLEST_SCALE = "1e-6"
AGREEMENT = "1e-30"
VANISHING = "1e-35"

mp = mpmath.mp


def _steps(x: list[Any], factor: Any) -> list[Any]:
    return [factor * max(abs(value), mp.mpf(SMALLEST_SCALE)) for value in x]


def _settle(name: str, coarse: Any, fine: Any, scale: Any) -> float:
    """The float64 nearest to a derivative seen with two steps; zero if tiny next to ``scale``."""
    if abs(coarse - fine) <= mp.mpf(AGREEMENT) * abs(fine):
        return float(fine)
    if max(abs(coarse), abs(fine)) <= mp.mpf(VANISHING) * scale:
        return 0.0
    raise ArithmeticError(f"{name}: {mp.nstr(coarse, 40)} and {mp.nstr(fine, 40)} disagree")


def _moved(x: list[Any], *moves: tuple[int, Any]) -> list[Any]:
    out = list(x)
    for index, step in moves:
        out[index] += step
    return out


def _values(problem: Multi, x: list[Any]) -> np.ndarray:
    """The reference as a flat array of mpf."""
    value = np.array(problem.reference(mp, x), dtype=object).reshape(-1)
    return np.array([mp.mpf(part) for part in value], dtype=object)


def _first(problem: Multi, x: list[Any], factor: Any) -> tuple[list[Any], list[Any], list[Any]]:
    steps = _steps(x, factor)
    plus = [_values(problem, _moved(x, (i, h))) for i, h in enumerate(steps)]
    minus = [_values(problem, _moved(x, (i, -h))) for i, h in enumerate(steps)]
    return steps, plus, minus


def _partials(problem: Multi) -> tuple[np.ndarray, np.ndarray | None]:
    """First derivatives, shape (outputs, n), and for a scalar problem second ones, shape (n, n)."""
    x = [mp.mpf(value) for value in problem.x.reshape(-1).tolist()]
    n, centre = len(x), _values(problem, x)
    size = [abs(value) + 1 for value in centre]
    width = [max(abs(value), mp.mpf(1)) for value in x]
    wants_hessian = "gradient" in problem.tags and n <= MAX_HESSIAN_SIZE
    gradients, hessians = [], []
    for factor in (mp.mpf(STEP), mp.mpf(STEP) / 10):
        steps, plus, minus = _first(problem, x, factor)
        gradients.append([(plus[i] - minus[i]) / (2 * steps[i]) for i in range(n)])
        if not wants_hessian:
            continue
        second = [[mp.mpf(0)] * n for _ in range(n)]
        for i in range(n):
            second[i][i] = (plus[i][0] - 2 * centre[0] + minus[i][0]) / steps[i] ** 2
            for j in range(i):
                both = _values(problem, _moved(x, (i, steps[i]), (j, steps[j])))[0]
                neither = _values(problem, _moved(x, (i, -steps[i]), (j, -steps[j])))[0]
                single = plus[i][0] + minus[i][0] + plus[j][0] + minus[j][0]
                second[i][j] = second[j][i] = (both + neither + 2 * centre[0] - single) / (
                    2 * steps[i] * steps[j]
                )
        hessians.append(second)
    first = np.zeros((len(centre), n))
    for k in range(len(centre)):
        for i in range(n):
            first[k, i] = _settle(
                problem.name, gradients[0][i][k], gradients[1][i][k], size[k] / width[i]
            )
    if not wants_hessian:
        return first, None
    hessian = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            scale = size[0] / (width[i] * width[j])
            hessian[i, j] = _settle(problem.name, hessians[0][i][j], hessians[1][i][j], scale)
    return first, hessian


def _to_hex(nested: Any) -> Any:
    return [_to_hex(part) for part in nested] if isinstance(nested, list) else float(nested).hex()


def _record(problem: Multi) -> dict[str, Any]:
    record = {"x": _to_hex(problem.x.tolist())}
    first, hessian = _partials(problem)
    if "gradient" in problem.tags:
        record["gradient"] = _to_hex(first[0].tolist())
        if hessian is not None:
            record["hessian"] = _to_hex(hessian.tolist())
    else:
        shape = np.shape(problem.f(problem.x)) + problem.x.shape
        record["jacobian"] = _to_hex(first.reshape(shape).tolist())
    return record


def main() -> None:
    with mpmath.workdps(DIGITS):
        truth = {problem.name: _record(problem) for problem in GRADIENT + JACOBIAN}
    lines = (f"{json.dumps(name)}: {json.dumps(record)}" for name, record in sorted(truth.items()))
    TRUTH_FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
