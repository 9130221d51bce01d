"""Under which settings of JAX does this library compute, whatever the session has chosen?"""

import contextlib
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np


@contextlib.contextmanager
def own_settings(*, double: bool = True) -> Iterator[None]:
    """The settings that formulas here are written for; the session's come back at the end.

    Arrays may be moved to their device, axes may be added in front by broadcasting, numbers that are not
    finite may stand for what is not known yet, traces may be kept, and there is double precision unless
    `double` is False, which leaves precision as it is.

    Example:
        >>> with own_settings():
        ...     jax.numpy.ones(1).dtype.name
        'float64'
    """
    precision = jax.enable_x64(True) if double else contextlib.nullcontext()
    with (
        precision,
        jax.transfer_guard("allow"),
        jax.numpy_rank_promotion("allow"),
        jax.debug_nans(False),
        jax.debug_infs(False),
        jax.check_tracer_leaks(False),
        jax.disable_jit(False),
    ):
        yield


def is_double(tree: Any) -> bool:
    """Whether any array has double precision.

    Example:
        >>> is_double({"a": np.ones(2), "b": np.ones(2, np.float32)})
        True
    """
    arrays = (
        leaf
        for leaf in jax.tree.leaves(tree)
        if isinstance(leaf, jax.Array | np.ndarray | np.generic)
    )
    return any(leaf.dtype == np.float64 for leaf in arrays)
