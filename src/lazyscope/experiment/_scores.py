"""With which scale do scores of attention start, whatever the scheme?"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from lazyscope.model import AbstractNetwork, Attention


def with_scores_of_size_one(
    network: AbstractNetwork, alpha: Float[np.ndarray, " layers"]
) -> AbstractNetwork:
    """Attention whose scores start at size one whatever the scales; other networks as they are."""
    if not isinstance(network, Attention):
        return network
    shape, outputs, width, heads = (
        network.input_shape,
        network.output_dim,
        network.width,
        network.num_heads,
    )
    unscaled = Attention(
        shape, outputs, width, heads, network.activation_name, score_scale=1.0
    ).score_size(alpha)
    return Attention(
        shape,
        outputs,
        width,
        heads,
        network.activation_name,
        score_scale=jnp.asarray(1.0 / unscaled),
    )
