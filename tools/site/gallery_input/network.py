"""A network of two hidden layers in muP, with the learning rates of plain descent."""

import jax
import numpy as np


def build(width, seed):
    """Functions and parameters at a width, and the rates of their layers."""
    rng = np.random.default_rng([seed, width])
    params = {
        "first": rng.normal(size=(64, width)) / 8,
        "second": rng.normal(size=(width, width)) / width**0.5,
        "readout": rng.normal(size=(width, 10)) / width,
    }

    def apply(p, x):
        return jax.nn.relu(jax.nn.relu(x @ p["first"]) @ p["second"]) @ p["readout"]

    return apply, params, None, {"first": width, "second": 1, "readout": 1 / width}
