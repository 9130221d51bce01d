"""Tiny problems with known answers, as NumPy numbers and as the library's own records."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from lazyscope.flow import Problem, dense_problem
from lazyscope.model import Dense, Layer

ACTIVATIONS = ("relu", "leaky_relu", "linear", "tanh", "erf", "gelu", "softplus", "sine", "xtanh")
SMOOTH = ("linear", "tanh", "erf", "gelu", "softplus", "sine", "xtanh")


def unit_points(num_points, dim, seed=0):
    """Points of norm one."""
    x = np.random.default_rng([seed, num_points, dim]).normal(size=(num_points, dim))
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def draw_weights(model, weight_std, seed=0):
    """Gaussian weights of a dense network, drawn by NumPy."""
    rng = np.random.default_rng([seed, model.width, model.depth])
    return [s * rng.normal(size=shape) for s, shape in zip(weight_std, model.shapes, strict=True)]


def as_layers(weights, biases=None):
    """The same weights as parameters of the library."""
    biases = [None] * len(weights) if biases is None else biases
    return tuple(
        Layer(jnp.asarray(w), None if b is None else jnp.asarray(b))
        for w, b in zip(weights, biases, strict=True)
    )


class Case(NamedTuple):
    """A dense network without bias with its data: the record, and the numbers that it is made of."""

    problem: Problem
    weights: list[np.ndarray]
    x: np.ndarray
    y: np.ndarray
    activation: str


def dense_case(
    activation="tanh",
    *,
    num_points=6,
    input_dim=3,
    output_dim=1,
    width=16,
    depth=1,
    speeds=None,
    gain=1.0,
    seed=0,
):
    """A network with 1/sqrt(fan-in) weights times `gain`, random points of norm one, random targets."""
    model = Dense(input_dim, output_dim, width, depth, activation)
    std = [gain] + [gain / np.sqrt(width)] * depth
    weights = draw_weights(model, std, seed)
    x = unit_points(num_points, input_dim, seed)
    y = np.random.default_rng([seed, 7]).normal(size=(num_points, output_dim))
    problem = dense_problem(
        model, as_layers(weights), jnp.asarray(x), jnp.asarray(y), speeds=speeds
    )
    return Case(problem, weights, x, y, activation)


def weights_of(params):
    """Weights of dense parameters as NumPy arrays."""
    return [np.asarray(layer.weight) for layer in params]


def relative_difference(found, expected, start):
    """Per layer |found - expected| / |expected - start| in the Frobenius norm."""
    return np.array(
        [
            np.linalg.norm(f - e) / np.linalg.norm(e - s)
            for f, e, s in zip(found, expected, start, strict=True)
        ]
    )
