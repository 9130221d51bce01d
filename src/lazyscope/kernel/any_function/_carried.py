"""How do signals of one example get to the positions of another, and what is the kernel there?

The third order of contraction, between Gram matrices and gradients::

    D_st = <x_s, x'_t>,   h_t = sum_s D_st g_s,   K = sum_t <h_t, g'_t>

For C outputs it takes ``s^2 i + C s^2 o + C^2 s o`` multiply-adds per pair of examples: D does not depend
on the outputs, and gradients (i, o) are never formed. For a convolution D is a sum over the entries of
the filter of shifted Gram matrices of pixels, so that patches are not formed either.
"""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import jax
import jax.numpy as jnp
from jax import lax

from lazyscope.kernel.any_function._contract import Factors, GroupFactors, Rows, cut

_WORTH_A_TURN = 2**20
"""Bytes of carried signals below which more examples are taken at a time."""
_ROW_BLOCKS = 8

PatchGram = Callable[[jax.Array], jax.Array]
"""From Gram matrices of pixels (..., b, p, p') to those of patches (..., b, s, s')."""


def by_carried(
    left: GroupFactors,
    right: GroupFactors | None,
    edges: Sequence[int],
    patch_gram: PatchGram | None,
) -> Rows:
    """The share of a group of sites without transposed ones, signals carried from left to right."""
    assert left.straight is not None
    mine, other = left.straight, None if right is None else right.straight
    fine = _finer(edges, mine.signals)
    rows = []
    for start, stop in pairwise(fine):
        first, columns = (start, mine) if other is None else (0, other)
        rows.append(_carried(cut(mine, start, stop), columns, first, patch_gram))
    return tuple(
        _joined(rows, fine, start, stop, symmetric=other is None) for start, stop in pairwise(edges)
    )


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
        there = _dot(for_all, left.signals, (((4,), (3,)), ((0, 1, 2), (0, 1, 2))))
        carried, theirs = there.reshape(n1, c, -1), one.signals.reshape(c, -1)
        return _dot(carried, theirs, (((2,), (1,)), ((), ())))

    rows = lax.map(against, jnp.arange(first, len(right.signals)))
    return rows.transpose(1, 2, 0, 3)


def _data_gram(left: jax.Array, one: jax.Array) -> jax.Array:
    """<x'_t, x_s> as (n1, b, t, s); equality of row numbers for lookups."""
    if left.ndim == 2:
        same = (left[:, None] == one[None, :, None]) & (left >= 0)[:, None]
        return same[:, None]
    n1, b, s, i = left.shape
    if b == 1:
        flat = _dot(one[0], left.reshape(n1 * s, i), (((1,), (1,)), ((), ())))
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


def _dot(left: jax.Array, right: jax.Array, dimensions: tuple) -> jax.Array:
    return lax.dot_general(left, right, dimensions, precision=lax.Precision.HIGHEST)
