"""How is a module asked without leaving a trace in it?"""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import torch

from lazyscope._checks import InputError
from lazyscope.torch.state._attributes import attributes_restored
from lazyscope.torch.state._lock import held
from lazyscope.torch.state._process_state import process_state_held
from lazyscope.torch.state._write_guard import writes_parameters


@contextlib.contextmanager
def state_restored(module: torch.nn.Module) -> Iterator[None]:
    """Gradients on, and everything put back, whatever happens inside and however it ends.

    Afterwards every parameter and buffer is the object it was, with its value, gradient, hooks and
    ``requires_grad``; every part has its attributes, mode and hooks; random states are those of before.

    Inside, hooks on the gradients of parameters are off: they belong to the step that training takes,
    not to the function that the module is. No other thread looks at this module, at a part of it, or at
    a parameter of it inside.
    """
    with looked_at_alone(module), process_state_held():
        device = next(module.parameters()).device.type
        if torch.is_autocast_enabled(device):
            raise InputError(
                "a module must compute in the precision of its parameters",
                received=f"autocast switched on for {device}",
                cause="a call inside torch.autocast",
                fix="call it outside of torch.autocast",
            )
        parameters = list(module.parameters())
        versions = [p._version for p in parameters]
        with (
            _tensors_kept(module),
            attributes_restored(module),
            torch.inference_mode(False),
            torch.enable_grad(),
        ):
            yield
        if versions != [p._version for p in parameters]:
            raise writes_parameters("parameters that changed while the module was called")


@contextlib.contextmanager
def looked_at_alone(module: torch.nn.Module) -> Iterator[None]:
    """No other thread looks at a part or a tensor of the module inside."""
    with held(module.modules()), held([*module.parameters(), *module.buffers()]):
        yield


class _Parameter(NamedTuple):
    """A parameter with what may be set on it."""

    tensor: torch.Tensor
    requires_grad: bool
    gradient: torch.Tensor | None
    hooks: Any
    hooks_within: dict[int, Any]


@contextlib.contextmanager
def _tensors_kept(module: torch.nn.Module) -> Iterator[None]:
    """Values of buffers, and what is set on parameters, as before; hooks on gradients off inside."""
    buffers = [(buffer, buffer.clone()) for buffer in module.buffers()]
    parameters = [
        _Parameter(p, p.requires_grad, p.grad, p._backward_hooks, dict(p._backward_hooks or {}))
        for p in module.parameters()
    ]
    try:
        for each in parameters:
            if each.hooks:
                each.tensor._backward_hooks = None
        yield
    finally:
        for each in parameters:
            _put_back(each)
        _put_back_values(buffers)


def _put_back(each: _Parameter) -> None:
    p = each.tensor
    if p.requires_grad != each.requires_grad:
        p.requires_grad_(each.requires_grad)
    if p.grad is not each.gradient:
        p.grad = each.gradient
    if each.hooks is not None and list(each.hooks) != list(each.hooks_within):
        each.hooks.clear()
        each.hooks.update(each.hooks_within)
    if p._backward_hooks is not each.hooks:
        p._backward_hooks = each.hooks


@torch.no_grad()
def _put_back_values(buffers: Sequence[tuple[torch.Tensor, torch.Tensor]]) -> None:
    for buffer, value in buffers:
        if buffer.shape != value.shape or buffer.dtype != value.dtype:
            buffer.data = value
        elif not torch.equal(buffer, value):
            buffer.copy_(value)
