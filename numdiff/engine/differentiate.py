"""The one place that chooses the way of a derivative, and that asks for f(x) and counts it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType

from numdiff.arrays import Floats
from numdiff.constants import DOMAIN
from numdiff.drivers.derivatives import Derivatives, Problem, stacked, still
from numdiff.engine.by_ladder import by_ladder, expect_first
from numdiff.engine.single import by_rule, by_single_step
from numdiff.evaluation.call import Call, origin
from numdiff.geometry.directions import Directions, axes
from numdiff.options import Options

Way = Callable[[Problem, Directions, int, Options], Derivatives]


def pose(call: Call, x: Floats, options: Options, order: int = 0) -> Problem:
    """Put a problem together, with f(x), unless a single step of this order has no use for it."""
    apart = call.scalar and x.size > 1
    if order and options.way == "single" and options.method.level(order).centre == 0.0:
        return Problem(call, x, budget=options.max_nfev, apart=apart)
    values = origin(call, x)
    f0 = values.rows if len(values.rows) > 1 else values.rows[0]
    noise = None if options.noise is None else options.noise_of(values.form)
    budget = options.max_nfev - values.nfev
    problem = Problem(
        call, x, values.form, f0, options.rtol, budget, noise, nfev=values.nfev, apart=apart
    )
    if options.accuracy == 0.0 or options.way == "single":
        return problem
    from numdiff.drivers.inexact import inexact  # noqa: PLC0415 - loads when needed

    return inexact(problem, options.accuracy, options.box)


def differentiate(
    call: Call, x: Floats, directions: Directions, order: int, options: Options
) -> Derivatives:
    """Differentiate along directions by the method that was asked for, f(x) counted."""
    if not len(directions):
        problem = pose(call, x, options)
        return counted(problem, still(problem, 0))
    if options.max_nfev < math.inf and options.way in {"ladder", "single"}:
        from numdiff.engine.budget import sparing, told  # noqa: PLC0415 - loads when needed

        chosen, some = sparing(options, len(directions), order)
        if chosen is not options or some < len(directions):
            chosen = chosen._replace(max_nfev=math.inf)
            first = directions.part(slice(0, some)) if some else axes(0)
            found = differentiate(call, x, first, order, chosen)
            return told(found, len(directions), asked=options.way == "single")
    if call.evaluator is not None and options.way == "ladder":
        expect_first(call, x, directions, order, options)
    problem = pose(call, x, options, order)
    return counted(problem, WAYS[options.way](problem, directions, order, options))


def at_points(call: Call, x: Floats, order: int, options: Options) -> Derivatives:
    """Differentiate an f of one number at each of N points on its own, f(x) counted.

    All points advance together, and the answer of each is the one that it has alone.

    Raises
    ------
    Exception
        What f raised beside the points, if that left nothing at any of them.
    """
    together = options.way in {"ladder", "single"} and options.accuracy == 0.0
    if x.size > 1 and together and options.max_nfev == math.inf:
        problem = pose(call, x, options, order)
        return counted(problem, WAYS[options.way](problem, axes(x.size), order, options))
    parts: list[Derivatives] = []
    for k in range(x.size):
        own = options.at(k, x.size - k, sum(part.nfev for part in parts))
        parts.append(differentiate(call, x[k : k + 1], axes(1), order, own))
    return stacked(parts)


def counted(problem: Problem, *parts: Derivatives) -> Derivatives:
    """Return the last of some derivatives with the evaluations of all, and of f(x).

    Raises
    ------
    Exception
        What f raised beside x, if that left nothing at all.
    """
    if len(parts) == 1 and problem.nfev == 0 and parts[0].trouble is None:
        return parts[0]
    trouble, nfev = None, problem.nfev
    for part in parts:
        trouble, nfev = trouble or part.trouble, nfev + part.nfev
    if trouble is not None and (parts[0].status == DOMAIN).all():
        trouble.add_note("numdiff: f raised this, or returned no number, at every point beside x")
        raise trouble
    last = parts[-1]
    return Derivatives(*last[:5], nfev, last.form, trouble, last.left, last.right)


def _by_complex_step(
    problem: Problem, directions: Directions, order: int, options: Options
) -> Derivatives:
    from numdiff.engine.complex_step import complex_step  # noqa: PLC0415 - loads when needed

    return complex_step(problem, directions, order, options)


WAYS: Mapping[str, Way] = MappingProxyType(
    {"ladder": by_ladder, "single": by_single_step, "complex": _by_complex_step, "rule": by_rule}
)
