"""How long the ways through the package are: functions of the host that a call goes through."""

import sys
from pathlib import Path

import numpy as np
import pytest

import numdiff as nd
from numdiff import verify
from numdiff.ladder import runtime

ROOT = Path(nd.__file__).parent
X = np.array([1.2, 0.7])


def valley(x):
    return 100.0 * (x[1] - x[0] ** 2) ** 2 + (1.0 - x[0]) ** 2


def slope(x):
    return np.array(
        [-400.0 * x[0] * (x[1] - x[0] ** 2) - 2.0 * (1.0 - x[0]), 200.0 * (x[1] - x[0] ** 2)]
    )


def is_kernel(code):
    module = sys.modules[f"numdiff.{code[0].removesuffix('.py').replace('/', '.')}"]
    return hasattr(getattr(module, code[1], None), "is_kernel")


def ways(call):
    """The functions that a call goes through, of what is loaded already; kernels left out."""
    call()
    codes = set()

    def note(frame, event, _):
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(str(ROOT)):
            name = Path(code.co_filename).relative_to(ROOT).as_posix()
            codes.add((name, code.co_name, code.co_firstlineno))

    sys.setprofile(note)
    try:
        call()
    finally:
        sys.setprofile(None)
    return {code for code in codes if not is_kernel(code)}


WAYS = {
    "gradient": (lambda: nd.gradient(valley, X), 40),
    "hessian": (lambda: nd.hessian(valley, X), 50),
    "gradient at a kink": (lambda: nd.gradient(lambda x: abs(x[0] - 1.2) + x[1], X), 75),
    "verify.gradient": (lambda: verify.gradient(valley, slope, X), 95),
    "single step": (lambda: nd.gradient(valley, X, method="central", step=1e-5), 16),
}


@pytest.mark.parametrize("name", WAYS)
def test_ways_are_short(name, monkeypatch):
    monkeypatch.setattr(runtime, "PATIENCE", -1.0)
    call, most = WAYS[name]
    passed = ways(call)
    assert len(passed) <= most, sorted(passed)
