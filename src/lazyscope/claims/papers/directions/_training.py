"""What do input weights look like before and after one network is trained to a fraction of its loss?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import jax
import numpy as np
from jaxtyping import Float

from lazyscope._outcome import Outcome
from lazyscope.data import Dataset
from lazyscope.experiment import SingleRun
from lazyscope.flow import ExponentialFlow, one_lapack_thread, solve_flow
from lazyscope.scaling import Scheme

TOLERANCE = 0.01
SIZE = 1e-4
"""Of targets: weights that meet them are so small that the activation is its first power."""
_MAX_STEPS = 6000


@final
@dataclass(frozen=True)
class Trained:
    """One network of which the first and the last layer are looked at.

    Attributes:
        before: input weights at the start, one row for each unit or channel.
        after: the same at the end.
        output: output weights at the end.
        time: flow time that it took.
        converged: whether the loss came down to where it should.
        stalled: whether it does not fall any more, as where no unit is on at a point that is not met, or
            not within the steps.
    """

    before: Float[np.ndarray, "m d"]
    after: Float[np.ndarray, "m d"]
    output: Float[np.ndarray, " m"]
    time: float
    converged: bool
    stalled: bool = False


def numbered(x: Float[np.ndarray, "n d"], y: Float[np.ndarray, " n"], name: str) -> Dataset:
    """A data set of one output that was drawn here, without test points."""
    rest = np.zeros((0, x.shape[1])), np.zeros((0, 1))
    return Dataset(x, y[:, None], *rest, (), name, (name,))


def train(
    data: Dataset,
    alpha: Sequence[float],
    *,
    width: int,
    activation: str,
    seed: int,
    stop: float,
    architecture: str = "dense",
    tolerance: float = TOLERANCE,
) -> Trained:
    """Train a centred network of these scales, all layers at one speed, to a fraction of its loss.

    Args:
        data: points and targets of one output.
        alpha: of every layer.
        width: units or channels.
        activation: its name.
        seed: of the network.
        stop: fraction of the loss at the start.
        architecture: of `lazyscope.model.network_names`.
        tolerance: of the flow.
    """
    scheme = Scheme.at_width(width, alpha=tuple(alpha))
    run = SingleRun(
        data,
        scheme,
        width=width,
        activation=activation,
        centred=True,
        seed=seed,
        architecture=architecture,
    )
    problem = run.experiment().problem
    with one_lapack_thread():
        method = ExponentialFlow(tolerance=tolerance)
        found = solve_flow(problem, method, stop=stop, max_steps=_MAX_STEPS)
    return Trained(
        _rows(problem.params, 0),
        _rows(found.params, 0),
        _rows(found.params, -1).ravel(),
        float(found.time),
        found.outcome.ok,
        found.outcome in (Outcome.STALLED, Outcome.OUT_OF_STEPS),
    )


def slopes(
    at: Sequence[float], values: Float[np.ndarray, "sets places"]
) -> Float[np.ndarray, " sets"]:
    """Of straight lines through logarithms, one for each set; NaN where a value is missing.

    Example:
        >>> slopes((1.0, 10.0, 100.0), np.array([[2.0, 20.0, 200.0]])).round(9).tolist()
        [1.0]
    """
    x = np.log(at) - np.mean(np.log(at))
    return np.log(values) @ x / (x @ x)


def _rows(params: Any, layer: int) -> Float[np.ndarray, "m d"]:
    weight = np.asarray(jax.tree.leaves(params[layer])[0])
    return weight.reshape(len(weight), -1)
