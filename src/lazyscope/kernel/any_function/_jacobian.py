"""What is the share of an array whose gradients are taken by differentiation?"""

import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from lazyscope.kernel.any_function._plan import IN_CACHE
from lazyscope.kernel.orders._rows import Rows, in_rows, inner_products, sum_of_rows


def from_jacobian(left: jax.Array, right: jax.Array | None, edges: Sequence[int]) -> Rows:
    """The share of a parameter from its Jacobian (n, C, ...), a chunk of entries at a time."""
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
        return in_rows(inner_products, mine, other, edges)

    chunks = entries // width
    total = rows(0) if chunks == 1 else sum_of_rows(rows, jnp.arange(chunks) * width)
    rest = entries - chunks * width
    return tuple(map(jnp.add, total, rows(entries - rest, rest))) if rest else total
