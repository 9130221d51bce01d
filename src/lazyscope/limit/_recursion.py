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
from jaxtyping import Array

from lazyscope.limit._variances import Points
from lazyscope.limit.dual._dual import AbstractPairMap, Pairs, Side, settled

Combine = Callable[[list, list, Any], Any]
"""(covariances of L+1 layers, slope products of L layers, squared weight stds) -> kernel."""

CLOSE = {np.dtype(np.float32): 1e-3, np.dtype(np.float64): 1e-6}
"""1 - |cosine| below which rounding of the matrix product would show in the angle."""

_EQUAL = 1e-15

_UNROLLED = 8
"""Hidden layers up to which one program, whose layers the compiler fuses, is faster than a loop."""

CLOSE_IF_AMPLIFIED = 1e-2
"""The same where a network amplifies the rounding of the matrix product."""


class Block(NamedTuple):
    """Kernel values, whether some pair off the diagonal was too close, and amplified rounding."""

    values: Array
    close: Array
    doubt: Array


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
    cosines: "Cosines",
    diagonal: bool,
    close: float,
    gain: Any,
) -> Block:
    """The kernel between `rows` and `columns`; on a `diagonal` block both are the same points.

    Maps and features hold a leading axis of layers; those of more than one layer make a loop.
    `close` is the distance 1 - |cosine| below which pairs count as close, `gain` the factor by which
    the network amplifies it, None where that is harmless.
    """
    gap, total = cosines(rows, columns)
    if diagonal:
        same = jnp.eye(gap.shape[0], dtype=bool)
        gap, total = jnp.where(same, 0.0, gap), jnp.where(same, 2.0, total)
        near = jnp.where(same, 1.0, jnp.minimum(gap, total))
    else:
        near = jnp.minimum(gap, total)
    whole = _looped if is_deep(maps, rows.variances.shape[0] - 1) else _unrolled
    exact = cosines is careful_cosines
    values = whole(combine, maps, rows, columns, weight_squares, gap, total, exact=exact)
    doubt = jnp.zeros(()) if gain is None else _doubt(rows, columns, near, gain)
    return Block(values, jnp.any(near < close), doubt)


def is_deep(maps: tuple[AbstractPairMap, ...], depth: int) -> bool:
    """Whether layers are computed by loops: where one program would become long."""
    return depth > _UNROLLED and all(one.compiled for one in maps)


def _unrolled(combine, maps, rows, columns, weight_squares, gap, total, *, exact) -> Array:
    """Layer after layer in one program, which the compiler fuses."""
    covariances, slopes = [], []
    for layer in range(rows.variances.shape[0]):
        left, right = (_layer(points, layer) for points in (rows, columns))
        gap, total, value = _affine(left, right, gap, total, exact=exact)
        covariances.append(value)
        if layer < len(maps):
            features = rows.features[layer][0], columns.features[layer][0]
            one = jax.tree.map(lambda a: a[0], maps[layer])
            sides = _sides(left, right, *features)
            gap, total, slope = _mapped(one, sides, gap, total, exact=exact)
            slopes.append(slope)
    return combine(covariances, slopes, weight_squares)


def _looped(combine, maps, rows, columns, weight_squares, gap, total, *, exact) -> Array:
    """A loop over every run of layers of one kind: work and program that grow like the depth.

    One program of many layers would recompute each from the first, two to the power of the depth.
    """
    kept = combine is tangent_by_layer

    def advance(carry: tuple, left: "_Layer", right: "_Layer") -> tuple:
        gap, total, step, value = carry
        gap, total, new = _affine(left, right, gap, total, exact=exact)
        return gap, total, new, new if combine is covariance else new + step * value

    def one(carry: tuple, layer: tuple) -> tuple[tuple, Any]:
        one_map, left, right, features1, features2, square = layer
        gap, total, new, value = advance(carry, left, right)
        sides = _sides(left, right, features1, features2)
        gap, total, slope = _mapped(one_map, sides, gap, total, exact=exact)
        return (gap, total, square * slope, value), (new, carry[2]) if kept else None

    zero = jnp.zeros_like(gap)
    carry, first, shares = (gap, total, zero, zero), 0, []
    for one_map, features1, features2 in zip(maps, rows.features, columns.features, strict=True):
        some = slice(first, first + features1.shape[0])
        sides = (_layer(points, some) for points in (rows, columns))
        first = some.stop
        layers = one_map, *sides, features1, features2, weight_squares[some.start + 1 : first + 1]
        carry, share = jax.lax.scan(one, jax.lax.optimization_barrier(carry), layers)
        shares.append(share)
    _, _, last, value = advance(carry, _layer(rows, first), _layer(columns, first))
    if not kept:
        return value
    values = jnp.concatenate([*(share[0] for share in shares), last[None]])
    steps = jnp.concatenate([*(share[1] for share in shares), carry[2][None]])
    later = jnp.concatenate([steps[1:], jnp.ones_like(last)[None]])
    return values * jax.lax.cumprod(later, reverse=True)


Cosines = Callable[[Points, Points], tuple[Array, Array]]
"""1 - cos and 1 + cos of all pairs of points."""


def plain_cosines(rows: Points, columns: Points) -> tuple[Array, Array]:
    """1 - cos and 1 + cos of all pairs of unit vectors, by one matrix product."""
    u, v = rows.directions, columns.directions
    cosine = jnp.clip(jnp.matmul(u, v.T, precision="highest"), -1.0, 1.0)
    return 1.0 - cosine, 1.0 + cosine


def careful_cosines(rows: Points, columns: Points) -> tuple[Array, Array]:
    """The same to full accuracy: single precision by a double product, double by differences.

    Differences count what rounding took from the directions, so that they are right to the last bit.
    """
    u, v = rows.directions, columns.directions
    if u.dtype == jnp.float32:
        a, b = u.astype(jnp.float64), v.astype(jnp.float64)
        sizes = jnp.sum(a * a, axis=1)[:, None] + jnp.sum(b * b, axis=1)[None, :]
        twice = 2.0 * jnp.matmul(a, b.T, precision="highest")
        gap, total = (0.5 * (sizes + s * twice) for s in (-1.0, 1.0))
        # equal directions: others are at least one rounding of single precision apart
        gap, total = (jnp.where(v > _EQUAL, v, 0.0) for v in (gap, total))
        return gap.astype(u.dtype), total.astype(u.dtype)
    w = columns.remainders

    def row_of(one: tuple[Array, Array]) -> tuple[Array, Array]:
        apart, along = (one[0] - v) + (one[1] - w), (one[0] + v) + (one[1] + w)
        return 0.5 * jnp.sum(apart**2, axis=1), 0.5 * jnp.sum(along**2, axis=1)

    gap, total = jax.lax.map(row_of, (u, rows.remainders))
    return jnp.minimum(gap, 2.0), jnp.minimum(total, 2.0)


class _Layer(NamedTuple):
    """What one layer knows of one side's points: (n,) each, or (layers, n)."""

    variance: Array
    second: Array
    weight_part: Array
    bias_part: Array


def _layer(points: Points, layer: int | slice) -> _Layer:
    hidden = isinstance(layer, slice) or layer < points.seconds.shape[0]
    second = points.seconds[layer] if hidden else points.variances[layer]
    parts = points.weight_parts[layer], points.bias_parts[layer]
    return _Layer(points.variances[layer], second, *parts)


def _mapped(
    one: AbstractPairMap, sides: tuple[Side, Side], gap: Array, total: Array, *, exact: bool
) -> Pairs:
    """What the nonlinearity does; where `exact`, equal inputs stay equal to the bit."""
    found = one.pairs(*sides, gap, total)
    return settled(one, *sides, gap, total, found) if exact else found


def _affine(
    left: _Layer, right: _Layer, gap: Array, total: Array, *, exact: bool
) -> tuple[Array, Array, Array]:
    """Weights and bias: rho -> c1 c2 rho + b1 b2 where c^2 + b^2 = 1; and the covariance."""
    c1, c2 = left.weight_part[:, None], right.weight_part[None, :]
    b1, b2 = left.bias_part[:, None], right.bias_part[None, :]
    turn = 0.5 * ((c1 - c2) ** 2 + (b1 - b2) ** 2)
    gap, total = c1 * c2 * gap + turn, c1 * c2 * total + (turn + 2.0 * b1 * b2)
    q1, q2 = left.variance[:, None], right.variance[None, :]
    scale = jnp.sqrt(q1) * jnp.sqrt(q2)
    if exact:
        scale = jnp.where(q1 == q2, q1, scale)
    return gap, total, scale * (1.0 - gap)


def _sides(left: _Layer, right: _Layer, features1: Array, features2: Array) -> tuple[Side, Side]:
    """Both sides as columns and rows."""
    a, b = (
        (side.variance, jnp.sqrt(side.variance), jnp.sqrt(side.second)) for side in (left, right)
    )
    return (
        Side(a[0][:, None], a[1][:, None], a[2][:, None], features1),
        Side(b[0][None, :], b[1][None, :], b[2][None, :], features2),
    )


def _doubt(rows: Points, columns: Points, near: Array, gain: Any) -> Array:
    """Amplified rounding eps min(1 / d, gain d), largest over pairs; d is in angle and log of norms.

    Rounding of an input by eps moves the other at d by 2 eps d in d^2; the network multiplies that by
    `gain`, until inputs have become independent, when d^2 gain is one.
    """
    q1, q2 = rows.variances[0][:, None], columns.variances[0][None, :]
    known = (q1 > 0) & (q2 > 0)
    ratio = jnp.where(known, q1, 1.0) / jnp.where(known, q2, 1.0)
    distance = jnp.sqrt(near + 0.125 * jnp.log(ratio) ** 2)
    safe = jnp.where(known & (distance > 0), distance, 1.0)
    grown = jnp.where(distance > 0, jnp.minimum(1.0 / safe, gain * distance), 0.0)
    return jnp.finfo(distance.dtype).eps * jnp.max(jnp.where(known, grown, 0.0))
