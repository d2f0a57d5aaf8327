"""What is remembered of f from point to point, and what a pair of values says with it.

Along entry i the values of f at x + a and x + b, a and b of either sign, and f(x) give the slopes
(f(x + a) - f(x)) / a = f' + S a / 2 + C a^2 + ..., with S the second derivative and C a sixth of
the third. Without S they tell f' = D + C a b: a central difference where b = -a, and one on the
roomy side of a bound as well. C comes from the last pairs that were wide enough to see it.
Everything here is a function of values: nothing calls f.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from numdiff.arrays import Array, Codes, Floats, Ints, Mask
from numdiff.constants import EPS, OK, ROUNDING
from numdiff.geometry.domain import Box

SIGMAS = 3.4  # standard deviations of noise in a bar
EVIDENT = 15.0  # so many of them in a second difference are no noise: six of its own
ROOT6 = 6.0**0.5  # of the noise of f is in a second difference times h^2
FAR_OFF = 4.0  # steps of a pair: who has moved by more sees something else
ACCOUNTS = 8.0  # times what second derivatives make of a slope on the way: more is none of theirs
SLOWLY, SLIGHT = 0.1, 0.02  # of what bends over a pair, and of a slope: so much slopes may differ
# of the slope of a pair: a wider one has less, a quarter or so, beyond both ends of a step of f
LEVELLED = 0.4
LEAST = 2.0**-20  # the smallest step, of the widest one
PART = 32.0  # x is so many times as large as the widest step
STALE = 16.0  # widest steps that an entry may move before C is looked at again: half of x
SINGLE = 2.0**-20  # noise as large as this part of f may be that of single precision
TINY = 1e-290  # noise of an f that is zero everywhere
HUSHED = 4.0  # times that noise may be expected to fall before somebody listens
RETUNED = 2.0  # steps are chosen anew where noise has changed by that

REACH, WIDTH, SEEN, STEP, LAST = range(5)
THIRD, DRIFT, SECOND, BEND, NOISE, SLOPE, HIDDEN = range(7)


class Memory(NamedTuple):
    """What is known of n entries of x and m outputs.

    Parameters
    ----------
    places : array (5, n)
        Of each entry the widest step at which the model is known to hold, nan where nothing is
        known; the widest one at all, a 32nd of the size of x where f lets it; x where C was seen;
        the step; x at the last answer.
    shapes : array (7, n, m)
        C, its last change, S, by how much C may be off, the standard deviation of the error of f,
        the last answer, and what the bar of the last full look hides.
    status : array (n, m)
        What the last full look said.
    size : array (m,)
        abs(f) above which the noise grows with it: where it was seen, or what single precision
        would make of it.
    falls : array (m,)
        Whether the noise is rounding, which falls with abs(f) too.
    tuned : array (m,)
        How the noise had changed since then when the steps were chosen.
    heard : array (m,)
        The same for when it was last listened to.
    whole : bool
        Whether something is known of every entry.
    calls : int
        How many derivatives were taken.
    """

    places: Floats
    shapes: Floats
    status: Codes
    size: Floats
    falls: Mask
    tuned: Floats
    heard: Floats
    whole: bool = False
    calls: int = 0

    @classmethod
    def empty(cls, n: int, m: int) -> Memory:
        """Return the memory of nothing."""
        shapes, status = np.zeros((7, n, m)), np.zeros((n, m), np.uint8)
        places, ones = np.full((5, n), np.nan), np.ones(m)
        return cls(places, shapes, status, ones, np.zeros(m, np.bool_), ones, ones)

    def pick(self, rows: Ints) -> Memory:
        """Return the memory of some entries."""
        return self._replace(
            places=self.places[:, rows], shapes=self.shapes[:, rows], status=self.status[rows]
        )

    def put(self, rows: Ints, part: Memory) -> Memory:
        """Return the memory with some entries replaced."""
        places, shapes, status = self.places.copy(), self.shapes.copy(), self.status.copy()
        places[:, rows], shapes[:, rows], status[rows] = part.places, part.shapes, part.status
        whole = not np.isnan(places[REACH]).any()
        return self._replace(places=places, shapes=shapes, status=status, whole=bool(whole))

    def with_noise(self, noise: Floats) -> Memory:
        """Return the memory with other noise, (n, m)."""
        shapes = self.shapes.copy()
        shapes[NOISE] = noise
        return self._replace(shapes=shapes)

    def answered(self, x: Floats, value: Floats) -> Memory:
        """Return the memory with the last answer, (n, m), and where that was."""
        places, shapes = self.places.copy(), self.shapes.copy()
        places[LAST], shapes[SLOPE] = x, value
        return self._replace(places=places, shapes=shapes)

    def known(self) -> Mask:
        """Say of which entries something is known."""
        return np.asarray(np.isfinite(self.places[REACH]))


class Pairs(NamedTuple):
    """Differences from pairs along K entries, m outputs: (K, m) each, of offsets (K, 1)."""

    slope: Floats  # D
    second: Floats  # S + 2 C (a + b)
    product: Floats  # a b, negative between
    total: Floats  # a + b
    gain: Floats  # standard deviations of noise in D

    def part(self, rows: slice | Ints | Mask) -> Pairs:
        """Return the pairs along some entries."""
        return Pairs(*(column[rows] for column in self))


def noise_scale(memory: Memory, f0: Floats, given: Floats | None) -> Floats:
    """Return how the noise has changed by now, where f is f0, (m,).

    A sum of squares keeps the rounding of its terms as it falls, so rounding falls with its root;
    that of residuals does not fall.
    """
    if given is not None:
        known = memory.shapes[NOISE, 0]
        changed: Floats = np.divide(given, known, out=np.ones(known.shape), where=known > 0.0)
        return changed
    ratio = np.abs(f0) / memory.size
    if f0.size == 1 and memory.falls[0]:
        return np.asarray(np.maximum(ratio, np.sqrt(ratio)))
    return np.asarray(np.maximum(ratio, 1.0))


def is_hushed(memory: Memory, scale: Floats) -> bool:
    """Say whether noise is expected to have fallen by much since it was last listened to.

    Of a sum less what it has at its lowest it does not.
    """
    return bool((scale * HUSHED < memory.heard).any())


def size_of_noise(noise: Floats, f0: Floats) -> Floats:
    """Return abs(f) above which noise of this size, (n, m), grows with it, (m,)."""
    return np.asarray(np.maximum(np.abs(f0), noise.max(0) / SINGLE) + TINY)


def noise_at(memory: Memory, f0: Floats, scale: Floats) -> Floats:
    """Return the noise to expect where f is f0, (n, m)."""
    return np.asarray(np.maximum(memory.shapes[NOISE] * scale, ROUNDING * np.abs(f0) + TINY))


def bend_of(third: Floats, drift: Floats, second: Floats, width: Floats) -> Floats:
    """Return by how much C may be off: half of it, its last change, and what S makes likely.

    A third derivative that is not there, as at the top of a bell, will be after the next step.
    """
    likely = np.abs(second) / (6.0 * PART * width[:, None])
    return np.asarray(np.abs(third) / 2.0 + drift + likely)


def steps_of(memory: Memory, noise: Floats) -> Floats:
    """Return the steps at which truncation and noise weigh alike, powers of two, (n,).

    With many outputs each counts in units of its noise.
    """
    reach, width = memory.places[:2]
    if noise.shape[1] == 1:
        weight = (memory.shapes[BEND] / (noise + TINY))[:, 0]
    else:
        units = np.where(noise > 2.0 * TINY, noise, np.inf)  # an output that never moves
        weight = (memory.shapes[BEND] / units).mean(1)
    best = np.cbrt(1.2 / weight)
    best = np.minimum(np.maximum(best, LEAST * width), reach)
    return np.asarray(np.ldexp(0.5, np.frexp(best)[1]))


def tuned(memory: Memory, noise: Floats, scale: Floats) -> Memory:
    """Return the memory with the steps for this noise, that long after it was seen."""
    places = memory.places.copy()
    places[STEP] = steps_of(memory, noise)
    return memory._replace(places=places, tuned=scale)


def retuned(memory: Memory, noise: Floats, scale: Floats) -> Memory:
    """Return the memory with new steps if noise has changed by much since they were chosen."""
    change = scale / memory.tuned
    if np.count_nonzero((change > RETUNED) | (change < 1.0 / RETUNED)):
        return tuned(memory, noise, scale)
    return memory


def ends(x: Floats, h: Floats, box: Box | None) -> Floats:
    """Return where pairs of these steps lie: around x, or on its roomy side, (2, K)."""
    pairs = np.empty((2, x.size))
    np.subtract(x, h, out=pairs[0])
    np.add(x, h, out=pairs[1])
    if box is None:
        return pairs
    inside = (pairs[0] >= box.lower) & (pairs[1] <= box.upper)
    if inside.all():
        return pairs
    below, above = x - box.lower, box.upper - x
    step = np.minimum(h, np.maximum(below, above) / 2.0)
    step = np.where(above >= below, step, -step)
    one_sided = np.stack([x + step, x + 2.0 * step])
    return np.asarray(np.clip(np.where(inside, pairs, one_sided), box.lower, box.upper))


def differences(offsets: Floats, values: Floats, f0: Floats) -> Pairs:
    """Return what pairs say: offsets (2, K), values (2, K, m)."""
    moves = offsets[:, :, None]
    a, b = moves
    wide, total, product = b - a, a + b, a * b
    near, far = (values - f0) / moves
    apart = (far - near) / wide
    # b near - a far over b - a, in the form that does not lose the digits that both share
    slope = near - a * apart
    if np.count_nonzero(product > 0.0):  # on one side of x
        gain = np.sqrt((b / a / wide) ** 2 + (a / b / wide) ** 2 + (total / product) ** 2)
    else:
        gain = 2.0**0.5 / wide
    return Pairs(slope, 2.0 * apart, product, total, gain)


def sizes(parts: Sequence[Floats], noise: Floats) -> tuple[list[Floats], Floats]:
    """Return how large each of some parts is along K entries, and the noise beside them, (K,).

    Many outputs count in units of their noise, and in the mean.
    """
    if noise.shape[1] == 1:
        return [np.abs(part[:, 0]) for part in parts], noise[:, 0]
    units = [np.sqrt(((part / noise) ** 2).mean(1)) for part in parts]
    return units, np.ones(len(noise))


def disagree(one: Floats, other: Floats, noise: Floats, product: Floats, part: float) -> Mask:
    """Say where second derivatives differ, by a part of the larger and by more than noise."""
    (apart, first, last), unit = sizes((one - other, one, other), noise)
    allowed = part * np.maximum(first, last) + EVIDENT * unit / np.abs(product[:, 0])
    return np.asarray(~(apart <= allowed))


def second_of(memory: Memory, pairs: Pairs) -> Floats:
    """Return S as pairs say it, C being as remembered."""
    return np.asarray(pairs.second - 2.0 * memory.shapes[THIRD] * pairs.total)


def unexplained(memory: Memory, x: Floats, near: Pairs, second: Floats, noise: Floats) -> Mask:
    """Say where a slope is not what it was, and no second derivative accounts for that, (K,).

    One at x or at the last one; across entries they are as large as along them, more or less.
    """
    third, moved = memory.shapes[THIRD], x - memory.places[LAST]
    far = np.sqrt(moved @ moved)
    change = near.slope + third * near.product - memory.shapes[SLOPE]
    bent = np.abs(second) + np.abs(memory.shapes[SECOND]) + np.abs(third) * far
    (told, due), unit = sizes((change, bent), noise)
    return np.asarray(~(told <= ACCOUNTS * far * due + EVIDENT * unit * near.gain[:, 0]))


def answers(memory: Memory, pairs: Pairs, noise: Floats) -> tuple[Floats, Floats]:
    """Return derivatives and their bars."""
    value = pairs.slope + memory.shapes[THIRD] * pairs.product
    truncation = memory.shapes[BEND] * np.abs(pairs.product) + memory.shapes[HIDDEN]
    return value, truncation + SIGMAS * noise * pairs.gain + 2.0 * EPS * np.abs(value)


def learnt(memory: Memory, x: Floats, near: Pairs, far: Pairs, noise: Floats) -> Memory:
    """Return the memory of entries after a second, wider pair; nothing where both disagree."""
    third = (far.slope - near.slope) / (near.product - far.product)
    second = near.second - 2.0 * third * near.total
    wide = far.second - 2.0 * third * far.total
    bad = disagree(second, wide, noise, near.product, 0.3) | flattens(near, far, noise)
    bad |= bends_at_once(near, far, second, noise)
    width = memory.places[WIDTH]
    places, shapes = memory.places.copy(), memory.shapes.copy()
    places[WIDTH] = np.minimum(2.0 * width, np.maximum(np.maximum(np.abs(x), 1.0) / PART, width))
    places[REACH] = np.minimum(np.sqrt(np.abs(far.product[:, 0])), places[WIDTH])
    places[REACH][bad] = np.nan
    # what was hidden close to x there may not be hidden here
    shapes[HIDDEN][np.abs(x - places[SEEN]) > FAR_OFF * places[STEP]] = 0.0
    places[SEEN] = x
    shapes[DRIFT] = np.maximum(np.abs(third - shapes[THIRD]), shapes[DRIFT] / 2.0)
    shapes[THIRD], shapes[SECOND] = third, second
    shapes[BEND] = bend_of(third, shapes[DRIFT], second, places[WIDTH])
    part = memory._replace(places=places, shapes=shapes)
    places[STEP] = steps_of(part, noise)
    return part


def flattens(near: Pairs, far: Pairs, noise: Floats) -> Mask:
    """Say where wider pairs see less of a slope that f has an end between them, (K,).

    As in the middle of a step of f, of which both see the whole height.
    """
    (own, wider), unit = sizes((near.slope, far.slope), noise)
    return np.asarray((own > EVIDENT * unit * near.gain[:, 0]) & (wider < LEVELLED * own))


def bends_at_once(near: Pairs, far: Pairs, second: Floats, noise: Floats) -> Mask:
    """Say where slopes differ by more than a curvature that changes slowly may account for, (K,).

    As where f has a kink inside a pair, which both second differences may see alike by chance.
    """
    reach = np.sqrt(np.abs(far.product))
    (apart, told, slope), unit = sizes((far.slope - near.slope, second * reach, near.slope), noise)
    clear = EVIDENT * unit * near.gain[:, 0]
    return np.asarray(apart > np.maximum(np.maximum(SLOWLY * told, SLIGHT * slope), clear))


def noise_seen(memory: Memory, near: Pairs, far: Pairs) -> Floats:
    """Return the noise that second differences of two widths show, each output's largest, (m,).

    They differ by the fourth derivative too, which weighs little at steps that noise has chosen.
    """
    apart = near.second - far.second - 2.0 * memory.shapes[THIRD] * (near.total - far.total)
    seen = np.where(memory.known()[:, None], np.abs(apart * near.product), 0.0)
    return np.asarray(np.maximum.reduce(seen) / ROOT6)


def first_seen(slope: Floats, pairs: Pairs, noise: Floats) -> tuple[Floats, Floats, Mask]:
    """Return C and S from slopes that are known and one pair, and whether they hold, (K,)."""
    third = (slope - pairs.slope) / pairs.product
    second = pairs.second - 2.0 * third * pairs.total
    shift = np.abs(third * pairs.product)
    size = np.abs(slope) + np.abs(pairs.second) * np.sqrt(np.abs(pairs.product))
    good = shift <= size / 4.0 + 5.0 * noise * pairs.gain
    return third, second, good.all(1) & np.isfinite(second).all(1)


def is_rounding(status: Array, noise: Floats, f0: Floats) -> Mask:
    """Say of which outputs rounding explains the noise, (m,)."""
    return np.asarray(((status == OK) & (noise <= 64.0 * ROUNDING * np.abs(f0))).all(0))
