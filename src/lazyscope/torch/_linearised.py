"""How do the outputs change to first order when parameters move?"""

import contextlib
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import torch
from torch.func import functional_call, jvp
from torch.nn.attention import SDPBackend, sdpa_kernel

Tensors = Mapping[str, torch.Tensor]


class Start(NamedTuple):
    """Parameters and buffers by name at which a module is linearised."""

    parameters: Tensors
    buffers: Tensors


Push = Callable[[torch.nn.Module, Start, Tensors, torch.Tensor], tuple[torch.Tensor, torch.Tensor]]
"""``(f, J v)`` of a module at a start, in a direction v, on inputs x."""

_CANNOT = (RuntimeError, NotImplementedError, ValueError, TypeError, AttributeError, KeyError)


def find_push(
    module: torch.nn.Module, start: Start, x: torch.Tensor, precision: float
) -> Push | None:
    """A way that works for this module, and agrees with the backward pass; None if there is none.

    ``precision`` is the rounding of the coarsest part of the module.
    """
    direction = {k: torch.cos(torch.arange(p.numel(), device=p.device)).reshape(p.shape).to(p.dtype)
                 for k, p in start.parameters.items()}  # fmt: skip
    for push in (_forward, _twice_backward):
        try:
            before, found = push(module, start, direction, x)
            if _adjoint(module, start, direction, x, (before, found), precision):
                return push
        except _CANNOT:
            continue
    return None


@contextlib.contextmanager
def _differentiable() -> Iterator[None]:
    """Attention written out, since its fused form has no second derivative; remarks on speed kept quiet."""
    with warnings.catch_warnings(), sdpa_kernel(SDPBackend.MATH):
        warnings.simplefilter("ignore")
        yield


def _forward(
    module: torch.nn.Module, start: Start, direction: Tensors, x: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """By dual numbers."""

    def outputs(parameters: Tensors) -> torch.Tensor:
        return functional_call(module, (dict(parameters), dict(start.buffers)), (x,))

    with _differentiable():
        found = jvp(outputs, (dict(start.parameters),), (dict(direction),))
    return found[0].detach(), found[1].detach()


def _twice_backward(
    module: torch.nn.Module, start: Start, direction: Tensors, x: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """By differentiating the pull-back, which is linear in what is pulled back."""
    with torch.enable_grad(), _differentiable():
        values = {k: p.detach().requires_grad_() for k, p in start.parameters.items()}
        out = functional_call(module, (values, dict(start.buffers)), (x,))
        signal = torch.zeros_like(out, requires_grad=True)
        pulled = torch.autograd.grad(
            out, list(values.values()), signal, create_graph=True, materialize_grads=True
        )
        terms = [(g * direction[k]).sum() for k, g in zip(values, pulled, strict=True)]
        (found,) = torch.autograd.grad(torch.stack(terms).sum(), signal)
    return out.detach(), found.detach()


def _adjoint(
    module: torch.nn.Module,
    start: Start,
    direction: Tensors,
    x: torch.Tensor,
    pushed: tuple[torch.Tensor, torch.Tensor],
    precision: float,
) -> bool:
    """Whether <u, J v> = <J^T u, v> for a vector u, and the outputs are the module's own."""
    before, found = pushed
    with torch.enable_grad():
        values = dict(module.named_parameters())
        out = module(x)
        u = torch.cos(torch.arange(out.numel(), device=out.device)).reshape(out.shape).to(out.dtype)
        pulled = torch.autograd.grad(
            out, [values[k] for k in direction], u, materialize_grads=True, allow_unused=True
        )
    terms = [(g * v).sum() for g, v in zip(pulled, direction.values(), strict=True)]
    sizes = [(g.norm() * v.norm()) for g, v in zip(pulled, direction.values(), strict=True)]
    bound = precision**0.75 * 10
    same = (before - out).abs().max() <= bound * out.abs().max()
    gap = (torch.stack(terms).sum() - (u * found).sum()).abs()
    return bool(same) and bool(gap <= bound * torch.stack(sizes).sum())
