"""What is the Gaussian average of a pair of kinked functions, to 1e-12 at every correlation?

With u = sqrt(q1) r cos(phi) and v = sqrt(q2) r cos(phi - theta), theta the angle of correlation, r and
phi are independent: E f(u, v) = (1 / 2 pi) int dphi int r exp(-r^2 / 2) f dr. Kinks at zero are rays
phi = const, exactly; a kink at t is the radius t / (sqrt(q1) cos phi), a smooth function of phi until
it meets another kink or leaves the disc. Panels end at all of these, so that Gauss-Legendre rules see
smooth functions only, however small theta is.
"""

from dataclasses import dataclass, replace
from typing import final

import numpy as np

from lazyscope.limit.dual._gauss import (
    gaussian_average,
    graded_panels,
    legendre,
    not_settled,
)
from lazyscope.limit.dual._piecewise_smooth import PiecewiseSmooth

_RADII = np.array([0.0, 0.03, 0.1, 0.25, 0.5, 0.75, 1.0])  # panels of the radius, per outermost
_CHUNK = 1 << 19
_FINEST = 6
_NOTHING = 1e-30
_AGREEMENT = 3e-14


@final
@dataclass(frozen=True)
class PolarRule:
    """The quadrature for one nonlinearity.

    Attributes:
        sigma: the nonlinearity.
        kinks: its kinks where the points lie.
        radius: radius of the disc in standard deviations.
        level: how often panels shrink towards their ends; the rules on them grow with it.
    """

    sigma: PiecewiseSmooth
    kinks: tuple[float, ...]
    radius: float
    level: int = 1

    @property
    def _orders(self) -> tuple[int, int]:
        """Nodes for each panel of angles and of radii."""
        return 12 + 8 * self.level, 12 + 4 * self.level

    def averages(
        self, s1: np.ndarray, s2: np.ndarray, theta: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """E (sigma(u) - sigma(v))^2 / 2 and E sigma'(u) sigma'(v) for M pairs of deviations and angle.

        The first is an average of squares: it keeps its relative accuracy as theta goes to zero.
        """
        shifted = tuple(kink for kink in self.kinks if kink != 0)
        rays = (4 + len(shifted) * (4 + len(shifted))) * (2 * self.level + 1)
        rings = len(_RADII) - 1 + 2 * len(shifted)
        step = max(1, _CHUNK // (rays * rings * self._orders[0] * self._orders[1]))
        cuts = [slice(start, start + step) for start in range(0, theta.size, step)]
        parts = [self._chunk(shifted, s1[c], s2[c], theta[c]) for c in cuts]
        return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])

    def second_moments(self, s: np.ndarray) -> np.ndarray:
        """E sigma(u)^2 for deviations s (M,)."""
        return gaussian_average(self.sigma.squares, s, self.kinks, self.radius, "the activation")

    def settled(self, s1: np.ndarray, s2: np.ndarray, theta: np.ndarray) -> "PolarRule":
        """The coarsest rule that agrees with the next finer one at these pairs.

        Raises:
            InputError: not even the finest rule agrees.
        """
        before, rule = None, self
        for level in range(1, _FINEST + 1):
            rule = replace(self, level=level)
            value = np.stack(rule.averages(s1, s2, theta))
            if before is not None:
                allowed = _AGREEMENT * np.max(np.abs(value), axis=1, keepdims=True)
                if np.all(np.abs(value - before) <= allowed):
                    return replace(self, level=level - 1)
            before = value
        raise not_settled("the activation")

    def _chunk(
        self, kinks: tuple[float, ...], s1: np.ndarray, s2: np.ndarray, theta: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        s1, s2, theta = s1[:, None], s2[:, None], theta[:, None]
        edges = _rays(kinks, s1, s2, theta, self.radius)
        phi, phi_weights = legendre(graded_panels(edges, self.level), self._orders[0])
        rates = s1 * np.cos(phi), s2 * np.cos(phi - theta)
        rings = np.broadcast_to(_RADII * self.radius, (1, 1, _RADII.size))
        if kinks:
            rings = np.broadcast_to(rings, (*phi.shape, _RADII.size))
            crossings = [_crossings(np.asarray(kinks), rate, self.radius) for rate in rates]
            rings = np.sort(np.concatenate([rings, *crossings], axis=-1), axis=-1)
        r, weights = legendre(rings, self._orders[1])
        weights = weights * r * np.exp(-r * r / 2) * phi_weights[..., None] / (2 * np.pi)
        # panels of no width, and the far rim, are left out
        used = weights > _NOTHING
        u, v = ((rate[..., None] * r)[used] for rate in rates)
        a, slope_a = self.sigma.values_and_slopes(u)
        b, slope_b = self.sigma.values_and_slopes(v)
        sums = []
        for term in (0.5 * (a - b) ** 2, slope_a * slope_b):
            products = np.zeros_like(weights)
            products[used] = term * weights[used]
            sums.append(products.reshape(s1.size, -1).sum(axis=1))
        return sums[0], sums[1]


def _rays(kinks: tuple, s1, s2, theta, radius: float) -> np.ndarray:
    """Sorted angles, from -pi/2 to 3 pi/2, between which the radial averages are smooth."""
    quarter = np.pi / 2
    zero = np.zeros_like(theta)
    rays = [zero - quarter, theta - quarter, zero + quarter, theta + quarter, zero + 3 * quarter]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for t in kinks:
            for s, turn in ((s1, zero), (s2, theta)):
                leaving = np.arccos(np.clip(np.nan_to_num(t / (s * radius)), -1.0, 1.0))
                rays += [turn + leaving, turn - leaving]
            for other in kinks:
                first = t / s1
                second = (other / s2 - first * np.cos(theta)) / np.sin(theta)
                rays.append(np.nan_to_num(np.arctan2(second, first)))
    angles = np.concatenate([np.broadcast_to(ray, theta.shape) for ray in rays], axis=1)
    inside = (angles[:, 5:] + quarter) % (2 * np.pi) - quarter
    return np.sort(np.concatenate([angles[:, :5], inside], axis=1), axis=1)


def _crossings(kinks: np.ndarray, rate: np.ndarray, radius: float) -> np.ndarray:
    """Radii at which rate * r meets the kinks, or the rim where it does not."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        radii = np.nan_to_num(kinks / rate[..., None], nan=radius, posinf=radius)
    return np.where((radii > 0) & (radii < radius), radii, radius)
