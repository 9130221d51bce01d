"""Above which kappa does every run converge?"""

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from jaxtyping import Float

from lazyscope._checks import InputError, check_array, check_fraction, shown
from lazyscope._entry import checked
from lazyscope._estimate import Estimate
from lazyscope._result import AbstractResult

MIN_SCALES = 4
_STEEPNESS = 28  # widths s tried, from far below one step of kappa to half the range
_SPREADS = 5  # spreads of the schemes' mu tried
_PLACES = 200  # places mu tried
_THIN = 4  # every so many places is tried as the centre of the schemes
_NEGLIGIBLE = 10.0  # values of s whose log likelihood is this far below the best are left out


@final
@dataclass(frozen=True, repr=False)
class ThresholdEstimate(AbstractResult):
    """The smallest kappa above which runs of every scheme converge.

    Attributes:
        threshold: posterior median; 0 where it lies below every kappa tried, infinite above.
        interval: (low, high) at `level`, reaching down at least to `highest_failure`; an end outside
            the kappas tried is 0 or infinite.
        level: nominal coverage.
        tolerated: fraction of failures that is still called convergence.
        highest_failure: the largest kappa at which a run failed, 0 if none did: no threshold for
            every run can lie below it.
        all_converged_from: the smallest kappa tried from which on every run converged, or None.
        runs_above: number of runs at and above it.
        failures_above: with `level` confidence at most this fraction of runs fails there; that none
            did is no proof that none ever will.
        num_runs: runs used; those without an outcome are not counted.
    """

    threshold: float
    interval: tuple[float, float]
    level: float
    tolerated: float
    highest_failure: float
    all_converged_from: float | None
    runs_above: int
    failures_above: float
    num_runs: int

    @property
    def estimate(self) -> Estimate:
        """The threshold with its interval, as the record that is shared from here to the page."""
        return Estimate(self.threshold, *self.interval, self.level, basis=f"{self.num_runs} runs")


@checked(any_axes=("kappa",))
def estimate_threshold(
    kappa: Float[Any, " K"],
    converged: Any,
    *,
    tolerated: float = 0.05,
    level: float = 0.95,
) -> ThresholdEstimate:
    """Smallest kappa above which runs of every scheme converge, from a table of 0 and 1.

    In each scheme a run converges with probability ``1 / (1 + (mu / kappa)^(1 / s))``; mu is the
    scheme's own, lognormal around a centre with some spread, and s is shared. Priors are flat in
    the logs of the centre (half the range of kappa beyond both ends), of the spread and of s; as
    much weight as all spreads together has no spread at all. The
    threshold of a scheme is the kappa at which a fraction `tolerated` fails, and the threshold of
    all is the largest of theirs. With 0 tolerated no finite number of runs could tell.

    Args:
        kappa: the K values tried, increasing.
        converged: 1 where a run converged, 0 where it did not, NaN where there was none; shape
            (K, seeds) for one scheme or (K, schemes, seeds).
        tolerated: fraction of failures that is still called convergence.
        level: nominal coverage of the interval.

    Returns:
        A `ThresholdEstimate`.

    Raises:
        InputError: fewer than 4 kappas, kappas not increasing or not positive, entries other than
            0, 1 and NaN, a scheme without runs.

    Cost: some ten milliseconds per scheme.

    Trust: nothing is claimed about schemes that were not tried, nor about kappas outside the range.
    Coverage of 95 % intervals on synthetic tables is in ``docs/estimates.md``.

    Example:
        >>> import numpy as np
        >>> kappa = np.array([0.25, 0.5, 1, 2, 4, 8])
        >>> table = np.repeat([[0], [0], [0], [1], [1], [1]], 6, axis=1)
        >>> table[2, 0] = 1
        >>> found = estimate_threshold(kappa, table)
        >>> found.highest_failure, found.all_converged_from, found.runs_above
        (1.0, 2.0, 18)
        >>> 0.5 < found.interval[0] <= 1 < found.threshold < found.interval[1] < 8
        True
    """
    tolerated = check_fraction("tolerated", tolerated)
    level = check_fraction("level", level)
    kappa, table = _checked(kappa, converged)
    log_kappa = np.log(kappa)
    places, cumulative = _largest_threshold(log_kappa, table, tolerated)
    tail = 0.5 * (1 - level)
    low, middle, high = (
        _inside(float(np.interp(q, cumulative, places, right=np.inf)), log_kappa)
        for q in (tail, 0.5, 1 - tail)
    )
    present = ~np.isnan(table)
    failed = (table == 0).any((1, 2))
    first = int(np.flatnonzero(failed).max()) + 1 if failed.any() else 0
    highest_failure = float(kappa[first - 1]) if first else 0.0
    above = int(present[first:].sum())
    return ThresholdEstimate(
        threshold=middle,
        interval=(min(low, highest_failure), high),
        level=level,
        tolerated=tolerated,
        highest_failure=highest_failure,
        all_converged_from=float(kappa[first]) if first < len(kappa) else None,
        runs_above=above,
        failures_above=float(1 - (1 - level) ** (1 / above)) if above else 1.0,
        num_runs=int(present.sum()),
    )


def _checked(kappa: Any, converged: Any) -> tuple[np.ndarray, np.ndarray]:
    """The kappas and a (K, schemes, seeds) table, or an `InputError`."""
    kappa = np.asarray(kappa, float)
    table = np.asarray(check_array("converged", converged, finite=False), float)
    if table.ndim == 2:
        table = table[:, None, :]
    if kappa.ndim != 1 or not (np.all(kappa > 0) and np.all(np.diff(kappa) > 0)):
        raise InputError(
            "kappa must be positive and increasing",
            received=shown(kappa.tolist()),
            cause="rows in the order in which they were run",
            fix="sort the rows of the table by kappa",
        )
    if len(kappa) < MIN_SCALES:
        raise InputError(
            f"a threshold needs at least {MIN_SCALES} values of kappa",
            received=f"{len(kappa)}",
            cause="a sweep that has just begun",
            fix=f"add {MIN_SCALES - len(kappa)} or more; 8 over two decades are better",
        )
    if table.ndim != 3 or len(table) != len(kappa):
        raise InputError(
            "the table must have the axes (kappa, seeds) or (kappa, schemes, seeds)",
            received=f"shape {table.shape} with {len(kappa)} values of kappa",
            cause="axes in another order",
            fix="move the axis of kappa to the front",
        )
    if not np.all(np.isnan(table) | (table == 0) | (table == 1)):
        raise InputError(
            "the table must hold 1 (converged), 0 (did not) or NaN (not run)",
            received=f"values from {np.nanmin(table):g} to {np.nanmax(table):g}",
            cause="losses or outcome codes in place of 0 and 1",
            fix="compare the outcome with Outcome.CONVERGED",
        )
    empty = np.isnan(table).all((0, 2))
    if empty.any():
        raise InputError(
            "every scheme needs a run",
            received=f"no run of scheme {np.flatnonzero(empty).tolist()}",
            cause="a sweep that has not reached these schemes",
            fix="leave them out of the table",
        )
    return kappa, table


def _largest_threshold(log_kappa, table, tolerated: float):
    """Places and the posterior distribution function of the largest threshold, on a grid."""
    span = log_kappa[-1] - log_kappa[0]
    step = np.diff(log_kappa).min()
    mu = np.linspace(log_kappa[0] - 0.5 * span, log_kappa[-1] + 0.5 * span, _PLACES)
    cell = mu[1] - mu[0]
    wins, losses = (table == 1).sum(-1), (table == 0).sum(-1)
    widths = np.geomspace(0.02 * step, 0.5 * span, _STEEPNESS)
    odds = (log_kappa - mu[:, None]) / widths[:, None, None]
    fits = -np.logaddexp(0, -odds) @ wins - np.logaddexp(0, odds) @ losses  # (s, mu, schemes)
    tops = fits.max(1)
    spreads = np.geomspace(2 * _THIN * cell, 0.5 * span, _SPREADS)
    places = np.linspace(mu[0], log_kappa[-1] + cell, 2 * _PLACES)
    log_weight, distributions = [], []
    wanted = np.log1p(-tolerated) - np.log(tolerated)  # log odds
    for width, fit, top in zip(widths, fits, tops, strict=True):
        if top.sum() < tops.sum(1).max() - _NEGLIGIBLE:
            continue
        likelihood = np.exp(fit - top).T  # (schemes, mu)
        edges = mu + wanted * width + 0.5 * cell
        parts = [_common(likelihood), *(_spread_out(mu, likelihood, s) for s in spreads)]
        for evidence, distribution in parts:
            log_weight.append(np.log(evidence + 1e-300) + top.sum())
            distributions.append(np.interp(places, edges, distribution, 0.0, 1.0))
    weight = np.exp(log_weight - np.max(log_weight))
    cumulative = weight / weight.sum() @ np.array(distributions)
    return places, np.maximum.accumulate(cumulative) + 1e-12 * np.arange(len(places))


def _common(likelihood: Float[np.ndarray, "schemes mu"]):
    """Evidence and distribution of the largest mu where all schemes have the same."""
    below = np.cumsum(np.prod(likelihood, 0)) / likelihood.shape[1]
    return _SPREADS * below[-1], below / max(below[-1], 1e-300)


def _spread_out(mu, likelihood: Float[np.ndarray, "schemes mu"], spread: float):
    """The same where the schemes' mu are lognormal with this spread, averaged over the centre."""
    prior = np.exp(-0.5 * ((mu - mu[::_THIN, None]) / spread) ** 2)  # (centre, mu)
    prior /= prior.sum(1, keepdims=True)
    evidence, largest = np.ones(len(prior)), np.ones_like(prior)
    for own in likelihood:
        below = np.cumsum(prior * own, 1)
        evidence = evidence * below[:, -1]
        largest *= below / np.maximum(below[:, -1:], 1e-300)
    total = evidence.sum()
    return total / len(prior), evidence @ largest / max(total, 1e-300)


def _inside(log_threshold: float, log_kappa) -> float:
    """The threshold, or 0 or infinity where it lies outside the kappas tried."""
    if log_threshold < log_kappa[0]:
        return 0.0
    return float(np.exp(log_threshold)) if log_threshold <= log_kappa[-1] else np.inf
