"""In which precision is a network measured, whichever it computes in?"""

from collections.abc import Iterable
from typing import Any

import numpy as np


def wide_type(arrays: Iterable[Any]) -> Any:
    """Double precision if one of the arrays has it, else single: in it, sums neither overflow nor drift."""
    double = any(np.dtype(array.dtype) == np.float64 for array in arrays)
    return np.dtype(np.float64 if double else np.float32)


def wide(array: Any, kind: Any) -> Any:
    """An array in another precision; as it is if it has that one."""
    return array if array.dtype == kind else array.astype(kind)
