"""What do Gaussian averages of a nonlinearity look like, whichever nonlinearity it is?

For pre-activations (u, v) ~ N(0, [[q1, q12], [q12, q2]]) one layer of an infinitely wide network needs

    E sigma(u)^2,  E sigma'(u)^2          (one point)
    E sigma(u) sigma(v),  E sigma'(u) sigma'(v)          (a pair)

Correlations rho travel between layers as the two distances ``gap = 1 - rho`` and ``sum = 1 + rho``,
so that nearly equal and nearly opposite inputs keep their angle to full relative accuracy.
"""

import abc
from typing import ClassVar, NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float


class Side(NamedTuple):
    """One side of a block of pairs at one layer; arrays are columns (n1, 1) or rows (1, n2).

    Attributes:
        variance: q, the variance of the pre-activation of each point.
        deviation: sqrt(q).
        second_root: sqrt(E sigma(u)^2).
        features: (n, F) numbers that `AbstractDual.pair_map` prepared for each point.
    """

    variance: Array
    deviation: Array
    second_root: Array
    features: Array


class Pairs(NamedTuple):
    """What a nonlinearity makes of a block of pairs: the new correlation and the slopes' product."""

    gap: Float[Array, "n1 n2"]
    sum: Float[Array, "n1 n2"]
    slopes: Float[Array, "n1 n2"]


class AbstractPairMap(eqx.Module):
    """What one layer does to pairs of points whose variances are known."""

    compiled: eqx.AbstractClassVar[bool]

    @abc.abstractmethod
    def pairs(
        self, left: Side, right: Side, gap: Float[Array, "n1 n2"], total: Float[Array, "n1 n2"]
    ) -> Pairs:
        """Correlation after the nonlinearity and E sigma'(u) sigma'(v); gap = 1 - rho, total = 1 + rho."""


class Prepared(NamedTuple):
    """A pair map for one layer, and (n, F) features of the points of either side."""

    map: AbstractPairMap
    features1: np.ndarray
    features2: np.ndarray


class AbstractDual(eqx.Module):
    """Gaussian averages of one nonlinearity: single points on the host, in double precision."""

    @abc.abstractmethod
    def second_moment(self, q: np.ndarray) -> np.ndarray:
        """E sigma(u)^2 for u ~ N(0, q), entry by entry."""

    @abc.abstractmethod
    def slope_moment(self, q: np.ndarray) -> np.ndarray:
        """E sigma'(u)^2 for u ~ N(0, q), entry by entry."""

    @abc.abstractmethod
    def pair_map(self, q1: np.ndarray, q2: np.ndarray, *, careful: bool = False) -> Prepared:
        """The map of pairs between points of variances q1 (n1,) and q2 (n2,).

        A `careful` map keeps 1 - rho to full relative accuracy, which amplifying networks need.
        """


class AbstractClosedForm(AbstractDual, AbstractPairMap):
    """A nonlinearity whose pair map needs no preparation."""

    compiled: ClassVar[bool] = True

    def pair_map(self, q1: np.ndarray, q2: np.ndarray, *, careful: bool = False) -> Prepared:
        del careful
        return Prepared(self, np.empty((q1.size, 0)), np.empty((q2.size, 0)))


class AbstractSmoothForm(AbstractClosedForm):
    """A closed form that is smooth in the correlation, whose networks may amplify distances."""

    odd: eqx.AbstractClassVar[bool]

    @abc.abstractmethod
    def values(self, u: np.ndarray) -> np.ndarray:
        """sigma(u) on the host."""

    @abc.abstractmethod
    def loss(self, left: Side, right: Side, gap: Array, total: Array) -> Array:
        """E sigma(u) sigma(v) at correlation one minus that at 1 - gap, a product with gap."""


def normalised(products: Array, left: Side, right: Side, slopes: Array) -> Pairs:
    """`Pairs` from E sigma(u) sigma(v), for maps that are smooth in the correlation."""
    scale = left.second_root * right.second_root
    rho = jnp.where(scale > 0, products / jnp.where(scale > 0, scale, jnp.ones_like(scale)), 0.0)
    rho = jnp.clip(rho, -1.0, 1.0)
    return Pairs(1.0 - rho, 1.0 + rho, slopes)


def settled(
    one: AbstractPairMap, left: Side, right: Side, gap: Array, total: Array, found: Pairs
) -> Pairs:
    """Equal inputs kept equal to the bit, and opposite ones opposite where sigma is odd.

    Piecewise linear maps do so of themselves.
    """
    odd = getattr(one, "odd", None)
    if not isinstance(odd, bool):
        return found
    alike = (left.variance == right.variance) & (left.second_root > 0)
    equal, opposite = alike & (gap == 0), alike & (total == 0) & odd
    new_gap = jnp.where(equal, 0.0, jnp.where(opposite, 2.0, found.gap))
    new_total = jnp.where(equal, 2.0, jnp.where(opposite, 0.0, found.sum))
    return Pairs(new_gap, new_total, found.slopes)
