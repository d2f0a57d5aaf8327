"""The derivative along a direction from six values of f, with a bar.

Central differences at three steps, each an eighth of the one before, are extrapolated; what they
disagree by, and what the sums of opposite values leave, tells the noise, so that nothing is assumed
of how f rounds. For x of any size six values of f are all it costs, and a few copies of x.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np

from numdiff.drivers.inexact import SHARE
from numdiff.evaluation.call import Call, Form, evaluate
from numdiff.verify.arrays import EPS, Floats, Ints, Mask
from numdiff.verify.rule import size_of

HEAVIEST = 1.5  # weights lie in [1/2, 3/2]: none can hide an entry, and no two cancel exactly
FIRST = 2.0**-10  # of the size of x: what its fourth power leaves is rounding
NEAREST = 0.5  # of the fourth root of the accuracy of f: what is left of smooth f is as small
HALFWAY = 0.5  # of the size of x: where f that is rounded changes too, and x keeps its sign
RATIO = 8.0  # between steps: three of them follow f over scales down to that part of x
FALLING = RATIO ** -np.arange(3.0)
CLOSER = (1.0, 2.0**-9, 2.0**-18)  # where f is not defined at some step, all of them shrink
REMAINDER = 1.0 / (RATIO**2 - 1.0)  # Richardson's weight: the error of a step goes with its square
MINUTE = 1e-7  # of the median size: what is smaller than this moves f by its last digits
DIGITS = 53  # of a double, binary
DEVIATIONS = 3.0  # of the noise
DISTRUST = 4.0  # of the bar: the noise is known from two numbers only
NOISY = 100.0  # roundings
SENTENCES = (  # what a Doubt says of f, and what to do about it
    "the bars are wider than the agreement asked for: rounding of f covers its derivative",
    "f is noisy well above rounding: compute f more accurately, or accept a larger rtol",
    "f has a kink at x along the direction: move x off it",
    "f varies faster than the steps could follow",
    "f is not defined on both sides of x: move x inwards",
)


class Doubt(IntEnum):
    """What makes the bar of a slope."""

    ROUNDED, ROUGH, KINKED, FAST, OUTSIDE = range(5)


class Told(NamedTuple):
    """What is known of the error of f beforehand: its standard deviation, its relative accuracy."""

    noise: float | None = None
    accuracy: float = 0.0

    @property
    def first(self) -> float:
        """The first step, in sizes of x: the larger the less exact f is."""
        return max(FIRST, NEAREST * math.sqrt(math.sqrt(self.accuracy)))

    def least(self, size: Floats) -> Floats:
        """Return the least noise to reckon with where f is of this size."""
        return np.fmax(self.noise or 0.0, SHARE * self.accuracy * size)


class Pairs(NamedTuple):
    """Values of m outputs on both sides of x."""

    steps: Floats  # (P,)
    odd: Floats  # (P, m): central differences
    even: Floats  # (P, m): sums
    size: Floats  # (m,): largest absolute value
    grain: Floats  # (m,): power of two of which all values are multiples, as of single precision
    still: Mask  # (m,): where f did not change at all
    form: Form
    trouble: Exception | None


class Slope(NamedTuple):
    """The derivative of m outputs along a direction: where nothing is known the bar is inf."""

    value: Floats
    bar: Floats
    noise: Floats  # standard deviation of the error of f
    doubt: Ints  # a Doubt: what makes the bar
    pairs: Pairs  # at three steps
    still: Mask  # where f did not change at all, nor further away
    nfev: int

    def distance(self, value: Any, rows: Any) -> Floats:
        """Return how far the middle one of the central differences is from other values."""
        return np.asarray(np.median(np.abs(self.pairs.odd[:, rows] - value), axis=0))

    def noise_of(self, rows: Any, told: Told) -> Any:
        """Return what an operator is to know of the noise of some outputs."""
        rough = (self.doubt[rows] == Doubt.ROUGH).all()
        return self.noise[rows] if told.accuracy or (told.noise is None and rough) else told.noise


def scales(x: Floats, room: Floats | float) -> Floats:
    """Return the size of each entry of x: a zero has that of the others, and bounds leave room."""
    return within(size_of(x, math.inf), room)


def within(sizes: Floats, room: Floats | float) -> Floats:
    """Return sizes, shortened so that no step along a direction leaves the room."""
    return np.minimum(sizes, room / (HEAVIEST * HALFWAY))


def minute(x: Floats) -> Floats:
    """Return the sizes of entries far smaller than the others, as if they were zero, 0 elsewhere.

    Along a direction that is scaled like x they hardly move f.
    """
    size = size_of(x, math.inf)
    typical = float(np.median(size)) if size.size else 0.0
    return np.where((x != 0.0) & (size < MINUTE * typical), typical, 0.0)


def directions(sizes: Floats, seed: int | np.random.Generator) -> Iterator[Floats]:
    """Yield random directions scaled like x, without end."""
    random = np.random.default_rng(seed)
    while True:
        weights = random.uniform(2.0 - HEAVIEST, HEAVIEST, sizes.size)
        weights[random.random(sizes.size) < 0.5] *= -1.0
        yield weights * sizes


def slope(call: Call, x: Floats, v: Floats, *, size: Floats | float, told: Told) -> Slope:
    """Differentiate f along v from six values.

    Parameters
    ----------
    call : Call
        How f is called.
    x, v : array (n,)
        The point and the direction, which is scaled like x.
    size : float or array (m,)
        Of the derivative along such directions: the rounding of x itself shows that much.
    told : Told
        What is known of the error of f.

    Returns
    -------
    Slope
        Of the plain and the extrapolated differences the one with the least bar, each output for
        itself: Richardson (1911), doi:10.1098/rsta.1911.0009.

    Raises
    ------
    ValueError
        If f is complex, or does not have as many outputs as `size`.
    Exception
        What f raised, if it cannot be evaluated anywhere beside x.
    """
    nfev = 0
    for closer in CLOSER:
        steps = FALLING * told.first * closer
        nfev += 2 * steps.size
        pairs = _pairs(call, x, v, steps)
        if np.isfinite(pairs.odd[1:]).all():
            break
    if pairs.trouble is not None and not np.isfinite(pairs.odd).any():
        raise pairs.trouble
    if pairs.form.is_complex or np.size(size) not in (1, pairs.size.size):
        kind = "complex" if pairs.form.is_complex else "real"
        raise ValueError(
            f"the derivative along a vector has {np.size(size)} real entries, but f returns "
            f"{kind} values of shape {pairs.form.shape}"
        )
    with np.errstate(all="ignore"):  # rows that are not finite are told by their bars
        best = _best(pairs, size, told)._replace(nfev=nfev)
    # the smallest step may be too small to change f where others are not
    lost = (pairs.odd[-1] == 0.0) & (pairs.odd != 0.0).any(axis=0)
    stuck = pairs.still | (lost & (size > 0.0))
    return _stirred(call, x, v, best, stuck) if stuck.any() else best


def _stirred(call: Call, x: Floats, v: Floats, near: Slope, stuck: Mask) -> Slope:
    """Tell f that is rounded, and stuck for that reason, from one that does not change at all."""
    far = _pairs(call, x, v, np.array([HALFWAY]), near.pairs.form)
    constant = near.still & far.still
    rounded = stuck & ~constant
    bar = np.where(constant, DISTRUST * spread(EPS * far.size, near.pairs.steps[0]), near.bar)
    return near._replace(
        bar=np.where(rounded, math.inf, bar), still=constant,
        doubt=np.where(rounded, Doubt.ROUGH, np.where(constant, Doubt.ROUNDED, near.doubt)),
        nfev=near.nfev + 2,
    )  # fmt: skip


def short_slope(call: Call, x: Floats, v: Floats, like: Slope) -> tuple[Floats, Floats]:
    """Differentiate along a similar direction from four values: the derivative and its error."""
    steps = like.pairs.steps[:2]
    first, second = _pairs(call, x, v, steps, like.pairs.form).odd
    value = second + REMAINDER * (second - first)
    return value, np.abs(value - second) + spread(like.noise, steps[1])


def _pairs(call: Call, x: Floats, v: Floats, steps: Floats, form: Form | None = None) -> Pairs:
    """Ask for f at x + t v and x - t v, a pair at a time: a few copies of x are all it takes."""
    values, trouble = [], None
    for t in steps:
        pair = evaluate(call, np.stack([x + t * v, x - t * v]), form)
        trouble = trouble or pair.trouble
        form = pair.form if pair.trouble is None else form
        values.append(pair.rows)
    width = max(rows.shape[1] for rows in values)
    # where f raised, an array may look like a number
    table = np.stack([np.broadcast_to(rows, (2, width)) for rows in values])
    with np.errstate(all="ignore"):
        odd = (table[:, 0] - table[:, 1]) / (2.0 * steps[:, None])
    still = (table == table[0, 0]).all(axis=(0, 1))
    size = np.abs(table).max(axis=(0, 1))
    form = form or pair.form
    return Pairs(steps, odd, table.sum(axis=1), size, _grain(table), still, form, trouble)


def _grain(table: Floats) -> Floats:
    """Return the last binary digit that any of the values of each output has."""
    fractions, exponents = np.frexp(np.where(np.isfinite(table), table, 0.0))
    whole = np.ldexp(fractions, DIGITS).astype(np.int64)
    last = np.ldexp((whole & -whole).astype(np.float64), exponents - DIGITS)
    least = np.where(last > 0.0, last, math.inf).min(axis=(0, 1))
    return np.where(np.isfinite(least), least, 0.0)


def _best(pairs: Pairs, size: Floats | float, told: Told) -> Slope:
    """Choose the difference with the least error."""
    odd, t = pairs.odd, pairs.steps
    coarse = odd[1] + REMAINDER * (odd[1] - odd[0])
    fine = odd[2] + REMAINDER * (odd[2] - odd[1])
    partial = np.isnan(odd[0])  # outside the domain at the first step
    gap = np.where(partial, np.abs(odd[2] - odd[1]), np.abs(fine - coarse))
    rounding = np.fmax(pairs.grain, EPS * pairs.size) + EPS * size
    # how far the sums are from a parabola: noise or a kink
    even, part = pairs.even, (t[1] ** 2 - t[2] ** 2) / (t[0] ** 2 - t[2] ** 2)
    bent = np.abs(even[1] - even[2] - part * (even[0] - even[2]))
    # at a kink they grow like the step: between noise, which does not grow, and its square
    growth = (even[0] - even[1]) / (even[1] - even[2])
    kinked = (growth > math.sqrt(RATIO)) & (growth < RATIO * math.sqrt(RATIO))
    scatter = np.fmax(math.sqrt(2.0) * gap * t[2], bent / 2.0)
    level = np.fmax(np.fmax(rounding, told.least(pairs.size)), scatter)
    values = np.stack([odd[0], coarse, fine])
    # an extrapolated value is off by less than what it was corrected by
    left = np.fmin(np.abs(coarse - odd[1]), gap), np.fmin(np.abs(fine - odd[2]), gap / 4.0)
    truncation = np.stack([np.abs(odd[0] - coarse), *left])
    errors = np.stack([part + spread(level, s) for part, s in zip(truncation, t, strict=True)])
    errors = np.where(np.isfinite(errors), errors, math.inf)
    best = errors.argmin(axis=0)[None]
    value, error = (np.take_along_axis(table, best, axis=0)[0] for table in (values, errors))
    fine_grain = EPS * (pairs.size + size)
    # truncation falls with the square of the step, within a factor of RATIO; noise grows
    fall = np.abs(odd[1] - odd[2]) / np.abs(odd[0] - odd[1])
    settling = (fall < RATIO**-1) & (fall > RATIO**-3) & (pairs.grain <= NOISY * fine_grain)
    rough = level > NOISY * np.fmin(rounding, fine_grain)
    doubt = np.select(
        [~np.isfinite(error), kinked & (bent > NOISY * rounding), rough & settling, rough],
        [Doubt.OUTSIDE, Doubt.KINKED, Doubt.FAST, Doubt.ROUGH],
        Doubt.ROUNDED,
    )
    return Slope(value, DISTRUST * error, level, doubt, pairs, pairs.still, 0)


def spread(noise: Floats, t: Floats | float) -> Floats:
    """Return what noise of f makes of a central difference."""
    return np.asarray(DEVIATIONS * noise / (math.sqrt(2.0) * t))
