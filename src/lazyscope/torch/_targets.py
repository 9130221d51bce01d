"""Do targets fit the examples and the outputs?"""

from typing import Any

import torch

from lazyscope._checks import InputError
from lazyscope.torch._question import Question
from lazyscope.torch._values import as_array


def check_targets(name: str, y: Any, question: Question, num_outputs: int) -> torch.Tensor | None:
    """Targets (n, C) as a tensor like the parameters, or None if there are none."""
    if y is None:
        return None
    first = question.parameters[0]
    array = as_array(name, y)
    wanted = (len(question.x1), num_outputs)
    if array.shape != wanted:
        raise InputError(
            f"{name} must hold a real target for every point and output",
            received=f"shape {array.shape} for {wanted[0]} points and {wanted[1]} outputs",
            cause="class labels instead of one-hot targets, or targets of other points",
            fix=f"give an array of shape {wanted}, for class labels "
            f"torch.nn.functional.one_hot(labels, {wanted[1]})",
        )
    return torch.as_tensor(array, dtype=first.dtype, device=first.device)
