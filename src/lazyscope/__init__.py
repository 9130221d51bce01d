"""Will this network train lazily, and did it? Predict, train, measure, sweep and show.

Names are loaded when they are first used, so that what needs no JAX does not wait for it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    __version__: str
    from lazyscope._checks import InputError
    from lazyscope._outcome import Outcome, RunError
    from lazyscope.data import Dataset, load_dataset
    from lazyscope.experiment import SingleRun, forecast_run, train_run
    from lazyscope.flow import (
        ExponentialFlow,
        GradientDescent,
        dense_problem,
        function_problem,
        solve_flow,
    )
    from lazyscope.forecast import forecast_problem
    from lazyscope.kernel import (
        explain_tangent_kernel,
        limit_covariance_kernel,
        limit_tangent_kernel,
        predict_flow,
        tangent_kernel,
        tangent_kernel_by_parameter,
        tangent_kernel_product,
    )
    from lazyscope.measure import estimate_exponent
    from lazyscope.model import Centred, Dense
    from lazyscope.observe import (
        Observer,
        as_function,
        open_observations,
        roles_of,
        save_observations,
    )
    from lazyscope.proxy import NarrowProxy, narrow_proxy
    from lazyscope.scaling import Scheme, named_scheme, regime_report
    from lazyscope.study import coordinate_check
    from lazyscope.sweep import SweepDesign, open_store, run_sweep

__all__ = [
    "Centred",
    "Dataset",
    "Dense",
    "ExponentialFlow",
    "GradientDescent",
    "InputError",
    "NarrowProxy",
    "Observer",
    "Outcome",
    "RunError",
    "Scheme",
    "SingleRun",
    "SweepDesign",
    "as_function",
    "coordinate_check",
    "dense_problem",
    "estimate_exponent",
    "explain_tangent_kernel",
    "forecast_problem",
    "forecast_run",
    "function_problem",
    "limit_covariance_kernel",
    "limit_tangent_kernel",
    "load_dataset",
    "named_scheme",
    "narrow_proxy",
    "open_observations",
    "open_store",
    "predict_flow",
    "regime_report",
    "roles_of",
    "run_sweep",
    "save_observations",
    "solve_flow",
    "tangent_kernel",
    "tangent_kernel_by_parameter",
    "tangent_kernel_product",
    "train_run",
]

_HOMES = {
    "Centred": "model",
    "Dataset": "data",
    "Dense": "model",
    "ExponentialFlow": "flow",
    "GradientDescent": "flow",
    "InputError": "_checks",
    "NarrowProxy": "proxy",
    "Observer": "observe",
    "Outcome": "_outcome",
    "RunError": "_outcome",
    "Scheme": "scaling",
    "SingleRun": "experiment",
    "SweepDesign": "sweep",
    "as_function": "observe",
    "coordinate_check": "study",
    "dense_problem": "flow",
    "estimate_exponent": "measure",
    "explain_tangent_kernel": "kernel",
    "forecast_problem": "forecast",
    "forecast_run": "experiment",
    "function_problem": "flow",
    "limit_covariance_kernel": "kernel",
    "limit_tangent_kernel": "kernel",
    "load_dataset": "data",
    "named_scheme": "scaling",
    "narrow_proxy": "proxy",
    "open_observations": "observe",
    "open_store": "sweep",
    "predict_flow": "kernel",
    "regime_report": "scaling",
    "roles_of": "observe",
    "run_sweep": "sweep",
    "save_observations": "observe",
    "solve_flow": "flow",
    "tangent_kernel": "kernel",
    "tangent_kernel_by_parameter": "kernel",
    "tangent_kernel_product": "kernel",
    "train_run": "experiment",
}
_RENAMED = {"tangent_kernel_by_leaf": "tangent_kernel_by_parameter"}
_ROOMS = (
    "claims",
    "data",
    "experiment",
    "flow",
    "forecast",
    "kernel",
    "measure",
    "model",
    "observe",
    "proxy",
    "report",
    "scaling",
    "study",
    "sweep",
    "torch",
)


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return import_module(f"lazyscope.{name}")
    if name == "__version__":
        return import_module("importlib.metadata").version("lazyscope")
    if name in _RENAMED:
        new = _RENAMED[name]
        import_module("lazyscope._deprecated").warn_renamed(f"lazyscope.{name}", new)
        return getattr(import_module("lazyscope"), new)
    if name not in _HOMES:
        raise AttributeError(f"module 'lazyscope' has no attribute {name!r}")
    value = getattr(import_module(f"lazyscope.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*__all__, *_ROOMS, "__version__"})
