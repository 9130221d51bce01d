"""How does a module of a library become a function of its parameters?"""

import sys
from typing import Any, NamedTuple

import equinox as eqx
import jax

from lazyscope._checks import InputError
from lazyscope._types import Apply, Params


class Function(NamedTuple):
    """A network as ``apply(params, x) -> (n, C)`` with the parameters it has now."""

    apply: Apply
    params: Params


def as_function(module: Any) -> Function:
    """An Equinox or Flax NNX module as a function of its parameters.

    An Equinox module takes one example and is mapped over the batch; an NNX module takes the batch.
    What is not a parameter (batch statistics, random state) is held fixed as it is now: switch to
    evaluation mode first (``equinox.nn.inference_mode``, ``model.eval()``).

    Args:
        module: an ``equinox.Module`` or a ``flax.nnx.Module``.

    Returns:
        `Function`; while training, the same tree of parameters is
        ``equinox.filter(model, equinox.is_inexact_array)`` or ``nnx.state(model, nnx.Param)``.

    Raises:
        InputError: anything else.

    Example:
        >>> network = eqx.nn.Linear(3, 2, key=jax.random.key(0))
        >>> apply, params = as_function(network)
        >>> apply(params, jax.numpy.ones((5, 3))).shape
        (5, 2)
    """
    nnx: Any = sys.modules.get("flax.nnx")  # whoever holds an NNX module has imported it
    if nnx is not None and isinstance(module, nnx.Module):
        graph, params, draws, rest = nnx.split(module, nnx.Param, nnx.RngState, ...)

        def apply(params: Any, x: Any) -> Any:
            try:
                # Counts of random numbers may move on in a copy: layers such as nnx.RNN count without
                # using them, and numbers that are used are noticed as differing within a batch.
                return nnx.merge(graph, params, nnx.clone(draws), rest)(x)
            except Exception as error:
                if type(error).__name__ != "TraceContextError":
                    raise
                raise InputError(
                    "an NNX module must be in evaluation mode",
                    received="a module that changes its own state when it is called",
                    cause="batch norm in training mode, or a layer that keeps its state",
                    fix="call model.eval() first",
                ) from error

        return Function(apply, params)
    if isinstance(module, eqx.Module):
        params, static = eqx.partition(module, eqx.is_inexact_array)
        return Function(lambda p, x: jax.vmap(eqx.combine(p, static))(x), params)
    raise InputError(
        "a network must be an Equinox or a Flax NNX module",
        received=type(module).__name__,
        cause="a Flax Linen module, whose parameters are kept apart, or a module of another library",
        fix="give apply(params, x) and the parameters themselves, for Linen model.apply",
    )
