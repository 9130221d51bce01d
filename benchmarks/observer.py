"""What does watching cost? Training with and without an observer at its default cadence, in turns."""

import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from lazyscope.data import load_dataset
from lazyscope.observe import Observer

_BATCH, _PROBE, _POINTS = 64, 32, 1024
_ROUNDS = 3
_NOTE = (
    "loop: the ratio of whole training loops, with over without, taking turns. share: seconds spent "
    "looking over seconds spent training, as the observer counts them itself. setup: checks, compilation "
    "and the first look, once, not in the ratio."
)


def run() -> dict[str, Any]:
    """Seconds of the same training with and without an observer; making the observer is timed apart."""
    rows = [_case(name, *case) for name, case in _cases().items()]
    return {
        "rows": rows,
        "asked": "at most 5 % of training time at the default cadence",
        "notes": [_NOTE],
    }


def _cases() -> dict[str, tuple[Any, ...]]:
    return {
        "MLP 64-512-512-10": (_mlp, 3000),
        "small CNN, 16 channels": (_cnn, 600),
    }


def _case(name: str, draw: Callable[[np.random.Generator], Any], steps: int) -> dict[str, Any]:
    data = load_dataset("digits", num_points=_POINTS, num_test=0)
    x, y = jnp.asarray(data.x_train, jnp.float32), jnp.asarray(data.y_train, jnp.float32)
    apply, params = draw(np.random.default_rng(0))
    optimizer = optax.adam(1e-3)

    @jax.jit
    def step(params: Any, state: Any, x: Any, y: Any) -> Any:
        def loss(params: Any) -> Any:
            return jnp.mean(jnp.sum((apply(params, x) - y) ** 2, axis=1)) / 2

        value, gradients = jax.value_and_grad(loss)(params)
        updates, state = optimizer.update(gradients, state)
        return optax.apply_updates(params, updates), state, value

    def train(observer: Observer | None) -> float:
        theta, state = params, optimizer.init(params)
        rng = np.random.default_rng(1)
        start = time.perf_counter()
        for count in range(1, steps + 1):
            rows = rng.integers(0, len(x), _BATCH)
            theta, state, value = step(theta, state, x[rows], y[rows])
            if observer is not None and observer.due(count):
                observer.observe(theta, step=count, loss=value)
        jax.block_until_ready(theta)
        return time.perf_counter() - start

    train(None)  # compiles
    seconds: dict[str, list[float]] = {"without": [], "with": []}
    shares, looks, setup = [], [], []
    for _ in range(_ROUNDS):
        seconds["without"].append(train(None))
        observer = Observer(apply, params, x[:_PROBE], y[:_PROBE])
        setup.append(observer.setup_seconds)
        took = train(observer)
        seconds["with"].append(took)
        spent = observer.record.observing_seconds
        shares.append(spent / (took - spent))
        looks.append(len(observer.record.looks))
    return {
        "network": name,
        "steps": steps,
        "probe points": _PROBE,
        "without, s": round(min(seconds["without"]), 2),
        "with, s": round(min(seconds["with"]), 2),
        "loop, ratio of minima": round(min(seconds["with"]) / min(seconds["without"]), 3),
        "loop, ratio of medians": round(
            float(np.median(seconds["with"]) / np.median(seconds["without"])), 3
        ),
        "share, largest": round(max(shares), 4),
        "looks": min(looks),
        "one look, s": round(observer.record.observing_seconds / max(1, looks[-1] - 1), 4),
        "setup, s": round(min(setup), 1),
    }


def _mlp(rng: np.random.Generator) -> tuple[Any, Any]:
    sizes = (64, 512, 512, 10)
    pairs = list(pairwise(sizes))
    params = [
        {"w": _normal(rng, (i, o), (2 / i) ** 0.5), "b": jnp.zeros(o, jnp.float32)}
        for i, o in pairs
    ]

    def apply(params: Any, x: Any) -> Any:
        for layer in params[:-1]:
            x = jax.nn.relu(x @ layer["w"] + layer["b"])
        return x @ params[-1]["w"] + params[-1]["b"]

    return apply, params


def _cnn(rng: np.random.Generator) -> tuple[Any, Any]:
    params = {
        "conv1": _normal(rng, (3, 3, 1, 16), (2 / 9) ** 0.5),
        "conv2": _normal(rng, (3, 3, 16, 16), (2 / 144) ** 0.5),
        "out": _normal(rng, (16, 10), 0.25),
    }

    def apply(params: Any, x: Any) -> Any:
        h = x.reshape(-1, 8, 8, 1)
        for name in ("conv1", "conv2"):
            h = jax.lax.conv_general_dilated(
                h, params[name], (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
            )
            h = jax.nn.relu(h)
        return h.mean((1, 2)) @ params["out"]

    return apply, params


def _normal(rng: np.random.Generator, shape: tuple[int, ...], size: float) -> Any:
    return jnp.asarray(size * rng.normal(size=shape), jnp.float32)
