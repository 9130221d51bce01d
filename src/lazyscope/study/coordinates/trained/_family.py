"""What does an optimiser do with the gradient of one array, whatever it is called?"""

from typing import Any, NamedTuple

import numpy as np

_NEARLY = 0.05
_LEVEL = 1.3
"""Largest entry over the root mean square of those that all move alike."""
_ORTHOGONAL = 2.0
"""Largest singular value over the middle one, of what iterations of Muon make nearly equal."""


class Family(NamedTuple):
    """What was seen of the first step of one array.

    Attributes:
        optimiser: ``sgd`` where a step doubles with the gradient; where it does not, ``adam`` if all
            entries move alike and ``muon`` if all singular values do; else ``other``.
        decay: what a step without a gradient takes off, as a share of the array; NaN where it does
            something else.
    """

    optimiser: str
    decay: float


UNKNOWN = Family("other", float("nan"))


def family_of(start: Any, one: Any, two: Any, none: Any) -> Family:
    """The family from an array and its changes for a gradient, twice that gradient, and none.

    Example:
        >>> start, gradient = np.array([[1.0, 2.0], [0.5, 1.0]]), np.array([[1.0, -2.0], [0.1, 3.0]])
        >>> family_of(start, -gradient, -2 * gradient, 0 * start)
        Family(optimiser='sgd', decay=0.0)
        >>> signs, decay = np.sign(gradient), -0.1 * start
        >>> family_of(start, decay - signs, decay - signs, decay)
        Family(optimiser='adam', decay=0.1)
    """
    start, one, two, none = (np.asarray(each, float) for each in (start, one, two, none))
    with np.errstate(over="ignore", invalid="ignore"):  # of rates that are far too large
        return Family(_optimiser(one - none, two - none), _decay(start, none))


def _optimiser(single: np.ndarray, double: np.ndarray) -> str:
    length = float(np.linalg.norm(single))
    if not 0 < length < np.inf:
        return "other"
    growth = float(np.linalg.norm(double)) / length
    if abs(growth - 2) < _NEARLY:
        return "sgd"
    if abs(growth - 1) > _NEARLY:
        return "other"
    if np.abs(single).max() < _LEVEL * length / single.size**0.5:
        return "adam"
    if single.ndim == 2:
        values = np.linalg.svd(single, compute_uv=False)
        if values[0] < _ORTHOGONAL * np.median(values):
            return "muon"
    return "other"


def _decay(start: np.ndarray, none: np.ndarray) -> float:
    """The share that is taken off, where the whole array shrinks by one."""
    if not none.any():
        return 0.0
    size = float((start**2).sum())
    share = -float((none * start).sum()) / size if size > 0 else float("nan")
    along = float(np.linalg.norm(none + share * start)) < 1e-3 * float(np.linalg.norm(none))
    return round(share, 12) if along else float("nan")
