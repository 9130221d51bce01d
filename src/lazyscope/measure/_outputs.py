"""How far are two sets of outputs apart, and how often do they name the wrong class?"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from lazyscope._types import Scalar


def linearisation_gap(
    network: Float[Array, "n C"],
    linearised: Float[Array, "n C"],
    targets: Float[Array, "n_train C"],
) -> Scalar:
    """Distance of the network from its linearisation, rms over points and outputs, in rms targets.

    ``sqrt(mean |f - f_lin|^2) / sqrt(mean |y|^2)``, with y the training targets, at equal flow time.
    NaN without points.

    Example:
        >>> float(linearisation_gap(jnp.full((3, 1), 1.5), jnp.ones((3, 1)), jnp.ones((2, 1))))
        0.5
    """
    return jnp.sqrt(jnp.mean((network - linearised) ** 2) / jnp.mean(targets**2))


def error_rate(outputs: Float[Array, "n C"], targets: Float[Array, "n C"]) -> Scalar:
    """Share of points whose class is wrong: the largest output, or the sign of a single one.

    Meaningful for class targets (one-hot or parity). NaN without points.

    Example:
        >>> float(error_rate(jnp.array([[0.2], [-3.0]]), jnp.array([[1.0], [1.0]])))
        0.5
    """
    if outputs.shape[1] == 1:
        wrong = (outputs[:, 0] > 0) != (targets[:, 0] > 0)
    else:
        wrong = jnp.argmax(outputs, axis=1) != jnp.argmax(targets, axis=1)
    return jnp.mean(wrong.astype(outputs.dtype))


def mean_squared_error(outputs: Float[Array, "n C"], targets: Float[Array, "n C"]) -> Scalar:
    """Loss 1/(2n) sum_i |f(x_i) - y_i|^2 of outputs on any set of points. NaN without points."""
    return jnp.mean(jnp.sum((outputs - targets) ** 2, axis=1)) / 2
