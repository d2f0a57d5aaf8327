"""Where the small-step check is: what points at a tiny step say of an answer from larger ones.

Steps that fall by powers of two can all miss the same structure of f. A pair at the smallest step
that rounding allows cannot: it confirms the slope, or shows noise, or refutes the answer. A sample
off the lattice comes first; where it shows nothing unexpected, the tiny step is not needed.
"""

import math

from numdiff.constants import ROUNDING
from numdiff.ladder.curvature import contradicted, misfit, persists, resolving
from numdiff.ladder.decide import LEAP, close
from numdiff.ladder.noise import CLEARLY, COARSE, COUNTABLE, MINOR, SKEW, SURE, in_pieces, quantum
from numdiff.ladder.runtime import kernel, separate
from numdiff.ladder.symptoms import PROOF, regular
from numdiff.ladder.tableau import TINIEST, power, scale
from numdiff.ladder.window import amplitude, change_at, restart, resume

from numdiff.ladder.registers import (  # isort: skip
    AGAIN, BASE, CHECK, CLOSED, DEVIATION, DISPUTE, DOUBT, ERROR, ESTIMATE, FIRST, FORMER, LAST,
    LEAST_NOISE, LOST, LOWEST, NEVER, NOISY, OTHER, PHASE, PRIOR, READY, REQUEST, RESTARTS,
    ROUGHNESS, SAMPLE_STEP, SLACK, SLOPE, SLOTS, SPREAD, SURPRISE, TINY, WINDOW,
)  # fmt: skip

CONFIRM = 1e4  # the tiny step confirms a slope to one part in this
BELOW, LEAST_BELOW = 6, 2  # octaves from the window down to the tiny step, at most as far up
STRIDE = 10  # octaves from a tiny step that surprises to the one that decides
GROWTH = 100.0  # of the surprise over STRIDE octaves, if f has structure there
DROP = 2.0**-8  # of the change of f from the window to the tiny step, LEAP octaves, if f is smooth
RESTART = 0.15  # of the length over which f changes: the step of a restart
APART = 3  # octaves from the tiny step up to where a restart may begin
MOST_RESTARTS = 4  # of a direction, because a tiny step refuted its answer
ALIKE = 20.0  # standard deviations that a sample may be off before it is a surprise
READING = 2.5  # times what it makes of half a square: it bends on its way to x as well
ASTRAY = 1e3  # roundings that a sample is off where nothing else shows noise
GONE = 0.05  # of the noise: a change of f at a tiny step that is none of it
FALLEN = 0.35  # of the noise: less is left of it at smaller steps where f comes in small pieces
PLAIN = 0.1  # of the height of stairs: their noise, a third of it, has been seen
SOLVER = 6e-5  # of the size of f: noise above it is structure of f rather than a solver's
AROUND = 16.0  # times what f changes by at the smallest step: its size near x where f(x) is 0

# verdicts of a tiny step on an output; what is reopened keeps its answer and gets another window
AGREES, SURPRISES, REFUTES, SCATTERS, REOPENS = range(5)


@kernel
def floor_of(samples, window, i, f0):
    """Return the standard deviation of the rounding of one output over the window."""
    return ROUNDING * max(abs(f0), amplitude(samples, window, i))


@kernel
def compare(samples, window, outputs, f0, order, ratio):
    """Compare the sample off the lattice with what the ladder says there.

    It is one more pair of values, so it shows noise; if it shows more, f is looked at closer to x.
    """
    bottom, alike, noisier = window[BASE] - window[LAST], True, False
    width = scale(SKEW, window[REQUEST])
    fall = power(scale(SKEW, window[REQUEST] - bottom), ratio)
    for i in range(f0.size):
        output = outputs[i]
        if output[CLOSED] != 0.0:
            continue
        floor = floor_of(samples, window, i, f0[i])
        noisier = noisier or output[DEVIATION] > CLEARLY * floor
        if output[ERROR] < math.inf:
            slack = (output[SLACK] + output[SPREAD] * fall) * width
            off = abs(samples[0, SLOTS, i] - output[SLOPE] * width) - slack
            if order == 2 and samples.shape[0] > 1 and output[WINDOW] == window[BASE]:
                off = max(off, misfit(samples, window, SLOTS + 0 * order, width, i, output))
            alike = alike and not off > ALIKE * max(output[DEVIATION], floor)
            alike = alike and not plateau(samples, window, SLOTS, i, floor, output) > 0.0
    window[SAMPLE_STEP] = window[REQUEST]
    if alike and not noisier:
        resume(window)
        window[READY] = AGAIN
    else:
        window[PHASE] = CHECK
        window[REQUEST] = tiny_step(samples, window, outputs, f0, order)


@kernel
def tiny_step(samples, window, outputs, f0, order):
    """Exponent of the smallest step at which rounding still lets the derivatives be confirmed."""
    wanted, bottom = math.inf, window[BASE] - window[LAST]
    for i in range(f0.size):
        said = outputs[i, SLOPE if order == 1 else ESTIMATE]
        if outputs[i, CLOSED] == 0.0 and said != 0.0:
            floor = floor_of(samples, window, i, f0[i])
            step = CONFIRM * floor / abs(said) if order == 1 else resolving(order, floor, said)
            wanted = min(wanted, step)
    exponent = bottom - BELOW
    if 0.0 < wanted < scale(1.0, exponent):
        exponent = int(math.floor(math.log2(wanted)))  # noqa: RUF046 - a float in Numba
    return min(max(exponent, window[LOWEST]), bottom - LEAST_BELOW)


@separate()
def check(samples, window, outputs, f0, order, ratio, left):
    """Settle what the tiny step confirms, and send a direction back to the ladder for the rest."""
    tiny, bottom = window[REQUEST], window[BASE] - window[LAST]
    window[TINY] = tiny
    # a quarter of the way to where rounding leaves nothing to read
    closer = (3 * bottom + tiny_step(samples, window, outputs, f0, order)) // 4
    # a plain 0 is a type of its own, as is 1, and compiles callees twice
    surprises, refuted, noise, first = 0 * order, 0 * order, 0 * order, 1 + 0 * order
    again = bottom - 1 - window[RESTARTS]
    for i in range(f0.size):
        output = outputs[i]
        if output[CLOSED] != 0.0:
            continue
        floor = max(floor_of(samples, window, i, f0[i]), TINIEST)
        verdict = verdict_of(samples, window, i, f0[i], order, ratio, floor, left, output)
        if verdict == AGREES and window[SAMPLE_STEP] == NEVER:
            output[CLOSED] = 1.0
        elif verdict == SURPRISES:
            surprises += 1
        elif verdict in (REFUTES, REOPENS):
            refuted += 1
            near = order > 1 and window[PHASE] == CHECK and output[ERROR] < math.inf
            near = near or (order > 2 and verdict == REOPENS)
            again = min(again, closer if near else scale_of(samples, window, i, floor))
            if verdict == REOPENS:
                continue
            if order == 1 and output[ERROR] < math.inf:
                output[FORMER] = output[ESTIMATE]
            # nothing stays of the answer; the slope at the tiny step is a guess in its place
            output[ERROR] = math.inf
            if window[PRIOR] == 0:  # else noise was known beforehand
                output[LEAST_NOISE] = 0.0
            output[ESTIMATE] = scale(samples[0, SLOTS + 1, i], -tiny)
        else:
            # what surprised at the sample is no structure, but it has to be in the bar
            noise += 1
            if verdict == SCATTERS:
                output[LEAST_NOISE] = output[SURPRISE]
    # what surprises is looked at where structure shows more; or where slopes can just be confirmed
    doubt = min(tiny + STRIDE, bottom - 1)
    if order > 1:
        doubt = min(tiny_step(samples, window, outputs, f0, first), tiny - STRIDE)
    if proceed(window, surprises, refuted, noise, (max(again, tiny + APART), doubt)):
        close(samples, window, outputs, f0)


@kernel
def proceed(window, surprises, refuted, noise, steps):
    """Say where a direction goes on after a tiny step, at which of two steps; or that it ends."""
    again, doubt = steps
    if surprises > 0:
        window[PHASE] = DOUBT
        window[REQUEST] = window[LOWEST] if window[LOST] > 0 else max(doubt, window[LOWEST])
    elif refuted > 0 and window[RESTARTS] < MOST_RESTARTS:
        window[RESTARTS] += 1
        window[NOISY] = 0
        restart(window, again)
    elif noise > 0:
        window[NOISY] = 1
        resume(window)
    else:
        return True
    return False


@kernel
def verdict_of(samples, window, i, f0, order, ratio, floor, left, output):
    """Say whether the tiny step agrees with an output: with its slope, its noise, its scale."""
    change = change_at(samples, samples.shape[1] - 1, i)  # the tiny step
    if not math.isfinite(change):
        return AGREES
    if output[ERROR] == math.inf:
        return verdict_without(samples, window, i, floor, change, output)
    height = plateau(samples, window, SLOTS + 1 + 0 * order, i, floor, output)
    if height > 0.0:
        output[SURPRISE] = height
        return SCATTERS
    tiny, sigma = window[REQUEST], max(output[DEVIATION], floor)
    octaves = tiny - window[BASE] + window[LAST]  # from the window to the tiny step
    two_sided = ratio == 4.0  # what the slope leaves out falls like h**2, on one side like h
    bends = output[SPREAD] * scale(1.0, 2 * octaves if two_sided else octaves)
    off = abs(samples[0, SLOTS + 1, i] - scale(output[SLOPE], tiny))
    surplus = off - scale(output[SLACK] + bends, tiny)
    if order > 1:
        known = window[RESTARTS] > 1 or window[PHASE] == DOUBT or persists(samples, window, i)
        if order == 2 and known and regular(samples, window, i, f0, order, PROOF, left):
            return AGREES  # what falls by a law over so many octaves is at x: no case for steps
        return verdict_above(samples, window, i, order, floor, change, off, surplus, output)
    # what float32 would not resolve, wherever it was looked at, is noise as well
    coarse = max(sigma, unexpected(samples, window, i, output)) < COARSE * floor
    # what surprised, and does not move where it is looked at again, is on a plateau
    stuck = window[PHASE] == DOUBT and change == 0.0 and output[SURPRISE] > SURE * sigma
    if stuck or not surplus <= SURE * sigma:
        return verdict_against(samples, window, i, floor, change, surplus, coarse, output)
    # a plateau is f rounded coarsely
    alone, even = samples.shape[0] == 1, abs(samples[samples.shape[0] - 1, SLOTS + 1, i])
    if change == 0.0 or alone or not max(off, even) < GONE * sigma:
        return AGREES
    return verdict_on_silence(samples, window, i, f0, floor, off, coarse, output)


@kernel
def verdict_above(samples, window, i, order, floor, change, off, surplus, output):
    """Say whether the tiny step agrees with a derivative above the first one.

    It is where rounding still lets that be read; what scatters there is looked at closer to x.
    """
    if (
        output[WINDOW] != window[BASE]
    ):  # of other steps, and in dispute with these as far as they differ
        return AGREES
    sigma, alone = max(output[DEVIATION], floor), samples.shape[0] == 1
    if contradicted(samples, window, i, order, max(sigma, 2.0 * floor), output):
        return REFUTES
    again, surprised = window[PHASE] == DOUBT, surplus > SURE * sigma
    if again:
        surprised, sigma = output[SURPRISE] > SURE * sigma, max(sigma, output[SURPRISE])
    even = samples[samples.shape[0] - 1, SLOTS + 1, i]
    if order == 2:  # whose own part of f is no noise
        even -= 0.5 * output[ESTIMATE] * scale(1.0, 2 * window[REQUEST])
    rest = off if alone else max(off, abs(even))
    vanished = change > 0.0 and rest < GONE * sigma and (surprised or not alone)
    if again:
        if vanished:
            return REFUTES if order == 2 or surprised else REOPENS
        if change == 0.0 and surprised:
            output[SURPRISE] = max(output[SURPRISE], quantum(samples, window, i, floor))
        return SCATTERS if surprised else AGREES
    if vanished:
        wrong = contradicted(samples, window, i, order, 2.0 * floor, output)
        return REFUTES if wrong else REOPENS
    if order == 2 and not (again or alone) and output[DEVIATION] <= CLEARLY * floor:
        reach_sample(samples, window, i, floor, abs(even), output)
    output[SURPRISE] = max(surplus, 0.0)
    return SURPRISES if surprised or output[DEVIATION] > CLEARLY * floor else AGREES


@kernel
def reach_sample(samples, window, i, floor, rest, output):
    """Widen the bar of a second derivative to the reading of a sample that strays from it.

    Neither the levels nor the tiny step, where `rest` is left of it, have noise: f has structure
    whose period divides all steps, or terms that cancel at the sample alone.
    """
    if window[SAMPLE_STEP] == NEVER:
        return
    width = scale(SKEW, window[SAMPLE_STEP])
    off = misfit(samples, window, SLOTS, width, i, output)
    if off > ASTRAY * floor and rest < GONE * off:
        output[DISPUTE] = max(output[DISPUTE], READING * off / (width * width))


@kernel
def verdict_on_silence(samples, window, i, f0, floor, off, coarse, output):
    """Say what it means that the slope is confirmed, but nothing is left of the noise."""
    size = max(abs(f0), AROUND * change_at(samples, window[LAST], i))
    if output[DEVIATION] > SOLVER * size:
        return AGREES if coarse else REFUTES
    rough = pieces(samples, window, i, floor, 0.0 if coarse else off, output)
    output[ROUGHNESS] = max(output[ROUGHNESS], rough)
    return AGREES


@kernel
def verdict_against(samples, window, i, floor, change, surplus, coarse, output):
    """Say whether a slope that is not confirmed hides structure of f or noise."""
    if window[PHASE] == CHECK:
        output[SURPRISE] = surplus
        return SURPRISES
    # structure keeps its slope, so the surprise grows with the step; noise does not
    staircase = change == 0.0 or (surplus < COARSE * floor and coarse)
    if surplus > GROWTH * output[SURPRISE] and not staircase:
        return REFUTES
    output[SURPRISE] = max(surplus, output[SURPRISE])
    if change == 0.0:  # a plateau: its edges are as far as the levels show, not the tiny step
        output[SURPRISE] = max(output[SURPRISE], quantum(samples, window, i, floor))
    return SCATTERS


@kernel
def verdict_without(samples, window, i, floor, change, output):
    """Say what the tiny step shows of an output that has no answer yet."""
    # the change of a smooth f falls with the step, that of noise hardly
    last = change_at(samples, window[LAST], i)
    if change == 0.0:  # the steps of a staircase, or flat ground before f rises
        stairs = last if last < MINOR * amplitude(samples, window, i) else 0.0
        if window[PHASE] == CHECK or output[LEAST_NOISE] > 0.0:
            stairs = max(stairs, quantum(samples, window, i, floor))
        if stairs > 0.0:
            output[SURPRISE] = stairs
            return SCATTERS
    if window[PHASE] == CHECK:
        output[SURPRISE] = change
        return REFUTES if change <= DROP * last else SURPRISES
    return REFUTES if change * GROWTH <= output[SURPRISE] else SCATTERS


@kernel
def pieces(samples, window, i, floor, off, output):
    """Return what is left of vanished noise at small steps: f comes in pieces with other slopes.

    `off` is what is left at the tiny step.
    """
    rough = scale(max(off - SURE * floor, 0.0), -window[REQUEST])
    if window[SAMPLE_STEP] == NEVER:
        return rough
    width = scale(SKEW, window[SAMPLE_STEP])
    left = abs(samples[0, SLOTS, i] - output[SLOPE] * width)
    if CLEARLY * floor < left < FALLEN * output[DEVIATION]:
        rough = max(rough, left / width)
    return rough


@kernel
def plateau(samples, window, slot, i, floor, output):
    """Return the height of the stairs that f is on, if a step that ends on one of them shows it.

    Nothing changes there, or by whole stairs and far more than by the slope. Flat ground on one
    side of x alone is none, and nor is it where the noise of stairs is known.
    """
    odd, even = samples[0, window[FIRST], i], samples[-1, window[FIRST], i]
    change, due = change_at(samples, slot, i), abs(scale(output[SLOPE], window[REQUEST]))
    if 0.0 < change < GROWTH * due or samples.shape[0] == 1 or abs(odd) == abs(even):
        return 0.0
    height = quantum(samples, window, i, floor)
    allowed = 0.5 * height
    if is_parabola(samples, window, i, allowed) or in_pieces(samples, window, i, allowed):
        return 0.0
    if not (output[DEVIATION] < PLAIN * height and change < COUNTABLE * height):
        return 0.0
    times = math.floor(change / height + 0.5)
    whole = change == 0.0 or times > 0.0
    return height if whole and abs(change - times * height) <= CLEARLY * floor else 0.0


@kernel
def is_parabola(samples, window, i, allowed):
    """Whether f is a parabola over the window, as rounded ones are not over many levels."""
    for slot in range(window[FIRST], window[LAST]):
        odd = abs(samples[0, slot, i] - 2.0 * samples[0, slot + 1, i])
        even = abs(samples[1, slot, i] - 4.0 * samples[1, slot + 1, i])
        if max(odd, even) > allowed:
            return False
    return True


@kernel
def unexpected(samples, window, i, output):
    """Return how far the sample off the lattice is from the leading terms of a smooth f."""
    if window[SAMPLE_STEP] == NEVER:
        return 0.0
    off = samples[0, SLOTS, i] - output[SLOPE] * scale(SKEW, window[SAMPLE_STEP])
    if samples.shape[0] == 1:
        return abs(off)
    width = scale(SKEW, window[SAMPLE_STEP] - window[BASE] + window[LAST])
    bend = samples[1, SLOTS, i] - samples[1, window[LAST], i] * width * width
    return max(abs(off), abs(bend))


@kernel
def scale_of(samples, window, i, floor):
    """Exponent of the length over which an output changes by its size, seen from the tiny step."""
    length, size = math.inf, amplitude(samples, window, i)
    slope = abs(samples[0, SLOTS + 1, i])
    if slope > 0.0:
        length = size / slope
    if samples.shape[0] > 1:
        bend = abs(samples[1, SLOTS + 1, i])
        if bend > CLEARLY * floor:
            length = min(length, math.sqrt(size / bend))
    tiny, bottom, other = window[REQUEST], window[BASE] - window[LAST], window[OTHER]
    exponent = tiny + LEAP
    if 0.0 < length < math.inf:
        exponent = tiny + int(math.floor(math.log2(RESTART * length)))  # noqa: RUF046 - in Numba
    if exponent < bottom:
        return exponent
    # slope and size agree: something else is in the window
    return other if tiny < other < bottom else (tiny + bottom) // 2
