"""Are predicted means and variances right on points that were held out?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import ArrayLike, Float

from lazyscope._checks import InputError, check_fraction, check_not_negative, check_sequence
from lazyscope._estimate import LEVEL, Estimate
from lazyscope._jax import known_array
from lazyscope._result import AbstractResult

_LEVELS = (0.5, 0.8, 0.95)


@final
@dataclass(frozen=True, repr=False)
class Calibration(AbstractResult):
    """How predictions with variances did on held-out points.

    Attributes:
        levels: nominal probabilities of the central intervals.
        coverage: share of the targets inside, one for each level, with an exact binomial interval that takes
            targets as independent; errors of one draw of training points are shared, so that
            it is too narrow for what another draw would give.
        residuals: standardised, (y - mean) / sqrt(variance + noise), shape of y; standard normal where
            predictions are right.
        mean_square: mean of their squares: above one, variances are too small.
        log_density: mean over targets of the log of the predicted density, in nats.
        rmse: root of the mean squared error.
    """

    levels: tuple[float, ...]
    coverage: tuple[Estimate, ...]
    residuals: np.ndarray
    mean_square: float
    log_density: float
    rmse: float


def calibration(
    mean: Float[ArrayLike, "n *outputs"],
    variance: Float[ArrayLike, " n"],
    y: Float[ArrayLike, "n *outputs"],
    *,
    noise: float = 0.0,
    levels: Sequence[float] = _LEVELS,
) -> Calibration:
    """Coverage, standardised residuals and log density of Gaussian predictions on held-out targets.

    Args:
        mean: predicted means, (n,) or (n, C).
        variance: predicted variances of the function at each point (n,), the same for all outputs.
        y: held-out targets, shape of `mean`.
        noise: variance of the noise of y, which comes on top.
        levels: probabilities of the central intervals, mean +- z sqrt(variance + noise).

    Raises:
        InputError: shapes that do not fit, numbers that are not finite, variances that are negative, or
            zero with noise, levels outside (0, 1).

    Reference: Rasmussen & Williams 2006, section 2.5 (negative log density); Clopper & Pearson 1934.

    Example:
        >>> found = calibration(np.zeros(4), np.ones(4), np.array([0.1, -0.5, 3.0, 1.0]), levels=(0.95,))
        >>> found.coverage[0].value, round(found.mean_square, 4)
        (0.75, 2.565)
    """
    from scipy.special import betaincinv, ndtri

    means, targets = known_array("mean", mean), known_array("y", y)
    means, targets = means.astype(np.float64), targets.astype(np.float64)
    spread = known_array("variance", variance).astype(np.float64)
    if means.ndim not in (1, 2) or not means.size or targets.shape != means.shape:
        raise InputError(
            "mean and y must have one shape, (n,) or (n, C)",
            received=f"{means.shape} and {targets.shape}",
            cause="another set of points, labels in place of targets, or no points",
            fix="give predictions and targets of the same held-out points",
        )
    if spread.shape != means.shape[:1]:
        raise InputError(
            "variance must have one number for each point",
            received=f"shape {spread.shape} beside {len(means)} points",
            cause="a covariance matrix, or standard deviations of every output",
            fix="give the variances (n,)",
        )
    noise = check_not_negative("noise", noise)
    if (spread < 0).any() or (spread + noise <= 0).any():
        raise InputError(
            "variance plus noise must be above zero at every point",
            received=f"{(spread + noise).min():.3g}",
            cause="points that were trained on, or a signed quantity",
            fix="give held-out points, or the variance of the noise",
        )
    chosen = tuple(check_fraction("levels", each) for each in check_sequence("levels", levels))
    total = (spread + noise).reshape(-1, *(1,) * (means.ndim - 1))
    residuals = (targets - means) / np.sqrt(total)
    count, tail = residuals.size, (1 - LEVEL) / 2

    def covered(level: float) -> Estimate:
        inside = int(np.sum(np.abs(residuals) <= ndtri((1 + level) / 2)))
        low = float(betaincinv(inside, count - inside + 1, tail)) if inside else 0.0
        high = float(betaincinv(inside + 1, count - inside, 1 - tail)) if inside < count else 1.0
        return Estimate(inside / count, low, high, basis=f"{count} held-out targets")

    density = -(residuals**2 + np.log(2 * np.pi * total)) / 2
    return Calibration(
        chosen,
        tuple(covered(level) for level in chosen),
        residuals,
        float(np.mean(residuals**2)),
        float(np.mean(density)),
        float(np.sqrt(np.mean((targets - means) ** 2))),
    )
