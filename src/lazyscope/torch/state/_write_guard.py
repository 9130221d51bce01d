"""Does a forward pass write into the parameters of its module, or into their gradients?"""

import contextlib
from typing import Any, final

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from lazyscope._checks import InputError


def writes_parameters(received: str) -> InputError:
    """The refusal of a module that changes its parameters when it is called."""
    return InputError(
        "a forward pass must leave the parameters of its module and their gradients as they are",
        received=received,
        cause="nn.Embedding with max_norm, weights clamped or normalised in place in forward, or "
        "backward() called there",
        fix="normalise weights after each step, or as a parametrization; take gradients inside forward with "
        "torch.autograd.grad",
    )


@final
class WriteGuard(TorchDispatchMode):
    """Refuses, before it happens, every operation that would write into a parameter or its gradient."""

    def __init__(self, module: torch.nn.Module) -> None:
        super().__init__()
        tensors = [*module.parameters(), *(p.grad for p in module.parameters())]
        self.refused = ""
        self._guarded = {place for t in tensors if t is not None and (place := _place(t))}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func._schema.is_mutable:
            for k, argument in enumerate(func._schema.arguments):
                written = argument.alias_info is not None and argument.alias_info.is_write
                value = args[k] if k < len(args) else kwargs.get(argument.name)
                if written and any(_place(t) in self._guarded for t in _tensors(value)):
                    self.refused = str(func)
                    raise writes_parameters(self.refused)
        return func(*args, **kwargs)


def check_writes_nothing(module: torch.nn.Module, x: torch.Tensor) -> None:
    """One guarded forward pass; what else may go wrong in it is left to the checks that follow."""
    parameters = list(module.parameters())
    gradients = [p.grad for p in parameters]
    guard = WriteGuard(module)
    with contextlib.suppress(Exception), guard:
        module(x.clone())
    if guard.refused:
        raise writes_parameters(f"{guard.refused} of a parameter or its gradient within forward")
    if any(p.grad is not g for p, g in zip(parameters, gradients, strict=True)):
        raise writes_parameters("gradients of parameters that forward sets")


def _tensors(value: Any) -> list[torch.Tensor]:
    values = value if isinstance(value, list | tuple) else [value]
    return [each for each in values if isinstance(each, torch.Tensor)]


def _place(tensor: torch.Tensor) -> int:
    """Where its numbers lie in memory; 0 where that has no meaning."""
    try:
        return tensor.untyped_storage().data_ptr()
    except (RuntimeError, NotImplementedError):
        return 0
