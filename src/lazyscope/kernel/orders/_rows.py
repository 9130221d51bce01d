"""How is a kernel of JAX arrays kept by blocks of rows while it is contracted?

Kernels are (a, C, b, C) in here. With an example set against itself only the columns from the block on
are computed, and the rest is mirrored in the end.
"""

import functools
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

Rows = tuple[jax.Array, ...]
"""Rows of a kernel in blocks: each (rows, C, columns, C)."""


class Factors(NamedTuple):
    """Data (n, b, s, i), or row numbers (n, s), and signals (n, C, b, s, o) of uses in a group."""

    data: jax.Array
    signals: jax.Array


class GroupFactors(NamedTuple):
    """The factors of uses of the same entries of an array in the same order, or transposed."""

    straight: Factors | None
    transposed: Factors | None


class Pair(NamedTuple):
    """Factors of two blocks of examples; ``right=None`` is `left` against itself.

    `edges` are where blocks of rows begin and end.
    """

    left: GroupFactors
    right: GroupFactors | None
    edges: Sequence[int]


def side_by_side(group: GroupFactors) -> GroupFactors:
    """The signals of all outputs joined into those of one: its kernel is the sum over outputs."""
    assert group.straight is not None
    assert group.transposed is None
    data, signals = group.straight
    n, c, *between, o = signals.shape
    joined = jnp.moveaxis(signals, 1, -2).reshape(n, 1, *between, c * o)
    return GroupFactors(Factors(data, joined), None)


def of_one_output(group: GroupFactors, number: jax.Array) -> GroupFactors:
    """The factors with the signals of one output, (n, 1, b, s, o)."""
    return GroupFactors(
        *(
            None
            if each is None
            else each._replace(signals=lax.dynamic_slice_in_dim(each.signals, number, 1, axis=1))
            for each in group
        )
    )


def cut(tree: Any, start: int, stop: int | None = None) -> Any:
    """Examples from start to stop."""
    return jax.tree.map(lambda leaf: leaf[start:stop], tree)


def in_rows(
    pair: Callable[[Any, Any], jax.Array], left: Any, right: Any | None, edges: Sequence[int]
) -> Rows:
    """Kernels of blocks of rows; without `right`, of `left` against itself from each block on."""
    rows = []
    for start, stop in pairwise(edges):
        columns = cut(left, start) if right is None else right
        rows.append(pair(cut(left, start, stop), columns))
    return tuple(rows)


def add_rows(parts: Sequence[Rows]) -> Rows:
    """Sum of kernels in blocks of rows."""
    return tuple(functools.reduce(jnp.add, rows) for rows in zip(*parts, strict=True))


def sum_of_rows(rows: Callable[[Any], Rows], pieces: Any) -> Rows:
    """Sum of ``rows(piece)`` over the leading axis of `pieces`, one after the other."""
    one = jax.tree.map(lambda c: jax.ShapeDtypeStruct(c.shape[1:], c.dtype), pieces)
    zero = tuple(jnp.zeros(row.shape, row.dtype) for row in jax.eval_shape(rows, one))

    def add(total: Rows, piece: Any) -> tuple[Rows, None]:
        return tuple(map(jnp.add, total, rows(piece))), None

    return lax.scan(add, zero, pieces)[0]


def assemble(rows: Rows, edges: Sequence[int], symmetric: bool) -> jax.Array:
    """Join blocks of rows to (a, b, C, C), mirroring what was left out."""
    if not symmetric:
        return jnp.concatenate(rows).transpose(0, 2, 1, 3)
    sizes = [b - a for a, b in pairwise(edges)]
    complete = []
    for number, row in enumerate(rows):
        mirrored = []
        for above in range(number):
            first = edges[number] - edges[above]
            block = rows[above][:, :, first : first + sizes[number]]
            mirrored.append(block.transpose(2, 3, 0, 1))
        own = row[:, :, : sizes[number]]
        own = 0.5 * (own + own.transpose(2, 3, 0, 1))
        complete.append(jnp.concatenate([*mirrored, own, row[:, :, sizes[number] :]], axis=2))
    return jnp.concatenate(complete).transpose(0, 2, 1, 3)


def inner_products(left: jax.Array, right: jax.Array) -> jax.Array:
    """Inner products (n1, C, n2, C) of gradients (n, C, ...)."""
    (n1, c1, *_), (n2, c2, *_) = left.shape, right.shape
    gram = dot(left.reshape(n1 * c1, -1), right.reshape(n2 * c2, -1), (((1,), (1,)), ((), ())))
    return gram.reshape(n1, c1, n2, c2)


def dot(left: jax.Array, right: jax.Array, dimensions: Any) -> jax.Array:
    """A matrix product without a coarser type inside."""
    return lax.dot_general(left, right, dimensions, precision=lax.Precision.HIGHEST)
