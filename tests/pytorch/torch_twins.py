"""The same networks twice: as a PyTorch module and as a JAX function of NumPy weights."""

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import torch
from torch import nn
from torch.nn import functional


class Twin(NamedTuple):
    """A module, the same function in JAX with the same weights by the same names, and inputs."""

    module: nn.Module
    apply: Any
    params: dict[str, np.ndarray]
    x: np.ndarray


def _weights(seed, **shapes):
    rng = np.random.default_rng(seed)
    return {n: rng.normal(size=s) / math.sqrt(s[-1]) for n, s in shapes.items()}


class _Named(nn.Module):
    """A module whose parameters have the names that JAX uses."""

    def __init__(self, params):
        super().__init__()
        self.w = nn.ParameterDict({n: nn.Parameter(torch.from_numpy(p)) for n, p in params.items()})


class Dense(_Named):
    def forward(self, x):
        w = self.w
        h = functional.relu(functional.linear(x, w["a"], w["b"]))
        return functional.linear(functional.relu(functional.linear(h, w["c"])), w["d"])


def dense_jax(p, x):
    h = jax.nn.relu(x @ p["a"].T + p["b"])
    return jax.nn.relu(h @ p["c"].T) @ p["d"].T


class Convolutional(_Named):
    def forward(self, x):
        h = torch.tanh(functional.conv2d(x, self.w["a"], self.w["b"], stride=2, padding=1))
        return functional.conv2d(h, self.w["c"]).relu().mean((2, 3)) @ self.w["d"].T


def convolutional_jax(p, x):
    def convolution(x, w, stride, padding):
        pad = [(padding, padding)] * 2
        return jax.lax.conv_general_dilated(x, w, (stride, stride), pad)

    h = jnp.tanh(convolution(x, p["a"], 2, 1) + p["b"][:, None, None])
    return jax.nn.relu(convolution(h, p["c"], 1, 0)).mean((2, 3)) @ p["d"].T


class Normalised(_Named):
    def forward(self, x):
        h = functional.layer_norm(x @ self.w["a"].T, (5,), self.w["g"], self.w["b"])
        return torch.tanh(h) @ self.w["c"].T


def normalise_jax(h):
    centred = h - h.mean(-1, keepdims=True)
    return centred / jnp.sqrt((centred**2).mean(-1, keepdims=True) + np.asarray(1e-5, h.dtype))


def normalised_jax(p, x):
    return jnp.tanh(normalise_jax(x @ p["a"].T) * p["g"] + p["b"]) @ p["c"].T


class Attentive(_Named):
    """Embedding, positions, one attention block, the embedding again as readout."""

    def forward(self, t):
        w = self.w
        h = functional.embedding(t, w["e"]) + w["p"]
        q, k, v = (functional.linear(h, w[n]) for n in "qkv")
        mixed = torch.softmax(q @ k.mT / 2.0, -1) @ v
        h = functional.layer_norm(h + mixed @ w["o"].T, (4,), w["g"])
        return (h @ w["e"].T).mean(1)


def attentive_jax(p, t):
    h = p["e"][t] + p["p"]
    q, k, v = (h @ p[n].T for n in "qkv")
    half = np.asarray(0.5, h.dtype)
    mixed = jax.nn.softmax(q @ jnp.swapaxes(k, 1, 2) * half, -1) @ v
    h = normalise_jax(h + mixed @ p["o"].T) * p["g"]
    return (h @ p["e"].T).mean(1)


def _twin(build, apply, x, **shapes):
    params = _weights(len(shapes), **shapes)
    return Twin(build({n: p.copy() for n, p in params.items()}), apply, params, x)


def _points(*shape):
    return np.random.default_rng(shape).normal(size=shape)


def twin(name, dtype=np.float64):
    """A network of that name in both libraries, in one precision."""
    found = _BUILDERS[name]()
    params = {n: p.astype(dtype) for n, p in found.params.items()}
    x = found.x.astype(dtype) if found.x.dtype.kind == "f" else found.x
    kind = torch.float32 if dtype == np.float32 else torch.float64
    return Twin(found.module.to(kind), found.apply, params, x)


_BUILDERS = {
    "dense": lambda: _twin(
        Dense, dense_jax, _points(7, 3), a=(16, 3), b=(16,), c=(16, 16), d=(2, 16)),
    "convolutional": lambda: _twin(
        Convolutional, convolutional_jax, _points(4, 2, 8, 8),
        a=(4, 2, 3, 3), b=(4,), c=(6, 4, 2, 2), d=(3, 6)),
    "layer_norm": lambda: _twin(
        Normalised, normalised_jax, _points(6, 3), a=(5, 3), g=(5,), b=(5,), c=(2, 5)),
    "attention": lambda: _twin(
        Attentive, attentive_jax, np.random.default_rng(0).integers(0, 7, (5, 6)),
        e=(7, 4), p=(6, 4), q=(4, 4), k=(4, 4), v=(4, 4), o=(4, 4), g=(4,)),
}  # fmt: skip
NAMES = tuple(_BUILDERS)
