"""A loose tolerance: the slope of two pairs of points, if they agree as well as that.

The first level is a pair at a quarter of the usual first step, the sample off the lattice a pair
far below it. What they differ by is the truncation of the larger one and more than that of the
smaller one; so it is the bar, of a value that is better by the square of the ratio of their steps.
What a smooth f does not do at the smaller one is noise, or a break of f. What is refused goes on as
a ladder that has a level and the sample already.
"""

import math

from numdiff.constants import EPS, OK, ROUNDING
from numdiff.ladder.decide import DEPTH
from numdiff.ladder.noise import CLEARLY, SKEW
from numdiff.ladder.runtime import kernel
from numdiff.ladder.tableau import SIGMAS, scale
from numdiff.ladder.window import amplitude, finish, restart

from numdiff.ladder.registers import (  # isort: skip
    BASE, CEILING, CLOSED, DEVIATION, ERROR, ESTIMATE, FIRST, HIGHEST, LADDER, LAST, LOOSE, LOWEST,
    PHASE, PROVEN, READY, REQUEST, SAMPLE, SAMPLE_STEP, SLOTS, START, STATUS,
    STEP, WINDOW,
)  # fmt: skip

LEAST = 1e-5  # relative: two pairs hardly agree better
LOWER = 2  # octaves from the usual first step down to this one: a pair agrees to (1/128)**2 or so
SOUND = 0.25  # of the slope: pairs that differ by more do not see the same f
STAYS = 0.5  # of the even part at the larger pair: a peak, or a jump, at x
HOPES, CLIMBS, KEPT = 1, 2, 3  # in the register LOOSE: pairs may do; did not; are still there
BENT = 0.25  # of the even part that a parabola has at the smaller pair: more than that is noise


@kernel
def start_loosely(window):
    """Begin with the smaller first level, if there is room for the sample below it."""
    first = window[REQUEST] - LOWER
    if first - DEPTH >= window[LOWEST]:
        restart(window, first)
        window[LOOSE] = HOPES


@kernel
def sample_next(window):
    """Ask for the sample below the first level, before the level is judged."""
    window[PHASE], window[REQUEST] = SAMPLE, window[BASE] - window[LAST] - DEPTH
    window[READY] = 0


@kernel
def climb_back(window):
    """Ask for the usual first level as well, before levels are judged: few near x tell little."""
    top = window[BASE] - window[FIRST]
    window[LOOSE] = KEPT
    if window[CEILING] == 0 and top < window[HIGHEST]:
        window[REQUEST], window[READY] = top + 1, 0


@kernel
def is_kept(window):
    """Whether the sample that is asked for next is the one that did not do."""
    if window[PHASE] != SAMPLE:
        return False
    window[LOOSE] = 0
    return window[REQUEST] == window[BASE] - START - DEPTH


@kernel
def settle_loosely(samples, window, outputs, f0, reach, rtol):
    """End a direction if both pairs agree in all outputs; else let the ladder go on with them."""
    bottom, width = window[BASE] - window[LAST], scale(SKEW, window[REQUEST])
    agree = True
    for i in range(f0.size):
        if outputs[i, CLOSED] == 0.0:
            agree = agree and two_pairs(samples, window, i, f0[i], reach, rtol, width, outputs[i])
    if agree:
        window[SAMPLE_STEP] = window[REQUEST]
        finish(window, outputs)
        return
    stays = False
    for i in range(f0.size):
        if outputs[i, CLOSED] == 0.0:
            outputs[i, ESTIMATE], outputs[i, ERROR], outputs[i, STATUS] = math.nan, math.inf, 0.0
            even, far = samples[1, SLOTS, i], samples[1, window[LAST], i]
            stays = stays or abs(even) > max(STAYS * abs(far), CLEARLY * ROUNDING * abs(f0[i]))
    if stays:  # f has another scale, which the usual levels look for
        restart(window, bottom + LOWER)
        return
    window[PHASE], window[LOOSE] = LADDER, CLIMBS
    window[REQUEST] = bottom + 1


@kernel
def two_pairs(samples, window, i, f0, reach, rtol, width, output):
    """Write what two pairs say of an output; return whether that is within the tolerance."""
    bottom, last = window[BASE] - window[LAST], window[LAST]
    near, far = samples[0, SLOTS, i] / width, scale(samples[0, last, i], -bottom)
    fall = scale(width, -bottom)
    fall *= fall  # as ** 2 is compiled, and not always interpreted
    expected, even = samples[1, last, i] * fall, samples[1, SLOTS, i]
    floor = ROUNDING * max(abs(f0), amplitude(samples, window, i))
    sigma = max(floor, abs(even - expected) - BENT * abs(expected))
    gap = abs(near - far)
    value = near + (near - far) * fall / (1.0 - fall)
    # x is rounded where f moves it: half an ulp times the second derivative
    drift = EPS * reach * abs(scale(samples[1, last, i], -2 * bottom))
    bar = gap + SIGMAS * sigma / width + EPS * abs(value) + drift
    output[ESTIMATE], output[ERROR], output[PROVEN], output[STATUS] = value, bar, bar, OK
    output[DEVIATION], output[STEP], output[WINDOW] = sigma, width, window[BASE]
    sound = gap <= SOUND * abs(near) and sigma <= CLEARLY * floor
    return sound and bar <= rtol * abs(value)
