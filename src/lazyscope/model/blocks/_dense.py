"""What are the parts of a fully connected network?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import jax.numpy as jnp
from jaxtyping import Array, Float

from lazyscope.model._activation import Activation
from lazyscope.model.blocks._block import AbstractBlock, AbstractFixedLinear, Drawn, Moved
from lazyscope.model.blocks._layer import Layer, affine, affine_difference


@final
@dataclass(frozen=True)
class Linear(AbstractBlock):
    """W x + b for every row and position; hidden layers and readouts are this.

    Attributes:
        name: of its group.
        fan_in: features that come in.
        fan_out: features that go out.
        gain: alpha / std, the root of the network's width.
        use_bias: whether there is a b.
    """

    name: str
    fan_in: int
    fan_out: int
    gain: float
    use_bias: bool = False

    @property
    def drawn(self) -> tuple[Drawn, ...]:
        """One matrix."""
        return (Drawn(self.name, (self.fan_out, self.fan_in), self.gain, self.use_bias),)

    def size(self, alpha: Sequence[Any], before: Any) -> Any:
        """Size of the input times alpha."""
        return before * alpha[0]

    def apply(
        self, params: Sequence[Layer], x: Float[Array, "n ... fan_in"]
    ) -> Float[Array, "n ... fan_out"]:
        """W x + b."""
        return affine(params[0], x)

    def value_and_difference(
        self, params: Sequence[Layer], change: Sequence[Layer], x: Array, moved: Moved
    ) -> tuple[Array, Moved]:
        """W x + b, and D x + d + (W + D) moved."""
        return affine(params[0], x), affine_difference(params[0], change[0], x, moved)


@final
@dataclass(frozen=True)
class Activate(AbstractBlock):
    """sigma, entry by entry."""

    sigma: Activation

    def apply(self, params: Sequence[Any], x: Float[Array, "n ..."]) -> Float[Array, "n ..."]:
        """sigma(x)."""
        return self.sigma(x)

    def value_and_difference(
        self, params: Sequence[Any], change: Sequence[Any], x: Array, moved: Moved
    ) -> tuple[Array, Moved]:
        """sigma(x), and sigma(x + moved) - sigma(x)."""
        return self.sigma(x), None if moved is None else self.sigma.difference(x, moved)


@final
@dataclass(frozen=True)
class Scale(AbstractFixedLinear):
    """A factor that is no parameter; it may be traced."""

    factor: Float[Array, ""] | float

    def size(self, alpha: Sequence[Any], before: Any) -> Any:
        """The factor times the size of the input."""
        return before * self.factor

    def apply(self, params: Sequence[Any], x: Float[Array, "n ..."]) -> Float[Array, "n ..."]:
        """The factor times x."""
        return x * jnp.asarray(self.factor, x.dtype)
