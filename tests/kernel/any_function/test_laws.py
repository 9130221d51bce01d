import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lazyscope.kernel import (
    explain_tangent_kernel,
    tangent_kernel,
    tangent_kernel_by_parameter,
    tangent_kernel_product,
)
from naive.jacobian_kernel import kernel, kernels_by_leaf
from naive.networks import NETWORKS, draw

EVERY_KIND = ["tied_weights", "convolution", "language_model", "scan_over_layers", "custom_rules"]


def close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10 * np.abs(expected).max())


@pytest.mark.slow
@pytest.mark.parametrize("name", EVERY_KIND)
def test_product_equals_the_kernel_times_the_vector(name, double):
    apply, params, x1, x2 = NETWORKS[name]()
    outputs = apply(jax.tree.map(jnp.asarray, params), x1).shape[1]
    vector = draw(len(x2), outputs)
    expected = np.einsum("ijck,jk->ic", kernel(apply, params, x1, x2), vector)
    close(tangent_kernel_product(apply, params, x1, vector, x2), expected)
    close(tangent_kernel_product(apply, params, x1, vector, x2, memory=1e3), expected)


def test_product_of_points_with_themselves(double):
    apply, params, x1, _ = NETWORKS["linear"]()
    vector = draw(4, 2)
    expected = np.einsum("ijck,jk->ic", kernel(apply, params, x1), vector)
    close(tangent_kernel_product(apply, params, x1, vector), expected)


@pytest.mark.slow
@pytest.mark.parametrize("name", EVERY_KIND)
def test_blocks_change_nothing_but_memory(name, double):
    apply, params, x1, x2 = NETWORKS[name]()
    x1 = np.concatenate([x1, x2])
    expected = kernel(apply, params, x1, np.concatenate([x1, x2]))
    for pair, whole in (((x1,), expected[:, :7]), ((x1, x2), expected[:, 7:])):
        memory = explain_tangent_kernel(apply, params, *pair).bytes_needed / 3
        assert explain_tangent_kernel(apply, params, *pair, memory=memory).rows < len(x1)
        close(tangent_kernel(apply, params, *pair, memory=memory), whole)


def test_blocks_change_no_share(double):
    apply, params, x1, x2 = NETWORKS["tied_weights"]()
    shares = tangent_kernel_by_parameter(apply, params, x1, x2, memory=1e3)
    for share, alone in zip(
        jax.tree.leaves(shares), kernels_by_leaf(apply, params, x1, x2), strict=True
    ):
        close(share, alone)


def mlp(params, x):
    h = x
    for w in params[:-1]:
        h = jnp.tanh(h @ w)
    return h @ params[-1]


@pytest.mark.slow
@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    n1=st.integers(1, 40),
    n2=st.integers(1, 7),
    sizes=st.lists(st.integers(1, 9), min_size=2, max_size=3),
    memory=st.sampled_from([5e3, 1e9]),
)
def test_dense_networks_of_any_shape_in_any_blocks(double, n1, n2, sizes, memory):
    params = [draw(i, o) for i, o in itertools.pairwise(sizes)]
    x1, x2 = draw(n1, sizes[0]), draw(n2, sizes[0], seed=1)
    close(tangent_kernel(mlp, params, x1, memory=memory), kernel(mlp, params, x1))
    close(tangent_kernel(mlp, params, x1, x2, memory=memory), kernel(mlp, params, x1, x2))


@pytest.mark.slow
@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    groups=st.integers(1, 3),
    kernel_size=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    strides=st.tuples(st.integers(1, 3), st.integers(1, 2)),
    dilation=st.tuples(st.integers(1, 2), st.integers(1, 2)),
    spread=st.tuples(st.integers(1, 2), st.integers(1, 2)),
    padding=st.sampled_from(["SAME", "VALID", ((2, 1), (-1, 2))]),
    layout=st.sampled_from(
        [("NCHW", "OIHW", "NCHW"), ("NHWC", "HWIO", "NHWC"), ("HWNC", "IOHW", "NCWH")]
    ),
)
def test_convolutions_of_any_geometry(
    double, groups, kernel_size, strides, dilation, spread, padding, layout
):
    if isinstance(padding, str) and spread != (1, 1):
        padding = ((1, 1), (0, 1))
    size = {"N": 1, "C": 2 * groups, "H": 5, "W": 6}
    taps = {"O": 2 * groups, "I": 2, "H": kernel_size[0], "W": kernel_size[1]}
    w = draw(*(taps[a] for a in layout[1]))
    x = draw(3, *(size[a] for a in layout[0]))

    def convolve(w, x):
        def one(image):
            return jax.lax.conv_general_dilated(
                image, w, strides, padding, spread, dilation, layout, groups
            )

        return jnp.sin(jax.vmap(one)(x).reshape(len(x), -1) @ mix)

    probe = jax.eval_shape(
        lambda: jax.lax.conv_general_dilated(
            x[0], w, strides, padding, spread, dilation, layout, groups
        )
    )
    if 0 in probe.shape:
        return
    mix = draw(int(np.prod(probe.shape)), 2)
    close(tangent_kernel(convolve, w, x), kernel(convolve, w, x))


@pytest.mark.slow
def test_kernel_follows_a_permutation_of_the_data(double):
    apply, params, x1, x2 = NETWORKS["residual_block"]()
    order, other = np.asarray([2, 0, 3, 1]), np.asarray([1, 2, 0])
    whole = tangent_kernel(apply, params, x1, x2)
    close(tangent_kernel(apply, params, x1[order], x2[other]), whole[order][:, other])


@pytest.mark.slow
def test_kernel_is_symmetric_to_the_last_bit_and_positive(double):
    apply, params, x1, _ = NETWORKS["convolution"]()
    for memory in (2**30, 8e3):
        found = np.asarray(tangent_kernel(apply, params, x1, memory=memory))
        matrix = found.transpose(0, 2, 1, 3).reshape(12, 12)
        assert (matrix == matrix.T).all()
        assert np.linalg.eigvalsh(matrix).min() > -1e-12 * np.abs(matrix).max()


def test_kernel_does_not_depend_on_how_a_matrix_is_stored(double):
    x, a, b = draw(4, 3), draw(3, 5), draw(5, 2)
    plain = tangent_kernel(lambda p, x: jnp.tanh(x @ p[0]) @ p[1], (a, b), x)
    stored = (a.T.copy(), b.reshape(-1)[::-1].copy())
    other = tangent_kernel(lambda p, x: jnp.tanh(x @ p[0].T) @ p[1][::-1].reshape(5, 2), stored, x)
    close(other, plain)


def test_moving_a_factor_into_the_network_multiplies_the_share_by_its_square(double):
    x, w = draw(4, 3), draw(3, 2)
    plain = tangent_kernel(lambda w, x: jnp.tanh(x @ w), w, x)
    scaled = tangent_kernel(lambda w, x: jnp.tanh(x @ (0.25 * w)), 4.0 * w, x)
    close(scaled, plain / 16)


@pytest.mark.slow
def test_kernel_works_inside_jit_and_vmap(double):
    apply, params, x1, x2 = NETWORKS["residual_block"]()
    params = jax.tree.map(jnp.asarray, params)
    whole = tangent_kernel(apply, params, x1, x2)
    close(jax.jit(lambda p, x: tangent_kernel(apply, p, x, x2))(params, jnp.asarray(x1)), whole)
    several = jax.tree.map(lambda a: jnp.stack([a, 2.0 * a]), params)
    both = jax.vmap(lambda p: tangent_kernel(apply, p, x1, x2))(several)
    close(both[0], whole)
    close(both[1], tangent_kernel(apply, jax.tree.map(lambda a: 2.0 * a, params), x1, x2))


class Layer(eqx.Module):
    gain: jax.Array

    def apply(self, w, x):
        return jnp.tanh(self.gain * (x @ w))


def test_arrays_that_a_module_carries_are_held_fixed_and_may_change(double):
    x, w = draw(4, 3), draw(3, 2)
    for gain in (1.0, 3.0):
        layer = Layer(jnp.asarray(gain))
        close(tangent_kernel(layer.apply, w, x), kernel(layer.apply, w, x))


@pytest.mark.slow
def test_arrays_that_a_function_closes_over_may_change(double):
    x, w = draw(4, 3), draw(3, 2)
    closed = {"array": draw(2), "number": 1.0, "inner": draw(2, seed=1)}

    def apply(w, x):
        inner = jax.jit(lambda h: h * closed["inner"])
        return inner(jnp.tanh(x @ (w * closed["number"]))) * closed["array"]

    for _ in range(3):
        close(tangent_kernel(apply, w, x), kernel(lambda w, x: apply(w, x), w, x))
        closed = {name: 2.0 * value for name, value in closed.items()}


def test_tokens_out_of_range_move_nothing(double):
    def apply(w, x):
        return jnp.nan_to_num(jnp.take(w, x, axis=0, fill_value=0.0)).sum(1)

    w, x = draw(3, 2), np.asarray([[0, 5], [2, 2]])
    found = tangent_kernel(apply, w, x)
    close(found, kernel(apply, w, x))
    assert found[0, 0, 0, 0] == 1.0


@pytest.mark.slow
def test_shares_of_single_precision_are_single(double):
    apply, params, x1, _ = NETWORKS["convolution"]()
    single = jax.tree.map(lambda a: a.astype(np.float32), (params, x1))
    shares = tangent_kernel_by_parameter(apply, *single)
    for share, exact in zip(
        jax.tree.leaves(shares), kernels_by_leaf(apply, params, x1), strict=True
    ):
        assert share.dtype == np.float32
        np.testing.assert_allclose(share, exact, rtol=1e-4, atol=1e-5 * np.abs(exact).max())
