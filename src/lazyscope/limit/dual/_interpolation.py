"""How long must a Chebyshev series be to stand for the quadrature?

Series are lengthened until their last coefficients vanish to rounding, and those in three variables
are compared with the quadrature at places they were not made from. One that does not reach its
accuracy is not returned.
"""

import numpy as np

from lazyscope.limit.dual._chebyshev import AngleSeries, DeviationSeries
from lazyscope.limit.dual._dual import Prepared
from lazyscope.limit.dual._polar import PolarRule

_TAIL = 2e-14
_ACCURACY = 1e-12
_LENGTHS = (16, 32, 64, 128, 256, 512)
_SIZES = (4, 8, 16, 28)
_MOST_VALUES = 20_000


def angle_series(
    rule: PolarRule, s1: np.ndarray, s2: np.ndarray, second: float, odd: bool
) -> Prepared | None:
    """Series in the angle for points of one deviation and second moment, or None."""
    if second == 0:
        return None
    for length in _LENGTHS:
        theta = _angles(length)
        half_square, slopes = rule.averages(*np.broadcast_arrays(s1[:1], s1[:1], theta))
        series = coefficients(np.stack([half_square / np.sin(theta / 2) / second, slopes]), 1)
        if np.all(_tails(series) <= _TAIL):
            series = AngleSeries(series[0], series[1], odd)
            return Prepared(series, np.empty((s1.size, 0)), np.empty((s2.size, 0)))
    return None


def deviation_series(rule: PolarRule, s1: np.ndarray, s2: np.ndarray, odd: bool) -> Prepared | None:
    """Series in both deviations and the angle, or None where it would not reach its accuracy."""
    both = np.concatenate([s1, s2])
    low, high = both.min(), both.max()
    length = _angles_needed(rule, low, high)
    for size in _SIZES:
        # one node more on one side: no node is on both, so that differences can be divided out
        a, b = (_stretched(count, low, high) for count in (size, size + 1))
        if length is None or size * (size + 1) * length > _MOST_VALUES:
            return None
        apart, turn, slope = _tables(rule, a, b, length)
        features1, features2 = (
            np.polynomial.chebyshev.chebvander(_unit(s, low, high), count - 1)
            for s, count in ((s1, size), (s2, size + 1))
        )
        if _agrees(rule, (apart, turn, slope), low, high):
            return Prepared(DeviationSeries(apart, turn, slope, odd), features1, features2)
    return None


def coefficients(values: np.ndarray, axis: int) -> np.ndarray:
    """Chebyshev coefficients from values at the Chebyshev nodes along `axis`."""
    count = values.shape[axis]
    weights = np.polynomial.chebyshev.chebvander(_nodes(count), count - 1) * (2 / count)
    weights[:, 0] /= 2
    return np.moveaxis(np.tensordot(values, weights, axes=(axis, 0)), -1, axis)


def _nodes(count: int) -> np.ndarray:
    return np.cos(np.pi * (np.arange(count) + 0.5) / count)


def _angles(count: int) -> np.ndarray:
    return np.pi * (_nodes(count) + 1) / 2


def _stretched(count: int, low: float, high: float) -> np.ndarray:
    return low + (high - low) * (_nodes(count) + 1) / 2


def _unit(s: np.ndarray, low: float, high: float) -> np.ndarray:
    return np.clip(2 * (s - low) / (high - low) - 1, -1.0, 1.0)


def _tails(series: np.ndarray) -> np.ndarray:
    """Size of the last coefficients beside the largest, series along the last axis."""
    sizes = np.abs(series)
    largest = np.max(sizes, axis=-1)
    return np.max(sizes[..., -4:], axis=-1) / np.where(largest > 0, largest, 1.0)


def _angles_needed(rule: PolarRule, low: float, high: float) -> int | None:
    """Number of angles at which series at the corners of the deviations settle."""
    corners = ((low, low), (low, high), (high, high), (low, (low + high) / 2))
    for length in _LENGTHS[:-1]:
        theta = _angles(length)
        tails = []
        for a, b in corners:
            flat = rule.averages(
                *np.broadcast_arrays(np.array([a]), np.array([b]), np.append(theta, 0))
            )
            turn = (flat[0][:-1] - flat[0][-1]) / np.sin(theta / 2)
            tails.append(_tails(coefficients(np.stack([turn, flat[1][:-1]]), 1)))
        if np.max(tails) <= 10 * _TAIL:
            return length
    return None


def _tables(rule: PolarRule, a: np.ndarray, b: np.ndarray, length: int) -> tuple:
    """Coefficients of apart (A, B), turn (N, A, B) and slope (N, A, B)."""
    theta = _angles(length)
    grids = np.meshgrid(np.append(theta, 0.0), a, b, indexing="ij")
    half_square, slopes = (
        average.reshape(grids[0].shape)
        for average in rule.averages(*(grids[i].ravel() for i in (1, 2, 0)))
    )
    roots = [np.sqrt(rule.second_moments(s)) for s in (a, b)]
    between = 0.5 * (roots[0][:, None] - roots[1][None, :]) ** 2
    apart = (half_square[-1] - between) / (a[:, None] - b[None, :]) ** 2
    turn = (half_square[:-1] - half_square[-1]) / np.sin(theta / 2)[:, None, None]
    apart = coefficients(coefficients(apart, 0), 1)
    turn, slope = (
        coefficients(coefficients(coefficients(t, 0), 1), 2) for t in (turn, slopes[:-1])
    )
    return apart, turn, slope


def _agrees(rule: PolarRule, tables: tuple, low: float, high: float) -> bool:
    """Whether the series equal the quadrature at places between their nodes."""
    steps = np.arange(1, 33)
    s1, s2 = (low + (high - low) * ((steps * g) % 1.0) for g in (0.754877666, 0.569840291))
    theta = np.pi * ((steps * 0.438579) % 1.0) ** 2
    s2[:8] = s1[:8] + (high - low) * 1e-4 * (1 - 2 * (s1[:8] > (low + high) / 2))
    half_square, slopes = rule.averages(s1, s2, theta)
    roots = [np.sqrt(rule.second_moments(s)) for s in (s1, s2)]
    exact = half_square - 0.5 * (roots[0] - roots[1]) ** 2
    apart, turn, slope = tables
    a, b = (_unit(s, low, high) for s in (s1, s2))
    angle = 2 * theta / np.pi - 1
    cheb = np.polynomial.chebyshev
    series = (s1 - s2) ** 2 * cheb.chebval2d(a, b, apart)
    series += np.sin(theta / 2) * cheb.chebval3d(angle, a, b, turn)
    scale = np.max(roots[0] * roots[1])
    slope_error = np.abs(cheb.chebval3d(angle, a, b, slope) - slopes)
    return bool(
        np.max(np.abs(series - exact)) <= _ACCURACY * scale
        and np.max(slope_error) <= _ACCURACY * np.max(np.abs(slopes))
    )
