"""Which nonlinearities have Gaussian averages in closed form, and what are they?

Sources: piecewise linear (arc-cosine kernels), Cho & Saul 2009, equations 3 to 6; erf, Williams 1997,
equation 10; sine, the real part of the Gaussian characteristic function; gelu, Tsuchida, Pearce,
van der Heide, Roosta & Gallagher 2021, and by Stein's lemma here. Each is written so that no
difference of nearly equal numbers appears at correlations near one.
"""

import math
from collections.abc import Mapping
from typing import ClassVar, final

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from lazyscope.limit.dual._arccosine import angle, signed_angle
from lazyscope.limit.dual._chaotic import careful_closed_form
from lazyscope.limit.dual._dual import (
    AbstractClosedForm,
    AbstractSmoothForm,
    Pairs,
    Prepared,
    Side,
    normalised,
)
from lazyscope.model import LEAKY_SLOPE


@final
class PiecewiseLinear(AbstractClosedForm):
    """sigma(u) = even |u| + odd u: relu (1/2, 1/2), linear (0, 1), abs (1, 0), leaky relu."""

    even: float = eqx.field(static=True)
    odd: float = eqx.field(static=True)

    def second_moment(self, q: np.ndarray) -> np.ndarray:
        return (self.even**2 + self.odd**2) * q

    def slope_moment(self, q: np.ndarray) -> np.ndarray:
        return np.full_like(q, self.even**2 + self.odd**2)

    def pairs(self, left: Side, right: Side, gap: Array, total: Array) -> Pairs:
        return self.pairs_at(gap, total, self.acute(gap, total) if self.even else None)

    @staticmethod
    def acute(gap: Array, total: Array) -> Array:
        """The acute angle between the lines of u and v."""
        return angle(jnp.minimum(gap, total))

    def pairs_at(self, gap: Array, total: Array, acute: Array | None) -> Pairs:
        """`pairs` where the angle is known; None for linear activations, which need none."""
        size = self.even**2 + self.odd**2
        if acute is None:
            return Pairs(gap, total, jnp.full_like(gap, size))
        # E|u||v| / sqrt(q1 q2) = 1 - folded_gap
        versine = jnp.minimum(gap, total)
        sine = jnp.sqrt(gap * total)
        folded_gap = versine - (2 / math.pi) * (sine - acute * (1 - versine))
        folded_gap = jnp.maximum(folded_gap, 0.0)  # angles near the rounding unit
        even, odd = self.even**2 / size, self.odd**2 / size
        aligned = jnp.sign(total - gap) * (1 - (2 / math.pi) * acute)  # E sign(u) sign(v)
        return Pairs(
            even * folded_gap + odd * gap,
            even * (2 - folded_gap) + odd * total,
            self.odd**2 + self.even**2 * aligned,
        )


class _AbstractSmoothForm(AbstractSmoothForm):
    def pair_map(self, q1: np.ndarray, q2: np.ndarray, *, careful: bool = False) -> Prepared:
        if careful:
            return careful_closed_form(self, q1, q2)
        return super().pair_map(q1, q2)


@final
class Erf(_AbstractSmoothForm):
    """sigma(u) = erf(u)."""

    odd: ClassVar[bool] = True

    def values(self, u: np.ndarray) -> np.ndarray:
        from scipy.special import erf

        return erf(u)

    def loss(self, left: Side, right: Side, gap: Array, total: Array) -> Array:
        scale = left.deviation * right.deviation
        square = 1 + 2 * left.variance + 2 * right.variance
        rest = jnp.sqrt(square + 4 * gap * total * scale * scale)
        # tan of half the difference of two arcsines
        return (4 / math.pi) * jnp.arctan(2 * scale * gap / (jnp.sqrt(square) + rest))

    def second_moment(self, q: np.ndarray) -> np.ndarray:
        return (2 / np.pi) * np.arctan2(2 * q, np.sqrt(1 + 4 * q))

    def slope_moment(self, q: np.ndarray) -> np.ndarray:
        return (4 / np.pi) / np.sqrt(1 + 4 * q)

    def pairs(self, left: Side, right: Side, gap: Array, total: Array) -> Pairs:
        a, b = 1 + 2 * left.variance, 1 + 2 * right.variance
        scale = left.deviation * right.deviation
        covariance = scale * (1 - gap)
        rest = jnp.sqrt(a + 2 * right.variance + 4 * gap * total * scale * scale)
        root = jnp.sqrt(a) * jnp.sqrt(b)
        products = (2 / math.pi) * signed_angle(2 * covariance / root, rest / root)
        return normalised(products, left, right, (4 / math.pi) / rest)


@final
class Sine(_AbstractSmoothForm):
    """sigma(u) = sin(u)."""

    odd: ClassVar[bool] = True

    def values(self, u: np.ndarray) -> np.ndarray:
        return np.sin(u)

    def loss(self, left: Side, right: Side, gap: Array, total: Array) -> Array:
        scale = left.deviation * right.deviation
        apart = jnp.exp(-0.5 * (left.deviation - right.deviation) ** 2)
        return -0.5 * apart * jnp.expm1(-scale * gap) * (1 + jnp.exp(-scale * total))

    def second_moment(self, q: np.ndarray) -> np.ndarray:
        return -np.expm1(-2 * q) / 2

    def slope_moment(self, q: np.ndarray) -> np.ndarray:
        return (1 + np.exp(-2 * q)) / 2

    def pairs(self, left: Side, right: Side, gap: Array, total: Array) -> Pairs:
        scale = left.deviation * right.deviation
        apart = 0.5 * (left.deviation - right.deviation) ** 2
        covariance = scale * (1 - gap)
        same = jnp.exp(-apart - scale * jnp.minimum(gap, total))
        other = -jnp.expm1(-2 * jnp.abs(covariance))
        products = 0.5 * jnp.sign(covariance) * same * other
        return normalised(products, left, right, 0.5 * same * (2 - other))


@final
class Gelu(_AbstractSmoothForm):
    """sigma(u) = u Phi(u) with the exact Gaussian distribution function Phi."""

    odd: ClassVar[bool] = False

    def values(self, u: np.ndarray) -> np.ndarray:
        from scipy.special import ndtr

        return u * ndtr(u)

    def loss(self, left: Side, right: Side, gap: Array, total: Array) -> Array:
        q1, q2 = left.variance, right.variance
        scale = left.deviation * right.deviation
        covariance = scale * (1 - gap)
        determinant = gap * total * scale * scale
        first, last = jnp.sqrt(1 + q1 + q2), jnp.sqrt(1 + q1 + q2 + determinant)
        root = jnp.sqrt(1 + q1) * jnp.sqrt(1 + q2)
        slant = signed_angle(covariance / root, last / root)
        turned = 2 * jnp.arctan(scale * gap / (first + last))
        share = 1 / (1 + q1) + 1 / (1 + q2)
        denser = covariance * covariance / (first * last * (first + last))
        spread = determinant * (share * (1 / first + denser) - 1 / last)
        return scale * gap * (0.25 + slant / (2 * math.pi)) + (scale * turned + spread) / (
            2 * math.pi
        )

    def second_moment(self, q: np.ndarray) -> np.ndarray:
        return _gelu_products(
            q, q, q, 1 + 2 * q, np.zeros_like(q), np.arctan2(q, np.sqrt(1 + 2 * q))
        )

    def slope_moment(self, q: np.ndarray) -> np.ndarray:
        return _gelu_slopes(q, q, q, 1 + 2 * q, np.arctan2(q, np.sqrt(1 + 2 * q)))

    def pairs(self, left: Side, right: Side, gap: Array, total: Array) -> Pairs:
        q1, q2 = left.variance, right.variance
        scale = left.deviation * right.deviation
        covariance = scale * (1 - gap)
        determinant = gap * total * scale * scale
        shifted = 1 + q1 + q2 + determinant
        root = jnp.sqrt(1 + q1) * jnp.sqrt(1 + q2)
        slant = signed_angle(covariance / root, jnp.sqrt(shifted) / root)
        products = _gelu_products(q1, q2, covariance, shifted, determinant, slant)
        slopes = _gelu_slopes(q1, q2, covariance, shifted, slant)
        return normalised(products, left, right, slopes)


def _gelu_products(q1, q2, q12, shifted, determinant, slant):
    """E uPhi(u) vPhi(v), with shifted = det(I + Q), determinant = det Q, slant the arcsine."""
    both = 0.25 + slant / (2 * math.pi)  # E Phi(u) Phi(v)
    density = 1 / (2 * math.pi * shifted**0.5)  # E phi(u) phi(v)
    return q12 * both + density * (determinant + q12 * q12 * (1 / (1 + q1) + 1 / (1 + q2)))


def _gelu_slopes(q1, q2, q12, shifted, slant):
    """E (Phi(u) + u phi(u)) (Phi(v) + v phi(v))."""
    both = 0.25 + slant / (2 * math.pi)
    density = 1 / (2 * math.pi * shifted**0.5)
    return both + q12 * density * (1 / (1 + q1) + 1 / (1 + q2) + 1 / shifted)


def leaky(slope: float) -> PiecewiseLinear:
    """max(u, 0) + slope min(u, 0)."""
    return PiecewiseLinear(even=(1 - slope) / 2, odd=(1 + slope) / 2)


CLOSED: Mapping[str, AbstractClosedForm] = {
    "relu": leaky(0.0),
    "leaky_relu": leaky(LEAKY_SLOPE),
    "linear": leaky(1.0),
    "abs": PiecewiseLinear(even=1.0, odd=0.0),
    "erf": Erf(),
    "sine": Sine(),
    "gelu": Gelu(),
}
"""By name; other nonlinearities are averaged by series and quadrature."""
