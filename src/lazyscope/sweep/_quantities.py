"""What is computed from the start and the end of a run, to be kept?"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from lazyscope.flow import FlowResult, Problem
from lazyscope.model import Layer

NUM_NEURONS = 256
"""Neurons whose weights are kept; their order is random, so the first ones are a fair sample."""

_THIN = 64


def run_quantities(
    record: tuple[str, ...], problem: Problem, result: FlowResult
) -> dict[str, Array]:
    """The variables of `record` for one run; traced."""
    values: dict[str, Array] = {
        "steps": result.num_steps,
        "time": result.time,
        "loss_initial": result.initial_loss,
        "loss_final": result.loss,
    }
    if "displacement" in record:
        pairs = list(zip(problem.params, result.params, strict=True))
        values["displacement_operator"] = jnp.stack([_relative(_operator_norm, *p) for p in pairs])
        values["displacement_frobenius"] = jnp.stack([_relative(_frobenius, *p) for p in pairs])
    if "loss_curve" in record:
        values["curve_time"] = result.curve_time
        values["curve_loss"] = result.curve_loss
    if "neurons" in record:
        for when, params in (("initial", problem.params), ("final", result.params)):
            values[f"input_weights_{when}"] = params[0].weight[:NUM_NEURONS]
            values[f"output_weights_{when}"] = params[-1].weight[:, :NUM_NEURONS].T
    return values


def _relative(norm, start: Layer, end: Layer) -> Array:
    return norm(end.weight - start.weight) / norm(start.weight)


def _frobenius(weight: Float[Array, "a b"]) -> Array:
    return jnp.sqrt(jnp.sum(weight**2))


def _operator_norm(weight: Float[Array, "a b"]) -> Array:
    """Largest singular value; from the smaller Gram matrix where one side is thin."""
    small = weight @ weight.T if weight.shape[0] < weight.shape[1] else weight.T @ weight
    if small.shape[0] == 1:
        return jnp.sqrt(small[0, 0])
    if small.shape[0] <= _THIN:
        return jnp.sqrt(jnp.linalg.eigvalsh(small)[-1])
    return jnp.linalg.norm(weight, ord=2)
