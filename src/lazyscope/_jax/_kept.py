"""How do arrays outlast whatever their owner does with them next, under whatever settings?"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from lazyscope._checks import InputError, check_array


def kept(tree: Any) -> Any:
    """The tree with copies of its arrays: owners write into them, reuse them or donate them.

    A NumPy array in a `jax.Array` may share its memory, so both are copied. What is no array stays.
    """
    return jax.tree.map(_copied, tree)


def _copied(leaf: Any) -> Any:
    if isinstance(leaf, jax.Array) and not isinstance(leaf, Tracer):
        if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            numbers = jnp.array(jax.random.key_data(leaf), copy=True)
            return jax.random.wrap_key_data(numbers, impl=jax.random.key_impl(leaf))
        return jnp.array(leaf, copy=True)
    return np.array(leaf) if isinstance(leaf, np.ndarray) else leaf


def kept_data(name: str, data: Any) -> Any:
    """A copy of finite real or whole numbers, or a refusal."""
    return kept(check_array(name, data))


_ARRAYS = (jax.Array, np.ndarray, np.generic, float)


def kept_params(params: Any) -> Any:
    """A copy of parameters whose real arrays hold finite numbers without a mask, or a refusal."""
    for path, leaf in jax.tree_util.tree_flatten_with_path(params)[0]:
        masked = isinstance(leaf, np.ma.MaskedArray)
        kind = getattr(leaf, "dtype", np.dtype(type(leaf)) if isinstance(leaf, float) else None)
        if kind is not None and not isinstance(leaf, _ARRAYS):
            raise InputError(
                "parameters must be arrays of JAX or NumPy",
                received=f"{jax.tree_util.keystr(path, simple=True, separator='.') or 'a leaf'} of type "
                f"{type(leaf).__name__}",
                cause="tensors of another library",
                fix="convert them with numpy.asarray, or use lazyscope.torch for modules of PyTorch",
            )
        if masked or (kind is not None and jnp.issubdtype(kind, np.floating)):
            where = jax.tree_util.keystr(path, simple=True, separator=".")
            check_array(f"parameters {where}".strip(), leaf)
    return kept(params)
