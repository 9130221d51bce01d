"""What is a module near its present parameters, to first or to any order?"""

import copy
import math
import warnings
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import torch
from torch.func import jvp
from torch.nn.attention import SDPBackend, sdpa_kernel

from lazyscope._checks import InputError
from lazyscope._entry import checked
from lazyscope.torch._refusals import check_module, check_parameters
from lazyscope.torch.state._functional_call import substituted
from lazyscope.torch.state._restore import looked_at_alone

Parameters: TypeAlias = Mapping[str, torch.Tensor]
"""Tensors by the names of ``named_parameters()``."""

Expansion: TypeAlias = Callable[[Parameters, Any], torch.Tensor]
"""A module to some order, as a function of parameters and inputs."""


@checked(own=("module",))
def linearise(module: torch.nn.Module) -> Expansion:
    """A module linearised in its trainable parameters at their present values, as a function.

    Definition, with the derivative at the present parameters theta_0::

        f_lin(theta, x) = f(theta_0, x) + d f(theta_0, x) / d theta . (theta - theta_0)

    Args:
        module: in either mode; a copy is kept, so that training it later changes nothing. Buffers and frozen
            parameters are held fixed.

    Returns:
        A function of (parameters by the names of ``named_parameters()``, x), to which autograd applies in
        the parameters: ``dict(module.named_parameters())`` can be trained through it by any optimiser.

    Raises:
        InputError: no module, nothing to train; when it is called, parameters of other names or shapes,
            or a module without a forward derivative.

    Cost: that of a forward derivative, about three forward passes (`torch.func.jvp`).
    Trust: exact to rounding. Randomness (dropout in training mode) is drawn anew in every call.
    Reference: Lee et al. 2019 (arXiv 1902.06720), eq. 5.

    Example:
        >>> import torch
        >>> layer = torch.nn.Linear(2, 1)
        >>> f, x = linearise(layer), torch.ones(3, 2)
        >>> bool(torch.allclose(f(dict(layer.named_parameters()), x), layer(x)))
        True
    """
    return _expansion(module, 1)


@checked(own=("module",))
def taylor(module: torch.nn.Module, degree: int) -> Expansion:
    """The Taylor polynomial of a module in its trainable parameters, as a function.

    Definition, with all derivatives at the present parameters theta_0 in the direction
    ``d = theta - theta_0``::

        f_p(theta, x) = sum_{k = 0}^{p} (1 / k!) d^k/ds^k f(theta_0 + s d, x) at s = 0

    Args:
        module: as for `linearise`.
        degree: p; 0 is the module at theta_0, 1 is `linearise`, 2 adds the curvature.

    Returns:
        A function as `linearise` returns it.

    Raises:
        InputError: as `linearise`.

    Cost: forward derivatives nested `degree` times, up to 2^degree forward passes.
    Trust: exact to rounding. Of ReLU the second derivative is zero, so that f_2 knows nothing of units
    that switch.

    Example:
        >>> import torch
        >>> layer = torch.nn.Linear(2, 1)
        >>> f, x = taylor(layer, 2), torch.ones(3, 2)
        >>> moved = {name: p + 1.0 for name, p in layer.named_parameters()}
        >>> bool(torch.allclose(f(moved, x), layer(x) + 3.0))
        True
    """
    return _expansion(module, degree)


def _expansion(module: torch.nn.Module, degree: int) -> Expansion:
    check_module(module)
    module = getattr(module, "_orig_mod", module)  # what torch.compile wraps
    with looked_at_alone(module):
        kept = copy.deepcopy(module)
    named = {name: p for name, p in kept.named_parameters() if p.requires_grad}
    check_parameters(list(named.items()))
    start = {name: p.detach().clone() for name, p in named.items()}

    def polynomial(parameters: Parameters, x: Any) -> torch.Tensor:
        direction = _direction(start, parameters)

        def along(s: torch.Tensor) -> tuple[torch.Tensor, ...]:
            moved = [(named[name], start[name] + s * d) for name, d in direction.items()]
            with substituted(kept, moved):
                return (kept(x),)

        derivatives = along
        for _ in range(degree):
            derivatives = _with_next(derivatives)
        some = next(iter(start.values()))
        with looked_at_alone(kept), warnings.catch_warnings(), sdpa_kernel(SDPBackend.MATH):
            warnings.simplefilter("ignore")
            terms = _evaluated(derivatives, torch.zeros((), dtype=some.dtype, device=some.device))
        return torch.stack([t / math.factorial(k) for k, t in enumerate(terms)]).sum(0)

    return polynomial


def _with_next(derivatives: Any) -> Any:
    """From (g, .., g^(k)) of s to (g, .., g^(k + 1))."""

    def longer(s: torch.Tensor) -> tuple[torch.Tensor, ...]:
        values, changes = jvp(derivatives, (s,), (torch.ones_like(s),))[:2]
        return (*values, changes[-1])

    return longer


def _evaluated(derivatives: Any, at: torch.Tensor) -> tuple[torch.Tensor, ...]:
    try:
        return derivatives(at)
    except (NotImplementedError, RuntimeError) as error:
        if "forward" not in str(error) and "jvp" not in str(error):
            raise
        raise InputError(
            "an expansion of a module needs a derivative in forward direction",
            received=str(error).strip().splitlines()[0][:160],
            cause="a recurrent layer, an extension, or a function with a derivative of its own",
            fix="write the layer with functions of torch, or give torch.autograd.Function a jvp",
        ) from error


def _direction(start: Parameters, parameters: Parameters) -> dict[str, torch.Tensor]:
    """How far every parameter is from the start, or a refusal."""
    known = isinstance(parameters, Mapping)
    found = {n: tuple(p.shape) for n, p in parameters.items() if n in start} if known else {}
    wanted = {n: tuple(p.shape) for n, p in start.items()}
    if found != wanted:
        off = [n for n, shape in wanted.items() if found.get(n) != shape]
        raise InputError(
            "parameters must have the names and shapes of the trainable ones of the module",
            received=f"{off[0]} {found.get(off[0], 'missing')}, not {list(wanted[off[0]])}"
            if known
            else f"a {type(parameters).__name__}",
            cause="parameters of another module, or a module in place of its parameters",
            fix="call it with (dict(module.named_parameters()), x)",
        )
    return {name: parameters[name] - p for name, p in start.items()}
