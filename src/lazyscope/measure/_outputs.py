"""How far are two sets of outputs apart, and how often do they name the wrong class?"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from lazyscope._checks import check_alike
from lazyscope._entry import checked
from lazyscope._loss import SquaredLoss
from lazyscope._types import Scalar


@checked()
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
    check_alike(may_be_empty=True, network=network, linearised=linearised)
    check_alike(targets=targets)
    return jnp.sqrt(jnp.mean((network - linearised) ** 2) / jnp.mean(targets**2))


@checked()
def error_rate(outputs: Float[Array, "n C"], targets: Float[Array, "n C"]) -> Scalar:
    """Share of points whose class is wrong: the largest output, or the sign of a single one.

    Meaningful for class targets (one-hot or parity). NaN without points.

    Example:
        >>> float(error_rate(jnp.array([[0.2], [-3.0]]), jnp.array([[1.0], [1.0]])))
        0.5
    """
    check_alike(may_be_empty=True, outputs=outputs, targets=targets)
    if outputs.shape[1] == 1:
        wrong = (outputs[:, 0] > 0) != (targets[:, 0] > 0)
    else:
        wrong = jnp.argmax(outputs, axis=1) != jnp.argmax(targets, axis=1)
    return jnp.mean(wrong.astype(outputs.dtype))


@checked()
def mean_squared_error(outputs: Float[Array, "n C"], targets: Float[Array, "n C"]) -> Scalar:
    """Loss 1/(2n) sum_i |f(x_i) - y_i|^2 of outputs on any set of points. NaN without points."""
    check_alike(may_be_empty=True, outputs=outputs, targets=targets)
    return SquaredLoss().value(outputs, targets)
