"""How do the outputs change to first order when parameters move?"""

import contextlib
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import torch
from torch.func import jvp
from torch.nn.attention import SDPBackend, sdpa_kernel

from lazyscope.torch._question import call
from lazyscope.torch.kernel._vjp import gradients
from lazyscope.torch.state._functional_call import Pairs, reaches, substituted

Tensors = Mapping[str, torch.Tensor]


class Start(NamedTuple):
    """Parameters and buffers by name at which a module is linearised."""

    parameters: Tensors
    buffers: Tensors


Push = Callable[[torch.nn.Module, Start, Tensors, torch.Tensor], tuple[torch.Tensor, torch.Tensor]]
"""``(f, J v)`` of a module at a start, in a direction v, on inputs x."""


def find_push(
    module: torch.nn.Module,
    start: Start,
    x: torch.Tensor,
    precision: float,
    *,
    fixed: bool = False,
) -> Push | None:
    """A way that works for this module, and agrees with the backward pass on x; None if there is none.

    ``precision`` is the rounding of the coarsest part of the module; ``fixed``: the module stays at the
    start, so that parameters need not be replaced.
    """
    direction = {k: torch.cos(torch.arange(p.numel(), device=p.device)).reshape(p.shape).to(p.dtype)
                 for k, p in start.parameters.items()}  # fmt: skip
    for push in (_forward, _twice_backward, *([_in_place] if fixed else [])):
        with contextlib.suppress(Exception):  # a way that fails, whatever the reason, is not taken
            before, found = push(module, start, direction, x)
            if _adjoint(module, start, direction, x, (before, found), precision):
                return push
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
    registered = _registered(module)

    def outputs(parameters: Tensors) -> torch.Tensor:
        with substituted(module, _pairs(registered, Start(parameters, start.buffers))):
            return module(x.clone())

    with _differentiable():
        found = jvp(outputs, (dict(start.parameters),), (dict(direction),))
    if found[0].requires_grad:
        raise _out_of_reach()
    return found[0].detach(), found[1].detach()


def _twice_backward(
    module: torch.nn.Module, start: Start, direction: Tensors, x: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """By differentiating the pull-back, which is linear in what is pulled back."""
    registered = _registered(module)
    values = {k: p.detach().requires_grad_() for k, p in start.parameters.items()}
    with torch.enable_grad(), _differentiable():
        with substituted(module, _pairs(registered, Start(values, start.buffers))):
            out = call(module, x)
        if reaches(out, [p for p in registered.values() if p.requires_grad]):
            raise _out_of_reach()
        return out.detach(), _pushed(out, values, direction)


def _in_place(
    module: torch.nn.Module, start: Start, direction: Tensors, x: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """The same at the module's own parameters, wherever it keeps them."""
    with torch.enable_grad(), _differentiable():
        out = call(module, x)
        return out.detach(), _pushed(out, dict(module.named_parameters()), direction)


def _pushed(out: torch.Tensor, values: Tensors, direction: Tensors) -> torch.Tensor:
    signal = torch.zeros_like(out, requires_grad=True)
    pulled = torch.autograd.grad(
        out, [values[k] for k in direction], signal, create_graph=True, materialize_grads=True,
        allow_unused=True,
    )  # fmt: skip
    terms = [(g * v).sum() for g, v in zip(pulled, direction.values(), strict=True)]
    (found,) = torch.autograd.grad(torch.stack(terms).sum(), signal)
    return found.detach()


def _registered(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    return dict(module.named_parameters()) | dict(module.named_buffers())


def _pairs(registered: dict[str, torch.Tensor], values: Start) -> Pairs:
    named = dict(values.parameters) | dict(values.buffers)
    return [(registered[name], value) for name, value in named.items() if name in registered]


def _out_of_reach() -> RuntimeError:
    return RuntimeError("the module keeps parameters where they cannot be replaced")


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
        out = call(module, x)
        u = torch.cos(torch.arange(out.numel(), device=out.device)).reshape(out.shape).to(out.dtype)
        pulled = gradients(out, [values[k] for k in direction], u)
    terms = [(g * v).sum() for g, v in zip(pulled, direction.values(), strict=True)]
    sizes = [(g.norm() * v.norm()) for g, v in zip(pulled, direction.values(), strict=True)]
    bound = precision**0.75 * 10
    same = (before - out).abs().max() <= bound * out.abs().max()
    gap = (torch.stack(terms).sum() - (u * found).sum()).abs()
    return bool(same) and bool(gap <= bound * torch.stack(sizes).sum())
