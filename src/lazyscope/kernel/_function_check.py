"""Can a function be trained and forecast in double precision, and which function is it?"""

from collections.abc import Hashable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from lazyscope._checks import InputError
from lazyscope._types import Apply, Params
from lazyscope.kernel._generic_blocks import MEMORY, check_network
from lazyscope.kernel._generic_question import (
    WITHIN_PRECISION,
    asking,
    check_devices,
    pose,
    taken_apart,
)


class CheckedFunction(NamedTuple):
    """What is known of a function that passed the checks.

    Attributes:
        num_outputs: C.
        token: equations and a digest of all constants; equal for the same computation only.
    """

    num_outputs: int
    token: Hashable


def check_function(
    apply: Apply, params: Params, x: Any, *, memory: float = MEMORY
) -> CheckedFunction:
    """Check a function as `tangent_kernel` does, in double precision, whatever the session has.

    Arrays must have their values for the checks that compare numbers (randomness, mixing within the
    batch); while tracing only shapes and types are checked.

    Raises:
        InputError: as for `tangent_kernel`, at once.
    """
    names, leaves, _, _ = taken_apart(params)
    check_devices(names, leaves, x, None)
    if any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves((leaves, x))):
        return _checked(apply, params, x, memory)
    apply, doubled = jax.tree.map(_doubled, (apply, params))
    try:
        return _checked(apply, doubled, np.asarray(x), memory)
    except InputError as error:
        if error.rule != WITHIN_PRECISION:
            raise
        raise InputError(
            "apply must compute in double precision if its parameters and points are given so, since "
            "flows and forecasts do",
            received=str(error.received),
            cause="a type written into apply: a compute type, a cast, or array constants",
            fix="cast to x.dtype instead, or leave the compute type out",
        ) from error


def _checked(apply: Apply, params: Params, x: Any, memory: float) -> CheckedFunction:
    with asking(params):
        question = pose(apply, params, x, None)
        return CheckedFunction(question.example.num_outputs, check_network(question, memory))


def _doubled(leaf: Any) -> Any:
    """Real arrays and numbers in double precision, everything else as it is."""
    array = isinstance(leaf, jax.Array | np.ndarray | np.generic | float)
    if array and jnp.issubdtype(jnp.result_type(leaf), jnp.floating):
        return np.asarray(leaf, np.float64)
    return leaf
