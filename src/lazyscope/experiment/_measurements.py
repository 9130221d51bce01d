"""What is computed from the start and the end of a run, to be kept?"""

from functools import cached_property
from typing import Any, final

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lazyscope._loss import check_squared
from lazyscope._outcome import Outcome
from lazyscope._types import Params, Scalar
from lazyscope.experiment._experiment import Experiment
from lazyscope.flow import (
    AbstractMethod,
    FlowResult,
    LinearisedFlow,
    Problem,
    linearise,
    linearised_problem,
    trace_flow,
)
from lazyscope.forecast import trace_forecast
from lazyscope.kernel import AbstractExpansion, as_matrix, resolved
from lazyscope.measure import (
    Displacement,
    error_rate,
    kernel_change,
    linearisation_gap,
    mean_squared_error,
    operator_norms,
    relative_change,
)
from lazyscope.model import group_norms

NUM_NEURONS = 256
"""Neurons whose weights are kept; their order is random, so the first ones are a fair sample."""

_FEW = 4  # records of a curve that nobody reads

Values = dict[str, Array]
"""Variables of one run by name; traced."""


def run_quantities(
    record: tuple[str, ...],
    experiment: Experiment,
    stop: Scalar | float,
    result: FlowResult | None = None,
    *,
    method: AbstractMethod | None = None,
    max_steps: int | Array = 0,
) -> Values:
    """The variables of `record` for one run.

    Args:
        record: what to keep.
        experiment: what was trained.
        stop: fraction of the loss at which training ends, which forecasts are for.
        result: how it ended; only what is known before training is told where there is none.
        method: how it is trained, for a forecast of its steps.
        max_steps: at most.
    """
    seen = _Ends(experiment, stop, result)
    values: Values = {}
    if {"forecast", "forecast_kernel", "spectrum"} & set(record):
        values.update(_forecast(record, seen))
    if "forecast_steps" in record:
        assert method is not None
        values.update(_forecast_steps(seen, method, max_steps))
    if "start" in record:
        values["residual_size"] = jnp.max(jnp.abs(seen.residual))
        values["target_size"] = jnp.max(jnp.abs(seen.problem.y))
    if result is None:
        return {
            "loss_initial": seen.problem.loss_of(seen.problem.start_outputs(seen.first.outputs)),
            **values,
        }
    values |= {
        "steps": result.num_steps,
        "time": result.time,
        "loss_initial": result.initial_loss,
        "loss_final": result.loss,
    }
    for name, measure in _MEASURES.items():
        if name in record:
            values.update(measure(seen, result))
    return values


def without_gaps(values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """`values` with the unused slots of curves taken out."""
    if "curve_time" not in values:
        return {name: value for name, value in values.items() if name != "linearised_loss"}
    used = ~np.isnan(values["curve_time"])
    curves = ("curve_time", "curve_loss", "linearised_loss")
    return {name: value[used] if name in curves else value for name, value in values.items()}


@final
class _Ends:
    """A run at its ends; what several measures need is computed once."""

    def __init__(
        self, experiment: Experiment, stop: Scalar | float, result: FlowResult | None
    ) -> None:
        self.experiment, self.stop, self.problem = experiment, stop, experiment.problem.started()
        self._result = result

    @property
    def result(self) -> FlowResult:
        """How the run ended."""
        assert self._result is not None
        return self._result

    @cached_property
    def norms(self) -> Float[Array, " groups"]:
        """Operator norms at the start."""
        return operator_norms(self.problem.params)

    @cached_property
    def displacement(self) -> Displacement:
        """How far training moved every group."""
        return relative_change(self.problem.params, self.result.displacement, self.norms)

    @cached_property
    def first(self) -> AbstractExpansion:
        """Outputs and kernel on the training points at the start."""
        return self.problem.kernel.expand(self.problem.params, self.problem.x)

    @cached_property
    def residual(self) -> Float[Array, "n C"]:
        """What is left before training."""
        return self.problem.start_outputs(self.first.outputs) - self.problem.y

    @cached_property
    def last(self) -> AbstractExpansion:
        """The same at the end."""
        return self.problem.kernel.expand(self.result.params, self.problem.x)

    @cached_property
    def linear(self) -> LinearisedFlow:
        """The linearised network."""
        return linearise(self.problem, self.experiment.x_test)

    @cached_property
    def test(self) -> Float[Array, "n_test C"]:
        """Outputs on the test points at the end."""
        return self.problem.outputs_after(self.result.displacement, self.experiment.x_test)

    @cached_property
    def linear_test(self) -> Float[Array, "n_test C"]:
        """Those of the linearised network."""
        return self.linear.outputs_other(self.result.time)


def _displacement(seen: _Ends, result: FlowResult) -> Values:
    moved = seen.displacement
    return {
        "displacement_operator": moved.operator,
        "displacement_frobenius": moved.frobenius,
    }


def _total(seen: _Ends, result: FlowResult) -> Values:
    return {"displacement_total": seen.displacement.total}


def _curve(seen: _Ends, result: FlowResult) -> Values:
    """Start, records and end; slots that are unused or beyond the end hold NaN."""
    inside = result.curve_time.ravel() < result.time
    times = jnp.where(inside, result.curve_time.ravel(), jnp.nan)
    losses = jnp.where(inside, result.curve_loss.ravel(), jnp.nan)
    start, end = jnp.zeros_like(result.time), result.time
    return {
        "curve_time": jnp.concatenate([start[None], times, end[None]]),
        "curve_loss": jnp.concatenate([result.initial_loss[None], losses, result.loss[None]]),
    }


def _linearised_curve(seen: _Ends, result: FlowResult) -> Values:
    """In the slots of the loss curve; nothing at its end, which is the network's and not this one's."""
    losses = seen.linear.loss(result.curve_time).ravel()
    nothing = jnp.full((1,), jnp.nan, losses.dtype)
    return {"linearised_loss": jnp.concatenate([result.initial_loss[None], losses, nothing])}


def _kernel(seen: _Ends, result: FlowResult) -> Values:
    speeds = seen.problem.speeds
    eigenvalues = jnp.linalg.eigvalsh(as_matrix(seen.first.kernel(speeds)))
    averaged = (each.mean_kernel(speeds) for each in (seen.first, seen.last))
    return {
        "kernel_change": kernel_change(*averaged),
        "kernel_min": eigenvalues[0],
        "kernel_max": eigenvalues[-1],
    }


def _rates(seen: _Ends, result: FlowResult) -> Values:
    check_squared("the rate at which a loss falls", seen.problem.criterion)
    return {
        name: _slowest(
            jnp.linalg.eigvalsh(as_matrix(each.kernel(seen.problem.speeds))), seen.problem
        )
        for name, each in (("rate_initial", seen.first), ("rate_final", seen.last))
    }


def _slowest(
    values: Float[Array, " modes"], problem: Problem, precision: str = "float64"
) -> Scalar:
    """2 lambda_min / n, zero where lambda_min is rounding."""
    return 2.0 * jnp.where(resolved(values, precision), values, 0.0)[0] / problem.x.shape[0]


def _linearisation(seen: _Ends, result: FlowResult) -> Values:
    """Distance from the linearised network at the end of the run, and the errors of both."""
    given, linear = seen.experiment, seen.linear.outputs(result.time)
    outputs = seen.problem.trained(seen.last.outputs, result.displacement)
    return {
        "gap_train": linearisation_gap(outputs, linear, given.y_train),
        "gap_test": linearisation_gap(seen.test, seen.linear_test, given.y_train),
        **_test_error(seen, result),
        "linearised_test_error": error_rate(seen.linear_test, given.y_test),
    }


def _test_error(seen: _Ends, result: FlowResult) -> Values:
    return {"test_error": error_rate(seen.test, seen.experiment.y_test)}


def _outputs(seen: _Ends, result: FlowResult) -> Values:
    targets = seen.experiment.y_test
    return {
        "test_outputs": seen.test,
        "linearised_test_outputs": seen.linear_test,
        "test_loss": mean_squared_error(seen.test, targets),
        "linearised_test_loss": mean_squared_error(seen.linear_test, targets),
    }


def _neurons(seen: _Ends, result: FlowResult) -> Values:
    values = {}
    for when, params in (("initial", seen.problem.params), ("final", result.params)):
        values[f"input_weights_{when}"] = params[0].weight[:NUM_NEURONS]
        values[f"output_weights_{when}"] = params[-1].weight[:, :NUM_NEURONS].T
    return values


def _forecast(record: tuple[str, ...], seen: _Ends) -> Values:
    ahead, params = trace_forecast(seen.problem, seen.stop), seen.problem.params
    values: Values = {}
    if "spectrum" in record:
        values |= {"eigenvalues": ahead.eigenvalues, "energies": ahead.energies}
    if "forecast" in record:
        moved = relative_change(params, ahead.change, seen.norms)
        values |= {
            "forecast_operator": moved.operator,
            "forecast_frobenius": ahead.displacement,
            "forecast_bound": ahead.displacement * group_norms(params) / seen.norms,
            "forecast_rate": _slowest(ahead.eigenvalues, seen.problem, ahead.precision),
            "lambda_min": ahead.eigenvalues[0],
            "lambda_max": ahead.eigenvalues[-1],
        }
    if "forecast_kernel" in record:
        values["forecast_kernel_change"] = _kernel_change_at(seen, ahead.change)
    return values


def _forecast_steps(seen: _Ends, method: AbstractMethod, max_steps: int | Array) -> Values:
    """What the linearised network does under the same steps; NaN where they do not reach the stop."""
    problem, norms = linearised_problem(seen.problem), group_norms(seen.problem.params)
    end = trace_flow(problem, method, seen.stop, jnp.inf, max_steps=max_steps, num_records=_FEW)
    model: Any = problem.model
    change = model.tree_of(end.displacement)
    moved = relative_change(seen.problem.params, change, seen.norms)
    values: Values = {
        "forecast_operator": moved.operator,
        "forecast_frobenius": moved.frobenius,
        "forecast_bound": moved.frobenius * norms / seen.norms,
        "forecast_num_steps": end.num_steps.astype(moved.frobenius.dtype),
        "forecast_time": end.time,
        "forecast_kernel_change": _kernel_change_at(seen, change),
    }
    ended = end.outcome_code == Outcome.CONVERGED.value
    return {name: jnp.where(ended, value, jnp.nan) for name, value in values.items()}


def _kernel_change_at(seen: _Ends, change: Params) -> Scalar:
    """Relative change of the kernel where the parameters have changed by this much."""
    there = jax.tree.map(jnp.add, seen.problem.params, change)
    ended = seen.problem.kernel.expand(there, seen.problem.x)
    averaged = (each.mean_kernel(seen.problem.speeds) for each in (seen.first, ended))
    return kernel_change(*averaged)


_MEASURES = {
    "displacement": _displacement,
    "total": _total,
    "loss_curve": _curve,
    "linearised_curve": _linearised_curve,
    "kernel": _kernel,
    "rates": _rates,
    "linearisation": _linearisation,
    "test_error": _test_error,
    "outputs": _outputs,
    "neurons": _neurons,
}
"""What training decides, by the name under which a sweep asks for it."""
