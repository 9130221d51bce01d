"""How do results become plain values that JSON can hold?"""

import math
from typing import Any

import numpy as np


def plain(value: Any) -> Any:
    """Numbers and arrays as JSON has them; numbers that are not finite are None.

    Example:
        >>> plain({"loss": np.array([1.0, np.nan]), "steps": np.int32(2)})
        {'loss': [1.0, None], 'steps': 2}
    """
    if isinstance(value, dict):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if hasattr(value, "__array__"):
        return plain(np.asarray(value).tolist())
    return value
