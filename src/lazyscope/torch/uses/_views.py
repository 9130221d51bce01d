"""Which entries of a parameter does a tensor hold?

A tensor that only picks, reorders, reshapes or multiplies by a number is a *view* of its parameter:
the numbers of its entries say how a gradient of the view becomes a gradient of the parameter.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch.nn import functional

_NAMES = (
    "t", "transpose", "swapaxes", "swapdims", "permute", "movedim", "moveaxis", "reshape", "view",
    "view_as", "reshape_as", "flatten", "unflatten", "squeeze", "unsqueeze", "chunk", "split",
    "tensor_split", "unbind", "narrow", "select", "index_select", "expand", "expand_as",
    "contiguous", "clone", "adjoint", "ravel", "broadcast_to", "__getitem__",
)  # fmt: skip
_PROPERTIES = ("T", "mT", "H", "mH", "real")
_CASTS = (
    "to", "type", "type_as", "float", "double", "cpu", "cuda", "requires_grad_", "positive",
    "__pos__",
)  # fmt: skip
"""Functions that hand on the numbers, at most in another precision or on another device."""


class View(NamedTuple):
    """Entries of one parameter times a number, plus a number that is the same for all.

    ``entries`` holds the numbers of the entries in the parameter, in the shape of the view; None means
    all of them in their own order.
    """

    parameter: int
    shape: tuple[int, ...]
    entries: torch.Tensor | None
    scale: float
    offset: float = 0.0

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


_HANDED_ON = {getattr(owner, name, None) for owner in (torch, torch.Tensor) for name in _CASTS}
_DROPOUTS = {torch.dropout, functional.dropout}
_NUMBER_MORE = {torch.add, torch.Tensor.add, torch.Tensor.__add__, torch.Tensor.__radd__}
_NUMBER_LESS = {torch.sub, torch.subtract, torch.Tensor.sub, torch.Tensor.__sub__}
_NUMBER_MINUS = {torch.rsub, torch.Tensor.__rsub__}


def derived_views(
    view: View, func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> list[View] | None:
    """Views that ``func`` makes of the first argument's view, one per result; None if it makes none."""
    if func in _HANDED_ON or (func in _DROPOUTS and _keeps_all(args, kwargs)):
        return [view]
    if func in _REARRANGING:
        numbers = func(view.numbers(), *args[1:], **kwargs)
        parts = [numbers] if isinstance(numbers, torch.Tensor) else list(numbers)
        return [view._replace(shape=tuple(part.shape), entries=part) for part in parts]
    if func in _MINUS:
        return [_times(view, -1.0)]
    number = _number(args[1]) if len(args) == 2 and not kwargs else None
    if number is None:
        return None
    if func in _NUMBER_TIMES:
        return [_times(view, number)]
    if func in _NUMBER_BELOW and number != 0:
        return [_times(view, 1 / number)]
    if func in _NUMBER_MORE:
        return [view._replace(offset=view.offset + number)]
    if func in _NUMBER_LESS:
        return [view._replace(offset=view.offset - number)]
    if func in _NUMBER_MINUS:
        less = _times(view, -1.0)
        return [less._replace(offset=less.offset + number)]
    return None


def _times(view: View, number: float) -> View:
    return view._replace(scale=view.scale * number, offset=view.offset * number)


def _keeps_all(args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    """Whether dropout drops nothing."""
    training = args[2] if len(args) > 2 else kwargs.get("training", True)
    return not training or (args[1] if len(args) > 1 else kwargs.get("p", 0.5)) == 0


def looked_up(view: View, rows: torch.Tensor) -> View:
    """Rows of a view, picked by numbers that do not depend on the examples."""
    entries = view.numbers()[rows.cpu()]
    return view._replace(shape=tuple(entries.shape), entries=entries)


def _number(value: Any) -> float | None:
    """A Python number, or a tensor with one entry and without a gradient; else None."""
    if isinstance(value, torch.Tensor):
        fixed = value.ndim == 0 and not value.requires_grad and value.is_floating_point()
        return float(value) if fixed else None
    return float(value) if isinstance(value, int | float) else None
