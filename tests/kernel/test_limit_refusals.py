"""Which inputs does the limit refuse, and does it say why?"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lazyscope import composed
from lazyscope._checks import InputError
from lazyscope.kernel import (
    PiecewiseSmooth,
    limit_covariance_kernel,
    limit_tangent_kernel,
    normalised_limit_kernels,
)

X = 3 * np.random.default_rng(0).standard_normal((3, 2))
UNIT = X / np.linalg.norm(X, axis=1, keepdims=True)


@pytest.mark.parametrize("depth", [0, -1, 1.5])
def test_depth_counts_hidden_layers(depth):
    with pytest.raises(InputError, match=r"Depth must be a whole number of at least 1.*hidden"):
        limit_tangent_kernel(X, depth=depth, activation="relu")


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda u: jnp.exp(u**2), "finite second moment.*exp\\(u\\^2 / 4\\)"),
        (jnp.log, "number for every real input.*not a number"),
        (np.tanh, "written with jax.numpy.*cannot differentiate"),
        (lambda u: jnp.sum(u), "its argument's shape and precision.*reduction"),
        (lambda u: jnp.where(u > 0.25, 1.0, 0.0), "without jumps.*jumps at 0.25.*covariance"),
        (lambda u: jnp.sqrt(jnp.abs(u)), "must settle as the quadrature is refined|second moment"),
        (lambda u: jnp.floor(8 * u), "at most 12 kinks"),
        (3.0, "a name, an Activation or a function"),
        ("relv", "Activation must be one of.*'relu'"),
    ],
)
def test_activations_outside_the_theory_are_refused(function, message):
    with pytest.raises(InputError, match=message):
        limit_tangent_kernel(X, depth=1, activation=function)


def test_many_pairs_of_different_norms_with_kinks_away_from_zero_are_refused():
    x = np.random.default_rng(0).standard_normal((400, 2))
    ramp = PiecewiseSmooth(lambda u: jnp.maximum(u - 0.3, 0.0), kinks=(0.3,))
    with pytest.raises(InputError, match=r"acts on them smoothly.*same norm"):
        limit_covariance_kernel(x, depth=1, activation=ramp)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (X[0], "one row for each input.*shape \\(2,\\)"),
        (np.empty((0, 2)), "one row for each input"),
        (np.array([[1.0, np.nan]]), "X1 must be finite.*NaN or infinite"),
        (X.astype(complex), "real or whole numbers.*complex128"),
    ],
)
def test_inputs_that_are_not_a_finite_matrix_are_refused(x, message):
    with pytest.raises(InputError, match=message):
        limit_tangent_kernel(x, depth=1, activation="relu")


def test_two_sets_of_inputs_must_match():
    with pytest.raises(InputError, match=r"same number of features.*2 and 1"):
        limit_tangent_kernel(X, X[:, :1], depth=1, activation="relu")
    with pytest.raises(InputError, match=r"same precision.*float64 and float32"):
        limit_tangent_kernel(X, X.astype(np.float32), depth=1, activation="relu")


@pytest.mark.parametrize(
    ("weight_std", "message"),
    [
        (-1.0, "Weight_std must not be negative"),
        (float("inf"), "Weight_std must be a finite number"),
        ([1.0, 1.0], "one number for each of 3 layers.*2 numbers.*readout"),
    ],
)
def test_standard_deviations_are_checked(weight_std, message):
    with pytest.raises(InputError, match=message):
        limit_tangent_kernel(X, depth=2, activation="relu", weight_std=weight_std)


def test_normalised_kernels_refuse_inputs_that_are_not_of_norm_one():
    with pytest.raises(InputError, match=r"mean squared norm one.*divide each row by its norm"):
        normalised_limit_kernels(10 * UNIT, depth=1, activation="relu")


@pytest.mark.parametrize(
    ("weight_std", "message"),
    [([1e-3, 1.0], "acts as its linearisation"), ([1.0, 1e3], "activation saturates")],
)
def test_normalised_kernels_say_when_variances_vanish_or_diverge(weight_std, message):
    with pytest.raises(InputError, match=message):
        normalised_limit_kernels(UNIT, depth=2, activation="tanh", weight_std=weight_std)
    normalised_limit_kernels(UNIT, depth=2, activation="relu", weight_std=weight_std)


def test_kinks_must_be_numbers():
    with pytest.raises(InputError, match="A kink must be a finite number"):
        PiecewiseSmooth(jnp.abs, kinks=(float("nan"),))


NARROW = {
    "spike": lambda u: jnp.tanh(u) + jnp.exp(-(((u - 0.3) / 1e-3) ** 2)),
    "comb": lambda u: jnp.tanh(u) + 0.01 * jnp.sin(3000 * u) ** 8,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", NARROW)
def test_features_narrower_than_the_quadrature_are_refused(name):
    with pytest.raises(InputError, match=r"two quadratures|must settle") as caught:
        limit_covariance_kernel(X, depth=1, activation=NARROW[name])
    assert "much narrower than the inputs spread" in caught.value.cause


@pytest.mark.slow
def test_a_narrow_tooth_is_found_and_a_narrow_spike_can_be_named():
    x = np.eye(2) * 2**0.5
    z = np.linspace(-9, 9, 4_000_001)
    density = np.exp(-z * z / 2) / np.sqrt(2 * np.pi) * (18 / 4e6)
    tooth = lambda u: u + jnp.maximum(1e-3 - jnp.abs(u - 0.7), 0.0) * 1000  # noqa: E731
    found = PiecewiseSmooth(tooth).kinks_within(8.0)
    np.testing.assert_allclose(found, [0.699, 0.7, 0.701], atol=1e-12)
    named = PiecewiseSmooth(NARROW["spike"], kinks=tuple(0.3 + 1e-3 * np.arange(-6, 7, 2)))
    exact = np.sum((np.tanh(z) + np.exp(-(((z - 0.3) / 1e-3) ** 2))) ** 2 * density)
    kernel = limit_covariance_kernel(x, depth=1, activation=named)
    assert kernel[0, 0] == pytest.approx(exact, rel=1e-9)


@pytest.mark.parametrize(
    "settings",
    [
        {"weight_std": True},
        {"weight_std": "1"},
        {"weight_std": 1j},
        {"weight_std": np.ma.masked_array([1.0, 1.0, 1.0], [True, False, False])},
        {"readout_weight_std": True},
        {"bias_std": float("nan")},
    ],
)
def test_deviations_that_are_no_numbers_are_refused(settings):
    with pytest.raises(InputError):
        limit_tangent_kernel(X, depth=2, activation="relu", **settings)


def test_calls_inside_a_transformation_are_refused_in_one_sentence():
    kernel = lambda x, s=1.0: limit_tangent_kernel(  # noqa: E731
        x, depth=1, activation="relu", weight_std=s
    )
    for call in (
        lambda: jax.jit(kernel)(X),
        lambda: jax.vmap(kernel)(X[None]),
        lambda: jax.grad(lambda x: kernel(x).sum())(X),
        lambda: jax.jit(lambda s: kernel(X, s))(1.0),
    ):
        with pytest.raises(InputError, match=r"inside jit, grad, vmap.*call it outside"):
            call()


@pytest.mark.slow
def test_limit_kernels_run_under_the_alarms_of_the_users_process():
    with (
        jax.debug_nans(True),
        jax.numpy_rank_promotion("raise"),
        jax.transfer_guard("disallow"),
        jax.checking_leaks(),
    ):
        for activation in ("relu", "erf", jnp.tanh):
            limit_tangent_kernel(X, depth=2, activation=activation, weight_std=4.0)


class Unprintable:
    def __repr__(self):
        raise KeyError("lost")

    def __iter__(self):
        raise KeyError("lost")


@pytest.mark.parametrize("bad", [Unprintable(), 10**5000], ids=["unprintable", "huge"])
def test_an_activation_that_cannot_be_printed_is_refused(bad):
    with pytest.raises(InputError, match="Activation must be a name"):
        limit_tangent_kernel(np.eye(2), depth=1, activation=bad)


def test_what_cannot_be_read_is_refused():
    deleted = jnp.ones(2)
    deleted.delete()
    with pytest.raises(InputError, match="Weight_std must be a value that can be read"):
        limit_tangent_kernel(np.eye(2), depth=1, activation="erf", weight_std=deleted)
    for kinks in (deleted, Unprintable()):
        with pytest.raises(InputError, match="Kinks must be a value that can be read"):
            PiecewiseSmooth(jnp.tanh, kinks=kinks)


def test_what_an_activation_raises_comes_through():
    with pytest.raises(ZeroDivisionError):
        limit_tangent_kernel(np.eye(2), depth=1, activation=lambda u: 1 / 0)


@pytest.mark.parametrize(
    ("dtype", "size", "words"),
    [
        (np.float32, 1e-22, "at most in layer 1, in float32"),
        (np.float32, 1e20, "an overflow in layer 1"),
        (np.float64, 1e-170, "0 for .* that are not zero"),
        (np.float64, 1e160, "an overflow|between 1e-30"),
    ],
)
def test_inputs_whose_squares_are_no_numbers_of_their_precision_are_refused(dtype, size, words):
    x = (size * UNIT).astype(dtype)
    parts = composed.serial(
        composed.dense(), composed.activation("relu"), composed.dense(outputs=1)
    )
    net = composed.ComposedNetwork(parts, (2,), 4)
    with np.errstate(over="ignore"):
        with pytest.raises(InputError, match=words):
            limit_tangent_kernel(x, depth=2, activation="relu")
        with pytest.raises(InputError, match=f"{words}|between 1e-30"):
            composed.network_tangent_kernel(net, x)


def test_arguments_of_no_network_are_told_what_to_give():
    with pytest.raises(InputError, match=r"W_std.*depth=3, activation='relu'"):
        limit_tangent_kernel(X, depth=1, activation="relu", W_std=1.5)  # pyright: ignore[reportCallIssue]
    with pytest.raises(TypeError, match=r"missing a required argument: 'depth'"):
        limit_tangent_kernel(X)  # pyright: ignore[reportCallIssue]
