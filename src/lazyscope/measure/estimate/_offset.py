"""Which power does a quantity follow above an offset: s in y = E + A x^s?"""

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float, Int

from lazyscope.measure.estimate._student import ROUNDING, robust_last, student_reach

_STEEPEST = 40.0  # slopes tried, as the logarithm of x^s over the range of x
_NUM_SLOPES = 81
_NUM_OFFSETS = 61
_MARGIN = 8.0  # of the logarithm of offsets tried, below the smallest A x^s and above the largest
_REFINEMENTS = 20
_REFINED_SHARES = 6  # grids of offsets, each ten times finer than the one before


@final
@dataclass(frozen=True)
class OffsetFit:
    """What a fit says, with x about its own centre; the fields of `PowerLawFit` explain themselves."""

    slope: float
    error: float
    dof: float
    interval: tuple[float, float]
    log_constant: float
    offset: float
    offset_interval: tuple[float, float]
    bend: float
    bend_interval: tuple[float, float]
    residual_sd: float


@final
@dataclass(frozen=True)
class _Points:
    """What is fitted: columns of intercepts, an orthonormal basis of them, centred log x, log y, groups."""

    base: Float[np.ndarray, "n k"]
    basis: Float[np.ndarray, "n k"]
    log_x: Float[np.ndarray, " n"]
    log_y: Float[np.ndarray, " n"]
    member: Int[np.ndarray, " n"]

    def off(self, values: Float[np.ndarray, "*q n"]) -> Float[np.ndarray, "*q n"]:
        """What intercepts leave of values."""
        return values - (values @ self.basis) @ self.basis.T

    def curve(self, slope: float, share: Float[np.ndarray, "*q"]) -> Float[np.ndarray, "*q n"]:
        """log(x^s + q), q in units of the smallest x^s."""
        power = slope * self.log_x
        ratio = np.log(np.maximum(share, 1e-300))[..., None] + power.min()
        return np.logaddexp(power, ratio)

    def best_share(self, slope: float) -> tuple[float, float]:
        """The offset that fits best beside a slope, and what is left of the squares."""
        most = np.ptp(slope * self.log_x) + _MARGIN
        logs = np.append(-np.inf, np.linspace(-_MARGIN, most, _NUM_OFFSETS))
        found = 0.0, np.inf
        for _ in range(_REFINED_SHARES):
            left = (self.off(self.log_y - self.curve(slope, np.exp(logs))) ** 2).sum(-1)
            best = int(left.argmin())
            found = min(found, (float(np.exp(logs[best])), float(left[best])), key=lambda f: f[1])
            low, high = logs[max(best - 1, 0)], logs[min(best + 1, len(logs) - 1)]
            logs = np.linspace(max(low, -2 * _MARGIN), high, 21)
        return found

    def error(self, slope: float, share: float) -> tuple[float, float, float]:
        """Robust error of a slope beside its best offset, its degrees of freedom, and the plain error.

        By the tangents at the fit; an offset of zero is held.
        """
        fitted = self.curve(slope, np.asarray(share))
        power = np.exp(slope * self.log_x - fitted)
        columns = [self.base, (power * self.log_x)[:, None]]
        if share > 0:
            columns.insert(1, (1 - power)[:, None])
        design = np.concatenate(columns, 1)
        if np.linalg.matrix_rank(design) < design.shape[1]:
            return np.inf, 1.0, np.inf
        _, error, dof, residual = robust_last(design, self.log_y - fitted, self.member)
        spare = max(len(residual) - design.shape[1], 1)
        spread = residual @ residual / spare * np.linalg.inv(design.T @ design)[-1, -1]
        return error, dof, float(np.sqrt(spread))

    def offset(self, slope: float, share: float) -> tuple[float, float]:
        """Logarithm of A, and E."""
        log_constant = float((self.log_y - self.curve(slope, np.asarray(share))).mean())
        return log_constant, float(share * np.exp(log_constant + (slope * self.log_x).min()))


def fit_above_offset(
    base: Float[np.ndarray, "n k"],
    log_x: Float[np.ndarray, " n"],
    log_y: Float[np.ndarray, " n"],
    member: Int[np.ndarray, " n"],
    level: float,
) -> OffsetFit:
    """Least squares of log y on log(E + A x^s), E >= 0, with an interval of s that may be infinite.

    The interval is that of the profile: slopes beside which the best offset leaves squares that exceed the
    least by no more than Student's reach allows, scaled by the ratio of the cluster-robust error to the plain
    one. Unlike an error at the best fit it stays honest where the offset is hardly seen.
    """
    points = _Points(base, np.linalg.qr(base)[0], log_x, log_y, member)
    slopes = np.sinh(np.linspace(-1, 1, _NUM_SLOPES) * np.arcsinh(_STEEPEST)) / np.ptp(log_x)
    tried = [points.best_share(float(slope)) for slope in slopes]
    slope = _lowest(points, slopes, int(np.argmin([left for _, left in tried])))
    share, least = points.best_share(slope)
    error, dof, plain = points.error(slope, share)
    spare = max(len(log_y) - base.shape[1] - 1 - (share > 0), 1)
    spread = max(least / spare, ROUNDING**2)
    # Where the tangents do not tell slope and offset apart, no slope is rejected.
    ratio = max(error / max(plain, ROUNDING**2), ROUNDING) if np.isfinite(error) else np.inf
    limit = least + (student_reach(level, dof) * ratio) ** 2 * spread
    kept = [(float(s), q) for s, (q, left) in zip(slopes, tried, strict=True) if left <= limit]
    low, high = min([slope, *(s for s, _ in kept)]), max([slope, *(s for s, _ in kept)])
    below, above = slopes[slopes < low], slopes[slopes > high]
    ends = (
        _edge(points, low, float(below[-1]), limit) if len(below) else -np.inf,
        _edge(points, high, float(above[0]), limit) if len(above) else np.inf,
    )
    at_ends = [(s, points.best_share(s)[0]) for s in ends if np.isfinite(s)]
    log_constant, offset = points.offset(slope, share)
    offsets = [offset, *(points.offset(s, q)[1] for s, q in [*kept, *at_ends])]
    return OffsetFit(
        slope=slope,
        error=error,
        dof=dof,
        interval=(float(ends[0]), float(ends[1])),
        log_constant=log_constant,
        offset=offset,
        offset_interval=(float(min(offsets)), float(max(offsets))),
        bend=0.0,
        bend_interval=(-np.inf, np.inf),
        residual_sd=float(np.sqrt(least / spare)),
    )


def _lowest(points: _Points, slopes: Float[np.ndarray, " k"], best: int) -> float:
    """The slope with the least squares, near the best of those tried: a search by thirds."""
    low, high = slopes[max(best - 1, 0)], slopes[min(best + 1, len(slopes) - 1)]
    for _ in range(_REFINEMENTS):
        third = (high - low) / 3
        if points.best_share(low + third)[1] < points.best_share(high - third)[1]:
            high -= third
        else:
            low += third
    return float((low + high) / 2)


def _edge(points: _Points, inside: float, outside: float, limit: float) -> float:
    """Where slopes begin to leave more squares than the limit, between one below and one above it."""
    for _ in range(_REFINEMENTS):
        middle = (inside + outside) / 2
        if points.best_share(middle)[1] <= limit:
            inside = middle
        else:
            outside = middle
    return inside
