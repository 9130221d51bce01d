"""Which entries of a parameter does a tensor hold?

A tensor that only picks, reorders, reshapes or multiplies by a number is a *view* of its parameter:
the numbers of its entries say how a gradient of the view becomes a gradient of the parameter.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch

_NAMES = (
    "t", "transpose", "swapaxes", "swapdims", "permute", "movedim", "moveaxis", "reshape", "view",
    "view_as", "reshape_as", "flatten", "unflatten", "squeeze", "unsqueeze", "chunk", "split",
    "tensor_split", "unbind", "narrow", "select", "index_select", "expand", "expand_as",
    "contiguous", "clone", "adjoint", "ravel", "broadcast_to", "__getitem__",
)  # fmt: skip
_PROPERTIES = ("T", "mT", "H", "mH")


class View(NamedTuple):
    """Entries of one parameter times a number.

    ``entries`` holds the numbers of the entries in the parameter, in the shape of the view; None means
    all of them in their own order.
    """

    parameter: int
    shape: tuple[int, ...]
    entries: torch.Tensor | None
    scale: float

    def numbers(self) -> torch.Tensor:
        """Numbers of the entries, written out."""
        if self.entries is None:
            return torch.arange(math.prod(self.shape)).reshape(self.shape)
        return self.entries


def _rearrangements() -> set[Callable[..., Any]]:
    found = {getattr(owner, name, None) for owner in (torch, torch.Tensor) for name in _NAMES}
    found |= {getattr(torch.Tensor, name).__get__ for name in _PROPERTIES}
    return {each for each in found if each is not None}


_REARRANGING = _rearrangements()
_NUMBER_TIMES = {torch.mul, torch.multiply, torch.Tensor.mul, torch.Tensor.multiply}
_NUMBER_TIMES |= {torch.Tensor.__mul__, torch.Tensor.__rmul__}
_NUMBER_BELOW = {torch.div, torch.true_divide, torch.divide, torch.Tensor.div}
_NUMBER_BELOW |= {torch.Tensor.__truediv__, torch.Tensor.true_divide, torch.Tensor.divide}
_MINUS = {torch.neg, torch.negative, torch.Tensor.neg, torch.Tensor.__neg__}


def derived_views(
    view: View, func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> list[View] | None:
    """Views that ``func`` makes of the first argument's view, one per result; None if it makes none."""
    if func in _REARRANGING:
        numbers = func(view.numbers(), *args[1:], **kwargs)
        parts = [numbers] if isinstance(numbers, torch.Tensor) else list(numbers)
        return [View(view.parameter, tuple(part.shape), part, view.scale) for part in parts]
    if func in _MINUS:
        return [view._replace(scale=-view.scale)]
    number = _number(args[1]) if len(args) == 2 and not kwargs else None
    if number is not None and func in _NUMBER_TIMES:
        return [view._replace(scale=view.scale * number)]
    if number is not None and func in _NUMBER_BELOW and number != 0:
        return [view._replace(scale=view.scale / number)]
    return None


def looked_up(view: View, rows: torch.Tensor) -> View:
    """Rows of a view, picked by numbers that do not depend on the examples."""
    entries = view.numbers()[rows.cpu()]
    return View(view.parameter, tuple(entries.shape), entries, view.scale)


def _number(value: Any) -> float | None:
    """A Python number, or a tensor with one entry and without a gradient; else None."""
    if isinstance(value, torch.Tensor):
        fixed = value.ndim == 0 and not value.requires_grad and value.is_floating_point()
        return float(value) if fixed else None
    return float(value) if isinstance(value, int | float) else None
