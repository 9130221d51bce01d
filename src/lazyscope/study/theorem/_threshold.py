"""Above which kappa does the theorem's conclusion hold for every spread, at each width and beyond?"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from jaxtyping import Float, Real

from lazyscope._checks import InputError
from lazyscope.measure import ThresholdEstimate, estimate_threshold, threshold_limit
from lazyscope.study.theorem._settings import TheoremSettings

CRITERIA = {
    "loss": "the loss reaches zero",
    "kernel": "the rate keeps its share of that of K(0)",
    "bound": "the rate keeps its share of the theorem's bound",
}
"""What a run has to do; the last two in words of `TheoremSettings.kept`."""


def thresholds(settings: TheoremSettings, runs: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """One record per criterion: thresholds per spread and for all, at each width and extrapolated.

    A run counts where it *and every run of its spread and seed at larger kappa* does what the
    criterion asks: a threshold is the kappa above which it is met, and a window of failures between two
    ranges of success ends at its upper edge.

    Args:
        settings: what was run.
        runs: run records of the spreads.

    Returns:
        Records with ``criterion``, ``meaning``, ``widths`` (rows with ``all``, ``spreads`` and
        ``failures``), and ``limit``, the extrapolation of ``all``, with a ``reason`` where there is
        none.
    """
    found = []
    for criterion, meaning in CRITERIA.items():
        per_width = [
            (width, _table(settings, runs, criterion, width)) for width in settings.threshold_widths
        ]
        kappas = np.sort(settings.kappas)
        estimates = [
            estimate_threshold(kappas, from_here_on(table), tolerated=settings.tolerated)
            for _, table in per_width
        ]
        found.append(
            {
                "criterion": criterion,
                "meaning": meaning,
                "widths": [
                    _width_record(settings, kappas, width, table, estimate)
                    for (width, table), estimate in zip(per_width, estimates, strict=True)
                ],
                "limit": _limit(settings.threshold_widths, estimates),
            }
        )
    return found


def from_here_on(table: Real[np.ndarray, "kappas ..."]) -> np.ndarray:
    """1 where this and every larger kappa of the same spread and seed has 1, else 0.

    Example:
        >>> from_here_on(np.array([1, 0, 1, 1])[:, None, None]).ravel().tolist()
        [0, 0, 1, 1]
    """
    return np.minimum.accumulate(table[::-1], axis=0)[::-1]


def meets(run: dict[str, Any], criterion: str, kept: float) -> bool:
    """Whether one run does what a criterion asks; one that did not converge never does."""
    if run["outcome"] != "converged":
        return False
    if criterion == "loss":
        return True
    reference = run["kernel"] if criterion == "kernel" else run["bound"]
    return reference is not None and run["rate"] >= kept * reference


def _table(
    settings: TheoremSettings, runs: Sequence[dict[str, Any]], criterion: str, width: int
) -> Float[np.ndarray, "kappas spreads seeds"]:
    kappas = sorted(settings.kappas)
    table = np.zeros((len(kappas), len(settings.spreads), settings.seeds))
    for run in runs:
        if run["width"] == width:
            place = kappas.index(run["kappa"]), settings.spreads.index(run["name"]), run["seed"]
            table[place] = meets(run, criterion, settings.kept)
    return table


def _width_record(
    settings: TheoremSettings,
    kappas: np.ndarray,
    width: int,
    table: np.ndarray,
    estimate: ThresholdEstimate,
) -> dict[str, Any]:
    failed = (1 - table).sum(axis=2)
    return {
        "width": width,
        "all": _record(estimate),
        "spreads": {
            name: _record(
                estimate_threshold(
                    kappas, from_here_on(table[:, place]), tolerated=settings.tolerated
                )
            )
            for place, name in enumerate(settings.spreads)
        },
        "failures": {
            name: {f"{kappa:g}": int(count) for kappa, count in zip(kappas, row, strict=True)}
            for name, row in zip(settings.spreads, failed.T, strict=True)
        },
    }


def _record(estimate: ThresholdEstimate) -> dict[str, Any]:
    """An estimate ready for JSON; ``place`` says where it lies, since an infinite end is null there."""
    place = "inside"
    if estimate.threshold == 0 or estimate.highest_failure == 0:
        place = "below every kappa tried"
    elif not np.isfinite(estimate.threshold) or estimate.all_converged_from is None:
        place = "above every kappa tried"
    return asdict(estimate) | {"interval": list(estimate.interval), "place": place}


def _limit(widths: Sequence[int], estimates: Sequence[ThresholdEstimate]) -> dict[str, Any]:
    """The extrapolation of bounded thresholds in the width, or why there is none."""
    upper = [estimate.interval[1] for estimate in estimates]
    record = {"largest_upper_end": float(max(upper)), "reason": ""}
    if all(estimate.highest_failure == 0 for estimate in estimates):
        return record | {"verdict": "none", "reason": "no run failed at any kappa and width"}
    try:
        found = threshold_limit(widths, estimates)
    except InputError as error:
        return record | {"verdict": "undecided", "reason": f"{error.rule}; here {error.received}"}
    return record | asdict(found) | {"interval": list(found.interval)}
