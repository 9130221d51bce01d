"""What do convolutions and poolings make of covariances between positions?

Arrays have the positions of one point, then (for all pairs) those of the other, then the points.
Large windows are summed axis by axis: k_1 + ... + k_d additions in place of their product.
"""

import math
from itertools import product
from typing import Any

import jax
import numpy as np

from lazyscope.model.composed import Window, padded_positions

_DIRECT = 9
"""Taps up to which one sum over all of them is faster than sums axis by axis."""


def convolved(x: Any, window: Window, *, pairs: bool) -> Any:
    """Mean over the window of covariances whose two positions move together."""
    axes = len(window.sizes)
    places = [[axis, axes + axis] if pairs else [axis] for axis in range(axes)]
    if window.count > _DIRECT:
        for axis in range(axes):
            x = _summed(x, window, axis, places[axis])
        return x / window.count
    positions = [x.shape[place[0]] for place in places]
    x = _written(padded_positions(_written(x), window, places, positions))
    left, total = window.out(tuple(positions)), None
    for tap in product(*(range(size) for size in window.sizes)):
        cut = [slice(None)] * x.ndim
        for axis, start in enumerate(tap):
            stride = window.strides[axis]
            for place in places[axis]:
                cut[place] = slice(start, start + stride * (left[axis] - 1) + 1, stride)
        total = x[tuple(cut)] if total is None else total + x[tuple(cut)]
    return total / window.count  # pyright: ignore[reportOptionalOperand]


def _written(x: Any) -> Any:
    """The array written out, so that a sum does not compute what it adds once for every tap."""
    return x if isinstance(x, np.ndarray) else jax.lax.optimization_barrier(x)


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
    x = _written(padded_positions(_written(x), window, padding, lengths))
    left = (x.shape[places[0]] - size) // stride + 1
    total = None
    for tap in range(size):
        cut = [slice(None)] * x.ndim
        for place in places:
            cut[place] = slice(tap, tap + stride * (left - 1) + 1, stride)
        total = x[tuple(cut)] if total is None else total + x[tuple(cut)]
    return total
