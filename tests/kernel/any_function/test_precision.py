"""Networks compute in the precision that they have, and their kernels say which."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from lazyscope.kernel import (
    explain_tangent_kernel,
    tangent_kernel,
    tangent_kernel_by_parameter,
    tangent_kernel_product,
    working_precision,
)
from naive.jacobian_kernel import kernel, kernels_by_leaf


def draw(*shape):
    return np.random.default_rng([3, *shape]).normal(size=shape) / 2


PARAMS = {"a": draw(4, 6), "scale": draw(6), "b": draw(6, 2)}
X = draw(5, 4)
EPS = {"bfloat16": 2.0**-7, "float16": 2.0**-10, "float32": 2.0**-23}


def cast(dtype, **tree):
    return {name: jnp.asarray(leaf, dtype) for name, leaf in tree.items()}


def rms_norm(p, x):
    h = (x @ p["a"]).astype(jnp.float32)
    h = h * jax.lax.rsqrt((h * h).mean(-1, keepdims=True) + jnp.float32(1e-3))
    return (h.astype(x.dtype) * p["scale"]) @ p["b"]


def softmax(p, x):
    return jax.nn.softmax((x @ p["a"]).astype(jnp.float32), -1).astype(x.dtype) @ p["b"]


def half(p, x):
    h = jnp.tanh(x.astype(jnp.bfloat16) @ p["a"].astype(jnp.bfloat16))
    return h @ p["b"].astype(jnp.bfloat16)


def plain(p, x):
    return jnp.tanh(x @ p["a"]) * p["scale"] @ p["b"]


def mixed(p, x):
    return jnp.tanh(x.astype(jnp.bfloat16) @ p["a"]).astype(jnp.float32) * p["scale"] @ p["b"]


def attention(p, x):
    tokens = jnp.stack([x, jnp.sin(x)], 1)[:, :, None]
    return jax.nn.dot_product_attention(tokens, tokens, tokens).sum((1, 2)) @ p["a"] @ p["b"]


@pytest.fixture(autouse=True)
def types_promoted_as_by_default():
    """Networks here mix types as strangers' do, in sessions that let JAX promote them."""
    with jax.numpy_dtype_promotion("standard"):
        yield


CASES = {
    "normalisation in single": (rms_norm, PARAMS, "float32"),
    "softmax in single": (softmax, PARAMS, "float32"),
    "attention of JAX": (attention, PARAMS, "float32"),
    "computed in half": (half, cast("float32", **PARAMS), "bfloat16"),
    "stored in half": (plain, cast("bfloat16", **PARAMS), "bfloat16"),
    "stored in float16": (plain, cast("float16", **PARAMS), "float16"),
    "stored in two types": (mixed, cast("float32", **PARAMS) | cast("bfloat16", a=PARAMS["a"]), "bfloat16"),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_kernels_are_those_of_the_jacobian_to_the_precision_said(name):
    apply, params, precision = CASES[name]
    double = params is PARAMS
    x = X if double else jnp.asarray(X, jax.tree.leaves(params)[0].dtype)
    assert working_precision(apply, params, x) == jnp.dtype(precision)
    how = explain_tangent_kernel(apply, params, x)
    assert how.precision == jnp.dtype(precision)
    assert not how.fallbacks
    found = tangent_kernel(apply, params, x)
    assert found.dtype == (np.float64 if double else np.float32)
    exact = jax.tree.map(lambda a: np.asarray(a, float), params)
    with jax.enable_x64(True):
        expected = kernel(apply, exact, np.asarray(x, float))
    gap = np.abs(np.asarray(found, float) - expected).max() / np.abs(expected).max()
    assert gap < 8 * EPS[precision]


def test_shares_and_products_of_mixed_types_add_up():
    apply, params, _ = CASES["stored in two types"]
    x = jnp.asarray(X, "float32")
    shares = tangent_kernel_by_parameter(apply, params, x)
    whole = tangent_kernel(apply, params, x)
    np.testing.assert_allclose(sum(jax.tree.leaves(shares)), whole, rtol=1e-5)
    vector = np.ones((5, 2))
    product = tangent_kernel_product(apply, params, x, vector)
    np.testing.assert_allclose(product, np.einsum("ijck->ic", whole), rtol=0.1, atol=0.1)


def test_a_table_in_single_precision_that_meets_no_data_does_not_count(double):
    def masked(p, x):
        ramp = jnp.arange(4, dtype=jnp.float32) / jnp.float32(4)
        return (x * ramp.astype(x.dtype)) @ p["a"]

    assert working_precision(masked, {"a": PARAMS["a"]}, X) == np.float64


def test_points_wider_than_the_parameters_are_still_refused(double):
    with pytest.raises(ValueError, match="precision of the parameters"):
        tangent_kernel(plain, cast("float32", **PARAMS), jnp.asarray(X))


@pytest.mark.slow
def test_attention_of_flax_in_half_precision_takes_no_jacobian():
    module = nnx.MultiHeadAttention(2, 4, dtype=jnp.bfloat16, rngs=nnx.Rngs(0), decode=False)
    graph, state, rest = nnx.split(module, nnx.Param, ...)

    def apply(state, x):
        return nnx.merge(graph, state, rest)(x).mean(1).astype(jnp.float32)

    x = np.float32(draw(3, 5, 4))
    how = explain_tangent_kernel(apply, state, x)
    assert how.precision == jnp.bfloat16
    assert not how.fallbacks
    expected = kernel(apply, state, x)
    gap = np.abs(tangent_kernel(apply, state, x) - expected).max() / np.abs(expected).max()
    assert gap < 4 * EPS["bfloat16"]


def test_a_fourier_transform_between_real_weights_is_exact(double):
    params = {"a": draw(4, 4), "filter": draw(4), "b": draw(4, 2)}

    def apply(p, x):
        h = jnp.fft.irfft(jnp.fft.rfft(x @ p["a"]) * jnp.fft.rfft(p["filter"]), n=4)
        return h @ p["b"]

    assert working_precision(apply, params, X) == np.float64
    shares = tangent_kernel_by_parameter(apply, params, X)
    for share, alone in zip(
        jax.tree.leaves(shares), kernels_by_leaf(apply, params, X), strict=True
    ):
        np.testing.assert_allclose(share, alone, rtol=1e-10, atol=1e-10)


@pytest.mark.slow
@pytest.mark.parametrize(
    "same",
    [
        lambda w: w.astype(w.dtype),
        lambda w: w + 0.0,
        lambda w: jax.lax.optimization_barrier(w),
        lambda w: jax.lax.reduce_precision(w, 11, 52),
        lambda w: jax.device_put(w),
        lambda w: w**1,
        lambda w: jax.lax.dynamic_slice(w, (0, 0), w.shape),
        lambda w: w.astype(jnp.float32).astype(w.dtype),
    ],
)
def test_what_changes_no_weight_leaves_it_a_product(same, double):
    params = {"a": np.float32(PARAMS["a"]).astype(float), "b": PARAMS["b"]}

    def apply(p, x):
        return jnp.tanh(x @ same(p["a"])) @ p["b"]

    assert not explain_tangent_kernel(apply, params, X).fallbacks
    expected = kernel(apply, params, X)
    tolerance = 1e-6 * np.abs(expected).max()
    np.testing.assert_allclose(tangent_kernel(apply, params, X), expected, atol=tolerance)


@pytest.mark.slow
def test_recurrence_of_flax_with_its_own_random_state_is_taken_in_a_copy():
    class Network(nnx.Module):
        def __init__(self, rngs):
            self.body = nnx.RNN(nnx.GRUCell(4, 3, rngs=rngs))
            self.out = nnx.Linear(3, 2, rngs=rngs)

        def __call__(self, x):
            return self.out(self.body(x)[:, -1])

    from lazyscope import as_function

    x = np.float32(draw(3, 2, 4))
    apply, params = as_function(Network(nnx.Rngs(0)))
    expected = kernel(apply, params, x)
    np.testing.assert_allclose(tangent_kernel(apply, params, x), expected, rtol=1e-4, atol=1e-5)
    graph, state, rest = nnx.split(Network(nnx.Rngs(0)), nnx.Param, ...)
    with pytest.raises(ValueError, match="copy=True"):
        tangent_kernel(lambda state, x: nnx.merge(graph, state, rest)(x), state, x)


@pytest.mark.slow
def test_equinox_modules_in_half_precision_have_a_kernel():
    model = eqx.nn.MLP(4, 2, 6, 1, dtype=jnp.bfloat16, key=jax.random.key(0))
    params, rest = eqx.partition(model, eqx.is_inexact_array)
    found = tangent_kernel(lambda p, x: jax.vmap(eqx.combine(p, rest))(x), params, X)
    assert found.dtype == np.float32
    assert np.linalg.eigvalsh(found.transpose(0, 2, 1, 3).reshape(10, 10))[0] > -1e-3
