"""What do functions of a tangent kernel do to a residual, from products alone, inside a compiled program?

Lanczos from r: K V = V T + beta v e_m^T with V^T V = 1, and f(K) r ~ |r| V f(T) e_1.
"""

from collections.abc import Callable
from typing import final

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from lazyscope._types import Scalar
from lazyscope.kernel import resolved

_SPACE_ENDS = 1e-12

Product = Callable[[Float[Array, "n C"]], Float[Array, "n C"]]


@final
class KrylovSpectrum(eqx.Module):
    """A kernel as one residual sees it.

    Attributes:
        values: Ritz values, ascending; those that are rounding are zero.
        vectors: eigenvectors of T, one column each.
        basis: V, orthonormal rows; zero where the space ended before.
        coupling: beta, to the vector after the last.
        norm: of the residual.
        num_points: n.
    """

    values: Float[Array, " steps"]
    vectors: Float[Array, "steps steps"]
    basis: Float[Array, "steps n C"]
    coupling: Scalar
    norm: Scalar
    num_points: int = eqx.field(static=True)

    @classmethod
    def of(cls, product: Product, residual: Float[Array, "n C"], steps: int) -> "KrylovSpectrum":
        """From so many products."""
        norm = jnp.linalg.norm(residual)
        first = residual / jnp.where(norm > 0, norm, 1.0)
        basis = jnp.zeros((steps + 1, *residual.shape), residual.dtype).at[0].set(first)
        numbers = jnp.zeros(steps, residual.dtype)

        def step(i, carried):
            basis, alpha, beta = carried
            w = product(basis[i])
            size = jnp.maximum(jnp.linalg.norm(w), jnp.max(beta))
            along = jnp.vdot(basis[i], w)
            for _ in range(2):  # so that Ritz values do not repeat
                w = w - jnp.tensordot(jnp.tensordot(basis, w, 2), basis, 1)
            left = jnp.linalg.norm(w)
            left = jnp.where(left > _SPACE_ENDS * size, left, 0.0)
            w = jnp.where(left > 0, w / jnp.where(left > 0, left, 1.0), 0.0)
            return basis.at[i + 1].set(w), alpha.at[i].set(along), beta.at[i].set(left)

        basis, alpha, beta = jax.lax.fori_loop(0, steps, step, (basis, numbers, numbers))
        matrix = jnp.diag(alpha) + jnp.diag(beta[:-1], 1) + jnp.diag(beta[:-1], -1)
        values, vectors = jnp.linalg.eigh(matrix)
        values = jnp.where(resolved(values, residual.dtype), values, 0.0)
        return cls(values, vectors, basis[:-1], beta[-1], norm, len(residual))

    @property
    def shares(self) -> Float[Array, " steps"]:
        """What every Ritz value has of the squared residual."""
        return self.vectors[0] ** 2

    def applied(self, function: Float[Array, " steps"]) -> Float[Array, "n C"]:
        """f(K) r, of the values of f at the Ritz values."""
        return jnp.tensordot(
            self.norm * (self.vectors @ (function * self.vectors[0])), self.basis, 1
        )

    def decay_error(self, share: Scalar, phi_1: Float[Array, " steps"]) -> Scalar:
        """At most how far exp(-share K) r is off, over |r|: the integral of what drives the error.

        The drive beta e_m^T exp(-s T) e_1 keeps one sign, and the flow of a positive kernel does not grow.

        Args:
            share: the s up to which there is flow.
            phi_1: its function at -s times the Ritz values.
        """
        last = jnp.sum(self.vectors[-1] * phi_1 * self.vectors[0])
        return self.coupling * share * jnp.abs(last)
