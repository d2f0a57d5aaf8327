"""Kernels know statuses by their codes."""

import sys

from numdiff import Status, constants


def test_codes_are_those_of_the_statuses():
    codes = {name: code for name, code in vars(constants).items() if isinstance(code, int)}
    assert codes == {status.name: int(status) for status in Status}


def test_floats_round_to_the_nearest_of_this_distance():
    assert sys.float_info.epsilon == constants.EPS
    assert abs(constants.ROUNDING / constants.EPS - 12**-0.5) < 0.02
