"""What is the loss between the two ends of a step?"""

from typing import TypeVar, final

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from lazyscope._types import Scalar
from lazyscope.flow.exponential._krylov import KrylovSpectrum
from lazyscope.kernel import Spectrum, time_to_level

T = TypeVar("T")

POINTS_PER_STEP = 4
_MOST_WARP = 10.0
_STEEPEST = 3.0
_SOONEST = 1e-3


@final
class Knot(eqx.Module):
    """A time, the loss R there, and its slope dR/dt."""

    time: Scalar
    loss: Scalar
    slope: Scalar


@final
class Between(eqx.Module):
    """The loss from a knot at x = 0 to a time h later, x = 1: R = P(u(x)).

    P(u) = sum_k energy_k exp(-decay_k u) is the loss under the kernel frozen at the start, and u the
    time at which it would have come as far as the flow is at x: u(0) = 0, and P(u(1)) is the loss at
    the end. u is the cubic with the flow's own slopes at both ends, bounded so that it rises (Fritsch
    & Carlson 1980), so that the loss falls. Where the kernel stays, u = x and the loss is exact. Where
    P never comes down to the end, or only long after, one exponential of the slope at the start takes
    its place, and log R itself is the cubic.

    Attributes:
        start: the knot.
        length: h.
        last: the loss at the end.
        decays: h times the rates of the modes of P.
        energies: what they share of the first loss.
        warp: u(1).
    """

    start: Knot
    length: Scalar
    last: Scalar
    decays: Float[Array, " modes"]
    energies: Float[Array, " modes"]
    warp: Scalar

    @classmethod
    def of(
        cls,
        spectrum: Spectrum | KrylovSpectrum,
        energies: Float[Array, " modes"],
        start: Knot,
        length: Scalar,
        last: Scalar,
    ) -> "Between":
        """One step, from its frozen kernel and the modes' shares of the loss."""
        single = cls.one_mode(start, length, last, energies.shape[0])
        decays = 2.0 * length * spectrum.values / spectrum.num_points
        falls = (last < start.loss) & (start.slope < 0)
        warp = time_to_level(decays, energies, jnp.where(falls, last, 0.5 * start.loss))
        frozen = cls(start, length, last, decays, energies, warp)
        return either(falls & (warp < _MOST_WARP), frozen, single)

    @classmethod
    def one_mode(cls, start: Knot, length: Scalar, last: Scalar, num_modes: int) -> "Between":
        """One exponential of the slope at the start, in the last of so many modes."""
        falls = (last < start.loss) & (start.slope < 0)
        fall = jnp.log(start.loss / last)
        decay = jnp.where(falls, -length * start.slope / start.loss, fall)
        only = jnp.arange(num_modes) == num_modes - 1
        return cls(
            start,
            length,
            last,
            jnp.where(only, decay, 0.0),
            jnp.where(only, start.loss, 0.0),
            jnp.where(falls, fall / decay, 1.0),
        )

    def time_to(self, level: Scalar) -> Scalar:
        """How long after the start the loss is at a level between those of the ends, to first order.

        What is known before the slope at the end is: u(x) = x / (1 + (1/u(1) - 1) x).
        """
        needed = time_to_level(self.decays, self.energies, level)
        share = needed / (1.0 + (1.0 - 1.0 / self.warp) * needed)
        return self.length * jnp.clip(share, _SOONEST, 1.0)

    def curve(
        self, end_slope: Scalar | None
    ) -> tuple[Float[Array, " points"], Float[Array, " points"]]:
        """Times and losses at equal shares, the end included.

        Args:
            end_slope: dR/dt at the end; None where it is not known.
        """
        first, x = self.start.loss, jnp.arange(1, POINTS_PER_STEP + 1, dtype=self.last.dtype)
        x = x / POINTS_PER_STEP
        early = jnp.maximum(self._relative(self.start.slope, jnp.zeros_like(self.warp)), 0.0)
        late = 2.0 - early if end_slope is None else self._relative(end_slope, self.warp)
        late = jnp.maximum(late, 0.0)
        bound = _STEEPEST / jnp.maximum(jnp.hypot(early, late), _STEEPEST)
        bend = (1.0 - x) * (early * (1.0 - x) - late * x)
        u = self.warp * x * (x * (3.0 - 2.0 * x) + bound * bend)
        losses = jnp.exp(-self.decays * u[:, None]) @ self.energies
        losses = jnp.where(jnp.isfinite(losses), losses, first * (self.last / first) ** x)
        return self.start.time + self.length * x, jnp.where(x == 1.0, self.last, losses)

    def _relative(self, slope: Scalar, u: Scalar) -> Scalar:
        """u'(x) relative to u(1), where dR/dt is `slope`."""
        base = jnp.sum(self.decays * self.energies * jnp.exp(-self.decays * u))
        return -self.length * slope / (base * self.warp)


def either(condition: Bool[Array, ""], left: T, right: T) -> T:
    """One of two trees of the same arrays."""
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), left, right)
