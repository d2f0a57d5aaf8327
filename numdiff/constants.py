"""What is known of floating-point numbers, and the codes of statuses as plain numbers."""

from __future__ import annotations

EPS = 2.0**-52  # spacing of floating-point numbers at 1
ROUNDING = 0.3 * EPS  # standard deviation of a value's last bit, uniform in half a unit each way

# the codes of `numdiff.Status`: looking up a member of an enumeration costs as much as calling f
OK, NOISE_LIMITED, STOCHASTIC, ONE_SIDED, SINGLE_STEP = range(5)
KINK, JUMP, UNRESOLVED, DOMAIN, NOT_COMPLEX_SAFE, BUDGET = range(5, 11)
