"""What users hand over: f and x, perhaps as a dict, and the derivative in one of many forms."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from numdiff.options import as_point
from numdiff.verify.algebra import weights

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = [
    "Reading",
    "Subject",
    "by_inputs",
    "by_outputs",
    "constant",
    "read_matrix",
    "rounding_of",
    "subject_of",
]

Function = Callable[..., Any]

# How far x moves: by some hundred units in the last place of x, or of 1 + x if that is more, so
# that roundings fall differently, but by no more than eps**(1/4) of x: fourth differences leave no
# more than eps of a smooth derivative.
LAST_BITS = 2.0**7
WAYS = 2  # each of them may show nothing, by luck
ORDER = 4
FEWER = 1.0 / 3.0  # fourth differences spread by sqrt(70) of a jump: nearly three of them is enough
STEPS = (-3.0, -2.0, -1.0, 1.0, 2.0, 3.0)  # three fourth differences: one may vanish by luck
# Entries of less than this share of the largest may be nothing but rounding themselves.
SHARE = 1e-3


class Subject(NamedTuple):
    """A function at a point, of arrays even where the user's takes a dict.

    Attributes
    ----------
    x : array
        The point; flat where the user's is a dict.
    names : tuple of str
        Of the inputs in flat order; empty if they have none.
    parts : dict or None
        The dict's arrays, None where x is an array.
    """

    x: Floats
    names: tuple[str, ...]
    parts: Mapping[str, Floats] | None

    def inward(self, function: Function, vectors: int = 1) -> Function:
        """Return the function of arrays; its first so many arguments are dicts like x."""
        if self.parts is None:
            return function
        return partial(_with_dicts, function, self.parts, vectors)


def _with_dicts(
    function: Function, parts: Mapping[str, Floats], vectors: int, *arguments: Any
) -> Any:
    dicts = (_unflattened(flat, parts) for flat in arguments[:vectors])
    return _flattened(function(*dicts, *arguments[vectors:]), parts)


def _unflattened(flat: Floats, parts: Mapping[str, Floats]) -> dict[str, Any]:
    ends = np.cumsum([part.size for part in parts.values()])
    pieces = np.split(flat, ends[:-1])
    return {
        name: piece.reshape(part.shape)[()]
        for piece, (name, part) in zip(pieces, parts.items(), strict=True)
    }


def _flattened(value: Any, parts: Mapping[str, Floats]) -> Any:
    """Turn a dict like x, of arrays whose last axes are those of its parts, into one array."""
    if not isinstance(value, Mapping):
        return value
    if value.keys() != parts.keys():
        raise ValueError(
            f"the derivative must have the keys of x, {list(parts)}, got {list(value)}"
        )
    leaves = [(np.asarray(value[name]), part) for name, part in parts.items()]
    outputs = [leaf.shape[: leaf.ndim - part.ndim] for leaf, part in leaves]
    pairs = zip(leaves, outputs, strict=True)
    return np.concatenate([leaf.reshape(*shape, part.size) for (leaf, part), shape in pairs], -1)


def subject_of(x: Any, names: Sequence[str] | None) -> Subject:
    """Read a point, which may be a dict of numbers and arrays, and the names of its entries."""
    if not isinstance(x, Mapping):
        point = as_point(x)
        given = () if names is None else tuple(str(name) for name in np.ravel(names))
        if given and len(given) != point.size:
            raise ValueError(
                f"`names` must have one name for each of {point.size}, got {len(given)}"
            )
        return Subject(point, given, None)
    parts = {str(name): as_point(value, f"x[{name!r}]") for name, value in x.items()}
    told = tuple(name for key, part in parts.items() for name in _names(key, part.shape))
    flat = np.concatenate([part.ravel() for part in parts.values()])
    return Subject(flat, told, parts)


def _names(key: str, shape: tuple[int, ...]) -> list[str]:
    if shape == ():
        return [key]
    return [f"{key}[{', '.join(map(str, index))}]" for index in np.ndindex(shape)]


# The derivative


class Reading(NamedTuple):
    """What was given for a derivative at a point, as a matrix (m, n).

    Attributes
    ----------
    matrix : array (m, n) or None
        None where the shape does not fit at all.
    shape : tuple of int
        As it was given.
    transposed : bool
        Whether it was given with inputs before outputs, and has been turned round.
    precision : float
        The unit roundoff of its type.
    stored : array of bool (m, n) or None
        The pattern of a sparse array.
    backward : callable or None
        The product from the left, where a linear operator has one.
    """

    matrix: NDArray[Any] | None
    shape: tuple[int, ...]
    transposed: bool = False
    precision: float = 2.0**-53
    stored: NDArray[np.bool_] | None = None
    backward: Function | None = None


def constant(array: Any) -> Function:
    """Return the function of x that gives an array which was given instead of a function."""
    return lambda _x, *_args: array


def by_inputs(product: Function) -> Function:
    """Turn products J v, ``product(x, v)``, into a function that gives J, inputs last."""

    def matrix(x: Floats, *args: Any) -> NDArray[Any]:
        units = np.eye(x.size)
        columns = [np.array(product(x.copy(), unit.reshape(x.shape), *args)) for unit in units]
        return np.stack(columns, axis=-1).reshape(columns[0].shape + x.shape)

    return matrix


def by_outputs(product: Function, outputs: tuple[int, ...]) -> Function:
    """Turn products w J, ``product(x, w)``, into a function that gives J, outputs first."""

    def matrix(x: Floats, *args: Any) -> NDArray[Any]:
        units = np.eye(math.prod(outputs)).reshape(-1, *outputs)
        rows = [np.array(product(x.copy(), unit[()], *args)) for unit in units]
        return np.stack(rows).reshape(outputs + rows[0].shape)

    return matrix


def read_matrix(value: Any, outputs: tuple[int, ...], inputs: tuple[int, ...]) -> Reading:
    """Read a derivative: an array, a sparse array or a linear operator.

    Parameters
    ----------
    value : Any
        Of shape ``outputs + inputs``. The matrix of all outputs by all inputs, and further or
        missing axes of length one, are taken as well.
    outputs, inputs : tuple of int
        Shapes of what f returns and of x.
    """
    m, n = math.prod(outputs), math.prod(inputs)
    if hasattr(value, "matvec") and not isinstance(value, np.ndarray):
        array = _columns(value, n)
        reading = Reading(None, tuple(value.shape), backward=value.rmatvec)
    else:
        stored = _pattern(value) if hasattr(value, "toarray") else None
        array = _numbers(value.toarray() if hasattr(value, "toarray") else value)
        reading = Reading(None, array.shape, stored=stored)
    shape = reading.shape
    exact = shape in (outputs + inputs, (m, n))
    turned = not exact and outputs != () and shape in (inputs + outputs, (n, m))
    if array.size != m * n or not (exact or turned or _alike(shape, outputs + inputs, (m, n))):
        return reading
    matrix = array.reshape(n, m).T if turned else array.reshape(m, n)
    # an operator in single precision may hand out columns in double
    own = [np.dtype(d) for d in (array.dtype, getattr(value, "dtype", None)) if d is not None]
    precision = max([float(np.finfo(d).eps) / 2 for d in own if d.kind in "fc"], default=2.0**-53)
    kept = None if turned else reading.stored
    matrix = matrix.astype(complex if array.dtype.kind == "c" else float)
    return reading._replace(matrix=matrix, transposed=turned, precision=precision, stored=kept)


def rounding_of(
    ask: Callable[[Floats], Any],
    x: Floats,
    matrix: NDArray[Any],
    precision: float,
    random: np.random.Generator,
) -> Floats:
    """Return by how much a derivative (m, n) jumps when x moves a little.

    Its own cancellation and randomness show in fourth differences, which the derivative itself
    leaves none (Moré and Wild 2011, doi:10.1137/100786125). A jump may be small by luck: no entry
    is taken for more exact than most are. Zero where it is not defined there.

    Parameters
    ----------
    ask : callable
        Maps a point to the derivative there.
    x : array
        The point.
    matrix : array (m, n)
        The derivative at x.
    precision : float
        The unit roundoff of its type.
    random : numpy.random.Generator
        Where the direction comes from.
    """
    eps = 2.0 * precision
    with np.errstate(all="ignore"):
        step = np.minimum(LAST_BITS * eps * np.fmax(1.0, 1.0 / np.abs(x)), eps**0.25)
        ways = [x * step * weights(random, x.size).reshape(x.shape) for _ in range(WAYS)]
        own = np.fmax.reduce([_jump(ask, x, matrix, way) for way in ways])
        size = np.abs(matrix)
        largest = np.max(size, axis=1, keepdims=True, initial=0.0)
        counted = np.isfinite(own) & (size > SHARE * largest)
        shared = np.median((own / size)[counted]) if counted.any() else 0.0
        return np.asarray(np.fmax(own, shared * size))


def _jump(ask: Callable[[Floats], Any], x: Floats, matrix: NDArray[Any], way: Floats) -> Floats:
    """Return the largest of the fourth differences along a way."""
    try:
        around = [ask(x + step * way) for step in STEPS]
    except (ArithmeticError, ValueError):  # outside its domain
        return np.zeros(matrix.shape)
    half = len(STEPS) // 2
    table = np.diff([*around[:half], matrix, *around[half:]], ORDER, axis=0)
    return np.asarray(FEWER * np.fmax.reduce(np.abs(table)))


def _alike(shape: tuple[int, ...], *wanted: tuple[int, ...]) -> bool:
    """Say whether a shape is one of others but for axes of length one."""
    return any(_squeezed(shape) == _squeezed(one) for one in wanted)


def _squeezed(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(length for length in shape if length != 1)


def _columns(operator: Any, n: int) -> NDArray[Any]:
    """Return the matrix of a linear operator, nothing if it does not take vectors like x."""
    if operator.shape[1] != n:
        return np.empty(0)
    return np.stack([np.ravel(operator.matvec(unit)) for unit in np.eye(n)], axis=-1)


def _pattern(sparse: Any) -> NDArray[np.bool_]:
    """Return which entries a sparse array stores, zeros among them."""
    stored = np.zeros(sparse.shape, bool)
    entries = sparse.tocoo()
    stored[entries.row, entries.col] = True
    return stored


def _numbers(value: Any) -> NDArray[Any]:
    array = np.asarray(value)
    if array.dtype.kind not in "biufc":
        raise TypeError(
            f"the derivative must return numbers, an array or a linear operator, got "
            f"{type(value).__name__}"
        )
    return array
