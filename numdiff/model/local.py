"""The picture of a function near a point: value, gradient, Hessian, and what follows from them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from numbers import Real
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np

from numdiff.arrays import Codes, Floats
from numdiff.assemble import estimate_of, per_output, symmetric, worst
from numdiff.constants import EPS
from numdiff.engine.differentiate import WAYS, counted, pose
from numdiff.engine.mixed import second
from numdiff.estimate import Estimate, Status
from numdiff.evaluation.call import NOBODY
from numdiff.geometry.directions import axes
from numdiff.model.bars import (
    derived,
    estimate,
    product,
    quadratic,
    worst_along,
    worst_between,
    worst_of,
)
from numdiff.model.critical import CriticalPoint, kind_of
from numdiff.model.report import report
from numdiff.model.spectrum import Spectrum, modified, spectrum_of, unknown
from numdiff.operators import asked
from numdiff.options import as_point
from numdiff.signatures import Settings, public

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from numdiff.drivers.derivatives import Problem
    from numdiff.options import Options
    from numdiff.signatures import Point

__all__ = ["CriticalPoint", "LocalModel", "NewtonStep", "local_model"]

SURE = 3.4  # standard deviations of f's own error in the bar of f(x)
REMAINDER = (
    "the bar covers the value and the derivatives that the model is made of, not what the model "
    "leaves out: the remainder of the Taylor series"
)


@dataclass(frozen=True, eq=False, kw_only=True)
class NewtonStep(Estimate):
    """A step to where the gradient of a second-order model is zero, with its bar.

    Parameters
    ----------
    condition : float
        Condition number of the Hessian.
    modified : bool
        Whether another matrix stood in for a Hessian that is not positive definite.
    """

    condition: float = math.nan
    modified: bool = False


@dataclass(frozen=True, eq=False, kw_only=True)
class LocalModel:
    """A function near x: f(x) + g.(w - x) + (w - x).H.(w - x) / 2.

    Parameters
    ----------
    x : array
        The point.
    value : float or array
        f(x).
    gradient : Estimate
        Of shape ``x.shape``; for f with several outputs the Jacobian, ``f.shape + x.shape``.
    hessian : Estimate or None
        Of shape ``x.shape + x.shape``; None in a model of the first order.
    nfev : int
        At how many points f was evaluated, for all of it.

    Examples
    --------
    >>> model = local_model(lambda x: x[0] ** 2 + x[0] * x[1] + 2 * x[1] ** 2, [1.0, 1.0])
    >>> round(float(model.predict([0.0, 0.0]).value), 9)
    0.0
    """

    x: Floats
    value: Any
    gradient: Estimate
    hessian: Estimate | None
    nfev: int

    @property
    def order(self) -> int:
        """The order of the Taylor polynomial, 1 or 2."""
        return 1 if self.hessian is None else 2

    @property
    def success(self) -> bool:
        """Whether all derivatives are trustworthy."""
        parts = (self.gradient, self.gradient if self.hessian is None else self.hessian)
        return all(bool(np.all(part.success)) for part in parts)

    @property
    def jacobian(self) -> Estimate:
        """The first derivatives by the name that they have where f has several outputs."""
        return self.gradient

    @cached_property
    def spectrum(self) -> Spectrum:
        """Eigenvalues of the Hessian with bars, and their signs.

        Raises
        ------
        ValueError
            If the model is of the first order.
        """
        matrix, bars, _ = self._matrix()
        known = np.isfinite(matrix) & np.isfinite(bars)
        return spectrum_of(matrix, bars) if known.all() else unknown(len(matrix))

    @property
    def eigenvalues(self) -> Estimate:
        """Eigenvalues of the Hessian with bars, in rising order; nan where H is flagged."""
        hessian = self._second()
        found = self.spectrum
        return estimate(found.values, found.bars, worst_of(hessian.status), "eigenvalues")

    def predict(self, w: ArrayLike) -> Estimate:
        """Predict f by the Taylor polynomial.

        Parameters
        ----------
        w : array
            A point of x's shape, or points ``(N,) + x.shape``.

        Returns
        -------
        Estimate
            With ``value`` of ``f.shape``, or ``(N,) + f.shape``. The bar grows with the distance
            by those of gradient and Hessian; the remainder of the series is not in it.

        Raises
        ------
        ValueError
            If w does not have the shape of x.
        """
        (away, many), n, g = self._away(w), self.x.size, self.gradient
        slopes, bars = np.reshape(g.value, (-1, n)), np.reshape(g.error, (-1, n))
        codes = np.reshape(g.status, (-1, n))
        sizes, moved, own = np.abs(away), away != 0.0, np.ravel(self.value)
        value = own + product(away, slopes.T, math.nan)
        rounding = EPS * (np.abs(own) + product(sizes, np.abs(slopes).T, math.inf))
        error = self._own_bar() + product(sizes, bars.T, math.inf) + rounding
        status = worst_along(moved, codes)
        if self.hessian is not None:
            matrix, spread, codes = self._matrix()
            value = value + quadratic(away, matrix, math.nan) / 2.0
            error = error + quadratic(sizes, spread, math.inf) / 2.0
            status = worst(status, worst_between(moved, codes))
        shape = (*many, *np.shape(self.value))
        return estimate(
            value.reshape(shape), error.reshape(shape), status.reshape(shape), "taylor", REMAINDER
        )

    def predict_gradient(self, w: ArrayLike) -> Estimate:
        """Predict the gradient, g + H (w - x).

        Parameters
        ----------
        w : array
            A point of x's shape, or points ``(N,) + x.shape``.

        Returns
        -------
        Estimate
            With ``value`` of w's shape. The remainder is not in the bar.

        Raises
        ------
        ValueError
            If w does not have the shape of x, or the model is of the first order.
        """
        matrix, spread, codes = self._matrix()
        (away, many), g = self._away(w), self.gradient
        value = np.ravel(g.value) + product(away, matrix, math.nan)
        error = np.ravel(g.error) + product(np.abs(away), spread, math.inf)
        status = worst(worst_along(away != 0.0, codes), np.ravel(g.status))
        shape = (*many, *self.x.shape)
        error = (error + EPS * np.abs(value)).reshape(shape)
        return estimate(value.reshape(shape), error, status.reshape(shape), "taylor", REMAINDER)

    def steepest_ascent(self) -> Estimate:
        """Return the unit vector along which f grows fastest, g / |g|, with its bar.

        Raises
        ------
        ValueError
            If f has several outputs, or the gradient is zero within its bar or flagged.
        """
        g, bars = self._slopes()
        length, unsure = float(np.linalg.norm(g)), float(np.linalg.norm(bars))
        if not length > unsure:
            raise ValueError(
                f"the gradient is zero within its bar ({length:.2g} +- {unsure:.2g}): no direction "
                "is steepest; `critical_point` tells what kind of point x is"
            )
        # |u' - u| <= 2 |bars| / |g'| for unit vectors of g and g', entry by entry one of them own
        error = (bars + np.abs(g / length) * unsure) / (length - unsure) + 4 * EPS
        shape = self.x.shape
        parts = (g / length).reshape(shape), error.reshape(shape)
        return estimate(*parts, worst_of(self.gradient.status), "ascent")

    def newton_step(self, *, modify: bool = False) -> NewtonStep:
        """Return the step p to the point where the gradient of the model is zero, H p = -g.

        Parameters
        ----------
        modify : bool, default False
            Where H is not positive definite, take the sizes of its eigenvalues, at least 1e-8 of
            the largest, after scaling its rows: then p leads downhill (Nocedal and Wright 2006,
            *Numerical Optimization*, section 3.4). The bar is then that of g alone.

        Returns
        -------
        NewtonStep
            An Estimate of x's shape, with the `condition` of H and whether it was `modified`.

        Raises
        ------
        numpy.linalg.LinAlgError
            A ValueError: if H may be singular within its bars, or is neither positive nor negative
            definite, and was not to be modified.
        ValueError
            If the model is of the first order, or a derivative is flagged.
        """
        (g, bars), found = self._slopes(), self._certain()
        change = modify and found.definite != 1
        if change:
            step, error = modified(found).solve(-g, bars)
        elif found.definite:
            step, error = found.solve(-g, bars)
        else:
            found.refuse("singular" if (found.signs == 0).any() else "indefinite")
        shape = self.x.shape
        status = worst_of(self.gradient.status, self._second().status)
        note = ("H is not positive definite: the sizes of its eigenvalues stand in",) * change
        columns = derived(step.reshape(shape), error.reshape(shape), status, "newton", *note)
        return NewtonStep.of(columns, condition=found.condition, modified=change)

    def covariance(self, scale: float = 1.0) -> Estimate:
        """Return the inverse of the Hessian times `scale`, with bars.

        For a negative log-likelihood at its minimum this is the covariance of the parameters, and
        the roots of its diagonal are their standard errors; for half a sum of squares `scale` is
        the variance of the residuals.

        Parameters
        ----------
        scale : float, default 1.0
            Factor.

        Returns
        -------
        Estimate
            With ``value`` of ``x.shape + x.shape``.

        Raises
        ------
        numpy.linalg.LinAlgError
            A ValueError: if the Hessian is not positive definite within its bars.
        ValueError
            If the model is of the first order, or the Hessian is flagged.
        """
        if not (isinstance(scale, Real) and 0.0 < float(scale) < math.inf):
            raise ValueError(f"`scale` must be a positive number, got {scale!r}")
        found = self._certain()
        if found.definite != 1:
            found.refuse("not positive definite")
        value, error = found.inverse()
        shape = self.x.shape * 2
        parts = scale * value.reshape(shape), scale * error.reshape(shape)
        return estimate(*parts, worst_of(self._second().status), "covariance")

    def critical_point(self, gtol: float = 0.0) -> CriticalPoint:
        """Tell what kind of point x is.

        Parameters
        ----------
        gtol : float, default 0.0
            Entries of the gradient up to this count as zero, as an optimiser stops before they are.

        Returns
        -------
        CriticalPoint
            Positive curvature in all directions is a minimum.

        Raises
        ------
        ValueError
            If the model is of the first order, or f has several outputs.
        """
        self._second()
        found, eigenvalues = self.spectrum, self.eigenvalues
        kind, message = kind_of(self.gradient, found, gtol)
        return CriticalPoint(
            kind=kind, eigenvalues=eigenvalues, eigenvectors=found.vectors, message=message
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists, numbers and strings, fit for strict JSON."""
        plain: dict[str, Any] = {
            "x": self.x.tolist(),
            "value": np.asarray(self.value).tolist(),
            "gradient": self.gradient.to_dict(),
            "hessian": None,
            "nfev": self.nfev,
        }
        if self.hessian is not None:
            point = self.critical_point()
            plain.update(
                hessian=self.hessian.to_dict(), eigenvalues=self.eigenvalues.to_dict(),
                kind=point.kind, message=point.message, newton_step=None,
            )  # fmt: skip
            try:
                plain["newton_step"] = self.newton_step().to_dict()
            except ValueError as error:
                plain["newton_message"] = str(error)
        return plain

    def __str__(self) -> str:
        return "\n".join(report(self))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        from html import escape  # noqa: PLC0415 - only notebooks need it

        return f"<pre>{escape(str(self))}</pre>"

    def _second(self) -> Estimate:
        if self.hessian is None:
            raise ValueError("this model is of the first order: build it with `order=2`")
        return self.hessian

    def _matrix(self) -> tuple[Floats, Floats, Codes]:
        """Return the Hessian, its bars with the rounding of sums, and its status, (n, n) each."""
        hessian, n = self._second(), self.x.size
        value, error = np.reshape(hessian.value, (n, n)), np.reshape(hessian.error, (n, n))
        status = np.reshape(hessian.status, (n, n))
        bars = np.where(np.reshape(hessian.success, (n, n)), error, math.inf)
        return value, bars + EPS * np.nan_to_num(np.abs(value)), status

    def _slopes(self) -> tuple[Floats, Floats]:
        """Return the gradient and its bars, (n,)."""
        if np.shape(self.value) != ():
            raise ValueError("f has several outputs: there is no gradient, but a `jacobian`")
        if not np.all(self.gradient.success):
            raise ValueError(f"the gradient is flagged: {_reason(self.gradient)}")
        return self.gradient.value.ravel(), self.gradient.error.ravel()

    def _certain(self) -> Spectrum:
        if self.spectrum.hidden:
            raise ValueError(f"the Hessian is flagged: {_reason(self._second())}")
        return self.spectrum

    def _away(self, w: ArrayLike) -> tuple[Floats, tuple[int, ...]]:
        """Return w - x as (N, n), and the axes of N if there are many points."""
        points = as_point(w, "w")
        shape = self.x.shape
        if points.shape == shape:
            many: tuple[int, ...] = ()
        elif points.ndim == len(shape) + 1 and points.shape[1:] == shape:
            many = points.shape[:1]
        else:
            wanted = f"x's shape {shape}, or {('N', *shape)} for N points".replace("'N'", "N")
            raise ValueError(f"`w` must have {wanted}, got {points.shape}")
        return (points - self.x).reshape(-1, self.x.size), many

    def _own_bar(self) -> Floats:
        """Return the bar of f(x) itself, by the noise that was seen of f, (m,)."""
        noise = np.reshape(self.gradient.noise, (-1, self.x.size))
        return np.asarray(SURE * np.nan_to_num(noise).max(axis=1, initial=0.0))


def _reason(estimate: Estimate) -> str:
    """Return the sentence of the worst status."""
    return Status(int(worst_of(estimate.status))).message


@public(Settings)
def local_model(
    f: Callable[..., Any], x: Point, order: int = 2, **options: Unpack[Settings]
) -> LocalModel:
    """Build the first- or second-order Taylor model of a function at a point.

    Gradient and Hessian come from the same evaluations, so a model costs what its Hessian does.

    Parameters
    ----------
    f : callable
        ``f(x, *args)`` takes a float64 array of x's shape and returns one number, or for a model
        of the first order anything numeric.
    x : array of float, dict or Series
        The point, of any shape. With a dict or a Series f gets the same, and x counts as flat.
    order : int, default 2
        1 for f(x) + g.(w - x), 2 with the Hessian.
    **options
        The options of all, spelled out in the signature.

    Returns
    -------
    LocalModel
        With predictions, the Newton step, the kind of the point, the covariance.

    Raises
    ------
    TypeError, ValueError
        If x or an option is not allowed; ValueError if `order` is neither 1 nor 2, or f has several
        outputs and `order` is 2.

    Examples
    --------
    >>> f = lambda x: x[0] ** 2 + x[1] ** 2 + 2 * x[0] * x[1] + 3 * x[0] + 4 * x[1]
    >>> model = local_model(f, [1.0, 1.0])
    >>> float(model.value), model.gradient.value.round(9).tolist()
    (11.0, [7.0, 8.0])
    >>> round(float(model.predict([2.0, 0.0]).value), 9)
    10.0
    """
    if isinstance(order, bool) or order not in {1, 2}:
        raise ValueError(f"`order` must be 1 or 2, got {order!r}")
    point, call, settings, _ = asked(f, x, options)
    with call.evaluator or NOBODY:
        return _modelled(pose(call, point.ravel(), settings), point, order, settings)


def _modelled(problem: Problem, point: Floats, order: int, settings: Options) -> LocalModel:
    """Differentiate along the axes, and along pairs of them for the second order."""
    n, shape = point.size, point.shape
    form, f0 = problem.form, problem.f0
    value = form.unpack(f0).reshape(form.shape)[()]
    if order == 1:
        slopes = counted(problem, WAYS[settings.way](problem, axes(n), 1, settings))
        gradient = estimate_of(slopes, form.shape + shape, settings)
        return LocalModel(x=point, value=value, gradient=gradient, hessian=None, nfev=slopes.nfev)
    if form.size != 1:  # a complex output has two columns
        raise ValueError(
            f"a second-order model needs an f with one real output, got shape {form.shape}: use "
            "`order=1`"
        )
    value, alone = f0[0], axes(n)
    diagonal, across, first = second(problem, alone, *alone.pairs, settings, slopes=True)
    whole = counted(problem, diagonal, first, across)
    gradient = estimate_of(first._replace(nfev=whole.nfev), shape, settings)
    columns = symmetric(per_output(diagonal), per_output(across), alone.pairs)
    hessian = estimate_of(whole, shape + shape, settings, columns=columns, named=2)
    return LocalModel(x=point, value=value, gradient=gradient, hessian=hessian, nfev=whole.nfev)
