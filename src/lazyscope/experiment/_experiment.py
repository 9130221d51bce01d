"""What is trained in one run, and what is it judged on?"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, final

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from lazyscope._checks import InputError, check_alike, check_array, check_tree, shown
from lazyscope._entry import checked
from lazyscope._jax import own_settings
from lazyscope._loss import AbstractLoss, SquaredLoss
from lazyscope._types import Apply, Params
from lazyscope.data import Dataset, digest_of
from lazyscope.flow import Problem, dense_problem, function_problem, in_double
from lazyscope.kernel import FunctionKernel
from lazyscope.model import AbstractNetwork, Dense, FunctionModel, Grouping, parameter_groups


@final
class Experiment(eqx.Module):
    """A problem and the points it is judged on.

    Attributes:
        problem: what to train; a centred network as its inner one whose outputs at the start do not count.
        x_test: test points.
        y_test: their targets.
    """

    problem: Problem
    x_test: Float[Array, "n_test ..."]
    y_test: Float[Array, "n_test C"]

    @property
    def y_train(self) -> Float[Array, "n C"]:
        """Training targets."""
        return self.problem.y

    @property
    def digest(self) -> str:
        """What the points and targets are, as in the summary of a data set (values must be known)."""
        given = (self.problem.x, self.y_train, self.x_test, self.y_test)
        return digest_of(*(np.asarray(part, np.float64) for part in given))

    @classmethod
    def of(cls, problem: Problem) -> "Experiment":
        """A problem without test points."""
        return cls(problem, problem.x[:0], problem.y[:0])


class Points(NamedTuple):
    """What a network is trained and judged on, as arrays that may be traced."""

    x: Any
    y: Any
    x_test: Any
    y_test: Any

    @classmethod
    def of(cls, data: Dataset) -> "Points":
        """The arrays of a data set."""
        return cls(
            *(jnp.asarray(part) for part in (data.x_train, data.y_train, data.x_test, data.y_test))
        )


def drawn_experiment(
    network: AbstractNetwork,
    params: Params,
    points: Points,
    speeds: Any,
    start_share: Any,
    loss: AbstractLoss | None = None,
) -> Experiment:
    """The experiment of training a network from these parameters; pure, and nothing is checked.

    Dense networks have their layerwise kernel, others the one that their structure allows; their
    parameters move as tuples of arrays, ``experiment.problem.params``.

    Args:
        network: the network.
        params: the starting point, as its ``init`` gives it.
        points: training and test points.
        speeds: one per group of parameters.
        start_share: c, where f - f_0 + c f_0 is trained; may be traced. None trains f itself.
        loss: `SquaredLoss` unless given.
    """
    loss = SquaredLoss() if loss is None else loss
    x, y = points.x, points.y
    if isinstance(network, Dense):
        problem = dense_problem(network, params, x, y, speeds=speeds, loss=loss)
    else:
        groups = parameter_groups(params, tuple(network.group_names))
        model = FunctionModel(network.apply, groups, network=network)
        start = model.groups_of(params)
        problem = Problem(model, FunctionKernel(model), start, x, y, speeds, loss)
    return Experiment(replace(problem, start_share=start_share), points.x_test, points.y_test)


@checked()
def network_experiment(
    network: AbstractNetwork,
    params: Params,
    data: Dataset,
    speeds: Float[ArrayLike, " groups"],
    *,
    centred: bool,
) -> Experiment:
    """The experiment of training a network of any architecture, centred or not, on a data set.

    What the network does with points is not checked: networks of this library keep the rules that
    `function_experiment` asks of others.

    Args:
        network: the network.
        params: the starting point, from its ``init``.
        data: training and test points.
        speeds: one per group of parameters, in the order of ``network.group_names``.
        centred: train f - f_0.

    Raises:
        InputError: parameters that are not finite, or speeds that do not fit the groups.
    """
    check_tree("params", params)
    check_alike(speeds=speeds, groups=np.asarray(network.group_names))
    with own_settings():
        doubled = in_double((params, Points.of(data), jnp.asarray(speeds)))
        return drawn_experiment(network, *doubled, 0.0 if centred else None)


def function_experiment(
    apply: Apply,
    params: Params,
    data: Dataset | tuple[Any, ...],
    *,
    groups: Grouping = None,
    speeds: Mapping[str, float] | Sequence[float] | Float[Array, " groups"] | None = None,
    centred: bool = False,
) -> Experiment:
    """The experiment of training any JAX function, as `run_experiment` takes it.

    Args:
        apply: ``apply(params, x) -> (n, C)``, see `lazyscope.flow.function_problem`.
        params: the starting point, any tree of real arrays.
        data: a data set, or (x, y) or (x, y, x_test, y_test).
        groups: which arrays move together, see `lazyscope.flow.function_problem`.
        speeds: one per group, or by name; 1 unless given.
        centred: train f - f_0.

    Raises:
        InputError: what `lazyscope.flow.function_problem` refuses, or test points that do not fit.

    Example:
        >>> from lazyscope.experiment import run_experiment
        >>> x, y = np.eye(2), np.ones((2, 1))
        >>> given = function_experiment(lambda p, x: x @ p["w"], {"w": np.zeros((2, 1))}, (x, y))
        >>> run_experiment(given, stop=0.25).outcome.label
        'converged'
    """
    if isinstance(data, Dataset):
        data = data.x_train, data.y_train, data.x_test, data.y_test
    if not isinstance(data, tuple) or len(data) not in (2, 4):
        raise InputError(
            "data must be a data set, (x, y) or (x, y, x_test, y_test)",
            received=shown(data),
            cause="points without targets, or a list",
            fix="give load_dataset(...), or a tuple of arrays",
        )
    x, y, *test = data
    problem = function_problem(apply, params, x, y, groups=groups, speeds=speeds, centred=centred)
    return Experiment(problem, *_test_points(problem, *test)) if test else Experiment.of(problem)


def _test_points(problem: Problem, x_test: Any, y_test: Any) -> tuple[Any, Any]:
    x, y = (
        np.asarray(check_array(name, part), float)
        for name, part in (("test points", x_test), ("test targets", y_test))
    )
    if getattr(problem.model, "input_dtype", None) is not None and (x != np.rint(x)).any():
        raise InputError(
            "test points must be whole numbers where the points of training are",
            received=f"{int((x != np.rint(x)).sum())} fractions",
            cause="tokens that were normalised, or points of another data set",
            fix="give tokens as they were given for training",
        )
    y = y[:, None] if y.ndim == 1 else y
    if x.shape[1:] != problem.x.shape[1:] or y.shape != (len(x), problem.y.shape[1]):
        raise InputError(
            "test points and targets must be like those of training",
            received=f"points {x.shape} and targets {y.shape}",
            cause="labels in place of targets, or points that were prepared differently",
            fix=f"give points (n, {', '.join(map(str, problem.x.shape[1:]))}) and targets "
            f"(n, {problem.y.shape[1]})",
        )
    return x, y
