"""What do narrow networks say of a wide one: a line in 1 / m', read at 1 / M, with what it does not know?"""

import math
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
        standard_error: of the values, from seeds alone.
        order_holds: whether a third width lay on the line of the two widest, within twice its standard
            error; None without a third width.
        spread: standard deviation of one wide network from seed to seed, at most: that of the widest proxy.
            What comes from the drawn outputs at the start is as large at every width, the rest falls like
            m^-1/2.
    """

    value: np.ndarray
    half_width: np.ndarray
    standard_error: np.ndarray
    order_holds: np.ndarray | None
    spread: np.ndarray

    def shifted(self, drawn: np.ndarray, level: float = LEVEL) -> "Extrapolated":
        """The sum with the mean of numbers that were drawn beside, shape (seeds,)."""
        scatter = float(np.std(drawn, ddof=1))
        error = scatter / math.sqrt(len(drawn))
        noise = float(student.ppf(0.5 + level / 2, len(drawn) - 1)) * error
        return self._replace(
            value=self.value + drawn.mean(),
            half_width=np.hypot(self.half_width, noise),
            standard_error=np.hypot(self.standard_error, error),
            spread=np.hypot(self.spread, scatter),
        )


def extrapolate(
    values: Sequence[np.ndarray], proxy_widths: Sequence[int], width: float, level: float = LEVEL
) -> Extrapolated:
    """Read a line through the two widest proxies at the wide width, or between it and a parabola.

    A line that is bent is off to one side, so that its error adds to that of the seeds. With two widths the
    interval has all of the way from the wider one to the value for it. With three, the value is half way
    between the line and the parabola through the three widest, and the interval reaches both, whether or not
    they differ by more than their noise.

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
        half = quantile * error + UNTESTED_ORDER * np.abs(value - means[-1])
    else:
        curved = _through_three(x[-3:])
        other = np.tensordot(curved, means[-3:], 1)
        apart = np.abs(other - value)
        difference = curved.copy()
        difference[1:] -= weights[-2:]
        noise = np.sqrt(np.tensordot(difference**2, errors[-3:] ** 2, 1))
        holds = apart <= SIGNIFICANT * noise
        # Between line and parabola; where the line is bent, one end is the right one, up to the seeds.
        weights[-3:] = (weights[-3:] + curved) / 2
        value = (value + other) / 2
        error = np.sqrt(np.tensordot(weights**2, errors**2, 1))
        half = quantile * error + apart / 2
    spread = values[-1].std(0, ddof=1)
    return Extrapolated(value, half, error, holds, spread)


def _through_three(x: np.ndarray) -> np.ndarray:
    """Weights of three values in their parabola at zero."""
    return np.array([np.prod([other / (other - one) for other in x if other != one]) for one in x])
