"""Are the numbers that a question is asked with numbers at all?"""

from typing import Any

import numpy as np
import torch

from lazyscope._checks import InputError, check_array
from lazyscope.torch._question import Question


def check_tensor(name: str, tensor: torch.Tensor) -> torch.Tensor:
    """The tensor, or a refusal of NaN and infinity in it."""
    if not tensor.is_floating_point() or _all_finite(tensor):
        return tensor
    bad = int((~torch.isfinite(tensor)).sum())
    raise InputError(
        f"{name} must be finite",
        received=f"{bad} of {tensor.numel()} numbers that are NaN or infinite",
        cause="missing values in the data, a training that diverged, or an overflow upstream",
        fix="remove or fill the missing values, or start from finite numbers",
    )


def _all_finite(tensor: torch.Tensor) -> bool:
    """One pass over the numbers where it will do: a finite sum has finite terms only."""
    return bool(torch.isfinite(tensor.sum())) or bool(torch.isfinite(tensor).all())


def as_array(name: str, values: Any) -> np.ndarray:
    """Finite real or whole numbers as a NumPy array of its own; the next words are the tensor's as well."""
    if isinstance(values, torch.Tensor) and not values.is_complex():
        values = values.detach().cpu()
        values = values.float() if values.dtype in (torch.bfloat16, torch.float16) else values
    return np.array(check_array(name, values))


def check_parameter_values(question: Question) -> None:
    """Refuse parameters that are not finite before anything is made of them."""
    for name, parameter in zip(question.names, question.parameters, strict=True):
        check_tensor(f"parameter {name}", parameter.detach())
