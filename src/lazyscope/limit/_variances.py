"""How do the variances of single points travel through the infinitely wide network?

Everything that belongs to one point, not to a pair, is computed here once, in double precision on
the host: n numbers for each layer, against n^2 for the pairs.
"""

from typing import Any, NamedTuple

import numpy as np

from lazyscope._checks import InputError
from lazyscope.limit._network import LimitNetwork
from lazyscope.limit.dual._dual import AbstractPairMap

_SPLIT = 2.0**27 + 1  # Veltkamp's constant: cuts a double into halves of 26 bits
_ROOM = 1e-3
"""Share of the range of a precision that variances keep clear of."""


class Points(NamedTuple):
    """One set of points; arrays have one row for each of the L+1 layers of pre-activations.

    On the host in double precision; in compiled blocks, arrays of the kernel's precision.

    Attributes:
        directions: (n, d) inputs divided by their norms, zero inputs left at zero.
        remainders: (n, d) what rounding took from the directions.
        variances: (L+1, n) q_l = weight_std_l^2 k_{l-1} + bias_std_l^2.
        weight_parts: (L+1, n) weight_std_l sqrt(k_{l-1} / q_l), the share of the weights.
        bias_parts: (L+1, n) bias_std_l / sqrt(q_l), the share of the bias.
        seconds: (L, n) k_l = E sigma(u)^2.
        slopes: (L, n) E sigma'(u)^2.
        features: for each hidden layer, (n, F) numbers that its pair map wants.
    """

    directions: Any
    remainders: Any
    variances: Any
    weight_parts: Any
    bias_parts: Any
    seconds: Any
    slopes: Any
    features: tuple[Any, ...]

    def take(self, rows: slice | np.ndarray) -> "Points":
        """The points in `rows`."""
        middle = [array[:, rows] for array in self[2:-1]]
        features = tuple(array[rows] for array in self.features)
        return Points._make([self.directions[rows], self.remainders[rows], *middle, features])


def single_points(network: LimitNetwork, x: np.ndarray, slopes: bool) -> Points:
    """`Points` of inputs x (n, d), features still missing; `slopes` asks for E sigma'^2."""
    wide = np.ascontiguousarray(x, dtype=np.float64)
    with np.errstate(over="ignore"):  # refused below
        norms = np.sqrt(np.sum(wide * wide, axis=1))
    second = norms**2 / x.shape[1]
    if np.any(wide) and not np.any(second):
        raise vanishing("0 for inputs that are not zero, in layer 1")
    rows = []
    for layer, (weight, bias) in enumerate(
        zip(network.weight_stds, network.bias_stds, strict=True)
    ):
        with np.errstate(over="ignore"):  # refused below
            q = weight**2 * second + bias**2
        _check_range(q, layer, x.dtype)
        root = np.where(q > 0, np.sqrt(q), 1.0)
        # exactly one without a bias, so that orthogonal inputs stay orthogonal
        mixed = (q > 0) & (bias > 0)
        rows.append((q, np.where(mixed, weight * np.sqrt(second) / root, 1.0), bias / root))
        if layer < network.depth:
            # once for equal variances, so that equal inputs have equal numbers to the bit
            different, places = np.unique(q, return_inverse=True)
            second = network.dual.second_moment(different)[places]
            slope = network.dual.slope_moment(different)[places] if slopes else np.zeros_like(q)
            rows[-1] += (second, slope)
    columns = [np.stack(c) for c in zip(*(row[:3] for row in rows), strict=True)]
    moments = [np.stack(c) for c in zip(*(row[3:] for row in rows[:-1]), strict=True)]
    return Points._make([*_directions(wide, norms, x.dtype), *columns, *moments, ()])


def _directions(wide: np.ndarray, norms: np.ndarray, dtype: Any) -> tuple[np.ndarray, np.ndarray]:
    """The directions x / |x|, and what rounding took from them: the exact rest of x over |x|."""
    safe = np.where(norms > 0, norms, 1.0)[:, None]
    directions = wide / safe
    if dtype != np.float64:  # a double product is careful enough
        return directions.astype(dtype), np.empty((len(wide), 0), dtype)
    product = directions * safe
    halves = [(a * _SPLIT) - (a * _SPLIT - a) for a in (directions, safe)]
    rests = [a - h for a, h in zip((directions, safe), halves, strict=True)]
    error = halves[0] * halves[1] - product + halves[0] * rests[1] + rests[0] * halves[1]
    error += rests[0] * rests[1]
    return directions.astype(dtype), ((wide - product - error) / safe).astype(dtype)


def vanishing(received: str) -> InputError:
    """The refusal of inputs whose squares the precision does not have."""
    return InputError(
        "variances of pre-activations must be numbers of the precision of the inputs",
        received=received,
        cause="inputs or weight_std so small that variances vanish",
        fix="use inputs of order one, and weight_std near 2**0.5 for relu networks",
    )


def _check_range(q: np.ndarray, layer: int, dtype: Any) -> None:
    """Refuse variances that overflow, or all vanish, in the precision in which pairs are computed."""
    largest, numbers = float(np.max(q)), np.finfo(dtype)
    if 0 < largest < float(numbers.tiny) / _ROOM:
        raise vanishing(f"{largest:.3g} at most in layer {layer + 1}, in {numbers.dtype}")
    if not largest <= float(numbers.max) * _ROOM:
        raise InputError(
            "variances of pre-activations must be finite numbers",
            received=f"an overflow in layer {layer + 1}",
            cause="inputs or weight_std so large that variances grow beyond all numbers with depth",
            fix="use inputs of order one, and weight_std near 2**0.5 for relu networks",
        )


def pair_maps(
    network: LimitNetwork, points1: Points, points2: Points, *, careful: bool
) -> tuple[tuple[AbstractPairMap, ...], Points, Points]:
    """The pair map of each hidden layer, and both sides with their features."""
    prepared = [
        network.dual.pair_map(points1.variances[layer], points2.variances[layer], careful=careful)
        for layer in range(network.depth)
    ]
    return (
        tuple(p.map for p in prepared),
        points1._replace(features=tuple(p.features1 for p in prepared)),
        points2._replace(features=tuple(p.features2 for p in prepared)),
    )
