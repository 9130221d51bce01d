"""What does layer normalisation compute, and what does it learn?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, final

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lazyscope.model.blocks._block import AbstractBlock


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
        u = x - x.mean(axis=1, keepdims=True)
        u = u / jnp.sqrt(jnp.mean(u**2, axis=1, keepdims=True) + self.epsilon)
        return params[0].scale * u + params[0].shift
