"""Are the numbers of an array known, or only its shape while JAX traces?"""

from typing import Any

import jax
import numpy as np
from jax.core import Tracer

from lazyscope._checks import InputError, as_numpy, check_array


def known_array(name: str, value: Any, *, finite: bool = True) -> np.ndarray:
    """`value` as a NumPy array of real numbers that are known here, or a refusal.

    Example:
        >>> known_array("times", [0.0, 1.0]).tolist()
        [0.0, 1.0]
    """
    leaves = jax.tree.leaves(value) if isinstance(value, list | tuple | dict) else [value]
    if any(isinstance(leaf, Tracer) for leaf in leaves):
        raise InputError(
            f"{name} must have values when the function is called, since it computes on the host",
            received="an array that JAX is tracing",
            cause="a call inside jit, grad, vmap or scan",
            fix="call it outside and pass the result in, or wrap the call in jax.pure_callback",
        )
    with jax.transfer_guard("allow"):
        return as_numpy(name, check_array(name, value, finite=finite))
