"""Which networks beside dense ones are predicted by narrow ones of the same build?

Images of digits: a convolution of three layers with global pooling, whose width is its channels, and a
transformer of two blocks with heads of size 16, whose number grows.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from lazyscope.data import load_dataset

HEAD = 16


class Subject(NamedTuple):
    """A network and its training.

    Attributes:
        build: build(width, seed).
        points: inputs and targets, loaded when asked for.
        training: fields of `lazyscope.proxy.Training`.
    """

    build: Callable[[int, int], Any]
    points: Callable[[], tuple[np.ndarray, np.ndarray]]
    training: dict[str, Any]


def images() -> tuple[np.ndarray, np.ndarray]:
    held = load_dataset("digits", num_points=64, num_test=0)
    x = np.asarray(held.x_train, np.float32)
    return (x / x.std()).reshape(-1, 8, 8), np.asarray(held.y_train, np.float32)


def convolution(width: int, seed: int) -> Any:
    keys = jax.random.split(jax.random.PRNGKey(seed), 4)
    sizes = [1, width, width, width]
    params = {"out": jax.random.normal(keys[3], (width, 10)) * width**-0.5}
    for k in range(3):
        scale = (2 / (9 * sizes[k])) ** 0.5
        params[f"w{k}"] = jax.random.normal(keys[k], (3, 3, sizes[k], sizes[k + 1])) * scale
        params[f"b{k}"] = jnp.zeros(width)
    numbers = ("NHWC", "HWIO", "NHWC")

    def apply(p: Any, x: Any) -> Any:
        h = x[..., None]
        for k in range(3):
            h = jax.lax.conv_general_dilated(
                h, p[f"w{k}"], (1, 1), "SAME", dimension_numbers=numbers
            )
            h = jax.nn.relu(h + p[f"b{k}"])
        return h.mean((1, 2)) @ p["out"]

    return apply, params


def transformer(width: int, seed: int) -> Any:
    keys = iter(jax.random.split(jax.random.PRNGKey(seed), 16))

    def normal(rows: int, columns: int, scale: float) -> Any:
        return jax.random.normal(next(keys), (rows, columns)) * scale

    m = width
    params = {"embed": normal(8, m, 8**-0.5), "place": normal(8, m, 0.3)}
    params["out"] = normal(m, 10, 0.3 * m**-0.5)
    for k in range(2):
        for name in ("query", "key", "value", "back"):
            params[f"{name}{k}"] = normal(m, m, m**-0.5)
        params[f"up{k}"] = normal(m, 2 * m, (2 / m) ** 0.5)
        params[f"down{k}"] = normal(2 * m, m, (2 * m) ** -0.5)

    def normed(h: Any) -> Any:
        h = h - h.mean(-1, keepdims=True)
        return h * jax.lax.rsqrt((h**2).mean(-1, keepdims=True) + 1e-5)

    def split(h: Any) -> Any:
        return h.reshape(*h.shape[:-1], h.shape[-1] // HEAD, HEAD)

    def apply(p: Any, x: Any) -> Any:
        h = x @ p["embed"] + p["place"]
        for k in range(2):
            now = normed(h)
            q, key, v = (split(now @ p[f"{name}{k}"]) for name in ("query", "key", "value"))
            score = jax.nn.softmax(jnp.einsum("nthd,nshd->nhts", q, key) / HEAD**0.5)
            h = h + jnp.einsum("nhts,nshd->nthd", score, v).reshape(h.shape) @ p[f"back{k}"]
            h = h + jax.nn.relu(normed(h) @ p[f"up{k}"]) @ p[f"down{k}"]
        return normed(h).mean(1) @ p["out"]

    return apply, params


def trained(rate: float, steps: int) -> dict[str, Any]:
    return {"optimizer": "adam", "rate": rate, "steps": steps, "loss": "cross-entropy"}


NETWORKS = {
    "convolution": Subject(convolution, images, trained(1e-3, 40)),
    "transformer": Subject(transformer, images, trained(3e-4, 40)),
}
