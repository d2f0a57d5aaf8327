"""What the ladder saw that a smooth f does not show, and noise seldom.

The even part of a smooth f falls like h**2, the odd one like h; what eliminating these leading
terms leaves falls faster still, until rounding or noise take over, which do not fall. Of a kink
something is left that falls like h, of a power abs(t)**a like h**a, of a jump something that stays.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from numdiff.estimate import Status
from numdiff.kernels import ladder, runner
from numdiff.kernels.calm import calm
from numdiff.lines import Lines, Problem
from numdiff.steps import EPS, Span

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

__all__ = ["CLEAR", "Suspicion", "all_calm", "lawful", "raise_suspicion"]


# plain numbers: looking up a member of an enumeration costs as much as calling f
OK, NOISE_LIMITED, UNRESOLVED = int(Status.OK), int(Status.NOISE_LIMITED), int(Status.UNRESOLVED)

CLEAR = 8.0  # roundings that a difference has to exceed: f(x) and f(x + h) have a few each
TAIL = 6  # levels at the smallest steps of a window, in which a law is sought
ALMOST = 0.2  # to which a power of h is known from few levels
HALFWAY = 0.5  # a power this much below the next one of a smooth f is none of a smooth f
SAME = 0.05  # part by which what a jump leaves may differ at two tiny steps
FEW, MANY = 0.1, 1e-3  # of what one channel departs, the other one: by chance 1 in 8, 1 in 800
POOR = 1e-4  # of the slopes seen: a bar this wide without noise has another reason
DEEP = 20  # octaves below the first step: where f does not move there, the ladder lost its way
ROUNDS = 1e-10  # of f over the first step: rounding makes bars narrower than this


class _Law(NamedTuple):
    """When ratios of neighbouring levels are those of one power of h."""

    ratios: int  # how many
    alike: float  # octaves by which they differ at most
    lowest: float  # power of h


HINT = _Law(2, 0.3, -ALMOST)
PROOF = _Law(3, 0.1, ALMOST)  # what stays may be the noise of f(x) itself, which all levels share


class Suspicion(NamedTuple):
    """Outputs (D, m) that may not be smooth at x."""

    bent: Mask  # something falls that should not be there, or the ladder found nothing
    torn: Mask  # something stays


def all_calm(problem: Problem, span: Span, lines: Lines, order: int) -> bool:
    """Whether nothing is suspicious at first sight, as with nearly all smooth f."""
    poor = POOR if order == 1 else math.inf
    run: Any = runner(len(lines.value))
    columns = (lines.value, lines.error, lines.status, lines.samples, lines.state)
    return bool(run(calm)(problem.f0, span.start, *columns, poor, ROUNDS, CLEAR, DEEP))


def raise_suspicion(problem: Problem, span: Span, lines: Lines, order: int) -> Suspicion:
    """Say which outputs may not be smooth at x, from the levels of a window and the status."""
    noisy, lost = lines.status == NOISE_LIMITED, lines.status == UNRESOLVED
    with np.errstate(all="ignore"):
        levels, exponents = _window(lines)
        still = (exponents[0] < span.start - DEEP)[:, None] & (levels[0] == 0.0).all(axis=0)
        bent = (noisy | (lines.status == OK)) & (still | _regular(problem, levels, order, HINT))
        bent |= noisy & (np.isnan(levels[3, 0]) | _lopsided(lines, levels, exponents[0], order))
        bent |= lost
        if order == 1:
            slopes = np.ldexp(np.abs(levels[0]).sum(axis=0), -exponents[0][:, None])
            bent |= _poor(problem, span, lines) & (lines.error > POOR * slopes)
        return Suspicion(bent, noisy & _stays(lines, order))


def lawful(problem: Problem, lines: Lines, order: int) -> Mask:
    """Say which outputs follow a law in their window that no smooth f follows, and no noise."""
    return _regular(problem, _window(lines)[0], order, PROOF)


def _poor(problem: Problem, span: Span, lines: Lines) -> Mask:
    """Whether a bar that comes without noise is wider than rounding explains."""
    assert problem.f0 is not None
    rounds = ROUNDS * np.ldexp(np.abs(problem.f0), -span.start[:, None])
    wide = lines.error > np.fmax(POOR * np.abs(lines.value), rounds)
    return np.asarray(wide & (lines.status == OK))


def _window(lines: Lines) -> tuple[Floats, Ints]:
    """Return the last levels (TAIL, C, D, m), smallest steps first, and exponents (TAIL, D)."""
    samples, state = lines.samples, lines.state
    assert samples is not None
    assert state is not None
    slots = state[:, ladder.LAST] - np.arange(TAIL)[:, None]
    inside = slots >= state[:, ladder.FIRST]
    levels = samples[np.arange(len(state)), :, np.where(inside, slots, 0)]
    levels = np.where(inside[:, :, None, None], levels, np.nan)
    return levels.swapaxes(1, 2), state[:, ladder.BASE] - slots


def _regular(problem: Problem, levels: Floats, order: int, law: _Law) -> Mask:
    """Whether something falls by a steady power of h that is none of a smooth f.

    The powers of a smooth f are eliminated from the levels one after the other.
    """
    assert problem.f0 is not None
    floor = CLEAR * EPS * np.fmax(np.abs(problem.f0), np.abs(levels[0]).sum(axis=0))
    found = np.zeros(levels.shape[2:], bool)
    for channel in range(levels.shape[1]):
        left, power = levels[:, channel], channel + 1
        while len(left) > law.ratios:
            falls = np.log2(left[1 : law.ratios + 1] / left[: law.ratios])
            highest = min(order + 1 - ALMOST, power - HALFWAY)
            foreign = ((falls > law.lowest) & (falls < highest)).all(axis=0)
            steady = (np.abs(np.diff(falls, axis=0)) < law.alike).all(axis=0)
            found |= foreign & steady & (np.abs(left[0]) > floor)
            left = left[:-1] - left[1:] * 2.0**-power
            power += levels.shape[1]
    return found


def _stays(lines: Lines, order: int) -> Mask:
    """Whether the sample and the check, both at tiny steps, show the same change of f."""
    samples, state = lines.samples, lines.state
    assert samples is not None
    assert state is not None
    small, tiny = samples[:, :, ladder.SLOTS].copy(), samples[:, :, ladder.SLOTS + 1]
    small[state[:, ladder.SAMPLED] == ladder.NEVER] = np.nan  # it was of another window
    if order == 1:
        small[:, 0] -= lines.value * np.ldexp(ladder.SKEW, state[:, ladder.SAMPLED])[:, None]
    # without a sample any change at the check may be a jump
    same = ~(np.abs(small - tiny) > SAME * np.abs(tiny)).all(axis=1)
    return np.asarray(same & np.isfinite(tiny).all(axis=1) & (tiny != 0.0).any(axis=1))


def _lopsided(lines: Lines, levels: Floats, bottom: Ints, order: int) -> Mask:
    """Whether the sample departs from a smooth f in one channel only, as noise seldom does."""
    samples, state = lines.samples, lines.state
    assert samples is not None
    assert state is not None
    if samples.shape[1] == 1:
        return np.zeros(lines.value.shape, bool)
    width = np.ldexp(ladder.SKEW, state[:, ladder.SAMPLED] - bottom)[:, None]
    odd, even = samples[:, 0, ladder.SLOTS], samples[:, 1, ladder.SLOTS]
    slope = np.ldexp(lines.value, bottom[:, None]) if order == 1 else levels[0, 0]
    odd, even = np.abs(odd - slope * width), np.abs(even - levels[0, 1] * width**2)
    few = np.isnan(levels[4, 0]) & (np.minimum(odd, even) < FEW * np.maximum(odd, even))
    return np.asarray(few | (odd < MANY * even))
