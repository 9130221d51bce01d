"""Is a difference of outputs exact where the outputs themselves say nothing of it any more?"""

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest

from lazyscope.model import (
    Dense,
    FunctionModel,
    activation,
    activation_names,
    output_difference,
    parameter_groups,
)
from lazyscope.model._difference import activation_difference

EXACT = {
    "relu": lambda u: max(u, mpmath.mpf(0)),
    "leaky_relu": lambda u: u if u > 0 else u * mpmath.mpf(0.01),
    "linear": lambda u: u,
    "tanh": mpmath.tanh,
    "erf": mpmath.erf,
    "gelu": lambda u: u * mpmath.ncdf(u),
    "softplus": lambda u: mpmath.log1p(mpmath.exp(u)),
    "sine": mpmath.sin,
    "xtanh": lambda u: u * mpmath.tanh(u),
}


def drawn(model, size, seed=0):
    keys = jax.random.split(jax.random.key(seed), 2)
    stds = np.full(model.depth + 1, size)
    start = model.init_from_std(keys[0], stds, dtype=np.dtype("float64"))
    return start, model.init_from_std(keys[1], stds, dtype=np.dtype("float64"))


@pytest.mark.parametrize("name", activation_names())
@pytest.mark.parametrize("size", [1e-18, 1e-5, 0.2, 3.0])
def test_an_activation_changes_as_in_fifty_digits(double, name, size):
    rng = np.random.default_rng(0)
    u, du = rng.standard_normal(40), size * rng.standard_normal(40)
    found = np.asarray(activation_difference(activation(name), jnp.asarray(u), jnp.asarray(du)))
    with mpmath.workdps(50):
        sigma = EXACT[name]
        exact = [
            float(sigma(mpmath.mpf(a) + mpmath.mpf(b)) - sigma(mpmath.mpf(a)))
            for a, b in zip(u, du, strict=True)
        ]
    np.testing.assert_allclose(found, exact, rtol=1e-11, atol=3e-13 * size)


@pytest.mark.parametrize("name", ["relu", "tanh", "gelu"])
@pytest.mark.parametrize("depth", [1, 3])
def test_where_nothing_cancels_it_is_the_subtraction(double, name, depth):
    model = Dense(3, 2, 16, depth, name, use_bias=True, output_scale=2.0)
    start, step = drawn(model, 0.5)
    x = jax.random.normal(jax.random.key(5), (4, 3))
    moved = jax.tree.map(jnp.add, start, step)
    expected = model.apply(moved, x) - model.apply(start, x)
    np.testing.assert_allclose(output_difference(model, start, step, x), expected, rtol=1e-11)


@pytest.mark.parametrize("name", ["relu", "tanh"])
def test_a_step_of_1e_minus_25_changes_outputs_as_the_derivative_says(double, name):
    model = Dense(3, 1, 16, 3, name)
    start, step = drawn(model, 0.5)
    step = jax.tree.map(lambda d: 1e-25 * d, step)
    x = jax.random.normal(jax.random.key(5), (4, 3))
    slope = jax.jvp(lambda p: model.apply(p, x), (start,), (step,))[1]
    np.testing.assert_allclose(output_difference(model, start, step, x), slope, rtol=1e-12)


def test_other_networks_integrate_their_derivative_where_they_move_little(double):
    def network(p, x):
        return jnp.tanh(x @ p["a"]) @ p["b"]

    start = {"a": jnp.ones((3, 5)) * jnp.arange(5.0) / 4, "b": jnp.ones((5, 1)) * 1e9}
    step = {"a": 1e-3 * jnp.cos(jnp.arange(15.0).reshape(3, 5)), "b": jnp.ones((5, 1)) * 1e5}
    model = FunctionModel(network, parameter_groups(start))
    x = jax.random.normal(jax.random.key(5), (4, 3))
    groups = model.groups_of(start), model.groups_of(step)
    found = output_difference(model, *groups, x)
    expected = network(jax.tree.map(jnp.add, start, step), x) - network(start, x)
    np.testing.assert_allclose(found, expected, rtol=1e-8)
    far = jax.tree.map(lambda d: 1e3 * d, groups[1])
    expected = model.apply(jax.tree.map(jnp.add, groups[0], far), x) - network(start, x)
    np.testing.assert_allclose(output_difference(model, groups[0], far, x), expected, rtol=1e-12)


def test_a_function_without_a_forward_derivative_is_subtracted(double):
    @jax.custom_vjp
    def network(p, x):
        return x @ p

    network.defvjp(lambda p, x: (x @ p, (p, x)), lambda kept, g: (kept[1].T @ g, g @ kept[0].T))
    start = jnp.ones((3, 1))
    model = FunctionModel(network, parameter_groups(start))
    x = jnp.ones((2, 3))
    found = output_difference(model, ((start,),), ((1e-3 * start,),), x)
    np.testing.assert_allclose(found, np.full((2, 1), 3e-3), rtol=1e-9)
