"""How large is the rounding of a precision, and which of several is the coarsest?"""

from typing import Any

import jax.numpy as jnp
import numpy as np


def unit_rounding(precision: Any) -> float:
    """The eps of a type; never below that of double precision, in which spectra are computed."""
    dtype = np.dtype(jnp.dtype(precision))
    if dtype.kind == "f":
        return max(float(np.finfo(dtype).eps), float(np.finfo(np.float64).eps))
    return float(jnp.finfo(dtype).eps)


def coarser(*precisions: Any) -> np.dtype:
    """The type with the largest eps."""
    return max((np.dtype(jnp.dtype(p)) for p in precisions), key=unit_rounding)
