"""One run: which network, on which data, drawn, trained and measured how, and kept as what?"""

from lazyscope._checks import METHODS as METHODS
from lazyscope.experiment._data import data_digest as data_digest
from lazyscope.experiment._data import data_digests as data_digests
from lazyscope.experiment._data import data_keys as data_keys
from lazyscope.experiment._data import data_sizes as data_sizes
from lazyscope.experiment._data import run_data as run_data
from lazyscope.experiment._experiment import (
    Experiment,
    function_experiment,
    network_experiment,
)
from lazyscope.experiment._forecast import RunForecast, forecast_run
from lazyscope.experiment._forecast import bound_of_displacements as bound_of_displacements
from lazyscope.experiment._forecast import forecast_verdict as forecast_verdict
from lazyscope.experiment._method import check_training as check_training
from lazyscope.experiment._method import run_method as run_method
from lazyscope.experiment._parametrisation import check_model as check_model
from lazyscope.experiment._parametrisation import is_parametrisation as is_parametrisation
from lazyscope.experiment._parametrisation import network_of as network_of
from lazyscope.experiment._parametrisation import network_scheme
from lazyscope.experiment._parametrisation import run_scheme as run_scheme
from lazyscope.experiment._parametrisation import scaled_network as scaled_network
from lazyscope.experiment._parametrisation import spread_of_kappa as spread_of_kappa
from lazyscope.experiment._parametrisation import (
    with_scores_of_size_one as with_scores_of_size_one,
)
from lazyscope.experiment._quantities import DEFAULT_RECORD as DEFAULT_RECORD
from lazyscope.experiment._quantities import Quantity as Quantity
from lazyscope.experiment._quantities import quantities as quantities
from lazyscope.experiment._quantities import record_names
from lazyscope.experiment._record import RunRecord
from lazyscope.experiment._settings import DEFAULT_SHARE as DEFAULT_SHARE
from lazyscope.experiment._settings import DEFAULT_TOLERANCE as DEFAULT_TOLERANCE
from lazyscope.experiment._settings import FINE_RECORDS as FINE_RECORDS
from lazyscope.experiment._settings import Value as Value
from lazyscope.experiment._settings import canonical as canonical
from lazyscope.experiment._settings import default_settings as default_settings
from lazyscope.experiment._settings import layer_of as layer_of
from lazyscope.experiment._settings import setting as setting
from lazyscope.experiment._settings import setting_names
from lazyscope.experiment._settings import settings_hash as settings_hash
from lazyscope.experiment._settings import unknown_key as unknown_key
from lazyscope.experiment._single import SingleRun
from lazyscope.experiment._spread import Spread, spread, spread_names
from lazyscope.experiment._training import train_run
from lazyscope.experiment._virtual import drawn_scheme as drawn_scheme
from lazyscope.experiment._virtual import width_of as width_of
from lazyscope.experiment.run._program import SHAPES_TOGETHER as SHAPES_TOGETHER
from lazyscope.experiment.run._program import compiled_program as compiled_program
from lazyscope.experiment.run._program import run_inputs as run_inputs
from lazyscope.experiment.run._program import seconds_compiling as seconds_compiling
from lazyscope.experiment.run._program import shape_of as shape_of
from lazyscope.experiment.run._run import look_ahead as look_ahead
from lazyscope.experiment.run._run import run_experiment
from lazyscope.experiment.run._run import run_settings as run_settings

__all__ = [
    "Experiment",
    "RunForecast",
    "RunRecord",
    "SingleRun",
    "Spread",
    "forecast_run",
    "function_experiment",
    "network_experiment",
    "network_scheme",
    "record_names",
    "run_experiment",
    "setting_names",
    "spread",
    "spread_names",
    "train_run",
]
