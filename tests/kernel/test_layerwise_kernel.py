"""Is the layerwise kernel the product of dense Jacobians, layer by layer?"""

import jax.numpy as jnp
import numpy as np
import pytest

from cases import ACTIVATIONS, as_layers, draw_weights, unit_points
from lazyscope.kernel import LayerwiseKernel, as_matrix
from lazyscope.model import Dense
from naive.dense import forward, jacobian, kernels

pytestmark = pytest.mark.usefixtures("double")


def network(activation="tanh", *, depth=2, output_dim=3, use_bias=False, output_scale=1.0):
    model = Dense(3, output_dim, 5, depth, activation, use_bias=use_bias, output_scale=output_scale)
    weights = draw_weights(model, [1.0] + [0.6] * depth)
    rng = np.random.default_rng(5)
    biases = [0.3 * rng.normal(size=len(w)) if use_bias else None for w in weights]
    return model, as_layers(weights, biases), list(zip(weights, biases, strict=True))


def close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10 * np.abs(expected).max())


@pytest.mark.slow
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_each_layer_is_the_product_of_its_dense_jacobians(activation):
    model, params, layers = network(activation, use_bias=True)
    x1, x2 = unit_points(4, 3), unit_points(3, 3)
    found = LayerwiseKernel(model).by_group(params, jnp.asarray(x1), jnp.asarray(x2))
    assert found.shape == (3, 4, 3, 3, 3)
    close(found, np.stack(kernels(layers, x1, x2, activation)))


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("use_bias", [False, True])
def test_depth_bias_and_output_scale_enter_as_in_the_jacobian(depth, use_bias):
    model, params, layers = network(
        "gelu", depth=depth, use_bias=use_bias, output_dim=2, output_scale=2.5
    )
    x = unit_points(4, 3)
    found = LayerwiseKernel(model).by_group(params, jnp.asarray(x))
    close(found, np.stack(kernels(layers, x, x, "gelu", scale=2.5)))


def test_the_summed_kernel_weights_each_layer_by_its_speed():
    model, params, layers = network("erf", use_bias=True)
    x1, x2 = unit_points(4, 3), unit_points(3, 3)
    speeds = np.array([0.5, 3.0, 0.1])
    kernel = LayerwiseKernel(model)
    expected = np.einsum("l,lijck->ijck", speeds, np.stack(kernels(layers, x1, x2, "erf")))
    close(
        kernel.summed(params, jnp.asarray(x1), jnp.asarray(x2), speeds=jnp.asarray(speeds)),
        expected,
    )


@pytest.fixture
def expansion():
    model, params, layers = network("tanh", use_bias=True)
    x = unit_points(6, 3)
    return LayerwiseKernel(model).expand(params, jnp.asarray(x)), layers, x


SPEEDS = np.array([0.5, 3.0, 0.1])


def test_the_expansion_has_the_networks_outputs(expansion):
    expansion, layers, x = expansion
    close(expansion.outputs, forward(layers, x, "tanh")[0])


def test_the_kernel_is_symmetric_and_positive(expansion):
    matrix = np.asarray(as_matrix(expansion[0].kernel(jnp.asarray(SPEEDS))))
    close(matrix, matrix.T)
    values = np.linalg.eigvalsh(matrix)
    assert values[0] > -1e-12 * values[-1]


def test_as_matrix_lets_outputs_run_fastest(expansion):
    kernel = np.asarray(expansion[0].kernel(jnp.asarray(SPEEDS)))
    matrix = np.asarray(as_matrix(expansion[0].kernel(jnp.asarray(SPEEDS))))
    for i, j, c, k in [(0, 1, 2, 0), (5, 2, 1, 2), (3, 3, 0, 1)]:
        assert matrix[3 * i + c, 3 * j + k] == kernel[i, j, c, k]


def test_the_mean_kernel_is_the_average_of_the_diagonal_blocks(expansion):
    expansion, layers, x = expansion
    full = np.einsum("l,lijck->ijck", SPEEDS, np.stack(kernels(layers, x, x, "tanh")))
    close(expansion.mean_kernel(jnp.asarray(SPEEDS)), np.einsum("ijcc->ij", full) / 3)


def test_pull_back_is_the_transposed_jacobian(expansion):
    expansion, layers, x = expansion
    cotangent = np.random.default_rng(1).normal(size=(6, 3))
    found = expansion.pull_back(jnp.asarray(cotangent))
    for layer, dense in zip(found, jacobian(layers, x, "tanh"), strict=True):
        flat = np.concatenate([np.ravel(layer.weight), layer.bias])
        close(flat, np.einsum("ic,icp->p", cotangent, dense))


@pytest.mark.slow
def test_a_permutation_of_the_points_permutes_the_kernel():
    model, params, _ = network("sine")
    x = unit_points(5, 3)
    order = np.random.default_rng(2).permutation(5)
    kernel = LayerwiseKernel(model)
    before = np.asarray(kernel.by_group(params, jnp.asarray(x)))
    after = kernel.by_group(params, jnp.asarray(x[order]))
    close(after, before[:, order][:, :, order])


def test_a_wrong_slope_would_be_seen():
    model, params, layers = network("tanh")
    x = unit_points(4, 3)
    found = np.asarray(LayerwiseKernel(model).by_group(params, jnp.asarray(x)))
    other = np.stack(kernels(layers, x, x, "erf"))
    assert np.abs(found - other).max() > 1e-2 * np.abs(other).max()
