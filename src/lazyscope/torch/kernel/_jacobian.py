"""What are the gradients of each example, for parameters whose use was not recognised?"""

import warnings
from collections.abc import Sequence

import torch
from torch.func import jacrev, vmap

from lazyscope.torch._question import Question, call
from lazyscope.torch.kernel._vjp import gradients
from lazyscope.torch.state._functional_call import substituted


def jacobians(question: Question, numbers: Sequence[int], x: torch.Tensor) -> list[torch.Tensor]:
    """Gradients (n, C, size) of the numbered parameters, for each example.

    All examples at once where `torch.func` can; it is believed only where a random combination of all of
    them agrees with `autograd`. Else one example after the other.
    """
    if len(x) > 1:
        found = _at_once(question, numbers, x)
        if found is not None and _agree(question, numbers, x, found):
            return found
    rows = [_by_autograd(question, numbers, one[None]) for one in x]
    return [torch.cat(parts) for parts in zip(*rows, strict=True)]


def _by_autograd(question: Question, numbers: Sequence[int], x: torch.Tensor) -> list[torch.Tensor]:
    """Gradients (1, C, size) of one example, an output at a time."""
    parameters = [question.parameters[k] for k in numbers]
    out = call(question.module, x)[0]
    rows = [_gradients(value, parameters, torch.ones_like(value)) for value in out]
    return [torch.stack([g.flatten() for g in each])[None] for each in zip(*rows, strict=True)]


def _gradients(
    out: torch.Tensor, parameters: Sequence[torch.Tensor], signal: torch.Tensor
) -> list[torch.Tensor]:
    """J^T signal; zeros for outputs that no parameter reaches."""
    if not out.requires_grad:
        return [torch.zeros_like(p) for p in parameters]
    return gradients(out, parameters, signal)


def _at_once(
    question: Question, numbers: Sequence[int], x: torch.Tensor
) -> list[torch.Tensor] | None:
    """By `torch.func`; None where it fails, or where the module keeps parameters out of its reach."""
    module, parameters = question.module, question.parameters
    fixed = {k: p.detach() for k, p in enumerate(parameters) if k not in numbers}

    def outputs(values: list[torch.Tensor], one: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        meanwhile = fixed | dict(zip(numbers, values, strict=True))
        with substituted(module, [(p, meanwhile[k]) for k, p in enumerate(parameters)]):
            out = module(one[None].clone())[0]
        return out, out

    values = [parameters[k].detach() for k in numbers]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found, out = vmap(jacrev(outputs, has_aux=True), in_dims=(None, 0))(values, x)
    except Exception:  # whatever it is, the other way answers or says why not
        return None
    if out.requires_grad:
        return None
    return [g.reshape(len(x), out.shape[1], -1) for g in found]


def _agree(
    question: Question, numbers: Sequence[int], x: torch.Tensor, found: Sequence[torch.Tensor]
) -> bool:
    """Whether the gradients of all examples add up to those of the batch, with random weights."""
    generator = torch.Generator().manual_seed(len(x))
    out = call(question.module, x)
    weights = torch.randn(out.shape, generator=generator, dtype=torch.float64).to(out)
    expected = _gradients(out, [question.parameters[k] for k in numbers], weights)
    for g, total in zip(found, expected, strict=True):
        terms = (weights[..., None] * g).flatten(0, 1)
        gap = (terms.sum(0) - total.flatten()).abs()
        bound = 100 * torch.finfo(g.dtype).eps ** 0.75 * float(terms.abs().sum(0).max())
        if g.numel() and not bool((gap <= bound).all()):
            return False
    return True
