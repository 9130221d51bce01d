"""Do curves of several widths fall on each other when the scale is multiplied by a power of the width?"""

from typing import Any

import numpy as np
from jaxtyping import Float

from lazyscope._checks import InputError
from lazyscope.measure import RESOLUTION, agreement, estimate_exponent

POWERS = np.linspace(-0.25, 1.0, 126)
"""Powers p of the width tried in scale * m^p."""
_PLACES = 64  # of the common range at which curves are compared
_LEAST_OVERLAP = 0.2  # of the scales tried, in logarithm; below it a power is not judged


def curves_apart(
    log_scale: Float[np.ndarray, " A"],
    log_width: Float[np.ndarray, " W"],
    curves: Float[np.ndarray, "W A"],
    power: float,
) -> float:
    """How far curves of different widths lie apart as functions of scale * width^power.

    At every place of the range that all curves reach, the standard deviation over widths of the
    logarithms; their root mean square over the range. Between the scales tried, curves are straight
    lines in the logarithms. NaN where the common range is shorter than a fifth of the scales tried.

    Args:
        log_scale: logarithms of the scales, increasing.
        log_width: logarithms of the widths.
        curves: logarithms of a positive quantity; NaN where there is none.
        power: p.

    Example:
        >>> scale, width = np.linspace(0.0, 8.0, 9), np.array([0.0, 2.0])
        >>> curves = -(scale + 0.5 * width[:, None])
        >>> curves_apart(scale, width, curves, 0.5), round(curves_apart(scale, width, curves, 0.0), 3)
        (0.0, 0.707)
    """
    known = [np.isfinite(curve) for curve in curves]
    if any(row.sum() < 2 for row in known):
        return float("nan")
    places = [log_scale[row] + power * m for row, m in zip(known, log_width, strict=True)]
    low, high = max(x[0] for x in places), min(x[-1] for x in places)
    if high - low < _LEAST_OVERLAP * (log_scale[-1] - log_scale[0]):
        return float("nan")
    common = np.linspace(low, high, _PLACES)
    rows = zip(places, curves, known, strict=True)
    values = [np.interp(common, x, curve[row]) for x, curve, row in rows]
    return float(np.sqrt(np.mean(np.var(values, axis=0, ddof=1))))


def crossing(
    log_scale: Float[np.ndarray, " A"], curve: Float[np.ndarray, " A"], log_level: float
) -> float:
    """The largest scale at which a curve comes down through a level; NaN where it never does.

    Args:
        log_scale: logarithms of the scales, increasing.
        curve: logarithms of a positive quantity; NaN where there is none.
        log_level: logarithm of the level.

    Example:
        >>> round(crossing(np.array([0.0, 1.0, 2.0]), np.array([1.0, 0.5, -0.5]), 0.0), 6)
        4.481689
    """
    known = np.isfinite(curve)
    x, y = log_scale[known], curve[known] - log_level
    down = np.flatnonzero((y[:-1] > 0) & (y[1:] <= 0))
    if not down.size:
        return float("nan")
    k = down[-1]
    return float(np.exp(x[k] + (x[k + 1] - x[k]) * y[k] / (y[k] - y[k + 1])))


def judge_collapse(
    scales: Float[np.ndarray, " A"],
    widths: Float[np.ndarray, " W"],
    values: Float[np.ndarray, "W A S"],
    *,
    level: float,
    predicted: float,
    accuracy: float,
) -> dict[str, Any]:
    """The power p of the width in scale * m^p on which a quantity depends, estimated in two ways.

    From thresholds: every seed of every width has a scale at which the quantity comes down through
    `level`; this scale goes like m^-p, and p comes with the interval of an exponent in the width.
    From spreads: the power at which the curves of all widths lie closest, without an interval.

    Args:
        scales: scales in front of the network, increasing.
        widths: widths, increasing.
        values: a positive quantity; NaN for runs that gave none.
        level: where the thresholds are taken; any level that the curves cross will do.
        predicted: p of the theory.
        accuracy: relative error of the thresholds that the seeds of a width share.

    Returns:
        ``thresholds`` (W, S), ``power`` with ``interval`` and ``verdict``, ``closest_power``,
        ``spreads`` over ``powers``, and the spreads ``at_equal_scale`` (p = 0),
        ``at_predicted_power`` and ``between_seeds``, as factors e^spread - 1 in ``_percent``.
    """
    known = np.isfinite(values) & (values > 0)
    logs = np.log(np.where(known, values, np.nan))
    counted = np.maximum(known.sum(-1), 1)
    means = np.where(known.any(-1), np.nansum(logs, axis=-1) / counted, np.nan)
    log_scale, log_width = np.log(scales), np.log(widths)
    thresholds = np.array(
        [[crossing(log_scale, seed, np.log(level)) for seed in row.T] for row in logs]
    )
    spreads = np.array([curves_apart(log_scale, log_width, means, p) for p in POWERS])
    judged = np.isfinite(spreads)
    seeds = logs - means[..., None]
    freedom = max(int(known.sum() - known.any(-1).sum()), 1)
    return {
        "level": level,
        "predicted": predicted,
        "thresholds": thresholds,
        **_power(widths, thresholds, predicted, accuracy),
        "powers": POWERS,
        "spreads": spreads,
        "closest_power": float(POWERS[judged][spreads[judged].argmin()]) if judged.any() else None,
        "spread_at_equal_scale": curves_apart(log_scale, log_width, means, 0.0),
        "spread_at_predicted_power": curves_apart(log_scale, log_width, means, predicted),
        "spread_between_seeds": float(np.sqrt(np.nansum(seeds**2) / freedom)),
    }


def _power(
    widths: np.ndarray, thresholds: np.ndarray, predicted: float, accuracy: float
) -> dict[str, Any]:
    """Minus the exponent of the thresholds in the width, with its interval and verdict."""
    try:
        found = estimate_exponent(widths, thresholds, accuracy=accuracy)
    except InputError as error:
        nothing: dict[str, Any] = {"power": None, "interval": [None, None], "verdict": "undecided"}
        return {**nothing, "note": f"No estimate: {error}"}
    low, high = -found.interval[1], -found.interval[0]
    return {
        "power": -found.exponent,
        "interval": [low, high],
        "verdict": agreement(low, high, predicted, RESOLUTION),
        "note": found.note,
    }
