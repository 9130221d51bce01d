"""What is the kernel of an infinitely wide network on a few of many points, block by block when asked?

A kernel of more points than fit into memory is never whole. What belongs to single points is prepared
once, n numbers a layer; a block of pairs is then one compiled program, as in the assembly of whole kernels.
"""

from typing import Any, Literal, TypeAlias, Unpack, final

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, Float, Real

from lazyscope._checks import check_choice
from lazyscope._jax import own_settings
from lazyscope.limit._amplification import largest_gain, needs_care
from lazyscope.limit._assembly import compiled_block, in_runs, warn_of
from lazyscope.limit._inputs import as_inputs, check_match
from lazyscope.limit._network import LimitNetwork, NetworkArguments, limit_network, showing_network
from lazyscope.limit._recursion import (
    CLOSE,
    CLOSE_IF_AMPLIFIED,
    Combine,
    block,
    careful_cosines,
    covariance,
    plain_cosines,
    tangent,
)
from lazyscope.limit._variances import Points, pair_maps, single_points

Rows: TypeAlias = slice | np.ndarray
"""Which points: a slice with both ends, or their numbers."""

LimitKernelName: TypeAlias = Literal["tangent", "covariance"]
"""The tangent kernel Theta, or the covariance Q of the outputs (NNGP)."""

_COMBINE: dict[str, Combine] = {"tangent": tangent, "covariance": covariance}
_AT_ONCE = 8192


@final
class LimitKernelBlocks:
    """A limit kernel of which any block can be computed; see `limit_kernel_blocks`.

    Blocks may be computed by several threads at once, and the object can be sent to other processes.
    """

    def __init__(
        self, combine: Combine, network: LimitNetwork, x1: np.ndarray, x2: np.ndarray | None
    ) -> None:
        self._combine = combine
        self._squares = network.weight_stds**2
        self.standard_deviations: np.ndarray = np.stack([network.weight_stds, network.bias_stds])
        """Those of the weights and of the biases of every layer, (2, L+1)."""
        self.dtype: np.dtype = x1.dtype
        """Precision of the blocks, that of the inputs."""
        slopes = combine is not covariance
        with own_settings():
            sides = [_points(network, x, slopes) for x in ((x1,) if x2 is None else (x1, x2))]
            gain = max(largest_gain(network, points) for points in sides)
            amplified = any(needs_care(network, points, gain) for points in sides)
            self._working = np.dtype(np.float64) if amplified else x1.dtype
            if self._working != x1.dtype:
                given = (x1,) if x2 is None else (x1, x2)
                sides = [_points(network, x.astype(np.float64), slopes) for x in given]
            left, right = sides[0], sides[-1]
            self._gain = gain if amplified else None
            maps, left, right = pair_maps(network, left, right, careful=amplified)
            self._diagonal: np.ndarray = np.asarray(
                combine(list(left.variances), list(left.slopes), self._squares)
            )
            maps, left, right = in_runs(maps, left, right)
        self._maps = jax.tree.map(lambda a: np.asarray(a, self._working), maps)
        self._left = _narrowed(left, self._working)
        self._right = None if x2 is None else _narrowed(right, self._working)
        self.shape: tuple[int, int] = (len(x1), len(x1) if x2 is None else len(x2))
        """Numbers of points of both sides."""

    @property
    def diagonal(self) -> Float[np.ndarray, " n1"]:
        """The kernel of every point of the first set with itself."""
        return self._diagonal.astype(self.dtype)

    def block(self, rows: Rows, columns: Rows) -> Float[np.ndarray, "rows columns"]:
        """The kernel between points `rows` of the first set and points `columns` of the second.

        Of one set with itself, the block of a slice with itself is symmetric to the bit. Warns
        (`AccuracyWarning`) as `limit_tangent_kernel` does where a chaotic network amplifies rounding.
        """
        same = self._right is None and _is_same(rows, columns)
        right = self._left if self._right is None else self._right
        with own_settings():
            given = (
                self._combine,
                jax.tree.map(lambda a: jnp.asarray(a, self._working), self._maps),
                _taken(self._left, rows),
                _taken(right, columns),
                self._squares.astype(self._working),
            )
            close = CLOSE[self._working] if self._gain is None else CLOSE_IF_AMPLIFIED
            one = compiled_block if all(m.compiled for m in self._maps) else block
            ends: dict[str, Any] = {"diagonal": same, "close": close, "gain": self._gain}
            done = one(*given, cosines=plain_cosines, **ends)
            if bool(done.close):
                done = one(*given, cosines=careful_cosines, **ends)
            if self._gain is not None:
                warn_of(float(done.doubt), self._gain, self.dtype, depth=3)
            values = np.asarray(done.values)[: _count(rows), : _count(columns)]
            values = values.astype(self.dtype, copy=False)
        if same:
            lower = np.tril(values, -1)
            values = lower + lower.T
            np.fill_diagonal(values, self._diagonal[rows])
        return values


@showing_network
def limit_kernel_blocks(
    x1: Real[ArrayLike, "n1 d"],
    x2: Real[ArrayLike, "n2 d"] | None = None,
    *,
    kernel: LimitKernelName = "tangent",
    **network: Unpack[NetworkArguments],
) -> LimitKernelBlocks:
    """A kernel of an infinitely wide network of which blocks are computed when they are asked for.

    Definition, precision and refusals are those of `limit_tangent_kernel` and `limit_covariance_kernel`.

    Args:
        x1: n1 inputs.
        x2: n2 inputs; None means x1.
        kernel: ``"tangent"`` or ``"covariance"``.
        depth: number of hidden layers.
        activation: as in `limit_tangent_kernel`.
        weight_std: as there.
        bias_std: as there.
        readout_weight_std: as there.
        readout_bias_std: as there.

    Cost: n (d + depth) numbers held; a block as `limit_tangent_kernel` of its points.

    Example:
        >>> x = np.array([[1.0, 0.0], [0.0, 1.0]])
        >>> blocks = limit_kernel_blocks(x, depth=1, activation="relu", weight_std=2**0.5)
        >>> blocks.block(slice(0, 1), slice(1, 2)).round(12).tolist(), blocks.diagonal.round(12).tolist()
        ([[0.318309886184]], [2.0, 2.0])
    """
    check_choice("kernel", kernel, tuple(_COMBINE))
    described = limit_network(**network)
    x1 = as_inputs("x1", x1)
    if x2 is not None:
        x2 = as_inputs("x2", x2)
        check_match(x1, x2)
        x2 = x2.astype(x1.dtype)
    return LimitKernelBlocks(_COMBINE[kernel], described, x1, x2)


def _points(network: LimitNetwork, x: np.ndarray, slopes: bool) -> Points:
    """`single_points` of many inputs, without copies of all of them in double precision."""
    parts = [
        single_points(network, x[start : start + _AT_ONCE], slopes)
        for start in range(0, len(x), _AT_ONCE)
    ]
    if len(parts) == 1:
        return parts[0]
    middle = [
        np.concatenate(arrays, axis=1) for arrays in zip(*(p[2:-1] for p in parts), strict=True)
    ]
    first = [np.concatenate(arrays) for arrays in zip(*(p[:2] for p in parts), strict=True)]
    return Points._make([*first, *middle, ()])


def _narrowed(points: Points, dtype: np.dtype) -> Points:
    return jax.tree.map(lambda array: np.asarray(array, dtype), points)


def _taken(points: Points, rows: Rows) -> Points:
    """Some of the points, filled up to one of few sizes, so that few programs are compiled.

    Features have a leading axis of layers, as everything but directions has.
    """
    missing = _filled(_count(rows)) - _count(rows)

    def pad(array: np.ndarray, axis: int) -> np.ndarray:
        if not missing:
            return array
        return np.pad(array, [(0, missing if i == axis else 0) for i in range(array.ndim)])

    middle = [pad(array[:, rows], 1) for array in points[2:-1]]
    features = tuple(pad(array[:, rows], 1) for array in points.features)
    first = pad(points.directions[rows], 0), pad(points.remainders[rows], 0)
    return Points._make([*first, *middle, features])


def _count(rows: Rows) -> int:
    return rows.stop - rows.start if isinstance(rows, slice) else len(rows)


def _filled(count: int) -> int:
    """The next power of two, or multiple of 64."""
    return -(-count // 64) * 64 if count > 64 else 1 << max(3, (count - 1).bit_length())


def _is_same(rows: Rows, columns: Rows) -> bool:
    if isinstance(rows, slice) and isinstance(columns, slice):
        return rows == columns
    return False
