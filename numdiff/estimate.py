"""What every derivative comes as: a value, an error bar, and whether to trust it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from numdiff.arrays import Array, Codes, Floats, Later, Mask

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

__all__ = ["Estimate", "FlaggedError", "FlaggedWarning", "Status"]

ARRAYS = ("value", "error", "status", "step", "noise", "left", "right")


class Status(IntEnum):
    """How one entry of a derivative came out. Codes never change.

    Attributes
    ----------
    message : str
        One sentence: what happened and what to do about it.

    Examples
    --------
    >>> Status.KINK.trustworthy
    False
    """

    message: str

    OK = 0, "The value lies within its error bar; nothing needs to be done."
    NOISE_LIMITED = (
        1,
        "Noise in f well above rounding sets the error bar; to get more digits compute f more "
        "accurately, for instance with tighter solver tolerances or in double precision.",
    )
    STOCHASTIC = (
        2,
        "f returned different values at the same point, so the error is a 95 % half-width; fix the "
        "random seed inside f, or average more samples there, to narrow it.",
    )
    ONE_SIDED = (
        3,
        "f was usable on one side of x only, so the value is the derivative from that side; move x "
        "inwards, or widen `bounds`, if a two-sided one is wanted.",
    )
    SINGLE_STEP = (
        4,
        "A single step tells nothing about its truncation error, so there is no error bar; leave "
        "out `step`, or use method 'auto' or 'richardson', to get one.",
    )
    KINK = (
        5,
        "The slopes left and right of x differ, so f has no derivative there; use `left` and "
        "`right`, or move x off the kink.",
    )
    JUMP = (
        6,
        "The slope of f grows without limit towards x, by a jump or a singularity, so there is no "
        "derivative; look for a branch, rounding or a root inside f, or move x.",
    )
    UNRESOLVED = (
        7,
        "f varies faster than the steps could follow, so the value is only a guess; give a "
        "smaller `step`, or tell `noise` if the variation is f's own error.",
    )
    DOMAIN = (
        8,
        "No usable value of f was found beside x, f(x) itself is not finite, or `bounds` hold the "
        "entry fixed; move x inside f's domain, widen `bounds` or give a smaller `step`.",
    )
    NOT_COMPLEX_SAFE = (
        9,
        "f is not analytic in a complex argument, as with abs, norm, conj, sign or real inside, so "
        "the complex step is wrong; use method 'auto' or rewrite that part of f.",
    )
    BUDGET = (
        10,
        "`max_nfev` ran out before the accuracy asked for was reached, and this is the best found "
        "so far; raise `max_nfev` or `rtol`.",
    )

    def __new__(cls, code: int, message: str = "") -> Self:
        """Make a member, or find it by its code alone."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.message = message
        return member

    def __str__(self) -> str:
        return self.name

    def __format__(self, spec: str) -> str:
        return format(int(self) if spec.endswith(("d", "b", "o", "x", "X")) else self.name, spec)

    @property
    def trustworthy(self) -> bool:
        """Whether the value lies within its error bar as far as can be told."""
        return self in {Status.OK, Status.NOISE_LIMITED, Status.STOCHASTIC, Status.ONE_SIDED}


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Estimate(NDArrayOperatorsMixin):
    """A derivative with its error bar, which stands for its value wherever a value is meant.

    Arithmetic, comparison and NumPy's functions, ``float()``, ``round()``, ``format()``, ``abs()``,
    ``len()`` and iteration act on `value` and give plain numbers and arrays: no error bar is
    claimed for them. ``estimate[i]`` is the Estimate of some entries. All arrays have the shape of
    `value`; where that shape is ``()`` they are NumPy scalars.

    Parameters
    ----------
    value : array
        The derivative, in units of f per unit of x (to the order of the derivative); nan where
        there is none. Complex if f is.
    error : array of float
        Bound on ``abs(value - true)``, in units of `value`; inf where the value is a mere guess or
        missing, nan where a single step was asked for.
    status : array of uint8
        Codes of `Status`.
    step : array of float
        The smallest step used, in units of x.
    noise : array of float
        The standard deviation of f's own error that was used, in units of f.
    nfev : int
        At how many points f was evaluated, repetitions included.
    method : str
        The method that was used.
    left, right : array
        The one-sided derivatives at a kink, nan elsewhere.
    notes : tuple of str, optional
        Further sentences, such as the message of an exception that f raised.
    names : tuple of str, optional
        Of the entries of x, along the last axis of `value`, where x has names.
    named : int, default 1
        How many of the last axes the names belong to: 2 for a Hessian.

    Examples
    --------
    >>> scalar = np.float64
    >>> estimate = Estimate(
    ...     value=scalar(8.0), error=scalar(2.1e-9), status=np.uint8(0), step=scalar(0.01),
    ...     noise=scalar(1e-15), nfev=11, method="auto", left=scalar("nan"), right=scalar("nan"),
    ... )
    >>> print(estimate)
     value            error    digits
     8.0000000000  +- 2.1e-09       9
    method auto, 11 evaluations of f
    >>> 1.0 - estimate / 4
    np.float64(-1.0)
    """

    value: Floats
    error: Floats
    status: Codes
    step: Floats
    noise: Floats
    nfev: int
    method: str
    left: Floats
    right: Floats
    notes: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    named: int = 1

    @classmethod
    def of(cls, columns: dict[str, Any], **others: Any) -> Self:
        """Put an estimate together from all its fields, at once: setting each takes longer.

        `columns` is its own from then on.
        """
        estimate = object.__new__(cls)
        columns.update(others)
        object.__setattr__(estimate, "__dict__", columns)
        return estimate

    if not TYPE_CHECKING:  # an attribute that there is none of is an error for type checkers

        def __getattr__(self, name: str) -> Any:
            """Make an array that has waited until it is asked for; others say nothing."""
            column = self.__dict__.get("waiting", {}).get(name)
            if column is None and name not in {"left", "right"}:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            shape, column = np.shape(self.value), column() if type(column) is Later else column
            if column is None:
                array = np.full_like(self.value, math.nan)
            elif column.size == math.prod(shape):
                array = (column.T if self.__dict__.get("turned") else column).reshape(shape)
            else:  # alike for all outputs
                array = np.broadcast_to(column, shape)
            array = array if array.flags.writeable else array.copy()
            return self.__dict__.setdefault(name, array[()])

    @property
    def success(self) -> Any:
        """Whether each entry is trustworthy: a bool array of the shape of `value`."""
        return np.array([code.trustworthy for code in Status])[self.status]

    @property
    def status_names(self) -> Any:
        """The names of the codes in `status`: an array of its shape, or one name."""
        return np.array([code.name for code in Status])[self.status]

    @property
    def messages(self) -> tuple[str, ...]:
        """The distinct sentences of all entries' status, followed by the notes."""
        codes = np.unique(self.status)
        return *(Status(code).message for code in codes), *self.notes

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of `value`."""
        return np.shape(self.value)

    @property
    def ndim(self) -> int:
        """The number of axes of `value`."""
        return np.ndim(self.value)

    @property
    def size(self) -> int:
        """The number of entries of `value`."""
        return int(np.size(self.value))

    @property
    def T(self) -> Any:  # noqa: N802 - as NumPy calls it
        """The transpose of `value`, a plain array."""
        return np.transpose(self.value)

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists, numbers and strings, fit for strict JSON.

        Returns
        -------
        dict
            The fields by name, `success` and `messages`. Arrays are nested lists, codes are
            names of `Status`, complex arrays are dicts of a ``real`` and an ``imag`` list. JSON
            has no nan and no inf: they are None. `names` are there if x has some.
        """
        arrays = ("value", "error", "step", "noise", "left", "right")
        return {
            **{name: _plain(getattr(self, name)) for name in arrays},
            "status": self.status_names.tolist(),
            "success": self.success.tolist(),
            "nfev": int(self.nfev),
            "method": self.method,
            "messages": list(self.messages),
            "notes": list(self.notes),
            **({"names": list(self.names)} if self.names else {}),
        }

    def to_frame(self) -> Any:
        """Return a pandas data frame: one row for each entry, with value, error bar and status.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        try:
            from pandas import DataFrame  # noqa: PLC0415 - optional, and slow to load
        except ImportError as error:
            raise ImportError("`to_frame` needs pandas: pip install pandas") from error
        columns = {name: np.ravel(getattr(self, name)) for name in ARRAYS}
        columns["status"] = np.ravel(self.status_names)
        return DataFrame(columns, index=[_label(self, i) for i in range(self.size)])

    def __array__(
        self,
        dtype: DTypeLike | None = None,
        copy: bool | None = None,  # noqa: FBT001  (NumPy's protocol)
    ) -> Array:
        return np.array(self.value, dtype=dtype, copy=copy)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **keywords: Any) -> Any:
        """Let NumPy's functions, and by them all operators, act on values."""
        out = keywords.pop("out", ())
        if out and not any(isinstance(one, Estimate) for one in out):
            keywords["out"] = out  # an estimate is frozen: `estimate += 1` makes an array
        values = (one.value if isinstance(one, Estimate) else one for one in inputs)
        return getattr(ufunc, method)(*values, **keywords)

    def __getitem__(self, key: Any) -> Estimate:
        if self.ndim == 0 and key not in ((), Ellipsis):
            raise IndexError("this estimate is a single number: it has no entries to pick")
        chosen: dict[str, Any] = {name: getattr(self, name)[key] for name in ARRAYS}
        return replace(self, **chosen, names=self._names_at(key), named=1)

    def _names_at(self, key: Any) -> tuple[str, ...]:
        """Return the names along the last axis of what a key picks."""
        if not self.names:
            return ()
        numbers = np.broadcast_to(np.arange(len(self.names)), self.shape)[key]
        last = numbers.reshape(-1, np.shape(numbers)[-1] if np.ndim(numbers) else 1)[:1]
        return tuple(self.names[k] for k in last.ravel())

    def __len__(self) -> int:
        return len(self.value)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.value)

    def __float__(self) -> float:
        return float(self._number("float"))

    def __int__(self) -> int:
        return int(self._number("int"))

    def __complex__(self) -> complex:
        return complex(self._number("complex"))

    def _number(self, kind: str) -> Any:
        if self.size != 1:
            raise TypeError(
                f"{kind}() takes an estimate of one entry, this one has shape {self.shape}: pick "
                "one as in estimate[0], or use `value`"
            )
        return np.asarray(self.value).item()

    def __round__(self, digits: int | None = None) -> Any:
        if self.ndim == 0 and not np.iscomplexobj(self.value):
            return round(np.asarray(self.value).item(), digits)
        return np.round(self.value, digits or 0)

    def __format__(self, spec: str) -> str:
        if not spec:
            return str(self)
        if self.ndim == 0:
            return format(np.asarray(self.value).item(), spec)
        return np.array2string(self.value, formatter={"all": lambda entry: format(entry, spec)})

    def __bool__(self) -> bool:
        raise TypeError(
            "an Estimate is neither true nor false: ask `.success.all()` whether every entry is "
            "trustworthy, or compare `.value`"
        )

    def __str__(self) -> str:
        return "\n".join(_table(self))

    __repr__ = __str__  # at the prompt a table says more than a constructor would

    def _repr_html_(self) -> str:
        from html import escape  # noqa: PLC0415 - only notebooks need it

        return f"<pre>{escape(str(self))}</pre>"


class FlaggedError(Exception):
    """Some entries of a derivative are flagged, and `on_flag` is ``"raise"``.

    Parameters
    ----------
    estimate : Estimate
        The derivative as it was found; its table is the message.

    Examples
    --------
    >>> import numdiff as nd
    >>> try:
    ...     nd.derivative(abs, 0.0, on_flag="raise")
    ... except nd.FlaggedError as error:
    ...     print(error.estimate.status_names)
    KINK
    """

    def __init__(self, estimate: Estimate) -> None:
        super().__init__(estimate)
        self.estimate = estimate

    def __str__(self) -> str:
        return f"some entries are flagged\n{self.estimate}"


class FlaggedWarning(UserWarning):
    """Some entries of a derivative are flagged, and `on_flag` is ``"warn"``.

    Parameters
    ----------
    estimate : Estimate
        The derivative as it was found; its table is the message.

    Examples
    --------
    >>> import warnings
    >>> import numdiff as nd
    >>> with warnings.catch_warnings(record=True, action="always") as seen:
    ...     estimate = nd.derivative(abs, 0.0, on_flag="warn")
    >>> seen[0].category.__name__
    'FlaggedWarning'
    """

    def __init__(self, estimate: Estimate) -> None:
        super().__init__(estimate)
        self.estimate = estimate

    __str__ = FlaggedError.__str__


def _plain(array: Any) -> Any:
    if np.iscomplexobj(array):
        return {"real": _plain(np.real(array)), "imag": _plain(np.imag(array))}
    numbers = np.asarray(array).astype(object)
    numbers[~np.isfinite(array)] = None
    return numbers.tolist()


_ALL_SHOWN = 12  # entries up to which a table is complete
_SHOWN = 4  # of each kind in a longer one: first, worst flagged, last


def _table(estimate: Estimate) -> Iterator[str]:
    """Yield the lines of the table that stands for an estimate."""
    status = np.ravel(estimate.status)
    if status.size:
        yield from _aligned(_rows(estimate))
    else:
        yield f"no entries, shape {np.shape(estimate.value)}"
    for code in np.unique(status[status != Status.OK]):
        yield f"{Status(code).name} ({np.count_nonzero(status == code)}): {Status(code).message}"
    for note in estimate.notes:
        yield f"note: {note}"
    yield f"method {estimate.method}, {_counted(estimate.nfev, 'evaluation', 'evaluations')} of f"


def _rows(estimate: Estimate) -> Iterator[tuple[str, ...]]:
    value, error = np.ravel(estimate.value), np.ravel(estimate.error)
    status, flagged = np.ravel(estimate.status), ~np.ravel(estimate.success)
    shown = _shown(value, error, flagged)
    yield "", " value", "   error", "digits", "status" if status[shown].any() else ""
    after = 0
    for i in shown:
        if i > after:
            suspects = np.count_nonzero(flagged[after:i])
            entries = _counted(i - after, "entry", "entries")
            yield (f"... {entries} left out" + f", {suspects} flagged" * bool(suspects),)
        after = i + 1
        yield (
            _label(estimate, i),
            format_value(value[i], error[i]),
            f"+- {error[i]:.2g}",
            certain_digits(value[i], error[i]).rjust(6),
            "" if status[i] == Status.OK else Status(status[i]).name,
        )


def _label(estimate: Estimate, i: int) -> str:
    """Return what a table calls the i-th entry: its index, with names where x has some."""
    index = [str(axis) for axis in np.unravel_index(i, estimate.shape)]
    names = estimate.names
    if not names:
        return f"[{', '.join(index)}]" if index else ""
    if not index:
        return names[0]
    for axis in range(max(len(index) - estimate.named, 0), len(index)):
        index[axis] = names[int(index[axis])]
    return index[0] if len(index) == 1 else f"[{', '.join(index)}]"


def _shown(value: Array, error: Array, flagged: Mask) -> Array:
    """Return the positions that a table shows: all, or some at the ends and the worst flagged."""
    if value.size <= _ALL_SHOWN:
        return np.arange(value.size)
    suspects = np.flatnonzero(flagged)
    with np.errstate(all="ignore"):
        relative = np.nan_to_num(error[suspects] / np.abs(value[suspects]), nan=np.inf)
    worst = suspects[np.argsort(-relative, kind="stable")[:_SHOWN]]
    return np.unique(np.r_[:_SHOWN, worst, value.size - _SHOWN : value.size])


def _counted(number: int, noun: str, plural: str) -> str:
    return f"{number} {noun if number == 1 else plural}"


def _aligned(rows: Iterator[tuple[str, ...]]) -> Iterator[str]:
    """Yield the rows as lines with columns of equal width; a row of one cell spans them all."""
    table = list(rows)
    columns = zip(*(row for row in table if len(row) > 1), strict=True)
    widths = [max(map(len, column)) for column in columns]
    for row in table:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False) if width]
        yield "  ".join(cells).rstrip() if len(row) > 1 else row[0]


def format_value(value: Any, error: float) -> str:
    """Write a number down to the second digit of its error bar.

    Parameters
    ----------
    value : scalar
        Real or complex.
    error : float
        Its error bar. Where it is 0 all digits are written; where it is inf or nan, six.

    Returns
    -------
    str
        Starts with a minus sign or a blank.

    Examples
    --------
    >>> format_value(2 / 3, 2.1e-4)
    ' 0.66667'
    >>> format_value(1.5 - 2e-7j, 1e-3)
    ' 1.5000-2e-07j'
    """
    if np.iscomplexobj(value):
        real, imag = format_value(value.real, error), format_value(value.imag, error)
        return f"{real}{imag.replace(' ', '+')}j"
    if error == 0 or value == 0 or not math.isfinite(value):
        return f"{value: }"
    place = _exponent(value)
    digits = max(1, min(17, place - _exponent(error) + 2)) if math.isfinite(error) else 6
    decimals = digits - 1 - place
    if -5 < place < 7 and decimals >= 0:
        return f"{value: .{decimals}f}"
    return f"{value: .{digits - 1}e}"


def certain_digits(value: Any, error: float) -> str:
    """Say how many significant digits of a number its error bar leaves certain.

    Parameters
    ----------
    value : scalar
        Real or complex.
    error : float
        Its error bar.

    Returns
    -------
    str
        A count, "all" for an error bar of 0, "zero" for a zero within its bar, or "-" where there
        is no finite value or error bar.

    Examples
    --------
    >>> certain_digits(8.0, 2.1e-14)
    '14'
    """
    size = abs(value)
    if not (math.isfinite(size) and math.isfinite(error)):
        return "-"
    if error == 0:
        return "all"
    if size == 0:
        return "zero"
    return str(math.floor(math.log10(size) - math.log10(error)) if size > error else 0)


def _exponent(number: float) -> int:
    return math.floor(math.log10(abs(number)))
