"""Is a difference of outputs exact where the outputs themselves say nothing of it any more?"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest

from lazyscope.model import (
    AbstractBlock,
    AbstractNetwork,
    Attention,
    Convolution,
    Dense,
    FunctionModel,
    LayerNorm,
    Residual,
    ResidualConvolution,
    activation,
    activation_names,
    output_difference,
    parameter_groups,
    passes_differences_on,
)
from lazyscope.model.blocks import Activate, Linear, Scale, Skip
from naive import architectures as naive

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
    found = np.asarray(activation(name).difference(jnp.asarray(u), jnp.asarray(du)))
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


NETWORKS = {
    "dense": lambda sigma: Dense(36, 2, 8, 2, sigma, output_scale=3.0),
    "convolution": lambda sigma: Convolution((6, 6, 1), 2, 4, 2, sigma, stride=2),
    "residual": lambda sigma: Residual(36, 2, 8, 4, sigma),
    "residual-convolution": lambda sigma: ResidualConvolution((6, 6, 1), 2, 4, 3, sigma, stride=2),
    "layer-norm": lambda sigma: LayerNorm(36, 2, 8, 2, sigma, epsilon=1e-12),
    "attention": lambda sigma: Attention((6, 6), 2, 8, 2, sigma, score_scale=0.5),
}


def long_outputs(name, model, params, x):
    """Outputs by the loops of the naive twin, in the longest numbers that NumPy has."""
    params = jax.tree.map(lambda leaf: np.asarray(leaf, np.longdouble), params)
    weights = [layer.weight for layer in params if hasattr(layer, "weight")]
    sigma = {"relu": naive.relu, "tanh": np.tanh}[model.activation_name]
    x = np.asarray(x, np.longdouble)
    if name == "dense":
        for weight in weights[:-1]:
            x = sigma(weight @ x)
        return 3 * (weights[-1] @ x)
    if name == "convolution":
        return naive.convolution(weights, x.reshape(6, 6, 1), sigma, 2, "same")
    if name == "residual":
        return naive.residual(weights, x, sigma, np.longdouble(model.branch_scale))
    if name == "residual-convolution":
        scale = np.longdouble(model.branch_scale)
        return naive.residual_convolution(weights, x.reshape(6, 6, 1), sigma, scale, 2)
    if name == "layer-norm":
        return naive.layer_norm(weights, params[3:], x, sigma, np.longdouble(1e-12))
    return naive.attention(weights, x.reshape(6, 6), sigma, 2, np.longdouble(0.5), 1)[0]


def stepped(name, sigma, size):
    """A network, its start, a step of this size relative to it, and two points."""
    rng = np.random.default_rng(7)
    model = NETWORKS[name](sigma)
    params = model.init_from_std(jax.random.key(2), [0.6] * len(model.shapes))
    step = jax.tree.map(lambda p: jnp.asarray(size * rng.normal(size=p.shape)), params)
    return model, params, step, jnp.asarray(rng.uniform(size=(2, 36)))


@pytest.mark.parametrize("sigma", ["relu", "tanh"])
@pytest.mark.parametrize("name", NETWORKS)
def test_networks_of_blocks_pass_differences_on_where_subtraction_loses_half_the_digits(
    double, name, sigma
):
    model, params, step, x = stepped(name, sigma, 1e-8)
    found = jax.jit(model.difference)(params, step, x)
    moved = jax.tree.map(lambda p, d: np.asarray(p, np.longdouble) + np.asarray(d), params, step)
    pairs = [[long_outputs(name, model, each, one) for one in x] for each in (moved, params)]
    expected = np.array(pairs[0]) - np.array(pairs[1])
    np.testing.assert_allclose(found, expected.astype(float), rtol=3e-10)


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_of_blocks_pass_on_what_changes_sides_at_a_kink(double, name):
    """Steps as large as the network turn units on and off, where a derivative along the way jumps."""
    model, params, step, x = stepped(name, "relu", 0.6)
    moved = jax.tree.map(jnp.add, params, step)
    found, start, end = jax.jit(
        lambda: (model.difference(params, step, x), model.apply(params, x), model.apply(moved, x))
    )()
    np.testing.assert_allclose(found, end - start, rtol=1e-9, atol=1e-12)
    seen = FunctionModel(model.apply, parameter_groups(params), network=model)
    groups = seen.groups_of(params), seen.groups_of(step)
    np.testing.assert_allclose(output_difference(seen, *groups, x), found, rtol=1e-12)


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


@dataclass(frozen=True)
class Cube(AbstractBlock):
    """A block of one's own, which says nothing of differences."""

    def apply(self, params, x):
        return x**3


class Own(AbstractNetwork):
    """A network of one's own: a layer, a block of one's own, a skip around another, a readout."""

    width: int
    inside: tuple[AbstractBlock, ...]

    @property
    def blocks(self):
        ends = (Linear("in", 3, self.width, 1.0), Linear("out", self.width, 1, 1.0))
        return (ends[0], *self.inside, ends[1])


@pytest.mark.parametrize(
    ("inside", "exact"),
    [
        ((Activate(activation("relu")),), True),
        ((Scale(3.0),), True),
        ((Skip((Activate(activation("relu")),), 0.5),), True),
        ((Cube(),), False),
        ((Skip((Cube(),), 0.5),), False),
    ],
)
def test_blocks_of_ones_own_without_differences_are_never_taken_for_linear_ones(
    double, inside, exact
):
    model = Own(4, inside)
    assert passes_differences_on(model) is exact
    params = model.init_from_std(jax.random.key(0), [0.6, 0.6])
    step = jax.tree.map(lambda p: 0.3 * p, params)
    x = jax.random.normal(jax.random.key(1), (5, 3))
    expected = model.apply(jax.tree.map(jnp.add, params, step), x) - model.apply(params, x)
    np.testing.assert_allclose(output_difference(model, params, step, x), expected, rtol=1e-9)


def test_what_has_no_difference_says_so():
    with pytest.raises(NotImplementedError, match="Cube passes no differences on"):
        Cube().value_and_difference([], [], jnp.ones((1, 2)), None)
