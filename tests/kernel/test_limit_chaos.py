"""Do limit kernels of chaotic and of very deep networks keep their digits, or say what they lost?"""

import time
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from mpmath import mp

from lazyscope.kernel import (
    AccuracyWarning,
    limit_amplification,
    limit_covariance_kernel,
    limit_tangent_kernel,
    limit_tangent_kernel_by_layer,
)
from naive import limit as naive

DIRECTION = np.array([0.6, 0.8, 0.0])
TURN = np.array([0.8, -0.6, 1.0])


def one_layer(name, q1, q2, c):
    """E sigma sigma and E sigma' sigma' in arbitrary precision."""
    if name == "erf":
        value = 2 / mp.pi * mp.asin(2 * c / mp.sqrt((1 + 2 * q1) * (1 + 2 * q2)))
        return value, 4 / mp.pi / mp.sqrt((1 + 2 * q1) * (1 + 2 * q2) - 4 * c * c)
    if name == "sine":
        outer = mp.exp(-(q1 + q2) / 2)
        return outer * mp.sinh(c), outer * mp.cosh(c)
    shifted = (1 + q1) * (1 + q2) - c * c
    both = mp.mpf(1) / 4 + mp.asin(c / mp.sqrt((1 + q1) * (1 + q2))) / (2 * mp.pi)
    density = 1 / (2 * mp.pi * mp.sqrt(shifted))
    share = 1 / (1 + q1) + 1 / (1 + q2)
    value = c * both + density * (q1 * q2 - c * c + c * c * share)
    return value, both + c * density * (share + 1 / shifted)


def exact_kernels(name, x, y, depth, weight, bias):
    """(covariance, tangent) of one pair with 80 digits."""
    with mp.workdps(80):
        x, y = ([mp.mpf(float(v)) for v in point] for point in (x, y))
        weight, bias = mp.mpf(weight) ** 2, mp.mpf(bias) ** 2
        q1, q2, c = (
            weight * mp.fsum(i * j for i, j in zip(a, b, strict=True)) / len(a) + bias
            for a, b in ((x, x), (y, y), (x, y))
        )
        tangent = c
        for _ in range(depth):
            value, slope = one_layer(name, q1, q2, c)
            k1, k2 = one_layer(name, q1, q1, q1)[0], one_layer(name, q2, q2, q2)[0]
            q1, q2, c = weight * k1 + bias, weight * k2 + bias, weight * value + bias
            tangent = c + weight * slope * tangent
        return float(c), float(tangent)


@pytest.mark.slow
@pytest.mark.parametrize(
    "activation",
    ["erf", "sine", jnp.tanh, jax.nn.hard_tanh],
    ids=["erf", "sine", "tanh", "hard_tanh"],
)
def test_equal_and_opposite_inputs_stay_so_to_the_bit_in_chaotic_networks(activation):
    x = np.stack([DIRECTION, DIRECTION, -DIRECTION, 0.3 * TURN, 0.0 * TURN])
    depth = {jax.nn.hard_tanh: 2, jnp.tanh: 3}.get(activation, 5)
    settings = {"depth": depth, "activation": activation, "weight_std": 6.0}
    kernel = limit_covariance_kernel(x, **settings)
    assert kernel[0, 1] == kernel[0, 0]
    assert kernel[0, 2] == -kernel[0, 0]
    assert np.all(kernel[4] == 0)
    across = limit_covariance_kernel(x[3:0:-1], x[:1], **settings)
    assert across[1:, 0].tolist() == [-kernel[0, 0], kernel[0, 0]]


def test_relu_networks_keep_rescaled_copies_at_correlation_one():
    x = np.stack([DIRECTION, 3.0 * DIRECTION, -DIRECTION])
    kernel = limit_covariance_kernel(x, depth=40, activation="relu", weight_std=2**0.5)
    assert kernel[0, 1] == pytest.approx(3.0 * kernel[0, 0], rel=1e-14)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "depth", "weight", "bias"),
    [
        ("erf", 20, 10.0, 0.0),
        ("erf", 20, 10.0, 1.0),
        ("sine", 10, 10.0, 0.3),
        ("gelu", 20, 6.0, 0.0),
    ],
)
@pytest.mark.parametrize("distance", [1e-9, 1e-3])
def test_near_inputs_of_one_norm_keep_their_digits_under_amplification(
    name, depth, weight, bias, distance
):
    other = DIRECTION + distance * TURN
    x = np.stack([DIRECTION, other / np.linalg.norm(other)])
    settings = {"depth": depth, "activation": name, "weight_std": weight, "bias_std": bias}
    covariance, tangent = exact_kernels(name, *x, depth, weight, bias)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AccuracyWarning)
        found = limit_covariance_kernel(x, **settings), limit_tangent_kernel(x, **settings)
    assert abs(found[0][0, 1] - covariance) < 1e-13 * found[0][0, 0]
    assert abs(found[1][0, 1] - tangent) < 1e-12 * found[1][0, 0]


def test_near_inputs_of_different_norms_are_off_by_no_more_than_the_warning_says():
    x = np.stack([DIRECTION, (1 + 1e-8) * DIRECTION])
    with pytest.warns(AccuracyWarning, match=r"amplifies the distance.*known to 2e-08 only"):
        found = limit_covariance_kernel(x, depth=20, activation="erf", weight_std=10.0)
    exact, _ = exact_kernels("erf", *x, 20, 10.0, 0.0)
    assert abs(found[0, 1] - exact) < 2e-8 * found[0, 0]


@pytest.mark.slow
def test_single_precision_of_a_chaotic_network_is_that_of_double():
    x = np.stack([DIRECTION, DIRECTION, DIRECTION + 1e-4 * TURN]).astype(np.float32)
    settings = {"depth": 12, "activation": "erf", "weight_std": 8.0}
    single = limit_tangent_kernel(x, **settings)
    with pytest.warns(AccuracyWarning):  # double precision promises more
        double = limit_tangent_kernel(x.astype(np.float64), **settings)
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, double, rtol=0, atol=1e-6 * double.max())


def test_amplification_is_the_growth_of_a_small_distance_over_all_layers():
    x = np.stack([DIRECTION, DIRECTION + 1e-6 * TURN])
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    settings = {"depth": 4, "activation": "erf", "weight_std": 3.0, "bias_std": 0.4}
    q, _ = exact_kernels("erf", x[0], x[0], 4, 3.0, 0.4)
    c, _ = exact_kernels("erf", *x, 4, 3.0, 0.4)
    before = np.sum((x[0] - x[1]) ** 2) / 2
    assert limit_amplification(x, **settings)[0] == pytest.approx((q - c) / q / before, rel=1e-3)
    step = limit_amplification(x, depth=2, activation=lambda u: jnp.where(u > 0, 1.0, 0.0))
    assert np.all(np.isinf(step))


def test_a_thousand_layers_take_time_and_programs_linear_in_the_depth():
    begun = time.process_time()
    kernel = limit_tangent_kernel(
        np.eye(3), depth=1000, activation="relu", weight_std=2**0.5, tile=8
    )
    assert time.process_time() - begun < 60
    expected, _ = naive.relu_kernels(np.eye(3)[0], np.eye(3)[1], 1000, 2**0.5, 0.0, digits=40)
    assert kernel[0, 1] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("activation", ["relu", jnp.tanh])
def test_loops_over_layers_give_what_one_program_gives(activation, monkeypatch):
    from lazyscope.limit import _recursion

    x = np.random.default_rng(0).standard_normal((5, 3))
    settings = {"depth": 3, "activation": activation, "weight_std": 1.3, "bias_std": 0.1}
    for function in (limit_tangent_kernel, limit_tangent_kernel_by_layer):
        whole = function(x, **settings)
        with monkeypatch.context() as patch:
            patch.setattr(_recursion, "_UNROLLED", 0)
            np.testing.assert_allclose(function(x, **settings), whole, rtol=1e-13)


def test_variances_that_overflow_are_refused():
    with pytest.raises(ValueError, match=r"must be finite numbers.*overflow in layer"):
        limit_covariance_kernel(np.eye(2), depth=900, activation="linear", weight_std=3.0)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["erf", "sine", "gelu"])
def test_inputs_of_large_and_of_very_different_norms_keep_their_correlations(name):
    """Pixels from 0 to 255 and more, beside inputs close to zero."""
    x = np.array([[255.0, 300.0], [3e4, -7e4], [2e4, 5e4], [1e-3, 2e-3], [100.0, 137.0]])
    found = limit_covariance_kernel(x, depth=1, activation=name)
    exact = [[exact_kernels(name, a, b, 1, 1.0, 0.0)[0] for b in x] for a in x]
    sizes = np.sqrt(np.diag(exact))
    assert np.max(np.abs(found - exact) / np.outer(sizes, sizes)) < 1e-12
