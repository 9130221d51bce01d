"""How much did the tangent kernel change during training?"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from lazyscope._checks import check_alike
from lazyscope._entry import checked
from lazyscope._types import Scalar


@checked()
def kernel_change(initial: Float[Array, "*shape"], final: Float[Array, "*shape"]) -> Scalar:
    """Relative change |K(T) - K(0)|_F / |K(0)|_F of a kernel on the same points.

    Example:
        >>> float(kernel_change(jnp.eye(2), 3 * jnp.eye(2)))
        2.0
    """
    check_alike(initial=initial, final=final)
    return jnp.sqrt(jnp.sum((final - initial) ** 2) / jnp.sum(initial**2))


@checked()
def kernel_alignment(first: Float[Array, "*shape"], second: Float[Array, "*shape"]) -> Scalar:
    """Cosine <K1, K2> / (|K1| |K2|) between two kernels on the same points, in [-1, 1].

    Example:
        >>> float(kernel_alignment(jnp.eye(2), 3 * jnp.eye(2)))
        1.0
    """
    check_alike(first=first, second=second)
    return jnp.sum(first * second) / jnp.sqrt(jnp.sum(first**2) * jnp.sum(second**2))
