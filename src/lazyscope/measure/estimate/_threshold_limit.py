"""What becomes of the threshold of convergence as the width grows?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, final

import numpy as np
from jaxtyping import Real

from lazyscope._checks import InputError, check_fraction
from lazyscope._entry import checked
from lazyscope._estimate import Estimate
from lazyscope.measure.estimate._posterior import mixture_quantile
from lazyscope.measure.estimate._threshold import ThresholdEstimate

Limit: TypeAlias = Literal["finite", "drifts", "undecided"]

MIN_THRESHOLD_WIDTHS = 3
CORRECTION_ORDERS = (
    0.25,
    0.5,
    1.0,
)  # delta of a finite-width correction m^-delta to a finite threshold
_LIMIT_PRIOR = {"constant": 0.35, "correction": 0.35, "drift": 0.30}
_CORRECTION, _DRIFT = 1.0, 0.5  # typical correction of log kappa at the smallest width; exponent


@final
@dataclass(frozen=True)
class ThresholdLimit:
    """What becomes of a threshold as the width grows.

    Attributes:
        limit: posterior median of the threshold at infinite width, if it tends to one.
        interval: its interval at `level`.
        exponent: posterior mean of d log threshold / d log m if it drifts as a power of m.
        exponent_interval: its interval at `level`.
        level: nominal coverage.
        weight: posterior weights of ``constant``, ``correction`` (c m^-delta) and ``drift``.
        verdict: ``finite`` or ``drifts`` where one has a weight of at least `level`.
        num_widths: widths used.
        num_dropped: widths left out because their interval is unbounded.
    """

    limit: float
    interval: tuple[float, float]
    exponent: float
    exponent_interval: tuple[float, float]
    level: float
    weight: dict[str, float]
    verdict: Limit
    num_widths: int
    num_dropped: int

    @property
    def estimate(self) -> Estimate:
        """The limit with its interval, as the record that is shared from here to the page."""
        return Estimate(self.limit, *self.interval, self.level, basis=f"{self.num_widths} widths")

    @property
    def drift(self) -> Estimate:
        """The exponent of the threshold in the width, if it drifts."""
        basis = f"{self.num_widths} widths"
        return Estimate(self.exponent, *self.exponent_interval, self.level, basis=basis)


@checked(any_axes=("widths",))
def threshold_limit(
    widths: Real[Any, " W"], thresholds: Sequence[ThresholdEstimate], *, level: float = 0.95
) -> ThresholdLimit:
    """Extrapolate thresholds measured at several widths to infinite width.

    Averages over a constant threshold, one with a correction m^-delta (delta = 1/4, 1/2, 1), and
    one that drifts as a power of m, for which there is no limit.

    Args:
        widths: increasing widths.
        thresholds: one estimate per width, from `estimate_threshold`.
        level: nominal coverage of the intervals.

    Returns:
        A `ThresholdLimit`.

    Raises:
        InputError: lengths differ, widths not increasing, fewer than 3 widths with a bounded
            interval.

    Cost: microseconds.

    Trust: as good as three to seven widths allow; read `verdict` before `limit`.

    Example:
        >>> import numpy as np
        >>> from lazyscope.measure import estimate_threshold
        >>> kappa = np.geomspace(0.1, 10, 9)
        >>> table = np.repeat((kappa > 1.1)[:, None], 4, axis=1).astype(float)
        >>> found = threshold_limit([64, 256, 1024], [estimate_threshold(kappa, table)] * 3)
        >>> found.interval[0] < 1.3 < found.interval[1]
        True
    """
    level = check_fraction("level", level)
    log_width, mean, error, dropped = _bounded(np.asarray(widths, float), thresholds)
    parts = {"constant": [np.zeros_like(mean)], "correction": [], "drift": []}
    parts["correction"] = [np.exp(-d * (log_width - log_width[0])) for d in CORRECTION_ORDERS]
    parts["drift"] = [log_width - log_width.mean()]
    sizes = {"constant": 1e-9, "correction": _CORRECTION, "drift": _DRIFT}
    fits, kinds = [], []
    for kind, shapes in parts.items():
        for shape in shapes:
            evidence, *rest = _fit_line(mean, error, shape, sizes[kind])
            fits.append((evidence + np.log(_LIMIT_PRIOR[kind] / len(shapes)), *rest))
            kinds.append(kind)
    log_weight, centre, sd, slope, slope_sd = np.array(fits).T
    weight = np.exp(log_weight - log_weight.max())
    weight /= weight.sum()
    share = {kind: float(weight[[k == kind for k in kinds]].sum()) for kind in parts}
    settles = np.array([kind != "drift" for kind in kinds])
    share_if_finite = weight[settles] / weight[settles].sum()
    nodes = share_if_finite[None], centre[settles][None], sd[settles][None]
    from scipy.special import ndtri  # here, since most commands need no interval

    tail = 0.5 * (1 - level)
    low, middle, high = (
        float(np.exp(mixture_quantile(*nodes, q)[0])) for q in (tail, 0.5, 1 - tail)
    )
    reach = float(-ndtri(tail)) * slope_sd[-1]
    if share["drift"] >= level:
        verdict = "drifts"
    else:
        verdict = "finite" if share["drift"] <= 1 - level else "undecided"
    return ThresholdLimit(
        limit=middle,
        interval=(low, high),
        exponent=float(slope[-1]),
        exponent_interval=(float(slope[-1] - reach), float(slope[-1] + reach)),
        level=level,
        weight=share,
        verdict=verdict,
        num_widths=len(mean),
        num_dropped=dropped,
    )


def _bounded(widths, thresholds: Sequence[ThresholdEstimate]):
    """Log widths, log thresholds and their standard errors where the interval is bounded."""
    if widths.ndim != 1 or len(widths) != len(thresholds) or not np.all(np.diff(widths) > 0):
        raise InputError(
            "widths must be increasing, with one threshold for each",
            received=f"{widths.size} widths and {len(thresholds)} thresholds",
            cause="an unsorted or unfinished sweep",
            fix="sort by width",
        )
    kept = [i for i, t in enumerate(thresholds) if t.interval[0] > 0 and np.isfinite(t.interval[1])]
    if len(kept) < MIN_THRESHOLD_WIDTHS:
        raise InputError(
            f"a limit needs at least {MIN_THRESHOLD_WIDTHS} widths with a bounded threshold",
            received=f"{len(kept)} of {len(widths)}",
            cause="a range of kappa that ends before every run converges, or starts after",
            fix="widen the range of kappa or add widths",
        )
    log_width = np.log(widths[kept])
    low, high = np.log([thresholds[i].interval for i in kept]).T
    from scipy.special import ndtri

    reach = np.array([-ndtri(0.5 * (1 - thresholds[i].level)) for i in kept])
    return log_width, 0.5 * (low + high), 0.5 * (high - low) / reach, len(widths) - len(kept)


def _fit_line(mean, error, shape, size: float):
    """Log evidence, intercept and its sd, amplitude and its sd; flat prior on the intercept."""
    precision = error**-2.0
    design = np.column_stack([np.ones_like(shape), shape])
    information = design.T @ (precision[:, None] * design) + np.diag([0.0, size**-2.0])
    covariance = np.linalg.inv(information)
    theta = covariance @ design.T @ (precision * mean)
    misfit = precision @ (mean - design @ theta) ** 2 + (theta[1] / size) ** 2
    log_evidence = -0.5 * misfit - 0.5 * np.log(np.linalg.det(information) * size**2)
    sd = np.sqrt(np.diag(covariance))
    return log_evidence, theta[0], sd[0], theta[1], sd[1]
