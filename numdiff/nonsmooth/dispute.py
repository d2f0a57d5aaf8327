"""Two readings of f contradict each other: which of them is right is told by the break between.

The smaller steps are right about structure of f, the larger ones about stairs and noise. So f is
asked where it departs from what the smaller steps say: if it jumps there, and goes on otherwise,
the smaller steps have seen one stair of many; if it bends, it is structure and they are right.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np

from numdiff.arrays import Floats, Ints, Mask
from numdiff.constants import BUDGET, DOMAIN, EPS, NOISE_LIMITED, OK, UNRESOLVED
from numdiff.drivers.climb import Window, climb, span_of
from numdiff.drivers.derivatives import Derivatives, Problem
from numdiff.drivers.sampling import sample
from numdiff.geometry.directions import Directions
from numdiff.ladder.channels import Span
from numdiff.ladder.disputes import LEAP, LOST, SILENCE, UNLIKE, WIDE, WIDER
from numdiff.ladder.noise import CLEARLY
from numdiff.ladder.registers import LOOKED, NEVER
from numdiff.nonsmooth.claims import Claims, claims_of

FEW = 16  # outputs whose breaks are looked for along a direction: thousands would take hours
LONGEST = 40  # evaluations that the look at a break may take
SHARE = 1.0 / 3.0  # of the gap between two readings, times the step: there f leaves the near one
UNSURE = 0.08  # of what counts as a change: what rounding may do to the slope at a tiny step
# octaves from the near step up to the first look at f, then twice as many each time; so many at
# most where the slope of a tiny step becomes more certain, for more would hide structure
STRIDE, MOST = 3, 6
WIDEST = 2100  # octaves between any two floats
FINE, FLAT = 6, 5  # halvings of the step, once the break is known within an octave
JUMP, BEND = 0.5, 0.25  # of the departure, left over the last interval: more jumps, less bends
GROWS = 0.5  # of the last interval's departure in the next one: of a corner 1, of a jump 0
# times the far step: so far f is looked at for other edges, and where larger steps jump, since
# stairs are wide beside these; farther away f leaves the series of the smaller steps by itself
BEYOND, OVER = 2.0, 4.0
SAME = 0.25  # of the jump: by so much f may be off behind it, if it is an edge alone
ONE_SIDE = 0.01  # of the departure on the other side: so little is none
ALONG = (0.25, 0.5, 0.75, 1.0)  # of the octaves from a jump to twice the far step: where f is asked
STEEP = (1.7, 7.0)  # powers of the step by which a smooth f departs from its tangent or parabola
MANY = 3.0  # times a jump f is off farther away: then it was not the only one
POLE = 30.0  # times that: f jumps by far more than it is off farther away where it has a pole
TERMS = 4  # so often what the near reading leaves out may be added to it
ALIKE = 0.4  # by which two looks at that power may differ
VAGUER = 1e3  # times the gap between two slopes
SURE = 2.0  # times how far the answer is off the slope at smaller steps, which it is proven to
BOTH = 1.25  # times the gap between two slopes: the near one is known to a part of it
EVEN = 0.5  # of a jump: the standard deviation of f on stairs, on the safe side of 12**-0.5
# times the noise of stairs: what was taken for noise before may be as much, or as little
MORE, LESS = 16.0, 0.25
BELOW, ABOVE = 3, 1  # octaves from a break to where another ladder starts, or ends
LEVELS = 3  # octaves that a ladder has at least


class Kind(IntEnum):
    """What f does where it departs from the near reading."""

    AGREE = 0  # it does not
    STRUCTURE = 1  # it bends, or has one edge
    STAIRS = 2  # it jumps, and goes on otherwise
    UNCLEAR = 3


class Break(NamedTuple):
    """Where f departs from what the smaller steps say, by how much, and what it is."""

    nfev: int
    kind: Ints  # (K,)
    step: Floats
    jump: Floats
    gap: Floats  # between the slopes of both readings
    near: Floats  # how far the answer is off the near slope, where f has it up to the far step


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
        What other ladders left, which were climbed anew: below the break where f has structure,
        above it where f has stairs.
    int
        How often f was asked.
    """
    lines, span = window.lines, span_of(problem.x, directions, window.limits)
    claims = claims_of(problem, directions, lines, window.side, span)
    if claims is None:
        return lines, [], 0
    place = claims.row, claims.output
    if problem.budget < LONGEST * len(claims.row):
        open_ = (claims.claim == LEAP) | (claims.claim == SILENCE)
        lines = lines._replace(status=lines.status.copy())
        lines.status[claims.row[open_], claims.output[open_]] = BUDGET
        return lines, [], 0
    found = look(problem.probing(), directions, claims, span)
    lines, claims, found = _looked_on(problem.less(found.nfev), directions, window, claims, found)
    place = claims.row, claims.output
    below = (claims.claim == LOST) & (found.kind == Kind.STRUCTURE)
    noise, deviation = lines.noise[place], EVEN * found.jump
    other = (noise > MORE * deviation) & (claims.rough <= MORE * deviation)
    other |= (LESS * deviation > noise) | (claims.claim != SILENCE)
    above = ~np.isin(claims.claim, (WIDE, UNLIKE)) & (found.kind == Kind.STAIRS) & other
    again, nfev = [], found.nfev
    for chosen, way in ((below, _below), (above, _above)):
        for k in _alike(claims, chosen):
            again.append(_anew(problem.less(nfev), directions, window, claims, found, k, way=way))
            nfev += again[-1].lines.nfev
    return _written(lines, claims, found, above), again, nfev


def _written(lines: Derivatives, claims: Claims, found: Break, above: Mask) -> Derivatives:
    """Write what the breaks say of bars: nothing is left of an answer from one of many stairs."""
    place, doubtful = (claims.row, claims.output), found.kind > Kind.STRUCTURE
    error, status = lines.error[place], lines.status[place]
    doubted = np.zeros(lines.error.shape, np.bool_)  # on one side of x at least
    doubted[claims.row[doubtful], claims.output[doubtful]] = True
    sound = (claims.claim == WIDE) & ~doubted[place]
    # waves of f that are fast and small are noise to one, and to another one f
    torn = (claims.claim == SILENCE) & (found.kind != Kind.STAIRS)
    # a clean slope between stairs may be f's own, or hide a part of f that rounding swallows
    torn |= (claims.claim == UNLIKE) & (found.kind == Kind.STAIRS)
    nothing = above | ((claims.claim == LEAP) & (found.kind == Kind.UNCLEAR))
    error = np.where(sound, lines.proven[place], error)
    error = np.where(torn, error + BOTH * found.gap, np.where(nothing, math.inf, error))
    status = np.where(sound, OK, np.where(torn, NOISE_LIMITED, status))
    new = lines._replace(error=lines.error.copy(), status=lines.status.copy())
    new.error[place], new.status[place] = error, np.where(nothing, UNRESOLVED, status)
    return new


def _looked_on(
    problem: Problem, directions: Directions, window: Window, claims: Claims, found: Break
) -> tuple[Derivatives, Claims, Break]:
    """Look at larger steps where f is smooth from the tiny one up to the smallest of the answer.

    Then the answer is proven by how near it is to the slope there, and noise was jumps of f
    farther away, or bends.
    """
    lines = window.lines
    place, proven = (claims.row, claims.output), lines.proven.copy()
    smooth = (claims.claim == SILENCE) & (WIDER * SURE * found.near < lines.error[place])
    if not smooth.any() or problem.budget < 2 * LONGEST * np.count_nonzero(smooth):
        return lines, claims, found
    place = claims.row[smooth], claims.output[smooth]
    proven[place] = SURE * found.near[smooth]
    lines, span = lines._replace(proven=proven), span_of(problem.x, directions, window.limits)
    bars = claims_of(problem, directions, lines, window.side, span, bars=place)
    assert bars is not None
    beyond = look(problem.probing(), directions, bars, span)
    nfev = found.nfev + beyond.nfev
    found = Break(nfev, *_joined(found[1:], beyond[1:], ~smooth))
    return lines, Claims(*_joined(claims, bars, ~smooth)), found


def _joined(ones: Sequence[Any], others: Sequence[Any], kept: Mask) -> Iterator[Any]:
    """Append others to those that are kept, column by column; the last axis is that of outputs."""
    for one, other in zip(ones, others, strict=True):
        yield np.concatenate([one[..., kept], other], axis=-1)


def _alike(claims: Claims, chosen: Mask) -> list[Ints]:
    """Group the chosen claims by the directions that have them on the same outputs."""
    if not chosen.any():
        return []
    k = np.flatnonzero(chosen)
    (rows, row), (outputs, output) = (
        np.unique(numbers[k], return_inverse=True) for numbers in (claims.row, claims.output)
    )
    has = np.zeros((len(rows), len(outputs)), np.bool_)
    has[row, output] = True
    _, kind = np.unique(has, axis=0, return_inverse=True)
    kind = np.ravel(kind)[row]
    return [k[kind == one] for one in range(int(kind.max()) + 1)]


def _below(span: Span, at: Ints) -> Span:
    """Say where steps below a break may lie."""
    start = np.maximum(np.minimum(span.start, at - BELOW), span.lowest)
    return span._replace(start=start, highest=np.minimum(span.highest, at - ABOVE))


def _above(span: Span, at: Ints) -> Span:
    """Say where steps above a break may lie."""
    lowest = np.maximum(span.lowest, np.minimum(at + ABOVE, span.highest))
    start = np.minimum(np.maximum(span.start, lowest + LEVELS), span.highest)
    return span._replace(start=start, other=start, lowest=lowest)  # below is none of its scales


def _anew(
    problem: Problem, directions: Directions, window: Window, claims: Claims, found: Break, k: Ints,
    *, way: Callable[[Span, Ints], Span],
) -> Window:  # fmt: skip
    """Climb along directions with claims on the same outputs once more, below a break or above."""
    rows, place = np.unique(claims.row[k], return_inverse=True)
    span = span_of(problem.x, directions, window.limits).pick(rows)
    at = np.full(len(rows), -NEVER if way is _below else NEVER)
    extreme = np.minimum if way is _below else np.maximum
    extreme.at(at, place, np.floor(np.log2(found.step[k])).astype(np.int64))
    rest, output = problem.reading(claims.output[k])
    noise, prior = np.zeros((len(rows), rest.f0.shape[-1])), 0
    if way is _above:
        noise[place, output], prior = EVEN * found.jump[k], LOOKED
    asked = np.isin(np.arange(rest.f0.shape[-1]), output)
    rest = rest._replace(f0=np.where(asked, rest.f0, math.nan))  # others have no part in it
    chosen, limits = directions.pick(rows), way(span, at)
    lines = climb(rest, chosen, limits, window.levels, noise=noise, prior=prior)
    if way is _below:  # a bar wider than what slopes differ by there knows less than before
        lost = lines.error[place, output] > VAGUER * found.gap[k]
        lines.status[place[lost], output[lost]] = DOMAIN
    if rest.call.outputs is not None:
        lines = lines.widened(rest.call.outputs, problem.f0.shape[-1])
    return window._replace(rows=window.rows[rows], limits=limits, lines=lines)


class _Walk:
    """Where f is asked along K directions, and how far it is from what the near reading says.

    Its state is the slope of that reading, which gets more certain on the way, and what was asked.
    """

    def __init__(self, problem: Problem, directions: Directions, claims: Claims) -> None:
        self.problem, self.claims, self.nfev = problem, claims, 0
        self.directions = directions
        f0 = np.broadcast_to(problem.f0, (len(directions), problem.f0.shape[-1]))
        self.f0 = f0[claims.row, claims.output]
        self.slope = claims.series[0] + claims.side * claims.lean
        self.least = claims.near  # the step of the first level

    def departures(self, steps: Floats, rows: Ints) -> tuple[Floats, Floats]:
        """Return how far f at some steps is from the near reading, and those steps as they are."""
        claims, t = self.claims, self.claims.side[rows] * steps
        octaves = np.log2(steps / self.least[rows])
        level = np.clip(octaves.astype(np.int64), 0, len(claims.levels) - 1)
        changes = np.where(level == octaves, claims.levels[level, rows], math.nan)
        new = np.flatnonzero(np.isnan(changes))
        if new.size:
            changes[new], t[new] = self._asked(t[new], rows[new])
        says = np.zeros(len(rows))
        for coefficient in (*claims.series[:0:-1, rows], self.slope[rows]):
            says = t * (coefficient + says)
        return changes - says, t

    def _asked(self, t: Floats, rows: Ints) -> tuple[Floats, Floats]:
        """Ask how much f differs from f(x) at other steps; return them as they are."""
        claims, row, place = self.claims, self.claims.row[rows], np.arange(len(rows))
        if self.problem.f0.shape[-1] > 1:
            # outputs that are looked at along the same direction share what they have in common
            points, place = np.unique(np.column_stack([row, t]), axis=0, return_inverse=True)
            row, t, place = points[:, 0].astype(np.int64), points[:, 1], np.ravel(place)
        found = sample(self.problem, self.directions.pick(row), np.ones(1), t)
        self.nfev += found.nfev
        values = found.values[0, place, claims.output[rows]]
        return values - self.f0[rows], found.steps[place]


class _Bracket(NamedTuple):
    """Between which steps (K,) f departs, and by what there; nan where that is not known."""

    low: Floats
    high: Floats
    below: Floats
    above: Floats

    def narrowed(self, rows: Ints, steps: Floats, off: Floats, *, beyond: Mask) -> None:
        """Take in what was found at other steps: beyond the break, or in front of it."""
        self.high[rows[beyond]], self.above[rows[beyond]] = steps[beyond], off[beyond]
        self.low[rows[~beyond]], self.below[rows[~beyond]] = steps[~beyond], off[~beyond]


def look(problem: Problem, directions: Directions, claims: Claims, span: Span) -> Break:
    """Look at where f departs from what the smaller steps say, and whether it jumps there.

    `span` says where f may be asked, and how large x is, which is rounded as well.
    """
    problem, output = problem.reading(claims.output)
    walk, gap = _sided(problem, directions, claims._replace(output=output))
    claims = walk.claims
    moved = span.reach[claims.row] * np.abs(claims.series[0])
    floor = CLEARLY * EPS * (np.abs(walk.f0) + gap + moved)
    live = (gap > floor + claims.slack) & (claims.far > claims.near)
    kind = np.where(live, Kind.UNCLEAR, Kind.AGREE)
    limit = SHARE * np.minimum(gap / claims.far, claims.most)
    bracket, off = _first(walk, live, limit, floor)
    _follow(walk, live & (claims.claim == WIDE), limit, floor, bracket)
    followed = live & np.isnan(bracket.above)
    kind[followed], live[followed] = Kind.AGREE, False
    # what has widened a bar may be a jump that is small beside what the near reading leaves out
    steep, _ = _steep(walk, np.flatnonzero(live & (claims.claim != WIDE)), bracket)
    kind[steep], live[steep] = Kind.STRUCTURE, False
    # up to here outputs share their points; each break has points of its own
    left_out = live & ~_looked_at(claims, live, gap / claims.far)
    live &= ~left_out
    _halve(walk, live, limit, bracket)
    jump = np.abs(bracket.above - bracket.below)
    bent = (jump < BEND * np.abs(bracket.above)) | (jump > POLE * gap)
    kind[live & bent] = Kind.STRUCTURE
    jumps = live & ~bent & (jump >= JUMP * np.abs(bracket.above))  # the second of two steps too
    kind[jumps] = Kind.STAIRS
    farthest = np.ldexp(1.0, span.highest)
    beyond = 2.0 * bracket.high - bracket.low <= farthest[claims.row]  # else f may not be asked
    abrupt = live & ~bent & beyond & np.isin(claims.claim, (WIDE, UNLIKE))
    kind[_growing(walk, np.flatnonzero(abrupt), bracket)] = Kind.STRUCTURE
    # what has widened a bar is a jump that was seen: even if it is an edge alone
    torn = (kind == Kind.STAIRS) & (claims.claim != WIDE) & (gap < MANY * jump)
    torn = np.flatnonzero(torn)
    kind[torn[_alone(walk, torn, bracket, farthest)]] = Kind.STRUCTURE
    _infer(claims, kind, left_out)
    apart = np.fmax(gap / claims.far, np.abs(walk.slope - claims.answer))
    apart = np.where(followed, np.fmin(apart, off), apart)
    followed[steep] = True
    near = np.where(followed, off, math.inf)
    return Break(walk.nfev, kind, bracket.high, jump, apart, near)


def _sided(problem: Problem, directions: Directions, claims: Claims) -> tuple[_Walk, Floats]:
    """Return a walk on the side of x that tells most, and how far f is from the near reading there.

    That is where it is farther; but what leapt is right if either side follows it all the way.
    """
    gaps, nfev = np.full((2, len(claims.row)), math.nan), 0
    for gap, sign in zip(gaps, (1.0, -1.0), strict=True):
        rows = np.flatnonzero(claims.side != -sign)
        if rows.size:
            walk = _Walk(problem, directions, claims._replace(side=np.full(len(gap), sign)))
            off, t = walk.departures(claims.far[rows], rows)
            bent = off + claims.series[1, rows] * t * t
            gap[rows] = np.minimum(np.abs(off), np.abs(bent))
            nfev += walk.nfev
    ahead, back = gaps
    followed = (claims.claim == LEAP) & (np.fmin(ahead, back) < ONE_SIDE * np.fmax(ahead, back))
    behind = np.where(followed, back < ahead, (back > ahead) | np.isnan(ahead))
    walk = _Walk(problem, directions, claims._replace(side=np.where(behind, -1.0, 1.0)))
    walk.nfev = nfev
    return walk, np.nan_to_num(np.where(behind, back, ahead))


def _first(walk: _Walk, live: Mask, limit: Floats, floor: Floats) -> tuple[_Bracket, Floats]:
    """Go up from the near step until f departs; the bracket is open above where it never does.

    Up to there the slope of a tiny step becomes more certain. Returns how far at most it is from
    the answer too: what rounding hides of it at a step may be structure below the next one, and
    what rounding does not explain of its changes adds up.
    """
    claims = walk.claims
    zero, unknown = np.zeros(len(limit)), np.full(len(limit), math.nan)
    bracket = _Bracket(claims.near.copy(), claims.far.copy(), zero, unknown)
    going, step, octaves, sure = live.copy(), claims.near.copy(), STRIDE, claims.standing
    changed, least = zero.copy(), np.full(len(limit), math.inf)
    while going.any():
        rows = np.flatnonzero(going)
        most = np.where(sure[rows], octaves, min(octaves, MOST))
        most = np.where(claims.claim[rows] == WIDE, 1, most)
        step[rows] = np.minimum(np.ldexp(step[rows], most), claims.far[rows])
        off, t = walk.departures(step[rows], rows)
        unsure = np.where(sure[rows], 0.0, UNSURE * floor[rows] / bracket.low[rows])
        beyond = np.abs(off) > np.maximum(limit[rows], unsure) * step[rows]
        changed[rows] += np.fmax(np.abs(off / t) - unsure, 0.0)
        walk.slope[rows] += np.where(beyond | sure[rows], 0.0, off / t)
        apart = np.abs(walk.slope[rows] - claims.answer[rows]) + changed[rows] + unsure
        least[rows] = np.fmin(least[rows], apart)
        bracket.narrowed(rows, step[rows], off, beyond=beyond)
        going[rows] = ~beyond & (step[rows] < claims.far[rows])
        octaves = min(2 * octaves, WIDEST)
    return bracket, least


def _follow(walk: _Walk, live: Mask, limit: Floats, floor: Floats, bracket: _Bracket) -> None:
    """Go on where f departs as a power of t, with that in the near reading: it is no break yet."""
    for _ in range(TERMS):
        rows, powers = _steep(walk, np.flatnonzero(live & ~np.isnan(bracket.above)), bracket)
        if not rows.size:
            return
        claims, high = walk.claims, bracket.high[rows]
        series = np.zeros((int(STEEP[1]), len(live)))
        series[: len(claims.series)] = claims.series
        power = np.round(powers).astype(np.int64)
        series[power - 1, rows] += bracket.above[rows] / (claims.side[rows] * high) ** power
        near = claims.near.copy()
        near[rows] = high
        walk.claims = claims._replace(series=series, near=near)
        going = np.zeros(len(live), np.bool_)
        going[rows] = near[rows] < claims.far[rows]
        bracket.above[rows] = math.nan
        beyond, _ = _first(walk, going, limit, floor)
        for part, new in zip(bracket, beyond, strict=True):
            part[going] = new[going]


def _steep(walk: _Walk, rows: Ints, bracket: _Bracket) -> tuple[Ints, Floats]:
    """Return where f departs as a power of t, and which: that is what the near reading leaves out.

    Two points between tell the power, and it has to be the same; f was closer to it below.
    """
    if not rows.size:
        return rows, np.empty(0)
    low, high, powers = bracket.low[rows], bracket.high[rows], []
    for share in ALONG[1:3]:
        middle = low ** (1.0 - share) * high**share
        off, _ = walk.departures(middle, rows)
        powers.append(np.log(np.abs(off / bracket.above[rows])) / np.log(middle / high))
    one, other = powers
    least, most = STEEP
    small = np.abs(bracket.below[rows]) < np.abs(bracket.above[rows]) * (low / high) ** 1.5
    good = small & (one > least) & (one < most) & (np.abs(one - other) < ALIKE)
    return rows[good], 0.5 * (one + other)[good]


def _halve(walk: _Walk, live: Mask, limit: Floats, bracket: _Bracket) -> None:
    """Narrow the break down to a part 2**-FINE of its step."""
    # of a plateau nothing is left but its edge: a few halvings tell
    halvings = np.where(live, np.where(walk.slope == 0.0, FINE - FLAT, 0), FINE)
    while (halvings < FINE).any():
        rows = np.flatnonzero(halvings < FINE)
        low, high = bracket.low[rows], bracket.high[rows]
        wide = (high > 2.0 * low) & (low > 0.0)  # between 0 and anything there is no middle octave
        middle = np.where(wide, np.sqrt(high * low), 0.5 * (high + low))
        off, _ = walk.departures(middle, rows)
        bracket.narrowed(rows, middle, off, beyond=np.abs(off) > limit[rows] * middle)
        jump, above = bracket.above[rows] - bracket.below[rows], bracket.above[rows]
        # between edges f is clean, and bends on: else it may be a sawtooth's own slope
        bent = (np.abs(jump) < BEND * np.abs(above)) & (walk.claims.claim[rows] == UNLIKE)
        halvings[rows] = np.where(bent, FINE, halvings[rows] + ~wide)


def _growing(walk: _Walk, rows: Ints, bracket: _Bracket) -> Ints:
    """Return where f departs as fast on, an interval beyond the break: there it bends, sharply.

    What began to bend in an interval departs in the next one by as much at least; behind a jump f
    goes on as before it.
    """
    if not rows.size:
        return rows
    low, high = bracket.low[rows], bracket.high[rows]
    off, _ = walk.departures(2.0 * high - low, rows)
    above, below = bracket.above[rows], bracket.below[rows]
    return np.asarray(rows[(off - above) / (above - below) > GROWS])


def _looked_at(claims: Claims, live: Mask, gaps: Floats) -> Mask:
    """Choose what is looked at: along each direction the FEW outputs with the largest gaps."""
    order = np.lexsort((-gaps, claims.row, ~live))
    order = order[: np.count_nonzero(live)]
    row = claims.row[order]
    first = np.r_[True, row[1:] != row[:-1]] if row.size else np.empty(0, np.bool_)
    number = np.arange(row.size) - np.maximum.accumulate(np.where(first, np.arange(row.size), 0))
    looked = np.zeros(live.shape, np.bool_)
    looked[order[number < FEW]] = True
    return looked


def _infer(claims: Claims, kind: Ints, left_out: Mask) -> None:
    """Take outputs whose silence was not looked at for stairs if all others of a direction are."""
    silent = claims.claim == SILENCE
    for row in np.unique(claims.row[left_out & silent]):
        here = silent & (claims.row == row)
        if (kind[here & ~left_out] == Kind.STAIRS).all():
            kind[here & left_out] = Kind.STAIRS


def _alone(walk: _Walk, rows: Ints, bracket: _Bracket, most: Floats) -> Mask:
    """Whether f goes on as before behind a jump: then it is one edge, and not one of many.

    Steps are at most `most` (D,).
    """
    same, step, jump = np.ones(rows.size, np.bool_), bracket.high[rows], bracket.above[rows]
    reach = np.where(walk.claims.claim[rows] == UNLIKE, OVER, BEYOND)
    far = np.maximum(reach * walk.claims.far[rows], 8.0 * step)
    far = np.minimum(far, np.maximum(most[walk.claims.row[rows]], step))
    for share in ALONG if rows.size else ():
        off, _ = walk.departures(step * (far / step) ** share, rows)
        same &= np.abs(off - jump) < SAME * np.abs(jump)
    return same
