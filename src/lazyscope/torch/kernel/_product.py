"""What does the tangent kernel of a module do to a vector, without being formed?"""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from lazyscope._checks import InputError
from lazyscope.torch._question import Question, call
from lazyscope.torch._values import as_array
from lazyscope.torch.kernel._kernel import MEMORY, Examples, prepare
from lazyscope.torch.kernel._linearised import Start, find_push
from lazyscope.torch.kernel._vjp import gradients
from lazyscope.torch.state._restore import state_restored

_COMPARED = 8
"""Examples on which the forward derivative is compared with the backward one."""


def tangent_kernel_product(
    module: torch.nn.Module,
    x1: Examples,
    vector: Float[np.ndarray, "n2 C"],
    x2: Examples | None = None,
    *,
    memory: float = MEMORY,
) -> Float[np.ndarray, "n1 C"]:
    """Tangent kernel times vector, from one backward and one forward derivative.

    Definition, a plain sum over points and outputs::

        out[i, c] = sum_{j, k} K(x1_i, x2_j)[c, k] vector[j, k]

    which is ``J(x1) (J(x2)^T vector)``.

    Args:
        module: as for `tangent_kernel`.
        x1: points at which the product is wanted.
        vector: one number for each of the points x2 and outputs.
        x2: points that the vector belongs to; None means x1.
        memory: bytes allowed for intermediates; the points are taken in blocks that fit.

    Returns:
        The product, in the precision of the parameters.

    Raises:
        InputError: as for `tangent_kernel`; a vector that does not fit x2 and the outputs; a module
            without a forward derivative (some recurrent layers, extensions).

    Cost: about three forward passes for each point of x2 and of x1.
    Trust: exact to rounding; forward and backward derivative are compared once in every call.

    Example:
        >>> import numpy as np, torch
        >>> x = np.array([[1.0, 2.0], [0.0, 1.0]])
        >>> layer = torch.nn.Linear(2, 1, bias=False)
        >>> tangent_kernel_product(layer, x, np.array([[1.0], [10.0]])).ravel().tolist()
        [25.0, 12.0]
    """
    question, sketch, _ = prepare(module, x1, x2, memory)
    with state_restored(question.module):
        others = question.x1 if question.x2 is None else question.x2
        weights = _check_vector(question, others, vector, sketch.num_outputs)
        start = Start(
            {n: p.detach() for n, p in zip(question.names, question.parameters, strict=True)},
            dict(question.module.named_buffers()),
        )
        some = question.x1[:: max(1, len(question.x1) // _COMPARED)][:_COMPARED]
        push = find_push(question.module, start, some, sketch.precision, fixed=True)
        if push is None:
            raise _without_push(question)
        bytes_each = 4 * max(1, sketch.numbers) * weights.element_size()
        size = max(1, int(memory / bytes_each))
        direction = _pulled_back(question, others, weights, size)
        parts = [push(question.module, start, direction, x)[1] for x in question.x1.split(size)]
        found = torch.cat(parts)
        if question.x2 is None and not _agrees(weights, found, direction, sketch.precision):
            raise _without_push(question)
    return found.cpu().numpy()


def _without_push(question: Question) -> InputError:
    return InputError(
        "the product needs a derivative in forward direction",
        received=f"a {type(question.module).__name__} without one that agrees with the backward pass",
        cause="an extension, or a function with a derivative of its own",
        fix="form the kernel with tangent_kernel and multiply",
    )


def _agrees(
    weights: torch.Tensor, found: torch.Tensor, direction: dict[str, torch.Tensor], precision: float
) -> bool:
    """Whether <w, J J^T w> = |J^T w|^2, on all examples; numbers that overflow are left as they are."""
    left = float((weights.double() * found.double()).sum())
    right = sum(float(g.double().square().sum()) for g in direction.values())
    size = float((weights.double() * found.double()).abs().sum())
    gap = abs(left - right)
    return not gap > 100 * precision**0.75 * max(size, right)


def _pulled_back(
    question: Question, x: torch.Tensor, weights: torch.Tensor, size: int
) -> dict[str, torch.Tensor]:
    """J(x)^T weights, block by block."""
    total = [torch.zeros_like(p) for p in question.parameters]
    for block, weight in zip(x.split(size), weights.split(size), strict=True):
        found = gradients(call(question.module, block), question.parameters, weight)
        total = [a.detach() + b for a, b in zip(total, found, strict=True)]
    return dict(zip(question.names, total, strict=True))


def _check_vector(
    question: Question, x: torch.Tensor, vector: Any, num_outputs: int
) -> torch.Tensor:
    weights = as_array("vector", vector)
    wanted = (len(x), num_outputs)
    if weights.shape != wanted:
        raise InputError(
            "the vector must hold one real number for every point and output",
            received=f"shape {weights.shape} for {wanted[0]} points and {wanted[1]} outputs",
            cause="a flattened vector, or one that belongs to other points",
            fix=f"reshape it to {wanted}",
        )
    first = question.parameters[0]
    return torch.as_tensor(weights, dtype=first.dtype, device=first.device)
