"""What are the phi functions that exponential steps are made of?"""

import jax.numpy as jnp
from jaxtyping import Array, Float

_SERIES_BELOW = 0.05
_NUM_TERMS = 9


def phi_functions(
    z: Float[Array, "*shape"],
) -> tuple[Float[Array, "*shape"], Float[Array, "*shape"], Float[Array, "*shape"]]:
    """exp(z), phi_1(z) = (e^z - 1)/z and phi_2(z) = (phi_1(z) - 1)/z for z <= 0, without cancellation.

    Near zero a Taylor series takes over; both branches agree to rounding where they meet.

    Example:
        >>> [float(f) for f in phi_functions(jnp.array(0.0))]
        [1.0, 1.0, 0.5]
    """
    near = jnp.abs(z) < _SERIES_BELOW
    safe = jnp.where(near, -1.0, z)
    phi_1 = jnp.where(near, _series(z, 1), jnp.expm1(safe) / safe)
    phi_2 = jnp.where(near, _series(z, 2), (jnp.expm1(safe) / safe - 1.0) / safe)
    return jnp.exp(z), phi_1, phi_2


def _series(z: Float[Array, "*shape"], order: int) -> Float[Array, "*shape"]:
    """sum_k z^k / (k + order)! by Horner's rule."""
    total = jnp.ones_like(z)
    for k in range(_NUM_TERMS, 0, -1):
        total = 1.0 + total * z / (k + order)
    factorial = 1.0 if order == 1 else 2.0
    return total / factorial
