"""What is run and put together to answer one question, from settings to a stored result?"""

from lazyscope.observe import Described
from lazyscope.study._experiment import (
    Experiment,
    Observation,
    dense_experiment,
    network_experiment,
    observe,
    observe_compiled,
)
from lazyscope.study._hopeless import HopelessWarning
from lazyscope.study._shapes import Shape, shape, shape_names
from lazyscope.study._sweep_exponents import sweep_exponents
from lazyscope.study.condensation._study import CondensationSettings, run_condensation_study
from lazyscope.study.coordinates._record import CoordinateCheck
from lazyscope.study.coordinates._study import coordinate_check
from lazyscope.study.kappa._networks import StudyNetwork, study_network, study_network_names
from lazyscope.study.kappa._settings import KappaSettings, kappa_settings
from lazyscope.study.kappa._study import run_kappa_study
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
from lazyscope.study.single._forecast import forecast_run
from lazyscope.study.single._run import SingleRun
from lazyscope.study.single._training import train_run
from lazyscope.study.theorem._settings import TheoremSettings
from lazyscope.study.theorem._study import run_theorem_study

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
