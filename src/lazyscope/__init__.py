"""Will this network train lazily, and did it? Predict, train, measure, sweep and show.

Names are loaded when they are first used, so that what needs no JAX does not wait for it.
"""

import logging
from importlib import import_module
from typing import TYPE_CHECKING, Any

from lazyscope._lazy import homes_of, loaded

if TYPE_CHECKING:
    __version__: str
    from lazyscope._checks import InputError as InputError
    from lazyscope._outcome import Outcome as Outcome
    from lazyscope._outcome import RunError as RunError
    from lazyscope.data import Dataset as Dataset
    from lazyscope.data import load_dataset as load_dataset
    from lazyscope.experiment import SingleRun as SingleRun
    from lazyscope.experiment import forecast_run as forecast_run
    from lazyscope.experiment import train_run as train_run
    from lazyscope.flow import ExponentialFlow as ExponentialFlow
    from lazyscope.flow import GradientDescent as GradientDescent
    from lazyscope.flow import dense_problem as dense_problem
    from lazyscope.flow import function_problem as function_problem
    from lazyscope.flow import solve_flow as solve_flow
    from lazyscope.forecast import forecast_problem as forecast_problem
    from lazyscope.kernel import conjugate_kernel as conjugate_kernel
    from lazyscope.kernel import drawn_tangent_kernel as drawn_tangent_kernel
    from lazyscope.kernel import explain_tangent_kernel as explain_tangent_kernel
    from lazyscope.kernel import limit_covariance_kernel as limit_covariance_kernel
    from lazyscope.kernel import limit_tangent_kernel as limit_tangent_kernel
    from lazyscope.kernel import linearise as linearise
    from lazyscope.kernel import predict_flow as predict_flow
    from lazyscope.kernel import tangent_kernel as tangent_kernel
    from lazyscope.kernel import tangent_kernel_by_parameter as tangent_kernel_by_parameter
    from lazyscope.kernel import tangent_kernel_diagonal as tangent_kernel_diagonal
    from lazyscope.kernel import tangent_kernel_product as tangent_kernel_product
    from lazyscope.kernel import tangent_kernel_trace as tangent_kernel_trace
    from lazyscope.kernel import taylor as taylor
    from lazyscope.measure import estimate_exponent as estimate_exponent
    from lazyscope.model import Centred as Centred
    from lazyscope.model import Dense as Dense
    from lazyscope.monte_carlo import limit_kernel_estimate as limit_kernel_estimate
    from lazyscope.observe import Observer as Observer
    from lazyscope.observe import as_function as as_function
    from lazyscope.observe import open_observations as open_observations
    from lazyscope.observe import roles_of as roles_of
    from lazyscope.observe import save_observations as save_observations
    from lazyscope.proxy import NarrowProxy as NarrowProxy
    from lazyscope.proxy import narrow_proxy as narrow_proxy
    from lazyscope.scaling import Scheme as Scheme
    from lazyscope.scaling import named_scheme as named_scheme
    from lazyscope.scaling import regime_report as regime_report
    from lazyscope.study import coordinate_check as coordinate_check
    from lazyscope.study.named import run_condensation_study as run_condensation_study
    from lazyscope.study.named import run_coordinates_study as run_coordinates_study
    from lazyscope.study.named import run_kappa_study as run_kappa_study
    from lazyscope.study.named import run_narrow_proxy_study as run_narrow_proxy_study
    from lazyscope.study.named import run_output_scale_study as run_output_scale_study
    from lazyscope.study.named import run_random_schemes_study as run_random_schemes_study
    from lazyscope.study.named import run_theorem_study as run_theorem_study
    from lazyscope.study.named import run_three_layer_study as run_three_layer_study
    from lazyscope.study.named import run_two_layer_study as run_two_layer_study
    from lazyscope.sweep import SweepDesign as SweepDesign
    from lazyscope.sweep import open_store as open_store
    from lazyscope.sweep import run_sweep as run_sweep

logging.getLogger(__name__).addHandler(logging.NullHandler())
(_HOMES,) = homes_of(__name__)
__all__ = sorted(_HOMES)  # pyright: ignore[reportUnsupportedDunderAll]

_RENAMED = {"tangent_kernel_by_leaf": "tangent_kernel_by_parameter"}
_ROOMS = (
    "claims",
    "composed",
    "data",
    "estimators",
    "experiment",
    "flow",
    "forecast",
    "kernel",
    "measure",
    "model",
    "monte_carlo",
    "observe",
    "operator",
    "proxy",
    "report",
    "scaling",
    "study",
    "sweep",
    "torch",
)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return loaded(__name__, _HOMES, name)
    if name in _ROOMS:
        return import_module(f"lazyscope.{name}")
    if name == "__version__":
        return import_module("importlib.metadata").version("lazyscope")
    if name in _RENAMED:
        new = _RENAMED[name]
        import_module("lazyscope._deprecated").warn_renamed(f"lazyscope.{name}", new)
        return getattr(import_module("lazyscope"), new)
    raise AttributeError(f"module 'lazyscope' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*__all__, *_ROOMS, "__version__"})
