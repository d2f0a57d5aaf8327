"""Linear propagation of errors: the covariance of f(x) from that of x."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
from scipy.linalg import block_diag

from numdiff.arrays import Array, Floats, Mask
from numdiff.estimate import Estimate, Status
from numdiff.evaluation.call import of_parts
from numdiff.model.local import local_model
from numdiff.options import as_point
from numdiff.signatures import Settings, public

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["propagate"]

WIDE = 1e-3  # relative bar of a standard deviation that is worth a word: its third digit
NEGLIGIBLE = 1e-9  # of f(x): so small a deviation is nobody's concern, as of a constant output
ASYMMETRIC = 1e-8  # of the largest entry: more is no rounding


@public(Settings)
def propagate(
    f: Callable[..., Any],
    x: ArrayLike,
    cov: ArrayLike,
    *more: ArrayLike,
    **options: Unpack[Settings],
) -> tuple[Array, Array]:
    """Propagate the covariance of x to f(x), to first order: J cov J^T.

    Parameters
    ----------
    f : callable
        ``f(x)`` takes a float64 array of x's shape and returns a number or an array.
    x : number or array of float
        The point.
    cov : number, array of x's shape, or array (n, n)
        The variance of each entry of x, or their covariance matrix, n = x.size. Where x is a matrix
        an array of its shape holds variances.
    *more
        Further independent arguments of f, each followed by its own covariance:
        ``propagate(f, x, cov_x, y, cov_y)`` calls ``f(x, y)``.
    **options
        The options of all, spelled out in the signature.

    Returns
    -------
    y : float or array
        f(x).
    ycov : float or array
        Its variance if f returns one number, else its covariance, (m, m) with m = y.size.

    Raises
    ------
    TypeError, ValueError
        If x or an option is not allowed; ValueError if a covariance has another shape, is not
        symmetric, or has a negative eigenvalue, nan or inf, or if an entry of the Jacobian is
        flagged whose argument varies.

    Warns
    -----
    RuntimeWarning
        If the bars of the Jacobian leave fewer than three digits of a standard deviation.

    Notes
    -----
    First order (JCGM 100:2008, GUM, equation 13): right if f is nearly linear over a few standard
    deviations of x.

    Examples
    --------
    >>> y, ycov = propagate(lambda x: x**2, 3.0, 0.01)
    >>> float(y), round(float(ycov), 12)
    (9.0, 0.36)
    """
    if len(more) % 2:
        raise ValueError("`more` must hold an argument and its covariance by turns")
    arguments = [as_point(x), *(as_point(one) for one in more[::2])]
    covariances = zip(arguments, (cov, *more[1::2]), strict=True)
    matrix = block_diag(*(_covariance(*pair) for pair in covariances))
    inner, point = f, arguments[0]
    if more:
        inner = of_parts(f, [one.shape for one in arguments])
        point = np.concatenate([one.ravel() for one in arguments])
    model = local_model(inner, point, 1, **options)
    slopes, bars = _moved(model.gradient, np.asarray(matrix.any(axis=1)))
    ycov = slopes @ matrix @ slopes.conj().T
    _look_at(np.abs(np.ravel(model.value)), np.diag(ycov).real, bars @ np.sqrt(np.diag(matrix)))
    return model.value, ycov if np.shape(model.value) else ycov[0, 0]


def _moved(jacobian: Estimate, varies: Mask) -> tuple[Array, Floats]:
    """Return the derivatives by what varies and their bars, (m, n), 0 elsewhere.

    Raises
    ------
    ValueError
        If one of them is flagged.
    """
    n = varies.size
    value, bars, status = (
        np.reshape(a, (-1, n)) for a in (jacobian.value, jacobian.error, jacobian.status)
    )
    flagged = ~np.reshape(jacobian.success, (-1, n)) & varies
    for row, column in np.argwhere(flagged)[:1]:
        raise ValueError(
            f"the derivative of output {row} by entry {column} of x is flagged, so errors cannot "
            f"be propagated: {Status(int(status[row, column])).message}"
        )
    return np.where(varies, value, 0.0), np.where(varies, bars, 0.0)


def _look_at(sizes: Floats, variances: Floats, unsure: Floats) -> None:
    """Say so where the bars of the Jacobian leave few digits of a standard deviation."""
    wide = (unsure > WIDE * np.sqrt(variances)) & (unsure > NEGLIGIBLE * sizes)
    if wide.any():
        warnings.warn(
            f"the error bars of the Jacobian leave fewer than three digits of the standard "
            f"deviation of {np.count_nonzero(wide)} of {wide.size} outputs",
            RuntimeWarning,
            stacklevel=4,
        )


def _covariance(x: Floats, cov: ArrayLike) -> Floats:
    """Return the covariance matrix of x, (n, n)."""
    given, n = as_point(cov, "cov"), x.size
    if given.shape in {(), x.shape}:
        matrix = np.diag(np.broadcast_to(given, x.shape).ravel())
    elif given.size == n * n and given.shape in {(n, n), x.shape * 2}:
        matrix = given.reshape(n, n)
    else:
        raise ValueError(
            f"`cov` must be a number, variances of x's shape {x.shape} or a matrix ({n}, {n}), got "
            f"shape {given.shape}"
        )
    if (np.abs(matrix - matrix.T) > ASYMMETRIC * np.abs(matrix).max(initial=0.0)).any():
        raise ValueError("`cov` must be symmetric: give (cov + cov.T) / 2 if that is what is meant")
    least = np.diag(matrix).min(initial=0.0)
    if least < 0.0:
        raise ValueError(f"`cov` must have no negative variance, got {least}")
    if given.size > x.size > 1:
        sizes = np.linalg.eigvalsh(matrix)
        if sizes[0] < -ASYMMETRIC * sizes[-1]:
            raise ValueError(
                f"`cov` must have no negative eigenvalue, got {sizes[0]:.3g}: no random numbers "
                "have such a covariance, of correlations beyond 1"
            )
    return matrix
