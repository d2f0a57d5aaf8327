"""What the ladder saw that a smooth f does not show, and noise seldom.

The even part of a smooth f falls like h**2, the odd one like h; what eliminating these leading
terms leaves falls faster still, until rounding or noise take over, which do not fall. Of a kink
something is left that falls like h, of a power abs(t)**a like h**a, of a jump something that stays.
"""

import math

from numdiff.constants import EPS, NOISE_LIMITED, OK, UNRESOLVED
from numdiff.ladder.noise import SKEW

from numdiff.ladder.registers import (  # isort: skip
    BASE, CEILING, FIRST, LAST, LOOKED, NEVER, PRIOR, SAMPLE_STEP, SLOTS, UNEVEN,
)  # fmt: skip
from numdiff.ladder.runtime import inlined, kernel, separate
from numdiff.ladder.tableau import scale
from numdiff.ladder.window import change_at

CLEAR = 8.0  # roundings that a difference has to exceed: f(x) and f(x + h) have a few each
TAIL = 6  # levels at the smallest steps of a window, in which a law is sought
ALMOST = 0.2  # to which a power of h is known from few levels
HALFWAY = 0.5  # a power this much below the next one of a smooth f is none of a smooth f
SAME = 0.05  # part by which what a jump leaves may differ at two tiny steps
FEW, MANY = 0.1, 1e-3  # of what one channel departs, the other one: by chance 1 in 8, 1 in 800
POOR = 1e-4  # of the slopes seen: a bar this wide without noise has another reason
CREEPS = 1e-3  # of a second derivative: a bar this wide without noise is that of a slow power
LEAPT = 10  # octaves below the first step: f was left where it seemed to have no scale
STRAIGHT = 0.03  # of its own length a window does not reach: f may bend, or break, right beyond it
DEEP = 20  # octaves below the first step: where f does not move there, the ladder lost its way
ROUNDS = 1e-10  # of f over the first step: rounding makes bars narrower than this

QUADRATIC = 0.01  # part to which the even part of nearly all smooth f falls like h**2

# how many ratios of neighbouring levels have to be those of one power of h, by how many octaves
# they may differ, and the lowest power; what stays may be the noise of f(x), which all levels share
HINT = (2.0, 0.3, -ALMOST)
PROOF = (3.0, 0.1, ALMOST)


@separate(f0="plane", samples="lines")
def suspect(f0, start, order, value, error, status, samples, state, left, bent, torn):
    """Write which outputs (D, m) may not be smooth at x: bent if something falls that should not.

    Torn is what stays. `f0` (D or 1, m) is f(x), `left` (TAIL,) is room to work in.
    """
    for d in range(status.shape[0]):
        levels, window, own = samples[d], state[d], f0[min(d, f0.shape[0] - 1)]
        bottom = window[BASE] - window[LAST]
        for i in range(own.size):
            noisy, plain = status[d, i] == NOISE_LIMITED, status[d, i] == OK
            change, bends = change_at(levels, window[LAST], i), status[d, i] == UNRESOLVED
            if noisy or plain:
                astray = bottom < start[d] - DEEP and change == 0.0
                bends = astray or regular(levels, window, i, own[i], order, HINT, left)
            if noisy and not bends and window[PRIOR] != LOOKED:
                fourth = window[LAST] - 3  # with fewer levels noise is hardly known
                few = fourth < window[FIRST] or math.isnan(levels[0, fourth, i])
                bends = few or lopsided(levels, window, i, value[d, i], order)
            if order == 1 and plain and error[d, i] > POOR * scale(change, -bottom):
                rounds = ROUNDS * scale(abs(own[i]), -start[d])
                bends = bends or error[d, i] > max(POOR * abs(value[d, i]), rounds)
            if order == 2 and plain:
                size, rounds = abs(value[d, i]), ROUNDS * scale(abs(own[i]), -2 * start[d])
                bends = bends or max(CREEPS * size, rounds) < error[d, i] < size
            bent[d, i] = bends
            torn[d, i] = noisy and stays(levels, window, i, value[d, i], order)


@kernel
def lawful(f0, order, samples, state, left, laws):
    """Write which outputs (D, m) follow a law that no smooth f follows, and no noise.

    `f0` (D or 1, m) is f(x).
    """
    for d in range(laws.shape[0]):
        own = f0[min(d, f0.shape[0] - 1)]
        for i in range(own.size):
            laws[d, i] = regular(samples[d], state[d], i, own[i], order, PROOF, left)


@kernel
def regular(samples, window, i, f0, order, law, left):
    """Whether something falls by a steady power of h that is none of a smooth f.

    The powers of a smooth f are eliminated from the levels one after the other.
    """
    ratios, alike, lowest = int(law[0]), law[1], law[2]
    width = samples.shape[0]
    floor = CLEAR * EPS * max(abs(f0), change_at(samples, window[LAST], i))
    for c in range(width):
        for k in range(TAIL):
            slot = window[LAST] - k
            left[k] = samples[c, slot, i] if slot >= window[FIRST] else math.nan
        power, count = c + 1, TAIL
        while count > ratios:
            highest = min(order + 1 - ALMOST, power - HALFWAY)
            if abs(left[0]) > floor and steady(left, ratios, alike, lowest, highest):
                return True
            count -= 1
            for k in range(count):
                left[k] -= left[k + 1] * scale(1.0, -power)
            power += width
    return False


@kernel
def steady(left, ratios, alike, lowest, highest):
    """Whether neighbours of left[0..ratios] differ by about the same power of 2, within limits."""
    before = math.nan
    for k in range(ratios):
        ratio = left[k + 1] / left[k]
        if not 0.0 < ratio < math.inf:
            return False
        falls = math.log2(ratio)
        if not lowest < falls < highest or abs(falls - before) >= alike:
            return False
        before = falls
    return True


@kernel
def stays(samples, window, i, value, order):
    """Whether the sample and the check, both at tiny steps, show the same change of f."""
    moves, differs = False, True
    for c in range(samples.shape[0]):
        small, tiny = samples[c, SLOTS, i], samples[c, SLOTS + 1, i]
        if not math.isfinite(tiny):
            return False
        moves = moves or tiny != 0.0
        if window[SAMPLE_STEP] == NEVER:
            small = math.nan  # it was of another window; any change at the check may be a jump
        elif order == 1 and c == 0:
            small -= value * scale(SKEW, window[SAMPLE_STEP])
        differs = differs and abs(small - tiny) > SAME * abs(tiny)
    return moves and not differs


@kernel
def lopsided(samples, window, i, value, order):
    """Whether the sample departs from a smooth f in one channel only, as noise seldom does."""
    if samples.shape[0] == 1:
        return False
    last, bottom = window[LAST], window[BASE] - window[LAST]
    width = scale(SKEW, window[SAMPLE_STEP] - bottom)
    slope = scale(value, bottom) if order == 1 else samples[0, last, i]
    odd = abs(samples[0, SLOTS, i] - slope * width)
    even = abs(samples[1, SLOTS, i] - samples[1, last, i] * width * width)
    few = last - 4 < window[FIRST] or math.isnan(samples[0, last - 4, i])
    few = few and not math.isnan(odd + even)
    return (few and min(odd, even) < FEW * max(odd, even)) or odd < MANY * even


@kernel
def straight(samples, window, i, value):
    """Whether the largest steps of a window see no curve of f that falls as one of a smooth f."""
    first, order = window[FIRST], len(samples)
    if first >= window[LAST]:
        return True
    linear = scale(value, window[BASE] - first)
    for c in range(order):
        rest = samples[c][first][i] - (linear if c == 0 else 0.0)
        next_one = samples[c][first + 1][i] - (0.5 * linear if c == 0 else 0.0)
        share = STRAIGHT if c == 1 else STRAIGHT * STRAIGHT
        power = 4.0 if c == 1 or order == 1 else 8.0
        if abs(rest) > share * abs(linear) and abs(rest - power * next_one) < 0.5 * abs(rest):
            return False
    return True


@kernel
def stands(samples, window, i):
    """Whether f does not move at all at the smallest step, but at the largest: a piece, or stairs.

    A smooth f moves at half a step, if it does at all; of that little is left where it is tiny.
    """
    last, first, c = window[LAST], window[FIRST], 0
    while c < len(samples) and samples[c][last][i] == 0.0:
        c += 1
    return c == len(samples) and change_at(samples, first, i) > 0.0


@inlined
def calm(f0, start, order, value, error, status, samples, window):
    """Whether all outputs (m,) along a direction have a bar that noise and rounding explain.

    Their even part falls like h**2. A bar of a first derivative wider than the part POOR of the
    value and than the part ROUNDS of f over the first step, 2**start, has another reason; CLEAR
    roundings of f make a difference. A window DEEP octaves below the first step where f does not
    move has lost its way, and f that does not move at all may be rounded coarsely.
    """
    poor, last = POOR if order < 3 else math.inf, window[LAST]
    low, bottom = window[BASE] - window[FIRST] < start - DEEP, window[BASE] - last
    leapt = order == 1 and bottom < start - LEAPT and window[CEILING] == 0
    if window[UNEVEN] == 1:
        return False
    still, alive = True, False
    for i in range(len(f0)):
        size, bar = abs(f0[i]), error[i]
        alive = alive or size > 0.0
        for c in range(len(samples)):
            still = still and samples[c][last][i] == 0.0
        narrow = bar <= poor * abs(value[i]) or bar <= ROUNDS * scale(size, -start)
        narrow = narrow and not (leapt and straight(samples, window, i, value[i]))
        narrow = narrow and not (order == 1 and stands(samples, window, i))
        sound = status[i] == OK and narrow and not (low and samples[0][last][i] == 0.0)
        if sound and len(samples) > 1 and last > window[FIRST]:
            even, above = samples[1][last][i], samples[1][last - 1][i]
            floor = CLEAR * EPS * (size + abs(samples[0][last][i]))
            sound = not abs(even - 0.25 * above) > max(QUADRATIC * abs(above), floor)
        if not sound:
            return False
    return not (still and alive)
