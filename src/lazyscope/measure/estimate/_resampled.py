"""Between which values does a statistic lie when its cells are drawn again?"""

from typing import Any

import numpy as np
from jaxtyping import Float

from lazyscope._checks import InputError, check_array, check_fraction
from lazyscope._entry import checked

_DRAWS = 4000


@checked(any_axes=("values",))
def resampled_means(values: Float[Any, "n ..."]) -> Float[np.ndarray, "draws ..."]:
    """Means over the first axis of `values`, whose entries are drawn with replacement.

    The same draws at every call of one length, so that statistics of the same cells go together. The
    bootstrap of Efron 1979 (Annals of Statistics 7(1)), 4000 draws.

    Example:
        >>> resampled_means(np.ones((5, 2))).shape
        (4000, 2)
    """
    known = np.asarray(_some("values", values, ndim=(1, 2)))
    draws = np.random.default_rng(0).integers(len(known), size=(_DRAWS, len(known)))
    return known[draws].mean(1)


@checked(any_axes=("statistic",))
def middle_of(statistic: Float[Any, " draws"], *, level: float = 0.95) -> tuple[float, float]:
    """The quantiles between which a share `level` of a resampled statistic lies.

    Example:
        >>> middle_of(np.arange(101.0), level=0.5)
        (25.0, 75.0)
    """
    tail = (1 - check_fraction("level", level)) / 2
    low, high = np.quantile(np.asarray(_some("statistic", statistic, ndim=1)), [tail, 1 - tail])
    return float(low), float(high)


def _some(name: str, values: Any, ndim: Any = None) -> Any:
    """An array with entries, or a refusal."""
    known = check_array(name, values, ndim=ndim)
    if np.size(known) == 0:
        raise InputError(
            f"{name} must have entries",
            received="none",
            cause="a choice of cells that chose none",
            fix="give one entry at least",
        )
    return known
