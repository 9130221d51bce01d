"""How does a module of a library become a function of its parameters?"""

import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

import equinox as eqx
import jax

from lazyscope._checks import InputError
from lazyscope._jax import kept
from lazyscope._types import Apply, Params


class Function(NamedTuple):
    """A network as ``apply(params, x) -> (n, C)`` with the parameters it has now."""

    apply: Apply
    params: Params


def as_function(module: Any, variables: Any = None, **call: Any) -> Function:
    """An Equinox, Flax NNX or Flax Linen module as a function of its parameters.

    An Equinox module takes one example and is mapped over the batch; modules of Flax take the batch.
    What is not a parameter (batch statistics, random state) is held fixed as it is now: switch to
    evaluation mode first (``equinox.nn.inference_mode``, ``model.eval()``, for Linen the argument that the
    module has for it). Arrays are copied, so that the module may be trained and its buffers donated.

    Args:
        module: an ``equinox.Module``, a ``flax.nnx.Module`` or a ``flax.linen.Module``.
        variables: for Linen, what ``module.init`` returned: ``{"params": ..., "batch_stats": ...}``; only the
            collection ``params`` becomes parameters.
        call: for Linen, further arguments of ``module.apply`` by name, such as ``train=False``.

    Returns:
        `Function`; while training, the same tree of parameters is
        ``equinox.filter(model, equinox.is_inexact_array)``, ``nnx.state(model, nnx.Param)`` or
        ``variables["params"]``.

    Raises:
        InputError: anything else, or variables without parameters; when it is called, a module in training
            mode.

    Example:
        >>> network = eqx.nn.Linear(3, 2, key=jax.random.key(0))
        >>> apply, params = as_function(network)
        >>> apply(params, jax.numpy.ones((5, 3))).shape
        (5, 2)
    """
    nnx: Any = sys.modules.get("flax.nnx")  # whoever holds a module of Flax has imported it
    linen: Any = sys.modules.get("flax.linen")
    if linen is not None and isinstance(module, linen.Module):
        return _from_linen(module, variables, call)
    if variables is not None or call:
        raise InputError(
            "variables and arguments of a call belong to Flax Linen modules",
            received=f"{', '.join(call) or 'variables'} beside {type(module).__name__}",
            cause="a module that holds its parameters itself",
            fix="give the module alone, in evaluation mode",
        )
    if nnx is not None and isinstance(module, nnx.Module):
        return _from_nnx(nnx, module)
    if isinstance(module, eqx.Module):
        params, static = kept(eqx.partition(module, eqx.is_inexact_array))
        return Function(lambda p, x: _in_evaluation(eqx.combine(p, static), x), params)
    raise InputError(
        "a network must be an Equinox or a Flax NNX module, or a Flax Linen module with its variables",
        received=type(module).__name__,
        cause="a function, a module of another library, or the class in place of an object",
        fix="give apply(params, x) and the parameters themselves; a PyTorch module goes to lazyscope.torch",
    )


def _in_evaluation(module: Any, x: Any) -> Any:
    """An Equinox module of every example; dropout in training mode asks for a key."""
    try:
        return jax.vmap(module)(x)
    except RuntimeError as error:
        if "requires a key" not in str(error):
            raise
        raise _training(
            "an Equinox module", str(error), "call equinox.nn.inference_mode(model) first"
        ) from error


def _training(what: str, received: str, fix: str) -> InputError:
    return InputError(
        f"{what} must be in evaluation mode",
        received=received.splitlines()[0][:160],
        cause="dropout, noise or batch norm in training mode",
        fix=fix,
    )


def _from_nnx(nnx: Any, module: Any) -> Function:
    graph, params, rest = nnx.split(module, nnx.Param, ...)
    params, rest = kept((params, rest))

    def state(module: Any) -> list[Any]:
        return jax.tree.leaves(nnx.state(module, nnx.Not(nnx.Param)))

    def apply(params: Any, x: Any) -> Any:
        # A copy, since modules may count their calls (the initial state of nnx.RNN draws keys).
        mine = nnx.merge(graph, params, rest, copy=True)
        training = [(node, state(node)) for _, node in nnx.iter_graph(mine) if _is_training(node)]
        try:
            outputs = mine(x)
        except Exception as error:
            if type(error).__name__ != "TraceContextError":
                raise
            raise InputError(
                "an NNX module must not change what is outside of it",
                received=f"{type(error).__name__}: {str(error).splitlines()[0][:120]}",
                cause="state that another module holds and this one writes",
                fix="give apply(params, x) and the parameters themselves",
            ) from error
        for node, before in training:
            # What writes no statistics and draws no number was called in evaluation mode nevertheless.
            if any(a is not b for a, b in zip(state(node), before, strict=False)):
                received = f"{type(node).__name__} in training mode"
                raise _training("an NNX module", received, "call model.eval() first")
        return outputs

    return Function(apply, params)


def _is_training(node: Any) -> bool:
    """Whether a part of an NNX module is in training mode, unless it is called otherwise."""
    rate = getattr(node, "rate", None) or getattr(node, "dropout_rate", None) or 0
    drops = getattr(node, "deterministic", None) is False and isinstance(rate, float | int)
    return (drops and rate > 0) or getattr(node, "use_running_average", None) is False


def _from_linen(module: Any, variables: Any, call: Mapping[str, Any]) -> Function:
    if not isinstance(variables, Mapping) or "params" not in variables:
        received = f"{type(variables).__name__} without 'params'"
        raise InputError(
            "a Flax Linen module must come with its variables",
            received="no variables" if variables is None else received,
            cause="its parameters are kept apart from it, or were taken out of their collection",
            fix="call as_function(module, variables) with variables = module.init(key, x)",
        )
    held = kept(dict(variables))
    params = held.pop("params")

    def apply(params: Any, x: Any) -> Any:
        try:
            return module.apply({**held, "params": params}, x, **call)
        except Exception as error:
            if type(error).__name__ not in ("ModifyScopeVariableError", "InvalidRngError"):
                raise
            raise _training(
                "a Linen module",
                f"{type(error).__name__}: {error}",
                "pass the argument that switches it off, as in as_function(module, variables, train=False)",
            ) from error

    return Function(apply, params)
