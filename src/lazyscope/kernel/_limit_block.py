"""What is the kernel on one rectangular block of pairs of points?

One compiled program per block shape: a matrix product for the cosines of the inputs, then every
layer entry by entry. Correlations are carried as ``gap = 1 - rho`` and ``total = 1 + rho``; both
steps of a layer map them by sums of terms that are not negative, so nothing cancels.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lazyscope.kernel._limit_maps import AbstractPairMap, Side
from lazyscope.kernel._limit_points import Points

Combine = Callable[[list, list, Any], Any]
"""(covariances of L+1 layers, slope products of L layers, squared weight stds) -> kernel."""

_CLOSE = {np.dtype(np.float32): 1e-3, np.dtype(np.float64): 1e-6}
"""1 - |cosine| below which rounding of the matrix product would show in the angle."""


class Block(NamedTuple):
    """Kernel values, and whether some pair off the diagonal was too close for plain cosines."""

    values: Array
    close: Array


def tangent(covariances: list, slopes: list, weight_squares: Any) -> Any:
    """Theta_{l+1} = Sigma_{l+1} + w_{l+1}^2 E sigma' sigma' Theta_l, from Theta_1 = Sigma_1."""
    total = covariances[0]
    for layer, slope in enumerate(slopes, start=1):
        total = covariances[layer] + weight_squares[layer] * slope * total
    return total


def covariance(covariances: list, slopes: list, weight_squares: Any) -> Any:
    """Sigma_{L+1}, the covariance of the outputs."""
    del slopes, weight_squares
    return covariances[-1]


def tangent_by_layer(covariances: list, slopes: list, weight_squares: Any) -> Any:
    """Each layer's share Sigma_l prod_{j >= l} w_{j+1}^2 E sigma'_j sigma'_j of the tangent kernel."""
    shares, product = [covariances[-1]], None
    for layer in range(len(slopes) - 1, -1, -1):
        step = weight_squares[layer + 1] * slopes[layer]
        product = step if product is None else product * step
        shares.append(covariances[layer] * product)
    return jnp.stack(shares[::-1]) if isinstance(shares[0], Array) else np.stack(shares[::-1])


def block(
    combine: Combine,
    maps: tuple[AbstractPairMap, ...],
    rows: Points,
    columns: Points,
    weight_squares: Any,
    *,
    cosines: Callable[[Array, Array], tuple[Array, Array]],
    diagonal: bool,
) -> Block:
    """The kernel between `rows` and `columns`; on a `diagonal` block both are the same points."""
    gap, total = cosines(rows.directions, columns.directions)
    if diagonal:
        same = jnp.eye(gap.shape[0], dtype=bool)
        gap, total = jnp.where(same, 0.0, gap), jnp.where(same, 2.0, total)
        near = jnp.where(same, 1.0, jnp.minimum(gap, total))
    else:
        near = jnp.minimum(gap, total)
    covariances, slopes = [], []
    for layer in range(rows.variances.shape[0]):
        gap, total = _affine(rows, columns, layer, gap, total)
        left, right = _side(rows, layer), _side(columns, layer)
        left = jax.tree.map(lambda a: a[:, None], left)
        right = jax.tree.map(lambda a: a[None, :], right)
        covariances.append(left.deviation * right.deviation * (1.0 - gap))
        if layer < len(maps):
            features = rows.features[layer], columns.features[layer]
            left, right = (
                side._replace(features=f) for side, f in zip((left, right), features, strict=True)
            )
            gap, total, slope = maps[layer].pairs(left, right, gap, total)
            slopes.append(slope)
    values = combine(covariances, slopes, weight_squares)
    return Block(values, jnp.any(near < _CLOSE[np.dtype(near.dtype)]))


def plain_cosines(u: Float[Array, "n1 d"], v: Float[Array, "n2 d"]) -> tuple[Array, Array]:
    """1 - cos and 1 + cos of all pairs of unit vectors, by one matrix product."""
    cosine = jnp.clip(jnp.matmul(u, v.T, precision="highest"), -1.0, 1.0)
    return 1.0 - cosine, 1.0 + cosine


def careful_cosines(u: Float[Array, "n1 d"], v: Float[Array, "n2 d"]) -> tuple[Array, Array]:
    """The same to full relative accuracy: single precision by a double product, double by differences."""
    if u.dtype == jnp.float32:
        a, b = u.astype(jnp.float64), v.astype(jnp.float64)
        sizes = jnp.sum(a * a, axis=1)[:, None] + jnp.sum(b * b, axis=1)[None, :]
        twice = 2.0 * jnp.matmul(a, b.T, precision="highest")
        gap, total = (jnp.maximum(0.5 * (sizes + s * twice), 0.0) for s in (-1.0, 1.0))
        return gap.astype(u.dtype), total.astype(u.dtype)

    def row_of(one: Array) -> tuple[Array, Array]:
        return 0.5 * jnp.sum((one - v) ** 2, axis=1), 0.5 * jnp.sum((one + v) ** 2, axis=1)

    gap, total = jax.lax.map(row_of, u)
    return jnp.minimum(gap, 2.0), jnp.minimum(total, 2.0)


def _affine(rows: Points, columns: Points, layer: int, gap: Array, total: Array) -> tuple:
    """Weights and bias: rho -> c1 c2 rho + b1 b2 where c^2 + b^2 = 1 for each point."""
    c1, c2 = rows.weight_parts[layer][:, None], columns.weight_parts[layer][None, :]
    b1, b2 = rows.bias_parts[layer][:, None], columns.bias_parts[layer][None, :]
    turn = 0.5 * ((c1 - c2) ** 2 + (b1 - b2) ** 2)
    return c1 * c2 * gap + turn, c1 * c2 * total + (turn + 2.0 * b1 * b2)


def _side(points: Points, layer: int) -> Side:
    hidden = layer < points.seconds.shape[0]
    q = points.variances[layer]
    second = points.seconds[layer] if hidden else q
    return Side(q, jnp.sqrt(q), jnp.sqrt(second), q)
