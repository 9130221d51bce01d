"""What does attention over tokens compute, and how large are its scores?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from lazyscope.model.blocks._block import AbstractBlock, Drawn, Moved
from lazyscope.model.blocks._layer import Layer, affine, affine_difference

_NEAR = 1.0


@final
@dataclass(frozen=True)
class Places(AbstractBlock):
    """Tokens with their place: (x_t, e_t / sqrt(T)) / sqrt(2), e_t the t-th unit vector."""

    def apply(self, params: Sequence[Any], x: Float[Array, "n T d"]) -> Float[Array, "n T d+T"]:
        """Tokens of T more features."""
        num, tokens = x.shape[:2]
        places = jnp.broadcast_to(jnp.eye(tokens, dtype=x.dtype), (num, tokens, tokens))
        return jnp.concatenate([x, places / tokens**0.5], axis=2) / 2**0.5

    def value_and_difference(
        self, params: Sequence[Any], change: Sequence[Any], x: Array, moved: Moved
    ) -> tuple[Array, Moved]:
        """Tokens with their place, which stays when they move."""
        if moved is not None:
            num, tokens = moved.shape[:2]
            stays = jnp.zeros((num, tokens, tokens), moved.dtype)
            moved = jnp.concatenate([moved, stays], axis=2) / 2**0.5
        return self.apply(params, x), moved


@final
@dataclass(frozen=True)
class Attend(AbstractBlock):
    """Attention of H heads: W_O of the values W_V h, averaged over tokens with softmax of the scores.

    Attributes:
        width: m, a multiple of the heads.
        num_heads: H.
        score_scale: multiplier of the scores <W_Q h, W_K h>; may be traced.
    """

    width: int
    num_heads: int
    score_scale: Float[Array, ""] | float

    @property
    def drawn(self) -> tuple[Drawn, ...]:
        """Query, key, value and output, each (m, m)."""
        square, gain = (self.width, self.width), math.sqrt(self.width)
        return tuple(Drawn(name, square, gain) for name in ("query", "key", "value", "output"))

    def size(self, alpha: Sequence[Any], before: Any) -> Any:
        """alpha_V alpha_O times the size of the input."""
        _, _, value, output = alpha
        return before * value * output

    def score_size(self, alpha: Sequence[Any], before: Any) -> float:
        """Rms of the scores, tau = score_scale sqrt(m/H) alpha_Q alpha_K before^2 / m."""
        query, key, _, _ = alpha
        head = self.width // self.num_heads
        spread = math.sqrt(head) * query * key * before**2 / self.width
        return float(self.score_scale) * float(spread)

    def leverage(self, alpha: Sequence[Any], before: Any) -> tuple[Any, ...]:
        """min(tau, 1) for query and key, one for value and output; not for a traced score scale."""
        scored = min(self.score_size(alpha, before), 1.0)
        return scored, scored, 1.0, 1.0

    def apply(self, params: Sequence[Layer], x: Float[Array, "n T m"]) -> Float[Array, "n T m"]:
        """What every token gathers."""
        *inward, output = params
        q, k, v = (self._heads(affine(layer, x)) for layer in inward)
        seen = _gathered(jax.nn.softmax(self._scores(q, k), axis=-1), v)
        return affine(output, seen.reshape(x.shape))

    def value_and_difference(
        self, params: Sequence[Layer], change: Sequence[Layer], x: Array, moved: Moved
    ) -> tuple[Array, Moved]:
        """What every token gathers, and how far that moves with queries, keys, values and shares."""
        *inward, output = params
        q, k, v = (self._heads(affine(layer, x)) for layer in inward)
        dq, dk, dv = (
            self._heads(affine_difference(layer, step, x, moved))
            for layer, step in zip(inward, change[:-1], strict=True)
        )
        scores, raised = self._scores(q, k), self._scores(dq, k) + self._scores(q + dq, dk)
        shares, shift = jax.nn.softmax(scores, axis=-1), softmax_difference(scores, raised)
        seen = _gathered(shares, v).reshape(x.shape)
        apart = (_gathered(shift, v + dv) + _gathered(shares, dv)).reshape(x.shape)
        return affine(output, seen), affine_difference(output, change[-1], seen, apart)

    def _scores(
        self, q: Float[Array, "n T H k"], k: Float[Array, "n T H k"]
    ) -> Float[Array, "n H T T"]:
        return jnp.einsum("nthd,nshd->nhts", q, k) * jnp.asarray(self.score_scale, q.dtype)

    def _heads(self, x: Float[Array, "n T m"]) -> Float[Array, "n T H k"]:
        return x.reshape(*x.shape[:2], self.num_heads, -1)


def softmax_difference(
    scores: Float[Array, "... T"], raised: Float[Array, "... T"]
) -> Float[Array, "... T"]:
    """softmax(scores + raised) - softmax(scores), to rounding relative to itself where scores move little.

    With p the shares and e = exp(raised) - 1 it is ``p (e - sum p e) / (1 + sum p e)``.
    """
    shares = jax.nn.softmax(scores, axis=-1)
    near = jnp.all(jnp.abs(raised) <= _NEAR, axis=-1, keepdims=True)
    gained = jnp.expm1(jnp.where(near, raised, 0.0))
    mean = jnp.sum(shares * gained, axis=-1, keepdims=True)
    apart = jax.nn.softmax(scores + raised, axis=-1) - shares
    return jnp.where(near, shares * (gained - mean) / (1.0 + mean), apart)


def _gathered(
    shares: Float[Array, "n H T T"], values: Float[Array, "n T H k"]
) -> Float[Array, "n T H k"]:
    return jnp.einsum("nhts,nshd->nthd", shares, values)
