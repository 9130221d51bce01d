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
from lazyscope.study._shapes import Shape, shape, shape_names

__all__ = [
    "Experiment",
    "KappaSettings",
    "Observation",
    "Shape",
    "dense_experiment",
    "observe",
    "observe_compiled",
    "run_kappa_study",
    "shape",
    "shape_names",
]
