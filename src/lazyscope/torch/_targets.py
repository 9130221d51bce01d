"""Do targets fit the examples and the outputs?"""

from typing import Any

import torch

from lazyscope._loss import check_rows
from lazyscope.torch._question import Question
from lazyscope.torch._values import as_array


def check_targets(name: str, y: Any, question: Question, num_outputs: int) -> torch.Tensor | None:
    """Targets (n, C) as a tensor like the parameters, or None if there are none."""
    if y is None:
        return None
    first = question.parameters[0]
    array = as_array(name, y)
    wanted = (len(question.x1), num_outputs)
    check_rows(name, array, wanted, "torch.nn.functional.one_hot")
    return torch.as_tensor(array, dtype=first.dtype, device=first.device)
