"""How is a large kernel filled block by block?

Blocks have one shape (the last ones are padded with zero inputs), so there is one program for
blocks off the diagonal and one for those on it. The next block computes while the last is copied
out; a symmetric kernel computes the lower half and mirrors it.
"""

from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np

from lazyscope.kernel._limit_block import (
    Block,
    Combine,
    block,
    careful_cosines,
    plain_cosines,
)
from lazyscope.kernel._limit_maps import AbstractPairMap
from lazyscope.kernel._limit_points import Points

_compiled_block = jax.jit(block, static_argnames=("combine", "cosines", "diagonal"))


def fill(
    out: np.ndarray,
    combine: Combine,
    maps: tuple[AbstractPairMap, ...],
    points1: Points,
    points2: Points,
    weight_squares: np.ndarray,
    *,
    tile: int,
    symmetric: bool,
) -> np.ndarray:
    """Fill out (..., n1, n2) with the kernel; `symmetric` says that both sides are the same points."""
    n1, n2 = out.shape[-2:]
    rows1, rows2 = _cuts(n1, tile), _cuts(n2, tile)
    sides1 = [_padded(points1, cut, rows1[0].stop, out.dtype) for cut in rows1]
    sides2 = [_padded(points2, cut, rows2[0].stop, out.dtype) for cut in rows2]
    squares = weight_squares.astype(out.dtype)
    places = [(i, j) for i in range(len(rows1)) for j in range(i + 1 if symmetric else len(rows2))]

    maps = jax.tree.map(lambda a: jnp.asarray(a, out.dtype), maps)
    one_block = _compiled_block if all(m.compiled for m in maps) else block

    def compute(i: int, j: int, cosines=plain_cosines) -> Block:
        return one_block(
            combine,
            maps,
            sides1[i],
            sides2[j],
            squares,
            cosines=cosines,
            diagonal=symmetric and i == j,
        )

    for (i, j), done in _one_ahead(places, compute):
        if bool(done.close):
            done = compute(i, j, careful_cosines)
        a, b = rows1[i], rows2[j]
        values = np.asarray(done.values)[..., : a.stop - a.start, : b.stop - b.start]
        if symmetric and i == j:  # exactly symmetric; the diagonal itself is the caller's
            lower = np.tril(values, -1)
            values = lower + np.swapaxes(lower, -1, -2)
        out[..., a, b] = values
        if symmetric and i != j:
            out[..., b, a] = np.swapaxes(values, -1, -2)
    return out


def _one_ahead(places: list, compute) -> Iterator:
    """Results in order, each started before the one before it is handed out."""
    waiting = None
    for place in places:
        started = place, compute(*place)
        if waiting is not None:
            yield waiting
        waiting = started
    if waiting is not None:
        yield waiting


def _cuts(n: int, tile: int) -> list[slice]:
    """Slices of equal size at most `tile`, the last one shorter."""
    count = -(-n // tile)
    size = -(-n // count)
    return [slice(start, min(start + size, n)) for start in range(0, n, size)]


def _padded(points: Points, cut: slice, size: int, dtype: np.dtype) -> Points:
    """Points `cut`, filled up to `size` with points of variance zero."""
    part = points.take(cut)
    missing = size - part.directions.shape[0]

    def pad(array: np.ndarray, axis: int) -> np.ndarray:
        widths = [(0, missing if i == axis else 0) for i in range(array.ndim)]
        return np.pad(array, widths).astype(dtype)

    middle = [pad(array, 1) for array in part[1:-1]]
    features = tuple(pad(array, 0) for array in part.features)
    return Points._make([pad(part.directions, 0), *middle, features])
