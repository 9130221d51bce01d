"""What does a skip connection do to the blocks that it goes around?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from jaxtyping import Array, Float

from lazyscope.model.blocks._block import AbstractBlock, Drawn, Moved, mean_square
from lazyscope.model.blocks._dense import Activate


@final
@dataclass(frozen=True)
class Skip(AbstractBlock):
    """x + b branch(x), for blocks in a row that are the branch.

    The branch alone has the gain g = b sqrt(c) times that of its blocks, with c = E sigma(z)^2 for the
    activations in it; together with what it goes around, sqrt(1 + g^2).

    Attributes:
        branch: blocks that keep the shape of their input and draw all their parameters.
        multiplier: b.
    """

    branch: tuple[AbstractBlock, ...]
    multiplier: float

    @property
    def drawn(self) -> tuple[Drawn, ...]:
        """What the branch draws."""
        return tuple(layer for block in self.branch for layer in block.drawn)

    def size(self, alpha: Sequence[Any], before: Any) -> Any:
        """sqrt(1 + g^2) times the size of the input."""
        return before * np.sqrt(1.0 + self._square(alpha))

    def leverage(self, alpha: Sequence[Any], before: Any) -> tuple[Any, ...]:
        """The branch's share g / sqrt(1 + g^2) times the leverage inside of it."""
        square = self._square(alpha)
        share, inside, layers = np.sqrt(square / (1.0 + square)), [], iter(alpha)
        for block in self.branch:
            own = [next(layers) for _ in block.drawn]
            inside += block.leverage(own, before)
            before = block.size(own, before)
        return tuple(share * each for each in inside)

    def apply(self, params: Sequence[Any], x: Float[Array, "n ... m"]) -> Float[Array, "n ... m"]:
        """Return x + b branch(x)."""
        groups, out = iter(params), x
        for block in self.branch:
            out = block.apply([next(groups) for _ in block.drawn], out)
        return x + self.multiplier * out

    @property
    def passes_differences_on(self) -> bool:
        """Whether every block of the branch does."""
        return all(block.passes_differences_on for block in self.branch)

    def value_and_difference(
        self, params: Sequence[Any], change: Sequence[Any], x: Array, moved: Moved
    ) -> tuple[Array, Moved]:
        """Return x + b branch(x), and what is moved and b times the difference of the branch."""
        groups, steps, out, difference = iter(params), iter(change), x, moved
        for block in self.branch:
            own, step = ([next(each) for _ in block.drawn] for each in (groups, steps))
            out, difference = block.value_and_difference(own, step, out, difference)
        if difference is not None:
            difference = self.multiplier * difference + (0.0 if moved is None else moved)
        return x + self.multiplier * out, difference

    def _square(self, alpha: Sequence[Any]) -> Any:
        """g^2."""
        gain, layers = 1.0, iter(alpha)
        for block in self.branch:
            gain = block.size([next(layers) for _ in block.drawn], gain)
        kept = math.prod(mean_square(b.sigma) for b in self.branch if isinstance(b, Activate))
        return kept * (self.multiplier * gain) ** 2
