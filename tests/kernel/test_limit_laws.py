"""Which laws do limit kernels obey whatever the network: blocks, symmetry, positivity, precision?"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lazyscope.kernel import (
    limit_covariance_kernel,
    limit_tangent_kernel,
    limit_tangent_kernel_by_layer,
    normalised_limit_kernels,
)

CLOSED = ("relu", "leaky_relu", "abs", "linear", "erf", "sine", "gelu")
SETTINGS = {"depth": 2, "weight_std": 1.3, "bias_std": 0.2}


def points(n, d=5, seed=0):
    return 0.6 * np.random.default_rng(seed).standard_normal((n, d))


@pytest.mark.slow
@pytest.mark.parametrize("activation", ["relu", "gelu", "tanh"])
def test_kernel_does_not_depend_on_the_tile(activation):
    x, y = points(23), points(17, seed=1)
    whole = limit_tangent_kernel(x, y, activation=activation, **SETTINGS)
    for tile in (1, 8):
        tiled = limit_tangent_kernel(x, y, activation=activation, tile=tile, **SETTINGS)
        np.testing.assert_allclose(tiled, whole, rtol=1e-13)


@pytest.mark.slow
@pytest.mark.parametrize("activation", ["leaky_relu", "sine", "softplus"])
@pytest.mark.parametrize("kernel", [limit_tangent_kernel, limit_covariance_kernel])
def test_symmetric_kernel_is_the_rectangular_one_and_symmetric_to_the_bit(kernel, activation):
    x = points(21)
    half = kernel(x, activation=activation, tile=6, **SETTINGS)
    full = kernel(x, x.copy(), activation=activation, tile=6, **SETTINGS)
    np.testing.assert_array_equal(half, half.T)
    np.testing.assert_allclose(half, full, rtol=2e-13)


@pytest.mark.slow
@pytest.mark.parametrize("activation", CLOSED)
def test_kernel_is_positive_to_rounding_with_equal_opposite_and_close_inputs(activation):
    x = points(12)
    x = np.concatenate([x, x[:4], -x[:4], x[:4] * (1 + 1e-9), x[:4] + 1e-8])
    kernel = limit_tangent_kernel(x, depth=3, activation=activation, weight_std=1.5)
    values = np.linalg.eigvalsh(kernel)
    assert values[0] > -len(x) * 2.3e-16 * values[-1]


@pytest.mark.slow
def test_equal_inputs_have_equal_rows_and_opposite_inputs_opposite_rows_for_odd_activations():
    x = points(6)
    x = np.concatenate([x, x, -x])
    for activation in ("linear", "erf", "sine"):
        kernel = limit_tangent_kernel(x, depth=3, activation=activation, weight_std=1.4)
        np.testing.assert_allclose(kernel[:6, :6], kernel[6:12, :6], rtol=1e-13)
        np.testing.assert_allclose(kernel[:6, :6], -kernel[12:, :6], rtol=1e-13)


def test_orthogonal_inputs_of_odd_networks_have_kernel_zero():
    for activation in ("linear", "erf", "sine"):
        kernel = limit_tangent_kernel(np.eye(3), depth=2, activation=activation)
        assert np.all(kernel[~np.eye(3, dtype=bool)] == 0)


@pytest.mark.slow
def test_layers_add_up_to_the_tangent_kernel_and_the_last_is_the_covariance_kernel():
    x, y = points(7), points(4, seed=1)
    shares = limit_tangent_kernel_by_layer(x, y, activation="gelu", **SETTINGS)
    assert shares.shape == (3, 7, 4)
    total = limit_tangent_kernel(x, y, activation="gelu", **SETTINGS)
    np.testing.assert_allclose(shares.sum(axis=0), total, rtol=1e-14)
    covariance = limit_covariance_kernel(x, y, activation="gelu", **SETTINGS)
    np.testing.assert_allclose(shares[-1], covariance, rtol=1e-14)


def test_relu_kernels_scale_with_the_inputs_and_with_every_weight():
    x = points(5)
    one = limit_tangent_kernel(x, depth=3, activation="relu")
    larger = limit_tangent_kernel(3.0 * x, depth=3, activation="relu", weight_std=2.0)
    np.testing.assert_allclose(larger, 9.0 * 4.0**4 * one, rtol=1e-13)


def test_kernel_follows_a_permutation_of_the_inputs():
    x = points(11)
    order = np.random.default_rng(2).permutation(11)
    kernel = limit_tangent_kernel(x, activation="tanh", **SETTINGS)
    permuted = limit_tangent_kernel(x[order], activation="tanh", **SETTINGS)
    np.testing.assert_allclose(permuted, kernel[np.ix_(order, order)], rtol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("activation", ["relu", "abs", "erf", "gelu", "tanh"])
def test_single_precision_stays_single_and_loses_no_more_than_its_rounding(activation):
    x = points(40, 8)
    x = np.concatenate([x, x[:3], -x[:3], x[:5] * (1 + 1e-4), x[:5] + 1e-4]).astype(np.float32)
    single = limit_tangent_kernel(x, activation=activation, **SETTINGS)
    double = limit_tangent_kernel(x.astype(np.float64), activation=activation, **SETTINGS)
    assert single.dtype == np.float32
    assert double.dtype == np.float64
    np.testing.assert_allclose(single, double, rtol=0, atol=2e-6 * np.max(double))


def test_plain_cosines_alone_would_lose_digits_of_close_inputs_in_single_precision(monkeypatch):
    # the careful path is what the test above relies on: without it the error is hundreds of roundings
    from lazyscope.limit import _assembly

    x = points(10, 50)
    x = np.concatenate([x, x * (1 + 1e-7) + 1e-5]).astype(np.float32)
    settings = {"depth": 3, "activation": "relu"}
    exact = limit_tangent_kernel(x.astype(np.float64), **settings)
    careful = limit_tangent_kernel(x, **settings)
    monkeypatch.setattr(_assembly, "careful_cosines", _assembly.plain_cosines)
    plain = limit_tangent_kernel(x, **settings)
    errors = [np.max(np.abs(k - exact)) / np.max(exact) for k in (careful, plain)]
    assert errors[0] < 1e-6
    assert errors[1] > 20 * errors[0]


def test_jax_arrays_and_sessions_in_single_precision_are_served_without_global_flags():
    assert not jax.config.jax_enable_x64
    x = points(5)
    double = limit_tangent_kernel(x, activation="relu", **SETTINGS)
    single = limit_tangent_kernel(jnp.asarray(x, jnp.float32), activation="relu", **SETTINGS)
    assert (double.dtype, single.dtype) == (np.float64, np.float32)
    assert not jax.config.jax_enable_x64


def test_zero_inputs_have_zero_kernels_without_bias_and_finite_ones_with_it():
    x = np.concatenate([points(3), np.zeros((1, 5))])
    for activation in ("relu", "erf"):
        bare = limit_tangent_kernel(x, depth=2, activation=activation)
        assert np.all(bare[-1] == 0)
        assert np.isfinite(limit_tangent_kernel(x, activation=activation, **SETTINGS)).all()


def test_weights_given_layer_by_layer_mean_the_same_as_one_number_and_a_readout():
    x = points(4)
    one = limit_tangent_kernel(
        x, depth=2, activation="erf", weight_std=1.3, bias_std=0.2,
        readout_weight_std=0.7, readout_bias_std=0.0,
    )  # fmt: skip
    each = limit_tangent_kernel(
        x, depth=2, activation="erf", weight_std=[1.3, 1.3, 0.7], bias_std=[0.2, 0.2, 0.0]
    )
    beside = limit_tangent_kernel(
        x, depth=2, activation="erf", weight_std=[1.3, 1.3], bias_std=[0.2, 0.2],
        readout_weight_std=0.7, readout_bias_std=0.0,
    )  # fmt: skip
    np.testing.assert_array_equal(one, each)
    np.testing.assert_array_equal(one, beside)


def test_normalised_kernels_of_homogeneous_networks_do_not_know_any_scale():
    x = points(6)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    one = normalised_limit_kernels(x, depth=3, activation="relu")
    scaled = normalised_limit_kernels(x, depth=3, activation="relu", weight_std=[7.0, 1e-3, 40.0])
    np.testing.assert_array_equal(one, scaled)


def test_normalised_kernels_times_scales_are_the_layers_of_the_tangent_kernel():
    x = points(6)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    stds = np.array([0.8, 1.3, 1.1])
    for activation in ("relu", "erf"):
        normalised = normalised_limit_kernels(x, depth=3, activation=activation, weight_std=stds)
        shares = limit_tangent_kernel_by_layer(
            5**0.5 * x, depth=3, activation=activation, weight_std=stds, readout_weight_std=1.0
        )
        np.testing.assert_allclose(np.prod(stds**2) * normalised, shares, rtol=1e-12)


def test_normalised_relu_kernels_are_the_published_products_on_orthogonal_inputs():
    # G[1] = 1 / (2 pi) off the diagonal, S[1] = 1/4, S[2] by the angle with cosine 1 / pi
    normalised = normalised_limit_kernels(np.eye(2), depth=2, activation="relu")
    slope = (np.pi - np.arccos(1 / np.pi)) / (2 * np.pi)
    np.testing.assert_allclose(normalised[1, 0, 1], slope / (2 * np.pi), rtol=1e-14)
    np.testing.assert_allclose(normalised[:, 0, 0], [0.25, 0.25, 0.25], rtol=1e-14)
    assert normalised[0, 0, 1] == 0
