"""Calls of f by the address of its machine code: kernels need not be compiled for one f."""

from __future__ import annotations

from numdiff.ladder.runtime import compiled, kernel


def _compiled_ask():
    from numdiff.evaluation.intrinsics import attempt  # noqa: PLC0415 - imports Numba

    return compiled(attempt)


@kernel
def ask(kind, address, x, out):
    """Write f(x) to `out` and return whether f raised; compiled, `attempt` takes its place."""
    try:
        address(kind, x, out)
    except Exception:  # noqa: BLE001 - who called will see it when f is asked again
        return True
    return False


ask.__dict__["twin"] = _compiled_ask


@kernel
def sweep(kind, address, points, rows, raised):
    """Ask for f at N points (N, n) and write rows (N, m), and where f raised (N,).

    Returns whether it did.
    """
    failed = False
    for a in range(points.shape[0]):
        raised[a] = ask(kind, address, points[a], rows[a])
        failed = failed or raised[a]
    return failed
