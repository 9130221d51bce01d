"""Which power of the width is approached, where theory knows how fast but not from how far?"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from lazyscope._checks import InputError, check_array, check_fraction, check_positive
from lazyscope._entry import checked
from lazyscope._estimate import Estimate
from lazyscope.measure.estimate._student import student_reach

_CROSSOVERS = (0.0, 4.0, 8.0, 12.0, 16.0, 20.0, 24.0, 28.0, 32.0, 36.0)
"""Decades at which corrections may become small, all alike before a run is seen."""

_LARGEST_CONSTANT = 1e3
"""Of a correction c m^-delta, whatever the width at which it becomes small."""

_POWER = 1.0
"""Size of the power to which 1 + c m^-delta is taken, as a standard deviation."""

MIN_EXPONENT_WIDTHS = 4
_SAME_RATE = 0.05
"""Rates nearer to each other than this share of the faster one are one rate."""


@checked(own=("widths", "values", "rates"))
def extrapolated_exponent(
    widths: Float[Any, " W"],
    values: Float[Any, "W S"],
    rates: Sequence[float],
    *,
    accuracy: float = 1e-3,
    level: float = 0.95,
) -> Estimate:
    """Exponent e in ``value ~ A m^e prod_k (1 + c_k m^-delta_k)^p_k`` with known rates delta_k > 0.

    Bayesian regression of the mean log value on log m and on every log(1 + c_k m^-delta_k), with powers p_k
    normal with standard deviation one before the runs are seen. The constants are those with which all
    corrections become small at one width M, ``c_k = M^delta_k`` up to 1000, averaged over M from 1 to 1e36
    by how well they fit. A term that has decayed costs nothing, a slow one widens the interval by as
    much as it could still tilt the line. Seeds that are common to all widths shift a line, which is taken
    out first; what is left of their scatter, the `accuracy`, and the misfit at the best M, whichever is
    larger, is the noise, with Student's reach for W - 2 degrees of freedom.

    Args:
        widths: the W widths, increasing, above 1, real or virtual.
        values: positive; NaN marks a run without a value. The seeds of all widths are the same.
        rates: delta_k.
        accuracy: relative error of every value that seeds share, such as that of the solver.
        level: probability that the interval covers.

    Raises:
        InputError: fewer than four widths with a value, or widths and values that do not fit.

    Trust: covers what the rates cover. A correction of another rate shows as a misfit, where it bends the
    line within the widths.

    Example:
        >>> m = np.array([1e6, 1e8, 1e10, 1e12])
        >>> found = extrapolated_exponent(m, (m**-0.5 * (1 + m**-0.25))[:, None], [0.25])
        >>> round(found.value, 3), found.high - found.low < 0.002
        (-0.5, True)
    """
    m = np.asarray(check_array("widths", widths, ndim=1), float)
    seen = np.asarray(check_array("values", values, finite=False), float)
    if seen.ndim != 2 or len(seen) != len(m) or not np.all(np.diff(m) > 0) or not m[0] > 1:
        raise InputError(
            "values must have one row for each of the increasing widths above 1, and one column per seed",
            received=f"values {seen.shape} and widths {m.tolist()}",
            cause="seeds averaged beforehand, or axes in another order",
            fix="give an array (widths, seeds), the smallest width first",
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
    return _regression(np.log(m[usable]), logs[usable], _apart(rates), noise, reach)


def _regression(
    x: Float[np.ndarray, " W"],
    logs: Float[np.ndarray, "W S"],
    rates: Sequence[float],
    accuracy: float,
    level: float,
) -> Estimate:
    mean, num_seeds = logs.mean(1), logs.shape[1]
    apart = logs - mean[:, None] - (logs - mean[:, None]).mean(0)
    spare = (len(x) - 1) * (num_seeds - 1)
    scatter = float(np.sum(apart**2)) / spare / num_seeds if spare else 0.0
    first = [_fit(x, mean, rates, at, accuracy**2) for at in _CROSSOVERS]
    noise = max(accuracy**2 + scatter, min(fit[3] for fit in first))
    fits = np.array([_fit(x, mean, rates, at, noise)[:3] for at in _CROSSOVERS])
    weight = np.exp(fits[:, 2] - fits[:, 2].max())
    weight /= weight.sum()
    e = float(weight @ fits[:, 0])
    spread = float(np.sqrt(weight @ (fits[:, 1] + (fits[:, 0] - e) ** 2)))
    half = student_reach(level, len(x) - 2) * spread
    basis = f"{len(x)} widths, {num_seeds} seeds, {len(rates)} known corrections"
    return Estimate(e, e - half, e + half, basis=basis)


def _fit(
    x: Float[np.ndarray, " W"],
    mean: Float[np.ndarray, " W"],
    rates: Sequence[float],
    decades: float,
    noise: float,
) -> tuple[float, float, float, float]:
    """Exponent, its variance, log evidence, and mean squared misfit, for one crossover."""
    constants = [min(10.0 ** (rate * decades), _LARGEST_CONSTANT) for rate in rates]
    bends = [np.log1p(c * np.exp(-rate * x)) for c, rate in zip(constants, rates, strict=True)]
    terms = np.stack([np.ones_like(x), x - x.mean(), *bends], axis=1)
    prior = np.diag([0.0, 0.0, *[_POWER**-2] * len(rates)])
    precision = terms.T @ terms / noise + prior
    found = np.linalg.solve(precision, terms.T @ mean / noise)
    left = mean - terms @ found
    misfit = float(left @ left)
    cost = misfit / noise + found @ prior @ found
    evidence = -0.5 * (cost + np.linalg.slogdet(precision)[1] - len(rates) * np.log(_POWER**-2))
    variance = float(np.linalg.inv(precision)[1, 1])
    return float(found[1]), variance, float(evidence), misfit / (len(x) - 2)


def _apart(rates: Sequence[float]) -> list[float]:
    """The rates above zero, without those that repeat a slower one."""
    kept: list[float] = []
    for rate in sorted(r for r in rates if r > 0):
        if not kept or rate > kept[-1] * (1 + _SAME_RATE):
            kept.append(rate)
    return kept
