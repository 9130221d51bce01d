"""What must a part of a network say of itself, so that networks are made by putting parts in a row?

A network is a row of blocks. A block that has no parameters overrides `apply` alone.
"""

import abc
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, final

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lazyscope._jax import own_settings
from lazyscope._types import Key, Params
from lazyscope.model._activation import Activation
from lazyscope.model.blocks._layer import Layer

_NODES = 80

Moved: TypeAlias = Float[Array, "n ..."] | None
"""How far a signal is from another one; None where it is the same."""


@final
@dataclass(frozen=True)
class Drawn:
    """A layer whose Gaussian weights are drawn.

    Attributes:
        name: of its group of parameters.
        shape: (fan_out, fan_in), or (fan_out, channels, height, width) for a convolution.
        size: alpha / std(entries): what the standard deviation is multiplied with to be a gain.
        use_bias: whether a bias, zero at the start, belongs to it.
    """

    name: str
    shape: tuple[int, ...]
    size: float
    use_bias: bool = False

    def draw(self, key: Key, std: Any, dtype: np.dtype) -> Layer:
        """Weights of this standard deviation, which may be traced."""
        weight = std * jax.random.normal(key, self.shape, dtype)
        return Layer(weight, jnp.zeros(self.shape[0], dtype) if self.use_bias else None)


class AbstractBlock(abc.ABC):
    """A part of a network, as a pure function of its parameters.

    Its parameters are the layers that it draws, in order, then what starts at fixed values.
    """

    @property
    def drawn(self) -> tuple[Drawn, ...]:
        """The layers that are drawn."""
        return ()

    @property
    def fixed(self) -> tuple[tuple[str, int, float], ...]:
        """(name, number of parameters, scale alpha) of every group that starts at fixed values."""
        return ()

    def start(self, dtype: np.dtype) -> tuple[Params, ...]:
        """The groups that start at fixed values."""
        del dtype
        return ()

    def size(self, alpha: Sequence[Any], before: Any) -> Any:
        """Size of the block's output, for scales of its drawn layers and an input of size `before`.

        Constants that depend on neither scales nor width are left out.
        """
        del alpha
        return before

    def leverage(self, alpha: Sequence[Any], before: Any) -> tuple[Any, ...]:
        """Relative change of the output per relative change of each drawn layer."""
        del before
        return (1.0,) * len(alpha)

    @abc.abstractmethod
    def apply(self, params: Sequence[Any], x: Float[Array, "n ..."]) -> Float[Array, "n ..."]:
        """The block's output at `params`, row by row of `x`."""

    @property
    def passes_differences_on(self) -> bool:
        """Whether it has a `value_and_difference`."""
        return type(self).value_and_difference is not AbstractBlock.value_and_difference

    def value_and_difference(
        self, params: Sequence[Any], change: Sequence[Any], x: Float[Array, "n ..."], moved: Moved
    ) -> tuple[Float[Array, "n ..."], Moved]:
        """The output at `params` of x, and how far that at ``params + change`` of ``x + moved`` is from it.

        To rounding relative to the difference itself.

        Args:
            params: of the block.
            change: of its parameters, of the same structure.
            x: input.
            moved: how far the input is from x; None where it is x.
        """
        raise NotImplementedError(f"{type(self).__name__} passes no differences on")


class AbstractFixedLinear(AbstractBlock):
    """A block without parameters that is linear in its input: a difference passes as a signal does."""

    def value_and_difference(
        self, params: Sequence[Any], change: Sequence[Any], x: Float[Array, "n ..."], moved: Moved
    ) -> tuple[Float[Array, "n ..."], Moved]:
        """The block of x, and of how far x moved."""
        del change
        return self.apply(params, x), None if moved is None else self.apply(params, moved)


@functools.cache
def mean_square(sigma: Activation) -> float:
    """E sigma(z)^2 for a standard normal z: what an activation leaves of a squared norm.

    Exact for homogeneous activations, whatever the size of pre-activations; for others it is the value
    at pre-activations of size one.

    Example:
        >>> from lazyscope.model import activation
        >>> round(mean_square(activation("relu")), 12)
        0.5
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES)
    with own_settings():
        values = np.asarray(sigma(jnp.asarray(nodes)), np.float64)
    return float(weights @ values**2 / weights.sum())
