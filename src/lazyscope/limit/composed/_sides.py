"""What is known of the points of both sides of a rectangle, one by one and pair by pair?

Pairs of points are one axis behind the positions of one point and (where all pairs of positions are needed)
those of the other.
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


def across(one: Array, other: Array, *, pairs: bool) -> tuple[Array, Array]:
    """Numbers (*positions, n1) and (*positions, n2), each shaped to be combined with the other."""
    *positions, _ = one.shape
    ones = (1,) * len(positions) if pairs else ()
    return one.reshape(*positions, *ones, -1, 1), other.reshape(*ones, *positions, 1, -1)


def products(one: Array, other: Array, *, pairs: bool) -> Array:
    """The product of a number of either point for every pair of points."""
    a, b = across(one, other, pairs=pairs)
    product = a * b
    return product.reshape(*product.shape[:-2], -1)


def written_out(one: Array, other: Array, *, pairs: bool) -> tuple[Array, Array]:
    """The number of either point for every pair of points, over the own positions of each."""
    a, b = across(one, other, pairs=pairs)
    n1, n2 = a.shape[-2], b.shape[-1]
    a = jnp.broadcast_to(a, (*a.shape[:-2], n1, n2))
    b = jnp.broadcast_to(b, (*b.shape[:-2], n1, n2))
    return a.reshape(*a.shape[:-2], -1), b.reshape(*b.shape[:-2], -1)


def same_pairs(points: tuple[Any, Any], positions: tuple[int, ...], *, pairs: bool) -> Array:
    """Where both sides are the same position of equal points."""
    one, other = points
    same = (one[:, None] == other[None, :]).reshape(-1)
    if not (positions and pairs):
        return same
    equal = np.eye(math.prod(positions), dtype=bool).reshape(*positions, *positions, 1)
    return jnp.asarray(equal) & same
