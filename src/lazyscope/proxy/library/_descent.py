"""How is a JAX network trained with a rate, an epsilon and a decay of its own for every array?"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import lax
from jaxtyping import Array, Float

from lazyscope._jax import pinned_random, random_key
from lazyscope._loss import named_loss
from lazyscope.proxy._training import LossName, Training
from lazyscope.proxy.library._network import Numbers
from lazyscope.scaling import OptimiserName


class Arrays(NamedTuple):
    """Everything a network is made of that differs from seed to seed."""

    consts: tuple[Any, ...]
    context: tuple[Any, ...]
    leaves: tuple[Float[Array, "..."], ...]


Single = Callable[[Arrays, Any], Any]
"""Outputs (C,) of one example."""


def outputs_of(single: Single, arrays: Arrays, x: Any) -> Float[Array, "n C"]:
    """Outputs of all points."""
    return jax.vmap(lambda one: single(arrays, one))(x)


def gradient_norms(
    single: Single, arrays: Arrays, x: Any, signal: Float[Array, "1 C"]
) -> Float[Array, " arrays"]:
    """Norm of the gradient of sum_i signal . f(x_i) by every array."""

    def values(leaves: Any) -> Any:
        return outputs_of(single, arrays._replace(leaves=leaves), x)

    now, pull = jax.vjp(values, arrays.leaves)
    gradient = pull(jnp.broadcast_to(signal, now.shape).astype(now.dtype))[0]
    return jnp.stack([jnp.sqrt(jnp.sum(each**2)) for each in gradient])


POWER_STEPS = 60
"""Steps of the power method for the largest eigenvalue, whose error falls with the square of each."""


def sharpness_of(
    single: Single,
    loss: LossName,
    arrays: Arrays,
    x: Any,
    y: Float[Array, "n C"],
    shift: Float[Array, "n C"],
    by_array: Float[Array, " arrays"],
) -> Float[Array, ""]:
    """Largest eigenvalue of J D J' H: D the rates, H the second derivative of the loss by the outputs."""

    def values(leaves: Any) -> Any:
        return outputs_of(single, arrays._replace(leaves=leaves), x) + shift

    now, push = jax.linearize(values, arrays.leaves)
    pull = jax.linear_transpose(push, arrays.leaves)
    slope = jax.grad(lambda outputs: named_loss(loss).value(outputs, y))

    def step(vector: Any, _: Any) -> Any:
        curved = jax.jvp(slope, (now,), (vector,))[1]
        gradient = pull(curved)[0]
        moved = (
            speed.astype(each.dtype) * each for speed, each in zip(by_array, gradient, strict=True)
        )
        image = push(tuple(moved))
        length = jnp.linalg.norm(image)
        value = jnp.sum(curved * image) / jnp.sum(curved * vector)
        return image / jnp.where(length > 0, length, 1), value

    with pinned_random():
        start = jax.random.normal(random_key(0), now.shape, now.dtype)
    return lax.scan(step, start, length=POWER_STEPS)[1][-1]


def descend(
    single: Single,
    training: Training,
    numbers: Numbers,
    arrays: Arrays,
    x: Any,
    y: Float[Array, "n C"],
    shift: Float[Array, "n C"],
    by_step: Float[Array, " steps"],
    by_array: Float[Array, " arrays"],
    batches: Any,
) -> tuple[Float[Array, " steps_and_end"], tuple[Array, ...]]:
    """Losses of outputs + shift along the way, and by how much every array has changed."""
    start = arrays.leaves
    rules = [
        _direction(training, leaf, factor)
        for leaf, factor in zip(start, numbers.epsilon, strict=True)
    ]
    criterion = named_loss(training.loss)
    decays = [training.decay * factor for factor in numbers.decay]

    def loss(leaves: Any, chosen: Any) -> Any:
        points = (x, y, shift) if chosen is None else (x[chosen], y[chosen], shift[chosen])
        outputs = outputs_of(single, arrays._replace(leaves=leaves), points[0])
        return criterion.value(outputs + points[2], points[1])

    def step(carry: Any, now: Any) -> Any:
        leaves, states = carry
        rate, chosen = now
        value, gradient = jax.value_and_grad(loss)(leaves, chosen)
        moved, kept = [], []
        for k, (leaf, state, slope) in enumerate(zip(leaves, states, gradient, strict=True)):
            towards, state = rules[k].update(slope, state, leaf)
            if decays[k]:
                towards = towards + decays[k] * leaf
            moved.append(leaf - (rate * by_array[k]).astype(leaf.dtype) * towards)
            kept.append(state)
        return (tuple(moved), kept), value

    states = [rule.init(leaf) for rule, leaf in zip(rules, start, strict=True)]
    (end, _), losses = lax.scan(step, (start, states), (by_step, batches))
    return jnp.append(losses, loss(end, None)), tuple(
        b - a for a, b in zip(start, end, strict=True)
    )


def named_direction(name: OptimiserName, leaf: Any) -> optax.GradientTransformation:
    """What an optimiser by name does with gradients of one array, for a rate of one; to be subtracted."""
    return _direction(Training(optimizer=name), leaf, 1.0)


def _direction(training: Training, leaf: Any, epsilon: float) -> Any:
    """What the optimiser does with gradients of one array, for a rate of one; to be subtracted."""
    memory, (one, two), added = training.momentum, training.both_betas, training.epsilon * epsilon
    match training.optimizer:
        case "sgd":
            return optax.identity()
        case "momentum":
            return optax.trace(decay=memory)
        case "sign":
            return optax.scale_by_sign()
        case "lion":
            return optax.scale_by_lion(one, two)
        case "muon" if leaf.ndim == 2:
            from optax.contrib import scale_by_muon

            return scale_by_muon(beta=memory, eps=added)
        case _:
            return optax.scale_by_adam(one, two, eps=added)
