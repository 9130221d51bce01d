"""What is computed from the start and the end of a run, to be kept?"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lazyscope.flow import FlowResult, Problem, linearise
from lazyscope.kernel import as_matrix
from lazyscope.measure import displacement, error_rate, kernel_change, linearisation_gap

NUM_NEURONS = 256
"""Neurons whose weights are kept; their order is random, so the first ones are a fair sample."""


class Judge(NamedTuple):
    """What a run is judged on, beside the points that it is trained on.

    Attributes:
        x_test, y_test: test points and their targets; may be none.
        y_train: training targets as they came, without the shift of a centred network.
        offset: initial outputs on the test points that a centred network subtracts, else 0.
    """

    x_test: Float[Array, "n_test d"]
    y_test: Float[Array, "n_test C"]
    y_train: Float[Array, "n C"]
    offset: Float[Array, "n_test C"] | float


def run_quantities(
    record: tuple[str, ...], problem: Problem, result: FlowResult, judge: Judge
) -> dict[str, Array]:
    """The variables of `record` for one run; traced."""
    values: dict[str, Array] = {
        "steps": result.num_steps,
        "time": result.time,
        "loss_initial": result.initial_loss,
        "loss_final": result.loss,
    }
    if "displacement" in record:
        moved = displacement(problem.params, result.params)
        values["displacement_operator"] = moved.operator
        values["displacement_frobenius"] = moved.frobenius
    if "loss_curve" in record:
        values.update(_curve(result))
    if "kernel" in record:
        values.update(_kernel(problem, result))
    if "linearisation" in record:
        values.update(_linearisation(problem, result, judge))
    if "neurons" in record:
        for when, params in (("initial", problem.params), ("final", result.params)):
            values[f"input_weights_{when}"] = params[0].weight[:NUM_NEURONS]
            values[f"output_weights_{when}"] = params[-1].weight[:, :NUM_NEURONS].T
    return values


def without_gaps(values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """`values` with the unused slots of the loss curve taken out."""
    if "curve_time" not in values:
        return values
    used = ~np.isnan(values["curve_time"])
    return {**values, **{name: values[name][used] for name in ("curve_time", "curve_loss")}}


def _curve(result: FlowResult) -> dict[str, Array]:
    """Start, records and end; slots that are unused or beyond the end hold NaN."""
    inside = result.curve_time.ravel() < result.time
    times = jnp.where(inside, result.curve_time.ravel(), jnp.nan)
    losses = jnp.where(inside, result.curve_loss.ravel(), jnp.nan)
    start, end = jnp.zeros_like(result.time), result.time
    return {
        "curve_time": jnp.concatenate([start[None], times, end[None]]),
        "curve_loss": jnp.concatenate([result.initial_loss[None], losses, result.loss[None]]),
    }


def _linearisation(problem: Problem, result: FlowResult, judge: Judge) -> dict[str, Array]:
    """Distance from the linearised network at the end of the run, and the errors of both."""
    linear = linearise(problem, judge.x_test)
    train = problem.model.apply(result.params, problem.x)
    test = problem.model.apply(result.params, judge.x_test)
    linear_test = linear.outputs_other(result.time)
    return {
        "gap_train": linearisation_gap(train, linear.outputs(result.time), judge.y_train),
        "gap_test": linearisation_gap(test, linear_test, judge.y_train),
        "test_error": error_rate(test - judge.offset, judge.y_test),
        "linearised_test_error": error_rate(linear_test - judge.offset, judge.y_test),
    }


def _kernel(problem: Problem, result: FlowResult) -> dict[str, Array]:
    first, last = (problem.kernel.expand(p, problem.x) for p in (problem.params, result.params))
    eigenvalues = jnp.linalg.eigvalsh(as_matrix(first.kernel(problem.speeds)))
    averaged = (each.mean_kernel(problem.speeds) for each in (first, last))
    return {
        "kernel_change": kernel_change(*averaged),
        "kernel_min": eigenvalues[0],
        "kernel_max": eigenvalues[-1],
    }
