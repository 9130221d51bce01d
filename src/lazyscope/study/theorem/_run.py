"""How fast does one network lose its loss, beside what the theorem guarantees?"""

import time
from typing import Any, NamedTuple, final

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lazyscope._checks import InputError
from lazyscope._jax import own_settings, random_key
from lazyscope.data import Dataset
from lazyscope.flow import ExponentialFlow, FlowResult, Problem, dense_problem, trace_flow
from lazyscope.forecast import guaranteed_rate, limit_lambda_min
from lazyscope.kernel import as_matrix, normalised_limit_kernels, resolved, smallest_eigenvalue
from lazyscope.measure import displacement
from lazyscope.model import Centred, Dense
from lazyscope.scaling import Scheme


class _Trained(NamedTuple):
    """What is kept of a run inside its compiled program."""

    result: FlowResult
    start_values: Float[Array, " modes"]
    end_values: Float[Array, " modes"]
    moved: Float[Array, " layers"]


@final
class Bound:
    """The theorem's rate on one set of points, for any scheme, width and spread of kappa.

    For homogeneous activations the limit kernels are computed once; for others they depend on the
    scales, and a scheme whose pre-activations vanish or saturate has no bound.

    Args:
        data: the training points count.
        depth: hidden layers.
        activation: nonlinearity.
    """

    def __init__(self, data: Dataset, depth: int, activation: str) -> None:
        self._x = data.x_train
        self._model = Dense(self._x.shape[1], data.y_train.shape[1], 1, depth, activation)
        self._shared: np.ndarray | None = None
        if self._model.activation.homogeneous:
            self._shared = np.asarray(
                normalised_limit_kernels(
                    self._x,  # pyright: ignore[reportArgumentType]
                    depth=depth,
                    activation=activation,
                )
            )

    @property
    def kernels(self) -> Float[np.ndarray, "layers n n"] | None:
        """The normalised limit kernels, None where they depend on the scheme."""
        return self._shared

    def lambda_record(self) -> dict[str, Any]:
        """lambda_S and lambda_min of every layer; None where they depend on the scheme."""
        if self._shared is None:
            return {"smallest": None, "layers": None}
        layers = smallest_eigenvalue(self._shared)
        return {"smallest": float(layers.min()), "layers": layers.tolist()}

    def smallest(self, scheme: Scheme, width: int) -> Float[np.ndarray, " layers"] | None:
        """lambda_min(Kbar_l) of every layer, None where the theorem does not speak."""
        if self._shared is not None:
            return smallest_eigenvalue(self._shared)
        model = Dense(self._x.shape[1], 1, width, self._model.depth, self._model.activation_name)
        try:
            return limit_lambda_min(scheme, model, self._x)
        except InputError:
            return None

    def rates(self, scheme: Scheme, width: int) -> dict[str, float | None]:
        """``bound`` of the theorem, and ``limit``: 2 lambda_min / n of the summed limit kernel.

        The second is what a network of infinite width has at its start. It is at least the first,
        because the smallest eigenvalue of a sum is at least the sum of the smallest ones.
        """
        smallest = self.smallest(scheme, width)
        if smallest is None:
            return {"bound": None, "limit": None}
        alpha, speed = scheme.alpha(width), scheme.speed(width)
        num_points = len(self._x)
        limit = None
        if self._shared is not None:
            weights = speed * (np.prod(alpha) / alpha) ** 2
            summed = np.einsum("l,lij->ij", weights, self._shared)
            limit = float(2.0 / num_points * smallest_eigenvalue(summed))
        return {"bound": guaranteed_rate(alpha, speed, smallest, num_points), "limit": limit}


def run_and_rate(
    data: Dataset,
    scheme: Scheme,
    *,
    width: int,
    seed: int,
    activation: str,
    centred: bool,
    tolerance: float,
    stop: float,
    max_steps: int,
) -> dict[str, Any]:
    """Train one network as its scheme draws it and measure the rate at which its loss falls.

    The rate is the largest r with ``R(t) <= exp(-r t) R(0)`` at *every* time, which is what the
    theorem is about: the smaller of ``average``, the smallest log(R(0)/R(t))/t on record, and
    ``final``, 2 lambda_min(K(T))/n at the end, at which the rest decays since the kernel hardly
    moves any more. So it hardly depends on where training was stopped: between 1e-4 and 1e-8 of the loss
    it changes by a per cent where training is lazy and by a quarter where it is not, while ``average``
    falls by a factor of four and more.

    Args:
        data: training points and targets.
        scheme: scales and speeds.
        width: of the hidden layers.
        seed: of the weights.
        activation: nonlinearity.
        centred: train f minus its start.
        tolerance: of the exponential flow.
        stop: fraction of the initial loss at which training ends.
        max_steps: steps tried at most.

    Returns:
        ``outcome``, ``steps``, ``time``, ``loss_fraction``, ``kernel`` (2 lambda_min(K(0))/n),
        ``average``, ``final``, ``rate``, ``largest_displacement`` (operator norm) and the ``curve``.
        Rates of a run that did not converge are None.

    Cost: the run, and one eigendecomposition of n C x n C at either end.
    """
    begun = time.perf_counter()
    with own_settings():
        model = Dense(data.x_train.shape[1], data.y_train.shape[1], width, scheme.depth, activation)
        params = model.init(random_key(seed), scheme)
        problem = dense_problem(
            Centred(model, params) if centred else model,
            params,
            jnp.asarray(data.x_train),
            jnp.asarray(data.y_train),
            speeds=jnp.asarray(scheme.speed(width)),
        )
        trained = jax.block_until_ready(
            _train(
                problem,
                ExponentialFlow(jnp.asarray(tolerance)),
                jnp.asarray(stop),
                jnp.asarray(max_steps, jnp.int32),
            )
        )
    record = _record(trained, len(data.x_train))
    return record | {"wall_seconds": time.perf_counter() - begun}


@eqx.filter_jit
def _train(problem: Problem, method: ExponentialFlow, stop: Array, max_steps: Array) -> _Trained:
    result = trace_flow(problem, method, stop, jnp.inf, max_steps=max_steps)
    start, end = (
        jnp.linalg.eigvalsh(as_matrix(problem.kernel.expand(at, problem.x).kernel(problem.speeds)))
        for at in (problem.params, result.params)
    )
    return _Trained(result, start, end, displacement(problem.params, result.params).operator)


def _slowest(values: Float[Array, " modes"], num_points: int) -> float:
    """2 lambda_min / n, zero where lambda_min is rounding."""
    smallest = np.where(resolved(np.asarray(values)), np.asarray(values), 0.0)[0]
    return float(2.0 * smallest / num_points)


def _record(trained: _Trained, num_points: int) -> dict[str, Any]:
    result = trained.result
    ended = result.outcome.ok
    times, losses = result.curve()
    later = times > 0
    average = final = None
    if ended and later.any():
        average = float(np.min(np.log(losses[0] / losses[later]) / times[later]))
        final = _slowest(trained.end_values, num_points)
    return {
        "outcome": result.outcome.label,
        "steps": int(result.num_steps),
        "time": float(result.time),
        "loss_fraction": float(result.loss / result.initial_loss),
        "kernel": _slowest(trained.start_values, num_points),
        "average": average,
        "final": final,
        "rate": None if average is None or final is None else min(average, final),
        "largest_displacement": float(np.max(np.asarray(trained.moved))) if ended else None,
        "curve": {"time": times.tolist(), "loss": losses.tolist()},
    }
