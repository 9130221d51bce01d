"""Does a wide network do what narrow ones said?"""

from collections.abc import Callable

import numpy as np
from scipy.stats import t as student

from lazyscope._estimate import LEVEL, Verdict
from lazyscope.proxy._answer import NarrowProxy, Verification
from lazyscope.proxy._extrapolation import Extrapolated
from lazyscope.proxy._kept import KeptRuns
from lazyscope.proxy.library._network import AbstractNetwork, Numbers

WIDE_SEEDS = 2
COVERED = 0.9
"""Share of intervals that have to hold."""

Drawn = Callable[[int], tuple[AbstractNetwork, Numbers]]


def verify_proxy(
    answer: NarrowProxy,
    found: tuple[Extrapolated, Extrapolated],
    drawn: Drawn,
    kept: KeptRuns,
    seeds: int = WIDE_SEEDS,
) -> Verification:
    """Train wide networks and compare.

    Args:
        answer: the prediction.
        found: logarithms of the loss and of the norms of changes, as they were predicted.
        drawn: the wide network of a seed, with its own numbers.
        kept: where trainings are kept.
        seeds: wide networks.
    """
    runs = [kept.train(*drawn(seed), name=f"{answer.width}-{seed}") for seed in range(seeds)]
    loss, moved = found
    measured = _mean_logarithm([run.loss[list(answer.steps)] for run in runs])
    changes = _mean_logarithm([run.moved for run in runs])
    off = loss.value - measured
    apart = moved.value - changes
    held = np.concatenate([_held(loss, measured, seeds), _held(moved, changes, seeds)])
    told = np.isfinite(np.concatenate([loss.half_width, moved.half_width]))
    covered = float(held[told].mean()) if told.any() else float("nan")
    curve = told[: len(off)]
    standard = np.hypot(loss.standard_error, loss.spread / np.sqrt(seeds))
    error, standard = (
        float(each[curve].mean()) if curve.any() else float("nan")
        for each in (np.abs(off), standard)
    )
    return Verification(
        seeds=seeds,
        loss_error=error,
        loss_standard_error=standard,
        displacement_errors={
            each.name: float(np.expm1(value))
            for each, value in zip(answer.arrays, apart, strict=True)
        },
        covered=covered,
        loss=tuple(float(each) for each in np.exp(measured)),
        seconds=float(np.mean([run.seconds for run in runs])),
        verdict=_verdict(covered, error, bool(told.all()), measured, seeds),
    )


def _verdict(
    covered: float, error: float, complete: bool, measured: np.ndarray, seeds: int
) -> Verdict:
    """Whether enough intervals hold; undecided where proxies diverged, so that some are not there."""
    if complete:
        sentence = (
            f"{covered:.0%} of the intervals hold what {seeds} wide networks did; logarithms of the loss are "
            f"off by {error:.3f} in the mean over the curve."
        )
        return Verdict("supported" if covered >= COVERED else "contradicted", sentence)
    wide = "are finite" if np.isfinite(measured).all() else "are not finite either"
    sentence = (
        f"Proxies diverged, so that there are numbers without a prediction; losses of {seeds} wide networks "
        f"{wide}."
    )
    return Verdict("undecided", sentence)


def _held(predicted: Extrapolated, measured: np.ndarray, seeds: int) -> np.ndarray:
    """Whether every interval, widened by the scatter of the mean of a few wide networks, holds its number."""
    scatter = student.ppf(0.5 + LEVEL / 2, 30) * predicted.spread / np.sqrt(seeds)
    return np.abs(predicted.value - measured) <= np.hypot(predicted.half_width, scatter)


def _mean_logarithm(values: list[np.ndarray]) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return np.log(np.maximum(np.array(values), 1e-300)).mean(0)
