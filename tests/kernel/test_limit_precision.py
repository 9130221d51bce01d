"""Are limit kernels right to 1e-10 and better, beside arbitrary precision?"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lazyscope.kernel import (
    PiecewiseSmooth,
    limit_covariance_kernel,
    limit_tangent_kernel,
    limit_tangent_kernel_by_layer,
)
from lazyscope.limit.dual import _quadrature
from naive import limit as naive

FUNCTIONS = {
    "elu": jax.nn.elu,
    "hard_tanh": jax.nn.hard_tanh,
    "ramp": lambda u: jnp.maximum(u - 0.3, 0.0),
}
ACTIVATIONS = {name: FUNCTIONS.get(name, name) for name in naive.FUNCTIONS}
CORRELATIONS = (-1.0, 0.0, 0.6, 1.0)
NORMS = (1.3, 0.9)


def pair(correlation):
    """Two inputs in the plane whose pre-activations have deviations 1.3 and 0.9."""
    turn = np.arccos(correlation)
    x = 2**0.5 * np.array([[NORMS[0], 0.0], [0.0, 0.0]])
    x[1] = 2**0.5 * NORMS[1] * np.array([np.cos(turn), np.sin(turn)])
    if correlation in (-1.0, 0.0, 1.0):
        x[1] = 2**0.5 * NORMS[1] * np.array([correlation, float(correlation == 0)])
    return x[:1], x[1:]


@pytest.mark.slow
@pytest.mark.parametrize("correlation", CORRELATIONS)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_one_hidden_layer_equals_arbitrary_precision_integrals(name, correlation):
    sigma, slope, kinks = naive.FUNCTIONS[name]
    x, y = pair(correlation)
    q1, q2, q12 = (naive.mp.mpf(float((a * b).sum() / 2)) for a, b in ((x, x), (y, y), (x, y)))
    if correlation == 0:
        value, slopes = (
            naive.average(f, kinks, naive.mp.sqrt(q1)) * naive.average(f, kinks, naive.mp.sqrt(q2))
            for f in (sigma, slope)
        )
    else:
        value, slopes = naive.pair_average((sigma, slope), kinks, q1, q2, q12)
    shares = limit_tangent_kernel_by_layer(x, y, depth=1, activation=ACTIVATIONS[name])
    assert shares[1, 0, 0] == pytest.approx(float(value), abs=1e-12)
    assert shares[0, 0, 0] == pytest.approx(float(q12 * slopes), abs=1e-12)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_diagonal_equals_arbitrary_precision_integrals(name):
    sigma, slope, kinks = naive.FUNCTIONS[name]
    x, _ = pair(1.0)
    q = float((x * x).sum() / 2)
    value = naive.average(lambda u: sigma(u) ** 2, kinks, naive.mp.sqrt(q))
    slopes = naive.average(lambda u: slope(u) ** 2, kinks, naive.mp.sqrt(q))
    shares = limit_tangent_kernel_by_layer(x, depth=1, activation=ACTIVATIONS[name])
    assert shares[:, 0, 0] == pytest.approx([q * float(slopes), float(value)], rel=1e-12)


@pytest.mark.parametrize("angle", [0.0, 1e-12, 1e-8, 1e-6, 1e-4, 1e-2, 0.3])
@pytest.mark.parametrize("opposite", [False, True])
def test_nearly_equal_and_nearly_opposite_inputs_keep_all_their_digits(angle, opposite):
    direction = np.array([[3.0, 4.0, 0.0]])
    other = (-1.0) ** opposite * (direction + 5.0 * np.array([[0.0, 0.0, np.tan(angle)]]))
    for bias in (0.0, 0.3):
        settings = {"depth": 3, "activation": "relu", "weight_std": 1.2, "bias_std": bias}
        tangent, covariance = naive.relu_kernels(direction[0], other[0], 3, 1.2, bias)
        assert limit_tangent_kernel(direction, other, **settings)[0, 0] == pytest.approx(
            tangent, rel=2e-13
        )
        assert limit_covariance_kernel(direction, other, **settings)[0, 0] == pytest.approx(
            covariance, rel=2e-14
        )


def test_relu_kernels_of_random_inputs_keep_all_their_digits():
    x = np.random.default_rng(3).standard_normal((6, 4))
    expected = [[naive.relu_kernels(a, b, 4, 1.4, 0.2)[0] for b in x] for a in x]
    actual = limit_tangent_kernel(x, depth=4, activation="relu", weight_std=1.4, bias_std=0.2)
    np.testing.assert_allclose(actual, expected, rtol=1e-13)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "function", "spread"),
    [
        ("relu", jax.nn.relu, 0.0),
        ("relu", jax.nn.relu, 0.5),
        ("abs", jnp.abs, 0.5),
        ("erf", jax.scipy.special.erf, 0.5),
        ("sine", jnp.sin, 0.0),
        ("gelu", lambda u: jax.nn.gelu(u, approximate=False), 0.5),
    ],
)
def test_quadrature_of_a_function_equals_its_closed_form_in_deep_networks(name, function, spread):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((12, 3))
    x /= np.linalg.norm(x, axis=1, keepdims=True) * (1 + spread * rng.uniform(size=(12, 1)))
    x = np.concatenate([x, x[:2], -x[:2], x[:1] + 1e-7])
    settings = {"depth": 2, "weight_std": 1.6, "bias_std": 0.1}
    closed = limit_tangent_kernel(x, activation=name, **settings)
    found = limit_tangent_kernel(x, activation=function, **settings)
    np.testing.assert_allclose(found, closed, rtol=0, atol=1e-11 * closed.max())


@pytest.mark.slow
def test_kinks_away_from_zero_reach_the_same_accuracy_for_equal_and_different_norms():
    x = np.random.default_rng(1).standard_normal((2, 3))
    unit = 3**0.5 * x / np.linalg.norm(x, axis=1, keepdims=True)
    ramp = PiecewiseSmooth(FUNCTIONS["ramp"], kinks=(0.3,))
    sigma, slope, kinks = naive.FUNCTIONS["ramp"]
    for points in (unit, x):
        q = points @ points.T / 3
        exact = (naive.mp.mpf(v) for v in (q[0, 0], q[1, 1], q[0, 1]))
        value, slopes = naive.pair_average((sigma, slope), kinks, *exact)
        kernel = limit_tangent_kernel(points, depth=1, activation=ramp)
        assert kernel[0, 1] == pytest.approx(float(value + q[0, 1] * slopes), abs=1e-12)


def test_activations_with_jumps_have_a_covariance_kernel():
    x = np.eye(2)
    step = limit_covariance_kernel(x, depth=1, activation=lambda u: jnp.where(u > 0, 1.0, 0.0))
    np.testing.assert_allclose(step, [[0.5, 0.25], [0.25, 0.5]], atol=1e-13)


def test_zero_inputs_do_not_keep_kinked_functions_from_their_series(monkeypatch):
    """Patches of black pixels: without a bias their signals stay zero."""
    monkeypatch.setattr(_quadrature, "_FEW_PAIRS", 0)
    monkeypatch.setattr(_quadrature, "_MOST_DIRECT_PAIRS", 0)
    x = np.random.default_rng(0).standard_normal((4, 3))
    x[1] = 0.0
    found = limit_tangent_kernel(x, depth=1, activation=lambda u: jnp.maximum(u, 0.0))
    expected = limit_tangent_kernel(x, depth=1, activation="relu")
    np.testing.assert_allclose(found, expected, rtol=1e-11)
