"""One check, whatever the kind of derivative: ask, measure and judge at each point."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from numdiff.evaluation.call import Call, Form, evaluate, origin
from numdiff.operators import Settings
from numdiff.options import Box, read
from numdiff.verify import algebra
from numdiff.verify.judge import Judged, Numerical, Sizes, judge, numerical_of
from numdiff.verify.report import DISAGREE, INCONCLUSIVE
from numdiff.verify.second_look import second_look
from numdiff.verify.sources import Reading, Subject, read_matrix, rounding_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from numdiff.estimate import Estimate

    Floats = NDArray[np.float64]

__all__ = [
    "Case",
    "Choices",
    "Place",
    "Plan",
    "Task",
    "beside",
    "examine",
    "places",
    "plan_of",
    "read_at",
]

Function = Callable[..., Any]


# How far from x f is asked what effect inputs have, of their size.
NEAR = 0.1
TRIES = 16  # halvings of the way to a further point, until it lies in f's domain
OPERATIONS = 4.0  # roundings that a value has at least gone through
DEFINITE = 4.0  # roundings of entries by which a Hessian may lack symmetry


class Choices(Settings, total=False):
    """The options of all checks; `gradient` tells what they mean."""

    names: Sequence[str] | None
    n_points: int
    radius: float
    rng: Any


class Plan(NamedTuple):
    """The options of a check, read; `settings` are those for the operators."""

    rtol: float
    names: Sequence[str] | None
    n_points: int
    radius: float
    rng: Any
    settings: Settings
    told: dict[str, Any]


class Task(NamedTuple):
    """A derivative that is to be checked.

    Attributes
    ----------
    kind : str
        Name of the check.
    subject : Subject
        The point.
    call : Call
        The function that is asked at x for the shape of its output.
    rows : callable
        Maps that shape to the first axes of the derivative.
    derivative : callable
        Maps the first axes to the function ``(x, *args)`` that gives the derivative.
    measure : callable
        ``measure(x)`` gives the numerical derivative.
    compared : tuple
        The derivative, and what it should be the derivative of.
    shown : tuple
        Pairs of a keyword, or nothing, and an argument: how the check was called.
    fixed : bool
        Whether the derivative is an array, known at x alone.
    product : callable or None
        The product ``(x, v, *args)`` that the derivative is made of.
    from_left : bool
        Whether that is a product from the left.
    """

    kind: str
    subject: Subject
    call: Call
    rows: Callable[[tuple[int, ...]], tuple[int, ...]]
    derivative: Callable[[tuple[int, ...]], Function]
    measure: Callable[[Floats], Estimate]
    compared: tuple[Any, Any]
    shown: tuple[tuple[str, Any], ...]
    fixed: bool = False
    product: Function | None = None
    from_left: bool = False

    def is_curved(self, matrix: NDArray[Any]) -> bool:
        """Say whether the derivative is the Hessian of one number."""
        return self.kind in {"hessian", "hvp"} and matrix.shape[0] == matrix.shape[1]


class Place(NamedTuple):
    """A point and f there, in columns."""

    x: Floats
    f0: Floats
    form: Form
    box: Box | None
    nfev: int


class Case(NamedTuple):
    """All that is known at one point."""

    place: Place
    outputs: tuple[int, ...]
    reading: Reading
    analytic: NDArray[Any]
    rounding: Floats
    numerical: Numerical
    judged: Judged
    identities: tuple[algebra.Identity, ...]
    sizes: Sizes
    nfev: int
    notes: tuple[str, ...]


def plan_of(choices: Choices) -> Plan:
    """Read the options of a check.

    Raises
    ------
    ValueError
        If one is not allowed.
    """
    told = dict(choices)
    rest: Any = {k: v for k, v in told.items() if k not in {"names", "n_points", "radius", "rng"}}
    rtol = float(rest.pop("rtol", 1e-4))
    if not 0.0 < rtol < 1.0:
        raise ValueError(f"`rtol` must lie between 0 and 1, got {rtol!r}")
    n_points, radius = choices.get("n_points", 1), float(choices.get("radius", 0.1))
    if n_points < 1 or not radius > 0.0:
        raise ValueError(
            f"`n_points` must be at least 1 and `radius` positive, got {n_points} and {radius}"
        )
    names, rng = choices.get("names"), choices.get("rng", 0)
    return Plan(rtol, names, int(n_points), radius, rng, rest, told)


# Points


def places(task: Task, plan: Plan, random: np.random.Generator) -> Iterator[Place]:
    """Yield x, and random points around it where f is defined."""
    x = task.subject.x
    centre = origin(task.call, x.ravel())
    box = read(task.call.f, x, bounds=plan.settings.get("bounds")).box
    yield Place(x, centre.rows[0], centre.form, box, 1)
    for _ in range(plan.n_points - 1):
        for tried, point in enumerate(beside(x, plan.radius, box, random)):
            row = evaluate(task.call, point.reshape(1, -1).copy(), centre.form).rows[0]
            if np.isfinite(row).all():
                yield Place(point, row, centre.form, box, tried + 1)
                break


def beside(
    x: Floats, radius: float, box: Box | None, random: np.random.Generator
) -> Iterator[Floats]:
    """Yield a random point around x, within bounds, and points on the way back to x."""
    flat = x.ravel()
    room = radius * _sizes(flat)
    low, high = (-room, room)
    if box is not None:
        low, high = np.maximum(low, box.lower - flat), np.minimum(high, box.upper - flat)
    way = random.uniform(low, high)
    for shrunk in 0.5 ** np.arange(TRIES):
        yield (flat + shrunk * way).reshape(x.shape)


def _sizes(x: Floats, steps: Floats | None = None) -> Floats:
    """Return the size of each input: where one is zero, that of the others.

    But then no more than one, or the step by which f was followed there, if that is larger.
    """
    size = np.abs(x)
    typical = float(np.median(size[size > 0.0])) if size.any() else 1.0
    followed = np.zeros(size.shape) if steps is None else np.nan_to_num(steps, posinf=0.0)
    return np.where(size > 0.0, size, np.minimum(typical, np.fmax(1.0, followed)))


def _values(task: Task, place: Place, points: Floats) -> tuple[Floats, int]:
    """Return f at points (P, n), nan outside of its bounds, and what that has cost."""
    rows = np.full((len(points), place.f0.size), np.nan)
    box = place.box
    moved = points if box is None else np.clip(points, box.lower, box.upper)
    inside = (moved == points).all(axis=1)
    if inside.any():
        rows[inside] = evaluate(task.call, points[inside], place.form).rows
    return rows, int(inside.sum())


# The derivative that was given


def read_at(task: Task, place: Place) -> Reading:
    """Ask for the derivative at a place."""
    __tracebackhide__ = True
    return _asked(task, task.rows(place.form.shape), place.x)


def _asked(task: Task, outputs: tuple[int, ...], x: Floats) -> Reading:
    __tracebackhide__ = True
    try:
        value = task.derivative(outputs)(x.copy(), *task.call.args)
    except Exception as exception:
        shown = np.array2string(x, threshold=12, precision=17)
        exception.add_note(f"numdiff: the derivative raised this at {shown}")
        raise
    return read_matrix(value, outputs, x.shape)


def _rounding(task: Task, place: Place, reading: Reading, random: np.random.Generator) -> Floats:
    """Return how exact the derivative can be: roundings of its numbers, and of x inside it."""
    matrix = reading.matrix
    assert matrix is not None
    least = OPERATIONS * reading.precision * np.abs(matrix)
    if task.fixed:
        return np.asarray(least)
    outputs = task.rows(place.form.shape)

    def ask(x: Floats) -> Any:
        found = _asked(task, outputs, x).matrix
        return np.full_like(matrix, np.nan) if found is None else found

    with np.errstate(all="ignore"):
        jumps = rounding_of(ask, place.x, matrix, reading.precision, random)
        return np.asarray(np.fmax(least, jumps))


def _identities(
    task: Task, place: Place, reading: Reading, rounding: Floats, random: np.random.Generator
) -> Iterator[algebra.Identity]:
    """Yield what algebra says of the derivative that was given."""
    matrix, x = reading.matrix, place.x
    assert matrix is not None
    if not np.isfinite(matrix).all() or not matrix.size:
        return
    if task.product is not None:
        vector = task.rows(place.form.shape) if task.from_left else x.shape
        apply = partial(_apply, task.product, x, vector, task.call.args)
        yield algebra.linearity(apply, matrix.T if task.from_left else matrix, random)
    if task.is_curved(matrix):
        yield algebra.symmetry(matrix, DEFINITE * rounding)
    if reading.backward is not None:
        try:
            yield algebra.adjoint(lambda v: matrix @ v, reading.backward, matrix.shape[1], random)
        except NotImplementedError:  # the operator has no product from the left
            return


def _apply(
    product: Function, x: Floats, shape: tuple[int, ...], args: tuple[Any, ...], v: Floats
) -> Any:
    return np.asarray(product(x.copy(), v.reshape(shape), *args))


# One point


def examine(
    task: Task, plan: Plan, place: Place, reading: Reading, random: np.random.Generator
) -> Case:
    """Measure the derivative at a place and judge the one that was given."""
    matrix = reading.matrix
    assert matrix is not None
    m = len(matrix)
    rounding = _rounding(task, place, reading, random)
    estimate = task.measure(place.x)
    numerical = numerical_of(estimate, *matrix.shape)
    inputs = _sizes(place.x.ravel(), np.max(numerical.step, axis=0, initial=0.0))
    weights = inputs if task.is_curved(matrix) else None
    sizes = Sizes(inputs, np.zeros(m), weights, np.zeros(m, bool))
    judged, more = judge(matrix, rounding, numerical, sizes, plan.rtol), 0
    wide = (judged.verdict == INCONCLUSIVE) & np.isfinite(judged.doubt)
    if wide.any() and place.f0.size in {1, m}:
        sizes, more = _effects(task, place, sizes, random)
        judged = judge(matrix, rounding, numerical, sizes, plan.rtol)
    case = Case(
        place, task.rows(place.form.shape), reading, matrix, rounding, numerical, judged,
        tuple(_identities(task, place, reading, rounding, random)), sizes,
        place.nfev + int(estimate.nfev) + more, estimate.notes,
    )  # fmt: skip
    return _once_more(task, case, random) if place.form.size == m else case


def _effects(
    task: Task, place: Place, sizes: Sizes, random: np.random.Generator
) -> tuple[Sizes, int]:
    """Look how much f changes with all inputs: rows of zeros do not show it."""
    x, m = place.x.ravel(), len(sizes.rows)
    ways = np.stack([algebra.weights(random, x.size) for _ in range(2)]) * sizes.inputs
    values, nfev = _values(task, place, x + NEAR * ways)
    with np.errstate(all="ignore"):
        change = np.abs(values - place.f0).max(axis=0) / NEAR
    rows = np.broadcast_to(np.nan_to_num(change, nan=0.0, posinf=0.0), m)
    if task.rows(place.form.shape) != place.form.shape:  # rows are derivatives of f already
        rows = rows / sizes.inputs
    return sizes._replace(rows=rows, still=np.broadcast_to(change == 0.0, m)), nfev


def _once_more(task: Task, case: Case, random: np.random.Generator) -> Case:
    """Ask f along one direction more, before a derivative is blamed."""
    wrong = case.judged.verdict == DISAGREE
    if not wrong.any() or case.place.form.is_complex or not np.isfinite(case.analytic).all():
        return case
    doubtful, notes, nfev = second_look(
        partial(_values, task, case.place),
        case.place.x.ravel(),
        algebra.weights(random, case.sizes.inputs.size),
        case.sizes.inputs,
        case.judged,
        case.numerical,
    )
    verdict = np.where(doubtful & wrong, INCONCLUSIVE, case.judged.verdict)
    judged = case.judged._replace(verdict=verdict)
    return case._replace(judged=judged, nfev=case.nfev + nfev, notes=(*case.notes, *notes))
