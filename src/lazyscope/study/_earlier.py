"""How were studies run before they had one protocol? These names go with 1.0."""

import tempfile
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

import xarray as xr

from lazyscope._checks import check_instance
from lazyscope._file import local_path
from lazyscope.study._registry import find_study
from lazyscope.study._run import judge_stores, judge_study
from lazyscope.study.condensation._stages import staged_runs
from lazyscope.study.phase_diagram.page._study import stored_estimates
from lazyscope.study.random_schemes._estimates import LayerEstimate
from lazyscope.sweep import SweepSummary


@final
@dataclass(frozen=True)
class EarlierResult:
    """What these functions return: runs, estimates of a map, the record, what was done."""

    runs: xr.Dataset
    estimates: xr.Dataset
    summary: SweepSummary
    record: dict[str, Any] = field(default_factory=dict)


MapResult = OutputScaleResult = EarlierResult


def run_kappa_study(settings: Any, store: str | Path | None = None, **how: Any) -> dict[str, Any]:
    """`judge_study` of kappa; its result alone, with its store at `store`."""
    return _result("kappa", settings, store, how)


def run_theorem_study(settings: Any, store: str | Path | None = None, **how: Any) -> dict[str, Any]:
    """`judge_study` of theorem; its result alone, with its stores in `store`."""
    return _result("theorem", settings, store, how)


def run_two_layer_study(
    settings: Any, store: str | Path, *, show_progress: bool = False
) -> EarlierResult:
    """`judge_study` of two-layer, with its store at `store`."""
    return _plane("two-layer", settings, store, show_progress)


def run_three_layer_study(
    settings: Any, store: str | Path, *, show_progress: bool = False
) -> EarlierResult:
    """`judge_study` of three-layer, with its store at `store`."""
    return _plane("three-layer", settings, store, show_progress)


def run_condensation_study(
    settings: Any, store: str | Path, *, show_progress: bool = False
) -> EarlierResult:
    """`judge_study` of condensation, with its store at `store`."""
    found = _plane("condensation", settings, store, show_progress)
    return EarlierResult(staged_runs(found.runs), found.estimates, found.summary, found.record)


def run_output_scale_study(
    settings: Any, store: str | Path, *, show_progress: bool = False
) -> EarlierResult:
    """`judge_study` of output-scale, with its store at `store`."""
    return _plane("output-scale", settings, store, show_progress)


def run_random_schemes(
    settings: Any, folder: str | Path, *, show_progress: bool = False
) -> tuple[LayerEstimate, ...]:
    """`judge_study` of random-schemes; its layers alone."""
    _tell("run_random_schemes")
    done = judge_study(find_study("random-schemes"), settings, folder, show_progress=show_progress)
    return tuple(LayerEstimate.from_json(layer) for layer in done.result["layers"])


def _result(
    name: str, settings: Any, store: str | Path | None, how: dict[str, Any]
) -> dict[str, Any]:
    _tell(f"run_{name}_study")
    study = find_study(name)
    check_instance("settings", settings, study.settings)
    settings = study.decided(settings)
    with tempfile.TemporaryDirectory(prefix="lazyscope-") as made:
        place = local_path("a store", made if store is None else store)
        names = list(study.designs(settings))
        stores = {n: place if names == ["runs"] else place / n for n in names}
        done = judge_stores(study, settings, stores, **how)
    if done.summary.errors:
        told = "; ".join(f"{count} runs: {error}" for error, count in done.summary.errors.items())
        warnings.warn(f"runs are missing. {told}", RuntimeWarning, stacklevel=3)
    return done.result


def _plane(name: str, settings: Any, store: str | Path, shown: bool) -> EarlierResult:
    _tell(f"run_{name.replace('-', '_')}_study")
    place = local_path("a store", store)
    beside = {name: place.with_name(f"{place.name}-{name}") for name in ("real", "narrow")}
    stores = {"runs": place, **beside}
    done = judge_stores(find_study(name), settings, stores, show_progress=shown)
    estimates = stored_estimates(
        done.result.get("estimates", {"variables": {}, "coords": {}, "attrs": {}})
    )
    return EarlierResult(done.runs["runs"], estimates, done.summaries["runs"], done.result)


def _tell(name: str) -> None:
    warnings.warn(
        f"lazyscope.study.{name} is judge_study(find_study(...), settings, folder) now; the old name goes "
        "with 1.0",
        DeprecationWarning,
        stacklevel=4,
    )
