"""By how much does an infinitely wide network amplify small differences of its inputs?"""

import numpy as np
from jaxtyping import Float

from lazyscope._checks import InputError
from lazyscope._portable import PortableError
from lazyscope.limit._network import LimitNetwork
from lazyscope.limit._variances import Points
from lazyscope.limit.dual._closed_forms import PiecewiseLinear

HARMLESS = 100.0
"""Amplification below which ordinary rounding stays below the accuracy promised."""

_LIKE_KINKS = 1e4
_SAMPLE = 16


class AccuracyWarning(PortableError, UserWarning):  # noqa: N818  # a warning
    """A kernel whose entries are not known to the accuracy promised, since the network is chaotic."""


def needs_care(network: LimitNetwork, points: Points, gain: float) -> bool:
    """Whether rounding of 1 - rho would show: chaotic networks, and smooth ones so large that they bend
    like kinks, on whose angles kernels depend like the root of 1 - rho.
    """
    if isinstance(network.dual, PiecewiseLinear):
        return False
    return gain > HARMLESS or float(np.max(points.variances[:-1])) > _LIKE_KINKS


def total_gain(network: LimitNetwork, points: Points) -> Float[np.ndarray, " n"]:
    """d(1 - rho) of the outputs over d(1 - rho) of the inputs at equal inputs, for each point."""
    logs = _log_gains(network, points)
    with np.errstate(over="ignore"):
        return np.exp(logs.sum(axis=0) + 2 * _log(points.weight_parts[0]))


def largest_gain(network: LimitNetwork, points: Points) -> float:
    """The largest factor by which any run of layers up to the output amplifies 1 - rho.

    Piecewise linear networks amplify by one: q E sigma'^2 = E sigma^2.
    """
    if isinstance(network.dual, PiecewiseLinear):
        return 1.0
    count = points.variances.shape[1]
    chosen = np.argsort(points.variances[0])[
        np.linspace(0, count - 1, min(_SAMPLE, count)).astype(int)
    ]
    logs = _log_gains(network, points.take(chosen))
    with np.errstate(over="ignore"):
        return float(np.exp(np.max(np.cumsum(logs[::-1], axis=0), initial=0.0)))


def _log_gains(network: LimitNetwork, points: Points) -> Float[np.ndarray, "L n"]:
    """Logarithms of (share of the weights)^2 q E sigma'^2 / E sigma^2 for every hidden layer."""
    rows = []
    for layer in range(network.depth):
        q, second = points.variances[layer], points.seconds[layer]
        try:
            slope = network.dual.slope_moment(q)
        except (
            InputError
        ):  # jumps, or a slope without second moment: distances grow like their root
            rows.append(np.full(q.shape, np.inf))
            continue
        gain = np.where(second > 0, q * slope / np.where(second > 0, second, 1.0), 1.0)
        rows.append(_log(gain) + 2 * _log(points.weight_parts[layer + 1]))
    return np.stack(rows)


def _log(values: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore"):
        return np.log(values)
