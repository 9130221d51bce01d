"""How are activations and signals at the sites of one leaf contracted into its share of the kernel?

With data x and signals g at positions p the gradient of an example is ``sum_p x_p g_p^T``. Two orders
of contraction give the same kernel::

    grams      sum_pq <x_p, x'_q> <g_p, g'_q>          never forms a gradient
    gradients  <sum_p x_p g_p^T, sum_q x'_q g'_q^T>    cheaper for many positions and few weights

Gradients are formed a few columns at a time, so that no Jacobian is ever held. Kernels are kept as
(a, C, b, C) here, by blocks of rows; with an example set against itself only the columns from the
block on are computed.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

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
    return sum(parts[1:], parts[0])


def _aligned(left: Factors, right: Factors) -> jax.Array:
    """Both sites in the same order."""
    signals = _product("icbpo,jdbqo->bicpjdq", left.signals, right.signals)
    if left.data.ndim == 2:
        same = left.data[:, :, None, None] == right.data[None, None]
        same = same & (left.data >= 0)[:, :, None, None]
        data = same.astype(signals.dtype)[None]
    else:
        data = _product("ibpk,jbqk->bipjq", left.data, right.data)
    return jnp.sum(data[:, :, None, :, :, None, :] * signals, axis=(0, 3, 6))


def _crossed(left: Factors, right: Factors) -> jax.Array:
    """One site transposed: its signals live where the other's data live."""
    one = _product("ibpk,jdbqk->bipjdq", left.data, right.signals)
    two = _product("icbpo,jbqo->bicpjq", left.signals, right.data)
    return jnp.sum(one[:, :, None] * two[:, :, :, :, :, None], axis=(0, 3, 6))


def by_gradients(
    left: GroupFactors, right: GroupFactors | None, edges: Sequence[int], chunks: int
) -> Rows:
    """The share of a group of sites from per-example gradients, a chunk of columns at a time."""
    if chunks == 1:
        whole = None if right is None else _gradients(right, 0, None)
        return in_rows(_gradient_pair, _gradients(left, 0, None), whole, edges)
    width = _num_outputs(left) // chunks

    def add(total: Rows, start: Any) -> tuple[Rows, None]:
        mine = _gradients(left, start, width)
        other = None if right is None else _gradients(right, start, width)
        more = in_rows(_gradient_pair, mine, other, edges)
        return tuple(a + b for a, b in zip(total, more, strict=True)), None

    starts = jnp.arange(chunks) * width
    zero = jax.eval_shape(lambda: add_shape(left, right, edges))
    total = tuple(jnp.zeros(z.shape, z.dtype) for z in zero)
    return lax.scan(add, total, starts)[0]


def add_shape(left: GroupFactors, right: GroupFactors | None, edges: Sequence[int]) -> Rows:
    """Rows of the right shape, to be evaluated for their shape alone."""
    other = None if right is None else _gradients(right, 0, 1)
    return in_rows(_gradient_pair, _gradients(left, 0, 1), other, edges)


def _num_outputs(group: GroupFactors) -> int:
    if group.straight is not None:
        return group.straight.signals.shape[-1]
    assert group.transposed is not None
    return group.transposed.data.shape[-1]


def _gradients(group: GroupFactors, start: Any, width: int | None) -> jax.Array:
    """Per-example gradients (n, C, b, columns, i) for `width` columns o from `start` on."""

    def columns(array: jax.Array) -> jax.Array:
        if width is None:
            return array
        return lax.dynamic_slice_in_dim(array, start, width, axis=-1)

    parts = []
    if group.straight is not None:
        data, signals = group.straight
        parts.append(_product("nbsi,ncbso->nbcoi", data, columns(signals)))
    if group.transposed is not None:
        data, signals = group.transposed
        parts.append(_product("nbso,ncbsi->nbcoi", columns(data), signals))
    return jnp.swapaxes(sum(parts[1:], parts[0]), 1, 2)


def _gradient_pair(left: jax.Array, right: jax.Array) -> jax.Array:
    return _product("icp,jdp->icjd", *(a.reshape(*a.shape[:2], -1) for a in (left, right)))


def by_derivatives(left: jax.Array, right: jax.Array | None, edges: Sequence[int]) -> Rows:
    """The share of a leaf from its Jacobian (n, C, ...)."""
    return in_rows(_gradient_pair, left, right, edges)


def _product(subscripts: str, left: jax.Array, right: jax.Array) -> jax.Array:
    return jnp.einsum(subscripts, left, right, precision=lax.Precision.HIGHEST)
