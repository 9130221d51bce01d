"""How is a JAX network trained with a rate, an epsilon and a decay of its own for every array?"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias, final

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


class Given(NamedTuple):
    """What one training is given beside its steps.

    Attributes:
        arrays: at the start.
        x, y: all points and targets.
        shift: of outputs.
        by_array: factors of the rate.
    """

    arrays: Arrays
    x: Any
    y: Float[Array, "n C"]
    shift: Float[Array, "n C"]
    by_array: Float[Array, " arrays"]


Carry: TypeAlias = tuple[tuple[Array, ...], list[Any]]
"""Arrays, and what the optimiser keeps of each."""


@final
class Descent:
    """The steps of a training, as pure functions of what is given.

    Args:
        single: outputs of one example.
        training: its settings.
        numbers: of the network.
    """

    def __init__(self, single: Single, training: Training, numbers: Numbers) -> None:
        self._single, self._criterion = single, named_loss(training.loss)
        self._decays = [training.decay * factor for factor in numbers.decay]
        self._training, self._epsilon = training, numbers.epsilon

    def start(self, given: Given) -> Carry:
        """Before the first step."""
        leaves = given.arrays.leaves
        rules = self._rules(leaves)
        return leaves, [rule.init(leaf) for rule, leaf in zip(rules, leaves, strict=True)]

    def step(self, given: Given, carry: Carry, now: tuple[Any, Any]) -> tuple[Carry, Any]:
        """One step with a rate and the numbers of its points, None for all; and the loss before it."""
        leaves, states = carry
        rate, chosen = now
        value, gradient = jax.value_and_grad(self._loss)(leaves, given, chosen)
        moved, kept = [], []
        rules = self._rules(leaves)
        for k, (leaf, state, slope) in enumerate(zip(leaves, states, gradient, strict=True)):
            towards, state = rules[k].update(slope, state, leaf)
            if self._decays[k]:
                towards = towards + self._decays[k] * leaf
            moved.append(leaf - (rate * given.by_array[k]).astype(leaf.dtype) * towards)
            kept.append(state)
        return (tuple(moved), kept), value

    def end(self, given: Given, carry: Carry) -> tuple[Any, tuple[Array, ...]]:
        """The loss of all points, and by how much every array has changed."""
        pairs = zip(given.arrays.leaves, carry[0], strict=True)
        return self._loss(carry[0], given, None), tuple(b - a for a, b in pairs)

    def _loss(self, leaves: Any, given: Given, chosen: Any) -> Any:
        points = given.x, given.y, given.shift
        x, y, shift = points if chosen is None else (each[chosen] for each in points)
        outputs = outputs_of(self._single, given.arrays._replace(leaves=leaves), x)
        return self._criterion.value(outputs + shift, y)

    def _rules(self, leaves: Any) -> list[Any]:
        pairs = zip(leaves, self._epsilon, strict=True)
        return [_direction(self._training, leaf, factor) for leaf, factor in pairs]


def descend(
    descent: Descent, given: Given, by_step: Float[Array, " steps"], batches: Any
) -> tuple[Float[Array, " steps_and_end"], tuple[Array, ...]]:
    """Losses of outputs + shift along the way, and by how much every array has changed."""

    def step(carry: Carry, now: Any) -> tuple[Carry, Any]:
        return descent.step(given, carry, now)

    carry, losses = lax.scan(step, descent.start(given), (by_step, batches))
    last, changes = descent.end(given, carry)
    return jnp.append(losses, last), changes


def descend_step_by_step(
    program: Callable[..., Any],
    descent: Descent,
    given: Given,
    by_step: Float[Array, " steps"],
    batches: Any,
) -> Callable[[], tuple[Float[Array, " steps_and_end"], tuple[Array, ...]]]:
    """The same with one program for a step, called again and again.

    Args:
        program: (name, function, arguments) to the compiled function.
        descent: steps.
        given: of the training.
        by_step: rates.
        batches: numbers of the points of every step, None for all.
    """
    begun = descent.start(given)
    nows = [(rate, None if batches is None else batches[k]) for k, rate in enumerate(list(by_step))]
    step = program("step", descent.step, (given, begun, nows[0]))
    end = program("end", descent.end, (given, begun))

    def run() -> tuple[Float[Array, " steps_and_end"], tuple[Array, ...]]:
        carry, losses = begun, []
        for now in nows:
            carry, loss = step(given, carry, now)
            losses.append(loss)
        last, changes = end(given, carry)
        return jnp.stack([*losses, last]), changes

    return run


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
