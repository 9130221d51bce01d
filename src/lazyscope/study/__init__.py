"""What is run and put together to answer one question, from settings to a stored result?

A name is imported when it is asked for, so that the list of studies costs no import of what they run. The
first block has the public names, the second what commands and claims use as well, the third what stays until
1.0 and says what is in its place.
"""

from typing import TYPE_CHECKING, Any

from lazyscope._deprecated import moved
from lazyscope._lazy import homes_of, loaded

if TYPE_CHECKING:
    from lazyscope.study._hopeless import HopelessWarning as HopelessWarning
    from lazyscope.study._paper import save_figures as save_figures
    from lazyscope.study._protocol import AbstractStudy as AbstractStudy
    from lazyscope.study._registry import find_study as find_study
    from lazyscope.study._registry import study_names as study_names
    from lazyscope.study._run import MissingRunsError as MissingRunsError
    from lazyscope.study._run import StudyRun as StudyRun
    from lazyscope.study._run import judge_study as judge_study
    from lazyscope.study._run import redraw_study as redraw_study
    from lazyscope.study._run import run_study as run_study
    from lazyscope.study._sweep_exponents import sweep_exponents as sweep_exponents
    from lazyscope.study.condensation._settings import CondensationSettings as CondensationSettings
    from lazyscope.study.condensation.page._figure import (
        draw_order_parameter as draw_order_parameter,
    )
    from lazyscope.study.condensation.page._page import (
        write_condensation_page as write_condensation_page,
    )
    from lazyscope.study.coordinates._record import CoordinateCheck as CoordinateCheck
    from lazyscope.study.coordinates._settings import CoordinateSettings as CoordinateSettings
    from lazyscope.study.coordinates._study import coordinate_check as coordinate_check
    from lazyscope.study.coordinates.page._figure import (
        draw_coordinate_check as draw_coordinate_check,
    )
    from lazyscope.study.coordinates.trained._record import TrainedCheck as TrainedCheck
    from lazyscope.study.kappa._settings import KappaSettings as KappaSettings
    from lazyscope.study.kappa._settings import kappa_settings as kappa_settings
    from lazyscope.study.kappa.page._figures import draw_displacement as draw_displacement
    from lazyscope.study.kappa.page._figures import draw_forecast as draw_forecast
    from lazyscope.study.kappa.page._figures import draw_loss as draw_loss
    from lazyscope.study.kappa.page._page import write_kappa_page as write_kappa_page
    from lazyscope.study.kappa.page._summary import kappa_summary as kappa_summary
    from lazyscope.study.narrow_proxy._settings import NarrowProxySettings as NarrowProxySettings
    from lazyscope.study.narrow_proxy.page._figure import draw_predicted_loss as draw_predicted_loss
    from lazyscope.study.narrow_proxy.page._page import (
        write_narrow_proxy_page as write_narrow_proxy_page,
    )
    from lazyscope.study.output_scale._judge import judge_output_scale as judge_output_scale
    from lazyscope.study.output_scale._settings import OutputScaleSettings as OutputScaleSettings
    from lazyscope.study.output_scale.page._figure import draw_crossover as draw_crossover
    from lazyscope.study.output_scale.page._page import (
        write_output_scale_page as write_output_scale_page,
    )
    from lazyscope.study.phase_diagram._estimates import map_estimates as map_estimates
    from lazyscope.study.phase_diagram._three_layer import ThreeLayerSettings as ThreeLayerSettings
    from lazyscope.study.phase_diagram._two_layer import TwoLayerSettings as TwoLayerSettings
    from lazyscope.study.phase_diagram.page._figures import draw_map as draw_map
    from lazyscope.study.phase_diagram.page._figures import draw_scaling as draw_scaling
    from lazyscope.study.phase_diagram.page._lines import draw_exponents as draw_exponents
    from lazyscope.study.phase_diagram.page._lines import (
        write_exponents_page as write_exponents_page,
    )
    from lazyscope.study.phase_diagram.page._page import write_map_page as write_map_page
    from lazyscope.study.random_schemes._estimates import LayerEstimate as LayerEstimate
    from lazyscope.study.random_schemes._law import law_at_widths as law_at_widths
    from lazyscope.study.random_schemes._settings import (
        RandomSchemesSettings as RandomSchemesSettings,
    )
    from lazyscope.study.theorem._settings import TheoremSettings as TheoremSettings
    from lazyscope.study.theorem._settings import theorem_settings as theorem_settings
    from lazyscope.study.theorem.page._page import write_theorem_page as write_theorem_page

if TYPE_CHECKING:
    from lazyscope.study._run import stored_studies as stored_studies
    from lazyscope.study.kappa._study import judge_kappa as judge_kappa
    from lazyscope.study.output_scale._collapse import curves_apart as curves_apart
    from lazyscope.study.phase_diagram._estimates import MARGIN as MARGIN
    from lazyscope.study.phase_diagram.page._study import stored_estimates as stored_estimates
    from lazyscope.study.random_schemes._estimates import (
        estimate_virtual_layers as estimate_virtual_layers,
    )
    from lazyscope.study.random_schemes._judge import RMS as RMS
    from lazyscope.study.random_schemes._judge import TIE as TIE
    from lazyscope.study.random_schemes._judge import VIRTUAL_RMS as VIRTUAL_RMS
    from lazyscope.study.random_schemes._judge import VIRTUAL_TIE as VIRTUAL_TIE
    from lazyscope.study.random_schemes._judge import rms_of_errors as rms_of_errors
    from lazyscope.study.random_schemes._virtual import in_own_time as in_own_time
    from lazyscope.study.random_schemes._virtual import virtual_widths as virtual_widths
    from lazyscope.study.theorem._bound import mean_ratio as mean_ratio
    from lazyscope.study.theorem._factors import product as product
    from lazyscope.study.theorem._kernel import normalised_kernels as normalised_kernels
    from lazyscope.study.theorem._records import run_record as run_record
    from lazyscope.study.theorem._start import LowestMode as LowestMode
    from lazyscope.study.theorem._study import judge_theorem as judge_theorem
    from lazyscope.study.theorem._threshold import from_here_on as from_here_on
    from lazyscope.study.theorem._verdict import LEAST_RATIO as LEAST_RATIO

if TYPE_CHECKING:
    from lazyscope.study._earlier import MapResult as MapResult
    from lazyscope.study._earlier import OutputScaleResult as OutputScaleResult
    from lazyscope.study._earlier import run_condensation_study as run_condensation_study
    from lazyscope.study._earlier import run_kappa_study as run_kappa_study
    from lazyscope.study._earlier import run_output_scale_study as run_output_scale_study
    from lazyscope.study._earlier import run_random_schemes as run_random_schemes
    from lazyscope.study._earlier import run_theorem_study as run_theorem_study
    from lazyscope.study._earlier import run_three_layer_study as run_three_layer_study
    from lazyscope.study._earlier import run_two_layer_study as run_two_layer_study

_PUBLIC, _SHARED, _EARLIER = homes_of(__name__)
_HOMES = _PUBLIC | _SHARED | _EARLIER

_moved = moved(
    __name__,
    {
        "Described": "lazyscope.observe.Described",
        "Experiment": "lazyscope.experiment.Experiment",
        "Observation": "lazyscope.experiment.RunRecord",
        "Shape": "lazyscope.experiment.Spread",
        "SingleRun": "lazyscope.experiment.SingleRun",
        "StudyNetwork": "lazyscope.model.Architecture",
        "dense_experiment": "lazyscope.experiment.network_experiment",
        "forecast_run": "lazyscope.experiment.forecast_run",
        "network_experiment": "lazyscope.experiment.network_experiment",
        "observe": "lazyscope.experiment.run_experiment",
        "observe_compiled": "lazyscope.experiment.run_experiment",
        "shape": "lazyscope.experiment.spread",
        "shape_names": "lazyscope.experiment.spread_names",
        "study_network": "lazyscope.model.architecture",
        "study_network_names": "lazyscope.model.network_names",
        "train_run": "lazyscope.experiment.train_run",
    },
)
"""Names that were here before one run had a room of its own."""

__all__ = [*_PUBLIC]  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    return loaded(__name__, _HOMES, name) if name in _HOMES else _moved(name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
