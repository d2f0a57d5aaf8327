"""What users hand over: f and x, perhaps as a dict, and the derivative in one of many forms."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping, Sequence
from numbers import Number
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from numdiff.evaluation.call import bound
from numdiff.naming import Named
from numdiff.options import point_of, require_plain
from numdiff.verify.arrays import EPS, Array, Floats, Function, Mask, Shape
from numdiff.verify.identities import spacing_of

Further: TypeAlias = tuple[tuple[Any, ...], Mapping[str, Any]]  # args and kwargs of f

NAMED = 6  # entries that are not finite, of which a note tells


class Subject(NamedTuple):
    """A point, an array even where the user's is a dict.

    Attributes
    ----------
    x : array
        The point; flat where the user's is a dict.
    names : tuple of str
        Of the inputs in flat order; empty if they have none.
    layout : Named or None
        How the user's dict or Series is laid out, None where x is an array.
    """

    x: Floats
    names: tuple[str, ...]
    layout: Named | None

    def inward(self, function: Function, vectors: int = 1) -> Function:
        """Return the function of arrays; its first so many arguments are like the user's x."""
        return function if self.layout is None else self.layout.inward(function, vectors)

    def bound(self, function: Function, further: Further, vectors: int = 1) -> Function:
        """Return the function of arrays alone, which may change what it is handed."""
        inward = bound(self.inward(function, vectors), *further)
        return lambda *arrays: inward(*(array.copy() for array in arrays))


def subject_of(x: Any, names: Sequence[str] | None) -> Subject:
    """Read a point, which may be a dict or a Series, and the names of its entries."""
    point, layout = point_of(x)
    if layout is not None:
        return Subject(point, layout.names, layout)
    labels = tuple(map(str, () if names is None else np.ravel(names)))
    if labels and len(labels) != point.size:
        raise ValueError(f"`names` must have one name for each of {point.size}, got {len(labels)}")
    return Subject(point, labels, None)


# The derivative


def is_function(derivative: Any) -> bool:
    """Say whether a derivative is a function of x: operators can be called, too, but with v."""
    return callable(derivative) and not hasattr(derivative, "matvec")


def matrix_by_products(product: Function, x: Floats, outputs: Shape, *, left: bool) -> Array:
    """Return the derivative whose products with all unit vectors these are.

    Parameters
    ----------
    product : callable
        ``product(x, v)``, of the first axes of the derivative; from the left ``product(x, w)``, of
        x's shape.
    x : array
        The point.
    outputs : tuple of int
        The first axes of the derivative, before those of x.
    left : bool
        Whether it multiplies from the left.
    """
    if 0 in outputs + x.shape:
        return np.empty(outputs + x.shape)
    shape = outputs if left else x.shape
    lines = [np.array(product(x, unit.reshape(shape))) for unit in np.eye(math.prod(shape))]
    if left:
        return np.stack(lines).reshape(outputs + lines[0].shape)
    return np.stack(lines, axis=-1).reshape(lines[0].shape + x.shape)


class Reading(NamedTuple):
    """What a derivative is at a point, as a matrix (m, n).

    Attributes
    ----------
    matrix : array (m, n)
        All nan where the shape does not fit at all.
    shape : tuple of int
        As it was given.
    precision : float
        The unit roundoff of its type.
    stored : array of bool (m, n) or None
        The pattern of a sparse array.
    backward : callable or None
        The product from the left, where a linear operator has one.
    fits : bool
        Whether the shape fits.
    transposed : bool
        Whether it was given with inputs before outputs, and has been turned round.
    """

    matrix: Array
    shape: Shape
    precision: float = EPS / 2
    stored: Mask | None = None
    backward: Function | None = None
    fits: bool = False
    transposed: bool = False


def read_matrix(value: Any, outputs: Shape, inputs: Shape) -> Reading:
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
    _require_alone(value, m * n)
    reading = Reading(np.full((m, n), np.nan), ())
    if hasattr(value, "matvec"):
        reading = reading._replace(shape=tuple(value.shape), backward=value.rmatvec)
        fits = value.shape[1] == n
        columns = [np.ravel(value.matvec(unit)) for unit in np.eye(n)] if fits else [np.empty(0)]
        array = np.stack(columns, axis=-1)
    elif hasattr(value, "toarray"):
        array, pattern, coo = value.toarray(), np.zeros(value.shape, bool), value.tocoo()
        pattern[coo.row, coo.col] = True  # zeros among them
        reading = reading._replace(shape=array.shape, stored=pattern)
    else:
        array = _array_of(value)
        reading = reading._replace(shape=array.shape)
    shape, wanted = reading.shape, (outputs + inputs, (m, n))
    turned = shape not in wanted and outputs != () and shape in (inputs + outputs, (n, m))
    if array.size != m * n or not (turned or shape in wanted or _alike(shape, *wanted)):
        return reading
    matrix = array.reshape(n, m).T if turned else array.reshape(m, n)
    matrix = matrix.astype(complex if array.dtype.kind == "c" else float)
    # an operator in single precision may hand out columns in double
    precision, stored = spacing_of(array, value) / 2, None if turned else reading.stored
    return Reading(matrix, shape, precision, stored, reading.backward, fits=True, transposed=turned)


def _require_alone(value: Any, size: int) -> None:
    """Raise TypeError if a derivative comes with the value of f, with units or a mask."""
    require_plain(value, "derivative")
    pair = isinstance(value, tuple) and len(value) == 2
    if pair and np.size(value[0]) == 1 and np.size(value[1]) == size:
        raise TypeError(
            "the derivative returns a pair, as of f and its gradient: hand over the second alone, "
            "as in lambda x: both(x)[1]"
        )


def _array_of(value: Any) -> Array:
    """Return what a derivative returned as an array of numbers."""
    try:
        array = np.asarray(value)
        if array.dtype == object and all(isinstance(entry, Number) for entry in array.flat):
            array = array.astype(float)  # Fraction, Decimal
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"the derivative must return numbers, of one shape, got {type(value).__name__} of "
            "parts that differ in shape"
        ) from error
    if array.dtype.kind not in "biufc":
        raise TypeError(
            f"the derivative must return numbers, an array or a linear operator, got "
            f"{type(value).__name__}{' of objects' * isinstance(value, np.ndarray)}"
        )
    return array


def _alike(shape: Shape, *others: Shape) -> bool:
    """Say whether a shape is one of others but for axes of length one."""
    first, *rest = ([length for length in one if length != 1] for one in (shape, *others))
    return first in rest


class Product(NamedTuple):
    """A derivative at a point as a product, for x of any size.

    Attributes
    ----------
    apply : callable
        The derivative times a flat vector.
    total : array (m,) or nan
        The sum of the sizes of its entries times those of x, where they are known.
    rounding : float
        Of its entries, relative.
    notes : tuple of str
        Which of its entries are not finite, where they are known.
    """

    apply: Function
    total: Floats | float = math.nan
    rounding: float = EPS
    notes: tuple[str, ...] = ()


def read_product(
    derivative: Any, subject: Subject, x: Floats, further: Further = ((), {})
) -> Product:
    """Turn a derivative of any form, or a function that gives it, into a product at x."""
    __tracebackhide__ = True
    value = derivative
    if is_function(derivative):
        count = len(further[0])
        if not _takes(derivative, 1 + count) and _takes(derivative, 2 + count):
            product = subject.bound(derivative, further, 2)
            return Product(lambda v: np.ravel(product(x, v.reshape(x.shape))))
        value = subject.bound(derivative, further)(x)
    if hasattr(value, "matvec"):
        return Product(lambda v: np.ravel(value.matvec(v)), rounding=spacing_of(value))
    sparse = hasattr(value, "toarray")
    array = value if sparse else np.array(value)
    if math.prod(array.shape) % max(x.size, 1):
        raise ValueError(f"the derivative must have {x.size} columns, got shape {array.shape}")
    # what has no columns does not tell its rows by its size
    rows = array.size // x.size if x.size else math.prod(array.shape[: array.ndim - x.ndim])
    matrix = array if sparse else array.reshape(rows, x.size)
    with np.errstate(invalid="ignore"):
        total = abs(matrix) @ np.abs(x.ravel())
    # of a row of zeros nothing is a share
    share = np.where(total == 0.0, np.inf, total)
    return Product(lambda v: matrix @ v, share, spacing_of(matrix), _lost(matrix, x.shape))


def _lost(matrix: Any, shape: Shape) -> tuple[str, ...]:
    """Say which entries are not finite: some of them."""
    if hasattr(matrix, "toarray"):
        coo = matrix.tocoo()
        places = np.stack([coo.row, coo.col], axis=-1)[~np.isfinite(coo.data)]
    else:
        places = np.argwhere(~np.isfinite(matrix))
    shown = ", ".join(
        str([i] * (matrix.shape[0] > 1) + [int(k) for k in np.unravel_index(j, shape)])
        for i, j in places[:NAMED].tolist()
    )
    return (f"the derivative that was given is not finite, as in entries {shown}",) * bool(shown)


def _takes(function: Function, count: int) -> bool:
    """Say whether a function can be called with so many positional arguments."""
    try:
        inspect.signature(function).bind(*range(count))
    except TypeError:
        return False
    except ValueError:  # compiled functions may not tell
        return count == 1
    return True
