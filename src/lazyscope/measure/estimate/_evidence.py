"""Does a straight line hold at the widths of a sweep, and do the others predict what the largest shows?"""

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float

from lazyscope._entry import check_fields
from lazyscope.measure.estimate._posterior import Place, Runs, predict
from lazyscope.measure.estimate._shapes import catalogue

MIN_WIDTHS = 3
MIN_SPARE = 3
BENT = 0.05
"""Probability below which a straight line is called rejected."""


@final
@dataclass(frozen=True)
class LargestWidth:
    """What the largest width shows, and what the others expect there.

    Attributes:
        width: the largest width of the sweep.
        measured: geometric mean of its runs.
        expected: (low, high), between which the others expect it at the level of the estimate.

    Example:
        >>> LargestWidth(4096.0, measured=0.02, expected=(0.01, 0.03)).as_expected
        True
    """

    width: float
    measured: float
    expected: tuple[float, float]

    def __post_init__(self) -> None:
        check_fields(self)

    @property
    def as_expected(self) -> bool:
        """Whether it lies where it was expected."""
        low, high = self.expected
        return low <= self.measured <= high


def line_probability(runs: Runs, accuracy: float) -> Float[np.ndarray, " C"]:
    """Probability of means at least so far from a straight line, were the line true, in every cell.

    The F test of lack of fit (Draper & Smith 1998, Applied regression analysis, section 2.1): the misfit of
    the means over their variance from the pooled scatter and the `accuracy`, against the line's W - 2
    degrees of freedom and those of the scatter. NaN where there is none left.
    """
    from scipy.special import fdtrc  # here, since most commands need no interval

    count, x = runs.count, runs.log_width
    variance = (runs.pooled_sd()[:, None] ** 2) / np.maximum(count, 1) + accuracy**2
    weight = np.where(count > 0, 1 / variance, 0.0)
    total = weight.sum(-1, keepdims=True)
    x = x - (weight * x).sum(-1, keepdims=True) / total
    y = runs.mean - (weight * runs.mean).sum(-1, keepdims=True) / total
    slope = (weight * x * y).sum(-1, keepdims=True) / (weight * x**2).sum(-1, keepdims=True)
    freedom = (count > 0).sum(-1) - 2.0
    ratio = (weight * (y - slope * x) ** 2).sum(-1) / np.maximum(freedom, 1)
    return np.where(freedom > 0, fdtrc(np.maximum(freedom, 1), runs.spare, ratio), np.nan)


def expected_largest(
    runs: Runs, *, level: float, accuracy: float
) -> tuple[Float[np.ndarray, " C"], Float[np.ndarray, " C"]]:
    """Between which ends the other widths expect the mean log value at the largest, in every cell.

    NaN where the largest width has no runs, or the others are too few for an estimate of their own.
    """
    x = runs.log_width
    others = Runs(x[:-1], runs.mean[:, :-1], runs.count[:, :-1], runs.scatter[:, :-1])
    enough = (np.count_nonzero(others.count, axis=-1) >= MIN_WIDTHS) & (others.spare >= MIN_SPARE)
    told = enough & (runs.count[:, -1] > 0)
    low, high = np.full((2, len(told)), np.nan)
    if told.any():
        shapes = catalogue(float(np.exp(x[0])), float(np.exp(x[-2])))
        place = Place(float(x[-1]), runs.count[told, -1])
        settings = {"level": level, "accuracy": accuracy}
        low[told], high[told] = predict(others.cells(told), shapes, place, **settings)
    return low, high
