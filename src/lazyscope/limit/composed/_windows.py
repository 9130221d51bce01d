"""What do convolutions and poolings make of covariances between positions?

Arrays have the positions of one point, then (for all pairs) those of the other, then the points. Windows
are summed axis by axis: k_1 + ... + k_d additions in place of their product.
"""

import math
from typing import Any

import jax.numpy as jnp
import numpy as np

from lazyscope.model.composed import Window, padded_positions


def convolved(x: Any, window: Window, *, pairs: bool) -> Any:
    """Mean over the window of covariances whose two positions move together."""
    axes = len(window.sizes)
    for axis in range(axes):
        places = [axis, axes + axis] if pairs else [axis]
        x = _summed(x, window, axis, places)
    return x / window.count


def pooled(x: Any, window: Window, *, mean: bool) -> Any:
    """Sum or mean over the windows of either position, for covariances of all pairs."""
    axes = len(window.sizes)
    for axis in range(axes):
        for place in (axis, axes + axis):
            x = _summed(x, window, axis, [place])
    return x / window.count**2 if mean else x


def equal_positions(x: Any, axes: int) -> Any:
    """Covariances of equal positions, from those of all pairs."""
    if not axes:
        return x
    positions = x.shape[:axes]
    count = math.prod(positions)
    flat = x.reshape(count, count, *x.shape[2 * axes :])
    where = np.arange(count)
    return flat[where, where].reshape(*positions, *x.shape[2 * axes :])


def _summed(x: Any, window: Window, axis: int, places: list[int]) -> Any:
    """Sum over one axis of the window, along which all `places` of x move together."""
    size, stride, length = window.sizes[axis], window.strides[axis], x.shape[places[0]]
    if size == stride == 1:
        return x
    padding = [[] for _ in window.sizes]
    padding[axis] = places
    lengths = [length] * len(window.sizes)
    x = padded_positions(x, window, padding, lengths)
    left = (x.shape[places[0]] - size) // stride + 1
    total = None
    for tap in range(size):
        cut = [slice(None)] * x.ndim
        for place in places:
            cut[place] = slice(tap, tap + stride * (left - 1) + 1, stride)
        total = x[tuple(cut)] if total is None else total + x[tuple(cut)]
    return total


def as_sides(q: Any, axes: int, *, pairs: bool, left: bool) -> Any:
    """Numbers (*positions, n) of points, shaped to be combined with those of the other side.

    Left ones become (*positions, [1...], n, 1), right ones ([1...], *positions, 1, n).
    """
    positions, points = q.shape[:axes], q.shape[axes]
    ones = (1,) * axes if pairs else ()
    where = (*positions, *ones) if left else (*ones, *positions)
    return jnp.reshape(q, (*where, points, 1) if left else (*where, 1, points))
