"""What is one run of the instrument: predict, train, measure?"""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from lazyscope._checks import check_alike, check_count, check_not_negative, check_tree, is_known
from lazyscope._entry import checked
from lazyscope._types import Params
from lazyscope.data import Dataset
from lazyscope.flow import (
    AbstractMethod,
    FlowResult,
    Problem,
    dense_problem,
    linearise,
    trace_flow,
)
from lazyscope.kernel import FunctionKernel
from lazyscope.measure import (
    Displacement,
    displacement,
    error_rate,
    kernel_change,
    linearisation_gap,
)
from lazyscope.model import AbstractNetwork, Centred, Dense, FunctionModel, parameter_groups


class Observation(eqx.Module):
    """What training did, and how far it was from the linearised network.

    Attributes:
        result: the trained problem.
        displacement: relative displacement of every layer.
        kernel_change: relative change of the output-averaged kernel on the training points.
        gap_train, gap_test: distance from the linearised network at the final time, in rms targets.
        test_outputs, linearised_test_outputs: outputs on the test points at the final time.
        error, linearised_error: share of test points with the wrong class.
        linearised_curve: loss of the linearised network at the recorded times.
    """

    result: FlowResult
    displacement: Displacement
    kernel_change: Float[Array, ""]
    gap_train: Float[Array, ""]
    gap_test: Float[Array, ""]
    test_outputs: Float[Array, "n_test C"]
    linearised_test_outputs: Float[Array, "n_test C"]
    error: Float[Array, ""]
    linearised_error: Float[Array, ""]
    linearised_curve: Float[Array, "records points"]


class Experiment(eqx.Module):
    """A problem and the points it is judged on.

    Attributes:
        problem: what to train; a centred network as its inner one with targets shifted by f_0.
        x_test: test points.
        y_test: their targets.
        y_train: training targets as they came, without a shift.
        offset_test: f_0 on the test points for a centred network, else zeros.
    """

    problem: Problem
    x_test: Float[Array, "n_test ..."]
    y_test: Float[Array, "n_test C"]
    y_train: Float[Array, "n C"]
    offset_test: Float[Array, "n_test C"]


@checked()
def dense_experiment(
    model: Dense,
    params: Params,
    data: Dataset,
    speeds: Float[ArrayLike, " layers"],
    *,
    centred: bool,
) -> Experiment:
    """The experiment of training a dense network, centred or not, on a data set."""
    y_test = jnp.asarray(data.y_test)
    x_test = jnp.asarray(data.x_test)
    trained = Centred(model, params) if centred else model
    problem = dense_problem(
        trained,
        params,
        jnp.asarray(data.x_train),
        jnp.asarray(data.y_train),
        speeds=jnp.asarray(speeds),
    )
    offset = model.apply(params, x_test) if centred else jnp.zeros_like(y_test)
    return Experiment(problem, x_test, y_test, jnp.asarray(data.y_train), offset)


@checked()
def network_experiment(
    network: AbstractNetwork,
    params: Params,
    data: Dataset,
    speeds: Float[ArrayLike, " groups"],
    *,
    centred: bool,
) -> Experiment:
    """The same for a network of any architecture, with the kernel that its structure allows.

    Its parameters move as tuples of arrays, ``experiment.problem.params``. What the network does with
    points is not checked: networks of this library keep the rules that `function_problem` asks of others.
    """
    check_tree("params", params)
    check_alike(speeds=speeds, groups=np.asarray(network.group_names))
    x, y, x_test, y_test = (
        jnp.asarray(values) for values in (data.x_train, data.y_train, data.x_test, data.y_test)
    )
    model = FunctionModel(network.apply, parameter_groups(params, tuple(network.group_names)))
    start = model.groups_of(params)
    targets, offset = y, jnp.zeros_like(y_test)
    if centred:
        targets, offset = y + model.apply(start, x), model.apply(start, x_test)
    problem = Problem(model, FunctionKernel(model), start, x, targets, jnp.asarray(speeds))
    return Experiment(problem, x_test, y_test, y, offset)


@checked()
def observe(
    experiment: Experiment,
    method: AbstractMethod,
    *,
    stop_fraction: float | Float[Array, ""],
    max_steps: int,
) -> Observation:
    """Train and measure what happened; pure, so that it can be compiled and batched.

    Args:
        experiment: what to train, and what to judge it on.
        method: how to train.
        stop_fraction: end at this fraction of the initial loss.
        max_steps: steps tried at most.
    """
    problem, x_test = experiment.problem, experiment.x_test
    result = trace_flow(problem, method, stop_fraction, jnp.inf, max_steps=max_steps)
    linear = linearise(problem, x_test)
    start = problem.kernel.expand(problem.params, problem.x)
    end = problem.kernel.expand(result.params, problem.x)
    test = problem.model.apply(result.params, x_test) - experiment.offset_test
    linear_test = linear.outputs_other(result.time) - experiment.offset_test
    return Observation(
        result=result,
        displacement=displacement(problem.params, result.params),
        kernel_change=kernel_change(
            start.mean_kernel(problem.speeds), end.mean_kernel(problem.speeds)
        ),
        gap_train=linearisation_gap(end.outputs, linear.outputs(result.time), experiment.y_train),
        gap_test=linearisation_gap(test, linear_test, experiment.y_train),
        test_outputs=test,
        linearised_test_outputs=linear_test,
        error=error_rate(test, experiment.y_test),
        linearised_error=error_rate(linear_test, experiment.y_test),
        linearised_curve=linear.loss(result.curve_time),
    )


_observe_compiled = eqx.filter_jit(observe)


@checked()
def observe_compiled(
    experiment: Experiment,
    method: AbstractMethod,
    *,
    stop_fraction: float | Float[Array, ""],
    max_steps: int,
) -> Observation:
    """`observe` behind ``jit``: one compilation per shape of experiment and kind of method."""
    if is_known(stop_fraction):
        check_not_negative("stop fraction", float(stop_fraction))
    return _observe_compiled(
        experiment,
        method,
        stop_fraction=stop_fraction,
        max_steps=check_count("max_steps", max_steps),
    )
