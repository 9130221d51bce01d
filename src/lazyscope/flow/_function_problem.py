"""How does any JAX model become a problem to train, linearise and forecast?"""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lazyscope._checks import InputError, check_flag, check_instance
from lazyscope._jax import kept
from lazyscope._loss import AbstractLoss, SquaredLoss, check_rows
from lazyscope._types import Apply, Params
from lazyscope.flow._problem import Problem, as_real
from lazyscope.kernel import FunctionKernel, check_function
from lazyscope.model import FunctionModel, Grouping, check_speeds, parameter_groups, speeds_by_name


def function_problem(
    apply: Apply,
    params: Params,
    x: Float[Array, "n ..."],
    y: Float[Array, "n ..."],
    *,
    groups: Grouping = None,
    speeds: Mapping[str, float] | Sequence[float] | Float[Array, " groups"] | None = None,
    centred: bool = False,
    loss: AbstractLoss | None = None,
) -> Problem:
    """The problem of training any JAX function, with the tangent kernel that its structure allows.

    The problem goes wherever one of `dense_problem` goes: `solve_flow`, `solve_linearised`,
    `forecast_problem`. They move tuples of arrays, one tuple for each group of parameters;
    ``problem.model.tree_of(result.params)`` is the tree that `apply` knows.

    Args:
        apply: ``apply(params, x) -> (n, C)`` in JAX, each example on its own. It is asked in double
            precision, in which flows and forecasts compute, where it can; its own casts are kept, and
            ``problem.kernel.precision`` says what they leave. An Equinox module or its method works.
        params: the starting point, any tree of real arrays (of an Equinox model the
            inexact part of `equinox.partition`, of a Flax one the state of `flax.nnx.split`).
        x: training points, (n, ...); whole numbers such as tokens are kept as real numbers and handed
            to `apply` as whole ones.
        y: targets, or (n,) for one output.
        groups: None makes every array a group of its own. A function gets the name of an array, as
            `explain_tangent_kernel` prints it, and returns its group's name. A tree of names that is
            a prefix of `params` names all arrays below: ``{key: key for key in params}``.
        speeds: one per group in order of ``problem.model.group_names``, or by name with 1 for those
            that are not mentioned; 1 unless given. Zero holds a group still.
        centred: train ``f - f_0``, the function minus what it computes at the start.
        loss: `SquaredLoss` unless given. Another one, such as `CrossEntropy`, trains by `GradientDescent` and
            `OptimiserSteps`.

    Raises:
        InputError: what `tangent_kernel` refuses, targets that do not fit points or outputs, groups
            or speeds that do not fit the parameters.

    Cost: a few traces of `apply` and one compilation of it on four examples.
    Trust: what `apply` closes over is taken as it is now; numbers that change later are not seen.

    Example:
        >>> from lazyscope.flow import solve_flow
        >>> network = lambda p, x: x @ p["w"]
        >>> problem = function_problem(network, {"w": jnp.zeros((1, 1))}, jnp.ones((1, 1)), jnp.ones(1))
        >>> result = solve_flow(problem, stop_time=np.log(2.0), stop=None)
        >>> problem.model.tree_of(result.params)["w"].round(6).tolist()
        [[0.5]]
    """
    centred = check_flag("centred", centred)
    checked = check_function(apply, params, x)
    points = checked.points
    grouping = parameter_groups(params, groups)
    real = jnp.issubdtype(points.dtype, jnp.floating)
    model = FunctionModel(
        checked.apply,
        grouping,
        input_dtype=None if real else points.dtype,
        token=checked.token,
        precision=checked.precision,
    )
    x, y = as_real("points", points), as_real("targets", y)
    if y.ndim == 1:
        y = y[:, None]
    _check_targets(x, y, checked.num_outputs)
    start = model.groups_of(jax.tree.map(_as_array, params))
    if isinstance(speeds, Mapping):
        speeds = speeds_by_name(speeds, grouping.names)
    loss = SquaredLoss() if loss is None else loss
    check_instance("loss", loss, AbstractLoss)
    num_groups = len(grouping.names)
    speeds = check_speeds(speeds, num_groups, x.dtype)
    share = 0.0 if centred else None
    kernel, given = FunctionKernel(model), kept((start, x, y, speeds))
    return Problem(model, kernel, *given, criterion=loss, start_share=share)


def _as_array(leaf: Any) -> Any:
    """Arrays as they came, Python numbers as NumPy's."""
    return leaf if hasattr(leaf, "dtype") else np.asarray(leaf)


def _check_targets(x: Any, y: Any, num_outputs: int) -> None:
    if not num_outputs:
        raise InputError(
            "a problem needs a network with at least one output",
            received="outputs of shape (n, 0)",
            cause="an empty selection of outputs",
            fix="return the outputs that are to be trained",
        )
    check_rows("targets", y, (len(x), num_outputs))
