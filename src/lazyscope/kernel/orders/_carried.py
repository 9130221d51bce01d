"""How do signals of one example get to the positions of another, and what is the kernel there?

Between Gram matrices and gradients::

    D_st = <x_s, x'_t>,   h_t = sum_s D_st g_s,   K = sum_t <h_t, g'_t>

For C outputs it takes ``s^2 i + C s^2 o + C^2 s o`` multiply-adds per pair of examples: D does not depend
on the outputs, and gradients (i, o) are never formed. For a convolution D is a sum over the entries of
the filter of shifted Gram matrices of pixels, so that patches are not formed either.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, final

import jax
import jax.numpy as jnp
from jax import lax

from lazyscope._trace import Pixels
from lazyscope.kernel.orders._order import AbstractOrder, GroupShape, Held
from lazyscope.kernel.orders._rows import Factors, Pair, Rows, cut, dot

SHIFTED = 5
"""What an element costs that stays in the cache, in sums of shifted matrices and of carried signals."""
_SMALL = 1.4
"""What a multiply-add costs in products of many small matrices (measured: 1.3-1.5)."""
_WORTH_A_TURN = 2**20
"""Bytes of carried signals below which more examples are taken at a time."""
_ROW_BLOCKS = 8

PatchGram = Callable[[jax.Array], jax.Array]
"""From Gram matrices of pixels (..., b, p, p') to those of patches (..., b, s, s')."""


@final
@dataclass(frozen=True)
class Carried(AbstractOrder[Pair, Rows]):
    """Signals carried from the positions of one example to those of the other."""

    name: ClassVar[str] = "carried"
    rank: ClassVar[int] = 2
    takes_rows: ClassVar[bool] = True

    @classmethod
    def suits(cls, shape: GroupShape) -> bool:
        """Several positions, and no transposed use."""
        return shape.positions > 1 and not shape.crossed

    @property
    def pixels(self) -> Pixels | None:
        """The pixels of a convolution, where their Gram matrices cost less than those of patches."""
        pixels, s = self.shape.pixels, self.shape.positions
        if pixels is None or _from_pixels(pixels, s) >= s * s * self.shape.inputs:
            return None
        return pixels

    def cost(self) -> float:
        """Gram matrices of the data, signals carried, and inner products with the other signals."""
        b, s, _, o, c, *_ = self.shape
        pixels = self.pixels
        gram = s * s * self.shape.data if pixels is None else _from_pixels(pixels, s)
        carried = c * s * o * (s + c) * _SMALL + SHIFTED * c * s * (s + o)
        return self.block.computed * b * (gram + carried)

    def held(self) -> Held:
        """Gram matrices and signals of the rows that are taken at a time."""
        b, s, _, o, c, *_ = self.shape
        numbers = b * c * s * max(s, o)
        turn = rows_at_a_time(self.block.rows, numbers, self.block.itemsize)
        grams = 2 * (s if self.pixels is None else self.pixels.count) ** 2
        return Held(paired=turn * b * (c * s * (s + 2 * o) + grams))

    def contract(self, pair: Pair) -> Rows:
        """The share, signals carried from left to right."""
        left, right, edges = pair
        assert left.straight is not None
        patch_gram = None if self.pixels is None else self.pixels.patch_gram
        mine, other = left.straight, None if right is None else right.straight
        fine = _finer(edges, mine.signals)
        rows = []
        for start, stop in pairwise(fine):
            first, columns = (start, mine) if other is None else (0, other)
            rows.append(_carried(cut(mine, start, stop), columns, first, patch_gram))
        return tuple(
            _joined(rows, fine, start, stop, symmetric=other is None)
            for start, stop in pairwise(edges)
        )


def _from_pixels(pixels: Pixels, positions: int) -> int:
    """Multiply-adds of the Gram matrix of patches made of that of pixels."""
    return pixels.count**2 * pixels.channels + positions**2 * pixels.entries * SHIFTED


def rows_at_a_time(n: int, numbers: int, itemsize: int) -> int:
    """Examples of the left side taken together, each with so many numbers to carry.

    Few, so that little is computed twice where a set is set against itself, but worth a turn of a loop.
    """
    least = math.ceil(_WORTH_A_TURN / (numbers * itemsize))
    return min(n, max(least, math.ceil(n / _ROW_BLOCKS)))


def _finer(edges: Sequence[int], signals: jax.Array) -> list[int]:
    """Edges of thinner blocks of rows."""
    n, c, b, s, o = signals.shape
    size = rows_at_a_time(n, c * b * s * max(s, o), signals.dtype.itemsize)
    inner = [k for start, stop in pairwise(edges) for k in range(start, stop, size)]
    return [*inner, edges[-1]]


def _carried(left: Factors, right: Factors, first: int, patch_gram: PatchGram | None) -> jax.Array:
    """Rows (n1, C, n2, C) against the right side from `first` on, one of its examples at a time.

    Examples are picked by number inside the loop, so that nothing is copied for it.
    """
    n1, c = left.signals.shape[:2]

    def against(number: jax.Array) -> jax.Array:
        one = jax.tree.map(lambda a: lax.dynamic_index_in_dim(a, number, keepdims=False), right)
        gram = _data_gram(left.data, one.data)
        gram = gram if patch_gram is None else patch_gram(gram)
        gram = gram.astype(left.signals.dtype)
        for_all = jnp.broadcast_to(gram[:, None], (n1, c, *gram.shape[1:]))
        there = dot(for_all, left.signals, (((4,), (3,)), ((0, 1, 2), (0, 1, 2))))
        carried, theirs = there.reshape(n1, c, -1), one.signals.reshape(c, -1)
        return dot(carried, theirs, (((2,), (1,)), ((), ())))

    rows = lax.map(against, jnp.arange(first, len(right.signals)))
    return rows.transpose(1, 2, 0, 3)


def _data_gram(left: jax.Array, one: jax.Array) -> jax.Array:
    """<x'_t, x_s> as (n1, b, t, s); equality of row numbers for lookups."""
    if left.ndim == 2:
        same = (left[:, None] == one[None, :, None]) & (left >= 0)[:, None]
        return same[:, None]
    n1, b, s, i = left.shape
    if b == 1:
        flat = dot(one[0], left.reshape(n1 * s, i), (((1,), (1,)), ((), ())))
        return flat.reshape(1, -1, n1, s).transpose(2, 0, 1, 3)
    return jnp.einsum("bti,absi->abts", one, left, precision=lax.Precision.HIGHEST)


def _joined(
    rows: Sequence[jax.Array], fine: Sequence[int], start: int, stop: int, *, symmetric: bool
) -> jax.Array:
    """One block of rows from thinner ones; what they left out of it is mirrored."""
    inside = [k for k, edge in enumerate(fine[:-1]) if start <= edge < stop]
    if not symmetric:
        return jnp.concatenate([rows[k] for k in inside])
    complete = []
    for number, k in enumerate(inside):
        size = fine[k + 1] - fine[k]
        mirrored = []
        for above in inside[:number]:
            first = fine[k] - fine[above]
            mirrored.append(rows[above][:, :, first : first + size].transpose(2, 3, 0, 1))
        complete.append(jnp.concatenate([*mirrored, rows[k]], axis=2))
    return jnp.concatenate(complete)
