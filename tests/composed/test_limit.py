"""Are the kernels of composed networks of infinite width those of theory, and of wide finite networks?"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lazyscope import composed as c
from lazyscope._checks import InputError
from lazyscope.kernel import (
    AccuracyWarning,
    limit_covariance_kernel,
    limit_tangent_kernel,
    tangent_kernel,
)
from lazyscope.limit import limit_kernel_blocks
from lazyscope.limit.composed._sides import across, bands_of, square_of
from naive.composed import kernels

RELU = c.activation("relu")


def points(n, *shape, seed=0):
    return np.random.default_rng(seed).standard_normal((n, *shape))


def sequence_network(*, pooled, circular, layers=2, taps=3):
    stds = {"weight_std": 1.3, "bias_std": 0.2}
    padding = "CIRCULAR" if circular else "SAME"
    parts = [part for _ in range(layers) for part in (c.conv(taps, padding=padding, **stds), RELU)]
    end = c.global_avg_pool() if pooled else c.flatten()
    return c.ComposedNetwork(c.serial(*parts, end, c.dense(outputs=1, **stds)), (5, 2), 4)


@pytest.mark.parametrize("pooled", [False, True])
@pytest.mark.parametrize("circular", [False, True])
def test_convolutions_are_those_of_the_naive_recursion(pooled, circular):
    x, y = points(3, 5, 2), points(2, 5, 2, seed=1)
    net = sequence_network(pooled=pooled, circular=circular)
    found = c.network_covariance_kernel(net, x, y), c.network_tangent_kernel(net, x, y)
    settings = {"layers": 2, "taps": 3, "weight_std": 1.3, "bias_std": 0.2}
    for i, j in np.ndindex(3, 2):
        expected = kernels(
            x[i].tolist(), y[j].tolist(), **settings, pooled=pooled, circular=circular
        )
        np.testing.assert_allclose([a[i, j] for a in found], expected, rtol=1e-12)


SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in ("tanh", "gelu", "softplus")]


@pytest.mark.parametrize("sigma", ["relu", "leaky_relu", *SLOW])
@pytest.mark.parametrize("apart", [False, True])
def test_dense_networks_are_those_of_the_dense_room(sigma, apart):
    """By its programs where nothing else is between, and by those of compositions."""
    x, y = points(4, 3), points(3, 3, seed=1)
    stds = {"weight_std": 1.4, "bias_std": 0.3}
    between = (c.flatten(),) if apart else ()
    hidden = c.serial(c.dense(**stds), c.activation(sigma), *between)
    hidden = c.serial(hidden, c.dense(**stds), c.activation(sigma))
    net = c.ComposedNetwork(c.serial(hidden, c.dense(outputs=2, **stds)), (3,), 4)
    told = {"depth": 2, "activation": sigma, **stds}
    for ours, dense in (
        (c.network_tangent_kernel, limit_tangent_kernel),
        (c.network_covariance_kernel, limit_covariance_kernel),
    ):
        np.testing.assert_allclose(ours(net, x, y), dense(x, y, **told), rtol=1e-10)
        np.testing.assert_allclose(ours(net, x), dense(x, **told), rtol=1e-10)


def test_a_row_of_dense_layers_has_one_kernel_by_both_ways():
    """Layers of their own deviations, a scheme, zero points, equal points, float32."""
    stds = [{"weight_std": 1.4, "bias_std": b} for b in (0.3, 0.0, 0.5)]
    row = [c.dense(**stds[0]), RELU, c.dense(**stds[1]), RELU, c.dense(outputs=2, **stds[2])]
    plain, apart = (
        c.ComposedNetwork(c.serial(*p), (3,), 4) for p in (row, [*row[:2], c.flatten(), *row[2:]])
    )
    x, y = points(4, 3), points(3, 3, seed=1)
    x[1] = 0.0
    y[0] = x[0]
    for dtype, rtol in ((np.float64, 1e-10), (np.float32, 2e-5)):
        a, b = x.astype(dtype), y.astype(dtype)
        for kernel in (
            c.network_tangent_kernel,
            c.network_covariance_kernel,
            c.network_tangent_kernel_by_layer,
        ):
            for scheme in (None, plain.standard_scheme()):
                found, other = (kernel(net, a, b, scheme=scheme) for net in (plain, apart))
                assert found.dtype == dtype
                np.testing.assert_allclose(found, other, rtol=rtol)
                found, other = (kernel(net, a, scheme=scheme) for net in (plain, apart))
                np.testing.assert_allclose(found, other, rtol=rtol)


def test_rectangles_of_any_size_give_one_kernel_that_is_symmetric_to_the_bit():
    x = points(7, 5, 2)
    net = sequence_network(pooled=True, circular=False)
    whole = c.network_tangent_kernel(net, x)
    small = c.network_tangent_kernel(net, x, memory=2**16)
    assert (whole == whole.T).all()
    np.testing.assert_allclose(small, whole, rtol=1e-13)
    np.testing.assert_allclose(c.network_tangent_kernel(net, x, x[:3]), whole[:, :3], rtol=1e-7)
    with pytest.raises(InputError, match="must hold one pair of points"):
        c.network_tangent_kernel(net, x, memory=100)


@pytest.mark.parametrize("n", [1, 2, 3, 6, 7])
def test_half_of_the_pairs_of_a_set_tell_all_of_them(n):
    square = np.random.default_rng(n).standard_normal((2, n, n))
    square = square + np.swapaxes(square, -1, -2)
    np.testing.assert_array_equal(
        square_of(np.asarray(bands_of(jnp.asarray(square, np.float32)))), square.astype(np.float32)
    )
    one, other = across(jnp.arange(n), 10 * jnp.arange(n), pairs=False, banded=True)
    pairs = bands_of(jnp.arange(n)[:, None] + 10 * jnp.arange(n)[None, :])
    np.testing.assert_array_equal(one + other, pairs)


@pytest.mark.parametrize("n", [1, 2, 5, 6])
@pytest.mark.parametrize("training", [False, True])
def test_a_set_with_itself_has_the_kernel_of_two_equal_sets(n, training):
    x = points(n, 5, 2)
    x[-1] = x[0]
    norm, relu, drop = c.layer_norm(), c.activation("relu"), c.dropout(0.7)
    parts = [
        c.conv(3),
        norm,
        relu,
        c.conv(2),
        c.activation("erf"),
        drop,
        c.dense(),
        relu,
        c.flatten(),
    ]
    for row in (parts, [*parts[:-1], c.global_avg_pool()]):
        net = c.ComposedNetwork(c.serial(*row, c.dense(outputs=1)), (5, 2), 8)
        for kernel in (c.network_tangent_kernel_by_layer, c.network_covariance_kernel):
            found = kernel(net, x, training=training)
            other = kernel(net, x, x.copy()) if not training else None
            assert (found == np.swapaxes(found, -1, -2)).all()
            if other is not None:
                np.testing.assert_allclose(found, other, rtol=1e-12)


def test_layers_sum_to_the_kernel_and_speeds_weigh_them():
    x = points(4, 5, 2)
    x /= np.sqrt((x**2).sum(axis=(1, 2), keepdims=True))
    net = sequence_network(pooled=False, circular=False)
    shares = c.network_tangent_kernel_by_layer(net, x)
    np.testing.assert_allclose(shares.sum(axis=0), c.network_tangent_kernel(net, x), rtol=1e-12)
    scheme = net.ntk_scheme()
    np.testing.assert_allclose(
        c.network_tangent_kernel_by_layer(net, x, scheme=scheme), shares, rtol=1e-12
    )
    alpha = scheme.alpha(net.width)
    normalised = c.normalised_network_kernels(net, x, scheme=scheme)
    one_rate = c.network_tangent_kernel_by_layer(net, x, scheme=net.standard_scheme())
    expected = (net.kappa(alpha) / alpha) ** 2
    np.testing.assert_allclose(expected[:, None, None] * normalised, one_rate, rtol=1e-12)


PART = {
    "conv": (
        (4, 4, 1),
        c.serial(c.conv((3, 3), bias_std=0.3), RELU, c.conv((2, 2), strides=2), RELU, c.flatten()),
    ),
    "pool": ((4, 4, 1), c.serial(c.conv((3, 3)), RELU, c.avg_pool((2, 2)), c.global_avg_pool())),
    "residual": (
        (4,),
        c.serial(c.dense(), c.residual(c.activation("erf"), c.dense(), multiplier=0.7), RELU),
    ),
    "concatenate": (
        (4,),
        c.serial(
            c.dense(),
            RELU,
            c.fan_out(c.serial(), c.serial(c.dense(), RELU), combine="concatenate"),
        ),
    ),
    "layer norm": ((4,), c.serial(c.dense(), c.layer_norm(), RELU)),
    "linear attention": (
        (4, 2),
        c.serial(c.dense(), c.global_self_attention(), RELU, c.global_avg_pool()),
    ),
    "root attention": (
        (3, 2),
        c.serial(c.dense(), c.global_self_attention("root", bias_std=0.3), c.flatten()),
    ),
}


def finite_deviation(name, width, draws):
    """Rms over draws of the tangent kernel's deviation from the limit, over its largest entry."""
    shape, parts = PART[name]
    net = c.ComposedNetwork(c.serial(parts, c.dense(outputs=1, bias_std=0.2)), shape, width)
    x, scheme = points(3, *shape, seed=3), net.ntk_scheme()
    limit = c.network_tangent_kernel(net, x, scheme=scheme)
    speeds = jnp.asarray(scheme.speed(width))

    def kernel(key):
        params = net.init(key, scheme)
        jacobian = jax.jacobian(lambda p: net.apply(p, jnp.asarray(x))[:, 0])(params)
        rows = [
            jnp.concatenate([a.reshape(3, -1) for a in jax.tree.leaves(j)], 1) for j in jacobian
        ]
        return sum(s * r @ r.T for s, r in zip(speeds, rows, strict=True))

    found = jax.jit(jax.vmap(kernel))(jax.random.split(jax.random.key(0), draws))
    off = (np.asarray(found) - limit) / np.abs(limit).max()
    return np.sqrt(np.mean(off**2)), np.abs(off.mean(axis=0)).max()


@pytest.mark.slow
@pytest.mark.parametrize("name", PART)
def test_finite_networks_tend_to_the_limit_like_one_over_the_root_of_the_width(name):
    with jax.enable_x64(True):
        narrow, _ = finite_deviation(name, 32, 64)
        wide, mean_off = finite_deviation(name, 512, 64)
    slope = np.log(wide / narrow) / np.log(512 / 32)
    assert -0.72 < slope < -0.33, slope
    assert mean_off < 5 * wide / 8 + 0.02


def test_a_network_and_its_limit_are_one_object():
    parts = c.serial(c.dense(bias_std=0.3), RELU, c.dense(), RELU, c.dense(outputs=1))
    net, x = c.ComposedNetwork(parts, (3,), 512), points(3, 3)
    scheme = net.ntk_scheme()
    params = net.init(jax.random.key(0), scheme, dtype=np.float32)
    speeds = scheme.speed(512)
    finite = sum(s * share for s, share in zip(speeds, _shares(net, params, x), strict=True))
    limit = c.network_tangent_kernel(net, x, scheme=scheme)
    assert np.abs(finite - limit).max() < 0.2 * limit.max()


def _shares(net, params, x):
    """Tangent kernel of every group, (n, n)."""
    x = jnp.asarray(x, jnp.float32)
    for number in range(len(params)):

        def apply(one, x, number=number):
            return net.apply((*params[:number], one, *params[number + 1 :]), x)

        yield np.asarray(tangent_kernel(apply, params[number], x)).reshape(len(x), len(x))


def test_dropout_counts_on_the_diagonal_alone_and_only_while_training():
    parts = c.serial(c.dense(), RELU, c.dropout(0.5), c.dense(), RELU, c.dense(outputs=1))
    net, x = c.ComposedNetwork(parts, (3,), 4), points(3, 3)
    plain, noisy = (c.network_covariance_kernel(net, x, training=t) for t in (False, True))
    without = c.ComposedNetwork(
        c.serial(c.dense(), RELU, c.dense(), RELU, c.dense(outputs=1)), (3,), 4
    )
    np.testing.assert_allclose(plain, c.network_covariance_kernel(without, x), rtol=1e-14)
    np.testing.assert_allclose(np.diag(noisy), 2 * np.diag(plain))


def test_nested_branches_are_planned_once_each():
    part = c.dense()
    for _ in range(40):
        part = c.residual(RELU, c.dense(), part, c.dense(weight_std=0.5))
    net = c.ComposedNetwork(c.serial(c.dense(), part, c.dense(outputs=1)), (3,), 2)
    assert len(net.layers) == 83


def test_a_skip_connection_inside_of_a_branch_is_that_of_the_branch():
    inner = c.residual(RELU, c.dense())
    net = c.ComposedNetwork(
        c.serial(c.dense(), c.residual(RELU, c.dense(), inner), c.dense(outputs=1)), (2,), 4
    )
    # 1/2 from the points, + 1/4 from the branch, + 1/8 from the branch inside of it
    assert np.isclose(c.network_covariance_kernel(net, np.eye(2))[0, 0], 0.875)


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ((c.dense(), RELU, RELU), r"needs Gaussian entries.*part 3 \(activation relu\)"),
        ((c.layer_norm(), c.dense()), "before the first weights"),
        ((c.dropout(0.5), c.dense()), "infinite width"),
        ((c.dense(), c.fan_out(c.serial(), c.serial(RELU))), "weights of their own"),
        ((c.dense(), c.activation(jnp.sign)), "without jumps"),
        ((c.dense(), c.activation(lambda z: jnp.where(z > 0.3, z + 1.0, z))), "without jumps"),
        ((c.dense(), c.layer_norm(epsilon=0.0)), r"1 of 2 variances that are zero at part 2"),
    ],
)
def test_what_has_no_limit_is_refused_with_its_place(parts, words):
    net = c.ComposedNetwork(c.serial(*parts, c.dense(outputs=1)), (3,), 4)
    with pytest.raises(InputError, match=words):
        c.network_tangent_kernel(net, np.stack([points(1, 3)[0], np.zeros(3)]))


@pytest.mark.parametrize(("weight_std", "words"), [(1e4, "explode"), (1e-4, "vanish")])
def test_variances_that_leave_all_bounds_are_refused_with_their_layer(weight_std, words):
    hidden = [part for _ in range(6) for part in (c.dense(weight_std=weight_std), RELU)]
    net = c.ComposedNetwork(c.serial(*hidden, c.dense(outputs=1)), (3,), 4)
    with pytest.raises(InputError, match=rf"in layer 4 \(dense 4, part 7.*{words}"):
        c.network_covariance_kernel(net, points(2, 3))


def test_points_of_another_shape_or_precision_are_refused():
    net = sequence_network(pooled=False, circular=False)
    with pytest.raises(InputError, match=r"input shape \(5, 2\)"):
        c.network_tangent_kernel(net, points(3, 2, 5))
    with pytest.raises(InputError, match="same precision"):
        c.network_tangent_kernel(net, points(3, 10), points(3, 10).astype(np.float32))


def test_parts_without_their_network_are_refused():
    with pytest.raises(InputError, match="must have an input shape and a width"):
        c.network_tangent_kernel(c.serial(c.dense(), RELU, c.dense(outputs=1)), points(3, 2))
    with pytest.raises(InputError, match="no points"):
        c.network_tangent_kernel(sequence_network(pooled=True, circular=False), points(0, 5, 2))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("pooled", [False, True])
def test_equal_points_have_the_kernel_of_a_point_with_itself(pooled, dtype):
    """The root of 1 - rho, of which kernels of kinks are made, takes half the digits of its rounding."""
    x, net = points(5, 5, 2).astype(dtype), sequence_network(pooled=pooled, circular=False)
    rounding = 8 * np.finfo(dtype).eps
    for kernel in (c.network_tangent_kernel, c.network_covariance_kernel):
        own = np.diag(kernel(net, x))
        twice = kernel(net, np.concatenate([x, x]))
        np.testing.assert_allclose(np.diag(twice[:5, 5:]), own, rtol=rounding)
        np.testing.assert_allclose(np.diag(kernel(net, x, x.copy())), own, rtol=rounding)
        tiles = kernel(net, np.concatenate([x, x]), memory=2**16)
        np.testing.assert_allclose(np.diag(tiles[:5, 5:]), own, rtol=rounding)


def test_equal_points_keep_masks_of_their_own_while_training():
    net = c.ComposedNetwork(
        c.serial(c.dense(), RELU, c.dropout(0.5), c.dense(), RELU, c.dense(outputs=1)), (3,), 4
    )
    x = points(2, 3)
    for kernel in (c.network_tangent_kernel, c.network_covariance_kernel):
        twice = kernel(net, np.concatenate([x, x]), training=True)
        assert (np.diag(twice)[:2] > 1.2 * np.diag(twice[:2, 2:])).all()


def test_max_pooling_and_batch_norm_are_refused_with_the_reason():
    with pytest.raises(InputError, match="no closed form"):
        c.max_pool((2, 2))
    with pytest.raises(InputError, match="depends on all points"):
        c.batch_norm()


def chaotic(depth, weight_std, **bias):
    parts = [
        part
        for _ in range(depth)
        for part in (c.dense(weight_std=weight_std, **bias), c.activation("erf"))
    ]
    return c.ComposedNetwork(c.serial(*parts, c.dense(outputs=1, weight_std=weight_std)), (3,), 4)


def test_a_chaotic_network_says_that_near_points_are_known_to_few_digits():
    x = points(2, 3)
    near = np.stack([x[0], x[0] + 1e-5 * x[1]])
    net = chaotic(24, 3.0)
    told = {"depth": 24, "activation": "erf", "weight_std": 3.0}
    with pytest.warns(AccuracyWarning, match=r"known to .* only"):
        found = c.network_covariance_kernel(net, near)
    exact = limit_covariance_kernel(near, **told)
    assert np.abs(found - exact).max() > 1e-9 * exact.max()  # the warning is right
    c.network_covariance_kernel(net, np.stack([x[0], -x[0], np.cross(x[0], x[1])]))  # none near
    c.network_covariance_kernel(chaotic(24, 0.9), near)  # ordered


def test_blocks_warn_of_chaos_as_whole_kernels_do():
    x = points(2, 3)
    near = np.stack([x[0], x[0] + 1e-7 * x[1]])
    told = {"depth": 40, "activation": "erf", "weight_std": 3.0}
    with pytest.warns(AccuracyWarning):
        limit_covariance_kernel(near, **told)
    blocks = limit_kernel_blocks(near, kernel="covariance", **told)
    with pytest.warns(AccuracyWarning):
        blocks.block(slice(0, 2), slice(0, 2))
