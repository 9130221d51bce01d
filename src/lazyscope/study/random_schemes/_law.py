"""What does the displacement law say at every width about one data set?"""

from functools import lru_cache
from typing import Any

import numpy as np
from jaxtyping import Float

from lazyscope._checks import check_alike, check_count
from lazyscope._entry import checked
from lazyscope.data import Dataset
from lazyscope.kernel import normalised_limit_kernels
from lazyscope.scaling import (
    Scheme,
    displacements_at_width,
    growth_power,
    initial_operator_norms,
    update_displacements_at_width,
    update_norms,
)


@checked()
def law_at_widths(
    scheme: Scheme, widths: Float[np.ndarray, " W"], data: Dataset
) -> Float[np.ndarray, "layers W"]:
    """Relative displacement of every layer in operator norm at every width, ReLU.

    By `displacements_at_width` for gradient descent and the flow, by `update_displacements_at_width` for
    optimisers whose step does not know the size of the gradient: there the gap is the rms over outputs and
    points of what training has to add, and updates are taken to be aligned with all points.

    No constant is fitted. For descent, with the normalised limit kernels Kbar_l of the data and
    ``K = sum_l q_l Kbar_l``, the push c = K^-1 r_0 has on average over the start the direction matrix
    ``A = K^-1 (y y^T + (kappa^2 / m) Kbar_{L+1}) K^-1``; kernel weights are ``tr(A Kbar_l) / tr A``, and
    the gap is the part of r_0 along c. Inputs of another norm than one change alpha_1 and s_1.

    Args:
        scheme: scales and speeds.
        widths: the W widths.
        data: training points and targets.

    Trust: the change of a layer has rank n at most and is taken to have rank one; a factor of at
    most sqrt(n) that does not depend on the width, for other optimisers than descent one of order n.
    """
    check_alike(widths=widths)
    for width in widths:
        check_count("width", width)
    x, y = data.x_train, data.y_train
    norm = float(np.sqrt(np.mean(np.sum(x**2, axis=1))))
    kernels = _limit_kernels((x / norm).tobytes(), x.shape, scheme.depth)
    columns = [_at_width(scheme, int(width), kernels, norm, y, x.shape[1]) for width in widths]
    starts = [
        initial_operator_norms(
            int(width), depth=scheme.depth, input_dim=x.shape[1], output_dim=y.shape[1]
        )
        for width in widths
    ]
    return (np.array(columns) / np.array(starts)).T


@lru_cache(maxsize=16)
def _limit_kernels(
    points: bytes, shape: tuple[int, ...], depth: int
) -> Float[np.ndarray, "layers n n"]:
    """The normalised limit kernels of unit points, once for all schemes."""
    x: Any = np.frombuffer(points).reshape(shape)
    return np.asarray(normalised_limit_kernels(x, depth=depth, activation="relu"))


def _at_width(
    scheme: Scheme,
    width: int,
    kernels: Float[np.ndarray, "layers n n"],
    norm: float,
    y: Float[np.ndarray, "n C"],
    input_dim: int,
) -> Float[np.ndarray, " layers"]:
    """d_l with the weights and the gap of the data."""
    alpha, speed = scheme.alpha(width), scheme.speed(width)
    alpha[0] *= norm
    speed[0] *= norm ** growth_power(scheme.optimiser)
    start = float(np.prod(alpha)) ** 2 / width
    if growth_power(scheme.optimiser) == 1:
        sizes = {"depth": scheme.depth, "output_dim": y.shape[1], "input_dim": input_dim}
        gap = np.sqrt(np.mean(y**2) + start * np.trace(kernels[-1]) / len(y))
        return update_displacements_at_width(
            alpha, speed, update_norms(scheme.optimiser, width, **sizes), gap=float(gap)
        )
    relative = np.exp(np.log(speed) - 2 * np.log(alpha))
    inverse = np.linalg.inv(np.tensordot(relative / relative.max(), kernels, 1))
    residual = y @ y.T + y.shape[1] * start * kernels[-1]
    push = inverse @ residual @ inverse
    size = np.trace(push)
    weights = np.einsum("ij,lji->l", push, kernels) / size
    gap = np.trace(inverse @ residual) / np.sqrt(size)
    return displacements_at_width(alpha, speed, gap=float(gap), kernel_weights=weights)
