"""Between which points of a plane does a layer leave its regime, and does the law's boundary lie there?"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, final

import numpy as np
import xarray as xr
from jaxtyping import Float

from lazyscope.study.phase_diagram._law import PlaneLaw

KINK = 4.0
"""Largest ratio of an exponent's slopes on the two sides of its zero: a layer that begins to grow shares
the rise of the level with those that grow already, and its exponent is half of what it was."""


@final
@dataclass(frozen=True)
class Crossing:
    """Where an exponent goes through zero along the first axis, at one value of the second.

    Attributes:
        value: zero of the straight lines between measured exponents.
        low, high: ends of its interval, see `crossings`.
        below: the last value of the axis with one sign.
        above: the first value with the other.
    """

    value: float
    low: float
    high: float
    below: float
    above: float


def crossings(
    x: Float[np.ndarray, " n"],
    exponent: Float[np.ndarray, " n"],
    low: Float[np.ndarray, " n"],
    high: Float[np.ndarray, " n"],
) -> list[Crossing]:
    """Every change of sign that intervals show along a row of cells.

    Between the last cell of one sign and the first of the other the exponent is taken to go one way, in
    straight lines with one kink where it is zero, of `KINK` at most. So the ends hold for every
    exponent within the intervals, whatever the kink.

    Args:
        x: values of the axis, increasing.
        exponent: measured at each of them; NaN where there is none.
        low: lower ends of their intervals.
        high: upper ends.

    Example:
        >>> x, e = np.array([0.0, 1.0, 2.0]), np.array([-1.0, 0.0, 1.0])
        >>> one = crossings(x, e, e - 0.01, e + 0.01)[0]
        >>> one.value, round(one.low, 2), round(one.high, 2)
        (1.0, 0.96, 1.04)
    """
    sign = np.where(low > 0, 1, np.where(high < 0, -1, 0))
    decided = np.flatnonzero(sign)
    return [
        _crossing(
            x[a : b + 1],
            sign[b] * exponent[a : b + 1],
            (low if sign[b] > 0 else -high)[a : b + 1],
            (high if sign[b] > 0 else -low)[a : b + 1],
        )
        for a, b in pairwise(decided)
        if sign[a] != sign[b]
    ]


def _crossing(x: np.ndarray, exponent: np.ndarray, low: np.ndarray, high: np.ndarray) -> Crossing:
    """One of them, from below zero to above, with nothing but undecided cells between."""
    known = np.isfinite(exponent)
    x, exponent, low, high = x[known], exponent[known], low[known], high[known]
    after = int(np.flatnonzero(exponent > 0)[0])
    near = slice(after - 1, after + 1)
    value = float(np.interp(0.0, exponent[near], x[near]))
    first = _zero(x[0], -high[0], x[1], max(high[1], 0.0) * KINK)
    last = _zero(x[-2], max(-low[-2], 0.0) * KINK, x[-1], low[-1])
    return Crossing(value, min(first, value), max(last, value), float(x[0]), float(x[-1]))


def _zero(left: float, below: float, right: float, above: float) -> float:
    """Zero of the straight line from `below` zero at `left` to `above` it at `right`."""
    return float(left + (right - left) * below / (below + above))


def boundaries(estimates: xr.Dataset, law: PlaneLaw) -> list[dict[str, Any]]:
    """Boundaries of all layers in every row of a plane, each beside the law's.

    Returns:
        One record for each: ``layer``, the value of the second axis under its name, those of
        `Crossing`, ``predicted`` (None where the law has no zero between ``below`` and ``above``) and
        ``contained``, whether the interval contains it.
    """
    return list(_boundaries(estimates, law))


def _boundaries(estimates: xr.Dataset, law: PlaneLaw) -> Iterator[dict[str, Any]]:
    first, second, _ = estimates["exponent"].dims
    x = estimates[first].values
    for place, layer in enumerate(estimates["layer"].values.tolist()):
        for row, y in enumerate(estimates[second].values.tolist()):
            one = estimates.isel({second: row, "layer": place})
            for found in crossings(x, *(one[name].values for name in ("exponent", "low", "high"))):
                predicted = law.zero(place, y, (found.below, found.above))
                inside = predicted is not None and found.low <= predicted <= found.high
                yield {
                    "layer": layer,
                    str(second): y,
                    **asdict(found),
                    "predicted": predicted,
                    "contained": inside,
                }
