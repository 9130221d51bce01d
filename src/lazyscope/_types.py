"""Which words for arrays and trees does the whole library share?"""

from collections.abc import Callable
from typing import Any, TypeAlias

from jaxtyping import Array, Float, PRNGKeyArray

Params: TypeAlias = Any
"""A pytree of parameter arrays."""

Apply: TypeAlias = Callable[[Params, Array], Array]
"""A network: ``apply(params, x) -> outputs`` with x of shape (n, ...) and outputs (n, C)."""

Key: TypeAlias = PRNGKeyArray
"""A JAX random key."""

Scalar: TypeAlias = Float[Array, ""]
"""An array without axes."""

__all__ = ["Apply", "Key", "Params", "Scalar"]
