"""How far below that of its limit does the smallest eigenvalue of a drawn kernel lie, and why?

K(0) = Kbar + dK with dK of size m^-1/2. To second order in dK, with eigenvalues lambda_j and vectors v_j of
Kbar and j = 1 the smallest,

    lambda_min(K(0)) = lambda_1 + <v_1, dK v_1> - sum_{j > 1} <v_1, dK v_j>^2 / (lambda_j - lambda_1).

The second term has mean zero up to 1/m: exactly with one hidden layer, where K(0) is an average over units;
as far as can be measured with more. The last one pushes the smallest eigenvalue down in *every* network, by
c/m of lambda_1 in the mean, where

    c = sum_{j > 1} m E <v_1, dK v_j>^2 / ((lambda_j - lambda_1) lambda_1).
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, final

import numpy as np
from jaxtyping import Float

from lazyscope.measure import mean_estimate


class Share(NamedTuple):
    """lambda_min of one drawn kernel over that of its limit, and what perturbation theory says of it."""

    ratio: float
    linear: float
    """First order, of mean zero up to 1/m."""
    shift: float
    """Second order, without its sign: c/m in the mean."""


@final
class LowestMode:
    """The smallest eigenvalue of a limit kernel, and how one that is drawn departs from it.

    Args:
        limit: the limit kernel, with a smallest eigenvalue above zero that is simple.

    Example:
        >>> LowestMode(np.diag([1.0, 3.0])).share(np.array([[1.1, 0.2], [0.2, 3.0]])).shift
        0.020000000000000004
    """

    def __init__(self, limit: Float[np.ndarray, "n n"]) -> None:
        self._limit = limit
        self._values, self._vectors = np.linalg.eigh(limit)

    def share(self, drawn: Float[np.ndarray, "n n"]) -> Share:
        """What one drawn kernel says."""
        lowest, first = self._values[0], self._vectors[:, 0]
        ratio = np.linalg.eigvalsh(drawn)[0] / lowest
        mixed = self._vectors.T @ ((drawn - self._limit) @ first)
        shift = np.sum(mixed[1:] ** 2 / (self._values[1:] - lowest))
        return Share(float(ratio), float(mixed[0] / lowest), float(shift / lowest))


def start_rows(
    shares: Mapping[str, Sequence[Sequence[Share]]], widths: Sequence[int]
) -> list[dict[str, Any]]:
    """One row per scheme and width: lambda_min(K(0)) over its limit, and what was predicted of it.

    Args:
        shares: of every scheme, for every width and network.
        widths: of the networks.

    Returns:
        Rows with ``name``, ``width``, ``start_ratio`` (mean over networks), ``predicted`` (1 - c/m from the
        second order of the same networks), ``c``, and ``start_limit``: the ratio with its second order
        taken off, which is one at infinite width, up to third order.
    """
    return [
        {
            "name": name,
            "width": width,
            "start_ratio": _mean([one.ratio for one in row]),
            "predicted": 1.0 - float(np.mean([one.shift for one in row])),
            "c": _mean([width * one.shift for one in row]),
            "start_limit": _mean([one.ratio + one.shift for one in row]),
        }
        for name, rows in shares.items()
        for width, row in zip(widths, rows, strict=True)
    ]


def _mean(values: Sequence[float]) -> dict[str, Any]:
    return mean_estimate(np.array(values)).as_json()
