"""What is known to fail, by name.  Every list is meant to become empty.

A test fails for anything that fails and stands in no list, and for anything listed that does not
fail any more: so the lists can only shrink by hand and grow by decision.
"""

from __future__ import annotations

from collections.abc import Mapping

from tests.measuring.metrics import Target

Key = tuple[str, str, float | str]  # operator, name, and x or the name of the point

# Lies: not flagged, and more than ten bars off or without a finite bar.
KNOWN_DISHONEST: frozenset[Key] = frozenset(
    (
        # 1 + x rounds alike at all steps of powers of two
        ("derivative 6", "loan payment", 0.001),
        # the one small step that is tried is above the scale of f
        ("derivative above", "relativistic energy of an electron", 1e-24),
        ("derivative above", "relativistic energy of an electron", 2.7e-22),
        ("derivative above", "relativistic energy of an electron", 1e-20),
        # rounding of the quotient seen in two samples only
        ("complex step", "saturation at 1e-12", 1e-09),
        # terms cancel alike in both samples
        ("complex step", "x minus sine", 0.01),
        # the square of the step at 0: harmless
        ("complex step", "cosine of wells", 0.0),
        ("complex step", "bell of wells", 0.0),
        # 0 +- 0: rounding of f gives no bar
        ("complex step", "sine squared near its extrema", 1.5707963267948966),
        ("complex step", "saturated tanh", 100.0),
        # noise of one residual taken too small
        ("jacobian", "osborne_2_residuals", "start"),
        # one side only, and the smallest step tried is above the scale of f
        ("jvp", "scaled_exponential", "generic"),
    )
)

# Fewer than four right digits and not flagged, whatever the bar says.
KNOWN_SILENT: frozenset[Key] = frozenset(
    (
        # 0 within a bar of 3e-16: x = 0 gives no scale
        ("derivative", "exp with length 1e100", 0.0),
        # f has lost its digits; the bar says so
        ("derivative", "one minus cosine over square", 1e-05),
        ("derivative", "expanded ninth power", 1.9),
        ("derivative", "expanded ninth power", 2.1),
        ("derivative", "expanded ninth power by horner", 1.92),
        # 0 within its bar: x is an ulp off the extremum
        ("derivative", "sixth degree", 1.4142135623730951),
        ("derivative", "sine squared near its extrema", 1.5707963267948966),
        ("derivative", "sine squared near its extrema", 3.141592653589793),
        ("derivative", "chebyshev 4 at its extrema", -0.7071067811865476),
        ("derivative", "log likelihood of a binomial", 0.35),
        # the truth is 0, f is 1e200: 0 within its bar
        ("derivative", "wells scaled up", -2.0),
        ("derivative", "wells scaled up", 0.0),
        ("derivative", "wells scaled up", 1.0),
        # a ripple that is noise to one and f to another: the bar reaches both
        ("derivative", "sine with a tiny very fast ripple", 0.1),
        ("derivative", "sine with a tiny very fast ripple", 0.5),
        ("derivative", "sine with a tiny very fast ripple", 2.0),
        # an edge of f beside x looks like one of small pieces
        ("derivative", "numpy where of log and line", 1.001),
        # f is 800, its derivative 0.01: the bar allows for small pieces
        ("gradient", "log_sum_exp", "large"),
        # 0 within its bar: f is 1 to the last bit
        ("derivative", "saturated tanh", 25.0),
        ("derivative", "saturated tanh", 100.0),
        ("derivative", "saturated tanh", 300.0),
        # outputs beside 1: f has lost its digits; the bar says so
        ("jacobian", "softmax", "steep"),
        # a lie as well
        ("jvp", "scaled_exponential", "generic"),
        # outputs beside 1: f has lost its digits; the bar says so
        ("jvp", "softmax", "steep"),
    )
)

# Families of `tests.corpus`: a silent wrong answer, or a bar of no use (the sample of test_trust).
KNOWN_UNTRUSTED: frozenset[str] = frozenset()

# Figures that fall short of the targets: what they must be, and what was reached. The last bits of
# exp, sin and matrix products differ from processor to processor, and so do figures of a few cases
# at their edges: by a part `MACHINES`.
MACHINES = 0.01
KNOWN_SHORTFALLS: dict[str, tuple[float, float]] = {
    "derivative 6: cover": (0.97, 0.9657),
    "gradient: median digits": (14, 13.917),
    # looks at breaks between readings that contradict each other are counted
    # one slope of 1e100 with half of its domain missing is called a singularity
    "derivative: unanswered": (0, 1),
    # disputes end with bars that reach both readings
    "derivative: 10 % digits": (11.8, 11.78),
    "derivative: bar over error": (8, 8.92),
    "derivative: evaluations": (14, 15.4),
}

# What is wrong with the corpus itself: the check of `tests.test_corpus` and the name.
FLOAT = "takes a NumPy float"  # `nonsmooth._sign` subtracts NumPy bools, which raises
ZERO = "truth of arrays"  # stored as 0, in truth about 1e-90: lost in 120 digits at steps of 1e-25
KNOWN_DEFECTS: frozenset[tuple[str, str]] = frozenset(
    (
        (ZERO, "osborne_2_residuals@start"),
        (ZERO, "osborne_2_residuals@generic"),
    )
)


def complaint(
    name: str,
    figure: float,
    target: Target,
    known: Mapping[str, tuple[float, float]],
) -> str:
    """Say what is wrong with a figure, or nothing.

    One that stands in ``known`` must be no worse than what was reached, and off the target still,
    both but for what processors make of it.
    """
    if name not in known:
        return "" if target.met(figure) else f"{name} is {figure:.5g}, must be {target}"
    limit, reached = known[name]
    if limit not in (target.low, target.high):
        return f"{name} must be {target}, not {limit:g}: mend KNOWN_SHORTFALLS"
    low = limit == target.low
    room = 1.0 - MACHINES if low else 1.0 + MACHINES
    if target.met(figure * room):
        return f"{name} is {figure:.5g}, which is {target}: remove it from KNOWN_SHORTFALLS"
    floor = Target(low=reached * room) if low else Target(high=reached * room)
    return "" if floor.met(figure) else f"{name} is {figure:.5g}, had reached {reached:g}"
