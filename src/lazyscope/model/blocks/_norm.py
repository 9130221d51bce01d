"""What does layer normalisation compute, and what does it learn?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, final

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lazyscope.model.blocks._block import AbstractBlock, Moved


class Norm(NamedTuple):
    """What a normalisation learns: scale (m,), starting at one, and shift (m,), starting at zero."""

    scale: Float[Array, " m"]
    shift: Float[Array, " m"]


@final
@dataclass(frozen=True)
class Normalise(AbstractBlock):
    """g (u - mean(u)) / sqrt(var(u) + e) + b over the units of every row.

    Attributes:
        name: of its group.
        width: number m of units.
        epsilon: e.
    """

    name: str
    width: int
    epsilon: float

    @property
    def fixed(self) -> tuple[tuple[str, int, float], ...]:
        """One group of 2 m parameters and size sqrt(m)."""
        return ((self.name, 2 * self.width, math.sqrt(self.width)),)

    def start(self, dtype: np.dtype) -> tuple[Norm, ...]:
        """Scale one, shift zero."""
        return (Norm(jnp.ones(self.width, dtype), jnp.zeros(self.width, dtype)),)

    def size(self, alpha: Sequence[Any], before: Any) -> Any:
        """sqrt(m), whatever came in."""
        return math.sqrt(self.width)

    def apply(self, params: Sequence[Norm], x: Float[Array, "n m"]) -> Float[Array, "n m"]:
        """The normalised rows."""
        u = _centred(x)
        return params[0].scale * (u / self._size_of(u)) + params[0].shift

    def value_and_difference(
        self, params: Sequence[Norm], change: Sequence[Norm], x: Array, moved: Moved
    ) -> tuple[Array, Moved]:
        """The normalised rows, and how far they move: 1/s' - 1/s is -(s'^2 - s^2) / (s s' (s + s'))."""
        (norm,), (step,), u = params, change, _centred(x)
        size = self._size_of(u)
        difference = step.scale * (u / size) + step.shift
        if moved is not None:
            shift = _centred(moved)
            end = self._size_of(u + shift)
            grown = jnp.mean((2.0 * u + shift) * shift, axis=1, keepdims=True)
            turned = shift / end - u * (grown / (size * end * (size + end)))
            difference = difference + (norm.scale + step.scale) * turned
        return norm.scale * (u / size) + norm.shift, difference

    def _size_of(self, u: Float[Array, "n m"]) -> Float[Array, "n 1"]:
        """sqrt(var + e) of centred rows."""
        return jnp.sqrt(jnp.mean(u**2, axis=1, keepdims=True) + self.epsilon)


def _centred(x: Float[Array, "n m"]) -> Float[Array, "n m"]:
    return x - x.mean(axis=1, keepdims=True)
