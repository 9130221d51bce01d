"""What do means over draws at several widths tend to, averaged over the orders of their corrections?

All entries of a kernel share their draws and the order of what they approach the limit with, so that evidence
for an order is summed over the directions in which draws scatter most.
"""

import math
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from scipy.special import ndtr, ndtri, stdtrit

Orders: TypeAlias = Literal["any", "whole"]
"""Which powers of the width corrections may have: half ones too, or whole ones alone."""

_DIRECTIONS = 4
"""Principal directions of the scatter of draws that say which correction there is."""
_SIZES = (0.1, 0.3, 1.0, 3.0)
"""Sizes of corrections at the smallest width, in standard deviations of one draw there."""
_ROUNDING = 1e-14
_PLAUSIBLE = 0.05
"""Posterior weight from which a correction is not ruled out."""
CORRECTIONS: dict[str, tuple[tuple[float, ...], float, int]] = {
    "none": ((), 0.2, 2),
    "1/m": ((1.0,), 0.5, 2),
    "1/m + 1/m^2": ((1.0, 2.0), 0.12, 4),
    "m^-1/2": ((0.5,), 0.15, 3),
    "m^-1/2 + 1/m": ((0.5, 1.0), 0.03, 4),
}
"""Powers of the width, prior weight, and widths that it takes."""


class Fit(NamedTuple):
    """Limits that are linear in the means of the widths.

    Attributes:
        names: of corrections.
        weights: posterior weight of each.
        combinations: weights of the widths in the limit, a row for each correction.
    """

    names: tuple[str, ...]
    weights: np.ndarray
    combinations: np.ndarray

    @property
    def combined(self) -> np.ndarray:
        """Weights of the widths in the mean over corrections."""
        return self.weights @ self.combinations


def fit_corrections(groups: np.ndarray, widths: np.ndarray, draws: int, orders: Orders) -> Fit:
    """Which corrections do means (widths, groups, entries) have, and what limits?"""
    num_widths, num_groups = groups.shape[:2]
    off = groups - groups.mean(1, keepdims=True)
    scatter = (off**2).sum((1, 2)) / (num_groups - 1)
    scatter = np.maximum(scatter, 1e-30 * max(float((groups**2).sum(2).max()), 1e-300))
    names = tuple(
        name
        for name, (each, _, least) in CORRECTIONS.items()
        if num_widths >= least and (orders == "any" or all(p == int(p) for p in each))
    )
    powers = [CORRECTIONS[name][0] for name in names]
    designs = [
        np.stack([np.ones(num_widths), *((widths / widths[0]) ** -p for p in each)], axis=1)
        for each in powers
    ]
    combinations = np.array([_least_squares(design, 1 / scatter)[0] for design in designs])
    prior = np.log([CORRECTIONS[name][1] for name in names])
    evidence = prior + _evidence(groups, off, scatter, designs, draws)
    weights = np.exp(evidence - evidence.max())
    return Fit(names, weights / weights.sum(), combinations)


def _least_squares(design: np.ndarray, precision: np.ndarray) -> np.ndarray:
    """Rows of weights of the values in the coefficients."""
    weighed = design.T * precision
    return np.linalg.solve(weighed @ design, weighed)


def _evidence(
    groups: np.ndarray,
    off: np.ndarray,
    scatter: np.ndarray,
    designs: list[np.ndarray],
    draws: int,
) -> np.ndarray:
    """Log evidence of every design, in the mean over sizes of its corrections."""
    num_widths, num_groups = groups.shape[:2]
    scaled = (off / np.sqrt(scatter)[:, None, None]).reshape(num_widths * num_groups, -1)
    values, vectors = np.linalg.eigh(scaled @ scaled.T)
    kept = values > 1e-10 * max(values[-1], 1e-300)
    kept[:-_DIRECTIONS] = False
    if not kept.any():
        return np.zeros(len(designs))
    directions = scaled.T @ vectors[:, kept] / np.sqrt(values[kept])
    scores = groups.mean(1) @ directions
    errors = (off @ directions).var(1, ddof=0) / (num_groups - 1)
    rounding = (_ROUNDING * np.abs(scores).max(0)) ** 2  # of kernels that no draw changes
    errors = np.maximum(errors, np.maximum(1e-12 * errors.max(0), rounding))
    freedom = num_widths * (num_groups - 1)
    found = np.zeros((len(designs), len(_SIZES)))
    for j in range(scores.shape[1]):
        for k, design in enumerate(designs):
            for i, size in enumerate(_SIZES):
                spread = size**2 * errors[0, j] * draws
                found[k, i] += _log_evidence(scores[:, j], errors[:, j], design, spread, freedom)
    top = found.max(1)
    return top + np.log(np.exp(found - top[:, None]).mean(1))


def _log_evidence(
    values: np.ndarray, errors: np.ndarray, design: np.ndarray, spread: float, freedom: int
) -> float:
    """With a flat prior of the limit and a normal one of the corrections; noise of estimated size."""
    corrections = design[:, 1:]
    covariance = np.diag(errors) + spread * corrections @ corrections.T
    inverse = np.linalg.inv(covariance)
    total = inverse.sum()
    centred = values - (inverse @ values).sum() / total
    misfit = float(centred @ inverse @ centred)
    size = np.linalg.slogdet(covariance)[1] + math.log(total)
    return -0.5 * (size + freedom * math.log1p(misfit / freedom))


class Interval(NamedTuple):
    """Values with ends of their intervals, arrays of one shape."""

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray


def entries_of(groups: np.ndarray, fit: Fit, level: float) -> Interval:
    """Limit of every entry: quantiles of the mixture over corrections."""
    num_groups = groups.shape[1]
    means, errors = groups.mean(1), groups.var(1, ddof=1) / num_groups
    centre = (fit.combinations @ means).T
    parts = (fit.combinations**2)[:, :, None] * errors[None]
    variance = parts.sum(1)
    freedom = _freedom(parts.mean(2), num_groups)
    spread = np.sqrt(variance).T * wider(freedom, level)
    return Interval(
        fit.combined @ means, *interval_over_corrections(centre, spread, fit.weights, level)
    )


def wider(freedom: np.ndarray, level: float) -> np.ndarray:
    """How much wider Student's interval is than the normal one."""
    return stdtrit(freedom, 0.5 + level / 2) / ndtri(0.5 + level / 2)


def _freedom(parts: np.ndarray, num_groups: int) -> np.ndarray:
    """Degrees of freedom of sums of variances (corrections, widths), by Satterthwaite's rule."""
    square = (parts**2).sum(-1)
    found = parts.sum(-1) ** 2 / np.where(square > 0, square, 1.0) * (num_groups - 1)
    return np.where(square > 0, found, num_groups - 1.0)


def interval_over_corrections(
    centre: np.ndarray, spread: np.ndarray, weights: np.ndarray, level: float
) -> tuple[np.ndarray, np.ndarray]:
    """Ends of intervals for rows of (entries, corrections): those of the mixture, and of what is plausible.

    A mixture covers in the mean over its prior, more often where a correction is that which is expected and
    less often where it is not. Where draws have not ruled out a correction, its own interval is held too.
    """
    low, high = (
        mixture_quantile(centre, spread, weights, q) for q in (0.5 - level / 2, 0.5 + level / 2)
    )
    plausible = weights >= _PLAUSIBLE * weights.sum()
    half = ndtri(0.5 + level / 2) * spread
    ends = (centre - half)[:, plausible], (centre + half)[:, plausible]
    return np.minimum(low, ends[0].min(1)), np.maximum(high, ends[1].max(1))


def mixture_quantile(
    centre: np.ndarray, spread: np.ndarray, weights: np.ndarray, q: float
) -> np.ndarray:
    """Quantiles of mixtures of normals, one for every row of (entries, corrections)."""
    spread = np.maximum(spread, 1e-15 * np.abs(centre).max() + 1e-300)
    low, high = (centre - 9 * spread).min(1), (centre + 9 * spread).max(1)
    for _ in range(48):
        middle = 0.5 * (low + high)
        below = ndtr((middle[:, None] - centre) / spread) @ weights < q
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return 0.5 * (low + high)
