"""Whether all is well at first sight, as with nearly all smooth f: this alone has to be quick."""

from __future__ import annotations

from numdiff.kernels import kernel
from numdiff.kernels.ladder import BASE, FIRST, LAST
from numdiff.kernels.tableau import EPS, scale

OK = 0  # code of numdiff.Status
QUADRATIC = 0.01  # part to which the even part of nearly all smooth f falls like h**2


@kernel
def calm(f0, start, value, error, status, samples, state, poor, rounds, clear, deep):
    """Whether each output has a bar that noise and rounding explain, and an even part like h**2.

    A bar wider than the part `poor` of the value and than the part `rounds` of f over the first
    step, 2**start (D,), has another reason; `clear` roundings of f make a difference. A window
    `deep` octaves below the first step where f does not move has lost its way, and f that does not
    move at all may be rounded coarsely.
    """
    for d in range(status.shape[0]):
        last, low = state[d, LAST], state[d, BASE] - state[d, FIRST] < start[d] - deep
        still, alive = True, False
        for i in range(f0.size):
            size, bar = abs(f0[i]), error[d, i]
            alive = alive or size > 0.0
            for c in range(samples.shape[1]):
                still = still and samples[d, c, last, i] == 0.0
            narrow = bar <= poor * abs(value[d, i]) or bar <= rounds * scale(size, -start[d])
            if status[d, i] != OK or not narrow or (low and samples[d, 0, last, i] == 0.0):
                return False
            if samples.shape[1] > 1 and last > state[d, FIRST]:
                even, above = samples[d, 1, last, i], samples[d, 1, last - 1, i]
                floor = clear * EPS * (size + abs(samples[d, 0, last, i]))
                if abs(even - 0.25 * above) > max(QUADRATIC * abs(above), floor):
                    return False
        if still and alive:
            return False
    return True
