"""What is the share of a group from the gradients of every example?

``<sum_s x_s g_s^T, sum_t x'_t g'_t^T>`` is best for many positions and few weights. Gradients are formed
a few columns at a time, so that no Jacobian is ever held.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, final

import jax
import jax.numpy as jnp

from lazyscope.kernel.orders._order import ELEMENTWISE, AbstractOrder, Held, column_chunks
from lazyscope.kernel.orders._rows import (
    GroupFactors,
    Pair,
    Rows,
    dot,
    in_rows,
    inner_products,
    sum_of_rows,
)


@final
@dataclass(frozen=True)
class Gradients(AbstractOrder[Pair, Rows]):
    """Gradients of examples, in chunks of columns that the cache holds."""

    name: ClassVar[str] = "gradients"
    rank: ClassVar[int] = 1

    @property
    def chunks(self) -> int:
        """Chunks of columns."""
        return column_chunks(self.shape, self.block)

    def cost(self) -> float:
        """Gradients of both sides, written once, and their inner products."""
        b, s, i, o, c, *_ = self.shape
        formed = self.block.both * (s + ELEMENTWISE)
        return b * c * i * o * (formed + self.block.computed * c)

    def held(self) -> Held:
        """The gradients of one chunk."""
        b, _, i, o, c, *_ = self.shape
        return Held(each=c * b * i * o / self.chunks)

    def contract(self, pair: Pair) -> Rows:
        """The share, a chunk of columns o at a time."""
        left, right, edges = pair
        chunks = self.chunks
        ready = _ready(left, chunks), None if right is None else _ready(right, chunks)
        columns, inputs = zip(*[_unzip(side) for side in ready], strict=True)

        def rows(columns: Sequence[Any]) -> Rows:
            mine, other = map(_gradients, columns, inputs)
            assert mine is not None
            return in_rows(inner_products, mine, other, edges)

        if chunks == 1:
            return rows(jax.tree.map(lambda c: c[0], columns))
        return sum_of_rows(rows, columns)


class _Ready(NamedTuple):
    """Factors laid out for batched products: (chunks, n, b, s, C, o) and (n, b, s, C', i).

    One of C and C' is 1: only one of the two factors is a signal.
    """

    columns: jax.Array
    inputs: jax.Array


def _ready(group: GroupFactors, chunks: int) -> list[_Ready]:
    """Lay out the factors of a group once, before the chunks are run through."""
    found = []
    for factors, straight in ((group.straight, True), (group.transposed, False)):
        if factors is not None:
            data, signals = factors.data[:, None], factors.signals
            columns, inputs = (signals, data) if straight else (data, signals)
            n, c, b, s, o = columns.shape
            cut = columns.reshape(n, c, b, s, chunks, o // chunks).transpose(4, 0, 2, 3, 1, 5)
            found.append(_Ready(cut, inputs.transpose(0, 2, 3, 1, 4)))
    return found


def _unzip(side: list[_Ready] | None) -> tuple[Any, Any]:
    """Columns and inputs apart, since only the columns are run through."""
    return (None, None) if side is None else ([r.columns for r in side], [r.inputs for r in side])


def _gradients(columns: Any, inputs: Any) -> jax.Array | None:
    """Per-example gradients (n, C, b o i) for one chunk of columns."""
    if columns is None:
        return None
    parts = []
    for one, two in zip(columns, inputs, strict=True):
        product = dot(one, two, (((2,), (2,)), ((0, 1), (0, 1))))
        n, _, c1, _, c2, _ = product.shape
        parts.append(product.transpose(0, 2, 4, 1, 3, 5).reshape(n, c1 * c2, -1))
    return functools.reduce(jnp.add, parts)
