"""The only caller of f: points in, values out, and what went wrong on the way.

Values travel as a float matrix of one row per point and one column per output; complex outputs take
two columns each, real parts first. A point outside the domain of f is a row of nan.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from functools import partial
from sys import getrefcount
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, cast
from weakref import getweakrefcount

import numpy as np

from numdiff.arrays import Array, Floats, Ints, Mask
from numdiff.evaluation.attempts import IMMUTABLE, Raised, numbers, undefined
from numdiff.evaluation.dispatchers import POINT, SCALAR, Compiled, found
from numdiff.evaluation.machine_code import sweep
from numdiff.evaluation.moved import Moved
from numdiff.evaluation.threads import spread
from numdiff.ladder.runtime import compiled, runner

if TYPE_CHECKING:
    from numdiff.evaluation.evaluator import Evaluator


class Form(NamedTuple):
    """The shape of what f returns, and whether it is complex."""

    shape: tuple[int, ...]
    is_complex: bool

    @property
    def size(self) -> int:
        """How many columns the outputs take."""
        return math.prod(self.shape) * (2 if self.is_complex else 1)

    def unpack(self, columns: Array) -> Array:
        """Turn (..., size) back into outputs (..., m), complex where f is."""
        if not self.is_complex:
            return columns
        half = columns.shape[-1] // 2
        return np.asarray(columns[..., :half] + 1j * columns[..., half:])


LONG = 2**14  # numbers of a row from which on there is more to copying than calls of NumPy
DOUBLE = np.dtype(np.float64)
REAL = Form((), is_complex=False)
NOTHING: Mapping[str, Any] = MappingProxyType({})
UNKNOWN = Form((), is_complex=False)  # until f was asked: told by its identity
NOBODY = nullcontext()  # costs less than an `__enter__` of ours that has nothing to do


def _own_references() -> int:
    """Return how many references an array has that only a name knows: that depends on Python."""
    value = np.empty(0)
    return getrefcount(value)


OURS = _own_references()


def no_point(row: int) -> bool:  # noqa: ARG001
    """Spare none of the points: an answer needs them all."""
    return False


def every_point(row: int) -> bool:  # noqa: ARG001
    """Spare any of the points: there is an answer without them."""
    return True


class Call(NamedTuple):
    """How f is to be called.

    Parameters
    ----------
    f : callable
        The user's function, of its first argument alone: `bound` sees to further ones.
    shape : tuple of int
        Shape of x; with `scalar`, f gets NumPy scalars.
    vectorized : bool
        Whether f takes ``shape + (N,)`` and returns ``form.shape + (N,)``.
    scalar : bool
        Whether f takes one number.
    dispatcher : bool
        Whether f is a Numba dispatcher, or writes to its second argument as one.
    workers : int
        How many threads may call machine code at once.
    evaluator : Evaluator or None
        Who asks for f point by point where that is not done here. Whoever asks does so ``with
        call.evaluator or NOBODY``, which lets go of workers, journal and progress bar.
    outputs : array of int or None
        Which columns of its values `evaluate` hands on, where most of them are not looked at.
    spared : callable
        Whether the point of a row is a probe that an answer can do without: any exception there is
        like an edge of the domain.
    """

    f: Callable[..., Any]
    shape: tuple[int, ...]
    vectorized: bool = False
    scalar: bool = False
    dispatcher: bool = False
    workers: int = 1
    evaluator: Evaluator | None = None
    outputs: Ints | None = None
    spared: Callable[[int], bool] = no_point

    @property
    def simple(self) -> bool:
        """Whether f is a Python function of an array that is called here, point by point."""
        return not (self.vectorized or self.scalar or self.dispatcher or self.evaluator)

    @property
    def plain(self) -> Callable[..., Any]:
        """The function as it was handed over, which nobody watches."""
        return self.f if self.evaluator is None else self.evaluator.f.f

    @property
    def ahead(self) -> int:
        """How many points it is worth to expect: as many as workers can look at."""
        return 0 if self.evaluator is None else self.evaluator.mapper.ahead

    def expect(self, points: Floats) -> None:
        """Name points that may be asked for soon, the most likely first: workers may look there."""
        assert self.evaluator is not None
        self.evaluator.expected = [*_arguments(self, points)]

    def rows(self, places: Ints) -> Call:
        """Return the call for some of the points, whose rows were `places`."""
        if self.spared in {no_point, every_point}:
            return self
        return self._replace(spared=lambda row: self.spared(int(places[row])))

    @property
    def compiled(self) -> Compiled | None:
        """The machine code of the function, if there is any that kernels can call."""
        return found(self.f, scalar=self.scalar) if self.dispatcher else None


class Values(NamedTuple):
    """What f returned at N points, its form, and the first exception that made a row nan."""

    rows: Floats
    form: Form
    nfev: int  # N, or more where compiled code raised: then f is asked again to see what
    trouble: Exception | None = None


def bound(
    f: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any] = NOTHING
) -> Callable[..., Any]:
    """Return f without its further arguments."""
    if not (args or kwargs):
        return f
    alone: Any = lambda *first: f(*first, *args, **kwargs)  # noqa: E731 - quicker than a partial
    alone.__wrapped__, alone.around = f, (args, dict(kwargs))
    return cast("Callable[..., Any]", alone)


def of_parts(f: Callable[..., Any], shapes: list[tuple[int, ...]]) -> Callable[..., Any]:
    """Return f of several arguments as a function of one array that holds them all."""
    ends = np.cumsum([math.prod(shape) for shape in shapes])[:-1]

    def whole(flat: Floats, *args: Any, **kwargs: Any) -> Any:
        parts = np.split(flat, ends)
        own = (part.reshape(s)[()] for part, s in zip(parts, shapes, strict=True))
        return f(*own, *args, **kwargs)

    inner: Any = whole
    inner.__wrapped__, inner.around = f, shapes
    return whole


def origin(call: Call, x: Array) -> Values:
    """Ask for f(x) itself, or at all entries of x, where every exception is the caller's."""
    if call.scalar and x.size > 1:
        return _origins(call, x)
    point = x.reshape(1, -1).copy()
    try:
        if call.evaluator is not None:
            value = call.evaluator.one(*_arguments(call, point))
        elif call.vectorized:
            value = _ask_batch(call, point)
        else:
            value = call.f(*_arguments(call, point))
    except Exception as exception:
        exception.add_note(_note_at_x(call, x, exception))
        raise
    batch = call.vectorized and call.evaluator is None
    if type(value) in IMMUTABLE and not batch:
        return Values(np.array([[value]]), REAL, 1)
    own = call.simple and type(value) is np.ndarray and getrefcount(value) <= OURS
    own = own and not getweakrefcount(value) and value.flags.owndata and value.flags.carray
    outputs = points_first(numbers(value), 1, call.shape)[0] if batch else numbers(value)
    form, rows = _form_of(outputs), outputs[None]
    # f may reuse its buffer, unless nobody else knows it
    return Values(pack(rows if own else rows.copy(), form), form, 1)


def origin_of_array(call: Call, x: Array) -> Any:
    """Ask a simple f for f(x) as `origin` does; return a float, or an array of its own."""
    try:
        value = call.f(x.reshape(call.shape).copy())
    except Exception as exception:
        exception.add_note(_note_at_x(call, x, exception))
        raise
    return value if type(value) in IMMUTABLE else numbers(value).copy()  # f may reuse its buffer


def _origins(call: Call, x: Array) -> Values:
    if call.vectorized and call.evaluator is None:
        outputs = _origins_at_once(call, x)
        form = Form(outputs.shape[1:], np.iscomplexobj(outputs))
        return Values(pack(outputs, form), form, len(x))
    code = call.compiled if call.evaluator is None and runner(0) is compiled else None
    if code is not None:
        found, raised = _ask_natively(call, code, x.reshape(-1, 1).copy(), 1)
        if not raised.any():
            return Values(found, REAL, len(x))
    return _origins_one_by_one(call, x)  # Python tells what is raised, and where


def _origins_one_by_one(call: Call, x: Array) -> Values:
    rows: list[Any] = []
    try:
        for value in _asked_at(call, x):
            rows.append(value if type(value) in IMMUTABLE else numbers(value).copy())  # noqa: PERF401
    except Exception as exception:
        exception.add_note(_note_at_x(call, x[len(rows) : len(rows) + 1], exception))
        raise
    forms = {_form_of(row) for row in rows}
    shapes = {form.shape for form in forms}
    if len(shapes) > 1:
        raise ValueError(f"f must return the same shape at every point of x, got {sorted(shapes)}")
    form = Form(shapes.pop(), any(form.is_complex for form in forms))
    return Values(_stack(rows, form), form, len(x))


def _asked_at(call: Call, x: Array) -> Iterator[Any]:
    """Yield what f returns at one point after the other, and raise what it raises."""
    points = _arguments(call, x.reshape(-1, 1).copy())
    if call.evaluator is None:
        yield from map(call.f, points)
        return
    for outcome in call.evaluator.ask(points, None):
        if isinstance(outcome, Raised):
            raise outcome.exception
        yield outcome


def _origins_at_once(call: Call, x: Array) -> Array:
    """Ask for f at all points at once; where that raises, for halves of them, to find the point."""
    try:
        return points_first(numbers(_ask_batch(call, x.reshape(-1, 1))), len(x), call.shape)
    except Exception as exception:
        if len(x) == 1:
            exception.add_note(_note_at_x(call, x, exception))
            raise
    middle = (len(x) + 1) // 2
    return np.concatenate(
        [_origins_at_once(call, half).copy() for half in (x[:middle], x[middle:])]
    )


def evaluate(call: Call, points: Any, form: Form | None) -> Values:
    """Ask for f at the rows of a fresh block of points, which f may keep or change.

    A `simple` f may be asked at `Moved` points instead.

    `nfev` counts what workers have looked at ahead as well, when it is handed out.
    """
    with np.errstate(all="ignore"):
        if call.evaluator is not None:
            values = _by_evaluator(call, points, form or UNKNOWN)
        else:
            values = (_batch if call.vectorized else _pointwise)(call, points, form or UNKNOWN)
    if call.outputs is None:
        return values
    return values._replace(rows=values.rows.take(call.outputs, axis=1))


def pack(outputs: Array, form: Form) -> Floats:
    """Turn outputs (N, ...) into float columns (N, size)."""
    flat = outputs.reshape(len(outputs), math.prod(form.shape))
    if form.is_complex:
        flat = np.concatenate([flat.real, flat.imag], axis=1)
    return np.ascontiguousarray(flat, dtype=np.float64)  # the kernels are compiled for this order


def _pointwise(call: Call, points: Any, form: Form) -> Values:
    code = None
    if call.dispatcher and runner(0) is compiled and points.dtype == np.float64:
        code = call.compiled
    if code is not None and form is UNKNOWN and code.kind in {POINT, SCALAR}:
        form = REAL
    if code is not None and form is not UNKNOWN:
        return _natively(call, code, points, form)
    count = len(points)
    if code is not None and count > 1:  # the first point tells how many numbers f returns
        first = _pointwise(call, points[:1], UNKNOWN)
        if first.trouble is None:
            rest = _natively(call, code, points[1:], first.form)
            rows = np.concatenate([first.rows, rest.rows])
            return rest._replace(rows=rows, nfev=1 + rest.nfev)
        count += 1
    outputs, trouble, plain = ask_each(call, points)
    if plain and (form is REAL or form == REAL):  # or unknown
        rows = np.array(outputs, np.float64)[:, None]  # None is nan
        return Values(rows, REAL, count, trouble)
    return stacked(outputs, form, count, trouble)


def _by_evaluator(call: Call, points: Array, form: Form) -> Values:
    """Let the evaluator of the call ask for f at all points."""
    assert call.evaluator is not None
    note = partial(_note, call, where="a displaced point")
    outcomes = call.evaluator.ask(_arguments(call, points), note, call.spared)
    raised = (outcome.exception for outcome in outcomes if isinstance(outcome, Raised))
    trouble: Any = next(raised, None)
    outputs = [None if isinstance(outcome, Raised) else outcome for outcome in outcomes]
    return stacked(outputs, form, len(points) + call.evaluator.owed(), trouble)


def stacked(outputs: list[Any], form: Form, nfev: int, trouble: Exception | None) -> Values:
    """Return what f said point by point, None outside its domain, as values of this form."""
    if form is UNKNOWN:
        form = _form_of(next((value for value in outputs if value is not None), math.nan))
    return Values(_stack(outputs, form), form, nfev, trouble)


def _natively(call: Call, code: Compiled, points: Floats, form: Form) -> Values:
    """Let compiled code ask for f at all points."""
    rows, raised = _ask_natively(call, code, points, form.size)
    if not raised.any():
        return Values(rows, form, len(points))
    again = points[raised]
    trouble = ask_again(call.rows(np.flatnonzero(raised)), again, form)
    return Values(rows, form, len(points) + len(again), trouble)


def _ask_natively(call: Call, code: Compiled, points: Floats, size: int) -> tuple[Floats, Mask]:
    """Return the numbers, so many a point, that compiled code returns, and where it raised."""
    rows, raised = np.empty((len(points), size)), np.zeros(len(points), np.bool_)
    ask_all: Any = compiled(sweep)

    def work(part: slice) -> None:
        ask_all(code.kind, code.address, points[part], rows[part], raised[part])

    spread(work, len(points), call.workers)
    return rows, raised


def ask_again(call: Call, points: Floats, form: Form) -> Exception | None:
    """Ask for f where compiled code raised, which does not tell what; return the first exception.

    Raises
    ------
    ValueError
        If it was the shape of what f returned.
    Exception
        If it does not mean that f is not defined there.
    """
    rows, trouble, _ = ask_each(call, points)
    _stack(rows, form)
    return trouble


# what f returned point by point, None outside its domain; the first exception there; and whether
# all are floats, or outside
Outputs: TypeAlias = tuple[list[Any], Exception | None, bool]


def ask_each(call: Call, points: Any) -> Outputs:
    """Ask a Python function point by point."""
    f, trouble, plain = call.f, None, True
    rows: list[Any] = []
    waiting = _arguments(call, points)
    while True:
        try:
            for point in waiting:  # goes on behind a point at which f raised
                value = f(point)
                if type(value) is not float and type(value) not in IMMUTABLE:
                    plain = False
                    if type(value) is not np.ndarray or value.dtype is not DOUBLE:
                        value = numbers(value)
                    own = getrefcount(value) <= OURS and not getweakrefcount(value)
                    if not (own and value.flags.owndata and value.flags.carray):
                        value = value.copy()  # f may reuse its buffer
                rows.append(value)
        except Exception as exception:
            if not (undefined(exception) or call.spared(len(rows))):
                exception.add_note(_note(call, point, "a displaced point"))
                raise
            trouble = trouble or exception
            rows.append(None)
            continue
        return rows, trouble, plain


def _taken(rows: list[Any]) -> Floats | None:
    """Do as `alike`, and let go of each row in turn: memory need not hold them twice."""
    shape = rows[0].shape
    if not all(_is_plain(row, shape) for row in rows):
        return None
    matrix = np.empty((len(rows), *shape))
    for k in range(len(rows)):
        matrix[k], rows[k] = rows[k], None
    return matrix


def _is_plain(row: Any, shape: tuple[int, ...]) -> bool:
    return type(row) is np.ndarray and row.dtype is DOUBLE and row.shape == shape


def alike(rows: list[Any]) -> Floats | None:
    """Return rows as one array, if they are floats of one shape."""
    if not rows:
        return None
    if len(rows) == 1 and type(rows[0]) is np.ndarray and rows[0].dtype is DOUBLE:
        return rows[0][None]  # without another copy
    if type(rows[0]) is np.ndarray and rows[0].size >= LONG:
        return _taken(rows)
    try:
        matrix = np.array(rows)
    except ValueError:  # of different shapes, or outside
        return None
    return matrix if matrix.dtype is DOUBLE else None


def _stack(rows: list[Any], form: Form) -> Floats:
    """Put what f returned point by point into a matrix; None, where f raised, becomes nan."""
    plain = None if form.is_complex else alike(rows)
    if plain is not None:
        _require(plain.shape[1:], form)
        return plain.reshape(len(rows), form.size)
    matrix = np.full((len(rows), form.size), np.nan)
    for k, row in enumerate(rows):
        if row is None:
            continue
        outputs = np.asarray(row)
        _require(outputs.shape, form)
        if form.is_complex or not np.iscomplexobj(outputs):  # complex beside real: outside
            matrix[k] = pack(outputs[None], form)[0]
    return matrix


def _batch(call: Call, points: Array, form: Form) -> Values:
    """Ask for all points at once; where that fails, for parts of them."""
    parts = _parts(call, points, range(len(points)))
    usable = [part for part in parts if isinstance(part, np.ndarray)]
    if form is UNKNOWN:
        form = _form_of(usable[0][0] if usable else math.nan)
    if len(usable) == len(parts) == 1:
        return Values(_fitted(usable[0], form), form, len(points))
    trouble = next((part for part in parts if isinstance(part, Exception)), None)
    outside = np.full((1, form.size), np.nan)
    rows = [outside if isinstance(part, Exception) else _fitted(part, form) for part in parts]
    return Values(np.concatenate(rows), form, len(points), trouble)


def _parts(call: Call, points: Array, rows: range) -> list[Array | Exception]:
    """Return outputs (N, ...) in blocks, and an exception for each point that is outside."""
    count = len(points)
    try:
        outputs = numbers(_ask_batch(call, points)).copy()
    except Exception as exception:
        if not (undefined(exception) or any(map(call.spared, rows))):
            exception.add_note(_note(call, points[0], "one of the points that begin with"))
            raise
        if count == 1:
            return [exception]
        half = (count + 1) // 2
        halves = (slice(half), slice(half, count))
        return [part for half in halves for part in _parts(call, points[half], rows[half])]
    return [points_first(outputs, count, call.shape)]


def _fitted(outputs: Array, form: Form) -> Floats:
    _require(outputs.shape[1:], form)
    if form.is_complex or not np.iscomplexobj(outputs):
        return pack(outputs, form)
    rows = pack(outputs.real, form)
    rows[pack(outputs.imag, form).any(axis=1)] = np.nan  # complex beside real: outside
    return rows


def _require(shape: tuple[int, ...], form: Form) -> None:
    if shape != form.shape:
        raise ValueError(
            f"f returned shape {shape} at a displaced point but {form.shape} before: "
            "it must return the same shape everywhere"
        )


def _arguments(call: Call, points: Any) -> Iterator[Any]:
    if type(points) is Moved:
        return points.each(call.shape)
    if call.scalar:
        return iter(points[:, 0])
    return iter(points if len(call.shape) == 1 else points.reshape(len(points), *call.shape))


def _ask_batch(call: Call, points: Array) -> Any:
    block = points.T.copy().reshape(*call.shape, len(points))  # f may change it
    return call.f(block)


def points_first(outputs: Array, count: int, shape: tuple[int, ...]) -> Array:
    """Turn what a vectorized f returned, (..., N), into outputs (N, ...); x is of that shape."""
    if outputs.ndim == 0 or outputs.shape[-1] != count:
        raise ValueError(
            f"a vectorized f must return its outputs with a last axis of length {count}, one per "
            f"point, got shape {outputs.shape}: x came as {(*shape, count)}, points along the last "
            "axis; leave `vectorized` out if f takes one point"
        )
    return outputs if outputs.ndim == 1 else np.moveaxis(outputs, -1, 0)  # which takes its time


def _form_of(value: Any) -> Form:
    outputs = np.asarray(value)
    return Form(outputs.shape, np.iscomplexobj(outputs))


def _note_at_x(call: Call, x: Array, exception: Exception) -> str:
    alone = call.scalar and isinstance(exception, TypeError | IndexError)
    hint = ": one number; for an f of an array use `gradient` or `jacobian`" * alone
    return _note(call, x, "x itself") + hint


def _note(call: Call, point: Any, where: str) -> str:
    shown = np.array2string(np.asarray(point).reshape(call.shape), threshold=12, precision=17)
    return f"numdiff: f raised this at {where}, {shown}"
