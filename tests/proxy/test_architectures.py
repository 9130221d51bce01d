"""Do proxies of normalised networks, convolutions and attention start and train as their wide networks do?"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lazyscope.proxy import narrow_proxy


def images(num=24):
    rng = np.random.default_rng(7)
    x = rng.normal(size=(num, 4, 4)).astype(np.float32)
    return x, np.eye(3, dtype=np.float32)[rng.integers(0, 3, num)]


def convolution(width, seed):
    keys = jax.random.split(jax.random.PRNGKey(seed), 3)

    def normal(key, *shape):
        return jax.random.normal(key, shape) * (2 / np.prod(shape[:-1])) ** 0.5

    def convolved(x, w):
        numbers = ("NHWC", "HWIO", "NHWC")
        return jax.nn.relu(
            jax.lax.conv_general_dilated(x, w, (1, 1), "SAME", dimension_numbers=numbers)
        )

    params = {
        "a": normal(keys[0], 3, 3, 1, width),
        "b": normal(keys[1], 3, 3, width, width),
        "o": normal(keys[2], width, 3),
    }

    def apply(p, x):
        return convolved(convolved(x[..., None], p["a"]), p["b"]).mean((1, 2)) @ p["o"]

    return apply, params


class Attention(eqx.Module):
    """One block with a growing number of heads of size 4, and a residual stream."""

    e: jax.Array
    q: jax.Array
    k: jax.Array
    v: jax.Array
    o: jax.Array
    first: eqx.nn.LayerNorm
    last: eqx.nn.LayerNorm
    out: jax.Array

    def __init__(self, width, key):
        keys = jax.random.split(key, 6)
        self.e = jax.random.normal(keys[0], (4, width)) * 0.5
        self.q, self.k, self.v, self.o = (
            jax.random.normal(key, (width, width)) * width**-0.5 for key in keys[1:5]
        )
        self.first, self.last = eqx.nn.LayerNorm(width), eqx.nn.LayerNorm(width)
        self.out = jax.random.normal(keys[5], (width, 3)) * 0.3 * width**-0.5

    def __call__(self, x):
        h = x @ self.e
        tokens, width = h.shape
        normed = jax.vmap(self.first)(h)
        q, k, v = ((normed @ w).reshape(tokens, width // 4, 4) for w in (self.q, self.k, self.v))
        scores = jax.nn.softmax(jnp.einsum("thd,shd->hts", q, k) / 2)
        h = h + jnp.einsum("hts,shd->thd", scores, v).reshape(tokens, width) @ self.o
        return jax.vmap(self.last)(h).mean(0) @ self.out


def attention(width, seed):
    return Attention(width, jax.random.PRNGKey(seed))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("build", "width", "rate"), [(convolution, 64, 3e-3), (attention, 128, 3e-3)]
)
def test_the_wide_network_is_predicted(build, width, rate):
    found = narrow_proxy(
        build, images(), width=width, proxy_widths=(16, 32), seeds=6, optimizer="adam", rate=rate,
        steps=10, loss="cross-entropy", verify=True,
    )  # fmt: skip
    checked = found.verification
    assert checked.loss_error < max(0.1, 2 * checked.loss_standard_error)
    assert checked.covered >= 0.75
    matrices = [each.name for each in found.arrays if each.role in ("hidden", "output")]
    assert max(abs(checked.displacement_errors[name]) for name in matrices) < 0.25
