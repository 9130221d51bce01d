"""Every block of a composed network has the limit that its draws have, which know nothing of it."""

import jax
import numpy as np
import pytest

from lazyscope import composed as c
from lazyscope import limit_kernel_estimate

RELU = c.activation("relu")
BLOCKS = {
    "dense": ((4,), c.serial(c.dense(bias_std=0.3), RELU, c.dense(), c.activation("erf"))),
    "conv": (
        (4, 4, 1),
        c.serial(c.conv((3, 3), bias_std=0.3), RELU, c.conv((2, 2), strides=2), RELU, c.flatten()),
    ),
    "pool": ((4, 4, 1), c.serial(c.conv((3, 3)), RELU, c.avg_pool((2, 2)), c.global_avg_pool())),
    "sum pool": ((4, 4, 1), c.serial(c.conv((3, 3)), RELU, c.sum_pool((2, 2)), c.flatten())),
    "residual": ((4,), c.serial(c.dense(), c.residual(c.activation("erf"), c.dense()), RELU)),
    "concatenate": (
        (4,),
        c.serial(
            c.dense(),
            RELU,
            c.fan_out(c.serial(), c.dense(), combine="concatenate"),
            c.dense(),
            RELU,
        ),
    ),
    "layer norm": ((4,), c.serial(c.dense(), c.layer_norm(), RELU)),
    "linear attention": (
        (4, 2),
        c.serial(c.dense(), c.global_self_attention(), RELU, c.global_avg_pool()),
    ),
    "root attention": ((3, 2), c.serial(c.dense(), c.global_self_attention("root"), c.flatten())),
}


def build_of(shape, parts):
    """Draws in the NTK parametrisation: parameters are weights over the root of their speed."""

    def build(width, seed):
        net = c.ComposedNetwork(c.serial(parts, c.dense(outputs=1)), shape, width)
        scheme = net.ntk_scheme()
        roots = np.sqrt(scheme.speed(width))
        drawn = net.init(jax.random.key(seed), scheme)
        params = [
            jax.tree.map(lambda a, root=root: np.asarray(a, float) / root, layer)
            for layer, root in zip(drawn, roots, strict=True)
        ]

        def apply(params, x):
            scaled = [
                jax.tree.map(lambda a, root=root: a * root, layer)
                for layer, root in zip(params, roots, strict=True)
            ]
            return net.apply(scaled, x)

        return apply, params

    return build


@pytest.mark.slow
@pytest.mark.parametrize("name", BLOCKS)
def test_the_limit_of_a_block_lies_in_the_intervals_of_its_draws(name):
    shape, parts = BLOCKS[name]
    x = np.random.default_rng(3).normal(size=(3, *shape))
    net = c.ComposedNetwork(c.serial(parts, c.dense(outputs=1)), shape, 16)
    limit = c.network_tangent_kernel(net, x)
    found = limit_kernel_estimate(
        build_of(shape, parts), x, widths=(16, 32, 64, 128), draws=32, orders="whole"
    )
    inside = (found.entries.low <= limit) & (limit <= found.entries.high)
    off = np.abs(found.entries.value - limit).max() / np.abs(limit).max()
    wide = (found.entries.high - found.entries.low).max() / 2 / np.abs(limit).max()
    assert inside.mean() >= 0.75, (off, wide)
    assert off < 0.25
    exponent = found.deviation_exponent(limit)
    assert exponent.contains(-0.5), exponent.interval
