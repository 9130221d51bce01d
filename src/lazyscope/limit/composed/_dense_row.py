"""Which compositions are dense layers and one activation in a row, whose kernels there is a faster way to?

The programs of `limit_tangent_kernel` compute covariance and tangent kernel of a layer at once and keep what
equal inputs share: half of the processor time of those of compositions.
"""

from typing import Any

import numpy as np

from lazyscope.limit._assembly import kernel_of
from lazyscope.limit._network import LimitNetwork, limit_dual
from lazyscope.limit._recursion import covariance, tangent, tangent_by_layer
from lazyscope.limit.dual._closed_forms import PiecewiseLinear
from lazyscope.model.composed import ActivationPart, ComposedNetwork, DensePart

_COMBINE = {"covariance": covariance, "tangent": tangent, "layers": tangent_by_layer}
_DENSE_TILE = 512


def dense_row(network: ComposedNetwork, stds: tuple[np.ndarray, np.ndarray]) -> LimitNetwork | None:
    """The dense network that this is, for piecewise linear activations; None where it is another.

    Args:
        network: the composition.
        stds: standard deviations of the weights and biases of its layers.
    """
    parts = [node.part for node in network.nodes]
    layers, between = parts[::2], parts[1::2]
    if len(network.input_shape) > 1 or len(layers) != len(between) + 1 or not between:
        return None
    if not all(isinstance(part, DensePart) for part in layers):
        return None
    sigmas = [part.sigma for part in between if isinstance(part, ActivationPart)]
    if len(sigmas) < len(between) or any(sigma != sigmas[0] for sigma in sigmas):
        return None
    dual = limit_dual(sigmas[0])
    return LimitNetwork(dual, *stds) if isinstance(dual, PiecewiseLinear) else None


def dense_row_kernel(what: str, row: LimitNetwork, x1: Any, x2: Any | None) -> np.ndarray:
    """Its covariance, tangent kernel, or the shares of its layers."""
    return kernel_of(_COMBINE[what], row, x1, x2, _DENSE_TILE)
