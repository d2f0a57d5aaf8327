"""What kind of point x is: minimum, maximum, saddle, or none that can be told."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from numdiff.arrays import Floats
from numdiff.estimate import Estimate
from numdiff.model.spectrum import Spectrum


@dataclass(frozen=True, eq=False, kw_only=True)
class CriticalPoint:
    """What kind of point x is, by the gradient and the eigenvalues of the Hessian.

    Parameters
    ----------
    kind : str
        ``"minimum"`` (all eigenvalues positive), ``"maximum"`` (all negative), ``"saddle"`` (both),
        ``"degenerate"`` (one is zero within its bar), ``"not critical"`` (the gradient is not zero
        within its bar), or ``"unknown"`` where a derivative is flagged.
    eigenvalues : Estimate
        Of the Hessian, (n,), in rising order.
    eigenvectors : array (n, n)
        One in each column, in the flattened order of x.
    message : str
        Why, in a sentence.
    """

    kind: str
    eigenvalues: Estimate
    eigenvectors: Floats
    message: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}"


def kind_of(gradient: Estimate, found: Spectrum, gtol: float) -> tuple[str, str]:
    """Return the kind of a point, and why."""
    if not np.all(gradient.success):
        return "unknown", "the gradient is flagged, so nothing can be told"
    beyond = np.abs(gradient.value) - np.maximum(gradient.error, gtol)
    if np.any(beyond > 0.0):
        many = np.count_nonzero(beyond > 0.0)
        return "not critical", f"{many} of {np.size(beyond)} slopes are not zero within their bars"
    if found.hidden:
        return "unknown", "the gradient is zero within its bar, but the Hessian is flagged"
    below, above = np.count_nonzero(found.signs < 0), np.count_nonzero(found.signs > 0)
    unsure = found.signs.size - below - above
    if unsure:
        rest = f"{above} positive, {below} negative"
        torn = ", so x is no extremum" if below and above else ""
        return "degenerate", f"{unsure} eigenvalues are zero within their bars, {rest}{torn}"
    if below and above:
        return "saddle", f"{above} eigenvalues are positive and {below} negative"
    sign = "negative" if below else "positive"
    return "maximum" if below else "minimum", f"all {found.signs.size} eigenvalues are {sign}"
