"""Which points and targets does somebody mean who gives a data set or a pair?"""

from typing import Any

from lazyscope._checks import InputError


def from_tensor(values: Any) -> Any:
    """A tensor of PyTorch in a form that NumPy knows; anything else as it is."""
    if not hasattr(values, "detach"):
        return values
    values = values.detach().cpu()
    return values.float() if str(values.dtype) == "torch.bfloat16" else values


def points_and_targets(data: Any) -> tuple[Any, Any]:
    """Both as they were given; what they are is not checked.

    Raises:
        InputError: neither a data set nor a pair.
    """
    pair = (data.x_train, data.y_train) if hasattr(data, "x_train") else data
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise InputError(
            "data must be a data set, or a pair of inputs and targets",
            received=f"{data!r:.80}",
            cause="the name of a data set, or inputs without targets",
            fix="give load_dataset(name), or (x, y)",
        )
    x, y = pair
    return x, y
