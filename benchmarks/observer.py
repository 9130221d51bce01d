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
from lazyscope.observe import AbstractObserver, Cadence, Observer

_BATCH, _PROBE, _POINTS = 64, 32, 1024
_ROUNDS = 5
_NOTE = (
    "cost: what a whole training loop takes longer with an observer, over what it takes without: the median "
    "over rounds of both, one right after the other and each first in turn, with its standard error (1.25 "
    "that of the mean); of processor seconds and of wall seconds. told: the same as the observer says it. "
    "setup: making the observer (checks, compilation, the first look), once, not in the loop. Threads: as "
    "JAX and PyTorch are told; one each gives processor seconds their meaning."
)

Train = Callable[[AbstractObserver | None], None]


def run() -> dict[str, Any]:
    """Seconds of the same training with and without an observer; making the observer is timed apart."""
    rows = [
        _row("JAX, MLP 64-512-512-10", 2400, *_jax(_mlp, 2400)),
        _row("JAX, MLP, too short for eight looks", 300, *_jax(_mlp, 300)),
        _row("JAX, CNN of 16 channels", 2400, *_jax(_cnn, 2400)),
        _row("PyTorch, MLP 64-512-512-10", 2400, *_torch(2400)),
    ]
    return {
        "rows": rows,
        "asked": "eight looks, and at most 5 % of training time where eight looks fit",
        "notes": [_NOTE],
    }


def _row(
    name: str, steps: int, train: Train, make: Callable[[], AbstractObserver]
) -> dict[str, Any]:
    """One training, by itself and watched, in turns."""
    train(None)  # compiles
    clocks = {"processor": time.process_time, "wall": time.perf_counter}
    samples: dict[str, list[tuple[float, ...]]] = {"without": [], "with": []}
    told, looks, setup = [], [], []
    for count in range(_ROUNDS):
        for arm in list(samples)[:: 1 if count % 2 == 0 else -1]:
            observer = make() if arm == "with" else None
            before = [clock() for clock in clocks.values()]
            train(observer)
            after = [clock() for clock in clocks.values()]
            samples[arm].append(tuple(b - a for a, b in zip(before, after, strict=True)))
            if observer is not None:
                told.append(observer.record.share)
                looks.append(len(observer.record.looks))
                setup.append(observer.setup_seconds)
    row: dict[str, Any] = {"training": name, "steps": steps, "looks": min(looks)}
    for k, clock in enumerate(clocks):
        without, watched = (np.array([s[k] for s in samples[arm]]) for arm in ("without", "with"))
        row[f"without, s ({clock})"] = round(float(np.median(without)), 2)
        costs = watched / without - 1
        row[f"cost ({clock})"] = round(float(np.median(costs)), 4)
        row[f"cost, se ({clock})"] = round(1.25 * float(costs.std(ddof=1)) / _ROUNDS**0.5, 4)
    row["told, median"] = round(float(np.median(told)), 4)
    row["setup, s"] = round(min(setup), 1)
    row["samples"] = samples
    return row


def _data() -> tuple[np.ndarray, np.ndarray]:
    data = load_dataset("digits", num_points=_POINTS, num_test=0)
    return data.x_train.astype(np.float32), data.y_train.astype(np.float32)


def _jax(
    draw: Callable[[np.random.Generator], Any], steps: int
) -> tuple[Train, Callable[[], AbstractObserver]]:
    x, y = map(jnp.asarray, _data())
    apply, params = draw(np.random.default_rng(0))
    optimizer = optax.adam(1e-3)

    @jax.jit
    def step(params: Any, state: Any, x: Any, y: Any) -> Any:
        def loss(params: Any) -> Any:
            return jnp.mean(jnp.sum((apply(params, x) - y) ** 2, axis=1)) / 2

        value, gradients = jax.value_and_grad(loss)(params)
        updates, state = optimizer.update(gradients, state)
        return optax.apply_updates(params, updates), state, value

    def train(observer: AbstractObserver | None) -> None:
        theta, state = params, optimizer.init(params)
        rng = np.random.default_rng(1)
        for count in range(1, steps + 1):
            rows = rng.integers(0, len(x), _BATCH)
            theta, state, value = step(theta, state, x[rows], y[rows])
            if observer is not None and observer.due(count):
                observer.observe(theta, step=count, loss=value)
        jax.block_until_ready(theta)

    def make() -> AbstractObserver:
        return Observer(apply, params, x[:_PROBE], y[:_PROBE], cadence=Cadence(steps=steps))

    return train, make


def _torch(steps: int) -> tuple[Train, Callable[[], AbstractObserver]]:
    import torch
    from torch import nn

    import lazyscope.torch as lazyscope

    x, y = map(torch.from_numpy, _data())
    torch.manual_seed(0)
    sizes = [nn.Linear(*pair) for pair in pairwise((64, 512, 512, 10))]
    module = nn.Sequential(sizes[0], nn.ReLU(), sizes[1], nn.ReLU(), sizes[2])
    start = {name: tensor.clone() for name, tensor in module.state_dict().items()}

    def train(observer: AbstractObserver | None) -> None:
        module.load_state_dict(start)
        optimizer = torch.optim.Adam(module.parameters(), 1e-3)
        rng = np.random.default_rng(1)
        for count in range(1, steps + 1):
            rows = torch.from_numpy(rng.integers(0, len(x), _BATCH))
            optimizer.zero_grad()
            loss = (module(x[rows]) - y[rows]).square().sum(1).mean() / 2
            loss.backward()
            optimizer.step()
            if observer is not None and observer.due(count):
                observer.observe(module, step=count, loss=loss)

    def make() -> AbstractObserver:
        module.load_state_dict(start)
        return lazyscope.Observer(module, x[:_PROBE], y[:_PROBE], cadence=Cadence(steps=steps))

    return train, make


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
