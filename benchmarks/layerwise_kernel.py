"""How much time does the layerwise kernel take beyond its matrix products?

n = 256 points, three hidden layers of width 1024, single precision. The contestant does the same
products of the same shapes in the same order, and nothing between them.
"""

from typing import Any

import jax
import jax.numpy as jnp

from benchmarks.timing import compiled, interleaved, ratio
from lazyscope.kernel import LayerwiseKernel
from lazyscope.model import Dense

NUM_POINTS, INPUT_DIM, WIDTH, DEPTH = 256, 64, 1024, 3
REPEATS = 40
ALLOWED = 2.0


def products_alone(weights, x):
    """Forward chain, backward chain and all Gram matrices, without nonlinearities or sums."""
    inputs = [x]
    for weight in weights[:-1]:
        inputs.append(inputs[-1] @ weight.T)
    outputs = inputs[-1] @ weights[-1].T
    signals = [jnp.broadcast_to(weights[-1], inputs[-1].shape)]
    for weight in reversed(weights[1:-1]):
        signals.append(signals[-1] @ weight)
    return outputs, [a @ a.T for a in inputs], [s @ s.T for s in signals]


def run() -> dict[str, Any]:
    rows, samples = [], {}
    for activation in ("relu", "tanh"):
        model = Dense(INPUT_DIM, 1, WIDTH, DEPTH, activation)
        std = [1.0] + [WIDTH**-0.5] * DEPTH
        params = model.init_from_std(jax.random.key(0), std, dtype=jnp.float32)
        x = jax.random.normal(jax.random.key(1), (NUM_POINTS, INPUT_DIM), jnp.float32)
        x = x / jnp.linalg.norm(x, axis=1, keepdims=True)
        speeds = jnp.ones(DEPTH + 1, jnp.float32)
        weights = [layer.weight for layer in params]
        kernel = compiled(
            lambda p, x, s, m=model: LayerwiseKernel(m).summed(p, x, speeds=s), params, x, speeds
        )
        alone = compiled(products_alone, weights, x)
        taken = interleaved(
            {
                "kernel": lambda k=kernel, p=params, x=x, s=speeds: k.call(p, x, s),
                "products": lambda a=alone, w=weights, x=x: a.call(w, x),
            },
            REPEATS,
        )
        times = ratio(taken["kernel"], taken["products"])
        samples[activation] = taken
        rows.append(
            {
                "activation": activation,
                "kernel_ms": 1e3 * min(taken["kernel"]),
                "products_ms": 1e3 * min(taken["products"]),
                "ratio_minima": times["minima"],
                "ratio_medians": times["medians"],
                "allowed": ALLOWED,
                "reached": times["minima"] <= ALLOWED,
                "compile_s": kernel.compile_seconds,
            }
        )
    return {"rows": rows, "samples": samples, "unit": "seconds"}
