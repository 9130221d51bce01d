"""In which precision does a network compute, and in which is it measured?"""

from collections.abc import Iterable
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax.extend.core import ClosedJaxpr, Jaxpr

from lazyscope.kernel._generic_trace import Example


def wide_type(arrays: Iterable[Any]) -> Any:
    """Double precision if one of the arrays has it, else single: in it, sums neither overflow nor drift."""
    double = any(np.dtype(array.dtype) == np.float64 for array in arrays)
    return np.dtype(np.float64 if double else np.float32)


def wide(array: Any, kind: Any) -> Any:
    """An array in another precision; as it is if it has that one."""
    return array if array.dtype == kind else array.astype(kind)


def coarsest(example: Example, dtype: Any) -> Any:
    """The type with the fewest digits in which a network with parameters of a type computes."""
    return max([dtype, *_types(example.closed.jaxpr)], key=lambda kind: float(jnp.finfo(kind).eps))


def _types(jaxpr: Jaxpr) -> set[Any]:
    """Floating-point types of what equations compute, in calls and loops too."""
    found: set[Any] = set()
    for eqn in jaxpr.eqns:
        kinds = [getattr(v.aval, "dtype", None) for v in eqn.outvars]
        found |= {kind for kind in kinds if kind is not None and jnp.issubdtype(kind, np.floating)}
        for value in eqn.params.values():
            for inner in value if isinstance(value, tuple | list) else (value,):
                if isinstance(inner, ClosedJaxpr | Jaxpr):
                    found |= _types(inner.jaxpr if isinstance(inner, ClosedJaxpr) else inner)
    return found
