"""What are the derivatives of outputs, as dense tensors, or why can there be none?"""

from collections.abc import Sequence
from typing import Any

import torch

from lazyscope.torch._refusals import overwritten_on_the_way


def gradients(out: torch.Tensor, at: Sequence[Any], signal: torch.Tensor) -> list[torch.Tensor]:
    """J^T signal at tensors or edges of the graph, which is kept; zeros where no output depends on one.

    Raises:
        InputError: numbers that the backward pass needs were overwritten in the forward pass.
    """
    return [g for g in _found(out, at, signal, materialize=True) if g is not None]


def gradients_or_none(
    out: torch.Tensor, at: Sequence[Any], signal: torch.Tensor
) -> list[torch.Tensor | None]:
    """`gradients`, None where no output depends on a tensor or an edge."""
    return _found(out, at, signal, materialize=False)


def _found(
    out: torch.Tensor, at: Sequence[Any], signal: torch.Tensor, *, materialize: bool
) -> list[torch.Tensor | None]:
    try:
        found = torch.autograd.grad(
            out,
            list(at),
            signal,
            retain_graph=True,
            allow_unused=True,
            materialize_grads=materialize,
        )
    except RuntimeError as error:
        if "modified by an inplace operation" not in str(error):
            raise
        raise overwritten_on_the_way(str(error)) from error
    return [g.to_dense() if g is not None and g.is_sparse else g for g in found]
