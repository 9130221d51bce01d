"""What does one block of attention over tokens compute?"""

import math
from typing import final

import equinox as eqx
from jaxtyping import Array, Float

from lazyscope._checks import (
    InputError,
    check_count,
    check_positive,
    check_scale,
    check_sequence,
    shown,
)
from lazyscope.model._activation import activation as activation_named
from lazyscope.model._architecture import Architecture, image_side
from lazyscope.model._memory import check_memory
from lazyscope.model._network import AbstractNetwork, PerLayer
from lazyscope.model.blocks import (
    AbstractBlock,
    Activate,
    Attend,
    Linear,
    Places,
    Pool,
    Reshape,
    Skip,
)

_HEADS = 4  # of the network that is made by name


@final
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
    def blocks(self) -> tuple[AbstractBlock, ...]:
        """Tokens with places, embedding, attention around which the signal skips, sigma, mean, readout."""
        (tokens, features), m, size = self.input_shape, self.width, math.sqrt(self.width)
        return (
            Reshape(self.input_shape),
            Places(),
            Linear("embedding", features + tokens, m, size / math.sqrt(tokens)),
            Skip((self._attend,), self.branch_scale),
            Activate(activation_named(self.activation_name)),
            Pool(),
            Linear("readout", m, self.output_dim, size),
        )

    def score_size(self, alpha: PerLayer) -> float:
        """tau, the rms of the scores at the start, for inputs of norm one."""
        embedding, *inside, _ = self.per_layer("alpha", alpha)
        return self._attend.score_size(inside, embedding)

    @property
    def _attend(self) -> Attend:
        return Attend(self.width, self.num_heads, self.score_scale)


def _over_rows(features: int, outputs: int, width: int, depth: int, sigma: str) -> Attention:
    del depth  # one block
    side = image_side(features)
    return Attention((side, side), outputs, width, _HEADS, sigma)


ENTRY = Architecture(
    "attention",
    f"one block of attention ({_HEADS} heads) over the rows of the images, scores of size one, "
    "mean over tokens, {activation}",
    _over_rows,
    most_depth=1,
)
