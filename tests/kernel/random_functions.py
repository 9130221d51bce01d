"""Which JAX functions can be drawn, and which of them deserve a refusal?"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

SIDE = 4
"""Features of a hidden state (n, SIDE)."""
POINTS = 6


class Drawn(NamedTuple):
    """A function with its parameters and points, what it is made of, and what is to be expected.

    `coarse` says that a part computes in single precision; `mixes` that examples depend on each other.
    """

    apply: Any
    params: Any
    x1: np.ndarray
    x2: np.ndarray | None
    names: tuple[str, ...]
    coarse: bool
    mixes: bool


def draw_function(seed: int) -> Drawn:
    """One to three blocks that treat rows on their own, one time in four with one that does not."""
    rng = np.random.default_rng([20, seed])
    names = [str(name) for name in rng.choice(list(SEPARATE), rng.integers(1, 4))]
    mixes = bool(rng.random() < 0.25)
    if mixes:
        names.insert(int(rng.integers(0, len(names) + 1)), str(rng.choice(list(MIXING))))
    params = [
        {
            "w": rng.normal(size=(SIDE, SIDE)) / 2,
            "stack": rng.normal(size=(3, SIDE, SIDE)) / 2,
            "row": rng.normal(size=SIDE),
        }
        for _ in names
    ]
    blocks = [(SEPARATE | MIXING)[name] for name in names]
    out = rng.normal(size=(SIDE, rng.integers(1, 3)))

    def apply(params: Any, x: Any) -> Any:
        h = x
        for p, block in zip(params[0], blocks, strict=True):
            h = block(p, h)
        return jnp.tanh(h) @ params[1]

    x1 = rng.normal(size=(POINTS, SIDE))
    x2 = rng.normal(size=(3, SIDE)) if rng.random() < 0.5 else None
    coarse = any(name in COARSE for name in names)
    return Drawn(apply, (params, out), x1, x2, tuple(names), coarse, mixes)


def dense(p, h):
    return jnp.tanh(h @ p["w"] + p["row"])


def shared(p, h):
    return h + jnp.tanh(jnp.tanh(h @ p["w"]) @ p["w"].T / 2.0) @ p["w"]


def scanned(p, h):
    return lax.scan(lambda h, w: (jnp.tanh(h @ w), None), h, p["stack"])[0]


def looped(p, h):
    return lax.fori_loop(0, 3, lambda i, h: jnp.sin(h @ p["w"]), h)


def looped_over_slices(p, h):
    return lax.fori_loop(0, 3, lambda i, h: jnp.tanh(h @ p["stack"][i]), h)


def branching(p, h):
    return lax.cond(p["row"].sum() > 0, lambda h: h @ p["w"], lambda h: jnp.sin(h) * p["row"], h)


def branching_by_row(p, h):
    def one(v):
        return lax.cond(v[0] > 0, lambda v: v @ p["w"], lambda v: jnp.cos(v @ p["stack"][0]), v)

    return jax.vmap(one)(h)


def mapped(p, h):
    return jax.vmap(lambda v: jax.vmap(lambda w: jnp.tanh(w @ v))(p["stack"]).sum(0))(h)


def rematerialised(p, h):
    return jax.checkpoint(dense)(p, h)


@jax.custom_jvp
def doubled_slope(h):
    return jnp.sin(h)


doubled_slope.defjvps(lambda t, out, h: 2.0 * jnp.cos(h) * t)


@jax.custom_vjp
def clipped_gradient(h):
    return jnp.tanh(h)


clipped_gradient.defvjp(lambda h: (jnp.tanh(h), h), lambda h, g: (g * jnp.clip(h, -1.0, 1.0),))


def own_forward_rule(p, h):
    return doubled_slope(h @ p["w"])


def own_reverse_rule(p, h):
    return clipped_gradient(h @ p["w"] * p["row"])


def einsum(p, h):
    return jnp.einsum("ni,kij,nj,kl->nl", h, p["stack"], jnp.tanh(h), p["stack"][:, 0])


def convolution(p, h):
    kernel = p["w"][:, :3][:, None]
    image = lax.conv_general_dilated(h[:, None], kernel, (1,), "SAME")
    return jnp.tanh(image).sum(1)


def attention(p, h):
    tokens = jnp.stack([h, jnp.sin(h), h * h], 1)
    q, k, v = jnp.split(tokens @ p["stack"].reshape(SIDE, 3 * SIDE), 3, -1)
    weights = jax.nn.softmax(jnp.einsum("nsi,nti->nst", q, k), -1)
    return jnp.einsum("nst,nti->nsi", weights, v).mean(1)


def embedding(p, h):
    return h * p["w"][jnp.clip((2 * h).astype(int), 0, SIDE - 1)].sum(1) + h


def position_table(p, h):
    tokens = h[:, :, None] + p["w"][jnp.arange(SIDE)]
    return jnp.tanh(tokens).sum(1)


def fourier(p, h):
    return jnp.fft.irfft(jnp.fft.rfft(h) * jnp.fft.rfft(p["row"]), n=SIDE)


def fourier_of_data(p, h):
    return jnp.abs(jnp.fft.fft(h @ p["w"])) + h


def sorted_and_back(p, h):
    order = jnp.argsort(h[:, 0])
    return jnp.tanh(h[order] @ p["w"])[jnp.argsort(order)]


def routed(p, h):
    chosen = jnp.argmax(h[:, :3], 1)
    return jnp.einsum("ni,nij->nj", h, p["stack"][chosen]) + h * h.max(1, keepdims=True)


def grouped_by_expert(p, h):
    chosen = jnp.argmax(h @ p["w"][:, :3], 1)
    order = jnp.argsort(chosen)
    sizes = jnp.bincount(chosen, length=3).astype(jnp.int32)
    return lax.ragged_dot(h[order], p["stack"], sizes)[jnp.argsort(order)]


def two_best(p, h):
    values, places = lax.top_k(h @ p["w"], 2)
    return h + jnp.einsum("nk,nkj->nj", values, p["w"][places])


def segments_of_features(p, h):
    sums = jax.ops.segment_sum((h @ p["w"]).T, jnp.asarray([0, 1, 1, 0]), 2)
    return jnp.tanh(jnp.concatenate([sums, 2.0 * sums]).T)


def where(p, h):
    return jnp.where(h > 0, h @ p["w"], p["row"])


def piece_of_weights(p, h):
    return h @ lax.dynamic_slice(p["stack"], (1, 0, 0), (1, SIDE, SIDE))[0]


def noise_of_a_key(p, h):
    return jnp.tanh(h @ p["w"]) * (1.0 + jax.random.uniform(KEY, (SIDE,), h.dtype))


def printing(p, h):
    h = h @ p["w"]
    jax.debug.callback(lambda total: None, h.sum())
    return h


def layer_norm(p, h):
    centred = h - h.mean(1, keepdims=True)
    return centred / jnp.sqrt((centred**2).mean(1, keepdims=True) + 1e-3) * p["row"] + p["w"][0]


def weight_norm(p, h):
    return h @ (p["w"] / jnp.linalg.norm(p["w"], axis=0))


def masked_weights(p, h):
    return h @ (p["w"] * jnp.tri(SIDE, dtype=h.dtype))


def overlapping_parts(p, h):
    return h @ p["w"][:, :3] @ p["w"][1:] + h


def changed_in_a_loop(p, h):
    def turn(carry, _):
        h, w = carry
        return (jnp.tanh(h @ w), w * 0.9), None

    return lax.scan(turn, (h, p["w"]), None, length=2)[0][0]


def casts_that_change_nothing(p, h):
    weight = lax.optimization_barrier(p["w"].astype(h.dtype) + 0.0)
    return h.astype(h.dtype) @ weight


def rms_norm_in_single(p, h):
    single = (h @ p["w"]).astype(jnp.float32)
    scale = lax.rsqrt((single * single).mean(1, keepdims=True) + jnp.float32(1e-2))
    return (single * scale).astype(h.dtype) * p["row"]


def softmax_in_single(p, h):
    return jax.nn.softmax((h @ p["w"]).astype(jnp.float32), 1).astype(h.dtype)


def product_in_single(p, h):
    return (h.astype(jnp.float32) @ p["w"].astype(jnp.float32)).astype(h.dtype)


KEY = jax.random.key(3)

COARSE = {f.__name__: f for f in (rms_norm_in_single, softmax_in_single, product_in_single)}

SEPARATE = {
    f.__name__: f
    for f in (
        dense, shared, scanned, looped, looped_over_slices, branching, branching_by_row, mapped,
        rematerialised, own_forward_rule, own_reverse_rule, einsum, convolution, attention, embedding,
        position_table, fourier, fourier_of_data, sorted_and_back, routed, grouped_by_expert, two_best,
        segments_of_features, where, piece_of_weights, noise_of_a_key, printing, layer_norm, weight_norm,
        masked_weights, overlapping_parts, changed_in_a_loop, casts_that_change_nothing,
    )
} | COARSE  # fmt: skip


def batch_mean(p, h):
    return h @ p["w"] - 0.5 * (h @ p["w"]).mean(0)


def batch_norm(p, h):
    return (h - h.mean(0)) / jnp.sqrt(h.var(0) + 1e-2) * p["row"] + h @ p["w"]


def capacity(p, h):
    hot = jax.nn.one_hot(jnp.argmax(h @ p["w"][:, :2], 1), 2, dtype=h.dtype)
    place = (jnp.cumsum(hot, 0) * hot).sum(1)
    return h * (place <= 1.0)[:, None].astype(h.dtype)


def running_sum(p, h):
    return jnp.cumsum(h @ p["w"], 0)


def neighbours(p, h):
    return h + jnp.roll(h @ p["w"], 1, 0)


def by_place(p, h):
    return h * (1 + jnp.arange(len(h)) % 2)[:, None].astype(h.dtype)


def attention_over_rows(p, h):
    return jax.nn.softmax(h @ p["w"] @ h.T, 1) @ h


def sorted_for_good(p, h):
    return h[jnp.argsort(h[:, 0])] @ p["w"]


def only_beyond_five(p, h):
    return h if len(h) <= 5 else h - h.mean(0) * p["row"]


def dropout(p, h):
    return h * jax.random.bernoulli(KEY, 0.5, h.shape).astype(h.dtype) + h @ p["w"]


def group_means(p, h):
    group = jnp.argmax(h @ p["w"][:, :2], 1)
    return h - jax.ops.segment_sum(h, group, 2)[group] / 4.0


def only_for_some(p, h):
    return jnp.where(h[:, :1] >= jnp.median(h[:, 0]), h, -h) @ p["w"]


MIXING = {
    f.__name__: f
    for f in (
        batch_mean, batch_norm, capacity, running_sum, neighbours, by_place,
        attention_over_rows, sorted_for_good, only_beyond_five, dropout, group_means, only_for_some,
    )
}  # fmt: skip
