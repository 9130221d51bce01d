"""What are the gradients of each example, for parameters whose use was not recognised?"""

import warnings
from collections.abc import Sequence

import torch
from torch.func import functional_call, jacrev, vmap

from lazyscope.torch._question import Question

_CANNOT = (RuntimeError, NotImplementedError, ValueError, TypeError, AttributeError, KeyError)


def jacobians(question: Question, numbers: Sequence[int], x: torch.Tensor) -> list[torch.Tensor]:
    """Gradients (n, C, size) of the numbered parameters, for each example.

    All examples at once where `torch.func` can; it is believed only where it agrees with `autograd`
    on the first example. Else one example after the other.
    """
    first = _by_autograd(question, numbers, x[:1])
    if len(x) == 1:
        return first
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = _at_once(question, numbers, x)
    except _CANNOT:
        found = None
    if found is not None and all(map(_agree, found, first)):
        return found
    rest = [_by_autograd(question, numbers, one[None]) for one in x[1:]]
    return [torch.cat(parts) for parts in zip(first, *rest, strict=True)]


def _by_autograd(question: Question, numbers: Sequence[int], x: torch.Tensor) -> list[torch.Tensor]:
    """Gradients (1, C, size) of one example, an output at a time."""
    parameters = [question.parameters[k] for k in numbers]
    out = question.module(x)[0]
    rows = [
        torch.autograd.grad(
            value, parameters, retain_graph=True, allow_unused=True, materialize_grads=True
        )
        for value in out
    ]
    return [
        torch.stack([_dense(g).flatten() for g in each])[None] for each in zip(*rows, strict=True)
    ]


def _dense(gradient: torch.Tensor) -> torch.Tensor:
    return gradient.to_dense() if gradient.is_sparse else gradient


def _at_once(question: Question, numbers: Sequence[int], x: torch.Tensor) -> list[torch.Tensor]:
    names = [question.names[k] for k in numbers]

    def outputs(values: dict[str, torch.Tensor], one: torch.Tensor) -> torch.Tensor:
        return functional_call(question.module, values, (one[None],))[0]

    values = {name: question.parameters[k].detach() for name, k in zip(names, numbers, strict=True)}
    found = vmap(jacrev(outputs), in_dims=(None, 0))(values, x)
    return [found[name].flatten(2) for name in names]


def _agree(found: torch.Tensor, first: torch.Tensor) -> bool:
    size = float(first.abs().max()) if first.numel() else 0.0
    bound = 100 * torch.finfo(first.dtype).eps ** 0.75 * size
    return bool(((found[:1] - first).abs() <= bound).all())
