"""A function that remembers what it takes to differentiate it, for optimisers and the like."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, Unpack, cast

import numpy as np

from numdiff.arrays import Array, Floats, Mask
from numdiff.assemble import estimate_of, sparse_estimate
from numdiff.constants import KINK, ONE_SIDED
from numdiff.drivers.derivatives import Derivatives, Problem
from numdiff.drivers.inexact import inexact
from numdiff.engine.differentiate import counted
from numdiff.estimate import Estimate, FlaggedError, FlaggedWarning
from numdiff.evaluation.call import Call, Values, origin
from numdiff.naming import Named
from numdiff.operators import asked, hessian_at, hvp_at
from numdiff.options import Options, as_point, as_vector
from numdiff.paths.follow import follow
from numdiff.paths.memory import Memory
from numdiff.signatures import Following, Operating, constructed
from numdiff.sparse_estimate import SparseEstimate

if TYPE_CHECKING:
    from numdiff.coloring.prepared import Coloring
    from numdiff.signatures import Point

KEPT = 8  # values of f: a line search comes back to its best point
EXACT = 1e-6
Key = tuple[tuple[int, ...], tuple[str, ...], bytes]


class _Place(NamedTuple):
    """A point as it was read."""

    point: Floats
    call: Call
    options: Options
    layout: Named | None

    @property
    def key(self) -> Key:
        """What tells the point from others."""
        return self.point.shape, self.options.names, self.point.tobytes()


class _Answer(NamedTuple):
    """What was answered where, and the estimate or what it is made of."""

    kind: str
    key: Key
    found: Derivatives | Estimate
    shape: tuple[int, ...]
    place: _Place | None
    plain: Array | None = None  # until it is known to be of use

    @property
    def estimate(self) -> Estimate:
        """The answer with its bars."""
        if isinstance(self.found, Estimate):
            return self.found
        assert self.place is not None
        return estimate_of(self.found, self.shape, self.place.options)


@constructed(Following, rtol=EXACT, on_flag="raise")
class Differentiable:
    """A function whose derivatives are wanted at many points near each other.

    It remembers steps, noise and curvature from point to point, so that most gradients take two to
    three evaluations for each entry of x, with bars that hold: SciPy's optimisers take it as the
    function, and its methods as derivatives. f(x) is asked once for the value and the derivative.

    Parameters
    ----------
    f : callable
        ``f(x, *args)`` takes a float64 array of x's shape and returns a number, or an array.
    **options
        The options of all, spelled out in the signature.

    Raises
    ------
    TypeError, ValueError
        If f cannot be called or an option is not allowed.

    Notes
    -----
    Along each entry one central difference, at a step that was found before, is corrected by the
    third derivative as it was seen last. Its bar is half of that correction and how much it changed
    when it was last seen, and 3.4 standard deviations of noise. The second difference, which costs
    nothing as f(x) is known, tells where f has changed: there, and for each entry every eighth
    time, a wider pair shows the third derivative anew, or the full answer of `gradient` is taken.
    A difference along a random direction checks all entries together. Beside a bound both points
    of a pair lie on its roomy side.

    Entries whose bounds are equal are 0 in what is returned, as nothing can move them, and nan in
    `estimate`. All methods may be called by several threads at once.

    Examples
    --------
    >>> fun = Differentiable(lambda x: (x[0] - 1.0) ** 2 + (x[1] - x[0] ** 2) ** 2)
    >>> fun([2.0, 3.0])
    np.float64(2.0)
    >>> fun.gradient([2.0, 3.0]).round(8).tolist()
    [10.0, -2.0]
    >>> spent = fun.nfev
    >>> fun.gradient([2.1, 3.1]).round(8).tolist()
    [13.204, -2.62]
    >>> fun.nfev - spent < 11
    True

    With an optimiser:

    >>> from scipy.optimize import minimize
    >>> minimize(fun, [2.0, 3.0], jac=fun.gradient).x.round(5).tolist()
    [1.0, 1.0]
    """

    def __init__(self, f: Callable[..., Any], **options: Unpack[Following]) -> None:
        self._f = f
        self._sparsity: Any = options.pop("sparsity", None)
        self._colorings: dict[str, Coloring] = {}
        given = {"rtol": EXACT, "on_flag": "raise", **options}
        self._options = cast("Operating", given)
        early = cast("Operating", given | {"bounds": None})
        asked(f, 0.0, early)  # says what is wrong before f is needed
        self._nfev = 0
        self._kept: tuple[tuple[Key, Values], ...] = ()
        self._memory: Memory | None = None
        self._answer: _Answer | None = None
        self._warned = False
        self._begin()

    def _begin(self) -> None:
        self._lock = threading.RLock()
        self._place: _Place | None = None

    def __getstate__(self) -> dict[str, Any]:
        with self._lock:
            state = self.__dict__.copy()
        for name in ("_lock", "_place"):
            del state[name]
        if self._answer is not None:
            state["_answer"] = self._answer._replace(found=self.estimate, place=None)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._begin()

    def __call__(self, x: Point) -> Any:
        """Return f(x), as a number or an array of floats.

        Parameters
        ----------
        x : array of float, dict or Series
            The point.
        """
        values, _ = self._value(self._read(x))
        return values.form.unpack(values.rows[0]).reshape(values.form.shape).copy()[()]

    def gradient(self, x: Point) -> Array:
        """Return the gradient of f at x, of x's shape.

        Parameters
        ----------
        x : array of float, dict or Series
            The point.

        Returns
        -------
        array
            `estimate` has the bars.

        Raises
        ------
        ValueError
            If x is not allowed, or f has more than one output.
        FlaggedError
            If an entry is flagged, unless `on_flag` says otherwise.

        Warns
        -----
        FlaggedWarning
            Once, where x lies at a kink: then the mean of the slopes on both sides is returned.
        """
        return self._first("gradient", x)

    def jacobian(self, x: Point) -> Any:
        """Return the derivatives of all outputs of f by all entries of x, ``f.shape + x.shape``.

        With `sparsity` a CSC array, taken as `numdiff.jacobian` does: nothing is remembered for it
        but f(x) and the colouring. As `gradient` otherwise.
        """
        return self._first("jacobian", x) if self._sparsity is None else self._sparse("jacobian", x)

    def value_and_gradient(self, x: Point) -> tuple[Any, Array]:
        """Return f(x) and the gradient, as ``minimize(..., jac=True)`` takes them."""
        return self(x), self.gradient(x)

    def hessian(self, x: Point) -> Any:
        """Return the Hessian of f at x, ``f.shape + x.shape + x.shape``.

        As `numdiff.hessian` takes it, with `rtol`, a CSC array with `sparsity`, then the pattern of
        the Hessian: nothing is remembered for it but f(x) and the colouring.
        """
        if self._sparsity is not None:
            return self._sparse("hessian", x)
        place = self._read(x)
        problem, spent = self._posed(place)
        found = hessian_at(problem._replace(nfev=0), place.point.shape, place.options)
        return self._second("hessian", place, found, spent)

    def hvp(self, x: Point, v: Point) -> Array:
        """Return the Hessian of f at x times v, of x's shape.

        As `numdiff.hvp` takes it, with `rtol`: nothing is remembered for it but f(x).
        """
        place = self._read(x)
        vector = as_vector(v, place.point, "v", place.layout).ravel()
        problem, spent = self._posed(place)
        products = hvp_at(problem._replace(nfev=0), place.point.shape, vector, place.options)
        return self._second("hvp", place, products, spent)

    @property
    def nfev(self) -> int:
        """At how many points f was evaluated so far."""
        return self._nfev

    @property
    def estimate(self) -> Estimate:
        """The last derivative with its error bars.

        Raises
        ------
        AttributeError
            If none was taken yet.
        """
        if self._answer is None:
            raise AttributeError("`estimate` is there once a derivative was taken")
        return self._answer.estimate

    def _read(self, x: Point) -> _Place:
        """Read a point; what does not depend on its numbers is read once for its shape."""
        last = self._place
        if last is not None and type(x) is np.ndarray and x.shape == last.point.shape:
            point, box = as_point(x), last.options.box
            flat = point.ravel()
            if box is None or ((box.lower <= flat) & (flat <= box.upper)).all():
                return last._replace(point=point)
        place = _Place(*asked(self._f, x, self._options))
        self._place = place if place.layout is None else None
        return place

    def _value(self, place: _Place) -> tuple[Values, int]:
        """Return f(x), and how often f was asked for it."""
        key = place.key
        for known, values in self._kept:
            if known == key:
                return values, 0
        values = origin(place.call, place.point.ravel())
        with self._lock:
            self._nfev += 1
            self._kept = ((key, values), *self._kept[: KEPT - 1])
        return values, 1

    def _posed(self, place: _Place) -> tuple[Problem, int]:
        """Return f at a point, with f(x), and how often f was asked for it."""
        values, spent = self._value(place)
        options = place.options
        noise = None if options.noise is None else options.noise_of(values.form)
        x = place.point.ravel()
        problem = Problem(
            place.call, x, values.form, values.rows[0], options.rtol, options.max_nfev, noise
        )
        if options.accuracy:
            problem = inexact(problem, options.accuracy, options.box)
            with self._lock:
                self._nfev += problem.nfev
        return problem, spent + problem.nfev

    def _first(self, kind: str, x: Point) -> Array:
        place = self._read(x)
        last, key = self._answer, place.key
        if last is not None and (last.kind, last.key) == (kind, key) and last.plain is not None:
            return last.plain.copy()
        problem, spent = self._posed(place)
        n, m = problem.x.size, problem.f0.size
        if kind == "gradient" and m != 1 + problem.form.is_complex:
            raise ValueError(
                f"f must have one output here, got shape {problem.form.shape}: use `jacobian`"
            )
        memory = self._memory  # another thread may put another one in its place meanwhile
        if memory is None or memory.status.shape != (n, m):
            memory = Memory.empty(n, m)
        lines, memory = follow(problem, memory, place.options)
        with self._lock:
            self._memory = memory
            self._nfev += lines.nfev
        if (lines.status > ONE_SIDED).any():
            counted(problem, lines)  # raises what f raised if that left nothing
        lines = lines._replace(nfev=lines.nfev + spent)
        shape = (() if kind == "gradient" else problem.form.shape) + place.point.shape
        return self._told(_Answer(kind, key, lines, shape, place))

    def _sparse(self, kind: str, x: Point) -> Any:
        from numdiff.compressed import derivatives as compressed  # noqa: PLC0415 - when needed

        place, curved = self._read(x), kind == "hessian"
        if curved and isinstance(self._sparsity, str):
            raise ValueError(
                "`sparsity` 'detect' finds the pattern of a Jacobian: give that of f''"
            )
        problem, spent = self._posed(place)
        coloring = self._colorings.get(kind)
        if coloring is None:
            coloring, asked_for = compressed.coloring_of(
                place.call, problem.x, self._sparsity, place.options, symmetric=curved
            )
            with self._lock:
                self._colorings[kind] = coloring
                self._nfev += asked_for
            spent += asked_for
        along_all = compressed.along_pairs if curved else compressed.along_colors
        lines = along_all(problem._replace(nfev=0), coloring, place.options)
        found = sparse_estimate(lines, coloring.pattern, place.options)
        return self._second(kind, place, found, spent)

    def _second(self, kind: str, place: _Place, found: Estimate, spent: int) -> Array:
        with self._lock:
            self._nfev += found.nfev
        found = replace(found, nfev=found.nfev + spent)
        return self._told(_Answer(kind, place.key, found, found.shape, place))

    def _told(self, answer: _Answer) -> Array:
        """Keep an answer, and return its plain array."""
        self._answer = answer
        lines = answer.found
        if isinstance(lines, Derivatives) and not (lines.status > ONE_SIDED).any():
            plain = np.array(lines.form.unpack(lines.value).T.reshape(answer.shape), order="C")
        else:
            plain = self._heeded(answer)
        self._answer = answer._replace(plain=plain)
        return plain.copy()

    def _heeded(self, answer: _Answer) -> Any:
        """Return what an optimiser can use of an answer; warn or raise where it is flagged."""
        whole, place = answer.estimate, answer.place
        assert place is not None
        curved = answer.kind == "hessian"
        if isinstance(whole, SparseEstimate):
            estimate, held = whole.entries, _held_entries(place, whole.value, curved=curved)
        else:
            estimate, held = whole, _held(place, whole.shape, 2 if curved else 1)
        middle = (estimate.left + estimate.right) / 2.0
        kink = (estimate.status == KINK) & np.isfinite(middle) & ~held
        flagged, on_flag = ~(estimate.success | held | kink), place.options.on_flag
        if on_flag == "raise" and flagged.any():
            raise FlaggedError(whole)
        if (on_flag == "warn" and (flagged | kink).any()) or (on_flag == "raise" and kink.any()):
            with self._lock:
                silent, self._warned = self._warned, on_flag == "raise"
            if not silent:
                warnings.warn(FlaggedWarning(whole), stacklevel=5)
        plain = np.where(held, 0.0, np.where(kink, middle, estimate.value))
        if whole is estimate:
            return plain
        matrix: Any = copy(whole.value)
        matrix.data = plain
        return matrix


def _held(place: _Place, shape: tuple[int, ...], axes: int) -> Mask:
    """Say which entries of a derivative belong to entries of x that bounds hold fixed."""
    held = np.zeros(shape, np.bool_)
    if place.options.box is None:
        return held
    fixed = place.options.box.fixed()
    if axes == 1:
        return held | fixed.reshape(place.point.shape)
    both = fixed[:, None] | fixed
    return held | both.reshape(place.point.shape * 2)


def _held_entries(place: _Place, matrix: Any, *, curved: bool) -> Mask:
    """Say which stored entries of a sparse derivative belong to entries of x that are held."""
    held = np.zeros(matrix.nnz, np.bool_)
    if place.options.box is None:
        return held
    fixed = place.options.box.fixed()
    held |= fixed.repeat(np.diff(matrix.indptr))
    return held | fixed[matrix.indices] if curved else held
