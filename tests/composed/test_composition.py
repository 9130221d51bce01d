"""Are the finite and the infinite kernel of one object, network and scheme, those of each other?"""

import jax
import numpy as np
import pytest

from lazyscope import composed
from lazyscope._checks import InputError
from lazyscope.kernel import drawn_tangent_kernel, limit_tangent_kernel, tangent_kernel
from lazyscope.model import Attention, Convolution, Dense, LayerNorm, Residual, ResidualConvolution
from lazyscope.scaling import named_scheme

IMAGE, ROW = (4, 4, 2), (5,)
NETWORKS = {
    "dense": (lambda m: Dense(5, 2, m, 2), ROW),
    "residual": (lambda m: Residual(5, 2, m, 3, "tanh"), ROW),
    "convolution": (lambda m: Convolution(IMAGE, 2, m, 2, stride=2), IMAGE),
    "inside": (lambda m: Convolution(IMAGE, 2, m, 1, padding="valid"), IMAGE),
    "residual-convolution": (lambda m: ResidualConvolution(IMAGE, 2, m, 2, stride=2), IMAGE),
}


def points(shape):
    x = np.random.default_rng(0).normal(size=(3, *shape))
    return x / np.linalg.norm(x.reshape(3, -1), axis=1).reshape(3, *(1,) * len(shape))


@pytest.mark.parametrize("name", NETWORKS)
def test_a_composition_is_the_network(name):
    make, shape = NETWORKS[name]
    net, x = make(8), points(shape)
    other = composed.composition_of(net)
    assert other.layer_sizes == pytest.approx(net.layer_sizes)
    scheme = other.ntk_scheme()
    params = net.init(jax.random.key(1), scheme)
    np.testing.assert_allclose(net.apply(params, x), other.apply(params, x), rtol=1e-12)
    assert net.kappa(scheme.alpha(8)) == pytest.approx(other.kappa(scheme.alpha(8)))


@pytest.mark.parametrize("name", ["mup", "ntk"])
def test_the_limit_of_a_scheme_is_that_of_its_numbers_at_this_width(name):
    net, x, scheme = Dense(5, 1, 64, 2), points(ROW), named_scheme(name, depth=2, input_dim=5)
    found = composed.network_tangent_kernel(net, x, scheme=scheme)
    stds = net.weight_std(scheme.alpha(64)) * np.sqrt([5, 64, 64])
    shares = composed.network_tangent_kernel_by_layer(net, x, scheme=scheme)
    np.testing.assert_allclose(shares.sum(0), found, rtol=1e-12)
    if name == "ntk":  # whose speeds are those of the NTK parametrisation, up to one factor
        by_hand = limit_tangent_kernel(x, depth=2, activation="relu", weight_std=list(stds))
        np.testing.assert_allclose(found / found[0, 0], by_hand / by_hand[0, 0], rtol=1e-12)


def test_speeds_of_the_scheme_weigh_the_kernel_of_a_draw():
    net, x, scheme = Dense(5, 2, 8, 1), points(ROW), named_scheme("mup", depth=1, input_dim=5)
    params = net.init(jax.random.key(0), scheme)
    found = drawn_tangent_kernel(net, params, x, scheme=scheme)
    roots = np.sqrt(scheme.speed(8))

    def scaled(theta, x):
        return net.apply(
            tuple(w._replace(weight=r * w.weight) for r, w in zip(roots, theta, strict=True)), x
        )

    theta = tuple(w._replace(weight=w.weight / r) for r, w in zip(roots, params, strict=True))
    np.testing.assert_allclose(found, tangent_kernel(scaled, theta, x), rtol=1e-4, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_draws_tend_to_the_limit_without_anything_put_in_by_hand(name):
    make, shape = NETWORKS[name]
    x, off = points(shape), []
    for width, draws in ((32, 64), (512, 16)):
        net = make(width)
        scheme = composed.composition_of(net).ntk_scheme()
        limit = composed.network_tangent_kernel(net, x, scheme=scheme)
        found = [
            drawn_tangent_kernel(net, net.init(jax.random.key(seed), scheme), x, scheme=scheme)[
                :, :, 0, 0
            ]
            for seed in range(draws)
        ]
        off.append(np.sqrt(np.mean((np.array(found) - limit) ** 2)) / np.abs(limit).max())
    assert off[1] < 0.1
    assert -0.75 < np.log(off[1] / off[0]) / np.log(512 / 32) < -0.3


@pytest.mark.parametrize(
    "net",
    [
        Attention((4, 3), 1, 8, num_heads=2),
        LayerNorm(5, 1, 8, 2),
        Dense(5, 1, 8, 1, use_bias=True),
        Dense(5, 1, 8, 1, output_scale=2.0),
    ],
)
def test_what_has_no_composition_is_refused_by_name(net):
    with pytest.raises(InputError, match=type(net).__name__):
        composed.network_tangent_kernel(net, points(ROW))
