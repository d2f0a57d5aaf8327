"""One evaluation of f, wherever it happens; how f gets there, and how what it raised comes back."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache
from numbers import Number
from time import perf_counter
from typing import Any

import numpy as np

from numdiff.arrays import Array

IMMUTABLE = frozenset([float, np.float64])


class AskingError(Exception):
    """What went wrong on the way to f: whatever else it is, it says nothing of f at a point."""


class WorkersError(AskingError, RuntimeError):
    """Workers that cannot go on."""


class SendingError(TypeError):
    """What cannot be taken to another process."""


class OverdueError(TimeoutError, ValueError):
    """An evaluation that was given up: f counts as not defined there."""


# What f may raise beside x to say that it is not defined there, solvers that do not converge as
# well. LinAlgError is a ValueError; two RuntimeErrors speak of the code of f and not of the point.
OUTSIDE = (ArithmeticError, ValueError, RuntimeError)
DEFECTS = (NotImplementedError, RecursionError, AskingError)


def undefined(exception: BaseException) -> bool:
    """Whether what f raised beside x says that it is not defined there."""
    return isinstance(exception, OUTSIDE) and not isinstance(exception, DEFECTS)


class Raised:
    """What f raised, fit to be sent from one process to another."""

    def __init__(self, exception: BaseException) -> None:
        self.exception = exception

    @property
    def fatal(self) -> bool:
        """Whether it does not mean that f is not defined at a point."""
        return not undefined(self.exception)

    def __reduce__(self) -> tuple[Any, ...]:
        from traceback import format_exception  # noqa: PLC0415 - loads when needed

        lines = format_exception(self.exception)
        self.exception.add_note("numdiff: in a worker\n" + "".join(lines).rstrip())
        try:
            sent = cloudpickle().dumps(self.exception)
            pickle.loads(sent)  # noqa: S301 - our own bytes: some exceptions go one way only
        except Exception:  # noqa: BLE001 - whatever an exception of the user's may hold
            sent = cloudpickle().dumps(_Parts(self.exception))
        return _raised, (sent,)


class _Parts:
    """An exception whose `__init__` takes other arguments than it keeps."""

    def __init__(self, exception: BaseException) -> None:
        self.kind, self.words = type(exception), tuple(map(str, exception.args))
        self.notes = exception.__notes__

    def joined(self) -> BaseException:
        exception = self.kind.__new__(self.kind, *self.words)
        exception.args, exception.__notes__ = self.words, self.notes
        return exception


class Shipped:
    """A function that is pickled once, however often it is sent, and unpickled once in a process.

    Where nothing is sent to another process, as with threads, nothing is pickled.
    """

    def __init__(self, f: Callable[..., Any]) -> None:
        self.f = f

    @cached_property
    def packed(self) -> tuple[bytes, bytes]:
        """A digest, and the function pickled."""
        from hashlib import blake2b  # noqa: PLC0415 - loads when needed

        try:
            packed = cloudpickle().dumps(self.f)
        except Exception as error:
            raise SendingError(
                f"f cannot be sent to another process: {error}. Make what it holds (locks, open "
                "files, connections) inside f, or let `workers` be a ThreadPoolExecutor"
            ) from error
        return blake2b(packed, digest_size=16).digest(), packed

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpacked, self.packed

    def __call__(self, point: Any) -> Any:
        """Return what `attempt` does."""
        return attempt(self.f, point)


def cloudpickle() -> Any:
    """Return the module that pickles lambdas, closures and what stands in a notebook.

    Raises
    ------
    ImportError
        If it is not installed.
    """
    try:
        import cloudpickle as module  # noqa: PLC0415 - optional
    except ImportError as error:
        raise ImportError(
            "`workers` that are processes need cloudpickle and loky: "
            'pip install "numdiff-toolkit[parallel]"'
        ) from error
    return module


def attempt(f: Callable[..., Any], point: Any) -> Any:
    """Return what f says at a point: a float, an array of its own, or what it raised."""
    try:
        value = f(point)
        return value if type(value) in IMMUTABLE else numbers(value).copy()  # f may reuse it
    except (Exception, SystemExit) as exception:  # noqa: BLE001 - who asked decides what it means
        return Raised(exception)


def attempt_all(f: Shipped, points: Sequence[Any], number: int) -> tuple[list[Any], float]:  # noqa: ARG001
    """Evaluate f at some points, in a worker; return the outcomes and the seconds that took.

    The number differs from task to task, so that Dask does not take two of them for the same.
    """
    start = perf_counter()
    with np.errstate(all="ignore"):
        outcomes = [f(point) for point in points]
    return outcomes, perf_counter() - start


def numbers(value: Any) -> Array:
    """Return what f returned as an array.

    Raises
    ------
    TypeError
        If it holds anything but numbers.
    """
    wanted, came = "f must return a number or an array of numbers", type(value).__name__
    if type(value) is not np.ndarray:
        _require_plain(value)
    try:
        outputs = np.asarray(value)
    except ValueError as error:  # rows of different lengths: no domain error of f
        pair = isinstance(value, tuple) and len(value) == 2
        way_out = ": of f and its gradient give the first alone, as in lambda x: both(x)[0]" * pair
        raise TypeError(f"{wanted}, got {came} of parts that differ in shape{way_out}") from error
    if outputs.dtype.kind == "O" and all(isinstance(entry, Number) for entry in outputs.flat):
        outputs = outputs.astype(np.float64)  # Fraction, Decimal, large int
    if outputs.dtype.kind not in "biufc":
        way_out = ": give value.toarray()" * hasattr(value, "toarray")
        raise TypeError(f"{wanted}, got {came}{' of objects' * (came == 'ndarray')}{way_out}")
    return outputs


def _require_plain(value: Any) -> None:
    """Raise TypeError if what f returned has a mask or units, which would be lost."""
    if hasattr(value, "mask") and hasattr(value, "filled"):
        raise TypeError("f returned a masked array, whose mask would be lost: return .filled(...)")
    if hasattr(value, "unit") or hasattr(value, "units"):
        raise TypeError(
            f"f returned units ({type(value).__name__}), which would be lost: return plain "
            "numbers, as .magnitude or .value"
        )


@lru_cache(maxsize=4)
def _unpacked(digest: bytes, packed: bytes) -> Shipped:  # noqa: ARG001 - the digest is the key's hash
    try:
        return Shipped(pickle.loads(packed))  # noqa: S301 - who sends work to a worker is trusted
    except Exception as error:  # noqa: BLE001 - whatever an import in a worker may raise
        failure = SendingError(
            f"f cannot be loaded in a worker: {type(error).__name__}: {error}. Its modules must be "
            "installed there as well"
        )
        return Shipped(_Failing(failure))


class _Failing:
    """Stands for a function that cannot be loaded."""

    def __init__(self, exception: Exception) -> None:
        self.exception = exception

    def __call__(self, _: Any) -> Any:
        raise self.exception


def _raised(sent: bytes) -> Raised:
    came = pickle.loads(sent)  # noqa: S301 - what a worker of ours has sent
    return Raised(came.joined() if isinstance(came, _Parts) else came)
