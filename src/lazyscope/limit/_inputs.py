"""Which inputs does an infinitely wide network take?"""

from typing import Any

import numpy as np

from lazyscope._checks import InputError
from lazyscope._jax import known_array


def as_inputs(name: str, x: Any) -> np.ndarray:
    """Inputs (n, d) as a finite NumPy matrix in single or double precision, or a refusal."""
    x = known_array(name, x)
    if x.ndim != 2 or 0 in x.shape:
        raise InputError(
            f"{name} must be a matrix with one row for each input",
            received=f"shape {x.shape}",
            cause="images not flattened, a single input without its batch axis, or an empty selection",
            fix="reshape to (n, d), for example x.reshape(len(x), -1)",
        )
    return x if x.dtype in (np.float32, np.float64) else x.astype(np.float64)


def check_match(x1: np.ndarray, x2: np.ndarray) -> None:
    if x1.shape[1] != x2.shape[1]:
        raise InputError(
            "x1 and x2 must have the same number of features",
            received=f"{x1.shape[1]} and {x2.shape[1]}",
            cause="a transposed matrix, or training and test data prepared differently",
            fix="give both as (n, d) with the same d",
        )
    if {x1.dtype, x2.dtype} == {np.dtype(np.float32), np.dtype(np.float64)}:
        raise InputError(
            "x1 and x2 must have the same precision",
            received=f"{x1.dtype} and {x2.dtype}",
            cause="one of them read from a file or made by NumPy's default",
            fix="convert one of them with astype",
        )
