"""Does a dense network compute its definition, and is it drawn as its scheme says?"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cases import as_layers, draw_weights, unit_points
from lazyscope._checks import InputError
from lazyscope.model import Centred, Dense, check_memory, physical_memory
from lazyscope.scaling import named_scheme
from naive.dense import forward


@pytest.mark.usefixtures("double")
@pytest.mark.parametrize("use_bias", [False, True])
@pytest.mark.parametrize("depth", [1, 3])
def test_outputs_follow_the_definition(use_bias, depth):
    model = Dense(3, 2, 6, depth, "softplus", use_bias=use_bias, output_scale=1.7)
    weights = draw_weights(model, [1.0] + [0.5] * depth)
    biases = [np.arange(len(w)) / 10 if use_bias else None for w in weights]
    x = unit_points(5, 3)
    expected, _, _ = forward(list(zip(weights, biases, strict=True)), x, "softplus", scale=1.7)
    found = model.apply(as_layers(weights, biases), jnp.asarray(x))
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.slow
def test_shapes_and_parameter_count_agree_with_a_draw():
    model = Dense(3, 2, 7, 2, use_bias=True)
    params = model.init_from_std(jax.random.key(0), [1.0, 1.0, 1.0])
    assert tuple(layer.weight.shape for layer in params) == model.shapes == ((7, 3), (7, 7), (2, 7))
    assert model.num_parameters == sum(leaf.size for leaf in jax.tree.leaves(params)) == 100
    assert model.group_names == ("layer 1", "layer 2", "layer 3")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ntk", "mean-field", "mup"])
def test_draws_have_the_schemes_deviation(name):
    width = 200
    scheme = named_scheme(name, depth=2, input_dim=50, output_dim=30)
    params = Dense(50, 30, width, 2).init(jax.random.key(3), scheme)
    for layer, std in zip(params, scheme.weight_std(width), strict=True):
        values = np.asarray(layer.weight, np.float64).ravel() / std
        # var of the sample variance of N(0, 1) is 2 / (size - 1); five standard errors
        assert abs(values.mean()) < 5 / np.sqrt(values.size)
        assert abs(values.var() - 1) < 5 * np.sqrt(2 / values.size)


def test_layers_of_one_draw_are_different():
    first, second, third = Dense(4, 4, 4, 2).init_from_std(jax.random.key(0), [1.0, 1.0, 1.0])
    assert not np.allclose(first.weight, second.weight)
    assert not np.allclose(second.weight, third.weight)


def test_the_deviation_only_multiplies_the_draw():
    model = Dense(3, 1, 8, 1)
    one = model.init_from_std(jax.random.key(1), [1.0, 1.0])
    other = model.init_from_std(jax.random.key(1), [2.0, 0.25])
    np.testing.assert_allclose(other[0].weight, 2 * one[0].weight)
    np.testing.assert_allclose(other[1].weight, 0.25 * one[1].weight)


def test_biases_start_at_zero():
    params = Dense(3, 2, 4, 1, use_bias=True).init_from_std(jax.random.key(0), [1.0, 1.0])
    assert all(not np.any(layer.bias) for layer in params)


@pytest.mark.slow
def test_draws_can_be_batched_over_keys_and_scales():
    model = Dense(3, 1, 5, 1)
    keys = jax.random.split(jax.random.key(0), 4)
    stds = jnp.arange(1.0, 9.0).reshape(4, 2)
    batch = jax.vmap(model.init_from_std)(keys, stds)
    alone = model.init_from_std(keys[2], stds[2])
    np.testing.assert_allclose(batch[0].weight[2], alone[0].weight, rtol=1e-6)


@pytest.mark.slow
def test_a_centred_network_starts_at_zero_and_moves_as_the_inner_one():
    inner = Dense(3, 2, 6, 2, "tanh")
    start = inner.init_from_std(jax.random.key(0), [1.0, 0.5, 0.5])
    end = inner.init_from_std(jax.random.key(1), [1.0, 0.5, 0.5])
    x = jnp.asarray(unit_points(4, 3), jnp.float32)
    model = Centred(inner, start)
    assert model.group_names == inner.group_names
    assert not np.any(model.apply(start, x))
    np.testing.assert_allclose(
        model.apply(end, x), inner.apply(end, x) - inner.apply(start, x), rtol=1e-6
    )


@pytest.mark.parametrize(
    ("sizes", "what"),
    [
        ((0, 1, 4, 1), "Input_dim must be a whole number of at least 1. Received: 0"),
        ((3, 1, 0, 1), "Width must be a whole number of at least 1. Received: 0"),
        ((3, 1, -4, 1), "Width must be a whole number of at least 1. Received: -4"),
        ((3, 1, float("nan"), 1), "Width must be a whole number of at least 1. Received: nan"),
        ((3, 1, 2.5, 1), "Width must be a whole number of at least 1. Received: 2.5"),
        ((3, 1, 4, 0), "Depth must be a whole number of at least 1. Received: 0"),
        ((3, 0, 4, 1), "Output_dim must be a whole number of at least 1. Received: 0"),
    ],
)
def test_sizes_below_one_are_refused(sizes, what):
    with pytest.raises(InputError, match=what):
        Dense(*sizes)


def test_an_unknown_activation_is_refused():
    with pytest.raises(InputError, match=r"Activation must be one of .*Received: 'swish'"):
        Dense(3, 1, 4, 1, "swish")


def test_a_scheme_of_another_depth_is_refused():
    with pytest.raises(InputError, match=r"scheme for 3 hidden layers, a network with 2.*depth=2"):
        Dense(3, 1, 4, 2).init(jax.random.key(0), named_scheme("ntk", depth=3, input_dim=3))


def test_a_width_beyond_memory_is_refused_with_what_it_would_take():
    # 3 copies of (4e6)^2 weights in 8 bytes are 384e12 bytes = 357,628 GiB
    with pytest.raises(InputError, match=r"must fit into memory.*357,6\d\d\.\d GiB.*smaller width"):
        Dense(1, 1, 4_000_000, 2)


def test_memory_is_refused_just_above_what_the_machine_has():
    fits = physical_memory() // 24
    check_memory(fits, what="a network")
    with pytest.raises(InputError, match=r"a network, .* parameters, which takes .* GiB"):
        check_memory(fits + 1, what="a network")
