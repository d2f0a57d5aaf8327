"""What a small step says of derivatives above the first one.

The slope there tells nothing of them. But where noise was seen and is gone at the small step, it
was structure of f that the larger steps crossed; and of a second derivative the even part of f has
a reading of its own, as crude as rounding lets it be, that no larger step can have spoilt.
"""

import math

from numdiff.ladder.noise import SURE
from numdiff.ladder.registers import BASE, ERROR, ESTIMATE, LAST, REQUEST, SLOTS
from numdiff.ladder.runtime import kernel
from numdiff.ladder.symptoms import ALMOST, HALFWAY
from numdiff.ladder.tableau import scale

READ = 256.0  # roundings that the term of the derivative changes f by at the small step


@kernel
def resolving(order, floor, value):
    """Return the step at which a derivative changes f by READ roundings."""
    size = math.gamma(order + 1.0) * READ * floor / abs(value)
    return size ** (1.0 / order)


@kernel
def misfit(samples, window, slot, width, i, output):
    """Return by how much the even part at a step contradicts a second derivative and its bar.

    What the derivative leaves out of it falls like h**2 from the smallest level on; twice that is
    allowed.
    """
    last, bottom = window[LAST], window[BASE] - window[LAST]
    half, fall = 0.5 * width * width, scale(width, -bottom)
    bend = abs(scale(2.0 * samples[1, last, i], -2 * bottom) - output[ESTIMATE])
    off = abs(samples[1, slot, i] - output[ESTIMATE] * half)
    return off - (output[ERROR] + 2.0 * bend * fall * fall) * half


@kernel
def contradicted(samples, window, i, order, sigma, output):
    """Whether the tiny step refutes a second derivative, beyond so much noise."""
    if order != 2 or samples.shape[0] == 1:
        return False
    off = misfit(samples, window, SLOTS + 1, scale(1.0, window[REQUEST]), i, output)
    return off > SURE * sigma


@kernel
def persists(samples, window, i):
    """Whether the even part falls to the tiny step as that of something at x, not beside it."""
    if samples.shape[0] == 1:
        return False
    tiny, last = abs(samples[1, SLOTS + 1, i]), abs(samples[1, window[LAST], i])
    if not (tiny > 0.0 and last > 0.0):
        return False
    falls = math.log2(last / tiny) / (window[BASE] - window[LAST] - window[REQUEST])
    return ALMOST < falls < 2.0 - HALFWAY
