"""What is run and put together to answer one question, from settings to a stored result?"""

from lazyscope.study._experiment import (
    Experiment,
    Observation,
    dense_experiment,
    observe,
    observe_compiled,
)
from lazyscope.study._kappa import run_kappa_study
from lazyscope.study._kappa_settings import KappaSettings
from lazyscope.study._map_estimates import map_estimates
from lazyscope.study._map_run import MapResult
from lazyscope.study._shapes import Shape, shape, shape_names
from lazyscope.study._three_layer import ThreeLayerSettings, run_three_layer_study
from lazyscope.study._two_layer import TwoLayerSettings, run_two_layer_study

__all__ = [
    "Experiment",
    "KappaSettings",
    "MapResult",
    "Observation",
    "Shape",
    "ThreeLayerSettings",
    "TwoLayerSettings",
    "dense_experiment",
    "map_estimates",
    "observe",
    "observe_compiled",
    "run_kappa_study",
    "run_three_layer_study",
    "run_two_layer_study",
    "shape",
    "shape_names",
]
