"""How do kinked nonlinearities act on many pairs of points?

At given variances the averages of a pair are smooth functions of the angle theta between u and v,
also where the correlation nears one; they are interpolated there by Chebyshev series whose values
come from the polar quadrature. Three cases: one common variance (a series in theta), variances in a
range (a series in both deviations and theta, where kinks at zero keep it smooth), and, where neither
reaches its accuracy, the quadrature itself for every pair.
"""

import math
from typing import ClassVar, final

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lazyscope.limit.dual._arccosine import angle
from lazyscope.limit.dual._dual import AbstractPairMap, Pairs, Side
from lazyscope.limit.dual._polar import PolarRule


@final
class AngleSeries(AbstractPairMap):
    """Points of one variance: Chebyshev series in theta of gap / sin(theta / 2) and of the slopes."""

    compiled: ClassVar[bool] = True
    gap_series: Float[Array, " N"]
    slope_series: Float[Array, " N"]
    odd: bool = eqx.field(static=True)

    def pairs(self, left: Side, right: Side, gap: Array, total: Array) -> Pairs:
        theta = _theta(gap, total)
        new_gap = _clenshaw(self.gap_series, theta) * jnp.sqrt(0.5 * gap)
        if self.odd:  # sigma(-v) = -sigma(v): opposite inputs stay opposite
            new_total = _clenshaw(self.gap_series, math.pi - theta) * jnp.sqrt(0.5 * total)
        else:
            new_total = 2.0 - new_gap
        return _within(new_gap, new_total, _clenshaw(self.slope_series, theta))


@final
class DeviationSeries(AbstractPairMap):
    """Points of different variances: Chebyshev series in both deviations and theta.

    sqrt(k1 k2) gap = (s1 - s2)^2 apart(s1, s2) + sin(theta / 2) turn(s1, s2, theta); features are the
    Chebyshev polynomials of each point's deviation.
    """

    compiled: ClassVar[bool] = True
    apart: Float[Array, "A B"]
    turn: Float[Array, "N A B"]
    slope: Float[Array, "N A B"]
    odd: bool = eqx.field(static=True)

    def pairs(self, left: Side, right: Side, gap: Array, total: Array) -> Pairs:
        theta = _theta(gap, total)
        a, b = left.features, right.features
        scale = left.second_root * right.second_root
        inverse = 1.0 / jnp.where(scale > 0, scale, jnp.ones_like(scale))
        between = (left.deviation - right.deviation) ** 2 * (a @ self.apart @ b.T)
        turn = _clenshaw_between(self.turn, a, b, theta)
        new_gap = (between + jnp.sqrt(0.5 * gap) * turn) * inverse
        if self.odd:
            turn = _clenshaw_between(self.turn, a, b, math.pi - theta)
            new_total = (between + jnp.sqrt(0.5 * total) * turn) * inverse
        else:
            new_total = 2.0 - new_gap
        return _within(new_gap, new_total, _clenshaw_between(self.slope, a, b, theta))


@final
class DirectMap(AbstractPairMap):
    """Every pair by quadrature on the host; about a millisecond for each pair."""

    compiled: ClassVar[bool] = False
    rule: PolarRule = eqx.field(static=True)
    odd: bool = eqx.field(static=True)

    def pairs(self, left: Side, right: Side, gap: Array, total: Array) -> Pairs:
        theta = _theta(gap, total)
        half_square, slopes = self._averages(left, right, theta)
        roots = left.second_root, right.second_root
        scale = roots[0] * roots[1]
        inverse = 1.0 / jnp.where(scale > 0, scale, jnp.ones_like(scale))
        between = 0.5 * (roots[0] - roots[1]) ** 2
        new_gap = (half_square - between) * inverse
        new_total = 2.0 - new_gap
        if self.odd:
            half_square, _ = self._averages(left, right, math.pi - theta)
            new_total = (half_square - between) * inverse
        return _within(new_gap, new_total, slopes)

    def _averages(self, left: Side, right: Side, theta: Array) -> tuple[Array, Array]:
        """The two averages of every pair; a pair and its mirror image are computed once."""
        s1, s2, angles = (
            np.asarray(a, dtype=np.float64).ravel()
            for a in jnp.broadcast_arrays(left.deviation, right.deviation, theta)
        )
        different = np.stack([np.minimum(s1, s2), np.maximum(s1, s2), angles])
        different, places = np.unique(different, axis=1, return_inverse=True)
        half_square, slopes = (
            jnp.asarray(average[places.ravel()].reshape(theta.shape), theta.dtype)
            for average in self.rule.averages(*different)
        )
        return half_square, slopes


def _theta(gap: Array, total: Array) -> Array:
    acute = angle(jnp.minimum(gap, total))
    return jnp.where(total >= gap, acute, math.pi - acute)


def _within(gap: Array, total: Array, slopes: Array) -> Pairs:
    # the larger one from the smaller one, which is the one known to its last digit
    acute = gap <= total
    gap, total = jnp.where(acute, gap, 2.0 - total), jnp.where(acute, 2.0 - gap, total)
    return Pairs(jnp.clip(gap, 0.0, 2.0), jnp.clip(total, 0.0, 2.0), slopes)


def _clenshaw(series: Float[Array, " N"], theta: Array) -> Array:
    """sum_k series[k] T_k(2 theta / pi - 1)."""
    y = (4 / math.pi) * theta - 2.0  # twice the argument
    zero = jnp.zeros_like(theta)

    def step(pair: tuple[Array, Array], coefficient: Array) -> tuple:
        return (coefficient + y * pair[0] - pair[1], pair[0]), None

    (last, before), _ = jax.lax.scan(step, (zero, zero), series[1:], reverse=True, unroll=4)
    return series[0] + 0.5 * y * last - before


def _clenshaw_between(series: Float[Array, "N A B"], a: Array, b: Array, theta: Array) -> Array:
    """The same where each coefficient is a series in both deviations, a[i] series[k] b[j]."""
    y = (4 / math.pi) * theta - 2.0
    zero = jnp.zeros_like(theta)

    def step(pair: tuple[Array, Array], coefficient: Array) -> tuple:
        return (a @ coefficient @ b.T + y * pair[0] - pair[1], pair[0]), None

    (last, before), _ = jax.lax.scan(step, (zero, zero), series[1:], reverse=True)
    return a @ series[0] @ b.T + 0.5 * y * last - before
