"""Two readings of f contradict each other: which of them is right is told by the break between.

The smaller steps are right about structure of f, the larger ones about stairs and noise. So f is
asked where it departs from what the smaller steps say: if it jumps there, again and again, the
smaller steps have seen one stair of many; if it bends, it is structure and they are right.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from numdiff.arrays import Floats, Ints, Mask
from numdiff.constants import EPS, NOISE_LIMITED, OK, ROUNDING, UNRESOLVED
from numdiff.drivers.climb import Window, climb, span_of
from numdiff.drivers.derivatives import Derivatives, Problem
from numdiff.drivers.sampling import sample
from numdiff.geometry.directions import Directions
from numdiff.ladder import registers
from numdiff.ladder.channels import Span
from numdiff.ladder.noise import CLEARLY, SURE
from numdiff.ladder.symptoms import LEAPT, straight

LONGEST = 40  # evaluations that the look at a break may take
EVEN = 0.5  # of a jump: the standard deviation of f on stairs, on the safe side of 12**-0.5
ALIKE = 16.0  # times the deviation of stairs: more noise than that was seen where there is none
SILENT = 0.15  # of the noise: less than this at a tiny step is none of it
WIDER = 2.0  # times what the levels prove: a bar that something else has widened
SHARE = 1.0 / 3.0  # of the gap between two readings, times the step: there f leaves the near one
UNSURE = 0.08  # of what counts as a change: what rounding may do to the slope at a tiny step
STRIDE = 3  # octaves from the near step up to the first look at f, then twice as many each time
FINE = 6  # halvings of the step, once the break is known within an octave
JUMP, BEND = 0.5, 0.25  # of the departure, left over the last interval: more jumps, less bends
SAME = 0.25  # of the jump: by so much f may be off there

AGREE, STRUCTURE, STAIRS, UNCLEAR = range(4)  # what was found


class Claims(NamedTuple):
    """K outputs of which two readings contradict each other, and what the smaller steps say."""

    row: Ints  # which direction
    output: Ints
    side: Floats  # on which side of x f is looked at
    slope: Floats  # along t
    bend: Floats  # half the second derivative along t
    near: Floats  # the steps of both readings
    far: Floats
    standing: Mask  # whether the answer is that of the smaller steps
    wide: Mask  # whether all that is disputed is its bar
    lost: Mask  # whether there is no answer


class Break(NamedTuple):
    """Where f departs from what the smaller steps say, by how much, and what it is."""

    kind: Ints  # (K,)
    step: Floats
    jump: Floats
    gap: Floats  # between the slopes of both readings
    nfev: int


def resolve(
    problem: Problem, directions: Directions, window: Window
) -> tuple[Derivatives, list[Window], int]:
    """Look at what contradicts the answers of a window, and mend them.

    Parameters
    ----------
    problem, directions
        What the ladders were given, first derivatives of it.
    window : Window
        What they left.

    Returns
    -------
    Derivatives
        Those of the window, with other bars where the break has told which reading is right.
    list of Window
        What other ladders left, which were climbed anew: where f has structure, below it; where it
        has stairs, above them.
    int
        How often f was asked.
    """
    lines = window.lines
    span = span_of(problem.x, directions, window.limits)
    claims = claims_of(problem, lines, window.side, span.start)
    if claims is None or problem.budget < LONGEST * len(claims.row):
        return lines, [], 0
    found = look(problem, directions, claims)
    place = claims.row, claims.output
    error, status, noise = (np.array(a) for a in (lines.error, lines.status, lines.noise))
    sound = claims.wide & ((found.kind == STRUCTURE) | (found.kind == AGREE))
    error[place] = np.where(sound, lines.proven[place], error[place])
    status[place] = np.where(sound, OK, status[place])
    unclear = ~claims.wide & ~claims.lost & (found.kind == UNCLEAR)
    error[place] = np.where(unclear, np.fmax(error[place], found.gap), error[place])
    status[place] = np.where(unclear, NOISE_LIMITED, status[place])
    deviation = found.jump * EVEN
    near = ~claims.standing & (found.kind == STRUCTURE)
    stairs = ~claims.wide & (found.kind == STAIRS)
    other = (noise[place] > ALIKE * deviation) | (deviation > 4.0 * noise[place])
    far = stairs & (claims.standing | claims.lost | other)
    error[claims.row[far], claims.output[far]] = math.inf
    status[claims.row[far], claims.output[far]] = UNRESOLVED
    again: list[Window] = []
    nfev = found.nfev
    for chosen, below in ((near, True), (far, False)):
        for output in np.unique(claims.output[chosen]):
            k = np.flatnonzero(chosen & (claims.output == output))
            new = _climbed(problem, directions, window, claims, found, k, below=below)
            nfev += new.lines.nfev
            again.append(new)
    return lines._replace(error=error, status=status, noise=noise), again, nfev


def _climbed(
    problem: Problem, directions: Directions, window: Window, claims: Claims, found: Break, k: Ints,
    *, below: bool,
) -> Window:  # fmt: skip
    """Climb anew along the directions of some claims on one output, below the break or above it."""
    rows, output = claims.row[k], claims.output[k[0]]
    chosen = directions.pick(rows)
    span = span_of(problem.x, directions, window.limits)
    start, highest, lowest = span.start[rows], span.highest[rows], span.lowest[rows]
    at = np.floor(np.log2(found.step[k])).astype(np.int64)
    noise, prior = None, 0
    if below:
        start = np.maximum(np.minimum(start, at - 3), lowest)
        highest = np.minimum(highest, at - 1)
    else:
        lowest = np.maximum(lowest, np.minimum(at + 1, highest))
        start = np.minimum(np.maximum(start, lowest + 3), highest)
        noise = np.zeros((len(k), problem.f0.size))
        noise[:, output] = EVEN * found.jump[k]
        prior = registers.LOOKED
    f0 = np.full(problem.f0.shape, math.nan)
    f0[output] = problem.f0[output]
    edges = Span(start, span.other[rows], highest, lowest, span.reach[rows])
    lines = climb(
        problem._replace(f0=f0), chosen, edges, window.levels, noise=noise, prior=prior
    )
    return window._replace(rows=window.rows[rows], limits=edges, lines=lines)


def claims_of(
    problem: Problem, lines: Derivatives, side: int, start: Ints
) -> Claims | None:
    """Collect the outputs of which two readings contradict each other."""
    rows = np.flatnonzero(~lines.calm)
    state, samples = lines.state[rows], lines.samples[rows]
    bottom = state[:, registers.BASE] - state[:, registers.LAST]
    top = state[:, registers.BASE] - state[:, registers.FIRST]
    tiny = state[:, registers.TINY]
    status, value = lines.status[rows], lines.value[rows]
    known = np.isfinite(value)
    curved = np.zeros(value.shape, np.bool_)
    for r, i in np.argwhere((bottom < start[rows] - LEAPT)[:, None] & known):
        curved[r, i] = not straight(samples[r], state[r], i, value[r, i])
    leapt = (bottom < start[rows] - LEAPT)[:, None] & known & ~curved
    floor = ROUNDING * np.abs(problem.f0)
    h = np.ldexp(1.0, tiny)[:, None]
    last = samples[:, :, registers.SLOTS + 1]
    off = np.abs(last[:, 0] - value * h)
    rest = off if last.shape[1] == 1 else np.maximum(off, np.abs(last[:, 1]))
    noise = lines.noise[rows]
    silent = (tiny != registers.NEVER)[:, None] & (noise > CLEARLY * floor)
    silent &= (rest < SILENT * noise) & (status == NOISE_LIMITED) & ~leapt
    wide = lines.error[rows] > WIDER * lines.proven[rows]
    wide &= known & np.isfinite(lines.error[rows]) & (status <= NOISE_LIMITED) & ~leapt & ~silent
    lost = (tiny != registers.NEVER)[:, None] & (status == UNRESOLVED) & np.isfinite(last[:, 0])
    some = leapt | silent | wide | lost
    if not some.any():
        return None
    row, output = np.nonzero(some)
    of_tiny = (silent | lost)[row, output]
    exponent = np.where(of_tiny, tiny[row], bottom[row])
    slot = np.where(of_tiny, registers.SLOTS + 1, state[row, registers.LAST])
    width = np.ldexp(1.0, exponent)
    odd = samples[row, 0, slot, output]
    slope, bend = np.where(of_tiny, odd / width, value[row, output]), np.zeros(len(row))
    if samples.shape[1] > 1:  # a tiny step does not tell the curvature: the window does
        last, reach = state[row, registers.LAST], np.ldexp(1.0, bottom[row])
        even, least = samples[row, 1, last, output], np.maximum(floor[output], noise[row, output])
        bend = np.where(np.abs(even) > SURE * least, even / reach**2, 0.0)
        slope += np.where(of_tiny, samples[row, 1, slot, output] / width, 0.0)
    far = np.where(of_tiny, bottom[row], top[row])
    far = np.where((leapt | lost)[row, output], start[rows][row], far)
    bend = np.where(lost[row, output], 0.0, bend)
    return Claims(
        rows[row], output, np.full(len(row), float(side or 1)), slope, bend, width,
        np.ldexp(1.0, far), ~of_tiny, wide[row, output],
        lost[row, output],
    )  # fmt: skip


class _Walk:
    """Where f is asked along K directions, and how far it is from what the near reading says."""

    def __init__(self, problem: Problem, directions: Directions, claims: Claims) -> None:
        self.problem, self.claims, self.nfev = problem, claims, 0
        self.directions = directions.pick(claims.row)
        self.f0, self.slope = problem.f0[claims.output], claims.slope.copy()

    def departures(self, steps: Floats, rows: Ints) -> tuple[Floats, Floats]:
        """Return how far f at some steps is from the near reading, and those steps as they are."""
        claims = self.claims
        found = sample(
            self.problem, self.directions.pick(rows), np.ones(1), claims.side[rows] * steps
        )
        self.nfev += found.nfev
        t, values = found.steps, found.values[0, np.arange(len(rows)), claims.output[rows]]
        says = self.slope[rows] * t + claims.bend[rows] * t * t
        return values - self.f0[rows] - says, t


def look(problem: Problem, directions: Directions, claims: Claims) -> Break:
    """Look at where f departs from what the smaller steps say, and whether it jumps there."""
    walk, number = _Walk(problem, directions, claims), np.arange(len(claims.row))
    gap, t = walk.departures(claims.far, number)
    gap = np.minimum(np.abs(gap), np.abs(gap + claims.bend * t * t))
    floor = CLEARLY * EPS * (np.abs(walk.f0) + gap)
    live = (gap > floor) & (claims.far > claims.near)
    kind, limit = np.where(live, UNCLEAR, AGREE), SHARE * gap / claims.far
    low, high, below, above = _first(walk, live, kind, limit, floor)
    steep = _steep(walk, np.flatnonzero(live), low, below, high, above)
    kind[steep], live[steep] = STRUCTURE, False
    halvings = np.zeros(len(low), np.int64)
    while (live & (halvings < FINE)).any():
        rows = np.flatnonzero(live & (halvings < FINE))
        wide = high[rows] > 2.0 * low[rows]
        middle = np.where(wide, np.sqrt(high[rows] * low[rows]), 0.5 * (high[rows] + low[rows]))
        halvings[rows] += ~wide
        off, _ = walk.departures(middle, rows)
        beyond = np.abs(off) > limit[rows] * middle
        high[rows], above[rows] = np.where(beyond, (middle, off), (high[rows], above[rows]))
        low[rows], below[rows] = np.where(beyond, (low[rows], below[rows]), (middle, off))
    jump = np.abs(above - below)
    kind[live & (jump > JUMP * np.abs(above))] = STAIRS
    kind[live & (jump < BEND * np.abs(above))] = STRUCTURE
    rows = np.flatnonzero(kind == STAIRS)
    if rows.size:  # one edge beside x leaves its slope alone
        kind[rows[_alone(walk, rows, high[rows], above[rows])]] = STRUCTURE
    return Break(kind, high, jump, gap / claims.far, walk.nfev)


def _first(
    walk: _Walk, live: Mask, kind: Ints, limit: Floats, floor: Floats
) -> tuple[Floats, Floats, Floats, Floats]:
    """Go from the near step up by octaves until f departs: return between which steps, and by what.

    Up to there the slope becomes more certain with each step.
    """
    claims = walk.claims
    low, high = claims.near.copy(), claims.far.copy()
    below, above = np.zeros(len(low)), np.full(len(low), math.nan)
    going, step, octaves = live.copy(), claims.near.copy(), STRIDE
    while going.any():
        rows = np.flatnonzero(going)
        step[rows] = np.minimum(np.ldexp(step[rows], octaves), claims.far[rows])
        octaves *= 2
        off, t = walk.departures(step[rows], rows)
        unsure = np.where(claims.standing[rows], 0.0, UNSURE * floor[rows] / low[rows])
        departs = np.abs(off) > np.maximum(limit[rows], unsure) * step[rows]
        high[rows[departs]], above[rows[departs]] = step[rows[departs]], off[departs]
        stays = rows[~departs]
        walk.slope[stays] += np.where(claims.standing[stays], 0.0, (off / t)[~departs])
        low[stays], below[stays] = step[stays], off[~departs]
        going[rows[departs]] = False
        ended = stays[step[stays] >= claims.far[stays]]
        going[ended], live[ended], kind[ended] = False, False, STRUCTURE
    return low, high, below, above


def _steep(
    walk: _Walk, rows: Ints, low: Floats, below: Floats, high: Floats, above: Floats
) -> Ints:
    """Return where f departs as a power of t between 2 and 5: what the near reading leaves out.

    Two points between tell the power, and it has to be the same; f was closer to it below.
    """
    powers = []
    for share in (0.5, 0.75):
        middle = low[rows] ** (1.0 - share) * high[rows] ** share
        off, _ = walk.departures(middle, rows)
        powers.append(np.log(np.abs(off / above[rows])) / np.log(middle / high[rows]))
    one, other = powers
    small = np.abs(below[rows]) < np.abs(above[rows]) * (low[rows] / high[rows]) ** 1.5
    good = (one > 1.7) & (one < 5.0) & (np.abs(one - other) < 0.4) & small
    return np.asarray(rows[good])


def _alone(walk: _Walk, rows: Ints, step: Floats, jump: Floats) -> Mask:
    """Whether f goes on as before behind a jump: then it is one edge, and not one of many."""
    same, far = np.ones(rows.size, np.bool_), np.maximum(2.0 * walk.claims.far[rows], 8.0 * step)
    for share in (0.25, 0.5, 0.75, 1.0):
        off, _ = walk.departures(step * (far / step) ** share, rows)
        same &= np.abs(off - jump) < SAME * np.abs(jump)
    return same
