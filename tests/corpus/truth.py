"""Compute the exact derivatives of the corpus: `python -m tests.corpus.truth [name ...]`.

Every derivative comes from central differences in very high precision, or from Cauchy's formula
where the reference is slow and takes complex arguments (the tag "analytic"). It is accepted once a
second computation with another step and precision agrees to 20 digits. With names on the command
line only these problems are computed anew.
"""

from __future__ import annotations

import json
import math
import multiprocessing
import sys
import warnings
from pathlib import Path
from typing import Any

import mpmath
import numpy as np

from tests.corpus.scalar import PROBLEMS, Problem

ORDERS = (1, 2, 3, 4, 6)
STENCIL = {
    1: (-1, 9, -45, 0, 45, -9, 1),
    2: (2, -27, 270, -490, 270, -27, 2),
    3: (1, -8, 13, 0, -13, 8, -1),
    4: (-1, 12, -39, 56, -39, 12, -1),
    6: (1, -6, 15, -20, 15, -6, 1),
}
DIVISOR = {1: 60, 2: 180, 3: 8, 4: 6, 6: 1}
SMALLEST_NORMAL = sys.float_info.min


class UnresolvedError(ArithmeticError):
    """The two computations of a derivative do not agree."""


def scale(problem: Problem, x: float) -> float:
    """The unit of the steps: x itself, at zero the smallest of the other points."""
    return abs(x) or min(abs(p) for p in problem.points if p)


def differences(problem: Problem, x: float, digits: int, dps: int) -> dict[int, tuple[Any, Any]]:
    """Derivatives by central differences with this relative step, 10**-digits, and their noise."""
    with mpmath.workdps(dps):
        h = mpmath.mpf(scale(problem, x)) * mpmath.mpf(10) ** -digits
        centre = mpmath.mpf(x)
        values = [
            mpmath.mpmathify(problem.reference(mpmath.mp, centre + j * h)) for j in range(-3, 4)
        ]
        if any(not mpmath.isfinite(v) or mpmath.im(v) != 0 for v in values):
            raise UnresolvedError("the reference is not real and finite around the point")
        result = {}
        for n in ORDERS:
            terms = [c * mpmath.re(v) for c, v in zip(STENCIL[n], values, strict=True)]
            divisor = DIVISOR[n] * h**n
            noise = (
                mpmath.fsum(terms, absolute=True) * mpmath.mpf(10) ** (20 + digits - dps) / divisor
            )
            result[n] = mpmath.fsum(terms) / divisor, noise
        return result


def contour(
    problem: Problem, x: float, radius: float, count: int, dps: int
) -> dict[int, tuple[Any, Any]]:
    """Derivatives by Cauchy's formula on a circle of this relative radius, and their noise."""
    with mpmath.workdps(dps):
        r = mpmath.mpf(scale(problem, x)) * radius
        roots = [mpmath.expjpi(mpmath.mpf(2 * j) / count) for j in range(count)]
        values = [
            mpmath.mpmathify(problem.reference(mpmath.mp, mpmath.mpf(x) + r * z)) for z in roots
        ]
        result = {}
        for n in ORDERS:
            factor = mpmath.factorial(n) / (count * r**n)
            total = mpmath.fsum(v / roots[j * n % count] for j, v in enumerate(values))
            noise = mpmath.fsum(values, absolute=True) * mpmath.mpf(10) ** (15 - dps) * factor
            result[n] = mpmath.re(total) * factor, noise
        return result


def derivatives(problem: Problem, x: float) -> dict[int, Any]:
    """Derivatives at x as mpf, verified by a second step and precision."""
    found: dict[int, Any] = {}
    levels = (2600,) if scale(problem, x) < 1e-40 else (400, 800)
    if "analytic" in problem.tags:
        levels = (100,)
    for dps in levels:
        if "analytic" in problem.tags:
            first, second = (
                contour(problem, x, 1e-4, 24, dps),
                contour(problem, x, 3e-5, 32, dps + 30),
            )
        else:
            first, second = differences(problem, x, 40, dps), differences(problem, x, 43, dps + 37)
        for n in ORDERS:
            if n in found:
                continue
            (a, _), (b, noise) = first[n], second[n]
            if abs(b) > noise and abs(a - b) <= abs(b) * mpmath.mpf(10) ** -20:
                found[n] = b
            elif dps == levels[-1]:
                if abs(b) > max(noise, abs(a) / 1000):
                    raise UnresolvedError(f"order {n}: {mpmath.nstr(a)} and {mpmath.nstr(b)}")
                found[n] = mpmath.mpf(0)
        if len(found) == len(ORDERS):
            break
    return found


def to_hex(value: Any) -> str | None:
    """The nearest double as hex, None outside the range of the normal numbers."""
    nearest = float(value)
    if math.isinf(nearest) or (value != 0 and abs(nearest) < SMALLEST_NORMAL):
        return None
    return nearest.hex()


def check_value(problem: Problem, x: float, slope: Any) -> str | None:
    """A complaint when f and its reference differ by more than rounding can explain."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = problem.f(np.float64(x))
    if type(result) not in (float, np.float64):
        return f"f returns {type(result).__name__}"
    with mpmath.workdps(100 if "analytic" in problem.tags else 400):
        exact = mpmath.re(problem.reference(mpmath.mp, mpmath.mpf(x)))
        error = abs(exact - float(result)) if math.isfinite(result) else mpmath.inf
        allowed = (
            mpmath.mpf(10) ** -6 * abs(exact)
            + mpmath.mpf(10) ** -14 * abs(x * slope)
            + SMALLEST_NORMAL
        )
        if problem.category == "cancelling":
            allowed += mpmath.mpf(10) ** -6
        return (
            None
            if error <= allowed
            else f"f = {result!r} but the reference is {mpmath.nstr(exact, 20)}"
        )


def rows(index: int) -> tuple[str, list[dict[str, Any]], list[str]]:
    """The rows of one problem and the complaints about it."""
    problem = PROBLEMS[index]
    result, complaints = [], []
    for x in problem.points:
        try:
            d = derivatives(problem, x)
            complaint = check_value(problem, x, d[1])
        except (ArithmeticError, TypeError, ValueError) as error:
            complaint = f"{type(error).__name__}: {error}"
        else:
            result.append({"x": float(x).hex(), "d": {str(n): to_hex(d[n]) for n in ORDERS}})
        if complaint:
            complaints.append(f"{problem.name} at {x!r}: {complaint}")
    return problem.name, result, complaints


def main(names: list[str]) -> int:
    """Compute, report failures, and write what was found."""
    path = Path(__file__).with_name("truth.json")
    chosen = [i for i, p in enumerate(PROBLEMS) if not names or p.name in names]
    table = json.loads(path.read_text(encoding="ascii")) if names and path.exists() else {}
    failures = 0
    with multiprocessing.get_context("fork").Pool() as pool:
        for name, result, complaints in pool.imap_unordered(rows, chosen):
            table[name] = result
            failures += len(complaints)
            for line in complaints:
                sys.stdout.write(f"{line}\n")
    lines = [
        f"{json.dumps(p.name)}: {json.dumps(table[p.name])}" for p in PROBLEMS if p.name in table
    ]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="ascii")
    sys.stdout.write(
        f"{len(chosen)} problems computed, {len(lines)} in the table, {failures} failures\n"
    )
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
