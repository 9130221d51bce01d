"""How sure is a number that is made of many seeds at once?"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool

from lazyscope.measure import Estimate, mean_estimate

BLOCKS = 8

Kept = Bool[np.ndarray, " block"]


def blockwise(number: Callable[[Kept], float]) -> Estimate | None:
    """The number with its interval by leaving out one block of seeds after the other; None if one has none.

    Args:
        number: of the blocks that are kept.

    Example:
        >>> found = blockwise(lambda kept: float(np.arange(8.0)[kept].mean()))
        >>> round(found.value, 6), round(found.half_width, 2)
        (3.5, 2.05)
    """
    left = np.array([number(np.arange(BLOCKS) != block) for block in range(BLOCKS)])
    pseudo = BLOCKS * number(np.ones(BLOCKS, bool)) - (BLOCKS - 1) * left
    return mean_estimate(pseudo) if np.isfinite(pseudo).all() else None


def root_of(square: Estimate | None) -> Estimate | None:
    """A size from the estimate of its square, which noise may leave below zero.

    Example:
        >>> root_of(Estimate(0.04, -0.01, 0.09)).interval
        (0.0, 0.3)
    """
    if square is None:
        return None
    value, low, high = (
        None if end is None else float(np.sqrt(max(end, 0.0)))
        for end in (square.value, square.low, square.high)
    )
    return Estimate(value, low, high, square.level, basis=square.basis)
