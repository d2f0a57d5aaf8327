"""What is remembered of f from point to point, and what a pair of values says with it.

Along entry i the values of f at x + a and x + b, a and b of either sign, and f(x) give the slopes
(f(x + a) - f(x)) / a = f' + S a / 2 + C a^2 + ..., with S the second derivative and C a sixth of
the third. Without S they tell f' = D + C a b: a central difference where b = -a, and one on the
roomy side of a bound as well. C comes from the last pairs that were wide enough to see it.
Everything here is a function of values: nothing calls f.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from numdiff.arrays import Codes, Floats, Ints, Mask
from numdiff.constants import EPS, OK, ROUNDING
from numdiff.geometry.domain import Box

SIGMAS = 3.4  # standard deviations of noise in a bar, as in the ladder
EVIDENT = 15.0  # so many of them in a second difference are no noise: six of its own
TURNS = 8  # every so many calls an entry gets a second pair in any case
WIDER = 4.0  # the second pair is so many times wider
LEAST = 2.0**-20  # the smallest step, of the widest one
ROOT6 = 6.0**0.5  # of the noise of f is in a second difference times h^2
TINY = 1e-290  # noise of an f that is zero everywhere


class Memory(NamedTuple):
    """What is known of n entries of x and m outputs.

    Parameters
    ----------
    reach : array (n,)
        The widest step at which the model is known to hold; nan where nothing is known.
    width : array (n,)
        The width of the pairs that saw it first, a 32nd of the size of x where f lets them.
    third, drift, second : array (n, m)
        C, its last change, and S.
    noise, size : array (n, m)
        Standard deviation of the error of f, and abs(f) where it was seen; 0 where it does not go
        with abs(f).
    status : array (n, m)
        What the last full look said.
    seen : array (n,)
        Entries of x where C was seen.
    calls : int
        How many derivatives were taken.
    """

    reach: Floats
    width: Floats
    third: Floats
    drift: Floats
    second: Floats
    noise: Floats
    size: Floats
    status: Codes
    seen: Floats
    calls: int = 0

    @classmethod
    def empty(cls, n: int, m: int) -> Memory:
        """Return the memory of nothing."""
        unknown, zero = np.full(n, np.nan), np.zeros((n, m))
        return cls(unknown, unknown, *[zero] * 5, zero.astype(np.uint8), unknown)

    def pick(self, rows: Ints) -> Memory:
        """Return the memory of some entries."""
        fields: list[Any] = [column[rows] for column in self[:-1]]
        return Memory(*fields, self.calls)

    def put(self, rows: Ints, part: Memory) -> Memory:
        """Return the memory with some entries replaced."""
        fields: list[Any] = []
        for whole, new in zip(self[:-1], part[:-1], strict=True):
            column = whole.copy()
            column[rows] = new
            fields.append(column)
        return Memory(*fields, self.calls)


class Pairs(NamedTuple):
    """Differences from pairs along K entries, m outputs: (K, m) each, of offsets (K, 1)."""

    slope: Floats  # D
    second: Floats  # S + 2 C (a + b)
    product: Floats  # a b, negative between
    gain: Floats  # standard deviations of noise in D
    total: Floats  # a + b
    rounding: Floats  # of the values


def noise_at(memory: Memory, f0: Floats) -> Floats:
    """Return the noise to expect where f is f0, (n, m).

    A sum of squares keeps the rounding of its terms as it falls, so rounding falls with its root;
    that of residuals does not fall.
    """
    size = np.abs(f0)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = size / memory.size
        scale = np.maximum(ratio, np.sqrt(ratio) if size.size == 1 else 1.0)
    scale[memory.size == 0.0] = 1.0
    return np.asarray(np.maximum(memory.noise * scale, ROUNDING * size + TINY))


def bend_of(memory: Memory) -> Floats:
    """Return by how much C may be off: half of it, its last change, and what S makes likely.

    A third derivative that is not there, as at the top of a bell, will be after the next step.
    """
    likely = np.abs(memory.second) / (6.0 * 32.0 * memory.width[:, None])
    return np.asarray(np.abs(memory.third) / 2.0 + memory.drift + likely)


def steps(memory: Memory, noise: Floats) -> Floats:
    """Return the steps at which truncation and noise weigh alike, powers of two, (n,).

    With many outputs each counts in units of its noise.
    """
    with np.errstate(divide="ignore"):
        best = np.cbrt(1.2 / (bend_of(memory) / noise).mean(1))
    best = np.minimum(np.maximum(best, LEAST * memory.width), memory.reach)
    return np.asarray(np.ldexp(0.5, np.frexp(best)[1]))


def places(x: Floats, h: Floats, box: Box | None) -> tuple[Floats, Floats]:
    """Return where pairs of these steps lie: around x, or on its roomy side, (K,) each."""
    low, high = x - h, x + h
    if box is None:
        return low, high
    below, above = x - box.lower, box.upper - x
    inside = (below >= h) & (above >= h)
    if inside.all():
        return low, high
    step = np.minimum(h, np.maximum(below, above) / 2.0)
    step = np.where(above >= below, step, -step)
    near, far = np.where(inside, low, x + step), np.where(inside, high, x + 2.0 * step)
    return np.clip(near, box.lower, box.upper), np.clip(far, box.lower, box.upper)


def differences(offsets: Floats, values: Floats, f0: Floats) -> Pairs:
    """Return what pairs say: offsets (2, K), values (2, K, m)."""
    a, b = offsets[:, :, None]
    product, total, wide = a * b, a + b, b - a
    with np.errstate(all="ignore"):
        near, far = (values - f0) / offsets[:, :, None]
        slope = (b * near - a * far) / wide
        second = 2.0 * (far - near) / wide
        gain = np.sqrt((b * b / a / a + a * a / b / b) / wide**2 + (total / product) ** 2)
    rounding = ROUNDING * np.abs(values).max(0)
    return Pairs(slope, second, product, gain, total, rounding)


def disagree(one: Floats, other: Floats, noise: Floats, product: Floats, part: float) -> Mask:
    """Say where second derivatives differ, by a part of the larger and by more than noise."""
    units = 1.0 / noise
    apart, sizes = np.abs(one - other) * units, np.maximum(np.abs(one), np.abs(other)) * units
    if units.shape[1] > 1:
        apart, sizes = (np.sqrt((a * a).mean(1)) for a in (apart, sizes))
    else:
        apart, sizes = apart[:, 0], sizes[:, 0]
    return np.asarray(~(apart <= part * sizes + EVIDENT / np.abs(product[:, 0])))


def answers(memory: Memory, pairs: Pairs, noise: Floats) -> tuple[Floats, Floats]:
    """Return derivatives and their bars."""
    value = pairs.slope + memory.third * pairs.product
    bar = bend_of(memory) * np.abs(pairs.product) + SIGMAS * noise * pairs.gain + 2.0 * EPS * np.abs(value)
    return value, bar


def learnt(memory: Memory, x: Floats, near: Pairs, far: Pairs, noise: Floats) -> Memory:
    """Return the memory of entries after a second, wider pair; nothing where both disagree."""
    with np.errstate(all="ignore"):
        third = (far.slope - near.slope) / (near.product - far.product)
        second = near.second - 2.0 * third * near.total
        wide = far.second - 2.0 * third * far.total
        bad = disagree(second, wide, noise, near.product, 0.3)
        reach = np.sqrt(np.abs(far.product[:, 0]))
    size = np.maximum(np.abs(x), 1.0) / 32.0
    width = np.minimum(2.0 * memory.width, np.maximum(size, memory.width))
    reach = np.where(bad, np.nan, np.minimum(reach, width))
    drift = np.maximum(np.abs(third - memory.third), memory.drift / 2.0)
    return memory._replace(
        reach=reach, width=width, third=third, drift=drift, second=second, seen=x
    )


def noise_seen(memory: Memory, near: Pairs, far: Pairs) -> Floats:
    """Return the noise that second differences of two widths show, each output's largest, (m,).

    They differ by the fourth derivative too, which weighs little at steps that noise has chosen.
    """
    shift = near.second - far.second - 2.0 * memory.third * (near.total - far.total)
    seen = np.abs(shift * near.product)[np.isfinite(memory.reach)]
    return np.asarray(seen.max(0, initial=0.0) / ROOT6)


def first_seen(slope: Floats, pairs: Pairs, noise: Floats) -> tuple[Floats, Floats, Mask]:
    """Return C and S from slopes that are known and one pair, and whether they hold, (K,)."""
    with np.errstate(all="ignore"):
        third = (slope - pairs.slope) / pairs.product
        second = pairs.second - 2.0 * third * pairs.total
        shift = np.abs(third * pairs.product)
        size = np.abs(slope) + np.abs(pairs.second) * np.sqrt(np.abs(pairs.product))
        good = shift <= size / 4.0 + 5.0 * noise * pairs.gain
    return third, second, good.all(1) & np.isfinite(second).all(1)


def is_relative(status: Codes, noise: Floats, f0: Floats) -> Mask:
    """Say whether rounding explains the noise, so that it goes with abs(f)."""
    return np.asarray((status == OK) & (noise <= 64.0 * ROUNDING * np.abs(f0)))
