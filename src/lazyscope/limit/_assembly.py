"""How is a large kernel computed, block by block?

Blocks have one shape (the last ones are padded with zero inputs), so there is one program for
blocks off the diagonal and one for those on it. The next block computes while the last is copied
out; a symmetric kernel computes the lower half and mirrors it.
"""

import warnings
from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lazyscope._checks import check_count
from lazyscope._jax import leaves_programs, left_program, own_settings
from lazyscope.limit._amplification import AccuracyWarning, largest_gain, needs_care
from lazyscope.limit._inputs import as_inputs, check_match
from lazyscope.limit._network import LimitNetwork
from lazyscope.limit._recursion import (
    CLOSE,
    CLOSE_IF_AMPLIFIED,
    Block,
    Combine,
    block,
    careful_cosines,
    covariance,
    is_deep,
    plain_cosines,
    tangent_by_layer,
)
from lazyscope.limit._variances import Points, pair_maps, single_points
from lazyscope.limit.dual._dual import AbstractPairMap

_PROMISED = {np.dtype(np.float32): 1e-6, np.dtype(np.float64): 1e-12}
"""Errors of correlations that the documentation promises not to exceed."""

compiled_block = jax.jit(block, static_argnames=("combine", "cosines", "diagonal", "close"))
_left_blocks: dict[Any, Any] = {}


def kernel_of(
    combine: Combine, network: LimitNetwork, x1: Any, x2: Any | None, tile: int
) -> np.ndarray:
    """The kernel that `combine` makes of the layers of `network`."""
    tile = check_count("tile", tile)
    x1 = as_inputs("x1", x1)
    both = x1
    if x2 is not None:
        x2 = as_inputs("x2", x2)
        check_match(x1, x2)
        both = np.concatenate([x1, x2.astype(x1.dtype)])
    squares = network.weight_stds**2
    with own_settings():
        # both sides at once, so that equal inputs have equal numbers to the bit
        points = single_points(network, both, slopes=combine is not covariance)
        gain = largest_gain(network, points)
        amplified = needs_care(network, points, gain)
        if amplified and x1.dtype != np.float64:
            points = single_points(network, both.astype(np.float64), combine is not covariance)
        n1 = len(x1)
        points1 = points.take(slice(0, n1))
        points2 = points1 if x2 is None else points.take(slice(n1, None))
        maps, left, right = pair_maps(network, points1, points2, careful=amplified)
        shape = n1, n1 if x2 is None else len(x2)
        leading = (network.depth + 1,) if combine is tangent_by_layer else ()
        out = np.empty((*leading, *shape), np.float64 if amplified else x1.dtype)
        doubt = _fill(
            out,
            combine,
            maps,
            left,
            right,
            squares,
            tile=tile,
            symmetric=x2 is None,
            gain=gain if amplified else None,
        )
        if x2 is None:
            diagonal = np.arange(n1)
            out[..., diagonal, diagonal] = combine(list(left.variances), list(left.slopes), squares)
    warn_of(doubt, gain, x1.dtype)
    return out.astype(x1.dtype, copy=False)


def _fill(
    out: np.ndarray,
    combine: Combine,
    maps: tuple[AbstractPairMap, ...],
    points1: Points,
    points2: Points,
    weight_squares: np.ndarray,
    *,
    tile: int,
    symmetric: bool,
    gain: float | None = None,
) -> float:
    """Fill out (..., n1, n2) with the kernel; `symmetric` says that both sides are the same points.

    Returns a bound on the error of correlations where the network amplifies distances by `gain`.
    """
    n1, n2 = out.shape[-2:]
    rows1, rows2 = _cuts(n1, tile), _cuts(n2, tile)
    squares = weight_squares.astype(out.dtype)
    places = [(i, j) for i in range(len(rows1)) for j in range(i + 1 if symmetric else len(rows2))]

    maps, points1, points2 = in_runs(maps, points1, points2)
    sides1 = [_padded(points1, cut, rows1[0].stop, out.dtype) for cut in rows1]
    sides2 = [_padded(points2, cut, rows2[0].stop, out.dtype) for cut in rows2]
    maps = jax.tree.map(lambda a: jnp.asarray(a, out.dtype), maps)
    close = CLOSE[out.dtype] if gain is None else CLOSE_IF_AMPLIFIED
    doubt = 0.0
    one_block = compiled_block if all(m.compiled for m in maps) else block
    if one_block is compiled_block and gain is None and leaves_programs():
        one_block = _left_block

    def compute(i: int, j: int, cosines=plain_cosines) -> Block:
        return one_block(
            combine,
            maps,
            sides1[i],
            sides2[j],
            squares,
            cosines=cosines,
            diagonal=symmetric and i == j,
            close=close,
            gain=gain,
        )

    for (i, j), done in _one_ahead(places, compute):
        if bool(done.close):
            done = compute(i, j, careful_cosines)
        doubt = max(doubt, float(done.doubt))
        a, b = rows1[i], rows2[j]
        values = np.asarray(done.values)[..., : a.stop - a.start, : b.stop - b.start]
        if symmetric and i == j:  # exactly symmetric; the diagonal itself is the caller's
            lower = np.tril(values, -1)
            values = lower + np.swapaxes(lower, -1, -2)
        out[..., a, b] = values
        if symmetric and i != j:
            out[..., b, a] = np.swapaxes(values, -1, -2)
    return doubt


def _left_block(
    combine: Combine,
    *given: Any,
    cosines: Callable[..., Any],
    diagonal: bool,
    close: float,
    gain: float | None,
) -> Block:
    """`block` by the program that a process before left, or that is left to the next."""
    leaves, tree = jax.tree.flatten(given)
    shapes = tuple((leaf.shape, str(leaf.dtype)) for leaf in leaves)
    key = combine, cosines, diagonal, close, tree, shapes
    if key not in _left_blocks:

        def traced(arrays: Any) -> dict[str, Any]:
            ends = {"cosines": cosines, "diagonal": diagonal, "close": close, "gain": gain}
            return block(combine, *arrays, **ends)._asdict()

        words = "limit block", combine.__name__, cosines.__name__, diagonal, close
        _left_blocks[key] = left_program((*words, given), traced, given, {})
    return Block(**_left_blocks[key](given))


def in_runs(
    maps: tuple[AbstractPairMap, ...], points1: Points, points2: Points
) -> tuple[tuple[AbstractPairMap, ...], Points, Points]:
    """Maps and features with a leading axis of layers: of deep networks, runs of layers of one kind."""
    layers = list(zip(maps, points1.features, points2.features, strict=True))

    def kind(number: int) -> Any:
        leaves, structure = jax.tree.flatten(layers[number])
        return structure, tuple(leaf.shape for leaf in leaves)

    deep = is_deep(maps, len(maps))
    runs = [list(run) for _, run in groupby(range(len(maps)), kind if deep else None)]
    stacked = [
        jax.tree.map(lambda *leaves: np.stack(leaves), *(layers[i] for i in run)) for run in runs
    ]
    maps, features1, features2 = (tuple(part) for part in zip(*stacked, strict=True))
    return maps, points1._replace(features=features1), points2._replace(features=features2)


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
    missing = size - (cut.stop - cut.start)

    def pad(array: np.ndarray, axis: int) -> np.ndarray:
        rows = array[cut] if axis == 0 else array[:, cut]
        if missing:
            rows = np.pad(rows, [(0, missing if i == axis else 0) for i in range(array.ndim)])
        return rows.astype(dtype)

    middle = [pad(array, 1) for array in points[2:-1]]
    features = tuple(pad(array, 1) for array in points.features)
    return Points._make([pad(points.directions, 0), pad(points.remainders, 0), *middle, features])


def warn_of(doubt: float, gain: float, dtype: np.dtype, *, depth: int = 4) -> None:
    """Tell the caller `depth` frames up where amplified rounding leaves less than the accuracy promised."""
    if doubt > _PROMISED[dtype]:
        warnings.warn(
            f"This network amplifies the distance 1 - rho of nearly equal inputs by up to {gain:.2g}: "
            f"some correlations among these inputs are known to {doubt:.1g} only, because rounding of "
            "the inputs is amplified too. Equal inputs are not affected. See limit_amplification; "
            "fewer layers or a smaller weight_std amplify less.",
            AccuracyWarning,
            stacklevel=depth,
        )
