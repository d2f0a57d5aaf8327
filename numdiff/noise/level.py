"""How noisy a function is: the size and the kind of f's own error at a point."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Unpack

import numpy as np

from numdiff.arrays import Array, Floats
from numdiff.constants import ROUNDING
from numdiff.drivers.derivatives import Problem
from numdiff.drivers.inexact import inexact
from numdiff.drivers.sampling import sample
from numdiff.evaluation.call import NOBODY, Call, bound, origin
from numdiff.geometry.directions import Directions, along
from numdiff.noise.pieces import OFFSETS as OFFSETS_OF_PIECES
from numdiff.noise.pieces import unsmooth
from numdiff.noise.quantum import stairs_of
from numdiff.options import as_vector, point_of, read
from numdiff.signatures import Measuring, public

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from numdiff.naming import Named
    from numdiff.signatures import Point


__all__ = ["NoiseEstimate", "noise_level"]

SENTENCES = MappingProxyType(
    {
        "rounding": "f is as exact as its rounding, about {level:.0e} (an error that is smooth "
        "over half of x, as that of a solver may be, does not show)",
        "deterministic": "f has an error of about {level:.0e}, the same at every call",
        "quantised": "f is rounded to about {quantum:.0e}",
        "pieces": "f has an error of about {level:.0e} that shows only far from x, as of a solver "
        "whose steps adapt: pass `accuracy`, its tolerance, for derivatives of the model behind it",
        "stochastic": "f differs between calls by about {level:.0e}",
    }
)
HALF = 8  # points on either side: standard deviations within a factor of 1.5 (More and Wild 2011)
ORDERS = 11  # of differences: the highest ones still have some values
MEDIAN = 0.6745  # of absolute normal errors, in standard deviations
ALIKE = 4.0  # levels of noise that differ by less are the same
OFFSETS = np.r_[-HALF:0, 1 : HALF + 1].astype(float)
SPACINGS = 2.0 ** -np.arange(4.0, 48.0, 4.0)  # of the size of x, down to its last bits
ORDINARY = 30.0  # roundings: what a few operations leave
SAME = 10.0  # roundings: values that differ by no more are the same
UNIFORM = math.sqrt(12.0)  # height of the steps of f over the standard deviation that they make
PLATEAU = 1.0 / 4.0  # of the noise: what f may change between points so that most share a plateau
CALLS = 8  # further calls at x, once two have differed
IRREGULAR = 0.7548776662466927  # the plastic ratio: multiples of it spread evenly and never repeat


@dataclass(frozen=True, eq=False)
class NoiseEstimate:
    """The error of f itself.

    Parameters
    ----------
    level : float or array
        Standard deviation of the error, in units of f, of f's shape.
    kind : str or array of str
        ``"rounding"``, ``"deterministic"``, ``"quantised"`` or ``"stochastic"``, of f's shape.
    nfev : int
        At how many points f was evaluated.
    message : str
        A sentence for each kind that occurs.

    Examples
    --------
    >>> print(noise_level(lambda x: round(x * x, 4), 1.5).kind)
    quantised
    """

    level: Any
    kind: Any
    nfev: int
    message: str

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists, numbers and strings."""
        level, kind = np.asarray(self.level).tolist(), np.asarray(self.kind).tolist()
        return {"level": level, "kind": kind, "nfev": self.nfev, "message": self.message}

    def __str__(self) -> str:
        return f"{self.message}\n{self.nfev} evaluations of f"


class _Noise(NamedTuple):
    """The noise of each of m outputs of an f that repeats itself, each array (m,)."""

    level: Floats  # nan where differences of all orders still fall: f itself, no noise
    rounding: Floats  # what f and x that are rounded make of it
    spacing: Floats  # at which the level was met
    change: Floats  # of f over that spacing
    quantum: Floats  # height of the steps of f where these are wider than the points are apart


@public(Measuring)
def noise_level(
    f: Callable[..., Any], x: Point, direction: Point | None = None, **options: Unpack[Measuring]
) -> NoiseEstimate:
    """Estimate the error of f itself near a point: its size and its kind.

    Parameters
    ----------
    f : callable
        ``f(x, *args)`` returns a number or an array of numbers. It gets a NumPy scalar if x is one.
    x : float, array of float, dict or Series
        The point.
    direction : array of float, optional
        Along which f is asked, of x's shape; by default one that moves every entry.
    **options
        The options of all, spelled out in the signature.

    Returns
    -------
    NoiseEstimate
        With ``level`` and ``kind`` of f's shape.

    Raises
    ------
    TypeError, ValueError
        If f, x, `direction` or an option is not allowed.

    Notes
    -----
    Differences of order k of values at equal distances leave nothing of a smooth f if k is large,
    while noise of standard deviation s keeps the mean square s**2 (2k)! / (k!)**2: More and Wild
    (2011), doi:10.1137/100786125. Here noise is believed where two distances, a factor of 16 apart,
    show the same; f that changes in steps is seen by its plateaus. Where that shows nothing f is
    asked for 48 values over x -+ a half, for the error of solvers, which is smooth close to x.

    Examples
    --------
    >>> noise_level(math.exp, 1.0).kind
    'rounding'
    """
    point, layout = point_of(x)
    settings = read(f, point, layout, **options)
    if not point.size:
        raise ValueError("`x` must hold at least one number, got an empty array")
    inner = bound(f if layout is None else layout.inward(f), settings.args, settings.kwargs)
    asking = settings.asking
    evaluator = None if asking is None else asking.evaluator(inner, inner)
    call = Call(inner, point.shape, scalar=point.ndim == 0, evaluator=evaluator)
    with call.evaluator or NOBODY:
        way = _direction(point, direction, layout).ravel()
        return _measured(call, point, way, settings.accuracy)


def _measured(call: Call, point: Floats, direction: Floats, accuracy: float) -> NoiseEstimate:
    """Estimate the error of f from values along a direction and from further ones at x."""
    centre = origin(call, point)
    f0, again = centre.rows[0], origin(call, point).rows[0]
    differs = (again != f0) & np.isfinite(f0)
    problem = Problem(call, point.ravel(), centre.form, f0, nfev=2)
    line = along(direction)
    look = partial(_values, problem, line, f0)
    with np.errstate(all="ignore"):  # values outside the domain are nan here
        noise, nfev = _deterministic(look, f0.size)
        quantum, more = _plateaus(look, noise)
        seen = np.where(quantum > 0.0, quantum / UNIFORM, np.fmax(noise.level, noise.rounding))
        level, most = _farther(problem, line, seen, ORDINARY * noise.rounding)
    if accuracy:
        told = inexact(problem, accuracy, None)
        least: Any = told.noise
        level, nfev = np.fmax(level, least), nfev + told.nfev - problem.nfev
    if differs.any():
        repeated = [f0, again, *(origin(call, point).rows[0] for _ in range(CALLS))]
        level[differs] = np.std(repeated, axis=0, ddof=1)[differs]
    nfev += problem.nfev + more + most + (CALLS if differs.any() else 0)
    sentences = np.select(
        [differs, quantum > 0.0, level > np.fmax(seen, ORDINARY * noise.rounding),
         level > ORDINARY * noise.rounding],
        ["stochastic", "quantised", "pieces", "deterministic"],
        "rounding",
    )  # fmt: skip
    outputs = centre.form.unpack(np.arange(level.size)).real.astype(int)  # real parts come first
    level, quantum, sentences = level[outputs], quantum[outputs], sentences[outputs]
    kinds = np.where(sentences == "pieces", "deterministic", sentences)
    size, kind = (_shaped(column, centre.form.shape) for column in (level, kinds))
    return NoiseEstimate(size, kind, nfev, _sentences(level, quantum, sentences))


def _farther(
    problem: Problem, line: Directions, level: Floats, ordinary: Floats
) -> tuple[Floats, int]:
    """Return the noise with that of pieces, where f looks exact from close by, and the cost."""
    exact = level <= ordinary
    if not exact.any():
        return level, 0
    wide = sample(problem.probing(), line, OFFSETS_OF_PIECES, np.ones(1))
    error = unsmooth(wide.values[:, 0])
    return np.where(exact & (error > ordinary), error, level), wide.nfev


def _direction(point: Floats, direction: Point | None, layout: Named | None) -> Floats:
    """Return the direction, scaled so that a step of 1 is of the size of x."""
    numbers = np.arange(1.0, point.size + 1.0).reshape(point.shape)
    sizes = np.abs(point)
    if direction is None:
        irregular = 0.5 + np.mod(IRREGULAR * numbers, 1.0)
        return np.asarray(irregular * np.where(sizes > 0.0, sizes, sizes.max(initial=0.0) or 1.0))
    vector = as_vector(direction, point, "direction", layout)
    if not vector.any():
        raise ValueError("`direction` must not be zero: give a vector along which f can be asked")
    return np.asarray(vector * ((float(sizes.max()) or 1.0) / float(np.abs(vector).max())))


def _deterministic(look: Callable[[float], Floats], outputs: int) -> tuple[_Noise, int]:
    """Return the noise of f where it is asked once everywhere, and the cost."""
    unknown = np.full(outputs, math.nan)
    noise = _Noise(unknown, unknown, unknown, unknown, np.zeros(outputs))
    before, step, nfev = unknown, unknown, 0
    for spacing in SPACINGS:
        values, nfev = look(spacing), nfev + OFFSETS.size
        change = np.abs(np.diff(values, axis=0)).max(axis=0)
        rounding = ROUNDING * (np.abs(values).max(axis=0) + change / spacing)  # that of x as well
        level, height = _differences(values), _step(values, SAME * rounding)
        steady = (level <= ALIKE * before) & (before <= ALIKE * level)
        steps = (step > 0.0) & ((height == 0.0) | (np.abs(height - step) <= SAME * rounding))
        quantum, open_ = np.where(steps, step, 0.0), np.isnan(noise.level)
        level_now = np.where(steps, step / UNIFORM, np.where(steady, level, math.nan))
        now = _Noise(level_now, rounding, np.full(level.shape, spacing), change, quantum)
        noise = _Noise(*(np.where(open_, new, old) for new, old in zip(now, noise, strict=True)))
        before, step = level, height
        if not np.isnan(noise.level).any():
            break
    return noise, nfev


def _plateaus(look: Callable[[float], Floats], noise: _Noise) -> tuple[Floats, int]:
    """Return the height of the steps of f where it changes in steps, else 0, and the cost."""
    quantum = noise.quantum.copy()
    noisy = (noise.level > ORDINARY * noise.rounding) & (quantum == 0.0)
    if not noisy.any():
        return quantum, 0
    # noise changes as much however close the points are, and f itself hardly
    closer = noise.spacing * np.minimum(PLATEAU * noise.level / noise.change, 1.0)
    spacing = max(float(closer[noisy].min()), float(SPACINGS[-1]))
    stairs = stairs_of(look(spacing), SAME * noise.rounding)
    # where all points share one plateau its height follows from the noise
    height = np.where(np.isfinite(stairs.height), stairs.height, UNIFORM * noise.level)
    stepped = noisy & (stairs.still >= HALF)
    quantum[stepped] = height[stepped]
    return quantum, OFFSETS.size


def _values(problem: Problem, line: Directions, f0: Floats, spacing: float) -> Floats:
    """Return equidistant values of f with x in the middle, (2 * HALF + 1, m)."""
    if spacing > SPACINGS[-1]:  # closer points tell as much
        problem = problem.probing()
    samples = sample(problem, line, OFFSETS, np.array([spacing]))
    return np.insert(samples.values[:, 0], HALF, f0, axis=0)


def _step(values: Floats, bits: Floats) -> Floats:
    """Return the height of a few steps of one size in values (N, m): 0 if all are still, or nan."""
    stairs = stairs_of(values, bits)
    height = np.where(np.isfinite(stairs.height), stairs.height, 0.0)
    return np.where(stairs.alike & (stairs.still >= HALF), height, math.nan)


def _differences(values: Floats) -> Floats:
    """Return the noise that differences of equidistant values (N, m) show, nan where they fall."""
    largest = np.abs(values).max(axis=0)
    table, levels, flips = values / np.where(largest > 0.0, largest, 1.0), [], []
    for order in range(1, ORDERS + 1):
        table = np.diff(table, axis=0)
        # the median: a jump or a kink among the points is in few differences of low order
        spread = np.median(np.abs(table), axis=0) / MEDIAN
        levels.append(spread / math.sqrt(math.comb(2 * order, order)))
        flips.append(table.min(axis=0) * table.max(axis=0) < 0.0)
    sizes, signs = np.array(levels), np.array(flips)
    three = np.stack([sizes[:-2], sizes[1:-1], sizes[2:]])
    flat = (three.max(axis=0) <= ALIKE * three.min(axis=0)) & signs[:-2]
    usable = flat.any(axis=0) & np.isfinite(values).all(axis=0)
    chosen = np.take_along_axis(sizes, flat.argmax(axis=0)[None], axis=0)[0]
    return np.where(usable, chosen * largest, math.nan)


def _sentences(level: Floats, quantum: Floats, kinds: NDArray[np.str_]) -> str:
    """Write a sentence for each kind, with the largest level of those outputs."""
    sentences = []
    for kind, sentence in SENTENCES.items():
        chosen = kinds == kind
        if chosen.any():
            sizes = {"level": level[chosen].max(), "quantum": quantum[chosen].max()}
            several = f" ({np.count_nonzero(chosen)} outputs)" if kinds.size > 1 else ""
            sentences.append(sentence.format(**sizes) + several)
    return "; ".join(sentences)


def _shaped(columns: Array, shape: tuple[int, ...]) -> Any:
    entry = columns.reshape(shape)
    return entry.item() if shape == () else entry
