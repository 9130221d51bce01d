"""Which networks are proxies tried on?"""

import jax.numpy as jnp
import numpy as np


def points(num=24, outputs=2):
    rng = np.random.default_rng(5)
    x = rng.normal(size=(num, 6)) / np.sqrt(6)
    y = rng.normal(size=(num, outputs))
    return x.astype(np.float32), (y - y.mean(0)).astype(np.float32)


def dense(*, multiplier=False, readout=1.0, act=jnp.tanh, outputs=2, bias=0.0):
    """A build of two hidden layers: standard, or with the same sizes from multipliers."""

    def build(width, seed):
        rng = np.random.default_rng([seed, width])

        def normal(*shape):
            return jnp.asarray(rng.normal(size=shape), jnp.float32)

        root = width**-0.5
        scale = 1.0 if multiplier else root
        params = {
            "a": normal(6, width),
            "b": bias * normal(width),
            "c": normal(width, width) * scale,
            "d": normal(width, outputs) * scale * readout,
            "e": jnp.zeros(outputs, jnp.float32),
        }
        factor = root if multiplier else 1.0

        def apply(p, x):
            h = act(x @ p["a"] + p["b"])
            h = act(h @ p["c"] * factor)
            return h @ p["d"] * factor + p["e"]

        return apply, params

    return build


def altered(build, change):
    """The same build with its parameters changed by ``change(params, width)``."""

    def other(width, seed):
        apply, params = build(width, seed)
        return apply, change(params, width)

    return other
