"""How are activations and signals at the sites of one leaf contracted into its share of the kernel?

With data x and signals g at positions p the gradient of an example is ``sum_p x_p g_p^T``. Two orders
of contraction give the same kernel::

    grams      sum_pq <x_p, x'_q> <g_p, g'_q>          never forms a gradient
    gradients  <sum_p x_p g_p^T, sum_q x'_q g'_q^T>    cheaper for many positions and few weights

Gradients are formed a few columns at a time, so that no Jacobian is ever held. Kernels are kept as
(a, C, b, C) here, by blocks of rows; with an example set against itself only the columns from the
block on are computed.
"""

import functools
import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

IN_CACHE = 2**22
"""Bytes of gradients at a time: pieces that stay in the cache are multiplied twice as fast."""

Rows = tuple[jax.Array, ...]
"""Rows of a kernel in blocks: each (rows, C, columns, C)."""


class Factors(NamedTuple):
    """Data (n, b, s, i), or row numbers (n, s), and signals (n, C, b, s, o) of sites in a group."""

    data: jax.Array
    signals: jax.Array


class GroupFactors(NamedTuple):
    """The factors of sites that use the same entries of a leaf in the same order, or transposed."""

    straight: Factors | None
    transposed: Factors | None


def side_by_side(group: GroupFactors) -> GroupFactors:
    """The signals of all outputs joined into those of one: its kernel is the sum over outputs."""
    assert group.straight is not None
    assert group.transposed is None
    data, signals = group.straight
    n, c, *between, o = signals.shape
    joined = jnp.moveaxis(signals, 1, -2).reshape(n, 1, *between, c * o)
    return GroupFactors(Factors(data, joined), None)


def over_outputs(rows: Rows) -> Rows:
    """Sums of the blocks (a, C, b, C) over equal outputs, (a, 1, b, 1)."""
    return tuple(jnp.einsum("acbc->ab", row)[:, None, :, None] for row in rows)


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


def by_grams(left: GroupFactors, right: GroupFactors | None, edges: Sequence[int]) -> Rows:
    """The share of a group of sites from products of Gram matrices."""
    return in_rows(_gram_pair, left, right, edges)


def _gram_pair(left: GroupFactors, right: GroupFactors) -> jax.Array:
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
    """Both sites in the same order."""
    signals = _all_pairs(left.signals, right.signals)
    if left.data.ndim == 2:
        same = left.data[:, :, None, None] == right.data[None, None]
        same = same & (left.data >= 0)[:, :, None, None]
        data = same.astype(signals.dtype)[None, :, None, :, :, None, :]
    else:
        data = _all_pairs(left.data[:, None], right.data[:, None])
    return _over_positions(data * signals)


def _crossed(left: Factors, right: Factors) -> jax.Array:
    """One site transposed: its signals live where the other's data live."""
    one = _all_pairs(left.data[:, None], right.signals)
    two = _all_pairs(left.signals, right.data[:, None])
    return _over_positions(one * two)


def _all_pairs(left: jax.Array, right: jax.Array) -> jax.Array:
    """Inner products over the last axis of (n, C, b, s, k): (b, n1, C1, s1, n2, C2, s2)."""
    (n1, c1, b, s1, k), (n2, c2, _, s2, _) = left.shape, right.shape
    one = left.transpose(2, 0, 1, 3, 4).reshape(b, n1 * c1 * s1, k)
    two = right.transpose(2, 0, 1, 3, 4).reshape(b, n2 * c2 * s2, k)
    if b == 1:
        gram = _dot(one[0], two[0], (((1,), (1,)), ((), ())))
    else:
        gram = _dot(one, two, (((2,), (2,)), ((0,), (0,))))
    return gram.reshape(b, n1, c1, s1, n2, c2, s2)


def _over_positions(products: jax.Array) -> jax.Array:
    b, n1, c1, s1, n2, c2, s2 = products.shape
    if b == s1 == s2 == 1:
        return products.reshape(n1, c1, n2, c2)
    return jnp.sum(products, axis=(0, 3, 6))


class _Ready(NamedTuple):
    """Factors laid out for batched products: (chunks, n, b, s, C, o) and (n, b, s, C', i).

    One of C and C' is 1: only one of the two factors is a signal.
    """

    columns: jax.Array
    inputs: jax.Array


def by_gradients(
    left: GroupFactors, right: GroupFactors | None, edges: Sequence[int], chunks: int
) -> Rows:
    """The share of a group of sites from per-example gradients, a chunk of columns o at a time."""
    ready = _ready(left, chunks), None if right is None else _ready(right, chunks)
    columns, inputs = zip(*[_unzip(side) for side in ready], strict=True)

    def rows(columns: Sequence[Any]) -> Rows:
        mine, other = map(_gradients, columns, inputs)
        assert mine is not None
        return in_rows(_gradient_pair, mine, other, edges)

    if chunks == 1:
        return rows(jax.tree.map(lambda c: c[0], columns))
    return _sum_of_rows(rows, columns)


def _sum_of_rows(rows: Callable[[Any], Rows], pieces: Any) -> Rows:
    """Sum of ``rows(piece)`` over the leading axis of `pieces`, one after the other."""
    one = jax.tree.map(lambda c: jax.ShapeDtypeStruct(c.shape[1:], c.dtype), pieces)
    zero = tuple(jnp.zeros(row.shape, row.dtype) for row in jax.eval_shape(rows, one))

    def add(total: Rows, piece: Any) -> tuple[Rows, None]:
        return tuple(map(jnp.add, total, rows(piece))), None

    return lax.scan(add, zero, pieces)[0]


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
        product = _dot(one, two, (((2,), (2,)), ((0, 1), (0, 1))))
        n, _, c1, _, c2, _ = product.shape
        parts.append(product.transpose(0, 2, 4, 1, 3, 5).reshape(n, c1 * c2, -1))
    return functools.reduce(jnp.add, parts)


def _gradient_pair(left: jax.Array, right: jax.Array) -> jax.Array:
    """Inner products of gradients (n, C, ...)."""
    (n1, c1, *_), (n2, c2, *_) = left.shape, right.shape
    gram = _dot(left.reshape(n1 * c1, -1), right.reshape(n2 * c2, -1), (((1,), (1,)), ((), ())))
    return gram.reshape(n1, c1, n2, c2)


def by_derivatives(left: jax.Array, right: jax.Array | None, edges: Sequence[int]) -> Rows:
    """The share of a leaf from its Jacobian (n, C, ...), a chunk of entries at a time."""
    n, c = left.shape[:2]
    sides = [None if a is None else a.reshape(*a.shape[:2], -1) for a in (left, right)]
    entries = math.prod(left.shape[2:])
    width = max(1, min(entries, IN_CACHE // (n * c * left.dtype.itemsize)))

    def rows(start: Any, width: int = width) -> Rows:
        mine, other = (
            None if side is None else lax.dynamic_slice_in_dim(side, start, width, 2)
            for side in sides
        )
        assert mine is not None
        return in_rows(_gradient_pair, mine, other, edges)

    chunks = entries // width
    total = rows(0) if chunks == 1 else _sum_of_rows(rows, jnp.arange(chunks) * width)
    rest = entries - chunks * width
    return tuple(map(jnp.add, total, rows(entries - rest, rest))) if rest else total


def _dot(left: jax.Array, right: jax.Array, dimensions: Any) -> jax.Array:
    return lax.dot_general(left, right, dimensions, precision=lax.Precision.HIGHEST)
