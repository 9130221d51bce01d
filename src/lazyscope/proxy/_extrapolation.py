"""What do narrow networks say of a wide one: a line in 1 / m', read at 1 / M, with what it does not know?"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import t as student

from lazyscope._estimate import LEVEL

UNTESTED_ORDER = 1.0
"""Share of the way from the widest proxy to the wide network that is not trusted where two widths leave the
order in 1 / m' untested."""
SIGNIFICANT = 2.0


class Extrapolated(NamedTuple):
    """Numbers of the wide network, in the mean over its seeds.

    Attributes:
        value: best values; NaN where a proxy had none.
        half_width: of the interval, from seeds and from the order of the extrapolation.
        order_holds: whether a third width lay on the line of the two widest, within twice its standard
            error; None without a third width.
        spread: standard deviation of one wide network from seed to seed, as the widest proxy says.
    """

    value: np.ndarray
    half_width: np.ndarray
    order_holds: np.ndarray | None
    spread: np.ndarray


def extrapolate(
    values: Sequence[np.ndarray], proxy_widths: Sequence[int], width: float, level: float = LEVEL
) -> Extrapolated:
    """Read a line through the two widest proxies at the wide width.

    Args:
        values: of every proxy width, increasing, shape (seeds, ...).
        proxy_widths: m' of each.
        width: M.
        level: of the intervals.
    """
    x = np.array([1 / m - 1 / width for m in proxy_widths])
    means = np.array([v.mean(0) for v in values])
    errors = np.array([v.std(0, ddof=1) / np.sqrt(len(v)) for v in values])
    weights = np.zeros(len(x))
    weights[-2:] = x[-1] / (x[-1] - x[-2]), -x[-2] / (x[-1] - x[-2])
    value = np.tensordot(weights, means, 1)
    error = np.sqrt(np.tensordot(weights**2, errors**2, 1))
    seeds = min(len(v) for v in values)
    quantile = float(student.ppf(0.5 + level / 2, 2 * (seeds - 1)))
    holds = None
    if len(x) < 3:
        order = UNTESTED_ORDER * np.abs(value - means[-1])
    else:
        curved = _through_three(x[-3:])
        other = np.tensordot(curved, means[-3:], 1)
        apart = np.abs(other - value)
        difference = curved.copy()
        difference[1:] -= weights[-2:]
        noise = np.sqrt(np.tensordot(difference**2, errors[-3:] ** 2, 1))
        holds = apart <= SIGNIFICANT * noise
        order = np.where(holds, 0.0, apart)
    spread = values[-1].std(0, ddof=1) * np.sqrt(proxy_widths[-1] / width)
    return Extrapolated(value, np.hypot(quantile * error, order), holds, spread)


def _through_three(x: np.ndarray) -> np.ndarray:
    """Weights of three values in their parabola at zero."""
    return np.array([np.prod([other / (other - one) for other in x if other != one]) for one in x])
