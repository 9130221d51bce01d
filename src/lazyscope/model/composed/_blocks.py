"""What do the parts of a composed network compute at a width?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, final

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lazyscope._types import Key
from lazyscope.model.blocks import (
    AbstractBlock,
    AbstractFixedLinear,
    Activate,
    Drawn,
    Layer,
    affine,
    mean_square,
)
from lazyscope.model.composed._window import Window


@final
@dataclass(frozen=True)
class Weights(AbstractBlock):
    """W (patch(x), bias feature) at every position; without a window the patch is the position.

    Attributes:
        layer: what is drawn, (fan_out, fan_in) with one more column for a bias.
        bias_feature: the constant that stands beside every patch; zero for none.
        window: positions that are seen.
    """

    layer: Drawn
    bias_feature: float
    window: Window | None = None

    @property
    def drawn(self) -> tuple[Drawn, ...]:
        """One matrix."""
        return (self.layer,)

    def size(self, alpha: Sequence[Any], before: Any) -> Any:
        """Size of the input times alpha."""
        return before * alpha[0]

    def apply(self, params: Sequence[Layer], x: Float[Array, "n ..."]) -> Float[Array, "n ..."]:
        """W times what every position sees."""
        seen = x if self.window is None else window_patches(x, self.window)
        if self.bias_feature:
            constant = jnp.full((*seen.shape[:-1], 1), self.bias_feature, seen.dtype)
            seen = jnp.concatenate([seen, constant], axis=-1)
        return affine(params[0], seen)


@final
@dataclass(frozen=True)
class WindowPool(AbstractFixedLinear):
    """Sums over windows times a factor."""

    window: Window
    factor: float

    def apply(self, params: Sequence[Any], x: Float[Array, "n ..."]) -> Float[Array, "n ..."]:
        """The pooled signal."""
        return self.factor * jnp.sum(jnp.stack(window_views(x, self.window, first=1)), axis=0)


@final
@dataclass(frozen=True)
class FlattenPositions(AbstractFixedLinear):
    """All positions side by side as channels."""

    def apply(self, params: Sequence[Any], x: Float[Array, "n ..."]) -> Float[Array, "n k"]:
        """One row for each point."""
        return x.reshape(x.shape[0], -1)


@final
@dataclass(frozen=True)
class NormaliseChannels(AbstractBlock):
    """Mean removed and divided by the standard deviation, without parameters.

    Attributes:
        width: m.
        over_all: over positions as well.
        epsilon: added to the variance.
    """

    width: int
    over_all: bool
    epsilon: float

    def size(self, alpha: Sequence[Any], before: Any) -> Any:
        """The root of m, whatever came in: every channel has size one."""
        return math.sqrt(self.width)

    def apply(self, params: Sequence[Any], x: Float[Array, "n ..."]) -> Float[Array, "n ..."]:
        """The normalised signal."""
        axes = tuple(range(1, x.ndim)) if self.over_all else -1
        u = x - x.mean(axis=axes, keepdims=True)
        return u / jnp.sqrt(jnp.mean(u**2, axis=axes, keepdims=True) + self.epsilon)


@final
@dataclass(frozen=True, eq=False)
class DropEntries(AbstractBlock):
    """Entries kept with a probability and divided by it; all of them without a key."""

    keep: float
    key: Key | None

    def apply(self, params: Sequence[Any], x: Float[Array, "n ..."]) -> Float[Array, "n ..."]:
        """The signal with masks that the key decides."""
        if self.key is None:
            return x
        return jnp.where(jax.random.bernoulli(self.key, self.keep, x.shape), x / self.keep, 0.0)


@final
@dataclass(frozen=True)
class GatherLinear(AbstractBlock):
    """Softmax of <key, key> / m times the values, one head; `key` and `value` and `output` are drawn."""

    layers: tuple[Drawn, ...]
    bias_feature: float

    @property
    def drawn(self) -> tuple[Drawn, ...]:
        """Key, value, output."""
        return self.layers

    def size(self, alpha: Sequence[Any], before: Any) -> Any:
        """alpha_V alpha_O times the size of the input."""
        return before * alpha[1] * alpha[2]

    def leverage(self, alpha: Sequence[Any], before: Any) -> tuple[Any, ...]:
        """Scores of the limit are fixed: the leverage of keys vanishes like one over the root of m."""
        width = self.layers[0].shape[0]
        return (1.0 / math.sqrt(width), 1.0, 1.0)

    def apply(self, params: Sequence[Layer], x: Float[Array, "n ..."]) -> Float[Array, "n ..."]:
        """What every position gathers."""
        rows = x.reshape(x.shape[0], -1, x.shape[-1])
        keys, values = affine(params[0], rows), affine(params[1], rows)
        scores = jnp.einsum("npk,nqk->npq", keys, keys) / keys.shape[-1]
        seen = jnp.einsum("npq,nqv->npv", jax.nn.softmax(scores, axis=-1), values)
        return _put_out(params[2], seen, self.bias_feature, x)


@final
@dataclass(frozen=True)
class GatherRoot(AbstractBlock):
    """Products of queries and keys times the values, m heads of length one, without a softmax."""

    layers: tuple[Drawn, ...]
    bias_feature: float

    @property
    def drawn(self) -> tuple[Drawn, ...]:
        """Query, key, value, output."""
        return self.layers

    def size(self, alpha: Sequence[Any], before: Any) -> Any:
        """alpha_Q alpha_K alpha_V alpha_O before^3 / m: entries have size before / sqrt(m)."""
        gain = alpha[0] * alpha[1] * alpha[2] * alpha[3]
        return before**3 * gain / self.layers[0].shape[0]

    def apply(self, params: Sequence[Layer], x: Float[Array, "n ..."]) -> Float[Array, "n ..."]:
        """What every position gathers."""
        rows = x.reshape(x.shape[0], -1, x.shape[-1])
        queries, keys, values = (affine(layer, rows) for layer in params[:3])
        seen = queries * jnp.sum(keys * values, axis=1, keepdims=True)
        return _put_out(params[3], seen, self.bias_feature, x)


@final
@dataclass(frozen=True)
class Branches(AbstractBlock):
    """Rows of blocks that receive the same signal; outputs added, or channels side by side.

    Attributes:
        branches: the rows.
        multipliers: of each row's output.
        shares: by which the squared sizes of the rows are multiplied in the size of the whole.
        concatenate: put channels side by side.
    """

    branches: tuple[tuple[AbstractBlock, ...], ...]
    multipliers: tuple[float, ...]
    shares: tuple[float, ...]
    concatenate: bool

    @property
    def drawn(self) -> tuple[Drawn, ...]:
        """What all branches draw."""
        return tuple(layer for one in self.branches for block in one for layer in block.drawn)

    def size(self, alpha: Sequence[Any], before: Any) -> Any:
        """Root of the sum of the squared sizes of the branches, activations counted."""
        return _root_of_squares(size for size, _ in self._walked(alpha, before))

    def leverage(self, alpha: Sequence[Any], before: Any) -> tuple[Any, ...]:
        """The share of the branch times the leverage inside of it."""
        walked = self._walked(alpha, before)
        whole = _root_of_squares(size for size, _ in walked)
        return tuple(size / whole * each for size, inside in walked for each in inside)

    def apply(self, params: Sequence[Any], x: Float[Array, "n ..."]) -> Float[Array, "n ..."]:
        """The branches together."""
        groups, ends = iter(params), []
        for branch, multiplier in zip(self.branches, self.multipliers, strict=True):
            out = x
            for block in branch:
                out = block.apply([next(groups) for _ in block.drawn], out)
            ends.append(out if multiplier == 1.0 else multiplier * out)
        return (
            jnp.concatenate(ends, axis=-1) if self.concatenate else jnp.sum(jnp.stack(ends), axis=0)
        )

    def _walked(self, alpha: Sequence[Any], before: Any) -> list[tuple[Any, list[Any]]]:
        """Size and leverages of every branch, each block looked at once."""
        scales, found = iter(alpha), []
        for branch, share in zip(self.branches, self.shares, strict=True):
            size, inside = before, []
            for block in branch:
                own = [next(scales) for _ in block.drawn]
                inside += block.leverage(own, size)
                size = block.size(own, size)
                if isinstance(block, Activate):
                    size = size * math.sqrt(mean_square(block.sigma))
            found.append((math.sqrt(share) * size, inside))
        return found


def window_patches(x: Float[Array, "n ..."], window: Window) -> Float[Array, "n ..."]:
    """What the window sees at every position as one row: channel by channel, tap by tap."""
    seen = jnp.stack(window_views(x, window, first=1), axis=-1)
    return seen.reshape(*seen.shape[:-2], seen.shape[-2] * seen.shape[-1])


def window_views(x: Any, window: Window, *, first: int) -> list[Any]:
    """The signal as every tap of the window sees it; positions begin at axis `first`."""
    positions = x.shape[first : first + len(window.sizes)]
    x = padded_positions(x, window, [(first + i,) for i in range(len(positions))], positions)
    lengths = window.out(positions)
    views = []
    for tap in product(*(range(size) for size in window.sizes)):
        cut = [slice(None)] * x.ndim
        for axis, start in enumerate(tap):
            stride = window.strides[axis]
            end = start + stride * (lengths[axis] - 1) + 1
            cut[first + axis] = slice(start, end, stride)
        views.append(x[tuple(cut)])
    return views


def padded_positions(
    x: Any, window: Window, axes: Sequence[Sequence[int]], positions: Sequence[int]
) -> Any:
    """`x` with what lies around its ends; `axes` says where in x each axis of positions stands."""
    padding = [(0, 0)] * x.ndim
    for number, places in enumerate(axes):
        for axis in places:
            padding[axis] = window.around(positions[number], number)
    if not any(map(any, padding)):
        return x
    mode = "wrap" if window.padding == "CIRCULAR" else "constant"
    return (np if isinstance(x, np.ndarray) else jnp).pad(x, padding, mode=mode)


def _put_out(layer: Layer, seen: Array, bias_feature: float, x: Array) -> Array:
    if bias_feature:
        constant = jnp.full((*seen.shape[:-1], 1), bias_feature, seen.dtype)
        seen = jnp.concatenate([seen, constant], axis=-1)
    out = affine(layer, seen)
    return out.reshape(*x.shape[:-1], out.shape[-1])


def _root_of_squares(sizes: Any) -> Any:
    total = sum(size * size for size in sizes)
    return np.sqrt(total)
