"""Does kappa alone decide how far the layers move, however it is spread over them?"""

import warnings
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

import numpy as np
import xarray as xr

from lazyscope._checks import InputError, optimiser_of
from lazyscope._provenance import versions
from lazyscope.data import Dataset
from lazyscope.experiment import DEFAULT_SHARE
from lazyscope.model import architecture
from lazyscope.study._guarantee import Bound
from lazyscope.study._hopeless import HopelessWarning, hopeless_spreads
from lazyscope.study.kappa._outside import check_reachable, outside, outside_by_start
from lazyscope.study.kappa._records import forecast_cell, told_runs
from lazyscope.study.kappa._settings import FLOW, KappaSettings
from lazyscope.study.kappa._verdict import NUM_KAPPAS, judge

FORMAT = 2
"""Of the result: 1 called spreads shapes."""


def judge_kappa(settings: KappaSettings, runs: xr.Dataset) -> dict[str, Any]:
    """The result of a kappa study from its opened store; nothing is trained.

    Args:
        settings: of the study.
        runs: what `open_store` gives of the runs of ``settings.design()``.

    Returns:
        A dict ready for JSON: settings, runs, curves, test outputs, fits with intervals, collapse over
        widths, schemes with regimes, the verdict and, of the ``timing``, the time that the runs took
        together. Where groups differ in leverage, ``weighed`` judges displacements times leverage the
        same way.
    """
    data = settings.points()
    told = list(told_runs(settings, data, _bound(settings, data), runs))
    records = [each.run for each in told]
    shown = [each for each in told if each.run["seed"] == 0]
    fitted = sorted(settings.ladder)[-NUM_KAPPAS:]
    reasons = {} if settings.centred else outside_by_start(records, fitted, data)
    return {
        "study": "kappa",
        "format": FORMAT,
        "lazyscope": versions()["lazyscope"],
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "settings": _settings_record(settings, data),
        "runs": records,
        "curves": [each.curve for each in shown],
        "test_outputs": [each.test_outputs for each in shown if settings.method == FLOW],
        **judge(
            records,
            settings.spreads,
            len(_first_network(settings, data).shapes) - 1,
            homogeneous=architecture(settings.model).homogeneous,
            outside=reasons | {n: why for n in settings.spreads if (why := outside(settings, n))},
            accuracy=settings.accuracy,
            optimiser=optimiser_of(settings.method),
        ),
        "timing": {
            "compile_seconds": None,
            "run_seconds": float(np.nansum(runs["seconds"].values)),
            "total_seconds": None,
        },
    }


def warn_of_hopeless_spreads(settings: KappaSettings) -> None:
    """Say before the runs which spreads they cannot decide, and refuse a study where it is all.

    Raises:
        InputError: data that cannot be read or equal points with different targets, or kappas at which every
            spread is expected to move by half of its size and more, so that no slope could be judged.

    Warns:
        HopelessWarning: spreads of which this is true while others can be judged.
    """
    data = settings.points()
    check_reachable(data, settings.stop)

    def foresee(cell: tuple[int, str, float, int]) -> dict[str, Any]:
        width, name, kappa, seed = cell
        return forecast_cell(settings, data, name, kappa, width, seed)

    needed = hopeless_spreads(settings, foresee)
    if needed:
        told = ", ".join(f"{name} (kappa {kappa:.3g})" for name, kappa in needed.items())
        warnings.warn(
            f"the slopes of these spreads will stay undecided, since a slope is fitted to the largest "
            f"four kappas, which begin below the kappa where they train lazily: {told}",
            HopelessWarning,
            stacklevel=6,
        )


def _bound(settings: KappaSettings, data: Dataset) -> Bound | None:
    """The theorem's rate, None for networks and points of which it does not speak."""
    if settings.method != FLOW:
        return None
    try:
        return Bound(data, settings.depth, settings.activation, settings.model)
    except InputError:
        return None


def _first_network(settings: KappaSettings, data: Dataset) -> Any:
    width, name, kappa = settings.widths[0], settings.spreads[0], settings.ladder[0]
    return settings.network(data, name, kappa, width)[0]


def _settings_record(settings: KappaSettings, data: Dataset) -> dict[str, Any]:
    plain = {f.name: getattr(settings, f.name) for f in fields(settings)}
    if settings.method != FLOW:
        plain["share"] = DEFAULT_SHARE
    return plain | {
        "spreads": list(settings.spreads),
        "kappas": list(settings.ladder),
        "widths": list(settings.widths),
        "seeds": list(range(settings.seeds)),
        "num_outputs": data.y_train.shape[1],
        "network": architecture(settings.model).words.format(
            depth=settings.depth, activation=settings.activation
        ),
        "groups": list(_first_network(settings, data).group_names),
        "description": list(data.description),
        "digest": data.summary()["digest"],
        "method": "exponential flow" if settings.method == FLOW else settings.method,
        "versions": versions(),
    }
