"""What noisy samples around x say of a derivative at x: a polynomial of unknown radius and size.

A sample at the distance t is sum_k b_k t**p_k plus normal noise. The leading coefficients, of which
the last is the derivative's, may be anything. The others fall as those of an analytic function do,
b_k R**p_k ~ N(0, s**2), where neither R nor s is known: a grid of both is weighed by the likelihood
of the samples. So the deviation of the derivative holds truncation as well as noise, no degree has
to be chosen, and what further samples would bring can be told before they are taken.

A polynomial under a prior is the localized regression of Blight and Ott (1975, Biometrika 62:79)
and O'Hagan (1978, J. R. Statist. Soc. B 40:1); the likelihood is the restricted one of Patterson
and Thompson (1971, doi:10.1093/biomet/58.3.545), in which the leading coefficients and the variance
of the noise have been integrated out.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from numdiff.arrays import Floats
from numdiff.constants import ROUNDING

# Radii in units of the largest distance: below it they look alike once the powers are bounded, and
# far above it they would trust in more smoothness than the samples can show.
RADII = 2.0 ** np.arange(0.0, 2.0, 0.5)
# Sizes in standard deviations of the noise: from hidden in it to free of it but for rounding.
SIZES = 8.0 ** np.arange(1.0, 18.0)
# How much larger than s a power may become beyond R: keeps its spectrum within the precision.
BOUND = 1e4
TINIEST = 2.0**-1022  # unit of samples that are all zero


class Basis(NamedTuple):
    """Powers of the distance that samples are made of."""

    powers: Floats  # (K,), rising
    leading: int  # how many have coefficients that may be anything; the last one is wanted

    @property
    def order(self) -> float:
        """Power whose coefficient is wanted."""
        return float(self.powers[self.leading - 1])


class Noise(NamedTuple):
    """What is known beforehand of the noise of a sample, each array (B, m)."""

    deviation: Floats
    freedom: Floats  # it counts like an estimate from so many degrees of freedom
    rounding: Floats  # standard deviation that it has at least


class Posterior(NamedTuple):
    """What B sets of samples say of the wanted coefficient of m outputs."""

    value: Floats  # (B, m)
    deviation: Floats  # (B, m), standard deviation of the value
    freedom: Floats  # (B, m), its degrees of freedom
    noise: Floats  # (B, m), standard deviation of a sample
    misfit: Floats  # (B, m), what the samples alone say of its square over what was known of it
    width: Floats  # (B,), largest distance
    unit: Floats  # (B, m), largest sample
    blame: Floats  # (B, radii, sizes, m), weight times variance of the noise, for `unit` = 1


class _Spectrum(NamedTuple):
    """The powers after the leading ones as independent parts, for each radius."""

    lead: Floats  # (...,), weight of the leading coordinate in the wanted coefficient
    turn: Floats  # (..., radii, Q, k), coordinates into parts
    pull: Floats  # (..., radii, k), what a part takes off the wanted coefficient, for s = 1
    hidden: Floats  # (..., radii, sizes, k), part of each square that noise explains
    spread: Floats  # (..., radii, sizes), variance of the wanted coefficient per that of the noise


def posterior(basis: Basis, t: Floats, y: Floats, noise: Noise) -> Posterior:
    """Learn the wanted coefficient from samples y (B, N, m) at distances t (B, N).

    Samples that do not count have nan for a distance. As many distances as there are leading powers
    have to differ.
    """
    width = np.nanmax(t, axis=1)
    counted = np.isfinite(t)[..., None]
    largest = np.abs(np.where(counted, y, 0.0)).max(axis=1)
    unit = np.maximum(np.maximum(largest, noise.rounding), TINIEST)
    scaled = np.where(counted, y / unit[:, None], 0.0)
    orthogonal, triangle = np.linalg.qr(_powers(basis, t, width))
    coordinates = np.swapaxes(orthogonal, 1, 2) @ scaled
    rest = ((scaled - orthogonal @ coordinates) ** 2).sum(axis=1)
    spectrum = _spectrum(basis, triangle, np.ones(len(t)))
    means, squares = _explain(basis, spectrum, coordinates, rest)
    excess = counted.sum(axis=1) - float(basis.leading)
    freedom = excess + noise.freedom
    before = noise.freedom * (noise.deviation / unit) ** 2
    least = excess * np.maximum(noise.rounding / unit, ROUNDING) ** 2
    squares += (before + least)[:, None, None]
    weight = _weight(basis, spectrum, squares, freedom[:, None, None], means)
    blame = weight * squares / freedom[:, None, None]
    value = (weight * means).sum(axis=(1, 2))
    variance = blame * spectrum.spread[..., None] + weight * (means - value[:, None, None]) ** 2
    square = blame.sum(axis=(1, 2))
    alone = np.maximum(square * freedom - before, 0.0) / excess
    scale = unit / width[:, None] ** basis.order
    misfit = alone * noise.freedom / np.where(before > 0.0, before, np.inf)
    deviation = np.sqrt(variance.sum(axis=(1, 2))) * scale
    return Posterior(
        value * scale, deviation, freedom, np.sqrt(square) * unit, misfit, width, unit, blame
    )


def forecast(basis: Basis, now: Posterior, t: Floats, further: Floats, reach: Floats) -> Floats:
    """Tell the deviation that further samples would leave, (B, C, m).

    Parameters
    ----------
    basis : Basis
        What the samples are made of.
    now : Posterior
        What the samples so far say.
    t : array (B, N)
        Their distances.
    further : array (B, C, P)
        C choices of P distances more.
    reach : array (B, C)
        With each choice, samples so far that are further away would no longer count.
    """
    kept = np.where(t[:, None] <= reach[..., None], t[:, None], np.nan)
    distances = np.concatenate([kept, further], axis=2)
    width = np.nanmax(distances, axis=2)
    triangle = np.asarray(np.linalg.qr(_powers(basis, distances, width), mode="r"))
    spread = _spectrum(basis, triangle, width / now.width[:, None]).spread
    variance = np.einsum("bcrs,brsm->bcm", spread, now.blame)
    return np.asarray(np.sqrt(variance) * now.unit[:, None] / width[..., None] ** basis.order)


def _powers(basis: Basis, t: Floats, width: Floats) -> Floats:
    """Return the powers of the distances in units of the width, zeros where they do not count."""
    powers = (t / width[..., None])[..., None] ** basis.powers
    return np.where(np.isnan(t)[..., None], 0.0, powers)


def _spectrum(basis: Basis, triangle: Floats, growth: Floats) -> _Spectrum:
    """Part the powers by singular values; radii are in units of the width over `growth`."""
    lead = basis.leading
    size = np.minimum((growth[..., None, None] / RADII[:, None]) ** basis.powers[lead:], BOUND)
    turn, strength, back = np.linalg.svd(
        triangle[..., None, lead:, lead:] * size[..., None, :], full_matrices=False
    )
    weight = 1.0 / triangle[..., lead - 1, lead - 1]
    across = (weight[..., None] * triangle[..., lead - 1, lead:])[..., None, :] * size
    share = (back @ across[..., None])[..., 0]
    hidden = 1.0 / (1.0 + (SIZES[:, None] * strength[..., None, :]) ** 2)
    beyond = (share[..., None, :] ** 2 * SIZES[:, None] ** 2 * hidden).sum(axis=-1)
    spread = weight[..., None, None] ** 2 + beyond
    return _Spectrum(weight, turn, share * strength, hidden, spread)


def _explain(
    basis: Basis, spectrum: _Spectrum, coordinates: Floats, rest: Floats
) -> tuple[Floats, Floats]:
    """Return the wanted coefficient, and the squares that are left to noise.

    Both for each radius and size, (B, radii, sizes, m).
    """
    above = coordinates[:, basis.leading :]
    parts = np.swapaxes(spectrum.turn, 2, 3) @ above[:, None]
    beside = np.maximum((above**2).sum(axis=1)[:, None] - (parts**2).sum(axis=2), 0.0)
    squares = (rest[:, None] + beside)[:, :, None] + spectrum.hidden @ parts**2
    plain = spectrum.lead[:, None] * coordinates[:, basis.leading - 1]
    pull = spectrum.pull[:, :, None] * SIZES[:, None] ** 2
    return plain[:, None, None] - (pull * spectrum.hidden) @ parts, squares


def _weight(
    basis: Basis, spectrum: _Spectrum, squares: Floats, freedom: Floats, means: Floats
) -> Floats:
    """Weigh radii and sizes by their likelihood.

    The wanted coefficient is as large as the others or not, which a Cauchy distribution says.
    """
    volume = np.log(spectrum.hidden).sum(axis=-1)[..., None]
    expected = (SIZES / RADII[:, None] ** basis.order) ** 2 + spectrum.spread
    size = expected[..., None] * squares / freedom
    log = 0.5 * (volume - freedom * np.log(squares) - np.log(size)) - np.log1p(means**2 / size)
    weight = np.exp(log - log.max(axis=(1, 2), keepdims=True))
    return np.asarray(weight / weight.sum(axis=(1, 2), keepdims=True))
