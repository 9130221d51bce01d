"""What does one block of attention over tokens compute?"""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from lazyscope._checks import (
    InputError,
    check_count,
    check_positive,
    check_scale,
    check_sequence,
    shown,
)
from lazyscope.model._activation import activation as activation_named
from lazyscope.model._layer import Layer, affine
from lazyscope.model._memory import check_memory
from lazyscope.model._network import AbstractNetwork, pooled


class Attention(AbstractNetwork):
    """One block of attention with a skip connection over T tokens, mean over tokens, readout.

    Definition, with z_t the token with its position, e_t the t-th unit vector, H heads of size m/H and
    ``softmax`` over s::

        z_t = (x_t, e_t / sqrt(T)) / sqrt(2),   h_t = W_E z_t
        A^h_ts = softmax_s(score_scale <q^h_t, k^h_s>),   q = W_Q h,  k = W_K h,  v = W_V h
        u_t = h_t + b W_O (sum_s A^1_ts v^1_s, ..., sum_s A^H_ts v^H_s)
        f(x) = W_R (1/T) sum_t sigma(u_t)

    Positions are learned: their vectors are the last T columns of W_E.

    Scales: ``alpha_E = sqrt(m / T) std`` (a token of an input of norm one has norm ``1/sqrt(T)``),
    ``alpha = sqrt(m) std`` for the others. With the branch ``B = b alpha_V alpha_O``::

        kappa = alpha_E sqrt(1 + B^2) alpha_R,    leverage of W_V, W_O: phi = B / sqrt(1 + B^2)
        scores have size  tau = score_scale sqrt(m/H) alpha_Q alpha_K alpha_E^2 / m
        leverage of W_Q, W_K: phi min(tau, 1)

    Args:
        input_shape: (T, features of a token); points may come flattened, token by token.
        output_dim: number of outputs C.
        width: embedding dimension m, a multiple of `num_heads`.
        num_heads: H.
        activation: name of sigma.
        score_scale: multiplier of the scores; ``None`` means ``1/sqrt(m/H)``. May be a traced number.
        branch_scale: b.

    Groups: embedding, query, key, value, output, readout; a scheme for them has depth 5.

    Raises:
        InputError: a size below one, heads that do not divide the width, or more parameters than memory
            holds.

    Trust: a branch averages tokens, so that it is smaller than its formula by a factor between one and
    ``1/sqrt(T)`` that depends on how alike the tokens are.

    Example:
        >>> model = Attention((8, 8), output_dim=1, width=16, num_heads=4)
        >>> round(model.score_size([2.0, 1.0, 1.0, 1.0, 1.0, 1.0]), 12)  # 2^2 / 16
        0.25
    """

    input_shape: tuple[int, int] = eqx.field(static=True)
    output_dim: int = eqx.field(static=True)
    width: int = eqx.field(static=True)
    num_heads: int = eqx.field(static=True)
    activation_name: str = eqx.field(static=True)
    branch_scale: float = eqx.field(static=True)
    score_scale: Float[Array, ""] | float

    def __init__(
        self,
        input_shape: tuple[int, int],
        output_dim: int,
        width: int,
        num_heads: int = 4,
        activation: str = "relu",
        *,
        score_scale: Float[Array, ""] | float | None = None,
        branch_scale: float = 1.0,
    ) -> None:
        if len(check_sequence("input_shape", input_shape)) != 2:
            raise InputError(
                "tokens must be given as (tokens, features of a token)",
                received=shown(input_shape),
                cause="a flattened size, or the shape of an image with channels",
                fix="give (8, 8) for eight tokens of eight numbers",
            )
        tokens, features = input_shape
        self.input_shape = (check_count("tokens", tokens), check_count("features", features))
        self.output_dim = check_count("output_dim", output_dim)
        self.width, self.num_heads = (
            check_count("width", width),
            check_count("num_heads", num_heads),
        )
        if self.width % self.num_heads:
            raise InputError(
                "the width must be a multiple of the number of heads",
                received=f"width {self.width} and {self.num_heads} heads",
                cause="a width chosen for another network",
                fix=f"use a width such as {self.num_heads * max(1, self.width // self.num_heads)}",
            )
        self.activation_name = activation_named(activation).name
        self.branch_scale = check_positive("branch_scale", branch_scale)
        self.score_scale = (
            1.0 / math.sqrt(self.head_dim)
            if score_scale is None
            else check_scale("score_scale", score_scale)
        )
        check_memory(self.num_parameters, what=f"an attention block of width {width}")

    @property
    def head_dim(self) -> int:
        """Size m/H of a head."""
        return self.width // self.num_heads

    @property
    def shapes(self) -> tuple[tuple[int, int], ...]:
        """(m, features + T) of the embedding, four (m, m), (C, m) of the readout."""
        tokens, features = self.input_shape
        square = (self.width, self.width)
        return ((self.width, features + tokens), *[square] * 4, (self.output_dim, self.width))

    @property
    def layer_sizes(self) -> tuple[float, ...]:
        """sqrt(m / T), then sqrt(m)."""
        size = math.sqrt(self.width)
        return (size / math.sqrt(self.input_shape[0]), *[size] * 5)

    def kappa(self, alpha: Float[ArrayLike, " layers"]) -> float:
        """alpha_E sqrt(1 + (b alpha_V alpha_O)^2) alpha_R."""
        embedding, _, _, _, _, readout = self.per_layer("alpha", alpha)
        return float(embedding * math.hypot(1.0, self._branch(alpha)) * readout)

    def leverage(self, alpha: Float[ArrayLike, " layers"]) -> Float[np.ndarray, " layers"]:
        """One for embedding and readout, phi for value and output, phi min(tau, 1) for query and key.

        Needs numbers: not for a traced score scale.
        """
        branch = self._branch(alpha)
        share = branch / math.hypot(1.0, branch)
        scored = share * min(self.score_size(alpha), 1.0)
        return np.array([1.0, scored, scored, share, share, 1.0])

    def score_size(self, alpha: Float[ArrayLike, " layers"]) -> float:
        """tau, the rms of the scores at the start, for inputs of norm one."""
        embedding, query, key = self.per_layer("alpha", alpha)[:3]
        spread = math.sqrt(self.head_dim) * query * key * embedding**2 / self.width
        return float(self.score_scale) * float(spread)

    @property
    def group_names(self) -> tuple[str, ...]:
        """``embedding``, ``query``, ``key``, ``value``, ``output``, ``readout``."""
        return ("embedding", "query", "key", "value", "output", "readout")

    def apply(self, params: tuple[Layer, ...], x: Float[Array, "n ..."]) -> Float[Array, "n C"]:
        """Outputs f(x), one row per point."""
        embedding, query, key, value, output, readout = params
        num, tokens = x.shape[0], self.input_shape[0]
        places = jnp.broadcast_to(jnp.eye(tokens, dtype=x.dtype), (num, tokens, tokens))
        z = jnp.concatenate([x.reshape(num, *self.input_shape), places / tokens**0.5], axis=2)
        h = affine(embedding, z / 2**0.5)
        q, k, v = (self._heads(affine(layer, h)) for layer in (query, key, value))
        scores = jnp.einsum("nthd,nshd->nhts", q, k) * jnp.asarray(self.score_scale, x.dtype)
        seen = jnp.einsum("nhts,nshd->nthd", jax.nn.softmax(scores, axis=-1), v)
        u = h + self.branch_scale * affine(output, seen.reshape(num, tokens, self.width))
        return affine(readout, pooled(activation_named(self.activation_name)(u)))

    def _heads(self, x: Float[Array, "n T m"]) -> Float[Array, "n T H k"]:
        return x.reshape(*x.shape[:2], self.num_heads, self.head_dim)

    def _branch(self, alpha: Float[ArrayLike, " layers"]) -> float:
        _, _, _, value, output, _ = self.per_layer("alpha", alpha)
        return float(self.branch_scale * value * output)
