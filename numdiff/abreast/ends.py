"""How ladders are set up, and how they are read off, of many directions as array operations."""

from __future__ import annotations

import math

import numpy as np

from numdiff.arrays import Codes, Floats, Ints, Mask
from numdiff.constants import EPS, OK
from numdiff.ladder import rounds
from numdiff.ladder.decide import DEPTH
from numdiff.ladder.loose import HOPES, LOWER
from numdiff.ladder.runtime import stands_in
from numdiff.ladder.symptoms import CLEAR, DEEP, LEAPT, POOR, QUADRATIC, ROUNDS
from numdiff.ladder.window import restart

from numdiff.ladder.registers import (  # isort: skip
    BASE, CLOSED, DEVIATION, ELSEWHERE, ERROR, ESTIMATE, FIRST, HIGHEST, LAST, LEAST_NOISE, LOOSE,
    LOWEST, NEVER, NOISY, OTHER, PRIOR, PROVEN, STATUS, STEP, TINY, UNEVEN,
)  # fmt: skip


@stands_in(rounds.begin)
def begin(
    start: Ints, other: Ints, highest: Ints, lowest: Ints, roams: bool, prior: int, loose: bool,
    f0: Floats, noise: Floats, state: Ints, outputs: Floats, samples: Floats,
) -> None:  # fmt: skip
    """Set up the ladders of D directions, as `rounds.begin`."""
    state[:], outputs[:], samples[:] = 0, 0.0, math.nan
    windows = state.T
    windows[HIGHEST], windows[LOWEST], windows[OTHER] = highest, lowest, other
    if not roams:
        windows[NOISY], windows[PRIOR] = 1, ELSEWHERE
    if prior > 0:
        windows[PRIOR] = prior
    windows[TINY] = NEVER
    restart(windows, start)
    lower = start - LOWER
    some = loose & (lower - DEPTH >= lowest)
    if some.any():
        windows = state[some].T
        restart(windows, lower[some])
        windows[LOOSE] = HOPES
        state[some] = windows.T
    outputs[:, :, ESTIMATE], outputs[:, :, ERROR] = math.nan, math.inf
    outputs[:, :, CLOSED] = ~np.isfinite(f0)
    if noise.size:
        outputs[:, :, LEAST_NOISE] = noise


@stands_in(rounds.conclude)
def conclude(
    f0: Floats, start: Ints, order: int, unit: Floats, samples: Floats, state: Ints,
    proven: Floats, outputs: Floats, value: Floats, error: Floats, status: Codes, step: Floats,
    noise: Floats, quiet: Mask,
) -> int:  # fmt: skip
    """Read the results off and say which directions are quiet, as `rounds.conclude`."""
    with np.errstate(all="ignore"):
        sound = _sound(f0, start, order, samples, state, outputs)
        value[:], error[:] = outputs[:, :, ESTIMATE], outputs[:, :, ERROR]
        proven[:], noise[:] = outputs[:, :, PROVEN], outputs[:, :, DEVIATION]
        status[:] = outputs[:, :, STATUS]
        step[:] = outputs[:, :, STEP] * abs(unit)[:, None]
    quiet[:] = sound
    restless = 0
    for d in np.flatnonzero(~sound):
        restless += rounds.conclude_at(
            d, f0, start, order, abs(unit[d]), samples[d], state[d], proven, outputs[d], value,
            error, status, step, noise, quiet,
        )  # fmt: skip
    return restless


def _sound(
    f0: Floats, start: Ints, order: int, samples: Floats, state: Ints, outputs: Floats
) -> Mask:
    """Return along which directions nothing can be suspicious, as `symptoms.calm` has it."""
    first, last, bottom = state[:, FIRST], state[:, LAST], state[:, BASE] - state[:, LAST]
    rows, size = np.arange(len(state)), abs(f0)
    ends = samples[rows, :, last]
    value, bar = outputs[:, :, ESTIMATE], outputs[:, :, ERROR]
    poor = POOR if order < 3 else math.inf
    sound = (outputs[:, :, STATUS] == OK) & np.isfinite(value) & (ends != 0.0).any(1)
    sound &= (bar <= poor * abs(value)) | (bar <= ROUNDS * np.ldexp(size, -start[:, None]))
    plain = (state[:, BASE] - first >= start - DEEP) & (bottom >= start - LEAPT)
    plain &= state[:, UNEVEN] == 0
    if samples.shape[1] > 1:
        above = samples[rows, 1, np.maximum(last - 1, 0)]
        floor = CLEAR * EPS * (size + abs(ends[:, 0]))
        falls = abs(ends[:, 1] - 0.25 * above) <= np.maximum(QUADRATIC * abs(above), floor)
        sound &= falls | (last <= first)[:, None]
    return np.asarray(plain & sound.all(1))
