"""What is run and put together to answer one question, from settings to a stored result?"""

from lazyscope.study._condensation import CondensationSettings, run_condensation_study
from lazyscope.study._coordinate import coordinate_check
from lazyscope.study._coordinate_build import Described
from lazyscope.study._coordinate_record import CoordinateCheck
from lazyscope.study._experiment import (
    Experiment,
    Observation,
    dense_experiment,
    network_experiment,
    observe,
    observe_compiled,
)
from lazyscope.study._hopeless import HopelessWarning
from lazyscope.study._kappa import run_kappa_study
from lazyscope.study._kappa_networks import StudyNetwork, study_network, study_network_names
from lazyscope.study._kappa_settings import KappaSettings, kappa_settings
from lazyscope.study._map_estimates import map_estimates
from lazyscope.study._map_run import MapResult
from lazyscope.study._output_scale import (
    OutputScaleResult,
    OutputScaleSettings,
    judge_output_scale,
    run_output_scale_study,
)
from lazyscope.study._random_schemes import RandomSchemesSettings, run_random_schemes
from lazyscope.study._random_schemes_estimates import LayerEstimate
from lazyscope.study._random_schemes_law import law_at_widths
from lazyscope.study._shapes import Shape, shape, shape_names
from lazyscope.study._single import SingleRun
from lazyscope.study._single_forecast import forecast_run
from lazyscope.study._single_training import train_run
from lazyscope.study._sweep_exponents import sweep_exponents
from lazyscope.study._theorem import run_theorem_study
from lazyscope.study._theorem_settings import TheoremSettings
from lazyscope.study._three_layer import ThreeLayerSettings, run_three_layer_study
from lazyscope.study._two_layer import TwoLayerSettings, run_two_layer_study

__all__ = [
    "CondensationSettings",
    "CoordinateCheck",
    "Described",
    "Experiment",
    "HopelessWarning",
    "KappaSettings",
    "LayerEstimate",
    "MapResult",
    "Observation",
    "OutputScaleResult",
    "OutputScaleSettings",
    "RandomSchemesSettings",
    "Shape",
    "SingleRun",
    "StudyNetwork",
    "TheoremSettings",
    "ThreeLayerSettings",
    "TwoLayerSettings",
    "coordinate_check",
    "dense_experiment",
    "forecast_run",
    "judge_output_scale",
    "kappa_settings",
    "law_at_widths",
    "map_estimates",
    "network_experiment",
    "observe",
    "observe_compiled",
    "run_condensation_study",
    "run_kappa_study",
    "run_output_scale_study",
    "run_random_schemes",
    "run_theorem_study",
    "run_three_layer_study",
    "run_two_layer_study",
    "shape",
    "shape_names",
    "study_network",
    "study_network_names",
    "sweep_exponents",
    "train_run",
]
