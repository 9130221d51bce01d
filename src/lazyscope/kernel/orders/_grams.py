"""What is the share of a group from Gram matrices of its data and of its signals?

``sum_st <x_s, x'_t> <g_s, g'_t>`` never forms a gradient: best for few positions.
"""

import functools
from dataclasses import dataclass
from typing import ClassVar, final

import jax
import jax.numpy as jnp

from lazyscope.kernel.orders._order import AbstractOrder, Held
from lazyscope.kernel.orders._rows import Factors, GroupFactors, Pair, Rows, dot, in_rows


@final
@dataclass(frozen=True)
class Grams(AbstractOrder[Pair, Rows]):
    """Products of Gram matrices over pairs of positions."""

    name: ClassVar[str] = "grams"
    rank: ClassVar[int] = 0
    takes_rows: ClassVar[bool] = True

    def cost(self) -> float:
        """Two Gram matrices, and their product."""
        b, s, _, o, c, *_ = self.shape
        each = self.shape.data + c * c * (o + self.shape.pointwise)
        return self.block.computed * b * s * s * each

    def held(self) -> Held:
        """Both Gram matrices, where there is more than one position to sum over."""
        b, s, c = self.shape.blocks, self.shape.positions, self.shape.num_outputs
        return Held(paired=b * s * s * (1 + c * c) * self.block.pairs) if s > 1 else Held()

    def contract(self, pair: Pair) -> Rows:
        """The share, block of rows by block of rows."""
        return in_rows(_product, *pair)


def _product(left: GroupFactors, right: GroupFactors) -> jax.Array:
    """Sum over pairs of positions of <data, data'> <signal, signal'>, crosswise where transposed."""
    parts = []
    for mine, other in zip(left, right, strict=True):
        if mine is not None and other is not None:
            parts.append(_aligned(mine, other))
    if left.straight is not None and right.transposed is not None:
        parts.append(_crossed(left.straight, right.transposed))
    if left.transposed is not None and right.straight is not None:
        parts.append(_crossed(left.transposed, right.straight))
    return functools.reduce(jnp.add, parts)


def _aligned(left: Factors, right: Factors) -> jax.Array:
    """Both uses in the same order."""
    signals = _all_pairs(left.signals, right.signals)
    if left.data.ndim == 2:
        same = left.data[:, :, None, None] == right.data[None, None]
        same = same & (left.data >= 0)[:, :, None, None]
        data = same.astype(signals.dtype)[None, :, None, :, :, None, :]
    else:
        data = _all_pairs(left.data[:, None], right.data[:, None])
    return _over_positions(data * signals)


def _crossed(left: Factors, right: Factors) -> jax.Array:
    """One use transposed: its signals live where the other's data live."""
    one = _all_pairs(left.data[:, None], right.signals)
    two = _all_pairs(left.signals, right.data[:, None])
    return _over_positions(one * two)


def _all_pairs(left: jax.Array, right: jax.Array) -> jax.Array:
    """Inner products over the last axis of (n, C, b, s, k): (b, n1, C1, s1, n2, C2, s2)."""
    (n1, c1, b, s1, k), (n2, c2, _, s2, _) = left.shape, right.shape
    one = left.transpose(2, 0, 1, 3, 4).reshape(b, n1 * c1 * s1, k)
    two = right.transpose(2, 0, 1, 3, 4).reshape(b, n2 * c2 * s2, k)
    if b == 1:
        gram = dot(one[0], two[0], (((1,), (1,)), ((), ())))
    else:
        gram = dot(one, two, (((2,), (2,)), ((0,), (0,))))
    return gram.reshape(b, n1, c1, s1, n2, c2, s2)


def _over_positions(products: jax.Array) -> jax.Array:
    b, n1, c1, s1, n2, c2, s2 = products.shape
    if b == s1 == s2 == 1:
        return products.reshape(n1, c1, n2, c2)
    return jnp.sum(products, axis=(0, 3, 6))
