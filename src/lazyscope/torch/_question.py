"""Is a module with its inputs a well-posed question for a tangent kernel?"""

from typing import Any, NamedTuple

import torch

from lazyscope._checks import InputError
from lazyscope.torch._refusals import (
    as_inputs,
    check_alike,
    check_module,
    check_outputs,
    check_parameters,
    does_not_run,
    mixing,
)
from lazyscope.torch.state._functional_call import Pairs, substituted
from lazyscope.torch.state._restore import looked_at_alone

_EXAMPLES = 4


class Question(NamedTuple):
    """A module, its trainable parameters by name, and inputs of one precision on one device.

    ``x2=None`` is x1 against itself.
    """

    module: torch.nn.Module
    names: tuple[str, ...]
    parameters: tuple[torch.nn.Parameter, ...]
    x1: torch.Tensor
    x2: torch.Tensor | None


@torch.inference_mode(mode=False)
def pose(module: Any, x1: Any, x2: Any | None = None) -> Question:
    """Check everything that can be seen without calling the module."""
    check_module(module)
    module = getattr(module, "_orig_mod", module)  # what torch.compile wraps
    with looked_at_alone(module):
        named = [(name, p) for name, p in module.named_parameters() if p.requires_grad]
        _check_made_for_gradients(module)
    dtype, device = check_parameters(named)
    first = as_inputs("x1", x1, dtype, device)
    second = None if x2 is None else as_inputs("x2", x2, dtype, device)
    if second is not None:
        check_alike(first, second)
    names, parameters = zip(*named, strict=True)
    return Question(module, names, parameters, first, second)


def _check_made_for_gradients(module: torch.nn.Module) -> None:
    """Refuse tensors that autograd cannot work with."""
    for kind, named in (
        ("parameter", module.named_parameters()),
        ("buffer", module.named_buffers()),
    ):
        for name, tensor in named:
            if tensor.is_inference():
                raise InputError(
                    "the tensors of a module must be made outside of torch.inference_mode",
                    received=f"the {kind} {name}, which is an inference tensor",
                    cause="a module built or loaded within torch.inference_mode, so that PyTorch cannot "
                    "differentiate it",
                    fix="give copy.deepcopy(module), made outside of torch.inference_mode",
                )


def call(module: torch.nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Outputs (n, C) of a module, which must be able to take the examples.

    It gets a copy of them, since a forward pass may write into its inputs.
    """
    try:
        out = module(x.clone())
    except (InputError, MemoryError, torch.cuda.OutOfMemoryError):
        raise
    except Exception as error:
        raise does_not_run(x, error) from error
    return check_outputs(out, len(x))


def few_examples(question: Question) -> torch.Tensor:
    """Some examples of which two differ, where that can be had."""
    batch = question.x1[:_EXAMPLES]
    if question.x2 is not None:
        batch = torch.cat([batch, question.x2[:_EXAMPLES]])
    others = (batch != batch[:1]).reshape(len(batch), -1).any(1).nonzero()
    if len(others):
        return batch[[0, int(others[0])]]
    first = batch[:1]
    turned = first.flip(-1) if first.dim() > 1 else first
    if torch.equal(turned, first) and first.is_floating_point():
        turned = first * 1.01 + 0.01
    return torch.cat([first, turned])


def check_separate(question: Question, batch: torch.Tensor) -> None:
    """Compare examples in a batch with the same examples alone, at nearby parameters.

    Nearby, because mixing may be invisible at the very point, as for a normalisation that starts with
    scale zero. At the point itself where the module cannot be called elsewhere.
    """
    moved = [(p, torch.nn.Parameter(_nearby(p))) for p in question.parameters]
    try:
        together, alone = _both(question.module, moved, batch)
    except InputError:
        together, alone = _both(question.module, [], batch)
    finite = torch.isfinite(alone)
    gap = float(((together - alone).abs() * finite).nan_to_num(0.0).max())
    size = float((alone.abs() * finite).nan_to_num(0.0).max())
    if not gap <= 4 * torch.finfo(alone.dtype).eps ** (2 / 3) * size:
        raise mixing(f"outputs that change by {gap:.2g} (of {size:.2g}) with the rest of the batch")


def _both(
    module: torch.nn.Module, moved: Pairs, batch: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Outputs of the batch together and of each example alone, with other parameters."""
    with substituted(module, moved):
        together = call(module, batch).detach()
        return together, torch.cat([call(module, x[None]).detach() for x in batch])


def _nearby(p: torch.Tensor) -> torch.Tensor:
    """Slightly larger entries; numbers of either sign where all are zero."""
    if bool(p.detach().flatten()[:_EXAMPLES].any()) or bool(p.any()):
        return p.detach() * 1.1
    numbers = torch.arange(p.numel(), device=p.device).reshape(p.shape)
    return (0.1 * torch.cos(numbers)).to(p.dtype)
