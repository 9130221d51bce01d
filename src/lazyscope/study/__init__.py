"""What is run and put together to answer one question, from settings to a stored result?"""

import warnings
from typing import Any

from lazyscope import experiment
from lazyscope.observe import Described
from lazyscope.study._hopeless import HopelessWarning
from lazyscope.study._sweep_exponents import sweep_exponents
from lazyscope.study.condensation._study import CondensationSettings, run_condensation_study
from lazyscope.study.coordinates._record import CoordinateCheck
from lazyscope.study.coordinates._study import coordinate_check
from lazyscope.study.kappa._settings import KappaSettings, kappa_settings
from lazyscope.study.kappa._study import judge_kappa, run_kappa_study
from lazyscope.study.output_scale._study import (
    OutputScaleResult,
    OutputScaleSettings,
    judge_output_scale,
    run_output_scale_study,
)
from lazyscope.study.phase_diagram._estimates import map_estimates
from lazyscope.study.phase_diagram._run import MapResult
from lazyscope.study.phase_diagram._three_layer import ThreeLayerSettings, run_three_layer_study
from lazyscope.study.phase_diagram._two_layer import TwoLayerSettings, run_two_layer_study
from lazyscope.study.random_schemes._estimates import LayerEstimate
from lazyscope.study.random_schemes._law import law_at_widths
from lazyscope.study.random_schemes._study import RandomSchemesSettings, run_random_schemes
from lazyscope.study.theorem._settings import TheoremSettings
from lazyscope.study.theorem._study import judge_theorem, run_theorem_study

__all__ = [
    "CondensationSettings",
    "CoordinateCheck",
    "Described",
    "HopelessWarning",
    "KappaSettings",
    "LayerEstimate",
    "MapResult",
    "OutputScaleResult",
    "OutputScaleSettings",
    "RandomSchemesSettings",
    "TheoremSettings",
    "ThreeLayerSettings",
    "TwoLayerSettings",
    "coordinate_check",
    "judge_kappa",
    "judge_output_scale",
    "judge_theorem",
    "kappa_settings",
    "law_at_widths",
    "map_estimates",
    "run_condensation_study",
    "run_kappa_study",
    "run_output_scale_study",
    "run_random_schemes",
    "run_theorem_study",
    "run_three_layer_study",
    "run_two_layer_study",
    "sweep_exponents",
]

_MOVED = {
    "Experiment": "Experiment",
    "Shape": "Spread",
    "SingleRun": "SingleRun",
    "StudyNetwork": "Architecture",
    "dense_experiment": "network_experiment",
    "forecast_run": "forecast_run",
    "network_experiment": "network_experiment",
    "shape": "spread",
    "shape_names": "spread_names",
    "study_network": "architecture",
    "study_network_names": "architecture_names",
    "train_run": "train_run",
}


def __getattr__(name: str) -> Any:
    """Names that were here before one run had a room of its own."""
    if name not in _MOVED:
        raise AttributeError(f"module 'lazyscope.study' has no attribute {name!r}")
    warnings.warn(
        f"lazyscope.study.{name} is now lazyscope.experiment.{_MOVED[name]}; the old name goes with "
        "version 1.0",
        DeprecationWarning,
        stacklevel=2,
    )
    return getattr(experiment, _MOVED[name])
