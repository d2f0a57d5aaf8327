"""Symmetric matrices whose entries have error bars: eigenvalues, signs, inverses."""

from __future__ import annotations

import math
from typing import NamedTuple, NoReturn

import numpy as np
from numpy.linalg import LinAlgError
from scipy.linalg import cholesky, eigh, lapack, solve_triangular

from numdiff.arrays import Floats, Ints
from numdiff.constants import EPS

LEAST = 1e-8  # of the largest eigenvalue: what a modified one is at least, a root of rounding
ROUNDS = 8  # of scaling: after each the logarithm of what is left is halved


class Spectrum(NamedTuple):
    """Eigenvalues of a symmetric matrix, what is certain of their signs, and how to solve with it.

    The matrix is D^-1 S D^-1 with a diagonal D that gives rows of S a largest entry near 1, so that
    entries of very different size keep their digits. Signs of eigenvalues are those of S
    (Sylvester's law of inertia).
    """

    values: Floats  # (n,), in rising order
    bars: Floats  # (n,)
    vectors: Floats  # (n, n), one in each column
    signs: Ints  # (n,): -1, 0 where the sign is not certain, 1, in rising order
    scale: Floats  # (n,): D
    scaled: Floats  # (n, n): S
    spread: Floats  # (n, n): the bars of S

    @property
    def hidden(self) -> bool:
        """Whether an entry of the matrix is not known."""
        return not bool(np.isfinite(self.bars).all())

    @property
    def definite(self) -> int:
        """1 or -1 if all eigenvalues are certain to have that sign, else 0."""
        low, high = (int(self.signs[0]), int(self.signs[-1])) if self.signs.size else (1, 1)
        return low if low == high else 0

    @property
    def condition(self) -> float:
        """Condition number of the matrix; inf where an eigenvalue may be 0."""
        sizes = np.abs(self.values)
        return float(sizes.max() / sizes.min()) if self.signs.all() and sizes.size else math.inf

    def inverse(self) -> tuple[Floats, Floats]:
        """Return the inverse and the bars of its entries.

        The bars are abs(H^-1) E abs(H^-1) / (1 - r), with r the norm of abs(S^-1) F of the scaled
        bars F (Higham 2002, *Accuracy and Stability of Numerical Algorithms*, section 13.1).

        Raises
        ------
        numpy.linalg.LinAlgError
            If the matrix may be singular within its bars.
        """
        inner = self._inner()
        room = 1.0 - _norm(np.abs(inner) @ self.spread)
        if room <= 0.0 or not self.signs.all():
            self.refuse("singular")
        bars = np.abs(inner) @ self.spread @ np.abs(inner) / room
        both = np.outer(self.scale, self.scale)
        return inner * both, bars * both

    def solve(self, right: Floats, bars: Floats) -> tuple[Floats, Floats]:
        """Solve H p = right, and return p with its bars.

        They are abs(H^-1) (bars + E abs(p)) / (1 - r), r as in `inverse` (Higham 2002, theorem
        7.4).

        Raises
        ------
        numpy.linalg.LinAlgError
            If the matrix may be singular within its bars.
        """
        inner = np.abs(self._inner())
        room = 1.0 - _norm(inner @ self.spread)
        if room <= 0.0 or not self.signs.all():
            self.refuse("singular")
        unknown = self._inner() @ (self.scale * right)
        error = inner @ (self.scale * bars + self.spread @ np.abs(unknown)) / room
        return self.scale * unknown, self.scale * error

    def refuse(self, what: str) -> NoReturn:
        """Say that the matrix is not fit for what was asked.

        Raises
        ------
        numpy.linalg.LinAlgError
            Always.
        """
        shown = ", ".join(
            f"{value:.3g} +- {bar:.1g}" for value, bar in zip(self.values, self.bars, strict=True)
        )
        raise LinAlgError(f"the Hessian is {what} within its error bars: eigenvalues {shown}")

    def _inner(self) -> Floats:
        """Return the inverse of S."""
        n = len(self.scale)
        if self.definite:
            half = solve_triangular(
                cholesky(self.definite * self.scaled, lower=True), np.eye(n), lower=True
            )
            return np.asarray(self.definite * half.T @ half)
        try:
            inverse = np.linalg.inv(self.scaled)
        except LinAlgError:
            self.refuse("singular")
        return np.asarray(inverse, np.float64)


def spectrum_of(matrix: Floats, bars: Floats) -> Spectrum:
    """Find the eigenvalues of a symmetric matrix whose entries have error bars.

    Parameters
    ----------
    matrix, bars : array (n, n)
        Symmetric and finite.

    Returns
    -------
    Spectrum
        With bars by the least of three bounds: Weyl's, the norm of the bars; that of Kato and
        Temple, which knows the eigenvector and the gap to the next eigenvalue (Parlett 1998, *The
        Symmetric Eigenvalue Problem*, section 10.2 and 11.7); and where all signs are the same, a
        relative one, the norm of the scaled bars over the least eigenvalue of the scaled matrix
        (Demmel and Veselic 1992, doi:10.1137/0613074, theorem 2.3).
    """
    n = len(matrix)
    scale = _equilibrated(matrix)
    both = np.outer(scale, scale)
    scaled, spread = matrix * both, bars * both
    inner = eigh(scaled, eigvals_only=True) if n else np.empty(0)
    unsure = _norm(spread) + _rounding(inner)
    signs = np.where(inner > unsure, 1, np.where(inner < -unsure, -1, 0))
    if n and signs[0] == signs[-1] != 0:
        values, vectors = _accurate(signs[0] * scaled, scale)
        values = values[:: signs[0]] * signs[0]
        vectors = vectors[:, :: signs[0]]
        relative = unsure / (np.abs(inner).min() - unsure)
        errors = np.minimum(np.abs(values) * relative, _norm(bars) + _rounding(values))
    else:
        values, vectors = eigh(matrix) if n else (np.empty(0), np.empty((0, 0)))
        errors = _absolute(values, vectors, bars)
    return Spectrum(values, errors, vectors, signs, scale, scaled, spread)


def unknown(n: int) -> Spectrum:
    """Return the spectrum of a matrix of which not all entries are known."""
    nothing, hidden = np.full(n, math.nan), np.full((n, n), math.nan)
    signs = np.zeros(n, np.int64)
    return Spectrum(nothing, np.full(n, math.inf), hidden, signs, np.ones(n), hidden, hidden)


def modified(found: Spectrum) -> Spectrum:
    """Return the matrix in which sizes stand for eigenvalues, of S, and no one is near zero.

    It is taken as exact: what it is has been chosen.
    """
    values, vectors = eigh(found.scaled)
    values = np.maximum(np.abs(values), LEAST * max(np.abs(values).max(initial=0.0), LEAST))
    scaled = (vectors * values) @ vectors.T
    both = np.outer(found.scale, found.scale)
    return spectrum_of((scaled + scaled.T) / 2.0 / both, np.zeros_like(scaled))


def _equilibrated(matrix: Floats) -> Floats:
    """Return powers of two that give rows of D H D a largest entry near 1 (Ruiz 2001)."""
    scale, sizes = np.ones(len(matrix)), np.abs(matrix)
    for _ in range(ROUNDS if len(matrix) else 0):
        largest = (sizes * np.outer(scale, scale)).max(axis=1)
        scale = scale / np.sqrt(np.where(largest > 0.0, largest, 1.0))
    return np.asarray(np.exp2(np.rint(np.log2(scale))))


def _accurate(scaled: Floats, scale: Floats) -> tuple[Floats, Floats]:
    """Return eigenvalues and vectors of a positive definite matrix, small ones to their digits.

    Those of G G^T, with G = D^-1 L, are squares of singular values, which one-sided Jacobi
    rotations give to relative accuracy (Drmac and Veselic 2008, doi:10.1137/050639193; LAPACK's
    dgejsv).
    """
    factor = cholesky(scaled, lower=True) / scale[:, None]
    sizes, vectors, _, work, _, info = lapack.dgejsv(
        np.asfortranarray(factor), joba=0, jobu=0, jobv=3
    )
    if info != 0:
        raise LinAlgError(f"LAPACK's dgejsv failed with info={info}")
    sizes = sizes * work[0] / work[1]
    return sizes[::-1] ** 2, vectors[:, ::-1]


def _absolute(values: Floats, vectors: Floats, bars: Floats) -> Floats:
    """Return bounds on eigenvalues by Weyl, and by Kato and Temple where gaps allow."""
    whole = _norm(bars)
    if not math.isfinite(whole):
        return np.full(len(values), math.inf)
    moved = bars @ np.abs(vectors)
    first = (np.abs(vectors) * moved).sum(axis=0)
    gaps = np.abs(values[:, None] - values)
    np.fill_diagonal(gaps, math.inf)
    room = gaps.min(axis=1, initial=math.inf) - whole - first
    with np.errstate(divide="ignore", invalid="ignore"):
        second = np.where(room > 0.0, (moved**2).sum(axis=0) / room, math.inf)
    return np.asarray(np.minimum(whole, first + second) + _rounding(values))


def _rounding(values: Floats) -> float:
    return len(values) * EPS * float(np.abs(values).max(initial=0.0))


def _norm(matrix: Floats) -> float:
    """Return a bound on the spectral norm: that of Frobenius, or of the largest row and column."""
    sizes = np.abs(matrix)
    if not sizes.size:
        return 0.0
    rows = math.sqrt(float(sizes.sum(axis=1).max()) * float(sizes.sum(axis=0).max()))
    return min(rows, float(np.linalg.norm(sizes)))
