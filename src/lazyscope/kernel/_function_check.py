"""Can a function be trained and forecast, in which precision, and which function is it?"""

import contextlib
from collections.abc import Hashable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, final

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from lazyscope._checks import InputError, check_array
from lazyscope._portable import PortableError
from lazyscope._trace import (
    ACCEPTS_ONE,
    PROMOTED,
    asking,
    check_devices,
    coarsest,
    pose,
    primitives,
    taken_apart,
)
from lazyscope._types import Apply, Params
from lazyscope.kernel.any_function._blocks import MEMORY, check_network

_CALLBACKS = frozenset({"pure_callback", "io_callback"})


class CheckedFunction(NamedTuple):
    """What is known of a function that passed the checks.

    Attributes:
        num_outputs: C.
        token: equations and a digest of all constants; equal for the same computation only.
        apply: the function for parameters and points in double precision.
        precision: the coarsest type that it computes in when these are double.
        points: the examples that it was checked on, as an array.
    """

    num_outputs: int
    token: Hashable
    apply: Apply
    precision: np.dtype
    points: Any


@final
class InOwnPrecision(eqx.Module):
    """A function that cannot take double precision, told parameters and points in its own types.

    Attributes:
        apply: the function.
        leaf_types: types of the parameter arrays.
        held_types: types of the arrays that `apply` carries.
        point_type: type of the points.
        single: whether double precision is off while it runs, as where it came from.
    """

    apply: Apply
    leaf_types: tuple[np.dtype, ...] = eqx.field(static=True)
    held_types: tuple[Any, ...] = eqx.field(static=True)
    point_type: np.dtype = eqx.field(static=True)
    single: bool = eqx.field(static=True)

    def __call__(self, params: Params, x: Any) -> Any:
        leaves, treedef = jax.tree.flatten(params)
        held, structure = jax.tree.flatten(self.apply)
        mine = [a.astype(kind) for a, kind in zip(leaves, self.leaf_types, strict=True)]
        arrays = [
            a if kind is None else jnp.asarray(a).astype(kind)
            for a, kind in zip(held, self.held_types, strict=True)
        ]
        x = x.astype(self.point_type)
        with jax.enable_x64(False) if self.single else contextlib.nullcontext():
            apply: Any = jax.tree.unflatten(structure, arrays)
            return apply(jax.tree.unflatten(treedef, mine), x)


def check_function(
    apply: Apply, params: Params, x: Any, *, memory: float = MEMORY
) -> CheckedFunction:
    """Check a function as `tangent_kernel` does, in double precision, whatever the session has.

    A function that takes no double precision, because of arrays of its own in another type, is run in the
    types that it was given in. Arrays must have their values for the checks that compare numbers
    (randomness, mixing within the batch); while tracing only shapes and types are checked.

    Raises:
        InputError: as for `tangent_kernel`, at once.
    """
    names, leaves, _, _ = taken_apart(params)
    points: Any = check_array("points", x)
    check_devices(names, leaves, points, None)
    if any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves((leaves, points))):
        return _checked(apply, params, points, memory)._replace(points=points)
    try:
        found = _checked(_doubled(apply), _doubled(params), np.asarray(points), memory)
        return found._replace(points=points)
    except _OwnOnlyError:
        pass
    except InputError as error:
        if error.rule not in (ACCEPTS_ONE, PROMOTED):
            raise
    own = _in_own_precision(apply, params, points)
    doubled = _doubled(np.asarray(points))
    return _checked(own, _doubled(params), doubled, memory, own=True)._replace(points=points)


class _OwnOnlyError(PortableError):
    """The function has callbacks, which run in the precision of the session."""


def _checked(
    apply: Apply, params: Params, x: Any, memory: float, *, own: bool = False
) -> CheckedFunction:
    with asking(params):
        question = pose(apply, params, x, None)
        single = not own and question.example.dtype == np.float64
        if single and primitives(question.example.closed.jaxpr) & _CALLBACKS and _is_single():
            raise _OwnOnlyError
        token = check_network(question, memory)
        example = question.example
        return CheckedFunction(example.num_outputs, token, apply, coarsest(example), x)


def _is_single() -> bool:
    """Whether other threads of this process, such as those of callbacks, have no double precision."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: jnp.result_type(float)).result() == np.float32


def _in_own_precision(apply: Apply, params: Params, x: Any) -> InOwnPrecision:
    """The function in the types of its own parameters and arrays, checked as it was given."""
    _, _, _, own = taken_apart(params)
    with asking(params):
        question = pose(apply, params, x, None)
    held = tuple(
        np.dtype(leaf.dtype) if _is_real_array(leaf) else None for leaf in jax.tree.leaves(apply)
    )
    single = not any(kind == np.float64 for kind in own)
    return InOwnPrecision(apply, own, held, np.dtype(question.x1.dtype), single)


def _is_real_array(leaf: Any) -> bool:
    return isinstance(leaf, jax.Array | np.ndarray) and jnp.issubdtype(leaf.dtype, np.floating)


def _doubled(tree: Any) -> Any:
    """Real arrays and numbers in double precision, everything else as it is."""
    return jax.tree.map(_doubled_leaf, tree)


def _doubled_leaf(leaf: Any) -> Any:
    array = isinstance(leaf, jax.Array | np.ndarray | np.generic | float)
    if array and jnp.issubdtype(getattr(leaf, "dtype", np.float64), np.floating):
        return np.asarray(leaf, np.float64)
    return leaf
