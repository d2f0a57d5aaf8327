"""Numbers that every room shares: the codes of statuses, and how floats round.

Kernels need plain integers; `numdiff.Status` gives the codes their meaning.
"""

OK = 0
NOISE_LIMITED = 1
STOCHASTIC = 2
ONE_SIDED = 3
SINGLE_STEP = 4
KINK = 5
JUMP = 6
UNRESOLVED = 7
DOMAIN = 8
NOT_COMPLEX_SAFE = 9
BUDGET = 10

EPS = 2.0**-52  # the distance from 1 to the next float
ROUNDING = 0.3 * EPS  # standard deviation of a rounded value's last bit: uniform, half a unit wide
