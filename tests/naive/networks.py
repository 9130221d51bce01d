"""Small networks of every kind: ``NETWORKS[name]() -> (apply, params, x1, x2)``, NumPy arrays."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

NETWORKS = {}
"""Each returns apply, params, four examples and three others, in double precision."""


def network(build):
    NETWORKS[build.__name__] = build
    return build


def draw(*shape, seed=0):
    rng = np.random.default_rng([seed, *shape])
    return rng.normal(size=shape) / np.sqrt(max(1, shape[-1]))


def points(*shape, seed=1):
    return draw(4, *shape, seed=seed), draw(3, *shape, seed=seed + 1)


def tokens(length, vocabulary, seed=1):
    rng = np.random.default_rng(seed)
    return rng.integers(0, vocabulary, (4, length)), rng.integers(0, vocabulary, (3, length))


ACTIVATIONS = {
    "relu": jax.nn.relu,
    "tanh": jnp.tanh,
    "gelu": jax.nn.gelu,
    "silu": jax.nn.silu,
    "elu": jax.nn.elu,
    "leaky": jax.nn.leaky_relu,
    "softplus": jax.nn.softplus,
    "sin": jnp.sin,
    "sigmoid": jax.nn.sigmoid,
    "relu6": jax.nn.relu6,
    "abs": jnp.abs,
    "erf": lax.erf,
}


def dense(activation):
    def apply(params, x):
        h = x
        for w, b in params[:-1]:
            h = activation(h @ w.T + b)
        return h @ params[-1][0].T + params[-1][1]

    sizes = (3, 6, 5, 2)
    params = [
        (draw(o, i, seed=k), draw(o, seed=k)) for k, (i, o) in enumerate(itertools.pairwise(sizes))
    ]
    return apply, params, *points(3)


@network
def linear():
    return lambda w, x: x @ w, draw(3, 2), *points(3)


@network
def only_bias():
    return lambda b, x: jnp.sin(x) + b, draw(2), *points(2)


@network
def ntk_parametrisation():
    def apply(params, x):
        h = jnp.tanh(x @ params["in"] / np.sqrt(3.0))
        h = jnp.tanh(h @ (-0.5 * (params["mid"] / jnp.sqrt(jnp.asarray(5.0, x.dtype)))).T)
        return 2.0 * h @ params["out"]

    return apply, {"in": draw(3, 5), "mid": draw(4, 5), "out": draw(4, 2)}, *points(3)


@network
def tied_weights():
    def apply(params, x):
        h = x @ params["in"]
        for _ in range(3):
            h = jnp.tanh(h @ params["w"])
        h = jnp.tanh(h @ params["w"].T)
        return h @ params["in"].T

    return apply, {"in": draw(2, 4), "w": draw(4, 4)}, *points(2)


@network
def weight_times_itself():
    return lambda w, x: jnp.tanh(x @ (w @ w)) @ w[:, :2], draw(3, 3), *points(3)


@network
def parts_of_one_matrix():
    def apply(params, x):
        q, k, v = jnp.split(params, 3, axis=1)
        return jnp.tanh(x @ q) * jnp.sin(x @ k) @ v[:3]

    return apply, draw(4, 9), *points(4)


@network
def overlapping_parts():
    return lambda w, x: jnp.tanh(x @ w[:, :3]) @ w[:3, 1:3], draw(4, 4), *points(4)


@network
def rows_in_reverse():
    return lambda w, x: jnp.tanh(x @ w) @ w[:3][::-1], draw(4, 3), *points(4)


@network
def linear_in_products():
    return (
        lambda p, x: x @ p["a"] @ p["b"] * p["s"],
        {
            "a": draw(3, 4),
            "b": draw(4, 2),
            "s": draw(1)[0],
        },
        *points(3),
    )


@network
def convolution():
    def apply(params, x):
        h = lax.conv_general_dilated(
            x, params["a"], (2, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
        )
        h = jnp.tanh(h + params["bias"])
        h = lax.reduce_window(h, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 1, 2, 1), "VALID")
        return h.mean((1, 2)) @ params["out"]

    params = {"a": draw(3, 2, 2, 4), "bias": draw(4), "out": draw(4, 3)}
    return apply, params, *points(6, 5, 2)


@network
def dilated_grouped_convolution():
    def apply(params, x):
        h = lax.conv_general_dilated(
            x, params["a"], (1, 2), ((2, 1), (-1, 3)), rhs_dilation=(2, 1), feature_group_count=2
        )
        h = lax.conv_general_dilated(
            jax.nn.softplus(h), params["b"], (1, 1), ((1, 1), (2, 0)), lhs_dilation=(1, 2)
        )
        return h.reshape(len(x), -1)[:, :3]

    return apply, {"a": draw(6, 2, 2, 3), "b": draw(2, 6, 2, 2)}, *points(4, 6, 5)


@network
def depthwise_convolution():
    def apply(params, x):
        h = lax.conv_general_dilated(x, params["d"], (1,), "SAME", feature_group_count=3)
        h = lax.conv_general_dilated(jnp.tanh(h), params["p"], (1,), "VALID")
        return h.mean(-1)

    return apply, {"d": draw(3, 1, 3), "p": draw(2, 3, 1)}, *points(3, 7)


@network
def transposed_convolution():
    def apply(params, x):
        h = lax.conv_transpose(x, params, (2, 2), "SAME")
        return jnp.tanh(h).sum((1, 2))

    return apply, draw(3, 3, 2, 2), *points(3, 3, 2)


@network
def residual_block():
    def apply(params, x):
        h = x
        for a, b in params["blocks"]:
            h = h + 0.3 * jax.nn.relu(norm(h) @ a) @ b
        return h @ params["out"]

    def norm(h):
        return (h - h.mean(-1, keepdims=True)) / jnp.sqrt(h.var(-1, keepdims=True) + 1e-3)

    blocks = [(draw(4, 6, seed=k), draw(6, 4, seed=k)) for k in range(2)]
    return apply, {"blocks": blocks, "out": draw(4, 2)}, *points(4)


@network
def layer_norm_with_scale():
    def apply(params, x):
        h = x @ params["w"]
        h = (h - h.mean(-1, keepdims=True)) / jnp.sqrt(h.var(-1, keepdims=True) + 1e-3)
        return jnp.tanh(h * params["scale"] + params["shift"])[..., :3].sum(1)

    params = {"w": draw(3, 5), "scale": 1.0 + draw(5), "shift": draw(5)}
    return apply, params, *points(4, 3)


@network
def embedding_bag():
    def apply(params, x):
        return jnp.tanh(jnp.take(params["table"], x, axis=0).mean(1)) @ params["out"]

    return apply, {"table": draw(7, 4), "out": draw(4, 2)}, *tokens(5, 7)


@network
def language_model():
    def apply(params, x):
        e = params["table"][x] + params["places"]
        q, k, v = (jnp.einsum("nsd,hdk->nhsk", e, params[c]) for c in "qkv")
        a = jax.nn.softmax(jnp.einsum("nhsk,nhtk->nhst", q, k) / np.sqrt(3.0), -1)
        h = jnp.einsum("nhst,nhtk->nshk", a, v).reshape(*x.shape, -1) @ params["o"]
        h = jax.nn.gelu(e + h)
        return (h @ params["table"].T)[:, -1]

    params = {"table": draw(5, 6), "places": draw(4, 6), "o": draw(6, 6)}
    params |= {c: draw(2, 6, 3, seed=k) for k, c in enumerate("qkv")}
    return apply, params, *tokens(4, 5)


@network
def mixed_lookups():
    def apply(params, x):
        hot = jax.nn.one_hot(x, 5, dtype=params["table"].dtype)
        h = params["table"][x] * (hot @ params["table"]) + jnp.tanh(hot @ params["table"])
        return h.sum(1) @ params["out"]

    return apply, {"table": draw(5, 3), "out": draw(3, 2)}, *tokens(3, 5)


@network
def scan_over_layers():
    def apply(params, x):
        def layer(h, wb):
            return jnp.tanh(h @ wb[0] + h @ params["shared"].T + wb[1]), h.sum()

        h, _ = lax.scan(layer, x @ params["in"], (params["w"], params["b"]), reverse=True)
        return jnp.tanh(h @ params["shared"]) @ params["out"]

    params = {"in": draw(3, 4), "w": draw(5, 4, 4), "b": draw(5, 4), "shared": draw(4, 4)}
    return apply, params | {"out": draw(4, 2)}, *points(3)


@network
def recurrent_over_time():
    def apply(params, x):
        def step(h, token):
            return jnp.tanh(token @ params["u"] + h @ params["w"]), None

        start = jnp.zeros((len(x), 4), x.dtype)
        h, _ = lax.scan(step, start, jnp.swapaxes(x, 0, 1))
        return h @ params["out"]

    return apply, {"u": draw(3, 4), "w": draw(4, 4), "out": draw(4, 2)}, *points(6, 3)


@network
def scan_in_scan():
    def apply(params, x):
        def block(h, ws):
            def layer(h, w):
                return jnp.tanh(h @ w @ params["s"]), None

            return lax.scan(layer, h, ws)[0] + h, None

        return lax.scan(block, x, params["w"])[0] @ params["s"]

    return apply, {"w": draw(2, 3, 3, 3), "s": draw(3, 3)}, *points(3)


@network
def parameters_carried_through_a_loop():
    def apply(params, x):
        def turn(_, carry):
            h, w = carry
            return jnp.tanh(h @ w), 0.9 * w

        return lax.fori_loop(0, 3, turn, (x, params))[0]

    return apply, draw(3, 3), *points(3)


@network
def wrapped_in_everything():
    def apply(params, x):
        @jax.jit
        def inner(h):
            return jax.checkpoint(lambda h: jnp.tanh(h @ params["a"]))(h)

        per_example = jax.vmap(lambda h: jax.nn.silu(params["b"] @ h), in_axes=0)
        return per_example(inner(x)) @ params["out"]

    return apply, {"a": draw(3, 4), "b": draw(5, 4), "out": draw(5, 2)}, *points(3)


@jax.custom_jvp
def clipped_product(w, x):
    return x @ w


@clipped_product.defjvp
def _(primals, tangents):
    (w, x), (dw, dx) = primals, tangents
    return x @ w, 0.5 * (x @ dw) + dx @ w


@jax.custom_vjp
def straight_through(h):
    return jnp.sign(h)


straight_through.defvjp(lambda h: (jnp.sign(h), None), lambda _, g: (g,))


@network
def custom_rules():
    def apply(params, x):
        return straight_through(clipped_product(params["a"], x)) @ params["b"]

    return apply, {"a": draw(3, 4), "b": draw(4, 2)}, *points(3)


@network
def weight_normalisation():
    def apply(params, x):
        w = params["g"] * params["v"] / jnp.linalg.norm(params["v"], axis=0)
        return jnp.tanh(x @ w) @ params["out"]

    return apply, {"v": draw(3, 4), "g": draw(4), "out": draw(4, 2)}, *points(3)


@network
def masked_weights():
    mask = np.arange(12).reshape(3, 4) % 3 > 0

    def apply(params, x):
        return jnp.tanh(x @ jnp.where(mask, params["w"], 0.0)) @ params["out"]

    return apply, {"w": draw(3, 4), "out": draw(4, 2)}, *points(3)


@network
def branches():
    def apply(params, x):
        h = jax.vmap(
            lambda h: lax.cond(h[0] > 0, lambda h: h @ params["a"], lambda h: jnp.sin(h), h)
        )(x)
        return h @ params["b"]

    return apply, {"a": draw(3, 3), "b": draw(3, 2)}, *points(3)


@network
def mixture_of_experts():
    def apply(params, x):
        gate = jax.nn.softmax(x @ params["gate"])
        experts = jnp.tanh(jnp.einsum("nd,edk->nek", x, params["in"]))
        return jnp.einsum("ne,nek,ekc->nc", gate, experts, params["out"])

    params = {"gate": draw(3, 2), "in": draw(2, 3, 4), "out": draw(2, 4, 2)}
    return apply, params, *points(3)


@network
def unused_and_stopped():
    def apply(params, x):
        return jnp.tanh(x @ lax.stop_gradient(params["still"])) @ params["out"]

    params = {"unused": draw(3), "still": draw(3, 4), "out": draw(4, 2)}
    return apply, params, *points(3)
