"""How does a module come into double precision without being changed itself?"""

import copy
from typing import Any

import torch

from lazyscope._checks import InputError


def in_double(module: Any) -> Any:
    """The module, or a copy of it in double precision; what is no module is left to later checks."""
    if not isinstance(module, torch.nn.Module):
        return module
    if all(p.dtype == torch.float64 for p in module.parameters()):
        return module
    return double_copy(module, "a forecast")


def double_copy(module: torch.nn.Module, asker: str) -> torch.nn.Module:
    """A copy in double precision, or a refusal in the name of whoever asks."""
    try:
        return copy.deepcopy(module).double()
    except (RuntimeError, TypeError, AttributeError, NotImplementedError) as error:
        raise InputError(
            f"{asker} needs a module that can be copied in double precision",
            received=f"{type(error).__name__}: {str(error).splitlines()[0][:200]}",
            cause="tensors with a history, or handles to files and devices, inside the module",
            fix="build the module once more and call .double() on it",
        ) from error


def double_inputs(x: Any) -> Any:
    """Tensors of real numbers in double precision; anything else as it is."""
    return x.double() if isinstance(x, torch.Tensor) and x.is_floating_point() else x
