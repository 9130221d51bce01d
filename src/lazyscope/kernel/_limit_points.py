"""How do the variances of single points travel through the infinitely wide network?

Everything that belongs to one point, not to a pair, is computed here once, in double precision on
the host: n numbers for each layer, against n^2 for the pairs.
"""

from typing import Any, NamedTuple

import numpy as np

from lazyscope.kernel._limit_maps import AbstractPairMap
from lazyscope.kernel._limit_network import LimitNetwork


class Points(NamedTuple):
    """One set of points; arrays have one row for each of the L+1 layers of pre-activations.

    On the host in double precision; in compiled blocks, arrays of the kernel's precision.

    Attributes:
        directions: (n, d) inputs divided by their norms, zero inputs left at zero.
        variances: (L+1, n) q_l = weight_std_l^2 k_{l-1} + bias_std_l^2.
        weight_parts: (L+1, n) weight_std_l sqrt(k_{l-1} / q_l), the share of the weights.
        bias_parts: (L+1, n) bias_std_l / sqrt(q_l), the share of the bias.
        seconds: (L, n) k_l = E sigma(u)^2.
        slopes: (L, n) E sigma'(u)^2.
        features: for each hidden layer, (n, F) numbers that its pair map wants.
    """

    directions: Any
    variances: Any
    weight_parts: Any
    bias_parts: Any
    seconds: Any
    slopes: Any
    features: tuple[Any, ...]

    def take(self, rows: slice) -> "Points":
        """The points in `rows`."""
        middle = [array[:, rows] for array in self[1:-1]]
        features = tuple(array[rows] for array in self.features)
        return Points._make([self.directions[rows], *middle, features])


def single_points(network: LimitNetwork, x: np.ndarray, slopes: bool) -> Points:
    """`Points` of inputs x (n, d), features still missing; `slopes` asks for E sigma'^2."""
    wide = x.astype(np.float64)
    norms = np.sqrt(np.einsum("id,id->i", wide, wide))
    safe = np.where(norms > 0, norms, 1.0)
    second = norms**2 / x.shape[1]
    rows = []
    for layer, (weight, bias) in enumerate(
        zip(network.weight_stds, network.bias_stds, strict=True)
    ):
        q = weight**2 * second + bias**2
        root = np.where(q > 0, np.sqrt(q), 1.0)
        # exactly one without a bias, so that orthogonal inputs stay orthogonal
        mixed = (q > 0) & (bias > 0)
        rows.append((q, np.where(mixed, weight * np.sqrt(second) / root, 1.0), bias / root))
        if layer < network.depth:
            second = network.dual.second_moment(q)
            slope = network.dual.slope_moment(q) if slopes else np.zeros_like(q)
            rows[-1] += (second, slope)
    columns = [np.stack(c) for c in zip(*(row[:3] for row in rows), strict=True)]
    moments = [np.stack(c) for c in zip(*(row[3:] for row in rows[:-1]), strict=True)]
    return Points._make([(wide / safe[:, None]).astype(x.dtype), *columns, *moments, ()])


def pair_maps(
    network: LimitNetwork, points1: Points, points2: Points
) -> tuple[tuple[AbstractPairMap, ...], Points, Points]:
    """The pair map of each hidden layer, and both sides with their features."""
    prepared = [
        network.dual.pair_map(points1.variances[layer], points2.variances[layer])
        for layer in range(network.depth)
    ]
    return (
        tuple(p.map for p in prepared),
        points1._replace(features=tuple(p.features1 for p in prepared)),
        points2._replace(features=tuple(p.features2 for p in prepared)),
    )
