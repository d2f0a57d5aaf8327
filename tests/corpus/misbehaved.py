"""Functions that break some rule of how a function is called and what it returns.

Functions named ``make_...`` build a new function, for those that keep state or know a point; all
others are the functions themselves.  Unless a docstring says otherwise they compute sin of a number
or the sum of the sines of an array.
"""

from __future__ import annotations

import decimal
import fractions
import itertools
import math
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import numpy as np

Function = Callable[..., Any]


class UnusualError(Exception):
    """Raised by the functions here that raise, so that nothing else is taken for it."""


# --- What happens to the argument ---


def mutates_argument(x: np.ndarray) -> float:
    """Squares the array it is given, in place, after use."""
    value = float(np.sum(np.sin(x)))
    x *= x
    return value


def fills_argument_with_nan(x: np.ndarray) -> float:
    """Leaves nothing but nan in the array it is given."""
    value = float(np.sum(np.sin(x)))
    x[...] = np.nan
    return value


def sorts_argument(x: np.ndarray) -> np.ndarray:
    """Sorts the array it is given, in place, and returns the sines in the old order."""
    value = np.sin(x)
    x.sort()
    return value


def freezes_argument(x: np.ndarray) -> float:
    """Makes the array it is given read-only."""
    x.setflags(write=False)
    return float(np.sum(np.sin(x)))


def reshapes_argument(x: np.ndarray) -> float:
    """Gives the array it is given another shape, in place."""
    value = float(np.sum(np.sin(x)))
    x.resize((x.size, 1), refcheck=False)
    return value


def make_keeps_arguments() -> tuple[Function, list[Any]]:
    """A sum of sines, and the list of the very objects it was called with."""
    kept: list[Any] = []

    def f(x: Any) -> float:
        kept.append(x)
        return float(np.sum(np.sin(x)))

    return f, kept


def make_records_calls() -> tuple[Function, list[tuple[type, Any, Any]]]:
    """A sum of sines, and the list of the type, dtype and copied value of each argument."""
    calls: list[tuple[type, Any, Any]] = []

    def f(x: Any) -> float:
        calls.append((type(x), getattr(x, "dtype", None), np.array(x)))
        return float(np.sum(np.sin(x)))

    return f, calls


# --- What is returned: storage ---


def returns_argument(x: Any) -> Any:
    """The identity: returns the object it is given."""
    return x


def returns_view_of_argument(x: np.ndarray) -> np.ndarray:
    """Returns a reversed view of the array it is given."""
    return x[::-1]


def make_reused_buffer(size: int) -> Function:
    """Sines written to the same output array at every call."""
    out = np.empty(size)

    def f(x: np.ndarray) -> np.ndarray:
        return np.sin(np.asarray(x, dtype=float).reshape(-1)[:size], out=out)

    return f


def make_reused_scalar_buffer() -> Function:
    """A sum of sines written to the same 0-d array at every call."""
    out = np.empty(())

    def f(x: Any) -> np.ndarray:
        out[...] = np.sum(np.sin(x))
        return out

    return f


def make_reused_list() -> Function:
    """Sines in the same list at every call."""
    out: list[float] = []

    def f(x: np.ndarray) -> list[float]:
        out[:] = returns_list(x)
        return out

    return f


def returns_read_only(x: np.ndarray) -> np.ndarray:
    """Sines in an array that cannot be written."""
    value = np.array(np.sin(x))
    value.setflags(write=False)
    return value


def returns_strided(x: np.ndarray) -> np.ndarray:
    """Sines in every second place of a longer array."""
    return np.repeat(np.sin(np.atleast_1d(x)), 2)[::2]


def returns_broadcast(x: np.ndarray) -> np.ndarray:
    """Four equal values that share their memory."""
    return np.broadcast_to(np.sum(np.sin(x)), (4,))


# --- What is returned: type ---


def returns_int(x: Any) -> int:
    """A Python int: the square of the rounded argument."""
    return round(float(x)) ** 2


def returns_numpy_int(x: Any) -> np.int64:
    """A numpy integer, constant near the point."""
    return np.int64(math.floor(float(x)))


def returns_huge_int(x: Any) -> int:
    """An int beyond the range of float64."""
    return 10**400


def returns_bool(x: Any) -> bool:
    """Whether the argument is positive."""
    return bool(float(x) > 0)


def returns_fraction(x: Any) -> fractions.Fraction:
    """The exact square as a Fraction."""
    return fractions.Fraction(float(x)) ** 2


def returns_decimal(x: Any) -> decimal.Decimal:
    """The square as a Decimal."""
    return decimal.Decimal(float(x)) ** 2


def returns_float16(x: Any) -> np.float16:
    """sin in half precision."""
    return np.float16(np.sin(float(x)))


def returns_float32(x: Any) -> np.float32:
    """sin in single precision."""
    return np.float32(np.sin(float(x)))


def returns_longdouble(x: Any) -> np.longdouble:
    """sin in extended precision."""
    return np.sin(np.longdouble(float(x)))


def returns_list(x: Any) -> list[float]:
    """The sines in a list."""
    return np.sin(np.atleast_1d(x)).tolist()


def returns_tuple(x: Any) -> tuple[float, ...]:
    """The sines in a tuple."""
    return tuple(returns_list(x))


def returns_nested_list(x: Any) -> list[list[float]]:
    """Two rows: the sines and the cosines."""
    return [returns_list(x), np.cos(np.atleast_1d(x)).tolist()]


def returns_ragged_list(x: Any) -> list[Any]:
    """Rows of different lengths, which make no array."""
    return [[1.0, 2.0], [3.0]]


def returns_iterator(x: Any) -> Iterator[float]:
    """The sines from an iterator that can be read once."""
    return iter(returns_list(x))


def returns_zero_dim(x: Any) -> np.ndarray:
    """The sum of sines in a 0-d array."""
    return np.array(np.sum(np.sin(x)))


def returns_size_one(x: Any) -> np.ndarray:
    """The sum of sines in an array of shape (1,)."""
    return np.array([np.sum(np.sin(x))])


def returns_one_by_one(x: Any) -> np.ndarray:
    """The sum of sines in an array of shape (1, 1)."""
    return np.array([[np.sum(np.sin(x))]])


def returns_empty(x: Any) -> np.ndarray:
    """An array without elements."""
    return np.empty(0)


def returns_object_array(x: Any) -> np.ndarray:
    """The sines as Python floats in an object array."""
    return np.array(returns_list(x), dtype=object)


def returns_int_array(x: Any) -> np.ndarray:
    """Rounded squares in an integer array."""
    return np.round(np.atleast_1d(x) ** 2).astype(np.int64)


def returns_masked_array(x: Any) -> np.ma.MaskedArray:
    """The sines with the first one masked."""
    value = np.ma.array(np.sin(np.atleast_1d(x)))
    value[0] = np.ma.masked
    return value


class FloatLike:
    """An object that only knows how to become a float."""

    def __init__(self, value: float) -> None:
        self._value = value

    def __float__(self) -> float:
        return self._value


def returns_float_like(x: Any) -> FloatLike:
    """sin as an object with ``__float__`` alone."""
    return FloatLike(math.sin(float(x)))


# --- What is returned: complex numbers ---


def returns_complex(x: Any) -> complex:
    """A complex value with an imaginary part that varies."""
    return complex(math.sin(float(x)), math.cos(float(x)))


def returns_real_complex(x: Any) -> complex:
    """A complex value whose imaginary part is zero."""
    return complex(math.sin(float(x)), 0.0)


def returns_complex_array(x: Any) -> np.ndarray:
    """exp(i x) of every element."""
    return np.exp(1j * np.atleast_1d(x))


def make_complex_elsewhere(x0: Any) -> Function:
    """Real at the point, complex at any other."""
    return lambda x: (
        float(np.sum(np.sin(x)))
        if np.array_equal(x, x0)
        else complex(float(np.sum(np.sin(x))), 1.0)
    )


# --- What is returned: not a number ---


def returns_none(x: Any) -> None:
    """A forgotten return statement."""


def returns_string(x: Any) -> str:
    """Text that is no number."""
    return "sin"


def returns_numeric_string(x: Any) -> str:
    """A number written as text."""
    return str(math.sin(float(x)))


def returns_dict(x: Any) -> dict[str, float]:
    """A dictionary."""
    return {"value": float(np.sum(np.sin(x)))}


def returns_function(x: Any) -> Function:
    """A function instead of its value."""
    return math.sin


def returns_datetime(x: Any) -> np.datetime64:
    """A date."""
    return np.datetime64("2001-01-01")


def returns_value_and_gradient(x: Any) -> tuple[float, np.ndarray]:
    """A pair of a value and a gradient, as optimisers like it."""
    return float(np.sum(np.sin(x))), np.cos(x)


def make_none_elsewhere(x0: Any) -> Function:
    """A number at the point, None at any other."""
    return lambda x: float(np.sum(np.sin(x))) if np.array_equal(x, x0) else None


# --- Values that are not finite ---


def returns_nan(x: Any) -> float:
    """nan everywhere."""
    return math.nan


def returns_inf(x: Any) -> float:
    """Infinity everywhere."""
    return math.inf


def make_nan_above(x0: float) -> Function:
    """sin up to the point, nan above it."""
    return lambda x: math.sin(float(x)) if float(x) <= x0 else math.nan


def make_nan_below(x0: float) -> Function:
    """sin from the point on, nan below it."""
    return lambda x: math.sin(float(x)) if float(x) >= x0 else math.nan


def make_inf_above(x0: float) -> Function:
    """sin up to the point, infinity above it."""
    return lambda x: math.sin(float(x)) if float(x) <= x0 else math.inf


def make_nan_at(x0: float) -> Function:
    """sin everywhere but at the point itself, where it is nan."""
    return lambda x: math.nan if float(x) == x0 else math.sin(float(x))


def make_nan_beyond(x0: float, distance: float) -> Function:
    """sin within ``distance`` of the point, nan beyond."""
    return lambda x: math.sin(float(x)) if abs(float(x) - x0) <= distance else math.nan


def make_nan_elsewhere(x0: Any) -> Function:
    """A number at the point, nan at any other."""
    return lambda x: float(np.sum(np.sin(x))) if np.array_equal(x, x0) else math.nan


def make_nan_now_and_then(period: int) -> Function:
    """nan at every ``period``-th call."""
    count = itertools.count(1)
    return lambda x: math.nan if next(count) % period == 0 else float(np.sum(np.sin(x)))


def make_one_nan_output(index: int) -> Function:
    """Sines of an array, the one at ``index`` always nan."""

    def f(x: np.ndarray) -> np.ndarray:
        value = np.sin(np.asarray(x, dtype=float))
        value.flat[index] = np.nan
        return value

    return f


def overflows(x: Any) -> float:
    """exp of a large multiple: raises OverflowError for x above 0.71."""
    return math.exp(1000 * float(x))


def warns_and_returns_nan(x: Any) -> Any:
    """numpy's logarithm of a negative number: nan with a RuntimeWarning."""
    return np.log(-1 - np.abs(x))


# --- Raising and warning ---


def raises(x: Any) -> NoReturn:
    """Raises at every point."""
    raise UnusualError("always")


def make_raises_elsewhere(x0: Any) -> Function:
    """A number at the point, an exception at any other."""

    def f(x: Any) -> float:
        if not np.array_equal(x, x0):
            raise UnusualError("displaced")
        return float(np.sum(np.sin(x)))

    return f


def make_raises_above(x0: float) -> Function:
    """sin up to the point, an exception above it."""

    def f(x: Any) -> float:
        if float(x) > x0:
            raise UnusualError("above")
        return math.sin(float(x))

    return f


def make_raises_at_call(number: int) -> Function:
    """An exception at the call of this number, counted from 1, and at no other."""
    count = itertools.count(1)

    def f(x: Any) -> float:
        if next(count) == number:
            raise UnusualError("at this call")
        return float(np.sum(np.sin(x)))

    return f


def domain_error_below_zero(x: Any) -> float:
    """math.sqrt: raises ValueError below zero."""
    return math.sqrt(float(x))


def divides_by_zero(x: Any) -> float:
    """Raises ZeroDivisionError at zero and only there."""
    return 1 / float(x)


def interrupts(x: Any) -> NoReturn:
    """Raises KeyboardInterrupt."""
    raise KeyboardInterrupt


def stops_iteration(x: Any) -> NoReturn:
    """Raises StopIteration, which ends a loop over a generator in silence."""
    raise StopIteration


def warns(x: Any) -> float:
    """A sum of sines with a UserWarning at each call."""
    warnings.warn("a warning from the function", UserWarning, stacklevel=2)
    return float(np.sum(np.sin(x)))


def sets_error_state(x: Any) -> float:
    """Changes numpy's handling of floating-point errors; whoever calls this must restore it."""
    np.seterr(all="raise")
    return float(np.sum(np.sin(x)))


# --- Shapes that change ---


def make_other_shape_elsewhere(x0: Any) -> Function:
    """Three values at the point, two at any other."""
    return lambda x: np.full(3 if np.array_equal(x, x0) else 2, np.sum(np.sin(x)))


def make_scalar_then_array() -> Function:
    """A float at the first call, an array of shape (2,) at every later one."""
    count = itertools.count()
    return lambda x: float(np.sum(np.sin(x))) if next(count) == 0 else np.full(2, np.sum(np.sin(x)))


def make_broadcastable_elsewhere(x0: Any) -> Function:
    """Shape (3,) at the point and (1,) at any other: numpy subtracts these without complaint."""
    return lambda x: np.full(3 if np.array_equal(x, x0) else 1, np.sum(np.sin(x)))


def make_transposed_elsewhere(x0: Any) -> Function:
    """Shape (2, 3) at the point and (3, 2) at any other."""
    return lambda x: np.full((2, 3) if np.array_equal(x, x0) else (3, 2), np.sum(np.sin(x)))


# --- State, cost and calling ---


def make_counts_calls() -> Function:
    """A sum of sines with its number of calls in the attribute ``calls``."""

    def f(x: Any) -> float:
        f.calls += 1  # type: ignore[attr-defined]
        return float(np.sum(np.sin(x)))

    f.calls = 0  # type: ignore[attr-defined]
    return f


def make_drifts(step: float) -> Function:
    """A sum of sines plus ``step`` times the number of calls so far."""
    count = itertools.count()
    return lambda x: float(np.sum(np.sin(x))) + step * next(count)


def make_slow(seconds: float) -> Function:
    """A sum of sines that takes so many seconds."""

    def f(x: Any) -> float:
        time.sleep(seconds)
        return float(np.sum(np.sin(x)))

    return f


def make_calls_back(derivative: Callable[[Function, Any], Any]) -> Function:
    """Calls the given derivative routine inside: f(x) is its answer for sin."""
    return lambda x: derivative(math.sin, x)


def only_python_float(x: Any) -> float:
    """sin of a float and of nothing but a float or a subclass."""
    if not isinstance(x, float):
        raise TypeError(f"wants a float, not {type(x).__name__}")
    return math.sin(x)


def only_array(x: Any) -> float:
    """A sum of sines of a float64 array and of nothing else."""
    if not isinstance(x, np.ndarray) or x.dtype != np.float64:
        raise TypeError(f"wants a float64 array, not {type(x).__name__}")
    return float(np.sum(np.sin(x)))


def no_arguments() -> float:
    """Takes no argument."""
    return 0.0


def two_arguments(x: Any, y: Any) -> float:
    """Wants a second argument."""
    return float(np.sum(np.sin(x)) * y)


def keyword_only(*, x: Any) -> float:
    """Takes its argument by keyword only."""
    return float(np.sum(np.sin(x)))


def constant(x: Any) -> float:
    """Pays no heed to its argument."""
    return 4.25


class Callable1:
    """A callable object without a name, whose truth value cannot be taken."""

    def __call__(self, x: Any) -> float:
        """The sum of sines."""
        return float(np.sum(np.sin(x)))

    def __bool__(self) -> bool:
        raise UnusualError("truth value asked for")
