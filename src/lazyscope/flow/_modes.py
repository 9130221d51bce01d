"""How does a residual decay, mode by mode, while the tangent kernel is frozen?"""

from typing import Literal

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from lazyscope._types import Scalar
from lazyscope.kernel import AbstractExpansion, as_matrix

FrozenKernel = Literal["mean", "full"]


class Modes(eqx.Module):
    """Eigenvalues and eigenvectors of a frozen kernel, acting on (n, C) arrays.

    With the full kernel there are n C modes. With the kernel averaged over outputs there are n modes,
    each shared by the C outputs: exact in the limit of infinite width, where outputs decouple.

    Attributes:
        values: eigenvalues, ascending, negative rounding errors set to zero.
        vectors: one column per mode.
    """

    values: Float[Array, " modes"]
    vectors: Float[Array, "modes modes"]

    @classmethod
    def of(
        cls, expansion: AbstractExpansion, speeds: Float[Array, " groups"], frozen: FrozenKernel
    ) -> "Modes":
        """Diagonalise the kernel of `expansion`."""
        if frozen == "full" and expansion.outputs.shape[1] > 1:
            matrix = as_matrix(expansion.kernel(speeds))
        else:
            matrix = expansion.mean_kernel(speeds)
        values, vectors = jnp.linalg.eigh(matrix)
        return cls(jnp.maximum(values, 0.0), vectors)

    def coefficients(self, residual: Float[Array, "n C"]) -> Float[Array, "modes rest"]:
        """Components of an (n, C) array along the modes."""
        return self.vectors.T @ residual.reshape(self.values.shape[0], -1)

    def assemble(
        self, coefficients: Float[Array, "modes rest"], num_points: int
    ) -> Float[Array, "n C"]:
        """The (n, C) array with these components."""
        return (self.vectors @ coefficients).reshape(num_points, -1)


def time_to_level(
    rates: Float[Array, " modes"],
    energies: Float[Array, " modes"],
    level: Scalar,
    horizon: Scalar,
    excess: Scalar,
) -> Scalar:
    """The time in (0, horizon] at which sum_k exp(-2 rate_k t) energy_k falls to `level`.

    `excess` is the measured log of (true sum at the horizon / predicted sum); it is put on the
    prediction in proportion to t^2, as the leading error of a frozen kernel grows. The search looks
    at 32 times at once and zooms in three times; times below a thousandth of the horizon count as that.
    """
    spread = jnp.linspace(0.0, 1.0, 32, dtype=rates.dtype)
    low, high = horizon * 1e-3, horizon
    for _ in range(3):
        times = low * (high / low) ** spread
        decayed = jnp.sum(jnp.exp(-2.0 * times[:, None] * rates) * energies, axis=1)
        gap = jnp.log(decayed) + excess * (times / horizon) ** 2 - jnp.log(level)
        below = jnp.argmax(gap <= 0)
        below = jnp.where(jnp.any(gap <= 0), below, 31)
        after = jnp.clip(below, 1, 31)
        low, high = times[after - 1], times[after]
    share = jnp.clip(gap[after - 1] / (gap[after - 1] - gap[after]), 0.0, 1.0)
    return low + share * (high - low)
