"""One check, whatever the kind of derivative: ask, measure and judge at each point."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

import numpy as np

from numdiff.estimate import Estimate
from numdiff.evaluation.call import Form, evaluate, origin
from numdiff.geometry.domain import Box
from numdiff.verify.arrays import Floats, Random, Shape
from numdiff.verify.identities import Identity, adjoint, linearity, symmetry, weights
from numdiff.verify.kinds import Posed, measure
from numdiff.verify.reading import Reading, is_function
from numdiff.verify.report import AGREE, DISAGREE, INCONCLUSIVE
from numdiff.verify.rounding import rounding_of
from numdiff.verify.rule import Judged, Numerical, Sizes, size_of
from numdiff.verify.second_look import second_look

NEAR = 0.1  # of the size of inputs: so far from x f is asked what effect they have
TRIES = 16  # halvings of the way to a further point, until it lies in f's domain
# Of the size of an input: a first step over which bends of f a hundredth away are not felt, and
# rounding leaves eleven digits of a derivative. Not where users chose the way themselves.
NEARER = 2.0**-13
OWN_WAY = frozenset({"method", "step", "noise", "accuracy", "max_nfev"})
DEFINITE = 4.0  # roundings of entries by which a Hessian may lack symmetry


class Place(NamedTuple):
    """A point, f there in columns, and the first axes of the derivative."""

    x: Floats
    f0: Floats
    form: Form
    outputs: Shape
    nfev: int


class Case(NamedTuple):
    """All that is known at one point."""

    place: Place
    reading: Reading
    rounding: Floats
    numerical: Numerical
    judged: Judged
    identities: tuple[Identity, ...]
    sizes: Sizes
    nfev: int
    notes: tuple[str, ...]


# Points


def places(posed: Posed, random: Random) -> Iterator[Place]:
    """Yield x, and random points around it where f is defined."""
    __tracebackhide__ = True
    x, plan = posed.subject.x, posed.plan
    centre = origin(posed.call, x.ravel())
    form = centre.form
    if not posed.kind.axes and np.prod(form.shape) != 1:
        raise ValueError(
            f"f must have one output here, got shape {form.shape}: use `verify.jacobian`"
        )
    outputs = form.shape * ("f" in posed.kind.axes) + x.shape * ("x" in posed.kind.axes)
    yield Place(x, centre.rows[0], form, outputs, 1)
    for _ in range(plan.n_points - 1):
        for count, point in enumerate(beside(x, plan.radius, posed.box, random), 1):
            row = evaluate(posed.call, point.reshape(1, -1).copy(), form).rows[0]
            if np.isfinite(row).all():
                yield Place(point, row, form, outputs, count)
                break


def beside(x: Floats, radius: float, box: Box | None, random: Random) -> Iterator[Floats]:
    """Yield a random point around x, within bounds, and points on the way back to x."""
    flat = x.ravel()
    room = radius * size_of(flat)
    low, high = -room, room
    if box is not None:
        low, high = np.maximum(low, box.lower - flat), np.minimum(high, box.upper - flat)
    way = random.uniform(low, high)
    for part in 0.5 ** np.arange(TRIES):
        yield (flat + part * way).reshape(x.shape)


# The derivative that was given


def _identities(
    posed: Posed, place: Place, reading: Reading, rounding: Floats, random: Random
) -> Iterator[Identity]:
    """Yield what algebra says of the derivative that was given."""
    matrix, x, product = reading.matrix, place.x, posed.kind.product
    if not np.isfinite(matrix).all() or not matrix.size:
        return
    if product:
        derivative, left = posed.derivative, product == "left"
        shape = place.outputs if left else x.shape
        apply = lambda v: np.asarray(derivative(x, v.reshape(shape)))  # noqa: E731
        yield linearity(apply, matrix.T if left else matrix, random)
    if posed.kind.curved and matrix.shape[0] == matrix.shape[1]:
        yield symmetry(matrix, DEFINITE * rounding)
    if reading.backward is not None:
        try:
            yield adjoint(lambda v: matrix @ v, reading.backward, matrix.shape[1], random)
        except NotImplementedError:  # the operator has no product from the left
            return


# One point


def numerical_of(estimate: Estimate, shape: Shape) -> Numerical:
    """Return an estimate as matrices."""
    return Numerical(*(np.reshape(getattr(estimate, name), shape) for name in Numerical._fields))


def examine(posed: Posed, place: Place, reading: Reading, random: Random) -> Case:
    """Measure the derivative at a place and judge the one that was given."""
    matrix = reading.matrix
    again = partial(posed.reading_at, outputs=place.outputs)
    ask = again if is_function(posed.handed) else None
    rounding = rounding_of(ask, place.x, matrix, reading.precision, random)
    estimate = measure(posed, place.x, reading.stored)
    numerical = numerical_of(estimate, matrix.shape)
    m, n = matrix.shape
    followed = np.nan_to_num(np.max(numerical.step, axis=0, initial=0.0), posinf=0.0)
    inputs = size_of(place.x.ravel(), np.fmax(1.0, followed))
    alike = posed.kind.curved and m == n
    sizes = Sizes(inputs, np.zeros(m), inputs if alike else None, np.zeros(m, bool))
    judged, more = posed.judge(matrix, rounding, numerical, sizes), 0
    wide = (judged.verdict == INCONCLUSIVE) & np.isfinite(judged.doubt)
    if wide.any() and place.f0.size in {1, m}:
        sizes, more = _effects(posed, place, sizes, random)
        judged = posed.judge(matrix, rounding, numerical, sizes)
    identities = tuple(_identities(posed, place, reading, rounding, random))
    nfev = place.nfev + int(estimate.nfev) + more
    notes = estimate.notes
    case = Case(place, reading, rounding, numerical, judged, identities, sizes, nfev, notes)
    wrong = (judged.verdict == DISAGREE).any() and np.isfinite(matrix).all()
    askable = place.form.size == m and not place.form.is_complex
    if wrong:
        return _once_more(posed, case, random) if askable else case
    return _nearer(posed, case)


def _nearer(posed: Posed, case: Case) -> Case:
    """Ask f over short steps where long ones, across its bends, left bars that are too wide.

    Only agreement is learnt of it: a slope over short steps may be that of a small piece of f.
    Steps over which f stands still prove nothing.
    """
    settings, verdict = posed.plan.settings, case.judged.verdict
    wide = (verdict == INCONCLUSIVE) & np.isfinite(case.numerical.error)
    if posed.kind.curved or not OWN_WAY.isdisjoint(settings) or not wide.any():
        return case
    steps = NEARER * size_of(case.place.x.ravel()).reshape(case.place.x.shape)
    short = settings | {"method": "richardson", "step": steps}
    near = posed._replace(plan=posed.plan._replace(settings=short))
    estimate = measure(near, case.place.x, case.reading.stored)
    numerical = numerical_of(estimate, verdict.shape)
    judged = posed.judge(case.reading.matrix, case.rounding, numerical, case.sizes)
    proven = wide & (judged.verdict == AGREE) & (np.abs(numerical.value) > numerical.error)
    pairs = ((judged, case.judged), (numerical, case.numerical))
    merged = [[np.where(proven, a, b) for a, b in zip(*pair, strict=True)] for pair in pairs]
    return case._replace(
        judged=Judged(*merged[0]), numerical=Numerical(*merged[1]),
        nfev=case.nfev + int(estimate.nfev),
    )  # fmt: skip


def _values(posed: Posed, place: Place, points: Floats) -> tuple[Floats, int]:
    """Return f at points (P, n), nan outside of its bounds, and what that has cost."""
    rows = np.full((len(points), place.f0.size), np.nan)
    box = posed.box
    moved = points if box is None else np.clip(points, box.lower, box.upper)
    inside = (moved == points).all(axis=1)
    if inside.any():
        rows[inside] = evaluate(posed.call, points[inside], place.form).rows
    return rows, int(inside.sum())


def _effects(posed: Posed, place: Place, sizes: Sizes, random: Random) -> tuple[Sizes, int]:
    """Look how much f changes with all inputs: rows of zeros do not show it."""
    x, m = place.x.ravel(), len(sizes.rows)
    ways = np.stack([weights(random, x.size) for _ in range(2)]) * sizes.inputs
    values, nfev = _values(posed, place, x + NEAR * ways)
    with np.errstate(all="ignore"):
        change = np.abs(values - place.f0).max(axis=0) / NEAR
    rows = np.broadcast_to(np.nan_to_num(change, nan=0.0, posinf=0.0), m)
    if place.outputs != place.form.shape:  # rows are derivatives of f already
        rows = rows / sizes.inputs
    return sizes._replace(rows=rows, still=np.broadcast_to(change == 0.0, m)), nfev


def _once_more(posed: Posed, case: Case, random: Random) -> Case:
    """Ask f along one direction more, before a derivative is blamed."""
    doubtful, notes, nfev = second_look(
        lambda points: _values(posed, case.place, points), case.place.x.ravel(),
        weights(random, case.sizes.inputs.size), case.sizes.inputs, case.judged, case.numerical,
    )  # fmt: skip
    doubtful &= case.judged.verdict == DISAGREE
    verdict = np.where(doubtful, INCONCLUSIVE, case.judged.verdict)
    # the notes say why: nothing is known there
    doubt = np.where(doubtful, np.inf, case.judged.doubt)
    judged = case.judged._replace(verdict=verdict, doubt=doubt)
    return case._replace(judged=judged, nfev=case.nfev + nfev, notes=(*case.notes, *notes))
