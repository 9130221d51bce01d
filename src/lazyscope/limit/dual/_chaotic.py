"""How do pairs keep their distance to full relative accuracy where a network amplifies it?

In a chaotic network 1 - rho grows from layer to layer by a factor above one, and a rounding error of
it grows alike. Here it is a sum of two terms that are not negative and vanish with the distance,

    1 - rho' = 1/2 sum_i (a_i(s1) - a_i(s2))^2 + (p(1) - p(rho)) / sqrt(k1 k2),

with p(rho) = E sigma(u) sigma(v). The first is what different norms do: a(s) are the values
sigma(s z) at the nodes of a quadrature, normalised, in the few coordinates they span. The second is
what the angle does, written as a product with 1 - rho. Equal inputs therefore stay equal to the bit.
"""

from typing import ClassVar, final

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lazyscope.limit.dual._dual import AbstractPairMap, AbstractSmoothForm, Pairs, Prepared, Side
from lazyscope.limit.dual._gauss import gaussian_rule

_REPRESENTATIVES = 64
_NEGLIGIBLE = 1e-16
_ROUNDING_OF_ONE = 2e-14
"""More than rounding takes from 1 - rho that is computed as a difference."""
_RADIUS = 9.0


@final
class CarefulClosedForm(AbstractPairMap):
    """A closed form by its loss p(1) - p(rho); features are the coordinates a(s)."""

    compiled: ClassVar[bool] = True
    closed: AbstractSmoothForm

    @property
    def odd(self) -> bool:
        """Whether sigma(-u) = -sigma(u)."""
        return self.closed.odd

    def pairs(self, left: Side, right: Side, gap: Array, total: Array) -> Pairs:
        slopes = self.closed.pairs(left, right, gap, total).slopes
        apart = self._apart(left, right)
        nearest = jnp.minimum(gap, total) if self.closed.odd else gap
        loss = self.closed.loss(left, right, nearest, 2.0 - nearest)
        return joined(
            apart + loss * inverse_scale(left, right), gap, total, slopes, self.closed.odd
        )

    def _apart(self, left: Side, right: Side) -> Array:
        """1 - rho of inputs in one direction, by differences wherever the coordinates resolve sigma(s z).

        They do not where it turns within less than the distance of nodes, or deviations spread over
        many orders of magnitude: there the closed form is used, which is right to rounding of one.
        """
        found = between(left.features, right.features)
        zero = jnp.zeros_like(found)
        direct = self.closed.pairs(left, right, zero, zero + 2.0).gap
        return jnp.where(jnp.abs(found - direct) > _ROUNDING_OF_ONE, direct, found)


@final
class CarefulMehler(AbstractPairMap):
    """A power series by its losses; features are K coefficients of sigma, normalised, then K of sigma'."""

    compiled: ClassVar[bool] = True
    odd: bool = eqx.field(static=True)

    def pairs(self, left: Side, right: Side, gap: Array, total: Array) -> Pairs:
        half = left.features.shape[1] // 2
        versine = jnp.minimum(gap, total)
        size, rho = 1.0 - versine, 0.5 * (total - gap)
        zero = jnp.zeros_like(versine)

        def step(carry: tuple, row: tuple) -> tuple[tuple, None]:
            tails, sums, slopes = carry
            product = row[0][:, None] * row[1][None, :]
            # sum_k c_k (1 - r^k) = (1 - r) sum_j r^j sum_{k > j} c_k, even and odd k apart
            sums = tails[0] + size * sums[0], tails[1] + size * sums[1]
            tails = tails[0] + row[4] * product, tails[1] + (1.0 - row[4]) * product
            return (tails, sums, slopes * rho + row[2][:, None] * row[3][None, :]), None

        a, b = left.features.T, right.features.T
        even = jnp.asarray(np.arange(half) % 2 == 0, gap.dtype)
        rows = a[:half], b[:half], a[half:], b[half:], even
        start = (zero, zero), (zero, zero), zero
        (tails, sums, slopes), _ = jax.lax.scan(step, start, rows, reverse=True)
        apart = between(left.features[:, :half], right.features[:, :half])
        lost = versine * sums[0], versine * sums[1]
        if self.odd:
            return joined(apart + lost[1], gap, total, slopes, True)
        new_gap = apart + lost[0] + jnp.where(gap <= total, lost[1], 2.0 * tails[1] - lost[1])
        return joined(new_gap, gap, total, slopes, False)


def joined(nearest: Array, gap: Array, total: Array, slopes: Array, odd: bool) -> Pairs:
    """`Pairs` from the new 1 - |rho| of odd functions, and from the new 1 - rho of others."""
    nearest = jnp.clip(nearest, 0.0, 2.0)
    if not odd:
        return Pairs(nearest, 2.0 - nearest, slopes)
    nearest = jnp.where(gap == total, 1.0, nearest)  # orthogonal inputs stay orthogonal
    acute = gap <= total
    return Pairs(
        jnp.where(acute, nearest, 2.0 - nearest), jnp.where(acute, 2.0 - nearest, nearest), slopes
    )


def between(a: Float[Array, "n1 F"], b: Float[Array, "n2 F"]) -> Float[Array, "n1 n2"]:
    """|a - b|^2 / 2 by differences, one coordinate at a time."""

    def step(total: Array, pair: tuple[Array, Array]) -> tuple[Array, None]:
        return total + 0.5 * (pair[0][:, None] - pair[1][None, :]) ** 2, None

    return jax.lax.scan(step, jnp.zeros((a.shape[0], b.shape[0]), a.dtype), (a.T, b.T))[0]


def inverse_scale(left: Side, right: Side) -> Array:
    """1 / sqrt(k1 k2), one where that is zero."""
    scale = left.second_root * right.second_root
    return 1.0 / jnp.where(scale > 0, scale, jnp.ones_like(scale))


def careful_closed_form(closed: AbstractSmoothForm, q1: np.ndarray, q2: np.ndarray) -> Prepared:
    """The map of a closed form with the coordinates of its points."""
    deviations, places = np.unique(np.sqrt(np.concatenate([q1, q2])), return_inverse=True)
    features = _coordinates(closed, deviations)[places]
    return Prepared(CarefulClosedForm(closed), features[: q1.size], features[q1.size :])


def _coordinates(closed: AbstractSmoothForm, deviations: np.ndarray) -> np.ndarray:
    """Coordinates of sigma(s z) / |sigma(s z)| in what functions of these deviations span."""
    if deviations.size == 1:
        return np.zeros((1, 16))
    nodes = np.cos(np.pi * (np.arange(_REPRESENTATIVES) + 0.5) / _REPRESENTATIVES)
    low, high = deviations[0], deviations[-1]
    basis = np.linalg.svd(_unit_values(closed, low + (high - low) * (nodes + 1) / 2))
    kept = basis.Vh[: int(np.sum(basis.S / basis.S[0] > _NEGLIGIBLE))]
    # a few widths only, so that layers of one kind share a loop; zeros add nothing
    kept = np.pad(kept, ((0, -len(kept) % 16), (0, 0)))
    size = 1024
    cuts = [deviations[i : i + size] for i in range(0, deviations.size, size)]
    return np.concatenate([_unit_values(closed, part) @ kept.T for part in cuts])


def _unit_values(closed: AbstractSmoothForm, deviations: np.ndarray) -> np.ndarray:
    z, weights = gaussian_rule(np.ones(1), (), _RADIUS, 1)
    values = closed.values(deviations[:, None] * z) * np.sqrt(weights)
    norms = np.linalg.norm(values, axis=1, keepdims=True)
    return values / np.where(norms > 0, norms, 1.0)
