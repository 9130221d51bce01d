"""What does the displacement law say at every width about one data set?"""

import math
from functools import lru_cache
from typing import Any

import numpy as np
from jaxtyping import Float

from lazyscope._checks import InputError, check_alike, check_count
from lazyscope._entry import checked
from lazyscope.composed import ComposedNetwork, composition_of, normalised_network_kernels
from lazyscope.data import Dataset
from lazyscope.kernel import normalised_limit_kernels
from lazyscope.model import AbstractNetwork
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
    scheme: Scheme,
    widths: Float[np.ndarray, " W"],
    data: Dataset,
    network: AbstractNetwork | None = None,
) -> Float[np.ndarray, "layers W"]:
    """Relative displacement of every layer in operator norm at every width.

    By `displacements_at_width` for gradient descent and the flow, by `update_displacements_at_width` for
    optimisers whose step does not know the size of the gradient: there the gap is the rms over outputs and
    points of what training has to add, and updates are taken to be aligned with all points.

    No constant is fitted. For descent, with the normalised limit kernels Kbar_l of the data and
    ``K = sum_l q_l phi_l^2 Kbar_l``, the push c = K^-1 r_0 has on average over the start the direction matrix
    ``A = K^-1 (y y^T + (kappa^2 / m) Kbar_{L+1}) K^-1``; kernel weights are ``tr(A Kbar_l) / tr A``, and
    the gap is the part of r_0 along c. Inputs of another norm than one change alpha_1 and s_1.

    Args:
        scheme: scales and speeds.
        widths: the W widths.
        data: training points and targets; of norm one on average where a network is given.
        network: one that has a composition, at any width; a dense ReLU network of the scheme's depth unless
            given.

    Raises:
        InputError: a network without a composition, or points and scales that it has no limit for; a
            network with rates of an optimiser whose updates are derived for dense networks alone.

    Trust: the change of a layer has rank n at most and is taken to have rank one; a factor of at
    most sqrt(n) that does not depend on the width, for other optimisers than descent one of order n.
    """
    check_alike(widths=widths)
    for width in widths:
        check_count("width", width)
    x, y = data.x_train, data.y_train
    norm = float(np.sqrt(np.mean(np.sum(x**2, axis=1))))
    if network is not None:
        return _of_network(scheme, widths, data, composition_of(network))
    kernels = _limit_kernels((x / norm).tobytes(), x.shape, scheme.depth)
    columns = [_at_width(scheme, int(width), kernels, norm, y, x.shape[1]) for width in widths]
    starts = [
        initial_operator_norms(
            int(width), depth=scheme.depth, input_dim=x.shape[1], output_dim=y.shape[1]
        )
        for width in widths
    ]
    return (np.array(columns) / np.array(starts)).T


def _of_network(
    scheme: Scheme, widths: Float[np.ndarray, " W"], data: Dataset, network: ComposedNetwork
) -> Float[np.ndarray, "layers W"]:
    """The same of a composition; Gaussian matrices a x b start at sqrt(a) + sqrt(b - 1), a the larger."""
    if growth_power(scheme.optimiser) == 1:
        raise InputError(
            "the law of a network that is given is that of gradient descent",
            received=f"a scheme with rates of {scheme.optimiser}",
            cause="an optimiser whose updates have a size that is derived for dense networks alone",
            fix="leave out network, or take a scheme for sgd",
        )
    columns = []
    for width in map(int, widths):
        here, alpha = network.at_width(width), scheme.alpha(width)
        kernels = normalised_network_kernels(here, data.x_train, scheme=scheme)
        whole = float(here.kappa(alpha)), here.leverage(alpha)
        sides = [sorted((shape[0], math.prod(shape[1:]))) for shape in here.shapes]
        starts = [math.sqrt(b) + math.sqrt(a - 1) for a, b in sides] / np.array(here.layer_sizes)
        moved = _by_descent(alpha, scheme.speed(width), whole, kernels, data.y_train, width)
        columns.append(moved / starts)
    return np.array(columns).T


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
    whole = float(np.prod(alpha)), np.ones(len(alpha))
    return _by_descent(alpha, speed, whole, kernels, y, width)


def _by_descent(
    alpha: Float[np.ndarray, " layers"],
    speed: Float[np.ndarray, " layers"],
    whole: tuple[float, Float[np.ndarray, " layers"]],
    kernels: Float[np.ndarray, "layers n n"],
    y: Float[np.ndarray, "n C"],
    width: int,
) -> Float[np.ndarray, " layers"]:
    """d_l with the weights and the gap of the data, of a network with this kappa and these leverages."""
    kappa, leverage = whole
    relative = np.exp(np.log(speed) - 2 * np.log(alpha) + 2 * np.log(leverage))
    inverse = np.linalg.inv(np.tensordot(relative / relative.max(), kernels, 1))
    start = y.shape[1] * kappa**2 / width * kernels[-1]
    residual = y @ y.T + start
    push = inverse @ residual @ inverse
    size = np.trace(push)
    weights = np.einsum("ij,lji->l", push, kernels) / size
    gap = float(np.trace(inverse @ residual) / np.sqrt(size))
    known = {"kernel_weights": weights, "leverage": leverage, "kappa": kappa}
    return displacements_at_width(alpha, speed, gap=gap, **known)
