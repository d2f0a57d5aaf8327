"""Secants from x to points at ever smaller steps on either side, and what becomes of them.

Near a point where f has a one-sided derivative they converge; at a jump or at a singular power of
the distance they grow without limit, and by a steady law: their rises from step to step have
ratios that hardly change. Noise has no law, and a law that ends before the smallest step belongs to
something beside x.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from numdiff.arrays import Floats, Ints, Mask
from numdiff.constants import EPS
from numdiff.drivers.sampling import sample
from numdiff.ladder.symptoms import CLEAR
from numdiff.nonsmooth.suspicion import Suspects

STEPS, OCTAVES = 16, 4  # how many steps, and how far apart: 60 octaves are the range of rounding
OFF = 0.32  # steps of the second look, off the lattice of the first
SPARE_BITS = 6  # the smallest step keeps so many bits above the last one of x
RUN = 4  # ratios of rises in a row that make a law: noise has four alike once in a thousand times
STEADY = 0.1  # by which the powers of 16 in these ratios may vary
Runs = tuple[tuple[int, float], ...]
# of second differences, which rounding hides sooner, three do if they are alike to its square
BRIEF: Runs = ((3, STEADY * STEADY), (RUN, STEADY))
SMOOTH, ENDLESS = -0.9, -0.05  # of these powers: -1 for a smooth f, -0.1 at abs(t)**1.1
GONE = 0.5  # part of a rise below which the next one has ended a law
DROWNED = 0.7  # times the last rise in a law: noise that changes f by more could be all of it
FAIR = 0.2  # part of the slopes within which secants have converged
NOISES = 2.0  # times the noise that smaller steps show: it is in f(x) and in f(x + h)
CAUTION = 4.0  # times the last rise: what may be left of a slope that closes in like h**0.1


class Secants(NamedTuple):
    """Slopes of K outputs from x to P points on either side, nan where not known."""

    steps: Floats  # (P, K), falling
    slopes: Floats  # (2, P, K): left and right; the same if f may be asked on one side only
    floor: Floats  # (P, K): what rounding of x and of f does to them
    inner: Floats  # (P, K): the same if f adds 1 to x = 0
    nfev: int

    def pick(self, mine: Mask) -> Secants:
        """Return those of some outputs, and no evaluations."""
        steps, slopes, floor, inner, _ = self
        return Secants(steps[:, mine], slopes[:, :, mine], floor[:, mine], inner[:, mine], 0)


class Limits(NamedTuple):
    """What secants converge to, (2, K): nan and inf where they do not."""

    value: Floats
    error: Floats
    fair: Mask  # they converge
    best: Ints  # the number of the secant that is taken


def secants_of(suspects: Suspects, width: float = 1.0) -> Secants:
    """Ask for f at falling steps, powers of two times a width, down to where x rounds."""
    problem, lowest, (row, output) = suspects.problem, suspects.span.lowest, suspects.at
    exponent = suspects.top - OCTAVES * np.arange(STEPS)[:, None]
    wanted, signs = exponent >= lowest, np.array(suspects.signs)
    number, live = np.cumsum(wanted).reshape(wanted.shape) - 1, np.nonzero(wanted)[1]
    if live.size == 0:
        steps, floor, inner = np.full((3, STEPS, len(row)), np.nan)
        return Secants(steps, np.stack([steps] * 2), floor, inner, 0)
    some = suspects.directions.pick(live)
    samples = sample(problem, some, signs, np.ldexp(width, exponent[wanted]))
    asked, place, down = wanted[:, row], number[:, row], exponent[:, row]
    steps = np.where(asked, np.abs(samples.steps)[place], np.nan)
    values, f0 = samples.values[:, place, output], suspects.f0
    slopes = np.empty((2, *steps.shape))
    slopes[:] = (values - f0) / (signs[:, None, None] * steps)
    largest, unit = np.fmax.reduce(np.abs(slopes)), suspects.unit[row]
    steepest, before = largest.copy(), np.zeros(len(row))
    for k in range(STEPS):
        # where f may not feel a step, what it felt of larger ones counts
        before = steepest[k] = np.where(down[k] < unit, np.fmax(largest[k], before), largest[k])
    rounds = EPS * np.fmax(np.abs(f0), np.fmax.reduce(np.abs(values))) / steps
    # and the part of a step that is lost in the last bit of what it is added to
    floor = rounds + np.ldexp(largest, lowest[row] - SPARE_BITS - down)
    inner = rounds + np.ldexp(steepest, unit - SPARE_BITS - down)
    return Secants(steps, slopes, floor, inner, samples.nfev)


def powers_of(slopes: Floats, floor: Floats) -> Floats:
    """Return log16 of the ratios of the rises of slopes (..., P, K) from step to step.

    It is -1 for a smooth f, 1 - a at abs(t)**a, 0 at t log(abs(t)), 1 at a jump; nan where rounding
    hides the rises or they change their sign.
    """
    rise = np.diff(slopes, axis=-2)
    visible = np.where(np.abs(rise) > CLEAR * floor[1:], rise, np.nan)
    return np.asarray(np.log2(visible[..., 1:, :] / visible[..., :-1, :]) / OCTAVES)


def law(powers: Floats, low: float, high: float = np.inf, runs: Runs = ((RUN, STEADY),)) -> Ints:
    """Return where the last run of like powers between low and high ends, -1 if there is none.

    `runs` says how many in a row have to be alike, and to what.
    """
    inside, off = (powers > low) & (powers < high), np.abs(np.diff(powers, axis=-2))
    last = np.full(powers[..., 0, :].shape, -1)
    for count, most in runs:
        for end in range(count - 1, powers.shape[-2]):
            first = end - count + 1
            run = inside[..., first : end + 1, :].all(-2) & (off[..., first:end, :] < most).all(-2)
            last[run] = np.maximum(last[run], end)
    return last


def endless(slopes: Floats, secants: Secants, low: float, order: int = 1) -> Ints:
    """Return where slopes (..., P, K) are last seen to grow by a law without end, -1 elsewhere.

    Later steps must not show that rises are gone, nor changes of f that drown those of the law.
    """
    steps, rise = secants.steps, np.abs(np.diff(slopes, axis=-2))
    runs = BRIEF if order == 2 else ((RUN, STEADY),)
    end = law(powers_of(slopes, secants.floor), low, runs=runs)[..., None, :]
    largest = np.take_along_axis(rise, end + 1, axis=-2)
    later = np.arange(len(steps) - 1)[:, None] > end + 1
    ended = later & (CLEAR * secants.inner[1:] < largest) & (rise < GONE * largest)
    change = steps**order  # of f, for a rise of 1
    last = change[end + 2, np.arange(steps.shape[1])]
    drowned = later & (rise * change[1:] > DROWNED * largest * last)
    return np.where((ended | drowned).any(axis=-2), -1, end[..., 0, :])


def confirmed(first: Secants, second: Secants, ends: Ints) -> Mask:
    """Whether slopes at steps off the lattice, a little smaller, follow the same laws.

    Noise that takes few values, of functions rounded coarsely, can repeat them on a lattice.
    """
    powers = powers_of(first.slopes, first.floor)[:, 1:]
    off, end = powers_of(second.slopes, second.floor)[:, :-1] - powers, ends[:, None]
    number = np.arange(powers.shape[1])[:, None]
    alike = (np.abs(off) < 2.0 * STEADY) | (number < end - RUN) | (number >= end)
    return np.asarray(((ends >= 0) & alike.all(axis=1)).any(axis=0))


def torn(suspects: Suspects, secants: Secants) -> tuple[Mask, int]:
    """Say where f jumps, or is singular, and what a second look off the lattice cost."""
    ends = endless(secants.slopes, secants, ENDLESS)
    jumps = np.asarray((ends >= 0).any(axis=0))
    if not jumps.any():
        return jumps, 0
    chosen = np.isin(np.arange(len(suspects.directions)), suspects.at[0][jumps])
    mine = chosen[suspects.at[0]]
    again = secants_of(suspects if chosen.all() else suspects.along(chosen), OFF)
    jumps[mine] = confirmed(secants.pick(mine), again, ends[:, mine])
    return jumps, again.nfev


def limits_of(secants: Secants) -> Limits:
    """Find what the secants of each side converge to.

    The secant that stands for the limit is one that no smaller step contradicts beyond rounding.
    Where there is none that has converged, or it is the worse one of two that agree, f has noise:
    then three secants in a row have to agree, and what later ones show of the noise is allowed for.
    """
    calm, rough = _spreads(secants)
    quiet, noisy = _choice(secants, calm, 0.0), _choice(secants, rough, NOISES)
    alike = np.abs(quiet.value - noisy.value) <= quiet.error + noisy.error
    other = ~quiet.fair | (alike & (noisy.error < quiet.error))
    fair, best = np.where(other, noisy.fair, quiet.fair), np.where(other, noisy.best, quiet.best)
    value, error = np.where(other, noisy[:2], quiet[:2])
    return Limits(np.where(fair, value, np.nan), np.where(fair, error, np.inf), fair, best)


def _spreads(secants: Secants) -> tuple[Floats, Floats]:
    """Return by how much slopes differ from the one before, if no later one does, and from two."""
    slopes, floor = secants.slopes, secants.inner
    calm, rough = np.full(slopes.shape, np.inf), np.full(slopes.shape, np.inf)
    here, before, first = slopes[:, 2:], slopes[:, 1:-1], slopes[:, :-2]
    highest = np.maximum(np.maximum(here, before), first)
    lowest = np.minimum(np.minimum(here, before), first)
    rough[:, 2:] = highest - lowest + 2.0 * floor[2:]
    rise = np.abs(here - before) + 2.0 * floor[2:]
    off = np.abs(here[:, None] - here[:, :, None]) > 3.0 * rise[:, :, None] + CLEAR * floor[2:]
    later = np.triu(np.ones((STEPS - 2, STEPS - 2), np.bool_), 1)[:, :, None]
    calm[:, 2:] = np.where((off & later).any(axis=2), np.inf, rise)
    return np.where(np.isnan(calm), np.inf, calm), np.where(np.isnan(rough), np.inf, rough)


def _choice(secants: Secants, spreads: Floats, noises: float) -> Limits:
    """Choose the slopes with the least spread."""
    slopes, steps = secants.slopes, secants.steps
    best = spreads.argmin(axis=1)
    value = np.take_along_axis(slopes, best[:, None], axis=1)[:, 0]
    spread = np.take_along_axis(spreads, best[:, None], axis=1)[:, 0]
    off = np.nan_to_num(np.abs(slopes - value[:, None]), posinf=0.0)
    later = np.arange(STEPS)[:, None] > best[:, None]
    noise = np.where(later, np.nan_to_num(off * steps), 0.0).max(axis=1)
    noise /= np.take_along_axis(steps, best, axis=0)
    scale = np.fmax(np.abs(value), np.where(later, 0.0, off).max(axis=1)).max(axis=0)
    return Limits(value, CAUTION * spread + noises * noise, spread <= FAIR * scale, best)
