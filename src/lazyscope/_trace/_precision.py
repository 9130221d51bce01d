"""In which precision does a network compute, and in which is its kernel put together?"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import Jaxpr, Literal

from lazyscope._jax import coarser
from lazyscope._trace._equations import CALLS, Example, inner_jaxpr, inside


def kernel_type(dtypes: Sequence[Any]) -> np.dtype:
    """The type of a kernel: that of the widest parameter, at least single precision.

    Example:
        >>> kernel_type([np.dtype("float16"), np.dtype("float32")]).name
        'float32'
    """
    double = any(np.dtype(dtype) == np.float64 for dtype in dtypes)
    return np.dtype(np.float64 if double else np.float32)


def coarsest(example: Example) -> np.dtype:
    """The coarsest type that a value passes through on its way from parameters or data to the outputs.

    Numbers that depend on neither, such as masks and tables of positions, do not count.
    """
    jaxpr = example.closed.jaxpr
    varying = [k >= example.num_context for k in range(len(jaxpr.invars))]
    found, _ = _passed(jaxpr, varying)
    return coarser(example.dtype, *found)


def traced_precision(function: Callable[..., Any], *args: Any) -> np.dtype:
    """The same of any function of arrays; double precision where it casts nothing."""
    jaxpr = jax.make_jaxpr(function)(*args).jaxpr
    found, _ = _passed(jaxpr, [True] * len(jaxpr.invars))
    return coarser(np.float64, *found)


def _passed(jaxpr: Jaxpr, varying: Sequence[bool]) -> tuple[list[Any], list[bool]]:
    """Inexact types of values that vary, and which outputs vary."""
    vary = {v for v, flag in zip(jaxpr.invars, varying, strict=True) if flag}
    found: list[Any] = []
    for eqn in jaxpr.eqns:
        flags = [not isinstance(v, Literal) and v in vary for v in eqn.invars]
        if not any(flags):
            continue
        outs = [True] * len(eqn.outvars)
        if eqn.primitive.name in CALLS:
            types, outs = _passed(inner_jaxpr(eqn)[0], flags)
            found += types
        else:
            for inner in inside(eqn):
                body = getattr(inner, "jaxpr", inner)
                found += _passed(body, [True] * len(body.invars))[0]
        vary.update(v for v, flag in zip(eqn.outvars, outs, strict=True) if flag)
        found += [_real(v) for v, flag in zip(eqn.outvars, outs, strict=True) if flag]
    leaving = [not isinstance(v, Literal) and v in vary for v in jaxpr.outvars]
    return [dtype for dtype in found if dtype is not None], leaving


def _real(v: Any) -> Any:
    """The real type of a variable's numbers; None for whole numbers, keys and tokens."""
    dtype = getattr(v.aval, "dtype", None)
    if dtype is None or not jnp.issubdtype(dtype, np.inexact):
        return None
    return jnp.finfo(dtype).dtype


def wide_type(arrays: Iterable[Any]) -> Any:
    """Double precision if one of the arrays has it, else single: in it, sums neither overflow nor drift."""
    double = any(np.dtype(array.dtype) == np.float64 for array in arrays)
    return np.dtype(np.float64 if double else np.float32)


def wide(array: Any, kind: Any) -> Any:
    """An array in another precision; as it is if it has that one."""
    return array if array.dtype == kind else array.astype(kind)
