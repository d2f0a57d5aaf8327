"""Step-size rules by name: which single step balances truncation against noise.

A rule never calls f. It is a generator that yields the distances t at which it wants f(x + t d)
along one direction, is sent those values, (P, m), and returns a `Choice`. Failure is a value:
nothing is raised where derivatives vanish or f is not defined beside x.

The papers differ in the difference by which they see truncation and in how far it has to stand out
of the noise; what they share is one search. Whatever the papers say, absolute lengths are taken in
units of the size of x, the noise is at least the rounding of the values seen, steps shrink to where
f is defined, and of several outputs the one counts whose truncation stands out most. Forward and
backward differences look on their own side of x only, where t is counted positive.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Mapping
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

import numpy as np

from numdiff.arrays import Floats
from numdiff.constants import EPS

__all__ = ["EPS", "RULES", "Choice", "Given", "Rule"]


Numbers: TypeAlias = tuple[float, ...]

DEVIATIONS = 3.0  # of the noise bound it: 99.7 % of normal errors; eps |f| bounds rounding as well
COARSEST = 0.01  # noise is at most this part of f where a search starts: f(x) may be 0
COARSE = 2.0**-24  # of f: what changes it more, at the last bit of x, is no rounding but a jump
MANTISSA = 32.0  # steps are such parts of a power of two, so that x + 4 h is exact
ROUNDS = 24  # of a search: by factors of 4 from eps**(1/3) to the last bits of x
DEEPEST = 1e-3  # how far to shrink in one round: a signal far above the noise may be out of scale
SHRINKS, OUTSIDE = 20, 1.0 / 8.0  # until f is defined: 60 octaves, the bits of x


class Given(NamedTuple):
    """What is known of f along a direction before a rule asks for anything.

    Parameters
    ----------
    f0 : array (m,)
        f(x).
    noise : array (m,)
        Bound on the error of f(x).
    size, own : float
        Size of x in units of t: at least 1, and as it is.
    least, most : float
        Between which t may be asked for.
    central : bool
        Whether the step is for a central difference, so that points may be on both sides.
    """

    f0: Floats
    noise: Floats
    size: float
    own: float
    least: float
    most: float
    central: bool

    @property
    def relative(self) -> float:
        """The noise as a part of f, of the output where it is largest."""
        return min(max(_worst(self.noise, np.abs(self.f0)), EPS), COARSEST)

    @property
    def order(self) -> int:
        """Order of the derivative in the leading truncation error of the difference."""
        return 3 if self.central else 2

    @property
    def unknown(self) -> Floats:
        """An error that a rule does not tell."""
        return np.full(self.f0.shape, math.nan)

    def fit(self, step: float, reach: float = 1.0) -> float:
        """Return a step of few bits with which points up to reach * step may be asked for."""
        held = max(min(step, self.most / reach), self.least)
        mantissa, exponent = math.frexp(held)
        return max(math.ldexp(math.floor(mantissa * MANTISSA) / MANTISSA, exponent), self.least)

    def bound(self, size: Floats, slope: Floats) -> Floats:
        """Bound the error of values of that size: f may also round x, by half a bit, on its way."""
        shifted = np.minimum(0.5 * EPS * self.own * np.abs(slope), COARSE * size)
        return np.maximum(np.maximum(EPS * size, shifted), self.noise)

    def spread(self, bound: Floats, step: float) -> Floats:
        """Bound what errors of two values make of the difference: they are 2 h or h apart."""
        return (1.0 if self.central else 2.0) * bound / step


class Choice(NamedTuple):
    """What a rule returns: a step, and bounds on both errors of the difference that uses it.

    Parameters
    ----------
    step : float
        In units of t.
    truncation, noise : array (m,)
        In units of the derivative; nan where the rule offers none.
    ok : bool
        Whether the rule's own test was passed. If not, the step is the best there is.
    slope : array (m,), optional
        Another estimate of the derivative, which the difference has to agree with.
    """

    step: float
    truncation: Floats
    noise: Floats
    ok: bool
    slope: Floats | None = None


Asking: TypeAlias = "Generator[Numbers, Floats, Choice]"


class Rule(NamedTuple):
    """A generator function, and the most points it asks for at once."""

    start: Callable[[Given], Asking]
    points: int = 4


# --- What the rules share ---


class Probe(NamedTuple):
    """A difference of values of f that begins with a multiple of h**order times a derivative.

    With the weights `slope` the same values give a first derivative of higher accuracy. Where f(x)
    has no part in the difference, the next one, `witness`, shows whether f(x) fits in.
    """

    order: int
    offsets: Numbers
    weights: Numbers
    slope: Numbers
    witness: Numbers = ()

    @property
    def multiple(self) -> float:
        """The factor of h**order times the derivative."""
        powers = (w * o**self.order for o, w in zip(self.offsets, self.weights, strict=True))
        return sum(powers) / math.factorial(self.order)

    @property
    def gain(self) -> float:
        """How far errors of size 1 in the values can change the difference."""
        return _gain(self.weights)


def _gain(weights: Numbers) -> float:
    return sum(abs(w) for w in weights) + abs(sum(weights))  # f(x) has what is missing to 0


def _ahead(reach: float) -> Probe:
    """Return the probe for f'' on one side, at 1 and at a reach."""
    slope = (-1.0 / (reach * (reach - 1.0)), reach / (reach - 1.0))
    return Probe(2, (reach, 1.0), (1.0, -reach), slope)


def _around(reach: float) -> Probe:
    """Return the probe for f''' on both sides, at 1 and at a reach."""
    square, cube = reach**2, reach**3
    part = 2.0 * reach * (square - 1.0)
    offsets, weights = (reach, 1.0, -1.0, -reach), (1.0, -reach, reach, -1.0)
    slope = (-1.0 / part, cube / part, -cube / part, 1.0 / part)
    return Probe(3, offsets, weights, slope, (1.0, -square, -square, 1.0))


# pairs: for one side and for both
FIRST = (Probe(1, (1.0,), (1.0,), (1.0,)), Probe(1, (1.0, -1.0), (1.0, -1.0), (0.5, -0.5)))
SECOND = (_ahead(2.0), Probe(2, (1.0, -1.0), (1.0, 1.0), (0.5, -0.5)))
THIRD, WIDE = _around(2.0), (_ahead(4.0), _around(3.0))


class Seen(NamedTuple):
    """What a probe shows at a step.

    Parameters
    ----------
    step : float
        Smaller than asked for where f is not defined so far away.
    change : array (m,)
        The difference.
    bound : array (m,)
        Bound on the error of each value.
    signal : float
        The difference, or its witness, over what noise can make of it.
    variation : float
        Range of f over its size.
    slope : array (m,)
        The first derivative.
    smaller : array (m,), optional
        The first derivative at a smaller step that was looked at before.
    """

    step: float
    change: Floats
    bound: Floats
    signal: float
    variation: float
    slope: Floats
    smaller: Floats | None = None


def _worst(change: Floats, noise: Floats) -> float:
    """Return the largest change in units of the noise; nothing over nothing is nothing."""
    usable = np.isfinite(change) & (change != 0.0)
    return float(np.max(np.abs(change) / noise, initial=0.0, where=usable))


def _look(given: Given, probe: Probe, step: float) -> Generator[Numbers, Floats, Seen]:
    """Ask for a probe at a step, or at a smaller one where f is defined."""
    for _ in range(SHRINKS):
        values = yield tuple(offset * step for offset in probe.offsets)
        usable = np.isfinite(values).all(axis=0)
        if usable.any() or step <= given.least:
            break
        step = given.fit(OUTSIDE * min(step, given.own or step))  # the usual edge is 0
    rise, size = values - given.f0, np.maximum(np.abs(values).max(axis=0), np.abs(given.f0))
    slope = np.array(probe.slope) @ rise / step
    bound = given.bound(size, slope)
    change = np.where(usable, np.array(probe.weights) @ rise, math.inf)
    signal = _worst(change, probe.gain * bound) if usable.any() else math.inf
    if probe.witness:
        signal = max(signal, _worst(np.array(probe.witness) @ rise, _gain(probe.witness) * bound))
    variation = _worst(rise.max(axis=0, initial=0.0) - rise.min(axis=0, initial=0.0), size)
    return Seen(step, change, bound, signal, variation, slope)


def _search(
    given: Given, probe: Probe, window: tuple[float, float], start: float, growth: float
) -> Generator[Numbers, Floats, tuple[Seen, bool]]:
    """Look for a step at which the signal of a probe lies in a window.

    Steps grow by a constant factor while noise hides the signal, and shrink by what the signal
    tells; once the window lies between two of them, their geometric mean comes next. Where no
    truncation is seen up to the largest step there is none, if the probe can see it.
    """
    reach, aim = max(probe.offsets), math.sqrt(window[0] * window[1])
    step, most = given.fit(start, reach), given.fit(math.inf, reach)
    first, low, high = None, None, math.inf
    for _ in range(ROUNDS):
        seen = yield from _look(given, probe, step)
        first = first or seen
        most = min(most, seen.step) if seen.step < step else most
        if window[0] <= seen.signal <= window[1]:
            return seen._replace(smaller=low and low.slope), True
        if seen.signal == math.inf:  # f is defined nowhere
            break
        if seen.signal > window[1]:
            high = seen.step
            step = high * max((aim / seen.signal) ** (1.0 / probe.order), DEEPEST)
        else:
            low = seen
            step = growth * low.step
        if low and high < math.inf:
            step = math.sqrt(low.step) * math.sqrt(high)
        step = min(given.fit(step, reach), most)
        if step in (high, low and low.step):
            break
    return low or first or seen, low is not None and low.step >= most and probe.order == given.order


def _balance(probe: Probe, seen: Seen, law: float) -> float:
    """Return (law noise / derivative)**(1 / order) for the output where that is smallest."""
    share = law * probe.multiple / (probe.gain * max(seen.signal, EPS))
    return float(seen.step * share ** (1.0 / probe.order))


def _choice(given: Given, probe: Probe, seen: Seen, step: float, *, ok: bool) -> Choice:
    """Bound both errors at a step by what a probe showed at its own, which is no smaller."""
    step, order = min(given.fit(step), seen.step), given.order
    shown = (np.abs(seen.change) + probe.gain * seen.bound) / (probe.multiple * seen.step)
    truncation = shown * (step / seen.step) ** (order - 1) / math.factorial(order)
    return Choice(step, truncation, given.spread(seen.bound, step), ok, seen.slope)


# --- The rules ---


def textbook(given: Given) -> Asking:
    """Take the root of eps that fits times the size of x: f and its derivatives are taken as alike.

    Nocedal and Wright (2006), Numerical Optimization, section 8.1; rounded to a power of two.
    """
    yield from ()
    power = math.log2(EPS) / given.order + math.log2(given.size)
    return Choice(2.0 ** round(power), given.unknown, given.unknown, ok=True)


def gill_murray(given: Given) -> Asking:
    """Estimate f'' with a relative error of 0.001 to 0.1, then take the best step for it.

    Gill, Murray, Saunders and Wright (1983), SIAM J. Sci. Stat. Comput. 4(2), 310-321,
    doi:10.1137/0904025. Forward differences take 2 sqrt(noise / |f''|) and have to agree with the
    second-order estimate. Central ones take the step at which f'' was estimated: no error is told.
    """
    probe = SECOND[given.central]
    start = 20.0 * given.size * math.sqrt(given.relative)
    seen, ok = yield from _search(given, probe, (10.0, 1000.0), start, growth=10.0)
    if given.central:
        return Choice(seen.step, given.unknown, given.unknown, ok)
    return _choice(given, probe, seen, _balance(probe, seen, 4.0), ok=ok)


def curtis_reid(given: Given) -> Asking:
    """Keep central less forward differences at 10 to 1000, best 100, times the rounding.

    Curtis and Reid (1974), IMA J. Appl. Math. 13(1), 121-126, doi:10.1093/imamat/13.1.121. That
    overestimates the truncation of central differences, by design, but not where f'' is 0. Forward
    differences take the step at which both errors are alike.
    """
    probe, start = SECOND[given.central], given.size * given.relative**0.25
    seen, ok = yield from _search(given, probe, (5.0, 500.0), start, growth=10.0)
    if not given.central:
        return _choice(given, probe, seen, _balance(probe, seen, 2.0), ok=ok)
    truncation = np.abs(seen.change) / (2.0 * seen.step)
    return Choice(seen.step, truncation, given.spread(seen.bound, seen.step), ok, seen.smaller)


def dumontet_vignes(given: Given) -> Asking:
    """Estimate f''' where its bounds for perturbed values differ by a factor of 2 to 15.

    Dumontet and Vignes (1977), RAIRO Anal. Numer. 11(1), 13-25, doi:10.1051/m2an/1977110100131. At
    a signal s these bounds have the ratio (s + 1) / (s - 1). The step is
    (1.67 noise / |f'''|)**(1/3). For forward differences the same is done with f'', and
    2 sqrt(noise / |f''|).
    """
    probe, law = (THIRD, 1.67) if given.central else (SECOND[0], 4.0)
    start = given.size * (3.0 * given.relative) ** (1.0 / given.order)
    seen, ok = yield from _search(given, probe, (8.0 / 7.0, 3.0), start, growth=4.0)
    return _choice(given, probe, seen, _balance(probe, seen, law), ok=ok)


def shi(given: Given) -> Asking:
    """Take a step at which a difference that shows truncation is 1.5 to 6 times the noise.

    Shi, Xie, Xuan and Nocedal (2022), SIAM J. Sci. Comput. 44(4), A2302-A2321,
    doi:10.1137/21M1452470. The ratio is 3 at the best step.
    """
    probe, start = WIDE[given.central], given.size * (3.0 * given.relative) ** (1.0 / given.order)
    seen, ok = yield from _search(given, probe, (1.5, 6.0), start, growth=4.0)
    return _choice(given, probe, seen, seen.step, ok=ok)


def more_wild(given: Given) -> Asking:
    """Estimate f'' with one step or two, then minimise the root mean square error.

    More and Wild (2012), ACM Trans. Math. Softw. 38(3), 19, doi:10.1145/2168773.2168777. The step
    is (8 noise**2 / f''**2)**(1/4) for forward differences and, by the same argument with f''',
    (3 noise / |f'''|)**(1/3) for central ones, where the noise is a standard deviation.
    """
    probe, law = (THIRD, 3.0) if given.central else (SECOND[0], math.sqrt(8.0))
    reach, power = max(probe.offsets), given.order / (given.order + 2.0)
    start = given.size * given.relative ** (1.0 / (given.order + 2.0))
    seen = yield from _look(given, probe, given.fit(start, reach))
    ok = _clear(probe, seen)
    if not ok:
        first, balanced = seen, _balance(probe, seen, 1.0 / DEVIATIONS)
        step = balanced**power * given.size ** (1.0 - power)
        seen = yield from _look(given, probe, given.fit(step, reach))
        ok = _clear(probe, seen) or _alike(probe, first, seen)
    return _choice(given, probe, seen, _balance(probe, seen, law / DEVIATIONS), ok=ok)


def _clear(probe: Probe, seen: Seen) -> bool:
    """Whether the difference is 100 standard deviations and f varies by a tenth at most."""
    shown = DEVIATIONS * _worst(seen.change, seen.bound)
    return shown >= 100.0 and seen.variation <= 0.1 and _fits(probe, seen)


def _alike(probe: Probe, one: Seen, other: Seen) -> bool:
    """Whether two steps show the same derivative, by half of the larger one."""
    expected = one.change * (other.step / one.step) ** probe.order
    largest = max(_worst(expected, other.bound), _worst(other.change, other.bound))
    alike = _worst(expected - other.change, other.bound) <= 0.5 * largest
    return alike and _fits(probe, other)


def _fits(probe: Probe, seen: Seen) -> bool:
    """Whether f(x) fits in: the witness does not stand out more than the difference itself."""
    return seen.signal <= max(1.0, _worst(seen.change, probe.gain * seen.bound))


def stepleman_winarsky(given: Given) -> Asking:
    """Divide the step by 4 until what that changes, which falls with the truncation, grows.

    Stepleman and Winarsky (1979), Math. Comp. 33(148), 1257-1264,
    doi:10.1090/S0025-5718-1979-0537969-8. The first step is one at which subtraction leaves the
    digits that it leaves at 64 times the textbook step: a fall has to be seen.
    """
    probe, share = FIRST[given.central], 64.0 * given.relative ** (1.0 / given.order)
    window = (0.5 * share / given.relative, math.inf)
    seen, _ = yield from _search(given, probe, window, given.size * share, growth=10.0)
    sizes, before = [math.inf], given.unknown
    for _ in range(ROUNDS):
        finer = yield from _look(given, probe, given.fit(0.25 * seen.step))
        gap = finer.slope - seen.slope
        sizes.append(_worst(gap, seen.bound))
        if sizes[-1] >= sizes[-2]:
            break
        before, seen = gap, finer
    # a fall of the error by 4 or more leaves at most a third of it
    noise = np.maximum(given.spread(seen.bound, seen.step), np.abs(gap))
    return Choice(seen.step, np.abs(before) / 3.0, noise, ok=4 <= len(sizes) <= ROUNDS)


def mathur(given: Given) -> Asking:
    """Find down to which step halving it changes the difference by the power that theory tells.

    Mathur (2012), dissertation, University of Texas at Austin. With an error h**a, and s = 1/2, the
    step with the least error is ((1 - s**a) / (1 + 1/s))**(1 / (a + 1)) times that one.
    """
    a, sides = given.order - 1, (1.0, -1.0)[: 1 + given.central]
    steps = given.fit(given.size * 2.0**14) * 0.5 ** np.arange(61)
    steps = steps[steps >= given.least]
    values = yield tuple(side * step for side in sides for step in steps)
    sampled = values.reshape(len(sides), len(steps), -1)
    other = sampled[1] if given.central else given.f0
    slopes = (sampled[0] - other) / (len(sides) * steps[:, None])
    gaps = np.abs(np.diff(slopes, axis=0))
    scale = np.where(given.noise > 0.0, given.noise, 1.0)
    curve = np.array([_worst(gap, scale) for gap in gaps])
    k = _end_of_run(np.log2(curve[:-1] / curve[1:]), a)
    if k is None:
        step = given.fit(given.size * given.relative ** (1.0 / given.order))
        return Choice(step, given.unknown, given.unknown, ok=False)
    step = given.fit(((1.0 - 0.5**a) / 3.0) ** (1.0 / (a + 1.0)) * steps[k])
    truncation = gaps[k] / (1.0 - 0.5**a) * (step / steps[k]) ** a
    bound = given.bound(np.abs(sampled[:, k]).max(axis=0), slopes[k])
    noise = np.maximum(given.spread(bound, step), gaps[k + 1 : k + 3].max(axis=0, initial=0.0))
    return Choice(step, truncation, noise, ok=True)


def _end_of_run(powers: Floats, a: int) -> int | None:
    """Return where the last five powers in a row that are a end, to 10 %, or else to 30 %."""
    if len(powers) < 5:
        return None
    for tolerance in (0.1, 0.3):
        run = np.convolve(np.abs(powers - a) <= tolerance * a, np.ones(5), "valid") == 5.0
        if run.any():
            return int(np.flatnonzero(run)[-1]) + 5
    return None


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "textbook": Rule(textbook),
        "gill-murray": Rule(gill_murray),
        "more-wild": Rule(more_wild),
        "shi": Rule(shi),
        "curtis-reid": Rule(curtis_reid),
        "dumontet-vignes": Rule(dumontet_vignes),
        "stepleman-winarsky": Rule(stepleman_winarsky),
        "mathur": Rule(mathur, points=122),
    }
)
