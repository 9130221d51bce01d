"""Do wide networks have the limit's kernels, with a deviation that falls as m^-1/2?"""

import numpy as np
import pytest

from lazyscope.kernel import (
    limit_covariance_kernel,
    limit_tangent_kernel,
    limit_tangent_kernel_by_layer,
)

WIDTHS = (32, 128, 512)
NETWORKS = 48
DEPTH, WEIGHT, BIAS, READOUT = 2, 1.3, 0.4, 0.9
POINTS = np.random.default_rng(0).standard_normal((4, 3))

SIGMAS = {
    "relu": (lambda z: np.maximum(z, 0), lambda z: (z > 0) * 1.0),
    "tanh": (np.tanh, lambda z: 1 / np.cosh(z) ** 2),
    "sine": (np.sin, np.cos),
}


def finite_kernels(sigma, slope, width, rng):
    """Tangent kernel per layer of one random network of two hidden layers, biases trained, and f f^T."""
    x = [POINTS]
    z, weights = [], []
    for fan_out in (width, width, 1):
        weights.append(rng.standard_normal((fan_out, x[-1].shape[1])))
        std, bias = (READOUT, 0.0) if fan_out == 1 else (WEIGHT, BIAS)
        z.append(std / np.sqrt(x[-1].shape[1]) * x[-1] @ weights[-1].T)
        z[-1] += bias * rng.standard_normal(fan_out)
        x.append(sigma(z[-1]))
    signals = [None, None, np.ones((4, 1))]
    stds = (WEIGHT, WEIGHT, READOUT)
    for layer in (1, 0):
        back = stds[layer + 1] / np.sqrt(width) * signals[layer + 1] @ weights[layer + 1]
        signals[layer] = back * slope(z[layer])
    biases = (BIAS, BIAS, 0.0)
    return np.stack(
        [
            (signals[i] @ signals[i].T)
            * (stds[i] ** 2 / x[i].shape[1] * x[i] @ x[i].T + biases[i] ** 2)
            for i in range(3)
        ]
    )


def deviations(activation, limit):
    """Root mean square deviation of networks of each width from `limit`, and its standard error."""
    sigma, slope = SIGMAS[activation]
    rng = np.random.default_rng(7)
    squares = np.array(
        [
            [
                np.mean((finite_kernels(sigma, slope, width, rng).sum(axis=0) - limit) ** 2)
                for _ in range(NETWORKS)
            ]
            for width in WIDTHS
        ]
    )
    rms = np.sqrt(squares.mean(axis=1))
    error = squares.std(axis=1, ddof=1) / np.sqrt(NETWORKS) / (2 * rms)
    return rms, error


def fitted_slope(rms, error):
    """Slope of log rms against log width by weighted least squares, and its standard error."""
    a, weights = np.log(WIDTHS), (rms / error) ** 2
    centre = np.average(a, weights=weights)
    spread = np.sum(weights * (a - centre) ** 2)
    return np.sum(weights * (a - centre) * np.log(rms)) / spread, spread**-0.5


SETTINGS = {
    "depth": DEPTH,
    "weight_std": WEIGHT,
    "bias_std": BIAS,
    "readout_weight_std": READOUT,
    "readout_bias_std": 0.0,
}


@pytest.mark.slow
@pytest.mark.parametrize("activation", SIGMAS)
def test_tangent_kernel_of_wide_networks_deviates_as_the_inverse_root_of_the_width(activation):
    limit = limit_tangent_kernel(POINTS, activation=activation, **SETTINGS)
    slope, error = fitted_slope(*deviations(activation, limit))
    assert abs(slope + 0.5) < 3 * error + 0.03


def test_a_kernel_without_the_share_of_one_layers_bias_is_told_apart():
    wrong = limit_tangent_kernel(POINTS, activation="relu", **SETTINGS) - BIAS**2
    slope, error = fitted_slope(*deviations("relu", wrong))
    assert slope > -0.5 + 5 * error


@pytest.mark.slow
@pytest.mark.parametrize("activation", SIGMAS)
def test_each_layer_of_a_wide_network_has_its_share_of_the_limit(activation):
    shares = limit_tangent_kernel_by_layer(POINTS, activation=activation, **SETTINGS)
    rng = np.random.default_rng(11)
    drawn = np.stack([finite_kernels(*SIGMAS[activation], 512, rng) for _ in range(NETWORKS)])
    error = drawn.std(axis=0, ddof=1) / np.sqrt(NETWORKS)
    # four standard errors, and the bias of order 1 / width
    assert np.all(np.abs(drawn.mean(axis=0) - shares) < 4 * error + 0.02 * np.max(shares))


def test_outputs_of_wide_random_networks_have_the_covariance_kernel():
    sigma, _ = SIGMAS["tanh"]
    rng = np.random.default_rng(5)
    draws, width = 4000, 128
    outputs = []
    for _ in range(draws):
        features = POINTS
        for fan_out, std, bias in ((width, WEIGHT, BIAS), (width, WEIGHT, BIAS)):
            w = rng.standard_normal((features.shape[1], fan_out))
            z = std / np.sqrt(features.shape[1]) * features @ w + bias * rng.standard_normal(
                fan_out
            )
            features = sigma(z)
        outputs.append(READOUT / np.sqrt(width) * features @ rng.standard_normal(width))
    products = np.einsum("ki,kj->kij", outputs, outputs)
    error = products.std(axis=0, ddof=1) / np.sqrt(draws)
    limit = limit_covariance_kernel(POINTS, activation="tanh", **SETTINGS)
    assert np.all(np.abs(products.mean(axis=0) - limit) < 4 * error + 0.01)
