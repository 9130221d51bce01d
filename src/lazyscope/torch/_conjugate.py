"""What is the covariance of the features of a layer of a module, the empirical conjugate kernel?"""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from lazyscope._checks import InputError, check_positive
from lazyscope._entry import checked
from lazyscope.torch._question import Question, call, check_separate, few_examples, pose
from lazyscope.torch._refusals import mixing, random_function
from lazyscope.torch._values import check_parameter_values
from lazyscope.torch.kernel._kernel import MEMORY, Examples
from lazyscope.torch.state._restore import state_restored
from lazyscope.torch.state._write_guard import check_writes_nothing

_KEPT = 8
"""Numbers that a forward pass holds at a time, in units of those of the layer and of the example."""


@checked(own=("module", "x1", "x2", "memory"))
def conjugate_kernel(
    module: torch.nn.Module,
    x1: Examples,
    x2: Examples | None = None,
    *,
    layer: str | None = None,
    memory: float = MEMORY,
) -> Float[np.ndarray, "n1 n2"]:
    """Empirical covariance of the features of a layer, uncentred: the conjugate kernel of a finite module.

    Definition, a mean over the m units u of the layer (channels at all positions, where there are some)::

        K[i, j] = (1 / m) sum_u h_u(x1_i) h_u(x2_j)

    Args:
        module: as for `tangent_kernel`.
        x1: as for `tangent_kernel`.
        x2: as for `tangent_kernel`.
        layer: name in ``named_modules()`` of the part whose result is meant; None means the outputs.
        memory: bytes allowed for intermediates; examples are taken in blocks that about fit.

    Returns:
        The kernel, in the precision of the parameters.

    Raises:
        InputError: as for `tangent_kernel`; a layer that is not there, is not called or more than once, or
            gives no tensor (n, ...).

    Cost: one forward pass per example, and m multiply-adds per pair.
    Trust: exact to rounding. Reference: Fan & Wang 2020 (arXiv 2005.11879, eq. 3), with the 1 / m of their
    normalised features written out.

    Example:
        >>> import numpy as np, torch
        >>> net = torch.nn.Sequential(torch.nn.Linear(2, 4, bias=False), torch.nn.Linear(4, 1))
        >>> _ = torch.nn.init.ones_(net[0].weight)
        >>> conjugate_kernel(net, np.array([[1.0, 2.0], [0.0, 1.0]]), layer="0").tolist()
        [[9.0, 3.0], [3.0, 1.0]]
    """
    question = pose(module, x1, x2)
    memory = check_positive("memory", memory)
    check_parameter_values(question)
    part = _part(question.module, layer)
    with state_restored(question.module), torch.no_grad():
        check_writes_nothing(question.module, question.x1[:1])
        batch = few_examples(question)
        together, again = (_once(question, part, batch) for _ in range(2))
        if not torch.equal(together, again):
            raise random_function("features that change from one call to the next")
        check_separate(question, batch)
        _compare(together, torch.cat([_once(question, part, one[None]) for one in batch]))
        numbers = _KEPT * (together.shape[1] + batch[0].numel())
        size = max(1, int(memory / (numbers * together.element_size())))
        left = _features(question, part, question.x1, size)
        right = left if question.x2 is None else _features(question, part, question.x2, size)
        return (left @ right.T / left.shape[1]).cpu().numpy()


def _part(module: torch.nn.Module, layer: str | None) -> torch.nn.Module:
    if layer is None:
        return module
    parts = dict(module.named_modules())
    if layer in parts:
        return parts[layer]
    raise InputError(
        "a layer must be a part of the module",
        received=repr(layer),
        cause="a typo, or the name of a parameter",
        fix=f"give one of {', '.join(name for name in list(parts)[:12] if name)}",
    )


def _features(
    question: Question, part: torch.nn.Module, x: torch.Tensor, size: int
) -> torch.Tensor:
    return torch.cat([_once(question, part, block) for block in x.split(size)])


def _once(question: Question, part: torch.nn.Module, x: torch.Tensor) -> torch.Tensor:
    """What the part gives for a batch, (n, m)."""
    seen: list[Any] = []
    handle = part.register_forward_hook(lambda module, given, out: seen.append(out))
    try:
        call(question.module, x)
    finally:
        handle.remove()
    dtype = question.parameters[0].dtype
    found = seen[0] if len(seen) == 1 else None
    if isinstance(found, torch.Tensor) and _are_features(found, len(x)):
        return found.detach().flatten(1).to(dtype)
    received = f"{len(seen)} calls of a {type(part).__name__}"
    if len(seen) == 1:
        kind = tuple(found.shape) if isinstance(found, torch.Tensor) else type(found).__name__
        received = f"{kind} from a {type(part).__name__} for {len(x)} examples"
    raise InputError(
        "a layer must be called once and give a tensor (n, ...)",
        received=received,
        cause="a part that is used in several places or never, or that gives several tensors",
        fix="name a part that gives the features alone, such as the activation behind it",
    )


def _are_features(found: torch.Tensor, num_examples: int) -> bool:
    rows = found.dim() > 1 and len(found) == num_examples
    return rows and found.is_floating_point() and found.numel() > 0


def _compare(together: torch.Tensor, alone: torch.Tensor) -> None:
    """Refuse features that depend on the rest of the batch."""
    size = float(alone.abs().max())
    gap = float((together - alone).abs().max())
    if not gap <= 4 * torch.finfo(alone.dtype).eps ** (2 / 3) * size:
        raise mixing(
            f"features that change by {gap:.2g} (of {size:.2g}) with the rest of the batch"
        )
