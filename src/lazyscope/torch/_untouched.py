"""How is a module asked without leaving a trace in it?"""

import contextlib
from collections.abc import Iterator, Sequence

import torch

from lazyscope._checks import InputError
from lazyscope.torch._refusals import random_function


@contextlib.contextmanager
def untouched(module: torch.nn.Module) -> Iterator[None]:
    """Gradients on, random state and buffers put back, whatever happens inside.

    Gradients of parameters, modes, hooks and ``requires_grad`` are never written.
    """
    device = next(module.parameters()).device.type
    if torch.is_autocast_enabled(device):
        raise InputError(
            "a module must compute in the precision of its parameters",
            received=f"autocast switched on for {device}",
            cause="a call inside torch.autocast",
            fix="call it outside of torch.autocast",
        )
    buffers = [
        (owner, name, buffer, buffer.clone())
        for owner in module.modules()
        for name, buffer in owner._buffers.items()
        if buffer is not None
    ]
    parameters = list(module.parameters())
    versions = [p._version for p in parameters]
    cards = sorted({p.get_device() for p in parameters if p.is_cuda})
    with torch.random.fork_rng(cards), torch.inference_mode(False), torch.enable_grad():
        try:
            yield
        finally:
            _put_back(buffers)
    if versions != [p._version for p in parameters]:
        raise random_function("a forward pass that writes into its parameters")


@torch.no_grad()
def _put_back(
    buffers: Sequence[tuple[torch.nn.Module, str, torch.Tensor, torch.Tensor]],
) -> None:
    for owner, name, buffer, value in buffers:
        owner._buffers[name] = buffer
        if buffer.shape != value.shape or buffer.dtype != value.dtype:
            buffer.data = value
        elif not torch.equal(buffer, value):
            buffer.copy_(value)
