"""What is known of the points of both sides of a rectangle, one by one and pair by pair?

Pairs of points are one axis behind the positions of one point and (where all pairs of positions are needed)
those of the other: all pairs of a rectangle, or (banded) half of those of one set with itself.
"""

import math
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from lazyscope.limit.dual._dual import AbstractPairMap


class SlotSide(NamedTuple):
    """What one part needs to know of the points of one side, see `Slot`; in the kernel's precision.

    Attributes:
        variances: (*positions, n).
        seconds: (*positions, n).
        weights: (*positions, *positions, n).
        features: (positions, n, F) numbers for the pair map.
    """

    variances: Any
    seconds: Any
    weights: Any
    features: Any


class Side2(NamedTuple):
    """One side of a rectangle: points (n, *positions, channels), a number that equal points have in common,
    and a `SlotSide` for every slot.
    """

    x: Any
    alike: Any
    slots: tuple[SlotSide, ...]


class Numbers(NamedTuple):
    """What both sides share: squared standard deviations, and a pair map for every slot."""

    weights: Any
    biases: Any
    maps: tuple[AbstractPairMap | None, ...]


def across(one: Array, other: Array, *, pairs: bool, banded: bool = False) -> tuple[Array, Array]:
    """Numbers (*positions, n1) and (*positions, n2), each shaped to be combined with the other."""
    *positions, n = one.shape
    ones = (1,) * len(positions) if pairs else ()
    other = other.reshape(*ones, *other.shape)
    if banded:
        return one.reshape(*positions, *ones, 1, n), _turned(other)
    return one.reshape(*positions, *ones, n, 1), other[..., None, :]


def _turned(a: Array) -> Array:
    """(..., n) as (..., n // 2 + 1, n): number i + k, from the first again behind the last."""
    n = a.shape[-1]
    twice = jnp.concatenate([a, a], axis=-1)
    return jnp.stack([twice[..., k : k + n] for k in range(n // 2 + 1)], axis=-2)


def bands_of(square: Array) -> Array:
    """(..., n, n) as (..., n // 2 + 1, n): every i with i + k, from the first again behind the last.

    Every pair of different points is there once (those half of n apart twice), every point with itself once.
    """
    *leading, n, _ = square.shape
    twice = jnp.concatenate([square, square], axis=-1).reshape(*leading, -1)
    skewed = jnp.concatenate([twice, jnp.zeros_like(twice[..., :n])], axis=-1)
    return jnp.swapaxes(skewed.reshape(*leading, n, -1)[..., : n // 2 + 1], -1, -2)


def square_of(bands: np.ndarray) -> np.ndarray:
    """(..., n, n), symmetric to the bit, from `bands_of` it."""
    *leading, _, n = bands.shape
    out = np.empty((*leading, n, n), bands.dtype)
    for k in range(n // 2 + 1):
        first = np.arange(n if 2 * k < n else k)  # those half of n apart are there twice
        second = (first + k) % n
        out[..., first, second] = out[..., second, first] = bands[..., k, : len(first)]
    return out


def products(one: Array, other: Array, **layout: bool) -> Array:
    """The product of a number of either point for every pair of points."""
    a, b = across(one, other, **layout)
    product = a * b
    return product.reshape(*product.shape[:-2], -1)


def written_out(one: Array, other: Array, **layout: bool) -> tuple[Array, Array]:
    """The number of either point for every pair of points, over the own positions of each."""
    a, b = across(one, other, **layout)
    last = jnp.broadcast_shapes(a.shape[-2:], b.shape[-2:])
    both = (jnp.broadcast_to(c, (*c.shape[:-2], *last)) for c in (a, b))
    a, b = (c.reshape(*c.shape[:-2], -1) for c in both)
    return a, b


def same_pairs(
    points: tuple[Any, Any], positions: tuple[int, ...], *, pairs: bool, banded: bool
) -> Array:
    """Where both sides are the same position of equal points."""
    one, other = across(*points, pairs=False, banded=banded)
    same = (one == other).reshape(-1)
    if not (positions and pairs):
        return same
    equal = np.eye(math.prod(positions), dtype=bool).reshape(*positions, *positions, 1)
    return jnp.asarray(equal) & same
