"""What are the parts of a convolutional network?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

from jaxtyping import Array, Float

from lazyscope._checks import InputError
from lazyscope.model.blocks._block import AbstractBlock, AbstractFixedLinear, Drawn, Moved
from lazyscope.model.blocks._layer import Layer, affine, affine_difference
from lazyscope.model.blocks._patches import Padding, patches


@final
@dataclass(frozen=True)
class Convolve(AbstractBlock):
    """W times the k x k patch around every position.

    Attributes:
        name: of its group.
        channels: that come in.
        width: number m of channels that go out.
        kernel_size: k.
        stride: distance of the positions that are left.
        padding: whether patches reach beyond the image.
        positions: P_0 if the input is an image of norm one, each position of which has norm
            ``1/sqrt(P_0)``; one for signals whose norm is counted per position.
    """

    name: str
    channels: int
    width: int
    kernel_size: int
    stride: int
    padding: Padding
    positions: int = 1

    @property
    def drawn(self) -> tuple[Drawn, ...]:
        """One kernel (m, channels, k, k) of gain sqrt(m k^2 / positions)."""
        kernel = (self.kernel_size, self.kernel_size)
        gain = math.sqrt(self.width) * self.kernel_size / math.sqrt(self.positions)
        return (Drawn(self.name, (self.width, self.channels, *kernel), gain),)

    def size(self, alpha: Sequence[Any], before: Any) -> Any:
        """Size of the input times alpha."""
        return before * alpha[0]

    def apply(
        self, params: Sequence[Layer], x: Float[Array, "n h w c"]
    ) -> Float[Array, "n h_out w_out m"]:
        """W times every patch."""
        return affine(params[0], self._patches(x))

    def value_and_difference(
        self, params: Sequence[Layer], change: Sequence[Layer], x: Array, moved: Moved
    ) -> tuple[Array, Moved]:
        """W times every patch, and D times every patch and W + D times what they moved."""
        seen, pushed = self._patches(x), None if moved is None else self._patches(moved)
        return affine(params[0], seen), affine_difference(params[0], change[0], seen, pushed)

    def _patches(self, x: Float[Array, "n h w c"]) -> Float[Array, "n h_out w_out seen"]:
        return patches(x, self.kernel_size, self.stride, self.padding)


@final
@dataclass(frozen=True)
class Pool(AbstractFixedLinear):
    """The mean over all positions (pixels or tokens)."""

    def apply(self, params: Sequence[Any], x: Float[Array, "n ... m"]) -> Float[Array, "n m"]:
        """Mean over everything between the first and the last axis."""
        return x.reshape(x.shape[0], math.prod(x.shape[1:-1]), x.shape[-1]).mean(axis=1)


@final
@dataclass(frozen=True)
class Reshape(AbstractFixedLinear):
    """Points in the shape that the next block wants, from that shape or flattened.

    Raises:
        InputError: points of another shape, axes of length one aside.
    """

    shape: tuple[int, ...]

    def apply(self, params: Sequence[Any], x: Float[Array, "n ..."]) -> Float[Array, "n ..."]:
        """Return x with this shape behind its first axis."""
        wanted, given = ([side for side in axes if side != 1] for axes in (self.shape, x.shape[1:]))
        if x.ndim < 2 or given not in (wanted, [math.prod(self.shape)]):
            raise InputError(
                "points must have the network's input shape",
                received=f"shape {tuple(x.shape)} for a network of input shape {self.shape}",
                cause="channels first, a single point, or other data",
                fix=f"give (n, {', '.join(map(str, self.shape))}), or points flattened in this order",
            )
        return x.reshape(x.shape[0], *self.shape)
