"""What is the covariance of the features of a finite network, the empirical conjugate kernel?"""

from collections.abc import Callable
from typing import Any, final

import equinox as eqx
import jax
from jax import lax
from jaxtyping import Array, Float, Real

from lazyscope._checks import InputError
from lazyscope._entry import checked
from lazyscope._trace import Question, asking, over_examples, pose, run_tapped
from lazyscope._types import Params
from lazyscope.kernel.any_function._blocks import MEMORY, arrays_of, check_network
from lazyscope.kernel.any_function._plan import forward_sizes
from lazyscope.kernel.orders._rows import dot


@final
class _Flat(eqx.Module):
    """Features with all their axes joined."""

    features: Callable[[Params, Array], Array]

    def __call__(self, params: Params, x: Array) -> Array:
        found: Any = self.features(params, x)
        if getattr(found, "ndim", 1) < 2:
            return found
        return found.reshape(len(found), -1)


@checked(own=("params", "x1", "x2", "memory"))
def conjugate_kernel(
    features: Callable[[Params, Array], Array],
    params: Params,
    x1: Real[Array, "n1 ..."],
    x2: Real[Array, "n2 ..."] | None = None,
    *,
    memory: float = MEMORY,
) -> Float[Array, "n1 n2"]:
    """Empirical covariance of the features of a layer, uncentred: the conjugate kernel of a finite network.

    Definition, a mean over the m units u of the layer (channels at all positions, where there are some)::

        K[i, j] = (1 / m) sum_u h_u(x1_i) h_u(x2_j)

    For a layer of m independent units it tends to the limit covariance as m grows, with errors of order
    m^-1/2; `limit_covariance_kernel` has that of dense networks, for preactivations.

    Args:
        features: ``features(params, x) -> (n, ...)`` in JAX, each example on its own: the network up to the
            layer, before or after its nonlinearity.
        params: as for `tangent_kernel`.
        x1: as for `tangent_kernel`.
        x2: as for `tangent_kernel`.
        memory: bytes allowed for intermediates; examples are taken in blocks that fit.

    Returns:
        The kernel, in the precision of the parameters.

    Raises:
        InputError: features that are no array (n, ...), examples mixed within the batch, randomness or
            state, parameters as for `tangent_kernel`.

    Cost: one forward pass per example, and m multiply-adds per pair.
    Trust: exact to rounding. Reference: the kernel of a layer in Daniely, Frostig & Singer 2016 (arXiv
    1602.05897, section 3); of finite networks Fan & Wang 2020 (arXiv 2005.11879, eq. 3), with the 1 / m of
    their normalised features written out.

    Example:
        >>> import jax.numpy as jnp
        >>> x = jnp.asarray([[1.0, 2.0], [0.0, 1.0]])
        >>> conjugate_kernel(lambda w, x: x @ w, jnp.ones((2, 4)), x).tolist()
        [[9.0, 3.0], [3.0, 1.0]]
    """
    with asking(params):
        question = pose(_Flat(features), params, x1, x2)
        if not question.example.num_outputs:
            raise InputError(
                "features must have at least one unit",
                received="features of size 0",
                cause="an empty selection of units",
                fix="return the units of a layer, (n, m)",
            )
        check_network(question, memory)
        left = _features(question, question.x1, memory)
        right = left if question.x2 is None else _features(question, question.x2, memory)
        return dot(left, right, (((1,), (1,)), ((), ()))) / left.shape[1]


def _features(question: Question, x: jax.Array, memory: float) -> jax.Array:
    """Features (n, m), block by block."""
    example = question.example
    sizes, itemsize = forward_sizes(example), example.dtype.itemsize
    block = max(1, int((memory / itemsize - sizes.shared) / max(1, sizes.total)))
    consts, context, leaves = arrays_of(question)

    def single(one: Any) -> jax.Array:
        inputs = [*context, *leaves, one]
        return run_tapped(example.closed.jaxpr, consts, inputs, {}, {})[0][0][0]

    if block >= len(x):
        return jax.jit(over_examples(single))(x)
    return lax.map(single, x, batch_size=block)
