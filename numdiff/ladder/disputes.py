"""Which answers the ladder has contradicted itself: what else it saw of f does not go with them.

Of noise something has to be left at a tiny step, and f has to go on beyond a window that is far
below the first step as it does inside.
"""

import math

from numdiff.constants import NOISE_LIMITED, OK, ROUNDING, UNRESOLVED
from numdiff.ladder.noise import CLEARLY, LESS, MORE, UNIFORM, stairs
from numdiff.ladder.runtime import kernel, separate
from numdiff.ladder.symptoms import LEAPT, TAIL, stands, straight, suspect
from numdiff.ladder.tableau import scale
from numdiff.ladder.window import change_at

from numdiff.ladder.registers import (  # isort: skip
    BASE, CEILING, FIRST, LAST, LOOKED, NEVER, PRIOR, SLOTS, TINY, UNEVEN,
)  # fmt: skip

SILENT = 0.15  # of the noise: less than this at a tiny step is none of it
HALF = 0.01  # part to which the even part of f halves with the step where f bends at x itself
WIDER = 2.0  # times what the levels prove: a bar that something else has widened

# why an answer is disputed: there is none, but a tiny step was asked; its bar is wider than its
# levels prove; it has noise that a tiny step does not show; it comes from far below the first step,
# where f is straight, or from where f stands still; the larger steps jump
NOTHING, LOST, WIDE, SILENCE, LEAP, UNLIKE = range(6)


@separate(f0="plane", samples="lines")
def dispute(f0, start, reach, value, error, status, step, noise, proven, samples, state, claims):
    """Write of each output (D, m) why it is disputed, if it is: first derivatives only.

    f0 (D or 1, m) is f(x); step is the smallest one of each answer, along t; start and reach (D,)
    are the exponents of the first steps and the sizes of x along t.
    """
    for d in range(claims.shape[0]):
        own = f0[min(d, f0.shape[0] - 1)]
        for i in range(claims.shape[1]):
            claims[d, i] = why(
                own[i], start[d], reach[d], value[d, i], error[d, i], status[d, i], step[d, i],
                noise[d, i], proven[d, i], samples[d], state[d], i,
            )  # fmt: skip


@kernel
def dismiss(
    f0, start, reach, weight, order, value, error, status, step, noise, proven, samples, state,
    quiet, steps, left, bent, torn, claims,
):  # fmt: skip
    """Let directions be quiet against which nothing speaks at a closer look at what was seen.

    As `suspect` and `dispute` look at it, where there is no noise and f moves. The last five are
    room to work in: (1, m), but for `left` (TAIL,). Returns along how many something does speak.
    """
    count = 0
    for d in range(quiet.size):
        if not quiet[d] and moves(status[d], samples[d], state[d]):
            one = slice(d, d + 1)
            own = f0[one] if f0.shape[0] > 1 else f0
            suspect(
                own, start[one], order, value[one], error[one], status[one], samples[one],
                state[one], left, bent, torn,
            )  # fmt: skip
            quiet[d] = not (bent.any() or torn.any())
            if quiet[d] and order == 1:
                for i in range(steps.shape[1]):
                    steps[0, i] = step[d, i] / weight[d]
                dispute(
                    own, start[one], reach[one], value[one], error[one], status[one], steps,
                    noise[one], proven[one], samples[one], state[one], claims,
                )  # fmt: skip
                quiet[d] = not claims.any()
        count += 0 if quiet[d] else 1
    return count


@kernel
def moves(status, samples, window):
    """Whether each output (m,) has a plain answer, and changes over the smallest step."""
    for i in range(status.size):
        if status[i] != OK or change_at(samples, window[LAST], i) == 0.0:
            return False
    return True


@kernel
def why(f0, start, reach, value, error, status, step, noise, proven, samples, window, i):
    """Return why an output is disputed; where there are several reasons, the strongest."""
    if not math.isfinite(value):
        return NOTHING
    leapt = window[BASE] - window[LAST] < start - LEAPT and window[CEILING] == 0
    # where larger steps leave the domain of f, it had to be looked at closer
    asked = window[TINY] != NEVER and math.isfinite(samples[0, SLOTS + 1, i])
    floor = ROUNDING * (abs(f0) + reach * abs(value))  # of f, and of x
    told = asked and status == NOISE_LIMITED and coarse(samples, window, i, noise, floor)
    flat = value == 0.0 and stands(samples, window, i)
    far = flat or (leapt and straight(samples, window, i, value))
    if far and not told and error < math.inf:
        if asked and bends(samples, window, i, floor) and persists(samples, window, i):
            return NOTHING
        if flat or step <= scale(1.0, window[BASE] - window[FIRST]):
            return LEAP
        # others went that far; the answer is from larger steps, which these may contradict
        if not strays(samples, window, i, value, error, floor):
            return NOTHING
        return SILENCE if asked else LEAP
    if asked and status == UNRESOLVED:
        return LOST
    noisy = asked and status == NOISE_LIMITED and not told
    if noisy and silent(samples, window, i, value, noise, floor):
        return SILENCE
    return beyond(error, status, proven, window)


@kernel
def coarse(samples, window, i, noise, floor):
    """Whether the noise is that of stairs, which a tiny step on one of them does not show."""
    if change_at(samples, SLOTS + 1, i) != 0.0 or not noise > CLEARLY * floor:
        return False
    told = UNIFORM * stairs(samples, window, i, floor)
    return LESS * told < noise < MORE * told


@kernel
def beyond(error, status, proven, window):
    """Return why an answer is disputed that the levels it is from do not contradict."""
    if status <= NOISE_LIMITED and WIDER * proven < error < math.inf:
        return WIDE
    return UNLIKE if status <= NOISE_LIMITED and window[UNEVEN] == 1 else NOTHING


@kernel
def silent(samples, window, i, value, noise, floor):
    """Whether a tiny step shows hardly any of the noise."""
    rest = abs(samples[0, SLOTS + 1, i] - scale(value, window[TINY]))
    if samples.shape[0] > 1:
        rest = max(rest, abs(samples[1, SLOTS + 1, i]))
    return noise > CLEARLY * floor and rest < SILENT * noise


@kernel
def strays(samples, window, i, value, error, floor):
    """Whether f is clearly off what the answer and its bar say of it, somewhere in the window."""
    for slot in range(window[FIRST], window[LAST] + 1):
        at = window[BASE] - slot
        if abs(samples[0, slot, i] - scale(value, at)) > scale(error, at) + CLEARLY * floor:
            return True
    return False


@kernel
def bends(samples, window, i, floor):
    """Whether the smallest levels say that f bends at x itself: then its sides are looked at."""
    last = window[LAST]
    if samples.shape[0] == 1 or last - 2 < window[FIRST]:
        return False
    for slot in range(max(window[FIRST], last - TAIL + 1), last):
        even, below = samples[1, slot, i], samples[1, slot + 1, i]
        if not abs(even - 2.0 * below) < HALF * abs(even):
            return False
    return abs(samples[1, last, i]) > CLEARLY * floor


@kernel
def persists(samples, window, i):
    """Whether the tiny step sees the same bend: else rounding has it, or something beside x."""
    even = samples[1, window[LAST], i]
    tiny = scale(samples[1, SLOTS + 1, i], window[BASE] - window[LAST] - window[TINY])
    return abs(tiny - even) < HALF * abs(even)


@kernel
def bent(f0, calm, samples, state, closely, found):
    """Write which outputs (D, m) bend at x itself, as far as all levels say; or `closely` as well.

    That is what the tiny step says. `f0` (D or 1, m) is f(x).
    """
    for d in range(found.shape[0]):
        own = f0[min(d, f0.shape[0] - 1)]
        for i in range(found.shape[1]):
            bend = not calm[d] and bends(samples[d], state[d], i, ROUNDING * abs(own[i]))
            # closer to x than stairs that were looked at there is nothing to see
            if bend and closely and state[d, PRIOR] != LOOKED:
                bend = state[d, TINY] != NEVER and persists(samples[d], state[d], i)
            found[d, i] = bend
