"""Which power of the width is approached, where it is known how large every correction still is?"""

from typing import Any

import numpy as np
from jaxtyping import Float

from lazyscope._checks import InputError, check_array, check_fraction, check_positive
from lazyscope._entry import checked
from lazyscope._estimate import Estimate
from lazyscope.measure.estimate._evidence import LargestWidth
from lazyscope.measure.estimate._student import student_reach

MIN_EXPONENT_WIDTHS = 4

_POWER = 3.0
"""Size of the power to which 1 + h is taken, as a standard deviation before the runs are seen."""


@checked(own=("widths", "values", "corrections"))
def extrapolated_exponent(
    widths: Float[Any, " W"],
    values: Float[Any, "W S"],
    corrections: Float[Any, "K W"],
    *,
    accuracy: float = 1e-3,
    level: float = 0.95,
) -> Estimate:
    """Exponent e in ``value ~ A m^e prod_k (1 + h_k(m))^p_k`` with known sizes h_k of K corrections.

    Bayesian regression of the mean log value on log m and on every log(1 + h_k), with powers p_k normal with
    standard deviation three before the runs are seen: a correction that has decayed costs nothing, one that
    has not widens the interval by as much as it could still tilt the line. Seeds that are common to all
    widths shift a line, which is taken out first; what is left of their scatter with the `accuracy`, or
    the misfit if that is larger, is the noise, with Student's reach for W - 2 degrees of freedom.

    Args:
        widths: the W widths, increasing, above 1, real or virtual.
        values: positive; NaN marks a run without a value. The seeds of all widths are the same.
        corrections: h_k at every width, at least zero.
        accuracy: relative error of every value that seeds share, such as that of the solver.
        level: probability that the interval covers.

    Raises:
        InputError: fewer than four widths with a value, or arrays that do not fit together.

    Trust: covers what the corrections cover. Another one shows as a misfit, where it bends the line
    within the widths.

    Example:
        >>> m = np.array([1e6, 1e8, 1e10, 1e12])
        >>> found = extrapolated_exponent(m, (m**-0.5 * (1 + m**-0.25))[:, None], [m**-0.25])
        >>> round(found.value, 3), found.high - found.low < 0.01
        (-0.5, True)
    """
    x, logs, bends, noise, reach = _checked(widths, values, corrections, accuracy, level)
    found, covariance, _ = _regression(x, logs, bends, noise)
    half = student_reach(reach, len(x) - 2) * float(np.sqrt(covariance[1, 1]))
    e = float(found[1])
    basis = f"{len(x)} widths, {logs.shape[1]} seeds, {len(bends)} known corrections"
    return Estimate(e, e - half, e + half, basis=basis)


@checked(own=("widths", "values", "corrections"))
def expected_with_corrections(
    widths: Float[Any, " W"],
    values: Float[Any, "W S"],
    corrections: Float[Any, "K W"],
    *,
    accuracy: float = 1e-3,
    level: float = 0.95,
) -> LargestWidth:
    """What the largest width shows, and what the others expect there, by their `extrapolated_exponent`.

    Args:
        widths: the W widths, increasing, above 1.
        values: positive; NaN marks a run without a value.
        corrections: h_k at every width, the largest too.
        accuracy: relative error of every value that seeds share.
        level: probability that the ends hold what the largest width shows.

    Raises:
        InputError: as `extrapolated_exponent`.

    Trust: with three others Student's reach has one degree of freedom, so that the ends lie far apart.

    Example:
        >>> m = np.array([1e4, 1e6, 1e8, 1e10, 1e12])
        >>> found = expected_with_corrections(m, (m**-0.5)[:, None], [m**-0.25])
        >>> found.as_expected
        True
    """
    x, logs, bends, noise, reach = _checked(widths, values, corrections, accuracy, level)
    found, covariance, noise = _regression(x[:-1], logs[:-1], bends[:, :-1], noise)
    there = np.array([1.0, x[-1] - x[:-1].mean(), *bends[:, -1]])
    half = student_reach(reach, len(x) - 3) * float(np.sqrt(there @ covariance @ there + noise))
    middle = float(there @ found)
    ends = float(np.exp(middle - half)), float(np.exp(middle + half))
    return LargestWidth(float(np.exp(x[-1])), float(np.exp(logs[-1].mean())), ends)


def _checked(
    widths: Any, values: Any, corrections: Any, accuracy: Any, level: Any
) -> tuple[np.ndarray, np.ndarray, np.ndarray, float, float]:
    """Logarithms of widths, of values and of corrections where every seed has a value."""
    m = np.asarray(check_array("widths", widths, ndim=1), float)
    seen = np.asarray(check_array("values", values, finite=False, ndim=2), float)
    sizes = np.asarray(check_array("corrections", corrections, ndim=2), float)
    increases = bool(np.all(np.diff(m) > 0)) and len(m) > 0 and m[0] > 1
    if len(seen) != len(m) or sizes.shape[1:] != m.shape or not increases or (sizes < 0).any():
        raise InputError(
            "there must be a row of values and a column of corrections for each of the increasing widths",
            received=f"values {seen.shape}, corrections {sizes.shape} and {len(m)} widths",
            cause="seeds averaged beforehand, axes in another order, or a correction with a sign",
            fix="give values (widths, seeds) and corrections (corrections, widths), the smallest width first",
        )
    noise, reach = check_positive("accuracy", accuracy), check_fraction("level", level)
    with np.errstate(invalid="ignore", divide="ignore"):
        logs = np.where(seen > 0, np.log(seen), np.nan)
    logs = logs[:, ~np.isnan(logs).all(0)]
    usable = ~np.isnan(logs).any(1) if logs.size else np.zeros(len(m), bool)
    if usable.sum() < MIN_EXPONENT_WIDTHS:
        raise InputError(
            f"an exponent needs at least {MIN_EXPONENT_WIDTHS} widths at which every seed has a value",
            received=f"{int(usable.sum())} of {len(m)}",
            cause="runs that failed, or few widths",
            fix="run more widths, or smaller ones",
        )
    return np.log(m[usable]), logs[usable], np.log1p(sizes[:, usable]), noise, reach


def _regression(
    x: Float[np.ndarray, " W"],
    logs: Float[np.ndarray, "W S"],
    bends: Float[np.ndarray, "K W"],
    accuracy: float,
) -> tuple[np.ndarray, np.ndarray, float]:
    """Coefficients with their covariance, and the variance of a mean."""
    mean, num_seeds = logs.mean(1), logs.shape[1]
    apart = logs - mean[:, None] - (logs - mean[:, None]).mean(0)
    spare = (len(x) - 1) * (num_seeds - 1)
    scatter = float(np.sum(apart**2)) / spare / num_seeds if spare else 0.0
    terms = np.stack([np.ones_like(x), x - x.mean(), *bends], axis=1)
    prior = np.diag([0.0, 0.0, *[_POWER**-2] * len(bends)])
    noise, found, covariance = accuracy**2 + scatter, np.zeros(len(prior)), prior
    for _ in range(2):
        precision = terms.T @ terms / noise + prior
        covariance = np.linalg.inv(precision)
        found = covariance @ (terms.T @ mean) / noise
        noise = max(noise, float(np.sum((mean - terms @ found) ** 2)) / (len(x) - 2))
    return found, covariance, noise
