"""What is the tangent kernel of every output alone, and summed over them, without C x C of them?"""

from jaxtyping import Array, Float, Real

from lazyscope._trace import asking, pose
from lazyscope._types import Apply, Params
from lazyscope.kernel.any_function._blocks import MEMORY, diagonal_of_shares, trace_of_shares


def tangent_kernel_trace(
    apply: Apply,
    params: Params,
    x1: Real[Array, "n1 ..."],
    x2: Real[Array, "n2 ..."] | None = None,
    *,
    memory: float = MEMORY,
) -> Float[Array, "n1 n2"]:
    """Tangent kernel summed over equal outputs; the C x C kernels are never formed.

    Definition, a plain sum over outputs and parameters (divide by C for the mean over outputs)::

        T[i, j] = sum_c K[i, j, c, c]

    It is the inner product of all gradients of an example with those of another, and the kernel that
    drives training where all outputs have the same one, up to the factor C.

    Args:
        apply: as for `tangent_kernel`.
        params: as for `tangent_kernel`.
        x1: as for `tangent_kernel`.
        x2: as for `tangent_kernel`.
        memory: as for `tangent_kernel`.

    Returns:
        The trace.

    Raises:
        InputError: as for `tangent_kernel`.

    Cost: one forward and C backward passes per example, plus for a weight (i, o) used at s positions per
    pair of examples at most ``s^2 (i + C o)`` multiply-adds, where the full kernel takes C^2 o.
    Trust: exact to rounding.

    Example:
        >>> import jax.numpy as jnp
        >>> x = jnp.asarray([[1.0, 2.0], [0.0, 1.0]])
        >>> tangent_kernel_trace(lambda w, x: x @ w, jnp.ones((2, 3)), x).tolist()
        [[15.0, 6.0], [6.0, 3.0]]
    """
    with asking(params):
        return trace_of_shares(pose(apply, params, x1, x2), memory)


def tangent_kernel_diagonal(
    apply: Apply,
    params: Params,
    x1: Real[Array, "n1 ..."],
    x2: Real[Array, "n2 ..."] | None = None,
    *,
    memory: float = MEMORY,
) -> Float[Array, "n1 n2 C"]:
    """Tangent kernel of every output with itself; the C x C kernels are never formed.

    Definition, a plain sum over parameters::

        D[i, j, c] = K[i, j, c, c]

    Args:
        apply: as for `tangent_kernel`.
        params: as for `tangent_kernel`.
        x1: as for `tangent_kernel`.
        x2: as for `tangent_kernel`.
        memory: as for `tangent_kernel`; more outputs are taken at a time where it is larger.

    Returns:
        One kernel for every output.

    Raises:
        InputError: as for `tangent_kernel`.

    Cost: one forward and C backward passes per example, plus C times what a network of one output takes;
    memory for the result and one output's intermediates at least.
    Trust: exact to rounding.

    Example:
        >>> import jax.numpy as jnp
        >>> x = jnp.asarray([[1.0, 2.0], [0.0, 1.0]])
        >>> tangent_kernel_diagonal(lambda w, x: x @ w, jnp.ones((2, 3)), x)[0, 1].tolist()
        [2.0, 2.0, 2.0]
    """
    with asking(params):
        return diagonal_of_shares(pose(apply, params, x1, x2), memory)
