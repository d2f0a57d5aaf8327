"""The rule: what can be said of a derivative beside a numerical one with error bars."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from numdiff.estimate import Status
from numdiff.verify.arrays import Array, Floats, Mask
from numdiff.verify.report import AGREE, DISAGREE, INCONCLUSIVE

# A bar holds in 98 to 99 % of entries; on the tuning corpora no smooth function exceeded five, and
# functions whose noise comes in pieces, as of integration with a varying step, exceeded fourteen.
BARS, BARS_OF_NOISE = 8.0, 16.0
# The floor: formulas of some hundred operations differ by so much of the value by rounding alone.
STRICT = 1e-10
# An entry that may be zero is measured against its row: a thousandth of the largest effect on f.
SHARE = 1e-3
# An `rtol` that can be asked for even if it is rounded up to one digit.
REACHABLE = 0.9
TRUSTED = np.array([status.trustworthy for status in Status])
TRUSTED.setflags(write=False)


class Numerical(NamedTuple):
    """The numerical derivative as matrices (m, n), outputs by inputs; see `Estimate`."""

    value: Array
    error: Floats
    status: Array
    left: Array
    right: Array
    noise: Floats
    step: Floats | float = math.inf


class Sizes(NamedTuple):
    """What makes entries comparable.

    Attributes
    ----------
    inputs : array (n,)
        The size of each input.
    rows : array (m,)
        The least effect on each output that counts, if all inputs change by their size.
    weights : array (m,) or None
        Factors that make rows comparable with each other, None where they are not.
    still : array (m,) of bool
        Which outputs did not change at all, however far f was followed.
    """

    inputs: Floats
    rows: Floats
    weights: Floats | None
    still: Mask


def size_of(x: Floats, most: Floats | float = 1.0) -> Floats:
    """Return the size of each input: where one is zero, that of the others, but then `most`."""
    size = np.abs(x)
    typical = float(np.median(size[size > 0.0])) if size.any() else 1.0
    return np.where(size > 0.0, size, np.minimum(typical, most))


class Judged(NamedTuple):
    """The outcome, each array (m, n).

    `limit` is what the difference may be, `bar` the unit in which it is told, `doubt` the part of
    the limit that is uncertainty rather than rounding, `scale` the size of an entry.
    """

    verdict: Array
    difference: Array
    limit: Floats
    bar: Floats
    doubt: Floats
    scale: Floats

    @property
    def needed(self) -> Floats:
        """The tolerance, relative to the size of an entry, that it would meet."""
        with np.errstate(all="ignore"):
            return np.asarray((np.abs(self.difference) + self.doubt) / self.scale)


def allowance(error: Any, size: Any) -> Any:
    """Return what two values of this size may differ by: their error, or the floor if larger."""
    return np.fmax(error, STRICT * size)


def is_wrong(analytic: Any, numerical: Any, error: Any, size: Any) -> Mask:
    """Say where a difference is more than bars and the floor allow."""
    return np.asarray(np.abs(analytic - numerical) > allowance(BARS * error, size))


def judge(
    analytic: Array, rounding: Floats, numerical: Numerical, sizes: Sizes, rtol: float, *,
    accept: float = 0.0, atol: float = 0.0,
) -> Judged:  # fmt: skip
    """Judge each entry of a derivative.

    An entry disagrees if its difference from the numerical value exceeds both eight times the bars
    of the two together and the floor, 1e-10 of its size. It agrees if difference and bars together
    stay below `rtol` of its size: as in an equivalence test (Schuirmann 1987,
    doi:10.1007/BF01068419), that nothing was found is not enough. Else it is inconclusive.

    Parameters
    ----------
    analytic : array (m, n)
        The derivative to be judged.
    rounding : array (m, n)
        How exact it is itself.
    numerical : Numerical
        What it is compared with.
    sizes : Sizes
        What makes entries comparable.
    rtol : float
        The agreement that is to be proven.
    accept, atol : float
        Relative and absolute differences that are accepted even where bars exclude them.
    """
    value, trusted = numerical.value, TRUSTED[numerical.status] & np.isfinite(numerical.error)
    with np.errstate(all="ignore"):
        difference = analytic - value
        gap, size = np.abs(difference), np.fmax(np.abs(analytic), np.abs(value))
        bars = np.where(numerical.status == Status.OK, BARS, BARS_OF_NOISE)
        doubt = np.where(trusted, bars * (numerical.error + rounding), np.inf)
        # what would have as much effect as the largest of the row
        effect = np.max(np.where(trusted, np.abs(value), 0.0) * sizes.inputs, axis=1, initial=0.0)
        if sizes.weights is not None:
            effect = np.maximum(effect, np.max(effect * sizes.weights, initial=0.0) / sizes.weights)
        typical = np.maximum(effect, sizes.rows)[:, None] / sizes.inputs
        limit = np.maximum(allowance(doubt, size), np.maximum(accept * size, atol))
        # what is surely not zero has a size of its own
        scale = np.where(np.abs(value) > doubt, np.abs(value), np.fmax(size, SHARE * typical))
        # where the floor, or the user, alone accepts a difference it is told in units of that
        floored = trusted & (doubt < gap) & (gap <= limit)
        bar = np.where(floored, limit / bars, numerical.error + rounding)
        differs = trusted & ~(np.isfinite(analytic) & (gap <= limit))
        nothing = sizes.still[:, None] & (size == 0.0)
        proven = (
            trusted
            & ~differs
            & (nothing | (gap + doubt <= np.maximum(max(rtol, accept) * scale, atol)))
        )
    verdict = np.select([differs, proven], [DISAGREE, AGREE], INCONCLUSIVE)
    return Judged(verdict, difference, limit, bar, doubt, scale)


# Why something could not be told


def reasons(judged: Judged, analytic: Array, numerical: Numerical, f0: Floats) -> Iterator[str]:
    """Say why entries are inconclusive, and what to do about it: a sentence for each reason."""
    undecided = judged.verdict == INCONCLUSIVE
    lost = undecided & ~TRUSTED[numerical.status]
    for code in np.unique(numerical.status[lost]):
        chosen = lost & (numerical.status == code)
        detail = _between(chosen, analytic, numerical) if code == Status.KINK else ""
        yield f"{_count(chosen)}: {detail}{Status(code).message}"
    wide = undecided & ~lost & np.isfinite(judged.doubt)  # else a second look tells why
    own = wide & (BARS * numerical.error < 0.25 * judged.doubt)
    if own.any():
        yield (
            f"{_count(own)}: the derivative that was given changes by "
            f"{judged.needed[own].max():.0e} of its size when x moves by its last bits, so it is "
            "no more exact than that; look for cancellation or randomness inside"
        )
    if (wide & ~own).any():
        yield _too_wide(wide & ~own, judged, numerical, f0)


def _too_wide(chosen: Mask, judged: Judged, numerical: Numerical, f0: Floats) -> str:
    needed = judged.needed[chosen].max()
    remedy = f"accept rtol >= {needed:.0e}" if needed < REACHABLE else ""
    noisy = chosen & (numerical.status != Status.OK) & (numerical.noise > 0.0)
    if len(f0) != len(noisy) or not noisy.any():
        wide = f"{_count(chosen)}: the error bars are too wide to prove agreement"
        return wide + f"; {remedy}" * bool(remedy)
    with np.errstate(all="ignore"):
        level = np.max((numerical.noise / np.abs(f0)[:, None])[noisy])
    remedy = f", or {remedy}" * bool(remedy)
    return (
        f"{_count(chosen)}: f itself is good to {level:.0e} only; compute it more accurately "
        f"(tighter solver tolerances, double precision, more samples){remedy}"
    )


def _between(chosen: Mask, analytic: Array, numerical: Numerical) -> str:
    """Say where a value lies at a kink."""
    ends = np.stack([numerical.left[chosen], numerical.right[chosen]])
    if np.iscomplexobj(ends) or np.iscomplexobj(analytic) or not np.isfinite(ends).all():
        return ""
    with np.errstate(all="ignore"):  # what noise of f makes of the slopes, which have no bars
        blur = np.nan_to_num(numerical.noise / numerical.step, posinf=0.0)[chosen]
    slack = allowance(blur, np.abs(ends).max(axis=0))
    value = analytic[chosen]
    inside = (ends.min(axis=0) - slack <= value) & (value <= ends.max(axis=0) + slack)
    if inside.all():
        return "the given value lies between the left and the right derivative. "
    which = "the given value lies" if inside.size == 1 else f"{np.sum(~inside)} given values lie"
    return f"{which} outside the interval of left and right derivative. "


def _count(chosen: Mask) -> str:
    number = int(np.count_nonzero(chosen))
    return f"{number} {'entry' if number == 1 else 'entries'}"
