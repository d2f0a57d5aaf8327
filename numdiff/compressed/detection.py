"""Which outputs of a black box depend on which inputs: found by moving random groups of inputs.

An output that does not change when a group moves depends on nothing in it. Where it does change,
three further points, at which each member goes farther by a digit of its number, tell which member
it was, if it was one alone. New groups at new points find the others.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.random import Generator

from numdiff.arrays import Array, Floats, Ints, Mask
from numdiff.coloring.pattern import require_outputs
from numdiff.evaluation.call import Call, Form, evaluate, origin
from numdiff.geometry.domain import Box, blocks

if TYPE_CHECKING:
    from scipy.sparse import csc_array

MISSED = 1e-3  # probability that any entry is missed, of those along which f changes visibly
OVERLOOKED = 1e-2  # that a certain entry is, which a given pattern lacks
FEW = 64  # inputs that are moved one by one
GROUPS = 16  # at least
CROWD = 2  # groups per entry of the longest row: most entries are alone in theirs
GROWTH = 4  # of the number of groups, where rows change with all of them
DENSE, ODD = 16, 0.01  # with n / 16 groups, such rows are dense, if they are few
STEPS = (2.0**-20, 2.0**-13, 2.0**-26)  # of the size of x, in turns: f may be faint, or bent
FRESH = (2.0**-8, 2.0**-14, 2.0**-24, 0.0)  # of the size of x: how far from x it is asked
SLACK = 0.01  # digits are integers up to this
BITWISE = 4  # groups in which what is not clear is told by the bits of numbers


class Place(NamedTuple):
    """A function, a point, and f there; entries of x move inside bounds."""

    call: Call
    x: Floats
    form: Form
    f: Array  # (m,), complex where f is
    box: Box | None

    @property
    def size(self) -> Floats:
        """How large the entries of x are, at least 1."""
        return np.asarray(np.maximum(np.abs(self.x), 1.0))

    def values(self, points: Floats) -> Array:
        """Return f at points (K, n), complex where it is: (K, m)."""
        rows = evaluate(self.call, points, self.form).rows
        return self.form.unpack(rows)

    def near(self, rng: Generator) -> tuple[Place, int]:
        """Return a random place close by where f is finite as here, and how often f was asked."""
        for asked, far in enumerate(FRESH, 1):
            x = self.x + far * self.size * rng.uniform(-1.0, 1.0, self.x.size)
            if self.box is not None:
                lower, upper = self.box.lower, self.box.upper  # at which f may be flat
                x = np.where(x < lower, 2.0 * lower - x, np.where(x > upper, 2.0 * upper - x, x))
                x = np.clip(x, lower, upper)
            f = self.values(x[None].copy())[0]
            if np.isfinite(f)[np.isfinite(self.f)].all():
                return self._replace(x=x, f=f), asked
        return self, len(FRESH)

    def moves(self, step: float, rng: Generator) -> Floats:
        """Return how far each entry goes: no two alike, so that nothing cancels."""
        length: Floats = step * self.size * rng.uniform(0.5, 1.0, self.x.size)
        if self.box is None:
            return np.asarray(length * rng.choice([-1.0, 1.0], self.x.size))
        ahead, behind = self.box.upper - self.x, self.x - self.box.lower
        length = np.minimum(length, 0.5 * np.maximum(ahead, behind))
        return np.where(ahead >= behind, length, -length)


class Groups(NamedTuple):
    """A random partition of the inputs."""

    owner: Ints  # (n,): the group of each, -1 if it is in none
    number: Ints  # (n,): which member it is
    member: Ints  # (n,): the input that is a member, of all groups in turns
    digits: tuple[Ints, Ints, Ints]  # (n,) each: two of the number, and one by chance
    base: int
    many: int
    moves: Floats  # (n,): how far each goes

    @classmethod
    def of(cls, n: int, count: int, moves: Floats, rng: Generator) -> Groups:
        """Draw so many groups of nearly equal size."""
        rank = rng.permutation(n)
        number, base = rank // count, math.isqrt(-(-n // count) - 1) + 1
        digits = (number // base, number % base, rng.integers(base, size=n))
        return cls(rank % count, number, np.argsort(rank), digits, base, count, moves)

    def column(self, group: Ints, number: Ints) -> Ints:
        """Return which inputs are these members of these groups; any one where none is."""
        place = number * self.many + group
        return self.member[np.where(place < len(self.member), place, 0)]


class Sweep(NamedTuple):
    """What the groups of one partition of the inputs showed."""

    found: Ints  # new entries, as row + column * rows
    changed: Ints  # (m,): with how many groups each output changed
    unclear: bool  # whether an output changed for a reason that was not found
    nfev: int


def detected(call: Call, x: Floats, box: Box | None) -> tuple[Ints, Ints, int, int]:
    """Find the pattern of the Jacobian of f around x.

    Returns
    -------
    tuple
        Rows and columns of the entries, the number of outputs and that of the evaluations of f.

    Raises
    ------
    ValueError
        If f differs between calls.
    """
    place = _steady(call, x, box)
    if x.size <= FEW:
        keys, nfev = _one_by_one(place)
    else:
        keys, nfev = _search(place, np.empty(0, np.int64), None)
    m = max(len(place.f), 1)
    return keys % m, keys // m, len(place.f), nfev + 2


def missing(call: Call, x: Floats, box: Box | None, pattern: csc_array) -> tuple[Ints, Ints]:
    """Find entries of the Jacobian of f around x that a pattern does not hold.

    Raises
    ------
    ValueError
        If f differs between calls, or the pattern does not fit.
    """
    place = _steady(call, x, box)
    m = max(len(place.f), 1)
    require_outputs(pattern, len(place.f))
    columns = np.arange(x.size).repeat(np.diff(pattern.indptr))
    known = pattern.indices + columns * m  # sorted, as the pattern is
    keys, _ = _search(place, known, OVERLOOKED)
    new = np.setdiff1d(keys, known, assume_unique=True)
    return new % m, new // m


def _steady(call: Call, x: Floats, box: Box | None) -> Place:
    """Ask for f(x) twice: what differs between calls has no pattern."""
    start, again = origin(call, x), origin(call, x)
    if not np.array_equal(start.rows, again.rows, equal_nan=True):
        raise ValueError(
            "f returns different values at the same point, so that what it depends on cannot be "
            "told: fix its random seed, or give the pattern"
        )
    return Place(call, x, start.form, start.form.unpack(start.rows)[0], box)


def _search(place: Place, keys: Ints, overlooked: float | None) -> tuple[Ints, int]:
    """Move random groups until no entry is likely to be left; return all entries and the calls."""
    m, n, nfev, quiet = len(place.f), place.x.size, 0, 0
    counts: list[int] = []
    rng, dense = np.random.default_rng(n), np.zeros(m, np.bool_)
    count = max(GROUPS, CROWD * _longest(keys, dense))
    while nfev <= n and count < n:
        there, asked = place.near(rng)
        sweep = _sweep(there, (count, STEPS[len(counts) % len(STEPS)]), keys, dense, rng)
        keys, nfev = np.union1d(keys, sweep.found), nfev + sweep.nfev + asked
        counts.append(count)
        quiet = 0 if sweep.found.size or sweep.unclear else quiet + 1
        full = (sweep.changed == count) & ~dense
        if full.any() and count * DENSE < n:
            count = min(GROWTH * count, -(-n // DENSE))
            continue
        if full.any():
            if full.mean() > ODD and full.sum() > 1:
                break
            dense |= full
        longest = _longest(keys, dense)
        hidden = 1.0 - (1.0 - 1.0 / np.array(counts)) ** longest  # the probability each time
        with np.errstate(divide="ignore"):
            sure = -np.log(hidden)
        # of all entries none must have been hidden always, nor one that was seen but not told
        wanted = math.log(1.0 / overlooked if overlooked else max(len(keys), m) / MISSED)
        told = math.log(1.0 / (overlooked or MISSED))
        if quiet and sure.sum() >= wanted and sure[-quiet:].sum() >= told:
            rows = np.flatnonzero(dense)
            return np.union1d(keys, (rows[:, None] + np.arange(n) * m).ravel()), nfev
        count = max(GROUPS, CROWD * longest)
    found, asked = _one_by_one(place)  # as dear as that, and certain
    return np.union1d(keys, found), nfev + asked


def _longest(keys: Ints, dense: Mask) -> int:
    counts = np.bincount(keys % max(len(dense), 1), minlength=len(dense))
    return int(counts[~dense].max(initial=1))


def _sweep(place: Place, plan: tuple[int, float], keys: Ints, dense: Mask, rng: Generator) -> Sweep:
    """Move each of so many random groups of inputs, and find out which member changes what."""
    (count, step), m, n = plan, len(place.f), place.x.size
    groups = Groups.of(n, count, place.moves(step, rng), rng)
    owner = groups.owner[keys // max(m, 1)]
    order = np.argsort(owner, kind="stable")
    rows, ends = (keys % max(m, 1))[order], np.searchsorted(owner[order], np.arange(count + 1))
    found, changed, nfev, left = [], np.zeros(m, np.int64), 0, []
    for part in blocks(count, 4 * max(n, m)):
        numbers = np.arange(part.start, part.stop)
        first = _changes(place, groups, numbers, np.zeros(n))
        changed += (first != 0).sum(axis=0)
        open_ = (first != 0) & ~dense
        for a, g in enumerate(numbers):
            open_[a, rows[ends[g] : ends[g + 1]]] = False
        some = np.flatnonzero(open_.any(axis=1))
        nfev += len(numbers) + 3 * len(some)
        if some.size:
            at, row = np.nonzero(open_[some])
            column = _by_digits(place, groups, numbers[some], first[some], (at, row))
            told = column >= 0
            found.append((row + column * m)[told])
            left.append(np.stack([numbers[some][at], row])[:, ~told])
    unclear = np.concatenate(left, axis=1) if left else np.empty((2, 0), np.int64)
    few = np.unique(unclear[0])
    if 0 < few.size <= BITWISE:
        column, asked = _by_bits(place, groups, few, unclear)
        told = column >= 0
        found.append((unclear[1] + column * m)[told])
        unclear, nfev = unclear[:, ~told], nfev + asked
    new = np.unique(np.concatenate(found)) if found else np.empty(0, np.int64)
    return Sweep(new, changed, unclear.size > 0, nfev)


def _by_digits(
    place: Place, groups: Groups, numbers: Ints, first: Array, cases: tuple[Ints, Ints]
) -> Ints:
    """Tell the columns of cases, group and row, by three digits of each; -1 where they are none."""
    base, sure = groups.base, np.ones(len(cases[0]), np.bool_)
    digits = []
    for digit in groups.digits:
        farther = _changes(place, groups, numbers, digit / base)
        with np.errstate(all="ignore"):
            exact = (farther[cases] / first[cases] - 1.0) * base
        whole = np.rint(np.where(np.isfinite(exact), exact.real, -1.0))
        sure &= (np.abs(exact - whole) <= SLACK) & (whole >= 0.0) & (whole < base)
        digits.append(np.where(sure, whole, 0.0).astype(np.int64))
    column = groups.column(numbers[cases[0]], digits[0] * base + digits[1])
    return np.where(sure & (digits[2] == groups.digits[2][column]), column, -1)


def _by_bits(place: Place, groups: Groups, numbers: Ints, cases: Ints) -> tuple[Ints, int]:
    """Tell the columns of cases by which halves of the group change a row, however faintly."""
    column, bits = np.full(cases.shape[1], -1), max(1, int(groups.number.max()).bit_length())
    for number in numbers:
        mine = cases[0] == number
        told, sure = np.zeros(mine.sum(), np.int64), np.ones(mine.sum(), np.bool_)
        for bit in range(bits):
            one = (groups.number >> bit) & 1 == 1
            halves = [
                groups._replace(owner=np.where(half, groups.owner, -1)) for half in (one, ~one)
            ]
            moved = [
                _changes(place, half, np.array([number]), np.zeros(len(one)))[0, cases[1, mine]]
                != 0
                for half in halves
            ]
            sure &= moved[0] != moved[1]
            told |= moved[0].astype(np.int64) << bit
        columns = groups.column(np.full(len(told), number), told)
        column[mine] = np.where(sure, columns, -1)
    return column, 2 * bits * len(numbers)


def _changes(place: Place, groups: Groups, numbers: Ints, more: Floats) -> Array:
    """Return how f changes as each of some groups moves, its members farther by that share."""
    far = groups.moves * (1.0 + more)
    values = place.values(place.x + np.where(groups.owner == numbers[:, None], far, 0.0)) - place.f
    values[:, ~np.isfinite(place.f)] = 0.0
    return values


def _one_by_one(place: Place) -> tuple[Ints, int]:
    """Move each input alone."""
    n, m, rng = place.x.size, len(place.f), np.random.default_rng(place.x.size)
    there, nfev = place.near(rng)
    alone, keys = Groups.of(n, n, there.moves(STEPS[1], rng), rng), [np.empty(0, np.int64)]
    alone = alone._replace(owner=np.arange(n))
    for part in blocks(n, 3 * max(n, m)):
        columns = np.arange(part.start, part.stop)
        at, row = np.nonzero(_changes(there, alone, columns, np.zeros(n)))
        keys.append(row + columns[at] * m)
    return np.unique(np.concatenate(keys)), nfev + n
